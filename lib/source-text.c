/* SPDX-License-Identifier: MIT */
/*
 * source-text.c - lines of text to a stream of its own: HELLO, a RECORD a
 * line, a BARRIER each --commit-interval, END.
 *
 * Files are read one after another, or with --order time all at once, the
 * line with the smallest time first.  The position of one is the byte of the
 * first line of which nothing has gone out.  With --app the ledger says where each stands, and a last
 * line without its newline waits for the rest of it: whoever writes the
 * file may be in the middle of it, unless --end complete says that nothing
 * will follow.
 */
#include "source-text-impl.h"

#include <errno.h>
#include <stdlib.h>

#include "envelope.h"
#include "input.h"

static const char *topic_of(const struct text *t, size_t at, char *room)
{
	return t->config->topic != NULL ? t->config->topic : ks_input_topic(t->places.at[at].name, room);
}

int ks_text_open_input(struct text *t, struct ks_err *err)
{
	struct ks_place *place = &t->places.at[t->at];
	const char *name = place->name;
	int64_t size;
	int status;

	status = ks_input_open(t->config->in_count == 0 ? "-" : t->config->in[t->at], &t->hand.in.fd, &size, err);
	if (status == 0)
		status = ks_places_seek(&t->places, place, t->hand.in.fd, size, err);
	if (status != 0)
		return status;
	if (size >= 0)
		t->own.source.stats.total += (uint64_t)(size - place->offset);
	t->hand.in.eof = false;
	t->own.source.name = t->ingest.path = name;
	t->ingest.line = place->offset == 0 ? 1 : 0;
	t->hand.blank = (struct ks_rec){
		.topic = ks_str(topic_of(t, t->at, t->topics[t->at])), .key = ks_mp_nil,
		.headers = ks_no_headers,
	};
	return t->csv != NULL ? ks_text_csv_begin(t, err) : 0;
}

void ks_text_close_input(struct text *t)
{
	ks_input_close(t->hand.in.fd);
	t->hand.in.fd = -1;
	t->hand.in.start = t->hand.in.end = t->hand.skipped = t->hand.tail_n = 0;
}

/* Input may move over what was used of it. */
static void keep_tail(struct text *t)
{
	struct hand *h = &t->hand;

	if (t->places.ledger == NULL || h->in.start == 0)
		return;
	h->tail_n = h->in.start < KS_PLACES_TAIL ? h->in.start : KS_PLACES_TAIL;
	memcpy(h->tail, h->in.p + h->in.start - h->tail_n, h->tail_n);
}

int ks_text_check_input(struct text *t, struct ks_err *err)
{
	const struct hand *h = &t->hand;
	struct ks_bytes read = h->in.start > 0 ? ks_bytes(h->in.p, h->in.start) : ks_bytes(h->tail, h->tail_n);

	if (h->skipped > 0)
		read.n = 0;		/* it ends within a line that does not count yet */
	return ks_places_check(&t->places, &t->places.at[t->at], h->in.fd, read, err);
}

static int list_positions(struct ks_own *own, struct ks_bytes *positions, struct ks_err *err)
{
	struct text *t = (struct text *)own;
	int status = t->spots != NULL ? ks_text_check_all(t, err) : t->at < t->places.count ? ks_text_check_input(t, err) : 0;

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
		.reads = KS_READS_FILES, .streams = streams, .stream_count = t->places.count, .positions = positions,
		.position_count = t->places.count, .merged = ks_config_merges(t->config),
	};
	size_t i;
	int status;

	if (positions == NULL || streams == NULL || topics == NULL) {
		status = ks_fail_memory(err);
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
		return ks_fail_memory(err);
	rec->value = ks_buf_bytes(&t->scratch);
	return ks_ingest_record(&t->ingest, rec, &t->own.frames, made, err);
}

/* A line has been read, size bytes with its newline, and made records of it are in t->own.frames. */
static inline void step(struct text *t, size_t size, int made)
{
	t->places.at[t->at].offset += (int64_t)size;
	t->ingest.line += t->ingest.line > 0;
	if (t->ingest.take != NULL)
		t->own.given += size;
	ks_own_count(&t->own, made, t->letter);
}

