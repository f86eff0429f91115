/* SPDX-License-Identifier: MIT */
/* csv-print.c - text to fields of csv. */
#include "csv.h"

/* Without quotes a reader takes it for a number, a truth or null. */
static bool is_word(struct ks_bytes text)
{
	size_t i;

	for (i = 0; i < text.n; i++)	/* 007 and 1-2, too, which others may take for one */
		if (text.p[i] == '\0' || strchr("0123456789+-.eE", text.p[i]) == NULL)
			break;
	return (i == text.n && text.p[0] != 'e' && text.p[0] != 'E') || ks_bytes_is(text, "true") || ks_bytes_is(text, "false");
}

int ks_csv_add(struct ks_buf *out, struct ks_bytes text, bool name)
{
	/* The first name of a file would lose what is taken for a mark. */
	bool quotes = text.n == 0 || (name ? ks_bytes_bom(text) : is_word(text));
	const unsigned char *end = text.p + text.n, *p = text.p, *q;
	int no = 0;

	for (q = p; !quotes && q < end; q++)
		quotes = *q == '"' || *q == ',' || *q == '\n' || *q == '\r';
	if (!quotes)
		return ks_buf_add(out, p, text.n);
	no = ks_buf_add(out, "\"", 1);
	while (no == 0 && p < end && (q = memchr(p, '"', (size_t)(end - p))) != NULL) {
		no = ks_buf_add(out, p, (size_t)(q - p) + 1);
		if (no == 0)
			no = ks_buf_add(out, "\"", 1);
		p = q + 1;
	}
	if (no == 0 && p < end)
		no = ks_buf_add(out, p, (size_t)(end - p));
	return no == 0 ? ks_buf_add(out, "\"", 1) : no;
}
