/* SPDX-License-Identifier: MIT */
/* key-bytes.c - a key as the bytes that Kafka holds. */
#include "key-bytes.h"

#include <errno.h>

#include "json.h"

enum ks_message_codec ks_key_to_codec(enum ks_key_codec key_to)
{
	static const enum ks_message_codec codec[] = { KS_AS_TEXT, KS_AS_JSON, KS_AS_BYTES };

	return codec[key_to];
}

const char *ks_as_bytes(struct ks_bytes value, enum ks_message_codec codec, unsigned depth,
    struct ks_buf *scratch, struct ks_bytes *bytes)
{
	const unsigned char *p = value.p;
	enum ks_mp_error e = KS_MP_OK;
	struct ks_head head;
	int no = 0;

	/* A short string, as most keys are. */
	if (KS_LIKELY(value.n > 0 && (*p & 0xe0) == 0xa0 && value.n == 1 + (size_t)(*p & 0x1f)) &&
	    (codec == KS_AS_TEXT || codec == KS_AS_BYTES)) {
		*bytes = ks_bytes(p + 1, value.n - 1);
		return NULL;
	}
	e = ks_mp_head(p, p + value.n, &head);
	if (e != KS_MP_OK)
		return ks_mp_strerror(e);
	*bytes = ks_bytes(NULL, 0);
	if (head.type == KS_NIL)
		return NULL;
	if ((head.type == KS_BIN && codec != KS_AS_JSON) ||
	    (head.type == KS_STR && (codec == KS_AS_TEXT || codec == KS_AS_BYTES))) {
		*bytes = ks_bytes(head.body, head.count);
		return NULL;
	}
	if (codec == KS_AS_BYTES)
		return "is neither text nor bytes: raw does not do";
	scratch->n = 0;
	e = ks_json_print(value, depth, scratch, &no);
	*bytes = ks_buf_bytes(scratch);
	if (no != 0)
		return no == ENOMEM ? ks_no_memory : "is too large as text";
	return e == KS_MP_OK ? NULL : ks_mp_strerror(e);
}

/* {"key": K, "start": ..., "end": ...}: K. */
static bool base_key(struct ks_bytes key, unsigned depth, struct ks_bytes *base)
{
	const unsigned char *p, *end = key.p + key.n;
	struct ks_head head;
	struct ks_val name;
	uint32_t i;

	if (ks_mp_head(key.p, end, &head) != KS_MP_OK || head.type != KS_MAP)
		return false;
	p = head.body;
	for (i = 0; i < head.count; i++) {
		if (ks_mp_read(&p, end, 0, &name) != KS_MP_OK)
			return false;
		base->p = p;
		if (ks_mp_skip(&p, end, depth) != KS_MP_OK)
			return false;
		base->n = (size_t)(p - base->p);
		if (ks_bytes_is(name.b, "key"))
			return true;
	}
	return false;
}

const char *ks_key_placing(struct ks_bytes key, uint32_t flags, enum ks_message_codec codec, unsigned depth,
    struct ks_buf *scratch, struct ks_bytes *bytes)
{
	struct ks_bytes base = key;
	struct ks_head head;

	if ((flags & KS_KEY_KIND) != 0 && ks_mp_head(key.p, key.p + key.n, &head) == KS_MP_OK && head.type == KS_BIN) {
		size_t times = (flags & KS_KEY_KIND) == KS_KEY_SESSION ? 16 : 8;

		/* As Kafka Streams' WindowedStreamPartitioner: the times behind it do not place it. */
		*bytes = ks_bytes(head.body, head.count < times ? 0 : head.count - times);
		return NULL;
	}
	if ((flags & KS_KEY_KIND) != 0 && !base_key(key, depth, &base))
		return "the key is not that of a window";
	return ks_as_bytes(base, codec, depth, scratch, bytes);
}
