#!/usr/bin/env python3
"""Write the number vectors: expected results are Python's, never kstream's.

	make.py [DIR]	writes print.tsv, parse.tsv, time.tsv and version into DIR (here)

print.tsv  bits of a double in hex, its repr
parse.tsv  a JSON number, the bits of the nearest double (float())
time.tsv   an RFC 3339 time, ms since 1970, the canonical text (datetime)
"""
import datetime
import math
import os
import platform
import random
import struct
import sys
from fractions import Fraction

random.seed(20261121)


def bits(d):
    return struct.unpack(">Q", struct.pack(">d", d))[0]


def double(u):
    return struct.unpack(">d", struct.pack(">Q", u))[0]


def exact(x):
    """The exact decimal text of a Fraction whose denominator is a power of two (or of ten)."""
    sign, x = "-" if x < 0 else "", abs(x)
    k = 0
    while x.denominator != 1:
        x, k = x * 10, k + 1
    digits = str(x.numerator)
    return "%s%s.%se%d" % (sign, digits[0], digits[1:] or "0", len(digits) - 1 - k)


def doubles():
    yield from (0.0, -0.0, 1.0, -1.0, 0.1, 0.2, 0.3, 1 / 3, 2 / 3, 1e15, 1e16, 1e17, 123456789012345680.0, 1e21, 1e22, 1e23,
                0.0001, 0.00001, 0.00012345, 9.5, 99.99, 555.55, 35.0, 67.5, 5e-324, 1e-323, 2.2250738585072014e-308,
                2.225073858507201e-308, 1.7976931348623157e+308, 9007199254740991.0, 9007199254740992.0, 9007199254740994.0,
                2 ** 50 - 1.0, 2 ** 50 - 0.25, 2 ** 50 + 0.0, 2 ** 50 + 0.25, 4503599627370495.5, 4.35, 0.000001, 123456.789e3, 9.2e18,
                9223372036854775807.0, 18446744073709551615.0, 2 ** -44, 5e-310, 1.2e-311, 8.41e21, 2.0019156e-307, 1.5e300)
    for e in range(-1074, 1024, 7):
        for d in (math.ldexp(1.0, e), math.nextafter(math.ldexp(1.0, e), 0.0)):
            if d > 0:
                yield d
    for _ in range(700):                                  # any pattern
        d = double(random.getrandbits(64))
        if math.isfinite(d):
            yield d
    for _ in range(150):                                  # subnormal
        yield double(random.getrandbits(52) >> random.randint(0, 51))
    for _ in range(500):                                  # what people write
        yield round(random.uniform(-1000, 1000), random.randint(0, 6))
    for _ in range(300):
        yield random.random() * 10.0 ** random.randint(-6, 18)
    for _ in range(150):                                  # averages
        yield random.randint(0, 10 ** 6) / random.randint(1, 999)
    for k in range(-30, 31):
        yield 10.0 ** k


def numbers():
    yield from ("0", "-0", "0.0", "-0.0e5", "0e999999999", "1", "-1", "1e0", "1E+2", "1e-2", "1.5e3", "9007199254740993", "9007199254740993.0",
                "9007199254740992.5", "9007199254740993.00000000000000000000000000000000000001", "18446744073709551616",
                "123456789012345678901234567890", "0." + "0" * 400 + "1e400", "1" + "0" * 400 + "e-400", "1e308", "1.8e308", "1e309", "-1e400",
                "1e99999999999999999999", "1e-99999999999999999999", "4.9e-324", "2.4e-324", "2.5e-324", "2.4703282292062327e-324",
                "2.4703282292062328e-324", "2.2250738585072011e-308", "2.2250738585072012e-308", "1.7976931348623158e308",
                "1.7976931348623159e308", "17976931348623158079372897140530341507993e268", "1e23", "8.5e22", "1.0000000000000000000000001",
                "6.9294956446009195e15", "3.5844466002796428e298", "0.1e1", "100e-2", "5e-324", "1e-400", "12345678901234567890123")
    for i in range(250):                                  # half way between two doubles, and a hair beside it
        u = random.getrandbits(63)
        if i % 4 == 0:
            u = random.randint(1, 1 << random.randint(1, 53))                       # about subnormal
        elif i % 4 == 1:
            u = bits(random.randint(1 << 52, 1 << 53) * 2.0 ** random.randint(-6, 6))
        if u >= bits(math.inf) - 1:
            continue
        half = (Fraction(double(u)) + Fraction(double(u + 1))) / 2
        text = exact(half)
        mantissa, exponent = text.split("e")
        yield text
        yield mantissa + "0000001e" + exponent
        yield "%s%de%s" % (mantissa[:-1], int(mantissa[-1]) - 1, exponent) if mantissa[-1] != "0" else text
        for digits in (17, 19, 20):
            yield mantissa[:digits + 1] + "e" + exponent
    for _ in range(600):
        n = random.randint(1, 24)
        digits = str(random.randint(1, 9)) + "".join(random.choice("0123456789") for _ in range(n - 1))
        point = random.randint(1, n)
        text = digits[:point] + ("." + digits[point:] if point < n else "")
        if random.random() < 0.7:
            text += random.choice("eE") + random.choice(("", "+", "-")) + str(random.choice((random.randint(0, 30), random.randint(0, 330))))
        yield random.choice(("", "-")) + text


