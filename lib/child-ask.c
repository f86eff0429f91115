/* SPDX-License-Identifier: MIT */
/* child-ask.c - what a topic has, as the kstream-cat that is asked prints it, and the making of one. */
#include "child.h"

#include <stdio.h>

#include "expr.h"
#include "json.h"

#define ANSWER_MAX ((size_t)16 << 20)	/* bytes: of 10,000 partitions it is 1 MB */

/* Lines of JSON, and two paths in each. */
struct answer {
	struct ks_buf text, value;
	struct ks_json json;
	struct ks_expr_set *set;
	struct ks_expr *a, *b;
	size_t at;		/* of the next line */
};

static int unreadable(struct ks_err *err, const char *what)
{
	return ks_fail(err, KS_TEMP, "cannot read what kstream-cat prints: %s", what);
}

static void forget(struct answer *x)
{
	ks_expr_set_free(x->set);
	ks_json_release(&x->json);
	ks_buf_release(&x->value);
	ks_buf_release(&x->text);
}

static int ask(struct answer *x, struct ks_children *k, const struct ks_options *o, const char *const words[],
    const char *a, const char *b, struct ks_err *err)
{
	int status;

	*x = (struct answer){ .at = 0 };
	ks_buf_init(&x->text, ANSWER_MAX);
	ks_buf_init(&x->value, ANSWER_MAX);
	ks_json_init(&x->json, o->config.limits.depth);
	x->set = ks_expr_set_new(&o->config.limits);
	if (x->set == NULL)
		return ks_fail_memory(err);
	status = ks_expr_add(x->set, a, &x->a, err);
	if (status == 0)
		status = ks_expr_add(x->set, b, &x->b, err);
	if (status == 0)
		status = ks_children_ask(k, o, words, &x->text, err);
	if (status != 0)
		return status;
	if (ks_buf_reserve(&x->text, KS_PAD) != 0)
		return ks_fail_memory(err);
	memset(x->text.p + x->text.n, 0, KS_PAD);
	return 0;
}

/* The values of the two paths in the next line; *more: there was one. */
static int next_line(struct answer *x, bool *more, struct ks_val *a, struct ks_val *b, struct ks_err *err)
{
	struct ks_rec rec = { .offset = -1, .partition = -1, .key = ks_mp_nil, .headers = ks_no_headers };
	const unsigned char *line = x->text.p + x->at, *end;
	const char *wrong = NULL;
	enum ks_json_error e;
	size_t n = x->text.n - x->at;

	*more = n > 0;
	if (n == 0)
		return 0;
	end = memchr(line, '\n', n);
	if (end != NULL)
		n = (size_t)(end - line);
	x->at += n + (end != NULL);
	x->value.n = 0;
	e = ks_json_parse(&x->json, ks_bytes(line, n), &x->value);
	rec.value = ks_buf_bytes(&x->value);
	if (e != KS_JSON_OK)
		return unreadable(err, ks_json_strerror(e));
	wrong = ks_expr_load(x->set, &rec);
	if (wrong == NULL)
		wrong = ks_expr_eval(x->a, a);
	if (wrong == NULL)
		wrong = ks_expr_eval(x->b, b);
	return wrong == NULL ? 0 : unreadable(err, wrong);
}

int ks_children_partitions(struct ks_children *k, const struct ks_options *o, const char *topic, int32_t *count,
    struct ks_err *err)
{
	char name[sizeof("--topic=") + KS_NAME_MAX];
	const char *const words[] = { "--list", "--kcat-json", name, NULL };
	struct ks_val wrong, list;
	struct ks_head head;
	struct answer x;
	bool more;
	int status;

	snprintf(name, sizeof(name), "--topic=%s", topic);
	status = ask(&x, k, o, words, ".topics[0].error", ".topics[0].partitions", err);
	if (status == 0)
		status = next_line(&x, &more, &wrong, &list, err);
	if (status == 0 && (!more || list.type != KS_ARRAY || ks_mp_head(list.b.p, list.b.p + list.b.n, &head) != KS_MP_OK))
		status = unreadable(err, "there are no partitions in it");
	if (status == 0 && wrong.type == KS_STR)
		status = ks_fail(err, KS_CONFIG, "how many partitions has topic '%s'? %.*s", topic, (int)wrong.b.n,
		    (const char *)wrong.b.p);
	else if (status == 0 && head.count == 0)
		status = ks_fail(err, KS_CONFIG, "topic '%s' has no partitions", topic);
	else if (status == 0)
		*count = (int32_t)head.count;
	forget(&x);
	return status;
}

int ks_children_ends(struct ks_children *k, const struct ks_options *o, const char *topic, int64_t *ends, int32_t count,
    struct ks_err *err)
{
	char name[sizeof("--topic=") + KS_NAME_MAX];
	const char *const words[] = { "--list", "--offsets", "--kcat-json", name, NULL };
	struct ks_val partition, end;
	struct answer x;
	bool more = true;
	int32_t told = 0;
	int status;

	snprintf(name, sizeof(name), "--topic=%s", topic);
	status = ask(&x, k, o, words, ".partition", ".end", err);
	while (status == 0 && more) {
		status = next_line(&x, &more, &partition, &end, err);
		if (status != 0 || !more)
			break;
		if (partition.type != KS_INT || partition.i < 0 || partition.i >= count || end.type != KS_INT)
			status = ks_fail(err, KS_TEMP, "topic '%s' has other partitions than at the start", topic);
		else
			ends[partition.i] = end.i;
		told++;
	}
	/* One without an end would be waited for without one. */
	if (status == 0 && told != count)
		status = ks_fail(err, KS_TEMP, "topic '%s' has %d partitions, not the %d of the start", topic, (int)told, (int)count);
	forget(&x);
	return status;
}

int ks_children_make(struct ks_children *k, const struct ks_options *o, struct ks_err *err)
{
	char out[sizeof("--out=kafka:") + KS_NAME_MAX], create[64];
	const char *const words[] = { "--in=/dev/null", "--from=json", out, create, NULL };
	const struct ks_given *g;
	struct ks_buf nothing;
	int status = 0;

	snprintf(out, sizeof(out), "--out=kafka:%s", o->through);
	ks_buf_init(&nothing, 4096);
	for (g = o->given; g < o->given + o->given_count && status == 0; g++) {
		if (strcmp(g->option->name, "create-topics") != 0)
			continue;
		snprintf(create, sizeof(create), "--create-topics=%s", g->value);
		status = ks_children_ask(k, o, words, &nothing, err);
	}
	ks_buf_release(&nothing);
	return status;
}
