/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "recovery/transaction.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>

#include "recovery/journal.h"
#include "snapshot/basic/array.h"
#include "snapshot/basic/log.h"

#define JOURNAL "journal"

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

static int result_add_skipped(struct transaction_result *result, const char *path)
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

enum step_state {
	STEP_OPEN,    /* to be done */
	STEP_TRIED,   /* done, or it may have been */
	STEP_SKIPPED, /* left, as somebody changed the file */
};

/**
 * struct step - One change on its way
 * @staged: the new contents, waiting
 */
struct step {
	const struct change *change;
	enum step_state state;
	struct staged_file staged;
};

/**
 * struct work - A transaction on its way
 * @steps: one for each of @changes
 * @snapshot_id, @snapshot_text: what is committed
 */
struct work {
	const struct root *root;
	struct store *store;
	const struct change *changes;
	struct step *steps;
	size_t n_steps;
	uint64_t snapshot_id;
	struct bytes snapshot_text;
	struct transaction_result result;
};

static void work_done(struct work *work)
{
	for (size_t i = 0; i < work->n_steps; i++)
		staged_file_done(&work->steps[i].staged);
	free(work->steps);
	transaction_result_done(&work->result);
}

static int work_begin(struct work *work, const struct change *changes, size_t n_changes)
{
	work->changes = changes;
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
	return result_add_skipped(&work->result, step->change->path);
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

	dir_fd = open_parent(work->root, change->path, &name);
	if (dir_fd < 0)
		return dir_fd;
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

static int remove_file(const struct work *work, const struct change *change, struct bytes contents)
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
	int r;

	if (step->state != STEP_OPEN)
		return 0;
	step->state = STEP_TRIED;
	if (change->now.data)
		r = staged_file_commit(&step->staged, change->was.data ? &change->was : NULL);
	else
		r = remove_file(work, change, change->was);
	if (file_error_means_changed(r))
		r = skip(work, step);
	return r < 0 ? say_failed(work, change, r, "replace", problem) : 0;
}

/* Puts one file back as it was, unless somebody has changed it since. */
static int put_back(const struct work *work, const struct change *change)
{
	const struct bytes *ours = change->now.data ? &change->now : NULL;
	_cleanup_(staged_file_done) struct staged_file staged = STAGED_FILE_INIT;
	int r;

	if (!change->was.data)
		return remove_file(work, change, change->now);
	r = stage_change(work, change, change->was, change->was_attributes, &staged);
	return r < 0 ? r : staged_file_commit(&staged, ours);
}

static int put_all_back(const struct work *work)
{
	for (size_t i = work->n_steps; i-- > 0;) {
		const struct step *step = &work->steps[i];
		int r;

		if (step->state != STEP_TRIED)
			continue;
		r = put_back(work, step->change);
		if (r < 0 && !file_error_means_changed(r) && r != -ENOENT && r != -ENOTDIR)
			return r;
	}
	return 0;
}

static int say_journal_failed(const struct store *store, int error, const char *verb,
			      struct problem *problem)
{
	struct store_name shown;

	return problem_set_errno(problem, error, store_show(store, JOURNAL, &shown), verb);
}

/* Puts the journal on disk, under the temporary name: it holds from when it gets its own. */
static int stage_journal(const struct work *work, struct staged_file *ret_journal,
			 struct problem *problem)
{
	const struct file_attributes own = { .mode = 0600, .uid = geteuid(), .gid = getegid() };
	_cleanup_(journal_done) struct journal again = { 0 };
	_cleanup_free_ char *text = NULL;
	size_t size;
	int r;

	r = journal_render(work->changes, work->n_steps, work->snapshot_id, work->snapshot_text,
			   &text, &size);
	/* One that the next start refuses would be no help to it. */
	if (r >= 0)
		r = journal_parse(bytes_make(text, size), JOURNAL, &again, problem);
	if (r >= 0)
		r = file_stage_at(work->store->dir_fd, JOURNAL, bytes_make(text, size), &own, true,
				  ret_journal);
	return r < 0 ? say_journal_failed(work->store, r, "write", problem) : 0;
}

static int remove_journal(const struct store *store)
{
	if (unlinkat(store->dir_fd, JOURNAL, 0) < 0 && errno != ENOENT)
		return -errno;
	return file_sync_fd(store->dir_fd);
}

/* From here on the transaction is completed, whatever happens to this process. */
static int commit_journal(const struct work *work, struct staged_file *journal,
			  struct problem *problem)
{
	int r;

	r = staged_file_commit(journal, NULL);
	if (r >= 0)
		return 0;
	/* It may have its name, but not for certain. */
	if (!file_error_means_changed(r) && !journal->temp_name && remove_journal(work->store) < 0)
		log_warning("an edit that failed may be made at the next start");
	return say_journal_failed(work->store, r, "write", problem);
}

static int stage_all(struct work *work, struct problem *problem)
{
	raise_descriptor_limit(work->n_steps);
	for (size_t i = 0; i < work->n_steps; i++) {
		int r = stage_step(work, &work->steps[i], problem);

		if (r < 0)
			return r;
	}
	return 0;
}

