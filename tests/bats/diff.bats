#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# kstream-diff of files; tests/broker/diff.bats has topics, tests/unit/value-diff.c where values differ.

# shellcheck disable=SC2016,SC2154,SC2238 # SC2154: what lib.bash sets
bats_require_minimum_version 1.5.0
load lib

diff_() { try kstream-diff --from json --key .k "$@"; }

rows() { printf '%s\n' "$@"; }

@test "diff: --help begins with the synopsis; what is no option is 64" {
	try kstream-diff --help
	expect 0
	[ "$(head -n 2 out | tr -s ' \n' ' ')" = 'usage: kstream-diff [--value EXPR] [--tolerance N[%]] [-n N] [--to json] [--memory SIZE] OLD NEW ' ]
	[ "$(wc -l <out)" -le 24 ]
	try kstream-diff --bogus
	refused 64 kstream-diff bogus
}

@test "diff: added, removed, changed, equal: in words, with a summary, and 1" {
	rows '{"k":"a","n":1}' '{"k":"b","n":2,"x":[1,{"y":2.5}]}' '{"k":"c","n":3}' >old
	rows '{"k":"d","n":[]}' '{"x":[1,{"y":2.6}],"n":2,"k":"b"}' '{"n":1.0,"k":"a"}' >new
	diff_ old new
	expect 1 'changed  "b"  .x[1].y: 2.5 -> 2.6
removed  "c"  {"k":"c","n":3}
added    "d"  {"k":"d","n":[]}

equal    1
added    1
removed  1
changed  1
         1 at .x[].y'
	diff_ -q -n 1 old new
	expect 1 'changed  "b"  .x[1].y: 2.5 -> 2.6'
	diff_ -n 0 old new
	expect 1 $'equal    1\nadded    1\nremoved  1\nchanged  1\n         1 at .x[].y'
	diff_ --to json old new
	expect 1 '{"cause":"changed","path":".x[1].y","key":"b","old":{"k":"b","n":2,"x":[1,{"y":2.5}]},"new":{"x":[1,{"y":2.6}],"n":2,"k":"b"}}
{"cause":"removed","key":"c","old":{"k":"c","n":3}}
{"cause":"added","key":"d","new":{"k":"d","n":[]}}'
}

@test "diff: nothing differs: 0; of a key the last value counts, and a tombstone is none" {
	rows '{"k":"a","n":1}' '{"k":"b","n":2}' '{"k":"a","n":5}' >old
	rows '{"k":"a","n":5}' '{"k":"b","n":7}' '{"k":"b","n":2}' >new
	diff_ old new
	expect 0 $'equal    2\nadded    0\nremoved  0\nchanged  0'
	diff_ -q old new
	expect 0 ''
	diff_ --to json old new
	expect 0 ''
	rows '{"key":"a","payload":1}' '{"key":"a","payload":null}' '{"key":"b","payload":2}' >old
	rows '{"key":"b","payload":2}' '{"key":"c","payload":null}' >new
	try kstream-diff --from envelope old new
	expect 0 $'equal    1\nadded    0\nremoved  0\nchanged  0'
	: >none
	diff_ none none
	[ "$status" = 0 ]
	output_is $'equal    0\nadded    0\nremoved  0\nchanged  0'
	[ "$(cat err)" = 'kstream-diff: neither has a record' ]
	rows '{"k":"a","n":1}' >one
	diff_ --time .n --since 2100-01-01 one one
	[ "$status" = 0 ]
	[ "$(cat err)" = 'kstream-diff: neither has a record in that range of time' ]
	diff_ -q none none
	expect 0 ''
	rows '{"k":1}' >one
	diff_ --to json none one
	expect 1 '{"cause":"added","key":1,"new":{"k":1}}'
	diff_ --to json one none
	expect 1 '{"cause":"removed","key":1,"old":{"k":1}}'
}

@test "diff: windows are told apart, and their changes are [new, old, latest]" {
	seq 100 199 | sed 's/.*/{"k":"s","t":&000}/' >in
	window() { kstream-window --from json --time .t --key .k --in "$1" --tumble 10s "${@:2}" 'n=count()'; }
	window in >old
	sed '42d' in >in2
	window in2 --emit close >new
	try kstream-diff --to json old new
	expect 1 '{"cause":"changed","path":".n","key":{"key":"s","start":140000,"end":150000},"old":{"n":10},"new":{"n":9}}'
	try kstream-diff -q --since @150000 old new
	expect 0 ''
	try kstream-diff -q --until @140000 old new
	expect 0 ''
	try kstream-diff -q --since @140000 --until @150000 old new
	expect 1
	kstream-table --changes --from json --key .k --in in >changes
	kstream-table --from json --key .k --in in >latest
	try kstream-diff -q changes latest
	expect 0 ''
}

