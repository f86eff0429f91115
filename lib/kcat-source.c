/* SPDX-License-Identifier: MIT */
/* kcat-source.c - messages as kcat -P reads them, as a stream of frames. */
#include "kcat-source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fdio.h"
#include "input.h"
#include "signals.h"
#include "source-own.h"

#define WHOLE "the message is longer than --max-record allows"

struct kcat {
	struct ks_own own;
	const struct ks_kcat_input *input;
	const struct ks_config *config;
	struct ks_ingest ingest;
	struct ks_in in;
	struct ks_out tee;
	size_t at, count;		/* the file being read, of all of them; stdin is one */
	bool split;			/* it has delimiters */
	size_t searched;		/* bytes held in which there is none */
	size_t skipped;			/* bytes of a message past --max-record that were let go so far */
	int64_t offset;			/* of what is held, in the file */
	char topic[KS_NAME_MAX + 1];
	struct ks_buf key, value, kept, positions;
};

static const char *name_of(const struct kcat *s, size_t at)
{
	return s->config->in_count == 0 ? "-" : s->config->in[at];
}

static int open_input(struct kcat *s, struct ks_err *err)
{
	const char *name = name_of(s, s->at);
	int64_t size;
	int status = ks_input_open(name, &s->in.fd, &size, err);

	if (status != 0)
		return status;
	if (size >= 0)
		s->own.source.stats.total += (uint64_t)size;
	s->split = s->input->lines || strcmp(name, "-") == 0;
	s->own.source.name = s->ingest.path = strcmp(name, "-") == 0 ? "stdin" : name;
	s->in.eof = false;
	s->in.start = s->in.end = s->searched = s->skipped = 0;
	s->offset = 0;
	if (s->config->topic == NULL)
		ks_input_topic(name, s->topic);
	return 0;
}

/* All are there before the first message of one is sent: kcat sends what it can, and says nothing of the rest. */
static int check_files(const struct kcat *s, struct ks_err *err)
{
	int64_t size;
	size_t i;
	int fd, status;

	for (i = 0; i < s->config->in_count; i++) {
		status = ks_input_open(s->config->in[i], &fd, &size, err);
		if (status != 0)
			return status;
		ks_input_close(fd);
	}
	return 0;
}

static const char *topic_of(const struct kcat *s)
{
	return s->config->topic != NULL ? s->config->topic : s->topic;
}

static int flush_tee(struct kcat *s, struct ks_err *err)
{
	int no = ks_out_pending(&s->tee) ? ks_out_flush(&s->tee) : 0;

	return no == 0 ? 0 : ks_fail_errno(err, KS_IO, no, "cannot write to stdout");
}

/* What it covers is out on stdout, too. */
static int list_positions(struct ks_own *own, struct ks_bytes *positions, struct ks_err *err)
{
	struct kcat *s = (struct kcat *)own;
	struct ks_buf *b = &s->positions;
	int no, status = flush_tee(s, err);

	if (status != 0)
		return status;
	b->n = 0;
	no = ks_mp_add_array_head(b, 1);
	if (no == 0)
		no = ks_mp_add_array_head(b, 3);
	if (no == 0)
		no = ks_mp_add_str(b, ks_str(s->own.source.name));
	if (no == 0)
		no = ks_mp_add_i64(b, 0);
	if (no == 0)
		no = ks_mp_add_i64(b, s->offset);
	*positions = ks_buf_bytes(b);
	return no == 0 ? 0 : ks_fail_memory(err);
}

static int begin(struct ks_own *own, struct ks_err *err)
{
	struct kcat *s = (struct kcat *)own;
	struct ks_hello_stream stream = { .name = topic_of(s), .partitions = 1, .key = "raw", .time_type = KS_TIME_NONE };
	struct ks_hello_position position = { .input = s->own.source.name };
	struct ks_hello h = {
		.reads = KS_READS_FILES, .streams = &stream, .stream_count = 1, .positions = &position, .position_count = 1,
	};

	return ks_section_begin(&s->own.section, &h, &s->own.frames, err);
}

