# SPDX-License-Identifier: MIT
"""The row of clients that would do a stage harm (kstream-query's socket): what they make of the time that an answer to input takes."""
import os
import shutil
import socket
import struct
import subprocess
import threading
import time

import harness
from harness import Row, Unmeasured

BATCHES, BATCH, ROWS = 1500, 100, 50_000
AT_ONCE = 100
QUESTION = b"\x99\x01\x00" + b"\xc0" * 4 + b"\xd3" + struct.pack(">q", -(2**63)) + b"\xd3" + struct.pack(">q", 2**63 - 1) + b"\xd3" + b"\0" * 8
ALL = struct.pack(">I", len(QUESTION) + 1) + b"q" + QUESTION


def connect(path):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(10)
    s.connect(path)
    return s


def say(path, text):
    """Whatever comes of it: it is let go, or answered."""
    try:
        with connect(path) as s:
            s.sendall(text)
            s.recv(1 << 16)
    except OSError:
        pass


def deaf(path):
    """Asks for all rows, reads none of them, and does so again when it is let go."""
    try:
        with connect(path) as s:
            s.sendall(ALL)
            time.sleep(1)
    except OSError:
        pass


def harm(path, over):
    """All of them at once, until it is over."""
    junk = [os.urandom(4096), b"GET / HTTP/1.1\r\n\r\n", struct.pack(">I", 1 << 20) + b"q" + b"\x99" * (1 << 20), ALL[:9]]

    def each(n):
        while not over.is_set():
            if n % 4 == 0:
                deaf(path)
            else:
                say(path, junk[n % len(junk)])

    threads = [threading.Thread(target=each, args=(n,), daemon=True) for n in range(AT_ONCE)]
    for t in threads:
        t.start()
    return threads


def batch(n):
    first = n * BATCH
    return b"".join(b'{"t":%d,"k":"key%d"}\n' % (i, i * 7919 % ROWS) for i in range(first, first + BATCH))


def answers(stage, data, count):
    """Seconds until all of what this input makes is there."""
    begin = time.monotonic()
    stage.stdin.write(data)
    stage.stdin.flush()
    while count > 0:
        more = os.read(stage.stdout.fileno(), 1 << 16)
        if not more:
            raise Unmeasured("the stage has ended")
        count -= more.count(b"\n")
    return time.monotonic() - begin


def asked(harmful):
    """Milliseconds of each batch."""
    state = f"{harness.CACHE}/clients"
    shutil.rmtree(state, ignore_errors=True)
    os.makedirs(state)
    words = ["kstream-window", "--listen", "bench", "--state-dir", state, "--from", "json", "--time", ".t", "--key", ".k", "--to", "json",
             "--running", "count()"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as stage:
        for n in range(ROWS // BATCH):
            answers(stage, batch(n), BATCH)
        path = next(os.path.join(d, "sock") for d, _, names in os.walk(state) if "sock" in names)
        over = threading.Event()
        child = 0
        if harmful:
            # In a process of its own: this one's threads would wait for one another.
            child = os.fork()
            if child == 0:
                harm(path, over)
                time.sleep(600)
                os._exit(0)
        try:
            took = [answers(stage, batch(n), BATCH) * 1e3 for n in range(BATCHES)]
        finally:
            if child:
                os.kill(child, 9)
                os.waitpid(child, 0)
        stage.stdin.close()
        stage.stdout.read()
        told = stage.stderr.read()
    if stage.returncode or told:
        raise Unmeasured(f"status {stage.returncode} from the stage: {told[:100]}")
    return sorted(took)


def clients_row():
    quiet, much = asked(False), asked(True)
    p99 = len(quiet) * 99 // 100
    return [much[p99] - quiet[p99]], f"p99 {quiet[p99]:.2f} ms alone, {much[p99]:.2f} ms with {AT_ONCE} clients; most {quiet[-1]:.1f} and {much[-1]:.1f} ms"


def rows():
    return [Row("clients", f"{AT_ONCE} hostile clients, what 100 records take longer, p99", "<=", 25, " ms", clients_row)]
