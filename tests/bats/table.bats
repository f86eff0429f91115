#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# kstream-table: tables, their changes, and what is held back.  As Kafka Streams: tests/bats/conformance.bats.

# shellcheck disable=SC2016
load lib

# records KEY/TIME/VALUE[/PARTITION] ...: envelopes; a key of - is none, a time of - too, a value is JSON
records() {
	local r key time value partition i=0
	for r in "$@"; do
		IFS=/ read -r key time value partition <<<"$r"
		if [ "$key" = - ]; then key=null; else key="\"$key\""; fi
		if [ "$time" = - ]; then time='"tstype":"none","ts":null'; else time="\"tstype\":\"create\",\"ts\":$time"; fi
		printf '{"topic":"in","partition":%s,"offset":%d,%s,"key":%s,"payload":%s}\n' "${partition:-0}" "$i" "$time" "$key" "$value"
		i=$((i + 1))
	done
}

# table END OPTION ... -- RECORD ...: KEY=VALUE@TIME of each result of a paused or complete input
table() {
	local end=$1 options=()
	shift
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	records "$@" >in
	try bash -c 'set -o pipefail; kstream-cat --from envelope --end "$1" in | kstream-table "${@:2}" | kstream-cat --to envelope |
		jq -rc "\"\(if .key|type == \"object\" then .key.key else .key end)=\(.payload|tojson)@\(.ts)\""' table "$end" "${options[@]}"
}

@test "table: --help begins with the synopsis" {
	try kstream-table --help
	expect 0
	[ "$(head -n 5 out | tr -s ' \n' ' ')" = 'usage: kstream-table [--changes | --by EXPR] [--only-changes] [--emit update|every:DURATION [--max-records N]] [--versioned DURATION] [--cdc debezium [--on-truncate fail|ignore|clear]] [--dump] [--load FILE] [FILE ...] ' ]
}

@test "table: what cannot be asked for is refused" {
	local options what
	while IFS='|' read -r options what; do
		try_sh "kstream-table $options </dev/null"
		refused 64 kstream-table "$what" || fail "$options"
	done <<-'END'
		--emit close|update, or every:DURATION
		--emit every|update, or every:DURATION
		--emit every:|is no duration
		--emit every:5|is no duration
		--emit every:99999999999999999999s|too long
		--max-records 3|--emit every:DURATION
		--emit every:1s --max-records 0|not a number from 1
		--emit every:1s --max-records x|not a number from 1
		--versioned 5|is no duration
		--versioned -1s|is no duration
		--versioned 1h --emit every:1s|one of them
		--max-future 1h|about times
		--by .x --changes|leave out --changes
		--by '.x +'|--by: column
		--dump --changes|emits the table
		--dump --by .x|emits the table
		--dump --emit every:1s|emits the table
		--cdc maxwell|debezium is known
		--on-truncate clear|--cdc
		--cdc debezium --on-truncate maybe|fail, ignore or clear
		--no-such-option|unknown option
	END
}

@test "table: a full device, cut input, no records" {
	records a/1/1 >in
	try_sh 'kstream-table --from envelope --to json in >/dev/full'
	refused 74 kstream-table 'No space left'
	kstream-cat --from envelope in >frames
	head -c $(($(wc -c <frames) - 12)) frames >cut.frames
	try_sh 'kstream-table --dump --to json <cut.frames'
	refused 75 kstream-table
	: >none
	try kstream-table --from json --key .k --to json --changes none
	expect 0 ''
}

