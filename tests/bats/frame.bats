#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The operator frame: what all tools share around their loop.  Options, signals, statuses, the close of stdout.

load lib

every_tool() {
	local tool
	for tool in "$(dirname "$(command -v kstream-cat)")"/kstream-*; do basename "$tool"; done
}

# Those that read a stream: kstream-query asks a stage (query.bats), kstream-diff reads two (diff.bats), kstream-run runs the others (run.bats),
# kstream-reset sets apps back.
every_filter() { every_tool | grep -vx -e kstream-diff -e kstream-query -e kstream-run -e kstream-reset; }

# What each tool must be given, for the shell.
operands_of() {
	case $1 in
	kstream-branch) echo "'all: true'" ;;
	kstream-filter) echo true ;;
	kstream-join) echo '--stream stdin --stream stdin --within 1h' ;;
	kstream-map) echo value=. ;;
	kstream-repartition) echo '--to-one' ;;
	kstream-window) echo "--tumble 1h 'n=count()'" ;;
	esac
}

@test "frame: every tool is in this file, or has nothing to give" {
	[ "$(every_tool | paste -sd ' ')" = 'kstream-branch kstream-cat kstream-diff kstream-filter kstream-join kstream-map kstream-query kstream-repartition kstream-replay kstream-reset kstream-run kstream-table kstream-window' ] || fail 'a new tool: add its operands to operands_of'
}

@test "frame: --help fits one screen of 24 lines and 80 columns" {
	local tool bad=0
	for tool in $(every_tool); do
		try "$tool" --help
		expect 0 || fail "$tool"
		[ "$(wc -l <out)" -le 24 ] || { echo "$tool --help: $(wc -l <out) lines" && bad=1; }
		awk -v tool="$tool" 'length($0) > 80 { print tool " --help: " length($0) " columns: " $0; bad = 1 } END { exit bad }' out || bad=1
		[[ "$(head -n 1 out)" == "usage: $tool "* ]]
		try "$tool" -h
		expect 0
	done
	[ "$bad" = 0 ]
}

@test "frame: --version" {
	local tool
	for tool in $(every_tool); do
		try "$tool" --version
		expect 0
		[[ "$(cat out)" =~ ^$tool\ [0-9]+\.[0-9]+\.[0-9]+$ ]]
		[ "$(wc -l <out)" = 1 ]
	done
}

@test "frame: what is no option is 64 and names --help; nothing is read or written" {
	local tool
	for tool in $(every_tool); do
		for x in --bogus -a --from '--help=3' '--from=' '--to=frames,json'; do
			try_sh "echo 1 | $tool $(operands_of "$tool") $x"
			refused 64 "$tool" || fail "$tool $x"
			[ ! -s out ]
		done
	done
	try kstream-filter
	refused 64 kstream-filter 'expression'
	try kstream-filter '.a +'
	refused 64 kstream-filter
	try kstream-window --from json
	refused 64 kstream-window
}

@test "frame: -c limits the messages that are read, of text and of frames" {
	seq 10 >in.json
	kstream-cat --from json in.json >in.frames
	try kstream-cat -c 3 --from json --to json in.json
	expect 0 $'1\n2\n3'
	try kstream-cat --max-messages 3 --to json in.frames
	expect 0 $'1\n2\n3'
	[ "$(kstream-cat -c 3 in.frames | frames print BARRIER END | tr '\n' ' ')" = 'BARRIER [1,"complete",[],-1,3,null] END [1,"complete"] ' ]
	[ "$(kstream-cat -c 3 --end paused in.frames | frames print END)" = 'END [1,"paused"]' ]
	[ "$(kstream-cat -c 3 --from json in.json | frames print BARRIER)" = 'BARRIER [1,"complete",[["in.json",0,6]],-1,3,null]' ]
	try kstream-filter -c 3 --from json --to json '. > 1' in.json
	expect 0 $'2\n3'
	try kstream-filter -c 3 --to json '. > 1' in.frames
	expect 0 $'2\n3'
	try kstream-cat -c 30 --to json in.frames
	expect 0 "$(seq 10)"
	# With --app the rest comes in the next run.
	try kstream-cat --app a -c 3 --from json --to json in.json
	expect 0 $'1\n2\n3'
	try kstream-cat --app a -c 3 --from json --to json in.json
	expect 0 $'4\n5\n6'
}

