#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# kstream-window that is stopped and goes on (--app): its results are those of one run, whatever windows it keeps.

bats_require_minimum_version 1.5.0
load lib

# input SEED: 150 records of two partitions, some of them late, and first of all those behind a restart, to the file all
input() {
	/usr/bin/python3 - "$1" >all <<-'EOF'
		import json, random, sys
		r, t = random.Random(int(sys.argv[1])), 0
		for i in range(150):
		    t += r.randint(0, 4)
		    print(json.dumps({"topic": "in", "partition": r.randint(0, 1), "offset": i, "tstype": "create",
		        "ts": max(0, t - (40 if i in (7, 8, 60, 61) else r.choice([0, 0, 0, 5, 20]))), "key": r.choice("abcd"), "payload": r.randint(0, 9)}))
	EOF
}

# the same OPTION ...: in one run, and in four that each find more in the file
same() {
	local lines
	try kstream-window -q --from envelope --in all --end paused --to envelope "$@"
	[ "$status" = 0 ] || fail "$*" || return
	mv out whole
	rm -rf state parts
	for lines in 7 60 61 150; do
		head -n "$lines" all >some
		try kstream-window -q --app a --from envelope --in some --end paused --to envelope "$@"
		[ "$status" = 0 ] || fail "$*" || return
		cat out >>parts
	done
	cmp whole parts || fail "$*" || return
	[ "$(wc -l <whole)" -ge 4 ] || fail "too little to tell: $*"
}

@test "window: a restart changes nothing, in any shape" {
	local seed=0
	for shape in '--tumble 10ms --grace 7ms' '--hop 20ms --advance 5ms' '--hop 21ms --advance 6ms --align start --grace 9ms' \
		'--slide 9ms --grace 20ms' '--session 6ms --grace 4ms' '--running' '--count-window 3 --advance 2' '--unlimited'; do
		for emit in update close every:13ms; do
			if [[ $shape$emit == *count*every* || $shape$emit == *unl*close || $shape$emit == *run*close ]]; then continue; fi
			seed=$((seed + 1))
			input "$seed"
			# shellcheck disable=SC2086
			same $shape --emit $emit 'n=count(), s=sum(.)' || return
		done
		# what tells the order of records
		# shellcheck disable=SC2086
		same $shape 'n=count(), f=first(.), z=last(.)' || return
	done
}
