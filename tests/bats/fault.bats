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
	inject open stat seek truncate mkdir fsync rename flock trylock pipe spawn
}

@test "fault: what is rejected, and what is made, is safe before a position is committed" {
	cd "$BATS_TEST_TMPDIR"
	export KSTREAM_STATE_DIR=state/a/b
	printf '1\nx\n2\n' >in
	syncs() { # syncs ARGUMENT...: how many calls of fsync
		rm -rf out rejects report
		ASAN_OPTIONS=$ASAN_OPTIONS:verify_asan_link_order=0 LD_PRELOAD="$KSTREAM_BIN/../fault/fail.so" FAULT_REPORT=report kstream-cat --app t --from json --to json --out out "$@" in
		sed -n 's/^fsync //p' report
	}
	made=$(syncs --on-error skip) # five directories, too
	rm -r state
	mkdir -p state/a/b/t/0
	[ "$made" -eq $(($(syncs --on-error skip) + 5)) ]
	rm -r state
	[ "$(syncs --on-error file:rejects)" -gt "$made" ]
}

@test "fault: a signal that comes before kstream-cat runs is passed on to it" {
	cd "$BATS_TEST_TMPDIR"
	mkdir stub
	cp "$KSTREAM_BIN/kstream-filter" stub/
	printf '1\n2\n' | kstream-cat --from json --end paused >frames
	cat >stub/kstream-cat <<-'E'
		#!/usr/bin/python3
		import signal, sys
		if signal.sigtimedwait({signal.SIGTERM}, 5) is None:
		    sys.exit("no signal has come")
		sys.stdout.buffer.write(open("frames", "rb").read())
	E
	chmod +x stub/kstream-cat
	run env --default-signal LD_PRELOAD="$KSTREAM_BIN/../fault/fail.so" FAULT='spawn 1 0 0' FAULT_REPORT=report ASAN_OPTIONS=verify_asan_link_order=0 \
		stub/kstream-filter --in kafka:t --to json '. > 1'
	echo "$status: $output"
	grep 'struck spawn' report
	[ "$status" = 0 ] && [ "$output" = 2 ]
}
