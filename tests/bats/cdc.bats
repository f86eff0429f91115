#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# kstream-table --cdc: change events as Debezium wrote them (tests/vectors/debezium).

# shellcheck disable=SC2154
load lib

# recorded FILE TOPIC: the records as kstream-cat reads them from the topic: keys as text, values as JSON
recorded() {
	jq -c --arg topic "$2" 'select(.topic == $topic) | {topic, partition, offset, tstype: "create", ts: .timestamp, key, headers,
		payload: (.value | if . == null then null else fromjson end)}' "$root/tests/vectors/debezium/$1.jsonl"
}

# rows: id, zip and the beginning of bio of each result
rows() { jq -c '[.key.id, (.payload | if . == null then null else .zip, (.bio // "" | .[:4]) end)]'; }

profiles='[1,"10115",""]
[2,null,""]
[3,"5600",""]
[1,"10117",""]
[2,null]
[20,null,""]
[3,null,""]
[3,null]
[4,null,""]
[5,null,""]
[1,"10119",""]
[7,null,"long"]
[7,"07901","long"]'

@test "cdc: envelopes become rows and tombstones, each delete one" {
	recorded envelope envelope.public.profiles >in
	try_sh 'kstream-table -v --from envelope --cdc debezium --to envelope in 2>said'
	rows <out >shown
	[ "$(cat shown)" = "$profiles" ] || fail "$(cat shown)"
	grep -qF '15 in, 13 out, 2 dropped (after delete 2), 0 late' said
	# an id that changed is a delete and an insert; nothing is flagged, for the key is the same to Kafka
	[ "$(jq -c .flags out | sort -u)" = '[]' ] || fail ''
	# when it was committed, not when it was written
	[ "$(jq -s '[.[].ts] == (sort_by(.offset) | [.[].ts])' out)" = true ] || fail ''
	[ "$(jq -c 'select(.key.id == 4) | .ts' out)" = 1795382642750 ] || fail ''
}

@test "cdc: the same out of schema and payload; the key is another one then" {
	recorded profiles schema.public.profiles >in
	try kstream-table --from envelope --cdc debezium --to envelope in
	rows <out >shown
	[ "$(cat shown)" = "$profiles" ] || fail "$(cat shown)"
	[ "$(jq -c .flags out | sort -u)" = '["key-changed"]' ] || fail ''
	# a null payload is a delete
	printf '%s\n' '{"key":{"schema":{},"payload":{"id":1}},"payload":{"schema":{},"payload":{"op":"c","after":{"id":1}}}}' \
		'{"key":{"schema":{},"payload":{"id":1}},"payload":{"payload":null,"schema":{}}}' >in
	try kstream-table --from envelope --cdc debezium --changes --to json in
	expect 0 '[{"id":1},null,true]
[null,{"id":1},true]'
}

