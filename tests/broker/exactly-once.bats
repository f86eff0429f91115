#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# --app between topics: what is committed, by whom, and what is refused.  kcat, which reads what is committed, judges.

# shellcheck disable=SC2154 # what lib sets
load lib
load app
export PYTHONDONTWRITEBYTECODE=1

drill=$BATS_TEST_DIRNAME/../drill
tools=$BATS_TEST_DIRNAME/../../build/drill/bin

@test "an app goes on where it stands, and nothing comes twice" {
	"$topic" create "$t" 3
	write 1 300
	copy
	diff <(numbers 1 300) <(written)
	run -0 copy -v
	[[ $output == *"0 in, 0 out"* ]]
	write 301 400
	copy
	diff <(numbers 1 400) <(written)
}

@test "what SIGTERM ends is committed to its end" {
	"$topic" create "$t" 2
	write 1 500
	"$bin/kstream-cat" -b "$b" --in "kafka:$t" --out "kafka:$t.out" --create-topics 1 --app "$app" --commit-interval 100ms &
	pids=$!
	wait_for bash -c "[ \$(kcat -C -q -e -b $b -t $t.out | wc -l) -eq 500 ]"
	kill -TERM "$pids"
	status=0
	wait "$pids" || status=$?
	pids=
	[ "$status" -eq 0 ]
	run -0 copy -v
	[[ $output == *"0 in, 0 out"* ]]
}

@test "each of two instances has its partitions, and both have all" {
	"$topic" create "$t" 5
	write 1 500
	copy --instance 1/2
	n=$(written | wc -l)
	[ "$n" -gt 0 ] && [ "$n" -lt 500 ]
	kcat -C -q -e -b "$b" -t "$t" -f '%p %s\n' | awk '$1 % 2 == 1 { print $2 }' | sort -V | diff - <(written)
	copy --instance 0/2
	diff <(numbers 1 500) <(written)
	run copy --instance 5/6
	refused 78 'there are fewer partitions than instances'
}

@test "routes, dead letters and late records are of the same transaction" {
	"$topic" create "$t" 1
	write 1 100
	echo '{"n":' | kcat -P -b "$b" -t "$t"
	write 101 200
	for x in even odd dead; do "$topic" create "$t.$x" 1; done
	"$bin/kstream-cat" -b "$b" -t "$t" --app "$app" -e --on-error "dlq:$t.dead" |
		"$bin/kstream-branch" --app "$app" "$t.even: .n % 2 == 0" "$t.odd: true" |
		"$bin/kstream-cat" --app "$app" -b "$b" -P --route
	[ "$(written "$t.even" | wc -l)" -eq 100 ] && [ "$(written "$t.odd" | wc -l)" -eq 100 ] && [ "$(written "$t.dead" | wc -l)" -eq 1 ]
	# nothing is there that was sent, and not committed: the sink dies behind the records, before their barrier
	write 201 300
	"$bin/kstream-cat" -b "$b" -t "$t" --app "$app" -e --on-error "dlq:$t.dead" |
		"$bin/kstream-branch" --app "$app" "$t.even: .n % 2 == 0" "$t.odd: true" | head -c 4000 |
		"$bin/kstream-cat" --app "$app" -b "$b" -P --route 2>said || status=$?
	grep -q 'ends' said
	[ "$(written "$t.even" | wc -l)" -eq 100 ] && [ "$(written "$t.odd" | wc -l)" -eq 100 ]
}

@test "a file that grows goes to a topic once" {
	file() { "$bin/kstream-cat" --from json --app "$app" in.jsonl | "$bin/kstream-cat" --app "$app" -b "$b" -P -t "$t.out" --create-topics 1; }
	numbers 1 100 >in.jsonl
	file
	numbers 101 150 >>in.jsonl
	file
	diff <(numbers 1 150) <(written)
	# Kafka has committed what the ledger does not have yet: the sink of the next run finds out, and its source waits for that
	dir=$KSTREAM_STATE_DIR/$app/0
	cp "$dir/ledger" before
	numbers 151 160 >>in.jsonl
	file
	cp "$dir/ledger" "$dir/ledger.next"
	sed -i 's/^run .*/run 3/' before
	cp before "$dir/ledger"
	numbers 161 170 >>in.jsonl
	file
	diff <(numbers 1 170) <(written)
	[ ! -e "$dir/ledger.next" ]
	# an older copy of the ledger would send again what was sent
	cp before "$dir/ledger"
	run file
	[ "$status" -eq 78 ] && [[ $output == *'one of them is an older copy'* ]]
	diff <(numbers 1 170) <(written)
}

@test "a tool with --in and --out is such a pipeline by itself" {
	"$topic" create "$t" 2
	write 1 100
	for _ in 1 2; do
		"$bin/kstream-filter" -b "$b" --app "$app" --in "kafka:$t" -e --out "kafka:$t.out" --create-topics 1 '.n % 10 == 0'
	done
	[ "$(written | wc -l)" -eq 10 ]
}

