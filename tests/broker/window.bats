#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# kstream-window from topics to topics. What must come out is computed in Python from what kcat reads of the input, partition by partition.

# shellcheck disable=SC2154 # what lib sets
load lib

window() { timeout 60 "$bin/kstream-window" -b "$b" --in "kafka:$t" -e "$@"; }

read_all() { kcat -C -q -e -J -b "$b" -t "$1"; } # a JSON object a record, as kcat prints it

# 600 readings of 12 keys on 3 partitions, out of order by up to 12 s; the partitions' clocks are half an hour apart
fill() {
	"$topic" create "$t" 3
	/usr/bin/python3 -c '
import json, random
r = random.Random(7)
for i in range(600):
    k = r.randrange(12)
    time = 1000 * (1 + k % 3 * 1800 + i // 5) + r.randrange(-12000, 1) + 12000
    print(json.dumps({"ts": time, "key": "k%d" % k, "n": r.randrange(100)}))' >fill
	for p in 0 1 2; do # a clock and four keys each
		jq -c "select((.key[1:] | tonumber) % 3 == $p)" fill | cat_ --from json --time .ts --key .key -b "$b" -P -t "$t" -p "$p"
	done
	read_all "$t" >in
	[ "$(wc -l <in)" -eq 600 ]
	[ "$(jq .partition in | sort -u | wc -l)" -eq 3 ]
}

setup_model() {
	cat >model.py <<-'EOF'
		import json, sys
		from collections import defaultdict
		SIZE, GRACE = 10000, 5000

		def rows(path):
		    for line in open(path):
		        yield json.loads(line)

		# what Kafka Streams calls TimeWindows.ofSizeAndGrace, per partition: [(key, start, value, time)] and how many were late
		def updates():
		    out, late, now, state = defaultdict(list), 0, defaultdict(lambda: -1), {}
		    for r in rows("in"):
		        p, t = r["partition"], r["ts"]
		        now[p] = max(now[p], t)
		        start = t // SIZE * SIZE
		        if start + SIZE <= now[p] - GRACE:
		            late += 1
		            continue
		        n, total, last = state.get((p, r["key"], start), (0, 0, 0))
		        value = state[p, r["key"], start] = (n + 1, total + json.loads(r["payload"])["n"], max(last, t))
		        out[p].append((r["key"], start, {"n": value[0], "sum": value[1]}, value[2]))
		    return out, late

		# suppress until a time limit: the latest of each key, so long behind the first
		def suppressed(changes, limit):
		    out, waits, now = [], {}, -1
		    def leave(all):
		        while waits:
		            key = min(waits, key=lambda k: (waits[k][0], k[1], k[0]))
		            if not all and waits[key][0] > now - limit:
		                return
		            out.append(waits.pop(key)[1])
		    for c in changes:
		        now = max(now, c[3])
		        waits[c[:2]] = (waits[c[:2]][0] if c[:2] in waits else c[3], c)
		        leave(False)
		    leave(True)
		    return out

		def got(path):
		    out = defaultdict(list)
		    for r in rows(path):
		        k = json.loads(r["key"])
		        assert k["end"] == k["start"] + SIZE
		        out[r["partition"]].append((k["key"], k["start"], json.loads(r["payload"]), r["ts"]))
		    return out

		def last(changes):
		    return {c[:2]: c for c in changes}
	EOF
}

# judged CODE: with `want` by partition, `late`, and `have` by partition
judged() {
	/usr/bin/python3 -c "from model import *
want, late = updates()
have = got('out')
assert late > 20 and len(want) == 3
$1"
}

@test "each --emit from topic to topic: partitions have times of their own, results lie where their keys do" {
	fill
	setup_model
	for emit in update close commit every:20s; do
		window --tumble 10s --grace 5s --emit "$emit" --commit-interval 1h 'n=count(), sum=sum(.n)' \
			--out "kafka:$t.${emit%:*}" --create-topics 3
		read_all "$t.${emit%:*}" >"out.$emit"
	done
	mv out.update out
	judged 'assert have == want'
	mv out.close out
	judged 'for p in want:
    assert sorted(map(str, have[p])) == sorted(map(str, last(want[p]).values())), p
    ends = [start for _, start, _, _ in have[p]]
    assert ends == sorted(ends), ends'
	mv out.commit out
	judged 'for p in want: # one barrier: each window once, in the order of their last changes
    changes = list(enumerate(want[p]))
    assert have[p] == [c for i, c in changes if not any(d[:2] == c[:2] for _, d in changes[i + 1:])], p'
	mv out.every:20s out
	judged 'for p in want: assert have[p] == suppressed(want[p], 20000), p
assert sum(map(len, have.values())) < sum(map(len, want.values()))'
}

@test "late records are counted, and go to a topic with the reason" {
	fill
	setup_model
	window -v --tumble 10s --grace 5s --emit close --late "route:$t.late" 'n=count(), sum=sum(.n)' --out "kafka:$t.out" --create-topics 3 2>err
	read_all "$t.out" >out
	judged 'assert {p: len(x) for p, x in have.items()} == {p: len(last(want[p])) for p in want}
open("late", "w").write(str(late))'
	grep -q ", $(cat late) late," err
	read_all "$t.late" >late.out
	/usr/bin/python3 - <<-'EOF'
		import json
		from model import *
		now, want = defaultdict(lambda: -1), defaultdict(list)
		for r in rows("in"):
		    p, t = r["partition"], r["ts"]
		    now[p] = max(now[p], t)
		    start = t // SIZE * SIZE
		    by = now[p] - GRACE - start - SIZE
		    if by >= 0:
		        want[p].append([t, r["key"], r["payload"], ["__kstream.late.reason", "the window has closed", "__kstream.late.start", str(start),
		            "__kstream.late.end", str(start + SIZE), "__kstream.late.by", str(by), "__kstream.late.stage", "window"]])
		have = defaultdict(list)
		for r in rows("late.out"):
		    have[r["partition"]].append([r["ts"], r["key"], r["payload"], r["headers"]])
		assert have == want, (have, want)
	EOF
}

@test "--emit commit: as many results as windows that a barrier finds changed, and the last word is right" {
	fill
	setup_model
	window --tumble 10s --grace 5s --emit commit --commit-interval 1ms 'n=count(), sum=sum(.n)' --out "kafka:$t.out" --create-topics 3
	read_all "$t.out" >out
	judged 'for p in want:
    assert last(have[p]) == last(want[p]), p
    assert len(last(want[p])) <= len(have[p]) <= len(want[p])'
	# live: what came between two barriers is one result a window, whenever they are
	"$topic" create "$t.live" 1
	"$bin/kstream-window" -b "$b" --in "kafka:$t.live" --tumble 10s --emit commit --commit-interval 50ms 'count()' --out "kafka:$t.counts" \
		--create-topics 1 --key-as plain &
	pids=$!
	counts() { kcat -C -q -e -b "$b" -t "$t.counts" -f '%k=%s\n'; }
	for i in 1 2 3; do
		for _ in 1 2 3 4; do printf '{"tstype":"create","ts":1000,"key":"a","payload":1}\n'; done | cat_ --from envelope -b "$b" -P -t "$t.live"
		last_count() { counts | grep -qx "a=$((4 * i))"; }
		wait_for last_count
	done
	kill -TERM "$pids"
	wait "$pids"
	pids=
	counts | awk -F= '{ if ($2 <= last) exit 1; last = $2 } END { exit !(NR >= 3 && NR <= 12 && last == 12) }'
}

@test "--key-as kafka: the bytes that the windowed serializers of Kafka Streams make" {
	vectors=$BATS_TEST_DIRNAME/../vectors/windowed/keys.tsv
	[ "$(wc -l <"$vectors")" -eq 12 ]
	# each in a partition of its own, so that none is late; a session needs its two ends
	awk -F '\t' '{ for (i = 2; i <= 3; i++) { t = i == 2 ? $2 : $3 - 1; s = $(i)
		printf "{\"topic\":\"x\",\"partition\":%d,\"tstype\":\"create\",\"ts\":%.0f,\"key\":\"%s\",\"payload\":1}\n", NR, t, $1 >"time"
		printf "{\"topic\":\"x\",\"partition\":%d,\"tstype\":\"create\",\"ts\":%.0f,\"key\":\"%s\",\"payload\":1}\n", NR, s, $1 >"session" } }' "$vectors"
	"$bin/kstream-window" --from envelope --in time -b "$b" --out "kafka:$t.time" --create-topics 2 --tumble 1m --emit close --key-as kafka 'count()'
	"$bin/kstream-window" --from envelope --in session -b "$b" --out "kafka:$t.session" --create-topics 2 --session 1m --emit close --key-as kafka 'count()'
	for kind in time:4 session:5; do
		kcat -C -q -e -b "$b" -t "$t.${kind%:*}" -f '%K\n%k\n%s\n' >keys
		/usr/bin/python3 - >got <<-'EOF'
			data, at = open("keys", "rb").read(), 0
			while at < len(data):
			    line = data.index(b"\n", at)
			    n = int(data[at:line])
			    print(data[line + 1:line + 1 + n].hex())
			    at = data.index(b"\n", line + 2 + n) + 1
			    assert data[line + 2 + n:at] == b"2\n", data[line + 2 + n:at]
		EOF
		cut -f "${kind#*:}" "$vectors" | sort | diff - <(sort got)
	done
}

