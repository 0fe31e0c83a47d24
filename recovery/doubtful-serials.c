/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "recovery/doubtful-serials.h"

#include <errno.h>

#include "snapshot/pci-scan.h"

static bool same_model(const struct pci_function *a, const struct pci_function *b)
{
	return a->vendor == b->vendor && a->device == b->device && a->class == b->class;
}

static bool had_number(const struct inventory *before, const struct pci_function *function)
{
	for (size_t i = 0; i < before->n_functions; i++)
		if (before->functions[i].serial && same_model(&before->functions[i], function))
			return true;
	return false;
}

static bool has_twin(const struct inventory *now, const struct pci_function *function)
{
	unsigned int n = 0;

	for (size_t i = 0; i < now->n_functions && n < 2; i++)
		n += same_model(&now->functions[i], function);
	return n > 1;
}

/* Whether some mention means a unit that nothing but this number may tell from another one. */
static bool is_meant_by_number(const struct meanings *meanings, const struct inventory *now,
			       const struct pci_function *function)
{
	for (size_t i = 0; i < meanings->n_units; i++) {
		const struct unit *unit = &meanings->units[i];

		if (!unit->has_function || !same_model(&unit->function, function))
			continue;
		if (unit->kind == UNIT_NIC ? !unit->nic.mac : has_twin(now, function))
			return true;
	}
	return false;
}

int doubtful_serials_read(const struct root *root, const struct inventory *before,
			  const struct meanings *meanings, struct inventory *now)
{
	bool differs = !inventory_same_hardware(before, now);

	for (size_t i = 0; i < now->n_functions; i++) {
		struct pci_function *function = &now->functions[i];

		if (function->serial || !(differs || is_meant_by_number(meanings, now, function)) ||
		    !had_number(before, function))
			continue;
		if (pci_read_serial(root, &function->address, &now->arena, &function->serial) < 0)
			return -ENOMEM;
	}
	return 0;
}
