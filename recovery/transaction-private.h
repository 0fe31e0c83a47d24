/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the parts of a transaction share; nobody else includes this. */
#pragma once

#include "recovery/journal.h"
#include "recovery/transaction.h"

enum step_state {
	STEP_OPEN,    /* to be done */
	STEP_TRIED,   /* done, or it may have been */
	STEP_SKIPPED, /* left: somebody changed the file, or it is done another time */
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
 * struct work - Changes on their way
 * @steps:  one for each change
 * @result: what became of them, to be handed on
 */
struct work {
	const struct root *root;
	struct step *steps;
	size_t n_steps;
	struct transaction_result result;
};

void work_done(struct work *work);

/* @changes are borrowed. Return: 0, or -ENOMEM. */
_must_check_ int work_begin(struct work *work, const struct change *changes, size_t n_changes);

/* Stage the new contents of all steps that are open. Return: 0, or an error, @problem set. */
_must_check_ int work_stage(struct work *work, struct problem *problem);

/* Replace the files of all steps that are open; those that somebody changed are skipped. As above.
 */
_must_check_ int work_commit(struct work *work, struct problem *problem);

/* Put back the files of all steps that were tried, as far as possible. Return: 0, or an error. */
_must_check_ int work_put_back(const struct work *work);

/**
 * work_resume() - Go on with the steps that are open, wherever they were when they were cut short
 *
 * A file that is old is replaced, one that is new is done, one that is neither is skipped. No
 * temporary file is trusted. Return: 0, or an error with @problem set.
 */
_must_check_ int work_resume(struct work *work, struct problem *problem);

/* Clear away what was staged for a change. Return: 0, or an error. */
_must_check_ int work_discard_staged(const struct root *root, const struct change *change);

/* Note a path that was left. Return: 0, or -ENOMEM. */
_must_check_ int transaction_result_add_skipped(struct transaction_result *result,
						const char *path);

/* Set @problem for a file of the state directory. Returns @error. */
int transaction_say_failed(const struct store *store, const char *name, int error, const char *verb,
			   struct problem *problem);

/* Whether a file of the state directory is there. */
bool transaction_has(const struct store *store, const char *name);

/* Remove a file of the state directory, for good. Return: 0, or an error. */
_must_check_ int transaction_remove(const struct store *store, const char *name);

/**
 * transaction_read() - Read a journal, or what was deferred
 * @name:  in the state directory
 * @parse: journal_parse() or deferred_parse()
 *
 * Return: 1, 0 when it is not there, -EBADMSG when it cannot be read, now or ever, or another
 * error; @problem set.
 */
_must_check_ int transaction_read(const struct store *store, const char *name,
				  int (*parse)(struct bytes text, const char *file,
					       struct journal *ret_journal,
					       struct problem *problem),
				  struct journal *ret_journal, struct problem *problem);

/* Whether any of them is below /etc/pve. */
_pure_ bool deferred_concerns(const struct change *changes, size_t n_changes);

/**
 * deferred_add() - Keep those of some changes that are below /etc/pve for later
 * @only_clear: they were never begun: only what was staged for them is to be cleared away
 *
 * Durable. Of a path that waits already what it was is kept, and what it shall be is replaced.
 *
 * Return: 0, or an error with @problem set.
 */
_must_check_ int deferred_add(struct store *store, const struct change *changes, size_t n_changes,
			      bool only_clear, struct problem *problem);

/* How many changes wait; a file that cannot be read is set aside. Return: 0, or an error, @problem
 * set. */
_must_check_ int deferred_count(struct store *store, size_t *ret_n, struct problem *problem);

/**
 * deferred_complete() - Do all that waits
 * @result: paths that were skipped are added
 *
 * Return: 1, 0 when there was nothing to do, or an error with @problem set: all of it waits on.
 */
_must_check_ int deferred_complete(const struct root *root, struct store *store,
				   struct transaction_result *result, struct problem *problem);
