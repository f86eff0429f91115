/* SPDX-License-Identifier: MIT */
/*
 * json-lines.h - JSON lines to what stands around their values, as fast as
 * can be: while nothing is out of the ordinary, the next line is read
 * without a return to who asked for it.
 */
#ifndef KS_JSON_LINES_H
#define KS_JSON_LINES_H

#include "json.h"

struct ks_json_lines {
	/* What stands before each value; two numbers in it change. */
	unsigned char head[KS_PAD];
	uint32_t head_n;
	uint32_t size_at;	/* where 4 bytes are: how many follow behind head[size_from], the value included */
	uint32_t size_from;
	uint32_t offset_at, offset_n;	/* where 8, 4, 2 or 1 bytes are: the byte of the line */
	int64_t offset;		/* of the next line */
	int64_t offset_max;	/* that the bytes can say */
	size_t value_max, line_max;	/* longer ones are left alone */
	size_t enough;		/* bytes in out */
	uint64_t count;		/* lines that went to out */
};

/*
 * ks_json_lines - as ks_json_line, for as many lines of text as are sound.
 *
 * Ends at a line that ks_json_line would refuse, that is too long or past
 * offset_max, or where out holds enough; l says how far it came.  text has a
 * pad as for ks_json_parse.  Returns 0 or, with all as it was, ENOMEM or EMSGSIZE.
 */
int	ks_json_lines(struct ks_json *j, struct ks_json_lines *l, struct ks_bytes text, struct ks_buf *out) KS_MUST_USE;

#endif
