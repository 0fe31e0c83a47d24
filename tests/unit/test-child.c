/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/child.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "agent/clock.h"

/* What the functions below tell. */
struct told {
	int number;
	int fd_error;
	bool same_null;
	bool undisturbed;
};

static int call(void (*function)(const void *argument, void *shared), const void *argument,
		int keep_fd, unsigned int timeout_ms, struct told *told)
{
	struct child_call child = { function, argument, told, sizeof(*told), keep_fd, timeout_ms };
	pid_t left_behind = -1;
	int r = child_run(&child, &left_behind);

	ck_assert_int_eq(left_behind, 0);
	/* Nothing is left to be waited for. */
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	ck_assert_int_eq(errno, ECHILD);
	return r;
}

static void add(const void *argument, void *shared)
{
	struct told *told = shared;

	told->number += *(const int *)argument;
}

START_TEST(what_a_function_changes_is_seen)
{
	struct told told = { .number = 40 };
	int two = 2;

	ck_assert_int_eq(call(add, &two, -1, 20000, &told), 0);
	ck_assert_int_eq(told.number, 42);
}
END_TEST

static void go_on_for_ever(const void *argument, void *shared)
{
	struct told *told = shared;

	(void)argument;
	told->number = 7;
	for (;;)
		(void)poll(NULL, 0, 1000);
}

START_TEST(a_function_that_goes_on_is_ended_in_time)
{
	uint64_t started = clock_monotonic_ms();
	struct told told = { 0 };

	ck_assert_int_eq(call(go_on_for_ever, NULL, -1, 200, &told), -ETIMEDOUT);
	ck_assert_uint_ge(clock_monotonic_ms() - started, 200);
	ck_assert_int_eq(told.number, 7);
}
END_TEST

static void die(const void *argument, void *shared)
{
	struct told *told = shared;

	(void)argument;
	told->number = 8;
	(void)kill(getpid(), SIGKILL);
}

START_TEST(a_function_that_dies_is_told_from_one_that_returns)
{
	struct told told = { 0 };

	ck_assert_int_eq(call(die, NULL, -1, 20000, &told), -EIO);
	ck_assert_int_eq(told.number, 8);
}
END_TEST

static void look_around(const void *argument, void *shared)
{
	const int *fds = argument;
	struct told *told = shared;
	struct stat st, null_st;

	told->number = fcntl(fds[0], F_GETFD);
	told->fd_error = fcntl(fds[1], F_GETFD) < 0 ? errno : 0;
	told->same_null = stat("/dev/null", &null_st) == 0;
	for (int fd = 0; fd < 3; fd++)
		told->same_null &= fstat(fd, &st) == 0 && st.st_rdev == null_st.st_rdev;
	(void)raise(SIGTERM);
	(void)raise(SIGINT);
	told->undisturbed = true;
}

START_TEST(only_the_one_descriptor_is_kept_and_signals_do_not_reach_it)
{
	struct told told = { .number = -1 };
	int fds[2], after;
	sigset_t mask;

	ck_assert_int_eq(pipe(fds), 0);
	ck_assert_int_ge(after = dup(fds[0]), 0);
	ck_assert_int_eq(call(look_around, fds, fds[0], 20000, &told), 0);
	ck_assert_int_eq(told.number, 0);
	ck_assert_int_eq(told.fd_error, EBADF);
	ck_assert(told.same_null);
	ck_assert(told.undisturbed);
	ck_assert_int_eq(call(look_around, (int[]){ fds[1], after }, fds[1], 20000, &told), 0);
	ck_assert_int_eq(told.fd_error, EBADF);
	ck_assert_int_eq(call(look_around, (int[]){ 0, after }, -1, 20000, &told), 0);
	ck_assert_int_eq(told.fd_error, EBADF);

	ck_assert_int_eq(sigprocmask(SIG_SETMASK, NULL, &mask), 0);
	ck_assert_int_eq(sigismember(&mask, SIGTERM), 0);
	ck_assert_int_eq(close(fds[0]) | close(fds[1]) | close(after), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("child");
	TCase *tcase = tcase_create("child");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tcase, what_a_function_changes_is_seen);
	tcase_add_test(tcase, a_function_that_goes_on_is_ended_in_time);
	tcase_add_test(tcase, a_function_that_dies_is_told_from_one_that_returns);
	tcase_add_test(tcase, only_the_one_descriptor_is_kept_and_signals_do_not_reach_it);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
