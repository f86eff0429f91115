#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# kstream-join: a stream with a table.  Exactness against Kafka Streams: conformance.bats.

# shellcheck disable=SC2030,SC2031 # end is each test's own
load lib
load joins
load windows

@test "join table: a record meets the row that is there, and goes on as it came but for its value" {
	sides A:a:5:1 B:a:9:10 A:a:3:2 B:a:1:20 A:a:4:3 B:a:7:null A:a:8:4 C:a:9:5 >in
	joined --stream A --table B <in >out
	output_is $'a 3 2 10\na 4 3 20\na 9 5'
	joined --stream A --table B --left <in >out
	output_is $'a 5 1 null\na 3 2 10\na 4 3 20\na 8 4 null\na 9 5'
	# C is of no side, and passes; what comes out is of A.
	[ "$(kstream-join --from envelope --to envelope --stream A --table B in | jq -c '[.topic, .offset, .partition]' | tr '\n' ' ')" = '["A",2,0] ["A",4,0] ["C",7,0] ' ]
	# The table may be named first.
	joined --table B --stream A <in | diff <(joined --stream A --table B <in) -
	try kstream-join --from envelope --to envelope --stream A --table B --value '.left + .right' --as sums in
	expect 0
	[ "$(jq -c '[.topic, .route, .key, .payload]' out | tr '\n' ' ')" = '["A","sums","a",12] ["A","sums","a",23] ["C",null,"a",5] ' ]
	try kstream-join -v --from envelope --to envelope --stream A --table B in
	grep -qF ' 8 in, 3 out, 2 dropped (no match 2), 0 late, 0 rejected, 5 folded into 2, ' err || fail ''
}

@test "join table: what stands before a record that is none, or before the end of what has come, has its turn" {
	printf '%s\n' 'HELLO {}' 'RECORD {"topic":"B","key":"a","value":10}' 'RECORD {"topic":"A","key":"a","value":1}' 'RECORD {"topic":"A","key":"a","value":2}' >some
	for rest in 'RAW c9000000030193c0c0' 'RAW 78' 'RAW c9ffffffff01' 'BARRIER [1,"complete"]' 'MARK [0,1,false]' 'RAW c9'; do
		{ cat some && echo "$rest"; } | frames build >in
		try kstream-join --stream A --table B --to json in
		[ "$status" -ne 0 ] && [ "$(paste -sd ' ' out)" = '{"left":1,"right":10} {"left":2,"right":10}' ] || fail "$rest"
	done
	# one that fails leaves those behind it
	printf '%s\n' 'HELLO {}' 'RECORD {"topic":"B","key":"a","value":10}' 'RECORD {"topic":"A","key":"a","value":1}' 'RECORD {"topic":"A","key":"a","value":"x"}' \
		'RECORD {"topic":"A","key":"a","value":3}' 'BARRIER [1,"complete"]' 'END [1,"complete"]' | frames build >in
	try kstream-join --stream A --table B --value '.left + .right' --to json in
	refused 65 kstream-join 'cannot be added'
	[ "$(cat out)" = 11 ] || fail 'the one before it'
}

@test "join table: headers and the type of time are those of the record of the stream" {
	printf '%s\n' '{"topic":"B","tstype":"create","ts":1,"key":"a","headers":[["of","b"]],"payload":1}' \
		'{"topic":"A","tstype":"append","ts":2,"key":"a","headers":[["of","a"]],"payload":2}' >in
	kstream-join --from envelope --to envelope --stream A --table B in >out
	[ "$(jq -c '[.tstype, .ts, .headers, .payload]' out)" = '["append",2,[["of","a"]],{"left":2,"right":1}]' ]
}

@test "join table: without a key or a value" {
	sides A:-:1:1 A:a:2:null B:-:3:3 B:a:4:4 A:-:5:5 A:a:6:6 >in
	try_sh 'kstream-join -v --from envelope --to envelope --stream A --table B in'
	[ "$(jq -c '[.key, .payload]' out)" = '["a",{"left":6,"right":4}]' ]
	grep -qF '4 dropped (null key 3, null value 1)' err || fail ''
	try_sh 'kstream-join -v --from envelope --to envelope --stream A --table B --left in'
	[ "$(jq -c '[.key, .payload]' out | tr '\n' ' ')" = '[null,{"left":1,"right":null}] [null,{"left":5,"right":null}] ["a",{"left":6,"right":4}] ' ]
	grep -qF '2 dropped (null value 1, null key 1)' err || fail ''
}

