#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# kstream-cat writes topics of a real Kafka.

load lib

@test "produce, then kcat sees it; consume what kcat wrote" {
	"$topic" create "$t" 1
	numbers 1 3 | cat_ --from json -b "$b" -P -t "$t"
	diff <(judge) - <<-'END'
		0 0  {"n":1}
		0 1  {"n":2}
		0 2  {"n":3}
	END
	echo '{"n":4}' | kcat -P -b "$b" -t "$t"
	diff <(cat_ -b "$b" -t "$t" -e --to json) <(numbers 1 4)
}

@test "headers: order, duplicates, null, empty, bytes, no name; written" {
	"$topic" create "$t" 1
	cat_ --from envelope -b "$b" -P -t "$t" <<-'END'
		{"key":"k","payload":1,"headers":[["b","1"],["a","2"],["b","3"],["null",null],["empty",""],["","x"],["bin","//79","base64"]]}
		{"key":"k","payload":2}
	END
	kcat -C -q -e -b "$b" -t "$t" -f '%h|%s\n' >got
	printf 'b=1,a=2,b=3,null=NULL,empty=,=x,bin=\377\376\375|1\n|2\n' >want
	cmp want got
}

@test "null, empty and full: key and value, all nine, there and back" {
	"$topic" create "$t" 1
	for key in null '""' '"k"'; do
		for value in null '""' '"v"'; do echo "{\"key\":$key,\"payload\":$value}"; done
	done >nine
	cat_ --from envelope --to raw -b "$b" -P -t "$t" nine
	kcat -C -q -e -b "$b" -t "$t" -J | jq -c '{key,payload}' | diff nine -
	cat_ -b "$b" -t "$t" -e -J | jq -c '{key,payload}' | diff nine -
	# an empty value is no JSON, a null one is a tombstone
	cat_ -b "$b" -t "$t" -c 1 --to json | diff <(echo null) -
	run cat_ -b "$b" -t "$t" -e --to json
	[ "$status" -eq 65 ]
	[[ $output == *"$t/0@1: "*"--from raw"* ]]
}

@test "dead letters go to their topic, the rest to -t" {
	"$topic" create "$t" 1
	"$topic" create "$t.out" 1
	"$topic" create "$t.dlq" 1
	printf '{"n":1}\nno json\n{"n":2}\n' | kcat -P -b "$b" -t "$t"
	cat_ -b "$b" -t "$t" -e --on-error "dlq:$t.dlq" | cat_ -b "$b" -P -t "$t.out"
	diff <(kcat -C -q -e -b "$b" -t "$t.out") <(numbers 1 2)
	kcat -C -q -e -b "$b" -t "$t.dlq" -J | jq -ce --arg t "$t" '.payload == "no json" and
		(.headers | index("__streams.errors.topic") as $i | .[$i + 1] == $t) and
		(.headers | index("__streams.errors.offset") as $i | .[$i + 1] == "1")'
}

@test "times are kept; LogAppendTime is told apart; without a time it is now" {
	"$topic" create "$t" 1
	"$topic" create "$t.append" 1 message.timestamp.type=LogAppendTime
	echo '{"ts":1700000000123,"tstype":"create","payload":1}' | cat_ --from envelope -b "$b" -P -t "$t"
	echo '{"ts":1700000000123,"tstype":"create","payload":1}' | cat_ --from envelope -b "$b" -P -t "$t.append"
	echo '{"payload":2}' | cat_ --from envelope -b "$b" -P -t "$t"
	[ "$(kcat -C -q -c 1 -b "$b" -t "$t" -f %T)" = 1700000000123 ]
	cat_ -b "$b" -t "$t" -c 1 -J | jq -e '.ts == 1700000000123 and .tstype == "create"'
	cat_ -b "$b" -t "$t.append" -c 1 -J | jq -e '.ts > 1700000000123 and .tstype == "logappend"'
	cat_ -b "$b" -t "$t" -o 1 -c 1 -J | jq -e '(now - .ts / 1000) | . > -60 and . < 60'
}

@test "partitions are those of the Java client and of kcat's murmur2" {
	"$topic" create "$t" 7
	vectors=$BATS_TEST_DIRNAME/../vectors/murmur2/keys.tsv
	# keys that are text, so that they can stand in a line; the fifth column is the Java client's choice of 7
	cut -f 1,5 "$vectors" | "${PYTHON:-python3}" -c 'import json, sys
for line in sys.stdin:
    key, partition = line.rstrip("\n").split("\t")
    try: key = bytes.fromhex(key).decode()
    except UnicodeDecodeError: continue
    print(json.dumps({"partition": -1, "key": key, "payload": int(partition)}))' >keys
	[ "$(wc -l <keys)" -ge 30 ]
	cat_ --from envelope -b "$b" -P -t "$t" keys
	[ "$(kcat -C -q -e -b "$b" -t "$t" -f '%p %s\n' | awk '$1 != $2' | wc -l)" -eq 0 ]
	[ "$(kcat -C -q -e -b "$b" -t "$t" -f '%o\n' | wc -l)" -eq "$(wc -l <keys)" ]
	"$topic" create "$t.kcat" 7
	seq 1000 | sed 's/.*/&\t1/' | kcat -P -b "$b" -t "$t.kcat" -K '\t' -X partitioner=murmur2
	seq 1000 | sed 's/.*/{"partition":-1,"key":"&","payload":1}/' | cat_ --from envelope -b "$b" -P -t "$t"
	kcat -C -q -e -b "$b" -t "$t.kcat" -f '%p %k\n' | sort >want
	judge | awk '$4 == 1 && $3 > 0 && $3 <= 1000 { print $1, $3 }' | sort -u >got
	comm -23 want got | diff - /dev/null
}

