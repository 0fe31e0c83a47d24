/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Network links that stand on devices, from one netlink dump or from a copy of /sys. */
#pragma once

#include "snapshot/basic/root.h"
#include "snapshot/inventory.h"

/**
 * link_scan() - Add the NICs of a machine to an inventory
 * @root: the live machine: one RTM_GETLINK dump (permanent address, altnames, parent), parents
 *        climbed to their PCI function in /sys; any other tree: DIR/sys/class/net
 *
 * Left out is what has no device: loopback, bridges, bonds, VLANs, veth, tun. A NIC that is plugged
 * into a port of a function (USB, SD, FireWire, Thunderbolt) does not stand on that function. A
 * NIC's port is its number among the links of its function: dev_port where the driver tells it,
 * else its place in the order of their permanent addresses, UNKNOWN where these do not tell either
 * and without a function. On the live machine a NIC is settled once udev has its record.
 *
 * Return: 0, or a negative errno with @problem set. A dump the kernel interrupts is asked for
 * again, a bounded number of times.
 */
_must_check_ int link_scan(const struct root *root, struct inventory *inventory,
			   struct problem *problem);
