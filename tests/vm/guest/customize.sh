#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# customize.sh ROOT - run by mmdebstrap on the unpacked guest: what makes a Debian system a quick and quiet one
set -euo pipefail
root=$1

echo rig > "$root/etc/hostname"
printf '127.0.0.1 localhost\n127.0.1.1 rig\n' > "$root/etc/hosts"
printf 'LABEL=rigroot / ext4 defaults,noatime 0 0\n' > "$root/etc/fstab"
# With an empty machine-id systemd would take every boot for the first one and preset all units.
echo 11111111222233334444555566667777 > "$root/etc/machine-id"
mkdir -p "$root/rig/payload" "$root/rig/results" "$root/var/log/journal"

# Nothing that these tests look at, and each costs a second of an emulated boot.
for unit in getty@tty1.service serial-getty@ttyS0.service getty.target getty-static.service console-setup.service \
	apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer \
	systemd-timesyncd.service systemd-pstore.service; do
	ln -sf /dev/null "$root/etc/systemd/system/$unit"
done

mkdir -p "$root/etc/systemd/system.conf.d" "$root/etc/systemd/journald.conf.d"
printf '[Manager]\nDefaultTimeoutStopSec=10s\nStatusUnitFormat=name\n' > "$root/etc/systemd/system.conf.d/rig.conf"
printf '[Journal]\nStorage=persistent\nForwardToConsole=no\nRateLimitBurst=0\nSyncIntervalSec=1s\n' \
	> "$root/etc/systemd/journald.conf.d/rig.conf"

chroot "$root" passwd -d root >/dev/null
for kernel in "$root"/lib/modules/*; do
	chroot "$root" depmod -a "${kernel##*/}"
done
chroot "$root" update-initramfs -u -k all
