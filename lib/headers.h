/* SPDX-License-Identifier: MIT */
/* headers.h - change the headers of a record, which keep their order and what stands there twice. */
#ifndef KS_HEADERS_H
#define KS_HEADERS_H

#include "buf.h"
#include "value.h"

struct ks_headers {
	struct ks_buf pairs, bytes;	/* scratch of one record */
	uint32_t count;
};

void	ks_headers_init(struct ks_headers *h, size_t max);
void	ks_headers_release(struct ks_headers *h);

/* Begin with those of a record that keep (NULL: all) says yes to.  NULL, or what is wrong. */
const char *ks_headers_begin(struct ks_headers *h, struct ks_bytes headers,
    bool (*keep)(const void *arg, struct ks_bytes name), const void *arg) KS_MUST_USE;

/* One more, behind them: 0, ENOMEM, EMSGSIZE. */
int	ks_headers_add(struct ks_headers *h, struct ks_bytes name, struct ks_bytes value) KS_MUST_USE;

/* All of them, for rec->headers; borrows until the next begin.  0, ENOMEM, EMSGSIZE. */
int	ks_headers_end(struct ks_headers *h, struct ks_bytes *headers) KS_MUST_USE;

#endif
