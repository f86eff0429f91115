/* SPDX-License-Identifier: MIT */
/*
 * expr-impl.h - what the files of expr.h share: the program, the trie of
 * its paths, and the slots that a load fills.  No one else includes it.
 *
 * The program is one array of nodes that refer to each other by index.  A
 * path from the value or from metadata is a chain of OP_SLOT nodes, one a
 * step, each with a place in the trie; places and slots have equal indices.
 * A load records where each place of the trie was met; a slot is decoded
 * when it is evaluated, and once.
 */
#ifndef KS_EXPR_IMPL_H
#define KS_EXPR_IMPL_H

#include "expr-fn.h"
#include "expr-pcre.h"
#include "json-scan.h"

#define KS_EXPR_NONE UINT32_MAX		/* no node */
#define KS_EXPR_LIGHT 8u		/* nodes of no work of their own that are evaluated in a step */

/* Where paths begin: the first places of every trie. */
enum {
	ROOT_VALUE,
	ROOT_KEY,
	ROOT_TS,
	ROOT_TOPIC,
	ROOT_PARTITION,
	ROOT_OFFSET,
	ROOT_HEADERS,
	ROOTS,
};

enum ks_expr_op {
	OP_LITERAL,	/* value */
	OP_SLOT,	/* slot; lhs is the path without its last step */
	OP_INPUT,	/* what a pipe passed on */
	OP_VARIABLE,	/* register slot */
	OP_INDEX,	/* lhs, a computed value, by the step in value */
	OP_NOT,		/* lhs */
	OP_TRY,		/* lhs; an error yields what rhs, if there is one, makes of it */
	OP_PIPE,	/* rhs over what lhs yields */
	/* Chains: rhs is the next link where it has the same op. */
	OP_AND,
	OP_OR,
	OP_ALT,
	OP_EQ,
	OP_NE,
	OP_LT,
	OP_LE,
	OP_GT,
	OP_GE,
	OP_ADD,
	OP_SUB,
	OP_MUL,
	OP_DIV,
	OP_MOD,
	OP_NEGATE,	/* lhs */
	OP_AT,		/* lhs by the step that rhs yields */
	OP_SLICE,	/* lhs, from args[0] to args[1] */
	OP_ITERATE,	/* lhs */
	OP_COMMA,	/* a chain */
	OP_IF,		/* lhs ? rhs : slot */
	OP_BIND,	/* rhs, where register slot is what lhs yields */
	OP_ARRAY,	/* lhs, or empty */
	OP_OBJECT,	/* args: key, value, key, value ... */
	OP_STRING,	/* args: literals, and the values between them, by fn or as text */
	OP_CALL,	/* fn of args, over lhs */
	OP_RUN,		/* likewise */
	OP_EMPTY,
};

struct ks_expr_node {
	uint8_t op;
	bool optional;		/* OP_SLOT, steps: an error of this very step yields nothing */
	bool single;		/* at most one value comes */
	uint16_t height;	/* of the tree under it: evaluation recurses no deeper */
	uint32_t lhs, rhs;
	uint32_t slot;
	uint32_t weight;	/* nodes that one value of it takes, itself included: what it costs, where nothing else counts it */
	union {
		struct ks_val value;
		struct {
			union {
				const struct ks_expr_fn *fn;
				const struct ks_expr_key *keys;	/* OP_OBJECT: ks_expr_plain_keys */
			};
			const uint32_t *args;
			uint32_t count;
		};
	};
};

/* A place in the trie: one step behind the place it hangs from. */
struct ks_expr_place {
	uint64_t word;		/* the first 8 bytes of the key, zeros behind */
	uint32_t length;	/* of the key; KS_EXPR_IS_INDEX: step is a number */
	uint32_t child, next;	/* 0: none; roots are nobody's children */
	uint32_t root;
	struct ks_val step;	/* KS_STR or KS_INT */
};
#define KS_EXPR_IS_INDEX UINT32_MAX

