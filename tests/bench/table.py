# SPDX-License-Identifier: MIT
"""Measure every goal of `make bench` and print the table; scripts/bench builds what this needs and calls it."""
import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys

import clients
import diffs
import eos
import harness
import joins
import kafka
import replay
import stateless
import streams
import windows
from harness import EXPR, LINES, MISSING, TOOL, Race, Row, Unmeasured, done_races, make, median, race, read_frames, run, same, starts, trades

PRICE_ABOVE_500 = r'"price":5(0[1-9]|[1-9][0-9]|00\.(0[1-9]|[1-9]))'  # exact where prices end at 555.55; its literal start is grep's best case
JQ_LINES, FRAMES = 200_000, 4_000_000
PER_LINE = ("simdjson ondemand", "simdjson dom")  # the better of the two is the peer; "many" is for information
STARTS, LATENCY_RECORDS, LATENCY_SPACING_US = 200, 2000, 1000


def frames():
    """Made again when kstream-cat is newer, since the wire may have changed; the count that passes is from grep."""
    path, tool = f"{harness.CACHE}/trades.frames", f"{harness.BIN}/kstream-cat"
    if os.path.exists(path) and os.path.getmtime(path) < os.path.getmtime(tool):
        os.unlink(path)
    source = f"{TOOL['gen']} trades 10000 {FRAMES} 1"
    make(path, f"{source} | kstream-cat --from json --key .symbol --time .ts --to frames")
    make(f"{harness.CACHE}/frames-pass-{FRAMES}", f"{source} | LC_ALL=C grep -cE '{PRICE_ABOVE_500}'")
    return path


def one_frame():
    path = f"{harness.CACHE}/one.frames"
    run(f"printf '{{\"a\":1}}\\n' | kstream-cat --from json --to frames >{path}")
    return path


def frames_race():
    f = frames()
    with open(f"{harness.CACHE}/frames-pass-{FRAMES}", encoding="ascii") as expected:
        same(
            "records that pass",
            grep=int(expected.read()),
            kstream_filter=int(run(f"cat {f} | kstream-filter {EXPR} --to json | wc -l")),
        )
    rekey = "kstream-repartition --by .symbol --partitions 12"
    same(
        "records",
        kstream_cat=int(run(f"cat {f} | kstream-cat --to json | wc -l")),
        kstream_repartition=int(run(f"cat {f} | {rekey} --to json | wc -l")),
        input=FRAMES,
    )
    return Race(
        "frames in a pipe, wall counts",
        {
            "cat | cat": (f"cat {f} | cat >/dev/null", FRAMES),
            "cat | kstream-cat": (f"cat {f} | kstream-cat --to frames >/dev/null", FRAMES),
            "cat | kstream-filter": (f"cat {f} | kstream-filter {EXPR} --to frames >/dev/null", FRAMES),
            "cat | kstream-repartition": (f"cat {f} | kstream-repartition --partitions 12 --to frames >/dev/null", FRAMES),
            "the same, by a new key": (f"cat {f} | {rekey} --to frames >/dev/null", FRAMES),
        },
    )


def json_race():
    """What is written goes through a cat, on all sides: grep would stop at its first match if it saw /dev/null."""
    f, short = trades(LINES), trades(JQ_LINES)
    grep = f"LC_ALL=C grep -E '{PRICE_ABOVE_500}'"
    tools = {
        "kstream-filter": (f"kstream-filter --from json --to json {EXPR} {f}", LINES),
        "cat | filter | cat (kstream)": (f"kstream-cat --from json --to frames {f} | kstream-filter {EXPR} | kstream-cat --to json", LINES),
        "grep": (f"{grep} {f}", LINES),
        "cat": (f"cat {f}", LINES),
    }
    if "DuckDB" not in MISSING:
        tools["DuckDB"] = (f"{harness.PYTHON} -S {harness.PEERS}/duck.py {harness.CACHE}/python {f}", LINES)
    if "jq" not in MISSING:
        tools["jq"] = (f"{TOOL['jq']} -c 'select(.price > 500)' {short}", JQ_LINES)
    counts = {name: int(run(f"{c} | wc -l")) for name, (c, lines) in tools.items() if lines == LINES and name != "cat"}
    same("lines that pass", **counts)
    if "jq" in tools:
        same("lines that pass", jq=int(run(tools["jq"][0] + " | wc -l")), grep=int(run(f"{grep} {short} | wc -l")))
    same("bytes that pass", **{name: run(tools[name][0] + " | sha256sum") for name in ("kstream-filter", "grep")})
    return Race("JSON lines, filter, JSON lines", {name: (f"{c} | cat >/dev/null", n) for name, (c, n) in tools.items()})


