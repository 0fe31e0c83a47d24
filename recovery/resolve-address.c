/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Bind entries: in force only where they take what they mean, and nothing protected. */
#include "recovery/resolve-private.h"

#include <errno.h>
#include <stdio.h>

#include "recovery/sources/address-token.h"
#include "snapshot/protected.h"

/* Whether a function of today was held for a guest in the boot that made the baseline. */
static bool was_held(const struct match *baseline, const struct pci_function *function)
{
	size_t origin;

	origin = baseline->function_origin[function - baseline->after->functions];
	return origin != SIZE_MAX &&
	       is_passthrough_driver(baseline->before->functions[origin].driver);
}

const char *resolve_protection(const struct past *past, const struct policy *policy,
			       const struct pci_function *function, bool stale)
{
	/* What an entry takes when we first look is what it is meant to. */
	if (!function->protected || !past->baseline || was_held(past->baseline, function))
		return NULL;
	if (!stale && strcmp(function->protected, PROTECTED_DISPLAY) == 0)
		return NULL;
	for (size_t i = 0; i < policy->n_allow; i++)
		if (pci_address_equal(&policy->allow[i], &function->address))
			return NULL;
	return function->protected;
}

const char *resolve_sketch(const struct pci_function *function, struct sketch *ret_sketch)
{
	int n = snprintf(ret_sketch->text, sizeof(ret_sketch->text), "%04x:%04x", function->vendor,
			 function->device);

	if (function->serial && n > 0)
		(void)snprintf(ret_sketch->text + n, sizeof(ret_sketch->text) - (size_t)n,
			       ", serial %s", function->serial);
	return ret_sketch->text;
}

/* Who sits at the address instead, to end a sentence with. */
static const char *sketch_occupant(const struct question *question, struct sketch *ret_sketch)
{
	const struct pci_function *occupant = question->occupant;
	struct sketch what;

	if (!occupant)
		(void)snprintf(ret_sketch->text, sizeof(ret_sketch->text), "nothing is there now");
	else
		(void)snprintf(ret_sketch->text, sizeof(ret_sketch->text), "%s is there now",
			       resolve_sketch(occupant, &what));
	return ret_sketch->text;
}

/* It would take what it does not mean. Return: why that one may not be taken, if it may not. */
static const char *mark_stale(struct question *question)
{
	const struct resolver *resolver = question->resolver;
	const char *why = NULL;

	if (question->occupant)
		why = resolve_protection(resolver->resolution->past, resolver->policy,
					 question->occupant, true);
	question->finding->stale = true;
	question->finding->protects = why != NULL;
	return why;
}

/* Not where it was meant to be: out of force. @state says what is known about its device. */
static int resolve_stale(struct question *question, const char *state)
{
	const struct pci_function *meant = &resolve_meant_unit(question)->function;
	const char *protected = mark_stale(question);
	struct sketch what, who;

	return resolve_park(question, "%.*s (%s) %s; %s%s%s", NAME_ARGS(question),
			    resolve_sketch(meant, &what), state, sketch_occupant(question, &who),
			    protected ? ", needed by the host: " : "", protected ? protected : "");
}

static bool says(struct bytes text, const struct pci_address *address)
{
	struct pci_address said;

	return address_token_parse(text, &said) == 0 && pci_address_equal(&said, address);
}

/* Whether an address is the one that a person once wrote here. */
static bool said_so(const struct binding *binding, const struct pci_address *address)
{
	return binding->said && says(bytes_of(binding->said), address);
}

/* Whether the entry is written anew for a device that sits elsewhere. */
static bool follows(const struct question *question, const struct pci_function *now)
{
	return question->reference->certain &&
	       (question->resolver->policy->binds == BINDS_RELOCATE ||
		said_so(question->binding, &now->address));
}

/* Its device sits elsewhere: the entry follows it, if that is wanted, or is put out of force. */
static int resolve_moved(struct question *question, const struct pci_function *now,
			 const struct pairing *pairing)
{
	const struct policy *policy = question->resolver->policy;
	const struct binding *binding = question->binding;
	struct pci_address_name name;
	struct address_token_name token;
	char state[64];
	bool again = said_so(binding, &now->address);

	if (binding->parked && !policy->restore)
		return resolve_park(question, "%.*s is at %s, but Restore=no keeps it disabled",
				    NAME_ARGS(question), pci_address_show(&now->address, &name));
	if (follows(question, now)) {
		question->finding->stale = true;
		question->finding->new_name = arena_copy_text(
			&question->resolver->resolution->arena,
			again ? binding->said
			      : address_token_format(question->name, &now->address, &token));
		if (!question->finding->new_name)
			return -ENOMEM;
		return resolve_conclude(question, VERDICT_REMAP, false, "%.*s is %s %s (%s)",
					NAME_ARGS(question), again ? "again" : "now at",
					pci_address_show(&now->address, &name),
					resolve_proof(pairing->evidence));
	}
	(void)snprintf(state, sizeof(state), "is at %s now (%s)",
		       pci_address_show(&now->address, &name), resolve_proof(pairing->evidence));
	return resolve_stale(question, state);
}

const char *resolve_home(const struct resolution *resolution)
{
	const struct match *settled = resolution->past->settled;
	const char *home = resolution->meanings->home, *here = settled->after->machine;

	if (resolution->past->adopt)
		return NULL;
	if (home)
		return here && strcmp(home, here) == 0 ? NULL : home;
	return settled->other_machine ? settled->before->machine : NULL;
}

