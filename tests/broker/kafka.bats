#!/usr/bin/env bats
# scripts/kafka itself, by the broker that scripts/run-tests has brought up: KSTREAM_BROKER, KSTREAM_KAFKA_DIR.

setup() {
	: "${KSTREAM_BROKER:?is set by scripts/run-tests tests/broker/kafka.bats}"
	kafka=$BATS_TEST_DIRNAME/../../scripts/kafka
	port=${KSTREAM_BROKER##*:}
	other=$BATS_TEST_TMPDIR/other
	cd "$BATS_TEST_TMPDIR" || return
}

refused() { # refused STATUS TEXT: by one line that has the text
	[ "$status" -eq "$1" ]
	[ "${#lines[@]}" -eq 1 ]
	[[ $output == "kafka: "*"$2"* ]]
}

@test "status: it answers, and says where" {
	run "$kafka" status --dir "$KSTREAM_KAFKA_DIR"
	[ "$status" -eq 0 ]
	[[ $output == *"answers at $KSTREAM_BROKER"* ]]
}

@test "env gives the address to eval" {
	run "$kafka" env --dir "$KSTREAM_KAFKA_DIR"
	[ "$output" = "export KSTREAM_BROKER=$KSTREAM_BROKER" ]
}

@test "clients get metadata: one broker, on the loopback interface" {
	kcat -L -J -b "$KSTREAM_BROKER" -m 10 | jq -e --arg name "$KSTREAM_BROKER" '[.brokers[].name] == [$name]'
}

@test "it is Kafka 4.3, or what KSTREAM_KAFKA_VERSION asks for, by its own word" {
	grep -F "Kafka version: ${KSTREAM_KAFKA_VERSION:-4.3.}" "$KSTREAM_KAFKA_DIR/broker.log"
}

@test "nobody listens on other interfaces" {
	# /proc has the address in hex, 127.0.0.1 backwards; 0A is listening
	awk -v port="$(printf ':%04X$' "$port")" '$4 == "0A" && $2 ~ port { print $2 }' /proc/net/tcp /proc/net/tcp6 >"$BATS_TEST_TMPDIR/listeners"
	[ -s "$BATS_TEST_TMPDIR/listeners" ]
	run grep -v '0100007F:' "$BATS_TEST_TMPDIR/listeners"
	[ "$status" -eq 1 ]
}

@test "a topic is not made by asking for it" {
	for _ in 1 2; do
		kcat -L -J -b "$KSTREAM_BROKER" -t no-such-topic -m 10 | jq -e '[.topics[] | select(.topic == "no-such-topic") | .partitions[]] == []'
	done
}

@test "a second up finds the first" {
	run "$kafka" up --dir "$KSTREAM_KAFKA_DIR"
	[ "$status" -eq 0 ]
	[[ $output == *"already up at $KSTREAM_BROKER" ]]
}

@test "a directory belongs to one port and one version" {
	run "$kafka" up --dir "$KSTREAM_KAFKA_DIR" --port 1
	refused 69 "runs on port $port; name another --dir"
	run "$kafka" up --dir "$KSTREAM_KAFKA_DIR" --version 4.0.0
	refused 69 "kafka down --dir"
}

@test "a directory belongs to one kind of Kafka" {
	run "$kafka" up --dir "$KSTREAM_KAFKA_DIR" --secure
	refused 69 "holds a Kafka that is plain, not secure"
}

# What Maven 3.8 prints, first in one line that says nothing near its beginning.
@test "where Maven fetches nothing, the line says why" {
	mkdir bin
	export PATH=$PWD/bin:$PATH XDG_CACHE_HOME=$PWD/cache
	for why in 'PKIX path building failed: unable to find valid certification path' 'transfer failed for x: Unknown host x' \
		'Could not find artifact org.apache.kafka:kafka_2.13:jar:3.9.99 in central'; do
		cat >bin/mvn <<-END
			#!/bin/sh
			echo '[ERROR] Failed to execute goal on project kafka: Could not resolve dependencies for project kstream:kafka:pom:1:'
			echo '[ERROR] '
			echo '[ERROR] 	dependency: org.apache.kafka:kafka_2.13:jar:3.9.99 : $why -> [Help 1]'
			echo '[ERROR] Re-run Maven using the -X switch'
			exit 1
		END
		chmod +x bin/mvn
		run "$kafka" up --dir "$other" --port 0 --version 3.9.99
		echo "$output"
		[ "$status" -eq 69 ]
		[ "${lines[-1]}" = "kafka: mvn cannot fetch Kafka 3.9.99: $why" ]
		[ ! -e "$other" ]
	done
}

@test "a port that another program has is refused, and nothing is left behind" {
	run "$kafka" up --dir "$other" --port "$port"
	refused 69 "port $port or $((port + 1)) is taken by another program; name another with --port"
	[ ! -e "$other" ]
	run "$kafka" up --dir "$other" --port $((port - 1)) # its controller's port
	refused 69 "is taken by another program"
}

@test "wrong verbs, options and values are usage errors" {
	run "$kafka"
	refused 64 "usage: scripts/kafka up|down|status|env"
	run "$kafka" restart
	refused 64 "unknown verb 'restart'"
	run "$kafka" up --fast
	refused 64 "unknown argument '--fast'"
	run "$kafka" up --port
	refused 64 "--port needs a value"
	run "$kafka" up --port 65535
	refused 64 "'65535' is not a port"
	run "$kafka" up --version 2.8.0
	refused 64 "no Kafka '2.8.0' here"
	run "$kafka" up --cluster 5
	refused 64 "--cluster is of 3 brokers"
	run "$kafka" up --secure --cluster 3
	refused 64 "--secure or --cluster, not both"
}

@test "without a broker: status and env say no, down has nothing to do" {
	run "$kafka" status --dir "$other"
	refused 1 "start one with scripts/kafka up"
	run "$kafka" env --dir "$other"
	refused 1 "start one with scripts/kafka up"
	run "$kafka" down --dir "$other"
	refused 0 "no broker in"
}

@test "a process number that has gone to another program is not the broker" {
	mkdir "$other"
	touch "$other/kafka.lock"
	sleep 60 3>&- &
	echo $! >"$other/broker.pid"
	run "$kafka" status --dir "$other"
	[ "$status" -eq 1 ]
	run "$kafka" down --dir "$other"
	refused 0 "nothing was running"
	kill $! # fails if down did it
	[ ! -e "$other" ]
}

@test "a directory of other things is neither used nor emptied" {
	mkdir -p "$other/data"
	run "$kafka" up --dir "$other" --port 0
	refused 69 "holds other things; name another with --dir"
	run "$kafka" down --dir "$other"
	refused 0 "no broker in"
	[ -d "$other/data" ]
}
