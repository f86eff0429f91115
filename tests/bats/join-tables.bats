#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# kstream-join: two tables by their key.  Exactness against Kafka Streams: conformance.bats; restarts: join-restart.bats.

load lib
load joins

@test "join tables: a change of either side meets the row of the other" {
	sides B:a:1:null A:a:2:null A:a:3:1 A:a:4:2 B:a:9:10 A:a:5:3 B:a:6:11 A:a:7:null A:a:8:null B:a:9:12 A:a:2:4 B:a:3:null B:a:4:null A:a:1:null >in
	joined --table A --table B <in >out
	output_is $'a 9 2 10\na 9 3 10\na 6 3 11\na 7 null\na 8 null\na 9 4 12\na 3 null\na 4 null'
	joined --table A --table B --left <in >out
	output_is $'a 3 1 null\na 4 2 null\na 9 2 10\na 9 3 10\na 6 3 11\na 7 null\na 8 null\na 9 4 12\na 3 4 null\na 4 4 null\na 1 null'
	joined --table A --table B --outer <in >out
	output_is $'a 3 1 null\na 4 2 null\na 9 2 10\na 9 3 10\na 6 3 11\na 7 null 11\na 8 null 11\na 9 null 12\na 9 4 12\na 3 4 null\na 4 4 null\na 1 null'
	# The table that is named first is left.
	joined --table B --table A --left <in >out
	output_is $'a 9 10 2\na 9 10 3\na 6 11 3\na 7 11 null\na 8 11 null\na 9 12 null\na 9 12 4\na 3 null\na 4 null'
}

@test "join tables: a result is a record of the left one, with what has brought it about" {
	printf '%s\n' '{"topic":"B","offset":7,"tstype":"append","ts":5,"key":"a","headers":[["of","b"]],"payload":1}' \
		'{"topic":"A","offset":3,"tstype":"create","ts":2,"key":"a","headers":[["of","a"]],"payload":2}' \
		'{"topic":"C","offset":1,"tstype":"create","ts":3,"key":"a","headers":[["of","c"]],"payload":3}' \
		'{"topic":"B","offset":8,"tstype":"append","ts":6,"key":"a","headers":[["of","b"]],"payload":null}' >in
	kstream-join --from envelope --to envelope --table A --table B --as sums --value '.left + .right' in >out
	[ "$(jq -c '[.topic, .route, .offset, .tstype, .ts, .headers, .payload]' out | tr '\n' ' ')" = \
		'["A","sums",3,"create",5,[["of","a"]],3] ["C",null,1,"create",3,[["of","c"]],3] ["A","sums",-1,"append",6,[["of","b"]],null] ' ]
}

@test "join tables: without a key, without a time, by partitions" {
	sides A:-:1:1 B:-:2:2 A:a:3:3 B:a:-:4 A:a:-:5 B:a:9:6 A:b:1:1:0 B:b:1:1:1 >in
	try kstream-join -v --from envelope --to envelope --table A --table B in
	[ "$(jq -c '[.tstype, .ts, .payload.left, .payload.right]' out | tr '\n' ' ')" = '["none",null,3,4] ["none",null,5,4] ["create",9,5,6] ' ]
	grep -qF ' 8 in, 3 out, 2 dropped (null key 2), 0 late, 0 rejected, 6 folded into 3, ' err || fail ''
	try kstream-join --from envelope --table A --table B --versioned 1s in --on-error skip --to envelope
	expect 0
	try kstream-join --from envelope --table A --table B --versioned 1s in
	refused 65 kstream-join 'B/0@3: the record has no time: give --time'
}

@test "join tables: of a versioned one what is no newest version is not joined" {
	sides A:a:50:1 B:a:60:10 A:a:40:2 A:a:50:3 B:a:10:11 B:a:59:12 A:a:200:4 A:a:99:5 A:a:100:6 >in
	try kstream-join -v --from envelope --to envelope --table A --versioned 100ms --table B --versioned 49ms in
	[ "$(jq -c '[.ts, .payload.left, .payload.right]' out | tr '\n' ' ')" = '[60,1,10] [60,3,10] [200,4,10] ' ]
	grep -qF '5 dropped (not the latest 3, out of history 2)' err || fail ''
	# One side of two.
	joined --table A --table B --versioned 49ms <in >out
	output_is $'a 60 1 10\na 60 2 10\na 60 3 10\na 200 4 10\na 99 5 10\na 100 6 10'
}

