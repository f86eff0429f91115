/* SPDX-License-Identifier: MIT */
/* sieve.c - records that a tool would drop are left out by who reads them. */
#include "sieve.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static struct ks_left_out *map(int fd)
{
	void *p = mmap(NULL, sizeof(struct ks_left_out), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	return p != MAP_FAILED ? p : NULL;
}

/* What the clock decides is decided where the record is, at its time; "now" within another word does no harm. */
static bool can_go(const struct ks_wants *wants)
{
	return wants != NULL && strlen(wants->expr) <= KS_SIEVE_MAX && strstr(wants->expr, "now") == NULL;
}

int ks_wanted_tell(struct ks_wanted *w, const struct ks_wants *wants, char *text, size_t size)
{
	int fd;

	if (!can_go(wants))
		return -1;
	fd = memfd_create("kstream-left-out", 0);
	if (fd < 0)
		return -1;
	if (ftruncate(fd, sizeof(*w->left_out)) == 0)
		w->left_out = map(fd);
	if (w->left_out != NULL)
		snprintf(text, size, ":%d:%c%s", fd, wants->invert ? '-' : '+', wants->expr);
	w->wants = *wants;
	return fd;
}

void ks_wanted_told(int fd, char *text)
{
	if (fd >= 0)
		close(fd);
	*text = '\0';
}

void ks_wanted_learn(struct ks_wanted *w, const char *text)
{
	int fd, used = 0;
	struct stat st;
	char sign;

	if (sscanf(text, ":%9d:%c%n", &fd, &sign, &used) != 2 || (sign != '+' && sign != '-') || fd <= STDERR_FILENO)
		return;
	w->wants = (struct ks_wants){ .expr = text + used, .invert = sign == '-' };
	if (fstat(fd, &st) == 0 && st.st_size == sizeof(*w->left_out))
		w->left_out = map(fd);
	close(fd);
}

void ks_sieve_open(struct ks_sieve *s, const struct ks_wanted *wanted, const struct ks_limits *limits)
{
	struct ks_err err;

	*s = (struct ks_sieve){ .invert = wanted->wants.invert, .page = wanted->left_out };
	s->set = ks_expr_set_new(limits);
	if (s->set != NULL && (ks_expr_add(s->set, wanted->wants.expr, &s->expr, &err) != 0 || ks_expr_set_wants_record(s->set)))
		ks_sieve_close(s);
}

void ks_sieve_close(struct ks_sieve *s)
{
	ks_expr_set_free(s->set);
	s->set = NULL;
}

bool ks_sieve_drops(struct ks_sieve *s, struct ks_bytes text, size_t size)
{
	const unsigned char *end, *at;
	bool any;

	/* A document of several lines seems to end in the first of them, and is in doubt. */
	if (ks_expr_load_text(s->set, text.p, &end, &at) != KS_JSON_OK || end != text.p + text.n)
		return false;
	if (ks_expr_any(s->expr, &any) != NULL || any != s->invert)
		return false;
	/* One process alone adds, so there is nothing to lock. */
	atomic_store_explicit(&s->page->records, atomic_load_explicit(&s->page->records, memory_order_relaxed) + 1,
	    memory_order_relaxed);
	atomic_store_explicit(&s->page->bytes, atomic_load_explicit(&s->page->bytes, memory_order_relaxed) + size,
	    memory_order_relaxed);
	return true;
}
