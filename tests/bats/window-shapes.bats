#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The shapes of kstream-window, when their results are emitted, and as what.

# shellcheck disable=SC2016
bats_require_minimum_version 1.5.0
load lib
load windows

# window OPTION ...: what becomes of the file in, as key@start-end=value@time on one line each, to out; -v to err
window() {
	try kstream-window -v --from envelope --in in --to envelope "$@"
	sed -E 's/.*"ts":(-?[0-9]+),.*"key":\{"key":"?([^,"]*)"?,"start":"?([^,"]+)"?,"end":"?([^,"}]+)"?\},"headers":\[.*\],"payload":(.*)\}$/\2@\3-\4=\5@\1/' out >shown
	mv shown out
}

shows() { # shows LINE ...
	[ "$status" = 0 ] || fail "status $status" || return
	output_is "$(printf '%s\n' "$@")"
}

# is_refused TEXT OPTION ...: the command line, in one line that has the text in it
is_refused() {
	local text=$1
	shift
	try kstream-window "$@" </dev/null
	refused 64 kstream-window "$text"
}

@test "window: one shape, and what goes with it" {
	is_refused '--tumble and --hop: a record has one shape' --tumble 1m --hop 1m 'count()'
	is_refused '--session and --running' --session 1m --running 'count()'
	is_refused 'as in --advance 1m' --hop 1m 'count()'
	is_refused '--advance 2m must not be longer than --hop' --hop 1m --advance 2m 'count()'
	is_refused "--advance 0s: it must be longer than 0" --hop 1m --advance 0s 'count()'
	is_refused "'5' is no duration" --hop 1m --advance 5 'count()'
	is_refused 'more than 100000 windows' --hop 1d --advance 1ms 'count()'
	is_refused '--advance is for --hop and --count-window' --tumble 1m --advance 1m 'count()'
	is_refused 'longer than 0' --session 0s 'count()'
	is_refused 'longer than 0' --slide 0ms 'count()'
	is_refused 'would not end within 64 bits' --slide 9223372036854775807ms 'count()'
	is_refused "--calendar 'year': it is day, week or month" --calendar year 'count()'
	is_refused "--tz 'Mars/Base' is no time zone" --calendar day --tz Mars/Base 'count()'
	is_refused "--tz '../../etc/passwd' is no time zone" --calendar day --tz ../../etc/passwd 'count()'
	is_refused '--tz is for --calendar' --tumble 1d --tz UTC 'count()'
	is_refused '--day-start is for --calendar' --tumble 1d --day-start 18:00 'count()'
	is_refused "--day-start '24:00'" --calendar day --day-start 24:00 'count()'
	is_refused "--day-start '6:00'" --calendar day --day-start 6:00 'count()'
	is_refused "--count-window '0'" --count-window 0 'count()'
	is_refused '--advance 3 must not be more than --count-window 2' --count-window 2 --advance 3 'count()'
	is_refused '--emit update or close' --count-window 2 --emit commit 'count()'
	is_refused "--align 'now'" --tumble 1m --align now 'count()'
	is_refused 'windows start in 1970 or later' --tumble 1m --align 1969-12-31T23:59Z 'count()'
	is_refused '--align is for --tumble' --session 1m --align @5 'count()'
	is_refused '--align is for --tumble and --hop' --unlimited --align start 'count()'
	is_refused '--grace is for windows that close' --running --grace 1s 'count()'
	is_refused '--late is for windows that close' --unlimited --late route:x 'count()'
	is_refused '--key-as is for windows' --running --key-as iso 'count()'
	is_refused "--emit 'sometimes': it is update, commit, close or every:DURATION" --tumble 1m --emit sometimes 'count()'
	is_refused "'x' is no duration" --tumble 1m --emit every:x 'count()'
	is_refused '--max-records is for --emit every' --tumble 1m --max-records 5 'count()'
	is_refused "--max-records '0'" --tumble 1m --emit every:1m --max-records 0 'count()'
	is_refused "--key-as 'json'" --tumble 1m --key-as json 'count()'
	is_refused "--late 'away'" --tumble 1m --late away 'count()'
	is_refused 'no name of a topic' --tumble 1m --late 'route:' 'count()'
	is_refused "--max-future '5'" --tumble 1m --max-future 5 'count()'
}

