/* SPDX-License-Identifier: MIT */
/* sink-text.c - a line a record: json, envelope, raw, csv, tsv, kcat; or many: pretty. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "envelope.h"
#include "json-pretty.h"
#include "kcat-format.h"
#include "sink.h"

#define HEADER_MAX ((size_t)2 << 20)	/* bytes of tsv's first line: twice what tsv.c keeps of names */

struct text {
	struct ks_sink sink;
	const struct ks_config *config;
	struct ks_buf line;
	struct ks_tsv *tsv;
	bool color;
};

static int flush(struct ks_sink *s, struct ks_err *err)
{
	int no = ks_out_flush(&s->out);

	return no == 0 ? 0 : ks_sink_failed(s, no, err);
}

static const char *format_name(enum ks_format f)
{
	static const char *const name[] = { "frames", "json", "envelope", "raw", "tsv", "-J", "-f", "csv", "pretty" };

	return name[f];
}

/* A side route needs an output that says which record is which. */
static int text_hello(struct ks_sink *s, const struct ks_hello_view *h, struct ks_bytes raw,
    struct ks_err *err)
{
	struct text *t = (struct text *)s;
	struct ks_head head;
	struct ks_val name;

	(void)raw;
	if (t->config->to == KS_ENVELOPE)
		return 0;
	if (ks_mp_head(h->sides.p, h->sides.p + h->sides.n, &head) != KS_MP_OK || head.count == 0)
		return 0;
	if (ks_mp_read(&head.body, h->sides.p + h->sides.n, 0, &name) != KS_MP_OK)
		ks_bug("a HELLO was not parsed");
	return ks_fail(err, KS_CONFIG,
	    "%s output cannot carry the side route '%.*s': use --to envelope, --to frames or a topic",
	    format_name(t->config->to), (int)name.b.n, (const char *)name.b.p);
}

/* The bytes of text values, the JSON of others, nothing for nil. */
static enum ks_mp_error add_raw(struct text *t, struct ks_bytes value, int *no)
{
	const unsigned char *p = value.p;
	enum ks_mp_error e;
	struct ks_val v;

	*no = 0;
	e = ks_mp_read(&p, value.p + value.n, t->config->limits.depth, &v);
	if (e != KS_MP_OK || v.type == KS_NIL)
		return e;
	if (v.type != KS_STR && v.type != KS_BIN)
		return ks_json_print(value, t->config->limits.depth, &t->line, no);
	*no = ks_buf_add(&t->line, v.b.p, v.b.n);
	return KS_MP_OK;
}

/* The record's line, without newline: NULL, or what is wrong with it; ks_no_memory is nobody's fault. */
static const char *add_line(struct text *t, const struct ks_rec *rec)
{
	enum ks_mp_error e;
	int no = 0;

	switch (t->config->to) {
	case KS_ENVELOPE:
		return ks_envelope_print(&t->line, rec, t->config->limits.depth);
	case KS_CSV:
	case KS_TSV:
		return ks_tsv_row(t->tsv, rec, &t->line, t->sink.warning);
	case KS_PRETTY:
		e = ks_json_pretty(rec->value, t->config->limits.depth, t->color, &t->line, &no);
		break;
	case KS_RAW:
		e = add_raw(t, rec->value, &no);
		break;
	case KS_KCAT:
		e = ks_kcat_print_json(t->config->kcat, rec, t->config->limits.depth, &t->line, &no);
		if (e == KS_MP_OK && no == 0 && t->config->kcat != NULL)
			e = ks_kcat_print(t->config->kcat, rec, t->config->limits.depth, &t->line, &no);
		break;
	case KS_FORMAT:
		e = ks_kcat_print(t->config->kcat, rec, t->config->limits.depth, &t->line, &no);
		break;
	default:
		e = ks_json_print(rec->value, t->config->limits.depth, &t->line, &no);
		break;
	}
	if (e != KS_MP_OK)
		return ks_mp_strerror(e);
	return no == 0 ? NULL : no == ENOMEM ? ks_no_memory : "the record is too large as text";
}

