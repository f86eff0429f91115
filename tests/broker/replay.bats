#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# kstream-replay reads topics.  What is expected is made by a model of what kcat sees in them.

load lib
load timed

replay() { "$bin/kstream-replay" -b "$b" "$@"; }

show() { jq -r '"\(.partition) \(.topic) \(.offset) \(.ts)"'; } # envelopes to what model prints

# model SINCE UNTIL REORDER TOPIC...: "partition topic offset time" of all partitions, the smallest head first; with REORDER (ms, -1: none) put in
# order within that, by what each partition itself has shown; late ones go to the file late
model() {
	local name
	for name in "${@:4}"; do kcat -C -q -e -b "$b" -t "$name" -f '%p %t %o %T\n'; done | /usr/bin/python3 -c '
import sys
since, until, within = (int(x) for x in sys.argv[1:4])
rank = {name: i for i, name in enumerate(sys.argv[4:])}
logs = {}
for line in sys.stdin:
    p, name, offset, ms = line.split()
    if since <= int(ms) < until:
        logs.setdefault((rank[name], int(p)), []).append((int(offset), int(ms), name))
late, out = open("late", "w"), []
for (i, p), log in logs.items():
    now = None
    log.sort()
    for offset, ms, name in list(log) if within >= 0 else []:
        if now is not None and ms < now - within:
            late.write(f"{p} {name} {offset} {ms}\n")
        else:
            out.append((ms, i, p, offset, name))
        now = ms if now is None else max(now, ms)
if within >= 0:
    for ms, i, p, offset, name in sorted(out):
        print(p, name, offset, ms)
    sys.exit()
at = dict.fromkeys(logs, 0)
while True:
    left = [(logs[k][at[k]][1], k) for k in logs if at[k] < len(logs[k])]
    if not left:
        break
    i, p = k = min(left)[1]
    offset, ms, name = logs[k][at[k]]
    at[k] += 1
    print(p, name, offset, ms)' "$@"
}

ALL='-9223372036854775808 9223372036854775807'

two_topics() { # four partitions each, out of order and of different sizes, with markers and aborted records at the end of one
	local p
	"$topic" create "$t.a" 4 retention.ms=-1
	"$topic" create "$t.b" 4 retention.ms=-1
	for p in 0 1 2 3; do
		lines 1$p $((2000 - 500 * p)) 1000000 | put "$t.a" $p
		lines 2$p $((500 + 400 * p)) 1001000 | put "$t.b" $p
	done
	"$topic" abort "$t.b" 0 3 9
}

@test "the same range 20 times, under load and with different fetch sizes: the same bytes, as the model has them" {
	two_topics
	# shellcheck disable=SC2086 # two words
	model $ALL -1 "$t.a" "$t.b" >expected
	replay -t "$t.a" -t "$t.b" --to envelope | show | cmp - expected
	for i in $(seq 20); do # ten of them at once are the load
		replay -t "$t.a" -t "$t.b" -X fetch.message.max.bytes=$((100 * i * i + 1000)) -X queued.min.messages=$((10 * i)) --to envelope \
			3>&- >got.$i &
		runs[i]=$!
		if [ "$i" = 10 ]; then wait "${runs[@]}"; fi
	done
	for i in $(seq 20); do wait "${runs[i]}"; done
	sha256sum got.* | awk '{ print $1 }' | sort -u >sums
	[ "$(wc -l <sums)" -eq 1 ]
	# ties are the order of the command line, and of a regular expression that of the names
	# shellcheck disable=SC2086
	model $ALL -1 "$t.b" "$t.a" | cmp - <(replay -t "$t.b" -t "$t.a" --to envelope | show)
	replay --in "kafka:^$t\\." --to envelope | show | cmp - expected
	# a range, whose order depends on what is in it alone
	model 1000500 1001500 -1 "$t.a" "$t.b" >expected
	[ "$(wc -l <expected)" -gt 1000 ]
	replay -t "$t.a" -t "$t.b" --since @1000500 --until @1001500 --to envelope | show | cmp - expected
	replay -t "$t.a" -t "$t.b" --since @1000500 --until @1001500 --time .t --to envelope | show | cmp - expected
	# kept, and once more, also with the range taken of the file
	replay -t "$t.a" -t "$t.b" --record rec >all
	"$bin/kstream-replay" --since @1000500 --until @1001500 --to envelope rec >both
	jq -r '.ts' both | sort | cmp - <(awk '{ print $4 }' expected | sort)
	cmp <("$bin/kstream-replay" rec --to envelope) <(cat_ --to envelope <all)
	# what another tool has written as it came is merged likewise, of one file and of several
	# shellcheck disable=SC2086
	model $ALL -1 "$t.a" "$t.b" >expected
	for name in a b; do cat_ -b "$b" -t "$t.$name" -e >$name.frames; done
	"$bin/kstream-replay" a.frames b.frames --to envelope | show | cmp - expected
	cat_ -b "$b" -t "$t.a" -t "$t.b" -e --order arrival >both
	"$bin/kstream-replay" both --record rec --to envelope | show | cmp - expected
	"$bin/kstream-replay" rec | cat_ --to envelope | show | cmp - expected
	"$bin/kstream-replay" both --since @1000500 --until @1001500 --to envelope | show | cmp - <(
		model 1000500 1001500 -1 "$t.a" "$t.b"
	)
	# it has left nothing behind in Kafka
	[ "$(replay -t "$t.a" -p 2 -o 100 -c 1 --to envelope | jq .offset)" = 100 ]
}