@test "frame: -v is one closing line of what was done" {
	printf '{"a":1}\n{"a":2}\n{"a":2,"a":3}\n' >in.json
	try kstream-cat -v --from json --to json in.json
	refused 0 kstream-cat '3 in, 3 out, 0 dropped, 0 late, 0 rejected, 1 repeated keys, 30 B, 0.'
	try kstream-filter -v --from json --to json '.a > 1' in.json
	refused 0 kstream-filter '3 in, 2 out, 1 dropped (filtered 1), 0 late, 0 rejected, '
	kstream-cat --from json in.json | { kstream-filter -v '.a > 1' 2>err >out; }
	status=0
	refused 0 kstream-filter '3 in, 2 out, 1 dropped (filtered 1)'
	try_sh "printf '1\nx\n2\n' | kstream-cat -v --from json --to json --on-error skip"
	refused 0 kstream-cat '3 in, 2 out, 0 dropped, 0 late, 1 rejected'
	# With a failure, the failure is the last line.
	try_sh "printf '1\nx\n' | kstream-cat -v --from json --to json"
	[ "$status" = 65 ]
	[ "$(wc -l <err)" = 2 ]
	[[ "$(tail -n 1 err)" == 'kstream-cat: stdin:2: '* ]]
}

@test "frame: SIGUSR1 prints a status line and nothing else happens" {
	mkfifo fifo
	kstream-cat --from json --to json <fifo >out 2>err 7>&- &
	pids=$!
	exec 7>fifo
	echo 1 >&7
	await 5 grep -q 1 out
	kill -USR1 "$pids"
	await 5 grep -q 'kstream-cat: 1 in, 1 out' err
	echo 2 >&7
	exec 7>&-
	status_of "$pids"
	[ "$status" = 0 ]
	[ "$(wc -l <err)" = 1 ]
	output_is $'1\n2'
	# A stage in the middle, and text that is scanned directly.
	mkfifo fifo2
	kstream-filter --from json --to json true <fifo2 >out2 2>err2 &
	pids="$pids $!"
	exec 7>fifo2
	echo 1 >&7
	await 5 grep -q 1 out2
	kill -USR1 "${pids##* }"
	await 5 grep -q 'kstream-filter: 1 in, 1 out' err2
	exec 7>&-
	status_of "${pids##* }"
	[ "$status" = 0 ]
}

# source SIGNAL: kstream-cat as a source under a pipe gets it; the statuses of both go to the file statuses
signal_source() {
	mkfifo fifo
	exec 6<>fifo # what writes it lives on
	echo 1 >&6
	(
		env --default-signal=INT,TERM kstream-cat --from json --commit-interval 1h <fifo 2>err >frames 6>&- &
		echo $! >pid
		s=0
		wait $! || s=$?
		echo "$s" >source_status
	) &
	pids=$!
	await 5 test -s pid
	pids="$pids $(cat pid)"
	await 20 eval 'frames print RECORD <frames | grep -q .'
	kill "-$1" "$(cat pid)"
	wait "${pids%% *}"
	exec 6>&-
}

@test "frame: SIGTERM at a source is END paused and status 0" {
	signal_source TERM
	[ "$(cat source_status)" = 0 ]
	[ "$(kinds <frames)" = 'HELLO RECORD BARRIER END' ]
	[ "$(frames print <frames END)" = 'END [1,"paused"]' ]
	[ ! -s err ]
}

