/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/pve.h"

#define FUSE_USE_VERSION 31

#include <fuse.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "agent/clock.h"
#include "tests/unit/scratch.h"

#define PVE "/etc/pve"

/* What the file system is told to be like, shared with the process that serves it. */
struct fake_pve {
	char local[64];
	bool quorum;
	bool hangs;
};

static struct fake_pve *fake;
static pid_t server;

static bool get(const bool *flag)
{
	return __atomic_load_n(flag, __ATOMIC_SEQ_CST);
}

static void set(bool *flag, bool value)
{
	__atomic_store_n(flag, value, __ATOMIC_SEQ_CST);
}

static void hang_if_told(void)
{
	while (get(&fake->hangs))
		(void)poll(NULL, 0, 5);
}

static int fake_getattr(const char *path, struct stat *st, struct fuse_file_info *info)
{
	(void)info;
	hang_if_told();
	st->st_nlink = 1;
	if (strcmp(path, "/") == 0)
		st->st_mode = S_IFDIR | 0755;
	else if (strcmp(path, "/local") == 0)
		st->st_mode = S_IFLNK | (get(&fake->quorum) ? 0755 : 0555);
	else
		return -ENOENT;
	return 0;
}

static int fake_readlink(const char *path, char *target, size_t size)
{
	(void)path;
	hang_if_told();
	(void)snprintf(target, size, "%s", fake->local);
	return 0;
}

static int fake_statfs(const char *path, struct statvfs *fs)
{
	(void)path;
	hang_if_told();
	fs->f_namemax = 256;
	return 0;
}

static void *fake_init(struct fuse_conn_info *connection, struct fuse_config *config)
{
	(void)connection;
	config->entry_timeout = 0;
	config->attr_timeout = 0;
	config->negative_timeout = 0;
	return NULL;
}

static const struct fuse_operations operations = {
	.init = fake_init,
	.getattr = fake_getattr,
	.readlink = fake_readlink,
	.statfs = fake_statfs,
};

static void serve(int ready_fd)
{
	char *argv[] = { strdup("fake"), NULL };
	struct fuse_args arguments = FUSE_ARGS_INIT(1, argv);
	struct fuse *fuse = fuse_new(&arguments, &operations, sizeof(operations), NULL);

	if (!fuse || fuse_mount(fuse, host(PVE)) < 0 || write(ready_fd, "", 1) != 1)
		_exit(1);
	(void)close(ready_fd);
	_exit(fuse_loop_mt(fuse, 0) == 0 ? 0 : 1);
}

