# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
# For prep.sh: builds the boot image, and leaves what is looked at of it in the payload's folder kept/.
set -eu

kept=/rig/payload/kept
[ -n "${RIG_BUILT:-}" ] || update-initramfs.distrib -u -k all
mkdir /var/tmp/rig-image
unmkinitramfs /boot/initrd.img-* /var/tmp/rig-image

mkdir -p $kept
find /boot -name 'initrd.img-*' -printf '%s\n' > $kept/size
top=$(find /var/tmp/rig-image -type f -path '*/scripts/init-top/ORDER' | sed 's|/scripts/init-top/ORDER$||')
cp -r "$top/scripts" $kept/
# The list tells the guard and the drivers; the manifest is compared with the one on disk.
(cd "$top" && find . -type f -printf '%P\n' | sort) > $kept/list
cp /var/lib/hwrecover/manifest $kept/manifest.disk 2>/dev/null || :
find "$top" -type f -path '*hwrecover*' -name 'manifest*' -exec cp {} $kept/manifest \;
rm -r /var/tmp/rig-image
