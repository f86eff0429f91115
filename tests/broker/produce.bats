#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# kstream-cat -P: where records go, which are refused before they are sent, topics that it makes.

# shellcheck disable=SC2154 # what lib sets
load lib

vectors=$BATS_TEST_DIRNAME/../vectors/murmur2

@test "10,000 keys of all types go where the Java client puts them" {
	"$topic" create "$t" 12
	"${PYTHON:-python3}" "$vectors/typed.py" >keys
	cat_ --from envelope -b "$b" -P -t "$t" keys
	kcat -C -q -e -b "$b" -t "$t" -f '%s %p\n' | sort -n >got
	[ "$(wc -l <got)" -eq 10000 ]
	[ "$(cut -d ' ' -f 2 got | sha256sum | cut -d ' ' -f 1)" = "$(awk '$1 == 12 { print $2 }' "$vectors/typed.tsv")" ]
}

@test "a changelog record keeps its partition, whatever its key; unequal counts are refused" {
	"$topic" create "$t" 4
	"$topic" create "$t.log" 4 cleanup.policy=compact
	"$topic" create "$t.log5" 5 cleanup.policy=compact
	for p in 0 1 2 3; do echo "k$p:$p" | kcat -P -b "$b" -t "$t" -p $p -K :; done
	changelog=".route = \"$t.log\" | .flags = [\"key-changed\", \"changelog\"] | .payload |= tostring"
	cat_ -b "$b" -t "$t" -e --to envelope | jq -c "$changelog" >lines
	# a line of an envelope tells its partition, but HELLO not the number of them
	cat_ --from envelope -b "$b" -P -t "$t" lines
	kcat -C -q -e -b "$b" -t "$t.log" -f '%p %s\n' | sort | diff - <(printf '0 0\n1 1\n2 2\n3 3\n')
	wrong="{\"partition\":4,\"offset\":7,\"topic\":\"x\",\"route\":\"$t.log\",\"flags\":[\"changelog\"],\"payload\":1}"
	run cat_ --from envelope -b "$b" -P -t "$t" <<<"$wrong"
	refused 65 "x/4@7: is neither text nor bytes: raw does not do"
	run cat_ --from envelope -b "$b" -P -t "$t" <<<"${wrong/:1\}/:\"1\"\}}"
	refused 78 "x/4@7: changelog '$t.log' has no partition 4: it has 4 of them"
	# -p is for main records
	cat_ --from envelope -b "$b" -P -t "$t" -p 3 lines
	kcat -C -q -e -b "$b" -t "$t.log" -f '%p %s\n' | sort | uniq -c | awk '$1 != 2' | diff - /dev/null
	cat_ -b "$b" -t "$t" -e | "${PYTHON:-python3}" -c 'import msgpack, struct, sys
data, at, route = sys.stdin.buffer.read(), 0, sys.argv[1]
while at < len(data):
    n, kind = struct.unpack(">Ib", data[at + 1:at + 6])
    payload = data[at + 6:at + 6 + n]
    if kind == 1:
        record = msgpack.unpackb(payload, raw=False)
        record[1] |= 3 << 3
        record[4], record[5], record[8] = -1, route, str(record[8])
        payload = msgpack.packb(record)
    sys.stdout.buffer.write(b"\xc9" + struct.pack(">Ib", len(payload), kind) + payload)
    at += 6 + n' "$t.log5" >frames
	run cat_ -b "$b" -P -t "$t" frames
	refused 78 "changelog '$t.log5' has 5 partitions and not 4, as '$t' has"
	[[ $output == "kstream-cat: changelog "* ]] # of no place: a stage has made the record
	[ -z "$(kcat -C -q -e -b "$b" -t "$t.log5")" ]
}

@test "a record is refused exactly where the broker would refuse it, before it is sent, and others are not" {
	"$topic" create "$t" 1 max.message.bytes=5000
	# kcat, which does not ask, finds the last size that the broker takes
	n=4915
	while head -c $((n + 1)) /dev/zero | tr '\0' x | kcat -P -b "$b" -t "$t" -p 0 -k key -H h=v -H h= 2>/dev/null; do n=$((n + 1)); done
	[ "$n" -lt 4960 ]
	echo "the broker takes $n bytes"
	for size in $n $((n + 1)) 10; do
		echo "{\"topic\":\"big\",\"partition\":0,\"offset\":$size,\"key\":\"key\",\"headers\":[[\"h\",\"v\"],[\"h\",\"\"]],\"payload\":\"$(head -c "$size" /dev/zero | tr '\0' y)\"}"
	done >lines
	run cat_ --from envelope --to raw -b "$b" -P -t "$t" lines
	refused 65 "big/0@$((n + 1)): 5001 bytes are more than topic '$t' takes: its max.message.bytes is 5000"
	cat_ --from envelope --to raw -b "$b" -P -t "$t" --on-error skip lines
	kcat -C -q -e -b "$b" -t "$t" -o -2 -f '%S\n' | diff - <(printf '%s\n10\n' "$n")
	"$topic" create "$t.dlq" 1
	cat_ --from envelope --to raw -b "$b" -P -t "$t" --on-error "dlq:$t.dlq" lines
	[ "$(kcat -C -q -e -b "$b" -t "$t.dlq" -f '%S\n')" = $((n + 1)) ]
	# what may fit once it is compressed is tried, by itself
	cat_ --from envelope --to raw -b "$b" -P -t "$t" -X compression.codec=gzip lines
	kcat -C -q -e -b "$b" -t "$t" -o -3 -f '%S\n' | diff - <(printf '%s\n%s\n10\n' "$n" $((n + 1)))
}

