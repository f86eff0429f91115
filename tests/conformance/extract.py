#!/usr/bin/env python3
"""Take from a file of generated cases (README.md) those that kstream-window can be asked: extract.py random.jsonl >tumbling.jsonl"""
import json
import sys

MEMBERS = {"count", "sum", "avg", "min", "max", "first", "last", "collect"}
REDUCERS = {"sum", "min", "max", "first", "last", "zeroNull", "join"}

for line in open(sys.argv[1]):
    case = json.loads(line)
    op = case["op"]
    if op["kind"] != "aggregate" or op["window"]["type"] != "tumbling" or "suppress" in op:
        continue
    agg = op["agg"]
    if agg in ("count", "trace") or agg == "reduce" and op["fn"] in REDUCERS or isinstance(agg, list) and MEMBERS.issuperset(agg):
        sys.stdout.write(line)
