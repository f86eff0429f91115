/* SPDX-License-Identifier: MIT */
/*
 * expr-set.c - the set: its program, and the trie of the paths in it.
 */
#include "expr-read.h"

#include <stdlib.h>

/* Twice the room of an array, or the first of it. */
static void *grown(void *array, uint32_t cap, size_t size)
{
	return reallocarray(array, cap == 0 ? 16 : 2 * (size_t)cap, size);
}

static bool grow_nodes(struct ks_expr_set *set)
{
	void *p;

	if (set->node_count < set->node_cap)
		return true;
	p = grown(set->nodes, set->node_cap, sizeof(*set->nodes));
	if (p == NULL)
		return false;
	set->nodes = p;
	set->node_cap = set->node_cap == 0 ? 16 : 2 * set->node_cap;
	return true;
}

static bool grow_places(struct ks_expr_set *set)
{
	uint32_t cap = set->place_cap;
	void *p;

	if (set->place_count < cap)
		return true;
	p = grown(set->places, cap, sizeof(*set->places));
	if (p == NULL)
		return false;
	set->places = p;
	p = grown(set->slots, cap, sizeof(*set->slots));
	if (p == NULL)
		return false;
	set->slots = p;
	p = grown(set->states, cap, sizeof(*set->states));
	if (p == NULL)
		return false;
	set->states = p;
	set->place_cap = cap == 0 ? 16 : 2 * cap;
	return true;
}

struct ks_expr_set *ks_expr_set_new(const struct ks_limits *limits)
{
	struct ks_expr_set *set = calloc(1, sizeof(*set));
	uint32_t i;

	if (set == NULL)
		return NULL;
	set->depth = limits->depth;
	set->read_object = ks_expr_read_best();
	set->step_limit = KS_EXPR_STEPS;
	set->scratch.max = limits->record > KS_EXPR_MEMORY / 8 ? 8 * limits->record : KS_EXPR_MEMORY;
	ks_expr_set_limit(set, limits->steps, limits->memory);
	set->stop = limits->stop;
	ks_json_init(&set->json, limits->depth);
	ks_buf_init(&set->packed, SIZE_MAX / 4);
	ks_buf_init(&set->text, SIZE_MAX / 4);
	ks_buf_init(&set->headers, SIZE_MAX / 4);
	for (i = 0; i < ROOTS; i++) {
		if (!grow_places(set)) {
			ks_expr_set_free(set);
			return NULL;
		}
		set->places[i] = (struct ks_expr_place){ .root = i };
		set->slots[i] = (struct ks_expr_slot){ 0 };
		set->states[i] = SLOT_MISSING;
		set->place_count++;
	}
	return set;
}

void ks_expr_set_free(struct ks_expr_set *set)
{
	if (set == NULL)
		return;
	ks_regexes_free(set->regexes);
	ks_buf_release(&set->headers);
	ks_buf_release(&set->text);
	ks_buf_release(&set->packed);
	ks_json_release(&set->json);
	ks_arena_release(&set->scratch);
	ks_arena_release(&set->program);
	free(set->states);
	free(set->slots);
	free(set->places);
	free(set->nodes);
	free(set->registers);
	free(set);
}

static uint16_t height(const struct ks_expr_set *set, uint32_t node)
{
	return node == KS_EXPR_NONE ? 0 : set->nodes[node].height;
}

/* A node may stand in several places: there are more in sum than there are. */
#define WEIGHT_MAX 1000000u
void ks_expr_weigh(struct ks_expr_set *set, uint32_t node, uint32_t of)
{
	uint32_t *sum = &set->nodes[node].weight, more = of == KS_EXPR_NONE ? 0 : set->nodes[of].weight;

	*sum = *sum + more < WEIGHT_MAX ? *sum + more : WEIGHT_MAX;
}

static bool is_single(const struct ks_expr_set *set, uint32_t node)
{
	return node == KS_EXPR_NONE || set->nodes[node].single;
}

