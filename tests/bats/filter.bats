#!/usr/bin/env bats
# kstream-filter: its own options.  Expressions are in expr.bats, formats in formats.bats, what all tools do in frame.bats.

load lib.bash

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	printf '{"a":%s}\n' 1 2 3 4 >in
}

@test "filter: passes what is true, as text and as frames" {
	try kstream-filter --from json --to json '.a > 2' in
	expect 0 $'{"a":3}\n{"a":4}'
	try_sh "kstream-cat --from json in | kstream-filter '.a > 2' | kstream-cat --to json"
	expect 0 $'{"a":3}\n{"a":4}'
}

@test "filter: --invert passes the rest" {
	try kstream-filter --invert --from json --to json '.a > 2' in
	expect 0 $'{"a":1}\n{"a":2}'
	try_sh "kstream-cat --from json in | kstream-filter --invert '.a > 2' | kstream-cat --to json"
	expect 0 $'{"a":1}\n{"a":2}'
}

@test "filter: --count prints how many pass, complete or paused" {
	try kstream-filter --count --from json '.a > 1' in
	expect 0 3
	try kstream-filter --count --invert --from json '.a > 1' in
	expect 0 1
	try_sh "kstream-cat --from json --end paused in | kstream-filter --count '.a > 9'"
	expect 0 0
}

@test "filter: --exit-status is 1 when none passes" {
	try kstream-filter --exit-status --from json --to json '.a == 4' in
	expect 0 '{"a":4}'
	try kstream-filter --exit-status --from json --to json '.a == 5' in
	expect 1 ''
	try kstream-filter --exit-status --count --from json '.a == 5' in
	expect 1 0
}

@test "filter: an expression is asked for, and a wrong one is 64" {
	try kstream-filter
	refused 64 kstream-filter 'expression'
	try kstream-filter --from json '.a >' in
	refused 64 kstream-filter 'column'
}
