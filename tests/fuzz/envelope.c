/* SPDX-License-Identifier: MIT */
/*
 * envelope.c - JSON text as an envelope: a record that comes of it is printed
 * and read again, and is the same; and it goes through a frame unchanged.
 */
#include "lib/envelope.h"

#include <string.h>

#include "tests/fuzz/must.h"

#define DEPTH 30u
#define ROOM ((size_t)1 << 22)

static const struct ks_limits limits = { ROOM, ROOM, DEPTH };

static bool read_text(struct ks_json *j, struct ks_bytes text, struct ks_buf *object)
{
	unsigned char *p = calloc(1, text.n + KS_PAD);
	enum ks_json_error e;

	MUST(p != NULL);
	if (text.n > 0)
		memcpy(p, text.p, text.n);
	object->n = 0;
	e = ks_json_parse(j, ks_bytes(p, text.n), object);
	free(p);
	return e == KS_JSON_OK;
}

static bool same(const struct ks_rec *a, const struct ks_rec *b)
{
	return a->time_ms == b->time_ms && a->flags == b->flags && a->partition == b->partition &&
	    a->offset == b->offset && (a->topic.p == NULL) == (b->topic.p == NULL) &&
	    ks_bytes_eq(a->topic, b->topic) && (a->route.p == NULL) == (b->route.p == NULL) &&
	    ks_bytes_eq(a->route, b->route) && ks_bytes_eq(a->key, b->key) &&
	    ks_bytes_eq(a->headers, b->headers) && ks_bytes_eq(a->value, b->value);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct ks_buf object, scratch, text, object2, scratch2;
	struct ks_rec rec = { .headers = ks_no_headers }, again = rec, framed;
	unsigned char *room, *end;
	struct ks_json j;

	ks_json_init(&j, DEPTH);
	ks_buf_init(&object, ROOM);
	ks_buf_init(&scratch, ROOM);
	ks_buf_init(&text, ROOM);
	ks_buf_init(&object2, ROOM);
	ks_buf_init(&scratch2, ROOM);
	if (read_text(&j, ks_bytes(p, n), &object) &&
	    ks_envelope_parse(ks_buf_bytes(&object), DEPTH, &scratch, &rec) == NULL) {
		MUST(ks_envelope_print(&text, &rec, DEPTH) == NULL);
		MUST(memchr(text.p, '\n', text.n) == NULL);
		MUST(read_text(&j, ks_buf_bytes(&text), &object2));
		MUST(ks_envelope_parse(ks_buf_bytes(&object2), DEPTH, &scratch2, &again) == NULL);
		MUST(same(&rec, &again));
		/* Whatever an envelope can say, a frame can carry. */
		room = malloc(ks_rec_size(&rec));
		MUST(room != NULL);
		end = ks_rec_put(room, &rec);
		MUST(ks_rec_parse(ks_bytes(room + KS_FRAME_HEAD, (size_t)(end - room) - KS_FRAME_HEAD), &limits, &framed) == NULL);
		MUST(same(&rec, &framed));
		free(room);
	}
	ks_buf_release(&object);
	ks_buf_release(&scratch);
	ks_buf_release(&text);
	ks_buf_release(&object2);
	ks_buf_release(&scratch2);
	ks_json_release(&j);
	return 0;
}
