#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# kstream-reset with a real Kafka: what it prints, what it does, what it refuses, and that a kill at each step leaves nothing half done that an
# app would go on from.  kcat judges.

# shellcheck disable=SC2154,SC2030,SC2031 # what lib sets; each test is a process
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

plain() { # a copy, without state
	"$bin/kstream-cat" -b "$b" --in "kafka:$t" --out "kafka:$app.out" --create-topics 3 --app "$app" -e
}

reset() { "$bin/kstream-reset" --app "$app" -b "$b" "$@"; }

out() { kcat -C -q -e -b "$b" -t "${1:-$app}.out" -f '%k %s\n' | sort; }

# The same, where it is asked often: kcat takes half a second.
soon() { "$bin/kstream-cat" -C -q -e -b "$b" -t "$app.out" -f '%k %s\n' | sort; }

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
	echo "bootstrap.servers=$b" >kafka.conf
	run -0 "$bin/kstream-reset" --app "$app" -F kafka.conf --empty "$app.out"
	echo "$output"
	[ "$(sed -E 's/ +/ /g; s/epoch ([0-9]+), [0-9.]+ MB/epoch \1, SIZE/' <<<"$output" | sed "s/$app/A/g" | grep -v position)" = \
		"what which is will be
state 0/window epoch 1, SIZE removed
topic A.out $(("$(wc -l <written)" + 3)) offsets its records deleted
changelog A.log 22 offsets a tombstone for each key

Who has written to the topics of --empty is not known: all their records go, also those of others.

What stays: its input, what it has written to other topics and to files, and all of other apps.
Nothing has been done: the same command with --apply does it." ]
	[ "$(grep -c "^position  *$t/[0-2]  *[0-9]*  *0, the beginning\$" <<<"$output")" -eq 3 ]
	words | diff before -
	find state | sort | diff there -
	out | diff written -
	[ "$(count -v 2>&1 | grep -c '0 in, 0 out')" -eq 1 ]
	run "$bin/kstream-reset" --app "$app"
	says 64 "app '$app' reads or writes topics: name a broker with -b HOST:PORT"
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
	run "$bin/kstream-reset" --app "$app"
	says 66 "there is no app '$app' in files: where it reads topics, name a broker with -b HOST:PORT"
	for clause in 'n=count()' 's=sum(.v)'; do app=$t.${clause:0:1} KSTREAM_STATE_DIR=$PWD/calm count; done
	for clause in n s; do out "$t.$clause" >"expected.$clause"; done
	clause='n=count()' count
	clause='n=count()'
	for step in reset-planned:1 reset-fenced:1 offsets-sent:1 committed:1 reset-all-marked:1 reset-state:1 reset-burying:3 reset-emptied:1 \
		reset-emptied:2 reset-settling:1 offsets-sent:2 committed:2 reset-cleaned:1; do
		echo "$step, $clause"
		run -137 env KSTREAM_FAIL=$step "$drilled/kstream-reset" --app "$app" -b "$b" --empty "$app.out" --apply
		run count
		says 78 "app '$app' is being reset, as"
		[[ $output == *"kstream-reset --app $app --apply, with -b where topics are read or written, goes on with it" ]]
		# elsewhere, too, once zombies are fenced
		case $step in
		committed:1 | reset-emptied:1 | offsets-sent:2)
			KSTREAM_STATE_DIR=$PWD/elsewhere run count
			says 78 "app '$app' is being reset, and that has not come to its end"
			run -0 reset
			[[ $output == *'This was begun before, and '*'Nothing has been done'* ]]
			run "$bin/kstream-reset" --app "$app" --apply
			says 64 "app '$app' reads or writes topics: name a broker with -b HOST:PORT"
			;;
		esac
		reset --apply >/dev/null
		if [ "$clause" = 'n=count()' ]; then clause='s=sum(.v)'; else clause='n=count()'; fi
		count
		soon | diff "expected.${clause:0:1}" -
		[ -z "$(find "state/$app" -name 'reset*')" ]
	done
}

@test "a plan whose ledger is done empties nothing again, as the app may have begun elsewhere" {
	fill 30
	count
	out >expected
	run -137 env KSTREAM_FAIL=reset-settled:1 "$drilled/kstream-reset" --app "$app" -b "$b" --empty "$app.out" --apply
	[ -z "$(out)" ]
	KSTREAM_STATE_DIR=$PWD/elsewhere count
	out | diff expected -
	run -0 reset --apply
	says 0 'This was begun before, and is done, but for the plan itself.'
	out | diff expected -
	[ ! -e "state/$app" ] || [ -z "$(find "state/$app" -name 'reset*' -o -name db)" ]
	# and that one goes on
	feed 31 35
	KSTREAM_STATE_DIR=$PWD/elsewhere count -v 2>said
	grep -q '5 in, 5 out' said
	# here there is nothing, and it comes from the changelog
	count -v 2>said
	grep -q 'restored 3 partitions' said
}

