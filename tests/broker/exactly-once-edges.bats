#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# --app between topics, where it is easily forgotten: what passes nothing, what is new, what takes too long, what was left behind.

# shellcheck disable=SC2154 # what lib sets
load lib
load app

# The app has committed all that is in the topic.  (kcat would commit itself.)
all_is_committed() { "$bin/kstream-cat" -b "$b" -t "$t" -o stored -X group.id="$app" -e --to json >left && [ ! -s left ]; }

@test "what is read is committed, although nothing of it passes" {
	"$topic" create "$t" 1
	write 1 100
	"$bin/kstream-filter" -b "$b" --app "$app" --in "kafka:$t" --out "kafka:$t.out" --create-topics 1 --commit-interval 100ms '.n < 0' &
	pids=$!
	# without that a barrier would wait for 30 s
	begun=$SECONDS
	wait_for all_is_committed
	[ $((SECONDS - begun)) -lt 25 ]
	kill -TERM "$pids"
	wait "$pids"
	pids=
}

@test "partitions that a topic has got since the last run are read from their beginning, whatever -o said" {
	"$topic" create "$t" 1
	write 1 100
	copy -o end
	[ -z "$(written)" ]
	"$topic" grow "$t" 2
	write 101 150 -p 1
	copy -o end
	diff <(numbers 101 150) <(written)
}

@test "an epoch longer than a transaction may last is refused before it begins" {
	"$topic" create "$t" 1
	for how in "$bin/kstream-cat -b $b -t $t --app $app" "$bin/kstream-filter -b $b --app $app --in kafka:$t --out kafka:$t.out true" \
		"$bin/kstream-filter -b $b --app $app --from json --in in.jsonl --out kafka:$t.out true"; do
		# shellcheck disable=SC2086
		run timeout 30 $how --commit-interval 31s
		[ "$status" -eq 64 ] && [[ $output == *'--commit-interval with --app and topics is 30 s at most'* ]]
	done
	# in two processes the one that writes to a topic hears of it
	numbers 1 3 >in.jsonl
	run bash -c "'$bin/kstream-cat' --from json --app '$app.f' --commit-interval 5m in.jsonl | '$bin/kstream-cat' --app '$app.f' -b '$b' -P -t '$t'"
	echo "$output"
	[ "$status" -eq 78 ] && [[ $output == *'--commit-interval of the source is 300 s, and 30 s at most'* ]]
	copy --commit-interval 30s
	for x in isolation.level=read_uncommitted transaction.timeout.ms=1000; do
		run copy -X "$x"
		refused 64 "${x%=*}"
	done
}

@test "a file goes to a topic by a tool with a state directory of its own" {
	"$topic" create "$t.out" 1
	numbers 1 5 >in.jsonl
	unset KSTREAM_STATE_DIR
	HOME=$PWD/home "$bin/kstream-filter" --app "$app" --state-dir here --from json --in in.jsonl -b "$b" --out "kafka:$t.out" true
	diff in.jsonl <(written)
	[ ! -e home ]
}

@test "a source that the last run has left behind is waited for" {
	"$topic" create "$t" 1
	write 1 10
	# its sink is gone, and it has not noticed yet
	mkfifo pipe
	"$bin/kstream-cat" -b "$b" -t "$t" --app "$app" >pipe 2>first &
	first=$!
	exec 9<pipe
	head -c 100 <&9 >hello
	kill -STOP "$first"
	exec 9<&-
	"$bin/kstream-cat" -b "$b" --in "kafka:$t" --out "kafka:$t.out" --create-topics 1 --app "$app" -e 2>said &
	second=$!
	pids="$first $second"
	wait_for bash -c "ls -l /proc/$second/fd | grep -q '/0/LOCK'"
	kill -CONT "$first"
	status=0
	wait "$first" || status=$?
	[ "$status" -eq 75 ]
	wait "$second" || { cat said; false; }
	pids=
	diff <(numbers 1 10) <(written)
}