def regex_race():
    """One line in two thousand: grep's pattern holds for the line what ours holds for the field."""
    f = trades(LINES)
    tools = {
        "kstream-filter": f"""kstream-filter --from json --to json '.symbol | test("^S.*[05]4[0-9]$")' {f}""",
        "grep -P": f"""LC_ALL=C.UTF-8 grep -P '"symbol":"S[^"]*[05]4[0-9]"' {f}""",
    }
    same("bytes that pass", **{name: run(f"{c} | sha256sum") for name, c in tools.items()})
    return Race("JSON lines, filter by a regular expression", {name: (f"{c} | cat >/dev/null", LINES) for name, c in tools.items()})


def ingest_race():
    f = trades(LINES)
    tools = {"kstream-cat": "kstream-cat --from json --to frames"}
    if "simdjson" not in MISSING:
        for form in ("ondemand", "dom", "many"):
            tools[f"simdjson {form}"] = f"{TOOL['simdjson']} {form}"
    if "yajl" not in MISSING:
        tools["yajl"] = TOOL["yajl"]
    same_values(tools, f)
    return Race("JSON lines to frames", {name: (f"{c} {f} >/dev/null", LINES) for name, c in tools.items()})


CSV = "import csv, json, sys; w = csv.writer(sys.stdout, quoting=csv.QUOTE_NONNUMERIC, lineterminator='\\n'); f = map(json.loads, sys.stdin); r = next(f); w.writerow(r)"
CSV += "; w.writerow(r.values()); w.writerows(r.values() for r in f)"


def csv_race():
    """The same trades as a table that Python wrote; its reader, which makes no records of it, is the peer."""
    lines, table = trades(LINES), f"{harness.CACHE}/trades-{LINES}.csv"
    make(table, f'{harness.PYTHON} -c "{CSV}" <{lines}')
    reads = "import csv, sys; print(sum(1 for _ in csv.reader(sys.stdin)) - 1)"
    same("values", csv=run(f"kstream-cat --from csv --to json {table} | sha256sum"), json=run(f"kstream-cat --from json --to json {lines} | sha256sum"))
    same("records", python=int(run(f"{harness.PYTHON} -c '{reads}' <{table}")), input=LINES)
    return Race(
        "CSV to frames",
        {
            "csv": (f"kstream-cat --from csv --to frames {table} >/dev/null", LINES),
            "json": (f"kstream-cat --from json --to frames {lines} >/dev/null", LINES),
            "Python": (f"{harness.PYTHON} -c '{reads}' <{table} >/dev/null", LINES),
        },
    )


def csv_row(over, under):
    r = race(csv_race)
    return r.ratio(over, under), f"{median(r.per_record('csv', 'cpu')) * 1e6:.3f} CPU s/M"


def same_values(tools, path):
    """The first lines have the values that Python's json reads, whoever converts them; all lines come out."""
    if "msgpack" in MISSING:
        raise Unmeasured(f"needs {MISSING['msgpack']}")
    import msgpack

    head = f"{harness.CACHE}/head.jsonl"
    run(f"head -n 10000 {path} >{head}")
    with open(head, encoding="utf-8") as f:
        wanted = [json.loads(line) for line in f]
    for name, command in tools.items():
        frames_out = read_frames(run(f"{command} {head}", text=False))
        values = [msgpack.unpackb(payload)[8] for kind, payload in frames_out if kind == 1]
        if repr(values) != repr(wanted):
            raise Unmeasured(f"{name} does not read the values that Python's json reads")
        count = sum(kind == 1 for kind, _ in read_frames(run(f"{command} {path}", text=False)))
        same("records", **{name: count, "input": LINES})


# Rows --------------------------------------------------------------------------------------------------------------------------------

notes = []


def frames_row(name):
    r = race(frames_race)
    figures = r.ratio("cat | cat", name, "wall")
    return figures, f"CPU of both processes {median(r.ratio(name, 'cat | cat')):.2f}x that of cat | cat"


