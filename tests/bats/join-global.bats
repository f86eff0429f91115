#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# kstream-join --global: a table that is whole everywhere, of the pipe or of a file.  As Kafka Streams: tests/bats/conformance.bats; of a
# topic: tests/broker/join-global.bats.

# shellcheck disable=SC2016
load lib
load joins

# join OPTION ... -- RECORD ...: KEY PARTITION VALUE of each result
join() {
	local options=()
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	records "$@" >in
	try bash -c 'set -o pipefail; kstream-join --from envelope --to envelope --stream L "$@" in | jq -rc "\"\(.key) \(.partition) \(.payload|tojson)\""' join "${options[@]}"
}

# A run that waits for its input: lines go to descriptor 9, results come to the file results.
begin() { # begin OPTION ...
	mkfifo lines
	kstream-join --stream lines --from json --to json "$@" lines >>results 2>said &
	run=$! pids="${pids-} $!"
	exec 9>lines
}
# Whatever the table is by now, a line asks it: until the answer to one is TEXT.
asked_until() { # asked_until TEXT
	ask() {
		echo '{"u":1}' >&9
		[ "$(tail -n 1 results)" = "$1" ]
	}
	await 20 ask "$1"
}
end() {
	exec 9>&-
	status_of "$run"
}
row() { echo "{\"left\":{\"u\":1},\"right\":$1}"; }

@test "join global: what cannot be asked for is refused" {
	local options what
	while IFS='|' read -r options what; do
		try_sh "kstream-join --stream s $options </dev/null"
		refused 64 kstream-join "$what" || fail "$options"
	done <<-'END'
		--global kafka:|names no topic
		--global kafka:^users|names no topic
		--global ./users|what is in the file?
		--global users.csv|what is the key of a line?
		--global users.jsonl|what is the key of a line?
		--global users.frames --global-key .id|the records of users.frames have keys
		--global users --global-key .id|--global users is a stream of the pipe by its name
		--global kafka:users --global-key .id|the records of kafka:users have keys
		--table users --global-key .id|--global-key is about a --global table
		--table users --on .id|--on is about a --global table
		--global s|is both sides
		--global users --global more|three are two joins
		--global users --versioned 1h|stands behind the --table
		--global users --unmatched route:x --left|--unmatched is about
	END
	try kstream-join --global users --from json in
	refused 64 kstream-join 'what is joined to what?'
	for options in '.u +' '.u | nosuch'; do
		echo '{}' >in
		try kstream-join --stream in --global users --on "$options" --from envelope --to json in
		refused 64 kstream-join '--on: '
	done
}

@test "join global: a stream of the pipe is one table, whatever the partition and the key" {
	join --global R --on '.u' -- R/a/10/0 R/b/20/1 'L/k/{"u":"a"}/2' 'L/-/{"u":"b"}/0' 'L/k/{"u":"c"}/0' R/a/11/3 'L/k/{"u":"a"}/0' R/a/null/1 'L/k/{"u":"a"}/0'
	expect 0 'k 2 {"left":{"u":"a"},"right":10}
null 0 {"left":{"u":"b"},"right":20}
k 0 {"left":{"u":"a"},"right":11}'
	# so that it does not matter whether a key was changed
	echo '{"topic":"L","partition":4,"key":"k","payload":{"u":"b"},"flags":["key-changed"]}' >>in
	try_sh 'kstream-cat --from envelope in | kstream-join --stream L --global R --on .u | kstream-cat --to json | tail -n 1'
	expect 0 '{"left":{"u":"b"},"right":20}'
}

@test "join global: --left, and what null is, by the mapped key alone" {
	join --left --global R --on '.u?' -- R/a/10 'L/k/{"u":"a"}' 'L/-/{"u":"a"}' 'L/k/{"u":"z"}' 'L/k/{"u":null}' 'L/-/{}' L/k/7 L/k/null R/-/5 R/b/null
	expect 0 'k 0 {"left":{"u":"a"},"right":10}
null 0 {"left":{"u":"a"},"right":10}
k 0 {"left":{"u":"z"},"right":null}
k 0 {"left":{"u":null},"right":null}
null 0 {"left":{},"right":null}
k 0 {"left":7,"right":null}'
	kstream-join -v --stream L --global R --on '.u?' --left --from envelope --to json in 2>&1 >out | tee err
	grep -qF '10 in, 6 out, 2 dropped (null value 1, null key 1), 0 late, 0 rejected, 8 folded into 6' err
	kstream-join -v --stream L --global R --on '.u?' --from envelope --to json in 2>err >out
	grep -qF '10 in, 2 out, 6 dropped (no match 1, null key 4, null value 1), 0 late, 0 rejected, 4 folded into 2' err
}

