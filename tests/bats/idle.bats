#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# --idle: event time of a partition that brings nothing.

bats_require_minimum_version 1.5.0
load lib

row() { # row PARTITION TIME KEY
	printf '{"topic":"in","partition":%s,"offset":0,"tstype":"create","ts":%s,"key":"%s","payload":1}\n' "$@"
}

# feed OPTION ... : a kstream-cat on the pipe `in`, which stays open as descriptor 8, to the file live
feed() {
	mkfifo in
	kstream-cat --from envelope "$@" in >live 2>err &
	pids=$!
	exec 8>in
}

# marks PARTITION: times of the marks that have come to live; -: of all
marks() {
	frames print <live | sed -n 's/^MARK //p' | jq -c --arg p "$1" 'select($p == "-" or .[0] == ($p | tonumber)) | .[1]'
}

some_marks() { [ "$(marks "$1" | wc -l)" -ge "$2" ]; }

pinged() { frames print <live | grep -q '^PING'; }

ended() { # its input ends, and it ends well
	exec 8>&-
	status_of "$pids"
	pids=
	[ "$status" = 0 ] || fail 'it failed'
}

@test "idle: what is no duration is refused, and so are frames" {
	for x in soon 0s -1s 5 4000d; do
		try kstream-cat --from json "--idle=$x" /dev/null
		refused 64 kstream-cat "--idle '$x' is not a duration from 1ms to 3650d"
	done
	kstream-cat --from json /dev/null >in
	try kstream-window --tumble 1m --idle 1s --in in 'count()'
	refused 64 kstream-window '--idle is for text and topics'
}

@test "idle: a window closes although no record comes any more, of a pipe and of a tool that reads it itself" {
	mkfifo in
	for second in 'kstream-cat --from envelope --idle 200ms in | kstream-window' 'kstream-window --from envelope --idle 200ms --in in'; do
		bash -c "$second --tumble 1s --grace 500ms --emit close 'count()' --to json" >out 2>err &
		pids=$!
		exec 8>in
		row 0 10 a >&8
		row 0 900 a >&8
		await 20 grep -qx 2 out
		row 0 999 a >&8 # too late by now
		row 0 900000 a >&8
		ended
		output_is $'2\n1'
	done
}

@test "idle: time goes on with the clock, as far behind as is said, and never back; a record is the new beginning" {
	feed --idle 300ms
	row 0 1000 a >&8
	await 20 some_marks 0 4
	start=$(date +%s%3N)
	row 0 500000 a >&8
	await 20 some_marks 0 7
	end=$(date +%s%3N)
	ended
	frames print <live | grep '^RECORD\|^MARK' | /usr/bin/python3 -c '
import json, sys
last, seen, took = None, [], int(sys.argv[1])
for line in sys.stdin:
    kind, text = line.split(" ", 1)
    x = json.loads(text)
    if kind == "RECORD":
        last = x["time"]
        seen.append([])
    else:
        assert x[0] == 0 and x[2] is True and x[1] >= last, (x, last)
        seen[-1].append(x[1])
assert len(seen) == 2 and all(a == sorted(set(a)) for a in seen), seen
assert seen[0][3] >= 1000 + 3 * 400, seen        # twice a second
assert seen[1][-1] <= 500000 + took - 300, (seen, took)
' "$((end - start))"
	# with much patience there is none
	rm in
	feed --idle 1h
	row 0 1000 a >&8
	await 20 pinged
	sleep 0.6
	ended
	[ "$(marks -)" = '' ]
}

@test "idle: each partition for itself; a record an hour ahead of the clock takes no time along" {
	feed --idle 100ms
	row 0 1000 a >&8
	row 1 5000 b >&8
	row 1 7258118400000 b >&8
	for _ in 1 2 3 4 5 6; do # 1 is busy
		row 1 6000 b >&8
		some_marks 0 1 && break
		sleep 0.2
	done
	await 20 some_marks 0 3
	await 20 some_marks 1 3
	ended
	[ "$(marks 0 | head -n 1)" -lt 5000 ]
	[ "$(marks 1 | sort -n | head -n 1)" -ge 6000 ]
	[ "$(marks 1 | sort -n | tail -n 1)" -lt 600000 ]
}

@test "idle: not ahead of the clock, and of a partition without a time it is said once" {
	feed --idle 100ms
	now=$(date +%s%3N)
	row 0 $((now - 200)) a >&8
	printf '{"topic":"in","partition":3,"offset":0,"tstype":"none","key":"a","payload":1}\n' >&8
	await 20 some_marks 0 4
	ended
	end=$(date +%s%3N)
	for x in $(marks 0); do [ "$x" -le "$end" ]; done
	[ "$(marks 3)" = 0 ]
	# and an event half an hour ahead stays where it is
	rm in
	feed --idle 100ms
	row 0 $((now + 1800000)) a >&8
	await 20 some_marks 0 1
	row 0 $((now + 1800001)) a >&8
	await 20 some_marks 0 2
	ended
	[ "$(marks 0)" = $((now + 1800000))$'\n'$((now + 1800001)) ]
}

@test "idle: of files by time nobody is silent while one of them is waited for" {
	mkfifo in
	row 0 1000 a >file
	row 0 2000 a >>file
	kstream-cat --from envelope --order time --idle 100ms file in >live 2>err &
	pids=$!
	exec 8>in
	await 20 test -s live
	sleep 1.2 # two PINGs would come
	row 0 1500 b >&8
	await 20 pinged
	ended
	[ "$(frames print <live | grep '^RECORD' | sed 's/RECORD //' | jq -s -c 'map(.time)')" = '[1000,1500,2000]' ]
	[ "$(marks -)" = '' ]
}

@test "idle: a mark far ahead of the clock does not move the time of kstream-window" {
	frames build >in <<-'EOF'
		HELLO {"live":true}
		RECORD {"topic":"t","time":1000,"flags":1,"key":"a","value":1}
		MARK [0,7258118400000,false]
		MARK [0,7258118400000,true]
		RECORD {"topic":"t","time":1001,"flags":1,"key":"a","value":1}
		BARRIER [1,"complete"]
		END [1,"complete"]
	EOF
	kstream-window --in in --tumble 10ms 'count()' >out
	[ "$(kstream-cat --to json out)" = $'1\n2' ]
	# That the partition is silent is so, whatever the time.
	[ "$(frames print <out | grep MARK)" = 'MARK [0,1000,true]' ]
	kstream-window --in in --tumble 10ms --max-future off 'count()' >out
	[ "$(kstream-cat --to json out)" = 1 ]
	frames print <out | grep -q 'MARK \[0,7258118400000,true\]'
}
