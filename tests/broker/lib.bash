# SPDX-License-Identifier: MIT
# What the broker tests of kstream-cat share. They run against the real Kafka of KSTREAM_BROKER; kcat and tests/broker/topic.c, both without
# kstream, make the topics and judge what is in them.
# shellcheck shell=bash disable=SC2034,SC2154

setup_test() { # each test has topics and a directory of its own
	b=${KSTREAM_BROKER:?is set by scripts/run-tests tests/broker/cat-read.bats}
	bin=${KSTREAM_BIN:?is the directory of the tools}
	topic=$bin/../broker/topic
	t=cat.$$.$BATS_TEST_NUMBER
	cd "$BATS_TEST_TMPDIR" || return
}

setup() { setup_test; }

# Where a test stopped the broker, it goes on; what a test left running is ended, by its number.
teardown() {
	local pid
	if [ -s "${KSTREAM_KAFKA_DIR-}/broker.pid" ]; then kill -CONT "$(cat "$KSTREAM_KAFKA_DIR/broker.pid")"; fi
	for pid in ${pids-}; do
		if kill -KILL "$pid" 2>/dev/null; then wait "$pid" 2>/dev/null || :; fi
	done
}

cat_() { "$bin/kstream-cat" "$@"; }

refused() { # refused STATUS TEXT: by one line on stderr that has the text
	echo "$output"
	[ "$status" -eq "$1" ] && [ "${#lines[@]}" -eq 1 ] && [[ $output == "kstream-cat: "*"$2"* ]]
}

numbers() { seq "$1" "$2" | sed 's/.*/{"n":&}/'; } # numbers FIRST LAST: JSON lines

judge() { kcat -C -q -e -b "$b" -t "$t" -f '%p %o %k %s\n'; } # what is in the topic, as kcat sees it

last_byte() { tail -c 1 "$1" | od -An -tu1 | tr -d ' '; } # of a file of frames: 1 paused, 2 complete

wait_for() { # wait_for COMMAND...: at most 40 s
	local end=$((SECONDS + 40))
	until "$@" >/dev/null 2>&1; do
		if [ "$SECONDS" -ge "$end" ]; then
			echo "waited in vain for: $*"
			return 1
		fi
		sleep 0.1
	done
}

lines_of() { [ "$(wc -l <"$1")" -ge "$2" ]; }

# The version of librdkafka, which kcat runs with, too: 20002 is 2.0.2.
library() { kcat -V | sed -n 's/.*librdkafka \([0-9]*\)\.\([0-9]*\)\.\([0-9]*\).*/\1 \2 \3/p' | awk '{ print $1 * 10000 + $2 * 100 + $3 }'; }
