#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# kstream-query: what a stage has, asked while it runs and at rest.  Clients that would do it harm: query-clients.bats.

# shellcheck disable=SC2030,SC2031,SC2154 # each test has pids of its own, and pid is of `stage`
load lib
load query

@test "query: --help begins with the synopsis and fits a screen" {
	try kstream-query --help
	expect 0
	words='usage: kstream-query [--key KEY | [--prefix TEXT] [--lower KEY] [--upper KEY]] [--since TIME] [--until TIME] '
	[ "$(head -n 4 out | tr -s ' \n' ' ')" = "$words"'[--count | --top N --by EXPR | --stats] [--table] [--offline] APP[/STAGE] ' ]
	[ "$(wc -l <out)" -le 24 ]
}

@test "query: what cannot be asked is refused, and what is not there is told" {
	local words
	while read -r words; do
		# shellcheck disable=SC2086
		try kstream-query $words
		refused 64 kstream-query || fail "$words"
	done <<-'END'

		a b
		a/b/c
		a/
		../a
		a --wrong
		a --top 0
		a --top 3
		a --by .n
		a --count --table
		a --stats --count
		a --stats --key 1
		a --key 1 --prefix x
		a --to csv
		a --in file
		a --table --to json
		a --since tomorrow-ish
		a --top 1 --by .n(
		a --lower [1]
	END
	try kstream-query a
	refused 66 kstream-query 'no app'
	mkdir -p state/a/0/window
	try kstream-query a
	refused 69 kstream-query 'runs: start it'
	try kstream-query a --offline
	refused 66 kstream-query 'kept a state'
	try kstream-window --listen a/b --running 'count()'
	refused 64 kstream-window --listen
	try kstream-table --listen ''
	refused 64 kstream-table --listen
}

@test "query: windows that are open, by key, prefix, range and time, counted and the largest" {
	stage a kstream-window --tumble 1m --grace 1h 'n=count()' 'm=max(.x)'
	/usr/bin/python3 -c '
for i in range(300): print("{\"t\":%d,\"k\":\"k%d\",\"x\":%d}" % (i * 1000, i % 7, i))' >&7
	await 10 seen a '.value.m == 299'
	[ "$(stat -c %a state/a/0/window/sock)" = 600 ]
	[ "$(stat -c %a state/a/0/window)" = 700 ]
	kstream-query a/window >rows
	# The same by Python: five windows of a minute, seven keys in each, in their order.
	/usr/bin/python3 - <<-'END' >want
		import json
		for w in range(5):
		    for k in range(7):
		        x = [i for i in range(w * 60, w * 60 + 60) if i % 7 == k]
		        row = ["k%d" % k, w * 60000, w * 60000 + 60000, {"n": len(x), "m": max(x)}, max(x) * 1000, 0, 299000, 0, False]
		        print(json.dumps(row, separators=(",", ":")))
	END
	jq -c '[.key, .start, .end, .value, .ts, .partition, .stream_time, .instance, .committed]' rows | diff want -
	[ "$(kstream-query a --key k3 | jq -c .start | tr '\n' ' ')" = '0 60000 120000 180000 240000 ' ]
	[ "$(kstream-query a --key '"k3"' --since @60000 --until @180000 | jq -c .start | tr '\n' ' ')" = '60000 120000 ' ]
	[ "$(kstream-query a --prefix k --until @1 | wc -l)" = 7 ]
	[ "$(kstream-query a --lower k2 --upper k4 --since @240000 | jq -c .key | tr '\n' ' ')" = '"k2" "k3" "k4" ' ]
	[ "$(kstream-query a --count --prefix k1 | jq -c '[.count, .committed, .instances[0].rows]')" = '[5,false,5]' ]
	[ "$(kstream-query a --top 3 --by .m | jq -c .value.m | tr '\n' ' ')" = '299 298 297 ' ]
	[ "$(kstream-query a -c 2 | wc -l)" = 2 ]
	[ "$(kstream-query a --stats | jq -c '[.stage, (.partitions[0] | .segments, .oldest, .newest), .entries_in_memory >= 35]')" = '["window",5,0,240000,true]' ]
	try kstream-query a --key nobody
	expect 1 ''
	try kstream-query a --key '{"not":'
	expect 1 ''
	ends
	[ ! -e state/a/0/window/sock ]
	try kstream-query a
	refused 69 kstream-query
}

# shape OPTION ...: what is asked is what was emitted last for each window that is not gone
shape() {
	local name=s$RANDOM
	stage "$name" kstream-window "$@"
	cat in >&7
	printf '{"t":100000,"k":"last","x":0}\n' >&7
	await 10 seen "$name" '.key == "last"'
	kstream-query "$name" >rows
	ends
	jq -s -c 'map({key: ([.key] | tojson), value: [.payload, .ts]}) | from_entries | .[] |= select(.[0] != null)' "out-$name" >emitted
	jq -s -c 'map({key: ([if has("start") then {key, start, "end": .end} else .key end] | tojson), value: [.value, .ts]}) |
		from_entries' rows >asked
	[ "$(jq length asked)" -gt "$emitted_min" ] || fail "$*: few"
	diff <(jq -S . emitted) <(jq -S . asked) >difference || fail "$*: $(head -n 20 difference)"
}

@test "query: each shape of windows tells what it has emitted" {
	/usr/bin/python3 -c '
import random
random.seed(3)
for i in range(400): print("{\"t\":%d,\"k\":\"k%d\",\"x\":%d}" % (i * 50 + random.randrange(2000), random.randrange(4), i))' >in
	emitted_min=4
	shape --hop 4s --advance 1s --grace 1h 'n=count()' 'l=last(.x)'
	shape --session 300ms --grace 1h 'n=count()' 'm=max(.x)'
	shape --slide 500ms --grace 1h 'n=count()'
	shape --calendar day 'n=count()'
	shape --unlimited 'n=count()'
	shape --running 'sum(.x)'
}

@test "query: windows that share panes, and the last so many records" {
	stage a kstream-window --hop 3s --advance 1s --grace 1h --emit close 'n=count()' 'm=max(.x)'
	/usr/bin/python3 -c '
for i in range(100): print("{\"t\":%d,\"k\":\"k%d\",\"x\":%d}" % (i * 100, i % 3, i))' >&7
	await 10 seen a '.value.m == 99'
	kstream-query a | jq -c '[.key, .start, .value.n, .value.m]' | sort >rows
	ends
	jq -c '[.key.key, .key.start, .payload.n, .payload.m]' out-a | sort | diff rows -
	stage b kstream-window --count-window 10 --advance 5 'n=count()' 'm=max(.x)'
	/usr/bin/python3 -c '
for i in range(99): print("{\"t\":%d,\"k\":\"k%d\",\"x\":%d}" % (i * 100, i % 3, i))' >&7
	await 10 seen b '.value.m == 98'
	[ "$(kstream-query b --key k2 | jq -c '[.start, .end, .value]')" = '[7700,9800,{"n":8,"m":98}]' ]
	ends
}

@test "query: a table, its deletes, and keys of all kinds" {
	stage a kstream-table
	printf '%s\n' '{"t":1,"k":"a","x":1}' '{"t":2,"k":"b","x":2}' '{"t":3,"k":5,"x":3}' '{"t":4,"k":[1,"z"],"x":4}' '{"t":9,"k":5.5,"x":5}' \
		'{"t":6,"k":"a","x":6}' >&7
	await 10 seen a '.value.x == 6'
	[ "$(kstream-query a --key a | jq -c '[.key, .value.x, .ts, .stream_time]')" = '["a",6,6,9]' ]
	[ "$(kstream-query a --key 5 | jq -c .value.x)" = 3 ]
	[ "$(kstream-query a --key '[1, "z"]' | jq -c .value.x)" = 4 ]
	[ "$(kstream-query a --lower 5 --upper 6 | jq -c .value.x | sort | tr '\n' ' ')" = '3 5 ' ]
	[ "$(kstream-query a --since @4 --until @9 | jq -c .value.x | sort | tr '\n' ' ')" = '4 6 ' ]
	[ "$(kstream-query a --top 2 --by .x --table | head -n 3)" = "$(printf 'key  t  k    x\na    6  a    6\n5.5  9  5.5  5')" ]
	kstream-query a --table | tail -n 1 | grep -qx 'instance 0: 5 rows, epoch [0-9]*, not committed, stream time 1970-01-01T00:00:00.009Z'
	ends
}

@test "query: more than memory can hold, and many keys, each exactly once" {
	stage a kstream-window --running --memory 1M 'n=count()'
	/usr/bin/python3 -c '
for r in range(2):
    for i in range(60000): print("{\"t\":%d,\"k\":\"a-key-of-some-length-%d\"}" % (i, i * 7919 % 60000))
print("{\"t\":60000,\"k\":\"last\"}")' >&7
	await 60 told a last
	kstream-query a >rows
	ends
	[ "$(wc -l <rows)" = 60001 ]
	[ "$(jq -r .key rows | sort -u | wc -l)" = 60001 ]
	[ "$(grep -c '"value":{"n":2}' rows)" = 60000 ]
}

@test "query: while the state changes, keys that stay are told of once, and values are whole" {
	stage a kstream-window --running 'x=last(.x)' 'y=last(.y)'
	/usr/bin/python3 -c '
import random
for i in range(20000): print("{\"t\":%d,\"k\":\"stays%d\",\"x\":\"%d\",\"y\":\"%d\"}" % (i, i, i, i))
print("{\"t\":20000,\"k\":\"begun\",\"x\":\"0\",\"y\":\"0\"}", flush=True)
try:
    while True:
        text = str(random.randrange(10 ** random.randrange(1, 30)))
        print("{\"t\":20000,\"k\":\"stays%d\",\"x\":\"%s\",\"y\":\"%s\"}" % (random.randrange(20000), text, text))
except BrokenPipeError: pass' >&7 2>feed &
	pids="$pids $!"
	feeder=$!
	await 20 told a begun
	for _ in 1 2 3; do
		kstream-query a --prefix stays >rows
		[ "$(wc -l <rows)" = 20000 ]
		[ "$(jq -r .key rows | sort -u | wc -l)" = 20000 ]
		! jq -e 'select(.value.x != .value.y)' rows || fail 'a torn value'
	done
	kill "$feeder"
	wait "$feeder" || :
	ends 65 || ends 0 || :
}

# held: passes frames on, a barrier once the file barrier is there, END once the file end is
held() {
	/usr/bin/python3 -c '
import os, sys, time
source, names = sys.stdin.buffer, {4: "barrier", 6: "end"}
while True:
    head = source.read(6)
    if not head: break
    body = source.read(int.from_bytes(head[1:5], "big"))
    while head[5] in names and not os.path.exists(names[head[5]]): time.sleep(0.01)
    sys.stdout.buffer.write(head + body)
    sys.stdout.buffer.flush()'
}

# app: kstream-window of the app shop over the file in, to totals; the numbers of its processes in $pids, the last the sink
app() {
	rm -f one two
	mkfifo one two
	{ kstream-cat --app shop --from json --time .t --key .k in | held >one; } 2>err-one &
	pids=$!
	kstream-window --app shop --running 'n=count()' 'l=last(.x)' <one >two 2>err-two &
	window=$!
	kstream-cat --app shop --to json --out totals <two 2>err-three &
	sink=$!
	pids="$pids $window $sink"
}

@test "query: the state of an app is committed or not, row by row, and kept for --offline" {
	printf '{"t":%d,"k":"%s","x":%d}\n' 1000 a 1 2000 b 2 3000 a 3 >in
	touch barrier end
	app
	status_of "$sink"
	[ "$status" = 0 ]
	wait "$window"
	try kstream-query shop --offline
	expect 0
	[ "$(jq -c '[.key, .value, .epoch, .committed]' out)" = "$(printf '["a",{"n":2,"l":3},1,true]\n["b",{"n":1,"l":2},1,true]')" ]
	[ "$(kstream-query shop/window --offline --stats | jq '.epoch == .committed_epoch and .disk > 0')" = true ]
	# The next run goes on, and its sink stands still before it can commit.
	rm barrier end
	printf '{"t":4000,"k":"b","x":4}\n' >>in
	app
	await 10 seen shop '.value.l == 4'
	[ "$(kstream-query shop | jq -c '[.key, .epoch, .committed]' | tr '\n' ' ')" = '["a",1,true] ["b",1,false] ' ]
	kill -STOP "$sink"
	touch barrier
	await 10 seen shop '.epoch == 2'
	[ "$(kstream-query shop | jq -c '[.key, .epoch, .committed]' | tr '\n' ' ')" = '["a",2,true] ["b",2,false] ' ]
	[ "$(kstream-query shop --count | jq -c '[.count, .committed]')" = '[2,false]' ]
	[ "$(kstream-query shop --stats | jq -c '[.epoch, .committed_epoch]')" = '[2,1]' ]
	try kstream-query shop --offline
	refused 75 kstream-query 'ask without --offline'
	# Killed, its socket is left, and nobody is there; the state is as of the epoch that is committed, however often it is looked at.
	kill -9 "$window" "$sink"
	wait "$window" || :
	wait "$sink" || :
	[ -S state/shop/0/window/sock ]
	try kstream-query shop
	refused 69 kstream-query 'does not run'
	for _ in 1 2; do [ "$(kstream-query shop --offline --key b | jq -c '[.value, .epoch]')" = '[{"n":1,"l":2},1]' ]; done
	touch end
	wait "${pids%% *}" || :
	app
	status_of "$sink"
	[ "$status" = 0 ]
	wait "$window"
	[ "$(kstream-query shop --offline --key b | jq -c .value)" = '{"n":2,"l":4}' ]
	[ ! -e state/shop/0/window/sock ]
}

@test "query: all shapes at rest" {
	/usr/bin/python3 -c '
for i in range(900): print("{\"t\":%d,\"k\":\"k%d\",\"x\":%d}" % (i * 100, i % 3, i))' >in
	while read -r words; do
		rm -rf state
		read -ra options <<<"$words"
		kstream-window --app a --from json --time .t --key .k --in in --to envelope --out result "${options[@]}" 'n=count()' 'l=last(.x)'
		kstream-query a --offline >rows
		[ -s rows ] || fail "$words"
		# What is emitted last for a window is what is kept of it.
		jq -c '[(.key | if type == "object" then .key, .start, .end else . end), .payload]' result | sort -u >emitted
		jq -c '[.key, (select(.start) | .start, .end), .value]' rows | sort -u | comm -13 emitted - >strange
		[ ! -s strange ] || fail "$words: $(cat strange)"
		rm result
	done <<-'END'
		--tumble 7s
		--tumble 7s --align start --grace 1s
		--tumble 7s --align @3000
		--hop 10s --advance 5s
		--session 1s
		--slide 1s
		--calendar day --tz UTC
		--count-window 3
		--unlimited
		--running
		--tumble 7s --emit commit
	END
}

# instance I: frames of what is read, said to be of that instance
instance() {
	kstream-cat --from json --key ".k+\"$1\"" | /usr/bin/python3 -c '
import os, sys
while True:
    b = os.read(0, 65536)
    if not b: break
    b = b.replace(b"\xa8instance\0", b"\xa8instance" + bytes([int(sys.argv[1])]))
    while b: b = b[os.write(1, b):]' "$1"
}

@test "query: instances of an app are asked one after another, and merged" {
	pids=''
	for i in 0 1 2; do
		mkfifo "in$i"
		instance "$i" <"in$i" | kstream-table --listen many >"out$i" 2>"err$i" &
		pids="$pids $!"
	done
	exec 4>in0 5>in1 6>in2
	for fd in 4 5 6; do printf '{"k":"%s","x":%d}\n' a 1 b 2 >&$fd; done
	await 10 has many 6
	[ "$(kstream-query many | jq -c '[.key, .instance]' | tr '\n' ' ')" = '["a0",0] ["b0",0] ["a1",1] ["b1",1] ["a2",2] ["b2",2] ' ]
	[ "$(kstream-query many --count | jq -c '[.count, (.instances | length)]')" = '[6,3]' ]
	[ "$(kstream-query many --top 4 --by .x | jq -c .key | tr '\n' ' ')" = '"b0" "b1" "b2" "a0" ' ]
	[ "$(kstream-query many -c 5 | wc -l)" = 5 ]
	[ "$(kstream-query many/table --table | tail -n 3 | cut -d : -f 1 | tr '\n' ' ')" = 'instance 0 instance 1 instance 2 ' ]
	exec 4>&- 5>&- 6>&-
	for i in $pids; do wait "$i"; done
	printf '{"k":"%s","x":%d}\n' a 1 b 2 >in
	kstream-table --app kept --from json --key .k --in in --out result --to json
	cp -r state/kept/0 state/kept/1
	[ "$(kstream-query kept --offline | jq -c '[.key, .instance]' | tr '\n' ' ')" = '["a",0] ["b",0] ["a",1] ["b",1] ' ]
}

@test "query: several stages of an app are told apart" {
	printf '{"t":1,"k":"a"}\n' >in
	kstream-cat --app two --from json --time .t --key .k in | kstream-table --app two | kstream-window --app two --running 'count()' |
		kstream-cat --app two --to json --out o
	try kstream-query two --offline
	refused 64 kstream-query 'several stages'
	[ "$(kstream-query two/window --offline | jq -c .value)" = 1 ]
	try kstream-query two/other --offline
	refused 66 kstream-query "no stage 'other'"
}

@test "query: a path longer than a socket's address can be" {
	deep=$(printf 'd%.0s' {1..150})
	KSTREAM_STATE_DIR=$PWD/$deep/$deep
	export KSTREAM_STATE_DIR
	stage a kstream-table
	printf '{"t":1,"k":"a"}\n' >&7
	await 10 seen a '.key == "a"'
	ends
}

@test "query: two stages of one name are refused, and what a killed one has left is replaced" {
	stage a kstream-window --running 'count()'
	printf '{"t":1,"k":"a"}\n' >&7
	await 10 seen a '.key == "a"'
	try_sh 'kstream-window --listen a --from json --key .k --running "count()" <<<"{\"k\":1}"'
	refused 75 kstream-window 'LOCK is held'
	seen a '.key == "a"'
	kill -9 "$pid"
	wait "$pid" || :
	exec 7>&-
	[ -S state/a/0/window/sock ]
	try kstream-query a
	refused 69 kstream-query
	rm in-a
	stage a kstream-window --running 'count()'
	printf '{"t":1,"k":"b"}\n' >&7
	await 10 seen a '.key == "b"'
	ends
}

@test "query: a full device, and a reader that goes" {
	stage a kstream-window --running 'count()'
	printf '{"t":1,"k":"a"}\n' >&7
	await 10 seen a '.key == "a"'
	status=0
	kstream-query a >/dev/full 2>err || status=$?
	refused 74 kstream-query
	try_sh 'kstream-query a --stats | :'
	ends
}
