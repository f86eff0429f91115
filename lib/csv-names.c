/* SPDX-License-Identifier: MIT */
/* csv-names.c - the names of the fields, from the header. */
#include "csv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static const char too_large[] = "the record is larger than --max-record allows";

/* Lines that end in CR alone would all be the header, and no record would come of them. */
static bool has_cr(const struct ks_csv *c, const unsigned char *from, const unsigned char *end)
{
	return from < end && (*from != '"' || c->delim == '\t') && memchr(from, '\r', (size_t)(end - from)) != NULL;
}

/* The texts of all fields of a row, one behind the other in c->raw; where each ends is in c->ends. */
static const char *read_names(struct ks_csv *c, struct ks_bytes row)
{
	const unsigned char *p = row.p, *end = row.p + row.n, *field;
	const char *wrong;
	size_t from;

	c->raw.n = 0;
	for (c->count = 0;; p++) {
		if (c->count == KS_CSV_COLUMNS_MAX)
			return "the header has more than 4096 fields";
		from = c->raw.n;
		field = p;
		wrong = ks_csv_field(c->delim, &p, end, &c->raw);
		if (wrong == NULL && c->raw.n > UINT32_MAX / 4)
			wrong = too_large;
		if (wrong != NULL && (ks_is_no_memory(wrong) || wrong == too_large))
			return wrong;
		if (wrong == NULL && ks_utf8_prefix(c->raw.p + from, c->raw.n - from) != c->raw.n - from)
			wrong = "it is not UTF-8 (iconv makes it so)";
		if (wrong == NULL && has_cr(c, field, p))
			wrong = "there is a carriage return without a newline (tr '\\r' '\\n' ends lines so)";
		if (wrong != NULL) {
			snprintf(c->wrong, sizeof(c->wrong), "the header, field %u: %s", c->count + 1, wrong);
			return c->wrong;
		}
		c->ends[c->count++] = (uint32_t)c->raw.n;
		if (p == end)
			return NULL;
	}
}

static struct ks_bytes raw_name(const struct ks_csv *c, const uint32_t *ends, uint32_t i)
{
	uint32_t from = i > 0 ? ends[i - 1] : 0;

	return ks_bytes(c->raw.p + from, ends[i] - from);
}

/* The name of field i, which may be made from its number, or from how many were called so before. */
static const char *add_name(struct ks_csv *c, const uint32_t *ends, uint32_t i, struct ks_buf *scratch)
{
	struct ks_bytes name = raw_name(c, ends, i);
	unsigned same = 1;
	uint32_t j;
	int no = 0;

	scratch->n = 0;
	for (j = 0; j < i && name.n > 0; j++)
		same += ks_bytes_eq(raw_name(c, ends, j), name);
	if (name.n == 0)
		no = ks_buf_printf(scratch, "%u", i + 1);
	else
		no = ks_buf_add(scratch, name.p, name.n);
	if (no == 0 && same > 1)
		no = ks_buf_printf(scratch, "_%u", same);
	for (j = 0; no == 0 && j < c->count && (name.n == 0 || same > 1); j++) {
		if (!ks_bytes_eq(raw_name(c, ends, j), ks_buf_bytes(scratch)))
			continue;
		snprintf(c->wrong, sizeof(c->wrong), "the header, field %u: %s is called '%.*s', as field %u is", i + 1,
		    name.n == 0 ? "one without a name" : "the next of equal names", (int)(scratch->n < 60 ? scratch->n : 60),
		    (const char *)scratch->p, j + 1);
		return c->wrong;
	}
	if (no == 0)
		no = ks_mp_add_str(&c->names, ks_buf_bytes(scratch));
	c->ends[i] = (uint32_t)c->names.n;
	return no == 0 ? NULL : no == ENOMEM ? ks_no_memory : too_large;
}

const char *ks_csv_header(struct ks_csv *c, struct ks_bytes row)
{
	const char *wrong;
	struct ks_buf scratch;
	uint32_t *ends, i;

	if (c->ends == NULL)
		c->ends = malloc(KS_CSV_COLUMNS_MAX * sizeof(*c->ends));
	if (c->ends == NULL)
		return ks_no_memory;
	wrong = read_names(c, row);
	ends = wrong == NULL ? malloc(c->count * sizeof(*ends)) : NULL;
	if (wrong == NULL && ends == NULL)
		wrong = ks_no_memory;
	if (wrong != NULL) {
		c->count = 0;
		return wrong;
	}
	memcpy(ends, c->ends, c->count * sizeof(*ends));
	ks_buf_init(&scratch, c->raw.max);
	c->names.n = 0;
	for (i = 0; i < c->count && wrong == NULL; i++)
		wrong = add_name(c, ends, i, &scratch);
	if (wrong == NULL && ks_buf_reserve(&c->names, KS_CSV_NAME_AT_ONCE) != 0)
		wrong = ks_no_memory;
	if (wrong != NULL)
		c->count = 0;
	else
		memset(c->names.p + c->names.n, 0, KS_CSV_NAME_AT_ONCE);
	ks_buf_release(&scratch);
	free(ends);
	return wrong;
}