@test "window: hopping windows" {
	records a:0 a:7 a:12 >in
	window --hop 10ms --advance 5ms 'count()'
	shows a@0-10=1@0 a@0-10=2@7 a@5-15=1@7 a@5-15=2@12 a@10-20=1@12
	# none starts before 1970, size is no multiple of the advance
	records a:21 a:3 >in
	window --hop 12ms --advance 5ms --grace 99ms 'count()'
	shows a@10-22=1@21 a@15-27=1@21 a@20-32=1@21 a@0-12=1@3
	# late for some of them: counted for each, in the others
	records a:10 a:27 a:19 >in
	window --hop 10ms --advance 5ms --grace 5ms 'n=count()'
	shows 'a@5-15={"n":1}@10' 'a@10-20={"n":1}@10' 'a@20-30={"n":1}@27' 'a@25-35={"n":1}@27' 'a@15-25={"n":1}@19'
	grep -q '3 in, 5 out, 0 dropped, 1 late, 0 rejected, 3 folded into 6,' err
	# one that is late for all
	records a:40 a:19 >in
	window --hop 10ms --advance 5ms 'n=count()'
	grep -q '2 in, 2 out, 0 dropped, 2 late, 0 rejected, 1 folded into 3,' err
}

@test "window: hopping windows that share panes are those that do not" {
	/usr/bin/python3 - >in <<-'EOF'
		import json, random
		r, t = random.Random(4), 1000
		for i in range(4000):
		    t += r.randint(0, 9)
		    ts = t - (r.randint(0, 60) if r.random() < .3 else 0)
		    print(json.dumps({"topic": "in", "partition": r.randint(0, 1), "offset": i, "tstype": "create", "ts": ts,
		        "key": r.choice("abcdef"), "payload": r.choice([None, r.randint(-50, 50), r.randint(0, 9999) / 100])}))
	EOF
	# first() tells the order of records: with it there are no panes
	for options in '--hop 60ms --advance 5ms' '--hop 61ms --advance 7ms --grace 30ms' '--hop 50ms --advance 50ms' \
		'--hop 40ms --advance 30ms --align @17' '--hop 40ms --advance 30ms --grace 10ms --align start'; do
		# shellcheck disable=SC2086
		window $options --emit close 'n=count(), l=min(.), h=max(.)'
		grep -o '[0-9]* late' err >>out
		cp out panes
		# shellcheck disable=SC2086
		window $options --emit close 'n=count(), l=min(.), h=max(.), f=first(.)'
		grep -o '[0-9]* late' err >>out
		sed 's/,"f":[^}]*}/}/' out | cmp - panes
		[ "$(wc -l <panes)" -gt 1000 ]
	done
}

@test "window: sliding windows" {
	# semantics.md 2.3: left windows end at a record, right ones begin behind it
	records a:20 a:25 a:40 >in
	window --slide 10ms --grace 99ms 'count()'
	shows a@10-20=1@20 a@21-31=1@25 a@15-25=2@25 a@30-40=1@40
	# one between two: it is in the right window of the first, and copies what is behind it
	records a:20 a:25 a:22 >in
	window --slide 10ms --grace 99ms 'count()'
	shows a@10-20=1@20 a@21-31=1@25 a@15-25=2@25 a@21-31=2@25 a@15-25=3@25 a@12-22=2@22 a@23-33=1@25
	# early ones share [0, size]
	records a:3 a:7 >in
	window --slide 10ms 'count()'
	shows a@0-10=1@3 a@4-14=1@7 a@0-10=2@7
	# open at its end and the grace, closed behind that
	records a:20 b:25 a:20 b:26 a:20 >in
	window --slide 5ms --grace 5ms --emit close 'count()'
	[ "$(grep -c '^a@15-20=2@20$' out)" = 1 ] || fail 'a window is not there once'
	# tombstones are dropped
	records a:20:null >in
	window --slide 5ms 'n=count()'
	grep -q '1 in, 0 out, 1 dropped (tombstone 1)' err
}

