#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Input that is cut, damaged, too large or made to hurt: one line, the right status, no crash, nothing half.

load lib

# little KB COMMAND: a shell's command in little memory; ASan's shadow alone is more than any limit.
little() {
	if grep -q __asan_init "$(command -v kstream-cat)"; then
		try_sh "$2"
	else
		try_sh "ulimit -v $1; $2"
	fi
}

# A stream with one of everything.
small_stream() {
	frames build <<-'E'
		HELLO {"sides":["dead"],"streams":[{"name":"t","partitions":1,"key":"json","time":"create"}]}
		RECORD {"time":5,"flags":1,"topic":"t","partition":3,"offset":1042,"key":"k","headers":[["h",{"hex":"00"}],["h",null]],"value":{"a":[1,2.5,null,true],"b":"text"}}
		MARK [3,5,false]
		RECORD {"flags":16,"route":"dead","value":{"hex":"ff"}}
		PING
		BARRIER [1,"go-on",[["t",3,1043]]]
		FRAME 9 0102
		RECORD {"value":1}
		BARRIER [2,"complete",[["t",3,1044]]]
		END [2,"complete"]
	E
}

@test "hostile: a stream cut at every byte: 75, one line, and only whole records" {
	small_stream >whole
	cat >cut.py <<-'E'
		# Each prefix of the file through a command; what came out must be a prefix of what all of it gives.
		import subprocess, sys
		whole, command = open("whole", "rb").read(), sys.argv[1:]
		full = subprocess.run(command, input=whole, capture_output=True)
		assert full.returncode == 0 and not full.stderr, full
		bad = 0
		for n in range(len(whole)):
		    got = subprocess.run(command, input=whole[:n], capture_output=True, timeout=20)
		    if got.returncode != 75 or got.stderr.count(b"\n") != 1 or not full.stdout.startswith(got.stdout) \
		            or (sys.argv[-1] == "envelope" and got.stdout and not got.stdout.endswith(b"\n")):
		        print(n, got)
		        bad += 1
		sys.exit(bad > 0)
	E
	/usr/bin/python3 cut.py kstream-cat --to envelope
	/usr/bin/python3 cut.py kstream-cat
	/usr/bin/python3 cut.py kstream-filter true
}

@test "hostile: text without --from names it" {
	printf '{"a":1}\n' >in
	try kstream-cat --to json in
	refused 65 kstream-cat '--from json'
	[ ! -s out ]
	try kstream-filter .a in
	refused 65 kstream-filter '--from json'
	try kstream-window --tumble 1m 'count()' --in in
	refused 65 kstream-window '--from json'
	printf '[1]\n' >in
	try kstream-cat --to json in
	refused 65 kstream-cat '--from json'
	printf 'hello\n' >in
	try kstream-cat --to json in
	refused 65 kstream-cat '--from raw'
	seq 100000 | sed 's/.*/{"a":&}/' >in
	try_sh 'cat in | kstream-cat --to json'
	grep -q -e '--from json' err
}

@test "hostile: garbage is no stream" {
	local x
	for x in '00' 'ff' '1f8b08' 'c8000100' 'd405c0' 'c9' 'c900000000' 'c90000000000' 'c9000000ff00' 'c90000000080' 'efbbbf7b7d' '89504e47' 'c7ff01' '504b0304' '0a' '20' \
		'c90000000001' 'c90000000002' 'c90000000102c0' 'c900000001 0280' 'c9000000020281a0' 'c900000003028100 01'; do
		/usr/bin/python3 -c 'import sys; sys.stdout.buffer.write(bytes.fromhex(sys.argv[1]))' "$x" >in
		for command in 'kstream-cat --to json' kstream-cat 'kstream-filter true'; do
			try_sh "$command <in"
			[ "$status" = 65 ] || [ "$status" = 75 ] || fail "$x"
			refused "$status" "${command%% *}" || fail "$x"
			[ ! -s out ]
		done
	done
}

