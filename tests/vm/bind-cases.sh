# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154  # variables that are run's, or that it uses
# bind-cases.sh - sourced by run: machines whose bind script would take the wrong device after the change
#
# In "before" the passthrough guide's script hands the second NIC (07) to vfio-pci, in the set "disk" the NVMe (04) as well. In
# "plus-one" 07 is the host's NIC, a twin of the other one, and 04 is the boot disk's controller.

bind_default='twin-nic boot-disk modules-only no-guard bad-manifest'
bind_all="$bind_default relocate bind-off in-guest modules-guard ids bind-report disk-off"

bind_set() { # bind_set CASE - the cases of a set start from the same first boot
	case $1 in
	boot-disk|disk-off) echo disk ;;
	relocate) echo relocate ;;
	*) echo nic ;;
	esac
}
bind_sets() {
	local name
	for name in $1; do bind_set "$name"; done | sort -u
}

# --- files ------------------------------------------------------------------------------------------------------------------

bind_script() { # bind_script ADDRESS... - the guide's script for these functions
	awk -v addresses="$*" '
		BEGIN { n = split(addresses, address, " ") }
		!/@ADDRESS@/ { print; next }
		{ for (i = 1; i <= n; i++) { line = $0; gsub(/@ADDRESS@/, address[i], line); print line } }' "$here/guest/bind/vfio-bind"
}
disabled_script() { bind_script "$@" | sed 's|^echo .* > /sys|#hwrecover: &|'; }

# bind_tree DIR ADDRESS... - what the guide tells its reader to write
bind_tree() {
	local tree=$1
	shift
	mkdir -p "$tree/etc/initramfs-tools/scripts/init-top"
	install -m644 "$here/guest/bind/modules" "$tree/etc/modules"
	install -m644 "$here/guest/bind/modules" "$tree/etc/initramfs-tools/modules"
	bind_script "$@" > "$tree/etc/initramfs-tools/scripts/init-top/vfio-bind"
	chmod 755 "$tree/etc/initramfs-tools/scripts/init-top/vfio-bind"
}

# remake_image - build the boot image, as hwrecover-image.service asked the stand-in to; what it holds is in $dir/image.kept
remake_image() {
	alter_image "$dir/image" < "$here/guest/remake-image.sh" && return
	cat "$dir/image.alter.log"
	return 1
}
look_into_image() { { echo RIG_BUILT=1; cat "$here/guest/remake-image.sh"; } | alter_image "$dir/image"; }

# after_boot - what follows a boot in which the image's files changed
after_boot() {
	if [ -n "$in_guest" ]; then
		check "$boot_name: the boot image that the guest built can be read" look_into_image
	else
		check "$boot_name: the boot image can be built" remake_image
	fi
	check "$boot_name: it holds the bind script as it is on disk" diff -u "$results/scripts/init-top/vfio-bind" \
		"$dir/image.kept/scripts/init-top/vfio-bind"
	check "$boot_name: it holds the manifest as it is on disk" cmp "$dir/image.kept/manifest.disk" "$dir/image.kept/manifest"
	check "$boot_name: the guard comes first in it" guard_comes_first
}
guard_comes_first() {
	is "the first script of init-top" "$(sed -n '1s/ .*//p' "$dir/image.kept/scripts/init-top/ORDER")" /scripts/init-top/00-hwrecover &&
		grep -x 'usr/lib/hwrecover/hwrecover-guard' "$dir/image.kept/list"
}

# --- checks -----------------------------------------------------------------------------------------------------------------

holds() { # holds ROLE ADDRESS DRIVER - where a function is and who drives it
	is "the function \"$1\"" "$(fact "function.$1")" "$2 $3"
}
moved() { # moved BUS TOPOLOGY - the address of what is on this bus in "before"
	case $2 in
	before) printf '0000:%02x:00.0\n' "$1" ;;
	plus-one|plus-twin) printf '0000:%02x:00.0\n' $(($1 + 1)) ;;
	esac
}
script_is() { # script_is FUNCTION ADDRESS... - the script on disk is this one's output
	"$@" > "$dir/expected"
	diff -u --label expected "$dir/expected" --label vfio-bind "$results/scripts/init-top/vfio-bind"
}
# Names, modes and owners: an edit leaves no temporary file behind, and a script stays executable.
same_files_as_first() {
	cut -d' ' -f1,5-7 "$baseline/first/binds.list" > "$dir/binds.was"
	cut -d' ' -f1,5-7 "$results/binds.list" | diff "$dir/binds.was" -
}
binds_unwritten_since() { diff -u --label "$1" "$dir/$1/binds.list" --label "$boot_name" "$results/binds.list"; }
root_is_mounted() { is "what is mounted on /" "$(fact root)" '/dev/sda ext4'; }
no_override() { is "the override of the function \"$1\"" "$(fact "override.$1")" '(null)'; }

