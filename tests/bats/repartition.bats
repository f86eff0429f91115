#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# kstream-repartition without Kafka; tests/broker/repartition.bats has the rest.

# shellcheck disable=SC2016,SC2154,SC2238 # SC2154: what lib.bash sets
bats_require_minimum_version 1.5.0
load lib

vectors=$BATS_TEST_DIRNAME/../vectors/murmur2

# records KEY:TIME[:PARTITION[:USER]] ...: envelope lines; key and user are JSON, a key of - is none
records() {
	local r key time partition user i=0
	for r in "$@"; do
		IFS=: read -r key time partition user <<<"$r"
		[ "$key" != - ] || key=null
		printf '{"topic":"in","partition":%s,"offset":%d,"tstype":"create","ts":%s,"flags":["key-changed"],"key":%s,"payload":{"user":%s}}\n' \
			"${partition:-0}" "$i" "$time" "$key" "${user:-1}"
		i=$((i + 1))
	done
}

# rep OPTION ... -- RECORD ...: what comes out, as JSON lines [key, partition, flags]
rep() {
	local options=()
	while [ "$1" != -- ]; do options+=("$1") && shift; done
	shift
	records "$@" | kstream-repartition --from envelope --to envelope "${options[@]}" | jq -c '[.key,.partition,.flags]'
}

@test "--help is one screen and begins with the usage; a wrong option is 64" {
	run -0 kstream-repartition --help
	[ "${lines[0]}" = 'usage: kstream-repartition [--by EXPR] [--partitions N | --like TOPIC]' ]
	[ "${#lines[@]}" -le 40 ]
	try kstream-repartition --bogus
	refused 64 kstream-repartition bogus
}

@test "a full device, cut input, no records" {
	records '"a":1' >in
	kstream-cat --from envelope in >in.frames
	run -74 bash -c 'kstream-repartition --partitions 2 in.frames >/dev/full'
	head -c -3 in.frames >cut
	run -75 bash -c 'kstream-repartition --partitions 2 cut >out'
	kstream-cat --from json /dev/null | kstream-repartition --partitions 2 | kstream-cat --to json >out
	[ ! -s out ]
}

@test "what is asked for must be clear" {
	try kstream-repartition in
	refused 64 kstream-repartition 'into how many partitions?'
	for n in 0 -1 x 10001 4.5; do
		try kstream-repartition --partitions "$n"
		refused 64 kstream-repartition "--partitions '$n' is not a number from 1 to 10000"
	done
	try kstream-repartition --partitions 2 --like orders
	refused 64 kstream-repartition 'one of them'
	try kstream-repartition --partitions 2 --assign 1 --to-one
	refused 64 kstream-repartition 'one of them'
	try kstream-repartition --through t --by .a --app x -b localhost:1 in
	refused 78 kstream-repartition '--through and --app: two pipelines'
	try kstream-repartition --partitions 2 --by '.a ='
	refused 64 kstream-repartition '--by: '
	try kstream-repartition --partitions 2 -b localhost:1 in
	refused 64 kstream-repartition '--bootstrap-server'
}

@test "10,000 keys of all types go where the Java client puts them" {
	"${PYTHON:-python3}" "$vectors/typed.py" >keys
	for n in 1 3 7 12 500; do
		kstream-repartition --from envelope --to envelope --partitions $n keys | sed -E 's/.*"partition":([0-9]+),.*/\1/' >got
		[ "$(wc -l <got)" -eq 10000 ]
		[ "$(sha256sum <got | cut -d ' ' -f 1)" = "$(awk -v n=$n '$1 == n { print $2 }' "$vectors/typed.tsv")" ] || fail "of $n"
	done
	# and from the value, where the key is another
	jq -c 'select(has("flags") or has("key_encoding") | not) | {payload: .key, key: "x"}' keys >values
	jq -c 'select(has("flags") or has("key_encoding") | not) | {key, payload: .key}' keys >same
	kstream-repartition --from envelope --to envelope --partitions 12 --by . values | jq .partition >by
	kstream-repartition --from envelope --to envelope --partitions 12 same | jq .partition | diff - by
	[ "$(sort -u by | wc -l)" -eq 12 ]
}

