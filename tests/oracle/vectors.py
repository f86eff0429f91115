"""Checks the oracle against ../conformance/kafka-streams.jsonl, whose lists come from Kafka's own tests.

  vectors.py cases > cases.jsonl            translate the vectors to cases
  vectors.py check out.jsonl                compare the oracle's answers; prints every difference
"""
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
DAY = 86400000
HISTORY = 300000
table = lambda t, **o: dict(kind="tableTableJoin", type=t, **o)
ss = lambda t, before, after, grace, **o: dict(kind="streamStreamJoin", type=t, before=before, after=after, grace=grace, **o)
agg = lambda a, emit="update", **w: dict(kind="aggregate", agg=a, window=w, emit=emit)
time = lambda size, advance, grace, emit="update": agg("trace", emit, type="hopping", size=size, advance=advance, grace=grace)
slide = lambda size, grace, emit="update": agg("trace", emit, type="sliding", size=size, grace=grace)
session = lambda gap, grace, a: agg(a, type="session", gap=gap, grace=grace)
fk = lambda t: dict(kind="foreignKeyJoin", type=t, fk="afterBar")
V = dict(versionedLeft=HISTORY, versionedRight=HISTORY)

OPS = {
    "TT1": table("inner"), "TT2": table("inner", **V), "TT3": table("inner", versionedLeft=HISTORY),
    "TT5": table("left"), "TT6": table("left", **V), "TT8": table("left", versionedRight=HISTORY),
    "TT9": table("outer"), "TT10": table("outer", **V), "TT11": table("outer", versionedLeft=HISTORY),
    "TM1": table("inner", again="inner"), "TM2": table("inner", again="left"), "TM4": table("left", again="inner"),
    "TM5": table("left", again="left"), "TM6": table("left", again="outer"), "TM8": table("outer", again="left"),
    "TM9": table("outer", again="outer"), "KO1": table("outer"),
    "ST1": dict(kind="streamTableJoin", type="inner"), "ST2": dict(kind="streamTableJoin", type="left"),
    "ST3": dict(kind="streamTableJoin", type="inner", versioned=HISTORY),
    "ST5": dict(kind="streamTableJoin", type="inner", versioned=HISTORY, grace=2),
    "SS1": ss("inner", 10000, 10000, DAY), "SS2": ss("left", 10000, 10000, DAY),
    "SS4": ss("inner", 10000, 10000, DAY, again="inner"), "SS5": ss("inner", 10000, 10000, DAY, self=True),
    "SJ1": ss("left", 100, 100, 10), "SJ2": ss("left", 100, 100, 0), "SJ3": ss("outer", 100, 100, 10),
    "SJ5": ss("outer", 5, 20, 0), "SJ6": ss("outer", 0, 100, 0), "SJ7": ss("outer", 100, 0, 0), "SJ9": ss("left", 100, 100, 0),
    "TW1": time(10, 5, 90), "TW2": time(10, 5, 90, "close"), "TW3": time(10, 5, 5, "close"),
    "TW5": time(10, 5, 0, "close"), "TW7": time(10, 5, 5, "close"),
    "SL1": slide(10, 5), "SL2": slide(10, 5, "close"), "SL3": slide(10, 50), "SL5": slide(5, 0), "SL6": slide(10, 0),
    "SL8": slide(10, 5), "SL10": slide(50, 0, "close"),
    "SE1": session(500, 0, "trace"), "SE3": session(30, 0, "count"), "SE4": dict(session(1000, 60000, "reduce"), fn="join"),
    "SU1": agg("count", type="tumbling", size=2, grace=1), "SU2": agg("count", type="tumbling", size=2, grace=2),
    "SU4": session(5, 0, "count"),
    "SU5": dict(kind="tableAggregate", by="value", agg="count"), "SU6": dict(kind="tableAggregate", by="value", agg="count"),
    "KA1": dict(kind="tableAggregate", by="key", agg="trace"), "KA2": dict(kind="tableAggregate", by="value", agg="trace"),
    "KA3": dict(kind="tableAggregate", by="value", agg="count"), "CG1": dict(kind="cogroup", agg="trace", window={"type": "none"}),
    **{i: fk("left" if i.endswith("L") else "inner") for i in ("FK1I", "FK1L", "FK2I", "FK2L", "FK3L", "FK4I", "FK4L", "FK5I")},
}
UNORDERED = ("SU2raw",)
SEPARATOR = {"SJ": "+", "KO": "+", "FK": ","}
KO1_IN = [
    "L0=X0@5 L1=X1@6 L~=X@42", "R0=Y0@0 R1=Y1@10 R~=Y@73", "L0=XX0@7 L1=XX1@7 L2=XX2@7 L3=XX3@7",
    "R0=YY0@0 R1=YY1@5 R2=YY2@10 R3=YY3@15", "L0=XXX0@6 L1=XXX1@6 L2=XXX2@6 L3=XXX3@6", "R0=~@5 R1=~@7",
    "L0=XXXX0@13 L1=XXXX1@13 L2=XXXX2@13 L3=XXXX3@13", "L0=~@0 L1=~@42 L2=~@5 L3=~@20"]


