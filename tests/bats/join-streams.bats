#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# kstream-join: two streams within a span of time.

bats_require_minimum_version 1.5.0
# shellcheck disable=SC2030,SC2031,SC2034 # each test's own
load lib
load joins
load windows

# gives TEXT OPTION ...: what `joined` makes of in, with L and R
gives() {
	local want=$1
	shift
	status=0
	joined --stream L --stream R "$@" <in >out 2>err || status=$?
	[ "$status" = 0 ] || fail "$*" || return
	output_is "$want" || fail "$*"
}

@test "streams: how far apart two records may be, to the millisecond" {
	sides L:a:100:1 R:a:89:2 R:a:90:3 R:a:110:4 R:a:111:5 R:b:100:6 L:b:90:7 >in
	gives $'a 100 1 3\na 110 1 4\nb 100 7 6' --within 10ms
	gives $'a 100 1 3' --before 10ms --after 0s
	gives $'a 100 1 3' --before 10ms
	gives $'a 110 1 4' --after 10ms
	# from 5 to 11 ms behind the left one, or before it
	gives $'a 110 1 4\na 111 1 5' --before -5ms --after 11ms
	gives $'a 100 1 2\na 100 1 3' --before 11ms --after -5ms
	gives '' --within 0s
	# what Kafka Streams keeps is gone at once, then
	[[ $(cat err) == *'--within 0s without --grace keeps no record for another one'* ]] || fail 'no warning'
	sides L:a:5:1 R:a:5:2 R:a:5:3 L:a:5:4 >in
	gives $'a 5 1 2\na 5 1 3\na 5 4 2\na 5 4 3' --within 0s --grace 1ms
	[ ! -s err ]
	# the ends of time, as jq shows them
	sides L:a:9223372036854775807:1 R:a:9223372036854775807:2 L:a:9223372036854775806:3 L:a:0:4 >in
	gives $'a 9223372036854776000 1 2\na 9223372036854776000 3 2' --within 3650d --grace 3650d
	gives $'a 9223372036854776000 1 2\na 9223372036854776000 3 2\na 0 4 null' --within 3650d --left
	gives $'a 0 4 null' --before -3650d --after 3650d --left
	# nothing is kept, up to the end of time
	sides L:a:9223372036854775807:1 R:a:9223372036854775806:2 R:b:9223372036854775807:3 L:b:9223372036854775806:4 >in
	gives '' --within 0s
	try kstream-join --stream L --stream R --left
	refused 64 kstream-join 'how far apart may two records be?'
	try kstream-join --stream L --stream R --before -6ms --after 5ms
	refused 64 kstream-join 'their sum is negative'
	try kstream-join --stream L --stream R --within 5ms --after 5ms
	refused 64 kstream-join 'give it, or those'
}

@test "streams: what has no match leaves when time has passed, right before left, in the order of time and key" {
	# 4.1 of Kafka Streams' semantics: only a record at the newest time looks, and what comes at once comes by time and key
	sides L:b:0:1 R:c:0:2 L:a:0:3 L:d:1:4 R:d:11:5 R:e:12:6 L:e:23:7 >in
	gives $'c 0 null 2\na 0 3 null\nb 0 1 null\nd 11 4 5\ne 12 null 6' --within 10ms --outer
	gives $'a 0 3 null\nb 0 1 null\nd 11 4 5' --within 10ms --left
	gives $'d 11 4 5' --within 10ms
	# all of it where the input is complete
	end=complete gives $'c 0 null 2\na 0 3 null\nb 0 1 null\nd 11 4 5\ne 12 null 6\ne 23 7 null' --within 10ms --outer
	# two of a time, a key and a side are one entry: what has found a match for one of them has for the other
	sides L:a:5:1 L:a:5:2 R:a:6:3 L:b:50:4 L:b:90:5 >in
	gives $'a 6 1 3\na 6 2 3\nb 50 4 null' --within 10ms --left
	# what comes too late to wait leaves at once, and so does what has no key
	sides L:a:100:1 L:b:89:2 R:-:99:3 L:-:99:4 L:a:100:null R:a:100:null >in
	gives $'b 89 2 null\nnull 99 4 null' --within 10ms --left
	gives $'b 89 2 null\nnull 99 null 3\nnull 99 4 null' --within 10ms --outer
	try kstream-join -v --from envelope --to envelope --end paused --stream L --stream R --within 10ms --left --in in
	grep -q '6 in, 2 out, 3 dropped (null key 1, null value 2), 0 late, 0 rejected, 3 folded into 2' err || fail 'counts'
}

