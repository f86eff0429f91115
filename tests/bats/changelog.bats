#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# --changelog without a broker: which side records go downstream, and what is refused.  Frames are made and printed by frames.py.

# shellcheck disable=SC2154 # what lib sets
load lib

hello() { # hello RUN EPOCH [OWNER [RESTORE]]: of partition 0 of two of "in"; its last commit is that EPOCH, by the run before
	printf 'HELLO {"app":"a","owner":"0/1","guarantee":"exactly-once","run":%d,"epoch":%d,"streams":[{"name":"in","partitions":2,"key":"string"}],' "$1" "$2"
	printf '"positions":[{"input":"in","partition":0,"offset":0,"epoch":%d,"run":%d,"owner":%s,"restore":%s}]}\n' "$2" \
		"$(($2 > 0 ? $1 - 1 : 0))" "${3-null}" "${4-false}"
}

rec() { printf 'RECORD {"topic":"in","partition":0,"time":%d,"flags":1,"key":"%s","value":{"v":%d}}\n' "$@"; } # rec TIME KEY VALUE

barrier() { printf 'BARRIER [%d,"%s",[],%d,"auto"]\n' "$1" "${2-go-on}" "$(($1 - 1))"; }

over() { printf 'BARRIER [%d,"paused",[],%d,"auto"]\nEND [%d,"paused"]\n' "$1" "$(($1 - 1))" "$1"; }

stage() { frames build | "$@" | frames print; } # stage COMMAND...: lines of frames in and out

# The records of a changelog, as the key in hex, without the partition that is 80000000, and the value.
logged() {
	/usr/bin/python3 -c '
import json, sys
for line in sys.stdin:
    kind, _, rest = line.partition(" ")
    if kind == "BARRIER":
        print("barrier", json.loads(rest)[0])
    if kind != "RECORD":
        continue
    r = json.loads(rest)
    if r["flags"] >> 3 & 3 != 3:
        continue
    key = r["key"]["hex"]
    assert key[:8] == "80000000" and r["route"] == "log" and r["partition"] == 0 and r["time"] is None, r
    name = bytes.fromhex(key[24:])
    print(key[8:24] or "begin", name[1:].decode() if name[:1] and name[0] >> 5 == 5 else name.hex(),
        "-" if r["value"] is None else bytes.fromhex(r["value"]["hex"]).decode() if not key[8:] else "+")'
}

@test "changelog: rows come before the barrier that commits them, and go by nil" {
	{
		hello 1 0
		rec 1000 a 1
		rec 1001 b 2
		barrier 1
		rec 1002 a 3
		echo 'RECORD {"topic":"in","partition":0,"time":1003,"flags":1,"key":"b","value":null}'
		barrier 2
		rec 1004 c 1
		echo 'RECORD {"topic":"in","partition":0,"time":1005,"flags":1,"key":"c","value":null}'
		over 3
	} | stage kstream-table --app a --changelog log 2>said >printed
	[ "$(cat said)" = "kstream-table: what others had in changelog 'log' was not looked for: that, and to restore from it, needs -b HOST:PORT" ]
	grep -q '^HELLO .*"sides":\["log"\]' printed
	# a row that came and went within one epoch was never told of
	logged <printed | grep -v '^0000' >out
	diff out - <<-'E'
		begin  app a
		stage table
		rows latest

		8000000000000000 a +
		8000000000000000 b +
		barrier 1
		8000000000000000 a +
		8000000000000000 b -
		barrier 2
		barrier 3
	E
	[[ $(grep '"log"' printed | grep RECORD | head -n 1) == *'"headers":[["__kstream.partitions",{"hex":"32"}]]'* ]]
}

@test "changelog: windows that are forgotten go one by one" {
	{
		hello 1 0
		rec 1000 a 1
		rec 1001 b 2
		barrier 1
		rec 65000 a 3
		rec 130000 a 3
		over 2
	} | stage kstream-window --app a --changelog log --tumble 1m 'n=count()' | logged | grep -E '^(8|barrier)' >out
	diff out - <<-'E'
		8000000000000000 a +
		8000000000000000 b +
		barrier 1
		8000000000000000 a -
		8000000000000000 b -
		800000000001d4c0 a +
		barrier 2
	E
}