@test "sessions that grow together: tombstones in the topic, and what a table of it keeps is the sessions there are" {
	fill
	window --session 4s --grace 20s 'n=count(), sum=sum(.n)' --out "kafka:$t.out" --create-topics 3
	read_all "$t.out" >out
	/usr/bin/python3 - <<-'EOF'
		import json
		from collections import defaultdict
		times, table, gone = defaultdict(list), {}, 0
		for line in open("in"):
		    r = json.loads(line)
		    times[r["partition"], r["key"]].append((r["ts"], json.loads(r["payload"])["n"]))
		want = {}
		for (p, key), list_ in times.items():	# nothing is late: the grace is longer than the disorder
		    list_.sort()
		    first = 0
		    for i in range(1, len(list_) + 1):
		        if i == len(list_) or list_[i][0] - list_[i - 1][0] > 4000:
		            part = list_[first:i]
		            want[p, key, part[0][0], part[-1][0]] = {"n": len(part), "sum": sum(n for _, n in part)}
		            first = i
		for line in open("out"):
		    r = json.loads(line)
		    k = json.loads(r["key"])
		    k = (r["partition"], k["key"], k["start"], k["end"])
		    if r["payload"] is None:
		        assert k in table and r["ts"] == k[3], r
		        del table[k]
		        gone += 1
		    else:
		        table[k] = json.loads(r["payload"])
		assert table == want and gone > 50, (gone, len(table), len(want))
	EOF
	# and so says kstream-table
	"$bin/kstream-table" -b "$b" --in "kafka:$t.out" -e --dump --to json | jq -s 'length' >rows
	/usr/bin/python3 -c '
import json
t = {}
for r in map(json.loads, open("out")): t[r["partition"], r["key"]] = r["payload"]
assert sum(x is not None for x in t.values()) == int(open("rows").read())'
}

