#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# kstream-replay --record: files of frames, their index, and what becomes of damage.

# shellcheck disable=SC2016,SC2094,SC2154,SC2238 # SC2154: what lib.bash sets
bats_require_minimum_version 1.5.0
load lib
load replays

# two_blocks: the file wide, and of it the recording rec of 2 blocks and more, and the output all
two_blocks() {
	/usr/bin/python3 -c '
for n in range(4000):
    print("{\"t\":%d,\"n\":%d,\"pad\":\"%s\"}" % (1700000000000 + n * 1000, n, "x" * 600))' >wide
	record wide | kstream-replay --record rec >all
}

@test "--record: the same bytes again, and its index leads to a range without reading the rest" {
	two_blocks
	kstream-cat --to json all | cmp - wide
	kstream-cat --to json rec | cmp - wide
	[ ! -e rec.partial ] && [ ! -e rec.index.new ]
	[ "$(head -c 8 rec.index)" = kstridx1 ]
	# what is of no record of the range is made unreadable, but for the bytes by which an index knows its file
	while read -r since until; do
		/usr/bin/python3 - "$since" "$until" <<-'END'
			import struct, sys
			since, until = int(sys.argv[1]), int(sys.argv[2])
			index, data = open("rec.index", "rb").read(), bytearray(open("rec", "rb").read())
			end, count = struct.unpack(">QQ", index[32:48])
			blocks = [struct.unpack(">qqq", index[48 + 24 * i : 72 + 24 * i]) for i in range(count)]
			assert count > 2
			spoilt = 0
			for (at, least, most), behind in zip(blocks, [b[0] for b in blocks[1:]] + [end]):
			    if most < since or least >= until:
			        spoilt += 1
			        for i in range(max(at, 4096), min(behind, len(data) - 4096)):
			            data[i] = 0x55
			assert spoilt
			open("spoilt", "wb").write(data)
		END
		cp rec.index spoilt.index
		kstream-replay --since "@$since" --until "@$until" --to json spoilt >out
		kstream-cat --from json --time .t --since "@$since" --until "@$until" --to json wide | cmp - out
		try kstream-replay --to json spoilt
		[ "$status" = 65 ]
	done <<-'END'
		1700003500000 1800000000000
		0 1700000002000
		1700002000000 1700002001000
	END
}

@test "an index that is missing, damaged or of another file" {
	two_blocks
	range=(--since @1700002000000 --until @1700002003000 --to json)
	kstream-replay "${range[@]}" rec >expected
	cp rec.index good
	mv rec.index away
	try kstream-replay "${range[@]}" -v rec
	cmp out expected
	grep -qx 'kstream-replay: rec.index is not there: all of the file is read' err
	[ ! -e rec.index ]
	again() { # again WHY: the index is wrong, made again, and good
		try kstream-replay "${range[@]}" rec
		[ "$status" = 0 ] && cmp out expected
		[ "$(cat err)" = "kstream-replay: rec.index $1, and is made again" ] || fail "not: $1"
		cmp rec.index good
	}
	for byte in 9 20 40 50 60 100; do
		/usr/bin/python3 -c '
import sys
d = bytearray(open("good", "rb").read())
d[min(int(sys.argv[1]), len(d) - 1)] ^= 1
open("rec.index", "wb").write(d)' $byte
		again 'is damaged'
	done
	head -c 30 good >rec.index
	again 'is not one'
	: >rec.index
	again 'is not one'
	head -c -24 good >rec.index
	again 'is damaged'
	numbered 1 2 >in
	record in | kstream-replay --record other >out
	cp other.index rec.index
	again 'is that of another file'
	# a recording that was cut has no index any more that would hide it
	head -c -9 rec >cut
	cp good cut.index
	try kstream-replay "${range[@]}" cut
	[ "$status" = 75 ]
	grep -q 'cut.index is that of another file' err
	grep -q 'cut ends ' err
	# where it cannot be written, it is used all the same
	rm rec.index && mkdir rec.index
	try kstream-replay "${range[@]}" rec
	cmp out expected
}

@test "a damaged record is told of by its file and byte, wherever it is met" {
	disorder 5 3000 >in
	record -t t in | kstream-replay --record rec >out.frames
	cut_short() { # cut_short VALUE|HEAD: of record 2000 one byte is another, so that it is damaged there; prints the byte where it begins
		/usr/bin/python3 - "$1" <<-'END'
			import sys
			d, at, n = bytearray(open("rec", "rb").read()), 0, 0
			while n < 2000:
			    at += 6 + int.from_bytes(d[at + 1:at + 5], "big")
			    n += d[at + 5] == 1
			value = d.index(b"\x82\xa1t", at)
			d[value if sys.argv[1] == "VALUE" else at + 6] = 0x8f if sys.argv[1] == "VALUE" else 0x98
			open("bad", "wb").write(d)
			print(at)
		END
	}
	at=$(cut_short VALUE)
	for more in '' '--reorder 1h' '--since @0' '-c 2500'; do
		# shellcheck disable=SC2086 # two words
		try kstream-replay $more --to json bad
		refused 65 kstream-replay "bad, byte $at: t/0@"
		grep -q 'msgpack ' err
	done
	try kstream-replay --to json rec bad
	refused 65 kstream-replay "bad, byte $at: t/0@"
	[ -s out ] # what stands before it has gone out
	try kstream-replay --on-error skip --to json bad
	[ "$status" = 0 ] && [ "$(wc -l <out)" = 2999 ]
	at=$(cut_short HEAD)
	for more in '' '--reorder 1h' '--since @0'; do
		# shellcheck disable=SC2086 # two words
		try kstream-replay $more --to json bad
		refused 65 kstream-replay "bad, byte $at: "
	done
}

