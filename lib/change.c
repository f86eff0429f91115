/* SPDX-License-Identifier: MIT */
/* change.c - read and write the value of a change record. */
#include "change.h"

const char *ks_change_parse(struct ks_bytes value, unsigned depth, struct ks_change *c)
{
	const unsigned char *p = value.p, *end = value.p + value.n, *begin;
	struct ks_bytes *const sides[] = { &c->now, &c->before };
	enum ks_mp_error e;
	struct ks_head head;
	struct ks_val latest;
	unsigned i;

	if (p >= end || ks_mp_head(p, end, &head) != KS_MP_OK || head.type != KS_ARRAY || head.count != 3)
		return "a change is no array of new, old and latest";
	p = head.body;
	for (i = 0; i < 2; i++) {
		begin = p;
		e = ks_mp_skip(&p, end, depth);
		if (e != KS_MP_OK)
			return ks_mp_strerror(e);
		*sides[i] = ks_bytes(begin, (size_t)(p - begin));
	}
	e = ks_mp_read(&p, end, 0, &latest);
	if (e != KS_MP_OK || p != end || (latest.type != KS_TRUE && latest.type != KS_FALSE))
		return "a change does not say whether it is the latest";
	c->latest = latest.type == KS_TRUE;
	return NULL;
}

int ks_change_add(struct ks_buf *b, const struct ks_change *c)
{
	int no = ks_mp_add_array_head(b, 3);

	if (no == 0)
		no = ks_buf_add(b, c->now.p, c->now.n);
	if (no == 0)
		no = ks_buf_add(b, c->before.p, c->before.n);
	return no == 0 ? ks_buf_add(b, c->latest ? "\xc3" : "\xc2", 1) : no;
}
