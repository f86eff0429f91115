#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# kstream-query of joins: both sides, while they run and at rest.

# shellcheck disable=SC2030,SC2031,SC2154 # each test has pids of its own, and pid is of `asked`
load lib
load query
load joins

# asked OPTION ...: a join that runs as j and has read the envelopes of in, whose input goes on by fd 7
asked() {
	rm -f in-j
	mkfifo in-j
	kstream-join --listen j --from envelope --to envelope "$@" <in-j >out-j 2>err-j 7>&- &
	pid=$!
	pids="${pids-} $pid"
	exec 7>in-j
	cat in >&7
}

told() { kstream-query "$@" | jq -r '[.stream, .key, .ts, .value] | map(tostring) | join(" ")'; }

# is WANT OPTION ...: that is told of the join that runs
is() { [ "$(told j "${@:2}")" = "$1" ]; }

# both WANT OPTION ...: what a join of in has kept is WANT, as it runs and at rest
both() {
	local want=$1
	shift
	asked "$@"
	await 10 is "$want"
	ends
	rm -rf state result
	kstream-join --from envelope --to envelope --app a --out result --in in "$@"
	[ "$(told a --offline)" = "$want" ] || fail "offline: $(told a --offline)"
	[ "$(kstream-query a --offline | jq -c .committed | sort -u)" = true ]
}

@test "join query: rows of a table, and records of the stream that wait" {
	sides B:a:1:1 B:b:2:[2] A:a:3:3 B:a:4:null B:c:5:5 A:z:2500:6 A:a:1500:7 A:b:-:8 C:a:9:9 >in
	grep -v tstype...none in >timed
	both $'B b 2 [2]\nB c 5 5' --stream A --table B
	mv timed in
	both $'B b 2 [2]\nB c 5 5\nA a 1500 7\nA z 2500 6' --stream A --table B --versioned 2s --grace 2s
	asked --stream A --table B --versioned 2s --grace 2s
	await 10 is 'A a 1500 7' --key a
	[ "$(told j --key b)" = 'B b 2 [2]' ]
	[ "$(told j --prefix z)" = 'A z 2500 6' ]
	[ "$(told j --lower b --upper c)" = $'B b 2 [2]\nB c 5 5' ]
	[ "$(told j --since @1000)" = $'A a 1500 7\nA z 2500 6' ]
	[ "$(kstream-query j --count | jq .count)" = 4 ]
	[ "$(kstream-query j --key z | jq -c '[.stream_time, .partition, .committed]')" = '[2500,0,false]' ]
	[ "$(kstream-query j --table | head -n 3 | tr -s ' ')" = $'key stream value\nb B [2]\nc B 5' ] || fail "$(kstream-query j --table)"
	ends
}

@test "join query: both of two tables" {
	sides A:a:1:1 B:b:2:2 A:b:3:3 B:b:4:4 A:a:5:null >in
	both $'A b 3 3\nB b 4 4' --table A --table B --outer
	sides A:a:1:'"b"' B:b:2:2 A:c:3:'"b"' >in
	both $'B b 2 2\nA a 1 b\nA c 3 b' --table A --table B --foreign-key .
	both $'B b 2 2\nA a 1 b\nA c 3 b' --table A --versioned 1s --table B --versioned 2s --foreign-key '.
'
}

@test "join query: a global table" {
	sides B:a:1:1:0 B:b:2:2:1 A:a:3:1 >in
	both $'B a 1 1\nB b 2 2' --stream A --global B --left
}

@test "join query: records of two streams that others can meet" {
	sides A:a:1000:1 B:b:2000:2 B:a:1100:3 A:b:9000:4 A:b:9500:5 B:c:9600:6 A:b:2500:7 >in
	both $'A b 9000 4\nA b 9500 5\nB c 9600 6' --stream A --stream B --within 1s
	both $'A b 9000 4\nA b 9500 5\nB c 9600 6' --stream A --stream B --within 1s --unmatched route:alone
	both $'A b 9000 4\nA b 9500 5' --stream A --stream A --within 1s
	asked --stream A --stream B --before -500ms --after 1s --outer
	await 10 is 'B c 9600 6' --key c
	ends
	# A hot key, in many chunks.
	/usr/bin/python3 -c '
for i in range(3000): print("{\"topic\":\"%s\",\"partition\":0,\"offset\":%d,\"tstype\":\"create\",\"ts\":%d,\"key\":\"k\",\"payload\":%d}" % ("AB"[i % 50 == 0], i, i, i))' >in
	asked --stream A --stream B --within 1h --value 0
	await 20 eval "kstream-query j --count --key k | jq -e '.count == 3000'"
	[ "$(kstream-query j | jq -c '[.stream, .value]' | sort -u | wc -l)" = 3000 ]
	ends
}

@test "join query: a global table of a file, while it is asked and replaced" {
	echo '{"id":1,"n":"one"}' >r.json
	sides A:a:1:1 >in
	asked --stream A --global r.json --global-key .id --on .
	await 10 is 'r.json 1 null {"id":1,"n":"one"}'
	echo '{"id":1,"n":"uno"}' >new
	mv new r.json
	await 10 is 'r.json 1 null {"id":1,"n":"uno"}'
	ends
}
