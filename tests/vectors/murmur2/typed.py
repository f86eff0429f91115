#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# The keys of Typed.java as envelope lines; the payload is the number of the key.
import base64
import json

state = 20261123


def next_():
    global state
    state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
    return state >> 33


for i in range(10000):
    x = next_()
    record = {"partition": -1, "payload": i}
    match i % 8:
        case 0: record["key"] = f"key-{x}"
        case 1: record["key"] = -x if i % 16 == 1 else x
        case 2: record["key"] = i + 0.5
        case 3: record["key"] = {"id": x, "s": str(i)}
        case 4: record["key"] = [x, "é", None, True]
        case 5:
            key = bytes([0xFF] + [next_() & 0xFF for _ in range(x % 20)])
            record |= {"key": base64.b64encode(key).decode(), "key_encoding": "base64"}
        case 6: record["key"] = f"ключ {x}"
        case 7: record |= {"key": {"key": f"w-{x}", "start": i, "end": i + 9}, "flags": ["window"]}
    print(json.dumps(record, ensure_ascii=False))
