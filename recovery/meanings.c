/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "recovery/meanings.h"

#include <errno.h>

void meanings_done(struct meanings *meanings)
{
	if (!meanings)
		return;
	for (size_t i = 0; i < meanings->n_parked; i++)
		file_attributes_done(&meanings->parked[i].attributes);
	arena_done(&meanings->arena);
	free(meanings->units);
	free(meanings->mentions);
	free(meanings->parked);
	free(meanings->files);
	free(meanings->turned_off);
	*meanings = (struct meanings){ 0 };
}

int meanings_add_unit(struct meanings *meanings, const struct unit *unit, size_t *ret_index)
{
	int r;

	for (size_t i = meanings->n_units; i-- > 0;)
		if (unit_equal(&meanings->units[i], unit)) {
			*ret_index = i;
			return 0;
		}

	r = ARRAY_RESERVE(meanings->units, meanings->n_units, meanings->units_allocated);
	if (r < 0)
		return r;
	r = unit_copy(&meanings->arena, unit, &meanings->units[meanings->n_units]);
	if (r < 0)
		return r;
	*ret_index = meanings->n_units++;
	return 0;
}

struct mention *meanings_add_mention(struct meanings *meanings)
{
	struct mention *mention;

	if (ARRAY_RESERVE(meanings->mentions, meanings->n_mentions, meanings->mentions_allocated) <
	    0)
		return NULL;
	mention = &meanings->mentions[meanings->n_mentions++];
	*mention = (struct mention){ .unit = MEANS_NOBODY };
	return mention;
}

struct parked_text *meanings_add_parked(struct meanings *meanings, size_t n_mentions)
{
	struct parked_mention *mentions;
	struct parked_text *parked;

	if (ARRAY_RESERVE(meanings->parked, meanings->n_parked, meanings->parked_allocated) < 0)
		return NULL;
	mentions = arena_allocate(&meanings->arena, n_mentions * sizeof(*mentions));
	if (!mentions)
		return NULL;
	parked = &meanings->parked[meanings->n_parked++];
	*parked = (struct parked_text){ .mentions = mentions, .n_mentions = n_mentions };
	return parked;
}

struct seen_file *meanings_add_file(struct meanings *meanings, size_t n_lines)
{
	struct seen_file *file;
	uint64_t *lines;

	if (ARRAY_RESERVE(meanings->files, meanings->n_files, meanings->files_allocated) < 0)
		return NULL;
	lines = arena_allocate(&meanings->arena, n_lines * sizeof(*lines));
	if (!lines)
		return NULL;
	file = &meanings->files[meanings->n_files++];
	*file = (struct seen_file){ .lines = lines, .n_lines = n_lines };
	return file;
}

struct turned_off *meanings_add_turned_off(struct meanings *meanings)
{
	struct turned_off *off;

	if (ARRAY_RESERVE(meanings->turned_off, meanings->n_turned_off,
			  meanings->turned_off_allocated) < 0)
		return NULL;
	off = &meanings->turned_off[meanings->n_turned_off++];
	*off = (struct turned_off){ 0 };
	return off;
}

const struct seen_file *meanings_find_file(const struct meanings *meanings, const char *path)
{
	for (size_t i = 0; i < meanings->n_files; i++)
		if (strcmp(meanings->files[i].path, path) == 0)
			return &meanings->files[i];
	return NULL;
}