image_asked_for() {
	[ -s "$results/rig-update-initramfs" ] || { echo "update-initramfs was not called"; return 1; }
	grep "\"MESSAGE_ID\":\"$event_image_rebuilt\"" "$results/hwrecover.journal.json" && return
	echo "hwrecover-image does not say that it rebuilt it"
	return 1
}

# The guard has no journal: it speaks through the kernel's log, and leaves a file for the later stages.
guard_spoke_of() { # guard_spoke_of DEED ADDRESS - DEED is a word of its report
	grep -e 'hwrecover: ' "$results/dmesg.txt"
	cat "$results/run/guard"
	grep -qe "hwrecover: .*$1: .*$2" "$results/dmesg.txt" || { echo "the kernel's log does not say that it $1 $2"; return 1; }
	grep -q "^$1	.*	$2	" "$results/run/guard" || { echo "/run/hwrecover/guard does not say that it $1 $2"; return 1; }
	case $1 in
	disarmed|kept) grep -aq "hwrecover: .*$1: .*$2" "$results/serial.log" || { echo "the console has nothing about $2"; return 1; } ;;
	esac
}
guard_was_not_there() {
	[ ! -e "$results/run/guard" ] && ! grep -e 'hwrecover: ' "$results/dmesg.txt"
}
released() { # released ADDRESS - the journal says that this function was taken from vfio-pci
	event "$event_released" HWRECOVER_ADDRESS "$1" && return
	sed 's/.*"MESSAGE":"\([^"]*\)".*/\1/' "$results/hwrecover.journal.json"
	return 1
}
edit_of_script_in_journal() { event "$event_edited" HWRECOVER_FILE /etc/initramfs-tools/scripts/init-top/vfio-bind; }

check_host() { # check_host TOPOLOGY - it is as well as it was before
	check_repaired bridge "$(new_name "$1")"
	check "$boot_name: the host's NIC is on its own driver" holds nic "$(moved 6 "$1")" e1000e
	check "$boot_name: and has no override" no_override nic
	check "$boot_name: the boot disk's controller is on its own driver" holds disk "$(moved 3 "$1")" ahci
	check "$boot_name: nor has that" no_override disk
	check "$boot_name: root is mounted" root_is_mounted
	check "$boot_name: the bind files are those of the first boot, with their modes" same_files_as_first
}
check_no_passthrough() { # check_no_passthrough TOPOLOGY - the devices meant are left to the host's drivers
	check "$boot_name: the other NIC is not on vfio-pci" holds twin "$(moved 7 "$1")" e1000e
	check "$boot_name: nor is the NVMe" holds nvme "$(moved 4 "$1")" nvme
}
check_passthrough() { # check_passthrough TOPOLOGY - the devices meant are on vfio-pci
	check "$boot_name: the other NIC is on vfio-pci" holds twin "$(moved 7 "$1")" vfio-pci
	check "$boot_name: the NVMe is as it was" holds nvme "$(moved 4 "$1")" "$nvme_driver"
}

# --- first boots ------------------------------------------------------------------------------------------------------------

# bind_baseline CONFIGURATION ADDRESS... - everything is as it was when the guide's reader was done; the program is new
bind_baseline() {
	local configuration=$1
	shift
	bind_tree "$dir/tree" "$@"
	[ -z "$configuration" ] || { mkdir -p "$dir/tree/etc/hwrecover"; printf '%s\n' "$configuration" > "$dir/tree/etc/hwrecover/hwrecover.conf"; }
	install_image "$dir/image" "$flavour" bridge "$dir/tree"
	check "the program installs" cat_unless_ok $? "$dir/image.install.log"
	boot first before || return
	check_host_first "$@"
	check "first: there is a manifest" grep -q "^manifest " "$results/state.list"
	after_boot
}
check_host_first() {
	check_repaired bridge enp6s0
	check "first: the host's NIC is on its own driver" holds nic 0000:06:00.0 e1000e
	check "first: the other NIC is on vfio-pci" holds twin 0000:07:00.0 vfio-pci
	check "first: the NVMe is where the script says" holds nvme 0000:04:00.0 "$nvme_driver"
	check "first: the script is as it was" script_is bind_script "$@"
	check "first: there are no edits in the journal" no_edit_in_journal
}
hide_guard='mkdir /root/guard
mv /usr/share/initramfs-tools/hooks/hwrecover /root/guard/hook
mv /usr/share/initramfs-tools/scripts/init-top/00-hwrecover /root/guard/script
'
show_guard='mv /root/guard/hook /usr/share/initramfs-tools/hooks/hwrecover
mv /root/guard/script /usr/share/initramfs-tools/scripts/init-top/00-hwrecover
rmdir /root/guard
'
# alter_and_remake SHELL_LINES - change the image's files, and build its boot image
alter_and_remake() {
	{ printf '%s\n' "$1"; cat "$here/guest/remake-image.sh"; } | alter_image "$dir/image" && return
	cat "$dir/image.alter.log"
	return 1
}

