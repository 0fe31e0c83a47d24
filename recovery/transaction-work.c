/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Changes on their way: staged, put in their place, put back, taken up again. */
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>

#include "recovery/pmxcfs.h"
#include "recovery/transaction-private.h"
#include "snapshot/basic/array.h"

/* Descriptors the process needs besides one for each staged file. */
#define SPARE_DESCRIPTORS 64

void transaction_result_done(struct transaction_result *result)
{
	if (!result)
		return;
	for (size_t i = 0; i < result->n_skipped; i++)
		free(result->skipped[i]);
	free(result->skipped);
	*result = (struct transaction_result){ 0 };
}

int transaction_result_add_skipped(struct transaction_result *result, const char *path)
{
	int r;

	r = ARRAY_RESERVE(result->skipped, result->n_skipped, result->allocated);
	if (r < 0)
		return r;
	r = bytes_duplicate(bytes_of(path), &result->skipped[result->n_skipped]);
	if (r < 0)
		return r;
	result->n_skipped++;
	return 0;
}

void work_done(struct work *work)
{
	for (size_t i = 0; i < work->n_steps; i++)
		staged_file_done(&work->steps[i].staged);
	free(work->steps);
	transaction_result_done(&work->result);
}

int work_begin(struct work *work, const struct change *changes, size_t n_changes)
{
	work->steps = calloc(MAX_OF(n_changes, (size_t)1), sizeof(*work->steps));
	if (!work->steps)
		return -ENOMEM;
	for (size_t i = 0; i < n_changes; i++)
		work->steps[i] = (struct step){ .change = &changes[i], .staged = STAGED_FILE_INIT };
	work->n_steps = n_changes;
	return 0;
}

/* Each staged file keeps its directory open. */
static void raise_descriptor_limit(size_t n_changes)
{
	struct rlimit limit;
	rlim_t wanted = (rlim_t)n_changes + SPARE_DESCRIPTORS;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= wanted)
		return;
	limit.rlim_cur = MIN_OF(wanted, limit.rlim_max);
	/* Without it staging says EMFILE. */
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

static int say_failed(const struct work *work, const struct change *change, int error,
		      const char *verb, struct problem *problem)
{
	struct root_name shown;

	return problem_set_errno(problem, error, root_show(work->root, change->path, &shown), verb);
}

static int skip(struct work *work, struct step *step)
{
	step->state = STEP_SKIPPED;
	return transaction_result_add_skipped(&work->result, step->change->path);
}

static struct file_contents contents_was(const struct change *change)
{
	return (struct file_contents){ change->was,
				       change->was.data && change->was_attributes->is_link };
}

static struct file_contents contents_now(const struct change *change)
{
	return (struct file_contents){ change->now,
				       change->now.data && change->now_attributes->is_link };
}

static bool contents_equal(struct file_contents a, struct file_contents b)
{
	return a.bytes.data && b.bytes.data && a.is_link == b.is_link &&
	       bytes_equal(a.bytes, b.bytes);
}

/* The directory that a path of the tree stands in, and its name there. */
static int open_parent(const struct root *root, const char *path, const char **ret_name)
{
	_cleanup_free_ char *parent = NULL;
	const char *slash = strrchr(path, '/');
	int r;

	if (!slash)
		return -EINVAL;
	r = bytes_duplicate(bytes_make(path, MAX_OF((size_t)(slash - path), (size_t)1)), &parent);
	if (r < 0)
		return r;
	*ret_name = slash + 1;
	return root_open_directory(root, parent, 0);
}

static int stage_change(const struct work *work, const struct change *change, struct bytes contents,
			const struct file_attributes *attributes, struct staged_file *ret_staged)
{
	_cleanup_close_ int dir_fd = -1;
	const char *name;
	int r;

	dir_fd = open_parent(work->root, change->path, &name);
	if (dir_fd < 0)
		return dir_fd;
	r = pmxcfs_holds(change->path, dir_fd);
	if (r < 0)
		return r;
	if (r > 0)
		return file_stage_pmxcfs_at(dir_fd, name, contents, ret_staged);
	/* In a copy of a machine owners are left that only root can set. */
	return file_stage_at(dir_fd, name, contents, attributes, !work->root->live, ret_staged);
}

