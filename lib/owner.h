/* SPDX-License-Identifier: MIT */
/*
 * owner.h - which instance of an app owns a partition, or a directory: "I/N" of
 * a fixed layout (--instance I/N), or the NAME of a member of a group.
 *
 * An owner is text wherever it is kept, in what Kafka keeps and in HELLO; a
 * name begins with a letter, so that the two are told apart.
 */
#ifndef KS_OWNER_H
#define KS_OWNER_H

#include "bytes.h"

#define KS_OWNER_MAX 100u		/* bytes of one */
#define KS_OWNER_ROOM (KS_OWNER_MAX + 1)
#define KS_INSTANCES_LIMIT 10000	/* N of I/N, at most */

/* A letter, then letters, digits, '_', '-'; up to KS_OWNER_MAX bytes.  No dot: one ends the app in a transactional id (kafka-txn.h). */
bool	ks_owner_is_name(struct ks_bytes text);

/* "I/N", with I from 0 to N-1, as ks_owner_print writes it or with more zeros. */
bool	ks_owner_layout(struct ks_bytes text, uint32_t *instance, uint32_t *instances);
void	ks_owner_print(char room[KS_OWNER_ROOM], uint32_t instance, uint32_t instances);

/* Either of the two. */
bool	ks_owner_is(struct ks_bytes text);

/* The name of its directory below DIR/APP: I, which N does not change, or NAME.  owner is one. */
void	ks_owner_directory(char room[KS_OWNER_ROOM], const char *owner);

/* Whether that is such a name: I as it is written, or a name. */
bool	ks_owner_is_directory(const char *name);

/* Whether both have the same directory, and with it the same state. */
bool	ks_owner_same_place(const char *a, const char *b);

#endif
