# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
# Payload for boot.sh, before ../guest/observe.sh: what started, and what a person then does by hand (acts.sh).
. /usr/local/lib/rig/look.sh
mkdir -p /rig/results/guests
seen=/rig/results/guests

# These go on after the boot; what they do first is part of it.
[ "$(property pve-ha-lrm.service ActiveState)" != active ] || wait_for_log 'lrm cycled'
[ "$(property pvescheduler.service ActiveState)" != active ] || wait_for_log 'vzdump done'

if [ -e /etc/libvirt ]; then
	# It answers when it has started what starts with it, or has failed to.
	timeout 100 virsh list --all
	look_at_domains $seen
fi
look_at_units > $seen/units
cp /run/rig/guests.log $seen/ 2>/dev/null
cp -r /run/rig/waiting $seen/ 2>/dev/null
cp -r /run/hwrecover $seen/run 2>/dev/null
look_at_cluster $seen/pve
systemctl list-jobs --no-legend --plain > $seen/jobs
[ ! -f /run/rig/count ] || cp /run/rig/count $seen/

if [ -f /rig/payload/acts.sh ]; then
	mkdir $seen/acts
	. /rig/payload/acts.sh > $seen/acts/out 2>&1
	[ ! -e /etc/libvirt ] || look_at_domains $seen/acts
	look_at_units > $seen/acts/units
	cp /run/rig/guests.log $seen/acts/ 2>/dev/null
	cp -r /run/hwrecover $seen/acts/run 2>/dev/null
	look_at_cluster $seen/acts/pve
fi
# Machines within this one take turns with what comes now.
[ ! -e /etc/libvirt ] || virsh list --name | while read -r domain; do [ -z "$domain" ] || virsh suspend "$domain" </dev/null; done
. /rig/payload/observe.sh
