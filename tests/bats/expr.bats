#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Expressions through the real tools, which must be in PATH: on real events as jq, and refused at start.

# shellcheck disable=SC2016,SC2154
bats_require_minimum_version 1.5.0

setup() {
	command -v kstream-filter >/dev/null
	quakes=$BATS_TEST_DIRNAME/../../scripts/examples/earthquakes.jsonl
	cd "$BATS_TEST_TMPDIR" || return
}

@test "on a week of earthquakes, as jq: from line to line, and through frames" {
	local programs=(
		'.mag > 5' '.mag >= 4.5 and .depth < 10' '.type == "explosion" or .type == "quarry blast"' '.felt'
		'.felt | not' '.place < "B"' '(.felt // 0) > 3 and .net == "us"' '.lon < -120.5 and (.lat > 33 and .lat < 36)'
		'.missing.field == null and .id == "us2000crl8"' '(.mag | . > 6) == (.depth < 100)'
		'.["magType"] != "ml" and ."net" != "ak"' '.time < 1517365017350' '.place.x? or .mag < 0' 'true' 'null'
	)
	for program in "${programs[@]}"; do
		jq -r "select($program) | .id" "$quakes" >expected
		kstream-filter --from json --to json "$program" "$quakes" | jq -r .id >lines
		kstream-cat --from json "$quakes" | kstream-filter "$program" | kstream-cat --to json | jq -r .id >frames
		echo "$program: $(wc -l <expected)"
		cmp expected lines
		cmp expected frames
	done
}

@test "metadata of a record, from text and through a pipe" {
	printf '{"id":"a","n":1}\n{"id":"b","n":2}\n' >in.jsonl
	local program='$key == "b" and $topic == "in" and $partition == 0 and $offset == 17 and $ts == 2 and $headers[0] == null'
	[ "$(kstream-filter --from json --to json --key .id --time .n "$program" in.jsonl)" = '{"id":"b","n":2}' ]
	[ "$(kstream-cat --from json --key .id --time .n in.jsonl | kstream-filter "$program" | kstream-cat --to json)" = '{"id":"b","n":2}' ]
}

@test "headers are pairs of a name and a string" {
	printf '%s\n' '{"topic":"t","partition":0,"offset":0,"key":null,"headers":[["trace","abc"],["none",null]],"payload":1}' >one
	run -0 --separate-stderr kstream-filter --from envelope --count '$headers[0][0] == "trace"' one
	[ "$output" = 1 ]
	run -0 --separate-stderr kstream-filter --from envelope --count '$headers[0][1] == "abc" and $headers[-1][1] == null' one
	[ "$output" = 1 ]
}

@test "what is not in the language: 64, one line, the column, before anything is read" {
	run -64 --separate-stderr kstream-filter --from json 'debug' /does/not/exist
	[ -z "$output" ]
	[ "$stderr" = "kstream-filter: column 1 of 'debug': function 'debug' is not supported; an expression does not print" ]
	run -64 --separate-stderr kstream-filter --from json 'selct(.a)' /does/not/exist
	[ "$stderr" = "kstream-filter: column 1 of 'selct(.a)': unknown word 'selct'; did you mean 'select'?" ]
	run -64 --separate-stderr kstream-filter --from json '.é + 1' /does/not/exist
	[[ $stderr == "kstream-filter: column 2 of "* ]]
	run -64 --separate-stderr kstream-filter --from json '' /does/not/exist
	[ "${#stderr_lines[@]}" = 1 ]
	run -64 --separate-stderr kstream-filter --from json "$(printf '(%.0s' {1..30000})" /does/not/exist
	[[ $stderr == *"nested deeper than 200 levels"* ]]
}

@test "a step that fails names the line" {
	printf '1\n{"a":{"b":2}}\n' >in.jsonl
	run -65 --separate-stderr kstream-filter --from json --to json .a.b in.jsonl
	[ "$stderr" = 'kstream-filter: in.jsonl:1: .a: Cannot index number with "a"' ]
	[ "$(kstream-filter --from json --to json '.a?.b' in.jsonl)" = '{"a":{"b":2}}' ]
}

@test "a record passes if any value is true; inverted, if none is" {
	printf '%s\n' '{"l":[1,5]}' '{"l":[1]}' '{"l":[]}' >in.jsonl
	[ "$(kstream-filter --from json --count '.l[] > 4' in.jsonl)" = 1 ]
	[ "$(kstream-filter --from json --count --invert '.l[] > 4' in.jsonl)" = 2 ]
	[ "$(kstream-filter --from json --count 'select(.l | length == 1) | .l[0] == 1' in.jsonl)" = 1 ]
}

