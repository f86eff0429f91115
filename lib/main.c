/* SPDX-License-Identifier: MIT */
/* main.c - ks_main: what happens around the loop, the same for every tool. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "run-changelog.h"
#include "child.h"
#include "endpoint.h"
#include "loop-text.h"
#include "loop.h"
#include "op.h"
#include "signals.h"

struct tool {
	const struct ks_op *op;
	struct ks_options options;
	struct ks_frame_loop loop;
	struct ks_children children;
};

static int set_own(void *arg, unsigned at, const char *value)
{
	struct tool *t = arg;

	return t->op->option(t->loop.st, &t->loop.run, at, value);
}

/* Options, then what the tool takes of the operands, then files. */
static int read_command_line(struct tool *t, int argc, char *argv[])
{
	struct ks_frame_loop *l = &t->loop;
	struct ks_options *o = &t->options;
	int status, used = 0, first;

	*o = (struct ks_options){
		.name = t->op->name, .synopsis = t->op->synopsis, .purpose = t->op->purpose,
		.own = t->op->options, .replays = t->op->replays, .may_be_empty = t->op->may_be_empty, .refuse = t->op->refuse,
		.set = set_own, .arg = t,
	};
	l->run.limits = &o->config.limits;
	status = ks_options_parse(o, argc, argv, &l->err);
	if (status != 0 || o->help || o->version)
		return status;
	l->run.stage = o->config.stage;
	l->run.config = &o->config;
	o->config.wanted = t->children.wanted.left_out != NULL ? &t->children.wanted : NULL;
	first = o->first;
	if (t->op->operands != NULL)
		status = t->op->operands(l->st, &l->run, argc - first, argv + first, &used);
	if (status == 0)
		status = ks_options_files(o, argc - first - used, argv + first + used, &l->err);
	o->asks_kafka = l->run.asks_kafka;
	o->config.also_read = l->run.also_read;
	o->through = l->run.through;
	if (status == 0)
		status = ks_options_check(o, &l->err);
	return status == 0 ? ks_only_open(l) : status;
}

/*
 * Before an output is touched: all inputs are there, and none of them is
 * the output itself, which would eat it or never end.
 */
static int check_inputs(struct ks_frame_loop *l, int out)
{
	const struct ks_config *c = l->config;
	struct stat to = { 0 }, from;
	size_t i;

	if (c->out_topic == NULL && fstat(out, &to) != 0)
		return ks_fail_errno(&l->err, KS_IO, errno, "cannot write to %s", c->out != NULL ? c->out : "stdout");
	for (i = 0; i < c->in_count; i++) {
		if (strcmp(c->in[i], "-") == 0 ? fstat(STDIN_FILENO, &from) : stat(c->in[i], &from))
			return ks_fail_errno(&l->err, KS_NOINPUT, errno, "cannot open '%s'", c->in[i]);
		if (ks_same_file(&to, &from))
			return ks_fail(&l->err, KS_USAGE, "'%s' is input and output at once", c->in[i]);
	}
	if (c->also_read != NULL && stat(c->also_read, &from) == 0 && ks_same_file(&to, &from))
		return ks_fail(&l->err, KS_USAGE, "'%s' is read and output at once", c->also_read);
	if (c->in_count == 0 && fstat(STDIN_FILENO, &from) == 0 && ks_same_file(&to, &from))
		return ks_fail(&l->err, KS_USAGE, "stdin is input and output at once");
	l->out.is_file = c->out != NULL && S_ISREG(to.st_mode);
	return 0;
}

/* The output is a topic, and a kstream-cat writes it. */
static int open_child_sink(struct tool *t)
{
	struct ks_frame_loop *l = &t->loop;
	int fd = -1, status = check_inputs(l, -1);

	if (status == 0)
		status = ks_children_sink(&t->children, &t->options, &fd, &l->err);
	ks_signals_pipe(false);
	if (status == 0)
		status = ks_sink_frames(l->config, fd, &l->sink, &l->err);
	if (l->sink != NULL)
		l->sink->name = t->children.sink.name;
	/* Or the child, which is waited for, would wait for its input to end. */
	if (fd >= 0 && (l->sink == NULL || l->sink->out.fd != fd))
		close(fd);
	return status;
}

