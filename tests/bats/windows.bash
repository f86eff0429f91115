# SPDX-License-Identifier: MIT
# Input of windows.
# shellcheck shell=bash

# records KEY:TIME[:VALUE[:PARTITION]] ...: envelopes; a key of - is none, a value is JSON (1)
records() {
	local r key time value partition i=0
	for r in "$@"; do
		IFS=: read -r key time value partition <<<"$r"
		if [ "$key" = - ]; then key=null; else key="\"$key\""; fi
		printf '{"topic":"in","partition":%s,"offset":%d,"tstype":"create","ts":%s,"key":%s,"payload":%s}\n' \
			"${partition:-0}" "$i" "$time" "$key" "${value:-1}"
		i=$((i + 1))
	done
}
