#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# kstream-reset without Kafka: options, apps that read files, and how it fails.  tests/broker/reset.bats has the rest.

load lib

count() { # the running counts of in.jsonl, to res
	kstream-window --app a --from json --key .k --to json --in in.jsonl --out res --running 'n=count()'
}

reset() { kstream-reset --app a "$@"; }

three() { printf '{"k":"x"}\n{"k":"y"}\n{"k":"x"}\n' >in.jsonl; }

@test "reset: --help, what is no option, and what does not go together: 64, one line" {
	try kstream-reset --help
	expect 0
	[ "$(head -n 1 out)" = 'usage: kstream-reset --app NAME [-b BROKER] [-o WHERE | --since TIME]' ]
	try kstream-reset
	refused 64 kstream-reset 'which app?  --app NAME'
	try kstream-reset --app ../a
	refused 64 kstream-reset "--app '../a' is not a name of letters, digits"
	try kstream-reset a
	refused 64 kstream-reset "'a': nothing is named by itself here: --app NAME"
	try kstream-reset --app a --new-version a/b
	refused 64 kstream-reset "--new-version 'a/b' is not a name"
	try kstream-reset --app a --new-version b --empty c
	refused 64 kstream-reset '--new-version leaves everything as it is'
	try kstream-reset --app a --new-version b -o last-good
	refused 64 kstream-reset '--new-version has no state yet'
	try kstream-reset --app a --empty c
	refused 64 kstream-reset '--changelog and --empty are about topics: name a broker with -b HOST:PORT'
	try kstream-reset --app a -b x --changelog c --empty c
	refused 64 kstream-reset "--changelog and --empty both name 'c'"
	try kstream-reset --app a -b x -o last-good --empty c
	refused 64 kstream-reset '--offset last-good goes on where the app stands'
	try kstream-reset --app a --changelog 'a,b'
	refused 64 kstream-reset "--changelog 'a,b' cannot be the name of a topic"
	try kstream-reset --app a -o middle
	refused 64 kstream-reset "--offset 'middle' is not beginning, end, stored, last-good, or TOPIC/PARTITION@OFFSET,..."
	try kstream-reset --app a --since soon
	refused 64 kstream-reset "--since 'soon' is not a time"
	try kstream-reset --app a --since @1 -o end
	refused 64 kstream-reset '--offset and --since both say where to'
	try kstream-reset --app a --timeout 1ms
	refused 64 kstream-reset "--timeout '1ms' is not a duration from 1s to 1d"
	try kstream-reset --app a --new-version b --replan
	refused 64 kstream-reset '--new-version resets nothing, and has no plan to be given up: leave out --replan'
	for option in '--in x' '--out x' '-t x' '--from json' '--to json' '--until @1' '-p 1' '-e' '-G g' '--only x' '--stage s' '--instance 1/2' '-c 1' \
		'--commit-interval 1s' '--order time' '--idle 1s' '--on-error skip' '--end paused' '--max-record 1M' '--columns a' '--color never'; do
		# shellcheck disable=SC2086
		try kstream-reset --app a $option
		refused 64 kstream-reset || fail "$option"
	done
}

