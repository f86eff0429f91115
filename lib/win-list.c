/* SPDX-License-Identifier: MIT */
/* win-list.c - the windows of a key, packed. */
#include "win-list.h"

#include <errno.h>

int ks_win_list_get(struct ks_win *w, const struct ks_win_part *part, struct ks_bytes key,
    const struct ks_win_list **list)
{
	struct ks_store_value v;
	int status = ks_store_get(w->store, part->partition, KS_WIN_LISTS, key, &v, w->run->err);

	*list = NULL;
	if (status != 0 || v.p == NULL)
		return status;
	w->old.n = 0;
	if (ks_buf_add(&w->old, v.p, ((const struct ks_win_list *)(const void *)v.p)->used) != 0)
		return ks_win_no_memory(w);
	*list = (const struct ks_win_list *)(const void *)w->old.p;
	return 0;
}

static int result_of(struct ks_win *w, int no)
{
	if (no == 0)
		return 0;
	return no == ENOMEM ? ks_win_no_memory(w) : ks_win_too_long(w);
}

int ks_win_list_begin(struct ks_win *w, int64_t armed)
{
	struct ks_win_list head = { .armed = armed };

	w->list.n = 0;
	return result_of(w, ks_buf_add(&w->list, &head, sizeof(head)));
}

int ks_win_list_copy(struct ks_win *w, const struct ks_win_entry *e)
{
	return result_of(w, ks_buf_add(&w->list, e, sizeof(*e) + e->n));
}

int ks_win_list_add(struct ks_win *w, const struct ks_window *at, const unsigned char *state, size_t n)
{
	struct ks_win_entry e = { .start_ms = at->start_ms, .end_ms = at->end_ms };
	size_t room = (n + 7) & ~(size_t)7;
	int no;

	if (n > UINT32_MAX - 8)
		return ks_win_too_long(w);
	e.n = (uint32_t)room;
	no = ks_buf_reserve(&w->list, sizeof(e) + room);
	if (no != 0)
		return result_of(w, no);
	memcpy(w->list.p + w->list.n, &e, sizeof(e));
	memcpy(w->list.p + w->list.n + sizeof(e), state, n);
	memset(w->list.p + w->list.n + sizeof(e) + n, 0, room - n);
	w->list.n += sizeof(e) + room;
	return 0;
}

int ks_win_list_put(struct ks_win *w, const struct ks_win_part *part, struct ks_bytes key)
{
	struct ks_win_list *head = (struct ks_win_list *)(void *)w->list.p;
	struct ks_store_value v;
	int status;

	if (w->list.n == sizeof(*head))
		return ks_store_delete(w->store, part->partition, KS_WIN_LISTS, key, w->run->err);
	head->used = (uint32_t)w->list.n;
	status = ks_store_put(w->store, part->partition, KS_WIN_LISTS, key, w->list.n, &v, w->run->err);
	if (status == 0)
		memcpy(v.p, w->list.p, w->list.n);
	return status;
}

int ks_win_list_find(struct ks_win *w, const struct ks_win_part *part, const struct ks_window *at,
    struct ks_bytes key, struct ks_win_state *state)
{
	const struct ks_win_entry *e = NULL;
	const struct ks_win_list *list;
	int status = ks_win_list_get(w, part, key, &list);

	*state = (struct ks_win_state){ .p = NULL };
	if (status != 0 || list == NULL)
		return status;
	while ((e = ks_win_list_next(list, e)) != NULL)
		if (e->start_ms == at->start_ms && e->end_ms == at->end_ms)
			*state = (struct ks_win_state){ .p = ks_win_entry_state(e), .n = e->n };
	return 0;
}
