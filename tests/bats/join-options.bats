#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# kstream-join: options that do not go together, and sides that cannot meet.

# shellcheck disable=SC2030,SC2031,SC2034 # pids and instances are each test's own
load lib
load joins

@test "join options: what does not go together is refused, before any input" {
	local text words
	while IFS='|' read -r text words; do
		# shellcheck disable=SC2086 # several words each
		try kstream-join $words
		refused 64 kstream-join "$text" || fail "$words"
	done <<-'END'
		what is joined to what||
		what is joined to what|--stream a
		what is joined to what|--table a
		three are two joins|--stream a --table b --table c
		three are two joins|--stream a --table b --stream c
		three are two joins|--stream a --stream b --stream c
		--stream '' is not NAME: it is empty|--stream= --table b
		only a --stream is joined to itself|--stream a --table a
		only a --stream is joined to itself; kstream-branch --all makes two tables of one|--table a --table a
		--left and --inner: one of them|--stream a --table b --left --inner
		--versioned 1s stands behind the --table|--versioned 1s --stream a --table b
		--versioned 1s stands behind the --table|--stream a --versioned 1s --table b
		--versioned '1x'|--stream a --table b --versioned 1x
		--versioned '-1s'|--stream a --table b --versioned -1s
		--grace needs a table|--stream a --table b --grace 1s
		--grace needs a table|--stream a --table b --versioned 1s --grace 1001ms
		--grace 'soon'|--stream a --table b --versioned 1s --grace soon
		is not route:TOPIC|--stream a --table b --unmatched x
		is not route:TOPIC|--stream a --table b --unmatched route:
		--unmatched is about an --inner join|--stream a --table b --left --unmatched route:x
		--unmatched is about an --inner join|--table a --table b --unmatched route:x
		--unmatched is about an --inner join|--stream a --stream b --within 1s --outer --unmatched route:x
		--memory|--stream a --table b --memory 1
		--within, --before and --after are about two --stream|--stream a --table b --within 1s
		--within, --before and --after are about two --stream|--table a --table b --before 1s
		--within, --before and --after are about two --stream|--stream a --global b --after 1s
		--within says both|--stream a --stream b --within 1s --after 1s
		how far apart may two records be|--stream a --stream b
		their sum is negative|--stream a --stream b --before 1s --after -2s
		together are too long|--stream a --stream b --within 15250284452w
		together are too long|--stream a --stream b --within 1s --grace 9223372036854775807ms
		together are too long|--stream a --stream b --before -1h --after 9223372036854775807ms --grace 2ms
		--within '-1s'|--stream a --stream b --within -1s
		--on is about a --global|--stream a --table b --on .x
		--on is about a --global|--stream a --stream b --within 1s --on .x
		--global-key is about a --global|--stream a --table b --global-key .x
		--foreign-key is about two --table|--stream a --table b --foreign-key .x
		--foreign-key is about two --table|--stream a --global b --foreign-key .x
		--outer is about two --stream|--stream a --table b --outer
		--outer is about two --stream|--stream a --global b --outer
		--outer is about two --stream|--table a --table b --foreign-key .x --outer
		--grace is about two --stream|--table a --table b --grace 1s
		--grace is about two --stream|--stream a --global b --grace 1s
		--versioned 1s stands behind the --table|--stream a --stream b --within 1s --versioned 1s
		--versioned 1s stands behind the --table|--stream a --global b --versioned 1s
		a --global table is joined to a --stream|--table a --global b
		a --global table is joined to a --stream|--global a --table b
		what is joined to what|--global a
		a --global table is joined to a --stream|--global a --global b
	END
	try kstream-join --stream a --table b --versioned 1s --grace 1s --from json --to json /dev/null
	[[ $status != 64 ]] || fail 'as much history as grace is enough'
	try kstream-join --from json --to json --stream a --table b --value '.left +' /dev/null
	refused 64 kstream-join "--value: "
	# shellcheck disable=SC2016 # a variable of the expression
	try kstream-join --from json --to json --stream a --table b --value '$nothing' /dev/null
	refused 64 kstream-join "--value: "
}

@test "join options: a name that no stream of the input has is refused, or told of at the end" {
	echo '{"k":1}' | tee orders >users
	try kstream-join --from json --key .k --to json --stream order --table users orders users
	refused 78 kstream-join "--stream 'order': the input has no such stream, but 'orders', 'users'"
	try kstream-join --from json --key .k --to json --stream orders --table user orders users
	refused 78 kstream-join "--table 'user': the input has no such stream, but 'orders', 'users'"
	try kstream-join --from json --key .k --to json --stream orders --table users users orders
	expect 0 '{"left":{"k":1},"right":{"k":1}}'
	# Frames may bring routes.
	try_sh 'kstream-cat --from json --key .k orders users | kstream-join --to json --stream orders --table user'
	[ "$status" = 0 ]
	refused 0 kstream-join "no record was of 'user', which --table names"
	try_sh 'kstream-cat --from json --key .k orders users | kstream-join -q --to json --stream orders --table user'
	expect 0 '{"k":1}'
	try_sh 'kstream-cat --from json --key .k orders users | kstream-join --to json --stream order --table user'
	refused 0 kstream-join "no record was of 'order', which --stream names"
	try_sh 'kstream-cat --from json --key .k orders users | kstream-map --only users --as user value=.k | kstream-join --to json --stream orders --table user'
	expect 0 ''
	# What is not read to its end tells while it goes on.
	mkfifo feed
	kstream-join --from envelope --to frames --stream A --table B --commit-interval 10ms <feed >out 2>err &
	pids=$!
	exec 7>feed
	/usr/bin/python3 -c '
for i in range(10000): print("{\"topic\":\"A\",\"key\":1,\"payload\":%d}" % i)' >&7
	await 20 grep -q "no record has been of 'B' so far, which --table names" err
	exec 7>&-
	status_of "$pids"
	refused 0 kstream-join
}

