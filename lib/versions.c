/* SPDX-License-Identifier: MIT */
/*
 * versions.c - the versions of a row: bytes of the value, then a trailer with
 * its time, so that the newest is read from the end.
 */
#include "versions.h"

#define PRUNE_MIN 512u		/* bytes of a block that are not worth the walk */
#define TOMBSTONE 1u

struct head {
	uint32_t n;		/* bytes of versions behind it */
	uint32_t kept;		/* likewise, when it was pruned last */
};

struct trailer {
	int64_t time_ms;
	uint32_t n;		/* bytes of the value, before it */
	uint32_t flags;		/* the caller's, one bit up, and TOMBSTONE */
};

static struct head head_of(const void *block)
{
	struct head h = { 0 };

	if (block != NULL)
		memcpy(&h, block, sizeof(h));
	return h;
}

static void set_head(void *block, struct head h)
{
	memcpy(block, &h, sizeof(h));
}

/* Of the version that ends at byte end of those behind the head. */
static struct trailer trailer_at(const void *block, size_t end)
{
	struct trailer t;

	memcpy(&t, (const unsigned char *)block + sizeof(struct head) + end - sizeof(t), sizeof(t));
	return t;
}

static size_t size_of(struct trailer t)
{
	return t.n + sizeof(t);
}

size_t ks_versions_size(const void *block)
{
	return sizeof(struct head) + head_of(block).n;
}

size_t ks_versions_room(const void *block, size_t n)
{
	size_t now = ks_versions_size(block);

	/* A tombstone that erases leaves another one in its place, which is shorter. */
	if (n > UINT32_MAX / 2 || now > UINT32_MAX - n - sizeof(struct trailer))
		return SIZE_MAX;
	return now + n + sizeof(struct trailer);
}

static void read_version(const void *block, size_t end, struct ks_version *v)
{
	struct trailer t = trailer_at(block, end);

	v->time_ms = t.time_ms;
	v->flags = t.flags >> 1;
	v->value = ks_bytes(NULL, 0);
	if ((t.flags & TOMBSTONE) == 0)
		v->value = ks_bytes((const unsigned char *)block + sizeof(struct head) + end - size_of(t), t.n);
}

bool ks_versions_next(const void *block, size_t *at, struct ks_version *v)
{
	size_t n = head_of(block).n;

	if (*at >= n)
		return false;
	read_version(block, n - *at, v);
	*at += size_of(trailer_at(block, n - *at));
	return true;
}

bool ks_versions_latest(const void *block, struct ks_version *v)
{
	size_t at = 0;

	return ks_versions_next(block, &at, v);
}

bool ks_versions_as_of(const void *block, int64_t time_ms, struct ks_version *v, bool *latest)
{
	size_t at = 0;

	*latest = true;
	while (ks_versions_next(block, &at, v)) {
		if (v->time_ms <= time_ms)
			return true;
		*latest = false;
	}
	return false;
}

/* Put the version between bytes [from, to) of the others, in place of what stands there. */
static void splice(void *block, size_t from, size_t to, const struct ks_version *v)
{
	struct trailer t = { .time_ms = v->time_ms, .n = (uint32_t)v->value.n, 
		.flags = v->flags << 1 | (v->value.p == NULL ? TOMBSTONE : 0) };
	unsigned char *all = (unsigned char *)block + sizeof(struct head);
	struct head h = head_of(block);

	memmove(all + from + size_of(t), all + to, h.n - to);
	if (t.n > 0)
		memcpy(all + from, v->value.p, t.n);
	memcpy(all + from + t.n, &t, sizeof(t));
	h.n = (uint32_t)(h.n - (to - from) + size_of(t));
	set_head(block, h);
}

static bool erases(const void *block, const struct ks_version *v)
{
	struct ks_version latest;

	return v->value.p == NULL && ks_versions_latest(block, &latest) && latest.value.p != NULL && latest.time_ms == v->time_ms;
}

static void erase_latest(void *block, const struct ks_version *tombstone)
{
	struct head h = head_of(block);
	struct ks_version before;

	h.n = (uint32_t)(h.n - size_of(trailer_at(block, h.n)));
	set_head(block, h);
	if (ks_versions_latest(block, &before) && before.value.p != NULL)
		splice(block, h.n, h.n, tombstone);
}

bool ks_versions_put(void *block, const struct ks_version *v)
{
	size_t n = head_of(block).n, end = n;
	struct trailer t = { .n = 0 };

	if (erases(block, v)) {
		erase_latest(block, v);
		return true;
	}
	while (end > 0) {
		t = trailer_at(block, end);
		if (t.time_ms <= v->time_ms)
			break;
		end -= size_of(t);
	}
	if (end > 0 && t.time_ms == v->time_ms)
		splice(block, end - size_of(t), end, v);
	else
		splice(block, end, end, v);
	return end == n;
}

void ks_versions_prune(void *block, int64_t horizon_ms)
{
	unsigned char *all = (unsigned char *)block + sizeof(struct head);
	struct head h = head_of(block);
	size_t end = h.n, from;
	struct trailer t;

	if (h.n < PRUNE_MIN || h.n / 2 < h.kept)
		return;
	for (from = 0; end > 0; end -= size_of(t)) {
		t = trailer_at(block, end);
		if (t.time_ms >= horizon_ms)
			continue;
		from = end - size_of(t);
		break;
	}
	memmove(all, all + from, h.n - from);
	h.n -= (uint32_t)from;
	h.kept = h.n;
	set_head(block, h);
}
