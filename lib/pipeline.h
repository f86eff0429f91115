/* SPDX-License-Identifier: MIT */
/*
 * pipeline.h - a pipeline as a line of text: programs and their words,
 * between bars.
 *
 * The words are those of sh(1): blanks between them, '...', "..." and \, and
 * comments from # on.  $NAME and ${NAME} are the value of a variable, one
 * word or a part of one whatever is in it, and a fault where it is not set.
 * All else that means something to a shell is a fault, and not taken as
 * text: nobody is to find out later that > was a word.  A line that ends
 * behind | or \ goes on with the next.
 */
#ifndef KS_PIPELINE_H
#define KS_PIPELINE_H

#include "buf.h"

struct ks_pipeline_stage {
	char **argv;		/* up to a NULL */
	size_t argc;		/* 1 or more */
};

/* All zero bytes is none. */
struct ks_pipeline {
	struct ks_pipeline_stage *stages;
	size_t count;
	struct ks_arena arena;	/* holds all of it */
};

/* Where it is wrong, from 1 on, the column in characters; and why. */
struct ks_pipeline_fault {
	size_t line, column;
	char text[200];
};

/*
 * ks_pipeline_parse - read one.
 *
 *	text	KS_PIPELINE_MAX bytes at most
 *	value	of a variable, NULL: it is not set; getenv(3)
 *
 * Returns 0, EINVAL (fault is filled), ENOMEM.  Release it in any case.
 */
int	ks_pipeline_parse(struct ks_pipeline *pipeline, struct ks_bytes text, char *(*value)(const char *name),
	    struct ks_pipeline_fault *fault) KS_MUST_USE;

/* What a stage of kstream is told by --NAME VALUE or --NAME=VALUE; NULL: it is not, or it is no tool of kstream. */
const char *ks_pipeline_option(const struct ks_pipeline_stage *stage, const char *name);

/* The last part of a stage's program, for people. */
const char *ks_pipeline_program(const struct ks_pipeline_stage *stage);

void	ks_pipeline_release(struct ks_pipeline *pipeline);

#endif
