/* SPDX-License-Identifier: MIT */
/*
 * expr-fn.h - what a function of expressions is, and what it builds its
 * results with.  Only the files of expr.h include it.
 *
 * A function is a row of its file's table, which ends with a NULL name; a
 * table is a word of KS_EXPR_TABLES.  Nothing else knows them by name but
 * kstream-expr(7), and a test compares the two.  Everything a function
 * returns borrows from the record or from scratch memory, and lives until
 * the next load.
 */
#ifndef KS_EXPR_FN_H
#define KS_EXPR_FN_H

#include "expr.h"

/* What became of an evaluation. */
enum ks_yield {
	KS_YIELD,	/* a value; from a generator: it is done */
	KS_YIELD_NONE,	/* no value */
	KS_YIELD_ERROR,	/* of the expression: ks_expr_error; `try` and `?` catch it */
	KS_YIELD_FAULT,	/* no memory, past a limit, no msgpack: ks_expr_fault; nothing catches it */
	KS_YIELD_STOP,	/* from generators: who takes the values has enough */
};

/* The way from where `path(f)` began to a value: its last step, and the way before it. */
struct ks_path {
	const struct ks_path *up;	/* NULL: here the way begins, step is not read */
	const struct ks_val *step;	/* KS_STR a key, a number an index, KS_MAP a slice {start, end} */
};

/*
 * Who takes the values of a generator, one call a value.  A consumer puts
 * it first in a struct of its own.  Returns KS_YIELD to go on; what else
 * it returns the generator returns at once.  Who returned KS_YIELD_STOP
 * knows that it did, and takes it back where it started the generator.
 */
struct ks_emit {
	enum ks_yield (*fn)(struct ks_emit *to, const struct ks_val *v, const struct ks_path *path);
};

/*
 * A function, one of:
 *	call	takes its arguments as values (where they yield several, it is
 *		called for each combination) and gives one value
 *	run	takes its arguments as programs, and yields what it likes.
 *		path is NULL where only values are asked for; one that knows no
 *		paths is never called with another
 *	macro	an expression in which _1 _2 … are the arguments
 */
struct ks_expr_fn {
	const char *name;
	unsigned args;
	enum ks_yield (*call)(struct ks_expr_set *set, const struct ks_val *in,
	    const struct ks_val *args, struct ks_val *out);
	enum ks_yield (*run)(struct ks_expr_set *set, const uint32_t *args, const struct ks_val *in,
	    const struct ks_path *path, struct ks_emit *to);
	const char *macro;
	const char *(*needs)(void);	/* before it is called: NULL, or what is wrong */
	bool single;	/* run: at most one value comes */
	bool paths;	/* run: knows paths */
	bool inherits;	/* run: its arguments are run over its own input and nothing else */
	bool regex;	/* args[0] is a regular expression: a constant one is compiled at start */
	unsigned flags;	/* regex: the argument that is its flags; 0: none */
};

/* ks_expr_fn_control[] is in expr-control.c, and so on.  A name is looked for in this order. */
#define KS_EXPR_TABLES(TABLE) \
	TABLE(control) TABLE(path) TABLE(string) TABLE(split) TABLE(format) TABLE(regex) \
	TABLE(array) TABLE(object) TABLE(math) TABLE(time)
#define KS_EXPR_TABLE(name) extern const struct ks_expr_fn ks_expr_fn_##name[];
KS_EXPR_TABLES(KS_EXPR_TABLE)
#undef KS_EXPR_TABLE

/* Run a program (an argument of run) over in; its values go to `to`. */
enum ks_yield ks_expr_run(struct ks_expr_set *set, uint32_t node, const struct ks_val *in,
    const struct ks_path *path, struct ks_emit *to);

/* An error in jq's words ("Cannot index number with \"a\""), or of any value; a fault. */
enum ks_yield ks_expr_error(struct ks_expr_set *set, const char *fmt, ...) KS_PRINTF(2, 3);
enum ks_yield ks_expr_error_value(struct ks_expr_set *set, const struct ks_val *v);
enum ks_yield ks_expr_fault(struct ks_expr_set *set, const char *text);

