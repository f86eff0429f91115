#!/usr/bin/env python3
"""The operators of Kafka Streams as a program, to be read next to their C implementation.

  model.py CASES.jsonl [K]       compare with the results in CASES; print the first K differences (3); status 1 if any
  model.py --run [CASES.jsonl]   print a result object a case, as Oracle does; without a file, of stdin

Cases and results are those of README.md. The model is Kafka Streams 4.3.0 with RocksDB stores, no caches, one partition.
It is written for reading, not for speed:
* An operator is a class with process(topic, key, value, ts), called once a record. It calls emit() and drop(), in order.
* The comment of a store gives its layout and the order of its scans. A store is a dict whose keys *are* that layout, sorted when
  scanned; C keeps it sorted. Nothing depends on the order of a dict otherwise, but for the members of an aggregate.
* § is the section of semantics.md that a rule stands in, [4.3] a rule found by running 4.3.0.
* Keys are compared as bytes of canonical JSON (key_bytes); ties are decided by these bytes.
* None is the null key, the tombstone or null value, and "absent". Times are ms. Python's integers do not overflow: in C, a sum
  with a time must be safe at both ends of int64.
"""
import json
import sys
from collections import namedtuple

# ==== values ======================================================================================

def json_line(value):
    """Canonical JSON: sorted members, no spaces. Equal values are equal text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)

def key_bytes(key):
    return json_line(key).encode()

def int64_bytes(n):
    return n.to_bytes(8, "big")

def is_int(value):
    return isinstance(value, int) and not isinstance(value, bool)

def as_int(value):
    """How a reducer reads a value: 0 unless a number."""
    return int(value) if isinstance(value, (int, float)) else 0

def text(value):
    if value is None:
        return "null"
    return value if isinstance(value, str) else json_line(value)

def same(a, b):
    """Numbers by value, objects without order."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[m], b[m]) for m in a)
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b))
    return isinstance(a, bool) == isinstance(b, bool) and a == b

PREDICATES = {
    "null": lambda key, value, argument: value is None,
    "keyNull": lambda key, value, argument: key is None,
    "string": lambda key, value, argument: isinstance(value, str),
    "all": lambda key, value, argument: True,
    "even": lambda key, value, argument: is_int(value) and value % 2 == 0,
    "odd": lambda key, value, argument: is_int(value) and value % 2 == 1,
    "gt": lambda key, value, argument: is_int(value) and value > int(argument),
}

FUNCTIONS = {
    "key": lambda key, value, argument: key,
    "value": lambda key, value, argument: value,
    "double": lambda key, value, argument: 2 * value if is_int(value) else value,
    "nullOdd": lambda key, value, argument: None if is_int(value) and value % 2 == 1 else value,
    "object": lambda key, value, argument: {"v": value},
    "mod": lambda key, value, argument: value % int(argument) if is_int(value) else None,       # never negative
    "field": lambda key, value, argument: value.get(argument) if isinstance(value, dict) else None,
    "afterBar": lambda key, value, argument:
        value.rpartition("|")[2] if isinstance(value, str) and "|" in value else None,
}

def predicate(name, key, value):
    name, _, argument = name.partition(":")
    return PREDICATES[name](key, value, argument)

def function(name, key, value):
    name, _, argument = name.partition(":")
    return FUNCTIONS[name](key, value, argument)

def pair(left, right):
    """The joiner of all joins."""
    return {"left": left, "right": right}

# ==== aggregates (§3.1) ===========================================================================
# add and subtract: one record; merge: two sessions, the earlier one first.
# An aggregate is never changed in place: windows share them.

class Count:
    def init(self): return 0
    def add(self, value, aggregate): return aggregate + 1
    def subtract(self, value, aggregate): return aggregate - 1
    def merge(self, a, b): return a + b

class Reduce:
    """No initial value: the first value becomes the aggregate. A null result is a tombstone."""
    REDUCERS = {
        "sum": lambda a, b: as_int(a) + as_int(b),
        "zeroNull": lambda a, b: as_int(a) + as_int(b) or None,
        "min": lambda a, b: a if as_int(a) <= as_int(b) else b,
        "max": lambda a, b: a if as_int(a) >= as_int(b) else b,
        "first": lambda a, b: a,
        "last": lambda a, b: b,
        "join": lambda a, b: text(a) + ":" + text(b),
    }

    def __init__(self, name):
        self.name = name

    def init(self): return None

    def add(self, value, aggregate):
        if aggregate is None:
            return value                                # the reducer is not called
        if value is None:
            return aggregate                            # windows pass null values on
        return self.REDUCERS[self.name](aggregate, value)

    def subtract(self, value, aggregate):
        difference = as_int(aggregate) - as_int(value)
        return None if difference == 0 and self.name == "zeroNull" else difference

    def merge(self, a, b): return self.add(b, a)

class Trace:
    """A string that records the calls."""

    def init(self): return "0"
    def add(self, value, aggregate): return aggregate + "+" + text(value)
    def subtract(self, value, aggregate): return aggregate + "-" + text(value)
    def merge(self, a, b): return a + "+" + b

