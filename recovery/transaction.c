/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "recovery/transaction.h"

#include <errno.h>
#include <fcntl.h>

#include "recovery/pmxcfs.h"
#include "recovery/transaction-private.h"
#include "snapshot/basic/log.h"

/**
 * struct transaction - A transaction on its way
 * @snapshot_id, @snapshot_text: what commits it
 */
struct transaction {
	struct work work;
	struct store *store;
	const struct change *changes;
	size_t n_changes;
	uint64_t snapshot_id;
	struct bytes snapshot_text;
};

static void transaction_done(struct transaction *transaction)
{
	work_done(&transaction->work);
}

int transaction_say_failed(const struct store *store, const char *name, int error, const char *verb,
			   struct problem *problem)
{
	struct store_name shown;

	return problem_set_errno(problem, error, store_show(store, name, &shown), verb);
}

bool transaction_has(const struct store *store, const char *name)
{
	struct stat st;

	return store->dir_fd >= 0 && fstatat(store->dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) >= 0;
}

int transaction_remove(const struct store *store, const char *name)
{
	if (unlinkat(store->dir_fd, name, 0) < 0 && errno != ENOENT)
		return -errno;
	return file_sync_fd(store->dir_fd);
}

static int say_journal_failed(const struct store *store, int error, const char *verb,
			      struct problem *problem)
{
	return transaction_say_failed(store, TRANSACTION_JOURNAL, error, verb, problem);
}

/* Puts the journal on disk, under the temporary name: it holds from when it gets its own. */
static int stage_journal(const struct transaction *transaction, struct staged_file *ret_journal,
			 struct problem *problem)
{
	const struct file_attributes own = { .mode = 0600, .uid = geteuid(), .gid = getegid() };
	const struct store *store = transaction->store;
	_cleanup_(journal_done) struct journal again = { 0 };
	_cleanup_free_ char *text = NULL;
	size_t size;
	int r;

	r = journal_render(transaction->changes, transaction->n_changes, transaction->snapshot_id,
			   transaction->snapshot_text, &text, &size);
	/* One that the next start refuses would be no help to it. */
	if (r >= 0)
		r = journal_parse(bytes_make(text, size), TRANSACTION_JOURNAL, &again, problem);
	if (r >= 0)
		r = file_stage_at(store->dir_fd, TRANSACTION_JOURNAL, bytes_make(text, size), &own,
				  true, ret_journal);
	return r < 0 ? say_journal_failed(store, r, "write", problem) : 0;
}

/* From here on the transaction is completed, whatever happens to this process. */
static int commit_journal(const struct transaction *transaction, struct staged_file *journal,
			  struct problem *problem)
{
	const struct store *store = transaction->store;
	int r;

	r = staged_file_commit(journal, NULL);
	if (r >= 0)
		return 0;
	/* It may have its name, but not for certain. */
	if (!file_error_means_changed(r) && !journal->temp_name &&
	    transaction_remove(store, TRANSACTION_JOURNAL) < 0)
		log_warning("an edit that failed may be made at the next start");
	return say_journal_failed(store, r, "write", problem);
}

/* After a failure: back to where nothing was done. */
static int undo(const struct transaction *transaction)
{
	int r;

	/* With the snapshot there it counts as done; only taking that away failed. */
	r = store_has(transaction->store, transaction->snapshot_id, NULL);
	if (r != 0)
		return r < 0 ? r : -EEXIST;
	r = work_put_back(&transaction->work);
	return r < 0 ? r : transaction_remove(transaction->store, TRANSACTION_JOURNAL);
}

static int replace_all(struct transaction *transaction, struct staged_file *snapshot,
		       struct problem *problem)
{
	int r;

	r = work_commit(&transaction->work, problem);
	if (r >= 0)
		r = store_commit_text(transaction->store, transaction->snapshot_id, snapshot,
				      problem);
	if (r >= 0)
		return 0;
	if (undo(transaction) < 0)
		log_warning("an edit that failed could not be undone; "
			    "the next start completes it");
	return r;
}