/* bytes as msgpack, in room; with -Z null where there are none. */
static int pack(const struct kcat *s, struct ks_bytes bytes, struct ks_buf *room, struct ks_bytes *packed)
{
	const struct ks_val v = { .type = bytes.n == 0 && s->input->nulls ? KS_NIL : KS_BIN, .b = bytes };
	int no;

	room->n = 0;
	no = ks_mp_add_val(room, &v);
	*packed = ks_buf_bytes(room);
	return no;
}

/* The key before -K, or the one of -k where there is none, or where it is null. */
static int take_key(struct kcat *s, struct ks_bytes *message, struct ks_rec *rec)
{
	const struct ks_kcat_input *in = s->input;
	const struct ks_val fixed = { .type = KS_BIN, .b = in->key };
	const unsigned char *found = NULL;
	struct ks_bytes key;
	size_t n;
	int no;

	rec->key = ks_mp_nil;
	if (in->key_delim.p != NULL)
		found = memmem(message->p, message->n, in->key_delim.p, in->key_delim.n);
	if (found != NULL) {
		key = ks_bytes(message->p, (size_t)(found - message->p));
		n = key.n + in->key_delim.n;
		*message = ks_bytes(message->p + n, message->n - n);
		if (key.n > 0 || !in->nulls)
			return pack(s, key, &s->key, &rec->key);
	}
	if (in->key.p == NULL)
		return 0;
	s->key.n = 0;
	no = ks_mp_add_val(&s->key, &fixed);
	rec->key = ks_buf_bytes(&s->key);
	return no;
}

/* A message, of size bytes in its file. */
static int take_message(struct kcat *s, struct ks_bytes message, size_t size, struct ks_err *err)
{
	struct ks_rec rec = {
		.topic = ks_str(topic_of(s)), .offset = s->offset, .headers = s->input->headers,
	};
	struct ks_bytes whole = message;
	uint64_t letters = s->ingest.reject.letters;
	int made = 0, no, status;

	s->offset += (int64_t)size;
	if (message.n == 0)
		return 0;
	no = take_key(s, &message, &rec);
	if (no == EMSGSIZE) {
		rec.key = ks_mp_nil;
		status = ks_ingest_reject(&s->ingest, &rec, whole, "the key is larger than --max-key allows", &s->own.frames, &made, err);
		ks_own_count(&s->own, made, true);
		return status;
	}
	if (no == 0)	/* -Z makes null of what stands behind a key alone: other messages are not empty */
		no = pack(s, message, &s->value, &rec.value);
	if (no != 0)
		return ks_fail_memory(err);
	status = ks_ingest_record(&s->ingest, &rec, &s->own.frames, &made, err);
	if (status != 0)
		return status;
	ks_own_count(&s->own, made, s->ingest.reject.letters != letters);
	if (!s->input->tee)
		return 0;
	no = ks_out_add(&s->tee, whole.p, whole.n);
	if (no == 0)
		no = ks_out_add(&s->tee, s->input->delim.p, s->input->delim.n);
	return no == 0 ? 0 : ks_fail_errno(err, KS_IO, no, "cannot write to stdout");
}

/* What is held of a message past --max-record goes, but for a delimiter that may have begun. */
static int let_go(struct kcat *s, struct ks_err *err)
{
	size_t held = s->in.end - s->in.start, keep = s->split ? s->input->delim.n - 1 : 0;

	if (s->skipped == 0) {
		s->kept.n = 0;
		if (ks_buf_add(&s->kept, s->in.p + s->in.start, held < KS_REJECT_KEPT ? held : KS_REJECT_KEPT) != 0)
			return ks_fail_memory(err);
	}
	if (held > keep) {
		s->skipped += held - keep;
		s->in.start = s->in.end - keep;
	}
	s->searched = 0;
	return 0;
}

static int reject_over_long(struct kcat *s, size_t size, struct ks_err *err)
{
	struct ks_rec rec = { .topic = ks_str(topic_of(s)), .offset = s->offset, .key = ks_mp_nil, .headers = ks_no_headers };
	int made = 0, status;

	status = ks_ingest_reject(&s->ingest, &rec, ks_buf_bytes(&s->kept), WHOLE, &s->own.frames, &made, err);
	s->offset += (int64_t)(s->skipped + size);
	ks_own_count(&s->own, made, true);
	s->skipped = 0;
	return status;
}

