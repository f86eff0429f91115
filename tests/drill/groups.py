#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Members of a group come and go, and are killed, and see that nothing is lost, nothing comes twice, and state moves with its partitions.

    groups.py --broker HOST:PORT [--bin DIR] [--state | --layouts] [--members N] [--seconds S] [--seed N] [--dir DIR]

Each member is a pipeline of its own between the same two topics (drill.py).  Without --state it copies numbers (kstream-map); with it, it counts
the records of each key, with a changelog, so that a partition that moves takes its counts along.  Behind whatever has happened the output of
a key must be 1, 2, 3 ... up to the number of its records, once each, in this order.

With --layouts the pipelines are instances of a fixed layout instead, of 3, then 2, then 4 of them, with the changelog; between two layouts all are
ended, some by kill -9, and some of the old ones go on later as zombies of a layout that is over.

What fails prints the seed, with which the same choices are made again.
"""
import argparse
import glob
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter

import drill
import shapes
from drill import Failed

PARTITIONS = 6
SESSION = 2  # s
PATIENCE = 120  # s, for what should take some
ACTIONS = ("kill all", "kill source", "kill window", "kill sink", "stop all", "terminate", "wait")


class Share(shapes.Counts):
    """The pipeline of shapes.Counts, or one that passes numbers on, as one member of a group, by its name, or as instance I/N."""

    def __init__(self, args, owner):
        super().__init__(args)
        self.owner = owner

    def lines(self, extra):
        own = ("--instance", self.owner)
        group = () if "/" in self.owner else ("-G", self.args.name, "-X", f"session.timeout.ms={SESSION * 1000}", "-X", "heartbeat.interval.ms=300")
        stage = self.window("-b", self.args.broker, "--changelog", f"{self.args.name}-log") if self.args.state else self.tool("kstream-map", "value=.n")
        return [self.source([*own, *group, *extra]), stage, [*self.sink(), *own]]


class Member(drill.Pipeline):
    def __init__(self, args, owner):
        super().__init__(args, Share(args, owner))
        self.owner = owner

    def is_over(self):
        """One of its programs has ended, so that the others will."""
        return any(stage.poll() is not None for stage in self.stages)

    def check(self, why):
        self.end_well(f"{self.owner}, {why}")


def harm(rng, action, member, zombies):
    if action == "wait":
        return
    if action == "terminate":
        member.signal(signal.SIGTERM, ("source",))
    elif action == "stop all":
        member.signal(signal.SIGSTOP, member.names)
        zombies.append((member, time.monotonic() + rng.uniform(0, 2.5 * SESSION)))
    else:
        member.signal(signal.SIGKILL, member.names if action == "kill all" else (action[5:],))


def await_all(args, feed, members, start):
    """All that was sent is committed; members that end meanwhile are started again."""
    want, have, end = feed.records(), -1, time.monotonic() + PATIENCE
    while time.monotonic() < end:
        for i, member in enumerate(members):
            if member is None or member.is_over():
                if member is not None:
                    member.check("at the end")
                members[i] = start(i)
        have = sum(map(len, shapes.read_out(args.broker, f"{args.name}-out").values()))
        if have >= want:
            return
        time.sleep(0.2)
    said = {m.owner: m.words() for m in members}
    raise Failed(f"{have} of {want} records are committed after {PATIENCE} s: {said}\n"
                 + "\n".join(wrong_output(args, feed)))


def wrong_output(args, feed):
    return shapes.wrong_counts(feed.sent["in"], shapes.read_out(args.broker, f"{args.name}-out"))[:5]


def judge(args, feed):
    wrong = wrong_output(args, feed)
    if wrong:
        raise Failed("the output is wrong:\n" + "\n".join(wrong))


def end_all(members, why):
    for member in members:
        if member is not None:
            member.signal(signal.SIGTERM, ("source",))
    for member in members:
        if member is not None:
            member.check(why)


def group(args):
    rng, feed, zombies, done = random.Random(args.seed), shapes.Counts(args), [], Counter()
    names = [f"member-{chr(ord('a') + i)}" for i in range(args.members)]
    start = lambda i: Member(args, names[i])
    feed.produce(rng, 1000)
    members = [start(i) for i in range(args.members)]  # at the same moment
    end = time.monotonic() + args.seconds
    try:
        while time.monotonic() < end:
            feed.produce(rng, rng.randrange(100, 2000))
            pause = time.monotonic() + rng.choice([rng.uniform(0, 0.5), rng.uniform(0.5, 1.5 * SESSION)])
            while time.monotonic() < pause:
                for _ in drill.wake(zombies):
                    pass
                time.sleep(0.02)
            i = rng.randrange(args.members)
            member = members[i]
            if any(z is member for z, _ in zombies):
                continue
            if member is None:
                members[i] = start(i)
            elif member.is_over():
                member.check("after all that was done to it")
                members[i] = start(i) if rng.random() < 0.8 else None
            else:
                action = rng.choice(ACTIONS)
                done[action] += 1
                harm(rng, action, member, zombies)
        for _ in drill.wake(zombies, True):
            pass
        await_all(args, feed, members, start)
        end_all(members, "at last")
        judge(args, feed)
    finally:
        for member in members:
            if member is not None:
                member.end()
    what = ", ".join(f"{n} {a}" for a, n in sorted(done.items()))
    print(f"{args.members} members{' with state' if args.state else ''} ({what}), {feed.records():,} records: 0 lost, 0 twice, 0 wrong; seed {args.seed}")


def layouts(args):
    rng, feed, zombies, old = random.Random(args.seed), shapes.Counts(args), [], []
    members, runs = [], 0
    end = time.monotonic() + args.seconds
    try:
        while runs < 3 or time.monotonic() < end:
            count = (3, 2, 4)[runs % 3]
            start = lambda i, n=count: Member(args, f"{i}/{n}")
            feed.produce(rng, rng.randrange(500, 3000))
            for note in glob.glob(f"{args.dir}/**/taken", recursive=True):
                os.unlink(note)  # as if a minute had gone by since the layout before
            members = [start(i) for i in range(count)]
            runs += 1
            if rng.random() < 0.5:
                await_all(args, feed, members, start)
            else:
                time.sleep(rng.uniform(0, 1.5))
            for i, member in enumerate(members):
                action = rng.choice(("terminate", "terminate", "kill all", "kill sink", "stop sink"))
                if action == "stop sink":  # it holds no lock; the source and the stage do, and must go
                    member.signal(signal.SIGSTOP, ("sink",))
                    member.signal(signal.SIGKILL, ("source", "window"))
                    zombies.append((member, time.monotonic() + rng.uniform(0, 4)))
                    old.append(member)
                    members[i] = None
                else:
                    harm(rng, action, member, zombies)
            for member in members:
                if member is not None:
                    member.check(f"layout of {count}")
            for _ in drill.wake(zombies):
                pass
        count = rng.choice((1, 3))
        start = lambda i: Member(args, f"{i}/{count}")
        members = [start(i) for i in range(count)]
        await_all(args, feed, members, start)
        for _ in drill.wake(zombies, True):
            pass
        for zombie in old:
            zombie.check("a zombie of an old layout")
        end_all(members, "at last")
        judge(args, feed)
    finally:
        for member in members + old:
            if member is not None:
                member.end()
    print(f"{runs + 1} layouts, {len(old)} zombies, {feed.records():,} records: 0 lost, 0 twice, 0 wrong; seed {args.seed}")


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--broker", required=True)
    p.add_argument("--bin", default=os.path.join(os.path.dirname(__file__), "../../build/bin"))
    p.add_argument("--state", action="store_true")
    p.add_argument("--layouts", action="store_true")
    p.add_argument("--members", type=int, default=3)
    p.add_argument("--seconds", type=float, default=20)
    p.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    p.add_argument("--interval", default="50ms")
    p.add_argument("--dir")
    args = p.parse_args()
    args.keys, args.state = 40, args.state or args.layouts
    args.name = f"groups-{os.getpid()}-{args.seed}"
    with tempfile.TemporaryDirectory() as room:
        args.dir = args.dir or room
        shapes.make_topics(args, shapes.Counts(args), PARTITIONS)
        try:
            (layouts if args.layouts else group)(args)
        except Failed as e:
            print(f"{e}\nseed {args.seed}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
