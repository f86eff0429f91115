#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The stream between tools, as kstream-record(5) has it: sections, barriers, ends, the ledger.  Streams are made and
# read by frames.py, with the stock msgpack package.

load lib

pipeline() { # pipeline FRAME...: lines for frames.py to the file in
	printf '%s\n' "$@" | frames build >in
}

@test "record: HELLO is first, then records, a barrier that counts them, END" {
	printf '{"a":1}\n\n{"a":2}\n' >orders.2026.jsonl
	kstream-cat --from json orders.2026.jsonl >in
	frames print <in >out
	cat >want <<-'E'
		RECORD {"time":null,"flags":0,"topic":"orders","partition":0,"offset":0,"route":null,"key":null,"headers":[],"value":{"a":1}}
		RECORD {"time":null,"flags":0,"topic":"orders","partition":0,"offset":9,"route":null,"key":null,"headers":[],"value":{"a":2}}
		BARRIER [1,"complete",[["orders.2026.jsonl",0,17]],-1,2,null]
		END [1,"complete"]
	E
	diff want <(tail -n +2 out)
	[[ "$(head -n 1 out)" == 'HELLO {"version":1,"app":null,"owner":null,"instance":0,"instances":1,"run":0,"epoch":0,"guarantee":"none","commit_interval":1000,"live":false,'* ]]
	[[ "$(head -n 1 out)" == *'"streams":[{"name":"orders","partitions":1,"key":"json","time":"none"}]'* ]]
	[[ "$(head -n 1 out)" == *'"positions":[{"input":"orders.2026.jsonl","partition":0,"offset":0,'* ]]
}

@test "record: -t names the stream, stdin is 'stdin', each file is a position" {
	echo 1 >a.json
	echo 22 >b.json
	kstream-cat --from json a.json b.json | frames print >out
	grep -q '^BARRIER \[1,"complete",\[\["a.json",0,2\],\["b.json",0,3\]\],-1,2,null\]$' out
	[ "$(grep -c '"topic":"a"' out)" = 1 ]
	[ "$(kstream-cat --from json -t x <a.json | frames print | grep -c '"topic":"x"')" = 1 ]
	[ "$(kstream-cat --from json <a.json | frames print | grep -c '"topic":"stdin"')" = 1 ]
}

@test "record: a barrier each --commit-interval and a PING, also when idle" {
	(
		echo '{"a":1}'
		sleep 1.3
		echo '{"a":2}'
	) | kstream-cat --from json --commit-interval 200ms | frames print >out
	[ "$(grep -c '"go-on"' out)" -ge 4 ]
	[ "$(grep '^BARRIER' out | sed -n '2p')" = 'BARRIER [2,"go-on",[["stdin",0,8]],-1,0,null]' ]
	# Numbers without a gap, the last one complete.
	[ "$(grep '^BARRIER' out | sed 's/^BARRIER \[\([0-9]*\),.*/\1/' | paste -sd ' ')" = "$(seq -s ' ' "$(grep -c '^BARRIER' out)")" ]
	[ "$(tail -n 1 out)" = "END [$(grep -c '^BARRIER' out),\"complete\"]" ]
	(
		echo 1
		sleep 1.3
	) | kstream-cat --from json --commit-interval 10s | frames print PING >out
	[ "$(wc -l <out)" -ge 2 ]
}

@test "record: what was read goes out before the input blocks" {
	mkfifo fifo
	kstream-cat --from json --to json <fifo >out &
	pids=$!
	exec 7>fifo
	echo '{"a":1}' >&7
	await 5 grep -q . out
	exec 7>&-
	status_of "$pids"
	[ "$status" = 0 ]
}

