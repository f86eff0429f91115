/* SPDX-License-Identifier: MIT */
/*
 * join-hello.c - sides that cannot meet: told of before the first record as
 * far as HELLO tells, else as soon as records show it.
 *
 * What is of one key must be in one partition, so topics must have as many
 * partitions, and place their records by the same bytes.  Source: semantics.md
 * 4.6.
 */
#include "join.h"

#include <stdio.h>

#include "hello.h"
#include "reject.h"

#define ENOUGH 10000u	/* records of one side, after which the other one is missed */

static const char *name_of(const struct ks_join *j, enum ks_join_side side)
{
	return j->spec.inputs[side].name;
}

/* "kstream-repartition ...", by which the right side comes to lie as the left one does. */
static void print_command(const struct ks_join *j, const struct ks_hello_facts *left, char *room, size_t size)
{
	const char *right = name_of(j, KS_JOIN_RIGHT);
	bool text = left->key.p == NULL || ks_bytes_is(left->key, "string");
	char codec[40] = "", count[60];

	if (!text)
		snprintf(codec, sizeof(codec), " --key-to %.*s", left->key.n < 20 ? (int)left->key.n : 20, (const char *)left->key.p);
	/* One process of several does not have all records of a new partition; a topic has. */
	if (j->run->hello->instances != 1)
		snprintf(count, sizeof(count), "--through TOPIC --create-topics %d", (int)left->partitions);
	else
		snprintf(count, sizeof(count), "--partitions %d", (int)left->partitions);
	snprintf(room, size, "kstream-repartition --only %.200s %s%s", right, count, codec);
}

static int check_partitions(struct ks_join *j)
{
	struct ks_hello_facts left, right;
	char command[400];

	if (!ks_hello_stream(j->run->hello, ks_str(name_of(j, KS_JOIN_LEFT)), &left) ||
	    !ks_hello_stream(j->run->hello, ks_str(name_of(j, KS_JOIN_RIGHT)), &right) || left.partitions == 0 || right.partitions == 0)
		return 0;
	print_command(j, &left, command, sizeof(command));
	if (left.partitions != right.partitions)
		return ks_fail(j->run->err, KS_CONFIG, "'%.200s' has %d partitions and '%.200s' has %d, so records of one key are apart: put '%s' before this tool",
		    name_of(j, KS_JOIN_LEFT), (int)left.partitions, name_of(j, KS_JOIN_RIGHT), (int)right.partitions, command);
	/* In one partition it does not matter by which bytes they are placed. */
	if (left.partitions > 1 && left.key.p != NULL && right.key.p != NULL && !ks_bytes_eq(left.key, right.key))
		return ks_fail(j->run->err, KS_CONFIG, "keys of '%.200s' are '%.*s' and keys of '%.200s' are '%.*s', so equal ones are placed apart: put '%s' before this tool",
		    name_of(j, KS_JOIN_LEFT), left.key.n < 20 ? (int)left.key.n : 20, (const char *)left.key.p, name_of(j, KS_JOIN_RIGHT),
		    right.key.n < 20 ? (int)right.key.n : 20, (const char *)right.key.p, command);
	return 0;
}

/* --only: records of a side that it leaves out would pass, and the other one would find no match in silence. */
static int check_only(const struct ks_join *j)
{
	const char *p = j->run->config->only, *name;
	bool there[2] = { false, false };
	int side;
	size_t n;

	for (; p != NULL && *p != '\0'; p += n + (p[n] == ',')) {
		n = strcspn(p, ",");
		for (side = KS_JOIN_RIGHT; side <= KS_JOIN_LEFT; side++)
			there[side] |= ks_bytes_is(ks_bytes(p, n), name_of(j, (enum ks_join_side)side));
	}
	for (side = KS_JOIN_LEFT; side >= KS_JOIN_RIGHT; side--) {
		name = name_of(j, (enum ks_join_side)side);
		if (p != NULL && !there[side] && j->spec.inputs[side].where == KS_JOIN_PIPE)
			return ks_fail(j->run->err, KS_USAGE, "--only leaves out '%.200s', which %s names: a join needs no --only", name,
			    ks_join_roles[j->spec.inputs[side].role]);
	}
	return 0;
}

int ks_join_check_hello(struct ks_join *j)
{
	bool all = ks_knows_streams(j->run);
	char streams[200];
	int side, status = check_only(j);

	if (status != 0)
		return status;
	j->goes_on = j->run->hello->epoch > 0;
	for (side = KS_JOIN_LEFT; side >= KS_JOIN_RIGHT; side--) {
		j->named[side] = ks_hello_has_stream(j->run->hello, ks_str(name_of(j, side)));
		if (j->named[side] || !all || j->spec.inputs[side].where != KS_JOIN_PIPE)
			continue;
		ks_hello_streams(j->run->hello, streams, sizeof(streams));
		return ks_fail(j->run->err, KS_CONFIG, "%s '%.200s': the input has no such stream, but %s", ks_join_roles[j->spec.inputs[side].role],
		    name_of(j, side), streams);
	}
	return j->kind->any_partition || j->spec.twice ? 0 : check_partitions(j);
}

