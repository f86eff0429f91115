/* SPDX-License-Identifier: MIT */
/*
 * ledger.c - what a pipeline without Kafka has committed.
 *
 * A few lines of text, so that a person can read it:
 *
 *	kstream-ledger 2
 *	run 3
 *	epoch 41
 *	position 52345 0 9ab2cf8a41a5d0e1 /data/trades.jsonl
 *	output 81234 16c01f2e0b7a9d35 closed /data/result.jsonl
 *	end
 *
 * The last line tells a whole file from a cut one.  Version 1 has neither
 * the checks nor the word, and names as they were given; it is read, and
 * replaced by version 2.
 */
#include "ledger.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "drill.h"
#include "fdio.h"
#include "num.h"
#include "signals.h"
#include "state-dir.h"

#define AWAIT_MS 30000		/* for who writes to Kafka to start, and find the broker */
#define AWAIT_STEP_MS 20
#define LOCK_WAIT_MS 3000	/* for a source that the last run has left behind: it finds out by a PING (KS_PING_MS) */
#define LEDGER_MAX ((size_t)4 << 20)	/* bytes of a ledger: 40,000 files with long names */

static int unusable(const struct ks_ledger *l, int no, const char *what, struct ks_err *err)
{
	return ks_state_unusable(l->path, no, what, err);
}

int ks_ledger_open(struct ks_ledger *l, const struct ks_config *config, const char *app,
    const char *owner, struct ks_err *err)
{
	char directory[KS_OWNER_ROOM];
	int no;

	*l = (struct ks_ledger){ .dir = -1, .lock = -1, .changing = -1, .output.size = -1 };
	ks_buf_init(&l->positions, LEDGER_MAX);
	ks_buf_init(&l->output.name, LEDGER_MAX);
	if (!ks_state_is_name(app))
		return ks_fail(err, KS_CONFIG, "the app '%s' is not a name of letters, digits, '.', '_' and '-'", app);
	ks_owner_directory(directory, owner);
	if (asprintf(&l->path, "%s/%s/%s", config->state_dir, app, directory) < 0) {
		l->path = NULL;
		return ks_fail_memory(err);
	}
	no = ks_state_make(l->path);
	if (no != 0)
		return unusable(l, no, "make the state directory", err);
	l->dir = ks_state_open(l->path, err);
	return l->dir < 0 ? err->status : 0;
}

static void pause_a_step(void)
{
	const struct timespec pause = { .tv_nsec = AWAIT_STEP_MS * 1000000 };

	nanosleep(&pause, NULL);
}

/* 0, or -1 and errno: EWOULDBLOCK, another process has it for as long, or a signal asks for an end. */
static int lock_within(int fd, int64_t ms)
{
	int64_t deadline = ks_clock_ms() + ms;

	while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		if (errno != EINTR && (errno != EWOULDBLOCK || ks_clock_ms() >= deadline || ks_signals_end() != 0))
			return -1;
		pause_a_step();
	}
	return 0;
}