@test "frame: SIGINT at a source is END paused, and it dies by SIGINT" {
	signal_source INT
	[ "$(cat source_status)" = 130 ]
	[ "$(frames print <frames END)" = 'END [1,"paused"]' ]
	[ ! -s err ]
}

@test "frame: a second signal ends it at once" {
	frames build >in <<<HELLO
	mkfifo fifo
	exec 6<>fifo
	cat in >&6
	env --default-signal=INT,TERM kstream-cat <fifo >out 2>err 6>&- &
	pids=$!
	await 5 test -s out
	kill -TERM "$pids"
	sleep 0.3
	! gone "$pids" || fail 'it did not wait for END'
	insist "$pids"
	status_of "$pids"
	[ "$status" = 143 ]
	exec 6>&-
}

@test "frame: a stage in the middle waits for END after SIGTERM, and passes all that comes" {
	printf '%s\n' HELLO 'RECORD {"value":1}' | frames build >head
	printf '%s\n' 'RECORD {"value":2}' 'BARRIER [1,"paused",[],-1,2]' 'END [1,"paused"]' | frames build >tail
	mkfifo fifo
	exec 6<>fifo
	env --default-signal=INT,TERM kstream-filter true <fifo >frames 2>err 6>&- &
	pids=$!
	cat head >&6
	await 5 test -s frames
	kill -TERM "$pids"
	sleep 0.3
	cat tail >&6
	exec 6>&-
	status_of "$pids"
	[ "$status" = 0 ]
	[ "$(kinds <frames)" = 'HELLO RECORD RECORD BARRIER END' ]
	[ ! -s err ]
}

@test "frame: between two sections a stage has nothing to wait for" {
	printf '%s\n' HELLO 'BARRIER [1,"paused"]' 'END [1,"paused"]' | frames build >in
	mkfifo fifo
	exec 6<>fifo
	cat in >&6
	env --default-signal=INT,TERM kstream-cat <fifo >out 2>err 6>&- &
	pids=$!
	await 5 eval 'frames print END <out | grep -q END'
	kill -TERM "$pids"
	await 5 gone "$pids"
	status_of "$pids"
	exec 6>&-
	expect 0
}

@test "frame: Ctrl-C at a whole pipeline loses nothing of what was read" {
	mkfifo fifo
	exec 6<>fifo
	seq 500 >&6
	cat >run <<-'E'
		kstream-cat --from json <fifo 2>>err | kstream-filter true 2>>err | kstream-cat --to json >out 2>>err
		echo "${PIPESTATUS[*]}" >statuses
	E
	env --default-signal=INT setsid bash -c 'trap : INT; . ./run' 6>&- &
	pids=$!
	await 5 grep -qx 500 out
	kill -INT -- "-$(ps -o pgid= -p "$(pgrep -P "$pids" -x kstream-cat | head -n 1)" | tr -d ' ')"
	wait "$pids" || :
	exec 6>&-
	[ "$(cat statuses)" = '130 130 130' ]
	[ ! -s err ]
	output_is "$(seq 500)"
}

@test "frame: --progress on no terminal is a line at the end, without controls" {
	seq 1000 >in.json
	try kstream-cat --progress --from json --to json in.json
	refused 0 kstream-cat '1000 in, 1000 out, '
	try kstream-cat --from json --to json in.json
	expect 0
	if command -v script >/dev/null; then
		[[ "$(script -qec 'kstream-cat --progress --from json --to json --out /dev/null in.json' /dev/null </dev/null)" == *$'\r\e[K''kstream-cat: 1000 in, 1000 out'* ]]
	fi
}

