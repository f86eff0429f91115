# SPDX-License-Identifier: MIT
"""Measure every goal of `make bench` and print the table; scripts/bench builds what this needs and calls it.

Commands that are compared run turn by turn in the same rounds, the first round uncounted; a ratio is taken inside each round, and the
median of the rounds is held against the goal.  CPU is user + system time of all processes of a pipeline from start to end
(tests/bench/time.c), so the start-up of a peer counts.  Before anything is timed, all have to agree on the result."""
import argparse
import ctypes
import hashlib
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import time

median = statistics.median
PRICE_ABOVE_500 = r'"price":5(0[1-9]|[1-9][0-9]|00\.(0[1-9]|[1-9]))'  # exact where prices end at 555.55; its literal start is grep's best case
EXPR = "'.price > 500'"
LINES, JQ_LINES, FRAMES = 1_000_000, 200_000, 4_000_000
FIRST_10K = "b490dfbb8da9c505"  # SHA-256 of the first 10,000 lines and of a million, from the page that defines the input
MILLION = "327531dc2f06a9d9394dfb3c095e053d436a82b01aaa43aa03661b8ba6b43cf1"
PER_LINE = ("simdjson ondemand", "simdjson dom")  # the better of the two is the peer; "many" is for information
STARTS, LATENCY_RECORDS, LATENCY_SPACING_US, KAFKA_STARTS = 200, 2000, 1000, 20


class Unmeasured(Exception):
    """A row has no figure, and why."""


class Row:
    def __init__(self, name, label, op, goal, unit, measure):
        self.name, self.label, self.op, self.goal, self.unit, self.measure = name, label, op, goal, unit, measure

    def holds(self, figure):
        return {"<=": figure <= self.goal, ">=": figure >= self.goal, "<": figure < self.goal}[self.op]


def run(command, text=True):
    """Stdout of a shell pipeline of which every part has to succeed."""
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], stdout=subprocess.PIPE, text=text, check=False)
    if done.returncode:
        raise Unmeasured(f"status {done.returncode} from: {command}")
    return done.stdout


class Cost:
    """What one run of a pipeline took, in seconds."""

    def __init__(self, command):
        done = subprocess.run([TOOL["time"], command], stderr=subprocess.PIPE, text=True, check=False)
        *noise, last = done.stderr.strip().split("\n")
        fields = last.split()
        if noise or len(fields) != 4 or fields[3] != "0":
            raise Unmeasured(f"{done.stderr.strip()!r} from: {command}")
        self.wall, self.user, self.sys = (int(f) / 1e6 for f in fields[:3])
        self.cpu = self.user + self.sys


class Race:
    """Commands that run turn by turn; records says how many records each reads."""

    def __init__(self, title, commands):
        self.title, self.commands, self.costs, self.failed = title, commands, {}, {}

    def start(self, rounds):
        names = list(self.commands)
        for r in range(rounds + 1):
            for name in names[r % len(names) :] + names[: r % len(names)]:
                if name in self.failed:
                    continue
                try:
                    cost = Cost(self.commands[name][0])
                except Unmeasured as why:
                    self.failed[name] = str(why)
                    continue
                if r:
                    self.costs.setdefault(name, []).append(cost)

    def need(self, *names):
        for name in names:
            if name not in self.commands:
                raise Unmeasured(f"needs {MISSING.get(name, name)}")
            if name in self.failed:
                raise Unmeasured(self.failed[name])

    def per_record(self, name, what):
        return [getattr(c, what) / self.commands[name][1] for c in self.costs[name]]

    def ratio(self, over, under, what="cpu"):
        """Of each round, per record."""
        self.need(over, under)
        return [a / b for a, b in zip(self.per_record(over, what), self.per_record(under, what))]

    def report(self):
        print(f"\n{self.title}{'':{max(1, 34 - len(self.title))}}   CPU s/M  [least  - most  ]     user      sys   wall s/M")
        for name in self.commands:
            if name not in self.costs:
                continue
            cpu, user, sys_, wall = ([x * 1e6 for x in self.per_record(name, w)] for w in ("cpu", "user", "sys", "wall"))
            print(
                f"  {name:<34}{median(cpu):8.3f}  [{min(cpu):.3f} - {max(cpu):.3f}]  {median(user):8.3f} {median(sys_):8.3f}   {median(wall):8.3f}"
            )
        for name, why in self.failed.items():
            print(f"  {name:<34}failed: {why}")


