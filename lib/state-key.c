/* SPDX-License-Identifier: MIT */
/* state-key.c - a key as state knows it. */
#include "state-key.h"

int ks_state_key_pack(struct ks_buf *room, struct ks_bytes key, struct ks_bytes *plain)
{
	const unsigned char *p = key.p;
	struct ks_val v;
	int no;

	if (ks_mp_read(&p, key.p + key.n, 0, &v) != KS_MP_OK)
		ks_bug("a key that was not checked");
	room->n = 0;
	no = ks_mp_add_val(room, &v);
	*plain = ks_buf_bytes(room);
	return no;
}
