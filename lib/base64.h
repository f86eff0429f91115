/* SPDX-License-Identifier: MIT */
/* base64.h - RFC 4648 section 4, padded, strict. */
#ifndef KS_BASE64_H
#define KS_BASE64_H

#include "buf.h"

/* Append the text of bytes to b: 0, ENOMEM, EMSGSIZE. */
int	ks_base64_print(struct ks_buf *b, struct ks_bytes bytes) KS_MUST_USE;

/* Append the bytes of text to b; EINVAL for any other letter, length, padding, or stray last bits. */
int	ks_base64_parse(struct ks_buf *b, struct ks_bytes text) KS_MUST_USE;

#endif
