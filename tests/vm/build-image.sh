#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# build-image.sh - build, or find in the cache, a small Debian guest
#
# usage: build-image.sh SUITE FLAVOUR
#   SUITE    bookworm or trixie
#   FLAVOUR  ifupdown, ifupdown2, or libvirt: ifupdown, and libvirt with QEMU
#
# Prints the path of the image on stdout and nothing else there. The image is one raw ext4 file system without partition
# table or boot loader: boot.sh reads the kernel and the initrd out of it. It knows nothing of hwrecover or of a test;
# prep.sh adds both, so that an image stays good for as long as the files that make it up.
#
# Needs root, mmdebstrap, e2fsprogs and a Debian mirror (RIG_MIRROR, otherwise mmdebstrap's default).
set -euo pipefail

[ $# -eq 2 ] || { sed -n '3,8s/^# \{0,1\}//p' "$0" >&2; exit 3; }
suite=$1 flavour=$2
here=$(cd "$(dirname "$0")" && pwd)
cache=${RIG_CACHE:-${XDG_CACHE_HOME:-/var/cache}/hwrecover-vm}
size=${RIG_SIZE:-1200M}
libvirt=''

case $flavour in
ifupdown|ifupdown2) network=$flavour ;;
libvirt)
	network=ifupdown size=${RIG_SIZE:-2400M}
	libvirt=libvirt-daemon-system,libvirt-daemon-driver-qemu,libvirt-clients,qemu-system-x86 ;;
*) echo "build-image.sh: no flavour $flavour" >&2; exit 3 ;;
esac

# Everything that shapes the image is in these two files and the three words. Old packages in a cached image are no harm:
# a test that depended on the day it was run would be worse.
key=$(printf '%s\n' "$suite" "$flavour" "$size" | cat - "$here/build-image.sh" "$here/guest/customize.sh" | sha256sum | cut -c1-16)
image=$cache/$suite-$flavour-$key.ext4

mkdir -p "$cache"
# Two runs at once must not build the same image twice, nor see half of one.
exec 9>"$image.lock"
flock 9
if [ -f "$image" ]; then
	echo "$image"
	exit 0
fi

work=$(mktemp -d "$cache/build.XXXXXX")
trap 'rm -rf "$work"' EXIT

packages=systemd,systemd-sysv,udev,dbus,kmod,initramfs-tools,busybox,zstd,linux-image-amd64
packages+=,$network,iproute2,iputils-ping,pciutils,bridge-utils,ethtool
packages+=,libudev1,libnl-3-200,libsystemd0,libjson-c5,libexpat1${libvirt:+,$libvirt}

# Only the modules that the topologies need: 20 MB instead of 400, and an initrd that loads in seconds under emulation.
# Debian 13 compresses its modules (.ko.xz), hence the star behind each name below.
modules='/lib/modules/*/kernel'
keep=(arch crypto lib virt block
	fs/ext4 fs/jbd2 fs/mbcache.ko fs/9p fs/fscache fs/netfs fs/autofs fs/configfs fs/fuse fs/overlayfs fs/efivarfs fs/binfmt_misc.ko
	drivers/virtio drivers/net/virtio_net.ko drivers/net/net_failover.ko drivers/net/dummy.ko drivers/net/veth.ko
	drivers/net/tun.ko drivers/net/macvlan.ko drivers/net/bonding drivers/net/ethernet/intel drivers/net/mii.ko
	drivers/net/phy drivers/net/mdio drivers/ata drivers/nvme drivers/scsi/scsi_mod.ko drivers/scsi/scsi_common.ko
	drivers/scsi/sd_mod.ko drivers/scsi/sg.ko drivers/block/virtio_blk.ko drivers/block/loop.ko drivers/vfio
	drivers/iommu drivers/usb/host drivers/usb/core drivers/usb/common drivers/ptp drivers/pps drivers/i2c/algos
	drivers/dca drivers/char/hw_random drivers/base drivers/acpi
	net/9p net/bridge net/llc net/802 net/8021q net/core net/netlink net/ipv6 net/packet net/unix net/sched)
options=(--dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*'
	--dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/i18n/*')
# Since the merged /usr, a package may ship its modules under either name.
for prefix in '' /usr; do
	options+=(--dpkgopt="path-exclude=$prefix$modules/*")
	for module in "${keep[@]}"; do
		options+=(--dpkgopt="path-include=$prefix$modules/$module*" --dpkgopt="path-include=$prefix$modules/$module/*")
	done
done

echo "building $image" >&2
# shellcheck disable=SC2016  # $1 is for mmdebstrap's shell: the root of the guest
mmdebstrap --quiet --variant=minbase --include="$packages" "${options[@]}" \
	--aptopt='APT::Install-Recommends "false"' \
	--essential-hook='mkdir -p "$1/etc/initramfs-tools/conf.d"; printf "COMPRESS=zstd\nMODULES=most\n" > "$1/etc/initramfs-tools/conf.d/rig"' \
	--customize-hook="'$here/guest/customize.sh' \"\$1\"" \
	"$suite" "$work/root.tar" ${RIG_MIRROR:+"$RIG_MIRROR"} >&2

mkdir "$work/root"
tar -C "$work/root" -xpf "$work/root.tar" --numeric-owner
rm "$work/root.tar"
rm -rf "$work/root"/var/cache/apt/* "$work/root"/var/lib/apt/lists/* "$work/root"/usr/share/doc/* "$work/root"/var/log/*.log

# No journal: the image is thrown away when a boot did not end by itself, and e2fsck runs before each boot anyway.
truncate -s "$size" "$work/image"
mke2fs -q -t ext4 -F -L rigroot -O ^metadata_csum,^has_journal -E lazy_itable_init=0,root_owner=0:0 \
	-d "$work/root" "$work/image" >&2
mv "$work/image" "$image"
echo "$image"
