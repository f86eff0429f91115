# SPDX-License-Identifier: MIT
"""The pipelines that drill.py kills, what each is fed with, and what its output and its state must then be, computed from the input alone.

Each sends every key its numbers 1, 2, 3 ..., and passes something on for each of them.  So whatever has happened, the output of a key is
known, once each and in order; and a result that was made from the state of another epoch shows at once."""
import json
import subprocess
from collections import Counter, defaultdict

PARTITIONS = 3
# lib/drill.h: the steps of every stage, and of one.
EVERY = "hello-come hello-taken hello-passed barrier-come barrier-kept barrier-passed end-come".split()
SOURCE = ("source-locked transactions-begun source-fenced source-read claim-begun offsets-sent committed claimed hello-made barrier-made "
          "barrier-left learned end-made").split()
FILE = "source-locked hello-made barrier-made end-made".split()
STATE = "rolling-back rolled-back epoch-begun chunks-written meta-written epoch-synced merge-begun slice-merged".split()
SINK = ("sink-hello transactions-begun sink-fenced sink-validated record-sent transaction-begun acknowledged sink-barrier offsets-sent "
        "committed").split()
FILE_SINK = "sink-hello ledger-prepared transaction-begun acknowledged sink-barrier offsets-sent committed ledger-written".split()


class Failed(Exception):
    pass


def read_out(broker, topic):
    """What is committed in the output, as another client sees it: of each key the values in their order."""
    got = subprocess.run(["kcat", "-C", "-q", "-e", "-b", broker, "-t", topic, "-X", "isolation.level=read_committed", "-f", "%k %s\n"],
                         check=True, capture_output=True, text=True).stdout
    out = defaultdict(list)
    for line in got.splitlines():
        key, value = line.split(" ", 1)
        out[key].append(json.loads(value))
    return out


def wrong_counts(sent, counts):
    """Of each key all from 1 up to the number of its records, in order."""
    wrong = []
    for key in sorted(set(sent) | set(counts)):
        want, have = list(range(1, sent[key] + 1)), counts[key]
        if have == want:
            continue
        seen = Counter(have)
        twice, lost = [n for n, k in seen.items() if k > 1], [n for n in want if n not in seen]
        wrong.append(f"{key}: {len(want)} records, {len(have)} counts, {len(twice)} twice {twice[:5]}, {len(lost)} lost {lost[:5]}"
                     + ("" if twice or lost else ", out of order"))
    return wrong


class Counts:
    """Between two topics: kstream-window counts the records of each key, and passes on every count."""
    name, stages, topics = "counts", ("source", "window", "sink"), ("in",)
    steps = {"source": SOURCE, "window": STATE, "sink": SINK}

    def __init__(self, args):
        self.args, self.sent = args, {topic: Counter() for topic in self.topics}

    def tool(self, name, *words):
        return [f"{self.args.bin}/{name}", "--app", self.args.name, *words]

    def source(self, extra):
        topics = [word for topic in self.topics for word in ("-t", f"{self.args.name}-{topic}")]
        return self.tool("kstream-cat", "-b", self.args.broker, *topics, "--commit-interval", self.args.interval, *extra)

    def sink(self):
        return self.tool("kstream-cat", "-b", self.args.broker, "-P", "-t", f"{self.args.name}-out")

    def window(self, *words):
        return self.tool("kstream-window", "--running", "--memory", "1M", *words, "count()")

    def lines(self, extra):
        return [self.source(extra), self.window(), self.sink()]

    def points(self):
        return [(stage, point) for stage in self.stages for point in EVERY] + [(s, p) for s, points in self.steps.items() for p in points]

    def produce(self, rng, count):
        """Records by kcat, to partitions by their keys' own hash."""
        lines = defaultdict(list)
        for _ in range(count):
            topic, key = rng.choice(self.topics), f"k{rng.randrange(self.args.keys)}"
            self.sent[topic][key] += 1
            lines[topic].append(self.line(key, self.sent[topic][key]))
        for topic in sorted(lines):
            self.feed(topic, "".join(lines[topic]))

    @staticmethod
    def line(key, n):
        return f'{key}|{{"n":{n}}}\n'

    def feed(self, topic, text):
        subprocess.run(["kcat", "-P", "-b", self.args.broker, "-t", f"{self.args.name}-{topic}", "-K", "|", "-X", "partitioner=murmur2_random"],
                       input=text.encode(), check=True)

    def rows(self, stage):
        """What a stage has kept, as it says itself.  Behind the last run all of that is committed."""
        said = subprocess.run([f"{self.args.query}/kstream-query", "--offline", "--state-dir", self.state_dir(), f"{self.args.name}/{stage}"],
                              check=True, capture_output=True, text=True).stdout
        return [json.loads(line) for line in said.splitlines()]

    def state_dir(self, run=""):
        return f"{self.args.dir}/state{run}"

    def wrong_state(self, stage, kept, want):
        return [f"the {stage} has kept {len(kept)} rows, not {len(want)}: {[k for k in {**kept, **want} if kept.get(k) != want.get(k)][:5]}"] if kept != want else []

    def wrong(self):
        """Lines that say what is wrong in output and state; none: nothing is."""
        wrong = wrong_counts(self.sent["in"], read_out(self.args.broker, f"{self.args.name}-out"))
        return wrong + self.wrong_state("window", {row["key"]: row["value"] for row in self.rows("window")}, dict(self.sent["in"]))

    @staticmethod
    def found():
        return "0 lost, 0 twice, 0 wrong"

    def records(self):
        return sum(sum(sent.values()) for sent in self.sent.values())


