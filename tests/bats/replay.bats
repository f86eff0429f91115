#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# kstream-replay without Kafka; tests/broker/replay.bats has the rest.

# shellcheck disable=SC2016,SC2094,SC2154,SC2238 # SC2154: what lib.bash sets
bats_require_minimum_version 1.5.0
load lib
load replays

# judge SECONDS: of such lines what is late, to the file late, and the rest in order, to the file sorted; late and sorted by their own definition
judge() {
	/usr/bin/python3 -c '
import json, sys
within, now, late, rest = int(sys.argv[1]) * 1000, None, [], []
for line in sys.stdin:
    x = json.loads(line)
    (late if now is not None and x["t"] < now - within else rest).append((x["t"], x["n"], line))
    now = x["t"] if now is None else max(now, x["t"])
open("late", "w").writelines(l for _, _, l in late)
open("sorted", "w").writelines(l for _, _, l in sorted(rest))' "$1"
}

# merged FILE...: the lines of files, the smallest head first
merged() {
	/usr/bin/python3 -c '
import json, sys
logs = [[(json.loads(line)["t"], line) for line in open(name)] for name in sys.argv[1:]]
while any(logs):
    sys.stdout.write(min((log for log in logs if log), key=lambda log: log[0][0]).pop(0)[1])' "$@"
}

@test "--help is one screen and begins with the usage; a wrong option is 64" {
	run -0 kstream-replay --help
	[ "${lines[0]}" = 'usage: kstream-replay [-b BROKER -t TOPIC ...] [--since TIME] [--until TIME]' ]
	[ "${#lines[@]}" -le 24 ]
	try kstream-replay --bogus
	refused 64 kstream-replay bogus
}

@test "a full device, cut input, no records" {
	numbered 1 2 3 >in
	record in >in.frames
	run -74 bash -c 'kstream-replay in.frames >/dev/full'
	head -c -3 in.frames >cut
	try kstream-replay --to json cut
	refused 75 kstream-replay 'cut ends inside a frame'
	head -c -14 in.frames >cut
	for more in '' '--since @0' '--reorder 1s'; do
		# shellcheck disable=SC2086 # two words
		try kstream-replay $more --to json cut
		refused 75 kstream-replay 'cut ends '
	done
	: >empty
	try kstream-replay empty
	refused 75 kstream-replay 'empty ends before a stream began'
	try kstream-replay --from json --to json empty
	[ "$status" = 0 ] && [ ! -s out ]
	[ "$(cat err)" = 'kstream-replay: there is no record to replay' ]
}

@test "what makes no sense is refused, with what to type" {
	numbered 1 >in
	while IFS='|' read -r options text; do
		# shellcheck disable=SC2086 # several words
		try kstream-replay --from json --to json $options in
		refused 64 kstream-replay "$text"
	done <<-'END'
		--app a|kstream-cat --app a --since
		--order time|--order: a replay has one order
		--time wall|--time wall: a replay goes by
		--late drop|--late: nothing is late without --reorder
		--memory 2M|--memory is about what --reorder DURATION holds
		--reorder x|--reorder 'x' is no duration
		--reorder 1s --late away|--late 'away': it is pass, drop, route:TOPIC or file:PATH
		--speed 0x|--speed '0x' is not max, or
		--speed 10|--speed '10' is not max, or
		--speed -1x|--speed '-1x' is not max, or
		--speed 1e9x|--speed '1e9x' is not max, or
		--record /dev/null|--record '/dev/null': it is there, and is no file
		--record o --out o|--record and --out are one file
		--since 2020-01-02 --until 2020-01-01|--since is not before --until
		-b localhost:1|--bootstrap-server is for --in kafka:TOPIC
	END
	try kstream-replay --from json --to json in in
	refused 64 kstream-replay 'several files are merged by time, which lines have by --time EXPR'
	try kstream-replay -b localhost:1 -t a -G g
	refused 64 kstream-replay '-G: a replay reads all partitions itself'
	try kstream-replay --record no/where in
	refused 73 kstream-replay "cannot create 'no/where.partial'"
	kstream-cat --from json --app x in >app
	try kstream-replay app
	[ "$status" = 0 ] # at rest it is a file like others
	try_sh 'kstream-replay <app'
	refused 78 kstream-replay 'the source of this stream has an --app'
}

