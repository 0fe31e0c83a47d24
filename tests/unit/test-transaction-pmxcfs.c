/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Transactions over files of pmxcfs, of which PMXCFS_DOUBLE is a program that has its rules. */
#include <check.h>
#include <spawn.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "recovery/journal.h"
#include "recovery/transaction.h"
#include "tests/unit/sample.h"
#include "tests/unit/scratch.h"

#define NODE     "/etc/pve/nodes/pve1/qemu-server"
#define CONTROL  "/control"
#define COUNT    "/count"
#define CLUSTER  "/var/lib/pve-cluster"
#define DEFERRED STORE_PATH "/deferred"

#define EXIT_SKIPPED 77

static struct store store;
static struct snapshot snapshot;
static struct file_attributes attributes;
static struct transaction_result result;
static struct problem problem;

/* Return: its exit status. */
static int run(const char *const *words)
{
	char **argv;
	int status;
	pid_t pid;

	memcpy(&argv, &words, sizeof(argv));
	if (posix_spawn(&pid, argv[0], NULL, NULL, argv, environ) != 0 ||
	    waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

static int mount_double(void)
{
	const char *const words[] = {
		PMXCFS_DOUBLE, "--mount",   host("/etc/pve"), "--store", host("/kept"), "--node",
		"pve1",        "--control", host(CONTROL),    "--count", NULL,          NULL,
	};
	char count[512];
	const char *argv[ARRAY_SIZE(words)];

	(void)snprintf(count, sizeof(count), "%s" COUNT, scratch);
	memcpy(argv, words, sizeof(words));
	argv[10] = count;
	return run(argv);
}

static void make_folder(const char *path)
{
	_cleanup_close_ int fd = root_open_directory(&root, path, 0755);

	ck_assert_int_ge(fd, 0);
}

static void begin(void)
{
	scratch_make();
	make_folder("/etc/pve");
	make_folder("/kept/nodes/pve1/qemu-server");
	write_text("/kept/nodes/pve1/qemu-server/100.conf", "onboot: 1\n");
	write_text("/kept/nodes/pve1/qemu-server/101.conf", "hostpci0: 0000:05:00.0\n");
	write_text(CONTROL, "quorate\n");
	write_text("/etc/a", "old a");
	ck_assert_int_eq(mount_double(), 0);
	ck_assert_int_eq(store_open(&root, true, &store, NULL), 0);
	sample_snapshot(&snapshot, "boot", "new");
	/* Such as nobody can give to a file there. */
	attributes = (struct file_attributes){ .mode = 0600, .uid = geteuid(), .gid = getegid() };
	ck_assert_int_eq(file_attributes_add(&attributes, "user.x", bytes_of("y")), 0);
}

static void end(void)
{
	transaction_result_done(&result);
	problem_done(&problem);
	snapshot_done(&snapshot);
	store_done(&store);
	file_attributes_done(&attributes);
	ck_assert_int_eq(umount2(host("/etc/pve"), MNT_DETACH), 0);
	scratch_remove();
}

static struct change change(const char *path, const char *was, const char *now)
{
	static struct file_attributes plain;

	plain = (struct file_attributes){ .mode = 0644, .uid = geteuid(), .gid = getegid() };
	return (struct change){
		.path = path,
		.was = bytes_of(was),
		.now = bytes_of(now),
		.was_attributes = strncmp(path, NODE, strlen(NODE)) == 0 ? &attributes : &plain,
		.now_attributes = strncmp(path, NODE, strlen(NODE)) == 0 ? &attributes : &plain,
	};
}

#define N_CHANGES 4

static const struct change *changes(void)
{
	static struct change all[N_CHANGES];

	all[0] = change("/etc/a", "old a", "new a");
	all[1] = change(NODE "/100.conf", "onboot: 1\n", "onboot: 0\n");
	all[2] = change(NODE "/101.conf", "hostpci0: 0000:05:00.0\n", "hostpci0: 0000:06:00.0\n");
	all[3] = change(NODE "/x.txt", NULL, "made");
	return all;
}

static void expect_guests(bool new)
{
	expect_text(NODE "/100.conf", new ? "onboot: 0\n" : "onboot: 1\n");
	expect_text(NODE "/101.conf",
		    new ? "hostpci0: 0000:06:00.0\n" : "hostpci0: 0000:05:00.0\n");
	ck_assert_int_eq(is_there(NODE "/x.txt"), new);
	ck_assert(!is_there(NODE "/.100.conf.hwrecover"));
	ck_assert(!is_there(NODE "/.101.conf.hwrecover"));
	ck_assert(!is_there(NODE "/.x.txt.hwrecover"));
}

static int apply_with(int (*check)(void *data, struct problem *stage_problem))
{
	return transaction_apply(&root, &store, changes(), N_CHANGES, &snapshot, check, NULL,
				 &result, &problem);
}

static int recover(bool pve_writable)
{
	transaction_result_done(&result);
	return transaction_recover(&root, &store, pve_writable, &result, &problem);
}

static void set_quorum(bool quorate)
{
	write_text(CONTROL, quorate ? "quorate\n" : "no-quorum\n");
}

START_TEST(files_are_replaced_by_one_write_and_a_rename_each)
{
	_cleanup_free_ char *count = NULL;

	make_folder(CLUSTER);
	write_text(CLUSTER "/config.db", "database");
	write_text(CLUSTER "/config.db-wal", "log");
	ck_assert_msg(apply_with(NULL) == 0, "%s", problem.text);
	ck_assert_uint_eq(result.n_skipped, 0);
	expect_text("/etc/a", "new a");
	expect_guests(true);
	ck_assert_uint_eq(mode_of(NODE "/100.conf"), 0640);
	count = read_text(COUNT);
	ck_assert_str_eq(count, "create nodes/pve1/qemu-server/.100.conf.hwrecover\n"
				"write nodes/pve1/qemu-server/.100.conf.hwrecover 10\n"
				"create nodes/pve1/qemu-server/.101.conf.hwrecover\n"
				"write nodes/pve1/qemu-server/.101.conf.hwrecover 23\n"
				"create nodes/pve1/qemu-server/.x.txt.hwrecover\n"
				"write nodes/pve1/qemu-server/.x.txt.hwrecover 4\n"
				"rename nodes/pve1/qemu-server/.100.conf.hwrecover "
				"nodes/pve1/qemu-server/100.conf\n"
				"rename nodes/pve1/qemu-server/.101.conf.hwrecover "
				"nodes/pve1/qemu-server/101.conf\n"
				"rename nodes/pve1/qemu-server/.x.txt.hwrecover "
				"nodes/pve1/qemu-server/x.txt\n");
	ck_assert_ptr_null(logged.data);
}
END_TEST

START_TEST(without_quorum_nothing_is_changed)
{
	set_quorum(false);
	ck_assert_int_eq(apply_with(NULL), -EACCES);
	ck_assert_ptr_nonnull(strstr(problem.text, "/100.conf: cannot stage"));
	expect_text("/etc/a", "old a");
	expect_guests(false);
	ck_assert(!is_there(STORE_PATH "/journal"));
}
END_TEST

static int lose_quorum(void *data, struct problem *stage_problem)
{
	(void)data;
	(void)stage_problem;
	set_quorum(false);
	return 0;
}

START_TEST(when_quorum_is_lost_before_the_first_rename_nothing_was_done)
{
	ck_assert_int_eq(apply_with(lose_quorum), -EACCES);
	ck_assert_ptr_nonnull(strstr(problem.text, "/100.conf: cannot replace"));
	expect_text("/etc/a", "old a");
	expect_text(NODE "/100.conf", "onboot: 1\n");
	ck_assert(!is_there(STORE_PATH "/journal"));
	ck_assert_int_eq(store_has(&store, 1, NULL), 0);
	/* What was staged could not be removed. */
	ck_assert(is_there(NODE "/.100.conf.hwrecover"));
	set_quorum(true);
	ck_assert_int_eq(recover(true), 0);
	expect_guests(false);
	ck_assert(!is_there(DEFERRED));
	ck_assert_ptr_null(logged.data);
}
END_TEST

START_TEST(the_same_can_be_tried_again_once_there_is_quorum)
{
	ck_assert_int_eq(apply_with(lose_quorum), -EACCES);
	set_quorum(true);
	ck_assert_msg(apply_with(NULL) == 0, "%s", problem.text);
	expect_text("/etc/a", "new a");
	expect_guests(true);
	ck_assert_int_eq(recover(true), 0);
	expect_guests(true);
	ck_assert(!is_there(DEFERRED));
}
END_TEST

static void write_journal(void)
{
	_cleanup_free_ char *text = NULL, *journal = NULL;
	size_t size, journal_size;

	ck_assert_int_eq(snapshot_render(&snapshot, 1, &text, &size), 0);
	ck_assert_int_eq(journal_render(changes(), N_CHANGES, 1, bytes_make(text, size), &journal,
					&journal_size),
			 0);
	write_bytes(STORE_PATH "/journal", journal, journal_size);
}

/* Recovery was told wrong, or quorum was lost behind it. */
START_TEST(what_waits_for_quorum_is_done_with_it)
{
	write_journal();
	set_quorum(false);
	ck_assert_int_eq(recover(true), 1);
	ck_assert_uint_eq(result.n_deferred, 3);
	ck_assert_uint_eq(count_logged("edits below /etc/pve wait"), 1);
	expect_text("/etc/a", "new a");
	expect_guests(false);
	ck_assert_int_eq(recover(true), 0);
	ck_assert_uint_eq(result.n_deferred, 3);
	set_quorum(true);
	ck_assert_int_eq(recover(true), 1);
	ck_assert_uint_eq(result.n_deferred, 0);
	ck_assert_uint_eq(result.n_skipped, 0);
	expect_guests(true);
	ck_assert(!is_there(DEFERRED));
}
END_TEST

/* Modes and attributes say nothing there. */
START_TEST(contents_alone_tell_what_is_done)
{
	write_journal();
	write_text(NODE "/100.conf", "onboot: 0\n");
	ck_assert_int_eq(recover(true), 1);
	ck_assert_uint_eq(result.n_skipped, 0);
	expect_guests(true);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("transaction-pmxcfs");
	TCase *tests = tcase_create("transaction-pmxcfs");
	SRunner *runner = srunner_create(suite);
	int failed;

	if (geteuid() != 0 || access("/dev/fuse", R_OK | W_OK) < 0 ||
	    access(PMXCFS_DOUBLE, X_OK) < 0)
		return EXIT_SKIPPED;
	tcase_set_timeout(tests, 60);
	tcase_add_checked_fixture(tests, begin, end);
	tcase_add_test(tests, files_are_replaced_by_one_write_and_a_rename_each);
	tcase_add_test(tests, without_quorum_nothing_is_changed);
	tcase_add_test(tests, when_quorum_is_lost_before_the_first_rename_nothing_was_done);
	tcase_add_test(tests, the_same_can_be_tried_again_once_there_is_quorum);
	tcase_add_test(tests, what_waits_for_quorum_is_done_with_it);
	tcase_add_test(tests, contents_alone_tell_what_is_done);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
