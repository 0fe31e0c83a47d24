/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/start-hooks.h"

#include <sched.h>
#include <sys/mount.h>

#include "agent/run-command.h"
#include "tests/unit/scratch.h"

#define LIBVIRT_HOOK "/etc/libvirt/hooks/qemu.d/hwrecover"
#define PVE_HOOK     "/var/lib/vz/snippets/hwrecover-hook"
#define OLD_HOOK     "/var/lib/vz/snippets/old.pl"
#define RECORDS      "/var/lib/hwrecover/hookscripts"
#define VOLUME       "local:snippets/hwrecover-hook"

static struct problem problem;

/* The guests of a test, and what became of their files. */
static struct hook_guest guests[4];
static size_t n_guests;
static char *texts[4];
static struct buffer refused;
static uint32_t fails_for;

static void make_path(const char *path)
{
	int fd = root_open_directory(&root, path, 0755);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(close(fd), 0);
}

static void setup(void)
{
	scratch_make();
	make_path("/etc/pve/nodes/pve1");
	make_path("/var/lib/vz");
	n_guests = 0;
	fails_for = 0;
}

static void teardown(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		free(texts[i]);
		texts[i] = NULL;
	}
	buffer_done(&refused);
	problem_done(&problem);
	scratch_remove();
}

static void set_text(size_t index, struct bytes text)
{
	char *copy;

	ck_assert_int_eq(bytes_duplicate(text, &copy), 0);
	free(texts[index]);
	texts[index] = copy;
	guests[index].contents = bytes_of(copy);
}

static void add_guest(uint32_t vmid, bool is_lxc, bool passthrough, const char *text)
{
	guests[n_guests] = (struct hook_guest){ .vmid = vmid,
						.path = "/etc/pve/nodes/pve1/guest",
						.is_lxc = is_lxc,
						.passthrough = passthrough };
	set_text(n_guests++, bytes_of(text));
}

static int replace(void *data, const struct hook_guest *guest, struct bytes now,
		   struct problem *why)
{
	(void)data;
	if (guest->vmid == fails_for)
		return problem_set(why, -EACCES, guest->path, 0, "no quorum");
	set_text((size_t)(guest - guests), now);
	return 0;
}

static void refuse(void *data, const struct hook_guest *guest, const char *reason)
{
	(void)data;
	buffer_appendf(&refused, "%u: %s\n", (unsigned int)guest->vmid, reason);
}

static const struct hook_edits edits = { .replace = replace, .refuse = refuse };

static int install(void)
{
	return start_hook_install_pve(&root, "pve1", guests, n_guests, &edits, &problem);
}

static int take_back(void)
{
	return start_hook_remove_pve(&root, "pve1", guests, n_guests, &edits, &problem);
}

static void allow_snippets(void)
{
	write_text("/etc/pve/storage.cfg", "dir: local\n"
					   "\tpath /var/lib/vz\n"
					   "\tcontent iso,snippets\n");
}

static void make_old_hook(unsigned int mode)
{
	make_path("/var/lib/vz/snippets");
	write_text(OLD_HOOK, "#!/bin/sh\n");
	ck_assert_int_eq(chmod(host(OLD_HOOK), mode), 0);
}

START_TEST(without_libvirt_there_is_no_hook_for_it)
{
	ck_assert_int_eq(start_hook_install_libvirt(&root, &problem), 0);
	ck_assert(!is_there("/etc/libvirt"));
	ck_assert_int_eq(start_hook_remove_libvirt(&root, &problem), 0);
}
END_TEST

START_TEST(libvirts_hook_is_put_where_it_looks_and_taken_away)
{
	make_path("/etc/libvirt");
	ck_assert_int_eq(start_hook_install_libvirt(&root, &problem), 1);
	ck_assert_uint_eq(mode_of(LIBVIRT_HOOK), 0755);
	ck_assert_int_eq(start_hook_install_libvirt(&root, &problem), 0);
	ck_assert_int_eq(chmod(host(LIBVIRT_HOOK), 0644), 0);
	ck_assert_int_eq(start_hook_install_libvirt(&root, &problem), 1);
	ck_assert_uint_eq(mode_of(LIBVIRT_HOOK), 0755);
	ck_assert_int_eq(start_hook_remove_libvirt(&root, &problem), 1);
	ck_assert(!is_there(LIBVIRT_HOOK));
	ck_assert_int_eq(start_hook_remove_libvirt(&root, &problem), 0);
}
END_TEST

