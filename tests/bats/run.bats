#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# kstream-run: what it makes of a line, of the statuses of programs, and of signals.  With Kafka: tests/broker/run.bats.

# shellcheck disable=SC2016,SC2030,SC2031,SC2154 # what is in single quotes is for kstream-run; each test has pids of its own; what lib sets
load lib

# begin OPTION ...: kstream-run in the background, its number in $run, output in out and err
begin() {
	kstream-run "$@" >out 2>err &
	run=$!
	pids="${pids-} $run"
}

ended() { # ended STATUS: kstream-run has ended so
	status_of "$run"
	[ "$status" = "$1" ] || fail "kstream-run: $status, not $1"
}

stage() { pgrep -P "$run" -f -- "$1"; } # stage PATTERN: the number of the stage with this in its words

says() { grep -q -- "$1" err; } # says PATTERN

count() { [ "$(wc -l <"$1")" = "$2" ]; } # count FILE LINES

none() { ! pgrep -f -- "$1"; } # none PATTERN: no process has these words

# sample FILE NAME LABELS: the value of a metric, of which the labels begin so
sample() { sed -n "s/^$2{[^}]*$3[^}]*} //p" "$1"; }

@test "run: --help begins with the synopsis and fits a screen" {
	try kstream-run --help
	expect 0
	[ "$(head -n 2 out | tr -s ' \n' ' ')" = 'usage: kstream-run [--instances N] [--max-restarts N] [--metrics FILE] --file FILE | PIPELINE ' ]
	[ "$(wc -l <out)" -le 24 ]
}

@test "run: what cannot be run is refused before anything is started" {
	local words
	while read -r words; do
		eval "try kstream-run $words"
		refused 64 kstream-run || fail "$words"
		[ ! -e began ] || fail "$words: something was started"
	done <<-'END'

		a b
		-f x a
		--wrong a
		--instances 0 'touch began'
		--instances 101 'touch began'
		--instances 2 'touch began'
		--instances 2 'kstream-cat --app x --instance 0/2 in'
		--instances 2 'kstream-cat --app x --instance anna in | kstream-cat --app x --instance anna-{}'
		--max-restarts -1 'touch began'
		--max-restarts x 'touch began'
		-b localhost:9092 'touch began'
		--app x 'touch began'
		--in x 'touch began'
		--from json 'touch began'
		--only x 'touch began'
		--stage x 'touch began'
		--metrics '' 'touch began'
		''
		'touch began | '
		'touch began; x'
		'touch began >x'
		'touch $KSTREAM_NONE'
	END
	try kstream-run 'touch began & x'
	refused 64 kstream-run "kstream-run: column 13: '&' is of sh; no shell is run"
	printf '# \n\ntouch began |\n  sort >x\n' >p
	try kstream-run --file p
	refused 64 kstream-run "kstream-run: p:4:8: '>' is of sh"
	try kstream-run --file none
	refused 66 kstream-run "'none'"
	head -c 100000 /dev/zero | tr '\0' x >p
	try kstream-run --file p
	refused 64 kstream-run 'longer than 65536 bytes'
	try kstream-run 'touch began' --metrics none/x.prom
	refused 73 kstream-run "'none/x.prom.new'"
	[ ! -e began ]
	for words in none ./none 'cat | none' 'cat | ./p' './p | cat'; do
		try kstream-run "$words"
		refused 78 kstream-run "cannot run '" || fail "$words"
	done
}

