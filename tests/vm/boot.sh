#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# boot.sh - boot an image once on a machine with a given PCI topology
#
# usage: boot.sh IMAGE TOPOLOGY PAYLOAD_DIR LIMIT_S RESULTS_DIR [KERNEL_ARGUMENT...]
#   IMAGE        raw ext4, changed in place; kernel and initrd are those that lie in its /boot at this moment
#   TOPOLOGY     a name in topologies/, or a file of that form
#   PAYLOAD_DIR  its run.sh is run in the guest at the end of the boot
#   LIMIT_S      seconds after which the machine is switched off
#   RESULTS_DIR  gets serial.log, state.txt, journal.txt, payload.out, rc, boot.json and what run.sh writes to /rig/results
#
# Exit status: 0 run.sh ended well; 1 it failed; 2 the guest never came that far (no root, panic, hang); 3 wrong usage.
# After 2 the image may be damaged. RIG_ACCEL, RIG_CPU, RIG_SMP, RIG_MEM override the machine, RIG_QUIET= shows kernel messages.
set -uo pipefail

[ $# -ge 5 ] || { sed -n '3,14s/^# \{0,1\}//p' "$0" >&2; exit 3; }
here=$(cd "$(dirname "$0")" && pwd)
image=$1 topology=$2 payload=$3 limit=$4 results=$5
shift 5

[ -f "$topology" ] || topology=$here/topologies/$topology
[ -f "$topology" ] || { echo "boot.sh: no topology $topology" >&2; exit 3; }
accel=${RIG_ACCEL:-auto}
[ "$accel" != auto ] || accel=$("$here/accel.sh")
# qemu64 leaves out what is slow to emulate.
case $accel in kvm*) cpu=${RIG_CPU:-host} ;; *) cpu=${RIG_CPU:-qemu64} ;; esac

mkdir -p "$results"
rm -f "$results"/{serial.log,state.txt,journal.txt,payload.out,rc,boot.json}
tmp=$(mktemp -d "${TMPDIR:-/tmp}/rig-boot.XXXXXX")
qemu=
finish() { [ -z "$qemu" ] || kill -KILL "$qemu" 2>/dev/null; rm -rf "$tmp"; }
trap finish EXIT
trap 'exit 2' INT TERM HUP

e2fsck -p "$image" > "$results/fsck.txt" 2>&1
kernel=$(debugfs -R 'ls -p /boot' "$image" 2>/dev/null | cut -d/ -f6 | grep '^vmlinuz-' | sort -V | tail -1)
debugfs -R "dump /boot/$kernel $tmp/vmlinuz" "$image" 2>/dev/null
debugfs -R "dump /boot/initrd.img-${kernel#vmlinuz-} $tmp/initrd" "$image" 2>/dev/null
if [ ! -s "$tmp/vmlinuz" ] || [ ! -s "$tmp/initrd" ]; then
	echo "boot.sh: no kernel or initrd in $image" >&2
	exit 3
fi

devices=()
while read -r line; do
	case $line in ''|'#'*) continue ;; esac
	line=${line//@DISK@/$image}
	line=${line//@TMP@/$tmp}
	read -ra words <<<"$line"
	devices+=("${words[@]}")
done < "$topology"
truncate -s 16M "$tmp/spare1.img" "$tmp/spare2.img"

# The shares sit on bus 0 in high slots, where they never move a card.
# shellcheck disable=SC2054  # the commas are QEMU's
machine=(-nodefaults -no-user-config -no-reboot -display none
	-machine q35,sata=off,smbus=off -accel "$accel" -cpu "$cpu" -smp "${RIG_SMP:-2}" -m "${RIG_MEM:-768}"
	-device intel-iommu -global ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off
	-serial "file:$results/serial.log" -kernel "$tmp/vmlinuz" -initrd "$tmp/initrd"
	-fsdev "local,id=fp,path=$payload,security_model=none,readonly=on"
	-device virtio-9p-pci,fsdev=fp,mount_tag=payload,bus=pcie.0,addr=0x1c.0
	-fsdev "local,id=fr,path=$results,security_model=none"
	-device virtio-9p-pci,fsdev=fr,mount_tag=results,bus=pcie.0,addr=0x1d.0)
arguments="root=LABEL=rigroot ro console=ttyS0 ${RIG_QUIET-quiet} systemd.show_status=1 panic=1 intel_iommu=on iommu=pt"
arguments+=" 8250.nr_uarts=1 no_timer_check tsc=reliable mitigations=off $*"

began=$EPOCHREALTIME
timeout -k 5 "$limit" qemu-system-x86_64 "${machine[@]}" -append "$arguments" "${devices[@]}" \
	</dev/null > "$results/qemu.log" 2>&1 &
qemu=$!
# A signal interrupts wait and not QEMU: timeout passes TERM on to it.
trap 'kill -TERM "$qemu" 2>/dev/null; wait "$qemu"; qemu=; exit 2' INT TERM HUP
wait "$qemu"
status=$?
qemu=
seconds=$(awk -v a="$began" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }')

rc=null
if [ -f "$results/rc" ]; then
	rc=$(cat "$results/rc")
	why=ran
elif [ "$status" -ge 124 ]; then
	why=timeout
else
	why=exited-before-runner
fi
printf '{"topology":"%s","accel":"%s","seconds":%s,"qemu_exit":%d,"why":"%s","payload_rc":%s}\n' \
	"${topology##*/}" "$accel" "$seconds" "$status" "$why" "$rc" > "$results/boot.json"
[ "$why" = ran ] || exit 2
[ "$rc" = 0 ] || exit 1
