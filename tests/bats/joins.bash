# SPDX-License-Identifier: MIT
# Input and output of joins.
# shellcheck shell=bash

# sides TOPIC:KEY:TIME:VALUE[:PARTITION] ...: envelopes; a key of - is none, a time of - none, a value is JSON
sides() {
	local r topic key time value partition i=0
	for r in "$@"; do
		IFS=: read -r topic key time value partition <<<"$r"
		case $key in -) key=null ;; [0-9]*) ;; *) key="\"$key\"" ;; esac
		if [ "$time" = - ]; then time='"tstype":"none","ts":null'; else time="\"tstype\":\"create\",\"ts\":$time"; fi
		printf '{"topic":"%s","partition":%s,"offset":%d,%s,"key":%s,"payload":%s}\n' "$topic" "${partition:-0}" "$i" "$time" "$key" "$value"
		i=$((i + 1))
	done
}

# joined OPTION ...: what comes of the envelopes on stdin whose input has paused: "KEY TIME LEFT RIGHT" each
joined() {
	kstream-join --from envelope --to envelope --end "${end:-paused}" "$@" |
		jq -r '[.key, .ts, (.payload | if type == "object" then .left, .right else . end | tojson)] | map(tostring) | join(" ")'
}

# records STREAM/KEY/VALUE[/PARTITION[/TIME]] ...: envelopes; a key of - is none, a value is JSON
records() {
	local r stream key value partition time
	for r in "$@"; do
		IFS=/ read -r stream key value partition time <<<"$r"
		if [ "$key" = - ]; then key=null; else key="\"$key\""; fi
		printf '{"topic":"%s","partition":%s,"ts":%s,"key":%s,"payload":%s}\n' "$stream" "${partition:-0}" "${time:-1}" "$key" "$value"
	done
}

# resident MIB COMMAND ...: it ends well, and has had no more in memory
resident() {
	# ASan keeps 256 MB of freed memory unless told otherwise.
	ASAN_OPTIONS=${ASAN_OPTIONS-}:quarantine_size_mb=4 /usr/bin/python3 -c '
import resource, subprocess, sys
status = subprocess.run(sys.argv[2:]).returncode
kb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
assert status == 0 and kb < int(sys.argv[1]) << 10, (status, kb)' "$@"
}