static int perform(struct transaction *transaction,
		   int (*stage_check)(void *data, struct problem *problem), void *data,
		   struct problem *problem)
{
	_cleanup_(staged_file_done) struct staged_file journal = STAGED_FILE_INIT;
	_cleanup_(staged_file_done) struct staged_file snapshot = STAGED_FILE_INIT;
	int r;

	/* The journal first: should we be stopped while staging, it tells what to clear away. */
	r = stage_journal(transaction, &journal, problem);
	if (r < 0)
		return r;
	r = store_stage_text(transaction->store, transaction->snapshot_id,
			     transaction->snapshot_text, &snapshot, problem);
	if (r < 0)
		return r;
	r = work_stage(&transaction->work, problem);
	if (r < 0)
		return r;
	r = stage_check ? stage_check(data, problem) : 0;
	if (r < 0)
		return r;
	r = commit_journal(transaction, &journal, problem);
	if (r < 0)
		return r;
	r = replace_all(transaction, &snapshot, problem);
	if (r < 0)
		return r;
	/* Not synced: should it come back, the snapshot says that all is done. */
	if (unlinkat(transaction->store->dir_fd, TRANSACTION_JOURNAL, 0) < 0)
		log_warning("the journal of an edit that was made stays until the next start: %s",
			    strerror(errno));
	return 0;
}

/* After a failure: without quorum not even a temporary file can be removed from pmxcfs. */
static void clear_away_later(struct transaction *transaction)
{
	struct work *work = &transaction->work;
	int result = 0;

	for (size_t i = 0; i < work->n_steps; i++) {
		struct step *step = &work->steps[i];
		int r;

		if (!pmxcfs_owns(step->change->path))
			continue;
		staged_file_done(&step->staged);
		r = work_discard_staged(work->root, step->change);
		if (r < 0)
			result = r;
	}
	if (result < 0 && deferred_add(transaction->store, transaction->changes,
				       transaction->n_changes, true, NULL) < 0)
		log_warning("what was staged below /etc/pve stays there: %s", strerror(-result));
}

/* Whether what an earlier transaction has left comes first. */
static int check_ready(struct store *store, const struct change *changes, size_t n_changes,
		       struct problem *problem)
{
	size_t n_deferred;
	int r;

	if (store->read_only)
		return say_journal_failed(store, -EROFS, "write", problem);
	if (transaction_has(store, TRANSACTION_JOURNAL))
		return say_journal_failed(store, -EBUSY, "write", problem);
	if (!deferred_concerns(changes, n_changes))
		return 0;
	r = deferred_count(store, &n_deferred, problem);
	if (r < 0)
		return r;
	if (n_deferred > 0)
		return transaction_say_failed(store, TRANSACTION_DEFERRED, -EBUSY, "pass over",
					      problem);
	return 0;
}

int transaction_apply(const struct root *root, struct store *store, const struct change *changes,
		      size_t n_changes, struct snapshot *snapshot,
		      int (*stage_check)(void *data, struct problem *problem), void *data,
		      struct transaction_result *ret_result, struct problem *problem)
{
	_cleanup_(transaction_done) struct transaction transaction = {
		.work = { .root = root },
		.store = store,
		.changes = changes,
		.n_changes = n_changes,
	};
	_cleanup_free_ char *text = NULL;
	size_t size;
	int r;

	r = check_ready(store, changes, n_changes, problem);
	if (r < 0)
		return r;
	r = store_next_id(store, &transaction.snapshot_id, problem);
	if (r < 0)
		return r;
	r = snapshot_render(snapshot, transaction.snapshot_id, &text, &size);
	if (r >= 0)
		r = work_begin(&transaction.work, changes, n_changes);
	if (r < 0)
		return say_journal_failed(store, r, "write", problem);
	transaction.snapshot_text = bytes_make(text, size);

	if (n_changes == 0)
		r = store_write_text(store, transaction.snapshot_id, transaction.snapshot_text,
				     problem);
	else
		r = perform(&transaction, stage_check, data, problem);
	if (r < 0) {
		clear_away_later(&transaction);
		return r;
	}
	snapshot->id = transaction.snapshot_id;
	*ret_result = transaction.work.result;
	transaction.work.result = (struct transaction_result){ 0 };
	return 0;
}
