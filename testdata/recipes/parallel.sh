#!/usr/bin/env bash
# Patches every hive named SYSTEM below a folder with GNU parallel, as many at once
# as there are processors. It prints the JSON of each result; the log says which
# are done, so that the same call after an interruption goes on with the others.
# On one machine "hivepatch patch --targets LIST" does it with less; parallel also
# has --sshlogin, which spreads the work over several.
# Needs hivepatch and parallel.
# Usage: parallel.sh FOLDER JOBLOG [options of hivepatch patch]
set -euo pipefail
if [ $# -lt 2 ]; then
	echo "usage: ${0##*/} FOLDER JOBLOG [options of hivepatch patch]" >&2
	exit 2
fi
folder=$1 log=$2
shift 2
find "$folder" -type f -iname SYSTEM -print0 | sort -z |
	parallel --will-cite --null --joblog "$log" --resume-failed --quote \
		hivepatch patch {} --in-place --json "$@"