def flat(v, sep):
    if isinstance(v, dict) and set(v) == {"left", "right"}:
        l, r = ("null" if v[s] is None else str(flat(v[s], sep)) for s in ("left", "right"))
        return "(%s,%s)" % (l, r) if sep == "," else l + sep + r
    return v


def windowed(k):
    return "%s@%d/%d" % (k["key"], k["start"], k["end"]) if isinstance(k, dict) else k


def rows(v, inputs):
    """The grid form: row number -> "value@ts value@ts"."""
    want = [[] for _ in inputs]
    for row, text in v["rows"].items():
        for item in text.split():
            value, ts = item.rsplit("@", 1)
            key = inputs[int(row) - 1][1]
            if value.startswith("(null)"):
                key, value = None, value[6:]
            want[int(row) - 1].append([key, None if value == "⊥" else value, int(ts)])
    return want


def translate():
    """Yields (case, expected outputs a step, or one flat list)."""
    v = {}
    grids = {}
    with open(os.path.join(HERE, "../conformance/kafka-streams.jsonl"), encoding="utf-8") as f:
        for line in f:
            o = json.loads(line)
            if "id" in o:
                v[o["id"]] = o
            else:
                grids.update(o)
    for i, x in v.items():
        op = OPS.get(i)
        if i == "SE5":
            for name, grace, moves, drops in (("a", 0, [11], 1), ("b", 1, [11], 0), ("c", 1, [12], 1)):
                inputs = [["in", "x", 1, t] for t in moves] + [["in", "late", 1, 0]]
                yield {"id": i + name, "op": session(10, grace, "count"), "in": inputs}, None, drops
            continue
        if i == "KO1":
            batches = [[(r[0], None if r[1] == "~" else int(r[1]), *r[3:].split("@")) for r in b.split()] for b in KO1_IN]
            inputs = [[t, k, None if s == "~" else s, int(ts)] for b in batches for t, k, s, ts in b]
            want = [o for _, out in x["steps"] for o in out]
            yield {"id": i, "op": op, "in": inputs}, want, None
            continue
        if "rows" in x:
            inputs = grids[x["in"]] if isinstance(x["in"], str) else x["in"]
            yield {"id": i, "op": op, "in": inputs}, ("steps", rows(x, inputs)), None
            continue
        if i.startswith("SU"):
            count = lambda k, ts: ["in", k, "x", ts]
            if "in_ts" in x:
                inputs = [count("k1", t) for t in x["in_ts"]]
                fix = lambda out: [["k1@" + k, n, t] for k, n, t in out]
            elif i == "SU4":
                inputs = [count(k, t) for k, t in x["in"]]
                fix = lambda out: out
            else:
                inputs = [["in", *s[0]] for s in x["steps"]] if i == "SU5" else [["in", *s] for s in x["in"] + x["then"][:1]]
                fix = lambda out: out
            if i in ("SU1", "SU2", "SU4"):
                yield {"id": i + "raw", "op": op, "in": inputs}, fix(x["raw"]), None
                yield {"id": i, "op": dict(op, suppress={"until": "close"}), "in": inputs}, fix(x["suppressed"]), None
            elif i == "SU5":
                yield {"id": "SU5raw", "op": op, "in": inputs}, x["raw"], None
                yield {"id": i, "op": dict(op, suppress={"until": "time", "ms": 2}), "in": inputs}, ("steps", [s[1] for s in x["steps"]]), None
            else:
                yield {"id": i, "op": dict(op, suppress={"until": "time", "ms": 2**53, "maxRecords": 1}), "in": inputs}, x["out"] + x["then"][1], None
            continue
        if "steps" in x:
            topic = {"one": "R", "two": "L"}
            steps = [s for s in x["steps"] if s[0][0] not in ("null", "NULL")]
            inputs = [[topic.get(s[0][0], s[0][0]), *s[0][1:]] if len(s[0]) == 4 else ["in", *s[0]] for s in steps]
            yield {"id": i, "op": op, "in": inputs}, ("steps", [s[1] for s in steps]), x.get("dropped")
            if i == "KA2":
                want = [s[1] if s[0][:1] + s[0][2:] not in (["A", 12], ["B", 22]) else [] for s in steps]
                yield {"id": "KA2V", "op": dict(op, versioned=HISTORY), "in": inputs}, ("steps", want), None
            continue
        inputs = [["in", *r] for r in x["in"]]
        yield {"id": i, "op": op, "in": inputs}, x["out"], x.get("dropped")


