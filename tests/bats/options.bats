#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What the shared options cannot take, and what the messages say to do about it.

load lib

@test "options: what each cannot take is 64 and one line that names it" {
	local option value tool
	printf '1\n' >in
	while read -r option; do
		for value in '' -1 1x 18446744073709551616 0; do
			case $option:$value in
			--in:?* | --out:?* | --topic:?* | --as:?* | --app:?* | --stage:?* | --state-dir:?* | --only:?* | --key:* | --time:*) continue ;;
			--partition:-1 | --partition:0 | --offset:-1 | --offset:0 | --grace:0 | --bootstrap-server:?*) continue ;;
			--max-depth:0) ;;
			esac
			tool=kstream-cat
			case $option in
			--tumble | --grace | --emit) set -- kstream-window --tumble 1m 'count()' ;;
			--partition | --offset | --property | --timeout | --bootstrap-server) set -- kstream-cat -b 127.0.0.1:1 -t t ;;
			--time-unit | --on-bad-time) set -- kstream-cat --from json --time . ;;
			*) set -- kstream-cat --from json --app x ;;
			esac
			tool=$1
			try "$@" "$option" "$value" </dev/null
			refused 64 "$tool" "$option" || fail "$option '$value'"
			[ ! -s out ] || fail "$option '$value'"
		done
	done <<-'END'
		--in
		--out
		--from
		--to
		--topic
		--time-unit
		--on-bad-time
		--on-error
		--only
		--as
		--stage
		--app
		--guarantee
		--instance
		--state-dir
		--max-messages
		--end
		--commit-interval
		--key-from
		--key-to
		--max-record
		--max-key
		--max-depth
		--expr-limit
		--tumble
		--grace
		--emit
		--partition
		--offset
		--property
		--timeout
		--bootstrap-server
	END
	for option in --key --time; do
		for value in '' '.a +' 1x '-'; do
			try kstream-cat --from json "$option" "$value" in
			refused 64 kstream-cat || fail "$option '$value'"
		done
	done
	for value in 1/1 0/0 /1 0/ 0/18446744073709551616; do
		try kstream-cat --from json --instance "$value" in
		refused 64 kstream-cat || fail "$value"
	done
	try kstream-cat --from json ''
	refused 64 kstream-cat
	[ ! -e state ]
}

@test "options: --guarantee is about an app, whose source says it" {
	printf '1\n' >in.json
	local x
	for x in exactly-once at-least-once; do
		try kstream-cat --from json --to json --guarantee "$x" in.json
		refused 64 kstream-cat "--guarantee $x is about an --app NAME"
	done
	try kstream-cat --app t --guarantee exactly-once --from json --to json in.json
	refused 78 kstream-cat 'give the source --guarantee at-least-once, or none'
	try kstream-cat --app t --guarantee none --instance 0/2 --from json --to json in.json
	refused 64 kstream-cat 'only the partitions of an app are divided'
	for _ in 1 2; do # nothing is kept
		try kstream-cat --app t --guarantee none --from json --to json in.json
		expect 0 1
	done
	kstream-cat --app t --guarantee at-least-once --from json in.json >stream
	try_sh 'cat stream | kstream-filter --app t --guarantee exactly-once true'
	refused 78 kstream-filter '--guarantee exactly-once, but the source that makes the stream says at-least-once: give both the same'
	# a stream at rest
	try kstream-cat --app t --guarantee at-least-once --to json stream
	refused 78 kstream-cat 'frames in a file commit nothing'
}

@test "options: what can have no effect is refused" {
	echo '{"t":1}' >in
	local x
	for x in '--time-unit s' '--on-bad-time drop' '--time wall --time-unit s' '--time wall --on-bad-time drop'; do
		# shellcheck disable=SC2086 # words
		try kstream-cat --from json --to json $x in
		refused 64 kstream-cat '--time EXPR' || fail "$x"
	done
	try kstream-cat --from json --to json --time .t --time-unit s --on-bad-time drop in
	expect 0 '{"t":1}'
}