@test "join global: --on sees key, value and the rest; without it the key counts" {
	join --global R --on '$key + "/" + .x' -- R/k/0 'L/k/{"x":"y"}' 'L/z/{"x":"y"}'
	expect 0 ''
	records 'R/k+y/{"n":1}' 'L/k/{"x":"y"}/3/77' >in
	try kstream-join --from envelope --to envelope --stream L --global R --on '"\($key)+\(.x)"' --value '{n: .right.n, x: .left.x, t: $ts}' in
	expect 0
	[ "$(jq -c '[.topic, .partition, .ts, .key, .payload]' out)" = '["L",3,77,"k",{"n":1,"x":"y","t":77}]' ] || fail ''
	join --global R -- R/a/1/5 L/a/2 L/b/3
	expect 0 'a 0 {"left":2,"right":1}'
	join --global R --on '.n' -- 'L/k/"text"'
	refused 65 kstream-join '--on: .n'
	try_sh "kstream-join -v --on-error skip --from envelope --to json --stream L --global R --on .n in"
	[ "$status" = 0 ] && grep -q '1 rejected' err
}

@test "join global: 1.0 is not 1, and strings are no numbers, which is said" {
	printf '%s\n' '{"topic":"R","key":1,"payload":"one"}' '{"topic":"L","key":null,"payload":1.0}' '{"topic":"L","key":null,"payload":1}' >in
	try kstream-join --stream L --global R --on . --from envelope --to json in
	[ "$status" = 0 ] && [ "$(cat out)" = '{"left":1,"right":"one"}' ] || fail ''
	grep -q "its key is a number with a point, and the key of a record of .R. a number without a point: they never meet" err || fail ''
	printf '%s\n' '{"topic":"R","key":"1","payload":"one"}' '{"topic":"L","key":null,"payload":1}' >in
	try kstream-join --stream L --global R --on . --from envelope --to json in
	[ "$status" = 0 ] && grep -q "L/0@[0-9]*: its key is a number, and the key of a record of .R. a string: they never meet" err
}

@test "join global: what has no match goes to --unmatched" {
	records R/a/1 'L/k/{"u":"a"}' 'L/k/{"u":"b"}' >in
	try_sh "kstream-cat --from envelope in | kstream-join --stream L --global R --on .u --unmatched route:lost | kstream-cat --to envelope | jq -c '[.route, .payload, .headers[1][1]]'"
	expect 0 '[null,{"left":{"u":"a"},"right":1},null]
["lost",{"u":"b"},"R"]'
}

@test "join global: a table of the pipe is there in the next run" {
	local i
	for i in 1 2 3; do records "R/k$i/$i/$i"; done >one
	for i in 1 2 3; do records "L/-/{\"u\":\"k$i\"}"; done >two
	run_on() { # run_on FILE: a file more, in the same run of an app
		kstream-cat --app a --state-dir state --from envelope all | kstream-join --app a --state-dir state --stream L --global R --on .u |
			kstream-cat --app a --state-dir state --to json --out result
	}
	cp one all
	run_on
	cat two >>all
	run_on
	[ "$(jq -c .right result | paste -sd ' ')" = '1 2 3' ] || fail ''
}

@test "join global: killed at any time, the result is that of a run that was let live" {
	/usr/bin/python3 - >in <<-'END'
		import random
		random.seed(3)
		for i in range(20000):
		    value = '{"u":"%d"}' % random.randrange(400) if i % 3 else random.choice(['{"n":%d}' % i, "null"])
		    print('{"topic":"%s","partition":%d,"ts":%d,"key":"%d","payload":%s}' % ("RLL"[i % 3], random.randrange(3), i, random.randrange(400), value))
	END
	local words=(kstream-join --from envelope --to envelope --in in --app a --stream L --global R --on .u --left --memory 1M --end complete)
	"${words[@]}" --state-dir whole --out whole-out
	[ "$(jq -r '.payload.right | type' whole-out | sort -u | paste -sd ' ')" = 'null object' ]
	killed_often 6 "${words[@]}" --state-dir state --out result --commit-interval 20ms
}

@test "join global: a file is read again by the next run of an app, whatever it is called then" {
	local words=(kstream-join --from json --to json --app a --state-dir state --stream in --global-key .id --on .u --in in.json --out result)
	echo '{"u":1}' >in.json
	echo '{"id":1,"n":1}' >r.json
	try "${words[@]}" --global r.json
	expect 0 ''
	echo '{"u":1}' >>in.json
	printf 'id,n\n1,2\n' >s.csv
	try "${words[@]}" --global ./s.csv
	expect 0 ''
	[ "$(jq -c .right result | paste -sd ' ')" = '{"id":1,"n":1} {"id":1,"n":2}' ] || fail "$(cat result)"
}

