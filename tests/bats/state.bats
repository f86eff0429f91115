#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# State that outlives its process: windows of a run that is killed, restarted, refused.

load lib

# trades COUNT: lines of five keys, a second apart but for some that come late
trades() {
	/usr/bin/python3 - "$1" <<-'END'
		import random, sys
		random.seed(7)
		for i in range(int(sys.argv[1])):
		    t = 1700000000000 + i * 20 - random.choice([0, 0, 0, 300, 900])
		    print('{"t":%d,"k":"key%d","x":%d}' % (t, random.randrange(5), random.randrange(1000)))
	END
}

# The app a over the file in; what follows says where its state is, and where it goes.
window=(kstream-window --from json --time .t --key .k --to envelope --in in --app a)
here=(--state-dir state --out result)

@test "state: a file that grows goes on where the run before it has ended, windows and all" {
	trades 3000 >all
	for shape in '--tumble 1s --grace 500ms' '--hop 3s --advance 1s' '--session 150ms --grace 1s' '--slide 400ms --grace 1s' \
	    '--calendar day' --unlimited --running '--count-window 7' '--tumble 1s --grace 1s --emit close' \
	    '--hop 3s --advance 1s --grace 1s --emit close' '--session 150ms --grace 1s --emit close' '--tumble 1s --emit every:2s'; do
		rm -rf state result
		read -ra words <<<"$shape"
		words+=('n=count()' 'm=max(.x)' 'l=last(.x)')
		cp all in
		"${window[@]}" --state-dir whole --out whole-out "${words[@]}"
		for lines in 1 700 701 3000; do
			head -n "$lines" all >in
			"${window[@]}" "${here[@]}" "${words[@]}" || echo "$shape: $?"
		done
		[ -s result ]
		cmp whole-out result || { echo "$shape"; false; }
		rm -r whole whole-out
	done
}

@test "state: killed at any time, the result is that of a run that was let live" {
	trades 20000 >in
	words=(--tumble 10s --grace 1s --memory 1M 'n=count()' 's=sum(.x)' 'd=last(.x)')
	"${window[@]}" --state-dir whole --out whole-out "${words[@]}"
	killed_often 30 "${window[@]}" "${here[@]}" "${words[@]}" --commit-interval 20ms
}

@test "state: what was made with other options, is gone, damaged or in use is refused" {
	trades 100 >in
	"${window[@]}" "${here[@]}" --tumble 1s 'n=count()'
	try "${window[@]}" "${here[@]}" --tumble 2s 'n=count()'
	refused 78 kstream-window 'was made with windows --tumble 1000ms, which is now windows --tumble 2000ms'
	try "${window[@]}" "${here[@]}" --tumble 1s 'n=count()' 'm=max(.x)'
	refused 78 kstream-window "was made without clause-2 'm=max(.x)', which is given now"
	try "${window[@]}" "${here[@]}" --tumble 1s --grace 1s 'n=count()'
	refused 78 kstream-window 'was made with'
	exec 9<>state/a/0/window/LOCK
	flock 9
	try "${window[@]}" "${here[@]}" --tumble 1s 'n=count()'
	refused 75 kstream-window 'its LOCK is held'
	exec 9>&-
	cp -r state/a/0/window kept
	rm -r state/a/0/window
	try "${window[@]}" "${here[@]}" --tumble 1s 'n=count()'
	refused 78 kstream-window "there is no state in 'state/a/0/window/db', but epoch 1 of app 'a' is committed: "
	# Another stage has none either: it was not there when those epochs were committed.
	try "${window[@]}" "${here[@]}" --tumble 1s --stage other 'n=count()'
	refused 78 kstream-window 'there is no state'
	rm -rf state/a/0/window state/a/0/other
	cp -r kept state/a/0/window
	"${window[@]}" "${here[@]}" --tumble 1s 'n=count()'
	head -c 3000 /dev/zero | dd of=state/a/0/window/db/state.db bs=1 seek=100 conv=notrunc status=none
	try "${window[@]}" "${here[@]}" --tumble 1s 'n=count()'
	refused 78 kstream-window 'damaged'
}

@test "state: what is another app's, of another version, read-only or in use is refused, and left as it is" {
	trades 100 >in
	words=(--tumble 1s 'n=count()')
	# Root without what lets it write anywhere is as any user.
	user=()
	[ "$(id -u)" != 0 ] || user=(setpriv --bounding-set=-all --inh-caps=-all)
	"${window[@]}" "${here[@]}" "${words[@]}"
	cp -r state/a state/b
	try "${window[@]}" --app b --state-dir state "${words[@]}"
	refused 78 kstream-window "in 'state/b/0/window/db' was made with app a, which is now app b"
	chmod 400 state/a/0/window/db/state.db
	try "${user[@]}" "${window[@]}" "${here[@]}" "${words[@]}"
	refused 78 kstream-window "cannot open the state in 'state/a/0/window/db': Permission denied"
	chmod 600 state/a/0/window/db/state.db
	chmod 500 state
	try "${user[@]}" "${window[@]}" --app c --state-dir state "${words[@]}"
	chmod 700 state
	refused 78 kstream-window "cannot make the state directory 'state/c/0': Permission denied"
	cp -r state/a kept
	/usr/bin/python3 - state/a/0/window/db/state.db <<-'END'
		import struct, sys
		data, text = bytearray(open(sys.argv[1], "rb").read()), b"kstream-state 2\n"
		assert text in data
		for at in range(0, len(data), 4096):
		    page = data[at : at + 4096]
		    if text in page:
		        page = page.replace(text, b"kstream-state 9\n")
		        # The checksum of Berkeley DB, at byte 28, with itself as zero: hash * 33 + byte.
		        page[28:32] = bytes(4)
		        h = 0
		        for byte in page:
		            h = (h * 33 + byte) & 0xFFFFFFFF
		        page[28:32] = struct.pack("<I", h)
		        data[at : at + 4096] = page
		open(sys.argv[1], "wb").write(data)
	END
	try "${window[@]}" "${here[@]}" "${words[@]}"
	refused 78 kstream-window 'is of version 9, and this kstream has version 2'
	rm -r state/a
	cp -r kept state/a
	try "${window[@]}" "${here[@]}" "${words[@]}"
	expect 0
	# One whose output is more than a pipe holds stands until it is read.
	trades 20000 >in
	mkfifo results
	"${window[@]}" --app d --state-dir state --running 'n=count()' >results &
	pids=$!
	exec 9<results
	read -r first <&9
	try "${window[@]}" --app d --state-dir state --running 'n=count()'
	refused 75 kstream-window 'another source of this app and instance is running'
	{ echo "$first" && cat <&9; } >all
	wait "$pids"
	[ "$(wc -l <all)" = 20000 ]
}

@test "state: more than memory can hold, with --app and without, is the same result" {
	/usr/bin/python3 -c '
for r in range(2):
    for i in range(60000):
        print("{\"t\":%d,\"k\":\"a-key-of-some-length-%d\"}" % (1700000000000 + i, i * 7919 % 60000))' >in
	words=(--from json --time .t --key .k --unlimited --to envelope --in in 'n=count()')
	kstream-window "${words[@]}" --memory 1G >all
	kstream-window "${words[@]}" --memory 1M >spilled
	cmp all spilled
	kstream-window "${words[@]}" --memory 1M --app a --commit-interval 20ms "${here[@]}"
	cmp all result
	[ "$(grep -c '"payload":{"n":2}' result)" = 60000 ]
	for size in 12 1023K much; do
		try kstream-window --memory "$size" --running 'n=count()'
		refused 64 kstream-window '--memory'
	done
}