/* How far a slot has come since the last load. */
enum ks_expr_state {
	SLOT_MISSING,		/* the walk did not meet it */
	SLOT_PACKED,		/* p is at msgpack; end bounds it */
	SLOT_WHOLE,		/* likewise, of a container: end is its end, and the walk has gone over it */
	SLOT_TEXT,		/* p to end is JSON text */
	SLOT_ESCAPED,		/* likewise: a string with a backslash in it */
	SLOT_BOTH,		/* text without a backslash, and v is set */
	SLOT_DECODED,		/* v is set */
};

struct ks_expr_slot {
	const unsigned char *p, *end;
	struct ks_val v;	/* what was decoded last: mostly the next is of its type */
};

struct ks_expr {
	struct ks_expr_set *set;
	uint32_t node;
	bool nothing;		/* the last evaluation yielded nothing */
};

/* Where a key of the document before led to. */
struct ks_expr_guess {
	struct ks_json_seen seen;	/* from behind the value before, or from the object's brace, up to the value */
	struct ks_json_span span;
	uint32_t mark;			/* twice the first child of the object's place, and 1 where it begins the object */
	uint32_t child;
};

/* The same in msgpack: a short key and its header.  No place is the child of none, so one that is all zero is no guess. */
struct ks_expr_packed_guess {
	unsigned char key[32];
	uint64_t mask[4];		/* of its words: what counts */
	uint32_t size, first, lead;	/* lead: as expr-walk.c says */
};

/*
 * Where the values stand that are asked for, as long as all before the last of
 * them are as long as they were (expr-shape.h).
 */
#define KS_EXPR_ALIKE 16u	/* keys, and places: of sets that have more nothing is known */
#define KS_EXPR_SHAPE 96u	/* bytes of a value that can be known so; a multiple of 16 */
struct ks_expr_shape {
	uint32_t n;		/* bytes that are compared; 0: nothing is known */
	uint32_t least;		/* bytes that the value must have */
	uint32_t misses, wait;	/* in a row; values before something is learnt again */
	uint32_t count;		/* of values */
	struct {
		struct ks_expr_slot *slot;
		uint32_t at;
	} values[KS_EXPR_ALIKE];
	unsigned char bytes[KS_EXPR_SHAPE], mask[KS_EXPR_SHAPE];	/* what of them counts: 0xff */
};

/*
 * How a value begins that is like the one before: keys of a map, one behind the
 * other, each of which leads nowhere or to a place of its own, until all places
 * of the value are met.
 */
struct ks_expr_alike {
	uint32_t count;		/* of the keys; 0: nothing is known */
	uint32_t pause;		/* loads before something is learnt again */
	struct {
		uint64_t word[2], mask[2];	/* the key with its header, and what of it counts */
		size_t size;
		struct ks_expr_slot *slot;	/* for its value; the root's where nobody asks for it */
	} keys[KS_EXPR_ALIKE];
	unsigned char states[KS_EXPR_ALIKE];	/* of the places, once all are met */
	struct ks_expr_shape shape;
};

struct ks_expr_read;	/* expr-read.h */

struct ks_expr_set {
	const unsigned char *(*read_object)(struct ks_expr_read *r, const unsigned char *p, uint32_t place, unsigned depth);
	unsigned depth;
	uint32_t node_count, node_cap;
	struct ks_expr_node *nodes;

	/* places, slots and states are parallel. */
	uint32_t place_count, place_cap;
	struct ks_expr_place *places;
	struct ks_expr_slot *slots;
	unsigned char *states;
	uint32_t places_of[ROOTS];	/* that are read, by root; the root itself included */
	bool wants_record;		/* any root but the value's is read */

