/* SPDX-License-Identifier: MIT */
/* recording.c - FILE.index: what times stand where in a file of frames. */
#include "recording.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hash.h"
#include "hello.h"
#include "input.h"

#define MAGIC "kstridx1"
#define HEAD 48u		/* bytes before the blocks */
#define BLOCK 24u		/* bytes of one */
#define SEAL 8u
#define FILE_MAX ((int64_t)1 << 30)	/* an index of 40 TB of frames: a larger one is none */

int ks_recording_add(struct ks_recording *x, int64_t offset, size_t size, bool timed, int64_t time_ms)
{
	struct ks_recording_block *b = x->count > 0 ? &x->blocks[x->count - 1] : NULL;

	if (b == NULL || offset - b->offset >= KS_RECORDING_BLOCK) {
		if (x->count == x->cap) {
			x->cap = x->cap > 0 ? 2 * x->cap : 64;
			b = reallocarray(x->blocks, x->cap, sizeof(*b));
			if (b == NULL)
				return ENOMEM;
			x->blocks = b;
		}
		b = &x->blocks[x->count++];
		*b = (struct ks_recording_block){ .offset = offset, .least_ms = INT64_MAX, .most_ms = INT64_MIN };
	}
	if (!timed || time_ms < b->least_ms)
		b->least_ms = timed ? time_ms : INT64_MIN;
	if (!timed || time_ms > b->most_ms)
		b->most_ms = timed ? time_ms : INT64_MAX;
	x->end = offset + (int64_t)size;
	return 0;
}

void ks_recording_release(struct ks_recording *x)
{
	free(x->blocks);
	*x = (struct ks_recording){ .count = 0 };
}

static char *name_of(const char *path, const char *behind, struct ks_err *err)
{
	char *name;

	if (asprintf(&name, "%s%s", path, behind) >= 0)
		return name;
	ks_fail_memory(err);
	return NULL;
}

/* Whether these are the bytes of an index of the file; blocks are read from it. */
static const char *parse(struct ks_bytes b, int fd, int64_t size, struct ks_recording *x)
{
	char check[KS_INPUT_CHECK + 1];
	const unsigned char *p = b.p;
	uint64_t count;
	size_t i;

	if (b.n < HEAD + SEAL || memcmp(p, MAGIC, 8) != 0)
		return "is not one";
	if (ks_hash(ks_bytes(p, b.n - SEAL), 0) != ks_get64(p + b.n - SEAL))
		return "is damaged";
	if ((int64_t)ks_get64(p + 8) != size || ks_input_check(fd, size, check) != 0 || memcmp(check, p + 16, KS_INPUT_CHECK) != 0)
		return "is that of another file";
	count = ks_get64(p + 40);
	if (count != (b.n - HEAD - SEAL) / BLOCK || (b.n - HEAD - SEAL) % BLOCK != 0)
		return "is damaged";
	x->end = (int64_t)ks_get64(p + 32);
	x->blocks = malloc((count + 1) * sizeof(*x->blocks));
	if (x->blocks == NULL)
		return ks_no_memory;
	for (i = 0, p += HEAD; i < count; i++, p += BLOCK) {
		x->blocks[i] = (struct ks_recording_block){ (int64_t)ks_get64(p), (int64_t)ks_get64(p + 8), (int64_t)ks_get64(p + 16) };
		if (x->blocks[i].offset < (i > 0 ? x->blocks[i - 1].offset + 1 : 0) || x->blocks[i].offset >= x->end)
			return "is damaged";
	}
	x->count = x->cap = count;
	return x->end >= 0 && x->end <= size ? NULL : "is damaged";
}

int ks_recording_read(const char *path, int fd, int64_t size, struct ks_recording *x, bool *there, const char **why,
    struct ks_err *err)
{
	char *name = name_of(path, ".index", err);
	struct ks_buf b;
	struct stat st;
	int at, no;

	*x = (struct ks_recording){ .count = 0 };
	*why = "is not there";
	*there = false;
	if (name == NULL)
		return KS_TEMP;
	at = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	free(name);
	if (at < 0)
		return 0;
	ks_buf_init(&b, (size_t)FILE_MAX);
	*there = fstat(at, &st) == 0 && S_ISREG(st.st_mode);
	no = *there && st.st_size <= FILE_MAX ? ks_buf_read(&b, at) : EMSGSIZE;
	*why = no == ENOMEM ? ks_no_memory : no != 0 ? "cannot be read" : parse(ks_buf_bytes(&b), fd, size, x);
	close(at);
	ks_buf_release(&b);
	if (*why == NULL)
		return 0;
	ks_recording_release(x);
	return ks_is_no_memory(*why) ? ks_fail_memory(err) : 0;
}

