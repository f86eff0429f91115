#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The socket of a stage, and clients that would do it harm: its output is the same, and others are answered.

# shellcheck disable=SC2030,SC2031,SC2154 # each test has pids of its own, and pid is of `stage`
load lib
load query

# client CODE: Python that talks to state/a/0/window/sock
client='
import os, socket, struct, sys, time
def connect(path="state/a/0/window/sock"):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(15)
    s.connect(path)
    return s
def packed(b):
    return b"\xc0" if b is None else b"\xc6" + struct.pack(">I", len(b)) + b
def question(what=0, key=None, since=-2**63, until=2**63-1, limit=0, version=1):
    body = b"\x99" + bytes([version, what]) + packed(key) + b"\xc0\xc0\xc0" + b"\xd3" + struct.pack(">q", since) + \
        b"\xd3" + struct.pack(">q", until) + b"\xd3" + struct.pack(">q", limit)
    return struct.pack(">I", len(body) + 1) + b"q" + body
def rest(s):
    got = b""
    while True:
        piece = s.recv(65536)
        if not piece:
            return got
        got += piece
'
client() { exec /usr/bin/python3 -c "$client$1" 7>&-; } # in a subshell, which it replaces

# A stage with 50,000 rows, and what it emits when nobody asks.
busy() {
	/usr/bin/python3 -c '
for i in range(50000): print("{\"t\":%d,\"k\":\"key%d\",\"x\":%d}" % (i, i, i))
print("{\"t\":1,\"k\":\"half\",\"x\":0}")' >first
	/usr/bin/python3 -c '
for i in range(100000): print("{\"t\":%d,\"k\":\"key%d\",\"x\":%d}" % (i, i * 7919 % 50000, i))
print("{\"t\":1,\"k\":\"whole\",\"x\":0}")' >second
	cat first second | kstream-window --from json --time .t --key .k --to envelope --running 'n=count()' 'm=max(.x)' >quiet
	stage a kstream-window --running 'n=count()' 'm=max(.x)'
	cat first >&7
	await 20 told a half
}

@test "query clients: clients that send nonsense, much, nothing, that do not read, that die: the output is the same" {
	busy
	client '
silent = [connect() for i in range(3)]                  # sends nothing
deaf = [connect() for i in range(5)]                    # asks for all, and reads nothing
for s in deaf: s.sendall(question())
for junk in (b"GET / HTTP/1.1\r\n\r\n", b"\0" * 64, b"\xff" * 64, struct.pack(">I", 9) + b"q\x99\x01\x09" + b"\xc0" * 5, os.urandom(4096)):
    s = connect()
    s.sendall(junk)
    s.shutdown(socket.SHUT_WR)
    try: got = rest(s)
    except ConnectionResetError: got = b""
    assert got == b"" or got[4:5] == b"x", got[:40]
s = connect()                                           # 1 MB of a question
s.setblocking(True)
try:
    s.sendall(struct.pack(">I", 1 << 20) + b"q" + b"\x99" * (1 << 20))
    assert rest(s) == b""
except (BrokenPipeError, ConnectionResetError): pass
s = connect()                                           # of another version
s.sendall(question(version=9))
got = rest(s)
assert b"another version" in got, got
for cut in range(1, len(question())):                   # goes in the middle of its question
    s = connect()
    s.sendall(question()[:cut])
    s.close()
s = connect()                                           # a byte at a time
for b in question(limit=1): s.sendall(bytes([b])); time.sleep(0.001)
assert b"key" in rest(s)
print("ready", flush=True)
for s in deaf: s.recv(1)
time.sleep(60)' >client.out 2>client.err &
	asker=$!
	pids="$pids $asker"
	cat second >&7 &
	feeder=$!
	await 20 grep -q ready client.out
	kill -9 "$asker" # in the middle of five answers
	wait "$asker" || :
	wait "$feeder"
	await 20 told a whole
	[ ! -s client.err ] || fail "$(cat client.err)"
	ends
	[ ! -s err-a ]
	cmp quiet out-a
}

@test "query clients: a hundred at once are all answered, beside some that hold their place" {
	busy
	cat second >&7 &
	feeder=$!
	(client '
import threading
deaf = [connect() for i in range(20)]
for s in deaf: s.sendall(question())
got = [0] * 100
def ask(i):
    s = connect()
    s.sendall(question(limit=500))
    b = rest(s)
    while b:
        n = struct.unpack(">I", b[:4])[0]
        got[i] += b[4:5] == b"r"
        b = b[4 + n:]
all = [threading.Thread(target=ask, args=(i,)) for i in range(100)]
for t in all: t.start()
for t in all: t.join()
assert got == [500] * 100, got')
	wait "$feeder"
	ends
	[ ! -s err-a ]
	cmp quiet out-a
}

@test "query clients: whoever does nothing is let go, and the places are free again" {
	stage a kstream-window --running 'count()'
	printf '{"t":1,"k":"a"}\n' >&7
	await 10 seen a '.key == "a"'
	(client '
idle = [connect() for i in range(40)]                   # more than there are places
s = connect()
s.settimeout(60)
s.sendall(question())
assert b"key" in rest(s)                                # answered once some of those were let go
')
	ends
}

@test "query clients: a stage that ends, or stops, in the middle of an answer says so" {
	busy
	client '
s = connect()
s.sendall(question())
s.recv(1)
print("asked", flush=True)
sys.stdin.read()
got = rest(s)
assert len(got) > 0
' <&7 >client.out 2>client.err &
	pids="$pids $!"
	await 10 grep -q asked client.out
	kill -STOP "$pid"
	try kstream-query a
	refused 75 kstream-query 'has not answered for 10 s'
	kill -CONT "$pid"
	await 10 told a half
	ends
}

@test "query clients: one who speaks in the moment in which its time is over takes nobody with it" {
	stage a kstream-window --running 'n=count()'
	echo '{"t":1,"k":"a"}' >&7
	await 10 told a a
	# Its time is over while the stage stands still, and so both are there when that goes on.
	/usr/bin/python3 - state/a/0/window/sock "$pid" 7>&- <<-'END'
		import os, signal, socket, sys, time
		s = socket.socket(socket.AF_UNIX)
		s.connect(sys.argv[1])
		begun = time.monotonic()
		def at(x): time.sleep(max(0, begun + x - time.monotonic()))
		at(9.5)
		os.kill(int(sys.argv[2]), signal.SIGSTOP)
		at(10.7)
		s.send(b"\0\0")
		at(11.2)
		os.kill(int(sys.argv[2]), signal.SIGCONT)
		at(11.6)
	END
	told a a
	ends
}
