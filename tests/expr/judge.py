# SPDX-License-Identifier: MIT
"""What make-cases, run-cases and fuzz-jq share: jq in few processes, ours in few processes, and when two answers are the same.

An answer is a dict: "out", a list of values; with "error" if it then fails; or "refused" alone.  RULES says in words what
same() and within() decide; each names its rule, and none knows a case.
"""
import json
import math
import os
import re
import resource
import subprocess
import tempfile

EXACT = 2 ** 53     # beyond this a double does not hold every integer
LARGEST = 1.7976931348623157e308
MANY = 2000         # outputs of one pair, as in eval.c

# The functions of the language as (name, arguments), which learn() fills: what the evaluator has.  Those that jq has not are ours alone.
FUNCTIONS = set()
OURS = set("ascii date date_bin hash header isvalid murmur2 ts_ms @base32 @base32d".split())
WORDS = set("if then elif else end and or as try catch null true false".split())
OUTSIDE = set("def reduce foreach label break import include __loc__ ENV".split())


def learn(path):
    """Another name than these, and the words below, may be refused: rule "subset"."""
    listed = subprocess.run([path, "--functions"], stdout=subprocess.PIPE, text=True, check=True).stdout.split()
    pairs = [line.rsplit("/", 1) for line in listed]
    FUNCTIONS.update((name, int(count)) for name, count in pairs if name not in OURS)


def numbers(text):
    """JSON with its numbers as int or float, objects as dict in order."""
    return json.loads(text, parse_int=int, parse_float=clamped, parse_constant=refuse_constant)


def clamped(text):
    """jq keeps a literal beyond the doubles as it is written; everyone computes with the largest double."""
    return max(-LARGEST, min(LARGEST, float(text)))


def refuse_constant(name):
    raise ValueError(name)


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def as_double(value):
    try:
        return float(value)
    except OverflowError:
        return math.copysign(LARGEST, value)


NUMBER = re.compile(r"-?(?:\d+\.?\d*)(?:[eE][+-]?\d+)?")


def plain(match):
    """How a number is spelled inside a string: rule "float", and "integer", which has no zero below zero."""
    text = match.group()
    if text == "-0":
        return "0"
    if not re.search(r"[.eE]", text) and len(text) < 17:
        return text
    value = float(text)
    if not math.isfinite(value):
        return text
    return str(int(value)) if value == int(value) else repr(value)


def same_text(a, b):
    return a == b or NUMBER.sub(plain, a) == NUMBER.sub(plain, b)


def same(a, b):
    """Rules "integer" and "float": numbers are equal by their value as doubles; all else, the order of keys included, is as it is."""
    if is_number(a) and is_number(b):
        return a == b or as_double(a) == as_double(b)
    if type(a) is not type(b):
        return False
    if isinstance(a, str):
        return same_text(a, b)
    if isinstance(a, list):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b))
    if isinstance(a, dict):
        return len(a) == len(b) and all(same_text(j, k) and same(a[j], b[k]) for j, k in zip(a, b))
    return a == b


def agree(ours, theirs):
    """Two answers: the same outputs, and both fail or neither.  Rule "message": an error is an error."""
    if re.search(r"cannot be a key|not a valid (regular expression|modifier string)|: \w+ \(.*\) is not a string$",
                 str(ours.get("refused"))) and "error" in theirs:
        return True     # rule "constants"
    if "out" not in ours or "out" not in theirs:
        return "refused" in ours and "refused" in theirs
    return ("error" in ours) == ("error" in theirs) and ("stopped" in ours) == ("stopped" in theirs) and same(ours["out"], theirs["out"])


TOKEN = re.compile(r"""\s+|\#[^\n]*|(?P<string>"(?:\\.|[^"\\])*")|(?P<format>@\w+)|(?P<field>\.\s*[A-Za-z_]\w*)|(?P<var>\$\s*\w+)|(?P<number>\.?\d[\d.]*(?:[eE][+-]?\d+)?)
    |(?P<name>[A-Za-z_]\w*)|(?P<op>\?//|\.\.|//=|[|+*/%=-]=|[=!<>]=|//|.)""", re.X)


