#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""usage: make.py [--check]

Writes cases.jsonl, docs.jsonl, docs.expected, jq-docs.jsonl,
jq-docs.expected and versions beside itself; --check compares instead.  README.md
states the format.
"""
import json
import os
import platform
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import cases        # noqa: E402
import documents    # noqa: E402
import strict       # noqa: E402

DOCS_SEED, DOCS = 20240607, 320
JQ_SEED, JQ_DOCS = 20240608, 320


def stored(name, document, out):
    """One line of cases.jsonl."""
    line = {"name": name, "hex": document.hex(), "expect": "reject" if out is None else "accept"}
    if out is not None:
        line["outhex"] = out.hex()
    if b"\n" in document or not document.strip(b" \t\r"):
        line["multiline"] = True
    return json.dumps(line, separators=(",", ":"))


def text(lines):
    return b"".join(line + b"\n" for line in lines)


def docs(seed, count, jq):
    documents_, expected = [], []
    for document, value in documents.documents(seed, count, jq):
        out = strict.canonical(value)
        # The value the document was made from and the value Python reads must be one.
        assert strict.canonical(strict.parse(document)) == out, document
        documents_.append(document)
        expected.append(out)
    return text(documents_), text(expected)


def main():
    check = sys.argv[1:] == ["--check"]
    if sys.argv[1:] and not check:
        sys.exit("usage: make.py [--check]")
    files = {"cases.jsonl": "".join(stored(name, *pair) + "\n" for name, pair in cases.table().items()).encode()}
    files["docs.jsonl"], files["docs.expected"] = docs(DOCS_SEED, DOCS, False)
    files["jq-docs.jsonl"], python = docs(JQ_SEED, JQ_DOCS, True)
    files["jq-docs.expected"] = python
    jq = shutil.which("jq")
    if jq:
        files["jq-docs.expected"] = subprocess.run([jq, "-c", "."], input=files["jq-docs.jsonl"], stdout=subprocess.PIPE, check=True).stdout
        assert files["jq-docs.expected"] == python, "jq and Python disagree"
    elif check:
        print("make.py: no jq here: jq-docs.expected was compared with Python alone", file=sys.stderr)
    else:
        sys.exit("make.py: jq is needed to make jq-docs.expected")
    if not check:
        version = subprocess.run([jq, "--version"], stdout=subprocess.PIPE, check=True).stdout.decode().strip()
        files["versions"] = ("made by make.py (strict.py, documents.py)\n%s %s, json %s: cases.jsonl docs.expected\n%s: jq-docs.expected\n" % (
            platform.python_implementation(), platform.python_version(), json.__version__, version)).encode()
    bad = 0
    for name, content in files.items():
        path = os.path.join(HERE, name)
        if not check:
            with open(path, "wb") as file:
                file.write(content)
            continue
        with open(path, "rb") as file:
            if file.read() != content:
                print("make.py: %s is not what would be made" % name, file=sys.stderr)
                bad = 1
    sys.exit(bad)


if __name__ == "__main__":
    main()
