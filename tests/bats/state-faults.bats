#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# State on a disk that fails, and of tools that are killed at any call that changes a file: tests/fault/epochs.py.

load lib

# Berkeley DB keeps some of its memory where it cannot open its files, and the tool ends there: no leak of ours is looked for.
export ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=0

epochs() { # epochs ERRNO COMMAND...
	cd "$BATS_TEST_TMPDIR" || exit
	/usr/bin/python3 "$BATS_TEST_DIRNAME/../fault/epochs.py" "$KSTREAM_BIN/../fault/fail.so" "$1" "${@:2}" --from json --time .t --key .k \
		--to envelope --app a --state-dir state --out out
}

@test "state faults: kstream-window, killed over twelve epochs" {
	epochs 0 kstream-window --in in --tumble 10s --grace 1s 'n=count()' 'm=max(.x)'
}

@test "state faults: kstream-table, killed over twelve epochs" {
	epochs 0 kstream-table in --changes
}

@test "state faults: kstream-window on a disk that is full" {
	epochs 28 kstream-window --in in --session 3s --grace 1s 'n=count()'
}

@test "state faults: kstream-join on a disk that is full" {
	epochs 28 kstream-join --in in --stream in --stream in --within 5s --grace 1s
}

@test "state faults: kstream-table on a disk that fails" {
	epochs 5 kstream-table in --changes
}

@test "state faults: bits of the files flip: refused, or the result is right" {
	cd "$BATS_TEST_TMPDIR"
	for ((i = 0; i < 300; i++)); do printf '{"k":"key%d","x":%d}\n' $((i % 40)) "$i"; done >in
	words=(kstream-window --in in --running 'n=count()' --from json --key .k --to json --app a --state-dir state --out result)
	"${words[@]}"
	printf '{"k":"key7"}\n' >>in
	cp -r state kept
	cp result kept-result
	"${words[@]}"
	cp result good
	wrong=0
	for ((i = 0; i < 24; i++)); do
		rm -rf state result
		cp -r kept state
		cp kept-result result
		/usr/bin/python3 - "$i" <<-'END'
			import glob, random, sys
			random.seed(int(sys.argv[1]))
			name = random.choice(sorted(glob.glob("state/a/0/window/db/*")))
			data = bytearray(open(name, "rb").read())
			# of what is written: a log is mostly room for more
			at = random.randrange(len(data.rstrip(b"\0")) or 1)
			data[at] ^= 1 << random.randrange(8)
			open(name, "wb").write(data)
		END
		try "${words[@]}"
		if [ "$status" = 0 ]; then
			cmp good result
		else
			[ "$status" = 78 ] || { echo "$i: $status"; false; }
			wrong=$((wrong + 1))
		fi
	done
	echo "$wrong refused"
	[ "$wrong" -gt 5 ]
}

@test "state faults: what is beyond memory, without --app, on a disk that is full" {
	/usr/bin/python3 - >in <<-'END'
		for i in range(40000):
		    print('{"t":%d,"k":"%d","v":"%s"}' % (i, i * 7919 % 40000, "x" * 40))
	END
	ASAN_OPTIONS=$ASAN_OPTIONS:verify_asan_link_order=0 LD_PRELOAD="$KSTREAM_BIN/../fault/fail.so" FAULT='disk 20 1 28' \
		try kstream-table --memory 1M --from json --key .k --time .t --to json --out out.json in
	refused 74 kstream-table 'No space left on device'
}