def same(what, **counts):
    if len(set(counts.values())) != 1:
        raise Unmeasured(f"{what} differ, so no figure counts: " + ", ".join(f"{k} {v}" for k, v in counts.items()))


# Input -------------------------------------------------------------------------------------------------------------------------------


def make(path, command):
    if not os.path.exists(path):
        print(f"bench: making {os.path.basename(path)}", file=sys.stderr)
        try:
            run(f"{command} >{path}.part")
            os.rename(path + ".part", path)
        except Unmeasured:
            os.unlink(path + ".part")
            raise
    return path


def trades(count=LINES):
    path = make(f"{CACHE}/trades-{count}.jsonl", f"{TOOL['gen']} trades 10000 {count} 1")
    with open(path, "rb") as f:
        head = hashlib.sha256(b"".join(f.readline() for _ in range(10_000))).hexdigest()
    if not head.startswith(FIRST_10K):
        raise Unmeasured(f"{path} is not the input that it should be; remove it")
    return path


def frames():
    """Made again when kstream-cat is newer, since the wire may have changed; the count that passes is from grep."""
    path, tool = f"{CACHE}/trades.frames", f"{BIN}/kstream-cat"
    if os.path.exists(path) and os.path.getmtime(path) < os.path.getmtime(tool):
        os.unlink(path)
    source = f"{TOOL['gen']} trades 10000 {FRAMES} 1"
    make(path, f"{source} | kstream-cat --from json --key .symbol --time .ts --to frames")
    make(f"{CACHE}/frames-pass-{FRAMES}", f"{source} | LC_ALL=C grep -cE '{PRICE_ABOVE_500}'")
    return path


def one_frame():
    path = f"{CACHE}/one.frames"
    run(f"printf '{{\"a\":1}}\\n' | kstream-cat --from json --to frames >{path}")
    return path


def read_frames(data):
    """(type, payload) of each ext 32 object."""
    at = 0
    while at < len(data):
        if data[at] != 0xC9:
            raise Unmeasured(f"no frame at byte {at}")
        size = int.from_bytes(data[at + 1 : at + 5], "big")
        yield data[at + 5], data[at + 6 : at + 6 + size]
        at += 6 + size


# The races, each run once and only if a row asks for it ----------------------------------------------------------------------------------

done_races = {}


def race(make_race):
    if make_race not in done_races:
        try:
            done_races[make_race] = make_race()
            done_races[make_race].start(ROUNDS)
        except Unmeasured as why:
            done_races[make_race] = why
    if isinstance(done_races[make_race], Unmeasured):
        raise done_races[make_race]
    return done_races[make_race]


def frames_race():
    f = frames()
    with open(f"{CACHE}/frames-pass-{FRAMES}", encoding="ascii") as expected:
        same(
            "records that pass",
            grep=int(expected.read()),
            kstream_filter=int(run(f"cat {f} | kstream-filter {EXPR} --to json | wc -l")),
        )
    same("records", kstream_cat=int(run(f"cat {f} | kstream-cat --to json | wc -l")), input=FRAMES)
    return Race(
        "frames in a pipe, wall counts",
        {
            "cat | cat": (f"cat {f} | cat >/dev/null", FRAMES),
            "cat | kstream-cat": (f"cat {f} | kstream-cat --to frames >/dev/null", FRAMES),
            "cat | kstream-filter": (f"cat {f} | kstream-filter {EXPR} --to frames >/dev/null", FRAMES),
        },
    )