/* What came along to another machine is out of force there until it is at home again; what a person
 * wrote there is obeyed. */
static bool is_away_from_home(const struct question *question)
{
	const struct resolution *resolution = question->resolver->resolution;

	if (!resolve_home(resolution) || question->binding->origin != ORIGIN_KEPT)
		return false;
	return question->binding->parked || resolution->past->settled->other_machine;
}

/* A mention of a whole slot, of which the function is not told, may take any function of it. */
static const char *protection_of_slot(const struct question *question)
{
	const struct resolver *resolver = question->resolver;
	const char *why = NULL;

	for (size_t i = 0; i < resolver->now->n_functions && !why; i++)
		if (pci_address_same_device(&resolver->now->functions[i].address,
					    &question->reference->address))
			why = resolve_protection(resolver->resolution->past, resolver->policy,
						 &resolver->now->functions[i], true);
	return why;
}

/* The device is here, as @now. */
static int resolve_found(struct question *question, const struct pci_function *now,
			 const struct pairing *pairing)
{
	const struct resolver *resolver = question->resolver;
	bool stays = pci_address_equal(&now->address, &question->reference->address);
	const char *protected;

	if (is_away_from_home(question))
		return resolve_stale(question, "was meant on another machine");
	protected = resolve_protection(resolver->resolution->past, resolver->policy, now, !stays);
	if (protected && (stays || follows(question, now))) {
		(void)(stays ? NULL : mark_stale(question));
		question->finding->protects |= stays;
		return resolve_park(question, "%.*s is needed by the host: %s", NAME_ARGS(question),
				    protected);
	}
	if (!stays)
		return resolve_moved(question, now, pairing);
	protected = question->reference->certain ? NULL : protection_of_slot(question);
	if (protected) {
		question->finding->protects = true;
		return resolve_park(question, "%.*s may take what the host needs: %s",
				    NAME_ARGS(question), protected);
	}
	if (!question->binding->parked)
		return resolve_conclude(question, VERDICT_KEEP, false, NULL);
	if (!resolver->policy->restore)
		return resolve_park(question, "%.*s is back, but Restore=no keeps it disabled",
				    NAME_ARGS(question));
	return resolve_conclude(question, VERDICT_KEEP, false, "%.*s is back (%s)",
				NAME_ARGS(question), resolve_proof(pairing->evidence));
}

/* There, but nothing can be read of it: what was taken may be taken, if it stayed in its place. */
static int resolve_unreadable(struct question *question)
{
	const struct pci_function *meant = &resolve_meant_unit(question)->function;
	const struct pci_function *occupant = question->occupant;
	bool readable = occupant && (occupant->vendor != 0xffff || occupant->device != 0xffff);

	if (question->binding->parked || readable ||
	    !pci_address_equal(&meant->address, &question->reference->address))
		return resolve_stale(question, "cannot be read");
	return resolve_conclude(question, VERDICT_KEEP, true, "%.*s is there but cannot be read",
				NAME_ARGS(question));
}

/* A function's number on its segment, in which virtual functions are counted (PCIe 9.2.1.2). */
static uint32_t routing_id(const struct pci_address *address)
{
	return (uint32_t)address->bus << 8 | (uint32_t)address->device << 3 | address->function;
}

struct pci_address resolve_place_of_virtual(const struct pci_function *meant,
					    const struct pci_function *carrier)
{
	uint32_t id = routing_id(&carrier->address) + routing_id(&meant->address) -
		      routing_id(&meant->physfn);

	return (struct pci_address){ .domain = carrier->address.domain,
				     .bus = (uint8_t)(id >> 8),
				     .device = id >> 3 & 0x1f,
				     .function = id & 7 };
}

/* A virtual function that its physical one has not made yet: it is where that one will put it. */
static int resolve_not_yet(struct question *question, const struct pairing *pairing)
{
	const struct pci_function *meant = &resolve_meant_unit(question)->function;
	struct pci_function now = *meant;

	if (pairing->carrier == SIZE_MAX)
		return resolve_stale(question, "is not there yet");
	now.protected = NULL;
	now.address = resolve_place_of_virtual(
		meant, &question->resolver->now->functions[pairing->carrier]);
	return resolve_found(question, &now, pairing);
}

/* Never denoted anything: left while nobody sits there. It never adopts whoever comes. */
static int resolve_dangling(struct question *question)
{
	struct sketch who;

	if (question->occupant) {
		(void)mark_stale(question);
		return resolve_park(question, "%.*s meant no device, and %s", NAME_ARGS(question),
				    sketch_occupant(question, &who));
	}
	if (question->binding->parked && !question->resolver->policy->restore)
		return resolve_park(question,
				    "%.*s meant no device, and Restore=no keeps it "
				    "disabled",
				    NAME_ARGS(question));
	return resolve_conclude(question, VERDICT_KEEP, false,
				question->binding->parked ? "nothing is at %.*s again" : NULL,
				NAME_ARGS(question));
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
		return resolve_stale(question, "may be one of several now");
	case FATE_REPLACED:
	case FATE_GONE:
	default:
		return resolve_stale(question, "is gone");
	}
}

int resolve_address(struct question *question)
{
	if (question->binding->origin == ORIGIN_AMBIGUOUS) {
		(void)mark_stale(question);
		return resolve_park(question, "%.*s was written while another device sat there",
				    NAME_ARGS(question));
	}
	if (question->binding->origin == ORIGIN_DANGLING || question->binding->unit == MEANS_NOBODY)
		return resolve_dangling(question);
	return resolve_unit(question);
}
