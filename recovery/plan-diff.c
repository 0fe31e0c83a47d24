/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The edits as patch(1) takes them: `patch -p1 -d /`. */
#include "recovery/plan.h"
#include "recovery/unified-diff.h"

#include <errno.h>

#define CONTEXT_LINES 3

int diff_managed_file(const char *path, const struct bytes *was, const struct bytes *now,
		      struct buffer *out)
{
	struct buffer old_name = { 0 }, new_name = { 0 };
	int r = -ENOMEM;

	buffer_appendf(&old_name, "a%s", path);
	buffer_appendf(&new_name, "b%s", path);
	if (!old_name.failed && !new_name.failed)
		r = unified_diff(was ? *was : BYTES_NONE, now ? *now : BYTES_NONE,
				 was ? old_name.data : NULL, now ? new_name.data : NULL,
				 CONTEXT_LINES, out);
	buffer_done(&old_name);
	buffer_done(&new_name);
	return MIN_OF(r, 0);
}

int plan_to_diff(const struct plan *plan, struct buffer *buffer)
{
	int r = 0;

	for (size_t i = 0; i < plan->n_files && r == 0; i++) {
		const struct plan_file *file = &plan->files[i];

		r = diff_managed_file(file->path, file->was.data ? &file->was : NULL,
				      file->now.data ? &file->now : NULL, buffer);
	}
	return r;
}
