/* SPDX-License-Identifier: MIT */
/*
 * sink.h - where a tool's output goes: frames, text, or an endpoint of the
 * tool's own (Kafka).
 */
#ifndef KS_SINK_H
#define KS_SINK_H

#include "config.h"
#include "fdio.h"
#include "frame.h"
#include "hello.h"

struct ks_sink {
	/* A section begins.  raw is the whole frame.  Refuses (KS_CONFIG) what the sink cannot carry. */
	int (*hello)(struct ks_sink *s, const struct ks_hello_view *h, struct ks_bytes raw,
	    struct ks_err *err);
	int (*record)(struct ks_sink *s, const struct ks_rec *rec, struct ks_err *err);
	/*
	 * rec, which stands as it came, but for its value: where to write that,
	 * without a copy.  None: record takes it, made anew.  value: it was
	 * written, and ends there.  NULL: the sink does not know of this.
	 */
	struct ks_room (*room)(struct ks_sink *s, const struct ks_rec *rec);
	void (*value)(struct ks_sink *s, const unsigned char *end);
	/* count of them, as frames that lie one behind the other; where hops is set. */
	int (*run)(struct ks_sink *s, struct ks_bytes frames, uint64_t count, struct ks_err *err);
	/* MARK, PING and frames this version does not know; NULL: the sink has no use for them. */
	int (*frame)(struct ks_sink *s, struct ks_bytes raw, struct ks_err *err);
	/* All records before it must have left (text, frames) or be acknowledged (Kafka) when it returns. */
	int (*barrier)(struct ks_sink *s, const struct ks_barrier *b, struct ks_err *err);
	int (*end)(struct ks_sink *s, const struct ks_end *e, struct ks_err *err);
	/* What was gathered goes out: the input is about to block, or its memory to change (settle only). */
	int (*flush)(struct ks_sink *s, struct ks_err *err);
	int (*settle)(struct ks_sink *s, struct ks_err *err);
	/* Whether flush has something to do. */
	bool (*pending)(struct ks_sink *s);
	/* The output is a file that goes on behind what it holds, which is something.  NULL: that is nothing to it. */
	int (*resume)(struct ks_sink *s, struct ks_err *err);
	/* The run has failed: what is not out by now is lost, and counted.  NULL: nothing is known of it. */
	void (*give_up)(struct ks_sink *s);
	void (*close)(struct ks_sink *s);

	bool hops;		/* record looks at rec->frame alone, where it is set */
	bool commits;		/* the last process: its barriers go to the ledger */
	bool transacts;		/* they are transactions: where the source keeps its positions there, too, they need no ledger, else it is told beforehand */
	const char *name;	/* for messages */
	struct ks_out out;	/* of files and pipes */
	uint64_t lost;		/* main records it took that did not get out: of a broker that has not acknowledged them */
	char warning[200];	/* something to tell at the end, once; empty: nothing */
};

/* Writing failed with no: fills err.  A frame reader that died is KS_TEMP, a full disk KS_IO. */
int	ks_sink_failed(const struct ks_sink *s, int no, struct ks_err *err);

/* Frames, to s->out.  hop counts are this hop's own. */
int	ks_sink_frames(const struct ks_config *config, int fd, struct ks_sink **s,
	    struct ks_err *err) KS_MUST_USE;

/* Columns of csv or tsv: config->columns names them, or the first record does. */
struct ks_tsv;
struct ks_tsv *ks_tsv_new(const struct ks_config *config);
void	ks_tsv_free(struct ks_tsv *t);
/* Go on behind rows that are there, whose first line, without newline, names the columns.  NULL, or what is wrong. */
const char *ks_tsv_resume(struct ks_tsv *t, struct ks_bytes header) KS_MUST_USE;
/* The names, where --columns said them and no row did. */
const char *ks_tsv_end(struct ks_tsv *t, struct ks_buf *line) KS_MUST_USE;
/* Append the row of a record to line (before the first, the names).  NULL, or what is wrong. */
const char *ks_tsv_row(struct ks_tsv *t, const struct ks_rec *rec, struct ks_buf *line,
    char warning[200]) KS_MUST_USE;

/* --color: as others do, on a terminal that can, unless its user said otherwise (no-color.org). */
bool	ks_wants_color(const struct ks_config *config, int fd);

/* Text in config->to's format. */
int	ks_sink_text(const struct ks_config *config, int fd, struct ks_sink **s,
	    struct ks_err *err) KS_MUST_USE;

#endif
