/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which files differ from an earlier snapshot, and whether that is our own doing: every change
 * since then has to be one of our transactions, step by step, or somebody else made it.
 */
#pragma once

#include "recovery/document.h"
#include "snapshot/store.h"

/**
 * struct rollback_file - One file of the snapshot to go back to
 * @then:       as the snapshot has it; borrowed
 * @data, @size, @attributes: as it is now; @data NULL when it is not there any more
 * @differs:    contents or attributes are not those of the snapshot
 * @foreign:    somebody else changed it since
 * @unfit:      why it cannot be replaced ("is a symbolic link"); NULL when it can
 * @attributes_fixed: it is on pmxcfs, where they follow from the path and from the cluster's
 *              quorum: that alone is no difference
 *
 * What was a symbolic link is looked at as one: its contents are its target.
 */
struct rollback_file {
	const struct snapshot_file *then;
	char *data;
	size_t size;
	struct file_attributes attributes;
	bool differs;
	bool foreign;
	bool attributes_fixed;
	const char *unfit;
};

/**
 * struct rollback - The files of a snapshot, but for those of guests, and what became of them, by
 * path
 */
struct rollback {
	struct rollback_file *files;
	size_t n_files;
};

void rollback_done(struct rollback *rollback);

/**
 * rollback_look() - Compare the files of a snapshot with what is there now
 * @target: the distinct snapshot to go back to; must outlive the result
 * @documents: the managed files as they are: they tell which are of guests. Those have rules of
 *             their own (rollback-guests.h)
 *
 * The contents of a file are followed through the later snapshots: each of our transactions takes
 * them from what they were to what they became. Where a link of that chain is missing (pruned,
 * damaged), or does not fit, somebody else may have edited in between: the file is foreign.
 *
 * Return: 0, or a negative errno with @problem set.
 */
_must_check_ int rollback_look(const struct root *root, struct store *store,
			       const struct snapshot *target, const struct documents *documents,
			       struct rollback *ret_rollback, struct problem *problem);
