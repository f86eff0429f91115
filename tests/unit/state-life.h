/* SPDX-License-Identifier: MIT */
/* state-life.h - a state that lives for some epochs, and what it holds after each of them. */
#ifndef STATE_LIFE_H
#define STATE_LIFE_H

#include <stdio.h>

#include "lib/store-impl.h"

#define EPOCHS 12
#define KEYS 120

static struct ks_err err;
static char state_dir[64];

/* So little memory that much of it goes to the base. */
static struct ks_store_config config = {
	.seed = 3, .memory = 20000, .state_dir = state_dir, .app = "app", .stage = "stage", .owner = "0/1", .fingerprint = "--x 1\n",
};

/* Key k after an epoch: its number and when it was last written; 0: it is not there. */
static uint64_t expected(int64_t epoch, uint64_t k)
{
	uint64_t value = 0;
	int64_t n;

	for (n = 1; n <= epoch; n++) {
		if (n % 5 == 0 && k % 3 == 1)
			value = 0;	/* its segment was dropped */
		if ((k * 2654435761u + (uint64_t)n * 40503u) % 3 != 0)
			value = k << 32 | (uint64_t)n;
		else if ((k + (uint64_t)n) % 7 == 0)
			value = 0;
	}
	return value;
}

static struct ks_bytes key_of(uint64_t k, char *room)
{
	return ks_bytes(room, (size_t)sprintf(room, "key %u of some length, so that pages fill", (unsigned)k));
}

static int make_epoch(struct ks_store *s, int64_t n)
{
	struct ks_barrier b = { .n = n, .positions = ks_no_headers, .committed = n - 1, .group = ks_mp_nil };
	struct ks_store_value v;
	char room[80];
	uint64_t k, x;
	int status = 0;

	if (n % 5 == 0)
		ks_store_drop(s, 0, 1);
	for (k = 0; k < KEYS && status == 0; k++) {
		if ((k * 2654435761u + (uint64_t)n * 40503u) % 3 != 0) {
			status = ks_store_put(s, 0, (int64_t)(k % 3), key_of(k, room), 48, &v, &err);
			x = k << 32 | (uint64_t)n;
			if (status == 0)
				memcpy(v.p, &x, sizeof(x));
		} else if ((k + (uint64_t)n) % 7 == 0) {
			status = ks_store_delete(s, 0, (int64_t)(k % 3), key_of(k, room), &err);
		}
	}
	return status != 0 ? status : ks_store_commit(s, &b, &err);
}

static bool holds(struct ks_store *s, int64_t epoch)
{
	struct ks_store_value v;
	char room[80];
	uint64_t k, x;

	for (k = 0; k < KEYS; k++) {
		if (ks_store_get(s, 0, (int64_t)(k % 3), key_of(k, room), &v, &err) != 0)
			return false;
		x = 0;
		if (v.p != NULL)
			memcpy(&x, v.p, sizeof(x));
		if (x != expected(epoch, k))
			return false;
	}
	return true;
}

#endif
