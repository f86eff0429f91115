#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What each format holds of a record, cell by cell of the table in kstream(7); --to pretty; --unwrap.

load lib

# One record of each kind, which frames and envelopes restore exactly.
records() {
	cat <<-'END'
		{"topic":"t","partition":3,"offset":9,"tstype":"create","ts":5,"route":null,"flags":[],"key":null,"headers":[],"payload":null}
		{"topic":"t","partition":3,"offset":10,"tstype":"append","ts":6,"route":"r","flags":["key-changed"],"key":"","headers":[["",""],["h","v"],["h",null],["h","/w==","base64"],["h","v"]],"payload":""}
		{"topic":"t","partition":3,"offset":11,"tstype":"none","ts":null,"route":null,"flags":[],"key":"","key_encoding":"base64","headers":[],"payload":"","payload_encoding":"base64"}
		{"topic":"t","partition":3,"offset":12,"tstype":"none","ts":null,"route":null,"flags":[],"key":"/w==","key_encoding":"base64","headers":[],"payload":"/wo=","payload_encoding":"base64"}
		{"topic":"t","partition":3,"offset":13,"tstype":"create","ts":7,"route":null,"flags":["window"],"key":{"key":"A","start":0,"end":60000},"headers":[],"payload":{"n":1}}
		{"topic":"t","partition":3,"offset":14,"tstype":"create","ts":8,"route":null,"flags":["session"],"key":{"key":[1.0,null],"start":0,"end":60000},"headers":[],"payload":[1,"x"]}
	END
}

as() { # as TO [OPTION...]: the records in this format, as escaped text
	records | kstream-cat --from envelope --to "$@" | od -An -c -v -w1000 | tr -d ' '
}

back() { # back FORMAT [OPTION...]: records through it and out again
	records | kstream-cat --from envelope --to "$1" | kstream-cat --from "$@" --to envelope
}

@test "holds: frames and envelope restore a record exactly" {
	records >want
	local x
	for x in frames envelope; do
		back $x | diff want - || fail $x
	done
	back frames | kstream-filter --from envelope 'true' | kstream-filter 'true' | kstream-cat --to envelope | diff want -
}

@test "holds: json is the value: null and empty stay apart, bytes are base64 text" {
	records | kstream-cat --from envelope --to json >out
	output_is $'null\n""\n""\n"/wo="\n{"n":1}\n[1,"x"]'
	back json >out
	[ "$(jq -c .payload out)" = "$(printf 'null\n""\n""\n"/wo="\n{"n":1}\n[1,"x"]')" ]
	[ "$(jq -c '[.key, .ts, .headers, .topic]' out | sort -u)" = '[null,null,[],"stdin"]' ]
}

@test "holds: raw is the value's bytes: null is as an empty one, a newline ends it" {
	[ "$(as raw)" = '\n\n\n377\n\n{"n":1}\n[1,"x"]\n' ]
	back raw >out
	[ "$(jq -c '[.payload, .payload_encoding]' out | tr '\n' ' ')" = '["",null] ["",null] ["",null] ["/w==","base64"] ["",null] ["{\"n\":1}",null] ["[1,\"x\"]",null] ' ]
}

@test "holds: csv and tsv are the fields of the value, and the key of a window" {
	window() { records | sed -n 5p; }
	[ "$(window | kstream-cat --from envelope --to csv)" = $'key,start,end,n\nA,1970-01-01T00:00:00Z,1970-01-01T00:01:00Z,1' ]
	[ "$(window | kstream-cat --from envelope --to tsv)" = $'key\tstart\tend\tn\nA\t1970-01-01T00:00:00Z\t1970-01-01T00:01:00Z\t1' ]
	# A value without fields is the column value; its key is one only where it is there.
	[ "$(records | sed -n 2,4p | kstream-cat --from envelope --to csv)" = $'key,value\n"",""\n"",""\n/w==,/wo=' ]
	[ "$(records | sed -n 2,4p | kstream-cat --from envelope --to tsv)" = $'key\tvalue\n\t\n\t\n/w==\t/wo=' ]
	# A record without a value is a row of nulls.
	printf '{"key":"k","payload":{"a":1,"b":""}}\n{"key":"k","payload":null}\n' >in
	[ "$(kstream-cat --from envelope --to csv --columns a,b in)" = $'a,b\n1,""\n,' ]
	[ "$(kstream-cat --from envelope --to csv --columns a,b in | kstream-cat --from csv --to json)" = $'{"a":1,"b":""}\n{"a":null,"b":null}' ]
	[ "$(kstream-cat --from envelope --to tsv --columns a,b in | kstream-cat --from tsv --to json)" = $'{"a":1,"b":null}\n{"a":null,"b":null}' ]
	# Another shape than that of the first record does not go by unseen.
	try_sh "kstream-cat --from envelope --to csv <<<'$(records)'"
	refused 65 kstream-cat "t/3@10: its field 'key' has no column"
}

