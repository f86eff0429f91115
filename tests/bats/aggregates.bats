#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# The aggregates of kstream-aggregate(7), through kstream-window.

# shellcheck disable=SC2016,SC2154
bats_require_minimum_version 1.5.0

setup() {
	command -v kstream-window >/dev/null
	cd "$BATS_TEST_TMPDIR" || return
}

# values JSON ...: records {"t":n,"v":JSON} of key "k", one ms after the other, in the file in
values() {
	local v t=0
	for v in "$@"; do
		t=$((t + 1))
		printf '{"t":%d,"v":%s}\n' "$t" "$v"
	done >in
}

fold() { kstream-window --from json --time .t --key '"k"' --in in --tumble 1m --emit close --to json "$@"; }

# is RESULT CLAUSES [OPTION ...]
is() {
	local want=$1
	shift
	run -0 --separate-stderr fold "$@"
	[ "$output" = "$want" ] || {
		printf '%s\nwants %s\ngets  %s\n' "$*" "$want" "$output"
		return 1
	}
}

# refused TEXT CLAUSES: the command line is, in one line that has the text in it
refused() {
	run -64 --separate-stderr kstream-window --tumble 1m "$2" </dev/null
	[ "${#stderr_lines[@]}" -eq 1 ]
	[[ "$stderr" == *"$1"* ]] || {
		echo "$stderr"
		return 1
	}
}

@test "aggregates: each of them" {
	values 5 null 8.5 6 '"x"'
	is '[5,8.5,6,"x"]' 'collect(.v)'
	is '4' 'distinct(.v)'
	is '{"f":5,"l":"x","lo":5,"hi":"x"}' 'f=first(.v), l=last(.v), lo=min(.v), hi=max(.v)'
	is '{"a":1,"b":5}' 'a=argmin(.t; .v), b=argmax(.t; .v)'
	is '[{"id":5,"by":"x"},{"id":3,"by":8.5}]' 'top(2; .v; .t)'
	is '[{"id":1,"by":5},{"id":4,"by":6}]' 'bottom(2; .v; .t)'
	values 5 null 8.5 6
	is '{"d":1,"lo":5.0,"hi":8.5,"n":3}' 'd=delta(.v), lo=quantile(.v; 0), hi=quantile(.v; 1.0), n=count(.v)'
	is '1' 'delta(.v)'
	values
	is '' 'n=count(), c=collect(.v)'
}

@test "aggregates: where" {
	values 5 null 8.5 6 '"x"'
	is '{"n":2,"s":14.5,"all":5}' 'n=count() where .v > 5 and .v < 100, s=sum(.v) where .v > 5 and .v < 100, all=count()'
	is '{"s":19.5}' 's=sum(.v) where .v | type == "number"'
	is '{"s":19.5}' 's=sum(.v)where(.v | type == "number")'
	is '{"c":[8.5],"d":0,"l":null}' 'c=collect(.v) where .t == 3, d=distinct(.v) where false, l=last(.v) where empty'
	is '' 'min(.v) where .t > 100'
	is '0' 'sum(.v) where .t > 100'
	run -65 --separate-stderr fold 'n=count() where .v + 1 > 5'
	[[ "$stderr" == *'in/0@'*'n=count() where .v + 1 > 5: '*'cannot be added'* ]]
	refused 'where wants an expression' 'count() where'
	refused 'NAME=AGGREGATE(EXPRESSION)' 'count() when .v'
	refused "'n=count() where .v >'" 'n=count() where .v >'
}

@test "aggregates: reduce and fold" {
	values 3 4 -7 2
	is '{"t":4,"v":2}' 'reduce(.)'
	is '{"t":2,"v":4}' 'reduce(if .v > $acc.v then . else $acc end)'
	is '{"v":2}' 'reduce({v: ($acc.v + .v)})'
	is '"0+3+4+-7+2"' 'fold("0"; $acc + "+" + (.v | tostring))'
	is '{"n":4,"f":[3,4,-7,2],"s":2}' 'n=count(), f=fold([]; $acc + [.v]), s=fold(0; $acc + .v; $acc - .v; $acc + $other)'
	# of a record, its key and its time
	is '[["k",1],["k",2],["k",3],["k",4]]' 'fold([]; $acc + [[$key, $ts]])'
	# null is nothing: a tombstone, and the next record begins anew
	run -0 bash -c "kstream-window --from json --time .t --key '\"k\"' --in in --tumble 1m --to envelope \
		'fold(10; \$acc + .v | if . == 17 then null else . end)' | jq -c .payload"
	[ "$output" = $'13\nnull\n3\n5' ]
	is '5' 'fold(10; $acc + .v | if . == 17 then null else . end)'
	values 3 4
	is '' 'fold(10; $acc + .v | if . == 17 then null else . end)'
	is '{"a":null}' 'a=fold(10; $acc + .v | if . == 17 then null else . end)'
}

@test "aggregates: null is skipped, and counts where it does in Kafka Streams" {
	printf '%s\n' '{"payload":1}' '{"payload":null}' '{"payload":3}' | sed 's/^{/{"topic":"t","partition":0,"offset":0,"ts":1,"tstype":"create","key":"k",/' >in
	run -0 kstream-window --from envelope --in in --tumble 1m --emit close --to json \
		'n=count(), r=reduce($acc + .), f=fold([]; $acc + [.]), c=collect(.), s=sum(.)'
	[ "$output" = '{"n":3,"r":4,"f":[1,null,3],"c":[1,3],"s":4}' ]
}

