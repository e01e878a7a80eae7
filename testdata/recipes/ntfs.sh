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
mount=$(mktemp -d)
trap 'rmdir "$mount"' EXIT
ntfs-3g "$volume" "$mount"
trap 'umount "$mount" && rmdir "$mount"' EXIT
hivepatch patch "$mount" --in-place "$@"
