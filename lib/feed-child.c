/* SPDX-License-Identifier: MIT */
/* feed-child.c - what a kstream-cat brings. */
#include "feed-child.h"

#include <errno.h>

#include "signals.h"

#define WAIT_MS 200	/* signals are looked at so often */

int ks_feed_failed(const struct ks_feed *f, int no, struct ks_err *err)
{
	return ks_fail_errno(err, no == ENOMEM ? KS_TEMP : KS_IO, no, "cannot read from the kstream-cat that reads %s", f->name);
}

int ks_feed_open(const struct ks_feed *f, struct ks_in *in, int fd, struct ks_err *err)
{
	return ks_in_open(in, fd, f->limits->record + KS_CONTROL_MAX + KS_IO_SIZE) == 0 ? 0 : ks_fail_memory(err);
}

int ks_feed_piece(struct ks_feed *f, struct ks_in *in, struct ks_err *err)
{
	struct ks_bytes left;
	int no = ks_in_fill(in), status;

	if (no != 0)
		return ks_feed_failed(f, no, err);
	left = ks_bytes(in->p + in->start, in->end - in->start);
	status = ks_feed_take(f, &left, err);
	in->start = in->end - left.n;
	return status;
}

int ks_feed_until(struct ks_feed *f, struct ks_in *in, const bool *enough, struct ks_err *err)
{
	int no, status = 0;
	bool ready;

	while (status == 0 && !*enough && !in->eof) {
		no = ks_wait(in->fd, -1, WAIT_MS, &ready);
		if (no != 0)
			status = ks_feed_failed(f, no, err);
		else if (ready)
			status = ks_feed_piece(f, in, err);
		if (status == 0 && ks_signals_end() != 0)
			status = ks_fail(err, KS_TEMP, "a signal came before %s was read to its end", f->name);
	}
	return status;
}

int ks_feed_lost(const struct ks_feed *f, struct ks_children *children, enum ks_child_feed which, struct ks_err *err)
{
	int status = ks_children_fed(children, which, err);

	return status != 0 ? status : ks_fail(err, KS_TEMP, "the kstream-cat that reads %s has ended before its time", f->name);
}

int ks_feed_whole(struct ks_feed *f, struct ks_children *children, int fd, struct ks_err *err)
{
	struct ks_in in = { .fd = -1 };
	int status = ks_feed_open(f, &in, fd, err);

	if (status == 0)
		status = ks_feed_until(f, &in, &f->ended, err);
	ks_in_release(&in);
	if (status == 0 && !f->ended)
		return ks_feed_lost(f, children, KS_FEED_WHOLE, err);
	return status == 0 ? ks_children_fed(children, KS_FEED_WHOLE, err) : status;
}
