#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# An exact copy of a topic, judged by kcat; and --verify, which judges it by itself.

bats_require_minimum_version 1.5.0
load lib

everything='%p %K %k %S %s %T %h\n'

copied() { # copied A B: kcat sees the same in both
	diff <(kcat -C -q -e -b "$b" -t "$1" -f "$everything" | sort) <(kcat -C -q -e -b "$b" -t "$2" -f "$everything" | sort)
	local p
	for p in ${3-}; do diff <(kcat -C -q -e -b "$b" -t "$1" -p "$p" -f "$everything") <(kcat -C -q -e -b "$b" -t "$2" -p "$p" -f "$everything"); done
}

fill() { # fill TOPIC: what is hard to copy, in 3 partitions
	"${PYTHON:-python3}" -c 'import base64, json
odd = base64.b64encode(bytes(range(256))).decode()
for i in range(600):
    r = {"partition": i % 3, "ts": 1700000000000 + i * 7 % 1000, "tstype": "create", "key": f"k{i % 50}", "payload": f"v{i}"}
    if i % 5 == 1: r["key"] = None
    if i % 7 == 2: r["payload"] = None
    if i % 11 == 3: r |= {"payload": odd, "payload_encoding": "base64"}
    if i % 13 == 4: r |= {"key": odd, "key_encoding": "base64"}
    if i % 4 == 0: r["headers"] = [["b", "1"], ["a", None], ["b", ""], ["", odd, "base64"], ["b", "1"]]
    if i % 17 == 5: r |= {"key": "", "payload": ""}
    print(json.dumps(r))' | cat_ --from envelope --to raw -b "$b" -P -t "$1"
}

@test "keys, values, headers, times, tombstones, partitions: kcat sees no difference, and --verify none" {
	"$topic" create "$t" 3
	fill "$t"
	cat_ -b "$b" -t "$t" --from raw -e | cat_ -b "$b" -P -t "$t.2" --create-topics 3 --verify >said
	copied "$t" "$t.2" "0 1 2"
	cat said
	[ "$(wc -l <said)" -eq 4 ]
	grep -E "^$t/0: 200 records, xxh3 ([0-9a-f]{16})  $t.2/0: 200 records, xxh3 \1  equal$" said
	grep -E '^all: 600 records, sum ([0-9a-f]{16})  600 records, sum \1  equal$' said
	# again, behind what is there: only this run's records count
	cat_ -b "$b" -t "$t" --from raw -e | cat_ -b "$b" -P -t "$t.2" --verify | diff said -
}

@test "a topic of transactions: aborted records and markers are no records" {
	"$topic" create "$t" 2
	numbers 1 20 | kcat -P -b "$b" -t "$t" -p 0
	"$topic" commit "$t" 0 30 x
	"$topic" abort "$t" 0 40 gone
	"$topic" commit "$t" 1 5 y
	"$topic" abort "$t" 1 5 gone
	cat_ -b "$b" -t "$t" --from raw -e | cat_ -b "$b" -P -t "$t.2" --create-topics 2 --verify >said
	cat said
	grep "^$t/0: 50 records" said
	grep '^all: 55 records.*  55 records.*  equal$' said
	copied "$t" "$t.2" "0 1"
}

@test "a compacted topic: what is left of it" {
	"$topic" create "$t" 1 cleanup.policy=compact segment.ms=100 min.cleanable.dirty.ratio=0.001
	for _ in 1 2; do
		seq 300 | awk '{ print "k" $1 % 20 ":" $1 }' | kcat -P -b "$b" -t "$t" -K :
		sleep 0.2
	done
	echo last:1 | kcat -P -b "$b" -t "$t" -K :
	few() { [ "$(judge | wc -l)" -le 41 ]; }
	wait_for few
	[ "$(judge | wc -l)" -ge 21 ]
	cat_ -b "$b" -t "$t" --from raw -e | cat_ -b "$b" -P -t "$t.2" --create-topics 1 --verify >said
	copied "$t" "$t.2" 0
	grep '^all: .*  equal$' said
}

