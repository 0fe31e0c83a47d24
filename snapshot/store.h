/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Snapshots on disk: /var/lib/hwrecover in the tree, 0700, its files 0600 as they hold secrets.
 *
 *   snapshots/ID.json   one distinct snapshot each, schema hwrecover.snapshot/1, closed by a
 *                       checksum over all bytes before it
 *   records             one line of JSON for each boot in which nothing changed: which snapshot
 *                       it equals, closed by a checksum of its own; a torn last line is ignored
 *   baseline            the id of the baseline, schema hwrecover.baseline/1
 *   journal             a transaction under way (recovery/transaction.h)
 *   *.damaged           what could not be read, set aside and said once
 *
 * Ids only grow and are never reused; order is by id, never by time. docs/FORMATS.md has the
 * formats.
 */
#pragma once

#include "snapshot/basic/file.h"
#include "snapshot/basic/json.h"
#include "snapshot/basic/root.h"
#include "snapshot/inventory.h"

#define STORE_PATH      "/var/lib/hwrecover"
#define SNAPSHOT_SCHEMA "hwrecover.snapshot/1"

/* Largest snapshot that is written and read; the same for all records together. */
#define SNAPSHOT_MAX_SIZE (256U * 1024 * 1024)
#define RECORDS_MAX_SIZE  (64U * 1024 * 1024)
/* Largest id: every reader of JSON has it exactly. */
#define SNAPSHOT_ID_MAX 999999999999999LL

/**
 * struct snapshot_file - A managed file as it was
 * @path: absolute in the tree
 * @data, @size: contents
 */
struct snapshot_file {
	const char *path;
	char *data;
	size_t size;
	struct file_attributes attributes;
};

/**
 * struct snapshot_change - What our own transaction did to one file just before the snapshot
 * @path: absolute in the tree
 * @was, @now: bytes_digest() of the contents before and after; 0 where there was no file
 * @said: what was done in words, a line each: "4: enp6s0 is now enp7s0 (mac)"; or NULL
 */
struct snapshot_change {
	const char *path;
	uint64_t was;
	uint64_t now;
	const char *said;
};

/**
 * struct snapshot - One snapshot
 * @id:        0 until written
 * @same_as:   0 for a distinct snapshot; else only the head is filled (a record)
 * @taken_at, @boot_id, @reason, @note: @reason is one word: "boot", "manual", "apply", "rollback",
 *             "before-…"; @note is the user's or NULL
 * @baseline:  whether it is the baseline (from store_list(), store_load())
 * @inventory: the hardware
 * @files:     @n_files managed files, sorted by path
 * @changes:   @n_changes
 * @state:     what references mean, kept for the layer above as a JSON object; may be NULL
 */
struct snapshot {
	struct arena arena;
	uint64_t id;
	uint64_t same_as;
	const char *taken_at;
	const char *boot_id;
	const char *reason;
	const char *note;
	bool baseline;
	struct inventory inventory;
	struct snapshot_file *files;
	size_t n_files;
	size_t files_allocated;
	struct snapshot_change *changes;
	size_t n_changes;
	size_t changes_allocated;
	struct json_object *state;
};

void snapshot_done(struct snapshot *snapshot);

void snapshot_file_done(struct snapshot_file *file);

/* Add a file (contents copied) or a change. Return: 0, -EEXIST (a file of that path), -ENOMEM. */
_must_check_ int snapshot_add_file(struct snapshot *snapshot, const char *path, struct bytes data,
				   const struct file_attributes *attributes);
/* Same, taking what @file owns; its path is set. */
_must_check_ int snapshot_take_file(struct snapshot *snapshot, const char *path,
				    struct snapshot_file *file);
_must_check_ int snapshot_add_change(struct snapshot *snapshot, const char *path, uint64_t was,
				     uint64_t now);
/* Say what the change that was added last did. Return: 0 or -ENOMEM. */
_must_check_ int snapshot_say_change(struct snapshot *snapshot, struct bytes said);
_pure_ const struct snapshot_file *snapshot_find_file(const struct snapshot *snapshot,
						      const char *path);

/* Whether the hardware (inventory_same_hardware()) and all managed files are alike. */
_pure_ bool snapshot_same(const struct snapshot *a, const struct snapshot *b);

/* The snapshot as the text of its file, with its checksum, under the given id; and back. */
_must_check_ int snapshot_render(const struct snapshot *snapshot, uint64_t id, char **ret_text,
				 size_t *ret_size);
_must_check_ int snapshot_parse(struct bytes text, const char *file, struct snapshot *ret_snapshot,
				struct problem *problem);

/**
 * struct store - The opened state directory
 * @read_only: whether it could not be opened for writing, or does not exist (@dir_fd -1)
 * @said:      digests of the @n_said warnings that were given and would come again, as what they
 *             are about could not be set aside
 */
struct store {
	const struct root *root;
	int dir_fd;
	int snapshots_fd;
	bool read_only;
	uint64_t *said;
	size_t n_said;
	size_t said_allocated;
};

#define STORE_INIT ((struct store){ .dir_fd = -1, .snapshots_fd = -1 })

void store_done(struct store *store);

/**
 * store_open() - Open the state directory of a tree
 * @create: make it if it is missing; without, a missing one is an empty store
 *
 * Return: 0, or a negative errno with @problem set.
 */
_must_check_ int store_open(const struct root *root, bool create, struct store *ret_store,
			    struct problem *problem);