@test "streams: a stream with itself" {
	# KStreamKStreamSelfJoinTest, window of 10 s
	sides L:A:0:1 L:A:9999:2 L:B:11000:1 L:A:13000:3 L:A:15000:4 L:C:16000:1 L:D:17000:1 L:A:30000:5 L:A:6000:6 >in
	joined --stream L --stream L --within 10s <in >out 2>err
	[ ! -s err ] || fail "$(cat err)"
	[ "$(cut -d ' ' -f 1,3,4 out | paste -sd ,)" = 'A 1 1,A 2 1,A 1 2,A 2 2,B 1 1,A 3 2,A 2 3,A 3 3,A 4 2,A 4 3,A 2 4,A 3 4,A 4 4,C 1 1,D 1 1,A 5 5,A 6 3,A 6 4,A 3 6,A 4 6' ] || fail 'self join'
}

@test "streams: a time too far ahead is not believed" {
	sides L:a:5:1 R:a:7258118400000:2 R:a:6:3 >in
	try kstream-join -v --from envelope --to envelope --end paused --stream L --stream R --within 10ms --max-future 1h --on-error skip --in in
	[ "$(jq -c '[.ts, .payload]' out)" = '[6,{"left":1,"right":3}]' ] || fail 'time has moved'
	grep -q ' 0 late, 1 rejected' err || fail 'counts'
	try kstream-join --from envelope --to envelope --stream L --stream R --within 10ms --max-future 1h --in in
	refused 65 kstream-join 'R/0@'
	try kstream-join --from envelope --stream L --table R --max-future 1h --in in
	refused 64 kstream-join '--max-future is about times'
}

@test "streams: any order, kind and reach, as Kafka Streams has it, in one run and in parts" {
	# shellcheck disable=SC2154 # root is of lib
	/usr/bin/python3 "$root/tests/oracle/streams.py" 0 12
	/usr/bin/python3 "$root/tests/oracle/streams.py" -r 100 106
}

@test "streams: partitions have each their time, and other streams pass" {
	sides L:a:10:1:0 L:a:10:1:1 R:a:100:2:0 R:a:12:3:1 X:a:5:4:1 >in
	try kstream-join --from envelope --to envelope --end paused --stream L --stream R --within 5ms --left --in in
	[ "$(jq -c '[.topic, .partition, .ts, .payload]' out | paste -sd ' ')" = '["L",0,10,{"left":1,"right":null}] ["L",1,12,{"left":1,"right":3}] ["X",1,5,4]' ] || fail 'partitions'
}

@test "streams: what is refused, and what is dropped" {
	sides L:a:-:1 >in
	try kstream-join --from envelope --to envelope --stream L --stream R --within 5ms --in in
	refused 65 kstream-join 'the record has no time'
	sides L:a:-5:1 R:a:0:2 >in
	try kstream-join -v --from envelope --to envelope --stream L --stream R --within 5ms --in in
	grep -q '1 dropped (before 1970 1)' err || fail 'before 1970'
	printf '%s\n' '{"topic":"L","partition":0,"offset":0,"tstype":"create","ts":5,"key":"a","flags":["key-changed"],"payload":1}' >in
	try kstream-join --from envelope --to envelope --stream L --stream R --within 5ms --in in
	refused 78 kstream-join 'kstream-repartition'
	sides L:a:5:1 >in
	kstream-join -q --from envelope --to json --app a --stream L --stream R --within 5ms --in in --out result
	try kstream-join -q --from envelope --to json --app a --stream L --stream R --within 6ms --in in --out result
	refused 78 kstream-join 'before 5ms'
}