def repartition_row():
    r = race(frames_race)
    again = median(r.ratio("cat | kstream-cat", "the same, by a new key", "wall"))
    return r.ratio("cat | kstream-cat", "cat | kstream-repartition", "wall"), f"{again:.2f}x by a new key"


def json_row(over, under):
    r = race(json_race)
    return r.ratio(over, under), f"wall {median(r.ratio(over, under, 'wall')):.2f}x"


def regex_row():
    r = race(regex_race)
    return r.ratio("grep -P", "kstream-filter"), f"wall {median(r.ratio('grep -P', 'kstream-filter', 'wall')):.2f}x"


def gigabytes_row():
    r = race(ingest_race)
    r.need("kstream-cat")
    size = os.path.getsize(trades(LINES)) / 1e9
    return [size / c.cpu for c in r.costs["kstream-cat"]], f"wall {size / median(c.wall for c in r.costs['kstream-cat']):.2f} GB/s"


def ingest_row(peer, *forms):
    r = race(ingest_race)
    if peer in MISSING:
        raise Unmeasured(f"needs {MISSING[peer]}")
    r.need(*forms)
    best = min(forms, key=lambda form: median(c.cpu for c in r.costs[form]))
    return r.ratio(best, "kstream-cat"), f"{best}: {median(r.per_record(best, 'cpu')) * 1e6:.3f} CPU s/M"


