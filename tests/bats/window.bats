#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# kstream-window through the real tools, which must be in PATH.

# shellcheck disable=SC2154,SC2129,SC2238
bats_require_minimum_version 1.5.0
load windows

setup() {
	command -v kstream-window >/dev/null
	cd "$BATS_TEST_TMPDIR" || return
}

# How results are shown: key@start-end=value@time.  (jq would round the numbers.)
show() {
	sed -E 's/.*"ts":(-?[0-9]+),.*"key":\{"key":"?([^,"]*)"?,"start":([0-9]+),"end":([0-9]+)\},"headers":\[.*\],"payload":(.*)\}$/\2@\3-\4=\5@\1/'
}

# window KIND OPTION ... -- RECORD ...: results of a paused or complete input
window() {
	local kind=$1 options=()
	shift
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	records "$@" | kstream-cat --from envelope --end "$kind" | kstream-window "${options[@]}" | kstream-cat --to envelope | show
}

# refused TEXT OPTION ...: the command line is refused, in one line that has the text in it
refused() {
	local text=$1
	shift
	run -64 --separate-stderr kstream-window "$@" </dev/null
	[ "${#stderr_lines[@]}" -eq 1 ]
	[[ "$stderr" == "kstream-window: "* ]]
	[[ "$stderr" == *"$text"* ]] || {
		echo "$stderr"
		return 1
	}
	[ -z "$output" ]
}

@test "window: --help begins with the synopsis" {
	run -0 kstream-window --help
	[ "$(echo "${lines[0]}${lines[1]}" | tr -s ' ')" = \
		"usage: kstream-window SHAPE [--grace DURATION] [--emit WHEN] [--late WHERE] [--key-as FORM] [NAME=]AGGREGATE(EXPR) ..." ]
}

@test "window: the command line" {
	refused '--tumble 1m' 'n=count()'
	refused "'n=count(), low=min(.price)'" --tumble 1m
	refused 'longer than 0' --tumble 0s 'count()'
	refused 'longer than 0' --tumble 0 'count()'
	refused "'-1s' is no duration" --tumble=-1s 'count()'
	refused "'60' is no duration" --tumble 60 'count()'
	refused "'1 minute' is no duration" --tumble '1 minute' 'count()'
	refused 'too long' --tumble 9223372036854775808ms 'count()'
	refused 'too long' --tumble 9999999999999999999999w 'count()'
	refused "'-1s' is no duration" --tumble 1m --grace=-1s 'count()'
	refused 'too long' --tumble 1m --grace 99999999999999999999s 'count()'
	refused "--emit 'often'" --tumble 1m --emit often 'count()'
	refused 'did you mean avg?' --tumble 1m 'a=mean(.x)'
	refused 'did you mean count?' --tumble 1m 'n=cuont()'
	refused 'there are count sum avg' --tumble 1m 'p=xyzzy(.x)'
	refused "have the same name" --tumble 1m 'a=min(.x)' 'b=count()' 'a=max(.x)'
	refused 'wants a name' --tumble 1m 'min(.x), max(.x)'
	refused 'wants a name' --tumble 1m 'a=min(.x)' 'max(.x)'
	refused 'sum wants an expression' --tumble 1m 's=sum()'
	refused 'an aggregate is missing' --tumble 1m 'a=count(),'
	refused 'not closed' --tumble 1m 'a=sum((.x)'
	refused "'a=sum(.x +)'" --tumble 1m 'a=sum(.x +)'
	refused 'a file is named by --in' --tumble 1m 'count()' trades.jsonl
	refused '' --tumble 1m --no-such-option 'count()'
}

@test "window: an empty stream gives an empty stream" {
	: >none
	run -0 --separate-stderr kstream-window --from json --time .t --key .k --in none --tumble 1m --to envelope 'count()'
	[ -z "$output" ]
	run -0 --separate-stderr bash -c "kstream-cat --from json none | kstream-window --tumble 1m --emit close 'count()' | kstream-cat --to json"
	[ -z "$output$stderr" ]
}

