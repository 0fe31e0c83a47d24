/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <inttypes.h>

#include "snapshot/basic/array.h"
#include "snapshot/snapshot-json.h"
#include "snapshot/store-private.h"

int store_read_text(const struct store *store, uint64_t id, const char *shown, char **ret_text,
		    size_t *ret_size, struct problem *problem)
{
	struct snapshot_name name;
	int r;

	if (store->dir_fd < 0)
		r = -ENOENT;
	else
		r = file_read_at(store->dir_fd, store_snapshot_name(id, &name), SNAPSHOT_MAX_SIZE,
				 ret_text, ret_size);
	if (store_error_means_damaged(r))
		return problem_set(problem, -EBADMSG, shown, 0, "cannot be read: %s", strerror(-r));
	return r < 0 ? problem_set_errno(problem, r, shown, "read") : 0;
}

/* Reads a distinct snapshot: the whole, or with @arena given for its strings only the head. */
static int read_snapshot(const struct store *store, uint64_t id, struct arena *arena,
			 struct snapshot *ret_snapshot, struct problem *problem)
{
	_cleanup_(snapshot_done) struct snapshot snapshot = { 0 };
	_cleanup_free_ char *text = NULL;
	struct snapshot_name name;
	struct store_name buffer;
	const char *shown = store_show(store, store_snapshot_name(id, &name), &buffer);
	size_t size = 0;
	int r;

	r = store_read_text(store, id, shown, &text, &size, problem);
	if (r < 0)
		return r;
	if (arena)
		r = snapshot_parse_head(bytes_make(text, size), shown, arena, &snapshot, problem);
	else
		r = snapshot_parse(bytes_make(text, size), shown, &snapshot, problem);
	if (r < 0)
		return r;
	if (snapshot.id != id)
		return problem_set(problem, -EBADMSG, shown, 0, "holds snapshot %" PRIu64,
				   snapshot.id);
	*ret_snapshot = snapshot;
	snapshot = (struct snapshot){ 0 };
	return 0;
}

int store_load_one(struct store *store, uint64_t id, struct arena *arena,
		   struct snapshot *ret_snapshot, struct problem *problem)
{
	_cleanup_(problem_done) struct problem why = { 0 };
	struct snapshot snapshot;
	struct snapshot_name name;
	uint64_t baseline;
	int r;

	r = read_snapshot(store, id, arena, &snapshot, &why);
	if (r == -EBADMSG && why.text)
		store_set_aside(store, store_snapshot_name(id, &name), why.text);
	if (r < 0)
		return store_pass_on(problem, r, &why);
	r = store_get_baseline(store, &baseline, problem);
	if (r < 0) {
		snapshot_done(&snapshot);
		return r;
	}
	snapshot.baseline = r > 0 && baseline == id;
	*ret_snapshot = snapshot;
	return 0;
}

int store_try_one(struct store *store, uint64_t id, struct arena *arena,
		  struct snapshot *ret_snapshot, struct problem *problem)
{
	_cleanup_(problem_done) struct problem why = { 0 };
	int r;

	r = store_load_one(store, id, arena, ret_snapshot, &why);
	if (r >= 0)
		return 1;
	if (r == -EBADMSG || r == -ENOENT)
		return 0;
	if (r == -EPROTONOSUPPORT || r == -EIO) {
		store_say_once(store, why.text ? why.text : strerror(-r));
		return 0;
	}
	return store_pass_on(problem, r, &why);
}

static bool copy_text(struct arena *arena, const char *text, const char **ret_copy)
{
	*ret_copy = arena_copy_text(arena, text);
	return *ret_copy || !text;
}

/* Puts a head, its strings copied, into @snapshot, whose other members stay. */
static int copy_head(struct arena *arena, const struct snapshot *head, struct snapshot *snapshot)
{
	if (!copy_text(arena, head->taken_at, &snapshot->taken_at) ||
	    !copy_text(arena, head->boot_id, &snapshot->boot_id) ||
	    !copy_text(arena, head->reason, &snapshot->reason) ||
	    !copy_text(arena, head->note, &snapshot->note))
		return -ENOMEM;
	snapshot->id = head->id;
	snapshot->same_as = head->same_as;
	return 0;
}

/**
 * struct heads - What store_list() gives
 * @arena: owns the strings of all
 */
struct heads {
	struct arena arena;
	struct snapshot *items;
	size_t n_items;
	size_t allocated;
};

static void heads_done(struct heads *heads)
{
	free(heads->items);
	arena_done(&heads->arena);
}

static int heads_add(struct heads *heads, const struct snapshot *head)
{
	int r = ARRAY_RESERVE(heads->items, heads->n_items, heads->allocated);

	if (r < 0)
		return r;
	heads->items[heads->n_items++] = *head;
	return 0;
}

static int heads_add_snapshots(struct heads *heads, struct store *store,
			       const struct listing *listing, struct problem *problem)
{
	for (size_t i = 0; i < listing->n_ids; i++) {
		struct snapshot head;
		int r;

		r = store_try_one(store, listing->ids[i], &heads->arena, &head, problem);
		if (r > 0)
			r = heads_add(heads, &head);
		if (r < 0)
			return r;
	}
	return 0;
}

static int heads_add_records(struct heads *heads, const struct contents *contents)
{
	const struct records *records = &contents->records;

	for (size_t i = 0; i < records->n_items; i++) {
		const struct snapshot *record = &records->items[i].head;
		struct snapshot head = { 0 };
		int r;

		if (listing_has(&contents->listing, record->id))
			continue;
		r = copy_head(&heads->arena, record, &head);
		if (r >= 0)
			r = heads_add(heads, &head);
		if (r < 0)
			return r;
	}
	return 0;
}

