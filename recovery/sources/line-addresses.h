/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* PCI addresses in a logical line that is put out of force as a whole or not at all. */
#pragma once

#include "recovery/sources/joined-line.h"

/**
 * struct line_addresses - The mentions of addresses in one line
 * @first:   index of the first of the document's references that is one
 * @cursor:  in the document, kept from line to line
 * @split:   an address stands on two physical lines; it is no reference
 *
 * Initialise @document and @cursor, the rest with zero.
 */
struct line_addresses {
	struct document *document;
	const struct joined_line *line;
	size_t first;
	struct line_cursor cursor;
	bool split;
};

/* Begin with another line. */
void line_addresses_begin(struct line_addresses *addresses, const struct joined_line *line);

/**
 * line_addresses_add() - Make references of the addresses in one part of the line
 * @mention: what they have in common: block (a string that stays), key, shape
 *
 * What may mean any function of a slot is not certain.
 *
 * Return: 0 or -ENOMEM.
 */
_must_check_ int line_addresses_add(struct line_addresses *addresses, struct span part,
				    const struct reference *mention);

/* The same for the last address in one part: in a path it is the one that is meant. */
_must_check_ int line_addresses_add_last(struct line_addresses *addresses, struct span part,
					 const struct reference *mention);

/**
 * line_addresses_end() - All parts of the line were looked at
 *
 * Sets what depends on all of them. PARK_LINES becomes PARK_NEVER where several devices are named,
 * as they would go along.
 *
 * Return: how many references there are.
 */
size_t line_addresses_end(struct line_addresses *addresses);
