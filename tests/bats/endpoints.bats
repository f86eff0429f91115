#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# --in and --out kafka:TOPIC without a broker: the command line, and the kstream-cat that is run.  With one: tests/broker/endpoints.bats.

load lib.bash

# fake STATUS: a kstream-filter with a kstream-cat beside it that keeps what it was given
fake() {
	mkdir -p alone
	cp "$(command -v kstream-filter)" alone/
	cat >alone/kstream-cat <<-END
		#!/bin/sh
		case \$1 in --in=*) end=in ;; *) end=out ;; esac
		printf '%s\n' "\$@" >args.\$end
		cat >/dev/null
		exit $1
	END
	chmod +x alone/kstream-cat
}

@test "endpoints: each child is given what is for its end, in words that cannot be others" {
	fake 0
	try alone/kstream-filter -b h:1 --in kafka:--version --in 'kafka:a b' --out 'kafka:-P;x' -e -o -3 -p 0,2 -X a=b --timeout 5s --key .k \
		--time .t --time-unit s --on-bad-time drop --on-error file:-bad --from raw --key-from raw --to json --key-to json -c 5 --end paused \
		--commit-interval 2s --max-record 1M --route --as x --only y -q -vv true
	tr '\n' '|' <args.in >in
	tr '\n' '|' <args.out >out
	[ "$(cat in)" = "--in=kafka:--version|--in=kafka:a b|--to=frames|--bootstrap-server=h:1|--exit-eof|--offset=-3|--partition=0,2|--property=a=b|\
--timeout=5s|--key=.k|--time=.t|--time-unit=s|--on-bad-time=drop|--on-error=file:-bad|--from=raw|--key-from=raw|--max-messages=5|--end=paused|\
--commit-interval=2s|--max-record=1M|--quiet|--verbose|" ] || fail "$(cat in)"
	[ "$(cat out)" = "--out=kafka:-P;x|--bootstrap-server=h:1|--property=a=b|--timeout=5s|--on-error=file:-bad|--to=json|--key-to=json|\
--max-record=1M|--route|--quiet|--verbose|" ] || fail "$(cat out)"
}

@test "endpoints: the rarer options, each to its end" {
	fake 0
	try alone/kstream-filter --in kafka:a --out kafka:b -F f -G g -d broker -m 5 -E --isolation read_committed --max-idle 1s --since @0 \
		--until now --order arrival --idle 30s -z lz4 --create-topics 3 --verify true
	tr '\n' '|' <args.in >in
	tr '\n' '|' <args.out >out
	[ "$(cat in)" = "--in=kafka:a|--to=frames|--config=f|--group=g|--debug=broker|--metadata-timeout=5|--keep-trying|--isolation=read_committed|\
--max-idle=1s|--since=@0|--until=now|--order=arrival|--idle=30s|" ] || fail "$(cat in)"
	[ "$(cat out)" = "--out=kafka:b|--config=f|--debug=broker|--metadata-timeout=5|--keep-trying|--compression=lz4|--create-topics=3|--verify|" ] ||
		fail "$(cat out)"
	for x in -L -Q -C -l -T -u -Z --offsets; do
		try alone/kstream-filter "$x" --in kafka:a true
		refused 64 kstream-filter "unknown option '$x'" || fail "$x"
	done
}

@test "endpoints: ps shows no value of -X that the tool was given" {
	fake 0
	printf '#!/bin/sh\nexec sleep 2\n' >alone/kstream-cat
	alone/kstream-filter -X sasl.password=geheim --in kafka:a --to json true 2>err &
	pids=$!
	for _ in {1..50}; do
		if tr '\0' '\n' <"/proc/$pids/cmdline" | grep -qx 'sasl.password=\*\*\*\*\*\*'; then break; fi
		sleep 0.1
	done
	tr '\0' '\n' <"/proc/$pids/cmdline" | grep -x 'sasl.password=\*\*\*\*\*\*'
	kill -TERM "$pids"
	status_of "$pids"
}

