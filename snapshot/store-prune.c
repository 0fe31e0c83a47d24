/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include "snapshot/basic/array.h"
#include "snapshot/store-private.h"

/**
 * struct pruning - What is removed and what stays
 * @keep:    snapshots that stay whatever their age
 * @removed: those that go, sorted
 */
struct pruning {
	struct contents contents;
	struct listing keep;
	struct listing removed;
};

static void pruning_done(struct pruning *pruning)
{
	contents_done(&pruning->contents);
	free(pruning->keep.ids);
	free(pruning->removed.ids);
}

static int pruning_keep(struct pruning *pruning, uint64_t id)
{
	return listing_add(&pruning->keep, contents_resolve(&pruning->contents, id));
}

static bool pruning_keeps(const struct pruning *pruning, uint64_t id)
{
	for (size_t i = 0; i < pruning->keep.n_ids; i++)
		if (pruning->keep.ids[i] == id)
			return true;
	return false;
}

/* What stays because of what it is to the store; @pinned comes from whoever prunes. */
static int pruning_begin(struct pruning *pruning, struct store *store, const uint64_t *pinned,
			 size_t n_pinned, struct problem *problem)
{
	const struct listing *listing = &pruning->contents.listing;
	const struct record *last = records_last(&pruning->contents.records);
	uint64_t baseline;
	int r;

	r = store_get_baseline(store, &baseline, problem);
	if (r > 0)
		r = pruning_keep(pruning, baseline);
	if (r >= 0)
		r = pruning_keep(pruning, listing->ids[0]);
	if (r >= 0)
		r = pruning_keep(pruning, listing->ids[listing->n_ids - 1]);
	/* The record would go too, and with it the largest id. */
	if (r >= 0 && last)
		r = pruning_keep(pruning, last->head.id);
	for (size_t i = 0; r >= 0 && i < n_pinned; i++)
		r = pruning_keep(pruning, pinned[i]);
	return r;
}

/* Whether a snapshot that nothing pins may go. -EBADMSG: it was damaged, so it is gone already. */
static int may_remove(struct store *store, uint64_t id)
{
	_cleanup_(arena_done) struct arena arena = { 0 };
	struct snapshot head;
	int r;

	r = store_load_one(store, id, &arena, &head, NULL);
	if (r < 0)
		return r == -EBADMSG || r == -ENOMEM ? r : 0;
	return !head.note;
}

/* Chooses the oldest that may go, as many as there are too many. */
static int pruning_choose(struct pruning *pruning, struct store *store, size_t excess)
{
	const struct listing *listing = &pruning->contents.listing;

	for (size_t i = 0; i < listing->n_ids && excess > 0; i++) {
		int r;

		if (pruning_keeps(pruning, listing->ids[i]))
			continue;
		r = may_remove(store, listing->ids[i]);
		if (r == 0)
			continue;
		excess--;
		if (r > 0)
			r = listing_add(&pruning->removed, listing->ids[i]);
		if (r < 0 && r != -EBADMSG)
			return r;
	}
	return 0;
}

static bool record_stays(const struct record *record, const void *data)
{
	const struct listing *removed = data;

	return !listing_has(removed, record->head.same_as);
}

static int remove_records(const struct pruning *pruning, const struct store *store)
{
	const struct records *records = &pruning->contents.records;

	for (size_t i = 0; i < records->n_items; i++)
		if (!record_stays(&records->items[i], &pruning->removed))
			return store_rewrite_records(store, records, record_stays,
						     &pruning->removed);
	return 0;
}

static int remove_snapshots(const struct pruning *pruning, const struct store *store)
{
	const struct listing *removed = &pruning->removed;

	for (size_t i = 0; i < removed->n_ids; i++) {
		struct snapshot_name buffer;
		const char *name = store_snapshot_base_name(removed->ids[i], &buffer);

		if (unlinkat(store->snapshots_fd, name, 0) < 0 && errno != ENOENT)
			return -errno;
	}
	return 0;
}

int store_prune(struct store *store, size_t keep, const uint64_t *pinned, size_t n_pinned,
		struct problem *problem)
{
	_cleanup_(pruning_done) struct pruning pruning = { 0 };
	const struct listing *listing = &pruning.contents.listing;
	struct store_name shown;
	int r;

	r = store_check_writable(store, problem);
	if (r < 0)
		return r;
	r = contents_read(&pruning.contents, store, problem);
	if (r < 0 || listing->n_ids <= keep)
		return r;
	r = pruning_begin(&pruning, store, pinned, n_pinned, problem);
	if (r >= 0)
		r = pruning_choose(&pruning, store, listing->n_ids - keep);
	/* Records first: one whose snapshot is gone would be listed and could not be shown. */
	if (r >= 0)
		r = remove_records(&pruning, store);
	if (r >= 0)
		r = remove_snapshots(&pruning, store);
	if (r < 0)
		return problem_set_errno(problem, r, store_show(store, STORE_SNAPSHOTS, &shown),
					 "prune");
	return 0;
}
