/* SPDX-License-Identifier: MIT */
/*
 * expr-plain.c - objects of paths and literals, copied to where they go out:
 * always the bytes that evaluation gives, never past the room there is; and
 * keys that are known again from the record before.
 */
#include "lib/expr-impl.h"
#include "tests/unit/kit.h"

#define ROOM 4096u

static const struct ks_limits limits = {
	.record = KS_RECORD_MAX, .key = KS_KEY_MAX, .depth = KS_DEPTH_MAX,
};

/* To be freed. */
static struct ks_bytes bytes_of(const char *hex)
{
	struct ks_bytes exact;
	struct ks_buf b;

	ks_buf_init(&b, 4096);
	kit_hex(&b, hex);
	exact = ks_bytes(kit_exact(b.p, b.n), b.n);
	ks_buf_release(&b);
	return exact;
}

struct probe {
	struct ks_expr_set *set;
	struct ks_expr *e;
};

static void open_probe(struct probe *x, const char *program)
{
	struct ks_err err;

	x->set = ks_expr_set_new(&limits);
	assert_non_null(x->set);
	if (ks_expr_add(x->set, program, &x->e, &err) != 0)
		fail_msg("%s: %s", program, err.text);
}

static const char *load(struct probe *x, struct ks_bytes value)
{
	struct ks_rec rec = { .key = ks_mp_nil, .headers = ks_no_headers, .value = value };

	return ks_expr_load(x->set, &rec);
}

/* Loaded is a value that ends where its memory does: whether it is copied, and if so, to what evaluation gives. */
static bool copies(struct probe *x, const char *what)
{
	unsigned char room[ROOM + 1] = { [ROOM] = 0x5a };
	size_t n = ks_expr_copy(x->e, (struct ks_room){ room, ROOM }), least;
	unsigned char *small;
	struct ks_val v;

	assert_int_equal(room[ROOM], 0x5a);
	if (ks_expr_eval(x->e, &v) != NULL) {
		assert_int_equal(n, 0);
		return false;
	}
	if (n > 0 && (v.type != KS_MAP || v.b.n != n || memcmp(v.b.p, room, n) != 0))
		fail_msg("%s: copied, it is another one", what);
	assert_null(ks_expr_eval_to(x->e, (struct ks_room){ room, ROOM }, &v));
	assert_ptr_equal(v.b.p, room);
	for (least = 0; least < ROOM; least += 7) {
		small = malloc(least + 1);
		assert_non_null(small);
		small[least] = 0xa5;
		(void)ks_expr_copy(x->e, (struct ks_room){ small, least });
		assert_null(ks_expr_eval_to(x->e, (struct ks_room){ small, least }, &v));
		assert_int_equal(small[least], 0xa5);
		free(small);
	}
	return n > 0;
}

