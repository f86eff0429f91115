#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# kstream-cat and a real Kafka: what goes wrong, and what is said about it.

load lib

@test "a time of 0 is refused: librdkafka would write the present" {
	"$topic" create "$t" 1
	run cat_ --from envelope -b "$b" -P -t "$t" <<<'{"ts":0,"tstype":"create","payload":1}'
	refused 65 "1970-01-01"
	[ -z "$(judge)" ]
}

@test "a record larger than the client takes: refused before it is sent, with its coordinates" {
	"$topic" create "$t" 1
	"${PYTHON:-python3}" -c 'import json
for n in (10, 1020000, 20): print(json.dumps({"partition": 0, "offset": n, "topic": "big", "payload": "x" * n}))' >lines
	run cat_ --from envelope -b "$b" -P -t "$t" lines
	refused 65 "big/0@1020000: 1020002 bytes"
	cat_ --from envelope -b "$b" -P -t "$t" --on-error skip lines
	[ "$(judge | wc -l)" -ge 2 ]
}

@test "a record larger than the topic takes: 65, with the coordinates of a record" {
	"$topic" create "$t" 1 max.message.bytes=5000
	printf '{"p":"%09000d"}\n' 0 >lines.jsonl
	run cat_ --from json -b "$b" -P -t "$t" lines.jsonl
	refused 65 "lines/0@0: 9080 bytes are more than topic '$t' takes"
}

@test "a record without a key for a compacted topic: 65" {
	"$topic" create "$t" 1 cleanup.policy=compact
	run cat_ --from json -b "$b" -P -t "$t" <<<1
	refused 65 "stdin/0@0: topic '$t' has not taken it"
}

@test "no such topic: 78, by name; it is not made" {
	run cat_ -b "$b" -t "$t.none" -e
	refused 78 "there is no topic '$t.none'"
	run cat_ --from json -b "$b" -P -t "$t.none" <<<1
	refused 78 "there is no topic '$t.none'"
	run kcat -L -b "$b" -t "$t.none"
	[[ $output == *"Unknown topic"* ]]
}

@test "a topic that vanishes under a live reader: 78" {
	"$topic" create "$t" 1
	echo 1 | kcat -P -b "$b" -t "$t"
	"$bin/kstream-cat" -b "$b" -t "$t" --timeout 20s -X topic.metadata.refresh.interval.ms=500 --to json --out got 2>err 3>&- &
	reader=$!
	pids+=" $reader"
	wait_for lines_of got 1
	"$topic" delete "$t"
	status=0
	wait $reader || status=$?
	cat err
	[ "$status" -eq 78 ]
	[ "$(wc -l <err)" -eq 1 ]
	grep "there is no topic .$t." err
}

@test "nobody listens: 69 within the stated time" {
	for command in "-t $t -e" "-P -t $t --from json"; do
		begin=$(date +%s%3N)
		# shellcheck disable=SC2086 # words
		run cat_ -b 127.0.0.1:1 $command <<<1
		refused 69 "Connection refused"
		[ $(($(date +%s%3N) - begin)) -lt 10000 ]
	done
	run cat_ -b no-such-host.invalid:9092 -t "$t"
	refused 69 "no-such-host.invalid"
}

@test "somebody listens who is no Kafka: 69" {
	"${PYTHON:-python3}" -c 'import socket, time
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen()
open("port", "w").write(str(s.getsockname()[1])); time.sleep(60)' 3>&- &
	listener=$!
	pids+=" $listener"
	wait_for test -s port
	run cat_ -b "127.0.0.1:$(cat port)" -t "$t" --timeout 2s
	kill $listener
	refused 69 "127.0.0.1"
}

@test "-P and an upstream that dies: 75; what was acknowledged stays" {
	"$topic" create "$t" 1
	numbers 1 100 | cat_ --from json --to frames --commit-interval 1d >whole
	head -c $(($(stat -c %s whole) - 20)) whole >torn
	run cat_ -b "$b" -P -t "$t" torn
	refused 75 "what writes it has failed"
	[ "$(judge | wc -l)" -le 100 ]
	run cat_ -b "$b" -P -t "$t" /dev/null
	refused 75 "before a stream began"
	cat_ -b "$b" -P -t "$t" whole
	kcat -C -q -e -b "$b" -t "$t" | tail -n 100 | diff - <(numbers 1 100)
}

@test "a reader that dies: 75 for frames" {
	"$topic" create "$t" 1
	yes "$(printf '{"pad":"%0200d"}' 0)" | head -n 50000 | kcat -P -b "$b" -t "$t"
	status=0
	(cat_ -b "$b" -t "$t" -e 2>err || echo $? >code) | head -c 100 >/dev/null
	[ "$(cat code)" -eq 75 ]
	[ "$(wc -l <err)" -eq 1 ]
}

@test "/dev/full: 74, also from Kafka" {
	"$topic" create "$t" 1
	echo 1 | kcat -P -b "$b" -t "$t"
	run cat_ -b "$b" -t "$t" -e --to json --out /dev/full
	refused 74 ""
}

@test "-X: properties reach librdkafka, secrets come from files and the environment and stay out of sight" {
	"$topic" create "$t" 1
	numbers 1 500 | cat_ --from json -b "$b" -P -t "$t" -X compression.codec=gzip -X topic.request.timeout.ms=20000
	[ "$(cat_ -b "$b" -t "$t" -e --to json | wc -l)" -eq 500 ]
	[ "$(cat_ -X "bootstrap.servers=$b" -t "$t" -e --to json | wc -l)" -eq 500 ]
	echo "$b" >brokers
	[ "$(cat_ -X bootstrap.servers=@brokers -t "$t" -e --to json | wc -l)" -eq 500 ]
	[ "$(WHERE=$b cat_ -X bootstrap.servers=env:WHERE -t "$t" -e --to json | wc -l)" -eq 500 ]
	run cat_ -b "$b" -t "$t" -e -X sasl.passwort=geheim
	refused 64 "sasl.passwort"
	[[ $output != *geheim* ]]
	run cat_ -b "$b" -t "$t" -e -X security.protocol=geheim
	refused 64 "security.protocol"
	[[ $output != *geheim* ]]
	run cat_ -b "$b" -t "$t" -e -X sasl.password=@/nonexistent
	refused 78 "/nonexistent"
	run cat_ -b "$b" -t "$t" -e -X sasl.password=env:NO_SUCH_VARIABLE
	refused 78 "NO_SUCH_VARIABLE"
	run cat_ -b "$b" -t "$t" -e -X enable.auto.commit=true
	refused 64 "enable.auto.commit"
}
