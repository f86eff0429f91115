#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# kstream-join that is stopped, or killed, and goes on (--app): its results are those of one run, whatever the join.

bats_require_minimum_version 1.5.0
load lib

# One a line, in words.
joins='--stream L --stream R --within 30ms --grace 15ms
--stream L --stream R --within 30ms --grace 15ms --left
--stream L --stream R --before 14ms --after 45ms --grace 40ms --outer
--stream L --stream R --before -3ms --after 60ms --unmatched route:miss
--stream L --stream L --within 30ms --grace 15ms
--stream L --stream L --before 0ms --after 30ms --left
--stream L --table R
--stream L --table R --left
--stream L --table R --versioned 30ms --unmatched route:miss
--stream L --table R --versioned 40ms --grace 12ms --left --on-error skip
--stream L --global R --on .fk
--stream L --global R --on .fk --left
--stream L --global rows.jsonl --global-key .k --on .fk --left
--table L --table R
--table L --table R --left
--table L --versioned 30ms --table R --versioned 20ms --outer
--table L --table R --foreign-key .fk
--table L --versioned 30ms --table R --foreign-key .fk --left'

# input SEED COUNT: records of two streams and three partitions, some of them late, to the file all; and a table to a file
input() {
	printf '{"k":"%s","x":1}\n' a b d >rows.jsonl
	/usr/bin/python3 - "$1" "$2" >all <<-'EOF'
		import json, random, sys
		r, t = random.Random(int(sys.argv[1])), 1000
		for i in range(int(sys.argv[2])):
		    t += r.randint(0, 4)
		    side = r.choice("LR")
		    print(json.dumps({"topic": side, "partition": r.randint(0, 2), "offset": i, "tstype": "create",
		        "ts": t - r.choice([0, 0, 0, 5, 20, 60]), "key": r.choice("abcde") if r.random() < 0.95 else None,
		        "payload": None if r.random() < 0.1 else {"n": i, "fk": r.choice("abcde")} if side == "L" else i}))
	EOF
}

# same SEED OPTION ...: in one run that keeps no state, and in some that each find more in the file; the last one has come to its end
same() {
	local lines cuts end=paused
	cuts=$(/usr/bin/python3 -c 'import random, sys; print(*sorted(random.Random(int(sys.argv[1])).sample(range(1, 300), 4)), 300)' "$1")
	shift
	try kstream-join -q --from envelope --in all --end complete --to envelope "$@"
	[ "$status" = 0 ] || fail "$*" || return
	mv out whole
	rm -rf state parts
	for lines in $cuts; do
		head -n "$lines" all >some
		[ "$lines" != 300 ] || end=complete
		try kstream-join -q --app a --from envelope --in some --end "$end" --to envelope "$@"
		[ "$status" = 0 ] || fail "$lines lines: $*" || return
		cat out >>parts
	done
	cmp whole parts || fail "runs of up to ${cuts//$'\n'/ } lines: $*" || return
	[ "$(wc -l <whole)" -ge 20 ] || fail "too little to tell: $*"
}

@test "join: a restart changes nothing, whatever the join" {
	local seed=0 words join
	while read -r join; do
		read -ra words <<<"$join"
		seed=$((seed + 1))
		input "$seed" 300
		same "$seed" "${words[@]}" || return
	done <<<"$joins"
}

@test "join: killed at any time, the result is that of a run that was let live, whatever the join" {
	local words join
	input 1 2500
	while read -r join; do
		read -ra words <<<"$join"
		words=(kstream-join -q --app a --from envelope --in all --end complete --to envelope "${words[@]}")
		"${words[@]}" --state-dir whole --out whole-out
		killed_often 2 "${words[@]}" --state-dir state --out result --memory 1M --commit-interval 10ms || fail "$join" || return
		rm -r state result whole whole-out
	done <<<"$joins"
}

@test "join: of a pipe of two joins any process is killed, and the result is that of a pipe that was let live" {
	input 1 2500
	/usr/bin/python3 - <<-'EOF'
		import filecmp, os, random, shutil, subprocess, time
		def pipe(state, out):
		    app = ["-q", "--app", "a", "--state-dir", state]
		    commands = [["kstream-cat", *app, "--from", "envelope", "--end", "complete", "--commit-interval", "10ms", "all"],
		        ["kstream-branch", *app, "--all", 'L: $topic == "L"', 'R: $topic == "R"', 'T: $topic == "R"'],
		        ["kstream-join", *app, "--stage", "one", "--stream", "L", "--stream", "R", "--within", "9ms", "--grace", "20ms", "--left"],
		        ["kstream-join", *app, "--stage", "two", "--stream", "L", "--table", "T"],
		        ["kstream-cat", *app, "--to", "envelope", "--out", out]]
		    before, stages = subprocess.DEVNULL, []
		    for words in commands:
		        stages.append(subprocess.Popen(words, stdin=before, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL))
		        if before != subprocess.DEVNULL:
		            before.close()
		        before = stages[-1].stdout
		    return stages
		def ended(stages):
		    statuses = [stage.wait() for stage in stages]
		    stages[-1].stdout.close()
		    return statuses
		begin = time.monotonic()
		assert ended(pipe("whole-state", "whole")) == [0] * 5
		life, killed, rng = time.monotonic() - begin, 0, random.Random()
		for tries in range(500):
		    stages = pipe("state", "result")
		    if killed < 6:
		        time.sleep(rng.random() * life)
		        rng.choice(stages).kill()
		    statuses = ended(stages)
		    if -9 in statuses:
		        killed += 1
		        assert all(status in (0, 75, -9) for status in statuses), statuses
		        continue
		    assert statuses == [0] * 5, statuses
		    assert filecmp.cmp("whole", "result", shallow=False), "run %d, %d killed" % (tries, killed)
		    if killed == 6:
		        break
		    shutil.rmtree("state")
		    os.remove("result")
		assert killed == 6, killed
	EOF
	[ "$(wc -l <whole)" -ge 400 ]
}
