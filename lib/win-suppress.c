/* SPDX-License-Identifier: MIT */
/*
 * win-suppress.c - --emit every: a result waits for so much event time
 * behind the first change that it has in it, as waiting.h says, beside the
 * windows in the store.  Time is that of the results.
 */
#include "win.h"

#define HEAD 8	/* flags, length of the key; behind it msgpack of key and value */

void ks_win_suppress_open(struct ks_win *w)
{
	w->room = (struct ks_waiting_room){ .store = w->store, .segment = KS_STORE_META + 1, .wait_ms = w->spec.every_ms,
		.max_records = w->spec.max_records, .taken = w->room.taken };
}

/* Those whose time has come, or all, go out. */
static int let_out(struct ks_win *w, struct ks_win_part *part, bool all)
{
	struct ks_waiting_item item;
	struct ks_bytes b;
	size_t key_n;
	bool more;
	int status;

	for (;;) {
		status = ks_waiting_take(&w->room, &part->waiting, part->partition, part->buffer_ms, all, &item, &more, w->run->err);
		if (status != 0 || !more)
			return status;
		b = item.body;
		key_n = b.n < HEAD ? 0 : ks_get32(b.p + 4);
		if (b.n < HEAD + key_n)
			return ks_fail(w->run->err, KS_CONFIG, "the state of partition %d is damaged", part->partition);
		status = ks_win_put_out(w, part, ks_bytes(b.p + HEAD, key_n), ks_bytes(b.p + HEAD + key_n, b.n - HEAD - key_n),
		    ks_get32(b.p), item.time_ms);
		if (status != 0)
			return status;
	}
}

int ks_win_suppress(struct ks_win *w, struct ks_win_part *part, struct ks_bytes order, struct ks_bytes key,
    struct ks_bytes value, uint32_t flags, int64_t time_ms)
{
	unsigned char *p;
	int status;

	status = ks_waiting_put(&w->room, &part->waiting, part->partition, order, time_ms, ks_bytes(NULL, 0),
	    HEAD + key.n + value.n, &p, w->run->err);
	if (status != 0)
		return status;
	ks_put32(p, flags);
	ks_put32(p + 4, (uint32_t)key.n);
	memcpy(p + HEAD, key.p, key.n);
	memcpy(p + HEAD + key.n, value.p, value.n);
	if (time_ms > part->buffer_ms)
		part->buffer_ms = time_ms;
	part->changed = true;
	return let_out(w, part, false);
}

int ks_win_suppress_rest(struct ks_win *w, struct ks_win_part *part)
{
	return let_out(w, part, true);
}
