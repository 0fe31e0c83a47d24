# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154  # variables that are run's, or that it uses
# guest-cases.sh - sourced by run: machines whose guests would take the wrong device after the change
#
# Stand-ins for Proxmox's units start guests around a file system with pmxcfs's rules, as far as to say which card each would
# take (guests/lib/pve.sh). In "plus-one" every address below is another card's, but for 00:1b.0. In the set "libvirt" the
# daemon is Debian's own, and its domains run.

guests_default='guests-block guests-quorum guests-relocate guests-libvirt'
guests_all="$guests_default guests-hold guests-crash guests-no-mount guests-off guests-hooks guests-calm guests-late guests-libvirt-off"

guests_set() { # guests_set CASE - the cases of a set start from the same first boot
	case $1 in
	guests-libvirt*) echo libvirt ;;
	*) echo pve ;;
	esac
}
guests_sets() {
	local name
	for name in $1; do guests_set "$name"; done | sort -u
}

# --- files ------------------------------------------------------------------------------------------------------------------

# build_pmxcfs - the file system, without a library that the image would have to have
build_pmxcfs() {
	# shellcheck disable=SC2046  # words
	cc -O2 -std=gnu11 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -I"$repository" $(pkg-config --cflags fuse3) -static \
		-o "$work/pmxcfs-double" "$repository"/tests/pmxcfs/{pmxcfs-double,tree}.c -l:libfuse3.a -lpthread -ldl
}

# pve_tree DIR - a node of a cluster of two
pve_tree() {
	local tree=$1 unit
	local units=$tree/etc/systemd/system
	mkdir -p "$tree/etc/rig" "$tree/etc/corosync" "$tree/etc/pve" "$units/multi-user.target.wants" "$tree/usr/bin" \
		"$tree/usr/local/lib/rig" "$tree/var/lib/pve-cluster" "$tree/var/lib/vz/snippets"
	install -m644 "$here/guests/pve.conf" "$tree/etc/rig/"
	install -m644 "$here/guests/store/corosync.conf" "$tree/etc/corosync/"
	install -m644 "$here"/guests/units/* "$units/"
	for unit in "$here"/guests/units/*; do ln -s "../${unit##*/}" "$units/multi-user.target.wants/"; done
	install -m755 "$here"/guests/lib/* "$work/pmxcfs-double" "$tree/usr/local/lib/rig/"
	mv "$tree/usr/local/lib/rig/pvesh" "$tree/usr/local/lib/rig/qm" "$tree/usr/bin/"
	cp -r "$here/guests/store" "$tree/var/lib/pve-cluster/store"
	touch "$tree/var/lib/pve-cluster/config.db"
}

# configure SHELL_LINE... - change the image; set_pve and set_recovery print such lines
configure() {
	printf '%s\n' "$@" | alter_image "$dir/image" && return
	cat "$dir/image.alter.log"
	return 1
}
set_pve() { echo "sed -i 's/^${1%%=*}=.*/$1/' /etc/rig/pve.conf"; }
set_recovery() { echo "mkdir -p /etc/hwrecover; { echo '[Recovery]'; echo '$1'; } > /etc/hwrecover/hwrecover.conf"; }
# Without quorum until the story has seen what there is to see.
wait_for_story="install -m644 /usr/local/lib/rig/waiting.sh /etc/rig/story"
no_story="rm -f /etc/rig/story"

# guests_boot NAME TOPOLOGY [KERNEL_ARGUMENT...] <ACTS - ACTS is what a person does when the boot is over
guests_boot() {
	local name=$1 topology=$2
	shift 2
	payload=$dir/payload
	rm -rf "$payload"
	mkdir -p "$payload"
	cp "$here/guest/observe.sh" "$payload/"
	cp "$here/guests/observe.sh" "$payload/run.sh"
	cat > "$payload/acts.sh"
	[ -s "$payload/acts.sh" ] || rm "$payload/acts.sh"
	boot "$name" "$here/guests/topologies/$topology" "$@" || return
	note "$name: hwrecover-guests took $((($(unit . hwrecover-guests.ExecMainExitTimestampMonotonic) - \
		$(unit . hwrecover-guests.ExecMainStartTimestampMonotonic)) / 1000)) ms"
}