@test "what cannot be committed exactly once is refused, not weakened" {
	"$topic" create "$t" 1
	write 1 10
	run bash -c "'$bin/kstream-cat' -b '$b' -t '$t' --app '$app' -e | '$bin/kstream-cat' --to json"
	[ "$status" -eq 78 ] && [[ $output == *'cannot be written exactly once'* ]]
	run "$bin/kstream-cat" -b "$b" -t "$t" --app "$app" -e --to json
	refused 78 'cannot be written exactly once'
	numbers 1 3 >in.jsonl
	run bash -c "'$bin/kstream-cat' --from json --app '$app.f' in.jsonl | '$bin/kstream-cat' --app '$app.f' -b '$b' -P --route"
	[ "$status" -eq 78 ] && [[ $output == *'--route needs a -t'* ]]
	run bash -c "'$bin/kstream-cat' -b '$b' -t '$t' --app '$app' -e | '$bin/kstream-cat' -b '$b' -P -t '$t.out' --create-topics 1"
	[ "$status" -eq 78 ] && [[ $output == *"give --app $app here, too"* ]]
	# a program that does not count what it passes on
	run bash -c "'$bin/kstream-cat' -b '$b' -t '$t' --app '$app' -e | /usr/bin/python3 -c '
import sys, msgpack
for m in msgpack.Unpacker(sys.stdin.buffer, raw=True, strict_map_key=False):
    body = msgpack.unpackb(m.data, raw=True, strict_map_key=False)
    if m.code == 4: body[4] = None
    p = msgpack.packb(body)
    sys.stdout.buffer.write(b\"\\xc9\" + len(p).to_bytes(4, \"big\") + bytes([m.code]) + p)' | '$bin/kstream-cat' --app '$app' -b '$b' -P -t '$t.out'"
	[ "$status" -eq 78 ] && [[ $output == *'does not count records'* ]]
	for words in '-G g' '-p 0' '--since -1h' '-o e@1' '-o s@1' '--verify'; do
		# shellcheck disable=SC2086
		run copy $words
		[ "$status" -eq 64 ] && [[ $output == *'--app'* ]]
	done
	[ -z "$(written)" ]
}

@test "offsets that somebody else has committed are no place to go on from" {
	"$topic" create "$t" 2
	write 1 20
	copy
	"$topic" stored "$app" "$t" 0 3
	run copy
	refused 78 "something else than this app has committed the offsets of group '$app'"
	[ "$(written | wc -l)" -eq 20 ]
}

@test "two runs at once: one of them, and on another machine the later one" {
	"$topic" create "$t" 1
	write 1 10
	"$bin/kstream-cat" -b "$b" --in "kafka:$t" --out "kafka:$t.out" --create-topics 1 --app "$app" --commit-interval 50ms 2>first &
	pids=$!
	wait_for bash -c "[ \$(kcat -C -q -e -b $b -t $t.out | wc -l) -eq 10 ]"
	run copy
	refused 75 'another source of this app and instance is running'
	KSTREAM_STATE_DIR=elsewhere copy
	write 11 20
	status=0
	wait "$pids" || status=$?
	pids=
	[ "$status" -eq 75 ]
	grep -q 'taken over' first
	copy
	diff <(numbers 1 20) <(written)
}

drill() { /usr/bin/python3 "$drill/drill.py" --broker "$b" --bin "$bin" --query "$bin" "$@"; }

@test "a state at rest of an app whose offsets Kafka keeps is told as of its last barrier" {
	"$topic" create "$t" 2
	"$topic" create "$t.out" 2
	for n in 3 4; do
		seq $n | sed 's/.*/k&|{"n":&}/' | kcat -P -b "$b" -t "$t" -K '|'
		"$bin/kstream-window" -b "$b" --app "$app" --in "kafka:$t" -e --out "kafka:$t.out" --running 'count()'
	done
	# it cannot know by itself that the last epoch is committed
	[ "$("$bin/kstream-query" --offline "$app/window" | jq -c '[.key, .value, .committed]' | sort | tr '\n' ' ')" = \
		'["k1",2,false] ["k2",2,false] ["k3",2,false] ["k4",1,false] ' ]
}

@test "drill: four stages, kill -9 at random" {
	drill --shape join --seconds 25
}

@test "drill: kill -9 and zombies, each run on a host of its own" {
	drill --shape hosts --seconds 15
}

@test "drill: kill -9 between a file and a topic, at random and at each step" {
	drill --shape files --interval 5ms --seconds 8
	drill --shape files --bin "$tools" --points 1
	# one that was stopped does not take what a later run has committed for damage
	drill --shape files --bin "$tools" --stops --step sink-hello
}

@test "drill: each of four stages ends at each step" {
	drill --shape join --bin "$tools" --points 1
	# no step is left out; those of a changed layout are in layouts.bats, of a restore in changelog.bats, of a reset in reset.bats
	diff <(grep -rhoP 'ks_point\("\K[^"]+' "$drill/../../lib" | grep -v '^reset-' | sort -u) \
		<(/usr/bin/python3 -c 'import sys; sys.path.insert(0, sys.argv[1]); import shapes
print(*sorted({point for shape in shapes.SHAPES.values() for _, point in shape(None).points()} | {"barrier-forwarded-too-early"}
    | {"owner-fenced", "owner-read", "owner-sent", "owner-taken", "restoring"}
    | {"move-" + x for x in "merged clearing cleared spilled ending ended".split()}), sep="\n")' "$drill")
}

@test "drill: each rule holds, and without it there is damage" {
	/usr/bin/python3 "$drill/directed.py" --broker "$b" --bin "$tools"
}
