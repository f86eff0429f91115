#!/usr/bin/env python3
# Makes the data of the stories, alike in every run: make-data.py NAME, for NAME.jsonl
import json
import random
import sys
from datetime import datetime, timedelta, timezone

SEED = 20261123


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


# Clicks of the users whose profiles change in profiles.jsonl, in the seconds around it.
def clicks(rng):
    start = datetime.fromtimestamp(1795382638.5, timezone.utc)
    for n in range(60):
        yield line(start + timedelta(milliseconds=100 * n), user=rng.choice([1, 1, 2, 3, 4, 5, 7, 20, 99]), page="/" + rng.choice("abc"))


# Searches, and clicks on what they found: most within seconds, some much later, some searches without any.
def searches(_):
    rng, start = random.Random(SEED), at("2026-11-20T09:00:00")
    for n in range(120):
        yield line(start + timedelta(seconds=3 * n + rng.uniform(0, 2)), query="q%d" % n, words=rng.choice(["kafka", "windows", "joins", "berkeley db"]))


def finds(rng):
    for n, (time, _) in enumerate(searches(rng)):
        for rank in rng.sample(range(1, 11), rng.choice([0, 1, 1, 1, 2, 3])):
            after = rng.uniform(0.4, 9) if rng.random() < 0.85 else rng.uniform(11, 60)
            yield line(time + timedelta(seconds=after), query="q%d" % n, rank=rank)


# A hotel's tables, as they change: guests correct their names, rooms change their price or close, reservations move and are cancelled.
def reservations(rng):
    start, held = at("2026-11-20T08:00:00"), []
    for n in range(80):
        time = start + timedelta(seconds=90 * n + rng.uniform(0, 60))
        move, number = held and rng.random() < 0.4, "r%d" % n
        if move:
            number = rng.choice(held)
        else:
            held.append(number)
        if move and rng.random() < 0.3:
            held.remove(number)
            yield line(time, reservation=number, cancelled=True)
        else:
            yield line(time, reservation=number, guest="g%d" % rng.randrange(14), room=rng.choice([101, 102, 103, 201, 202, None]),
                       nights=rng.randrange(1, 8))


def guests(rng):
    start, names = at("2026-11-20T07:55:00"), "Ada Alan Barbara Donald Edsger Frances Grace John Ken Margaret".split()
    for n in range(30):
        yield line(start + timedelta(seconds=250 * n), guest="g%d" % (n if n < 10 else rng.randrange(12)), name=rng.choice(names))


def rooms(rng):
    start = at("2026-11-20T07:56:00")
    for n in range(20):
        closed = n >= 5 and rng.random() < 0.2
        yield line(start + timedelta(seconds=400 * n), room=[101, 102, 103, 201, 202][n % 5], price=None if closed else rng.randrange(80, 200, 10))


# Payments by card, and what each card is known to spend; some cards are copied, and pay in two countries within minutes.
def cards(rng):
    start = at("2026-11-20T10:00:00")
    for n in range(25):
        yield line(start + timedelta(seconds=n), card="c%d" % n, usual=rng.randrange(10, 90), home=rng.choice(["DE", "FR", "JP", "US"]))
    for n in range(0, 25, 4):
        yield line(start + timedelta(minutes=30, seconds=n), card="c%d" % n, usual=rng.randrange(100, 900), home=rng.choice(["DE", "FR", "JP", "US"]))


def payments(rng):
    start = at("2026-11-20T10:01:00")
    for n in range(300):
        time, card = start + timedelta(seconds=12 * n + rng.uniform(0, 10)), "c%d" % rng.randrange(28)
        yield line(time, id="p%d" % n, card=card, amount=rng.randrange(1, 400), country=rng.choice(["DE", "DE", "DE", "FR"]))
        if rng.random() < 0.08:
            yield line(time + timedelta(seconds=rng.uniform(5, 100)), id="p%dx" % n, card=card, amount=rng.randrange(200, 2000), country="BR")


# In the order of arrival, which is that of time but for some seconds.
rng = random.Random(SEED)
rows = globals()[sys.argv[1]](rng)
late = 8 if sys.argv[1] == "trades" else 0
for _, text in sorted(((time + timedelta(seconds=rng.uniform(0, late)), text) for time, text in rows)):
    print(text)
