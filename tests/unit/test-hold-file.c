/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/hold-file.h"

#include <sched.h>
#include <sys/mount.h>

#include "tests/unit/scratch.h"

#define PVE_HOLD     "/run/hwrecover/hold-guests"
#define LIBVIRT_HOLD "/run/hwrecover/hold-libvirt-guests"
#define SYSTEMCTL    "/usr/bin/systemctl"

static struct problem problem;

static void setup(void)
{
	scratch_make();
	make_directory("/run");
}

static void teardown(void)
{
	problem_done(&problem);
	scratch_remove();
}

static void hold(enum hold_kind kind)
{
	ck_assert_int_eq(hold_file_write(&root, kind, NULL, 0, &problem), 0);
}

START_TEST(it_names_the_guests_it_is_for)
{
	ck_assert_int_eq(hold_file_write(&root, HOLD_PVE,
					 (const char *[]){ "pve/qemu/101", "pve/lxc/105" }, 2,
					 &problem),
			 0);
	expect_text(PVE_HOLD, "pve/qemu/101\npve/lxc/105\n");
	ck_assert_uint_eq(mode_of(PVE_HOLD), 0644);
	ck_assert_str_eq(hold_file_path(HOLD_PVE), PVE_HOLD);
	/* Nothing else is left beside it. */
	ck_assert_uint_eq(count_entries(), 3);
}
END_TEST

START_TEST(a_name_with_a_newline_stays_one_line)
{
	ck_assert_int_eq(hold_file_write(&root, HOLD_LIBVIRT,
					 (const char *[]){ "libvirt/a\nb\x1b[0m" }, 1, &problem),
			 0);
	expect_text(LIBVIRT_HOLD, "libvirt/a?b?[0m\n");
}
END_TEST

START_TEST(each_kind_holds_and_is_removed_by_itself)
{
	ck_assert(!hold_file_exists(&root, HOLD_PVE));
	hold(HOLD_PVE);
	ck_assert(hold_file_exists(&root, HOLD_PVE));
	ck_assert(!hold_file_exists(&root, HOLD_LIBVIRT));
	ck_assert_int_eq(hold_file_remove(&root, HOLD_LIBVIRT, &problem), 0);
	ck_assert_int_eq(hold_file_remove(&root, HOLD_PVE, &problem), 1);
	ck_assert_int_eq(hold_file_remove(&root, HOLD_PVE, &problem), 0);
	ck_assert(!is_there(PVE_HOLD));
}
END_TEST

START_TEST(one_that_is_there_is_replaced)
{
	ck_assert_int_eq(
		hold_file_write(&root, HOLD_PVE, (const char *[]){ "pve/qemu/1" }, 1, &problem), 0);
	ck_assert_int_eq(
		hold_file_write(&root, HOLD_PVE, (const char *[]){ "pve/qemu/2" }, 1, &problem), 0);
	expect_text(PVE_HOLD, "pve/qemu/2\n");
}
END_TEST

START_TEST(what_cannot_be_written_is_an_error_that_names_it)
{
	write_text("/run/hwrecover", "a file\n");
	ck_assert_int_lt(hold_file_write(&root, HOLD_PVE, NULL, 0, &problem), 0);
	ck_assert_ptr_nonnull(strstr(problem.text, PVE_HOLD));
	ck_assert(!hold_file_exists(&root, HOLD_PVE));
}
END_TEST

START_TEST(in_a_tree_nothing_is_started)
{
	hold(HOLD_PVE);
	hold(HOLD_LIBVIRT);
	ck_assert_int_eq(hold_release(&root, &problem), 0);
	ck_assert(!is_there(PVE_HOLD));
	ck_assert(!is_there(LIBVIRT_HOLD));
}
END_TEST

/*
 * Puts a program in the place of systemctl(1), for this process alone, that shows @states and notes
 * what else it is asked for; false where that cannot be.
 */
static bool replace_systemctl(const char *states, int status)
{
	char script[1024];
	int n;

	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
		(void)fprintf(stderr, "skipped: no namespace: %s\n", strerror(errno));
		return false;
	}
	write_text("/states", states);
	write_text("/asked", "");
	n = snprintf(script, sizeof(script),
		     "#!/bin/sh\n"
		     "if [ \"$1\" = show ]; then cat %s/states; else echo \"$*\" >>%s/asked; fi\n"
		     "[ %d = 0 ] || echo out of order >&2\n"
		     "exit %d\n",
		     scratch, scratch, status, status);
	ck_assert_int_lt(n, (int)sizeof(script));
	write_text("/systemctl", script);
	ck_assert_int_eq(chmod(host("/systemctl"), 0755), 0);
	if (mount(host("/systemctl"), SYSTEMCTL, NULL, MS_BIND, NULL) < 0) {
		(void)fprintf(stderr, "skipped: no " SYSTEMCTL ": %s\n", strerror(errno));
		return false;
	}
	root.live = true;
	return true;
}