/* Time to look at signals, and to hand out what there is. */
static inline bool enough(const struct text *t)
{
	return t->own.frames.n + t->own.given >= KS_IO_SIZE;
}

#define DOUBT_MAX 255u

/* JSON lines that nothing at all is special about, many at once. */
static int read_plain_lines(struct text *t, struct ks_err *err)
{
	struct ks_place *place = &t->places.at[t->at];
	struct ks_bytes text;
	struct ks_rec rec;
	uint64_t made, all = 0;
	int status;

	t->odd = DOUBT_MAX;
	if (t->csv != NULL || t->own.left >= 0)
		return 0;
	do {
		if (enough(t) || t->hand.in.start == t->hand.in.end) {
			t->odd = 0;
			return 0;
		}
		text = ks_bytes(t->hand.in.p + t->hand.in.start, t->hand.in.end - t->hand.in.start);
		rec = t->hand.blank;
		rec.offset = place->offset;
		status = ks_ingest_lines(&t->ingest, &rec, &text, &t->own.frames, &made, err);
		if (status != 0)
			return status;
		place->offset += (int64_t)text.n;
		t->hand.in.start += text.n;
		t->ingest.line += t->ingest.line > 0 ? made : 0;
		t->own.section.hop += (int64_t)made;
		t->own.given += t->ingest.take != NULL ? text.n : 0;
		all += made;
	} while (text.n > 0);
	/* There is something about the next one; where there often is, this is tried less often. */
	t->doubt = all > t->doubt ? 0 : t->doubt < DOUBT_MAX ? 2 * t->doubt + 1 : DOUBT_MAX;
	t->odd = t->doubt;
	return 0;
}

/* JSON lines, and rows, that nothing is wrong with, as far as they go: their ends need not be looked for first. */
static int read_sound_lines(struct text *t, struct ks_err *err)
{
	struct ks_bytes text;
	struct ks_rec rec;
	uint64_t letters;
	int made, status = 0;

	while (!enough(t) && t->own.left != 0 && t->hand.in.start < t->hand.in.end) {
		if (KS_UNLIKELY(t->odd-- == 0)) {
			status = read_plain_lines(t, err);
			if (status != 0 || enough(t) || t->hand.in.start == t->hand.in.end)
				return status;
		}
		text = ks_bytes(t->hand.in.p + t->hand.in.start, t->hand.in.end - t->hand.in.start);
		rec = t->hand.blank;
		rec.offset = t->places.at[t->at].offset;
		letters = t->ingest.reject.letters;
		status = t->csv != NULL ? ks_text_csv_line(t, &rec, &text, &made, err) :
		    ks_ingest_line(&t->ingest, &rec, &text, &t->own.frames, &made, err);
		if (KS_UNLIKELY(status != 0 || text.n == 0 || t->ingest.reached))
			return status;
		t->letter = t->ingest.reject.letters != letters;
		step(t, text.n + 1, made);
		if (t->csv != NULL)
			ks_text_csv_pass(t);
		t->hand.in.start += text.n + 1;
	}
	return 0;
}

static int read_line(struct text *t, struct ks_bytes line, int *made, struct ks_err *err)
{
	struct ks_rec rec = t->hand.blank;

	*made = 0;
	rec.offset = t->places.at[t->at].offset;
	if (t->hand.skipped > 0)
		return ks_ingest_reject(&t->ingest, &rec, ks_buf_bytes(&t->object), ks_reject_over_long, &t->own.frames, made, err);
	if (t->csv != NULL)
		return ks_text_csv_read(t, &rec, line, made, err);
	if (t->config->from == KS_RAW)
		return read_raw(t, &rec, line, made, err);
	if (is_blank(line))
		return 0;
	if (t->config->from == KS_JSON)
		return ks_ingest_json(&t->ingest, &rec, line, &t->own.frames, made, err);
	return read_envelope(t, &rec, line, made, err);
}

int ks_text_read_line(struct text *t, struct ks_bytes line, int *made, struct ks_err *err)
{
	uint64_t letters = t->ingest.reject.letters;
	int status = read_line(t, line, made, err);

	t->letter = t->ingest.reject.letters != letters;
	return status;
}

void ks_text_pass(struct text *t, size_t size, int made)
{
	step(t, t->hand.skipped + size, made);
	t->hand.skipped = 0;
	if (t->csv != NULL)
		ks_text_csv_pass(t);
	t->hand.in.start += size;
}