@test "join tables: rows or their changes, it is the same" {
	sides A:a:1:1 B:a:2:10 A:a:3:2 B:b:4:20 A:b:5:3 B:a:6:null A:a:7:null A:b:8:4 >in
	for type in --inner --left --outer; do
		joined --table A --table B $type <in >out
		kstream-table --from envelope --changes in | kstream-join --table A --table B $type --to envelope |
			jq -r '[.key, .ts, (.payload | if type == "object" then .left, .right else . end | tojson)] | map(tostring) | join(" ")' | diff out - || fail $type
	done
	# What is not the newest of a table with versions is none of its rows.
	sides B:a:1:10 A:a:50:1 A:a:40:2 >in
	try_sh 'kstream-cat --from envelope in | kstream-table --versioned 1h --changes | kstream-join -v --table A --table B --to envelope'
	[ "$(jq -c '[.ts, .payload.left]' out)" = '[50,1]' ]
	grep -qF '1 dropped (not the latest 1)' err || fail ''
}

# Reservations with guests, and those with rooms: the result of the first join is the left table of the second.
@test "join tables: three are two joins, one behind the other" {
	sides guests:7:1:'"Ann"' stays:7:2:'"May"' rooms:7:3:12 guests:7:4:'"Bob"' rooms:7:5:13 stays:7:6:null stays:8:7:'"June"' rooms:8:8:1 guests:8:9:'"Eve"' >in
	try_sh 'kstream-join --from envelope --table stays --table guests --value "{stay: .left, guest: .right}" --as named in |
		kstream-join --table named --table rooms --left --value ".left + {room: .right}" --to envelope'
	[ "$(jq -c '[.key, .ts, .payload]' out)" = '[7,2,{"stay":"May","guest":"Ann","room":null}]
[7,3,{"stay":"May","guest":"Ann","room":12}]
[7,4,{"stay":"May","guest":"Bob","room":12}]
[7,5,{"stay":"May","guest":"Bob","room":13}]
[7,6,null]
[8,9,{"stay":"June","guest":"Eve","room":1}]' ] || fail ''
}

# many COUNT: rows of two tables and of three partitions, deletes among them, in the order of their numbers modulo a prime
many() {
	/usr/bin/python3 - "$1" <<-'END'
		import sys
		n = int(sys.argv[1])
		for i in range(n):
		    k = i * 7919 % 10007
		    print('{"topic":"%s","partition":%d,"offset":%d,"tstype":"create","ts":%d,"key":"key%d","payload":%s}' %
		        ("AB"[i // 10007 % 2], k % 3, i, i - i % 13, k, "null" if i % 17 == 0 else '{"n":%d,"text":"%s"}' % (i, "x" * 100)))
	END
}

@test "join tables: what is larger than memory is as what is not" {
	many 30000 >in
	for options in --outer '--inner --versioned 20s'; do
		read -ra words <<<"--table A --table B $options"
		try kstream-join --from envelope --to envelope "${words[@]}" in
		expect 0
		mv out whole
		[ "$(wc -l <whole)" -gt 15000 ] || fail 'too few'
		try kstream-join --memory 1M --from envelope --to envelope "${words[@]}" in
		expect 0
		cmp whole out || fail "$options"
	done
}

@test "join tables: killed at any time, the result is that of a run that was let live" {
	many 12000 >in
	words=(kstream-join --from envelope --to envelope --in in --app a --table A --versioned 9s --table B --left --memory 1M)
	"${words[@]}" --state-dir whole --out whole-out
	killed_often 3 "${words[@]}" --state-dir state --out result --commit-interval 20ms
}

@test "join tables: a state of other tables is refused, and keys that cannot meet are told of" {
	sides A:a:1:1 B:5:1:1 >in
	words=(--from envelope --app a --to envelope in)
	try kstream-join "${words[@]}" --table A --table B --left
	refused 0 kstream-join "its key is a number, and the key of a record of 'A' a string: they never meet"
	try kstream-join "${words[@]}" --table A --table B --outer
	refused 78 kstream-join 'join --left'
	try kstream-join "${words[@]}" --table B --table A --left
	refused 78 kstream-join "left --table 'A'"
	try kstream-join "${words[@]}" --table A --versioned 1s --table B --left
	refused 78 kstream-join 'left-versioned'
}
