#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# --changelog: state that is lost, old, or another instance's comes from a topic, and what comes out is what an app puts out that nothing
# has happened to.  kcat judges.

# shellcheck disable=SC2154 # what lib sets
load lib
load app
export PYTHONDONTWRITEBYTECODE=1

feed() { # feed FIRST LAST: records of 40 keys, and rows of a second topic
	seq "$1" "$2" | awk '{ printf "k%d|{\"v\":%d,\"f\":\"k%d\"}\n", $1 * 7 % 40, $1, $1 * 3 % 40 }' |
		kcat -P -b "$b" -t "$t" -K '|' -X partitioner=murmur2_random
	seq "$1" 5 "$2" | awk '{ printf "k%d|{\"w\":%d}\n", $1 * 11 % 40, $1 }' | kcat -P -b "$b" -t "$t.r" -K '|' -X partitioner=murmur2_random
}

tool() { # tool KIND APP [OPTION...]: what there is, from the topic to APP.out
	local kind=$1 app=$2 args=()
	shift 2
	case $kind in
	window) args=(kstream-window --tumble 1d --grace 1d 'n=count(), s=sum(.v)') ;;
	sessions) args=(kstream-window --session 1h --emit close 'n=count()') ;;
	counts) args=(kstream-window --running --memory 1M 'n=count()') ;;
	table) args=(kstream-table --changes) ;;
	streams) args=(kstream-join --in "kafka:$t.r" --stream "$t" --stream "$t.r" --within 1h --left --order time) ;;
	foreign) args=(kstream-join --in "kafka:$t.r" --table "$t" --table "$t.r" --foreign-key .f) ;;
	esac
	"${tools:-$bin}/${args[0]}" -b "$b" --in "kafka:$t" "${args[@]:1}" --out "kafka:$app.out" --create-topics 3 --app "$app" \
		--changelog "$app.log" -e "$@"
}

out() { kcat -C -q -e -b "$b" -t "$1.out" -f '%p %k %s\n' | sort -s -k 1,2; } # out APP: in the order of each key

same() { # same APP APP: they put out the same
	diff <(out "$1") <(out "$2") >difference || { head -n 5 difference; return 1; }
}

both() { # both KIND [OPTION...]: an app that nothing happens to, and one with a state directory of its own
	KSTREAM_STATE_DIR=$PWD/calm tool "$1" "$t.calm" && tool "$1" "$t.lossy" "${@:2}"
}

create() {
	"$topic" create "$t" 3
	"$topic" create "$t.r" "${1:-3}"
}

lossy() { # lossy KIND [PARTITIONS]: the state goes, and then it is an older copy
	create "${2:-3}"
	feed 1 400
	both "$1"
	cp -a state state.old
	feed 401 700
	both "$1"
	rm -r state
	feed 701 900
	both "$1" -v 2>said
	cat said
	grep -q "restored . partitions\\? from '$t.lossy.log': [0-9]* records" said
	feed 901 1000
	both "$1" -v 2>said
	run ! grep restor said
	rm -r state
	mv state.old state
	feed 1001 1200
	both "$1" -v 2>said
	grep -q restored said
	feed 1201 1300
	both "$1"
	[ "$(out "$t.calm" | wc -l)" -gt 100 ]
	same "$t.calm" "$t.lossy"
}

@test "windows: a state that is lost, or an older copy" { lossy window; }
@test "a table: a state that is lost, or an older copy" { lossy table; }
@test "two streams: a state that is lost, or an older copy" { lossy streams; }
@test "a foreign key: a state that is lost, or an older copy" { lossy foreign 2; }

@test "3, 2 and 4 instances: each has the state of what it reads" {
	"$topic" create "$t" 5
	"$topic" create "$t.r" 5
	for kind in window table; do
		last=0
		for n in 3 2 4 1 2; do
			feed $((last + 1)) $((last + 200))
			last=$((last + 200))
			KSTREAM_STATE_DIR=$PWD/calm tool "$kind" "$t.$kind.calm"
			for ((i = 0; i < n; i++)); do tool "$kind" "$t.$kind.moved" --instance "$i/$n"; done
		done
		same "$t.$kind.calm" "$t.$kind.moved"
	done
}

@test "without it another layout is refused, and with it the state goes on" {
	create
	feed 1 100
	plain() { "$bin/kstream-table" -b "$b" --in "kafka:$t" --out "kafka:$t.out" --create-topics 3 --app "$app" -e "$@"; }
	plain
	run plain --instance 1/2
	echo "$output"
	[ "$status" -eq 78 ]
	[[ $output == "kstream-table: $t/1 was last read by instance 0/1 of app '$app', which has its state: give --changelog TOPIC"* ]]
	run plain --instance 0/2
	[ "$status" -eq 78 ]
	[[ $output == *"has partition 1, which this instance does not read any more: give --changelog TOPIC"* ]]
	plain
	# given later, it begins with all that there is
	plain --changelog "$t.log"
	for i in 0 1; do plain --changelog "$t.log" --instance "$i/2" -v 2>said; done
	grep -q 'restored 1 partition from' said
	# what the layout before has left behind is of no use any more, and so it is restored
	plain --changelog "$t.log" -v 2>said
	grep -q restored said
	feed 101 200
	plain --changelog "$t.log"
	diff <(kcat -C -q -e -b "$b" -t "$t" -f '%k %s\n' | sort) <(kcat -C -q -e -b "$b" -t "$t.out" -f '%k %s\n' | sort)
}

