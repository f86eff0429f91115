#!/usr/bin/env python3
"""Run cases of Kafka Streams through the tools in PATH, and compare with what Kafka Streams emitted, in order: key, window, value, time
(for a branch, the route), and the records dropped or late.

	run.py [-v] [-j N] [-k NAME] [CASES.jsonl ...]

Without files: kafka-streams.jsonl (from Kafka's own tests), random.jsonl, found.jsonl, and differences.jsonl.  NAME is the beginning of a group, such as
aggregate/session.  N jobs run at a time (2).  mapping.py says which tools do what; differences.py holds the rules by which results differ on purpose.
Status 1: a difference, or a case that has no tool and is not listed as such.
"""
import collections
import concurrent.futures
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../oracle"))
import differences
import mapping
import model
import vectors

STORED = ["random.jsonl", "found.jsonl", "differences.jsonl"]

# What Kafka Streams counts as dropped, in the words of our summaries; "late" has a count of its own.
COUNTED = {"null key", "null value", "tombstone", "out of history", "not the latest", "no foreign key"}


def cases_of_vectors():
    """The vectors as cases, with what Kafka's own tests expect; its order where it has one."""
    for case, want, dropped in vectors.translate():
        op = case["op"]
        if op["kind"] in mapping.LEFT_OUT:
            yield dict(case, out=[], vector=True)
            continue
        result = model.run(case)
        wrong = vectors.differences(case, want, dropped, result)
        if wrong:
            raise SystemExit("%s: the model differs from the vector: %s" % (case["id"], wrong[0]))
        yield dict(case, out=result["out"], dropped=result["dropped"], vector=True)


def cases_of(path):
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def envelopes(case):
    return "".join(json.dumps({"topic": topic, "partition": 0, "offset": i, "tstype": "create", "ts": ts, "key": key, "payload": value}) + "\n"
                   for i, (topic, key, value, ts) in enumerate(case["in"]))


def run_tools(case):
    return pipe(envelopes(case), mapping.tools(case["op"]))


def pipe(lines, tools, source=("kstream-cat", "--from", "envelope")):
    """(records, [summary of each tool]) of envelope lines through a pipe of tools; a failure is a text."""
    commands = [[*source, "--end", "paused"]] + [[t[0], "-v"] + t[1:] for t in tools] + [["kstream-cat", "--to", "envelope"]]
    processes, errors = [], []
    with tempfile.TemporaryFile() as stdin:
        stdin.write(lines.encode())
        stdin.seek(0)
        before = stdin
        for words in commands:
            errors.append(tempfile.TemporaryFile())
            processes.append(subprocess.Popen(words, stdin=before, stdout=subprocess.PIPE, stderr=errors[-1]))
            before.close()
            before = processes[-1].stdout
        output = before.read().decode()
        before.close()
    statuses = [process.wait() for process in processes]
    texts = []
    for error in errors:
        error.seek(0)
        texts.append(error.read().decode())
        error.close()
    if any(statuses):
        return "statuses %s: %s" % (statuses, "".join(texts[1:-1]).strip()), None
    return [json.loads(line) for line in output.splitlines()], texts[1:-1]


def is_windowed(case):
    return case["op"].get("window", {"type": "none"})["type"] != "none"


def row_of(case, record):
    flags = record["flags"]
    if mapping.is_join(case["op"]["kind"]) and (record["route"] or record["topic"]) != "L":
        raise ValueError("a result is not of the left stream: %s" % json.dumps(record))
    kind = {"session": "session"}.get(case["op"].get("window", {}).get("type"), "window")
    if is_windowed(case) != (kind in flags):
        raise ValueError("flags %s" % flags)
    topic = record["route"] if case["op"]["kind"] == "branch" else "out"
    return [topic, record["key"], record["payload"], record["ts"]]


def dropped_by(summaries, and_late=True):
    count = 0
    for text in summaries:
        causes, late = re.search(r" \d+ dropped(?: \(([^)]*)\))?, (\d+) late,", text).groups()
        count += int(late) if and_late else 0
        for cause in (causes or "").split(", "):
            word, _, n = cause.rpartition(" ")
            count += int(n) if word in COUNTED else 0
    return count


