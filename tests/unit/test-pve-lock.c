/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/pve-lock.h"

#include <pthread.h>
#include <sys/file.h>
#include <time.h>

#include "agent/clock.h"
#include "tests/unit/scratch.h"

#define VM     "/etc/pve/nodes/pve1/qemu-server/101.conf"
#define VM_2   "/etc/pve/nodes/pve1/qemu-server/20.conf"
#define CT     "/etc/pve/nodes/pve1/lxc/105.conf"
#define HA     "/etc/pve/ha/resources.cfg"
#define MAP    "/etc/pve/mapping/pci.cfg"
#define OTHER  "/etc/network/interfaces"
#define FOLDER "/etc/pve/priv/lock"

#define VM_LOCK   "/var/lock/qemu-server/lock-101.conf"
#define VM_2_LOCK "/var/lock/qemu-server/lock-20.conf"
#define CT_LOCK   "/run/lock/lxc/pve-config-105.lock"

static struct pve_locks locks;
static struct problem problem;
static bool failed[8];

static void setup(void)
{
	scratch_make();
	root.live = true;
	make_directory("/etc");
	make_directory("/etc/pve");
	make_directory("/etc/pve/priv");
	for (size_t i = 0; i < ARRAY_SIZE(failed); i++)
		failed[i] = true;
}

static void teardown(void)
{
	pve_locks_release(&locks);
	problem_done(&problem);
	scratch_remove();
}

static int take(const char *const *paths, unsigned int timeout_ms)
{
	size_t n = 0;

	while (paths[n])
		n++;
	return pve_locks_take(&root, paths, n, timeout_ms, &locks, failed, &problem);
}

/* As Proxmox VE takes it: opened for appending, made if it is missing. */
static int take_as_proxmox(const char *path)
{
	int fd = open(host(path), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);

	ck_assert_int_ge(fd, 0);
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return fd;
	ck_assert_int_eq(errno, EWOULDBLOCK);
	ck_assert_int_eq(close(fd), 0);
	return -1;
}

static bool is_locked(const char *path)
{
	int fd = take_as_proxmox(path);

	if (fd >= 0)
		ck_assert_int_eq(close(fd), 0);
	return fd < 0;
}

START_TEST(each_kind_of_file_has_its_lock)
{
	ck_assert_int_eq(take((const char *[]){ VM, CT, HA, MAP, OTHER, NULL }, 1000), 0);
	for (size_t i = 0; i < 5; i++)
		ck_assert(!failed[i]);
	ck_assert(is_locked(VM_LOCK));
	ck_assert(is_locked(CT_LOCK));
	ck_assert(is_there(FOLDER "/domain-ha"));
	ck_assert(is_there(FOLDER "/file-mapping_pci_cfg"));
	ck_assert_ptr_null(problem.text);
}
END_TEST

START_TEST(what_was_taken_is_given_back_and_files_stay)
{
	ck_assert_int_eq(take((const char *[]){ VM, CT, HA, NULL }, 1000), 0);
	pve_locks_release(&locks);
	ck_assert(is_there(VM_LOCK));
	ck_assert(!is_locked(VM_LOCK));
	ck_assert(!is_locked(CT_LOCK));
	ck_assert(!is_there(FOLDER "/domain-ha"));
	ck_assert(is_there(FOLDER));
	ck_assert_uint_eq(logged.size, 0);
}
END_TEST

START_TEST(nothing_is_locked_in_a_tree)
{
	root.live = false;
	ck_assert_int_eq(take((const char *[]){ VM, HA, NULL }, 1000), 0);
	ck_assert(!failed[0] && !failed[1]);
	ck_assert(!is_there("/var"));
	ck_assert(!is_there(FOLDER));
}
END_TEST

START_TEST(one_that_somebody_holds_is_told_and_the_others_are_had)
{
	int fd;

	make_directory("/var");
	make_directory("/var/lock");
	make_directory("/var/lock/qemu-server");
	fd = take_as_proxmox(VM_LOCK);
	ck_assert_int_eq(take((const char *[]){ VM, VM_2, CT, NULL }, 100), 1);
	ck_assert(failed[0] && !failed[1] && !failed[2]);
	ck_assert_str_eq(problem.text, VM_LOCK ": is held by another program");
	ck_assert(is_locked(VM_2_LOCK));
	ck_assert(is_locked(CT_LOCK));
	pve_locks_release(&locks);
	/* It is still the other one's. */
	ck_assert(is_locked(VM_LOCK));
	ck_assert_int_eq(close(fd), 0);
}
END_TEST

static void *let_go_later(void *fd)
{
	const struct timespec pause = { .tv_nsec = 200 * 1000000L };

	(void)nanosleep(&pause, NULL);
	(void)close(*(int *)fd);
	return NULL;
}

START_TEST(one_that_is_let_go_in_time_is_had)
{
	pthread_t thread;
	int fd;

	ck_assert_int_eq(take((const char *[]){ VM, NULL }, 0), 0);
	pve_locks_release(&locks);
	fd = take_as_proxmox(VM_LOCK);
	ck_assert_int_eq(pthread_create(&thread, NULL, let_go_later, &fd), 0);
	ck_assert_int_eq(take((const char *[]){ VM, NULL }, 10000), 0);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ck_assert(is_locked(VM_LOCK));
}
END_TEST

