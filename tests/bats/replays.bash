# SPDX-License-Identifier: MIT
# Input of replays, and recordings of it.
# shellcheck shell=bash

# numbered T...: JSON lines with these times, numbered from 0
numbered() {
	local t n=0
	for t in "$@"; do printf '{"t":%d,"n":%d}\n' "$t" $((n++)); done
}

# disorder SEED COUNT: times that grow, some late by up to 20 s, one in a hundred; .n counts
disorder() {
	/usr/bin/python3 -c '
import random, sys
r, t = random.Random(int(sys.argv[1])), 1700000000000
for n in range(int(sys.argv[2])):
    t += r.randint(0, 20)
    print("{\"t\":%d,\"n\":%d}" % (t - r.choice([0, 0, r.randint(0, 3000), r.randint(0, 20000) if r.random() < 0.04 else 0]), n))' "$@"
}

record() { kstream-cat --from json --time .t "$@"; } # record FILE...: frames of JSON lines with their time in .t
