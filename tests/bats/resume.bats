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
	try_sh "(ulimit -f 0; kstream-cat --app t --from json --to json in.json 2>&1) | cat >&2"
	refused 74 kstream-cat 'ledger'
	cmp before state/t/0/ledger
	copy in.json
	expect 0 2
}

@test "resume: a file that another one has replaced is refused, whatever its size; a copy is not" {
	seq 1001 1999 >in.json
	copy in.json
	expect 0 "$(cat in.json)"
	cp state/t/0/ledger before
	for size in 999 1500; do # as long, and longer
		seq 3001 $((3000 + size)) >other.json
		cat other.json >in.json
		copy in.json
		refused 78 kstream-cat "remove its line from '$PWD/state/t/0/ledger'"
		[ ! -s out ]
		cmp <(sed /^run/d before) <(sed /^run/d state/t/0/ledger)
	done
	seq 1001 2000 >copy.json # restored from elsewhere, and grown
	mv copy.json in.json
	copy in.json
	expect 0 2000
	# What the message says to do.
	seq 3001 4000 >in.json
	sed -i '/ .*in.json$/d' state/t/0/ledger
	copy in.json
	expect 0 "$(cat in.json)"
}

@test "resume: a change far before the position is none of its start and end; one there is" {
	seq 10001 19999 >in.json
	copy in.json
	sed -i '5000s/.*/99999/' in.json
	echo 1 >>in.json
	copy in.json
	expect 0 1
	sed -i '9990s/.*/99999/' in.json
	copy in.json
	refused 78 kstream-cat "'in.json'"
	sed -i '9990s/.*/19990/' in.json
	copy in.json
	expect 0 ''
	sed -i '1s/.*/99999/' in.json
	copy in.json
	refused 78 kstream-cat "'in.json'"
}

@test "resume: the checks are XXH3 of what the page says" {
	seq 1000 >short.json
	seq 2000 >long.json
	copy short.json long.json
	[ "$status" = 0 ]
	# By xxhash 4.1.0 for Python: xxh3_64_hexdigest of all 3893 bytes, and of the first and last 4096 of 8893.
	diff - state/t/0/ledger <<-E
		kstream-ledger 2
		run 1
		epoch 1
		position 3893 0 764aaaecde28829e $PWD/short.json
		position 8893 0 2ae062ad3fbca36d $PWD/long.json
		end
	E
}

@test "resume: a file that is cut or replaced while it is read ends the run before it is committed" {
	local how interval
	for interval in 5ms 1d; do for how in 'echo 1 >in.json' 'seq 500000 899999 >in.json'; do
		rm -rf state
		seq 100000 499999 >in.json
		mkfifo fifo
		kstream-cat --app t --commit-interval "$interval" --from json --to raw in.json >fifo 2>err 3>&- &
		pids=$!
		exec 7<fifo
		head -c 7 <&7 >first # it is in the middle: a pipe holds less than there is
		eval "$how"
		cat <&7 >rest
		exec 7<&-
		status_of "$pids"
		refused 78 kstream-cat "'in.json'"
		rm fifo
	done; done
}

@test "resume: stdin that is a file is checked as others are; a pipe is refused" {
	seq 3 >a.json
	seq 4 6 >b.json
	copy <a.json
	expect 0 "$(cat a.json)"
	echo 4 >>a.json
	copy - <a.json # the same input, by its name
	expect 0 4
	copy <b.json
	refused 78 kstream-cat "'stdin' is shorter"
	seq 5 9 >b.json
	copy <b.json
	refused 78 kstream-cat "'stdin' has other bytes before byte 8"
	try_sh 'cat a.json | kstream-cat --app t --from json --to json'
	refused 78 kstream-cat "'stdin'"
	grep -q '^position 8 0 [0-9a-f]* stdin$' state/t/0/ledger
	# What a caller has moved over is not taken for read: a run that failed may have done that.
	try_sh '(read -r x; kstream-cat --app u --from json --to json) <a.json'
	expect 0 "$(cat a.json)"
}

