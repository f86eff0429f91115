# SPDX-License-Identifier: MIT
"""The rows of exactly-once between topics: what it costs, and how long what fails stands still.

What Kafka Streams 4.3.0 needs is stated, not measured (streams.py): the least of its runs at least once, of which exactly_once_v2 is never
cheaper."""
import os
import re
import shutil
import signal
import statistics
import subprocess
import tempfile
import threading
import time

import harness
import kafka
from harness import TOOL, Race, Row, Unmeasured, median, race, run, same
from streams import JOBS, STREAMS

RECORDS, KILLS, DRAINS = kafka.RECORDS, 12, 9
STALL_S = 10
BIG = 5_000_000  # rows of 175 bytes and their keys: 1 GB
PATIENCE = 120  # s
RESTORED = 1_000_000  # keys
STREAMS_RESTORE = 1.25e6  # records/s: a million counts by key in 0.8 s, of a process that runs 2.3 s after its start


# What it costs -----------------------------------------------------------------------------------------------------------------------


def command(target, *words):
    """A run of a new app, with a state of its own."""
    job = f"kstream-window -b {kafka.broker()} --in kafka:{kafka.trades(4)} -e --emit commit {' '.join(words)} {JOBS['tumble']} --out kafka:{target}"
    return f'd=$(mktemp -d) && {job} --app "app-${{d##*.}}" --state-dir "$d"; s=$?; rm -rf "$d"; exit $s'


def cost_race():
    ways = {f"{name}, {ms} ms": f"--guarantee {name} --commit-interval {ms}ms" for ms in (100, 1000) for name in ("exactly-once", "at-least-once")}
    counts, targets = {}, {}
    for name, words in ways.items():
        checked, targets[name] = (kafka.topic(kind + name.replace(", ", "-").replace(" ", ""), 4) for kind in ("checked-", ""))
        run(command(checked, words))
        counts[name] = int(run(f"kcat -C -b {kafka.broker()} -t {checked} -e -q -X isolation.level=read_committed -f '%k\\n' | LC_ALL=C sort -u | wc -l"))
    same("windows", **counts)
    return Race("topic to topic, windows, state on disk", {name: (command(targets[name], words), RECORDS) for name, words in ways.items()})


def cost_row(ms):
    r = race(cost_race)
    cpu = median(r.ratio(f"exactly-once, {ms} ms", f"at-least-once, {ms} ms"))
    return r.ratio(f"at-least-once, {ms} ms", f"exactly-once, {ms} ms", "wall"), f"CPU {cpu:.2f}x"


def streams_row():
    r = race(cost_race)
    r.need("exactly-once, 100 ms")
    return [STREAMS["tumble"][0] / x / 1e6 for x in r.per_record("exactly-once, 100 ms", "cpu")], f"Kafka Streams {STREAMS['tumble'][0]} CPU s/M"


# How long it stands still -------------------------------------------------------------------------------------------------------------


class App:
    """Three processes between two topics, exactly once."""

    def __init__(self, source, middle, interval="100ms", partitions=1):
        self.room = tempfile.TemporaryDirectory(prefix="eos-bench.")
        self.name = f"app-{os.path.basename(self.room.name).replace('_', '-')}"
        self.source, self.middle, self.interval = source, middle, interval
        self.out, self.stages = kafka.topic(f"out-{self.name}", partitions), []

    def start(self, *extra, said=subprocess.DEVNULL):
        """said takes what the middle one says."""
        app = ["--app", self.name, "--state-dir", self.room.name]
        lines = [
            ["kstream-cat", "-b", kafka.broker(), "-t", self.source, "--commit-interval", self.interval, *extra, *app],
            [*self.middle, *app],
            ["kstream-cat", "-b", kafka.broker(), "-P", "-t", self.out, *app],
        ]
        before = None
        self.stages = []
        for line in lines:
            stage = subprocess.Popen(line, stdin=before or subprocess.DEVNULL, stdout=subprocess.PIPE if line is not lines[-1] else None,
                                     stderr=said if line is lines[1] else subprocess.DEVNULL)
            if before:
                before.close()
            before = stage.stdout
            self.stages.append(stage)

    def ended(self):
        """Statuses, when all have ended, and how long that took."""
        begin = time.monotonic()
        for stage in self.stages:
            stage.wait(PATIENCE)
        return [s.returncode for s in self.stages], time.monotonic() - begin

    def close(self):
        for stage in self.stages:
            if stage.poll() is None:
                stage.kill()
                stage.wait()
        self.room.cleanup()


