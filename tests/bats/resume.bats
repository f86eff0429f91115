#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Where a run with --app goes on, and what it refuses to go on with.

load lib

copy() { # copy ARGUMENT...: what the app t has not read yet of those files
	try kstream-cat --app t --from json --to json "$@"
}

@test "resume: a state directory that cannot be used is for a person to mend" {
	echo 1 >in.json
	echo >file
	copy --state-dir file in.json
	refused 78 kstream-cat '--state-dir'
	copy --state-dir file/below in.json
	refused 78 kstream-cat '--state-dir'
	kstream-cat --app t --from json in.json >stream
	try_sh 'cat stream | kstream-cat --state-dir file --to json'
	refused 78 kstream-cat '--state-dir'
	# Another one than that of the source: the same happens each time.
	try_sh 'cat stream | kstream-cat --state-dir other --to json'
	refused 78 kstream-cat 'the same --state-dir'
	[ ! -s out ]
	try_sh 'cat stream | kstream-cat --to json' # the right one: it went to the ledger as a file, so it is committed
	refused 75 kstream-cat 'epoch'
}

@test "resume: a full disk ends the run, and what stood in the ledger stands there" {
	echo 1 >in.json
	copy in.json
	cp state/t/0/ledger before
	echo 2 >>in.json
	try_sh "(ulimit -f 0; trap '' XFSZ; kstream-cat --app t --from json --to json in.json 2>&1) | cat >&2"
	refused 74 kstream-cat 'ledger'
	cmp before state/t/0/ledger
	copy in.json
	expect 0 2
}