@test "diff: keys are equal as values are, and shown as they came" {
	rows '{"k":1,"n":1}' '{"k":2.0,"n":1}' '{"k":{"a":1,"b":[1,{"x":1,"y":2}]},"n":1}' '{"k":9007199254740993,"n":1}' >old
	rows '{"k":1.0,"n":2}' '{"k":2,"n":1}' '{"k":{"b":[1.0,{"y":2,"x":1}],"a":1},"n":3}' '{"k":9007199254740992.0,"n":1}' >new
	diff_ --to json --value .n old new
	expect 1 '{"cause":"changed","path":".","key":1,"old":1,"new":2}
{"cause":"changed","path":".","key":{"a":1,"b":[1,{"x":1,"y":2}]},"old":1,"new":3}
{"cause":"added","key":9007199254740992.0,"new":1}
{"cause":"removed","key":9007199254740993,"old":1}'
	diff_ --to json --value '$key | objects | keys_unsorted' old new # --value has it as it came, too
	expect 1 '{"cause":"changed","path":".[0]","key":{"a":1,"b":[1,{"x":1,"y":2}]},"old":["a","b"],"new":["b","a"]}'
	rows '{"k":1,"n":1}' '{"k":1.0,"n":2}' >old # one key, of which the last counts
	rows '{"k":1,"n":2}' >new
	diff_ -q --value .n old new
	expect 0 ''
}

@test "diff: in the table, a key that is the text of an object is shown as one" {
	jq -nc '({key: "A \"B\"", start: 0} | tojson), "{no", "[1]" | {key: ., payload: 1}' >old
	: >none
	try kstream-diff --from envelope old none
	[ "$status" = 1 ]
	[ "$(sort out | grep '^removed *[^0-9 ]')" = "$(sort <<-'END'
	removed  "[1]"  1
	removed  "{no"  1
	removed  {"key":"A \"B\"","start":0}  1
	END
	)" ]
	try kstream-diff --from envelope --to json --value 'select($key | contains("start"))' old none
	expect 1 '{"cause":"removed","key":"{\"key\":\"A \\\"B\\\"\",\"start\":0}","old":1}'
}

@test "diff: where a key stands in several partitions the latest time counts" {
	record() { printf '{"partition":%d,"offset":%d,"tstype":"create","ts":%d,"key":"a","payload":%d}\n' "$@"; }
	{ record 1 0 20 1 && record 1 1 5 2 && record 0 0 10 3; } >old # of partition 1 the last is of time 5
	{ record 0 0 10 3 && record 1 0 20 1 && record 1 1 5 2; } >same
	{ record 0 0 10 4; } >new
	try kstream-diff --from envelope --to json old new
	[ "$status" = 1 ]
	output_is '{"cause":"changed","path":".","key":"a","old":3,"new":4}'
	[ "$(cat err)" = 'kstream-diff: keys stand in several partitions of one side: of those the value of the latest time was compared' ]
	try kstream-diff --from envelope -q old same
	expect 0 ''
}

@test "diff: --value says what is compared, and what it leaves out is not there" {
	rows '{"k":"a","n":1,"at":1}' '{"k":"b","n":2,"at":1}' '{"k":"c","n":9,"at":0}' >old
	rows '{"k":"a","n":1,"at":2}' '{"k":"b","n":3,"at":2}' >new
	diff_ --to json --value 'del(.at)' old new
	expect 1 '{"cause":"changed","path":".n","key":"b","old":{"k":"b","n":2},"new":{"k":"b","n":3}}
{"cause":"removed","key":"c","old":{"k":"c","n":9}}'
	diff_ --to json --value 'select($key != "c") | .n' old new
	expect 1 '{"cause":"changed","path":".","key":"b","old":2,"new":3}'
	diff_ -q --value 'select(.k == "a").n' old new
	expect 0 ''
	diff_ --value '.n.x' old new
	refused 65 kstream-diff 'old: partition 0, offset 0: --value: .n.x: Cannot index number with "x"'
	diff_ --value '.n(' old new
	refused 64 kstream-diff
}

@test "diff: --tolerance is about numbers, wherever they stand" {
	rows '{"k":"a","n":[100,{"x":1.0}]}' >old
	rows '{"k":"a","n":[101,{"x":1.005}]}' >new
	diff_ -q --tolerance 1 old new
	expect 0 ''
	diff_ -q --tolerance 1% old new
	expect 0 ''
	diff_ -q --tolerance 0.5 old new
	expect 1 'changed  "a"  .n[0]: 100 -> 101'
	rows '{"k":"a","n":[1,0.3,1.25]}' >old
	rows '{"k":"a","n":[1.1,0.4,1.3]}' >new
	diff_ -q --tolerance 0.1 old new
	expect 0 ''
	diff_ -q --tolerance 0.09 old new
	expect 1 'changed  "a"  .n[0]: 1 -> 1.1'
	diff_ --tolerance -1 old new
	refused 64 kstream-diff "--tolerance '-1' is not a number from 0"
}