/* Each form of a scalar, at the ends of what it is for. */
static void forms(void **state)
{
	static const struct {
		const char *hex;
		bool copied;
	} table[] = {
		{ "00", true }, { "7f", true }, { "e0", true }, { "ff", true }, { "c0", true }, { "c2", true }, { "c3", true },
		{ "cc 7f", false }, { "cc 80", true }, { "cc ff", true }, { "cd 00ff", false }, { "cd 0100", true }, { "cd ffff", true },
		{ "ce 0000ffff", false }, { "ce 00010000", true }, { "ce ffffffff", true }, { "cf 00000000ffffffff", false },
		{ "cf 0000000100000000", true }, { "cf ffffffffffffffff", true }, { "cf 7fffffffffffffff", true },
		{ "d0 7f", false }, { "d0 80", true }, { "d0 df", true }, { "d0 e0", false }, { "d0 ff", false },
		{ "d1 7fff", false }, { "d1 8000", true }, { "d1 ff7f", true }, { "d1 ff80", false }, { "d1 0001", false },
		{ "d2 7fffffff", false }, { "d2 80000000", true }, { "d2 ffff7fff", true }, { "d2 ffff8000", false },
		{ "d3 7fffffffffffffff", false }, { "d3 8000000000000000", true }, { "d3 ffffffff7fffffff", true },
		{ "d3 ffffffff80000000", false }, { "ca 3fc00000", false }, { "cb 3ff8000000000000", true }, { "cb 7ff8000000000000", true },
		{ "a0", true }, { "a1 'a'", true }, { "af '0123456789abcde'", true }, { "b0 '0123456789abcdef'", true },
		{ "bf '0123456789abcdef0123456789abcde'", true }, { "d9 01 'a'", false }, { "d9 1f '0123456789abcdef0123456789abcde'", false },
		{ "d9 20 '0123456789abcdef0123456789abcdef'", true }, { "da 0001 'a'", false }, { "c4 01 ff", false }, { "90", false },
		{ "80", false }, { "82 a1'b' 01 a1'c' 91 02", false },
	};
	static const char program[] = "{a: .x, k: 7, t: \"text\", n: -100, \"a key that has thirty-one bytes\": .x, f: 1.5, z: null}";
	char hex[200];
	struct ks_bytes value;
	struct probe x;
	size_t i;

	(void)state;
	open_probe(&x, program);
	for (i = 0; i < COUNT(table); i++) {
		snprintf(hex, sizeof(hex), "81 a1'x' %s", table[i].hex);
		value = bytes_of(hex);
		assert_null(load(&x, value));
		if (copies(&x, hex) != table[i].copied)
			fail_msg("%s: %s", hex, table[i].copied ? "not copied" : "copied");
		free((void *)(uintptr_t)value.p);
		snprintf(hex, sizeof(hex), "82 a1'x' %s a1'y' b0'0123456789abcdef'", table[i].hex);
		value = bytes_of(hex);
		assert_null(load(&x, value));
		if (copies(&x, hex) != table[i].copied)
			fail_msg("%s: %s", hex, table[i].copied ? "not copied" : "copied");
		free((void *)(uintptr_t)value.p);
	}
	ks_expr_set_free(x.set);
}

/* Cut anywhere, no more is read than is there, and it is wrong for whoever evaluates. */
static void cut(void **state)
{
	struct ks_bytes whole = bytes_of("83 a1'x' d9 20 '0123456789abcdef0123456789abcdef' a1'y' ce 12345678 a1'z' cb 3ff8000000000000");
	unsigned char *part, room[ROOM];
	struct probe x;
	size_t n, copied;
	struct ks_val v;

	(void)state;
	open_probe(&x, "{x, y, z}");
	assert_null(load(&x, whole));
	assert_true(ks_expr_copy(x.e, (struct ks_room){ room, ROOM }) > 0);
	for (n = 0; n < whole.n; n++) {
		part = kit_exact(whole.p, n);
		if (load(&x, ks_bytes(part, n)) == NULL) {
			copied = ks_expr_copy(x.e, (struct ks_room){ room, ROOM });
			assert_int_equal(copied, 0);
			assert_non_null(ks_expr_eval(x.e, &v));
		}
		free(part);
	}
	free((void *)(uintptr_t)whole.p);
	ks_expr_set_free(x.set);
}

/* What has seen other records before says of each the same as what has seen none, of all that it may be cut to. */
static void say_the_same(const char *program, const char *const *records, size_t count)
{
	struct probe old, fresh;
	struct ks_bytes whole;
	const char *a, *b;
	unsigned char *part;
	struct ks_val v, w;
	size_t i, n;

	open_probe(&old, program);
	for (i = 0; i < 2 * count; i++) {
		whole = bytes_of(records[i % count]);
		for (n = 0; n <= whole.n; n++) {
			part = kit_exact(whole.p, n);
			open_probe(&fresh, program);
			a = load(&old, ks_bytes(part, n));
			b = load(&fresh, ks_bytes(part, n));
			if (a != b)
				fail_msg("%s cut to %zu: %s, not %s", records[i % count], n, a != NULL ? a : "well", b != NULL ? b : "well");
			if (a == NULL) {
				a = ks_expr_eval(old.e, &v);
				b = ks_expr_eval(fresh.e, &w);
				assert_true((a == NULL) == (b == NULL) && (a == NULL || strcmp(a, b) == 0));
				if (a == NULL && !ks_bytes_eq(v.b, w.b))
					fail_msg("%s cut to %zu: another value", records[i % count], n);
			}
			ks_expr_set_free(fresh.set);
			free(part);
		}
		free((void *)(uintptr_t)whole.p);
	}
	ks_expr_set_free(old.set);
}

