#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The stories of scripts/examples that need no Kafka: what they print is computed again in Python, which knows no windows.

bats_require_minimum_version 1.5.0
load lib

setup_file() { export examples=$BATS_TEST_DIRNAME/../../scripts/examples; }

# python CODE ARGUMENT ...: with what all of them need
python() {
	/usr/bin/python3 -c 'import json, sys
from collections import defaultdict
from datetime import datetime, timezone
from fractions import Fraction
def read(path): return [json.loads(line) for line in open(path)]
def ms(text): return round(datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1000)
def text(ms): return datetime.fromtimestamp(ms // 1000, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
def near(a, b): return abs(a - b) <= 1e-9 * max(1, abs(b))
'"$1" "${@:2}"
}

@test "stories: their data are what make-data.py makes" {
	for x in trades sensors steps clicks searches finds reservations guests rooms cards payments; do
		/usr/bin/python3 "$examples/make-data.py" "$x" | cmp - "$examples/$x.jsonl"
	done
}

@test "stories: low, high and average of each symbol and minute, and the moving average" {
	"$examples/stock-minutes" >out 2>err
	[ ! -s err ]
	cat >stock.py <<-'EOF'
		rows, got = read(sys.argv[1]), read("out")
		prices, newest = defaultdict(list), 0
		for row in rows:
		    t = ms(row["time"])
		    newest = max(newest, t)
		    assert newest - t < 10000, "nothing may be late here"
		    prices[row["symbol"], t // 60000].append(Fraction(str(row["price"])))
		want, averages = {}, defaultdict(list)
		for (symbol, minute), p in sorted(prices.items(), key=lambda x: x[0][1]):
		    averages[symbol].append(sum(p) / len(p))
		    last = averages[symbol][-5:]
		    want[symbol, text(minute * 60000)] = [float(x) for x in (min(p), max(p), sum(p) / len(p), sum(last) / len(last))]
		assert len(got) == len(want) > 300
		for row in got:
		    mine = want.pop((row["symbol"], row["minute"]))
		    assert all(near(row[k], x) for k, x in zip(("low", "high", "avg", "moving"), mine)), (row, mine)
		assert not want
	EOF
	python "$(cat stock.py)" "$examples/trades.jsonl"
	# pasted data
	"$examples/stock-minutes" - <<-'EOF' >out
		{"time":"2026-10-30T20:40:02Z","symbol":"A","price":10}
		{"time":"2026-10-30T20:40:03Z","symbol":"A","price":20}
		{"time":"2026-10-30T20:42:00Z","symbol":"A","price":30}
	EOF
	output_is '{"symbol":"A","minute":"2026-10-30T20:40:00Z","low":10,"high":20,"avg":15,"moving":15}
{"symbol":"A","minute":"2026-10-30T20:42:00Z","low":30,"high":30,"avg":30,"moving":22.5}'
}

@test "stories: devices that fall silent, and those too hot for three minutes of five" {
	"$examples/device-alarms" >out 2>err
	[ ! -s err ]
	cat >alarms.py <<-'EOF'
		rows, got = read(sys.argv[1]), read("out")
		at, end = defaultdict(list), max(ms(r["time"]) for r in rows)
		for r in rows:
		    at[r["device"]].append((ms(r["time"]), r["temp"]))
		silent, hot = set(), set()
		for device, readings in at.items():
		    readings.sort()
		    for (t, _), (after, _) in zip(readings, readings[1:] + [(end - 30000, 0)]):
		        if after - t > 300000:
		            silent.add((device, text(t)))
		    minutes = {t // 60000: max(x for u, x in readings if u // 60000 == t // 60000) for t, _ in readings}
		    for first in range(min(minutes) - 4, max(minutes) + 1):
		        temps = [minutes[m] for m in range(first, first + 5) if m in minutes]
		        if sum(x > 80 for x in temps) >= 3 and (first + 5) * 60000 <= end - 120000:
		            hot.add((device, text(first * 60000), text(first * 60000 + 300000), sum(x > 80 for x in temps), max(temps)))
		mine = {(r["device"], r["silent_since"]) for r in got if "silent_since" in r}
		assert mine == silent and {d for d, _ in silent} == {"d2", "d5"}, (mine, silent)
		mine = {(r["device"], r["hot_from"], r["to"], r["minutes"], r["temp"]) for r in got if "hot_from" in r}
		assert mine == hot and {x[0] for x in hot} == {"d3"}, (mine ^ hot)
		assert len(got) == len(silent) + len(hot)
	EOF
	python "$(cat alarms.py)" "$examples/sensors.jsonl"
	# the end of the data is no silence; a device that speaks again is told of once
	printf '{"time":"2026-11-20T06:%s:00Z","device":"%s","temp":%s}\n' 00 a 60 03 b 60 06 b 60 07 a 60 08 b 60 | "$examples/device-alarms" - >out
	output_is '{"device":"a","silent_since":"2026-11-20T06:00:00Z"}'
}

@test "stories: a phone with 3 hours of old counts corrects the hours, one with 3 weeks is given up and kept apart" {
	"$examples/phone-steps" >out 2>err
	[ ! -s err ]
	cat >steps.py <<-'EOF'
		rows, got, late = read(sys.argv[1]), read("out"), read("late.jsonl")
		hours, shown, newest, old = defaultdict(int), [], 0, []
		for r in rows:
		    t = ms(r["time"])
		    newest = max(newest, t)
		    hour = t // 3600000 * 3600000
		    if hour + 3600000 <= newest - 86400000:
		        old.append((r, hour, newest - 86400000 - hour - 3600000))
		        continue
		    hours[r["phone"], hour] += r["steps"]
		    shown.append({"phone": r["phone"], "hour": text(hour), "steps": hours[r["phone"], hour]})
		assert got == shown
		# three hours of p3 came after later ones of the others, and the last word on each hour is right
		assert {r["phone"] for r, _, _ in old} == {"p4"} and len(old) == 4
		assert len({h for p, h in hours if p == "p3"}) == 12 and "p4" not in {p for p, _ in hours}
		newest = corrected = 0
		for r in rows:
		    t = ms(r["time"])
		    corrected += r["phone"] == "p3" and newest - t > 3600000
		    newest = max(newest, t)
		assert corrected >= 8, corrected
		for kept, (r, hour, by) in zip(late, old):
		    h = dict(kept["headers"])
		    assert kept["payload"] == r and kept["key"] == "p4" and kept["flags"] == ["late"]
		    assert h["__kstream.late.start"] == str(hour) and h["__kstream.late.end"] == str(hour + 3600000)
		    assert h["__kstream.late.by"] == str(by) and int(by) > 19 * 86400000, (h, by)
		assert len(late) == len(old)
	EOF
	python "$(cat steps.py)" "$examples/steps.jsonl"
}
