/* SPDX-License-Identifier: MIT */
/*
 * key-bytes.h - a key (or value) as the bytes that Kafka holds, and which of
 * them place a record.  One for the sink, which writes them, and for
 * kstream-repartition, which must come to the same partition.
 */
#ifndef KS_KEY_BYTES_H
#define KS_KEY_BYTES_H

#include "config.h"

/* How a msgpack value becomes bytes.  nil is null in all of them. */
enum ks_message_codec {
	KS_AS_TEXT,	/* strings and bytes bare, the rest as JSON */
	KS_AS_JSON,	/* JSON, strings quoted, bytes in base64 */
	KS_AS_BYTES,	/* strings and bytes bare, the rest is refused */
	KS_AS_JSON_OR_BYTES,	/* bytes bare, the rest as JSON: --to was not given */
};

/* That of --key-to. */
enum ks_message_codec ks_key_to_codec(enum ks_key_codec key_to);

/*
 * ks_as_bytes - the bytes of one msgpack value; they borrow from it or from
 * scratch, p == NULL: null.  Returns NULL, or what is wrong; ks_no_memory is
 * not the value's fault.
 */
const char *ks_as_bytes(struct ks_bytes value, enum ks_message_codec codec, unsigned depth,
    struct ks_buf *scratch, struct ks_bytes *bytes) KS_MUST_USE;

/*
 * ks_key_placing - the bytes of a record's key that are hashed for its
 * partition: those of the base key, where flags say that it is a window's (a
 * map with the key in it, or Kafka Streams' bytes of it).
 * As ks_as_bytes.
 */
const char *ks_key_placing(struct ks_bytes key, uint32_t flags, enum ks_message_codec codec, unsigned depth,
    struct ks_buf *scratch, struct ks_bytes *bytes) KS_MUST_USE;

#endif