nvme_driver=nvme
case_bind_baseline_nic() { bind_baseline '' 0000:07:00.0; }
case_bind_baseline_relocate() { bind_baseline $'[Recovery]\nStaleBinds=relocate' 0000:07:00.0; }
case_bind_baseline_disk() { nvme_driver=vfio-pci; bind_baseline '' 0000:04:00.0 0000:07:00.0; }

# --- cases ------------------------------------------------------------------------------------------------------------------

# changed_boot GUARD ADDRESS... - the card is added: GUARD is "guarded", or "released" where only the network stage can help
changed_boot() {
	local guard=$1 address
	shift
	boot changed plus-one ${in_guest:+rig.image} || return
	check_host plus-one
	check_no_passthrough plus-one
	check "changed: the script's entries are disabled, and nothing else in it differs" script_is disabled_script "$@"
	check "changed: the journal says which files were edited" edit_of_script_in_journal
	for address in "$@"; do
		check "changed: and that the entries for $address were disabled" event "$event_disabled" HWRECOVER_ADDRESS "$address"
	done
	if [ "$guard" = guarded ]; then
		check "changed: the guard says what it did, on the console too" guard_spoke_of disarmed 0000:07:00.0
	else
		check "changed: no guard spoke" guard_did_nothing
		check "changed: the journal says that the host's NIC was released" released 0000:07:00.0
	fi
	check "changed: a new boot image was asked for, and is said to be in order" image_asked_for
}
# With a broken manifest it is there, and says so.
guard_did_nothing() { [ -n "$broken" ] || guard_was_not_there; }
broken=''

again_boot() {
	boot again plus-one ${in_guest:+rig.image} || return
	check_host plus-one
	check_no_passthrough plus-one
	check "again: the script is as the boot before left it" binds_unwritten_since changed
	check_unchanged changed
}
# The image still holds the disabled entries: that the devices are on vfio-pci in this boot is the guard's doing.
back_boot() { # back_boot ADDRESS...
	boot back before ${in_guest:+rig.image} || return
	check_host before
	check_passthrough before
	check "back: the script has its first bytes again" script_is bind_script "$@"
	check "back: the guard says what it did" guard_spoke_of armed 0000:07:00.0
	check "back: a new boot image was asked for, and is said to be in order" image_asked_for
	after_boot
}

case_twin_nic() {
	changed_boot guarded 0000:07:00.0 || return
	after_boot
	again_boot || return
	back_boot 0000:07:00.0
}
case_boot_disk() {
	nvme_driver=vfio-pci
	changed_boot guarded 0000:04:00.0 0000:07:00.0 || return
	after_boot
	again_boot || return
	back_boot 0000:04:00.0 0000:07:00.0
}
case_in_guest() {
	in_guest=1 limit=$((limit * 3))
	changed_boot guarded 0000:07:00.0 || return
	after_boot
	again_boot || return
	[ -z "$all" ] || back_boot 0000:07:00.0
}

# unguarded SHELL_LINES SHELL_LINES - the boot image is altered by the first, and is as it should be again after the boot
unguarded() {
	check "the boot image can be built" alter_and_remake "$1"
	[ -n "$broken" ] || check "the guard is not in it, and takes at most 300 KB where it is" guard_is_small
	changed_boot released 0000:07:00.0 || return
	alter_image "$dir/image" <<<"$2" || return
	after_boot
	again_boot || return
	[ -z "$all" ] || back_boot 0000:07:00.0
}
case_no_guard() { unguarded "$hide_guard" "$show_guard"; }

guard_is_small() {
	! grep hwrecover "$dir/image.kept/list" || return 1
	local with without
	with=$(cat "$baseline/image.kept/size") without=$(cat "$dir/image.kept/size")
	echo "$with bytes with it, $without without"
	[ $((with - without)) -le 300000 ]
}

