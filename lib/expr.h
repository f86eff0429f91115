/* SPDX-License-Identifier: MIT */
/*
 * expr.h - jq's expressions, evaluated on the record's own bytes.
 *
 * An expression is parsed once.  All paths of all expressions that share a
 * ks_expr_set are resolved in one walk over the value (msgpack or JSON
 * text) into slots; evaluation then runs over the slots without touching
 * the value again, builds no tree and allocates nothing for a record: what
 * it decodes goes to scratch memory of the set that is kept for the next.
 *
 * kstream-expr(7) has the semantics; the order of values is jq's.
 */
#ifndef KS_EXPR_H
#define KS_EXPR_H

#include "frame.h"
#include "json.h"
#include "value.h"

#define KS_EXPR_TEXT_MAX ((size_t)64 << 10)	/* bytes of one expression */
#define KS_EXPR_DEPTH_MAX 200u			/* parentheses, and steps of one path */
#define KS_EXPR_MEMORY ((size_t)64 << 20)	/* for one record, or 8 records of the largest */
#define KS_EXPR_STEPS UINT64_C(10000000)	/* of work for one record, unless --expr-limit says otherwise */

struct ks_expr;		/* one compiled expression */
struct ks_expr_set;	/* expressions over one value, and the union of their paths */

/* ks_expr_set_new, _free - limits: how deep a value may nest, work and memory for one record.  NULL: no memory. */
struct ks_expr_set *ks_expr_set_new(const struct ks_limits *limits);
void	ks_expr_set_free(struct ks_expr_set *set);

/*
 * ks_expr_add - compile text into the set, which owns the result.
 * Returns 0, KS_TEMP without memory, or KS_USAGE with a text that names the
 * column (from 1, in characters), what stands there, and the nearest thing
 * that exists.  What was added before stays usable.
 */
int	ks_expr_add(struct ks_expr_set *set, const char *text, struct ks_expr **e,
	    struct ks_err *err) KS_MUST_USE;

/* The same of a clause, its first n bytes being its name, which stands before what is wrong. */
int	ks_expr_add_of(struct ks_expr_set *set, const char *clause, size_t n, struct ks_expr **e,
	    struct ks_err *err) KS_MUST_USE;

/*
 * ks_expr_declare - what is added to the set from now on may read a variable
 * of the caller's by name ("$acc"; it is not copied).  ks_expr_assign gives it
 * a value, which v's owner keeps until it gets another one; null before.
 */
int	ks_expr_declare(struct ks_expr_set *set, const char *name, uint32_t *variable,
	    struct ks_err *err) KS_MUST_USE;
void	ks_expr_assign(struct ks_expr_set *set, uint32_t variable, const struct ks_val *v);

/* Whether any expression of the set reads the record's metadata ($key ...): text alone then does not do. */
bool	ks_expr_set_wants_record(const struct ks_expr_set *set);

/*
 * ks_expr_load - resolve the set's paths against a record; the record must
 * live until the last ks_expr_eval on it.  Returns NULL or what is wrong
 * with the bytes of the value or of the metadata that is read.  The walk
 * stops when every path is resolved, so what stands behind is not checked.
 * In a map with equal keys the first one counts.
 */
const char *ks_expr_load(struct ks_expr_set *set, const struct ks_rec *rec) KS_MUST_USE;

/*
 * ks_expr_load_text - the same against one JSON document, which is checked
 * whole and as strictly as ks_json_parse does (KS_PAD bytes behind it, the
 * first a NUL or a newline).  Of equal keys the last one counts.  Metadata
 * is that of no record: null, and no headers.  On error *at is the offending byte.
 *
 *	text	from the first byte of the line
 *	end	out: the newline or NUL that ends the line; anything else behind
 *		the document, but white space, is KS_JSON_TRAILING
 */
enum ks_json_error ks_expr_load_text(struct ks_expr_set *set, const unsigned char *text,
    const unsigned char **end, const unsigned char **at) KS_MUST_USE;

/*
 * ks_expr_eval - the one value of e over what was loaded last.  v borrows
 * from the record or the set until the next load.  Returns NULL, or an
 * error text in jq's words, behind the path of the step that failed
 * (".a.b: Cannot index number with \"b\""), that lives until the next call;
 * it is an error, too, that there are several values, which only an
 * expression that is not single can have.  Where the expression yields
 * nothing (`.a?` of a number) v is null; ks_expr_nothing tells the two
 * apart, until the next eval of e.
 */
const char *ks_expr_eval(struct ks_expr *e, struct ks_val *v) KS_MUST_USE;

/*
 * ks_expr_eval_to - the same, but an object may be built in room, where it
 * fits: v->b.p is room.p then.  What else stands in room afterwards is unknown.
 */
const char *ks_expr_eval_to(struct ks_expr *e, struct ks_room room, struct ks_val *v) KS_MUST_USE;

/*
 * ks_expr_copy - the value of e as msgpack, copied from what was loaded to
 * room: how many bytes it has.  0: e is not so simple, or the record is not, or
 * there is too little room; evaluate it then.  What else stands in room
 * afterwards is unknown.
 */
size_t	ks_expr_copy(const struct ks_expr *e, struct ks_room room);

/*
 * ks_expr_print - append the value of e to out as JSON text, straight from
 * the text that was loaded.  max: bytes that it may have in msgpack.  False:
 * e is not so simple, or the record is not; evaluate it then.  out may have
 * grown in vain.
 */
bool	ks_expr_print(struct ks_expr *e, size_t max, struct ks_buf *out);

bool	ks_expr_nothing(const struct ks_expr *e);

/*
 * ks_expr_each - hand each value of e over what was loaded last to emit.
 * Returns NULL or an error text; values before the error were handed on.
 * What emit returns other than 0 ends it, and goes to *rc, which is 0 otherwise.
 */
const char *ks_expr_each(struct ks_expr *e, int (*emit)(void *ctx, const struct ks_val *v),
    void *ctx, int *rc) KS_MUST_USE;

/* ks_expr_any - whether any value of e is true; the first that is ends it. */
const char *ks_expr_any(struct ks_expr *e, bool *any) KS_MUST_USE;

/* ks_expr_set_limit - for one record: steps of work, bytes of memory; 0 leaves the default. */
void	ks_expr_set_limit(struct ks_expr_set *set, uint64_t steps, size_t memory);

/*
 * Keys read from text that stood twice in the object they were read from
 * (the last won): of objects that a path leads into or an evaluation read.
 */
uint64_t ks_expr_duplicates(const struct ks_expr_set *set);

#endif
