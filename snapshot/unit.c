/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "snapshot/unit.h"

#include <errno.h>

static const char *const kind_names[_UNIT_KIND_MAX] = {
	[UNIT_FUNCTION] = "pci",
	[UNIT_NIC] = "nic",
};

const char *unit_kind_to_string(enum unit_kind kind)
{
	return kind >= 0 && kind < _UNIT_KIND_MAX ? kind_names[kind] : NULL;
}

enum unit_kind unit_kind_from_string(const char *text)
{
	for (int i = 0; text && i < _UNIT_KIND_MAX; i++)
		if (strcmp(text, kind_names[i]) == 0)
			return (enum unit_kind)i;
	return _UNIT_KIND_INVALID;
}

unsigned int card_count_ports(const struct inventory *inventory,
			      const struct pci_function *function)
{
	/* Virtual functions come and go: they are their physical function's card. */
	const struct pci_address *card = function->has_physfn ? &function->physfn
							      : &function->address;
	unsigned int n = 0;

	for (size_t i = 0; i < inventory->n_nics; i++) {
		const struct nic *nic = &inventory->nics[i];
		const struct pci_function *under = inventory_function_of(inventory, nic);

		if (under && !under->has_physfn && pci_address_same_device(&under->address, card))
			n++;
	}
	return n;
}

/* All functions of a card bear its number, its virtual ones too; another card's are another's. */
static bool serial_is_shared(const struct inventory *inventory, const struct pci_function *function,
			     const char *serial)
{
	const struct pci_address *card = function->has_physfn ? &function->physfn
							      : &function->address;

	for (size_t i = 0; serial && i < inventory->n_functions; i++) {
		const struct pci_function *other = &inventory->functions[i];

		if (other->serial && strcmp(other->serial, serial) == 0 &&
		    !pci_address_same_device(other->has_physfn ? &other->physfn : &other->address,
					     card))
			return true;
	}
	return false;
}

/*
 * What a function of a virtual one's card tells: its physical one, or else function 0, which is
 * the one that need have the number (PCIe 7.9.3).
 */
static const char *serial_of_card(const struct inventory *inventory, struct pci_address physfn)
{
	const struct pci_function *found = inventory_find_function(inventory, &physfn);

	if (found && found->serial)
		return found->serial;
	physfn.function = 0;
	found = inventory_find_function(inventory, &physfn);
	return found ? found->serial : NULL;
}

/* By a virtual function's own number nobody could tell later that its card was exchanged. */
static const char *serial_of(const struct inventory *inventory, const struct pci_function *function)
{
	const char *serial = NULL;

	if (function->has_physfn)
		serial = serial_of_card(inventory, function->physfn);
	return serial ? serial : function->serial;
}

static void set_function(const struct inventory *inventory, const struct pci_function *function,
			 struct unit *unit)
{
	const char *serial = serial_of(inventory, function);

	unit->has_function = true;
	unit->function = *function;
	/* Of an inventory, not of a unit: it changes with what the host does. */
	unit->function.protected = NULL;
	unit->vf_index = inventory_vf_index(inventory, function);
	unit->ports_on_card = card_count_ports(inventory, function);
	unit->first_address = function->address;
	unit->first_path = function->path;
	unit->function.serial = serial;
	if (serial_is_shared(inventory, function, serial)) {
		unit->function.serial = NULL;
		unit->shared_serial = serial;
	}
}

/* An address that two links bear says of neither which one it is. */
static bool mac_is_shared(const struct inventory *inventory, const struct nic *nic)
{
	for (size_t i = 0; nic->mac && i < inventory->n_nics; i++) {
		const struct nic *other = &inventory->nics[i];

		if (other != nic && strcmp(other->name, nic->name) != 0 && other->mac &&
		    strcmp(other->mac, nic->mac) == 0)
			return true;
	}
	return false;
}

/* The permanent address of a link on a function, which tells it from its twins. */
static const char *mac_of(const struct inventory *inventory, const struct pci_function *function)
{
	for (size_t i = 0; i < inventory->n_nics && !function->has_physfn; i++) {
		const struct nic *nic = &inventory->nics[i];

		if (nic->has_pci && pci_address_equal(&nic->pci, &function->address) && nic->mac &&
		    !mac_is_shared(inventory, nic))
			return nic->mac;
	}
	return NULL;
}

void unit_from_function(const struct inventory *inventory, const struct pci_function *function,
			struct unit *ret_unit)
{
	struct unit unit = { .kind = UNIT_FUNCTION, .nic.port = UNKNOWN };

	set_function(inventory, function, &unit);
	unit.nic.mac = mac_of(inventory, function);
	*ret_unit = unit;
}

void unit_from_nic(const struct inventory *inventory, const struct nic *nic, struct unit *ret_unit)
{
	const struct pci_function *function = inventory_function_of(inventory, nic);
	struct unit unit = {
		.kind = UNIT_NIC,
		.vf_index = UNKNOWN,
		.ports_on_card = 1,
		.nic = *nic,
	};

	unit.nic.altnames = NULL;
	unit.nic.n_altnames = 0;
	if (mac_is_shared(inventory, nic))
		unit.nic.mac = NULL;
	if (function)
		set_function(inventory, function, &unit);
	*ret_unit = unit;
}

/* A copy of *@text in its place. */
static int copy_text(struct arena *arena, const char **text)
{
	if (!*text)
		return 0;
	*text = arena_copy_text(arena, *text);
	return *text ? 0 : -ENOMEM;
}

int unit_copy(struct arena *arena, const struct unit *unit, struct unit *ret_unit)
{
	struct unit copy = *unit;
	const char **texts[] = {
		&copy.function.path,   &copy.function.serial,
		&copy.function.slot,   &copy.function.firmware_path,
		&copy.function.driver, &copy.nic.name,
		&copy.nic.mac,         &copy.nic.driver,
		&copy.first_path,      &copy.shared_serial,
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (copy_text(arena, texts[i]) < 0)
			return -ENOMEM;
	copy.nic.altnames = NULL;
	copy.nic.n_altnames = 0;
	*ret_unit = copy;
	return 0;
}

bool unit_equal(const struct unit *a, const struct unit *b)
{
	if (a->kind != b->kind || a->has_function != b->has_function || a->lost != b->lost ||
	    a->ports_on_card != b->ports_on_card)
		return false;
	if (a->has_function &&
	    (a->vf_index != b->vf_index || !pci_function_same(&a->function, &b->function) ||
	     !pci_address_equal(&a->first_address, &b->first_address)))
		return false;
	if (a->first_path && b->first_path && strcmp(a->first_path, b->first_path) != 0)
		return false;
	return a->kind != UNIT_NIC || nic_same(&a->nic, &b->nic);
}
