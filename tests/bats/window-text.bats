#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# kstream-window on JSON lines of its own: what is read from the text, without a record, is what a record gives.

# shellcheck disable=SC2154,SC2016,SC2094
bats_require_minimum_version 1.5.0

setup() {
	command -v kstream-window >/dev/null
	cd "$BATS_TEST_TMPDIR" || return
}

# lines SEED COUNT: JSON lines; most are sound trades, the others all that may be wrong or odd with one
lines() {
	/usr/bin/python3 - "$1" "$2" <<-'EOF'
		import json, random, sys

		r = random.Random(int(sys.argv[1]))
		now = 1_000_000
		for _ in range(int(sys.argv[2])):
		    now += r.randrange(3000)
		    ts = max(0, now - (r.randrange(90_000) if r.random() < 0.1 else 0))
		    key = r.choice(["A", "B", "C", "a\tb", "é", 7, 1.5, True, None, ["x", 1], {"k": 1}])
		    price = r.choice([1, 2.5, -3, 10**15, 1e300, 0.1, 2**63, "text", "es\"caped", None])
		    doc = {"ts": ts, "symbol": key, "price": price, "qty": {"n": r.randrange(9)}, "tags": ["x", r.random()]}
		    line = json.dumps(doc, ensure_ascii=r.random() < 0.5, separators=r.choice([(",", ":"), (", ", ": ")]))
		    what = r.randrange(60)
		    odd = {
		        0: "", 1: "  ", 2: "null", 3: "[1,2]", 4: '"text"', 5: line[:-1], 6: line + " x", 7: " " + line + "\t", 8: line + "\r",
		        9: line.replace('"ts"', '"no"'), 10: line.replace('"symbol"', '"s"'), 11: line.replace(str(ts), '"1970-01-01T00:30:00Z"'),
		        12: line.replace(str(ts), "-5"), 13: line[:-1] + ',"price":4}', 14: line[:-1] + ',"tags":1}', 15: "{}", 16: line.replace("{", "{,", 1),
		        17: line.replace(str(ts), "1e30"), 18: line.replace(str(ts), "{}"), 19: line[:-1] + ',"big":"' + "x" * 3000 + '"}',
		        20: line[:-1] + ',"no\0":1}', 21: line.replace("ts", "t\\u0073"), 22: line[:-1] + ',"e":"\\ud800"}', 23: "[" * 200,
		        24: json.dumps({"ts": ts, "symbol": "long" * 20, "price": 1}),
		        25: line + "\0", 26: line[:-1] + ',"many":[' + "0.5," * 700 + "0]}",
		    }
		    print(odd.get(what, line))
	EOF
}

# both STATUS OPTION ...: the same of the text and of records; --only keeps the tool from reading text
both() {
	local wanted=$1 got=0
	shift
	kstream-window -v --from json --to envelope --in in.jsonl "$@" >text 2>text.err || got=$?
	[ "$got" -eq "$wanted" ] || { cat text.err && return 1; }
	! [ -f side ] || mv side text.side
	got=0
	kstream-window -v --only in --from json --to envelope --in in.jsonl "$@" >record 2>record.err || got=$?
	[ "$got" -eq "$wanted" ] || { cat record.err && return 1; }
	diff text record
	# Of records the source is ahead of the tool, each with what it lets go.
	! [ -f side ] || diff <(sort text.side) <(sort side)
	# But for keys that stand twice where nobody looks.
	diff <(sed -E 's/[0-9]+ repeated keys, //; s/, [0-9.]+ s$//' text.err) <(sed -E 's/[0-9]+ repeated keys, //; s/, [0-9.]+ s$//' record.err)
}

shapes=('--tumble 10s' '--tumble 10s --emit close --grace 20s' '--hop 20s --advance 5s --emit close' '--hop 20s --advance 5s' '--slide 4s'
	'--session 3s --grace 5s' '--running' '--running --emit every:5s' '--unlimited --emit commit' '--count-window 3' '--calendar day')
folds=('n=count(), low=min(.price), high=max(.price)' 'count()' 'n=count() where .price != null, s=sum(.qty.n)' 'l=last(.qty), f=first(.)'
	'sum(.price)' 'collect(.tags)' 'fold(0; $acc + .qty.n; ; $acc + $other)' 'top(2; .qty.n; .ts)' 'm=max($offset), x=last($key)')
ingest=(--time .ts --key .symbol --on-bad-time drop)

@test "text: results, errors and counts are those of records, whatever the lines" {
	local i
	lines 1 600 >in.jsonl
	for i in "${!shapes[@]}"; do
		# shellcheck disable=SC2086 # an option a word
		both 0 "${ingest[@]}" --on-error skip ${shapes[$i]} "${folds[$((i % ${#folds[@]}))]}"
	done
	grep -q 'bad time [1-9]' text.err && grep -q ' [1-9][0-9]* rejected' text.err
}