@test "hostile: a frame that claims too much is refused without waiting for it, or memory for it" {
	local size
	small_stream | head -c 200 >head
	for size in 00800001 7fffffff ffffffff; do
		{
			printf '%s\n' HELLO "RAW c9${size}01" | frames build
			head -c 100000 /dev/zero
		} >in
		little 200000 'kstream-cat --to json in'
		refused 65 kstream-cat '--max-record'
	done
	# What is claimed inside is not believed either: arrays, maps, strings, bytes of 4 Gi.
	for size in ddffffffff dfffffffff dbffffffff c6ffffffff dd05f5e100 91dd7fffffff; do
		printf '%s\n' HELLO "FRAME 1 99c000c00000c0c090${size}" 'BARRIER [1,"complete",[],-1,1]' 'END [1,"complete"]' | frames build >in
		little 200000 'kstream-cat --to json in'
		refused 65 kstream-cat || fail "$size"
		[ ! -s out ]
		little 200000 'kstream-filter .a --to json in'
		refused 65 kstream-filter || fail "$size"
		printf '%s\n' HELLO "FRAME 1 99c000c00000c0${size}90c0" | frames build >in
		little 200000 'kstream-cat --to json in'
		refused 65 kstream-cat 'key' || fail "$size"
		printf '%s\n' "FRAME 2 81a776657273696f6e${size}" | frames build >in
		little 200000 'kstream-cat --to json in'
		refused 65 kstream-cat 'HELLO' || fail "$size"
		printf '%s\n' HELLO "FRAME 4 960100${size}" | frames build >in
		little 200000 'kstream-cat --to json in'
		refused 65 kstream-cat 'barrier' || fail "$size"
	done
}

@test "hostile: a record larger than --max-record, at the source and in a stream" {
	/usr/bin/python3 -c 'print("{\"a\":\"%s\"}" % ("x" * 5000)); print("{\"a\":1}")' >in.json
	try kstream-cat --from json --to json --max-record 4k in.json
	refused 65 kstream-cat 'in.json:1: '
	[[ "$(cat err)" == *'--max-record'* ]]
	[ ! -s out ]
	try kstream-cat --from json --to json --max-record 4k --on-error skip in.json
	expect 0 '{"a":1}'
	try kstream-filter --from json --to json --max-record 4k --on-error skip .a in.json
	expect 0 '{"a":1}'
	kstream-cat --from json in.json >in.frames
	try kstream-cat --to json --max-record 4k in.frames
	refused 65 kstream-cat '--max-record'
	[ ! -s out ]
	# The limit is for records: HELLO and barriers are no records.
	echo '{"a":1}' >small.json
	try kstream-cat --from json --to json --max-record 100 small.json
	expect 0 '{"a":1}'
}