@test "aggregates: what is refused goes to --on-error, with clause and type, and changes nothing" {
	local clause
	values 3 '"x"' 4
	for clause in 's=sum(.v)' 's=avg(.v)' 's=delta(.v)' 's=median(.v)' 's=quantile(.v; 0.5)' 's=fold(0; $acc + .v)'; do
		run -65 --separate-stderr fold "n=count(), $clause"
		[ "${#stderr_lines[@]}" -eq 1 ]
		[[ "$stderr" == "kstream-window: in/0@14: $clause: "*string* ]] || {
			echo "$stderr"
			return 1
		}
		run -0 --separate-stderr fold -v --on-error skip "n=count(), $clause"
		[[ "$output" == '{"n":2,'* ]]
		[[ "$stderr" == *'3 in, 1 out'*'1 rejected'* ]]
	done
	values 1 '[]'
	run -65 --separate-stderr fold 'top(2; .v; .t)'
	[[ "$stderr" == *'cannot compare an array'* ]]
	run -65 --separate-stderr fold 'sum(.v | nan)'
	[[ "$stderr" == *'cannot add nan'* ]]
	run -65 --separate-stderr fold 'avg(infinite)'
	[[ "$stderr" == *'cannot add an infinite number'* ]]
	run -65 --separate-stderr fold 'max(nan)'
	[[ "$stderr" == *'cannot compare nan'* ]]
}

@test "aggregates: integers past 64 bits are told at the end" {
	values 9223372036854775807 9223372036854775807 2
	is '1.8446744073709552e+19' 'sum(.v)'
	[ "$stderr" = "kstream-window: 1 result of integers did not fit 64 bits and became a float, as of 'sum(.v)'" ]
	is '1.8446744073709552e+19' -q 'sum(.v)'
	[ -z "$stderr" ]
	values 9223372036854775807 9223372036854775807 1
	is '18446744073709551615' 'sum(.v)'
	[ -z "$stderr" ]
}

@test "aggregates: what grows is bounded by --max-record" {
	seq -f '{"t":%g,"v":"0123456789012345678901234567890123456789"}' 200 >in
	run -65 --separate-stderr fold --max-record 4096 'c=collect(.v)'
	[[ "$stderr" == *'c=collect(.v): the array would be larger than --max-record'* ]]
	run -65 --separate-stderr fold --max-record 4096 'c=fold(""; $acc + .v)'
	[[ "$stderr" == *'the result is larger than --max-record'* ]]
	run -0 --separate-stderr bash -c "kstream-window --from json --time .t --key '\"k\"' --in in --tumble 1m --emit close --to json \
		--max-record 4096 --on-error skip -v 'c=collect(.v)' | jq '.c | length'"
	[ "$output" -gt 90 ]
	[ "$output" -lt 100 ]
	[[ "$stderr" == *rejected* ]]
}

@test "aggregates: many values: distinct, quantile and top are what Python says" {
	"${PYTHON:-python3}" -c '
import json, random
random.seed(7)
values = [int(random.lognormvariate(6, 2)) for _ in range(30000)]
with open("in", "w") as out:
    for i, v in enumerate(values):
        out.write(json.dumps({"t": i, "v": v, "id": v % 977}) + "\n")
best = {}
for i, v in enumerate(values):
    if v % 977 not in best or v > best[v % 977][0]:
        best[v % 977] = (v, i)
top = sorted(best.items(), key=lambda e: (-e[1][0], e[1][1]))[:20]
values.sort()
json.dump({"n": len(set(values)), "m": values[(len(values) - 1) // 2], "q": values[int(0.99 * (len(values) - 1))],
    "t": [{"id": k, "by": v[0]} for k, v in top]}, open("want", "w"))'
	fold 'n=distinct(.v), m=median(.v), q=quantile(.v; 0.99), t=top(20; .v; .id)' >got
	"${PYTHON:-python3}" -c '
import json
got, want = json.load(open("got")), json.load(open("want"))
for name, error in ("n", 0.025), ("m", 0.01), ("q", 0.01):
    assert abs(got[name] - want[name]) <= error * want[name], (name, got[name], want[name])
assert got["t"] == want["t"], (got["t"], want["t"])'
}

@test "aggregates: clauses that are not one" {
	refused 'did you mean quantile?' 'p=percentile(.x)'
	refused 'did you mean collect?' 'a=array_agg(.x)'
	refused 'did you mean argmax?' 'a=max_by(.x; .y)'
	refused "kstream-map makes it of these" 's=stddev(.x)'
	refused 'quantile wants two expressions' 'quantile(.x)'
	refused 'a number from 0 to 1' 'quantile(.x; 99)'
	refused 'a number from 1 to 10000' 'top(0; .x; .y)'
	refused 'a number from 1 to 10000' 'top(.n; .x; .y)'
	refused 'top wants three expressions' 'top(3; .x)'
	refused 'sum takes 1 expression' 'sum(.x; .y)'
	refused "unknown variable '\$acc'" 'sum($acc)'
	refused "unknown variable '\$other'" 'fold(0; $acc + $other)'
	refused "fold wants two expressions" 'fold(0)'
	refused "column 7 of '\$acc +'" 'reduce($acc +)'
	refused 'cannot be added' 'fold(1 + "a"; 2)'
}