class Members:
    """An object with a member a name. avg is kept as #n and #sum, and divided by finish() when it is shown."""
    INIT = {"count": {"count": 0}, "sum": {"sum": 0}, "avg": {"#n": 0, "#sum": 0}, "collect": {"collect": []},
            "min": {"min": None}, "max": {"max": None}, "first": {"first": None}, "last": {"last": None}}

    def __init__(self, names):
        self.names = names

    def init(self):
        aggregate = {}
        for name in self.names:
            aggregate.update(self.INIT[name])
        return aggregate

    def add(self, value, aggregate):
        a = dict(aggregate)
        for name in a:
            if name == "count":
                a[name] += 1                            # null values too
            elif name == "collect":
                a[name] = a[name] + [value]
            elif name == "first":
                if value is not None and a[name] is None:
                    a[name] = value
            elif name == "last":
                if value is not None:
                    a[name] = value
            elif is_int(value):                         # the rest: integers only
                if name == "#n":
                    a[name] += 1
                elif name in ("sum", "#sum"):
                    a[name] += value
                elif a[name] is None or (value < a[name] if name == "min" else value > a[name]):
                    a[name] = value
        return a

    def subtract(self, value, aggregate):
        """count, sum and avg only."""
        a = dict(aggregate)
        for name in a:
            if name == "count":
                a[name] -= 1
            elif is_int(value):
                a[name] -= 1 if name == "#n" else value
        return a

    def merge(self, a, b):
        merged = {}
        for name in a:
            x, y = a[name], b[name]
            if name in ("count", "sum", "#n", "#sum", "collect"):
                merged[name] = x + y
            elif name == "last":
                merged[name] = x if y is None else y
            elif x is None or y is None:
                merged[name] = y if x is None else x
            elif name == "first":
                merged[name] = x
            else:
                merged[name] = min(x, y) if name == "min" else max(x, y)
        return merged

def aggregator_of(op):
    if op["agg"] == "count":
        return Count()
    if op["agg"] == "reduce":
        return Reduce(op["fn"])
    if op["agg"] == "trace":
        return Trace()
    return Members(op["agg"])

def finish(value):
    """An aggregate as it is shown."""
    if not isinstance(value, dict) or "#n" not in value:
        return value
    shown = dict(value)
    n, total = shown.pop("#n"), shown.pop("#sum")
    shown["avg"] = None if n == 0 else total // n if total % n == 0 else total / n
    return shown

# ==== operators ===================================================================================

class Fatal(Exception):
    """What would kill the stream thread."""

class Operator:
    def __init__(self):
        self.out = []                                   # (topic, key, value, ts) of this step
        self.dropped = 0                                # dropped-records-total

    def emit(self, key, value, ts, topic="out"):
        self.out.append((topic, key, value, ts))

    def drop(self):
        self.dropped += 1

    def state(self):
        """The table that holds the result, if there is one without windows."""
        return None

# ==== tables (§5) =================================================================================

Row = namedtuple("Row", "key value ts")
Change = namedtuple("Change", "new old is_latest", defaults=(True,))

class PlainTable:
    """rows: key bytes -> Row. Scan: key bytes ascending."""

    def __init__(self):
        self.rows = {}

    def get(self, key):
        return self.rows.get(key_bytes(key))

    def get_as_of(self, key, ts):
        return self.get(key)                            # no history: the current value, whatever ts (§4.2)

    def put(self, key, value, ts):
        """Arrival order wins: an older ts overwrites too. A tombstone is forwarded even if the key was absent."""
        old = self.get(key)
        if value is None:
            self.rows.pop(key_bytes(key), None)
        else:
            self.rows[key_bytes(key)] = Row(key, value, ts)
        return Change(value, old.value if old else None)

    def scan(self):
        return [self.rows[k] for k in sorted(self.rows)]

class VersionedTable:
    """versions: key bytes -> list of Row, ts ascending, at most one a ts; a tombstone is a Row with value None."""

    def __init__(self, history_ms):
        self.history_ms = history_ms
        self.stream_time = -1                           # of the store: the largest ts put (§1.1)
        self.versions = {}

    def get(self, key):
        """The latest version, however old."""
        versions = self.versions.get(key_bytes(key), [])
        return versions[-1] if versions and versions[-1].value is not None else None

    def get_as_of(self, key, ts):
        """The newest version not newer than ts. Outside of the history only the latest version can be seen."""
        versions = self.versions.get(key_bytes(key), [])
        for i in range(len(versions) - 1, -1, -1):
            if versions[i].ts <= ts:
                if i < len(versions) - 1 and ts < self.stream_time - self.history_ms:
                    return None
                return versions[i] if versions[i].value is not None else None
        return None

    def put(self, key, value, ts):
        """None if ts is older than the history. old is the latest value, whatever ts."""
        if ts < self.stream_time - self.history_ms:
            return None
        self.stream_time = max(self.stream_time, ts)
        latest = self.get(key)
        old = latest.value if latest else None
        versions = self.versions.setdefault(key_bytes(key), [])
        if value is None and latest and ts == latest.ts:
            # [4.3] A tombstone on the latest version erases it, unless the version before it is a value.
            versions.pop()
            if versions and versions[-1].value is not None:
                versions.append(Row(key, None, ts))
            return Change(None, old, True)
        i = len(versions)
        while i > 0 and versions[i - 1].ts >= ts:
            i -= 1
        if i < len(versions) and versions[i].ts == ts:
            versions[i] = Row(key, value, ts)
        else:
            versions.insert(i, Row(key, value, ts))
        return Change(value, old, i == len(versions) - 1)

def table_of(op, field):
    return VersionedTable(op[field]) if field in op else PlainTable()

class TableOperator(Operator):
    """A table source (§5), then change(): what the operator does with a change of the table."""

    def __init__(self, op):
        super().__init__()
        if "versioned" in op and "suppress" in op:
            raise Fatal("TopologyException: Invalid topology: suppress() is only supported for non-versioned KTables")
        self.table = table_of(op, "versioned")

    def process(self, topic, key, value, ts):
        change = None if key is None else self.table.put(key, value, ts)
        if change is None:
            self.drop()                                 # null key, or older than the history
        else:
            self.change(key, change, ts)

class Table(TableOperator):
    def __init__(self, op):
        if op.get("source") == "stream":                # toTable(): never versioned
            op = {name: op[name] for name in op if name != "versioned"}
        super().__init__(op)
        self.has_state = "versioned" not in op

    def change(self, key, change, ts):
        self.emit(key, change.new, ts)

    def state(self):
        return self.table if self.has_state else None