@test "a record keeps its partition where the topic has as many, and is hashed where it has not" {
	"$topic" create "$t" 4
	"$topic" create "$t.same" 4
	"$topic" create "$t.more" 8
	for p in 0 1 2 3; do seq 1 50 | sed "s/.*/k&\t\"$p\"/" | kcat -P -b "$b" -t "$t" -p $p -K '\t'; done
	cat_ -b "$b" -t "$t" -e | cat_ -b "$b" -P -t "$t.same"
	kcat -C -q -e -b "$b" -t "$t.same" -f '"%p" %s\n' | awk '$1 != $2' | diff - /dev/null
	# order within a partition is kept
	kcat -C -q -e -b "$b" -t "$t.same" -p 2 -f '%k\n' | diff - <(seq -f k%g 50)
	cat_ -b "$b" -t "$t" -e | cat_ -b "$b" -P -t "$t.more"
	"$topic" create "$t.want" 8
	seq 1 50 | sed 's/.*/k&\t1/' | kcat -P -b "$b" -t "$t.want" -K '\t' -X partitioner=murmur2
	diff <(kcat -C -q -e -b "$b" -t "$t.more" -f '%p %k\n' | sort -u) <(kcat -C -q -e -b "$b" -t "$t.want" -f '%p %k\n' | sort -u)
}

@test "--key on a topic of several partitions moves the records, on one of a single partition not" {
	"$topic" create "$t" 4
	"$topic" create "$t.one" 1
	"$topic" create "$t.out" 4
	seq 100 | sed 's/.*/old\t{"k":"k&"}/' | kcat -P -b "$b" -t "$t" -p 0 -K '\t'
	cat_ -b "$b" -t "$t" -e --key .k | cat_ -b "$b" -P -t "$t.out"
	kcat -C -q -e -b "$b" -t "$t.out" -f '%p %k\n' | sort >got
	"$topic" create "$t.want" 4
	seq 100 | sed 's/.*/k&\t1/' | kcat -P -b "$b" -t "$t.want" -K '\t' -X partitioner=murmur2
	kcat -C -q -e -b "$b" -t "$t.want" -f '%p %k\n' | sort | diff - got
	echo '{"k":"x"}' | kcat -P -b "$b" -t "$t.one"
	[ "$(cat_ -b "$b" -t "$t.one" -e --key .k --to envelope | jq -c '[.key,.flags]')" = '["x",[]]' ]
	[ "$(cat_ -b "$b" -t "$t" -c 1 --key .k --to envelope | jq -c .flags)" = '["key-changed"]' ]
}

@test "lines of a file spread over a topic by --key, and go to one partition with -p" {
	"$topic" create "$t" 4
	seq 100 | sed 's/.*/{"k":"k&"}/' >lines.jsonl
	cat_ --from json --key .k -b "$b" -P -t "$t" lines.jsonl
	[ "$(judge | cut -d ' ' -f 1 | sort -u | wc -l)" -eq 4 ]
	[ "$(judge | awk '{ print $3 }' | sort -u | wc -l)" -eq 100 ]
	"$topic" create "$t.one" 4
	cat_ --from json --key .k -b "$b" -P -t "$t.one" -p 3 lines.jsonl
	[ "$(kcat -C -q -e -b "$b" -t "$t.one" -f '%p\n' | sort -u)" = 3 ]
	run cat_ --from json -b "$b" -P -t "$t.one" -p 4 lines.jsonl
	refused 78 "has no partition 4"
}

@test "--route: each to its route, the rest to -t, or refused" {
	"$topic" create "$t" 1
	"$topic" create "$t.a" 1
	printf '{"route":"%s","payload":1}\n{"payload":2}\n{"route":"%s","payload":3}\n' "$t.a" "$t.a" >lines
	cat_ --from envelope -b "$b" -P --route -t "$t" lines
	diff <(kcat -C -q -e -b "$b" -t "$t.a") <(printf '1\n3\n')
	diff <(judge) <(echo '0 0  2')
	run cat_ --from envelope -b "$b" -P --route lines
	refused 65 "no route"
	[[ $output == *"@"* ]]
	run cat_ --from envelope -b "$b" -P --route <<<"{\"route\":\"$t.none\",\"payload\":1}"
	refused 78 "there is no topic '$t.none'"
	# without --route it is ignored
	cat_ --from envelope -b "$b" -P -t "$t" <<<"{\"route\":\"$t.a\",\"payload\":4}"
	diff <(judge | tail -n 1) <(echo '0 1  4')
}

