/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/run-command.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>

#include "agent/clock.h"

#define OUTPUT_MAX 10000

/* A file that a script may write to. */
static char directory[128], file[160];

static void make_directory(void)
{
	const char *parent = getenv("TMPDIR");

	(void)snprintf(directory, sizeof(directory), "%s/test-run-command.XXXXXX",
		       parent ? parent : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	(void)snprintf(file, sizeof(file), "%s/file", directory);
}

static void remove_directory(void)
{
	(void)unlink(file);
	(void)rmdir(directory);
}

/* Runs a line of shell, as an example of a program. */
static int run_shell(const char *script, unsigned int timeout_ms, size_t output_max,
		     struct program_result *ret, struct problem *problem)
{
	const char *argv[] = { "/bin/sh", "-c", script, "sh", "an argument", NULL };
	struct program program = { .argv = argv,
				   .timeout_ms = timeout_ms,
				   .output_max = output_max };

	return run_command(&program, ret, problem);
}

static struct program_result result_of(const char *script)
{
	struct problem problem = { NULL };
	struct program_result result;

	ck_assert_msg(run_shell(script, 20000, OUTPUT_MAX, &result, &problem) == 0, "%s: %s",
		      script, problem.text);
	ck_assert_ptr_null(problem.text);
	return result;
}

static void assert_output(const char *script, const char *expected)
{
	struct program_result result = result_of(script);

	ck_assert_str_eq(result.output, expected);
	ck_assert_uint_eq(result.output_size, strlen(expected));
	ck_assert_int_eq(result.status, 0);
	program_result_done(&result);
}

START_TEST(gives_status_and_both_outputs)
{
	struct program_result result = result_of("echo one; echo two >&2; exit 3");

	ck_assert_int_eq(result.status, 3);
	ck_assert_int_eq(result.signal, 0);
	ck_assert_str_eq(result.output, "one\n");
	ck_assert_str_eq(result.errors, "two\n");
	ck_assert_uint_eq(result.errors_size, 4);
	ck_assert(!result.cut);
	program_result_done(&result);

	result = result_of(":");
	ck_assert_str_eq(result.output, "");
	ck_assert_str_eq(result.errors, "");
	program_result_done(&result);
}
END_TEST

START_TEST(arguments_arrive_as_they_are)
{
	assert_output("echo \"$#:$1\"", "1:an argument\n");
}
END_TEST

START_TEST(tells_a_signal_from_a_status)
{
	struct program_result result = result_of("kill -9 $$");

	ck_assert_int_eq(result.status, -1);
	ck_assert_int_eq(result.signal, SIGKILL);
	program_result_done(&result);
}
END_TEST

START_TEST(the_environment_is_clean)
{
	ck_assert_int_eq(setenv("SECRET", "x", 1), 0);
	ck_assert_int_eq(setenv("PATH", "/nowhere", 1), 0);
	assert_output("env -u PWD -u _ -u OLDPWD -u SHLVL | sort",
		      "LC_ALL=C.UTF-8\nPATH=/usr/sbin:/usr/bin:/sbin:/bin\n");
}
END_TEST

START_TEST(nothing_else_of_ours_is_inherited)
{
	int fd = open("/dev/null", O_RDONLY);
	sigset_t mask;

	ck_assert_int_ge(dup2(fd, 77), 0);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGTERM, SIG_IGN);
	(void)sigfillset(&mask);
	(void)sigdelset(&mask, SIGALRM);
	ck_assert_int_eq(sigprocmask(SIG_BLOCK, &mask, NULL), 0);
	(void)umask(077);

	assert_output("test -e /proc/self/fd/77 || echo closed", "closed\n");
	assert_output("pwd; umask; cat", "/\n0022\n");
	/* The last digits: signals 1 to 28. glibc itself ignores two of its own, 32 and 33. */
	assert_output("sed -n 's/^Sig\\(Blk\\|Ign\\):.*\\(.\\{7\\}\\)$/\\1 \\2/p' "
		      "/proc/self/status",
		      "Blk 0000000\nIgn 0000000\n");
	ck_assert_uint_eq(umask(077), 077);
	(void)close(fd);
}
END_TEST