@test "streams: too late for all that is kept" {
	# kept are 5 + 5 + 20 ms of each side; the last one has a match all the same
	sides R:a:70:1 R:a:100:2 L:a:67:3 L:a:66:4 L:b:100:5 L:b:70:6 L:b:71:7 R:b:71:8 R:b:70:9 >in
	try kstream-join -v --from envelope --to envelope --end paused --stream L --stream R --within 5ms --grace 20ms --in in
	[ "$(jq -c '[.ts, .payload.left, .payload.right]' out | paste -sd ' ')" = '[71,7,8] [71,7,9]' ] || fail 'late'
	grep -q '9 in, 2 out, 0 dropped, 1 late, 0 rejected, 8 folded into 2' err || fail 'late'
}

# unmatched OPTION ...: letters of what had no match, as "TOPIC KEY TIME VALUE OFFSET WITH", and of pairs "LEFT RIGHT"
unmatched() {
	try kstream-join --from envelope --to envelope --end paused --stream L --stream R --within 10ms --unmatched route:gone "$@" --in in
	jq -r 'if .route == "gone" then (.headers | map({(.[0]): .[1]}) | add) as $h |
		"\(.topic) \(.key) \(.ts) \(.payload) \(.offset) \($h["__kstream.unmatched.with"]) \(.flags[0]) \($h["__kstream.unmatched.reason"]) \($h.own // "-")"
	    else "\(.payload.left) \(.payload.right)" end' out >rows && mv rows out
}

@test "streams: --unmatched" {
	sides L:a:0:1 R:b:3:2 L:b:5:3 R:c:9:4 L:d:10:5 R:d:11:6 L:e:21:7 >in
	sed -i '1s/"payload"/"headers":[["own","x"]],"payload"/' in
	unmatched
	output_is $'3 2\nL a 0 1 0 R late the window has closed x\n5 6\nR c 9 4 3 L late the window has closed -'
	# each as soon as its window has closed, even that of one that is older than the newest; what comes behind that at once
	sides L:a:0:1 L:b:8:2 R:c:11:3 L:a:0:4 R:a:12:5 L:x:19:6 >in
	unmatched
	output_is $'L a 0 1 0 R late the window has closed -\nL a 0 4 3 R late the window has closed -\nL b 8 2 1 R late the window has closed -' || return
	unmatched --end complete
	output_is $'L a 0 1 0 R late the window has closed -\nL a 0 4 3 R late the window has closed -\nL b 8 2 1 R late the window has closed -
R c 11 3 2 L late the window has closed -\nR a 12 5 4 L late the window has closed -\nL x 19 6 5 R late the window has closed -'
	# over a restart
	head -n 2 in >some
	mv in all
	for f in some all; do
		cp "$f" in
		unmatched --app a --state-dir state
		[ "$status" = 0 ] || fail "$f" || return
		cat out >>parts
	done
	[ "$(cat parts)" = $'L a 0 1 0 R late the window has closed -\nL a 0 4 3 R late the window has closed -\nL b 8 2 1 R late the window has closed -' ] || fail 'restart'
	try kstream-join --from envelope --to json --stream L --stream R --within 10ms --unmatched route:gone --in in
	refused 78 kstream-join 'gone'
}

@test "streams: --unmatched after a restart with a smaller --max-depth" {
	local words=(kstream-join --app a --from envelope --stream L --stream R --within 5ms --unmatched route:gone)
	sides L:a:1:'[[[[1]]]]' L:b:1:'[[[[2]]]]' >in
	"${words[@]}" --to envelope --end paused in >out
	sides R:a:2:1 R:z:20:1 >>in
	"${words[@]}" --max-depth 3 --to frames in >out
	# What is deeper is no value of such a run, and so leaves as bytes.
	kstream-cat --to envelope out | jq -c 'if .route == "gone" then .key else .payload end' >got
	[ "$(cat got)" = $'{"left":[[[[1]]]],"right":1}\n"b"' ] || fail "$(cat got)"
}

