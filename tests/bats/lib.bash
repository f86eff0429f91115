# SPDX-License-Identifier: MIT
# What the bats files of the tools share.  The tools must be in PATH.
# shellcheck shell=bash disable=SC2034

# Each test runs in a directory of its own, with a state directory of its own.
setup() {
	command -v kstream-cat >/dev/null || {
		echo 'kstream-cat is not in PATH'
		return 1
	}
	cd "$BATS_TEST_TMPDIR" || return
	export KSTREAM_STATE_DIR=$BATS_TEST_TMPDIR/state
	root=$BATS_TEST_DIRNAME/../..
}

# What a test left running is ended, by its number.
teardown() {
	local pid
	for pid in ${pids-}; do
		if kill -KILL "$pid" 2>/dev/null; then wait "$pid" 2>/dev/null || :; fi
	done
}

frames() { # frames print|build ...
	/usr/bin/python3 "$BATS_TEST_DIRNAME/frames.py" "$@"
}

# kinds: of the frames on stdin, in one line; PINGs come when they do
kinds() { frames print | awk '$1 != "PING" { print $1 }' | paste -sd ' '; }

try() { # try COMMAND...: its output to the files out and err, its status to $status; 20 s at most
	status=0
	timeout 20 "$@" >out 2>err || status=$?
}

try_sh() { # the same for a pipeline
	try bash -c "set -o pipefail; $1"
}

fail() {
	echo "$*"
	echo "status: ${status-}"
	[ ! -e out ] || { echo "out: $(head -c 2000 out | tr -d '\0')"; }
	[ ! -e err ] || { echo "err: $(head -c 2000 err)"; }
	return 1
}

# These say "|| return" in each line, since bats turns errexit off where a test goes on with ||.
expect() { # expect STATUS [OUT]: nothing on stderr, and this on stdout if it is given
	[ "$status" = "$1" ] || fail "status $status, not $1" || return
	[ ! -s err ] || fail 'something on stderr' || return
	[ $# -lt 2 ] || output_is "$2"
}

output_is() {
	[ "$(cat out)" = "$1" ] || fail "not this: $1"
}

refused() { # refused STATUS TOOL [TEXT]: one line on stderr, of that tool, with TEXT in it
	[ "$status" = "$1" ] || fail "status $status, not $1" || return
	[ "$(wc -l <err)" = 1 ] || fail 'not one line on stderr' || return
	[[ "$(cat err)" == "$2: "* ]] || fail "the line is not of $2" || return
	[ $# -lt 3 ] || [[ "$(cat err)" == *"$3"* ]] || fail "the line does not say: $3" || return
	! LC_ALL=C grep -q '[[:cntrl:]]' err || fail 'a control character on stderr'
}

await() { # await SECONDS COMMAND...: until it succeeds
	local end=$((SECONDS + $1))
	shift
	until "$@" 2>/dev/null; do
		[ "$SECONDS" -lt "$end" ] || fail "waited in vain for: $*"
		sleep 0.02
	done
}

gone() { ! kill -0 "$1" 2>/dev/null; }

waits() { # waits PID: it catches signals, SIGUSR1 being the last of them, and sleeps
	local mask
	mask=$(sed -n 's/^SigCgt:[[:space:]]*//p' "/proc/$1/status") && [ $((0x$mask & 1 << 9)) -ne 0 ] &&
		grep -q '^State:[[:space:]]*S' "/proc/$1/status"
}

insist() { # insist PID: SIGTERM until it ends; one that comes a moment after another counts as the same
	await 20 eval "kill -TERM $1; sleep 0.05; gone $1"
}

status_of() { # status_of PID: waits for it, sets $status
	status=0
	wait "$1" || status=$?
}

# killed_often TIMES COMMAND...: runs it until it was killed that often, at any moment of the life it has when it is let live, and then
# to its end.  A run that comes to its end has made result equal to whole-out, and the next one begins anew.
killed_often() {
	local times=$1 killed=0 tries=0 life=${EPOCHREALTIME//[.,]/} pid
	shift
	"$@" || return
	life=$((${EPOCHREALTIME//[.,]/} - life))
	cmp whole-out result && rm -r state result || return
	while [ "$killed" -lt "$times" ]; do
		tries=$((tries + 1))
		[ "$tries" -lt $((times * 50)) ] || fail "killed $killed times in $tries runs" || return
		"$@" &
		pid=$!
		sleep "$(printf '0.%06d' $(((RANDOM << 15 | RANDOM) % (life < 1000000 ? life : 999999))))"
		kill -9 $pid 2>>killed.err || :
		status_of $pid 2>>killed.err
		case $status in
		137) killed=$((killed + 1)) ;;
		0) cmp whole-out result && rm -r state result || return ;;
		*) fail "run $tries" || return ;;
		esac
	done
	"$@" && cmp whole-out result
}
