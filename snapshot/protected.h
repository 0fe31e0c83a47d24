/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Protected devices: what the host itself needs, down to the PCI function. Nothing may hand one of
 * them to a guest (contract section 7).
 */
#pragma once

#include "snapshot/basic/root.h"
#include "snapshot/inventory.h"

/* Why the only display is protected; some rules make an exception for it. */
#define PROTECTED_DISPLAY "the only display"
/* What is in the reason of a NIC that the default route goes through. */
#define PROTECTED_ROUTE "default route"

/**
 * protected_mark() - Find out which functions the host itself needs
 * @root:      the tree: its /proc, /sys and /etc where it has them; what is missing there is not
 *             known and protects nothing
 * @inventory: finished; sets each function's @protected to why, in words for people, several joined
 *             by ", " ("root file system, swap"), in a fixed order; leaves it NULL for the others.
 *             Values it had already (of --inventory) stay where nothing better is known
 *
 * Controllers under the root file system, /boot, the ESP, swap and every local mount without
 * `nofail`, under imported pools and active volume groups: through partitions, device mapper (LVM,
 * LUKS, multipath), md, bcache, loop devices on a local file system, NVMe multipath, ZFS (the vdev
 * paths of imported pools). NICs under the default route and under the management bridge, through
 * VLAN, bond, team, bridge, macvlan and Open vSwitch; NICs under a root file system that comes over
 * the network. The only display.
 *
 * @zpool_list: what `zpool list -vHPL` prints, where it was asked; else empty
 *
 * Return: 0, or -ENOMEM.
 */
_must_check_ int protected_mark(const struct root *root, struct bytes zpool_list,
				struct inventory *inventory);
