/* SPDX-License-Identifier: MIT */
/*
 * json-pretty.h - JSON for people: as jq prints it, two blanks a level, with
 * jq's colours where they are wanted.
 */
#ifndef KS_JSON_PRETTY_H
#define KS_JSON_PRETTY_H

#include "buf.h"
#include "value.h"

/* As ks_json_print: KS_MP_OK, an error of the value, or with *no set ENOMEM or EMSGSIZE. */
enum ks_mp_error ks_json_pretty(struct ks_bytes value, unsigned depth, bool color, struct ks_buf *out, int *no)
    KS_MUST_USE;

#endif
