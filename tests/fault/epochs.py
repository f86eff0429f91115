#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Kill a tool with state, or let its disk fail, at calls that change files, over twelve epochs: the result is that of runs that were let live.

epochs.py LIBRARY ERRNO COMMAND...      LIBRARY is fail.c, built; ERRNO 0: it is killed

The file in grows twelve times, and each run of COMMAND on it ends with an epoch.  Of run k the calls k, k + STRIDE ... are tried, one
after another, each on what the one before has left; KSTREAM_KILL_EACH=1 tries all of them.  What must never be: a status that is neither
of success nor of a failing disk, a state that is refused afterwards, one that is behind the ledger or more than an epoch ahead of it,
or another result.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys

EPOCHS = 12
STRIDE = 1 if os.environ.get("KSTREAM_KILL_EACH") == "1" else 11
LIBRARY, ERRNO, COMMAND = str(pathlib.Path(sys.argv[1]).resolve()), int(sys.argv[2]), sys.argv[3:]


def run(at=0):
    env = dict(os.environ, ASAN_OPTIONS=os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0")
    if at > 0:
        env.update(LD_PRELOAD=LIBRARY, FAULT=f"disk {at} {1 if ERRNO else 0} {ERRNO}")
    return subprocess.run(COMMAND, env=env, stderr=subprocess.PIPE, text=True, check=False)


def rows(epoch):
    return "".join(f'{{"t":{1700000000000 + i * 700 - i % 5 * 300},"k":"key{i * 7 % 13}","x":{i}}}\n' for i in range(epoch * 40, epoch * 40 + 40))


def begin():
    for name in ("state", "out", "in"):
        if os.path.isdir(name):
            shutil.rmtree(name)
        else:
            pathlib.Path(name).unlink(missing_ok=True)
    pathlib.Path("in").write_text("")


def grow(epoch):
    with open("in", "a") as file:
        file.write(rows(epoch))


def epochs():
    """That the ledger has committed; 0: there is none.  Of a state that is not there, or more than one behind, the next run says so."""
    ledger = next(iter(pathlib.Path("state").glob("*/0/ledger")), None)
    return int(re.search(r"^epoch (\d+)$", ledger.read_text(), re.M).group(1)) if ledger else 0


def main():
    begin()
    for epoch in range(EPOCHS):
        grow(epoch)
        alive = run()
        if alive.returncode != 0:
            sys.exit(f"a run that was let live: {alive.returncode}: {alive.stderr}")
    good, tried = pathlib.Path("out").read_bytes(), 0
    begin()
    for epoch in range(EPOCHS):
        grow(epoch)
        at, through = 1 + epoch % STRIDE, False
        while not through:
            before = epochs()
            now = run(at)
            through = now.returncode == 0
            if now.returncode not in (0, -9 if ERRNO == 0 else 74) or (now.returncode == 74 and now.stderr.count("\n") != 1):
                sys.exit(f"epoch {epoch + 1}, call {at}: {now.returncode}: {now.stderr}")
            if epochs() not in (before, before + 1):
                sys.exit(f"epoch {epoch + 1}, call {at}: the ledger goes from {before} to {epochs()}")
            tried += not through
            at += STRIDE
        after = run()
        if after.returncode != 0:
            sys.exit(f"epoch {epoch + 1}, afterwards: {after.returncode}: {after.stderr}")
    if pathlib.Path("out").read_bytes() != good:
        sys.exit("the result is not that of runs that were let live")
    print(f"{tried} calls")
    return 0 if tried >= EPOCHS else 1


sys.exit(main())
