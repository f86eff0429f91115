/* SPDX-License-Identifier: MIT */
/* child.c - running kstream-cat for the topics at the ends of a tool. */
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child-args.h"
#include "options-kafka.h"
#include "signals.h"

#define CAT "kstream-cat"
#define VARIABLE "KSTREAM_CHILD"	/* PID of the tool, colon, number of the token's descriptor; what sieve.h puts behind it */
static char variable[sizeof(VARIABLE) + 40 + KS_WANTED_SIZE];	/* it stands in the environment, and is changed there */

#define THROUGH_MS 2000	/* a first half that is not wanted any more is waited for, and then killed */

extern char **environ;

void ks_children_begin(struct ks_children *k)
{
	const char *text = getenv(VARIABLE);
	int flags, parent, fd, used = 0;

	*k = (struct ks_children){ .token = -1, .input = -1 };
	if (text == NULL || sscanf(text, "%9d:%9d%n", &parent, &fd, &used) != 2 || parent != getppid() || fd <= STDERR_FILENO ||
	    (text[used] != '\0' && text[used] != ':'))
		return;
	flags = fcntl(fd, F_GETFD);
	if (flags < 0)
		return;
	fcntl(fd, F_SETFD, flags | FD_CLOEXEC);
	k->token = fd;
	k->serves = true;
	ks_signals_serve();
	ks_wanted_learn(&k->wanted, text + used);
}

/* --- running it --- */

const char *ks_child_find(const char *name, char *room, size_t size)
{
	ssize_t n = readlink("/proc/self/exe", room, size);
	char *slash;

	if (n <= 0 || (size_t)n >= size)
		return NULL;
	room[n] = '\0';
	slash = strrchr(room, '/');
	if (slash == NULL || (name != NULL && (size_t)(slash + 1 - room) + strlen(name) >= size))
		return NULL;
	if (name != NULL)
		memcpy(slash + 1, name, strlen(name) + 1);
	return access(room, X_OK) == 0 ? room : NULL;
}

/*
 * What asks for an end waits until the child can take it (ks_signals_serve),
 * and Ctrl-C and a hangup never come: the tool heeds them.
 */
static int set_attributes(posix_spawnattr_t *attr)
{
	sigset_t mask, normal;
	int no;

	sigprocmask(SIG_SETMASK, NULL, &mask);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGHUP);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGUSR1);
	sigemptyset(&normal);
	sigaddset(&normal, SIGPIPE);
	no = posix_spawnattr_setsigmask(attr, &mask);
	if (no == 0)
		no = posix_spawnattr_setsigdefault(attr, &normal);
	if (no == 0)
		no = posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	return no;
}

/* fd becomes the child's at; its other end is /dev/null, unless it prints.  All else is closed on exec but what the tool itself was given. */
static int spawn(const struct ks_child *child, pid_t *pid, char *const argv[], int fd, int at, int token)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	char room[4096];
	const char *path = ks_child_find(child->self ? NULL : CAT, room, sizeof(room));
	int no = posix_spawn_file_actions_init(&actions);

	if (no != 0)
		return no;
	no = posix_spawnattr_init(&attr);
	if (no == 0) {
		no = set_attributes(&attr);
		if (no == 0)
			no = posix_spawn_file_actions_adddup2(&actions, fd, at);
		if (no == 0 && !child->prints)
			no = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO + STDOUT_FILENO - at, "/dev/null", O_RDWR, 0);
		if (no == 0)	/* onto itself: without FD_CLOEXEC */
			no = posix_spawn_file_actions_adddup2(&actions, token, token);
		if (no == 0)
			no = path != NULL ? posix_spawn(pid, path, &actions, &attr, argv, environ) :
			    posix_spawnp(pid, argv[0], &actions, &attr, argv, environ);
		posix_spawnattr_destroy(&attr);
	}
	posix_spawn_file_actions_destroy(&actions);
	return no;
}

static int open_token(struct ks_children *k, struct ks_err *err)
{
	if (k->token >= 0 && (!k->serves || k->hands_on))
		return 0;
	/* A first half has children itself, and all of them tell of one failure. */
	k->hands_on = true;
	if (k->token < 0)
		k->token = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
	if (k->token < 0)
		return ks_fail_errno(err, KS_TEMP, errno, "cannot make an eventfd");
	snprintf(variable, sizeof(variable), VARIABLE "=%d:%d", (int)getpid(), k->token);
	return putenv(variable) != 0 ? ks_fail_memory(err) : 0;
}

static int run(struct ks_children *k, struct ks_child *child, struct ks_args *c, int fd, int at, struct ks_err *err)
{
	int no = c->failed ? ENOMEM : spawn(child, &child->pid, c->argv, fd, at, k->token);

	ks_args_drop(c);
	close(fd);
	if (no == 0)
		return 0;
	child->pid = 0;
	if (no == ENOENT)
		return ks_fail(err, KS_UNAVAILABLE,
		    "there is no " CAT ", which reads and writes topics, beside this program or in PATH");
	return ks_fail_errno(err, KS_TEMP, no, "cannot run " CAT);
}

