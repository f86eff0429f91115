#!/usr/bin/env bats
# kstream-map: its clauses and options.  Expressions are in expr.bats and tests/expr, what all tools do in frame.bats.

load lib.bash

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	printf '{"a":1,"s":"x","l":[1,2]}\n{"a":2,"s":"y","l":[]}\nnull\n' >in
}

both() { # both STATUS EXPECTED ARGUMENT...: as text, and through frames
	local status=$1 expected=$2
	shift 2
	try kstream-map --from json --to json --in in "$@"
	expect "$status" "$expected"
	kstream-cat --from json in >frames
	try kstream-map --to json --in frames "$@"
	expect "$status" "$expected"
}

@test "map: value= computes the value, and a tombstone passes" {
	both 0 $'{"b":2,"s":"x"}\n{"b":4,"s":"y"}\nnull' 'value={b: (.a * 2), s}'
	both 0 $'"x"\n"y"\nnull' 'value=.s'
	both 0 $'null\nnull\nnull' 'value=null'
}

@test "map: --tombstones computes them, too" {
	both 0 $'"object"\n"object"\n"null"' --tombstones value=type
}

@test "map: --flat makes a record of each value" {
	both 0 $'1\n2\nnull' --flat 'value=.l[]'
	both 0 $'[1,2]\n[]\nnull' --flat value=.l
	both 0 $'"x"\n1\n"y"\n2\nnull' --flat 'value=.s, .a'
	both 0 null --flat value=empty
}

@test "map: without --flat there is exactly one value" {
	try kstream-map --from json --to json --in in 'value=.l[]'
	refused 65 kstream-map 'in:1: '
	kstream-cat --from json in >frames
	try kstream-map --to json --in frames 'value=.l[]'
	refused 65 kstream-map 'in/0@0: value: '
	try kstream-map --from json --to json --on-error skip 'value=.l[]' <in
	expect 0 null
	try kstream-map --from json --to json value=empty <in
	refused 65 kstream-map 'stdin:1: '
}

@test "map: --flat counts what it makes, and what it lets go" {
	for to in json envelope; do
		try kstream-map -v --from json --to $to --flat 'value=.l[]' --in in
		grep -qF "3 in, 3 out, 1 dropped (no value 1), " err
	done
	try kstream-map -v --from json --to json --flat --on-error skip 'value=.l[], error("no")' --in in
	grep -qF "3 in, 3 out, 0 dropped, 0 late, 2 rejected" err
}

@test "map: key=, time=, topic= and header. set the parts of a record" {
	kstream-cat --from json in >frames
	try_sh "kstream-map 'key=.s' 'time=.a * 1000' 'topic=\"t\\(.a)\"' 'header.h=.a' 'header.n=null' 'header.t=.s' --in frames |
		kstream-cat --to envelope | jq -c '[.key, .flags, .tstype, .ts, .route, .topic, .headers, .payload.a]'"
	expect 0 '["x",["key-changed"],"create",1000,"t1","in",[["h","1"],["t","x"]],1]
["y",["key-changed"],"create",2000,"t2","in",[["h","2"],["t","y"]],2]
[null,[],"none",null,null,"in",[],null]'
}

@test "map: every clause sees the record as it came" {
	try_sh "kstream-map --from json --to envelope 'value=.s' 'key=.a' --in in | jq -c '[.key, .payload]'"
	expect 0 $'[1,"x"]\n[2,"y"]\n[null,null]'
}

@test "map: a header replaces all of its name, and the others keep their order" {
	echo '{"topic":"t","headers":[["a","1"],["b","2"],["a","3"],["c",null]],"payload":1}' >envelope
	try_sh "kstream-map --from envelope --to envelope 'header.a=\"new\"' 'header.b={x: 1}' --in envelope | jq -c .headers"
	expect 0 '[["c",null],["a","new"],["b","{\"x\":1}"]]'
	try_sh "kstream-map --from envelope --to envelope header.a=null --in envelope | jq -c .headers"
	expect 0 '[["b","2"],["c",null]]'
}

