#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# scripts/new-filter: what it writes builds, runs and passes its own tests, in a copy of the tree.

bats_require_minimum_version 1.5.0

setup_file() {
	local root build
	root=$(realpath "$BATS_TEST_DIRNAME/../..")
	build=${KSTREAM_BIN:-$root/build/bin}
	build=${build%/bin}
	mode=${build##*/}
	if [ "$mode" = build ]; then mode=; fi
	export mode
	export tree=$BATS_FILE_TMPDIR/tree
	mkdir -p "$tree/tests/bats" "$tree/build/$mode"
	cp -a "$root/Makefile" "$root/bin" "$root/lib" "$root/man" "$root/scripts" "$tree/"
	# With the objects and their times make has one file to compile.
	cp -a "$build/obj" "$build/libkstream.a" "$build/bin" "$tree/build/$mode/"
	cd "$tree" || return
	scripts/new-filter every-other >made
	make -s MODE="$mode" "build/${mode:+$mode/}bin/kstream-every-other" >make.out 2>&1 || {
		cat make.out
		return 1
	}
}

setup() {
	cd "$tree" || return
	export PATH=$tree/build/${mode:+$mode/}bin:$PATH
	export BUILD=build${mode:+/$mode} KSTREAM_BIN=$tree/build/${mode:+$mode/}bin
}

@test "it writes the tool, its page and its tests, and says what to do next" {
	[ -f bin/kstream-every-other.c ]
	[ -f man/kstream-every-other.1 ]
	[ -f tests/bats/every-other.bats ]
	grep -qx '\.It Xr kstream-every-other 1' man/kstream.7
	grep -q 'make && scripts/run-tests tests/bats/every-other.bats' made
}

@test "the filter compiles without a warning" {
	run ! grep -i warning make.out
}

@test "records go through it" {
	printf '%s\n' '{"n":1}' '{"n":2}' '{"n":3}' '{"n":4}' | kstream-cat --from json |
		kstream-every-other --every 2 | kstream-cat --to json >out
	diff - out <<<$'{"n":2}\n{"n":4}'
}

@test "its own tests pass" {
	run -0 bats --formatter tap tests/bats/every-other.bats
	[ "${lines[0]}" = 1..8 ]
}

@test "its page passes check-man, which finds what is wrong with it" {
	run -0 scripts/check-man man/kstream-every-other.1
	sed -i 's/^4$/5/' man/kstream-every-other.1
	run -1 scripts/check-man man/kstream-every-other.1
	[[ $output == *"man/kstream-every-other.1:"*"prints something else"* ]]
	sed -i 's/^5$/4/; s/^\.Op Fl -every Ar N$/.Op Fl -each Ar N/' man/kstream-every-other.1
	run -1 scripts/check-man man/kstream-every-other.1
	[[ $output == *"SYNOPSIS is 'kstream-every-other [--each N] [FILE ...]', but --help says 'kstream-every-other [--every N] [FILE ...]'"* ]]
	sed -i 's/^\.Op Fl -each Ar N$/.Op Fl -every Ar N/; s/^\.It Fl -every/.It Fl -often/' man/kstream-every-other.1
	run -1 scripts/check-man man/kstream-every-other.1
	[[ $output == *"the option --every of the table is not an item of it"* ]]
	[[ $output == *"it has an item --often, which is not in the table"* ]]
}

@test "its page is clean mdoc" {
	mandoc -Tlint -Wstyle man/kstream-every-other.1 | grep -v 'referenced manual not found\|outdated mandoc.db' >lint || :
	diff /dev/null lint
}

@test "its source passes check-floors, which finds what is wrong with it" {
	scripts/check-floors >floors || :
	run ! grep every-other floors
	cp bin/kstream-every-other.c kept
	printf '#include "op.h"\nstatic void f(char *a) { strcpy(a, "atoi(1)"); }\n' >>bin/kstream-every-other.c
	run -1 scripts/check-floors
	mv kept bin/kstream-every-other.c
	[[ $output == *'bin/kstream-every-other.c:'*': outside lib/ it is included as "lib/op.h"'* ]]
	[[ $output == *'bin/kstream-every-other.c:'*': strcpy() is called nowhere'* ]]
	[[ $output != *atoi* ]]
}

@test "check-floors: a floor that is climbed, an impure call, a file that is not listed, one too long" {
	cp -a lib/window.c lib/FLOORS .
	printf '#include "op.h"\nlong f(void) { return time(0); }\n' >>lib/window.c
	echo >lib/stray.c
	yes | head -n 551 >lib/long.h
	sed -i 's/^\(1 .*\)$/\1 long gone/' lib/FLOORS
	run -1 scripts/check-floors
	mv window.c FLOORS lib/
	rm lib/stray.c lib/long.h
	[[ $output == *'lib/window.c:'*': window.c is on floor 3 and includes "op.h" of floor '* ]]
	[[ $output == *'lib/window.c:'*': floor 3 is pure: no time()'* ]]
	[[ $output == *"lib/stray.c:1: 'stray' is on no floor of lib/FLOORS"* ]]
	[[ $output == *'lib/long.h:551: longer than 550 lines'* ]]
	[[ $output == *'lib/FLOORS:'*': there is no lib/gone.c or .h'* ]]
}

@test "a second time: 73, and nothing is touched" {
	cp -a bin man tests "$BATS_TEST_TMPDIR/"
	run -73 scripts/new-filter every-other
	[ "$output" = 'new-filter: bin/kstream-every-other.c exists' ]
	diff -r bin "$BATS_TEST_TMPDIR/bin"
	diff -r man "$BATS_TEST_TMPDIR/man"
	run -73 scripts/new-filter filter
}

@test "names that are none: 64, one line" {
	for name in '' Upper 1st a_b 'a b' ../a a/b a- a--b -a kstream-x kstream ä 'a;b' aaaaaaaaaaaaaaaaaaaaaaaaa; do
		run -64 scripts/new-filter "$name"
		[ "${#lines[@]}" -eq 1 ]
	done
	run -64 scripts/new-filter
	run -64 scripts/new-filter a b
}
