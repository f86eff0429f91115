/* SPDX-License-Identifier: MIT */
/* loop-impl.h - what loop.c, which knows sections and their ends, and loop-records.c, which knows what is in them, ask of one another. */
#ifndef KS_LOOP_IMPL_H
#define KS_LOOP_IMPL_H

#include "loop.h"

/* loop.c: all return 0, or a status with loop->err filled. */
int	ks_loop_protocol_error(struct ks_frame_loop *loop, const char *what);
/* A frame that is no record; raw: all of it. */
int	ks_loop_frame(struct ks_frame_loop *loop, int type, struct ks_bytes payload, struct ks_bytes raw) KS_MUST_USE;
/* -c on frames from upstream: enough was read, and this tool ends the section itself. */
int	ks_loop_end_here(struct ks_frame_loop *loop) KS_MUST_USE;

/* loop-records.c */
/* Before the first chunk: where the source can give records without frames, it is told to. */
int	ks_loop_take_records(struct ks_frame_loop *loop) KS_MUST_USE;
/* All whole frames of the source's chunk; source->used and need say what is left of it. */
int	ks_loop_consume(struct ks_frame_loop *loop) KS_MUST_USE;

#endif
