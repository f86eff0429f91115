#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The tools against Kafka Streams: tests/conformance.  The tools must be in PATH.

bats_require_minimum_version 1.5.0
export BATS_TEST_TIMEOUT=600 # Java starts, and makes stores for 1,000 cases


setup() {
	root=$BATS_TEST_DIRNAME/../..
	python=${PYTHON:-python3}
	cd "$BATS_TEST_TMPDIR" || return
}

@test "conformance: the oracle's model gives what Kafka Streams gave" {
	run -0 "$python" "$root/tests/oracle/model.py" "$root/tests/conformance/random.jsonl"
	"$python" "$root/tests/oracle/vectors.py" cases >cases.jsonl
	"$python" "$root/tests/oracle/model.py" --run cases.jsonl >results.jsonl
	run -0 "$python" "$root/tests/oracle/vectors.py" check results.jsonl
}

@test "conformance: as Kafka Streams, its own vectors, random cases, and where we differ" {
	"$python" "$root/tests/conformance/run.py"
}

# One Java for all: the cases of differences.jsonl are asked again, too.
@test "conformance: as Kafka Streams, 500 cases and 500 of joins that are made now" {
	local group kinds
	seed=${KSTREAM_ORACLE_SEED:-1} # other ones: make oracle
	for group in others joins; do
		read -r -a kinds <<<"$("$python" "$root/tests/conformance/mapping.py" $group)"
		echo "again: make oracle SEED=$seed CASES=500 KINDS='${kinds[*]}'"
		"$root/tests/oracle/oracle" -g "$seed" 500 "${kinds[@]}" >>cases
	done
	[ "$(wc -l <cases)" = 1000 ]
	jq -c 'del(.out, .dropped)' "$root/tests/conformance/differences.jsonl" >>cases
	"$root/tests/oracle/oracle" - <cases >results
	[ "$(wc -l <results)" = "$(wc -l <cases)" ]
	"$python" "$root/tests/conformance/run.py" results >out || {
		cat out
		return 1
	}
}

@test "conformance: inner joins as a reference that looks at every pair, and whatever the order of arrival" {
	"$python" "$root/tests/conformance/joins.py" 1 2
}

@test "conformance: a difference on purpose is one, by its rule, and in the tools" {
	local stored=$root/tests/conformance/differences.jsonl
	# the rule makes what is ours; the tools do it; Kafka Streams does not
	jq -c 'select(.id == "suppress-session") | .ours[0][2] = 7' "$stored" >case
	run -1 "$python" "$root/tests/conformance/run.py" case
	[[ "$output" == *'which is not ours'* ]]
	jq -c 'select(.id == "suppress-session") | .out = (.ours | map([0] + .))' "$stored" >case
	run -1 "$python" "$root/tests/conformance/run.py" case
	# each rule has a case
	"$python" -c 'import sys; sys.path.insert(0, sys.argv[1]); import differences; print("\n".join(r[0] for r in differences.RULES))' \
		"$root/tests/conformance" | sort >rules
	jq -r '.rules // [] | .[]' "$stored" | sort -u | cmp - rules
}

@test "conformance: a result that differs, a drop that is not counted and a kind without a tool are found" {
	printf '%s\n' '{"id":"a","op":{"kind":"mapValues","fn":"double"},"in":[["in","k",1,5]],"out":[[0,"out","k",3,5]],"dropped":0}' >case
	run -1 "$python" "$root/tests/conformance/run.py" case
	[[ "$output" == *'result 0: ["out", "k", 2, 5]'* ]]
	printf '%s\n' '{"id":"b","op":{"kind":"mapValues","fn":"double"},"in":[["in","k",1,5]],"out":[[0,"out","k",2,6]],"dropped":0}' >case
	run -1 "$python" "$root/tests/conformance/run.py" case
	printf '%s\n' '{"id":"c","op":{"kind":"mapValues","fn":"double"},"in":[["in","k",1,5]],"out":[[0,"out","k",2,5]],"dropped":0}' >case
	run -0 "$python" "$root/tests/conformance/run.py" case
	printf '%s\n' '{"id":"d","op":{"kind":"aggregate","agg":"count","window":{"type":"tumbling","size":10,"grace":0}},"in":[["in",null,1,5],["in","k",1,5]],"out":[[1,"out",{"key":"k","start":0,"end":10},1,5]],"dropped":0}' >case
	run -1 "$python" "$root/tests/conformance/run.py" case
	[[ "$output" == *'1 dropped or late'* ]]
	printf '%s\n' '{"id":"e","op":{"kind":"teleport"},"in":[],"out":[]}' >>case
	run -1 "$python" "$root/tests/conformance/run.py" case
	[[ "$output" == *'no tool for teleport'* ]]
	printf '%s\n' '{"id":"f","op":{"kind":"mapValues","fn":"double","twice":true},"in":[],"out":[]}' >case
	run -1 "$python" "$root/tests/conformance/run.py" case
	[[ "$output" == *'nobody knows what twice is'* ]]
}
