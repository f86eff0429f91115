#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""usage: diff.py SEED N [--expect] [--mutate]

Prints N random JSON documents, one a line; the same SEED and N give the same
documents.  --expect prints the line kstream must print for each instead:

    diff.py 7 2000 | kstream-cat --from json --to json | diff - <(diff.py 7 2000 --expect)

--mutate damages most documents; --expect then leaves out what must be
refused, so the filter between is to be told --on-error=skip.
"""
import argparse
import os
import signal
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import documents    # noqa: E402
import strict       # noqa: E402


def lines(seed, count, mutate, expect):
    source = documents.Source(seed + 1)
    for document, value in documents.documents(seed, count):
        if mutate and not source.one_in(5):
            document = documents.mutant(source, document)
            try:
                value = strict.parse(document)
            except strict.Reject:
                if expect:
                    continue
        yield strict.canonical(value) if expect else document


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n", 1)[0][len("usage: "):])
    parser.add_argument("seed", type=int)
    parser.add_argument("n", type=int)
    parser.add_argument("--expect", action="store_true")
    parser.add_argument("--mutate", action="store_true")
    arguments = parser.parse_args()
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    for line in lines(arguments.seed, arguments.n, arguments.mutate, arguments.expect):
        sys.stdout.buffer.write(line + b"\n")


main()