static int print(struct ks_buf *b, const char *check, int64_t size, const struct ks_recording *x)
{
	unsigned char *p;
	size_t i;

	if (ks_buf_reserve(b, HEAD + x->count * BLOCK + SEAL) != 0)
		return ENOMEM;
	p = b->p;
	memcpy(p, MAGIC, 8);
	ks_put64(p + 8, (uint64_t)size);
	memcpy(p + 16, check, KS_INPUT_CHECK);
	ks_put64(p + 32, (uint64_t)x->end);
	ks_put64(p + 40, x->count);
	for (i = 0, p += HEAD; i < x->count; i++, p += BLOCK) {
		ks_put64(p, (uint64_t)x->blocks[i].offset);
		ks_put64(p + 8, (uint64_t)x->blocks[i].least_ms);
		ks_put64(p + 16, (uint64_t)x->blocks[i].most_ms);
	}
	b->n = (size_t)(p - b->p);
	ks_put64(p, ks_hash(ks_buf_bytes(b), 0));
	b->n += SEAL;
	return 0;
}

static int put_file(const char *temporary, const char *name, struct ks_bytes bytes)
{
	int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666), no;

	if (fd < 0)
		return errno;
	no = ks_write_all(fd, bytes);
	if (no == 0 && fsync(fd) != 0)
		no = errno;
	if (close(fd) != 0 && no == 0)
		no = errno;
	if (no == 0 && rename(temporary, name) != 0)
		no = errno;
	if (no != 0)
		(void)unlink(temporary);
	return no == 0 ? ks_sync_parent(name) : no;
}

int ks_recording_write(const char *path, int fd, int64_t size, const struct ks_recording *x, struct ks_err *err)
{
	char *name = name_of(path, ".index", err), *temporary = name_of(path, ".index.new", err);
	char check[KS_INPUT_CHECK + 1];
	struct ks_buf b;
	int no;

	ks_buf_init(&b, (size_t)FILE_MAX);
	no = name == NULL || temporary == NULL ? ENOMEM : ks_input_check(fd, size, check);
	if (no == 0)
		no = print(&b, check, size, x);
	if (no == 0)
		no = put_file(temporary, name, ks_buf_bytes(&b));
	ks_buf_release(&b);
	free(name);
	free(temporary);
	if (no == ENOMEM)
		return ks_fail_memory(err);
	return no == 0 ? 0 : ks_fail_errno(err, KS_IO, no, "cannot write '%s.index'", path);
}

/* --- writing a recording --- */

static int failed(const struct ks_recorder *x, int no, struct ks_err *err)
{
	return no == 0 ? 0 : no == ENOMEM ? ks_fail_memory(err) : ks_fail_errno(err, KS_IO, no, "cannot write '%s'", x->partial);
}