START_TEST(it_has_a_process_group_of_its_own)
{
	struct program_result result =
		result_of("set -- $(cut -d' ' -f1,5 /proc/$$/stat); test $1 = $2");

	ck_assert_int_eq(result.status, 0);
	program_result_done(&result);
}
END_TEST

START_TEST(output_is_bounded_and_the_rest_is_read)
{
	struct program_result result;

	ck_assert_int_eq(run_shell("head -c 3000000 /dev/zero | tr '\\0' x; echo end >&2", 20000,
				   100, &result, NULL),
			 0);
	ck_assert_int_eq(result.status, 0);
	ck_assert_uint_eq(result.output_size, 100);
	ck_assert_uint_eq(strlen(result.output), 100);
	ck_assert(result.cut);
	ck_assert_str_eq(result.errors, "end\n");
	program_result_done(&result);
}
END_TEST

START_TEST(output_of_just_the_size_is_not_cut)
{
	struct program_result result;

	ck_assert_int_eq(run_shell("printf 12345", 20000, 5, &result, NULL), 0);
	ck_assert_str_eq(result.output, "12345");
	ck_assert(!result.cut);
	program_result_done(&result);
}
END_TEST

/* Runs a script that does not end in time, and gives how long that took. */
static uint64_t time_out(const char *script, unsigned int timeout_ms)
{
	struct problem problem = { NULL };
	struct program_result result;
	uint64_t start = clock_monotonic_ms();

	ck_assert_int_eq(run_shell(script, timeout_ms, OUTPUT_MAX, &result, &problem), -ETIMEDOUT);
	ck_assert_ptr_nonnull(strstr(problem.text, "/bin/sh: took longer than "));
	problem_done(&problem);
	return clock_monotonic_ms() - start;
}

START_TEST(a_program_that_takes_too_long_is_asked_to_end)
{
	char script[256];
	struct stat st;

	(void)snprintf(script, sizeof(script),
		       "trap 'echo asked >%s; exit' TERM; while :; do sleep 0.05; done", file);
	ck_assert_uint_ge(time_out(script, 200), 200);
	ck_assert_int_eq(stat(file, &st), 0);
}
END_TEST

START_TEST(one_that_will_not_listen_is_killed)
{
	uint64_t took = time_out("trap '' TERM; while :; do sleep 1; done", 200);

	ck_assert_uint_ge(took, 2000);
	ck_assert_uint_lt(took, 8000);
}
END_TEST

START_TEST(writing_without_end_is_no_way_to_stay)
{
	ck_assert_uint_lt(time_out("yes", 300), 5000);
}
END_TEST

START_TEST(its_whole_group_is_ended_with_it)
{
	struct timespec while_it_writes = { .tv_nsec = 300000000 };
	struct stat before, after;
	char script[256];

	(void)snprintf(script, sizeof(script),
		       "(trap '' TERM; while :; do echo x >>%s; sleep 0.05; done) & wait", file);
	(void)time_out(script, 300);
	ck_assert_int_eq(stat(file, &before), 0);
	(void)nanosleep(&while_it_writes, NULL);
	ck_assert_int_eq(stat(file, &after), 0);
	ck_assert_int_eq(before.st_size, after.st_size);
}
END_TEST

START_TEST(a_daemon_it_leaves_behind_is_not_waited_for)
{
	uint64_t start = clock_monotonic_ms();

	assert_output("echo out; sleep 5 & exit 0", "out\n");
	ck_assert_uint_lt(clock_monotonic_ms() - start, 4000);
}
END_TEST

