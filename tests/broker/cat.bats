#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# kstream-cat and a real Kafka: KSTREAM_BROKER. kcat and tests/broker/topic.c, both without kstream, make the topics and judge what is in them.

setup() {
	b=${KSTREAM_BROKER:?is set by scripts/run-tests tests/broker/cat.bats}
	bin=${KSTREAM_BIN:?is the directory of the tools}
	topic=$bin/../broker/topic
	t=cat.$$.$BATS_TEST_NUMBER
	cd "$BATS_TEST_TMPDIR"
}

teardown() { if [ -s "${KSTREAM_KAFKA_DIR-}/broker.pid" ]; then kill -CONT "$(cat "$KSTREAM_KAFKA_DIR/broker.pid")"; fi; }

cat_() { "$bin/kstream-cat" "$@"; }
refused() { # refused STATUS TEXT: by one line on stderr that has the text
	echo "$output"
	[ "$status" -eq "$1" ]
	[ "${#lines[@]}" -eq 1 ]
	[[ $output == "kstream-cat: "*"$2"* ]]
}
numbers() { seq "$1" "$2" | sed 's/.*/{"n":&}/'; }			# numbers FIRST LAST: JSON lines
judge() { kcat -C -q -e -b "$b" -t "$t" -f '%p %o %k %s\n' "$@"; }	# what is in the topic, as kcat sees it
last_byte() { tail -c 1 "$1" | od -An -tu1 | tr -d ' '; }		# of a file of frames: 1 paused, 2 complete
wait_for() { # wait_for COMMAND...: at most 20 s
	for _ in $(seq 200); do
		if "$@" >/dev/null 2>&1; then return 0; fi
		sleep 0.1
	done
	echo "waited in vain for: $*"
	return 1
}
lines_of() { [ "$(wc -l <"$1")" -ge "$2" ]; }

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