def comparable(case, dropped):
    """The dropped that can be compared, None if none can.  Of two streams those with nulls: Kafka Streams counts what is too old by the
    segment of its store; and what is joined to itself, or again, it counts once for each role."""
    op = case["op"]
    if op["kind"] not in ("aggregate", "table", "tableFilter", "tableMapValues", "tableAggregate") and not mapping.is_join(op["kind"]):
        return None
    if op["kind"] != "streamStreamJoin":
        return dropped
    if "self" in op or "again" in op:
        return None
    keyless = {"inner": "", "left": "L", "outer": "LR"}[op["type"]]
    return sum(value is None or (key is None and topic not in keyless) for topic, key, value, _ in case["in"])


def first_difference(got, want, judge="Kafka Streams"):
    for i in range(max(len(got), len(want))):
        a, b = (got[i] if i < len(got) else None), (want[i] if i < len(want) else None)
        if not model.same(a, b):
            return "result %d: %s\n    %s: %s" % (i, json.dumps(a), judge, json.dumps(b))
    return None


def compare(task):
    """(None or what differs, results, rules)."""
    case, (want, dropped, rules) = task
    for words in mapping.tools(case["op"]):
        if shutil.which(words[0]) is None:
            return "there is no " + words[0], 0, rules
    records, summaries = run_tools(case)
    if summaries is None:
        return records, 0, rules
    try:
        got = [row_of(case, record) for record in records]
    except ValueError as wrong:
        return str(wrong), 0, rules
    wrong = first_difference(got, want)
    dropped = comparable(case, dropped)
    if wrong is None and dropped is not None:
        count = dropped_by(summaries, case["op"]["kind"] != "streamStreamJoin")
        if count != dropped:
            wrong = "%d dropped or late\n    Kafka Streams: %d" % (count, dropped)
    return wrong, len(want), rules


def parse(arguments):
    options = {"-v": False, "-j": "2", "-k": ""}
    files = []
    while arguments:
        word = arguments.pop(0)
        if word == "-v":
            options[word] = True
        elif word in options and arguments:
            options[word] = arguments.pop(0)
        elif word.startswith("-"):
            raise SystemExit("usage: run.py [-v] [-j N] [-k NAME] [CASES.jsonl ...]")
        else:
            files.append(word)
    return options, files


def select(options, files):
    """(cases to run, {why: how many are not}, texts that are failures)."""
    sources = [cases_of(f) for f in files] or [cases_of_vectors()] + [cases_of(os.path.join(HERE, f)) for f in STORED]
    todo, others, wrong = [], collections.Counter(), []
    for case in (case for source in sources for case in source):
        kind, group = case["op"]["kind"], mapping.name(case["op"])
        reason = mapping.LEFT_OUT.get(kind)
        if not group.startswith(options["-k"]):
            continue
        if reason:
            others["%s: %s" % (kind, reason)] += 1
        elif kind not in mapping.TOOLS:
            wrong.append("%s: no tool for %s, and it is not listed as left out" % (case["id"], kind))
        elif not set(case["op"]) <= mapping.FIELDS:
            wrong.append("%s: nobody knows what %s is" % (case["id"], ", ".join(sorted(set(case["op"]) - mapping.FIELDS))))
        else:
            todo.append(case)
    return todo, others, wrong


def main():
    options, files = parse(sys.argv[1:])
    todo, others, failures = select(options, files)
    groups, by_rule, rows = {}, collections.Counter(), 0
    tasks = [(case, differences.expected(case)) for case in todo]      # the rules change the model: one at a time
    with concurrent.futures.ThreadPoolExecutor(int(options["-j"])) as pool:
        for case, (wrong, count, rules) in zip(todo, pool.map(compare, tasks)):
            groups.setdefault(mapping.name(case["op"]), [0, 0])[wrong is not None] += 1
            rows += count if wrong is None else 0
            by_rule.update(rules)
            if wrong is not None:
                failures.append("%s: %s\n    %s" % (case["id"], " | ".join(shlex.join(t) for t in mapping.tools(case["op"])), wrong))
    for text in failures if options["-v"] else failures[:5]:
        print(text)
    for name, (same, different) in sorted(groups.items()):
        if options["-v"] or different:
            print("%-40s %4d as Kafka Streams, %d different" % (name, same, different))
    for rule, n in sorted(by_rule.items()):
        print("%d cases differ by the rule: %s" % (n, rule))
    for reason, n in sorted(others.items()):
        print("left out: %d %s" % (n, reason))
    print("%d cases and %d results as Kafka Streams, %d different" % (sum(t[0] for t in groups.values()), rows, len(failures)))
    return bool(failures) or not todo


if __name__ == "__main__":
    sys.exit(main())
