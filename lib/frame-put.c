/* SPDX-License-Identifier: MIT */
/* frame-put.c - a record to its frame.  Hot. */
#include "frame.h"

void ks_frame_close(unsigned char *p, size_t payload_size, int type)
{
	p[0] = 0xc9;
	ks_put32(p + 1, (uint32_t)payload_size);
	p[5] = (unsigned char)type;
}

static unsigned char *put_bytes(unsigned char *o, struct ks_bytes b)
{
	if (b.n == 1)	/* no key, no headers: mostly so, and a call costs more */
		*o = *b.p;
	else
		memcpy(o, b.p, b.n);
	return o + b.n;
}

static unsigned char *put_name(unsigned char *o, struct ks_bytes name)
{
	if (name.p == NULL) {
		*o = 0xc0;
		return o + 1;
	}
	return put_bytes(ks_mp_put_str_head(o, (uint32_t)name.n), name);
}

unsigned char *ks_rec_put_head(unsigned char *start, const struct ks_rec *r, size_t value_size)
{
	unsigned char *o = start + KS_FRAME_HEAD;

	*o++ = 0x99;
	if ((r->flags & KS_TIME_TYPE) == KS_TIME_NONE)
		*o++ = 0xc0;
	else
		o = ks_mp_put_i64(o, r->time_ms);
	o = ks_mp_put_u64(o, r->flags);
	o = put_name(o, r->topic);
	o = ks_mp_put_i64(o, r->partition);
	o = ks_mp_put_i64(o, r->offset);
	o = put_name(o, r->route);
	o = put_bytes(o, r->key);
	o = put_bytes(o, r->headers);
	ks_frame_close(start, (size_t)(o - start) - KS_FRAME_HEAD + value_size, KS_RECORD);
	return o;
}

unsigned char *ks_rec_put(unsigned char *o, const struct ks_rec *r)
{
	return put_bytes(ks_rec_put_head(o, r, r->value.n), r->value);
}

static size_t int_size(int64_t x)
{
	unsigned char room[KS_MP_HEADER];

	return (size_t)(ks_mp_put_i64(room, x) - room);
}

static size_t name_size(struct ks_bytes name)
{
	return name.p == NULL ? 1 : name.n + (name.n < 32 ? 1 : 2);	/* none has more than 255 bytes */
}

bool ks_rec_is_shortest(const struct ks_rec *r)
{
	size_t time = (r->flags & KS_TIME_TYPE) == KS_TIME_NONE ? 1 : int_size(r->time_ms);

	return (size_t)(r->value.p - r->frame.p) == KS_FRAME_HEAD + 1 + time + int_size(r->flags) + name_size(r->topic) +
	    int_size(r->partition) + int_size(r->offset) + name_size(r->route) + r->key.n + r->headers.n;
}