	struct ks_arena program;	/* keys, literals, expressions: as long as the set */
	struct ks_arena scratch;	/* until the next load */
	bool scratch_used;
	bool starved;			/* there was no memory, though within the limit */
	struct ks_json json;
	uint64_t step_limit;		/* of work, for a record */
	uint64_t steps, more;		/* that are left for this one, before the next look at stop, and behind it */
	int (*stop)(void);
	uint64_t blind;			/* of matching that is not counted, for this record: expr-pcre.c */
	struct ks_val *registers;	/* variables: one for each place that binds one */
	uint32_t register_count;
	const struct ks_expr_variable *declared;	/* ks_expr_declare */
	uintptr_t stack;		/* where the evaluation began */
	uint32_t error_node;		/* the step that failed last */
	struct ks_buf packed;		/* a container on its way from text to scratch */
	struct ks_buf text;		/* JSON on its way to scratch */
	struct ks_buf headers;		/* $headers */
	struct ks_expr_guess guesses[KS_JSON_GUESSES + 1];	/* by the number of the key in the text; the last stays empty */
	uint32_t documents;		/* that were text, up and around */
	struct ks_expr_packed_guess packed_guesses[KS_JSON_GUESSES];
	struct {
		const unsigned char *end;
		struct ks_expr_packed_guess *guess;	/* of the next key: by its number in what is walked over */
		uint32_t left;		/* places that are not met yet */
		uint32_t lead;		/* where the last key led that was no guess */
		enum ks_mp_error e;
	} walk;				/* over msgpack */
	struct ks_expr_alike alike;	/* likewise */
	uint64_t duplicates;		/* of keys that paths ask for */
	struct ks_regexes *regexes;	/* NULL: none was used */
	char error[256];
	char shown[512];		/* the error, and the path it happened at */
	struct ks_val error_value;	/* of the last error, where error_is_value */
	bool error_is_value;
};

/* The first 8 bytes of a key of n bytes; left is how many may be read at k. */
static inline uint64_t ks_expr_word(const unsigned char *k, size_t n, size_t left)
{
	uint64_t w = 0;

	if (KS_LIKELY(left >= sizeof(w))) {
		memcpy(&w, k, sizeof(w));
		return n >= sizeof(w) ? w : w & ((UINT64_C(1) << 8 * n) - 1);
	}
	memcpy(&w, k, n < left ? n : left);
	return w;
}

/*
 * The one of the places from `first` along next that the key leads to, 0 if
 * no path asks for it.
 */
static inline uint32_t ks_expr_find(const struct ks_expr_place *places, uint32_t first,
    const unsigned char *k, size_t n, size_t left)
{
	uint64_t w = ks_expr_word(k, n, left);
	uint32_t i;

	for (i = first; i != 0; i = places[i].next)
		if (places[i].word == w && places[i].length == n &&
		    (n <= sizeof(w) || memcmp(k, places[i].step.b.p, n) == 0))
			break;
	return i;
}

/* expr-set.c: building the program.  All return KS_EXPR_NONE or false when there is no memory. */
#define KS_EXPR_NODES_MAX 100000u	/* macros multiply what they are given */
uint32_t ks_expr_node(struct ks_expr_set *set, enum ks_expr_op op, uint32_t lhs, uint32_t rhs);
uint32_t ks_expr_literal(struct ks_expr_set *set, const struct ks_val *v);
uint32_t ks_expr_root(struct ks_expr_set *set, uint32_t root);
uint32_t ks_expr_step(struct ks_expr_set *set, uint32_t lhs, const struct ks_val *step);
uint32_t ks_expr_node_of(struct ks_expr_set *set, enum ks_expr_op op, uint32_t lhs,
    const struct ks_expr_fn *fn, const uint32_t *args, uint32_t count);
uint32_t ks_expr_register(struct ks_expr_set *set);
void	ks_expr_weigh(struct ks_expr_set *set, uint32_t node, uint32_t of);	/* node weighs as much more */

/* expr-lex.c */
enum ks_expr_token {
	TOKEN_END,
	TOKEN_FIELD,	/* .name: v */
	TOKEN_DOT,
	TOKEN_STRING,	/* v: the whole of it, or what stands before the first \( */
	TOKEN_NUMBER,	/* v */
	TOKEN_WORD,
	TOKEN_VARIABLE,	/* $name */
	TOKEN_FORMAT,	/* @name */
	TOKEN_SIGN,	/* punctuation, and whatever else stands there */
};

struct ks_expr_variable {
	const struct ks_expr_variable *next;
	struct ks_bytes name;
	uint32_t slot;
};

/* An argument of a macro: where it stands, and what its names mean there. */
struct ks_expr_argument {
	struct ks_bytes text;
	const unsigned char *at;
	const struct ks_expr_argument *arguments;
	uint32_t count;
	const struct ks_expr_variable *variables;
};
#define KS_EXPR_ARGUMENTS 8u

