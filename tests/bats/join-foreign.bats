#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# kstream-join --foreign-key.  Exactness against Kafka Streams: conformance.bats; restarts of small ones: join-restart.bats.

# shellcheck disable=SC2016
load lib
load joins
load windows

# rows TOPIC:KEY:TIME:VALUE[:PARTITION] ...: as sides, with % for : in a value
rows() { sides "$@" | tr % :; }

@test "join foreign: a left row meets the right row that it names, and each change of that" {
	rows L:1:1:'{"r"%"x","n"%1}' R:x:5:'"X"' L:2:3:'{"r"%"x","n"%2}' L:1:9:'{"r"%"y","n"%3}' R:y:7:'"Y"' R:x:8:'"XX"' R:y:20:null \
		L:1:10:'{"n"%4}' L:2:11:null L:2:12:null R:x:13:'"XXX"' >in
	joined --table L --table R --foreign-key .r <in >out
	output_is '1 5 {"r":"x","n":1} "X"
2 5 {"r":"x","n":2} "X"
1 9 null
1 7 {"r":"y","n":3} "Y"
2 8 {"r":"x","n":2} "XX"
1 20 null
1 10 null
2 11 null'
	joined --table L --table R --foreign-key .r --left <in >out
	output_is '1 1 {"r":"x","n":1} null
1 5 {"r":"x","n":1} "X"
2 5 {"r":"x","n":2} "X"
1 9 {"r":"y","n":3} null
1 7 {"r":"y","n":3} "Y"
2 8 {"r":"x","n":2} "XX"
1 20 {"r":"y","n":3} null
1 10 {"n":4} null
2 11 null'
}

@test "join foreign: each record is counted once, whatever comes of it" {
	rows L:-:1:1 R:-:1:1 L:a:2:'{"r"%"x"}' R:x:3:1 L:a:4:'{"r"%null}' L:b:5:'{}' L:a:6:null R:z:7:1 L:c:8:'{"r"%"x"}' R:x:9:2 >in
	try kstream-join -v --from envelope --to envelope --table L --table R --foreign-key .r in
	[ "$(jq -c '[.key, .ts, .payload.right]' out | tr '\n' ' ')" = '["a",3,1] ["a",4,null] ["c",8,1] ["c",9,2] ' ]
	grep -qF ' 10 in, 4 out, 4 dropped (null key 2, no foreign key 2), 0 late, 0 rejected, 6 folded into 4, ' err || fail ''
	try kstream-join -v --from envelope --to envelope --table L --versioned 50ms --table R --versioned 5ms --foreign-key .r --left in
	grep -qF '2 dropped (null key 2)' err || fail ''
}

@test "join foreign: an expression that fails on a record leaves the tables as they were" {
	rows R:x:1:1 L:a:2:'{"r"%{"k"%"x"}}' L:a:3:'{"r"%[1]}' L:a:4:'{"r"%{"k"%"x"}}' R:x:5:2 L:b:6:'"text"' >in
	try kstream-join --from envelope --to envelope --table L --table R --foreign-key .r.k in
	refused 65 kstream-join 'L/0@2: --foreign-key: .r.k: Cannot index array with "k"'
	try_sh 'kstream-join -v --on-error skip --from envelope --to envelope --table L --table R --foreign-key .r.k in'
	[ "$(jq -c '[.ts, .payload]' out | tr '\n' ' ')" = '[2,{"left":{"r":{"k":"x"}},"right":1}] [4,{"left":{"r":{"k":"x"}},"right":1}] [5,{"left":{"r":{"k":"x"}},"right":2}] ' ]
	grep -qF ' 2 rejected, ' err || fail ''
	# Nothing is no foreign key; two are too many.
	joined --table L --table R --foreign-key '(.r.k)?' --left <in >out
	output_is $'a 2 {"r":{"k":"x"}} 1\na 3 {"r":[1]} null\na 4 {"r":{"k":"x"}} 1\na 5 {"r":{"k":"x"}} 2\nb 6 "text" null'
	try kstream-join --from envelope --table L --table R --foreign-key '.r, .r' in
	refused 65 kstream-join 'L/0@1: --foreign-key: '
	try kstream-join --from envelope --table L --table R --foreign-key '.r[' in
	refused 64 kstream-join '--foreign-key: '
}

@test "join foreign: the left row's key may be asked, and other metadata is that of no record" {
	rows R:a:1:1 L:a:2:2 R:a:3:3 L:b:4:4 L:a:5:null >in
	joined --table L --table R --foreign-key '$key' <in >out
	output_is $'a 2 2 1\na 3 2 3\na 5 null'
	# Else a row that was kept could not be told from what it names now.
	rows R:L:1:1 R:none:1:2 L:a:2:2 L:a:3:3 >in
	joined --table L --table R --foreign-key '$topic // $offset // $ts // "none"' <in >out
	output_is $'a 2 2 2\na 3 3 2'
}

