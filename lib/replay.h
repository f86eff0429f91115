/* SPDX-License-Identifier: MIT */
/*
 * replay.h - what kstream-replay does with records that come merged by time:
 * puts what is late back into order, keeps a recording, waits until each is due.
 *
 * T is the greatest time that has come.  A record that is older than T - D
 * (--reorder D) when it comes is late; the others are held until their own
 * time is less than T - D, or all has come, and leave by (time, topic, partition,
 * offset).  So the output depends on the input alone.
 */
#ifndef KS_REPLAY_H
#define KS_REPLAY_H

#include "lanes.h"
#include "letter.h"
#include "op.h"
#include "recording.h"
#include "sorter.h"

enum ks_replay_late { KS_REPLAY_PASS, KS_REPLAY_DROP, KS_REPLAY_ROUTE, KS_REPLAY_FILE };

struct ks_replay {
	/* as the options say */
	bool reorders;
	int64_t reorder_ms;
	double speed;			/* 0: as fast as it goes */
	enum ks_replay_late late;
	bool late_given;
	const char *late_to;
	bool ranged, shows;		/* --since or --until is given; --progress, where times say how much is done */
	int64_t since_ms, until_ms;	/* of the range; 0 and the present where they are not given */
	const char *record;		/* NULL: nothing is kept */
	size_t memory;			/* 0: the default */

	struct ks_run *run;
	bool merged;			/* HELLO has said it */
	bool stopped;			/* a signal has come: nothing more goes out */

	/* replay-order.c */
	struct ks_sorter sorter;
	int64_t now_ms;			/* T; INT64_MIN: none has come */
	int64_t bound_ms;		/* T - D */
	struct ks_lanes lanes;
	struct ks_buf frame;
	struct ks_letters letters;	/* --late, and the mark of one that passes */
	uint64_t late_count;

	/* replay-pace.c */
	bool paced;			/* a record with a time has gone */
	int64_t first_ms;		/* its time; */
	int64_t start_ms, clock_ms;	/* ks_clock_ms when it went, and as it was looked at last */

	struct ks_recorder recorder;
};

/* --reorder, --speed and --late from their values: 0, KS_USAGE. */
int	ks_replay_reorder(struct ks_replay *r, const char *value, struct ks_err *err) KS_MUST_USE;
int	ks_replay_speed(struct ks_replay *r, const char *value, struct ks_err *err) KS_MUST_USE;
int	ks_replay_late(struct ks_replay *r, const char *value, struct ks_err *err) KS_MUST_USE;

/* After them all, before what they say of topics is handed on to who reads these: the range, for what is told of it. */
void	ks_replay_range(struct ks_replay *r, const struct ks_config *c);

/* It is over, and no record has come: say so, and why. */
void	ks_replay_tell_empty(const struct ks_replay *r);

/* Once r->run is set. */
int	ks_replay_open(struct ks_replay *r) KS_MUST_USE;
void	ks_replay_close(struct ks_replay *r);

/* A section begins: names of its streams are the order of its topics. */
int	ks_replay_hello(struct ks_replay *r) KS_MUST_USE;
/* --reorder: hold rec, or say that it is late; and let go what is due. */
int	ks_replay_hold(struct ks_replay *r, struct ks_rec *rec) KS_MUST_USE;
/* The input has ended: what is held goes out. */
int	ks_replay_release(struct ks_replay *r) KS_MUST_USE;

/* It is rec's turn: it is waited for, kept and emitted. */
int	ks_replay_emit(struct ks_replay *r, const struct ks_rec *rec) KS_MUST_USE;
/* A signal has come: nothing more goes out, and the stream ends paused. */
void	ks_replay_stop(struct ks_replay *r);
/* Until a record of that time is due, or a signal comes: 0, or a status. */
int	ks_replay_wait(struct ks_replay *r, int64_t time_ms) KS_MUST_USE;

#endif
