# SPDX-License-Identifier: MIT
# What the tests of --app between topics share, behind lib.bash: an app and a state directory of each test's own.
# shellcheck shell=bash disable=SC2034,SC2154

bats_require_minimum_version 1.5.0

setup() {
	setup_test || return
	app=$t
	export KSTREAM_STATE_DIR=$BATS_TEST_TMPDIR/state
}

copy() { "$bin/kstream-cat" -b "$b" --in "kafka:$t" --out "kafka:$t.out" --create-topics 1 --app "$app" -e "$@"; }

write() { numbers "$1" "$2" | kcat -P -b "$b" -t "$t" "${@:3}"; } # write FIRST LAST [OPTION...]: numbers into the topic

written() { kcat -C -q -e -b "$b" -t "${1:-$t.out}" -f '%s\n' | sort -V; }