# --- what was seen ----------------------------------------------------------------------------------------------------------
# WHEN below is a folder in the results: "." the end of the boot, "waiting" before there was quorum, "acts" after what was
# done by hand.

seen() { echo "$results/guests/$1"; }
unit() { sed -n "s/^$2=//p" "$(seen "$1")/units"; } # unit WHEN UNIT.PROPERTY
started() { # started WHEN [WHO]
	awk -v who="${2:-}" '$2 == "start" && $4 != "vzdump" && (who == "" || who == $4) { print $3 }' "$(seen "$1")/guests.log" |
		sort -n | tr '\n' ' '
}
started_are() { # started_are WHEN "GUEST... "
	is "the guests that were started" "$(started "$1")" "$2" && return
	cat "$(seen "$1")/guests.log"
	return 1
}

card() { # card NAME - where it sits, in whatever bus that is
	case $1 in
	added) echo pci0000:00/01.0/00.0 ;;
	usb) echo pci0000:00/02.0/00.0 ;;
	edu2) echo pci0000:00/03.0/00.0 ;;
	disk) echo pci0000:00/04.0/00.0 ;;
	nvme) echo pci0000:00/05.0/00.0 ;;
	edu5) echo pci0000:00/06.0/00.0 ;;
	nic) echo pci0000:00/07.0/00.0 ;;
	nic2) echo pci0000:00/08.0/00.0 ;;
	nic3) echo pci0000:00/09.0/00.0 ;;
	edu9) echo pci0000:00/0a.0/00.0 ;;
	fixed) echo pci0000:00/1b.0 ;;
	esac
}
meant() { # meant GUEST - the card that its owner gave it
	case $1 in
	101) echo nic2 ;;
	102) echo nvme ;;
	103|107) echo edu5 ;;
	104) echo fixed ;;
	105) echo edu2 ;;
	110) echo usb ;;
	112) echo edu9 ;;
	esac
}
mac3=52:54:00:00:00:08

# takes WHEN GUEST CARD ADDRESS
takes() {
	local got
	got=$(awk -v guest="$2" '$2 == "take" && $3 == guest { print $6, $8 }' "$(seen "$1")/guests.log" | sort -u)
	is "what guest $2 took" "$got" "$4 $(card "$3")"
}
# no_stranger WHEN - whoever asked, also for a backup: nobody got a card that is not theirs, nor anything in its group
no_stranger() {
	local bad='' guest who address path members
	[ -f "$(seen "$1")/guests.log" ] || { echo "there is no log of the guests"; return 1; }
	while read -r guest who address path members; do
		if [ "$path" != "$(card "$(meant "$guest")")" ]; then
			bad=1
			echo "guest $guest, started by $who, takes $address, which is $path and not $(card "$(meant "$guest")")"
		fi
	done < <(awk '$2 == "take" { print $3, $4, $6, $8, $11 }' "$(seen "$1")/guests.log")
	if awk -v mac="$mac3" '$2 == "link" && $7 != mac' "$(seen "$1")/guests.log" | grep .; then bad=1; fi
	[ -z "$bad" ]
}
refused() { # refused WHEN GUEST WHO PATTERN
	grep -E "^[0-9.]+ refuse $2 $3 .*$4" "$(seen "$1")/guests.log" && return
	cat "$(seen "$1")/guests.log"
	return 1
}

gui_is_active() { # gui_is_active WHEN
	is pvedaemon "$(unit "$1" pvedaemon.ActiveState)" active && is pveproxy "$(unit "$1" pveproxy.ActiveState)" active
}
guests_stage_is() { # guests_stage_is WHEN "STATE RESULT"
	is hwrecover-guests "$(unit "$1" hwrecover-guests.ActiveState) $(unit "$1" hwrecover-guests.Result)" "$2"
}
before_guests() { # before_guests UNIT - it started when the guests stage was done
	local ours theirs
	ours=$(unit . hwrecover-guests.ActiveEnterTimestampMonotonic) theirs=$(unit . "$1.InactiveExitTimestampMonotonic")
	[ "${ours:-0}" -gt 0 ] && [ "${theirs:-0}" -ge "$ours" ] && return
	echo "hwrecover-guests was done at ${ours:-?} us, $1 started at ${theirs:-?} us"
	return 1
}
hold_file_is() { # hold_file_is WHEN there|gone
	case $2 in
	there) [ -e "$(seen "$1")/run/hold-guests" ] ;;
	gone) [ ! -e "$(seen "$1")/run/hold-guests" ] ;;
	esac && return
	ls -l "$(seen "$1")/run"
	return 1
}

