"""Where the tools differ from Kafka Streams on purpose: rules, each of which stands under DIFFERENCES in a page, and no single cases.

RULES lists (name, applies(op), change(op)): what a case gives by the rule is computed by the oracle's model with that one thing
changed, after the unchanged model was seen to give what Kafka Streams gave, so that the change is all that differs.
"""
import contextlib
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../oracle"))
import model


def inclusive(op):
    return op["window"]["type"] in ("sliding", "session")


@contextlib.contextmanager
def nothing_lost(op):
    """When windows close, the stores of Kafka Streams no longer show those that are past their retention."""
    windows, sessions = model.WindowStore.fetch_all, model.SessionStore.fetch_all
    model.WindowStore.fetch_all = lambda store, first, last: [(start, row) for (start, _), row in store.scan() if first <= start <= last]
    model.SessionStore.fetch_all = lambda store, first, last: [(start, end, row) for (end, start, _), row in store.scan() if first <= end <= last]
    try:
        yield
    finally:
        model.WindowStore.fetch_all, model.SessionStore.fetch_all = windows, sessions


@contextlib.contextmanager
def kept_no_longer(op):
    """A longer retention makes Kafka Streams find windows that are closed: sessions that were emitted grow again."""
    retention = op.pop("retention")
    try:
        yield
    finally:
        op["retention"] = retention


@contextlib.contextmanager
def closed_once(op):
    """suppress gives sliding windows and sessions out while a record of that very time can still change them, and sessions of one end
    by key; emit close, theirs and ours, gives them out by start before that."""
    begin, session, visible = model.Suppress.__init__, model.session_window, model.WindowStore.oldest_visible

    def wait(self, op):
        begin(self, op)
        self.wait_ms += 1
    model.Suppress.__init__ = wait
    model.WindowStore.oldest_visible = lambda store: model.SegmentedStore.oldest_visible(store) - 1    # as of emit close
    model.session_window = lambda key, start, end: model.WindowedKey(
        key, start, end, model.int64_bytes(end) + model.int64_bytes(start) + model.key_bytes(key))
    try:
        yield
    finally:
        model.Suppress.__init__, model.session_window, model.WindowStore.oldest_visible = begin, session, visible


class EachItsTable(model.Operator):
    """Two joins of tables, one behind the other, each with a table of its own."""

    def __init__(self, op):
        super().__init__()
        self.first, self.second = (model.TableTableJoin({"type": op[name]}) for name in ("type", "again"))

    def process(self, topic, key, value, ts):
        self.first.out, self.second.out = [], []
        self.first.process(topic, key, value, ts)
        for _, joined_key, joined, joined_ts in self.first.out:
            self.second.process("L", joined_key, joined, joined_ts)
        if topic == "R":
            self.second.process("R", key, value, ts)
        self.out += self.second.out
        self.dropped = self.first.dropped + self.second.dropped


@contextlib.contextmanager
def no_table_shared(op):
    """Kafka Streams' second join sees a row of R change before the first one has said what that makes of its result: a change of R gives
    a result that was there already, twice, and a tombstone is missed (KAFKA-6443)."""
    kind = model.KINDS["tableTableJoin"]
    model.KINDS["tableTableJoin"] = EachItsTable
    try:
        yield
    finally:
        model.KINDS["tableTableJoin"] = kind


RULES = [
    ("windows are kept until they close, no longer", lambda op: "retention" in op, kept_no_longer),
    ("no window is lost", lambda op: op["kind"] == "aggregate" and op.get("emit") == "close", nothing_lost),
    ("each window once", lambda op: op["kind"] == "aggregate" and op.get("suppress", {}).get("until") == "close" and inclusive(op), closed_once),
    ("each join has its tables to itself", lambda op: op["kind"] == "tableTableJoin" and "again" in op, no_table_shared),
]


def expected(case):
    """(results [[topic, key, value, ts]] in order, dropped, names of the rules that changed them).

    A case that has "ours" stands for its rules: what they make of it is written there, and is not what Kafka Streams gave.
    """
    out, dropped, names = by_rule(case)
    if "ours" in case and (names != case["rules"] or not model.same(out, case["ours"])):
        raise SystemExit("%s: the rules %s give %s, which is not ours" % (case["id"], names, out))
    return out, dropped, names


def by_rule(case):
    names, op = [], case["op"]
    out, dropped = [row[1:] for row in case["out"]], case.get("dropped")
    with contextlib.ExitStack() as stack:
        for name, applies, change in RULES:
            if applies(op):
                stack.enter_context(change(op))
                names.append(name)
        changed = model.run(case) if names else None
    if changed is not None:
        changed_out = [row[1:] for row in changed["out"]]
        if model.same(changed_out, out) and changed["dropped"] == dropped:
            names = []
        else:
            if model.difference(case, model.run(case)) is not None:
                raise SystemExit("%s: the model differs from Kafka Streams itself" % case["id"])
            out, dropped = changed_out, changed["dropped"]
    return out, dropped, names
