#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# kstream-join --global kafka:TOPIC, with a real Kafka: the table is loaded before the first record, and kept current.
# alone: one test stops the broker

# shellcheck disable=SC2154 # what lib sets
load lib

put() { kcat -P -b "$b" -t "$t" -K : -Z "$@"; } # rows KEY:VALUE of stdin; an empty value is a tombstone

# begin_of TOPIC OPTION ...: a join that waits for lines at descriptor 9; its number is in $run, its results go to the file results
begin_of() {
	local topic=$1
	shift
	mkfifo lines
	"$bin/kstream-join" -b "$b" --stream lines --global "kafka:$topic" --on .u --left --from json --to json "$@" lines >results 2>said 3>&- &
	run=$!
	pids="${pids-} $run"
	exec 9>lines
}
begin() { begin_of "$t" "$@"; }

# The row of key 1 is TEXT by now: a line asks.
row_is() {
	echo '{"u":"1"}' >&9
	[ "$(tail -n 1 results)" = "{\"left\":{\"u\":\"1\"},\"right\":$1}" ]
}

end() {
	exec 9>&-
	status=0
	wait "$run" || status=$?
}

child() { pgrep -P "$run"; } # the kstream-cat that keeps it current

is_gone() { ! kill -0 "$1" 2>/dev/null; }

@test "all of a topic is there before the first record is joined: each of 30000 keys of 3 partitions is found" {
	"$topic" create "$t" 3
	seq 30000 | awk '{ print $1 ":{\"n\":" $1 "}" }' | put
	seq 30000 | sed 's/.*/{"u":"&"}/' >in.json
	"$bin/kstream-join" -b "$b" --stream in --global "kafka:$t" --on .u --from json --to json -v in.json >out 2>err
	jq -e 'select(.left.u != "\(.right.n)")' out | cat >wrong
	[ ! -s wrong ]
	[ "$(wc -l <out)" -eq 30000 ]
	grep -q '30000 in, 30000 out, 0 dropped' err
}

@test "a topic that ends in markers of transactions, with its first offsets deleted, has an end nevertheless" {
	"$topic" create "$t" 2
	printf '1:{"n":1}\n1:{"n":2}\n' | put -p 0
	"$topic" trim "$t" 0 1
	"$topic" commit "$t" 0 3 7
	"$topic" abort "$t" 1 2 'no JSON'
	echo '{"u":"1"}' >in.json
	run timeout 60 "$bin/kstream-join" -b "$b" --stream in --global "kafka:$t" --on .u --value .right --from json --to json in.json
	echo "$output"
	[ "$status" -eq 0 ]
	[ "$output" = '{"n":2}' ]
}

@test "it is kept current: rows come, change and go, also in a partition that is added" {
	"$topic" create "$t" 1
	begin -X topic.metadata.refresh.interval.ms=200
	wait_for row_is null
	echo '1:{"n":1}' | put
	wait_for row_is '{"n":1}'
	echo '1:{"n":2}' | put
	wait_for row_is '{"n":2}'
	echo '1:' | put
	wait_for row_is null
	"$topic" grow "$t" 2
	echo '1:{"n":3}' | put -p 1
	wait_for row_is '{"n":3}'
	end
	[ "$status" -eq 0 ]
	[ ! -s said ]
}

@test "from topic to topic: each record of a partition that its row is not in" {
	"$topic" create "$t" 2
	"$topic" create "$t.in" 3
	"$topic" create "$t.out" 3
	printf '%s\n' '1:{"n":1}' '2:{"n":2}' '3:{"n":3}' | put
	seq 300 | awk '{ print "{\"i\":" $1 ",\"u\":\"" $1 % 4 "\"}" }' | kcat -P -b "$b" -t "$t.in"
	# what is run once -X is hidden has it nevertheless
	timeout 60 "$bin/kstream-join" -b "$b" -e -X fetch.wait.max.ms=20 --stream "$t.in" --in "kafka:$t.in" --out "kafka:$t.out" --global "kafka:$t" --on .u --value '{i: .left.i, n: .right.n}'
	kcat -C -q -e -b "$b" -t "$t.out" >out
	[ "$(jq -s 'map(select(.n == .i % 4)) | length' out)" = 225 ]
	[ "$(wc -l <out)" -eq 225 ]
}

