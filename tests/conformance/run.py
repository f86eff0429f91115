#!/usr/bin/env python3
"""Run the cases of tumbling.jsonl through the tools in PATH and compare with what Kafka Streams emitted.

	run.py [-v] [CASES.jsonl]

Each result is compared in order: key, window, value, time; and the records late and dropped.  Windows that Kafka Streams loses are
left out by a rule; kstream-window(1), DIFFERENCES, states it.
"""
import json
import os
import re
import subprocess
import sys

import aggregates

HERE = os.path.dirname(os.path.abspath(__file__))


def command(op):
    window = op["window"]
    line = ["kstream-window", "-v", "--tumble", "%dms" % window["size"], "--grace", "%dms" % window["grace"], "--emit", op.get("emit", "update")]
    return line + [aggregates.clauses(op)]


def ours(case):
    """[[key, start, end, value, ts]] in order, and the records late or dropped."""
    lines = [json.dumps({"topic": topic, "partition": 0, "offset": i, "tstype": "create", "ts": ts, "key": key, "payload": value})
             for i, (topic, key, value, ts) in enumerate(case["in"])]
    source = subprocess.Popen(["kstream-cat", "--from", "envelope", "--end", "paused"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    window = subprocess.Popen(command(case["op"]), stdin=source.stdout, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    sink = subprocess.Popen(["kstream-cat", "--to", "envelope"], stdin=window.stdout, stdout=subprocess.PIPE)
    source.stdout.close()
    window.stdout.close()
    source.stdin.write(("\n".join(lines) + "\n").encode())
    source.stdin.close()
    output = sink.stdout.read().decode()
    summary = window.stderr.read().decode()
    statuses = [process.wait() for process in (source, window, sink)]
    if statuses != [0, 0, 0]:
        raise SystemExit("%s: statuses %s\n%s" % (case["id"], statuses, summary))
    rows = []
    for line in output.splitlines():
        record = json.loads(line)
        key = record["key"]
        if record["flags"] != ["window"]:
            raise SystemExit("%s: not flagged as a windowed key: %s" % (case["id"], line))
        rows.append([key["key"], key["start"], key["end"], record["payload"], record["ts"]])
    dropped, late = re.search(r" (\d+) dropped.* (\d+) late,", summary).groups()
    return rows, int(dropped) + int(late)


def theirs(case):
    """The same of Kafka Streams."""
    return [[key["key"], key["start"], key["end"], value, ts] for _, _, key, value, ts in case["out"]], case["dropped"]


def lost(case):
    """Windows (start) that Kafka Streams closes without a word: their store had given them up when they closed (semantics.md 3.5)."""
    op, size, grace = case["op"], case["op"]["window"]["size"], case["op"]["window"]["grace"]
    if op.get("emit") != "close":
        return set()
    retention = max(op.get("retention", 0), size + grace)
    stream, newest, open_starts, gone = -1, -1, set(), set()
    for _, key, value, ts in case["in"]:
        if key is None:
            continue
        stream = max(stream, ts)
        start = ts // size * size
        if start + size > stream - grace:
            open_starts.add(start)
            newest = max(newest, start)
        for start in [s for s in open_starts if s + size <= stream - grace]:
            open_starts.remove(start)
            if start < newest - retention:
                gone.add(start)
    return gone


def compare(case, verbose):
    (rows, count), (expected, dropped) = ours(case), theirs(case)
    gone = lost(case)
    kept = [row for row in rows if row[1] not in gone]
    if verbose:
        print("%s: %d rows, %d in windows that Kafka Streams loses, %d late or dropped" % (case["id"], len(rows), len(rows) - len(kept), count))
    # Python compares numbers by value and objects without order, as the cases ask for.
    if kept == expected and count == dropped:
        return True
    print("%s: %s" % (case["id"], " ".join(command(case["op"]))))
    for i in range(max(len(kept), len(expected))):
        a, b = (kept[i] if i < len(kept) else None), (expected[i] if i < len(expected) else None)
        if a != b:
            print("  row %d: %s\n  Kafka: %s" % (i, json.dumps(a), json.dumps(b)))
            break
    if count != dropped:
        print("  %d late or dropped, Kafka: %d" % (count, dropped))
    return False


def main():
    arguments = sys.argv[1:]
    verbose = "-v" in arguments
    files = [a for a in arguments if a != "-v"] or [os.path.join(HERE, "tumbling.jsonl")]
    same = different = rows = 0
    for line in open(files[0]):
        case = json.loads(line)
        if compare(case, verbose):
            same += 1
            rows += len(case["out"])
        else:
            different += 1
    print("%d cases and %d results as Kafka Streams, %d different" % (same, rows, different))
    return different != 0 or same == 0


if __name__ == "__main__":
    sys.exit(main())
