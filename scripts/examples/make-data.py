#!/usr/bin/env python3
# Makes the data of the stories, alike in every run: make-data.py trades|sensors|steps
import json
import random
import sys
from datetime import datetime, timedelta, timezone


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=timezone.utc)


def line(time, **fields):
    return time, json.dumps({"time": time.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z", **fields})


# 14 symbols on three days, a quarter of an hour each; the exchange's clock is New York's.
def trades(rng):
    symbols = "AAL ACME BOLT COG DYNO EMBR FLUX GRID HALO INIT JADE KILN LUME MICA".split()
    price = {s: round(rng.uniform(5, 300), 2) for s in symbols}
    for day in "2026-10-30", "2026-11-02", "2026-11-03":
        for s in symbols:
            price[s] *= rng.uniform(0.97, 1.03)
        for _ in range(300):
            s = rng.choice(symbols)
            price[s] = max(1, price[s] * rng.gauss(1.0005, 0.006))
            yield line(at(day + "T20:40:00") + timedelta(seconds=rng.uniform(0, 900)), symbol=s, price=round(price[s], 2),
                       size=rng.randrange(1, 50) * 10)


# Six devices each half minute: d2 falls silent, d5 does and comes back, d3 runs hot, d4 has a hot minute now and then.
def sensors(rng):
    start = at("2026-11-20T06:00:00")
    for n in range(6 * 80):
        device, step = "d%d" % (n % 6), n // 6
        minute = step / 2
        if (device == "d2" and minute > 14) or (device == "d5" and 9 < minute < 21):
            continue
        hot = (device == "d3" and 18 <= minute < 23) or (device == "d4" and int(minute) % 4 == 1)
        yield line(start + timedelta(seconds=30 * step + rng.uniform(0, 25)), device=device,
                   temp=round(rng.uniform(82, 95) if hot else rng.uniform(55, 78), 1))


# What four phones count each quarter of an hour.  p3 has no network for three hours, p4 tells of three weeks ago.
def steps(rng):
    start = at("2026-11-20T08:00:00")
    for quarter in range(12 * 4):
        for phone in "p1", "p2", "p3":
            time = start + timedelta(minutes=15 * quarter, seconds=rng.uniform(0, 800))
            kept = 16 <= quarter < 28 and phone == "p3"
            yield (time if not kept else start + timedelta(hours=7, seconds=quarter)), line(time, phone=phone, steps=rng.randrange(900))[1]
    for n in range(4):
        yield (start + timedelta(hours=9, seconds=n)), line(at("2026-10-30T18:00:00") + timedelta(minutes=15 * n), phone="p4", steps=700 + n)[1]


# In the order of arrival, which is that of time but for some seconds.
rng = random.Random(20261123)
rows = {"trades": trades, "sensors": sensors, "steps": steps}[sys.argv[1]](rng)
late = 8 if sys.argv[1] == "trades" else 0
for _, text in sorted(((time + timedelta(seconds=rng.uniform(0, late)), text) for time, text in rows)):
    print(text)
