#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# kstream-cat and where reading begins and ends: times, stored offsets, groups, topics by regular expression.

load lib

group() { cat_ -b "$b" -G "$t" --to json -X session.timeout.ms=1000 "$@"; }

# start NAME OPTION...: a reader in the background, of the group if it is told so; its number is in $reader
start() {
	"$bin/kstream-cat" -b "$b" --to json --commit-interval 100ms -X session.timeout.ms=2000 -X heartbeat.interval.ms=300 \
		-X topic.metadata.refresh.interval.ms=300 -X fetch.wait.max.ms=50 -v --out "$@" 2>"$1.err" 3>&- &
	reader=$!
	pids+=" $reader"
}

values() { sort -n "$@" | tr '\n' ' '; }

# at MS VALUE...: records of that time, in one partition
at() {
	local ms=$1 value
	shift
	for value; do printf '{"ts":%s,"tstype":"create","payload":%s,"partition":0}\n' "$ms" "$value"; done |
		cat_ --from envelope -b "$b" -P -t "$t"
}

@test "-o s@T and e@T, --since and --until: by the time of each record, not by its place" {
	"$topic" create "$t" 1
	at 1000 1 2
	at 5000 3
	at 2000 4
	at 9000 5
	v() { cat_ -b "$b" -t "$t" -e --to json "$@" | tr '\n' ' '; }
	[ "$(v -o s@2000)" = "3 4 5 " ]
	[ "$(v -o s@2001)" = "3 5 " ]
	[ "$(v -o e@5000)" = "1 2 4 " ]
	[ "$(v -o s@2000 -o e@9000)" = "3 4 " ]
	[ "$(v -o s@9001)" = "" ]
	[ "$(v --since @2001 --until @9000)" = "3 " ]
	[ "$(v --since 1970-01-01T00:00:05Z)" = "3 5 " ]
	[ "$(v --since -1h)" = "" ]
	[ "$(v -o -2 --since @5000)" = "5 " ]
	[ "$(v -c 1 --since @5000)" = "3 " ]
	# --time says another time: all is read, and chosen by that
	[ "$(v --time . --time-unit s --since @2000 --until @4000)" = "2 3 " ]
	# ends by itself: there may be no record at T yet
	[ "$(timeout 10 "$bin/kstream-cat" -b "$b" -t "$t" --to json --until now | wc -l)" -eq 5 ]
	[ "$(timeout 10 "$bin/kstream-cat" -b "$b" -t "$t" --to json -o e@5000 | wc -l)" -eq 3 ]
	run cat_ -b "$b" -t "$t" -o s@-5
	refused 64 "a time is milliseconds"
}

@test "times behind markers of transactions, which have the broker's time" {
	"$topic" create "$t" 1
	"$topic" commit "$t" 0 2 1
	"$topic" abort "$t" 0 2 2
	at 1000 5
	"$topic" commit "$t" 0 1 3
	now=$(date +%s%3N)
	[ "$(cat_ -b "$b" -t "$t" --to json -o s@2000 -e | tr '\n' ' ')" = "10 11 30 " ]
	[ "$(cat_ -b "$b" -t "$t" --to json -o s@$((now + 60000)) -e)" = "" ]
	[ "$(cat_ -b "$b" -t "$t" --to json --until @2000)" = "5" ]
	[ "$(cat_ -b "$b" -t "$t" --to json --until @2000 --isolation read_uncommitted)" = "5" ]
	[ "$(cat_ -b "$b" -t "$t" --to json -o s@2000 -e --isolation read_uncommitted | tr '\n' ' ')" = "10 11 20 21 30 " ]
	run cat_ -b "$b" -t "$t" --isolation serializable
	refused 64 "is not read_committed or read_uncommitted"
}

