/* SPDX-License-Identifier: MIT */
/* headers.c - change the headers of a record. */
#include "headers.h"

#include <errno.h>

void ks_headers_init(struct ks_headers *h, size_t max)
{
	*h = (struct ks_headers){ .count = 0 };
	ks_buf_init(&h->pairs, max);
	ks_buf_init(&h->bytes, max);
}

void ks_headers_release(struct ks_headers *h)
{
	ks_buf_release(&h->pairs);
	ks_buf_release(&h->bytes);
}

const char *ks_headers_begin(struct ks_headers *h, struct ks_bytes headers,
    bool (*keep)(const void *arg, struct ks_bytes name), const void *arg)
{
	static const char wrong[] = "the headers are no array of pairs";
	const unsigned char *p, *begin, *end = headers.p + headers.n;
	struct ks_head head, pair;
	struct ks_val name, value;
	uint32_t i;
	int no;

	h->pairs.n = h->count = 0;
	if (headers.n == 0 || ks_mp_head(headers.p, end, &head) != KS_MP_OK || head.type != KS_ARRAY)
		return wrong;
	for (i = 0, p = head.body; i < head.count; i++) {
		begin = p;
		if (p >= end || ks_mp_head(p, end, &pair) != KS_MP_OK || pair.type != KS_ARRAY || pair.count != 2)
			return wrong;
		p = pair.body;
		if (ks_mp_read(&p, end, 0, &name) != KS_MP_OK || name.type != KS_STR || ks_mp_read(&p, end, 0, &value) != KS_MP_OK)
			return wrong;
		if (keep != NULL && !keep(arg, name.b))
			continue;
		h->count++;
		no = ks_buf_add(&h->pairs, begin, (size_t)(p - begin));
		if (no != 0)
			return no == ENOMEM ? ks_no_memory : "the headers are larger than --max-record allows";
	}
	return NULL;
}

int ks_headers_add(struct ks_headers *h, struct ks_bytes name, struct ks_bytes value)
{
	struct ks_val v = { .type = KS_BIN, .b = value };
	int no = ks_mp_add_array_head(&h->pairs, 2);

	h->count++;
	if (no == 0)
		no = ks_mp_add_str(&h->pairs, name);
	return no != 0 ? no : ks_mp_add_val(&h->pairs, &v);
}

int ks_headers_end(struct ks_headers *h, struct ks_bytes *headers)
{
	int no;

	h->bytes.n = 0;
	no = ks_mp_add_array_head(&h->bytes, h->count);
	if (no == 0)
		no = ks_buf_add(&h->bytes, h->pairs.p, h->pairs.n);
	*headers = ks_buf_bytes(&h->bytes);
	return no;
}