@test "another reset in place of one that was begun: refused, and with --replan done, wherever that one was killed" {
	local step
	fill 30
	count
	app=$app.calm KSTREAM_STATE_DIR=$PWD/calm count
	app=$app.sums KSTREAM_STATE_DIR=$PWD/calm clause='s=sum(.v)' count
	out "$app.sums" >sums
	for step in reset-planned:1 reset-all-marked:1 reset-state:1 reset-burying:3 reset-settling:1 reset-settled:1; do
		echo "$step"
		run -137 env KSTREAM_FAIL=$step "$drilled/kstream-reset" --app "$app" -b "$b" --empty "$app.out" -o end --apply
		run reset --empty "$app.out" --apply -q
		says 78 "app '$app' is being reset, as was asked for before with --offset end --empty $app.out, and that has not come to its end"
		run reset -o last-good --replan --apply
		if [ "$step" != reset-settled:1 ]; then says 78 'and what it kept may be gone: --offset last-good comes too late'; fi
		# also of the changelog, which no state here names any more
		run -0 reset --empty "$app.out" --replan --apply
		if [ "$step" != reset-settled:1 ]; then says 0 'A reset that was begun before is given up for this one.'; fi
		[ -z "$(out)" ]
		[ -z "$(find "state/$app" -name 'reset*')" ]
		clause='s=sum(.v)' count
		out | diff sums -
		reset --empty "$app.out" --apply -q
		count
		out | diff <(out "$app.calm") -
	done
}

@test "a run elsewhere that was faster than the reset goes on, and is reset" {
	fill 30
	count
	run -137 env KSTREAM_FAIL=reset-planned:1 "$drilled/kstream-reset" --app "$app" -b "$b" --empty "$app.out" --apply
	feed 31 35
	for i in 1 2; do KSTREAM_STATE_DIR=$PWD/elsewhere count; done
	[ "$(out | wc -l)" -eq 35 ]
	run reset --apply
	says 0 "goes on as it was planned then, with --offset beginning --empty $app.out."
	[ -z "$(out)" ]
	count
	[ "$(out | wc -l)" -eq 35 ]
}

@test "state on another host is refused by the next run there" {
	fill 30
	plain2() { "$bin/kstream-table" -b "$b" --in "kafka:$t" --out "kafka:$app.out" --create-topics 3 --app "$app" -e --commit-interval 10ms; }
	plain2
	feed 31 35
	plain2
	cp -a state elsewhere
	reset --apply -q
	KSTREAM_STATE_DIR=$PWD/elsewhere run plain2
	says 78 "$PWD/elsewhere/$app/0/table/db'"
	[[ $output == *"or kstream-reset --app $app here, too"* ]]
	KSTREAM_STATE_DIR=$PWD/elsewhere reset --apply -q
	KSTREAM_STATE_DIR=$PWD/elsewhere plain2
	[ "$(out | wc -l)" -eq 70 ]
}

@test "where to: a time, offsets, the end" {
	"$topic" create "$t" 2
	for i in 0 1 2 3 4; do
		printf '{"topic":"%s","partition":%d,"ts":%d,"payload":{"i":%d}}\n' "$t" $((i % 2)) $((1700000000000 + i * 1000)) "$i"
	done | "$bin/kstream-cat" --from envelope -P -b "$b" -t "$t"
	plain
	place() { reset "$@" --empty "$app.out" --apply -q && plain && soon | cut -d ' ' -f 2 | jq -r .i | sort | paste -sd ' '; }
	[ "$(place --since @1700000002000)" = '2 3 4' ]
	[ "$(place --since @1700000002001)" = '3 4' ]
	[ "$(place -o "$t/0@1,$t/1@0")" = '1 2 3 4' ]
	[ "$(place --since 2099-01-01)" = '' ]
	[ "$(place --since 1960-01-01)" = '0 1 2 3 4' ]
	run -0 reset -o end
	[ "$(grep -c ', the end$' <<<"$output")" = 2 ]
	"$topic" trim "$t" 0 2
	[ "$(place)" = '1 3 4' ]
	run reset -o "$t/0@1,$t/1@0"
	says 64 "kstream-reset: --offset: $t/0 has no offset 1: it has 2 to "
	run reset -o "$t/1@0"
	says 64 "--offset says nothing of $t/0, which stands at "
	run reset -o "$t/0@2,$t/1@0,$t/0@3"
	says 64 "kstream-reset: --offset names $t/0 twice, at 2 and at 3"
	run reset -o "$t/0@2,$t/7@0"
	says 64 "--offset: app '$app' has no offset of $t/7"
	run reset -o "$t/0@2,$t/1"
	says 64 "is not beginning, end, stored, last-good, or TOPIC/PARTITION@OFFSET,..."
	run reset --since 2024-01-01 -o end
	says 64 '--offset and --since both say where to'
}

