/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Mentions of a NIC: remapped, kept, parked, or left to a person. */
#include "recovery/resolve-private.h"

#include <errno.h>

/* With the VLAN or label that belongs to it. */
#define WORD_ARGS(question) \
	(int)((question)->name.size + (question)->reference->suffix), (question)->name.data

/* The unit's own number or place, to tell a person which card is meant. */
static const char *describe(const struct unit *unit, struct pci_address_name *buffer)
{
	if (unit->nic.mac)
		return unit->nic.mac;
	if (unit->has_function)
		return pci_address_show(&unit->function.address, buffer);
	return "of unknown address";
}

/* The kernel's own network boot names: the root file system may hang on such a link. */
static bool is_boot_name(const char *name)
{
	return strncmp(name, "ibft", 4) == 0;
}

/* Why a found device's name cannot be written here; NULL if it can. */
static const char *obstacle(const struct question *question, const struct nic *nic)
{
	const struct reference *reference = question->reference;

	if (!nic->settled)
		return "its name is not final yet";
	if (is_boot_name(nic->name))
		return "that name is never written";
	if (!reference->certain)
		return "this place cannot be edited safely";
	if (reference->limited && strlen(nic->name) + reference->suffix > NIC_NAME_MAX)
		return "that would be longer than the 15 bytes the kernel allows";
	return NULL;
}

static bool bears(const struct nic *nic, struct bytes name)
{
	if (bytes_equal_text(name, nic->name))
		return true;
	for (size_t i = 0; i < nic->n_altnames; i++)
		if (bytes_equal_text(name, nic->altnames[i]))
			return true;
	return false;
}

/* The device is here, as @nic. @how says how that is known. */
static int resolve_found(struct question *question, const struct nic *nic, const char *how)
{
	struct finding *finding = question->finding;
	const char *said = question->binding->said, *hindrance;

	if (said && !bytes_equal_text(question->name, said) && bears(nic, bytes_of(said)) &&
	    question->reference->certain &&
	    !(question->binding->parked && !question->resolver->policy->restore)) {
		finding->new_name = said;
		return resolve_conclude(question, VERDICT_REMAP, false, "%.*s is %s again (%s)",
					NAME_ARGS(question), said, how);
	}
	if (question->binding->parked && !question->resolver->policy->restore)
		return resolve_park(question, "%.*s is back as %s, but Restore=no keeps it parked",
				    NAME_ARGS(question), nic->name);
	if (bears(nic, question->name))
		return question->binding->parked
			       ? resolve_conclude(question, VERDICT_KEEP, false,
						  "%.*s is back (%s)", NAME_ARGS(question), how)
			       : resolve_conclude(question, VERDICT_KEEP, false, NULL);
	hindrance = obstacle(question, nic);
	if (hindrance && question->bearer)
		return resolve_park(question,
				    "%.*s is now %s (%s), but %s, and another NIC bears its name",
				    WORD_ARGS(question), nic->name, how, hindrance);
	if (hindrance)
		return question->binding->parked
			       ? resolve_park(question, "%.*s is now %s (%s), but %s",
					      WORD_ARGS(question), nic->name, how, hindrance)
			       : resolve_conclude(question, VERDICT_REPORT, true,
						  "%.*s is now %s (%s), but %s",
						  WORD_ARGS(question), nic->name, how, hindrance);
	finding->new_name = nic->name;
	return resolve_conclude(question, VERDICT_REMAP, false, "%.*s is now %s (%s)",
				NAME_ARGS(question), nic->name, how);
}

/* The one NIC that no mention means, if it is just one: a person may want it instead. */
static const struct nic *only_candidate(const struct resolver *resolver)
{
	const struct nic *candidate = NULL;

	for (size_t i = 0; i < resolver->now->n_nics; i++) {
		if (resolver->meant[i])
			continue;
		if (candidate)
			return NULL;
		candidate = &resolver->now->nics[i];
	}
	return candidate;
}

/* The device is not here, for a reason in words. */
static int resolve_absent(struct question *question, const char *state)
{
	const struct unit *unit = resolve_meant_unit(question);
	const struct nic *candidate;
	struct pci_address_name buffer;

	if (question->bearer)
		return resolve_park(question, "%.*s (%s) %s and %s is another NIC today",
				    NAME_ARGS(question), describe(unit, &buffer), state,
				    question->bearer->name);
	if (question->binding->parked)
		return resolve_park(question, "%.*s (%s) %s", NAME_ARGS(question),
				    describe(unit, &buffer), state);
	candidate = only_candidate(question->resolver);
	if (candidate)
		return resolve_conclude(
			question, VERDICT_KEEP, true,
			"%.*s (%s) %s; its name stays reserved. %s is there, and nothing "
			"uses it: if it is to take its place, write that name",
			NAME_ARGS(question), describe(unit, &buffer), state, candidate->name);
	return resolve_conclude(question, VERDICT_KEEP, true,
				"%.*s (%s) %s; its name stays reserved", NAME_ARGS(question),
				describe(unit, &buffer), state);
}

/* Whether a NIC may be what a mention means: no number says otherwise, and no other mention means
 * it. */