@test "resume: a file is one input, by whatever path it is named" {
	mkdir below
	seq 3 >in.json
	ln -s in.json link.json
	copy ./in.json
	expect 0 "$(cat in.json)"
	for f in in.json "$PWD/in.json" below/../in.json link.json; do
		copy "$f"
		expect 0 ''
	done
	cd below
	copy ../in.json
	expect 0 ''
	seq 9 >in.json # a name that the ledger has, of another file
	copy in.json
	expect 0 "$(cat in.json)"
	cd ..
	copy in.json ./in.json
	refused 64 kstream-cat "'./in.json' is named twice"
	mkdir $'new\nline' && echo 1 >$'new\nline/in.json'
	cd $'new\nline'
	copy in.json
	refused 78 kstream-cat 'newline'
	mkdir "$BATS_TEST_TMPDIR"/$'\xff' && echo 1 >"$BATS_TEST_TMPDIR"/$'\xff/in.json'
	cd "$BATS_TEST_TMPDIR"/$'\xff'
	copy in.json
	refused 66 kstream-cat 'not UTF-8'
}

@test "resume: a ledger of version 1 is read, and goes on as version 2" {
	seq 3 >in.json
	seq 5 >other.json
	mkdir -p state/t/0
	printf 'kstream-ledger 1\nrun 7\nepoch 9\nposition 4 0 in.json\nposition 6 0 other.json\nend\n' >state/t/0/ledger
	# A run that is killed before its first commit leaves the names as they were.
	try_sh 'kstream-cat --app t --from json in.json | head -c 20 >/dev/null'
	grep -qx 'position 4 0 - in.json' state/t/0/ledger
	copy in.json
	expect 0 3
	copy other.json
	expect 0 $'4\n5'
	diff - <(sed 's/ [0-9a-f]\{16\} / HASH /' state/t/0/ledger) <<-E
		kstream-ledger 2
		run 10
		epoch 11
		position 10 0 HASH $PWD/other.json
		position 6 0 HASH $PWD/in.json
		end
	E
	# Without a check a line must at least begin there.
	printf 'kstream-ledger 1\nrun 7\nepoch 9\nposition 3 0 in.json\nend\n' >state/t/0/ledger
	copy in.json
	refused 78 kstream-cat 'no line that begins at byte 3'
	printf 'kstream-ledger 3\nrun 7\nepoch 9\nend\n' >state/t/0/ledger
	copy in.json
	refused 78 kstream-cat 'of another version'
	: >state/t/0/ledger
	copy in.json
	refused 78 kstream-cat 'is damaged'
}

@test "resume: --out that has grown, was replaced or is of another app is not cut" {
	seq 3 >in.json
	copy --out result in.json
	expect 0
	grep -qx "output 6 [0-9a-f]\{16\} closed $PWD/result" state/t/0/ledger
	echo 4 >>in.json
	copy --out ./result in.json # by another path
	expect 0
	cmp in.json result
	echo 5 >>in.json
	echo mine >>result
	cp result held
	copy --out result in.json
	refused 78 kstream-cat "'result' has grown from 8 to 13 bytes"
	cmp held result
	printf '9\n8\n7\n6\n' >result # as long as it was
	cp result held
	copy --out result in.json
	refused 78 kstream-cat "'result' has other bytes"
	cmp held result
	# What the message says to do.
	sed -i '/^output/d' state/t/0/ledger
	copy --out result in.json
	expect 0
	[ "$(cat result)" = "$(cat held)"$'\n5' ]
	# The other app is told at once, however the first has ended.
	for word in closed open; do
		sed -i "s/ closed / $word /" state/t/0/ledger
		try kstream-cat --app u --from json --to json --out "$PWD/result" in.json
		refused 78 kstream-cat "remove the line from '$PWD/state/t/0/ledger'"
	done
	[ "$(cat result)" = "$(cat held)"$'\n5' ]
	copy --out result in.json
	expect 0
}

@test "resume: one run at a time writes to --out" {
	seq 5 >in.json
	# All but END, which has 9 bytes: the sink has committed, and waits.
	kstream-cat --app u --from json in.json | (
		head -c -9
		await 10 test -e go
	) 3>&- | kstream-cat --to json --out result 2>err.u 3>&- &
	pids=$!
	await 5 grep -q ' closed ' state/u/0/ledger
	try kstream-cat --app v --from json --to json --out result in.json
	refused 75 kstream-cat "'result' is being written"
	try kstream-cat --from json --to json --out result in.json
	refused 75 kstream-cat "'result' is being written"
	cmp in.json result
	: >go
	status_of "$pids"
	[ "$status" = 75 ]
	try kstream-cat --from json --to json --out result in.json
	expect 0
}

