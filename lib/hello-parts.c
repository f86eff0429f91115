/* SPDX-License-Identifier: MIT */
/* hello-parts.c - the partitions that a HELLO tells of, and a HELLO that tells of others. */
#include "hello-parts.h"

#include <msgpack/pack.h>
#include <stdio.h>

#include "owner.h"

#define HINT_MAX 400	/* bytes of a hint, however many stages add to it */

/* The pairs of a map that has been parsed, one after another. */
struct pairs {
	const unsigned char *p, *end;
	uint32_t left;
	const unsigned char *start;	/* of the pair */
	struct ks_bytes key;
	struct ks_val v;
	struct ks_bytes value;		/* encoded */
};

static struct pairs pairs_of(struct ks_bytes map)
{
	struct pairs x = { .end = map.p + map.n };
	struct ks_head head;

	if (ks_mp_head(map.p, x.end, &head) == KS_MP_OK && head.type == KS_MAP) {
		x.p = head.body;
		x.left = head.count;
	}
	return x;
}

static bool next_pair(struct pairs *x)
{
	struct ks_val key;

	if (x->left == 0)
		return false;
	x->left--;
	x->start = x->p;
	if (ks_mp_read(&x->p, x->end, 0, &key) != KS_MP_OK)
		return false;
	x->key = key.b;
	x->value.p = x->p;
	if (ks_mp_read(&x->p, x->end, KS_DEPTH_CEILING, &x->v) != KS_MP_OK)
		return false;
	x->value.n = (size_t)(x->p - x->value.p);
	return true;
}

/* Whether name stands between the commas of list. */
static bool names_has(const char *list, struct ks_bytes name)
{
	size_t n;

	for (;; list += n + 1) {
		n = strcspn(list, ",");
		if (ks_bytes_eq(ks_bytes(list, n), name))
			return true;
		if (list[n] == '\0')
			return false;
	}
}

/* How many partitions a stream has behind this stage; -1: as many as before. */
static int32_t count_of(const struct ks_hello_parts *x, struct ks_bytes stream)
{
	struct pairs at = pairs_of(stream);

	if (x->only == NULL)
		return x->partitions;
	while (next_pair(&at))
		if (ks_bytes_is(at.key, "name") && at.v.type == KS_STR && names_has(x->only, at.v.b))
			return x->partitions;
	return x->routes ? 0 : -1;
}

static bool stays(const struct pairs *at, const char *key)
{
	return !ks_bytes_is(at->key, "partitions") && (key == NULL || !ks_bytes_is(at->key, "key"));
}

/* With that many partitions; where they are known, with keys of that codec. */
static int add_stream(struct ks_buf *b, struct ks_bytes stream, int32_t partitions, const char *key)
{
	struct pairs at = pairs_of(stream);
	uint32_t others = 0;
	int no;

	if (at.p == NULL || partitions < 0)
		return ks_buf_add(b, stream.p, stream.n);
	if (partitions == 0)
		key = NULL;
	while (next_pair(&at))
		others += stays(&at, key);
	no = ks_mp_add_map_head(b, others + 1 + (key != NULL));
	for (at = pairs_of(stream); no == 0 && next_pair(&at);)
		if (stays(&at, key))
			no = ks_buf_add(b, at.start, (size_t)(at.p - at.start));
	if (no == 0 && key != NULL)
		no = ks_mp_add_str(b, ks_str("key"));
	if (no == 0 && key != NULL)
		no = ks_mp_add_str(b, ks_str(key));
	if (no == 0)
		no = ks_mp_add_str(b, ks_str("partitions"));
	return no == 0 ? ks_mp_add_i64(b, partitions) : no;
}

static int add_streams(struct ks_buf *b, struct ks_bytes list, const struct ks_hello_parts *x)
{
	const unsigned char *p, *end = list.p + list.n;
	struct ks_bytes stream;
	struct ks_head head;
	uint32_t i;
	int no;

	if (ks_mp_head(list.p, end, &head) != KS_MP_OK)
		ks_bug("a HELLO was changed before it was parsed");
	no = ks_mp_add_array_head(b, head.count);
	for (i = 0, p = head.body; i < head.count && no == 0; i++) {
		stream.p = p;
		if (ks_mp_skip(&p, end, KS_DEPTH_CEILING) != KS_MP_OK)
			ks_bug("a HELLO was changed before it was parsed");
		stream.n = (size_t)(p - stream.p);
		no = add_stream(b, stream, count_of(x, stream), x->key);
	}
	return no;
}

