/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* NAME=VALUE in a file that a shell reads for its variables (/etc/default/grub). */
#pragma once

#include "recovery/sources/joined-line.h"

/**
 * struct shell_reader - A text on its way to being read
 *
 * Initialise @text, the rest with zero.
 */
struct shell_reader {
	struct bytes text;
	size_t at;
	struct line_cursor cursor;
	struct span physical; /* the physical line last looked at */
	struct span digested; /* the lines last digested, and their digest */
	uint64_t digest;
};

/**
 * shell_next_assignment() - The next assignment to one of some variables
 * @wanted:   which variables
 * @ret_name: where the variable's name stands in the file
 * @line:     its text is set to the value, as it is without quotes, backslashes and continued
 *            lines; what would be expanded stands as it is written. Its extent is that of the
 *            assignment
 * @ret_digest: digest of the words of these physical lines
 *
 * A word that starts like an assignment is taken for one wherever it stands: behind `export`,
 * `then` and `;`. Comments are passed over, and so is what is in quotes.
 *
 * Return: 1, 0 at the end of the text, -ENOMEM.
 */
_must_check_ int shell_next_assignment(struct shell_reader *reader,
				       bool (*wanted)(struct bytes name), struct joined_line *line,
				       struct span *ret_name, uint64_t *ret_digest);
