#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# An app that is run again and again, each time up to --until, of files; tests/broker/nightly.bats has topics.

# shellcheck disable=SC2016,SC2154,SC2238 # SC2154: what lib.bash sets
bats_require_minimum_version 1.5.0
load lib

night() { try kstream-cat --app n --from json --time .t --to json --until "$@"; }

rows() { local t; for t in "$@"; do printf '{"t":%d}\n' "$t"; done; }

times() { grep -o '[0-9]*' out | paste -sd ' '; }

@test "nightly: with --app --until reads each file up to the first record of that time, and the next run begins there" {
	rows 1 5 9 3 >a
	rows 2 6 7 30 >b
	local order
	for order in arrival time; do
		rm -rf state
		night @5 --order "$order" a b
		expect 0 $'{"t":1}\n{"t":2}'
		night @5 --order "$order" a b
		expect 0 ''
		night @1 --order "$order" a b
		expect 0 ''
		night @8 --order "$order" a b
		[ "$(times)" = '5 6 7' ]
		night @20 --order "$order" a b
		[ "$(times)" = '9 3' ]
		rows 31 >more
		night @31 --order "$order" a b
		[ "$(times)" = 30 ]
	done
	# without an app what is later is left out, wherever it stands
	try kstream-cat --from json --time .t --to json --until @5 a b
	[ "$(times)" = '1 3 2' ]
	# and without a guarantee there is no ledger
	rm -rf state
	night @5 --guarantee none a
	[ "$(times)" = '1 3' ]
	[ ! -e state/n ]
}

@test "nightly: of rows, envelopes and lines of any size, and the record that was not read is read whole" {
	{ echo 't,x' && echo '1,a' && echo '9,"b' && echo 'c"' && echo '2,d'; } >a.csv
	try kstream-cat --app c --from csv --time .t --to json --until @5 a.csv
	expect 0 '{"t":1,"x":"a"}'
	try kstream-cat --app c --from csv --time .t --to json a.csv
	expect 0 $'{"t":9,"x":"b\\nc"}\n{"t":2,"x":"d"}'
	/usr/bin/python3 -c 'import json
for t in range(40): print(json.dumps({"t": t, "x": "y" * (300000 if t in (19, 20) else 5)}))' >long
	night @20 long
	[ "$(jq -s length out)" = 20 ]
	night @21 long
	[ "$(jq -c '[.t, (.x | length)]' out)" = '[20,300000]' ]
	night @100 long
	[ "$(jq -s length out)" = 19 ]
	rows 5 6 >now
	printf '{"t":7}' >>now # perhaps not all of it
	night @7 now
	[ "$(times)" = '5 6' ]
	echo >>now
	night @8 now
	[ "$(times)" = 7 ]
}

@test "nightly: windows that straddle nights are those of one run, each once" {
	/usr/bin/python3 - >in <<-'END'
		import json, random
		random.seed(3)
		for t in range(0, 40000, 7): print(json.dumps({"t": max(0, t - random.randrange(300)), "k": "k%d" % random.randrange(5), "x": t}))
	END
	local windows=(--hop 3s --advance 1s --grace 1s --emit close --from json --time .t --key .k --to envelope --in in 'n=count(), s=sum(.x)') nights=0 t
	kstream-window "${windows[@]}" --end paused --app once >expected
	for t in 900 4000 4000 3000 4001 12345 29999 40000; do
		kstream-window "${windows[@]}" --app n --until "@$t" >out 2>err
		[ ! -s err ]
		cat out >>got
		[ ! -s out ] || nights=$((nights + 1))
	done
	[ "$nights" -ge 3 ]
	diff <(jq -c '[.key, .payload]' expected | sort) <(jq -c '[.key, .payload]' got | sort)
	[ "$(wc -l <got)" -gt 150 ]
}

@test "nightly: two at once: the second gives up, in one line" {
	seq 50000 | sed 's/.*/{"t":1,"n":&}/' >big
	mkfifo lines
	exec 4<>lines
	kstream-cat --app n --from json --time .t --to json --until @5 big >&4 4>&- & # it stands when the pipe is full
	pids=$!
	await 20 waits "$pids"
	rows 1 >a
	night @5 a
	refused 75 kstream-cat 'is held'
	cat <&4 >all &
	pids="$pids $!"
	status_of "${pids% *}"
	[ "$status" = 0 ]
	await 20 eval '[ "$(wc -l <all)" = 50000 ]'
}