@test "headers: order, duplicates, null and empty; read" {
	"$topic" create "$t" 1
	echo 1 | kcat -P -b "$b" -t "$t" -H b=1 -H a=2 -H b=3 -H null -H empty=
	cat_ -b "$b" -t "$t" -e --to envelope | jq -c .headers >got
	echo '[["b","1"],["a","2"],["b","3"],["null",null],["empty",""]]' | diff - got
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

@test "a value that does not parse: skipped, or kept in a file, on request" {
	"$topic" create "$t" 1
	printf '{"n":1}\nno json\n{"n":2}\n' | kcat -P -b "$b" -t "$t"
	run cat_ -b "$b" -t "$t" -e --to json
	[ "$status" -eq 65 ]
	[[ ${lines[1]} == "kstream-cat: $t/0@1: "* ]]
	diff <(cat_ -b "$b" -t "$t" -e --to json --on-error skip) <(numbers 1 2)
	cat_ -b "$b" -t "$t" -e --to json --on-error file:bad | diff - <(numbers 1 2)
	jq -r '.payload | @base64d' bad | diff - <(echo 'no json')
	cat_ -b "$b" -t "$t" -e --from raw --to raw | diff - <(printf '{"n":1}\nno json\n{"n":2}\n')
}

@test "dead letters go to their topic, the rest to -t" {
	"$topic" create "$t" 1
	"$topic" create "$t.out" 1
	"$topic" create "$t.dlq" 1
	printf '{"n":1}\nno json\n{"n":2}\n' | kcat -P -b "$b" -t "$t"
	cat_ -b "$b" -t "$t" -e --on-error "dlq:$t.dlq" | cat_ -b "$b" -P -t "$t.out"
	diff <(kcat -C -q -e -b "$b" -t "$t.out") <(numbers 1 2)
	kcat -C -q -e -b "$b" -t "$t.dlq" -J | jq -ce --arg t "$t" '.payload == "no json" and
		(.headers | index("__streams.errors.topic") as $i | .[$i + 1] == $t) and (.headers | index("__streams.errors.offset") as $i | .[$i + 1] == "1")'
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

@test "a time of 0 is refused: librdkafka would write the present" {
	"$topic" create "$t" 1
	run cat_ --from envelope -b "$b" -P -t "$t" <<<'{"ts":0,"tstype":"create","payload":1}'
	refused 65 "1970-01-01"
	[ -z "$(judge)" ]
}

@test "-o beginning, end, N, -N" {
	"$topic" create "$t" 2
	seq 0 9 | kcat -P -b "$b" -t "$t" -p 0
	seq 100 104 | kcat -P -b "$b" -t "$t" -p 1
	values() { cat_ -b "$b" -t "$t" -e --to json "$@" | sort -n | tr '\n' ' '; }
	[ "$(values)" = "0 1 2 3 4 5 6 7 8 9 100 101 102 103 104 " ]
	[ "$(values -o beginning)" = "0 1 2 3 4 5 6 7 8 9 100 101 102 103 104 " ]
	[ "$(values -o end)" = "" ]
	[ "$(values -o 3)" = "3 4 5 6 7 8 9 103 104 " ]
	[ "$(values -o 7)" = "7 8 9 " ]
	[ "$(values -o 1000)" = "" ]
	[ "$(values -o -2)" = "8 9 103 104 " ]
	[ "$(values -o -7)" = "3 4 5 6 7 8 9 100 101 102 103 104 " ]
	[ "$(values -o -0)" = "" ]
	[ "$(values -p 1 -o -1)" = "104 " ]
}

@test "-o where the log was trimmed: what is left" {
	"$topic" create "$t" 1
	seq 0 9 | kcat -P -b "$b" -t "$t"
	"$topic" trim "$t" 0 4
	[ "$(cat_ -b "$b" -t "$t" -e --to json | tr '\n' ' ')" = "4 5 6 7 8 9 " ]
	[ "$(cat_ -b "$b" -t "$t" -e --to json -o 2 | tr '\n' ' ')" = "4 5 6 7 8 9 " ]
	[ "$(cat_ -b "$b" -t "$t" -e --to json -o -20 | tr '\n' ' ')" = "4 5 6 7 8 9 " ]
	"$topic" trim "$t" 0 10
	[ "$(cat_ -b "$b" -t "$t" -e --to json)" = "" ]
}

@test "-o N beyond the end waits for that record" {
	"$topic" create "$t" 1
	seq 0 2 | kcat -P -b "$b" -t "$t"
	"$bin/kstream-cat" -b "$b" -t "$t" --to json -o 5 -c 2 --out got 3>&- &
	reader=$!
	sleep 0.3
	seq 3 9 | kcat -P -b "$b" -t "$t"
	wait $reader
	[ "$(tr '\n' ' ' <got)" = "5 6 " ]
}

@test "-e: committed, aborted, committed; markers at the end" {
	"$topic" create "$t" 1
	"$topic" commit "$t" 0 3 1
	"$topic" abort "$t" 0 3 2
	"$topic" commit "$t" 0 2 3
	"$topic" abort "$t" 0 2 4
	cat_ -b "$b" -t "$t" -e --to json | tr '\n' ' ' >got
	[ "$(cat got)" = "10 11 12 30 31 " ]
	[ "$(cat_ -b "$b" -t "$t" -e --to json -X isolation.level=read_uncommitted | tr '\n' ' ')" = "10 11 12 20 21 22 30 31 40 41 " ]
	# offsets are dense in nothing but the log: the last four are two records, markers, aborted records
	[ "$(cat_ -b "$b" -t "$t" -e --to json -o -4)" = "" ]
	[ "$(cat_ -b "$b" -t "$t" -e --to json -o -5)" = "31" ]
}

@test "-e: only aborted records, and an open transaction, end at once" {
	"$topic" create "$t" 1
	"$topic" abort "$t" 0 3 9
	[ "$(timeout 10 "$bin/kstream-cat" -b "$b" -t "$t" -e --to json)" = "" ]
	"$topic" commit "$t" 0 2 1
	mkfifo hold
	"$topic" open "$t" 0 2 2 <hold >opened 3>&- &
	opener=$!
	exec 9>hold
	wait_for grep open opened
	kcat -P -b "$b" -t "$t" <<<77 # behind the open transaction: not stable yet
	[ "$(timeout 10 "$bin/kstream-cat" -b "$b" -t "$t" -e --to json | tr '\n' ' ')" = "10 11 " ]
	[ "$(timeout 10 "$bin/kstream-cat" -b "$b" -t "$t" -e --to json -X isolation.level=read_uncommitted | tr '\n' ' ')" = "90 91 92 10 11 20 21 77 " ]
	exec 9>&-
	wait $opener
	[ "$(timeout 10 "$bin/kstream-cat" -b "$b" -t "$t" -e --to json | tr '\n' ' ')" = "10 11 20 21 77 " ]
}

@test "-e: the end is pinned at start" {
	"$topic" create "$t" 1
	yes "$(printf '{"pad":"%0200d"}' 0)" | head -n 50000 | kcat -P -b "$b" -t "$t"
	mkfifo slow
	"$bin/kstream-cat" -b "$b" -t "$t" -e >slow 3>&- &
	reader=$!
	exec 8<slow # the pipe fills, and the reader waits
	sleep 0.5
	numbers 1 1000 | kcat -P -b "$b" -t "$t"
	[ "$(cat_ --to json <&8 | wc -l)" -eq 50000 ]
	exec 8<&-
	wait $reader
	[ "$(cat_ -b "$b" -t "$t" -e --to json | wc -l)" -eq 51000 ]
}

@test "-c: that many, in all partitions together, and END complete" {
	"$topic" create "$t" 3
	for p in 0 1 2; do seq 1 10 | kcat -P -b "$b" -t "$t" -p $p; done
	[ "$(cat_ -b "$b" -t "$t" -c 7 --to json | wc -l)" -eq 7 ]
	[ "$(cat_ -b "$b" -t "$t" -c 100 -e --to json | wc -l)" -eq 30 ]
	cat_ -b "$b" -t "$t" -c 7 >frames
	[ "$(last_byte frames)" -eq 2 ]
	cat_ -b "$b" -t "$t" -c 7 --end paused >frames
	[ "$(last_byte frames)" -eq 1 ]
}

@test "-p: one, several, as a list and repeated" {
	"$topic" create "$t" 4
	for p in 0 1 2 3; do echo $p | kcat -P -b "$b" -t "$t" -p $p; done
	[ "$(cat_ -b "$b" -t "$t" -e --to json -p 2)" = 2 ]
	[ "$(cat_ -b "$b" -t "$t" -e --to json -p 3,1 -p 3 | sort | tr '\n' ' ')" = "1 3 " ]
	[ "$(cat_ -b "$b" -t "$t" -e --to json -p 0 -p 1 | sort | tr '\n' ' ')" = "0 1 " ]
	[ "$(cat_ -b "$b" -t "$t" -e --to json -p -1 | sort | tr '\n' ' ')" = "0 1 2 3 " ]
	run cat_ -b "$b" -t "$t" -e -p 4
	refused 78 "has no partition 4: it has 4"
}

@test "several topics come through one source" {
	"$topic" create "$t.a" 2
	"$topic" create "$t.b" 1
	echo 1 | kcat -P -b "$b" -t "$t.a" -p 1
	echo 2 | kcat -P -b "$b" -t "$t.b"
	cat_ -b "$b" -t "$t.a" -t "$t.b" -e --to envelope | jq -c '[.topic,.partition,.offset,.payload]' | sort | diff - <(printf '["%s",1,0,1]\n["%s",0,0,2]\n' "$t.a" "$t.b")
	[ "$(cat_ -b "$b" -t "$t.a" -t "$t.b" -e | cat_ --only "$t.b" --to json | sort | tr '\n' ' ')" = "1 2 " ]
	run cat_ -b "$b" -t "$t.a" -t "$t.a" -e
	refused 64 "named twice"
}

@test "an empty topic: -e ends, with a whole section" {
	"$topic" create "$t" 8
	cat_ -b "$b" -t "$t" -e >frames
	[ "$(last_byte frames)" -eq 2 ]
	[ -z "$(cat_ --to json frames)" ]
}

@test "HELLO: streams, positions, live" {
	"$topic" create "$t" 2
	seq 5 | kcat -P -b "$b" -t "$t" -p 1
	cat_ -b "$b" -t "$t" -e -o 2 --key-from json >frames
	"${PYTHON:-python3}" - "$t" <<-'END'
		import msgpack, sys
		frames = list(msgpack.Unpacker(open("frames", "rb"), raw=False))
		hello = msgpack.unpackb(frames[0].data)
		t = sys.argv[1]
		assert [f.code for f in frames] == [2, 1, 1, 1, 4, 6], frames
		assert hello["streams"] == [{"name": t, "partitions": 2, "key": "json", "time": "create"}], hello
		assert [(p["input"], p["partition"], p["offset"]) for p in hello["positions"]] == [(t, 0, 0), (t, 1, 2)], hello
		assert hello["live"] is False and hello["guarantee"] == "none" and hello["app"] is None, hello
		barrier = msgpack.unpackb(frames[4].data)
		assert barrier[1] == 2 and barrier[2] == [[t, 0, 0], [t, 1, 5]] and barrier[4] == 3, barrier
	END
}

@test "live: what comes is handed on at once; SIGTERM ends it with END paused" {
	"$topic" create "$t" 2
	numbers 1 2 | kcat -P -b "$b" -t "$t" -p 1
	"$bin/kstream-cat" -b "$b" -t "$t" -o end -v >frames 2>err 3>&- &
	reader=$!
	sleep 0.5
	numbers 3 5 | kcat -P -b "$b" -t "$t" -p 0
	wait_for grep -a n frames
	sleep 0.2
	kill -TERM $reader
	wait $reader
	[ "$(last_byte frames)" -eq 1 ]
	diff <(cat_ --to json frames) <(numbers 3 5)
	grep 'kstream-cat: 3 in, 3 out' err
}

@test "live: PINGs and barriers keep coming on an idle topic, and a signal is heeded" {
	"$topic" create "$t" 1
	timeout --preserve-status -s TERM 1.5 "$bin/kstream-cat" -b "$b" -t "$t" --commit-interval 300ms >frames
	"${PYTHON:-python3}" -c 'import msgpack
codes = [f.code for f in msgpack.Unpacker(open("frames", "rb"))]
assert codes[0] == 2 and codes[-1] == 6 and codes.count(4) >= 3, codes'
	timeout --preserve-status -s TERM 1.5 "$bin/kstream-cat" -b "$b" -t "$t" --commit-interval 1d >frames
	"${PYTHON:-python3}" -c 'import msgpack
codes = [f.code for f in msgpack.Unpacker(open("frames", "rb"))]
assert codes[0] == 2 and codes[-1] == 6 and codes.count(5) >= 2, codes'
}

@test "live: nothing is lost or doubled while others write" {
	"$topic" create "$t" 4
	"$bin/kstream-cat" -b "$b" -t "$t" -c 20000 --to json --out got 3>&- &
	reader=$!
	for i in 1 2 3 4; do
		numbers $((i * 5000 - 4999)) $((i * 5000)) | kcat -P -b "$b" -t "$t" -p -1
	done
	wait $reader
	sort got | diff - <(numbers 1 20000 | sort)
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
for line in sys.stdin: print(json.dumps({"key": line.strip(), "key_encoding": "base64", "payload": line.strip(), "payload_encoding": "base64", "ts": 1700000000000, "tstype": "create", "headers": [["h", line.strip(), "base64"]]}))' >lines
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

@test "-C prints what kcat -C prints, also into a file and a pipe" {
	"$topic" create "$t" 1
	printf 'one\n{"n":2}\n\n\377\376 \n' | kcat -P -b "$b" -t "$t"
	echo -n 'k:' | kcat -P -b "$b" -t "$t" -K : -Z
	kcat -C -q -e -b "$b" -t "$t" >want
	cat_ -C -b "$b" -t "$t" -e >got
	cmp want got
	cat_ -C -b "$b" -t "$t" -e | cmp want -
	cat_ -C -b "$b" -t "$t" -e --out got2
	cmp want got2
}

@test "a record larger than the client takes: refused before it is sent, with its coordinates" {
	"$topic" create "$t" 1
	"${PYTHON:-python3}" -c 'import json
for n in (10, 2000000, 20): print(json.dumps({"partition": 0, "offset": n, "topic": "big", "payload": "x" * n}))' >lines
	run cat_ --from envelope -b "$b" -P -t "$t" lines
	refused 65 "big/0@2000000: 2000002 bytes"
	cat_ --from envelope -b "$b" -P -t "$t" --on-error skip lines
	[ "$(judge | wc -l)" -ge 2 ]
}

@test "a record larger than the topic takes: 65, with the coordinates of a record" {
	"$topic" create "$t" 1 max.message.bytes=5000
	printf '{"p":"%09000d"}\n' 0 >lines.jsonl
	run cat_ --from json -b "$b" -P -t "$t" lines.jsonl
	refused 65 "lines/0@0: topic '$t' has not taken it"
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
	"$bin/kstream-cat" -b "$b" -t "$t" --timeout 20s --to json --out got 2>err 3>&- &
	reader=$!
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
	wait_for test -s port
	run cat_ -b "127.0.0.1:$(cat port)" -t "$t" --timeout 2s
	kill $listener
	refused 69 "127.0.0.1"
}

@test "a broker that hangs: 75 after --timeout; with patience it goes on when the broker is back" {
	"$topic" create "$t" 1
	pid=$(cat "${KSTREAM_KAFKA_DIR:?}/broker.pid")
	echo 1 | kcat -P -b "$b" -t "$t"
	"$bin/kstream-cat" -b "$b" -t "$t" --to json --timeout 2s --out short 2>short.err 3>&- &
	short=$!
	"$bin/kstream-cat" -b "$b" -t "$t" --to json -c 2 --out long 3>&- &
	long=$!
	mkfifo feed
	"$bin/kstream-cat" --from json -b "$b" -P -t "$t" --timeout 2s <feed 2>write.err 3>&- &
	writer=$!
	exec 9>feed
	wait_for lines_of short 1
	wait_for lines_of long 1
	kill -STOP "$pid"
	echo 2 >&9
	status=0
	wait $writer || status=$?
	[ "$status" -eq 75 ]
	status=0
	wait $short || status=$?
	[ "$status" -eq 75 ]
	grep "$b has been away for 2 s" short.err
	grep "stdin/0@0: topic '$t' has not taken it" write.err
	kill -CONT "$pid"
	exec 9>&-
	echo 3 | kcat -P -b "$b" -t "$t"
	wait $long
	[ "$(wc -l <long)" -eq 2 ]
}

@test "-P and an upstream that dies: 75; what was acknowledged stays" {
	"$topic" create "$t" 1
	numbers 1 100 | cat_ --from json --to frames --commit-interval 1d >whole
	head -c $(($(stat -c %s whole) - 20)) whole >cut
	run cat_ -b "$b" -P -t "$t" cut
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

@test "nothing is committed, and no group is left behind" {
	"$topic" create "$t" 1
	numbers 1 10 | kcat -P -b "$b" -t "$t"
	cat_ -b "$b" -t "$t" -e --to json >/dev/null
	# a committed offset would leave fewer
	[ "$(kcat -b "$b" -G kstream-cat -X auto.offset.reset=earliest -e -q "$t" | wc -l)" -eq 10 ]
}

@test "one topic of many partitions, and gaps of compaction" {
	"$topic" create "$t" 100
	seq 1000 | sed 's/.*/k&\t&/' | kcat -P -b "$b" -t "$t" -K '\t'
	cat_ -b "$b" -t "$t" -e --to json | sort -n | diff - <(seq 1000)
	cat_ -b "$b" -t "$t" -e --to envelope | jq -c '[.partition,.offset]' | sort | uniq -d | diff - /dev/null
}

@test "the first record comes within 50 ms of the start of the process" {
	"$topic" create "$t" 4
	numbers 1 1000 | kcat -P -b "$b" -t "$t"
	"${PYTHON:-python3}" - "$bin/kstream-cat" "$b" "$t" <<-'END'
		import os, subprocess, sys, time
		took = []
		for _ in range(11):
		    begin = time.monotonic()
		    p = subprocess.Popen([sys.argv[1], "-C", "-b", sys.argv[2], "-t", sys.argv[3]], stdout=subprocess.PIPE)
		    os.read(p.stdout.fileno(), 1)
		    took.append((time.monotonic() - begin) * 1000)
		    p.terminate(); p.stdout.close(); p.wait()
		print("ms:", *("%.1f" % t for t in sorted(took)))
		assert sorted(took)[5] <= 50, took # the median: the machine may be busy
	END
}
