/* SPDX-License-Identifier: MIT */
/* join-emit.c - kstream-join's way out: a pair, or what --value makes of it. */
#include "join.h"

static const unsigned char head[] = { 0x82, 0xa4, 'l', 'e', 'f', 't' };
static const unsigned char middle[] = { 0xa5, 'r', 'i', 'g', 'h', 't' };

/* The record that goes out, but for its value. */
static struct ks_rec outgoing(const struct ks_join *j, const struct ks_join_result *r)
{
	struct ks_bytes name = ks_str(j->spec.inputs[KS_JOIN_LEFT].name);
	struct ks_rec rec;

	if (r->from != NULL) {
		rec = *r->from;
		rec.frame = ks_bytes(NULL, 0);
		rec.flags &= KS_TIME_TYPE | KS_KEY_KIND;
	} else {
		rec = (struct ks_rec){ .offset = -1, .flags = r->flags, .headers = ks_no_headers };
	}
	rec.partition = r->partition;
	rec.time_ms = r->time_ms;
	rec.key = r->key;
	if (r->from != NULL && r->side == KS_JOIN_LEFT)
		return rec;
	/* It goes on under the left stream's name, where its offset is nobody's. */
	if (rec.route.p != NULL)
		rec.route = name;
	else
		rec.topic = name;
	rec.offset = -1;
	return rec;
}

static int make_pair(struct ks_join *j, struct ks_bytes left, struct ks_bytes right)
{
	struct ks_buf *b = &j->pair;
	unsigned char *o;
	int no;

	b->n = 0;
	no = ks_buf_reserve(b, sizeof(head) + left.n + sizeof(middle) + right.n);
	if (no != 0)
		return no;
	o = b->p;
	memcpy(o, head, sizeof(head));
	o += sizeof(head);
	memcpy(o, left.p, left.n);
	o += left.n;
	memcpy(o, middle, sizeof(middle));
	o += sizeof(middle);
	memcpy(o, right.p, right.n);
	b->n = (size_t)(o - b->p) + right.n;
	return 0;
}

/* What --value makes of the pair in rec. */
static int make_value(struct ks_join *j, struct ks_rec *rec, bool *bad)
{
	const char *what = ks_expr_load(j->set, rec);
	struct ks_val v;
	int no;

	if (what == NULL)
		what = ks_expr_eval(j->value, &v);
	if (what == NULL && ks_expr_nothing(j->value))
		what = "it yields nothing, and a result has one value";
	*bad = what != NULL;
	/* It is a result, though not one that goes on: the records of it are counted already. */
	if (what != NULL)
		ks_made(j->run, 1);
	if (what != NULL)
		return ks_is_no_memory(what) ? ks_fail_memory(j->run->err) : ks_reject(j->run, rec, "--value: %s", what);
	j->made.n = 0;
	no = ks_mp_add_val(&j->made, &v);
	rec->value = ks_buf_bytes(&j->made);
	return no == 0 ? 0 : ks_join_no_memory(j);
}

int ks_join_emit(struct ks_join *j, const struct ks_join_result *r)
{
	struct ks_rec rec = outgoing(j, r);
	bool bad = false;
	int status = 0;

	if (make_pair(j, r->left, r->right) != 0)
		return ks_join_no_memory(j);
	rec.value = ks_buf_bytes(&j->pair);
	j->run->cause = r->side == KS_JOIN_LEFT && !r->moved ? NULL : r->from;
	if (j->set != NULL)
		status = make_value(j, &rec, &bad);
	if (status == 0 && !bad)
		status = ks_emit(j->run, &rec);
	j->run->cause = NULL;
	return status;
}

int ks_join_emit_gone(struct ks_join *j, const struct ks_join_result *r)
{
	struct ks_rec rec = outgoing(j, r);

	rec.value = ks_mp_nil;
	return ks_emit(j->run, &rec);
}