#define SKIPPED           "ConditionResult=no\nConditionTimestampMonotonic=4711\n"
#define ENABLED           "UnitFileState=enabled\n"
#define STATE(id, active) "Id=" id "\nLoadState=loaded\nActiveState=" active "\n"

START_TEST(what_was_skipped_and_is_enabled_is_started)
{
	if (!replace_systemctl(STATE("pve-ha-lrm.service", "inactive") ENABLED SKIPPED
			       "\n" STATE("pve-guests.service", "inactive") ENABLED SKIPPED
			       "\n" STATE("pvescheduler.service", "inactive") ENABLED SKIPPED,
			       0))
		return;
	hold(HOLD_PVE);
	ck_assert_int_eq(hold_release(&root, &problem), 3);
	/* pve-guests.service is started only as what something else needs. */
	expect_text("/asked", "--no-block start -- pve-ha-lrm.service "
			      "hwrecover-start-guests.target pvescheduler.service\n");
	ck_assert(!is_there(PVE_HOLD));
}
END_TEST

START_TEST(what_was_not_held_back_is_left)
{
	/* Running; disabled; never to be started; stopped by hand; not installed. */
	if (!replace_systemctl(
		    STATE("pve-guests.service", "active") ENABLED
		    "ConditionResult=yes\nConditionTimestampMonotonic=4711\n"
		    "\n" STATE("pve-ha-lrm.service", "inactive") "UnitFileState=disabled\n" SKIPPED
								 "\n" STATE("pvescheduler.service",
									    "inactive") ENABLED
		    "ConditionResult=no\nConditionTimestampMonotonic=0\n"
		    "\n" STATE("libvirtd.service", "inactive") ENABLED
		    "ConditionResult=yes\nConditionTimestampMonotonic=4711\n"
		    "\nId=virtqemud.service\nLoadState=not-found\nActiveState=inactive\n" SKIPPED
		    "\n" STATE("ssh.service", "inactive") ENABLED SKIPPED,
		    0))
		return;
	ck_assert_int_eq(hold_release(&root, &problem), 0);
	expect_text("/asked", "");
}
END_TEST

START_TEST(a_socket_is_started_when_its_service_was_skipped)
{
	if (!replace_systemctl(SKIPPED STATE("libvirtd.service", "inactive") ENABLED
			       "\n" STATE("libvirtd.socket", "failed") ENABLED
			       "\n" STATE("libvirtd-ro.socket", "active") ENABLED
			       "\n" STATE("virtqemud.socket", "failed") ENABLED,
			       0))
		return;
	ck_assert_int_eq(hold_start_held_back(&root, &problem), 2);
	expect_text("/asked", "--no-block reset-failed -- libvirtd.socket\n"
			      "--no-block start -- libvirtd.socket libvirtd.service\n");
}
END_TEST

START_TEST(a_failure_is_an_error_and_the_files_are_gone)
{
	if (!replace_systemctl("", 1))
		return;
	hold(HOLD_PVE);
	ck_assert_int_eq(hold_release(&root, &problem), -EIO);
	ck_assert_ptr_nonnull(strstr(problem.text, "out of order"));
	ck_assert(!is_there(PVE_HOLD));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("hold-file");
	TCase *tests = tcase_create("hold-file");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, it_names_the_guests_it_is_for);
	tcase_add_test(tests, a_name_with_a_newline_stays_one_line);
	tcase_add_test(tests, each_kind_holds_and_is_removed_by_itself);
	tcase_add_test(tests, one_that_is_there_is_replaced);
	tcase_add_test(tests, what_cannot_be_written_is_an_error_that_names_it);
	tcase_add_test(tests, in_a_tree_nothing_is_started);
	tcase_add_test(tests, what_was_skipped_and_is_enabled_is_started);
	tcase_add_test(tests, what_was_not_held_back_is_left);
	tcase_add_test(tests, a_socket_is_started_when_its_service_was_skipped);
	tcase_add_test(tests, a_failure_is_an_error_and_the_files_are_gone);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