class TableFilter(TableOperator):
    """§3.3. With old values a change from nothing to nothing is not forwarded; otherwise it is, as a tombstone."""

    def __init__(self, op):
        super().__init__(op)
        self.predicate, self.negate = op["pred"], op.get("not", False)
        self.old_values = (op.get("materialized") == "source" or "suppress" in op) and "versioned" not in op
        self.result = PlainTable() if op.get("materialized") == "result" else None

    def filtered(self, key, value):
        return value if value is not None and predicate(self.predicate, key, value) != self.negate else None

    def change(self, key, change, ts):
        old, new = self.filtered(key, change.old), self.filtered(key, change.new)
        if self.old_values and old is None and new is None:
            return
        if self.result:
            self.result.put(key, new, ts)
        self.emit(key, new, ts)

    def state(self):
        return self.result

class TableMapValues(TableOperator):
    """§3.3. A tombstone passes without a call."""

    def __init__(self, op):
        super().__init__(op)
        self.name = op["fn"]

    def change(self, key, change, ts):
        self.emit(key, None if change.new is None else function(self.name, key, change.new), ts)

# ==== windows (§2): keys and stores ===============================================================

WindowedKey = namedtuple("WindowedKey", "key start end stored")        # stored: bytes as in the store (§3.7)

def time_window(key, start, end):
    return WindowedKey(key, start, end, key_bytes(key) + int64_bytes(start))

def session_window(key, start, end):
    return WindowedKey(key, start, end, key_bytes(key) + int64_bytes(end) + int64_bytes(start))

