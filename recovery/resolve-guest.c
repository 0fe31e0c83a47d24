/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Mentions in guests' configuration. A guest must get the device that is meant, or not start: a
 * mention is right where that device sits, is rewritten if that is wanted and it is known where the
 * device is, and keeps the guest from starting otherwise. It never adopts whoever comes.
 */
#include "recovery/resolve-private.h"

#include <errno.h>
#include <stdio.h>

#include "recovery/guest.h"
#include "recovery/sources/address-attributes.h"
#include "recovery/sources/address-token.h"

#define DEVICE_GONE "device gone"

/* An address as the report spells it; of a whole slot without a function. */
struct shown_address {
	char text[PCI_ADDRESS_TEXT];
};

static const char *show_address(const struct reference *reference,
				const struct pci_address *address, struct shown_address *shown)
{
	struct pci_address_name name;
	const char *text = pci_address_show(address, &name);
	size_t size = strlen(text);

	if (reference->whole_slot)
		size = (size_t)(strrchr(text, '.') - text);
	(void)snprintf(shown->text, sizeof(shown->text), "%.*s", (int)size, text);
	return shown->text;
}

/* Who sits at the address, in a few words. */
static const char *show_occupant(const struct question *question, struct sketch *ret_sketch)
{
	struct sketch what;

	if (!question->occupant)
		return "nothing is there now";
	(void)snprintf(ret_sketch->text, sizeof(ret_sketch->text), "%s is there now",
		       resolve_sketch(question->occupant, &what));
	return ret_sketch->text;
}

/* "KEY ADDRESS: TEXT", and that the guest must not start so. */
_printf_(2, 3) static int block(struct question *question, const char *format, ...)
{
	const struct reference *reference = question->reference;
	struct shown_address shown;
	struct buffer text = { 0 };
	va_list arguments;
	int r;

	va_start(arguments, format);
	buffer_appendv(&text, format, arguments);
	va_end(arguments);
	question->finding->stale = true;
	r = text.failed
		    ? -ENOMEM
		    : resolve_conclude(question, VERDICT_BLOCK, true, "%s %s: %s", reference->key,
				       show_address(reference, &reference->address, &shown),
				       text.data);
	buffer_done(&text);
	return r;
}

/* Why the host needs what the guest would get; NULL if it does not. */
static const char *protection(const struct question *question, const struct pci_function *function,
			      bool stale)
{
	const struct resolver *resolver = question->resolver;

	return resolve_protection(resolver->resolution->past, resolver->policy, function, stale);
}

/* Whether a function would be taken along with what sits where the mention says. */
static bool is_taken_there(const struct question *question, const struct pci_function *function)
{
	const struct pci_function *occupant = question->occupant;
	const struct reference *reference = question->reference;

	if (function == occupant ||
	    (occupant->iommu_group != UNKNOWN && function->iommu_group == occupant->iommu_group &&
	     !pci_function_is_bridge(function)))
		return true;
	return reference->whole_slot &&
	       pci_address_same_device(&function->address, &reference->address);
}

/* Why the host needs something of what sits where the mention says, or of its IOMMU group. */
static const char *protection_there(const struct question *question)
{
	const struct inventory *now = question->resolver->now;
	const char *why = NULL;

	for (size_t i = 0; question->occupant && i < now->n_functions && !why; i++)
		if (is_taken_there(question, &now->functions[i]))
			why = protection(question, &now->functions[i], true);
	return why;
}

/* Whether what sits where the mention says is proven not to be the device that is meant. */
static bool is_another(const struct question *question)
{
	const struct pci_function *is = question->occupant, *meant;

	if (!is || question->binding->unit == MEANS_NOBODY ||
	    (is->vendor == 0xffff && is->device == 0xffff))
		return false;
	meant = &resolve_meant_unit(question)->function;
	if (is->vendor != meant->vendor || is->device != meant->device || is->class != meant->class)
		return true;
	return is->serial && meant->serial && strcmp(is->serial, meant->serial) != 0;
}

/* Not there where the mention says. @state says what is known about the device that is meant. */
static int block_stale(struct question *question, bool proof, const char *state)
{
	const char *protected = protection_there(question);
	struct sketch who;

	question->finding->proof = question->occupant &&
				   (proof || protected || is_another(question));
	question->finding->protects = protected != NULL;
	if (!question->occupant && strcmp(state, DEVICE_GONE) == 0)
		return block(question, "%s", state);
	return block(question, "%s; %s%s%s", state, show_occupant(question, &who),
		     protected ? ", needed by the host: " : "", protected ? protected : "");
}