@test "join table: what cannot be joined is rejected, with its place, and each record is counted once" {
	sides B:a:1:1 A:a:2:2 A:a:3:'"x"' A:a:4:3 >in
	try_sh 'kstream-join -v --from envelope --to json --stream A --table B --value ".left * .right + 1" --on-error skip in'
	output_is $'3\n4'
	grep -qF ' 4 in, 2 out, 0 dropped, 0 late, 1 rejected, 4 folded into 3, ' err || fail ''
	try kstream-join --from envelope --stream A --table B --value '.left + .right' in
	refused 65 kstream-join 'A/0@2: --value: '
	sides A:a:1:1 >in
	jq -c '.flags = ["change"] | .payload = [1, null, true]' in >change
	try kstream-join --from envelope --stream A --table B change
	refused 65 kstream-join "A/0@0: the value is a change of a table, and 'A' is a stream"
	jq -c '.flags = ["key-changed"]' in >changed
	try kstream-join --from envelope --stream A --table B changed
	refused 78 kstream-join 'kstream-repartition'
}

@test "join table: partitions are joined each by itself" {
	sides B:a:1:10:0 B:a:2:11:1 A:a:3:1:0 A:a:4:2:1 A:a:5:3:2 >in
	joined --stream A --table B --left <in >out
	output_is $'a 3 1 10\na 4 2 11\na 5 3 null'
}

@test "join table: with versions it is the row as of the record's time, while that is known" {
	sides B:a:10:1 B:a:20:2 B:a:15:3 A:a:9:0 A:a:10:0 A:a:17:0 A:a:99:0 B:a:30:null B:a:40:4 A:a:35:0 A:a:19:0 \
		B:b:200:7 A:a:40:0 A:a:39:0 B:a:99:8 B:a:100:9 A:a:150:0 A:a:20:0 >in
	joined --stream A --table B --versioned 100ms --left <in >out
	output_is $'a 9 0 null\na 10 0 1\na 17 0 3\na 99 0 2\na 35 0 null\na 19 0 3\na 40 0 4\na 39 0 null\na 150 0 9\na 20 0 null'
	try_sh 'kstream-join -v --from envelope --to envelope --stream A --table B --versioned 100ms in'
	grep -qF 'dropped (no match 4, out of history 1)' err || fail ''
}

# The steps of Kafka's own test, shouldDelayJoinByGracePeriod.
@test "join table: with a grace a record waits until the table has come so far" {
	sides B:0:0:'"Y0"' B:1:0:'"Y1"' B:2:0:'"Y2"' B:3:0:'"Y3"' A:0:0:'"X0"' A:1:1:'"X1"' A:2:2:'"X2"' A:3:3:'"X3"' >one
	sides B:0:0:'"YY0"' B:1:0:'"YY1"' B:2:0:'"YY2"' B:3:0:'"YY3"' A:0:0:'"X0"' A:1:1:'"X1"' A:2:2:'"X2"' A:3:3:'"X3"' >two
	sides A:5:7:'"test"' >three
	words=(--stream A --table B --versioned 2ms --grace 2ms)
	joined "${words[@]}" <one >out
	output_is $'0 0 "X0" "Y0"\n1 1 "X1" "Y1"'
	cat one two three | joined "${words[@]}" >out
	output_is $'0 0 "X0" "Y0"\n1 1 "X1" "Y1"\n0 0 "X0" "YY0"\n1 1 "X1" "YY1"\n2 2 "X2" "YY2"\n2 2 "X2" "YY2"\n3 3 "X3" "YY3"\n3 3 "X3" "YY3"'
	# A late one does not wait; equal times leave by key, then as they came.
	{ cat one; sides A:0:0:'"X0"'; } | joined "${words[@]}" | tail -n 1 >out
	output_is '0 0 "X0" "Y0"'
	sides A:c:1:1 A:a:1:2 A:b:1:3 A:a:1:4 A:a:0:5 A:z:9:6 | joined "${words[@]}" --left >out
	output_is $'a 0 5 null\na 1 2 null\na 1 4 null\nb 1 3 null\nc 1 1 null'
	# Only records that can be joined move time.
	sides A:a:1:1 A:a:9:null A:-:9:1 B:a:9:1 | joined "${words[@]}" >out
	output_is ''
	# A grace of nothing is no wait.
	sides B:a:5:1 A:a:7:1 A:a:9:2 A:a:6:3 | joined --stream A --table B --versioned 9ms --grace 0s >out
	output_is $'a 7 1 1\na 9 2 1\na 6 3 1'
}