@test "frame: text whose reader has gone dies by SIGPIPE, silently" {
	seq 300000 >in.json
	kstream-cat --from json in.json >in.frames
	local to
	for to in json envelope raw tsv; do
		(
			set +e
			env --default-signal=PIPE kstream-cat --from json --to $to in.json 2>err | head -n 1 >out
			echo "${PIPESTATUS[0]}" >statuses
		)
		[ "$(cat statuses)" = 141 ] || fail "--to $to: $(cat statuses)"
		[ ! -s err ]
	done
	(
		set +e
		env --default-signal=PIPE kstream-filter --from json --to json true in.json 2>err | head -n 1 >out
		echo "${PIPESTATUS[0]}" >statuses
	)
	[ "$(cat statuses)" = 141 ]
	output_is 1
	[ ! -s err ]
}

@test "frame: frames whose reader has gone are 75 and one line" {
	seq 300000 >in.json
	kstream-cat --from json in.json >in.frames
	local command
	for command in 'kstream-cat --from json in.json' 'kstream-cat in.frames' 'kstream-filter true in.frames'; do
		(
			set +e
			$command 2>err | head -c 100 >out
			echo "${PIPESTATUS[0]}" >statuses
		)
		status=$(cat statuses)
		refused 75 "${command%% *}" 'has gone' || fail "$command"
	done
	# Idle, too.
	rm err
	mkfifo fifo
	exec 6<>fifo
	kstream-cat --from json <fifo 2>err 6>&- | head -c 1 >/dev/null 6>&- &
	pids=$!
	await 5 test -s err
	exec 6>&-
	status=75
	refused 75 kstream-cat 'has gone'
}

# no_output WHERE TEXT: every tool and format refuses a stdout that is there, and says so
no_output() {
	local tool to
	printf '{"t":1}\n' >in.json
	for tool in $(every_filter); do
		for to in frames json envelope raw tsv; do
			try_sh "$tool $(operands_of "$tool") --from json --to $to --time .t --key .t <in.json >$1"
			refused 74 "$tool" "$2" || fail "$tool --to $to"
		done
	done
	for tool in $(every_tool); do
		for to in --help --version; do
			try_sh "$tool $to >$1"
			refused 74 "$tool" "$2" || fail "$tool $to"
		done
	done
}

@test "frame: a full device is 74 and one line, for every tool and format" {
	no_output /dev/full 'No space left'
	try_sh 'kstream-filter --count --from json true in.json >/dev/full'
	refused 74 kstream-filter 'No space left'
	try kstream-cat --from json --to json --out /dev/full in.json
	refused 74 kstream-cat '/dev/full'
	printf '{\n' >bad.json
	try kstream-cat --from json --to json --on-error file:/dev/full bad.json
	refused 74 kstream-cat '/dev/full'
}

@test "frame: a closed stdout is 74 and one line, for every tool and format" {
	no_output '&-' stdout
	# Nothing that is opened may take its place.
	try_sh 'kstream-cat --from json --to json --on-error file:rejected in.json >&-'
	refused 74 kstream-cat
	[ ! -s rejected ] || fail 'the output went to another file'
}

@test "frame: a closed stdin is 74 and one line, and never hangs" {
	local tool
	for tool in $(every_filter); do
		try_sh "timeout 5 $tool $(operands_of "$tool") --from json --to json <&-"
		refused 74 "$tool" 'stdin' || fail "$tool --from json"
		try_sh "timeout 5 $tool $(operands_of "$tool") --to json <&-"
		refused 74 "$tool" 'stdin' || fail "$tool"
	done
	try_sh 'timeout 5 kstream-cat --from json --to json <&- >&-'
	[ "$status" = 74 ]
}

@test "frame: a closed stderr takes nothing with it" {
	printf '1\n{\n2\n' >in.json
	try_sh 'kstream-cat --from json --to json --on-error file:rejected in.json -v 2>&-'
	expect 0 $'1\n2'
	[ "$(wc -l <rejected)" = 1 ] || fail 'a message went into the file of rejects'
	try_sh 'kstream-cat --from json --to json --out there in.json 2>&-'
	[ "$status" = 65 ]
	[ "$(cat there)" = 1 ] || fail "a message went into the output: $(cat there)"
}

