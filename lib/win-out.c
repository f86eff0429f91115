/* SPDX-License-Identifier: MIT */
/*
 * win-out.c - results: their keys, and which of them leave at once.
 *
 * Kafka Streams' windowed keys: semantics.md 3.7 (TimeWindowedSerializer,
 * SessionWindowedSerializer).
 */
#include "win.h"

#include <errno.h>

#include "key-bytes.h"
#include "num.h"

#define TIME_TEXT 40	/* bytes of a time as RFC 3339, at most */

static unsigned char *put_text(unsigned char *o, const char *text, size_t n)
{
	memcpy(o, text, n);
	return o + n;
}

static unsigned char *put_time(unsigned char *o, int64_t ms, bool iso)
{
	char text[TIME_TEXT];
	size_t n;

	if (KS_LIKELY(!iso))
		return ks_mp_put_i64(o, ms);
	n = ks_num_print_time(text, ms);
	return put_text(ks_mp_put_str_head(o, (uint32_t)n), text, n);
}

/* {"key":k,"start":ms,"end":ms} */
static int put_window(struct ks_win *w, struct ks_buf *b, const struct ks_window *at, struct ks_bytes key, bool iso)
{
	unsigned char *o;

	b->n = 0;
	if (ks_buf_reserve(b, key.n + 5 + 6 + 4 + 2 * (KS_MP_HEADER + TIME_TEXT)) != 0)
		return ks_win_no_memory(w);
	o = put_text(b->p, "\x83\xa3key", 5);
	memcpy(o, key.p, key.n);
	o = put_text(o + key.n, "\xa5start", 6);
	o = put_time(o, at->start_ms, iso);
	o = put_text(o, "\xa3" "end", 4);
	o = put_time(o, at->end_ms, iso);
	b->n = (size_t)(o - b->p);
	return 0;
}

/* The key's bytes, then the start; of sessions the end and the start. */
static int put_kafka(struct ks_win *w, const struct ks_window *at, struct ks_bytes key)
{
	bool session = w->shape->kind == KS_KEY_SESSION;
	struct ks_bytes bytes;
	struct ks_buf scratch;
	unsigned char *o;
	const char *wrong;
	size_t n;
	int status = 0;

	ks_buf_init(&scratch, 8 * w->run->limits->key);
	wrong = ks_as_bytes(key, ks_key_to_codec(w->run->config->key_to), w->run->limits->depth, &scratch, &bytes);
	n = bytes.n + (session ? 16 : 8);
	if (wrong != NULL && !ks_is_no_memory(wrong))
		status = ks_fail(w->run->err, KS_DATA, "a key %s", wrong);
	else if (wrong != NULL || ks_buf_reserve(&w->key, n + KS_MP_HEADER) != 0)
		status = ks_win_no_memory(w);
	if (status == 0) {
		o = ks_mp_put_bin_head(w->key.p, (uint32_t)n);
		o = put_text(o, (const char *)bytes.p, bytes.n);
		if (session) {
			ks_put64(o, (uint64_t)at->end_ms);
			o += 8;
		}
		ks_put64(o, (uint64_t)at->start_ms);
		w->key.n = (size_t)(o + 8 - w->key.p);
	}
	ks_buf_release(&scratch);
	return status;
}

int ks_win_build_key(struct ks_win *w, const struct ks_window *at, struct ks_bytes key)
{
	w->key.n = 0;
	if (KS_LIKELY(w->spec.key_as == KS_WIN_KEY_WINDOW && w->shape->kind != 0))
		return put_window(w, &w->key, at, key, false);
	if (w->shape->kind == 0 || w->spec.key_as == KS_WIN_KEY_PLAIN)
		return ks_buf_add(&w->key, key.p, key.n) == 0 ? 0 : ks_win_no_memory(w);
	if (w->spec.key_as == KS_WIN_KEY_ISO)
		return put_window(w, &w->key, at, key, true);
	return put_kafka(w, at, key);
}

/* The flags of a result without its time type; kept ones are those of a key that passes as it is. */
static uint32_t flags_of(const struct ks_win *w)
{
	return w->spec.key_as == KS_WIN_KEY_PLAIN ? 0 : w->shape->kind;
}

static int show(struct ks_win *w, const unsigned char *state, struct ks_bytes *value)
{
	int no;

	if (state == NULL) {
		*value = ks_mp_nil;
		return 0;
	}
	w->out.n = 0;
	no = ks_fold_show(&w->fold, state, &w->out);
	if (no == EMSGSIZE)
		return ks_fail(w->run->err, KS_DATA, "the result of a window is larger than --max-record");
	*value = ks_buf_bytes(&w->out);
	return no == 0 ? 0 : ks_win_no_memory(w);
}

