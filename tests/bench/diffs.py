# SPDX-License-Identifier: MIT
"""The rows of kstream-diff: two sets of results, each key in both, in other orders; sort of one of them is the measure."""
import os
import subprocess

import harness
from harness import Race, Row, Unmeasured, make, median, race, run

RECORDS, CHANGED = 5_000_000, 1000
MEMORY_MIB = 64
MAKE = """import random, sys
seed, n, changed = map(int, sys.argv[1:])
random.seed(seed)
ids = list(range(n))
random.shuffle(ids)
for i in ids:
    print('{"k":"S%07d","n":%d,"low":%d.%02d,"high":%d.5}' % (i, i % 977 + (i < changed), i % 500, i % 100, i % 700))"""


def sets():
    paths = []
    for seed, changed in ((1, 0), (2, CHANGED)):
        paths.append(f"{harness.CACHE}/results-{seed}-{RECORDS}.jsonl")
        make(paths[-1], f"{harness.PYTHON} -c '{MAKE.replace(chr(39), chr(34) * 3)}' {seed} {RECORDS} {changed}")
    return paths


def command(extra=""):
    old, new = sets()
    return f"kstream-diff --from json --key .k -n 0 {extra} {old} {new} || [ $? = 1 ]"


def diff_race():
    told = run(command()).split()
    if told[:8] != ["equal", str(RECORDS - CHANGED), "added", "0", "removed", "0", "changed", str(CHANGED)]:
        raise Unmeasured(f"kstream-diff says: {' '.join(told)}")
    return Race("two sets of results", {"kstream-diff": (f"{{ {command()}; }} >/dev/null", RECORDS), "sort": (f"LC_ALL=C sort {sets()[0]} >/dev/null", RECORDS)})


def diff_row():
    r = race(diff_race)
    return r.ratio("kstream-diff", "sort"), f"wall {median(r.ratio('kstream-diff', 'sort', 'wall')):.2f}x"


def memory_row():
    """The largest of its processes."""
    figures = []
    for _ in range(3):
        with subprocess.Popen(["bash", "-c", command(f"--memory {MEMORY_MIB}M")], stdout=subprocess.DEVNULL) as p:
            _, status, usage = os.wait4(p.pid, 0)
            p.returncode = status
        if status:
            raise Unmeasured(f"kstream-diff ended with {status}")
        figures.append(usage.ru_maxrss / 1024)
    return figures, f"--memory {MEMORY_MIB}M, {2 * RECORDS:,} records of 50 bytes"


ROWS = [
    Row("diff", "diff of two sets, CPU of sort of one", "<=", 3, "x", diff_row),
    Row("diff-memory", "the same, resident", "<=", MEMORY_MIB + 8, " MB", memory_row),
]
