#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# kstream-repartition with Kafka: where its records go, --like, --through.

# shellcheck disable=SC2094,SC2154 # SC2154: what lib sets
load lib

vectors=$BATS_TEST_DIRNAME/../vectors/murmur2

rep() { timeout 60 "$bin/kstream-repartition" --commit-interval 50ms -b "$b" "$@"; }

told() { # told STATUS TEXT: one line on stderr, whoever says it
	echo "$output"
	[ "$status" -eq "$1" ] && [ "${#lines[@]}" -eq 1 ] && [[ $output == kstream-*": "*"$2"* ]]
}

users() { seq "$1" "$2" | awk '{ printf "{\"ts\":%d,\"n\":%d,\"user\":\"u%d\"}\n", 1000 + $1, $1, $1 % 13 }'; }

# where kcat, as the Java client, puts the users of lines, of N partitions: "user partition" lines
want() {
	"$topic" create "$t.want" "$1"
	jq -r '[.user, .n] | @tsv' | kcat -P -b "$b" -t "$t.want" -K '\t' -X partitioner=murmur2
	kcat -C -q -e -b "$b" -t "$t.want" -f '%k %p\n' | sort -u
}

@test "the sink keeps the partition of a topic of as many: 10,000 keys of all types lie where the Java client puts them" {
	"$topic" create "$t" 12
	"${PYTHON:-python3}" "$vectors/typed.py" >keys
	rep --from envelope --like "$t" keys 2>err | cat_ -b "$b" -P -t "$t"
	kcat -C -q -e -b "$b" -t "$t" -f '%s %p\n' | sort -n >got
	[ "$(wc -l <got)" -eq 10000 ]
	[ "$(cut -d ' ' -f 2 got | sha256sum | cut -d ' ' -f 1)" = "$(awk '$1 == 12 { print $2 }' "$vectors/typed.tsv")" ]
	# what was assigned is kept, too; and by one command
	users 1 40 | rep --from json --by .user --assign '.n' --like "$t" --on-error skip --out "kafka:$t.one" --create-topics 12
	kcat -C -q -e -b "$b" -t "$t.one" -f '%p %s\n' | jq -R 'split(" ") | (.[1] | fromjson).n == (.[0] | tonumber)' | sort | uniq -c | awk '{ print $1, $2 }' | diff - <(echo '11 true')
}

@test "from a topic by another key into windows; without it kstream-window refuses" {
	"$topic" create "$t" 3
	users 1 130 | cat_ --from json --time .ts -b "$b" -P -t "$t"
	run bash -c "$bin/kstream-cat -b $b -t $t -e --key .user | $bin/kstream-window --tumble 1m 'count()' --to json"
	[ "$status" -eq 78 ]
	[[ $output == *"kstream-window: the key was changed: "*"kstream-repartition"* ]]
	cat_ -b "$b" -t "$t" -e --key .user | "$bin/kstream-repartition" --partitions 4 |
		"$bin/kstream-window" --tumble 1m --emit close 'count()' | cat_ --to envelope | jq -c '[.key.key, .partition, .payload]' | sort >got
	users 1 130 | want 4 | awk '{ printf "[\"%s\",%s,10]\n", $1, $2 }' | sort | diff - got
}

@test "--through: windows behind it are those of Kafka Streams of what kcat finds in the topic" {
	PATH=$bin:$PATH "${PYTHON:-python3}" "$BATS_TEST_DIRNAME/../conformance/repartition.py" --through "$t" -b "$b"
}

@test "--like: no such topic, no broker, one line" {
	users 1 3 >in
	run rep --from json --to json --by .user --like "$t" in
	told 78 "how many partitions has topic '$t'?"
	run timeout 30 "$bin/kstream-repartition" -b 127.0.0.1:1 -m 1 --from json --to json --by .user --like "$t" in
	told 69 'cannot ask 127.0.0.1:1'
	run rep --from json --to json --by .user --partitions 4 --through "$t" --create-topics 3 in
	told 78 "topic '$t' has 3 partitions, not 4"
}

@test "--through: all that was written is read again, from the topic, and no more; complete and paused stay what they were" {
	"$topic" create "$t" 4
	echo 'old:{}' | kcat -P -b "$b" -t "$t" -p 2 -K :
	users 1 500 >in
	rep --from json --time .ts --by .user --through "$t" --to envelope in >out
	jq -s -c 'map(.payload.n) | sort == [range(1; 501)]' out | diff - <(echo true)
	jq -r '[.key, .partition] | @tsv' out | tr '\t' ' ' | sort -u | diff - <(want 4 <in)
	[ "$(jq -r '[.topic, .tstype, .ts == .payload.ts + 0] | join(" ")' out | sort -u)" = "$t create true" ]
	[ "$(kcat -C -q -e -b "$b" -t "$t" | wc -l)" -eq 501 ]
	cat_ --from json in | rep --by .user --through "$t" -X fetch.wait.max.ms=20 >complete # hidden, once somebody has it
	cat_ --from json --end paused in | rep --by .user --through "$t" >paused
	[ "$(last_byte complete) $(last_byte paused)" = '2 1' ]
	[ "$(cat_ --to json paused | wc -l)" -eq 500 ]
	# no records; bytes that are no JSON
	rep --from json --by .user --through "$t" --to json /dev/null >out
	[ ! -s out ]
	rep --from raw --by '"k"' --through "$t" --to raw <<<$'{\nb c' >out
	sort out | diff - <(printf 'b c\n{\n')
}

