#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Kill a pipeline between two topics, again and again, and see that nothing is lost, nothing comes twice, and its state is right.

    drill.py --broker HOST:PORT [--bin DIR] [--hosts | --files] [--kafka DIR] [--rounds N | --seconds S | --points N] [--seed N]
        [--dir DIR]

The pipeline counts the records of each key (kstream-window --running) and passes on every count.  So behind whatever has happened, the
output of a key must be 1, 2, 3 ... up to the number of its records, once each, in this order; and a count that was made anew from a state of
the wrong epoch shows at once.  Each round adds records, starts the pipeline and does one of the things of ACTIONS to it.  At the end the
pipeline runs to the end of its input.  What fails prints the seed, with which the same choices are made again.

With --hosts each run has a directory of its own, as if on another machine: no lock keeps it from running beside one that was stopped and goes
on later (a zombie), which Kafka alone must keep out.  Records are numbered by key, and the pipeline has no state (kstream-map).

With --files the records are the lines of a file that grows, and its positions stand in the ledger.

With --kafka DIR a broker that scripts/kafka runs there is killed, too, one in eight rounds, and started again: DIR is its own, or that of a
cluster, of which then one is away.

With --points N each stage is ended at each step of the protocol, N times, before and behind each thing that lasts (POINTS).  It takes tools of
`make MODE=drill`.
"""
import argparse
import glob
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict

STAGES = ("source", "middle", "sink")
ACTIONS = ("kill all", "kill source", "kill middle", "kill sink", "stop all", "stop sink, kill source", "stop middle, kill others", "terminate")
# lib/drill.h: the steps of every stage, and of one.
POINTS = [(stage, point) for stage in STAGES
          for point in "hello-come hello-taken hello-passed barrier-come barrier-kept barrier-passed end-come".split()]
FILE_POINTS = POINTS + [("sink", point) for point in
                        "ledger-prepared transaction-begun acknowledged sink-barrier offsets-sent committed ledger-written".split()]
FILE_POINTS += [("middle", point) for point in "rolling-back rolled-back epoch-synced".split()]
FILE_POINTS += [("source", point) for point in "source-locked hello-made barrier-made end-made".split()]
POINTS += [("source", point) for point in
           "source-locked transactions-begun source-fenced source-read claim-begun offsets-sent committed claimed hello-made barrier-made "
           "barrier-left learned end-made".split()]
POINTS += [("middle", point) for point in
           "rolling-back rolled-back epoch-begun chunks-written meta-written epoch-synced merge-begun slice-merged".split()]
POINTS += [("sink", point) for point in
           "sink-hello transactions-begun sink-fenced sink-validated record-sent transaction-begun acknowledged sink-barrier offsets-sent "
           "committed".split()]
PARTITIONS = 3
PATIENCE = 60  # s, for what should take one


class Failed(Exception):
    pass


class Pipeline:
    runs = 0

    def __init__(self, args, extra=(), point=None):
        """point: (stage, where it ends, the how-manieth time)"""
        Pipeline.runs += 1
        env = dict(os.environ, KSTREAM_STATE_DIR=f"{args.dir}/state{Pipeline.runs if args.hosts else ''}")
        tool = lambda name, *words: [f"{args.bin}/{name}", "--app", args.name, *words]
        lines = [
            tool("kstream-cat", "--from", "json", "--key", ".key", "--commit-interval", args.interval, f"{args.dir}/in.jsonl") if args.files else
            tool("kstream-cat", "-b", args.broker, "-t", f"{args.name}-in", "--commit-interval", args.interval, *extra),
            tool("kstream-map", "value=.n") if args.hosts else tool("kstream-window", "--running", "--memory", "1M", "count()"),
            tool("kstream-cat", "-b", args.broker, "-P", "-t", f"{args.name}-out"),
        ]
        self.start(lines, env, point)

    def start(self, lines, env, point=None):
        self.stages, self.said, before = [], [], None
        for name, line in zip(STAGES, lines):
            mine = dict(env, KSTREAM_FAIL=f"{point[1]}:{point[2]}") if point and point[0] == name else env
            said = tempfile.TemporaryFile()
            stage = subprocess.Popen(line, stdin=before or subprocess.DEVNULL, stdout=None if line is lines[-1] else subprocess.PIPE,
                                     stderr=said, env=mine)
            if before:
                before.close()
            before = stage.stdout
            self.stages.append(stage)
            self.said.append(said)

    def signal(self, number, which):
        for name, stage in zip(STAGES, self.stages):
            if name in which and stage.poll() is None:
                stage.send_signal(number)

    def join(self, why):
        """All have ended: their statuses."""
        end = time.monotonic() + PATIENCE
        for name, stage in zip(STAGES, self.stages):
            try:
                stage.wait(max(0.1, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                raise Failed(f"{why}: the {name} has not ended after {PATIENCE} s") from None
        return [s.returncode for s in self.stages]

    def words(self):
        out = []
        for said in self.said:
            said.seek(0)
            out.append(said.read().decode(errors="replace").strip())
        return out

    def end(self):
        self.signal(signal.SIGKILL, STAGES)
        for stage in self.stages:
            stage.wait()


def produce(args, rng, sent, count):
    """Records by kcat, to partitions by their keys' own hash."""
    lines = []
    for _ in range(count):
        key = f"k{rng.randrange(args.keys)}"
        sent[key] += 1
        lines.append(f'{{"key":"{key}","n":{sent[key]}}}\n' if args.files else f'{key}|{{"n":{sent[key]}}}\n')
    if args.files:
        with open(f"{args.dir}/in.jsonl", "a", encoding="ascii") as f:
            f.write("".join(lines))
        return
    subprocess.run(["kcat", "-P", "-b", args.broker, "-t", f"{args.name}-in", "-K", "|", "-X", "partitioner=murmur2_random"],
                   input="".join(lines).encode(), check=True)


