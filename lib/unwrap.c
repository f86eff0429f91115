/* SPDX-License-Identifier: MIT */
/* unwrap.c - what Kafka Connect's JsonConverter wraps. */
#include "unwrap.h"

const char ks_unwrap_wrong[] = "the value is no {\"schema\": ..., \"payload\": ...} and nothing else (--unwrap)";

bool ks_unwrap(struct ks_bytes *value, unsigned depth)
{
	const unsigned char *p, *end = value->p + value->n;
	struct ks_bytes payload = { 0 };
	bool schema = false;
	struct ks_head head;
	struct ks_val name;
	uint32_t i;

	if (value->n == 0 || ks_mp_head(value->p, end, &head) != KS_MP_OK || head.type != KS_MAP || head.count != 2 || depth == 0)
		return false;
	p = head.body;
	for (i = 0; i < 2; i++) {
		const unsigned char *at;

		if (ks_mp_read(&p, end, 0, &name) != KS_MP_OK)
			return false;
		at = p;
		if (ks_mp_skip(&p, end, depth - 1) != KS_MP_OK)
			return false;
		if (ks_bytes_is(name.b, "payload"))
			payload = ks_bytes(at, (size_t)(p - at));
		else
			schema |= ks_bytes_is(name.b, "schema");
	}
	if (!schema || payload.p == NULL)
		return false;
	*value = payload;
	return true;
}