@test "frame: an input that is not there is 66, a directory too, an output that cannot be is 73" {
	local tool from
	mkdir dir
	echo 1 >in.json
	for from in json frames raw; do
		try kstream-cat --from $from --to json nowhere
		refused 66 kstream-cat "'nowhere': No such file"
		try kstream-cat --from $from --to json dir
		refused 66 kstream-cat "'dir'" || fail "--from $from"
		try_sh "kstream-cat --from $from --to json <dir"
		refused 66 kstream-cat || fail "--from $from <dir"
	done
	try kstream-filter --from json --to json true nowhere
	refused 66 kstream-filter "'nowhere'"
	try kstream-filter --from json --to json true dir
	refused 66 kstream-filter "'dir'"
	try kstream-cat --in nowhere --from json --to json
	refused 66 kstream-cat "'nowhere'"
	# All are looked for before an output is touched.
	echo old >kept
	try kstream-cat --from json --to json --out kept in.json nowhere
	refused 66 kstream-cat "'nowhere'"
	[ "$(cat kept)" = old ]
	cp in.json both
	try kstream-cat --from json --to json --out both both
	refused 64 kstream-cat "'both'"
	cmp in.json both
	try kstream-cat --from json --to json --out nowhere/x in.json
	refused 73 kstream-cat "'nowhere/x'"
	try kstream-cat --from json --to json --out dir in.json
	refused 73 kstream-cat "'dir'"
	try kstream-cat --from json --to json --on-error file:nowhere/x in.json
	refused 73 kstream-cat "'nowhere/x'"
	touch locked
	chmod 0 locked
	[ "$(id -u)" = 0 ] || {
		try kstream-cat --from json --to json locked
		refused 66 kstream-cat 'Permission denied'
	}
}

@test "frame: --on-error at the source: fail, skip, file, dlq" {
	printf '{"a":1}\n{"a":\n{"a":3}\n' >in.json
	try kstream-cat --from json --to json in.json
	refused 65 kstream-cat 'in.json:2: JSON is cut short'
	output_is '{"a":1}'
	try kstream-cat --from json --to json --on-error skip in.json
	expect 0 $'{"a":1}\n{"a":3}'
	try kstream-cat --from json --to json --on-error file:bad in.json
	expect 0 $'{"a":1}\n{"a":3}'
	try kstream-cat --from json --to json --on-error file:bad in.json # appended
	expect 0
	[ "$(wc -l <bad)" = 2 ]
	[ "$(kstream-cat --from envelope --to raw bad 2>/dev/null | head -n 1)" = '{"a":' ] || kstream-cat --from envelope bad | frames print RECORD >out
	[[ "$(head -n 1 bad)" == '{"topic":"in","partition":0,"offset":8,'*'"flags":["dead-letter"]'*'["__streams.errors.topic","in"],["__streams.errors.partition","0"],["__streams.errors.offset","8"]'*'"payload":"eyJhIjo=","payload_encoding":"base64"}' ]]
	kstream-cat --from json --on-error dlq:dead in.json | frames print RECORD BARRIER >out
	[[ "$(sed -n 2p out)" == *'"flags":16,"topic":"in","partition":0,"offset":8,"route":"dead"'*'"value":{"hex":"7b2261223a"}}' ]]
	[[ "$(tail -n 1 out)" == *',3,null]' ]]
	# Downstream of a dead letter: nobody touches it, an envelope carries it.
	kstream-cat --from json --on-error dlq:dead in.json | kstream-filter '.a > 1' | kstream-cat --to envelope >out
	[ "$(wc -l <out)" = 2 ]
	[[ "$(sed -n 1p out)" == *'"route":"dead","flags":["dead-letter"]'* ]]
}

