#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Expressions and records that were made to hang a tool, to fill its memory, or to be understood in two ways.
# shellcheck disable=SC2016
bats_require_minimum_version 1.5.0
load lib

@test "hostile expressions: a record takes no longer than it may, and the next one is read" {
	/usr/bin/python3 -c 'print("\"%s\"\n\"b\"" % ("a" * 1000000))' >in
	for re in 'a*a*[bc]' '(?=a*b)' '.*.*.*=' '(a|a)*[bc]' '(a*)\\1[bc]' '(?:a{9999})[bc]'; do
		try kstream-map --from json --to json --on-error skip "value=length < 9 or test(\"$re\")" --in in
		expect 0 true
	done
	for program in '"x" * 1e12' '[range(1e12)]' '[limit(1e9; repeat(.))]' 'last(range(1e18))' 'until(false; .)' '[recurse]|[recurse(.)]' \
		'"xx" | until(length > 1e12; . + .)' '[range(1e4)] | [.[] as $a | .[] as $b | .[]]' 'setpath([1e8]; 1)' 'until(false; [.])'; do
		try kstream-map --from json --to json --on-error skip "value=if length > 9 then $program else . end" --in in
		expect 0 '"b"'
	done
}

@test "hostile expressions: a step is some 100 ns, whatever it is spent on" {
	# CPU time of a million steps, which is 0.2 s at most; sanitizers and a busy machine have five times that.
	cat >steps.py <<-'E'
		import json, os, resource, subprocess, sys
		flat = {f"k{i:05}": i for i in range(50000)}
		inputs = {
		    "flat": flat, "nested": {"a": {k: {"x": i} for k, i in flat.items()}, "z": 1}, "text": "ab c" * 250000,
		    "empty": [[]] * 300000, "objects": [{"a": i, "b": [1, 2]} for i in range(10000)],
		}
		for name, value in inputs.items():
		    with open(name, "w") as file:
		        print(json.dumps(value, separators=(",", ":")), file=file)
		with open("deep", "w") as file:
		    print("[" * 120 + "1" + "]" * 120, file=file)
		bad = 0
		for line in sys.stdin:
		    name, program = line.rstrip("\n").split(" ", 1)
		    program = ". as $d | last(range(1e9) as $i | $d | try (" + program.replace("CHAIN", " and ".join(["true"] * 190)) + ") catch 0)"
		    before = resource.getrusage(resource.RUSAGE_CHILDREN)
		    tool = ["kstream-map", "--from", "json", "--to", "json", "--expr-limit", "1000000,1G", "value=" + program, "--in", name]
		    run = subprocess.run(tool, stderr=subprocess.PIPE, text=True, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (5, 5)))
		    after = resource.getrusage(resource.RUSAGE_CHILDREN)
		    time = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
		    if "too much work" not in run.stderr or time > 1:
		        print(f"{name} {program[:200]}: {time:.2f} s, {run.stderr.strip()[-100:]}")
		        bad = 1
		sys.exit(bad)
	E
	run -0 /usr/bin/python3 steps.py <<-'E'
		nested has("zz")
		nested .z
		nested .a.k49999.x
		nested .a.k49999.x |= 1
		flat has("k49999")
		flat {a: .} == {a: $d}
		deep . == $d
		deep [., .] | unique
		empty {a: .}
		empty .[100000:200000]
		empty . == $d
		objects tojson
		objects .[9999].b
		objects [.[] | .a] | add
		text test(.)
		text fromjson
		text @base64d
		text index("ab c" * 50 + "x")
		text ("a" * 250000) as $x | ("a" * 500000) as $y | last(range(1e9) | $y | rindex($x))
		text error
		text [.[:1000] | match("a+"; "g")] | length
		text CHAIN
		text "a" | test("(?i)[\\x{100}-\\x{10ffff}]\($i)")
		text "a" | test("(?xxi)[a- \\x{10ffff}]\($i)")
		text "a" | test("[a-\\Q\udbff\udfff\\E]\($i)"; "i")
		text "a" | test("(?R)?" * 100 + "\($i)")
		text "a" | test("a|" * 3000 + "\($i)")
		text "a" * 500 | test("(a|b)" * 100 + "\\1" * 100 + "\($i)")
		text "a" | test("\($i)" + ([range(2000) | "(?<n\(.)>)\\k<n\(.)>"] | add) + "(")
	E
	echo "$output"
}

@test "hostile expressions: a signal ends a tool in the middle of a long record, which is not lost" {
	/usr/bin/python3 -c 'print("\"%s\"" % ("a" * 1000000))' >in
	while read -r program; do
		kstream-map --app a --from json --to json --out out --expr-limit 1000000000000,1G --on-error skip "value=$program" --in in 2>err &
		pids=$!
		sleep 0.4
		kill -TERM "$pids"
		for _ in $(seq 10); do
			kill -0 "$pids" 2>/dev/null || break
			sleep 0.1
		done
		if kill -0 "$pids" 2>/dev/null; then fail "$program: it goes on"; fi
		status=0
		wait "$pids" || status=$?
		refused 75 kstream-map 'a signal came in the middle of a long record'
	done <<-'E'
		until(false; .)
		test("(?=a*b)")
		last(range(1e18))
		.[:100000] | explode | last(range(1e9) as $i | sort_by(-.))
		last(range(1e9) as $i | tojson | fromjson)
	E
	try kstream-map --app a --from json --to json --out out value=length --in in
	expect 0
	[ "$(cat out)" = 1000000 ]
}