@test "a topic that takes small batches only gets them: no record is refused for its neighbours" {
	"$topic" create "$t" 2 max.message.bytes=2000
	seq 5000 | cat_ --from json --key . -b "$b" -P -t "$t"
	kcat -C -q -e -b "$b" -t "$t" -f '%s\n' | sort -n | diff - <(seq 5000)
}

@test "records of 0 bytes and of 8 MiB" {
	"$topic" create "$t" 1 max.message.bytes=9000000
	"${PYTHON:-python3}" -c 'import json
for n in (0, 8 << 20, 0): print(json.dumps({"key": "", "payload": "x" * n}))' >lines
	run cat_ --from envelope --to raw --max-record 9M -b "$b" -P -t "$t" lines
	refused 65 "more than message.max.bytes, 1000000"
	cat_ --from envelope --to raw --max-record 9M -b "$b" -P -t "$t.copy" -X message.max.bytes=9000000 --create-topics 1 --on-error skip lines
	kcat -C -q -e -b "$b" -t "$t.copy" -f '%K %S\n' | diff - <(printf '0 0\n0 0\n')
	cat_ --from envelope --to raw --max-record 9M -b "$b" -P -t "$t" -X message.max.bytes=9000000 lines
	cat_ --from raw --max-record 9M -b "$b" -t "$t" -o -3 -e | cat_ --max-record 9M -b "$b" -P -t "$t" -X message.max.bytes=9000000
	kcat -C -q -e -b "$b" -t "$t" -f '%K %S\n' | tail -n 6 | diff - <(printf '0 %s\n' 0 8388608 0 0 8388608 0)
}

@test "--create-topics makes what is missing, once, with the broker's replication; without it nothing is made" {
	numbers 1 3 >lines.jsonl
	run cat_ --from json -b "$b" -P -t "$t" lines.jsonl
	refused 78 "there is no topic '$t'"
	run cat_ --from json -b "$b" -P -t "$t" --create-topics 4 -v lines.jsonl
	[ "$status" -eq 0 ]
	[ "${lines[0]}" = "kstream-cat: made topic '$t' with 4 partitions" ]
	[ "$(kcat -L -b "$b" -t "$t" -J | jq '.topics[0].partitions | length')" -eq 4 ]
	run cat_ --from json -b "$b" -P -t "$t" --create-topics 7 -v lines.jsonl
	[[ $output != *made* ]]
	[ "$(kcat -L -b "$b" -t "$t" -J | jq '.topics[0].partitions | length')" -eq 4 ]
	[ "$(judge | wc -l)" -eq 6 ]
	run cat_ --from envelope -b "$b" -P --route --create-topics 1 -v <<<"{\"route\":\"$t.a\",\"payload\":1}
		{\"route\":\"$t.b\",\"payload\":2}"
	[ "${lines[0]}${lines[1]}" = "kstream-cat: made topic '$t.a' with 1 partitionkstream-cat: made topic '$t.b' with 1 partition" ]
	[ "$(kcat -C -q -e -b "$b" -t "$t.b")" = 2 ]
	run cat_ --from json -b "$b" -P -t 'not/a topic' --create-topics 1 lines.jsonl
	refused 78 "cannot make topic 'not/a topic'"
	run cat_ --from json -b "$b" -P -t "$t" --create-topics 0 lines.jsonl
	refused 64 "--create-topics '0'"
	run cat_ -b "$b" -t "$t" --create-topics 1 -e
	refused 64 "--create-topics is for -P"
}

@test "a route that is not there names the record that wants it" {
	"$topic" create "$t" 1
	run cat_ --from envelope -b "$b" -P --route -t "$t" <<<"{\"topic\":\"in\",\"partition\":3,\"offset\":42,\"route\":\"$t.none\",\"payload\":1}"
	refused 78 "in/3@42: there is no topic '$t.none'"
}

@test "500 partitions, made and written" {
	seq 0 499 | sed 's/.*/{"partition":&,"payload":&}/' >lines
	cat_ --from envelope -b "$b" -P -t "$t" --create-topics 500 lines
	kcat -C -q -e -b "$b" -t "$t" -f '%p %s\n' | awk '$1 != $2' | diff - /dev/null
	cat_ --from raw -b "$b" -t "$t" -e | cat_ -b "$b" -P -t "$t.one" --create-topics 1 --verify >said
	[ "$(grep -c "^$t/[0-9]*: 1 records, " said)" -eq 500 ]
	grep '^all: 500 records, .* equal, ' said
}