START_TEST(somebody_elses_hook_of_the_name_is_left)
{
	make_path("/etc/libvirt/hooks/qemu.d");
	write_text(LIBVIRT_HOOK, "#!/bin/sh\nexit 0\n");
	ck_assert_int_eq(start_hook_install_libvirt(&root, &problem), -EEXIST);
	ck_assert_ptr_nonnull(strstr(problem.text, LIBVIRT_HOOK));
	ck_assert_int_eq(start_hook_remove_libvirt(&root, &problem), 0);
	expect_text(LIBVIRT_HOOK, "#!/bin/sh\nexit 0\n");
}
END_TEST

START_TEST(only_guests_with_devices_get_it_and_only_in_their_current_settings)
{
	allow_snippets();
	add_guest(101, false, true,
		  "#notes\ncores: 4\nhostpci0: 01:00.0\n"
		  "\n[PENDING]\ncores: 2\n\n[before]\ncores: 1\n");
	add_guest(102, false, false, "cores: 2\n");
	add_guest(105, true, true, "arch: amd64\nlxc.net.0.link: enp6s0\n");
	ck_assert_int_eq(install(), 2);
	ck_assert_str_eq(texts[0], "#notes\ncores: 4\nhostpci0: 01:00.0\nhookscript: " VOLUME
				   "\n\n[PENDING]\ncores: 2\n\n[before]\ncores: 1\n");
	ck_assert_str_eq(texts[1], "cores: 2\n");
	ck_assert_str_eq(texts[2], "arch: amd64\nlxc.net.0.link: enp6s0\nhookscript: " VOLUME "\n");
	ck_assert_uint_eq(mode_of(PVE_HOOK), 0755);
	ck_assert(!is_there(RECORDS));
	/* Twice changes nothing the second time. */
	ck_assert_int_eq(install(), 0);
}
END_TEST

START_TEST(taken_back_files_are_what_they_were)
{
	static const char *const before[] = { "cores: 4\nhostpci0: 01:00.0\n\n[a]\ncores: 1\n",
					      "hostpci0: 01:00.0", "[a]\ncores: 1\n", "" };

	allow_snippets();
	for (size_t i = 0; i < ARRAY_SIZE(before); i++)
		add_guest((uint32_t)(101 + i), false, true, before[i]);
	ck_assert_int_eq(install(), 4);
	for (size_t i = 0; i < ARRAY_SIZE(before); i++)
		ck_assert_ptr_nonnull(strstr(texts[i], "hookscript: " VOLUME));
	ck_assert_int_eq(take_back(), 4);
	for (size_t i = 0; i < ARRAY_SIZE(before); i++)
		ck_assert_str_eq(texts[i], before[i]);
	ck_assert(!is_there(PVE_HOOK));
}
END_TEST

START_TEST(a_script_that_is_there_is_recorded_and_comes_back)
{
	allow_snippets();
	make_old_hook(0755);
	add_guest(101, false, true, "hookscript:  local:snippets/old.pl \nhostpci0: 01:00.0\n");
	ck_assert_int_eq(install(), 1);
	ck_assert_str_eq(texts[0], "hookscript:  " VOLUME " \nhostpci0: 01:00.0\n");
	expect_text(RECORDS, "101\tlocal:snippets/old.pl\t" OLD_HOOK "\n");
	ck_assert_uint_eq(mode_of(RECORDS), 0600);
	ck_assert_int_eq(install(), 0);
	expect_text(RECORDS, "101\tlocal:snippets/old.pl\t" OLD_HOOK "\n");
	ck_assert_int_eq(take_back(), 1);
	ck_assert_str_eq(texts[0], "hookscript:  local:snippets/old.pl \nhostpci0: 01:00.0\n");
	ck_assert(!is_there(RECORDS));
	ck_assert(!is_there(PVE_HOOK));
	ck_assert(is_there(OLD_HOOK));
}
END_TEST

