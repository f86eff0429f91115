#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# kstream-table of topics: compacted ones, change events of a database, and from topic to topic. kcat and Python judge.

# shellcheck disable=SC2154 # what lib sets
load lib

table() { timeout 60 "$bin/kstream-table" -b "$b" -e "$@"; }

read_all() { kcat -C -q -e -J -b "$b" -t "$1"; } # a JSON object a record, as kcat prints it

# python CODE: with read(FILE), and latest(records): of each partition and key the record that is no tombstone
python() {
	/usr/bin/python3 -c 'import json
def read(path): return [json.loads(line) for line in open(path)]
def latest(records):
    rows = {}
    for r in records: rows[r["partition"], r["key"]] = r
    return {k: r for k, r in rows.items() if r["payload"] is not None}
'"$1"
}

@test "a compacted topic is a table: the same rows, before it was compacted and afterwards" {
	local compacts=(cleanup.policy=compact segment.ms=100 min.cleanable.dirty.ratio=0.001)
	"$topic" create "$t" 2 "${compacts[@]}" min.compaction.lag.ms=3600000
	for i in 1 2 3; do
		seq 300 | awk -v i="$i" '{ print "k" $1 % 30 ":" (($1 + i) % 7 == 0 ? "" : "{\"n\":" $1 * i "}") }' | kcat -P -b "$b" -t "$t" -K : -Z -X partitioner=murmur2
		[ "$i" -lt 3 ] || break
		sleep 0.2 # the next begins another segment
	done
	rows() { # rows FILE: what the table is by kstream, checked against all that kcat reads
		read_all "$t" >all
		table --in "kafka:$t" --dump --to envelope >dump
		python '
want, got = latest(read("all")), read("dump")
assert 10 < len(want) < 30
assert {(r["partition"], r["key"]): (r["payload"], r["ts"]) for r in got} == {k: (json.loads(r["payload"]), r["ts"]) for k, r in want.items()}
assert len(got) == len(want) and [r["partition"] for r in got] == sorted(r["partition"] for r in got)'
		mv dump "$1"
	}
	[ "$(read_all "$t" | wc -l)" -eq 900 ]
	rows before
	"$topic" set "$t" "${compacts[@]}"
	for p in 0 1; do echo 'last:{"n":0}' | kcat -P -b "$b" -t "$t" -p "$p" -K :; done
	fewer() { [ "$(read_all "$t" | wc -l)" -le 400 ]; }
	wait_for fewer
	rows after
	diff before <(grep -v '"key":"last"' after)
}

@test "from topic to topic: changes and tombstones keep their partitions; equal values are left out; a deleted row stays deleted" {
	"$topic" create "$t" 3
	/usr/bin/python3 -c '
import random
r = random.Random(11)
for i in range(900): print("k%d\t%s" % (r.randrange(40), r.choice(["", "{\"n\":1}", "{\"n\":2}", "{\"n\":1.0}", "{ \"n\" : 2 }"])))' |
		kcat -P -b "$b" -t "$t" -K '\t' -Z -X partitioner=murmur2
	table --in "kafka:$t" --only-changes --out "kafka:$t.changed" --create-topics 3
	table --in "kafka:$t" --changes --to envelope >changes
	read_all "$t" >in
	read_all "$t.changed" >out
	python '
def value(r): return None if r["payload"] is None else json.loads(r["payload"])
rows, want, changes = {}, [], {}
for r in read("in"):
    k, new = (r["partition"], r["key"]), value(r)
    old = rows.get(k)
    if new != old: want.append((k, new))
    changes.setdefault(r["partition"], []).append([r["key"], [new, old, True]])
    rows[k] = new
got = [((r["partition"], r["key"]), value(r)) for r in read("out")]
by = lambda list_, p: [x for x in list_ if x[0][0] == p]
for p in 0, 1, 2:
    mine = by(want, p)
    assert by(got, p) == mine, (p, len(by(got, p)), len(mine))
    assert [[r["key"], r["payload"]] for r in read("changes") if r["partition"] == p] == changes[p], p
assert 300 < len(got) < 900 and any(v is None for _, v in got)'
	# and a table of what went out is that of what came in
	python '
a, b = latest(read("in")), latest(read("out"))
assert {k: json.loads(r["payload"]) for k, r in a.items()} == {k: json.loads(r["payload"]) for k, r in b.items()}'
}

