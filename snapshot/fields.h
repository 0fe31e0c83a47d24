/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tables as the kernel and fstab(5) write them: a line a record, blanks between fields. */
#pragma once

#include "snapshot/basic/arena.h"

/**
 * fields_next_line() - Split the first line off a text
 * @rest: the text; what is left of it afterwards
 * @ret_line: without its newline
 *
 * Return: whether there was one.
 */
bool fields_next_line(struct bytes *rest, struct bytes *ret_line);

/* The same for a field of a line: what stands between blanks and tabs. */
bool fields_next(struct bytes *rest, struct bytes *ret_field);

/* The same for one of the items of a list with a separator between; they may be empty. */
bool fields_next_item(struct bytes *rest, char separator, struct bytes *ret_item);

/* Whether a list with commas has an item that is this word. */
_pure_ bool fields_have_option(struct bytes options, const char *word);

/**
 * fields_unescape() - Copy a field with its escapes undone: a blank is written \040
 *
 * Three octal digits, as getmntent(3) has it. What is escaped as NUL stays as it is written.
 *
 * Return: the copy, or NULL when there is no memory.
 */
_must_check_ const char *fields_unescape(struct arena *arena, struct bytes field);