@test "window: an upstream that dies is a failure, and closes nothing" {
	records a:1 b:2 | kstream-cat --from envelope >whole
	head -c $(($(wc -c <whole) - 12)) whole >cut # within the barrier
	run -75 --separate-stderr bash -c "kstream-window --tumble 10ms --emit close --to json 'count()' <cut"
	[ -z "$output" ]
	[ "${#stderr_lines[@]}" -eq 1 ]
}

@test "window: a full device" {
	records a:1 b:2 | kstream-cat --from envelope >whole
	run -74 --separate-stderr bash -c "kstream-window --tumble 10ms --to json 'count()' <whole >/dev/full"
	[ "${#stderr_lines[@]}" -eq 1 ]
}

@test "window: update emits every change, the time is the largest of the window's records" {
	run -0 window paused --tumble 10ms --grace 10ms 'n=count(), s=sum(.), z=last(.)' -- a:3:5 b:4:1 a:7:2 a:5:9 a:12:1 a:9:1
	[ "$output" = 'a@0-10={"n":1,"s":5,"z":5}@3
b@0-10={"n":1,"s":1,"z":1}@4
a@0-10={"n":2,"s":7,"z":2}@7
a@0-10={"n":3,"s":16,"z":9}@7
a@10-20={"n":1,"s":1,"z":1}@12
a@0-10={"n":4,"s":17,"z":1}@9' ]
}

@test "window: lateness to the millisecond" {
	# grace 5: [0, 10) takes records until the time is 14, and is closed at 15
	run -0 window paused --tumble 10ms --grace 5ms 'count()' -- a:0 a:14 a:9 a:15 a:9 a:10
	[ "$output" = 'a@0-10=1@0
a@10-20=1@14
a@0-10=2@9
a@10-20=2@15
a@10-20=3@15' ]
	# no grace: at its end
	run -0 window paused --tumble 10ms 'count()' -- a:9 a:10 a:9
	[ "$output" = 'a@0-10=1@9
a@10-20=1@10' ]
	# another key moves the time, too
	run -0 window paused --tumble 10ms 'count()' -- a:9 b:10 a:9
	[ "$output" = 'a@0-10=1@9
b@10-20=1@10' ]
	# the record that moves the time is judged by it itself: here the grace is as good as none
	records a:100 a:1 a:9 a:99 | kstream-cat --from envelope | kstream-window -v --tumble 10ms 'count()' 2>err >/dev/null
	grep -q '4 in, 1 out, 0 dropped, 3 late' err
}

@test "window: close emits once, by start and then by key bytes, when time says so" {
	run -0 window paused --tumble 10ms --emit close 'count()' -- b:1 c:5 b:11 a:12 bb:12 a:19 ab:19 a:25
	[ "$output" = 'b@0-10=1@1
c@0-10=1@5
a@10-20=2@19
b@10-20=1@11
ab@10-20=1@19
bb@10-20=1@12' ]
	# several windows at once, the oldest first; one jump loses none of them
	run -0 window paused --tumble 10ms --grace 50ms --emit close 'count()' -- c:5 b:15 a:25 a:31 z:99999999
	[ "$output" = 'c@0-10=1@5
b@10-20=1@15
a@20-30=1@25
a@30-40=1@31' ]
	# by the bytes of msgpack: 7, a map, a string, -1
	records x:1 | sed 's/"x"/{"a":1}/' >mixed
	records x:1 | sed 's/"x"/-1/' >>mixed
	records x:1 | sed 's/"x"/7/' >>mixed
	records ab:1 >>mixed
	kstream-cat --from envelope mixed | kstream-window --tumble 10ms --emit close 'count()' | kstream-cat --to envelope | jq -c .key.key >keys
	[ "$(cat keys)" = $'7\n{"a":1}\n"ab"\n-1' ]
}

@test "window: complete closes what is open, by partition, start and key; paused closes nothing" {
	run -0 window complete --tumble 10ms --emit close 'count()' -- z:25:1:3 a:15:1:0 b:21:1:3 a:5:1:1
	[ "$output" = 'a@10-20=1@15
a@0-10=1@5
b@20-30=1@21
z@20-30=1@25' ]
	run -0 window paused --tumble 10ms --emit close 'count()' -- z:25:1:3 a:15:1:0 b:21:1:3 a:5:1:1
	[ -z "$output" ]
	run -0 window complete --tumble 10ms 'count()' -- a:5 a:6
	[ "$output" = 'a@0-10=1@5
a@0-10=2@6' ]
}

@test "window: each partition has a time and windows of its own" {
	run -0 window paused --tumble 10ms --emit close 'count()' -- a:5:1:0 a:5:1:1 a:10:1:0 a:6:1:1 a:6:1:0 a:7:1:1 a:30:1:1
	[ "$output" = 'a@0-10=1@5
a@0-10=3@7' ]
}

@test "window: null keys, tombstones and null arguments" {
	# without a key: dropped, and time does not move
	records -:100 a:5 | kstream-cat --from envelope | kstream-window -v --tumble 10ms --to envelope 'n=count()' 2>err | show >out
	[ "$(cat out)" = 'a@0-10={"n":1}@5' ]
	grep -q '2 in, 1 out, 1 dropped (null key 1), 0 late' err
	# a tombstone is counted, and is nothing to the others
	run -0 window paused --tumble 10ms 'n=count(), c=count(.), s=sum(.), a=avg(.), l=min(.), f=first(.)' -- a:1:null a:2:4 a:3:null
	[ "$output" = 'a@0-10={"n":1,"c":0,"s":0,"a":null,"l":null,"f":null}@1
a@0-10={"n":2,"c":1,"s":4,"a":4,"l":4,"f":4}@2
a@0-10={"n":3,"c":1,"s":4,"a":4,"l":4,"f":4}@3' ]
	# a bare null is a tombstone and no state: its time is forgotten, on close it is nothing
	run -0 window paused --tumble 10ms 'max(.)' -- a:5:null a:2:4 a:4:null
	[ "$output" = 'a@0-10=null@5
a@0-10=4@2
a@0-10=4@4' ]
	run -0 window complete --tumble 10ms --emit close 'max(.)' -- a:5:null b:2:4
	[ "$output" = 'b@0-10=4@2' ]
	run -0 window complete --tumble 10ms --emit close 'sum(.)' -- a:5:null
	[ "$output" = 'a@0-10=0@5' ]
}

@test "window: numbers" {
	run -0 window complete --tumble 1s --emit close 's=sum(.), a=avg(.), l=min(.), h=max(.)' -- \
		a:1:9223372036854775807 a:2:1 b:1:0.1 b:2:0.2 b:3:0.3 c:1:1 c:2:2.0 d:1:-5 d:2:5 e:1:35 f:1:18446744073709551615
	[ "$output" = 'a@0-1000={"s":9223372036854775808,"a":4611686018427387904,"l":1,"h":9223372036854775807}@2
b@0-1000={"s":0.6,"a":0.19999999999999998,"l":0.1,"h":0.3}@3
c@0-1000={"s":3.0,"a":1.5,"l":1,"h":2.0}@2
d@0-1000={"s":0,"a":0,"l":-5,"h":5}@2
e@0-1000={"s":35,"a":35,"l":35,"h":35}@1
f@0-1000={"s":18446744073709551615,"a":18446744073709551615,"l":18446744073709551615,"h":18446744073709551615}@1' ] || {
		echo "$output"
		return 1
	}
}

@test "window: values of any type are first and last, and outlive their records" {
	local long
	long=$(printf 'x%.0s' $(seq 3000))
	records 'a:1:[1,"b"]' a:2:true "a:3:\"$long\"" a:4:7 b:2:'"short"' "b:3:\"$long\"" c:1:null c:2:'""' >in
	kstream-window --from envelope --in in --tumble 1s --emit close --to json 'f=first(.), z=last(.)' >out
	[ "$(cat out)" = "{\"f\":[1,\"b\"],\"z\":7}
{\"f\":\"short\",\"z\":\"$long\"}
{\"f\":\"\",\"z\":\"\"}" ]
}

@test "window: what cannot be folded goes to --on-error, and has moved time" {
	records a:1:1 a:2:'"x"' a:3:2 >in
	run -65 --separate-stderr kstream-window --from envelope --in in --tumble 10ms --to json 's=sum(.)'
	[ "${#stderr_lines[@]}" -eq 1 ]
	[[ "$stderr" == *'in/0@1'*'s=sum(.): cannot add a string'* ]]
	run -0 --separate-stderr kstream-window -v --from envelope --in in --tumble 10ms --on-error=skip --to json 'n=count(), s=sum(.)'
	[ "$output" = '{"n":1,"s":1}
{"n":2,"s":3}' ]
	[[ "$stderr" == *'1 rejected'* ]]
	records a:5:1 a:25:'"x"' a:6:1 >in
	run -0 --separate-stderr kstream-window -v --from envelope --in in --tumble 10ms --emit close --on-error=skip --to json 's=sum(.)'
	[ "$output" = '{"s":1}' ]
	[[ "$stderr" == *'1 late'* ]]
	records a:1:'[]' >in
	run -65 --separate-stderr kstream-window --from envelope --in in --tumble 10ms --to json 'low=min(.)'
	[[ "$stderr" == *'low=min(.): cannot compare an array'* ]]
	records a:1:'[]' >in
	run -65 --separate-stderr kstream-window --from envelope --in in --tumble 10ms --to json 'low=min(.x)'
	[[ "$stderr" == *'low=min(.x): '* ]]
}

@test "window: a dead letter passes on as a side record" {
	records a:1:1 a:2:'"x"' a:3:2 | kstream-cat --from envelope |
		kstream-window --tumble 10ms --on-error=dlq:bad 's=sum(.)' | kstream-cat --to envelope >out
	[ "$(jq -c -r 'select(.route == "bad") | "\(.key)=\(.payload)@\(.ts)"' out)" = 'a=x@2' ]
	[ "$(jq -c 'select(.route != "bad") | .payload.s' out)" = $'1\n3' ]
}

@test "window: records without time are refused and name --time" {
	echo '{"k":"a"}' >in.jsonl
	run -65 --separate-stderr kstream-window --from json --key .k --in in.jsonl --tumble 1m --to json 'count()'
	[[ "$stderr" == *'--time'* ]]
	[ "${#stderr_lines[@]}" -eq 1 ]
}

@test "window: records with a changed key are refused and name kstream-repartition" {
	records a:1 | sed 's/"key":/"flags":["key-changed"],"key":/' | kstream-cat --from envelope >in
	run -78 --separate-stderr kstream-window --in in --tumble 1m --to json 'count()'
	[[ "$stderr" == *kstream-repartition* ]]
}

@test "window: times at the ends" {
	run -0 window complete --tumble 10ms --emit close 'count()' -- a:-1 a:-9223372036854775808 a:0
	[ "$output" = 'a@0-10=1@0' ]
	records a:-1 b:5 | kstream-cat --from envelope | kstream-window -v --tumble 10ms 'count()' 2>err >/dev/null
	grep -q '2 in, 1 out, 1 dropped (before 1970 1)' err
	# the last window that ends within 64 bits; one more is refused before it moves time
	run -0 window complete --tumble 10ms --emit close 'count()' -- a:9223372036854775799
	[ "$output" = 'a@9223372036854775790-9223372036854775800=1@9223372036854775799' ]
	records a:1 a:9223372036854775807 a:2 >in
	run -0 --separate-stderr kstream-window --from envelope --in in --tumble 10ms --on-error=skip --to json 'count()'
	[ "$output" = $'1\n2' ]
	run -65 --separate-stderr kstream-window --from envelope --in in --tumble 10ms --to json 'count()'
	[[ "$stderr" == *'9223372036854775807'* ]]
	# a window for all time, with a grace for ever
	run -0 window complete --tumble 9223372036854775807ms --grace 9223372036854775807ms --emit close 'count()' -- a:5 a:7258118400000
	[ "$output" = 'a@0-9223372036854775807=2@7258118400000' ]
}

@test "window: where results say they are from" {
	local line='{"topic":"t","partition":4,"offset":7,"tstype":"append","ts":3,"route":"r","key":"k","headers":[["h","v"]],"payload":1}'
	echo "$line" | kstream-cat --from envelope | kstream-window --tumble 10ms 'count()' | kstream-cat --to envelope >out
	[ "$(jq -c '[.topic, .partition, .offset, .tstype, .route, .flags, .headers]' out)" = '["t",4,7,"create","r",["window"],[["h","v"]]]' ]
	echo "$line" | kstream-cat --from envelope | kstream-window --tumble 10ms --emit close 'count()' | kstream-cat --to envelope >out
	[ "$(jq -c '[.topic, .partition, .offset, .tstype, .route, .flags, .headers]' out)" = '["t",4,-1,"create","r",["window"],[]]' ]
	echo "$line" | kstream-cat --from envelope | kstream-window --as w --tumble 10ms --emit close 'count()' | kstream-cat --to envelope >out
	[ "$(jq -c .route out)" = '"w"' ]
}

@test "window: streams that are not asked for, and side records, pass untouched" {
	{
		records a:1
		records b:2 | sed 's/"in"/"other"/'
		records c:3 | sed 's/"key":/"flags":["late"],"route":"gone","key":/'
	} >in
	kstream-cat --from envelope in | kstream-window --only in --tumble 10ms 'n=count()' | kstream-cat --to envelope | jq -c '[.topic, .payload]' >out
	[ "$(cat out)" = '["in",{"n":1}]
["other",1]
["in",1]' ]
}

# the time of the marks in a stream of frames
marks() {
	"${PYTHON:-python3}" -c '
import struct, sys
data, at = sys.stdin.buffer.read(), 0
numbers = {0xcc: ">B", 0xcd: ">H", 0xce: ">I", 0xcf: ">Q", 0xd0: ">b", 0xd1: ">h", 0xd2: ">i", 0xd3: ">q"}
while at < len(data):
    size = 6 + struct.unpack(">I", data[at + 1:at + 5])[0]
    if data[at + 5] == 3:
        tag = data[at + 8]
        print(tag if tag < 128 else struct.unpack_from(numbers[tag], data, at + 9)[0])
    at += size
'
}

@test "window: a mark closes windows as a record would, and waits for those that are open" {
	records a:5 b:15 c:27 >in
	marked in 29 >with
	kstream-window --in with --tumble 10ms --emit close 'count()' | kstream-cat --to envelope | show >out
	[ "$(cat out)" = 'a@0-10=1@5
b@10-20=1@15' ]
	[ "$(kstream-window --in with --tumble 10ms --emit close 'count()' | marks)" = 20 ]
	[ "$(kstream-window --in with --tumble 10ms 'count()' | marks)" = 29 ]
	marked in 40 >with
	[ "$(kstream-window --in with --tumble 10ms --emit close 'count()' | marks)" = 40 ]
	marked in 40 >with
	[ "$(kstream-window --in with --tumble 10ms --grace 15ms --emit close 'count()' | marks)" = 20 ]
}

@test "window: a paused section goes on, one behind a complete one begins anew" {
	records a:5 b:100 >one
	records a:101 a:6 >two
	for kind in paused complete; do
		kstream-cat --from envelope --end "$kind" one >both
		kstream-cat --from envelope --end paused two >>both
		kstream-window -v --tumble 10ms --emit close 'n=count()' <both 2>err | kstream-cat --to envelope | show >"$kind"
		grep -o '[0-9]* late' err >>"$kind"
	done
	[ "$(cat paused)" = 'a@0-10={"n":1}@5
1 late' ]
	# behind the complete section time is that of its own records
	[ "$(cat complete)" = 'a@0-10={"n":1}@5
b@100-110={"n":1}@100
1 late' ]
	records a:6 >two
	for kind in paused complete; do
		kstream-cat --from envelope --end "$kind" one >both
		kstream-cat --from envelope --end paused two >>both
		kstream-window -v --tumble 10ms 'n=count()' <both 2>err >/dev/null
		grep -o '[0-9]* late' err >"$kind"
	done
	[ "$(cat paused)" = '1 late' ]
	[ "$(cat complete)" = '0 late' ]
}

@test "window: equal keys of a foreign program are equal, however they are packed" {
	records a:1 | kstream-cat --from envelope >whole
	"${PYTHON:-python3}" -c '
import struct, sys
def frame(type, payload):
    sys.stdout.buffer.write(b"\xc9" + struct.pack(">IB", len(payload), type) + payload)
data = open("whole", "rb").read()
size = 6 + struct.unpack(">I", data[1:5])[0]
sys.stdout.buffer.write(data[:size])
for key in (b"\xa1a", b"\xd9\x01a", b"\xda\x00\x01a", b"\xdb\x00\x00\x00\x01a", b"\x07", b"\xcc\x07", b"\xd3\0\0\0\0\0\0\0\x07", b"\xcf\0\0\0\0\0\0\0\x07"):
    frame(1, b"\x99\x05\x01\xa2in\x00\x00\xc0" + key + b"\x90\x01")
frame(4, b"\x96\x01\x02\x90\xff\xc0\xc0")
frame(6, b"\x92\x01\x02")
' >foreign
	run -0 --separate-stderr kstream-window --in foreign --tumble 10ms --emit close --to envelope 'count()'
	[ "$(echo "$output" | show)" = '7@0-10=4@5
a@0-10=4@5' ]
}

@test "window: many keys, one record each and again" {
	seq 0 49999 | awk '{ printf "{\"t\":%d,\"k\":\"key %d\",\"v\":%d}\n", 1, $1 * 7919 % 50000, $1 }' >in.jsonl
	cat in.jsonl in.jsonl | kstream-cat --from json --time .t --key .k | kstream-window --tumble 1m --emit close 'n=count(), s=sum(.v)' | kstream-cat --to envelope >out
	[ "$(wc -l <out)" -eq 50000 ]
	[ "$(jq -s -c '[(map(.payload.n) | unique), (map(.payload.s) | add)]' out)" = '[[2],2499950000]' ]
	jq -r .key.key out | LC_ALL=C awk '{ print length($0) * 100000000 + $2 }' | sort -n -c
}

@test "window: keys up to the limit" {
	local key
	key=$(head -c 60000 /dev/zero | tr '\0' k)
	records "$key:1" "$key:2" "${key}x:3" >in
	kstream-window --from envelope --in in --tumble 10ms --emit close --to envelope 'count()' | jq -c '[(.key.key | length), .payload]' >out
	[ "$(cat out)" = '[60000,2]
[60001,1]' ]
}

@test "window: JSON in and out in one process is what a pipeline gives" {
	awk 'BEGIN { srand(3); for (i = 0; i < 3000; i++) printf "{\"t\":%d,\"k\":\"k%d\",\"v\":%.2f}\n", i * 20 - int(rand() * 3000) + 5000, rand() * 7, rand() * 100 }' >in.jsonl
	for emit in update close; do
		set -- --tumble 10s --grace 2s --emit "$emit" 'n=count(), a=avg(.v), l=min(.v), h=max(.v), f=first(.v), z=last(.v)'
		kstream-cat --from json --time .t --key .k in.jsonl | kstream-window "$@" | kstream-cat --to envelope >pipe
		kstream-window --from json --time .t --key .k --in in.jsonl --to envelope "$@" >one
		cmp pipe one
		[ "$(wc -l <one)" -gt 30 ]
	done
}

@test "an argument is an expression of one value: several are an error of the record, none is null" {
	local over=(--from json --to json --time .t --key '"k"' --tumble 1m --emit close --in in.jsonl)
	printf '%s\n' '{"t":1,"l":[1,5]}' '{"t":2,"l":[7]}' '{"t":3,"l":[]}' '{"t":4}' >in.jsonl
	run -65 --separate-stderr kstream-window "${over[@]}" 'n=count(), s=sum(.l[]?)'
	[ -z "$output" ]
	[ "$stderr" = 'kstream-window: in/0@0: s=sum(.l[]?): the expression yields several values where one is wanted' ]
	run -0 kstream-window "${over[@]}" --on-error skip -q 'n=count(), s=sum(.l[]?), m=max(.l // [] | max), f=first(first(.l[]?))'
	[ "$output" = '{"n":3,"s":7,"m":7,"f":7}' ]
	run -0 kstream-window "${over[@]}" 'n=count(), some=count(select(.t > 2)), s=sum([.l[]?] | add), x=last(.t as $x | "\($x), )")'
	[ "$output" = '{"n":4,"some":2,"s":13,"x":"4, )"}' ]
	run -65 --separate-stderr kstream-window "${over[@]}" 'sum(if .t == 3 then error("no") else 1 end)'
	[[ $stderr == 'kstream-window: in/0@'*': sum(if .t == 3 then error("no") else 1 end): no' ]]
}
