/* SPDX-License-Identifier: MIT */
/*
 * envelope.h - one JSON object a record, that restores it exactly:
 *
 *	{"topic":"orders","partition":3,"offset":1042,"tstype":"create",
 *	 "ts":1767225600000,"route":null,"flags":["key-changed"],"key":"k",
 *	 "headers":[["h","v"]],"payload":{"price":1.5}}
 *
 * Bytes stand as base64 with key_encoding, payload_encoding or, for a
 * header, a third element "base64" beside them.
 */
#ifndef KS_ENVELOPE_H
#define KS_ENVELOPE_H

#include "json.h"
#include "frame.h"

/* Append the object, without newline.  NULL, or what is wrong with the record; ks_no_memory is not its fault. */
const char *ks_envelope_print(struct ks_buf *b, const struct ks_rec *rec, unsigned depth)
    KS_MUST_USE;

/*
 * ks_envelope_parse - a record from such an object, given as the msgpack of
 * its JSON.  An absent payload is an error, an absent key is null; other
 * members that are absent leave rec as the caller set it.
 * Slices borrow from object, or from scratch, where base64 is decoded to
 * and headers are built.  NULL, or what is wrong, which may stand in scratch.
 */
const char *ks_envelope_parse(struct ks_bytes object, unsigned depth, struct ks_buf *scratch,
    struct ks_rec *rec) KS_MUST_USE;

#endif