@test "table: the last record of a key is its row, and each is a change" {
	table paused -- a/1/1 b/2/2 a/5/3 a/4/null c/9/null -/9/1 a/2/4
	[ "$(cat out)" = 'a=1@1
b=2@2
a=3@5
a=null@4
c=null@9
a=4@2' ] || fail ''
	grep -q 'without a key were dropped: --key EXPR' err
}

@test "table: --changes says what was there, and that this is the latest" {
	table paused --changes -- a/1/1 a/2/'{"x":[1]}' b/2/2 a/1/null a/7/null a/8/5
	expect 0 'a=[1,null,true]@1
a=[{"x":[1]},1,true]@2
b=[2,null,true]@2
a=[null,{"x":[1]},true]@1
a=[null,null,true]@7
a=[5,null,true]@8'
	kstream-table --from envelope --changes --to envelope in | jq -c .flags | sort -u >flags
	[ "$(cat flags)" = '["change"]' ]
}

@test "table: where a record came from stays with its change" {
	local line='{"topic":"t","partition":4,"offset":7,"tstype":"append","ts":3,"route":"r","key":"k","headers":[["h","v"]],"payload":1}' options
	for options in '' --changes '--by 1' '--emit every:0ms'; do
		try_sh "echo '$line' | kstream-table --from envelope $options --to envelope | jq -c '[.topic, .partition, .offset, .tstype, .ts, .route, .headers]'"
		expect 0 '["t",4,7,"append",3,"r",[["h","v"]]]' || fail "$options"
	done
}

@test "table: --only-changes lets go what is equal as jq compares, unless it is older" {
	table paused --only-changes -- a/1/'{"x":1,"y":"a"}' a/2/'{"y":"a","x":1.0}' a/3/'{"x":2,"y":"a"}' a/3/'{"x":2,"y":"a"}' a/2/'{"x":2,"y":"a"}' b/1/null a/4/null a/5/null
	expect 0 'a={"x":1,"y":"a"}@1
a={"x":2,"y":"a"}@3
a={"x":2,"y":"a"}@2
a=null@4'
	kstream-table -v --only-changes --from envelope --to json in 2>err >/dev/null
	grep -qF '8 in, 4 out, 4 dropped (unchanged 4), 0 late, 0 rejected, 4 folded into 4' err
}

@test "table: partitions and streams: a row belongs to a partition, whatever stream it came by" {
	table paused --changes -- a/1/1/0 a/1/2/1 a/1/3/0
	expect 0 'a=[1,null,true]@1
a=[2,null,true]@1
a=[3,1,true]@1'
	records x/1/1 | sed 's/"in"/"one"/' >in
	records x/2/2 | sed 's/"in"/"two"/' >>in
	records x/3/3 >>in
	try_sh 'kstream-cat --from envelope in | kstream-table --only one,two --changes | kstream-cat --to json'
	expect 0 '[1,null,true]
[2,1,true]
3'
}

@test "table: changes of another table are rows of this one" {
	records a/1/1 b/2/2 a/3/3 a/4/null >in
	try_sh "kstream-table --from envelope --changes in | kstream-filter '. != 2' | kstream-table | kstream-cat --to envelope | jq -c '[.key, .payload, .flags]'"
	expect 0 '["a",1,[]]
["a",3,[]]
["a",null,[]]'
	# what is not the latest there is no row here, and is passed on
	try_sh "kstream-table --from envelope --versioned 1h --changes in | kstream-table --changes | kstream-cat --to json"
	expect 0 '[1,null,true]
[2,null,true]
[3,1,true]
[null,3,true]'
	records a/9/1 a/5/2 a/10/3 >in
	try_sh "kstream-table --from envelope --versioned 1h --changes in | kstream-table --changes | kstream-cat --to json"
	expect 0 '[1,null,true]
[2,1,false]
[3,1,true]'
	try_sh "kstream-table --from envelope --versioned 1h --changes in | kstream-table --dump | kstream-cat --to json"
	expect 0 3
}

@test "table: --versioned takes what is late into history, and lets go what is older than that" {
	table paused --versioned 10ms --changes -- a/100/1 a/95/2 a/90/3 a/89/4 a/110/5 b/99/1 b/100/2 a/110/null a/110/null
	[ "$(cat out)" = 'a=[1,null,true]@100
a=[2,1,false]@95
a=[3,1,false]@90
a=[5,1,true]@110
b=[2,null,true]@100
a=[null,5,true]@110
a=[null,null,true]@110' ] || fail ''
	# a tombstone of the latest version's time leaves none, since the one before is a value
	kstream-table --from envelope --versioned 10ms --dump --to envelope in | jq -c '[.key, .payload, .ts]' >dump
	[ "$(cat dump)" = '["a",3,90]
["a",2,95]
["a",1,100]
["a",null,110]
["b",2,100]' ] || fail "$(cat dump)"
	kstream-table -v --from envelope --versioned 10ms --to json in 2>err >/dev/null
	grep -qF '2 dropped (out of history 2)' err
}

@test "table: --versioned and --emit every want a time" {
	records a/-/1 >in
	for options in '--versioned 1h' '--emit every:1s'; do
		# shellcheck disable=SC2086
		try kstream-table --from envelope $options --to json in
		refused 65 kstream-table --time
	done
	try kstream-table --from envelope --to json in
	expect 0 1
}

@test "table: a time too far ahead is not believed" {
	printf '%s\n' '{"topic":"t","key":"a","tstype":"create","ts":5,"payload":1}' '{"topic":"t","key":"a","tstype":"create","ts":7258118400000,"payload":2}' \
		'{"topic":"t","key":"a","tstype":"create","ts":6,"payload":3}' >in
	for how in '--versioned 1h' '--emit every:1s'; do
		# shellcheck disable=SC2086
		kstream-table --from envelope --to envelope --max-future 1h --on-error skip $how in >out
		[ "$(jq .ts out | tail -n 1)" = 6 ] || fail "$how: time has moved"
	done
	try kstream-table --from envelope --versioned 1h --max-future 1h in
	refused 65 kstream-table 'time 7258118400000 is further ahead of the clock than --max-future allows'
}

@test "table: --by takes the old row from its group before the new one goes to its own" {
	table paused --by .g -- a/1/'{"g":"x","v":1}' b/2/'{"g":"x","v":2}' a/3/'{"g":"x","v":3}' a/4/'{"g":"y","v":4}' b/5/null a/6/'{"g":null}' a/7/'{"g":"x"}' c/8/'{"v":1}'
	expect 0 'x=[{"g":"x","v":1},null,true]@1
x=[{"g":"x","v":2},null,true]@2
x=[{"g":"x","v":3},{"g":"x","v":1},true]@3
x=[null,{"g":"x","v":3},true]@4
y=[{"g":"y","v":4},null,true]@4
x=[null,{"g":"x","v":2},true]@5
y=[null,{"g":"y","v":4},true]@6
x=[{"g":"x"},null,true]@7'
	kstream-table --from envelope --by .g --to envelope in | jq -c .flags | sort -u >flags
	[ "$(cat flags)" = '["key-changed","change"]' ] || fail "$(cat flags)"
	# a row whose group cannot be told does not get into the table
	table paused --by .g --on-error skip -- a/1/'{"g":1}' a/2/7 a/3/'{"g":2}'
	[ "$(cat out)" = '1=[{"g":1},null,true]@1
1=[null,{"g":1},true]@3
2=[{"g":2},null,true]@3' ] || fail ''
	try kstream-table --from envelope --by .g --to json in
	[[ "$(cat err)" == 'kstream-table: in/0@1: --by: '* ]] || fail ''
	# history is no change of a group
	table paused --by .g --versioned 1h -- a/9/'{"g":1}' a/5/'{"g":2}'
	expect 0 '1=[{"g":1},null,true]@9'
}

# aggregate AGGREGATE RECORD ...: of the values of a table's rows, by their .g
aggregate() {
	local clause=$1
	shift
	records "$@" >in
	try bash -c 'set -o pipefail; kstream-cat --from envelope --end paused in | kstream-table --by .g | kstream-repartition --partitions 1 |
		kstream-window -q --on-error skip --running "$1" | kstream-cat --to envelope | jq -rc "\"\(.key)=\(.payload|tojson)@\(.ts)\""' aggregate "$clause"
}

@test "table: rows of a table are aggregated, and taken out again" {
	local moves=(a/5/'{"g":"x","v":1}' b/2/'{"g":"x","v":10}' a/3/'{"g":"x","v":2}' a/4/'{"g":"y","v":3}' b/1/null)
	aggregate 'n=count(), s=sum(.v), a=avg(.v)' "${moves[@]}"
	expect 0 'x={"n":1,"s":1,"a":1}@5
x={"n":2,"s":11,"a":5.5}@5
x={"n":2,"s":12,"a":6}@5
x={"n":1,"s":10,"a":10}@5
y={"n":1,"s":3,"a":3}@4
x={"n":0,"s":0,"a":null}@5'
	aggregate 'count()' "${moves[@]}"
	[ "$(tail -n 1 out)" = 'x=0@5' ] || fail ''
	# what shows nothing any more is forgotten, with a tombstone, and so is its time
	aggregate 'fold(0; $acc + .v; $acc - .v | if . == 0 then null else . end)' a/5/'{"g":"x","v":1}' a/3/null a/1/'{"g":"x","v":4}'
	expect 0 'x=1@5
x=null@5
x=4@1'
	# within one change the time stays
	aggregate 'fold(0; $acc + .v; $acc - .v | if . == 0 then null else . end)' a/5/'{"g":"x","v":1}' a/3/'{"g":"x","v":4}'
	expect 0 'x=1@5
x=4@5'
	# a string that records the calls: out before in
	aggregate 'fold("0"; $acc + "+" + (.v|tostring); $acc + "-" + (.v|tostring))' "${moves[@]}"
	expect 0 'x="0+1"@5
x="0+1+10"@5
x="0+1+10-1+2"@5
x="0+1+10-1+2-2"@5
y="0+3"@4
x="0+1+10-1+2-2-10"@5'
}

@test "table: an aggregate that cannot take a value out, and a window, refuse changes" {
	records a/1/1 >in
	kstream-table --from envelope --changes in >changes
	try_sh "kstream-window --running 'max(.)' --to json <changes"
	refused 78 kstream-window 'max(.)'
	try_sh "kstream-window --running 'reduce(\$acc + .)' --to json <changes"
	refused 78 kstream-window 'takes a value out'
	try_sh "kstream-window --tumble 1s 'count()' --to json <changes"
	refused 78 kstream-window 'windows hold events'
	# a row that is not the latest leaves the aggregate alone
	records a/9/1 a/5/2 >in
	try_sh "kstream-table --from envelope --versioned 1h --changes in | kstream-window -v --running 'sum(.)' --to json 2>said"
	expect 0 1
	grep -qF 'not the latest 1' said
}

@test "table: a row that cannot be aggregated is not in the aggregate, whatever it was and becomes" {
	# it takes the place of another: that one is out; then it is another again, or goes
	aggregate 'n=count(), s=sum(.v)' b/1/'{"g":"x","v":5}' a/2/'{"g":"x","v":1}' a/3/'{"g":"x","v":"no"}' a/4/'{"g":"x","v":"nor"}' \
		a/5/'{"g":"x","v":2}' a/6/'{"g":"x","v":"no"}' a/7/null c/8/'{"g":"y","v":"no"}' c/9/null
	expect 0 'x={"n":1,"s":5}@1
x={"n":2,"s":6}@2
x={"n":1,"s":5}@3
x={"n":2,"s":7}@5
x={"n":1,"s":5}@6'
	# between groups, too
	aggregate 'sum(.v)' a/1/'{"g":"x","v":1}' a/2/'{"g":"y","v":"no"}' a/3/'{"g":"x","v":3}'
	expect 0 'x=1@1
x=0@2
x=3@3'
	# it is told once, when it comes
	kstream-cat --from envelope --end paused in | kstream-table --changes | kstream-window -v --running --on-error file:refused 'sum(.v)' 2>said >/dev/null
	grep -qF '1 rejected' said || fail "$(cat said)"
	[ "$(jq -c .payload refused)" = '{"g":"y","v":"no"}' ] || fail "$(cat refused)"
	kstream-table --from envelope --changes in >changes
	try_sh "kstream-window --running 'sum(.v)' --to json <changes"
	refused 65 kstream-window 'cannot add a string'
	# what cannot be taken out is an error of the change
	aggregate 'fold(0; $acc + .v; if .v == 2 then error("no") else $acc - .v end)' a/1/'{"g":"x","v":1}' a/2/'{"g":"x","v":2}' a/3/'{"g":"x","v":3}'
	expect 0 'x=1@1
x=2@2'
}

@test "table: --emit every gives out the last change of a key, when its first is so old" {
	table paused --emit every:10ms -- a/0/1 a/5/2 b/7/1 a/9/3 a/10/4 a/11/5 b/17/2 b/18/3
	expect 0 'a=4@10
b=2@17'
	# by time, then by key; a tombstone is held, too; the older time of a later change is its own
	table paused --emit every:10ms -- c/5/1 b/5/1 a/5/null z/6/1 z/3/2 x/30/0
	expect 0 'a=null@5
b=1@5
c=1@5
z=2@3'
	# what is held when the input is complete goes out, when it was paused not
	table complete --emit every:10ms -- b/5/1 a/5/2 a/6/3 c/1/1/7
	expect 0 'a=3@6
b=1@5
c=1@1'
	table paused --emit every:10ms -- b/5/1 a/5/2
	expect 0 ''
	# another partition has another time
	table paused --emit every:10ms -- a/5/1/0 a/90/2/1
	expect 0 ''
}

@test "table: --max-records holds back no more" {
	table paused --emit every:1h --max-records 2 -- a/3/1 b/1/1 a/4/2 c/2/1 d/1/1
	expect 0 'b=1@1
d=1@1'
	records a/9223372036854775807/1 b/-9223372036854775808/2 a/5/3 >in
	try_sh 'kstream-cat --from envelope --end paused in | kstream-table --emit every:106751991167d --max-records 1 | kstream-cat --to envelope'
	[[ "$(cat out)" == *'"ts":-9223372036854775808,'*'"key":"b"'* ]] || fail ''
	[ "$(wc -l <out)" = 1 ] || fail ''
	try kstream-table --from envelope --versioned 106751991167d --to json in
	expect 0 1
}

@test "table: what is held back changes from what was given out last" {
	table paused --emit every:10ms --changes -- a/0/1 a/5/2 a/10/3 a/12/4 a/13/5 b/22/1
	expect 0 'a=[3,null,true]@10
a=[5,3,true]@13'
	table paused --emit every:10ms --only-changes -- a/0/1 b/10/1 a/11/2 a/12/1 b/40/2
	expect 0 'a=1@0
b=2@40'
	table complete --emit every:10ms --by . -- a/0/1 a/5/2 a/10/3 a/20/2 a/30/2
	expect 0 '3=[3,null,true]@10
3=[null,3,true]@30
2=[2,null,true]@30'
}

@test "table: --emit every holds windows' results back, each window's own" {
	records a/1/1 a/2/1 a/11/1 a/12/1 a/40/1 >in
	try_sh "kstream-cat --from envelope --end paused in | kstream-window --tumble 10ms --grace 1h 'count()' | kstream-table --emit every:5ms | kstream-cat --to envelope | jq -c '[.key.start, .payload, .ts, .flags]'"
	expect 0 '[0,2,2,["window"]]
[10,2,12,["window"]]'
}

# The frames of in, with a mark of partition 0 that time has come to $1.
marked() {
	kstream-cat --from envelope --end paused in >frames
	/usr/bin/python3 -c '
import struct, sys
data, at, out = open("frames", "rb").read(), 0, b""
while at < len(data):
    size = 6 + struct.unpack(">I", data[at + 1:at + 5])[0]
    if data[at + 5] == 4:
        mark = b"\x93\x00\xd3" + struct.pack(">q", int(sys.argv[1])) + b"\xc2"
        out += b"\xc9" + struct.pack(">I", len(mark)) + b"\x03" + mark
    out += data[at:at + size]
    at += size
open("frames", "wb").write(out)' "$1"
}

@test "table: a mark moves time, and goes no further than what is held back" {
	records a/0/1 b/7/1 b/5/2 >in
	marked 12
	try_sh "kstream-table --emit every:10ms frames | tee made | kstream-cat --to envelope | jq -c '[.key, .payload]'"
	expect 0 '["a",1]'
	frames print MARK <made >printed
	[ "$(cat printed)" = 'MARK [0,5,false]' ] || fail "$(cat printed)"
}

@test "table: --dump is the table at the end, by partition and key, and --load begins with it" {
	table complete --dump -- b/1/1 a/2/2 b/3/3 c/4/4/1 aa/5/5 d/6/6 d/7/null
	expect 0 'a=2@2
b=3@3
aa=5@5
c=4@4'
	table paused --dump -- a/1/1
	refused 0 kstream-table 'nothing was dumped' || return
	[ ! -s out ] || fail 'a row'
	records b/1/1 a/-/2 c/3/'{"x":1}'/1 >in
	kstream-table --from envelope --dump --to envelope in >dump
	[ "$(jq -c '[.key, .tstype, .ts, .offset, .partition]' dump)" = '["a","none",null,-1,0]
["b","create",1,-1,0]
["c","create",3,-1,1]' ] || fail "$(cat dump)"
	: >none
	try kstream-table --from envelope --load dump --dump --to envelope none
	cmp out dump
	# which a run to the same file would empty before it is read
	cp dump kept
	try kstream-table --from envelope --load dump --dump --to envelope --out dump none
	refused 64 kstream-table "'dump' is read and output at once" && cmp kept dump || return
	records a/5/3 a/6/2 >in
	try kstream-table --from envelope --load dump --changes --to json in
	expect 0 '[3,2,true]
[2,3,true]'
	# history is dumped and loaded, too
	records a/9/1 a/5/2 a/10/null b/1/1 a/10/7 b/30/null >in
	kstream-table --from envelope --versioned 1h --dump --to envelope in >dump
	[ "$(jq -c '[.key, .payload, .ts]' dump)" = '["a",2,5]
["a",1,9]
["a",7,10]
["b",1,1]
["b",null,30]' ] || fail "$(cat dump)"
	try kstream-table --from envelope --versioned 1h --load dump --dump --to envelope none
	cmp out dump
	# the keys of windows stay such
	records a/1/1 >in
	try_sh "kstream-cat --from envelope in | kstream-window --tumble 10ms 'count()' | kstream-table --dump | kstream-cat --to envelope | jq -c .flags"
	expect 0 '["window"]'
}

@test "table: what cannot be loaded is told with its line" {
	: >none
	try kstream-table --from json --load missing none
	refused 66 kstream-table missing
	printf '{"key":"a","payload":1}\n{"key":\n' >dump
	try kstream-table --from json --load dump none
	refused 65 kstream-table dump:2
	printf '{"key":null,"payload":1}\n' >dump
	try kstream-table --from json --load dump none
	refused 65 kstream-table "'dump': not a row"
}

@test "table: keys are equal whatever packed them, and of any type" {
	printf '%s\n' '{"k":1,"v":1}' '{"k":1.0,"v":2}' '{"k":"1","v":3}' '{"k":{"a":1},"v":4}' '{"k":{"a":1},"v":5}' '{"k":1,"v":6}' >in
	try kstream-table --from json --key .k --dump --to json in
	expect 0 '{"k":1,"v":6}
{"k":{"a":1},"v":5}
{"k":"1","v":3}
{"k":1.0,"v":2}'
	# "k" packed long (d9 01) and short
	records k/1/1 k/2/2 >in
	kstream-cat --from envelope in >frames
	/usr/bin/python3 - <<-'E'
		import struct
		data = open("frames", "rb").read()
		at = data.index(b"\xa1k\x90\x01")
		start = data.rindex(b"\xc9", 0, at)
		n = struct.unpack(">I", data[start + 1:start + 5])[0]
		open("frames", "wb").write(data[:start + 1] + struct.pack(">I", n + 1) + data[start + 5:at] + b"\xd9\x01k" + data[at + 2:])
	E
	try kstream-table --changes --to json frames
	expect 0 '[1,null,true]
[2,1,true]'
}

@test "table: rows grow, shrink and go" {
	local long
	long=$(printf 'x%.0s' {1..3000})
	table paused --changes -- a/1/'""' "a/2/\"$long\"" b/3/1 a/4/7 "a/5/\"$long\"" a/6/null a/7/'[]'
	[ "$(cut -c 1-20 out)" = "$(printf '%s\n' 'a=["",null,true]@1' "a=[\"$long" 'b=[1,null,true]@3' "a=[7,\"$long" "a=[\"$long" "a=[null,\"$long" 'a=[[],null,true]@7' | cut -c 1-20)" ] || fail ''
}

@test "table: a key that was changed since it was partitioned is refused" {
	records a/1/1 | sed 's/"key":/"flags":["key-changed"],"key":/' >in
	try kstream-table --from envelope --to json in
	refused 78 kstream-table kstream-repartition
}