static int add_hint(struct ks_buf *b, struct ks_bytes old, const char *hint)
{
	char text[HINT_MAX + 1];
	int n = snprintf(text, sizeof(text), "%.*s%s%s", old.n < HINT_MAX ? (int)old.n : HINT_MAX,
	    old.n > 0 ? (const char *)old.p : "", old.n > 0 ? "; " : "", hint);

	return ks_mp_add_str(b, ks_bytes(text,
	    ks_utf8_prefix((const unsigned char *)text, n < HINT_MAX ? (size_t)n : HINT_MAX)));
}

int ks_hello_add_parts(struct ks_buf *b, struct ks_bytes payload, const struct ks_hello_parts *x)
{
	struct pairs at = pairs_of(payload);
	struct ks_bytes hint = ks_bytes(NULL, 0);
	msgpack_packer pk;
	uint32_t others = 0;
	size_t start;
	int no = ks_frame_begin(b, &start, &pk);

	while (next_pair(&at)) {
		if (!ks_bytes_is(at.key, "hint"))
			others++;
		else if (at.v.type == KS_STR)
			hint = at.v.b;
	}
	if (no == 0)
		no = ks_mp_add_map_head(b, others + 1);
	for (at = pairs_of(payload); no == 0 && next_pair(&at);) {
		if (ks_bytes_is(at.key, "hint"))
			continue;
		if (!ks_bytes_is(at.key, "streams") || at.v.type != KS_ARRAY) {
			no = ks_buf_add(b, at.start, (size_t)(at.p - at.start));
			continue;
		}
		no = ks_mp_add_str(b, at.key);
		if (no == 0)
			no = add_streams(b, at.value, x);
	}
	if (no == 0)
		no = ks_mp_add_str(b, ks_str("hint"));
	if (no == 0)
		no = add_hint(b, hint, x->hint);
	return ks_frame_end(b, start, KS_HELLO, no);
}

/* A position of HELLO: an object, whose other keys are passed over. */
static bool read_position(struct ks_bytes entry, struct ks_position *x)
{
	struct pairs at = pairs_of(entry);

	*x = (struct ks_position){ .partition = -1, .offset = -1 };
	while (next_pair(&at)) {
		if (ks_bytes_is(at.key, "input") && at.v.type == KS_STR)
			x->input = at.v.b;
		else if (ks_bytes_is(at.key, "partition") && at.v.type == KS_INT && at.v.i >= 0 && at.v.i <= INT32_MAX)
			x->partition = (int32_t)at.v.i;
		else if (ks_bytes_is(at.key, "offset") && at.v.type == KS_INT)
			x->offset = at.v.i;
		else if ((ks_bytes_is(at.key, "epoch") || ks_bytes_is(at.key, "run")) && at.v.type == KS_INT && at.v.i > 0)
			*(at.key.n == 3 ? &x->run : &x->epoch) = at.v.i;
		else if (ks_bytes_is(at.key, "owner") && at.v.type == KS_STR && ks_owner_is(at.v.b))
			x->owner = at.v.b;
		else if (ks_bytes_is(at.key, "restore"))
			x->restore = at.v.type == KS_TRUE;
	}
	return x->partition >= 0;
}

int ks_hello_positions(struct ks_bytes payload, int (*each)(void *arg, const struct ks_position *x), void *arg)
{
	struct pairs at = pairs_of(payload);
	struct ks_position x;
	const unsigned char *p;
	struct ks_bytes entry;
	struct ks_head list;
	uint32_t i;
	int status = 0;

	while (next_pair(&at)) {
		if (!ks_bytes_is(at.key, "positions") || ks_mp_head(at.value.p, at.end, &list) != KS_MP_OK ||
		    list.type != KS_ARRAY)
			continue;
		for (i = 0, p = list.body; i < list.count && status == 0; i++) {
			entry.p = p;
			if (ks_mp_skip(&p, at.end, KS_DEPTH_CEILING) != KS_MP_OK)
				return 0;
			entry.n = (size_t)(p - entry.p);
			if (read_position(entry, &x))
				status = each(arg, &x);
		}
	}
	return status;
}
