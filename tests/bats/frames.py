#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Frames to readable lines and back, for the tests; written from kstream-record(5), with the stock msgpack package.

frames.py print [TYPE ...]      stdin: frames; stdout: a line each, of these types only if any are named
frames.py build                 stdin: lines as below; stdout: frames

    HELLO {"app":"a"}           the members given are put over those of a plain HELLO
    RECORD {"value":1}          key, value, time, flags, topic, partition, offset, route, headers; what is absent is nil, 0 or []
    MARK [0,1000,false]
    BARRIER [1,"complete"]      n and kind, then positions, committed, hop ("auto": counted), group
    PING
    END [1,"complete"]
    FRAME 7 c0ff                type and payload in hex
    RAW c9ff                    these bytes

Bytes are {"hex":"00ff"} in both directions.  A rest that is no whole frame is printed as CUT and its bytes.
"""
import json
import struct
import sys

import msgpack

KINDS = ["go-on", "paused", "complete"]
NAMES = {1: "RECORD", 2: "HELLO", 3: "MARK", 4: "BARRIER", 5: "PING", 6: "END"}
TYPES = {name: number for number, name in NAMES.items()}
FIELDS = ["time", "flags", "topic", "partition", "offset", "route", "key", "headers", "value"]
PLAIN = {
    "version": 1, "app": None, "instance": 0, "instances": 1, "run": 0, "epoch": 0, "guarantee": "none", "live": False,
    "layout": "modulo", "streams": [], "positions": [], "stages": [], "sides": [], "hint": None,
}


def show(x):
    if isinstance(x, bytes):
        return {"hex": x.hex()}
    if isinstance(x, list):
        return [show(y) for y in x]
    if isinstance(x, dict):
        return {key: show(y) for key, y in x.items()}
    return x


def take(x):
    if isinstance(x, dict):
        return bytes.fromhex(x["hex"]) if list(x) == ["hex"] else {key: take(y) for key, y in x.items()}
    return [take(y) for y in x] if isinstance(x, list) else x


def text(x):
    return json.dumps(show(x), ensure_ascii=False, separators=(",", ":"))


def split(data):
    at = 0
    while at < len(data):
        if len(data) - at < 6 or data[at] != 0xC9:
            break
        size = struct.unpack_from(">I", data, at + 1)[0]
        if len(data) - at - 6 < size:
            break
        yield data[at + 5], data[at + 6:at + 6 + size]
        at += 6 + size
    if at < len(data):
        yield None, data[at:]


def line(kind, payload):
    if kind is None:
        return "CUT " + payload.hex()
    if kind not in NAMES:
        return f"FRAME {kind} {payload.hex()}"
    x = msgpack.unpackb(payload, strict_map_key=False, unicode_errors="backslashreplace")
    if kind == 1:
        return "RECORD " + text(dict(zip(FIELDS, x)))
    if kind in (4, 6):
        x[1] = KINDS[x[1]]
    return NAMES[kind] if kind == 5 else f"{NAMES[kind]} {text(x)}"


def frame(kind, payload):
    return b"\xc9" + struct.pack(">IB", len(payload), kind) + payload


def build(word, rest, hop):
    """The bytes of a line, and how many records have come since the last barrier."""
    if word == "RAW":
        return bytes.fromhex(rest), hop
    if word == "FRAME":
        kind, payload = (rest.split() + [""])[:2]
        return frame(int(kind), bytes.fromhex(payload)), hop
    x = take(json.loads(rest)) if rest else None
    if word == "RECORD":
        base = {"time": None, "flags": 0, "topic": None, "partition": 0, "offset": 0, "route": None, "key": None, "headers": [], "value": None}
        x = [{**base, **(x or {})}[name] for name in FIELDS]
        hop += 1
    elif word == "HELLO":
        x, hop = {**PLAIN, **(x or {})}, 0
    elif word == "BARRIER":
        x += [[], -1, "auto", None][len(x) - 2:]
        x[1] = KINDS.index(x[1]) if x[1] in KINDS else x[1]
        x[4] = hop if x[4] == "auto" else x[4]
        hop = 0
    elif word == "END":
        x[1] = KINDS.index(x[1]) if x[1] in KINDS else x[1]
    return frame(TYPES[word], msgpack.packb(x, use_bin_type=True)), hop


def main():
    if sys.argv[1:2] == ["build"]:
        hop = 0
        for row in sys.stdin:
            if row.strip():
                word, _, rest = row.strip().partition(" ")
                data, hop = build(word, rest, hop)
                sys.stdout.buffer.write(data)
        return
    if sys.argv[1:2] != ["print"]:
        sys.exit("usage: frames.py print [TYPE ...] | build")
    for kind, payload in split(sys.stdin.buffer.read()):
        row = line(kind, payload)
        if not sys.argv[2:] or row.split(" ")[0] in sys.argv[2:]:
            print(row)


main()
