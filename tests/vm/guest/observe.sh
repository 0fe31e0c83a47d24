# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
# Payload for boot.sh: writes down what a boot came to, for the checks in ../run. It judges nothing.
results=/rig/results
facts=$results/facts
values=
: > $facts

fact() { echo "$1=$2" >> $facts; }
property() { systemctl show -p "$2" --value "$1"; }

fact system "$(cat /run/rig-system-state)"
fact failed "$(systemctl --failed --no-legend --plain | cut -d' ' -f1 | sort | tr '\n' ' ')"
fact multi-user "$(systemctl is-active multi-user.target)"
fact boot "$(systemd-analyze time | head -1)"

# The network first, before anything that is started by hand here could have mended it.
for nic in /sys/class/net/*; do
	name=${nic##*/}
	[ -e "$nic/device" ] || continue
	fact "nic.$(ethtool -P "$name" | sed 's/.*: //')" "$name"
done
fact vmbr0 "$(cat /sys/class/net/vmbr0/operstate 2>/dev/null)"
for port in /sys/class/net/vmbr0/brif/*; do
	[ -e "$port" ] || continue
	echo "port=${port##*/} $(ethtool -P "${port##*/}" | sed 's/.*: //')" >> $facts
done
ip -o -4 addr show to 10.0.2.15/32 | while read -r _ name _; do fact address "$name"; done
for name in /sys/class/net/*; do
	fact "txqueuelen.${name##*/}" "$(cat "$name/tx_queue_len")"
done
answers=no
for _ in 1 2 3; do
	ping -c 1 -W 3 10.0.2.2 && answers=yes && break
done
fact gateway $answers
cat /proc/cmdline

# Functions by what they are, wherever they sit now: a NIC's serial number can be read whoever holds it.
lspci -Dvvn > $results/lspci.txt
awk '
	function tell() { if (role != "") print "function." role "=" address, driver == "" ? "-" : driver }
	/^[0-9a-f]/ { tell(); address = $1; role = driver = "" }
	/^[0-9a-f]/ && $2 == "0106:" { role = "disk" }
	/^[0-9a-f]/ && $2 == "0108:" { role = "nvme" }
	/Device Serial Number 52-54-00-ff-ff-00-00-06/ { role = "nic" }
	/Device Serial Number 52-54-00-ff-ff-00-00-07/ { role = "twin" }
	/Kernel driver in use:/ { driver = $NF }
	END { tell() }' $results/lspci.txt >> $facts
for role in disk nvme nic twin; do
	address=$(sed -n "s/^function\.$role=\([^ ]*\).*/\1/p" $facts)
	fact "override.$role" "$(cat "/sys/bus/pci/devices/$address/driver_override")"
done
fact root "$(findmnt -n -o SOURCE,FSTYPE / | tr -s ' ')"

# The timer comes a minute after the boot. Unless this boot is the one that waits for it, its unit is started early.
timer=$(property hwrecover-finish.timer ActiveState)
if grep -q rig.timer /proc/cmdline; then
	for _ in $(seq 60); do
		[ "$(property hwrecover-finish.service ExecMainExitTimestampMonotonic)" = 0 ] || break
		sleep 2
	done
elif [ "$timer" = active ]; then
	systemctl start hwrecover-finish.service
fi
fact timer-triggered "$(property hwrecover-finish.timer LastTriggerUSec)"
# Returns when the run that finish brought along is over; where that was over already, the next finds nothing to do.
systemctl is-active -q hwrecover-finish.service && systemctl start hwrecover-image.service

# One call for all: under emulation each costs a tenth of a second. A blank line ends a unit, and Id is not its first.
{
	systemctl show -p Id -p ActiveState -p Result -p ConditionResult -p InactiveExitTimestampMonotonic \
		-p ActiveEnterTimestampMonotonic -p ExecMainStartTimestampMonotonic -p ExecMainStatus \
		hwrecover-network hwrecover-guests hwrecover-finish hwrecover-image networking ifupdown-pre
	echo
} | while IFS= read -r line; do
	case $line in
	Id=*) unit=${line#Id=} unit=${unit%.service} ;;
	?*) values="$values $line" ;;
	*)
		for value in $values; do echo "$unit.$value" >> $facts; done
		values= ;;
	esac
done
systemctl list-units --plain --no-legend --state=active 'ifup@*' | while read -r unit _; do fact ifup "$unit"; done
fact failed-at-end "$(systemctl --failed --no-legend --plain | cut -d' ' -f1 | sort | tr '\n' ' ')"

# Inode and change time tell a file that was written from one that was left alone, whatever its contents.
(cd /var/lib/hwrecover 2>/dev/null && find . -type f -printf '%P %i %C@ %s ' -exec sha256sum {} \; | sed 's|  \./.*||' | sort) > $results/state.list
(cd /etc/network && find . -type f -printf '%P %i %C@ %s %m %U %G\n' | sort) > $results/network.list
(cd /etc && find initramfs-tools modprobe.d modules -type f -printf '%P %i %C@ %s %m %U %G %H\n' | sort) > $results/binds.list
cp -r /etc/initramfs-tools/scripts $results/
cp -r /run/hwrecover $results/run
cp /run/rig-update-initramfs $results/ 2>/dev/null
dmesg > $results/dmesg.txt
stat -c '%a %U %G' /var/lib/hwrecover /run/hwrecover > $results/modes 2>&1

for command in 'list' 'list --json' 'status' 'plan --exit-code' 'plan --json' 'devices'; do
	# shellcheck disable=SC2086  # words
	hwrecover $command > "$results/hwrecover-$(echo "$command" | tr -d ' ').out" 2>&1
	fact "rc.$(echo "$command" | tr -d ' ')" $?
done
# By name and not by unit: the journal cannot tell the unit of a process that is gone by the time it looks.
journalctl -b -o json _COMM=hwrecover + SYSLOG_IDENTIFIER=hwrecover + UNIT=hwrecover-network.service > $results/hwrecover.journal.json
exit 0