@test "diff: what cannot be compared is refused" {
	rows '{"k":"a"}' >old
	try kstream-diff old
	refused 64 kstream-diff 'OLD and NEW'
	try kstream-diff old old old
	refused 64 kstream-diff 'OLD and NEW'
	local words
	for words in '-n -1' '-n x' '--memory 1k' '--memory x' '--to csv' '--on-error dlq:x' '--out x' '--in x' '-t x' '--app x' '-b localhost:1 -o 5'; do
		# shellcheck disable=SC2086
		diff_ $words old old
		refused 64 kstream-diff || fail "$words"
	done
	rows '{"k":"a","n":[1,0.3,1.25]}' >old
	rows '{"k":"a","n":[1.1,0.4,1.3]}' >new
	diff_ -q --tolerance 0.1 old new
	expect 0 ''
	diff_ -q --tolerance 0.09 old new
	expect 1 'changed  "a"  .n[0]: 1 -> 1.1'
	diff_ old -
	refused 64 kstream-diff '<(COMMAND)'
	try kstream-diff old kafka:
	refused 64 kstream-diff 'names no topic'
	diff_ old none
	refused 66 kstream-diff "cannot open 'none'"
	try kstream-diff --from json old old
	refused 65 kstream-diff 'old: partition 0, offset 0: the record has no key, by which it could be compared (--key EXPR gives it one)'
	kstream-cat --from json old >frames
	try kstream-diff frames frames
	refused 65 kstream-diff 'frames: partition 0, offset 0: the record has no key, by which it could be compared (kstream-map key=EXPR gives it one)'
	kstream-map --in frames key=.k >keyed
	try kstream-diff -q keyed keyed
	expect 0 ''
	try kstream-diff old old
	refused 65 kstream-cat '--from json'
	try kstream-diff --key .k old old
	refused 64 kstream-cat 'for text add --from json'
	echo '{"k":' >>old
	diff_ old old
	refused 65 kstream-cat 'old'
	diff_ -q --on-error skip old old
	expect 0 ''
}

@test "diff: a full device, cut input, a full disk for the sort" {
	seq 20000 | sed 's/.*/{"k":&,"text":"some text that takes some room in memory"}/' >big
	try_sh 'kstream-diff --from json --key .k big big >/dev/full'
	refused 74 kstream-diff 'cannot write to stdout'
	kstream-cat --from json --key .k big >frames
	head -c -3 frames >cut
	try kstream-diff frames cut
	refused 75 kstream-cat
	TMPDIR=/nonexistent try kstream-diff --memory 1M frames frames
	refused 74 kstream-diff "cannot make a temporary file in '/nonexistent'"
	try_sh 'ulimit -f 100; kstream-diff --memory 1M frames frames'
	refused 74 kstream-diff 'cannot write a temporary file'
	mkdir tmp
	TMPDIR=$PWD/tmp try kstream-diff -qv --memory 1M frames frames
	[ "$status" = 0 ]
	[[ $(<err) =~ ", "[1-9][0-9]*" written to temporary files in '$PWD/tmp'"$ ]]
	[ -z "$(ls tmp)" ]
}

@test "diff: what Python finds, in memory and on disk" {
	/usr/bin/python3 - <<-'END'
	import json, random
	random.seed(9)
	def value(): return random.choice([None, {"n": random.randrange(3), "x": random.choice([1, 1.0, "1", [1, 2], {"y": 1}])}])
	def window(): return random.sample([("key", random.choice([int, float])(random.randrange(50))), ("start", random.randrange(50)), ("end", [])], 3)
	def key(): return random.choice(["k%d" % random.randrange(9000), random.randrange(9000), float(random.randrange(9000)), random.randrange(99) / 4, dict(window())])
	def same(k): # as numbers and objects are equal
	    if isinstance(k, dict): return {m: same(k[m]) for m in sorted(k)}
	    return int(k) if isinstance(k, float) and k == int(k) else k
	sides = [[(key(), value()) for _ in range(30000)] for _ in range(2)]
	last = []
	for name, rows in zip(["old", "new"], sides):
	    with open(name, "w") as f:
	        for k, v in rows: print(json.dumps({"key": k, "payload": v}), file=f)
	    last.append({json.dumps(same(k)): v for k, v in rows})
	old, new = ({k: v for k, v in x.items() if v is not None} for x in last)
	with open("expected", "w") as f:
	    for k in sorted(old.keys() | new.keys()):
	        cause = "added" if k not in old else "removed" if k not in new else "changed" if old[k] != new[k] else None
	        if cause: print(json.dumps([json.loads(k), cause, old.get(k), new.get(k)]), file=f)
	END
	for memory in 256M 1M; do
		try kstream-diff -v --from envelope --to json --memory "$memory" old new
		[ "$status" = 1 ]
		jq -c '[(.key | walk(if type == "number" then . + 0 else . end)), .cause, .old, .new]' out | jq -cS . | sort >got
		jq -cS . expected | sort | cmp - got
		[ "$memory" = 256M ] || [[ "$(cat err)" != *' 0 written to temporary files' ]]
	done
	[ "$(wc -l <got)" -gt 5000 ]
}