static int compare_heads(const void *a, const void *b)
{
	const struct snapshot *left = a, *right = b;

	return (left->id > right->id) - (left->id < right->id);
}

int store_list(struct store *store, struct snapshot **ret_heads, size_t *ret_n,
	       struct problem *problem)
{
	_cleanup_(contents_done) struct contents contents = { 0 };
	_cleanup_(heads_done) struct heads heads = { 0 };
	int r;

	r = contents_read(&contents, store, problem);
	if (r < 0)
		return r;
	r = heads_add_snapshots(&heads, store, &contents.listing, problem);
	if (r < 0)
		return r;
	r = heads_add_records(&heads, &contents);
	if (r < 0)
		return problem_set_errno(problem, r, STORE_PATH, "read");

	if (heads.n_items > 1)
		qsort(heads.items, heads.n_items, sizeof(*heads.items), compare_heads);
	if (heads.n_items > 0)
		heads.items[0].arena = heads.arena;
	*ret_heads = heads.items;
	*ret_n = heads.n_items;
	heads = (struct heads){ 0 };
	return 0;
}

void store_list_free(struct snapshot *heads, size_t n)
{
	for (size_t i = 0; i < n; i++)
		snapshot_done(&heads[i]);
	free(heads);
}

/* Reads the snapshot that a record equals, under the record's head. */
static int load_record(struct store *store, const struct snapshot *record,
		       struct snapshot *ret_snapshot, struct problem *problem)
{
	struct snapshot snapshot;
	int r;

	r = store_load_one(store, record->same_as, NULL, &snapshot, problem);
	if (r < 0)
		return r;
	r = copy_head(&snapshot.arena, record, &snapshot);
	if (r < 0) {
		snapshot_done(&snapshot);
		return problem_set_errno(problem, r, STORE_PATH, "read");
	}
	snapshot.baseline = false;
	*ret_snapshot = snapshot;
	return 0;
}

int store_load(struct store *store, uint64_t id, struct snapshot *ret_snapshot,
	       struct problem *problem)
{
	_cleanup_(contents_done) struct contents contents = { 0 };
	_cleanup_(problem_done) struct problem why = { 0 };
	const struct record *record;
	int r;

	r = store_load_one(store, id, NULL, ret_snapshot, &why);
	if (r >= 0)
		return 0;
	if (r != -ENOENT)
		return store_pass_on(problem, r, &why);
	r = contents_read(&contents, store, problem);
	if (r < 0)
		return r;
	record = records_find(&contents.records, id);
	if (!record)
		return problem_set(problem, -ENOENT, NULL, 0, "there is no snapshot %" PRIu64, id);
	return load_record(store, &record->head, ret_snapshot, problem);
}

int store_load_before(struct store *store, uint64_t id, struct snapshot *ret_snapshot,
		      struct problem *problem)
{
	_cleanup_(contents_done) struct contents contents = { 0 };
	const struct listing *listing = &contents.listing;
	int r;

	r = contents_read(&contents, store, problem);
	if (r < 0)
		return r;
	for (size_t i = listing->n_ids; i-- > 0;) {
		if (listing->ids[i] >= id)
			continue;
		r = store_try_one(store, listing->ids[i], NULL, ret_snapshot, problem);
		if (r != 0)
			return r;
	}
	return 0;
}

int store_load_newest(struct store *store, struct snapshot *ret_snapshot, struct problem *problem)
{
	return store_load_before(store, UINT64_MAX, ret_snapshot, problem);
}

static void say_baseline_lost(struct store *store, uint64_t id)
{
	_cleanup_(problem_done) struct problem why = { 0 };
	struct snapshot_name name;
	struct store_name shown;

	(void)problem_set(&why, -ENOENT, store_show(store, store_snapshot_name(id, &name), &shown),
			  0, "this is the baseline and cannot be had; the newest snapshot serves");
	if (why.text)
		store_say_once(store, why.text);
}

int store_load_baseline(struct store *store, struct snapshot *ret_snapshot, struct problem *problem)
{
	uint64_t id;
	int r;

	r = store_get_baseline(store, &id, problem);
	if (r < 0)
		return r;
	if (r > 0) {
		r = store_try_one(store, id, NULL, ret_snapshot, problem);
		if (r != 0)
			return r;
		say_baseline_lost(store, id);
	}
	return store_load_newest(store, ret_snapshot, problem);
}

static int find_last(struct store *store, const struct contents *contents, struct arena *arena,
		     struct snapshot *ret_head, struct problem *problem)
{
	const struct record *record = records_last(&contents->records);
	const struct listing *listing = &contents->listing;
	int r;

	for (size_t i = listing->n_ids; i-- > 0;) {
		if (record && record->head.id > listing->ids[i])
			break;
		r = store_try_one(store, listing->ids[i], arena, ret_head, problem);
		if (r != 0)
			return r;
	}
	if (!record)
		return 0;
	*ret_head = (struct snapshot){ 0 };
	r = copy_head(arena, &record->head, ret_head);
	return r < 0 ? problem_set_errno(problem, r, STORE_PATH, "read") : 1;
}

int store_last(struct store *store, struct snapshot *ret_head, struct problem *problem)
{
	_cleanup_(contents_done) struct contents contents = { 0 };
	_cleanup_(arena_done) struct arena arena = { 0 };
	struct snapshot head;
	int r;

	r = contents_read(&contents, store, problem);
	if (r < 0)
		return r;
	r = find_last(store, &contents, &arena, &head, problem);
	if (r <= 0)
		return r;
	head.arena = arena;
	arena = (struct arena){ 0 };
	*ret_head = head;
	return 1;
}
