#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# --guarantee: what each promises, and, for each precondition of kstream-exactly-once(7), what happens without it.  kcat judges.

# shellcheck disable=SC2154 # what lib sets
load lib
load app

alo='--guarantee at-least-once'
tools=$BATS_TEST_DIRNAME/../../build/drill/bin

read_() { "$bin/kstream-cat" -b "$b" -t "$t" --app "$app" "$@"; }
sink() { "$bin/kstream-cat" --app "$app" -b "$b" -P -t "$t.out" --create-topics 1 "$@"; }
group() { "$bin/kstream-cat" -b "$b" -t "$t" -o stored -X group.id="$app" -e --to json; } # what the group has not been told of
told_all() { group >left && [ ! -s left ]; }

says() { # says STATUS TEXT: among what was said, by whichever stage
	echo "$output"
	[ "$status" -eq "$1" ] && [[ $output == *"$2"* ]]
}

fill() { # fill N: a topic of N records
	"$topic" create "$t" "${2-1}"
	write 1 "$1"
}

# shellcheck disable=SC2086
at_least() { read_ $alo -e "$@"; }

@test "at least once: standard output, a file, a topic, each by itself and behind a pipe, go on where they stood" {
	fill 100 3
	all() {
		at_least --to json >>out.json
		at_least --app "$app.f" --to json --out file.json
		at_least --app "$app.p" | "$bin/kstream-cat" --to json >>piped.json
		at_least --app "$app.k" | sink --app "$app.k"
		# shellcheck disable=SC2086
		"$bin/kstream-filter" -b "$b" --app "$app.t" $alo --in "kafka:$t" -e --out "kafka:$t.out2" --create-topics 1 true
	}
	all
	write 101 150
	all
	for f in out.json file.json piped.json; do diff <(numbers 1 150) <(sort -V "$f"); done
	diff <(numbers 1 150) <(written)
	diff <(numbers 1 150) <(written "$t.out2")
	told_all
	[ "$(grep -c ^position "$KSTREAM_STATE_DIR/$app/0/ledger")" -eq 3 ]
}

@test "at least once: what was not committed comes again, and state is exact" {
	fill 300
	count() { at_least --key '"k"' | "$bin/kstream-window" --app "$app" --running 'n=count()'; }
	# the last process has written some, and its input is gone before a barrier
	count | head -c 8000 | "$bin/kstream-cat" --to json >>out 2>said || status=$?
	[ "$status" -eq 75 ] && [ -s out ]
	write 301 400
	count | "$bin/kstream-cat" --to json >>out
	diff <(numbers 1 400) <(sort -uV out)
	[ "$(wc -l <out)" -gt 400 ]
	write 401 450
	count | "$bin/kstream-cat" --to json | diff <(numbers 401 450) -
	# a file that --out names has nothing twice
	app=$app.2
	count | head -c 8000 | "$bin/kstream-cat" --to json --out file 2>said || status=$?
	[ "$status" -eq 75 ] && [ -s file ]
	count | "$bin/kstream-cat" --to json --out file
	diff <(numbers 1 450) file
}

@test "at least once: where -o has a run begin is kept before it has read anything" {
	fill 10
	mkfifo pipe
	# shellcheck disable=SC2086
	"$bin/kstream-cat" -b "$b" -t "$t" --app "$app" $alo -o end >pipe &
	pids=$!
	exec 9<pipe
	head -c 6 <&9 >begun # HELLO
	kill -KILL "$pids"
	wait "$pids" || :
	pids=
	exec 9<&-
	write 11 20
	at_least -o end --to json >out
	diff <(numbers 11 20) out
}

@test "at least once: the group is told while it runs, and where it was before an app has a ledger is gone on from" {
	fill 10
	"$topic" stored "$app" "$t" 0 4
	# shellcheck disable=SC2086
	"$bin/kstream-cat" -b "$b" -t "$t" --app "$app" $alo --commit-interval 50ms --to json >out &
	pids=$!
	wait_for told_all
	write 11 20
	wait_for lines_of out 16
	wait_for told_all
	kill -TERM "$pids"
	wait "$pids"
	pids=
	diff <(numbers 5 20) out
}

