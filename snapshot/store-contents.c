/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <inttypes.h>

#include "snapshot/basic/array.h"
#include "snapshot/basic/buffer.h"
#include "snapshot/basic/log.h"
#include "snapshot/basic/number.h"
#include "snapshot/sealed.h"
#include "snapshot/snapshot-json.h"
#include "snapshot/store-private.h"

void contents_done(struct contents *contents)
{
	free(contents->listing.ids);
	free(contents->records.text);
	free(contents->records.items);
	arena_done(&contents->records.arena);
}

static int compare_ids(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return (left > right) - (left < right);
}

bool listing_has(const struct listing *listing, uint64_t id)
{
	return listing->n_ids > 0 &&
	       bsearch(&id, listing->ids, listing->n_ids, sizeof(id), compare_ids);
}

int listing_add(struct listing *listing, uint64_t id)
{
	int r = ARRAY_RESERVE(listing->ids, listing->n_ids, listing->allocated);

	if (r < 0)
		return r;
	listing->ids[listing->n_ids++] = id;
	return 0;
}

static int listing_add_name(struct listing *listing, const char *name)
{
	size_t digits = strspn(name, "0123456789");
	struct snapshot_name canonical;
	uint64_t id;

	if (strncmp(name + digits, ".json", strlen(".json")) != 0 ||
	    number_parse(bytes_make(name, digits), 10, SNAPSHOT_ID_MAX, &id) < 0 || id == 0)
		return 0;
	listing->highest = MAX_OF(listing->highest, id);
	if (strcmp(name, store_snapshot_base_name(id, &canonical)) != 0)
		return 0;
	return listing_add(listing, id);
}

static int read_listing(const struct store *store, struct listing *listing, struct problem *problem)
{
	_cleanup_(closedirp) DIR *dir = NULL;
	struct store_name shown;
	struct dirent *entry;
	int r;

	if (store->snapshots_fd < 0)
		return 0;
	r = store_open_listing(store->snapshots_fd, &dir);
	errno = 0;
	while (r >= 0 && (entry = readdir(dir))) {
		r = listing_add_name(listing, entry->d_name);
		errno = 0;
	}
	if (r >= 0)
		r = -errno;
	if (r < 0)
		return problem_set_errno(problem, r, store_show(store, STORE_SNAPSHOTS, &shown),
					 "read");
	if (listing->n_ids > 1)
		qsort(listing->ids, listing->n_ids, sizeof(*listing->ids), compare_ids);
	return 0;
}

static int parse_record(struct records *records, struct bytes line, struct snapshot *ret_head)
{
	_cleanup_json_ struct json_object *object = NULL;
	struct snapshot head = { 0 };
	int r;

	r = sealed_parse(line, SEALED_LINE, STORE_RECORDS, NULL, &object, NULL);
	if (r < 0)
		return r;
	r = snapshot_head_from_json(object, STORE_RECORDS, &records->arena, &head, NULL);
	if (r < 0)
		return r;
	*ret_head = head;
	return head.same_as ? 0 : -EBADMSG;
}

static int parse_records(struct records *records)
{
	struct bytes rest = bytes_make(records->text, records->size);
	const char *newline;

	while (rest.size > 0 && (newline = memchr(rest.data, '\n', rest.size))) {
		struct record record = { 0 };
		int r;

		record.line = bytes_make(rest.data, (size_t)(newline - rest.data) + 1);
		rest = bytes_slice(rest, record.line.size, rest.size - record.line.size);
		records->end += record.line.size;

		r = parse_record(records, record.line, &record.head);
		if (r == -ENOMEM)
			return r;
		if (r < 0) {
			records->n_damaged++;
			continue;
		}
		r = ARRAY_RESERVE(records->items, records->n_items, records->allocated);
		if (r < 0)
			return r;
		records->items[records->n_items++] = record;
	}
	return 0;
}

