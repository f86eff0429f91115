/* SPDX-License-Identifier: MIT */
/*
 * query.c - what comes over the socket of a stage, at both ends: a question,
 * which is made again and must be understood as the same; and an answer.
 */
#include "lib/query-ask.h"

#include "tests/fuzz/must.h"

static int take(void *arg, unsigned char kind, struct ks_bytes map, struct ks_err *err)
{
	unsigned *left = arg;

	(void)err;
	MUST(kind == 'r' || kind == 'e');
	MUST(ks_mp_check(map, 48) == KS_MP_OK);
	return --*left == 0 ? KS_IO : 0;
}

static void try_answer(struct ks_bytes bytes)
{
	bool over = false;
	unsigned left = 100;
	struct ks_err err;
	struct ks_buf b;
	size_t n = bytes.n;
	int status;

	ks_buf_init(&b, 1 << 20);
	MUST(ks_buf_add(&b, bytes.p, bytes.n) == 0);
	status = ks_query_hand(&b, 40, take, &left, &over, &err);
	MUST(b.n <= n && (status == 0 || status >= KS_USAGE));
	ks_buf_release(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ks_query_ask ask = { 0 }, again = { 0 };
	struct ks_buf b;

	try_answer(ks_bytes(data, size));
	if (ks_query_parse(ks_bytes(data, size), 40, &ask) != NULL)
		return 0;
	ks_buf_init(&b, 1 << 20);
	MUST(ks_query_add(&b, &ask) == 0);
	MUST(b.n >= KS_QUERY_HEAD && ks_get32(b.p) == b.n - 4);
	MUST(ks_query_parse(ks_bytes(b.p + KS_QUERY_HEAD, b.n - KS_QUERY_HEAD), 40, &again) == NULL);
	MUST(again.what == ask.what && again.since_ms == ask.since_ms && again.until_ms == ask.until_ms && again.limit == ask.limit);
	MUST(ks_bytes_eq(again.key, ask.key) && ks_bytes_eq(again.prefix, ask.prefix));
	MUST(ks_bytes_eq(again.lower, ask.lower) && ks_bytes_eq(again.upper, ask.upper));
	ks_buf_release(&b);
	return 0;
}