def latency_row():
    def one(chain):
        done = subprocess.run(
            [TOOL["latency"], str(LATENCY_RECORDS), str(LATENCY_SPACING_US), one_frame(), chain], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise Unmeasured(done.stderr.strip())
        return [float(x) / 1e3 for x in done.stdout.split()[1:]]

    ours, cats = [], []
    for _ in range(harness.ROUNDS):
        ours.append(one("kstream-filter true | kstream-filter true | kstream-filter true"))
        cats.append(one("cat | cat | cat"))
    p50, _, cat_p99, _ = ([median(x) for x in zip(*group)][i] for group, i in ((ours, 0), (ours, 1), (cats, 2), (cats, 0)))
    return [p99 for _, _, p99, _ in ours], f"p50 {p50:.3f} ms; cat | cat | cat p99 {cat_p99:.3f} ms; {LATENCY_RECORDS} records a round"


def start_row():
    cat, ours = starts(STARTS, one_frame(), "cat", "kstream-filter true")
    figures = [o[1] / c[1] for c, o in zip(cat, ours)]
    walls = [median(r[1] for r in x) for x in (ours, cat)]
    cpus = [median(r[2] for r in x) for x in (ours, cat)]
    return figures, f"{walls[0]:.2f} ms, cat {walls[1]:.2f} ms; CPU {cpus[0]:.2f} and {cpus[1]:.2f} ms; {STARTS} starts"


def resident_row():
    with open("lib/sys.h", encoding="utf-8") as f:
        size = re.search(r"#define KS_IO_SIZE \(\(size_t\)(\d+) << (\d+)\)", f.read())
    if not size:
        raise Unmeasured("lib/sys.h does not say KS_IO_SIZE as it used to")
    buffers = 2 * (int(size[1]) << int(size[2])) / 2**20
    idle = median(r[3] for r in starts(5, one_frame(), "kstream-filter true")[0]) / 2**10
    cat = median(r[3] for r in starts(5, one_frame(), "cat")[0]) / 2**10
    figures = []
    for _ in range(3):
        with subprocess.Popen(["cat", frames()], stdout=subprocess.PIPE) as feeder:
            figures.append(starts(1, "-", "kstream-filter .price>500", feed=feeder.stdout)[0][0][3] / 2**10)
    return (
        [f - buffers for f in figures],
        f"{median(figures):.2f} MB after {FRAMES:,} records less {buffers:.2f} MB of buffers (one read, one write); "
        f"one record {idle:.2f} MB; cat {cat:.2f} MB",
    )


ROWS = [
    Row("pass", "pass-through, records/s of cat | cat", ">=", 0.75, "x", lambda: frames_row("cat | kstream-cat")),
    Row("filter", "one-field filter, records/s of cat | cat", ">=", 0.55, "x", lambda: frames_row("cat | kstream-filter")),
    Row("rekey", "repartition, records/s of the pass-through", ">=", 0.9, "x", repartition_row),
    Row("duckdb", "JSON filter, CPU of DuckDB", "<=", 0.25, "x", lambda: json_row("kstream-filter", "DuckDB")),
    Row("grep", "JSON filter, CPU of grep -E", "<=", 1.5, "x", lambda: json_row("kstream-filter", "grep")),
    Row("jq", "JSON filter, faster than jq (CPU a record)", ">=", 15, "x", lambda: json_row("jq", "kstream-filter")),
    Row("three", "JSON through 3 processes, CPU of DuckDB", "<", 1, "x", lambda: json_row("cat | filter | cat (kstream)", "DuckDB")),
    Row("regex", "JSON filter by test(), speed of grep -P", ">=", 0.5, "x", regex_row),
    Row("ingest", "JSON to frames, a core", ">=", 1, " GB/s", gigabytes_row),
    Row("simdjson", "JSON to frames, faster than simdjson a line", ">=", 2.5, "x", lambda: ingest_row("simdjson", *PER_LINE)),
    Row("yajl", "JSON to frames, faster than yajl", ">=", 8, "x", lambda: ingest_row("yajl", "yajl")),
    Row("csv", "CSV to frames, CPU of the same as JSON", "<=", 1.5, "x", lambda: csv_row("csv", "json")),
    Row("python", "CSV to frames, faster than Python's csv", ">=", 3, "x", lambda: csv_row("Python", "csv")),
    Row("latency", "3 stages, idle, one record, p99", "<=", 0.5, " ms", latency_row),
    Row("start", "start to end of a pipe tool, time of cat", "<=", 1.2, "x", start_row),
    Row("resident", "resident, buffers not counted", "<=", 2, " MB", resident_row),
] + stateless.rows(frames, one_frame) + windows.rows(frames) + clients.rows() + diffs.ROWS + joins.ROWS + kafka.ROWS + streams.ROWS + joins.KAFKA_ROWS + eos.ROWS + replay.ROWS


# The machine ---------------------------------------------------------------------------------------------------------------------------


def first_line(command):
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    return (done.stdout.splitlines() or ["?"])[0]


def missing_peers():
    needs = {
        "jq": ("jq 1.8", os.path.exists(TOOL["jq"])),
        "DuckDB": ("DuckDB 2.0", os.path.isdir(f"{harness.CACHE}/python/duckdb")),
        "polars": ("polars 2.1", os.path.isdir(f"{harness.CACHE}/polars")),
        "mawk": ("mawk", shutil.which("mawk")),
        "Miller": ("Miller", shutil.which("mlr")),
        "simdjson": ("libsimdjson-dev and g++", os.path.exists(TOOL["simdjson"])),
        "yajl": ("libyajl-dev", os.path.exists(TOOL["yajl"])),
        "kcat": ("kcat", shutil.which("kcat")),
        "msgpack": ("python3-msgpack", subprocess.run([harness.PYTHON, "-c", "import msgpack"], stderr=subprocess.DEVNULL, check=False).returncode == 0),
    }
    return {name: f"{what}: run scripts/bench --setup" for name, (what, there) in needs.items() if not there}


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        model = next((line.split(":")[1].strip() for line in f if line.startswith("model name")), "?")
    load = " ".join(f"{x:.1f}" for x in os.getloadavg())
    return f"{model}, {os.cpu_count()} cores; Linux {os.uname().release}; load {load}; {harness.ROUNDS} rounds"


def peers():
    versions = [first_line("kstream-filter --version"), first_line("cat --version"), first_line("grep --version")]
    versions += [first_line(f"{TOOL[p]} --version") for p in ("jq", "simdjson", "yajl") if p not in MISSING]
    if "DuckDB" not in MISSING:
        versions.append(first_line(f"{harness.PYTHON} -S {harness.PEERS}/duck.py {harness.CACHE}/python --version"))
    if "polars" not in MISSING:
        versions.append(first_line(f"{harness.PYTHON} -S {harness.PEERS}/polars_window.py {harness.CACHE}/polars --version"))
    versions += [first_line(command) for name, command in (("mawk", "mawk -W version"), ("Miller", "mlr --version")) if name not in MISSING]
    return "; ".join(versions)


def cpu_ticks():
    """Ticks of all cores: busy, stolen by the host, all."""
    with open("/proc/stat", encoding="ascii") as f:
        user, nice, system, idle, iowait, irq, softirq, steal = (int(x) for x in f.readline().split()[1:9])
    busy = user + nice + system + irq + softirq
    return busy, steal, busy + steal + idle + iowait


def others(before):
    busy, steal, all_ = (b - a for a, b in zip(before, cpu_ticks()))
    t = os.times()
    own = (t.user + t.system + t.children_user + t.children_system) * os.sysconf("SC_CLK_TCK")
    return max(0, busy - own) / max(1, all_), steal / max(1, all_)


def main():
    rows = [r for r in ROWS if not ARGS.row or r.name in ARGS.row]
    print(f"kstream against its goals\n{machine()}\n{peers()}")
    before = cpu_ticks()
    lines, held, missed, unmeasured = [], 0, 0, 0
    for row in rows:
        print(f"bench: {row.name}", file=sys.stderr)
        wanted = row.wanted()
        try:
            figures, note = row.measure()
        except Unmeasured as why:
            unmeasured += 1
            lines.append(f"{row.label:<46}{wanted:>12}   NOT MEASURED: {why}")
            continue
        figure = median(figures)
        good = row.holds(figure)
        held, missed = held + (good is True), missed + (good is False)
        spread = statistics.quantiles(figures, n=10) if len(figures) >= 10 else [min(figures), max(figures)]
        reached = f"{figure:.3g}{row.unit}"
        verdict = {True: "held", False: "NOT REACHED", None: "reference"}[good]
        lines.append(f"{row.label:<46}{wanted:>12} {reached:>12}   {verdict:<12} [{spread[0]:.3g} - {spread[-1]:.3g}] {note}")
    print(f"\n{'goal':<46}{'wanted':>12} {'reached':>12}   {'':<12} [rounds: least - most, or 10 % and 90 %]")
    print("\n".join(lines))
    for r in harness.done_races.values():
        if isinstance(r, Race):
            r.report()
    if "json_race" in (f.__name__ for f in harness.done_races):
        print("\nCPU s/M: user + system seconds of all processes per million records, start-up included, also for kstream and jq (on 200,000 lines).")
    foreign, stolen = others(before)
    again = "; measure again" if foreign + stolen > 0.05 else ""
    print(f"other programs took {foreign:.0%} of the machine meanwhile, its host {stolen:.0%}{again}")
    print(f"{held} goals held, {missed} not reached" + (f", {unmeasured} not measured" if unmeasured else ""))
    return 2 if unmeasured else 1 if missed else 0


def arguments():
    p = argparse.ArgumentParser(prog="scripts/bench", description="Measure kstream against its goals and its peers.")
    p.add_argument("--rounds", type=int, default=5, help="rounds that count, at least 5 (default 5)")
    p.add_argument("--list", action="store_true", help="name the rows")
    p.add_argument("--cache", required=True, help=argparse.SUPPRESS)
    p.add_argument("--bin", required=True, help=argparse.SUPPRESS)
    p.add_argument("row", nargs="*", help="measure only these rows")
    args = p.parse_args()
    if args.list:
        print("\n".join(f"{r.name:<15} {r.label} {r.wanted()}" for r in ROWS))
        sys.exit()
    unknown = set(args.row) - {r.name for r in ROWS}
    if unknown:
        p.exit(64, f"bench: no row {', '.join(sorted(unknown))}; scripts/bench --list names them\n")
    if args.rounds < 5:
        p.exit(64, "bench: --rounds must be 5 or more\n")
    return args


if __name__ == "__main__":
    ARGS = arguments()
    harness.setup(ARGS.cache, ARGS.bin, ARGS.rounds)
    MISSING.update(missing_peers())
    for needed in ("kstream-cat", "kstream-filter", "kstream-window"):
        if not os.access(f"{harness.BIN}/{needed}", os.X_OK):
            print(f"bench: no {needed} in {harness.BIN}; run make first", file=sys.stderr)
            sys.exit(69)
    os.environ["PATH"] = harness.BIN + ":" + os.environ["PATH"]
    try:
        sys.exit(main())
    finally:
        kafka.down()