@test "map: what a part cannot be goes to --on-error, with its clause" {
	while IFS='|' read -r clause what; do
		try kstream-map --from json --to envelope "$clause" --in in
		refused 65 kstream-map "in/0@0: $what"
	done <<-'END'
		time=.s|time: time is a string that is not RFC 3339
		time=null|time: time is missing
		topic=.a|topic: number: no name of a topic, nor null
		topic=""|topic: string: no name of a topic, nor null
		key=.s.x|key: 
		header.h=.s.x|header.h: 
		value=.s.x|value: 
	END
}

@test "map: both rows of a table's change are computed, and nothing else can be" {
	printf '{"topic":"t","flags":["change"],"key":"k","payload":[{"a":2},{"a":1},true]}\n{"topic":"t","flags":["change"],"key":"k","payload":[null,{"a":2},true]}\n' >changes
	try_sh "kstream-map --from envelope --to envelope 'value=.a * 10' --in changes | jq -c .payload"
	expect 0 $'[20,10,true]\n[null,20,true]'
	try kstream-map --from envelope --to envelope 'value=.a' 'key=.a' --in changes
	refused 65 kstream-map 'of a change of a table'
	echo '{"topic":"t","flags":["change"],"payload":[1]}' >changes
	try kstream-map --from envelope --to envelope 'value=.a' --in changes
	refused 65 kstream-map 'no array of new, old and latest'
}

@test "map: --tee writes what goes out as envelopes, too" {
	try_sh "kstream-map --from json --tee copy 'value=.s' --in in | kstream-cat --to envelope >sent && cmp sent copy && wc -l <copy"
	expect 0 3
	try kstream-map --from json --to json --tee /dev/full 'value=.s' --in in
	refused 74 kstream-map "'/dev/full' of --tee"
	try kstream-map --from json --to json --tee no/copy 'value=.s' --in in
	refused 73 kstream-map "'no/copy' of --tee"
}

@test "map: --tee empties neither an input nor an output" {
	cp in before && ln in other && cp in rejects && cp in written
	for args in '--in in --tee in' '--in in --tee other' '--in - --tee in' '--tee other' '--in in --tee written --out written' \
		'--in in --tee rejects --on-error file:rejects'; do
		# shellcheck disable=SC2086
		try kstream-map --from json --to json value=.s $args <in
		refused 64 kstream-map 'of --tee is'
		cmp in before && cmp rejects before
	done
	try_sh 'kstream-map --from json --to json value=.s --in in --tee written >>written'
	refused 64 kstream-map "'written' of --tee is the output, too"
	echo longer than what comes >copy
	try kstream-map --from json --to envelope value=.s --in in --tee copy
	expect 0
	cmp out copy
}