def json_race():
    """What is written goes through a cat, on all sides: grep would stop at its first match if it saw /dev/null."""
    f, short = trades(), trades(JQ_LINES)
    grep = f"LC_ALL=C grep -E '{PRICE_ABOVE_500}'"
    tools = {
        "kstream-filter": (f"kstream-filter --from json --to json {EXPR} {f}", LINES),
        "cat | filter | cat (kstream)": (f"kstream-cat --from json --to frames {f} | kstream-filter {EXPR} | kstream-cat --to json", LINES),
        "grep": (f"{grep} {f}", LINES),
        "cat": (f"cat {f}", LINES),
    }
    if "DuckDB" not in MISSING:
        tools["DuckDB"] = (f"{PYTHON} -S {PEERS}/duck.py {CACHE}/python {f}", LINES)
    if "jq" not in MISSING:
        tools["jq"] = (f"{TOOL['jq']} -c 'select(.price > 500)' {short}", JQ_LINES)
    counts = {name: int(run(f"{c} | wc -l")) for name, (c, lines) in tools.items() if lines == LINES and name != "cat"}
    same("lines that pass", **counts)
    if "jq" in tools:
        same("lines that pass", jq=int(run(tools["jq"][0] + " | wc -l")), grep=int(run(f"{grep} {short} | wc -l")))
    same("bytes that pass", **{name: run(tools[name][0] + " | sha256sum") for name in ("kstream-filter", "grep")})
    return Race("JSON lines, filter, JSON lines", {name: (f"{c} | cat >/dev/null", n) for name, (c, n) in tools.items()})


def ingest_race():
    f = trades()
    tools = {"kstream-cat": "kstream-cat --from json --to frames"}
    if "simdjson" not in MISSING:
        for form in ("ondemand", "dom", "many"):
            tools[f"simdjson {form}"] = f"{TOOL['simdjson']} {form}"
    if "yajl" not in MISSING:
        tools["yajl"] = TOOL["yajl"]
    same_values(tools, f)
    return Race("JSON lines to frames", {name: (f"{c} {f} >/dev/null", LINES) for name, c in tools.items()})


def same_values(tools, path):
    """The first lines have the values that Python's json reads, whoever converts them; all lines come out."""
    if "msgpack" in MISSING:
        raise Unmeasured(f"needs {MISSING['msgpack']}")
    import msgpack

    head = f"{CACHE}/head.jsonl"
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


def json_row(over, under):
    r = race(json_race)
    return r.ratio(over, under), f"wall {median(r.ratio(over, under, 'wall')):.2f}x"


def gigabytes_row():
    r = race(ingest_race)
    r.need("kstream-cat")
    size = os.path.getsize(trades()) / 1e9
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
    for _ in range(ROUNDS):
        ours.append(one("kstream-filter true | kstream-filter true | kstream-filter true"))
        cats.append(one("cat | cat | cat"))
    p50, _, cat_p99, _ = ([median(x) for x in zip(*group)][i] for group, i in ((ours, 0), (ours, 1), (cats, 2), (cats, 0)))
    return [p99 for _, _, p99, _ in ours], f"p50 {p50:.3f} ms; cat | cat | cat p99 {cat_p99:.3f} ms; {LATENCY_RECORDS} records a round"


def starts(count, stdin, *commands, feed=None):
    """Runs of start.c: for each command the list of (first, wall, cpu) in ms and resident KiB."""
    words = []
    for c in commands:
        words += ([","] if words else []) + c.split()
    done = subprocess.run([TOOL["start"], str(count), stdin, *words], stdin=feed, capture_output=True, text=True, check=False)
    runs = [[] for _ in commands]
    for line in done.stdout.splitlines():
        _, number, first, wall, cpu, resident, status = (int(x) for x in line.split())
        if status:
            raise Unmeasured(f"status {status} from: {commands[number]}: {done.stderr.strip()}")
        runs[number].append((first / 1e3, wall / 1e3, cpu / 1e3, resident))
    if done.returncode or not runs[0]:
        raise Unmeasured(done.stderr.strip())
    return runs


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


