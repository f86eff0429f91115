#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# --in and --out kafka:TOPIC of a tool that is not kstream-cat, and of kstream-cat, with a real Kafka.

load lib

filter_() { "$bin/kstream-filter" -b "$b" "$@"; }

one_line() { # one_line STATUS TEXT: the whole of stderr
	echo "status $status: $output"
	[ "$status" -eq "$1" ] && [ "${#lines[@]}" -eq 1 ] && [[ $output == *"$2"* ]]
}

run_in_back() { # run_in_back COMMAND...: in a group of its own, signals as at a shell; its pid in $pid
	setsid env --default-signal "$@" >out 2>err &
	pid=$!
	pids="${pids-} $pid"
}

children() { cat "/proc/$pid/task/$pid/children"; }

child() { # child reads|writes: its pid
	local x
	for x in $(children); do
		case $1:$(tr '\0' ' ' <"/proc/$x/cmdline") in
		reads:*--in=*) echo "$x" ;;
		writes:*--out=*) echo "$x" ;;
		esac
	done
}

ends() { # ends: the tool does, and leaves nobody behind; its status in $status
	local before=$kin x
	status=0
	wait "$pid" || status=$?
	for x in $before; do wait_for gone "$x"; done
	output=$(cat err) lines=()
	[ -z "$output" ] || mapfile -t lines <err
}

gone() { ! kill -0 "$1" 2>/dev/null; }

begun() { # begun N: N records are in topic $t.out, and both children run
	wait_for eval '[ "$(kcat -C -q -e -b "$b" -t "$t.out" | wc -l)" -ge '"$1"' ]'
	kin=$(children)
	[ "$(wc -w <<<"$kin")" = 2 ]
}

topics() { # topics: $t with 100 records in 2 partitions, and $t.out
	"$topic" create "$t" 2
	"$topic" create "$t.out" 2
	numbers 1 100 | cat_ --from json --key .n -b "$b" -P -t "$t"
}

written() { kcat -C -q -e -b "$b" -t "$t.out" -f '%p %k %T %s\n' | sort; }

@test "a filter from topic to topic does what the pipe of three does" {
	topics
	"$topic" create "$t.pipe" 2
	filter_ --in "kafka:$t" --out "kafka:$t.out" '.n > 50' -e
	cat_ -b "$b" -t "$t" -e | "$bin/kstream-filter" '.n > 50' | cat_ -b "$b" -P -t "$t.pipe"
	written >one
	[ "$(wc -l <one)" = 50 ]
	kcat -C -q -e -b "$b" -t "$t.pipe" -f '%p %k %T %s\n' | sort | diff one -
}

@test "one end a topic: to text, from text, to an answer; options go to whom they are for" {
	topics
	filter_ --in "kafka:$t" '.n <= 2' -e --to json >json
	[ "$(sort json | tr '\n' ' ')" = '{"n":1} {"n":2} ' ]
	[ "$(filter_ --in "kafka:$t" --count true -e -o -3 -p 1)" = 3 ]
	[ "$(filter_ --in "kafka:$t" --count true -c 7)" = 7 ]
	[ "$(filter_ --in "kafka:$t" --count true -e --end paused -X fetch.wait.max.ms=20 --timeout 20s)" = 100 ]
	[ "$(filter_ --in "kafka:$t" '$key == "x7" and $ts == 7' --key '"x7"' --time .n --to json -e -c 100 | sort -u | head -n 1)" = '{"n":7}' ]
	[ "$(filter_ --in "kafka:$t" 'true' --from raw -c 1 -p 0 --to raw)" = "$(kcat -C -q -b "$b" -t "$t" -p 0 -c 1)" ]
	numbers 1 3 | "$bin/kstream-filter" --from json --key .n --out "kafka:$t.out" -b "$b" '.n != 2'
	[ "$(written | cut -d ' ' -f 2,4 | sort | tr '\n' ' ')" = '1 {"n":1} 3 {"n":3} ' ]
	run filter_ --in "kafka:$t" true --from envelope -e
	one_line 64 'kstream-cat: values of a topic are --from json'
	run filter_ --in "kafka:$t" true --out "kafka:$t.out" --to tsv -e
	one_line 64 'kstream-cat: values of a topic are --to json'
}

