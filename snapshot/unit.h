/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A particular piece of hardware as it was last known: what a reference means. It keeps its
 * identity while its address or name changes with every card added or removed.
 */
#pragma once

#include "snapshot/inventory.h"

enum unit_kind {
	UNIT_FUNCTION,
	UNIT_NIC,
	_UNIT_KIND_MAX,
	_UNIT_KIND_INVALID = -22,
};

const char *unit_kind_to_string(enum unit_kind kind);
enum unit_kind unit_kind_from_string(const char *text);

/**
 * struct unit - One unit, with its last known identity and place
 * @kind:           a PCI function, or a NIC (which may stand on a function, @has_function)
 * @function:       the function, or the function the NIC stands on; the last known values. The
 *                  serial number of a virtual function is its card's: its physical function's
 *                  where that tells one
 * @shared_serial:  the number of the function where another card bears it too and @function.serial
 *                  is therefore not known; else NULL
 * @has_function:   false for a NIC that stands on no PCI function (USB), or on one that is not in
 *                  the inventory
 * @vf_index:       for a virtual function (@function.has_physfn): its index; else UNKNOWN
 * @ports_on_card:  how many NICs the whole card had (all functions of the device)
 * @nic:            of a NIC: name, mac, port, driver (altnames are not kept); of a function that
 *                  carries NICs: the mac of one of them, where it was seen
 * @lost:           it was not found when it was last looked for (gone, ambiguous): what sits where
 *                  it was last known is somebody else, unless a number says otherwise
 * @first_address, @first_path: where the entry that means it was first recorded to have it
 *
 * Strings belong to whoever made the unit (see unit_copy()).
 */
struct unit {
	enum unit_kind kind;
	bool has_function;
	struct pci_function function;
	const char *shared_serial;
	int vf_index;
	unsigned int ports_on_card;
	struct nic nic;
	bool lost;
	struct pci_address first_address;
	const char *first_path;
};

/*
 * The unit that a function or a NIC of an inventory is now; its strings are the inventory's. A
 * number that another card bears too identifies nobody: the unit has none then.
 */
void unit_from_function(const struct inventory *inventory, const struct pci_function *function,
			struct unit *ret_unit);
void unit_from_nic(const struct inventory *inventory, const struct nic *nic, struct unit *ret_unit);

/* A copy whose strings live in @arena. Return: 0, or -ENOMEM. */
_must_check_ int unit_copy(struct arena *arena, const struct unit *unit, struct unit *ret_unit);

/*
 * Whether both describe the same unit in the same place, now and where it was first recorded: as
 * pci_function_same() and nic_same(), so a value known on one side only is no difference.
 */
_pure_ bool unit_equal(const struct unit *a, const struct unit *b);

/* How many NICs stand on the card (device) of a function. */
_pure_ unsigned int card_count_ports(const struct inventory *inventory,
				     const struct pci_function *function);
