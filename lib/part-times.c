/* SPDX-License-Identifier: MIT */
/* part-times.c - how far event time has come in all partitions of an input. */
#include "part-times.h"

#include <errno.h>
#include <stdlib.h>

/* Where it stands, or would. */
static size_t find(const struct ks_part_times *x, int32_t partition)
{
	size_t low = 0, high = x->count, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (x->list[mid].partition < partition)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

int ks_part_times_add(struct ks_part_times *x, int32_t partition)
{
	struct ks_part_time *grown;
	size_t at = find(x, partition);

	x->last = at;
	if (at < x->count && x->list[at].partition == partition)
		return 0;
	if (x->count == KS_PART_TIMES_MAX)
		return EMSGSIZE;
	if (x->count == x->cap) {
		grown = realloc(x->list, (2 * x->cap + 16) * sizeof(*grown));
		if (grown == NULL)
			return ENOMEM;
		x->list = grown;
		x->cap = 2 * x->cap + 16;
	}
	memmove(&x->list[at + 1], &x->list[at], (x->count - at) * sizeof(*x->list));
	x->list[at] = (struct ks_part_time){ .partition = partition };
	x->count++;
	return 0;
}

struct ks_part_time *ks_part_times_find(const struct ks_part_times *x, int32_t partition)
{
	size_t at = find(x, partition);

	return at < x->count && x->list[at].partition == partition ? &x->list[at] : NULL;
}

int ks_part_times_move(struct ks_part_times *x, int32_t partition, int64_t time_ms, bool idle)
{
	struct ks_part_time *t;
	int no;

	if (KS_UNLIKELY(x->last >= x->count || x->list[x->last].partition != partition)) {
		no = ks_part_times_add(x, partition);
		if (no != 0)
			return no;
	}
	t = &x->list[x->last];
	t->idle = idle;
	if (!t->known || time_ms > t->time_ms) {
		t->known = true;
		t->time_ms = time_ms;
	}
	return 0;
}

bool ks_part_times_promise(struct ks_part_times *x, struct ks_mark *m)
{
	int64_t least = INT64_MAX, most = INT64_MIN;
	bool idle = true, news;
	size_t i;

	for (i = 0; i < x->count; i++) {
		if (!x->list[i].known)
			return false;
		if (x->list[i].time_ms > most)
			most = x->list[i].time_ms;
		if (!x->list[i].idle && x->list[i].time_ms < least)
			least = x->list[i].time_ms;
		idle = idle && x->list[i].idle;
	}
	if (x->count == 0)
		return false;
	if (idle)
		least = most;
	if (x->promised && least < x->promised_ms)
		least = x->promised_ms;
	news = !x->promised || least > x->promised_ms || idle != x->idle;
	*m = (struct ks_mark){ .time_ms = x->promised_ms = least, .idle = x->idle = idle };
	x->promised = true;
	return news;
}

void ks_part_times_forget(struct ks_part_times *x, bool anew)
{
	x->count = x->last = 0;
	if (anew)
		x->promised = false;
}

void ks_part_times_release(struct ks_part_times *x)
{
	free(x->list);
	*x = (struct ks_part_times){ 0 };
}