@test "a window from topic to topic" {
	topics
	"$bin/kstream-window" -b "$b" --in "kafka:$t" --out "kafka:$t.out" --tumble 365d --emit close -e 'n=count()'
	[ "$(written | wc -l)" -ge 100 ]
	[ "$(kcat -C -q -e -b "$b" -t "$t.out" | jq -s 'map(.n) | add')" = 100 ]
}

@test "several topics come by one source; --route writes to several" {
	topics
	"$topic" create "$t.b" 1
	numbers 1 5 | cat_ --from json -b "$b" -P -t "$t.b"
	[ "$(filter_ --in "kafka:$t" --in "kafka:$t.b" --count true -e)" = 105 ]
	run_in_back "$bin/kstream-filter" -b "$b" --in "kafka:$t" --in "kafka:$t.b" --to raw true
	wait_for lines_of out 105
	[ "$(children | wc -w)" = 1 ]
	kin=$(children)
	kill -TERM "$pid"
	ends
	[ "$status" = 0 ]
	filter_ --in "kafka:$t.b" --out kafka: --route --as "$t.out" '.n == 3' -e
	[ "$(written | cut -d ' ' -f 4)" = '{"n":3}' ]
}

@test "a topic that is not there: 78, one line, as in the pipe" {
	topics
	run filter_ --in "kafka:$t.nope" --out "kafka:$t.out" true -e
	one_line 78 "kstream-cat: there is no topic '$t.nope'"
	run filter_ --in "kafka:$t" --out "kafka:$t.nope" true
	one_line 78 "kstream-cat: there is no topic '$t.nope'"
	run filter_ --in "kafka:$t" --out "kafka:$t.nope" true -e
	one_line 78 "kstream-cat: there is no topic '$t.nope'"
	run filter_ --in "kafka:$t" --out "kafka:$t.out" -e -p 7 true
	one_line 78 "has no partition 7"
}

@test "no broker: 69, one line, of whichever end was first" {
	run "$bin/kstream-filter" -b 127.0.0.1:1 --in "kafka:$t" --out "kafka:$t.out" true -e --timeout 1s
	one_line 69 "kstream-cat: cannot ask 127.0.0.1:1"
}

@test "a record at fault: the tool's own line alone, and its status" {
	topics
	run filter_ --in "kafka:$t" --out "kafka:$t.out" .n.x
	one_line 65 'kstream-filter: '"$t/"
	printf 'no json\n' | kcat -P -b "$b" -t "$t" -p 0
	run filter_ --in "kafka:$t" --out "kafka:$t.out" true -e
	one_line 65 "kstream-cat: $t/0@"
	filter_ --in "kafka:$t" --count true -e --on-error file:bad >count
	[ "$(cat count)" = 100 ]
	[ "$(jq -r .topic bad)" = "$t" ]
}

@test "a reader of text that goes: silent, as without Kafka" {
	"$topic" create "$t" 2
	numbers 1 20000 | cat_ --from json --key .n -b "$b" -P -t "$t" # more than a pipe holds
	run bash -c '"$0" -b "$1" --in "kafka:$2" --to json true | head -n 1 >first; exit "${PIPESTATUS[0]}"' "$bin/kstream-filter" "$b" "$t"
	echo "$output"
	[ "$status" = 141 ]
	[ -z "$output" ]
}

@test "SIGTERM to the tool alone, to the group, Ctrl-C: all is written, nobody is left" {
	topics
	local how want
	for how in 'TERM one' 'TERM all' 'INT one' 'INT all' 'HUP all'; do
		run_in_back "$bin/kstream-filter" -b "$b" --in "kafka:$t" --out "kafka:$t.out" true
		begun 100
		case $how in
		*one) kill "-${how% *}" "$pid" ;;
		*all) kill "-${how% *}" -- "-$pid" ;;
		esac
		ends
		want=0
		if [[ $how == INT* ]]; then want=130; fi
		echo "$how: $status, $output"
		[ "$status" = "$want" ] && [ -z "$output" ]
		"$topic" delete "$t.out"
		wait_for "$topic" create "$t.out" 2
	done
}

