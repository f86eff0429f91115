/* SPDX-License-Identifier: MIT */
/*
 * num-pow10.h - powers of ten to 128 bits, for num-float.c alone.
 *
 * ks_pow10[k - KS_POW10_LOW] is floor(10^k * 2^(127 - floor(log2(10^k)))):
 * the upper bit is set.  Exact for 0 <= k <= 55, too small by less than 1 otherwise.
 */
#ifndef KS_NUM_POW10_H
#define KS_NUM_POW10_H

#include <stdint.h>

#define KS_POW10_LOW (-342)
#define KS_POW10_HIGH 324

struct ks_pow10 {
	uint64_t high, low;
};

extern const struct ks_pow10 ks_pow10[KS_POW10_HIGH - KS_POW10_LOW + 1];

#endif
