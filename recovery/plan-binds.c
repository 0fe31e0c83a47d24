/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What follows from bind entries besides edits: which functions were taken for a guest by mistake
 * and have to be given back, and what entries that name models reach.
 */
#include "recovery/plan.h"

#include <errno.h>

#include "recovery/sources/address-token.h"
#include "recovery/sources/bind.h"

/**
 * struct takings - Why functions may be with a driver for guests
 * @stale:   one per function of today: an entry that does not mean it stands at its address
 * @wanted:  an entry in force means it
 * @meant:   a mention of its NIC means it
 */
struct takings {
	const struct inventory *now;
	bool *stale;
	bool *wanted;
	bool *meant;
};

static void takings_done(struct takings *takings)
{
	free(takings->stale);
	free(takings->wanted);
	free(takings->meant);
}

static int takings_init(const struct inventory *now, struct takings *takings)
{
	takings->now = now;
	takings->stale = calloc(now->n_functions + 1, sizeof(bool));
	takings->wanted = calloc(now->n_functions + 1, sizeof(bool));
	takings->meant = calloc(now->n_functions + 1, sizeof(bool));
	return takings->stale && takings->wanted && takings->meant ? 0 : -ENOMEM;
}

static void mark(const struct takings *takings, bool *marks, const struct pci_address *address)
{
	const struct pci_function *function = inventory_find_function(takings->now, address);

	if (function)
		marks[function - takings->now->functions] = true;
}

/* An entry takes whatever sits at its address, and, in an old boot image, at that it once had. */
static void mark_entry(const struct takings *takings, const struct subject *subject, size_t index)
{
	const struct reference *reference = &subject->document->references[index];
	const struct finding *finding = &subject->findings[index];
	const char *said = subject->bindings[index].said;
	struct pci_address address;

	if (finding->stale || finding->verdict != VERDICT_PARK)
		mark(takings, finding->stale ? takings->stale : takings->wanted,
		     &reference->address);
	if (finding->new_name && address_token_parse(bytes_of(finding->new_name), &address) == 0)
		mark(takings, takings->wanted, &address);
	if (said && address_token_parse(bytes_of(said), &address) == 0 &&
	    !pci_address_equal(&address, &reference->address))
		mark(takings, takings->stale, &address);
}

/* A NIC whose link is not there yet, as its function is with another driver. */
static void mark_nic(const struct takings *takings, const struct resolution *resolution,
		     const struct subject *subject, size_t index)
{
	size_t unit = subject->bindings[index].unit;

	if (unit != MEANS_NOBODY && resolution->pairings[unit].fate == FATE_NOT_YET &&
	    resolution->pairings[unit].carrier != SIZE_MAX)
		takings->meant[resolution->pairings[unit].carrier] = true;
}

/* What a guest takes rightly is not given back while it runs. */
static void mark_guest(const struct takings *takings, const struct subject *subject, size_t index,
		       const struct resolution *resolution)
{
	size_t unit = subject->bindings[index].unit;

	if (subject->findings[index].verdict != VERDICT_BLOCK && unit != MEANS_NOBODY &&
	    resolution->pairings[unit].fate == FATE_FOUND)
		takings->wanted[resolution->pairings[unit].index] = true;
}

static void mark_all(const struct takings *takings, const struct resolution *resolution)
{
	for (size_t i = 0; i < resolution->n_subjects; i++) {
		const struct subject *subject = &resolution->subjects[i];

		for (size_t j = 0; j < subject->document->n_references; j++) {
			if (document_is_of_guests(subject->document)) {
				if (subject->document->references[j].kind == REFERENCE_ADDRESS)
					mark_guest(takings, subject, j, resolution);
			} else if (subject->document->references[j].kind == REFERENCE_ADDRESS)
				mark_entry(takings, subject, j);
			else
				mark_nic(takings, resolution, subject, j);
		}
	}
}

/* What a function was in the baseline; NULL if it was not there. */
static const struct pci_function *in_baseline(const struct match *baseline, size_t index)
{
	size_t origin = baseline->function_origin[index];

	return origin == SIZE_MAX ? NULL : &baseline->before->functions[origin];
}

/* Why a function that a driver for guests holds is given back; NULL if it is not. */
static const char *why_release(const struct takings *takings, const struct past *past,
			       const struct policy *policy, size_t index)
{
	const struct pci_function *function = &takings->now->functions[index];
	const char *protected = resolve_protection(past, policy, function, true);

	if (takings->wanted[index])
		return NULL;
	if (protected)
		return protected;
	if (takings->meant[index])
		return "a NIC of the host";
	if (takings->stale[index] && policy->binds != BINDS_REPORT)
		return "taken by an entry that means another device";
	return NULL;
}

