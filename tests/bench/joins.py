# SPDX-License-Identifier: MIT
"""The rows of joins: of frames, of JSON lines, and between topics against Kafka Streams.

What Kafka Streams 4.3.0 needs is stated, not measured, as in streams.py.  Its jobs are those of the rows below: orders and payments of one
key within 10 s of each other (grace 10 s), an order with what was paid; and clicks with the profile of their user, of 100,000."""
import hashlib
import json

import harness
import kafka
from harness import LINES, MISSING, TOOL, Race, Row, lines, median, race, run, same
from streams import peak_of_all
from windows import hello, paced, results

RECORDS, SECOND = 2_000_000, 1_500_000  # records between two barriers: the goal's rate
ROWS_OF_TABLE, CLICKS = 1_000_000, 2_000_000
FOREIGN_ROWS, CHANGES = 100_000, 1_000_000
START_MS = 1767225600000  # of the input's times; profiles are all before it, but clicks that are late may be, too: a few

# CPU seconds per million records of a whole run and of its steady state, and MB resident; and the results that it writes: as many as there
# are pairs, and one for each click.
STREAMS = {"join": (14.3, 10.8, 669, 831_159), "table": (10.7, 6.9, 611, 2 * LINES)}
USERS = 100_000


# Frames ------------------------------------------------------------------------------------------------------------------------------


def named(name, source, key, topic, value, every):
    """Records in frames that a kstream-map gives their stream and a small value."""
    made = f"{source} | kstream-map --from json --key '{key}' --time .ts 'topic={topic}' 'value={value}' --to frames"
    return paced(name, made, every)


def sides(keys):
    """Two streams of trades, one record a millisecond together: within D ms a record has D / keys matches."""
    source = f"{TOOL['gen']} trades {keys} {RECORDS} 1"
    return named(f"sides-{keys}", source, ".symbol", 'if .side == "buy" then "L" else "R" end', "{price, qty}", SECOND)


def rows_and(name, rows, source, key, topic, value):
    """Rows of the table R, alone and with what follows, both paths."""
    first = f"{TOOL['gen']} profiles 1 {rows} 1"
    both = f"{{ {first}; {source}; }}"
    return tuple(named(f"{name}-{part}", s, key, topic, value, SECOND) for part, s in (("rows", first), ("all", both)))


def joined(body, options, state=None):
    begin = f"rm -rf {state}; " if state else ""
    keep = f"--app bench --state-dir {state} " if state else ""
    return f"{begin}cat {hello(state is not None)[0]} {body} | kstream-join -q {keep}{options} --to frames"


def streams_race():
    body, state, options = sides(10_000), f"{harness.CACHE}/state", "--stream L --stream R --within 20s --grace 10s"
    commands = {"memory only": joined(body, options), "commit each 1 s": joined(body, options, state)}
    same("results", **{name.replace(" ", "_"): results(c) for name, c in commands.items()})
    return Race("stream-stream join, of frames", {name: (f"{{ {c}; }} | cat >/dev/null", RECORDS) for name, c in commands.items()})


def rates(r, name):
    return [1e-6 / cpu for cpu in r.per_record(name, "cpu")]


def made(r, name):
    """How many results a command of a race makes."""
    return int(results(r.commands[name][0].replace("| cat >/dev/null", "")).split()[0])


def streams_row():
    r = race(streams_race)
    r.need("memory only")
    matches = 2 * made(r, "memory only") / RECORDS
    wall = median(1e-6 / w for w in r.per_record("memory only", "wall"))
    return rates(r, "memory only"), f"{matches:.2f} matches a record; wall {wall:.2f} M/s"


def durable_row():
    r = race(streams_race)
    wall = median(r.ratio("memory only", "commit each 1 s", "wall"))
    return r.ratio("memory only", "commit each 1 s"), f"{median(rates(r, 'commit each 1 s')):.2f} M rec/s; wall {wall:.2f}x"


