/* SPDX-License-Identifier: MIT */
/* stats.c - counting, and showing it. */
#include "stats.h"

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

void ks_stats_drop(struct ks_stats *s, const char *cause)
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
	s->drops[i].count++;
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

void ks_stats_summary(const struct ks_stats *s, const char *program)
{
	uint64_t dropped = 0;
	char bytes[32], causes[400] = "", *o = causes;
	size_t i;

	for (i = 0; i < KS_CAUSES && s->drops[i].cause != NULL; i++) {
		dropped += s->drops[i].count;
		o += snprintf(o, sizeof(causes) - (size_t)(o - causes), "%s%.20s %llu", i > 0 ? ", " : " (",
		    s->drops[i].cause, (unsigned long long)s->drops[i].count);
	}
	if (o != causes)
		snprintf(o, sizeof(causes) - (size_t)(o - causes), ")");
	print_bytes(bytes, sizeof(bytes), s->bytes);
	fprintf(stderr, "%s: %llu in, %llu out, %llu dropped%s, %llu late, %llu rejected, ", program,
	    (unsigned long long)s->in, (unsigned long long)s->out, (unsigned long long)dropped, causes,
	    (unsigned long long)s->late, (unsigned long long)s->rejected);
	if (s->duplicates > 0)
		fprintf(stderr, "%llu repeated keys, ", (unsigned long long)s->duplicates);
	fprintf(stderr, "%s, %.2f s\n", bytes, (double)(ks_clock_ms() - s->start_ms) / 1000);
}

void ks_stats_progress(struct ks_stats *s, const char *program, bool last)
{
	bool terminal = isatty(STDERR_FILENO) != 0;
	int64_t now = ks_clock_ms(), spent = now - s->start_ms, left;
	char bytes[32], eta[60] = "";

	if (!last && now - s->shown_ms < (terminal ? TERMINAL_MS : LOG_MS))
		return;
	s->shown_ms = now;
	print_bytes(bytes, sizeof(bytes), s->bytes);
	if (s->total > 0 && s->bytes > 0 && s->bytes <= s->total && !last) {
		left = (int64_t)((double)spent * (double)(s->total - s->bytes) / (double)s->bytes / 1000);
		snprintf(eta, sizeof(eta), ", %d %%, %lld:%02lld left",
		    (int)(100.0 * (double)s->bytes / (double)s->total), (long long)(left / 60),
		    (long long)(left % 60));
	}
	fprintf(stderr, "%s%s: %llu in, %llu out, %s, %.0f records/s%s%s", terminal ? "\r\033[K" : "",
	    program, (unsigned long long)s->in, (unsigned long long)s->out, bytes,
	    spent > 0 ? (double)s->in * 1000 / (double)spent : 0, eta, terminal && !last ? "" : "\n");
}
