#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# An app that is run each night up to --until, from topic to topic: scripts/examples/nightly.pipeline as it stands, and windows that straddle
# nights.  kcat writes and reads; Python computes what one run would give.

# shellcheck disable=SC2016,SC2154 # SC2154: what lib sets
load lib
load app

# feed HOUR:KEY:PRICE ...: trades at that hour, counted from today's midnight, each partition being one of the topic
feed() {
	local midnight=$(($(date -ud today +%s) / 86400 * 86400)) x hour key price
	for x in "$@"; do
		IFS=: read -r hour key price <<<"$x"
		jq -nc --arg k "$key" --argjson p "$price" --argjson t $(((midnight + hour * 3600 + 60) * 1000)) '{ts: $t, key: $k, payload: {price: $p}}'
	done | "$bin/kstream-cat" --from envelope -b "$b" -P -t "$t"
}

# results: key, hour and lowest price of each hour that has closed, as committed
results() {
	kcat -C -q -e -b "$b" -t "$t.out" -X isolation.level=read_committed -f '%k %s\n' |
		jq -rn --argjson m $(($(date -ud today +%s) / 86400 * 86400)) '[inputs] | _nwise(2) | "\(.[0].key) \(.[0].start / 3600000 - $m / 3600) \(.[1].low)"' | sort
}

@test "the pipeline of the example, each night: what is new before today, once; silent, locked, and hours of two nights whole" {
	example=$BATS_TEST_DIRNAME/../../scripts/examples/nightly.pipeline
	"$topic" create "$t" 2 message.timestamp.after.max.ms=9223372036854775807
	"$topic" create "$t.out" 2 message.timestamp.after.max.ms=9223372036854775807
	sed "s/--app nightly/--app $app/; s/-t trades-1h/-t $t.out/; s/-t trades /-t $t /" "$example" >today.pipeline
	sed "s/'today 00:00'/+40d/" today.pipeline >later.pipeline
	export BROKERS=$b PATH=$bin:$PATH
	night() { timeout 60 kstream-run --quiet --max-restarts 0 --file "$1" >out 2>&1; }
	# Far enough from today's midnight that the next may come while this runs.
	feed -60:a:5 -60:b:6 -59:a:7 -36:a:1 -36:a:3 -36:b:9 240:a:2 240:b:4 -36:b:8 # the last is too late for its hour, as it would be in one run
	night today.pipeline
	[ ! -s out ]
	first=$(results)
	[ "$(grep -c '^a ' <<<"$first")" = 2 ]
	night today.pipeline
	[ ! -s out ] && [ "$(results)" = "$first" ]
	# Of 24 hours later the example would stop behind all of it: what stood open is told then, and nothing comes twice.
	feed 250:a:1 250:b:1
	night later.pipeline
	[ ! -s out ]
	[ "$(results)" = "$(printf '%s\n' 'a -36 1' 'a -59 7' 'a -60 5' 'a 240 2' 'b -36 9' 'b -60 6' 'b 240 4' | sort)" ]
	night later.pipeline
	[ "$(results | wc -l)" = 7 ]
}

@test "nights killed half-way and done again are those of one run" {
	"$topic" create "$t" 3
	"$topic" create "$t.out" 3
	/usr/bin/python3 - >in <<-'END'
		import json, random
		random.seed(4)
		for t in range(1000, 61000, 10): print(json.dumps({"ts": max(0, t - random.randrange(500)), "key": "k%d" % random.randrange(9), "payload": {"x": t}}))
	END
	"$bin/kstream-cat" --from envelope -b "$b" -P -t "$t" <in
	windows=(--hop 3s --advance 1s --grace 1s --emit close 'n=count(), s=sum(.x)')
	night() { # night UNTIL
		"$bin/kstream-cat" --app "$app" -b "$b" -t "$t" --until "@$1" -e --commit-interval 20ms |
			"$bin/kstream-window" --app "$app" "${windows[@]}" | "$bin/kstream-cat" --app "$app" -b "$b" -P -t "$t.out"
	}
	for until in 5000 20000 20000 40000 61000; do
		set +e
		(set -o pipefail; night "$until") 2>err &
		pids=$!
		[ "$until" != 40000 ] || { sleep 0.4 && kill -KILL "$(pgrep -P "$pids" -f 'kstream-cat --app' | head -n 1)"; } 2>/dev/null
		wait "$pids"
		set -e
		run -0 bash -c "$(declare -f night); $(declare -p bin app b t windows); set -o pipefail; night $until"
		[ -z "$output" ]
	done
	"$bin/kstream-cat" -b "$b" -t "$t" -e --end paused | "$bin/kstream-window" "${windows[@]}" | "$bin/kstream-cat" --to envelope | jq -c '[.key, .payload]' | sort >want
	kcat -C -q -e -b "$b" -t "$t.out" -X isolation.level=read_committed -f '%k %s\n' | jq -c -n '[inputs] | _nwise(2)' | sort >got
	[ "$(wc -l <want)" -gt 400 ]
	diff want got
}

@test "--until and what cannot be with it" {
	"$topic" create "$t" 1
	run copy --until now -G "$app" --instance m1
	refused 64 '--until and -G'
	# by --time, which Kafka does not know
	numbers 1 9 | kcat -P -b "$b" -t "$t"
	copy --time .n --until @4
	diff <(numbers 1 3) <(written)
	copy --time .n --until @7
	diff <(numbers 1 6) <(written)
}

@test "several topics by time, each up to --until" {
	for x in a b out; do "$topic" create "$t.$x" 2; done
	for x in a b; do
		seq 1 40 | awk -v x=$x '{ printf "{\"ts\":%d,\"key\":\"k%d\",\"payload\":%d}\n", $1 * 1000, $1 % 5, $1 }' | "$bin/kstream-cat" --from envelope -b "$b" -P -t "$t.$x"
	done
	for until in 5000 5000 12000 100000; do
		"$bin/kstream-cat" -b "$b" --app "$app" --in "kafka:$t.a" --in "kafka:$t.b" --out "kafka:$t.out" --until "@$until"
		last=$((until / 1000 - 1 < 40 ? until / 1000 - 1 : 40))
		diff <(seq "$last" | sed p) <(written "$t.out")
		# in each partition they stand by their times
		kcat -C -q -e -b "$b" -t "$t.out" -X isolation.level=read_committed -f '%p %s\n' | awk '$2 < last[$1] { exit 1 } { last[$1] = $2 }'
	done
}
