/* SPDX-License-Identifier: MIT */
/* member.c - which bytes name a member of a group (kafka-member.h).  They are made here by hand, as librdkafka lays them out. */
#include "lib/kafka-member.h"

#include <librdkafka/rdkafka.h>

#include "lib/value.h"
#include "tests/unit/kit.h"

/* The msgpack of magic, generation, group, member and no instance, cut to n bytes of payload where n > 0. */
static void make(struct ks_buf *b, const char *magic, int32_t generation, const char *group, const char *member, size_t n)
{
	unsigned char x[300];
	size_t at = strlen(magic);

	memcpy(x, magic, at);
	memcpy(x + at, &generation, 4);
	at += 4;
	memcpy(x + at, group, strlen(group) + 1);
	at += strlen(group) + 1;
	memcpy(x + at, member, strlen(member) + 1);
	at += strlen(member) + 1;
	x[at++] = 1;
	b->n = 0;
	assert_int_equal(ks_mp_add_val(b, &(struct ks_val){ .type = KS_BIN, .b = ks_bytes(x, n > 0 ? n : at) }), 0);
}

static void what_names_a_member(void **state)
{
	static const struct {
		const char *magic;
		int32_t generation;
		const char *group, *member;
		size_t n;
		int status;
	} rows[] = {
		{ "CGMDv2:", 1, "app", "anna-1", 0, 0 },
		{ "CGMDv2:", INT32_MAX, "app", "anna-1", 0, 0 },
		/* with these Kafka would take offsets from anybody, or a group that is not ours would get them */
		{ "CGMDv2:", 0, "app", "anna-1", 0, KS_DATA },
		{ "CGMDv2:", -1, "app", "anna-1", 0, KS_DATA },
		{ "CGMDv2:", -1, "app", "", 0, KS_DATA },
		{ "CGMDv2:", 7, "app", "", 0, KS_DATA },
		{ "CGMDv2:", 7, "other", "anna-1", 0, KS_DATA },
		{ "CGMDv2:", 7, "app2", "anna-1", 0, KS_DATA },
		{ "CGMDv3:", 7, "app", "anna-1", 0, KS_DATA },
		/* cut */
		{ "CGMDv2:", 7, "app", "anna-1", 4, KS_DATA },
		{ "CGMDv2:", 7, "app", "anna-1", 11, KS_DATA },
		{ "CGMDv2:", 7, "app", "anna-1", 13, KS_DATA },
		{ "CGMDv2:", 7, "app", "anna-1", 15, KS_DATA },
		{ "CGMDv2:", 7, "app", "anna-1", 18, KS_DATA },
	};
	struct rd_kafka_consumer_group_metadata_s *member;
	struct ks_buf b;
	struct ks_err err;
	size_t i;

	(void)state;
	ks_buf_init(&b, 4096);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		make(&b, rows[i].magic, rows[i].generation, rows[i].group, rows[i].member, rows[i].n);
		print_message("row %zu\n", i);
		assert_int_equal(ks_member_read(ks_buf_bytes(&b), "app", &member, &err), rows[i].status);
		assert_true((member != NULL) == (rows[i].status == 0));
		if (member != NULL)
			rd_kafka_consumer_group_metadata_destroy(member);
	}
	ks_buf_release(&b);
}

static void what_is_no_bin(void **state)
{
	static const unsigned char nil[] = { 0xc0 }, text[] = { 0xa1, 'x' }, cut[] = { 0xc4, 0x20, 'C' };
	struct rd_kafka_consumer_group_metadata_s *member;
	struct ks_err err;

	(void)state;
	assert_int_equal(ks_member_read(ks_bytes(nil, 1), "app", &member, &err), KS_DATA);
	assert_int_equal(ks_member_read(ks_bytes(text, 2), "app", &member, &err), KS_DATA);
	assert_int_equal(ks_member_read(ks_bytes(cut, 3), "app", &member, &err), KS_DATA);
	assert_int_equal(ks_member_read(ks_bytes(nil, 0), "app", &member, &err), KS_DATA);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_names_a_member),
		cmocka_unit_test(what_is_no_bin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
