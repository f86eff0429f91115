#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""usage: make.py [--check]

Writes cases.txt and version beside itself, with what the jq program says;
--check compares instead.  README.md states the format and the rules.
"""
import itertools
import json
import os
import random
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
SEED, RANDOM_CASES = 20261122, 900

# Paths, on one document each.
TREE = '{"a":{"b":{"c":1,"d":[10,20,{"e":"x"}]},"n":null,"f":false},"a b":"blank","":"empty","é":"e","and":5,"_x9":6}'
PATHS = """
. .a .a.b .a.b.c .a.b.d .a.b.d[0] .a.b.d[1] .a.b.d[2].e .a.b.d[-1].e .a.b.d[-3] .a.b.d[-4] .a.b.d[3] .a.n .a.n.x .a.n[0] .a.n.x.y
.a.f .a.f.x .a.f? .a.f.x? .a.f.x?.y? .a.missing .a.missing.x .missing .missing[0] .missing.x[3].y ."a b" ."a b".x ."a b".x?
.["a"] .["a"].b .["a"]["b"] .a["b"] .a["b"].c .a["b"]["c"] .["a b"] .[""] ."" ."é" .["\\u00e9"] ."\\u0061" .and ._x9 .a."b" .a."b"."c"
.a."b".c ."a".b .a.b["d"][2]["e"] .a.b.d[0.0] .a.b.d[2.0].e .a.b.d[-1].e.x .a.b.d[-1].e.x? .a.b.d.x .a.b.d.x? .a[0] .a[0]? .[0] .[0]?
.a? .a?.b? .a?.b .a.b?.c? .a.b.c.d.e? .a.b.c.d?.e .a.b.c.d?.e? (.a.b.c.d.e)? (.a.b.c.d?) (.a).b (.a.b).c ((.a).b).c (.a.b.c).d (.a.b.c).d?
.a.b.d[1e0] .a.b.d[100000000000000000000] .a.b.d[-100000000000000000000] .a.b.d[4294967296] .a.b.d[-4294967296] .a.b.d[007] .a.b.d[-0]
"""
SPACED = [". .a", ". \"a b\"", ".a .b .c", ". [\"a\"]", ".a [\"b\"]", " .a\t.b # comment", ".a.b.d[ 1 ]",
          "( .a . \"b\" )", ".a.b.d [ - 1 ] .e"]

ROOTS = ['null', 'true', 'false', '0', '-1.5', '""', '"text"', '[]', '[1,[2,[3]],{"a":4}]', '{}', '{"a":1}', '{"a":null}', '{"a":[]}', '{"a":{"a":{"a":7}}}',
         '[null]', '[[[[]]]]', '{"b":1,"c":2}', '[-1,0,1]']
ROOT_PATHS = [".", ".a", ".a?", ".[0]", ".[0]?", ".[-1]", ".a.a", ".a?.a?", ".a.a?", ".[1][1][0]", ".[2].a", ".a.a.a", ".[0][0]", ".[-1]?.a?", ".x", ".[5]",
              ".[-9]", "(.a)?", "(.[0].a)?", ".a[0]"]

LITERALS = """null true false 0 1 -1 1.5 -1.5 .5 1. 007 1e3 1E3 1e+3 1e-3 0.1 1e308 123456789 9007199254740991 -9007199254740991 -0 "" "a" "a\\"b" "\\\\"
"\\/" "\\b\\f\\n\\r\\t" "\\u0041" "\\u00e9" "é" "\\ud83d\\ude00" "😀" "\\u0000" (1) ((("x"))) 12.50 -1e-300"""

WORD = re.compile(r'(?:"(?:\\.|[^"\\])*"|\S)+')    # blanks may stand in strings

# All pairs of these, in both orders; the operators take turns.
ORDER = ["null", "false", "true", "0", "-0", "1", "1.0", "1.5", "-1", "1e2", "100", "-1e300", "0.1", '""', '"a"', '"ab"', '"b"', '"A"', '"é"', '"\\uffff"',
         '"\\ud83d\\ude00"', '"\\u0000"', '"1"', "[]", "[0]", "[1]", "[0,0]", "[[]]", '[null]', '["a"]', "{}", '{"a":1}', '{"a":1.0}', '{"a":2}', '{"b":0}',
         '{"a":1,"b":2}', '{"b":2,"a":1}', '{"a":{"b":[]}}', '{"":0}']
OPERATORS = ["==", "!=", "<", "<=", ">", ">="]

# Conditions, each on every one of these documents.
DOCUMENTS = ['{"a":1,"b":"x","c":null,"d":{"e":true},"f":[1,2]}', '{"a":0,"b":null,"d":{"e":false},"f":[]}', '{"a":null,"b":"","d":null}', '{}', 'null', '"text"',
             '{"a":2,"a":3,"b":"x","d":{"e":1},"d":{"g":2}}']
CONDITIONS = """
.a == 1; .a != 1; .a < 1; .a <= 1; .a > 1; .a >= 1; 1 == .a; 1 < .a; .b == "x"; .b != "x"; .b < "y"; "x" == .b; .c == null; .a and .b; .a or .b; .a and .b and .d.e
.a or .b or .c; .a and .b or .c; .a or .b and .c; (.a or .b) and .c; .a == 1 and .b == "x"; .a == 1 or .b == "x"; not; .a | not; (.a | not) and .b; .a == 1 | not
.a and .b | not; (.a and .b) | not; .d.e; .d.e | not; .d | .e; .d | .e == true; .d | .e and .e; .d | (.e | not); .d | .; . | .d; . | . | .a; .d | .e | not; .d | .x.y
.a // 5; .c // .b; .c // .x // "none"; .c // null; .c // false; .x // .y; .d.e // "no"; .a // .b == 1; (.a // .b) == 1; .a == 1 // .b; .c // .a and .b; (.c // .d).e; (.c // .d) | .e
(.c // .f)[0]; (.c // .f)[-1]; (.c // .f)[9]; (.d // .f).e?; (.a // .b).x; (.a // .b).x?; (.f // .a) | .[1]; .a.x // 1; .a.x? // 1; (.a.x)? // 1; .a.x and true; true or .a.x; false and .a.x
.a.x or true; .a.x? or true; .a.x? and true; .a.x? == 1; 1 == .a.x?; .a.x == .b.y; .a.x? == .b.y; .a.x == .b.y?; .a.x | 1; .a.x? | 1; .a | 1; .a | 1 == 1; .b.x | .y; .b.x? | .y
.f[0] == 1; .f[0] < .f[1]; .f == .f; .d == .d; .f < .d; .d != .f; .f[-1]; .f[-1] == .f[1]; .f[0] and .f[-1]; .d == null; .d.e == .d["e"]; .d == .f | not; . == .; . == null; . != .d
1 == 1; 1 < 2; "a" < "b"; null < false; "" and 0; null or false; null // 1; (1 | 2) == 2; 1 | . == 1; "x" | .a; "x" | .a?; 5 | .[0]; null | .a.b; true | not | not | not; .a | (. == 1); .a | . == 1
((.a == 1) == true); (.a == 1) == (.b == "x"); (.a | not) == (.b | not); (.a and .b) == true; .a == (.b == "x"); -1 < .a; .a > -1; .a == -0; .a == 1.0; .a == 1e0; .d.e == (1 == 1)
"""


def jq(program, documents):
    """What jq yields for each document: {"got":[...]} or {"error":"..."}."""
    if not documents:
        return []
    wrapped = "try {got:[\n" + program + "\n]} catch {error:.}"
    run = subprocess.run(["jq", "-c", wrapped], input="\n".join(documents) + "\n", capture_output=True, text=True)
    if run.returncode != 0:
        sys.exit(f"make.py: jq refuses {program!r}: {run.stderr}")
    lines = run.stdout.splitlines()
    assert len(lines) == len(documents), (program, documents, lines)
    return [json.loads(line) for line in lines], lines


def wording(text):
    """Rule 3 of README.md."""
    text = re.sub(r'^(Cannot index \w+ with) string "', r'\1 "', text)
    return text


def expected(program, documents):
    results, lines = jq(program, documents)
    for result, line in zip(results, lines):
        if "error" in result:
            yield "error: " + wording(result["error"])
        elif not result["got"]:
            yield "nothing"
        else:
            assert len(result["got"]) == 1, (program, line)
            yield line[len('{"got":['):-len("]}")]


def literal_case(rng):
    return rng.choice(["null", "true", "false", "0", "1", "-1", "2.5", '"x"', '""', '"b"', "1e1", "-0.5"])


def random_path(rng):
    path = rng.choice(["", ".a", ".b", ".c", '."d e"', '.["a"]', ".[0]", ".[-1]", ".[1]"])
    for _ in range(rng.randrange(3)):
        path += rng.choice([".a", ".b", "[0]", "[-1]", '["c"]', ".x"])
        if rng.random() < 0.3:
            path += "?"
    return "." + path if path[:1] in ("", "[") else path


def random_program(rng, depth):
    pick = rng.random()
    if depth == 0 or pick < 0.15:
        return random_path(rng) if rng.random() < 0.7 else literal_case(rng)
    def sub():
        return random_program(rng, depth - 1)
    if pick < 0.45:
        return "(" + sub() + ") " + rng.choice(OPERATORS) + " (" + sub() + ")"
    if pick < 0.65:
        return sub() + " " + rng.choice(["and", "or"]) + " " + sub() if pick < 0.5 else \
            "(" + sub() + ") " + rng.choice(["and", "or"]) + " (" + sub() + ")"
    if pick < 0.75:
        return "(" + sub() + ") // (" + sub() + ")"
    if pick < 0.85:
        return "(" + sub() + ") | " + sub()
    if pick < 0.92:
        return "(" + sub() + ") | not"
    if pick < 0.96:
        return "(" + sub() + ")?"
    return "(" + sub() + ")" + rng.choice([".a", "[0]", ".b?", '["c"]', "[-1]?"])


def random_document(rng, depth):
    pick = rng.random()
    if depth == 0 or pick < 0.3:
        return rng.choice(["null", "true", "false", "0", "1", "-1", "2.5", '"x"', '""', '"b"', "10", "-0.5", '"d\\u0065"'])
    if pick < 0.55:
        return "[" + ",".join(random_document(rng, depth - 1) for _ in range(rng.randrange(4))) + "]"
    keys = rng.sample(["a", "b", "c", "d e", "x"], rng.randrange(5))
    return "{" + ",".join(json.dumps(k) + ":" + random_document(rng, depth - 1) for k in keys) + "}"


def comparable(program):
    """Rule 5 of README.md."""
    if ")?" not in program:
        return True
    if program.index(")?") != len(program) - 2 or program[0] != "(":
        return False
    open_at = itertools.accumulate((c == "(") - (c == ")") for c in program[:-2])
    return all(depth > 0 for depth in open_at)


def cases():
    """(program, document), grouped by program."""
    yield from ((p, TREE) for p in WORD.findall(PATHS) + SPACED)
    yield from itertools.product(ROOT_PATHS, ROOTS)
    yield from ((p, "null") for p in WORD.findall(LITERALS))
    turn = 0
    for a, b in itertools.product(ORDER, ORDER):
        yield ".[0] " + OPERATORS[turn % len(OPERATORS)] + " .[1]", "[" + a + "," + b + "]"
        turn += 1
    # The operators against a constant, from both sides.
    scalars = [v for v in ORDER if v[0] not in "[{"]
    for a, b in itertools.product(scalars, scalars[::3]):
        yield ".a " + OPERATORS[turn % len(OPERATORS)] + " " + b, '{"a":' + a + "}"
        turn += 1
    for program in re.split(r"; |\n", CONDITIONS.strip()):
        yield from ((program, d) for d in DOCUMENTS)
    rng = random.Random(SEED)
    for _ in range(RANDOM_CASES):
        yield random_program(rng, 3), random_document(rng, 3)


def asked_elsewhere():
    """What tests/expr/cases.jsonl has: on TREE whatever the document there is, which is one like it."""
    with open(os.path.join(HERE, "../../expr/cases.jsonl"), encoding="utf-8") as file:
        there = [case for case in map(json.loads, file) if "p" in case]
    return {(c["p"], c["i"]) for c in there} | {(c["p"], TREE) for c in there if c["g"] == "paths"}


def render():
    grouped, elsewhere = {}, asked_elsewhere()
    for program, document in dict.fromkeys(cases()):
        if comparable(program) and (program, document) not in elsewhere:
            grouped.setdefault(program, []).append(document)
    out = []
    for program, documents in grouped.items():
        for document, result in zip(documents, expected(program, documents)):
            out.append(program + "\n" + document + "\n" + result + "\n\n")
    return "".join(out)


def main():
    check = sys.argv[1:] == ["--check"]
    if sys.argv[1:] and not check:
        sys.exit("usage: make.py [--check]")
    version = subprocess.run(["jq", "--version"], capture_output=True, text=True, check=True).stdout
    files = {"cases.txt": render(), "version": "made by make.py with " + version}
    bad = 0
    for name, text in files.items():
        path = os.path.join(HERE, name)
        if not check:
            with open(path, "w", encoding="utf-8", newline="") as out:
                out.write(text)
        elif open(path, encoding="utf-8", newline="").read() != text:
            print(f"make.py: {name} differs from what jq says", file=sys.stderr)
            bad = 1
    return bad


if __name__ == "__main__":
    sys.exit(main())
