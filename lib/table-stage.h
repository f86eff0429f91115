/* SPDX-License-Identifier: MIT */
/*
 * table-stage.h - kstream-table behind its command line: what is asked for,
 * and what is kept; table-event.c has what is about a database's change events.
 */
#ifndef KS_TABLE_STAGE_H
#define KS_TABLE_STAGE_H

#include "cdc.h"
#include "future.h"
#include "hold.h"
#include "op.h"
#include "regroup.h"

enum ks_truncate { KS_TRUNCATE_FAIL, KS_TRUNCATE_IGNORE, KS_TRUNCATE_CLEAR };

struct ks_table_stage {
	/* in */
	bool changes, only, dump, every, versioned, cdc;
	enum ks_truncate truncate;
	const char *load;	/* a file of envelopes, NULL: none */
	bool groups;		/* regroup is open */
	int64_t history_ms;	/* of versioned */
	struct ks_future future;
	size_t memory;		/* --memory; 0: not given */
	struct ks_hold hold;	/* its room: wait_ms, max_records */
	struct ks_regroup regroup;

	/* its own */
	struct ks_store *store;	/* NULL: none is open */
	struct ks_table t;
	struct ks_json json;
	struct ks_buf plain, key, row, out;
	bool finished;		/*: the input was complete; what comes is another one */
};

/* As the hooks of op.h. */
int	ks_table_stage_open(struct ks_table_stage *st, struct ks_run *run) KS_MUST_USE;
int	ks_table_stage_hello(struct ks_table_stage *st, struct ks_run *run) KS_MUST_USE;
void	ks_table_stage_expect(struct ks_table_stage *st, const struct ks_rec *rec, bool found);
int	ks_table_stage_record(struct ks_table_stage *st, struct ks_run *run, struct ks_rec *rec) KS_MUST_USE;
int	ks_table_stage_mark(struct ks_table_stage *st, struct ks_run *run, struct ks_mark *m) KS_MUST_USE;
int	ks_table_stage_barrier(struct ks_table_stage *st, struct ks_run *run, const struct ks_barrier *b) KS_MUST_USE;
int	ks_table_stage_query(struct ks_table_stage *st, struct ks_query *q, struct ks_err *err) KS_MUST_USE;
int	ks_table_stage_finish(struct ks_table_stage *st, struct ks_run *run) KS_MUST_USE;
void	ks_table_stage_close(struct ks_table_stage *st);	/* zeroed is allowed */

/* table-query.c: the same of a table alone. */
int	ks_table_query(struct ks_table *t, struct ks_query *q, struct ks_err *err) KS_MUST_USE;

/* Between its files. */

int	ks_table_no_memory(struct ks_run *run);

/* rec cannot be processed for what wrong says. */
int	ks_table_reject(struct ks_run *run, const struct ks_rec *rec, const char *what, const char *wrong) KS_MUST_USE;

/* A row is now so: into the table, and its change out, with what else rec says.  key: as state knows it. */
int	ks_table_stage_take(struct ks_table_stage *st, struct ks_run *run, struct ks_table_part *part, struct ks_rec *rec,
	    struct ks_bytes key, const struct ks_row *row) KS_MUST_USE;

/*
 * ks_table_event_read - the event that is the value of rec makes rec what it
 * does to a row; *done: there is nothing left to do.
 */
int	ks_table_event_read(struct ks_table_stage *st, struct ks_run *run, struct ks_table_part *part, struct ks_rec *rec,
	    struct ks_cdc_event *e, bool *done) KS_MUST_USE;

/* The same for what only the row as it was can say of it. */
int	ks_table_event_compare(struct ks_table_stage *st, struct ks_run *run, const struct ks_table_part *part,
	    struct ks_bytes key, struct ks_rec *rec, const struct ks_cdc_event *e, bool *done) KS_MUST_USE;

/* Read the rows of a file of envelopes, and hand them to put. */
int	ks_table_load(struct ks_run *run, const char *path, int (*put)(void *arg, struct ks_run *run, struct ks_rec *rec),
	    void *arg) KS_MUST_USE;

#endif
