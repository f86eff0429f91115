#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# Input at its bounds, in every shape of kstream-window.

# shellcheck disable=SC2016
bats_require_minimum_version 1.5.0
load lib
load windows

window() { # window OPTION ...: what becomes of the file in, to out; -v to err
	try kstream-window -v --from envelope --in in --to envelope "$@"
}

# Each shape with what is emitted when.
each_shape() { # each_shape COMMAND...: with the options behind it
	local shape emit
	for shape in '--tumble 10ms' '--hop 10ms --advance 5ms' '--slide 10ms' '--session 5ms' '--calendar day' '--count-window 2' '--unlimited' '--running'; do
		for emit in update commit close every:5ms; do
			if [[ $shape$emit == *count*commit || $shape$emit == *count*every* ]]; then continue; fi
			# shellcheck disable=SC2086
			"$@" $shape --emit $emit || fail "$shape $emit" || return
		done
	done
}

# The windows between are not gone through, one by one.
far_ahead() {
	window --max-future off "$@" 'n=count()'
	[ "$status" = 0 ] && jq -c .ts out | grep -qx 7258118400001 && grep -qF '4 in, ' err && ! grep -qE '[1-9][0-9]* (late|rejected)' err
}

# A key of 1 MB gives what a short one does.
long_keys() {
	try kstream-window --max-key 2M --from envelope --in short --to envelope "$@" 'n=count()'
	[ "$status" = 0 ] || return
	sed 's/"topic":"short"/"topic":"long"/' out >want
	rm -rf state
	try kstream-window --max-key 2M --app a --end complete --from envelope --in long --to envelope --out made "$@" 'n=count()'
	[ "$status" = 0 ] || return
	tr -s k <made | sed -E 's/"offset":[0-9]+/"offset":0/' >got
	tr -s k <want | sed -E 's/"offset":[0-9]+/"offset":0/' | cmp - got
	rm made
}

@test "window: without windows a result of before 1970 has its time" {
	records a:-9:1 a:-12:2 a:-9223372036854775807:3 >in
	for emit in update commit close every:1ms; do
		window --running --emit $emit 'sum(.)'
		[ "$(tail -n 1 out | jq -c '[.ts, .tstype, .payload]')" = '[-9,"create",6]' ] || fail "$emit" || return
	done
	window --count-window 2 'sum(.)'
	# not by jq, which rounds
	[ "$(sed -E 's/.*"ts":(-?[0-9]+),.*"start":(-?[0-9]+),"end":(-?[0-9]+)\}.*"payload":(.*)\}/\2 \3 \4 \1/' out)" = '-9 -9 1 -9
-9 -12 3 -9
-12 -9223372036854775807 5 -12' ] || fail 'not this' || return
	# midnight of 1970 is a time, and none is none
	records a:0 >in
	window --running --emit close 'count()'
	[ "$(jq -c '[.ts, .tstype]' out)" = '[0,"create"]' ]
	sed 's/"tstype":"create","ts":0/"tstype":"none","ts":null/' in >none
	for emit in update commit close; do
		try kstream-window --from envelope --in none --to envelope --running --emit $emit 'count()'
		[ "$(jq -c '[.ts, .tstype]' out)" = '[null,"none"]' ] || fail "$emit" || return
	done
}

@test "window: one record of the year 2200, in every shape" {
	records a:5 b:6 b:7258118400000 a:7258118400001 >in
	each_shape far_ahead
}

@test "window: keys of 1 MB, in every shape and in a state on disk" {
	records k:1 k:2 kx:3 k:30 k:60 >in
	sed 's/"topic":"in"/"topic":"short"/' in >short
	/usr/bin/python3 -c '
for line in open("short"):
    print(line.rstrip("\n").replace("short", "long").replace("\"k\"", "\"" + "k" * 1048576 + "\"").replace("kx", "k" * 1048576 + "x"))' >long
	try kstream-window --from envelope --in long --to json --tumble 10ms 'count()'
	refused 65 kstream-window 'long:1: the key is larger than --max-key allows' || return
	each_shape long_keys
}