@test "disorder of which the truth is known: exact within --reorder, the late ones exact beyond" {
	disorder 1 20000 >in
	for d in 1 5 60; do
		judge $d <in
		kstream-replay --from json --time .t --reorder ${d}s --late drop --to json -v in 2>err | cmp - sorted
		grep -q ", $(wc -l <late) late, " err
		[ $d = 60 ] || [ -s late ]
		kstream-replay --from json --time .t --reorder ${d}s --late file:beside.$d --to json in 2>err | cmp - sorted
		jq -c .payload beside.$d | cmp - late
		kstream-replay --from json --time .t --reorder ${d}s --late route:away in 2>err >both
		kstream-cat --to envelope both | jq -c 'select(.route == null) | .payload' | cmp - sorted
		kstream-cat --to envelope both | jq -c 'select(.route == "away") | .payload' | cmp - late
		# passed, each with how late it is
		kstream-replay --from json --time .t --reorder ${d}s --to envelope in 2>err >both
		jq -c 'select((.headers // []) == []) | .payload' both | cmp - sorted
		jq -c 'select((.headers // []) != []) | .payload' both | cmp - late
		[ ! -s late ] || grep -q "$(wc -l <late) records came later than --reorder allows, and stand where they came" err
	done
	# the first late one, and by how much its bound has passed
	numbered 10000 20000 14999 15000 12000 >in
	kstream-replay --from json --time .t --reorder 5s --to envelope in 2>err >out
	[ "$(jq -r '"\(.payload.t) \(.headers // [] | map(join("=")) | join(" "))"' out)" = '10000 
14999 __kstream.late.by=1
12000 __kstream.late.by=3000
15000 
20000 ' ]
	judge 5 <in
	[ "$(wc -l <late)" = 2 ]
}

@test "equal times keep their topic's order, partition and offset; without --reorder nothing moves" {
	disorder 2 3000 >in
	record in | kstream-replay --to json | cmp - in
	printf '%s\n' '{"topic":"b","partition":0,"offset":0,"tstype":"create","ts":5,"key":null,"payload":1}' \
		'{"topic":"a","partition":1,"offset":3,"tstype":"create","ts":5,"key":null,"payload":2}' \
		'{"topic":"a","partition":0,"offset":9,"tstype":"create","ts":5,"key":null,"payload":3}' \
		'{"topic":"a","partition":0,"offset":8,"tstype":"create","ts":5,"key":null,"payload":4}' \
		'{"topic":"a","partition":0,"offset":7,"tstype":"none","key":null,"payload":5}' >in
	# the name of the file is the first topic that HELLO tells of, but none of these
	kstream-replay --from envelope --reorder 1h --to json in | paste -sd ' ' >out
	[ "$(cat out)" = '5 1 4 3 2' ]
}

@test "more is held than --memory allows: it goes to disk, and comes back in order" {
	disorder 3 120000 >in
	judge 4000 <in
	[ ! -s late ]
	mkdir tmp
	TMPDIR=$PWD/tmp kstream-replay -v --from json --time .t --reorder 4000s --memory 1M --to json in 2>err | cmp - sorted
	grep -Eq "^kstream-replay: of what --reorder held, [1-9][0-9]* written to temporary files in '$PWD/tmp'$" err
	# so do partitions whose frames are merged, beyond 64 MiB
	seq 0 79 | jq -c '{topic: "t", partition: (. % 2), offset: (. / 2 | floor), tstype: "create", ts: (. / 2 | floor), key: null, payload: ("x" * 900000)}' >large
	kstream-cat --from envelope large >frames
	TMPDIR=$PWD/tmp kstream-replay -v --out /dev/null frames 2>err
	grep -Eq "^kstream-replay: of the partitions that were merged, [1-9][0-9]* written to temporary files in '$PWD/tmp'$" err
	[ -z "$(ls tmp)" ]
	# with no room there, it says so
	if mkdir full && mount -t tmpfs -o size=1m none full 2>err; then
		run -74 env TMPDIR="$PWD/full" kstream-replay --from json --time .t --reorder 4000s --memory 1M --out /dev/null --to json in
		umount full
		[[ "$output" == *"$PWD/full"* ]]
	fi
	try env TMPDIR="$PWD/nowhere" kstream-replay --from json --time .t --reorder 4000s --memory 1M --out o --to json in
	refused 74 kstream-replay nowhere
}

@test "times at both ends of what a number holds" {
	printf '%s\n' 9223372036854775807 0 9223372036854775000 -9223372036854775808 -1 |
		jq -Rc '{"topic":"t","partition":0,"offset":0,"tstype":"create","key":null} + {payload: 1}' >heads
	/usr/bin/python3 -c '
import sys
for n, t in enumerate([-9223372036854775808, 0, 9223372036854775807, -1, 9223372036854775000]):
    print("{\"topic\":\"t\",\"partition\":0,\"offset\":%d,\"tstype\":\"create\",\"ts\":%d,\"key\":null,\"payload\":%d}" % (n, t, n))' >in
	[ "$(kstream-replay --from envelope --reorder 1s --to json in 2>err | paste -sd ' ')" = '0 1 3 4 2' ]
	grep -q '1 record came later than --reorder allows, and stands where it came' err
	[ "$(kstream-replay --from envelope --reorder 0s --late drop --to json in 2>err | paste -sd ' ')" = '0 1 2' ]
	[ "$(kstream-replay --from envelope --reorder 100000000d --late drop --to json in 2>err | paste -sd ' ')" = '0 1 4 2' ]
	[ "$(kstream-replay --from envelope --speed 1000000x -c 1 --to json in)" = 0 ]
}

@test "several files are merged by time, of frames and of lines, the same in any number of runs" {
	for i in 1 2 3; do
		disorder $i 2000 >$i
		record -t t $i >$i.frames
	done
	merged 1 2 3 >expected
	kstream-replay --from json --time .t --to json 1 2 3 | cmp - expected
	for _ in 1 2 3; do kstream-replay --to json 1.frames 2.frames 3.frames | cmp - expected; done
	kstream-replay --to json 2.frames - 1.frames <3.frames | cmp - <(merged 2 3 1)
	kstream-replay --to json -c 700 1.frames 2.frames 3.frames | cmp - <(head -n 700 expected)
	kstream-replay 1.frames 2.frames >both
	[ "$(kinds <both | tr ' ' '\n' | uniq | paste -sd ' ')" = 'HELLO RECORD BARRIER END' ]
	# with a range it is the order of what is in it: a record beyond --until keeps none back
	for i in 1 2 3; do jq -c 'select(.t >= 1700000005000 and .t < 1700000009000)' $i >$i.range; done
	merged 1.range 2.range 3.range >expected
	kstream-replay --since @1700000005000 --until @1700000009000 --to json 1.frames 2.frames 3.frames | cmp - expected
	kstream-replay --from json --time .t --since @1700000005000 --until @1700000009000 --to json 1 2 3 | cmp - expected
}

@test "a file whose partitions are not merged is; what a replay has written stays as it is" {
	/usr/bin/python3 - >in <<-'END'
		import json, random
		r = random.Random(7)
		for topic, partition in (("b", 1), ("a", 0), ("b", 0), ("a", 300)):
		    t = 1000
		    for n in range(500):
		        t += r.randint(0, 9)
		        print(json.dumps({"topic": topic, "partition": partition, "offset": n, "tstype": "create",
		                          "ts": t - r.choice([0, 0, 0, 50]), "key": None, "payload": [topic, partition, n]}))
	END
	kstream-cat --from envelope in >asis
	/usr/bin/python3 - >expected <<-'END'
		import json
		logs, names = {}, ["in"]  # the file's own name is the first topic that HELLO tells of
		for line in open("in"):
		    x = json.loads(line)
		    if x["topic"] not in names:
		        names.append(x["topic"])
		    logs.setdefault((names.index(x["topic"]), x["partition"]), []).append((x["ts"], x["payload"]))
		while any(logs.values()):
		    at = min((k for k in logs if logs[k]), key=lambda k: (logs[k][0][0], k))
		    print(json.dumps(logs[at].pop(0)[1], separators=(",", ":")))
	END
	kstream-replay --to json asis | cmp - expected
	kstream-replay --to json -c 100 asis | cmp - <(head -n 100 expected)
	kstream-replay asis >merged
	kstream-replay --to json merged | cmp - expected
	# late ones of a recording stand where they stood
	kstream-replay --reorder 20ms --record rec asis 2>err >out
	grep -q 'came later' err
	cmp <(kstream-cat --to json out) <(kstream-replay --to json rec)
	# of a stream as it comes, too
	kstream-replay --record rec <asis | kstream-cat --to json | cmp - <(jq -c .payload in)
	kstream-replay --to json rec | cmp - <(jq -c .payload in)
}

@test "files with several sections, paused ends, routes and side records" {
	numbered 1 3 >a
	numbered 2 4 >b
	record --end paused a >one
	record b >>one
	kstream-replay one >whole
	[ "$(kinds <whole)" = 'HELLO RECORD RECORD RECORD RECORD BARRIER END' ]
	[ "$(tail -c 1 whole | od -An -tu1 | tr -d ' ')" = 2 ] # complete
	printf 'x\n{"t":5}\n' | kstream-cat --from json --time .t -t a --on-error dlq:dead >letters
	kstream-replay --since @4 letters one | kstream-cat --to envelope | jq -r '.route // .payload.t' | paste -sd ' ' >out
	[ "$(cat out)" = 'dead 4 5' ]
	kstream-replay letters | frames print | head -n 1 | grep -q dead
	# a file whose barrier counts other records than are there
	kstream-cat --from json --time .t -t a a >x
	/usr/bin/python3 - <<-'END'
		d = open('x', 'rb').read()
		at = d.index(b'\xc9', 1)  # the first record: HELLO goes before it
		n = int.from_bytes(d[at + 1:at + 5], 'big') + 6
		open('less', 'wb').write(d[:at] + d[at + n:])
	END
	try kstream-replay --to json less
	refused 65 kstream-replay 'records before this barrier are missing'
}

@test "a record without a time: with a range it goes to --on-error" {
	printf '{"n":1}\n' | kstream-cat --from json -t a >in
	kstream-replay --to json --reorder 1s --speed 1x in | cmp - <(echo '{"n":1}')
	try kstream-replay --to json --since @0 in
	refused 65 kstream-replay 'a/0@0: the record has no time for --since and --until'
	try kstream-replay --to json --since @0 --on-error skip -v in
	[ "$status" = 0 ] && grep -q '1 rejected' err
	kstream-replay --since @0 --on-error dlq:dead in | kstream-cat --to envelope | jq -e '.route == "dead"' >out
}

@test "a range that holds nothing has a clear word" {
	numbered 1700000000000 >in
	for range in '--until @5' '--since @1700000000001 --until @1700000000009'; do
		# shellcheck disable=SC2086 # several words
		try kstream-replay --from json --time .t --to json $range in
		[ "$status" = 0 ] && [ ! -s out ]
		[ "$(cat err)" = 'kstream-replay: no record is in the range of --since and --until' ]
	done
	try kstream-replay --from json --time .t --to json --since @99999999999999 in
	[ "$status" = 0 ] && [ "$(cat err)" = 'kstream-replay: no record is so late: --since is in the future' ]
	try kstream-replay --from json --time .t --to json -q --until @5 in
	expect 0 ''
	try kstream-replay --from json --time .t --to json --since @5 in
	expect 0 '{"t":1700000000000,"n":0}'
}

@test "--speed: each record comes when it is due, and the times are kept" {
	/usr/bin/python3 -c '
for n in range(40):
    print("{\"t\":%d}" % (1700000000000 + n * 50))' >in
	# all take as long as they should; and beside the one that came soonest some are not late by 5 ms, whatever else the machine does: how
	# many there are on a quiet machine is for make bench
	/usr/bin/python3 - >out <<-'END'
		import json, subprocess, time
		began = time.monotonic() * 1000
		p = subprocess.Popen(['kstream-replay', '--from', 'json', '--time', '.t', '--speed', '2x', '--to', 'json', 'in'], stdout=subprocess.PIPE)
		seen = [(time.monotonic() * 1000, json.loads(line)['t'] - 1700000000000) for line in p.stdout]
		assert p.wait() == 0 and len(seen) == 40
		late = sorted(at - t / 2 for at, t in seen)
		print([x - late[0] for x in late])
		assert late[5] - late[0] <= 5, late
		assert seen[-1][0] - began >= 39 * 25, (began, seen)
	END
	kstream-replay --from json --time .t --speed 100x --to json in | cmp - in
	# what has come late is due at once
	numbered 1000 1040 500 1080 >in
	kstream-replay --from json --time .t --speed 1x --to json in | cmp - in
}

@test "--speed: a signal ends the wait, the output is what was due until then, and whole" {
	numbered 0 3600000000 3600000001 >in
	kstream-replay --from json --time .t --speed 1x in 3>&- >out 2>err &
	pids=$!
	await 20 grep -q 'the next record is due in 1000 h 0 min' err
	kill -USR1 "$pids"
	await 20 grep -q ' in, ' err
	kill -TERM "$pids"
	wait "$pids"
	[ "$(kinds <out)" = 'HELLO RECORD BARRIER END' ]
	[ "$(tail -c 1 out | od -An -tu1 | tr -d ' ')" = 1 ] # paused
	# and nobody waits for a reader that has gone
	try_sh 'kstream-replay --from json --time .t --speed 1x in | head -c 1 >/dev/null; exit "${PIPESTATUS[0]}"'
	[ "$status" = 75 ]
	grep -q 'has gone' err
}

@test "--progress tells how much of the range is done, and how long the rest may take" {
	numbered 0 100 3600000000 >in
	kstream-replay --from json --time .t --speed 1x --progress --since @0 --until @7200000000 --out o in 3>&- 2>err &
	pids=$!
	await 20 grep -q 'the next record is due in 999 h 59 min' err
	kill -USR1 "$pids"
	await 20 grep -qE ' in, 2 out, .*, 0 %, [0-9]+:[0-9]{2} left' err
	kill -TERM "$pids"
	wait "$pids"
}

@test "behind a live pipe: --reorder lets go what is due at once" {
	mkfifo in
	kstream-replay --from json --time .t --reorder 1s --to json in 3>&- >out &
	pids=$!
	exec 5>in
	numbered 10000 9500 >&5
	numbered 12000 >&5
	two_are_out() { [ "$(wc -l <out)" = 2 ]; }
	await 20 two_are_out
	[ "$(jq .t out | paste -sd ' ')" = '9500 10000' ]
	exec 5>&-
	wait "$pids"
	[ "$(jq .t out | paste -sd ' ')" = '9500 10000 12000' ]
}
