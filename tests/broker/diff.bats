#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# kstream-diff of topics: of other partitions, with tombstones and what a transaction has taken back, against files. kcat writes them.

# shellcheck disable=SC2016,SC2154 # SC2154: what lib sets
bats_require_minimum_version 1.5.0
load lib

diff_() { timeout 60 "$bin/kstream-diff" -b "$b" "$@"; }

@test "topics are compared by key, whatever their partitions; a tombstone is no value, and of the range --since and --until choose" {
	"$topic" create "$t" 3
	"$topic" create "$t.new" 2
	seq 300 | sed 's/.*/k&:{"n":&}/' | kcat -P -b "$b" -t "$t" -K : -X partitioner=murmur2
	{ seq 300 | sed 's/.*/k&:{"n":0}/' && seq 300 | sed 's/.*/k&:{"n":&}/'; } | kcat -P -b "$b" -t "$t.new" -K : -X partitioner=murmur2
	run -0 diff_ -q "kafka:$t" "kafka:$t.new"
	[ -z "$output" ]
	printf 'k7:\nk300:{"n":301}\nk301:{"n":1}\n' | kcat -P -b "$b" -t "$t.new" -K : -Z -X partitioner=murmur2
	run -1 diff_ --to json "kafka:$t" "kafka:$t.new"
	[ "$(jq -c '[.cause, .key]' <<<"$output" | sort)" = $'["added","k301"]\n["changed","k300"]\n["removed","k7"]' ]
	# Keys of JSON text are text in a topic; a file's are made the same.
	seq 300 | sed 's/.*/{"k":"k&","n":&}/' >file
	run -1 diff_ --from json --to json --key '$key // .k' --value '.n' file "kafka:$t.new"
	[ "$(jq -c '[.cause, .key]' <<<"$output" | sort)" = $'["added","k301"]\n["changed","k300"]\n["removed","k7"]' ]
	run -0 diff_ -q --since now "kafka:$t" "kafka:$t.new"
	run -0 diff_ -q --until @1000 "kafka:$t" "kafka:$t.new"
	[ -z "$output" ]
}

@test "what a transaction has taken back does not count" {
	"$topic" create "$t" 1
	"$topic" create "$t.new" 1
	echo 'a:1' | kcat -P -b "$b" -t "$t" -K :
	echo 'a:1' | kcat -P -b "$b" -t "$t.new" -K :
	"$topic" abort "$t.new" 0 3 b
	run -0 diff_ -q "kafka:$t" "kafka:$t.new"
}

@test "no such topic, no broker: one line, of the kstream-cat that reads it" {
	"$topic" create "$t" 1
	run -78 diff_ "kafka:$t" "kafka:$t.none"
	[ "${#lines[@]}" -eq 1 ]
	[[ $output == "kstream-cat: "*"$t.none"* ]]
	run -64 "$bin/kstream-diff" "kafka:$t" "kafka:$t"
	[ "${#lines[@]}" -eq 1 ]
	run -69 timeout 60 "$bin/kstream-diff" -b localhost:1 --timeout 1s "kafka:$t" "kafka:$t"
	[ "${#lines[@]}" -eq 1 ]
}
