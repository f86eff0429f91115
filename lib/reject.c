/* SPDX-License-Identifier: MIT */
/* reject.c - --on-error. */
#include "reject.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "envelope.h"
#include "fdio.h"
#include "signals.h"

const char ks_reject_bom[] = "it begins with a byte order mark (EF BB BF), which is not JSON: remove it, as tail -c +4 does";
const char ks_reject_over_long[] = "the line is longer than --max-record allows";

int ks_reject_open(struct ks_reject *r, const struct ks_config *config, struct ks_err *err)
{
	*r = (struct ks_reject){ .config = config, .fd = -1 };
	ks_buf_init(&r->scratch, 8 * config->limits.record);
	ks_buf_init(&r->bytes, 2 * config->limits.record);
	if (config->on_error != KS_POLICY_FILE)
		return 0;
	return ks_signals_open_out(config->error_to, O_APPEND, " of --on-error", &r->fd, err);
}

int ks_reject_sync(const struct ks_reject *r, struct ks_err *err)
{
	/* EINVAL: a pipe or a terminal. */
	if (r->fd >= 0 && r->count > 0 && fsync(r->fd) != 0 && errno != EINVAL)
		return ks_fail_errno(err, KS_IO, errno, "cannot fsync '%s' of --on-error", r->config->error_to);
	return 0;
}

int ks_reject_finish(struct ks_reject *r, struct ks_err *err)
{
	int fd = r->fd, status = fd >= 0 && r->config->app != NULL ? ks_reject_sync(r, err) : 0;

	if (status != 0)
		return status;
	r->fd = -1;
	if (fd >= 0 && close(fd) != 0)
		return ks_fail_errno(err, KS_IO, errno, "cannot close '%s' of --on-error", r->config->error_to);
	return 0;
}

void ks_reject_close(struct ks_reject *r)
{
	if (r->fd >= 0)
		close(r->fd);
	r->fd = -1;
	ks_buf_release(&r->scratch);
	ks_buf_release(&r->bytes);
}

const char *ks_where(const struct ks_rec *rec, char *room)
{
	struct ks_bytes name = ks_rec_stream(rec);

	if (rec->topic.p != NULL)
		name = rec->topic;
	if (name.p == NULL)
		name = ks_str("?");
	snprintf(room, KS_WHERE, "%.*s/%d@%lld", (int)name.n, (const char *)name.p, rec->partition,
	    (long long)rec->offset);
	return room;
}

static int add_header(struct ks_buf *b, const char *name, struct ks_bytes text)
{
	struct ks_val v = { .type = KS_BIN, .b = text };
	int no = ks_mp_add_array_head(b, 2);

	if (no == 0)
		no = ks_mp_add_str(b, ks_str(name));
	return no != 0 ? no : ks_mp_add_val(b, &v);
}

static int add_number(struct ks_buf *b, const char *name, int64_t x)
{
	char text[32];
	int n = snprintf(text, sizeof(text), "%lld", (long long)x);

	return add_header(b, name, ks_bytes(text, (size_t)n));
}

/* The record's own headers, then ours; cut: how long the value was before, -1 if it is whole. */
static int letter_headers(struct ks_reject *r, const struct ks_rec *rec, struct ks_bytes own,
    const char *what, int64_t cut)
{
	struct ks_buf *b = &r->scratch;
	struct ks_head head;
	int no;

	b->n = 0;
	if (ks_mp_head(own.p, own.p + own.n, &head) != KS_MP_OK)
		ks_bug("headers were not checked");
	if ((no = ks_mp_add_array_head(b, head.count + 5 + (cut >= 0))) != 0 ||
	    (no = ks_buf_add(b, head.body, (size_t)(own.p + own.n - head.body))) != 0 ||
	    (no = add_header(b, "__streams.errors.message", ks_str(what))) != 0 ||
	    (no = add_header(b, "__streams.errors.topic", rec->topic.p != NULL ? rec->topic :
	    ks_str(""))) != 0 ||
	    (no = add_number(b, "__streams.errors.partition", rec->partition)) != 0 ||
	    (no = add_number(b, "__streams.errors.offset", rec->offset)) != 0)
		return no;
	if (cut >= 0 && (no = add_number(b, "__kstream.errors.cut", cut)) != 0)
		return no;
	return add_header(b, "__kstream.errors.stage", ks_str(r->config->stage));
}