uint32_t ks_expr_node(struct ks_expr_set *set, enum ks_expr_op op, uint32_t lhs, uint32_t rhs)
{
	uint16_t a = height(set, lhs), b = height(set, rhs);
	bool single = is_single(set, lhs) && is_single(set, rhs);

	if (set->node_count == KS_EXPR_NODES_MAX || !grow_nodes(set))
		return KS_EXPR_NONE;
	if (op == OP_ITERATE || op == OP_COMMA)
		single = false;
	set->nodes[set->node_count] = (struct ks_expr_node){
		.op = (uint8_t)op, .lhs = lhs, .rhs = rhs, .height = (uint16_t)((a > b ? a : b) + 1),
		.single = single || op == OP_ARRAY, .weight = 1,
	};
	/* A path stands there already, and what is in an array is run, which counts. */
	if (op != OP_SLOT && op != OP_ARRAY) {
		ks_expr_weigh(set, set->node_count, lhs);
		ks_expr_weigh(set, set->node_count, rhs);
	}
	return set->node_count++;
}

uint32_t ks_expr_node_of(struct ks_expr_set *set, enum ks_expr_op op, uint32_t lhs,
    const struct ks_expr_fn *fn, const uint32_t *args, uint32_t count)
{
	uint32_t *copy = ks_arena_get(&set->program, count * sizeof(*copy) + 1), node, i;
	bool single = is_single(set, lhs);
	uint16_t most = height(set, lhs);

	node = copy == NULL ? KS_EXPR_NONE : ks_expr_node(set, op, lhs, KS_EXPR_NONE);
	if (node == KS_EXPR_NONE)
		return node;
	for (i = 0; i < count; i++) {
		copy[i] = args[i];
		single &= is_single(set, args[i]);
		most = height(set, args[i]) > most ? height(set, args[i]) : most;
		if (op != OP_RUN)
			ks_expr_weigh(set, node, args[i]);
	}
	set->nodes[node].fn = fn;
	set->nodes[node].args = copy;
	set->nodes[node].count = count;
	set->nodes[node].height = (uint16_t)(most + 1);
	set->nodes[node].single = op == OP_RUN ? fn->single : single;
	if (op == OP_OBJECT && single)
		set->nodes[node].keys = ks_expr_plain_keys(set, args, count);
	return node;
}

uint32_t ks_expr_register(struct ks_expr_set *set)
{
	uint32_t n = set->register_count;
	void *p;

	if ((n & (n - 1)) == 0) {
		p = reallocarray(set->registers, n == 0 ? 1 : 2 * (size_t)n, sizeof(*set->registers));
		if (p == NULL)
			return KS_EXPR_NONE;
		set->registers = p;
	}
	set->registers[n] = (struct ks_val){ .type = KS_NIL };
	return set->register_count++;
}

uint32_t ks_expr_literal(struct ks_expr_set *set, const struct ks_val *v)
{
	uint32_t node = ks_expr_node(set, OP_LITERAL, KS_EXPR_NONE, KS_EXPR_NONE);

	if (node != KS_EXPR_NONE)
		set->nodes[node].value = *v;
	return node;
}

uint32_t ks_expr_root(struct ks_expr_set *set, uint32_t root)
{
	uint32_t node = ks_expr_node(set, OP_SLOT, KS_EXPR_NONE, KS_EXPR_NONE);

	if (node == KS_EXPR_NONE)
		return node;
	set->nodes[node].slot = root;
	if (set->places_of[root] == 0)
		set->places_of[root] = 1;
	set->wants_record |= root != ROOT_VALUE;
	return node;
}

static bool same_step(const struct ks_val *a, const struct ks_val *b)
{
	return a->type == b->type &&
	    (a->type == KS_STR ? ks_bytes_eq(a->b, b->b) : a->i == b->i);
}

/* The place one step behind `at`, made if it is not there; 0: no memory. */
static uint32_t place_behind(struct ks_expr_set *set, uint32_t at, const struct ks_val *step)
{
	struct ks_expr_place *place;
	unsigned char *text;
	uint32_t i;

	for (i = set->places[at].child; i != 0; i = set->places[i].next)
		if (same_step(&set->places[i].step, step))
			return i;
	set->alike.count = set->alike.shape.n = 0;	/* what a value is known by leads to the places as they were */
	if (!grow_places(set))
		return 0;
	i = set->place_count;
	place = &set->places[i];
	*place = (struct ks_expr_place){
		.length = KS_EXPR_IS_INDEX, .next = set->places[at].child, .step = *step,
		.root = set->places[at].root,
	};
	if (step->type == KS_STR) {
		/* Its own copy: the text of an expression does not outlive its parsing. */
		text = ks_arena_get(&set->program, step->b.n + 1);
		if (text == NULL)
			return 0;
		memcpy(text, step->b.p, step->b.n);
		place->step.b.p = text;
		place->length = (uint32_t)step->b.n;
		place->word = ks_expr_word(text, step->b.n, step->b.n);
	}
	set->slots[i] = (struct ks_expr_slot){ 0 };
	set->states[i] = SLOT_MISSING;
	set->places[at].child = i;
	set->places_of[place->root]++;
	set->place_count++;
	return i;
}