@test "reset: a plan of files, which does nothing; and then it begins again" {
	three
	count
	find "$KSTREAM_STATE_DIR" -type f -exec md5sum {} + | grep -v -e /db/ -e LOCK | sort >before
	try kstream-reset --app a
	expect 0
	[ "$(sed -E 's/ +/ /g; s/[0-9.]+ MB/SIZE/' out)" = "what which is will be
position $PWD/in.jsonl 30 the beginning
state 0/window epoch 1, SIZE removed

What stays: its input, what it has written to other topics and to files, and all of other apps.
Nothing has been done: the same command with --apply does it." ]
	find "$KSTREAM_STATE_DIR" -type f -exec md5sum {} + | grep -v -e /db/ -e LOCK | sort | diff before -
	kstream-window --app a --from json --key .k --to json --in in.jsonl --running 'n=count()' >more.jsonl
	[ ! -s more.jsonl ]
	try kstream-reset --app a --apply
	expect 0
	[ "$(tail -n 1 out)" = "Done: start 'a' again, and it begins there." ]
	[ -e "$KSTREAM_STATE_DIR/a/0/ledger" ] && [ -z "$(find "$KSTREAM_STATE_DIR/a" -name 'reset*' -o -name db)" ]
	grep -q '^run [23]$' "$KSTREAM_STATE_DIR/a/0/ledger"
	# what it counts can be another thing now
	kstream-window --app a --from json --key .k --to json --in in.jsonl --running 'm=count()' >more.jsonl
	[ "$(cat more.jsonl)" = $'{"m":1}\n{"m":1}\n{"m":2}' ]
	try kstream-reset --app a --apply -q
	expect 0 ''
}

@test "reset: a file of --out is gone on with behind what it has" {
	three
	kstream-cat --app a --from json --to json --in in.jsonl --out res
	reset --apply -q
	kstream-cat --app a --from json --to json --in in.jsonl --out res
	[ "$(cat res)" = "$(cat in.jsonl in.jsonl)" ]
}

@test "reset: -o stored goes on where it stands, with nothing kept" {
	three
	count
	printf '{"k":"x"}\n' >>in.jsonl
	reset -o stored --apply -q
	count
	[ "$(tail -n 1 res)" = '{"n":1}' ]
	[ "$(wc -l <res)" = 4 ]
	for where in end last-good t/0@1; do
		try kstream-reset --app a -o "$where"
		refused 64 kstream-reset || fail "$where"
	done
	try kstream-reset --app a --since now
	refused 64 kstream-reset "app 'a' reads files, which begin again from their beginning: leave out --since"
}

@test "reset: a new version of an app of files begins at the beginning, or where it stands" {
	three
	kstream-cat --app a --from json --to json --in in.jsonl >/dev/null
	printf '{"k":"z"}\n' >>in.jsonl
	reset --new-version b --apply -q
	reset --new-version c -o stored --apply -q
	copy() { kstream-cat --app "$1" --from json --to json --in in.jsonl; }
	[ "$(copy b | wc -l)" = 4 ]
	[ "$(copy c)" = '{"k":"z"}' ]
	[ "$(copy a)" = '{"k":"z"}' ]
	try kstream-reset --app a --new-version c
	refused 78 kstream-reset "app 'c' is there already: '$KSTREAM_STATE_DIR/c'"
}

@test "reset: who is not there is 66, what is another app's or in use is left alone" {
	three
	try kstream-reset --app nix --apply
	refused 66 kstream-reset "there is no app 'nix' in files: where it reads topics, name a broker with -b HOST:PORT"
	[ ! -e "$KSTREAM_STATE_DIR/nix" ]
	count
	cp -a "$KSTREAM_STATE_DIR/a" "$KSTREAM_STATE_DIR/b"
	try kstream-reset --app b --apply
	refused 78 kstream-reset "the state in '$KSTREAM_STATE_DIR/b/0/window/db' is that of app 'a': it is not touched; move it away first"
	# a stage that lives, though its source does not
	flock "$KSTREAM_STATE_DIR/a/0/window/LOCK" sh -c 'kstream-reset --app a --apply >out 2>err; echo $? >status'
	[ "$(cat status)" = 75 ]
	grep -q 'has the state in' err
	# a source
	flock "$KSTREAM_STATE_DIR/a/0/LOCK" sh -c 'kstream-reset --app a --apply >out 2>err; echo $? >status'
	[ "$(cat status)" = 75 ]
	grep -qx "kstream-reset: app 'a' is running: '$KSTREAM_STATE_DIR/a/0/LOCK' is held; stop it first" err
	[ -d "$KSTREAM_STATE_DIR/a/0/window/db" ]
	# the last process of a run, which holds a byte of its own
	/usr/bin/python3 - "$KSTREAM_STATE_DIR/a/0/LOCK" <<'END' >status 2>err
import fcntl, struct, subprocess, sys
with open(sys.argv[1], "r+") as lock:
    fcntl.fcntl(lock, fcntl.F_OFD_SETLK, struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 5, 1, 0))
    print(subprocess.run(["kstream-reset", "--app", "a", "--apply"], stdout=subprocess.DEVNULL).returncode)
END
	[ "$(cat status)" = 75 ]
	grep -q "a process that writes for this app and instance is running: '$KSTREAM_STATE_DIR/a/0/LOCK' is held" err
	flock "$KSTREAM_STATE_DIR/a" sh -c 'kstream-reset --app a --apply >out 2>err; echo $? >status'
	[ "$(cat status)" = 75 ]
	grep -q "another kstream-reset of app 'a' is running" err
	# a plan that was begun is gone on with; one that is none is not guessed
	for text in '' 'kstream-reset 1' 'kstream-reset 2' $'kstream-reset 1\napp b\nrun 9\nto beginning\nend' $'kstream-reset 1\napp a\nrun 9\nto beginning' \
		$'kstream-reset 1\napp a\nrun -9\nto beginning\nend' $'kstream-reset 1\napp a\nrun 9\nto beginning\nposition x 0 y\nend'; do
		printf '%s\n' "$text" >"$KSTREAM_STATE_DIR/a/reset.plan"
		try kstream-reset --app a --apply
		refused 78 kstream-reset "'$KSTREAM_STATE_DIR/a/reset.plan' is damaged: remove it, and give the reset anew" || fail "$text"
	done
	[ -d "$KSTREAM_STATE_DIR/a/0/window/db" ]
	try kstream-cat --app a --from json --to json --in in.jsonl
	refused 78 kstream-cat "app 'a' is being reset, as '$KSTREAM_STATE_DIR/a/reset.plan' says"
}