def act(rng, action, now, zombies):
    if action == "kill broker":
        return
    if action.startswith("kill "):
        which = STAGES if action == "kill all" else action[5:]
        now.signal(signal.SIGKILL, which)
        return
    if action == "terminate":
        now.signal(signal.SIGTERM, ("source",))
        return
    stopped = STAGES if action == "stop all" else action.split(",")[0][5:]
    now.signal(signal.SIGSTOP, stopped)
    if action != "stop all":
        now.signal(signal.SIGKILL, [s for s in STAGES if s != stopped] if action.endswith("others") else "source")
    zombies.append((now, time.monotonic() + rng.uniform(0, 2.2)))


def kill_broker(args, rng):
    """A broker dies, and comes back on what it has written."""
    home = rng.choice(sorted(glob.glob(f"{args.kafka}/broker.pid") or glob.glob(f"{args.kafka}/*/broker.pid")))
    with open(home, encoding="ascii") as f:
        os.kill(int(f.read()), signal.SIGKILL)
    time.sleep(rng.uniform(0.2, 3))
    again = [f"{os.path.dirname(__file__)}/../../scripts/kafka", "up", "--dir", args.kafka]
    if os.path.dirname(home) != args.kafka:
        again += ["--cluster", "3"]
    subprocess.run(again, check=True, stdout=subprocess.DEVNULL)


def wake(zombies, all_of_them=False):
    for zombie, when in list(zombies):
        if all_of_them or time.monotonic() >= when:
            zombie.signal(signal.SIGCONT, STAGES)
            zombies.remove((zombie, when))
            yield zombie


def read_counts(broker, topic):
    """What is committed in the output, as another client sees it."""
    got = subprocess.run(["kcat", "-C", "-q", "-e", "-b", broker, "-t", topic, "-X", "isolation.level=read_committed", "-f", "%k %s\n"],
                         check=True, capture_output=True, text=True).stdout
    counts = defaultdict(list)
    for line in got.splitlines():
        key, value = line.split(" ", 1)
        counts[key].append(json.loads(value))
    return counts


def wrong_counts(sent, counts):
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


def judge(args, sent):
    wrong = wrong_counts(sent, read_counts(args.broker, f"{args.name}-out"))
    if wrong:
        raise Failed("the output is wrong:\n" + "\n".join(wrong[:10]))
    return sum(sent.values())


def last_run(args):
    """To the end of the input; a broker that has just come back may not be ready yet."""
    for tries in range(8):
        live = Pipeline(args, ("-e",))
        statuses = live.join("the last run")
        if not any(statuses):
            return live
        if any(status not in (0, 69, 75) for status in statuses) or not args.kafka:
            break
        time.sleep(tries)
    raise Failed(f"the last run has ended with {statuses}: {live.words()}")


def run_to(args, rng, sent, stage, point, nth):
    """A run in which the stage comes to the step: where that takes several barriers, one that goes on while records come."""
    if nth == 1 and point not in ("learned", "merge-begun", "slice-merged"):
        return Pipeline(args, ("-e",), (stage, point, nth))
    live, end = Pipeline(args, (), (stage, point, nth)), time.monotonic() + PATIENCE
    while live.stages[STAGES.index(stage)].poll() is None and time.monotonic() < end:
        produce(args, rng, sent, 300)
        time.sleep(0.02)
    live.signal(signal.SIGTERM, ("source",))
    return live