@test "a topic that is compacted between the copy and its verification: what is left is compared" {
	"$topic" create "$t" 1 cleanup.policy=compact segment.ms=100 min.cleanable.dirty.ratio=0.001
	"$topic" create "$t.2" 1
	seq 300 | awk '{ print "k" $1 % 20 ":" $1 }' | kcat -P -b "$b" -t "$t" -K :
	mkfifo frames
	"$bin/kstream-cat" -b "$b" -t "$t" --from raw --commit-interval 50ms >frames 3>&- &
	source=$!
	"$bin/kstream-cat" -b "$b" -P -t "$t.2" --verify <frames >said 3>&- &
	sink=$!
	pids+=" $source $sink"
	there() { [ "$(kcat -C -q -e -b "$b" -t "$t.2" | wc -l)" -eq 300 ]; }
	wait_for there
	echo last:1 | kcat -P -b "$b" -t "$t" -K :
	few() { [ "$(judge | wc -l)" -le 21 ]; }
	wait_for few
	kill -TERM $source
	wait $sink
	cat said
	grep "^$t/0: 21 records, .*  $t.2/0: 301 records, .*  equal but for 280 that '$t' has lost since$" said
}

@test "other counts of partitions: sums are compared, whatever the order; a time of the topic's own is left out" {
	"$topic" create "$t" 3
	fill "$t"
	cat_ -b "$b" -t "$t" --from raw -e | cat_ -b "$b" -P -t "$t.5" --create-topics 5 --verify >said
	[ "$(grep -c "^$t/[0-2]: 200 records, sum" said)" -eq 3 ]
	grep -E '^all: 600 records, sum ([0-9a-f]{16})  600 records, sum \1  equal, whatever their order, as the partitions are others$' said
	diff <(kcat -C -q -e -b "$b" -t "$t" -f "$everything" | cut -d ' ' -f 2- | sort) <(kcat -C -q -e -b "$b" -t "$t.5" -f "$everything" | cut -d ' ' -f 2- | sort)
	"$topic" create "$t.append" 3 message.timestamp.type=LogAppendTime
	cat_ -b "$b" -t "$t" --from raw -e | cat_ -b "$b" -P -t "$t.append" --verify >said
	grep ' equal, but for the times, which the topic sets itself$' said
	# two topics into one
	"$topic" create "$t.b" 3
	numbers 1 9 | kcat -P -b "$b" -t "$t.b" -p 1
	cat_ -b "$b" -t "$t" -t "$t.b" --from raw -e | cat_ -b "$b" -P -t "$t.2" --create-topics 3 --verify >said
	grep '^all: 609 records, .* equal, whatever' said
}

@test "others write to the target at the same time, and one holds a transaction open there" {
	"$topic" create "$t" 1
	"$topic" create "$t.2" 1
	numbers 1 100 | kcat -P -b "$b" -t "$t"
	mkfifo hold frames
	"$topic" open "$t.2" 0 3 foreign <hold >opened 3>&- &
	pids+=" $!"
	exec 9>hold
	wait_for grep open opened
	"$bin/kstream-cat" -b "$b" -t "$t" --from raw --commit-interval 50ms >frames 3>&- 9>&- &
	source=$!
	pids+=" $source"
	"$bin/kstream-cat" -b "$b" -P -t "$t.2" --verify <frames >said 3>&- 9>&- &
	sink=$!
	pids+=" $sink"
	there() { [ "$(kcat -C -q -e -b "$b" -t "$t.2" -X isolation.level=read_uncommitted | wc -l)" -eq "$1" ]; }
	wait_for there 103
	seq 50 | kcat -P -b "$b" -t "$t.2"
	numbers 101 200 | kcat -P -b "$b" -t "$t"
	wait_for there 253
	kill -TERM $source
	wait $sink
	exec 9>&-
	cat said
	grep "^$t/0: 200 records, .*  $t.2/0: 200 records, .*  equal$" said
}

