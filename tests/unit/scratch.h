/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A scratch directory for one test, opened as a tree. */
#pragma once

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>

#include "snapshot/basic/buffer.h"
#include "snapshot/basic/file.h"
#include "snapshot/basic/log.h"
#include "snapshot/basic/root.h"

static char scratch[128];
static struct root root;

/* Everything that was logged. */
static struct buffer logged;

static void keep_log(enum log_level level, const char *text, const char *message_id,
		     const struct log_field *fields, size_t n_fields)
{
	(void)level;
	(void)message_id;
	(void)fields;
	(void)n_fields;
	buffer_append_text(&logged, text);
	buffer_append_char(&logged, '\n');
}

static inline void scratch_make(void)
{
	const char *directory = getenv("TMPDIR");

	(void)umask(022);
	(void)snprintf(scratch, sizeof(scratch), "%s/hwrecover-test.XXXXXX",
		       directory ? directory : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(scratch));
	ck_assert_int_eq(root_open(scratch, &root, NULL), 0);
	log_set_sink(keep_log);
}

static int scratch_remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline void scratch_remove(void)
{
	root_done(&root);
	buffer_done(&logged);
	ck_assert_int_eq(nftw(scratch, scratch_remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

/* How often the log says @text. */
static inline unsigned int count_logged(const char *text)
{
	unsigned int n = 0;

	for (const char *at = logged.data; at && (at = strstr(at, text)); at++)
		n++;
	return n;
}

/* The host's own path for one of the tree; valid until four more were asked for. */
static inline const char *host(const char *path)
{
	static char paths[4][512];
	static unsigned int next;
	char *text = paths[next++ % 4];
	int size = snprintf(text, sizeof(paths[0]), "%s%s", scratch, path);

	ck_assert_int_lt(size, (int)sizeof(paths[0]));
	return text;
}

static inline void make_directory(const char *path)
{
	ck_assert_int_eq(mkdir(host(path), 0755), 0);
}

static inline void write_bytes(const char *path, const char *data, size_t size)
{
	int fd = open(host(path), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(file_write_fd(fd, bytes_make(data, size)), 0);
	ck_assert_int_eq(close(fd), 0);
}

static inline void write_text(const char *path, const char *text)
{
	write_bytes(path, text, strlen(text));
}

static inline bool is_there(const char *path)
{
	struct stat st;

	return lstat(host(path), &st) == 0;
}

static inline unsigned int mode_of(const char *path)
{
	struct stat st;

	ck_assert_int_eq(lstat(host(path), &st), 0);
	return st.st_mode & 07777;
}

/* The whole file; to be freed. */
static inline char *read_text(const char *path)
{
	int fd = open(host(path), O_RDONLY | O_CLOEXEC);
	char *text = NULL;
	size_t size;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(file_read_fd(fd, SIZE_MAX, &text, &size), 0);
	ck_assert_int_eq(close(fd), 0);
	return text;
}

static inline void expect_text(const char *path, const char *expected)
{
	_cleanup_free_ char *text = read_text(path);

	ck_assert_str_eq(text, expected);
}

static int count_one_entry(const char *path, const struct stat *st, int type, struct FTW *ftw);
static unsigned int n_entries;

static int count_one_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)path;
	(void)st;
	(void)type;
	(void)ftw;
	n_entries++;
	return 0;
}

/* How many files and directories there are below the top. */
static inline unsigned int count_entries(void)
{
	n_entries = 0;
	ck_assert_int_eq(nftw(scratch, count_one_entry, 8, FTW_PHYS), 0);
	return n_entries - 1;
}