@test "window: sessions, and tombstones for those that are merged" {
	records a:10 a:20 a:15 >in
	window --session 5ms --grace 99ms 's=sum(.), f=first(.)'
	shows 'a@10-10={"s":1,"f":1}@10' 'a@20-20={"s":1,"f":1}@20' \
		a@10-10=null@10 a@20-20=null@20 'a@10-20={"s":3,"f":1}@20'
	# exactly a gap apart they are one; a record of the same time has no tombstone
	records a:10 a:10 a:15 a:21 >in
	window --session 5ms 'count()'
	shows a@10-10=1@10 a@10-10=2@10 a@10-10=null@10 a@10-15=3@15 a@21-21=1@21
	# within one that it does not extend: a tombstone of the same window, then it
	records a:10 a:14 a:12 >in
	window --session 5ms 'count()'
	[ "$(tail -n 2 out)" = $'a@10-14=null@14\na@10-14=3@14' ]
	# close: each once, when time is past its end, the gap and the grace, by end, start and key
	records b:10 a:12 c:11 a:14 z:21 z:22 >in
	window --session 5ms --grace 2ms --emit close --end paused 'count()'
	shows b@10-10=1@10 c@11-11=1@11 a@12-14=2@14
	window --session 5ms --grace 2ms --emit close --end complete 'count()'
	shows b@10-10=1@10 c@11-11=1@11 a@12-14=2@14 z@21-22=2@22
	# an old record that touches an open session is not late
	records a:10 a:13 a:16 b:20 a:6 c:6 >in
	window --session 5ms 'count()'
	grep -q ' 1 late' err
	# sessions are flagged as such
	try kstream-window --from envelope --in in --to envelope --session 5ms 'count()'
	[ "$(jq -c -s 'map(.flags) | unique' out)" = '[["session"]]' ]
	# what cannot be merged is refused
	is_refused 'fold' --session 5ms 'fold(0; $acc + 1)'
}

@test "window: days, weeks and months of a calendar" {
	# Paris: 23 hours on 2026-03-29, 25 on 2026-10-25 (times of the test: Python's zoneinfo)
	records a:1774738800000 a:1774821599999 a:1774821600000 a:1792965600000 a:1792969200000 >in
	window --calendar day --tz Europe/Paris --key-as iso --max-future off 'count()'
	shows a@2026-03-28T23:00:00Z-2026-03-29T22:00:00Z=1@1774738800000 \
		a@2026-03-28T23:00:00Z-2026-03-29T22:00:00Z=2@1774821599999 \
		a@2026-03-29T22:00:00Z-2026-03-30T22:00:00Z=1@1774821600000 \
		a@2026-10-24T22:00:00Z-2026-10-25T23:00:00Z=1@1792965600000 \
		a@2026-10-25T23:00:00Z-2026-10-26T23:00:00Z=1@1792969200000 || return
	# the daily vector of semantics.md 2.1: UTC from 18:00, 30 minutes of grace
	records a:1767284940000:1 a:1767285000000:2 a:1767290460000:2 a:1767285060000:7 a:1767292260000:40 a:1767285300000:42 >in
	window --calendar day --day-start 18:00 --grace 30m --emit close --key-as iso 'sum(.)'
	shows a@2025-12-31T18:00:00Z-2026-01-01T18:00:00Z=10@1767285060000 \
		a@2026-01-01T18:00:00Z-2026-01-02T18:00:00Z=42@1767292260000
	grep -q ' 1 late' err
	records a:1774738800000 >in
	window --calendar week --key-as iso 'count()'
	shows a@2026-03-23T00:00:00Z-2026-03-30T00:00:00Z=1@1774738800000
	TZ=Asia/Tokyo window --calendar month --key-as iso 'count()'
	shows a@2026-03-01T00:00:00Z-2026-04-01T00:00:00Z=1@1774738800000
	# the day of 1970-01-01 began in 1969 there
	records a:0 >in
	window --calendar day --tz Europe/Paris 'count()'
	grep -q '1 dropped (before 1970 1)' err
	records a:9223372036854775807 >in
	try kstream-window --from envelope --in in --to envelope --calendar day --max-future off 'count()'
	refused 65 kstream-window 'too large'
}

