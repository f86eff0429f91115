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

# marked FILE TIME: the records of envelopes as frames, before each of them a mark that partition 0 has come to TIME
marked() {
	kstream-cat --from envelope --end paused "$1" >frames
	/usr/bin/python3 -c '
import struct, sys
data, at, mark = open("frames", "rb").read(), 0, b"\x93\x00\xd3" + struct.pack(">q", int(sys.argv[1])) + b"\xc2"
while at < len(data):
    size = 6 + struct.unpack(">I", data[at + 1:at + 5])[0]
    if data[at + 5] == 4:
        sys.stdout.buffer.write(b"\xc9" + struct.pack(">IB", len(mark), 3) + mark)
    sys.stdout.buffer.write(data[at:at + size])
    at += size
' "$2"
}
