/* SPDX-License-Identifier: MIT */
/* window-store.c - windows as the segments of a store. */
#include "window-store.h"

#include <errno.h>
#include <stdlib.h>

int ks_window_store_open(struct ks_window_store *ws, const struct ks_window_spec *spec,
    uint64_t seed, struct ks_err *err)
{
	*ws = (struct ks_window_store){ .spec = *spec };
	return ks_store_open(&ws->store, seed, err);
}

void ks_window_store_close(struct ks_window_store *ws)
{
	size_t i;

	for (i = 0; i < ws->count; i++) {
		ks_buf_release(&ws->parts[i]->topic);
		ks_buf_release(&ws->parts[i]->route);
		free(ws->parts[i]);
	}
	free(ws->parts);
	ks_store_close(ws->store);
	*ws = (struct ks_window_store){ .spec = ws->spec };
}

static struct ks_window_part *make_part(struct ks_window_store *ws, int32_t partition, size_t at)
{
	struct ks_window_part **parts, *part;
	size_t cap = ws->cap == 0 ? 8 : ws->cap * 2;

	if (ws->count == ws->cap) {
		parts = reallocarray(ws->parts, cap, sizeof(struct ks_window_part *));
		if (parts == NULL)
			return NULL;
		ws->parts = parts;
		ws->cap = cap;
	}
	part = malloc(sizeof(*part));
	if (part == NULL)
		return NULL;
	*part = (struct ks_window_part){ .partition = partition, .stream_ms = -1,
		.oldest_end_ms = INT64_MAX };
	ks_buf_init(&part->topic, KS_RECORD_MAX);
	ks_buf_init(&part->route, KS_RECORD_MAX);
	memmove(ws->parts + at + 1, ws->parts + at, (ws->count - at) * sizeof(part));
	ws->parts[at] = part;
	ws->count++;
	return part;
}

int ks_window_store_part(struct ks_window_store *ws, int32_t partition,
    struct ks_window_part **part, struct ks_err *err)
{
	size_t low = 0, high = ws->count, middle;

	if (KS_LIKELY(ws->last != NULL && ws->last->partition == partition)) {
		*part = ws->last;
		return 0;
	}
	while (low < high) {
		middle = (low + high) / 2;
		if (ws->parts[middle]->partition < partition)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < ws->count && ws->parts[low]->partition == partition)
		*part = ws->parts[low];
	else
		*part = make_part(ws, partition, low);
	if (*part == NULL)
		return ks_fail_errno(err, KS_TEMP, ENOMEM, "cannot keep state");
	ws->last = *part;
	return 0;
}

int ks_window_store_get(struct ks_window_store *ws, const struct ks_window_part *part,
    const struct ks_window *w, struct ks_bytes key, struct ks_store_value *v, struct ks_err *err)
{
	return ks_store_get(ws->store, part->partition, w->start_ms, key, v, err);
}

int ks_window_store_delete(struct ks_window_store *ws, const struct ks_window_part *part,
    const struct ks_window *w, struct ks_bytes key, struct ks_err *err)
{
	return ks_store_delete(ws->store, part->partition, w->start_ms, key, err);
}

int ks_window_store_put(struct ks_window_store *ws, struct ks_window_part *part,
    const struct ks_window *w, struct ks_bytes key, size_t n, struct ks_store_value *v,
    struct ks_err *err)
{
	int status;

	status = ks_store_put(ws->store, part->partition, w->start_ms, key, n, v, err);
	if (status == 0 && w->end_ms < part->oldest_end_ms)
		part->oldest_end_ms = w->end_ms;
	return status;
}

bool ks_window_store_oldest(const struct ks_window_store *ws, const struct ks_window_part *part,
    struct ks_window *w)
{
	if (!ks_store_oldest(ws->store, part->partition, &w->start_ms))
		return false;
	w->end_ms = w->start_ms + ws->spec.size_ms;
	return true;
}

int ks_window_store_scan(const struct ks_window_store *ws, const struct ks_window_part *part,
    const struct ks_window *w, struct ks_store_scan *scan, struct ks_err *err)
{
	return ks_store_scan_begin(ws->store, part->partition, w->start_ms, scan, err);
}

void ks_window_store_drop(struct ks_window_store *ws, struct ks_window_part *part,
    const struct ks_window *w)
{
	struct ks_window oldest;

	ks_store_drop(ws->store, part->partition, w->start_ms);
	part->oldest_end_ms = ks_window_store_oldest(ws, part, &oldest) ? oldest.end_ms : INT64_MAX;
}