@test "a recording is there when it is whole, or not at all" {
	disorder 4 30000 >in
	record in >in.frames
	run -74 bash -c 'ulimit -f 1; kstream-replay --record rec in.frames | cat >/dev/null; exit "${PIPESTATUS[0]}"'
	[[ "$output" == *"cannot write 'rec.partial': File too large"* ]]
	[ ! -e rec ] && [ ! -e rec.partial ] && [ ! -e rec.index ]
	head -c 300000 in.frames >cut
	try kstream-replay --record rec --out o cut
	refused 75 kstream-replay 'cut ends inside a frame'
	[ ! -e rec ] && [ ! -e rec.partial ]
	kstream-replay --speed 1x --record rec --out o in.frames 2>err 3>&- &
	pids=$!
	await 20 test -e rec.partial
	await 20 waits "$pids"
	try kstream-replay --record rec --out o2 in.frames
	refused 75 kstream-replay "another process writes 'rec.partial'"
	kill -TERM "$pids"
	status_of "$pids"
	[ "$status" = 75 ] # whoever goes on by && has no recording
	grep -q "a signal has come: 'rec' is not written" err
	[ ! -e rec ] && [ ! -e rec.partial ]
	kstream-cat o >whole # but what was due until then came to its end
	env --default-signal=INT kstream-replay --speed 1x --record rec --out o in.frames 2>err 3>&- &
	pids=$!
	await 20 test -e rec.partial
	await 20 waits "$pids"
	kill -INT "$pids"
	status_of "$pids"
	[ "$status" = 130 ]
	[ ! -e rec ] && [ ! -e rec.partial ]
	# a reader that goes
	for to in json frames; do
		try_sh "kstream-replay --record rec --to $to in.frames | head -c 1 >/dev/null; exit \"\${PIPESTATUS[0]}\""
		[ "$status" = "$([ $to = json ] && echo 141 || echo 75)" ]
		[ ! -e rec ] && [ ! -e rec.partial ]
	done
}

@test "--record: no file that is read or written beside it, and none of another kind" {
	numbered 1000 2000 1 >in
	record in >in.frames
	cp in in.saved
	cp in.frames frames.saved
	ln in hard
	ln -s in soft
	for name in in hard soft ./in; do
		try kstream-replay --from json --time .t --to json --record "$name" in
		refused 64 kstream-replay "'$name' is the input, too"
	done
	try kstream-replay --since @2 --to json --record in.frames in.frames
	refused 64 kstream-replay "'in.frames' is the input, too"
	try_sh 'kstream-replay --to json --record in.frames <in.frames'
	refused 64 kstream-replay "'in.frames' is the input, too"
	cp in.frames x.partial
	cp in.frames y.index
	try kstream-replay --to json --record x x.partial
	refused 64 kstream-replay "'x.partial' is the input, too"
	try kstream-replay --to json --record y y.index
	refused 64 kstream-replay "'y.index' is the input, too"
	while read -r record other what; do
		# shellcheck disable=SC2086 # two words
		try kstream-replay --from json --time .t --to json --reorder 0s --record "$record" $other in
		refused 64 kstream-replay "is $what, too"
		[ ! -s "${other#*file:}" ]
		rm "${other#*file:}"
	done <<-'END'
		a --on-error=file:a that of --on-error
		a --late=file:a that of --late
		a --late=file:a.partial that of --late
		a --late=file:a.index that of --late
		a --late=file:a.index.new that of --late
	END
	try_sh 'kstream-replay --to json --record a in.frames >a.partial'
	refused 64 kstream-replay "'a.partial' is the output, too"
	rm a.partial
	echo 'what is to be done' | tee notes >z.index
	cp notes v.partial
	try kstream-replay --to json --record notes in.frames
	refused 64 kstream-replay "'notes' is there, and is no recording: remove it, or name another"
	try kstream-replay --to json --record v in.frames
	refused 64 kstream-replay "'v.partial' is there, and is no recording"
	try kstream-replay --to json --record z in.frames
	refused 64 kstream-replay "'z.index' is there, and is no index of a recording"
	for file in z.index v.partial; do cmp "$file" notes; done
	cmp in in.saved && cmp in.frames frames.saved && cmp x.partial frames.saved && cmp y.index frames.saved
	[ ! -e z ] && [ ! -e v ]
	# what is empty, another recording, and what one that was killed has left are replaced
	: >rec
	for cut in 0 40 100; do
		head -c "$cut" in.frames >rec.partial
		kstream-replay --to json --record rec in.frames | cmp - in
		kstream-replay --to json rec | cmp - in
	done
	kstream-replay --to json --record rec -c 1 in.frames | cmp - <(head -n 1 in)
	kstream-replay --to json rec | cmp - <(head -n 1 in)
}