@test "map: clauses that are none are refused" {
	while IFS='|' read -r clause what; do
		try kstream-map "$clause" --in in
		refused 64 kstream-map "$what"
	done <<-'END'
		.a|is none of value=EXPR
		valu=.a|is none of value=EXPR
		header.=.a|which header?
		value=.[|value= column
		header.a=1+|header.a= column 3 of
	END
	try kstream-map $'header.\xff=1'
	refused 64 kstream-map 'is not UTF-8'
	try kstream-map 'key=.a' 'key=.b'
	refused 64 kstream-map "key= is given twice"
	try kstream-map header.a=1 header.a=2
	refused 64 kstream-map "header.a= is given twice"
	try kstream-map
	refused 64 kstream-map
	try kstream-map --flat key=.a
	refused 64 kstream-map "--flat is about value="
}

@test "map: an object of fields has the same text from line to line, where text is copied, as through frames" {
	printf '{"a":%s,"c d":"x"}\n' 0 -0 1 -12 0.0 -0.0 1.0 1.00 1.50 100.00 -2.10 0.5 -0.50 0.05 0.001 0.00001 123456789012345 \
		1234567890123456 9007199254740993 18446744073709551616 1.23456789012345 12345678901234.5 1e2 1.5e-3 99999999999999.9 null \
		true false '""' '"A\n"' '"\u0041"' '"ä and what is longer than a block"' '"15 bytes or so"' '[1, 2]' '{"b" : 1}' >in.jsonl
	printf ' {"c d" : 1 , "a" : 2.50, "a" : 3 }\n{"c d":1}\n{}\n' >>in.jsonl
	try_sh "kstream-cat --from json in.jsonl | kstream-map 'value={a, \"c d\", \"q\\\"\": .a}' --to json | tee want | wc -l"
	expect 0 38
	for value in '{a, "c d", "q\"": .a}' '{a, "c d"}'; do
		kstream-map --from json --to json "value=$value" --in in.jsonl >lines
		kstream-cat --from json in.jsonl | kstream-map "value=$value" --to json >frames
		cmp lines frames
	done
	grep -qx '{"a":1.5,"c d":"x"}' lines
	grep -qx '{"a":0,"c d":"x"}' lines
	grep -qx '{"a":null,"c d":1}' lines
}

@test "map: of a record of frames only the value changes, and it is written in the shortest form" {
	# Numbers in longer forms than they need, in the head and in the value; a key, headers, a route, many records, one too large.
	/usr/bin/python3 - <<-'EOF'
		import msgpack, struct

		def frame(kind, payload):
		    return b"\xc9" + struct.pack(">IB", len(payload), kind) + payload

		def record(i, head, value):
		    headers = msgpack.packb([["h", b"1"]] if i % 3 == 0 else [])
		    topic = b"\xa1t" if i % 2 else b"\xac" + b"orders" * 2
		    return frame(1, b"\x99\xcf" + struct.pack(">Q", 1700000000000 + i) + head[0] + topic + head[1] + head[2] +
		                 (b"\xc0" if i % 5 else b"\xa2to") + (b"\xa1k" if i % 7 else b"\xc0") + headers + value)

		hello = {"version": 1, "app": None, "instance": 0, "instances": 1, "run": 0, "epoch": 0, "guarantee": "none", "live": False,
		         "layout": "modulo", "streams": [], "positions": [], "stages": [], "sides": [], "hint": None}
		short = [(b"\x05", b"\x03", b"\x2a"), (b"\x01", b"\x03", b"\xcd\x01\0"), (b"\x01", b"\x7f", b"\xff"), (b"\x01", b"\x03", b"\x2a")]
		long = [(b"\xcc\x05", b"\xce\0\0\0\x03", b"\xcf" + struct.pack(">Q", 42)), (b"\x01", b"\x03", b"\xce\0\0\x01\0"),
		        (b"\x01", b"\x7f", b"\xd0\xff"), (b"\x01", b"\x03", b"\xcc\x2a")]
		made, want, lines = [], [], 6000
		for i in range(lines):
		    n, text = i * 77777 % 2**33, "x" * (i % 300)
		    old = (b"\x84\xa1n\xcf" + struct.pack(">Q", n) if i % 2 else b"\x84\xa1n" + msgpack.packb(n)) + b"\xa1s" + msgpack.packb(text)
		    old += b"\xa1f" + msgpack.packb(i / 4) + b"\xa1e" + msgpack.packb(-i) if i % 11 else b"\xa1e\xd3" + struct.pack(">q", -i) + b"\xa1f\xc0"
		    new = b"\x85\xa1n" + msgpack.packb(n) + b"\xa1s" + msgpack.packb(text) + b"\xa1f" + msgpack.packb(i / 4 if i % 11 else None)
		    made.append(record(i, (short if i % 8 < 4 else long)[i % 4], old))
		    want.append(record(i, short[i % 4], new + b"\xa1k\xcd\x03\xe8\xa1e" + msgpack.packb(-i)))
		begin = frame(2, msgpack.packb(hello))

		def end(hop):
		    return frame(4, msgpack.packb([1, 2, [], -1, hop, None])) + frame(6, msgpack.packb([1, 2]))

		open("in.frames", "wb").write(begin + b"".join(made) + end(lines))
		open("want.frames", "wb").write(begin + b"".join(want) + end(lines))
	EOF
	kstream-map 'value={n, s, f, k: 1000, e}' --in in.frames >out.frames
	cmp want.frames out.frames
	kstream-map 'value={n, s, f, k: (1000 + 0), e}' --in in.frames >computed.frames
	cmp out.frames computed.frames
	try kstream-map 'value={n, s, f, k: 1000, e, t: .s}' --max-record 400 --in in.frames
	refused 65 kstream-map 'ordersorders/127@-1: the record is larger than --max-record allows'
}
