/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What happened to the hardware, for the report. Nothing here decides anything. */
#include "recovery/plan.h"

#include <errno.h>

static int add_change(struct plan *plan, struct hardware_change change)
{
	int r = ARRAY_RESERVE(plan->changes, plan->n_changes, plan->changes_allocated);

	if (r < 0)
		return r;
	if (change.from)
		change.from = arena_copy_text(&plan->arena, change.from);
	if (change.to)
		change.to = arena_copy_text(&plan->arena, change.to);
	plan->changes[plan->n_changes++] = change;
	return 0;
}

static bool same_path(const struct pci_function *a, const struct pci_function *b)
{
	return !a->path || !b->path || strcmp(a->path, b->path) == 0;
}

/* Whether a function's group has other members than before, as far as all of them are known. */
static bool is_regrouped(const struct match *match, size_t before, size_t after)
{
	const struct inventory *was = match->before, *is = match->after;
	int old_group = was->functions[before].iommu_group;
	int new_group = is->functions[after].iommu_group;
	size_t n_before = 0, n_after = 0, n_common = 0;

	/* Groups that appear or vanish altogether are no change. */
	if (old_group == UNKNOWN || new_group == UNKNOWN)
		return false;
	for (size_t i = 0; i < was->n_functions; i++) {
		const struct pairing *pairing = &match->functions[i];

		if (was->functions[i].iommu_group != old_group || was->functions[i].has_physfn)
			continue;
		n_before++;
		if (pairing->fate == FATE_FOUND &&
		    is->functions[pairing->index].iommu_group == new_group)
			n_common++;
	}
	for (size_t i = 0; i < is->n_functions; i++)
		n_after += is->functions[i].iommu_group == new_group &&
			   !is->functions[i].has_physfn;
	return n_common != n_before || n_common != n_after;
}

static int add_function_change(struct plan *plan, const struct match *match, size_t index)
{
	const struct pci_function *was = &match->before->functions[index], *is;
	const struct pairing *pairing = &match->functions[index];
	struct hardware_change change = { .what = UNIT_FUNCTION,
					  .confidence = pairing->confidence,
					  .evidence = pairing->evidence };
	struct pci_address_name from, to;
	int r;

	if (was->has_physfn || pairing->fate == FATE_UNREADABLE)
		return 0;
	change.from = pci_address_show(&was->address, &from);
	if (pairing->fate != FATE_FOUND) {
		change.kind = CHANGE_REMOVED;
		return add_change(plan, change);
	}
	is = &match->after->functions[pairing->index];
	change.to = pci_address_show(&is->address, &to);
	if (!pci_address_equal(&was->address, &is->address) || !same_path(was, is)) {
		change.kind = CHANGE_MOVED;
		r = add_change(plan, change);
		if (r < 0)
			return r;
	}
	if (!is_regrouped(match, index, pairing->index))
		return 0;
	change.kind = CHANGE_REGROUPED;
	return add_change(plan, change);
}

/* Whether a NIC stands on a virtual function: those come late and go, and are not counted. */
static bool is_virtual(const struct inventory *inventory, const struct nic *nic)
{
	const struct pci_function *function = inventory_function_of(inventory, nic);

	return function && function->has_physfn;
}

static int add_nic_change(struct plan *plan, const struct match *match, size_t index)
{
	const struct nic *was = &match->before->nics[index];
	const struct pairing *pairing = &match->nics[index];
	struct hardware_change change = { .what = UNIT_NIC,
					  .from = was->name,
					  .confidence = pairing->confidence,
					  .evidence = pairing->evidence };

	if (is_virtual(match->before, was))
		return 0;
	switch (pairing->fate) {
	case FATE_FOUND:
		change.to = match->after->nics[pairing->index].name;
		change.kind = CHANGE_RENAMED;
		return strcmp(was->name, change.to) == 0 ? 0 : add_change(plan, change);
	case FATE_REPLACED:
		change.to = match->after->nics[pairing->index].name;
		change.kind = CHANGE_REPLACED;
		return add_change(plan, change);
	case FATE_NOT_YET:
		return plan_warn(plan, "%s has no link yet", was->name);
	case FATE_UNREADABLE:
		return plan_warn(plan, "%s stands on a device that cannot be read", was->name);
	case FATE_GONE:
	case FATE_AMBIGUOUS:
	default:
		change.kind = CHANGE_REMOVED;
		return add_change(plan, change);
	}
}

static bool is_replacement(const struct match *match, size_t index)
{
	for (size_t i = 0; i < match->before->n_nics; i++)
		if (match->nics[i].fate == FATE_REPLACED && match->nics[i].index == index)
			return true;
	return false;
}

/* Whether something that was there cannot be told from this one. */
static enum confidence newcomer_confidence(const struct match *match,
					   const struct pci_function *function)
{
	for (size_t i = 0; i < match->before->n_functions; i++) {
		const struct pci_function *was = &match->before->functions[i];

		if (match->functions[i].fate == FATE_AMBIGUOUS && was->vendor == function->vendor &&
		    was->device == function->device)
			return CONFIDENCE_AMBIGUOUS;
	}
	return CONFIDENCE_NONE;
}

