#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Kill a pipeline between two topics, again and again, and see that nothing is lost, nothing comes twice, and its state is right.

    drill.py --broker HOST:PORT [--bin DIR] [--shape counts|join|hosts|files|at-least|appended|cut] [--kafka DIR] [--rounds N | --seconds S | --points N]
        [--seed N] [--dir DIR]

Each round adds records, starts the pipeline of the shape (shapes.py) and does one of the actions to it.  At the end, and each --judge rounds,
the pipeline runs to the end of its input, and output and state are compared with what the input makes of them.  What fails prints the
seed, with which the same choices are made again, and keeps the directory.

With --kafka DIR a broker that scripts/kafka runs there is killed, too, one in eight rounds, and started again: DIR is its own, or that of a
cluster.  Of a cluster one is then away, every other time until the pipeline has committed what came after its death: no stage may end.

With --points N each stage is ended at each step of the protocol, N times, before and behind each thing that lasts.  It takes tools of
`make MODE=drill`.
"""
import argparse
import glob
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter

from shapes import PARTITIONS, SHAPES, Failed, make_topics

PATIENCE = 60  # s, for what should take one
# -SIGTERM: it was told to end before it had begun to listen.
FINE = (0, 69, 75, -signal.SIGKILL, -signal.SIGTERM)
# What comes with a barrier, but not with each of them.
RARE = ("learned", "merge-begun", "slice-merged")
# What comes once in a run, as all that a source does but for its barriers.
ONCE = ("hello", "end", "roll", "sink-hello", "sink-fenced", "sink-validated", "transactions")


def actions(stages):
    between = stages[1:-1]
    return ["kill all", *(f"kill {stage}" for stage in stages), "stop all", "stop sink, kill source",
            *(f"stop {stage}, kill others" for stage in between), "terminate"]


class Pipeline:
    runs = 0

    def __init__(self, args, shape, extra=(), point=None):
        """point: (stage, where it ends, the how-manieth time)"""
        Pipeline.runs += 1
        env = dict(os.environ, KSTREAM_STATE_DIR=shape.state_dir(Pipeline.runs if shape.name == "hosts" else ""))
        self.names, lines = shape.stages, shape.lines(extra)
        self.stages, self.said, before = [], [], None
        for name, line in zip(self.names, lines):
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
        for name, stage in zip(self.names, self.stages):
            if name in which and stage.poll() is None:
                stage.send_signal(number)

    def join(self, why):
        """All have ended: their statuses."""
        end = time.monotonic() + PATIENCE
        for name, stage in zip(self.names, self.stages):
            try:
                stage.wait(max(0.1, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                raise Failed(f"{why}: the {name} has not ended after {PATIENCE} s: {self.words()}") from None
        return [s.returncode for s in self.stages]

    def end_well(self, why):
        """All have ended, with a status that says that another run goes on."""
        for name, status, words in zip(self.names, self.join(why), self.words()):
            if status not in FINE:
                raise Failed(f"{why}: the {name} has ended with {status}: {words}")

    def words(self):
        out = []
        for said in self.said:
            said.seek(0)
            out.append(said.read().decode(errors="replace").strip())
        return out

    def end(self):
        self.signal(signal.SIGKILL, self.names)
        for stage, said in zip(self.stages, self.said):
            stage.wait()
            said.close()


def act(rng, action, now, zombies):
    if action.startswith("kill "):
        now.signal(signal.SIGKILL, now.names if action == "kill all" else (action[5:],))
        return
    if action == "terminate":
        now.signal(signal.SIGTERM, ("source",))
        return
    stopped = now.names if action == "stop all" else (action.split(",")[0][5:],)
    now.signal(signal.SIGSTOP, stopped)
    if action != "stop all":
        now.signal(signal.SIGKILL, [s for s in now.names if s not in stopped] if action.endswith("others") else ("source",))
    zombies.append((now, time.monotonic() + rng.uniform(0, 2.2)))


def ends_of_output(args):
    """The offset of each partition behind all that was ever written there, committed or not."""
    words = [f"-t{args.name}-out:{p}:-1" for p in range(PARTITIONS)]
    said = subprocess.run(["kcat", "-Q", "-b", args.broker, *words], check=True, capture_output=True, text=True).stdout
    return {int(line.split("[")[1].split("]")[0]): int(line.rsplit(" ", 1)[1]) for line in said.splitlines()}


def committed_since(args, ends):
    for partition, offset in ends.items():
        got = subprocess.run(["kcat", "-C", "-q", "-e", "-b", args.broker, "-t", f"{args.name}-out", "-p", str(partition), "-o", str(offset),
                              "-X", "isolation.level=read_committed", "-f", "x"], capture_output=True, text=True, check=False).stdout
        if got:
            return True
    return False


def await_commit(args, shape, rng, live, ends, why):
    """Something that was sent from now on is committed, and all stages are there still."""
    end = time.monotonic() + PATIENCE
    while ends is None or not committed_since(args, ends):
        try:
            ends = ends or ends_of_output(args)
        except subprocess.CalledProcessError:
            pass  # its partitions have no leader yet
        shape.produce(rng, 100)
        if any(stage.poll() is not None for stage in live.stages):
            raise Failed(f"{why}, and so are stages: {[s.poll() for s in live.stages]}, {live.words()}")
        if time.monotonic() > end:
            raise Failed(f"{why}, and nothing is committed {PATIENCE} s later: {live.words()}")


def kill_broker(args, rng, shape, live):
    """A broker dies, and comes back on what it has written."""
    homes = sorted(glob.glob(f"{args.kafka}/broker.pid") or glob.glob(f"{args.kafka}/*/broker.pid"))
    one, others_go_on = rng.choice(homes), len(homes) > 1 and rng.random() < 0.5
    if others_go_on:  # a pipeline that has not begun yet may end with 69
        await_commit(args, shape, rng, live, ends_of_output(args), "all brokers are there")
    with open(one, encoding="ascii") as f:
        os.kill(int(f.read()), signal.SIGKILL)
    try:
        if others_go_on:
            await_commit(args, shape, rng, live, None, "one broker of three is gone")
        else:
            time.sleep(rng.uniform(0.2, 3))
    finally:
        again = [f"{os.path.dirname(os.path.abspath(__file__))}/../../scripts/kafka", "up", "--dir", args.kafka]
        subprocess.run(again + (["--cluster", "3"] if len(homes) > 1 else []), check=True, stdout=subprocess.DEVNULL)
    live.signal(signal.SIGTERM, ("source",))


def wake(zombies, all_of_them=False):
    for zombie, when in list(zombies):
        if all_of_them or time.monotonic() >= when:
            zombie.signal(signal.SIGCONT, zombie.names)
            zombies.remove((zombie, when))
            yield zombie


def last_run(args, shape):
    """To the end of the input; a broker that has just come back may not be ready yet."""
    for tries in range(8):
        live = Pipeline(args, shape, ("-e",))
        try:
            statuses, words = live.join("the last run"), live.words()
        finally:
            live.end()
        if not any(statuses):
            return
        if any(status not in (0, 69, 75) for status in statuses) or not args.kafka:
            break
        time.sleep(tries)
    raise Failed(f"the last run has ended with {statuses}: {words}")


def judge(args, shape):
    last_run(args, shape)
    wrong = shape.wrong()
    if wrong:
        raise Failed("output or state is wrong:\n" + "\n".join(wrong[:10]))


def run_to(args, rng, shape, stage, point, nth):
    """A run in which the stage comes to the step: where that takes several barriers, one that goes on while records come."""
    if nth == 1 and point not in RARE:
        return Pipeline(args, shape, ("-e",), (stage, point, nth))
    live, end = Pipeline(args, shape, (), (stage, point, nth)), time.monotonic() + PATIENCE
    while live.stages[live.names.index(stage)].poll() is None and time.monotonic() < end:
        shape.produce(rng, 300)
        time.sleep(0.02)
    live.signal(signal.SIGTERM, ("source",))
    return live


def points(args, shape):
    """Each stage ends at each step, args.points times."""
    rng, hits = random.Random(args.seed), Counter()
    shape.produce(rng, 30000)
    for n in range(args.points):
        for stage, point in shape.points():
            # What comes once in a run comes the first time; what comes with each barrier, one of the first times.
            once = point.startswith(ONCE) or (stage == "source" and not point.startswith("barrier"))
            nth = 1 if n == 0 or once or shape.name == "files" else rng.randrange(1, 3)
            shape.produce(rng, rng.randrange(500, 1500))
            live = run_to(args, rng, shape, stage, point, nth)
            try:
                live.end_well(f"{point} of the {stage}")
                if live.stages[live.names.index(stage)].returncode != -signal.SIGKILL:
                    raise Failed(f"{point} of the {stage} was not come to, the {n + 1}. time: {live.words()}")
                hits[stage, point] += 1
            finally:
                live.end()
    judge(args, shape)
    return f"{len(hits)} steps, each {min(hits.values())} times"


def drill(args, shape):
    rng, zombies, old, done, round_ = random.Random(args.seed), [], [], Counter(), 0
    all_actions, end, live = actions(shape.stages), time.monotonic() + args.seconds if args.seconds else None, None
    try:
        while (round_ < args.rounds) if end is None else (time.monotonic() < end or round_ < len(all_actions)):
            shape.produce(rng, rng.randrange(100, args.most))
            action = all_actions[round_ % len(all_actions)] if round_ < 2 * len(all_actions) else rng.choice(all_actions)
            live = Pipeline(args, shape)
            pause = time.monotonic() + rng.choice([rng.uniform(0, 0.3), rng.uniform(0.2, 1.5)])
            while time.monotonic() < pause:
                old += wake(zombies)
                time.sleep(0.01)
            round_ += 1
            if args.kafka and rng.random() < 0.125:
                action = "kill broker"
                kill_broker(args, rng, shape, live)
            else:
                act(rng, action, live, zombies)
            done[action] += 1
            # On one host whoever was stopped still holds a lock: the next runs end at once, until it goes on.
            if not action.startswith("stop"):
                live.end_well(f"round {round_}, {action}")
                live.end()
            if round_ % args.judge == 0:
                settle(args, shape, zombies, old)
                judge(args, shape)
                tell(args, shape, f"{round_} rounds so far")
        settle(args, shape, zombies, old)
        judge(args, shape)
    except Failed as e:
        raise Failed(f"round {round_}: {e}") from None
    finally:
        for pipeline in [live, *old, *(z for z, _ in zombies)]:
            if pipeline is not None:
                pipeline.end()
    return f"{round_} rounds ({', '.join(f'{n} {a}' for a, n in sorted(done.items()))})"


def settle(args, shape, zombies, old):
    """All that were stopped go on, and end."""
    old += wake(zombies, True)
    if shape.name == "hosts":  # each of them by itself, for another run has taken over
        last_run(args, shape)
    for zombie in old:
        if shape.name != "hosts":
            zombie.signal(signal.SIGTERM, ("source",))
        zombie.end_well("a zombie")
        zombie.end()
    old.clear()


def tell(args, shape, what):
    print(f"{shape.name}: {what}, {shape.records():,} records: {shape.found()}; seed {args.seed}", flush=True)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--broker", required=True)
    p.add_argument("--bin", default=os.path.join(os.path.dirname(__file__), "../../build/bin"))
    p.add_argument("--query", default=os.path.join(os.path.dirname(__file__), "../../build/bin"), help="where kstream-query is")
    p.add_argument("--shape", choices=SHAPES, default="counts")
    p.add_argument("--rounds", type=int, default=40)
    p.add_argument("--seconds", type=float)
    p.add_argument("--points", type=int)
    p.add_argument("--judge", type=int, default=200)
    p.add_argument("--most", type=int, default=3000, help="records in a round")
    p.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    p.add_argument("--interval", default="50ms")
    p.add_argument("--dir")
    p.add_argument("--kafka")
    args = p.parse_args()
    args.keys = 20000 if args.points else 40  # many, for a state that has to be merged
    args.name = f"drill-{os.getpid()}-{args.seed}"
    args.dir = args.dir or tempfile.mkdtemp(prefix="drill.")
    shape = SHAPES[args.shape](args)
    make_topics(args, shape)
    try:
        tell(args, shape, points(args, shape) if args.points else drill(args, shape))
    except Failed as e:
        print(f"{args.shape}: {e}\nseed {args.seed}; kept: {args.dir}", file=sys.stderr, flush=True)
        return 1
    shutil.rmtree(args.dir)
    return 0


if __name__ == "__main__":
    sys.exit(main())
