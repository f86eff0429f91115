/* SPDX-License-Identifier: MIT */
/*
 * num-when.c - the ends of a range of time, as people name them.
 *
 * Days are those of UTC, as in ks_num_parse_time: the same words mean the
 * same range on every machine.
 */
#include <errno.h>

#include "num.h"

#define MINUTE INT64_C(60000)
#define DAY (24 * 60 * MINUTE)

/* "07:30" or "07:30:15": ms since midnight. */
static int parse_clock(struct ks_bytes text, int64_t *ms)
{
	static const unsigned most[] = { 23, 59, 59 };
	int64_t sum = 0, unit = 60 * MINUTE;
	unsigned x, i;

	if (text.n != 5 && text.n != 8)
		return EINVAL;
	for (i = 0; 3 * i < text.n; i++, unit /= 60) {
		const unsigned char *p = text.p + 3 * i;

		if ((i > 0 && p[-1] != ':') || p[0] < '0' || p[0] > '9' || p[1] < '0' || p[1] > '9')
			return EINVAL;
		x = 10u * (p[0] - '0') + (p[1] - '0');
		if (x > most[i])
			return EINVAL;
		sum += x * unit;
	}
	*ms = sum;
	return 0;
}

/* Whether text begins with word, which is then stepped over with one blank behind it. */
static bool take_word(struct ks_bytes *text, const char *word)
{
	size_t n = strlen(word);

	if (text->n < n || memcmp(text->p, word, n) != 0)
		return false;
	if (text->n > n && text->p[n] != ' ')
		return false;
	n += text->n > n;
	*text = ks_bytes(text->p + n, text->n - n);
	return true;
}

int ks_num_parse_when(struct ks_bytes text, int64_t now_ms, int64_t *ms)
{
	int64_t day = now_ms - (now_ms % DAY + DAY) % DAY, clock = 0, span;
	bool past = text.n > 0 && text.p[0] == '-';
	size_t n = text.n;
	int no;

	if (past || (text.n > 0 && text.p[0] == '+')) {
		no = ks_num_parse_duration(ks_bytes(text.p + 1, text.n - 1), &span);
		if (no != 0)
			return no;
		if (__builtin_add_overflow(now_ms, past ? -span : span, &day))
			return ERANGE;
		*ms = day;
		return 0;
	}
	if (ks_bytes_is(text, "now")) {
		*ms = now_ms;
		return 0;
	}
	if (take_word(&text, "yesterday"))
		day -= DAY;
	else if (!take_word(&text, "today"))
		return ks_num_parse_time(text, ms);
	/* A blank behind the word wants a time of day. */
	no = text.n == 0 && n != strlen("today ") && n != strlen("yesterday ") ? 0 : parse_clock(text, &clock);
	if (no == 0)
		*ms = day + clock;
	return no;
}
