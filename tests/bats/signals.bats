#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Signals where a tool waits for something to be opened, and a terminal that hangs up.  What else is about signals: frame.bats.

load lib

# reading COMMAND...: in the background, until it is there and waits
reading() {
	: >err
	"$@" >out 2>err &
	pids="${pids-} $!"
	await 20 waits "${pids##* }"
}

@test "signals: a source that waits for the writer of a FIFO ends its section, as later" {
	mkfifo fifo
	local sig
	for sig in TERM HUP; do
		reading kstream-cat --from json --commit-interval 1h fifo
		kill -"$sig" "${pids##* }"
		status_of "${pids##* }"
		expect 0
		[ "$(kinds <out)" = 'HELLO BARRIER END' ] || fail "$sig"
		[[ "$(frames print END <out)" == *'"paused"'* ]] || fail "$sig"
	done
	reading kstream-filter --from json --to json true fifo
	kill -TERM "${pids##* }"
	status_of "${pids##* }"
	expect 0 ''
	reading env --default-signal=INT kstream-filter --from raw --to json --end complete true fifo
	kill -INT "${pids##* }"
	status_of "${pids##* }"
	expect $((128 + 2))
}

@test "signals: the second of several files may be a FIFO whose writer is late" {
	mkfifo fifo
	echo 1 >one
	reading kstream-cat --from json --to json one fifo one
	await 5 grep -q 1 out # what there is goes out before the wait
	echo 2 >fifo
	status_of "${pids##* }"
	expect 0 $'1\n2\n1'
	reading kstream-filter --from json --to json true one fifo
	await 5 grep -q 1 out
	kill -USR1 "${pids##* }"
	await 5 grep -q 'kstream-filter: 1 in' err
	kill -TERM "${pids##* }"
	status_of "${pids##* }"
	[ "$status" = 0 ]
	output_is 1
}

@test "signals: a stage that waits for the writer of a FIFO takes the stream that comes after the signal" {
	mkfifo fifo
	echo 1 | kstream-cat --from json >stream
	reading kstream-cat --to json fifo
	kill -TERM "${pids##* }"
	sleep 0.2
	! gone "${pids##* }" || fail 'it did not wait for END'
	cat stream >fifo
	status_of "${pids##* }"
	expect 0 1
}

@test "signals: a FIFO that nobody reads, for --out and --on-error: one line" {
	mkfifo fifo
	echo 1 >in
	reading kstream-cat --from json --to json --out fifo in
	kill -TERM "${pids##* }"
	status_of "${pids##* }"
	refused 75 kstream-cat "'fifo'"
	reading kstream-cat --from json --to json --out fifo in
	kill -USR1 "${pids##* }"
	sleep 0.2
	! gone "${pids##* }" || fail 'SIGUSR1 ended it'
	cat fifo >read
	status_of "${pids##* }"
	[ "$status" = 0 ]
	[ "$(cat read)" = 1 ]
	reading kstream-cat --from json --to json --on-error file:fifo in
	kill -TERM "${pids##* }"
	status_of "${pids##* }"
	refused 75 kstream-cat "'fifo'"
}

@test "signals: SIGHUP ends as SIGTERM does, but not under nohup" {
	mkfifo fifo
	reading kstream-cat --from json --to json fifo
	exec 7>fifo
	echo 1 >&7
	await 5 grep -q 1 out
	kill -HUP "${pids##* }"
	status_of "${pids##* }"
	expect 0 1
	exec 7>&-
	reading bash -c 'trap "" HUP; exec kstream-cat --from json --to json fifo'
	exec 7>fifo
	kill -HUP "${pids##* }"
	sleep 0.2
	echo 2 >&7
	exec 7>&-
	status_of "${pids##* }"
	expect 0 2
}

@test "signals: a signal that comes twice in a moment, as timeout sends it, is one" {
	mkfifo fifo
	local tries=0
	while :; do
		reading kstream-cat fifo
		exec 6>fifo # a stage that waits for the END of a stream
		kill -TERM "${pids##* }"
		sleep 0.02 # so that they are two, to the process
		kill -TERM "${pids##* }"
		sleep 0.2
		if ! gone "${pids##* }"; then break; fi
		# On a busy machine the process may have had its turn only after a moment; never, if they were two.
		[ $((tries += 1)) -lt 20 ] || fail 'the second one killed it'
		exec 6>&-
	done
	insist "${pids##* }"
	status_of "${pids##* }"
	exec 6>&-
	expect $((128 + 15)) ''
}

