# SPDX-License-Identifier: MIT
"""What kstream takes for JSON, and how it prints it, said by Python's json.

parse() is Python's json made strict: RFC 8259, UTF-8 as of RFC 3629, no byte
order mark, no lone surrogate, no NaN, at most 128 nested containers, no
number beyond the range of a double.  canonical() is the one text kstream
prints for a value.  Nothing here was written by, or looks at, kstream.
"""
import json
import re

DEPTH = 128
INT_MIN, INT_MAX = -(1 << 63), (1 << 64) - 1
INFINITY = float("inf")

# The scanner written in C is the strict one: the one in Python takes digits of every script.
assert json.scanner.c_make_scanner and json.decoder.c_scanstring

TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[][{}]', re.DOTALL)


class Reject(Exception):
    """The document is not one we take; the text says why."""


def number(text):
    """A literal with fraction or exponent, or an integer too large for 64 bits."""
    value = float(text)
    if value in (INFINITY, -INFINITY):
        raise Reject("number beyond the range of a double")
    return value


def integer(text):
    if len(text) <= 20:
        value = int(text)
        if INT_MIN <= value <= INT_MAX:
            return value
    return number(text)


def constant(text):
    raise Reject("%s is not JSON" % text)


def lone(text):
    """True if a surrogate is left after pairs were joined."""
    return any("\ud800" <= c <= "\udfff" for c in text)


def check(value):
    if isinstance(value, str):
        if lone(value):
            raise Reject("lone surrogate")
    elif isinstance(value, list):
        for item in value:
            check(item)


def members(pairs):
    """Last value wins, first position stays.  Every pair is checked, the overwritten ones too."""
    for key, value in pairs:
        check(key)
        check(value)
    return dict(pairs)


def depth(document):
    """Greatest number of containers open at once; brackets in strings do not count."""
    level = most = 0
    for token in TOKEN.findall(document):
        if token in (b"[", b"{"):
            level += 1
            most = max(most, level)
        elif token in (b"]", b"}"):
            level -= 1
    return most


def parse(document):
    """The value of a document (bytes), or Reject."""
    if depth(document) > DEPTH:
        raise Reject("deeper than %d" % DEPTH)
    try:
        text = document.decode("utf-8", "strict")
        if text.startswith("\ufeff"):
            raise Reject("byte order mark")
        value = json.loads(text, parse_float=number, parse_int=integer,
                           parse_constant=constant, object_pairs_hook=members)
    except ValueError as error:     # JSONDecodeError and UnicodeDecodeError are ValueErrors
        raise Reject(str(error)) from error
    check(value)
    return value


def canonical(value):
    """The text kstream prints: no blanks, UTF-8 as itself, floats as repr()."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode("utf-8")
