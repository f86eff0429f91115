/* SPDX-License-Identifier: MIT */
/* hello.c - a HELLO's payload: parsed, a side added to it, parsed again, and added once only; with other partitions. */
#include "lib/hello-parts.h"
#include "lib/hello.h"

#include <string.h>

#include "tests/fuzz/must.h"

#define DEPTH 30u
#define ROOM ((size_t)1 << 22)

static struct ks_bytes payload_of(const struct ks_buf *b)
{
	struct ks_bytes payload = { 0 };
	size_t size = 0;
	int type = 0;

	MUST(ks_frame_split(ks_buf_bytes(b), ROOM, &type, &payload, &size) == KS_FRAME_WHOLE);
	MUST(type == KS_HELLO && size == b->n);
	return payload;
}

static bool names(struct ks_bytes list, const char *name)
{
	const unsigned char *end = list.p + list.n;
	struct ks_head head;
	struct ks_val v;
	bool found = false;
	uint32_t i;

	MUST(ks_mp_head(list.p, end, &head) == KS_MP_OK && head.type == KS_ARRAY);
	for (i = 0; i < head.count; i++) {
		MUST(ks_mp_read(&head.body, end, 0, &v) == KS_MP_OK && v.type == KS_STR);
		found |= ks_bytes_is(v.b, name);
	}
	return found;
}

static int count(void *arg, const struct ks_position *x)
{
	MUST(x->partition >= 0);
	++*(size_t *)arg;
	return 0;
}

/* All but the streams and the hint stays, and doing it twice adds to the hint alone. */
static void other_partitions(struct ks_bytes payload, const struct ks_hello_view *v)
{
	static const struct ks_hello_parts parts = { .only = "a,b", .routes = true, .partitions = 12, .hint = "h" };
	struct ks_hello_view with;
	size_t before = 0, after = 0;
	struct ks_buf b;

	ks_buf_init(&b, ROOM);
	MUST(ks_hello_add_parts(&b, payload, &parts) == 0);
	MUST(ks_hello_parse(payload_of(&b), DEPTH, &with) == NULL);
	MUST(with.epoch == v->epoch && with.run == v->run && with.live == v->live && with.guarantee == v->guarantee);
	MUST(ks_bytes_eq(with.app, v->app) && ks_bytes_eq(with.sides, v->sides));
	MUST((with.streams.p == NULL) == (v->streams.p == NULL));
	MUST(ks_hello_positions(payload, count, &before) == 0);
	MUST(ks_hello_positions(payload_of(&b), count, &after) == 0);
	MUST(before == after);
	ks_buf_release(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct ks_hello_view v, with;
	struct ks_buf b, twice;

	if (ks_hello_parse(ks_bytes(p, n), DEPTH, &v) != NULL)
		return 0;
	MUST(v.epoch >= 0 && v.run >= 0 && v.instance <= INT32_MAX && v.instances <= INT32_MAX);
	other_partitions(ks_bytes(p, n), &v);
	ks_buf_init(&b, ROOM);
	ks_buf_init(&twice, ROOM);
	MUST(ks_hello_add_side(&b, ks_bytes(p, n), "dead") == 0);
	MUST(ks_hello_parse(payload_of(&b), DEPTH, &with) == NULL);
	MUST(names(with.sides, "dead"));
	MUST(with.epoch == v.epoch && with.run == v.run && with.live == v.live && with.guarantee == v.guarantee);
	MUST((with.app.p == NULL) == (v.app.p == NULL) && ks_bytes_eq(with.app, v.app));
	MUST(with.instance == v.instance && with.instances == v.instances);
	MUST(ks_hello_add_side(&twice, payload_of(&b), "dead") == 0);
	MUST(ks_bytes_eq(payload_of(&twice), payload_of(&b)));
	ks_buf_release(&b);
	ks_buf_release(&twice);
	return 0;
}