@test "run: words are those of sh" {
	printf '#!/bin/sh\nprintf "<%%s>" "$@"\necho\n' >show
	chmod +x show
	export A='two  words*' B='' C_1=\'\"\\
	while read -r words; do
		try kstream-run "./show $words"
		mv out ours
		sh -c "./show $words" >theirs
		diff theirs ours || fail "$words"
		[ "$(wc -c <ours)" -gt 1 ] || fail "$words: nothing"
	done <<-'END'
		a 'b c' "d e" f\ g
		'$A' "$A" "${A}x" "$B" x"$C_1"'$'
		'a'"b"c\d "\a\"\\\$\`" '\'
		a#b "#" '#' \# # nothing
		'' "" x''
		a|cat
		{a,b} {i} x=y %1 +- @,:./^!=_ ]}
		"^a$" ^a$ "$.x" "*?[~;&<>()|" '*?[~;&<>()|`' \*\?\[\~\;\&\<\>\(\)\|\`
		-- -x --y=z a~
	END
}

@test "run: a pipeline goes over lines of a file, and its words reach the tools" {
	printf '{"n":%d}\n' 1 2 3 >numbers
	printf '# numbers\n\nkstream-cat --from json $IN |\n\n # the rest\n  kstream-filter ".n >= ${LEAST}" \\\n  -q | kstream-cat \\\n --to json\n# end' >p
	try env IN=numbers LEAST=2 kstream-run --file p
	expect 0 $'{"n":2}\n{"n":3}'
	[ "$(env -i "$(command -v kstream-run)" 'kstream-cat --from json --to json -c 1 numbers')" = '{"n":1}' ] # the tools beside it
}

@test "run: what helps is done, with pauses that double; what does not, is not" {
	local status_ before after wait
	for status_ in 1 3 64 65 66 70 73 74 77 78 126 255; do
		try kstream-run "sh -c 'echo >>began; exit $status_'"
		refused "$status_" kstream-run "stage 1 (sh) ended with status $status_: not started again"
		count began 1
		rm began
	done
	for status_ in 69 75; do
		try kstream-run --max-restarts 1 -q "sh -c 'echo >>began; exit $status_'"
		refused "$status_" kstream-run ": not started again, as --max-restarts says"
		count began 2
		rm began
	done
	for status_ in KILL PIPE TERM SEGV HUP; do
		try kstream-run --max-restarts 1 -q "sh -c 'echo >>began; kill -$status_ \$\$'"
		refused "$((128 + $(kill -l $status_)))" kstream-run "stage 1 (sh) was killed by SIG$status_"
		count began 2
		rm began
	done
	try kstream-run --max-restarts 0 'sh -c "exit 75"'
	refused 75 kstream-run
	try kstream-run --max-restarts 4 "sh -c 'date +%s%3N >>began; exit 75'"
	[ "$status" = 75 ]
	[ "$(sed 's/.* in //' err | head -n 4 | paste -sd ' ')" = '0.1 s 0.2 s 0.4 s 0.8 s' ]
	wait=100
	while read -r after; do
		[ -z "${before-}" ] || [ $((after - before)) -ge "$wait" ] || fail "$wait ms were $((after - before))"
		[ -z "${before-}" ] || wait=$((wait * 2))
		before=$after
	done <began
	[ "$wait" = 1600 ]
}

@test "run: of several that fail it is the one that says most, then the first" {
	local line
	echo 1 >one
	while IFS='#' read -r status_ line; do
		try kstream-run --max-restarts 0 "$line"
		[ "$status" = "$status_" ] || fail "$line"
	done <<-'END'
		78#kstream-cat --from json one | sh -c 'exit 78' | kstream-cat --to json --on-error skip
		78#sh -c 'exit 75' | sh -c 'cat; exit 78'
		65#sh -c 'exit 65' | sh -c 'cat; exit 78'
		78#sh -c 'exit 69' | sh -c 'cat; exit 75' | sh -c 'cat; exit 78'
		69#sh -c 'exit 75' | sh -c 'cat; exit 69'
		137#sh -c 'kill -9 $$' | sh -c 'cat; exit 75'
		137#sh -c 'kill -9 $$' | sh -c 'cat; exit 69'
		75#sh -c 'exit 75' | sh -c 'cat; kill -PIPE $$'
		0#sh -c 'exit 0' | cat | cat
	END
}

@test "run: those that do not see that a neighbour is gone are killed" {
	try kstream-run "sleep 1000 | sh -c 'exit 78'"
	refused 78 kstream-run 'stage 2 (sh)'
	printf 'sleep 1002.%s &\nexit 75\n' $$ >leaves
	begin -v --max-restarts 0 "sleep 1001.$$ | sh leaves"
	ended 75
	await 20 none "^sleep 100[12]\.$$\$"
}

# A filter of frames that goes on once the file go is there.
gate() {
	seq 1 40000 | awk '{ printf "{\"n\":%d,\"k\":\"k%d\"}\n", $1, $1 % 10 }' >in
	cat >gate <<-'END'
		#!/usr/bin/python3
		import os, sys, time
		source = sys.stdin.buffer
		while head := source.read(6):
		    body = source.read(int.from_bytes(head[1:5], "big"))
		    while head[5] != 3 and not os.path.exists("go"): time.sleep(0.01)
		    sys.stdout.buffer.write(head + body)
		    sys.stdout.buffer.flush()
	END
	chmod +x gate
}

@test "run: each stage is killed in turn, all are started again, and the output is exact" {
	local victim n=0 before
	gate
	begin --metrics m.prom 'kstream-cat --app s --from json --key .k --commit-interval 10ms in | ./gate |
		kstream-window --app s --running "n=count()" | kstream-cat --app s --to json --out totals'
	for victim in '--from json' '/gate' 'kstream-window' '--to json'; do
		await 20 stage "$victim"
		before=$(stage "$victim")
		kill -9 "$before"
		n=$((n + 1))
		await 20 eval "[ \$(grep -c 'was killed by SIGKILL: starting again' err) = $n ]"
		[ "$(grep 'starting again' err | tail -n 1 | cut -d ' ' -f 3)" = "$n" ] || fail "$victim: another stage is told"
		await 20 eval "[ \"\$(stage '$victim')\" ] && [ \"\$(stage '$victim')\" != $before ]"
		! ps -o stat= --ppid "$run" >stats || ! grep Z stats || fail 'a zombie'
	done
	await 20 eval '[ "$(sample m.prom kstream_run_up "" | paste -sd " ")" = "1 1 1 1" ]'
	[ "$(sample m.prom kstream_run_restarts_total '' | paste -sd ' ')" = '1 1 1 1' ]
	[ "$(sample m.prom kstream_run_last_exit_status 'stage="4"')" = 137 ]
	touch go
	ended 0
	jq -c .n totals | sort -n | uniq -c | awk '{ print $1 }' | sort -u | grep -qx 10
	[ "$(wc -l <totals)" = 40000 ]
	[ "$(sample m.prom kstream_run_up '' | paste -sd ' ')" = '0 0 0 0' ]
	[ "$(sample m.prom kstream_run_last_exit_status '' | paste -sd ' ')" = '0 0 0 0' ]
}

@test "run: SIGTERM is for the first stage, and what was read goes through" {
	mkfifo fifo
	begin 'kstream-cat --from json --time .t --key 1 fifo | kstream-window --tumble 1s "n=count()" | kstream-cat --to json'
	exec 7>fifo
	printf '{"t":%d}\n' 1 2 2000 >&7
	await 20 grep -q '"n":2' out
	await 20 eval 'waits "$(stage "kstream-cat --from")"'
	kill -TERM "$run"
	ended 0
	exec 7>&-
	[ ! -s err ]
	begin 'sleep 1003 | cat'
	await 20 stage 'sleep 1003'
	kill -HUP "$run"
	ended 0
	env --default-signal=INT kstream-run 'kstream-cat --from json --to json fifo' >out 2>err &
	run=$!
	pids="$pids $run"
	exec 7>fifo
	await 20 eval 'waits "$(stage kstream-cat)"'
	kill -INT "$run"
	ended 130
	exec 7>&-
}

@test "run: an end that comes while it waits to start again" {
	begin --metrics m.prom "sh -c 'echo >>began; exit 75'"
	await 20 says ' in 1.6 s'
	kill -TERM "$run"
	ended 75
	[ "$(tail -n 1 err)" = "kstream-run: asked to end while 'sh' was not running" ]
}

@test "run: what does not drain is told again, and killed; a second signal ends all at once" {
	begin "sh -c 'trap \"\" TERM; echo x; while :; do sleep 0.1; done' | cat"
	await 20 grep -q x out
	first=$(stage trap)
	kill -TERM "$run"
	insist "$run"
	ended 143
	await 20 gone "$first"
	begin "sh -c 'trap \"\" TERM; echo x; while :; do sleep 0.1; done' | cat"
	await 20 grep -q x out
	first=$(stage trap)
	kill -KILL "$run"
	ended 137
	await 20 gone "$first"
}

@test "run: stages have a group, no descriptor of kstream-run, and signals as at login" {
	(
		trap '' PIPE
		exec 5<"$BATS_TEST_FILENAME"
		ls /proc/self/fd >theirs
		exec kstream-run -v "sh -c 'ls /proc/self/fd; cat /proc/self/status' | cat | sh -c 'cat; ps -o pgid= -p \$\$'"
	) >out 2>err 5<&-
	sed '/Name/,$d' out | diff theirs - || fail 'descriptors'
	# of the last eight digits: 1 to 31, and 32, which with 33 is the C library's own
	[ -z "$(sed -n 's/^Sig\(Blk\|Ign\):.*\(........\)$/\2/p' out | grep -vx -e 00000000 -e 80000000)" ] || fail 'signals'
	[ "$(tail -n 1 out | tr -d ' ')" = "$(sed -n 's/.*process group //p' err)" ]
	begin -v 'sleep 1004'
	await 20 says 'process group'
	[ "$(ps -o pgid= -p "$(stage sleep)" | tr -d ' ')" != "$(ps -o pgid= -p "$run" | tr -d ' ')" ]
}

@test "run: instances are told which they are, and their lines say so" {
	printf '#!/bin/sh\necho "$*" >>words\nprintf "one\\ntwo" >&2\nprintf "%%05000d\\n" 0 >&2\n' >kstream-show
	chmod +x kstream-show
	try kstream-run --instances 3 './kstream-show --app x a | cat | ./kstream-show b'
	[ "$status" = 0 ]
	[ "$(sort words | paste -sd ,)" = '--instance=0/3 --app x a,--instance=1/3 --app x a,--instance=2/3 --app x a,b,b,b' ]
	[ "$(grep -c '^[012]/3: one$' err)" = 6 ]
	[ "$(grep -c '^[012]/3: two0*$' err)" = 6 ]
	! grep -v '^[012]/3: ' err || fail 'a line without'
	[ "$(tr -dc 0 <err | wc -c)" -ge 30000 ]
	rm words
	try kstream-run --instances 2 './kstream-show --app x --instance "web-{}" {} | ./kstream-show --app x | ./kstream-show --app x --instance=a{}b'
	[ "$status" = 0 ]
	[ "$(sort words | paste -sd ,)" = '--app x,--app x,--app x --instance web-0 {},--app x --instance web-1 {},--app x --instance=a0b,--app x --instance=a1b' ]
	try kstream-run --instances 1 './kstream-show --app x a'
	[ "$(head -c 7 err)" = $'one\ntwo' ]
}

@test "run: an instance that cannot be started again ends the others" {
	printf '#!/bin/sh\ncase $* in *0/2*) until [ -e go ]; do sleep 0.02; done; exit 78 ;; esac\nexec sleep 1005.%s\n' $$ >kstream-show
	chmod +x kstream-show
	begin --instances 2 './kstream-show --app x | cat'
	await 20 stage 'sleep 1005'
	kill -USR1 "$run"
	await 20 says ': x: 2 of 2 running for 0:00:[0-9]*, 0 restarts, no failure'
	touch go
	ended 78
	[ "$(tail -n 1 err)" = 'kstream-run: instance 0/2: stage 1 (kstream-show) ended with status 78: not started again' ]
	await 20 none "^sleep 1005\.$$\$"
}

@test "run: SIGUSR1 prints a line, and metrics are as Prometheus reads them" {
	printf 'sh -c "exec sleep 1006" | ./x\\"y\n' >'a\"b.pipeline'
	printf '#!/bin/sh\ncat\n[ -e go ] || exit 75\n' >'x"y'
	chmod +x 'x"y'
	begin --metrics m.prom --file 'a\"b.pipeline'
	await 20 stage 'sleep 1006'
	kill -9 "$(stage 'sleep 1006')"
	await 20 says 'starting again'
	await 20 stage 'sleep 1006'
	kill -USR1 "$run"
	await 20 says 'running for 0:00:.*, 1 restarts, last failure 0:00:[0-9]* ago: stage 1 (sh) was killed by SIGKILL'
	await 20 eval '[ "$(sample m.prom kstream_run_up "" | paste -sd " ")" = "1 1" ]'
	/usr/bin/python3 - m.prom <<-'END'
		import re, sys, time
		text = open(sys.argv[1], newline="").read()
		assert text.endswith("\n")
		types, seen = {}, set()
		label = r'[a-z_]+="(?:[^"\\\n]|\\["\\n])*"'
		for line in text[:-1].split("\n"):
		    if m := re.fullmatch(r"# HELP (\w+) .+", line): assert m[1] not in types; last = m[1]; continue
		    if m := re.fullmatch(r"# TYPE (\w+) (counter|gauge)", line): assert m[1] == last; types[m[1]] = m[2]; continue
		    m = re.fullmatch(r"(\w+)\{(" + label + "(?:," + label + r")*)\} (-?[0-9.]+)", line)
		    assert m, line
		    assert m[1] == last and (m[1], m[2]) not in seen, line
		    assert (types[m[1]] == "counter") == m[1].endswith("_total")
		    assert r'pipeline="a\\\"b"' in m[2], line
		    seen.add((m[1], m[2]))
		    if m[1] == "kstream_run_start_time_seconds": assert 0 <= time.time() - float(m[3]) < 300
		assert set(types) == {"kstream_run_" + x for x in ("up", "restarts_total", "last_exit_status", "start_time_seconds")}, types
		assert any(r'program="x\"y"' in labels for _, labels in seen)
	END
	[ "$(stat -c %a m.prom)" = 644 ]
	touch go
	kill -TERM "$run"
	ended 0
	[ ! -e m.prom.new ]
	try kstream-run --progress 'echo x'
	[[ "$(cat err)" == 'kstream-run: echo: 0 of 1 running for 0:00:'*', 0 restarts, no failure' ]]
}

@test "run: a disk that is full for the metrics does not end the pipeline" {
	mkdir d
	begin --metrics d/m.prom "sh -c 'until [ -e go ]; do sleep 0.02; done; exit 0'"
	await 20 test -e d/m.prom
	mv d away
	touch go
	ended 0
	says "^kstream-run: cannot make the metrics 'd/m.prom.new'"
}

@test "run: the unit of systemd and the line for cron are as those read them" {
	local unit="$root/scripts/examples/systemd/kstream@.service" words
	sed "s|/usr/local/bin/kstream-run|$(command -v kstream-run)|" "$unit" >kstream@.service
	if command -v systemd-analyze; then
		systemd-analyze verify --man=no "$PWD/kstream@.service" >verified 2>&1 || fail "$(cat verified)"
		! grep -F kstream@ verified || fail 'systemd-analyze has something to say'
	fi
	sed "s|/usr/local/bin/kstream-run|$(command -v kstream-run)|" "$root/scripts/examples/systemd/kstream-once@.service" >kstream-once@.service
	cp "$root/scripts/examples/systemd/kstream-once@.timer" .
	if command -v systemd-analyze; then
		systemd-analyze verify --man=no "$PWD/kstream-once@.service" "$PWD/kstream-once@.timer" >verified 2>&1 || fail "$(cat verified)"
		! grep -F kstream-once verified || fail 'systemd-analyze has something to say'
		systemd-analyze calendar "$(sed -n 's/^OnCalendar=//p' kstream-once@.timer)"
	fi
	words=$(sed -n 's|^ExecStart=/usr/local/bin/kstream-run ||p' "$unit" | sed "s|/run/kstream|$PWD|; s|/etc/kstream|$PWD|; s|%i|x|g")
	printf 'echo done\n' >x.pipeline
	# shellcheck disable=SC2086
	try kstream-run $words
	expect 0 'done'
	[ -e x.prom ]
	[ "$(grep -c '^[^#]' "$root/scripts/examples/kstream.cron")" = 5 ]
	[ "$(grep -c '^[*/0-9]* [*0-9]* \* \* \* kstream kstream-run ' "$root/scripts/examples/kstream.cron")" = 2 ]
	words=$(sed -n 's|^\*/15 \* \* \* \* kstream kstream-run ||p' "$root/scripts/examples/kstream.cron" | sed "s|/etc/kstream/sales|$PWD/x|")
	# shellcheck disable=SC2086
	try kstream-run $words
	expect 0 'done'
}
