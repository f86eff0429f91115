#!/usr/bin/env python3
"""Write lib/num-pow10.c: 10^k for k = -342 .. 324 as 128 bit significands, rounded down."""
LOW, HIGH = -342, 324

print("""/* SPDX-License-Identifier: MIT */
/* num-pow10.c - written by tests/vectors/num/pow10.py; do not edit. */
#include "num-pow10.h"

const struct ks_pow10 ks_pow10[KS_POW10_HIGH - KS_POW10_LOW + 1] = {""")
for k in range(LOW, HIGH + 1):
    n, d = (10 ** k, 1) if k >= 0 else (1, 10 ** -k)
    shift = 127 - ((k * 1741647) >> 19)
    g = (n << shift) // d if shift >= 0 else n // (d << -shift)
    assert 1 << 127 <= g < 1 << 128
    print("%s{ 0x%016x, 0x%016x }," % ("\t" if (k - LOW) % 2 == 0 else " ", g >> 64, g & (1 << 64) - 1),
          end="\n" if (k - LOW) % 2 or k == HIGH else "")
print("};")
