/* SPDX-License-Identifier: MIT */
/*
 * ledger.c - what a pipeline without Kafka has committed.
 *
 * A few lines of text, so that a person can read it:
 *
 *	kstream-ledger 1
 *	run 3
 *	epoch 41
 *	position 52345 0 trades.jsonl
 *	output 81234 result.jsonl
 *	end
 *
 * The last line tells a whole file from a cut one.
 */
#include "ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "num.h"

#define LEDGER_MAX ((size_t)4 << 20)	/* bytes of a ledger: 40,000 files with long names */
#define HEAD_LINE "kstream-ledger 1\n"

/* Names of apps and stages become directories: nothing that could leave the state directory. */
static bool is_plain(const char *name)
{
	size_t n = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");

	return name[n] == '\0' && n > 0 && n <= 200 && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

/* Make path and what leads to it. */
static int make_path(char *path)
{
	char *slash;

	for (slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(path, 0700) != 0 && errno != EEXIST)
			return errno;
		*slash = '/';
	}
	return mkdir(path, 0700) != 0 && errno != EEXIST ? errno : 0;
}

/*
 * A directory that cannot be used is for a person to mend, and starting again does not help.
 * That the disk is full, or memory short, passes.
 */
static int unusable(const struct ks_ledger *l, int no, const char *what, struct ks_err *err)
{
	switch (no) {
	case ENOSPC: case EDQUOT: case EFBIG: case EIO:
		return ks_fail_errno(err, KS_IO, no, "cannot %s '%s'", what, l->path);
	case ENOMEM: case EMFILE: case ENFILE:
		return ks_fail_errno(err, KS_TEMP, no, "cannot %s '%s'", what, l->path);
	default:
		return ks_fail(err, KS_CONFIG, "cannot %s '%s': %s; let --state-dir name a directory of one's own",
		    what, l->path, strerror(no));
	}
}