@test "options: the file of rejects is no input and no output" {
	echo x >in.json
	cp in.json kept
	local tool
	for tool in kstream-cat 'kstream-filter true' 'kstream-filter --count true' 'kstream-window --tumble 1m count() --in'; do
		# shellcheck disable=SC2086 # words
		try $tool in.json --from json --on-error file:in.json
		refused 64 "${tool%% *}" "'in.json'" || fail "$tool"
		cmp in.json kept
	done
	ln in.json other
	try kstream-cat --from json --to json --on-error file:other in.json
	refused 64 kstream-cat "'other'"
	try_sh 'kstream-cat --from json --to json --on-error file:in.json <in.json'
	refused 64 kstream-cat "'in.json'"
	try kstream-cat --from json --to json --on-error file:both --out both in.json
	refused 64 kstream-cat "'both'"
	try_sh 'kstream-cat --from json --to json --on-error file:both in.json >both'
	refused 64 kstream-cat "'both'"
	try kstream-cat --from json --to json --on-error file:/dev/stderr in.json
	[ "$status" = 0 ]
	cmp in.json kept
	# And the standard input is no output.
	try_sh 'kstream-cat --from json --to json <in.json >>in.json'
	refused 64 kstream-cat
	cmp in.json kept
}

@test "options: --only with a name that no stream has" {
	printf '1\n2\n' >trades.json
	# The tool that makes the stream knows all of its names.
	try kstream-filter --from json --to json --only trdes '. > 1' trades.json
	refused 78 kstream-filter "--only 'trdes'"
	[[ "$(cat err)" == *"'trades'"* ]]
	try kstream-filter --from json --to json --only trades '. > 1' trades.json
	expect 0 2
	# Another may have been told of it by a route, or not: the end shows.
	kstream-cat --from json trades.json >in
	try kstream-filter --to json --only trdes '. > 1' in
	output_is $'1\n2'
	refused 0 kstream-filter "'trdes'"
	try kstream-filter -q --to json --only trdes '. > 1' in
	expect 0
	try_sh 'kstream-cat --as routed in | kstream-filter --to json --only routed ". > 1"'
	expect 0 2
	try_sh 'kstream-cat --as routed in | kstream-filter --to json --only routed,routd ". > 1"'
	output_is 2
	refused 0 kstream-filter "'routd'"
	# A stream that is empty is none that is not there.
	try_sh 'kstream-cat --from json -t empty </dev/null | kstream-filter --to json --only empty true'
	expect 0 ''
	# An envelope says its own topic.
	try kstream-filter --from envelope --to json --only x true - <<<'{"topic":"x","payload":1}'
	expect 0 1
	try kstream-filter --from envelope --to json --only y true - <<<'{"topic":"x","payload":1}'
	refused 0 kstream-filter "'y'"
}

@test "options: hints: a byte order mark, a name that is not ASCII, an operand with a dash, a member that is none" {
	printf '\xef\xbb\xbf{"payload":1}\n{"payload":2}\n' >in
	local x
	for x in 'kstream-cat --from json' 'kstream-cat --from envelope' 'kstream-filter --from json true' 'kstream-filter --from json --to json true' 'kstream-cat'; do
		# shellcheck disable=SC2086 # words
		try $x in
		refused 65 "${x%% *}" 'byte order mark' || fail "$x"
	done
	printf '1\n\xef\xbb\xbf2\n' >in
	try kstream-cat --from json in
	refused 65 kstream-cat 'in:2'
	for x in '.é' '.a.é > 1' '.é.b' '.naïve == 1'; do
		try kstream-filter --from json "$x" in
		refused 64 kstream-filter '"' || fail "$x"
	done
	try kstream-filter --from json '.é > 1' in
	refused 64 kstream-filter '."é"'
	try kstream-filter --from json '.naïve == 1' in
	refused 64 kstream-filter '."naïve"'
	echo '{"é":2}' >in
	try kstream-filter --from json --to json '."é" > 1' in
	expect 0 '{"é":2}'
	try kstream-filter --from json '-.a' in
	refused 64 kstream-filter "'--'"
	try kstream-filter --from json '-(.a)' in
	refused 64 kstream-filter "'--'"
	try kstream-cat --from envelope - <<<'{"payload":1,"vlaue":2}'
	refused 65 kstream-cat "'vlaue'"
	[[ "$(cat err)" == *'payload, key, headers, ts, tstype, topic, partition, offset, route, flags, key_encoding, payload_encoding'* ]]
}
