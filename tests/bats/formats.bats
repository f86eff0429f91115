#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Formats at the edges: what goes in by --from and comes out by --to, time, key, and what is bad.

load lib

# The same three records, however they come in: an object, null, text.
make_inputs() {
	printf '{"a":1,"b":{"c":"x\\ty"}}\nnull\n"t"\n' >in.json
	kstream-cat --from json in.json >in.frames
	kstream-cat --to envelope in.frames >in.envelope
	printf '{"a":1,"b":{"c":"x\\ty"}}\n\nt\n' >in.raw
}

@test "formats: every --from to every --to" {
	make_inputs
	local from
	for from in frames json envelope; do
		try kstream-cat --from $from --to json in.$from
		expect 0 "$(cat in.json)"
		try kstream-cat --from $from --to raw in.$from
		expect 0 "$(cat in.raw)"
		try kstream-cat --from $from --to envelope in.$from
		expect 0
		diff out in.envelope
		kstream-cat --from $from --to frames in.$from | frames print RECORD | diff - <(frames print RECORD <in.frames)
		kstream-cat --from $from -J in.$from >out
		[ "$(head -n 1 out)" = '{"topic":"in","partition":0,"offset":0,"key":null,"payload":"{\"a\":1,\"b\":{\"c\":\"x\\ty\"}}"}' ]
		[ "$(sed -n 2p out)" = '{"topic":"in","partition":0,"offset":25,"key":null,"payload":null}' ]
		[ "$(sed -n 3p out)" = '{"topic":"in","partition":0,"offset":30,"key":null,"payload":"t"}' ]
		try kstream-cat --from $from --to tsv --on-error skip -v in.$from # the string has no column among those
		[ "$(cat out)" = $'a\tb.c\n1\tx\\ty\n-\t-' ]
		grep -q ' 1 rejected' err
	done
	try kstream-cat --from raw --to json in.raw
	expect 0 $'"{\\"a\\":1,\\"b\\":{\\"c\\":\\"x\\\\ty\\"}}"\n""\n"t"'
	try kstream-cat --from raw --to raw in.raw
	expect 0 "$(cat in.raw)"
	kstream-cat --from raw --to tsv in.raw >out
	[ "$(head -n 1 out)" = value ]
}

