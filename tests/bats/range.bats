#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# --since and --until, of files and frames.

load lib

setup() {
	cd "$BATS_TEST_TMPDIR"
	printf '{"t":%s}\n' 1 5 9 12 >in.json
}

refused() { # refused STATUS TEXT
	echo "$output"
	[ "$status" -eq "$1" ] && [ "${#lines[@]}" -eq 1 ] && [[ $output == *"$2"* ]]
}

t() { tr -dc '0-9\n' | tr '\n' ' '; }

@test "--since is in, --until is out; what is outside is counted" {
	run kstream-cat --from json --time .t --since @5 --until @12 --to json in.json
	[ "$output" = $'{"t":5}\n{"t":9}' ]
	kstream-cat -v --from json --time .t --since @5 --until @12 --to json in.json 2>err >/dev/null
	grep '4 in, 2 out, 2 dropped (out of time range 2)' err
	[ "$(kstream-cat --from json --time .t --since @5 -c 2 --to json in.json | t)" = "5 9 " ]
	[ "$(kstream-cat --from json --time .t --until now --to json in.json | t)" = "1 5 9 12 " ]
	[ "$(kstream-cat --from json --time .t --since -1h --to json in.json | t)" = "" ]
}

@test "--since and --until of frames, and of an envelope" {
	[ "$(kstream-cat --from json --time .t in.json | kstream-cat --until @9 --to json | t)" = "1 5 " ]
	kstream-cat --from json --time .t in.json | kstream-cat -v --since @9 --to json 2>err >/dev/null
	grep '4 in, 2 out, 2 dropped (out of time range 2)' err
	[ "$(kstream-cat --from json --time .t --to envelope in.json | kstream-filter --from envelope --since @9 '.t > 9' --to json | t)" = "12 " ]
}

@test "a record without time: refused, with its place, or where --on-error says" {
	run kstream-cat --from json --since @5 --to json in.json
	refused 65 "in.json:1: the record has no time for --since and --until (--time says where it is)"
	[ -z "$(kstream-cat --from json --since @5 --to json --on-error skip in.json)" ]
	run kstream-filter --from json --since @5 --to json .t in.json
	refused 65 "in.json:1: the record has no time"
	run bash -c 'kstream-cat --from json in.json 2>/dev/null | kstream-cat --until @9 --to json' # who writes may see its reader go
	refused 65 "in/0@0: the record has no time"
}

@test "what is no time, and a range that is empty: 64" {
	run kstream-cat --since 5 in.json
	refused 64 "--since '5' is not a time"
	run kstream-cat --until tomorrow in.json
	refused 64 "--until 'tomorrow' is not a time"
	run kstream-cat --since @5 --until @5 in.json
	refused 64 "--since is not before --until"
}