uint32_t ks_expr_step(struct ks_expr_set *set, uint32_t lhs, const struct ks_val *step)
{
	uint32_t node, slot;

	if (set->nodes[lhs].op != OP_SLOT) {
		node = ks_expr_node(set, OP_INDEX, lhs, KS_EXPR_NONE);
		if (node != KS_EXPR_NONE)
			set->nodes[node].value = *step;
		return node;
	}
	slot = place_behind(set, set->nodes[lhs].slot, step);
	node = slot == 0 ? KS_EXPR_NONE : ks_expr_node(set, OP_SLOT, lhs, KS_EXPR_NONE);
	if (node != KS_EXPR_NONE)
		set->nodes[node].slot = slot;
	return node;
}

int ks_expr_declare(struct ks_expr_set *set, const char *name, uint32_t *variable, struct ks_err *err)
{
	struct ks_expr_variable *v = ks_arena_get(&set->program, sizeof(*v));

	*variable = ks_expr_register(set);
	if (v == NULL || *variable == KS_EXPR_NONE)
		return ks_fail(err, KS_TEMP, "no memory for an expression");
	*v = (struct ks_expr_variable){ set->declared, ks_str(name), *variable };
	set->declared = v;
	return 0;
}

void ks_expr_assign(struct ks_expr_set *set, uint32_t variable, const struct ks_val *v)
{
	set->registers[variable] = *v;
}

int ks_expr_add(struct ks_expr_set *set, const char *text, struct ks_expr **e, struct ks_err *err)
{
	struct ks_expr_parser x = { .set = set, .err = err, .variables = set->declared };
	size_t n = strlen(text);
	unsigned char *copy;
	struct ks_expr *made;

	if (n > KS_EXPR_TEXT_MAX)
		return ks_fail(err, KS_USAGE, "column %zu: the expression is longer than %zu bytes",
		    KS_EXPR_TEXT_MAX + 1, KS_EXPR_TEXT_MAX);
	memset(set->guesses, 0, sizeof(set->guesses));	/* a key that led nowhere may lead somewhere now */
	copy = ks_arena_get(&set->program, n + KS_PAD);
	made = ks_arena_get(&set->program, sizeof(*made));
	if (copy == NULL || made == NULL)
		return ks_fail(err, KS_TEMP, "no memory for an expression");
	memcpy(copy, text, n);
	memset(copy + n, 0, KS_PAD);
	x.text = ks_bytes(copy, n);
	*made = (struct ks_expr){ .set = set, .node = ks_expr_parse(&x) };
	if (made->node == KS_EXPR_NONE)
		return err->status;
	*e = made;
	return 0;
}

int ks_expr_add_of(struct ks_expr_set *set, const char *clause, size_t n, struct ks_expr **e,
    struct ks_err *err)
{
	int status = ks_expr_add(set, clause + n, e, err);
	char text[sizeof(err->text)];

	if (status != KS_USAGE)
		return status;
	memcpy(text, err->text, sizeof(text));
	return ks_fail(err, status, "%.*s %s", (int)n, clause, text);
}

void ks_expr_set_limit(struct ks_expr_set *set, uint64_t steps, size_t memory)
{
	if (steps != 0)
		set->step_limit = steps;
	if (memory != 0)
		set->scratch.max = memory;
}

bool ks_expr_set_wants_record(const struct ks_expr_set *set)
{
	return set->wants_record;
}

uint64_t ks_expr_duplicates(const struct ks_expr_set *set)
{
	return set->duplicates + set->json.duplicates;
}