@test "last-good: what it kept comes from the changelog again, at the epoch that is committed" {
	fill 40
	count
	words | sed 's/r=[0-9]*;//; s/;x$//' >before
	# what Berkeley DB has when it finds damage it does not give back
	export ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=0
	for file in "state/$app/0/window/db"/*; do seq 20000 | dd of="$file" conv=notrunc status=none; done
	run reset -o last-good
	says 78 "the state of 'window' has no changelog to be restored from: name it with --changelog TOPIC"
	run reset -o last-good --changelog "$app.log" --apply
	[[ $output == *"damaged, "*"removed, and restored from its changelog"* ]]
	says 0 Done
	words | sed 's/r=[0-9]*;//; s/;x$//' | diff before -
	feed 41 60
	count -v 2>said
	grep -q 'restored 3 partitions' said
	app=$app.calm KSTREAM_STATE_DIR=$PWD/calm count
	out | diff <(out "$app.calm") -
	# without a changelog there is nothing to be had
	app=$app.none
	plain3() { "$bin/kstream-table" -b "$b" --in "kafka:$t" --out "kafka:$app.out" --create-topics 3 --app "$app" -e; }
	plain3
	run reset -o last-good
	says 78 "the state of 'table' has no changelog to be restored from"
}

@test "a new version begins at the first offset, or where the old one stands, which goes on" {
	fill 40
	count
	feed 41 50
	run -0 reset --new-version "$app.b" --apply
	says 0 "Done: start it as --app $app.b."
	run -0 reset --new-version "$app.c" -o stored --apply
	[ "$(words "$app.b" | cut -d ';' -f 2-3 | sort -u)" = 'e=0;c=0' ]
	for v in b c; do app=$app.$v clause='s=sum(.v)' count; done
	[ "$(out "$app.b" | wc -l)" -eq 50 ]
	[ "$(out "$app.c" | wc -l)" -eq 10 ]
	count
	[ "$(out | wc -l)" -eq 50 ]
	run reset --new-version "$app.b"
	says 78 "app '$app.b' is there already: '$PWD/state/$app.b'; give the new version another name"
	KSTREAM_STATE_DIR=$PWD/elsewhere run reset --new-version "$app.b"
	says 78 "app '$app.b' is there already: its group stands at "
	run reset --new-version "$app"
	says 64 'is the app itself'
}

@test "what is not the app's is refused, and stays as it is" {
	fill 30
	count
	app=$app.other count
	# another program's group
	"$topic" stored "$t.group" "$t" 0 5
	run reset --app "$t.group" --apply
	says 78 "$t/0@5: something else than an app of kstream has committed the offsets of group '$t.group': it is not reset"
	# other topics
	run reset --changelog "$app.other.log" --apply
	says 78 "changelog '$app.other.log' is that of app '$app.other', not of '$app': it is not emptied"
	run reset --changelog "$t" --apply
	says 78 "app '$app' reads topic '$t': its input is not emptied"
	run reset --changelog "$app.other.out" --apply
	says 78 'this is no record of a changelog: the topic is not emptied'
	run reset --empty "$t" --apply
	says 78 "app '$app' reads topic '$t': its input is not emptied"
	run reset --empty "$app.other.log" --apply
	says 78 "topic '$app.other.log' is the changelog of app '$app.other': it is not emptied as an output"
	run reset --empty "$t.nix" --apply
	says 78 "there is no topic '$t.nix'"
	run reset --changelog "$t.nix" --apply
	says 78 "there is no topic '$t.nix'"
	run reset --changelog ../x --apply
	says 78 "'../x'"
	for log in __transaction_state __consumer_offsets; do
		run reset --empty "$log" --apply
		says 78 "topic '$log' is one that Kafka keeps for itself: it is not emptied"
		run reset --changelog "$log" --apply
		says 78 "topic '$log' is one that Kafka keeps for itself: it is not emptied"
	done
	# a state that was copied
	cp -a "state/$app.other/0/window" "state/$app/0/copied"
	run reset --apply
	says 78 "the state in '$PWD/state/$app/0/copied/db' is that of app '$app.other': it is not touched"
	rm -r "state/$app/0/copied"
	# nobody
	run reset --app "$t.nix" --apply
	says 66 "there is no app '$t.nix': group '$t.nix' has committed nothing"
	[ ! -e "state/$t.nix" ]
	# none of this has changed anything
	count -v 2>said
	grep -q '0 in, 0 out' said
	echo damaged >"state/$app/reset.plan"
	run reset --apply
	says 78 "'$PWD/state/$app/reset.plan' is damaged"
}

@test "an app whose group Kafka has forgotten begins again" {
	fill 30
	count
	feed 31 35
	count
	"$topic" forget "$app"
	run count
	says 78 "Kafka knows of no commit of $t/"
	reset --empty "$app.out" --apply -q
	count
	[ "$(out | wc -l)" -eq 35 ]
}

@test "whoever is at work is found: by a lock, as a member of the group, by what it commits elsewhere" {
	fill 30
	local run=("$bin/kstream-cat" -b "$b" --in "kafka:$t" --out "kafka:$app.out" --create-topics 3 --app "$app" --commit-interval 50ms)
	begun() { [[ $(words) == *e=[1-9]* ]]; }
	"${run[@]}" 3>&- &
	pids=$!
	wait_for begun
	run reset --apply
	says 75 "app '$app' is running: '$PWD/state/$app/0/LOCK' is held; stop it first"
	# on another host it is seen by what it commits
	(while :; do feed 1 1; sleep 0.05; done) 3>&- &
	pids+=" $!"
	KSTREAM_STATE_DIR=$PWD/elsewhere run reset --apply
	says 75 "instance 0/1 of app '$app' is at work: $t/"
	for pid in $pids; do kill -KILL "$pid"; wait "$pid" || :; done
	pids=
	# killed, with a transaction open: it is fenced
	run reset --empty "$app.out" --apply
	says 0 Done
	plain
	diff <(kcat -C -q -e -b "$b" -t "$t" -f '%k %s\n' | sort) <(out)
	# a group
	app=$app.g
	"${run[@]}" --app "$app" -G "$app" --instance anna -X session.timeout.ms=6000 3>&- &
	pids=$!
	wait_for begun
	KSTREAM_STATE_DIR=$PWD/elsewhere run reset --app "$app" --apply
	says 75 "group '$app' has 1 member ('anna'), and what they read cannot be reset: stop them"
	kill -TERM "$pids"
	wait "$pids"
	pids=
	gone() { reset --app "$app" --apply -q; }
	wait_for gone
	[ "$(words "$app" | sort -u | sed 's/r=[0-9]*/r=N/')" = 'ks2;e=0;c=0;o=anna;r=N;i=anna;x' ]
	"${run[@]}" --app "$app" -G "$app" --instance bert -X session.timeout.ms=6000 3>&- &
	pids=$!
	wait_for begun
	[[ $(words) == *i=bert* ]]
}