# Unbound in the initramfs, taken by vfio-pci only in systemd-modules-load.service.
case_modules_only() { unguarded "$hide_guard
: > /etc/initramfs-tools/modules" "$show_guard"; }

# Torn in the middle, as a file system leaves what was written when the power went.
case_bad_manifest() {
	broken=1
	# shellcheck disable=SC2016  # for the hook
	unguarded 'cat > /usr/share/initramfs-tools/hooks/zz-tear <<"END"
#!/bin/sh
[ "$1" != prereqs ] || exit 0
find "$DESTDIR" -type f -path "*hwrecover*" -name "manifest*" | while read -r file; do
	truncate -s $(($(stat -c %s "$file") / 2)) "$file"
done
END
chmod 755 /usr/share/initramfs-tools/hooks/zz-tear' 'rm /usr/share/initramfs-tools/hooks/zz-tear'
}

# The guard is there, and vfio-pci comes late.
case_modules_guard() {
	check "the boot image can be built" alter_and_remake ': > /etc/initramfs-tools/modules'
	changed_boot guarded 0000:07:00.0 || return
	after_boot
	again_boot
}

case_relocate() {
	boot changed plus-one ${in_guest:+rig.image} || return
	check_relocated plus-one 0000:08:00.0
	check "changed: the journal says which files were edited" edit_of_script_in_journal
	check "changed: and that the entries were relocated" event "$event_relocated" HWRECOVER_ADDRESS_NOW 0000:08:00.0
	check "changed: the guard says what it did" guard_spoke_of relocated 0000:07:00.0
	check "changed: a new boot image was asked for, and is said to be in order" image_asked_for
	after_boot
	boot again plus-one ${in_guest:+rig.image} || return
	check_relocated plus-one 0000:08:00.0
	check "again: the script is as the boot before left it" binds_unwritten_since changed
	check_unchanged changed
	boot back before ${in_guest:+rig.image} || return
	check_relocated before 0000:07:00.0
}
check_relocated() { # check_relocated TOPOLOGY ADDRESS
	check_host "$1"
	check_passthrough "$1"
	check "$boot_name: the script names $2, and nothing else in it differs" script_is bind_script "$2"
}

# ids= names a model, and both NICs are of it. The host's was protected in the first boot; the entry is new. Without the softdep,
# e1000e would be the first to be loaded, and have them both.
case_ids() {
	check "the boot image can be built" alter_and_remake 'rm /etc/initramfs-tools/scripts/init-top/vfio-bind
printf "options vfio-pci ids=8086:10d3\nsoftdep e1000e pre: vfio-pci\n" > /etc/modprobe.d/vfio.conf'
	boot ids before || return
	check_ids before
	boot changed plus-twin || return
	check_ids plus-twin
	check "changed: the journal says that the entry reaches another card now" ids_in_journal 0000:01:00.0
}
check_ids() {
	check_repaired bridge "$(new_name "$1")"
	check "$boot_name: the host's NIC is on its own driver" holds nic "$(moved 6 "$1")" e1000e
	check "$boot_name: the other NIC is on vfio-pci" holds twin "$(moved 7 "$1")" vfio-pci
	check "$boot_name: the guard says what it did, on the console too" guard_spoke_of kept "$(moved 6 "$1")"
}
ids_in_journal() {
	grep 'ids 8086:10d3' "$results/hwrecover.journal.json" | grep -F "$1" && return
	sed 's/.*"MESSAGE":"\([^"]*\)".*/\1/' "$results/hwrecover.journal.json"
	return 1
}

# hwrecover=off reaches the guard as well. It is the control too: the failure is real.
case_bind_off() {
	boot off plus-one hwrecover=off || return
	check "off: the host's NIC is on vfio-pci" holds nic 0000:07:00.0 vfio-pci
	check "off: vmbr0 has no port and the gateway does not answer" off_the_net
	check "off: no stage ran" stages_skipped
	check "off: the guard did nothing" test ! -s "$results/run/guard"
	check "off: the script is as it was" script_is bind_script 0000:07:00.0
	check "off: nothing in the state directory was written" cmp "$results/state.list" "$baseline/first/state.list"
	check "off: no boot image was asked for" image_not_asked_for
}
# Nothing is edited or released, but a protected device is kept all the same.
case_bind_report() {
	boot report plus-one hwrecover=report || return
	check "report: the host's NIC is on its own driver" holds nic 0000:07:00.0 e1000e
	check "report: the guard says what it did, on the console too" guard_spoke_of disarmed 0000:07:00.0
	check "report: the script is as it was" script_is bind_script 0000:07:00.0
	check "report: no network file was written" cmp "$results/network.list" "$baseline/first/network.list"
}
# Without the guard there is no root file system and nothing that could help.
case_disk_off() {
	results=$dir/off boot_name=off
	"$here/boot.sh" "$dir/image" plus-one "$work/observe" "$limit" "$results" hwrecover=off 2> "$dir/boot.err" &
	booting=$!
	wait "$booting"
	local status=$?
	booting=
	check "off: the machine does not boot" is "boot.sh's exit status" $status 2
	check "off: there is no root file system" grep -a 'Gave up waiting for root' "$results/serial.log"
}
