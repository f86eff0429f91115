#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154 # b and bin are set by lib.bash
# Exactly-once on three brokers, each of which dies once for as long as the pipeline needs to commit without it: the broker of the offsets,
# that of the transactions, and those of the topics among them.

load ../broker/lib

setup_file() {
	"$BATS_TEST_DIRNAME/../../scripts/kafka" up --cluster 3 --port 0 --dir "$BATS_FILE_TMPDIR/kafka" 3>&-
}

teardown_file() { "$BATS_TEST_DIRNAME/../../scripts/kafka" down --dir "$BATS_FILE_TMPDIR/kafka"; }

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	eval "$("$BATS_TEST_DIRNAME/../../scripts/kafka" env --dir "$BATS_FILE_TMPDIR/kafka")"
}

teardown() { :; }

@test "four stages go on without any one of three brokers, and the result is exact" {
	/usr/bin/python3 "$BATS_TEST_DIRNAME/../drill/drill.py" --broker "$KSTREAM_BROKER" --kafka "$BATS_FILE_TMPDIR/kafka" \
		--bin "${KSTREAM_BIN:?}" --query "$KSTREAM_BIN" --shape join --away 3
}
