/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Names that a set of interfaces files gives a meaning of its own. ifupdown knows a stanza by a
 * logical name; that it is a NIC's is only the default, and what looks like a NIC there may be
 * something else.
 */
#pragma once

#include "recovery/sources/interfaces-lines.h"

enum interfaces_role {
	ROLE_LOGICAL = 1 << 0, /* "auto …=NAME", what a mapping may give, a template */
	ROLE_RENAMED = 1 << 1, /* what `rename` calls a NIC from then on */
};

struct interfaces_role_item {
	char *name;
	unsigned int roles;
};

/**
 * struct interfaces_roles - The roles of all names in a set of files
 * @items:  sorted by name, none twice, once it is finished
 * @names:  only these are looked at, with what belongs to them (".100")
 */
struct interfaces_roles {
	struct interfaces_role_item *items;
	size_t n_items;
	size_t allocated;
	const struct name_set *names;
};

void interfaces_roles_done(struct interfaces_roles *roles);

/**
 * interfaces_roles_find() - Find the roles of names in @n_documents files
 *
 * Return: 0 or -ENOMEM.
 */
_must_check_ int interfaces_roles_find(enum interfaces_dialect dialect,
				       struct document *const *documents, size_t n_documents,
				       const struct name_set *names,
				       struct interfaces_roles *ret_roles);

/* The roles of one name, ORed. */
_pure_ unsigned int interfaces_roles_of(const struct interfaces_roles *roles, struct bytes name);

/* Whether a stanza of this name, and an `auto` that means it, is not about the NIC so named. */
_pure_ bool interfaces_is_logical(const struct interfaces_roles *roles, struct bytes name);

/**
 * struct interfaces_auto_word - A word behind auto or allow-*, as ifupdown takes it apart:
 * [VARIABLE]/GLOB[/N][=LOGICAL] or PHYSICAL[=LOGICAL]
 * @physical: the name or the glob, in the word
 * @logical:  empty if there is none
 * @pattern:  it is matched against all links there are
 */
struct interfaces_auto_word {
	struct span physical;
	struct bytes logical;
	bool pattern;
};

/* The other readers take the word as a name, whatever it holds. */
struct interfaces_auto_word interfaces_split_auto_word(enum interfaces_dialect dialect,
						       struct bytes word);