@test "--cdc debezium from the topic that Debezium wrote: the rows that its own unwrapping leaves" {
	recorded() { # recorded FILE TOPIC: keys, values, and nulls as they were in the topic, into the topic $t
		jq -r --arg t "$2" 'select(.topic == $t) | "\(.key)\t\(.value // "")"' "$BATS_TEST_DIRNAME/../vectors/debezium/$1.jsonl" |
			kcat -P -b "$b" -t "$3" -K '\t' -Z
	}
	for name in profiles profiles_full; do
		"$topic" create "$t.$name" 1 cleanup.policy=compact
		recorded envelope "envelope.public.$name" "$t.$name"
		table --in "kafka:$t.$name" --cdc debezium --on-truncate clear --out "kafka:$t.$name.rows" --create-topics 1
		read_all "$t.$name.rows" >"rows.$name"
		table --in "kafka:$t.$name" --cdc debezium --on-truncate clear --dump --to envelope >"dump.$name"
		jq -c --arg t "flat.public.$name" 'select(.topic == $t)' "$BATS_TEST_DIRNAME/../vectors/debezium/flat.jsonl" >"flat.$name"
	done
	python '
# the two connectors were told to print decimals and bytes in different ways
def plain(row): return {column: x for column, x in row.items() if column not in ("balance", "rate", "photo")}
for name in "profiles", "profiles_full":
    want = {}
    for r in read("flat." + name):	# ExtractNewRecordState: a null is a delete, and a column too large to be sent is not there
        key, new = json.loads(r["key"])["id"], None if r["value"] is None else json.loads(r["value"])
        if new is None:
            want.pop(key, None)
            continue
        for column, x in new.items():
            if x == "__debezium_unavailable_value": new[column] = want[key][column]
        want[key] = plain(new)
    def id(k): return (json.loads(k) if isinstance(k, str) else k)["id"]
    dump = {id(r["key"]): plain(r["payload"]) for r in read("dump." + name)}
    rows = {id(r["key"]): plain(json.loads(r["payload"])) for _, r in latest(read("rows." + name)).items()}
    assert dump == rows, (name, dump, rows)
    if name == "profiles_full": want = {k: v for k, v in want.items() if k == 8}	# flat does not tell that it was truncated
    assert rows == want and rows, (name, rows, want)'
}

@test "two topics are one table by partition number; a stream that goes on tells of changes as they come" {
	"$topic" create "$t.a" 1
	"$topic" create "$t.b" 1
	echo 'x:{"n":1}' | kcat -P -b "$b" -t "$t.a" -K :
	echo 'x:{"n":2}' | kcat -P -b "$b" -t "$t.b" -K :
	table --in "kafka:$t.a" --in "kafka:$t.b" --order arrival --dump --to json >both
	[ "$(wc -l <both)" -eq 1 ]
	"$bin/kstream-table" -b "$b" --in "kafka:$t.a" --changes --commit-interval 50ms >live 2>err &
	pids=$!
	shown() { "$bin/kstream-cat" --to json live 2>/dev/null | grep -qxF "$1"; }
	wait_for shown '[{"n":1},null,true]'
	echo 'x:{"n":5}' | kcat -P -b "$b" -t "$t.a" -K :
	wait_for shown '[{"n":5},{"n":1},true]'
	echo 'x:' | kcat -P -b "$b" -t "$t.a" -K : -Z
	wait_for shown '[null,{"n":5},true]'
	kill -TERM "$pids"
	wait "$pids"
	pids=
	[ ! -s err ]
	[ "$(last_byte live)" -eq 1 ]
}