@test "reset: what cannot be written: 74, and it is given again" {
	three
	count
	chmod 500 "$KSTREAM_STATE_DIR/a"
	if [ "$(id -u)" != 0 ]; then
		try kstream-reset --app a --apply
		expect 78
	fi
	chmod 700 "$KSTREAM_STATE_DIR/a"
	try_sh 'kstream-reset --app a >/dev/full'
	refused 74 kstream-reset 'cannot write to stdout'
	try kstream-reset --app a --apply
	expect 0
}

@test "reset: a plan that cannot be printed is not begun: 74, and nothing is done" {
	three
	count
	try_sh 'kstream-reset --app a --apply >/dev/full'
	refused 74 kstream-reset 'cannot write to stdout'
	[ -d "$KSTREAM_STATE_DIR/a/0/window/db" ]
	[ ! -e "$KSTREAM_STATE_DIR/a/reset.plan" ]
	count
	[ "$(wc -l <res)" = 3 ]
	try_sh 'kstream-reset --app a --new-version b --apply >/dev/full'
	refused 74 kstream-reset 'cannot write to stdout'
	[ ! -e "$KSTREAM_STATE_DIR/b" ]
	try_sh 'kstream-reset --app a --apply -q >/dev/full'
	expect 0
}

begun() { printf '%s\n' 'kstream-reset 1' 'app a' "run ${2-50}" ${1:+"asked $1"} "to ${1##* }" end >"$KSTREAM_STATE_DIR/a/reset.plan"; }

@test "reset: what was begun is not done in place of what is asked for now: 78; --replan gives it up" {
	three
	count
	begun '--offset stored'
	for option in '-o beginning' '-o beginning --apply -q' '--since 2020-01-01 --apply'; do
		# shellcheck disable=SC2086
		try kstream-reset --app a $option
		refused 78 kstream-reset "app 'a' is being reset, as was asked for before with --offset stored, and that has not come to its end: \
leave out what is asked for now, to go on with that, or give --replan, to do this instead" || fail "$option"
	done
	# the same, with a word or without one
	try kstream-reset --app a -o stored
	expect 0
	grep -qx 'This was begun before, and goes on as it was planned then, with --offset stored\.' out
	try kstream-reset --app a --apply -q
	[ "$status" = 0 ]
	[ ! -s out ]
	[ "$(cat err)" = 'kstream-reset: this goes on with the reset that was begun before, with --offset stored' ]
	count
	[ "$(wc -l <res)" = 3 ]
	# in its place
	begun '--offset stored' 70
	try kstream-reset --app a --replan
	expect 0
	grep -qx 'A reset that was begun before is given up for this one\.' out
	try kstream-reset --app a --replan --apply -q
	expect 0 ''
	grep -qx 'run 71' "$KSTREAM_STATE_DIR/a/0/ledger"
	count
	[ "$(wc -l <res)" = 6 ]
	# where none was begun; and of an older plan, which does not say what was asked for
	try kstream-reset --app a --replan -o stored --apply -q
	expect 0 ''
	begun '' 90
	try kstream-reset --app a -o stored --apply
	refused 78 kstream-reset "app 'a' is being reset, as was asked for before, and that"
	try kstream-reset --app a --apply -q
	[ "$status" = 0 ]
	[ "$(cat err)" = 'kstream-reset: this goes on with the reset that was begun before' ]
}