static int append_line(struct ks_reject *r, const struct ks_rec *letter, struct ks_err *err)
{
	struct ks_buf line;
	const char *wrong;
	int no = 0;

	ks_buf_init(&line, 8 * r->config->limits.record);
	wrong = ks_envelope_print(&line, letter, r->config->limits.depth);
	if (wrong == NULL && ks_buf_add(&line, "\n", 1) != 0)
		wrong = ks_no_memory;
	if (wrong == NULL)
		no = ks_write_all(r->fd, ks_buf_bytes(&line));
	ks_buf_release(&line);
	if (wrong != NULL)
		return ks_fail(err, ks_is_no_memory(wrong) ? KS_TEMP : KS_IO, "cannot write a rejected record to '%s': %s", r->config->error_to, wrong);
	if (no != 0)
		return ks_fail_errno(err, KS_IO, no, "cannot write to '%s' of --on-error", r->config->error_to);
	return 0;
}

/* A value that is at fault itself, or too long, travels as bytes: whoever is downstream can take the letter. */
static int wrap_value(struct ks_reject *r, struct ks_rec *letter, size_t max)
{
	struct ks_val raw = { .type = KS_BIN, .b = letter->value };
	const unsigned char *p = letter->value.p;
	struct ks_val v;
	int no;

	if (letter->value.n <= max && ks_mp_check(letter->value, r->config->limits.depth) == KS_MP_OK)
		return 0;
	if (ks_mp_read(&p, p + letter->value.n, 0, &v) == KS_MP_OK && v.type == KS_BIN)
		raw = v;
	raw.b.n = raw.b.n < max ? raw.b.n : max;
	r->bytes.n = 0;
	no = ks_mp_add_val(&r->bytes, &raw);
	letter->value = ks_buf_bytes(&r->bytes);
	return no;
}

/*
 * Make the letter of rec.  It is a frame like any other, so where it would
 * pass --max-record the value is cut to half of that, and in the end the
 * record's own headers and key go.
 */
static int make_letter(struct ks_reject *r, const struct ks_rec *rec, const char *what,
    struct ks_rec *letter)
{
	size_t limit = r->config->limits.record;
	int attempt, no = 0;

	for (attempt = 0; attempt < 3 && no == 0; attempt++) {
		*letter = *rec;
		letter->flags = (rec->flags & ~(uint32_t)KS_SIDE) | KS_SIDE_DEAD;
		letter->frame = ks_bytes(NULL, 0);
		if (attempt == 2)
			letter->key = ks_mp_nil;
		no = letter_headers(r, rec, attempt < 2 ? rec->headers : ks_no_headers, what,
		    attempt > 0 && rec->value.n > limit / 2 ? (int64_t)rec->value.n : -1);
		letter->headers = ks_buf_bytes(&r->scratch);
		if (no == 0)
			no = wrap_value(r, letter, attempt == 0 ? SIZE_MAX : limit / 2);
		if (no == 0 && ks_rec_size(letter) + KS_NAME_MAX <= limit)
			return 0;
	}
	return no;	/* a limit that not even the reasons fit: the next tool will say so */
}

int ks_reject_record(struct ks_reject *r, const struct ks_rec *rec, const char *where,
    const char *what, struct ks_rec *letter, struct ks_err *err)
{
	struct ks_rec kept;

	letter->value = letter->frame = ks_bytes(NULL, 0);
	if (ks_is_no_memory(what) || (ks_signals_end() != 0 && ks_is_interrupted(what)))
		return ks_fail(err, KS_TEMP, "%s: %s", where, what);
	r->count++;
	if (r->config->on_error == KS_POLICY_FAIL)
		return ks_fail(err, KS_DATA, "%s: %s", where, what);
	if (r->config->on_error == KS_POLICY_SKIP)
		return 0;
	if (make_letter(r, rec, what, &kept) != 0)
		return ks_fail(err, KS_TEMP, "no memory for a dead letter");
	if (r->config->on_error == KS_POLICY_FILE)
		return append_line(r, &kept, err);
	r->letters++;
	kept.route = ks_str(r->config->error_to);
	*letter = kept;
	return 0;
}
