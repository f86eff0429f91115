#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# kstream-cat reads topics of a real Kafka.

load lib

@test "headers: order, duplicates, null and empty; read" {
	"$topic" create "$t" 1
	echo 1 | kcat -P -b "$b" -t "$t" -H b=1 -H a=2 -H b=3 -H null -H empty=
	cat_ -b "$b" -t "$t" -e --to envelope | jq -c .headers >got
	echo '[["b","1"],["a","2"],["b","3"],["null",null],["empty",""]]' | diff - got
}

@test "headers are there whatever stands around them" {
	"$topic" create "$t" 1
	local n
	for n in 0 1 63 64 8191 8192 900000; do
		head -c "$n" /dev/zero | tr '\0' v >"$n"
		for key in '' k "$(head -c 300 /dev/zero | tr '\0' k)"; do
			kcat -P -b "$b" -t "$t" ${key:+-k} ${key:+"$key"} "$n"
			kcat -P -b "$b" -t "$t" ${key:+-k} ${key:+"$key"} -H a=1 -H b=2 "$n"
		done
	done
	cat_ -b "$b" -t "$t" -e -J | jq -c '[(.key // "" | length), (.payload // "" | length), .headers // []]' >ours
	[ "$(wc -l <ours)" -ge 36 ]
	kcat -C -q -e -b "$b" -t "$t" -J | jq -c '[(.key // "" | length), (.payload // "" | length), .headers // []]' | diff ours -
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
	pids+=" $reader"
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
	pids+=" $opener"
	exec 9>hold
	wait_for grep open opened
	kcat -P -b "$b" -t "$t" <<<77 # behind the open transaction: not stable yet
	[ "$(timeout 10 "$bin/kstream-cat" -b "$b" -t "$t" -e --to json | tr '\n' ' ')" = "10 11 " ]
	[ "$(timeout 10 "$bin/kstream-cat" -b "$b" -t "$t" -e --to json -X isolation.level=read_uncommitted |
		tr '\n' ' ')" = "90 91 92 10 11 20 21 77 " ]
	exec 9>&-
	wait $opener
	[ "$(timeout 10 "$bin/kstream-cat" -b "$b" -t "$t" -e --to json | tr '\n' ' ')" = "10 11 20 21 77 " ]
}

@test "-e: the end is pinned at start" {
	"$topic" create "$t" 2
	yes "$(printf '{"pad":"%0200d"}' 0)" | head -n 50000 | kcat -P -b "$b" -t "$t" -p 0
	numbers 1 10 | kcat -P -b "$b" -t "$t" -p 1
	mkfifo slow
	"$bin/kstream-cat" -b "$b" -t "$t" -e >slow 3>&- &
	reader=$!
	pids+=" $reader"
	exec 8<slow
	head -c 1 <&8 >first # it has begun; the pipe fills, and it waits
	for p in 0 1; do numbers 11 1010 | kcat -P -b "$b" -t "$t" -p $p; done
	cat first - <&8 | cat_ --to envelope | jq .partition | sort | uniq -c | awk '{ print $2, $1 }' | diff - <(printf '0 50000\n1 10\n')
	exec 8<&-
	wait $reader
	[ "$(cat_ -b "$b" -t "$t" -e --to json | wc -l)" -eq 52010 ]
}

@test "a topic that comes faster than its reader takes it: in bounded memory, whatever the pipe does" {
	"$topic" create "$t" 2
	for p in 0 1; do yes "$(printf '%01000d' 0)" | head -n 80000 | kcat -P -b "$b" -t "$t" -p $p; done
	# ASan keeps 256 MB of freed memory unless told otherwise.
	ASAN_OPTIONS=${ASAN_OPTIONS-}:quarantine_size_mb=4 "${PYTHON:-python3}" - "$bin/kstream-cat" -b "$b" -t "$t" -e --from raw <<-'END'
		import re, resource, subprocess, sys, time
		def held(pid): return int(re.search(r"VmRSS:\s*(\d+)", open(f"/proc/{pid}/status").read())[1])
		reader = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE)
		n, before, quiet = len(reader.stdout.read(1)), 0, 0
		while quiet < 10:  # it fetches until its queue is full
		    time.sleep(0.1)
		    now = held(reader.pid)
		    before, quiet = now, quiet + 1 if now == before else 0
		for block in iter(lambda: reader.stdout.read(1 << 20), b""): n += len(block)
		assert reader.wait() == 0
		kb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
		print(n, "bytes,", before, "KB while it waited,", kb, "KB at most")
		assert n > 160000000 and kb < 60 << 10
	END
}

