/* SPDX-License-Identifier: MIT */
/* hello.c - HELLO to a struct and back; msgpack-c packs it. */
#include "hello.h"

#include <msgpack/pack.h>
#include <stdio.h>

const char *ks_guarantee_name(enum ks_guarantee g)
{
	static const char *const names[] = { "none", "at-least-once", "exactly-once" };

	return names[g];
}

bool ks_hello_in_kafka(const struct ks_hello_view *v)
{
	return v->guarantee == KS_EXACTLY_ONCE && v->reads != KS_READS_FILES;
}

bool ks_hello_transacts(const struct ks_hello_view *v, bool told)
{
	return v->guarantee == KS_EXACTLY_ONCE || (v->reads != KS_READS_TOPICS && !told);
}

static int pack_text(msgpack_packer *pk, const char *text)
{
	size_t n;
	int no;

	if (text == NULL)
		return msgpack_pack_nil(pk);
	n = strlen(text);
	no = msgpack_pack_str(pk, n);
	return no != 0 ? no : msgpack_pack_str_body(pk, text, n);
}

static int pack_key_int(msgpack_packer *pk, const char *key, int64_t x)
{
	int no = pack_text(pk, key);

	return no != 0 ? no : msgpack_pack_int64(pk, x);
}

static int pack_key_text(msgpack_packer *pk, const char *key, const char *text)
{
	int no = pack_text(pk, key);

	return no != 0 ? no : pack_text(pk, text);
}

static int pack_streams(msgpack_packer *pk, const struct ks_hello *h)
{
	static const char *const type[] = { "none", "create", "append" };
	const struct ks_hello_stream *s;
	int no;

	if ((no = pack_text(pk, "streams")) != 0 ||
	    (no = msgpack_pack_array(pk, h->stream_count)) != 0)
		return no;
	for (s = h->streams; s < h->streams + h->stream_count; s++)
		if ((no = msgpack_pack_map(pk, 4)) != 0 ||
		    (no = pack_key_text(pk, "name", s->name)) != 0 ||
		    (no = pack_key_int(pk, "partitions", s->partitions)) != 0 ||
		    (no = pack_key_text(pk, "key", s->key)) != 0 ||
		    (no = pack_key_text(pk, "time", type[s->time_type])) != 0)
			return no;
	return 0;
}

static int pack_positions(msgpack_packer *pk, const struct ks_hello *h)
{
	const struct ks_hello_position *s;
	int no;

	if ((no = pack_text(pk, "positions")) != 0 ||
	    (no = msgpack_pack_array(pk, h->position_count)) != 0)
		return no;
	for (s = h->positions; s < h->positions + h->position_count; s++)
		if ((no = msgpack_pack_map(pk, 7)) != 0 ||
		    (no = pack_key_text(pk, "input", s->input)) != 0 ||
		    (no = pack_key_int(pk, "partition", s->partition)) != 0 ||
		    (no = pack_key_int(pk, "offset", s->offset)) != 0 ||
		    (no = pack_key_int(pk, "epoch", s->epoch)) != 0 ||
		    (no = pack_key_int(pk, "run", s->run)) != 0 ||
		    (no = pack_key_text(pk, "owner", s->owner)) != 0 || (no = pack_text(pk, "restore")) != 0 ||
		    (no = s->restore ? msgpack_pack_true(pk) : msgpack_pack_false(pk)) != 0)
			return no;
	return 0;
}

static int pack_hello(msgpack_packer *pk, const struct ks_hello *h)
{
	static const char *const reads[] = { NULL, "files", "topics" };
	int no;

	if ((no = msgpack_pack_map(pk, 17 + h->merged)) != 0 ||
	    (no = pack_key_int(pk, "version", KS_PROTOCOL)) != 0 ||
	    (no = pack_key_text(pk, "app", h->app)) != 0 ||
	    (no = pack_key_text(pk, "owner", h->owner)) != 0 ||
	    (no = pack_key_int(pk, "instance", h->instance)) != 0 ||
	    (no = pack_key_int(pk, "instances", h->instances)) != 0 ||
	    (no = pack_key_int(pk, "run", h->run)) != 0 ||
	    (no = pack_key_int(pk, "epoch", h->epoch)) != 0 ||
	    (no = pack_key_text(pk, "guarantee", ks_guarantee_name(h->guarantee))) != 0 ||
	    (no = pack_key_int(pk, "commit_interval", h->commit_ms)) != 0 || (no = pack_text(pk, "live")) != 0 ||
	    (no = h->live ? msgpack_pack_true(pk) : msgpack_pack_false(pk)) != 0 ||
	    (no = pack_key_text(pk, "layout", "modulo")) != 0 ||
	    (no = pack_key_text(pk, "reads", reads[h->reads])) != 0 || (no = pack_streams(pk, h)) != 0 ||
	    (no = pack_positions(pk, h)) != 0 || (no = pack_text(pk, "stages")) != 0 ||
	    (no = msgpack_pack_array(pk, 0)) != 0 || (no = pack_text(pk, "sides")) != 0 ||
	    (no = msgpack_pack_array(pk, h->side != NULL)) != 0)
		return no;
	if (h->side != NULL && (no = pack_text(pk, h->side)) != 0)
		return no;
	if (h->merged && (no = pack_key_text(pk, "order", "global")) != 0)
		return no;
	return pack_key_text(pk, "hint", h->hint);
}