# files_are WHEN FUNCTION - the cluster's files are those of the first boot with the changes that FUNCTION makes in a copy of
# them. manager_status is the CRM's. What a hold is called is not looked at here.
files_are() {
	rm -rf "$dir/expected.pve" "$dir/found.pve"
	cp -r "$baseline/first/guests/pve" "$dir/expected.pve"
	cp -r "$(seen "$1")/pve" "$dir/found.pve"
	rm -f "$dir"/{expected,found}.pve/ha/manager_status
	(cd "$dir/expected.pve" && "$2") || return 1
	find "$dir/expected.pve" "$dir/found.pve" -type f -exec \
		sed -i 's/mapping=hwrecover-hold-[A-Za-z0-9_-]*/mapping=hwrecover-hold-X/' {} +
	diff -ru --label expected "$dir/expected.pve" --label "$1" "$dir/found.pve"
}
files_of_first() { :; }
guests_unwritten() { # guests_unwritten WHEN - byte for byte, and no change to the file system at all but the CRM's
	files_are "$1" files_of_first && ! grep -v manager_status "$(seen "$1")/count"
}

off() { sed -i '1,/^onboot:/s/^onboot: .*/onboot: 0/' "$1"; }
state_of_110() { sed -i '/^vm: 110/,/^$/s/state started/state stopped/' ha/resources.cfg; }

# In "plus-one" 07 is the host's NIC and 04 its boot disk: those are held, as is what is under HA.
files_blocked() {
	cd nodes/rig/qemu-server || return
	off 101.conf; hold_device 101.conf hostpci0
	off 102.conf; hold_device 102.conf hostpci0
	off 103.conf
	off 105.conf
	hold_device 110.conf hostpci0
	off 112.conf
	off ../lxc/115.conf
	cd ../../..
	state_of_110
}
# hold_device FILE KEY - in its snapshots as well: Proxmox's rollback would bring it back
hold_device() { sed -i "s/^\($2: \)[^,]*/\1mapping=hwrecover-hold-X/" "$1"; }
files_held() {
	local name
	cd nodes/rig/qemu-server || return
	for name in 101 102 103 105 112; do off $name.conf; done
	for name in 101 102 103 105 107 110; do hold_device $name.conf hostpci0; done
	hold_device 112.conf hostpci1
	off ../lxc/115.conf
	echo 'lxc.include: /usr/lib/hwrecover/hwrecover-hold' >> ../lxc/115.conf
	cd ../../..
	state_of_110
}
files_relocated() {
	local group
	group=$(awk '$2 == "take" && $3 == 105 { print $10 }' "$(seen .)/guests.log")
	cd nodes/rig/qemu-server || return
	sed -i 's/0000:07:00.0/0000:08:00.0/' 101.conf 106.conf
	sed -i 's/04:00/05:00/' 102.conf
	sed -i 's/05:00\.0/06:00.0/' 103.conf 107.conf
	sed -i 's/01:00\.0/02:00.0/' 110.conf
	sed -i 's/0000:09:00\.0/0000:0a:00.0/' 112.conf
	sed -i 's/enp8s0/enp9s0/' ../lxc/115.conf
	sed -i "/node=rig/{s/path=0000:02:00.0/path=0000:03:00.0/; s/iommugroup=[0-9]*/iommugroup=$group/}" ../../../mapping/pci.cfg
}

everybody='100 101 102 103 104 105 108 110 111 112 115 '
unaffected='100 104 108 111 '