@test "hostile expressions: a program may have lines" {
	printf '%s\n' '{"a\tb":1}' >in
	try kstream-map --from json --to json $'value="x\n\\(."a\tb")\ty"' --in in
	expect 0 '"x\n1\ty"'
	try kstream-filter --from json --to json --count $'. # a comment\n| ."a\tb"' --in in
	expect 0 1
}

@test "hostile expressions: a wrong regular expression is refused before there is a record" {
	while IFS='|' read -r program where; do
		try kstream-filter --from json "$program" --in /nonexistent
		refused 64 kstream-filter "$where of"
	done <<-'END'
		test("(")|column 6
		.a // (.b, splits("[";null))|column 19
		gsub("a"; "b"; "q")|column 6
		scan( "x{3,2}"; "g" )|column 7
	END
	try kstream-filter --from json --to json 'test(.re)' --in /dev/null
	expect 0 ''
}

@test "hostile expressions: lines and frames give the same" {
	printf '%s\n' null 1 '"x"' '[1,"é",null,1.50,1e2]' '{"a":1,"a":2,"b":{"c":[]}}' 18446744073709551615 1e-400 '""' '{}' '[]' '{"a\u0000b":"\ud83d\ude00"}' >in
	while read -r program; do
		for flat in '' --flat --tombstones '--flat --tombstones'; do
			try_sh "kstream-map -v --on-error skip $flat --from json --to json 'value=$program' --in in >lines 2>said"
			try_sh "kstream-cat --from json in | kstream-map -v --on-error skip $flat 'value=$program' 2>said2 | kstream-cat --to json >frames"
			cmp lines frames
			[ "$(grep -o '[0-9]* in, .* rejected' said)" = "$(grep -o '[0-9]* in, .* rejected' said2)" ]
		done
	done <<-'END'
		.
		.a, .b
		.[]?
		[.. | numbers] | add
		tojson | ., fromjson
		to_entries | from_entries
		. as [$a, $b] | {$a, $b}
		if . then . else error end
	END
}

@test "hostile expressions: text that is no UTF-8, nan, infinities, deep values and keys of 1 MB in frames: each tool goes on behind them" {
	/usr/bin/python3 -c '
import json, msgpack
deep = 1
for _ in range(126):
    deep = [deep]
print("HELLO {}")
for n, (value, key) in enumerate([("x", "k"), (b"x\xff", "k"), (float("nan"), "k"), (float("-inf"), "k"), (deep, "k"),
                               (7, "k" * 1000000), (2 ** 64 - 1, "k")]):
    if value == b"x\xff":
        print("FRAME 1", msgpack.packb([0, 1, "t", 3, n, None, key, [], {"a": value}]).replace(b"\xc4\x02x", b"\xa2x").hex())
    else:
        print("RECORD", json.dumps({"topic": "t", "time": 0, "flags": 1, "partition": 3, "offset": n, "key": key, "value": {"a": value}}))
print("BARRIER [1,\"complete\",[],-1,7]\nEND [1,\"complete\"]")' | frames build >in
	seen() { # seen TOOL ARGUMENT...: offsets that come out, as frames, and of each record that does not its offset and the reason
		rm -f rejected
		"$@" --max-key 2M --on-error file:rejected --in in >through || fail "$*" || return
		frames print RECORD <through | sed 's/.*"offset":\([0-9]*\).*/\1/' | paste -sd ' '
		[ ! -s rejected ] || jq -r ".offset, (.headers[] | select(.[0] == \"__streams.errors.message\")[1])" rejected | paste -sd "\t\n"
	}
	{
		seen kstream-filter '.a | test("x")' | sed 's/ matched, .*//'
		seen kstream-filter '.a == .a'
		seen kstream-map 'value=.a | tojson'
		seen kstream-map 'time=.a'
		seen kstream-branch --default b 'a: .a < 0'
		seen kstream-repartition --partitions 4 --by .a
	} >got
	diff - got <<-'E'
		0
		1	a string cannot be
		2	number (null) cannot be
		3	number (-1.7976931348623157e+308) cannot be
		4	array ([[[[[[[[[[[[[[[[[[[[[[[[[...]) cannot be
		5	number (7) cannot be
		6	number (18446744073709551615) cannot be
		0 1 3 4 5 6
		0 2 3 4 5 6
		1	value: msgpack string is not UTF-8
		5
		0	time: time is a string that is not RFC 3339
		1	time: time is a string that is not RFC 3339
		2	time: time is out of range
		3	time: time is before 1970
		4	time: time is neither a number nor a string
		6	time: time is out of range
		0 1 2 3 4 5 6
		0 1 3 4 5 6
		2	the key is not a number (nan), and has no text
	E
}
