/* SPDX-License-Identifier: MIT */
/* loop-emit.c - what tools call (op.h): emit, drop, reject, answer. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "loop.h"

#define KS_KEY_SHOWN 160u	/* bytes of a key, as JSON, in a message; a longer one is not told */

/* Appended to what is wrong: of a record that nobody has read, whose place leads nowhere, its key, and what has brought it about. */
static void add_origin(const struct ks_run *run, const struct ks_rec *rec, char *what, size_t size)
{
	char room[KS_WHERE];
	struct ks_buf key;
	size_t n = strlen(what);
	int no;

	ks_buf_init(&key, KS_KEY_SHOWN);
	if (rec->offset < 0 && !ks_mp_is_nil(rec->key) && ks_json_print(rec->key, KS_DEPTH_MAX, &key, &no) == KS_MP_OK)
		n += (size_t)snprintf(what + n, size - n, " (key %.*s)", (int)key.n, (const char *)key.p);
	ks_buf_release(&key);
	if (run->cause != NULL && n < size)
		snprintf(what + n, size - n, "; %s has brought it about", ks_where(run->cause, room));
}

/* The sink has not taken rec.  Apart from ks_emit, which need not set up all this for each record. */
static __attribute__((noinline)) int refused(struct ks_run *run, const struct ks_rec *rec)
{
	struct ks_frame_loop *l = run->loop;
	char room[KS_WHERE], what[sizeof(l->err.text)];

	snprintf(what, sizeof(what), "%s", l->err.text);
	if ((rec->flags & KS_SIDE) != 0)
		return ks_fail(&l->err, KS_DATA, "%s: %s", ks_where(rec, room), what);
	return ks_reject(run, rec, "%s", what);
}

static inline int put(struct ks_run *run, const struct ks_rec *rec)
{
	struct ks_frame_loop *l = run->loop;
	int status = l->sink->record(l->sink, rec, &l->err);

	if (KS_LIKELY(status == 0)) {
		l->stats.out++;
		return 0;
	}
	return status != KS_DATA ? status : refused(run, rec);
}

/* --as. */
static __attribute__((noinline)) int put_named(struct ks_run *run, const struct ks_rec *rec)
{
	struct ks_rec named = *rec;

	named.route = ks_str(run->loop->config->as);
	named.frame = ks_bytes(NULL, 0);
	return put(run, &named);
}

int ks_emit(struct ks_run *run, const struct ks_rec *rec)
{
	struct ks_frame_loop *l = run->loop;

	if (KS_UNLIKELY(l->sink == NULL)) {
		l->stats.folded++;
		return 0;
	}
	l->stats.results += l->op->folds;
	if (KS_UNLIKELY(l->config->as != NULL) && (rec->flags & KS_SIDE) == 0)
		return put_named(run, rec);
	return put(run, rec);
}

int ks_pass(struct ks_run *run, const struct ks_rec *rec)
{
	struct ks_frame_loop *l = run->loop;
	char room[KS_WHERE], said[sizeof(l->err.text)];
	int status;

	if (l->sink == NULL) {
		ks_stats_drop(&l->stats, "passed by");
		return 0;
	}
	l->stats.out++;
	status = l->sink->record(l->sink, rec, &l->err);
	if (status != KS_DATA)
		return status;
	snprintf(said, sizeof(said), "%s", l->err.text);
	return ks_fail(&l->err, KS_DATA, "%s: %s", ks_where(rec, room), said);
}

struct ks_room ks_emit_room(struct ks_run *run, const struct ks_rec *rec)
{
	struct ks_frame_loop *l = run->loop;

	if (rec->frame.p == NULL || l->sink == NULL || l->sink->room == NULL || l->config->as != NULL)
		return (struct ks_room){ NULL, 0 };
	return l->sink->room(l->sink, rec);
}

void ks_emit_value(struct ks_run *run, const unsigned char *end)
{
	struct ks_frame_loop *l = run->loop;

	l->sink->value(l->sink, end);
	l->stats.results += l->op->folds;
	l->stats.out++;
}

int ks_value(struct ks_run *run, struct ks_rec *rec)
{
	struct ks_source *source = run->loop->source;

	return KS_LIKELY(rec->value.p != NULL) ? 0 : source->value(source, rec, run->err);
}

int ks_emit_mark(struct ks_run *run, const struct ks_mark *m)
{
	struct ks_frame_loop *l = run->loop;
	struct ks_buf b;
	int status;

	if (l->sink == NULL || l->sink->frame == NULL)
		return 0;
	ks_buf_init(&b, 256);
	status = ks_mark_add(&b, m) != 0 ? ks_fail_memory(&l->err) : l->sink->frame(l->sink, ks_buf_bytes(&b), &l->err);
	ks_buf_release(&b);
	return status;
}