check_calm() { # check_calm WHEN ADDRESS_OF_WHAT_MOVES... - all guests run, each with its own card
	check "$boot_name: every guest was started that should be" started_are "$1" "$everybody"
	check "$boot_name: 101 has the second NIC" takes "$1" 101 nic2 "$2"
	check "$boot_name: 102 has the NVMe" takes "$1" 102 nvme "$3"
	check "$boot_name: 103 has the edu of slot 6" takes "$1" 103 edu5 "$4"
	check "$boot_name: 104 has the NIC of the root bus" takes "$1" 104 fixed 0000:00:1b.0
	check "$boot_name: 105 has, by its mapping, the edu of slot 3" takes "$1" 105 edu2 "$5"
	check "$boot_name: 110, under HA, has the USB controller" takes "$1" 110 usb "$6"
	check "$boot_name: 112 has the pending edu of slot a" takes "$1" 112 edu9 "$7"
	check "$boot_name: nobody has a card that is not theirs" no_stranger "$1"
}
check_calm_before() { check_calm . 0000:07:00.0 0000:04:00.0 0000:05:00.0 0000:02:00.0 0000:01:00.0 0000:09:00.0; }
check_calm_after() { check_calm . 0000:08:00.0 0000:05:00.0 0000:06:00.0 0000:03:00.0 0000:02:00.0 0000:0a:00.0; }

check_node() { # check_node NIC - the host is well
	check "$boot_name: vmbr0 is up and its port is the NIC with the right MAC" bridge_port_is "$1"
	check "$boot_name: the gateway answers" is gateway "$(fact gateway)" yes
	check "$boot_name: no unit failed" no_failed_unit
	check "$boot_name: the GUI's units are active" gui_is_active .
}
check_stage() {
	check "$boot_name: the guests stage ended well" guests_stage_is . 'active success'
	check "$boot_name: it was done before pve-guests started" before_guests pve-guests
	check "$boot_name: and before the LRM did" before_guests pve-ha-lrm
	check "$boot_name: and before the scheduler did" before_guests pvescheduler
	check "$boot_name: nothing holds guests back any more" hold_file_is . gone
}
check_blocked() {
	check "$boot_name: the unaffected guests were started, and nobody else" started_are . "$unaffected"
	check "$boot_name: 104 has the NIC of the root bus" takes . 104 fixed 0000:00:1b.0
	check "$boot_name: nobody has a card that is not theirs" no_stranger .
	check "$boot_name: autostart and HA are off for the affected, 101, 102 and 110 are held, no other byte differs" files_are . files_blocked
	check "$boot_name: status says that they are blocked" all_in "$results/hwrecover-status.out" 101 102 103 105 110 112 115
	check "$boot_name: and names the one that nobody starts by itself" all_in "$results/hwrecover-status.out" 107
	check "$boot_name: and none of the others" none_in "$results/hwrecover-status.out" pve/qemu/100 pve/qemu/104 pve/qemu/108 pve/qemu/111
}
all_in() { # all_in FILE WORD...
	local file=$1 word bad=''
	shift
	for word in "$@"; do grep -qwF "$word" "$file" || { echo "no $word"; bad=1; }; done
	[ -z "$bad" ] && return
	cat "$file"
	return 1
}
none_in() { # none_in FILE WORD...
	local file=$1 word bad=''
	shift
	for word in "$@"; do ! grep -wF "$word" "$file" || bad=1; done
	[ -z "$bad" ]
}

# --- first boots ------------------------------------------------------------------------------------------------------------

case_guests_baseline_pve() {
	check "the cluster's file system can be built" build_pmxcfs
	[ -x "$work/pmxcfs-double" ] || return
	pve_tree "$dir/tree"
	install_image "$dir/image" "$flavour" bridge "$dir/tree"
	check "the program installs" cat_unless_ok $? "$dir/image.install.log"
	guests_boot first before </dev/null || return
	check_node enp6s0
	check_calm_before
	check "first: every stage ended well" stages_done
	check "first: nothing is left to do" nothing_left_to_do
	check "first: the guests' files were not written" guests_unwritten_first
}
guests_unwritten_first() { ! grep -v manager_status "$(seen .)/count"; }