@test "a signal before the source has begun ends it cleanly, too" {
	topics
	local n
	for n in 0 0.005 0.02; do
		run_in_back "$bin/kstream-filter" -b "$b" --in "kafka:$t" --to json '.n < 0'
		sleep "$n"
		wait_for is_tool
		kin=$(children)
		kill -TERM "$pid"
		ends
		echo "$n: $status, $output"
		[ -z "$output" ]
		[[ $status = 0 || $status = 143 ]] # 143: before the tool had begun itself
	done
}
is_tool() { [[ $(tr '\0' ' ' <"/proc/$pid/cmdline") == *kstream-filter* && $(children) ]]; }

@test "a child that is killed: 75, one line that says so, nobody is left" {
	topics
	local which
	for which in reads writes; do
		run_in_back "$bin/kstream-filter" -b "$b" --in "kafka:$t" --out "kafka:$t.out" true
		begun 100
		kill -KILL "$(child "$which")"
		ends
		one_line 75 "kstream-filter: the kstream-cat that $which kafka:$t"
		[[ $output == *'was killed by signal 9' ]]
	done
}

@test "the tool is killed: its children end soon" {
	topics
	run_in_back "$bin/kstream-filter" -b "$b" --in "kafka:$t" --out "kafka:$t.out" true
	begun 100
	kill -KILL "$pid"
	ends
	[ "$status" = 137 ]
	[ "${#lines[@]}" -le 1 ]
	# Also where the source leaves everything out, which takes it many times as long as this may.
	"$topic" create "$t.big" 1
	yes "{\"s\":\"$(head -c 66000 /dev/zero | tr '\0' x)\"}" | head -n 1000 | kcat -P -b "$b" -t "$t.big" -z lz4
	run_in_back "$bin/kstream-filter" -b "$b" --in "kafka:$t.big" -e --commit-interval 1h '[range(300000) | tostring] | length < 0'
	wait_for eval '[ -n "$(children)" ]'
	kin=$(children)
	sleep 0.2
	kill -KILL "$pid"
	begin=$(date +%s%3N)
	ends
	echo "$(($(date +%s%3N) - begin)) ms"
	[ $(($(date +%s%3N) - begin)) -lt 8000 ]
}

@test "-v is the tool's own line; with -v -v the children say theirs" {
	topics
	run filter_ --in "kafka:$t" --out "kafka:$t.out" true -e -v
	one_line 0 'kstream-filter: 100 in, 100 out'
	run filter_ --in "kafka:$t" --out "kafka:$t.out" true -e -vv
	echo "$output"
	[ "${#lines[@]}" = 3 ]
	[ "$(grep -c '^kstream-cat: 100 in, 100 out' <<<"$output")" = 2 ]
}

@test "kstream-cat from topic to topic, in one process" {
	topics
	cat_ -b "$b" --in "kafka:$t" --out "kafka:$t.out" --from raw -e
	written >copy
	kcat -C -q -e -b "$b" -t "$t" -f '%p %k %T %s\n' | sort | diff copy -
	run_in_back "$bin/kstream-cat" -b "$b" -t "$t" --out "kafka:$t.out"
	wait_for eval '[ "$(written | wc -l)" = 200 ]'
	[ -z "$(children)" ]
	kin='' && kill -TERM "$pid"
	ends
	[ "$status" = 0 ]
	printf 'k:{"n":0}\n' | kcat -P -b "$b" -t "$t" -K : -H h=v
	cat_ -b "$b" --in "kafka:$t" --out "kafka:$t.out" --to json -e
	[ "$(kcat -C -q -e -b "$b" -t "$t.out" -f '%h\n' | sort -u | tr '\n' ' ')" = ' h=v ' ]
	numbers 7 8 >file
	cat_ -b "$b" --from json -t other --out "kafka:$t.out" file
	[ "$(written | wc -l)" = 303 ]
	run cat_ -b "$b" --in "kafka:$t" -P -t "$t.out"
	one_line 64 'kstream-cat: from topic to topic: --in kafka:TOPIC --out kafka:TOPIC'
}

