# SPDX-License-Identifier: MIT
"""Random JSON documents: the same seed gives the same documents in every Python.

A document is made as a value and, beside it, as a text with odd spacing and
odd escapes.  The value a number literal stands for is computed with exact
fractions here, so that float() in strict.py is not believed either.
"""
import random
import struct
from fractions import Fraction

SHORT = {'"': '\\"', "\\": "\\\\", "/": "\\/", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
WORDS = ("id", "key", "name", "price", "symbol", "", "a", "b", "ts", "user_id", "naïve", "größe", "日本", "🙂", "\x00", "tab\there",
         "quote\"", "back\\slash", "a longer key that fills more than one block")
RANGES = ((0x20, 0x7e), (0x20, 0x7e), (0x20, 0x7e), (0x61, 0x7a), (0x61, 0x7a), (0x00, 0x1f), (0x7f, 0x9f), (0xa0, 0x24f),
          (0x370, 0x5ff), (0x2000, 0x206f), (0x3040, 0x30ff), (0xd7f0, 0xd7ff), (0xe000, 0xe010), (0xfff0, 0xffff),
          (0x1f300, 0x1f64f), (0x10fff0, 0x10ffff))
# What jq and we print alike: no DEL, no noncharacters.
PLAIN = ((0x20, 0x7e), (0x20, 0x7e), (0x61, 0x7a), (0x00, 0x1f), (0xa0, 0x24f), (0x370, 0x5ff), (0x3040, 0x30ff), (0x1f300, 0x1f64f))
EDGES = [s * (1 << n) + d for n in (5, 7, 8, 15, 16, 31, 32, 53, 63, 64) for s in (1, -1) for d in (-1, 0, 1)] + [0, 0, 0]


class Source:
    """random() alone is promised to stay the same from one Python to the next."""

    def __init__(self, seed):
        self.rnd = random.Random(seed)

    def below(self, n):
        return int(self.rnd.random() * n)

    def among(self, items):
        return items[self.below(len(items))]

    def one_in(self, n):
        return self.below(n) == 0

    def digits(self, n):
        return "".join("0123456789"[self.below(10)] for _ in range(n))


def exact(literal):
    """The double nearest to a literal, by exact arithmetic; None if beyond the range."""
    mantissa, _, exponent = literal.lower().partition("e")
    whole, _, fraction = mantissa.partition(".")
    power = int(exponent or "0") - len(fraction)
    digits = int(whole.lstrip("-") + fraction)
    # Beyond these powers nothing is left to compute, and 10 ** power would not end.
    if digits == 0 or power < -5000:
        value = 0.0
    elif power > 5000:
        return None
    else:
        ratio = Fraction(digits) * Fraction(10) ** power
        try:
            value = ratio.numerator / ratio.denominator
        except OverflowError:
            return None
    return -value if literal.startswith("-") else value


class Writer:
    """jq: only what jq 1.6 prints exactly as we do."""

    def __init__(self, source, jq=False):
        self.s = source
        self.jq = jq

    # Each maker returns (text, value).

    def space(self):
        s = self.s
        if not s.one_in(5):
            return ""
        return "".join(s.among(" \t\r ") for _ in range(1 + s.below(20 if s.one_in(8) else 3)))

    def literal(self):
        return self.s.among((("true", True), ("false", False), ("null", None)))

    def whole(self):
        s = self.s
        if self.jq:
            value = int(s.digits(1 + s.below(15))) * s.among((1, -1))
        elif s.one_in(3):
            value = s.among(EDGES)
        else:
            value = int(s.digits(1 + s.below(22))) * s.among((1, -1))
        text = str(value)
        if value == 0 and not self.jq and s.one_in(2):
            text = "-0"
        return text, value if -(1 << 63) <= value < 1 << 64 else exact(text)

    def decimal(self):
        """A literal with fraction, exponent, or both."""
        s = self.s
        if self.jq:
            whole, last = str(int(s.digits(1 + s.below(6)))), s.among("123456789")
            text = s.among(("", "-")) + whole + "." + s.digits(s.below(8)) + last
            if s.one_in(4):
                text = text.replace("-", "")
                text += s.among("eE") + "-" + s.among(("", "0")) + s.digits(1)
            return text, exact(text)
        while True:
            if s.one_in(3):
                bits = s.below(1 << 32) << 32 | s.below(1 << 32)
                double, = struct.unpack("<d", struct.pack("<Q", bits))
                if double != double or double in (float("inf"), float("-inf")):
                    continue
                text = s.among(("%r", "%.16e", "%.17e", "%.30e", "%.15E")) % double
                if not set(text) & set(".e"):
                    continue
            else:
                text = s.among(("", "-")) + str(int(s.digits(1 + s.below(20 if s.one_in(6) else 4))))
                form = s.below(3)
                if form != 1:
                    text += "." + s.digits(1 + s.below(40 if s.one_in(6) else 6))
                if form != 0:
                    text += s.among("eE") + s.among(("", "+", "-")) + s.among(("", "0", "00"))
                    text += str(s.below(330 if s.one_in(4) else 25))
            value = exact(text)
            if value is not None:
                return text, value

    def escape(self, char):
        s = self.s
        units = char.encode("utf-16-be")
        text = ""
        for i in range(0, len(units), 2):
            text += "\\u" + s.among(("%04x", "%04X")) % (units[i] << 8 | units[i + 1])
        return text

    def chars(self, value):
        s = self.s
        often = s.among((2, 10, 50))
        text = ""
        for char in value:
            if char in SHORT and (char != "/" or s.one_in(2)) and not s.one_in(6):
                text += SHORT[char]
            elif char < " " or char in '"\\' or s.one_in(often):
                text += self.escape(char)
            else:
                text += char
        return '"' + text + '"'

    def string(self):
        s = self.s
        ranges = PLAIN if self.jq else RANGES
        if s.one_in(2):
            ranges = ranges[:2]
        length = s.below(s.among((4, 12, 12, 20, 40, 40, 120)))
        value = ""
        for _ in range(length):
            first, last = s.among(ranges)
            value += chr(first + s.below(last - first + 1))
        return self.chars(value), value

    def array(self, room, level):
        count = 0 if self.s.one_in(10) else 1 + self.s.below(room)
        parts, values = [], []
        for _ in range(count):
            text, value = self.value(room // (count + 1), level + 1)
            parts.append(self.space() + text + self.space())
            values.append(value)
        return "[" + (",".join(parts) or self.space()) + "]", values

    def object(self, room, level):
        s = self.s
        count = 0 if s.one_in(10) else 1 + s.below(room)
        parts, values = [], {}
        for _ in range(count):
            if values and not self.jq and s.one_in(6):
                key = s.among(list(values))
            elif s.one_in(3):
                key = self.string()[1]
            else:
                key = s.among(WORDS)
            while self.jq and key in values:
                key += "'"
            text, value = self.value(room // (count + 1), level + 1)
            parts.append(self.space() + self.chars(key) + self.space() + ":" + self.space() + text + self.space())
            values[key] = value
        return "{" + (",".join(parts) or self.space()) + "}", values

    def value(self, room, level):
        s = self.s
        if level < 100 and room > 1:
            return self.object(room, level) if s.below(3) else self.array(room, level)
        if level < 100 and s.one_in(12):
            return self.object(3, level) if s.below(2) else self.array(3, level)
        return s.among((self.literal, self.whole, self.decimal, self.string, self.string))()

    def document(self):
        s = self.s
        text, value = self.value(s.among((1, 4, 10, 20, 20, 40)), 0)
        if s.one_in(40):
            for _ in range(s.below(30)):
                text, value = "[" + self.space() + text + "]", [value]
        return (self.space() + text + self.space()).encode("utf-8"), value


def documents(seed, count, jq=False):
    """count times (document as bytes, value)."""
    writer = Writer(Source(seed), jq)
    for _ in range(count):
        yield writer.document()


HOSTILE = [bytes([b]) for b in b'"\\{}[],:+-.eEu0179tfn/ \t\r\x00\x01\x1f\x7f\x80\xbf\xc0\xc2\xe0\xed\xf0\xf4\xff'] + [
    b"\\u", b"\\ud83d", b"\\ude00", b"\\x", b"\xed\xa0\x80", b"\xc3\xa9", b"\xef\xbb\xbf", b"00", b"1e999", b"1e-999", b"null", b"NaN",
    b"//", b",,", b"[[", b"]]", b"{}", b'""', b"\xc2\xa0", b"99999999999999999999"]


def mutant(source, document):
    """A document with one to three small wounds; never holds a LF and is never blank."""
    while True:
        bytes_ = document
        for _ in range(1 + source.below(3)):
            at = source.below(len(bytes_) + 1)
            to = min(len(bytes_), at + source.among((1, 1, 1, 2, 5)))
            kind = source.below(5)
            if kind == 0:
                bytes_ = bytes_[:at] + bytes_[to:]
            elif kind == 1:
                bytes_ = bytes_[:at] + source.among(HOSTILE) + bytes_[to:]
            elif kind == 2:
                bytes_ = bytes_[:at] + source.among(HOSTILE) + bytes_[at:]
            elif kind == 3:
                bytes_ = bytes_[:to] + bytes_[at:]
            else:
                bytes_ = bytes_[:at]
            if not bytes_.strip(b" \t\r"):
                break
        if bytes_.strip(b" \t\r"):
            return bytes_
