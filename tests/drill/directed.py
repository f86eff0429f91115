#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The rules of exactly-once, each in the situation that it is there for, which random kills hardly ever meet (broker 3).

    directed.py --broker HOST:PORT --bin DIR [RULE ...]

Each rule is tried twice with tools of `make MODE=drill`: as it is, when nothing may be lost, come twice or be refused; and broken
(KSTREAM_BREAK), when the same situation must do damage, or the trial would show nothing.
"""
import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import drill
import shapes
from shapes import Failed


class Trial:
    """A topic of records, a pipeline that counts them, and what became of it."""

    def __init__(self, args, rule, broken):
        self.args, self.rule = args, rule
        self.dir = tempfile.mkdtemp(prefix="directed.")
        self.name = f"directed-{os.getpid()}-{rule}-{'broken' if broken else 'kept'}"
        self.env = dict(os.environ, KSTREAM_STATE_DIR=f"{self.dir}/state")
        self.broken = dict(self.env, KSTREAM_BREAK=rule.split("-late")[0]) if broken else self.env
        self.counts, self.layout = ["kstream-window", "--running", "count()"], "0/1"
        self.sent, self.started = {f"k{n}": 0 for n in range(4)}, []
        for topic in ("in", "out"):
            subprocess.run([f"{args.bin}/kstream-cat", "-b", args.broker, "-P", "-t", f"{self.name}-{topic}", "--create-topics", "1",
                            "--from", "json"], stdin=subprocess.DEVNULL, check=True)

    def produce(self, each):
        lines = []
        for _ in range(each):
            for key in self.sent:
                self.sent[key] += 1
                lines.append(f'{key}|{{"n":{self.sent[key]}}}\n')
        subprocess.run(["kcat", "-P", "-b", self.args.broker, "-t", f"{self.name}-in", "-K", "|"], input="".join(lines).encode(), check=True)

    def start(self, stage, stdin=None, stdout=None, env=None, live=False):
        words = {
            "source": ["kstream-cat", "-b", self.args.broker, "-t", f"{self.name}-in", "--commit-interval", "50ms"] + ([] if live else ["-e"]),
            "middle": self.counts,
            "sink": ["kstream-cat", "-b", self.args.broker, "-P", "-t", f"{self.name}-out"],
        }[stage]
        if stage != "middle":
            words = words + ["--instance", self.layout]
        p = subprocess.Popen([f"{self.args.bin}/{words[0]}", "--app", self.name, *words[1:]], stdin=stdin or subprocess.DEVNULL, stdout=stdout,
                             stderr=open(f"{self.dir}/said", "ab"), env=env or self.broken)
        self.started.append(p)
        return p

    def pipeline(self, env=None, live=False):
        source = self.start("source", stdout=subprocess.PIPE, env=env, live=live)
        middle = self.start("middle", source.stdout, subprocess.PIPE, env=env)
        sink = self.start("sink", middle.stdout, env=env)
        source.stdout.close()
        middle.stdout.close()
        return [source, middle, sink]

    def run(self, env=None):
        """All there is, to its end: the statuses."""
        return [p.wait(drill.PATIENCE) for p in self.pipeline(env)]

    def until(self, what, condition):
        end = time.monotonic() + drill.PATIENCE
        while not condition():
            if time.monotonic() > end:
                raise Failed(f"{self.rule}: waited in vain for {what}")
            time.sleep(0.02)

    def out(self):
        return shapes.read_out(self.args.broker, f"{self.name}-out")

    def sound(self):
        """Behind it all the app goes on by itself, and its output is right."""
        for _ in range(3):
            statuses = self.run(self.env)
            if not any(statuses):
                return shapes.wrong_counts(self.sent, self.out()) == []
            if 78 in statuses:
                return False
        return False

    def close(self):
        for p in self.started:
            if p.poll() is None:
                p.send_signal(signal.SIGKILL)
                p.wait()
        shutil.rmtree(self.dir)


def save(trial, stage, env=None):
    """A run's stream into a file, as it comes out of the stage, without that anything is committed: as if what reads it had died."""
    path = f"{trial.dir}/{stage}.frames"
    last = source = trial.start("source", stdout=subprocess.PIPE, env=env or trial.env)
    if stage == "middle":
        last = trial.start("middle", source.stdout, subprocess.PIPE, env=env or trial.env)
        source.stdout.close()
    with open(path, "wb") as f:
        f.write(last.stdout.read())
    for p in (last, source):
        p.wait(drill.PATIENCE)
    return path


def feed(trial, path, stage, stdout=None):
    """The stream of a file through a pipe into a stage."""
    cat = subprocess.Popen(["cat", path], stdout=subprocess.PIPE)
    trial.started.append(cat)
    p = trial.start(stage, cat.stdout, stdout)
    cat.stdout.close()
    if stdout is not None:
        p.stdout.read()
    return p.wait(drill.PATIENCE)


def validate(trial):
    """A sink gets the stream of a run when another one has committed what is in it."""
    trial.produce(200)
    path = save(trial, "middle")
    trial.produce(10)
    trial.run(trial.env)
    return feed(trial, path, "sink")


def end(trial):
    """The stream breaks off in the middle of an epoch."""
    trial.produce(200)
    path = save(trial, "middle")
    size = os.path.getsize(path)
    os.truncate(path, size - 2000)
    return feed(trial, path, "sink")


def run(trial):
    """A stage gets the stream of a run when another one has gone on, and has ended."""
    trial.produce(50)
    trial.run(trial.env)
    trial.produce(50)
    path = save(trial, "source")
    trial.produce(30)
    trial.run(trial.env)
    trial.produce(10)
    return feed(trial, path, "middle", subprocess.PIPE)