/* Whether an entry that names models reaches a function. */
static bool is_reached(const struct resolution *resolution, const struct pci_function *function)
{
	for (size_t i = 0; i < resolution->n_subjects; i++) {
		const struct document *document = resolution->subjects[i].document;

		for (size_t j = 0; j < document->n_ids; j++)
			if (id_entry_matches(&document->ids[j], function))
				return true;
	}
	return false;
}

static int add_release(struct plan *plan, const struct resolution *resolution, size_t index,
		       const char *reason)
{
	const struct match *baseline = resolution->past->baseline;
	const struct pci_function *was = in_baseline(baseline, index);
	struct plan_action *action = plan_add_action(plan, ACTION_RELEASE);

	if (!action)
		return -ENOMEM;
	action->address = baseline->after->functions[index].address;
	action->keep_override = is_reached(resolution, &baseline->after->functions[index]);
	action->reason = arena_copy_text(&plan->arena, reason);
	if (was && was->driver) {
		action->driver = arena_copy_text(&plan->arena, was->driver);
		if (!action->driver)
			return -ENOMEM;
	}
	return action->reason ? 0 : -ENOMEM;
}

static int add_releases(struct plan *plan, const struct resolution *resolution,
			const struct policy *policy)
{
	const struct past *past = resolution->past;
	const struct match *baseline = past->baseline;
	struct takings takings = { 0 };
	int r;

	/* Without a baseline nobody knows what was taken on purpose. */
	if (!baseline || past->first || past->adopt || policy->no_release)
		return 0;
	r = takings_init(baseline->after, &takings);
	if (r == 0)
		mark_all(&takings, resolution);
	for (size_t i = 0; r == 0 && i < takings.now->n_functions; i++) {
		const struct pci_function *was = in_baseline(baseline, i);
		const char *reason;

		if (!is_passthrough_driver(takings.now->functions[i].driver) ||
		    (was && is_passthrough_driver(was->driver)))
			continue;
		reason = why_release(&takings, past, policy, i);
		if (reason)
			r = add_release(plan, resolution, i, reason);
	}
	takings_done(&takings);
	return r;
}

/* One that the entry reached in the baseline too, to name it beside the new one. */
static const struct pci_function *reached_before(const struct match *baseline,
						 const struct id_entry *entry)
{
	for (size_t i = 0; i < baseline->before->n_functions; i++)
		if (id_entry_matches(entry, &baseline->before->functions[i]))
			return &baseline->before->functions[i];
	return NULL;
}

static int warn_of_reach(struct plan *plan, const struct resolution *resolution,
			 const struct policy *policy, const struct document *document,
			 const struct id_entry *entry, size_t index)
{
	const struct match *baseline = resolution->past->baseline;
	const struct pci_function *function = &baseline->after->functions[index];
	const char *protected = resolve_protection(resolution->past, policy, function, true);
	const struct pci_function *before = reached_before(baseline, entry);
	struct pci_address_name here, there;

	return plan_warn(
		plan, "%s:%u: %s ids %04x:%04x reach %s now, which was not there before%s%s%s%s",
		document->path, entry->line, entry->driver, function->vendor, function->device,
		pci_address_show(&function->address, &here), before ? ", besides " : "",
		before ? pci_address_show(&before->address, &there) : "",
		protected ? "; it is kept off it, as the host needs it: " : "",
		protected ? protected : "");
}

/* Entries that name models reach whatever card of the model comes. */
static int add_reach_warnings(struct plan *plan, const struct resolution *resolution,
			      const struct policy *policy)
{
	const struct match *baseline = resolution->past->baseline;
	int r = 0;

	if (!baseline || resolution->past->first)
		return 0;
	for (size_t i = 0; i < resolution->n_subjects; i++) {
		const struct document *document = resolution->subjects[i].document;

		for (size_t j = 0; j < document->n_ids; j++)
			for (size_t k = 0; k < baseline->after->n_functions && r == 0; k++)
				if (!in_baseline(baseline, k) &&
				    id_entry_matches(&document->ids[j],
						     &baseline->after->functions[k]))
					r = warn_of_reach(plan, resolution, policy, document,
							  &document->ids[j], k);
	}
	return r;
}

/* What cannot be verified matters when hardware has changed. */
static int add_note_warnings(struct plan *plan, const struct resolution *resolution)
{
	int r = 0;

	if (plan->n_changes == 0)
		return 0;
	for (size_t i = 0; i < resolution->n_subjects; i++) {
		const struct document *document = resolution->subjects[i].document;

		if (!is_bind_source(document->source))
			continue;
		for (size_t j = 0; j < document->n_notes && r == 0; j++)
			r = plan_warn(plan, "%s:%s", document->path, document->notes[j]);
	}
	return r;
}

int plan_add_binds(struct plan *plan, const struct resolution *resolution,
		   const struct policy *policy)
{
	int r;

	r = add_releases(plan, resolution, policy);
	if (r == 0)
		r = add_reach_warnings(plan, resolution, policy);
	return r == 0 ? add_note_warnings(plan, resolution) : r;
}