@test "join table: with a grace a record without a key is rejected, where Kafka Streams dies" {
	sides A:-:1:1 A:a:2:2 B:b:1:1 >in
	words=(--from envelope --to json --stream A --table B --versioned 1s --grace 1s --left)
	try kstream-join "${words[@]}" in
	refused 65 kstream-join 'A/0@0: the record has no key'
	try kstream-join "${words[@]}" --on-error skip in
	expect 0 '{"left":2,"right":null}'
}

@test "join table: a record without a time is refused only where it is asked for" {
	sides B:a:-:1 A:a:-:2 >in
	try kstream-join --from envelope --to json --stream A --table B in
	expect 0 '{"left":2,"right":1}'
	try kstream-join --from envelope --stream A --table B --versioned 1s in
	refused 65 kstream-join 'B/0@0: the record has no time: give --time'
	sides B:a:1:1 A:a:-:2 >in
	try kstream-join --from envelope --stream A --table B --versioned 1s --grace 1s in
	refused 65 kstream-join 'A/0@1: the record has no time: give --time'
}

@test "join table: what waits leaves when the input is complete, and waits on where it has paused" {
	sides B:a:0:1 A:b:5:2 A:a:5:3 A:a:2500:4 A:a:1200:5 >in
	words=(--stream A --table B --versioned 1h --grace 1h --left)
	joined "${words[@]}" <in >out
	output_is ''
	end=complete joined "${words[@]}" <in >out
	output_is $'a 5 3 1\nb 5 2 null\na 1200 5 1\na 2500 4 1'
	# In the next run, the table has come further.
	cat >run <<-'END'
		kstream-join --from envelope --to envelope --app a --stream A --table B --versioned 1h --grace 1h --left --end "$1" --in in --out result
	END
	bash run paused
	sides B:a:1:9 >>in
	bash run complete
	[ "$(jq -c '[.key, .ts, .payload.right]' result | tr '\n' ' ')" = '["a",5,9] ["b",5,null] ["a",1200,9] ["a",2500,9] ' ]
	# All have left, and none leaves again.
	sides A:a:3000:6 >>in
	bash run complete
	[ "$(jq -c '[.key, .ts]' result | tail -n +5)" = '["a",3000]' ]
}

@test "join table: a mark lets out what is due, and stops where something waits" {
	sides B:a:1:1 A:a:2:2 A:a:1500:3 A:a:20:4 >in
	words=(--stream A --table B --versioned 2s --grace 2s)
	marks() { frames print MARK; }
	marked in 2019 | kstream-join "${words[@]}" --to frames >result
	[ "$(frames print RECORD <result | wc -l)" = 1 ]
	[ "$(marks <result)" = 'MARK [0,20,false]' ]
	# Of what is a second or more behind that it is known that it is not earlier.
	marked in 2500 | kstream-join "${words[@]}" --to frames >result
	[ "$(frames print RECORD <result | wc -l)" = 2 ]
	[ "$(marks <result)" = 'MARK [0,1000,false]' ]
	marked in 3500 | kstream-join "${words[@]}" --to frames >result
	[ "$(frames print RECORD <result | wc -l)" = 3 ]
	[ "$(marks <result)" = 'MARK [0,3500,false]' ]
	# Nothing waits without a grace.
	[ "$(marked in 2019 | kstream-join --stream A --table B --to frames | marks)" = 'MARK [0,2019,false]' ]
}