@test "signals: SIGHUP as the second one is the terminal that goes, not impatience" {
	mkfifo fifo
	local first
	for first in HUP TERM; do
		reading kstream-cat fifo
		exec 6>fifo
		kill -"$first" "${pids##* }"
		sleep 0.2
		kill -HUP "${pids##* }"
		sleep 0.2
		! gone "${pids##* }" || fail "SIGHUP after SIG$first killed it"
		exec 6>&-
		status_of "${pids##* }"
		[ "$status" = 75 ] || fail "not the end of a stage"
	done
}

@test "signals: one that comes before a FIFO is opened to write does not wait with it" {
	mkfifo rejects out.fifo
	echo 1 >in
	reading kstream-cat --from json --to json --on-error file:rejects --out out.fifo in
	kill -STOP "${pids##* }"
	exec 7<>rejects # now it may go on, and finds the signal before the next open
	kill -TERM "${pids##* }"
	kill -CONT "${pids##* }"
	await 5 gone "${pids##* }"
	exec 7>&-
	status_of "${pids##* }"
	refused 75 kstream-cat
}

@test "signals: a reader that goes is noticed while there is nothing to write: pipes, sockets, FIFOs; text and frames" {
	/usr/bin/python3 - <<-'E'
		import os, socket, subprocess

		os.mkfifo("in")
		os.mkfifo("fifo")
		keep = os.open("in", os.O_RDWR)  # the input lives on

		def pair():
		    return [s.detach() for s in socket.socketpair()]

		def fifo():
		    reader = os.open("fifo", os.O_RDONLY | os.O_NONBLOCK)
		    writer = os.open("fifo", os.O_WRONLY)
		    os.set_blocking(reader, True)
		    return reader, writer

		says = b"kstream-%s: the reader of stdout has gone\n"
		text = ["--from", "json", "--to", "json"]
		for command, status, said, speaks in (
		        (["kstream-filter", *text, "true", "in"], -13, b"", True),
		        (["kstream-filter", *text, "false", "in"], -13, b"", False),
		        (["kstream-filter", *text[:2], "--to", "envelope", "true", "in"], -13, b"", True),
		        (["kstream-cat", *text, "in"], -13, b"", True),
		        (["kstream-cat", "--from", "json", "--commit-interval", "1d", "in"], 75, says % b"cat", True),
		        (["kstream-filter", "true", "in"], 75, says % b"filter", False)):
		    for make in os.pipe, pair, fifo:
		        reader, writer = make()
		        tool = subprocess.Popen(command, stdout=writer, stderr=subprocess.PIPE)
		        os.close(writer)
		        if speaks:
		            os.write(keep, b"1\n")
		            os.read(reader, 1 << 16)
		        os.close(reader)
		        try:
		            err = tool.communicate(timeout=20)[1]
		        except subprocess.TimeoutExpired:
		            tool.kill()
		            raise SystemExit(f"{command} to a {make.__name__} goes on without a reader")
		        assert (tool.returncode, err) == (status, said), (command, make.__name__, tool.returncode, err)
	E
}

@test "signals: behind END a reader may go, and what writes to a stage may linger" {
	echo 1 | kstream-cat --from json >stream
	/usr/bin/python3 - <<-'E'
		import subprocess, time

		tool = subprocess.Popen(["kstream-filter", "true"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
		tool.stdin.write(open("stream", "rb").read())
		tool.stdin.flush()
		assert len(tool.stdout.read1(1)) == 1
		while not tool.stdout.peek().endswith(bytes([6, 0x92, 1, 2])):
		    tool.stdout.read1()
		tool.stdout.close()
		time.sleep(0.1)
		assert tool.poll() is None
		tool.stdin.close()
		assert (tool.wait(5), tool.stderr.read()) == (0, b"")
	E
}

@test "signals: a file that may grow no more is a failure to write, which tools of all kinds tell of" {
	seq 200000 | sed 's/.*/{"t":&,"pad":"&&&&&&&&&&"}/' >in
	kstream-cat --from json --time .t --key .t in >in.frames
	try_sh 'ulimit -f 1000; kstream-cat --from json --to json --out o in'
	refused 74 kstream-cat 'File too large'
	try_sh 'ulimit -f 1000; kstream-replay in.frames >o'
	refused 74 kstream-replay 'File too large'
	try_sh 'ulimit -f 1000; kstream-replay --from json --time .t --reorder 1000000d --memory 1M --to json --out o in'
	refused 74 kstream-replay 'File too large'
	try_sh 'ulimit -f 1000; kstream-diff --memory 1M in.frames in.frames'
	refused 74 kstream-diff 'File too large'
	try_sh 'ulimit -f 0; kstream-cat --help >help' # before all else; there is no room for the line either
	[ "$status" = 74 ]
}
