/* SPDX-License-Identifier: MIT */
/* reset.c - what a reset is about. */
#include "reset.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Room for one more behind count; NULL: no memory. */
static void *widen(void *list, size_t count, size_t size)
{
	return (count & (count - 1)) == 0 ? reallocarray(list, count == 0 ? 1 : 2 * count, size) : list;
}

struct ks_reset_part *ks_reset_add_part(struct ks_reset *r, struct ks_bytes input, int32_t partition)
{
	struct ks_reset_part *p = widen(r->parts, r->part_count, sizeof(*p));

	if (p == NULL)
		return NULL;
	r->parts = p;
	p += r->part_count;
	*p = (struct ks_reset_part){ .input = strndup((const char *)input.p, input.n), .partition = partition, .to = KS_RESET_STAYS };
	return p->input != NULL ? (void)r->part_count++, p : NULL;
}

struct ks_reset_topic *ks_reset_add_topic(struct ks_reset *r, const char *name, bool log)
{
	struct ks_reset_topic *t;
	size_t i;

	for (i = 0; i < r->topic_count; i++)
		if (strcmp(r->topics[i].name, name) == 0)
			return &r->topics[i];
	t = widen(r->topics, r->topic_count, sizeof(*t));
	if (t == NULL)
		return NULL;
	r->topics = t;
	t += r->topic_count;
	*t = (struct ks_reset_topic){ .name = strdup(name), .log = log };
	return t->name != NULL ? (void)r->topic_count++, t : NULL;
}

static int by_name(const void *a, const void *b)
{
	const struct ks_reset_topic *x = a, *y = b;
	int c = strcmp(x->name, y->name);

	return x->log != y->log ? (x->log ? -1 : 1) : c;
}

bool ks_reset_say(struct ks_reset *r, const char *since)
{
	const struct ks_reset_topic *t;
	char *longer;
	int n;

	if (r->topic_count > 1)
		qsort(r->topics, r->topic_count, sizeof(*r->topics), by_name);
	free(r->asked);
	n = since != NULL ? asprintf(&r->asked, "--since %s", since) :
	    asprintf(&r->asked, "--offset %s", r->to == KS_RESET_OFFSETS ? r->offsets : r->told);
	for (t = r->topics; t < r->topics + r->topic_count && n >= 0; t++) {
		n = asprintf(&longer, "%s --%s %s", r->asked, t->log ? "changelog" : "empty", t->name);
		if (n >= 0) {
			free(r->asked);
			r->asked = longer;
		}
	}
	if (n < 0 && r->topic_count == 0)
		r->asked = NULL;
	return n >= 0;
}

void ks_reset_release(struct ks_reset *r)
{
	size_t i;

	for (i = 0; i < r->part_count; i++)
		free(r->parts[i].input);
	for (i = 0; i < r->topic_count; i++)
		free(r->topics[i].name);
	for (i = 0; i < r->state_count; i++)
		if (r->states[i].lock >= 0)
			close(r->states[i].lock);
	for (i = 0; i < r->instance_count; i++)
		ks_ledger_close(&r->instances[i].ledger);
	if (r->lock > 0)
		close(r->lock);
	free(r->parts);
	free(r->topics);
	free(r->states);
	free(r->instances);
	free(r->home);
	free(r->asked);
	*r = (struct ks_reset){ .config = r->config };
}
