#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What the tools do when a call of the C library fails, each call in turn: tests/fault/inject.py.

inject() {
	local root=$BATS_TEST_DIRNAME/../..
	/usr/bin/python3 "$root/tests/fault/inject.py" "$KSTREAM_BIN/../fault/fail.so" "$@"
}

@test "fault: no memory" {
	inject alloc
}

@test "fault: a read or wait fails, is interrupted, or gives one byte" {
	inject read poll
}

@test "fault: a write fails, is interrupted, or takes one byte" {
	inject write close
}

@test "fault: a file, directory or lock cannot be opened, asked, moved or made safe" {
	inject open stat seek truncate mkdir fsync rename flock trylock pipe
}
