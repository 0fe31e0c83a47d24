/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include "snapshot/basic/array.h"
#include "snapshot/store.h"

void snapshot_done(struct snapshot *snapshot)
{
	if (!snapshot)
		return;
	for (size_t i = 0; i < snapshot->n_files; i++)
		snapshot_file_done(&snapshot->files[i]);
	free(snapshot->files);
	free(snapshot->changes);
	inventory_done(&snapshot->inventory);
	if (snapshot->state)
		(void)json_object_put(snapshot->state);
	arena_done(&snapshot->arena);
	*snapshot = (struct snapshot){ 0 };
}

/* Index of the first file whose path is not before @path. */
static size_t find_place(const struct snapshot *snapshot, const char *path)
{
	size_t low = 0, high = snapshot->n_files;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(snapshot->files[middle].path, path) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct snapshot_file *snapshot_find_file(const struct snapshot *snapshot, const char *path)
{
	size_t place = find_place(snapshot, path);

	if (place == snapshot->n_files || strcmp(snapshot->files[place].path, path) != 0)
		return NULL;
	return &snapshot->files[place];
}

void snapshot_file_done(struct snapshot_file *file)
{
	if (!file)
		return;
	free(file->data);
	file_attributes_done(&file->attributes);
	*file = (struct snapshot_file){ 0 };
}

int snapshot_take_file(struct snapshot *snapshot, const char *path, struct snapshot_file *file)
{
	size_t place = find_place(snapshot, path);
	int r;

	if (place < snapshot->n_files && strcmp(snapshot->files[place].path, path) == 0)
		return -EEXIST;
	r = ARRAY_RESERVE(snapshot->files, snapshot->n_files, snapshot->files_allocated);
	if (r < 0)
		return r;
	file->path = arena_copy_text(&snapshot->arena, path);
	if (!file->path)
		return -ENOMEM;
	memmove(&snapshot->files[place + 1], &snapshot->files[place],
		(snapshot->n_files - place) * sizeof(*snapshot->files));
	snapshot->files[place] = *file;
	snapshot->n_files++;
	*file = (struct snapshot_file){ 0 };
	return 0;
}

int snapshot_add_file(struct snapshot *snapshot, const char *path, struct bytes data,
		      const struct file_attributes *attributes)
{
	_cleanup_(snapshot_file_done) struct snapshot_file file = { .size = data.size };
	int r;

	r = bytes_duplicate(data, &file.data);
	if (r < 0)
		return r;
	r = file_attributes_copy(attributes, &file.attributes);
	if (r < 0)
		return r;
	return snapshot_take_file(snapshot, path, &file);
}

int snapshot_add_change(struct snapshot *snapshot, const char *path, uint64_t was, uint64_t now)
{
	const char *copy;
	int r;

	r = ARRAY_RESERVE(snapshot->changes, snapshot->n_changes, snapshot->changes_allocated);
	if (r < 0)
		return r;
	copy = arena_copy_text(&snapshot->arena, path);
	if (!copy)
		return -ENOMEM;
	snapshot->changes[snapshot->n_changes++] =
		(struct snapshot_change){ .path = copy, .was = was, .now = now };
	return 0;
}

int snapshot_say_change(struct snapshot *snapshot, struct bytes said)
{
	struct snapshot_change *change = &snapshot->changes[snapshot->n_changes - 1];

	change->said = arena_copy(&snapshot->arena, said);
	return change->said ? 0 : -ENOMEM;
}

bool snapshot_same(const struct snapshot *a, const struct snapshot *b)
{
	if (a->n_files != b->n_files)
		return false;
	for (size_t i = 0; i < a->n_files; i++) {
		const struct snapshot_file *left = &a->files[i], *right = &b->files[i];

		if (strcmp(left->path, right->path) != 0 ||
		    !bytes_equal(bytes_make(left->data, left->size),
				 bytes_make(right->data, right->size)) ||
		    !file_attributes_equal(&left->attributes, &right->attributes))
			return false;
	}
	return inventory_same_hardware(&a->inventory, &b->inventory);
}
