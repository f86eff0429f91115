#!/usr/bin/env python3
"""Which command line does what an operation of the oracle does: a table of KIND x options to the tools of a pipeline.

tools(op) gives the commands between `kstream-cat --from envelope` and `kstream-cat --to envelope`; LATER names the kinds that
have no tool yet, LEFT_OUT those that never will.  What is in neither and has no command fails the run.  As a program it prints the kinds that have tools.
"""
import json

import aggregates

LATER = {kind: "joins" for kind in ("streamStreamJoin", "streamTableJoin", "globalTableJoin", "tableTableJoin", "foreignKeyJoin")}
LEFT_OUT = {"cogroup": "one state of several streams, each with an aggregator of its own (kstream-window(1), DIFFERENCES)"}

# ---- expressions ---------------------------------------------------------------------------------
# Integers only, as the values of the cases: "number" is asked where the oracle asks for an integer.

def predicate(name):
    name, _, argument = name.partition(":")
    return {
        "null": ". == null",
        "keyNull": "$key == null",
        "string": 'type == "string"',
        "all": "true",
        "even": 'if type == "number" then . % 2 == 0 else false end',
        "odd": 'if type == "number" then . % 2 != 0 else false end',
        "gt": 'if type == "number" then . > %s else false end' % argument,
    }[name]


def function(name):
    name, _, argument = name.partition(":")
    return {
        "key": "$key",
        "value": ".",
        "double": 'if type == "number" then 2 * . else . end',
        "nullOdd": 'if type == "number" then (if . % 2 != 0 then null else . end) else . end',
        "object": "{v: .}",
        "mod": 'if type == "number" then ((. %% %s) + %s) %% %s else null end' % (argument, argument, argument),
        "field": 'if type == "object" then .%s else null end' % argument,
    }[name]


# ---- tools ---------------------------------------------------------------------------------------

def ms(n):
    return "%dms" % n


def shape(window):
    kind = window["type"]
    if kind == "none":
        return ["--running"]
    words = {
        "tumbling": lambda: ["--tumble", ms(window["size"])],
        "hopping": lambda: ["--hop", ms(window["size"]), "--advance", ms(window.get("advance", window["size"]))],
        "sliding": lambda: ["--slide", ms(window["size"])],
        "session": lambda: ["--session", ms(window["gap"])],
    }[kind]()
    return words + ["--grace", ms(window["grace"])]


def suppressed(op):
    """What follows where a suppress until a time limit stands."""
    suppress = op.get("suppress")
    if not suppress or suppress["until"] == "close":
        return []
    limit = ["--max-records", str(suppress["maxRecords"])] if "maxRecords" in suppress else []
    return ["--emit", "every:" + ms(suppress["ms"])] + limit


def table(op, *options):
    versioned = "versioned" in op and op.get("source") != "stream"       # toTable() never is
    return ["kstream-table"] + (["--versioned", ms(op["versioned"])] if versioned else []) + list(options)


def windowed(op):
    close = op.get("emit") == "close" or op.get("suppress", {}).get("until") == "close"
    tools = [["kstream-window"] + shape(op["window"]) + (["--emit", "close"] if close else []) + [aggregates.clauses(op)]]
    every = suppressed(op)
    return tools + ([["kstream-table"] + every] if every else [])


def table_filter(op):
    pick = ["kstream-filter", "--tombstone"] + (["--invert"] if op.get("not") else []) + [predicate(op["pred"])]
    if (op.get("materialized") == "source" or "suppress" in op) and "versioned" not in op:
        return [table(op, "--changes"), pick, ["kstream-table"] + suppressed(op)]
    return [table(op), pick]


def table_aggregate(op):
    every = suppressed(op)
    return [table(op, "--by", function(op["by"])), ["kstream-repartition", "--partitions", "1"],
            ["kstream-window", "--running", aggregates.clauses(op)]] + ([["kstream-table"] + every] if every else [])


def select_key(op):
    again = [["kstream-repartition", "--partitions", "1"]] if op.get("repartition") else []
    return [["kstream-map", "--tombstones", "key=" + function(op["fn"])]] + again


def branch(op):
    clauses = ["out%d: %s" % (i, predicate(name)) for i, name in enumerate(op["preds"])]
    return [["kstream-branch"] + (["--default", "default"] if op.get("default") else []) + clauses]


TOOLS = {
    "aggregate": windowed,
    "table": lambda op: [table(op, *suppressed(op))],
    "tableFilter": table_filter,
    "tableMapValues": lambda op: [table(op), ["kstream-map", "value=" + function(op["fn"])]] +
        ([["kstream-table"] + suppressed(op)] if "suppress" in op else []),
    "tableAggregate": table_aggregate,
    "filter": lambda op: [["kstream-filter", predicate(op["pred"])]],
    "filterNot": lambda op: [["kstream-filter", "--invert", predicate(op["pred"])]],
    "mapValues": lambda op: [["kstream-map", "--tombstones", "value=" + function(op["fn"])]],
    "flatMapValues": lambda op: [["kstream-map", "--tombstones", "--flat",
                                  'value=if type == "array" then .[] elif . == null then empty else . end']],
    "selectKey": select_key,
    "repartition": lambda op: [["kstream-repartition", "--partitions", "1"]],
    "merge": lambda op: [["kstream-filter", "true"]],
    "branch": branch,
}

# What an operation may say: with something else it would be run as another one.  store is Kafka Streams' own business.
FIELDS = {"kind", "agg", "fn", "window", "emit", "suppress", "retention", "source", "versioned", "materialized", "pred", "not", "preds", "default",
          "by", "repartition", "store"}


def tools(op):
    return TOOLS[op["kind"]](op)


def name(op):
    """A group of cases, as run.py lists them."""
    words = [op["kind"]]
    if "window" in op:
        words.append(op["window"]["type"])
    if "agg" in op:
        words.append({"trace": "fold"}.get(op["agg"], op["agg"]) if isinstance(op["agg"], str) else "collect" if "collect" in op["agg"] else "members")
    if op.get("emit") == "close":
        words.append("close")
    if "suppress" in op:
        words.append("suppress-" + op["suppress"]["until"])
    if "versioned" in op:
        words.append("versioned")
    return "/".join(words)


if __name__ == "__main__":
    print(" ".join(TOOLS))