class Joined(Counts):
    """Four stages between topics: the count of each key, a table, joined with a second topic, another one.

    Each record on either side makes one result, so results of a key begin at [1, null] or [null, 1], and each of them is one more on one
    side than that before."""
    name, stages, topics = "join", ("source", "window", "join", "sink"), ("in", "rows")
    steps = {"source": SOURCE, "window": STATE, "join": STATE, "sink": SINK}

    def lines(self, extra):
        a, b = (f"{self.args.name}-{topic}" for topic in self.topics)
        return [self.source(extra), self.window("--only", a, "--as", "counts"),
                self.tool("kstream-join", "--memory", "1M", "--table", "counts", "--table", b, "--outer", "--value", "[.left, .right.n]"), self.sink()]

    def wrong(self):
        wrong, (left, right) = [], (self.sent[topic] for topic in self.topics)
        out = read_out(self.args.broker, f"{self.args.name}-out")
        for key in sorted(set(left) | set(right) | set(out)):
            at = [0, 0]
            for n, pair in enumerate(out[key]):
                pair = [x or 0 for x in pair]
                if sorted([pair[0] - at[0], pair[1] - at[1]]) != [0, 1]:
                    wrong.append(f"{key}: result {n + 1} is {pair} behind {at}")
                    break
                at = pair
            else:
                if at != [left[key], right[key]]:
                    wrong.append(f"{key}: the last result is {at}, not {[left[key], right[key]]}")
        wrong += self.wrong_state("window", {row["key"]: row["value"] for row in self.rows("window")}, dict(left))
        kept = {"counts": {}, f"{self.args.name}-rows": {}}
        for row in self.rows("join"):
            kept[row["stream"]][row["key"]] = row["value"]
        wrong += self.wrong_state("join, left,", kept["counts"], dict(left))
        return wrong + self.wrong_state("join, right,", kept[f"{self.args.name}-rows"], {key: {"n": n} for key, n in right.items()})


class Hosts(Counts):
    """Each run has a directory of its own, as if on another machine: no lock keeps it from running beside one that was stopped and goes on
    later (a zombie), which Kafka alone must keep out.  Records are numbered by key, and the pipeline has no state (kstream-map)."""
    name, stages = "hosts", ("source", "map", "sink")
    steps = {"source": SOURCE, "sink": SINK}

    def lines(self, extra):
        return [self.source(extra), self.tool("kstream-map", "value=.n"), self.sink()]

    def wrong(self):
        return wrong_counts(self.sent["in"], read_out(self.args.broker, f"{self.args.name}-out"))


class Files(Counts):
    """The records are the lines of a file that grows, and its positions stand in the ledger."""
    name = "files"
    steps = {"source": FILE, "window": ["rolling-back", "rolled-back", "epoch-synced"], "sink": FILE_SINK}

    def source(self, extra):
        return self.tool("kstream-cat", "--from", "json", "--key", ".key", "--commit-interval", self.args.interval, f"{self.args.dir}/in.jsonl")

    @staticmethod
    def line(key, n):
        return f'{{"key":"{key}","n":{n}}}\n'

    def feed(self, topic, text):
        with open(f"{self.args.dir}/in.jsonl", "a", encoding="ascii") as f:
            f.write(text)


class AtLeast(Counts):
    """The same with --guarantee at-least-once: nothing is lost and the state is right, and some counts may come again."""
    name, again = "at-least", 0
    steps = {"source": [*FILE, "barrier-left"], "window": STATE, "sink": ["sink-hello", "record-sent", "acknowledged", "ledger-written"]}

    def source(self, extra):
        return super().source(["--guarantee", "at-least-once", *extra])

    def read_out(self):
        return read_out(self.args.broker, f"{self.args.name}-out")

    def found(self):
        return f"0 lost, 0 wrong, {self.again:,} came again"

    def wrong(self):
        out = self.read_out()
        self.again = sum(len(values) - len(set(values)) for values in out.values())
        out = {key: sorted(set(values)) for key, values in out.items()}
        wrong = wrong_counts(self.sent["in"], defaultdict(list, out))
        return wrong + self.wrong_state("window", {row["key"]: row["value"] for row in self.rows("window")}, dict(self.sent["in"]))


class Appended(AtLeast):
    """Into a file that each run appends to."""
    name = "appended"
    steps = {"source": [*FILE, "barrier-left"], "window": STATE, "sink": ["ledger-written"]}

    def sink(self):
        return ["sh", "-c", f'exec "$@" >>{self.args.dir}/out', "sh", *self.tool("kstream-cat", "--to", "envelope")]

    def read_out(self):
        """A run that was killed may have left the beginning of a line, which the next one writes behind."""
        out = defaultdict(list)
        with open(f"{self.args.dir}/out", encoding="utf-8") as f:
            for line in f:
                row = json.loads(line[line.rindex('{"'):] if line.count('{"') > 1 else line)
                out[row["key"]].append(row["payload"])
        return out


class Cut(Appended):
    """Into the file of --out, which is cut back to its last commit: nothing stands in it twice."""
    name = "cut"

    def sink(self):
        return self.tool("kstream-cat", "--to", "envelope", "--out", f"{self.args.dir}/out")

    def wrong(self):
        return wrong_counts(self.sent["in"], self.read_out()) + super().wrong()


SHAPES = {shape.name: shape for shape in (Counts, Joined, Hosts, Files, AtLeast, Appended, Cut)}


def make_topics(args, shape, partitions=PARTITIONS):
    for topic in (*shape.topics, "out"):
        subprocess.run([f"{args.bin}/kstream-cat", "-b", args.broker, "-P", "-t", f"{args.name}-{topic}", "--create-topics", str(partitions),
                        "--from", "json"], stdin=subprocess.DEVNULL, check=True)
