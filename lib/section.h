/* SPDX-License-Identifier: MIT */
/*
 * section.h - HELLO, barriers and END of a source that makes its own
 * stream, and the ledger behind them.
 *
 * Call order: begin, then add whole records to the caller's buffer and
 * count them with ++s->hop, then end.  All frames go to that same buffer.
 */
#ifndef KS_SECTION_H
#define KS_SECTION_H

#include "config.h"
#include "hello.h"
#include "ledger.h"

#define KS_PING_MS 500		/* an idle source proves that its reader lives (protocol 3.2, 6) */

/* Who keeps where the app stands, in the place of the ledger's file: then the guarantee is exactly-once. */
struct ks_section_keeper {
	/* A new run begins: its number, and the epoch that it goes on from. */
	int (*claim)(void *arg, int64_t *run, int64_t *epoch, struct ks_err *err);
	/* The last epoch known committed. */
	int (*learn)(void *arg, int64_t *epoch, struct ks_err *err);
	void *arg;
};

struct ks_section {
	const struct ks_config *config;
	const struct ks_section_keeper *keeper;	/* NULL: the ledger's file, or nobody */
	int64_t run;
	bool full;		/* with a keeper: no barrier until others are known committed */
	int64_t still_ms;	/* how long a barrier may wait for something to be read; 0: it does not */
	bool moved;		/* with still_ms: something was read since the last barrier, also where no record came of it */
	int64_t epoch;		/* n of the last barrier */
	int64_t committed;	/* last epoch known committed */
	int64_t hop;		/* RECORD frames since the last barrier */
	struct ks_bytes group;	/* of barriers: msgpack, the caller's (kafka-member.h); n == 0: nil */
	int64_t barrier_due, ping_due;	/* ks_clock_ms */
	struct ks_ledger ledger;	/* with --app */
	const struct ks_buf *starts;	/* without a keeper: positions that the run begins at, for the ledger; NULL: as they stand there */
	bool done;
};

/*
 * ks_section_open - with --app: take the instance's lock and read the
 * ledger; positions of an input are then in s->ledger (ks_ledger_find).
 * keeper: as in the struct; it takes the place of the ledger, and not of the
 * lock.  KS_CONFIG where the app has a ledger although there is a keeper.
 */
int	ks_section_open(struct ks_section *s, const struct ks_config *config, const struct ks_section_keeper *keeper,
	    struct ks_err *err) KS_MUST_USE;

/* Claim the ledger for a new run and append HELLO; h has streams, positions, live; the rest is filled in. */
int	ks_section_begin(struct ks_section *s, struct ks_hello *h, struct ks_buf *b,
	    struct ks_err *err) KS_MUST_USE;

/* Whether a barrier is due; ms until it is, for a wait. */
bool	ks_section_due(const struct ks_section *s, int64_t now);

/* positions: msgpack array of [input, partition, offset]. */
int	ks_section_barrier(struct ks_section *s, enum ks_kind kind, struct ks_bytes positions,
	    struct ks_buf *b, struct ks_err *err) KS_MUST_USE;

/* A last barrier of that kind, and END. */
int	ks_section_end(struct ks_section *s, enum ks_kind kind, struct ks_bytes positions,
	    struct ks_buf *b, struct ks_err *err) KS_MUST_USE;

/* Called when the source has been idle: a PING when one is due.  *timeout_ms: how long to wait at most. */
int	ks_section_idle(struct ks_section *s, struct ks_buf *b, int *timeout_ms,
	    struct ks_err *err) KS_MUST_USE;

/* What has been committed by now, into s->committed; KS_TEMP where another run has taken over. */
int	ks_section_learn(struct ks_section *s, struct ks_err *err) KS_MUST_USE;

/* How a section ends when its input does: --end, or paused with --app, or complete. */
enum ks_kind ks_section_kind(const struct ks_config *config);

void	ks_section_close(struct ks_section *s);

#endif