/* What a key is, for people; NULL: such keys are not told apart. */
static const char *kind_of(unsigned type)
{
	static const char *const names[] = { [KS_STR] = "a string", [KS_INT] = "a number", [KS_UINT] = "a number", [KS_FLOAT] = "a number",
		[KS_BIN] = "bytes", [KS_ARRAY] = "an array", [KS_MAP] = "an object" };

	return type < sizeof(names) / sizeof(names[0]) ? names[type] : NULL;
}

/* 2.5 may be one of many numbers, but 1.0 says how the others are written. */
static struct ks_join_keys keys_like(const struct ks_val *v)
{
	return (struct ks_join_keys){ .known = true, .type = v->type,
		.pointed = v->type == KS_FLOAT && v->d >= -0x1p53 && v->d <= 0x1p53 && v->d == (double)(int64_t)v->d };
}

/* Whether keys can be those of the other side; *name: what they are, apart from those. */
static bool can_meet(const struct ks_join_keys *keys, const struct ks_join_keys *others, const char **name)
{
	const char *other = kind_of(others->type);

	*name = kind_of(keys->type);
	if (*name == NULL || other == NULL)
		return true;
	if (strcmp(*name, other) != 0)
		return false;
	if (keys->pointed ? others->type == KS_FLOAT : !others->pointed || keys->type == KS_FLOAT)
		return true;
	*name = keys->pointed ? "a number with a point" : "a number without a point";
	return false;
}

void ks_join_look_at_key(struct ks_join *j, enum ks_join_side side, const struct ks_rec *rec, struct ks_bytes key)
{
	const char *words[] = { "key", j->spec.foreign_key != NULL ? "foreign key" : "key" };
	const unsigned char *p = key.p;
	char text[400], where[KS_WHERE];
	const char *mine, *other;
	struct ks_val v;

	if (j->keys[side].known || ks_mp_read(&p, p + key.n, KS_DEPTH_CEILING, &v) != KS_MP_OK)
		return;
	j->keys[side] = keys_like(&v);
	if (!j->keys[!side].known || can_meet(&j->keys[side], &j->keys[!side], &mine) ||
	    can_meet(&j->keys[!side], &j->keys[side], &other))
		return;
	snprintf(text, sizeof(text), "%.200s: its %s is %s, and the %s of a record of '%.60s' %s: they never meet; see --key and --key-from, where they are read",
	    ks_where(rec, where), words[side], mine, words[!side], name_of(j, !side), other);
	ks_tell(j->run, text);
}

void ks_join_tell_of_closed(struct ks_join *j)
{
	char text[600];
	int side;

	for (side = KS_JOIN_LEFT; side >= KS_JOIN_RIGHT; side--) {
		if (j->seen[side] == j->closed[side] || j->seen[!side] > j->closed[!side] || j->spec.inputs[!side].where != KS_JOIN_PIPE)
			continue;
		snprintf(text, sizeof(text), "'%.200s' ended, complete, before a record of '%.200s' came, so it is closed, and what follows is joined without it: end it with --end paused, or read both with one kstream-cat",
		    name_of(j, side), name_of(j, !side));
		ks_tell(j->run, text);
	}
	memcpy(j->closed, j->seen, sizeof(j->closed));
}

/* An input without an end tells of a name that nothing is of while it goes on. */
void ks_join_look_for_sides(struct ks_join *j)
{
	char text[400];
	int side;

	for (side = KS_JOIN_LEFT; side >= KS_JOIN_RIGHT && !j->missed; side--) {
		if (j->seen[side] > 0 || j->seen[!side] < ENOUGH || j->named[side] || j->goes_on || j->spec.inputs[side].where != KS_JOIN_PIPE)
			continue;
		snprintf(text, sizeof(text), "no record has been of '%.200s' so far, which %s names", name_of(j, side),
		    ks_join_roles[j->spec.inputs[side].role]);
		ks_tell(j->run, text);
		j->missed = true;
	}
}

void ks_join_tell_of_sides(struct ks_join *j)
{
	char text[400];
	int side;

	/* A run that goes on may have had nothing of one to do; and what is not of the pipe has no records in it. */
	for (side = KS_JOIN_LEFT; side >= KS_JOIN_RIGHT; side--) {
		if (j->seen[side] > 0 || (j->seen[!side] == 0 && j->passed == 0) || j->goes_on || j->missed ||
		    j->spec.inputs[side].where != KS_JOIN_PIPE)
			continue;
		snprintf(text, sizeof(text), "no record was of '%.200s', which %s names", name_of(j, side), ks_join_roles[j->spec.inputs[side].role]);
		ks_warn(j->run, text);
	}
}