static int stage_step(struct work *work, struct step *step, struct problem *problem)
{
	const struct change *change = step->change;
	int r;

	if (step->state != STEP_OPEN || !change->now.data)
		return 0;
	r = stage_change(work, change, change->now, change->now_attributes, &step->staged);
	/* The folder vanished and the file with it. */
	if ((r == -ENOENT || r == -ENOTDIR) && change->was.data)
		r = skip(work, step);
	return r < 0 ? say_failed(work, change, r, "stage", problem) : 0;
}

int work_stage(struct work *work, struct problem *problem)
{
	raise_descriptor_limit(work->n_steps);
	for (size_t i = 0; i < work->n_steps; i++) {
		int r = stage_step(work, &work->steps[i], problem);

		if (r < 0)
			return r;
	}
	return 0;
}

/* A cluster may have taken another node's write for the last one. */
static int commit_staged(struct staged_file *staged, const struct file_contents *was,
			 const struct file_contents *now)
{
	int r = staged_file_commit(staged, was);

	if (r < 0 || !staged->plain_rename)
		return r;
	return file_check_at(staged->dir_fd, staged->name, now) < 0 ? -EIO : r;
}

static int remove_file(const struct work *work, const struct change *change,
		       struct file_contents contents)
{
	_cleanup_close_ int dir_fd = -1;
	const char *name;

	dir_fd = open_parent(work->root, change->path, &name);
	if (dir_fd == -ENOENT || dir_fd == -ENOTDIR)
		return -ESTALE;
	return dir_fd < 0 ? dir_fd : file_remove_at(dir_fd, name, contents);
}

static int commit_step(struct work *work, struct step *step, struct problem *problem)
{
	const struct change *change = step->change;
	const struct file_contents was = contents_was(change), now = contents_now(change);
	int r;

	if (step->state != STEP_OPEN)
		return 0;
	step->state = STEP_TRIED;
	if (now.bytes.data)
		r = commit_staged(&step->staged, was.bytes.data ? &was : NULL, &now);
	else
		r = remove_file(work, change, was);
	if (file_error_means_changed(r))
		r = skip(work, step);
	return r < 0 ? say_failed(work, change, r, "replace", problem) : 0;
}

/* Once for all files of pmxcfs, when they are in their place. */
static void sync_pmxcfs(const struct work *work)
{
	for (size_t i = 0; i < work->n_steps; i++) {
		const struct step *step = &work->steps[i];

		if (step->state != STEP_TRIED || !pmxcfs_owns(step->change->path))
			continue;
		pmxcfs_sync(work->root);
		return;
	}
}

int work_commit(struct work *work, struct problem *problem)
{
	for (size_t i = 0; i < work->n_steps; i++) {
		int r = commit_step(work, &work->steps[i], problem);

		if (r < 0)
			return r;
	}
	sync_pmxcfs(work);
	return 0;
}

/* Whether a file is as it was: where replacing it failed there is nothing to put back. */
static bool is_as_it_was(const struct work *work, const struct change *change)
{
	const struct file_contents was = contents_was(change);
	_cleanup_close_ int dir_fd = -1;
	const char *name;

	/* Contents alone do not tell. */
	if (contents_equal(was, contents_now(change)))
		return false;
	dir_fd = open_parent(work->root, change->path, &name);
	return dir_fd >= 0 && file_check_at(dir_fd, name, was.bytes.data ? &was : NULL) == 0;
}

/* Puts one file back as it was, unless somebody has changed it since. */
static int put_back(const struct work *work, const struct change *change)
{
	const struct file_contents was = contents_was(change), now = contents_now(change);
	_cleanup_(staged_file_done) struct staged_file staged = STAGED_FILE_INIT;
	int r;

	if (is_as_it_was(work, change))
		return 0;
	if (!was.bytes.data)
		return remove_file(work, change, now);
	r = stage_change(work, change, was.bytes, change->was_attributes, &staged);
	return r < 0 ? r : commit_staged(&staged, now.bytes.data ? &now : NULL, &was);
}

int work_put_back(const struct work *work)
{
	int result = 0;

	for (size_t i = work->n_steps; i-- > 0;) {
		const struct step *step = &work->steps[i];
		int r;

		if (step->state != STEP_TRIED)
			continue;
		r = put_back(work, step->change);
		if (r < 0 && !file_error_means_changed(r) && r != -ENOENT && r != -ENOTDIR)
			result = r;
	}
	sync_pmxcfs(work);
	return result;
}

/**
 * enum standing - Where a file stands between its old and its new contents
 */
enum standing {
	STANDING_OLD,
	STANDING_NEW,
	STANDING_OTHER, /* somebody has changed it */
};

