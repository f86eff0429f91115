#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# kstream-cat reads several topics by event time.  What is expected is made by a model of what kcat sees in the topics.

load lib
load timed

times() { printf '{"t":%d}\n' "$@"; } # times T...: such lines

model() { # model TOPIC...: "partition topic offset time" of all there is, partition by partition, the smallest head first
	local name
	for name in "$@"; do kcat -C -q -e -b "$b" -t "$name" -f '%p %t %o %T\n'; done | /usr/bin/python3 -c '
import sys
rank = {name: i for i, name in enumerate(sys.argv[1:])}
logs = {}
for line in sys.stdin:
    p, name, offset, ms = line.split()
    logs.setdefault(int(p), {}).setdefault(rank[name], []).append((int(offset), int(ms), name))
for p, of in sorted(logs.items()):
    of = {i: sorted(log) for i, log in of.items()}
    at = dict.fromkeys(of, 0)
    while True:
        left = [(of[i][at[i]][1], i) for i in of if at[i] < len(of[i])]
        if not left:
            break
        i = min(left)[1]
        offset, ms, name = of[i][at[i]]
        print(p, name, offset, ms)
        at[i] += 1' "$@"
}

by_partition() { # envelopes to what model prints
	jq -r '"\(.partition) \(.topic) \(.offset) \(.ts)"' | LC_ALL=C sort -s -n -k 1,1
}

follow() { # follow OPTION...: what two topics have, live, into the file got
	: >got
	"$bin/kstream-cat" -b "$b" -t "$t.a" -t "$t.b" --to json "$@" >got 3>&- &
	reader=$!
	pids+=" $reader"
}

@test "two topics of four partitions, out of order and of different sizes: the same each time, as the model has it" {
	"$topic" create "$t.a" 4 retention.ms=-1
	"$topic" create "$t.b" 4 retention.ms=-1
	for p in 0 1 2 3; do
		lines 1$p $((4000 - 1000 * p)) 1000000 | put "$t.a" $p
		lines 2$p $((500 + 700 * p)) 1001000 | put "$t.b" $p
	done
	"$topic" abort "$t.b" 0 3 9 # markers at the end
	model "$t.a" "$t.b" >expected
	for _ in 1 2 3; do
		cat_ -b "$b" -t "$t.a" -t "$t.b" -e --to envelope | by_partition | cmp - expected
	done
	cat_ -b "$b" -t "$t.a" -t "$t.b" -e --to envelope --order arrival | by_partition >got
	run cmp -s got expected
	[ "$status" -ne 0 ]
	cmp <(sort got) <(sort expected)
	# the times of another clock, and ties by the order of the command line
	cat_ -b "$b" -t "$t.b" -t "$t.a" -p 3 -c 6 -e --time .n --to envelope | jq -c '[.topic, .offset]' |
		cmp - <(for n in 0 1 2; do printf '["%s",%d]\n' "$t.b" $n "$t.a" $n; done)
}

@test "an empty topic, and partitions that the other topic does not have" {
	"$topic" create "$t.a" 3 retention.ms=-1
	"$topic" create "$t.b" 1 retention.ms=-1
	times 1 2 3 | put "$t.a" 0
	times 4 | put "$t.a" 2
	timeout 20 "$bin/kstream-cat" -b "$b" -t "$t.a" -t "$t.b" -e --to json | sort | cmp - <(times 1 2 3 4)
	timeout 20 "$bin/kstream-cat" -b "$b" -t "$t.b" -t "$t.a" -c 4 --to json | sort | cmp - <(times 1 2 3 4)
	timeout 20 "$bin/kstream-cat" -b "$b" -t "$t.b" -t "$t.a" -o end -e --to json | cmp - /dev/null
}

@test "--max-idle: live, a topic that has come to its end is waited for so long" {
	"$topic" create "$t.a" 1 retention.ms=-1
	"$topic" create "$t.b" 1 retention.ms=-1
	times 2 4 | put "$t.a" 0
	follow -c 2 # 0s: not at all, as max.task.idle.ms=0
	wait $reader
	times 2 4 | cmp - got
	follow -c 2 --max-idle 700ms
	before=$(date +%s%N)
	wait $reader
	[ $(($(date +%s%N) - before)) -ge 700000000 ]
	times 2 4 | cmp - got
	follow -c 4 --max-idle 1h
	times 3 | put "$t.b" 0
	wait_for lines_of got 2
	times 2 3 | cmp - got
	times 3 9 | put "$t.b" 0
	wait $reader
	times 2 3 3 4 | cmp - got
}