static int open_sink(struct tool *t)
{
	struct ks_frame_loop *l = &t->loop;
	struct ks_config *c = &t->options.config;
	int fd = STDOUT_FILENO, status;

	if (t->op->endpoints != NULL && t->op->endpoints->sink != NULL) {
		status = t->op->endpoints->sink(l->st, c, &l->sink, &l->err);
		if (status != 0 || l->sink != NULL)
			return status;
	}
	if (c->out_topic != NULL)
		return open_child_sink(t);
	if (c->out != NULL) {
		status = ks_signals_open_out(c->out, 0, "", &fd, &l->err);
		if (status != 0)
			return status;
	}
	status = check_inputs(l, fd);
	if (status != 0)
		return status;
	if (!c->to_given && isatty(fd))
		c->to = KS_JSON;
	if (c->to == KS_FRAMES && isatty(fd))
		return ks_fail(&l->err, KS_USAGE, "frames are not for a terminal: --to json shows them");
	if (c->topics_in && c->to != KS_FRAMES)
		ks_signals_pipe_late();
	else
		ks_signals_pipe(c->to != KS_FRAMES);
	if (c->to == KS_FRAMES)
		return ks_sink_frames(c, fd, &l->sink, &l->err);
	return ks_sink_text(c, fd, &l->sink, &l->err);
}

/* Who reads topics for this tool is told what it will drop, unless what goes between them is to be seen. */
static int open_child_source(struct tool *t)
{
	struct ks_frame_loop *l = &t->loop;
	struct ks_wants wants;
	bool knows = t->op->wants != NULL && l->only_count == 0 && l->config->verbose < 2 && t->op->wants(l->st, &wants);
	int status = ks_children_source(&t->children, &t->options, knows ? &wants : NULL, &l->err);

	if (status == 0)
		status = ks_source_frames(l->config, l->wake, &l->source, &l->err);
	if (l->source != NULL)
		l->source->name = t->children.source.name;
	l->left_out = t->children.wanted.left_out;
	return status;
}

static int open_source(struct tool *t)
{
	struct ks_frame_loop *l = &t->loop;
	struct ks_config *c = &t->options.config;
	int status;

	if (t->op->endpoints != NULL && t->op->endpoints->source != NULL) {
		status = t->op->endpoints->source(l->st, c, l->wake, &l->source, &l->err);
		if (status != 0 || l->source != NULL)
			return status;
	}
	if (c->topics_in)
		return open_child_source(t);
	if (c->in_count == 0 && !c->from_given && isatty(STDIN_FILENO))
		return ks_fail(&l->err, KS_USAGE, "nothing to read: name a file, or pipe something in (try %s --help)", c->program);
	if (c->from == KS_FRAMES && (c->time_expr != NULL || c->time_wall || c->key_expr != NULL))
		return ks_fail(&l->err, KS_USAGE, "--time and --key are for text and topics, frames bring their own: for text add --from json, or another format");
	if (c->from == KS_FRAMES && c->unwrap)
		return ks_fail(&l->err, KS_USAGE, "--unwrap is for JSON and topics: --from json reads it");
	if (c->from == KS_FRAMES && c->idle_ms > 0)
		return ks_fail(&l->err, KS_USAGE, "--idle is for text and topics: of frames, whoever reads the source knows when it is silent");
	if (c->from == KS_FRAMES && ks_config_merges(c))
		return ks_fail(&l->err, KS_USAGE, "--order %s is for text and topics: frames stay as they come", ks_config_order(c));
	if (t->op->replays && c->in_count > 1)
		c->order = KS_ORDER_GLOBAL;
	if (c->from == KS_FRAMES && t->op->replays && c->in_count > 0)
		return ks_source_recorded(c, l->wake, &l->source, &l->err);
	if (c->from == KS_FRAMES)
		return ks_source_frames(c, l->wake, &l->source, &l->err);
	return ks_source_text(c, l->wake, &l->source, &l->err);
}

/*
 * A shell may start us with stdin, stdout or stderr closed.  Whatever is
 * opened next would stand in their place: so something does that fails
 * when it is used, as a closed descriptor should.
 */
