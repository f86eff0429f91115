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
#include "json-scan.h"

#define KS_EXPR_NONE UINT32_MAX		/* no node */

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
	OP_INDEX,	/* lhs, a computed value, by the step in value */
	OP_NOT,		/* lhs */
	OP_TRY,		/* lhs, but an error yields nothing */
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
};

struct ks_expr_node {
	uint8_t op;
	bool optional;		/* OP_SLOT, OP_INDEX: an error of this very step yields nothing */
	uint16_t height;	/* of the tree under it: evaluation recurses no deeper */
	uint32_t lhs, rhs;
	uint32_t slot;
	struct ks_val value;
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
	SLOT_TEXT,		/* p to end is JSON text */
	SLOT_ESCAPED,		/* likewise: a string with a backslash in it */
	SLOT_DECODED,		/* v is set */
};

struct ks_expr_slot {
	const unsigned char *p, *end;
	struct ks_val v;
};

struct ks_expr {
	struct ks_expr_set *set;
	uint32_t node;
	bool nothing;		/* the last evaluation yielded nothing */
};

/* Where a key of the document before led to, among the children of what place. */
struct ks_expr_guess {
	struct ks_json_seen seen;
	uint32_t first, child;
};

struct ks_expr_set {
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
	struct ks_json json;
	uint64_t step_limit, steps;	/* of work, for a record; that are left for this one */
	struct ks_buf packed;		/* a container on its way from text to scratch */
	struct ks_buf text;		/* JSON on its way to scratch */
	struct ks_buf headers;		/* $headers */
	struct ks_expr_guess guesses[KS_JSON_GUESSES];	/* by the number of the key in the text */
	uint64_t duplicates;		/* of keys that paths ask for */
	char error[256];
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
uint32_t ks_expr_node(struct ks_expr_set *set, enum ks_expr_op op, uint32_t lhs, uint32_t rhs);
uint32_t ks_expr_literal(struct ks_expr_set *set, const struct ks_val *v);
uint32_t ks_expr_root(struct ks_expr_set *set, uint32_t root);
uint32_t ks_expr_step(struct ks_expr_set *set, uint32_t lhs, const struct ks_val *step);

/* expr-lex.c */
enum ks_expr_token {
	TOKEN_END,
	TOKEN_FIELD,	/* .name: v */
	TOKEN_DOT,
	TOKEN_STRING,	/* v */
	TOKEN_NUMBER,	/* v */
	TOKEN_WORD,
	TOKEN_VARIABLE,	/* $name */
	TOKEN_SIGN,	/* punctuation, and whatever else stands there */
};

struct ks_expr_parser {
	struct ks_expr_set *set;
	struct ks_bytes text;		/* padded */
	struct ks_err *err;
	unsigned depth;
	uint32_t input;			/* the node that "." is */
	/* The token that comes next. */
	enum ks_expr_token token;
	struct ks_bytes at;		/* its text */
	const unsigned char *before;	/* where the token before it ended */
	struct ks_val v;
};

/* Step to the next token: 0 or a ks_status with err filled. */
int	ks_expr_lex(struct ks_expr_parser *x) KS_MUST_USE;

/* expr-parse.c: the whole of x->text; KS_EXPR_NONE with err filled. */
uint32_t ks_expr_parse(struct ks_expr_parser *x);

/* expr-refuse.c: fill err with the column of at; all return KS_USAGE. */
int	ks_expr_wrong(struct ks_expr_parser *x, const unsigned char *at, const char *fmt, ...)
	    KS_PRINTF(3, 4);
int	ks_expr_refuse_operand(struct ks_expr_parser *x);
int	ks_expr_refuse_operator(struct ks_expr_parser *x);
int	ks_expr_refuse_variable(struct ks_expr_parser *x);
int	ks_expr_refuse_index(struct ks_expr_parser *x);

#endif