def length_race():
    """As many matches in windows that hold 100 times as many records: of 100 times as many keys."""
    kinds = {"within 2 s": (1_000, "2s"), "within 200 s": (100_000, "200s")}
    commands = {name: joined(sides(keys), f"--stream L --stream R --within {reach}") for name, (keys, reach) in kinds.items()}
    return Race("windows of a join, 100 times as long", {name: (f"{{ {c}; }} | cat >/dev/null", RECORDS) for name, c in commands.items()})


def length_row():
    r = race(length_race)
    return r.ratio("within 200 s", "within 2 s"), " and ".join(f"{made(r, name):,}" for name in r.commands) + " results"


def marginal(rows, all_, records, options):
    """What the records behind those of the table cost."""
    commands = {"rows": joined(rows, options), "rows and records": joined(all_, options)}
    return Race(f"join: {options[:40]}", {name: (f"{{ {c}; }} | cat >/dev/null", records) for name, c in commands.items()})


def marginal_row(make_race, what):
    r = race(make_race)
    r.need("rows", "rows and records")
    figures = [1e-6 / (b - a) for a, b in zip(r.per_record("rows", "cpu"), r.per_record("rows and records", "cpu"))]
    return figures, f"{made(r, 'rows and records'):,} results; {what} took {median(c.cpu for c in r.costs['rows']):.2f} s before"


def table_race():
    source = f"{TOOL['gen']} clicks {ROWS_OF_TABLE} {CLICKS} 1"
    paths = rows_and("table", ROWS_OF_TABLE, source, ".user", f'if .ts < {START_MS} then "R" else "L" end', "{price, qty}")
    return marginal(*paths, CLICKS, "--stream L --table R")


def foreign_race():
    """Nine changes of ten are of the left table, of half a million keys; a row of the right one has some five of them."""
    source = f"{TOOL['gen']} clicks {FOREIGN_ROWS} {CHANGES} 1"
    right = f"(.ts < {START_MS} or .qty > 900)"
    key = f'if {right} then .user else "\\(.qty)/\\(.price | floor % 555)" end'
    paths = rows_and("foreign", FOREIGN_ROWS, source, key, f'if {right} then "R" else "L" end', "{user, price}")
    return marginal(*paths, CHANGES, "--table L --table R --foreign-key .user")


# JSON lines --------------------------------------------------------------------------------------------------------------------------


def pairs(command):
    rows = sorted((line["order"], float(line["price"]), float(line["paid"])) for line in map(json.loads, run(command).splitlines()))
    return f"{len(rows)} {hashlib.sha256(repr(rows).encode()).hexdigest()[:16]}"


def duckdb(orders, payments):
    return f"{harness.PYTHON} -S {harness.PEERS}/duck.py {harness.CACHE}/python {orders} join {payments}"


def lines_race():
    orders, payments = (lines(kind, 1, LINES) for kind in ("orders", "payments"))
    ours = (
        f"kstream-join --from json --key .order --time .ts --order time --in {orders} --in {payments} --to json"
        f" --stream orders-{LINES} --stream payments-{LINES} --within 10s --grace 10s"
        " --value '{order: .left.order, price: .left.price, paid: .right.price}'"
    )
    commands = {"kstream-join": ours, "DuckDB": duckdb(orders, payments)}
    commands = {name: c for name, c in commands.items() if name not in MISSING}
    same("pairs", **{name.split("-")[0]: pairs(c) for name, c in commands.items()})
    return Race("JSON lines, payments within 10 s of orders", {name: (f"{c} | cat >/dev/null", 2 * LINES) for name, c in commands.items()})


def lines_row():
    r = race(lines_race)
    figures = " and ".join(f"{median(r.per_record(name, 'cpu')) * 1e6:.3f}" for name in ("kstream-join", "DuckDB"))
    return r.ratio("kstream-join", "DuckDB"), f"{figures} CPU s/M; wall {median(r.ratio('kstream-join', 'DuckDB', 'wall')):.2f}x"


# Topics ------------------------------------------------------------------------------------------------------------------------------