@test "streams: a mark lets go what has closed, and goes on with what has not" {
	sides L:a:0:1 L:b:8:2 >in
	marked in 15 | kstream-join --stream L --stream R --within 10ms --left --to frames | frames print >out
	# two barriers, each with a mark before it
	[ "$(grep -c '^MARK' out)" = 1 ] || fail 'marks' || return
	grep -q '^MARK \[0,8,false\]' out || fail 'the mark' || return
	grep -q '^RECORD' out || fail 'a'
	mkfifo pipe
	kstream-join --from envelope --to envelope --idle 200ms --stream L --stream R --within 1s --left --in pipe >live 2>err &
	pids=$!
	exec 8>pipe
	sides L:a:10:1 L:b:900:2 >&8
	await 20 grep -q '"ts":900' live
	exec 8>&-
	status_of "$pids"
	pids=
	[ "$status" = 0 ] && [ "$(jq -c '[.ts, .payload.left]' live)" = $'[10,1]\n[900,2]' ] || fail "$(cat live)"
}

# chatter COUNT KEYS: records of two streams as JSON lines, a millisecond apart but for some that are late
chatter() {
	/usr/bin/python3 - "$@" <<-'END'
		import random, sys
		r = random.Random(5)
		for i in range(int(sys.argv[1])):
		    print('{"topic":"%s","partition":0,"offset":%d,"tstype":"create","ts":%d,"key":"k%d","payload":{"n":%d,"text":"%s"}}' % (
		        r.choice("LLR"), i, max(0, i - r.choice([0, 0, 0, 10, 300])), r.randrange(int(sys.argv[2])), i, "x" * r.choice([5, 50, 400])))
	END
}

@test "streams: killed at any time, the result is that of a run that was let live" {
	chatter 6000 40 >in
	local words=(kstream-join --from envelope --to envelope --in in --app a --stream L --stream R --within 60ms --grace 200ms --outer)
	"${words[@]}" --state-dir whole --out whole-out
	[ "$(grep -c '"right":null' whole-out)" -gt 100 ]
	killed_often 12 "${words[@]}" --memory 1M --state-dir state --out result --commit-interval 20ms
}

@test "streams: more than memory can hold is the same result" {
	chatter 15000 2000 >in
	for kind in --inner --outer; do
		local words=(kstream-join --from envelope --to envelope --end paused --stream L --stream R --before 2s --after 1s --grace 10s "$kind" --in in)
		"${words[@]}" --memory 1G | sha256sum >whole
		"${words[@]}" --memory 1M | sha256sum >spilled
		cmp whole spilled
		"${words[@]}" --memory 1M --app a --state-dir state --commit-interval 100ms --out result
		sha256sum <result >durable
		cmp whole durable
		rm -r result state
	done
}

@test "streams: a key with 50,000 rows, in any order" {
	# behind them three that meet them all, and one that meets a few: what is not met costs little
	/usr/bin/python3 - >in <<-'END'
		import random
		times = list(range(50000))
		random.Random(3).shuffle(times)
		for i, t in enumerate(times):
		    print('{"topic":"R","partition":0,"offset":%d,"tstype":"create","ts":%d,"key":"hot","payload":%d}' % (i, t, t))
		for i, t in enumerate([25000, 25000, 24999, 65000]):
		    print('{"topic":"L","partition":0,"offset":%d,"tstype":"create","ts":%d,"key":"hot","payload":%d}' % (i, t, -1 - i))
	END
	try kstream-join --from envelope --to envelope --end paused --stream L --stream R --within 25s --grace 1h --in in
	[ "$status" = 0 ] || fail 'hot' || return
	# ascending times of each, all of them
	jq -r '[.payload.left, .payload.right] | join(" ")' out | awk '$1 != l { l = $1; p = -1 } $2 <= p { exit 1 } { p = $2; n++; s += $2 } END { printf "%d %.0f\n", n, s }' >sum || fail 'order'
	[ "$(cat sum)" = '160000 4199920000' ] || fail "$(cat sum)"
}