/* jq's end of such errors: "number (1) cannot be ...": the value as JSON, cut to 29 bytes. */
struct ks_shown {
	char text[32];
};
struct ks_shown ks_expr_shown(struct ks_expr_set *set, const struct ks_val *v);

/* The errors "number (5) WORDS", and "number (5) and string ("a") WORDS". */
enum ks_yield ks_expr_unfit(struct ks_expr_set *set, const struct ks_val *v, const char *words);
enum ks_yield ks_expr_unfit_pair(struct ks_expr_set *set, const struct ks_val *a,
    const struct ks_val *b, const char *words);

/*
 * n steps of work were done: KS_YIELD, or a fault past the limit of a record.
 * A step is what takes some 100 ns, and none takes more than 200: 10 million
 * end within 2 s.  What fails counts before it does, since `try` may come back.
 */
enum ks_yield ks_expr_steps(struct ks_expr_set *set, uint64_t n);

/* n bytes were walked over: many at a time, as in a search or a copy. */
static inline enum ks_yield ks_expr_walked(struct ks_expr_set *set, size_t n)
{
	return ks_expr_steps(set, n / 64 + 1);
}

/* The values of a container, n bytes in all, to find what stands behind them: a byte may be a value. */
static inline enum ks_yield ks_expr_stepped(struct ks_expr_set *set, size_t n)
{
	return n < 32 ? KS_YIELD : ks_expr_steps(set, n / 32);
}

/* And one by one, with a decision for each: what is read, escaped, encoded. */
static inline enum ks_yield ks_expr_read(struct ks_expr_set *set, size_t n)
{
	return ks_expr_steps(set, n / 16 + 1);
}

/* A text of n bytes was searched for one of m: at the worst it is compared at many places. */
static inline enum ks_yield ks_expr_searched(struct ks_expr_set *set, size_t n, size_t m)
{
	return m < 4 ? ks_expr_walked(set, n) : ks_expr_read(set, n);
}

/* ks_val_cmp, counted; *c means nothing where it is not KS_YIELD. */
enum ks_yield ks_expr_cmp(struct ks_expr_set *set, const struct ks_val *a, const struct ks_val *b, int *c);
#define KS_EXPR_UNITS 16u	/* of ks_val_cmp_within, that are a step */

/* Memory until the next load; NULL: none, or past the limit; return ks_expr_no_scratch then. */
void *ks_expr_scratch(struct ks_expr_set *set, size_t n);
enum ks_yield ks_expr_no_scratch(struct ks_expr_set *set);

/* Values in a row, in scratch.  All zero: none. */
struct ks_vals {
	struct ks_val *v;
	uint32_t n, cap;
};
enum ks_yield ks_vals_add(struct ks_expr_set *set, struct ks_vals *list, const struct ks_val *v);

/* The elements of an array, or key, value, key, value … of an object. */
enum ks_yield ks_vals_of(struct ks_expr_set *set, const struct ks_val *container,
    struct ks_vals *list);

/* And back.  Pairs: n counts both halves; of equal keys the last value wins in the first one's place. */
enum ks_yield ks_expr_array(struct ks_expr_set *set, const struct ks_val *v, uint32_t n,
    struct ks_val *out);
enum ks_yield ks_expr_object(struct ks_expr_set *set, const struct ks_val *v, uint32_t n,
    struct ks_val *out);

/* A copy of text as a string. */
enum ks_yield ks_expr_string(struct ks_expr_set *set, struct ks_bytes text, struct ks_val *out);

/* The JSON text of v, as `tojson` has it. */
enum ks_yield ks_expr_json(struct ks_expr_set *set, const struct ks_val *v, struct ks_bytes *text);

/* Unicode characters of UTF-8 text; ks_str_at: the byte at which character i begins, b.n behind the last. */
size_t ks_str_chars(struct ks_bytes b);
size_t ks_str_at(struct ks_bytes b, size_t i);

static inline void ks_val_bool(struct ks_val *v, bool x)
{
	v->type = x ? KS_TRUE : KS_FALSE;
}

/* A number that is computed in doubles: an integer where it is one and stands exactly, else a float. */
void ks_val_number_of(struct ks_val *v, double d);

#endif