@test "-G: all of it, once; the next run has what came since; kcat takes over where it stood" {
	"$topic" create "$t" 3
	for p in 0 1 2; do seq $((p * 10)) $((p * 10 + 4)) | kcat -P -b "$b" -t "$t" -p $p; done
	[ "$(group -e "$t" | values)" = "0 1 2 3 4 10 11 12 13 14 20 21 22 23 24 " ]
	[ -z "$(group -e "$t")" ]
	seq 100 102 | kcat -P -b "$b" -t "$t" -p 1
	[ "$(cat_ -b "$b" -t "$t" -o stored -X group.id="$t" -e --to json | values)" = "100 101 102 " ]
	[ "$(cat_ -b "$b" -t "$t" -o stored -X group.id="$t" -e --to json | values)" = "100 101 102 " ]
	[ "$(group -e -c 2 -t "$t" | values)" = "100 101 " ]
	[ "$(kcat -b "$b" -G "$t" -e -q "$t")" = "102" ]
	[ -z "$(group -e "$t")" ]
}

@test "-G: -o says where to begin without a committed offset, and only then" {
	"$topic" create "$t" 1
	seq 5 | kcat -P -b "$b" -t "$t"
	[ "$(group -o -2 -e "$t" | values)" = "4 5 " ]
	seq 6 7 | kcat -P -b "$b" -t "$t"
	[ "$(group -o beginning -e "$t" | values)" = "6 7 " ]
	[ "$(cat_ -b "$b" -t "$t" -o stored -X group.id="$t.none" -e --to json | values)" = "1 2 3 4 5 6 7 " ]
}

@test "-G: what cannot be" {
	run cat_ -b "$b" -G "$t" "$t.none"
	refused 78 "there is no topic '$t.none'"
	run cat_ -b "$b" -G "$t" -p 1 "$t"
	refused 64 "-G and -p"
	run cat_ -b "$b" -G "$t" -P "$t"
	refused 64 "-G reads and -P writes"
	run cat_ -b "$b" -G "$t"
	refused 64 "which topic"
	run cat_ -b "$b" -t "$t" -o stored
	refused 64 "by which group"
	run cat_ -b "$b" -G "$t" -X partition.assignment.strategy=cooperative-sticky "$t"
	refused 64 "cooperative-sticky is not"
}

@test "-G: kill -9 loses nothing; the next one goes on behind what was committed" {
	"$topic" create "$t" 2
	numbers 1 1000 | kcat -P -b "$b" -t "$t" -p 0
	start one -G "$t" "$t"
	wait_for lines_of one 1000
	committed() { [ "$(cat_ -L -b "$b" -t "$t" --group "$t" -J | jq 'select(.partition == 0).committed')" = 1000 ]; }
	wait_for committed
	numbers 1001 60000 | kcat -P -b "$b" -t "$t" -p 1
	wait_for lines_of one 1500
	kill -KILL $reader
	wait $reader || :
	group -e "$t" >two
	# its last line may be cut
	{ sed -n '/}$/p' one; cat two; } | sort -u | diff - <(numbers 1 60000 | sort)
	! grep -q '{"n":1}' two
}

@test "-G: what could not be put out is not committed: the next run has it" {
	"$topic" create "$t" 1
	seq 5 | kcat -P -b "$b" -t "$t"
	run group -e --commit-interval 1ms --out /dev/full "$t"
	refused 74 "/dev/full"
	[ "$(group -e "$t" | values)" = "1 2 3 4 5 " ]
}

