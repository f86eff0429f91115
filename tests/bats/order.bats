#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Several files by event time.  What is expected is made by model, which has all lines before it.

load lib

model() { # model FILE...: their lines by .t, the smallest head first, ties by the order of the files
	/usr/bin/python3 -c '
import json, sys
files = [open(name).read().splitlines() for name in sys.argv[1:]]
files = [[line for line in lines if line.strip()] for lines in files]
times = [[json.loads(line)["t"] for line in lines] for lines in files]
at = [0] * len(files)
while True:
    left = [(times[i][at[i]], i) for i in range(len(files)) if at[i] < len(files[i])]
    if not left:
        break
    i = min(left)[1]
    print(files[i][at[i]])
    at[i] += 1' "$@"
}

lines() { # lines SEED COUNT NAME: times that mostly grow, some late
	/usr/bin/python3 -c '
import random, sys
r, t = random.Random(int(sys.argv[1])), 1000
for i in range(int(sys.argv[2])):
    t += r.randint(0, 3)
    late = r.randint(0, 60) if r.random() < 0.1 else 0
    print("{\"t\":%d,\"n\":%d,\"f\":\"%s\"}" % (t - late, i, sys.argv[3]))' "$@"
}

merge() { # merge ARGUMENT...
	try kstream-cat --from json --time .t --order time --to json "$@"
}

@test "order: files by time; ties as they are named, late lines behind those before them" {
	printf '{"t":1,"n":"a"}\n\n{"t":5,"n":"a"}\n{"t":3,"n":"a"}\n{"t":9,"n":"a"}' >a
	printf '{"t":1,"n":"b"}\n{"t":5,"n":"b"}\n{"t":7,"n":"b"}\n' >b
	: >c
	merge a b c
	expect 0 "$(model a b c)"
	[ "$(jq -j .n out)" = abaabba ] || fail
	merge b c a
	expect 0 "$(model b c a)"
	merge a
	expect 0 "$(grep . a)"
	merge --order arrival a b
	expect 0 "$(grep -h . a b)"
	kstream-cat --from json --time .t --to envelope a b | jq -c 'del(.headers)' | tac >e
	: >none
	try kstream-cat --from envelope --order time --to json none e
	expect 0 "$(grep -h . a b | tac)"
}

@test "order: thousands of lines as the model has them, in each format; offsets are those of the lines" {
	lines 1 4000 a >a
	lines 2 100 b >b
	lines 3 7000 c >c
	merge c a b
	model c a b | cmp - out || fail
	kstream-cat --from json --time .t --order time --to envelope a b c >all
	for f in a b c; do
		kstream-cat --from json --time .t --to envelope $f >$f.e
		jq -c --arg f $f 'select(.topic == $f)' all | cmp - <(jq -c . $f.e)
	done
	kstream-cat --from envelope --order time --to json a.e b.e c.e | cmp - <(model a b c)
	printf '2024-05-01T00:00:%02dZ\n' 1 4 5 >a.raw
	printf '2024-05-01T00:00:%02dZ\n' 2 3 6 >b.raw
	kstream-cat --from json --time .t --order global --to json a b c | cmp - <(model a b c) # files have one partition: it is the same
	kstream-cat --from raw --time . --order time --to raw a.raw b.raw | cmp - <(sort a.raw b.raw)
	merge -c 50 a b c
	model a b c | head -n 50 | cmp - out || fail
}

@test "order: a pipe among files is waited for" {
	lines 1 100 a >a
	lines 2 100 b >b
	mkfifo p
	(
		head -n 50 b
		sleep 0.2
		tail -n +51 b
	) >p 3>&- &
	pids=$!
	merge a p
	expect 0 "$(model a b)"
	try_sh 'kstream-cat --from json --time .t --order time --to json a - <b'
	expect 0 "$(model a b)"
}