/* The same, of a record whose one before is all that has been seen. */
static void say_behind(const char *program, const char *before, const char *record)
{
	struct ks_bytes first = bytes_of(before), second = bytes_of(record);
	struct probe old, fresh;
	const char *a, *b;
	struct ks_val v, w;

	open_probe(&old, program);
	open_probe(&fresh, program);
	assert_null(load(&old, first));
	assert_null(load(&old, second));
	assert_null(load(&fresh, second));
	a = ks_expr_eval(old.e, &v);
	b = ks_expr_eval(fresh.e, &w);
	if ((a == NULL) != (b == NULL) || (a != NULL && strcmp(a, b) != 0))
		fail_msg("%s behind %s: %s, not %s", record, before, a != NULL ? a : "well", b != NULL ? b : "well");
	if (a == NULL && !ks_bytes_eq(v.b, w.b))
		fail_msg("%s behind %s: another value", record, before);
	ks_expr_set_free(old.set);
	ks_expr_set_free(fresh.set);
	free((void *)(uintptr_t)first.p);
	free((void *)(uintptr_t)second.p);
}

static void known_again(void **state)
{
	static const char *const records[] = {
		"83 a1'x' 01 a2'yy' a3'abc' a1'n' 81 a1'x' 02", "83 a2'yy' a3'abc' a1'x' 01 a1'n' 81 a1'x' 02",
		"83 a1'x' 01 a2'yy' a3'abc' a1'n' 81 a1'x' 02", "82 a1'x' 01 a1'x' 02", "82 a1'z' 92 01 02 a1'x' 02",
		"82 a7'1234567' 01 a8'12345678' 02", "82 a8'12345678' 01 a7'1234567' 02", "82 a8'12345678' 01 a9'123456789' 02",
		"82 af'123456789012345' 01 b0'1234567890123456' 02", "82 b0'1234567890123456' 03 af'123456789012345' 04",
		"82 b0'1234567890123457' 03 af'123456789012346' 04", "82 bf'1234567890123456789012345678901' 05 bf'1234567890123456789012345678902' 06",
		"82 bf'1234567890123456789012345678902' 05 bf'1234567890123456789012345678901' 06",
		"82 bf'1234567890123456789012345678901' 05 b7'12345678901234567890123' 06", "82 d9 01'x' 05 a2'yy' 06",
		"82 b7'12345678901234567890123' 05 b8'123456789012345678901234' 06 a1'x' 09", "81 a1'x' 91 81 a1'x' 03",
		"83 a1'n' 82 a1'x' 01 a1'q' 02 a1'x' 03 a2'yy' d9 21 '0123456789abcdef0123456789abcdefg'", "c0", "80", "81 01 02",
		"81 a1'n' 81 a1'n' 81 a1'x' c3", "82 a1'x' a0 a1'n' 90",
	};
	static const char program[] = "[.x, .yy, .n.x, .n.q, .[\"1234567\"], .[\"12345678\"], .[\"123456789\"], .[\"123456789012345\"], "
	    ".[\"1234567890123456\"], .[\"1234567890123456789012345678901\"], .[\"1234567890123456789012345678902\"], "
	    ".[\"12345678901234567890123\"], .missing]";

	(void)state;
	say_the_same(program, records, COUNT(records));
}