START_TEST(snapshots_taken_meanwhile_are_cleaned_too)
{
	allow_snippets();
	make_old_hook(0755);
	add_guest(101, false, true, "hookscript: local:snippets/old.pl\n");
	ck_assert_int_eq(install(), 1);
	set_text(0,
		 bytes_of("hookscript: " VOLUME "\n\n[later]\nhookscript: " VOLUME "\ncores: 1\n"));
	ck_assert_int_eq(take_back(), 1);
	ck_assert_str_eq(texts[0], "hookscript: local:snippets/old.pl\n\n[later]\n"
				   "hookscript: local:snippets/old.pl\ncores: 1\n");
}
END_TEST

START_TEST(a_script_that_others_could_change_is_refused)
{
	allow_snippets();
	make_old_hook(0757);
	add_guest(101, false, true, "hookscript: local:snippets/old.pl\n");
	add_guest(102, false, true, "hookscript: local:snippets/gone.pl\n");
	add_guest(103, false, true, "hookscript: ceph:rbd-1\n");
	ck_assert_int_eq(install(), 0);
	ck_assert_str_eq(texts[0], "hookscript: local:snippets/old.pl\n");
	ck_assert_str_eq(
		refused.data,
		"101: its hook script local:snippets/old.pl could be changed by others than root\n"
		"102: its hook script local:snippets/gone.pl cannot be found\n"
		"103: its hook script ceph:rbd-1 is in no storage that is a folder\n");
	ck_assert(!is_there(RECORDS));
}
END_TEST

START_TEST(a_change_that_is_pending_is_left_to_happen)
{
	allow_snippets();
	add_guest(101, false, true, "cores: 1\n\n[PENDING]\nhookscript: local:snippets/new.pl\n");
	add_guest(102, false, true, "cores: 1\n\n[PENDING]\ndelete: hookscript\n");
	ck_assert_int_eq(install(), 0);
	ck_assert_ptr_nonnull(strstr(refused.data, "101: "));
	ck_assert_ptr_nonnull(strstr(refused.data, "102: "));
}
END_TEST

/* A second storage, after one that does not do. */
#define OTHER                           \
	"dir: local\n\tcontent iso\n\n" \
	"dir: b\n\tpath /srv\n\tcontent snippets\n"

START_TEST(where_no_storage_may_hold_it_nothing_is_done)
{
	static const char *const configs[] = {
		"dir: local\n\tpath /var/lib/vz\n\tcontent iso\n",
		"dir: local\n\tcontent snippets\n\tdisable\n",
		"dir: local\n\tcontent iso\n\nnfs: nas\n\tpath /mnt/pve/nas\n\tcontent snippets\n",
		OTHER "\tshared 1\n",
		OTHER "\tnodes pve2,pve11\n",
	};

	add_guest(101, false, true, "cores: 1\n");
	for (size_t i = 0; i < ARRAY_SIZE(configs); i++) {
		write_text("/etc/pve/storage.cfg", configs[i]);
		ck_assert_int_eq(install(), -ENOENT);
		ck_assert_ptr_nonnull(strstr(problem.text, "snippets"));
		problem_done(&problem);
	}
	ck_assert_str_eq(texts[0], "cores: 1\n");
	ck_assert(!is_there("/var/lib/vz/snippets"));
}
END_TEST

START_TEST(another_storage_of_this_node_will_do)
{
	write_text("/etc/pve/storage.cfg", "dir: local\n"
					   "\tpath /var/lib/vz\n"
					   "\tcontent iso\n"
					   "# a comment\n"
					   "\n"
					   "dir: fast\n"
					   "\tpath /srv/fast\n"
					   "\tcontent-dirs iso=i,snippets=my/scripts\n"
					   "\tcontent images;snippets\n"
					   "\tnodes pve2 pve1\n");
	make_path("/srv/fast");
	add_guest(101, false, true, "cores: 1\n");
	ck_assert_int_eq(install(), 1);
	ck_assert_str_eq(texts[0], "cores: 1\nhookscript: fast:snippets/hwrecover-hook\n");
	ck_assert_uint_eq(mode_of("/srv/fast/my/scripts/hwrecover-hook"), 0755);
}
END_TEST

