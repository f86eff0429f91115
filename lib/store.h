/* SPDX-License-Identifier: MIT */
/*
 * store.h - keyed state: partition, segment, key -> value.
 *
 * A segment is a number the caller gives a meaning that grows with time (a
 * window's start), so that old state is dropped segment by segment, at the
 * cost of its blocks and not of its entries.  Keys and values are bytes;
 * a value is changed in place, once it was put.
 *
 * A store is durable, then its files are those of kstream-state(5), or lives
 * as long as its process; it, and what one epoch changes of it, may be many
 * times larger than the memory that it is given.
 *
 * After a failure a store can only be closed.  What calls without an error
 * of their own meet on disk (drop, a scan) makes the next commit fail.
 *
 * Memory: an entry costs its key, its value and about 36 bytes, at most 45.
 *
 * Functions that return int return 0 or a ks_status with err filled.
 */
#ifndef KS_STORE_H
#define KS_STORE_H

#include "frame.h"

struct ks_store;

#define KS_STORE_MEMORY ((size_t)256 << 20)	/* --memory, where it is not given */

/* ks_store_open - an empty store, all in memory.  seed: any number that input cannot know (hash.h).  close may follow a failure. */
int	ks_store_open(struct ks_store **s, uint64_t seed, struct ks_err *err) KS_MUST_USE;
void	ks_store_close(struct ks_store *s);	/* NULL is allowed */

/* What the caller has kept of a partition is not what it has put: KS_CONFIG. */
int	ks_store_damaged(int32_t partition, struct ks_err *err);

#define KS_STORE_NEWEST (-1)

/* The last commit of an input's partition before this run, as HELLO tells of it (hello-parts.h). */
struct ks_store_word {
	struct ks_bytes input;	/* for messages */
	int32_t partition;
	int64_t epoch, run;	/* epoch 0: there was none */
	struct ks_bytes owner;	/* whose it was: "0/2", "anna"; n == 0 where that is not told */
	bool ours;		/* that is who we are now, whatever the layout was */
};

struct ks_store_config {
	uint64_t seed;		/* as above */
	size_t memory;		/* bytes that it may hold in memory; 0: KS_STORE_MEMORY */
	const char *state_dir;	/* NULL: nothing outlives the store; what memory cannot hold goes to a temporary file */
	const char *app, *stage;	/* with state_dir: its directory is STATE_DIR/APP/INSTANCE/STAGE */
	const char *owner;	/* the instance (owner.h) */
	int64_t run, epoch;	/* of HELLO: the epoch that is committed */
	/*
	 * By partition, each once: those of the section.  A state is then good for
	 * a partition only where its last commit is the one that it has seen, and
	 * what else there is goes.  NULL: HELLO does not tell.
	 */
	const struct ks_store_word *words;
	size_t word_count;
	const char *changelog;	/* with words: where what it lacks can be had from; NULL: nowhere, it is refused */
	/*
	 * What must not change while there is state: lines "--option value\n",
	 * each beginning with a word that no other line begins with.
	 */
	const char *fingerprint;
	/*
	 * Look at it alone, as of epoch: nothing of it is changed or rolled back, and
	 * fingerprint, run are those that it has.  Takes the fingerprint; NULL: it is
	 * to be used.  epoch KS_STORE_NEWEST: as of its last barrier, of which not all
	 * need be committed.
	 */
	struct ks_buf *at_rest;
};

/*
 * ks_store_open_at - a store as it stood at config->epoch.  A state that has
 * gone on since is rolled back to it, one that has not come so far is refused
 * (KS_CONFIG), as is one of another fingerprint or version, a damaged one,
 * and one that lacks although epochs were committed; KS_TEMP: another process
 * has it.  With state_dir NULL as ks_store_open, but for the bound of memory.
 */
int	ks_store_open_at(struct ks_store **s, const struct ks_store_config *config, struct ks_err *err)
	    KS_MUST_USE;

/*
 * With a changelog: the smallest partition above after (begin with -2) that is
 * to be restored; false: there is none.  While there is one, put and delete
 * take what the changelog has of it, which goes to disk once, and then
 * ks_store_restored ends that: the state stands at config->epoch, durable.  A
 * process that dies before leaves a state that lacks those partitions yet.
 */
bool	ks_store_wants(const struct ks_store *s, int64_t after, int32_t *partition);
int	ks_store_restored(struct ks_store *s, struct ks_err *err) KS_MUST_USE;

/* With a changelog that is not told anything yet: the smallest partition above after that it is going to begin; false: there is none. */
bool	ks_store_begins(const struct ks_store *s, int64_t after, int32_t *partition);

/* Forget all of a partition that is being restored. */
void	ks_store_forget(struct ks_store *s, int32_t partition);

/* What a changelog says it was made with is what we are: else KS_CONFIG with the difference. */
int	ks_store_check_changelog(struct ks_store *s, struct ks_bytes fingerprint, struct ks_err *err) KS_MUST_USE;