START_TEST(a_program_that_closes_its_output_is_waited_for)
{
	struct program_result result = result_of("exec >&- 2>&-; sleep 0.3; exit 4");

	ck_assert_int_eq(result.status, 4);
	program_result_done(&result);
}
END_TEST

static void assert_not_run(const char *path, int error)
{
	const char *argv[] = { path, NULL };
	const struct program program = { .argv = argv, .timeout_ms = 1000, .output_max = 10 };
	struct program_result result = { .status = 55 };
	struct problem problem = { NULL };
	char expected[128];

	(void)snprintf(expected, sizeof(expected), "%s: cannot run: %s", path, strerror(-error));
	ck_assert_int_eq(run_command(&program, &result, &problem), error);
	ck_assert_str_eq(problem.text, expected);
	ck_assert_int_eq(result.status, 55);
	problem_done(&problem);
}

START_TEST(what_cannot_be_run_is_a_problem)
{
	assert_not_run("/nonexistent/program", -ENOENT);
	assert_not_run("/etc", -EACCES);
	assert_not_run("/etc/passwd", -EACCES);
	/* No search: whatever PATH says. */
	assert_not_run("sh", -ENOENT);
}
END_TEST

START_TEST(running_leaves_no_descriptor_open)
{
	struct program_result result;
	int before = open("/dev/null", O_RDONLY | O_CLOEXEC), after;

	(void)close(before);
	result = result_of(":");
	program_result_done(&result);
	assert_not_run("/nonexistent/program", -ENOENT);
	(void)time_out("sleep 60", 50);
	after = open("/dev/null", O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(after, before);
	(void)close(after);
}
END_TEST

static void assert_check(const char *script, const char *expected)
{
	const char *argv[] = { "/bin/prog", NULL };
	const struct program program = { .argv = argv };
	struct program_result result = result_of(script);
	struct problem problem = { NULL };
	int r = program_result_check(&program, &result, &problem);

	ck_assert_int_eq(r, expected ? -EIO : 0);
	if (expected)
		ck_assert_str_eq(problem.text, expected);
	problem_done(&problem);
	program_result_done(&result);
}

START_TEST(a_failure_is_told_in_one_line)
{
	assert_check("exit 0", NULL);
	assert_check("exit 2", "/bin/prog: exit status 2");
	assert_check("echo 'no such interface' >&2; echo more >&2; exit 1",
		     "/bin/prog: exit status 1: no such interface");
	assert_check("kill -TERM $$", "/bin/prog: ended by signal 15");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("run-command");
	TCase *all = tcase_create("run-command");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(all, 60);
	tcase_add_checked_fixture(all, make_directory, remove_directory);
	tcase_add_test(all, gives_status_and_both_outputs);
	tcase_add_test(all, arguments_arrive_as_they_are);
	tcase_add_test(all, tells_a_signal_from_a_status);
	tcase_add_test(all, the_environment_is_clean);
	tcase_add_test(all, nothing_else_of_ours_is_inherited);
	tcase_add_test(all, it_has_a_process_group_of_its_own);
	tcase_add_test(all, output_is_bounded_and_the_rest_is_read);
	tcase_add_test(all, output_of_just_the_size_is_not_cut);
	tcase_add_test(all, a_program_that_takes_too_long_is_asked_to_end);
	tcase_add_test(all, one_that_will_not_listen_is_killed);
	tcase_add_test(all, writing_without_end_is_no_way_to_stay);
	tcase_add_test(all, its_whole_group_is_ended_with_it);
	tcase_add_test(all, a_daemon_it_leaves_behind_is_not_waited_for);
	tcase_add_test(all, a_program_that_closes_its_output_is_waited_for);
	tcase_add_test(all, what_cannot_be_run_is_a_problem);
	tcase_add_test(all, running_leaves_no_descriptor_open);
	tcase_add_test(all, a_failure_is_told_in_one_line);
	suite_add_tcase(suite, all);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