@test "holds: -J is for reading: null is null, bytes stand as they are" {
	records | kstream-cat --from envelope -J >seen
	{
		printf '%s\n' '{"topic":"t","partition":3,"offset":9,"tstype":"create","ts":5,"key":null,"payload":null}' \
			'{"topic":"t","partition":3,"offset":10,"tstype":"logappend","ts":6,"headers":["","","h","v","h",null,"h","\xff","h","v"],"key":"","payload":""}' \
			'{"topic":"t","partition":3,"offset":11,"key":"","payload":""}' '{"topic":"t","partition":3,"offset":12,"key":"\xff","payload":"\xff\n"}' \
			'{"topic":"t","partition":3,"offset":13,"tstype":"create","ts":7,"key":"{\"key\":\"A\",\"start\":0,\"end\":60000}","payload":"{\"n\":1}"}' \
			'{"topic":"t","partition":3,"offset":14,"tstype":"create","ts":8,"key":"{\"key\":[1.0,null],\"start\":0,\"end\":60000}","payload":"[1,\"x\"]"}'
	} | /usr/bin/python3 -c 'import sys; sys.stdout.buffer.write(sys.stdin.buffer.read().replace(b"\\xff", b"\xff"))' | diff -a - seen
	# Its list of headers is not that of an envelope, and is not taken for it.
	try_sh "sed -n 2p seen | LC_ALL=C tr -d '\377' | kstream-cat --from envelope --to json"
	refused 65 kstream-cat 'stdin:1: '
}

@test "holds: pretty is the value, as jq prints it" {
	printf '%s\n' '{"a":[1,{"b":null,"c":[]},{},"é\u0001\""],"d":{"e":{"f":true}},"g":-5}' '[]' '{}' 7 '"x"' null '[[[1]]]' >in
	kstream-cat --from json --to pretty in >out
	jq . in | diff - out
	kstream-cat --from json --to pretty --color never in | diff out -
	kstream-filter --from json --to pretty true in | diff out -
	# With colours: the same text, each character in the colour that jq gives it.
	kstream-cat --from json --to pretty --color always in >colored
	jq -C . in >judge
	/usr/bin/python3 - <<-'END'
		import re
		def paint(name):
		    now, out = '', []
		    for m in re.finditer(r'\033\[([0-9;]*)m|(.)', open(name).read(), re.S):
		        if m[2] is None:
		            now = '' if m[1] == '0' else m[1]
		        elif not m[2].isspace():
		            out.append((m[2], now))
		    return out
		a, b = paint('colored'), paint('judge')
		assert a == b, [x for x in zip(a, b) if x[0] != x[1]][:5]
	END
	sed 's/\x1b\[[0-9;]*m//g' colored | diff out -
	[ "$(tail -c 5 colored | od -An -c | tr -d ' ')" = '033[0m\n' ]
	records | kstream-cat --from envelope --to pretty >out
	[ "$(tr -d ' \n' <out)" = 'null"""""/wo="{"n":1}[1,"x"]' ]
	try_sh "printf 'x\n' | kstream-cat --from json --on-error dlq:dead --to pretty"
	refused 78 kstream-cat "pretty output cannot carry the side route 'dead'"
}

