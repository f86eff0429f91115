#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Tables that outlive their process: a run that goes on, is killed, is refused.

load lib

# moves COUNT: changes of some rows, out of order at times, deletes among them
moves() {
	/usr/bin/python3 - "$1" <<-'END'
		import random, sys
		random.seed(11)
		for i in range(int(sys.argv[1])):
		    t = 1700000000000 + i * 20 - random.choice([0, 0, 0, 300, 900])
		    value = "null" if random.random() < .1 else '{"g":%d,"x":%d}' % (random.randrange(3), random.randrange(4))
		    print('{"topic":"t","partition":0,"offset":%d,"tstype":"create","ts":%d,"key":"key%d","payload":%s}' % (i, t, random.randrange(30), value))
	END
}

table=(kstream-table --from envelope --to envelope --in in --app a)
here=(--state-dir state --out result)

@test "table state: a file that grows goes on where the run before it has ended" {
	moves 3000 >all
	for options in --changes --only-changes '--by .g' '--versioned 500ms --changes' '--emit every:200ms --changes' \
	    '--emit every:1h --max-records 7 --only-changes' '--emit every:100ms --by .g'; do
		rm -rf state result
		read -ra words <<<"$options"
		cp all in
		"${table[@]}" --state-dir whole --out whole-out "${words[@]}"
		for lines in 1 700 701 3000; do
			head -n "$lines" all >in
			"${table[@]}" "${here[@]}" "${words[@]}"
		done
		[ -s result ]
		cmp whole-out result || fail "$options"
		rm -r whole whole-out
	done
}

@test "table state: killed at any time, the result is that of a run that was let live" {
	moves 20000 >in
	words=(--changes --emit every:100ms --memory 1M)
	"${table[@]}" --state-dir whole --out whole-out "${words[@]}"
	killed_often 12 "${table[@]}" "${here[@]}" "${words[@]}" --commit-interval 20ms
}

@test "table state: a dump at the end, and a load at the beginning alone" {
	moves 500 >in
	kstream-table --from envelope --dump --to envelope in >dump
	: >none
	kstream-cat --from envelope --app a --state-dir state --end complete none | kstream-table --load dump --dump --state-dir state --app a |
		kstream-cat --app a --state-dir state --to envelope --out loaded
	cmp dump loaded
	# in the next run there is a state, and the file is not read
	echo '{' >dump
	kstream-cat --from envelope --app a --state-dir state --end complete none | kstream-table --load dump --dump --state-dir state --app a |
		kstream-cat --app a --state-dir state --to envelope --out loaded
	[ "$(sort loaded | uniq -d | wc -l)" = "$(($(wc -l <loaded) / 2))" ] || fail ''
}

@test "table state: what was made with other options is refused" {
	moves 100 >in
	"${table[@]}" "${here[@]}" --versioned 1s
	try "${table[@]}" "${here[@]}" --versioned 2s
	refused 78 kstream-table 'was made with rows --versioned 1000ms, which is now rows --versioned 2000ms'
	try "${table[@]}" "${here[@]}"
	refused 78 kstream-table 'rows latest'
	try "${table[@]}" "${here[@]}" --versioned 1s --changes
	expect 0
	rm -rf state result
	"${table[@]}" "${here[@]}" --emit every:1s
	try "${table[@]}" "${here[@]}" --emit every:1s --changes
	refused 78 kstream-table 'before let go'
	for size in 12 1023K much; do
		try kstream-table --memory "$size"
		refused 64 kstream-table '--memory'
	done
}

@test "table state: more than memory can hold is the same result" {
	/usr/bin/python3 -c '
for r in range(2):
    for i in range(40000):
        print("{\"topic\":\"t\",\"ts\":%d,\"key\":\"a-key-of-some-length-%d\",\"payload\":%d}" % (i, i * 7919 % 40000, r))' >in
	kstream-table --from envelope --to envelope --changes --memory 1G in >all
	kstream-table --from envelope --to envelope --changes --memory 1M in >spilled
	cmp all spilled
	[ "$(grep -c '"payload":\[1,0,true\]' all)" = 40000 ]
}
