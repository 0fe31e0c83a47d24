/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the parts of the store share; nobody else includes this. */
#pragma once

#include <dirent.h>

#include "snapshot/store.h"

#define STORE_SNAPSHOTS "snapshots"
#define STORE_RECORDS   "records"
#define STORE_BASELINE  "baseline"

/* The name of a snapshot in the state directory, and that without the folder; reuse @name. */
struct snapshot_name {
	char text[48];
};
const char *store_snapshot_name(uint64_t id, struct snapshot_name *name);
const char *store_snapshot_base_name(uint64_t id, struct snapshot_name *name);

/* A name in the state directory for what is set aside. */
struct damaged_name {
	char text[128];
};

/* One that is free. Return: 0, or a negative errno. */
_must_check_ int store_find_damaged_name(const struct store *store, const char *name,
					 struct damaged_name *ret_target);

/* Warn of something that would otherwise be said at every look. */
void store_say_once(struct store *store, const char *text);

/* Return: 0, or -EROFS with @problem set. */
_must_check_ int store_check_writable(const struct store *store, struct problem *problem);

/* Errors of file_read_at() that no later try would do without. */
static inline bool store_error_means_damaged(int error)
{
	return error == -EFBIG || error == -ELOOP || error == -ENOTSUP;
}

/* Hand on the problem of something that might have been done without. Returns @error. */
static inline int store_pass_on(struct problem *problem, int error, const struct problem *why)
{
	return problem_set(problem, error, NULL, 0, "%s", why->text ? why->text : strerror(-error));
}

static inline void closedirp(DIR **dir)
{
	if (*dir)
		(void)closedir(*dir);
}

/* A directory opened once more, to be read from its start. Return: 0, or a negative errno. */
_must_check_ int store_open_listing(int dir_fd, DIR **ret_dir);

/**
 * struct listing - Ids of snapshots
 * @ids:     sorted
 * @highest: largest id in any name of the folder, of damaged ones too; 0 for none
 */
struct listing {
	uint64_t *ids;
	size_t n_ids;
	size_t allocated;
	uint64_t highest;
};

_must_check_ int listing_add(struct listing *listing, uint64_t id);
bool listing_has(const struct listing *listing, uint64_t id);

/**
 * struct record - One line of the records
 * @line: with its newline
 */
struct record {
	struct bytes line;
	struct snapshot head;
};

/**
 * struct records - All of them, in the order they were written
 * @arena:     owns the strings of the heads
 * @text:      the file, @size bytes; the lines point into it
 * @end:       size of the file up to the end of its last whole line
 * @n_damaged: lines that could not be read
 */
struct records {
	struct arena arena;
	char *text;
	size_t size;
	size_t end;
	struct record *items;
	size_t n_items;
	size_t allocated;
	size_t n_damaged;
};

const struct record *records_find(const struct records *records, uint64_t id);
/* The record of the largest id, or NULL. */
const struct record *records_last(const struct records *records);

/**
 * struct contents - What there is in the store, snapshots by name only
 */
struct contents {
	struct listing listing;
	struct records records;
};

void contents_done(struct contents *contents);

/* Damaged records are set aside. Return: 0, or a negative errno with @problem set. */
_must_check_ int contents_read(struct contents *contents, struct store *store,
			       struct problem *problem);

/* The distinct snapshot an id stands for: its own, or the one that the record equals; else 0. */
uint64_t contents_resolve(const struct contents *contents, uint64_t id);

/* store_next_id() */
_must_check_ int contents_next_id(const struct contents *contents, struct store *store,
				  uint64_t *ret_id, struct problem *problem);

/* Replace the records by those that are @wanted (all if that is NULL). Return: 0 or an error. */
_must_check_ int store_rewrite_records(const struct store *store, const struct records *records,
				       bool (*wanted)(const struct record *record,
						      const void *data),
				       const void *data);

/* The text of a snapshot; @shown is its file in problems. -EBADMSG: it is there, as something else.
 */
_must_check_ int store_read_text(const struct store *store, uint64_t id, const char *shown,
				 char **ret_text, size_t *ret_size, struct problem *problem);

/**
 * store_load_one() - Read a distinct snapshot
 * @arena: NULL to read the whole; else only the head is read, and its strings live here
 *
 * A damaged one is set aside. Errors as store_load().
 */
_must_check_ int store_load_one(struct store *store, uint64_t id, struct arena *arena,
				struct snapshot *ret_snapshot, struct problem *problem);

/* The same for whoever goes on to the next one. Return: 1, 0 to go on, or an error. */
_must_check_ int store_try_one(struct store *store, uint64_t id, struct arena *arena,
			       struct snapshot *ret_snapshot, struct problem *problem);
