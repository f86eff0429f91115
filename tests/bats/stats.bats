#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The line of -v: its numbers add up, in every way of reading and writing (kstream(7), COUNTERS); and each message is one write.

load lib

# adds_up TEXT: one line on stderr, of a program or of the last of several; in + results = out + dropped + late + rejected + folded; and TEXT is in it
adds_up() {
	/usr/bin/python3 - "$(tail -n 1 err)" <<-'END' || fail "it does not add up: $(tail -n 1 err)" || return
		import re, sys
		m = re.fullmatch(r'kstream-\w+: (\d+) in, (\d+) out, (\d+) dropped(?: \((.*?)\))?, (\d+) late, (\d+) rejected'
		    r'(?:, (\d+) folded(?: into (\d+))?)?(?:, \d+ repeated keys)?, [\d.]+ k?B, [\d.]+ s', sys.argv[1])
		read, out, dropped, causes, late, rejected, folded, results = (x if i == 3 else int(x or 0) for i, x in enumerate(m.groups()))
		assert dropped == sum(int(x.rsplit(' ', 1)[1]) for x in (causes or '').split(', ') if x), causes
		assert read + results == out + dropped + late + rejected + folded
	END
	[[ "$(tail -n 1 err)" == *"$1"* ]] || fail "the line does not say: $1"
}

@test "stats: it adds up in every format, whatever becomes of what cannot be read" {
	local from to policy
	printf '{"a":1}\n{"a":\n\n{"a":2}\nx\n' >in.json
	printf '{"payload":{"a":1}}\n{"payload":\n\n{"payload":{"a":2}}\n{"x":1}\n' >in.envelope
	for from in json envelope; do
		for to in frames json envelope raw tsv; do
			for policy in skip file:bad dlq:bad; do
				case $policy:$to in dlq:bad:json | dlq:bad:raw | dlq:bad:tsv) continue ;; esac
				try kstream-cat -v --from "$from" --to "$to" --on-error "$policy" in.$from
				[ "$status" = 0 ] || fail "$from $to $policy"
				adds_up ': 4 in, 2 out, 0 dropped, 0 late, 2 rejected, ' || fail "cat $from $to $policy"
				try kstream-filter -v --from "$from" --to "$to" --on-error "$policy" '.a > 1' in.$from
				adds_up ': 4 in, 1 out, 1 dropped (filtered 1), 0 late, 2 rejected, ' || fail "filter $from $to $policy"
			done
		done
	done
	printf 'a\nb\n\n' >in.raw
	try kstream-cat -v --from raw --to raw in.raw
	adds_up ': 3 in, 3 out, 0 dropped, 0 late, 0 rejected, '
	printf '%0100d\nb\n' 0 >in.raw
	try kstream-cat -v --from raw --to raw --max-record 90 --on-error skip in.raw
	adds_up ': 2 in, 1 out, 0 dropped, 0 late, 1 rejected, '
}

@test "stats: a dead letter is rejected where it is made, and read and written behind that" {
	printf '{"a":1}\n{"a":"x"}\n{"a":3}\n' >in.json
	try_sh "kstream-cat --from json in.json | kstream-filter -v --on-error dlq:bad '.a.b' >letters"
	adds_up ': 3 in, 0 out, 0 dropped, 0 late, 3 rejected, '
	try kstream-filter -v --to envelope .a letters
	adds_up ': 3 in, 3 out, 0 dropped, 0 late, 0 rejected, '
	try kstream-cat -v --to envelope letters
	adds_up ': 3 in, 3 out, 0 dropped, 0 late, 0 rejected, '
	# An envelope that is a dead letter already is none of this run.
	try kstream-cat -v --from envelope --on-error dlq:bad --to frames <<<'{"payload":1,"flags":["dead-letter"],"route":"bad"}'
	adds_up ': 1 in, 1 out, 0 dropped, 0 late, 0 rejected, '
}

@test "stats: a bad time is dropped by that cause, or rejected" {
	printf '{"t":1}\n{"t":"x"}\n{"t":3}\nx\n' >in
	try kstream-cat -v --from json --to json --time .t --on-bad-time drop --on-error skip in
	adds_up ': 4 in, 2 out, 1 dropped (bad time 1), 0 late, 1 rejected, '
	try kstream-cat -v --from json --to envelope --time .t --on-bad-time dlq --on-error dlq:d in
	adds_up ': 4 in, 2 out, 0 dropped, 0 late, 2 rejected, '
	try kstream-cat -v --from json --to envelope --time .t --on-bad-time wall --on-error skip in
	adds_up ': 4 in, 3 out, 0 dropped, 0 late, 1 rejected, '
	try kstream-filter -v --from json --to json --time .t --on-bad-time drop --on-error skip '.t > 1' in
	adds_up ': 4 in, 1 out, 2 dropped (filtered 1, bad time 1), 0 late, 1 rejected, '
}