static bool may_be(const struct question *question, const struct nic *nic)
{
	const struct resolver *resolver = question->resolver;
	const struct pairing *pairing = &resolver->resolution->pairings[question->binding->unit];
	const struct unit *unit = resolve_meant_unit(question);
	size_t index = (size_t)(nic - resolver->now->nics);

	if (unit->nic.mac && nic->mac && strcmp(unit->nic.mac, nic->mac) != 0)
		return false;
	return !resolver->meant[index] || (pairing->fate == FATE_FOUND && pairing->index == index);
}

/* One of several units may be it. Who bears the name may be one of them, so it stays. */
static int resolve_ambiguous(struct question *question)
{
	const struct unit *unit = resolve_meant_unit(question);
	const struct nic *bearer = question->bearer;
	struct pci_address_name buffer;

	if (bearer && !may_be(question, bearer))
		return resolve_park(
			question,
			"which NIC %.*s (%s) is now is not certain, and %s is another one",
			NAME_ARGS(question), describe(unit, &buffer), bearer->name);
	if (question->binding->parked)
		return resolve_park(question, "which NIC %.*s (%s) is now is not certain",
				    NAME_ARGS(question), describe(unit, &buffer));
	return resolve_conclude(question, VERDICT_REPORT, true,
				"which NIC %.*s (%s) is now is not certain: left as it is",
				NAME_ARGS(question), describe(unit, &buffer));
}

/* A mention whose name never denoted anything. */
static int resolve_dangling(struct question *question)
{
	const struct resolver *resolver = question->resolver;
	const struct nic *bearer = question->bearer;
	size_t index;

	index = bearer ? (size_t)(bearer - resolver->now->nics) : SIZE_MAX;
	if (bearer && (resolver->meant[index] ||
		       resolver->resolution->past->settled->nic_origin[index] != SIZE_MAX))
		return resolve_park(question,
				    "%.*s meant no NIC, and is the name of another one now",
				    NAME_ARGS(question));
	if (question->binding->parked && !resolver->policy->restore)
		return resolve_park(question, "%.*s meant no NIC, and Restore=no keeps it parked",
				    NAME_ARGS(question));
	if (!bearer)
		return resolve_conclude(question, VERDICT_KEEP, false,
					question->binding->parked ? "the name %.*s is free again"
								  : NULL,
					NAME_ARGS(question));
	question->binding->origin = ORIGIN_NEW;
	return resolve_conclude(question, VERDICT_KEEP, false,
				"%.*s meant no NIC until now, and means the added one from now on",
				NAME_ARGS(question));
}

/* Gone, with another card, @nic, in its place. */
static int resolve_replaced(struct question *question, const struct nic *nic)
{
	static const char format[] = "%.*s is gone and another card, %s, is in its place; "
				     "ReplacedNic=report leaves it to you";

	if (question->resolver->policy->replaced_nic)
		return resolve_found(question, nic, "another card in the same place");
	if (question->binding->parked)
		return resolve_park(question, format, NAME_ARGS(question), nic->name);
	return resolve_conclude(question, VERDICT_REPORT, true, format, NAME_ARGS(question),
				nic->name);
}

static int resolve_unit(struct question *question)
{
	const struct resolution *resolution = question->resolver->resolution;
	const struct pairing *pairing = &resolution->pairings[question->binding->unit];
	const struct nic *nics = question->resolver->now->nics;

	if (question->binding->held && pairing->fate != FATE_FOUND)
		return resolve_conclude(
			question, VERDICT_REPORT, true,
			"%.*s was replaced by another card; left to you: `hwrecover "
			"snapshot --adopt` accepts what is there now",
			NAME_ARGS(question));
	switch (pairing->fate) {
	case FATE_FOUND:
		if (resolution->past->settled->other_machine &&
		    pairing->confidence != CONFIDENCE_CERTAIN)
			return resolve_ambiguous(question);
		/* What was parked because another stood in its place is not back with that one. */
		if (question->binding->parked && !resolve_meant_unit(question)->nic.mac &&
		    question->resolver->proven[pairing->index])
			return resolve_ambiguous(question);
		return resolve_found(question, &nics[pairing->index],
				     resolve_proof(pairing->evidence));
	case FATE_REPLACED:
		if (resolution->past->settled->other_machine)
			return resolve_absent(question, "is gone");
		return resolve_replaced(question, &nics[pairing->index]);
	case FATE_AMBIGUOUS:
		return resolve_ambiguous(question);
	case FATE_NOT_YET:
		return resolve_absent(question, "has no link yet");
	case FATE_UNREADABLE:
		return resolve_absent(question, "cannot be read");
	case FATE_GONE:
	default:
		return resolve_absent(question, "is gone");
	}
}

int resolve_nic(struct question *question)
{
	switch (question->binding->origin) {
	case ORIGIN_AMBIGUOUS:
		return resolve_conclude(
			question, VERDICT_REPORT, true,
			"%.*s was written while that was another NIC's name: left as it is",
			NAME_ARGS(question));
	case ORIGIN_DANGLING:
		return resolve_dangling(question);
	case ORIGIN_KEPT:
	case ORIGIN_NEW:
	case ORIGIN_RECALLED:
	default:
		return question->binding->unit == MEANS_NOBODY ? resolve_dangling(question)
							       : resolve_unit(question);
	}
}
