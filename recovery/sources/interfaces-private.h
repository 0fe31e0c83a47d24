/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of the interfaces source share and nobody else needs. */
#pragma once

#include "recovery/sources/interfaces-lines.h"

/* Whether ifupdown2 in this tree runs files with a '%' through Mako first. */
bool interfaces_has_templates(const struct root *root);

/**
 * struct interfaces_pattern - One file or directory that a `source` line names
 * @path: absolute in the tree; to be freed
 * @wild: it has wildcards, for root_glob()
 */
struct interfaces_pattern {
	char *path;
	bool wild;
};

/**
 * struct interfaces_patterns - All that one line names
 * @unfollowed: the line uses something that cannot be followed without running it ("$VAR")
 */
struct interfaces_patterns {
	struct interfaces_pattern *items;
	size_t n_items;
	size_t allocated;
	bool unfollowed;
};

void interfaces_patterns_done(struct interfaces_patterns *patterns);

/**
 * interfaces_source_patterns() - What a `source` or `source-directory` line names
 * @file: the file it stands in, as its reader opened it: relative names may be relative to it
 * @line: the joined line
 *
 * ifupdown and ifupdown-ng expand it as wordexp(3) does, ifupdown2 as Python's glob.glob().
 *
 * Return: 0 or -ENOMEM.
 */
_must_check_ int interfaces_source_patterns(enum interfaces_dialect dialect, const char *file,
					    struct bytes line,
					    struct interfaces_patterns *ret_patterns);

/**
 * struct interfaces_paths - Files as their reader opens them, links not resolved
 */
struct interfaces_paths {
	char **items;
	size_t n_items;
	size_t allocated;
};

void interfaces_paths_done(struct interfaces_paths *paths);

/**
 * interfaces_sourced_files() - The files that a `source` or `source-directory` line reads
 * @paths: are added to, in the order they are read
 *
 * Return: 0, 1 when the line cannot be followed, or a negative errno of the first place that could
 * not be looked at; the others are in @paths all the same.
 */
_must_check_ int interfaces_sourced_files(const struct root *root, enum interfaces_dialect dialect,
					  const char *file, struct bytes line,
					  struct interfaces_paths *paths);

/* The files a reader starts with; interfaces.new is what Proxmox makes of the other at boot. */
#define INTERFACES_FILE     "/etc/network/interfaces"
#define INTERFACES_NEW_FILE "/etc/network/interfaces.new"

/**
 * struct interfaces_error - What a reader stops at in one file
 * @line:  counted from 1
 * @cause: in words; NULL when the file is accepted
 */
struct interfaces_error {
	unsigned int line;
	const char *cause;
};

/**
 * interfaces_find_errors() - What the reader of the tree rejects in a set of files
 * @texts:      parallel to the documents, or NULL for what they hold
 * @ret_errors: one per document, to be freed
 *
 * Return: 0 or -ENOMEM.
 */
_must_check_ int interfaces_find_errors(const struct root *root, enum interfaces_dialect dialect,
					const struct documents *documents,
					const struct bytes *texts,
					struct interfaces_error **ret_errors);

/* Collects one file that sources nothing, under the same rules. */
_must_check_ int interfaces_collect_file(const struct source *source,
					 const struct scan_context *context, const char *path,
					 struct documents *documents, struct problem *problem);

/* The members of interfaces_source; see struct source. */
_must_check_ int interfaces_collect(const struct source *source, const struct scan_context *context,
				    struct documents *documents, struct problem *problem);
_must_check_ int interfaces_scan(const struct source *source, const struct scan_context *context,
				 struct documents *documents, const struct name_set *names);
_must_check_ int interfaces_check(const struct source *source, const struct scan_context *context,
				  const struct documents *documents, const struct bytes *texts,
				  struct problem *problem);
