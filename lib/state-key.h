/* SPDX-License-Identifier: MIT */
/*
 * state-key.h - a key as state knows it: equal keys are equal bytes.
 */
#ifndef KS_STATE_KEY_H
#define KS_STATE_KEY_H

#include "buf.h"
#include "value.h"

/*
 * ks_state_key - the key of a record that has been parsed, packed minimally:
 * a foreign program may have packed a short string or a number long.  plain
 * borrows from key or from room, whose maximum is twice that of a key.  0,
 * ENOMEM, EMSGSIZE.  Within arrays and objects the bytes are as they came.
 */
int	ks_state_key_pack(struct ks_buf *room, struct ks_bytes key, struct ks_bytes *plain) KS_MUST_USE;

static inline int KS_MUST_USE ks_state_key(struct ks_buf *room, struct ks_bytes key, struct ks_bytes *plain)
{
	unsigned char c = *key.p;

	*plain = key;
	/* One byte of header, or a container. */
	return KS_LIKELY(c < 0xc4 || c >= 0xe0 || (c >= 0xdc && c <= 0xdf)) ? 0 : ks_state_key_pack(room, key, plain);
}

#endif
