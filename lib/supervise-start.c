/* SPDX-License-Identifier: MIT */
/* supervise-start.c - programs, with pipes between them. */
#include "supervise-impl.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "fdio.h"

/* What a program is started with; -1: ours. */
struct place {
	char *const *argv;
	int in, out, said;
	pid_t parent, group;
	int report;		/* takes the errno, where there is one; closes where it runs */
};

/* Signals as they would be had a shell started it: systemd, for one, has us ignore SIGPIPE; SIGXFSZ is ignored by ks_signals_begin. */
static void normal_signals(void)
{
	static const int caught[] = { SIGINT, SIGHUP, SIGTERM, SIGUSR1, SIGALRM };
	struct sigaction old;
	sigset_t none;
	size_t i;

	for (i = 0; i < sizeof(caught) / sizeof(caught[0]); i++)
		if (sigaction(caught[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
			signal(caught[i], SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGXFSZ, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* In the child: all descriptors but 0, 1 and 2 are closed on exec. */
static _Noreturn void become(const struct place *x)
{
	char room[4096];
	bool tool = strncmp(x->argv[0], "kstream-", 8) == 0 && strchr(x->argv[0], '/') == NULL;
	const char *path = tool ? ks_child_find(x->argv[0], room, sizeof(room)) : NULL;
	int no;

	setpgid(0, x->group);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == x->parent && dup2(x->in, STDIN_FILENO) >= 0 &&
	    (x->out < 0 || dup2(x->out, STDOUT_FILENO) >= 0) && (x->said < 0 || dup2(x->said, STDERR_FILENO) >= 0)) {
		normal_signals();
		if (path != NULL)
			execv(path, x->argv);
		else
			execvp(x->argv[0], x->argv);
	}
	no = errno;
	_exit(ks_write_all(x->report, ks_bytes(&no, sizeof(no))) == 0 ? 127 : KS_TEMP);
}

/* A signal that comes before the child has put its handlers away would be lost in them. */
static pid_t fork_blocked(void)
{
	sigset_t all, before;
	pid_t pid;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	pid = fork();
	if (pid != 0)
		sigprocmask(SIG_SETMASK, &before, NULL);
	return pid;
}

/* 0 once it runs, else an errno. */
static int run(struct place *x, pid_t *pid)
{
	int fd[2], no = 0;
	ssize_t got;

	if (pipe2(fd, O_CLOEXEC) != 0)
		return errno;
	x->report = fd[1];
	x->parent = getpid();
	*pid = fork_blocked();
	if (*pid == 0)
		become(x);
	if (*pid < 0)
		no = errno;
	else	/* so that it is in the group, whoever of the two comes first */
		setpgid(*pid, x->group > 0 ? x->group : *pid);
	close(fd[1]);
	while (*pid > 0 && (got = read(fd[0], &no, sizeof(no))) < 0 && errno == EINTR)
		;
	close(fd[0]);
	if (no == 0)
		return 0;
	if (*pid > 0)
		waitpid(*pid, NULL, 0);
	*pid = 0;
	return no;
}

static int cannot(struct ks_err *err, const char *name, int no)
{
	int status = no == ENOENT || no == EACCES || no == ENOEXEC || no == ENOTDIR || no == E2BIG || no == ELOOP || no == ENAMETOOLONG ?
	    KS_CONFIG : KS_TEMP;

	return ks_fail_errno(err, status, no, "cannot run '%.100s'", name);
}

/* Where the words have the name of the instance, room has it instead, with its number. */
static void put_name(char **argv, const struct ks_pipeline_stage *stage, uint32_t at, char *room, size_t n)
{
	static const char option[] = "--instance=";
	const char *name = ks_pipeline_option(stage, "instance"), *braces = name != NULL ? strstr(name, "{}") : NULL;
	size_t i;

	if (braces == NULL)
		return;
	for (i = 1; i < stage->argc; i++) {
		if (argv[i] != name && argv[i] + sizeof(option) - 1 != name)
			continue;
		snprintf(room, n, "%s%.*s%u%s", argv[i] == name ? "" : option, (int)(braces - name), name, (unsigned)at, braces + 2);
		argv[i] = room;
		return;
	}
}

/* The words of a stage; those with an app are told which instance they are of. */
static char **make_argv(const struct ks_supervise *plan, const struct ks_pipeline_stage *stage, uint32_t at, char *room, size_t n)
{
	char **argv = calloc(stage->argc + 2, sizeof(*argv));
	bool told = plan->instances > 0 && !plan->named && ks_pipeline_option(stage, "app") != NULL;

	if (argv == NULL)
		return NULL;
	snprintf(room, n, "--instance=%u/%u", (unsigned)at, (unsigned)plan->instances);
	argv[0] = stage->argv[0];
	argv[1] = room;
	memcpy(argv + 1 + told, stage->argv + 1, (stage->argc - 1) * sizeof(*argv));
	argv[stage->argc + told] = NULL;
	if (plan->named)
		put_name(argv, stage, at, room, n);
	return argv;
}

/* fd: of a pipe, [0] to be read; both -1 where it is not wanted. */
static int open_pipe(bool wanted, int fd[2])
{
	fd[0] = fd[1] = -1;
	return !wanted || pipe2(fd, O_CLOEXEC) == 0 ? 0 : errno;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

/* *in: where it reads from; then where the next one does. */
static int start_stage(struct ks_supervisor *s, struct ks_instance *in, size_t at, int *input, struct ks_err *err)
{
	const struct ks_pipeline_stage *words = &s->plan->pipeline->stages[at];
	struct ks_stage *stage = &in->stages[at];
	char room[KS_SUPERVISE_NAME + 32], **argv = make_argv(s->plan, words, (uint32_t)(in - s->instances), room, sizeof(room));
	int out[2] = { -1, -1 }, said[2] = { -1, -1 }, no;
	struct place x;

	if (argv == NULL)
		return ks_fail_memory(err);
	no = open_pipe(at + 1 < s->plan->pipeline->count, out);
	if (no == 0)
		no = open_pipe(s->count > 1, said);
	x = (struct place){ .argv = argv, .in = *input, .out = out[1], .said = said[1], .group = in->group };
	if (no == 0)
		no = run(&x, &stage->pid);
	free(argv);
	close(*input);
	close_fd(out[1]);
	close_fd(said[1]);
	*input = out[0];
	if (no != 0) {
		close_fd(said[0]);
		return cannot(err, words->argv[0], no);
	}
	if (in->group == 0)
		in->group = stage->pid;
	stage->said = said[0];
	if (stage->said >= 0)
		fcntl(stage->said, F_SETFL, O_NONBLOCK);
	stage->told = stage->killed = false;
	in->alive++;
	return 0;
}

int ks_supervise_start(struct ks_supervisor *s, struct ks_instance *in, struct ks_err *err)
{
	int input = open("/dev/null", O_RDONLY | O_CLOEXEC), status = 0;
	size_t i;

	in->group = 0;
	in->alive = 0;
	if (input < 0)
		return ks_fail_errno(err, KS_TEMP, errno, "cannot open /dev/null");
	for (i = 0; i < s->plan->pipeline->count && status == 0; i++) {
		in->reason = i;	/* should it fail */
		status = start_stage(s, in, i, &input, err);
	}
	close_fd(input);
	if (status == 0)
		return 0;
	if (in->alive > 0)
		kill(-in->group, SIGKILL);
	for (i = 0; i < s->plan->pipeline->count; i++) {
		if (in->stages[i].pid > 0)
			waitpid(in->stages[i].pid, NULL, 0);
		in->stages[i].pid = 0;
		ks_supervise_pass(s, in, &in->stages[i], true);
	}
	in->alive = 0;
	in->group = 0;
	return status;
}