@test "cdc: the old row of a change is the whole one, whatever before holds" {
	recorded envelope envelope.public.profiles >in
	try_sh "kstream-table --from envelope --cdc debezium --changes --to json in | jq -c 'map(.zip?)'"
	[ "$(sed -n '4p;7p' out)" = '["10117","10115"]
[null,"5600"]' ] || fail ''
	try_sh "kstream-table --from envelope --cdc debezium --changes --to json in | jq -c '.[1].name?'"
	[ "$(sed -n 8p out)" = '"Edsger"' ] || fail ''
}

@test "cdc: a column that was not sent is that of the old row, or stays with a warning" {
	recorded envelope envelope.public.profiles | grep -F '{\"id\":7}' >seven
	try_sh "kstream-table --from envelope --cdc debezium --to json seven | jq '.bio | length'"
	expect 0 $'2500\n2500'
	try_sh "tail -n 1 seven | kstream-table --from envelope --cdc debezium --to json 2>said | jq -r .bio"
	expect 0 __debezium_unavailable_value
	grep -q 'did not send.*__debezium_unavailable_value' said
	# bytes in base64 and hex, an array
	printf '%s\n' '{"key":{"id":1},"payload":{"op":"c","after":{"a":"x","b":"y","c":["z"],"d":1}}}' \
		'{"key":{"id":1},"payload":{"op":"u","after":{"a":"X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ==","b":"5f5f646562657a69756d5f756e617661696c61626c655f76616c7565","c":["__debezium_unavailable_value"],"d":2}}}' >in
	try kstream-table --from envelope --cdc debezium --to json in
	expect 0 '{"a":"x","b":"y","c":["z"],"d":1}
{"a":"x","b":"y","c":["z"],"d":2}'
}

@test "cdc: events that come again are seen by their place in the log" {
	recorded envelope envelope.public.profiles >once
	{
		cat once
		tail -n +3 once
	} >twice
	kstream-table --from envelope --cdc debezium --dump --to envelope once | jq -c '[.key, .payload]' >first
	kstream-table -v --from envelope --cdc debezium --dump --to envelope twice 2>said | jq -c '[.key, .payload]' >second
	cmp first second
	grep -qE 'seen before [1-9]' said
	# the row of a snapshot is taken, whatever stands before it
	printf '{"key":{"id":1},"payload":{"op":"%s","after":{"v":%s},"source":{"lsn":%s}}}\n' c 1 10 u 2 12 u 1 11 u 1 12 r 3 5 u 4 6 >in
	try kstream-table --from envelope --cdc debezium --to json in
	expect 0 '{"v":1}
{"v":2}
{"v":3}
{"v":4}'
}

@test "cdc: a table that was emptied is refused, ignored or cleared" {
	recorded envelope envelope.public.profiles_full >in
	try kstream-table --from envelope --cdc debezium --to json in
	[ "$status" = 65 ] || fail ''
	[[ "$(cat err)" == 'kstream-table: envelope.public.profiles_full/0@12: the table was truncated: --on-truncate'* ]] || fail ''
	try_sh 'kstream-table --from envelope --cdc debezium --on-truncate ignore --dump --to envelope in | jq -c .key.id'
	expect 0 $'1\n7\n8\n20'
	try_sh 'kstream-table --from envelope --cdc debezium --on-truncate clear --dump --to envelope in | jq -c .key.id'
	expect 0 8
	try_sh 'kstream-table --from envelope --cdc debezium --on-truncate clear --to envelope in | jq -c "select(.offset == 12) | [.key.id, .payload]"'
	expect 0 '[1,null]
[7,null]
[20,null]'
}

@test "cdc: a table without a key, a heartbeat and a transaction are refused, a message is let go" {
	recorded envelope envelope.public.audit >in
	try kstream-table --from envelope --cdc debezium --to json in
	refused 65 kstream-table 'envelope.public.audit/0@0: the event has no key'
	recorded envelope __debezium-heartbeat.envelope >in
	try kstream-table --from envelope --cdc debezium --to json in
	refused 65 kstream-table 'no change event'
	recorded envelope envelope.transaction >in
	try kstream-table --from envelope --cdc debezium --to json in
	refused 65 kstream-table 'no change event'
	recorded envelope envelope.message >in
	try kstream-table -v --from envelope --cdc debezium --to json in
	[ "$status" = 0 ] && grep -qF 'dropped (message 1)' err || fail ''
}

@test "cdc: what is no event is refused, one by one" {
	local value
	for value in 1 '"x"' '[]' '{}' '{"op":1}' '{"op":"x","after":{}}' '{"op":"cc","after":{}}' '{"op":"c"}' '{"op":"u","after":null}' '{"op":"c","after":[]}' \
		'{"schema":{},"payload":7}'; do
		printf '{"topic":"t","partition":0,"offset":3,"key":{"id":1},"payload":%s}\n' "$value" >in
		try kstream-table --from envelope --cdc debezium --to json in
		refused 65 kstream-table 't/0@3' || fail "$value"
	done
	# a key that is text, but no JSON, is a key
	printf '%s\n' '{"key":"{x","payload":{"op":"c","after":{"v":1}}}' '{"key":"k","payload":{"op":"c","after":{"v":2}}}' >in
	try_sh 'kstream-table --from envelope --cdc debezium --to envelope in | jq -c .key'
	expect 0 $'"{x"\n"k"'
}

@test "cdc: rows that were unwrapped need none of it" {
	recorded flat flat.public.profiles >in
	try_sh 'kstream-table --from envelope --dump --to envelope in | jq -c .key'
	expect 0 '"{\"id\":1}"
"{\"id\":4}"
"{\"id\":5}"
"{\"id\":7}"
"{\"id\":20}"'
	recorded rewrite rewrite.public.profiles >in
	try_sh "kstream-filter --from envelope --tombstone '.__deleted != \"true\"' in | kstream-table --dump | kstream-cat --to envelope | jq -c .payload.id"
	expect 0 $'1\n4\n5\n7\n20'
}