@test "frame: --on-error at a filter: coordinates, skip, file, dlq" {
	printf '{"a":1}\n{"a":"x"}\n{"a":3}\n' >in.json
	kstream-cat --from json -t orders in.json >in.frames
	local bad='.a.b'
	try kstream-filter --to json "$bad" in.frames
	refused 65 kstream-filter 'orders/0@0: '
	try kstream-filter --from json --to json "$bad" in.json
	refused 65 kstream-filter 'in.json:1'
	try kstream-filter --on-error skip --to json ".a > 1 and ($bad | not)" in.frames
	[ "$status" = 0 ]
	try kstream-filter --on-error skip -v --to json "$bad" in.frames
	refused 0 kstream-filter '3 in, 0 out, 0 dropped, 0 late, 3 rejected'
	try kstream-filter --on-error file:bad --to json "$bad" in.frames
	expect 0 ''
	[ "$(wc -l <bad)" = 3 ]
	[[ "$(sed -n 2p bad)" == '{"topic":"orders","partition":0,"offset":8,'*'"payload":{"a":"x"}}' ]]
	# Text that is scanned directly leaves the same in the file as text that is not.
	try kstream-filter --on-error file:bad2 --from json --to json "$bad" in.json
	expect 0 ''
	try kstream-filter --on-error file:bad3 --from json --to json --as x "$bad" in.json
	expect 0 ''
	diff <(sed 's/,"key".*//' bad2) <(sed 's/,"key".*//' bad3)
	kstream-filter --on-error dlq:dead "$bad" in.frames | frames print HELLO RECORD BARRIER >out
	[[ "$(head -n 1 out)" == *'"sides":["dead"]'* ]]
	[ "$(grep -c '"flags":16,"topic":"orders".*"route":"dead"' out)" = 3 ]
	[[ "$(tail -n 1 out)" == *',3,null]' ]]
}

@test "frame: a dead letter needs an output that can carry it" {
	echo '{' >in.json
	local to
	for to in json raw tsv; do
		try kstream-cat --from json --to $to --on-error dlq:dead in.json
		refused 78 kstream-cat "'dead'"
		[[ "$(cat err)" == *'--to envelope'*'--to frames'* ]]
		try_sh "kstream-cat --from json --on-error dlq:dead in.json 2>upstream | kstream-cat --to $to"
		[ "$(wc -l <err)" = 1 ]
		grep -q "'dead'" err
	done
	try kstream-cat --from json -J --on-error dlq:dead in.json
	refused 78 kstream-cat "'dead'"
	# A side record that HELLO did not announce.
	printf '%s\n' HELLO 'RECORD {"value":1,"flags":8,"route":"late"}' 'BARRIER [1,"complete"]' 'END [1,"complete"]' | frames build >in
	try kstream-cat --to json in
	refused 78 kstream-cat 'side record'
}

@test "frame: a record whose value is broken goes where --on-error says, too" {
	printf 'HELLO\nFRAME 1 99c000a17403cd0412c0c090a1ff\nRECORD {"value":1}\nBARRIER [1,"complete",[],-1,2]\nEND [1,"complete"]\n' | frames build >in
	try kstream-cat --to json in
	refused 65 kstream-cat 't/3@1042: '
	try kstream-cat --to json --on-error skip in
	expect 0 1
	try kstream-cat --to json --on-error file:bad in
	expect 0 1
	[[ "$(cat bad)" == *'"payload":"of8=","payload_encoding":"base64"}' ]]
	try kstream-cat --to envelope --on-error dlq:dead in
	expect 0
	[ "$(wc -l <out)" = 2 ]
}

@test "frame: -c downstream ends the pipeline well" {
	seq 300000 >in.json
	try_sh 'kstream-cat --from json in.json 2>upstream | kstream-cat -c 2 --to json'
	output_is $'1\n2'
	[ "$(cat upstream)" = 'kstream-cat: the reader of stdout has gone' ]
	[ "$status" = 75 ]
}