@test "at least once: a topic that does not take what it is sent has nothing recorded" {
	fill 10
	at_least | sink
	cp "$KSTREAM_STATE_DIR/$app/0/ledger" before
	"$topic" delete "$t.out"
	"$topic" create "$t.out" 1 max.message.bytes=200
	seq 11 20 | sed 's/.*/{"n":&,"x":"'"$(printf 'x%.0s' {1..300})"'"}/' | kcat -P -b "$b" -t "$t"
	run bash -c "'$bin/kstream-cat' -b '$b' -t '$t' --app '$app' $alo -e | '$bin/kstream-cat' --app '$app' -b '$b' -P -t '$t.out'"
	[ "$status" -ne 0 ]
	diff <(grep -v ^run before) <(grep -v ^run "$KSTREAM_STATE_DIR/$app/0/ledger")
}

@test "at least once: the ledger that is written before what it covers is out loses records, and this finds it" {
	fill 20
	for kept in 1 0; do
		app=$t.$kept
		[ "$kept" = 1 ] || export KSTREAM_BREAK=ledger-last
		# shellcheck disable=SC2086
		for out in "--to json --out out.$kept" "--out kafka:$t.$kept --create-topics 1"; do
			KSTREAM_FAIL=ledger-written:1 run "$tools/kstream-cat" -b "$b" --in "kafka:$t" --app "$app.${#out}" $alo -e $out
			# of a file the first time is at HELLO
			[[ $out != *--to* ]] || KSTREAM_FAIL=ledger-written:2 run "$tools/kstream-cat" -b "$b" --in "kafka:$t" --app "$app.${#out}" $alo -e $out
			"$tools/kstream-cat" -b "$b" --in "kafka:$t" --app "$app.${#out}" $alo -e $out
		done
	done
	diff <(numbers 1 20) out.1
	diff <(numbers 1 20) <(written "$t.1" | sort -uV)
	run -1 diff -q <(numbers 1 20) out.0
	run -1 diff -q <(numbers 1 20) <(written "$t.0" | sort -uV)
}

@test "at least once there are no transactions, and the file of --out and a plain sink take files, too" {
	fill 10
	at_least | sink
	[ "$(kcat -Q -b "$b" -t "$t.out:0:-1")" = "$t.out [0] offset 10" ]
	numbers 1 10 >in.jsonl
	plain() { "$bin/kstream-cat" --from json --app "$app.f" in.jsonl | sink --app "$app.f" "$@"; }
	plain --guarantee at-least-once
	[ "$(kcat -Q -b "$b" -t "$t.out:0:-1")" = "$t.out [0] offset 20" ]
	numbers 11 20 >>in.jsonl
	plain --guarantee at-least-once
	[ "$(written | wc -l)" -eq 30 ]
	# exactly once, and back: what Kafka has of the epochs is not what the ledger has then
	app=$app.h
	one() { "$bin/kstream-cat" --from json --app "$app" in.jsonl | sink "$@"; }
	one
	numbers 21 30 >>in.jsonl
	one --guarantee at-least-once
	numbers 31 40 >>in.jsonl
	run one
	says 78 '--guarantee at-least-once was given meanwhile, with which to go on'
	one --guarantee at-least-once
	cp "$KSTREAM_STATE_DIR/$app/0/ledger" "$KSTREAM_STATE_DIR/$app/0/ledger.next"
	run sink --guarantee at-least-once <in.jsonl
	says 78 'has ended while it was committing exactly once'
	diff <(numbers 1 40) <(written | sort -uV)
}

@test "none is as if there were no app" {
	fill 10
	for _ in 1 2; do read_ --guarantee none -e --to json >out && diff <(numbers 1 10) out; done
	read_ --guarantee none -e -p 0 --since -1h --to json | diff <(numbers 1 10) -
	[ ! -e "$KSTREAM_STATE_DIR" ]
	run read_ --guarantee none --instance 0/2 -e
	refused 64 'only the partitions of an app are divided'
	run cat_ --guarantee at-least-once -b "$b" -t "$t" -e
	refused 64 'about an --app NAME, which is not given'
	run read_ --guarantee most -e
	refused 64 "--guarantee 'most' is not exactly-once, at-least-once or none"
	run "$bin/kstream-run" --instances 2 "kstream-cat -b $b -t $t --app $app --guarantee none -e --to json"
	says 64 'only the partitions of an app are divided'
}