/**
 * store_list() - Heads of all snapshots and records, by id
 * @ret_heads: @ret_n heads: id, same_as, taken_at, boot_id, reason, note, baseline; to be freed
 * with store_list_free(), all together: they share their strings
 *
 * Damaged ones are set aside (where the store can be written) and said once with log_warning();
 * those of a later version are said and left out.
 *
 * Return: 0, or a negative errno with @problem set.
 */
_must_check_ int store_list(struct store *store, struct snapshot **ret_heads, size_t *ret_n,
			    struct problem *problem);
void store_list_free(struct snapshot *heads, size_t n);

/**
 * store_load() - Read one distinct snapshot
 * @id: of a snapshot, or of a record: then the one it equals is read, and the record's own head
 *      (@id, @same_as, times) stands in the result
 *
 * Return: 0, -ENOENT when there is none of that id, -EBADMSG when it is damaged (it is set aside,
 * said once), -EPROTONOSUPPORT for a schema of a later version (left where it is); @problem set.
 */
_must_check_ int store_load(struct store *store, uint64_t id, struct snapshot *ret_snapshot,
			    struct problem *problem);

/* The newest distinct snapshot that can be read. Return: 1, 0 when there is none, or an error. */
_must_check_ int store_load_newest(struct store *store, struct snapshot *ret_snapshot,
				   struct problem *problem);

/* The baseline; without a readable one the newest readable snapshot. As store_load_newest(). */
_must_check_ int store_load_baseline(struct store *store, struct snapshot *ret_snapshot,
				     struct problem *problem);

/* Walk back in time: the newest distinct readable snapshot with an id below @id. As above. */
_must_check_ int store_load_before(struct store *store, uint64_t id, struct snapshot *ret_snapshot,
				   struct problem *problem);

/* The head of the last entry, snapshot or record. Return: 1, 0 when there is none, or an error. */
_must_check_ int store_last(struct store *store, struct snapshot *ret_head,
			    struct problem *problem);

/* The id the next snapshot or record gets: above every one that is or was seen in the store. */
_must_check_ int store_next_id(struct store *store, uint64_t *ret_id, struct problem *problem);

/**
 * store_write() - Write a distinct snapshot
 *
 * Durable when this returns 0; the snapshot's id is set. On error the store is as it was.
 */
_must_check_ int store_write(struct store *store, struct snapshot *snapshot,
			     struct problem *problem);

/**
 * store_rewrite() - Write a snapshot that is there anew, with what was learned of its hardware
 * since
 *
 * Durable when this returns 0; on error the old one is in place (or, if only the directory could
 * not be synced, the new one). -ENOENT: it is not there.
 */
_must_check_ int store_rewrite(struct store *store, const struct snapshot *snapshot,
			       struct problem *problem);

/**
 * store_write_text() - Put a rendered snapshot in its place, unless it is there already
 *
 * For a transaction: the text was rendered before, under the id store_next_id() gave. -EEXIST:
 * another snapshot has that id.
 */
_must_check_ int store_write_text(struct store *store, uint64_t id, struct bytes text,
				  struct problem *problem);

/**
 * store_stage_text(), store_commit_text() - The same in two steps, all that needs space in the
 * first
 *
 * For an id that is new. When committing fails, the snapshot is taken away again; store_has() tells
 * whether that worked.
 */
_must_check_ int store_stage_text(struct store *store, uint64_t id, struct bytes text,
				  struct staged_file *ret_staged, struct problem *problem);
_must_check_ int store_commit_text(struct store *store, uint64_t id, struct staged_file *staged,
				   struct problem *problem);

/* Whether there is a distinct snapshot of this id that can be read, or is of a later version; a
 * damaged one is set aside. Return: 1, 0, or an error. */
_must_check_ int store_has(struct store *store, uint64_t id, struct problem *problem);

/**
 * store_record() - Note a boot in which nothing changed
 * @head: boot_id, taken_at, reason and same_as; its id is set
 *
 * One append, not synced: losing it loses a line of `list` and nothing else.
 */
_must_check_ int store_record(struct store *store, struct snapshot *head, struct problem *problem);

/* Make a snapshot, or the one a record equals, the baseline; durable. -ENOENT for neither. */
_must_check_ int store_set_baseline(struct store *store, uint64_t id, struct problem *problem);
/* Return: 1, 0 when there is none, or a negative errno. */
_must_check_ int store_get_baseline(struct store *store, uint64_t *ret_id, struct problem *problem);

/**
 * store_prune() - Remove the oldest distinct snapshots that are more than @keep
 * @pinned: further ids that stay, @n_pinned of them
 *
 * Never removed: the baseline, the oldest, the newest, the one that the last entry equals, those
 * with a note, those of a later version. Records of removed snapshots go with them.
 */
_must_check_ int store_prune(struct store *store, size_t keep, const uint64_t *pinned,
			     size_t n_pinned, struct problem *problem);

/**
 * store_set_aside() - Rename a file of the state directory to NAME.damaged, and say so
 * @name: relative to it: "journal", "snapshots/00000012.json"
 * @why:  "FILE: what is wrong"
 *
 * Where that is not possible it is said once all the same.
 */
void store_set_aside(struct store *store, const char *name, const char *why);

/* Remove what writes that a crash cut short left behind. */
_must_check_ int store_reclaim(struct store *store, struct problem *problem);

/* A file of the state directory as the user can open it; reuses @buffer. */
struct store_name {
	struct root_name shown;
	char path[4096];
};
const char *store_show(const struct store *store, const char *name, struct store_name *buffer);
