/* SPDX-License-Identifier: MIT */
/*
 * source-text.c - lines of text to a stream of its own: HELLO, a RECORD a
 * line, a BARRIER each --commit-interval, END.
 *
 * Files are read one after another; the position of one is the byte of
 * its next line.  With --app the ledger says where each stands, and a last
 * line without its newline waits for the rest of it: whoever writes the
 * file may be in the middle of it, unless --end complete says that nothing
 * will follow.
 */
#include <errno.h>
#include <stdlib.h>

#include "envelope.h"
#include "fdio.h"
#include "input.h"
#include "places.h"
#include "source-own.h"

#define KEPT ((size_t)4096)	/* bytes of a line past --max-record, for the dead letter */

struct text {
	struct ks_own own;
	const struct ks_config *config;
	struct ks_in in;
	struct ks_ingest ingest;
	struct ks_buf object, scratch;	/* an envelope on its way */
	struct ks_places places;	/* the files, or stdin */
	size_t at;			/* the one being read; places.count: none left */
	unsigned char tail[KS_PLACES_TAIL];	/* what was read before in.start, as long as in no longer holds it */
	size_t tail_n;
	struct ks_rec blank;		/* what all records of a file share */
	char topic[KS_NAME_MAX + 1];
	int64_t left;			/* of -c, -1: no limit */
	uint64_t letters;		/* dead letters made so far: -c does not count them */
	bool partial;			/* what is held is the beginning of a line */
	size_t skipped;			/* bytes of a line past --max-record that were let go so far */
};

static int no_memory(struct ks_err *err)
{
	return ks_fail(err, KS_TEMP, "no memory");
}

static const char *topic_of(const struct text *t, size_t at, char *room)
{
	return t->config->topic != NULL ? t->config->topic : ks_input_topic(t->places.at[at].name, room);
}

static int open_input(struct text *t, struct ks_err *err)
{
	struct ks_place *place = &t->places.at[t->at];
	const char *name = place->name;
	int64_t size;
	int status;

	status = ks_input_open(t->config->in_count == 0 ? "-" : t->config->in[t->at], &t->in.fd, &size, err);
	if (status == 0)
		status = ks_places_seek(&t->places, place, t->in.fd, size, err);
	if (status != 0)
		return status;
	if (size >= 0)
		t->own.source.stats.total += (uint64_t)(size - place->offset);
	t->in.eof = false;
	t->own.source.name = t->ingest.path = name;
	t->ingest.line = place->offset == 0 ? 1 : 0;
	t->blank = (struct ks_rec){
		.topic = ks_str(topic_of(t, t->at, t->topic)), .key = ks_mp_nil,
		.headers = ks_no_headers,
	};
	return 0;
}

static void close_input(struct text *t)
{
	ks_input_close(t->in.fd);
	t->in.fd = -1;
	t->in.start = t->in.end = t->skipped = t->tail_n = 0;
}

/* Input may move over what was used of it. */
static void keep_tail(struct text *t)
{
	if (t->places.ledger == NULL || t->in.start == 0)
		return;
	t->tail_n = t->in.start < sizeof(t->tail) ? t->in.start : sizeof(t->tail);
	memcpy(t->tail, t->in.p + t->in.start - t->tail_n, t->tail_n);
}

/* What was read is still there. */
static int check_input(struct text *t, struct ks_err *err)
{
	struct ks_bytes read = t->in.start > 0 ? ks_bytes(t->in.p, t->in.start) : ks_bytes(t->tail, t->tail_n);

	if (t->skipped > 0)
		read.n = 0;		/* it ends within a line that does not count yet */
	return ks_places_check(&t->places, &t->places.at[t->at], t->in.fd, read, err);
}

static int list_positions(struct text *t, struct ks_bytes *positions, struct ks_err *err)
{
	int status = t->at < t->places.count ? check_input(t, err) : 0;

	return status == 0 ? ks_places_list(&t->places, positions, err) : status;
}