static int commit_all(struct work *work, struct problem *problem)
{
	for (size_t i = 0; i < work->n_steps; i++) {
		int r = commit_step(work, &work->steps[i], problem);

		if (r < 0)
			return r;
	}
	return 0;
}

/* After a failure: back to where nothing was done. */
static int undo(const struct work *work)
{
	int r;

	/* With the snapshot there it counts as done; only taking that away failed. */
	r = store_has(work->store, work->snapshot_id, NULL);
	if (r != 0)
		return r < 0 ? r : -EEXIST;
	r = put_all_back(work);
	return r < 0 ? r : remove_journal(work->store);
}

static int replace_all(struct work *work, struct staged_file *snapshot, struct problem *problem)
{
	int r;

	r = commit_all(work, problem);
	if (r >= 0)
		r = store_commit_text(work->store, work->snapshot_id, snapshot, problem);
	if (r >= 0)
		return 0;
	if (undo(work) < 0)
		log_warning("an edit that failed could not be undone; "
			    "the next start completes it");
	return r;
}

static int perform(struct work *work, int (*stage_check)(void *data, struct problem *problem),
		   void *data, struct problem *problem)
{
	_cleanup_(staged_file_done) struct staged_file journal = STAGED_FILE_INIT;
	_cleanup_(staged_file_done) struct staged_file snapshot = STAGED_FILE_INIT;
	int r;

	/* The journal first: should we be stopped while staging, it tells what to clear away. */
	r = stage_journal(work, &journal, problem);
	if (r < 0)
		return r;
	r = store_stage_text(work->store, work->snapshot_id, work->snapshot_text, &snapshot,
			     problem);
	if (r < 0)
		return r;
	r = stage_all(work, problem);
	if (r < 0)
		return r;
	r = stage_check ? stage_check(data, problem) : 0;
	if (r < 0)
		return r;
	r = commit_journal(work, &journal, problem);
	if (r < 0)
		return r;
	r = replace_all(work, &snapshot, problem);
	if (r < 0)
		return r;
	/* Not synced: should it come back, the snapshot says that all is done. */
	if (unlinkat(work->store->dir_fd, JOURNAL, 0) < 0)
		log_warning("the journal of an edit that was made stays until the next start: %s",
			    strerror(errno));
	return 0;
}

static bool has_journal(const struct store *store)
{
	struct stat st;

	return store->dir_fd >= 0 && fstatat(store->dir_fd, JOURNAL, &st, AT_SYMLINK_NOFOLLOW) >= 0;
}

int transaction_apply(const struct root *root, struct store *store, const struct change *changes,
		      size_t n_changes, struct snapshot *snapshot,
		      int (*stage_check)(void *data, struct problem *problem), void *data,
		      struct transaction_result *ret_result, struct problem *problem)
{
	_cleanup_(work_done) struct work work = { .root = root, .store = store };
	_cleanup_free_ char *text = NULL;
	size_t size;
	int r;

	if (store->read_only || has_journal(store))
		return say_journal_failed(store, store->read_only ? -EROFS : -EBUSY, "write",
					  problem);
	r = store_next_id(store, &work.snapshot_id, problem);
	if (r < 0)
		return r;
	r = snapshot_render(snapshot, work.snapshot_id, &text, &size);
	if (r >= 0)
		r = work_begin(&work, changes, n_changes);
	if (r < 0)
		return say_journal_failed(store, r, "write", problem);
	work.snapshot_text = bytes_make(text, size);

	if (n_changes == 0)
		r = store_write_text(store, work.snapshot_id, work.snapshot_text, problem);
	else
		r = perform(&work, stage_check, data, problem);
	if (r < 0)
		return r;
	snapshot->id = work.snapshot_id;
	*ret_result = work.result;
	work.result = (struct transaction_result){ 0 };
	return 0;
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
				      const struct file_attributes *attributes)
{
	bool is_old = change->was.data && bytes_equal(contents, change->was);
	bool is_new = change->now.data && bytes_equal(contents, change->now);

	/* Where only attributes change, they tell. */
	if (is_new && is_old)
		return file_attributes_equal(attributes, change->now_attributes) ? STANDING_NEW
										 : STANDING_OLD;
	if (is_new)
		return STANDING_NEW;
	return is_old ? STANDING_OLD : STANDING_OTHER;
}

/* What the disk holds for a change, whatever the journal claims. */
static int find_standing(int dir_fd, const char *name, const struct change *change,
			 enum standing *ret_standing)
{
	_cleanup_(file_attributes_done) struct file_attributes attributes = { 0 };
	_cleanup_free_ char *data = NULL;
	size_t size;
	int r;

