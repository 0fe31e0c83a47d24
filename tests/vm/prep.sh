#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# prep.sh - run a payload in a chroot of an image instead of in the guest
#
# usage: prep.sh IMAGE PAYLOAD_DIR
#
# Runs PAYLOAD_DIR/run.sh with the payload mounted at /rig/payload. An update-initramfs takes seconds here and minutes in an
# emulated guest. Needs root and a loop device.
set -euo pipefail

[ $# -eq 2 ] || { sed -n '3,5s/^# \{0,1\}//p' "$0" >&2; exit 3; }
# In a mount namespace of our own nothing stays mounted, however this ends.
if [ -z "${RIG_PREP_UNSHARED:-}" ]; then
	RIG_PREP_UNSHARED=1 exec unshare --mount --propagation private -- "$0" "$@"
fi

image=$1
payload=$(cd "$2" && pwd)
root=$(mktemp -d "${TMPDIR:-/tmp}/rig-prep.XXXXXX")
finish() { umount -R "$root" 2>/dev/null || :; rmdir "$root"; }

e2fsck -p "$image" >/dev/null || [ $? -lt 4 ]
mount -o loop "$image" "$root"
trap finish EXIT
mount --bind "$payload" "$root/rig/payload"
mount -t proc proc "$root/proc"
mount -t tmpfs tmpfs "$root/run"
mount -t devtmpfs dev "$root/dev"

# Scripts of the guest that ask for the running kernel must get the guest's.
kernel=$(basename "$root"/lib/modules/*)
# shellcheck disable=SC2016  # for the guest's shell
chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C RIG_KERNEL="$kernel" sh -c '
	uname() { if [ "$*" = -r ]; then echo "$RIG_KERNEL"; else command uname "$@"; fi; }
	. /rig/payload/run.sh'
