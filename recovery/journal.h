/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The journal of a transaction, schema hwrecover.journal/1: every change with old and new contents
 * and attributes, and the text of the snapshot that commits them; it needs nothing else to be
 * completed. Closed as snapshot/sealed.h says:
 *
 *   schema
 *   snapshot     the id it gets
 *   changes      [ { path, was, now } ], sorted by path; each side as a file of a snapshot
 *                (snapshot/snapshot-json.h) without its path, or null for no file
 *   text         of the snapshot
 *
 * And changes that were deferred, schema hwrecover.deferred/1: schema and changes alone. There a
 * change may have null on both sides: then only what was staged for it is to be cleared away.
 */
#pragma once

#include "recovery/transaction.h"

#define JOURNAL_SCHEMA  "hwrecover.journal/1"
#define DEFERRED_SCHEMA "hwrecover.deferred/1"

/* Largest journal that is written and read. */
#define JOURNAL_MAX_SIZE ((size_t)1024 * 1024 * 1024)

struct journal_file;

/**
 * struct journal - A journal that was read
 * @changes: sorted by path, @n_changes of them, at least one; they point into @files
 * @text:    of the snapshot @snapshot_id, @size bytes; NULL in what was deferred
 */
struct journal {
	struct change *changes;
	struct journal_file *files;
	size_t n_changes;
	uint64_t snapshot_id;
	char *text;
	size_t size;
};

void journal_done(struct journal *journal);

/**
 * journal_render() - The text of a journal
 * @changes: sorted by path, no path twice, @n_changes of them
 * @text:    the rendered snapshot
 *
 * Return: 0, -EFBIG when it is larger than JOURNAL_MAX_SIZE, -ENOMEM.
 */
_must_check_ int journal_render(const struct change *changes, size_t n_changes,
				uint64_t snapshot_id, struct bytes text, char **ret_text,
				size_t *ret_size);

/**
 * journal_parse() - And back
 * @file: named in problems
 *
 * Return: 0, or with @problem set -EBADMSG, -EPROTONOSUPPORT (of a later version), -ENOMEM.
 */
_must_check_ int journal_parse(struct bytes text, const char *file, struct journal *ret_journal,
			       struct problem *problem);

/* The same for what was deferred, which belongs to no snapshot. */
_must_check_ int deferred_render(const struct change *changes, size_t n_changes, char **ret_text,
				 size_t *ret_size);
_must_check_ int deferred_parse(struct bytes text, const char *file, struct journal *ret_journal,
				struct problem *problem);
