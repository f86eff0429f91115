#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# kstream-cat and a broker that hangs, or goes away and comes back.
# alone: it is the broker of the other files

# shellcheck disable=SC2154 # what lib sets
load lib

# start NAME OPTION...: a reader in the background, of the group if it is told so; its number is in $reader
start() {
	"$bin/kstream-cat" -b "$b" --to json --commit-interval 100ms -X session.timeout.ms=2000 -X heartbeat.interval.ms=300 \
		-X fetch.wait.max.ms=50 -X reconnect.backoff.max.ms=500 -v --out "$@" 2>"$1.err" 3>&- &
	reader=$!
	pids+=" $reader"
}

@test "a broker that hangs: 75 after --timeout; with patience it goes on when the broker is back" {
	"$topic" create "$t" 1
	"$topic" create "$t.w" 1
	pid=$(cat "${KSTREAM_KAFKA_DIR:?}/broker.pid")
	echo 1 | kcat -P -b "$b" -t "$t"
	"$bin/kstream-cat" -b "$b" -t "$t" --to json --timeout 2s --out short 2>short.err 3>&- &
	short=$!
	pids+=" $short"
	"$bin/kstream-cat" -b "$b" -t "$t" --to json -c 2 -X reconnect.backoff.max.ms=500 --out long 3>&- &
	long=$!
	pids+=" $long"
	mkfifo feed
	"$bin/kstream-cat" -v --from json -b "$b" -P -t "$t.w" --timeout 2s <feed 2>write.err 3>&- &
	writer=$!
	pids+=" $writer"
	exec 9>feed
	wait_for lines_of short 1
	wait_for lines_of long 1
	echo 0 >&9 # it is under way
	wait_for bash -c "[ \$(kcat -C -q -e -b $b -t $t.w | wc -l) -eq 1 ]"
	kill -STOP "$pid"
	printf '%s\n' 2 3 4 >&9
	status=0
	wait $writer || status=$?
	[ "$status" -eq 75 ]
	status=0
	wait $short || status=$?
	[ "$status" -eq 75 ]
	grep "$b has been away for 2 s" short.err
	grep "stdin/0@2: topic '$t.w' has not taken it" write.err
	grep 'kstream-cat: 4 in, 1 out, ' write.err # out is what was acknowledged: what is lost counts once, and the first is named
	[ "$(wc -l <write.err)" -eq 2 ]
	kill -CONT "$pid"
	exec 9>&-
	echo 3 | kcat -P -b "$b" -t "$t"
	wait $long
	[ "$(wc -l <long)" -eq 2 ]
}

@test "a broker that is stopped for a while, and one that goes away and comes back: all goes on, once and in order" {
	"$topic" create "$t" 1
	"$topic" create "$t.short" 1
	pid=$(cat "${KSTREAM_KAFKA_DIR:?}/broker.pid")
	mkfifo feed short
	"$bin/kstream-cat" -b "$b" -t "$t" -c 400 --to json -X reconnect.backoff.max.ms=500 --out read 3>&- &
	reader=$!
	pids+=" $reader"
	"$bin/kstream-cat" --from json -b "$b" -P -t "$t" -X reconnect.backoff.max.ms=500 <feed 2>err 3>&- &
	writer=$!
	exec 8>feed
	numbers 1 100 >&8
	there() { [ "$(judge | wc -l)" -eq "$1" ]; }
	wait_for there 100
	wait_for lines_of read 100
	kill -STOP "$pid"
	numbers 101 200 >&8
	sleep 0.5
	kill -CONT "$pid"
	wait_for there 200
	"$bin/kstream-cat" --from json -b "$b" -P -t "$t.short" --timeout 1s <short 2>short.err 3>&- &
	impatient=$!
	pids+=" $writer $impatient"
	exec 9>short
	numbers 1 1 >&9
	began() { [ "$(kcat -C -q -e -b "$b" -t "$t.short")" = '{"n":1}' ]; }
	wait_for began
	"$BATS_TEST_DIRNAME/../../scripts/kafka" down --keep --dir "$KSTREAM_KAFKA_DIR" 3>&- 8>&- 9>&-
	numbers 201 300 >&8
	numbers 2 2 >&9
	status=0
	wait $impatient || status=$?
	"$BATS_TEST_DIRNAME/../../scripts/kafka" up --dir "$KSTREAM_KAFKA_DIR" 3>&- 8>&- 9>&-
	exec 9>&-
	numbers 301 400 >&8
	exec 8>&-
	wait $writer
	kcat -C -q -e -b "$b" -t "$t" | diff - <(numbers 1 400)
	wait $reader
	numbers 1 400 | diff read -
	[ "$status" -eq 75 ]
	cat short.err
	grep "stdin/0@8: topic '$t.short' has not taken it" short.err
}

