/* SPDX-License-Identifier: MIT */
/* cdc.c - change events of Debezium. */
#include "cdc.h"

#include <errno.h>

#include "unwrap.h"

static const char not_an_event[] =
    "no change event of Debezium: an object with op is expected (rows alone, as its unwrap transformation makes them, need no --cdc)";

/* What stands in a column that the database did not send, for it had not changed: as text, and as bytes in base64 or hex. */
static const char *const unavailable[] = {
	"__debezium_unavailable_value",
	"X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ==",
	"5f5f646562657a69756d5f756e617661696c61626c655f76616c7565",
};

/* The next member of an object; p is behind it.  The value is not decoded. */
static bool next_member(const unsigned char **p, const unsigned char *end, unsigned depth, struct ks_bytes *name,
    struct ks_bytes *value)
{
	struct ks_val v;
	const unsigned char *at;

	if (ks_mp_read(p, end, 0, &v) != KS_MP_OK)
		return false;
	*name = v.b;
	at = *p;
	if (ks_mp_skip(p, end, depth) != KS_MP_OK)
		return false;
	*value = ks_bytes(at, (size_t)(*p - at));
	return true;
}

static bool read_scalar(struct ks_bytes value, struct ks_val *v)
{
	const unsigned char *p = value.p;

	return value.p != NULL && ks_mp_read(&p, p + value.n, 0, v) == KS_MP_OK;
}

static bool is_map(struct ks_bytes value, struct ks_head *head)
{
	return value.n > 0 && ks_mp_head(value.p, value.p + value.n, head) == KS_MP_OK && head->type == KS_MAP;
}

static void read_source(struct ks_bytes source, unsigned depth, struct ks_cdc_event *e)
{
	struct ks_bytes name, value;
	const unsigned char *p;
	struct ks_head head;
	struct ks_val v;
	uint32_t i;

	if (!is_map(source, &head) || depth == 0)
		return;
	p = head.body;
	for (i = 0; i < head.count && next_member(&p, source.p + source.n, depth - 1, &name, &value); i++) {
		if (ks_bytes_is(name, "ts_ms") && read_scalar(value, &v) && v.type == KS_INT) {
			e->has_time = true;
			e->time_ms = v.i;
		} else if (ks_bytes_is(name, "lsn") && read_scalar(value, &v) && v.type == KS_INT) {
			e->has_lsn = true;
			e->lsn = v.i;
		}
	}
}

static bool is_unavailable(struct ks_bytes value)
{
	struct ks_head head;
	struct ks_val v;
	size_t i;

	/* An array of one that is. */
	if (value.n > 1 && ks_mp_head(value.p, value.p + value.n, &head) == KS_MP_OK && head.type == KS_ARRAY && head.count == 1)
		value = ks_bytes(head.body, value.n - (size_t)(head.body - value.p));
	if (!read_scalar(value, &v) || v.type != KS_STR)
		return false;
	for (i = 0; i < sizeof(unavailable) / sizeof(unavailable[0]); i++)
		if (ks_bytes_is(v.b, unavailable[i]))
			return true;
	return false;
}

static bool any_unavailable(struct ks_bytes row, unsigned depth)
{
	struct ks_bytes name, value;
	const unsigned char *p;
	struct ks_head head;
	uint32_t i;

	if (!is_map(row, &head) || depth == 0)
		return false;
	p = head.body;
	for (i = 0; i < head.count && next_member(&p, row.p + row.n, depth - 1, &name, &value); i++)
		if (is_unavailable(value))
			return true;
	return false;
}

static const char *read_op(struct ks_bytes op, struct ks_bytes after, unsigned depth, struct ks_cdc_event *e)
{
	struct ks_head head;
	struct ks_val v;

	if (!read_scalar(op, &v) || v.type != KS_STR || v.b.n != 1)
		return not_an_event;
	switch (v.b.p[0]) {
	case 'c': case 'r': case 'u':
		if (!is_map(after, &head))
			return "a change event of Debezium whose after is no object";
		e->kind = KS_CDC_ROW;
		e->row = after;
		e->snapshot = v.b.p[0] == 'r';
		e->unavailable = any_unavailable(after, depth);
		return NULL;
	case 'd':
		e->kind = KS_CDC_DELETE;
		return NULL;
	case 't':
		e->kind = KS_CDC_TRUNCATE;
		return NULL;
	case 'm':
		e->kind = KS_CDC_MESSAGE;
		return NULL;
	default:
		return "a change event of Debezium whose op is none of c, r, u, d, t and m";
	}
}

