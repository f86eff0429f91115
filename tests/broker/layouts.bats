#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# --instance I/N with another N than before: who takes what from whom, and what is refused.  kcat judges.

# shellcheck disable=SC2034,SC2154 # what lib sets, and uses
load lib
load app
export PYTHONDONTWRITEBYTECODE=1

tools=$BATS_TEST_DIRNAME/../../build/drill/bin

words() { "$topic" words "$app" "$t" "$1"; } # the word of each of so many partitions, as Kafka has it

layout() { # layout N [OPTION...]: all instances of N, at the same time
	local i status=0 all=() n=$1
	shift
	for ((i = 0; i < n; i++)); do
		KSTREAM_STATE_DIR=$PWD/state copy --instance "$i/$n" "$@" &
		all+=($!)
	done
	for i in "${all[@]}"; do wait "$i" || status=$?; done
	return "$status"
}

@test "another number of instances goes on where the last one has stopped" {
	"$topic" create "$t" 5
	"$topic" create "$t.out" 1
	write 1 300
	layout 3
	write 301 600
	layout 2
	write 601 900
	layout 4
	write 901 1000
	layout 1
	diff <(numbers 1 1000) <(written)
	words 5 >told
	cat told
	[ "$(sort -u told | wc -l)" -eq 1 ]
	[[ $(head -n 1 told) == ks2\;e=*\;o=0/1\;r=*\;i=0/1\;x ]]
}

@test "an instance that ends while it takes from others is no loss" {
	"$topic" create "$t" 4
	"$topic" create "$t.out" 1
	n=0
	for point in owner-fenced owner-sent owner-taken; do
		for layouts in 2 3 4 1; do
			write $((n + 1)) $((n + 50))
			n=$((n + 50))
			run env KSTREAM_FAIL="$point:1" "$tools/kstream-cat" -b "$b" --in "kafka:$t" --out "kafka:$t.out" --app "$app" -e --instance "0/$layouts"
			echo "$output"
			[ "$status" -ne 0 ]
			layout "$layouts"
		done
	done
	diff <(numbers 1 "$n") <(written)
}

@test "an instance that was stopped while it took from others, and goes on when another layout has all" {
	"$topic" create "$t" 4
	"$topic" create "$t.out" 1
	mkfifo pipe
	n=0
	for point in owner-fenced owner-read owner-taken source-read claim-begun claimed; do
		write $((n + 1)) $((n + 50))
		n=$((n + 50))
		export KSTREAM_STATE_DIR=$PWD/late
		KSTREAM_STOP=$point:1 "$tools/kstream-cat" -b "$b" -t "$t" --app "$app" -e --instance 0/4 >pipe 2>said &
		source=$!
		"$bin/kstream-cat" --app "$app" --instance 0/4 -b "$b" -P -t "$t.out" <pipe 2>>said &
		sink=$!
		pids="$source $sink"
		wait_for grep -q '^State:.T' "/proc/$source/status"
		rm -f "state/$app/0/taken" "late/$app/0/taken" # by whom it is all this within a minute
		layout 2
		kill -CONT "$source"
		for pid in "$source" "$sink"; do
			status=0
			wait "$pid" || status=$?
			# it has begun behind the other, or was kept out
			[ "$status" -eq 0 ] || [ "$status" -eq 75 ] || { cat said; false; }
		done
		echo "$point: $status"
		pids=
		layout 3
	done
	diff <(numbers 1 "$n") <(written)
}

@test "a stage with state refuses another layout, and the one before goes on" {
	"$topic" create "$t" 4
	"$topic" create "$t.out" 1
	count() {
		"$bin/kstream-window" -b "$b" --in "kafka:$t" --out "kafka:$t.out" --app "$app" -e --running --instance "$1" 'count()'
	}
	keyed() { seq -f 'k%g|{"n":1}' 1 40 | kcat -P -b "$b" -t "$t" -K '|' -X partitioner=murmur2_random; }
	keyed
	count 0/2
	count 1/2
	keyed
	for i in 0 2; do
		run count "$i/3"
		echo "$output"
		[ "$status" -eq 78 ]
		[[ $output == "kstream-window: $t/$((3 - i / 2)) was last read by instance $((1 - i / 2))/2 of app '$app', which has its state"* ]]
	done
	# what the refused one has taken is given back, and nothing has changed
	count 1/2
	count 0/2
	keyed
	count 0/2
	count 1/2
	[ "$(written | sort | uniq -c | awk '{ print $1 }' | sort -u)" -eq 40 ]
}

@test "two layouts that run at once do no damage, and one of them gives up for good" {
	"$topic" create "$t" 3
	"$topic" create "$t.out" 1

	live() { # live I/N: under a supervisor that starts it again
		local status=75
		while [ "$status" -eq 75 ]; do
			status=0
			KSTREAM_STATE_DIR=$PWD/${1#*/} "$bin/kstream-cat" -b "$b" --in "kafka:$t" --out "kafka:$t.out" --app "$app" --commit-interval 50ms \
				--instance "$1" 2>>"said${1#*/}" || status=$?
		done
		echo "$status" >"ended${1#*/}"
	}
	live 0/2 3>&- &
	two=$!
	live 0/3 3>&- &
	three=$!
	n=0
	until [ -s ended2 ] || [ -s ended3 ]; do
		write $((n + 1)) $((n + 30))
		n=$((n + 30))
		sleep 0.1
		[ "$n" -lt 9000 ]
	done
	cat said2 said3
	[ "$(cat ended2 ended3)" = 78 ]
	grep -qh 'two layouts of instances run at once; stop one of them' said2 said3
	# the other goes on; what it does not read an instance of its layout does
	for pid in $two $three; do
		pkill -TERM -P "$pid" || :
		wait "$pid"
	done
	layout 1
	diff <(numbers 1 "$n") <(written)
}
