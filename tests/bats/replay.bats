#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# kstream-replay without Kafka; tests/broker/replay.bats has the rest.

# shellcheck disable=SC2016,SC2094,SC2154,SC2238 # SC2154: what lib.bash sets
bats_require_minimum_version 1.5.0
load lib

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

record() { kstream-cat --from json --time .t "$@"; } # record FILE...: frames of JSON lines with their time in .t

# two_blocks: the file wide, and of it the recording rec of 2 blocks and more, and the output all
two_blocks() {
	/usr/bin/python3 -c '
for n in range(4000):
    print("{\"t\":%d,\"n\":%d,\"pad\":\"%s\"}" % (1700000000000 + n * 1000, n, "x" * 600))' >wide
	record wide | kstream-replay --record rec >all
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
	kstream-replay --from json --time .t --reorder 4000s --memory 1M --to json in | cmp - sorted
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

@test "--record: the same bytes again, and its index leads to a range without reading the rest" {
	two_blocks
	kstream-cat --to json all | cmp - wide
	kstream-cat --to json rec | cmp - wide
	[ ! -e rec.partial ] && [ ! -e rec.index.new ]
	[ "$(head -c 8 rec.index)" = kstridx1 ]
	# what is of no record of the range is made unreadable, but for the bytes by which an index knows its file
	while read -r since until; do
		/usr/bin/python3 - "$since" "$until" <<-'END'
			import struct, sys
			since, until = int(sys.argv[1]), int(sys.argv[2])
			index, data = open("rec.index", "rb").read(), bytearray(open("rec", "rb").read())
			end, count = struct.unpack(">QQ", index[32:48])
			blocks = [struct.unpack(">qqq", index[48 + 24 * i : 72 + 24 * i]) for i in range(count)]
			assert count > 2
			spoilt = 0
			for (at, least, most), behind in zip(blocks, [b[0] for b in blocks[1:]] + [end]):
			    if most < since or least >= until:
			        spoilt += 1
			        for i in range(max(at, 4096), min(behind, len(data) - 4096)):
			            data[i] = 0x55
			assert spoilt
			open("spoilt", "wb").write(data)
		END
		cp rec.index spoilt.index
		kstream-replay --since "@$since" --until "@$until" --to json spoilt >out
		kstream-cat --from json --time .t --since "@$since" --until "@$until" --to json wide | cmp - out
		try kstream-replay --to json spoilt
		[ "$status" = 65 ]
	done <<-'END'
		1700003500000 1800000000000
		0 1700000002000
		1700002000000 1700002001000
	END
}

@test "an index that is missing, damaged or of another file" {
	two_blocks
	range=(--since @1700002000000 --until @1700002003000 --to json)
	kstream-replay "${range[@]}" rec >expected
	cp rec.index good
	mv rec.index away
	try kstream-replay "${range[@]}" -v rec
	cmp out expected
	grep -qx 'kstream-replay: rec.index is not there: all of the file is read' err
	[ ! -e rec.index ]
	again() { # again WHY: the index is wrong, made again, and good
		try kstream-replay "${range[@]}" rec
		[ "$status" = 0 ] && cmp out expected
		[ "$(cat err)" = "kstream-replay: rec.index $1, and is made again" ] || fail "not: $1"
		cmp rec.index good
	}
	for byte in 9 20 40 50 60 100; do
		/usr/bin/python3 -c '
import sys
d = bytearray(open("good", "rb").read())
d[min(int(sys.argv[1]), len(d) - 1)] ^= 1
open("rec.index", "wb").write(d)' $byte
		again 'is damaged'
	done
	head -c 30 good >rec.index
	again 'is not one'
	: >rec.index
	again 'is not one'
	head -c -24 good >rec.index
	again 'is damaged'
	numbered 1 2 >in
	record in | kstream-replay --record other >out
	cp other.index rec.index
	again 'is that of another file'
	# a recording that was cut has no index any more that would hide it
	head -c -9 rec >cut
	cp good cut.index
	try kstream-replay "${range[@]}" cut
	[ "$status" = 75 ]
	grep -q 'cut.index is that of another file' err
	grep -q 'cut ends ' err
	# where it cannot be written, it is used all the same
	rm rec.index && mkdir rec.index
	try kstream-replay "${range[@]}" rec
	cmp out expected
}

@test "a damaged record is told of by its file and byte, wherever it is met" {
	disorder 5 3000 >in
	record -t t in | kstream-replay --record rec >out.frames
	cut_short() { # cut_short VALUE|HEAD: of record 2000 one byte is another, so that it is damaged there; prints the byte where it begins
		/usr/bin/python3 - "$1" <<-'END'
			import sys
			d, at, n = bytearray(open("rec", "rb").read()), 0, 0
			while n < 2000:
			    at += 6 + int.from_bytes(d[at + 1:at + 5], "big")
			    n += d[at + 5] == 1
			value = d.index(b"\x82\xa1t", at)
			d[value if sys.argv[1] == "VALUE" else at + 6] = 0x8f if sys.argv[1] == "VALUE" else 0x98
			open("bad", "wb").write(d)
			print(at)
		END
	}
	at=$(cut_short VALUE)
	for more in '' '--reorder 1h' '--since @0' '-c 2500'; do
		# shellcheck disable=SC2086 # two words
		try kstream-replay $more --to json bad
		refused 65 kstream-replay "bad, byte $at: t/0@"
		grep -q 'msgpack ' err
	done
	try kstream-replay --to json rec bad
	refused 65 kstream-replay "bad, byte $at: t/0@"
	[ -s out ] # what stands before it has gone out
	try kstream-replay --on-error skip --to json bad
	[ "$status" = 0 ] && [ "$(wc -l <out)" = 2999 ]
	at=$(cut_short HEAD)
	for more in '' '--reorder 1h' '--since @0'; do
		# shellcheck disable=SC2086 # two words
		try kstream-replay $more --to json bad
		refused 65 kstream-replay "bad, byte $at: "
	done
}

@test "a recording is there when it is whole, or not at all" {
	disorder 4 30000 >in
	record in >in.frames
	run -74 bash -c 'ulimit -f 1; kstream-replay --record rec in.frames | cat >/dev/null; exit "${PIPESTATUS[0]}"'
	[[ "$output" == *"cannot write 'rec.partial': File too large"* ]]
	[ ! -e rec ] && [ ! -e rec.partial ] && [ ! -e rec.index ]
	head -c 300000 in.frames >cut
	try kstream-replay --record rec --out o cut
	refused 75 kstream-replay 'cut ends inside a frame'
	[ ! -e rec ] && [ ! -e rec.partial ]
	kstream-replay --speed 1x --record rec --out o in.frames 2>err 3>&- &
	pids=$!
	await 20 test -e rec.partial
	await 20 waits "$pids"
	try kstream-replay --record rec --out o2 in.frames
	refused 75 kstream-replay "another process writes 'rec.partial'"
	kill -TERM "$pids"
	status_of "$pids"
	[ "$status" = 75 ] # whoever goes on by && has no recording
	grep -q "a signal has come: 'rec' is not written" err
	[ ! -e rec ] && [ ! -e rec.partial ]
	kstream-cat o >whole # but what was due until then came to its end
	env --default-signal=INT kstream-replay --speed 1x --record rec --out o in.frames 2>err 3>&- &
	pids=$!
	await 20 test -e rec.partial
	await 20 waits "$pids"
	kill -INT "$pids"
	status_of "$pids"
	[ "$status" = 130 ]
	[ ! -e rec ] && [ ! -e rec.partial ]
	# a reader that goes
	for to in json frames; do
		try_sh "kstream-replay --record rec --to $to in.frames | head -c 1 >/dev/null; exit \"\${PIPESTATUS[0]}\""
		[ "$status" = "$([ $to = json ] && echo 141 || echo 75)" ]
		[ ! -e rec ] && [ ! -e rec.partial ]
	done
}

@test "--record: no file that is read or written beside it, and none of another kind" {
	numbered 1000 2000 1 >in
	record in >in.frames
	cp in in.saved
	cp in.frames frames.saved
	ln in hard
	ln -s in soft
	for name in in hard soft ./in; do
		try kstream-replay --from json --time .t --to json --record "$name" in
		refused 64 kstream-replay "'$name' is the input, too"
	done
	try kstream-replay --since @2 --to json --record in.frames in.frames
	refused 64 kstream-replay "'in.frames' is the input, too"
	try_sh 'kstream-replay --to json --record in.frames <in.frames'
	refused 64 kstream-replay "'in.frames' is the input, too"
	cp in.frames x.partial
	cp in.frames y.index
	try kstream-replay --to json --record x x.partial
	refused 64 kstream-replay "'x.partial' is the input, too"
	try kstream-replay --to json --record y y.index
	refused 64 kstream-replay "'y.index' is the input, too"
	while read -r record other what; do
		# shellcheck disable=SC2086 # two words
		try kstream-replay --from json --time .t --to json --reorder 0s --record "$record" $other in
		refused 64 kstream-replay "is $what, too"
		[ ! -s "${other#*file:}" ]
		rm "${other#*file:}"
	done <<-'END'
		a --on-error=file:a that of --on-error
		a --late=file:a that of --late
		a --late=file:a.partial that of --late
		a --late=file:a.index that of --late
		a --late=file:a.index.new that of --late
	END
	try_sh 'kstream-replay --to json --record a in.frames >a.partial'
	refused 64 kstream-replay "'a.partial' is the output, too"
	rm a.partial
	echo 'what is to be done' | tee notes >z.index
	cp notes v.partial
	try kstream-replay --to json --record notes in.frames
	refused 64 kstream-replay "'notes' is there, and is no recording: remove it, or name another"
	try kstream-replay --to json --record v in.frames
	refused 64 kstream-replay "'v.partial' is there, and is no recording"
	try kstream-replay --to json --record z in.frames
	refused 64 kstream-replay "'z.index' is there, and is no index of a recording"
	for file in z.index v.partial; do cmp "$file" notes; done
	cmp in in.saved && cmp in.frames frames.saved && cmp x.partial frames.saved && cmp y.index frames.saved
	[ ! -e z ] && [ ! -e v ]
	# what is empty, another recording, and what one that was killed has left are replaced
	: >rec
	for cut in 0 40 100; do
		head -c "$cut" in.frames >rec.partial
		kstream-replay --to json --record rec in.frames | cmp - in
		kstream-replay --to json rec | cmp - in
	done
	kstream-replay --to json --record rec -c 1 in.frames | cmp - <(head -n 1 in)
	kstream-replay --to json rec | cmp - <(head -n 1 in)
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
