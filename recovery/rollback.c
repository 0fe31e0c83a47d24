/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "recovery/rollback.h"

#include <errno.h>
#include <fcntl.h>

#include "recovery/pmxcfs.h"
#include "recovery/rollback-guests.h"
#include "recovery/source.h"

void rollback_done(struct rollback *rollback)
{
	if (!rollback)
		return;
	for (size_t i = 0; i < rollback->n_files; i++) {
		free(rollback->files[i].data);
		file_attributes_done(&rollback->files[i].attributes);
	}
	free(rollback->files);
	*rollback = (struct rollback){ 0 };
}

static const char *unfit_words(int error)
{
	switch (error) {
	case -ELOOP:
		return "is a symbolic link";
	case -EINVAL:
		return "is no symbolic link";
	case -EMLINK:
		return "has a second hard link";
	case -ENOTSUP:
		return "is no ordinary file";
	case -EFBIG:
		return "is too large";
	case -EILSEQ:
		return "holds NUL bytes";
	default:
		return NULL;
	}
}

static int read_as_then(int dir_fd, const char *name, struct rollback_file *file)
{
	return (file->then->attributes.is_link ? file_read_link_at : file_read_managed_at)(
		dir_fd, name, MANAGED_FILE_MAX, &file->data, &file->size, &file->attributes);
}

/* Reads a file as it is now; one that is not there, or whose folder is not, has no data. */
static int read_now(const struct root *root, struct rollback_file *file, struct problem *problem)
{
	const char *path = file->then->path, *slash = strrchr(path, '/');
	_cleanup_free_ char *directory = NULL;
	_cleanup_close_ int fd = -1;
	int r;

	r = bytes_duplicate(bytes_make(path, (size_t)(slash - path)), &directory);
	if (r < 0)
		return r;
	fd = root_open_directory(root, *directory ? directory : "/", 0);
	r = fd < 0 ? fd : read_as_then(fd, slash + 1, file);
	if (r == 0) {
		r = pmxcfs_holds(path, fd);
		file->attributes_fixed = r > 0;
	}
	if (r >= 0 || r == -ENOENT)
		return 0;
	file->unfit = unfit_words(r);
	return file->unfit ? 0 : problem_set_errno(problem, r, path, "read");
}

static uint64_t digest_of(const struct snapshot_file *file)
{
	return bytes_digest(bytes_make(file->data, file->size), BYTES_DIGEST_SEED);
}

/**
 * follow() - Take the expected contents of all files one snapshot further
 * @expected: digests, one a file
 */
static void follow(struct rollback *rollback, const struct snapshot *snapshot, uint64_t *expected)
{
	for (size_t i = 0; i < rollback->n_files; i++) {
		struct rollback_file *file = &rollback->files[i];
		const struct snapshot_file *then = snapshot_find_file(snapshot, file->then->path);

		for (size_t j = 0; j < snapshot->n_changes; j++) {
			const struct snapshot_change *change = &snapshot->changes[j];

			if (strcmp(change->path, file->then->path) != 0)
				continue;
			file->foreign |= change->was != expected[i];
			expected[i] = change->now;
		}
		if (!then)
			continue;
		file->foreign |= digest_of(then) != expected[i];
		expected[i] = digest_of(then);
	}
}

/* Walks through all later snapshots in the order they were taken. */
static int follow_all(struct store *store, const struct snapshot *target, struct rollback *rollback,
		      uint64_t *expected, struct problem *problem)
{
	struct snapshot *heads = NULL;
	size_t n_heads = 0;
	int r;

	r = store_list(store, &heads, &n_heads, problem);
	for (size_t i = 0; r == 0 && i < n_heads; i++) {
		struct snapshot snapshot = { 0 };
		struct problem ignored = { 0 };

		if (heads[i].id <= target->id || heads[i].same_as)
			continue;
		/* What one that cannot be read did shows as a step that does not fit. */
		if (store_load(store, heads[i].id, &snapshot, &ignored) == 0)
			follow(rollback, &snapshot, expected);
		snapshot_done(&snapshot);
		problem_done(&ignored);
	}
	store_list_free(heads, n_heads);
	return r;
}

static void compare_now(struct rollback_file *file, uint64_t expected)
{
	struct bytes now = bytes_make(file->data, file->size);
	struct bytes then = bytes_make(file->then->data, file->then->size);

	if (file->unfit)
		return;
	/* One that a transaction removed has the digest of nothing. */
	if (!file->data) {
		file->differs = true;
		file->foreign |= bytes_digest(BYTES_NONE, BYTES_DIGEST_SEED) != expected;
		return;
	}
	file->differs = !bytes_equal(now, then) ||
			(!file->attributes_fixed &&
			 !file_attributes_equal(&file->attributes, &file->then->attributes));
	file->foreign |= bytes_digest(now, BYTES_DIGEST_SEED) != expected;
	/* Whoever made it so, there is nothing to overwrite. */
	if (bytes_equal(now, then))
		file->foreign = false;
}

static int look(const struct root *root, struct store *store, const struct snapshot *target,
		const struct documents *documents, struct rollback *rollback, uint64_t *expected,
		struct problem *problem)
{
	int r = 0;

	for (size_t i = 0; i < target->n_files && r == 0; i++) {
		struct rollback_file *file = &rollback->files[rollback->n_files];

		if (guests_rollback_owns(documents, target->files[i].path))
			continue;
		file->then = &target->files[i];
		expected[rollback->n_files++] = digest_of(&target->files[i]);
		r = read_now(root, file, problem);
	}
	if (r == 0)
		r = follow_all(store, target, rollback, expected, problem);
	for (size_t i = 0; i < rollback->n_files && r == 0; i++)
		compare_now(&rollback->files[i], expected[i]);
	return r;
}

int rollback_look(const struct root *root, struct store *store, const struct snapshot *target,
		  const struct documents *documents, struct rollback *ret_rollback,
		  struct problem *problem)
{
	struct rollback rollback = {
		.files = calloc(target->n_files + 1, sizeof(*rollback.files)),
	};
	_cleanup_free_ uint64_t *expected = calloc(target->n_files + 1, sizeof(*expected));
	int r = -ENOMEM;

	if (rollback.files && expected)
		r = look(root, store, target, documents, &rollback, expected, problem);
	if (r < 0) {
		rollback_done(&rollback);
		return r;
	}
	*ret_rollback = rollback;
	return 0;
}
