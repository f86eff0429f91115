# SPDX-License-Identifier: MIT
"""kstream-replay: the merge against reading as it comes, a recording against passing it through, what --reorder holds, and --speed."""
import json
import os
import random
import subprocess
import time

import harness
import kafka
from harness import TOOL, Race, Row, median, race, run, same

PARTITIONS, HELD = 8, 1_000_000
PACED, SPACING_MS = 300, 10


def merge_race():
    b, name = kafka.broker(), kafka.trades(PARTITIONS)
    replayed = f"kstream-replay -b {b} -t {name}"
    same("bytes, sorted", **{
        tool: run(f"{command} | kstream-cat --to json | LC_ALL=C sort | sha256sum")
        for tool, command in (("kstream_cat", f"kstream-cat -b {b} -t {name} -e"), ("kstream_replay", replayed))
    })  # fmt: skip
    same("bytes of two replays", first=run(f"{replayed} | kstream-cat --to envelope | sha256sum"), second=run(f"{replayed} | kstream-cat --to envelope | sha256sum"))
    return Race(
        f"reading {PARTITIONS} partitions",
        {
            "kstream-cat": (f"kstream-cat -b {b} -t {name} -e >/dev/null", kafka.RECORDS),
            "kstream-replay": (f"{replayed} >/dev/null", kafka.RECORDS),
            "kcat": (f"kcat -C -q -e -b {b} -t {name} >/dev/null", kafka.RECORDS),
        },
    )


def recording():
    """Made again when a tool is newer, since the wire may have changed."""
    path, tools = f"{harness.CACHE}/replay.frames", [f"{harness.BIN}/kstream-{t}" for t in ("cat", "replay")]
    if os.path.exists(path) and os.path.getmtime(path) < max(os.path.getmtime(t) for t in tools):
        os.unlink(path)
    if not os.path.exists(path):
        run(f"{TOOL['gen']} trades 10000 {2 * HELD} 1 | kstream-cat --from json --key .symbol --time .ts | kstream-replay --record {path} >/dev/null")
    return path


def file_race():
    f = recording()
    same("bytes", cat=run(f"kstream-cat --to json {f} | sha256sum"), replay=run(f"kstream-replay --to json {f} | sha256sum"))
    return Race(
        "a recording",
        {
            "kstream-cat": (f"kstream-cat {f} | cat >/dev/null", 2 * HELD),
            "kstream-replay": (f"kstream-replay {f} | cat >/dev/null", 2 * HELD),
            "kstream-replay, with a range": (f"kstream-replay --since @0 {f} | cat >/dev/null", 2 * HELD),
        },
    )


def disorder():
    """Each record up to HELD ms, and so HELD places, away from where it belongs; one a ms."""
    path, r = f"{harness.CACHE}/disorder-{HELD}.jsonl", random.Random(1)
    if not os.path.exists(path):
        with open(path + ".part", "w", encoding="ascii") as f:
            for n in range(2 * HELD):
                f.write('{"t":%d,"n":%d,"name":"customer %d","price":%d.5}\n' % (1_700_000_000_000 + n - r.randrange(HELD), n, n % 1000, n % 77))
        os.rename(path + ".part", path)
    frames = f"{harness.CACHE}/disorder.frames"
    run(f"kstream-cat --from json --time .t {path} >{frames}")
    return frames


def reorder_race():
    f = disorder()
    same("times in order", **{
        name: run(f"kstream-replay --reorder {HELD}ms --memory {memory} {f} | kstream-cat --to json | jq .t | LC_ALL=C sort -c -n && echo sorted")
        for name, memory in (("in_memory", "1G"), ("on_disk", "16M"))
    })  # fmt: skip
    return Race(
        f"--reorder, {HELD} records held",
        {
            "in memory": (f"kstream-replay --reorder {HELD}ms --memory 1G {f} >/dev/null", 2 * HELD),
            "--memory 16M": (f"kstream-replay --reorder {HELD}ms --memory 16M {f} >/dev/null", 2 * HELD),
        },
    )


def pace_row():
    """How late each record is beside the first, at 1x: that of 95 in 100."""
    figures = []
    for _ in range(harness.ROUNDS):
        lines = "".join('{"t":%d}\n' % (1_700_000_000_000 + n * SPACING_MS) for n in range(PACED)).encode()
        with subprocess.Popen(
            ["kstream-replay", "--from", "json", "--time", ".t", "--speed", "1x", "--to", "json"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as p:
            p.stdin.write(lines)
            p.stdin.close()
            seen = [(time.monotonic() * 1000, json.loads(line)["t"]) for line in p.stdout]
        late = sorted(at - seen[0][0] - (t - seen[0][1]) for at, t in seen)
        figures.append(late[len(late) * 95 // 100])
    return figures, f"95 of 100; the earliest {late[0]:.1f} ms, the latest {late[-1]:.1f}"


def merge_row():
    r = race(merge_race)
    return r.ratio("kstream-cat", "kstream-replay", "wall"), f"CPU {median(r.ratio('kstream-cat', 'kstream-replay')):.2f}x; of kcat's wall {median(r.ratio('kcat', 'kstream-replay', 'wall')):.2f}x"


def file_row():
    r = race(file_race)
    return r.ratio("kstream-cat", "kstream-replay", "wall"), f"with a range {median(r.ratio('kstream-cat', 'kstream-replay, with a range', 'wall')):.2f}x"


def reorder_row():
    r = race(reorder_race)
    r.need(*r.commands)
    rate = {(name, what): [1 / x / 1e6 for x in r.per_record(name, what)] for name in r.commands for what in ("cpu", "wall")}
    return rate["in memory", "cpu"], f"wall {median(rate['in memory', 'wall']):.2f}; with --memory 16M {median(rate['--memory 16M', 'cpu']):.2f}"


ROWS = [
    Row("replay-merge", f"replay of {PARTITIONS} partitions, speed of reading them", ">=", 0.5, "x", merge_row),
    Row("replay-file", "replay of a recording, speed of passing it", ">=", 0.6, "x", file_row),
    Row("reorder", f"--reorder, {HELD} records held", ">=", 1, " M/CPU s", reorder_row),
    Row("pace", "--speed 1x, how late", "<=", 5, " ms", pace_row),
]
