/* SPDX-License-Identifier: MIT */
/*
 * change.h - the value of a record that is a change of a table: [new, old,
 * latest] (KS_CHANGE; Change of Kafka Streams).
 */
#ifndef KS_CHANGE_H
#define KS_CHANGE_H

#include "buf.h"
#include "value.h"

struct ks_change {
	struct ks_bytes now, before;	/* one msgpack value each; nil: no such row */
	bool latest;			/* now is the newest version of the row */
};

/* Read value into c, which borrows.  depth: how deep a side may nest.  NULL, or what is wrong. */
const char *ks_change_parse(struct ks_bytes value, unsigned depth, struct ks_change *c) KS_MUST_USE;

/* Append the value of c to b: 0, ENOMEM, EMSGSIZE. */
int	ks_change_add(struct ks_buf *b, const struct ks_change *c) KS_MUST_USE;

#endif
