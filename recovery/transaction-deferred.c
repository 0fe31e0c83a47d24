/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Changes below /etc/pve that wait until they can be made. */
#include <errno.h>

#include "recovery/pmxcfs.h"
#include "recovery/transaction-private.h"

bool deferred_concerns(const struct change *changes, size_t n_changes)
{
	for (size_t i = 0; i < n_changes; i++)
		if (pmxcfs_owns(changes[i].path))
			return true;
	return false;
}

/* Return: 1, 0 when nothing waits, or an error with @problem set. */
static int read_deferred(struct store *store, struct journal *ret_deferred, struct problem *problem)
{
	_cleanup_(problem_done) struct problem why = { 0 };
	int r;

	r = transaction_read(store, TRANSACTION_DEFERRED, deferred_parse, ret_deferred, &why);
	if (r == -EBADMSG) {
		store_set_aside(store, TRANSACTION_DEFERRED,
				why.text ? why.text : TRANSACTION_DEFERRED);
		return 0;
	}
	if (r < 0)
		return problem_set(problem, r, NULL, 0, "%s", why.text ? why.text : strerror(-r));
	return r;
}

/* Whether nothing is to be done but to clear away what was staged. */
static bool only_clears(const struct change *change)
{
	return !change->was.data && !change->now.data;
}

static size_t count_changes(const struct journal *waiting)
{
	size_t n = 0;

	for (size_t i = 0; i < waiting->n_changes; i++)
		n += !only_clears(&waiting->changes[i]);
	return n;
}

/* Of one path: what it was first, and what it shall be last. */
static struct change join(const struct change *waiting, const struct change *later)
{
	struct change joined = *later;

	if (only_clears(later))
		return *waiting;
	if (only_clears(waiting))
		return *later;
	joined.was = waiting->was;
	joined.was_attributes = waiting->was_attributes;
	return joined;
}

/* @ret_changes has room for all. Returns how many there are. */
static size_t merge(const struct journal *waiting, const struct change *changes, size_t n_changes,
		    bool only_clear, struct change *ret_changes)
{
	size_t i = 0, n = 0;

	for (size_t j = 0; j < n_changes; j++) {
		struct change later = changes[j];

		if (!pmxcfs_owns(later.path))
			continue;
		if (only_clear)
			later.was = later.now = BYTES_NONE;
		while (i < waiting->n_changes && strcmp(waiting->changes[i].path, later.path) < 0)
			ret_changes[n++] = waiting->changes[i++];
		if (i < waiting->n_changes && strcmp(waiting->changes[i].path, later.path) == 0)
			later = join(&waiting->changes[i++], &later);
		ret_changes[n++] = later;
	}
	while (i < waiting->n_changes)
		ret_changes[n++] = waiting->changes[i++];
	return n;
}

static int write_deferred(const struct store *store, const struct change *changes, size_t n_changes)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	int r;

	r = deferred_render(changes, n_changes, &text, &size);
	return r < 0 ? r
		     : file_write_at(store->dir_fd, TRANSACTION_DEFERRED, bytes_make(text, size),
				     0600, true);
}

int deferred_add(struct store *store, const struct change *changes, size_t n_changes,
		 bool only_clear, struct problem *problem)
{
	_cleanup_(journal_done) struct journal waiting = { 0 };
	_cleanup_free_ struct change *merged = NULL;
	int r;

	if (!deferred_concerns(changes, n_changes))
		return 0;
	r = read_deferred(store, &waiting, problem);
	if (r < 0)
		return r;
	merged = calloc(waiting.n_changes + n_changes, sizeof(*merged));
	r = merged ? write_deferred(store, merged,
				    merge(&waiting, changes, n_changes, only_clear, merged))
		   : -ENOMEM;
	return r < 0 ? transaction_say_failed(store, TRANSACTION_DEFERRED, r, "write", problem) : 0;
}

int deferred_count(struct store *store, size_t *ret_n, struct problem *problem)
{
	_cleanup_(journal_done) struct journal waiting = { 0 };
	int r;

	r = read_deferred(store, &waiting, problem);
	if (r < 0)
		return r;
	*ret_n = count_changes(&waiting);
	return 0;
}

int deferred_complete(const struct root *root, struct store *store,
		      struct transaction_result *result, struct problem *problem)
{
	_cleanup_(work_done) struct work work = { .root = root };
	_cleanup_(journal_done) struct journal waiting = { 0 };
	int r;

	r = read_deferred(store, &waiting, problem);
	if (r <= 0)
		return r;
	r = work_begin(&work, waiting.changes, waiting.n_changes);
	if (r < 0)
		return transaction_say_failed(store, TRANSACTION_DEFERRED, r, "read", problem);
	r = work_resume(&work, problem);
	if (r < 0)
		return r;
	for (size_t i = 0; i < work.result.n_skipped && r >= 0; i++)
		r = transaction_result_add_skipped(result, work.result.skipped[i]);
	if (r >= 0)
		r = transaction_remove(store, TRANSACTION_DEFERRED);
	return r < 0 ? transaction_say_failed(store, TRANSACTION_DEFERRED, r, "remove", problem)
		     : count_changes(&waiting) > 0;
}
