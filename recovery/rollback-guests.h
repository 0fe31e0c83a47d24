/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Going back to an earlier snapshot in files of guests (contract section 9): what our transactions
 * did since is taken back, the last one first, and nothing that somebody else did. A file that
 * nobody else touched so becomes what it was, byte for byte; in any other one the mentions, holds
 * and switches go back that still stand as we left them.
 */
#pragma once

#include "recovery/meanings.h"
#include "recovery/rollback-step.h"
#include "snapshot/store.h"

/**
 * struct guest_rollback - One file that has something to go back
 * @path:     absolute in the tree
 * @document: as it is; borrowed; NULL if it is not there
 * @was:      its contents now, data NULL if it is not there; borrowed
 * @now:      its contents afterwards, data NULL if there is none then
 * @attributes: those it has then
 * @left:     in words why nothing of it goes back ("is not there any more"); NULL where it does
 * @kept:     what stays in it, as somebody else changed that since
 * @unknown:  what a transaction did cannot be told any more: the snapshot before it is gone
 */
struct guest_rollback {
	const char *path;
	const struct document *document;
	struct bytes was;
	struct bytes now;
	char *text;
	struct file_attributes attributes;
	const char *left;
	struct kept_words kept;
	bool unknown;
};

/**
 * struct guests_rollback - All of them, by path
 */
struct guests_rollback {
	struct arena arena;
	struct guest_rollback *files;
	size_t n_files;
	size_t allocated;
};

void guests_rollback_done(struct guests_rollback *rollback);

/**
 * struct guests_now - What is known of guests' files as they are
 * @documents: the managed files, scanned
 * @scan, @names: they were scanned with
 * @why_not_pve: in words why nothing below /etc/pve can be written now; NULL if it can
 *
 * All borrowed, and outliving what is made with it.
 */
struct guests_now {
	const struct documents *documents;
	const struct scan_context *scan;
	struct name_set names;
	const char *why_not_pve;
};

/* Whether a path is of a file of guests. */
bool guests_rollback_owns(const struct documents *documents, const char *path);

/**
 * guests_rollback_look() - Find out what goes back
 * @target: the distinct snapshot to go back to
 *
 * Files are never created, removed or moved, but for libvirt's links, which are switches. Where the
 * domain that one led to is gone, it is not made anew.
 *
 * Return: 0, or a negative errno with @problem set.
 */
_must_check_ int guests_rollback_look(struct store *store, const struct snapshot *target,
				      const struct guests_now *now,
				      struct guests_rollback *ret_rollback,
				      struct problem *problem);

/**
 * guests_rollback_keep_meanings() - Let what stays in files of guests mean what it means
 * @since:    from the hardware that @meanings were resolved against to the present one
 * @newest:   the meanings as of now
 * @meanings: those of the snapshot that is gone back to; mentions that it does not know, and what
 *            is turned off and stays so, are added
 *
 * Return: 0 or -ENOMEM.
 */
_must_check_ int guests_rollback_keep_meanings(const struct guests_rollback *rollback,
					       const struct guests_now *now,
					       const struct match *since,
					       const struct meanings *newest,
					       struct meanings *meanings);