@test "join options: --only must not leave out a side" {
	sides R:a:1:1 L:a:2:2 >in
	try kstream-join --from envelope --to envelope --only L --stream L --table R in
	refused 64 kstream-join "--only leaves out 'R', which --table names"
	try kstream-join --from envelope --to envelope --only R,LL --stream L --table R in
	refused 64 kstream-join "--only leaves out 'L', which --stream names"
	try kstream-join --from envelope --to envelope --only L --stream L --stream L --within 1s in
	[ "$status" = 0 ] && [ -s out ] || fail ''
	try kstream-join --from envelope --to envelope --only X,L,R --stream L --table R in
	[ "$status" = 0 ] && [ "$(jq -c .payload out)" = '{"left":2,"right":1}' ] || fail ''
	printf '%s\n' '{"id":"a"}' >rows.jsonl
	try kstream-join --from envelope --to envelope --only L --stream L --global rows.jsonl --global-key .id in
	[ "$(tail -n 1 out | jq -c .payload)" = '{"left":2,"right":{"id":"a"}}' ] || fail ''
}

@test "join options: a run that goes on misses nobody who came in the run before" {
	sides B:a:1:1 >in
	run() { try kstream-join --from envelope --to envelope --app a --out result --stream A --table B in; }
	run
	refused 0 kstream-join "no record was of 'A'"
	sides B:a:1:1 A:a:2:2 >in
	run
	expect 0
	[ "$(jq -c .payload result)" = '{"left":2,"right":1}' ]
}

# hello STREAMS: frames whose HELLO tells of them
hello() {
	printf '%s\n' "HELLO {\"streams\":$1,\"instances\":${instances:-1}}" \
		'RECORD {"topic":"A","flags":1,"time":1,"key":"a","value":1}' 'BARRIER [1,"complete"]' 'END [1,"complete"]' | frames build
}

@test "join options: sides of another number of partitions, or of other keys, are refused with what to type" {
	join=(kstream-join -q --stream A --table B --to json)
	hello '[{"name":"A","partitions":6,"key":"string"},{"name":"B","partitions":4,"key":"string"}]' >in
	try "${join[@]}" in
	refused 78 kstream-join "'A' has 6 partitions and 'B' has 4, so records of one key are apart: put 'kstream-repartition --only B --partitions 6' before this tool"
	# The command does it.
	try_sh "kstream-repartition --only B --partitions 6 <in | ${join[*]}"
	expect 0 ''
	hello '[{"name":"A","partitions":6,"key":"json"},{"name":"B","partitions":6,"key":"string"}]' >in
	try "${join[@]}" in
	refused 78 kstream-join "keys of 'A' are 'json' and keys of 'B' are 'string', so equal ones are placed apart: put 'kstream-repartition --only B --partitions 6 --key-to json' before this tool"
	try_sh "kstream-repartition --only B --partitions 6 --key-to json <in | ${join[*]}"
	expect 0 ''
	# In one partition all meet; and what is not told is not judged.
	for streams in '[{"name":"A","partitions":1,"key":"json"},{"name":"B","partitions":1,"key":"string"}]' \
	    '[{"name":"A","partitions":6,"key":"json"},{"name":"B","partitions":0,"key":"json"}]' \
	    '[{"name":"A","partitions":6},{"name":"B","partitions":6,"key":"json"}]' '[{"name":"A","partitions":6}]' \
	    '[{"name":"A","partitions":-1},{"name":"B","partitions":"6"},7]' '[]'; do
		hello "$streams" >in
		try "${join[@]}" in
		expect 0 '' || fail "$streams"
	done
	# A new partition is spread over the instances: only a topic brings it together.
	instances=2 hello '[{"name":"A","partitions":6},{"name":"B","partitions":4}]' >in
	try "${join[@]}" in
	refused 78 kstream-join "'kstream-repartition --only B --through TOPIC --create-topics 6'"
}

@test "join options: keys of two types are told of when they show, with the record's place" {
	local text
	sides A:1:1:1 A:2:2:2 B:x:3:3 B:y:4:4 >in
	jq -c 'if .key == "x" then .key = "1" else . end' in >first
	mkfifo feed
	kstream-join --from envelope --to frames --stream A --table B <feed >out 2>err &
	pids=$!
	exec 7>feed
	cat first >&7
	await 20 grep -q . err
	exec 7>&-
	status_of "$pids"
	refused 0 kstream-join "B/0@2: its key is a string, and the key of a record of 'A' a number: they never meet; see --key and --key-from"
	try kstream-join -q --from envelope --to json --stream A --table B first
	expect 0 ''
	# 1.0 is none of whole numbers, but 2.5 may be one of the numbers that they are of.
	sides B:1.0:3:3 A:1:1:1 >in
	try kstream-join --from envelope --to json --stream A --table B in
	refused 0 kstream-join "its key is a number without a point, and the key of a record of 'B' a number with a point: they never meet"
	sides A:1:1:1 B:1.0:3:3 >in
	try kstream-join --from envelope --to json --stream A --table B in
	refused 0 kstream-join "its key is a number with a point, and the key of a record of 'A' a number without a point: they never meet"
	for text in 'A:1:1:1 B:2.5:3:3' 'A:2.5:1:1 B:1:3:3' 'A:2.5:1:1 B:1.0:3:3' 'A:1.0:1:1 B:1e2:3:3' 'A:1.0:1:1 B:2.5:3:3'; do
		# shellcheck disable=SC2086 # several records
		sides $text >in
		try kstream-join --from envelope --to json --stream A --table B in
		[ ! -s err ] || fail "$text"
	done
}
