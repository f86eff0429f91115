/* SPDX-License-Identifier: MIT */
/*
 * json.c - JSON to msgpack and back, differential: what is accepted is msgpack
 * to msgpack-c, prints, and parses to the same; a second reader, which skips
 * instead of reading, agrees; and a ks_json with a memory reads no otherwise, nor does
 * one that is given a line among lines.
 * The input is documents with a NUL between them, one ks_json for all.
 */
#include "lib/json.h"

#include <msgpack.h>
#include <string.h>

#include "lib/json-lines.h"
#include "lib/json-pack.h"
#include "tests/fuzz/must.h"

#define DEPTH 30u	/* msgpack-c refuses more than 32 */

/* The same by the way of many lines; behind its newline stands nothing that is one. */
static void check_lines(struct ks_json *j, struct ks_bytes text, bool sound, const struct ks_buf *whole)
{
	struct ks_json_lines l = {
		.head = "size..........", .head_n = 14, .size_from = 4, .offset_at = 5, .offset_n = 4, .offset = 9,
		.offset_max = INT64_MAX, .value_max = SIZE_MAX, .line_max = SIZE_MAX, .enough = SIZE_MAX,
	};
	uint64_t duplicates = j->duplicates;
	struct ks_buf out;

	ks_buf_init(&out, KS_PAD + KS_JSON_ROOM(text.n));
	MUST(ks_json_lines(j, &l, text, &out) == 0);
	MUST(l.count == (sound ? 1 : 0) && l.offset == 9 + (sound ? (int64_t)text.n : 0));
	MUST(sound || j->duplicates == duplicates);
	MUST(!sound || (out.n == 14 + whole->n && memcmp(out.p + 14, whole->p, whole->n) == 0));
	MUST(!sound || (ks_get32(out.p) == 10 + whole->n && ks_get32(out.p + 5) == 9));
	j->duplicates = duplicates;
	ks_buf_release(&out);
}

/* A document as the first of many lines: the same value, up to the newline. */
static void check_line(struct ks_json *j, struct ks_bytes text, enum ks_json_error e, const struct ks_buf *whole)
{
	uint64_t duplicates = j->duplicates;
	struct ks_buf out;
	bool sound;

	/* The last bytes are its pad. */
	text.n -= KS_PAD - 1;
	ks_buf_init(&out, text.n / 4 * 9 + 128);
	sound = ks_json_line(j, text, &out) == KS_JSON_OK;
	j->duplicates = duplicates;
	MUST(sound == (e == KS_JSON_OK) || memchr(text.p, '\0', text.n) != NULL);
	MUST(!sound || (j->at == text.p + text.n - 1 && ks_bytes_eq(ks_buf_bytes(&out), ks_buf_bytes(whole))));
	ks_buf_release(&out);
	check_lines(j, text, sound, whole);
}

/* The text with its pad, in just that much memory; out has just the room that is promised. */
static enum ks_json_error parse(struct ks_json *j, struct ks_bytes text, char first, struct ks_buf *out)
{
	unsigned char *p = calloc(1, text.n + KS_PAD);
	enum ks_json_error e;
	struct ks_scan s;
	const unsigned char *end;

	MUST(p != NULL);
	if (text.n > 0)
		memcpy(p, text.p, text.n);
	p[text.n] = (unsigned char)first;
	if (first == '\n')
		memset(p + text.n + 1, '"', KS_PAD - 1);
	ks_buf_init(out, text.n / 4 * 9 + 128);
	e = ks_json_parse(j, ks_bytes(p, text.n), out);
	MUST(e == KS_JSON_OK || (j->at >= p && j->at <= p + text.n));
	if (first == '\n' && memchr(p, '\n', text.n) == NULL)
		check_line(j, ks_bytes(p, text.n + KS_PAD), e, out);
	s = (struct ks_scan){ .end = p + text.n };
	end = ks_scan_value(&s, ks_scan_ws(&s, p), j->depth);
	if (end != NULL)
		end = ks_scan_ws(&s, end);
	MUST((e == KS_JSON_OK) == (end == p + text.n));
	MUST(end != NULL || s.e == e);
	free(p);
	return e;
}

static void check_oracle(struct ks_bytes value)
{
	msgpack_unpacked u;
	size_t off = 0;

	msgpack_unpacked_init(&u);
	MUST(msgpack_unpack_next(&u, (const char *)value.p, value.n, &off) == MSGPACK_UNPACK_SUCCESS);
	MUST(off == value.n);
	msgpack_unpacked_destroy(&u);
}

static void try_document(struct ks_json *j, struct ks_bytes text)
{
	struct ks_buf out, alone, line, again;
	enum ks_json_error e;
	struct ks_json fresh;
	uint64_t before = j->duplicates;
	int no;

	e = parse(j, text, '\0', &out);
	ks_json_init(&fresh, DEPTH);
	fresh.pack = &ks_pack_plain;
	MUST(parse(&fresh, text, '\n', &alone) == e);
	MUST(e != KS_JSON_OK || fresh.duplicates == j->duplicates - before);
	MUST(ks_bytes_eq(ks_buf_bytes(&out), ks_buf_bytes(&alone)));
	if (e == KS_JSON_OK) {
		MUST(ks_mp_check(ks_buf_bytes(&out), DEPTH) == KS_MP_OK);
		check_oracle(ks_buf_bytes(&out));
		ks_buf_init(&line, (size_t)1 << 24);
		MUST(ks_json_print(ks_buf_bytes(&out), DEPTH, &line, &no) == KS_MP_OK && no == 0);
		MUST(memchr(line.p, '\n', line.n) == NULL);
		MUST(parse(&fresh, ks_buf_bytes(&line), '\n', &again) == KS_JSON_OK);
		MUST(ks_bytes_eq(ks_buf_bytes(&out), ks_buf_bytes(&again)));
		ks_buf_release(&line);
		ks_buf_release(&again);
	}
	ks_json_release(&fresh);
	ks_buf_release(&out);
	ks_buf_release(&alone);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	const uint8_t *end = p + n, *nul;
	struct ks_json j;

	ks_json_init(&j, DEPTH);
	for (;;) {
		nul = p < end ? memchr(p, '\0', (size_t)(end - p)) : NULL;
		try_document(&j, ks_bytes(p, (size_t)((nul != NULL ? nul : end) - p)));
		if (nul == NULL)
			break;
		p = nul + 1;
	}
	ks_json_release(&j);
	return 0;
}