@test "order: what cannot be read goes to --on-error, and the rest stays in order" {
	printf '{"t":1}\nbad\n{"t":4}\n{"t":"x"}\n' >a
	printf '{"t":2}\n{"t":3}\n' >b
	merge a b
	refused 65 'kstream-cat: a:2'
	output_is '{"t":1}'
	merge --on-error skip --on-bad-time drop a b
	output_is "$(printf '{"t":%d}\n' 1 2 3 4)"
	merge --on-error dlq:bad --on-bad-time dlq --to envelope a b
	[ "$(jq -cj '[.topic, .offset, .route]' out)" = '["a",0,null]["a",8,"bad"]["b",0,null]["b",8,null]["a",12,null]["a",20,"bad"]' ] || fail
	printf '{"t":1,"pad":"%0200d"}\n{"t":6}\n' 0 >long
	merge --max-record 128 --on-error skip long b
	output_is "$(printf '{"t":%d}\n' 2 3 6)"
}

@test "order: what it is not for is refused" {
	echo '{"t":1}' >a
	try kstream-cat --from json --order time a a
	refused 64 kstream-cat 'by --time EXPR'
	try kstream-filter --from json --to json --order time . a
	refused 64 kstream-filter 'by --time EXPR'
	try kstream-cat --from json --time wall --order time a
	refused 64 kstream-cat '--time wall'
	try_sh 'kstream-cat --order time <a'
	refused 64 kstream-cat 'frames'
	try_sh 'kstream-cat --order global <a'
	refused 64 kstream-cat '--order global is for text and topics'
	try kstream-cat --order size a
	refused 64 kstream-cat 'is not time, global or arrival'
	try kstream-cat --max-idle 1s a
	refused 64 kstream-cat '--max-idle is for Kafka'
}

positions() { sed -n 's/^position \([0-9]*\) 0 [^ ]* .*\/\([^/]*\)$/\2 \1/p' state/t/0/ledger | sort; }

@test "order: a position covers what has gone out and nothing that waits" {
	printf '{"t":1}\n{"t":2}\n{"t":30}\n' >a
	printf '{"t":10}\n{"t":20}\n' >b
	merge --app t -c 3 a b
	expect 0 "$(printf '{"t":%d}\n' 1 2 10)"
	[ "$(positions)" = "$(printf 'a 16\nb 9')" ] || fail "$(cat state/t/0/ledger)"
	echo '{"t":25}' >>b
	merge --app t a b
	expect 0 "$(printf '{"t":%d}\n' 20 25 30)"
	merge --app t a b
	expect 0 ''
	printf '{"t":1}\n{"t":' >>a
	merge --app t a b
	expect 0 '{"t":1}'
	echo '2}' >>a
	merge --app t b a
	expect 0 '{"t":2}'
}

@test "order: a file that was replaced while others are read is refused" {
	lines 1 200 a >a
	lines 2 200 b >b
	merge --app t -c 100 a b
	expect 0
	lines 3 200 a >a
	merge --app t a b
	refused 78 kstream-cat 'cut or replaced'
}

@test "order: killed in the middle, again and again: each line once, in order" {
	local kills=0 pid size want
	lines 1 150000 a >a
	lines 2 30000 b >b
	lines 3 90000 c >c
	model a b c >expected
	want=$(stat -c %s expected)
	while [ "$kills" -lt 6 ]; do
		kstream-cat --app t --from json --time .t --order time --commit-interval 2ms --to json --out result a b c 3>&- &
		pid=$!
		pids=$pid
		await 10 past $((want / 8 * (kills + 1)))
		kill -KILL $pid 2>/dev/null || break
		status_of $pid
		[ "$status" = 137 ] || break
		kills=$((kills + 1))
	done
	[ "$kills" -ge 3 ] || fail "only $kills kills"
	merge --app t --out result a b c
	expect 0
	cmp expected result
}

past() { [ "$(stat -c %s result)" -ge "$1" ]; } # past BYTES
