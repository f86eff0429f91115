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

@test "filter: a record passes if any of several results is true, and not if there is none" {
	printf '{"l":[1,5]}\n{"l":[]}\n{"l":[1]}\n' >lists
	try kstream-filter --from json --to json '.l[] > 2' lists
	expect 0 '{"l":[1,5]}'
	try_sh "kstream-cat --from json lists | kstream-filter '.l[] > 2' | kstream-cat --to json"
	expect 0 '{"l":[1,5]}'
	try kstream-filter --invert --from json --to json '.l[] > 2' lists
	expect 0 $'{"l":[]}\n{"l":[1]}'
}

@test "filter: --tombstone makes one of what does not pass" {
	echo null >>in
	try kstream-filter --from json --to json --tombstone '.a == 2' in
	expect 0 $'null\n{"a":2}\nnull\nnull\nnull'
	try_sh "kstream-filter --from json --key .a --tombstone '.a == 2' in | kstream-cat --to envelope | jq -c '[.key, .payload]'"
	expect 0 $'[1,null]\n[2,{"a":2}]\n[3,null]\n[4,null]\n[null,null]'
	try kstream-filter --count --tombstone --from json .a in
	refused 64 kstream-filter --count
}

@test "filter: both rows of a table's change are filtered, as KTable.filter does" {
	# The values of KTableFilterTest with old values: 1, 2, 3, none; what is even passes.
	printf '{"topic":"t","flags":["change"],"key":"A","payload":%s}\n' '[1,null,true]' '[2,1,true]' '[3,2,true]' '[null,3,true]' '[2,4,false]' >changes
	try_sh "kstream-filter --from envelope --to envelope '. % 2 == 0' changes | jq -c .payload"
	expect 0 $'[2,null,true]\n[null,2,true]\n[2,4,false]'
	echo '{"topic":"t","flags":["change"],"payload":[1,2]}' >changes
	try kstream-filter --from envelope --to envelope . changes
	refused 65 kstream-filter 'no array of new, old and latest'
}