@test "where one value is wanted, several are an error of the record" {
	printf '{"l":[1,5]}\n' >in.jsonl
	run -65 --separate-stderr kstream-cat --from json --key '.l[]' --to json in.jsonl
	[ "$stderr" = 'kstream-cat: in.jsonl:1: --key: the expression yields several values where one is wanted' ]
	[ "$(kstream-cat --from json --key '.l | add' in.jsonl | kstream-filter --count '$key == 6')" = 1 ]
}

@test "no expression runs forever: the record is rejected, and what follows is read" {
	printf '1\n2\n' >in.jsonl
	run -65 --separate-stderr kstream-filter --from json --to json --expr-limit 1000 'until(. == 2; .)' in.jsonl
	[ "$stderr" = 'kstream-filter: in.jsonl:1: too much work for one record; see --expr-limit' ]
	run -0 --separate-stderr kstream-filter --from json --to json --expr-limit 1000 --on-error skip 'until(. == 2; .)' in.jsonl
	[ "$output" = 2 ]
	run -65 --separate-stderr kstream-filter --from json --to json --expr-limit 100000,64k '"x" * 1e6 | length > 1' in.jsonl
	[ "$stderr" = 'kstream-filter: in.jsonl:1: too much memory for one record; see --expr-limit' ]
	run -0 --separate-stderr kstream-filter --from json --count '"x" * 1e6 | length > 1' in.jsonl
	[ "$output" = 2 ]
}

# The functions of kstream-expr(7), as name/arguments, from its items.
documented() {
	sed -n '/^\.Ss Control/,/^\.Ss Limits/p' "$BATS_TEST_DIRNAME/../../man/kstream-expr.7" |
		python3 -c 'if True:
		import re, sys
		for line in sys.stdin:
			if not re.match(r"\.It Li (?!if |try |\$)", line):
				continue
			text = re.sub(r" (Ns|Li|Ar)\b", "", line[3:]).replace("\\&", "")
			for item in text.split(" , "):
				name, _, arguments = item.strip().partition("(")
				fixed, optional, more = arguments.rstrip(" )").partition("Oo")
				count = fixed.count(";") + 1 if arguments else 0
				print(name.strip(), count, sep="/")
				if optional:
					print(name.strip(), count + more.count(";"), sep="/")'
}

@test "every function is in the page, and every function of the page is there" {
	"$KSTREAM_BIN/../expr/eval" --functions | sort >there
	documented | sort >page
	[ "$(wc -l <there)" -gt 190 ]
	[ -z "$(uniq -d there)" ]
	diff there page
}

@test "every rule of the judge is in DIFFERENCES, and every word that is said to be refused is" {
	local page=$BATS_TEST_DIRNAME/../../man/kstream-expr.7
	sed -n 's/^\([a-z][a-z]*\)\t.*/\1/p' "$BATS_TEST_DIRNAME/../expr/RULES" | sort >rules
	sed -n '/^\.Sh DIFFERENCES/,$s/^\.\\" rule //p' "$page" | sort >said
	[ "$(wc -l <rules)" -gt 15 ]
	diff rules said
	sed -n '/^\.Ss What is not there/,/rule empty/s/^\.Li //p' "$page" | tr -d ' ' | tr ',' '\n' | grep '^[$a-zA-Z_]*$' | grep . >words
	[ "$(wc -l <words)" -gt 35 ]
	while read -r word; do
		run -64 kstream-filter --from json "$word" /dev/null
		[[ $output == "kstream-filter: column 1 of "* ]]
	done <words
}

@test "a library that an expression asks for is loaded then, and its absence known before a record is read" {
	mkdir lib
	printf 'no library\n' >lib/libpcre2-8.so.0
	# Built without a sanitizer and with -O2, a tool has no use for libm until an expression has.
	[[ $KSTREAM_BIN == */build/bin ]] && cp lib/libpcre2-8.so.0 lib/libm.so.6
	printf '"a"\n' >in.jsonl
	run -0 --separate-stderr env LD_LIBRARY_PATH=lib kstream-filter --from json --to json '. == "a"' in.jsonl
	[ "$output" = '"a"' ]
	run -69 --separate-stderr env LD_LIBRARY_PATH=lib kstream-filter --from json --to json 'test("a")' in.jsonl
	[[ $stderr == "kstream-filter: 'test': cannot load a library: "*libpcre2-8.so.0* ]]
	[ -e lib/libm.so.6 ] || return 0
	run -69 --separate-stderr env LD_LIBRARY_PATH=lib kstream-filter --from json --to json 'length | sqrt == 1' in.jsonl
	[[ $stderr == "kstream-filter: 'sqrt': cannot load a library: "*libm.so.6* ]]
}
