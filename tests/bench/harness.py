# SPDX-License-Identifier: MIT
"""Running and timing commands: what the rows of table.py and kafka.py stand on.

Commands that are compared run turn by turn in the same rounds, the first round uncounted; a ratio is taken inside each round, and the
median of the rounds is held against the goal.  CPU is user + system time of all processes of a pipeline from start to end
(tests/bench/time.c), so the start-up of a peer counts.  Before anything is timed, all have to agree on the result."""
import functools
import hashlib
import os
import statistics
import subprocess
import sys

median = statistics.median
EXPR = "'.price > 500'"  # one record in ten
LINES = 1_000_000
# SHA-256 of the first 10,000 lines of a kind and its keys, seed 1, from the page that defines the input.
FIRST_10K = {
    ("trades", 10_000): "b490dfbb8da9c505",
    ("orders", 1): "6709f51352f82b7c",
    ("payments", 1): "f2607b1bba017c07",
    ("clicks", 100_000): "31494e1133a6f23b",
    ("profiles", 1): "d0c44ad67ef21e92",
}

# Set by setup(): where things are kept and built, the rounds that count, and why a peer is missing.
CACHE = BIN = PYTHON = PEERS = ""
ROUNDS = 5
TOOL, MISSING = {}, {}


def setup(cache, bin_, rounds):
    global CACHE, BIN, ROUNDS, PYTHON, PEERS
    CACHE, BIN, ROUNDS, PYTHON = os.path.abspath(cache), os.path.abspath(bin_), rounds, sys.executable
    PEERS = os.path.abspath("tests/bench/peers")
    TOOL.update({name: os.path.abspath(f"build/bench/{name}") for name in ("gen", "time", "start", "latency")})
    TOOL.update({name: f"{CACHE}/peers/{name}" for name in ("jq", "simdjson", "yajl")})


class Unmeasured(Exception):
    """A row has no figure, and why."""


class Row:
    def __init__(self, name, label, op, goal, unit, measure):
        self.name, self.label, self.op, self.goal, self.unit, self.measure = name, label, op, goal, unit, measure

    def holds(self, figure):
        """None: it has no goal, and is for reference."""
        return None if self.goal is None else {"<=": figure <= self.goal, ">=": figure >= self.goal, "<": figure < self.goal}[self.op]

    def wanted(self):
        return "" if self.goal is None else f"{self.op} {self.goal:g}{self.unit}"


def run(command, text=True):
    """Stdout of a shell pipeline of which every part has to succeed."""
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], stdout=subprocess.PIPE, text=text, check=False)
    if done.returncode:
        raise Unmeasured(f"status {done.returncode} from: {command}")
    return done.stdout


class Cost:
    """What one run of a pipeline took, in seconds."""

    def __init__(self, command):
        done = subprocess.run([TOOL["time"], command], stderr=subprocess.PIPE, text=True, check=False)
        *noise, last = done.stderr.strip().split("\n")
        fields = last.split()
        if noise or len(fields) != 4 or fields[3] != "0":
            raise Unmeasured(f"{done.stderr.strip()!r} from: {command}")
        self.wall, self.user, self.sys = (int(f) / 1e6 for f in fields[:3])
        self.cpu = self.user + self.sys