static int begin(struct ks_own *own, struct ks_err *err)
{
	struct text *t = (struct text *)own;
	struct ks_hello_position *positions = calloc(t->places.count, sizeof(*positions));
	struct ks_hello_stream *streams = calloc(t->places.count, sizeof(*streams));
	char (*topics)[KS_NAME_MAX + 1] = calloc(t->places.count, sizeof(*topics));
	const struct ks_config *config = t->config;
	struct ks_hello h = {
		.streams = streams, .stream_count = t->places.count, .positions = positions,
		.position_count = t->places.count, .hint = "kstream-record(5)",
		.side = config->on_error == KS_POLICY_DLQ ? config->error_to : NULL,
	};
	size_t i;
	int status;

	if (positions == NULL || streams == NULL || topics == NULL) {
		status = no_memory(err);
		goto out;
	}
	for (i = 0; i < t->places.count; i++) {
		streams[i] = (struct ks_hello_stream){
			.name = topic_of(t, i, topics[i]), .key = "json",
			.partitions = config->from != KS_ENVELOPE,	/* 0: not known, each record says its own */
			.time_type = config->time_expr != NULL || config->time_wall ?
			    KS_TIME_CREATE : KS_TIME_NONE,
		};
		positions[i] = (struct ks_hello_position){
			.input = t->places.at[i].real, .offset = t->places.at[i].offset, .epoch = t->own.section.ledger.epoch,
			.run = t->own.section.ledger.run,
		};
	}
	status = ks_section_begin(&t->own.section, &h, &t->own.frames, err);
out:
	free(positions);
	free(streams);
	free(topics);
	return status;
}

static bool is_blank(struct ks_bytes line)
{
	size_t i;

	for (i = 0; i < line.n; i++)
		if (line.p[i] != ' ' && line.p[i] != '\t' && line.p[i] != '\r')
			return false;
	return true;
}

static int read_envelope(struct text *t, struct ks_rec *rec, struct ks_bytes line, int *made,
    struct ks_err *err)
{
	enum ks_json_error e;
	const char *wrong;

	t->object.n = t->scratch.n = 0;
	e = ks_json_parse(&t->ingest.json, line, &t->object);
	wrong = e != KS_JSON_OK ? ks_bytes_bom(line) ? ks_reject_bom : ks_json_strerror(e) : ks_envelope_parse(ks_buf_bytes(&t->object),
	    t->config->limits.depth, &t->scratch, rec);
	if (wrong != NULL)
		return ks_ingest_reject(&t->ingest, rec, line, wrong, &t->own.frames, made, err);
	return ks_ingest_record(&t->ingest, rec, &t->own.frames, made, err);
}

static int read_raw(struct text *t, struct ks_rec *rec, struct ks_bytes line, int *made,
    struct ks_err *err)
{
	struct ks_val v = {
		.type = ks_utf8_prefix(line.p, line.n) == line.n ? KS_STR : KS_BIN, .b = line,
	};

	t->scratch.n = 0;
	if (ks_mp_add_val(&t->scratch, &v) != 0)
		return no_memory(err);
	rec->value = ks_buf_bytes(&t->scratch);
	return ks_ingest_record(&t->ingest, rec, &t->own.frames, made, err);
}

/* A line has been read, size bytes with its newline, and made records of it are in t->own.frames. */
static inline void step(struct text *t, size_t size, int made)
{
	uint64_t letters = t->ingest.reject.letters;

	t->places.at[t->at].offset += (int64_t)size;
	t->ingest.line += t->ingest.line > 0;
	t->own.section.hop += made;
	if (t->left > 0 && made > 0)
		t->left -= letters == t->letters;
	t->letters = letters;
}

/* JSON lines that nothing is wrong with, as far as they go: their ends need not be looked for first. */
static int read_sound_lines(struct text *t, struct ks_err *err)
{
	struct ks_bytes text;
	struct ks_rec rec;
	int made, status;

	while (t->own.frames.n < KS_IO_SIZE && t->left != 0 && t->in.start < t->in.end) {
		text = ks_bytes(t->in.p + t->in.start, t->in.end - t->in.start);
		rec = t->blank;
		rec.offset = t->places.at[t->at].offset;
		status = ks_ingest_line(&t->ingest, &rec, &text, &t->own.frames, &made, err);
		if (KS_UNLIKELY(status != 0 || text.n == 0))
			return status;
		step(t, text.n + 1, made);
		t->in.start += text.n + 1;
	}
	return 0;
}

