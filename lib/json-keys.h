/* SPDX-License-Identifier: MIT */
/*
 * json-keys.h - repeated keys of an object that is being packed.
 *
 * An object whose keys all stood in the same slots of struct ks_json
 * before, where they were found to differ, needs no look at them.  Any
 * other has its keys noted.
 */
#ifndef KS_JSON_KEYS_H
#define KS_JSON_KEYS_H

#include "json.h"

struct ks_keys {
	uint64_t slots;		/* whose keys were met again, a bit each */
	uint64_t a, b;		/* of the noted keys: two Bloom filters of 64 bits */
	size_t noted;		/* bytes of j->keys before this object's */
	bool noting;		/* every key so far is noted */
	bool twice;		/* two of them may be equal */
};

/*
 * All return 0 or ENOMEM.
 *
 *	base	start of the document's output: what keys are noted relative to
 *	content	start of the object's members in it
 *	o	its end so far, between two members
 */

/* Begin to note, with the keys written so far. */
int	ks_keys_begin(struct ks_json *j, struct ks_keys *k, const unsigned char *base,
	    const unsigned char *content, const unsigned char *o) KS_MUST_USE;

/* Note a key that was written at `at`; text is without its head, and 8 bytes can be read at it. */
int	ks_keys_note(struct ks_json *j, struct ks_keys *k, struct ks_bytes text, size_t at) KS_MUST_USE;

/* The slot has another key than before. */
void	ks_keys_changed(struct ks_json *j, unsigned slot);

/*
 * The object is whole: of equal keys keep the last value, in the first
 * one's place.  *o and *count change with what goes.  known: the first
 * key's slot, all keys' slots are in k->slots, or UINT_MAX.
 */
int	ks_keys_finish(struct ks_json *j, struct ks_keys *k, unsigned char *base,
	    unsigned char *content, unsigned char **o, uint32_t *count, unsigned known) KS_MUST_USE;

#endif
