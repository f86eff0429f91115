#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What a topic holds of a record (kstream(7)), judged by kcat and by reading it back; --unwrap; tables to and from topics.

bats_require_minimum_version 1.5.0
load lib

@test "a raw topic keeps null, empty and bytes apart, in keys, values and headers" {
	cat >in <<-'END'
		{"ts":5000,"key":null,"payload":null}
		{"ts":5001,"key":"","payload":"","headers":[["",""],["h","v"],["h",null],["h","/w==","base64"],["h","v"]]}
		{"ts":5002,"key":"/w==","key_encoding":"base64","payload":"/wo=","payload_encoding":"base64"}
		{"ts":5003,"key":"k","payload":null}
		{"ts":5004,"key":null,"payload":"v"}
	END
	cat_ --from envelope --to raw -b "$b" -P -t "$t" --create-topics 1 in
	kcat -C -q -e -b "$b" -t "$t" -f '%T %K %S %h\n' | od -An -c -v -w200 | tr -d ' ' >got
	printf '%s' '5000-1-1\n500100=,h=v,h=NULL,h=377,h=v\n500212\n50031-1\n5004-11\n' | diff - <(tr -d '\n' <got)
	# Read back it is what was written, an empty string being empty bytes to a topic.
	cat_ -b "$b" -t "$t" --from raw --key-from raw -e --to envelope | jq -c '[.ts, .key, .key_encoding, .headers, .payload, .payload_encoding]' >got
	diff - got <<-'END'
		[5000,null,null,[],null,null]
		[5001,"","base64",[["",""],["h","v"],["h",null],["h","/w==","base64"],["h","v"]],"","base64"]
		[5002,"/w==","base64",[],"/wo=","base64"]
		[5003,"aw==","base64",[],null,null]
		[5004,null,null,[],"dg==","base64"]
	END
	cat_ -b "$b" -t "$t" --from raw -e | cat_ --to envelope | jq -c .key | tr '\n' ' ' >got
	[ "$(cat got)" = 'null "" "/w==" "k" null ' ]
}

@test "a topic of JSON keeps a tombstone, and of the key of a window its text" {
	printf '%s\n' '{"ts":1,"key":{"key":"A","start":0,"end":60000},"flags":["window"],"payload":{"n":1}}' '{"ts":2,"key":"k","payload":null}' '{"ts":3,"key":7,"payload":""}' |
		cat_ --from envelope -b "$b" -P -t "$t" --create-topics 1
	kcat -C -q -e -Z -b "$b" -t "$t" -f '%k %s\n' | diff - <(printf '{"key":"A","start":0,"end":60000} {"n":1}\nk NULL\n7 ""\n')
	cat_ -b "$b" -t "$t" -e --to envelope | jq -c '[.flags, .key, .payload]' >got
	printf '%s\n' '[[],"{\"key\":\"A\",\"start\":0,\"end\":60000}",{"n":1}]' '[[],"k",null]' '[[],"7",""]' | diff - got
	cat_ -b "$b" -t "$t" -e --key-from json --on-error skip --to envelope | jq -c .key >got
	printf '%s\n' '{"key":"A","start":0,"end":60000}' 7 | diff - got
}

@test "rows go to a topic, and come from it; a topic of rows there is not" {
	printf 'id,text\n1,"a\nb"\n2,\n' >in.csv
	cat_ --from csv --key .id in.csv --out "kafka:$t" -b "$b" --create-topics 1
	kcat -C -q -e -b "$b" -t "$t" -f '%k %s\n' | diff - <(printf '1 {"id":1,"text":"a\\nb"}\n2 {"id":2,"text":null}\n')
	cat_ -b "$b" -t "$t" -e --to csv | diff - in.csv
	"$bin/kstream-filter" -b "$b" --in "kafka:$t" -e --to csv --columns text '.id == 1' | diff - <(printf 'text\n"a\nb"\n')
	run cat_ -b "$b" -t "$t" -e --from csv --to json
	refused 64 'values of a topic are --from json or --from raw'
	run cat_ -b "$b" -P -t "$t" --from json --to csv in.csv
	refused 64 'values of a topic are --to json or --to raw'
}

@test "what Connect wrapped is unwrapped where it is read, key and value, in every way of reading" {
	local from=$BATS_TEST_DIRNAME/../vectors/debezium/schema.jsonl
	"$topic" create "$t" 1
	# kcat writes the text that Connect wrote.
	jq -r '"\(.key // "")\t\(.value // "")"' "$from" | kcat -P -Z -K '\t' -b "$b" -t "$t"
	printf '{"schema":{},"payload":3}' | kcat -P -k 'plain key' -b "$b" -t "$t"
	printf '{"schema":{},"payload":4}' | kcat -P -k '{"id":7}' -b "$b" -t "$t"
	{
		jq -c '[(.key // "null" | fromjson | .payload), (.value // "null" | fromjson | .payload)]' "$from"
		printf '%s\n' '["plain key",3]' '["{\"id\":7}",4]'
	} >want
	cat_ -b "$b" -t "$t" -e --unwrap --to envelope | jq -c '[.key, .payload]' | diff want -
	"$bin/kstream-filter" -b "$b" --in "kafka:$t" -e --unwrap --to envelope true | jq -c '[.key, .payload]' | diff want -
	cat_ -b "$b" -t "$t" -e --unwrap --to json | jq -c . | diff <(jq -c '.[1]' want) -
	cat_ -b "$b" -t "$t" -e --unwrap -C | jq -c . >got # an empty line for a tombstone, as kcat -C
	jq -c '.[1] // empty' want | diff - got
	cat_ -b "$b" -t "$t" -e --unwrap -J | jq -c '.payload // "null" | fromjson' | diff <(jq -c '.[1]' want) -
	cat_ -b "$b" -t "$t" -e --unwrap --time '.source.ts_ms' --on-bad-time append --to envelope | jq -c .ts | sed -n '2,4p' |
		diff <(jq -r '.value // "null"' "$from" | jq -c 'select(.payload.source) | .payload.source.ts_ms') -
	echo '{"payload":1}' | kcat -P -b "$b" -t "$t"
	run cat_ -b "$b" -t "$t" -e --unwrap --to json -o -1
	refused 65 "$t/0@7: the value is no {\"schema\": ..., \"payload\": ...} and nothing else (--unwrap)"
	run cat_ -b "$b" -t "$t" -e --unwrap --from raw
	refused 64 '--unwrap is about values that are JSON'
}
