/* SPDX-License-Identifier: MIT */
/* loop-text.h - JSON lines in and out in one process: no frames in between. */
#ifndef KS_LOOP_TEXT_H
#define KS_LOOP_TEXT_H

#include "loop.h"

/* Whether the command line and the tool allow it. */
bool	ks_loop_text_ready(const struct ks_frame_loop *loop);

/* Run it: 0, or a status with loop->err filled. */
int	ks_loop_text_run(struct ks_frame_loop *loop) KS_MUST_USE;

#endif
