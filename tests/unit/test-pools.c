/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/pools.h"

#include <sched.h>
#include <sys/mount.h>

#include "tests/unit/scratch.h"

static char *text;
static size_t text_size;

static void teardown(void)
{
	free(text);
	text = NULL;
	scratch_remove();
}

/* A kernel's /proc with a pool in it, if there is one. */
static void make_kstat(const char *pool)
{
	make_directory("/proc");
	make_directory("/proc/spl");
	make_directory("/proc/spl/kstat");
	make_directory("/proc/spl/kstat/zfs");
	write_text("/proc/spl/kstat/zfs/arcstats", "9 1 0x01\n");
	if (pool)
		make_directory(pool);
}

#define POOL "/proc/spl/kstat/zfs/rpool"

/* Puts a program in the place of zpool(8), for this process alone; false where that cannot be. */
static bool replace_zpool(const char *script)
{
	int fd;

	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("tmpfs", "/usr/sbin", "tmpfs", 0, NULL) < 0) {
		(void)fprintf(stderr, "skipped: no namespace: %s\n", strerror(errno));
		return false;
	}
	if (!script)
		return true;
	fd = open("/usr/sbin/zpool", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(file_write_fd(fd, bytes_of(script)), 0);
	ck_assert_int_eq(close(fd), 0);
	return true;
}

static void list(void)
{
	ck_assert_int_eq(pools_list(&root, &text, &text_size), 0);
	ck_assert_uint_eq(strlen(text), text_size);
}

START_TEST(a_tree_is_never_asked)
{
	make_kstat(POOL);
	if (!replace_zpool("#!/bin/sh\necho asked\n"))
		return;
	list();
	ck_assert_str_eq(text, "");
	ck_assert_uint_eq(logged.size, 0);
}
END_TEST

START_TEST(a_machine_without_zfs_or_without_a_pool_is_not_asked)
{
	if (!replace_zpool("#!/bin/sh\necho asked\n"))
		return;
	root.live = true;
	list();
	ck_assert_str_eq(text, "");
	free(text);
	make_kstat(NULL);
	list();
	ck_assert_str_eq(text, "");
	ck_assert_uint_eq(logged.size, 0);
}
END_TEST

START_TEST(a_machine_with_a_pool_tells_what_it_is_made_of)
{
	make_kstat(POOL);
	if (!replace_zpool("#!/bin/sh\nprintf '%s\\n' \"$*\" rpool\n"))
		return;
	root.live = true;
	list();
	ck_assert_str_eq(text, "list -vHPL\nrpool\n");
	ck_assert_uint_eq(logged.size, 0);
}
END_TEST

START_TEST(a_failure_gives_nothing_and_is_said_once)
{
	make_kstat(POOL);
	if (!replace_zpool("#!/bin/sh\necho rpool\necho 'no such thing' >&2\nexit 1\n"))
		return;
	root.live = true;
	list();
	ck_assert_str_eq(text, "");
	ck_assert_uint_eq(count_logged("no such thing"), 1);
	ck_assert_uint_eq(count_logged("\n"), 1);
}
END_TEST

START_TEST(a_missing_program_gives_nothing_and_is_said_once)
{
	make_kstat(POOL);
	if (!replace_zpool(NULL))
		return;
	root.live = true;
	list();
	ck_assert_str_eq(text, "");
	ck_assert_uint_eq(count_logged("/usr/sbin/zpool"), 1);
}
END_TEST

START_TEST(a_program_that_never_ends_is_not_waited_for)
{
	make_kstat(POOL);
	if (!replace_zpool("#!/bin/sh\necho rpool\nexec /bin/sleep 1000\n"))
		return;
	root.live = true;
	list();
	ck_assert_str_eq(text, "");
	ck_assert_uint_eq(count_logged("took longer than"), 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pools");
	TCase *tests = tcase_create("pools");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tests, scratch_make, teardown);
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, a_tree_is_never_asked);
	tcase_add_test(tests, a_machine_without_zfs_or_without_a_pool_is_not_asked);
	tcase_add_test(tests, a_machine_with_a_pool_tells_what_it_is_made_of);
	tcase_add_test(tests, a_failure_gives_nothing_and_is_said_once);
	tcase_add_test(tests, a_missing_program_gives_nothing_and_is_said_once);
	tcase_add_test(tests, a_program_that_never_ends_is_not_waited_for);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