/* One process writes it: what another has left is written over, what another is writing is not. */
static int open_partial(const struct ks_recorder *x, int *fd, struct ks_err *err)
{
	struct stat mine, named = { .st_ino = 0 };
	int no = 0;

	*fd = open(x->partial, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	if (*fd < 0)
		return ks_fail_errno(err, KS_CANTCREAT, errno, "cannot create '%s'", x->partial);
	if (flock(*fd, LOCK_EX | LOCK_NB) != 0 || fstat(*fd, &mine) != 0 || (stat(x->partial, &named) != 0 && errno != ENOENT))
		no = errno;
	/* It may have got its name, and be whole, since it was opened. */
	if (no == EWOULDBLOCK || (no == 0 && mine.st_ino != named.st_ino))
		return ks_fail(err, KS_TEMP, "another process writes '%s'", x->partial);
	if (no == 0 && ftruncate(*fd, 0) != 0)
		no = errno;
	return no == 0 ? 0 : ks_fail_errno(err, KS_IO, no, "cannot write '%s'", x->partial);
}

/* Whether the file begins as frames do, with HELLO, or as an index; one that cannot be read does not. */
static bool begins_well(const char *name, bool index)
{
	unsigned char head[8] = { 0 };
	int fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n = fd < 0 ? -1 : pread(fd, head, sizeof(head), 0);

	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return n == 0;	/* nothing is lost with it: mktemp(1) makes such */
	return n == sizeof(head) && (index ? memcmp(head, MAGIC, 8) == 0 : head[0] == 0xc9 && head[5] == KS_HELLO);
}

/* What is at path and behind goes, sooner or later: it must be nobody's, and no work of another kind. */
static int check_name(const char *path, const char *behind, const struct ks_config *c, const struct ks_beside *late, struct ks_err *err)
{
	char *name = name_of(path, behind, err);
	bool index = strncmp(behind, ".index", 6) == 0;
	struct stat st, other;
	const char *what;
	int status = 0;

	if (name == NULL)
		return KS_TEMP;
	if (stat(name, &st) == 0) {
		what = ks_beside_other(&st, name, c);
		if (what == NULL && late->fd >= 0 && fstat(late->fd, &other) == 0 && ks_same_file(&st, &other))
			what = "that of --late";
		if (what != NULL)
			status = ks_fail(err, KS_USAGE, "--record %s: '%s' is %s, too", path, name, what);
		else if (!S_ISREG(st.st_mode))
			status = ks_fail(err, KS_USAGE, "--record '%s': it is there, and is no file", name);
		else if (!begins_well(name, index))
			status = ks_fail(err, KS_USAGE, "--record %s: '%s' is there, and is no %s: remove it, or name another", path, name,
			    index ? "index of a recording" : "recording");
	}
	free(name);
	return status;
}

int ks_recorder_open(struct ks_recorder *x, const char *path, const struct ks_config *c, const struct ks_beside *late,
    struct ks_err *err)
{
	static const char *const behind[] = { "", ".partial", ".index", ".index.new" };
	int fd, status = 0;
	size_t i;

	*x = (struct ks_recorder){ .path = path, .out.fd = -1 };
	ks_buf_init(&x->control, KS_CONTROL_MAX + KS_FRAME_HEAD);
	for (i = 0; i < sizeof(behind) / sizeof(behind[0]) && status == 0; i++)
		status = check_name(path, behind[i], c, late, err);
	if (status != 0)
		return status;
	x->partial = name_of(path, ".partial", err);
	if (x->partial == NULL)
		return KS_TEMP;
	status = open_partial(x, &fd, err);
	if (status != 0) {
		if (fd >= 0)
			close(fd);
		return status;
	}
	x->open = true;
	if (ks_out_open(&x->out, fd) == 0)
		return 0;
	x->out.fd = fd;
	return ks_fail_memory(err);
}

/* A frame that is no record; where it is not at the edge, it is to be read in any case. */
static int put_control(struct ks_recorder *x, bool inner, struct ks_err *err)
{
	int no = ks_out_add(&x->out, x->control.p, x->control.n);

	if (no == 0 && inner)
		no = ks_recording_add(&x->index, x->offset, x->control.n, false, 0);
	x->offset += (int64_t)x->control.n;
	x->control.n = 0;
	return failed(x, no, err);
}

static int end_section(struct ks_recorder *x, enum ks_kind kind, struct ks_err *err)
{
	struct ks_barrier b = {
		.n = x->epoch + 1, .kind = kind, .positions = ks_no_headers, .committed = -1, .hop = x->hop, .group = ks_mp_nil,
	};
	struct ks_end e = { .n = x->epoch + 1, .kind = kind };
	int no = ks_barrier_add(&x->control, &b);

	if (no == 0)
		no = ks_end_add(&x->control, &e);
	x->within = false;
	return no != 0 ? failed(x, no, err) : put_control(x, kind != KS_COMPLETE, err);
}

int ks_recorder_hello(struct ks_recorder *x, struct ks_bytes payload, bool merged, int64_t epoch, struct ks_err *err)
{
	bool inner = x->offset > 0;
	int status = x->within ? end_section(x, KS_PAUSED, err) : 0;

	if (status != 0)
		return status;
	if (!merged) {	/* it is read again as it stands */
		if (ks_hello_add_merged(&x->control, payload) != 0)
			return ks_fail_memory(err);
	} else {
		if (ks_buf_reserve(&x->control, KS_FRAME_HEAD + payload.n) != 0)
			return ks_fail_memory(err);
		memcpy(x->control.p + KS_FRAME_HEAD, payload.p, payload.n);
		ks_frame_close(x->control.p, payload.n, KS_HELLO);
		x->control.n = KS_FRAME_HEAD + payload.n;
	}
	x->epoch = epoch;
	x->hop = 0;
	x->within = true;
	return put_control(x, inner, err);
}

int ks_recorder_record(struct ks_recorder *x, const struct ks_rec *rec, struct ks_err *err)
{
	unsigned char *o;
	size_t n;
	int no;

	o = ks_out_room(&x->out, rec->frame.p != NULL ? rec->frame.n : ks_rec_size(rec), &no);
	if (o == NULL)
		return failed(x, no, err);
	if (rec->frame.p != NULL)
		memcpy(o, rec->frame.p, n = rec->frame.n);
	else
		n = (size_t)(ks_rec_put(o, rec) - o);
	ks_out_took(&x->out, o + n);
	no = ks_recording_add(&x->index, x->offset, n, (rec->flags & (KS_SIDE | KS_TIME_TYPE)) == KS_TIME_CREATE ||
	    (rec->flags & (KS_SIDE | KS_TIME_TYPE)) == KS_TIME_APPEND, rec->time_ms);
	x->offset += (int64_t)n;
	x->hop++;
	return failed(x, no, err);
}

int ks_recorder_finish(struct ks_recorder *x, struct ks_err *err)
{
	int status = x->within ? end_section(x, KS_COMPLETE, err) : 0, no;

	if (status != 0)
		return status;
	no = ks_out_flush(&x->out);
	if (no == 0 && fsync(x->out.fd) != 0)
		no = errno;
	if (no == 0 && rename(x->partial, x->path) != 0)
		no = errno;
	if (no == 0)
		no = ks_sync_parent(x->path);
	if (no != 0)
		return failed(x, no, err);
	x->open = false;
	return ks_recording_write(x->path, x->out.fd, x->offset, &x->index, err);
}

void ks_recorder_close(struct ks_recorder *x)
{
	if (x->open)
		(void)unlink(x->partial);
	if (x->path != NULL && x->out.fd >= 0)
		close(x->out.fd);
	if (x->path != NULL)
		ks_out_release(&x->out);
	ks_buf_release(&x->control);
	ks_recording_release(&x->index);
	free(x->partial);
	*x = (struct ks_recorder){ .path = NULL };
}