@test "record: --end says how the stream ends" {
	echo 1 >in.json
	[ "$(kstream-cat --from json --end paused in.json | frames print END)" = 'END [1,"paused"]' ]
	[ "$(kstream-cat --from json --end complete in.json | frames print END)" = 'END [1,"complete"]' ]
	[ "$(kstream-cat --from json --app a in.json | frames print END)" = 'END [1,"paused"]' ]
	[ "$(kstream-cat --from json --app b --end complete in.json | frames print END)" = 'END [1,"complete"]' ]
	try kstream-cat --from json --end later in.json
	refused 64 kstream-cat '--end'
}

@test "record: with --app a second run goes on where the first one paused" {
	printf '{"a":1}\n{"a":2}\n' >in.jsonl
	try_sh 'kstream-cat --app t --from json in.jsonl | kstream-filter --app t true | kstream-cat --app t --to json'
	expect 0 $'{"a":1}\n{"a":2}'
	diff - state/t/0/ledger <<-E
		kstream-ledger 2
		run 1
		epoch 1
		position 16 0 932c46c8248a4bfa $PWD/in.jsonl
		end
	E
	printf '{"a":3}\n{"a":' >>in.jsonl # a last line without its newline waits for the rest of it
	try_sh 'kstream-cat --app t --from json in.jsonl | kstream-filter --app t true | kstream-cat --app t --to json'
	expect 0 '{"a":3}'
	grep -qx "position 24 0 [0-9a-f]\{16\} $PWD/in.jsonl" state/t/0/ledger
	printf '4}\n' >>in.jsonl
	try_sh 'kstream-cat --app t --from json in.jsonl | kstream-cat --app t --to json'
	expect 0 '{"a":4}'
	try_sh 'kstream-cat --app t --from json in.jsonl | kstream-cat --app t --to json'
	expect 0 ''
	grep -qx 'run 4' state/t/0/ledger
	grep -qx 'epoch 4' state/t/0/ledger
}

@test "record: --app in one process, several files, another state directory" {
	echo 1 >a.json
	echo 2 >b.json
	try kstream-cat --app t --from json --to json a.json b.json
	expect 0 $'1\n2'
	echo 3 >>a.json
	try kstream-cat --app t --from json --to json a.json b.json
	expect 0 3
	try kstream-cat --app t --instance 1/2 --from json --to json a.json
	refused 78 kstream-cat '--instance 1/2' # a file has one partition
	try kstream-cat --app t --state-dir other --from json --to json a.json
	expect 0 $'1\n3'
	[ -e other/t/0/ledger ]
	[ "$(stat -c %a other/t/0)" = 700 ]
}

@test "record: what a failed run has not committed comes again" {
	seq 3 >in.json
	try_sh 'kstream-cat --app t --from json in.json | head -c 300 | kstream-cat --app t --to json'
	[ "$status" = 75 ]
	try_sh 'kstream-cat --app t --from json in.json | kstream-cat --app t --to json'
	expect 0 $'1\n2\n3'
}

@test "record: --app wants a file that can be read again, and one that did not shrink" {
	try_sh 'echo 1 | kstream-cat --app t --from json --to json'
	refused 78 kstream-cat 'stdin'
	seq 9 >in.json
	try kstream-cat --app t --from json --to json in.json
	expect 0
	echo 1 >in.json
	try kstream-cat --app t --from json --to json in.json
	refused 78 kstream-cat 'in.json'
	[[ "$(cat err)" == *'shorter than byte 18'* ]]
	[ ! -s out ]
}

@test "record: one source at a time has an app's instance" {
	mkfifo fifo
	echo 1 >in.json
	mkdir -p state/t/0
	exec 8>state/t/0/LOCK
	flock -x 8
	try kstream-cat --app t --from json --to json in.json
	refused 75 kstream-cat 'LOCK'
	exec 8>&-
	try kstream-cat --app t --from json --to json in.json
	expect 0 1
}

