/* SPDX-License-Identifier: MIT */
/* kafka-member.c - a member of a group, as whoever commits for it must name it. */
#include "kafka-member.h"

#include <librdkafka/rdkafka.h>
#include <stdlib.h>

#include "value.h"

#define MAGIC "CGMDv2:"	/* then int32 generation in the host's order, group NUL, member NUL, flag: no instance */
#define MAGIC_LEN 7

/* Whether it is of that generation and member that Kafka compares; group: NULL, of any. */
static bool is_whole(struct ks_bytes x, const char *group)
{
	const unsigned char *name = x.p + MAGIC_LEN + sizeof(int32_t), *member;
	int32_t generation;

	if (x.n <= MAGIC_LEN + sizeof(int32_t) || x.n > KS_MEMBER_MAX || memcmp(x.p, MAGIC, MAGIC_LEN) != 0)
		return false;
	memcpy(&generation, x.p + MAGIC_LEN, sizeof(generation));
	member = memchr(name, '\0', (size_t)(x.p + x.n - name));
	if (generation < 1 || member == NULL || ++member == x.p + x.n || *member == '\0')
		return false;
	return group == NULL || strcmp((const char *)name, group) == 0;
}

bool ks_member_note(struct rd_kafka_s *rk, struct ks_buf *b)
{
	rd_kafka_consumer_group_metadata_t *x = rd_kafka_consumer_group_metadata(rk);
	rd_kafka_error_t *e;
	void *p = NULL;
	size_t n = 0;

	b->n = 0;
	if (x == NULL)
		return false;
	e = rd_kafka_consumer_group_metadata_write(x, &p, &n);
	rd_kafka_consumer_group_metadata_destroy(x);
	if (e != NULL) {
		rd_kafka_error_destroy(e);
		return false;
	}
	if (is_whole(ks_bytes(p, n), NULL) && ks_mp_add_val(b, &(struct ks_val){ .type = KS_BIN, .b = ks_bytes(p, n) }) != 0)
		b->n = 0;
	rd_kafka_mem_free(rk, p);
	return b->n > 0;
}

int ks_member_read(struct ks_bytes bin, const char *group, struct rd_kafka_consumer_group_metadata_s **member, struct ks_err *err)
{
	const unsigned char *p = bin.p;
	rd_kafka_error_t *e;
	struct ks_val v;

	*member = NULL;
	if (ks_mp_read(&p, bin.p + bin.n, 0, &v) != KS_MP_OK || v.type != KS_BIN || !is_whole(v.b, group))
		return ks_fail(err, KS_DATA, "a barrier does not say which member of group '%s' it is of", group);
	e = rd_kafka_consumer_group_metadata_read(member, v.b.p, v.b.n);
	if (e == NULL)
		return 0;
	rd_kafka_error_destroy(e);
	return ks_fail(err, KS_DATA, "a barrier names a member of group '%s' that this librdkafka cannot read", group);
}
