/* SPDX-License-Identifier: MIT */
/* reset-show.c - the plan of a reset, for who is to say yes to it. */
#include "reset.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define CELLS 4
#define GAP 2

struct rows {
	char *(*at)[CELLS];
	size_t count;
	bool failed;		/* no memory */
};

static void add(struct rows *x, char *cells[CELLS])
{
	void *wider = x->failed ? NULL : reallocarray(x->at, x->count + 1, sizeof(*x->at));
	size_t i;

	x->failed = wider == NULL;
	for (i = 0; i < CELLS; i++)
		x->failed = x->failed || cells[i] == NULL;
	if (wider != NULL)
		x->at = wider;
	for (i = 0; i < CELLS; i++) {
		if (x->failed)
			free(cells[i]);
		else
			x->at[x->count][i] = cells[i];
	}
	x->count += !x->failed;
}

static char *text(const char *fmt, ...) KS_PRINTF(1, 2);
static char *text(const char *fmt, ...)
{
	va_list ap;
	char *p;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&p, fmt, ap);
	va_end(ap);
	return n < 0 ? NULL : p;
}

static char *size_of(uint64_t bytes)
{
	static const char *const units[] = { "B", "kB", "MB", "GB", "TB" };
	double x = (double)bytes;
	size_t i;

	for (i = 0; x >= 1000 && i < 4; i++)
		x /= 1000;
	return text(i == 0 ? "%.0f %s" : "%.1f %s", x, units[i]);
}

static char *goal_of(const struct ks_reset *r, const struct ks_reset_part *p)
{
	if (p->to == KS_RESET_STAYS)
		return r->fork != NULL ? text("%lld, where it stands", (long long)p->now) : text("stays");
	if (p->file)
		return text("the beginning");
	if (r->resumed || p->sink)
		return text("%lld", (long long)p->to);
	return text("%lld%s", (long long)p->to, p->to == p->low ? ", the beginning" : p->to == p->high ? ", the end" : "");
}

static void add_parts(struct rows *x, const struct ks_reset *r)
{
	const struct ks_reset_part *p;
	char *cells[CELLS];

	for (p = r->parts; p < r->parts + r->part_count; p++) {
		if (p->sink && r->fork != NULL)
			continue;
		cells[0] = text(p->sink ? "epoch" : "position");
		cells[1] = p->file ? text("%s", p->input) : text("%s/%d", p->input, (int)p->partition);
		cells[2] = text("%lld", (long long)p->now);
		cells[3] = goal_of(r, p);
		add(x, cells);
	}
}

static void add_states(struct rows *x, const struct ks_reset *r)
{
	const struct ks_reset_state *s;
	char *cells[CELLS], *size;

	for (s = r->states; s < r->states + r->state_count; s++) {
		size = size_of(s->bytes);
		cells[0] = text("state");
		cells[1] = text("%s/%s", r->instances[s->instance].name, s->stage);
		cells[2] = s->damaged ? text("damaged, %s", size) : s->lock < 0 ? text("in use, %s", size) :
		    text("epoch %lld, %s", (long long)s->epoch, size);
		cells[3] = text(r->to == KS_RESET_LAST_GOOD ? "removed, and restored from its changelog" : "removed");
		add(x, cells);
		free(size);
	}
}

static void add_topics(struct rows *x, const struct ks_reset *r)
{
	const struct ks_reset_topic *t;
	char *cells[CELLS];

	for (t = r->topics; t < r->topics + r->topic_count; t++) {
		cells[0] = text(t->log ? "changelog" : "topic");
		cells[1] = text("%s", t->name);
		cells[2] = t->there ? text("%lld offsets", (long long)t->records) : text("not there");
		cells[3] = !ks_reset_empties(r, t) ? text("stays") : text(t->compacted ? "a tombstone for each key" : "its records deleted");
		add(x, cells);
	}
}

static void print_row(char *const cells[CELLS], const int widths[CELLS])
{
	int i;

	for (i = 0; i < CELLS - 1; i++)
		printf("%-*s", widths[i] + GAP, cells[i]);
	printf("%s\n", cells[CELLS - 1]);
}

void ks_reset_show(const struct ks_reset *r)
{
	char *head[CELLS] = { text("what"), text("which"), text("is"), text("will be") };
	struct rows x = { .at = NULL };
	int widths[CELLS] = { 0 }, n;
	size_t i, k;

	add(&x, head);
	add_parts(&x, r);
	if (r->fork == NULL) {
		add_states(&x, r);
		add_topics(&x, r);
	}
	for (i = 0; i < x.count; i++) {
		for (k = 0; k < CELLS; k++) {
			n = (int)strlen(x.at[i][k]);
			widths[k] = n > widths[k] ? n : widths[k];
		}
	}
	for (i = 0; i < x.count; i++) {
		print_row(x.at[i], widths);
		for (k = 0; k < CELLS; k++)
			free(x.at[i][k]);
	}
	free(x.at);
	if (x.failed)
		printf("(there is no memory for the whole table)\n");
}
