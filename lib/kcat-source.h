/* SPDX-License-Identifier: MIT */
/*
 * kcat-source.h - messages as kcat -P reads them, as a stream of frames:
 * what stands between delimiters of stdin or, with -l, of files; or each
 * file as one message.  Empty messages and files are passed over.
 */
#ifndef KS_KCAT_SOURCE_H
#define KS_KCAT_SOURCE_H

#include "source.h"

struct ks_kcat_input {
	struct ks_bytes delim;		/* -D, not empty */
	struct ks_bytes key_delim;	/* -K; p == NULL: messages have no key */
	struct ks_bytes key;		/* -k: of messages without one; p == NULL: none */
	struct ks_bytes headers;	/* -H: msgpack array of [name, bin or nil] */
	bool lines;			/* -l: files are split, too */
	bool nulls;			/* -Z: an empty key or value is null */
	bool tee;			/* -T: messages go to stdout as well */
};

int	ks_source_kcat(const struct ks_kcat_input *input, const struct ks_config *config, int wake,
	    struct ks_source **src, struct ks_err *err) KS_MUST_USE;

/*
 * ks_kcat_is_stream - whether the input begins as a stream of frames does.
 * Nothing of it is consumed; of a pipe the first bytes are waited for.  A
 * pipe that ends before them counts as a stream that was cut off.
 *
 *	stream	out
 *
 * Several files, of which some are: KS_USAGE; one that cannot be opened:
 * KS_NOINPUT.
 */
int	ks_kcat_is_stream(const struct ks_config *config, int wake, bool *stream, struct ks_err *err)
	    KS_MUST_USE;

#endif
