#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154 # bin and pids are set by lib.bash
# kstream-cat and a cluster of three brokers, one of which dies: `make check-cluster`, which takes half a minute.
# It says what it waits for; where that takes longer than it may, it says what each process does.

load ../broker/lib

setup() {
	bin=${KSTREAM_BIN:?is the directory of the tools}
	kafka=$BATS_TEST_DIRNAME/../../scripts/kafka
	cd "$BATS_TEST_TMPDIR" || return
	"$kafka" up --cluster 3 --port 0 --dir "$PWD/kafka" 3>&-
	eval "$("$kafka" env --dir "$PWD/kafka")"
	b=$KSTREAM_BROKER
}

teardown() {
	local pid kin=
	for pid in ${pids-}; do kin+=" $pid $(below "$pid")"; done
	for pid in $kin; do kill -KILL "$pid" 2>/dev/null || :; done
	"$kafka" down --dir "$PWD/kafka"
}

below() { # below PID: all that it has started, and what that has
	local pid
	for pid in $(ps -o pid= --ppid "$1"); do
		echo "$pid"
		below "$pid"
	done
}

state() { # what is there, and where each of our processes stands
	local me=$BASHPID pid name
	for name in err failed feed; do if [ -e $name ]; then echo "$name, $(stat -c %s $name) bytes:" && tail -n 5 $name; fi; done
	timeout 10 kcat -L -b "$b" || echo "kcat -L: $?"
	for pid in $(below "$me"); do
		ps -o pid=,ppid=,stat=,wchan=,etime=,args= -p "$pid" || continue
		case $(cat "/proc/$pid/comm") in
		kcat | kstream-cat) timeout 20 gdb -p "$pid" -batch -ex 'thread apply all backtrace 12' 2>&1 </dev/null || cat "/proc/$pid/task"/*/wchan ;;
		esac
	done
}

step() { # step SECONDS WHAT COMMAND...: until it succeeds
	local begin=$SECONDS end=$((SECONDS + $1)) what=$2
	shift 2
	echo "$what"
	until "$@"; do
		if [ -e failed ] || [ "$SECONDS" -ge "$end" ]; then
			echo "not after $((SECONDS - begin)) s: $what"
			state
			return 1
		fi
		sleep 0.1
	done
}

gone() { local pid; for pid in "$@"; do if kill -0 "$pid" 2>/dev/null; then return 1; fi; done; }

# A broker knows of a new topic a moment after the one that made it, and kcat, too, asks any of them.
known() {
	local one
	for one in ${b//,/ }; do
		[ "$(timeout 10 kcat -L -J -b "$one" -t "$1" | jq '[.topics[0].partitions[] | select(.leader >= 0 and (.isrs | length) == 3)] | length')" = 3 ] || return
	done
}

leader() { timeout 10 kcat -L -J -b "$b" -t "$1" | jq '.topics[0].partitions[0].leader'; }

copied() { [ "$(timeout 10 kcat -C -q -e -b "$b" -t to 2>/dev/null | wc -l)" -ge "$1" ]; }

elected() { # another broker leads, as those that live say
	local now
	now=$(leader from) && [ -n "$now" ] && [ "$now" != -1 ] && [ "$now" != "$dead" ]
}

@test "a leader that is killed in the middle of a copy: it goes on, nothing is lost, nothing twice, order is kept" {
	echo "bootstrap.servers=$b" >admin.conf
	for topic in from to; do
		"$bin/../broker/acl" admin.conf topic $topic 3
		step 30 "that all brokers know of topic $topic" known $topic
	done
	: >feed # records in a steady flow; half of them come after the death
	/usr/bin/python3 - >feed 2>/dev/null 3>&- <<-'END' &
		import os, time
		for n in range(400):
		    while n >= 200 and not os.path.exists("killed"): time.sleep(0.02)
		    print("\n".join('{"n":%d}' % i for i in range(50 * n, 50 * n + 50)), flush=True)
		    time.sleep(0.02)
	END
	feeder=$!
	pids+=" $feeder"
	(tail -n +1 -f --pid=$feeder feed | cat_ --from json --key .n -b "$b" -P -t from || echo "writer: $?" >>failed) 2>>err 3>&- &
	writer=$!
	(cat_ -b "$b" -t from -c 20000 | cat_ -b "$b" -P -t to --commit-interval 500ms || echo "copy: $?" >>failed) 2>>err 3>&- &
	copy=$!
	pids+=" $writer $copy"
	step 40 'the first 1000 records in topic to' copied 1000
	dead=$(leader from)
	kill -KILL "$(cat "kafka/node$dead/broker.pid")"
	: >killed
	step 60 'the end of the writer and of the copy' gone $writer $copy
	cat err
	[ ! -e failed ]
	step 20 'another leader' elected
	step 30 'all 20000 in topic to' copied 20000
	timeout 30 kcat -C -q -e -b "$b" -t to -f '%p %s\n' >got
	[ "$(wc -l <got)" -eq 20000 ]
	sed 's/.*://; s/}//' got | sort -n | diff - <(seq 0 19999)
	for p in 0 1 2; do sed -n "s/^$p .*://p" got | tr -d '}' | sort -nc; done
}