/* kcat's formats say what stands behind a record: with -J, a format of its own for that alone. */
static bool ends_itself(const struct text *t)
{
	return t->config->to == KS_FORMAT || (t->config->to == KS_KCAT && t->config->kcat != NULL);
}

/* Text and bytes, which raw mostly is made of, go straight to the output; false: they are something else. */
static inline bool add_plain(struct ks_sink *s, struct ks_bytes value, int *no)
{
	const unsigned char *end = value.p + value.n;
	struct ks_head head;
	unsigned char *o;

	if (value.n == 0 || ks_mp_head(value.p, end, &head) != KS_MP_OK || (head.type != KS_STR && head.type != KS_BIN))
		return false;
	o = ks_out_room(&s->out, (size_t)head.count + 1, no);
	if (o == NULL)
		return true;
	memcpy(o, head.body, head.count);
	o[head.count] = '\n';
	ks_out_took(&s->out, o + head.count + 1);
	return true;
}

static int text_record(struct ks_sink *s, const struct ks_rec *rec, struct ks_err *err)
{
	struct text *t = (struct text *)s;
	const char *wrong;
	int no;

	if ((rec->flags & KS_SIDE) != 0 && t->config->to != KS_ENVELOPE)
		return ks_fail(err, KS_CONFIG, "%s output cannot carry side records: use --to envelope or --to frames",
		    format_name(t->config->to));
	if (t->config->to == KS_RAW && KS_LIKELY(add_plain(s, rec->value, &no)))
		return no == 0 ? 0 : ks_sink_failed(s, no, err);
	t->line.n = 0;
	wrong = add_line(t, rec);
	if (wrong == NULL && !ends_itself(t) && ks_buf_add(&t->line, "\n", 1) != 0)
		wrong = ks_no_memory;
	if (wrong != NULL)
		return ks_fail(err, ks_is_no_memory(wrong) ? KS_TEMP : KS_DATA, "%s", wrong);
	no = ks_out_add(&s->out, t->line.p, t->line.n);
	if (no == 0 && t->config->kcat != NULL && t->config->kcat->unbuffered)
		no = ks_out_flush(&s->out);
	return no == 0 ? 0 : ks_sink_failed(s, no, err);
}

static int text_barrier(struct ks_sink *s, const struct ks_barrier *b, struct ks_err *err)
{
	(void)b;
	return flush(s, err);
}

/* Columns that were named beforehand are named, too, where no row is below them. */
static int text_end(struct ks_sink *s, const struct ks_end *e, struct ks_err *err)
{
	struct text *t = (struct text *)s;
	int no;
	const char *wrong;

	(void)e;
	if (t->tsv != NULL && t->config->columns != NULL) {
		t->line.n = 0;
		wrong = ks_tsv_end(t->tsv, &t->line);
		if (wrong != NULL)
			return ks_fail(err, ks_is_no_memory(wrong) ? KS_TEMP : KS_DATA, "%s", wrong);
		no = t->line.n > 0 ? ks_out_add(&s->out, t->line.p, t->line.n) : 0;
		if (no != 0)
			return ks_sink_failed(s, no, err);
	}
	return flush(s, err);
}

static int text_settle(struct ks_sink *s, struct ks_err *err)
{
	int no = ks_out_settle(&s->out);

	return no == 0 ? 0 : ks_sink_failed(s, no, err);
}

static ssize_t read_some(int fd, void *p, size_t n)
{
	ssize_t got;

	do
		got = read(fd, p, n);
	while (got < 0 && errno == EINTR);
	return got;
}

