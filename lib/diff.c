/* SPDX-License-Identifier: MIT */
/* diff.c - two sets of records, compared by key. */
#include "diff.h"

#include <errno.h>

#include "change.h"
#include "signals.h"

#define SUFFIX 5		/* bytes behind a key in the sorter: u8 set, u32 partition */
#define HEAD 20			/* and before a key and value as they came: time, offset, u32 bytes of the key */
#define LOOK 65536		/* records between two looks at signals */

static int no_room(int no, const char *what, struct ks_err *err)
{
	return no == ENOMEM ? ks_fail_memory(err) : ks_fail(err, KS_DATA, "%s is larger than --max-record allows", what);
}

int ks_diff_open(struct ks_diff *d, size_t memory, struct ks_err *err)
{
	size_t max = d->limits->record + KS_CONTROL_MAX, i;

	ks_buf_init(&d->entry_key, 2 * max);
	ks_buf_init(&d->plain_key, 2 * max + KS_MP_HEADER);
	ks_buf_init(&d->key, 2 * max);
	ks_buf_init(&d->entry, max + HEAD);
	ks_buf_init(&d->last.held, max);
	for (i = 0; i < KS_DIFF_SIDES; i++) {
		ks_buf_init(&d->best[i].held, max);
		ks_buf_init(&d->best[i].made, KS_EXPR_MEMORY);
	}
	return ks_sorter_open(&d->sorter, memory, NULL, err);
}

void ks_diff_close(struct ks_diff *d)
{
	size_t i;

	ks_sorter_close(&d->sorter);
	ks_buf_release(&d->entry_key);
	ks_buf_release(&d->plain_key);
	ks_buf_release(&d->key);
	ks_buf_release(&d->entry);
	ks_buf_release(&d->last.held);
	for (i = 0; i < KS_DIFF_SIDES; i++) {
		ks_buf_release(&d->best[i].held);
		ks_buf_release(&d->best[i].made);
	}
	ks_value_diff_release(&d->at);
}

/* --- in --- */

static int broken(const struct ks_diff *d, enum ks_diff_side side, int32_t partition, int64_t offset, const char *what, struct ks_err *err)
{
	return ks_fail(err, KS_DATA, "%s: partition %d, offset %lld: %s", d->names[side], (int)partition, (long long)offset, what);
}

int ks_diff_put(struct ks_diff *d, enum ks_diff_side side, const struct ks_rec *rec, struct ks_err *err)
{
	unsigned char suffix[SUFFIX] = { (unsigned char)side }, head[HEAD];
	struct ks_bytes key, value = rec->value;
	struct ks_change change;
	const char *wrong;
	int no;

	if (ks_mp_is_nil(rec->key))
		return ks_fail(err, KS_DATA, "%s: partition %d, offset %lld: the record has no key, by which it could be compared "
		    "(%s gives it one)", d->names[side], (int)rec->partition, (long long)rec->offset, d->keyless[side]);
	if ((rec->flags & KS_CHANGE) != 0) {
		wrong = ks_change_parse(rec->value, d->limits->depth, &change);
		if (wrong != NULL)
			return broken(d, side, rec->partition, rec->offset, wrong, err);
		value = change.now;
	}
	no = ks_value_plain(&d->plain_key, rec->key, &key);
	if (no != 0)
		return no_room(no, "a key", err);
	ks_put32(suffix + 1, (uint32_t)rec->partition);
	ks_put64(head, (uint64_t)rec->time_ms);
	ks_put64(head + 8, (uint64_t)rec->offset);
	ks_put32(head + 16, ks_bytes_eq(key, rec->key) ? 0 : (uint32_t)rec->key.n);
	d->entry_key.n = d->entry.n = 0;
	no = ks_buf_add(&d->entry_key, key.p, key.n);
	if (no == 0)
		no = ks_buf_add(&d->entry_key, suffix, sizeof(suffix));
	if (no == 0)
		no = ks_buf_add(&d->entry, head, sizeof(head));
	if (no == 0 && ks_get32(head + 16) > 0)
		no = ks_buf_add(&d->entry, rec->key.p, rec->key.n);
	if (no == 0)
		no = ks_buf_add(&d->entry, value.p, value.n);
	if (no != 0)
		return no_room(no, "a record", err);
	d->records[side]++;
	return ks_sorter_put(&d->sorter, ks_buf_bytes(&d->entry_key), ks_buf_bytes(&d->entry), err);
}

/* --- one key --- */

/* What the last partition had of the key, against those before it: the latest time wins, of equal ones the later partition. */
static void settle_partition(struct ks_diff *d)
{
	struct ks_diff_last *best = &d->best[d->side], *last = &d->last;
	struct ks_buf held = best->held;

	if (!last->is)
		return;
	d->is_spread = d->is_spread || best->is;
	if (!best->is || last->time_ms >= best->time_ms) {
		best->is = true;
		best->partition = last->partition;
		best->time_ms = last->time_ms;
		best->offset = last->offset;
		best->held = last->held;
		best->key = last->key;
		best->value = last->value;
		last->held = held;
	}
	last->is = false;
}

/* The key as it came. */
static struct ks_bytes key_of(const struct ks_diff *d, const struct ks_diff_last *x)
{
	return x->key.n > 0 ? x->key : ks_buf_bytes(&d->key);
}