@test "--through from a topic into windows and a topic, one command; its partitions hold for both" {
	"$topic" create "$t" 3
	users 1 130 | cat_ --from json --time .ts -b "$b" -P -t "$t"
	rep --in "kafka:$t" -e --by .user --through "$t.by-user" --create-topics 5 |
		"$bin/kstream-window" --tumble 1m --emit close 'n=count()' --out "kafka:$t.counts" -b "$b" --create-topics 5
	kcat -C -q -e -b "$b" -t "$t.counts" -f '%p %k %s\n' | sed -E 's/^([0-9]+) .*"key":"(u[0-9]+)".*"n":([0-9]+).*/\2 \1 \3/' | sort >got
	users 1 130 | want 5 | sed 's/$/ 10/' | diff - got
	rep --in "kafka:$t.by-user" -e --by .n --through "$t.by-n" --create-topics 2 --out "kafka:$t.again"  --to json
	[ "$(kcat -C -q -e -b "$b" -t "$t.again" | wc -l)" -eq 130 ]
}

@test "--through: who fails first tells, in one line, and nothing is left running" {
	"$topic" create "$t" 2
	users 1 3 >in
	run rep --from json --to json --by .user.no --through "$t" in
	told 65 'in/0@0: --by: '
	run rep --from json --to json --by .user --through "$t" nosuchfile
	told 66 "cannot open 'nosuchfile'"
	run rep --from json --to json --by .user --through "$t.none" in
	told 78 '--create-topics N makes it'
	run bash -c "$bin/kstream-cat --from json in | head -c -3 | timeout 60 $bin/kstream-repartition -b $b --by .user --through $t >/dev/null"
	told 75 'what writes it has failed'
	run rep --from json --by .user --through "$t" --only in in
	told 64 '--only and --through'
	run rep --app a --from json --by .user --through "$t" in
	told 78 '--through and --app: two pipelines'
	run rep --in "kafka:$t" -e --by .user --through "$t"
	told 64 'is input, and --through, too'
	# a first half that is killed
	mkfifo pipe
	"$bin/kstream-repartition" --commit-interval 50ms -b "$b" --by .user --through "$t" pipe >live 2>err &
	pids=$!
	exec 8>pipe
	cat_ --from json in | head -c -20 >&8
	wait_for grep -q u1 live
	kill -KILL "$(pgrep -P "$pids" kstream-repart)"
	local status=0
	wait "$pids" || status=$?
	pids=
	exec 8>&-
	cat err
	[ "$status" -eq 75 ]
	[ "$(wc -l <err)" -eq 1 ]
	grep -q 'has failed\|was killed by signal 9' err	# of the two who see it, the faster
	# a reader that somebody ends would leave out what is still written: no END, and no 0
	"$bin/kstream-repartition" --commit-interval 50ms -b "$b" --by .user --through "$t" pipe >live 2>err &
	pids=$!
	exec 8>pipe
	cat_ --from json in | head -c -20 >&8
	wait_for grep -q u1 live
	kill -TERM "$(pgrep -P "$pids" kstream-cat)"
	status=0
	wait "$pids" || status=$?
	pids=
	exec 8>&-
	cat err
	[ "$status" -eq 75 ]
	[ "$(wc -l <err)" -eq 1 ]
	grep -q "the kstream-cat that reads kafka:$t has ended before" err
	run cat_ --to json live
	[ "$status" -eq 75 ]
}

@test "--through of a topic that goes on: records come at once, and a signal ends it paused, with all that was written" {
	"$topic" create "$t" 1
	"$topic" create "$t.by" 2
	"$bin/kstream-repartition" --commit-interval 50ms -b "$b" --in "kafka:$t" --by .user --through "$t.by" >live 2>err &
	pids=$!
	users 1 20 | cat_ --from json -b "$b" -P -t "$t"
	wait_for grep -q u7 live
	[ "$(last_byte live)" != 2 ]
	kill -TERM "$pids"
	local status=0
	wait "$pids" || status=$?
	pids=
	cat err
	[ "$status" -eq 0 ]
	[ ! -s err ]
	[ "$(last_byte live)" -eq 1 ]
	[ "$(cat_ --to json live | wc -l)" -eq 20 ]
}