/* Likewise where paths lead to containers, some of which the walk goes over, and to what takes their place. */
static void containers_again(void **state)
{
	static const char *const records[] = {
		"83 a1'a' 82 a1'x' 01 a1'y' 92 01 02 a1'b' 05 a1'c' 91 c0", "83 a1'a' 07 a1'b' 05 a1'c' 08",
		"84 a1'a' 92 01 02 a1'b' 05 a1'c' 07 a1'z' bf'1234567890123456789012345678901'",
		"84 a1'a' cd 0907 a1'b' 05 a1'c' 07 a1'z' bf'1234567890123456789012345678901'",
		"84 a1'a' 91 c0 a1'b' a2'no' a1'c' 07 a1'z' bf'1234567890123456789012345678901'",
		"83 a1'a' a1'x' a1'b' 81 a1'y' 05 a1'c' c0", "83 a1'a' 82 a1'x' 01 a1'y' 92 01 02 a1'b' 05 a1'c' 91 c0",
		"83 a1'a' 90 a1'b' 80 a1'c' 01", "83 a1'a' c0 a1'b' c2 a1'c' c3", "83 a1'c' 81 a1'x' 91 91 90 a1'b' 92 02 03 a1'a' 91 04",
		"82 a1'a' dc 0001 c3 a1'a' 02", "83 a1'a' de 0001 a1'x' 02 a1'b' dd 00000001 c0 a1'c' df 00000001 a1'x' 01",
	};
	static const char *const programs[] = {
		"{a: .a, b: .b, c: .c}", "[.a, .b, .c, (.a | type), (.b | length)]", "[if .a then 1 else 2 end, (.b and .c), (.c | not), .a.x?]",
	};
	size_t i, j, k;

	(void)state;
	for (i = 0; i < COUNT(programs); i++) {
		say_the_same(programs[i], records, COUNT(records));
		/* What is cut short teaches nothing: so each of them behind each other one, too. */
		for (j = 0; j < COUNT(records); j++)
			for (k = 0; k < COUNT(records); k++)
				say_behind(programs[i], records[j], records[k]);
	}
}

/* A sum of objects, however it comes about, has the bytes that ks_expr_object makes of their pairs. */
static void sums(void **state)
{
	static const struct {
		const char *a, *b;
		bool plain;
	} table[] = {
		{ "80", "80", true }, { "81 a1'x' 01", "80", true }, { "80", "81 a1'x' 01", true },
		{ "82 a1'x' 01 a1'y' a2'zz'", "81 a1'z' cb 3ff8000000000000", true },
		{ "82 a1'x' 01 a1'y' 02", "81 a1'x' a3'new'", true }, { "82 a1'x' 01 a1'y' 02", "82 a1'y' 03 a1'x' 04", true },
		{ "83 a1'x' 01 a1'y' 02 a1'x' 03", "80", true }, { "80", "83 a1'x' 01 a1'y' 02 a1'x' 03", true },
		{ "83 a1'x' 01 a1'y' 02 a1'x' 03", "83 a1'y' 05 a1'z' 06 a1'y' 07", true },
		{ "82 a0 01 a1 00 02", "82 a0 03 a1 00 04", true }, { "81 a1'x' 01", "81 a2'x' 00 02", true },
		{ "82 a8'12345678' 01 a8'12345679' 02", "82 a8'12345679' 03 a9'123456789' 04", true },
		{ "81 bf'1234567890123456789012345678901' 05", "81 bf'1234567890123456789012345678902' 06", true },
		{ "81 bf'1234567890123456789012345678901' 05", "81 bf'1234567890123456789012345678901' 06", true },
		{ "81 a1'x' d9 20 '0123456789abcdef0123456789abcdef'", "81 a1'y' d9 21 '0123456789abcdef0123456789abcdefg'", true },
		{ "81 a1'x' 82 a1'a' 01 a1'b' 92 01 02", "82 a1'y' 90 a1'x' 93 01 02 03", true },
		{ "81 a1'x' cc 80", "81 a1'y' d1 8000", true }, { "81 a1'x' c0", "82 a1'y' c2 a1'z' c3", true },
		{ "8f a1'a' 01 a1'b' 02 a1'c' 03 a1'd' 04 a1'e' 05 a1'f' 06 a1'g' 07 a1'h' 08 a1'i' 09 a1'j' 0a a1'k' 0b a1'l' 0c a1'm' 0d a1'n' 0e a1'o' 0f",
		  "82 a1'p' 10 a1'q' 11", true },
		/* Not as we write them: */
		{ "81 a1'x' cc 05", "80", false }, { "81 a1'x' ca 3fc00000", "80", false }, { "81 a1'x' da 0001 'a'", "81 a1'y' 01", false },
		{ "81 d9 01 'x' 01", "81 a1'x' 02", false }, { "81 d9 20 '0123456789abcdef0123456789abcdef' 01", "80", false },
		{ "81 a1'x' c4 01 ff", "81 a1'y' 01", false },
	};
	char hex[600];
	struct ks_val a, b, sum, direct, all[80];
	struct ks_vals x, y;
	struct ks_bytes value;
	struct probe p;
	bool done;
	size_t i;

	(void)state;
	open_probe(&p, "[.a, .b, .a + .b]");
	for (i = 0; i < COUNT(table); i++) {
		snprintf(hex, sizeof(hex), "82 a1'a' %s a1'b' %s", table[i].a, table[i].b);
		value = bytes_of(hex);
		assert_null(load(&p, value));
		assert_null(ks_expr_eval(p.e, &sum));
		assert_int_equal(ks_vals_of(p.set, &sum, &x), KS_YIELD);
		a = x.v[0];
		b = x.v[1];
		sum = x.v[2];
		assert_int_equal(ks_vals_of(p.set, &a, &x), KS_YIELD);
		assert_int_equal(ks_vals_of(p.set, &b, &y), KS_YIELD);
		if (x.n > 0)
			memcpy(all, x.v, x.n * sizeof(*x.v));
		if (y.n > 0)
			memcpy(all + x.n, y.v, y.n * sizeof(*y.v));
		assert_int_equal(ks_expr_object(p.set, all, x.n + y.n, &direct), KS_YIELD);
		if (!ks_bytes_eq(sum.b, direct.b))
			fail_msg("%s: another sum", hex);
		assert_int_equal(ks_expr_plain_sum(p.set, &a, &b, &direct, &done), KS_YIELD);
		if (done != table[i].plain || (done && !ks_bytes_eq(sum.b, direct.b)))
			fail_msg("%s: %s", hex, done ? "it is plain" : "it is not plain");
		free((void *)(uintptr_t)value.p);
	}
	ks_expr_set_free(p.set);
}