/* A partition that is being restored ends in its changelog with the epoch of the run that its word tells of: else KS_CONFIG. */
int	ks_store_check_told(const struct ks_store *s, int32_t partition, int64_t run, int64_t epoch, struct ks_err *err) KS_MUST_USE;

/*
 * What a changelog is told, before the commit that makes it durable here
 * returns: of a partition of which it has nothing yet that it begins, with all
 * that there is (where that is much, of one at each commit); then whatever has changed, what was deleted and what stood in
 * a dropped segment included.  Told in the midst of put, delete, drop and
 * commit; they make no call to the store.  A status ends the commit.
 */
struct ks_store_log {
	int (*begin)(void *arg, int32_t partition, struct ks_bytes fingerprint, struct ks_err *err);
	int (*change)(void *arg, int32_t partition, int64_t segment, struct ks_bytes key,
	    const struct ks_bytes *value, struct ks_err *err);	/* value NULL: it is gone */
	int (*commit)(void *arg, int32_t partition, int64_t run, int64_t epoch, struct ks_err *err);	/* that was all of it; NULL: not told */
	void *arg;
};
void	ks_store_log(struct ks_store *s, const struct ks_store_log *log);	/* of a store with a changelog */

/*
 * ks_store_commit - what has changed since the last barrier is durable when
 * it returns; without state_dir, a time to let go of memory.  Call it at each
 * barrier, before that goes on.  b->committed says which epochs no restart
 * will go below: until then their old values are kept.  What else is to be
 * done is left to the first change behind it: what put gave dies with it.
 */
int	ks_store_commit(struct ks_store *s, const struct ks_barrier *b, struct ks_err *err) KS_MUST_USE;

/*
 * The facts of a partition itself, such as how far its time has come, stand
 * in a segment of their own: neither oldest nor next_segment tells of it.
 */
#define KS_STORE_META INT64_MIN

/*
 * A value where it stands: p is aligned to 8 and valid for n bytes until the
 * next get, put, delete, drop or close.  What put gave may be written; what
 * get and scans gave is for reading alone: a change would not be kept.
 */
struct ks_store_value {
	unsigned char *p;	/* NULL: there is none */
	size_t n;
};

/*
 * ks_store_expect - a key is looked up or put soon, after other work: what
 * memory has of it is fetched meanwhile.  found false: where a search for it
 * begins; true, some work behind that: what it comes to.  Of several keys this
 * takes as long as of one.  It changes nothing.  _again: where the last key was
 * put or looked up.
 */
void	ks_store_expect(const struct ks_store *s, int32_t partition, int64_t segment, struct ks_bytes key, bool found);
void	ks_store_expect_again(const struct ks_store *s, struct ks_bytes key, bool found);

int	ks_store_get(struct ks_store *s, int32_t partition, int64_t segment, struct ks_bytes key,
	    struct ks_store_value *v, struct ks_err *err) KS_MUST_USE;

/*
 * ks_store_put - find the value, or make one of zeroed bytes, and see to it
 * that it is n bytes long or longer: what is there stays, new bytes are zero.
 * key is copied.
 */
int	ks_store_put(struct ks_store *s, int32_t partition, int64_t segment, struct ks_bytes key,
	    size_t n, struct ks_store_value *v, struct ks_err *err) KS_MUST_USE;

/* Forget a key; none is no error. */
int	ks_store_delete(struct ks_store *s, int32_t partition, int64_t segment, struct ks_bytes key,
	    struct ks_err *err) KS_MUST_USE;

/* The smallest segment of a partition; false: it holds nothing. */
bool	ks_store_oldest(const struct ks_store *s, int32_t partition, int64_t *segment);

/* The smallest segment above after; false: there is none.  A segment that has lost its last key may still be there. */
bool	ks_store_next_segment(const struct ks_store *s, int32_t partition, int64_t after, int64_t *segment);

/* The smallest partition above after that has anything, facts included; begin with -2.  false: there is none. */
bool	ks_store_next_partition(const struct ks_store *s, int64_t after, int32_t *partition);

/* Forget a segment and all its entries; none is no error. */
void	ks_store_drop(struct ks_store *s, int32_t partition, int64_t segment);

/*
 * A scan of one segment in the order of its keys' bytes.  Begin it, take
 * entries until next says false, end it; meanwhile no other call may be made.
 */
struct ks_store_scan {
	struct ks_key_item *items;
	size_t n, at;
	struct ks_store_scan_base *base;	/* NULL: nothing is on disk */
};

int	ks_store_scan_begin(struct ks_store *s, int32_t partition, int64_t segment,
	    struct ks_store_scan *scan, struct ks_err *err) KS_MUST_USE;
bool	ks_store_scan_next(struct ks_store_scan *scan, struct ks_bytes *key,
	    struct ks_store_value *v);
void	ks_store_scan_end(struct ks_store_scan *scan);

#endif
