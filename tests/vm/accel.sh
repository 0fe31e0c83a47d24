#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# accel.sh - print the accelerator to give QEMU: kvm where it works and is worth it, tcg otherwise
#
# That /dev/kvm can be opened says little: inside a virtual machine KVM may exist and yet be far slower than emulation. So a
# boot sector is run that ends QEMU with status 33 through the debug port. Emulation takes 0.2 s for it.
set -u

[ -w /dev/kvm ] || { echo tcg,thread=multi; exit 0; }

sector=$(mktemp)
trap 'rm -f "$sector"' EXIT
# mov dx, 0x501; mov al, 0x10; out dx, al; hlt - QEMU's exit status is the value doubled plus one.
printf '\xba\x01\x05\xb0\x10\xee\xf4' > "$sector"
truncate -s 510 "$sector"
printf '\x55\xaa' >> "$sector"
truncate -s 1440K "$sector"

# The group takes in what bash says about a QEMU that aborts.
{
	timeout -k 1 3 qemu-system-x86_64 -nodefaults -no-user-config -display none -machine pc -accel kvm -cpu host \
		-device isa-debug-exit -drive "file=$sector,format=raw,if=floppy,snapshot=on" </dev/null
	status=$?
} >/dev/null 2>&1
if [ $status -eq 33 ]; then
	echo kvm
else
	echo tcg,thread=multi
fi