@test "--reorder over topics: lateness is that of each partition, and the rest is in order" {
	two_topics
	for within in 0 20 1000; do
		# shellcheck disable=SC2086
		model $ALL $within "$t.a" "$t.b" >expected
		[ "$within" = 1000 ] || [ -s late ]
		replay -t "$t.a" -t "$t.b" --reorder ${within}ms --late route:away -q >out
		cat_ --to envelope out | jq -c 'select(.route == null)' | show | cmp - expected
		cat_ --to envelope out | jq -c 'select(.route == "away")' | show | sort | cmp - <(sort late)
	done
}

@test "what makes no sense is refused, and ranges of nothing have a clear word" {
	"$topic" create "$t" 3 retention.ms=-1
	run replay -t "$t" --to json
	[ "$status" -eq 0 ] && [ "$output" = 'kstream-replay: there is no record to replay' ]
	times() { printf '{"t":%d}\n' "$@"; }
	times 5000 7000 | put "$t" 1
	for range in '--until @5000' '--since @7001 --until @9000' '--since @6000 --until @6500'; do
		# shellcheck disable=SC2086 # two words
		run timeout 20 "$bin/kstream-replay" -b "$b" -t "$t" --to json $range
		[ "$status" -eq 0 ] && [ "$output" = 'kstream-replay: no record is in the range of --since and --until' ]
	done
	run timeout 20 "$bin/kstream-replay" -b "$b" -t "$t" --to json --since @99999999999999
	[ "$status" -eq 0 ] && [ "$output" = 'kstream-replay: no record is so late: --since is in the future' ]
	run replay -t "$t" --to json --since @9000 --until @5000
	[ "$status" -eq 64 ] && [[ $output == *'nothing is between them' ]]
	[ "$(replay -t "$t" --to json --since @0)" = "$(times 5000 7000)" ]
	[ "$(replay -t "$t" --to json -o s@6000)" = "$(times 7000)" ]
	[ "$(replay -t "$t" --to json -o -1)" = "$(times 7000)" ]
	[ "$("$bin/kstream-replay" -X bootstrap.servers="$b" --in "kafka:$t" --to json | wc -l)" -eq 2 ]
	run replay -t "$t" -G g
	[ "$status" -eq 64 ] && [[ $output == 'kstream-replay: -G: '* ]]
	run cat_ -b "$b" -t "$t" -G g --order global
	[ "$status" -eq 64 ] && [[ $output == *'leave out -G' ]]
	run replay -t "$t.none" --to json
	[ "$status" -eq 78 ]
}

