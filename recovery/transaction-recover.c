/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the next start does after a crash. */
#include <errno.h>

#include "recovery/pmxcfs.h"
#include "recovery/transaction-private.h"
#include "snapshot/basic/log.h"

/**
 * struct recovery - A recovery on its way
 * @pve_writable: files below /etc/pve can be looked at and written
 * @completed:    something was completed
 */
struct recovery {
	const struct root *root;
	struct store *store;
	bool pve_writable;
	bool completed;
	struct transaction_result result;
};

static void recovery_done(struct recovery *recovery)
{
	transaction_result_done(&recovery->result);
}

static int say_journal_failed(const struct store *store, int error, const char *verb,
			      struct problem *problem)
{
	return transaction_say_failed(store, TRANSACTION_JOURNAL, error, verb, problem);
}

int transaction_read(const struct store *store, const char *name,
		     int (*parse)(struct bytes text, const char *file, struct journal *ret_journal,
				  struct problem *problem),
		     struct journal *ret_journal, struct problem *problem)
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
	r = parse(bytes_make(text, size), shown, ret_journal, problem);
	if (r == -EPROTONOSUPPORT)
		r = -EBADMSG;
	return r < 0 ? r : 1;
}

/*
 * Goes on where a transaction was cut short. Files below /etc/pve always take the way over what is
 * deferred: whether they can be written shows only when it is tried.
 */
static int resume(struct recovery *recovery, const struct journal *journal, struct problem *problem)
{
	_cleanup_(work_done) struct work work = { .root = recovery->root };
	int r;

	r = work_begin(&work, journal->changes, journal->n_changes);
	if (r < 0)
		return say_journal_failed(recovery->store, r, "read", problem);
	r = deferred_add(recovery->store, journal->changes, journal->n_changes, false, problem);
	if (r < 0)
		return r;
	for (size_t i = 0; i < work.n_steps; i++)
		if (pmxcfs_owns(work.steps[i].change->path))
			work.steps[i].state = STEP_SKIPPED;
	r = work_resume(&work, problem);
	if (r < 0)
		return r;
	recovery->result = work.result;
	work.result = (struct transaction_result){ 0 };
	return store_write_text(recovery->store, journal->snapshot_id,
				bytes_make(journal->text, journal->size), problem);
}

/* Completes the transaction of a journal, unless the snapshot says that it is complete. */
static int complete(struct recovery *recovery, const struct journal *journal,
		    struct problem *problem)
{
	struct store *store = recovery->store;
	int r;

	r = store_has(store, journal->snapshot_id, problem);
	if (r < 0)
		return r;
	/* Ids are used once. It may have got its name just before the end, so that is synced. */
	r = r > 0 ? file_sync_fd(store->snapshots_fd) : resume(recovery, journal, problem);
	if (r >= 0)
		r = transaction_remove(store, TRANSACTION_JOURNAL);
	if (r < 0)
		return say_journal_failed(store, r, "remove", problem);
	recovery->completed = true;
	return 0;
}

static int recover_journal(struct recovery *recovery, struct problem *problem)
{
	_cleanup_(journal_done) struct journal journal = { 0 };
	_cleanup_(problem_done) struct problem why = { 0 };
	int r;

	r = transaction_read(recovery->store, TRANSACTION_JOURNAL, journal_parse, &journal, &why);
	if (r == -EBADMSG) {
		store_set_aside(recovery->store, TRANSACTION_JOURNAL,
				why.text ? why.text : TRANSACTION_JOURNAL);
		return 0;
	}
	if (r < 0)
		return problem_set(problem, r, NULL, 0, "%s", why.text ? why.text : strerror(-r));
	return r > 0 ? complete(recovery, &journal, problem) : 0;
}

/* Does what waits, if that can be done now. What cannot waits on, and stops nobody. */
static int recover_deferred(struct recovery *recovery, struct problem *problem)
{
	_cleanup_(problem_done) struct problem why = { 0 };
	int r;

	r = recovery->pve_writable
		    ? deferred_complete(recovery->root, recovery->store, &recovery->result, &why)
		    : 0;
	if (r < 0)
		log_warning("%s; edits below /etc/pve wait", why.text ? why.text : "out of memory");
	recovery->completed |= r > 0;
	return deferred_count(recovery->store, &recovery->result.n_deferred, problem);
}

/* Clears away what was staged for a transaction that never began. */
static int discard_staged(const struct recovery *recovery, const struct journal *journal,
			  struct problem *problem)
{
	int result = 0;

	for (size_t i = 0; i < journal->n_changes; i++) {
		const struct change *change = &journal->changes[i];
		int r = pmxcfs_owns(change->path) ? 0 : work_discard_staged(recovery->root, change);

		if (r < 0)
			result = r;
	}
	if (result < 0)
		return result;
	return deferred_add(recovery->store, journal->changes, journal->n_changes, true, problem);
}

/* Reclaims what a transaction left that was cut short before its journal held. */
static int reclaim(const struct recovery *recovery, struct problem *problem)
{
	_cleanup_(journal_done) struct journal journal = { 0 };
	struct file_name name;
	int r;

	r = file_staged_name(TRANSACTION_JOURNAL, &name);
	if (r >= 0)
		r = transaction_read(recovery->store, name.text, journal_parse, &journal, problem);
	if (r > 0)
		r = discard_staged(recovery, &journal, problem);
	/* A torn one was not followed by anything; with another the next start tries again. */
	if (r < 0 && r != -EBADMSG)
		return say_journal_failed(recovery->store, r, "clear away", problem);
	problem_done(problem);
	return store_reclaim(recovery->store, problem);
}

static int recover(struct recovery *recovery, struct problem *problem)
{
	_cleanup_(problem_done) struct problem why = { 0 };
	int r;

	r = recover_journal(recovery, problem);
	if (r < 0)
		return r;
	/* What stays is in nobody's way. */
	if (reclaim(recovery, &why) < 0)
		log_warning("%s", why.text ? why.text : "cannot clear away what was staged");
	return recover_deferred(recovery, problem);
}

int transaction_recover(const struct root *root, struct store *store, bool pve_writable,
			struct transaction_result *ret_result, struct problem *problem)
{
	_cleanup_(recovery_done) struct recovery recovery = {
		.root = root,
		.store = store,
		.pve_writable = pve_writable,
	};
	int r;

	if (store->read_only && transaction_has(store, TRANSACTION_JOURNAL))
		return say_journal_failed(store, -EROFS, "complete", problem);
	r = store->read_only ? 0 : recover(&recovery, problem);
	if (r < 0)
		return r;
	recovery.result.completed = recovery.completed;
	*ret_result = recovery.result;
	recovery.result = (struct transaction_result){ 0 };
	return ret_result->completed;
}
