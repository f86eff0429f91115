# SPDX-License-Identifier: MIT
"""The rows of windows between two topics, against Kafka Streams.

What Kafka Streams 4.3.0 needs is stated, not measured: one stream thread, at least once, tuned (cache of 64 MB, commit each second), two
million trades of 10,000 keys in four partitions, on a quiet machine of two cores, the broker beside it; the least of 2 to 8 runs, start
included.  Steady is the second half of the records alone, without start and compilation.  The jobs are those of the rows below: count, low,
high and average of the price in a minute (grace 10 s), the value read and written by Jackson; count in a minute each 10 s; count in sessions
of 10 s (grace 10 s)."""
import subprocess
import time

import harness
import kafka
from harness import Race, Row, Unmeasured, median, race, run, same, starts

RECORDS, STARTS = kafka.RECORDS, 20

# CPU seconds per million records of a whole run and of its steady state, and MB resident.
STREAMS = {"tumble": (9.3, 6.1, 646), "hop": (32.3, 29.1, 1071), "session": (19.0, 15.5, 1132)}

# The updates that it writes, of one run: how many there are hangs on when its cache is emptied, so nothing is held against them.
UPDATES = {"tumble": 829_426}

JOBS = {
    "tumble": "--tumble 1m --grace 10s 'n=count(), low=min(.price), high=max(.price), avg=avg(.price)'",
    "hop": "--hop 1m --advance 10s 'count()'",
    "session": "--session 10s --grace 10s 'count()'",
}
outputs = {}


def command(job, target, emit="commit"):
    return f"kstream-window -b {kafka.broker()} --in kafka:{kafka.trades(4)} -e --emit {emit} {JOBS[job]} --out kafka:{target}"


def windows(topic):
    """The keys, which are those of windows, that a topic has."""
    return int(run(f"kcat -C -b {kafka.broker()} -t {topic} -e -q -f '%k\\n' | LC_ALL=C sort -u | wc -l"))


def jobs_race():
    commands = {}
    for job in JOBS:
        commit, close = (kafka.topic(f"{job}-{emit}", 4) for emit in ("commit", "close"))
        run(command(job, commit))
        run(command(job, close, "close"))
        outputs[job] = kafka.count(commit)
        # Whatever is emitted on the way, the last results are of the same windows; sessions also leave those that became others.
        if job != "session":
            same(f"windows of {job}", commit=windows(commit), close=windows(close), results=kafka.count(close))
        commands[job] = (command(job, kafka.topic(job, 4)), RECORDS)
    return Race("topic to topic, windows, --emit commit", commands)


def steady_row(job):
    r = race(jobs_race)
    r.need(job)
    theirs = f", Kafka Streams' {UPDATES[job]:,}" if job in UPDATES else ""
    return [x * 1e6 for x in r.per_record(job, "cpu")], f"Kafka Streams {STREAMS[job][1]}; {outputs[job]:,} results{theirs}"


def run_row(job):
    r = race(jobs_race)
    r.need(job)
    return [STREAMS[job][0] / x / 1e6 for x in r.per_record(job, "cpu")], f"Kafka Streams {STREAMS[job][0]} CPU s/M"


def resident_row():
    """Both processes of the job that comes nearest: kstream-window and the kstream-cat that reads for it, which start.c does not see."""
    parts = {}
    for job in JOBS:
        words = command(job, kafka.topic(f"resident-{job}", 4))
        parts[job] = STREAMS[job][2] / peak_of_all(words)
    worst = min(parts, key=parts.get)
    return [parts[worst]], "; ".join(f"{job} {STREAMS[job][2] / part:.0f} MB of {STREAMS[job][2]}" for job, part in parts.items())


def peak_of_all(words):
    """MB: the largest sum over the processes of a pipeline, looked at while they run."""
    with subprocess.Popen(["sh", "-c", f"exec {words}"]) as top:
        most = 0
        while top.poll() is None:
            most = max(most, sum(map(resident_kib, descendants(top.pid))))
            time.sleep(0.02)
    if top.returncode:
        raise Unmeasured(f"status {top.returncode} from: {words}")
    return most / 2**10


def descendants(pid):
    found = [pid]
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
            for child in f.read().split():
                found += descendants(int(child))
    except OSError:
        pass
    return found


def resident_kib(pid):
    try:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as f:
            return next(int(line.split()[1]) for line in f if line.startswith("Rss:"))
    except (OSError, StopIteration):
        return 0


def first_row():
    b, name = kafka.broker(), kafka.topic("first", 1)
    run(f"echo '{{\"ts\":1767225600000,\"symbol\":\"A\",\"price\":1}}' | kcat -P -b {b} -t {name}")
    words = "--key .symbol --time .ts --tumble 1m n=count() --to json"
    alone = f"{harness.CACHE}/one.jsonl"
    run(f"echo '{{\"ts\":1767225600000,\"symbol\":\"A\",\"price\":1}}' >{alone}")
    topic, lines = starts(STARTS + 2, "/dev/null", f"kstream-window -b {b} --in kafka:{name} -c 1 {words}", f"kstream-window --from json --in {alone} {words}")
    if any(r[0] < 0 for r in topic + lines):
        raise Unmeasured("kstream-window ended without a result")
    return [r[0] for r in topic[2:]], f"of a file {median(r[0] for r in lines[2:]):.1f} ms; {STARTS} starts"


ROWS = [
    Row("kafka-tumble", "topic to topic, tumbling windows", "<=", 1.2, " CPU s/M", lambda: steady_row("tumble")),
    Row("kafka-hop", "topic to topic, hopping windows", "<=", 5.8, " CPU s/M", lambda: steady_row("hop")),
    Row("kafka-session", "topic to topic, session windows", "<=", 3.1, " CPU s/M", lambda: steady_row("session")),
    Row("streams-tumble", "the run, less than Kafka Streams: tumbling", ">=", 8, "x", lambda: run_row("tumble")),
    Row("streams-hop", "the run, less than Kafka Streams: hopping", ">=", 8, "x", lambda: run_row("hop")),
    Row("streams-session", "the run, less than Kafka Streams: sessions", ">=", 8, "x", lambda: run_row("session")),
    Row("streams-rss", "the run, less memory than Kafka Streams", ">=", 15, "x", resident_row),
    Row("first", "start to first result from Kafka", "<=", 50, " ms", first_row),
]
