/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* PCI functions of a running kernel, or of a copy of its /sys, through our own directory fds. */
#pragma once

#include "snapshot/basic/root.h"
#include "snapshot/inventory.h"

/**
 * pci_scan() - Add all PCI functions of a tree's /sys to an inventory
 * @details: whether to read also what only people and the baseline want (revision, slot, firmware
 *           path, boot_vga); without it the fields that identify and place: ids, class, driver,
 *           path, group, physfn
 *
 * One `uevent` read and three links a function. A missing /sys/bus/pci is a machine without PCI: no
 * function, no error. A function that goes away while it is read is left out; one that cannot be
 * read (all ones, asleep) is kept with what is known. A host bridge below a function (a VMD
 * controller's own domain) is a plain "pci" in the path: its domain is numbered at each boot anew.
 *
 * Return: 0, or a negative errno with @problem set; -ENOENT for a copy whose links lead nowhere, as
 * all that is missing in it would look removed.
 */
_must_check_ int pci_scan(const struct root *root, bool details, struct inventory *inventory,
			  struct problem *problem);

/**
 * pci_read_serial() - Read one function's Device Serial Number from its config space
 *
 * Walks the extended capabilities dword by dword (PCIe 7.9.3), never reading more than the way to
 * the capability: each dword costs an exit in a virtual machine. It resumes a sleeping device, so
 * it is for a device that a difference makes doubtful, and for the record after boot.
 *
 * Return: 1 and the serial in the inventory's arena, 0 when the function has none or cannot be
 * read, or -ENOMEM.
 */
_must_check_ int pci_read_serial(const struct root *root, const struct pci_address *address,
				 struct arena *arena, const char **ret_serial);