@test "a stage that is given another guarantee than the source says refuses" {
	fill 10
	for words in "exactly-once at-least-once" "at-least-once exactly-once" "none at-least-once" "at-least-once none" "exactly-once none"; do
		read -r source stage <<<"$words"
		run bash -c "'$bin/kstream-cat' -b '$b' -t '$t' --app '$app.$source' --guarantee $source -e |
			'$bin/kstream-filter' --app '$app.$source' --guarantee $stage true | cat >rest"
		if [ "$source" = none ]; then
			[[ $output == *"the source that makes the stream has no app"* ]]
		else
			[[ $output == *"--guarantee $stage, but the source that makes the stream says $source"* ]]
		fi
	done
	# files: told nothing the sink does what it can, told more than the source says it refuses
	numbers 1 5 >in.jsonl
	run bash -c "'$bin/kstream-cat' --from json --app '$app' in.jsonl | '$bin/kstream-cat' --app '$app' --guarantee exactly-once -b '$b' -P -t '$t.out' --create-topics 1"
	says 78 '--guarantee exactly-once, but the source that makes the stream says at-least-once'
	"$bin/kstream-cat" --from json --app "$app" --guarantee exactly-once in.jsonl | sink --guarantee exactly-once
	numbers 6 9 >>in.jsonl
	"$bin/kstream-cat" --from json --app "$app" --guarantee exactly-once in.jsonl | sink
	diff <(numbers 1 9) <(written)
	run "$bin/kstream-cat" --from json --app "$app" --guarantee exactly-once --to json in.jsonl
	refused 78 'cannot be written exactly once'
}

@test "a second process that commits the same stream is refused, not fenced again and again" {
	fill 10
	"$topic" create "$t.out" 1
	mkfifo pipe one two
	for how in exactly-once at-least-once; do
		"$bin/kstream-cat" -b "$b" -t "$t" --app "$app.$how" --guarantee "$how" >pipe 2>source &
		pids=$!
		tee one <pipe >two &
		pids="$pids $!"
		for i in one two; do
			"$bin/kstream-cat" --app "$app.$how" -b "$b" -P -t "$t.out" <$i 2>said.$i &
			pids="$pids $!"
		done
		statuses=
		for pid in $pids; do
			status=0
			wait "$pid" || status=$?
			statuses="$statuses $status"
		done
		pids=
		cat said.*
		# tee writes to a reader that is gone, and the other sink's stream ends without END
		[[ "$statuses " == *' 78 75 ' || "$statuses " == *' 75 78 ' ]]
		grep -q 'another process commits this very run, 1' said.one said.two
		read_ --app "$app.$how" --guarantee "$how" -e | sink --app "$app.$how"
	done
	# exactly once, and at least once
	[ "$(written | uniq -c | awk '$1 < 2 || $1 > 3' | wc -l)" -eq 0 ] && [ "$(written | uniq | wc -l)" -eq 10 ]
}

