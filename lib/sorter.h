/* SPDX-License-Identifier: MIT */
/*
 * sorter.h - records in the order of their keys' bytes, in bounded memory.
 *
 * Records are put in any order and taken smallest first; both may alternate.
 * Keys are ordered as ks_bytes_cmp does, records of equal keys as they were
 * put.  What memory has no room for goes to temporary files that have no name
 * any more, sorted, so that nothing is left of them whatever ends the process.
 *
 * What waits in memory stands in blocks that are freed when all in them was
 * taken; what is ordered are items of 16 bytes (ks_key_item), whose number is
 * the 8 bytes of the key behind those that all keys begin with.  Records that
 * come gather until one of them is due, or until there are many; they are
 * sorted then, and are a batch.  Batches and files go through one tournament.
 * Neighbours of like size become one, so there are few (timsort's rule for
 * batches, levels of 16 for files).
 *
 * A sorter that has failed is closed: nothing else may be asked of it.
 */
#ifndef KS_SORTER_H
#define KS_SORTER_H

#include "key-sort.h"

#define KS_SORTER_LIKE 256
#define KS_SORTER_SOURCES 192	/* 16 files on each of 8 levels, and batches: their sizes in binary fall, 2^63 at most */

/* A batch, or a file. */
struct ks_sorter_source {
	uint64_t prefix;		/* of the head */
	const unsigned char *head;	/* what is smallest of it (sorter.c); NULL: it is used up */
	struct ks_key_item *items;	/* a batch: from next to count; NULL: a file */
	size_t next, count;
	int fd;				/* a file: what was read and not used is p[start..end) */
	unsigned level;			/* 16 files of one level became one of the next */
	unsigned char *p;
	size_t start, end, cap;
};

struct ks_sorter_block;

struct ks_sorter {
	size_t memory;			/* bytes: what waits in memory takes up to 3/4 of it, reading files the rest */
	char *dir;
	unsigned char like[KS_SORTER_LIKE];	/* all keys begin with so much of it: */
	size_t skip;
	bool begun;			/* skip is known */
	unsigned shrunk;		/* so often it became less */
	size_t largest;			/* bytes of the largest record with its key */
	struct ks_sorter_block *blocks;	/* a place in it may be unused */
	uint32_t block_count, block_room;
	uint32_t block;			/* where the next record goes; UINT32_MAX: nowhere yet */
	uint32_t unused, kept;		/* chains: of places without memory, of those whose memory is for the next block */
	size_t kept_count, block_size;
	size_t held;			/* bytes of blocks in use, and of items */
	struct ks_key_item *fresh;	/* those that gather; twice the room, for the sort */
	size_t fresh_count, fresh_room, fresh_least;
	struct ks_sorter_source sources[KS_SORTER_SOURCES];	/* oldest first, files before batches */
	unsigned source_count, file_count;
	unsigned tree[KS_SORTER_SOURCES];	/* the tournament: its winner, then who has lost where */
	bool played;			/* it has been, and nothing was added since */
	bool lent;			/* what the winner has at its head was taken, and is to go */
	uint64_t waiting;		/* records */
	uint64_t spilled;		/* records that went to files, each as often as it did */
};

/*
 * ks_sorter_open - an empty one; all zero bytes may be closed, too.
 *
 *	memory	bytes it may take; below 1 MiB that
 *	dir	where files go; NULL: $TMPDIR, or else /tmp.  The first is made when it is needed
 */
int	ks_sorter_open(struct ks_sorter *s, size_t memory, const char *dir, struct ks_err *err) KS_MUST_USE;

/* Copies both.  0; KS_TEMP: no memory; KS_IO: no file can be made or written. */
int	ks_sorter_put(struct ks_sorter *s, struct ks_bytes key, struct ks_bytes record, struct ks_err *err) KS_MUST_USE;

/*
 * ks_sorter_take - the smallest, if its key is less than *below (NULL: whatever
 * it is).  1: in *key and *record, which die at the next call; 0: there is
 * none; -1: err says why.
 */
int	ks_sorter_take(struct ks_sorter *s, const struct ks_bytes *below, struct ks_bytes *key, struct ks_bytes *record,
	    struct ks_err *err) KS_MUST_USE;

/* For -v: how many records were written to files, and where those are; said dies with its struct. */
const char *ks_sorter_about(const struct ks_sorter *s, struct ks_err *said);

void	ks_sorter_close(struct ks_sorter *s);

#endif