@test "endpoints: a child that ends without a word and without a stream" {
	fake 0
	try alone/kstream-filter --in kafka:a --to json true
	refused 75 kstream-filter 'kafka:a ends before a stream began'
	fake 99
	try alone/kstream-filter --in kafka:a --to json true
	refused 75 kstream-filter 'the kstream-cat that reads kafka:a ended with status 99'
	try_sh 'echo 1 | alone/kstream-filter --from json --out kafka:a true'
	refused 75 kstream-filter 'the kstream-cat that writes kafka:a ended with status 99'
}

@test "endpoints: no kstream-cat beside the tool, nor in PATH" {
	mkdir alone
	cp "$(command -v kstream-filter)" alone/
	try env PATH=/nonexistent alone/kstream-filter --in kafka:a --to json true
	refused 69 kstream-filter 'there is no kstream-cat'
	mkdir other
	printf '#!/bin/sh\nexit 98\n' >other/kstream-cat
	chmod +x other/kstream-cat
	try env PATH="$PWD/other:$PATH" alone/kstream-filter --in kafka:a --to json true
	refused 75 kstream-filter 'ended with status 98'
}

@test "endpoints: a broker must be named" {
	try kstream-filter --in kafka:a --to json true
	refused 64 kstream-cat 'name one with -b'
	try_sh 'echo 1 | kstream-filter --from json --out kafka:a true'
	refused 64 kstream-cat 'name one with -b'
	try kstream-cat --in kafka:a --out kafka:b
	refused 64 kstream-cat 'name one with -b'
}

@test "endpoints: what cannot be is refused before anything runs" {
	echo 1 >file
	try kstream-filter -b h:1 --in kafka:a --in file true
	refused 64 kstream-filter 'cannot be read together'
	try kstream-filter -b h:1 true kafka:a file
	refused 64 kstream-filter 'cannot be read together'
	try kstream-filter -b h:1 --in kafka: true
	refused 64 kstream-filter 'names no topic'
	try kstream-filter -b h:1 --out kafka: true
	refused 64 kstream-filter 'names no topic'
	try kstream-filter -b h:1 --in "kafka:$(head -c 250 /dev/zero | tr '\0' a)" true
	refused 64 kstream-filter 'names no topic'
	try kstream-filter -b h:1 --in kafka:a,b true
	refused 64 kstream-filter 'names no topic'
	try kstream-filter -b h:1 --from json true file
	refused 64 kstream-filter '--bootstrap-server is for --in kafka:TOPIC or --out kafka:TOPIC'
	try kstream-filter -b h:1 --from json --out kafka:a -e true file
	refused 64 kstream-filter '--exit-eof is for --in kafka:TOPIC'
	try kstream-filter -b h:1 -t orders true
	refused 64 kstream-filter '-t orders is --in kafka:orders'
	try kstream-filter -b h:1 --in kafka:a --route true
	refused 64 kstream-filter '--route is for --out kafka:TOPIC'
	try kstream-filter -b h:1 --in kafka:a -t b true
	refused 64 kstream-filter '--in kafka:b'
	try kstream-filter -b h:1 --in kafka:a --out kafka:b --count true
	refused 64 kstream-filter 'an answer'
	try kstream-filter -b h:1 --from json --out kafka:b true nofile
	refused 66 kstream-filter "'nofile'"
	try kstream-filter -P true
	refused 64 kstream-filter "unknown option '-P'"
	try kstream-cat -b h:1 --in kafka:a --out kafka:b -C
	refused 64 kstream-cat '-C prints'
	try kstream-cat -b h:1 -P -t a --out kafka:b
	refused 64 kstream-cat 'leave out -P'
}

@test "endpoints: a child that is asked twice to end still says END" {
	seq 300000 >big
	mkfifo pipe
	local me=$BASHPID
	exec 9</dev/null
	KSTREAM_CHILD=$me:9 kstream-cat --from json big >pipe 2>err &
	pids=$!
	exec 8<pipe 9<&-
	sleep 0.3 # it writes, and nobody reads
	kill -TERM "$pids"
	sleep 0.1
	kill -TERM "$pids"
	sleep 0.1
	cat <&8 >out
	status_of "$pids"
	expect 0
	[[ "$(frames print END <out)" == *'"paused"'* ]]
}
