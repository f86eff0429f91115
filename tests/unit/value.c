/* SPDX-License-Identifier: MIT */
/*
 * value.c - the msgpack cursor.  msgpack-c says what is msgpack and what it
 * holds; our own rules on top of it (no ext, string keys, nothing behind the
 * value, a depth) are checked beside it.
 */
#include "lib/value.h"

#include <math.h>
#include <msgpack.h>

#include "tests/unit/kit.h"

#define ORACLE_DEPTH 30u	/* msgpack-c 4 refuses a nesting above 32 */

/* Decode and encode again: what comes back as it was is UTF-8. */
static bool is_utf8(const unsigned char *p, size_t n)
{
	static const uint32_t least[] = { 0, 0x80, 0x800, 0x10000 };
	uint32_t c;
	size_t i, k, more;

	for (i = 0; i < n; i += more + 1) {
		more = p[i] < 0x80 ? 0 : p[i] < 0xc0 ? 9 : p[i] < 0xe0 ? 1 : p[i] < 0xf0 ? 2 : p[i] < 0xf8 ? 3 : 9;
		if (more == 9 || i + more >= n)
			return false;
		c = more == 0 ? p[i] : p[i] & (0x3fu >> more);
		for (k = 1; k <= more; k++) {
			if (p[i + k] >> 6 != 2)
				return false;
			c = c << 6 | (p[i + k] & 0x3f);
		}
		if (c < least[more] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
			return false;
	}
	return true;
}

/* Our rules over what msgpack-c has read. */
static bool allowed(const msgpack_object *o, unsigned depth, bool *text)
{
	uint32_t i;

	switch (o->type) {
	case MSGPACK_OBJECT_EXT:
		return false;
	case MSGPACK_OBJECT_STR:
		*text &= is_utf8((const unsigned char *)o->via.str.ptr, o->via.str.size);
		return true;
	case MSGPACK_OBJECT_ARRAY:
		for (i = 0; i < o->via.array.size; i++)
			if (depth == 0 || !allowed(&o->via.array.ptr[i], depth - 1, text))
				return false;
		return depth > 0;
	case MSGPACK_OBJECT_MAP:
		for (i = 0; i < o->via.map.size; i++)
			if (depth == 0 || o->via.map.ptr[i].key.type != MSGPACK_OBJECT_STR ||
			    !allowed(&o->via.map.ptr[i].key, 0, text) ||
			    !allowed(&o->via.map.ptr[i].val, depth - 1, text))
				return false;
		return depth > 0;
	default:
		return true;
	}
}

static void same(const msgpack_object *o, const unsigned char **p, const unsigned char *end)
{
	const unsigned char *inner;
	struct ks_head head;
	struct ks_val v;
	uint32_t i;

	assert_int_equal(ks_mp_head(*p, end, &head), KS_MP_OK);
	inner = head.body;
	assert_int_equal(ks_mp_read(p, end, ORACLE_DEPTH, &v), KS_MP_OK);
	assert_int_equal(head.type == KS_INT && v.type == KS_UINT ? KS_UINT : head.type, v.type);
	switch (o->type) {
	case MSGPACK_OBJECT_NIL:
		assert_int_equal(v.type, KS_NIL);
		break;
	case MSGPACK_OBJECT_BOOLEAN:
		assert_int_equal(v.type, o->via.boolean ? KS_TRUE : KS_FALSE);
		break;
	case MSGPACK_OBJECT_POSITIVE_INTEGER:
		assert_int_equal(v.type, o->via.u64 > INT64_MAX ? KS_UINT : KS_INT);
		assert_true(v.type == KS_UINT ? v.u == o->via.u64 : (uint64_t)v.i == o->via.u64);
		break;
	case MSGPACK_OBJECT_NEGATIVE_INTEGER:
		assert_int_equal(v.type, KS_INT);
		assert_true(v.i == o->via.i64);
		break;
	case MSGPACK_OBJECT_FLOAT32: case MSGPACK_OBJECT_FLOAT64:
		assert_int_equal(v.type, KS_FLOAT);
		assert_true(v.d == o->via.f64 || (isnan(v.d) && isnan(o->via.f64)));
		break;
	case MSGPACK_OBJECT_STR: case MSGPACK_OBJECT_BIN:	/* the two have one layout */
		assert_int_equal(v.type, o->type == MSGPACK_OBJECT_STR ? KS_STR : KS_BIN);
		assert_int_equal(v.b.n, o->via.str.size);
		assert_int_equal(head.count, v.b.n);
		assert_true(head.body == v.b.p);
		assert_memory_equal(v.b.p, o->via.str.ptr, v.b.n);
		break;
	case MSGPACK_OBJECT_ARRAY:
		assert_int_equal(v.type, KS_ARRAY);
		assert_int_equal(head.count, o->via.array.size);
		for (i = 0; i < head.count; i++)
			same(&o->via.array.ptr[i], &inner, end);
		assert_true(inner == *p && v.b.p + v.b.n == *p);
		break;
	case MSGPACK_OBJECT_MAP:
		assert_int_equal(v.type, KS_MAP);
		assert_int_equal(head.count, o->via.map.size);
		for (i = 0; i < head.count; i++) {
			same(&o->via.map.ptr[i].key, &inner, end);
			same(&o->via.map.ptr[i].val, &inner, end);
		}
		assert_true(inner == *p && v.b.p + v.b.n == *p);
		break;
	default:
		fail_msg("an ext was read");
	}
}

/* msgpack-c would take gigabytes for such a claim before it finds them missing. */
static bool claims_much(const unsigned char *p, size_t n)
{
	size_t i;

	for (i = 0; i + 5 <= n; i++)
		if ((p[i] == 0xdd || p[i] == 0xdf) && ks_get32(p + i + 1) > 100000)
			return true;
	return false;
}

/* The same verdict and the same structure; returns whether it was accepted. */
static bool compare(const unsigned char *bytes, size_t n, unsigned depth)
{
	unsigned char *copy = kit_exact(bytes, n);
	const unsigned char *p = copy, *end = copy + n;
	msgpack_unpack_return got;
	msgpack_unpacked u;
	enum ks_mp_error skip, check;
	bool text = true, ok;
	size_t off = 0;

	skip = ks_mp_skip(&p, end, depth);
	assert_true(skip == KS_MP_OK || p == copy);
	check = ks_mp_check(ks_bytes(copy, n), depth);
	assert_non_null(ks_mp_strerror(check));
	if (claims_much(copy, n)) {
		free(copy);
		return check == KS_MP_OK;
	}
	msgpack_unpacked_init(&u);
	got = msgpack_unpack_next(&u, (const char *)copy, n, &off);
	ok = (got == MSGPACK_UNPACK_SUCCESS || got == MSGPACK_UNPACK_EXTRA_BYTES) &&
	    allowed(&u.data, depth, &text);
	assert_int_equal(skip == KS_MP_OK, ok);
	assert_int_equal(check == KS_MP_OK, ok && text && off == n);
	if (ok) {
		assert_int_equal(p - copy, off);
		p = copy;
		same(&u.data, &p, end);
		if (text && off < n)
			assert_int_equal(check, KS_MP_TRAILING);
		if (!text && off == n)
			assert_int_equal(check, KS_MP_UTF8);
	}
	msgpack_unpacked_destroy(&u);
	free(copy);
	return check == KS_MP_OK;
}

static void pack_text(msgpack_packer *pk, uint64_t *seed, size_t n)
{
	static const char *const piece[] = { "a", "Z", "\"", "\\", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\x01" };
	struct ks_buf b;
	const char *s;

	ks_buf_init(&b, 1 << 20);
	while (b.n < n) {
		s = piece[kit_below(seed, COUNT(piece))];
		assert_int_equal(ks_buf_add(&b, s, strlen(s)), 0);
	}
	msgpack_pack_str(pk, b.n);
	msgpack_pack_str_body(pk, b.p, b.n);
	ks_buf_release(&b);
}

static size_t random_size(uint64_t *seed)
{
	static const size_t edge[] = { 15, 16, 31, 32, 255, 256 };

	return kit_below(seed, 40) == 0 ? edge[kit_below(seed, COUNT(edge))] : kit_below(seed, 6);
}

static void pack_random(msgpack_packer *pk, uint64_t *seed, unsigned depth)
{
	size_t i, n;

	switch (kit_below(seed, depth > 0 ? 12 : 9)) {
	case 0: msgpack_pack_nil(pk); return;
	case 1: msgpack_pack_true(pk); return;
	case 2: msgpack_pack_false(pk); return;
	case 3: msgpack_pack_int64(pk, (int64_t)kit_random(seed) >> kit_below(seed, 64)); return;
	case 4: msgpack_pack_uint64(pk, kit_random(seed) >> kit_below(seed, 64)); return;
	case 5: msgpack_pack_double(pk, (double)(int64_t)kit_random(seed) / 256); return;
	case 6: msgpack_pack_float(pk, (float)kit_random(seed)); return;
	case 7: pack_text(pk, seed, random_size(seed)); return;
	case 8:
		n = random_size(seed);
		msgpack_pack_bin(pk, n);
		for (i = 0; i < n; i++)
			msgpack_pack_bin_body(pk, &(char){ (char)kit_random(seed) }, 1);
		return;
	case 9: case 10:
		n = random_size(seed) % 20;
		msgpack_pack_array(pk, n);
		for (i = 0; i < n; i++)
			pack_random(pk, seed, depth - 1);
		return;
	default:
		n = random_size(seed) % 20;
		msgpack_pack_map(pk, n);
		for (i = 0; i < n; i++) {
			pack_text(pk, seed, random_size(seed));
			pack_random(pk, seed, depth - 1);
		}
	}
}

static void well_formed(void **state)
{
	uint64_t seed = 1;
	msgpack_sbuffer b;
	msgpack_packer pk;
	size_t i;

	(void)state;
	msgpack_sbuffer_init(&b);
	for (i = 0; i < 4000; i++) {
		msgpack_sbuffer_clear(&b);
		msgpack_packer_init(&pk, &b, msgpack_sbuffer_write);
		pack_random(&pk, &seed, 5);
		assert_true(compare((unsigned char *)b.data, b.size, ORACLE_DEPTH));
	}
	msgpack_sbuffer_destroy(&b);
}

static void mutated(void **state)
{
	static const unsigned char tag[] = {
		0xc0, 0xc1, 0xc2, 0xc4, 0xc5, 0xc6, 0xc7, 0xc9, 0xca, 0xcb, 0xcc, 0xcd, 0xce, 0xcf, 0xd0,
		0xd1, 0xd2, 0xd3, 0xd4, 0xd8, 0xd9, 0xda, 0xdb, 0xdc, 0xdd, 0xde, 0xdf, 0xe0, 0xff, 0x00,
		0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf,
	};
	size_t i, k, n, accepted = 0, refused = 0;
	uint64_t seed = 2;
	msgpack_sbuffer b;
	msgpack_packer pk;

	(void)state;
	msgpack_sbuffer_init(&b);
	for (i = 0; i < 60000; i++) {
		msgpack_sbuffer_clear(&b);
		msgpack_packer_init(&pk, &b, msgpack_sbuffer_write);
		pack_random(&pk, &seed, 3);
		n = b.size;
		for (k = 1 + kit_below(&seed, 3); k > 0; k--) {
			switch (kit_below(&seed, 4)) {
			case 0: n = kit_below(&seed, n + 1); break;
			case 1: msgpack_sbuffer_write(&b, (const char *)&tag[kit_below(&seed, sizeof(tag))], 1); n = b.size; break;
			case 2: b.data[kit_below(&seed, b.size)] = (char)tag[kit_below(&seed, sizeof(tag))]; break;
			default: b.data[kit_below(&seed, b.size)] = (char)kit_random(&seed); break;
			}
		}
		if (compare((unsigned char *)b.data, n, ORACLE_DEPTH))
			accepted++;
		else
			refused++;
	}
	msgpack_sbuffer_destroy(&b);
	assert_true(accepted > 3000 && refused > 10000);
}

/* Nothing but random bytes, all values of the first two covered. */
static void noise(void **state)
{
	unsigned char bytes[24];
	uint64_t seed = 3;
	size_t i, k;

	(void)state;
	for (i = 0; i < 65536; i++) {
		for (k = 0; k < sizeof(bytes); k++)
			bytes[k] = (unsigned char)kit_random(&seed);
		bytes[0] = (unsigned char)i;
		bytes[1] = (unsigned char)(i >> 8);
		compare(bytes, i % (sizeof(bytes) + 1), ORACLE_DEPTH);
	}
}

static void errors(void **state)
{
	static const struct {
		const char *hex;
		unsigned depth;
		enum ks_mp_error want;
	} table[] = {
		{ "", 9, KS_MP_TRUNCATED }, { "c1", 9, KS_MP_RESERVED }, { "91 c1", 9, KS_MP_RESERVED },
		{ "d4 0100", 9, KS_MP_EXT }, { "c7 0001", 9, KS_MP_EXT }, { "c9 00000000 01", 9, KS_MP_EXT },
		{ "81 d4 0100 c0", 9, KS_MP_KEY }, { "81 01 c0", 9, KS_MP_KEY }, { "81 c0 c0", 9, KS_MP_KEY },
		{ "81 c4 01 61 c0", 9, KS_MP_KEY }, { "81 90 c0", 9, KS_MP_KEY },
		{ "c0 c0", 9, KS_MP_TRAILING }, { "a1", 9, KS_MP_TRUNCATED }, { "d9", 9, KS_MP_TRUNCATED },
		{ "da 00", 9, KS_MP_TRUNCATED }, { "db ffffffff 00", 9, KS_MP_TRUNCATED },
		{ "c6 ffffffff 00", 9, KS_MP_TRUNCATED }, { "cb 00000000", 9, KS_MP_TRUNCATED },
		{ "dd ffffffff c0", 9, KS_MP_COUNT }, { "df 7fffffff c0", 9, KS_MP_COUNT },
		{ "df 00000001 a0", 9, KS_MP_COUNT }, { "92 c0", 9, KS_MP_COUNT }, { "82 a0 c0 a0", 9, KS_MP_COUNT },
		{ "91 dc ffff c0", 9, KS_MP_COUNT }, { "a1 ff", 9, KS_MP_UTF8 }, { "81 a1 80 c0", 9, KS_MP_UTF8 },
		{ "92 a1 61 a2 c3 28", 9, KS_MP_UTF8 }, { "90", 0, KS_MP_DEPTH }, { "80", 0, KS_MP_DEPTH },
		{ "90", 1, KS_MP_OK }, { "91 90", 1, KS_MP_DEPTH }, { "91 90", 2, KS_MP_OK },
		{ "81 a1 61 80", 1, KS_MP_DEPTH }, { "81 a1 61 80", 2, KS_MP_OK }, { "81 a1 61 c0", 1, KS_MP_OK },
		{ "c4 02 fffe", 0, KS_MP_OK }, { "d9 03 616263", 0, KS_MP_OK },	/* not minimal, but allowed */
	};
	struct ks_buf b;
	size_t i;

	(void)state;
	ks_buf_init(&b, 1 << 20);
	for (i = 0; i < COUNT(table); i++) {
		unsigned char *copy;

		b.n = 0;
		kit_hex(&b, table[i].hex);
		copy = kit_exact(b.p, b.n);
		if (ks_mp_check(ks_bytes(copy, b.n), table[i].depth) != table[i].want)
			fail_msg("%s: %s", table[i].hex, ks_mp_strerror(ks_mp_check(ks_bytes(copy, b.n), table[i].depth)));
		free(copy);
	}
	ks_buf_release(&b);
}

/* 10,000 levels, as --max-depth may ask for: the walk recurses. */
static void deep(void **state)
{
	struct ks_buf b;
	size_t i;

	(void)state;
	ks_buf_init(&b, 1 << 20);
	for (i = 0; i < KS_DEPTH_CEILING; i++)
		kit_hex(&b, i % 2 == 0 ? "91" : "81 a1 61");
	kit_hex(&b, "c0");
	assert_int_equal(ks_mp_check(ks_buf_bytes(&b), KS_DEPTH_CEILING), KS_MP_OK);
	assert_int_equal(ks_mp_check(ks_buf_bytes(&b), KS_DEPTH_CEILING - 1), KS_MP_DEPTH);
	assert_int_equal(ks_mp_check(ks_bytes(b.p, b.n - 1), KS_DEPTH_CEILING), KS_MP_TRUNCATED);
	ks_buf_release(&b);
}

/* msgpack-c writes minimal forms, too. */
static void encoders(void **state)
{
	static const int64_t edge[] = {
		0, 127, 128, 255, 256, 32767, 32768, 65535, 65536, 2147483647, 2147483648, 4294967295, 4294967296,
		INT64_MAX, -1, -32, -33, -127, -128, -129, -32768, -32769, -2147483648LL, -2147483649LL, INT64_MIN,
	};
	static const uint32_t size[] = { 0, 1, 15, 16, 31, 32, 255, 256, 65535, 65536, UINT32_MAX };
	unsigned char o[KS_MP_HEADER];
	msgpack_sbuffer b;
	msgpack_packer pk;
	size_t i;

	(void)state;
	msgpack_sbuffer_init(&b);
	msgpack_packer_init(&pk, &b, msgpack_sbuffer_write);
#define CHECK(end) do { \
		size_t length = (size_t)((end) - o); \
		assert_int_equal(length, b.size); \
		assert_memory_equal(o, b.data, b.size); \
		msgpack_sbuffer_clear(&b); \
	} while (0)
	for (i = 0; i < COUNT(edge); i++) {
		msgpack_pack_int64(&pk, edge[i]);
		CHECK(ks_mp_put_i64(o, edge[i]));
		msgpack_pack_uint64(&pk, (uint64_t)edge[i]);
		CHECK(ks_mp_put_u64(o, (uint64_t)edge[i]));
	}
	for (i = 0; i < COUNT(size); i++) {
		msgpack_pack_str(&pk, size[i]);
		CHECK(ks_mp_put_str_head(o, size[i]));
		msgpack_pack_bin(&pk, size[i]);
		CHECK(ks_mp_put_bin_head(o, size[i]));
		msgpack_pack_array(&pk, size[i]);
		CHECK(ks_mp_put_array_head(o, size[i]));
		msgpack_pack_map(&pk, size[i]);
		CHECK(ks_mp_put_map_head(o, size[i]));
	}
	msgpack_pack_double(&pk, -0.0);
	CHECK(ks_mp_put_f64(o, -0.0));
	msgpack_pack_double(&pk, 1.0);	/* a float stays one */
	CHECK(ks_mp_put_f64(o, 1.0));
#undef CHECK
	msgpack_sbuffer_destroy(&b);
}

/* What was read is written again: the same for containers, minimal for the rest. */
static void copies(void **state)
{
	static const struct {
		const char *from, *to;
	} table[] = {
		{ "c0", "c0" }, { "c2", "c2" }, { "c3", "c3" }, { "d3 0000000000000005", "05" }, { "cf ffffffffffffffff", "cf ffffffffffffffff" },
		{ "ca 3f800000", "cb 3ff0000000000000" }, { "db 00000001 61", "a1 61" }, { "c6 00000001 ff", "c4 01 ff" },
		{ "dd 00000001 c0", "dd 00000001 c0" }, { "81 a1 61 90", "81 a1 61 90" },
	};
	struct ks_buf from, to, want;
	const unsigned char *p;
	struct ks_val v;
	size_t i;

	(void)state;
	ks_buf_init(&from, 1 << 20);
	ks_buf_init(&to, 1 << 20);
	ks_buf_init(&want, 1 << 20);
	for (i = 0; i < COUNT(table); i++) {
		from.n = to.n = want.n = 0;
		kit_hex(&from, table[i].from);
		kit_hex(&want, table[i].to);
		p = from.p;
		assert_int_equal(ks_mp_read(&p, from.p + from.n, 4, &v), KS_MP_OK);
		assert_int_equal(ks_mp_add_val(&to, &v), 0);
		assert_true(ks_bytes_eq(ks_buf_bytes(&to), ks_buf_bytes(&want)));
	}
	to.n = 0;
	assert_int_equal(ks_mp_add_str(&to, ks_bytes(NULL, 0)), 0);
	assert_true(to.n == 1 && to.p[0] == 0xc0);
	to.n = 0;
	assert_int_equal(ks_mp_add_str(&to, ks_str("")), 0);
	assert_true(to.n == 1 && to.p[0] == 0xa0);
	ks_buf_release(&from);
	ks_buf_release(&to);
	ks_buf_release(&want);
}

static void utf8(void **state)
{
	static const unsigned char lead[] = {
		0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed,
		0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff,
	};
	unsigned char text[24], *copy;
	uint64_t seed = 5;
	size_t i, k, n, good, whole = 0;

	(void)state;
	for (i = 0; i < 300000; i++) {
		n = kit_below(&seed, sizeof(text) + 1);
		for (k = 0; k < n; k++)
			text[k] = kit_below(&seed, 3) > 0 ? 'x' : lead[kit_below(&seed, sizeof(lead))];
		copy = kit_exact(text, n);
		good = ks_utf8_prefix(copy, n);
		assert_true(good <= n);
		assert_int_equal(good == n, is_utf8(copy, n));
		assert_true(is_utf8(copy, good));
		whole += good == n;
		free(copy);
	}
	assert_true(whole > 1000);
}

static void words(void **state)
{
	static const char *const name[] = {
		"null", "boolean", "boolean", "number", "number", "number", "string", "bytes", "array", "object",
	};
	struct ks_val v = { .i = 0 };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(name); i++) {
		v.type = (enum ks_type)i;
		assert_string_equal(ks_val_typename(&v), name[i]);
		assert_int_equal(ks_val_true(&v), i > 1);
		assert_int_equal(ks_val_number(&v), i >= 3 && i <= 5);
	}
	v = (struct ks_val){ .type = KS_UINT, .u = UINT64_MAX };
	assert_true(ks_val_double(&v) == 18446744073709551616.0);
	v = (struct ks_val){ .type = KS_INT, .i = -3 };
	assert_true(ks_val_double(&v) == -3.0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(well_formed), cmocka_unit_test(mutated), cmocka_unit_test(noise),
		cmocka_unit_test(errors), cmocka_unit_test(deep), cmocka_unit_test(encoders), cmocka_unit_test(copies),
		cmocka_unit_test(utf8), cmocka_unit_test(words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
