#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154 # bin and pids are set by lib.bash
# A cluster of three brokers, one of which does not know of a topic yet that another one has made.

load ../broker/lib

setup_file() {
	"$BATS_TEST_DIRNAME/../../scripts/kafka" up --cluster 3 --port 0 --dir "$BATS_FILE_TMPDIR/kafka" 3>&-
}

teardown_file() { "$BATS_TEST_DIRNAME/../../scripts/kafka" down --dir "$BATS_FILE_TMPDIR/kafka"; }

setup() {
	bin=${KSTREAM_BIN:?is the directory of the tools}
	cd "$BATS_TEST_TMPDIR" || return
	eval "$("$BATS_TEST_DIRNAME/../../scripts/kafka" env --dir "$BATS_FILE_TMPDIR/kafka")"
	b=$KSTREAM_BROKER
}

teardown() {
	local n
	for n in 1 2 3; do kill -CONT "$(cat "$BATS_FILE_TMPDIR/kafka/node$n/broker.pid")"; done
}

all_there() { [ "$(timeout 10 kcat -L -m 5 -b "$b" | grep -c '^  broker ')" = 3 ]; }

# late NAME: a topic $made that one broker, $late, hears of later than the others.  None is made while the controller stands, or
# where librdkafka asks the one that stands.
late() {
	local n pid all
	IFS=, read -ra all <<<"$b"
	for n in ${last-3} 1 2 3 1 2 3 1 2 3; do
		late=${all[n - 1]} made=$1.$n
		echo "bootstrap.servers=${all[n % 3]},${all[(n + 1) % 3]}" >admin.conf
		pid=$(cat "$BATS_FILE_TMPDIR/kafka/node$n/broker.pid")
		kill -STOP "$pid"
		if timeout 3 "$bin/../broker/acl" admin.conf topic "$made" 3 2>acl.err; then
			last=$n
			kill -CONT "$pid"
			return
		fi
		kill -CONT "$pid"
		wait_for all_there # one that stood for long was left out, and three replicas are wanted
	done
	cat acl.err
	return 1
}

@test "a topic that was made a moment ago is there, whichever broker is asked; one that was not is not" {
	local n
	for n in 1 2 3 4; do
		late $n
		echo $n | cat_ --from json -b "$late" -P -t "$made"
		late $n.e
		[ -z "$(cat_ -b "$late" -t "$made" -e --to json)" ]
	done
	echo 1 | cat_ --from json -b "$b" -P -t new --create-topics 3
	[ "$(cat_ -b "$b" -t new -e --to json)" = 1 ]
	run cat_ -b "$b" -t none -e
	refused 78 "there is no topic 'none'"
}