struct ks_expr_parser {
	struct ks_expr_set *set;
	struct ks_bytes text;
	struct ks_err *err;
	unsigned depth;
	uint32_t work;			/* tokens read */
	uint32_t input;			/* the node that "." is */
	const struct ks_expr_variable *variables;
	const struct ks_expr_argument *arguments;	/* _1 _2 ... of the macro that is parsed */
	uint32_t argument_count;
	/* The token that comes next. */
	enum ks_expr_token token;
	struct ks_bytes at;		/* its text */
	const unsigned char *before;	/* where the token before it ended */
	struct ks_val v;
	bool open;			/* TOKEN_STRING: \( ended it */
};

/* Step to the next token: 0 or a ks_status with err filled. */
int	ks_expr_lex(struct ks_expr_parser *x) KS_MUST_USE;
/* The rest of a string, behind the ')' that is the token now: TOKEN_STRING. */
int	ks_expr_lex_string(struct ks_expr_parser *x) KS_MUST_USE;
/* Go to a byte of the text and read the token there. */
int	ks_expr_lex_at(struct ks_expr_parser *x, const unsigned char *at) KS_MUST_USE;
/* The ';' or ')' that ends the argument that begins at p; NULL: none. */
const unsigned char *ks_expr_skip_argument(const unsigned char *p);

/*
 * expr-parse.c.  _parse: the whole of x->text.  _query: what may stand in
 * parentheses.  _value_of_key: what may stand in an object, where a comma ends
 * it.  All return KS_EXPR_NONE with err filled.
 */
uint32_t ks_expr_parse(struct ks_expr_parser *x);
uint32_t ks_expr_query(struct ks_expr_parser *x);
uint32_t ks_expr_value_of_key(struct ks_expr_parser *x);
uint32_t ks_expr_checked(struct ks_expr_parser *x, uint32_t node);
uint32_t ks_expr_made(struct ks_expr_parser *x, enum ks_expr_op op, uint32_t lhs, uint32_t rhs);
uint32_t ks_expr_passed(struct ks_expr_parser *x, uint32_t node);
bool	ks_expr_is_sign(const struct ks_expr_parser *x, const char *text);
bool	ks_expr_is_word(const struct ks_expr_parser *x, const char *text);

/* expr-term.c */
uint32_t ks_expr_term(struct ks_expr_parser *x);
uint32_t ks_expr_string_term(struct ks_expr_parser *x, const struct ks_expr_fn *fn);

/* expr-call.c */
uint32_t ks_expr_word_term(struct ks_expr_parser *x);
uint32_t ks_expr_call(struct ks_expr_parser *x, const char *name, const uint32_t *args, uint32_t count);
uint32_t ks_expr_variable_term(struct ks_expr_parser *x);
uint32_t ks_expr_binding(struct ks_expr_parser *x, uint32_t source);
uint32_t ks_expr_bind(struct ks_expr_parser *x, uint32_t source, uint32_t slot, uint32_t body);

/* expr-fn.c: functions by name; any of that name where count is KS_EXPR_NONE. */
const struct ks_expr_fn *ks_expr_fn_find(struct ks_bytes name, uint32_t count);
const struct ks_expr_fn *const *ks_expr_fn_tables(void);

/* expr-refuse.c: fill err with the column of at; all return KS_USAGE. */
int	ks_expr_wrong(struct ks_expr_parser *x, const unsigned char *at, const char *fmt, ...)
	    KS_PRINTF(3, 4);
int	ks_expr_refuse_operand(struct ks_expr_parser *x);
int	ks_expr_refuse_operator(struct ks_expr_parser *x);
int	ks_expr_refuse_variable(struct ks_expr_parser *x);
int	ks_expr_refuse_missing(struct ks_expr_parser *x, const char *what);

#define KS_EXPR_SLICE UINT64_C(1000000)	/* steps between two looks: 0.2 s at most */

/* The array is allocated in sixteens, and mostly is one. */
static inline __attribute__((always_inline)) void ks_expr_forget(struct ks_expr_set *set)
{
	uint32_t i;

	for (i = 0; i < set->place_count; i += 16)
		memset(set->states + i, SLOT_MISSING, 16);
}

