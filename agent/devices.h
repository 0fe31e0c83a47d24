/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The hardware as people like to see it: the tree the devices hang in, or their IOMMU groups. */
#pragma once

#include "agent/terminal.h"
#include "snapshot/inventory.h"
#include "snapshot/udev-properties.h"

/**
 * struct devices_note - Something to be said about one device, on a line of its own below it
 * @nic:     the NIC it is about, or NULL: then it is about the function at @address
 * @address: of the function
 * @text:    "vmbr0 (/etc/network/interfaces:4)"
 *
 * Of one device the notes are shown in the order in which they are given.
 */
struct devices_note {
	const char *nic;
	struct pci_address address;
	const char *text;
};

/**
 * struct devices_view - How to show it
 * @terminal: lines are cut to its width
 * @names:    where model names come from; NULL shows ids alone
 * @groups:   by IOMMU group instead of the tree
 * @notes:    @n_notes of them
 */
struct devices_view {
	struct terminal terminal;
	struct udev_properties *names;
	bool groups;
	const struct devices_note *notes;
	size_t n_notes;
};

/**
 * devices_print() - Show an inventory
 * @out: appended to
 *
 * Bridges with nothing behind them, and virtual functions that nobody uses, take one line together.
 *
 * Return: 0, or -ENOMEM.
 */
_must_check_ int devices_print(const struct inventory *inventory, const struct devices_view *view,
			       struct buffer *out);