int ks_text_let_go(struct text *t, size_t n, struct ks_err *err)
{
	if (t->hand.skipped == 0) {
		t->object.n = 0;
		if (ks_buf_add(&t->object, t->hand.in.p + t->hand.in.start, n < KS_REJECT_KEPT ? n : KS_REJECT_KEPT) != 0)
			return ks_fail_memory(err);
	}
	t->hand.skipped += n;
	t->hand.in.start += n;
	return 0;
}

int ks_text_find_line(struct text *t, struct ks_bytes *line, size_t *size, struct ks_err *err)
{
	size_t held = t->hand.in.end - t->hand.in.start;
	const unsigned char *p = t->hand.in.p + t->hand.in.start, *nl;
	int status;

	if (t->csv != NULL)
		return ks_text_csv_find(t, line, size, err);
	nl = memchr(p, '\n', held);
	*size = 0;
	t->hand.partial = nl == NULL;
	if (nl != NULL) {
		*size = (size_t)(nl - p) + 1;
		*line = ks_bytes(p, *size - 1);
		if (KS_LIKELY(line->n <= t->config->limits.record))
			return 0;
		status = ks_text_let_go(t, line->n, err);
		*size = 1;
		return status;
	}
	if (t->hand.skipped > 0 || held > t->config->limits.record)
		return ks_text_let_go(t, held, err);
	return 0;
}

bool ks_text_is_last_line(const struct text *t)
{
	return t->hand.in.eof && (t->config->app == NULL || ks_section_kind(t->config) == KS_COMPLETE) &&
	    (t->hand.skipped > 0 || t->hand.in.start < t->hand.in.end);
}

/* The lines that are held, until there is enough to hand out.  *more: whole lines may be left. */
static int read_lines(struct ks_own *own, bool *more, struct ks_err *err)
{
	struct text *t = (struct text *)own;
	struct ks_bytes line;
	size_t size;
	int made, status;

	for (;;) {
		*more = true;
		if ((t->config->from == KS_JSON || t->csv != NULL) && !t->hand.partial) {
			status = read_sound_lines(t, err);
			if (status != 0)
				return status;
		}
		if (enough(t) || t->own.left == 0)
			return 0;
		if (t->ingest.reached)
			break;
		status = ks_text_find_line(t, &line, &size, err);
		if (status != 0)
			return status;
		if (size == 0)
			break;
		status = ks_text_read_line(t, line, &made, err);
		if (status != 0)
			return status;
		if (t->ingest.reached)
			break;
		ks_text_pass(t, size, made);
	}
	*more = false;
	if (t->ingest.reached || !ks_text_is_last_line(t))
		return 0;
	size = t->hand.in.end - t->hand.in.start;
	status = ks_text_read_line(t, ks_bytes(t->hand.in.p + t->hand.in.start, size), &made, err);
	if (status == 0 && !t->ingest.reached)
		ks_text_pass(t, size, made);
	return status;
}

int ks_text_read_more(struct text *t, bool block, bool *wait, struct ks_err *err)
{
	bool ready;
	int status = ks_own_wait(&t->own, t->hand.in.fd, block, &ready, err);

	*wait = !ready;
	if (status != 0 || !ready)
		return status;
	/* Early once, so that what is replaced before the first barrier is found, too. */
	if (t->places.at[t->at].checked < 0 && t->places.at[t->at].offset > 0) {
		status = ks_text_check_input(t, err);
		if (status != 0)
			return status;
	}
	keep_tail(t);
	return ks_own_fill(&t->own, &t->hand.in, err);
}

/* More input, or the next file, or the end of the section; *wait: nothing now. */
static int advance(struct ks_own *own, bool block, bool *wait, struct ks_err *err)
{
	struct text *t = (struct text *)own;
	int status;

	if (!t->hand.in.eof && !t->ingest.reached)
		return ks_text_read_more(t, block, wait, err);
	status = ks_text_check_input(t, err);
	if (status != 0)
		return status;
	ks_text_close_input(t);
	t->ingest.reached = false;
	if (++t->at < t->places.count)
		return ks_text_open_input(t, err);
	return ks_own_end(&t->own, ks_section_kind(t->config), err);
}