def keep_first(trial):
    """A stage dies between its state and its output at a barrier."""
    trial.produce(50)
    trial.run(trial.env)
    trial.produce(50)
    trial.broken = dict(trial.broken, KSTREAM_FAIL="barrier-forwarded-too-early:1")
    source = trial.start("source", stdout=subprocess.PIPE, env=trial.env)
    middle = trial.start("middle", source.stdout, subprocess.PIPE)
    sink = trial.start("sink", middle.stdout, env=trial.env)
    source.stdout.close()
    middle.stdout.close()
    for p in (source, middle, sink):
        p.wait(drill.PATIENCE)


def claim(trial):
    """A sink of the run before has a barrier still to commit when the next run begins, and commits it behind the start of that."""
    trial.produce(50)
    trial.run(trial.env)
    trial.produce(50)
    path = save(trial, "middle")
    # The old sink has begun, and hangs before it commits.
    read, keep = os.pipe()
    old = trial.start("sink", read, env=trial.env)
    os.close(read)
    with open(path, "rb") as f:
        stream = f.read()
    os.write(keep, stream[:2000])
    time.sleep(1)
    old.send_signal(signal.SIGSTOP)
    # The next run begins, and its first epoch has more in it: its source and its stage, that is; its sink is slow to start.
    trial.produce(30)
    rest = save(trial, "middle", trial.broken)
    old.send_signal(signal.SIGCONT)
    for at in range(2000, len(stream), 4096):
        os.write(keep, stream[at:at + 4096])
    os.close(keep)
    old.wait(drill.PATIENCE)
    return feed(trial, rest, "sink")


def lock(trial):
    """The stage of a run that was stopped goes on when the next run has its state."""
    trial.produce(50)
    trial.run(trial.env)
    trial.produce(400)
    old = trial.pipeline(live=True)
    trial.until("the first run to go on", lambda: sum(map(len, trial.out().values())) >= 4 * 450)
    for p in old:
        p.send_signal(signal.SIGSTOP)
    trial.produce(100)
    second = trial.run()
    for p in old:
        p.send_signal(signal.SIGCONT)
    if not any(second):
        return "two runs at once"
    old[0].send_signal(signal.SIGTERM)
    for p in old:
        p.wait(drill.PATIENCE)
    return None


def other_layout(trial, layout):
    """From here on it runs as that instance, on another machine: no lock keeps the two apart, and state stays behind."""
    trial.layout = layout
    for env in (trial.env, trial.broken):
        env["KSTREAM_STATE_DIR"] = f"{trial.dir}/{layout.replace('/', '-')}"


def owners(trial):
    """A sink has an epoch still to commit when another layout of instances has begun, and has committed it."""
    trial.counts = ["kstream-map", "value=.n"]
    trial.produce(200)
    path = save(trial, "middle")
    read, keep = os.pipe()
    old = trial.start("sink", read, env=dict(trial.env))
    os.close(read)
    with open(path, "rb") as f:
        stream = f.read()
    os.write(keep, stream[:4000])
    sent = ["kcat", "-C", "-q", "-e", "-b", trial.args.broker, "-t", f"{trial.name}-out", "-X", "isolation.level=read_uncommitted"]
    trial.until("the first records of the old layout", lambda: subprocess.run(sent, check=True, capture_output=True).stdout)
    old.send_signal(signal.SIGSTOP)
    other_layout(trial, "0/2")
    trial.run()
    old.send_signal(signal.SIGCONT)
    try:
        for at in range(4000, len(stream), 4096):
            os.write(keep, stream[at:at + 4096])
        os.close(keep)
    except BrokenPipeError:
        pass
    return old.wait(drill.PATIENCE)


def owners_late(trial):
    """An instance of one layout has read where the app stands, and claims that when another layout has gone on from there."""
    trial.counts = ["kstream-map", "value=.n"]
    trial.produce(50)
    trial.run(trial.env)
    trial.produce(50)
    other_layout(trial, "0/2")
    late = trial.pipeline(dict(trial.broken, KSTREAM_STOP="source-read:1"))
    trial.until("it to stop", lambda: is_stopped(late[0]))
    other_layout(trial, "0/3")
    trial.run()
    late[0].send_signal(signal.SIGCONT)
    return [p.wait(drill.PATIENCE) for p in late]


def is_stopped(p):
    with open(f"/proc/{p.pid}/stat", encoding="ascii") as f:
        return f.read().rsplit(")", 1)[1].split()[0] == "T"


RULES = {"validate": validate, "end": end, "run": run, "keep-first": keep_first, "claim": claim, "lock": lock,
         "owners": owners, "owners-late": owners_late}


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--broker", required=True)
    p.add_argument("--bin", required=True)
    p.add_argument("rules", nargs="*")
    args = p.parse_args()
    failed = 0
    for rule in args.rules or RULES:
        for broken in (False, True):
            trial = Trial(args, rule, broken)
            try:
                said = RULES[rule](trial)
                holds = trial.sound() and said != "two runs at once"
            except (Failed, subprocess.TimeoutExpired) as e:
                holds, said = None, e
            finally:
                trial.close()
            good = holds is not None and holds != broken
            failed += not good
            word = "broken" if broken else "kept"
            result = "nothing lost or twice" if holds else "no result" if holds is None else "damage"
            print(f"{'ok' if good else 'NOT OK'}: {rule}, {word}: {result}" + (f" ({said})" if not good else ""), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