/* The text that names another address as this mention is written; NULL when there is no memory. */
static const char *format_like(const struct question *question, const struct pci_address *address)
{
	struct arena *arena = &question->resolver->resolution->arena;
	struct address_token_name token;
	struct pci_address_name name;
	struct pci_address ignored;
	const char *text;
	size_t size;

	if (address_attributes_parse(question->name, &ignored) == 0)
		return address_attributes_format(arena, question->name, address);
	if (!question->reference->whole_slot)
		return arena_copy_text(arena,
				       address_token_format(question->name, address, &token));
	text = pci_address_show(address, &name);
	size = (size_t)(strrchr(text, '.') - text);
	/* A domain is written where one was, and where it is not 0. */
	if (address->domain == 0 && question->name.size < strlen("0000:00:00")) {
		size -= strlen("0000:");
		text += strlen("0000:");
	}
	return arena_copy(arena, bytes_make(text, size));
}

/* Whether a text that stood here once names an address, of a whole slot with its function 0. */
static bool says(const struct question *question, const char *said,
		 const struct pci_address *address)
{
	_cleanup_(buffer_done) struct buffer text = { 0 };
	struct pci_address named;

	if (!said)
		return false;
	if (address_attributes_parse(bytes_of(said), &named) == 0)
		return pci_address_equal(&named, address);
	buffer_append_text(&text, said);
	if (question->reference->whole_slot)
		buffer_append_text(&text, ".0");
	return !text.failed && address_token_parse(buffer_bytes(&text), &named) == 0 &&
	       (question->reference->whole_slot ? pci_address_same_device(&named, address)
						: pci_address_equal(&named, address));
}

/* Whether the mention may be written anew for a device that sits elsewhere. */
static bool follows(const struct question *question, bool again)
{
	const struct policy *policy = question->resolver->policy;
	const struct guest_config *guest = question->subject->document->guest;

	/* A saved state has a configuration of its own, which nobody can edit. */
	return question->reference->certain && !(guest && guest->saved) &&
	       (policy->guests == GUESTS_RELOCATE || (again && policy->restore));
}

/* @protected: why it may not be followed there, or NULL. */
static int block_moved(struct question *question, const struct pci_function *now,
		       const struct pairing *pairing, const char *protected)
{
	_cleanup_(buffer_done) struct buffer state = { 0 };
	struct shown_address shown;

	buffer_appendf(&state, "the device is at %s now (%s)",
		       show_address(question->reference, &now->address, &shown),
		       resolve_proof(pairing->evidence));
	if (protected)
		buffer_appendf(&state, ", where the host needs it: %s", protected);
	return state.failed ? -ENOMEM : block_stale(question, true, state.data);
}

static int resolve_moved(struct question *question, const struct pci_function *now,
			 const struct pairing *pairing)
{
	const struct binding *binding = question->binding;
	bool again = says(question, binding->said, &now->address);
	/* It is what the guest means: its display may follow it. */
	const char *protected = protection(question, now, false);
	struct shown_address from, to;

	if (!follows(question, again))
		return block_moved(question, now, pairing, NULL);
	if (protected)
		return block_moved(question, now, pairing, protected);
	question->finding->stale = true;
	question->finding->new_name =
		again ? arena_copy_text(&question->resolver->resolution->arena, binding->said)
		      : format_like(question, &now->address);
	if (!question->finding->new_name)
		return -ENOMEM;
	return resolve_conclude(
		question, VERDICT_REMAP, false, "%s %s is %s %s (%s)", question->reference->key,
		show_address(question->reference, &question->reference->address, &from),
		again ? "again at" : "now at",
		show_address(question->reference, &now->address, &to),
		resolve_proof(pairing->evidence));
}

/* What came along to another machine is not obeyed there; what a person wrote there is. */
static bool is_away_from_home(const struct question *question)
{
	const struct resolution *resolution = question->resolver->resolution;

	return resolve_home(resolution) && question->binding->origin == ORIGIN_KEPT;
}

static bool is_there(const struct question *question, const struct pci_function *now)
{
	const struct reference *reference = question->reference;

	return reference->whole_slot ? pci_address_same_device(&now->address, &reference->address)
				     : pci_address_equal(&now->address, &reference->address);
}

/* The device is here, as @now. */
static int resolve_found(struct question *question, const struct pci_function *now,
			 const struct pairing *pairing)
{
	if (is_away_from_home(question))
		return block_stale(question, false, "was meant on another machine");
	if (!is_there(question, now))
		return resolve_moved(question, now, pairing);
	return resolve_conclude(question, VERDICT_KEEP, false, NULL);
}

