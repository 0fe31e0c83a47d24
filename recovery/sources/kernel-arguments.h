/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What stands on a kernel command line, and in the options of a module: the same parser reads both.
 */
#pragma once

#include "recovery/sources/joined-line.h"

/**
 * struct kernel_argument - NAME or NAME=VALUE
 * @name:  without what belongs to the value
 * @value: without the quotes round it; empty where there is none
 */
struct kernel_argument {
	struct span name;
	struct span value;
};

/**
 * kernel_argument_next() - The next argument of a command line
 * @at: where to look from; behind it afterwards
 *
 * As next_arg() of the kernel: blanks between, double quotes keep blanks and cannot be escaped.
 *
 * Return: whether there is one.
 */
_must_check_ bool kernel_argument_next(struct bytes text, size_t *at,
				       struct kernel_argument *ret_argument);

/* Whether a parameter has this name: '-' and '_' are one to the kernel. @name is written with '-'.
 */
_pure_ bool kernel_parameter_is(struct bytes parameter, const char *name);

/* The driver whose ids= parameter this is ("vfio_pci.ids"), a constant string; or NULL. */
const char *kernel_parameter_ids_driver(struct bytes parameter);

/**
 * kernel_argument_add_nics() - The NICs that an argument names
 * @line:     what the argument stands in
 * @argument: its spans are of the text of @line
 * @mention:  what the references have in common; key, kind, span, line and suffix are set here
 * @cursor:   in the document; moved on
 *
 * Return: 0 or -ENOMEM.
 */
_must_check_ int kernel_argument_add_nics(struct document *document, const struct name_set *names,
					  const struct joined_line *line,
					  const struct kernel_argument *argument,
					  const struct reference *mention,
					  struct line_cursor *cursor);

/* The same for the value of an ip= parameter that stands for itself; @mention has the key. */
_must_check_ int kernel_ip_add_nics(struct document *document, const struct name_set *names,
				    const struct joined_line *line, struct span value,
				    const struct reference *mention, struct line_cursor *cursor);

/* The same for a name that stands alone. */
_must_check_ int kernel_nic_add(struct document *document, const struct name_set *names,
				const struct joined_line *line, struct span word,
				const struct reference *mention, struct line_cursor *cursor);