@test "positions and -c: only what has gone out; what is behind is not looked at" {
	"$topic" create "$t.a" 1 retention.ms=-1
	"$topic" create "$t.b" 1 retention.ms=-1
	times 1 2 30 | put "$t.a" 0
	times 10 20 | put "$t.b" 0
	echo bad | kcat -P -b "$b" -t "$t.b"
	cat_ -b "$b" -t "$t.a" -t "$t.b" -e -c 3 >stream
	cat_ --to json <stream | cmp - <(times 1 2 10)
	/usr/bin/python3 "$BATS_TEST_DIRNAME/../bats/frames.py" print BARRIER <stream >barriers
	cat barriers
	[[ $(tail -n 1 barriers) == *"[[\"$t.a\", 0, 2], [\"$t.b\", 0, 1]]"* || $(tail -n 1 barriers) == *"[[\"$t.a\",0,2],[\"$t.b\",0,1]]"* ]]
	run cat_ -b "$b" -t "$t.a" -t "$t.b" -e --to json
	[ "$status" -eq 65 ]
	[[ ${lines[-1]} == "kstream-cat: $t.b/0@2: "* ]]
	cat_ -b "$b" -t "$t.a" -t "$t.b" -e --to json --time .t --on-error skip | cmp - <(times 1 2 10 20 30)
}

@test "a topic that lies behind all of the other: in order, and in bounded memory" {
	"$topic" create "$t.a" 1 retention.ms=-1
	"$topic" create "$t.b" 1 retention.ms=-1
	pad=$(printf '%0900d' 0)
	for p in a b; do
		/usr/bin/python3 -c '
import sys
for i in range(130000):
    print("{\"t\":%d,\"pad\":\"%s\"}" % (int(sys.argv[1]) + i, sys.argv[2]))' $([ $p = a ] && echo 9000000 || echo 1000000) "$pad" |
			put "$t.$p" 0
	done
	# ASan keeps 256 MB of freed memory unless told otherwise.
	ASAN_OPTIONS=$ASAN_OPTIONS:quarantine_size_mb=4 /usr/bin/python3 -c '
import resource, subprocess, sys
last = count = 0
with subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE) as reader:
    for line in reader.stdout:
        now = int(line[5:12])
        assert now > last, (now, last)
        last = now
        count += 1
kb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print(reader.returncode, count, kb)
assert reader.returncode == 0 and count == 260000
assert kb < (80 << 10)  # of 240 MB that are there' "$bin/kstream-cat" -b "$b" -t "$t.a" -t "$t.b" -e --to json
}

@test "a topic that has been read to its end is not asked for while the other goes on" {
	"$topic" create "$t.a" 1 retention.ms=-1
	"$topic" create "$t.b" 1 retention.ms=-1
	times 1 2 3 | put "$t.a" 0
	seq -f '{"t":%.0f}' 1000000 1200000 | put "$t.b" 0
	# The reader waits until the whole of a has come through, and a hundred times as long as a fetch may be held.
	"$bin/kstream-cat" -b "$b" -t "$t.a" -t "$t.b" -e --to json -X debug=fetch 2>log | { head -c 40 >/dev/null && sleep 1 && wc -l; } >rest
	[ "$(cat rest)" -gt 190000 ]
	grep -q "Fetch topic $t.b " log
	[ "$(grep -c "Fetch topic $t.a " log)" -le 40 ]
}

@test "forty partitions and more: a second client with smaller queues reads all of them" {
	"$topic" create "$t.a" 20 retention.ms=-1
	"$topic" create "$t.b" 20 retention.ms=-1
	for p in 0 7 19; do
		lines 1$p 300 1000000 | put "$t.a" $p
		lines 2$p 300 1000000 | put "$t.b" $p
	done
	model "$t.a" "$t.b" >expected
	cat_ -b "$b" -t "$t.a" -t "$t.b" -e --to envelope | by_partition | cmp - expected
}

@test "what makes no sense is refused" {
	run cat_ -b "$b" -t "$t.a" -t "$t.b" --max-idle soon
	refused 64 "--max-idle 'soon' is not a duration"
	run cat_ -b "$b" -t "$t.a" -t "$t.b" --order time --time wall
	refused 64 '--time wall'
}

@test "sizes that writers and readers share in a file: message.max.bytes is no matter to a reader" {
	"$topic" create "$t" 1
	"$topic" create "$t.b" 1
	numbers 1 3 | tee >(kcat -P -b "$b" -t "$t") >(kcat -P -b "$b" -t "$t.b") >/dev/null
	both() { [ "$(cat_ -b "$b" -t "$t" -t "$t.b" -e --to json "$@" | wc -l)" -eq 6 ]; }
	wait_for both
	printf 'message.max.bytes=8000000\n' >shared.conf
	both -F shared.conf
	[ "$(cat_ -b "$b" -F shared.conf -t "$t" -e --to json | wc -l)" -eq 3 ]
	both -X receive.message.max.bytes=900000
	both -X fetch.max.bytes=100000
	cat_ -b "$b" -F shared.conf -t "$t" -e | cat_ -b "$b" -F shared.conf -P -t "$t.c" --create-topics 1 --verify >said
	grep '^all: 3 records, .* equal' said
	run cat_ -b "$b" -t "$t" -e -X receive.message.max.bytes=2000 -X fetch.max.bytes=5000
	refused 78 "receive.message.max.bytes"
}
