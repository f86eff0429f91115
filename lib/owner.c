/* SPDX-License-Identifier: MIT */
/* owner.c - which instance of an app. */
#include "owner.h"

#include <stdio.h>
#include <string.h>

#include "num.h"

static bool is_letter(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool ks_owner_is_name(struct ks_bytes text)
{
	size_t i;

	if (text.n == 0 || text.n > KS_OWNER_MAX || !is_letter(text.p[0]))
		return false;
	for (i = 1; i < text.n; i++)
		if (!is_letter(text.p[i]) && (text.p[i] < '0' || text.p[i] > '9') && text.p[i] != '_' && text.p[i] != '-')
			return false;
	return true;
}

bool ks_owner_layout(struct ks_bytes text, uint32_t *instance, uint32_t *instances)
{
	const unsigned char *slash = text.n > 0 ? memchr(text.p, '/', text.n) : NULL;
	int64_t i, n;

	if (slash == NULL || ks_num_parse_i64(ks_bytes(text.p, (size_t)(slash - text.p)), &i) != 0 ||
	    ks_num_parse_i64(ks_bytes(slash + 1, text.n - (size_t)(slash + 1 - text.p)), &n) != 0 ||
	    n < 1 || n > KS_INSTANCES_LIMIT || i < 0 || i >= n)
		return false;
	*instance = (uint32_t)i;
	*instances = (uint32_t)n;
	return true;
}

void ks_owner_print(char room[KS_OWNER_ROOM], uint32_t instance, uint32_t instances)
{
	snprintf(room, KS_OWNER_ROOM, "%u/%u", instance, instances);
}

bool ks_owner_is(struct ks_bytes text)
{
	uint32_t i, n;
	char room[KS_OWNER_ROOM];

	if (!ks_owner_layout(text, &i, &n))
		return ks_owner_is_name(text);
	ks_owner_print(room, i, n);
	return ks_bytes_is(text, room);
}

void ks_owner_directory(char room[KS_OWNER_ROOM], const char *owner)
{
	snprintf(room, KS_OWNER_ROOM, "%.*s", (int)strcspn(owner, "/"), owner);
}

bool ks_owner_is_directory(const char *name)
{
	char room[KS_OWNER_ROOM];
	int64_t i;

	if (ks_num_parse_i64(ks_str(name), &i) != 0)
		return ks_owner_is_name(ks_str(name));
	snprintf(room, sizeof(room), "%lld", (long long)i);
	return i >= 0 && i < KS_INSTANCES_LIMIT && strcmp(room, name) == 0;
}

bool ks_owner_same_place(const char *a, const char *b)
{
	size_t n = strcspn(a, "/");

	return n == strcspn(b, "/") && memcmp(a, b, n) == 0;
}