static int text_give(struct ks_source *source, struct ks_expr_set *set, int (*take)(void *taker, struct ks_rec *rec),
    void (*expect)(void *taker, const struct ks_rec *rec, bool found), void *taker, struct ks_err *err)
{
	struct text *t = (struct text *)source;

	ks_own_give(source, take, taker);
	t->ingest.ahead.expect = expect;
	t->ingest.ahead.taker = taker;
	return t->config->from == KS_JSON && set != NULL ? ks_ingest_share(&t->ingest, set, err) : 0;
}

static int text_value(struct ks_source *source, struct ks_rec *rec, struct ks_err *err)
{
	return ks_ingest_value(&((struct text *)source)->ingest, rec, err);
}

static void text_close(struct ks_source *source)
{
	struct text *t = (struct text *)source;

	ks_text_close_input(t);
	ks_in_release(&t->hand.in);
	ks_own_release(&t->own);
	ks_ingest_close(&t->ingest);
	ks_buf_release(&t->object);
	ks_buf_release(&t->scratch);
	ks_text_close_ordered(t);
	ks_text_csv_close(t);
	ks_places_close(&t->places);
	free(t->hand.tail);
	free(t->topics);
	free(t);
}

static int text_open(struct text *t, struct ks_err *err)
{
	int status;

	if (t->config->instances != 1)
		return ks_fail(err, KS_CONFIG, "--instance %s: files have one partition, which one instance reads", t->config->owner);
	if (t->config->on_bad_time == KS_POLICY_APPEND)
		return ks_fail(err, KS_CONFIG, "--on-bad-time append: a file has no broker's time to fall back to");
	if (ks_config_merges(t->config) && t->config->time_expr == NULL && t->config->from != KS_ENVELOPE)
		return ks_fail(err, KS_USAGE, "--order %s: lines have a time by --time EXPR, which is not given",
		    ks_config_order(t->config));
	t->hand.tail = malloc(KS_PLACES_TAIL);
	if (t->hand.tail == NULL || ks_in_open(&t->hand.in, -1, t->config->limits.record + KS_IO_SIZE) != 0)
		return ks_fail_memory(err);
	status = ks_section_open(&t->own.section, t->config, NULL, err);
	if (status == 0)
		status = ks_ingest_open(&t->ingest, t->config, err);
	if (status != 0)
		return status;
	t->ingest.json.depth += t->config->from == KS_ENVELOPE;	/* the object around the value */
	status = ks_places_open(&t->places, t->config->in, t->config->in_count,
	    t->config->app != NULL ? &t->own.section.ledger : NULL, err);
	if (status != 0)
		return status;
	t->topics = calloc(t->places.count, sizeof(*t->topics));
	if (t->topics == NULL)
		return ks_fail_memory(err);
	if (t->config->from == KS_CSV || t->config->from == KS_TSV) {
		status = ks_text_csv_open(t, err);
		if (status != 0)
			return status;
	}
	return ks_config_merges(t->config) ? ks_text_open_ordered(t, err) : ks_text_open_input(t, err);
}

int ks_source_text(const struct ks_config *config, int wake, struct ks_source **source,
    struct ks_err *err)
{
	struct text *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return ks_fail_memory(err);
	ks_own_init(&t->own, config, wake, "stdin");
	t->own.source.close = text_close;
	/* With --order time what comes next is chosen among records that are made. */
	if (!ks_config_merges(config)) {
		t->own.source.give_loaded = text_give;
		t->own.source.value = text_value;
	}
	t->own.begin = begin;
	t->own.gather = ks_config_merges(config) ? ks_text_gather_ordered : ks_own_gather;
	t->own.awake = ks_config_merges(config) ? ks_text_awake : NULL;
	t->own.take = read_lines;
	t->own.advance = advance;
	t->own.positions = list_positions;
	t->own.ingest = &t->ingest;
	t->own.source.ingest = t->own.ingest;
	t->config = config;
	t->hand.in.fd = -1;
	ks_buf_init(&t->object, 4 * config->limits.record + KS_REJECT_KEPT);
	ks_buf_init(&t->scratch, 2 * config->limits.record);
	*source = &t->own.source;
	return text_open(t, err);
}
