/* SPDX-License-Identifier: MIT */
/*
 * num.c - integers, sizes, durations and times, from text and to text.
 *
 * The calendar is computed here: timegm() and strftime() know neither
 * years before 1900 reliably nor a world without a locale.
 */
#include "num.h"

#include <errno.h>

static inline bool is_digit(unsigned char c)
{
	return c >= '0' && c <= '9';
}

/* The digits at the start of *text, stepped over: 0, EINVAL (there are none), ERANGE. */
static int take_digits(struct ks_bytes *text, uint64_t *x)
{
	uint64_t u = 0;
	size_t i;

	for (i = 0; i < text->n && is_digit(text->p[i]); i++) {
		if (__builtin_mul_overflow(u, 10u, &u) ||
		    __builtin_add_overflow(u, (uint64_t)(text->p[i] - '0'), &u))
			return ERANGE;
	}
	if (i == 0)
		return EINVAL;
	text->p += i;
	text->n -= i;
	*x = u;
	return 0;
}

static bool only_digits(struct ks_bytes text)
{
	size_t i;

	for (i = 0; i < text.n; i++)
		if (!is_digit(text.p[i]))
			return false;
	return text.n > 0;
}

int ks_num_parse_i64(struct ks_bytes text, int64_t *x)
{
	bool negative = text.n > 0 && text.p[0] == '-';
	uint64_t u;

	if (negative)
		text = ks_bytes(text.p + 1, text.n - 1);
	if (!only_digits(text))
		return EINVAL;
	if (take_digits(&text, &u) != 0 || u > (uint64_t)INT64_MAX + negative)
		return ERANGE;
	*x = (int64_t)(negative ? 0 - u : u);
	return 0;
}

int ks_num_parse_size(struct ks_bytes text, uint64_t *bytes)
{
	unsigned shift = 0;
	uint64_t u;
	int no;

	no = take_digits(&text, &u);
	if (no != 0)
		return no;
	if (text.n > 0 && text.p[0] != 'B') {
		switch (text.p[0]) {
		case 'k': case 'K': shift = 10; break;
		case 'M': shift = 20; break;
		case 'G': shift = 30; break;
		default: return EINVAL;
		}
		text = ks_bytes(text.p + 1, text.n - 1);
		if (text.n > 0 && text.p[0] == 'i' && text.n != 2)
			return EINVAL;
		if (text.n > 0 && text.p[0] == 'i')
			text = ks_bytes(text.p + 1, text.n - 1);
	}
	if (text.n > 0 && !ks_bytes_is(text, "B"))
		return EINVAL;
	if (u > UINT64_MAX >> shift)
		return ERANGE;
	*bytes = u << shift;
	return 0;
}

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

static const struct {
	char name[3];
	int64_t ms;
} units[] = {
	{ "w", 7 * DAY }, { "d", DAY }, { "h", HOUR }, { "m", MINUTE }, { "s", SECOND }, { "ms", 1 },
};
#define UNITS (sizeof(units) / sizeof(units[0]))

/* The letters behind a number, up to the next digit. */
static size_t find_unit(struct ks_bytes *text)
{
	size_t n = 0, i;

	while (n < text->n && !is_digit(text->p[n]))
		n++;
	for (i = 0; i < UNITS; i++)
		if (ks_bytes_is(ks_bytes(text->p, n), units[i].name))
			break;
	text->p += n;
	text->n -= n;
	return i;
}

