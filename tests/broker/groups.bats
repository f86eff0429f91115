#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# --app with -G: members of a group share the partitions of an app, and come, go and die.  kcat and Python judge what is committed.

# shellcheck disable=SC2030,SC2031,SC2154 # what lib sets
load lib
load app
export PYTHONDONTWRITEBYTECODE=1

drill=$BATS_TEST_DIRNAME/../drill
session=2000 # ms; a test that needs it to be long says so

# member NAME [OPTION...]: a pipeline in the background that adds its name to each record; the pids of its three are in "NAME.pids"
member() {
	local name=$1 dir=${dir:-$BATS_TEST_TMPDIR/state} pipe=$1.$((++starts))
	shift
	mkfifo "$pipe.1" "$pipe.2"
	KSTREAM_STATE_DIR=$dir "$bin/kstream-cat" --app "$app" -G "$app" --instance "$name" -b "$b" -t "$t" --commit-interval 50ms \
		-X session.timeout.ms="$session" -X heartbeat.interval.ms=300 "$@" >"$pipe.1" 2>"$name.source" &
	echo $! >"$name.pids"
	local numbered=$pipe.1 n=.n
	if [ -n "${state-}" ]; then # a stage that counts, before that
		numbered=$pipe.3 n=.
		mkfifo "$numbered"
		KSTREAM_STATE_DIR=$dir "$bin/kstream-window" --app "$app" -b "$b" --changelog "$t.log" --running "count()" <"$pipe.1" >"$numbered" 2>"$name.window" &
		pids="${pids-} $!"
		echo $! >"$name.counts"
	fi
	KSTREAM_STATE_DIR=$dir "$bin/kstream-map" --app "$app" "value={n:$n, who:\"$name\"}" <"$numbered" >"$pipe.2" 2>"$name.map" &
	echo $! >>"$name.pids"
	KSTREAM_STATE_DIR=$dir "$bin/kstream-cat" --app "$app" --instance "$name" -b "$b" -P -t "$t.out" --create-topics "$parts" <"$pipe.2" 2>"$name.sink" &
	echo $! >>"$name.pids"
	pids="${pids-} $(paste -sd ' ' "$name.pids")"
}

pid() { sed -n "$2p" "$1.pids"; } # pid NAME 1|2|3: of its source, map or sink

signal() { # signal SIGNAL NAME: to all of it
	local pid
	while read -r pid; do kill "-$1" "$pid" || :; done <"$2.pids"
}

ends() { # ends NAME STATUS...: its source has ended, with one of these
	local got=0 x
	wait "$(pid "$1" 1)" || got=$?
	echo "$1: $got: $(cat "$1.source")"
	for x in "${@:2}"; do [ "$got" -eq "$x" ] && return; done
	return 1
}

gone() { # gone NAME: all of it has ended
	wait "$(pid "$1" 1)" "$(pid "$1" 2)" "$(pid "$1" 3)" 2>/dev/null || :
}

runs() { kill -0 "$(pid "$1" 1)" && kill -0 "$(pid "$1" 2)" && kill -0 "$(pid "$1" 3)"; }

topics() { parts=$1 && "$topic" create "$t" "$1" && "$topic" create "$t.out" "$1"; } # topics PARTITIONS

spread() { # spread FIRST LAST: records of 20 keys
	seq "$1" "$2" | awk '{ print "k" $1 % 20 "|{\"n\":" $1 "}" }' | kcat -P -b "$b" -t "$t" -K '|' -X partitioner=murmur2_random
}

out() { kcat -C -q -e -b "$b" -t "$t.out" -X isolation.level=read_committed -f '%p %s\n'; } # PARTITION {"n":N,"who":"NAME"}

all() { out >got && [ "$(wc -l <got)" -ge "$1" ]; } # all COUNT: so many are committed

exact() { # exact COUNT: 1 to COUNT, each once
	out >got
	sed 's/.*"n":\([0-9]*\).*/\1/' got | sort -n | diff - <(seq "$1")
}

share() { sed -n "s/^\([0-9]*\) .*\"n\":\([0-9]*\),\"who\":\"$1\".*/\1 \2/p" got | awk -v from="${2:-1}" '$2 >= from { print $1 }' | sort -nu; } # share NAME [FROM]: its partitions, of records from FROM on

# until_some NAME: records from n + 1 on, until it has 2 partitions in a group that goes on
until_some() {
	local i
	for ((i = 0; i < 100; i++)); do
		spread $((n + 1)) $((n + 100))
		n=$((n + 100))
		wait_for all "$n"
		[ "$(share "$1" | wc -l)" -lt 2 ] || break
	done
	[ "$(share "$1" | wc -l)" -eq 2 ]
}