# libvirt_tree DIR - domains whose definitions are in guests/libvirt; all but the last of them start with the daemon
libvirt_tree() {
	local name
	mkdir -p "$1/etc/libvirt/qemu/autostart" "$1/usr/local/lib/rig"
	install -m600 "$here"/guests/libvirt/*.xml "$1/etc/libvirt/qemu/"
	for name in moved fixed plain; do ln -s "/etc/libvirt/qemu/$name.xml" "$1/etc/libvirt/qemu/autostart/"; done
	install -m644 "$here/guests/lib/look.sh" "$1/usr/local/lib/rig/"
}
domains_are() { # domains_are WHEN "NAME=STATE... "
	is "the domains" "$(sort "$(seen "$1")/domains" | tr '\n' ' ')" "$2" && return
	cat "$(seen "$1")/libvirtd.journal" "$(seen "$1")"/libvirt.log/*
	return 1
}
on_vfio() { # on_vfio WHEN CARD... - these functions are on vfio-pci and no other
	local when=$1 name
	shift
	is "what is on vfio-pci" "$(cut -d' ' -f1 "$(seen "$when")/vfio" | sort | tr '\n' ' ')" \
		"$(for name in "$@"; do card "$name"; done | sort | tr '\n' ' ')"
}
case_guests_baseline_libvirt() {
	export RIG_MEM=1536
	libvirt_tree "$dir/tree"
	install_image "$dir/image" libvirt bridge "$dir/tree"
	check "the program installs" cat_unless_ok $? "$dir/image.install.log"
	guests_boot first before <<'END' || return
hwrecover hooks install
echo "rc=$?"
virsh start by-hand
virsh destroy by-hand
END
	check "first: vmbr0 is up and its port is the NIC with the right MAC" bridge_port_is enp6s0
	check "first: no unit failed" no_failed_unit
	check "first: the domains that start with the daemon run, those with a device as well" domains_are . "$domains_calm"
	check "first: and the one that does not can be started by hand" grep "Domain 'by-hand' started" "$(seen acts)/out"
	check "first: their devices are on vfio-pci" on_vfio . edu5 fixed
}

# --- cases ------------------------------------------------------------------------------------------------------------------

# A backup job is due for 101 when the machine boots: it starts a guest that is off, whatever its autostart says.
case_guests_block() {
	configure "$(set_pve BACKUP=101)" || return
	guests_boot changed plus-one </dev/null || return
	check_node enp7s0
	check_stage
	check_blocked
	check "changed: the backup of 101 was refused, and the message names hwrecover" refused . 101 vzdump hwrecover
	guests_boot again plus-one </dev/null || return
	check_stage
	check_blocked
	check "again: the guests' files were not written" guests_unwritten_since changed
	configure "$(set_pve BACKUP=)" || return
	guests_boot back before </dev/null || return
	check_node enp6s0
	check_stage
	check_calm_before
	check "back: the cluster's files are those of the first boot, byte for byte" files_are . files_of_first
}
guests_unwritten_since() { # guests_unwritten_since BOOT
	! grep -v manager_status "$(seen .)/count" &&
		diff -ru -x manager_status "$dir/$1/guests/pve" "$(seen .)/pve"
}

# Never, for all that anybody can know; and then it comes.
case_guests_quorum() {
	configure "$(set_pve QUORUM=never)" "$wait_for_story" || return
	guests_boot changed plus-one </dev/null || return
	check "changed: without quorum nothing was started" nothing_started waiting
	check "changed: the guests stage waited" guests_stage_is waiting 'activating success'
	check "changed: the GUI's units were active" gui_is_active waiting
	check "changed: the host was reachable" is "ping's exit status" "$(cat "$(seen waiting)/ping.rc")" 0
	check "changed: the finish stage had run" is hwrecover-finish \
		"$(unit waiting hwrecover-finish.ActiveState) $(unit waiting hwrecover-finish.Result)" 'active success'
	check "changed: guests were known to be in danger" hold_file_is waiting there
	check "changed: nothing was written yet" files_are waiting files_of_first
	note "changed: quorum came at $(cat "$(seen waiting)/uptime") s"
	check_node enp7s0
	check_stage
	check_blocked
}
nothing_started() { # nothing_started WHEN
	[ ! -f "$(seen "$1")/guests.log" ] || ! grep -E '^[0-9.]+ (start|take|link) ' "$(seen "$1")/guests.log"
}

case_guests_relocate() {
	configure "$(set_recovery Autostart=relocate)" "$(set_pve MOUNT=12)" || return
	guests_boot changed plus-one </dev/null || return
	check_node enp7s0
	check_stage
	check_calm_after
	check "changed: the devices' addresses, the mapping's group and the link's name differ, and no other byte" files_are . files_relocated
	guests_boot back before </dev/null || return
	check_node enp6s0
	check_stage
	check_calm_before
	check "back: the cluster's files are those of the first boot, byte for byte" files_are . files_of_first
}

case_guests_hold() {
	configure "$(set_recovery Autostart=hold)" || return
	guests_boot changed plus-one <<'END' || return
for vmid in 101 103 105 107 110 112 115 104; do
	echo "qm start $vmid"
	qm start $vmid
done
END
	check_node enp7s0
	check_stage
	check "changed: the unaffected guests were started, and nobody else" started_are . "$unaffected"
	check "changed: autostart and HA are off, a value that no start resolves stands for each device, no other byte differs" files_are . files_held
	for guest in 101 103 105 107 110 112 115; do
		check "changed: a start of $guest by hand is refused, and the message names hwrecover" refused acts $guest qm hwrecover
	done
	check "changed: nobody has a card that is not theirs" no_stranger acts
	check "changed: a start of 104 by hand is not" is "its starts by hand" "$(started acts qm)" '104 '
	guests_boot back before </dev/null || return
	check_stage
	check_calm_before
	check "back: the cluster's files are those of the first boot, byte for byte" files_are . files_of_first
}

# The guests stage dies; the network stage knew that there is danger.
broken_stage='mv /usr/sbin/hwrecover /usr/sbin/hwrecover.whole
cat > /usr/sbin/hwrecover <<"END"
#!/bin/sh
[ "$*" != "boot guests" ] || kill -SEGV $$
exec /usr/sbin/hwrecover.whole "$@"
END
chmod 755 /usr/sbin/hwrecover'
case_guests_crash() {
	configure "$broken_stage" || return
	guests_boot changed plus-one <<'END' || return
hwrecover status
hwrecover release --all
echo "rc=$?"
wait_for_log 'lrm cycled'
wait_for_log 'vzdump done'
END
	check "changed: the guests stage failed" guests_stage_is . 'failed signal'
	check "changed: the gateway answers" is gateway "$(fact gateway)" yes
	check "changed: the GUI's units are active" gui_is_active .
	check "changed: what holds guests back is there" hold_file_is . there
	check "changed: nothing was started" nothing_started .
	check "changed: nothing was written" files_are . files_of_first
	check "changed: release --all lets the unaffected guests start" has_started acts 100 104 108 111
	check "changed: and nothing holds them back any more" hold_file_is acts gone
	check "changed: but nobody gets what the host needs" nothing_protected acts
	check "changed: the LRM and the scheduler run" is "their states" \
		"$(unit acts pve-ha-lrm.ActiveState) $(unit acts pvescheduler.ActiveState)" 'active active'
	check "changed: what else was released means what is there" takes acts 103 nvme 0000:05:00.0
	check "changed: and the message names what was not" grep -E '^hwrecover: .*pve/qemu/10[12]' "$(seen acts)/out"
}
has_started() { # has_started WHEN GUEST...
	local when=$1 guest bad=''
	shift
	for guest in "$@"; do
		case " $(started "$when")" in *" $guest "*) ;; *) echo "$guest was not started"; bad=1 ;; esac
	done
	[ -z "$bad" ] && return
	cat "$(seen "$when")/guests.log" "$(seen "$when")/out"
	return 1
}
nothing_protected() { # nothing_protected WHEN
	! awk '$2 == "take"' "$(seen "$1")/guests.log" | grep -E " ($(card disk)|$(card nic)) "
}

# It dies, and nothing had changed.
case_guests_calm() {
	configure "$broken_stage" || return
	guests_boot calm before </dev/null || return
	check "calm: the guests stage failed" guests_stage_is . 'failed signal'
	check "calm: nothing holds guests back" hold_file_is . gone
	check_calm_before
	check "calm: the GUI's units are active" gui_is_active .
	check "calm: the cluster's files are those of the first boot" files_are . files_of_first
}

# pmxcfs never comes up. Then somebody repairs it.
case_guests_no_mount() {
	configure "$(set_pve MOUNT=never)" || return
	guests_boot changed plus-one <<'END' || return
sed -i 's/^MOUNT=.*/MOUNT=0/' /etc/rig/pve.conf
systemctl reset-failed pve-cluster
systemctl start pve-cluster
echo quorate > /run/rig/control
systemctl restart hwrecover-guests
echo "rc=$?"
wait_for_log 'lrm cycled'
wait_for_log 'vzdump done'
END
	check "changed: pve-cluster failed" is pve-cluster "$(unit . pve-cluster.ActiveState)" failed
	check "changed: the boot went on to its end" is "multi-user.target" "$(fact multi-user)" active
	check "changed: vmbr0 is up and its port is the NIC with the right MAC" bridge_port_is enp7s0
	check "changed: the GUI's units are active" gui_is_active .
	check "changed: nothing was started" nothing_started .
	check "changed: when pmxcfs is there the stage can be started again, and does its work" guests_stage_is acts 'active success'
	check "changed: the unaffected guests are started then, and nobody else" started_are acts "$unaffected"
	check "changed: nobody has a card that is not theirs" no_stranger acts
	check "changed: the files are as after any boot" files_are acts files_blocked
}

