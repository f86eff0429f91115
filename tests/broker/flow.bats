#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# What a reader of topics holds in memory, where the other side is slow.

bats_require_minimum_version 1.5.0
load lib

# late SECONDS COMMAND...: reads what it prints only when it grows no more; prints the lines, and MiB that were resident at most. The rest
# is not to take longer than that.
late() {
	"${PYTHON:-python3}" -c 'import resource, subprocess, sys, time
limit, *command = sys.argv[1:]
with subprocess.Popen(command, stdout=subprocess.PIPE) as p:
    was, since = -1, time.monotonic()
    while time.monotonic() - since < 1:
        with open(f"/proc/{p.pid}/statm") as f:
            now = int(f.read().split()[1])
        if now != was:
            was, since = now, time.monotonic()
        time.sleep(0.05)
    begin, lines = time.monotonic(), 0
    for chunk in iter(lambda: p.stdout.read1(1 << 16), b""):
        lines += chunk.count(b"\n")
    took = time.monotonic() - begin
assert p.returncode == 0 and took < float(limit), f"status {p.returncode} after {took:.1f} s"
print(lines, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)' "$@"
}

@test "flow: a reader holds little, of many partitions, too, and goes on when there is room" {
	local lines mib n
	for n in 2 64; do
		"$topic" create "$t.$n" $n
		seq -f '%0185.0f' 300000 | kcat -P -b "$b" -t "$t.$n"
		read -r lines mib < <(late 20 "$bin/kstream-cat" -C -b "$b" -t "$t.$n" -e -q)
		echo "$n partitions: $lines lines, $mib MiB"
		[ "$lines" = 300000 ]
		[ "$mib" -le 32 ]
	done
}
