#!/usr/bin/env bash
# Sets the desktop heaps of the Windows on an NTFS volume, a device or the image of
# one, in place and with a backup beside the hive. ntfs-3g mounts the volume, and
# it is unmounted whatever happens.
# Needs hivepatch, ntfs-3g and fuse3, and the right to mount.
# Usage: ntfs.sh VOLUME [options of hivepatch patch]
set -euo pipefail
if [ $# -lt 1 ]; then
	echo "usage: ${0##*/} VOLUME [options of hivepatch patch]" >&2
	exit 2
fi
volume=$1
shift
mount=$(mktemp -d) messages=$(mktemp)
trap 'rm "$messages"; rmdir "$mount"' EXIT
# Not in the background by itself: unmounting an image does not wait for ntfs-3g
# to bring all to the disk and to give the image free, its end does.
ntfs-3g -o no_detach "$volume" "$mount" >"$messages" 2>&1 &
server=$!
until mountpoint -q "$mount"; do
	kill -0 "$server" 2>/dev/null || { cat "$messages" >&2; wait "$server"; }
	sleep 0.1
done
trap 'umount "$mount" && wait "$server" && rm "$messages" && rmdir "$mount"' EXIT
hivepatch patch "$mount" --in-place "$@"
