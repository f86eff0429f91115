#!/usr/bin/env python3
"""Windows behind kstream-repartition: random records of three partitions that get a new key and one of seven partitions, through the
tools in PATH, and what the model of Kafka Streams, with the rules of differences.py, says of each new partition, a task of its own.

	repartition.py [SEED]				in one pipe
	repartition.py --through TOPIC -b BROKER [SEED]	by way of topics that are named TOPIC.N, from lines and from a topic

By way of a topic the model gets what kcat reads
from it.  Status 1: a difference, which is printed.
"""
import argparse
import collections
import json
import os
import random
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../oracle"))
import differences
import mapping
import model
import run

FROM, TO, COLUMN = 3, 7, 4      # partitions; the column of 7 in keys.tsv
RECORDS = 800
BY = "(.user? // $key)"         # a tombstone goes by the key it has

WINDOWS = [
    {"type": "tumbling", "size": 50, "grace": 0},
    {"type": "tumbling", "size": 100, "grace": 60},
    {"type": "hopping", "size": 60, "advance": 20, "grace": 40},
    {"type": "sliding", "size": 40, "grace": 30},
    {"type": "session", "gap": 15, "grace": 40},
]


def murmur2(key):
    """As in Kafka's Utils."""
    m, h = 0x5bd1e995, 0x9747b28c ^ len(key)
    for at in range(0, len(key) - 3, 4):
        k = int.from_bytes(key[at:at + 4], "little") * m & 0xffffffff
        h = (h * m & 0xffffffff) ^ ((k ^ k >> 24) * m & 0xffffffff)
    rest = key[len(key) & ~3:]
    if rest:
        h = (h ^ int.from_bytes(rest, "little")) * m & 0xffffffff
    h = (h ^ h >> 13) * m & 0xffffffff
    return h ^ h >> 15


def partition(key, count):
    return (murmur2(key) & 0x7fffffff) % count


def verify():
    """What the Java client says of 2,018 keys."""
    with open(os.path.join(HERE, "../vectors/murmur2/keys.tsv"), encoding="ascii") as lines:
        for row in (line.rstrip("\n").split("\t") for line in lines):
            if partition(bytes.fromhex(row[0]), TO) != int(row[COLUMN]):
                sys.exit("murmur2 of %s is not %s" % (row[0], row[1]))


def records(rng):
    """[old partition, key, value, time, new partition or None]: each old partition has a clock of its own, and some lag behind it."""
    clocks, out = [rng.randrange(200) for _ in range(FROM)], []
    paces = [rng.choice([2, 4, 6]) for _ in range(FROM)]
    for n in range(RECORDS):
        old = rng.randrange(FROM)
        clocks[old] += rng.randrange(paces[old])
        ts = max(1, clocks[old] - (rng.randrange(150) if rng.random() < 0.2 else 0))      # a topic cannot hold 0
        # Of one length: what closes at one time goes by the bytes of keys, msgpack here, JSON there.
        name = "user-%02d" % rng.randrange(24)
        place = partition(name.encode(), TO)
        kind = rng.random()
        if kind < 0.03:         # nobody's, from far ahead: it goes nowhere, and is no time of any partition
            out.append([old, None, {"n": n, "user": None}, ts + 100000, None])
        elif kind < 0.08:
            out.append([old, name, None, ts, place])
        else:
            out.append([old, "k%d" % old, {"n": n, "user": name}, ts, place])
    return out


def by_partition(rows):
    """What the new partitions hold: {partition: [[key, value, time]]}."""
    parts = collections.defaultdict(list)
    for _, key, value, ts, place in rows:
        if place is not None:
            parts[place].append([key if value is None else value["user"], value, ts])
    return parts


