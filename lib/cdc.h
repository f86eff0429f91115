/* SPDX-License-Identifier: MIT */
/*
 * cdc.h - change events of a database, as Debezium writes them in JSON: what
 * they do to a table.
 *
 * An event is an object with op, before, after and source, alone or as the
 * payload of {"schema": ..., "payload": ...}.  Only after is used: before
 * has the whole row where the database was told so (REPLICA IDENTITY FULL),
 * and else the key, with what stands for null in the columns beside it.
 * Source: Debezium's PostgreSQL connector 3.7; tests/fixtures/debezium.
 */
#ifndef KS_CDC_H
#define KS_CDC_H

#include "buf.h"
#include "json.h"
#include "value.h"

enum ks_cdc_kind {
	KS_CDC_ROW,		/* c, r, u: the row is now so */
	KS_CDC_DELETE,		/* d, or a null value within its wrapping */
	KS_CDC_TOMBSTONE,	/* a null value: it follows a delete, for Kafka to compact */
	KS_CDC_TRUNCATE,	/* t: all rows are gone; without a key */
	KS_CDC_MESSAGE,		/* m: no row is concerned */
};

struct ks_cdc_event {
	enum ks_cdc_kind kind;
	struct ks_bytes row;	/* of KS_CDC_ROW: an object */
	bool snapshot;		/* r: the row as it was found, not a change */
	bool has_time;
	int64_t time_ms;	/* when it was committed */
	bool has_lsn;
	int64_t lsn;		/* where in the database's log: grows with each change of a row */
	bool unavailable;	/* some column of the row is only said to be as before */
};

/* ks_cdc_read - NULL, or why value (msgpack, borrowed) is no such event. */
const char *ks_cdc_read(struct ks_bytes value, unsigned depth, struct ks_cdc_event *e) KS_MUST_USE;

/*
 * ks_cdc_key - the struct that is the key: out of its wrapping (*unwrapped),
 * and out of JSON text (topics are read with keys as text).  room keeps what
 * had to be parsed.  NULL, or why there is none.
 */
const char *ks_cdc_key(struct ks_json *json, struct ks_bytes key, unsigned depth, struct ks_buf *room,
    struct ks_bytes *plain, bool *unwrapped) KS_MUST_USE;

/*
 * ks_cdc_complete - append row with the columns that are unavailable taken
 * from before, the row as it was; nil or without them: *missing, and they
 * stay as they are.  0, ENOMEM, EMSGSIZE.
 */
int	ks_cdc_complete(struct ks_bytes row, struct ks_bytes before, unsigned depth, struct ks_buf *out, bool *missing)
	    KS_MUST_USE;

#endif