@test "join global: one of several instances sees a share of the pipe, and is refused" {
	printf 'HELLO {"app":null,"instance":0,"instances":2}\nBARRIER [1,"complete"]\nEND [1,"complete"]\n' | frames build >in.frames
	try kstream-join --stream L --global R --on .u --to json in.frames
	refused 78 kstream-join 'give --global kafka:R'
	echo '{"id":1}' >r.json
	try kstream-join --stream L --global r.json --global-key .id --on .u --to json in.frames
	expect 0 ''
}

@test "join global: files of all kinds" {
	local name
	printf '%s\n' '{"u":1}' '{"u":"x"}' >in.json
	printf '%s\n' '{"id":1,"n":"one"}' '{"id":"x","n":"ex"}' >r.jsonl
	cp r.jsonl r.json
	cp r.jsonl r.ndjson
	printf 'id,n\n1,one\nx,ex\n' >r.csv
	printf 'id\tn\n1\tone\nx\tex\n' >r.tsv
	kstream-cat --from json --key .id --to envelope r.jsonl >r.envelope
	kstream-cat --from json --key .id r.jsonl >r.frames
	for name in r.jsonl r.json r.ndjson r.csv r.tsv; do
		try kstream-join --stream in --global $name --global-key .id --on .u --value '.right.n' --from json --to json in.json
		expect 0 $'"one"\n"ex"' || fail $name
	done
	for name in r.envelope r.frames ./r.frames; do
		try kstream-join --stream in --global $name --on .u --value '.right.n' --from json --to json in.json
		expect 0 $'"one"\n"ex"' || fail $name
	done
	# the last line of a key is its row, null is none; a change is its new side
	printf '%s\n' '{"key":1,"payload":"a"}' '{"key":1,"payload":"b"}' '{"key":"x","payload":"c"}' '{"key":"x","payload":null}' >r.envelope
	try kstream-join --stream in --left --global r.envelope --on .u --value .right --from json --to json in.json
	expect 0 $'"b"\nnull'
	kstream-cat --from envelope r.envelope | kstream-table --changes >r.frames
	try kstream-join --stream in --left --global r.frames --on .u --value .right --from json --to json in.json
	expect 0 $'"b"\nnull'
}

@test "join global: a file that cannot be read ends it before anything is joined" {
	echo '{"u":1}' >in.json
	file() { # file NAME: joined with it
		try kstream-join --stream in --global "$1" --global-key .id --on .u --from json --to json in.json
		[ ! -s out ] || fail 'something was joined'
	}
	file none.csv
	refused 66 kstream-join "cannot open 'none.csv'"
	mkfifo r.csv
	file r.csv
	refused 66 kstream-join 'no regular file'
	rm r.csv
	printf 'id,n\n1,one\n2\n' >r.csv
	file r.csv
	refused 65 kstream-join 'r.csv:3'
	printf '{"id":1}\n{"id":\n' >r.json
	file r.json
	refused 65 kstream-join 'r.json:2'
	printf '{"id":1}\n{"x":2}\n' >r.json
	file r.json
	refused 65 kstream-join 'r.json@9: the row has no key'
	try kstream-join --stream in --global r.json --global-key '.id+"a"' --on .u --from json --to json in.json
	refused 65 kstream-join 'r.json:1: --global-key: number (1)'
	try kstream-join --stream in --global r.json --global-key '[range(40000)]' --on .u --from json --to json in.json
	refused 65 kstream-join 'r.json:1: --global-key: the key is larger than --max-key'
	printf '%s%s' "$(printf '[%.0s' {1..128})" "$(printf ']%.0s' {1..128})" >r.json
	try kstream-join --stream in --global r.json --global-key 1 --on .u --from json --to json in.json
	refused 65 kstream-join 'nests too deep'
	echo '{}' | kstream-cat --from json --key 1 >whole
	head -c $(($(wc -c <whole) - 9)) whole >r.frames
	try kstream-join --stream in --global r.frames --on .u --from json --to json in.json
	refused 65 kstream-join 'ends without END'
	echo text >r.frames
	try kstream-join --stream in --global r.frames --on .u --from json --to json in.json
	refused 65 kstream-join 'no stream of frames'
}