@test "-G: members come and go; SIGTERM drains, commits and leaves at once; nothing is lost or read twice" {
	"$topic" create "$t" 4
	for p in 0 1 2 3; do seq $((p * 1000)) $((p * 1000 + 99)) | kcat -P -b "$b" -t "$t" -p $p; done
	start one -G "$t" --commit-interval 1d "$t" # told when partitions go, and at the end
	first=$reader
	wait_for lines_of one 400
	start two -G "$t" --commit-interval 1d "$t"
	second=$reader
	local turns=0 end=$((SECONDS + 40))
	until [ -s two ]; do # the second has its share
		[ "$SECONDS" -lt "$end" ] || return 1
		turns=$((turns + 1))
		[ "$turns" -lt 100 ] || return 1
		for p in 0 1 2 3; do echo $((p * 1000 + 100 + turns)) | kcat -P -b "$b" -t "$t" -p $p; done
	done
	wait_for bash -c '[ "$(cat one two | wc -l)" -ge '$((400 + 4 * turns))' ]'
	kill -TERM $first
	wait $first
	for p in 0 1 2 3; do seq $((p * 1000 + 200)) $((p * 1000 + 249)) | kcat -P -b "$b" -t "$t" -p $p; done
	wait_for bash -c '[ "$(cat one two | wc -l)" -ge '$((600 + 4 * turns))' ]'
	kill -TERM $second
	wait $second
	[ -z "$(group -e "$t")" ] # all is committed
	for p in 0 1 2 3; do seq $((p * 1000)) $((p * 1000 + 99)); seq $((p * 1000 + 101)) $((p * 1000 + 100 + turns)); seq $((p * 1000 + 200)) $((p * 1000 + 249)); done |
		sort | diff - <(sort one two)
}