def job(name):
    """(input topics, options, records)."""
    if name == "join":
        topics = [kafka.filled(kind, 1, LINES, ".order", 4) for kind in ("orders", "payments")]
        reach = "--within 10s --grace 10s --value '.left + {paid: .right.price}'"
        return topics, f"--stream {topics[0]} --stream {topics[1]} {reach}", 2 * LINES
    topics = [kafka.filled("clicks", USERS, 2 * LINES, ".user", 4), kafka.filled("profiles", 1, USERS, ".user", 4)]
    value = "if .right then .left + {profile: .right.venue} else .left end"
    return topics, f"--stream {topics[0]} --table {topics[1]} --left --value '{value}'", 2 * LINES + USERS


def command(name, target):
    topics, options, _ = job(name)
    ins = " ".join(f"--in kafka:{topic}" for topic in topics)
    return f"kstream-join -b {kafka.broker()} {ins} -e {options} --out kafka:{target}"


def topics_race():
    commands = {}
    for name in STREAMS:
        checked = kafka.topic(f"{name}-checked", 4)
        run(command(name, checked))
        if name == "join":
            orders, payments = (lines(kind, 1, LINES) for kind in ("orders", "payments"))
            want = run(f"{duckdb(orders, payments)} | wc -l")
            same("results", topic=kafka.count(checked), DuckDB=int(want), Kafka_Streams=STREAMS[name][3])
        else:
            same("results", topic=kafka.count(checked), Kafka_Streams=STREAMS[name][3])
            with_profile = run(f"kcat -C -b {kafka.broker()} -t {checked} -e -q | grep -c '\"profile\":\"'")
            same("clicks with a profile", topic=int(with_profile), input=2 * LINES)
        commands[name] = (command(name, kafka.topic(name, 4)), job(name)[2])
    return Race("topic to topic, joins", commands)


def steady_row(name):
    r = race(topics_race)
    r.need(name)
    wall = median(r.per_record(name, "wall")) * 1e6
    return [x * 1e6 for x in r.per_record(name, "cpu")], f"Kafka Streams {STREAMS[name][1]}; wall {wall:.2f} s/M"


def run_row(name):
    r = race(topics_race)
    r.need(name)
    text = f"Kafka Streams {STREAMS[name][0]} CPU s/M; {STREAMS[name][3]:,} results of both"
    return [STREAMS[name][0] / x / 1e6 for x in r.per_record(name, "cpu")], text


def resident_row():
    """All processes of the job that comes nearest."""
    parts = {name: STREAMS[name][2] / peak_of_all(command(name, kafka.topic(f"resident-{name}", 4))) for name in STREAMS}
    text = "; ".join(f"{name} {STREAMS[name][2] / part:.0f} MB of {STREAMS[name][2]}" for name, part in parts.items())
    return [min(parts.values())], text


ROWS = [
    Row("join", "stream-stream join in memory, a core", ">=", 1.5, " M rec/s", streams_row),
    Row("join-commit", "the same, commit each 1 s, rate of memory", ">=", 0.6, "x", durable_row),
    Row("join-length", "windows 100x as long, equal matches, CPU", "<=", 1.3, "x", length_row),
    Row("join-table", "stream-table join, 1,000,000 rows, a core", ">=", 1.5, " M rec/s", lambda: marginal_row(table_race, "rows")),
    Row("join-foreign", "foreign-key join, changes, a core", ">=", 0.5, " M/s", lambda: marginal_row(foreign_race, "rows")),
    Row("join-duckdb", "JSON range join, CPU of DuckDB", "", None, "x", lines_row),
]
KAFKA_ROWS = [
    Row("kafka-join", "topic to topic, stream-stream join", "<=", 2.2, " CPU s/M", lambda: steady_row("join")),
    Row("kafka-table", "topic to topic, stream-table join", "<=", 1.7, " CPU s/M", lambda: steady_row("table")),
    Row("streams-join", "the run, less than Kafka Streams: two streams", ">=", 6, "x", lambda: run_row("join")),
    Row("streams-table", "the run, less than Kafka Streams: a table", ">=", 5, "x", lambda: run_row("table")),
    Row("joins-rss", "the run, less memory than Kafka Streams: joins", ">=", 10, "x", resident_row),
]
