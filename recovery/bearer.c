/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "recovery/bearer.h"

/* Of a whole slot the first function speaks for all. */
static const struct pci_function *find_in_slot(const struct inventory *inventory,
					       const struct pci_address *address)
{
	for (size_t i = 0; i < inventory->n_functions; i++)
		if (pci_address_same_device(&inventory->functions[i].address, address))
			return &inventory->functions[i];
	return NULL;
}

size_t bearer_find(const struct inventory *inventory, const struct document *document,
		   const struct reference *reference)
{
	const struct pci_function *function;
	const struct nic *nic;

	if (reference->kind == REFERENCE_ADDRESS) {
		function = inventory_find_function(inventory, &reference->address);
		if (!function && reference->whole_slot)
			function = find_in_slot(inventory, &reference->address);
		return function ? (size_t)(function - inventory->functions) : SIZE_MAX;
	}
	if (reference->kind == REFERENCE_GROUP)
		return SIZE_MAX;
	nic = inventory_find_nic_or_altname(inventory, document_name_of(document, reference));
	return nic ? (size_t)(nic - inventory->nics) : SIZE_MAX;
}

void bearer_to_unit(const struct inventory *inventory, enum reference_kind kind, size_t index,
		    struct unit *ret_unit)
{
	if (kind == REFERENCE_ADDRESS)
		unit_from_function(inventory, &inventory->functions[index], ret_unit);
	else
		unit_from_nic(inventory, &inventory->nics[index], ret_unit);
}