@test "join foreign: keys of any kind" {
	rows L:a:1:'{"r"%5}' L:b:1:'{"r"%[1,"x"]}' L:c:1:'{"r"%{"k"%[true]}}' L:d:1:'{"r"%1.5}' L:e:1:'{"r"%false}' L:f:1:'{"r"%"5"}' >in
	for key in 5 '[1,"x"]' '{"k":[true]}' 1.5 false '"5"'; do
		printf '{"topic":"R","tstype":"create","ts":2,"key":%s,"payload":%s}\n' "$key" "$key"
	done >>in
	joined --table L --table R --foreign-key .r <in 2>err >out
	output_is 'a 2 {"r":5} 5
b 2 {"r":[1,"x"]} [1,"x"]
c 2 {"r":{"k":[true]}} {"k":[true]}
d 2 {"r":1.5} 1.5
e 2 {"r":false} false
f 2 {"r":"5"} "5"'
	rows L:a:1:'{"r"%"5"}' R:5:1:1 >in
	try kstream-join --from envelope --to envelope --table L --table R --foreign-key .r in
	refused 0 kstream-join "they never meet"
}

@test "join foreign: partitions are those of the left rows, wherever the right one is" {
	rows L:a:1:'"x"':2 L:b:1:'"x"':0 L:a:1:'"x"':1 R:x:2:1:7 R:x:3:null:3 L:a:4:null:1 R:x:5:2:0 >in
	jq -c 'if .topic == "R" then .flags = ["key-changed"] | .headers = [["of","r"]] | .tstype = "append" else . end' in >any
	try kstream-join --from envelope --to envelope --table L --table R --foreign-key . any
	expect 0
	[ "$(jq -c '[.topic, .partition, .offset, .tstype, .ts, .key, .flags, .headers, .payload.right]' out)" = '["L",1,-1,"append",2,"a",[],[["of","r"]],1]
["L",2,-1,"append",2,"a",[],[["of","r"]],1]
["L",0,-1,"append",2,"b",[],[["of","r"]],1]
["L",1,-1,"append",3,"a",[],[["of","r"]],null]
["L",2,-1,"append",3,"a",[],[["of","r"]],null]
["L",0,-1,"append",3,"b",[],[["of","r"]],null]
["L",1,5,"create",4,"a",[],[],null]
["L",2,-1,"append",5,"a",[],[["of","r"]],2]
["L",0,-1,"append",5,"b",[],[["of","r"]],2]' ] || fail ''
	jq -c '.flags = ["key-changed"]' in >any
	try kstream-join --from envelope --to envelope --table L --table R --foreign-key . any
	refused 78 kstream-join "the key of 'L' was changed: pass the records through kstream-repartition first"
}

@test "join foreign: a mark promises for each partition what all have come to" {
	rows L:a:100:'"x"':0 R:x:50:1:1 R:x:60:2:2 >in
	marked in 200 | kstream-join --table L --table R --foreign-key . --to frames | frames print MARK | tr '\n' ' ' >out
	output_is 'MARK [0,50,false] MARK [1,50,false] MARK [2,50,false] '
	# A partition that is the only one is not held back.
	rows L:a:100:'"x"' R:x:50:1 >in
	[ "$(marked in 200 | kstream-join --table L --table R --foreign-key . --to frames | frames print MARK)" = 'MARK [0,200,false]' ]
}

@test "join foreign: one instance of several is refused" {
	printf 'HELLO {"app":null,"instance":1,"instances":2}\nBARRIER [1,"complete"]\nEND [1,"complete"]\n' | frames build >in
	try kstream-join --table L --table R --foreign-key . in
	refused 78 kstream-join 'instance 1/2'
}

@test "join foreign: versioned sides take what is out of order, and join only the newest" {
	rows R:x:50:1 L:a:60:'"x"' L:a:55:'"y"' R:y:50:2 R:x:40:3 R:x:51:4 L:a:200:'"y"' L:b:99:'"x"' L:b:100:'"x"' R:x:300:5:1 R:x:150:6:0 >in
	try kstream-join -v --from envelope --to envelope --table L --versioned 100ms --table R --versioned 100ms --foreign-key . in
	[ "$(jq -c '[.key, .ts, .payload]' out | tr '\n' ' ')" = '["a",60,{"left":"x","right":1}] ["a",51,{"left":"x","right":4}] ["a",200,{"left":"y","right":2}] ["b",100,{"left":"x","right":4}] ["b",300,{"left":"x","right":5}] ' ] || fail ''
	# The time of a partition, of which the last record is behind, is its own: it is old, but not too old.
	grep -qF '4 dropped (not the latest 3, out of history 1)' err || fail ''
}

@test "join foreign: rows or their changes, it is the same" {
	rows L:a:1:'"x"' R:x:2:10 L:a:3:'"y"' R:y:4:20 L:b:5:'"y"' R:y:6:null L:a:7:null R:x:8:4 >in
	for type in --inner --left; do
		joined --table L --table R --foreign-key . $type <in >out
		kstream-table --from envelope --changes in | kstream-join --table L --table R --foreign-key . $type --to envelope |
			jq -r '[.key, .ts, (.payload | if type == "object" then .left, .right else . end | tojson)] | map(tostring) | join(" ")' | diff out - || fail $type
	done
}

# many SEED COUNT LEFT RIGHT: changes of LEFT rows, which name one of RIGHT, and of those now and then; half name the first
many() {
	/usr/bin/python3 - "$@" <<-'END'
		import random, sys
		seed, count, left, right = map(int, sys.argv[1:])
		r = random.Random(seed)
		for i in range(count):
		    if r.random() < .001:
		        k, topic, value = r.choice([0, r.randrange(right)]), "R", '{"n":%d}' % i
		    else:
		        k, topic, value = r.randrange(left), "L", '{"n":%d,"r":"k%d"}' % (i, r.choice([0, r.randrange(right)]))
		    print('{"topic":"%s","partition":%d,"offset":%d,"tstype":"create","ts":%d,"key":"k%d","payload":%s}' %
		        (topic, k % 3, i, i, k, "null" if r.random() < .1 else value))
	END
}

# told: what right rows bring about in a file of envelopes, by a table of left rows in Python
told() {
	/usr/bin/python3 - "$1" <<-'END'
		import json, sys
		left, right = {}, {}
		for line in open(sys.argv[1], encoding="utf-8"):
		    x = json.loads(line)
		    key, value, ts = x["key"], x["payload"], x["ts"]
		    if x["topic"] == "L":
		        left[key] = value
		    else:
		        right[key] = value
		        # As msgpack has them: a longer string has a greater first byte.
		        for k in sorted((k for k in left if left[k] and left[k]["r"] == key), key=lambda k: (len(k), k)):
		            print(k, ts, left[k]["n"], value and value["n"])
	END
}

@test "join foreign: many rows that name one are told of it in the order of their keys, in little memory" {
	many 1 15000 5000 40 >in
	told in >want
	[ "$(wc -l <want)" -gt 8000 ] || fail 'too few to tell'
	for memory in 1M 256M; do
		try kstream-join --memory $memory --from envelope --to envelope --table L --table R --foreign-key .r --left in
		expect 0
		jq -r 'select(.offset == -1) | [.key, .ts, .payload.left.n, .payload.right.n] | map(tostring) | join(" ")' out | sed 's/null$/None/' | cmp - want || fail "$memory"
	done
}

@test "join foreign: killed at any time, the result is that of a run that was let live" {
	many 2 8000 2000 40 >in
	words=(kstream-join --from envelope --to envelope --in in --app a --table L --table R --foreign-key .r --memory 1M)
	"${words[@]}" --state-dir whole --out whole-out
	killed_often 3 "${words[@]}" --state-dir state --out result --commit-interval 20ms
}

@test "join foreign: a row that is told when it names nothing any more is not there" {
	# All that named one go, and come back.
	{
		many 3 4000 1000 1
		for i in $(seq 0 999); do echo '{"topic":"L","partition":'$((i % 3))',"tstype":"create","ts":9,"key":"k'"$i"'","payload":null}'; done
		echo '{"topic":"R","tstype":"create","ts":9,"key":"k0","payload":"nobody"}'
		for i in $(seq 0 99); do echo '{"topic":"L","partition":'$((i % 3))',"tstype":"create","ts":9,"key":"k'"$i"'","payload":{"r":"k0"}}'; done
		echo '{"topic":"R","tstype":"create","ts":9,"key":"k0","payload":"some"}'
	} >in
	try kstream-join --from envelope --to envelope --table L --table R --foreign-key .r in
	expect 0
	[ "$(jq -c 'select(.offset == -1) | .payload.right' out | grep -c nobody)" = 0 ]
	[ "$(jq -c 'select(.offset == -1) | .payload.right' out | grep -c some)" = 100 ]
}

@test "join foreign: a state of another foreign key is refused" {
	rows L:a:1:'"x"' R:x:1:1 >in
	words=(--from envelope --app a --to envelope in --table L --table R)
	try kstream-join "${words[@]}" --foreign-key .
	expect 0
	try kstream-join "${words[@]}" --foreign-key .x
	refused 78 kstream-join "foreign-key '.'"
	try kstream-join "${words[@]}"
	refused 78 kstream-join "foreign-key '.'"
}