@test "whoever goes takes the other along: the reader that is killed, and the join that is" {
	"$topic" create "$t" 1
	begin
	wait_for row_is null
	reader=$(child)
	kill -9 "$reader"
	wait_for is_gone "$run"
	end
	[ "$status" -eq 75 ]
	[ "$(cat said)" = "kstream-join: the kstream-cat that reads kafka:$t was killed by signal 9" ]
	rm lines
	begin
	wait_for row_is null
	reader=$(child)
	kill -TERM "$reader"
	wait_for is_gone "$run"
	end
	[ "$status" -eq 75 ]
	[ "$(cat said)" = "kstream-join: the kstream-cat that reads kafka:$t has ended before its time" ]
	rm lines
	begin
	wait_for row_is null
	reader=$(child)
	kill -9 "$run"
	wait_for is_gone "$reader"
	end
	rm lines
	begin
	wait_for row_is null
	reader=$(child)
	kill -TERM "$run" # and all is let go
	end
	[ "$status" -eq 0 ]
	[ ! -s said ]
	wait_for is_gone "$reader"
}

@test "what cannot be read as a row ends it: 65, one line with its place; --on-error skip passes it over" {
	"$topic" create "$t" 1
	printf '%s\n' '1:{"n":1}' '1:no JSON' | put
	echo '{"u":"1"}' >in.json
	run timeout 60 "$bin/kstream-join" -b "$b" --stream in --global "kafka:$t" --on .u --value .right --from json --to json in.json
	echo "$output"
	[ "$status" -eq 65 ]
	[ "${#lines[@]}" -eq 1 ]
	[[ $output == "kstream-cat: $t/0@1: "* ]]
	run timeout 60 "$bin/kstream-join" -b "$b" --on-error skip --stream in --global "kafka:$t" --on .u --value .right --from json --to json in.json
	[ "$status" -eq 0 ]
	[ "$output" = '{"n":1}' ]
	# also one that comes later
	"$topic" create "$t.later" 1
	begin_of "$t.later"
	wait_for row_is null
	echo '1:no JSON' | kcat -P -b "$b" -t "$t.later" -K :
	wait_for is_gone "$run"
	end
	[ "$status" -eq 65 ]
	[ "$(wc -l <said)" -eq 1 ]
}

@test "a topic that is not there, and no broker: refused before a record is joined" {
	echo '{"u":"1"}' >in.json
	run timeout 60 "$bin/kstream-join" -b "$b" --stream in --global "kafka:$t" --on .u --left --from json --to json in.json
	[ "$status" -eq 78 ]
	[ "$output" = "kstream-cat: there is no topic '$t'" ]
	run timeout 60 "$bin/kstream-join" -b 127.0.0.1:1 --stream in --global "kafka:$t" --on .u --left --from json --to json in.json
	[ "$status" -eq 69 ]
	[ "${#lines[@]}" -eq 1 ]
}

@test "a broker that hangs: 75 after --timeout, one line" {
	"$topic" create "$t" 1
	pid=$(cat "${KSTREAM_KAFKA_DIR:?}/broker.pid")
	echo '1:{"n":1}' | put
	begin --timeout 2s
	wait_for row_is '{"n":1}'
	kill -STOP "$pid"
	wait_for is_gone "$run"
	kill -CONT "$pid"
	end
	[ "$status" -eq 75 ]
	[ "$(wc -l <said)" -eq 1 ]
	grep -q "kstream-cat: $b has been away for 2 s" said
}