@test "record: --out is cut to its last commit, where a run failed in the middle of a write" {
	seq 20000 | sed 's/.*/{"n":&}/' >in.json
	try_sh "ulimit -f 100; kstream-cat --app t --commit-interval 5ms --from json --to json --out result in.json"
	refused 74 kstream-cat
	[ -s result ]
	try kstream-cat --app t --from json --to json --out result in.json
	expect 0 ''
	cmp in.json result
	truncate -s -1 result
	try kstream-cat --app t --from json --to json --out result in.json
	refused 78 kstream-cat "'result'"
}

@test "record: --out goes on where the stream is of an --app, also if only the source says so" {
	seq 3 >in.json
	kstream-cat --app t --from json in.json | kstream-cat --to json --out result
	echo 4 >>in.json
	kstream-cat --app t --from json in.json | kstream-cat --to json --out result
	cmp in.json result
	try kstream-cat --app u --from json --out frames in.json
	refused 78 kstream-cat 'frames'
	# Without one it is made anew.
	try kstream-filter --from json --to json --out result '. > 3' in.json
	expect 0 ''
	[ "$(cat result)" = 4 ]
}

@test "record: files keep their places whatever else a run is given; one named twice is refused" {
	local f
	echo 1 >a.json
	echo 2 >b.json
	for f in a b a b; do kstream-cat --app t --from json --to json "$f.json"; done >out
	output_is $'1\n2'
	try kstream-cat --app t --from json --to json a.json a.json
	refused 64 kstream-cat "'a.json'"
}

@test "record: a line past --max-record that is not whole yet keeps its place" {
	python3 -c "print('{\"ok\":1}'); print('[' + '1,' * 1000, end='')" >g.json
	try kstream-cat --app t --from json --to json --max-record 1000 --on-error skip g.json
	expect 0 '{"ok":1}'
	printf '5\n{"ok":2}\n' >>g.json
	try kstream-cat --app t --from json --to json --max-record 1000 --on-error skip g.json
	expect 0 '{"ok":2}'
}

@test "record: a run that was taken over stops at the source and at the sink" {
	echo 1 >in.json
	kstream-cat --app t --from json in.json >old
	sed -i 's/^run .*/run 9/' state/t/0/ledger
	try_sh 'cat old | kstream-cat --app t --to json'
	refused 75 kstream-cat 'run 9'
	[ ! -s out ]
	# The source finds it at a barrier.
	yes 1 | head -n 3000000 >in.json
	kstream-cat --app u --commit-interval 5ms --from json in.json 2>err | (
		head -c 100 >first
		sed -i 's/^run .*/run 9/' state/u/0/ledger
		cat >rest
	) || status=$?
	[ "${PIPESTATUS[0]}" = 75 ] || [ "${status-0}" = 75 ] || grep -q 'run 9' err
	[ "$(wc -l <err)" = 1 ]
	! frames print END <rest | grep -q END
}

@test "record: a damaged ledger is refused by source and sink, and named" {
	echo 1 >in.json
	kstream-cat --app t --from json in.json >old
	echo 'kstream-ledger 1' >state/t/0/ledger
	try kstream-cat --app t --from json --to json in.json
	refused 78 kstream-cat 'state/t/0/ledger'
	try_sh 'cat old | kstream-cat --app t --to json'
	refused 78 kstream-cat 'state/t/0/ledger'
	try kstream-cat --app t --to json old # at rest, it is only looked at
	expect 0 1
	try kstream-cat --app ../x --from json --to json in.json
	refused 78 kstream-cat '../x'
	try_sh 'env -u KSTREAM_STATE_DIR -u XDG_STATE_HOME -u HOME kstream-cat --app t --from json in.json'
	refused 78 kstream-cat '--state-dir'
}

@test "record: --app of the sink must be the stream's" {
	echo 1 >in.json
	try_sh 'kstream-cat --app t --from json in.json 2>upstream | kstream-cat --app u --to json'
	refused 78 kstream-cat "'t'"
	try_sh 'kstream-cat --from json in.json 2>upstream | kstream-cat --app u --to json'
	refused 78 kstream-cat 'no app: give it --app u'
}

