#!/usr/bin/env python3
"""Inner joins of two streams over random records of three partitions, through the tools in PATH, against a reference that looks at every
pair of records and knows nothing of Kafka Streams but the rule; and the same records in other orders of arrival.

	joins.py [SEED ...]

Status 1: a difference, which is printed, or that a seed shows nothing.
"""
import collections
import json
import random
import sys

import run

PARTITIONS, RECORDS, BEGIN = 3, 400, 1000000
EVER = 10 ** 9          # a grace that keeps everything

# before, after, grace
REACHES = [(10, 10, 0), (10, 10, 40), (10, 10, EVER), (25, 0, 3), (0, 25, 3), (0, 0, 0), (0, 0, EVER), (-5, 20, 0), (20, -5, 12),
           (-8, 8, 5), (2000, 3000, 0)]


def records(rng, lag):
    """[side, partition, key, value, time], each value once: a partition's clock goes its own pace, and a record may be lag behind it.
    Few keys, values that are long, or one that is now and then, so that a key's rows take more than one place where they are kept."""
    clocks, out = [BEGIN + rng.randrange(500) for _ in range(PARTITIONS)], []
    paces = [rng.choice([0, 1, 3, 8]) for _ in range(PARTITIONS)]
    keys = ["a", "b", "c", "long " * 9, 7, {"id": 1}][:rng.choice([1, 3, 6])]
    pads = rng.choice([[0], [0], [300], [0, 0, 0, 6000]])
    for n in range(RECORDS):
        place = rng.randrange(PARTITIONS)
        clocks[place] += rng.randrange(paces[place] + 1)
        key = None if rng.random() < 0.03 else rng.choice(keys)
        value = None if rng.random() < 0.03 else {"n": n, "pad": "x" * rng.choice(pads)}
        late = rng.randrange(lag + 1) if rng.random() < 0.3 else 0
        out.append([rng.choice("LR"), place, key, value, clocks[place] - late])
    return out


def reference(rows, before, after, grace):
    """[partition, key, left, right, time] in order: a record meets those of the other side that came before it, the oldest first.  A side
    keeps what is less than before + after + grace older than the newest that it has kept."""
    out, newest = [], collections.defaultdict(int)
    for n, (side, place, key, value, ts) in enumerate(rows):
        if key is None or value is None:
            continue
        reach = (before, after) if side == "L" else (after, before)
        met = []
        for m, (other, at, other_key, other_value, when) in enumerate(rows[:n]):
            if other == side or at != place or other_key != key or other_value is None:
                continue
            if ts - reach[0] <= when <= ts + reach[1] and when > newest[other, at] - (before + after + grace):
                met.append((when, m, other_value))
        for when, _, other_value in sorted(met, key=lambda pair: pair[:2]):
            left, right = (value, other_value) if side == "L" else (other_value, value)
            out.append([place, key, left, right, max(ts, when)])
        newest[side, place] = max(newest[side, place], ts)
    return out


def joined(rows, before, after, grace):
    """The same from kstream-join; a text, if it failed."""
    lines = "".join(json.dumps({"topic": side, "partition": place, "offset": i, "tstype": "create", "ts": ts, "key": key, "payload": value})
                    + "\n" for i, (side, place, key, value, ts) in enumerate(rows))
    reach = ["--before", "%dms" % before, "--after", "%dms" % after, "--grace", "%dms" % grace]
    results, summaries = run.pipe(lines, [["kstream-join", "--stream", "L", "--stream", "R", *reach]])
    if summaries is None:
        return results
    return [[r["partition"], r["key"], r["payload"]["left"], r["payload"]["right"], r["ts"]] for r in results]


def as_reference(rng, reach):
    """(None or what differs, results, how many more a longer grace would have given)."""
    rows = records(rng, rng.choice([5, 60, 400]))
    want = reference(rows, *reach)
    got = joined(rows, *reach)
    if isinstance(got, str):
        return got, 0, 0
    return run.first_difference(got, want, "the reference"), len(want), len(reference(rows, *reach[:2], EVER)) - len(want)


def as_any_order(rng, before, after, grace):
    """(None or what differs, results): no record comes so much later than its time that the other side has let go what it meets."""
    rows = records(rng, 30)
    orders = [sorted(rows, key=lambda row: row[4])]
    for _ in range(3):
        if grace == EVER:
            orders.append(rng.sample(rows, len(rows)))
        else:
            orders.append([row for _, row in sorted(((row[4] + rng.randrange(grace), i), row) for i, row in enumerate(rows))])
    bags = []
    for order in orders:
        got = joined(order, before, after, grace)
        if isinstance(got, str):
            return got, 0
        bags.append(sorted(map(json.dumps, got)))
    for bag in bags[1:]:
        if bag != bags[0]:
            odd = collections.Counter(bag)
            odd.subtract(bags[0])
            return "arrived in another order: %s" % {result: n for result, n in odd.items() if n}, 0
    return None, len(bags[0])


def main():
    bad = 0
    for seed in map(int, sys.argv[1:] or [1]):
        rng, results, lost = random.Random(seed), 0, 0
        wrong = []
        for reach in REACHES:
            text, count, more = as_reference(rng, reach)
            results, lost = results + count, lost + more
            wrong += ["before %d after %d grace %d: %s" % (*reach, text)] if text else []
        for reach in ((10, 10, EVER), (15, 0, EVER), (-5, 20, EVER), (10, 10, 80), (3, 20, 200)):
            text, count = as_any_order(rng, *reach)
            results += count
            wrong += ["before %d after %d grace %d: %s" % (*reach, text)] if text else []
        if not wrong and (results < 1000 or lost == 0):
            wrong.append("%d results, and %d lost by a short grace: nothing is shown" % (results, lost))
        for text in wrong:
            print("seed %d, %s" % (seed, text))
        print("seed %d: %d results" % (seed, results))
        bad += bool(wrong)
    return bad > 0


if __name__ == "__main__":
    sys.exit(main())