START_TEST(several_files_under_one_lock_do_not_wait_for_each_other)
{
	uint64_t begin = clock_monotonic_ms();

	ck_assert_int_eq(take((const char *[]){ VM, VM, HA, HA, NULL }, 10000), 0);
	ck_assert_uint_lt(clock_monotonic_ms() - begin, 5000);
	ck_assert(!failed[0] && !failed[1] && !failed[2] && !failed[3]);
	pve_locks_release(&locks);
	ck_assert(!is_there(FOLDER "/domain-ha"));
}
END_TEST

START_TEST(several_files_under_a_lock_that_is_held_all_fail)
{
	int fd;

	ck_assert_int_eq(take((const char *[]){ VM, NULL }, 0), 0);
	pve_locks_release(&locks);
	fd = take_as_proxmox(VM_LOCK);
	ck_assert_int_eq(take((const char *[]){ VM, CT, VM, NULL }, 0), 2);
	ck_assert(failed[0] && !failed[1] && failed[2]);
	ck_assert_int_eq(close(fd), 0);
}
END_TEST

START_TEST(a_lock_of_the_cluster_that_is_held_is_asked_for_and_left)
{
	struct stat st;

	make_directory(FOLDER);
	make_directory(FOLDER "/domain-ha");
	ck_assert_int_eq(take((const char *[]){ HA, VM, NULL }, 100), 1);
	ck_assert(failed[0] && !failed[1]);
	ck_assert_str_eq(problem.text, FOLDER "/domain-ha: is held by another program");
	/* The request to take it from whoever has it for too long. */
	ck_assert_int_eq(stat(host(FOLDER "/domain-ha"), &st), 0);
	ck_assert_int_eq(st.st_mtim.tv_sec, 0);
	pve_locks_release(&locks);
	ck_assert(is_there(FOLDER "/domain-ha"));
}
END_TEST

static void *remove_later(void *nothing)
{
	const struct timespec pause = { .tv_nsec = 200 * 1000000L };

	(void)nothing;
	(void)nanosleep(&pause, NULL);
	(void)rmdir(host(FOLDER "/domain-ha"));
	return NULL;
}

START_TEST(a_lock_of_the_cluster_that_is_given_back_is_had)
{
	pthread_t thread;

	make_directory(FOLDER);
	make_directory(FOLDER "/domain-ha");
	ck_assert_int_eq(pthread_create(&thread, NULL, remove_later, NULL), 0);
	ck_assert_int_eq(take((const char *[]){ HA, NULL }, 10000), 0);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ck_assert(is_there(FOLDER "/domain-ha"));
}
END_TEST

START_TEST(without_etc_pve_only_guests_locks_are_had)
{
	ck_assert_int_eq(rmdir(host("/etc/pve/priv")), 0);
	ck_assert_int_eq(take((const char *[]){ MAP, VM, NULL }, 0), 1);
	ck_assert(failed[0] && !failed[1]);
	ck_assert_ptr_nonnull(strstr(problem.text, FOLDER "/file-mapping_pci_cfg"));
}
END_TEST

START_TEST(what_bears_the_name_of_a_lock_is_not_followed)
{
	make_directory("/var");
	make_directory("/var/lock");
	make_directory("/var/lock/qemu-server");
	write_text("/victim", "");
	ck_assert_int_eq(symlink(host("/victim"), host(VM_LOCK)), 0);
	ck_assert_int_eq(take((const char *[]){ VM, NULL }, 0), 1);
	ck_assert(failed[0]);
}
END_TEST

START_TEST(other_names_need_no_lock)
{
	static const char *const paths[] = { "/etc/pve/nodes/pve1/qemu-server/101.conf.tmp.1",
					     "/etc/pve/nodes/pve1/host.fw",
					     "/srv/qemu-server/101.conf",
					     "/etc/pve/nodes/pve1/qemu-server/sub/101.conf",
					     "101.conf",
					     "",
					     NULL };

	ck_assert_int_eq(take(paths, 0), 0);
	ck_assert(!is_there("/var"));
	ck_assert(!is_there("/run"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pve-lock");
	TCase *tests = tcase_create("pve-lock");
	SRunner *runner = srunner_create(suite);
	int n_failed;

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, each_kind_of_file_has_its_lock);
	tcase_add_test(tests, what_was_taken_is_given_back_and_files_stay);
	tcase_add_test(tests, nothing_is_locked_in_a_tree);
	tcase_add_test(tests, one_that_somebody_holds_is_told_and_the_others_are_had);
	tcase_add_test(tests, one_that_is_let_go_in_time_is_had);
	tcase_add_test(tests, several_files_under_one_lock_do_not_wait_for_each_other);
	tcase_add_test(tests, several_files_under_a_lock_that_is_held_all_fail);
	tcase_add_test(tests, a_lock_of_the_cluster_that_is_held_is_asked_for_and_left);
	tcase_add_test(tests, a_lock_of_the_cluster_that_is_given_back_is_had);
	tcase_add_test(tests, without_etc_pve_only_guests_locks_are_had);
	tcase_add_test(tests, what_bears_the_name_of_a_lock_is_not_followed);
	tcase_add_test(tests, other_names_need_no_lock);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	n_failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return n_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
