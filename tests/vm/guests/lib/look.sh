# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
# What both the story and the end of a boot look at.

uptime_s() { cut -d. -f1 /proc/uptime; }
property() { systemctl show -p "$2" --value "$1"; }
finished() { [ "$(property hwrecover-finish.service ExecMainExitTimestampMonotonic)" -gt 0 ] 2>/dev/null; }

# wait_for_log WORDS - until the stand-ins have come that far, or two minutes are over
wait_for_log() {
	for _ in $(seq 60); do
		! grep -q " $1\$" /run/rig/guests.log 2>/dev/null || return 0
		sleep 2
	done
	return 1
}

# UNIT.PROPERTY=VALUE; a blank line ends a unit, and Id is not its first.
look_at_units() {
	{
		systemctl show -p Id -p ActiveState -p SubState -p Result -p ConditionResult -p InactiveExitTimestampMonotonic \
			-p ActiveEnterTimestampMonotonic -p ExecMainStartTimestampMonotonic -p ExecMainExitTimestampMonotonic \
			pve-cluster corosync pvedaemon pveproxy pve-ha-crm pve-ha-lrm pve-guests pvescheduler \
			hwrecover-guests hwrecover-finish libvirtd
		echo
	} | awk '
		/^Id=/ { unit = substr($0, 4); sub(/\.service$/, "", unit); next }
		/./ { values[++n] = $0; next }
		{ for (i = 1; i <= n; i++) print unit "." values[i]; n = 0 }'
}

# look_at_cluster DIR - the files in /etc/pve, and what they are
look_at_cluster() {
	mkdir -p "$1"
	(cd /etc/pve && timeout 10 cp -r nodes mapping ha storage.cfg "$1") 2>/dev/null
	(cd "$1" && find . -type f | sort | xargs -r sha256sum) > "$1.list"
	timeout 10 ls -la /etc/pve > "$1.ls" 2>&1
}

# look_at_domains DIR - libvirt's: their states, what they have, what their files say
look_at_domains() {
	virsh list --all --name | while read -r domain; do
		[ -z "$domain" ] || echo "$domain=$(virsh domstate "$domain")"
	done > "$1/domains"
	# Where a function on vfio-pci sits, without its bus numbers, and its address.
	for device in /sys/bus/pci/drivers/vfio-pci/*:*; do
		[ -e "$device" ] || continue
		echo "$(readlink -f "$device" | sed 's|^/sys/devices/||; s|/[0-9a-f]*:[0-9a-f]*:|/|g')" "${device##*/}"
	done > "$1/vfio"
	cp -r /etc/libvirt/qemu "$1/libvirt"
	rm -rf "$1/libvirt/networks"
	cp -r /var/log/libvirt/qemu "$1/libvirt.log"
	journalctl -b -u libvirtd -u libvirt-guests -o cat > "$1/libvirtd.journal"
}