@test "join global: a file that is the output, too, is refused, and stays" {
	echo '{"u":1}' >in.json
	echo '{"id":1,"n":1}' >r.json
	cp r.json kept
	join=(kstream-join --stream in --global ./r.json --global-key .id --on .u --from json --to json in.json)
	try "${join[@]}" --out r.json
	refused 64 kstream-join "'./r.json' is read and output at once"
	cmp kept r.json
	try "${join[@]}" --on-error file:r.json
	refused 64 kstream-join "'r.json' of --on-error is read, too"
	cmp kept r.json
	"${join[@]}" >>r.json 2>err || status=$?
	refused 64 kstream-join 'read and output'
	cmp kept r.json
}

@test "join global: a stream of the same name never takes the place of the file, nor the file its" {
	echo '{"id":1,"n":"file"}' >users.json
	records 'users.json/1/"stream"' 'L/k/{"u":1}' >in
	try kstream-join --stream L --global users.json --global-key .id --on .u --from envelope --to json in
	refused 78 kstream-join 'give ./users.json'
	try kstream-join --stream L --global ./users.json --global-key .id --on .u --value .right.n --from envelope --to json in
	expect 0 $'"stream"\n"file"'
	# nor is the file missed as a stream
	/usr/bin/python3 -c 'for i in range(12000): print("{\"topic\":\"L\",\"key\":1,\"payload\":{\"u\":1}}")' >in
	try_sh 'kstream-join --stream L --global users.json --global-key .id --on .u --from envelope --to json in | sort -u | wc -l'
	expect 0 1
	# and a file is never found by a name that is not one
	echo '{"id":1,"n":"file"}' >users
	records 'users/1/"stream"' >in
	records 'L/k/{"u":"1"}' >>in
	try kstream-join --stream L --global users --on .u --value .right --from envelope --to json in
	expect 0 '"stream"'
}

@test "join global: a file that is replaced is read again; a broken one is told of once, and the table stays" {
	echo '{"id":1,"n":1}' >r.json
	begin --global r.json --global-key .id --on .u --left
	asked_until "$(row '{"id":1,"n":1}')"
	echo '{"id":1,"n":2}' >new
	mv new r.json
	asked_until "$(row '{"id":1,"n":2}')"
	printf '{"id":1,"n":3}\n{"id":2,"n' >r.json
	await 20 grep -q 'the --global table stays as it was: r.json:2' said
	asked_until "$(row '{"id":1,"n":2}')"
	rm r.json
	await 20 grep -q "the --global table stays as it was: cannot read 'r.json'" said
	asked_until "$(row '{"id":1,"n":2}')"
	mkdir r.json
	await 20 grep -q "the --global table stays as it was: 'r.json' is no regular file" said
	asked_until "$(row '{"id":1,"n":2}')"
	rmdir r.json
	echo '{"id":1,"n":4}' >r.json
	asked_until "$(row '{"id":1,"n":4}')"
	: >r.json
	asked_until "$(row null)"
	end
	told=$(wc -l <said)	# that the directory has gone may be seen, too
	[ "$status" = 0 ] && ((told == 3 || told == 4)) || fail "$(cat said)"
}

@test "join global: a table of a file is larger than its memory" {
	/usr/bin/python3 -c '
for i in range(60000): print("{\"id\":%d,\"text\":\"%0999d\"}" % (i, i))' >r.json
	/usr/bin/python3 -c '
for i in range(2000): print("{\"u\":%d}" % (i * 7919 % 60000))' >in.json
	# ASan keeps 256 MB of freed memory unless told otherwise.
	ASAN_OPTIONS=$ASAN_OPTIONS:quarantine_size_mb=4 try /usr/bin/python3 -c '
import resource, subprocess, sys
status = subprocess.run(sys.argv[1:]).returncode
kb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
assert status == 0 and kb < 40 << 10, (status, kb)  # of 62 MB that are there' kstream-join --memory 1M --stream in --global r.json --global-key .id --on .u \
		--value '[.left.u, .right.id, (.right.text|tonumber)] | unique | length' --from json --to json in.json
	[ "$status" = 0 ] || fail ''
	[ "$(sort out | uniq -c | tr -s ' ')" = ' 2000 1' ]
}

@test "join global: a change that is not the latest of its key is history, and no row" {
	sides 'B:1:10:"new"' 'B:1:5:"old"' 'A:x:11:[1]' >in
	kstream-table --from envelope --only B --versioned 1h --changes --to frames in |
		kstream-join --stream A --global B --on '.[0]' --value .right --to json >out
	[ "$(cat out)" = '"new"' ] || fail 'history took the place of the row'
}
