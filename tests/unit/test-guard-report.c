/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/guard-report.h"

#include "tests/unit/tree.h"

static struct guard_report report, back;
static struct problem problem;

static void setup(void)
{
	report = back = (struct guard_report){ 0 };
	problem = (struct problem){ 0 };
	tree_setup();
}

static void teardown(void)
{
	guard_report_done(&report);
	guard_report_done(&back);
	problem_done(&problem);
	tree_teardown();
}

static void add(enum guard_deed deed, const char *path, unsigned int line, const char *reason)
{
	const struct guard_entry entry = { .deed = deed,
					   .path = path,
					   .line = line,
					   .has_address = line > 0,
					   .address = { .bus = 5 },
					   .reason = reason };

	ck_assert_int_eq(guard_report_add(&report, &entry), 0);
}

START_TEST(without_a_guard_there_is_nothing)
{
	ck_assert_int_eq(guard_report_read(&tree_root, &back, &problem), 0);
	ck_assert_uint_eq(back.n_entries, 0);
}
END_TEST

START_TEST(a_guard_that_did_nothing_has_run)
{
	ck_assert_int_eq(guard_report_write(&tree_root, &report), 0);
	ck_assert_int_eq(guard_report_read(&tree_root, &back, &problem), 1);
	ck_assert_uint_eq(back.n_entries, 0);
}
END_TEST

START_TEST(entries_come_back_by_file_and_line)
{
	add(GUARD_DISARMED, "/etc/b", 12, "x");
	add(GUARD_ARMED, "/etc/b", 3, "tab\there, 100%\nand a line");
	add(GUARD_KEPT, "/etc/a", 1, "-");
	add(GUARD_LEFT, NULL, 0, "");
	ck_assert_int_eq(guard_report_write(&tree_root, &report), 0);
	ck_assert_int_eq(guard_report_read(&tree_root, &back, &problem), 1);
	ck_assert_uint_eq(back.n_entries, 4);
	ck_assert_int_eq(back.entries[0].deed, GUARD_LEFT);
	ck_assert_ptr_null(back.entries[0].path);
	ck_assert(!back.entries[0].has_address);
	ck_assert_str_eq(back.entries[0].reason, "");
	ck_assert_int_eq(back.entries[1].deed, GUARD_KEPT);
	ck_assert_str_eq(back.entries[1].reason, "-");
	ck_assert_str_eq(back.entries[2].path, "/etc/b");
	ck_assert_uint_eq(back.entries[2].line, 3);
	ck_assert_str_eq(back.entries[2].reason, "tab\there, 100%\nand a line");
	ck_assert_int_eq(back.entries[3].deed, GUARD_DISARMED);
	ck_assert(back.entries[3].has_address);
	ck_assert_uint_eq(back.entries[3].address.bus, 5);
}
END_TEST

START_TEST(everybody_may_read_it)
{
	struct stat st;

	ck_assert_int_eq(guard_report_write(&tree_root, &report), 0);
	ck_assert_int_eq(fstatat(tree_root.fd, "run/hwrecover/guard", &st, 0), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0644);
	ck_assert_int_eq(fstatat(tree_root.fd, "run/hwrecover", &st, 0), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0755);
}
END_TEST

START_TEST(lines_that_cannot_be_read_are_passed_over)
{
	tree_file(GUARD_REPORT_PATH, "hwrecover-guard 1\nnew\t-\t-\t-\tx\ndisarmed\t/a\n\n"
				     "disarmed\t/a\tx\t-\ty\ndisarmed\t/a\t1\t05:00\ty\n"
				     "disarmed\t/a\t1\t-\t%\ndisarmed\t/a\t1\t-\t-\n"
				     "kept\t/b\t2\t0000:06:00.0\tgood\tmore\n");
	ck_assert_int_eq(guard_report_read(&tree_root, &back, &problem), 1);
	ck_assert_uint_eq(back.n_entries, 1);
	ck_assert_str_eq(back.entries[0].reason, "good");
}
END_TEST

START_TEST(something_else_is_refused)
{
	tree_file(GUARD_REPORT_PATH, "hello\n");
	ck_assert_int_eq(guard_report_read(&tree_root, &back, &problem), -EBADMSG);
	ck_assert_ptr_nonnull(problem.text);
	tree_file(GUARD_REPORT_PATH, "");
	ck_assert_int_eq(guard_report_read(&tree_root, &back, NULL), -EBADMSG);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("guard-report");
	TCase *tests = tcase_create("guard-report");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, without_a_guard_there_is_nothing);
	tcase_add_test(tests, a_guard_that_did_nothing_has_run);
	tcase_add_test(tests, entries_come_back_by_file_and_line);
	tcase_add_test(tests, everybody_may_read_it);
	tcase_add_test(tests, lines_that_cannot_be_read_are_passed_over);
	tcase_add_test(tests, something_else_is_refused);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
