/* SPDX-License-Identifier: MIT */
/* table-load.c - the rows a table begins with: a file of envelopes, read by the source that reads such files. */
#include "table-stage.h"

#include "source.h"

static int load_frame(struct ks_run *run, struct ks_bytes payload, int (*put)(void *arg, struct ks_run *run, struct ks_rec *rec),
    void *arg)
{
	const char *wrong;
	struct ks_rec rec;

	wrong = ks_rec_parse(payload, run->limits, &rec);
	if (wrong != NULL)
		ks_bug("a record of ours does not parse");
	return put(arg, run, &rec);
}

/* The frames that are there. */
static int load_chunk(struct ks_source *src, struct ks_run *run,
    int (*put)(void *arg, struct ks_run *run, struct ks_rec *rec), void *arg)
{
	struct ks_bytes left = src->chunk, payload;
	size_t size, max = run->limits->record > KS_CONTROL_MAX ? run->limits->record : KS_CONTROL_MAX;
	int type, status = 0;

	while (status == 0 && left.n > 0 && ks_frame_split(left, max, &type, &payload, &size) == KS_FRAME_WHOLE) {
		if (type == KS_RECORD)
			status = load_frame(run, payload, put, arg);
		left = ks_bytes(left.p + size, left.n - size);
	}
	src->used = src->chunk.n - left.n;
	return status;
}

int ks_table_load(struct ks_run *run, const char *path, int (*put)(void *arg, struct ks_run *run, struct ks_rec *rec), void *arg)
{
	struct ks_config config = {
		.program = run->config->program, .limits = *run->limits, .in = &path, .in_count = 1, .from = KS_ENVELOPE,
		.from_given = true, .unit_num = 1, .unit_den = 1, .on_bad_time = KS_POLICY_FAIL, .on_error = KS_POLICY_FAIL,
		.instances = 1, .count = -1, .end = KS_COMPLETE, .commit_interval_ms = run->config->commit_interval_ms,
	};
	struct ks_source *src = NULL;
	enum ks_next got;
	int status;

	status = ks_source_text(&config, -1, &src, run->err);
	while (status == 0) {
		got = src->next(src, true, run->err);
		if (got == KS_NEXT_OVER)
			break;
		if (got == KS_NEXT_FAILED)
			status = run->err->status;
		else
			status = load_chunk(src, run, put, arg);
	}
	if (src != NULL)
		src->close(src);
	return status;
}
