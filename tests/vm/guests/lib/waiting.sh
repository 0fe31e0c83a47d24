# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
# The story of a boot without quorum: writes down what the host has come to while it waits, and then lets quorum come. Sourced
# by nothing; it is /etc/rig/story in such a boot.
. /usr/local/lib/rig/look.sh
kept=/run/rig/waiting
mkdir -p $kept

# Finish has its timer, a minute after the boot; with hwrecover=off there is none.
until systemctl is-active -q pveproxy.service && { finished || ! systemctl is-active -q hwrecover-finish.timer; }; do
	[ "$(uptime_s)" -lt 240 ] || break
	sleep 2
done
# What is wrongly let through now would start something by then.
sleep 5
look_at_units > $kept/units
cp /run/rig/guests.log $kept/ 2>/dev/null
cp -r /run/hwrecover $kept/run
look_at_cluster $kept/pve
systemctl list-jobs --no-legend --plain > $kept/jobs
hwrecover status > $kept/status 2>&1
ping -c 1 -W 3 10.0.2.2 > $kept/ping 2>&1 || ping -c 1 -W 3 10.0.2.2 > $kept/ping 2>&1
echo $? > $kept/ping.rc
cut -d' ' -f1 /proc/uptime > $kept/uptime
echo quorate > /run/rig/control
