#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# kstream-reset with a real Kafka: what it prints, what it does, what it refuses, and that a kill at each step leaves nothing half done that an
# app would go on from.  kcat judges.

# shellcheck disable=SC2154 # what lib sets
load lib
load app

drilled=$BATS_TEST_DIRNAME/../../build/drill/bin

feed() { # feed FIRST LAST: records of 10 keys, a second apart
	seq "$1" "$2" | awk '{ printf "k%d|{\"v\":%d}\n", $1 * 7 % 10, $1 }' | kcat -P -b "$b" -t "$t" -K '|' -X partitioner=murmur2_random
}

count() { # count [OPTION...]: windows of all that there is, to APP.out
	"$bin/kstream-window" -b "$b" --in "kafka:$t" --out "kafka:$app.out" --create-topics 3 --app "$app" --changelog "$app.log" -e \
		--tumble 365d --grace 365d "${clause:-n=count()}" "$@"
}

plain() { # plain [OPTION...]: a copy, without state
	"$bin/kstream-cat" -b "$b" --in "kafka:$t" --out "kafka:$app.out" --create-topics 3 --app "$app" -e "$@"
}

reset() { "$bin/kstream-reset" --app "$app" -b "$b" "$@"; }

out() { kcat -C -q -e -b "$b" -t "${1:-$app}.out" -f '%k %s\n' | sort; }

words() { "$topic" words "${1:-$app}" "$t" 3; }

says() { # says STATUS TEXT
	echo "$output"
	[ "$status" -eq "$1" ] && [[ $output == *"$2"* ]]
}

fill() { # fill LAST: a topic of 3 partitions
	"$topic" create "$t" 3
	feed 1 "$1"
}

@test "a plan says what there is and what will be, and does nothing" {
	fill 60
	count
	words >before
	find state | sort >there
	out >written
	run -0 reset --empty "$app.out"
	echo "$output"
	[ "$(sed -E 's/ +/ /g; s/epoch ([0-9]+), [0-9.]+ MB/epoch \1, SIZE/' <<<"$output" | sed "s/$app/A/g" | grep -v position)" = \
		"what which is will be
state 0/window epoch 1, SIZE removed
topic A.out $(("$(wc -l <written)" + 3)) offsets its records deleted
changelog A.log 22 offsets a tombstone for each key

What stays: its input, what it has written to other topics and to files, and all of other apps.
Nothing has been done: the same command with --apply does it." ]
	[ "$(grep -c "^position  *$t/[0-2]  *[0-9]*  *0, the beginning\$" <<<"$output")" -eq 3 ]
	words | diff before -
	find state | sort | diff there -
	out | diff written -
	[ "$(count -v 2>&1 | grep -c '0 in, 0 out')" -eq 1 ]
}

@test "it begins anew: what comes out is what an app puts out that nothing has happened to" {
	fill 60
	count
	feed 61 100
	count
	clause='s=sum(.v)' app=$app.calm KSTREAM_STATE_DIR=$PWD/calm count
	reset --empty "$app.out" --apply >/dev/null
	[ ! -e "state/$app/0/window/db" ] && [ -z "$(out)" ]
	# of other options, of which the old changelog would have been refused
	clause='s=sum(.v)' count
	out "$app" | diff <(out "$app.calm") -
	feed 101 110
	clause='s=sum(.v)' count
	[ "$(out | wc -l)" -eq 110 ]
}

@test "killed at each step and given again: no run goes on in between, and it ends as if it had not been killed" {
	local clause step
	fill 40
	for clause in 'n=count()' 's=sum(.v)'; do app=$t.${clause:0:1} KSTREAM_STATE_DIR=$PWD/calm count; done
	count
	clause='n=count()'
	for step in planned:1 fenced:1 marked:1 state:1 burying:3 emptied:1 emptied:2 settling:1 settled:1 cleaned:1; do
		echo "$step, $clause"
		run -137 env KSTREAM_FAIL=reset-$step "$drilled/kstream-reset" --app "$app" -b "$b" --empty "$app.out" --apply
		run count
		says 78 "app '$app' is being reset, as"
		[[ $output == *"kstream-reset --app $app --apply, with -b where topics are read or written, goes on with it" ]]
		# elsewhere, too, once zombies are fenced
		case $step in
		planned:1 | fenced:1 | settled:1 | cleaned:1) ;;
		*)
			KSTREAM_STATE_DIR=$PWD/elsewhere run count
			says 78 "app '$app' is being reset, and that has not come to its end"
			;;
		esac
		run -0 reset
		[[ $output == *'This was begun before, and goes on as it was planned then'*'Nothing has been done'* ]]
		reset --apply >/dev/null
		if [ "$clause" = 'n=count()' ]; then clause='s=sum(.v)'; else clause='n=count()'; fi
		count
		out | diff <(out "$t.${clause:0:1}") -
		[ "$(find "state/$app" | sort | paste -sd ' ')" = "$(echo "state/$app"{,/0,/0/LOCK,/0/ledger.lock,/0/window,/0/window/LOCK,/0/window/db,/0/window/db/{log.0000000001,state.db}})" ]
	done
}
