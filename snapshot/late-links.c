/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "snapshot/late-links.h"

#include <errno.h>

static const struct nic *find_by_mac(const struct inventory *inventory, const char *mac)
{
	for (size_t i = 0; mac && i < inventory->n_nics; i++)
		if (inventory->nics[i].mac && strcmp(inventory->nics[i].mac, mac) == 0)
			return &inventory->nics[i];
	return NULL;
}

static bool name_is_taken(const struct inventory *inventory, const char *name, size_t but)
{
	for (size_t i = 0; i < inventory->n_nics; i++)
		if (i != but && strcmp(inventory->nics[i].name, name) == 0)
			return true;
	return false;
}

/* Links that are there under a name that is not final. */
static int rename_unsettled(struct inventory *now, const struct inventory *last)
{
	size_t kept = 0;

	for (size_t i = 0; i < now->n_nics; i++) {
		struct nic *nic = &now->nics[i];
		const struct nic *known = find_by_mac(last, nic->mac);

		if (!nic->settled) {
			if (!known || name_is_taken(now, known->name, i))
				continue;
			nic->name = arena_copy_text(&now->arena, known->name);
			if (!nic->name)
				return -ENOMEM;
		}
		now->nics[kept++] = *nic;
	}
	now->n_nics = kept;
	return 0;
}

static bool carries_a_link(const struct inventory *inventory, const struct pci_address *address)
{
	for (size_t i = 0; i < inventory->n_nics; i++)
		if (inventory->nics[i].has_pci &&
		    pci_address_equal(&inventory->nics[i].pci, address))
			return true;
	return false;
}

/* Whether a function that was under a NIC is where it was. */
static bool is_in_place(const struct inventory *now, const struct inventory *last,
			const struct nic *nic)
{
	const struct pci_function *was = inventory_function_of(last, nic), *is;

	if (!was)
		return false;
	is = inventory_find_function(now, &was->address);
	/* A function that was taken for a guest gets no link at all. */
	return is && !is_passthrough_driver(is->driver) && is->vendor == was->vendor &&
	       is->device == was->device && is->path && was->path &&
	       strcmp(is->path, was->path) == 0;
}

static int add_pending(struct inventory *now, const struct nic *known)
{
	struct nic *nic = inventory_add_nic(now);

	if (!nic)
		return -ENOMEM;
	nic->name = arena_copy_text(&now->arena, known->name);
	nic->mac = arena_copy_text(&now->arena, known->mac);
	nic->driver = arena_copy_text(&now->arena, known->driver);
	nic->has_pci = known->has_pci;
	nic->pci = known->pci;
	nic->port = known->port;
	nic->settled = false;
	if (!nic->name || (known->mac && !nic->mac) || (known->driver && !nic->driver))
		return -ENOMEM;
	return 0;
}

int late_links_fill(struct inventory *now, const struct inventory *last)
{
	size_t n_there;
	int r;

	r = rename_unsettled(now, last);
	if (r < 0)
		return r;
	n_there = now->n_nics;
	for (size_t i = 0; i < last->n_nics && r == 0; i++) {
		const struct nic *known = &last->nics[i];
		size_t n_nics = now->n_nics;
		bool carries;

		/* Of a function with several ports, those put in just now do not count. */
		now->n_nics = n_there;
		carries = carries_a_link(now, &known->pci);
		now->n_nics = n_nics;
		if (known->has_pci && !carries && is_in_place(now, last, known) &&
		    !name_is_taken(now, known->name, SIZE_MAX) && !find_by_mac(now, known->mac))
			r = add_pending(now, known);
	}
	return r < 0 ? r : inventory_finish(now, "late links", NULL);
}