def make_topic(broker, name):
    """By librdkafka: the broker makes no topics by itself, and kcat cannot."""
    kafka = ctypes.CDLL("librdkafka.so.1")
    pointer = ctypes.c_void_p
    for function, result in (
        ("conf_new", pointer), ("new", pointer), ("NewTopic_new", pointer), ("queue_new", pointer), ("queue_poll", pointer),
        ("event_error_string", ctypes.c_char_p), ("event_CreateTopics_result", pointer), ("CreateTopics_result_topics", pointer),
        ("topic_result_error_string", ctypes.c_char_p),
    ):  # fmt: skip
        getattr(kafka, "rd_kafka_" + function).restype = result
    text = ctypes.create_string_buffer(512)
    conf = pointer(kafka.rd_kafka_conf_new())
    kafka.rd_kafka_conf_set(conf, b"bootstrap.servers", broker.encode(), text, 512)
    client = pointer(kafka.rd_kafka_new(0, conf, text, 512))
    kafka.rd_kafka_set_log_level(client, 0)
    topics = (pointer * 1)(kafka.rd_kafka_NewTopic_new(name.encode(), 1, 1, text, 512))
    queue = pointer(kafka.rd_kafka_queue_new(client))
    kafka.rd_kafka_CreateTopics(client, topics, ctypes.c_size_t(1), None, queue)
    event = pointer(kafka.rd_kafka_queue_poll(queue, 30_000))
    if not event or kafka.rd_kafka_event_error(event):
        raise Unmeasured(f"cannot make a topic: {kafka.rd_kafka_event_error_string(event).decode() if event else 'no answer in 30 s'}")
    count = ctypes.c_size_t()
    results = pointer(kafka.rd_kafka_CreateTopics_result_topics(pointer(kafka.rd_kafka_event_CreateTopics_result(event)), ctypes.byref(count)))
    result = pointer(ctypes.cast(results, ctypes.POINTER(pointer))[0])
    if kafka.rd_kafka_topic_result_error(result):
        raise Unmeasured(f"cannot make a topic: {kafka.rd_kafka_topic_result_error_string(result).decode()}")
    kafka.rd_kafka_event_destroy(event)
    kafka.rd_kafka_queue_destroy(queue)
    kafka.rd_kafka_destroy(client)


def kafka_row():
    if "kcat" in MISSING:
        raise Unmeasured(f"needs {MISSING['kcat']}")
    where = f"{CACHE}/kafka"
    try:
        run(f"scripts/kafka up --port 0 --dir {where} 2>&1")
        broker = run(f'eval "$(scripts/kafka env --dir {where})"; printf %s "$KSTREAM_BROKER"')
        topic = f"bench-{os.getpid()}-{int(time.time())}"
        make_topic(broker, topic)
        run(f"printf '{{\"a\":1}}\\n' | kcat -P -b {broker} -t {topic}")
        ours, kcat = starts(
            KAFKA_STARTS + 2,
            "/dev/null",
            f"kstream-cat -b {broker} -t {topic} -o beginning -c 1 --to json",
            f"kcat -C -b {broker} -t {topic} -o beginning -c 1 -q",
        )
        if any(r[0] < 0 for r in ours):
            raise Unmeasured("kstream-cat ended without a record")
        return [r[0] for r in ours[2:]], f"kcat {median(r[0] for r in kcat[2:]):.1f} ms; {KAFKA_STARTS} starts"
    finally:
        subprocess.run(["scripts/kafka", "down", "--dir", where], stdout=subprocess.DEVNULL, check=False)


ROWS = [
    Row("pass", "pass-through, records/s of cat | cat", ">=", 0.75, "x", lambda: frames_row("cat | kstream-cat")),
    Row("filter", "one-field filter, records/s of cat | cat", ">=", 0.55, "x", lambda: frames_row("cat | kstream-filter")),
    Row("duckdb", "JSON filter, CPU of DuckDB", "<=", 0.25, "x", lambda: json_row("kstream-filter", "DuckDB")),
    Row("grep", "JSON filter, CPU of grep -E", "<=", 1.5, "x", lambda: json_row("kstream-filter", "grep")),
    Row("jq", "JSON filter, faster than jq (CPU a record)", ">=", 15, "x", lambda: json_row("jq", "kstream-filter")),
    Row("three", "JSON through 3 processes, CPU of DuckDB", "<", 1, "x", lambda: json_row("cat | filter | cat (kstream)", "DuckDB")),
    Row("ingest", "JSON to frames, a core", ">=", 1, " GB/s", gigabytes_row),
    Row("simdjson", "JSON to frames, faster than simdjson a line", ">=", 2.5, "x", lambda: ingest_row("simdjson", *PER_LINE)),
    Row("yajl", "JSON to frames, faster than yajl", ">=", 8, "x", lambda: ingest_row("yajl", "yajl")),
    Row("latency", "3 stages, idle, one record, p99", "<=", 0.5, " ms", latency_row),
    Row("start", "start to end of a pipe tool, time of cat", "<=", 1.2, "x", start_row),
    Row("resident", "resident, buffers not counted", "<=", 2, " MB", resident_row),
    Row("kafka", "start to first record from Kafka", "<=", 50, " ms", kafka_row),
]