/* A load begins: what has been used up is there again. */
static inline __attribute__((always_inline)) void ks_expr_load_begin(struct ks_expr_set *set)
{
	set->steps = set->step_limit < KS_EXPR_SLICE ? set->step_limit : KS_EXPR_SLICE;
	set->more = set->step_limit - set->steps;
	set->blind = KS_EXPR_BLIND;
	set->starved = false;
	if (set->scratch_used) {
		ks_arena_reset(&set->scratch);
		set->scratch_used = false;
	}
}

static inline void ks_expr_known(struct ks_expr_set *set, uint32_t root, struct ks_val v)
{
	set->slots[root].v = v;
	set->states[root] = SLOT_DECODED;
}

/* expr-decode.c: of a slot that is text, in v; escaped: a string with a backslash in it. */
enum ks_yield ks_expr_decode_text(struct ks_expr_set *set, const struct ks_expr_slot *slot, bool escaped, struct ks_val *v);

/* expr.c: of a node that is single; KS_YIELD_NONE: no value. */
enum ks_yield ks_expr_value(struct ks_expr_set *set, uint32_t node, const struct ks_val *in,
    struct ks_val *out);

bool	ks_expr_compares(enum ks_expr_op op, const struct ks_val *a, const struct ks_val *b);
enum ks_yield ks_expr_compared(struct ks_expr_set *set, enum ks_expr_op op, const struct ks_val *a,
    const struct ks_val *b, struct ks_val *out);	/* expr-build.c: the same, counted; a boolean */
#define KS_EXPR_LARGE 1024u	/* bytes of a string whose comparison counts: a loop over it must find its limit */

/* expr-one.c: the nodes that expr.c leaves to it, likewise. */
enum ks_yield ks_expr_value_rare(struct ks_expr_set *set, uint32_t node, const struct ks_val *in,
    struct ks_val *out);
/* The value that `catch` gets of the last error. */
enum ks_yield ks_expr_caught(struct ks_expr_set *set, struct ks_val *out);
/* args: literals, and the texts between them, already as text. */
enum ks_yield ks_expr_joined(struct ks_expr_set *set, const struct ks_val *parts, uint32_t count,
    struct ks_val *out);
/* What stands between the literals of a string, as text. */
enum ks_yield ks_expr_as_text(struct ks_expr_set *set, const struct ks_expr_fn *fn,
    const struct ks_val *v, struct ks_val *out);
enum ks_yield ks_expr_key_check(struct ks_expr_set *set, const struct ks_val *key);

/*
 * expr-plain.c: the keys of an object of few members, each a literal and
 * another one; NULL: it is none.  What such an object yields, in place where
 * it fits.
 */
struct ks_expr_key {
	unsigned char packed[32];	/* n of them count */
	size_t n;
	unsigned char text[48];		/* as JSON: a comma, the key in quotes, a colon */
	size_t text_n;			/* 0: it has to be escaped */
	uint32_t slot;			/* of the member, where it is a path; else KS_EXPR_NONE */
	bool copied;			/* of the first key: all members are paths or short literals */
	struct ks_bytes literal;	/* the member encoded, where it is a short literal; else empty */
};
const struct ks_expr_key *ks_expr_plain_keys(struct ks_expr_set *set, const uint32_t *args, uint32_t count);
enum ks_yield ks_expr_plain_object(struct ks_expr_set *set, const struct ks_expr_node *n,
    const struct ks_val *in, struct ks_room place, struct ks_val *out);

/*
 * expr-plain.c: a + b of two objects of few members, each written as we would
 * write it: the bytes that ks_expr_object would make.  *done false: they are
 * not that, and nothing was done.
 */
enum ks_yield ks_expr_plain_sum(struct ks_expr_set *set, const struct ks_val *a, const struct ks_val *b, struct ks_val *out,
    bool *done);

/* expr-build.c: v as msgpack, room being there; containers are that already. */
unsigned char *ks_expr_put(unsigned char *o, const struct ks_val *v);

/* Whether what goes into a container nests no deeper than it may. */
enum ks_yield ks_expr_too_deep(struct ks_expr_set *set, const struct ks_val *v);
static inline enum ks_yield ks_expr_fits(struct ks_expr_set *set, const struct ks_val *v)
{
	return KS_LIKELY(v->type < KS_ARRAY || v->b.n < set->depth) ? KS_YIELD : ks_expr_too_deep(set, v);
}

