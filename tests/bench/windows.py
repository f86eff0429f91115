# SPDX-License-Identifier: MIT
"""The rows of windows and of the state beneath them, but for those with a broker (streams.py)."""
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time

import harness
from harness import LINES, MISSING, TOOL, Race, Row, Unmeasured, median, race, read_frames, reread, run, same, starts, trades

KEYS, RECORDS = 100_000, 3_000_000
SECOND, TENTH = 1_500_000, 150_000  # records between two barriers: the goal's rate, for a second and a tenth of one
ENTRIES = 1_000_000  # of a state that is restarted on
FRAMES = 4_000_000
KEY_BYTES = 10.9  # of "S%06d" of a number below a thousand million, packed
MEMORY_MIB, RESIDENT_MIB = 16, (16, 64)  # 2.3 million entries of windows of KEYS take 170 MB
TABLE_MIB, TABLE_KEYS, TABLE_RECORDS = 2, 300_000, 600_000  # 260,000 entries of 75 B
OPEN = "--tumble 1m --grace 2h --emit commit"
MILLER_LINES = 100_000
ROWS = 10**9  # keys of a table whose rows are of one record each, nearly
RESTARTS, STALLS = 15, 120
RECORD, HELLO, BARRIER, PING, END = 1, 2, 4, 5, 6
frames = None  # of table.py

OHLC = "'n=count(), low=min(.price), high=max(.price), avg=avg(.price)'"
CLOSE_MINUTE = "kstream-window --tumble 1m --grace 10s --emit close"
CLOSE = "--tumble 10m --grace 10s --emit close"
LINE = "kstream-window --from json --to json --time .ts --key .symbol --tumble 1m --grace 10s --emit close"


# Frames ------------------------------------------------------------------------------------------------------------------------------


def need_msgpack():
    if "msgpack" in MISSING:
        raise Unmeasured(f"needs {MISSING['msgpack']}")
    import msgpack

    return msgpack


def frame(kind, payload):
    return b"\xc9" + len(payload).to_bytes(4, "big") + bytes([kind]) + payload


def hello(app):
    """A file of HELLO as a source sends it, with --app, so that stages keep their state, or without; and the positions of its barriers."""
    msgpack = need_msgpack()
    work, path = f"{harness.CACHE}/hello", f"{harness.CACHE}/hello-{'app' if app else 'none'}.frames"
    shutil.rmtree(work, ignore_errors=True)
    os.makedirs(work)
    run(f"echo '{{}}' >{work}/trades.jsonl")
    keep = f"--app bench --state-dir {work} --end complete" if app else ""
    found = dict(read_frames(run(f"kstream-cat {keep} --from json --to frames {work}/trades.jsonl", text=False)))
    with open(path, "wb") as f:
        f.write(frame(HELLO, found[HELLO]))
    return path, msgpack.unpackb(found[BARRIER])[2]


def epochs(keys, records, every, value="."):
    source = f"{TOOL['gen']} trades {keys} {records} 1 | kstream-cat --from json --key .symbol --time .ts -t trades --to frames"
    if value != ".":
        source += f" | kstream-map 'value={value}' --to frames"
    return paced(f"epochs-{keys}-{records}-{every}{'' if value == '.' else '-small'}", source, every)


