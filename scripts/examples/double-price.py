#!/usr/bin/env python3
# A stage of a pipeline: doubles the price in every main record that has one.
import struct
import sys

import msgpack

RECORD, BARRIER = 1, 4
source, sink = sys.stdin.buffer, sys.stdout.buffer

while head := source.read(6):
    _, size, kind = struct.unpack(">BIb", head)
    payload = source.read(size)
    if kind == RECORD:
        record = msgpack.unpackb(payload)
        flags, value = record[1], record[8]
        if flags & 0x18 == 0 and isinstance(value, dict) and "price" in value:
            value["price"] *= 2
            payload = msgpack.packb(record)
    elif kind == BARRIER:
        barrier = msgpack.unpackb(payload)
        barrier[4] = None  # this program does not count the records it writes
        payload = msgpack.packb(barrier)
    sink.write(struct.pack(">BIb", 0xC9, len(payload), kind) + payload)
    sink.flush()
