#!/usr/bin/env python3
"""Random cases of two streams, a case a partition of one input, through the kstream-join in PATH, and model.py; equal results, in order.

	streams.py [-r] FROM TO

Each number from FROM to before TO seeds 60 cases of one join.  -r: in parts, with state that outlives each of them, in the directory `state`.
"""
import json
import os
import random
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import model

CASES = 60


def ms(n):
    return "%dms" % n


def join(r):
    before, after = r.choice([0, 1, 5, 10, 30, 100]), r.choice([0, 1, 5, 10, 30, 100])
    which = r.random()
    if which < 0.15 and after:
        before = -r.randint(1, after)
    elif which < 0.3 and before:
        after = -r.randint(1, before)
    op = {"kind": "streamStreamJoin", "type": r.choice(["inner", "left", "outer"]), "before": before, "after": after,
          "grace": r.choice([0, 0, 1, 7, 30, 1000])}
    if r.random() < 0.15:
        op["self"] = True
    return op


def records(r, op):
    t, out = r.choice([0, 0, 3, 50]), []
    keys = "abcdefgh"[:r.randint(1, 8)]
    step, late, jumps = r.choice([1, 2, 5, 20]), r.choice([0, 0, 5, 30, 100]), r.random() < 0.15
    for i in range(r.randint(5, 120)):
        t += r.randint(0, step) if r.random() < 0.9 else r.randint(0, 60)
        t += 70000 if jumps and r.random() < 0.05 else 0
        ts = max(0, t - (r.randint(0, late) if r.random() < 0.4 else 0))
        out.append(["L" if "self" in op else r.choice("LR"), None if r.random() < 0.03 else r.choice(keys), None if r.random() < 0.03 else i, ts])
    return out


def run(op, lines, words):
    command = ["kstream-join", "-q", "--from", "envelope", "--to", "envelope", "--end", "paused", "--stream", "L",
               "--stream", "L" if "self" in op else "R", "--before", ms(op["before"]), "--after", ms(op["after"]),
               "--grace", ms(op["grace"]), "--" + op["type"], *words]
    return subprocess.run(command, input="".join(lines), stdout=subprocess.PIPE, text=True, check=True).stdout


def in_parts(r, seed, op, lines):
    out, name = "", "in%d" % seed
    for n in sorted(r.sample(range(1, len(lines)), 3)) + [len(lines)]:
        with open(name, "w", encoding="utf-8") as f:
            f.writelines(lines[:n])
        out += run(op, [], ["--app", "a%d" % seed, "--state-dir", "state", "--in", name])
    return out


def check(seed, parts):
    r = random.Random(seed)
    op = join(r)
    cases = [records(r, op) for _ in range(CASES)]
    order = [p for p in range(CASES) for _ in cases[p]]
    if r.random() < 0.5:
        r.shuffle(order)
    left, lines = [iter(case) for case in cases], []
    for i, p in enumerate(order):
        topic, key, value, ts = next(left[p])
        lines.append(json.dumps({"topic": topic, "partition": p, "offset": i, "tstype": "create", "ts": ts, "key": key, "payload": value}) + "\n")
    got = [[] for _ in cases]
    for line in (in_parts(r, seed, op, lines) if parts else run(op, lines, [])).splitlines():
        out = json.loads(line)
        got[out["partition"]].append([out["key"], out["payload"], out["ts"]])
    for p, case in enumerate(cases):
        want = [out[2:] for out in model.run({"id": p, "op": op, "in": case})["out"]]
        if got[p] != want:
            sys.exit("seed %d, case %d: %s\n%s\nkstream: %s\nmodel:   %s" % (seed, p, op, case, got[p], want))


def main(arguments):
    parts = arguments[:1] == ["-r"]
    first, last = map(int, arguments[parts:])
    for seed in range(first, last):
        check(seed, parts)
    print("%d cases as the model has them" % ((last - first) * CASES))


if __name__ == "__main__":
    main(sys.argv[1:])