@test "-c: that many, in all partitions together, and END complete" {
	"$topic" create "$t" 3
	for p in 0 1 2; do seq 1 10 | kcat -P -b "$b" -t "$t" -p $p; done
	[ "$(cat_ -b "$b" -t "$t" -c 7 --to json | wc -l)" -eq 7 ]
	[ "$(cat_ -b "$b" -t "$t" -c 100 -e --to json | wc -l)" -eq 30 ]
	cat_ -b "$b" -t "$t" -c 7 >stream
	[ "$(last_byte stream)" -eq 2 ]
	cat_ -b "$b" -t "$t" -c 7 --end paused >stream
	[ "$(last_byte stream)" -eq 1 ]
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
	cat_ -b "$b" -t "$t.a" -t "$t.b" -e --to envelope | jq -c '[.topic,.partition,.offset,.payload]' | sort |
		diff - <(printf '["%s",1,0,1]\n["%s",0,0,2]\n' "$t.a" "$t.b")
	[ "$(cat_ -b "$b" -t "$t.a" -t "$t.b" -e | cat_ --only "$t.b" --to json | sort | tr '\n' ' ')" = "1 2 " ]
	run cat_ -b "$b" -t "$t.a" -t "$t.a" -e
	refused 64 "named twice"
}

@test "an empty topic: -e ends, with a whole section" {
	"$topic" create "$t" 8
	cat_ -b "$b" -t "$t" -e >stream
	[ "$(last_byte stream)" -eq 2 ]
	[ -z "$(cat_ --to json stream)" ]
}

@test "HELLO: streams, positions, live" {
	"$topic" create "$t" 2
	seq 5 | kcat -P -b "$b" -t "$t" -p 1
	cat_ -b "$b" -t "$t" -e -o 2 --key-from json >stream
	"${PYTHON:-python3}" - "$t" <<-'END'
		import msgpack, sys
		frames = list(msgpack.Unpacker(open("stream", "rb"), raw=False))
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
	"$bin/kstream-cat" -b "$b" -t "$t" -o end -v >stream 2>err 3>&- &
	reader=$!
	pids+=" $reader"
	wait_for test -s stream # it has begun at the end
	numbers 3 5 | kcat -P -b "$b" -t "$t" -p 0
	LC_ALL=C wait_for grep -aP '\xa1n\x05' stream
	kill -TERM $reader
	wait $reader
	[ "$(last_byte stream)" -eq 1 ]
	diff <(cat_ --to json stream) <(numbers 3 5)
	grep 'kstream-cat: 3 in, 3 out' err
}

@test "live: PINGs and barriers keep coming on an idle topic, and a signal is heeded" {
	"$topic" create "$t" 1
	local interval code
	codes() { "${PYTHON:-python3}" -c 'import msgpack
print(*(f.code for f in msgpack.Unpacker(open("stream", "rb"))))'; }
	several() { [ "$(codes | tr ' ' '\n' | grep -cx "$code")" -ge 3 ]; }
	for interval in 300ms 1d; do
		"$bin/kstream-cat" -b "$b" -t "$t" --commit-interval $interval >stream 3>&- &
		reader=$!
		pids+=" $reader"
		if [ $interval = 1d ]; then code=5; else code=4; fi
		wait_for several
		kill -TERM $reader
		wait $reader
		[[ $(codes) == 2*6 ]]
	done
}

@test "live: nothing is lost or doubled while others write" {
	"$topic" create "$t" 4
	"$bin/kstream-cat" -b "$b" -t "$t" -c 20000 --to json --out got 3>&- &
	reader=$!
	pids+=" $reader"
	for i in 1 2 3 4; do
		numbers $((i * 5000 - 4999)) $((i * 5000)) | kcat -P -b "$b" -t "$t" -p -1
	done
	wait $reader
	sort got | diff - <(numbers 1 20000 | sort)
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

@test "nothing is committed, and no group is left behind" {
	"$topic" create "$t" 1
	numbers 1 10 | kcat -P -b "$b" -t "$t"
	cat_ -b "$b" -t "$t" -e --to json >/dev/null
	# a committed offset would leave fewer
	[ "$(kcat -b "$b" -G kstream-cat -X auto.offset.reset=earliest -e -q "$t" | wc -l)" -eq 10 ]
}

@test "one topic of many partitions: each offset of each once" {
	"$topic" create "$t" 100
	seq 1000 | sed 's/.*/k&\t&/' | kcat -P -b "$b" -t "$t" -K '\t'
	cat_ -b "$b" -t "$t" -e --to json | sort -n | diff - <(seq 1000)
	cat_ -b "$b" -t "$t" -e --to envelope | jq -c '[.partition,.offset]' | sort | uniq -d | diff - /dev/null
}

@test "a fetch that the broker holds for longer than --timeout is no broker that is away" {
	"$topic" create "$t" 1
	run timeout 5 "$bin/kstream-cat" -b "$b" -t "$t" --to json --timeout 1s -X fetch.wait.max.ms=2000
	echo "$output"
	[ "$status" -eq 124 ] && [ -z "$output" ]
}