@test "a broker that is stopped: -G goes on when it does, and ends with 75 when it does not" {
	: "${KSTREAM_KAFKA_DIR:?}"
	broker=$(cat "$KSTREAM_KAFKA_DIR/broker.pid")
	"$topic" create "$t" 1
	seq 3 | kcat -P -b "$b" -t "$t"
	start got -G "$t" --timeout 60s "$t"
	wait_for lines_of got 3
	kill -STOP "$broker"
	sleep 3
	kill -CONT "$broker"
	seq 4 5 | kcat -P -b "$b" -t "$t"
	wait_for lines_of got 5
	kill -STOP "$broker"
	kill -TERM $reader
	sleep 0.5
	kill -CONT "$broker"
	status=0
	wait $reader || status=$?
	cat got.err
	[ "$status" -eq 0 ]
	start late -G "$t" --timeout 2s "$t"
	echo 6 | kcat -P -b "$b" -t "$t"
	wait_for lines_of late 1
	kill -STOP "$broker"
	begin=$(date +%s%3N)
	status=0
	wait $reader || status=$?
	spent=$(($(date +%s%3N) - begin))
	kill -CONT "$broker"
	echo "$spent ms" && cat late.err
	[ "$status" -eq 75 ]
	[ "$spent" -gt 1500 ] && [ "$spent" -lt 15000 ] # 4 s, and who else runs here
}

@test "a broker that is stopped from the start: 69 after --timeout, reading and writing" {
	"$topic" create "$t" 1
	local command begin
	for command in "-t $t -e --to json" "-P -t $t --from json" "-G $t $t" "-L" "-Q -t $t:0:-1"; do
		kill -STOP "$(cat "${KSTREAM_KAFKA_DIR:?}/broker.pid")"
		begin=$(date +%s%3N)
		# shellcheck disable=SC2086 # words
		run "$bin/kstream-cat" -b "$b" --timeout 2s $command <<<1
		kill -CONT "$(cat "$KSTREAM_KAFKA_DIR/broker.pid")"
		echo "$command: $(($(date +%s%3N) - begin)) ms"
		refused 69 "$b"
		[ $(($(date +%s%3N) - begin)) -ge 1900 ] && [ $(($(date +%s%3N) - begin)) -lt 15000 ]
	done
}

@test "a broker that answers slowly: a copy takes its time, and has each record once and in order" {
	"$topic" create "$t" 2
	"$topic" create "$t.copy" 2
	broker=$(cat "${KSTREAM_KAFKA_DIR:?}/broker.pid")
	numbers 1 20000 | cat_ --from json --key .n -b "$b" -P -t "$t"
	(while kill -STOP "$broker"; do sleep 0.3 && kill -CONT "$broker" && sleep 0.05 || exit; done) 3>&- &
	slower=$!
	pids+=" $slower"
	cat_ -b "$b" -t "$t" --from raw -e --timeout 20s >frames
	cat_ -b "$b" -P -t "$t.copy" --timeout 20s frames
	kill "$slower"
	kill -CONT "$broker"
	for p in 0 1; do
		kcat -C -q -e -b "$b" -t "$t" -p $p -f '%k %T %s\n' >want
		[ "$(wc -l <want)" -gt 9000 ]
		kcat -C -q -e -b "$b" -t "$t.copy" -p $p -f '%k %T %s\n' | cmp - want
	done
}

# begin_sink POINT OPTION...: the sink of an app, $writer, is stopped at that point; then the broker, $broker, is, and the sink goes on
begin_sink() {
	"$bin/kstream-cat" "${app[@]}" -t "$t" -e | cat >frames
	KSTREAM_STOP=$1:1 "$bin/../drill/bin/kstream-cat" "${app[@]}" "${@:2}" -P -t "$t.out" <frames 2>sink.err 3>&- &
	writer=$!
	pids+=" $writer"
	wait_for grep -q '^State:.T' "/proc/$writer/status"
	kill -STOP "$broker"
	kill -CONT "$writer"
}

# ends_sink STATUS
ends_sink() {
	status=0
	wait "$writer" || status=$?
	cat sink.err
	[ "$status" -eq "$1" ]
}

# of_app TOPIC...: topics with 3 records in the first, and the words by which an app copies one
of_app() {
	local name
	broker=$(cat "${KSTREAM_KAFKA_DIR:?}/broker.pid")
	app=(--app "$t" -b "$b" --state-dir state)
	for name in "$@"; do "$topic" create "$name" 1; done
	seq 3 | kcat -P -b "$b" -t "$t"
}

# As long as a coordinator takes to be replaced, which is longer than a first answer is waited for.
@test "a broker that is away for 12 s when the sink of an app has its HELLO is waited for" {
	of_app "$t" "$t.out"
	begin_sink sink-hello
	sleep 12
	kill -CONT "$broker"
	ends_sink 0
	[ "$(kcat -C -q -e -b "$b" -t "$t.out" -X isolation.level=read_committed | wc -l)" -eq 3 ]
}

@test "a broker that does not come back while an app commits: 75 after --timeout, wherever it was, and the next run commits all of it once" {
	of_app "$t" "$t.out"
	local point begin
	for point in record-sent acknowledged offsets-sent; do
		begin_sink "$point" --timeout 2s
		begin=$(date +%s%3N)
		ends_sink 75
		[ $(($(date +%s%3N) - begin)) -lt 15000 ] # 2 s, 5 more for librdkafka, and who else runs here
		kill -CONT "$broker"
	done
	"$bin/kstream-cat" "${app[@]}" -t "$t" -e | "$bin/kstream-cat" "${app[@]}" -P -t "$t.out"
	[ "$(kcat -C -q -e -b "$b" -t "$t.out" -X isolation.level=read_committed | sort | paste -sd ' ')" = '1 2 3' ]
}
