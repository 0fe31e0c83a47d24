/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What pmxcfs keeps in its database: directories and small files, and guests whose IDs are theirs
 * alone in the whole cluster. Paths are those FUSE gives, "/nodes/pve1/qemu-server/101.conf".
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include "snapshot/basic/macro.h"

#define TREE_MAX_FILE_SIZE ((size_t)1 << 20)

/**
 * struct entry - A directory or file
 * @first:   what is in it, in the order it came
 * @changed: its mtime, and the only time there is
 */
struct entry {
	struct entry *parent;
	struct entry *first;
	struct entry *next;
	char *name;
	bool is_directory;
	time_t changed;
	char *data;
	size_t size;
};

/**
 * struct tree - All of it
 * @version:  grows with each change
 * @store_fd: directory that each change is written to, or -1
 * @broken:   the store could not be written: every change fails from now on, as in the original
 */
struct tree {
	struct entry root;
	size_t n_entries;
	size_t n_bytes;
	uint64_t version;
	int store_fd;
	bool broken;
};

/**
 * tree_load() - Read a tree
 * @store: a directory; NULL: the tree is empty
 * @save:  keep @store as the tree is
 *
 * Only directories and regular files are read, and in @store itself none of pmxcfs's own names.
 *
 * Return: 0 or a negative errno; -EEXIST: two guests have one ID, -EFBIG: a file is larger than any
 * can be
 */
_must_check_ int tree_load(struct tree *tree, const char *store, bool save);

void tree_done(struct tree *tree);

/**
 * tree_name_is_virtual() - Whether pmxcfs itself has this name in its uppermost directory
 * @name: of any length, ended by a slash or a NUL
 */
_must_check_ bool tree_name_is_virtual(const char *name);

/* NULL: there is none. */
_must_check_ struct entry *tree_find(struct tree *tree, const char *path);

/* Each says what the original would: 0 or a negative errno. */
_must_check_ int tree_create(struct tree *tree, const char *path, bool is_directory);
_must_check_ int tree_remove(struct tree *tree, const char *path);
_must_check_ int tree_rename(struct tree *tree, const char *from, const char *to);
_must_check_ int tree_write(struct tree *tree, const char *path, const char *data, size_t size,
			    uint64_t offset);
_must_check_ int tree_truncate(struct tree *tree, const char *path, uint64_t size);
_must_check_ int tree_set_time(struct tree *tree, const char *path, time_t changed);

/* .vmlist's "ids", a line each. */
void tree_print_guests(struct tree *tree, FILE *out);