@test "streams: --as, and --value of both sides" {
	sides 'L:a:0:1' 'R:a:1:2' 'L:b:50:3' >in
	try kstream-join --from envelope --to envelope --end complete --stream L --stream R --within 5ms --left --as both --value '[.right, .left]' --in in
	[ "$(jq -c '[.route, .key, .ts, .payload]' out | paste -sd ' ')" = '["both","a",1,[2,1]] ["both","b",50,[null,3]]' ] || fail 'value'
	# the record at fault is the right one, of which the result has no place
	sides 'L:a:0:1' 'R:a:1:"x"' >in
	try kstream-join --from envelope --to envelope --stream L --stream R --within 5ms --value '.left + .right' --in in
	refused 65 kstream-join "$(jq -rs '" (key \"a\"); R/0@\(.[1].offset) has brought it about"' in)"
	# so it is with a pair that is too large, of two that are not
	sides "L:a:0:\"$(printf '%0600d' 0)\"" "R:a:1:\"$(printf '%0600d' 0)\"" >in
	try kstream-join --from envelope --to frames --max-record 1000 --stream L --stream R --within 5ms --in in
	refused 65 kstream-join "L/0@-1: the record is larger than --max-record allows (key \"a\"); R/0@$(jq -s '.[1].offset' in) has brought it about"
	# a left one brings it about: its place is the result's; where time does, that of what has moved it is not
	jq -c 'select(.topic == "L").ts = 2' in | tac >turned
	try kstream-join --from envelope --to frames --max-record 1000 --stream L --stream R --within 5ms --in turned
	refused 65 kstream-join 'L/0@0: the record is larger than --max-record allows'
	! grep -q 'brought' err || fail 'it is the record itself' || return
	sides "L:a:0:\"$(printf '%0900d' 0)\"" 'L:b:9:1' >in
	kstream-cat --from envelope --to frames in >frames
	# what came has room, and a result of it alone, which is 14 bytes larger, has none
	try kstream-join --from frames --to frames --max-record 930 --stream L --stream R --within 5ms --left --in frames
	refused 65 kstream-join 'L/0@-1: the record is larger than --max-record allows (key "a"); L/0@1 has brought it about'
}

@test "streams: long keys that wait are in their order, in little memory, and after a restart" {
	local words=(kstream-join --from envelope --to envelope --stream L --stream R --within 1d --outer --memory 8M)
	# 58 MB of keys, of which most differ in what memory has not of them, at two times
	/usr/bin/python3 - >in 2>want <<-'END'
		import json, random, sys
		r = random.Random(5)
		rows = [(t, "k" * n + "%04d" % i) for n in (250, 45000) for i in range(1300) for t in [r.choice((1, 1, 2))]]
		r.shuffle(rows)
		met = set(r.sample(rows, 600))
		for i, (t, k) in enumerate(rows):
		    for side in "LR" if (t, k) in met else r.choice("LR"):
		        print(json.dumps({"topic": side, "partition": 0, "key": k, "ts": t, "payload": 1}))
		for t, k in sorted(set(rows) - met, key=lambda x: (x[0], len(x[1]), x[1])):
		    print(t, len(k), k[-4:], file=sys.stderr)
	END
	alone() { jq -r 'select((.payload | .left == null or .right == null)) | "\(.ts) \(.key | length) \(.key[-4:])"' "$@"; }
	resident 40 "${words[@]}" in >out
	[ "$(wc -l <out)" = 2600 ]
	# right ones of a time are before left ones
	jq -c 'select(.payload.left == null)' out | alone >right
	jq -c 'select(.payload.right == null)' out | alone >left
	[ -s right ] && [ -s left ]
	sort -s -k1,1n -k2,2n -k3,3n right | cmp - right
	sort -s -k1,1n -k2,2n -k3,3n left | cmp - left
	sort -k1,1n -k2,2n -k3,3n left right | cmp - want
	for lines in 900 2000 4000; do
		head -n "$lines" in >grown
		"${words[@]}" --app a --state-dir state --end paused grown >>parts
	done
	cp in grown
	"${words[@]}" --app a --state-dir state --end complete grown >>parts
	jq -c '[.key, .ts, .payload]' out | sha256sum >whole
	jq -c '[.key, .ts, .payload]' parts | sha256sum | cmp - whole
}