class Reader:
    """When records of a topic came, as a consumer sees them that takes what is committed, or all."""

    def __init__(self, topic, level="read_committed"):
        self.kcat = subprocess.Popen(["kcat", "-C", "-q", "-u", "-b", kafka.broker(), "-t", topic, "-o", "end", "-X", f"isolation.level={level}",
                                      "-X", "fetch.wait.max.ms=10", "-f", "%o\n"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0)
        self.times, self.came = [], threading.Event()
        self.thread = threading.Thread(target=self.read)
        self.thread.start()

    def read(self):
        while data := self.kcat.stdout.read(1 << 16):
            self.times += [time.monotonic()] * data.count(b"\n")
            self.came.set()

    def await_one(self):
        self.came.clear()
        if not self.came.wait(PATIENCE):
            raise Unmeasured(f"nothing came out within {PATIENCE} s")

    def close(self):
        self.kcat.kill()
        self.kcat.wait()
        self.thread.join()
        self.kcat.stdout.close()


class Feed:
    """A record each millisecond, as even as it can be: kcat -P reads 1024 bytes before it sends one of them, which takes 70 ms."""

    def __init__(self, topic):
        self.writer = subprocess.Popen(["kstream-cat", "--from", "json", "--key", ".k", "-b", kafka.broker(), "-P", "-t", topic], stdin=subprocess.PIPE, bufsize=0)
        self.over = False
        self.thread = threading.Thread(target=self.write)
        self.thread.start()

    def write(self):
        begin, n = time.monotonic(), 0
        while not self.over:
            behind = int((time.monotonic() - begin) * 1000) - n
            if behind > 0:
                self.writer.stdin.write("".join(f'{{"k":"k{i % 100}","n":{i}}}\n' for i in range(n, n + behind)).encode())
                n += behind
            time.sleep(0.0005)

    def close(self):
        if self.over:
            return
        self.over = True
        self.thread.join()
        self.writer.stdin.close()
        self.writer.wait()


def fed_app(middle, interval="100ms"):
    source = kafka.topic(f"in-{time.monotonic_ns()}", 1)
    return App(source, middle, interval), Feed(source)


COUNTS = ["kstream-window", "--running", "count()"]


def collapse_row():
    """Each stage in turn, half of the times while records come, half while none do."""
    times = []
    for busy in (True, False):
        app, feed = fed_app(COUNTS)
        reader = Reader(app.out)
        try:
            for n in range(KILLS // 2):
                app.start()
                if busy or n == 0:
                    reader.await_one()
                if not busy:
                    feed.close()
                    time.sleep(1)  # it has begun, and there is nothing to tell that by
                app.stages[n % 3].send_signal(signal.SIGKILL)
                statuses, took = app.ended()
                if any(status not in (75, -signal.SIGKILL) for status in statuses):
                    raise Unmeasured(f"a pipeline that was killed has ended with {statuses}")
                times.append(took)
        finally:
            feed.close()
            reader.close()
            app.close()
    return [max(times)], f"{len(times)} kills, median {median(times) * 1e3:.0f} ms"


def drain_row():
    """SIGTERM in the middle of two million records that are read as fast as they can be."""
    times = []
    for _ in range(DRAINS):
        app = App(kafka.trades(4), COUNTS, "1s", 4)
        reader = Reader(app.out)
        try:
            app.start()
            reader.await_one()
            app.stages[0].send_signal(signal.SIGTERM)
            statuses, took = app.ended()
            if any(statuses):
                raise Unmeasured(f"a pipeline that was told to end has ended with {statuses}")
            times.append(took)
        finally:
            reader.close()
            app.close()
    return [max(times)], f"{len(times)} times, median {median(times) * 1e3:.0f} ms"


def gaps(times):
    """Of the gaps between arrivals the longest in each tenth of a second."""
    most = {}
    for a, b in zip(times, times[1:]):
        most[int(b * 10)] = max(most.get(int(b * 10), 0), b - a)
    if len(most) < STALL_S * 3:
        raise Unmeasured(f"{len(times)} records came out in {STALL_S} s")
    return statistics.quantiles((gap * 1e3 for gap in most.values()), n=100)


def stall_row():
    """The longest gap between two records of each 100 ms, an epoch, as they arrive in the output topic, and in that of the input."""
    app, feed = fed_app(["kstream-map", "value=.n"])
    readers = Reader(app.out, "read_uncommitted"), Reader(app.source, "read_uncommitted")
    try:
        app.start()
        readers[0].await_one()
        time.sleep(2)
        begun = [len(reader.times) for reader in readers]
        time.sleep(STALL_S)
        output, given = (gaps(reader.times[n:]) for reader, n in zip(readers, begun))
    finally:
        feed.close()
        for reader in readers:
            reader.close()
        app.close()
    return [output[98]], f"median {output[49]:.0f} ms; of the input itself {given[98]:.0f} and {given[49]:.0f} ms"


def again_row():
    """A table of 1 GB on disk; kill -9 of all; from there to the next that is committed."""
    source = kafka.topic("eos-big", 4)
    run(f"{TOOL['gen']} profiles 1 {BIG} 1 | kstream-cat --from json --key .user --time .ts -b {kafka.broker()} -P -t {source}")
    app, times = App(source, ["kstream-table", "--only-changes"], "1s", 4), []
    try:
        app.start("-e")
        statuses, _ = app.ended()
        if any(statuses):
            raise Unmeasured(f"a table of {BIG:,} rows could not be made: {statuses}")
        size = int(run(f"du -sk {app.room.name} | cut -f 1")) / 2**20
        reader = Reader(app.out)
        try:
            for _ in range(5):
                feed = Feed(source)
                app.start()
                reader.await_one()
                for stage in app.stages:
                    stage.send_signal(signal.SIGKILL)
                app.ended()
                begin = time.monotonic()
                app.start()
                reader.await_one()
                times.append(time.monotonic() - begin)
                app.stages[0].send_signal(signal.SIGTERM)
                app.ended()
                feed.close()
        finally:
            feed.close()
            reader.close()
    finally:
        app.close()
    return times, f"{size:.1f} GB of state on disk"


restored = {}


def restore():
    """Counts of a million keys, whose state is lost each time: seconds to the first that is committed, and records/s of the restore."""
    if restored:
        return restored["times"], restored["rates"]
    source = kafka.topic("eos-restore", 4)
    run(f"{TOOL['gen']} profiles 1 {RESTORED} 1 | kstream-cat --from json --key .user --time .ts -b {kafka.broker()} -P -t {source}")
    app, times, rates = App(source, [*COUNTS, "-v", "-b", kafka.broker(), "--changelog", f"{source}-log"], "100ms", 4), [], []
    try:
        app.start("-e")
        statuses, _ = app.ended()
        if any(statuses):
            raise Unmeasured(f"counts of {RESTORED:,} keys could not be made: {statuses}")
        reader, feed = Reader(app.out), Feed(source)
        try:
            for _ in range(5):
                shutil.rmtree(os.path.join(app.room.name, app.name))
                begin = time.monotonic()
                with tempfile.TemporaryFile("w+") as said:
                    app.start(said=said)
                    reader.await_one()
                    times.append(time.monotonic() - begin)
                    app.stages[0].send_signal(signal.SIGTERM)
                    app.ended()
                    said.seek(0)
                    rates += [int(x) for x in re.findall(r"restored .* records, (\d+) records/s", said.read())]
        finally:
            feed.close()
            reader.close()
    finally:
        app.close()
    if len(rates) != len(times):
        raise Unmeasured(f"{len(times)} runs, and {len(rates)} have restored")
    restored.update(times=times, rates=rates)
    return times, rates


def restore_row():
    times, rates = restore()
    return times, f"{RESTORED:,} keys, {median(rates) / 1e6:.2f} M/s"


def restore_rate_row():
    return [rate / STREAMS_RESTORE for rate in restore()[1]], f"Kafka Streams {STREAMS_RESTORE / 1e6:.2f} M/s"


ROWS = [
    Row("eos-100ms", "exactly once each 100 ms, rate of at least once", ">=", 0.9, "x", lambda: cost_row(100)),
    Row("eos-1s", "exactly once each second, rate of at least once", ">=", 0.97, "x", lambda: cost_row(1000)),
    Row("streams-eos", "exactly once, less CPU than Kafka Streams", ">=", 5, "x", streams_row),
    Row("eos-stall", "records each ms, gap at a commit, 99 %", "<=", 50, " ms", stall_row),
    Row("collapse", "all have ended behind a kill -9", "<=", 1, " s", collapse_row),
    Row("drain", "all have ended behind SIGTERM", "<=", 2, " s", drain_row),
    Row("again", "output again with 1 GB of state", "<=", 5, " s", again_row),
    Row("restore", "output again with no state but the changelog", "<=", 3, " s", restore_row),
    Row("restore-rate", "restore, rate of Kafka Streams", ">=", 1, "x", restore_rate_row),
]