/* Pairs up to the most that are held against each other, and beyond; and nesting up to the most there may be. */
static void large_sums(void **state)
{
	unsigned char deep[KS_DEPTH_MAX + 1];
	struct ks_val sum, part;
	struct probe p, q;
	unsigned n;
	char text[300];

	(void)state;
	for (n = 14; n <= 18; n++) {
		snprintf(text, sizeof(text), "([range(%u) | {\"a\\(.)\": .}] | add) as $a | ([range(%u) | {\"b\\(.)\": .}] | add) as $b | "
		    "[($a + $b | length), ($a + $b | keys == ($a + $b | keys | unique)), ($b + $b == $b), ($a + $b | .a3 + .b4)]", n, n);
		open_probe(&p, text);
		assert_null(load(&p, ks_mp_nil));
		assert_null(ks_expr_eval(p.e, &sum));
		snprintf(text, sizeof(text), "94 %02x c3 c3 07", 2 * n);
		part.b = bytes_of(text);
		if (!ks_bytes_eq(sum.b, part.b))
			fail_msg("%u pairs: another sum", 2 * n);
		free((void *)(uintptr_t)part.b.p);
		ks_expr_set_free(p.set);
	}
	/* As deep as a record may be, and so too deep for a member. */
	memset(deep, 0x91, limits.depth);
	deep[limits.depth] = 0x01;
	open_probe(&p, "{b: 1} + {a: .}");
	open_probe(&q, "{a: .}");
	for (n = 0; n < 4; n++) {
		assert_null(load(&p, ks_bytes(deep + n, limits.depth + 1 - n)));
		assert_null(load(&q, ks_bytes(deep + n, limits.depth + 1 - n)));
		assert_int_equal(ks_expr_eval(p.e, &sum) == NULL, n > 0);
		assert_int_equal(ks_expr_eval(q.e, &sum) == NULL, n > 0);
	}
	ks_expr_set_free(p.set);
	ks_expr_set_free(q.set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forms), cmocka_unit_test(cut), cmocka_unit_test(known_again), cmocka_unit_test(containers_again),
		cmocka_unit_test(sums), cmocka_unit_test(large_sums),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
