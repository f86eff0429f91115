#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""usage: run.py GROUP ...
       run.py --list

Runs the cases of the groups, the documents of "docs" or "jq-docs", or the big
documents made here ("big") through the kstream-cat found in PATH, as
README.md says; prints the name of each case that fails and why.
"""
import concurrent.futures
import json
import os
import subprocess
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import strict       # noqa: E402

TOOL = "kstream-cat"
TIMEOUT = 60


def load():
    """group -> [(name, document, canonical text or None)], only what fits on a line."""
    groups = {}
    with open(os.path.join(HERE, "cases.jsonl"), encoding="ascii") as file:
        for line in file:
            case = json.loads(line)
            if not case.get("multiline"):
                out = bytes.fromhex(case["outhex"]) if case["expect"] == "accept" else None
                groups.setdefault(case["name"].split("_")[1], []).append((case["name"], bytes.fromhex(case["hex"]), out))
    return groups


def pair(name):
    """The documents of NAME.jsonl with the lines of NAME.expected."""
    with open(os.path.join(HERE, name + ".jsonl"), "rb") as file:
        documents = file.read().split(b"\n")[:-1]
    with open(os.path.join(HERE, name + ".expected"), "rb") as file:
        expected = file.read().split(b"\n")[:-1]
    assert len(documents) == len(expected) >= 300
    return [("%s line %d" % (name, i + 1), document, out) for i, (document, out) in enumerate(zip(documents, expected))]


def big():
    """What would be too long to store: 16- and 32-bit msgpack headers, documents longer than any buffer."""
    def run(item, count):
        return ",".join(item % i for i in range(count))

    texts = []
    for count in (65535, 65536, 65537):
        texts += [("y_array_%d" % count, "[" + "0," * (count - 1) + "0]"),
                  ("y_object_%d" % count, "{" + run('"%x":0', 1) + "," + run('"k%x":1', count - 1) + "}"),
                  ("y_object_%d_first_twice" % count, "{" + run('"k%x":1', count - 1) + ',"k0":2}'),
                  ("y_string_%d" % count, '["%s"]' % ("s" * count)),
                  ("y_key_%d" % count, '{"%s":1}' % ("k" * count)), ("y_string_of_escapes_%d" % count, '["%s"]' % ("\\u0073" * count)),
                  ("y_string_of_newlines_%d" % count, '["%s"]' % ("\\n" * count)), ("n_array_%d_open" % count, "[" + "0," * (count - 1) + "0"),
                  ("n_string_%d_open" % count, '["%s' % ("s" * count))]
    texts += [("y_string_70000", '"%s"' % ("abcdefg" * 10000)), ("y_string_70000_in_object", '{"a":"%s","b":1}' % ("abcdefg" * 10000)),
              ("y_key_70000", '{"%s":0}' % ("abcdefg" * 10000)),
              ("y_string_70000_two_bytes", '"%s"' % ("é" * 35000)), ("y_string_70000_four_bytes", '"%s"' % ("😀" * 17500)),
              ("y_string_pairs", '"%s"' % ("\\ud83d\\ude00" * 20000)),
              ("y_string_1_MiB", '{"a":"%s"}' % ("x" * (1 << 20))),
              ("y_blanks", " " * 70000 + "[" + "\t" * 70000 + "1" + "\r" * 70000 + "]" + " " * 70000),
              ("y_brackets_in_string", '"%s"' % ("[" * 100000)), ("y_array_200000", "[" + run("%d", 200000) + "]"),
              ("y_objects_20000", "[" + run('{"id":%d,"v":[1.5,null]}', 20000) + "]"),
              ("y_fraction_70000_digits", "0." + "12345" * 14000), ("y_fraction_70000_zeros", "0." + "0" * 70000 + "1"),
              ("y_int_zeros_back", "1" + "0" * 70000 + "e-70000"),
              ("y_fraction_zeros_forth", "0." + "0" * 70000 + "1e70001"), ("y_exponent_70000_zeros", "1e" + "0" * 70000 + "1"),
              ("y_same_key_65536", "{" + run('"a":%d', 65536) + "}"),
              ("n_int_70000_digits", "7" * 70000), ("n_exponent_70000_digits", "1e" + "9" * 70000), ("n_arrays_100000_open", "[" * 100000),
              ("n_arrays_100000", "[" * 100000 + "]" * 100000),
              ("n_objects_100000_open", '{"a":' * 100000), ("n_array_object_100000_open", '[{"":' * 50000),
              ("n_string_70000_control", '"%s\x01"' % ("x" * 70000)), ("n_string_70000_escape", '"%s\\x"' % ("x" * 70000)),
              ("n_string_70000_utf8", b'"' + b"x" * 70000 + b'\xff"'), ("n_blanks_then_garbage", "1" + " " * 70000 + "x"),
              ("n_quotes", '"' * 70001), ("n_commas", "[" + "," * 70000 + "]"), ("n_minuses", "-" * 70000), ("n_nuls", "\0" * 70000)]
    # Lengths that grow by one let the ends of documents fall everywhere in a buffer.
    texts += [("y_length_%d" % length, '"%s"' % ("z" * length)) for length in range(1, 1500)]
    cases = []
    for name, text in texts:
        document = text if isinstance(text, bytes) else text.encode("utf-8")
        try:
            out = strict.canonical(strict.parse(document))
        except strict.Reject:
            out = None
        assert (out is None) == (name[0] == "n"), name
        cases.append(("big " + name, document, out))
    return cases


def start(stdin, source="json", target="json"):
    """(status, stdout, stderr) of one run."""
    try:
        done = subprocess.run([TOOL, "--from", source, "--to", target], input=stdin, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=TIMEOUT, check=False)
    except subprocess.TimeoutExpired:
        return "none within %d s" % TIMEOUT, b"", b""
    return done.returncode, done.stdout, done.stderr


def short(data):
    return repr(data if len(data) <= 120 else data[:90] + b" ... " + data[-20:])


def accepted(result, out):
    """What is wrong with a run that had to print out; None if nothing is."""
    status, stdout, stderr = result
    if status != 0 or stderr:
        return "status %s, expected 0; stderr %s" % (status, short(stderr))
    if stdout != out:
        return "printed %s, expected %s" % (short(stdout), short(out))
    return None


def refused(result):
    status, stdout, stderr = result
    if status != 65:
        return "status %s, expected 65; stdout %s, stderr %s" % (status, short(stdout), short(stderr))
    if stdout:
        return "something on stdout: %s" % short(stdout)
    if not stderr.startswith(TOOL.encode() + b": ") or stderr.count(b"\n") != 1 or not stderr.endswith(b"\n"):
        return "not one line \"%s: ...\" on stderr: %s" % (TOOL, short(stderr))
    return None


def alone(case):
    """One case in a process of its own, without and with the LF at its end."""
    name, document, out = case
    for ending in (b"", b"\n"):
        result = start(document + ending)
        wrong = refused(result) if out is None else accepted(result, out + b"\n")
        if wrong:
            return "%s%s: %s" % (name, " (with LF)" if ending else "", wrong)
    return None


def batches(accepts):
    """All documents on one stdin, in four ways; yields (what, wrong)."""
    document = b"".join(case[1] + b"\n" for case in accepts)
    out = b"".join(case[2] + b"\n" for case in accepts)
    yield "all on one stdin", accepted(start(document), out)
    yield "all on one stdin, no LF at the end", accepted(start(document[:-1]), out)
    yield "the canonical text again", accepted(start(out), out)
    status, frames, stderr = start(document, "json", "frames")
    wrong = accepted((status, b"", stderr), b"")
    yield "through frames", wrong or accepted(start(frames, "frames", "json"), out)


def group(name, cases, pool):
    accepts = [case for case in cases if case[2] is not None]
    rejects = [case for case in cases if case[2] is None]
    failed = []
    for what, wrong in batches(accepts) if accepts else ():
        if wrong:
            failed.append("%s: %s: %s" % (name, what, wrong))
    # Near copies and long files run as batches only; a failed batch is looked at one by one, to name the case.
    singles = rejects + (accepts if failed or name not in ("offset", "docs", "jq-docs", "big") else [])
    singly = [wrong for wrong in pool.map(alone, singles) if wrong]
    print("%s: %d accepted, %d rejected, %d failed" % (name, len(accepts), len(rejects), len(singly) or len(failed)))
    for line in failed + singly:
        print("  " + line)
    return not failed and not singly


def main():
    groups = load()
    if sys.argv[1:] == ["--list"]:
        for name in groups:
            print(name)
        return 0
    if len(sys.argv) < 2:
        print(__doc__.split("\n\n")[0], file=sys.stderr)
        return 64
    good = True
    with concurrent.futures.ThreadPoolExecutor(max_workers=4) as pool:
        for name in sys.argv[1:]:
            if name == "big":
                cases = big()
            elif name in ("docs", "jq-docs"):
                cases = pair(name)
            else:
                cases = groups.get(name, [])
            if not cases:
                print("%s: no such group, or no case in it" % name)
                good = False
            elif not group(name, cases, pool):
                good = False
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