UTC = datetime.timezone.utc
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=UTC)
MS = datetime.timedelta(milliseconds=1)


def canonical(t):
    ms = (t - EPOCH) // MS
    t = t.astimezone(UTC)
    text = "%04d-%02d-%02dT%02d:%02d:%02d" % (t.year, t.month, t.day, t.hour, t.minute, t.second)
    return ms, text + (".%03d" % (ms % 1000) if ms % 1000 else "") + "Z"


def times():
    def row(text, t):
        ms, shown = canonical(t)
        return "%s\t%d\t%s" % (text, ms, shown)

    for year in [1, 2, 99, 100, 400, 1582, 1600, 1899, 1900, 1901, 1969, 1970, 1971, 1999, 2000, 2001, 2004, 2026, 2038, 2100, 2400, 9998]:
        for month, day in ((1, 1), (2, 28), (2, 29), (3, 1), (12, 31)):
            try:
                t = datetime.datetime(year, month, day, tzinfo=UTC)
            except ValueError:
                continue
            yield row("%04d-%02d-%02d" % (year, month, day), t)
    for _ in range(500):
        t = datetime.datetime(random.randint(2, 9998), random.randint(1, 12), random.randint(1, 28), random.randint(0, 23), random.randint(0, 59),
                              random.randint(0, 59), random.randint(0, 999999), tzinfo=UTC)
        shape = random.randint(0, 5)
        if shape == 0:
            t = t.replace(second=0, microsecond=0)
            yield row(t.strftime("%%04d-%m-%dT%H:%MZ") % t.year, t)
        elif shape == 1:
            t = t.replace(microsecond=0)
            yield row(t.strftime("%%04d-%m-%dt%H:%M:%Sz") % t.year, t)
        elif shape == 2:
            yield row(t.strftime("%%04d-%m-%d %H:%M:%S.%f123Z") % t.year, t)
        elif shape == 3:
            n = random.randint(1, 6)
            text = t.strftime("%%04d-%m-%dT%H:%M:%S.%f") % t.year
            cut = text[:len(text) - (6 - n)]
            t = t.replace(microsecond=int((cut.split(".")[1] + "000000")[:6]))
            yield row(cut + "Z", t)
        else:
            minutes = random.randint(-23 * 60 - 59, 23 * 60 + 59)
            local = t.replace(microsecond=0).astimezone(datetime.timezone(datetime.timedelta(minutes=minutes)))
            sign = "-" if minutes < 0 else "+"
            zone = "%s%02d:%02d" % (sign, abs(minutes) // 60, abs(minutes) % 60)
            yield row(local.strftime("%%04d-%m-%dT%H:%M:%S") % local.year + zone, local)


def write(directory, name, lines):
    with open(os.path.join(directory, name), "w") as f:
        f.writelines(line + "\n" for line in lines)


directory = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__))
write(directory, "print.tsv", ["%016x\t%r" % (bits(d), d) for d in doubles()])
write(directory, "parse.tsv", ["%s\t%016x" % (text, bits(float(text))) for text in numbers()])
write(directory, "time.tsv", times())
write(directory, "version", ["made by make.py, Python %s" % platform.python_version()])