static int make_pipe(struct ks_children *k, int fd[2], struct ks_err *err)
{
	if (pipe2(fd, O_CLOEXEC) != 0)
		return ks_fail_errno(err, KS_TEMP, errno, "cannot make a pipe");
	return open_token(k, err);
}

int ks_children_source(struct ks_children *k, const struct ks_options *o, const struct ks_wants *wants, struct ks_err *err)
{
	struct ks_args c = { 0 };
	size_t i;
	int fd[2], counter, status = make_pipe(k, fd, err);
	char *behind = variable + strlen(variable);

	if (status != 0)
		return status;
	counter = ks_wanted_tell(&k->wanted, wants, behind, (size_t)(variable + sizeof(variable) - behind));
	ks_args_add(&c, CAT, NULL);
	for (i = 0; i < o->config.topic_count; i++)
		ks_args_topic(&c, "--in", o->config.topics[i]);
	ks_args_add(&c, "--to=frames", NULL);
	if (o->through != NULL)
		ks_args_second(&c, o);
	else
		ks_args_given(&c, o, KS_TO_SOURCE);
	if (o->replays) {
		ks_args_add(&c, "--order=global", NULL);
		ks_args_add(&c, "--exit-eof", NULL);
	}
	k->source.what = "reads";
	snprintf(k->source.name, sizeof(k->source.name), "kafka:%s%s", o->config.topics[0],
	    o->config.topic_count > 1 ? " ..." : "");
	if (o->through != NULL && (k->input = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1)) < 0)
		c.failed = true;
	status = run(k, &k->source, &c, fd[1], STDOUT_FILENO, err);
	ks_wanted_told(counter, behind);
	if (status == 0 && dup2(fd[0], STDIN_FILENO) < 0)
		status = ks_fail_errno(err, KS_TEMP, errno, "cannot read from " CAT);
	close(fd[0]);
	/* Of --through the first half ends first, and this one then. */
	if (k->source.pid > 0 && o->through == NULL)
		ks_signals_pass(k->source.pid);
	return status;
}

int ks_children_sink(struct ks_children *k, const struct ks_options *o, int *fd, struct ks_err *err)
{
	struct ks_args c = { 0 };
	const struct ks_given *g;
	int both[2], status = make_pipe(k, both, err);

	if (status != 0)
		return status;
	ks_args_add(&c, CAT, NULL);
	ks_args_topic(&c, "--out", o->config.out_topic);
	ks_args_given(&c, o, KS_TO_SINK);
	for (g = o->given; g < o->given + o->given_count; g++)
		k->sink.prints = k->sink.prints || strcmp(g->option->name, "verify") == 0;
	k->sink.what = "writes";
	snprintf(k->sink.name, sizeof(k->sink.name), "kafka:%s", o->config.out_topic);
	*fd = both[1];
	return run(k, &k->sink, &c, both[0], STDIN_FILENO, err);
}

static void await(struct ks_child *child);
static bool died(const struct ks_child *child, struct ks_err *err);

int ks_children_ask(struct ks_children *k, const struct ks_options *o, const char *const words[], struct ks_buf *out,
    struct ks_err *err)
{
	struct ks_child child = { .what = "asks", .name = "Kafka" };
	struct ks_args c = { 0 };
	int fd[2], no, status = make_pipe(k, fd, err);

	if (status != 0)
		return status;
	ks_args_add(&c, CAT, NULL);
	ks_args_reach(&c, o);
	for (; *words != NULL; words++)
		ks_args_add(&c, *words, NULL);
	status = run(k, &child, &c, fd[1], STDOUT_FILENO, err);
	no = status == 0 ? ks_buf_read(out, fd[0]) : 0;
	close(fd[0]);
	await(&child);
	if (no != 0)
		return ks_fail_errno(err, KS_TEMP, no, "cannot read what Kafka answers");
	if (status == 0 && child.ended != 0 && WIFEXITED(child.ended))
		return ks_fail(err, WEXITSTATUS(child.ended), "Kafka has not answered");	/* it has told why */
	if (status == 0 && child.ended != 0)
		(void)died(&child, err);
	return status == 0 && child.ended != 0 ? err->status : status;
}

int ks_children_through(struct ks_children *k, const struct ks_options *o, const char *const words[],
    struct ks_err *err)
{
	struct ks_args c = { 0 };
	int fd = k->input, status = open_token(k, err);