def shown(case, key, value, ts):
    """A result as the vectors write it."""
    value = flat(value, SEPARATOR.get(case["id"][:2], "-"))
    if case["id"] in ("TW1", "TW2"):                   # their aggregate begins with "", trace with "0"
        value = value and value[1:]
    return [windowed(key), value, ts]


def differences(case, want, dropped, o):
    """What the result of a case lacks, as texts."""
    steps = [[] for _ in case["in"]]
    for step, _, key, value, ts in o["out"]:
        steps[step].append(shown(case, key, value, ts))
    notes = []
    if "error" in o:
        notes.append("error " + o["error"])
    if isinstance(want, tuple):
        for n, (g, w) in enumerate(zip(steps, want[1])):
            if g != w:
                same = sorted(map(repr, g)) == sorted(map(repr, w))
                notes.append("step %d %s%s\n    vector %s\n    oracle %s" % (n + 1, case["in"][n], " (order only)" if same else "", w, g))
    elif want is not None:
        g = [r for s in steps for r in s]
        if case["id"] in UNORDERED:
            g, want = sorted(g), sorted(want)
        if g != want:
            notes.append("flat\n    vector %s\n    oracle %s" % (want, g))
    if dropped is not None and o["dropped"] != dropped:
        notes.append("dropped: vector %d, oracle %d" % (dropped, o["dropped"]))
    return notes


def main():
    if sys.argv[1:] == ["cases"]:
        for case, _, _ in translate():
            print(json.dumps(case, ensure_ascii=False))
        return 0
    got = {}
    with open(sys.argv[2], encoding="utf-8") as f:
        for line in f:
            o = json.loads(line)
            got[o["id"]] = o
    agree = differ = 0
    for case, want, dropped in translate():
        o = got[case["id"]]
        notes = differences(case, want, dropped, o)
        agree, differ = agree + (not notes), differ + bool(notes)
        if notes:
            print(case["id"], json.dumps(case["op"]))
            for note in notes:
                print("  " + note)
    print("%d agree, %d differ" % (agree, differ))
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main())