@test "join table: what has no match goes to a route" {
	sides B:a:1:1 A:b:2:2 A:a:2:3 A:-:2:4 A:b:9:5 A:b:10:6 >in
	for words in '' '--versioned 5ms --grace 5ms'; do
		# shellcheck disable=SC2086 # two words each
		try kstream-join -v --from envelope --to envelope --stream A --table B --unmatched route:alone $words in
		[ "$(jq -c '[.route, .payload, (.headers | map(select(.[0] | endswith("with"))) | .[0][1])]' out | sort | tr '\n' ' ')" = \
			'["alone",2,"B"] ["alone",5,"B"] ["alone",6,"B"] [null,{"left":3,"right":1},null] ' ] || fail "$words"
		grep -qF ' 6 in, 4 out, 4 dropped (' err || fail "$words"
	done
	try kstream-join --from envelope --to json --stream A --table B --unmatched route:alone in
	refused 78 kstream-join "cannot carry the side route 'alone'"
}

@test "join table: times at both ends of what a time can be" {
	last=9223372036854775807
	sides A:a:-$last:1 B:a:-$last:2 A:a:$last:3 A:a:0:4 B:a:$last:5 A:a:-1:6 >in
	words=(--from envelope --to json --stream A --table B --left)
	kstream-join "${words[@]}" --versioned 5s in | jq -r '"\(.left) \(.right)"' >out
	output_is $'1 null\n3 null\n4 null\n6 null'
	kstream-join "${words[@]}" --versioned 5s --grace 5s in | jq -r '"\(.left) \(.right)"' >out
	output_is $'1 null\n4 null\n6 null\n3 5'
	kstream-join "${words[@]}" --versioned "${last}ms" --grace "${last}ms" in | jq -r '"\(.left) \(.right)"' >out
	output_is $'1 2\n4 2\n6 null\n3 5'
}

# moves COUNT: both sides of two partitions, out of order at times
moves() {
	/usr/bin/python3 - "$1" <<-'END'
		import random, sys
		random.seed(7)
		for i in range(int(sys.argv[1])):
		    t = 1700000000000 + i * 20 - random.choice([0, 0, 0, 300, 900, 5000])
		    value = "null" if random.random() < .1 else '{"x":%d}' % random.randrange(99)
		    print('{"topic":"%s","partition":%d,"offset":%d,"tstype":"create","ts":%d,"key":"key%d","payload":%s}' %
		        (random.choice("AAB"), random.randrange(2), i, t, random.randrange(60), value))
	END
}

join=(kstream-join --from envelope --to envelope --in in --app a --stream A --table B)
here=(--state-dir state --out result)

@test "join table: a file that grows goes on where the run before it has ended" {
	moves 3000 >all
	for options in '' --left '--versioned 1s --left' '--versioned 3s --grace 3s' '--versioned 40s --grace 30s --left --unmatched route:x'; do
		[[ $options != *unmatched* ]] || options=${options/--left/--inner}
		rm -rf state result
		read -ra words <<<"$options"
		cp all in
		"${join[@]}" --state-dir whole --out whole-out "${words[@]}" --end paused
		for lines in 1 700 701 3000; do
			head -n "$lines" all >in
			"${join[@]}" "${here[@]}" "${words[@]}" --end paused
		done
		[ -s result ]
		cmp whole-out result || fail "$options"
		rm -r whole whole-out
	done
}

@test "join table: killed at any time, the result is that of a run that was let live" {
	moves 20000 >in
	words=(--versioned 40s --grace 30s --left --memory 1M --end complete)
	"${join[@]}" --state-dir whole --out whole-out "${words[@]}"
	killed_often 8 "${join[@]}" "${here[@]}" "${words[@]}" --commit-interval 20ms
}

@test "join table: what was joined otherwise is refused" {
	moves 10 >in
	"${join[@]}" "${here[@]}" --versioned 10s --grace 5s --end paused
	for words in '--versioned 10s' '--versioned 10s --grace 6s' '--versioned 11s --grace 5s' '--versioned 10s --grace 5s --left'; do
		# shellcheck disable=SC2086 # several words each
		try "${join[@]}" "${here[@]}" $words
		refused 78 kstream-join || fail "$words"
	done
}

@test "join table: rows and waiting records beyond memory, with --app and without, are the same" {
	/usr/bin/python3 - >in <<-'END'
		import random
		random.seed(5)
		for i in range(60000):
		    print('{"topic":"%s","partition":0,"offset":%d,"tstype":"create","ts":%d,"key":"key%d","payload":"%s"}' %
		        (random.choice("AB"), i, i * 10 + random.randrange(2000), random.randrange(30000), "x" * 60))
	END
	words=(--versioned 400s --grace 400s --left --end complete)
	"${join[@]}" --state-dir whole --out whole-out "${words[@]}" --memory 1G
	[ "$(wc -l <whole-out)" -gt 25000 ]
	"${join[@]}" "${here[@]}" "${words[@]}" --memory 1M --commit-interval 20ms
	cmp whole-out result
	kstream-join --from envelope --to envelope --in in --stream A --table B "${words[@]}" --memory 1M >result
	cmp whole-out result
}