@test "-G: a rebalance is a boundary of sections: END paused, HELLO; a window lives through it" {
	"$topic" create "$t" 2
	for p in 0 1; do numbers 1 3 | kcat -P -b "$b" -t "$t" -p $p -k k; done
	"$bin/kstream-cat" -b "$b" -G "$t" "$t" --commit-interval 100ms -X session.timeout.ms=2000 -X heartbeat.interval.ms=300 2>err >stream 3>&- &
	one=$!
	pids+=" $one"
	committed() { [ "$(cat_ -L -b "$b" -t "$t" --group "$t" -J | jq -s 'map(.committed) | add')" = 6 ]; }
	wait_for committed
	start two -G "$t" "$t"
	two=$reader
	again() { [ "$("${PYTHON:-python3}" -c 'import msgpack
print(sum(f.code == 2 for f in msgpack.Unpacker(open("stream", "rb"))))')" -ge 2 ]; }
	wait_for again
	kill -TERM $one
	wait $one
	kill -TERM $two
	wait $two
	"${PYTHON:-python3}" - <<-'END'
		import msgpack
		codes = [(f.code, msgpack.unpackb(f.data)) for f in msgpack.Unpacker(open("stream", "rb"), raw=False)]
		hellos = [x for c, x in codes if c == 2]
		ends = [x for c, x in codes if c == 6]
		assert len(hellos) >= 2 and [e[1] for e in ends] == [1] * len(hellos), (hellos, ends)
		assert [len(h["positions"]) for h in hellos][:2] == [2, 1], hellos
		assert hellos[1]["positions"][0]["offset"] == 3, hellos
	END
	[ "$(cat_ --to json stream | wc -l)" -eq 6 ]
}

@test "-t ^regex: those that match, not Kafka's own; one that names none: 78" {
	"$topic" create "$t.a1" 1
	"$topic" create "$t.a2" 1
	"$topic" create "$t.b" 1
	echo 1 | kcat -P -b "$b" -t "$t.a1"
	echo 2 | kcat -P -b "$b" -t "$t.a2"
	echo 3 | kcat -P -b "$b" -t "$t.b"
	[ "$(cat_ -b "$b" -t "^$t.a[0-9]" -e --to json | values)" = "1 2 " ]
	[ "$(cat_ -b "$b" -t "^$t.a" -t "$t.b" -t "$t.a2" -e --to json | values)" = "1 2 3 " ]
	[ "$(group -e "^$t.a" | values)" = "1 2 " ]
	run cat_ -b "$b" -t "^$t.x" -e
	refused 78 "no topic matches '^$t.x'"
	[ "$(cat_ -b "$b" -t "^__c" -e -c 1 --from raw | cat_ --to envelope | jq -r .topic)" = __consumer_offsets ]
	run cat_ -b "$b" -t "^_" -e
	refused 78 "no topic matches"
	run group -e "^$t.x"
	refused 78 "no topic matches '^$t.x'"
	run cat_ -b "$b" -t "^($t" -e
	refused 64 "is not a regular expression"
}

@test "live: topics and partitions that come later are read from their beginning; one that goes is told of once" {
	"$topic" create "$t.a" 1
	start got -t "^$t.a" -o end
	begun() { echo 0 | kcat -P -b "$b" -t "$t.a" -p 0 && [ -s got ]; } # it reads from the end
	wait_for begun
	"$topic" create "$t.ab" 2
	seq 3 | kcat -P -b "$b" -t "$t.ab" -p 1
	wait_for grep -x 3 got
	"$topic" grow "$t.a" 2
	seq 4 5 | kcat -P -b "$b" -t "$t.a" -p 1
	wait_for grep -x 5 got
	"$topic" delete "$t.ab"
	wait_for grep "there is no topic '$t.ab' any more" got.err
	echo 6 | kcat -P -b "$b" -t "$t.a" -p 0
	wait_for grep -x 6 got
	kill -TERM $reader
	wait $reader
	[ "$(grep -vx 0 got | values)" = "1 2 3 4 5 6 " ]
	[ "$(grep -c any got.err)" -eq 1 ]
}

@test "live: partitions that are added while records come faster than they go: each record comes once" {
	"$topic" create "$t" 1
	seq 8000 | sed "s/.*/{\"n\":&,\"pad\":\"$(printf '%03000d' 0)\"}/" | kcat -P -b "$b" -t "$t"
	mkfifo slow
	"$bin/kstream-cat" -b "$b" -t "$t" -c 8010 -X topic.metadata.refresh.interval.ms=200 >slow 3>&- &
	reader=$!
	pids+=" $reader"
	exec 8<slow # the pipe fills, and the reader waits
	"$topic" grow "$t" 2
	numbers 8001 8010 | kcat -P -b "$b" -t "$t" -p 1
	sleep 0.3
	cat <&8 >stream
	exec 8<&-
	wait $reader
	cat_ --to json stream | jq .n | sort -n | diff - <(seq 8010)
}

@test "live: a topic that is made anew with fewer partitions: 78, whatever had been read of it" {
	"$topic" create "$t" 3
	seq 3 | kcat -P -b "$b" -t "$t" -p 2
	start got -t "$t"
	wait_for lines_of got 3
	kill -STOP $reader # while the topic is not there
	"$topic" delete "$t"
	wait_for "$topic" create "$t" 1
	seq 4 6 | kcat -P -b "$b" -t "$t"
	kill -CONT $reader
	status=0
	wait $reader || status=$?
	cat got.err
	[ "$status" -eq 78 ]
	grep "kstream-cat: topic '$t' has 1 partitions now, and had 3: it was made anew" got.err
}

@test "LogAppendTime and CreateTime: HELLO tells which, and records have the real one" {
	"$topic" create "$t.c" 1
	"$topic" create "$t.l" 1 message.timestamp.type=LogAppendTime
	begin=$(date +%s%3N)
	for name in "$t.c" "$t.l"; do
		cat_ --from envelope -b "$b" -P -t "$name" <<<'{"ts":5000,"tstype":"create","payload":1}'
	done
	cat_ -b "$b" -t "$t.c" -t "$t.l" -e >stream
	"${PYTHON:-python3}" -c 'import msgpack
hello = msgpack.unpackb(next(msgpack.Unpacker(open("stream", "rb"))).data)
assert [s["time"] for s in hello["streams"]] == ["create", "append"], hello'
	cat_ --to envelope stream | jq -r '[.topic, .tstype, .ts] | @tsv' | sort >got
	[ "$(head -n 1 got)" = "$t.c"$'\tcreate\t5000' ]
	read -r _ type ms < <(tail -n 1 got)
	[ "$type" = append ] && [ "$ms" -ge "$begin" ]
	[ "$(cat_ -b "$b" -t "$t.c" -t "$t.l" -o s@6000 -e --to envelope | jq -r .topic)" = "$t.l" ]
}

@test "-e ends by itself: nothing there, all deleted, gaps of a compacted topic" {
	"$topic" create "$t.none" 2
	[ -z "$(timeout 10 "$bin/kstream-cat" -b "$b" -t "$t.none" -e --to json)" ]
	[ -z "$(group -e "$t.none")" ]
	"$topic" create "$t" 1
	seq 10 | kcat -P -b "$b" -t "$t"
	"$topic" trim "$t" 0 10
	[ -z "$(timeout 10 "$bin/kstream-cat" -b "$b" -t "$t" -e --to json)" ]
	[ -z "$(timeout 10 "$bin/kstream-cat" -b "$b" -t "$t" -e -o s@5 --to json)" ]
	"$topic" create "$t.c" 1 cleanup.policy=compact segment.ms=100 min.cleanable.dirty.ratio=0.001 max.compaction.lag.ms=200
	for i in 1 2; do printf 'a\t%s\nb\t%s\n' $i $i | kcat -P -b "$b" -t "$t.c" -K '\t'; done
	compacted() { printf 'a\t3\nb\t3\n' | kcat -P -b "$b" -t "$t.c" -K '\t' && ! kcat -C -q -e -b "$b" -t "$t.c" | grep -x 1; }
	wait_for compacted
	[ "$(timeout 10 "$bin/kstream-cat" -b "$b" -t "$t.c" -e --to json | tail -n 2 | values)" = "3 3 " ]
	[ "$(group -e "$t.c" | tail -n 2 | values)" = "3 3 " ]
}

@test "offsets that are not there: with coordinates and the range there is" {
	"$topic" create "$t" 1
	seq 0 9 | kcat -P -b "$b" -t "$t"
	run cat_ -b "$b" -t "$t" -e -o 50 --to json
	[ "$status" -eq 0 ]
	[ "$output" = "kstream-cat: -o 50: $t has no such offset: it has 0 to 9" ]
	group -e -c 2 "$t" >/dev/null
	"$topic" trim "$t" 0 5
	run group -e "$t"
	[ "$status" -eq 0 ]
	[ "${lines[0]}" = "kstream-cat: $t/0@2: group '$t' was to go on here, but this was deleted: the records begin at 5" ]
	[ "${#lines[@]}" -eq 6 ]
	"$topic" stored "$t" "$t" 0 77
	run cat_ -b "$b" -t "$t" -o stored -X group.id="$t" --to json
	refused 78 "$t/0@77: no such offset: the partition has 5 to 9"
	run group "$t"
	refused 78 "$t/0@77: no such offset: the partition has 5 to 9"
	run group -e "$t"
	[ "$status" -eq 0 ]
	[ "$output" = "kstream-cat: $t/0@77: group '$t' is to go on here, but the records end before 10" ]
}

@test "500 partitions; records of 0 bytes and of 8 MiB" {
	"$topic" create "$t" 500
	seq 2000 | sed 's/.*/k&\t&/' | kcat -P -b "$b" -t "$t" -K '\t'
	cat_ -b "$b" -t "$t" -e --to json | sort -n | diff - <(seq 2000)
	group -e "$t" | sort -n | diff - <(seq 2000)
	"$topic" create "$t.big" 1 max.message.bytes=9000000
	head -c 8388608 /dev/zero | tr '\0' x >big
	kcat -P -b "$b" -t "$t.big" -X message.max.bytes=9000000 big
	cat_ --from envelope -b "$b" -P -t "$t.big" <<<'{"tstype":"create","ts":1,"payload":""}' --to raw
	run cat_ -b "$b" -t "$t.big" -e --from raw --to raw
	refused 65 "$t.big/0@0: the record is larger than --max-record allows"
	cat_ -b "$b" -t "$t.big" -e --from raw --to raw --max-record 9M >got
	{ cat big; echo; echo; } | cmp - got
}
