/* SPDX-License-Identifier: MIT */
/* distance.h - how far a word is from one that there is, for messages that ask whether that was meant. */
#ifndef KS_DISTANCE_H
#define KS_DISTANCE_H

#include "bytes.h"

#define KS_DISTANCE_FAR 9u	/* of words of more than 15 bytes, which nobody mistypes so */

/*
 * ks_distance - letters to insert, delete, replace or swap with their
 * neighbour (no letter twice), until word is name, which is in lower
 * case; word's own case does not count.
 */
unsigned ks_distance(struct ks_bytes word, const char *name);

#endif
