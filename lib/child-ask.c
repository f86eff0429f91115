/* SPDX-License-Identifier: MIT */
/* child-ask.c - how many partitions a topic has, as the kstream-cat that is asked prints it. */
#include "child.h"

#include <stdio.h>

#include "expr.h"
#include "json.h"

#define ANSWER_MAX ((size_t)16 << 20)	/* bytes: of 10,000 partitions it is 1 MB */

static int unreadable(struct ks_err *err, const char *what)
{
	return ks_fail(err, KS_TEMP, "cannot read what kstream-cat -L -J prints: %s", what);
}

static int count_partitions(struct ks_expr_set *set, const struct ks_rec *rec, const char *topic, int32_t *count,
    struct ks_err *err)
{
	struct ks_expr *error, *list;
	struct ks_val v;
	struct ks_head head;
	const char *wrong;
	int status = ks_expr_add(set, ".topics[0].error", &error, err);

	if (status == 0)
		status = ks_expr_add(set, ".topics[0].partitions", &list, err);
	if (status != 0)
		return status;
	wrong = ks_expr_load(set, rec);
	if (wrong == NULL)
		wrong = ks_expr_eval(error, &v);
	if (wrong == NULL && v.type == KS_STR)
		return ks_fail(err, KS_CONFIG, "how many partitions has topic '%s'? %.*s", topic, (int)v.b.n,
		    (const char *)v.b.p);
	if (wrong == NULL)
		wrong = ks_expr_eval(list, &v);
	if (wrong != NULL)
		return unreadable(err, wrong);
	if (v.type != KS_ARRAY || ks_mp_head(v.b.p, v.b.p + v.b.n, &head) != KS_MP_OK || head.count == 0)
		return ks_fail(err, KS_CONFIG, "topic '%s' has no partitions", topic);
	*count = (int32_t)head.count;
	return 0;
}

static int read_answer(const struct ks_options *o, struct ks_buf *text, const char *topic, int32_t *count,
    struct ks_err *err)
{
	struct ks_rec rec = { .offset = -1, .partition = -1, .key = ks_mp_nil, .headers = ks_no_headers };
	struct ks_expr_set *set;
	enum ks_json_error e;
	struct ks_json json;
	struct ks_buf value;
	int status;

	if (ks_buf_reserve(text, KS_PAD) != 0)
		return ks_fail_memory(err);
	memset(text->p + text->n, 0, KS_PAD);
	ks_buf_init(&value, ANSWER_MAX);
	ks_json_init(&json, o->config.limits.depth);
	set = ks_expr_set_new(&o->config.limits);
	e = ks_json_parse(&json, ks_buf_bytes(text), &value);
	rec.value = ks_buf_bytes(&value);
	if (set == NULL)
		status = ks_fail_memory(err);
	else if (e != KS_JSON_OK)
		status = unreadable(err, ks_json_strerror(e));
	else
		status = count_partitions(set, &rec, topic, count, err);
	ks_expr_set_free(set);
	ks_json_release(&json);
	ks_buf_release(&value);
	return status;
}

int ks_children_partitions(struct ks_children *k, const struct ks_options *o, const char *topic, int32_t *count,
    struct ks_err *err)
{
	char name[sizeof("--topic=") + KS_NAME_MAX];
	const char *const words[] = { "--list", "--kcat-json", name, NULL };
	struct ks_buf text;
	int status;

	snprintf(name, sizeof(name), "--topic=%s", topic);
	ks_buf_init(&text, ANSWER_MAX);
	status = ks_children_ask(k, o, words, &text, err);
	if (status == 0)
		status = read_answer(o, &text, topic, count, err);
	ks_buf_release(&text);
	return status;
}