static void setup(void)
{
	if (unshare(CLONE_NEWNS) == 0)
		ck_assert_int_eq(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	scratch_make();
	make_directory("/etc");
	fake = mmap(NULL, sizeof(*fake), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(fake, MAP_FAILED);
	*fake = (struct fake_pve){ .local = "nodes/pve1", .quorum = true };
}

static void stop_server(void)
{
	if (server <= 0)
		return;
	set(&fake->hangs, false);
	(void)umount2(host(PVE), MNT_DETACH);
	(void)kill(server, SIGKILL);
	(void)waitpid(server, NULL, 0);
	server = 0;
}

static void teardown(void)
{
	stop_server();
	(void)munmap(fake, sizeof(*fake));
	scratch_remove();
}

/* Whether there is such a file system now: it takes root, and a kernel that has FUSE. */
static bool mount_pve(void)
{
	bool ready;
	char byte;
	int fds[2];

	root.live = true;
	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	server = fork();
	ck_assert_int_ge(server, 0);
	if (server == 0)
		serve(fds[1]);
	ck_assert_int_eq(close(fds[1]), 0);
	ready = read(fds[0], &byte, 1) == 1;
	ck_assert_int_eq(close(fds[0]), 0);
	if (!ready)
		(void)fprintf(stderr, "skipped: no FUSE\n");
	return ready;
}

static enum pve_state look_within(unsigned int timeout_ms)
{
	enum pve_state state = _PVE_STATE_MAX;

	ck_assert_int_eq(pve_look(&root, "pve1", timeout_ms, &state), 0);
	return state;
}

static enum pve_state look(void)
{
	return look_within(20000);
}

START_TEST(a_machine_without_it_is_no_host_of_proxmox)
{
	ck_assert_int_eq(look(), PVE_ABSENT);
	root.live = true;
	ck_assert_int_eq(look(), PVE_ABSENT);
	write_text(PVE, "a file\n");
	ck_assert_int_eq(look(), PVE_ABSENT);
}
END_TEST

START_TEST(in_a_tree_it_is_a_plain_copy)
{
	make_directory(PVE);
	ck_assert_int_eq(look(), PVE_WRITABLE);
}
END_TEST

START_TEST(an_ordinary_folder_is_not_mounted_and_costs_no_child)
{
	root.live = true;
	make_directory(PVE);
	ck_assert_int_eq(symlink("nodes/pve1", host(PVE "/local")), 0);
	/* A child is found or not, but never waited for: no time is enough only where there is
	 * none. */
	ck_assert_int_eq(look_within(0), PVE_NOT_MOUNTED);
}
END_TEST

START_TEST(another_file_system_is_not_it)
{
	root.live = true;
	make_directory(PVE);
	if (mount("tmpfs", host(PVE), "tmpfs", 0, NULL) < 0)
		return;
	ck_assert_int_eq(symlink("nodes/pve1", host(PVE "/local")), 0);
	ck_assert_int_eq(look(), PVE_NOT_MOUNTED);
	ck_assert_int_eq(umount(host(PVE)), 0);
}
END_TEST

START_TEST(quorum_is_seen_in_the_mode_of_local)
{
	make_directory(PVE);
	if (!mount_pve())
		return;
	ck_assert_int_eq(look(), PVE_WRITABLE);
	set(&fake->quorum, false);
	ck_assert_int_eq(look(), PVE_NO_QUORUM);
}
END_TEST

START_TEST(another_nodes_folder_is_not_ours)
{
	static const char *const others[] = { "nodes/pve", "nodes/pve12", "nodes/pve2", "" };

	make_directory(PVE);
	if (!mount_pve())
		return;
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		(void)snprintf(fake->local, sizeof(fake->local), "%s", others[i]);
		ck_assert_int_eq(look(), PVE_NOT_MOUNTED);
	}
}
END_TEST

START_TEST(one_whose_daemon_died_is_not_mounted)
{
	make_directory(PVE);
	if (!mount_pve())
		return;
	(void)kill(server, SIGKILL);
	(void)waitpid(server, NULL, 0);
	server = 0;
	ck_assert_int_eq(look(), PVE_NOT_MOUNTED);
	ck_assert_int_eq(umount2(host(PVE), MNT_DETACH), 0);
}
END_TEST

START_TEST(one_that_hangs_is_given_up_in_time)
{
	uint64_t begin;

	make_directory(PVE);
	if (!mount_pve())
		return;
	set(&fake->hangs, true);
	begin = clock_monotonic_ms();
	ck_assert_int_eq(look_within(100), PVE_HANGS);
	/* The limit, a second for a child that cannot be killed, and some for a busy machine. */
	ck_assert_uint_lt(clock_monotonic_ms() - begin, 6000);
	set(&fake->hangs, false);
	ck_assert_int_eq(look(), PVE_WRITABLE);
}
END_TEST

START_TEST(no_wait_where_there_is_quorum_or_no_proxmox)
{
	ck_assert_int_eq(pve_wait_for_quorum(&root, "pve1"), -ENOENT);
	make_directory(PVE);
	ck_assert_int_eq(pve_wait_for_quorum(&root, "pve1"), 0);
	if (!mount_pve())
		return;
	ck_assert_int_eq(pve_wait_for_quorum(&root, "pve1"), 0);
	ck_assert_uint_eq(logged.size, 0);
}
END_TEST

/* Where the service manager's messages arrive. */
static int listen_as_manager(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	ck_assert_int_ge(fd, 0);
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", host("/notify"));
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(setenv("NOTIFY_SOCKET", address.sun_path, 1), 0);
	return fd;
}

static void *give_quorum_later(void *nothing)
{
	(void)nothing;
	(void)poll(NULL, 0, 300);
	set(&fake->quorum, true);
	return NULL;
}

/* After the first look has been given up. */
static void *answer_later(void *nothing)
{
	(void)nothing;
	(void)poll(NULL, 0, 4000);
	set(&fake->hangs, false);
	return NULL;
}

START_TEST(quorum_ends_the_wait_and_the_manager_was_told)
{
	char message[512];
	pthread_t thread;
	ssize_t size;
	int fd;

	make_directory(PVE);
	if (!mount_pve())
		return;
	set(&fake->quorum, false);
	fd = listen_as_manager();
	ck_assert_int_eq(pthread_create(&thread, NULL, give_quorum_later, NULL), 0);
	ck_assert_int_eq(pve_wait_for_quorum(&root, "pve1"), 1);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	size = recv(fd, message, sizeof(message) - 1, 0);
	ck_assert_int_gt(size, 0);
	message[size] = '\0';
	ck_assert_ptr_nonnull(strstr(message, "EXTEND_TIMEOUT_USEC=60000000\n"));
	ck_assert_ptr_nonnull(strstr(message, "STATUS="));
	ck_assert_ptr_nonnull(strstr(message, "without quorum"));
	ck_assert_uint_eq(count_logged("\n"), 1);
	ck_assert_uint_eq(count_logged("waiting for the cluster's quorum"), 1);
	ck_assert_int_eq(close(fd), 0);
	ck_assert_int_eq(unsetenv("NOTIFY_SOCKET"), 0);
}
END_TEST

START_TEST(a_hang_in_the_wait_does_not_end_it)
{
	pthread_t thread;

	make_directory(PVE);
	if (!mount_pve())
		return;
	set(&fake->hangs, true);
	ck_assert_int_eq(pthread_create(&thread, NULL, answer_later, NULL), 0);
	ck_assert_int_eq(pve_wait_for_quorum(&root, "pve1"), 1);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ck_assert_uint_eq(count_logged("not answering"), 1);
	/* The child that hung is gone, too. */
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), 0);
}
END_TEST