@test "window: the last records of a key" {
	records a:10:1 a:5:2 b:6:9 a:30:3 a:40:4 >in
	window --count-window 2 'sum(.)'
	shows a@10-10=1@10 a@10-5=3@10 b@6-6=9@6 a@5-30=5@30 a@30-40=7@40
	# side by side
	window --count-window 2 --advance 2 's=sum(.), f=first(.)'
	shows 'a@10-5={"s":3,"f":1}@10' 'a@30-40={"s":7,"f":3}@40'
	# each second one, the last three; at the end what is not due yet, where results are final
	window --count-window 3 --advance 2 'sum(.)'
	shows a@10-5=3@10 a@5-40=9@40
	records a:10:1 a:5:2 b:6:9 a:30:3 >in
	window --count-window 3 --advance 2 --emit close 'sum(.)'
	shows a@10-5=3@10 a@10-30=6@30 b@6-6=9@6
	is_refused 'fold' --count-window 3 'fold(0; $acc + 1)'
	# one pane needs no merging
	window --count-window 2 --advance 2 'fold(0; $acc + .)'
	shows a@10-5=3@10
}

@test "window: for all time, and none at all" {
	records a:5 a:1 b:7258118400000 >in
	window --unlimited --max-future off 'count()'
	shows a@0-9223372036854775807=1@5 a@0-9223372036854775807=2@5 b@0-9223372036854775807=1@7258118400000
	window --unlimited --align @3 --emit close --max-future off 'count()'
	shows a@3-9223372036854775807=1@5 b@3-9223372036854775807=1@7258118400000
	grep -q '1 dropped (before --align 1)' err
	# a table: the key is plain, the time the largest; tombstones are dropped, null results are tombstones
	records a:5:1 a:1:2 a:2:null b:3:4 >in
	try kstream-window -v --from envelope --in in --to envelope --running 'sum(.)'
	[ "$(jq -c '[.key, .payload, .ts, .flags]' out)" = '["a",1,5,[]]
["a",3,5,[]]
["b",4,3,[]]' ]
	grep -q '1 dropped (tombstone 1)' err
	records a:5:'[null]' a:6:'[2]' >in
	try kstream-window --from envelope --in in --to envelope --running 'max(.[0])'
	[ "$(jq -c '[.payload, .ts]' out)" = $'[null,5]\n[2,6]' ]
	# no time is needed
	printf '%s\n' '{"k":"a"}' '{"k":"a"}' >lines
	try kstream-window --from json --key .k --in lines --to envelope --running 'count()'
	[ "$(jq -c '[.payload, .tstype]' out)" = $'[1,"none"]\n[2,"none"]' ]
	try kstream-window --from json --key .k --in lines --to json --running --emit close 'count()'
	expect 0 2
	# but where results wait for it
	try kstream-window --from json --key .k --in lines --to json --running --emit every:1s 'count()'
	refused 65 kstream-window '--time'
}

@test "window: aligned to another time, or to the first record of each partition" {
	records a:12 a:16 a:17 a:2 >in
	window --tumble 10ms --align @7 --grace 99ms 'count()'
	shows a@7-17=1@12 a@7-17=2@16 a@17-27=1@17
	grep -q '1 dropped (before 1970 1)' err
	records a:103 a:112 a:113 a:99 >in
	window --tumble 10ms --align start --grace 99ms 'count()'
	shows a@103-113=1@103 a@103-113=2@112 a@113-123=1@113 a@93-103=1@99
	records a:103:1:0 a:105:1:1 a:110:1:0 a:114:1:1 a:114:1:0 >in
	window --tumble 10ms --align start 'count()'
	shows a@103-113=1@103 a@105-115=1@105 a@103-113=2@110 a@105-115=2@114 a@113-123=1@114
	window --hop 10ms --advance 5ms --align start 'count()'
	shows a@98-108=1@103 a@103-113=1@103 a@100-110=1@105 a@105-115=1@105 a@103-113=2@110 a@108-118=1@110 \
		a@105-115=2@114 a@110-120=1@114 a@108-118=2@114 a@113-123=1@114
}

@test "window: --emit commit, the latest of each that has changed" {
	records a:1 b:2 a:3 c:12 b:4 a:13 >in
	window --tumble 10ms --grace 99ms --emit commit 'count()'
	shows a@0-10=2@3 c@10-20=1@12 b@0-10=2@4 a@10-20=1@13
	grep -q '6 in, 4 out, 0 dropped, 0 late, 0 rejected, 6 folded into 4,' err
	# a session that came and went in between is nobody's business
	records a:10 a:12 b:50 >in
	window --session 5ms --emit commit 'count()'
	shows a@10-12=2@12 b@50-50=1@50
	# two sections, two barriers: now it is a tombstone
	records a:10 >in
	kstream-cat --from envelope --end paused in >both
	records a:12 a:14 >in
	kstream-cat --from envelope --end paused in >>both
	try_sh "kstream-window --session 5ms --emit commit 'count()' <both | kstream-cat --to envelope | jq -c '[.key.start, .key.end, .payload, .ts]'"
	output_is '[10,10,1,10]
[10,10,null,10]
[10,14,3,14]'
	# a window that closes before its barrier is emitted at it
	records a:1 a:2 a:50 >in
	window --tumble 10ms --emit commit 'count()'
	shows a@0-10=2@2 a@50-60=1@50
	records a:5 a:6 >in
	window --running --emit commit 'n=count()'
	[ "$(jq -c '[.key, .payload]' out)" = '["a",{"n":2}]' ]
	records a:20 a:25 >in
	window --slide 10ms --emit commit 'count()'
	shows a@10-20=1@20 a@21-31=1@25 a@15-25=2@25
}

@test "window: --emit every, so much event time behind the first change" {
	# semantics.md 3.4: a later one takes its place and does not begin anew
	records a:1 a:3 b:4 a:9 b:10 >in
	window --tumble 100ms --emit every:8ms --end paused 'count()'
	shows a@0-100=3@9
	window --tumble 100ms --emit every:8ms --end complete 'count()'
	shows a@0-100=3@9 b@0-100=2@10
	window --tumble 100ms --emit every:8ms --max-records 1 --end paused 'count()'
	shows a@0-100=2@3 b@0-100=1@4 a@0-100=3@9
	window --tumble 100ms --emit 'every 0s' --end paused 'count()'
	shows a@0-100=1@1 a@0-100=2@3 b@0-100=1@4 a@0-100=3@9 b@0-100=2@10
	# tombstones wait as well; windows of one key wait apart, whatever their key is shown as
	records a:10 a:12 a:40 b:50 >in
	window --session 5ms --emit every:3ms --end paused 'count()'
	shows a@10-10=null@10 a@10-12=2@12 a@40-40=1@40
	try kstream-window --from envelope --in in --to envelope --tumble 20ms --emit every:30ms --key-as plain 'count()'
	[ "$(jq -c '[.key, .payload]' out)" = '["a",2]
["a",1]
["b",1]' ]
}

@test "window: forms of the key" {
	records a:1767225600001 >in
	try kstream-window --from envelope --in in --to envelope --tumble 1m --key-as plain 'count()'
	[ "$(jq -c '[.key, .flags]' out)" = '["a",[]]' ]
	try kstream-window --from envelope --in in --to envelope --tumble 1m --key-as iso 'count()'
	[ "$(jq -c '[.key, .flags]' out)" = '[{"key":"a","start":"2026-01-01T00:00:00Z","end":"2026-01-01T00:01:00Z"},["window"]]' ]
	# semantics.md 3.7: key, start; of sessions key, end, start
	try kstream-window --from envelope --in in --to envelope --tumble 1m --key-as kafka 'count()'
	[ "$(jq -r .key out | base64 -d | od -An -tx1 | tr -d ' \n')" = 610000019b76daa800 ]
	records a:16 a:18 >in
	try kstream-window --from envelope --in in --to envelope --session 5ms --emit close --key-as kafka 'count()'
	[ "$(jq -r .key out | base64 -d | od -An -tx1 | tr -d ' \n')" = 6100000000000000120000000000000010 ]
	# the bytes of the key are those that --key-to writes
	sed 's/"a"/{"x":1}/' in >map
	try kstream-window --from envelope --in map --to envelope --tumble 8ms --key-as kafka 'count()'
	[ "$(jq -r .key out | base64 -d | head -c 7)" = '{"x":1}' ]
	try kstream-window --from envelope --in in --to envelope --tumble 8ms --key-as kafka --key-to json 'count()'
	[ "$(jq -r .key out | head -1 | base64 -d | head -c 3)" = '"a"' ]
	try kstream-window --from envelope --in in --to csv --tumble 8ms --key-as kafka 'n=count()'
	[ "$(head -n 1 out)" = key,n ]
}

@test "window: late records, and why" {
	records a:5:1 a:31:2 a:7:3 b:12:4 >in
	window --tumble 10ms --grace 5ms --late route:late 'n=count()'
	[ "$(grep -c '"route":"late"' out)" = 2 ] || fail 'not two' || return
	grep '"route":"late"' out | jq -c '[.topic, .key, .payload, .ts, .flags, (.headers | map(select(.[0] | startswith("__kstream.late"))))]' >late
	[ "$(cat late)" = '["in","a",3,7,["late"],[["__kstream.late.reason","the window has closed"],["__kstream.late.start","0"],["__kstream.late.end","10"],["__kstream.late.by","16"],["__kstream.late.stage","window"]]]
["in","b",4,12,["late"],[["__kstream.late.reason","the window has closed"],["__kstream.late.start","10"],["__kstream.late.end","20"],["__kstream.late.by","6"],["__kstream.late.stage","window"]]]' ] || fail "$(cat late)" || return
	grep -q '4 in, 4 out, 0 dropped, 2 late,' err
	# the same to a file, which is appended to, and read again
	window --tumble 10ms --grace 5ms --late file:kept 'n=count()'
	[ "$(jq -c '[.key, .payload]' kept)" = $'["a",3]\n["b",4]' ]
	window --tumble 10ms --grace 5ms --late file:kept 'n=count()'
	[ "$(wc -l <kept)" = 4 ]
	# once for each window that refuses it
	records a:40 a:19 >in
	window --hop 10ms --advance 5ms --late file:hop 'n=count()'
	[ "$(jq -c '.headers | map(.[1])[1:3]' hop)" = $'["10","20"]\n["15","25"]' ]
	records a:40 a:19 >in
	window --session 5ms --late file:session 'n=count()'
	[ "$(jq -c '.headers | map(.[1])[1:4]' session)" = '["19","19","16"]' ]
	window --slide 5ms --late file:slide 'n=count()'
	[ "$(jq -c '.headers | map(.[1])[1:4]' slide)" = '["14","19","21"]' ] || fail "$(cat slide)"
	# an output that cannot carry them says so at once, a file that cannot be written too
	try kstream-window --from envelope --in in --to json --tumble 10ms --late route:late 'n=count()'
	refused 78 kstream-window 'late'
	try kstream-window --from envelope --in in --to json --tumble 10ms --late file:/nowhere/x 'n=count()'
	[ "$status" = 73 ] || refused 74 kstream-window '/nowhere/x'
	try kstream-window --from envelope --in in --to json --tumble 10ms --late file:/dev/full 'n=count()'
	refused 74 kstream-window "of --late"
}

@test "window: --max-future, before time is moved" {
	records a:5 a:7258118400000 a:6 >in
	window --tumble 10ms --max-future 1h --on-error skip 'count()'
	shows a@0-10=1@5 a@0-10=2@6
	grep -q ' 0 late, 1 rejected' err
	try kstream-window --from envelope --in in --to json --tumble 10ms --max-future 1h 'count()'
	refused 65 kstream-window 'in/0@1: time 7258118400000 is further ahead of the clock than --max-future allows'
	# input that is not live is believed, unless it is asked for
	window --tumble 10ms 'count()'
	shows a@0-10=1@5 a@7258118400000-7258118400010=1@7258118400000
}

@test "window: a mark stops where results may still come from" {
	records a:13 b:27 >in
	for pair in '--session 5ms:29:27' '--session 5ms:40:40' '--slide 5ms:29:27' '--tumble 10ms:29:20' '--hop 20ms --advance 10ms:29:10' \
		'--tumble 10ms --emit commit:29:13' '--tumble 10ms --emit every=50ms:29:13'; do
		IFS=: read -r options time want <<<"$pair"
		marked in "$time" >with
		# shellcheck disable=SC2086
		kstream-window --in with --emit close ${options/=/:} --max-future off 'count()' >result
		frames print <result >marks
		grep -qi "mark.*\b$want\b" marks
	done
}

@test "window: times at the ends, in every shape" {
	records a:0 a:9223372036854775807 >in
	for shape in '--hop 10ms --advance 5ms' '--slide 10ms' '--calendar week'; do
		# shellcheck disable=SC2086
		try kstream-window --from envelope --in in --to envelope $shape --on-error skip -v 'count()'
		[ "$status" = 0 ] || fail "$shape"
		grep -q ' 1 rejected' err || fail "$shape"
	done
	for shape in '--session 10ms' '--unlimited' '--count-window 3' '--running'; do
		for emit in update close; do
			# shellcheck disable=SC2086
			try kstream-window --from envelope --in in --to envelope $shape --emit $emit -v 'count()'
			[ "$status" = 0 ] || fail "$shape $emit"
			grep -q ' 0 rejected' err || fail "$shape $emit"
		done
	done
	records a:-5 >in
	for shape in '--hop 10ms --advance 5ms' '--slide 10ms' '--calendar week' '--session 5ms' '--unlimited'; do
		# shellcheck disable=SC2086
		window $shape 'count()'
		grep -q '1 dropped (before 1970 1)' err || fail "$shape"
	done
}

@test "window: --late file: is no input and no output, and a value too long for the headers is cut" {
	printf '%s\n' '{"t":5000,"k":1}' '{"t":1,"k":1}' >in
	cp in before
	words=(--from json --time .t --key .k --tumble 1s 'n=count()' --to json)
	for late in 'file:in' 'file:in --in in' 'file:./in'; do
		read -ra where <<<"$late"
		try kstream-window "${words[@]}" --late "${where[@]}" <in
		refused 64 kstream-window "' of --late is the input, too"
		cmp before in
	done
	try_sh "kstream-window ${words[*]@Q} --late file:out2 --out out2 <in"
	refused 64 kstream-window "'out2' of --late is the output, too"
	try kstream-window "${words[@]}" --late file:other --on-error file:other
	refused 64 kstream-window "'other' of --late is that of --on-error, too"
	/usr/bin/python3 -c 'print("{\"t\":5000,\"k\":1}\n{\"t\":1,\"k\":1,\"x\":\"%s\"}" % ("x" * 3900))' >in
	kstream-window "${words[@]}" --max-record 4096 --late route:late --to envelope --in in >letters
	grep -q '"__kstream.late.cut","39[0-9][0-9]"' letters || fail "$(head -c 3000 letters)"
}
