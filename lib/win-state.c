/* SPDX-License-Identifier: MIT */
/* win-state.c - states that records are folded into: in the store, or outside of it while they are made. */
#include "win.h"

#include <errno.h>

/* How an aggregate makes its state longer, in the store. */
struct room {
	struct ks_agg_block block;	/* first: grow is given this */
	struct ks_win *w;
	const struct ks_win_part *part;
	int64_t segment;
	struct ks_bytes key;
};

static int grow_in_store(struct ks_agg_block *b, size_t n)
{
	struct room *r = (struct room *)(void *)b;
	struct ks_store_value v;
	int status;

	status = ks_store_put(r->w->store, r->part->partition, r->segment, r->key, n, &v, r->w->run->err);
	if (status == 0) {
		b->p = v.p;
		b->n = v.n;
	}
	return status;
}

/* A state that has refused the record (EDOM) was asked before, but one of the merging kind. */
static int result_of(struct ks_win *w, int status)
{
	if (status == EDOM)
		return ks_fail(w->run->err, KS_DATA, "%s", ks_fold_why(&w->fold));
	if (status == EMSGSIZE)
		return ks_win_too_long(w);
	return status == ENOMEM ? ks_win_no_memory(w) : status;
}

int ks_win_try(struct ks_win *w, const struct ks_rec *rec, const unsigned char *state, bool *taken)
{
	int no = ks_fold_try(&w->fold, state);

	*taken = no == 0;
	if (no == EDOM)
		return ks_reject(w->run, rec, "%s", ks_fold_why(&w->fold));
	return no == 0 ? 0 : ks_win_no_memory(w);
}

int ks_win_ask_at(struct ks_win *w, const struct ks_win_part *part, int64_t segment, struct ks_bytes key,
    const struct ks_rec *rec, bool *taken)
{
	struct ks_store_value v;
	int status;

	status = ks_store_get(w->store, part->partition, segment, key, &v, w->run->err);
	return status != 0 ? status : ks_win_try(w, rec, v.p, taken);
}

int ks_win_apply(struct ks_win *w, const struct ks_win_part *part, int64_t segment, struct ks_bytes key,
    const struct ks_rec *rec, struct ks_win_state *state, bool *fresh)
{
	struct room room = { { .grow = grow_in_store }, w, part, segment, key };
	bool nothing = w->fold.bare && ks_fold_nothing(&w->fold);
	struct ks_store_value v;
	int status;

	*fresh = false;
	if (KS_UNLIKELY(w->asks_fresh || nothing)) {
		status = ks_store_get(w->store, part->partition, segment, key, &v, w->run->err);
		if (status != 0)
			return status;
		*fresh = v.p == NULL;
		*state = (struct ks_win_state){ NULL, 0, ks_win_time_of(rec) };
		if (v.p == NULL && nothing)
			return 0;
	}
	status = ks_store_put(w->store, part->partition, segment, key, w->fold.state_n, &v, w->run->err);
	if (status != 0)
		return status;
	ks_win_move_time(v.p, ks_win_time_of(rec));
	room.block.p = v.p;
	room.block.n = v.n;
	status = ks_fold_apply(&w->fold, &room.block);
	*state = (struct ks_win_state){ room.block.p, room.block.n, ks_win_time(room.block.p) };
	if (KS_UNLIKELY(status != 0))
		return result_of(w, status);
	if (KS_LIKELY(!w->fold.bare) || !ks_fold_gone(&w->fold, state->p))
		return 0;
	state->p = NULL;
	state->n = 0;
	return ks_store_delete(w->store, part->partition, segment, key, w->run->err);
}

static int grow_scratch(struct ks_agg_block *b, size_t n)
{
	struct ks_win_scratch *s = (struct ks_win_scratch *)(void *)b;
	int no = ks_buf_reserve(&s->bytes, n - s->bytes.n);

	if (no != 0)
		return no;
	memset(s->bytes.p + s->bytes.n, 0, n - s->bytes.n);
	s->bytes.n = n;
	b->p = s->bytes.p;
	b->n = n;
	return 0;
}

int ks_win_scratch_begin(struct ks_win *w, const unsigned char *from, size_t n)
{
	struct ks_win_scratch *s = &w->scratch;

	s->bytes.n = 0;
	s->block.grow = grow_scratch;
	if (n == 0)
		return result_of(w, grow_scratch(&s->block, w->fold.state_n));
	if (ks_buf_add(&s->bytes, from, n) != 0)
		return ks_win_no_memory(w);
	s->block.p = s->bytes.p;
	s->block.n = n;
	return 0;
}

int ks_win_scratch_apply(struct ks_win *w, const struct ks_rec *rec)
{
	ks_win_move_time(w->scratch.block.p, ks_win_time_of(rec));
	return result_of(w, ks_fold_apply(&w->fold, &w->scratch.block));
}

int ks_win_merged(struct ks_win *w, int no)
{
	return result_of(w, no);
}

int ks_win_scratch_subtract(struct ks_win *w, const struct ks_rec *rec, bool *taken)
{
	int no = ks_fold_subtract(&w->fold, &w->scratch.block);

	*taken = no == 0;
	return no == EDOM ? ks_reject(w->run, rec, "%s", ks_fold_why(&w->fold)) : result_of(w, no);
}

bool ks_win_scratch_gone(const struct ks_win *w)
{
	return w->fold.bare && ks_fold_gone(&w->fold, w->scratch.block.p);
}

int ks_win_scratch_merge(struct ks_win *w, const unsigned char *from, size_t n)
{
	ks_win_move_time(w->scratch.block.p, ks_win_time(from));
	return result_of(w, ks_fold_merge(&w->fold, &w->scratch.block, from, n));
}