@test "hostile: lines longer than --max-record, with and without an end" {
	local from
	/usr/bin/python3 -c 'import sys; w = sys.stdout.write; w("1\n"); w("[" + " " * 20000000 + "]\n"); w("2\n"); w("\"" + "x" * 20000000)' >in.json
	for from in json envelope raw; do
		[ $from != envelope ] || sed -i 's/^\([12]\)$/{"payload":\1}/' in.json
		try kstream-cat --from $from --to json in.json
		refused 65 kstream-cat 'in.json:2: the line is longer than --max-record allows' || fail "$from"
		try kstream-cat --from $from --to raw --on-error skip in.json
		[ "$status" = 0 ]
		[ "$(tr -d '{}"a-z:' <out)" = $'1\n2' ] || fail "$from"
	done
	try kstream-cat -v --from raw --to raw --on-error skip in.json
	refused 0 kstream-cat '2 rejected'
	sed -i 's/^{"payload":\(.\)}$/\1/' in.json
	try kstream-filter --from json --to json true in.json
	refused 65 kstream-filter 'in.json:2: the line is longer'
	try kstream-filter -v --from json --to json --on-error skip true in.json
	refused 0 kstream-filter '2 rejected'
	output_is $'1\n2'
	# The dead letters are the same whether or not frames are made in between, as for --only.
	try kstream-filter --from json --to json --on-error file:one true in.json
	try kstream-filter --from json --to json --on-error file:two --only in true in.json
	[ "$(grep -c 'longer than' one)" = 2 ]
	cmp one two
	# No memory for what never ends.
	little 300000 'head -c 300000000 /dev/zero | tr "\0" x | kstream-cat --from json --to json --on-error skip'
	expect 0 ''
	little 300000 'head -c 300000000 /dev/zero | tr "\0" x | kstream-filter --from json --to json --on-error skip true'
	expect 0 ''
}

@test "hostile: records of 8 MiB pass, as text and as frames" {
	/usr/bin/python3 -c 'print("\"%s\"" % ("x" * 8388000)); print(1)' >in.json
	try_sh 'kstream-cat --from json in.json | kstream-filter true | kstream-cat --to json | cmp - in.json'
	expect 0 ''
	try_sh 'kstream-filter --from json --to json true in.json | cmp - in.json'
	expect 0 ''
	/usr/bin/python3 -c 'print("[%s1]" % ("1," * 4000000))' >in.json
	try_sh 'kstream-cat --from json in.json | kstream-cat --to json | cmp - in.json'
	expect 0 ''
	/usr/bin/python3 -c 'print("\"%s\"" % ("\\u0001" * 1390000))' >in.json
	try_sh 'kstream-cat --from json in.json | kstream-cat --to json | cmp - in.json'
	expect 0 ''
}

@test "hostile: depth" {
	/usr/bin/python3 -c 'print("[" * 129 + "]" * 129)' >deep.json
	try kstream-cat --from json --to json deep.json
	refused 65 kstream-cat 'deep.json:1: JSON is nested too deep (--max-depth) at byte 129'
	try kstream-cat --from json --to json --max-depth 129 deep.json
	expect 0 "$(cat deep.json)"
	/usr/bin/python3 -c 'print("[" * 4000000)' >bomb.json
	try kstream-cat --from json --to json bomb.json
	refused 65 kstream-cat 'too deep'
	try kstream-filter --from json --to json .a bomb.json
	refused 65 kstream-filter 'too deep'
	/usr/bin/python3 -c 'print("{\"a\":" * 1000000 + "1" + "}" * 1000000)' >bomb.json
	try kstream-cat --from json --to json bomb.json
	refused 65 kstream-cat 'too deep'
	/usr/bin/python3 -c 'print("[" * 10000 + "]" * 10000)' >deep.json
	try_sh 'kstream-cat --from json --max-depth 10000 deep.json | kstream-filter --max-depth 10000 true | kstream-cat --max-depth 10000 --to json | cmp - deep.json'
	expect 0 ''
	# In frames, in every place that has a value.
	local deep
	deep=$(printf '91%.0s' $(seq 100000))c0
	for x in "99c000c00000c0c090$deep" "99c000c00000c0${deep}90c0" "99c000c00000c0c0${deep}c0" "${deep}"; do
		printf '%s\n' HELLO "FRAME 1 $x" 'BARRIER [1,"complete",[],-1,1]' 'END [1,"complete"]' | frames build >in
		try kstream-cat --to json in
		refused 65 kstream-cat
		try kstream-filter .a --to json in
		refused 65 kstream-filter
		[ ! -s out ]
	done
	for x in "FRAME 2 82a776657273696f6e01a178$deep" "FRAME 4 960100$deep" "FRAME 3 93$deep" "FRAME 6 92$deep"; do
		printf '%s\n' HELLO "$x" | frames build >in
		try kstream-cat --to json in
		refused 65 kstream-cat
	done
}

@test "hostile: an object of a hundred thousand keys costs no more than time" {
	/usr/bin/python3 -c 'print("{%s}" % ",".join("\"k%d\":%d" % (i % 70000, i) for i in range(100000)))' >in.json
	try timeout 10 kstream-cat --from json --to raw in.json
	expect 0
	[ "$(tr -cd , <out | wc -c)" = 69999 ]
	try timeout 10 kstream-filter --from json --to json '.k5 == 70005' in.json
	expect 0
	[ -s out ]
}

@test "hostile: objects of many keys compare in no time" {
	/usr/bin/python3 -c 'print("{%s}" % ",".join("\"k%d\":1" % i for i in range(20000)))' >in.json
	try timeout 5 kstream-filter --from json --to json '. == .' in.json
	expect 0 "$(cat in.json)"
	try timeout 5 kstream-filter --from json --to json '. < .' in.json
	expect 0 ''
}

@test "hostile: numbers, strings and names at their edges" {
	/usr/bin/python3 -c 'print("1" * 100000); print("1." + "1" * 100000); print("0." + "0" * 100000 + "1"); print("1e-999999999999"); print("[" + "-" * 1000)' >in.json
	try kstream-cat --from json --to json in.json
	refused 65 kstream-cat 'in.json:1: JSON number beyond the range of a double'
	sed -i 1d in.json
	try kstream-cat --from json --to json in.json
	refused 65 kstream-cat 'in.json:4: '
	output_is $'1.1111111111111112\n0.0\n0.0'
}

@test "hostile: control characters of the input do not reach the terminal by stderr" {
	mkdir $'d\e[31m'
	echo x >$'d\e[31m/a\nb.json'
	try kstream-cat --from json --to json $'d\e[31m/a\nb.json'
	refused 65 kstream-cat
	printf '%s\n' 'HELLO {"app":"\u001b[31m\n"}' | frames build >in
	try_sh 'cat in | kstream-cat --to json'
	refused 78 kstream-cat
	try kstream-cat --from $'\e[31m\n'
	refused 64 kstream-cat
}

# What comes of 500 damaged streams: a status of ours, one line, never a signal.
mutate() {
	cat >mutate.py <<-'E'
		import random, subprocess, sys
		from concurrent.futures import ThreadPoolExecutor
		seeds, allowed, command = int(sys.argv[1]), (0, 65, 75, 78), sys.argv[2:]
		whole = open("whole", "rb").read()

		def damage(seed):
		    r, data = random.Random(seed), bytearray(whole)
		    for _ in range(r.randint(1, 4)):
		        kind, at = r.randrange(6), r.randrange(len(data))
		        if kind == 0:
		            data[at] = r.randrange(256)
		        elif kind == 1:
		            data[at] ^= 1 << r.randrange(8)
		        elif kind == 2:
		            del data[at:at + r.randint(1, 20)]
		        elif kind == 3:
		            data[at:at] = bytes(r.randrange(256) for _ in range(r.randint(1, 20)))
		        elif kind == 4:
		            end = min(len(data), at + r.randint(1, 60))
		            data[r.randrange(len(data)):0] = data[at:end]
		        else:
		            data[at] = r.choice(b"\xc0\xc1\xc4\xc6\xc9\xca\xcf\xd3\xd9\xdb\xdd\xdf\x80\x8f\x90\x9f\x00\x7f\xff\"\\{}[]:,\n")
		        data = data or bytearray(b"x")
		    return bytes(data)

		def run(seed):
		    data = damage(seed)
		    try:
		        got = subprocess.run(command, input=data, capture_output=True, timeout=20)
		    except subprocess.TimeoutExpired:
		        return f"seed {seed}: it hangs: {data.hex()}"
		    lines = got.stderr.count(b"\n")
		    if got.returncode not in allowed or lines != (got.returncode != 0):
		        return f"seed {seed}: {got.returncode} {got.stderr[-300:]!r}: {data.hex()}"
		    return None

		with ThreadPoolExecutor(2) as pool:
		    bad = [x for x in pool.map(run, range(seeds)) if x]
		print("\n".join(bad[:5]))
		sys.exit(bool(bad))
	E
	/usr/bin/python3 mutate.py "$@"
}

@test "hostile: 500 damaged streams of frames" {
	small_stream >whole
	mutate 500 kstream-cat --to envelope
	mutate 500 kstream-filter '.a[0] == 1 or .b == "text"'
	mutate 300 kstream-filter --on-error skip --to envelope '.a[0] == 1'
	mutate 300 kstream-window -q --tumble 1h --on-error skip --to envelope 'n=count()'
}

@test "hostile: 500 damaged texts" {
	printf '%s\n' '{"a":[1,-2.5e3,null],"b":"x\u00e9\ud83d\ude00\n","a":true}' '{"t":1767225600000,"k":{"x":"é"}}' '[]' '18446744073709551615' >whole
	mutate 500 kstream-cat --from json --to json
	mutate 300 kstream-filter --from json --to json '.a or .k.x == "é"'
	mutate 300 kstream-cat --from json --to tsv -q --on-error skip --key .k
	kstream-cat --from json --key .k --on-error skip whole | kstream-cat --to envelope >envelopes
	mv envelopes whole
	mutate 500 kstream-cat --from envelope --to envelope
	mutate 200 kstream-cat --from raw -J
	printf 'a,"b ""c""\n",\r\n1,"x\ny",-0.5\r\n"é",,18446744073709551616\n' >whole
	mutate 300 kstream-cat --from csv --to csv --on-error skip
	mutate 100 kstream-cat --from tsv --to tsv --on-error skip
}

@test "hostile: a record that --key makes larger than --max-record is refused where it is made" {
	/usr/bin/python3 -c 'print("\"%s\"" % ("x" * 4000))' >in.json
	try kstream-cat --from json --key . --max-record 6000 in.json
	refused 65 kstream-cat 'in.json:1: the record is larger than --max-record allows'
	try_sh 'kstream-cat --from json --key . --max-record 6000 --on-error skip in.json | kstream-cat --max-record 6000 --to json'
	expect 0 ''
}
