#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Make calls of the C library fail under each command line of tests/fault/cases, one after another, and see what the tools do.

inject.py LIBRARY CALL ...      names of calls as in fail.c; LIBRARY is fail.c, built

For each of these calls: the n-th fails, n = 1, 2, 3 ... to the last that a run without faults makes; then the n-th and all that follow.
For reads, writes, waits and locks also: it is interrupted, or takes one byte only.  One line for each thing that is wrong; then exit with 1.

A failure is a status of sysexits.h and one line of the tool's on stderr; what was written until then is the beginning of what had to be
written, and frames have no END, unless they are complete.  The next run of an --app then makes exactly what was to be made.
Each --app is tried twice: from the start, and where a run before has ended.
"""
import errno
import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

HERE = pathlib.Path(__file__).resolve().parent
BIN = pathlib.Path(os.environ["KSTREAM_BIN"])
TEMP, FAILED, CANTCREAT, NOINPUT = 75, 74, 73, 66

# What a call fails with, and the statuses that are right for it.
FAULTS = {
    "alloc": (errno.ENOMEM, {TEMP}),
    "read": (errno.EIO, {FAILED}),
    "write": (errno.ENOSPC, {FAILED}),
    "open": (errno.EMFILE, {NOINPUT, CANTCREAT, FAILED, TEMP}),
    "close": (errno.EIO, {FAILED}),
    "fsync": (errno.EIO, {FAILED}),
    "rename": (errno.EIO, {FAILED}),
    "stat": (errno.EIO, {NOINPUT, CANTCREAT, FAILED, TEMP}),
    "seek": (errno.EIO, {NOINPUT, FAILED}),
    "truncate": (errno.EIO, {CANTCREAT, FAILED}),
    "mkdir": (errno.ENOSPC, {CANTCREAT, FAILED}),
    "flock": (errno.ENOLCK, {FAILED}),
    "trylock": (errno.ENOLCK, {FAILED}),
    "poll": (errno.ENOMEM, {TEMP, FAILED}),
    "pipe": (errno.EMFILE, {TEMP}),
    "spawn": (errno.EAGAIN, {TEMP}),
}
# What a precaution asks may stay unknown, if all else is as it would be: whether two files are one, whether another app or run has --out.
PRECAUTIONS = {"stat", "open", "trylock"}
# What must not change anything: ERRNO 0 is a short one.
HARMLESS = {"read": (errno.EINTR, 0), "write": (errno.EINTR, 0), "poll": (errno.EINTR,), "flock": (errno.EINTR,)}


def inputs(place):
    rows = [f'{{"k":"{k}","t":{t},"x":{x}}}\n' for k, t, x in (("a", 1, 1), ("b", 12, 2), ("a", 13, 3), ("b", 30, 4))]
    (place / "json").write_text("".join(rows))
    (place / "rows.jsonl").write_text("".join(rows))
    (place / "late").write_text("".join(rows[::-1] + rows + rows[1:2]))
    (place / "bad").write_text(rows[0] + '{"x":\n' + rows[2])
    # More than one buffer holds, and a line that is longer than one.
    (place / "long").write_text("".join(f'{{"k":"a","t":{i},"x":"{"y" * n}"}}\n' for i, n in enumerate((9, 300000, 1000, 250000))))
    # What evaluates to more than a borrowed piece of the text: strings with escapes, arrays and objects.
    (place / "escaped").write_text("".join(f'{{"k":"a\\u00e9{i}","t":{i},"o":{{"p":[{i},"\\n"]}}}}\n' for i in range(3)))
    (place / "table").write_text('k,"x"\r\na,1\r\n"b""\n",-0.5\r\nc,\r\n')
    (place / "envelopes").write_text("".join(
        f'{{"topic":"t","ts":{i},"key":{{"a":[{i}]}},"headers":[["h","aA=="]],"payload":{row.strip()}}}\n' for i, row in enumerate(rows)))
    # Tools that find a kstream-cat beside them which needs no Kafka.
    (place / "stub").mkdir()
    for tool in "kstream-diff", "kstream-filter", "kstream-join":
        shutil.copy(BIN / tool, place / "stub")
    follows = "trap 'exit 0' TERM; cat frames; while :; do sleep .02; done"
    (place / "stub/kstream-cat").write_text(f"#!/bin/sh\ncase $* in *--offset=end*) {follows} ;; *--in=*) exec cat frames ;; *) exec cat >out ;; esac\n")
    (place / "stub/kstream-cat").chmod(0o755)
    frames = subprocess.run([BIN / "kstream-cat", "--from", "json", "--time", ".t", "--key", ".k", "json"], cwd=place, check=True, stdout=subprocess.PIPE)
    (place / "frames").write_bytes(frames.stdout)
    for path in place.rglob("*"):
        if path.is_file():
            path.chmod(path.stat().st_mode & ~0o222)


def memory():
    """A directory in memory from which programs may run, else None: thousands of runs that make files safe on a disk mostly wait for it."""
    path = "/dev/shm"
    fits = os.access(path, os.W_OK) and not os.statvfs(path).f_flag & os.ST_NOEXEC and shutil.disk_usage(path).free >= 256 << 20
    return path if fits else None


class Result:
    """What one run left behind."""

    def __init__(self, case, place, fault=""):
        env = dict(os.environ, LD_PRELOAD=LIBRARY, FAULT_REPORT=str(place / ".report"), KSTREAM_STATE_DIR="state", HOME=str(place))
        # The library stands before that of the sanitizer, and what leaks on the way out of a failure is found.
        env["ASAN_OPTIONS"] = env.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"
        if fault:
            env["FAULT"] = fault
        args = shlex.split(case)
        stdin = [a[1:] for a in args if a.startswith("<")]
        command = [str((place if "/" in args[0] else BIN) / args[0])] + [a for a in args[1:] if not a.startswith("<")]
        self.hangs = False
        try:
            with open(place / stdin[0] if stdin else os.devnull, "rb") as source:
                run = subprocess.run(command, cwd=place, env=env, stdin=source, capture_output=True, timeout=20, check=False)
            self.status, self.out, self.err = run.returncode, run.stdout, run.stderr.decode(errors="replace")
        except subprocess.TimeoutExpired:
            self.hangs, self.status, self.out, self.err = True, -9, b"", ""
        self.files = {name: (place / name).read_bytes() if (place / name).exists() else b"" for name in ("out", "rejected")}
        ledger = place / "state/a/0/ledger"
        # It names files by their real paths, and each run has its own place.
        self.ledger = ledger.read_text().replace(f"{place.resolve()}/", "").split("\n") if ledger.exists() else []
        lines = (place / ".report").read_text().split("\n") if (place / ".report").exists() else []
        self.struck = [line.split()[2] for line in lines if line.startswith("struck")]
        self.counts = {line.split()[0]: int(line.split()[1]) for line in lines if line and not line.startswith("struck")}
        (place / ".report").unlink(missing_ok=True)


def ends(frames):
    """Whether there is an END in it, of whatever kind."""
    at = 0
    while at + 6 <= len(frames):
        size = int.from_bytes(frames[at + 1:at + 5], "big")
        if frames[at + 5] == 6 and at + 6 + size <= len(frames):
            return True
        at += 6 + size
    return False


def differs(now, good, skip=0):
    """In what a run that succeeded is not the one without faults; skip so many lines of the ledger."""
    for what, a, b in [("status", now.status, good.status), ("stdout", now.out, good.out), ("stderr", now.err, good.err)] + [
            (name, now.files[name], good.files[name]) for name in good.files]:
        if a != b:
            yield f"{what} is not that of a run without faults"
    if now.ledger[skip:] != good.ledger[skip:]:
        yield "the ledger is not that of a run without faults"


def failure(now, good, case, right):
    """What is wrong with a run that had to fail, or may have."""
    if now.status not in right:
        yield f"status {now.status}, not {' or '.join(map(str, sorted(right)))}: {now.err.strip()}"
    if now.err.count("\n") != 1 or not now.err.endswith("\n") or not now.err.startswith(shlex.split(case)[0].removeprefix("stub/") + ": "):
        yield f"not one line of its own on stderr: {now.err!r}"
    for name, a, b in [("stdout", now.out, good.out)] + [(name, now.files[name], good.files[name]) for name in good.files]:
        if not b.startswith(a):
            yield f"{name} is not the beginning of what had to come"
    if now.out != good.out and good.out[:1] == b"\xc9" and ends(now.out):
        yield "frames that were cut have an END"


def take(source, to):
    """What is only read is not copied."""
    if os.stat(source).st_mode & 0o222:
        shutil.copy2(source, to)
    else:
        os.link(source, to)


def copy(template, place):
    """A ledger names files by their real paths."""
    shutil.copytree(template, place, copy_function=take)
    ledger = place / "state/a/0/ledger"
    if ledger.exists():
        ledger.write_text(ledger.read_text().replace(f" {template.resolve()}/", f" {place.resolve()}/"))


def grow(place):
    """More of each input that a run before has read."""
    for name in ("json", "long", "bad", "escaped", "table"):
        path = place / name
        text = path.read_bytes()
        path.unlink()  # others have it, too
        path.write_bytes(text + text[:text.index(b"\n") + 1])


def check(case, template, good, call, at, step, no, right):
    """Run it with one fault; yield what is wrong."""
    with tempfile.TemporaryDirectory(dir=MEMORY) as made:
        place = pathlib.Path(made) / "d"
        copy(template, place)
        now = Result(case, place, f"{call} {at} {step} {no}")
        wrong = []
        if now.hangs:
            wrong.append("hangs")
        elif now.status < 0:
            wrong.append(f"killed by signal {-now.status}")
        elif not now.struck:
            wrong.append("the fault did not strike")
        elif not right or (call in PRECAUTIONS and now.status == good.status):
            wrong.extend(differs(now, good))
        elif now.status == good.status and (call == "alloc" or "own" not in now.struck):
            wrong.extend(differs(now, good))  # a buffer that stdio can do without, and that a comparison of objects can
        else:
            wrong.extend(failure(now, good, case, right))
        # The run and the epoch may be others then, and a record that was rejected may have been twice.
        if right and "--app" in case and not now.hangs:
            again = Result(case, place)
            wrong.extend("afterwards, " + text for text in differs(again, good, 3) if "rejected" not in text)
        kind = os.strerror(no) if no else "short"
        which = f"{call} {at}" + (" and all after" if step == 1 else f" and each {step}nd after" if step else "")
        return [f"{case}: {which}, {kind}: {text}" for text in wrong]


def plan(case, good, calls):
    for call in calls:
        if call in ("close", "poll", "truncate") and case.startswith("stub/"):
            # A pipe has nothing to lose, how often one waits for others is not the same each time, and what a tool cannot ask
            # kstream-cat to leave out it leaves out itself.
            continue
        count = good.counts[call]
        no, right = FAULTS[call]
        for at in range(1, count + 1):
            yield call, at, 0, no, right
            if at < count:
                yield call, at, 1, no, right
            for harmless in HARMLESS.get(call, ()):
                yield call, at, 0, harmless, None
        if count > 1:
            for harmless in HARMLESS.get(call, ()):
                yield call, 1, 2, harmless, None


def main(calls):
    cases = [line.strip() for line in (HERE / "cases").read_text().split("\n") if line and line[0] != "#"]
    named = {shlex.split(case)[0] for case in cases}
    cases += [f"{tool.name} --from json --to envelope json" for tool in sorted(BIN.glob("kstream-*")) if tool.name not in named]
    wrong = []
    with tempfile.TemporaryDirectory(dir=MEMORY) as made, ThreadPoolExecutor(os.cpu_count()) as pool:
        template = pathlib.Path(made) / "inputs"
        template.mkdir()
        inputs(template)
        runs = []
        for number, case in enumerate(cases):
            begin = template
            for run in ("first", "second") if "--app" in case else ("first",):
                place = pathlib.Path(made) / f"{number}-{run}"
                copy(begin, place)
                good = Result(case, place)
                if good.status not in (0, 1) or not good.counts:
                    sys.exit(f"{case}: without any fault: status {good.status}: {good.err}\n(a line of its own in tests/fault/cases?)")
                runs.extend(pool.submit(check, case, begin, good, *args) for args in plan(case, good, calls))
                # The second one goes on where the first has ended: with a ledger, and an output that holds something.
                begin = pathlib.Path(made) / f"{number}-{run}-after"
                copy(place, begin)
                grow(begin)
        for run in runs:
            wrong.extend(run.result())
        print(f"{len(runs)} faults in {len(cases)} command lines")
    print("\n".join(wrong))
    return 1 if wrong or not runs else 0


MEMORY = memory()
LIBRARY = str(pathlib.Path(sys.argv[1]).resolve())
sys.exit(main(sys.argv[2:]))