START_TEST(without_a_storage_configuration_local_is_there)
{
	add_guest(101, false, true, "cores: 1\n");
	ck_assert_int_eq(install(), 1);
	ck_assert(is_there(PVE_HOOK));
}
END_TEST

START_TEST(a_guest_that_cannot_be_changed_keeps_the_script_in_place)
{
	allow_snippets();
	make_old_hook(0755);
	add_guest(101, false, true, "hookscript: local:snippets/old.pl\n");
	add_guest(102, false, true, "cores: 1\n");
	ck_assert_int_eq(install(), 2);
	fails_for = 101;
	ck_assert_int_eq(take_back(), -EACCES);
	ck_assert_ptr_nonnull(strstr(problem.text, "no quorum"));
	ck_assert_str_eq(texts[0], "hookscript: " VOLUME "\n");
	ck_assert_str_eq(texts[1], "cores: 1\n");
	ck_assert(is_there(PVE_HOOK));
	expect_text(RECORDS, "101\tlocal:snippets/old.pl\t" OLD_HOOK "\n");
	fails_for = 0;
	ck_assert_int_eq(take_back(), 1);
	ck_assert_str_eq(texts[0], "hookscript: local:snippets/old.pl\n");
	ck_assert(!is_there(PVE_HOOK));
}
END_TEST

START_TEST(a_number_that_is_used_again_does_not_get_the_old_script)
{
	allow_snippets();
	make_old_hook(0755);
	make_path("/var/lib/hwrecover");
	write_text(RECORDS, "101\tlocal:snippets/old.pl\t" OLD_HOOK "\nnonsense\n\n1\t\t\n");
	add_guest(101, false, true, "cores: 1\n");
	ck_assert_int_eq(install(), 1);
	ck_assert(!is_there(RECORDS));
}
END_TEST

/* The scripts as they run, in a file system of the test's own; false where that cannot be. */
static bool make_machine(int check_status)
{
	char text[256];
	int fd;

	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("tmpfs", "/usr/local/sbin", "tmpfs", 0, NULL) < 0 ||
	    mount("tmpfs", "/var/lib", "tmpfs", 0, NULL) < 0 ||
	    mount("tmpfs", "/etc", "tmpfs", 0, NULL) < 0) {
		(void)fprintf(stderr, "skipped: no namespace: %s\n", strerror(errno));
		return false;
	}
	if (check_status < 0)
		return true;
	(void)snprintf(text, sizeof(text), "#!/bin/sh\necho asked \"$@\"\nexit %d\n", check_status);
	fd = open("/usr/local/sbin/hwrecover", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(file_write_fd(fd, bytes_of(text)), 0);
	ck_assert_int_eq(close(fd), 0);
	return true;
}

/* What a hook says and how it ends. */
static void expect_run(const char *hook, const char *first, const char *second, int status,
		       const char *output)
{
	const char *const argv[] = { host(hook), first, second, "begin", NULL };
	const struct program program = { argv, 20000, 4096 };
	_cleanup_(program_result_done) struct program_result result = { 0 };

	ck_assert_int_eq(run_command(&program, &result, &problem), 0);
	ck_assert_str_eq(result.output, output);
	ck_assert_str_eq(result.errors, "");
	ck_assert_int_eq(result.status, status);
}

START_TEST(libvirts_hook_refuses_what_is_refused_and_nothing_else)
{
	make_path("/etc/libvirt");
	ck_assert_int_eq(start_hook_install_libvirt(&root, &problem), 1);
	if (!make_machine(1))
		return;
	expect_run(LIBVIRT_HOOK, "my guest", "prepare", 1,
		   "asked check-guest -- libvirt my guest\n");
	expect_run(LIBVIRT_HOOK, "my guest", "release", 0, "");
}
END_TEST

START_TEST(a_hook_lets_start_what_it_cannot_judge)
{
	int status = _i;

	make_path("/etc/libvirt");
	ck_assert_int_eq(start_hook_install_libvirt(&root, &problem), 1);
	if (!make_machine(status))
		return;
	expect_run(LIBVIRT_HOOK, "-x", "prepare", 0,
		   status < 0 ? "" : "asked check-guest -- libvirt -x\n");
}
END_TEST

