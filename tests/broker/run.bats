#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# kstream-run keeps a pipeline between topics running while its stages are killed at random; kcat and Python judge what is committed.

# shellcheck disable=SC2016,SC2154 # what is in single quotes is for kstream-run; what lib sets
load lib
bats_require_minimum_version 1.5.0

setup() {
	setup_test || return
	app=$t
	export KSTREAM_STATE_DIR=$BATS_TEST_TMPDIR/state
	"$topic" create "$t" 4
	"$topic" create "$t.out" 4
}

# begin OPTION ...: counts of each key, in the background
begin() {
	B=$b T=$t APP=$app "$bin/kstream-run" --metrics m.prom "$@" '
		kstream-cat --app $APP -b $B -t $T --commit-interval 50ms |
		kstream-window --app $APP --running "count()" |
		kstream-cat --app $APP -b $B -P -t $T.out' >out 2>err &
	run=$!
	pids="${pids-} $run"
}

write() { # write FIRST LAST: records of 20 keys
	seq "$1" "$2" | awk '{ print "k" $1 % 20 "|" $1 }' | kcat -P -b "$b" -t "$t" -K '|' -X partitioner=murmur2_random
}

written() { kcat -C -q -e -b "$b" -t "$t.out" -X isolation.level=read_committed -f '%k %s\n' >counts && wc -l <counts; }

all() { [ "$(written)" -ge "$1" ]; } # all COUNT: so many are committed

exact() { # exact COUNT: of each key 1, 2, 3 ... once, in this order
	/usr/bin/python3 - "$1" <<-'END'
		import sys
		have = {}
		for line in open("counts"): have.setdefault(line.split()[0], []).append(int(line.split()[1]))
		want = {f"k{k}": list(range(1, int(sys.argv[1]) // 20 + 1)) for k in range(20)}
		wrong = [k for k in sorted(set(want) | set(have)) if want.get(k) != have.get(k)]
		if wrong: sys.exit(f"{len(wrong)} keys are wrong, {wrong[0]}: {len(have.get(wrong[0], []))} of {len(want.get(wrong[0], []))}")
	END
}

ups() { sed -n 's/^kstream_run_up{.*} //p' m.prom | paste -sd ' '; }

up() { [ "$(ups | tr -d ' ' | tr -d 1)" = '' ] && [ "$(ups | wc -w)" = "$1" ]; } # up STAGES: that many, and all run

ended() { # by SIGTERM, and well
	kill -TERM "$run"
	status=0
	wait "$run" || status=$?
	cat err
	[ "$status" -eq 0 ]
}

# chaos SECONDS: records come, and a stage is killed, chosen by the seed, whenever all run
chaos() {
	local end=$((SECONDS + $1)) victims n=0 seed=${SEED:-$RANDOM}
	RANDOM=$seed
	echo "seed $seed"
	until [ "$SECONDS" -ge "$end" ] && [ "$n" -ge 4 ]; do
		write $((n * 1000 + 1)) $((n * 1000 + 1000))
		n=$((n + 1))
		mapfile -t victims < <(pgrep -P "$run")
		if [ ${#victims[@]} -gt 0 ]; then kill -9 "${victims[RANDOM % ${#victims[@]}]}" || :; fi
		wait_for up "$2"
	done
	records=$((n * 1000))
}

survives() { # survives SECONDS STAGES: exact through chaos
	chaos "$@"
	wait_for all "$records" || { tail -n 40 err && return 1; }
	ended
	written
	exact "$records"
}

@test "stages are killed at random under kstream-run, and the output is exact" {
	begin
	survives 10 3
	[ "$(sed -n 's/^kstream_run_restarts_total{.*} //p' m.prom | awk '{ n += $1 } END { print n }')" = "$(grep -c 'starting again' err)" ]
	[ "$(grep -c 'starting again' err)" -ge 4 ]
}

@test "two instances on one machine, each with its partitions: killed at random, and exact" {
	begin --instances 2
	wait_for up 6
	survives 5 6
	[ -d "state/$app/0" ]
	[ -d "state/$app/1" ]
}

@test "members of a group that have names with their numbers: killed at random, and exact" {
	B=$b T=$t APP=$app "$bin/kstream-run" --metrics m.prom --instances 2 '
		kstream-cat --app $APP -G $APP --instance "web-{}" -b $B -t $T --commit-interval 50ms |
		kstream-window --app $APP -b $B --running --changelog $T.log "count()" |
		kstream-cat --app $APP --instance "web-{}" -b $B -P -t $T.out --create-topics 4' >out 2>err &
	run=$!
	pids="${pids-} $run"
	wait_for up 6
	survives 5 6
	[ -d "state/$app/web-0" ]
	[ -d "state/$app/web-1" ]
}

@test "kstream-run itself is killed, and the next one goes on at once" {
	begin
	write 1 1000
	wait_for all 1000
	kill -9 "$run"
	wait "$run" || :
	begin
	write 1001 2000
	wait_for all 2000
	ended
	written
	exact 2000
}

@test "no broker at the start is tried again; another number of instances is not" {
	b=127.0.0.1:1 begin --max-restarts 1
	status=0
	wait "$run" || status=$?
	cat err
	[ "$status" -eq 69 ]
	[ "$(grep -c 'starting again' err)" -eq 1 ]
	begin
	write 1 20
	wait_for all 20
	ended
	begin --instances 2
	status=0
	wait "$run" || status=$?
	cat err
	[ "$status" -eq 78 ]
	run ! grep -q 'starting again' err
}

@test "what the broker refuses three times in a row behind one epoch is not tried again, nor is a claim" {
	local shim=${KSTREAM_FAULT:-$bin/../fault}/refuse.so refusing source sink
	refusing="env LD_PRELOAD=$shim ASAN_OPTIONS=${ASAN_OPTIONS-}:verify_asan_link_order=0 REFUSE="
	write 1 20
	for stages in "|${refusing}-1" "|${refusing}45" "${refusing}42|"; do
		source=${stages%|*} sink=${stages#*|}
		# behind an epoch that is committed: the others are of no number
		begin
		wait_for all 20
		ended
		status=0
		"$bin/kstream-run" "$source kstream-cat --app $app -b $b -t $t -e | $sink kstream-cat --app $app -b $b -P -t $t.out" 2>err || status=$?
		cat err
		[ "$status" -eq 78 ]
		[ "$(grep -c 'starting again' err)" -eq 2 ]
		grep -q 'in a row behind epoch [1-9][0-9]*, and to start again does not help' err
		rm -r state/"$app"
		app=$app.x
	done
}

@test "a broker that is not ready is no refusal, and is waited for" {
	local shim=${KSTREAM_FAULT:-$bin/../fault}/refuse.so
	write 1 20
	status=0
	"$bin/kstream-run" --max-restarts 4 "kstream-cat --app $app -b $b -t $t -e |
		env LD_PRELOAD=$shim ASAN_OPTIONS=${ASAN_OPTIONS-}:verify_asan_link_order=0 REFUSE=15 kstream-cat --app $app -b $b -P -t $t.out" 2>err || status=$?
	cat err
	[ "$status" -eq 75 ]
	[ "$(grep -c 'starting again' err)" -eq 4 ]
}