/* The messages that are held whole, until there is enough to hand out.  *more: some may be left. */
static int take_messages(struct ks_own *own, bool *more, struct ks_err *err)
{
	struct kcat *s = (struct kcat *)own;
	const unsigned char *p, *found;
	size_t held, n;
	int status = 0;

	*more = true;
	while (status == 0) {
		if (s->own.frames.n >= KS_IO_SIZE || s->own.left == 0)
			return 0;
		p = s->in.p + s->in.start;
		held = s->in.end - s->in.start;
		found = s->split ? memmem(p + s->searched, held - s->searched, s->input->delim.p, s->input->delim.n) : NULL;
		if (found == NULL)
			break;
		n = (size_t)(found - p);
		status = s->skipped > 0 || n >= s->config->limits.record ? reject_over_long(s, n + s->input->delim.n, err) :
		    take_message(s, ks_bytes(p, n), n + s->input->delim.n, err);
		s->in.start += n + s->input->delim.n;
		s->searched = 0;
	}
	if (status != 0)
		return status;
	*more = false;
	held = s->in.end - s->in.start;
	s->searched = s->split && held >= s->input->delim.n ? held - s->input->delim.n + 1 : 0;
	if (s->skipped > 0 || held >= s->config->limits.record)
		status = let_go(s, err);
	if (status != 0 || !s->in.eof)
		return status;
	held = s->in.end - s->in.start;
	p = s->in.p + s->in.start;
	s->in.start = s->in.end;
	s->searched = 0;
	return s->skipped > 0 ? reject_over_long(s, held, err) : take_message(s, ks_bytes(p, held), held, err);
}

/* More input, or the next file, or the end of the section; *wait: nothing now. */
static int advance(struct ks_own *own, bool block, bool *wait, struct ks_err *err)
{
	struct kcat *s = (struct kcat *)own;
	int status;
	bool ready;

	if (s->in.eof) {
		ks_input_close(s->in.fd);
		s->in.fd = -1;
		if (++s->at < s->count)
			return open_input(s, err);
		return ks_own_end(&s->own, ks_section_kind(s->config), err);
	}
	status = block ? flush_tee(s, err) : 0;
	if (status == 0)
		status = ks_own_wait(&s->own, s->in.fd, block, &ready, err);
	if (status != 0)
		return status;
	*wait = !ready;
	return ready ? ks_own_fill(&s->own, &s->in, err) : 0;
}

static void kcat_close(struct ks_source *source)
{
	struct kcat *s = (struct kcat *)source;

	ks_input_close(s->in.fd);
	ks_in_release(&s->in);
	if (s->input->tee)
		ks_out_release(&s->tee);
	ks_own_release(&s->own);
	ks_ingest_close(&s->ingest);
	ks_buf_release(&s->key);
	ks_buf_release(&s->value);
	ks_buf_release(&s->kept);
	ks_buf_release(&s->positions);
	free(s);
}

int ks_source_kcat(const struct ks_kcat_input *input, const struct ks_config *config, int wake,
    struct ks_source **source, struct ks_err *err)
{
	struct kcat *s = calloc(1, sizeof(*s));
	int status;

	if (s == NULL)
		return ks_fail_memory(err);
	ks_own_init(&s->own, config, wake, "stdin");
	s->own.source.close = kcat_close;
	s->own.begin = begin;
	s->own.gather = ks_own_gather;
	s->own.take = take_messages;
	s->own.advance = advance;
	s->own.positions = list_positions;
	s->own.ingest = &s->ingest;
	s->own.source.ingest = s->own.ingest;
	s->input = input;
	s->config = config;
	s->count = config->in_count > 0 ? config->in_count : 1;
	s->in.fd = -1;
	ks_buf_init(&s->key, config->limits.key);
	ks_buf_init(&s->value, config->limits.record + KS_IO_SIZE);
	ks_buf_init(&s->kept, KS_REJECT_KEPT);
	ks_buf_init(&s->positions, KS_CONTROL_MAX);
	*source = &s->own.source;
	if (ks_in_open(&s->in, -1, config->limits.record + input->delim.n + KS_IO_SIZE) != 0 ||
	    (input->tee && ks_out_open(&s->tee, STDOUT_FILENO) != 0))
		return ks_fail_memory(err);
	/* kcat reads them from their start, whatever was read before. */
	if (config->app != NULL)
		return ks_fail(err, KS_CONFIG, "lines as kcat reads them keep no positions, which --app wants: --from raw or --from json FILE has some");
	status = ks_section_open(&s->own.section, config, NULL, err);
	if (status == 0)
		status = ks_ingest_open(&s->ingest, config, err);
	if (status == 0)
		status = check_files(s, err);
	return status == 0 ? open_input(s, err) : status;
}