/* There, but nothing can be read of it: what stayed in its place may be what is meant. */
static int resolve_unreadable(struct question *question)
{
	const struct pci_function *meant = &resolve_meant_unit(question)->function;
	const struct pci_function *occupant = question->occupant;
	bool readable = occupant && (occupant->vendor != 0xffff || occupant->device != 0xffff);

	if (readable || !is_there(question, meant))
		return block_stale(question, readable, "the device cannot be read");
	return resolve_conclude(question, VERDICT_KEEP, true, "%s is there but cannot be read",
				question->reference->key);
}

/* A virtual function that its physical one has not made yet: it is where that one will put it. */
static int resolve_not_yet(struct question *question, const struct pairing *pairing)
{
	const struct pci_function *meant = &resolve_meant_unit(question)->function;
	struct pci_function now = *meant;

	if (pairing->carrier == SIZE_MAX)
		return block_stale(question, false, "the device is not there yet");
	now.protected = NULL;
	now.address = resolve_place_of_virtual(
		meant, &question->resolver->now->functions[pairing->carrier]);
	return resolve_found(question, &now, pairing);
}

/*
 * Virtual functions are made late in the boot, or by hand. One of a card that was there when the
 * mention was first seen is no newcomer.
 */
static bool is_made_late(const struct question *question)
{
	const struct resolver *resolver = question->resolver;
	const struct company *carriers = &question->binding->company;
	const struct pci_function *carrier;

	if (!question->occupant->has_physfn)
		return false;
	carrier = inventory_find_function(resolver->now, &question->occupant->physfn);
	for (size_t i = 0; carrier && i < carriers->n_units; i++) {
		const struct pairing *pairing = &resolver->resolution->pairings[carriers->units[i]];

		if (pairing->fate == FATE_FOUND &&
		    &resolver->now->functions[pairing->index] == carrier)
			return true;
	}
	return false;
}

/*
 * Never denoted anything. While nobody sits there no start gets anything, and there is nothing to
 * do; it never adopts whoever comes.
 */
static int resolve_dangling(struct question *question)
{
	if (question->occupant && !is_made_late(question))
		return block_stale(question, true, "it meant no device");
	return resolve_conclude(question, VERDICT_KEEP, false, NULL);
}

static int resolve_unit(struct question *question)
{
	const struct pairing *pairing = resolve_pairing(question);

	switch (pairing->fate) {
	case FATE_FOUND:
		return resolve_found(question, &question->resolver->now->functions[pairing->index],
				     pairing);
	case FATE_UNREADABLE:
		return resolve_unreadable(question);
	case FATE_NOT_YET:
		return resolve_not_yet(question, pairing);
	case FATE_AMBIGUOUS:
		return block_stale(question, false, "the device may be one of several now");
	case FATE_REPLACED:
	case FATE_GONE:
	default:
		return block_stale(question, true, DEVICE_GONE);
	}
}

int resolve_guest_address(struct question *question)
{
	if (question->binding->origin == ORIGIN_AMBIGUOUS)
		return block_stale(question, false, "was written while another device sat there");
	if (question->binding->origin == ORIGIN_DANGLING || question->binding->unit == MEANS_NOBODY)
		return resolve_dangling(question);
	return resolve_unit(question);
}

/* Why the host needs the link that bears the name, or what it stands on. */
static const char *protection_of_bearer(const struct question *question)
{
	const struct pci_function *function = NULL;

	if (question->bearer && question->bearer->has_pci)
		function = inventory_find_function(question->resolver->now, &question->bearer->pci);
	return function ? protection(question, function, true) : NULL;
}

static int block_link(struct question *question, const char *state)
{
	const char *why = protection_of_bearer(question);

	question->finding->stale = true;
	question->finding->proof = question->bearer != NULL;
	question->finding->protects = why != NULL;
	return resolve_conclude(question, VERDICT_BLOCK, true, "%s %.*s: %s%s%s%s",
				question->reference->key, NAME_ARGS(question), state,
				question->bearer ? "; another bears its name now" : "",
				why ? ", needed by the host: " : "", why ? why : "");
}

