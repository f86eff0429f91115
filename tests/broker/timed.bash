# SPDX-License-Identifier: MIT
# Topics whose records go by event time, as order.bats and replay.bats make them.  After lib.bash.
# shellcheck shell=bash disable=SC2154

# Times of 1970 are older than what a broker keeps: so the topics have retention.ms=-1.

lines() { # lines SEED COUNT START: times that mostly grow, some late
	/usr/bin/python3 -c '
import random, sys
r, t = random.Random(int(sys.argv[1])), int(sys.argv[3])
for i in range(int(sys.argv[2])):
    t += r.randint(0, 3)
    print("{\"t\":%d,\"n\":%d}" % (t - (r.randint(0, 60) if r.random() < 0.1 else 0), i))' "$@"
}

put() { # put TOPIC PARTITION: JSON lines with their time in .t
	cat_ --from json --time .t -b "$b" -P -t "$1" -p "$2"
}
