# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
# Payload for prep.sh: puts the files of /rig/payload/tree into the image, turns the units on and builds the boot image.
set -eu

mv /usr/sbin/update-initramfs /usr/sbin/update-initramfs.distrib
# /lib is a link to usr/lib here, and must stay one whatever the tree calls it.
tar -C /rig/payload/tree --owner=0 --group=0 -cf - . | tar -C / --keep-directory-symlink --no-overwrite-dir -xf -

systemctl enable rig-runner.service
systemctl enable hwrecover-network.service hwrecover-guests.service hwrecover-image.service hwrecover-finish.timer

journalctl --update-catalog

# A stand-in may be a script; of a program, every library must be in the image.
if ldd /usr/sbin/hwrecover 2>/dev/null | grep 'not found'; then
	echo "install: hwrecover lacks libraries in this image" >&2
	exit 1
fi

update-initramfs.distrib -u -k all
