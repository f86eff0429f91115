/* SPDX-License-Identifier: MIT */
/* kafka-streams.c - the streams that come to a sink, and places in them. */
#include "kafka-streams.h"

#include <stdio.h>
#include <stdlib.h>

#define OFFSET_BITS 43
#define PARTITION_BITS 14
#define STREAMS_MAX 63u
#define SIDE_SHIFT (OFFSET_BITS + PARTITION_BITS)
#define STREAM_SHIFT (SIDE_SHIFT + 1)

void ks_kafka_streams_forget(struct ks_kafka_streams *s)
{
	size_t i;

	for (i = 0; i < s->count; i++)
		free(s->list[i].name);
	free(s->list);
	*s = (struct ks_kafka_streams){ 0 };
}

struct ks_kafka_stream *ks_kafka_streams_find(struct ks_kafka_streams *s, struct ks_bytes name)
{
	struct ks_kafka_stream *x;
	size_t i;

	if (KS_LIKELY(s->last < s->count)) {
		x = &s->list[s->last];
		if (x->n == name.n && memcmp(x->name, name.p, name.n) == 0)
			return x;
	}
	for (i = 0; i < s->count; i++) {
		x = &s->list[i];
		if (x->n == name.n && memcmp(x->name, name.p, name.n) == 0) {
			s->last = i;
			return x;
		}
	}
	return NULL;
}

int ks_hello_list(struct ks_bytes hello, const char *key, unsigned depth, const unsigned char **list,
    uint32_t *count, struct ks_err *err)
{
	const unsigned char *p, *end = hello.p + hello.n;
	struct ks_head map, head;
	struct ks_val name;
	uint32_t i;

	*list = NULL;
	*count = 0;
	if (ks_mp_head(hello.p, end, &map) != KS_MP_OK || map.type != KS_MAP)
		return ks_fail(err, KS_DATA, "HELLO is not a map");
	p = map.body;
	for (i = 0; i < map.count; i++) {
		if (ks_mp_read(&p, end, 0, &name) != KS_MP_OK)
			return ks_fail(err, KS_DATA, "HELLO is damaged");
		if (ks_bytes_is(name.b, key) && ks_mp_head(p, end, &head) == KS_MP_OK && head.type == KS_ARRAY) {
			*list = head.body;
			*count = head.count;
		}
		if (ks_mp_skip(&p, end, depth) != KS_MP_OK)
			return ks_fail(err, KS_DATA, "HELLO is damaged");
	}
	return 0;
}

static int add_stream(struct ks_kafka_streams *s, const unsigned char **p, const unsigned char *end,
    unsigned depth, struct ks_err *err)
{
	struct ks_kafka_stream *x = &s->list[s->count];
	struct ks_val key, value, name = { 0 };
	struct ks_head head;
	uint32_t i;

	if (ks_mp_head(*p, end, &head) != KS_MP_OK || head.type != KS_MAP)
		return ks_fail(err, KS_DATA, "HELLO: streams are not maps");
	*p = head.body;
	x->partitions = -1;
	for (i = 0; i < head.count; i++) {
		if (ks_mp_read(p, end, 0, &key) != KS_MP_OK || ks_mp_read(p, end, depth, &value) != KS_MP_OK)
			return ks_fail(err, KS_DATA, "HELLO: a stream is damaged");
		if (ks_bytes_is(key.b, "name") && value.type == KS_STR)
			name = value;
		else if (ks_bytes_is(key.b, "partitions") && value.type == KS_INT && value.i > 0 &&
		    value.i <= INT32_MAX)
			x->partitions = (int32_t)value.i;
	}
	if (name.type != KS_STR || x->partitions < 0)
		return 0;	/* says nothing that helps */
	x->n = name.b.n;
	x->name = strndup((const char *)name.b.p, x->n);
	if (x->name == NULL)
		return ks_fail_memory(err);
	s->count++;
	return 0;
}

int ks_kafka_streams_learn(struct ks_kafka_streams *s, struct ks_bytes hello, unsigned depth,
    struct ks_err *err)
{
	const unsigned char *p;
	uint32_t count, i;
	int status;

	ks_kafka_streams_forget(s);
	status = ks_hello_list(hello, "streams", depth, &p, &count, err);
	if (status != 0 || count == 0)
		return status;
	/* The list has been walked, so there are as many bytes. */
	s->list = calloc(count, sizeof(*s->list));
	if (s->list == NULL)
		return ks_fail_memory(err);
	for (i = 0; i < count && status == 0; i++)
		status = add_stream(s, &p, hello.p + hello.n, depth, err);
	return status;
}

void *ks_kafka_place_pack(const struct ks_kafka_streams *s, const struct ks_kafka_stream *from,
    const struct ks_rec *rec)
{
	uint64_t x;

	if (sizeof(void *) < sizeof(x) || from == NULL || from >= s->list + STREAMS_MAX ||
	    rec->partition < 0 || rec->partition >= 1 << PARTITION_BITS || rec->offset < 0 ||
	    rec->offset >= (int64_t)1 << OFFSET_BITS)
		return NULL;
	x = (uint64_t)(from - s->list) + 1;
	x = x << 1 | ((rec->flags & KS_SIDE) != 0);
	x = x << PARTITION_BITS | (uint64_t)rec->partition;
	x = x << OFFSET_BITS | (uint64_t)rec->offset;
	return (void *)(uintptr_t)x;
}

bool ks_kafka_place_unpack(const void *packed, struct ks_kafka_place *place)
{
	uint64_t x = (uint64_t)(uintptr_t)packed;

	if (x >> STREAM_SHIFT == 0)
		return false;
	*place = (struct ks_kafka_place){
		.stream = (size_t)(x >> STREAM_SHIFT) - 1, .side = (x >> SIDE_SHIFT & 1) != 0,
		.partition = (int32_t)(x >> OFFSET_BITS & ((1u << PARTITION_BITS) - 1)),
		.offset = (int64_t)(x & (((uint64_t)1 << OFFSET_BITS) - 1)),
	};
	return true;
}

void ks_kafka_place_print(const struct ks_kafka_streams *s, const void *packed, char *room, size_t size)
{
	struct ks_kafka_place x;

	if (!ks_kafka_place_unpack(packed, &x) || x.stream >= s->count)
		snprintf(room, size, "a record");
	else if (x.offset < 0)	/* a stage has made it */
		snprintf(room, size, "%s/%d", s->list[x.stream].name, (int)x.partition);
	else
		snprintf(room, size, "%s/%d@%lld", s->list[x.stream].name, (int)x.partition, (long long)x.offset);
}
