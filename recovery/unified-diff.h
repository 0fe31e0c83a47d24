/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What changed in a file, as `diff -u` shows it and patch(1) takes it. */
#pragma once

#include "snapshot/basic/buffer.h"

/**
 * unified_diff() - Compare two contents by lines
 * @old, @new: the contents
 * @old_name, @new_name: what the header calls them; NULL for one that does not exist ("/dev/null")
 * @context:   how many unchanged lines to show around a change; `diff -u` shows 3
 * @out:       appended to; nothing where there is no difference
 *
 * The fewest lines possible are shown as changed (Myers, "An O(ND) Difference Algorithm"), except
 * in contents that differ in thousands of lines: then all between the first and the last difference
 * may be. Names that patch(1) could misread are quoted as GNU diff quotes them. Bytes of the
 * contents stand in @out as they are: for a terminal they have to be escaped.
 *
 * Return: 1 if there are differences, 0 if not, or -ENOMEM.
 */
_must_check_ int unified_diff(struct bytes old, struct bytes new, const char *old_name,
			      const char *new_name, unsigned int context, struct buffer *out);

/**
 * struct line_pair - A line before and after, where they differ
 * @old, @new: with their ends; data NULL where there is none
 * @number:  of the old line, counted from 1; of one that is new alone, that of the line it is put
 *           before
 * @offset:  where the new line starts in the new contents, or would
 */
struct line_pair {
	struct bytes old;
	struct bytes new;
	unsigned int number;
	size_t offset;
};

/**
 * line_pairs() - Compare two contents by lines, one line at a time
 * @tell: called for each, in the order of the file; an error ends it
 *
 * In a run of changed lines the first goes with the first, and so on.
 *
 * Return: 0, -ENOMEM, or what @tell returned.
 */
_must_check_ int line_pairs(struct bytes old, struct bytes new,
			    int (*tell)(void *data, const struct line_pair *pair), void *data);