@test "a reader that goes from a live topic is noticed though nothing comes: within 2 s, and nobody is left" {
	topics
	mkfifo pipe
	local command begin took tries
	for command in "kstream-filter --to json true" "kstream-filter --to json .n<0" "kstream-filter --to frames true" \
		"kstream-cat --to json" "kstream-cat --to frames"; do
		took=2000 tries=0
		while [ $took -ge 2000 ]; do # a busy machine may need longer once, and twice
			[ $((tries += 1)) -le 3 ] || return 1
			# shellcheck disable=SC2086 # words
			run_in_back "$bin/"$command -b "$b" --in "kafka:$t" --out pipe
			exec 7<pipe
			case $command in
			*'<0') wait_for eval '[ -n "$(children)" ]' && sleep 0.5 ;; # until it waits
			*) head -c 1 <&7 >first && timeout 0.5 cat <&7 >>first || : ;;
			esac
			kin=$(children)
			exec 7<&-
			begin=$(date +%s%3N)
			ends
			took=$(($(date +%s%3N) - begin))
			echo "$command: $status after $took ms: $output"
		done
		case $command in
		*json*) [ "$status" = 141 ] && [ -z "$output" ] ;;
		*) one_line 75 'the reader of pipe has gone' ;;
		esac
	done
}

@test "what the source leaves out is what the filter would drop, and counted as that" {
	"$topic" create "$t" 1
	local expr not
	printf '%s\n' '{"n":1}' '{"n":60}' '{"n":"60"}' '{"n":null}' '{}' '{"n":1,"n":70}' '{"n":70,"n":1}' '{"n":50.5}' '{"n":9007199254740993}' \
		'[1,60]' '"text"' '60' 'null' '{"n":{"x":60}}' '{"s":"a\u0062","n":60}' '{"s":"ab"}' | kcat -P -b "$b" -t "$t"
	printf '{\n"n": 60\n}' | kcat -P -b "$b" -t "$t" -D $'\x01'
	printf 'k:\n' | kcat -P -b "$b" -t "$t" -K : -Z
	printf '%s\n' 'no json' '{"n":1} x' '{"n":1,"m":"\xff"}' '{"n":1}{"n":60}' | kcat -P -b "$b" -t "$t"
	for expr in '.n > 50' '.n == 70' '.n.x > 50' '.n? == 1' '.s == "ab"' '.[1]? == 60' 'true' 'false' '.' '. == null' '$offset > 3' '.n == 9007199254740992'; do
		for not in '' --invert; do
			filter_ --in "kafka:$t" -e -v --on-error "file:bad" --to envelope $not "$expr" >one 2>counts
			cat_ -b "$b" -t "$t" -e --on-error "file:bad2" | "$bin/kstream-filter" -v --on-error "file:bad2" --to envelope $not "$expr" >two 2>counts2
			echo "$expr $not"
			diff one two
			diff <(jq -cS .payload bad | sort) <(jq -cS .payload bad2 | sort) # two processes write to each
			diff <(sed 's/rejected.*//' counts) <(sed 's/rejected.*//' counts2)
			rm bad bad2
		done
	done
	filter_ --in "kafka:$t" -c 7 --count --on-error skip '.n == 70' >count
	[ "$(cat count)" = 1 ]
	run filter_ --in "kafka:$t" -e --to json 'false' # frames would begin before the failure, or not
	one_line 65 "kstream-cat: $t/0@18"
}

@test "what a filter drops does not come to it" {
	topics
	mkdir beside
	cp "$bin/kstream-filter" beside/
	printf '#!/bin/bash\nexec "%s/kstream-cat" "$@" > >(tee -a frames)\n' "$bin" >beside/kstream-cat
	chmod +x beside/kstream-cat
	beside/kstream-filter -b "$b" --in "kafka:$t" -e '.n > 90' --to json >ten
	[ "$(wc -l <ten)" = 10 ]
	[ "$("$bin/kstream-cat" --to raw frames | wc -l)" = 10 ]
	rm frames
	beside/kstream-filter -b "$b" --in "kafka:$t" -e '$ts > 0 and .n > 90' --to json >ten # of the record, not its value
	[ "$("$bin/kstream-cat" --to raw frames | wc -l)" = 100 ]
	rm frames
	beside/kstream-filter -b "$b" --in "kafka:$t" -e 'now > 0 and .n > 90' --to json >ten # at the time of the filter
	[ "$("$bin/kstream-cat" --to raw frames | wc -l)" = 100 ]
	# Barriers go on where nothing else does, and a group is told.
	rm frames
	run_in_back beside/kstream-filter -b "$b" --in "kafka:$t" -G "$t" -o beginning --commit-interval 100ms -v false
	told() { cat_ -b "$b" -t "$t" -o stored -X "group.id=$t" -e --to json >left && [ ! -s left ]; }
	wait_for told
	kill -TERM "$pid"
	wait "$pid"
}