@test "--key-to says which bytes place a key" {
	local key='"ACME"' n=1000 hash
	for codec in string json raw; do
		[ $codec = json ] && hash='"ACME"' || hash=ACME
		awk -F '\t' -v hex="$(printf %s "$hash" | od -An -tx1 | tr -d ' \n')" '$1 == hex { print $8 }' "$vectors/keys.tsv" >want
		[ $codec = json ] || [ -s want ]
		rep --key-to $codec --partitions $n -- "$key:1" | jq '.[1]' >$codec.got
		[ $codec = json ] || diff want $codec.got
	done
	run ! diff json.got string.got
	# the text of Murmur2.java that has quotes
	rep --key-to json --partitions 1000 -- '"a":1' | jq '.[1]' | diff - <(awk -F '\t' '$1 == "226122" { print $8 }' "$vectors/keys.tsv")
	try_sh "echo '{\"offset\":5,\"topic\":\"t\",\"partition\":3,\"key\":[1],\"payload\":1}' | kstream-repartition --from envelope --key-to raw --partitions 2 >/dev/null"
	refused 65 kstream-repartition 't/3@5: the key: is neither text nor bytes'
}

@test "a new key is plain, has its partition, and is no longer marked as changed" {
	run -0 rep --by .user --partitions 4 -- '"x":1:3:"ACME"' '"x":1:0:"INIT"' '"longer":1:2:"ACME"'
	[ "$output" = $'["ACME",1,[]]\n["INIT",2,[]]\n["ACME",1,[]]' ]
	# in frames, where a key of the same size is changed in its place
	records '"ABCD":1:3:"ACME"' '"x":1:0:"INIT"' '"WXYZ":1:200:"INIT"' | kstream-cat --from envelope | kstream-repartition --by .user --partitions 4 |
		kstream-cat --to envelope | jq -c '[.topic,.partition,.offset,.ts,.flags,.key,.payload.user]' >out
	output_is $'["in",1,0,1,[],"ACME","ACME"]\n["in",2,1,1,[],"INIT","INIT"]\n["in",2,2,1,[],"INIT","INIT"]'
	# a windowed key that gets another one
	echo '{"topic":"t","partition":0,"key":{"key":"ACME","start":0,"end":9},"flags":["window"],"payload":7}' >w
	kstream-repartition --from envelope --to envelope --partitions 4 w | jq -c '[.partition,.flags,.key.key]' >out
	kstream-repartition --from envelope --to envelope --partitions 4 --by '$key.key' w | jq -c '[.partition,.flags,.key]' >>out
	output_is $'[1,["window"],"ACME"]\n[1,[],"ACME"]'
}

@test "times without and below 0, long topics, partitions of any size: the rest of a record stays" {
	topic=$(printf 't%0200d' 0)
	for p in -1 0 127 128 200000; do
		for ts in 0 -5 -1000 -2000000000000 300 70000 5000000000; do
			echo "{\"topic\":\"t\",\"partition\":$p,\"offset\":9,\"tstype\":\"create\",\"ts\":$ts,\"key\":\"ACME\",\"payload\":1}"
		done
		echo "{\"topic\":\"$topic\",\"partition\":$p,\"key\":\"ACME\",\"payload\":null}"
		echo "{\"partition\":$p,\"key\":\"ACME\",\"flags\":[\"key-changed\"],\"headers\":[[\"h\",\"v\"]],\"payload\":[1]}"
	done >in
	for n in 4 1000; do
		p=$(awk -F '\t' -v n=$n '$1 == "41434d45" { print n == 1000 ? $8 : "" }' "$vectors/keys.tsv")
		kstream-cat --from envelope in | kstream-repartition --partitions $n | kstream-cat --to envelope >out
		kstream-cat --from envelope --to envelope in | jq -c ".partition = ${p:-1} | .flags -= [\"key-changed\"]" | diff - out
	done
}