static int add_newcomers(struct plan *plan, const struct match *match)
{
	const struct inventory *now = match->after;
	struct pci_address_name name;
	int r = 0;

	for (size_t i = 0; i < now->n_functions && r == 0; i++) {
		const struct pci_function *function = &now->functions[i];
		struct hardware_change change = { .kind = CHANGE_ADDED, .what = UNIT_FUNCTION };

		if (match->function_origin[i] != SIZE_MAX || function->has_physfn ||
		    (function->vendor == 0xffff && function->device == 0xffff))
			continue;
		change.to = pci_address_show(&function->address, &name);
		change.confidence = newcomer_confidence(match, function);
		r = add_change(plan, change);
	}
	for (size_t i = 0; i < now->n_nics && r == 0; i++) {
		struct hardware_change change = { .kind = CHANGE_ADDED,
						  .what = UNIT_NIC,
						  .to = now->nics[i].name };

		if (match->nic_origin[i] != SIZE_MAX || is_replacement(match, i) ||
		    is_virtual(now, &now->nics[i]))
			continue;
		r = add_change(plan, change);
	}
	return r;
}

static bool same_model(const struct pci_function *a, const struct pci_function *b)
{
	return a->vendor == b->vendor && a->device == b->device && a->class == b->class &&
	       a->subsystem_vendor == b->subsystem_vendor &&
	       a->subsystem_device == b->subsystem_device;
}

/* A twin gone or new, with another of its model still there: they are easily confused. */
static int warn_of_twins(struct plan *plan, const struct match *match,
			 const struct pci_function *changed, const char *state)
{
	const struct inventory *now = match->after;
	struct pci_address_name one, other;

	if (changed->serial || changed->has_physfn || (changed->class >> 16) == 0x06)
		return 0;
	for (size_t i = 0; i < now->n_functions; i++) {
		const struct pci_function *twin = &now->functions[i];

		if (twin == changed || twin->serial || !same_model(twin, changed) ||
		    match->function_origin[i] == SIZE_MAX)
			continue;
		return plan_warn(plan,
				 "%s is %s, and %s is of the same model: look whether each "
				 "is the one you mean",
				 pci_address_show(&changed->address, &one), state,
				 pci_address_show(&twin->address, &other));
	}
	return 0;
}

static int add_twin_warnings(struct plan *plan, const struct match *match)
{
	int r = 0;

	for (size_t i = 0; i < match->before->n_functions && r == 0; i++)
		if (match->functions[i].fate == FATE_GONE ||
		    match->functions[i].fate == FATE_AMBIGUOUS)
			r = warn_of_twins(plan, match, &match->before->functions[i],
					  match->functions[i].fate == FATE_GONE
						  ? "gone"
						  : "gone, or has moved");
	for (size_t i = 0; i < match->after->n_functions && r == 0; i++)
		if (match->function_origin[i] == SIZE_MAX)
			r = warn_of_twins(plan, match, &match->after->functions[i], "new");
	return r;
}

static size_t count_grouped(const struct inventory *inventory)
{
	size_t n = 0;

	for (size_t i = 0; i < inventory->n_functions; i++)
		n += inventory->functions[i].iommu_group != UNKNOWN;
	return n;
}

static int add_machine_warnings(struct plan *plan, const struct match *match)
{
	int r = 0;

	if (match->other_machine)
		r = plan_warn(plan, "this is another machine than the baseline's: only what is "
				    "certain is remapped");
	if (r == 0 && match->after->n_nics == 0 && match->before->n_nics > 0)
		r = plan_warn(plan, "no network card is there at all");
	if (r == 0 && count_grouped(match->before) > 0 && count_grouped(match->after) == 0)
		r = plan_warn(plan, "there are no IOMMU groups any more: is the IOMMU still "
				    "enabled in firmware and kernel?");
	return r;
}

static int compare_changes(const void *a, const void *b)
{
	const struct hardware_change *one = a, *other = b;
	int order = (int)one->what - (int)other->what;

	if (order == 0)
		order = strcmp(one->from ? one->from : one->to,
			       other->from ? other->from : other->to);
	return order ? order : (int)one->kind - (int)other->kind;
}

int plan_add_changes(struct plan *plan, const struct match *match)
{
	int r = 0;

	inventory_count(match->before, &plan->functions_before, &plan->nics_before);
	inventory_count(match->after, &plan->functions_after, &plan->nics_after);
	for (size_t i = 0; i < match->before->n_functions && r == 0; i++)
		r = add_function_change(plan, match, i);
	for (size_t i = 0; i < match->before->n_nics && r == 0; i++)
		r = add_nic_change(plan, match, i);
	if (r == 0)
		r = add_newcomers(plan, match);
	if (r == 0)
		r = add_twin_warnings(plan, match);
	if (r == 0)
		r = add_machine_warnings(plan, match);
	if (r == 0 && plan->n_changes)
		qsort(plan->changes, plan->n_changes, sizeof(*plan->changes), compare_changes);
	return r;
}
