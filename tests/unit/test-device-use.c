/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/device-use.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "tests/unit/tree.h"

#define DEVICES "/sys/bus/pci/devices/"
#define GROUPS  "/sys/kernel/iommu_groups/"

static const struct pci_address address = { .bus = 6 };

/* A function in a group, as sysfs shows it. */
static void add_function(const char *name, const char *group)
{
	char path[128], target[128];

	(void)snprintf(path, sizeof(path), DEVICES "%s", name);
	tree_directory(path);
	(void)snprintf(path, sizeof(path), DEVICES "%s/iommu_group", name);
	(void)snprintf(target, sizeof(target), "../../../../kernel/iommu_groups/%s", group);
	tree_link(path, target);
	(void)snprintf(path, sizeof(path), GROUPS "%s/devices/%s", group, name);
	(void)snprintf(target, sizeof(target), "../../../../bus/pci/devices/%s", name);
	tree_link(path, target);
}

static void setup(void)
{
	tree_setup();
	add_function("0000:06:00.0", "24");
	add_function("0000:06:00.1", "24");
	add_function("0000:07:00.0", "2");
	tree_file("/proc/1/comm", "systemd\n");
	tree_link("/proc/1/fd/0", "/dev/null");
	tree_link("/proc/1/fd/1", "socket:[4711]");
	tree_link("/proc/1/fd/2", "anon_inode:kvm-vm");
	tree_file("/proc/812/comm", "kvm\n");
	tree_link("/proc/812/fd/7", "/dev/kvm");
	tree_directory("/proc/900");
	tree_file("/proc/meminfo", "");
	tree_link("/proc/self", "812");
}

static void hide_processes(void)
{
	char from[sizeof(tree_path) + 8], to[sizeof(tree_path) + 8];

	(void)snprintf(from, sizeof(from), "%s/proc", tree_path);
	(void)snprintf(to, sizeof(to), "%s/old", tree_path);
	ck_assert_int_eq(rename(from, to), 0);
}

static void expect_used_by(pid_t pid, const char *name)
{
	struct device_user user = { 0 };

	ck_assert_int_eq(device_in_use(&tree_root, &address, &user), 1);
	ck_assert_int_eq(user.pid, pid);
	ck_assert_str_eq(user.name, name);
}

static void expect(int expected)
{
	struct device_user user = { .pid = -7 };

	ck_assert_int_eq(device_in_use(&tree_root, &address, &user), expected);
	ck_assert_int_eq(user.pid, -7);
}

START_TEST(what_nobody_has_open_is_free)
{
	expect(0);
}
END_TEST

START_TEST(who_has_the_group_open_uses_it)
{
	tree_link("/proc/812/fd/30", "/dev/vfio/24");
	expect_used_by(812, "kvm");
}
END_TEST

START_TEST(a_group_without_an_iommu_counts_too)
{
	tree_link("/proc/812/fd/30", "/dev/vfio/noiommu-24");
	expect_used_by(812, "kvm");
}
END_TEST

START_TEST(names_that_only_begin_alike_are_others)
{
	tree_link("/proc/812/fd/30", "/dev/vfio/2");
	tree_link("/proc/812/fd/31", "/dev/vfio/240");
	tree_link("/proc/812/fd/32", "/dev/vfio/vfio");
	tree_link("/proc/812/fd/33", "/tmp/dev/vfio/24");
	tree_link("/proc/812/fd/34", "/dev/vfio/devices/vfio3");
	tree_directory(DEVICES "0000:07:00.0/vfio-dev/vfio3");
	expect(0);
}
END_TEST

START_TEST(who_has_the_device_open_uses_it)
{
	tree_directory(DEVICES "0000:06:00.0/vfio-dev/vfio3");
	tree_link("/proc/812/fd/30", "/dev/vfio/devices/vfio3");
	expect_used_by(812, "kvm");
}
END_TEST

START_TEST(who_has_another_of_the_group_open_uses_it)
{
	tree_directory(DEVICES "0000:06:00.1/vfio-dev/vfio4");
	tree_link("/proc/812/fd/30", "/dev/vfio/devices/vfio4");
	expect_used_by(812, "kvm");
}
END_TEST

START_TEST(a_device_without_a_group_is_found)
{
	ck_assert_int_eq(unlink(tree_make_parents(DEVICES "0000:06:00.0/iommu_group")), 0);
	expect(0);
	tree_directory(DEVICES "0000:06:00.0/vfio-dev/vfio3");
	tree_link("/proc/812/fd/30", "/dev/vfio/devices/vfio3");
	expect_used_by(812, "kvm");
}
END_TEST

START_TEST(a_virtual_function_that_is_used_is_its_physical_ones_use)
{
	add_function("0000:06:10.2", "31");
	tree_link("/proc/812/fd/30", "/dev/vfio/31");
	expect(0);
	tree_link(DEVICES "0000:06:00.0/virtfn0", "../0000:06:10.2");
	expect_used_by(812, "kvm");
}
END_TEST