int ks_hello_add(struct ks_buf *b, const struct ks_hello *h)
{
	msgpack_packer pk;
	size_t start;
	int no = ks_frame_begin(b, &start, &pk);

	if (no == 0)
		no = pack_hello(&pk, h);
	return ks_frame_end(b, start, KS_HELLO, no);
}

static bool is_names(struct ks_bytes list)
{
	const unsigned char *end = list.p + list.n;
	struct ks_head head;
	struct ks_val v;
	uint32_t i;

	if (ks_mp_head(list.p, end, &head) != KS_MP_OK || head.type != KS_ARRAY)
		return false;
	for (i = 0; i < head.count; i++)
		if (ks_mp_read(&head.body, end, 0, &v) != KS_MP_OK || v.type != KS_STR ||
		    v.b.n == 0 || v.b.n > KS_NAME_MAX)
			return false;
	return true;
}

static bool small_int(const struct ks_val *v, int64_t max)
{
	return v->type == KS_INT && v->i >= 0 && v->i <= max;
}

static const char *take_guarantee(struct ks_hello_view *h, const struct ks_val *v)
{
	enum ks_guarantee g;

	for (g = KS_NONE; g <= KS_EXACTLY_ONCE; g++) {
		if (v->type == KS_STR && ks_bytes_is(v->b, ks_guarantee_name(g))) {
			h->guarantee = g;
			return NULL;
		}
	}
	return "its guarantee is not one that exists";
}

static const char *take_key(struct ks_hello_view *h, struct ks_bytes key, const struct ks_val *v)
{
	if (ks_bytes_is(key, "version")) {
		if (!small_int(v, INT64_MAX))
			return "its version is not a number";
		if (v->i != KS_PROTOCOL)
			return "it speaks another version of the protocol than this kstream";
	} else if (ks_bytes_is(key, "app")) {
		if (v->type != KS_NIL && v->type != KS_STR)
			return "its app is not a string or nil";
		h->app = v->type == KS_NIL ? ks_bytes(NULL, 0) : v->b;
	} else if (ks_bytes_is(key, "owner")) {
		if (v->type != KS_NIL && (v->type != KS_STR || !ks_owner_is(v->b)))
			return "its owner is not I/N, a name, or nil";
		h->owner = v->type == KS_NIL ? ks_bytes(NULL, 0) : v->b;
	} else if (ks_bytes_is(key, "instance") || ks_bytes_is(key, "instances")) {
		if (!small_int(v, INT32_MAX))
			return "its instance is not a number";
		*(key.n == 8 ? &h->instance : &h->instances) = (uint32_t)v->i;
	} else if (ks_bytes_is(key, "run") || ks_bytes_is(key, "epoch")) {
		if (!small_int(v, INT64_MAX / 2))	/* it will be counted on from */
			return "its run or epoch is not a number";
		*(key.n == 3 ? &h->run : &h->epoch) = v->i;
	} else if (ks_bytes_is(key, "guarantee")) {
		return take_guarantee(h, v);
	} else if (ks_bytes_is(key, "reads")) {
		if (v->type == KS_STR && ks_bytes_is(v->b, "files"))
			h->reads = KS_READS_FILES;
		else if (v->type == KS_STR && ks_bytes_is(v->b, "topics"))
			h->reads = KS_READS_TOPICS;
		else if (v->type != KS_NIL)
			return "what it reads is neither files nor topics";
	} else if (ks_bytes_is(key, "commit_interval")) {
		if (!small_int(v, INT64_MAX))
			return "its commit_interval is not a number";
		h->commit_ms = v->i;
	} else if (ks_bytes_is(key, "live")) {
		if (v->type != KS_TRUE && v->type != KS_FALSE)
			return "its live is not true or false";
		h->live = v->type == KS_TRUE;
	} else if (ks_bytes_is(key, "order")) {
		h->merged = v->type == KS_STR && ks_bytes_is(v->b, "global");
	} else if (ks_bytes_is(key, "sides")) {
		if (v->type != KS_ARRAY || !is_names(v->b))
			return "its sides are not an array of names";
		h->sides = v->b;
	} else if (ks_bytes_is(key, "streams") && v->type == KS_ARRAY) {
		h->streams = v->b;
	}
	return NULL;
}