# It is mounted late, nothing else is out of order.
case_guests_late() {
	configure "$(set_pve MOUNT=25)" || return
	guests_boot changed plus-one </dev/null || return
	check_node enp7s0
	check_stage
	check_blocked
}

# The control: what happens without the program, and that the checks above see it. Quorum is the stand-ins' business here.
case_guests_off() {
	configure "$(set_pve QUORUM=never)" "$wait_for_story" || return
	guests_boot off plus-one hwrecover=off </dev/null || return
	check "off: without quorum nothing was started" nothing_started waiting
	check "off: the GUI's units were active" gui_is_active waiting
	check "off: and pve-guests was waiting" is pve-guests "$(unit waiting pve-guests.ActiveState)" activating
	check "off: with it guests were" has_started . 100 101 102 103 104 108 110 111 112 115
	check "off: 101 took the host's NIC" takes . 101 nic 0000:07:00.0
	check "off: 102 took the boot disk's controller" takes . 102 disk 0000:04:00.0
	check "off: 103 took the NVMe" takes . 103 nvme 0000:05:00.0
	check "off: 110 took the card that was added" takes . 110 added 0000:01:00.0
	check "off: 112 took the third NIC" takes . 112 nic3 0000:09:00.0
	check "off: 115 took the second NIC" is "its link" "$(awk '$2 == "link" && $3 == 115 { print $7 }' "$(seen .)/guests.log")" 52:54:00:00:00:07
	check "off: 105 was refused by Proxmox's own check" refused . 105 startall 'PCI device mapping invalid'
	check "off: that is what the checks look for" fails no_stranger .
	check "off: nothing was written" files_are . files_of_first
}
fails() { ! "$@"; }