/* One line without its newline, size bytes of input with it. */
static int read_line(struct text *t, struct ks_bytes line, size_t size, struct ks_err *err)
{
	struct ks_rec rec = t->blank;
	int made = 0, status = 0;

	rec.offset = t->places.at[t->at].offset;
	if (t->config->from == KS_JSON) {
		if (!is_blank(line))
			status = ks_ingest_json(&t->ingest, &rec, line, &t->own.frames, &made, err);
	} else if (t->config->from == KS_RAW) {
		status = read_raw(t, &rec, line, &made, err);
	} else if (!is_blank(line)) {
		status = read_envelope(t, &rec, line, &made, err);
	}
	if (status == 0)
		step(t, size, made);
	return status;
}

/* Let go of n bytes of a line past --max-record; its position moves only when its end has come. */
static int let_go(struct text *t, size_t n, struct ks_err *err)
{
	if (t->skipped == 0) {
		t->object.n = 0;
		if (ks_buf_add(&t->object, t->in.p + t->in.start, n < KEPT ? n : KEPT) != 0)
			return no_memory(err);
	}
	t->skipped += n;
	t->in.start += n;
	return 0;
}

static int reject_over_long(struct text *t, size_t size, struct ks_err *err)
{
	struct ks_rec rec = t->blank;
	int made = 0, status;

	rec.offset = t->places.at[t->at].offset;
	status = ks_ingest_reject(&t->ingest, &rec, ks_buf_bytes(&t->object),
	    "the line is longer than --max-record allows", &t->own.frames, &made, err);
	if (status != 0)
		return status;
	step(t, t->skipped + size, made);
	t->skipped = 0;
	return 0;
}

/* The lines that are held, until there is enough to hand out.  *more: whole lines may be left. */
static int read_lines(struct text *t, bool *more, struct ks_err *err)
{
	const unsigned char *p, *nl;
	size_t size;
	int status;

	for (;;) {
		*more = true;
		if (t->config->from == KS_JSON && !t->partial) {
			status = read_sound_lines(t, err);
			if (status != 0)
				return status;
		}
		if (t->own.frames.n >= KS_IO_SIZE || t->left == 0)
			return 0;
		p = t->in.p + t->in.start;
		nl = memchr(p, '\n', t->in.end - t->in.start);
		t->partial = nl == NULL;
		if (t->partial)
			break;
		size = (size_t)(nl - p) + 1;
		if (KS_UNLIKELY(size - 1 > t->config->limits.record)) {
			status = let_go(t, size - 1, err);
			if (status != 0)
				return status;
			size = 1;
		}
		status = t->skipped > 0 ? reject_over_long(t, size, err) :
		    read_line(t, ks_bytes(p, size - 1), size, err);
		if (status != 0)
			return status;
		t->in.start += size;
	}
	*more = false;
	size = t->in.end - t->in.start;
	if (t->skipped > 0 || size > t->config->limits.record)
		status = let_go(t, size, err);
	else
		status = 0;
	if (status != 0 || !t->in.eof || (t->config->app != NULL && ks_section_kind(t->config) != KS_COMPLETE))
		return status;
	if (t->skipped > 0)
		return reject_over_long(t, 0, err);
	t->in.start = t->in.end;
	return size == 0 ? 0 : read_line(t, ks_bytes(t->in.p + t->in.end - size, size), size, err);
}

static int end_section(struct text *t, enum ks_kind kind, struct ks_err *err)
{
	int status = ks_reject_finish(&t->ingest.reject, err);
	struct ks_bytes positions;

	if (status == 0)
		status = list_positions(t, &positions, err);
	if (status != 0)
		return status;
	return ks_section_end(&t->own.section, kind, positions, &t->own.frames, err);
}

static int barrier(struct text *t, struct ks_err *err)
{
	struct ks_bytes positions;
	int status = list_positions(t, &positions, err);

	if (status != 0)
		return status;
	return ks_section_barrier(&t->own.section, KS_GO_ON, positions, &t->own.frames, err);
}

