#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The stories of scripts/examples that join: what is in their last topic is computed again in Python, which knows no joins.

# shellcheck disable=SC2154 # what lib sets
load lib

examples=$BATS_TEST_DIRNAME/../../scripts/examples

story() { # story NAME TOPIC: runs it, and what is in its last topic stands in out: time, key, value, by partition
	PREFIX=$t. "$examples/$1" "$b" >said 2>&1 || { cat said; return 1; }
	[ ! -s said ]
	kcat -C -q -e -b "$b" -t "$t.$2" -J >out
	[ "$(jq .partition out | sort -u | wc -l)" -gt 1 ] || [ "${3-}" = one ]
}

# python CODE FILE ...: with what all of them need; got is what story has found
python() {
	/usr/bin/python3 -c 'import json, sys
from collections import defaultdict
from datetime import datetime
def read(path): return [json.loads(line) for line in open(path)]
def ms(text): return round(datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1000)
def text(x): return json.dumps(x, sort_keys=True)
got = [(r["ts"], r["key"], r["payload"] and json.loads(r["payload"])) for r in read("out")]
'"$1" "${@:2}"
}

@test "clicks with the profile that their user had, by changes of a database" {
	story click-profiles enriched
	cat >it.py <<-'PY'
		changes = []
		for r in read(sys.argv[2]):
		    value = r["value"] and json.loads(r["value"])
		    changes.append((r["timestamp"], json.loads(r["key"])["id"], value and value["after"] and value["after"]["name"]))
		want = []
		for click in read(sys.argv[1]):
		    names = [name for at, user, name in changes if user == click["user"] and at <= ms(click["time"])]
		    want.append(text([ms(click["time"]), {**click, "name": names[-1] if names else None}]))
		assert sorted(want) == sorted(text([at, value]) for at, _, value in got)
		assert len({r[2]["name"] for r in got}) >= 5
		assert all(json.loads(key) == {"id": value["user"]} for _, key, value in got)
	PY
	python "$(cat it.py)" "$examples/clicks.jsonl" "$examples/profiles.jsonl"
}

@test "searches and the clicks on what they found within ten seconds, and searches without any" {
	story search-clicks found
	cat >it.py <<-'PY'
		want, clicks = [], defaultdict(list)
		for r in read(sys.argv[2]):
		    clicks[r["query"]].append((ms(r["time"]), r["rank"]))
		for r in read(sys.argv[1]):
		    at = ms(r["time"])
		    found = [(t, rank) for t, rank in clicks[r["query"]] if 0 <= t - at <= 10000]
		    want += [text([t, r["query"], r["words"], rank]) for t, rank in found or [(at, None)]]
		assert sorted(want) == sorted(text([at, key, v["words"], v["rank"]]) for at, key, v in got)
		assert sum(v["rank"] is None for _, _, v in got) > 10 and sum(v["rank"] is not None for _, _, v in got) > 50
	PY
	python "$(cat it.py)" "$examples/searches.jsonl" "$examples/finds.jsonl"
}

@test "reservations with their guest and room, whichever of the three changes" {
	story hotel-reservations bookings
	cat >it.py <<-'PY'
		tables = [{r[name]: r for r in read("%s/%ss.jsonl" % (sys.argv[1], name))} for name in ("reservation", "guest", "room")]
		want, last = {}, {}
		for number, r in tables[0].items():
		    if not r.get("cancelled"):
		        want[number] = {"guest": tables[1].get(r["guest"], {}).get("name"), "room": r["room"], "nights": r["nights"],
		                        "price": tables[2].get(r["room"], {}).get("price")}
		for _, key, value in got:
		    last[key] = value
		assert {k: v for k, v in last.items() if v is not None} == want, (last, want)
		gone = {number for number, r in tables[0].items() if r.get("cancelled")}
		assert gone and all(last[number] is None for number in gone)
		# a change of a guest or of a room tells of the reservation anew
		assert len(got) > len(read("%s/reservations.jsonl" % sys.argv[1]))
		assert any(v["guest"] is None for v in want.values()) and any(v["price"] is None for v in want.values())
	PY
	python "$(cat it.py)" "$examples"
}

@test "payments with one card in two countries, of more than the card is known to spend" {
	story card-fraud suspects one
	cat >it.py <<-'PY'
		cards = [(ms(r["time"]), r["card"], r["usual"]) for r in read(sys.argv[2])]
		paid = []
		for r in read(sys.argv[1]):
		    at = ms(r["time"])
		    usual = [u for t, card, u in cards if card == r["card"] and t <= at]
		    if usual:
		        paid.append((at, r["card"], r, usual[-1]))
		want = [text([b[0], a[1], {"card": a[1], "first": a[2]["id"], "second": b[2]["id"], "amount": b[2]["amount"], "usual": b[3]}])
		        for a in paid for b in paid if a[1] == b[1] and 0 <= b[0] - a[0] <= 120000
		        and a[2]["country"] != b[2]["country"] and b[2]["amount"] > 3 * b[3]]
		assert sorted(want) == sorted(text(list(r)) for r in got)
		assert len(want) > 10
	PY
	python "$(cat it.py)" "$examples/payments.jsonl" "$examples/cards.jsonl"
}
