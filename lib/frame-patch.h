/* SPDX-License-Identifier: MIT */
/* frame-patch.h - a record's place, changed in the frame that it came in. */
#ifndef KS_FRAME_PATCH_H
#define KS_FRAME_PATCH_H

#include "frame.h"

/*
 * ks_rec_move - give a record its flags and partition.  Where they take as
 * many bytes as before (numbers below 128), the frame is changed where it
 * stands and goes on uncopied; else rec->frame.p is NULL behind it.
 */
void	ks_rec_move(struct ks_rec *rec, uint32_t flags, int32_t partition);

/* Give it another key, in the same way: where it has as many bytes as the one it had. */
void	ks_rec_rekey(struct ks_rec *rec, struct ks_bytes key);

#endif