	if (status != 0)
		return status;
	ks_args_add(&c, o->name, NULL);
	ks_args_first(&c, o);
	for (; *words != NULL; words++)
		ks_args_add(&c, *words, NULL);
	k->first.what = "writes";
	k->first.self = true;
	snprintf(k->first.name, sizeof(k->first.name), "kafka:%s", o->through);
	k->input = -1;
	setenv(KS_THROUGH, "1", 1);
	status = run(k, &k->first, &c, fd, STDIN_FILENO, err);
	unsetenv(KS_THROUGH);
	if (k->first.pid > 0)
		ks_signals_pass(k->first.pid);
	return status;
}

/* A property may be a secret: ps shows it no longer, as with the children's own (kafka-config.h). */
void ks_children_hide(const struct ks_children *k, const struct ks_options *o)
{
	const struct ks_given *g;
	char *eq;

	if (k->source.pid <= 0 && k->sink.pid <= 0 && k->feeds[KS_FEED_ON].pid <= 0)
		return;
	for (g = o->given; g < o->given + o->given_count; g++) {
		eq = g->shown != NULL ? strchr(g->shown, '=') : NULL;
		if (eq != NULL)
			memset(eq + 1, '*', strlen(eq + 1));
	}
}

/* --- how it ends --- */

/* Whoever finds the token taken puts back what it says.  A token that fails, as it hardly can, is nobody's. */
static bool take_token(int token, uint64_t mine, uint64_t *said)
{
	uint64_t x = 0;

	*said = 0;
	if (read(token, &x, sizeof(x)) != sizeof(x))
		return errno != EAGAIN;	/* EAGAIN: another process has it in its hands; else two lines rather than none */
	if (x != 1)
		*said = mine = x;
	if (write(token, &mine, sizeof(mine)) != sizeof(mine))
		return true;
	return x == 1;
}

bool ks_children_first(struct ks_children *k, int status)
{
	uint64_t said;

	if (k->turn == 0)
		k->turn = k->token < 0 || take_token(k->token, 2 + (uint64_t)status, &said) ? 1 : -1;
	return k->turn > 0;
}

static void await(struct ks_child *child)
{
	pid_t got;

	if (child->pid <= 0)
		return;
	do
		got = waitpid(child->pid, &child->ended, 0);
	while (got < 0 && errno == EINTR);
	if (got < 0)	/* who ran this program has told the system to forget children */
		child->ended = 0;
	child->pid = 0;
}

/* It failed without a word: killed, or not able to begin. */
static bool died(const struct ks_child *child, struct ks_err *err)
{
	int status = WEXITSTATUS(child->ended);

	if (WIFSIGNALED(child->ended))
		ks_fail(err, KS_TEMP, "the " CAT " that %s %s was killed by signal %d", child->what, child->name,
		    WTERMSIG(child->ended));
	else if (status != 0 && status != KS_TEMP)
		ks_fail(err, KS_TEMP, "the " CAT " that %s %s ended with status %d", child->what, child->name, status);
	else
		return false;
	return true;
}

/* --verify has printed that a copy is not exact. */
static bool said_no(const struct ks_child *child)
{
	return child->prints && WIFEXITED(child->ended) && WEXITSTATUS(child->ended) == KS_NO;
}

int ks_children_ended(struct ks_children *k, bool *ended, bool *paused, struct ks_err *err)
{
	int how = 0;
	pid_t got = waitpid(k->first.pid, &how, WNOHANG);

	*ended = got != 0;
	if (!*ended)
		return 0;
	k->first.ended = got < 0 ? 0 : how;
	k->first.pid = 0;
	*paused = WIFEXITED(k->first.ended) && WEXITSTATUS(k->first.ended) == KS_NO;
	if (*paused)
		k->first.ended = 0;
	if (k->first.ended == 0)
		return 0;
	ks_fail(err, WIFEXITED(k->first.ended) ? WEXITSTATUS(k->first.ended) : KS_TEMP, "the first half has failed");
	(void)died(&k->first, err);
	return err->status;
}

/* args: what it is told; they go. */
static int run_feed(struct ks_children *k, const char *input, enum ks_child_feed which, struct ks_args *args, int *fd, struct ks_err *err)
{
	struct ks_child *child = &k->feeds[which];
	int both[2], status = make_pipe(k, both, err);

	if (status != 0) {
		ks_args_drop(args);
		return status;
	}
	child->what = "reads";
	snprintf(child->name, sizeof(child->name), "%s", input);
	*fd = k->feed_fds[which] = both[0];
	status = run(k, child, args, both[1], STDOUT_FILENO, err);
	if (status != 0)
		close(both[0]);
	return status;
}

static int feed_topic(struct ks_children *k, const char *topic, enum ks_child_feed which, struct ks_args *args, int *fd, struct ks_err *err)
{
	char name[sizeof(k->feeds[which].name)];

	snprintf(name, sizeof(name), "kafka:%s", topic);
	ks_args_add(args, "--in", name);
	return run_feed(k, name, which, args, fd, err);
}