static enum standing compare_contents(const struct change *change, struct bytes contents,
				      const struct file_attributes *attributes, bool pmxcfs)
{
	const struct file_contents found = { contents, attributes->is_link };
	bool is_old = contents_equal(found, contents_was(change));
	bool is_new = contents_equal(found, contents_now(change));

	/* Where only attributes change, they tell; on pmxcfs they cannot be changed. */
	if (is_new && is_old && !pmxcfs)
		return file_attributes_equal(attributes, change->now_attributes) ? STANDING_NEW
										 : STANDING_OLD;
	if (is_new)
		return STANDING_NEW;
	return is_old ? STANDING_OLD : STANDING_OTHER;
}

/* Reads what is there, which may be a link only if one is expected. */
static int read_found(int dir_fd, const char *name, const struct change *change, char **ret_data,
		      size_t *ret_size, struct file_attributes *ret_attributes)
{
	size_t limit = MAX_OF(change->was.size, change->now.size);
	int r = -EINVAL;

	if (contents_was(change).is_link || contents_now(change).is_link)
		r = file_read_link_at(dir_fd, name, limit, ret_data, ret_size, ret_attributes);
	if (r == -EINVAL)
		r = file_read_managed_at(dir_fd, name, limit, ret_data, ret_size, ret_attributes);
	return r;
}

/* What the disk holds for a change, whatever the journal claims. */
static int find_standing(int dir_fd, const char *name, const struct change *change,
			 enum standing *ret_standing)
{
	_cleanup_(file_attributes_done) struct file_attributes attributes = { 0 };
	_cleanup_free_ char *data = NULL;
	size_t size;
	int r, pmxcfs;

	if (!change->was.data && !change->now.data) {
		*ret_standing = STANDING_NEW;
		return 0;
	}
	pmxcfs = pmxcfs_holds(change->path, dir_fd);
	if (pmxcfs < 0)
		return pmxcfs;
	r = read_found(dir_fd, name, change, &data, &size, &attributes);
	if (r == -ENOENT) {
		*ret_standing = !change->now.data   ? STANDING_NEW
				: !change->was.data ? STANDING_OLD
						    : STANDING_OTHER;
		return 0;
	}
	if (file_error_means_changed(r) || r == -EFBIG || r == -EILSEQ) {
		*ret_standing = STANDING_OTHER;
		return 0;
	}
	if (r < 0)
		return r;
	*ret_standing = compare_contents(change, bytes_make(data, size), &attributes, pmxcfs > 0);
	return 0;
}

/* Finds out what is left to do for one change, and clears away what was staged for it. */
static int resume_step(struct work *work, struct step *step, struct problem *problem)
{
	const struct change *change = step->change;
	enum standing standing = STANDING_OTHER;
	_cleanup_close_ int dir_fd = -1;
	const char *name;
	int r;

	if (step->state != STEP_OPEN)
		return 0;
	dir_fd = open_parent(work->root, change->path, &name);
	r = dir_fd < 0 ? dir_fd : find_standing(dir_fd, name, change, &standing);
	/* A temporary file is never trusted: what is to be done is staged anew. */
	if (r >= 0)
		r = file_discard_staged_at(dir_fd, name);
	/* The contents were synced before they got their name; the name may not have been. */
	if (r >= 0 && standing == STANDING_NEW)
		r = file_sync_fd(dir_fd);
	if (r == -ENOENT || r == -ENOTDIR)
		r = 0;
	if (r < 0)
		return say_failed(work, change, r, "read", problem);

	if (standing == STANDING_NEW)
		step->state = STEP_TRIED;
	else if (standing == STANDING_OTHER)
		r = skip(work, step);
	return r < 0 ? say_failed(work, change, r, "read", problem) : 0;
}

int work_resume(struct work *work, struct problem *problem)
{
	int r;

	for (size_t i = 0; i < work->n_steps; i++) {
		r = resume_step(work, &work->steps[i], problem);
		if (r < 0)
			return r;
	}
	r = work_stage(work, problem);
	return r < 0 ? r : work_commit(work, problem);
}

int work_discard_staged(const struct root *root, const struct change *change)
{
	_cleanup_close_ int dir_fd = -1;
	const char *name;
	int r;

	dir_fd = open_parent(root, change->path, &name);
	r = dir_fd < 0 ? dir_fd : file_discard_staged_at(dir_fd, name);
	return r == -ENOENT || r == -ENOTDIR ? 0 : MIN_OF(r, 0);
}