@test "--idle: the last windows of a partition close although nothing comes, of topics in a transaction too; a bounded read is not silent" {
	"$topic" create "$t" 2
	"$bin/kstream-window" -b "$b" --in "kafka:$t" --idle 300ms --tumble 1s --grace 500ms --emit close --key-as plain 'count()' \
		--commit-interval 100ms --out "kafka:$t.out" --create-topics 1 2>err &
	pids=$!
	put() { # put PARTITION KEY TIME ...: at once, or a window would close between two of them
		local p=$1 key=$2
		shift 2
		printf "{\"tstype\":\"create\",\"ts\":%s,\"key\":\"$key\",\"payload\":1}\n" "$@" | cat_ --from envelope -b "$b" -P -t "$t" -p "$p"
	}
	has() { kcat -C -q -e -b "$b" -t "$t.out" -f '%k=%s\n' | grep -qx "$1"; }
	put 0 a 1000 1900
	put 1 b 2000
	wait_for has a=2
	wait_for has b=1
	kill -TERM "$pids"
	wait "$pids"
	pids=
	[ ! -s err ]
	# behind the mark of a transaction is the end, too
	"$topic" create "$t.tx" 1
	"$topic" commit "$t.tx" 0 3 x
	"$bin/kstream-cat" -b "$b" -t "$t.tx" --from raw --idle 100ms >live &
	pids=$!
	marks() { od -An -v -tx1 "$1" | tr -d ' \n' | grep -c 'c9000000..0393'; } # frames of type 3 that are an array of 3
	marked() { [ "$(marks live)" -gt 0 ]; }
	wait_for marked
	kill -TERM "$pids"
	wait "$pids"
	pids=
	cat_ -b "$b" -t "$t" -e --idle 1ms >bounded
	[ "$(marks bounded)" = 0 ]
}