@test "text: a key or a time is computed, the clock's, or none" {
	lines 2 300 >in.jsonl
	both 0 --key '[.symbol, (.qty.n + 1)]' --time '.ts / 1000 | floor' --time-unit s --on-bad-time drop --on-error skip --tumble 10s 'count()'
	both 0 --key '$topic' --time .ts --on-bad-time drop --on-error skip --tumble 10s 'count()'
	both 0 --key .symbol --time .ts --on-bad-time drop --on-error skip --since 1970-01-01T00:20Z --tumble 10s 'count()'
	both 0 --key .symbol --running --on-error skip 'sum(.qty.n)'
	both 0 --running --on-error skip 'count()'
	both 0 --key .symbol --time .ts --on-bad-time dlq --on-error dlq:bad --tumble 10s 'sum(.price)'
	# The clock differs between two runs.
	kstream-window --from json --to json --in in.jsonl --time wall --key .qty.n --on-error skip --unlimited --emit close 'count()' |
		sort -n >text
	kstream-window --only in --from json --to json --in in.jsonl --time wall --key .qty.n --on-error skip --unlimited --emit close 'count()' |
		sort -n | cmp - text
}

@test "text: what is kept of a record beside the windows is all of it" {
	lines 3 400 >in.jsonl
	both 0 "${ingest[@]}" --on-error skip --tumble 5s --late file:side 'n=count()'
	[ -s text.side ]
	rm -f side
	both 0 "${ingest[@]}" --on-error file:side --tumble 5s 'sum(.price)'
	[ -s text.side ]
	rm -f side
	both 0 "${ingest[@]}" --on-error skip --tumble 5s --late route:late 'n=count()'
}

@test "text: a failure names the same line and says the same" {
	local line
	printf '{"ts":1,"symbol":"A","price":1}\n%.0s' 1 2 3 >good
	for line in '{"ts":1,"symbol":"A","price":"x"}' '{"ts":1,"symbol":"A",}' '{"ts":"x","symbol":"A","price":1}' '{"ts":1,"symbol":"A","price":1} {}'; do
		{ cat good; echo "$line"; cat good; } >in.jsonl
		both 65 --time .ts --key .symbol --tumble 5s 'sum(.price)'
		grep -E '(in.jsonl:4|in/0@96)' text.err
	done
	{ cat good; printf '{"ts":2,"symbol":"A","pri'; } >in.jsonl
	both 65 --time .ts --key .symbol --tumble 5s 'sum(.price)'
	printf '{"ts":2,"symbol":"A","price":5}' >in.jsonl
	both 0 --time .ts --key .symbol --tumble 5s 'sum(.price)'
}

@test "text: limits hold" {
	lines 4 300 >in.jsonl
	both 0 "${ingest[@]}" --on-error skip --max-record 4K --tumble 5s 'count()'
	both 0 "${ingest[@]}" --on-error skip --max-key 64 --tumble 5s 'count()'
	both 0 "${ingest[@]}" --on-error skip --max-depth 3 --tumble 5s 'l=last(.qty)'
	both 0 "${ingest[@]}" --on-error skip -c 50 --tumble 5s 'count()'
}

@test "text: a run goes on where the one before it has ended" {
	local way
	lines 5 400 >all
	for way in text record; do
		rm -rf state in.jsonl $way
		head -n 200 all >in.jsonl
		run_on $way >>$way
		cat all >in.jsonl
		run_on $way >>$way
	done
	[ -s text ] && cmp text record
}

# run_on WAY: a run with --app
run_on() {
	local only=()
	if [ "$1" = record ]; then only=(--only in); fi
	kstream-window "${only[@]}" --app a --state-dir state --from json --to envelope --in in.jsonl "${ingest[@]}" --on-error skip \
		--tumble 10s --grace 20s --emit close 'n=count(), s=last(.price)'
}

@test "text: a result goes out when its line is there, not when the next one is" {
	# In ms, of 12 lines each: a result that waited for a PING of the source would take 250 a line.
	/usr/bin/python3 - <<-'EOF'
		import random, subprocess, time
		def took(*command):
		    p = subprocess.Popen([*command, "--from", "json", "--to", "json"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
		    total = 0
		    for i in range(12):
		        begin = time.monotonic()
		        p.stdin.write(b'{"t":%d,"k":"a"}\n' % i)
		        p.stdin.flush()
		        p.stdout.readline()
		        total += time.monotonic() - begin
		        time.sleep(random.uniform(0.01, 0.2))
		    p.stdin.close()
		    assert p.wait() == 0
		    return total * 1000
		cat, window = took("kstream-cat"), took("kstream-window", "--time", ".t", "--key", ".k", "--running", "count()")
		print("ms:", cat, window)
		# A busy machine makes both slow.
		assert window < 1000 + 3 * cat
	EOF
}
