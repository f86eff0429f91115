#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What a user of an app with state does by mistake, and what another day does to it: it is refused before anything is written or forgotten,
# and what was there before goes on.

# shellcheck disable=SC2030,SC2031,SC2154 # what lib sets; each test has its own app
load lib
load app

count() { # count APP TOPIC [OPTION...]: how often each key has come, of all that is there
	"$bin/kstream-window" -b "$b" --app "$1" --in "kafka:$2" --out "kafka:$1.out" --create-topics 2 --running 'n=count()' -e "${@:3}"
}

feed() { printf 'a\t1\nb\t1\na\t1\nc\t1\n' | kcat -P -b "$b" -t "${1:-$t}" -K '\t' -X partitioner=murmur2_random; }

sizes() { for x in "$@"; do kcat -C -q -e -b "$b" -t "$x" -f 'x' | wc -c; done; } # sizes TOPIC...: how many records are committed

counted() { # counted N: the app has put out 1 to N of key a
	diff <(kcat -C -q -e -b "$b" -t "$app.out" -f '%k %s\n' | grep '^a ') <(seq -f 'a {"n":%g}' "$1")
}

says() { # says TEXT: status 78, and one line that has it
	echo "$output"
	[ "$status" -eq 78 ] && [ "${#lines[@]}" -eq 1 ] && [[ $output == *"$1"* ]]
}

setup_topics() {
	"$topic" create "$t" 2
	feed
}

@test "a group that was forgotten, and another input: refused at once, and what was there is not thrown away" {
	setup_topics
	"$topic" create "$t.other" 2
	feed "$t.other"
	for log in "" "--changelog=$app.log"; do
		for _ in 1 2 3; do count "$app" "$t" ${log:+"$log"}; done
		run count "$app" "$t.other" ${log:+"$log"}
		says "Kafka knows of no commit of $t.other/0 by app '$app'"
		feed
		count "$app" "$t" ${log:+"$log"}
		counted 4
		"$topic" forget "$app"
		run count "$app" "$t" ${log:+"$log"}
		says "its group was deleted or forgotten, or another topic was read"
		counted 4
		# what it says helps
		rm -r "state/$app/0"
		count "$app" "$t" ${log:+"$log"}
		[ "$(sizes "$app.out")" -eq 16 ]
		app=$app.log
		"$topic" delete "$t"
		setup_topics
	done
}

uncommitted() { # uncommitted APP: a run whose sink is killed before it commits
	KSTREAM_FAIL=sink-barrier:1 "$bin/../drill/bin/kstream-cat" -b "$b" --app "$1" -P -t "$t" < <(
		"$bin/kstream-cat" -b "$b" --app "$1" -t "$t" -e | "$bin/kstream-window" --app "$1" --running 'n=count()') || :
}

@test "a group that was forgotten behind the first run of an app, which has committed once" {
	setup_topics
	for log in "" "--changelog=$app.log"; do
		count "$app" "$t" ${log:+"$log"}
		"$topic" forget "$app"
		for _ in 1 2; do
			run count "$app" "$t" ${log:+"$log"}
			says "its group was deleted or forgotten, or another topic was read"
		done
		counted 2
		# what was never committed is begun again, as ever, by an app of which the first run was forgotten, too
		rm -r "state/$app/0/window"
		"$topic" forget "$app" # so that the next run has the number of that first one
		uncommitted "$app"
		count "$app" "$t" ${log:+"$log"}
		app=$app.x
		uncommitted "$app"
		count "$app" "$t"
		counted 2
		app=$app.log
	done
}

@test "a state that was removed: what is said to do helps" {
	setup_topics
	count "$app" "$t"
	rm -r "state/$app/0"
	run count "$app" "$t"
	says "or delete its consumer group and remove '$KSTREAM_STATE_DIR/$app/0' to begin again from the start"
	"$topic" forget "$app"
	rm -rf "state/$app/0"
	count "$app" "$t"
	[ "$(sizes "$app.out")" -eq 8 ]
}

@test "a changelog that is another app's, an input, or a table of somebody else's is not written to" {
	setup_topics
	count "$app" "$t" --changelog "$app.log"
	"$topic" create "$t.compact" 2 cleanup.policy=compact
	feed "$t.compact"
	printf 'SSSS\t1\n' | kcat -P -b "$b" -t "$t.compact" -K '\t' -p 1	# as long as what begins a partition
	before=$(sizes "$app.log" "$t.compact")
	run count "$app.b" "$t" --changelog "$app.log"
	says "changelog '$app.log' was made with app $app, which is now app $app.b: give another --changelog"
	run count "$app.b" "$t" --changelog "$t.compact"
	says "this is no record of a changelog: give --changelog a topic of its own"
	run count "$app.b" "$t.compact" --changelog "$t.compact"
	says "--changelog '$t.compact' is a topic that is read, too: give it one of its own"
	[ "$(sizes "$app.log" "$t.compact")" = "$before" ]
	# the app that it belongs to has all of it
	rm -r "state/$app/0"
	feed
	count "$app" "$t" --changelog "$app.log"
	counted 4
	# and begins anew in what is its own
	"$topic" forget "$app"
	rm -r "state/$app/0"
	count "$app" "$t" --changelog "$app.log"
	[ "$(sizes "$app.out")" -eq 16 ]
}
