/* SPDX-License-Identifier: MIT */
/* expr-read-plain.c - JSON text to slots with what every machine can do. */
#include "expr-read.h"

#define READ static
#define READ_INLINE KS_SCAN_INLINE

READ_INLINE bool key_again(const struct ks_json_seen *g, const unsigned char *p)
{
	return ks_json_again(g, p);
}

/* p is behind the opening quote. */
READ_INLINE const unsigned char *string_end(struct ks_expr_read *r, const unsigned char *p)
{
	p = ks_scan_plain(&r->scan, p);
	return KS_LIKELY(*p == '"') ? p + 1 : NULL;
}

READ_INLINE const unsigned char *number_end(struct ks_expr_read *r, const unsigned char *p)
{
	return ks_scan_number(&r->scan, p);
}

READ_INLINE bool number_value(const unsigned char *p, const unsigned char *end, struct ks_val *v)
{
	(void)p;
	(void)end;
	(void)v;
	return false;
}

#include "expr-reader.h"

const unsigned char *ks_expr_read_plain(struct ks_expr_read *r, const unsigned char *p, uint32_t place, unsigned depth)
{
	return read_members(r, p, place, depth);
}
