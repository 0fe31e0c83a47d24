/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * All edits of one plan, at once or not at all, whenever the power goes.
 *
 *   1. stage     the journal (what is about to be done: old and new contents and the snapshot to
 *                come), the snapshot and every new content are written under temporary names, next
 *                to where they will be, and fsynced; nothing that fails for lack of space or rights
 *                fails later. The journal is first: it tells what to clear away after a crash
 *   2. journal   it gets its name: from here on the transaction is completed
 *   3. rename    each file is replaced, unless somebody changed it since it was read
 *   4. snapshot  the snapshot with the new meanings gets its name: the commit
 *   5. the journal is removed
 *
 * A crash before 2 leaves old files, after 2 the next start goes on with 3, from the journal alone:
 * it trusts no temporary file. After 4 all that is left to do is 5. What the journal claims is
 * never believed over what the disk holds: a file that is neither old nor new was edited by
 * somebody and is left alone.
 *
 * Files below /etc/pve are written by pmxcfs's rules where that is mounted: at once and by a plain
 * rename, then read again, without owner and mode. The next start may come before it is mounted, or
 * while the cluster has no quorum. Then what is left to do there is *deferred*: it moves from the
 * journal to a file of its own, all else is completed, and the next start that can write there does
 * it.
 */
#pragma once

#include "recovery/document.h"
#include "snapshot/store.h"

/* In the state directory. */
#define TRANSACTION_JOURNAL  "journal"
#define TRANSACTION_DEFERRED "deferred"

/**
 * struct change - One file of a transaction
 * @path: absolute in the tree, links resolved
 * @was:  contents now; data NULL: the file does not exist and is created
 * @now:  contents afterwards; data NULL: the file is removed
 * @was_attributes: owner, mode and xattrs the file has now (kept in the journal), and whether it is
 *                  a symbolic link, whose contents are its target
 * @now_attributes: those it gets. On pmxcfs they follow from the path, and these do not count
 */
struct change {
	const char *path;
	struct bytes was;
	struct bytes now;
	const struct file_attributes *was_attributes;
	const struct file_attributes *now_attributes;
};

/**
 * struct transaction_result - What became of it
 * @skipped:  @n_skipped paths that were left because somebody changed them in the meantime
 * @completed: for transaction_recover(): an unfinished transaction was found and completed, or what
 *             was deferred
 * @n_deferred: for transaction_recover(): how many changes below /etc/pve still wait. Until they
 *             are made the files there are older than the newest snapshot says
 */
struct transaction_result {
	char **skipped;
	size_t n_skipped;
	size_t allocated;
	bool completed;
	size_t n_deferred;
};

void transaction_result_done(struct transaction_result *result);

/**
 * transaction_apply() - Replace files and commit a snapshot
 * @changes:  sorted by path, no path twice; may be none: then only the snapshot is written
 * @snapshot: what is committed, with its files as they will be; its id is set. Files that turn out
 *            to be skipped stay in it as intended: the next scan sees what is really there
 * @stage_check: called when everything is staged and before the journal is written, with @data; an
 *            error ends the transaction with nothing changed. May be NULL
 *
 * At most two fsyncs a file, two for the journal, two for the snapshot; those of pmxcfs cost two
 * together. The folder of a file that is created must exist. What holds others off (a guest's
 * lock) is the caller's.
 *
 * Return: 0, or a negative errno with @problem set and every file as it was (or, if even putting
 * back failed, the journal in place for the next start). -EBUSY: there is a journal, or a change
 * below /etc/pve while others wait there; transaction_recover() comes first. -EACCES: for a file of
 * pmxcfs, the cluster has no quorum.
 */
_must_check_ int transaction_apply(const struct root *root, struct store *store,
				   const struct change *changes, size_t n_changes,
				   struct snapshot *snapshot,
				   int (*stage_check)(void *data, struct problem *problem),
				   void *data, struct transaction_result *ret_result,
				   struct problem *problem);

/**
 * transaction_recover() - Complete what a crash cut short, and reclaim what it left
 *
 * @pve_writable: whether files below /etc/pve can be looked at and written now: it is mounted,
 *                answers, and the cluster has quorum; or it is a plain folder, in a copy of a
 *                machine. Without, nothing below it is touched. That it cannot be written all the
 *                same is a warning, and the changes wait on
 *
 * Call at each start that may write, with the lock held, before anything is read. A journal, or
 * what was deferred, that cannot be read is set aside and said once; files then are whole all the
 * same.
 *
 * Return: 1 if something was completed, 0 if there was nothing, or a negative errno with @problem
 * set.
 */
_must_check_ int transaction_recover(const struct root *root, struct store *store,
				     bool pve_writable, struct transaction_result *ret_result,
				     struct problem *problem);
