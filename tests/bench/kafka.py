# SPDX-License-Identifier: MIT
"""The rows that need a broker: a real one, started once and taken down at the end.  Its own CPU does not count."""
import ctypes
import os
import subprocess
import time

import harness
from harness import EXPR, MISSING, TOOL, Race, Row, Unmeasured, median, race, run, same, starts

STARTS, RECORDS = 20, 2_000_000
PASS = 200_115  # of two million trades cost more than 500: the page that defines the input says so

broker_of_this_run = None
made = {}


def make_topic(broker, name, partitions=1):
    """By librdkafka: the broker makes no topics by itself, and kcat cannot."""
    kafka = ctypes.CDLL("librdkafka.so.1")
    pointer = ctypes.c_void_p
    for function, result in (
        ("conf_new", pointer), ("new", pointer), ("NewTopic_new", pointer), ("queue_new", pointer), ("queue_poll", pointer),
        ("event_error_string", ctypes.c_char_p), ("event_CreateTopics_result", pointer), ("CreateTopics_result_topics", pointer),
        ("topic_result_error_string", ctypes.c_char_p),
    ):  # fmt: skip
        getattr(kafka, "rd_kafka_" + function).restype = result
    text = ctypes.create_string_buffer(512)
    conf = pointer(kafka.rd_kafka_conf_new())
    kafka.rd_kafka_conf_set(conf, b"bootstrap.servers", broker.encode(), text, 512)
    client = pointer(kafka.rd_kafka_new(0, conf, text, 512))
    kafka.rd_kafka_set_log_level(client, 0)
    topics = (pointer * 1)(kafka.rd_kafka_NewTopic_new(name.encode(), partitions, 1, text, 512))
    kafka.rd_kafka_NewTopic_set_config(pointer(topics[0]), b"retention.ms", b"-1")  # the times of the input are long past
    queue = pointer(kafka.rd_kafka_queue_new(client))
    kafka.rd_kafka_CreateTopics(client, topics, ctypes.c_size_t(1), None, queue)
    event = pointer(kafka.rd_kafka_queue_poll(queue, 30_000))
    if not event or kafka.rd_kafka_event_error(event):
        raise Unmeasured(f"cannot make a topic: {kafka.rd_kafka_event_error_string(event).decode() if event else 'no answer in 30 s'}")
    count = ctypes.c_size_t()
    results = pointer(kafka.rd_kafka_CreateTopics_result_topics(pointer(kafka.rd_kafka_event_CreateTopics_result(event)), ctypes.byref(count)))
    result = pointer(ctypes.cast(results, ctypes.POINTER(pointer))[0])
    if kafka.rd_kafka_topic_result_error(result):
        raise Unmeasured(f"cannot make a topic: {kafka.rd_kafka_topic_result_error_string(result).decode()}")
    kafka.rd_kafka_event_destroy(event)
    kafka.rd_kafka_queue_destroy(queue)
    kafka.rd_kafka_destroy(client)


def broker():
    global broker_of_this_run
    if "kcat" in MISSING:
        raise Unmeasured(f"needs {MISSING['kcat']}")
    if broker_of_this_run is None:
        where = f"{harness.CACHE}/kafka"
        run(f"scripts/kafka up --port 0 --dir {where} 2>&1")
        broker_of_this_run = run(f'eval "$(scripts/kafka env --dir {where})"; printf %s "$KSTREAM_BROKER"')
    return broker_of_this_run


def down():
    if broker_of_this_run is not None:
        subprocess.run(["scripts/kafka", "down", "--dir", f"{harness.CACHE}/kafka"], stdout=subprocess.DEVNULL, check=False)


def topic(name, partitions):
    """A new one; the broker may be the one of a run before."""
    name = f"{name}-{os.getpid()}-{int(time.time())}"
    make_topic(broker(), name, partitions)
    # It is made before all of the broker knows of it.
    run(f"for i in $(seq 100); do kcat -L -b {broker()} -t {name} | grep -q 'leader 1,' && break; sleep 0.1; done")
    return name


def filled(kind, keys, records, key, partitions):
    """A topic of what gen writes, keyed and timed."""
    if (kind, partitions) not in made:
        name = topic(f"{kind}-{partitions}", partitions)
        source = f"{TOOL['gen']} {kind} {keys} {records} 1"
        run(f"{source} | kstream-cat --from json --key {key} --time .ts -b {broker()} -P -t {name}")
        same("records", topic=count(name), input=records)
        made[kind, partitions] = name
    return made[kind, partitions]


def trades(partitions):
    return filled("trades", 10_000, RECORDS, ".symbol", partitions)


def count(name):
    return int(run(f"kcat -C -b {broker()} -t {name} -e -q | wc -l"))


def copy(source, target):
    return f"kstream-cat -b {broker()} -t {source} -e --from raw | kstream-cat -b {broker()} -P -t {target}"


def first_row():
    b, name = broker(), topic("one", 1)
    run(f"printf '{{\"a\":1}}\\n' | kcat -P -b {b} -t {name}")
    ours, kcat = starts(
        STARTS + 2,
        "/dev/null",
        f"kstream-cat -b {b} -t {name} -o beginning -c 1 --to json",
        f"kcat -C -b {b} -t {name} -o beginning -c 1 -q",
    )
    if any(r[0] < 0 for r in ours):
        raise Unmeasured("kstream-cat ended without a record")
    return [r[0] for r in ours[2:]], f"kcat {median(r[0] for r in kcat[2:]):.1f} ms; {STARTS} starts"


