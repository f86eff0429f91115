#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# kstream-cat without Kafka: it copies, and its options for Kafka are checked before anything is contacted. The rest: tests/broker/cat.bats.

load lib

@test "cat: frames pass byte for byte, from a pipe, a file, several files" {
	printf '{"a":1}\n{"a":2}\n' | kstream-cat --from json >one
	kstream-cat one >out
	cmp one out
	kstream-cat <one >out
	cmp one out
	kstream-cat one one >two
	kstream-cat --to json two | diff - <(printf '{"a":1}\n{"a":2}\n{"a":1}\n{"a":2}\n')
	kstream-cat - one <one >out
	cmp two out
}

@test "cat: an empty input in, an empty section out" {
	kstream-cat --from json </dev/null >stream
	[ "$(kinds <stream)" = 'HELLO BARRIER END' ]
	try kstream-cat --to json stream
	expect 0 ''
}

@test "cat: -t names the topic of what is read" {
	printf '1\n' >file.json
	[ "$(kstream-cat --from json -t orders --to envelope file.json | jq -r .topic)" = orders ]
	[ "$(kstream-cat --from json --topic orders --to envelope <file.json | jq -r .topic)" = orders ]
	[ "$(kstream-cat --from json --to envelope file.json | jq -r .topic)" = file ]
}

@test "cat: an option for Kafka without a broker is refused by its long name" {
	local x
	for x in -P=producer -C=consumer -e=exit-eof -oend=offset -p1=partition -Xdebug:all=property --route=route --timeout:1s=timeout; do
		option=${x%=*}
		try kstream-cat "${option/:/=}" -t t /dev/null
		refused 64 kstream-cat "--${x##*=} is for Kafka: name a broker with -b" || fail "$x"
	done
}

@test "cat: what an option cannot take is refused" {
	local x
	for x in '-o x' '-o 1x' '-o 99999999999999999999' '-p x' '-p -2' '-p 1,' '-p ,1' '-p 2147483648' '-X x' '-X =x' \
		'--timeout 5' '--timeout 500ms' '--timeout 2d' '-o stored' '-o s@x' '-o e@-1'; do
		# shellcheck disable=SC2086
		try kstream-cat -b 127.0.0.1:1 -t t $x
		refused 64 kstream-cat || fail "$x"
	done
}

@test "cat: what does not go together is refused before Kafka is asked" {
	local options text
	: >file
	while IFS='|' read -r options text; do
		# shellcheck disable=SC2086 # words
		try timeout 2 kstream-cat -b 127.0.0.1:1 $options
		refused 64 kstream-cat "$text" || fail "$options"
	done <<-'END'
		|which topic
		-e|which topic
		-t a file|-b reads topics, not files
		-t a --in file|-b reads topics, not files
		-t a --route|--route is for -P
		-t a --from frames|--from json or --from raw
		-t a --from envelope|--from json or --from raw
		-P|-t TOPIC, or --route
		-P -t a -t b|one topic
		-P -t a -C|two commands
		-P -t a -e|-o and -e
		-P -t a -o end|-o and -e
		-P -t a -p 0,1|one partition
		-P -t a --out x|not to --out
		-P -t a --to envelope|--to json or --to raw
		-P -t a --to frames|--to json or --to raw
		-P -t a -J|--to json or --to raw
		-P -t a -f %s|-f is about what is printed
		-P -t a -K : --from raw file|leave out --from
		-P -t a -l --from json file|leave out --from
		-P -t a -k k --key .id file|add --from json
		-P -t a -L|different things
		-t a -C -Q|different things
		-t a -l|-l is about what -P writes
		-t a -H x=1|-H is about what -P writes
		-t a -f %s -J|-f is a format of its own
		-t a -f %s --to json|-f is a format of its own
		-t a -D , --to json|not about --to
		-L file|reads no file
		-L -t a -t b|one topic
		-L --to json|or with -J an object
		-L --offsets|which topic
		-t a --offsets|--offsets is for -L
		-Q|TOPIC:PARTITION:TIME
		-Q -t a|TOPIC:PARTITION:TIME
		-Q -t a:0|TOPIC:PARTITION:TIME
		-Q -t :0:0|TOPIC:PARTITION:TIME
		-Q -t a:-1:0|TOPIC:PARTITION:TIME
		-Q -t a:0:x|TOPIC:PARTITION:TIME
		-t a -m 0|number of seconds
		-t a -d nosuch|property 'debug'
		-P -t a -z nosuch|property 'compression.codec'
		-P -t a -H =x|not NAME=VALUE
	END
}

