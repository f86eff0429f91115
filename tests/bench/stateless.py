# SPDX-License-Identifier: MIT
"""The rows of tools that hold no state: longer expressions, map and branch."""
import json

import harness
from harness import EXPR, LINES, MISSING, TOOL, Race, Row, median, race, run, same, starts, trades

JQ_LINES, FRAMES, COMPILES = 200_000, 4_000_000, 100
TERMS = '\'.price > 500 and .qty < 900 and .venue == "XLON"\''  # passes one in fifty
DUCK_TERMS = "\"price > 500 AND qty < 900 AND venue = 'XLON'\""
OBJECT = "{symbol, price, qty}"
BRANCHES = " ".join(f"'b{i}: .price > {555 + i}'" for i in range(9)) + " 'ten: .price > 500'"  # the tenth takes what one alone takes

# Everything that compiles to something of its own; it is never run.
CONSTRUCTS = r"""true or (.a.b[0].c? // "x" | ascii_downcase | test("^a+b"; "i")) and ([.l[]? | select(. > 1) | . * 2 - 1 / 3 % 5] | add) >= 1.5e3
or (.s[2:5] | length | sqrt | -. <= pow(2; 3)) or ((.r | map(. + 1)) as [$x, {b: $y}] | $x == $y) or first(limit(3; range(10))) == (.i | until(. > 5; . + 1))
or (try error("\(.m) is \(1 + 1)") catch .) != ({a: 1, "b": .c, (.k): [..]} | to_entries | tojson) or (if .i then .j elif .k then null else empty end | not)
or ((.p, .q) |= . + 1 | del(.z) | has("p")) or ($key | tostring) == @base64 "x\(.y)" or (.t | sub("(?<d>[0-9]+)"; "<\(.d)>")) == $topic""".replace("\n", " ")

frames = one_frame = None  # of table.py


def frames_race():
    f = frames()
    tools = {
        "filter, one term": f"kstream-filter {EXPR} --to frames",
        "filter, three terms": f"kstream-filter {TERMS} --to frames",
        "branch, one": "kstream-branch 'ten: .price > 500' --to frames",
        "branch, ten": f"kstream-branch {BRANCHES} --to frames",
    }
    for pair in (("branch, one", "branch, ten"),):
        same("records", **{name.replace(", ", "_"): int(run(f"{tools[name]} <{f} | kstream-cat --to json | wc -l")) for name in pair})
    return Race("frames, expressions", {name: (f"cat {f} | {c} >/dev/null", FRAMES) for name, c in tools.items()})


def json_race():
    f = trades(LINES)
    duck = f"{harness.PYTHON} -S {harness.PEERS}/duck.py {harness.CACHE}/python {f}"
    ours = "kstream-filter --from json --to json"
    tools = {"filter, one term": f"{ours} {EXPR} {f}", "filter, three terms": f"{ours} {TERMS} {f}"}
    counts = {"kstream_filter": int(run(tools["filter, three terms"] + " | wc -l"))}
    if "DuckDB" not in MISSING:
        tools["DuckDB, three terms"] = f"{duck} {DUCK_TERMS}"
        counts["DuckDB"] = int(run(tools["DuckDB, three terms"] + " | wc -l"))
    same("lines that pass", **counts)
    return Race("JSON lines, expressions", {name: (f"{c} | cat >/dev/null", LINES) for name, c in tools.items()})


def values(command):
    """Their text differs: jq writes 193.00 where that stood."""
    return repr([json.loads(line) for line in run(command).splitlines()])


def map_race():
    f, short = trades(LINES), trades(JQ_LINES)
    lines = f"kstream-map --from json --to json 'value={OBJECT}' --in"
    commands = {
        "frames": (f"kstream-map 'value={OBJECT}' --to frames --in {frames()} >/dev/null", FRAMES),
        "lines": (f"{lines} {f} >/dev/null", LINES),
    }
    if "jq" not in MISSING:
        jq = f"{TOOL['jq']} -c '{OBJECT}' {short}"
        head = f"{harness.CACHE}/head.jsonl"
        run(f"head -n 10000 {f} >{head}")
        through = f"kstream-cat --from json --to frames {head} | kstream-map 'value={OBJECT}' | kstream-cat --to json"
        same("values", jq=values(jq.replace(short, head)), lines=values(f"{lines} {head}"), frames=values(through))
        commands["jq"] = (f"{jq} >/dev/null", JQ_LINES)
    return Race("map to an object of three fields", commands)


def ratio_row(make_race, over, under, what="cpu"):
    r = race(make_race)
    return r.ratio(over, under, what), f"{median(r.per_record(over, 'cpu')) * 1e6:.3f} and {median(r.per_record(under, 'cpu')) * 1e6:.3f} CPU s/M"


def compile_row():
    """In turns with an expression of one word; what it says is CPU, as the program starts and ends."""
    path = f"{harness.CACHE}/constructs"
    with open(path, "w", encoding="ascii") as f:
        f.write(CONSTRUCTS)
    # start.c splits at blanks, and the expression holds some.
    wrapper = f"{harness.CACHE}/compile"
    with open(wrapper, "w", encoding="ascii") as f:
        f.write('#!/bin/sh\nexec kstream-filter "$(cat "$1")"\n')
    with open(f"{path}-none", "w", encoding="ascii") as f:
        f.write("true")
    none, all_ = starts(COMPILES, one_frame(), f"sh {wrapper} {path}-none", f"sh {wrapper} {path}")
    figures = [a[2] - n[2] for n, a in zip(none, all_)]
    return figures, f"{len(CONSTRUCTS)} characters, libpcre2 and libm loaded for them; {COMPILES} starts"


def rows(frames_of, one_frame_of):
    global frames, one_frame
    frames, one_frame = frames_of, one_frame_of
    return [
        Row("terms", "3-term filter of frames, time of 1 field", "<=", 1.5, "x", lambda: ratio_row(frames_race, "filter, three terms", "filter, one term")),
        Row("terms-json", "3-term filter of JSON, time of 1 field", "<=", 1.5, "x", lambda: ratio_row(json_race, "filter, three terms", "filter, one term")),
        Row("paths", "JSON filter of 3 paths, CPU of DuckDB", "<=", 0.25, "x", lambda: ratio_row(json_race, "filter, three terms", "DuckDB, three terms")),
        Row("map", "map of frames, faster than jq (CPU a record)", ">=", 50, "x", lambda: ratio_row(map_race, "jq", "frames")),
        Row("map-json", "map of JSON, faster than jq (CPU a record)", ">=", 10, "x", lambda: ratio_row(map_race, "jq", "lines")),
        Row("branch", "branch by 10 predicates, time of 1", "<=", 2, "x", lambda: ratio_row(frames_race, "branch, ten", "branch, one")),
        Row("compile", "compiling an expression, CPU", "<", 1, " ms", compile_row),
    ]