def copy_race():
    source = trades(4)
    targets = [topic(f"copy-{who}", 4) for who in ("kstream", "kcat")]
    b = broker()
    checked = topic("checked", 4)
    run(copy(source, checked))
    same("records of a copy", copy=count(checked), source=RECORDS)
    return Race(
        "topic to topic, 4 partitions",
        {
            "kstream-cat | kstream-cat": (copy(source, targets[0]), RECORDS),
            "kcat | kcat, defaults": (f"kcat -C -b {b} -t {source} -e -q -K '\t' | kcat -P -b {b} -t {targets[1]} -K '\t'", RECORDS),
        },
    )


def filter_race():
    b, source, targets = broker(), trades(4), [topic(f"filter-{who}", 4) for who in ("kstream", "pipe", "mawk")]
    ours = f"kstream-filter -b {b} --in kafka:{source} -e {EXPR} --out kafka:"
    pipe = f"kstream-cat -b {b} -t {source} -e | kstream-filter {EXPR} | kstream-cat -b {b} -P -t "
    for name, command in (("ends", ours), ("pipe", pipe)):
        checked = topic(f"checked-{name}", 4)
        run(command + checked)
        same("records that pass", kstream_filter=count(checked), input=PASS)
    return Race(
        "topic to topic, JSON filter",
        {
            "kstream-filter, topics at its ends": (ours + targets[0], RECORDS),
            "kstream-cat | filter | cat": (pipe + targets[1], RECORDS),
            "kcat | mawk | kcat": (
                f"kcat -C -b {b} -t {source} -e -q -K '\t' | mawk '{{ i = index($0, \"\\\"price\\\":\"); if (substr($0, i + 8, 7) + 0 > 500) print }}' "
                f"| kcat -P -b {b} -t {targets[2]} -K '\t'",
                RECORDS,
            ),
        },
    )


def read_race():
    b, commands = broker(), {}
    for partitions in (4, 1):
        name = trades(partitions)
        same("bytes read", **{tool: run(f"{tool.replace('_', '-')} -C -b {b} -t {name} -e -q | LC_ALL=C sort | sha256sum") for tool in ("kcat", "kstream_cat")})
        for tool in ("kstream-cat", "kcat"):
            commands[f"{tool} -C, {partitions} partition{'s' * (partitions > 1)}"] = (f"{tool} -C -b {b} -t {name} -e -q >/dev/null", RECORDS)
    return Race("reading alone", commands)


def partitions_race():
    return Race(
        "copy by number of partitions",
        {f"{n} partition{'s' * (n > 1)}": (copy(trades(n), topic(f"spread-{n}", n)), RECORDS) for n in (1, 64)},
    )


def copy_row(what):
    r = race(copy_race)
    return r.ratio("kcat | kcat, defaults", "kstream-cat | kstream-cat", what), f"{median(r.per_record('kstream-cat | kstream-cat', what)) * 1e6:.3f} s/M"


def filter_row():
    r = race(filter_race)
    ours, pipe, peer = "kstream-filter, topics at its ends", "kstream-cat | filter | cat", "kcat | mawk | kcat"
    r.need(ours, pipe, peer)
    others = ", ".join(f"{name} {median(r.per_record(name, 'cpu')) * 1e6:.2f}" for name in (pipe, peer))
    return [x * 1e6 for x in r.per_record(ours, "cpu")], others


def read_row(partitions):
    r = race(read_race)
    return r.ratio(f"kstream-cat -C, {partitions}", f"kcat -C, {partitions}"), f"{median(r.per_record(f'kstream-cat -C, {partitions}', 'cpu')) * 1e6:.3f} CPU s/M"


def partitions_row():
    r = race(partitions_race)
    return r.ratio("64 partitions", "1 partition"), f"wall {median(r.ratio('64 partitions', '1 partition', 'wall')):.2f}x"


def resident_row():
    command = f"kstream-cat -b {broker()} -t {{}} -e --from raw --to frames"
    four, many = (starts(3, "/dev/null", command.format(trades(n)))[0] for n in (4, 64))
    return [r[3] / 2**10 for r in many], f"64 partitions; of 4: {median(r[3] for r in four) / 2**10:.0f} MB"


ROWS = [
    Row("kafka", "start to first record from Kafka", "<=", 50, " ms", first_row),
    Row("copy", "topic to topic, faster than kcat | kcat (wall)", ">=", 2, "x", lambda: copy_row("wall")),
    Row("copy-cpu", "topic to topic, less CPU than kcat | kcat", ">=", 1.3, "x", lambda: copy_row("cpu")),
    Row("topics", "topic to topic, JSON filter, 10 % pass", "<=", 0.58, " CPU s/M", filter_row),
    Row("read", "reading 4 partitions, CPU of kcat", "<=", 1, "x", lambda: read_row("4 partitions")),
    Row("read-1", "reading 1 partition, CPU of kcat", "<=", 1, "x", lambda: read_row("1 partition")),
    Row("full", "resident at full speed", "<=", 60, " MB", resident_row),
    Row("spread", "64 partitions, CPU of 1", "<=", 1.4, "x", partitions_row),
]
