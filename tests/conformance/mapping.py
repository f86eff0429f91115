#!/usr/bin/env python3
"""Which command line does what an operation of the oracle does: a table of KIND x options to the tools of a pipeline.

tools(op) gives the commands between `kstream-cat --from envelope` and `kstream-cat --to envelope`; LEFT_OUT names the kinds that
never will have one.  What is not in it and has no command fails the run.  As a program it prints the kinds that have tools; with the
operand joins those alone, with others the rest.
"""
import sys

import aggregates

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
        "afterBar": 'if type == "string" and index("|") != null then split("|") | last else null end',
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


def kept(op):
    """The table whose changes a suppress until a time limit holds back."""
    every = suppressed(op)
    return [["kstream-table"] + every] if every else []


def windowed(op):
    close = op.get("emit") == "close" or op.get("suppress", {}).get("until") == "close"
    return [["kstream-window"] + shape(op["window"]) + (["--emit", "close"] if close else []) + [aggregates.clauses(op)]] + kept(op)


def table_filter(op):
    pick = ["kstream-filter", "--tombstone"] + (["--invert"] if op.get("not") else []) + [predicate(op["pred"])]
    if (op.get("materialized") == "source" or "suppress" in op) and "versioned" not in op:
        return [table(op, "--changes"), pick, ["kstream-table"] + suppressed(op)]
    return [table(op), pick]


def table_aggregate(op):
    return [table(op, "--by", function(op["by"])), ["kstream-repartition", "--partitions", "1"],
            ["kstream-window", "--running", aggregates.clauses(op)]] + kept(op)


def select_key(op):
    again = [["kstream-repartition", "--partitions", "1"]] if op.get("repartition") else []
    return [["kstream-map", "--tombstones", "key=" + function(op["fn"])]] + again


def branch(op):
    clauses = ["out%d: %s" % (i, predicate(name)) for i, name in enumerate(op["preds"])]
    return [["kstream-branch"] + (["--default", "default"] if op.get("default") else []) + clauses]


def side(op, role, topic, history=None):
    """An input of a join, with how long a table keeps versions."""
    return [role, topic] + (["--versioned", ms(op[history])] if history in op else [])


def joined(op, line):
    """line(right, type) is a join.  The second of two takes a copy of R, since the first one lets nothing through of what it joins."""
    self = op.get("self", False)
    first = line("L" if self else "R", op["type"])
    if "again" not in op:
        return [first] + kept(op)
    copies = ["kstream-branch", "--all", 'L: $topic == "L"', 'R: $topic == "R"', 'again: $topic == "%s"' % ("L" if self else "R")]
    return [copies, first, line("again", op["again"])] + kept(op)


def stream_stream(op):
    reach = ["--before", ms(op["before"]), "--after", ms(op["after"]), "--grace", ms(op["grace"])]
    return joined(op, lambda right, kind: ["kstream-join", "--stream", "L", "--stream", right, *reach, "--" + kind])


def stream_table(op):
    grace = ["--grace", ms(op["grace"])] if "grace" in op else []
    return joined(op, lambda right, kind: ["kstream-join", "--stream", "L", *side(op, "--table", right, "versioned"), *grace, "--" + kind])


def global_table(op):
    return joined(op, lambda right, kind: ["kstream-join", "--stream", "L", "--global", right, "--on", function(op["by"]), "--" + kind])


def table_table(op):
    key = ["--foreign-key", function(op["fk"])] if "fk" in op else []
    return joined(op, lambda right, kind: ["kstream-join", *side(op, "--table", "L", "versionedLeft"),
                                           *side(op, "--table", right, "versionedRight"), *key, "--" + kind])


TOOLS = {
    "aggregate": windowed,
    "table": lambda op: [table(op, *suppressed(op))],
    "tableFilter": table_filter,
    "tableMapValues": lambda op: [table(op), ["kstream-map", "value=" + function(op["fn"])]] + kept(op),
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
    "streamStreamJoin": stream_stream,
    "streamTableJoin": stream_table,
    "globalTableJoin": global_table,
    "tableTableJoin": table_table,
    "foreignKeyJoin": table_table,
}

# What an operation may say: with something else it would be run as another one.  store is Kafka Streams' own business.
FIELDS = {"kind", "agg", "fn", "window", "emit", "suppress", "retention", "source", "versioned", "materialized", "pred", "not", "preds", "default",
          "by", "repartition", "store", "type", "before", "after", "grace", "self", "again", "versionedLeft", "versionedRight", "fk"}


def is_join(kind):
    return kind.endswith("Join")


def tools(op):
    return TOOLS[op["kind"]](op)


def name(op):
    """A group of cases, as run.py lists them."""
    words = [op["kind"]]
    if is_join(op["kind"]):
        words += [op["type"]] + [word for word in ("self", "again") if word in op]
        words += ["grace"] if op["kind"] == "streamTableJoin" and "grace" in op else []
    if "window" in op:
        words.append(op["window"]["type"])
    if "agg" in op:
        words.append({"trace": "fold"}.get(op["agg"], op["agg"]) if isinstance(op["agg"], str) else "collect" if "collect" in op["agg"] else "members")
    if op.get("emit") == "close":
        words.append("close")
    if "suppress" in op:
        words.append("suppress-" + op["suppress"]["until"])
    if any(word.startswith("versioned") for word in op):
        words.append("versioned")
    return "/".join(words)


if __name__ == "__main__":
    GROUPS = {(): TOOLS, ("joins",): [kind for kind in TOOLS if is_join(kind)], ("others",): [kind for kind in TOOLS if not is_join(kind)]}
    if tuple(sys.argv[1:]) not in GROUPS:
        sys.exit("usage: mapping.py [joins | others]")
    print(" ".join(GROUPS[tuple(sys.argv[1:])]))