/* More input, or the next file, or the end of the section; *wait: nothing now. */
static int advance(struct text *t, bool block, bool *wait, struct ks_err *err)
{
	bool ready;
	int no, timeout = 0, status;

	if (t->in.eof) {
		status = check_input(t, err);
		if (status != 0)
			return status;
		close_input(t);
		if (++t->at < t->places.count)
			return open_input(t, err);
		return end_section(t, ks_section_kind(t->config), err);
	}
	if (block) {
		status = ks_section_idle(&t->own.section, &t->own.frames, &timeout, err);
		if (status != 0 || t->own.frames.n > 0)
			return status;
	}
	no = ks_wait(t->in.fd, t->own.source.wake, block ? timeout : 0, &ready);
	if (no == 0 && !ready) {
		*wait = true;
		return 0;
	}
	/* Early once, so that what is replaced before the first barrier is found, too. */
	if (t->places.at[t->at].checked < 0 && t->places.at[t->at].offset > 0) {
		status = check_input(t, err);
		if (status != 0)
			return status;
	}
	keep_tail(t);
	if (no == 0)
		no = ks_in_fill(&t->in);
	t->own.source.stats.bytes = t->in.bytes;
	if (no == ENOMEM)
		return no_memory(err);
	return no == 0 ? 0 : ks_fail_errno(err, KS_IO, no, "cannot read '%s'", t->own.source.name);
}

/* As far as the input goes without waiting, or until there is enough to hand out. */
static int gather(struct ks_own *own, bool block, struct ks_err *err)
{
	struct text *t = (struct text *)own;
	bool more, wait = false;
	int status;

	while (!t->own.section.done && !wait) {
		if (t->own.stop >= 0)
			return end_section(t, (enum ks_kind)t->own.stop, err);
		status = read_lines(t, &more, err);
		if (status != 0)
			return status;
		if (t->left == 0)
			return end_section(t, ks_section_kind(t->config), err);
		if (ks_section_due(&t->own.section, ks_clock_ms()))
			return barrier(t, err);
		if (more)
			return 0;
		status = advance(t, block && t->own.frames.n == 0, &wait, err);
		if (status != 0)
			return status;
	}
	return 0;
}

static void text_close(struct ks_source *source)
{
	struct text *t = (struct text *)source;

	close_input(t);
	ks_in_release(&t->in);
	ks_own_release(&t->own);
	ks_ingest_close(&t->ingest);
	ks_buf_release(&t->object);
	ks_buf_release(&t->scratch);
	ks_places_close(&t->places);
	free(t);
}

static int text_open(struct text *t, struct ks_err *err)
{
	int status;

	if (t->config->instances > 1)
		return ks_fail(err, KS_CONFIG, "--instance %u/%u: files have one partition, which one instance reads",
		    t->config->instance, t->config->instances);
	if (t->config->on_bad_time == KS_POLICY_APPEND)
		return ks_fail(err, KS_CONFIG, "--on-bad-time append: a file has no broker's time to fall back to");
	if (ks_in_open(&t->in, -1, t->config->limits.record + KS_IO_SIZE) != 0)
		return no_memory(err);
	status = ks_section_open(&t->own.section, t->config, err);
	if (status == 0)
		status = ks_ingest_open(&t->ingest, t->config, err);
	if (status != 0)
		return status;
	t->ingest.json.depth += t->config->from == KS_ENVELOPE;	/* the object around the value */
	status = ks_places_open(&t->places, t->config->in, t->config->in_count,
	    t->config->app != NULL ? &t->own.section.ledger : NULL, err);
	if (status != 0)
		return status;
	return open_input(t, err);
}

int ks_source_text(const struct ks_config *config, int wake, struct ks_source **source,
    struct ks_err *err)
{
	struct text *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return no_memory(err);
	ks_own_init(&t->own, config, wake, "stdin");
	t->own.source.close = text_close;
	t->own.begin = begin;
	t->own.gather = gather;
	t->own.ingest = &t->ingest;
	t->own.source.ingest = t->own.ingest;
	t->config = config;
	t->left = config->count;
	t->in.fd = -1;
	ks_buf_init(&t->object, 4 * config->limits.record + KEPT);
	ks_buf_init(&t->scratch, 2 * config->limits.record);
	*source = &t->own.source;
	return text_open(t, err);
}
