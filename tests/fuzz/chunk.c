/* SPDX-License-Identifier: MIT */
/*
 * chunk.c - a chunk of changes as a state has it on disk: any bytes are
 * taken apart or refused, and what was taken apart is written as the same.
 */
#include "lib/store-chunk.h"

#include "tests/fuzz/must.h"

static int put_back(struct ks_buf *b, const struct ks_chunk_change *c)
{
	switch (c->kind) {
	case KS_CHUNK_DROP: return ks_chunk_add_drop(b);
	case KS_CHUNK_DELETE: return ks_chunk_add_delete(b, c->key);
	default: return ks_chunk_add_value(b, c->key, c->value);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct ks_bytes left = ks_bytes(data, n), before;
	struct ks_chunk_change c = { 0 };
	struct ks_buf again;
	int more;

	ks_buf_init(&again, 2 * n + 64);
	for (before = left; (more = ks_chunk_next(&left, &c)) == 1; before = left) {
		MUST(left.p > before.p && left.p <= data + n && left.n == (size_t)(data + n - left.p));
		MUST(c.placed && (c.kind != KS_CHUNK_VALUE || c.value.p != NULL));
		/* Behind the last of the places that stood before it, if any did. */
		again.n = 0;
		MUST(ks_chunk_add_place(&again, c.partition, c.segment) == 0);
		if (*before.p == 'P')
			MUST(put_back(&again, &c) == 0 && again.n <= (size_t)(left.p - before.p) &&
			    memcmp(left.p - again.n, again.p, again.n) == 0);
	}
	MUST(more == 0 || more == -1);
	MUST(more == -1 || left.n == 0);
	ks_buf_release(&again);
	return 0;
}