@test "records without a key are dropped and counted, as Kafka Streams does; tombstones pass" {
	records -:1 '"a":2' '"b":3:0:null' >in
	try kstream-repartition -v --from envelope --to json --partitions 2 in
	[ "$status" -eq 0 ]
	[ "$(wc -l <out)" -eq 2 ]
	grep -q '1 dropped (null key 1)' err
	grep -q 'were dropped: --by EXPR gives one' err
	try kstream-repartition -v --from envelope --to json --partitions 2 --by .nothing in
	[ ! -s out ]
	grep -q '3 dropped (null key 3)' err
	echo '{"topic":"in","key":"ACME","payload":null}' | kstream-repartition --from envelope --to envelope --partitions 4 | jq -c '[.partition,.payload]' >out
	output_is '[1,null]'
}

@test "--assign is checked: 65 with the record's place; --on-error has it" {
	run -0 rep --assign .user --partitions 4 -- '"a":1:0:3' '"a":1:0:0'
	[ "$output" = $'["a",3,[]]\n["a",0,[]]' ]
	local r
	for r in '4|there is no partition 4: there are 4, from 0' '-1|there is no partition -1' '1.5|no integer, but number' \
		'"1"|no integer, but string' 'null|no integer, but null' '9223372036854775807|there is no partition 9223372036854775807' \
		'18446744073709551615|there is no partition 18446744073709551615: '; do
		records '"a":1:0:1' "\"a\":1:7:${r%%|*}" >in
		try kstream-repartition --from envelope --to json --assign .user --partitions 4 in
		refused 65 kstream-repartition "in/7@1: --assign: ${r#*|}" || return
	done
	records '"a":1:0:1' '"a":1:7:4' '"a":1:7:2' | kstream-repartition --from envelope --to envelope --assign .user --by .user --partitions 4 --on-error file:bad | jq -c '[.key,.partition]' >out
	output_is $'[1,1]\n[2,2]'
	[ "$(jq -c '[.key,.partition,.payload.user]' bad)" = '["a",7,4]' ]
	# the record as it came: also its key
	run -0 rep --assign '$partition' --by .user --partitions 9 -- '"a":1:8:"b"'
	[ "$output" = '["b",8,[]]' ]
}

@test "--to-one needs no number" {
	run -0 rep --to-one -- '"a":1:3' '"b":1:2'
	[ "$output" = $'["a",0,[]]\n["b",0,[]]' ]
	records '"a":1:3' | kstream-cat --from envelope | kstream-repartition --to-one | frames print HELLO >out
	grep -q '"hint":"kstream-record(5); repartitioned: 1 by 0"' out
}

@test "keys that are no keys: 65 with the place, or --on-error" {
	try_sh "printf '{\"k\":\"%0100000d\"}\n' 1 | kstream-repartition --from json --to json --by .k --partitions 2"
	refused 65 kstream-repartition 'stdin/0@0: --by: the key is larger than --max-key allows'
	try_sh "printf '{\"k\":\"%01048576d\"}\n' 1 | kstream-repartition --from json --to envelope --max-key 2M --by .k --partitions 2 | wc -l"
	expect 0 1
	try kstream-repartition --from json --to json --by .a.b --partitions 2 --on-error skip <<<$'{"a":1}\n{"a":{"b":2}}'
	expect 0 '{"a":{"b":2}}'
	try kstream-repartition --from json --to json --by .a.b --partitions 2 <<<$'{"a":1}'
	refused 65 kstream-repartition 'stdin/0@0: --by: '
	# nan can come in frames alone
	"${PYTHON:-python3}" -c 'import msgpack, struct, sys
payload = msgpack.packb([1, 1, "t", 3, 4, None, float("nan"), [], 1])
sys.stdout.buffer.write(b"\xc9" + struct.pack(">Ib", len(payload), 1) + payload)' >nan
	{ frames build <<<'HELLO {}' && cat nan; } >in
	try kstream-repartition --partitions 2 in
	refused 65 kstream-repartition 't/3@4: the key is not a number (nan)'
}

