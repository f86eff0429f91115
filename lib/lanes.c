/* SPDX-License-Identifier: MIT */
/* lanes.c - the sequences that records come in. */
#include "lanes.h"

#include <errno.h>
#include <stdlib.h>

#include "hash.h"

#define NAMES_MAX ((size_t)64 << 20)	/* a quarter of a million topics */
#define FIRST 64u			/* slots at first */

void ks_lanes_init(struct ks_lanes *x)
{
	*x = (struct ks_lanes){ .count = 0 };
	ks_buf_init(&x->names, NAMES_MAX);
}

void ks_lanes_release(struct ks_lanes *x)
{
	free(x->at);
	free(x->slots);
	ks_buf_release(&x->names);
	*x = (struct ks_lanes){ .count = 0 };
}

static uint32_t slot_of(const struct ks_lanes *x, struct ks_bytes topic, int32_t partition, uint32_t input)
{
	return (uint32_t)ks_hash(topic, (uint64_t)(uint32_t)partition << 32 | input) & (x->slot_count - 1);
}

static struct ks_bytes name_of(const struct ks_lanes *x, const struct ks_lane *l)
{
	return l->topic == UINT32_MAX ? ks_bytes(NULL, 0) : ks_str((const char *)x->names.p + l->name);
}

static bool is(const struct ks_lanes *x, const struct ks_lane *l, struct ks_bytes topic, int32_t partition, uint32_t input)
{
	return l->partition == partition && l->input == input && (l->topic == UINT32_MAX) == (topic.p == NULL) &&
	    ks_bytes_eq(name_of(x, l), topic);
}

/* The names are gone through once for each lane, not for each record. */
static int place(struct ks_lanes *x, struct ks_bytes name, uint32_t *topic, uint32_t *at)
{
	const char *p = (const char *)x->names.p, *end = p + x->names.n;
	int no;

	*topic = 0;
	for (; p < end; p += strlen(p) + 1, ++*topic)
		if (ks_bytes_is(name, p))
			break;
	*at = (uint32_t)(p - (const char *)x->names.p);
	if (p < end)
		return 0;
	no = ks_buf_reserve(&x->names, name.n + 1);
	if (no != 0)
		return no;
	*at = (uint32_t)x->names.n;
	memcpy(x->names.p + x->names.n, name.p, name.n);
	x->names.p[x->names.n + name.n] = '\0';
	x->names.n += name.n + 1;
	x->topics++;
	return 0;
}

int ks_lanes_topic(struct ks_lanes *x, struct ks_bytes name)
{
	uint32_t topic, at;

	return place(x, name, &topic, &at);
}

static void enter(struct ks_lanes *x, uint32_t number)
{
	const struct ks_lane *l = &x->at[number];
	uint32_t i = slot_of(x, name_of(x, l), l->partition, l->input);

	while (x->slots[i] != 0)
		i = (i + 1) & (x->slot_count - 1);
	x->slots[i] = number + 1;
}

static bool grow(struct ks_lanes *x)
{
	uint32_t n = x->slot_count > 0 ? 2 * x->slot_count : FIRST, i;
	struct ks_lane *at = reallocarray(x->at, n / 2, sizeof(*at));
	uint32_t *slots = calloc(n, sizeof(*slots));

	if (at != NULL)
		x->at = at;
	if (at == NULL || slots == NULL) {
		free(slots);
		return false;
	}
	free(x->slots);
	x->slots = slots;
	x->slot_count = n;
	x->cap = n / 2;
	for (i = 0; i < x->count; i++)
		enter(x, i);
	return true;
}

static struct ks_lane *add(struct ks_lanes *x, struct ks_bytes topic, int32_t partition, uint32_t input)
{
	struct ks_lane l = { .most_ms = INT64_MIN, .topic = UINT32_MAX, .partition = partition, .input = input };

	if (topic.p != NULL && place(x, topic, &l.topic, &l.name) != 0)
		return NULL;
	if (x->count == x->cap && (x->count > UINT32_MAX / 4 || !grow(x)))
		return NULL;
	x->at[x->count] = l;
	enter(x, x->count);
	x->last = x->count++;
	return &x->at[x->last];
}

struct ks_lane *ks_lanes_find(struct ks_lanes *x, const struct ks_rec *rec, uint32_t input)
{
	uint32_t i;

	if (x->count > 0 && is(x, &x->at[x->last], rec->topic, rec->partition, input))
		return &x->at[x->last];
	if (x->count > 0) {
		for (i = slot_of(x, rec->topic, rec->partition, input); x->slots[i] != 0; i = (i + 1) & (x->slot_count - 1)) {
			if (is(x, &x->at[x->slots[i] - 1], rec->topic, rec->partition, input)) {
				x->last = x->slots[i] - 1;
				return &x->at[x->last];
			}
		}
	}
	return add(x, rec->topic, rec->partition, input);
}

void ks_lane_key(unsigned char key[KS_LANE_KEY], int64_t time_ms, const struct ks_lane *lane)
{
	ks_lane_time(key, time_ms);
	ks_put32(key + 8, lane->topic);
	ks_put32(key + 12, (uint32_t)lane->partition ^ (uint32_t)1 << 31);
	ks_put32(key + 16, lane->input);
}