/* expr-build.c: more steps from those of the record; false: there are none, or an end was asked for. */
bool	ks_expr_more(struct ks_expr_set *set);

/* expr-step.c: steps into values. */
extern const struct ks_val ks_expr_nil;
int64_t	ks_expr_index_of(const struct ks_val *v);
enum ks_yield ks_expr_may_step(struct ks_expr_set *set, enum ks_type type, const struct ks_val *step);
enum ks_yield ks_expr_look_up(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *step, struct ks_val *out);
enum ks_yield ks_expr_get(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *step, struct ks_val *out);
enum ks_yield ks_expr_slice_step(struct ks_expr_set *set, const struct ks_val *from,
    const struct ks_val *to, struct ks_val *step);
enum ks_yield ks_expr_slice(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_val *from, const struct ks_val *to, struct ks_val *out);
/* Where a slice {start, end} of n elements begins and ends. */
enum ks_yield ks_expr_slice_range(struct ks_expr_set *set, const struct ks_val *step, uint32_t n,
    uint32_t *from, uint32_t *to);
enum ks_yield ks_expr_iterate(struct ks_expr_set *set, const struct ks_val *in,
    const struct ks_path *path, struct ks_emit *to);
/* Where the elements of `run` stand one behind the other in those of `all`: to found, as numbers. */
enum ks_yield ks_expr_places(struct ks_expr_set *set, const struct ks_vals *all, const struct ks_vals *run,
    struct ks_vals *found);

/* expr-arith.c */
enum ks_yield ks_expr_arith(struct ks_expr_set *set, enum ks_expr_op op, const struct ks_val *a,
    const struct ks_val *b, struct ks_val *out);
enum ks_yield ks_expr_negated(struct ks_expr_set *set, const struct ks_val *v, struct ks_val *out);

/* expr-each.c */
const char *ks_expr_why(struct ks_expr_set *set, enum ks_yield got);	/* expr-answer.c: for the user */
enum ks_yield ks_expr_only(struct ks_expr_set *set, uint32_t node, struct ks_val *out);
enum ks_yield ks_expr_some(struct ks_expr_set *set, uint32_t node, bool *any);

/* What the user is told of an evaluation of e. */
static inline const char *ks_expr_answer(struct ks_expr *e, enum ks_yield got, struct ks_val *v)
{
	e->nothing = got == KS_YIELD_NONE;
	if (KS_LIKELY(got == KS_YIELD))
		return NULL;
	v->type = KS_NIL;
	return got == KS_YIELD_NONE ? NULL : ks_expr_why(e->set, got);
}

/* Evaluation begins: its stack is measured from here. */
static inline void ks_expr_begin(struct ks_expr_set *set)
{
	set->stack = (uintptr_t)__builtin_frame_address(0);
}

extern const struct ks_path ks_path_broken;	/* of a value that is no part of where the path began */
enum ks_yield ks_expr_first(struct ks_expr_set *set, uint32_t node, const struct ks_val *in,
    struct ks_val *out);

/* expr-path.c: the steps of a path, from the first; the array that path() makes of them. */
enum ks_yield ks_path_steps(struct ks_expr_set *set, const struct ks_path *path, struct ks_vals *steps);

/* expr-tree.c: a value that is being changed. */
struct ks_tree {
	struct ks_val v;	/* where it is not open */
	bool open, gone;
	bool named;		/* gone by its own key or place: paths into it are not followed, as jq does not */
	uint32_t n, cap, at;
	struct ks_tree *kids;
	struct ks_bytes *keys;
};
enum ks_yield ks_tree_get(struct ks_expr_set *set, struct ks_tree *t, const struct ks_val *steps,
    uint32_t n, struct ks_val *out);
enum ks_yield ks_tree_set(struct ks_expr_set *set, struct ks_tree *t, const struct ks_val *steps,
    uint32_t n, const struct ks_val *v);
enum ks_yield ks_tree_delete(struct ks_expr_set *set, struct ks_tree *t, const struct ks_val *steps,
    uint32_t n);
enum ks_yield ks_tree_value(struct ks_expr_set *set, const struct ks_tree *t, struct ks_val *out);

#endif
