#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154 # bin and pids are set by lib.bash
# kstream-cat and a cluster of three brokers, one of which dies: `make check-cluster`, which takes half a minute.

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
	local pid
	for pid in ${pids-}; do
		if kill -KILL "$pid" 2>/dev/null; then wait "$pid" 2>/dev/null || :; fi
	done
	"$kafka" down --dir "$PWD/kafka"
}

leader() { kcat -L -J -b "$b" -t "$1" | jq '.topics[0].partitions[0].leader'; }

@test "a leader that is killed in the middle of a copy: it goes on, nothing is lost, nothing twice, order is kept" {
	echo "bootstrap.servers=$b" >admin.conf
	for topic in from to; do "$bin/../broker/acl" admin.conf topic $topic 3; done
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
	copied() { [ "$(kcat -C -q -e -b "$b" -t to | wc -l)" -ge 1000 ]; }
	wait_for copied || cat err
	dead=$(leader from)
	kill -KILL "$(cat "kafka/node$dead/broker.pid")"
	: >killed
	wait $writer $copy
	cat err
	[ ! -e failed ]
	[ "$(leader from)" != "$dead" ]
	kcat -C -q -e -b "$b" -t to -f '%p %s\n' >got
	[ "$(wc -l <got)" -eq 20000 ]
	sed 's/.*://; s/}//' got | sort -n | diff - <(seq 0 19999)
	for p in 0 1 2; do sed -n "s/^$p .*://p" got | tr -d '}' | sort -nc; done
}
