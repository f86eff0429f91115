/* SPDX-License-Identifier: MIT */
/*
 * run-changelog.h - --changelog TOPIC: changes of a tool's state go downstream as
 * side records, so that they are in the transaction of their epoch, and another
 * process can have the state from there.
 *
 * A record: route TOPIC, no time, the partition of the state (what stands under
 * -1 goes to 0), and as bytes
 *
 *	key	partition (32 bits) and segment (64 bits), big endian with the sign
 *		turned, then the key of the store
 *	value	that of the store, and 64 bits, big endian, of a hash of it and
 *		of the key; nil: the key is gone
 *
 * A key of the partition alone: its changelog begins here, whatever is before
 * it; nil, there is nothing (kafka-empty.c); else the value is what the state was made with (store.h, fingerprint), and the
 * header "__kstream.partitions" says how many the topic is to have.  Compaction
 * keeps the last of each key, and so what is needed.  kstream-state(5) has this.
 *
 * Functions that return int return 0 or a ks_status with run->err filled.
 */
#ifndef KS_RUN_CHANGELOG_H
#define KS_RUN_CHANGELOG_H

#include "op.h"
#include "store.h"

#define KS_CHANGELOG_HEAD 12	/* bytes of a key before the store's */

/* --changelog TOPIC, for the hook option: KS_USAGE where that cannot be a topic. */
int	ks_changelog_option(struct ks_run *run, const char *value) KS_MUST_USE;

/*
 * ks_changelog_words - what HELLO, in the hook of that name, tells of partitions.
 *
 *	words	freed by the caller; NULL where it does not tell: then a
 *		changelog is refused (KS_CONFIG)
 */
int	ks_changelog_words(struct ks_run *run, struct ks_store_word **words, size_t *count) KS_MUST_USE;

/* A store that was just opened, by words: its changes go downstream from now on. */
void	ks_changelog_begin(struct ks_run *run, struct ks_store *s);

/* A key that is one: of which partition of a state, and what is behind; segment and rest are not set where it begins one (*begins). */
bool	ks_changelog_key(struct ks_bytes key, int32_t *partition, bool *begins, int64_t *segment, struct ks_bytes *rest) KS_MUST_USE;

/*
 * Behind what an epoch has changed of a partition: segment KS_STORE_META, this key, and
 * as value run and epoch of the commit, 64 bits each, big endian.  So a topic that was
 * left out for a while is known; it is no entry of the state.
 */
#define KS_CHANGELOG_COMMIT "\0commit"
bool	ks_changelog_is_commit(int64_t segment, struct ks_bytes rest, struct ks_bytes value, int64_t *run, int64_t *epoch) KS_MUST_USE;

/*
 * Take the hash off a value; false: it is not that of key.  What a tool makes of its
 * values it does not check again, and whoever else writes to the topic is seen here.
 */
bool	ks_changelog_unseal(struct ks_bytes key, struct ks_bytes *value) KS_MUST_USE;

/* The partition of the topic that has one of a state. */
static inline int32_t ks_changelog_place(int32_t partition)
{
	return partition < 0 ? 0 : partition;
}

void	ks_changelog_close(struct ks_run *run);	/* none is allowed */

#endif