@test "holds: pretty is coloured on a terminal, unless its user says no" {
	echo '{"a":1}' >in
	local plain=$'{\n  "a": 1\n}'
	on() { TERM=xterm script -qec "$1" /dev/null </dev/null | tr -d '\r'; }
	unset NO_COLOR
	[[ "$(on 'kstream-cat --from json --to pretty in')" == *$'\e[34;1m"a"\e[0m'* ]]
	[[ "$(NO_COLOR='' on 'kstream-cat --from json --to pretty in')" == *$'\e['* ]]
	[ "$(NO_COLOR=1 on 'kstream-cat --from json --to pretty in')" = "$plain" ]
	[ "$(on 'TERM=dumb kstream-cat --from json --to pretty in')" = "$plain" ]
	[ "$(on 'kstream-cat --from json --to pretty --color never in')" = "$plain" ]
	[[ "$(NO_COLOR=1 on 'kstream-cat --from json --to pretty --color always in')" == *$'\e['* ]]
	[ "$(on 'kstream-cat --from json in')" = '{"a":1}' ] # the default is what it was
	on 'kstream-cat --from json --to pretty --out file in' >/dev/null
	[ "$(cat file)" = "$plain" ]
}

@test "holds: --unwrap takes the payload that Connect wrapped, of keys and values" {
	local from=$root/tests/vectors/debezium/schema.jsonl
	jq -r '.value // "null"' "$from" >in
	kstream-cat --from json --unwrap --to json in >out
	payload='import json, sys; [print(json.dumps(v and v["payload"], separators=(",", ":"), ensure_ascii=False)) for v in map(json.loads, sys.stdin)]'
	/usr/bin/python3 -c "$payload" <in | diff - out # nanoseconds are exact, which jq's are not
	[ "$(tail -n 1 out)" = null ] # a tombstone is none the less one
	kstream-cat --from json --unwrap --time .ts_ms --key .op --on-bad-time drop --to envelope in >out
	[ "$(jq -c '[.ts, .key]' out)" = "$(jq -c 'select(.) | .payload | [.ts_ms, .op]' in)" ]
	[ "$(kstream-filter --from json --unwrap --to json '.op == "d"' in | jq -c .)" = "$(jq -c 'select(.) | .payload | select(.op == "d")' in)" ]
	# Of envelopes, the key, too.
	jq -c '{topic, key: (.key // "null" | fromjson), payload: (.value // "null" | fromjson)}' "$from" >in
	kstream-cat --from envelope --unwrap --to envelope in >out
	[ "$(jq -c '[.topic, .key, .payload]' out)" = "$(jq -c '[.topic, .key.payload, .payload.payload]' in)" ]
	# Either order; a schema that is null; a payload that is null, which is a delete; nothing within it is touched.
	printf '%s\n' '{"payload":{"schema":1,"payload":2},"schema":null}' '{"schema":{},"payload":null}' null '{"schema":"s","payload":"p"}' >in
	try kstream-cat --from json --unwrap --to json in
	expect 0 $'{"schema":1,"payload":2}\nnull\nnull\n"p"'
}

@test "holds: --unwrap refuses what Connect would not read, and goes to --on-error" {
	local x
	for x in '{"payload":1}' '{"schema":1}' '{"schema":1,"payload":2,"more":3}' '{"a":1,"payload":2}' '{}' '[1]' '"x"' 5; do
		printf '{"schema":0,"payload":0}\n%s\n{"schema":0,"payload":1}\n' "$x" >in
		try kstream-cat --from json --unwrap --to json in
		refused 65 kstream-cat 'in:2: the value is no {"schema": ..., "payload": ...}' || fail "$x"
		try kstream-filter --from json --unwrap --on-error file:bad --to json true in
		expect 0 $'0\n1' || fail "$x"
		[ "$(tail -n 1 bad | jq -r '.payload | @base64d')" = "$x" ] || fail "$x"
		printf '{"payload":%s}\n' "$x" >in
		try kstream-cat --from envelope --unwrap --to json in
		refused 65 kstream-cat 'the value is no {"schema": ..., "payload": ...}' || fail "$x"
	done
	try kstream-cat --from raw --unwrap in
	refused 64 kstream-cat '--from json'
	kstream-cat --from envelope in >in.frames
	try kstream-filter --unwrap true in.frames
	refused 64 kstream-filter '--unwrap is for JSON and topics'
}