/* --value of x: nothing makes it absent. */
static int make_value(struct ks_diff *d, enum ks_diff_side side, struct ks_diff_last *x, struct ks_err *err)
{
	struct ks_rec rec = {
		.time_ms = x->time_ms, .offset = x->offset, .partition = x->partition, .flags = KS_TIME_CREATE,
		.key = key_of(d, x), .headers = ks_no_headers, .value = x->value,
	};
	const char *wrong = ks_expr_load(d->set, &rec);
	struct ks_val v;
	int no;

	if (wrong == NULL)
		wrong = ks_expr_eval(d->value, &v);
	if (wrong != NULL && ks_is_no_memory(wrong))
		return ks_fail_memory(err);
	if (wrong != NULL)
		return ks_fail(err, KS_DATA, "%s: partition %d, offset %lld: --value: %s", d->names[side], (int)x->partition,
		    (long long)x->offset, wrong);
	if (ks_expr_nothing(d->value)) {
		x->compared = ks_bytes(NULL, 0);
		return 0;
	}
	x->made.n = 0;
	no = ks_mp_add_val(&x->made, &v);
	x->compared = ks_buf_bytes(&x->made);
	return no != 0 ? no_room(no, "what --value makes of a record", err) : 0;
}

/* What is compared of a side, checked. */
static int prepare(struct ks_diff *d, enum ks_diff_side side, struct ks_err *err)
{
	struct ks_diff_last *x = &d->best[side];
	enum ks_mp_error e;
	int status = 0;

	x->compared = ks_bytes(NULL, 0);
	if (!x->is || ks_mp_is_nil(x->value))
		return 0;
	e = ks_mp_check(x->value, d->limits->depth);
	if (e != KS_MP_OK)
		return broken(d, side, x->partition, x->offset, ks_mp_strerror(e), err);
	x->compared = x->value;
	if (d->value != NULL)
		status = make_value(d, side, x, err);
	d->keys[side] += x->compared.p != NULL;
	return status;
}

static int differs(struct ks_diff *d, enum ks_diff_cause cause, struct ks_err *err)
{
	const struct ks_diff_last *x = &d->best[cause == KS_DIFF_ADDED ? KS_DIFF_NEW : KS_DIFF_OLD];
	struct ks_diff_found f = {
		.cause = cause, .key = key_of(d, x), .old = d->best[KS_DIFF_OLD].compared,
		.new = d->best[KS_DIFF_NEW].compared, .at = cause == KS_DIFF_CHANGED ? &d->at : NULL,
	};

	*(cause == KS_DIFF_ADDED ? &d->added : cause == KS_DIFF_REMOVED ? &d->removed : &d->changed) += 1;
	return d->found(d->arg, &f, err);
}

/* All of a key has come. */
static int settle_key(struct ks_diff *d, struct ks_err *err)
{
	struct ks_diff_last *old = &d->best[KS_DIFF_OLD], *new = &d->best[KS_DIFF_NEW];
	int no, status;

	settle_partition(d);
	d->spread += d->is_spread;
	status = prepare(d, KS_DIFF_OLD, err);
	if (status == 0)
		status = prepare(d, KS_DIFF_NEW, err);
	if (status != 0)
		return status;
	old->is = new->is = d->is_spread = false;
	if (old->compared.p == NULL && new->compared.p == NULL)
		return 0;
	if (old->compared.p == NULL)
		return differs(d, KS_DIFF_ADDED, err);
	if (new->compared.p == NULL)
		return differs(d, KS_DIFF_REMOVED, err);
	if (ks_value_differ(old->compared, new->compared, &d->tolerance, &d->at, &no))
		return no != 0 ? ks_fail_memory(err) : differs(d, KS_DIFF_CHANGED, err);
	d->equal++;
	return no != 0 ? ks_fail_memory(err) : 0;
}

/* A record behind those of its key that came before; all behind one another. */
static int take(struct ks_diff *d, struct ks_bytes key, struct ks_bytes entry, struct ks_err *err)
{
	const unsigned char *suffix = key.p + key.n - SUFFIX;
	enum ks_diff_side side = (enum ks_diff_side)suffix[0];
	int32_t partition = (int32_t)ks_get32(suffix + 1);
	bool same = ks_bytes_eq(ks_bytes(key.p, key.n - SUFFIX), ks_buf_bytes(&d->key));
	int no, status = 0;

	if (!same) {
		status = d->key.n > 0 ? settle_key(d, err) : 0;
		d->key.n = 0;
		no = ks_buf_add(&d->key, key.p, key.n - SUFFIX);
		if (status == 0 && no != 0)
			status = no_room(no, "a key", err);
	} else if (side != d->side || partition != d->last.partition) {
		settle_partition(d);
	}
	d->side = side;
	d->last.is = true;
	d->last.partition = partition;
	d->last.time_ms = (int64_t)ks_get64(entry.p);
	d->last.offset = (int64_t)ks_get64(entry.p + 8);
	d->last.held.n = 0;
	no = ks_buf_add(&d->last.held, entry.p + HEAD, entry.n - HEAD);
	d->last.key = ks_bytes(d->last.held.p, ks_get32(entry.p + 16));
	d->last.value = ks_bytes(d->last.held.p + d->last.key.n, entry.n - HEAD - d->last.key.n);
	return status == 0 && no != 0 ? no_room(no, "a record", err) : status;
}

int ks_diff_run(struct ks_diff *d, struct ks_err *err)
{
	struct ks_bytes key, entry;
	uint64_t count = 0;
	int status = 0;

	while (status == 0) {
		switch (ks_sorter_take(&d->sorter, NULL, &key, &entry, err)) {
		case 0: return d->key.n > 0 ? settle_key(d, err) : 0;
		case 1: status = take(d, key, entry, err); break;
		default: return err->status;
		}
		if (++count % LOOK == 0 && status == 0 && ks_signals_end() != 0)
			status = ks_fail(err, KS_TEMP, "a signal came before all was compared");
	}
	return status;
}