int ks_emit_line(struct ks_run *run, const unsigned char *line, size_t n)
{
	struct ks_frame_loop *l = run->loop;
	int no;

	if (l->sink == NULL) {
		l->stats.folded++;
		return 0;
	}
	l->stats.out++;
	if (KS_LIKELY(line[n] == '\n'))
		no = ks_out_lend(&l->sink->out, ks_bytes(line, n + 1));
	else if ((no = ks_out_add(&l->sink->out, line, n)) == 0)
		no = ks_out_add(&l->sink->out, "\n", 1);
	return KS_LIKELY(no == 0) ? 0 : ks_sink_failed(l->sink, no, &l->err);
}

void ks_drop(struct ks_run *run, const char *cause)
{
	ks_stats_drop(&run->loop->stats, cause);
}

void ks_folded(struct ks_run *run)
{
	run->loop->stats.folded++;
}

void ks_made(struct ks_run *run, uint64_t more)
{
	run->loop->stats.results += more;
}

void ks_late(struct ks_run *run)
{
	run->loop->stats.late++;
}

int ks_reject(struct ks_run *run, const struct ks_rec *rec, const char *fmt, ...)
{
	struct ks_frame_loop *l = run->loop;
	char room[KS_WHERE], what[400 + KS_KEY_SHOWN + KS_WHERE];
	struct ks_rec place = *rec, whole = *rec, letter;
	va_list ap;
	int status = 0;

	va_start(ap, fmt);
	vsnprintf(what, 400, fmt, ap);
	va_end(ap);
	/* Its offset is nobody's, or another record's. */
	if (run->cause != NULL)
		place.offset = -1;
	if (place.offset < 0)
		add_origin(run, &place, what, sizeof(what));
	/* Where nobody keeps the record, nobody needs its value. */
	if (l->config->on_error != KS_POLICY_FAIL && l->config->on_error != KS_POLICY_SKIP)
		status = ks_value(run, &whole);
	if (status == 0)
		status = ks_reject_record(&l->reject, &whole, ks_where(&place, room), what, &letter, &l->err);
	if (status != 0)
		return status;
	if (letter.value.p == NULL || l->sink == NULL)
		return 0;
	return l->sink->record(l->sink, &letter, &l->err);
}

int ks_reject_line(struct ks_run *run, const unsigned char *line, size_t n,
    const unsigned char *at, const char *what)
{
	struct ks_frame_loop *l = run->loop;
	struct ks_val raw = { .type = KS_BIN, .b = ks_bytes(line, n) };
	struct ks_rec letter, rec = {
		.topic = ks_str(l->place.topic), .offset = (int64_t)l->place.offset, .key = ks_mp_nil,
		.headers = ks_no_headers,
	};
	char where[600];
	struct ks_buf value;
	int status;

	if (at != NULL)
		l->mains--;	/* it is no record: -c does not count it */
	if (at == line && ks_bytes_bom(raw.b))
		what = ks_reject_bom;
	snprintf(where, sizeof(where), "%.500s:%llu", l->place.path, (unsigned long long)l->place.line);
	if (at != NULL)
		snprintf(where + strlen(where), sizeof(where) - strlen(where), ":%zu", (size_t)(at - line) + 1);
	ks_buf_init(&value, n + KS_MP_HEADER);
	if (ks_mp_add_val(&value, &raw) != 0) {
		ks_buf_release(&value);
		return ks_fail_memory(&l->err);
	}
	rec.value = ks_buf_bytes(&value);
	status = ks_reject_record(&l->reject, &rec, where, what, &letter, &l->err);
	ks_buf_release(&value);
	return status;
}

int ks_reject_json(struct ks_run *run, const unsigned char *line, const unsigned char *at,
    enum ks_json_error e, const unsigned char **end)
{
	const unsigned char *p = at;

	while (*p != '\n' && *p != '\0')
		p++;
	*end = p;
	return ks_reject_line(run, line, (size_t)(p - line), at, ks_json_strerror(e));
}

void ks_answer(struct ks_run *run)
{
	run->loop->answers = true;
}

int ks_print(struct ks_run *run, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vprintf(fmt, ap);
	va_end(ap);
	return n >= 0 ? 0 : ks_fail_errno(run->err, KS_IO, errno, "cannot write to stdout");
}

void ks_warn(struct ks_run *run, const char *text)
{
	if (run->loop->warning[0] == '\0')
		snprintf(run->loop->warning, sizeof(run->loop->warning), "%s", text);
}

void ks_tell(struct ks_run *run, const char *text)
{
	if (!run->config->quiet)
		ks_say(run->loop->op->name, text);
}

void ks_repeated_keys(struct ks_run *run, uint64_t count)
{
	run->loop->stats.duplicates += count;
}

void ks_say_no(struct ks_run *run)
{
	run->loop->no = true;
}