@test "formats: a word that is none is refused" {
	local x
	for x in '--from pretty' '--from kcat' '--from JSON' '--to xml' '--to jsonl' '--time-unit m' '--on-bad-time skip' '--on-error drop' '--on-error dlq:' \
		'--on-error file:' '--key-from text' '--key-to text' '-c 0' '-c x' '-c -1' '--max-record 63' '--max-record 2G' '--max-depth 0' '--max-depth 10001' \
		'--commit-interval 1' '--commit-interval 0s' '--commit-interval 2d' '--instance 1' '--instance 1/1' '--instance -1/2' '--end never'; do
		# shellcheck disable=SC2086
		try kstream-cat $x --to json /dev/null
		refused 64 kstream-cat "$(cut -d ' ' -f 1 <<<"${x/#-c/--max-messages}")" || fail "$x"
	done
	try kstream-cat --time .t --on-bad-time dlq --from json --to json /dev/null
	refused 64 kstream-cat 'dlq:TOPIC'
}

@test "formats: null is nil, an absent key is null, an absent payload is an error" {
	try_sh "echo '{\"payload\":null}' | kstream-cat --from envelope --to envelope"
	expect 0 '{"topic":"stdin","partition":0,"offset":0,"tstype":"none","ts":null,"route":null,"flags":[],"key":null,"headers":[],"payload":null}'
	try_sh "echo '{\"key\":\"k\"}' | kstream-cat --from envelope --to envelope"
	refused 65 kstream-cat 'stdin:1: the envelope has no payload'
	[ "$(echo null | kstream-cat --from json | frames print RECORD | grep -c '"value":null')" = 1 ]
	[ "$(echo '""' | kstream-cat --from json | frames print RECORD | grep -c '"value":""')" = 1 ]
}

@test "formats: an envelope restores a record exactly" {
	frames build >in <<-'E'
		HELLO {"sides":["dead"]}
		RECORD {"time":1767225600123,"flags":1,"topic":"t","partition":7,"offset":1042,"key":"k","value":{"a":[1,1.0,-0.0,null,true,"é\u0000"]}}
		RECORD {"time":-1,"flags":2,"partition":-1,"offset":-1,"key":{"key":"ACME","start":0,"end":60000},"value":[1,2,3]}
		RECORD {"time":5,"flags":165,"topic":"é","route":"r","key":{"hex":"00ff"},"value":{"hex":"fffe00"}}
		RECORD {"flags":8,"route":"late","value":18446744073709551615}
		RECORD {"flags":16,"route":"dead","headers":[["h",{"hex":"76"}],["h",null],["h",{"hex":"ff"}],["",{"hex":""}],["é",{"hex":"c3a9"}]],"value":null}
		RECORD {"flags":88,"route":"log","key":{"hex":""},"value":""}
		BARRIER [1,"complete"]
		END [1,"complete"]
	E
	kstream-cat --to envelope <in >mid
	[ "$(wc -l <mid)" = 6 ]
	kstream-cat --from envelope <mid | frames print RECORD >out
	frames print RECORD <in | diff - out
	# And the text of it is stable, with or without the members in their order.
	kstream-cat --from envelope --to envelope <mid | diff mid -
	/usr/bin/python3 -c 'import json, sys
for row in sys.stdin: print(json.dumps(dict(sorted(json.loads(row).items()))))' <mid | kstream-cat --from envelope --to envelope | diff mid -
}

@test "formats: a value as deep as --max-depth goes through an envelope" {
	/usr/bin/python3 -c 'print("[" * 128 + "]" * 128)' >in.json
	try_sh 'kstream-cat --from json in.json | kstream-cat --to envelope | kstream-cat --from envelope --to json'
	expect 0 "$(cat in.json)"
}

@test "formats: what is wrong with an envelope is named with its line" {
	local x
	for x in '{"payload":1,"x":1}' '[1]' '{"payload":1,"flags":["x"]}' '{"payload":1,"partition":-2}' '{"payload":1,"topic":""}' \
		'{"payload":"x","payload_encoding":"base64"}' '{"payload":1,"headers":[["h",1]]}' '{"payload":1,"ts":1,"tstype":"none"}' '{"payload":1,"flags":7}'; do
		printf '{"payload":0}\n%s\n' "$x" >in
		try kstream-cat --from envelope --to json in
		refused 65 kstream-cat 'in:2: ' || fail "$x"
		output_is 0
	done
}

@test "formats: tsv names its columns by the first record" {
	printf '{"s":"a\\tb\\nc\\\\d\\re","n":-1.5,"o":{"x":true,"y":[1,{"z":2}]}}\n{"o":{"y":null,"x":false},"n":0}\n{"s":""}\n' >in
	try kstream-cat --from json --to tsv in
	expect 0
	printf 's\tn\to.x\to.y\na\\tb\\nc\\\\d\\re\t-1.5\ttrue\t[1,{"z":2}]\n-\t0\tfalse\t-\n\t-\t-\t-\n' | diff - out
	# A field that came later has no column, and is not lost unseen; null is nothing to lose.
	printf '{"a":1}\n{"b":null}\n{}\n{"a":2,"b":3}\n{"a":4}\n' >in
	try kstream-cat --from json --to tsv in
	output_is $'a\n1\n-\n-'
	refused 65 kstream-cat "in/0@22: its field 'b' has no column: the first line names them (--columns chooses others)"
	try kstream-cat --from json --to tsv --on-error skip in
	expect 0 $'a\n1\n-\n-\n4'
	try kstream-cat --from json --to tsv --columns b,a in
	expect 0 $'b\ta\n-\t1\n-\t-\n-\t-\n3\t2\n-\t4'
	# A first one that names nothing is an error.
	try_sh "echo '{}' | kstream-cat --from json --to tsv"
	refused 65 kstream-cat 'no field that could name a column'
	[ ! -s out ]
	# A value that is no object is one column, behind its key.
	try_sh "printf '{\"payload\":5,\"key\":\"k\"}\n{\"payload\":\"x\"}\n' | kstream-cat --from envelope --to tsv"
	expect 0 $'key\tvalue\nk\t5\n-\tx'
	# A windowed key is columns of its own, its times readable.
	try_sh "echo '{\"payload\":{\"n\":2},\"flags\":[\"window\"],\"key\":{\"key\":\"A\",\"start\":0,\"end\":60000}}' | kstream-cat --from envelope --to tsv"
	expect 0 $'key\tstart\tend\tn\nA\t1970-01-01T00:00:00Z\t1970-01-01T00:01:00Z\t2'
	kstream-cat --from json --to tsv --columns a,b in | column -t -s $'\t' | grep -q '^a  *b'
}

@test "formats: a record that tsv cannot print leaves no columns behind" {
	printf 'HELLO\nFRAME 1 99c000c00000c0c09082a16101a16291a1ff\nRECORD {"value":{"a":1,"b":2}}\nBARRIER [1,"complete",[],-1,2]\nEND [1,"complete"]\n' | frames build >in
	try kstream-cat --to tsv --on-error skip in
	expect 0 $'a\tb\n1\t2'
}

@test "formats: -J is kcat's shape" {
	printf '%s\n' '{"topic":"t","partition":3,"offset":9,"ts":5,"key":"k","headers":[["h","v"],["n",null]],"payload":"p"}' \
		'{"topic":"t","ts":5,"tstype":"append","key":5,"payload":{"a":1}}' '{"payload":"/w==","payload_encoding":"base64","key":"eA==","key_encoding":"base64"}' >in
	try kstream-cat --from envelope -J in
	expect 0
	sed $'s/\377/BYTE/' out | diff - /dev/fd/3 3<<-'E'
		{"topic":"t","partition":3,"offset":9,"tstype":"create","ts":5,"headers":["h","v","n",null],"key":"k","payload":"p"}
		{"topic":"t","partition":0,"offset":103,"tstype":"logappend","ts":5,"key":"5","payload":"{\"a\":1}"}
		{"topic":"in","partition":0,"offset":168,"key":"x","payload":"BYTE"}
	E
	# As kcat: bytes that are not UTF-8 stand as they are. What tests/broker/kcat.bats compares with kcat itself.
	printf 'HELLO\nRECORD {"headers":[["h",{"hex":"ff00"}]],"value":1}\nBARRIER [1,"complete"]\nEND [1,"complete"]\n' | frames build >in.frames
	kstream-cat -J in.frames >out
	printf '"headers":["h","\377\\u0000"],"key":null,"payload":"1"}\n' | cmp - <(LC_ALL=C grep -ao '"headers".*' out)
}

@test "formats: -f, -D, -K and -Z print records that come from anywhere" {
	printf '%s\n' '{"topic":"t","partition":3,"offset":9,"ts":5,"key":"k","headers":[["h","v"],["n",null],["e",""]],"payload":"p"}' \
		'{"topic":"t","key":5,"payload":{"a":1}}' '{"payload":null}' '{"key":"","payload":""}' >in
	kstream-cat --from envelope -f '%t|%p|%o|%T|%k|%K|%s|%S|%h|%%\x7e\t\e\n' in >out
	printf 't|3|9|5|k|1|p|1|h=v,n=NULL,e=|%%~\te\nt|0|%d|-1|5|1|{"a":1}|7||%%~\te\n' "$(head -n 1 in | wc -c)" >want
	head -n 2 out | diff want -
	kstream-cat --from envelope -f '%K %S %R' in | od -An -tx1 | tr -d ' \n' >out
	[ "$(cat out)" = "312031200000000131203720000000072d31202d3120ffffffff3020302000000000" ]
	[ "$(kstream-cat --from envelope -K '=>' -D ';' in)" = 'k=>p;5=>{"a":1};=>;=>;' ]
	[ "$(kstream-cat --from envelope -Z -K '\t' -D '\n\n' in | od -An -c | tr -d ' \n')" = 'k\tp\n\n5\t{"a":1}\n\nNULL\tNULL\n\nNULL\tNULL\n\n' ]
	[ "$(kstream-cat --from envelope -D '' -c 2 -u in)" = 'p{"a":1}' ]
	[ "$(kstream-cat --from envelope -f '%s\0%k\x0\xff\0300\192' -c 1 in | od -An -tx1 | tr -d ' \n')" = 70006b00ffc0c0 ]
	while read -r text; do
		try kstream-cat --from envelope -f "$text" in
		refused 64 kstream-cat "--format" || fail "$text"
	done <<<$'%\n%z\nabc%'
}

@test "formats: raw keeps lines as they are, bytes too" {
	printf 'a\r\n\n\xff\xfe\nlast' >in
	try kstream-cat --from raw --to raw in
	expect 0
	printf 'a\r\n\n\xff\xfe\nlast\n' | cmp - out
	kstream-cat --from raw in | frames print RECORD | sed 's/.*"value"://' >out
	[ "$(cat out)" = $'"a\\r"}\n""}\n{"hex":"fffe"}}\n"last"}' ]
	[ "$(kstream-cat --from raw --to json in | sed -n 3p)" = '"//4="' ]
}

@test "formats: JSON lines with CRLF, blank lines, blanks, no last newline" {
	printf '{"a":1}\r\n\r\n   \n\t{"a" : 2} \n{"a":3}' >in
	try kstream-cat --from json --to json in
	expect 0 $'{"a":1}\n{"a":2}\n{"a":3}'
	kstream-cat --from json in | frames print RECORD | grep -o '"offset":[0-9]*' >out
	output_is $'"offset":0\n"offset":15\n"offset":27'
	try kstream-filter --from json --to json '.a > 1' in
	[ "$(tr -d '\t ' <out)" = $'{"a":2}\n{"a":3}' ]
	try kstream-filter --from json '.a > 1' in --to json --as x
	expect 0 $'{"a":2}\n{"a":3}'
}

@test "formats: a NUL in a line is an error in every way of reading it" {
	printf '{"a":1}\0{"a":2}\n{"a":3}\n' >in
	try kstream-cat --from json --to json --on-error skip in
	expect 0 '{"a":3}'
	try kstream-filter --from json --to json --on-error skip .a in
	expect 0 '{"a":3}'
	try kstream-filter --from json --to json .a in
	refused 65 kstream-filter 'in:1'
	[ ! -s out ]
}

@test "formats: a terminal gets JSON lines, frames are refused there, nothing to read is said" {
	command -v script >/dev/null || fail 'script(1) is not there'
	echo '{"a":1}' >in.json
	kstream-cat --from json in.json >in.frames
	[ "$(script -qec 'kstream-cat in.frames' /dev/null </dev/null | tr -d '\r')" = '{"a":1}' ]
	[ "$(script -qec 'kstream-cat --to raw in.frames; echo $?' /dev/null </dev/null | tr -d '\r')" = $'{"a":1}\n0' ]
	[[ "$(script -qec 'kstream-cat --to frames in.frames; echo $?' /dev/null </dev/null | tr -d '\r')" == 'kstream-cat: frames are not for a terminal'*$'\n64' ]]
	[[ "$(script -qec 'kstream-cat; echo $?' /dev/null | tr -d '\r')" == 'kstream-cat: nothing to read'*$'\n64' ]]
}

@test "formats: --out is where it goes" {
	echo 1 >in
	try kstream-cat --from json --to json --out there in
	expect 0 ''
	[ "$(cat there)" = 1 ]
	echo 22 >in
	try kstream-cat --from json --to json --out there in
	[ "$(cat there)" = 22 ] # written anew
	try kstream-cat --from json --to json --app a --out there in
	[ "$(cat there)" = $'22\n22' ] # goes on
	try kstream-cat --from json --to json --out - in
	expect 0 22
	try kstream-cat --from json --out there in
	expect 0 ''
	try kstream-cat --to json there
	expect 0 22
}

time_of() { # time_of OPTION... : ts of the records on stdin
	kstream-cat --from json "$@" | frames print RECORD | sed 's/.*"time":\([^,]*\),"flags":\([0-9]*\).*/\1 \2/'
}

@test "formats: --time in units, RFC 3339, fractions" {
	[ "$(echo '{"t":1767225600000}' | time_of --time .t)" = '1767225600000 1' ]
	[ "$(echo '{"t":1767225600}' | time_of --time .t)" = '1767225600 1' ] # never guessed
	[ "$(echo '{"t":1767225600}' | time_of --time .t --time-unit s)" = '1767225600000 1' ]
	[ "$(echo '{"t":1767225600.1239}' | time_of --time .t --time-unit s)" = '1767225600123 1' ]
	[ "$(echo '{"t":1767225600123999}' | time_of --time .t --time-unit us)" = '1767225600123 1' ]
	[ "$(echo '{"t":1767225600123999999}' | time_of --time .t --time-unit ns)" = '1767225600123 1' ]
	[ "$(echo '{"t":"2026-01-01T00:00:00Z"}' | time_of --time .t)" = '1767225600000 1' ]
	[ "$(echo '{"t":"2026-01-01T01:00:00.123456+01:00"}' | time_of --time .t --time-unit s)" = '1767225600123 1' ]
	[ "$(echo '{"t":"2026-01-01"}' | time_of --time .t)" = '1767225600000 1' ]
	[ "$(echo '{"a":{"t":0}}' | time_of --time .a.t)" = '0 1' ]
	[ "$(echo '{"t":5}' | time_of)" = 'null 0' ]
	local now
	now=$(echo '{}' | time_of --time wall)
	[ "$((${now% 1} / 10000))" -ge "$(($(date +%s) / 10 - 1))" ]
	[[ "$(echo '{"t":5}' | kstream-cat --from json --time .t | frames print HELLO)" == *'"time":"create"'* ]]
}

@test "formats: a bad time stops, is dropped, takes the wall clock, keeps what it had, or goes aside" {
	local x
	for x in '{}' '{"t":null}' '{"t":true}' '{"t":"x"}' '{"t":"1"}' '{"t":"@5"}' '{"t":-1}' '{"t":-0.5}' '{"t":1e300}' '{"t":18446744073709551615}' '{"t":[1]}' '{"t":{}}' \
		'{"t":"1969-12-31T23:59:59Z"}' '{"t":"2026-13-01T00:00:00Z"}' '{"t":""}'; do
		printf '{"t":1}\n%s\n{"t":3}\n' "$x" >in
		try kstream-cat --from json --to json --time .t in
		refused 65 kstream-cat 'in:2: --time: ' || fail "$x"
		output_is '{"t":1}'
		try kstream-cat --from json --to json --time .t --on-bad-time drop in
		expect 0 $'{"t":1}\n{"t":3}' || fail "$x"
	done
	printf '{"t":9223372036854775}\n' >in
	try kstream-cat --from json --to json --time .t --time-unit s in
	expect 0
	printf '{"t":9223372036854776}\n' >in
	try kstream-cat --from json --to json --time .t --time-unit s in
	refused 65 kstream-cat 'out of range'
	printf '{"t":1}\n{"t":"x"}\n' >in
	try kstream-cat --from json --time .t --on-bad-time append in # a file has no other time
	refused 78 kstream-cat 'append'
	[[ "$(time_of --time .t --on-bad-time wall <in | tail -n 1)" =~ ^1[0-9]{12}\ 1$ ]]
	kstream-cat --from json --time .t --on-bad-time dlq --on-error dlq:dead in | frames print HELLO RECORD BARRIER >out
	[[ "$(head -n 1 out)" == *'"sides":["dead"]'* ]]
	[[ "$(sed -n 3p out)" == *'"flags":16,'*'"route":"dead"'*'"value":{"t":"x"}'* ]]
	[[ "$(sed -n 4p out)" == *',2,null]' ]]
	try kstream-cat --from json --to json --time .t --on-bad-time dlq --on-error file:bad in
	expect 0 '{"t":1}'
	[[ "$(cat bad)" == *'"payload":{"t":"x"}}' ]]
	try kstream-cat --from json --to json --time .t --on-bad-time drop -v in
	refused 0 kstream-cat ': 2 in, 1 out, 1 dropped (bad time 1), 0 late, 0 rejected,'
}

@test "formats: --key takes a value of any type" {
	key_of() { kstream-cat --from json --key .k | frames print RECORD | sed 's/.*"key":\(.*\),"headers".*/\1/'; }
	[ "$(echo '{"k":"a"}' | key_of)" = '"a"' ]
	[ "$(echo '{"k":5}' | key_of)" = 5 ]
	[ "$(echo '{"k":1.0}' | key_of)" = 1.0 ]
	[ "$(echo '{"k":null}' | key_of)" = null ]
	[ "$(echo '{}' | key_of)" = null ]
	[ "$(echo '{"k":[1,{"x":true}]}' | key_of)" = '[1,{"x":true}]' ]
	[ "$(echo '{"k":"a"}' | kstream-cat --from json --key .k | frames print RECORD | grep -c '"flags":0')" = 1 ] # on files it changes no key
	/usr/bin/python3 -c 'print("{\"k\":\"%s\"}" % ("x" * 70000))' >in
	try kstream-cat --from json --to json --key .k in
	refused 65 kstream-cat '--max-key'
	try kstream-cat --from json --to json --key .k --max-key 80k in
	expect 0
	try kstream-cat --from json --to json --key '.k +' in
	refused 64 kstream-cat
}

@test "formats: a key too large for --max-key stops whoever reads the frames" {
	/usr/bin/python3 -c 'print("{\"k\":\"%s\"}" % ("x" * 70000))' >in
	kstream-cat --from json --key .k --max-key 80k in >in.frames
	try kstream-filter true in.frames
	refused 65 kstream-filter '--max-key'
}

@test "formats: names that cannot be sent on are refused where they are given" {
	local x
	echo 1 >in
	for x in '' $'a\nb' "$(printf '%0250d' 0)"; do
		try kstream-cat --from json -t "$x" in
		refused 64 kstream-cat || fail "-t '$x'"
		[ ! -s out ]
	done
	cp in $'\xff.json'
	try kstream-cat --from json $'\xff.json'
	refused 66 kstream-cat 'not UTF-8'
}

@test "formats: tsv has no bytes that are not text, and no column twice" {
	# A string that is not UTF-8 is as wrong as it is to JSON; bytes are base64.
	printf 'HELLO\nFRAME 1 99c000c00000c0c09081a161a1ff\nFRAME 1 99c000c00000c0c09081a1ff01\nRECORD {"value":{"a":{"hex":"ff"}}}\nBARRIER [1,"complete",[],-1,3]\nEND [1,"complete"]\n' | frames build >in
	try kstream-cat --to tsv --on-error skip in
	expect 0 $'a\n/w=='
	try kstream-cat --to tsv in
	refused 65 kstream-cat 'not UTF-8'
	# What an aggregate is called does not clash with the key of its window.
	echo '{"ts":1,"key":"k","payload":{"x":5}}' >in
	try_sh "kstream-window --tumble 1s 'key=count()' 'x=max(.x)' 'end=min(.x)' --from envelope --to tsv --in in"
	expect 0 $'key\tstart\tend\tvalue.key\tx\tvalue.end\nk\t1970-01-01T00:00:00Z\t1970-01-01T00:00:01Z\t1\t5\t5'
	# Two members with one name are one column, the last one's.
	printf '{"a.b":1,"a":{"b":2},"c":3}\n{"c":4,"a":{"b":5}}\n' >in
	try kstream-cat --from json --to tsv in
	output_is $'a.b\tc\n2\t3\n5\t4'
	refused 0 kstream-cat "'a.b'"
}

@test "formats: tsv that goes on in a file keeps its columns, and names them once" {
	printf '{"a":1,"o":{"t\\tb":"x"}}\n' >in
	try kstream-cat --app a --from json --to tsv --out rows in
	expect 0 ''
	printf '{"o":{"t\\tb":"y"},"a":2}\n{"a":3}\n' >>in
	try kstream-cat --app a --from json --to tsv --out rows in
	expect 0 ''
	printf 'a\to.t\\tb\n1\tx\n2\ty\n3\t-\n' | diff - rows
	printf '{"a":4}\n' >>in
	try kstream-cat --app a --from json --to tsv --out rows --columns o.t,a in
	refused 78 kstream-cat "cannot go on in 'rows': its first line names other columns than --columns"
	try kstream-cat --app a --from json --to tsv --out rows in
	expect 0 ''
	[ "$(tail -n 1 rows)" = $'4\t-' ]
	# A run that has found nothing yet names them later.
	: >none
	try kstream-cat --app b --from json --to tsv --out later none
	expect 0 ''
	echo '{"z":1}' >none
	try kstream-cat --app b --from json --to tsv --out later none
	expect 0 ''
	[ "$(cat later)" = $'z\n1' ]
}

@test "formats: a line of just --max-record is taken and a longer one is not, however it was read" {
	line() { # line BYTES
		printf '"%s"\n' "$(head -c $(($1 - 2)) /dev/zero | tr '\0' x)"
	}
	local n tool
	for n in 999 1000 1001; do
		line $n >in
		printf '%s' "$(cat in)" >open # without its newline
		for tool in 'kstream-cat --to json' 'kstream-cat --to raw' 'kstream-filter --to json true'; do
			for how in 'cat in' 'cat open' '(head -c 300 in; sleep 0.1; tail -c +301 in)' '(cat open; sleep 0.1; echo)' 'cat in in'; do
				try_sh "$how | $tool --from json --max-record 1000 --on-error skip -v"
				if [ $n -gt 1000 ]; then
					refused 0 "${tool%% *}" ' 0 out,' || fail "$n: $how | $tool"
				elif [[ $tool == *filter* ]]; then # to the others it is a record, which has a head
					grep -q ' 0 rejected' err || fail "$n: $how | $tool"
				fi
				try_sh "$how | $tool --from json --max-record 1000"
				if [ $n -gt 1000 ]; then
					refused 65 "${tool%% *}" 'the line is longer than --max-record allows' || fail "$n: $how | $tool"
				elif grep 'the line is longer' err; then
					fail "$n: $how | $tool"
				fi
			done
		done
	done
}

@test "formats: -c counts records, not lines that are none, on every path" {
	printf 'x\n1\n\n{\n"%s"\n2\n\0\n3\n' "$(head -c 3000 /dev/zero | tr '\0' y)" >in
	local tool policy
	for tool in 'kstream-cat --to json' 'kstream-filter --to json true' 'kstream-filter --to json . --exit-status' 'kstream-filter --to json --time 1 true'; do
		for policy in skip file:rejects; do
			try_sh "$tool --from json --max-record 2000 -c 2 --on-error $policy in"
			expect 0 $'1\n2'
		done
	done
	try_sh 'kstream-filter --from json --max-record 2000 -c 2 --on-error dlq:dead true in | kstream-cat --only in --to envelope'
	[ "$(grep -c '"topic":"in".*"payload":[12]}' out)" = 2 ] || fail 'not two records'
	! grep '"payload":3' out
	# A record of which the expression makes nothing was read all the same.
	printf '1\n{"a":2}\n{"a":3}\n' >in
	for tool in '' '--time 1'; do
		try kstream-filter --from json --to json $tool -c 2 --on-error skip .a in
		expect 0 '{"a":2}'
	done
}

@test "formats: --only names a stream with a long name as far as there is room" {
	local name
	name=$(head -c 230 /dev/zero | tr '\0' n)
	echo 1 >"$name"
	try kstream-cat --from json --to json --only other "$name"
	refused 78 kstream-cat "but 'nnnn"
}