def in_topic(options, topic):
    """The same, as kcat reads it."""
    kcat = ["kcat", "-C", "-q", "-e", "-b", options.broker, "-t", topic, "-f", "%p\t%T\t%k\t%S\t%s\n"]
    text = subprocess.run(kcat, check=True, stdout=subprocess.PIPE).stdout
    parts = collections.defaultdict(list)
    for line in text.decode().splitlines():
        place, ts, key, size, value = line.split("\t")
        parts[int(place)].append([key, None if size == "-1" else json.loads(value), int(ts)])
    return parts


def expected(op, parts):
    """({partition: [[key, value, time]]}, how many are dropped or late)."""
    out, dropped = {}, 0
    for place, rows in parts.items():
        case = {"id": place, "op": op, "in": [["in", *row] for row in rows]}
        results, count, _ = differences.expected(dict(case, **model.run(case)))
        out[place] = [row[1:] for row in results]
        dropped += count
    return out, dropped


def come(options, op, rows, number):
    """(what came out, summaries, what the new partitions held)."""
    lines = "".join(json.dumps({"topic": "in", "partition": old, "offset": i, "tstype": "create", "ts": ts, "key": key, "payload": value})
                    + "\n" for i, (old, key, value, ts, _) in enumerate(rows))
    windows = mapping.windowed(op)
    if options.through is None:
        return *run.pipe(lines, [["kstream-repartition", "--by", BY, "--partitions", str(TO)], *windows]), by_partition(rows)
    broker, source = ["-b", options.broker], "%s.%d.in" % (options.through, number)
    through = "%s.%d" % (options.through, number)
    tools = [["kstream-repartition", *broker, "--commit-interval", "50ms", "--by", BY, "--through", through, "--create-topics", str(TO)],
             *windows]
    if number % 2 == 0:
        records, summaries = run.pipe(lines, tools)
        held = in_topic(options, through)
        if summaries is not None and held != by_partition(rows):
            return "%s does not hold what belongs there" % through, None, held
        return records, summaries, held
    write = ["kstream-cat", *broker, "--from", "envelope", "-P", "-t", source, "--create-topics", str(FROM)]
    subprocess.run(write, input=lines.encode(), check=True)
    return *run.pipe("", tools, ["kstream-cat", *broker, "-t", source, "-e"]), in_topic(options, through)


def difference(options, op, rows, number):
    """(None or what differs, results)."""
    records, summaries, held = come(options, op, rows, number)
    if summaries is None:
        return records, 0
    want, dropped = expected(op, held)
    got = collections.defaultdict(list)
    for record in records:
        got[record["partition"]].append(run.row_of({"op": op}, record)[1:])
    for place in sorted(want.keys() | got.keys()):
        wrong = run.first_difference(got.get(place, []), want.get(place, []))
        if wrong:
            return "partition %d: %s" % (place, wrong), 0
    count = run.dropped_by(summaries[-1:])
    if count != dropped:
        return "%d dropped or late\n    Kafka Streams: %d" % (count, dropped), 0
    return None, len(records)


def main():
    parser = argparse.ArgumentParser(usage=__doc__, add_help=False)
    parser.add_argument("--through")
    parser.add_argument("-b", dest="broker")
    parser.add_argument("seed", nargs="?", type=int, default=int(time.time()))
    options = parser.parse_args()
    verify()
    rng, results, late, bad = random.Random(options.seed), 0, 0, 0
    ops = [{"kind": "aggregate", "agg": "trace", "window": window, "emit": emit} for window in WINDOWS for emit in ("update", "close")]
    for number, op in enumerate(ops):
        rows = records(rng)
        wrong, count = difference(options, op, rows, number)
        results += count
        late += expected(op, by_partition(rows))[1]
        if wrong:
            bad += 1
            print("seed %d, %s\n    %s" % (options.seed, json.dumps(op), wrong))
    if late == 0:
        print("seed %d: no record is late: nothing is shown" % options.seed)
    print("%d results of %d pipes as Kafka Streams, %d pipes differ" % (results, len(ops), bad))
    return bad > 0 or late == 0


if __name__ == "__main__":
    sys.exit(main())