class SegmentedStore:
    """Retention (§2.2). Rows are grouped into segments by time // segment_ms; a put into a segment that is no longer
    live is refused, and counted as dropped. A read sees less than that: rows since oldest_visible() only."""

    def __init__(self, retention_ms):
        self.retention_ms = retention_ms
        self.segment_ms = max(retention_ms // 2, 60000)
        self.stream_time = -1                           # the largest time put, refused or not
        self.rows = {}

    def is_live(self, time):
        return time // self.segment_ms >= (self.stream_time - self.retention_ms) // self.segment_ms

    def oldest_visible(self):
        return self.stream_time - self.retention_ms + 1

    def put_row(self, time, row_key, row):
        """False if refused. A null value deletes."""
        self.stream_time = max(self.stream_time, time)
        if not self.is_live(time):
            return False
        if row.value is None:
            self.rows.pop(row_key, None)
        else:
            self.rows[row_key] = row
        return True

    def scan(self):
        return [(row_key, self.rows[row_key]) for row_key in sorted(self.rows)]

class WindowStore(SegmentedStore):
    """rows: (window start, key bytes) -> Row. fetch: window start ascending; fetch_all: (window start, key bytes) ascending."""

    def __init__(self, retention_ms, time_ordered):
        super().__init__(retention_ms)
        self.time_ordered = time_ordered                # of emit close: sees one ms more

    def oldest_visible(self):
        return super().oldest_visible() - (1 if self.time_ordered else 0)

    def put(self, key, start, value, ts):
        return self.put_row(start, (start, key_bytes(key)), Row(key, value, ts))

    def get(self, key, start):
        return self.rows.get((start, key_bytes(key))) if start >= self.oldest_visible() else None

    def fetch(self, key, first, last):
        """[(start, row)] of key, first <= start <= last."""
        first, wanted = max(first, self.oldest_visible()), key_bytes(key)
        return [(start, row) for (start, kb), row in self.scan() if kb == wanted and first <= start <= last]

    def fetch_all(self, first, last):
        first = max(first, self.oldest_visible())
        return [(start, row) for (start, kb), row in self.scan() if first <= start <= last]

class SessionStore(SegmentedStore):
    """rows: (end, start, key bytes) -> Row. Every scan: (end, start, key bytes) ascending. Time is the end."""

    def put(self, key, start, end, value):
        return self.put_row(end, (end, start, key_bytes(key)), Row(key, value, end))

    def find(self, key, earliest_end, latest_start):
        """[(start, end, row)] of key, end >= earliest_end and start <= latest_start."""
        earliest_end, wanted = max(earliest_end, self.oldest_visible()), key_bytes(key)
        return [(start, end, row) for (end, start, kb), row in self.scan()
                if kb == wanted and end >= earliest_end and start <= latest_start]

    def fetch_all(self, first_end, last_end):
        """[4.3] Sees all live segments."""
        return [(start, end, row) for (end, start, kb), row in self.scan()
                if first_end <= end <= last_end and self.is_live(end)]

# ==== aggregation (§3.1) over windows (§2.2 late, §2.3 sliding, §2.4 session) =====================

class Aggregation(Operator):
    """What all share. Topic R of a cogroup is subtracted; each topic has its own stream time (§1.1)."""

    def __init__(self, op):
        super().__init__()
        self.aggregator = aggregator_of(op)
        self.subtracted = "R" if op["kind"] == "cogroup" else None
        self.stream_time = {}                           # topic -> largest ts
        self.emit_final = op.get("emit") == "close"
        self.last_close_time = None                     # of the last final emission

    def advance_stream_time(self, topic, ts):
        """Before the late check: a record moves the close time that judges it."""
        self.stream_time[topic] = max(self.stream_time.get(topic, -1), ts)
        return self.stream_time[topic]

    def apply(self, topic, value, aggregate):
        """aggregate None: there is none yet."""
        if aggregate is None:
            aggregate = self.aggregator.init()
        if topic == self.subtracted:
            return self.aggregator.subtract(value, aggregate)
        return self.aggregator.add(value, aggregate)

    def emit_update(self, windowed_key, aggregate, ts):
        if not self.emit_final:
            self.emit(windowed_key, aggregate, ts)

class PlainAggregation(Aggregation):
    """Without windows. Output ts: the largest of the key (§1.4)."""

    def __init__(self, op):
        super().__init__(op)
        self.table = PlainTable()

    def process(self, topic, key, value, ts):
        if key is None or value is None:
            return self.drop()
        row = self.table.get(key)
        aggregate = self.apply(topic, value, row.value if row else None)
        ts = max(ts, row.ts) if row else ts
        self.table.put(key, aggregate, ts)              # a null aggregate deletes the row
        self.emit(key, aggregate, ts)

    def state(self):
        return self.table

class TimeWindows(Aggregation):
    """Tumbling (advance = size) and hopping: [start, start + size), aligned to 0 (§2.1). Null values are aggregated."""

    def __init__(self, op):
        super().__init__(op)
        window = op["window"]
        self.size, self.grace_ms = window["size"], window["grace"]
        self.advance = window.get("advance", self.size)
        self.store = WindowStore(max(op.get("retention", 0), self.size + self.grace_ms), self.emit_final)

    def windows_for(self, ts):
        """Window starts, ascending; none below 0."""
        start, starts = max(0, ts - self.size + self.advance) // self.advance * self.advance, []
        while start <= ts:
            starts.append(start)
            start += self.advance
        return starts

    def process(self, topic, key, value, ts):
        if key is None:
            return self.drop()
        close_time = self.advance_stream_time(topic, ts) - self.grace_ms
        for start in self.windows_for(ts):
            end = start + self.size
            if end <= close_time:                       # end is exclusive: closed at stream_time == end + grace
                self.drop()                             # once a window
                continue
            row = self.store.get(key, start)
            aggregate = self.apply(topic, value, row.value if row else None)
            window_ts = max(ts, row.ts) if row else ts
            if not self.store.put(key, start, aggregate, window_ts):
                self.drop()
            self.emit_update(time_window(key, start, end), aggregate, window_ts)
        if self.emit_final:
            emit_closed_windows(self, close_time)

class SlidingWindows(Aggregation):
    """[start, start + size], both ends inclusive. A record ends its left window [ts - size, ts]; its right window
    [ts + 1, ts + 1 + size] comes to be with the first later record in it (§2.3). row.ts: the latest record of a window."""

    def __init__(self, op):
        super().__init__(op)
        window = op["window"]
        self.size, self.grace_ms = window["size"], window["grace"]
        self.store = WindowStore(max(op.get("retention", 0), 2 * self.size + self.grace_ms), self.emit_final)

    def process(self, topic, key, value, ts):
        if key is None or value is None:
            return self.drop()
        close_time = self.advance_stream_time(topic, ts) - self.grace_ms
        if ts + self.size < close_time:                 # still open at stream_time == end + grace
            return self.drop()
        if self.size == 0:
            raise Fatal("IllegalArgumentException: Window endMs must be greater than window startMs.")
        if ts < self.size:
            self.process_early(topic, key, value, ts, close_time)
            return                                      # quirk (i): no final emission
        self.process_normal(topic, key, value, ts, close_time)
        if self.emit_final:
            emit_closed_windows(self, close_time)

    def process_normal(self, topic, key, value, ts, close_time):
        """The steps of §2.3. rows is what was stored before this record."""
        rows = self.store.fetch(key, max(0, ts - 2 * self.size), ts + 1)
        seen = set()                                    # starts of the windows visited
        previous_ts = None                              # the latest record before this one
        left_base = None                                # 1d: the last window that ended before ts
        right_base = None                               # 1b: the first window updated, before its update
        left_exists = right_exists = False
        for start, row in reversed(rows):               # 1. start descending
            seen.add(start)
            end = start + self.size
            if start == ts + 1:                         # a.
                right_exists = True
            elif end > ts:                              # b.
                if right_base is None:
                    right_base = row
                self.update(topic, key, value, ts, start, row.value, row.ts, close_time)
            elif end == ts:                             # c.
                left_exists = True
                self.update(topic, key, value, ts, start, row.value, row.ts, close_time)
                if row.ts == ts:
                    return                              # this ts was seen before: all windows exist
                previous_ts = row.ts
            else:                                       # d.
                previous_ts, left_base = row.ts, row
                break
        if previous_ts is not None:                     # 2. right window of the previous record
            start = previous_ts + 1
            if start not in seen and start + self.size >= ts:
                self.update(topic, key, value, ts, start, None, ts, close_time)
        if not left_exists:                             # 3. may hit the window of 2 again: quirk (iii)
            base = left_base.value if left_base and previous_ts >= ts - self.size else None
            self.update(topic, key, value, ts, ts - self.size, base, ts, close_time)
        if not right_exists and right_base and right_base.ts > ts:             # 4.
            self.copy(key, ts + 1, right_base)

    def process_early(self, topic, key, value, ts, close_time):
        """ts < size: the left window would start below 0. All such records share the combined window [0, size]."""
        rows = self.store.fetch(key, 0, ts + 1)
        seen = set()
        combined = right_base = None
        right_exists = False
        for start, row in rows:                         # start ascending
            seen.add(start)
            if start == 0:
                combined = row                          # updated last
            elif start == ts + 1:
                right_exists = True
            else:
                right_base = row                        # the last window updated, before its update
                self.update(topic, key, value, ts, start, row.value, row.ts, close_time)
        if right_base is None:
            right_base = combined
        if not right_exists and right_base and right_base.ts > ts:
            self.copy(key, ts + 1, right_base)
        if combined and combined.ts < ts and combined.ts + 1 not in seen:      # right window of the previous record
            self.update(topic, key, value, ts, combined.ts + 1, None, ts, close_time)
        if combined:
            self.update(topic, key, value, ts, 0, combined.value, combined.ts, close_time)
        else:
            self.update(topic, key, value, ts, 0, None, ts, close_time)

    def update(self, topic, key, value, ts, start, base, base_ts, close_time):
        if start + self.size < close_time:
            return self.drop()                          # once a window
        self.put(key, start, self.apply(topic, value, base), max(ts, base_ts))

    def copy(self, key, start, row):
        """The right window of this record: later records only. Not checked against the close time."""
        self.put(key, start, row.value, row.ts)

    def put(self, key, start, aggregate, ts):
        if not self.store.put(key, start, aggregate, ts):
            self.drop()
        self.emit_update(time_window(key, start, start + self.size), aggregate, ts)

class SessionWindows(Aggregation):
    """[start, end], both inclusive; records exactly gap apart are one session (§2.4). Null values are aggregated."""

    def __init__(self, op):
        super().__init__(op)
        window = op["window"]
        self.gap, self.grace_ms = window["gap"], window["grace"]
        self.store = SessionStore(max(op.get("retention", 0), self.gap + self.grace_ms))

    def process(self, topic, key, value, ts):
        if key is None:
            return self.drop()
        close_time = self.advance_stream_time(topic, ts) - self.grace_ms - self.gap
        self.process_open(topic, key, value, ts, close_time)
        if self.emit_final:
            emit_closed_sessions(self, close_time)

    def process_open(self, topic, key, value, ts, close_time):
        found = self.store.find(key, ts - self.gap, ts + self.gap)
        aggregate, merged_start, merged_end = self.aggregator.init(), ts, ts
        for start, end, row in found:
            aggregate = self.aggregator.merge(aggregate, row.value)
            merged_start, merged_end = min(merged_start, start), max(merged_end, end)
        if merged_end < close_time:                     # an old record that touches an open session is not late
            return self.drop()
        if (merged_start, merged_end) != (ts, ts):      # the only case without tombstones: nothing, or exactly [ts, ts], found
            for start, end, row in found:
                self.store.put(key, start, end, None)
                self.emit_update(session_window(key, start, end), None, end)
        aggregate = self.apply(topic, value, aggregate)
        if not self.store.put(key, merged_start, merged_end, aggregate):
            self.drop()
        self.emit_update(session_window(key, merged_start, merged_end), aggregate, merged_end)

def aggregation_of(op):
    kind = op.get("window", {"type": "none"})["type"]
    return {"none": PlainAggregation, "tumbling": TimeWindows, "hopping": TimeWindows,
            "sliding": SlidingWindows, "session": SessionWindows}[kind](op)

# ==== emit on window close (§3.5) =================================================================
# Called after the record's own update, for late records too. first and last are the inclusive bounds of a scan of the store,
# which no longer shows windows past its retention: these are never emitted (the loss quirk).

def emit_closed_windows(operator, close_time):
    """Time and sliding windows: bounds of the start."""
    last_close_time = operator.last_close_time
    if last_close_time is not None and close_time <= last_close_time:
        return
    sliding = isinstance(operator, SlidingWindows)
    last = close_time - operator.size - (1 if sliding else 0)              # time: end <= close_time; sliding: end < close_time
    first = 0 if last_close_time is None else max(0, last_close_time - operator.size) + (0 if sliding else 1)
    if last < 0:
        return
    if not sliding and last_close_time is not None and operator.windows_for(last) == operator.windows_for(first - 1):
        return                                          # and last_close_time stays
    for start, row in operator.store.fetch_all(first, last):
        operator.emit(time_window(row.key, start, start + operator.size), row.value, row.ts)
    operator.last_close_time = close_time

def emit_closed_sessions(operator, close_time):
    """Bounds of the end."""
    if operator.last_close_time is not None and close_time <= operator.last_close_time:
        return
    last = close_time - 1
    first = 0 if operator.last_close_time is None else max(0, operator.last_close_time)
    if last < 0:
        return
    for start, end, row in operator.store.fetch_all(first, last):
        operator.emit(session_window(row.key, start, end), row.value, end)
    operator.last_close_time = close_time

# ==== suppress (§3.4) =============================================================================

class Suppress:
    """buffer: (buffer time, key bytes) -> (key, value, ts); evicted from the smallest. times: key bytes -> its buffer time."""

    def __init__(self, op):
        suppress, window = op["suppress"], op.get("window", {})
        self.until_close = suppress["until"] == "close"
        self.wait_ms = window["grace"] + window.get("gap", 0) if self.until_close else suppress["ms"]
        self.max_records = suppress.get("maxRecords")
        self.stream_time = -1                           # the largest ts of the updates
        self.buffer, self.times = {}, {}

    def process(self, updates):
        passed = []
        for topic, key, value, ts in updates:
            self.stream_time = max(self.stream_time, ts)
            kb = key.stored if isinstance(key, WindowedKey) else key_bytes(key)
            if kb not in self.times:
                self.times[kb] = key.end if self.until_close else ts
            self.buffer[(self.times[kb], kb)] = (topic, key, value, ts)        # a later update keeps the buffer time
            while self.buffer and min(self.buffer)[0] <= self.stream_time - self.wait_ms:
                self.evict(passed)
            while self.max_records is not None and len(self.buffer) > self.max_records:
                self.evict(passed)
        return passed

    def evict(self, passed):
        oldest = min(self.buffer)
        topic, key, value, ts = self.buffer.pop(oldest)
        del self.times[oldest[1]]
        if value is not None or not self.until_close:   # final results: no tombstones
            passed.append((topic, key, value, ts))

# ==== stream-stream join (§4.1) ===================================================================

class JoinStore(SegmentedStore):
    """rows: (key bytes, ts, arrival) -> Row. fetch: ts, then arrival, ascending. Equal ts are all kept."""

    def put(self, key, value, ts):
        return self.put_row(ts, (key_bytes(key), ts, len(self.rows)), Row(key, value, ts))

    def fetch(self, key, first, last):
        first, wanted = max(first, self.oldest_visible()), key_bytes(key)
        return [row for (kb, ts, arrival), row in self.scan() if kb == wanted and first <= ts <= last]

RIGHT, LEFT = 0, 1                                      # in this order in the outer store

class StreamStreamJoin(Operator):
    """Pairs with L.ts - before <= R.ts <= L.ts + after.
    outer_store: (ts, side, key bytes) -> (key, [value]), records without a match so far.
    Scan: ascending, so right before left at the same ts."""

    def __init__(self, op, join_type):
        super().__init__()
        self.before, self.after, self.grace_ms = op["before"], op["after"], op["grace"]
        self.self_join = op.get("self", False)
        self.is_outer = {LEFT: join_type in ("left", "outer"), RIGHT: join_type == "outer"}
        self.has_outer_store = join_type in ("left", "outer")
        retention_ms = self.before + self.after + self.grace_ms
        self.stores = {LEFT: JoinStore(retention_ms), RIGHT: JoinStore(retention_ms)}
        self.outer_store = {}
        self.outer_min_time = None                      # smallest ts thought to be in the outer store; None: it is empty
        self.stream_time = -1                           # shared by both sides

    def process(self, topic, key, value, ts):
        if self.self_join:
            self.process_side(LEFT, key, value, ts)     # probe and put, then the right role: the self pair comes last
            self.process_side(RIGHT, key, value, ts)
        else:
            self.process_side(LEFT if topic == "L" else RIGHT, key, value, ts)

    def process_side(self, side, key, value, ts):
        """The steps of §4.1."""
        other = RIGHT if side == LEFT else LEFT
        probe_after = self.after if side == LEFT else self.before
        probe_before = self.before if side == LEFT else self.after
        self.stream_time = max(self.stream_time, ts)    # 1. before the null check
        if value is None or key is None:                # 2.
            if value is not None and self.is_outer[side]:
                self.emit_single(side, key, value, ts)
            else:
                self.drop()
            return
        if ts == self.stream_time and self.has_outer_store:                    # 3.
            self.emit_expired(probe_after)
        first, last = max(0, ts - probe_before), max(0, ts + probe_after)
        matches = self.stores[other].fetch(key, first, last)
        for match in matches:                           # 4.
            self.outer_store.pop((match.ts, other, key_bytes(key)), None)      # all values of that ts
            joined = pair(value, match.value) if side == LEFT else pair(match.value, value)
            self.emit(key, joined, max(ts, match.ts))
        if not matches and self.is_outer[side]:         # 5.
            if last < self.stream_time:
                self.emit_single(side, key, value, ts)  # too late to wait
            else:
                _, values = self.outer_store.setdefault((ts, side, key_bytes(key)), (key, []))
                values.append(value)
                if self.outer_min_time is None or ts < self.outer_min_time:
                    self.outer_min_time = ts
        if not self.stores[side].put(key, value, ts):   # 6.
            self.drop()

    def emit_single(self, side, key, value, ts):
        self.emit(key, pair(value, None) if side == LEFT else pair(None, value), ts)

    def emit_expired(self, probe_after):
        """Step 3. The first test uses the window of the current side, the scan that of the entry's side."""
        if self.outer_min_time is None or self.outer_min_time + probe_after + self.grace_ms >= self.stream_time:
            return
        self.outer_min_time = None
        open_left = open_right = stop = False
        emitted = []
        for entry in sorted(self.outer_store):
            ts, side, _ = entry
            key, values = self.outer_store[entry]
            wait_ms = (self.after if side == LEFT else self.before) + self.grace_ms
            for value in values:
                self.outer_min_time = ts                # [4.3] set, and the scan stopped, at a value, not at an entry
                if open_left and open_right:
                    stop = True
                    break
                if ts + wait_ms >= self.stream_time:    # open: skip it
                    open_left = open_left or side == LEFT
                    open_right = open_right or side == RIGHT
                    continue
                self.emit_single(side, key, value, ts)
                if not emitted or emitted[-1] != entry:
                    emitted.append(entry)
            if stop:
                break
        for entry in emitted:
            del self.outer_store[entry]

class StreamStreamJoinAgain(Operator):
    """The result of a join, joined with the right stream again; each result passes the second join at once."""

    def __init__(self, op):
        super().__init__()
        self.first, self.second = StreamStreamJoin(op, op["type"]), StreamStreamJoin(op, op["again"])
        self.right_topic = "L" if op.get("self") else "R"

    def process(self, topic, key, value, ts):
        self.first.out, self.second.out = [], []
        self.first.process(topic, key, value, ts)
        for _, joined_key, joined, joined_ts in self.first.out:
            self.second.process_side(LEFT, joined_key, joined, joined_ts)
        if topic == self.right_topic:
            self.second.process_side(RIGHT, key, value, ts)
        self.out += self.second.out
        self.dropped = self.first.dropped + self.second.dropped

# ==== stream-table joins (§4.2, §4.3) =============================================================

class StreamTableJoin(Operator):
    """Only stream records trigger; output ts is theirs. A versioned table is asked for the value at that ts.
    buffer, with a grace period: list of (ts, key bytes, arrival, key, value), ascending by the first three."""

    def __init__(self, op):
        super().__init__()
        self.table = table_of(op, "versioned")
        self.left = op["type"] == "left"
        self.grace_ms = op.get("grace")
        self.buffer, self.buffer_time, self.arrivals = [], -1, 0

    def process(self, topic, key, value, ts):
        if topic == "R":
            if key is None or self.table.put(key, value, ts) is None:
                self.drop()
        elif value is None or (key is None and not self.left):
            self.drop()                                 # does not move buffer_time
        elif self.grace_ms is None:
            self.join(key, value, ts)
        elif key is None:
            raise Fatal("NullPointerException: key cannot be null")
        elif ts < self.buffer_time - self.grace_ms:
            self.join(key, value, ts)                   # late: at once
        else:
            self.buffer_time = max(self.buffer_time, ts)
            self.arrivals += 1
            self.buffer.append((ts, key_bytes(key), self.arrivals, key, value))
            self.buffer.sort(key=lambda entry: entry[:3])
            while self.buffer and self.buffer[0][0] <= self.buffer_time - self.grace_ms:
                buffered_ts, _, _, buffered_key, buffered_value = self.buffer.pop(0)
                self.join(buffered_key, buffered_value, buffered_ts)

    def join(self, key, value, ts):
        row = None if key is None else self.table.get_as_of(key, ts)
        if row:
            self.emit(key, pair(value, row.value), ts)
        elif self.left:
            self.emit(key, pair(value, None), ts)

class GlobalTableJoin(Operator):
    """§4.3. Null rules look at the mapped key only; a null stream key may join."""

    def __init__(self, op):
        super().__init__()
        self.table = PlainTable()
        self.left, self.by = op["type"] == "left", op["by"]

    def process(self, topic, key, value, ts):
        if topic == "R":
            if key is None:
                self.drop()
            else:
                self.table.put(key, value, ts)
            return
        mapped = None if value is None else function(self.by, key, value)
        if value is None or (mapped is None and not self.left):
            return self.drop()
        row = None if mapped is None else self.table.get(mapped)
        if row:
            self.emit(key, pair(value, row.value), ts)
        elif self.left:
            self.emit(key, pair(value, None), ts)

# ==== table-table join (§4.4) =====================================================================

def join_change(join_type, side, change, other, ts):
    """A change of one side against the row of the other: (Change of the result, its ts), or None for no output."""
    def joined(own, with_other):
        return pair(own, with_other) if side == LEFT else pair(with_other, own)

    def joined_or_null(own, with_other):
        return None if own is None else joined(own, with_other)

    if other is None:
        if join_type == "inner" or (join_type == "left" and side == RIGHT):
            return None
        if change.new is None and change.old is None:
            return None
        return Change(joined_or_null(change.new, None), joined_or_null(change.old, None)), ts
    ts = max(ts, other.ts)
    if join_type == "outer" or (join_type == "left" and side == RIGHT):
        return Change(joined(change.new, other.value), joined(change.old, other.value)), ts
    return Change(joined_or_null(change.new, other.value), joined_or_null(change.old, other.value)), ts

def join_rows(join_type, key, left, right):
    """The result row of two rows as they are now: read by a second join."""
    if (left is None and join_type != "outer") or (right is None and join_type == "inner") or (left is None and right is None):
        return None
    return Row(key, pair(left and left.value, right and right.value), max(row.ts for row in (left, right) if row))

class TableTableJoin(Operator):
    """Equal results are emitted again. again: the result joined with R a second time, through join_rows."""

    def __init__(self, op):
        super().__init__()
        self.tables = {LEFT: table_of(op, "versionedLeft"), RIGHT: table_of(op, "versionedRight")}
        self.type, self.again = op["type"], op.get("again")

    def process(self, topic, key, value, ts):
        side, other = (LEFT, RIGHT) if topic == "L" else (RIGHT, LEFT)
        change = None if key is None else self.tables[side].put(key, value, ts)
        if change is None:
            return self.drop()
        if not change.is_latest:                        # versioned: each join drops what is out of order
            self.drop()
            if self.again and side == RIGHT:
                self.drop()
            return
        first = join_change(self.type, side, change, self.tables[other].get(key), ts)
        if not self.again:
            self.emit_change(key, first)
            return
        left, right = self.tables[LEFT].get(key), self.tables[RIGHT].get(key)
        if first:
            self.emit_change(key, join_change(self.again, LEFT, first[0], right, first[1]))
        if side == RIGHT:
            self.emit_change(key, join_change(self.again, RIGHT, change, join_rows(self.type, key, left, right), ts))

    def emit_change(self, key, result):
        if result:
            change, ts = result
            self.emit(key, change.new, ts)

# ==== foreign-key join (§4.5) =====================================================================

class ForeignKeyJoin(Operator):
    """subscribers: (foreign key bytes, primary key bytes) -> primary key. Scan of a foreign key: primary key bytes ascending."""

    def __init__(self, op):
        super().__init__()
        self.left_table, self.right_table = table_of(op, "versionedLeft"), table_of(op, "versionedRight")
        self.left, self.fk = op["type"] == "left", op["fk"]
        self.subscribers = {}

    def process(self, topic, key, value, ts):
        table = self.left_table if topic == "L" else self.right_table
        change = None if key is None else table.put(key, value, ts)
        if change is None or not change.is_latest:
            self.drop()
        elif topic == "R":
            self.right_changed(key, value, ts)
        else:
            self.left_changed(key, change, ts)

    def right_changed(self, foreign_key, value, ts):
        """Output ts is that of the right record only."""
        for fk_bytes, pk_bytes in sorted(self.subscribers):
            if fk_bytes == key_bytes(foreign_key):
                key = self.subscribers[(fk_bytes, pk_bytes)]
                row = self.left_table.get(key)
                if row:
                    self.emit(key, pair(row.value, value) if value is not None or self.left else None, ts)

    def left_changed(self, key, change, ts):
        """The table of §4.5. old, new: foreign keys."""
        old = None if change.old is None else function(self.fk, None, change.old)
        new = None if change.new is None else function(self.fk, None, change.new)
        moved = old is not None and (new is None or key_bytes(old) != key_bytes(new))
        if moved:
            self.subscribers.pop((key_bytes(old), key_bytes(key)), None)
        if new is not None:
            self.subscribers[(key_bytes(new), key_bytes(key))] = key
        right = None if new is None else self.right_table.get(new)
        reply_ts = max(ts, right.ts) if right else ts
        if self.left:
            if change.new is not None:
                self.emit(key, pair(change.new, right and right.value), reply_ts)
            elif change.old is not None:
                self.emit(key, None, ts)                # deleted
        elif right:
            self.emit(key, pair(change.new, right.value), reply_ts)
        elif new is not None:
            if moved:
                self.emit(key, None, ts)                # no right row for the new foreign key
        else:
            if change.new is not None:
                self.drop()                             # a value without foreign key
            if moved:                                   # the answer of the old foreign key carries the old row's ts
                right = self.right_table.get(old)
                self.emit(key, None, max(ts, right.ts) if right else ts)

# ==== table aggregation: groupBy of a table (§3.2) ================================================

class TableAggregate(TableOperator):
    """An old row is subtracted from its group before the new row is added to its own."""

    def __init__(self, op):
        super().__init__(op)
        self.by, self.aggregator = op["by"], aggregator_of(op)
        self.result = PlainTable()

    def change(self, key, change, ts):
        if not change.is_latest:
            return                                      # versioned, out of order: silently
        old_group = None if change.old is None else function(self.by, key, change.old)
        new_group = None if change.new is None else function(self.by, key, change.new)
        if old_group is not None and new_group is not None and key_bytes(old_group) == key_bytes(new_group):
            self.update(new_group, change.old, change.new, ts)                 # one message: one output
            return
        if old_group is not None:
            self.update(old_group, change.old, None, ts)
        if new_group is not None:
            self.update(new_group, None, change.new, ts)

    def update(self, group, old, new, ts):
        """Output ts (§1.4): that of the row too, as soon as the row went into the result."""
        row = self.result.get(group)
        aggregate = row.value if row else None
        result_ts = ts
        if old is not None and row:
            aggregate = self.aggregator.subtract(old, aggregate)
            result_ts = max(ts, row.ts)
        if new is not None:
            starts = aggregate is None
            aggregate = self.aggregator.add(new, self.aggregator.init() if starts else aggregate)
            if row and not (starts and isinstance(self.aggregator, Reduce)):
                result_ts = max(ts, row.ts)
        self.result.put(group, aggregate, result_ts)    # null deletes; a count of 0 does not
        self.emit(group, aggregate, result_ts)

    def state(self):
        return self.result

# ==== stateless (§6): nothing is ever counted as dropped ==========================================

class Stateless(Operator):
    def __init__(self, op):
        super().__init__()
        self.op = op

    def process(self, topic, key, value, ts):
        op, kind = self.op, self.op["kind"]
        if kind in ("filter", "filterNot"):
            if predicate(op["pred"], key, value) == (kind == "filter"):
                self.emit(key, value, ts)
        elif kind == "mapValues":
            self.emit(key, function(op["fn"], key, value), ts)
        elif kind == "flatMapValues":
            for element in value if isinstance(value, list) else [] if value is None else [value]:
                self.emit(key, element, ts)
        elif kind == "branch":
            self.branch(key, value, ts)
        else:                                           # selectKey, repartition, merge
            key = function(op["fn"], key, value) if kind == "selectKey" else key
            if key is not None or not (kind == "repartition" or op.get("repartition")):
                self.emit(key, value, ts)               # at a repartition null keys are filtered silently

    def branch(self, key, value, ts):
        """The first predicate that holds."""
        for i, name in enumerate(self.op["preds"]):
            if predicate(name, key, value):
                self.emit(key, value, ts, "out%d" % i)
                return
        if self.op.get("default"):
            self.emit(key, value, ts, "default")

# ==== main ========================================================================================

KINDS = {
    "aggregate": aggregation_of, "cogroup": aggregation_of,
    "table": Table, "tableFilter": TableFilter, "tableMapValues": TableMapValues, "tableAggregate": TableAggregate,
    "streamStreamJoin": lambda op: StreamStreamJoinAgain(op) if "again" in op else StreamStreamJoin(op, op["type"]),
    "streamTableJoin": StreamTableJoin, "globalTableJoin": GlobalTableJoin,
    "tableTableJoin": TableTableJoin, "foreignKeyJoin": ForeignKeyJoin,
    "filter": Stateless, "filterNot": Stateless, "mapValues": Stateless, "flatMapValues": Stateless,
    "selectKey": Stateless, "repartition": Stateless, "merge": Stateless, "branch": Stateless,
}

def shown_key(key):
    if isinstance(key, WindowedKey):
        return {"key": key.key, "start": key.start, "end": key.end}
    return key

def run(case):
    """The result object of a case."""
    op, out = case["op"], []
    result = {"id": case["id"], "out": out}
    try:
        operator = KINDS[op["kind"]](op)
        suppress = Suppress(op) if "suppress" in op else None
        for step, (topic, key, value, ts) in enumerate(case["in"]):
            operator.out = []
            operator.process(topic, key, value, ts)
            updates = suppress.process(operator.out) if suppress else operator.out
            for out_topic, out_key, out_value, out_ts in updates:
                out.append([step, out_topic, shown_key(out_key), finish(out_value), out_ts])
    except Fatal as error:
        result["error"] = str(error)                    # nothing of this step is shown
        return result
    result["dropped"] = operator.dropped
    if operator.state() is not None:
        result["state"] = [[row.key, finish(row.value), row.ts] for row in operator.state().scan()]
    return result

def difference(case, result):
    """Text of the first difference between the results of a case, or None. Members that the case lacks are not compared."""
    for step, record in enumerate(case["in"]):
        expected = [o[1:] for o in case["out"] if o[0] == step]
        got = [o[1:] for o in result["out"] if o[0] == step]
        if not same(expected, got):
            return "step %d %s\n  expected %s\n  model    %s" % (step, json_line(record), json_line(expected), json_line(got))
    for member in ("error", "dropped", "state"):
        if (member in case or member == "error") and not same(case.get(member), result.get(member)):
            return "%s\n  expected %s\n  model    %s" % (member, json_line(case.get(member)), json_line(result.get(member)))
    return None

def main(arguments):
    if not arguments or len(arguments) > 2 or arguments[0] in ("-h", "--help"):
        sys.stderr.write("usage: model.py CASES.jsonl [K] | model.py --run [CASES.jsonl]\n")
        return 64
    if arguments[0] == "--run":
        sys.stdout.reconfigure(encoding="utf-8")
        lines = open(arguments[1], encoding="utf-8") if len(arguments) > 1 else sys.stdin
        for line in lines:
            if line.strip():
                print("{%s}" % ",".join("%s:%s" % (json_line(m), json_line(v)) for m, v in run(json.loads(line)).items()))
        return 0
    limit = int(arguments[1]) if len(arguments) > 1 else 3
    agree, differ = 0, []
    for line in open(arguments[0], encoding="utf-8"):
        if line.strip():
            case = json.loads(line)
            text_of_difference = difference(case, run(case))
            if text_of_difference is None:
                agree += 1
            else:
                differ.append("%s %s %s" % (case["id"], json_line(case["op"]), text_of_difference))
    print("agree %d differ %d" % (agree, len(differ)))
    for line in differ[:limit]:
        print(line)
    return 1 if differ else 0

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