@test "cat: letters of kcat that are not there say what to use; an empty delimiter ends nothing" {
	local x
	for x in s r O M U; do
		try kstream-cat -b 127.0.0.1:1 -t t "-$x" x
		refused 64 kstream-cat "-$x: " || fail "$x"
	done
	for x in D K; do
		try kstream-cat -b 127.0.0.1:1 -P -t t "-$x" '' /dev/null
		refused 64 kstream-cat "-$x ''" || fail "$x"
	done
	try kstream-cat -L
	refused 64 kstream-cat "--list is for Kafka: name a broker with -b"
}

@test "cat: -X list and -X dump need no broker, and show no secret" {
	kstream-cat -X list | grep '^ssl.key.password '
	kstream-cat -X sasl.password=geheim -X ssl.key.password=geheim -X client.id=me -X dump >out
	grep -x 'client.id = me' out
	[ "$(grep -c geheim out)" -eq 0 ]
	grep 'sasl.password = (not shown)' out
}

@test "cat: --app with a broker that is not there is 69, soon, as without" {
	try timeout 20 kstream-cat -b 127.0.0.1:1 -t t --app a
	refused 69 kstream-cat 'cannot begin a run: 127.0.0.1:1'
	try_sh 'kstream-cat --from json --app a /dev/null | timeout 20 kstream-cat -b 127.0.0.1:1 -P -t t --app a'
	[[ "$(cat err)" == *'kstream-cat: cannot ask 127.0.0.1:1'* ]] || fail 'the sink'
	for words in '-G g' '-p 0' '-o s@1' '--since -1h'; do
		# shellcheck disable=SC2086
		try timeout 20 kstream-cat -b 127.0.0.1:1 -t t --app a $words
		refused 64 kstream-cat --app
	done
}

@test "cat: a property that is none, and one that is kstream's own; values are not shown" {
	try kstream-cat -b 127.0.0.1:1 -t t -X no.such=geheim
	refused 64 kstream-cat "no property 'no.such'"
	[[ "$(cat err)" != *geheim* ]]
	try kstream-cat -b 127.0.0.1:1 -t t -X ssl.ca.location=/nonexistent/geheim -X security.protocol=ssl
	refused 78 kstream-cat
	for x in enable.auto.commit group.instance enable.idempotence acks transactional.id message.timeout.ms; do
		try kstream-cat -b 127.0.0.1:1 -t t -X "$x=1"
		refused 64 kstream-cat "$x"
	done
}

@test "cat: nobody listens: 69, and soon" {
	local begin=$SECONDS
	try kstream-cat -b 127.0.0.1:1 -t t -e
	refused 69 kstream-cat 'Connection refused'
	try kstream-cat --from json -b 127.0.0.1:1 -P -t t /dev/null
	refused 69 kstream-cat 'Connection refused'
	[ $((SECONDS - begin)) -lt 10 ]
}

@test "cat: one signal ends the wait for an answer" {
	kstream-cat -b 127.0.0.1:1 -t t 2>err &
	pids=$!
	await 20 waits "$pids"
	kill -TERM "$pids"
	status_of "$pids"
	refused 69 kstream-cat
}

# Lines become frames a block at a time, whose heads differ in size and offset alone: one byte of it at first, in the end four.
@test "cat: each frame says the byte of its line, however many bytes that takes, and -c counts them" {
	"${PYTHON:-python3}" - >lines <<-'END'
		import json
		odd = {40: "", 41: "  ", 500: "{", 501: json.dumps("a" * 300, indent=1), 777: '{"i":1,"i":2}', 1200: '{"i": 3, "\u00e9": [null, {}]}'}
		for i in range(6000):
		    print(odd.get(i, json.dumps({"i": i, "side": "buy" if i * 7919 % 3 else "sell", "p": i / 4}, separators=(",", ":"))))
	END
	kstream-cat --from json --on-error skip lines 2>log >stream
	kstream-cat --to envelope <stream | jq -c '[.offset, .payload]' >got
	"${PYTHON:-python3}" - >want <<-'END'
		import json
		at = 0
		for line in open("lines", "rb"):
		    try:
		        print(json.dumps([at, json.loads(line)], separators=(",", ":"), ensure_ascii=False))
		    except ValueError:
		        pass
		    at += len(line)
	END
	diff <(jq -c . want) <(jq -c . got)
	[ "$(wc -l <got)" -eq 5997 ]
	kstream-cat --from json --on-error skip -c 5000 lines 2>/dev/null | kstream-cat --to envelope | jq -c '[.offset, .payload]' | diff <(head -n 5000 got) -
	kstream-cat --from json --on-error skip -v lines 2>&1 >/dev/null | grep -q ': 5998 in, 5997 out, .* 1 rejected, '
}