@test "another number of instances begins as one: 2 that were killed, then 3" {
	fill 60
	for i in 0 1; do count --instance "$i/2"; done
	reset --empty "$app.out" --apply -q
	for i in 0 1 2; do count --instance "$i/3"; done
	app=$app.calm KSTREAM_STATE_DIR=$PWD/calm count
	out | diff <(out "$app.calm") -
}

@test "at least once: the ledger files are set back, of topics too" {
	fill 30
	copy_() { "$bin/kstream-cat" -b "$b" --in "kafka:$t" --app "$app" --guarantee at-least-once -e --to json; }
	copy_ >first
	[ "$(wc -l <first)" -eq 30 ]
	run "$bin/kstream-reset" --app "$app" --apply
	says 64 'reads or writes topics: name a broker with -b HOST:PORT'
	KSTREAM_STATE_DIR=$PWD/elsewhere run reset --apply
	says 78 'was run with --guarantee at-least-once, and its ledger'
	[ -z "$(copy_)" ]
	for step in planned:1 ledger:1 cleaned:1; do
		run -137 env KSTREAM_FAIL=reset-$step "$drilled/kstream-reset" --app "$app" -b "$b" --apply
		run copy_
		says 78 "app '$app' is being reset"
		reset --apply -q
		diff <(sort first) <(copy_ | sort)
	done
	reset --apply -q --since 2099-01-01
	[ -z "$(copy_)" ]
}

@test "from a file to a topic: the epoch that Kafka keeps goes with the ledger" {
	"$topic" create "$app.out" 1
	numbers 1 20 >in.jsonl
	write_() { "$bin/kstream-cat" --app "$app" --from json --in in.jsonl --out "kafka:$app.out" -b "$b"; }
	write_
	for step in planned:1 fenced:1 marked:1 settled:1 ledger:1 cleaned:1; do
		echo "$step"
		run -137 env KSTREAM_FAIL=reset-$step "$drilled/kstream-reset" --app "$app" -b "$b" --empty "$app.out" --apply
		run write_
		says 78 "app '$app' is being reset"
		run reset --apply
		says 0 Done
		write_
		[ "$(kcat -C -q -e -b "$b" -t "$app.out" | wc -l)" -eq 20 ]
	done
	numbers 21 25 >>in.jsonl
	write_
	[ "$(kcat -C -q -e -b "$b" -t "$app.out" | wc -l)" -eq 25 ]
}