@test "an input that has no positions is no source of an app" {
	numbers 1 5 >in.jsonl
	mkfifo fifo
	for how in "" "--guarantee at-least-once" "--guarantee exactly-once"; do
		run bash -c "cat in.jsonl | '$bin/kstream-cat' --app '$app' $how --from json >out"
		refused 78 "'stdin'"
		run bash -c "cat in.jsonl | '$bin/kstream-cat' --app '$app' $how --from json - >out"
		refused 78 "'stdin'"
		run bash -c "'$bin/kstream-cat' --app '$app' $how --from json <(cat in.jsonl) >out"
		refused 78 '/dev/fd/'
		cat in.jsonl >fifo &
		pids=$!
		run bash -c "'$bin/kstream-cat' --app '$app' $how --from json fifo >out"
		refused 78 "'fifo'"
		wait "$pids" || :
		pids=
		run bash -c "cat in.jsonl | '$bin/kstream-cat' --app '$app' $how -b '$b' -P -t '$t.out' --create-topics 1"
		refused 78 'lines as kcat reads them keep no positions'
		run bash -c "'$bin/kstream-cat' --app '$app' $how -b '$b' -P -t '$t.out' -l in.jsonl"
		refused 78 'lines as kcat reads them keep no positions'
	done
	[ ! -s out ]
	run bash -c "cat in.jsonl | '$bin/kstream-cat' --app '$app' --guarantee none --from json --to json"
	[ "$status" -eq 0 ] && [ "$output" = "$(numbers 1 5)" ]
}

@test "an app that is promised something else than before is refused, both ways, and nothing is lost" {
	fill 10
	copy
	# shellcheck disable=SC2086
	run copy $alo
	refused 78 'was run with --guarantee exactly-once'
	copy
	diff <(numbers 1 10) <(written)
	app=$app.2
	at_least --to json >out
	run read_ -e
	refused 78 'was run with --guarantee at-least-once'
	KSTREAM_STATE_DIR=elsewhere run read_ -e
	refused 78 'was run with --guarantee at-least-once, and a ledger says where it stands'
	write 11 20
	at_least --to json >>out
	diff <(numbers 1 20) out
}

@test "at least once: the ledger of another host, an older copy, another number of instances, offsets of somebody else" {
	fill 20 2
	at_least --to json >out
	cp "$KSTREAM_STATE_DIR/$app/0/ledger" before
	write 21 30
	at_least --to json >>out
	KSTREAM_STATE_DIR=elsewhere run at_least --to json
	refused 78 'that of another host, or an older copy'
	cp "$KSTREAM_STATE_DIR/$app/0/ledger" now
	cp before "$KSTREAM_STATE_DIR/$app/0/ledger"
	run at_least --to json
	refused 78 'that of another host, or an older copy'
	cp now "$KSTREAM_STATE_DIR/$app/0/ledger"
	for i in 0/2 1/2; do
		run at_least --instance "$i" --to json
		refused 78 'go on with as many instances as before'
	done
	run bash -c "'$bin/kstream-cat' -b '$b' -t '$t' --app '$app' $alo -e | '$bin/kstream-cat' --state-dir other --to json"
	says 78 'give both ends the same --state-dir'
	"$topic" stored "$app" "$t" 0 1
	run at_least --to json
	refused 78 "something else than this app has committed the offsets of group '$app'"
	diff <(numbers 1 30) <(sort -V out)
}

@test "at least once: a topic that was made anew is warned of, and refused where it has no such offset" {
	fill 20
	for app in "$t" "$t.2"; do at_least --to json >out; done
	"$topic" delete "$t"
	"$topic" create "$t" 1
	write 1 5
	run at_least --to json
	[ "$status" -eq 78 ] && [[ $output == *"has forgotten it: was the topic made anew?"* && $output == *'no such offset'* ]]
	write 6 30
	app=$t
	run at_least --to json
	[ "$status" -eq 0 ] && [[ $output == *"$t/0@20: the app goes on here, but its group '$app' has forgotten it"* ]]
}

@test "kstream-run passes it on" {
	fill 10
	run "$bin/kstream-run" "kstream-cat -b $b -t $t --app $app $alo -e | kstream-filter --app $app $alo true | kstream-cat --app $app $alo --out out --to json"
	[ "$status" -eq 0 ]
	diff <(numbers 1 10) out
}

@test "exactly once: every stage is of the same app, source and sink of the same instance" {
	fill 10
	run bash -c "'$bin/kstream-cat' -b '$b' -t '$t' --app '$app' -e | '$bin/kstream-filter' --app other true | '$bin/kstream-cat' --app '$app' -b '$b' -P -t '$t.out' --create-topics 1"
	says 75 "--app other, but the source that makes the stream has --app '$app'"
	for how in exactly-once at-least-once; do
		run bash -c "'$bin/kstream-cat' -b '$b' -t '$t' --app '$app.$how' --guarantee $how -e | '$bin/kstream-cat' --app '$app.$how' --instance 1/2 -b '$b' -P -t '$t.out' --create-topics 1"
		says 78 'give both the same'
	done
	[ -z "$(written)" ]
}

