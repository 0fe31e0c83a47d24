/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/lock.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "agent/clock.h"

static char tree[128];
static struct root root;

static void make_tree(void)
{
	const char *directory = getenv("TMPDIR");

	(void)snprintf(tree, sizeof(tree), "%s/test-lock.XXXXXX", directory ? directory : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(tree));
	ck_assert_int_eq(root_open(tree, &root, NULL), 0);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void remove_tree(void)
{
	root_done(&root);
	(void)nftw(tree, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static const char *in_tree(const char *path)
{
	static char full[256];

	(void)snprintf(full, sizeof(full), "%s%s", tree, path);
	return full;
}

static void make_runtime_directory(void)
{
	int fd = root_open_directory(&root, "/run/hwrecover", 0755);

	ck_assert_int_ge(fd, 0);
	(void)close(fd);
}

static void write_lock(const char *text)
{
	FILE *file = fopen(in_tree("/run/hwrecover/lock"), "w");

	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(text, file), 0);
	ck_assert_int_eq(fclose(file), 0);
}

static void read_lock(char *text, size_t size)
{
	FILE *file = fopen(in_tree("/run/hwrecover/lock"), "r");

	ck_assert_ptr_nonnull(file);
	text[fread(text, 1, size - 1, file)] = '\0';
	(void)fclose(file);
}

static void assert_refused(unsigned int wait_ms, int error, const char *why)
{
	struct problem problem = { NULL };
	struct lock lock = LOCK_INIT;
	char expected[256];

	(void)snprintf(expected, sizeof(expected), "%s/run/hwrecover/lock: %s", tree, why);
	ck_assert_int_eq(lock_take(&root, "plan", wait_ms, &lock, &problem), error);
	ck_assert_str_eq(problem.text, expected);
	ck_assert_int_eq(lock.fd, -1);
	problem_done(&problem);
}

static void assert_taken(unsigned int wait_ms, struct lock *ret_lock)
{
	struct problem problem = { NULL };

	ck_assert_msg(lock_take(&root, "boot network", wait_ms, ret_lock, &problem) == 0, "%s",
		      problem.text);
}

START_TEST(an_empty_tree_gets_its_lock)
{
	struct lock lock = LOCK_INIT;
	struct stat st;
	char text[64], expected[64];

	(void)umask(077);
	assert_taken(0, &lock);
	ck_assert_int_eq(stat(in_tree("/run/hwrecover"), &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0755);
	ck_assert_int_eq(stat(in_tree("/run/hwrecover/lock"), &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	read_lock(text, sizeof(text));
	(void)snprintf(expected, sizeof(expected), "%d boot network\n", (int)getpid());
	ck_assert_str_eq(text, expected);

	lock_release(&lock);
	ck_assert_int_eq(lock.fd, -1);
	read_lock(text, sizeof(text));
	ck_assert_str_eq(text, "");
	lock_release(&lock);
	lock_release(NULL);
}
END_TEST

START_TEST(who_holds_it_is_named)
{
	struct lock lock = LOCK_INIT;
	char why[64];

	assert_taken(0, &lock);
	(void)snprintf(why, sizeof(why), "held by boot network (pid %d)", (int)getpid());
	assert_refused(0, -EBUSY, why);
	lock_release(&lock);
	assert_taken(0, &lock);
	lock_release(&lock);
}
END_TEST

START_TEST(what_the_holder_wrote_is_not_trusted)
{
	static const char *const texts[] = { "",           "123",
					     "x apply\n",  "123 a\033[2J\n",
					     "123apply\n", "-1 apply\n",
					     " apply\n",   "123 apply" };
	int fd;

	make_runtime_directory();
	write_lock("");
	fd = open(in_tree("/run/hwrecover/lock"), O_RDWR | O_CLOEXEC);
	ck_assert_int_eq(flock(fd, LOCK_EX), 0);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		write_lock(texts[i]);
		assert_refused(0, -EBUSY, "held by another hwrecover");
	}
	(void)close(fd);
}
END_TEST

START_TEST(what_is_left_in_the_file_holds_nobody_back)
{
	struct lock lock = LOCK_INIT;
	char text[64];

	make_runtime_directory();
	write_lock("1 a holder whose name was longer than ours\n");
	assert_taken(0, &lock);
	read_lock(text, sizeof(text));
	ck_assert_ptr_nonnull(strstr(text, " boot network\n"));
	ck_assert_ptr_null(strstr(text, "longer"));
	lock_release(&lock);
}
END_TEST

/* Another process that holds the lock and ends, without letting go of it, after a while. */
static pid_t start_holder(unsigned int hold_ms)
{
	const struct timespec hold = { .tv_sec = hold_ms / 1000,
				       .tv_nsec = (long)(hold_ms % 1000) * 1000000 };
	struct lock lock = LOCK_INIT;
	int ready[2];
	char byte;
	pid_t pid;

	ck_assert_int_eq(pipe(ready), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		if (lock_take(&root, "apply", 0, &lock, NULL) < 0 || write(ready[1], "x", 1) != 1)
			_exit(1);
		(void)clock_nanosleep(CLOCK_MONOTONIC, 0, &hold, NULL);
		_exit(0);
	}
	(void)close(ready[1]);
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	(void)close(ready[0]);
	return pid;
}

START_TEST(waits_for_the_holder_to_end)
{
	struct lock lock = LOCK_INIT;
	uint64_t start = clock_monotonic_ms();
	pid_t pid = start_holder(300);

	assert_taken(LOCK_BOOT_WAIT_MS, &lock);
	ck_assert_uint_ge(clock_monotonic_ms() - start, 250);
	ck_assert_uint_lt(clock_monotonic_ms() - start, 5000);
	lock_release(&lock);
	(void)waitpid(pid, NULL, 0);
}
END_TEST

START_TEST(gives_up_when_the_time_is_over)
{
	pid_t pid = start_holder(60000);
	uint64_t start = clock_monotonic_ms();
	char why[64];

	(void)snprintf(why, sizeof(why), "held by apply (pid %d)", (int)pid);
	assert_refused(200, -EBUSY, why);
	ck_assert_uint_ge(clock_monotonic_ms() - start, 200);
	ck_assert_uint_lt(clock_monotonic_ms() - start, 5000);

	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	(void)waitpid(pid, NULL, 0);
	start_holder(0);
	(void)waitpid(-1, NULL, 0);
}
END_TEST

START_TEST(the_lock_is_not_inherited_by_programs)
{
	struct lock lock = LOCK_INIT;

	assert_taken(0, &lock);
	ck_assert_int_ne(fcntl(lock.fd, F_GETFD) & FD_CLOEXEC, 0);
	lock_release(&lock);
}
END_TEST

START_TEST(what_is_no_ordinary_file_is_refused)
{
	struct stat st;

	make_runtime_directory();
	ck_assert_int_eq(symlink("../../precious", in_tree("/run/hwrecover/lock")), 0);
	assert_refused(0, -ELOOP, "is a symbolic link");
	ck_assert_int_lt(stat(in_tree("/precious"), &st), 0);
	ck_assert_int_eq(unlink(in_tree("/run/hwrecover/lock")), 0);

	ck_assert_int_eq(mkfifo(in_tree("/run/hwrecover/lock"), 0600), 0);
	assert_refused(0, -ENOTSUP, "is not an ordinary file");
	ck_assert_int_eq(unlink(in_tree("/run/hwrecover/lock")), 0);

	ck_assert_int_eq(mkdir(in_tree("/run/hwrecover/lock"), 0700), 0);
	assert_refused(0, -ENOTSUP, "is not an ordinary file");
}
END_TEST

START_TEST(a_second_name_of_another_file_is_refused)
{
	char text[64], other[256];

	make_runtime_directory();
	write_lock("precious\n");
	(void)snprintf(other, sizeof(other), "%s/precious", tree);
	ck_assert_int_eq(link(in_tree("/run/hwrecover/lock"), other), 0);
	assert_refused(0, -EMLINK, "has a second hard link");
	read_lock(text, sizeof(text));
	ck_assert_str_eq(text, "precious\n");
}
END_TEST

START_TEST(a_runtime_directory_that_is_none_is_a_problem)
{
	struct problem problem = { NULL };
	struct lock lock = LOCK_INIT;
	FILE *file = fopen(in_tree("/run"), "w");

	ck_assert_ptr_nonnull(file);
	(void)fclose(file);
	ck_assert_int_eq(lock_take(&root, "apply", 0, &lock, &problem), -ENOTDIR);
	ck_assert_ptr_nonnull(strstr(problem.text, "/run/hwrecover: cannot open: "));
	problem_done(&problem);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("lock");
	TCase *all = tcase_create("lock");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(all, 30);
	tcase_add_checked_fixture(all, make_tree, remove_tree);
	tcase_add_test(all, an_empty_tree_gets_its_lock);
	tcase_add_test(all, who_holds_it_is_named);
	tcase_add_test(all, what_the_holder_wrote_is_not_trusted);
	tcase_add_test(all, what_is_left_in_the_file_holds_nobody_back);
	tcase_add_test(all, waits_for_the_holder_to_end);
	tcase_add_test(all, gives_up_when_the_time_is_over);
	tcase_add_test(all, the_lock_is_not_inherited_by_programs);
	tcase_add_test(all, what_is_no_ordinary_file_is_refused);
	tcase_add_test(all, a_second_name_of_another_file_is_refused);
	tcase_add_test(all, a_runtime_directory_that_is_none_is_a_problem);
	suite_add_tcase(suite, all);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