@test "resume: what something else writes to --out during a run is neither committed nor cut" {
	yes 1 | head -n 300000 >in.json
	kstream-cat --app t --from json --commit-interval 5ms in.json 3>&- | (
		head -c 1000000
		await 10 test -e go
		exec cat
	) 3>&- | (
		status=0
		kstream-cat --to json --out result 2>err || status=$?
		echo "$status" >status
	) 3>&- &
	pids=$!
	await 5 grep -q ' open ' state/t/0/ledger
	echo mine >>result
	: >go
	await 5 test -s status
	status=$(cat status)
	refused 78 kstream-cat 'something else writes to it'
	grep -qx mine result
	copy --out result in.json
	refused 78 kstream-cat 'has grown'
	grep -qx mine result
}

@test "resume: --to tsv goes on behind the column names of a file that is new to the ledger, or says that they are none" {
	rows() { # rows ARGUMENT...: what the app t has not read yet, as a table
		try kstream-cat --app t --from json --to tsv --out result "$@"
	}
	printf '{"a":1,"b":2}\n' >in.json
	printf 'b\ta\n9\t8\n' >result
	rows in.json
	expect 0
	diff result - <<<$'b\ta\n9\t8\n2\t1'
	# What the messages say to do: the file is one of rows, and stays it.
	sed -i '/^output/d' state/t/0/ledger
	echo '{"b":4,"a":3}' >>in.json
	rows in.json
	expect 0
	diff result - <<<$'b\ta\n9\t8\n2\t1\n4\t3'
	# Names of nothing that comes: no row is lost unseen.
	rm -r state
	printf 'a note\n' >result
	rows in.json
	refused 65 kstream-cat "its field 'a' has no column"
	[ "$(cat result)" = 'a note' ]
	rm -r state
	seq -s $'\t' 1500 >result
	rows in.json
	refused 78 kstream-cat 'its first line is no row of column names'
	[ "$(wc -l <result)" = 1 ]
	# A row behind half a line would be neither.
	rm -r state
	printf 'a\tb\n1' >result
	rows in.json
	refused 78 kstream-cat 'does not end in a newline'
	[ "$(cat result)" = $'a\tb\n1' ]
}

@test "resume: what a failed run left in one --out is seen to before another one is taken" {
	seq 100000 399999 >in.json
	# It fails in the middle: what it made goes to its file, and a part of that is committed.
	try_sh 'kstream-cat --app t --from json --commit-interval 5ms in.json 2>/dev/null | head -c 3000000 | kstream-cat --to json --out one'
	refused 75 kstream-cat
	grep -q ' open ' state/t/0/ledger
	cp state/t/0/ledger before
	copy --out two in.json
	refused 78 kstream-cat "has not ended in '$PWD/one'"
	copy in.json
	refused 78 kstream-cat "remove its line from '$PWD/state/t/0/ledger'"
	[ ! -s out ]
	cmp <(sed /^run/d before) <(sed /^run/d state/t/0/ledger)
	copy --out one in.json
	expect 0
	cmp in.json one
	echo 1 >>in.json
	copy --out two in.json
	expect 0
	[ "$(cat two)" = 1 ]
}

@test "resume: frames of an app at rest in a file commit nothing, and empty nothing" {
	seq 3 >in.json
	try_sh 'kstream-cat --app t --from json in.json | tee stream | kstream-cat --to json --out result'
	expect 0
	copy --from frames --out result stream
	refused 78 kstream-cat 'leave --app out'
	[ "$(cat result)" = $'1\n2\n3' ]
	try kstream-cat --app t --to json --out result <stream
	refused 78 kstream-cat 'leave --app out'
	try kstream-cat --to json stream
	expect 0 $'1\n2\n3'
}

@test "resume: --end complete says that nothing follows, so a last line without newline is read" {
	printf '1\n2' >in.json
	copy in.json
	expect 0 1
	copy --end complete in.json
	expect 0 2
	copy --end complete in.json
	expect 0 ''
}
