#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The examples of the pages that need Kafka, with the broker of KSTREAM_BROKER.

bats_require_minimum_version 1.5.0

@test "every example of every page runs, those with Kafka too, and gives what the page shows" {
	: "${KSTREAM_BROKER:?is set by scripts/run-tests tests/broker/man.bats}"
	cd "$BATS_TEST_DIRNAME/../.."
	run scripts/check-man
	echo "$output"
	[ "$status" -eq 0 ]
	[[ ${lines[-1]} == *", 0 for Kafka "* ]]
}
