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

@test "hostile expressions: a signal ends a tool in the middle of a long record" {
	/usr/bin/python3 -c 'print("\"%s\"" % ("a" * 1000000))' >in
	kstream-map --from json --to json --expr-limit 100000000 --on-error skip 'value=test("(?=a*b)")' --in in --in in --in in >out 2>err &
	pids=$!
	sleep 0.2
	kill -TERM "$pids"
	for _ in $(seq 100); do
		kill -0 "$pids" 2>/dev/null || break
		sleep 0.1
	done
	if kill -0 "$pids" 2>/dev/null; then fail 'it goes on'; fi
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