static void fill_standard_fds(void)
{
	int fd;

	for (fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF &&
		    open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
			abort();
}

static int run(struct tool *t)
{
	struct ks_frame_loop *l = &t->loop;
	bool text, answered = false;
	int status;

	status = ks_signals_open(&l->wake, &l->err);
	l->run.wake = l->wake;
	if (status == 0 && t->op->endpoints != NULL && t->op->endpoints->answer != NULL) {
		status = t->op->endpoints->answer(l->st, &t->options.config, &answered, &l->err);
		if (answered)
			return status;
	}
	if (status == 0)
		status = ks_reject_open(&l->reject, l->config, &l->err);
	if (status == 0 && l->answers && l->config->on_error == KS_POLICY_DLQ)
		return ks_fail(&l->err, KS_USAGE, "--on-error dlq needs an output to send dead letters to; file:PATH does not");
	if (status == 0 && l->answers && l->config->out_topic != NULL)
		return ks_fail(&l->err, KS_USAGE, "an answer goes to stdout, not to --out kafka:%s", l->config->out_topic);
	if (l->answers)
		t->options.config.to = KS_JSON;	/* no output: the tool may read text as text */
	else if (status == 0)
		status = open_sink(t);
	if (status == 0)
		status = ks_beside_check(&l->reject.out.file, l->config, &l->err);
	if (status == 0)
		status = ks_loop_open_serve(l);
	if (status == 0)
		status = ks_loop_watch_reader(l);
	if (status == 0 && t->op->open != NULL)
		status = t->op->open(l->st, &l->run);
	if (status != 0)
		return status;
	text = ks_loop_text_ready(l) && (t->op->text_ready == NULL || t->op->text_ready(l->st, &l->run));
	if (text) {
		status = ks_loop_text_run(l);
	} else {
		status = open_source(t);
		ks_children_hide(&t->children, &t->options);
		if (status == 0)
			status = ks_loop_run(l);
		if (status == KS_DATA && l->source != NULL && l->source->blame != NULL)
			l->source->blame(l->source, &l->err);
	}
	if (status == 0 && t->op->answer != NULL)
		status = t->op->answer(l->st, &l->run);
	return status;
}

/* Nothing that was written may be lost unseen: also not by the last write of stdio. */
static int close_output(struct ks_frame_loop *l, int status)
{
	struct ks_err first = l->err;

	if (l->sink != NULL && l->sink->flush(l->sink, &l->err) != 0 && status == 0)
		status = l->err.status;
	else if (status != 0)
		l->err = first;
	if (l->sink != NULL && l->sink->give_up != NULL && status != 0)
		l->sink->give_up(l->sink);
	if ((fflush(stdout) != 0 || ferror(stdout)) && status == 0)
		return ks_fail_errno(&l->err, KS_IO, errno, "cannot write to stdout");
	if (status == 0)
		status = ks_reject_finish(&l->reject, &l->err);
	if (l->sink != NULL && l->sink->out.fd >= 0 && close(l->sink->out.fd) != 0 && status == 0)
		return ks_fail_errno(&l->err, KS_IO, errno, "cannot close %s", l->sink->name);
	return status;
}

static void report(struct tool *t, int status, bool began, bool say)
{
	struct ks_frame_loop *l = &t->loop;
	bool stop;

	ks_loop_look(l, &stop);
	if (l->config->progress && status == 0 && !l->run.uncounted)
		ks_stats_progress(&l->stats, l->op->name, true);
	if (status == 0 && l->warning[0] != '\0' && !l->config->quiet)
		ks_say(l->op->name, l->warning);
	if (status == 0 && l->sink != NULL && l->sink->warning[0] != '\0' && !l->config->quiet)
		ks_say(l->op->name, l->sink->warning);
	if (l->config->verbose > 0 && began && !l->run.uncounted)
		ks_stats_summary(&l->stats, l->op->name);
	if (say)
		ks_say(l->op->name, l->err.text);
}

int ks_main(const struct ks_op *op, int argc, char *argv[])
{
	struct tool t = { .op = op };
	struct ks_frame_loop *l = &t.loop;
	int status, sig;
	bool no, began, say;

	ks_signals_begin();
	fill_standard_fds();
	ks_children_begin(&t.children);
	l->op = op;
	l->config = &t.options.config;
	l->out.committer = -1;
	l->run = (struct ks_run){ .err = &l->err, .loop = l, .children = &t.children, .options = &t.options };
	l->reject.out.file.fd = -1;
	l->wake = l->reader = -1;
	ks_stats_start(&l->stats);
	l->st = calloc(1, op->size > 0 ? op->size : 1);
	status = l->st == NULL ? ks_fail_memory(&l->err) :
	    read_command_line(&t, argc, argv);
	began = status == 0;
	if (status == 0 && (t.options.help || t.options.version)) {
		(t.options.help ? ks_options_help : ks_options_version)(&t.options);
		status = close_output(l, 0);
		began = false;
	} else if (status == 0) {
		status = run(&t);
		if (status != 0)	/* before the others see a pipe close */
			(void)ks_children_first(&t.children, status);
		status = close_output(l, status);
	}
	say = ks_children_end(&t.children, &status, &l->err) && !ks_signals_broken();
	report(&t, status, began, say);
	ks_loop_close_serve(l);
	if (op->close != NULL && l->st != NULL)
		op->close(l->st, &l->run);
	ks_changelog_close(&l->run);
	no = l->no;
	ks_loop_release(l);
	ks_options_release(&t.options);
	if (status != 0 && ks_signals_broken())
		ks_signals_raise(SIGPIPE);
	sig = ks_signals_end();
	/* TERM is how a supervisor asks for an end, HUP a terminal that goes: done.  INT is a person at a shell, which wants to see it. */
	if (status == 0 && sig == SIGINT && !t.children.serves)
		ks_signals_raise(sig);
	return status != 0 ? status : no ? KS_NO : 0;
}
