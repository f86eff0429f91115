"""The aggregates of the cases as clauses of ours (kstream-aggregate(7))."""

NUMBERS = "where type == \"number\""  # the cases' programs pass over the rest

MEMBERS = {
    "count": "count()",
    "sum": "sum(.) " + NUMBERS,
    "avg": "avg(.) " + NUMBERS,
    "min": "min(.) " + NUMBERS,
    "max": "max(.) " + NUMBERS,
    "first": "first(.)",
    "last": "last(.)",
    "collect": "fold([]; $acc + [.]; ; $acc + $other)",  # nulls, too, which collect(.) passes over
}


def number(expr):
    """How a reducer of the cases reads a value: 0 unless a number."""
    return "(%s | if type == \"number\" then . else 0 end)" % expr


ACC, VALUE = number("$acc"), number(".")

REDUCERS = {
    "sum": "reduce(%s + %s; %s - %s)" % (ACC, VALUE, ACC, VALUE),
    "zeroNull": "reduce(%s + %s | if . == 0 then null else . end; %s - %s | if . == 0 then null else . end)" % (ACC, VALUE, ACC, VALUE),
    "min": "reduce(if %s <= %s then $acc else . end)" % (ACC, VALUE),
    "max": "reduce(if %s >= %s then $acc else . end)" % (ACC, VALUE),
    "first": "reduce($acc)",
    "last": "reduce(.)",
    "join": "reduce(($acc | tostring) + \":\" + tostring)",
}

TRACE = 'fold("0"; $acc + "+" + tostring; $acc + "-" + tostring; $acc + "+" + $other)'


def clauses(op):
    """The operand for a case's agg and fn."""
    if op["agg"] == "count":
        return "count()"
    if op["agg"] == "reduce":
        return REDUCERS[op["fn"]]
    if op["agg"] == "trace":
        return TRACE
    return ", ".join("%s=%s" % (name, MEMBERS[name]) for name in op["agg"])