# The machine ---------------------------------------------------------------------------------------------------------------------------


def first_line(command):
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    return (done.stdout.splitlines() or ["?"])[0]


def missing_peers():
    needs = {
        "jq": ("jq 1.8", os.path.exists(TOOL["jq"])),
        "DuckDB": ("DuckDB 2.0", os.path.isdir(f"{CACHE}/python/duckdb")),
        "simdjson": ("libsimdjson-dev and g++", os.path.exists(TOOL["simdjson"])),
        "yajl": ("libyajl-dev", os.path.exists(TOOL["yajl"])),
        "kcat": ("kcat", shutil.which("kcat")),
        "msgpack": ("python3-msgpack", subprocess.run([PYTHON, "-c", "import msgpack"], stderr=subprocess.DEVNULL, check=False).returncode == 0),
    }
    return {name: f"{what}: run scripts/bench --setup" for name, (what, there) in needs.items() if not there}


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        model = next((line.split(":")[1].strip() for line in f if line.startswith("model name")), "?")
    load = " ".join(f"{x:.1f}" for x in os.getloadavg())
    return f"{model}, {os.cpu_count()} cores; Linux {os.uname().release}; load {load}; {ROUNDS} rounds"


def peers():
    versions = [first_line("kstream-filter --version"), first_line("cat --version"), first_line("grep --version")]
    versions += [first_line(f"{TOOL[p]} --version") for p in ("jq", "simdjson", "yajl") if p not in MISSING]
    if "DuckDB" not in MISSING:
        versions.append(first_line(f"{PYTHON} -S {PEERS}/duck.py {CACHE}/python --version"))
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
        wanted = f"{row.op} {row.goal:g}{row.unit}"
        try:
            figures, note = row.measure()
        except Unmeasured as why:
            unmeasured += 1
            lines.append(f"{row.label:<46}{wanted:>12}   NOT MEASURED: {why}")
            continue
        figure = median(figures)
        good = row.holds(figure)
        held, missed = held + good, missed + (not good)
        spread = statistics.quantiles(figures, n=10) if len(figures) >= 10 else [min(figures), max(figures)]
        reached = f"{figure:.3g}{row.unit}"
        verdict = "held" if good else "NOT REACHED"
        lines.append(f"{row.label:<46}{wanted:>12} {reached:>12}   {verdict:<12} [{spread[0]:.3g} - {spread[-1]:.3g}] {note}")
    print(f"\n{'goal':<46}{'wanted':>12} {'reached':>12}   {'':<12} [rounds: least - most, or 10 % and 90 %]")
    print("\n".join(lines))
    for r in done_races.values():
        if isinstance(r, Race):
            r.report()
    if "json_race" in (f.__name__ for f in done_races):
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
        print("\n".join(f"{r.name:<10} {r.label} {r.op} {r.goal:g}{r.unit}" for r in ROWS))
        sys.exit()
    unknown = set(args.row) - {r.name for r in ROWS}
    if unknown:
        p.exit(64, f"bench: no row {', '.join(sorted(unknown))}; scripts/bench --list names them\n")
    if args.rounds < 5:
        p.exit(64, "bench: --rounds must be 5 or more\n")
    return args


if __name__ == "__main__":
    ARGS = arguments()
    CACHE, BIN, ROUNDS, PYTHON = os.path.abspath(ARGS.cache), os.path.abspath(ARGS.bin), ARGS.rounds, sys.executable
    PEERS = os.path.abspath("tests/bench/peers")
    TOOL = {name: os.path.abspath(f"build/bench/{name}") for name in ("gen", "time", "start", "latency")}
    TOOL |= {name: f"{CACHE}/peers/{name}" for name in ("jq", "simdjson", "yajl")}
    MISSING = missing_peers()
    for needed in ("kstream-cat", "kstream-filter"):
        if not os.access(f"{BIN}/{needed}", os.X_OK):
            print(f"bench: no {needed} in {BIN}; run make first", file=sys.stderr)
            sys.exit(69)
    os.environ["PATH"] = BIN + ":" + os.environ["PATH"]
    sys.exit(main())