@test "record: sections one after another, paused or complete, are one stream" {
	echo 1 >a.json
	echo 2 >b.json
	kstream-cat --from json --end paused a.json >one
	kstream-cat --from json b.json >two
	cat one two | kstream-filter true | frames print >out
	[ "$(cut -d ' ' -f 1 out | paste -sd ' ')" = 'HELLO RECORD BARRIER END HELLO RECORD BARRIER END' ]
	[ "$(grep '^END' out)" = $'END [1,"paused"]\nEND [1,"complete"]' ]
	try_sh 'cat one two two one | kstream-filter true | kstream-cat --to json'
	expect 0 $'1\n2\n2\n1'
	try kstream-cat --to json one two
	expect 0 $'1\n2'
}

@test "record: HELLO inside a section, a barrier or record or mark outside one" {
	pipeline HELLO RECORD HELLO
	try kstream-cat --to json <in
	refused 65 kstream-cat 'HELLO before the END'
	pipeline RECORD
	try kstream-cat --to json <in
	refused 65 kstream-cat 'no HELLO'
	pipeline 'BARRIER [1,"complete"]'
	try kstream-cat --to json <in
	refused 65 kstream-cat 'outside a section'
	pipeline 'MARK [0,1,false]'
	try kstream-cat --to json <in
	refused 65 kstream-cat 'outside a section'
	pipeline HELLO 'BARRIER [1,"complete"]' 'END [1,"complete"]' RECORD
	try kstream-cat <in
	refused 65 kstream-cat 'no HELLO'
}

@test "record: a wrong hop count is 75, one that is nil is taken, but not under exactly-once" {
	pipeline HELLO RECORD RECORD 'BARRIER [1,"complete",[],-1,3]' 'END [1,"complete"]'
	try kstream-cat <in
	refused 75 kstream-cat '3 records were written since the last barrier, but 2 have come'
	try kstream-cat --to json <in
	refused 75 kstream-cat '3 records'
	pipeline HELLO RECORD 'BARRIER [1,"complete",[],-1,0]' 'END [1,"complete"]'
	try kstream-filter true <in
	refused 75 kstream-filter '0 records'
	pipeline HELLO RECORD 'BARRIER [1,"complete",[],-1,null]' 'END [1,"complete"]'
	try kstream-cat --to json <in
	expect 0 null
	# Whoever passes it on counts again.
	[ "$(kstream-filter true <in | frames print BARRIER)" = 'BARRIER [1,"complete",[],-1,1,null]' ]
	pipeline 'HELLO {"guarantee":"exactly-once"}' RECORD 'BARRIER [1,"complete",[],-1,null]' 'END [1,"complete"]'
	try kstream-cat --to json <in
	refused 78 kstream-cat 'exactly-once'
}

@test "record: a filter's barrier counts what it has passed, and keeps the rest" {
	pipeline HELLO 'RECORD {"value":1}' 'RECORD {"value":2}' 'RECORD {"value":3}' \
		'BARRIER [1,"go-on",[["t",0,7]],5,"auto",{"hex":"00ff"}]' 'BARRIER [2,"complete",[["t",0,7]],6]' 'END [2,"complete"]'
	kstream-filter '. > 1' <in | frames print BARRIER END >out
	diff - out <<-'E'
		BARRIER [1,"go-on",[["t",0,7]],5,2,{"hex":"00ff"}]
		BARRIER [2,"complete",[["t",0,7]],6,0,null]
		END [2,"complete"]
	E
}