/* The first line of a file, without newline; EMSGSIZE: it is longer than names of columns can be. */
static int first_line(int fd, struct ks_buf *line)
{
	const unsigned char *nl = NULL;
	ssize_t n;
	int no;

	while (nl == NULL) {
		no = ks_buf_reserve(line, 4096 + KS_PAD);	/* for a scanner behind it */
		if (no != 0)
			return no;
		n = read_some(fd, line->p + line->n, 4096);
		if (n <= 0)
			return n < 0 ? errno : 0;
		nl = memchr(line->p + line->n, '\n', (size_t)n);
		line->n += (size_t)n;
	}
	line->n = (size_t)(nl - line->p);
	return 0;
}

/* csv and tsv have something at the top of its file that holds for all of it. */
static int take_names(struct text *t, int fd, struct ks_err *err)
{
	const char *name = t->sink.name, *wrong;
	struct ks_buf line;
	int no;

	ks_buf_init(&line, HEADER_MAX);
	no = first_line(fd, &line);
	wrong = no == 0 ? ks_tsv_resume(t->tsv, ks_buf_bytes(&line)) : no == EMSGSIZE ? "its first line is no row of column names" : NULL;
	ks_buf_release(&line);
	if (wrong != NULL)
		return ks_fail(err, ks_is_no_memory(wrong) ? KS_TEMP : KS_CONFIG, "cannot go on in '%s': %s", name, wrong);
	return no == 0 ? 0 : ks_fail_errno(err, KS_IO, no, "cannot read the names of the columns in '%s'", name);
}

/* A row behind half a line would be lost with it. */
static int text_resume(struct ks_sink *s, struct ks_err *err)
{
	struct text *t = (struct text *)s;
	int fd = open(s->name, O_RDONLY | O_CLOEXEC), status = 0;
	char last = '\n';

	if (fd < 0)	/* what may only be written goes without a look */
		return errno == EACCES && t->tsv == NULL ? 0 : ks_fail_errno(err, KS_IO, errno, "cannot read '%s'", s->name);
	if (!ends_itself(t) && (lseek(fd, -1, SEEK_END) < 0 || read_some(fd, &last, 1) < 0 || lseek(fd, 0, SEEK_SET) < 0))
		status = ks_fail_errno(err, KS_IO, errno, "cannot read '%s'", s->name);
	else if (last != '\n')
		status = ks_fail(err, KS_CONFIG, "cannot go on in '%s': it does not end in a newline", s->name);
	else if (t->tsv != NULL)
		status = take_names(t, fd, err);
	close(fd);
	return status;
}

static bool text_pending(struct ks_sink *s)
{
	return ks_out_pending(&s->out);
}

static void text_close(struct ks_sink *s)
{
	struct text *t = (struct text *)s;

	ks_out_release(&s->out);
	ks_buf_release(&t->line);
	ks_tsv_free(t->tsv);
	free(t);
}

bool ks_wants_color(const struct ks_config *config, int fd)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	if (config->color != KS_COLOR_AUTO)
		return config->color == KS_COLOR_ALWAYS;
	return isatty(fd) && (no == NULL || *no == '\0') && term != NULL && strcmp(term, "dumb") != 0 && *term != '\0';
}

int ks_sink_text(const struct ks_config *config, int fd, struct ks_sink **sink, struct ks_err *err)
{
	struct text *t = calloc(1, sizeof(*t));
	int no;

	if (t == NULL)
		return ks_fail_memory(err);
	t->sink = (struct ks_sink){
		.hello = text_hello, .record = text_record, .barrier = text_barrier, .end = text_end,
		.flush = flush, .settle = text_settle, .pending = text_pending, .resume = text_resume,
		.close = text_close,
		.commits = true, .name = config->out != NULL ? config->out : "stdout",
	};
	t->config = config;
	ks_buf_init(&t->line, 16 * config->limits.record);
	*sink = &t->sink;
	t->color = ks_wants_color(config, fd);
	if (config->to == KS_TSV || config->to == KS_CSV) {
		t->tsv = ks_tsv_new(config);
		if (t->tsv == NULL)
			return ks_fail_memory(err);
	}
	no = ks_out_open(&t->sink.out, fd);
	return no == 0 ? 0 : ks_sink_failed(&t->sink, no, err);
}