const char *ks_cdc_read(struct ks_bytes value, unsigned depth, struct ks_cdc_event *e)
{
	struct ks_bytes name, member, op = { 0 }, after = { 0 }, source = { 0 };
	const unsigned char *p;
	struct ks_head head;
	uint32_t i;

	*e = (struct ks_cdc_event){ .kind = KS_CDC_TOMBSTONE };
	if (value.n == 1 && value.p[0] == 0xc0)
		return NULL;
	if (ks_unwrap(&value, depth) && value.n == 1 && value.p[0] == 0xc0) {
		e->kind = KS_CDC_DELETE;
		return NULL;
	}
	if (!is_map(value, &head) || depth < 2)
		return not_an_event;
	p = head.body;
	for (i = 0; i < head.count; i++) {
		if (!next_member(&p, value.p + value.n, depth - 1, &name, &member))
			return not_an_event;
		if (ks_bytes_is(name, "op"))
			op = member;
		else if (ks_bytes_is(name, "after"))
			after = member;
		else if (ks_bytes_is(name, "source"))
			source = member;
	}
	read_source(source, depth - 1, e);
	return read_op(op, after, depth - 1, e);
}

/* Text that is an object of JSON becomes it; any other stays. */
static const char *parse_key(struct ks_json *json, struct ks_bytes text, struct ks_buf *room, struct ks_bytes *key)
{
	size_t at;

	room->n = 0;
	if (ks_buf_add(room, text.p, text.n) != 0 || ks_buf_reserve(room, KS_PAD + KS_JSON_ROOM(text.n)) != 0)
		return ks_no_memory;
	memset(room->p + room->n, 0, KS_PAD);
	at = room->n += KS_PAD;
	switch (ks_json_parse(json, ks_bytes(room->p, text.n), room)) {
	case KS_JSON_OK:
		*key = ks_bytes(room->p + at, room->n - at);
		return NULL;
	case KS_JSON_MEMORY:
		return ks_no_memory;
	default:
		return NULL;
	}
}

const char *ks_cdc_key(struct ks_json *json, struct ks_bytes key, unsigned depth, struct ks_buf *room,
    struct ks_bytes *plain, bool *unwrapped)
{
	const char *wrong;
	struct ks_val v;

	*plain = key;
	*unwrapped = false;
	if (read_scalar(key, &v) && v.type == KS_STR && v.b.n > 0 && v.b.p[0] == '{') {
		wrong = parse_key(json, v.b, room, plain);
		if (wrong != NULL)
			return wrong;
	}
	*unwrapped = ks_unwrap(plain, depth);
	if (plain->n == 1 && plain->p[0] == 0xc0)
		return "the event has no key: a table without a primary key cannot be followed";
	return NULL;
}

static bool find_member(struct ks_bytes row, struct ks_bytes wanted, unsigned depth, struct ks_bytes *value)
{
	struct ks_bytes name;
	const unsigned char *p;
	struct ks_head head;
	uint32_t i;

	if (!is_map(row, &head))
		return false;
	p = head.body;
	for (i = 0; i < head.count && next_member(&p, row.p + row.n, depth, &name, value); i++)
		if (ks_bytes_eq(name, wanted))
			return true;
	return false;
}

int ks_cdc_complete(struct ks_bytes row, struct ks_bytes before, unsigned depth, struct ks_buf *out, bool *missing)
{
	struct ks_bytes name, value, old;
	const unsigned char *p, *at;
	struct ks_head head;
	uint32_t i;
	int no;

	*missing = false;
	if (!is_map(row, &head) || depth == 0)
		ks_bug("a row that was not read");
	no = ks_buf_add(out, row.p, (size_t)(head.body - row.p));
	p = at = head.body;
	for (i = 0; i < head.count && no == 0; i++, at = p) {
		if (!next_member(&p, row.p + row.n, depth - 1, &name, &value))
			ks_bug("a row that was not read");
		no = ks_buf_add(out, at, (size_t)(value.p - at));	/* its name */
		if (is_unavailable(value)) {
			if (find_member(before, name, depth - 1, &old))
				value = old;
			else
				*missing = true;
		}
		if (no == 0)
			no = ks_buf_add(out, value.p, value.n);
	}
	return no;
}