int ks_num_parse_duration(struct ks_bytes text, int64_t *ms)
{
	int64_t sum = 0, part;
	size_t at = 0, next;
	bool range = false;
	uint64_t u;
	int no;

	if (ks_bytes_is(text, "0")) {
		*ms = 0;
		return 0;
	}
	if (text.n == 0)
		return EINVAL;
	for (; text.n > 0; at = next + 1) {
		u = INT64_MAX;
		no = take_digits(&text, &u);
		if (no == EINVAL)
			return EINVAL;
		while (no == ERANGE && text.n > 0 && is_digit(text.p[0]))
			text = ks_bytes(text.p + 1, text.n - 1);
		next = find_unit(&text);
		if (next < at || next == UNITS)
			return EINVAL;
		/* Go on after an overflow: "99999999999999999999q" is not a duration at all. */
		range |= no == ERANGE || u > INT64_MAX ||
		    __builtin_mul_overflow((int64_t)u, units[next].ms, &part) ||
		    __builtin_add_overflow(sum, part, &sum);
	}
	if (range)
		return ERANGE;
	*ms = sum;
	return 0;
}

/*
 * Days from 1970-01-01 to a date of the proleptic Gregorian calendar, and
 * back.  Years are counted from March, so that the leap day comes last, in
 * eras of 400 years, which repeat.  Source: H. Hinnant, "chrono-Compatible
 * Low-Level Date Algorithms".
 */
static int64_t days_of_date(int64_t y, int m, int d)
{
	int64_t era, year_of_era, day_of_year;

	y -= m <= 2;
	era = (y >= 0 ? y : y - 399) / 400;
	year_of_era = y - era * 400;
	day_of_year = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
	return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 +
	    day_of_year - 719468;
}

static void date_of_days(int64_t days, int64_t *y, int *m, int *d)
{
	int64_t era, day_of_era, year_of_era, day_of_year, month;

	days += 719468;
	era = (days >= 0 ? days : days - 146096) / 146097;
	day_of_era = days - era * 146097;
	year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 -
	    day_of_era / 146096) / 365;
	day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	month = (5 * day_of_year + 2) / 153;
	*d = (int)(day_of_year - (153 * month + 2) / 5 + 1);
	*m = (int)(month < 10 ? month + 3 : month - 9);
	*y = year_of_era + era * 400 + (*m <= 2);
}

/* count digits at p as a number, or -1. */
static int field(const unsigned char *p, int count)
{
	int x = 0;

	for (; count > 0; count--, p++) {
		if (!is_digit(*p))
			return -1;
		x = 10 * x + (*p - '0');
	}
	return x;
}