int ks_ledger_lock(struct ks_ledger *l, struct ks_err *err)
{
	l->lock = openat(l->dir, "LOCK", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (l->lock < 0)
		return unusable(l, errno, "make LOCK in", err);
	if (lock_within(l->lock, LOCK_WAIT_MS) == 0 || !ks_keeps("lock"))
		return 0;
	if (errno == EWOULDBLOCK)
		return ks_fail(err, KS_TEMP, "another source of this app and instance is running: '%s/LOCK' is held", l->path);
	return ks_fail_errno(err, KS_IO, errno, "cannot lock '%s/LOCK'", l->path);
}

int ks_ledger_whole(const struct ks_ledger *l, const char *app, struct ks_err *err)
{
	const char *slash = strrchr(l->path, '/');

	if (faccessat(l->dir, "../" KS_RESET_PLAN, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
		return 0;
	return ks_fail(err, KS_CONFIG, "app '%s' is being reset, as '%.*s/" KS_RESET_PLAN "' says, and that has not come to its end: "
	    "kstream-reset --app %s --apply, with -b where topics are read or written, goes on with it", app,
	    (int)(slash - l->path), l->path, app);
}

/*
 * Each run has a byte of its own to lock, so that nothing has to be written and
 * read.  Such locks and that of the source (flock) do not see each other.
 */
int ks_ledger_alone(const struct ks_ledger *l, int64_t run, int *fd, struct ks_err *err)
{
	struct flock x = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = run, .l_len = 1 };
	int no;

	*fd = openat(l->dir, "LOCK", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (*fd < 0)
		return unusable(l, errno, "make LOCK in", err);
	if (fcntl(*fd, F_OFD_SETLK, &x) == 0)
		return 0;
	no = errno;
	if (no == EAGAIN || no == EACCES)
		return ks_fail(err, KS_CONFIG, "another process commits this very run, %lld: a stream has one output that commits; a copy of it, "
		    "as tee(1) makes, can be a file of frames", (long long)run);
	close(*fd);
	*fd = -1;
	return ks_fail_errno(err, KS_IO, no, "cannot lock '%s/LOCK'", l->path);
}

int ks_ledger_hold(struct ks_ledger *l, struct ks_err *err)
{
	l->changing = openat(l->dir, "ledger.lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (l->changing < 0)
		return unusable(l, errno, "make ledger.lock in", err);
	if (lock_within(l->changing, AWAIT_MS) == 0)
		return 0;
	if (errno == EWOULDBLOCK)
		return ks_fail(err, KS_TEMP, "another process of this app and instance is changing the ledger: '%s/ledger.lock' is held", l->path);
	return ks_fail_errno(err, KS_IO, errno, "cannot lock '%s/ledger.lock'", l->path);
}

void ks_ledger_let_go(struct ks_ledger *l)
{
	if (l->changing >= 0)
		close(l->changing);
	l->changing = -1;
}

/* The line at *at, if it begins with word: *line is the rest of it, and *at steps over it. */
static bool take_line(struct ks_bytes *at, const char *word, struct ks_bytes *line)
{
	const unsigned char *nl = at->n > 0 ? memchr(at->p, '\n', at->n) : NULL;
	size_t skip = strlen(word);

	if (nl == NULL || (size_t)(nl - at->p) < skip || memcmp(at->p, word, skip) != 0)
		return false;
	*line = ks_bytes(at->p + skip, (size_t)(nl - at->p) - skip);
	at->n -= (size_t)(nl - at->p) + 1;
	at->p = nl + 1;
	return true;
}

/* What stands before the next blank; *line is what stands behind it. */
static bool take_word(struct ks_bytes *line, struct ks_bytes *word)
{
	const unsigned char *blank = line->n > 0 ? memchr(line->p, ' ', line->n) : NULL;

	if (blank == NULL)
		return false;
	*word = ks_bytes(line->p, (size_t)(blank - line->p));
	line->n -= word->n + 1;
	line->p = blank + 1;
	return true;
}

static bool take_int(struct ks_bytes *line, int64_t max, int64_t *x)
{
	struct ks_bytes word;

	return take_word(line, &word) && ks_num_parse_i64(word, x) == 0 && *x >= 0 && *x <= max;
}

static bool take_check(struct ks_bytes *line, int64_t version, struct ks_bytes *check)
{
	*check = ks_bytes(NULL, 0);
	if (version == 1)
		return true;
	if (!take_word(line, check))
		return false;
	if (!ks_bytes_is(*check, "-"))
		return ks_is_check(*check);
	check->n = 0;
	return true;
}

static bool take_number(struct ks_bytes *at, const char *word, int64_t *x)
{
	struct ks_bytes line;

	return take_line(at, word, &line) && ks_num_parse_i64(line, x) == 0 &&
	    *x >= 0 && *x <= INT64_MAX / 2;	/* it will be counted on from */
}

/* "position OFFSET PARTITION CHECK NAME", as many as there are: a name is the rest of the line. */
static bool take_positions(struct ks_bytes *at, int64_t version, struct ks_buf *list, uint32_t *count)
{
	struct ks_position x;
	int64_t partition;

	for (*count = 0; take_line(at, "position ", &x.input); ++*count) {
		if (!take_int(&x.input, INT64_MAX, &x.offset) || !take_int(&x.input, INT32_MAX, &partition) ||
		    !take_check(&x.input, version, &x.check))
			return false;
		x.partition = (int32_t)partition;
		if (ks_position_add(list, &x) != 0)
			return false;
	}
	return true;
}

/* "output SIZE CHECK open|closed NAME", which may be missing. */
static bool take_output(struct ks_bytes *at, int64_t version, struct ks_output *o)
{
	struct ks_bytes line, check, word;

	if (!take_line(at, "output ", &line))
		return true;
	if (!take_int(&line, INT64_MAX, &o->size) || !take_check(&line, version, &check))
		return false;
	memcpy(o->check, check.p != NULL ? check.p : line.p, check.n);
	o->check[check.n] = '\0';
	o->open = true;		/* version 1 does not say */
	if (version > 1) {
		if (!take_word(&line, &word) || (!ks_bytes_is(word, "open") && !ks_bytes_is(word, "closed")))
			return false;
		o->open = word.n == 4;
	}
	return ks_buf_add(&o->name, line.p, line.n) == 0;
}

/* *version: of the text, where it has one.  list is scratch; it, the positions and the name have room for what the text says. */
static bool parse_ledger(struct ks_ledger *l, struct ks_bytes text, struct ks_buf *list, int64_t *version)
{
	struct ks_bytes line;
	uint32_t count;

	if (!take_line(&text, "kstream-ledger ", &line))
		return false;
	if (ks_num_parse_i64(line, version) != 0)
		return false;
	if (*version < 1 || *version > 2 || !take_number(&text, "run ", &l->run) || !take_number(&text, "epoch ", &l->epoch))
		return false;
	l->positions.n = 0;
	return take_positions(&text, *version, list, &count) && take_output(&text, *version, &l->output) &&
	    ks_bytes_is(text, "end\n") && ks_mp_add_array_head(&l->positions, count) == 0 &&
	    ks_buf_add(&l->positions, list->p, list->n) == 0;
}

/* From fd, which is closed. */
static int read_file(struct ks_ledger *l, int fd, struct ks_err *err)
{
	struct ks_buf text, list;
	int64_t version = 0;
	int no, status = 0;

	l->run = l->epoch = 0;
	l->output.size = -1;
	l->positions.n = l->output.name.n = 0;
	ks_buf_init(&text, LEDGER_MAX);
	ks_buf_init(&list, LEDGER_MAX);
	no = ks_buf_read(&text, fd);
	/* As msgpack a line is not longer; without memory a sound ledger must not be called damaged. */
	if (no == 0 && (no = ks_buf_reserve(&list, text.n)) == 0 && (no = ks_buf_reserve(&l->positions, text.n)) == 0)
		no = ks_buf_reserve(&l->output.name, text.n);
	if (no != 0)
		status = ks_fail_errno(err, KS_IO, no, "cannot read '%s/ledger'", l->path);
	else if (!parse_ledger(l, ks_buf_bytes(&text), &list, &version))
		status = version > 2 ?
		    ks_fail(err, KS_CONFIG, "'%s/ledger' is of another version than this kstream reads: use the one that wrote it", l->path) :
		    ks_fail(err, KS_CONFIG, "'%s/ledger' is damaged; remove it to begin again from the start", l->path);
	ks_buf_release(&text);
	ks_buf_release(&list);
	close(fd);
	return status;
}

int ks_ledger_read(struct ks_ledger *l, struct ks_err *err)
{
	int fd = openat(l->dir, "ledger", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd >= 0)
		return read_file(l, fd, err);
	if (errno != ENOENT)
		return ks_fail_errno(err, KS_IO, errno, "cannot open '%s/ledger'", l->path);
	l->run = l->epoch = 0;
	l->output.size = -1;
	l->positions.n = l->output.name.n = 0;
	return ks_mp_add_array_head(&l->positions, 0) != 0 ? ks_fail_memory(err) : 0;
}

static int print_position(struct ks_buf *b, const struct ks_position *x)
{
	if (memchr(x->input.p, '\n', x->input.n) != NULL || memchr(x->input.p, '\0', x->input.n) != NULL)
		return EINVAL;
	return ks_buf_printf(b, "position %lld %d %.*s %.*s\n", (long long)x->offset, (int)x->partition,
	    x->check.n > 0 ? (int)x->check.n : 1, x->check.n > 0 ? (const char *)x->check.p : "-",
	    (int)x->input.n, (const char *)x->input.p);
}

static int print_ledger(const struct ks_ledger *l, struct ks_buf *b)
{
	const unsigned char *end = l->positions.p + l->positions.n;
	const struct ks_output *o = &l->output;
	struct ks_position x;
	struct ks_head list;
	uint32_t i;
	int no;

	no = ks_buf_printf(b, "kstream-ledger 2\nrun %lld\nepoch %lld\n", (long long)l->run, (long long)l->epoch);
	if (no != 0 || ks_mp_head(l->positions.p, end, &list) != KS_MP_OK)
		return no != 0 ? no : EINVAL;
	for (i = 0; i < list.count && no == 0; i++)
		no = ks_position_next(&list.body, end, &x) ? print_position(b, &x) : EINVAL;
	if (no == 0 && o->size >= 0)
		no = ks_buf_printf(b, "output %lld %s %s %.*s\n", (long long)o->size, o->check[0] != '\0' ? o->check : "-",
		    o->open ? "open" : "closed", (int)o->name.n, (const char *)o->name.p);
	return no != 0 ? no : ks_buf_printf(b, "end\n");
}

static int write_as(struct ks_ledger *l, const char *name, struct ks_err *err)
{
	struct ks_buf b;
	int no;

	ks_buf_init(&b, LEDGER_MAX);
	no = print_ledger(l, &b);
	if (no == 0)
		no = ks_replace_at(l->dir, "ledger.new", name, ks_buf_bytes(&b));
	ks_buf_release(&b);
	return no == 0 ? 0 : unusable(l, no, "write the ledger in", err);
}

int ks_ledger_write(struct ks_ledger *l, struct ks_err *err)
{
	return write_as(l, "ledger", err);
}

int ks_ledger_prepare(struct ks_ledger *l, struct ks_err *err)
{
	return write_as(l, "ledger.next", err);
}

int ks_ledger_prepared(struct ks_ledger *l, int64_t *epoch, struct ks_err *err)
{
	int fd = openat(l->dir, "ledger.next", O_RDONLY | O_CLOEXEC | O_NOFOLLOW), status;
	int64_t run = l->run;

	*epoch = -1;
	if (fd < 0)
		return errno == ENOENT ? 0 : ks_fail_errno(err, KS_IO, errno, "cannot open '%s/ledger.next'", l->path);
	status = read_file(l, fd, err);
	*epoch = l->epoch;
	l->run = run;
	return status;
}

int ks_ledger_settled(struct ks_ledger *l, struct ks_err *err)
{
	if (unlinkat(l->dir, "ledger.next", 0) != 0 && errno != ENOENT)
		return unusable(l, errno, "remove ledger.next from", err);
	return 0;
}

bool ks_ledger_is_prepared(const struct ks_ledger *l)
{
	return faccessat(l->dir, "ledger.next", F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

int ks_ledger_await(struct ks_ledger *l, struct ks_err *err)
{
	int64_t deadline = ks_clock_ms() + AWAIT_MS;

	while (ks_ledger_is_prepared(l)) {
		if (ks_clock_ms() >= deadline || ks_signals_end() != 0)
			return ks_fail(err, KS_TEMP, "the last run may have committed one epoch more than '%s/ledger' has, and only the stage "
			    "that writes to Kafka can find out: start it, too", l->path);
		pause_a_step();
	}
	return 0;
}

bool ks_ledger_find(const struct ks_ledger *l, const char *input, int32_t partition, struct ks_position *x)
{
	const unsigned char *end = l->positions.p + l->positions.n;
	struct ks_head list;
	uint32_t i;

	if (l->positions.n == 0 || ks_mp_head(l->positions.p, end, &list) != KS_MP_OK)
		return false;
	for (i = 0; i < list.count && ks_position_next(&list.body, end, x); i++)
		if (x->partition == partition && ks_bytes_is(x->input, input))
			return true;
	return false;
}

/* The ledger in the directory path: KS_CONFIG, it has the output.  One that cannot be read has none. */
static int look_at(const char *path, const char *output, struct ks_err *err)
{
	struct ks_ledger l = { .dir = -1, .lock = -1, .changing = -1, .path = strdup(path), .output.size = -1 };
	struct ks_err unread;
	int status = 0;

	if (l.path == NULL)
		return ks_fail_memory(err);
	ks_buf_init(&l.positions, LEDGER_MAX);
	ks_buf_init(&l.output.name, LEDGER_MAX);
	l.dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (l.dir >= 0 && ks_ledger_read(&l, &unread) == 0 && l.output.size >= 0 &&
	    ks_bytes_is(ks_buf_bytes(&l.output.name), output))
		status = ks_fail(err, KS_CONFIG, "'%s' is the output of another app: give each its own, "
		    "or remove the line from '%s/ledger'", output, path);
	ks_ledger_close(&l);
	return status;
}

/* The ledgers below path, where levels of directories are left; own is not looked at. */
static int look_below(const char *path, int levels, const char *own, const char *output, struct ks_err *err)
{
	struct dirent *entry;
	DIR *dir = opendir(path);
	int status = 0;
	char *below;

	while (dir != NULL && status == 0 && (entry = readdir(dir)) != NULL) {
		if (!ks_state_is_name(entry->d_name))
			continue;
		if (asprintf(&below, "%s/%s", path, entry->d_name) < 0) {
			status = ks_fail_memory(err);
			break;
		}
		if (levels > 1)
			status = look_below(below, levels - 1, own, output, err);
		else if (strcmp(below, own) != 0)
			status = look_at(below, output, err);
		free(below);
	}
	if (dir != NULL)
		closedir(dir);
	return status;
}

int ks_ledger_is_free(const struct ks_ledger *l, const struct ks_config *config, const char *output,
    struct ks_err *err)
{
	return look_below(config->state_dir, 2, l->path, output, err);
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
	ks_buf_release(&l->output.name);
	*l = (struct ks_ledger){ .dir = -1, .lock = -1, .changing = -1 };
}