/* --- what stands there --- */

/* HELLO comes first, and is shorter than 16 MiB: 0xc9 and a length that begins with 0, which no UTF-8 has. */
static bool begins_stream(const unsigned char *p, ssize_t n)
{
	return n < 1 || (p[0] == 0xc9 && (n < 2 || p[1] == 0));
}

/* A copy of the first bytes of a pipe, which keeps them. */
static ssize_t peek_pipe(int fd, unsigned char *p, size_t n)
{
	int copy[2];
	ssize_t got;

	if (pipe2(copy, O_CLOEXEC) != 0)
		return -1;
	got = tee(fd, copy[1], n, 0);
	if (got > 0)
		got = read(copy[0], p, n);
	close(copy[0]);
	close(copy[1]);
	return got;
}

static int stdin_is_stream(int wake, bool *stream, struct ks_err *err)
{
	unsigned char p[2];
	struct stat st;
	bool ready = false;
	ssize_t n = 0;
	off_t at;
	int no = 0;

	*stream = true;
	if (fstat(STDIN_FILENO, &st) != 0)
		return 0;	/* its reader will say so */
	if (S_ISREG(st.st_mode)) {
		at = lseek(STDIN_FILENO, 0, SEEK_CUR);
		n = pread(STDIN_FILENO, p, sizeof(p), at < 0 ? 0 : at);
		*stream = n > 0 && begins_stream(p, n);
		return 0;
	}
	if (!S_ISFIFO(st.st_mode) && !S_ISSOCK(st.st_mode)) {
		*stream = false;
		return 0;
	}
	while (no == 0 && !ready && ks_signals_end() == 0) {
		ks_signals_drain();
		no = ks_wait(STDIN_FILENO, wake, -1, &ready);
	}
	if (no != 0)
		return ks_fail_errno(err, KS_IO, no, "cannot read 'stdin'");
	if (!ready)
		return 0;	/* a signal; who writes a stream ends it */
	n = S_ISFIFO(st.st_mode) ? peek_pipe(STDIN_FILENO, p, sizeof(p)) : recv(STDIN_FILENO, p, sizeof(p), MSG_PEEK);
	*stream = begins_stream(p, n);
	return 0;
}

/* A file that is no regular one, such as <(...) of a shell, counts as a stream: kcat takes it for empty. */
static int file_is_stream(const char *name, bool *stream, struct ks_err *err)
{
	unsigned char p[2];
	struct stat st;
	ssize_t n = 0;
	int fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0 || fstat(fd, &st) != 0) {
		ks_fail_errno(err, KS_NOINPUT, errno, "cannot open '%s'", name);
		if (fd >= 0)
			close(fd);
		return err->status;
	}
	*stream = true;
	if (S_ISREG(st.st_mode)) {
		n = pread(fd, p, sizeof(p), 0);
		*stream = n > 0 && begins_stream(p, n);
	}
	close(fd);
	return 0;
}

int ks_kcat_is_stream(const struct ks_config *config, int wake, bool *stream, struct ks_err *err)
{
	const char *const *in = config->in;
	size_t i, count = 0;
	bool one = false;
	int status;

	if (config->in_count == 0 || (config->in_count == 1 && strcmp(in[0], "-") == 0))
		return stdin_is_stream(wake, stream, err);
	for (i = 0; i < config->in_count; i++) {
		status = file_is_stream(in[i], &one, err);
		if (status != 0)
			return status;
		count += one;
	}
	*stream = count > 0;
	if (count == 0 || count == config->in_count)
		return 0;
	return ks_fail(err, KS_USAGE, "of the files some are streams of frames and some are not: name them apart, or say --from");
}