def paced(name, source, every):
    """What follows HELLO: records in frames with a barrier behind so many, as a paced source would send them; the last one says complete."""
    msgpack = need_msgpack()
    path = f"{harness.CACHE}/{name}.frames"
    tool = f"{harness.BIN}/kstream-cat"
    if os.path.exists(path) and os.path.getmtime(path) > os.path.getmtime(tool):
        return reread(path)
    print(f"bench: making {os.path.basename(path)}", file=sys.stderr)
    _, positions = hello(True)
    n = since = 0
    with subprocess.Popen(["bash", "-o", "pipefail", "-c", source], stdout=subprocess.PIPE) as made, open(path + ".part", "wb") as out:
        while head := made.stdout.read(6):
            payload = made.stdout.read(int.from_bytes(head[1:5], "big"))
            if head[5] == RECORD:
                out.write(head + payload)
                since += 1
            if since == every or head[5] == END:
                n += 1
                out.write(frame(BARRIER, msgpack.packb([n, 2 if head[5] == END else 0, positions, n - 1, since, None])))
                since = 0
        out.write(frame(END, msgpack.packb([n, 2])))
    if made.returncode:
        os.unlink(path + ".part")
        raise Unmeasured(f"status {made.returncode} from: {source}")
    os.rename(path + ".part", path)
    return reread(path)


def counted(body, options, state=None):
    """A stage keeps state of what a pipe brings, not of a file that is looked at alone."""
    begin = f"rm -rf {state}; " if state else ""
    keep = f"--app bench --state-dir {state} " if state else ""
    return f"{begin}cat {hello(state is not None)[0]} {body} | kstream-window {keep}{options} 'count()' --to frames"


# Durable commits ---------------------------------------------------------------------------------------------------------------------


def results(command):
    """How many there are, and a sum over all of them."""
    payloads = sorted(payload for kind, payload in read_frames(run(command, text=False)) if kind == RECORD)
    return f"{len(payloads)} {hashlib.sha256(b''.join(payloads)).hexdigest()[:16]}"


def durable_race():
    second, tenth, state = epochs(KEYS, RECORDS, SECOND), epochs(KEYS, RECORDS, TENTH), f"{harness.CACHE}/state"
    commands = {
        "memory only": counted(second, CLOSE),
        "commit each 1 s": counted(second, CLOSE, state),
        "commit each 0.1 s": counted(tenth, CLOSE, state),
    }
    same("results", **{name.replace(" ", "_"): results(c) for name, c in commands.items()})
    return Race("windowed count, 100,000 keys, of frames", {name: (f"{{ {c}; }} | cat >/dev/null", RECORDS) for name, c in commands.items()})


def durable_rate_row():
    r = race(durable_race)
    r.need("commit each 1 s")
    rates = [1e-6 / cpu for cpu in r.per_record("commit each 1 s", "cpu")]
    return rates, f"wall {median(1e-6 / w for w in r.per_record('commit each 1 s', 'wall')):.2f} M/s; memory only {median(1e-6 / c for c in r.per_record('memory only', 'cpu')):.2f} M/s"


def durable_row(name):
    r = race(durable_race)
    return r.ratio(name, "memory only", "wall"), f"CPU {median(r.ratio(name, 'memory only')):.2f}x"


# JSON lines --------------------------------------------------------------------------------------------------------------------------


def groups(command):
    """Count, low, high and average of each group, whatever they are called and however printed."""
    names = (("n", "price_count"), ("low", "price_min"), ("high", "price_max"), ("avg", "price_mean"))
    lines = map(json.loads, run(command).splitlines())
    rows = sorted(tuple(round(next(line[name] for name in pair if name in line), 6) for pair in names) for line in lines)
    return hashlib.sha256(repr([tuple(map(float, row)) for row in rows]).encode()).hexdigest()[:16]


