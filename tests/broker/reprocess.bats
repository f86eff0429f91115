#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The story of scripts/examples/reprocess, from beginning to end: what it compares and what its reader has is computed again in Python.

# shellcheck disable=SC2154 # what lib sets
load lib
load app

@test "a new version beside the old, compared, switched to; the old one retired; nobody's results are of the old" {
	examples=$BATS_TEST_DIRNAME/../../scripts/examples
	export PATH=$bin:$PATH
	PREFIX=$t. timeout -k 5 100 "$examples/reprocess/reprocess" "$b" >out 2>err </dev/null || {
		cat out err
		false
	}
	[ ! -s err ]
	cat >check.py <<-'EOF'
		import json, re, sys
		from collections import defaultdict
		from datetime import datetime
		def ms(text): return round(datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1000)
		trades = [json.loads(line) for line in open(sys.argv[1])]
		minutes = defaultdict(list)
		for r in trades: minutes[r["symbol"], ms(r["time"]) // 60000 * 60000].append((r["price"], r["size"]))
		def plain(m): return sum(p for p, _ in m) / len(m)
		def weighted(m): return sum(p * s for p, s in m) / sum(s for _, s in m)
		def same(a, b): return abs(a - b) <= 1e-9 * abs(b)
		# the reader, at last
		have = {}
		for r in map(json.loads, open("reader.jsonl")):
		    key = json.loads(r["key"])
		    have[key["key"], key["start"]] = r["payload"]
		assert have.keys() == minutes.keys(), (len(have), sorted(minutes.keys() - have.keys())[:5], len(minutes))
		for k, m in minutes.items():
		    assert have[k]["low"] == min(p for p, _ in m) and same(have[k]["avg"], weighted(m)), (k, have[k])
		# the comparison: all minutes before that of the last of the first two thirds
		until = ms(trades[len(trades) * 2 // 3 - 1]["time"]) // 60000 * 60000
		old = [m for (_, start), m in minutes.items() if start < until]
		told = {w: int(n) for w, n in re.findall(r"^(equal|added|removed|changed) +(\d+)$", open("out").read(), re.M)}
		assert told["added"] == told["removed"] == 0 and told["equal"] + told["changed"] == len(old), (told, len(old))
		assert told["changed"] >= sum(not same(plain(m), weighted(m)) for m in old) > 100, told
		assert told["equal"] >= sum(len(m) == 1 for m in old) // 2, told
	EOF
	/usr/bin/python3 check.py "$examples/trades.jsonl"
	# Of the old version nothing is left but its group, at the beginning.
	[ -z "$(kcat -C -q -e -b "$b" -t "$t.minutes")" ]
	[ -z "$(find "$KSTREAM_STATE_DIR/$t.minutes" -name 'db*' -o -name 'reset.*')" ]
	run -1 kstream-diff -q -n 0 -b "$b" "kafka:$t.minutes" "kafka:$t.minutes2"
	[ "$(kstream-cat -b "$b" -L -G "$t.minutes2" -t "$t.trades" -J | jq -s 'map(.lag // 0) | add')" = 0 ]
}
