/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether a guest, or any other process, has a PCI function in its hands. */
#pragma once

#include <sys/types.h>

#include "snapshot/basic/root.h"
#include "snapshot/pci-address.h"

/**
 * struct device_user - A process that uses a function
 * @pid:  its number
 * @name: what it is called (/proc/PID/comm); "?" where that cannot be read
 */
struct device_user {
	pid_t pid;
	char name[32];
};

/**
 * device_in_use() - Find a process that has a function open through VFIO
 * @root:     the tree whose /sys and /proc are looked at
 * @ret_user: the first one found, set only when 1 is returned
 *
 * An IOMMU group is used as a whole: a process that has the group (/dev/vfio/GROUP), or one of its
 * functions (/dev/vfio/devices/vfioN), open uses each of them. Of a physical function the virtual
 * ones count too, as they go when it changes its driver. Nothing is opened: a guest that is just
 * starting is not disturbed. Where files are kept open without a descriptor in any process's table
 * (the device's own outlives the group's), that is not seen.
 *
 * Return: 1 when there is one, 0 when there is none, or a negative errno when that cannot be told:
 * -ENODEV there is no such function, -E2BIG more descriptors than are looked at, -EACCES some
 * process does not let us look (CAP_SYS_PTRACE) and none of the others has it.
 */
_must_check_ int device_in_use(const struct root *root, const struct pci_address *address,
			       struct device_user *ret_user);

/**
 * device_group_is_busy() - Ask the kernel whether somebody has the function's IOMMU group
 *
 * The group is opened for a moment, which the kernel allows to one process at a time (also counting
 * those device_in_use() cannot see). Somebody else who opens it in this moment is refused: only for
 * a group that is about to be taken apart.
 *
 * Return: 1 when it is, 0 when it is not or there is none to be opened, or a negative errno.
 */
_must_check_ int device_group_is_busy(const struct root *root, const struct pci_address *address);