def lines_race():
    f, short, head = trades(LINES), trades(MILLER_LINES), trades(20_000)
    mawk = (
        "mawk -F '[:,]' '{ p = $6 + 0; k = $4 \",\" int($2 / 60000); if (!(k in n)) { low[k] = high[k] = p } n[k]++; sum[k] += p; "
        "if (p < low[k]) low[k] = p; if (p > high[k]) high[k] = p } "
        'END { for (k in n) printf "{\\"n\\":%d,\\"low\\":%s,\\"high\\":%s,\\"avg\\":%.12g}\\n", n[k], low[k], high[k], sum[k] / n[k] }\' '
    )
    miller = "mlr --ijsonl --ojsonl put '$m = $ts - $ts % 60000' then stats1 -a count,min,max,mean -f price -g symbol,m "
    # The pipeline of three processes is for information.
    three = f"kstream-cat --from json --time .ts --key .symbol {f} | {CLOSE_MINUTE} {OHLC} | kstream-cat --to json"
    commands = {
        "kstream-window": (f"{LINE} {OHLC} --in {f}", LINES),
        "cat | window | cat (kstream)": (three, LINES),
        "DuckDB": (f"{harness.PYTHON} -S {harness.PEERS}/duck.py {harness.CACHE}/python {f} window", LINES),
        "polars": (f"{harness.PYTHON} -S {harness.PEERS}/polars_window.py {harness.CACHE}/polars {f}", LINES),
        "mawk": (mawk + f, LINES),
        "Miller": (miller + short, MILLER_LINES),
    }
    commands = {name: c for name, c in commands.items() if name not in MISSING}
    same("groups", **{name.split()[0]: groups(c.replace(f, head).replace(short, head)) for name, (c, _) in commands.items()})
    return Race("JSON lines, one-minute low/high/avg/count", {name: (f"{c} | cat >/dev/null", n) for name, (c, n) in commands.items()})


def lines_row():
    r = race(lines_race)
    r.need("kstream-window")
    return [x * 1e6 for x in r.per_record("kstream-window", "cpu")], f"three processes {median(r.per_record('cat | window | cat (kstream)', 'cpu')) * 1e6:.3f}"


def peer_row(over, under):
    r = race(lines_race)
    return r.ratio(over, under), f"{median(r.per_record(over, 'cpu')) * 1e6:.3f} and {median(r.per_record(under, 'cpu')) * 1e6:.3f} CPU s/M"


# Growth ------------------------------------------------------------------------------------------------------------------------------


def panes_race():
    f = frames()
    tool = f"kstream-window --emit close --to json 'count()' --in {f}"
    return Race(
        "windows emitted on close, of frames",
        {
            "tumble 1 h": (f"{tool} --tumble 1h >/dev/null", FRAMES),
            "hop 1 h, 12 panes": (f"{tool} --hop 1h --advance 5m >/dev/null", FRAMES),
        },
    )


def panes_row():
    r = race(panes_race)
    return r.ratio("hop 1 h, 12 panes", "tumble 1 h"), f"wall {median(r.ratio('hop 1 h, 12 panes', 'tumble 1 h', 'wall')):.2f}x"


def closing_race():
    """The same results; with much grace 30 times as many entries are held while windows close."""
    tool = f"kstream-window --tumble 1m --emit close --to json 'count()' --in {frames()}"
    commands = {f"grace {grace}": f"{tool} --grace {grace}" for grace in ("10s", "30m")}
    same("results", **{name.replace(" ", "_"): run(f"{c} | wc -l") for name, c in commands.items()})
    return Race("closing one-minute windows", {name: (f"{c} >/dev/null", FRAMES) for name, c in commands.items()})


def closing_row():
    r = race(closing_race)
    return r.ratio("grace 30m", "grace 10s"), "31 windows of 10,000 keys open instead of 2, the same results"