static bool parse_date(const unsigned char *p, int64_t *days)
{
	static const unsigned char length[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	int y = field(p, 4), m = field(p + 5, 2), d = field(p + 8, 2);
	bool leap = y % 4 == 0 && (y % 100 != 0 || y % 400 == 0);

	if (p[4] != '-' || p[7] != '-' || y < 0 || m < 1 || m > 12 || d < 1 ||
	    d > length[m - 1] + (m == 2 && leap))
		return false;
	*days = days_of_date(y, m, d);
	return true;
}

/* "Z" or "+01:00": what local time is ahead of UTC, in ms. */
static bool parse_zone(struct ks_bytes text, int64_t *ahead)
{
	int h, m;

	*ahead = 0;
	if (text.n == 1)
		return text.p[0] == 'Z' || text.p[0] == 'z';
	if (text.n != 6 || (text.p[0] != '+' && text.p[0] != '-') || text.p[3] != ':')
		return false;
	h = field(text.p + 1, 2);
	m = field(text.p + 4, 2);
	if (h < 0 || h > 23 || m < 0 || m > 59)
		return false;
	*ahead = (text.p[0] == '-' ? -1 : 1) * (h * HOUR + m * MINUTE);
	return true;
}

/* "22:00", "22:00:00", "22:00:00.123456" before the zone, which is stepped to. */
static bool parse_clock(struct ks_bytes *text, int64_t *ms, bool *leap)
{
	const unsigned char *p = text->p, *end = p + text->n;
	int h, m, s = 0, i;

	if (text->n < 6 || p[2] != ':')
		return false;
	h = field(p, 2);
	m = field(p + 3, 2);
	p += 5;
	*ms = 0;
	if (*p == ':') {
		if (end - p < 4)
			return false;
		s = field(p + 1, 2);
		p += 3;
		if (*p == '.') {
			if (end - p < 2 || !is_digit(p[1]))
				return false;
			for (p++, i = 100; p < end && is_digit(*p); p++, i /= 10)
				*ms += i * (*p - '0');
		}
	}
	if (h < 0 || h > 23 || m < 0 || m > 59 || s < 0 || s > 60)
		return false;
	*leap = s == 60;
	*ms += h * HOUR + m * MINUTE + s * SECOND;
	*text = ks_bytes(p, (size_t)(end - p));
	return true;
}

int ks_num_parse_time(struct ks_bytes text, int64_t *ms)
{
	int64_t days, clock, ahead, t;
	bool leap;

	if (text.n > 0 && text.p[0] == '@')
		return ks_num_parse_i64(ks_bytes(text.p + 1, text.n - 1), ms);
	if (text.n < 10 || !parse_date(text.p, &days))
		return EINVAL;
	if (text.n == 10) {
		*ms = days * DAY;
		return 0;
	}
	/* RFC 3339 section 5.6: "t" and "z" may be small, and a blank may stand for the "T". */
	if (text.p[10] != 'T' && text.p[10] != 't' && text.p[10] != ' ')
		return EINVAL;
	text = ks_bytes(text.p + 11, text.n - 11);
	if (!parse_clock(&text, &clock, &leap) || !parse_zone(text, &ahead))
		return EINVAL;
	t = days * DAY + clock - ahead;
	/* A leap second is the last of a day in UTC, and nowhere else. */
	if (leap && (t % DAY + DAY) % DAY >= SECOND)
		return EINVAL;
	*ms = t;
	return 0;
}

static const char pairs[] =
	"00010203040506070809101112131415161718192021222324"
	"25262728293031323334353637383940414243444546474849"
	"50515253545556575859606162636465666768697071727374"
	"75767778798081828384858687888990919293949596979899";

size_t ks_num_print_u64(char *o, uint64_t x)
{
	char text[20], *p = text + sizeof(text);
	size_t n;

	while (x >= 100) {
		p -= 2;
		memcpy(p, pairs + 2 * (x % 100), 2);
		x /= 100;
	}
	if (x >= 10) {
		p -= 2;
		memcpy(p, pairs + 2 * x, 2);
	} else {
		*--p = (char)('0' + x);
	}
	n = (size_t)(text + sizeof(text) - p);
	memcpy(o, p, n);
	return n;
}

size_t ks_num_print_i64(char *o, int64_t x)
{
	if (x >= 0)
		return ks_num_print_u64(o, (uint64_t)x);
	*o = '-';
	return 1 + ks_num_print_u64(o + 1, 0 - (uint64_t)x);
}

static char *put_pair(char *o, int64_t x, char behind)
{
	memcpy(o, pairs + 2 * x, 2);
	o[2] = behind;
	return o + 3;
}

size_t ks_num_print_time(char *o, int64_t ms)
{
	int64_t days = ms / DAY, clock = ms % DAY, y;
	char *p = o;
	int m, d;

	if (clock < 0) {
		clock += DAY;
		days--;
	}
	date_of_days(days, &y, &m, &d);
	if (y < 0 || y > 9999) {
		*o = '@';
		return 1 + ks_num_print_i64(o + 1, ms);
	}
	p = put_pair(p, y / 100, ' ') - 1;
	p = put_pair(p, y % 100, '-');
	p = put_pair(p, m, '-');
	p = put_pair(p, d, 'T');
	p = put_pair(p, clock / HOUR, ':');
	p = put_pair(p, clock / MINUTE % 60, ':');
	p = put_pair(p, clock / SECOND % 60, '.');
	if (clock % SECOND == 0) {
		p--;
	} else {
		*p++ = (char)('0' + clock % SECOND / 100);
		p = put_pair(p, clock % 100, ' ') - 1;
	}
	*p++ = 'Z';
	return (size_t)(p - o);
}