@test "codecs: --key-from and --key-to, --from and --to" {
	"$topic" create "$t" 1
	"$topic" create "$t.2" 1
	printf '{"a":1}\t[1]\n7\t"x"\nACME\tnull\n' | kcat -P -b "$b" -t "$t" -K '\t'
	cat_ -b "$b" -t "$t" -e --to envelope | jq -c '[.key,.payload]' | diff - <(printf '["{\\"a\\":1}",[1]]\n["7","x"]\n["ACME",null]\n')
	cat_ -b "$b" -t "$t" -c 2 --key-from json --to envelope | jq -c '[.key,.payload]' | diff - <(printf '[{"a":1},[1]]\n[7,"x"]\n')
	run cat_ -b "$b" -t "$t" -e --key-from json --to envelope
	[ "$status" -eq 65 ]
	[[ ${lines[2]} == *"$t/0@2: the key is not JSON"* ]]
	cat_ -b "$b" -t "$t" -c 2 --key-from json | cat_ -b "$b" -P -t "$t.2" --key-to json --to json
	cat_ -b "$b" -t "$t" -c 2 | cat_ -b "$b" -P -t "$t.2" --key-to json --to json
	diff <(kcat -C -q -e -b "$b" -t "$t.2" -f '%k|%s\n') <(printf '{"a":1}|[1]\n7|"x"\n"{\\"a\\":1}"|[1]\n"7"|"x"\n')
	run cat_ --from envelope -b "$b" -P -t "$t.2" --key-to raw <<<'{"key":7,"payload":1}'
	refused 65 "key"
	run cat_ --from envelope -b "$b" -P -t "$t.2" --to raw <<<'{"key":"7","payload":1}'
	refused 65 "raw"
}

@test "--from raw copies any bytes" {
	"$topic" create "$t" 1
	"$topic" create "$t.2" 1
	head -c 3000 /dev/urandom | base64 -w 60 | "${PYTHON:-python3}" -c 'import sys, json
for line in sys.stdin:
    x = line.strip()
    print(json.dumps({"key": x, "key_encoding": "base64", "payload": x, "payload_encoding": "base64",
        "ts": 1700000000000, "tstype": "create", "headers": [["h", x, "base64"]]}))' >lines
	cat_ --from envelope -b "$b" -P -t "$t" lines
	cat_ --from raw -b "$b" -t "$t" -e | cat_ -b "$b" -P -t "$t.2"
	cat_ --from raw -b "$b" -t "$t.2" -e --to envelope | jq -Sc 'del(.topic, .partition, .offset, .route, .flags)' >got
	# a key or a header that happens to be UTF-8 comes back as text
	jq -Sc . lines | "${PYTHON:-python3}" -c 'import sys, json, base64
def plain(text):
    try: return base64.b64decode(text).decode()
    except UnicodeDecodeError: return None
for line in sys.stdin:
    r = json.loads(line)
    if plain(r["key"]) is not None:
        r["headers"][0] = ["h", plain(r["key"])]
        r["key"] = plain(r["key"]); del r["key_encoding"]
    print(json.dumps(r, sort_keys=True))' | jq -Sc . >want
	diff want got
	kcat -C -q -e -b "$b" -t "$t" -f '%k%s%h' >a
	kcat -C -q -e -b "$b" -t "$t.2" -f '%k%s%h' >b
	cmp a b
}

@test "the producer is idempotent, for which librdkafka wants acks=all" {
	"$topic" create "$t" 1
	cat_ --from json -b "$b" -P -t "$t" <<<3
	# The log itself: at byte 43 of a batch its producer's number, 8 bytes, its epoch, 2, and the first sequence number, 4.
	"${PYTHON:-python3}" -c 'import struct, sys
producer, epoch, sequence = struct.unpack_from(">qhi", open(sys.argv[1], "rb").read(), 43)
print(producer, epoch, sequence)
assert producer >= 0 and epoch >= 0 and sequence == 0' "${KSTREAM_KAFKA_DIR:?}/data/$t-0/00000000000000000000.log"
}

@test "a record is acknowledged soon after the start" {
	local i begun took=()
	"$topic" create "$t" 1
	for i in $(seq 15); do
		begun=${EPOCHREALTIME/./}
		echo '{"a":1}' | cat_ --from json -b "$b" -P -t "$t"
		took+=($(((${EPOCHREALTIME/./} - begun) / 1000)))
	done
	echo "ms: ${took[*]}"
	# Each would wait for the timer of 500 ms that a producer's number is asked for by; on a busy machine some take that long anyway.
	[ "$(printf '%s\n' "${took[@]}" | sort -n | sed -n 5p)" -lt 450 ]
}
