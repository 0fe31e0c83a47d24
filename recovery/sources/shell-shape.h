/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* PCI addresses in a shell script, and how each can be put out of force without its neighbours. */
#pragma once

#include "recovery/sources/shell.h"

/**
 * struct shell_manner - How a script comes to its devices besides by their addresses
 * @chooses: from those there are
 * @joins:   by addresses that it puts together; "05:00" in it is a slot
 */
struct shell_manner {
	bool chooses;
	bool joins;
};

/**
 * shell_shape_find() - Add the addresses of a script to its document
 * @script: the document's contents as read; where that failed, every address is taken to be in
 *          force, none is certain, and only the whole script can be switched off
 *
 * Addresses in comments are counted in one note.
 *  - A word of a list, of a `for` or of a variable that is used for nothing else: PARK_WORD.
 *  - A statement that stands alone in its lines and names no other device: PARK_LINES. Also a whole
 *    compound command of which that is true, where the address decides whether it is run.
 *  - Anything else: PARK_SCRIPT. Also all of a script in which anything might turn on what a word
 *    or a line that is left out does (a status, a variable, a file): what it would bind then is not
 *    known.
 *
 * Return: 0 or -ENOMEM.
 */
_must_check_ int shell_shape_find(struct document *document, const struct shell_script *script,
				  struct shell_manner manner);