@test "record: barriers have no gaps, and END follows one of its number and kind" {
	local stream
	while IFS= read -r stream; do
		eval "pipeline $stream"
		try kstream-filter true <in
		refused 65 kstream-filter
	done <<-'E'
		HELLO 'BARRIER [2,"complete"]'
		HELLO 'BARRIER [1,"go-on"]' 'BARRIER [1,"complete"]'
		HELLO 'BARRIER [1,"go-on"]' 'BARRIER [3,"complete"]'
		'HELLO {"epoch":7}' 'BARRIER [1,"complete"]'
		HELLO 'END [1,"complete"]'
		HELLO 'BARRIER [1,"go-on"]' 'END [1,"complete"]'
		HELLO 'BARRIER [1,"paused"]' 'END [1,"complete"]'
		HELLO 'BARRIER [1,"complete"]' 'END [2,"complete"]'
		HELLO 'BARRIER [1,"complete"]' RECORD 'END [1,"complete"]'
		HELLO 'BARRIER [1,"complete"]' 'END [1,"complete"]' 'END [1,"complete"]'
	E
	pipeline 'HELLO {"epoch":7}' 'BARRIER [8,"complete"]' 'END [8,"complete"]'
	try kstream-filter true <in
	expect 0
	# No number follows the last one.
	pipeline 'HELLO {"epoch":9223372036854775807}' 'BARRIER [1,"complete"]'
	try kstream-cat <in
	refused 65 kstream-cat
}

@test "record: the input ends without END, inside a frame, or before a stream began" {
	pipeline HELLO RECORD
	try kstream-cat --to json <in
	refused 75 kstream-cat 'without END'
	pipeline HELLO RECORD 'BARRIER [1,"complete"]'
	try kstream-cat <in
	refused 75 kstream-cat 'without END'
	head -c -1 in >cut
	try kstream-cat --to json <cut
	refused 75 kstream-cat 'inside a frame'
	try kstream-cat --to json </dev/null
	refused 75 kstream-cat 'before a stream began'
	try kstream-filter true </dev/null
	refused 75 kstream-filter
}

@test "record: a file that was cut does not run on into the next one" {
	pipeline HELLO "RECORD {\"value\":{\"hex\":\"$(printf '%02000d' 0)\"}}" 'BARRIER [1,"complete"]' 'END [1,"complete"]'
	head -c 400 in >cut
	try kstream-cat --to raw cut in
	refused 75 kstream-cat 'cut ends inside a frame'
	[ ! -s out ] || fail 'half a record was printed'
	try kstream-cat cut in in
	refused 75 kstream-cat
	frames print RECORD <out >records
	[ ! -s records ]
}

@test "record: unknown frames, marks and pings are forwarded as they are" {
	pipeline 'HELLO {"new":{"key":[1,{"hex":"ff"}]}}' 'FRAME 7 c0ff' RECORD 'MARK [3,-5,true]' 'FRAME 127' PING 'BARRIER [1,"complete"]' \
		'END [1,"complete"]'
	kstream-cat <in | cmp in
	kstream-filter true <in | cmp in
	frames print <in | grep -v '^RECORD' >want
	kstream-filter false <in | frames print | sed 's/-1,0,null/-1,1,null/' | diff want -
	try kstream-cat --to json <in
	expect 0 null
}

@test "record: side records pass untouched" {
	pipeline 'HELLO {"sides":["dead"]}' 'RECORD {"value":1}' 'RECORD {"value":2,"flags":8,"route":"dead"}' 'RECORD {"value":3,"flags":16,"route":"dead"}' \
		'RECORD {"value":4,"flags":24,"route":"log"}' 'RECORD {"value":5}' 'BARRIER [1,"complete"]' 'END [1,"complete"]'
	kstream-filter '. > 4' --as new <in | frames print RECORD | sed 's/.*"flags":\([0-9]*\).*"route":\([^,]*\).*"value":\(.*\)}/\1 \2 \3/' >out
	output_is '8 "dead" 2
16 "dead" 3
24 "log" 4
0 "new" 5'
}

