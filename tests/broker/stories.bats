#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The story of scripts/examples that needs Kafka: what it prints is computed again in Python.

# shellcheck disable=SC2154 # what lib sets
load lib

@test "the ten shares that gained most on each day, through a topic of one partition" {
	examples=$BATS_TEST_DIRNAME/../../scripts/examples
	PREFIX=$t. "$examples/top-gainers" "$b" >out 2>err
	[ ! -s err ]
	cat >gainers.py <<-'EOF'
		import json, sys
		from collections import defaultdict
		days = defaultdict(lambda: defaultdict(list))
		for line in open(sys.argv[1]):
		    r = json.loads(line)
		    days[r["time"][:10]][r["symbol"]].append((r["time"], r["price"]))	# of New York's day, too, at this hour
		got = {r["day"]: r["top"] for r in map(json.loads, open("out"))}
		assert sorted(got) == sorted(days) and len(days) == 3, got
		for day, symbols in days.items():
		    assert len(symbols) == 14
		    gains = [((max(p)[1] / min(p)[1] - 1) * 100, s) for s, p in symbols.items()]
		    best = sorted(gains, reverse=True)[:10]
		    assert [x["id"] for x in got[day]] == [s for _, s in best], (day, got[day], best)
		    assert all(abs(x["by"] - gain) < 1e-9 for x, (gain, _) in zip(got[day], best))
	EOF
	/usr/bin/python3 gainers.py "$examples/trades.jsonl"
	# all symbols of all days, once each, and the symbols had several partitions before
	[ "$(kcat -C -q -e -b "$b" -t "$t.gains" | wc -l)" -eq 42 ]
	[ "$(kcat -C -q -e -b "$b" -t "$t.gains" -f '%p\n' | sort -u)" = 0 ]
	[ "$(kcat -C -q -e -b "$b" -t "$t.trades" -f '%p\n' | sort -u | wc -l)" -gt 1 ]
}