	r = file_read_managed_at(dir_fd, name, MAX_OF(change->was.size, change->now.size), &data,
				 &size, &attributes);
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
	*ret_standing = compare_contents(change, bytes_make(data, size), &attributes);
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

/* Goes on where a transaction was cut short. */
static int resume(struct work *work, struct problem *problem)
{
	int r;

	for (size_t i = 0; i < work->n_steps; i++) {
		r = resume_step(work, &work->steps[i], problem);
		if (r < 0)
			return r;
	}
	r = stage_all(work, problem);
	if (r < 0)
		return r;
	r = commit_all(work, problem);
	if (r < 0)
		return r;
	return store_write_text(work->store, work->snapshot_id, work->snapshot_text, problem);
}

/* Clears away what was staged for a transaction that never began. */
static int discard_staged(const struct root *root, const struct journal *journal)
{
	int result = 0;

	for (size_t i = 0; i < journal->n_changes; i++) {
		_cleanup_close_ int dir_fd = -1;
		const char *name;
		int r;

		dir_fd = open_parent(root, journal->changes[i].path, &name);
		r = dir_fd < 0 ? dir_fd : file_discard_staged_at(dir_fd, name);
		if (r < 0 && r != -ENOENT && r != -ENOTDIR)
			result = r;
	}
	return result;
}

/* Return: 1 with a journal, 0 without one, -EBADMSG for one that cannot be read, or an error. */
static int read_journal(const struct store *store, const char *name, struct journal *ret_journal,
			struct problem *problem)
{
	_cleanup_free_ char *text = NULL;
	struct store_name buffer;
	const char *shown = store_show(store, name, &buffer);
	size_t size;
	int r;

	r = file_read_at(store->dir_fd, name, JOURNAL_MAX_SIZE, &text, &size);
	if (r == -ENOENT)
		return 0;
	if (r == -EFBIG || r == -ELOOP || r == -ENOTSUP || r == -EIO)
		return problem_set(problem, -EBADMSG, shown, 0, "cannot be read: %s", strerror(-r));
	if (r < 0)
		return problem_set_errno(problem, r, shown, "read");
	r = journal_parse(bytes_make(text, size), shown, ret_journal, problem);
	if (r == -EPROTONOSUPPORT)
		r = -EBADMSG;
	return r < 0 ? r : 1;
}

/* Reclaims what a transaction left that was cut short before its journal held. */
static int reclaim(const struct root *root, struct store *store, struct problem *problem)
{
	_cleanup_(journal_done) struct journal journal = { 0 };
	struct file_name name;
	int r;

	r = file_staged_name(JOURNAL, &name);
	if (r >= 0)
		r = read_journal(store, name.text, &journal, problem);
	if (r > 0)
		r = discard_staged(root, &journal);
	/* A torn one was not followed by anything; with another the next start tries again. */
	if (r < 0 && r != -EBADMSG)
		return say_journal_failed(store, r, "clear away", problem);
	problem_done(problem);
	return store_reclaim(store, problem);
}

/* Completes the transaction of a journal, unless the snapshot says that it is complete. */
static int complete(struct work *work, const struct journal *journal, struct problem *problem)
{
	int r;

	r = work_begin(work, journal->changes, journal->n_changes);
	if (r < 0)
		return say_journal_failed(work->store, r, "read", problem);
	work->snapshot_id = journal->snapshot_id;
	work->snapshot_text = bytes_make(journal->text, journal->size);

	r = store_has(work->store, work->snapshot_id, problem);
	if (r < 0)
		return r;
	/* Ids are used once. It may have got its name just before the end, so that is synced. */
	r = r > 0 ? file_sync_fd(work->store->snapshots_fd) : resume(work, problem);
	if (r >= 0)
		r = remove_journal(work->store);
	return r < 0 ? say_journal_failed(work->store, r, "remove", problem) : 1;
}

/* Return: 1 if a transaction was completed, 0 if there was none that could be, or an error. */
static int recover(struct work *work, struct problem *problem)
{
	_cleanup_(journal_done) struct journal journal = { 0 };
	_cleanup_(problem_done) struct problem why = { 0 };
	int r;

	r = read_journal(work->store, JOURNAL, &journal, &why);
	if (r == -EBADMSG) {
		store_set_aside(work->store, JOURNAL, why.text ? why.text : JOURNAL);
		return 0;
	}
	if (r < 0)
		return problem_set(problem, r, NULL, 0, "%s", why.text ? why.text : strerror(-r));
	return r > 0 ? complete(work, &journal, problem) : 0;
}

int transaction_recover(const struct root *root, struct store *store,
			struct transaction_result *ret_result, struct problem *problem)
{
	_cleanup_(work_done) struct work work = { .root = root, .store = store };
	_cleanup_(problem_done) struct problem why = { 0 };
	int r;

	if (store->read_only) {
		if (has_journal(store))
			return say_journal_failed(store, -EROFS, "complete", problem);
		*ret_result = (struct transaction_result){ 0 };
		return 0;
	}
	r = recover(&work, problem);
	if (r < 0)
		return r;
	/* What stays is in nobody's way. */
	if (reclaim(root, store, &why) < 0)
		log_warning("%s", why.text ? why.text : "cannot clear away what was staged");
	work.result.completed = r > 0;
	*ret_result = work.result;
	work.result = (struct transaction_result){ 0 };
	return r;
}