/* A link of the host that a guest uses, or gets. */
int resolve_guest_nic(struct question *question)
{
	const struct reference *reference = question->reference;
	const struct inventory *now = question->resolver->now;
	const struct policy *policy = question->resolver->policy;
	const struct binding *binding = question->binding;
	_cleanup_(buffer_done) struct buffer state = { 0 };
	const struct pairing *pairing;
	const struct nic *nic;
	bool again;

	if (binding->origin == ORIGIN_AMBIGUOUS || binding->unit == MEANS_NOBODY) {
		if (!question->bearer)
			return resolve_conclude(question, VERDICT_KEEP, false, NULL);
		return block_link(question, "it meant no NIC that is there");
	}
	pairing = resolve_pairing(question);
	if (pairing->fate == FATE_NOT_YET || pairing->fate == FATE_UNREADABLE)
		return resolve_conclude(question, VERDICT_KEEP, false, NULL);
	if (pairing->fate != FATE_FOUND)
		return block_link(question, "NIC gone");
	if (is_away_from_home(question) && pairing->confidence != CONFIDENCE_CERTAIN)
		return block_link(question, "was meant on another machine");
	nic = &now->nics[pairing->index];
	if (nic == question->bearer || !nic->settled)
		return resolve_conclude(question, VERDICT_KEEP, false, NULL);
	question->finding->stale = true;
	again = binding->said && strcmp(binding->said, nic->name) == 0;
	if (reference->certain && reference->suffix + strlen(nic->name) <= NIC_NAME_MAX &&
	    (policy->guests == GUESTS_RELOCATE || (again && policy->restore))) {
		question->finding->new_name = nic->name;
		return resolve_conclude(question, VERDICT_REMAP, false, "%s %.*s is now %s (%s)",
					reference->key, NAME_ARGS(question), nic->name,
					resolve_proof(pairing->evidence));
	}
	buffer_appendf(&state, "the NIC is %s now (%s)", nic->name,
		       resolve_proof(pairing->evidence));
	return state.failed ? -ENOMEM : block_link(question, state.data);
}

/* Where the function sits whose group a number is, once the plan is carried out; NULL: unknown. */
static const struct pci_function *followed_function(const struct question *question)
{
	const struct subject *subject = question->subject;
	const struct document *document = subject->document;
	size_t index = document_first_from(document, question->reference->follows);
	const struct resolution *resolution = question->resolver->resolution;
	const struct reference *reference;
	size_t unit;

	if (index >= document->n_references)
		return NULL;
	reference = &document->references[index];
	unit = subject->bindings[index].unit;
	if (reference->span.offset != question->reference->follows ||
	    reference->kind != REFERENCE_ADDRESS || unit == MEANS_NOBODY ||
	    subject->findings[index].verdict == VERDICT_BLOCK ||
	    resolution->pairings[unit].fate != FATE_FOUND)
		return NULL;
	return &question->resolver->now->functions[resolution->pairings[unit].index];
}

/* A person says that the mapping is right: then its number has to be. */
static bool is_adopted(const struct question *question)
{
	const struct past *past = question->resolver->resolution->past;

	return past->adopted && question->reference->owner &&
	       past->adopted(past->adopted_data, question->reference->owner);
}

/*
 * Proxmox compares the number with the group's at every start (PVE::Mapping::PCI). One that was
 * wrong from the beginning is its author's to correct.
 */
int resolve_guest_group(struct question *question)
{
	const struct pci_function *function = followed_function(question);
	struct pci_address_name name;
	char number[16];
	bool again;

	if (!function || function->iommu_group == UNKNOWN)
		return resolve_conclude(question, VERDICT_KEEP, false, NULL);
	(void)snprintf(number, sizeof(number), "%d", function->iommu_group);
	question->finding->agrees = bytes_equal(question->name, bytes_of(number));
	if (question->finding->agrees ||
	    (question->binding->unit == MEANS_NOBODY && !is_adopted(question)))
		return resolve_conclude(question, VERDICT_KEEP, false, NULL);
	question->finding->stale = true;
	again = question->binding->said && question->resolver->policy->restore &&
		strcmp(question->binding->said, number) == 0;
	if (question->resolver->policy->guests != GUESTS_RELOCATE && !again &&
	    !is_adopted(question))
		return resolve_conclude(question, VERDICT_BLOCK, true,
					"%s: iommugroup is %s now, not %.*s, and Proxmox VE "
					"compares it",
					pci_address_show(&function->address, &name), number,
					NAME_ARGS(question));
	question->finding->new_name =
		arena_copy_text(&question->resolver->resolution->arena, number);
	if (!question->finding->new_name)
		return -ENOMEM;
	return resolve_conclude(question, VERDICT_REMAP, false, "iommugroup %.*s is %s now",
				NAME_ARGS(question), number);
}