def interpolated(string):
    """The programs inside \\( ) of a string token."""
    at = 0
    while (at := string.find("\\", at)) >= 0:
        if string[at + 1:at + 2] != "(":
            at += 2
            continue
        depth, begin = 1, at + 2
        at = begin
        while at < len(string) and depth:
            depth += {"(": 1, ")": -1}.get(string[at], 0)
            at += 1
        yield string[begin:at - 1]


def strings_whole(program):
    """Tokens, where a string goes on over the quotes inside its \\( )."""
    at = 0
    while at < len(program):
        if program[at] != '"':
            match = TOKEN.match(program, at)
            if match is None:
                return
            yield match.lastgroup, match.group()
            at = match.end()
            continue
        begin, depth, at = at, [], at + 1
        while at < len(program):
            c = program[at]
            if not depth or depth[-1] == '"':
                if c == "\\" and program[at + 1:at + 2] == "(":
                    depth.append("(")
                    at += 1
                elif c == "\\":
                    at += 1
                elif c == '"':
                    if not depth:
                        break
                    depth.pop()
            elif c == '"':
                depth.append('"')
            elif c == "(":
                depth.append("(")
            elif c == ")":
                depth.pop()
            at += 1
        at += 1
        yield "string", program[begin:at]


def within(program):
    """Whether all that a program uses is of the subset; what is not may be refused: rule "subset"."""
    tokens = [(kind, text) for kind, text in strings_whole(program) if kind]
    opened = []
    for n, (kind, text) in enumerate(tokens):
        if text in ("(", "[", "{"):
            opened.append(text)
        elif text in (")", "]", "}") and opened:
            opened.pop()
        following = tokens[n + 1][1] if n + 1 < len(tokens) else ""
        before = tokens[n - 1][1] if n else ""
        if kind == "format" and (text, 0) not in FUNCTIONS:
            return False
        if kind == "var" and text.lstrip("$ ") in OUTSIDE:
            return False
        if kind == "op" and text == "?//":
            return False
        if kind == "string" and not all(within(part) for part in interpolated(text)):
            return False
        if kind != "name" or text in WORDS or (before in ("{", ",") and opened[-1:] == ["{"] and following in (":", ",", "}")):
            continue
        if (text, arguments(tokens, n + 1)) not in FUNCTIONS:
            return False
    return True


def arguments(tokens, at):
    if at >= len(tokens) or tokens[at][1] != "(":
        return 0
    depth, count = 0, 1
    for _, text in tokens[at:]:
        if text in ("(", "[", "{"):
            depth += 1
        elif text in (")", "]", "}"):
            depth -= 1
            if depth == 0:
                break
        elif text == ";" and depth == 1:
            count += 1
    return count


# --- jq ---

def find_jq():
    """The newer jq: EXPR_JQ, or the one that fetch-jq keeps."""
    if os.environ.get("EXPR_JQ"):
        return os.environ["EXPR_JQ"]
    done = subprocess.run([os.path.join(os.path.dirname(os.path.abspath(__file__)), "fetch-jq")], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.returncode)
    return done.stdout.strip()


