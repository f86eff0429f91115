/* SPDX-License-Identifier: MIT */
/* hold.c - what waits is the row before, and the frame of the record. */
#include "hold.h"

void ks_hold_init(struct ks_hold *h, struct ks_table *t, const struct ks_limits *limits)
{
	h->table = t;
	h->limits = limits;
	ks_waiting_room_init(&h->room);
}

void ks_hold_release(struct ks_hold *h)
{
	ks_waiting_room_release(&h->room);
}

int ks_hold_open(struct ks_hold *h, struct ks_err *err)
{
	struct ks_table *t = h->table;
	int status = 0;
	size_t i;

	h->room.store = t->store;
	h->room.segment = t->segment + 1;
	for (i = 0; i < t->count && status == 0; i++)
		status = ks_waiting_recover(&h->room, &t->parts[i]->held, t->parts[i]->partition, err);
	return status;
}

int ks_hold_put(struct ks_hold *h, struct ks_table_part *part, struct ks_bytes key, const struct ks_rec *rec,
    struct ks_bytes before, struct ks_err *err)
{
	unsigned char *frame;
	int status = ks_waiting_put(&h->room, &part->held, part->partition, key, rec->time_ms, before, ks_rec_size(rec), &frame, err);

	if (status == 0)
		(void)ks_rec_put(frame, rec);
	return status;
}

int ks_hold_take(struct ks_hold *h, struct ks_table_part *part, bool all, struct ks_rec *rec, struct ks_bytes *before,
    bool *more, struct ks_err *err)
{
	struct ks_waiting_item item;
	struct ks_bytes payload;
	const char *wrong = "it is no frame";
	int type;
	size_t n;
	int status = ks_waiting_take(&h->room, &part->held, part->partition, part->stream_ms, all, &item, more, err);

	if (status != 0 || !*more)
		return status;
	*before = item.first;
	/* There was room for the largest that it might have been. */
	if (ks_frame_split(item.body, SIZE_MAX, &type, &payload, &n) == KS_FRAME_WHOLE)
		wrong = ks_rec_parse(payload, h->limits, rec);
	if (wrong != NULL)
		return ks_fail(err, KS_CONFIG, "a change that was held back: %s", wrong);
	rec->frame = ks_bytes(NULL, 0);		/* it does not live as long as one that came in */
	return 0;
}

int ks_hold_earliest(struct ks_hold *h, struct ks_table_part *part, int64_t *time_ms, struct ks_err *err)
{
	return ks_waiting_earliest(&h->room, &part->held, part->partition, time_ms, err);
}