@test "--verify finds what was left out, changed, or added: status 1" {
	"$topic" create "$t" 2
	printf '{"n": 1}\n{"n": 2}\n{"n": 3}\n' | kcat -P -b "$b" -t "$t" -p 0
	run --separate-stderr bash -o pipefail -c "kstream-cat -b $b -t $t -e | kstream-cat -b $b -P -t $t.json --create-topics 2 --verify"
	[ "$status" -eq 1 ]
	[ -z "$stderr" ]
	[[ ${lines[0]} == "$t/0: 3 records, "*"  $t.json/0: 3 records, "*"  DIFFERENT" ]]
	run bash -o pipefail -c "kstream-cat -b $b -t $t -e | kstream-filter '.n == 2' | kstream-cat -b $b -P -t $t.few --create-topics 2 --verify"
	[ "$status" -eq 1 ]
	[[ ${lines[-1]} == "all: 3 records, "*"  1 records, "*"  DIFFERENT" ]]
	run bash -o pipefail -c "kstream-cat -b $b -t $t --from raw -e | kstream-filter 'false' | kstream-cat -b $b -P -t $t.none --create-topics 2 --verify"
	[ "$status" -eq 1 ]
	[[ ${lines[0]} == "$t/0: 3 records, "*"nothing of it was written  DIFFERENT" ]]
	# a record that goes out twice is no record that the source has lost
	cat_ -b "$b" -t "$t" --from raw -e | "${PYTHON:-python3}" -c 'import msgpack, struct, sys
data, at = sys.stdin.buffer.read(), 0
while at < len(data):
    n, kind = struct.unpack(">Ib", data[at + 1:at + 6])
    payload = data[at + 6:at + 6 + n]
    if kind == 4:
        barrier = msgpack.unpackb(payload)
        barrier[4] = None
        payload = msgpack.packb(barrier)
    frame = b"\xc9" + struct.pack(">Ib", len(payload), kind) + payload
    sys.stdout.buffer.write(frame * (1 + (kind == 1)))
    at += 6 + n' >twice
	run cat_ -b "$b" -P -t "$t.twice" --create-topics 2 --verify twice
	[ "$status" -eq 1 ]
	[[ ${lines[-2]} == "all: 3 records, "*"  6 records, "*"  DIFFERENT" ]]
	# nothing is equal to nothing
	"$topic" create "$t.empty" 2
	run cat_ -b "$b" -P -t "$t.empty" --verify <(cat_ -b "$b" -t "$t" --from raw -o end -e)
	[ "$status" -eq 0 ]
	[ "$output" = "all: 0 records, sum 0000000000000000  0 records, sum 0000000000000000  equal" ]
}

@test "--verify says what it cannot do" {
	"$topic" create "$t" 1
	echo 1 | kcat -P -b "$b" -t "$t"
	run cat_ --from json -b "$b" -P -t "$t" --verify <<<1
	refused 78 "--verify compares topics of one cluster, and $b has no topic 'stdin'"
	cat_ -b "$b" -t "$t" -e >frames
	run cat_ -b "$b" -P -t "$t" --verify frames
	refused 78 "--verify: '$t' is both"
	run cat_ -b "$b" -P -t "$t" -c 1 --verify frames
	refused 64 "-c"
	run cat_ -b "$b" -t "$t" -e --verify
	refused 64 "--verify is for -P"
	# a stream that claims a partition that the topic has not, however large its number
	"${PYTHON:-python3}" -c 'import msgpack, struct, sys
data = open("frames", "rb").read()
n, = struct.unpack(">I", data[1:5])
hello = msgpack.unpackb(data[6:6 + n])
hello["positions"][0]["partition"] = 2000000000
payload = msgpack.packb(hello)
sys.stdout.buffer.write(b"\xc9" + struct.pack(">Ib", len(payload), 2) + payload + data[6 + n:])' >claims
	"$topic" create "$t.3" 1
	run cat_ -b "$b" -P -t "$t.3" --verify claims
	refused 78 "has no partition 2000000000"
	# a stream that was cut has no end to compare
	"$topic" create "$t.2" 1
	head -c $(($(stat -c %s frames) - 20)) frames >torn
	run cat_ -b "$b" -P -t "$t.2" --verify torn
	refused 75 "what writes it has failed"
	cat_ -b "$b" -P -t "$t.2" --verify frames >/dev/full && false
	[ $? -eq 74 ]
}