int ks_children_feed(struct ks_children *k, const struct ks_options *o, const char *topic, enum ks_child_feed which, int *fd,
    struct ks_err *err)
{
	struct ks_args c = { 0 };

	ks_args_add(&c, CAT, NULL);
	ks_args_feed(&c, o, which == KS_FEED_WHOLE);
	return feed_topic(k, topic, which, &c, fd, err);
}

int ks_children_feed_log(struct ks_children *k, const struct ks_options *o, const char *topic, const char *partitions, int *fd,
    struct ks_err *err)
{
	struct ks_args c = { 0 };

	ks_args_add(&c, CAT, NULL);
	ks_args_log(&c, o, partitions);
	return feed_topic(k, topic, KS_FEED_WHOLE, &c, fd, err);
}

int ks_children_feed_input(struct ks_children *k, const struct ks_options *o, const char *input, int *fd, struct ks_err *err)
{
	struct ks_args c = { 0 };

	ks_args_add(&c, CAT, NULL);
	ks_args_input(&c, o, input);
	return run_feed(k, input, KS_FEED_WHOLE, &c, fd, err);
}

int ks_children_fed(struct ks_children *k, enum ks_child_feed which, struct ks_err *err)
{
	struct ks_child *child = &k->feeds[which];

	close(k->feed_fds[which]);
	await(child);
	if (child->ended == 0)
		return 0;
	if (!died(child, err))
		ks_fail(err, KS_TEMP, "the " CAT " that reads %s has failed", child->name);
	return err->status;
}

static int drain(int fd)
{
	char bytes[4096];
	ssize_t got;

	do
		got = read(fd, bytes, sizeof(bytes));
	while (got > 0 || (got < 0 && errno == EINTR));
	return got < 0 ? errno : 0;
}

/* They are asked to end; after a failure nobody reads what they have to say until then. */
static int end_feeds(struct ks_children *k, int status, struct ks_err *err)
{
	int i, no = 0;

	for (i = 0; i < KS_FEEDS; i++) {
		if (k->feeds[i].pid <= 0)
			continue;
		kill(k->feeds[i].pid, SIGTERM);
		if (status == 0)
			no = drain(k->feed_fds[i]);
		if (no != 0)
			status = ks_fail_errno(err, KS_IO, no, "cannot read from the " CAT " that reads %s", k->feeds[i].name);
		close(k->feed_fds[i]);
		await(&k->feeds[i]);
	}
	return status;
}

/* The source reads on for ever, and is asked to end when all is read; the first half may wait for others. */
static void end_through(struct ks_children *k, int status)
{
	int i;

	if (status == 0 && k->source.pid > 0) {
		kill(k->source.pid, SIGTERM);
		(void)drain(STDIN_FILENO);
	}
	if (k->first.pid <= 0)
		return;
	kill(k->first.pid, SIGTERM);
	for (i = 0; i < THROUGH_MS / 20 && waitpid(k->first.pid, &k->first.ended, WNOHANG) == 0; i++)
		poll(NULL, 0, 20);
	if (i == THROUGH_MS / 20) {
		kill(k->first.pid, SIGKILL);
		await(&k->first);
	}
	k->first.pid = 0;
}

bool ks_children_end(struct ks_children *k, int *status, struct ks_err *err)
{
	uint64_t said = 0;
	bool first = *status != 0 && ks_children_first(k, *status), well;

	if ((k->serves && k->source.what == NULL && k->sink.what == NULL) || k->token < 0)
		return first;
	if (k->first.what != NULL)
		end_through(k, *status);
	/* It has nobody to read it any more, and need not wait for its next write to find out. */
	if (*status != 0 && k->source.pid > 0)
		kill(k->source.pid, SIGTERM);
	ks_signals_pass(0);
	*status = end_feeds(k, *status, err);
	if (k->source.what != NULL)
		close(STDIN_FILENO);
	await(&k->source);
	await(&k->sink);
	well = k->source.ended == 0 && k->feeds[KS_FEED_WHOLE].ended == 0 && k->feeds[KS_FEED_ON].ended == 0;
	if (*status == 0 && well && said_no(&k->sink)) {
		*status = KS_NO;
		return false;
	}
	if (*status == 0 && well && k->sink.ended == 0)
		return false;
	if (ks_children_first(k, *status != 0 ? *status : KS_TEMP)) {
		if ((*status == 0 || *status == KS_TEMP) && (died(&k->source, err) || died(&k->feeds[KS_FEED_WHOLE], err) ||
		    died(&k->feeds[KS_FEED_ON], err) || died(&k->sink, err)))
			*status = err->status;
		return true;
	}
	if (take_token(k->token, 1, &said) || said < 2)
		said = 2 + KS_TEMP;
	*status = (int)(said - 2);
	return false;
}
