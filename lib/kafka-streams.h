/* SPDX-License-Identifier: MIT */
/*
 * kafka-streams.h - the streams that come to a sink, as HELLO tells of them,
 * and where a record came from, packed into the pointer that librdkafka
 * brings back with its report.
 */
#ifndef KS_KAFKA_STREAMS_H
#define KS_KAFKA_STREAMS_H

#include "frame.h"

struct ks_kafka_stream {
	char *name;
	size_t n;
	int32_t partitions;
};

/* All zero bytes are no streams. */
struct ks_kafka_streams {
	struct ks_kafka_stream *list;
	size_t count, last;	/* last: found last, records come in runs */
};

/* Replace what is known by the "streams" of the payload of a HELLO, KS_DATA where it is damaged. */
int	ks_kafka_streams_learn(struct ks_kafka_streams *s, struct ks_bytes hello, unsigned depth,
	    struct ks_err *err) KS_MUST_USE;
void	ks_kafka_streams_forget(struct ks_kafka_streams *s);

/* NULL: HELLO says nothing of it. */
struct ks_kafka_stream *ks_kafka_streams_find(struct ks_kafka_streams *s, struct ks_bytes name);

/*
 * ks_hello_list - the array that stands under a key of HELLO.
 *
 *	p	out: its first element; NULL where HELLO has no such array
 *	count	out: how many there are
 */
int	ks_hello_list(struct ks_bytes hello, const char *key, unsigned depth, const unsigned char **p,
	    uint32_t *count, struct ks_err *err) KS_MUST_USE;

/* Where a record came from. */
struct ks_kafka_place {
	size_t stream;		/* in the list */
	int32_t partition;
	int64_t offset;
	bool side;		/* a dead letter and the like */
};

/* NULL where it does not fit: the message is then about the target alone. */
void   *ks_kafka_place_pack(const struct ks_kafka_streams *s, const struct ks_kafka_stream *from,
	    const struct ks_rec *rec);
bool	ks_kafka_place_unpack(const void *packed, struct ks_kafka_place *place);
/* "orders/3@1042", or "a record". */
void	ks_kafka_place_print(const struct ks_kafka_streams *s, const void *packed, char *room, size_t size);

#endif
