#!/usr/bin/env bats
# kstream-branch: its branches and options.

load lib.bash

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	printf '{"a":%s}\n' 1 2 3 >in
	printf 'null\n' >>in
}

routes() { # routes ARGUMENT...: where each record went
	try bash -c 'set -o pipefail; kstream-branch --from json --in in "$@" | kstream-cat --to envelope | jq -c "[.route, .payload.a?]"' routes "$@"
}

@test "branch: the first branch that matches, and none for what matches none" {
	routes 'low: .a < 2' 'some: .a != null'
	expect 0 $'["low",1]\n["some",2]\n["some",3]\n["low",null]'
	routes 'two: .a == 2'
	expect 0 '["two",2]'
}

@test "branch: --default takes the rest" {
	routes --default rest 'two: .a == 2'
	expect 0 $'["rest",1]\n["two",2]\n["rest",3]\n["rest",null]'
}

@test "branch: --all copies to every branch that matches" {
	routes --all 'odd: .a == (1,3)' 'big: .a > 1' 'none: false'
	expect 0 $'["odd",1]\n["big",2]\n["odd",3]\n["big",3]'
}

@test "branch: what is routed, copied and dropped adds up" {
	try_sh "kstream-branch -v --from json --all 'odd: .a == (1,3)' 'big: .a > 1' --in in | kstream-cat --to envelope"
	grep -qF 'kstream-branch: 4 in, 4 out, 1 dropped (unmatched 1), 0 late, 0 rejected' err
}

@test "branch: a record that an expression fails on goes to no branch" {
	try_sh "kstream-branch --from json --on-error skip --all 'any: true' 'odd: .a.b' --in in | kstream-cat --to envelope | jq -c .payload"
	expect 0 null
	try_sh "kstream-branch --from json 'x: .a.b' --in in | kstream-cat --to envelope"
	grep -qF 'kstream-branch: in/0@0: x: ' err
}

@test "branch: a name of --only behind it is a branch" {
	try_sh "kstream-branch --from json 'low: .a < 2' --default rest --in in | kstream-filter --only rest '.a == 3' | kstream-cat --to envelope | jq -c '[.route, .payload.a]'"
	expect 0 $'["low",1]\n["rest",3]\n["low",null]'
}

@test "branch: what is no branch is refused" {
	while IFS='|' read -r clause what; do
		try kstream-branch "$clause" --in in
		refused 64 kstream-branch "$what"
	done <<-'END'
		.a|is no 'NAME: EXPR'
		: .a|is no 'NAME: EXPR'
		{a: 1} == .|is no 'NAME: EXPR'
		x:|x: column
		x: .a ==|x: column
		..: .a|is no 'NAME: EXPR'
		.: .a|is no 'NAME: EXPR'
	END
	try kstream-branch 'x: 1' 'x: 2'
	refused 64 kstream-branch "branch 'x' is given twice"
	try kstream-branch
	refused 64 kstream-branch
	try kstream-branch --default '' 'x: 1'
	refused 64 kstream-branch
}