@test "record: -c does not count side records, whichever tool it is" {
	pipeline 'HELLO {"sides":["dead"]}' 'RECORD {"value":1}' 'RECORD {"value":2,"flags":8,"route":"dead"}' 'RECORD {"value":3,"flags":16,"route":"dead"}' \
		'RECORD {"value":4}' 'RECORD {"value":5}' 'BARRIER [1,"complete"]' 'END [1,"complete"]'
	[ "$(kstream-filter -c 2 true <in | frames print RECORD | wc -l)" = 4 ]
	[ "$(kstream-cat -c 2 --to envelope <in | wc -l)" = 4 ]
	[ "$(kstream-cat -c 2 <in | frames print RECORD | wc -l)" = 4 ]
}

@test "record: --only names streams by route, or else topic; --as names the route of what comes out" {
	pipeline HELLO 'RECORD {"value":1,"topic":"a"}' 'RECORD {"value":2,"topic":"b"}' 'RECORD {"value":3,"topic":"a","route":"b"}' 'RECORD {"value":4}' \
		'BARRIER [1,"complete"]' 'END [1,"complete"]'
	values() { frames print RECORD | sed 's/.*"value":\(.*\)}/\1/' | paste -sd ' '; }
	[ "$(kstream-filter --only a false <in | values)" = '2 3 4' ]
	[ "$(kstream-filter --only b false <in | values)" = '1 4' ]
	[ "$(kstream-filter --only a,b false <in | values)" = '4' ]
	[ "$(kstream-filter --only nobody false <in | values)" = '1 2 3 4' ]
	[ "$(kstream-filter --only b --as c true <in | frames print RECORD | grep -c '"route":"c"')" = 2 ]
	[ "$(kstream-cat --as c <in | frames print RECORD | grep -c '"route":"c"')" = 4 ]
	try kstream-filter --only a,,b true in
	refused 64 kstream-filter '--only'
	try kstream-filter --as 'a,b' true in
	refused 64 kstream-filter '--as'
}

@test "record: records come out of cat as they went in, whatever they hold" {
	pipeline HELLO 'RECORD {"time":-1,"flags":1,"topic":"t","partition":-1,"offset":-1,"route":"r","key":{"key":"k","start":0},"headers":[["h",{"hex":"ff"}],["h",null],["",{"hex":""}]],"value":[1,{"hex":"00"},null,true,1.5]}' \
		'RECORD {"time":9223372036854775807,"flags":2,"partition":2147483647,"offset":9223372036854775807,"key":{"hex":"c1"},"value":{"hex":""}}' \
		'RECORD {"time":5,"flags":229,"key":18446744073709551615,"value":[-9223372036854775808,null,true]}' 'BARRIER [1,"complete"]' 'END [1,"complete"]'
	kstream-cat <in | cmp in
	kstream-filter true <in | cmp in
	kstream-filter --as r true <in | kstream-filter --as r true | frames print RECORD >out
	frames print RECORD <in | sed 's/"route":null/"route":"r"/' | diff - out
}

@test "record: a foreign program of stock parts stands in the middle" {
	[ -e "$root/scripts/examples/double-price.py" ] || fail 'scripts/examples/double-price.py is not there'
	printf '{"price":1}\n{"price":2.5}\n{"other":"\\u00e9"}\n' >in.jsonl
	try_sh "kstream-cat --from json in.jsonl | /usr/bin/python3 '$root/scripts/examples/double-price.py' | kstream-filter '.price' | kstream-cat --to json"
	expect 0 $'{"price":2}\n{"price":5.0}'
	kstream-cat --from json in.jsonl | /usr/bin/python3 "$root/scripts/examples/double-price.py" | frames print BARRIER >out
	[[ "$(cat out)" == *',null,null]' ]] || fail 'it does not count, so the hop count must be nil'
}

@test "record: a pipe to another stage does not write the ledger, a file does" {
	echo 1 >in.json
	kstream-cat --app t --from json in.json | frames print END >out
	grep -qx 'epoch 0' state/t/0/ledger
	kstream-cat --app u --from json in.json >stream.frames
	grep -qx 'epoch 1' state/u/0/ledger
}