shares() { out >got && [ "$(share "$1" "$2" | wc -l)" -ge "$3" ]; } # shares NAME FROM N: it has written N partitions of them

@test "members share the partitions, and give some to one that comes, in place" {
	topics 6
	spread 1 200
	member anna
	member bert
	wait_for all 200
	cat ./*.pids >before
	member carl
	n=200
	until_some carl
	exact "$n"
	from=$((n + 1))
	spread "$from" $((n + 400))
	n=$((n + 400))
	wait_for all "$n"
	exact "$n"
	[ "$(share anna "$from" | wc -l) $(share bert "$from" | wc -l) $(share carl "$from" | wc -l)" = "2 2 2" ]
	# nobody has ended for it
	runs anna
	runs bert
	cat anna.pids bert.pids | diff - before
	for name in anna bert carl; do
		kill -TERM "$(pid "$name" 1)"
		ends "$name" 0
		gone "$name"
		[ ! -s "$name.source" ] && [ ! -s "$name.sink" ]
	done
	exact "$n"
}

@test "a member that is ended by SIGTERM has committed; the others have its partitions within the session timeout" {
	topics 4
	member anna
	member bert
	spread 1 100
	wait_for all 100
	kill -TERM "$(pid anna 1)"
	ends anna 0
	began=$SECONDS
	spread 101 300
	wait_for all 300
	exact 300
	[ $((SECONDS - began)) -le 20 ]
	wait_for shares bert 1 4
	# and one that comes back gets some again
	member anna
	n=300
	for ((i = 0; i < 100; i++)); do
		spread $((n + 1)) $((n + 100))
		n=$((n + 100))
		wait_for all "$n"
		[ "$(share anna 301 | wc -l)" -lt 2 ] || break
	done
	exact "$n"
	[ "$(share anna 301 | wc -l)" -eq 2 ]
}

@test "kill -9 and a start within the session timeout: no rebalance" {
	session=45000
	topics 4
	spread 1 100
	member anna
	member bert
	wait_for all 100
	# both have their halves now, whoever came first
	n=100
	for ((i = 0; i < 100; i++)); do
		spread $((n + 1)) $((n + 100))
		n=$((n + 100))
		wait_for all "$n"
		[ "$(share anna $((n - 99)) | wc -l) $(share bert $((n - 99)) | wc -l)" != "2 2" ] || break
	done
	hers=$(share anna $((n - 99)))
	signal KILL anna
	gone anna
	spread $((n + 1)) $((n + 100))
	began=$SECONDS
	member anna
	wait_for all $((n + 100))
	[ $((SECONDS - began)) -lt 40 ] # long before anybody would miss it
	exact $((n + 100))
	[ "$(share anna $((n + 1)))" = "$hers" ]
	runs bert
}

@test "what is killed in the middle of a transaction, and does not come back, is fenced by who takes over" {
	topics 2
	spread 1 100
	member anna
	wait_for all 100
	# records that are sent, and not committed: its source and map are stopped behind them
	spread 101 200
	kill -STOP "$(pid anna 1)"
	signal KILL anna
	gone anna
	member bert
	wait_for all 200
	exact 200
	[ ! -s bert.source ] && [ ! -s bert.sink ]
}

@test "a member that was stopped for longer than the session ends with 75, and joins again" {
	topics 4
	member anna
	member bert
	spread 1 100
	wait_for all 100
	signal STOP anna
	spread 101 200
	wait_for all 200 # bert has them all
	exact 200
	spread 201 250
	signal CONT anna
	status=0
	wait "$(pid anna 1)" || status=$?
	cat anna.source
	[ "$status" -eq 75 ]
	gone anna
	wait_for all 250
	member anna
	spread 251 400
	wait_for all 400
	exact 400
	runs bert
}

@test "a member that gets nothing waits, ends well, and takes over when it is needed" {
	topics 1
	member anna
	spread 1 50
	wait_for all 50
	member bert
	spread 51 100
	wait_for all 100
	runs anna
	runs bert
	# who has the one partition now?  the other waits
	first=$(share anna 51 | wc -l)
	if [ "$first" -eq 1 ]; then has=anna waits=bert; else has=bert waits=anna; fi
	member carl
	kill -TERM "$(pid "$waits" 1)"
	ends "$waits" 0
	gone "$waits"
	[ ! -s "$waits.map" ] && [ ! -s "$waits.sink" ]
	signal KILL "$has"
	gone "$has"
	spread 101 200
	wait_for all 200
	exact 200
	[ -n "$(share carl 101)" ]
}

@test "a name that is taken twice: one of the two gives up, and the other goes on" {
	session=30000
	topics 2
	member anna
	spread 1 50
	wait_for all 50
	# under another directory, as on another machine
	mv anna.pids first.pids
	mv anna.source first.source
	dir=$BATS_TEST_TMPDIR/elsewhere member anna
	mv anna.pids second.pids
	mv anna.source second.source
	spread 51 100
	wait_for all 100
	ends first 75
	gone first
	# who was shut out comes back, shuts out the other once more, and gives up; so that one goes on when it is started again
	member anna
	ends anna 78
	grep -q "they take turns" anna.source
	gone anna
	ends second 75
	gone second
	dir=$BATS_TEST_TMPDIR/elsewhere member anna
	mv anna.pids second.pids
	mv anna.source second.source
	spread 101 150
	wait_for all 150
	exact 150
	runs second
	# on one machine the lock says so
	dir=$BATS_TEST_TMPDIR/elsewhere member anna
	ends anna 75
	grep -q "is held" anna.source
	runs second
}

fixed() { # fixed [OPTION...]: the only instance of a layout; with exec=exec and &, $! is its own number
	KSTREAM_STATE_DIR=$PWD/fixed ${exec-} "${tool:-$bin/kstream-cat}" -b "$b" --in "kafka:$t" --out "kafka:$t.out" --app "$app" --instance 0/1 --commit-interval 50ms "$@"
}

@test "an instance I/N keeps out while the group has members, and gives way to them" {
	forgotten() { # until the group has none
		until fixed -e 2>said; do
			cat said
			grep -q "has 1 member ('$1')" said
		done
	}
	topics 2
	member anna
	spread 1 50
	wait_for all 50
	run -78 fixed -e
	[[ $output == *"group '$app' has 1 member ('anna'), and an --instance I/N does not go beside them: "* ]]
	# which she has not noticed
	spread 51 100
	wait_for all 100
	runs anna
	kill -TERM "$(pid anna 1)"
	ends anna 0
	gone anna
	forgotten anna
	spread 101 150
	fixed 2>>said &
	pids="$pids $!"
	wait_for all 150
	late=$!
	member bert
	wait_for grep -qs . "$PWD/state/$app/bert/run" # his first claim is on its way
	spread 151 200
	wait_for all 200
	got=0
	wait "$late" || got=$?
	[ "$got" -eq 75 ] || { cat said; false; }
	run -78 fixed
	exact 200
	runs bert
}

@test "an instance I/N that was stopped while it took from a member finds that another has joined" {
	local tool=$bin/../drill/bin/kstream-cat point late n=50 x=0 got
	topics 2
	member m0
	spread 1 50
	wait_for all 50
	for point in owner-fenced owner-read; do
		kill -TERM "$(pid m$x 1)"
		ends "m$x" 0
		gone "m$x"
		# until the group has no member, and the words are of the last one still
		got=78
		while [ "$got" -eq 78 ]; do
			got=0
			KSTREAM_FAIL=owner-fenced:1 fixed -e 2>said || got=$?
		done
		[ "$got" -eq 137 ]
		exec=exec KSTREAM_STOP=$point:1 fixed -e 2>said &
		late=$!
		pids="$pids $late"
		wait_for grep -q '^State:.T' "/proc/$late/status"
		member "m$((++x))"
		spread $((n + 1)) $((n + 50))
		n=$((n + 50))
		wait_for all "$n"
		kill -CONT "$late"
		got=0
		wait "$late" || got=$?
		echo "$point: $got: $(cat said)"
		[ "$got" -eq 78 ] || [ "$got" -eq 75 ]
		# where the app stands by Kafka is where it went on, not only what it has in mind
		signal KILL "m$x"
		gone "m$x"
		member "m$x"
		spread $((n + 1)) $((n + 50))
		n=$((n + 50))
		wait_for all "$n"
		exact "$n"
	done
}

counted() { # counted COUNT: of each of the 20 keys 1, 2, 3 ... once, in this order
	kcat -C -q -e -b "$b" -t "$t.out" -X isolation.level=read_committed -f '%k %s\n' >counts
	/usr/bin/python3 - "$1" <<-'END'
		import json, sys
		have = {}
		for line in open("counts"): have.setdefault(line.split(" ", 1)[0], []).append(json.loads(line.split(" ", 1)[1])["n"])
		want = {f"k{k}": list(range(1, int(sys.argv[1]) // 20 + 1)) for k in range(20)}
		wrong = [k for k in sorted(set(want) | set(have)) if want.get(k) != have.get(k)]
		if wrong: sys.exit(f"{len(wrong)} keys are wrong, {wrong[0]}: {have.get(wrong[0], [])}")
	END
}

@test "state goes with its partitions, in place" {
	state=1
	topics 6
	spread 1 2000
	member anna
	member bert
	wait_for all 2000
	cat ./*.pids >before
	member carl
	n=2000
	until_some carl
	counted "$n"
	runs anna
	runs bert
	cat anna.pids bert.pids | diff - before
	# and back: one is killed for good, another ends well
	kill -KILL "$(cat anna.counts)"
	signal KILL anna
	kill -TERM "$(pid bert 1)"
	ends bert 0
	spread $((n + 1)) $((n + 1000))
	n=$((n + 1000))
	wait_for all "$n"
	counted "$n"
	runs carl
}

@test "what a group and an app do not go together with is refused" {
	topics 2
	"$topic" create "$t.b" 2
	"$topic" create "$t.c" 2
	in=("$bin/kstream-cat" -b "$b" --out "kafka:$t.out" --app "$app")
	run "${in[@]}" -G other --instance anna "$t"
	refused 64 "an app has a group of its own, '$app'"
	run "${in[@]}" -G "$app" "$t"
	refused 64 "--instance NAME"
	run "${in[@]}" -G "$app" --instance 0/2 "$t"
	refused 64 "--instance NAME"
	run "${in[@]}" --instance anna -t "$t"
	refused 64 "-G $app"
	run "${in[@]}" -G "$app" --instance 4you "$t"
	refused 64 "--instance '4you'"
	run "${in[@]}" -G "$app" --instance anna -X group.instance.id=bert "$t"
	refused 64 "group.instance.id"
	run "${in[@]}" -G "$app" --instance anna -X partition.assignment.strategy=cooperative-sticky "$t"
	refused 64 "cooperative-sticky is not"
	run "${in[@]}" -G "$app" --instance anna -X partition.assignment.strategy=roundrobin "$t.b" "$t.c"
	refused 78 "range"
	run "${in[@]}" -G "$app" --instance anna "^$t.*"
	refused 64 "an app reads topics that are named"
	# two ends that do not have the same name
	"$bin/kstream-cat" -b "$b" -G "$app" --app "$app" --instance anna "$t" 2>said |
		("$bin/kstream-cat" -b "$b" -P -t "$t.out" --app "$app" --instance bert 2>sink || echo $? >status)
	[ "$(cat status)" -eq 78 ]
	grep -q "anna" sink
	# a state that could not move
	"$bin/kstream-cat" -b "$b" -G "$app" --app "$app" --instance anna "$t" 2>said |
		("$bin/kstream-window" --app "$app" --running 'count()' 2>stage || echo $? >status) | "$bin/kstream-cat" -b "$b" -P -t "$t.out" --app "$app" \
		--instance anna 2>sink || :
	cat stage
	[ "$(cat status)" -eq 78 ]
	grep -q -e "--changelog" stage
}

@test "a barrier that names no member is not committed" {
	topics 1
	spread 1 50
	"$bin/kstream-cat" -b "$b" -G "$app" --app "$app" --instance anna "$t" -e | cat >frames
	/usr/bin/python3 - <<-'END'
		import struct
		# the msgpack bin behind the magic of librdkafka becomes nil, in each barrier
		out, data, at, n = b"", open("frames", "rb").read(), 0, 0
		while at < len(data):
		    size, kind = struct.unpack(">Ib", data[at + 1:at + 6])
		    payload = data[at + 6:at + 6 + size]
		    at += 6 + size
		    where = payload.find(b"CGMDv2:") if kind == 4 else -1
		    if where >= 0:
		        payload, n = payload[:where - 2] + b"\xc0", n + 1
		    out += b"\xc9" + struct.pack(">Ib", len(payload), kind) + payload
		assert n > 0
		open("frames", "wb").write(out)
	END
	status=0
	"$bin/kstream-cat" --app "$app" --instance anna -b "$b" -P -t "$t.out" <frames 2>said || status=$?
	cat said
	[ "$status" -eq 65 ]
	grep -q "which member" said
	[ -z "$(out)" ]
}

@test "members come, go, stop and are killed at random: exact" {
	run -0 /usr/bin/python3 "$drill/groups.py" --broker "$b" --bin "$bin" --seconds 15
	echo "$output"
}

@test "the same with a state that moves" {
	run -0 /usr/bin/python3 "$drill/groups.py" --broker "$b" --bin "$bin" --state --seconds 15
	echo "$output"
}

@test "layouts of 3, 2 and 4 instances, one behind another, killed and gone on with: exact" {
	run -0 /usr/bin/python3 "$drill/groups.py" --broker "$b" --bin "$bin" --layouts --seconds 8
	echo "$output"
}
