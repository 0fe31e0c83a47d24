/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What resolve.c, resolve-nic.c and resolve-address.c share. */
#pragma once

#include "recovery/resolve.h"

/**
 * struct resolver - Resolving under way
 * @now:    the present inventory
 * @meant:  one per NIC of @now: whether some mention means it
 * @proven: one per NIC of @now: whether some mention in force means it by its own number
 */
struct resolver {
	struct resolution *resolution;
	const struct policy *policy;
	const struct inventory *now;
	bool *meant;
	bool *proven;
};

/**
 * struct question - One reference, on its way to a verdict
 * @name:     as written
 * @bearer:   for a NIC's name: who bears it, or has it as an altname, today; NULL if nobody
 * @occupant: for an address: what sits there today; NULL if nothing does
 */
struct question {
	struct resolver *resolver;
	struct subject *subject;
	size_t index;
	const struct reference *reference;
	struct binding *binding;
	struct bytes name;
	const struct nic *bearer;
	const struct pci_function *occupant;
	struct finding *finding;
};

#define NAME_ARGS(question) (int)(question)->name.size, (question)->name.data

/* Set verdict and reason (none where @format is NULL). Return: 0 or -ENOMEM. */
_printf_(4, 5) _must_check_ int resolve_conclude(struct question *question, enum verdict verdict,
						 bool warn, const char *format, ...);
/* Out of force, or staying so; unless the place cannot be edited. */
_printf_(2, 3) _must_check_ int resolve_park(struct question *question, const char *format, ...);

static inline const struct unit *resolve_meant_unit(const struct question *question)
{
	return &question->resolver->resolution->meanings->units[question->binding->unit];
}

static inline const struct pairing *resolve_pairing(const struct question *question)
{
	return &question->resolver->resolution->pairings[question->binding->unit];
}

/* What proves where a unit is, in the words of the report: the strongest that agrees. */
const char *resolve_proof(unsigned int evidence);

/**
 * struct sketch - What a function is, in a few words
 */
struct sketch {
	char text[96];
};

/* Ids, and the number that tells it from its twins: "8086:10d3, serial 52-54-…". */
const char *resolve_sketch(const struct pci_function *function, struct sketch *ret_sketch);

/* Where a virtual function will be once its physical one, here as @carrier, has made it. */
struct pci_address resolve_place_of_virtual(const struct pci_function *meant,
					    const struct pci_function *carrier);

/* The verdict on a mention of a NIC's name, and on one of a function's address. */
_must_check_ int resolve_nic(struct question *question);
_must_check_ int resolve_address(struct question *question);

/* The same in files about guests; and on the number of a group, once its function's is known. */
_must_check_ int resolve_guest_nic(struct question *question);
_must_check_ int resolve_guest_address(struct question *question);
_must_check_ int resolve_guest_group(struct question *question);

/* The verdicts on all guests, once every mention has its own (resolve-guests.c). */
_must_check_ int resolve_guests(struct resolver *resolver);