@test "stats: an answer, streams that are not asked for, sections, -c" {
	printf '{"a":1}\n{"a":2}\n{"a":3}\nx\n' >in.json
	try kstream-filter -v --from json --count --on-error skip '.a > 1' in.json
	adds_up ': 4 in, 0 out, 1 dropped (filtered 1), 0 late, 1 rejected, 2 folded, '
	kstream-cat --from json --on-error dlq:d in.json >in.frames
	kstream-cat --from json -t other --on-error skip in.json >>in.frames
	try kstream-filter -v --count '.a > 1' in.frames
	adds_up ': 7 in, 0 out, 3 dropped (filtered 2, passed by 1), 0 late, 0 rejected, 4 folded, '
	try kstream-filter -v --only other --to envelope '.a > 1' in.frames
	adds_up ': 7 in, 6 out, 1 dropped (filtered 1), 0 late, 0 rejected, '
	try kstream-cat -v -c 2 --to envelope in.frames
	adds_up ': 2 in, 2 out, 0 dropped, '
	try kstream-cat -v -c 2 --from json --to json in.json
	adds_up ': 2 in, 2 out, 0 dropped, '
}

@test "stats: a window says what went into it and what came of it" {
	cat >in <<-'END'
		{"ts":1000,"key":"a","payload":{"x":1}}
		{"ts":2000,"key":"a","payload":{"x":2}}
		{"ts":61000,"key":"a","payload":{"x":3}}
		{"ts":1500,"key":"a","payload":{"x":4}}
		{"ts":62000,"payload":{"x":5}}
		{"ts":62000,"key":"b","payload":{"x":"y"}}
		{"key":"b","payload":{"x":1}}
		{"payload":"bad
	END
	try kstream-window -v --from envelope --to envelope --on-error dlq:d --tumble 1m --emit close 's=sum(.x)' --in in
	adds_up ': 8 in, 2 out, 1 dropped (null key 1), 1 late, 3 rejected, 3 folded into 2, '
	try kstream-window -v --from envelope --to json --on-error skip --tumble 1m 's=sum(.x)' --in in
	adds_up ': 8 in, 3 out, 1 dropped (null key 1), 1 late, 3 rejected, 3 folded into 3, '
	# Streams that are not asked for pass; a result that the output refuses is rejected.
	try_sh "kstream-cat --from envelope --on-error skip in | kstream-window -v --only none -q --tumble 1m 'count()'"
	adds_up ': 7 in, 7 out, 0 dropped, 0 late, 0 rejected, '
}

@test "stats: with a failure the record at fault is rejected, and the rest adds up" {
	printf '{"a":1}\n{"a":2}\nx\n{"a":3}\n' >in
	local tool
	for tool in 'kstream-cat --to json' 'kstream-cat --to frames' 'kstream-filter true --to json' 'kstream-filter true --to frames'; do
		# shellcheck disable=SC2086 # words
		try $tool -v --from json in
		[ "$status" = 65 ]
		sed -i '$d' err
		adds_up ': 3 in, 2 out, 0 dropped, 0 late, 1 rejected, ' || fail "$tool"
	done
	try kstream-cat -v --from json --to json --time .a --time-unit s - <<<'{"a":"x"}'
	sed -i '$d' err
	adds_up ': 1 in, 0 out, 0 dropped, 0 late, 1 rejected, '
	kstream-cat --from json --on-error skip in >in.frames
	try kstream-filter -v '.a.b' in.frames
	sed -i '$d' err
	adds_up ': 1 in, 0 out, 0 dropped, 0 late, 1 rejected, '
}

# writes COMMAND...: what each write(2) to stderr was, one JSON string a line, to the file writes
writes() {
	timeout 20 /usr/bin/python3 - "$@" >writes <<-'END'
		import json, os, socket, subprocess, sys
		ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
		child = subprocess.Popen(sys.argv[1:], stderr=theirs, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
		theirs.close()
		while data := ours.recv(65536):
		    print(json.dumps(data.decode()))
		child.wait()
	END
}

@test "stats: each line of a diagnostic is one write" {
	printf '{"a.b":2,"a":{"b":4}}\n{"a.b":2}\nx\n' >in
	writes kstream-cat -v --progress --from json --to tsv --on-error skip in
	[ "$(wc -l <writes)" = 3 ] || fail "$(cat writes)" # progress, the warning of tsv, the summary
	! grep -v '^"kstream-cat: .*\\n"$' writes || fail "$(cat writes)"
	writes kstream-cat -v --from json --to json in
	[ "$(wc -l <writes)" = 2 ] || fail "$(cat writes)"
	! grep -v '^"kstream-cat: .*\\n"$' writes || fail "$(cat writes)"
	writes kstream-window --tumble 0s 'count()'
	[ "$(wc -l <writes)" = 1 ] || fail "$(cat writes)"
}
