/* SPDX-License-Identifier: MIT */
/* loop-hello.c - HELLO as it goes on. */
#include "loop.h"

/* The HELLO that stands in b is the one that goes on. */
static void take_hello(const struct ks_frame_loop *l, const struct ks_buf *b, struct ks_bytes *payload, struct ks_bytes *raw,
    struct ks_hello_view *h)
{
	*raw = ks_bytes(b->p, b->n);
	*payload = ks_bytes(raw->p + KS_FRAME_HEAD, raw->n - KS_FRAME_HEAD);
	if (ks_hello_parse(*payload, l->config->limits.depth, h) != NULL)
		ks_bug("a HELLO of ours does not parse");
}

/* HELLO as the tool would have it go on, where it does not go on as it came; changed keeps it. */
static int change_hello(struct ks_frame_loop *l, struct ks_buf *changed, struct ks_bytes *payload, struct ks_bytes *raw,
    struct ks_hello_view *h)
{
	int status = l->op->forward != NULL ? l->op->forward(l->st, &l->run, *payload, changed) : 0;

	if (status != 0 || changed->n == 0)
		return status;
	take_hello(l, changed, payload, raw, h);
	return 0;
}

/* It tells of a side route more. */
static int add_side(struct ks_frame_loop *l, const char *side, struct ks_buf *b, struct ks_bytes *payload, struct ks_bytes *raw,
    struct ks_hello_view *h)
{
	if (ks_hello_add_side(b, *payload, side) != 0)
		return ks_fail_memory(&l->err);
	take_hello(l, b, payload, raw, h);
	return 0;
}

int ks_loop_pass_hello(struct ks_frame_loop *l, struct ks_buf changed[KS_HELLO_STEPS], struct ks_bytes *payload, struct ks_bytes *raw,
    struct ks_hello_view *h)
{
	unsigned i;
	int status;

	for (i = 0; i < KS_HELLO_STEPS; i++)
		ks_buf_init(&changed[i], 2 * KS_CONTROL_MAX);
	status = change_hello(l, &changed[0], payload, raw, h);
	if (status == 0 && l->config->on_error == KS_POLICY_DLQ)
		status = add_side(l, l->config->error_to, &changed[1], payload, raw, h);
	if (status == 0 && l->run.changelog != NULL)
		status = add_side(l, l->run.changelog, &changed[2], payload, raw, h);
	return status;
}
