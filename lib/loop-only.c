/* SPDX-License-Identifier: MIT */
/*
 * loop-only.c - --only: which streams a tool works on.
 *
 * A name that is misspelt would let everything pass in silence.  Who makes a
 * stream from text or topics knows all of its names, so there it is refused.
 * Frames may bring routes that no HELLO tells of, so there the end shows.
 */
#include "loop.h"

#include <stdio.h>
#include <stdlib.h>

#include "signals.h"

int ks_only_open(struct ks_frame_loop *l)
{
	const char *p = l->config->only;
	size_t n;

	if (p == NULL)
		return 0;
	l->only = calloc(strlen(p) + 1, sizeof(*l->only));
	if (l->only == NULL)
		return ks_fail_memory(&l->err);
	for (;; p += n + 1) {
		n = strcspn(p, ",");
		l->only[l->only_count++].name = ks_bytes(p, n);
		if (p[n] == '\0')
			return 0;
	}
}

bool ks_knows_streams(const struct ks_run *run)
{
	return run->loop->source->stop != NULL && run->config->from != KS_ENVELOPE && run->config->from != KS_FRAMES;
}

int ks_only_hello(struct ks_frame_loop *l, const struct ks_hello_view *h)
{
	bool complete = ks_knows_streams(&l->run);
	char streams[200];
	struct ks_only *x;

	for (x = l->only; x < l->only + l->only_count; x++) {
		x->known |= ks_hello_has_stream(h, x->name);
		if (x->known || !complete)
			continue;
		ks_hello_streams(h, streams, sizeof(streams));
		return ks_fail(&l->err, KS_CONFIG, "--only '%.*s': the input has no such stream, but %s",
		    (int)x->name.n, (const char *)x->name.p, streams);
	}
	return 0;
}

bool ks_only_has(struct ks_frame_loop *l, const struct ks_rec *rec)
{
	struct ks_bytes name = ks_rec_stream(rec);
	struct ks_only *x;

	for (x = l->only; x < l->only + l->only_count; x++) {
		if (ks_bytes_eq(name, x->name)) {
			x->known = true;
			return true;
		}
	}
	return l->only_count == 0;
}

void ks_only_end(struct ks_frame_loop *l)
{
	struct ks_only *x;

	/* What was not read to its end has shown nothing. */
	if (l->stats.in == 0 || l->config->count >= 0 || ks_signals_end() != 0)
		return;
	for (x = l->only; x < l->only + l->only_count; x++) {
		if (!x->known && l->warning[0] == '\0')
			snprintf(l->warning, sizeof(l->warning), "no record was of the stream '%.*s' that --only names",
			    x->name.n < 100 ? (int)x->name.n : 100, (const char *)x->name.p);
	}
}
