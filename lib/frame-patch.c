/* SPDX-License-Identifier: MIT */
/* frame-patch.c - a record's place, changed in the frame that it came in. */
#include "frame-patch.h"

/* Behind the time, which ks_rec_parse has read; NULL: in an encoding that is rare. */
static const unsigned char *behind_time(const unsigned char *p)
{
	if (KS_LIKELY(*p == 0xcf))	/* nearly every one of today */
		return p + 9;
	if (*p < 0x80 || *p == 0xc0 || *p >= 0xe0)
		return p + 1;
	if (*p >= 0xcc && *p <= 0xcf)
		return p + 1 + (1u << (*p - 0xcc));
	if (*p >= 0xd0 && *p <= 0xd3)
		return p + 1 + (1u << (*p - 0xd0));
	return NULL;
}

static bool patch(const struct ks_rec *rec, uint32_t flags, int32_t partition)
{
	const unsigned char *flag, *part;

	if (rec->frame.p == NULL || flags >= 0x80 || partition < 0 || partition >= 0x80)
		return false;
	flag = behind_time(rec->frame.p + KS_FRAME_HEAD + 1);
	if (flag == NULL || *flag >= 0x80)
		return false;
	part = rec->topic.p != NULL ? rec->topic.p + rec->topic.n : flag + 2;
	if (*part >= 0x80)
		return false;
	*(unsigned char *)(uintptr_t)flag = (unsigned char)flags;
	*(unsigned char *)(uintptr_t)part = (unsigned char)partition;
	return true;
}

void ks_rec_move(struct ks_rec *rec, uint32_t flags, int32_t partition)
{
	if (flags == rec->flags && partition == rec->partition)
		return;
	if (!patch(rec, flags, partition))
		rec->frame.p = NULL;
	rec->flags = flags;
	rec->partition = partition;
}

void ks_rec_rekey(struct ks_rec *rec, struct ks_bytes key)
{
	if (rec->frame.p != NULL && key.n == rec->key.n) {
		memcpy((unsigned char *)(uintptr_t)rec->key.p, key.p, key.n);
		return;
	}
	rec->frame.p = NULL;
	rec->key = key;
}
