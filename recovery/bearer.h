/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who bears what a mention names, in one inventory: a NIC its name, a function its address. */
#pragma once

#include "recovery/document.h"
#include "snapshot/match.h"

/* What kind of unit mentions of a kind mean. */
static inline enum unit_kind reference_kind_means(enum reference_kind kind)
{
	return kind == REFERENCE_NIC ? UNIT_NIC : UNIT_FUNCTION;
}

/**
 * bearer_find() - Who bears the name of a reference
 *
 * Return: index into the inventory's NICs (by name or altname) or functions (by address), as the
 * reference's kind says; SIZE_MAX if nobody does.
 */
_pure_ size_t bearer_find(const struct inventory *inventory, const struct document *document,
			  const struct reference *reference);

/* The unit that a bearer is; its strings are the inventory's. */
void bearer_to_unit(const struct inventory *inventory, enum reference_kind kind, size_t index,
		    struct unit *ret_unit);

/* What became of the bearers of the older inventory, one each. */
static inline const struct pairing *bearer_pairings(const struct match *match,
						    enum reference_kind kind)
{
	return kind == REFERENCE_NIC ? match->nics : match->functions;
}
