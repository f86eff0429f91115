#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# kstream-join of topics. kcat makes them and judges.

# shellcheck disable=SC2154 # what lib sets
load lib

put() { kcat -P -b "$b" -t "$1" -K : -Z -X partitioner=murmur2; } # rows KEY:VALUE of stdin

# sides LEFT RIGHT: topics $t.l and $t.r of so many partitions, with 500 records of 100 keys and a row for every other key
sides() {
	"$topic" create "$t.l" "$1"
	"$topic" create "$t.r" "$2"
	seq 0 2 99 | awk '{ print "k" $1 ":{\"row\":" $1 "}" }' | put "$t.r"
	seq 500 | awk '{ print "k" $1 % 100 ":{\"n\":" $1 "}" }' | put "$t.l"
	/usr/bin/python3 -c '
for n in range(1, 501):
    if n % 2 == 0: print("k%d %d %d" % (n % 100, n, n % 100))' | sort >want
}

read_both() { timeout 60 "$bin/kstream-cat" -b "$b" -t "$t.r" -t "$t.l" -e --order time; } # the rows were there first

@test "topics of another number of partitions are refused before the first record, with the command that mends it" {
	sides 6 4
	run bash -c "'$bin/kstream-cat' -b '$b' -t '$t.l' -t '$t.r' -e 2>/dev/null | '$bin/kstream-join' --stream '$t.l' --table '$t.r' --to json"
	echo "$output"
	[ "$status" -eq 78 ] && [ "${#lines[@]}" -eq 1 ]
	command="kstream-repartition --only $t.r --partitions 6"
	[[ $output == "kstream-join: '$t.l' has 6 partitions and '$t.r' has 4, so records of one key are apart: put '$command' before this tool" ]]
	# Moved records have lost their order among partitions: with a grace they wait for the rows of their time.
	# shellcheck disable=SC2086 # the command has several words
	read_both | PATH=$bin:$PATH $command | "$bin/kstream-join" --stream "$t.l" --table "$t.r" --versioned 1h --grace 1h --to envelope |
		jq -r '"\(.key) \(.payload.left.n) \(.payload.right.row)"' | sort | diff want -
}

@test "topics of as many partitions are joined, from Kafka to Kafka, and results keep their partitions" {
	sides 3 3
	read_both | timeout 60 "$bin/kstream-join" --stream "$t.l" --table "$t.r" | "$bin/kstream-cat" -b "$b" -P -t "$t.out" --create-topics 3
	kcat -C -q -e -b "$b" -t "$t.out" -f '%k %s\n' | jq -r -R 'split(" ") | .[0] as $k | .[1] | fromjson | "\($k) \(.left.n) \(.right.row)"' | sort | diff want -
	kcat -C -q -e -b "$b" -t "$t.out" -f '%k %p\n' | sort -u >out
	kcat -C -q -e -b "$b" -t "$t.l" -f '%k %p\n' | sort -u | join out - | awk '$2 != $3 { exit 1 }'
}