@test "a changelog that the app went on without is refused until it is told again" {
	create
	plain() { "$bin/kstream-table" -b "$b" --in "kafka:$t" --out "kafka:$t.out" --create-topics 3 --app "$app" -e "$@"; }
	feed 1 100
	plain --changelog "$t.log"
	feed 101 200
	plain
	mv state kept
	run plain --changelog "$t.log"
	echo "$output"
	[ "$status" -eq 78 ]
	[[ $output == "kstream-table: changelog '$t.log' has partition "*" is committed: the app went on without it"* ]]
	rm -r state
	mv kept state
	plain --changelog "$t.log"
	rm -r state
	plain --changelog "$t.log" -v 2>said
	grep -q 'restored 3 partitions' said
}

@test "a changelog of something else, of other partitions, or that forgets is refused" {
	create
	feed 1 100
	tool window "$t.a"
	rm -r state
	run "$bin/kstream-window" -b "$b" --in "kafka:$t" --tumble 2d 'n=count()' --out "kafka:$t.a.out" --app "$t.a" --changelog "$t.a.log" -e
	[ "$status" -eq 78 ]
	[[ $output == "kstream-window: changelog '$t.a.log' was made with windows --tumble"*', which is now windows --tumble'* ]]
	run tool window "$t.a" --changelog "$t.none"
	[ "$status" -eq 78 ]
	"$topic" create "$t.empty" 3 cleanup.policy=compact
	run tool window "$t.a" --changelog "$t.empty"
	echo "$output"
	[ "$status" -eq 78 ]
	[[ $output == "kstream-window: changelog '$t.empty' has no state of partition 0 of app '$t.a'"* ]]
	"$topic" create "$t.b.log" 2 cleanup.policy=compact
	run tool window "$t.b"
	[ "$status" -eq 78 ]
	[[ $output == *"changelog '$t.b.log' has 2 partitions, and what is read has 3"* ]]
	"$topic" create "$t.c.log" 3 cleanup.policy=delete
	run tool window "$t.c"
	[ "$status" -eq 78 ]
	[[ $output == *"changelog '$t.c.log' forgets by age: set its cleanup.policy to compact"* ]]
	run tool window "$t.d" --changelog "$t.d.out"
	[ "$status" -eq 78 ]
	[[ $output == *"is a changelog, and an output, too"* ]]
}

@test "a changelog that was compacted restores the same" {
	create
	"$topic" create "$t.lossy.log" 3 cleanup.policy=compact segment.ms=100 min.cleanable.dirty.ratio=0.001 delete.retention.ms=100 max.compaction.lag.ms=200
	log_size() { kcat -C -q -e -b "$b" -t "$t.lossy.log" -f '.\n' | wc -l; }
	for i in 0 1 2 3 4 5; do
		feed $((i * 200 + 1)) $((i * 200 + 200))
		both table
		before=$(log_size)
	done
	# a segment is closed by what comes behind it
	for ((i = 0; i < 60; i++)); do
		feed $((2000 + i)) $((2000 + i))
		both table
		[ "$(log_size)" -ge "$before" ] || break
		sleep 0.5
	done
	[ "$(log_size)" -lt "$before" ]
	rm -r state
	feed 3001 3200
	both table -v 2>said
	grep -q restored said
	same "$t.calm" "$t.lossy"
}

@test "a restore that dies at any of its steps is done by the next run" {
	local point from=6000
	create
	many() { seq "$1" "$2" | awk '{ printf "k%d|{}\n", $1 % 5000 }' | kcat -P -b "$b" -t "$t" -K '|' -X partitioner=murmur2_random; }
	many 1 6000
	both counts
	cp -a state state.old
	for point in move-merged:1 move-clearing:1 move-cleared:1 restoring:2000 move-spilled:1 move-ending:1 move-ended:1; do
		many $((from + 1)) $((from + 500))
		from=$((from + 500))
		both counts
		rm -r state
		cp -a state.old state
		run env KSTREAM_FAIL="$point" "$BASH" -c "$(declare -f tool); b=$b t=$t bin=$bin tools=$bin/../drill/bin; tool counts $t.lossy"
		echo "$point: $status $output"
		[ "$status" -eq 137 ]
	done
	both counts
	many 1 100
	both counts
	[ "$(out "$t.calm" | wc -l)" -gt 5000 ]
	same "$t.calm" "$t.lossy"
}

@test "what somebody else has written to a changelog is refused, and named" {
	local i=0 keys
	create
	feed 1 60
	# no key, one of 5 bytes, one of another partition, an entry whose value is another's, one of 10 MB
	keys=('' '\x80\0\0\0x' '\x80\0\0\x01\x80\0\0\0\0\0\0\0\xa1a' '\x80\0\0\0\x80\0\0\0\0\0\0\0\xa1a' '\x80\0\0\0\x80\0\0\0\0\0\0\0\xa1b')
	for key in "${keys[@]}"; do
		i=$((i + 1))
		"$topic" create "$t.$i.log" 3 cleanup.policy=compact max.message.bytes=12000000
		tool table "$t.$i"
		rm -r state
		printf '%b' "$key" >key
		{ cat key; printf '|'; if [ "$i" -eq 5 ]; then head -c 10000000 /dev/zero | tr '\0' x; else printf 'x'; fi; } >record
		[ "$i" -gt 1 ] || printf '|x' >record
		kcat -P -b "$b" -t "$t.$i.log" -p 0 -K '|' -D $'\n' -X message.max.bytes=12000000 <record
		run tool table "$t.$i"
		echo "$i: $output"
		[ "$status" -eq 78 ] && [ "${#lines[@]}" -eq 1 ]
		[[ $output == "kstream-table: kafka:$t.$i.log, partition 0, offset "*": this is no record of a changelog: give --changelog a topic of its own" ]] ||
			[[ $i -eq 5 && $output == "kstream-cat: $t.5.log/0@"*": the record is larger than --max-record allows" ]]
	done
}