static int suppress(struct ks_win *w, struct ks_win_part *part, const struct ks_window *at, struct ks_bytes key,
    struct ks_bytes value, uint32_t flags, int64_t time_ms)
{
	struct ks_bytes order = key;
	int status = 0;

	if (w->shape->kind != 0 && w->spec.key_as == KS_WIN_KEY_WINDOW) {
		order = ks_buf_bytes(&w->key);
	} else if (w->shape->kind != 0) {
		status = put_window(w, &w->order, at, key, false);
		order = ks_buf_bytes(&w->order);
	}
	return status != 0 ? status : ks_win_suppress(w, part, order, ks_buf_bytes(&w->key), value, flags, time_ms);
}

static int emit_now(struct ks_win *w, struct ks_win_part *part, const struct ks_rec *rec, const struct ks_window *at,
    struct ks_bytes key, const unsigned char *state, int64_t time_ms)
{
	bool timed = (rec->flags & KS_TIME_TYPE) != KS_TIME_NONE || time_ms != KS_WIN_NO_TIME;
	uint32_t flags = flags_of(w) | (timed ? KS_TIME_CREATE : KS_TIME_NONE);
	struct ks_rec out = *rec;
	int status;

	status = ks_win_build_key(w, at, key);
	if (status == 0)
		status = show(w, state, &out.value);
	if (KS_UNLIKELY(status != 0))
		return status;
	if (!timed)
		time_ms = 0;
	if (w->spec.emit == KS_WIN_EVERY)
		return suppress(w, part, at, key, out.value, flags, time_ms);
	out.frame.p = NULL;
	out.key = ks_buf_bytes(&w->key);
	out.flags = flags;
	out.time_ms = time_ms;
	return ks_emit(w->run, &out);
}

int ks_win_changed(struct ks_win *w, struct ks_win_part *part, const struct ks_rec *rec, const struct ks_window *at,
    struct ks_bytes key, const unsigned char *state, int64_t time_ms, bool fresh)
{
	if (w->spec.emit == KS_WIN_CLOSE)
		return 0;
	if (w->spec.emit == KS_WIN_COMMIT)
		return ks_win_commit_add(w, part, at, key, time_ms, fresh);
	return emit_now(w, part, rec, at, key, state, time_ms);
}

int ks_win_show(struct ks_win *w, struct ks_win_part *part, const struct ks_rec *rec, const struct ks_window *at,
    struct ks_bytes key, const unsigned char *state)
{
	return emit_now(w, part, rec, at, key, state, ks_win_time(state));
}

int ks_win_put_out(struct ks_win *w, struct ks_win_part *part, struct ks_bytes key, struct ks_bytes value,
    uint32_t flags, int64_t time_ms)
{
	struct ks_rec rec = { .offset = -1, .partition = part->partition, .headers = ks_no_headers, .key = key,
		.value = value, .flags = flags, .time_ms = time_ms };

	if (part->topic.n > 0)
		rec.topic = ks_buf_bytes(&part->topic);
	if (part->route.n > 0)
		rec.route = ks_buf_bytes(&part->route);
	return ks_emit(w->run, &rec);
}

int ks_win_result(struct ks_win *w, struct ks_win_part *part, const struct ks_window *at, struct ks_bytes key,
    const unsigned char *state)
{
	bool timed = ks_win_time(state) != KS_WIN_NO_TIME;
	struct ks_bytes value;
	int status = ks_win_build_key(w, at, key);

	if (status == 0)
		status = show(w, state, &value);
	if (status != 0)
		return status;
	return ks_win_put_out(w, part, ks_buf_bytes(&w->key), value,
	    flags_of(w) | (timed ? KS_TIME_CREATE : KS_TIME_NONE), timed ? ks_win_time(state) : 0);
}

int ks_win_gone(struct ks_win *w, struct ks_win_part *part, const struct ks_window *at, struct ks_bytes key,
    int64_t time_ms)
{
	int status = ks_win_build_key(w, at, key);

	if (status != 0)
		return status;
	return ks_win_put_out(w, part, ks_buf_bytes(&w->key), ks_mp_nil,
	    flags_of(w) | (time_ms != KS_WIN_NO_TIME ? KS_TIME_CREATE : KS_TIME_NONE), time_ms != KS_WIN_NO_TIME ? time_ms : 0);
}