START_TEST(names_of_processes_are_made_printable)
{
	tree_file("/proc/812/comm", "a b\x1b[31m\nevil\xff and much longer than it can be\n");
	tree_link("/proc/812/fd/30", "/dev/vfio/24");
	expect_used_by(812, "a_b_[31m_evil__and_much_longer_");
	ck_assert_int_eq(unlink(tree_make_parents("/proc/812/comm")), 0);
	expect_used_by(812, "?");
}
END_TEST

START_TEST(a_function_that_is_not_there_is_an_error)
{
	struct pci_address absent = { .bus = 9 };
	struct device_user user;

	ck_assert_int_eq(device_in_use(&tree_root, &absent, &user), -ENODEV);
}
END_TEST

START_TEST(without_processes_nothing_can_be_told)
{
	hide_processes();
	expect(-ENOENT);
}
END_TEST

START_TEST(a_group_that_is_no_number_cannot_be_told)
{
	tree_link(DEVICES "0000:06:00.0/iommu_group", "../../../../kernel/iommu_groups/24/../x");
	expect(-EINVAL);
}
END_TEST

START_TEST(a_group_is_busy_only_when_the_kernel_says_so)
{
	ck_assert_int_eq(device_group_is_busy(&tree_root, &address), 0);
	tree_file("/dev/vfio/24", "");
	ck_assert_int_eq(device_group_is_busy(&tree_root, &address), 0);
}
END_TEST

/* Exits with 0 when somebody without rights is told that he cannot know. */
static void look_as_nobody(const struct root *live)
{
	struct device_user user;

	if (setresgid(65534, 65534, 65534) < 0 || setresuid(65534, 65534, 65534) < 0)
		_exit(2);
	_exit(device_in_use(live, &address, &user) == -EACCES ? 0 : 1);
}

/* The exit status of a child of ours, or -1. */
static int status_of(pid_t pid)
{
	int status;

	return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status)
									       : -1;
}

/* As the first process of its kind: there is no other, and the tree is "/". */
static int look_from_within(void)
{
	struct device_user user = { 0 };
	struct root live = ROOT_INIT;
	pid_t pid;

	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("proc", tree_make_parents("/proc"), "proc", 0, NULL) < 0)
		return 77;
	if (chroot(tree_path) < 0 || chdir("/") < 0 || chmod("/", 0755) < 0 ||
	    root_open(NULL, &live, NULL) < 0)
		return 1;
	if (device_in_use(&live, &address, &user) != 0)
		return 2;
	pid = fork();
	if (pid == 0)
		look_as_nobody(&live);
	if (status_of(pid) != 0)
		return 3;
	if (open("/dev/vfio/24", O_RDWR | O_CLOEXEC) < 0)
		return 4;
	if (device_in_use(&live, &address, &user) != 1)
		return 5;
	return user.pid == getpid() ? 0 : 6;
}

/* Makes the namespaces in a child: whoever makes one of processes can start none in the old. */
static int look_in_namespaces(void)
{
	pid_t pid;

	if (unshare(CLONE_NEWNS | CLONE_NEWPID) < 0)
		return 77;
	pid = fork();
	if (pid == 0)
		_exit(look_from_within());
	return status_of(pid);
}

START_TEST(the_kernel_tells_what_a_real_process_has_open)
{
	int status;
	pid_t pid;

	tree_file("/dev/vfio/24", "");
	hide_processes();
	tree_directory("/proc");
	pid = fork();
	if (pid == 0)
		_exit(look_in_namespaces());
	status = status_of(pid);
	if (status == 77)
		(void)fprintf(stderr, "skipped: no namespaces, or no /proc of our own\n");
	else
		ck_assert_int_eq(status, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("device-use");
	TCase *tcase = tcase_create("device-use");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, setup, tree_teardown);
	tcase_add_test(tcase, what_nobody_has_open_is_free);
	tcase_add_test(tcase, who_has_the_group_open_uses_it);
	tcase_add_test(tcase, a_group_without_an_iommu_counts_too);
	tcase_add_test(tcase, names_that_only_begin_alike_are_others);
	tcase_add_test(tcase, who_has_the_device_open_uses_it);
	tcase_add_test(tcase, who_has_another_of_the_group_open_uses_it);
	tcase_add_test(tcase, a_device_without_a_group_is_found);
	tcase_add_test(tcase, a_virtual_function_that_is_used_is_its_physical_ones_use);
	tcase_add_test(tcase, names_of_processes_are_made_printable);
	tcase_add_test(tcase, a_function_that_is_not_there_is_an_error);
	tcase_add_test(tcase, without_processes_nothing_can_be_told);
	tcase_add_test(tcase, a_group_that_is_no_number_cannot_be_told);
	tcase_add_test(tcase, a_group_is_busy_only_when_the_kernel_says_so);
	tcase_add_test(tcase, the_kernel_tells_what_a_real_process_has_open);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