@test "HELLO says how many partitions there are behind; all else of it stays" {
	cat >in <<'EOF'
HELLO {"streams":[{"name":"a","partitions":3,"key":"json","time":"create","more":[1]},{"name":"b","partitions":5}],"unknown":{"x":1},"hint":"here"}
RECORD {"topic":"a","flags":5,"time":1,"key":"ACME"}
BARRIER [1,"complete"]
END [1,"complete"]
EOF
	frames build <in | kstream-repartition --partitions 12 | frames print HELLO | sed 's/^HELLO //' >out
	[ "$(jq -c '[.streams, .unknown, .hint]' out)" = '[[{"name":"a","time":"create","more":[1],"key":"string","partitions":12},{"name":"b","key":"string","partitions":12}],{"x":1},"here; repartitioned: 12 by $key"]' ] || fail
	frames build <in | kstream-repartition --partitions 12 --only b --by .x | frames print HELLO | sed 's/^HELLO //' >out
	[ "$(jq -c '[.streams[].partitions, .streams[].key]' out)" = '[3,12,"json","string"]' ] || fail
	# It is not the key that has placed them.
	frames build <in | kstream-repartition --to-one | frames print HELLO | sed 's/^HELLO //' >out
	[ "$(jq -c '[.streams[].partitions, .streams[].key]' out)" = '[1,1,"json",null]' ] || fail
	# what --only names is a route, which may be of any topic: nothing is known of the others
	frames build <in | kstream-repartition --partitions 12 --only a,r | frames print HELLO | sed 's/^HELLO //' >out
	[ "$(jq -c '[.streams[].partitions]' out)" = '[12,0]' ] || fail
	frames build <in >in.frames
	try kstream-repartition --only r --to-one in.frames
	refused 78 kstream-repartition '--only r names a route'
}

@test "an instance that has not all partitions is refused" {
	frames build <<<'HELLO {"instance":1,"instances":3}' >in
	try kstream-repartition --partitions 4 in
	refused 78 kstream-repartition 'instance 1/3'
}

@test "changes of a table go by the key they have, and by no new one" {
	frames build <<'EOF' >in
HELLO {}
RECORD {"topic":"t","partition":2,"offset":9,"flags":128,"key":"ACME","value":[1,null,true]}
BARRIER [1,"complete"]
END [1,"complete"]
EOF
	kstream-repartition --partitions 4 in | frames print RECORD >out
	grep -q '"flags":128,.*"partition":1,' out || fail
	try kstream-repartition --partitions 4 --by .x in
	refused 78 kstream-repartition 'changes of a table'
}

marks() { # marks OPTION ...: the marks that come out
	frames build | kstream-repartition "$@" | frames print MARK | sed 's/^MARK //' | tr '\n' ' '
}