@test "exactly once: who reads uncommitted sees what is not there" {
	fill 10
	"$topic" create "$t.out" 1
	mkfifo pipe
	# the sink has sent all, and waits for a barrier that does not come
	"$bin/kstream-cat" -b "$b" -t "$t" --app "$app" --commit-interval 30s >pipe &
	pids=$!
	"$bin/kstream-cat" --app "$app" -b "$b" -P -t "$t.out" <pipe &
	pids="$pids $!"
	uncommitted() { kcat -C -q -e -b "$b" -t "$t.out" -X isolation.level=read_uncommitted; }
	ten() { [ "$(uncommitted | wc -l)" -eq 10 ]; }
	wait_for ten
	[ -z "$(written)" ]
	# shellcheck disable=SC2086
	kill -KILL $pids
	# shellcheck disable=SC2086
	wait $pids || :
	pids=
	copy
	diff <(numbers 1 10) <(written)
	[ "$(uncommitted | wc -l)" -gt 10 ]
}

@test "exactly once: a state directory of another host, or an older copy, is refused" {
	fill 10
	count() { read_ -e --key '"k"' | "$bin/kstream-window" --app "$app" --running 'n=count()' | sink; }
	count
	cp -r "$KSTREAM_STATE_DIR/$app/0/window" older
	write 11 20
	count
	KSTREAM_STATE_DIR=elsewhere run count
	says 75 'there is no state in'
	rm -r "$KSTREAM_STATE_DIR/$app/0/window"
	cp -r older "$KSTREAM_STATE_DIR/$app/0/window"
	run count
	[ "$status" -ne 0 ] && [[ $output == *"the state in '$KSTREAM_STATE_DIR/$app/0/window"* ]]
	diff <(numbers 1 20) <(written)
}

@test "exactly once: an input that was made anew, an output that is deleted on the way" {
	fill 20
	count() { read_ -e --key '"k"' | "$bin/kstream-window" --app "$app" --running 'n=count()' | sink; }
	count
	"$topic" delete "$t"
	"$topic" create "$t" 1
	write 1 5
	# Kafka has forgotten with the topic where the app stood, and the state has not
	run count
	[ "$status" -ne 0 ] && [[ $output == *"the state in '$KSTREAM_STATE_DIR/$app/0/window"* ]]
	app=$app.2
	"$topic" delete "$t.out"
	"$topic" create "$t.out" 1
	mkfifo pipe
	"$bin/kstream-cat" -b "$b" -t "$t" --app "$app" --commit-interval 50ms 2>source >pipe &
	pids=$!
	"$bin/kstream-cat" --app "$app" -b "$b" -P -t "$t.out" --timeout 5s <pipe 2>said &
	sink=$!
	pids="$pids $sink"
	five() { [ "$(written | wc -l)" -eq 5 ]; }
	wait_for five
	"$topic" delete "$t.out"
	write 6 10
	status=0
	wait "$sink" || status=$?
	cat said
	[ "$status" -ne 0 ] && grep -q "$t.out" said
	wait "${pids% *}" || :
	pids=
	# what had not been committed comes into the next one
	"$topic" create "$t.out" 1
	read_ -e | sink
	diff <(numbers 6 10) <(written)
}

@test "drill: kill -9 at random, at least once, into a topic and files" {
	for shape in at-least appended cut; do
		/usr/bin/python3 "$BATS_TEST_DIRNAME/../drill/drill.py" --broker "$b" --bin "$bin" --shape "$shape" --seconds 4
	done
}

@test "drill: each stage ends at each step, at least once" {
	for shape in at-least cut; do
		/usr/bin/python3 "$BATS_TEST_DIRNAME/../drill/drill.py" --broker "$b" --bin "$tools" --shape "$shape" --points 1
	done
}