def larger_race():
    """Windows that stay open, of which records are of the last ones; and a table of keys that come at random, a small one: it takes long."""
    state = f"{harness.CACHE}/state"
    windows, table = epochs(KEYS, RECORDS, TENTH), epochs(TABLE_KEYS, TABLE_RECORDS, TABLE_RECORDS // 20, value=1)
    kinds = {"windows": (windows, OPEN, f"{MEMORY_MIB}M", RECORDS), "table": (table, "--running", f"{TABLE_MIB}M", TABLE_RECORDS)}
    commands = {
        f"{kind}, --memory {m}": (f"{{ {counted(body, f'{options} --memory {m}', state)}; }} | cat >/dev/null", n)
        for kind, (body, options, few, n) in kinds.items()
        for m in (few, "1G")
    }
    return Race("state 10 times as large as the memory", commands)


def larger_row(kind, mib):
    r = race(larger_race)
    few, much = f"{kind}, --memory {mib}M", f"{kind}, --memory 1G"
    return r.ratio(few, much, "wall"), f"CPU {median(r.ratio(few, much)):.2f}x, {median(r.per_record(few, 'cpu')) * 1e6:.2f} CPU s/M"


def resident(body, command, state=None):
    """MB that a stage holds at most."""
    if state:
        shutil.rmtree(state, ignore_errors=True)
    keep = f"--app bench --state-dir {state} " if state else ""
    with subprocess.Popen(["cat", hello(state is not None)[0], body], stdout=subprocess.PIPE) as feeder:
        return starts(1, "-", f"{command} {keep}--to frames", feed=feeder.stdout)[0][0][3] / 2**10


def larger_resident_row(tool, keys):
    """The worst of them."""
    body, state = epochs(keys, RECORDS, TENTH), f"{harness.CACHE}/state"
    held = {(m, keep): resident(body, f"{tool} --memory {m}M", keep) for m in RESIDENT_MIB for keep in (state, None)}
    text = (f"{mb:.1f} MB, --memory {m}M {'with' if keep else 'without'} --app" for (m, keep), mb in held.items())
    return [max(mb / m for (m, _), mb in held.items())], "; ".join(text)


def entry_row():
    """What a second million of keys adds, each once."""
    body = epochs(10**9, 2 * ENTRIES, TENTH, value=1)
    figures = []
    for _ in range(3):
        one, two = (resident(body, f"kstream-window count() --tumble 1d --memory 2G -c {n}") for n in (ENTRIES, 2 * ENTRIES))
        figures.append((two - one) * 2**20 / ENTRIES - KEY_BYTES)
    return figures, f"key of {KEY_BYTES:.1f} B; {two:.0f} MB with {2 * ENTRIES:,} entries"


# Starts and stalls -------------------------------------------------------------------------------------------------------------------


def restart_row():
    work = f"{harness.CACHE}/restart"
    lines, tool = f"{work}/trades.jsonl", f"kstream-window --app bench --state-dir {work}/state --running --from json --key .symbol --to json count()"
    shutil.rmtree(work, ignore_errors=True)
    os.makedirs(work)
    run(f"{TOOL['gen']} trades 1000000000 {ENTRIES} 1 | kstream-map --from json --to json 'value={{symbol}}' >{lines}")
    run(f"{tool.replace('count()', chr(39) + 'count()' + chr(39))} --in {lines} | tail -n 1")
    runs = []
    for i in range(RESTARTS):
        with open(lines, "a", encoding="ascii") as f:
            f.write(f'{{"symbol":"S{i}"}}\n')
        runs += starts(1, "/dev/null", f"{tool} --in {lines}")[0]
    if any(r[0] < 0 for r in runs):
        raise Unmeasured("a restart ended without output")
    return [r[0] / 1e3 for r in runs], f"{median(r[3] for r in runs) / 2**10:.0f} MB, {median(r[2] for r in runs):.0f} ms of CPU; {RESTARTS} restarts"


def stall_row():
    """From a barrier to the same one behind the stage, when the stage has worked off what stood before it: a PING has come through."""
    msgpack = need_msgpack()
    body, state = epochs(KEYS, RECORDS, SECOND), f"{harness.CACHE}/state"
    hello_path, positions = hello(True)
    with open(hello_path, "rb") as f:
        head = f.read()
    with open(body, "rb") as f:
        data = f.read(TENTH * 400)
    records, at = [], 0
    while len(records) < TENTH:
        size = 6 + int.from_bytes(data[at + 1 : at + 5], "big")
        records.append(data[at : at + size])
        at += size
    chunk, ping = b"".join(records), frame(PING, b"\xc0")
    shutil.rmtree(state, ignore_errors=True)
    words = ["kstream-window", "--app", "bench", "--state-dir", state, "--tumble", "1d", "--emit", "close", "count()", "--to", "frames"]
    took = []
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as stage:
        def send(data, until):
            stage.stdin.write(data)
            stage.stdin.flush()
            seen = b""
            while not seen.endswith(until):
                more = os.read(stage.stdout.fileno(), 1 << 16)
                if not more:
                    raise Unmeasured("the stage has ended")
                seen += more

        send(head + ping, ping)
        for n in range(1, STALLS + 1):
            send(chunk + ping, ping)
            barrier = frame(BARRIER, msgpack.packb([n, 0, positions, n - 1, TENTH, None]))
            begin = time.monotonic()
            # Nothing was emitted on this hop: it counts none.
            send(barrier, frame(BARRIER, msgpack.packb([n, 0, positions, n - 1, 0, None])))
            took.append((time.monotonic() - begin) * 1e3)
        barrier = frame(BARRIER, msgpack.packb([STALLS + 1, 1, positions, STALLS, 0, None]))
        stage.stdin.write(barrier + frame(END, msgpack.packb([STALLS + 1, 1])))
        stage.stdin.close()
        stage.stdout.read()
    if stage.returncode:
        raise Unmeasured(f"status {stage.returncode} from the stage")
    took = sorted(took[STALLS // 10 :])
    return [took[len(took) * 99 // 100]], f"p50 {median(took):.1f} ms, most {took[-1]:.1f} ms; {len(took)} commits of {TENTH:,} updates of {len(set(records)):,} records"


def rows(frames_of):
    global frames
    frames = frames_of
    return [
        Row("durable", "windowed count, commit each 1 s, a core", ">=", 1.5, " M rec/s", durable_rate_row),
        Row("commit-1s", "the same, time of memory only", "<=", 1.25, "x", lambda: durable_row("commit each 1 s")),
        Row("commit-100ms", "commit each 0.1 s, time of memory only", "<=", 2, "x", lambda: durable_row("commit each 0.1 s")),
        Row("stall", "commit stall, p99", "<=", 25, " ms", stall_row),
        Row("window", "JSON window to JSON lines", "<=", 0.3, " CPU s/M", lines_row),
        Row("window-duckdb", "JSON window, CPU of DuckDB", "<=", 0.5, "x", lambda: peer_row("kstream-window", "DuckDB")),
        Row("window-polars", "JSON window, CPU of polars", "<=", 0.5, "x", lambda: peer_row("kstream-window", "polars")),
        Row("window-mawk", "JSON window, faster than mawk", ">=", 7, "x", lambda: peer_row("mawk", "kstream-window")),
        Row("window-miller", "JSON window, faster than Miller", ">=", 60, "x", lambda: peer_row("Miller", "kstream-window")),
        Row("panes", "hopping windows of 12 panes, CPU of tumbling", "<=", 1.3, "x", panes_row),
        Row("closing", "30 times as many entries open, CPU", "<=", 1.3, "x", closing_row),
        Row("restart", f"restart on {ENTRIES:,} entries to first output", "<=", 0.5, " s", restart_row),
        Row("larger", "windows of 10x the memory, time of all in it", "<=", 4, "x", lambda: larger_row("windows", MEMORY_MIB)),
        Row("larger-table", "table of 10x the memory, time of all in it", "<=", 4, "x", lambda: larger_row("table", TABLE_MIB)),
        Row("larger-rss", "state beyond memory, resident of the option", "<=", 1.2, "x",
            lambda: larger_resident_row(f"kstream-window count() {OPEN}", KEYS)),
        Row("larger-rss-table", "rows beyond memory, resident of the option", "<=", 1.2, "x", lambda: larger_resident_row("kstream-table", ROWS)),
        Row("entry", "memory of a key's count in a window, less key", "<=", 64, " B", entry_row),
    ]