int store_rewrite_records(const struct store *store, const struct records *records,
			  bool (*wanted)(const struct record *record, const void *data),
			  const void *data)
{
	_cleanup_(buffer_done) struct buffer text = { 0 };

	for (size_t i = 0; i < records->n_items; i++)
		if (!wanted || wanted(&records->items[i], data))
			buffer_append(&text, records->items[i].line);
	if (text.failed)
		return -ENOMEM;
	/* Durable: ids that only a record bears are known from here. */
	return file_write_at(store->dir_fd, STORE_RECORDS, buffer_bytes(&text), 0600, true);
}

/* Keeps the readable lines, with a copy of all of them set aside first. */
static void set_records_aside(struct store *store, struct records *records)
{
	_cleanup_(problem_done) struct problem why = { 0 };
	struct bytes text = bytes_make(records->text, records->size);
	struct store_name shown, shown_target;
	struct damaged_name target;

	(void)problem_set(&why, -EBADMSG, store_show(store, STORE_RECORDS, &shown), 0,
			  "%zu damaged lines", records->n_damaged);
	if (store->read_only || store_find_damaged_name(store, STORE_RECORDS, &target) < 0 ||
	    file_write_at(store->dir_fd, target.text, text, 0600, true) < 0 ||
	    store_rewrite_records(store, records, NULL, NULL) < 0) {
		store_say_once(store, why.text ? why.text : STORE_RECORDS);
		return;
	}
	log_warning("%s; set aside as %s", why.text ? why.text : STORE_RECORDS,
		    store_show(store, target.text, &shown_target));
	records->end = 0;
	for (size_t i = 0; i < records->n_items; i++)
		records->end += records->items[i].line.size;
}

static int read_records(struct store *store, struct records *records, struct problem *problem)
{
	_cleanup_(problem_done) struct problem why = { 0 };
	struct store_name buffer;
	const char *shown = store_show(store, STORE_RECORDS, &buffer);
	int r;

	if (store->dir_fd < 0)
		return 0;
	r = file_read_at(store->dir_fd, STORE_RECORDS, RECORDS_MAX_SIZE, &records->text,
			 &records->size);
	if (r == -ENOENT)
		return 0;
	if (store_error_means_damaged(r) || r == -EIO) {
		(void)problem_set(&why, r, shown, 0, "cannot be read: %s", strerror(-r));
		store_set_aside(store, STORE_RECORDS, why.text ? why.text : STORE_RECORDS);
		return 0;
	}
	if (r >= 0)
		r = parse_records(records);
	if (r < 0)
		return problem_set_errno(problem, r, shown, "read");
	if (records->n_damaged > 0)
		set_records_aside(store, records);
	return 0;
}

const struct record *records_find(const struct records *records, uint64_t id)
{
	for (size_t i = records->n_items; i-- > 0;)
		if (records->items[i].head.id == id)
			return &records->items[i];
	return NULL;
}

const struct record *records_last(const struct records *records)
{
	const struct record *last = NULL;

	for (size_t i = 0; i < records->n_items; i++)
		if (!last || records->items[i].head.id > last->head.id)
			last = &records->items[i];
	return last;
}

int contents_read(struct contents *contents, struct store *store, struct problem *problem)
{
	int r;

	r = read_listing(store, &contents->listing, problem);
	return r < 0 ? r : read_records(store, &contents->records, problem);
}

uint64_t contents_resolve(const struct contents *contents, uint64_t id)
{
	const struct record *record;

	if (listing_has(&contents->listing, id))
		return id;
	record = records_find(&contents->records, id);
	if (!record || !listing_has(&contents->listing, record->head.same_as))
		return 0;
	return record->head.same_as;
}

int contents_next_id(const struct contents *contents, struct store *store, uint64_t *ret_id,
		     struct problem *problem)
{
	const struct record *last = records_last(&contents->records);
	uint64_t highest = contents->listing.highest, baseline;
	struct root_name shown;
	int r;

	if (last)
		highest = MAX_OF(highest, last->head.id);
	r = store_get_baseline(store, &baseline, problem);
	if (r < 0)
		return r;
	if (r > 0)
		highest = MAX_OF(highest, baseline);
	if (highest >= SNAPSHOT_ID_MAX)
		return problem_set(problem, -EOVERFLOW, root_show(store->root, STORE_PATH, &shown),
				   0, "there are no ids left");
	*ret_id = highest + 1;
	return 0;
}