# libvirt's own daemon. Its start hook was installed at the end of the first boot.
case_guests_libvirt() {
	export RIG_MEM=1536
	guests_boot changed plus-one <<'END' || return
for domain in moved by-hand; do
	echo "start $domain"
	virsh start $domain
done
END
	check "changed: vmbr0 is up and its port is the NIC with the right MAC" bridge_port_is enp7s0
	check "changed: no unit failed" no_failed_unit
	check "changed: the domain whose card moved is off, the others run" domains_are . "$domains_blocked"
	check "changed: the daemon did not even try" same_starts moved
	check "changed: only the NIC of the root bus is on vfio-pci" on_vfio . fixed
	check "changed: the link in autostart/ is gone, and no other byte differs" libvirt_files_are . unlink_moved
	check "changed: status says that it is blocked, and names the one without autostart" all_in "$results/hwrecover-status.out" moved by-hand
	check "changed: the start hook refuses the one by hand, and names hwrecover" hook_refused moved
	check "changed: and the other" hook_refused by-hand
	check "changed: they are off still" domains_are acts "$domains_blocked"
	guests_boot back before </dev/null || return
	check "back: the domains that start with the daemon run" domains_are . "$domains_calm"
	check "back: with their own devices" on_vfio . edu5 fixed
	check "back: the files are those of the first boot, byte for byte" libvirt_files_are . files_of_first
}
domains_calm='by-hand=shut off fixed=running moved=running plain=running '
domains_blocked='by-hand=shut off fixed=running moved=shut off plain=running '
unlink_moved() { rm autostart/moved.xml; }
relocate_domains() {
	sed -i "s/bus='0x05' slot='0x00'/bus='0x06' slot='0x00'/" moved.xml
	sed -i "s/bus='0x02' slot='0x00'/bus='0x03' slot='0x00'/" by-hand.xml
}
libvirt_files_are() { # libvirt_files_are WHEN FUNCTION - as files_are
	rm -rf "$dir/expected.libvirt"
	cp -r "$baseline/first/guests/libvirt" "$dir/expected.libvirt"
	(cd "$dir/expected.libvirt" && "$2") || return 1
	diff -ru --no-dereference --label expected "$dir/expected.libvirt" --label "$1" "$(seen "$1")/libvirt"
}
same_starts() { # same_starts DOMAIN - its log has the starts of the first boot and no other
	is "its starts" "$(grep -c 'starting up libvirt' "$(seen .)/libvirt.log/$1.log")" \
		"$(grep -c 'starting up libvirt' "$baseline/first/guests/acts/libvirt.log/$1.log")"
}
hook_refused() { # hook_refused DOMAIN
	awk -v domain="$1" '/^start / { ours = $2 == domain } ours' "$(seen acts)/out" > "$dir/hook.out"
	cat "$dir/hook.out"
	grep -q "Failed to start domain '$1'" "$dir/hook.out" && grep -q hwrecover "$dir/hook.out"
}
case_guests_libvirt_relocate() {
	export RIG_MEM=1536
	configure "$(set_recovery Autostart=relocate)" || return
	guests_boot changed plus-one <<'END' || return
virsh start by-hand
END
	check "changed: the domains that start with the daemon run" domains_are . "$domains_calm"
	check "changed: with their own devices" on_vfio . edu5 fixed
	check "changed: the addresses differ, and no other byte" libvirt_files_are . relocate_domains
	check "changed: the one that is started by hand has its own, too" on_vfio acts edu2 edu5 fixed
}
case_guests_libvirt_off() {
	export RIG_MEM=1536
	guests_boot off plus-one hwrecover=off </dev/null || return
	check "off: the domain whose card moved runs" domains_are . "$domains_calm"
	check "off: and has the NVMe" on_vfio . nvme fixed
}

# Proxmox's start hook: a blocked guest is refused by hand as well.
case_guests_hooks() {
	guests_boot hooked before <<'END' || return
hwrecover hooks install
echo "rc=$?"
qm start 103
END
	check "hooked: a guest whose card is in its place starts" is "the starts by hand" "$(started acts qm)" '103 '
	guests_boot changed plus-one <<'END' || return
for vmid in 103 105 112 104; do
	echo "qm start $vmid"
	qm start $vmid
done
hwrecover release 103
echo "rc=$?"
qm start 103
hwrecover hooks remove
echo "rc=$?"
END
	check_stage
	check "changed: the unaffected guests were started, and nobody else" started_are . "$unaffected"
	for guest in 103 105 112; do
		check "changed: a start of $guest by hand is refused, and the message names hwrecover" refused acts $guest qm hwrecover
	done
	check "changed: 104 starts, and after its release so does 103" is "the starts by hand" "$(started acts qm)" '103 104 '
	check "changed: what was released means what is there" takes acts 103 nvme 0000:05:00.0
}
