/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Files of the tree that may be edited, read into documents. What a file must be like to be edited
 * is the contract's, section 8.11; one that is not is added with the cause and left alone.
 */
#pragma once

#include "recovery/source.h"

/**
 * managed_file_add() - Read one file, if it is there
 * @path: as it is opened, absolute in the tree; links are followed
 *
 * A file that is known already, of whatever source, and a directory are passed over. An unfit one
 * is added with @unfit set.
 *
 * Return: 1 with the new document at the end of @documents, 0 if there is none, or -ENOMEM.
 */
_must_check_ int managed_file_add(const struct source *source, const struct root *root,
				  const char *path, struct documents *documents);

/**
 * managed_files_collect() - Read all files that match a pattern
 * @pattern: for root_glob(); matching nothing is no error
 * @wanted:  whether to read one of the paths; NULL for all. It may set a cause, in words that
 *           outlive the documents, for which the file is left alone and named all the same
 *
 * At most MANAGED_FILES_MAX files of one source are read; what is beyond is told in a note of its
 * last.
 *
 * Return: 0, or a negative errno with @problem set when not even the looking worked.
 */
_must_check_ int
managed_files_collect(const struct source *source, const struct root *root, const char *pattern,
		      bool (*wanted)(const struct root *root, const char *path, const char **cause),
		      struct documents *documents, struct problem *problem);

/**
 * managed_folder_collect() - Read the files of one folder, which may be hundreds
 * @folder: absolute in the tree; where there is none, that is no error
 * @wanted: whether to read a file of a name
 *
 * The folder is looked up once, not for each file. Links in it are followed as always.
 *
 * Return: 0, or a negative errno with @problem set when not even the looking worked.
 */
_must_check_ int managed_folder_collect(const struct source *source, const struct root *root,
					const char *folder, bool (*wanted)(const char *name),
					struct documents *documents, struct problem *problem);

/**
 * managed_file_may_bind() - A @wanted: not a link to something that binds no device
 *
 * Packages put links to files of their own, and administrators to /dev/null, where rules and
 * options are read. They are nobody's bind entries, and there is nothing to say about them.
 */
bool managed_file_may_bind(const struct root *root, const char *path, const char **cause);

/* A source's @check where a reader takes whatever an edit of ours makes. Return: 0. */
int managed_file_check_nothing(const struct source *source, const struct scan_context *context,
			       const struct documents *documents, const struct bytes *texts,
			       struct problem *problem);