@test "changelog: what was there before it is given, or of another topic, is told whole" {
	{
		hello 1 0
		rec 1000 a 1
		rec 1001 b 2
		over 1
	} | stage kstream-table --app a >/dev/null
	again() { # again EPOCH TOPIC
		{
			hello "$(($1 + 1))" "$1" '"0/1"'
			rec 1002 b 3
			over "$(($1 + 1))"
		} | stage kstream-table --app a --changelog "$2" >printed
		sed "s/\"$2\"/\"log\"/g" printed | logged | grep -E '^(8|begin)' >out
	}
	again 1 log
	printf 'begin  app a\n8000000000000000 a +\n8000000000000000 b +\n' | diff out -
	again 2 log
	printf '8000000000000000 b +\n' | diff out -
	again 3 other
	printf 'begin  app a\n8000000000000000 a +\n8000000000000000 b +\n' | diff out -
	again 4 other
	printf '8000000000000000 b +\n' | diff out -
}

@test "changelog: what an epoch cannot hold in memory is told once each" {
	{
		hello 1 0
		seq -f 'RECORD {"topic":"in","partition":0,"time":1000,"flags":1,"key":"k%.0f","value":{"v":1,"pad":"some text so that memory gets full"}}' 1 60000
		barrier 1
		seq -f 'RECORD {"topic":"in","partition":0,"time":1000,"flags":1,"key":"k%.0f","value":{"v":2,"pad":"some text so that memory gets full"}}' 1 60000
		over 2
	} | stage kstream-table --app a --changelog log --memory 1M | logged | awk '$1 ~ /^8/ { n[b + 0 " " $2]++ } $1 == "barrier" { b = $2 } END { for (k in n) if (n[k] > 1) many++; print length(n), many + 0 }' >out
	[ "$(cat out)" = "120000 0" ]
}

@test "changelog: refused without an app, without exactly-once, and of another instance's state without one" {
	printf '{"a":1}\n' >in
	try kstream-table --from json --key .a --to envelope --changelog log in
	refused 78 kstream-table '--changelog needs an app'
	try kstream-table --app a --from json --key .a --to envelope --changelog log --in in
	refused 78 kstream-table '--changelog needs a stream that is exactly-once'
	{ hello 1 0; rec 1000 a 1; over 1; } | frames build >one
	try kstream-join --global x --stream y --changelog log one
	refused 64 kstream-join '--changelog is about state that is kept by partition'
	try kstream-table --changelog "$(printf '%0300d' 0)" one
	refused 64 kstream-table "cannot be the name of a topic"
	rm -rf "$KSTREAM_STATE_DIR"
	{ hello 4 3 '"1/2"' true; rec 1000 a 1; over 4; } | frames build >moved
	try_sh 'cat moved | kstream-table --app a --to frames | cat'
	refused 78 kstream-table "in/0 was last read by instance 1/2 of app 'a', which has its state: give --changelog TOPIC"
	{ hello 4 3 '"0/1"'; rec 1000 a 1; over 4; } | frames build >lost
	try_sh 'cat lost | kstream-table --app a --to frames | cat'
	refused 78 kstream-table "there is no state in"
	# of a partition that the input does not have
	{ hello 1 0; rec 1000 a 1 | sed 's/"partition":0/"partition":7/'; over 1; } | frames build >elsewhere
	try_sh 'cat elsewhere | kstream-table --app a --changelog log --to frames | cat'
	refused 78 kstream-table "there is state of partition 7, and no partition of the input has that number here"
}

@test "changelog: a member of a group that has been given nothing waits" {
	{
		printf 'HELLO {"app":"a","owner":"anna","guarantee":"exactly-once","run":1,"epoch":0,"instances":0,"streams":[{"name":"in","partitions":2,"key":"string"}],"positions":[]}\n'
		over 1
	} | stage kstream-table --app a --changelog log >printed
	grep -q '^END' printed
	[ "$(logged <printed)" = "barrier 1" ]
}