@test "marks promise to all partitions what all those before have come to" {
	local in='HELLO {"positions":[{"input":"t","partition":0,"offset":0},{"input":"t","partition":1,"offset":0},{"input":"u","partition":1,"offset":0}]}'
	local end='BARRIER [1,"complete"]
END [1,"complete"]'
	# nothing is known of 1
	[ "$(marks --partitions 3 <<<"$in
MARK [0,1000,false]
$end")" = '' ]
	# the smallest, once
	[ "$(marks --partitions 3 <<<"$in
MARK [0,1000,false]
MARK [1,500,false]
MARK [1,400,false]
MARK [0,2000,false]
MARK [1,1500,false]
$end")" = '[0,500,false] [1,500,false] [2,500,false] [0,1500,false] [1,1500,false] [2,1500,false] ' ]
	# an idle one is excepted; records tell the time of the other, at the next barrier at the latest
	[ "$(marks --partitions 1 <<<"$in
MARK [1,0,true]
RECORD {\"topic\":\"t\",\"time\":700,\"flags\":1,\"key\":\"a\"}
RECORD {\"topic\":\"t\",\"time\":600,\"flags\":1,\"key\":\"a\"}
$end")" = '[0,700,false] ' ]
	# all are idle: the largest, and so it is told; a record that wakes one takes nothing back
	[ "$(marks --partitions 1 <<<"$in
MARK [0,100,true]
MARK [1,50,true]
RECORD {\"topic\":\"t\",\"time\":60,\"flags\":1,\"key\":\"a\",\"partition\":1}
$end")" = '[0,100,true] [0,100,false] ' ]
	# the input has no marks: there are none
	[ "$(marks --partitions 2 <<<"$in
RECORD {\"topic\":\"t\",\"time\":700,\"flags\":1,\"key\":\"a\"}
RECORD {\"topic\":\"t\",\"time\":700,\"flags\":1,\"key\":\"a\",\"partition\":1}
$end")" = '' ]
	# a stream that passes by keeps its partitions
	[ "$(marks --partitions 1 --only t <<<"$in
MARK [0,100,false]
MARK [1,50,false]
$end")" = '[0,50,false] [1,50,false] ' ]
}

@test "marks: a section behind a pause keeps what was promised, another input begins anew" {
	local hello='HELLO {"positions":[{"input":"t","partition":0,"offset":0}]}'
	[ "$(marks --partitions 1 <<<"$hello
MARK [0,100,false]
BARRIER [1,\"paused\"]
END [1,\"paused\"]
HELLO {\"epoch\":1,\"positions\":[{\"input\":\"t\",\"partition\":5,\"offset\":0}]}
MARK [5,90,false]
MARK [5,120,false]
BARRIER [2,\"complete\"]
END [2,\"complete\"]
HELLO {\"epoch\":2,\"positions\":[{\"input\":\"t\",\"partition\":0,\"offset\":0}]}
MARK [0,7,false]
BARRIER [3,\"complete\"]
END [3,\"complete\"]")" = '[0,100,false] [0,120,false] [0,7,false] ' ]
}

@test "what kstream-window refuses, kstream-repartition mends" {
	records '"x":1000:3:"ACME"' '"x":2000:1:"INIT"' '"x":3000:0:"ACME"' >in
	try kstream-window --from envelope --in in --tumble 1m 'count()' --to json
	refused 78 kstream-window 'kstream-repartition'
	try_sh "kstream-cat --from envelope in | kstream-repartition --by .user --partitions 4 |
		kstream-window --tumble 1m --emit close 'count()' | kstream-cat --to envelope | jq -c '[.partition,.key.key,.payload]'"
	expect 0 $'[1,"ACME",2]\n[2,"INIT",1]'
}

@test "windows behind it are those of Kafka Streams, where each new partition is a task: tests/conformance/repartition.py" {
	"${PYTHON:-python3}" "$BATS_TEST_DIRNAME/../conformance/repartition.py" >out 2>&1 || fail
}

@test "a mark of a silent partition closes windows behind it: those of all new partitions, and no earlier than all old ones have come to" {
	local hello='HELLO {"positions":[{"input":"t","partition":1,"offset":0},{"input":"t","partition":2,"offset":0}]}'
	local a='RECORD {"topic":"t","time":1000,"flags":1,"partition":1,"key":"ACME"}' b='RECORD {"topic":"t","time":2000,"flags":1,"partition":2,"key":"INIT"}'
	local end='BARRIER [1,"paused"]
END [1,"paused"]'
	closed() { frames build | kstream-repartition --partitions 4 | kstream-window --tumble 1m --emit close 'count()' | kstream-cat --to envelope | jq -c '[.partition,.key.key,.payload]'; }
	# 2 has come to 2000 only: what the mark of 1 is followed by, is in time (and 1 is where ACME goes)
	closed <<<"$hello
$a
$b
MARK [1,60000,false]
$a
$end" >out
	output_is ''
	closed <<<"$hello
$a
$b
MARK [1,60000,false]
$a
MARK [2,60000,true]
$a
$end" >out
	output_is $'[1,"ACME",2]\n[2,"INIT",1]'
}