class Race:
    """Commands that run turn by turn; records says how many records each reads."""

    def __init__(self, title, commands):
        self.title, self.commands, self.costs, self.failed = title, commands, {}, {}

    def start(self, rounds):
        names = list(self.commands)
        for r in range(rounds + 1):
            for name in names[r % len(names) :] + names[: r % len(names)]:
                if name in self.failed:
                    continue
                try:
                    cost = Cost(self.commands[name][0])
                except Unmeasured as why:
                    self.failed[name] = str(why)
                    continue
                if r:
                    self.costs.setdefault(name, []).append(cost)

    def need(self, *names):
        for name in names:
            if name not in self.commands:
                raise Unmeasured(f"needs {MISSING.get(name, name)}")
            if name in self.failed:
                raise Unmeasured(self.failed[name])

    def per_record(self, name, what):
        return [getattr(c, what) / self.commands[name][1] for c in self.costs[name]]

    def ratio(self, over, under, what="cpu"):
        """Of each round, per record."""
        self.need(over, under)
        return [a / b for a, b in zip(self.per_record(over, what), self.per_record(under, what))]

    def report(self):
        print(f"\n{self.title}{'':{max(1, 34 - len(self.title))}}   CPU s/M  [least  - most  ]     user      sys   wall s/M")
        for name in self.commands:
            if name not in self.costs:
                continue
            cpu, user, sys_, wall = ([x * 1e6 for x in self.per_record(name, w)] for w in ("cpu", "user", "sys", "wall"))
            print(
                f"  {name:<34}{median(cpu):8.3f}  [{min(cpu):.3f} - {max(cpu):.3f}]  {median(user):8.3f} {median(sys_):8.3f}   {median(wall):8.3f}"
            )
        for name, why in self.failed.items():
            print(f"  {name:<34}failed: {why}")


def same(what, **counts):
    if len(set(counts.values())) != 1:
        raise Unmeasured(f"{what} differ, so no figure counts: " + ", ".join(f"{k} {v}" for k, v in counts.items()))


# Input -------------------------------------------------------------------------------------------------------------------------------


@functools.cache
def reread(path):
    """
    The page cache holds a file in the pieces that it was written in, and from small ones the kernel reads it at half
    the speed: 740 MB of frames in 59 to 133 ms.  What all programs read here is therefore as the kernel reads it ahead.
    """
    fd = os.open(path, os.O_RDONLY)
    os.fsync(fd)
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    while os.read(fd, 1 << 20):
        pass
    os.close(fd)
    return path


def make(path, command):
    if not os.path.exists(path):
        print(f"bench: making {os.path.basename(path)}", file=sys.stderr)
        try:
            run(f"{command} >{path}.part")
            os.rename(path + ".part", path)
        except Unmeasured:
            os.unlink(path + ".part")
            raise
    return reread(path)


def lines(kind, keys, count):
    path = make(f"{CACHE}/{kind}-{count}.jsonl", f"{TOOL['gen']} {kind} {keys} {count} 1")
    with open(path, "rb") as f:
        head = hashlib.sha256(b"".join(f.readline() for _ in range(10_000))).hexdigest()
    if not head.startswith(FIRST_10K[kind, keys]):
        raise Unmeasured(f"{path} is not the input that it should be; remove it")
    return path


def trades(count):
    return lines("trades", 10_000, count)


def read_frames(data):
    """(type, payload) of each ext 32 object."""
    at = 0
    while at < len(data):
        if data[at] != 0xC9:
            raise Unmeasured(f"no frame at byte {at}")
        size = int.from_bytes(data[at + 1 : at + 5], "big")
        yield data[at + 5], data[at + 6 : at + 6 + size]
        at += 6 + size


# The races, each run once and only if a row asks for it ----------------------------------------------------------------------------------

done_races = {}


def race(make_race):
    if make_race not in done_races:
        try:
            done_races[make_race] = make_race()
            done_races[make_race].start(ROUNDS)
        except Unmeasured as why:
            done_races[make_race] = why
    if isinstance(done_races[make_race], Unmeasured):
        raise done_races[make_race]
    return done_races[make_race]


def starts(count, stdin, *commands, feed=None):
    """Runs of start.c: for each command the list of (first, wall, cpu) in ms and resident KiB."""
    words = []
    for c in commands:
        words += ([","] if words else []) + c.split()
    done = subprocess.run([TOOL["start"], str(count), stdin, *words], stdin=feed, capture_output=True, text=True, check=False)
    runs = [[] for _ in commands]
    for line in done.stdout.splitlines():
        _, number, first, wall, cpu, resident, status = (int(x) for x in line.split())
        if status:
            raise Unmeasured(f"status {status} from: {commands[number]}: {done.stderr.strip()}")
        runs[number].append((first / 1e3, wall / 1e3, cpu / 1e3, resident))
    if done.returncode or not runs[0]:
        raise Unmeasured(done.stderr.strip())
    return runs