def points(args):
    """Each stage ends at each step, args.points times."""
    rng, sent, hits, live = random.Random(args.seed), Counter(), 0, None
    produce(args, rng, sent, 30000)
    try:
        for n in range(args.points):
            for stage, point in FILE_POINTS if args.files else POINTS:
                # What comes once in a run comes the first time; what comes with each barrier, one of the first times.
                nth = 1 if n == 0 or point.startswith(("hello", "source", "claim", "end", "roll", "sink-", "transactions")) else rng.randrange(1, 3)
                produce(args, rng, sent, rng.randrange(500, 1500))
                live = run_to(args, rng, sent, stage, point, nth)
                statuses = dict(zip(STAGES, live.join(f"{point} of the {stage}")))
                if statuses[stage] == -signal.SIGKILL:
                    hits += 1
                elif nth == 1:
                    raise Failed(f"{point} of the {stage} was not come to: {statuses}, {live.words()}")
                if any(status not in (0, 69, 75, -signal.SIGKILL) for status in statuses.values()):
                    raise Failed(f"{point} of the {stage}: {statuses}, {live.words()}")
        live = last_run(args)
        records = judge(args, sent)
    finally:
        live.end()
    print(f"{len(FILE_POINTS if args.files else POINTS)} steps, {hits} times ended there, {records:,} records: 0 lost, 0 twice, 0 wrong; seed {args.seed}")


def drill(args):
    rng, sent, zombies, old, done = random.Random(args.seed), Counter(), [], [], Counter()
    end = time.monotonic() + args.seconds if args.seconds else None
    round_ = 0
    live = None
    try:
        while (round_ < args.rounds) if end is None else (time.monotonic() < end or round_ < len(ACTIONS)):
            produce(args, rng, sent, rng.randrange(100, 3000))
            action = ACTIONS[round_ % len(ACTIONS)] if round_ < 2 * len(ACTIONS) else rng.choice(ACTIONS)
            live = Pipeline(args)
            pause = time.monotonic() + rng.choice([rng.uniform(0, 0.3), rng.uniform(0.2, 1.5)])
            while time.monotonic() < pause:
                old += wake(zombies)
                time.sleep(0.01)
            if args.kafka and rng.random() < 0.125:
                action = "kill broker"
                kill_broker(args, rng)
                live.signal(signal.SIGTERM, ("source",))
            act(rng, action, live, zombies)
            done[action] += 1
            round_ += 1
            if action.startswith("stop"):
                # On one host whoever was stopped still holds a lock: the next runs end at once, until it goes on.
                continue
            statuses = live.join(f"round {round_}, {action}")
            for name, status, words in zip(STAGES, statuses, live.words()):
                if status not in (0, 69, 75, -signal.SIGKILL):
                    raise Failed(f"round {round_}, {action}: the {name} has ended with {status}: {words}")
        old += wake(zombies, True)
        if not args.hosts:  # nobody has taken over from it
            for zombie in old:
                zombie.signal(signal.SIGTERM, ("source",))
        for zombie in old:
            zombie.join("a zombie")
            for name, stage, words in zip(STAGES, zombie.stages, zombie.words()):
                if stage.returncode not in (0, 69, 75, -signal.SIGKILL):
                    raise Failed(f"a zombie: the {name} has ended with {stage.returncode}: {words}")
        live = last_run(args)
        records = judge(args, sent)
    finally:
        for pipeline in [live, *old, *(z for z, _ in zombies)]:
            if pipeline is not None:
                pipeline.end()
    print(f"{round_} rounds ({', '.join(f'{n} {a}' for a, n in sorted(done.items()))}), {records:,} records: 0 lost, 0 twice, 0 wrong; seed {args.seed}")


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--broker", required=True)
    p.add_argument("--bin", default=os.path.join(os.path.dirname(__file__), "../../build/bin"))
    p.add_argument("--hosts", action="store_true")
    p.add_argument("--files", action="store_true")
    p.add_argument("--rounds", type=int, default=40)
    p.add_argument("--seconds", type=float)
    p.add_argument("--points", type=int)
    p.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    p.add_argument("--interval", default="50ms")
    p.add_argument("--dir")
    p.add_argument("--kafka")
    args = p.parse_args()
    args.keys = 20000 if args.points else 40  # many, for a state that has to be merged
    args.name = f"drill-{os.getpid()}-{args.seed}"
    with tempfile.TemporaryDirectory() as room:
        args.dir = args.dir or room
        for topic in ("in", "out"):
            subprocess.run([f"{args.bin}/kstream-cat", "-b", args.broker, "-P", "-t", f"{args.name}-{topic}", "--create-topics", str(PARTITIONS),
                            "--from", "json"], stdin=subprocess.DEVNULL, check=True)
        try:
            points(args) if args.points else drill(args)
        except Failed as e:
            print(f"{e}\nseed {args.seed}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