@test "join table: keys that wait in one moment are in little memory, and leave in their order" {
	# 40 MB of keys of one segment, at few times, in no order: some of them again
	/usr/bin/python3 - >in 2>want <<-'END'
		import random, sys
		r = random.Random(3)
		rows = [(r.randrange(20) * 3, "k" * 990 + "%05d" % r.randrange(20000), i) for i in range(40000)]
		for t, k, i in rows:
		    print('{"topic":"A","partition":%d,"offset":%d,"tstype":"create","ts":%d,"key":"%s","payload":%d}' % (i % 2, i, t, k, i))
		for part in 0, 1:
		    for t, k, i in sorted(rows):
		        if i % 2 == part:
		            print(i, file=sys.stderr)
	END
	words=(kstream-join --from envelope --to envelope --stream A --table B --versioned 1h --grace 1h --left --memory 4M -q)
	left() { jq .payload.left "$@"; }
	resident 32 "${words[@]}" --end complete in >out
	left out | cmp - want
	for lines in 9000 25000; do
		head -n "$lines" in >grown
		"${words[@]}" --app a --end paused grown >part
		[ ! -s part ] || fail 'nothing is due' || return
	done
	cp in grown
	"${words[@]}" --app a --end complete grown | left | cmp - want
	# Time moves on in the midst of them: those that are due leave, and those that come meanwhile have their place.
	/usr/bin/python3 - >in 2>want <<-'END'
		import random, sys
		r = random.Random(4)
		waits, time = [], -1
		def leave(upto):
		    waits.sort()
		    while waits and waits[0][0] <= upto:
		        print(waits.pop(0)[2], file=sys.stderr)
		for i in range(12000):
		    t, k = i // 6 + r.randrange(900), "%0500d" % r.randrange(3000)
		    print('{"topic":"A","partition":0,"offset":%d,"tstype":"create","ts":%d,"key":"%s","payload":%d}' % (i, t, k, i))
		    time = max(time, t)
		    if t <= time - 800:
		        print(i, file=sys.stderr)
		    else:
		        waits.append((t, k, i))
		        leave(time - 800)
		leave(1 << 60)
	END
	kstream-join --from envelope --to envelope --stream A --table B --versioned 1h --grace 800ms --left --memory 1M --end complete in | left | cmp - want
}

@test "join table: a side that was complete before the other one came is closed, and that is told" {
	printf '%s\n' '{"k":"a","v":"row"}' >rows.jsonl
	printf '%s\n' '{"k":"a","v":"record"}' >records.jsonl
	section() { kstream-cat --from json --key .k --end "$1" --to frames "${@:2}"; }
	words=(kstream-join --stream records --table rows --left --value '[.left.v, .right.v]' --to json)
	{ section complete rows.jsonl; section complete records.jsonl; } >closed
	try "${words[@]}" closed
	output_is '["record",null]' && [ "$status" = 0 ]
	[ "$(cat err)" = "kstream-join: 'rows' ended, complete, before a record of 'records' came, so it is closed, and what follows is joined without it: end it with --end paused, or read both with one kstream-cat" ] || fail 'not that line' || return
	# the stream first: it has gone on alone, and its table comes for nobody
	{ section complete records.jsonl; section complete rows.jsonl; } >closed
	try "${words[@]}" closed
	[[ "$(cat err)" == "kstream-join: 'records' ended, complete, before a record of 'rows' came, "* ]] || fail 'turned' || return
	# Paused, the table stays; and sections that have both sides are joined each by itself.
	{ section paused rows.jsonl; section complete records.jsonl; } >closed
	try "${words[@]}" closed
	expect 0 '["record","row"]'
	{ section complete rows.jsonl records.jsonl; section complete records.jsonl rows.jsonl; } >closed
	try "${words[@]}" closed
	expect 0 $'["record","row"]\n["record",null]'
}