static void write_on_machine(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(file_write_fd(fd, bytes_of(text)), 0);
	ck_assert_int_eq(close(fd), 0);
}

START_TEST(proxmoxs_hook_asks_and_then_runs_what_the_guest_had)
{
	add_guest(101, false, true, "cores: 1\n");
	ck_assert_int_eq(install(), 1);
	if (!make_machine(0))
		return;
	ck_assert_int_eq(mkdir("/etc/pve", 0755), 0);
	ck_assert_int_eq(mkdir("/etc/pve/lxc", 0755), 0);
	write_on_machine("/etc/pve/lxc/105.conf", "");
	expect_run(PVE_HOOK, "101", "pre-start", 0, "asked check-guest -- qemu 101\n");
	expect_run(PVE_HOOK, "105", "pre-start", 0, "asked check-guest -- lxc 105\n");
	expect_run(PVE_HOOK, "101", "post-stop", 0, "");
	ck_assert_int_eq(mkdir("/var/lib/hwrecover", 0700), 0);
	write_on_machine("/var/lib/hwrecover/hookscripts",
			 "10\tlocal:snippets/no.pl\t/nowhere\n"
			 "101\tlocal:snippets/old.pl\t/var/lib/old.sh\n");
	write_on_machine("/var/lib/old.sh", "#!/bin/sh\ncat\necho old \"$@\"\nexit 7\n");
	expect_run(PVE_HOOK, "101", "pre-start", 7,
		   "asked check-guest -- qemu 101\nold 101 pre-start begin\n");
	expect_run(PVE_HOOK, "101", "post-stop", 7, "old 101 post-stop begin\n");
	expect_run(PVE_HOOK, "1", "post-stop", 0, "");
}
END_TEST

START_TEST(proxmoxs_hook_refuses_before_it_runs_anything)
{
	add_guest(101, false, true, "cores: 1\n");
	ck_assert_int_eq(install(), 1);
	if (!make_machine(1))
		return;
	ck_assert_int_eq(mkdir("/var/lib/hwrecover", 0700), 0);
	write_on_machine("/var/lib/hwrecover/hookscripts",
			 "101\tlocal:snippets/old.pl\t/var/lib/old.sh\n");
	write_on_machine("/var/lib/old.sh", "#!/bin/sh\necho old\n");
	expect_run(PVE_HOOK, "101", "pre-start", 1, "asked check-guest -- qemu 101\n");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("start-hooks");
	TCase *tests = tcase_create("start-hooks");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, without_libvirt_there_is_no_hook_for_it);
	tcase_add_test(tests, libvirts_hook_is_put_where_it_looks_and_taken_away);
	tcase_add_test(tests, somebody_elses_hook_of_the_name_is_left);
	tcase_add_test(tests, only_guests_with_devices_get_it_and_only_in_their_current_settings);
	tcase_add_test(tests, taken_back_files_are_what_they_were);
	tcase_add_test(tests, a_script_that_is_there_is_recorded_and_comes_back);
	tcase_add_test(tests, snapshots_taken_meanwhile_are_cleaned_too);
	tcase_add_test(tests, a_script_that_others_could_change_is_refused);
	tcase_add_test(tests, a_change_that_is_pending_is_left_to_happen);
	tcase_add_test(tests, where_no_storage_may_hold_it_nothing_is_done);
	tcase_add_test(tests, another_storage_of_this_node_will_do);
	tcase_add_test(tests, without_a_storage_configuration_local_is_there);
	tcase_add_test(tests, a_guest_that_cannot_be_changed_keeps_the_script_in_place);
	tcase_add_test(tests, a_number_that_is_used_again_does_not_get_the_old_script);
	tcase_add_test(tests, libvirts_hook_refuses_what_is_refused_and_nothing_else);
	/* Not there; done; wrong usage; a signal's. */
	tcase_add_loop_test(tests, a_hook_lets_start_what_it_cannot_judge, -1, 1);
	tcase_add_loop_test(tests, a_hook_lets_start_what_it_cannot_judge, 2, 4);
	tcase_add_test(tests, proxmoxs_hook_asks_and_then_runs_what_the_guest_had);
	tcase_add_test(tests, proxmoxs_hook_refuses_before_it_runs_anything);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
