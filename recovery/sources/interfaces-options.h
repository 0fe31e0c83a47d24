/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The options of interfaces(5) and of what extends it, by how they name network links. */
#pragma once

#include "recovery/sources/interfaces.h"

enum interfaces_value {
	VALUE_UNKNOWN,  /* of an option nobody here knows, or free text: names are reported only */
	VALUE_IGNORED,  /* what looks like a NIC there is none, or not ours to change */
	VALUE_PROSE,    /* for people */
	VALUE_PORTS,    /* a list of names, with "regex" and its like in it */
	VALUE_NAMES,    /* a list of names */
	VALUE_NAME,     /* a name, for some with a value behind it */
	VALUE_WAIT,     /* seconds, then names */
	VALUE_PAIRS,    /* a list of NAME=value */
	VALUE_QUEUES,   /* a list of NAME:number */
	VALUE_SCOPE,    /* addresses, of which IPv6 ones may end in %NAME */
	VALUE_INHERITS, /* a stanza */
	VALUE_COMMAND,  /* for the shell */
};

/**
 * struct interfaces_option - One option
 * @name:  in lower case, '_' as '-'
 * @value: what stands behind it
 */
struct interfaces_option {
	const char *name;
	enum interfaces_value value;
};

/* @name is in the one spelling. */
_pure_ enum interfaces_value interfaces_option_value(struct bytes name);

/* What an emptied list of this option is written as; NULL where the reader knows no such word. */
_pure_ const char *interfaces_none_word(enum interfaces_dialect dialect, struct bytes name);
