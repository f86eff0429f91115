/* SPDX-License-Identifier: MIT */
/* fold-kit.h - lists of aggregates, records for them, and states that grow.  After cmocka.h. */
#ifndef KS_TEST_FOLD_KIT_H
#define KS_TEST_FOLD_KIT_H

#include "lib/fold.h"

static const struct ks_limits limits = { .record = KS_RECORD_MAX, .key = KS_KEY_MAX, .depth = KS_DEPTH_MAX };
static struct ks_err err;

static struct ks_fold new_fold(const char *list)
{
	struct ks_fold f;

	assert_int_equal(ks_fold_init(&f, &limits, 8, &err), 0);
	if (ks_fold_add(&f, list, &err) != 0)
		fail_msg("%s", err.text);
	return f;
}

/* A record whose value is given as JSON; its bytes live in b. */
static struct ks_rec record(struct ks_buf *b, const char *json)
{
	struct ks_rec rec = { .flags = KS_TIME_CREATE, .key = ks_mp_nil, .headers = ks_no_headers };
	char text[400] = "";
	struct ks_json j;

	assert_true(strlen(json) + KS_PAD < sizeof(text));
	memcpy(text, json, strlen(json));
	ks_json_init(&j, KS_DEPTH_MAX);
	b->n = 0;
	assert_int_equal(ks_json_parse(&j, ks_bytes(text, strlen(json)), b), KS_JSON_OK);
	ks_json_release(&j);
	rec.value = ks_buf_bytes(b);
	return rec;
}

static int grow(struct ks_agg_block *b, size_t n)
{
	unsigned char *p = calloc(1, n);

	assert_non_null(p);
	memcpy(p, b->p, b->n);
	free(b->p);
	*b = (struct ks_agg_block){ p, n, grow };
	return 0;
}

#endif