static bool is_of_one(const struct ks_hello_view *h)
{
	uint32_t i, n;

	return h->owner.p == NULL || !ks_owner_layout(h->owner, &i, &n) || (i == h->instance && n == h->instances);
}

const char *ks_hello_parse(struct ks_bytes payload, unsigned depth, struct ks_hello_view *h)
{
	const unsigned char *end = payload.p + payload.n;
	const char *wrong;
	struct ks_head head;
	struct ks_val key, v;
	bool version = false;
	uint32_t i;

	*h = (struct ks_hello_view){ .instances = 1, .sides = ks_no_headers, .payload = payload };
	if (ks_mp_check(payload, depth) != KS_MP_OK ||
	    ks_mp_head(payload.p, end, &head) != KS_MP_OK || head.type != KS_MAP)
		return "it is not a map";
	for (i = 0; i < head.count; i++) {
		if (ks_mp_read(&head.body, end, 0, &key) != KS_MP_OK ||
		    ks_mp_read(&head.body, end, depth, &v) != KS_MP_OK)
			return "it is not a map";
		version |= ks_bytes_is(key.b, "version");
		wrong = take_key(h, key.b, &v);
		if (wrong != NULL)
			return wrong;
	}
	if (version && !is_of_one(h))
		return "its owner is another than its instance";
	return version ? NULL : "it names no version";
}

void ks_hello_owner(const struct ks_hello_view *v, char room[KS_OWNER_ROOM])
{
	if (v->owner.p != NULL)
		snprintf(room, KS_OWNER_ROOM, "%.*s", (int)v->owner.n, (const char *)v->owner.p);
	else
		ks_owner_print(room, v->instance, v->instances);
}

/* The next of left streams; name->p == NULL where it says none; false: there is none. */
static bool next_stream(const unsigned char **p, const unsigned char *end, uint32_t *left, struct ks_bytes *name,
    struct ks_hello_facts *f)
{
	struct ks_val stream, key, v;
	struct ks_head head;
	uint32_t i;

	*name = ks_bytes(NULL, 0);
	*f = (struct ks_hello_facts){ .partitions = 0 };
	if (*left == 0 || ks_mp_read(p, end, KS_DEPTH_CEILING, &stream) != KS_MP_OK)
		return false;
	--*left;
	if (stream.type != KS_MAP || ks_mp_head(stream.b.p, end, &head) != KS_MP_OK)
		return true;
	for (i = 0; i < head.count; i++) {
		if (ks_mp_read(&head.body, end, 0, &key) != KS_MP_OK ||
		    ks_mp_read(&head.body, end, KS_DEPTH_CEILING, &v) != KS_MP_OK)
			return false;
		if (ks_bytes_is(key.b, "name") && v.type == KS_STR)
			*name = v.b;
		else if (ks_bytes_is(key.b, "partitions") && small_int(&v, INT32_MAX))
			f->partitions = (int32_t)v.i;
		else if (ks_bytes_is(key.b, "key") && v.type == KS_STR)
			f->key = v.b;
	}
	return true;
}

static uint32_t first_stream(const struct ks_hello_view *v, const unsigned char **p, const unsigned char **end)
{
	struct ks_head list;

	*end = v->streams.p + v->streams.n;
	if (v->streams.p == NULL || ks_mp_head(v->streams.p, *end, &list) != KS_MP_OK)
		return 0;
	*p = list.body;
	return list.count;
}

bool ks_hello_stream(const struct ks_hello_view *v, struct ks_bytes name, struct ks_hello_facts *f)
{
	const unsigned char *p = NULL, *end;
	uint32_t left = first_stream(v, &p, &end);
	struct ks_bytes x;

	while (next_stream(&p, end, &left, &x, f))
		if (x.p != NULL && ks_bytes_eq(x, name))
			return true;
	return false;
}

int ks_hello_each(const struct ks_hello_view *v, int (*take)(void *arg, struct ks_bytes name, const struct ks_hello_facts *facts),
    void *arg)
{
	const unsigned char *p = NULL, *end;
	uint32_t left = first_stream(v, &p, &end);
	struct ks_hello_facts f;
	struct ks_bytes x;
	int no = 0;

	while (no == 0 && next_stream(&p, end, &left, &x, &f))
		if (x.p != NULL)
			no = take(arg, x, &f);
	return no;
}

