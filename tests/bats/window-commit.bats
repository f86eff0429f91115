#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# --emit commit of kstream-window, where more windows change between two barriers than are open at a time.

# shellcheck disable=SC2016
bats_require_minimum_version 1.5.0
load lib

# trades COUNT: one a ms, 3,000 keys in no order, one in twenty up to 200 ms before its turn
trades() {
	awk -v n="$1" 'BEGIN { x = 1
		for (i = 0; i < n; i++) {
			x = (x * 16807) % 2147483647
			printf "{\"t\":%d,\"k\":\"S%04d\",\"p\":%d}\n", 1000000 + i - (x % 20 == 0 ? x % 200 : 0), int(x / 7) % 3000, x % 101
		} }'
}

# count OPTION ...: the results of the file in
count() {
	kstream-window --from json --in in --key .k --time .t --to envelope --commit-interval 1h "$@" 'n=count(), high=max(.p)' |
		jq -r '"\(.key | @json)\t\(.payload | @json)"'
}

# What is left of results where each takes the place of the one before.
latest() { awk -F '\t' '{ last[$1] = $2 } END { for (k in last) if (last[k] != "null") print k "\t" last[k] }' | LC_ALL=C sort; }

has() { [ "$(wc -l <"$1")" -ge "$2" ]; } # has FILE LINES

@test "window commit: a window that has closed does not wait for its barrier" {
	mkfifo pipe
	kstream-window --from json --in pipe --key .k --time .t --commit-interval 1h --emit commit --tumble 1s --to json 'count()' >out &
	exec 5>pipe
	trades 60000 >&5
	await 20 has out 30000
	exec 5>&-
	wait $!
	trades 60000 >in
	kstream-window --from json --in in --key .k --time .t --emit close --tumble 1s --to json 'count()' | LC_ALL=C sort >close
	LC_ALL=C sort out | cmp - close
}

@test "window commit: each window that closes is emitted once, and none is lost" {
	trades 60000 >in
	count --emit commit --tumble 1s --grace 50ms >commit
	count --emit close --tumble 1s --grace 50ms | LC_ALL=C sort >close
	[ "$(wc -l <close)" -gt 40000 ]
	LC_ALL=C sort commit | cmp - close
}

@test "window commit: what comes last is what every change leads to" {
	trades 30000 >in
	for shape in '--tumble 700ms' '--hop 1s --advance 250ms' '--session 300ms --grace 100ms' '--slide 400ms --grace 100ms' '--unlimited'; do
		# shellcheck disable=SC2086
		count --emit update $shape | latest >update
		# shellcheck disable=SC2086
		count --emit commit $shape >commit
		latest <commit | cmp - update || fail "$shape"
		[ "$(wc -l <update)" -gt 2900 ] || fail "$shape"
		[ "$(wc -l <commit)" -lt 150000 ] || fail "$shape"
	done
}
