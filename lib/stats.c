/* SPDX-License-Identifier: MIT */
/* stats.c - counting, and showing it. */
#include "stats.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fdio.h"

#define TERMINAL_MS 200		/* between two looks of a person */
#define LOG_MS 10000

void ks_stats_start(struct ks_stats *s)
{
	*s = (struct ks_stats){ .start_ms = ks_clock_ms() };
	s->shown_ms = s->start_ms;
}

/* The counter of a cause; the last one takes those that have found no room. */
static uint64_t *drops_of(struct ks_stats *s, const char *cause)
{
	size_t i;

	for (i = 0; i + 1 < KS_CAUSES; i++) {
		if (s->drops[i].cause == NULL)
			s->drops[i].cause = cause;
		if (s->drops[i].cause == cause || strcmp(s->drops[i].cause, cause) == 0)
			break;
	}
	if (s->drops[i].cause == NULL)
		s->drops[i].cause = "other";
	return &s->drops[i].count;
}

void ks_stats_drop(struct ks_stats *s, const char *cause)
{
	if (s->drops[0].cause == cause)	/* most tools know one */
		s->drops[0].count++;
	else
		++*drops_of(s, cause);
}

void ks_stats_drops(struct ks_stats *s, const char *cause, uint64_t count)
{
	*drops_of(s, cause) += count;
}

void ks_stats_dropped(struct ks_stats *s, const char *cause, uint64_t count)
{
	if (count > 0)
		*drops_of(s, cause) = count;
}

/* A terminal that is not there, or that is full, is nobody's failure. */
static void put_line(const char *text, size_t n)
{
	ssize_t done;

	do
		done = write(STDERR_FILENO, text, n);
	while (done < 0 && errno == EINTR);
}

void ks_say(const char *program, const char *text)
{
	char line[sizeof(((struct ks_err *)NULL)->text) + 100];
	int n = snprintf(line, sizeof(line), "%.60s: %s\n", program, text);

	if (n > (int)sizeof(line) - 1) {
		n = sizeof(line) - 1;
		line[n - 1] = '\n';
	}
	put_line(line, (size_t)n);
}

static uint64_t records_in(const struct ks_stats *s)
{
	return s->in + s->unmade;
}

static uint64_t records_out(const struct ks_stats *s)
{
	uint64_t less = s->letters + s->lost;

	return s->out > less ? s->out - less : 0;
}

static void print_bytes(char *o, size_t n, uint64_t bytes)
{
	static const char *const unit[] = { "B", "kB", "MB", "GB", "TB", "PB" };
	double x = (double)bytes;
	size_t i = 0;

	while (x >= 999.95 && i < 5) {
		x /= 1000;
		i++;
	}
	snprintf(o, n, i == 0 ? "%.0f %s" : "%.1f %s", x, unit[i]);
}

static void add(char *line, size_t size, const char *fmt, ...) KS_PRINTF(3, 4);
static void add(char *line, size_t size, const char *fmt, ...)
{
	size_t n = strlen(line);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line + n, size - n, fmt, ap);
	va_end(ap);
}

void ks_stats_summary(const struct ks_stats *s, const char *program)
{
	uint64_t dropped = 0;
	char bytes[32], causes[KS_CAUSES * 44] = "", line[KS_CAUSES * 44 + 400] = "";
	size_t i;

	for (i = 0; i < KS_CAUSES && s->drops[i].cause != NULL; i++) {
		dropped += s->drops[i].count;
		add(causes, sizeof(causes), "%s%.20s %llu", i > 0 ? ", " : " (", s->drops[i].cause,
		    (unsigned long long)s->drops[i].count);
	}
	print_bytes(bytes, sizeof(bytes), s->bytes);
	add(line, sizeof(line), "%.60s: %llu in, %llu out, %llu dropped%s%s, %llu late, %llu rejected, ", program,
	    (unsigned long long)records_in(s), (unsigned long long)records_out(s), (unsigned long long)dropped,
	    causes, i > 0 ? ")" : "", (unsigned long long)s->late, (unsigned long long)s->rejected);
	if (s->folded > 0 || s->results > 0)
		add(line, sizeof(line), "%llu folded", (unsigned long long)s->folded);
	if (s->results > 0)
		add(line, sizeof(line), " into %llu", (unsigned long long)s->results);
	if (s->folded > 0 || s->results > 0)
		add(line, sizeof(line), ", ");
	if (s->duplicates > 0)
		add(line, sizeof(line), "%llu repeated keys, ", (unsigned long long)s->duplicates);
	add(line, sizeof(line), "%s, %.2f s\n", bytes, (double)(ks_clock_ms() - s->start_ms) / 1000);
	put_line(line, strlen(line));
}

bool ks_stats_due(int64_t *shown_ms)
{
	int64_t now = ks_clock_ms();

	if (now - *shown_ms < (isatty(STDERR_FILENO) != 0 ? TERMINAL_MS : LOG_MS))
		return false;
	*shown_ms = now;
	return true;
}

void ks_stats_over(const char *program, const char *text, bool last)
{
	bool terminal = isatty(STDERR_FILENO) != 0;
	char line[400] = "";

	add(line, sizeof(line), "%s%.60s: %.300s%s", terminal ? "\r\033[K" : "", program, text, terminal && !last ? "" : "\n");
	put_line(line, strlen(line));
}

void ks_stats_progress(struct ks_stats *s, const char *program, bool last)
{
	double part = s->part > 0 ? s->part : s->total > 0 && s->bytes <= s->total ? (double)s->bytes / (double)s->total : 0;
	int64_t spent = ks_clock_ms() - s->start_ms, left;
	char bytes[32], eta[60] = "", line[300] = "";

	if (!last && !ks_stats_due(&s->shown_ms))
		return;
	print_bytes(bytes, sizeof(bytes), s->bytes);
	if (part > 0 && !last) {
		left = (int64_t)((double)spent * (1 - part) / part / 1000);
		snprintf(eta, sizeof(eta), ", %d %%, %lld:%02lld left", (int)(100 * part), (long long)(left / 60), (long long)(left % 60));
	}
	add(line, sizeof(line), "%llu in, %llu out, %s, %.0f records/s%s", (unsigned long long)records_in(s),
	    (unsigned long long)records_out(s), bytes, spent > 0 ? (double)records_in(s) * 1000 / (double)spent : 0, eta);
	ks_stats_over(program, line, last);
}
