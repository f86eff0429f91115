#!/usr/bin/env bats
# The branches of kstream-branch on a real broker.

load lib.bash


read_all() { kcat -C -q -e -b "$b" -t "$1"; }

@test "errors of a log to one topic, the rest to another, both converted onward" {
	examples=$BATS_TEST_DIRNAME/../../scripts/examples
	PREFIX=$t. "$examples/log-priority" "$b"
	grep -c ' ERROR ' "$examples/kafka.log" >errors
	grep -vc ' ERROR ' "$examples/kafka.log" >others
	read_all "$t.logs-high" >high
	read_all "$t.logs-low" >low
	[ "$(cat errors)" -gt 0 ] && [ "$(wc -l <high)" -eq "$(cat errors)" ] && [ "$(wc -l <low)" -eq "$(cat others)" ]
	jq -r '"\(.at) \(.level) \(.text) (\(.logger))"' high | cmp - <(grep ' ERROR ' "$examples/kafka.log")
	jq -r '"\(.at) \(.level) \(.text) (\(.logger))"' low | cmp - <(grep -v ' ERROR ' "$examples/kafka.log")
	kcat -C -q -e -b "$b" -t "$t.alerts" -f '%k %s\n' | cmp - <(jq -r '"\(.logger) \({logger, text: (.text | sub("[0-9]+ ms"; "N ms"))} | tojson)"' high)
	read_all "$t.archive" | cmp - <(jq -c '{day: .at[:10], level, logger, text}' low)
}

@test "ten branches and a default: each record is in the topic of its branch, in order" {
	for i in 0 1 2 3 4 5 6 7 8; do branches+=("$t.$i: .n % 10 == $i"); done
	numbers 1 2000 | kstream-branch --from json "${branches[@]}" --default "$t.rest" | cat_ -b "$b" -P --route --create-topics 2
	for i in 0 3 8; do
		kcat -C -q -e -b "$b" -t "$t.$i" | sort >got
		numbers 1 2000 | jq -c "select(.n % 10 == $i)" | sort | cmp - got
	done
	kcat -C -q -e -b "$b" -t "$t.rest" | sort | cmp - <(numbers 1 2000 | jq -c 'select(.n % 10 == 9)' | sort)
}
