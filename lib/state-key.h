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
int	ks_state_key(struct ks_buf *room, struct ks_bytes key, struct ks_bytes *plain) KS_MUST_USE;

#endif
