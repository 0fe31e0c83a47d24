/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Why an input could not be used, in the words the user reads. */
#pragma once

#include "snapshot/basic/bytes.h"

/**
 * struct problem - One line for the user: "FILE:LINE: what is wrong"
 * @text: what is wrong, naming file and line where there are any; NULL when nothing is
 *
 * A function that can fail because of what it reads takes one, and sets it whenever it returns an
 * error. The first problem stays: what is set later is a consequence. Zero-initialised is none.
 */
struct problem {
	char *text;
};

void problem_done(struct problem *problem);

/**
 * problem_set() - Say what is wrong
 * @problem: where to; may be NULL when the caller does not want to know
 * @error:   negative errno to return
 * @file:    the file as the user knows it, or NULL
 * @line:    its line, counted from 1, or 0
 *
 * Return: @error, always: `return problem_set(problem, -EBADMSG, …)`.
 */
_printf_(5, 6) int problem_set(struct problem *problem, int error, const char *file,
			       unsigned int line, const char *format, ...);

/* Same, for a failed system call: "FILE: cannot VERB: <text of the errno>". Returns @error. */
int problem_set_errno(struct problem *problem, int error, const char *file, const char *verb);