static void *send_term(void *waiter)
{
	(void)poll(NULL, 0, 300);
	(void)pthread_kill(*(pthread_t *)waiter, SIGTERM);
	return NULL;
}

START_TEST(a_signal_ends_the_wait_at_once_and_nothing_else)
{
	pthread_t self = pthread_self(), thread;
	sigset_t before, after;
	uint64_t begin;

	make_directory(PVE);
	root.live = true;
	(void)sigprocmask(SIG_BLOCK, NULL, &before);
	begin = clock_monotonic_ms();
	ck_assert_int_eq(pthread_create(&thread, NULL, send_term, &self), 0);
	ck_assert_int_eq(pve_wait_for_quorum(&root, "pve1"), -ECANCELED);
	ck_assert_uint_lt(clock_monotonic_ms() - begin, 900);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	(void)sigprocmask(SIG_BLOCK, NULL, &after);
	ck_assert_int_eq(sigismember(&before, SIGTERM), sigismember(&after, SIGTERM));
	ck_assert_uint_eq(count_logged("not mounted"), 1);
}
END_TEST

static void *mount_later(void *nothing)
{
	(void)nothing;
	(void)poll(NULL, 0, 300);
	ck_assert(mount_pve());
	return NULL;
}

START_TEST(it_may_be_mounted_later)
{
	pthread_t thread;

	make_directory(PVE);
	if (!mount_pve())
		return;
	stop_server();
	ck_assert_int_eq(look(), PVE_NOT_MOUNTED);
	ck_assert_int_eq(pthread_create(&thread, NULL, mount_later, NULL), 0);
	ck_assert_int_eq(pve_wait_for_quorum(&root, "pve1"), 1);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pve");
	TCase *tests = tcase_create("pve");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, a_machine_without_it_is_no_host_of_proxmox);
	tcase_add_test(tests, in_a_tree_it_is_a_plain_copy);
	tcase_add_test(tests, an_ordinary_folder_is_not_mounted_and_costs_no_child);
	tcase_add_test(tests, another_file_system_is_not_it);
	tcase_add_test(tests, quorum_is_seen_in_the_mode_of_local);
	tcase_add_test(tests, another_nodes_folder_is_not_ours);
	tcase_add_test(tests, one_whose_daemon_died_is_not_mounted);
	tcase_add_test(tests, one_that_hangs_is_given_up_in_time);
	tcase_add_test(tests, no_wait_where_there_is_quorum_or_no_proxmox);
	tcase_add_test(tests, quorum_ends_the_wait_and_the_manager_was_told);
	tcase_add_test(tests, a_hang_in_the_wait_does_not_end_it);
	tcase_add_test(tests, a_signal_ends_the_wait_at_once_and_nothing_else);
	tcase_add_test(tests, it_may_be_mounted_later);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
