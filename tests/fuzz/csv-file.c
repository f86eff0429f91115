/* SPDX-License-Identifier: MIT */
/*
 * csv-file.c - files of csv and tsv by their source: what comes of a file
 * comes of a pipe, too, however it is cut on its way; a record is sound.
 * The first byte says: 1 tsv, 2 untyped, 4 the names are given, 8 records
 * are small; the second how long the pieces are.
 */
#include "lib/source.h"

#include "tests/fuzz/must.h"

#include <sys/mman.h>
#include <unistd.h>

struct taken {
	struct ks_buf values;	/* one behind the other */
	uint64_t count;
};

/* What is new in the frames of a source. */
static void take(struct taken *t, struct ks_bytes frames, const struct ks_limits *limits)
{
	struct ks_rec rec;
	size_t at, size;

	for (at = 0; at < frames.n; at += size) {
		MUST(frames.n - at >= KS_FRAME_HEAD);
		size = KS_FRAME_HEAD + ks_get32(frames.p + at + 1);
		MUST(frames.n - at >= size);
		if (frames.p[at + 5] != KS_RECORD)
			continue;
		MUST(ks_rec_parse(ks_bytes(frames.p + at + KS_FRAME_HEAD, size - KS_FRAME_HEAD), limits, &rec) == NULL);
		MUST(ks_mp_check(rec.value, 1) == KS_MP_OK);
		MUST(ks_buf_add(&t->values, rec.value.p, rec.value.n) == 0);
		t->count++;
	}
}

/* Until it waits, or there is no more, or it fails. */
static enum ks_next read_on(struct ks_source *src, struct taken *t, const struct ks_limits *limits, struct ks_err *err)
{
	enum ks_next next;

	do {
		next = src->next(src, false, err);
		if (next == KS_NEXT_FRAMES)
			take(t, src->chunk, limits);
		src->used = src->chunk.n;
	} while (next == KS_NEXT_FRAMES);
	return next;
}

/* What comes of the bytes at path; into > 0: they are on their way into that pipe, piece by piece.  The status. */
static int run(const struct ks_config *model, const char *path, int into, struct ks_bytes text, size_t piece, struct taken *t)
{
	struct ks_config config = *model;
	struct ks_source *src = NULL;
	enum ks_next next = KS_NEXT_WAIT;
	struct ks_err err = { .status = 0 };
	size_t n;
	int status;

	config.in = &path;
	config.in_count = 1;
	ks_buf_init(&t->values, (size_t)1 << 24);
	t->count = 0;
	status = ks_source_text(&config, -1, &src, &err);
	while (status == 0 && next == KS_NEXT_WAIT) {
		n = text.n < piece ? text.n : piece;
		if (into > 0 && n > 0) {
			MUST(write(into, text.p, n) == (ssize_t)n);
			text = ks_bytes(text.p + n, text.n - n);
		} else if (into > 0) {
			MUST(close(into) == 0);
			into = 0;
		}
		next = read_on(src, t, &config.limits, &err);
		status = next == KS_NEXT_FAILED ? err.status : 0;
	}
	MUST(status != 0 || next == KS_NEXT_OVER);
	if (into > 0)
		MUST(close(into) == 0);
	if (src != NULL)
		src->close(src);
	return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct ks_config config = {
		.program = "fuzz", .stage = "fuzz", .limits = { .record = KS_RECORD_MAX, .key = KS_KEY_MAX, .depth = KS_DEPTH_MAX },
		.unit_num = 1, .unit_den = 1, .on_error = KS_POLICY_SKIP, .on_bad_time = KS_POLICY_FAIL, .instances = 1, .count = -1,
		.end = KS_COMPLETE, .commit_interval_ms = 3600000,
	};
	struct taken whole, pieces;
	struct ks_bytes text;
	char path[64];
	int fd, two[2], status;

	if (n < 2 || n > 4096)
		return 0;
	config.from = (*p & 1) != 0 ? KS_TSV : KS_CSV;
	config.untyped = (*p & 2) != 0;
	config.fields = (*p & 4) == 0 ? NULL : "a,b";
	config.limits.record = (*p & 8) == 0 ? KS_RECORD_MAX : 64;
	text = ks_bytes(p + 2, n - 2);
	fd = memfd_create("csv", 0);
	MUST(fd >= 0 && write(fd, text.p, text.n) == (ssize_t)text.n && pipe(two) == 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	status = run(&config, path, 0, text, 0, &whole);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", two[0]);
	MUST(run(&config, path, two[1], text, 1u + p[1] % 64, &pieces) == status);
	MUST(whole.count == pieces.count && ks_bytes_eq(ks_buf_bytes(&whole.values), ks_buf_bytes(&pieces.values)));
	ks_buf_release(&whole.values);
	ks_buf_release(&pieces.values);
	close(two[0]);
	close(fd);
	return 0;
}