def jq_version(jq):
    return subprocess.run([jq, "--version"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


def balanced(program):
    """Whether no ) comes before its (: such a program, in the parentheses of wrapped(), is another one."""
    depth = 0
    for kind, text in strings_whole(program):
        depth += {"(": 1, ")": -1}.get(text, 0) if kind == "op" else 0
        if depth < 0:
            return False
    return True


def compiles(jq, program):
    done = subprocess.run([jq, "-n", program], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    return done.returncode not in (2, 3)


# Rule "functions": what the language has and jq 1.8 has not.
PRELUDE = 'def toarray: if type == "array" then . else [.] end;\n'


def wrapped(program):
    """All outputs of a program, each in an array, and its error behind them in an object."""
    return f"[try (limit({MANY + 1};({program}\n)) | [.]) catch {{e:(tojson|.[:300])}}]"


def unwrap(listed):
    answer = {"out": [x[0] for x in listed if isinstance(x, list)]}
    if listed and isinstance(listed[-1], dict):
        answer["error"] = listed[-1]["e"]
    if len(answer["out"]) > MANY:
        answer = {"out": answer["out"][:MANY], "stopped": True}
    return answer


def bounded():
    """A program made at random may ask jq for more than a machine has."""
    resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))


def ask_jq(jq, programs, documents, seconds=20):
    """answers[p][d] of programs on documents, each program on all of them, in one process; None where jq gives no answer in time."""
    if not programs:
        return []
    source = PRELUDE + "[" + ",\n".join(map(wrapped, programs)) + "]"
    with tempfile.NamedTemporaryFile("w", suffix=".jq", encoding="utf-8") as file:
        file.write(source)
        file.flush()
        try:
            done = subprocess.run([jq, "-c", "-f", file.name], input="\n".join(documents) + "\n", stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  encoding="utf-8", errors="surrogateescape", timeout=seconds, preexec_fn=bounded, check=False)
            lines = done.stdout.split("\n")[:-1]
        except subprocess.TimeoutExpired:
            done, lines = None, []
    if done is not None and done.returncode == 0 and len(lines) == len(documents):
        rows = [numbers(line) for line in lines]
        return [[unwrap(row[n]) for row in rows] for n in range(len(programs))]
    if len(programs) == 1:
        if done is not None and done.returncode in (2, 3) and not lines:
            why = done.stderr.strip().split("\n")[0]
            # What jq knows from constants alone, it says before it runs: rule "constants".
            answer = {"out": [], "error": json.dumps(why)} if "as object key" in why else {"refused": why}
            return [[answer] * len(documents)]
        return [[None] * len(documents)]
    if done is None:
        return [row for program in programs for row in ask_jq(jq, [program], documents, seconds / 10)]
    half = len(programs) // 2
    return ask_jq(jq, programs[:half], documents, seconds) + ask_jq(jq, programs[half:], documents, seconds)


# --- ours ---

def ask_ours(path, pairs, seconds=60):
    """Our answers to (program, document) pairs; a pair that ends the process, or takes too long, has the answer {"crash": how}."""
    answers = []
    while len(answers) < len(pairs):
        lines = "".join(json.dumps(list(pair), ensure_ascii=False) + "\n" for pair in pairs[len(answers):])
        how = None
        with tempfile.TemporaryFile("w+b") as out:
            try:
                done = subprocess.run([path], input=lines.encode(), stdout=out, stderr=subprocess.PIPE, timeout=seconds, check=False)
                if done.returncode:
                    text = done.stderr.decode(errors="replace").strip().split("\n")
                    said = [line for line in text if "runtime error" in line or "SUMMARY" in line]      # a sanitizer's
                    how = f"status {done.returncode}: " + (said or text)[-1]
            except subprocess.TimeoutExpired:
                how = f"not done after {seconds} s"
            out.seek(0)
            lines = out.read().decode(errors="replace").split("\n")[:-1]
        answers += [numbers(line) for line in lines]
        if len(answers) < len(pairs):
            answers.append({"crash": how or "it ended early"})
    return answers[:len(pairs)]


def show(answer):
    if answer is None:
        return "no answer"
    if "out" not in answer:
        return json.dumps(answer, ensure_ascii=False)
    text = " ".join(json.dumps(x, ensure_ascii=False, separators=(",", ":")) for x in answer["out"]) or "nothing"
    return text + (f"  then error: {answer['error']}" if "error" in answer else "")
