# SPDX-License-Identifier: MIT
# What the bats files of kstream-query share: a stage that runs, and what it answers.
# shellcheck shell=bash disable=SC2034,SC2154

# stage NAME TOOL OPTION ...: runs with --listen NAME, reads what is written to fd 7, JSON lines of t (ms), k and more
stage() {
	local name=$1 tool=$2
	shift 2
	mkfifo "in-$name"
	# shellcheck disable=SC2094
	"$tool" --listen "$name" --from json --time .t --key .k --to envelope "$@" <"in-$name" >"out-$name" 2>"err-$name" 7>&- &
	pid=$!
	pids="${pids-} $pid"
	exec 7>"in-$name"
}

# has NAME COUNT: so many rows are there
has() { [ "$(kstream-query "$1" --count | jq .count)" = "$2" ]; }

# told NAME KEY: the key is there
told() { kstream-query "$1" --key "$2" >told; }

# seen NAME JQ: once a row makes it true
seen() { kstream-query "$1" | jq -e -s "any(.[]; $2)" >/dev/null; }

# ends: the input of the stage has ended, and so does it
ends() {
	exec 7>&-
	status_of "$pid"
	[ "$status" = "${1-0}" ] || fail 'the stage'
}