@test "holes: aborted transactions and markers at the beginning and the end" {
	"$topic" create "$t" 2 retention.ms=-1
	lines 1 50 1000 | put "$t" 0
	lines 2 30 1000 | put "$t" 1
	"$topic" abort "$t" 0 4 0
	"$topic" abort "$t" 1 4 0
	"$topic" commit "$t" 1 2 2000
	# shellcheck disable=SC2086
	model $ALL -1 "$t" >expected
	timeout 30 "$bin/kstream-replay" -b "$b" -t "$t" --to envelope | show | cmp - expected
}

@test "holes: what compaction has left, also where it took the last of a range" {
	local compacts=(cleanup.policy=compact retention.ms=-1 segment.ms=100 min.cleanable.dirty.ratio=0.001)
	"$topic" create "$t" 2 "${compacts[@]}" min.compaction.lag.ms=3600000
	for i in 1 2 3; do
		seq 300 | awk -v i="$i" '{ print "{\"t\":" 1000 + $1 * 3 + i ",\"k\":\"k" $1 % 20 "\"}" }' | cat_ --from json --time .t --key .k -b "$b" -P -t "$t"
		[ "$i" -lt 3 ] || break
		sleep 0.2 # the next begins another segment
	done
	all() { kcat -C -q -e -b "$b" -t "$t" -f '%o\n' | wc -l; }
	[ "$(all)" -eq 900 ]
	"$topic" set "$t" "${compacts[@]}"
	for p in 0 1; do echo 'last:{"t":9000}' | kcat -P -b "$b" -t "$t" -p "$p" -K :; done
	fewer() { [ "$(all)" -le 400 ]; }
	wait_for fewer
	# The first of them have gone, and those at the end of the range are holes but for one of each key.
	ranged() { timeout 30 "$bin/kstream-replay" -b "$b" -t "$t" --since @0 --until @"$1" --to envelope | show; }
	for until in 5000 1890 1100; do
		model 0 "$until" -1 "$t" >expected
		ranged "$until" | cmp - expected
	done
	[ "$(ranged 5000 | wc -l)" -gt 10 ]
}

@test "retention takes records away before they are read: 75, and which" {
	"$topic" create "$t" 1 retention.ms=-1 segment.bytes=1048576
	pad=$(printf '%0900d' 0)
	/usr/bin/python3 -c '
import sys
for i in range(40000):
    print("{\"t\":%d,\"pad\":\"%s\"}" % (1000000 + i * 1000, sys.argv[1]))' "$pad" | put "$t" 0
	mkfifo out # which nobody reads for now: so the reader holds what fits into pipes and queues, and waits
	"$bin/kstream-replay" -b "$b" -t "$t" --to json 3>&- >out 2>err &
	reader=$!
	pids+=" $reader"
	exec 5<out
	read -r line <&5
	[ "$(jq .t <<<"$line")" = 1000000 ]
	"$topic" trim "$t" 0 39000
	wc -l <&5 >count
	exec 5<&-
	status=0
	wait "$reader" || status=$?
	cat err count
	[ "$status" -eq 75 ] && [ "$(wc -l <err)" -eq 1 ]
	grep -q "$t/0@[0-9]*: no such offset: the records before 39000 were deleted before they were read" err
	[ "$(replay -t "$t" --to json | wc -l)" -eq 1000 ]
}

@test "partitions and records that are added meanwhile are not of the range" {
	"$topic" create "$t" 1 retention.ms=-1
	printf '{"t":%d}\n' 1000 2000 3000 | put "$t" 0
	replay -t "$t" --speed 1x --to json 3>&- >out &
	reader=$!
	pids+=" $reader"
	wait_for test -s out
	printf '{"t":%d}\n' 1500 4000 | put "$t" 0
	"$topic" grow "$t" 2
	printf '{"t":%d}\n' 1600 2000 | put "$t" 1
	wait "$reader"
	[ "$(jq .t out | paste -sd ' ')" = '1000 2000 3000' ]
	[ "$(replay -t "$t" --to json | jq .t | paste -sd ' ')" = '1000 1600 2000 2000 3000 1500 4000' ]
	# a tie is by the number of the partition, and not by how -p names them
	[ "$(replay -t "$t" -p 1,0 --to envelope | jq .partition | paste -sd ' ')" = '0 1 0 1 0 0 0' ]
}
