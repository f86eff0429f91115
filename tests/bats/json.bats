#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The JSON codec through the real kstream-cat, which must be in PATH.  Expected
# results come from Python's json and jq: see tests/vectors/json/README.md.

setup() {
	vectors="$BATS_TEST_DIRNAME/../vectors/json"
	command -v kstream-cat >/dev/null || {
		echo "kstream-cat is not in PATH"
		return 1
	}
}

py() {
	script=$1
	shift
	"${PYTHON:-python3}" "$vectors/$script" "$@"
}

# A failing case prints its name; a group without cases fails.
check_group() {
	py run.py "$1"
}

@test "json: every group of cases has a test in this file" {
	tested=$(sed -n 's/^	check_group \([a-z0-9]*\)$/\1/p' "$BATS_TEST_FILENAME" | sort)
	listed=$(py run.py --list | sort)
	[ -n "$listed" ]
	[ "$tested" = "$listed" ]
}

@test "json: the stored vectors are what make.py makes" {
	py make.py --check
}

@test "json: structure" {
	check_group structure
}

@test "json: white space" {
	check_group space
}

@test "json: numbers" {
	check_group number
}

@test "json: literals" {
	check_group literal
}

@test "json: strings and escapes" {
	check_group string
}

@test "json: UTF-8" {
	check_group utf8
}

@test "json: what stops a scan, at every offset of a string" {
	check_group offset
}

@test "json: duplicate keys" {
	check_group duplicate
}

@test "json: depth" {
	check_group depth
}

@test "json: sizes about the bounds of msgpack headers" {
	check_group limit
}

@test "json: documents cut at every byte" {
	check_group truncated
}

@test "json: documents too big to store" {
	py run.py big
}

@test "json: random documents print as Python prints them" {
	py run.py docs
}

@test "json: random documents print as jq prints them" {
	py run.py jq-docs
}

@test "json: generated documents, differential" {
	for seed in 7 8 9; do
		py diff.py "$seed" 2000 >"$BATS_TEST_TMPDIR/in"
		py diff.py "$seed" 2000 --expect >"$BATS_TEST_TMPDIR/expected"
		[ "$(wc -l <"$BATS_TEST_TMPDIR/expected")" -eq 2000 ]
		kstream-cat --from json --to json <"$BATS_TEST_TMPDIR/in" >"$BATS_TEST_TMPDIR/out"
		diff "$BATS_TEST_TMPDIR/expected" "$BATS_TEST_TMPDIR/out"
	done
}

@test "json: damaged documents, differential: taken and refused as Python does" {
	for seed in 7 8 9; do
		py diff.py "$seed" 4000 --mutate >"$BATS_TEST_TMPDIR/in"
		py diff.py "$seed" 4000 --mutate --expect >"$BATS_TEST_TMPDIR/expected"
		[ "$(wc -l <"$BATS_TEST_TMPDIR/expected")" -gt 400 ]
		kstream-cat --from json --to json --on-error=skip <"$BATS_TEST_TMPDIR/in" >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err"
		diff "$BATS_TEST_TMPDIR/expected" "$BATS_TEST_TMPDIR/out"
	done
}
