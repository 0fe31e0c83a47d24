/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A directory tree for one test, made by hand and removed afterwards. */
#pragma once

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>

#include "snapshot/basic/root.h"

static char tree_path[256];
static struct root tree_root = ROOT_INIT;

static inline void tree_setup(void)
{
	const char *base = getenv("TMPDIR");
	struct problem problem = { 0 };

	(void)snprintf(tree_path, sizeof(tree_path), "%s/hwrecover-XXXXXX", base ? base : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(tree_path));
	ck_assert_int_eq(root_open(tree_path, &tree_root, &problem), 0);
}

static inline int tree_remove_one(const char *path, const struct stat *st, int type,
				  struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline void tree_teardown(void)
{
	root_done(&tree_root);
	(void)nftw(tree_path, tree_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* The path outside the tree, its parents made. */
static inline const char *tree_make_parents(const char *path)
{
	static char whole[1024];
	int n = snprintf(whole, sizeof(whole), "%s%s", tree_path, path);

	ck_assert_int_lt(n, (int)sizeof(whole));
	for (char *c = whole + strlen(tree_path) + 1; (c = strchr(c, '/')); c++) {
		*c = '\0';
		ck_assert(mkdir(whole, 0755) == 0 || errno == EEXIST);
		*c = '/';
	}
	return whole;
}

static inline void tree_directory(const char *path)
{
	const char *whole = tree_make_parents(path);

	ck_assert(mkdir(whole, 0755) == 0 || errno == EEXIST);
}

static inline void tree_bytes(const char *path, struct bytes contents)
{
	FILE *file = fopen(tree_make_parents(path), "we");

	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(contents.data, 1, contents.size, file), contents.size);
	ck_assert_int_eq(fclose(file), 0);
}

static inline void tree_file(const char *path, const char *contents)
{
	tree_bytes(path, bytes_of(contents));
}

static inline void tree_link(const char *path, const char *target)
{
	const char *whole = tree_make_parents(path);

	(void)unlink(whole);
	ck_assert_int_eq(symlink(target, whole), 0);
}