bool ks_hello_has_stream(const struct ks_hello_view *v, struct ks_bytes name)
{
	struct ks_hello_facts f;

	return ks_hello_stream(v, name, &f);
}

void ks_hello_streams(const struct ks_hello_view *v, char *room, size_t size)
{
	const unsigned char *p = NULL, *end;
	uint32_t left = first_stream(v, &p, &end);
	struct ks_hello_facts f;
	struct ks_bytes x;
	size_t n = 0;

	room[0] = '\0';
	while (next_stream(&p, end, &left, &x, &f)) {
		if (x.p == NULL)
			continue;
		if (size - n < x.n + 10) {
			if (n > 0)
				snprintf(room + n, size - n, ", ...");
			else
				snprintf(room, size, "'%.*s...'", (int)ks_utf8_prefix(x.p, size - 10), (const char *)x.p);
			return;
		}
		n += (size_t)snprintf(room + n, size - n, "%s'%.*s'", n > 0 ? ", " : "", (int)x.n, (const char *)x.p);
	}
}

static bool has_name(struct ks_bytes list, const char *name)
{
	const unsigned char *end = list.p + list.n;
	struct ks_head head;
	struct ks_val v;
	uint32_t i;

	if (ks_mp_head(list.p, end, &head) != KS_MP_OK)
		return false;
	for (i = 0; i < head.count; i++)
		if (ks_mp_read(&head.body, end, 0, &v) == KS_MP_OK && ks_bytes_is(v.b, name))
			return true;
	return false;
}

/* The pair "sides": [what was there, side]. */
static int pack_sides(struct ks_buf *b, msgpack_packer *pk, struct ks_bytes old, const char *side)
{
	const unsigned char *end = old.p + old.n;
	struct ks_head head = { .body = end };
	int no;

	if (old.n > 0 && ks_mp_head(old.p, end, &head) != KS_MP_OK)
		ks_bug("a HELLO was changed before it was parsed");
	if ((no = pack_text(pk, "sides")) != 0 ||
	    (no = msgpack_pack_array(pk, (size_t)head.count + 1)) != 0 ||
	    (no = ks_buf_add(b, head.body, (size_t)(end - head.body))) != 0)
		return no;
	return pack_text(pk, side);
}

int ks_hello_add_merged(struct ks_buf *b, struct ks_bytes payload)
{
	const unsigned char *end = payload.p + payload.n;
	struct ks_head head;
	msgpack_packer pk;
	size_t start;
	int no = ks_frame_begin(b, &start, &pk);

	if (ks_mp_head(payload.p, end, &head) != KS_MP_OK || head.count == UINT32_MAX)
		ks_bug("a HELLO was changed before it was parsed");
	if (no == 0)
		no = ks_mp_add_map_head(b, head.count + 1);
	if (no == 0)
		no = ks_buf_add(b, head.body, (size_t)(end - head.body));
	if (no == 0)
		no = pack_key_text(&pk, "order", "global");
	return ks_frame_end(b, start, KS_HELLO, no);
}

int ks_hello_add_side(struct ks_buf *b, struct ks_bytes payload, const char *side)
{
	const unsigned char *end = payload.p + payload.n, *pair;
	struct ks_bytes old = ks_no_headers;
	size_t start, others = 0, i;
	struct ks_head head;
	msgpack_packer pk;
	struct ks_val key, v;
	int no = ks_frame_begin(b, &start, &pk), pass;

	for (pass = 0; pass < 2 && no == 0; pass++) {
		if (ks_mp_head(payload.p, end, &head) != KS_MP_OK)
			ks_bug("a HELLO was changed before it was parsed");
		if (pass == 1)
			no = msgpack_pack_map(&pk, others + 1);
		for (i = 0; i < head.count && no == 0; i++) {
			pair = head.body;
			if (ks_mp_read(&head.body, end, 0, &key) != KS_MP_OK ||
			    ks_mp_read(&head.body, end, KS_DEPTH_CEILING, &v) != KS_MP_OK)
				ks_bug("a HELLO was changed before it was parsed");
			if (ks_bytes_is(key.b, "sides"))
				old = v.b;
			else if (pass == 0)
				others++;
			else
				no = ks_buf_add(b, pair, (size_t)(head.body - pair));
		}
	}
	if (no == 0 && has_name(old, side)) {
		b->n = start + KS_FRAME_HEAD;
		no = ks_buf_add(b, payload.p, payload.n);
	} else if (no == 0) {
		no = pack_sides(b, &pk, old, side);
	}
	return ks_frame_end(b, start, KS_HELLO, no);
}
