/* SPDX-License-Identifier: MIT */
/*
 * unwrap.h - what Kafka Connect's JsonConverter wraps: {"schema": S,
 * "payload": P}, where schemas are enabled, in either order and nothing else
 * beside them.
 */
#ifndef KS_UNWRAP_H
#define KS_UNWRAP_H

#include "value.h"

/* *value (msgpack) becomes its payload; false, and untouched: it is no such object. */
bool	ks_unwrap(struct ks_bytes *value, unsigned depth);

/* What is wrong with one that is none. */
extern const char ks_unwrap_wrong[];

#endif