int ks_ledger_open(struct ks_ledger *l, const struct ks_config *config, const char *app,
    uint32_t instance, struct ks_err *err)
{
	struct stat st;
	int no;

	*l = (struct ks_ledger){ .dir = -1, .lock = -1, .changing = -1, .output = -1 };
	ks_buf_init(&l->positions, LEDGER_MAX);
	ks_buf_init(&l->output_name, LEDGER_MAX);
	if (!is_plain(app))
		return ks_fail(err, KS_CONFIG, "the app '%s' is not a name of letters, digits, '.', '_' and '-'", app);
	if (asprintf(&l->path, "%s/%s/%u", config->state_dir, app, instance) < 0) {
		l->path = NULL;
		return ks_fail(err, KS_TEMP, "no memory");
	}
	no = make_path(l->path);
	if (no != 0)
		return unusable(l, no, "make the state directory", err);
	l->dir = open(l->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (l->dir < 0 || fstat(l->dir, &st) != 0)
		return unusable(l, errno, "open the state directory", err);
	if (st.st_uid != geteuid())
		return ks_fail(err, KS_CONFIG, "the state directory '%s' belongs to another user", l->path);
	return 0;
}

int ks_ledger_lock(struct ks_ledger *l, struct ks_err *err)
{
	l->lock = openat(l->dir, "LOCK", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (l->lock < 0)
		return unusable(l, errno, "make LOCK in", err);
	if (flock(l->lock, LOCK_EX | LOCK_NB) == 0)
		return 0;
	if (errno == EWOULDBLOCK)
		return ks_fail(err, KS_TEMP, "another source of this app and instance is running: '%s/LOCK' is held", l->path);
	return ks_fail_errno(err, KS_IO, errno, "cannot lock '%s/LOCK'", l->path);
}

int ks_ledger_hold(struct ks_ledger *l, struct ks_err *err)
{
	l->changing = openat(l->dir, "ledger.lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (l->changing < 0)
		return unusable(l, errno, "make ledger.lock in", err);
	while (flock(l->changing, LOCK_EX) != 0)
		if (errno != EINTR)
			return ks_fail_errno(err, KS_IO, errno, "cannot lock '%s/ledger.lock'", l->path);
	return 0;
}

void ks_ledger_let_go(struct ks_ledger *l)
{
	if (l->changing >= 0)
		close(l->changing);
	l->changing = -1;
}

/* "WORD number" at *at; steps over the newline. */
static bool take_number(struct ks_bytes *at, const char *word, int64_t *x)
{
	const unsigned char *nl = memchr(at->p, '\n', at->n);
	size_t skip = strlen(word);

	if (nl == NULL || at->n < skip || memcmp(at->p, word, skip) != 0)
		return false;
	if (ks_num_parse_i64(ks_bytes(at->p + skip, (size_t)(nl - at->p) - skip), x) != 0 ||
	    *x < 0 || *x > INT64_MAX / 2)	/* it will be counted on from */
		return false;
	at->n -= (size_t)(nl - at->p) + 1;
	at->p = nl + 1;
	return true;
}

/* "position OFFSET PARTITION NAME": a name is the rest of the line. */
static bool take_position(struct ks_bytes *at, struct ks_buf *positions)
{
	static const char word[] = "position ";
	const unsigned char *nl = memchr(at->p, '\n', at->n), *sp, *sp2;
	int64_t offset, partition;

	if (nl == NULL || at->n < sizeof(word) || memcmp(at->p, word, sizeof(word) - 1) != 0)
		return false;
	at->n -= sizeof(word) - 1;
	at->p += sizeof(word) - 1;
	sp = memchr(at->p, ' ', (size_t)(nl - at->p));
	sp2 = sp != NULL ? memchr(sp + 1, ' ', (size_t)(nl - sp - 1)) : NULL;
	if (sp2 == NULL ||
	    ks_num_parse_i64(ks_bytes(at->p, (size_t)(sp - at->p)), &offset) != 0 || offset < 0 ||
	    ks_num_parse_i64(ks_bytes(sp + 1, (size_t)(sp2 - sp - 1)), &partition) != 0 ||
	    partition < 0 || partition > INT32_MAX)
		return false;
	if (ks_mp_add_array_head(positions, 3) != 0 ||
	    ks_mp_add_str(positions, ks_bytes(sp2 + 1, (size_t)(nl - sp2 - 1))) != 0 ||
	    ks_mp_add_i64(positions, partition) != 0 || ks_mp_add_i64(positions, offset) != 0)
		return false;
	at->n -= (size_t)(nl - at->p) + 1;
	at->p = nl + 1;
	return true;
}

/* "output SIZE NAME", which may be missing. */
static bool take_output(struct ks_bytes *at, struct ks_ledger *l)
{
	static const char word[] = "output ";
	const unsigned char *nl = memchr(at->p, '\n', at->n), *sp;

	if (nl == NULL || at->n < sizeof(word) || memcmp(at->p, word, sizeof(word) - 1) != 0)
		return true;
	at->n -= sizeof(word) - 1;
	at->p += sizeof(word) - 1;
	sp = memchr(at->p, ' ', (size_t)(nl - at->p));
	if (sp == NULL || ks_num_parse_i64(ks_bytes(at->p, (size_t)(sp - at->p)), &l->output) != 0 ||
	    l->output < 0 || ks_buf_add(&l->output_name, sp + 1, (size_t)(nl - sp - 1)) != 0)
		return false;
	at->n -= (size_t)(nl - at->p) + 1;
	at->p = nl + 1;
	return true;
}

static bool parse_ledger(struct ks_ledger *l, struct ks_bytes text)
{
	struct ks_buf list;
	size_t head = strlen(HEAD_LINE);
	uint32_t count = 0;
	bool ok;

	if (text.n < head || memcmp(text.p, HEAD_LINE, head) != 0)
		return false;
	text = ks_bytes(text.p + head, text.n - head);
	ks_buf_init(&list, LEDGER_MAX);
	if (!take_number(&text, "run ", &l->run) || !take_number(&text, "epoch ", &l->epoch))
		return false;
	while (take_position(&text, &list))
		count++;
	l->positions.n = 0;
	ok = take_output(&text, l) && ks_bytes_is(text, "end\n") && ks_mp_add_array_head(&l->positions, count) == 0 &&
	    ks_buf_add(&l->positions, list.p, list.n) == 0;
	ks_buf_release(&list);
	return ok;
}

static int read_whole(int fd, struct ks_buf *b)
{
	ssize_t n;
	int no;

	for (;;) {
		no = ks_buf_reserve(b, 4096);
		if (no != 0)
			return no;
		n = read(fd, b->p + b->n, b->cap - b->n);
		if (n < 0 && errno != EINTR)
			return errno;
		if (n == 0)
			return 0;
		if (n > 0)
			b->n += (size_t)n;
	}
}

int ks_ledger_read(struct ks_ledger *l, struct ks_err *err)
{
	struct ks_buf text;
	int fd, no, status = 0;

	l->run = l->epoch = 0;
	l->output = -1;
	l->positions.n = l->output_name.n = 0;
	fd = openat(l->dir, "ledger", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 && errno == ENOENT) {
		if (ks_mp_add_array_head(&l->positions, 0) != 0)
			return ks_fail(err, KS_TEMP, "no memory");
		return 0;
	}
	if (fd < 0)
		return ks_fail_errno(err, KS_IO, errno, "cannot open '%s/ledger'", l->path);
	ks_buf_init(&text, LEDGER_MAX);
	no = read_whole(fd, &text);
	if (no != 0)
		status = ks_fail_errno(err, KS_IO, no, "cannot read '%s/ledger'", l->path);
	else if (!parse_ledger(l, ks_buf_bytes(&text)))
		status = ks_fail(err, KS_CONFIG, "'%s/ledger' is damaged; remove it to begin again from the start", l->path);
	ks_buf_release(&text);
	close(fd);
	return status;
}

static int print_ledger(const struct ks_ledger *l, struct ks_buf *b)
{
	const unsigned char *end = l->positions.p + l->positions.n;
	struct ks_head list, entry;
	struct ks_val name, partition, offset;
	uint32_t i;
	int no;

	no = ks_buf_printf(b, HEAD_LINE "run %lld\nepoch %lld\n", (long long)l->run, (long long)l->epoch);
	if (no != 0 || ks_mp_head(l->positions.p, end, &list) != KS_MP_OK)
		return no != 0 ? no : EINVAL;
	for (i = 0; i < list.count; i++) {
		if (ks_mp_head(list.body, end, &entry) != KS_MP_OK)
			return EINVAL;
		list.body = entry.body;
		if (ks_mp_read(&list.body, end, 0, &name) != KS_MP_OK ||
		    ks_mp_read(&list.body, end, 0, &partition) != KS_MP_OK ||
		    ks_mp_read(&list.body, end, 0, &offset) != KS_MP_OK ||
		    memchr(name.b.p, '\n', name.b.n) != NULL)
			return EINVAL;
		no = ks_buf_printf(b, "position %lld %lld %.*s\n", (long long)offset.i,
		    (long long)partition.i, (int)name.b.n, (const char *)name.b.p);
		if (no != 0)
			return no;
	}
	no = l->output < 0 ? 0 : ks_buf_printf(b, "output %lld %.*s\n", (long long)l->output,
	    (int)l->output_name.n, (const char *)l->output_name.p);
	return no != 0 ? no : ks_buf_printf(b, "end\n");
}

static int write_file(struct ks_ledger *l, const struct ks_buf *b)
{
	size_t done = 0;
	ssize_t n;
	int fd, no = 0;

	fd = openat(l->dir, "ledger.new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return errno;
	while (done < b->n && no == 0) {
		n = write(fd, b->p + done, b->n - done);
		if (n >= 0)
			done += (size_t)n;
		else if (errno != EINTR)
			no = errno;
	}
	if (no == 0 && fsync(fd) != 0)
		no = errno;
	if (close(fd) != 0 && no == 0)
		no = errno;
	if (no == 0 && renameat(l->dir, "ledger.new", l->dir, "ledger") != 0)
		no = errno;
	if (no == 0 && fsync(l->dir) != 0)
		no = errno;
	return no;
}

int ks_ledger_write(struct ks_ledger *l, struct ks_err *err)
{
	struct ks_buf b;
	int no;

	ks_buf_init(&b, LEDGER_MAX);
	no = print_ledger(l, &b);
	if (no == 0)
		no = write_file(l, &b);
	ks_buf_release(&b);
	return no == 0 ? 0 : unusable(l, no, "write the ledger in", err);
}

int64_t ks_ledger_find(const struct ks_ledger *l, const char *input, int32_t partition)
{
	const unsigned char *end = l->positions.p + l->positions.n;
	struct ks_head list, entry;
	struct ks_val name, part, offset;
	uint32_t i;

	if (l->positions.n == 0 || ks_mp_head(l->positions.p, end, &list) != KS_MP_OK)
		return -1;
	for (i = 0; i < list.count; i++) {
		if (ks_mp_head(list.body, end, &entry) != KS_MP_OK)
			return -1;
		list.body = entry.body;
		if (ks_mp_read(&list.body, end, 0, &name) != KS_MP_OK ||
		    ks_mp_read(&list.body, end, 0, &part) != KS_MP_OK ||
		    ks_mp_read(&list.body, end, 0, &offset) != KS_MP_OK)
			return -1;
		if (part.i == partition && ks_bytes_is(name.b, input))
			return offset.i;
	}
	return -1;
}

void ks_ledger_close(struct ks_ledger *l)
{
	if (l->path == NULL)
		return;
	if (l->dir >= 0)
		close(l->dir);
	if (l->lock >= 0)
		close(l->lock);
	free(l->path);
	ks_ledger_let_go(l);
	ks_buf_release(&l->positions);
	ks_buf_release(&l->output_name);
	*l = (struct ks_ledger){ .dir = -1, .lock = -1, .changing = -1 };
}
