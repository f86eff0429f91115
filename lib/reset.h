/* SPDX-License-Identifier: MIT */
/*
 * reset.h - an app is set back: where it stands, what it keeps on this host, and
 * the topics that it keeps things in.
 *
 * What is done, and in which order (kstream-reset(1)):
 *
 *	1  the plan is written, DIR/APP/reset.plan: while it is there no source of
 *	   the app begins on this host
 *	2  in Kafka each word of the ledger is put behind KS_RESET_WORD, by the id of
 *	   the owner that it names: zombies are fenced, and no run on any host begins
 *	3  the state goes, each by one rename
 *	4  topics are emptied
 *	5  the ledger: in Kafka in one transaction, or its files
 *	6  what was renamed is removed, and the plan
 *
 * Each of these can be done again.  That 2 is done the plan tells; who goes on
 * with it then finds by the run in the ledger whether 5 is, and does none of 3
 * and 4 again.
 */
#ifndef KS_RESET_H
#define KS_RESET_H

#include "ledger.h"

enum ks_reset_to {
	KS_RESET_BEGINNING,
	KS_RESET_END,
	KS_RESET_TIME,		/* the first record of that time, or later */
	KS_RESET_OFFSETS,	/* named, TOPIC/PARTITION@OFFSET */
	KS_RESET_STORED,	/* where it stands: only what it keeps is forgotten */
	KS_RESET_LAST_GOOD,	/* where it stands: what it keeps comes from changelogs again */
};

#define KS_RESET_STAYS (-1)

/* A partition of the input, or a file of it. */
struct ks_reset_part {
	char *input;
	int32_t partition;
	bool file, sink;	/* sink: no input, but where Kafka keeps the epoch of an app that reads files */
	int64_t now, to;	/* offsets; to KS_RESET_STAYS: now, whatever it is by then */
	int64_t low, high;	/* the log is [low, high); of a topic */
	char owner[KS_OWNER_ROOM];	/* who has claimed it; of a ledger file: its directory */
	bool released;		/* the owner has let go of it */
	bool marked;		/* by KS_RESET_WORD */
	int64_t epoch, run;	/* run: the last that has claimed it */
};

/* DIR/APP/INSTANCE. */
struct ks_reset_instance {
	char name[KS_OWNER_ROOM];
	struct ks_ledger ledger;	/* open and locked, unless it is live */
};

/* DIR/APP/INSTANCE/STAGE. */
struct ks_reset_state {
	size_t instance;
	char stage[KS_NAME_MAX + 1];
	char changelog[KS_NAME_MAX + 1];
	int lock;		/* -1: not held */
	int64_t epoch;
	uint64_t bytes;
	bool damaged;
};

struct ks_reset_topic {
	char *name;
	bool log;		/* a changelog of the app, else what it has written */
	bool named;		/* by the user, and not by a state */
	bool there;		/* it exists */
	bool compacted;		/* Kafka deletes nothing of it by offset: each key gets a tombstone */
	int32_t partitions;
	int64_t records;	/* offsets that it has; of a compacted one some are empty */
};

/* All zero bytes is none; text is its own. */
struct ks_reset {
	const struct ks_config *config;
	const char *app, *fork;	/* fork: the name of a new app, which begins there instead; NULL: none */
	char *home;		/* DIR/APP */
	int lock;		/* of it, 0: none */
	enum ks_reset_to to;
	int64_t time_ms;
	const char *offsets;	/* of KS_RESET_OFFSETS */
	char told[200];		/* the words for it */
	char *asked;		/* what was asked for, as options; of what was resumed, what was begun; NULL: an older plan does not tell */
	bool filed;		/* where it stands is in ledger files */
	bool in_kafka;		/* some of it is done there */
	bool resumed;		/* the plan was there */
	bool marked;		/* step 2 is done: no run can have begun since, but from the ledger as it is to be */
	bool done;		/* of what was resumed the ledger is done */
	int64_t run;		/* that the app has had, at most */
	int64_t final_run;	/* of the ledger as it will be */
	struct ks_reset_part *parts;
	size_t part_count;
	struct ks_reset_instance *instances;
	size_t instance_count;
	struct ks_reset_state *states;
	size_t state_count;
	struct ks_reset_topic *topics;
	size_t topic_count;
	struct ks_err live;	/* status 0: no process of the app was found */
};

/* Both copy what they are given; false: no memory. */
struct ks_reset_part *ks_reset_add_part(struct ks_reset *r, struct ks_bytes input, int32_t partition) KS_MUST_USE;
struct ks_reset_topic *ks_reset_add_topic(struct ks_reset *r, const char *name, bool log) KS_MUST_USE;	/* or the one that is there */
void	ks_reset_release(struct ks_reset *r);

/* What is asked for, into asked: the same for the same topics, in whichever order.  since: the text of --since, or NULL; false: no memory. */
bool	ks_reset_say(struct ks_reset *r, const char *since) KS_MUST_USE;

/* Whether the topic will lose its records: to go on where it stands the app needs its changelogs. */
static inline bool ks_reset_empties(const struct ks_reset *r, const struct ks_reset_topic *t)
{
	return t->there && t->records > 0 && !(t->log && r->to == KS_RESET_LAST_GOOD);
}

#define KS_RESET_SAID_LAST_GOOD "last-good"	/* of told */

/* --- reset-dirs.c: what is on this host --- */

/*
 * ks_reset_find - the instances of the app, locked from here on, their ledgers
 * and states.  A process that runs is in r->live.  KS_CONFIG: a state there is
 * that of another app.
 */
int	ks_reset_find(struct ks_reset *r, struct ks_err *err) KS_MUST_USE;

/* Take the lock of DIR/APP, which is made: KS_TEMP where another reset has it. */
int	ks_reset_lock(struct ks_reset *r, struct ks_err *err) KS_MUST_USE;

/* Steps 3, 5 (of files) and 6. */
int	ks_reset_states(struct ks_reset *r, struct ks_err *err) KS_MUST_USE;
int	ks_reset_ledgers(struct ks_reset *r, struct ks_err *err) KS_MUST_USE;
int	ks_reset_clean(struct ks_reset *r, struct ks_err *err) KS_MUST_USE;

/* Where an app that reads files is forked: ledgers of the new one. */
int	ks_reset_fork_ledgers(struct ks_reset *r, struct ks_err *err) KS_MUST_USE;

/* --- reset-plan.c --- */

/*
 * The plan that was begun, with r->resumed, onto the parts that were found; nothing
 * if there is none.  r->done says whether the ledger was found as it is to be.
 * KS_CONFIG: it is damaged, or other things are asked for than were then, plain
 * being false: plain asks for nothing of its own, and goes on with whatever it is.
 */
int	ks_reset_resume(struct ks_reset *r, bool plain, struct ks_err *err) KS_MUST_USE;

/*
 * ks_reset_replan - what r asks for takes the place of a plan that was begun, if
 * there is one, which is *given_up then.  Its changelogs are emptied with
 * those of r: the states that name them may be gone.  KS_CONFIG: it is damaged,
 * or what r needs for last-good may be gone.
 */
int	ks_reset_replan(struct ks_reset *r, bool *given_up, struct ks_err *err) KS_MUST_USE;
int	ks_reset_write(struct ks_reset *r, struct ks_err *err) KS_MUST_USE;

/* --- reset-show.c --- */

/* To stdout: a table of what is there and what will be. */
void	ks_reset_show(const struct ks_reset *r);

#endif
