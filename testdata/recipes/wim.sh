#!/usr/bin/env bash
# Sets the desktop heaps in a Windows image of a WIM file, without mounting it and
# without root. The hive goes through standard input and output; its logs, if the
# image has any, are taken into account. A second run changes nothing.
# Needs hivepatch and wimlib-imagex (package wimtools).
# Usage: wim.sh IMAGE.wim INDEX [options of hivepatch patch]
set -euo pipefail
if [ $# -lt 2 ]; then
	echo "usage: ${0##*/} IMAGE.wim INDEX [options of hivepatch patch]" >&2
	exit 2
fi
wim=$1 index=$2
shift 2
hive=/Windows/System32/config/SYSTEM
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Logs of a hive that was shut down cleanly are of no use and do no harm.
logs=()
for log in LOG LOG1 LOG2; do
	if wimlib-imagex extract "$wim" "$index" "$hive.$log" --dest-dir="$work" --no-acls >/dev/null 2>&1; then
		logs+=(--log "$work/SYSTEM.$log")
	fi
done

wimlib-imagex extract "$wim" "$index" "$hive" --to-stdout >"$work/old"
hivepatch patch - -o - "${logs[@]}" "$@" <"$work/old" >"$work/new"
if cmp -s "$work/old" "$work/new"; then
	exit 0
fi
# The new file has no permissions of its own and inherits those of its folder,
# as Windows gives them to hives.
wimlib-imagex update "$wim" "$index" --rebuild --command="add '$work/new' '$hive'" >&2
