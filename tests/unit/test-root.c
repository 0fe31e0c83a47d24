/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "snapshot/basic/root.h"

#include "tests/unit/scratch.h"

static char *resolve(const char *path)
{
	char *resolved = NULL;

	ck_assert_int_eq(root_resolve(&root, path, &resolved), 0);
	return resolved;
}

static void expect_resolved(const char *path, const char *expected)
{
	_cleanup_free_ char *resolved = resolve(path);

	ck_assert_str_eq(resolved, expected);
}

static void expect_no_path(const char *path, int error)
{
	char *resolved = NULL;

	ck_assert_int_eq(root_resolve(&root, path, &resolved), error);
	ck_assert_ptr_null(resolved);
}

/* What a pattern gives, joined by blanks. */
static void expect_glob(const char *pattern, const char *expected)
{
	struct buffer joined = { 0 };
	_cleanup_free_ char *text = NULL;
	char **paths = NULL;
	int n;

	n = root_glob(&root, pattern, &paths);
	ck_assert_int_ge(n, 0);
	for (int i = 0; i < n; i++) {
		if (i > 0)
			buffer_append_char(&joined, ' ');
		buffer_append_text(&joined, paths[i]);
	}
	ck_assert_ptr_null(paths[n]);
	root_glob_free(paths);
	ck_assert_int_eq(buffer_finish(&joined, &text, NULL), 0);
	ck_assert_str_eq(text, expected);
}

static void expect_contents(const char *path, const char *expected)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_close_ int fd = -1;
	size_t size;

	fd = root_openat(&root, path, O_RDONLY, 0);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(file_read_fd(fd, 4096, &text, &size), 0);
	ck_assert_str_eq(text, expected);
}

START_TEST(only_the_machine_itself_is_live)
{
	_cleanup_(root_done) struct root live = ROOT_INIT, same = ROOT_INIT;

	ck_assert_int_eq(root_open(NULL, &live, NULL), 0);
	ck_assert(live.live);
	ck_assert_str_eq(live.path, "/");
	ck_assert_int_eq(root_open("/", &same, NULL), 0);
	ck_assert(!same.live);
}
END_TEST

START_TEST(a_tree_that_is_no_directory_is_refused_by_name)
{
	_cleanup_(problem_done) struct problem problem = { 0 };
	struct root none = ROOT_INIT;

	write_text("/file", "");
	ck_assert_int_eq(root_open(host("/file"), &none, &problem), -ENOTDIR);
	ck_assert_ptr_nonnull(strstr(problem.text, "/file: cannot open: Not a directory"));
	ck_assert_int_eq(none.fd, -1);
	problem_done(&problem);
	ck_assert_int_eq(root_open(host("/nowhere"), &none, &problem), -ENOENT);
	ck_assert_ptr_nonnull(strstr(problem.text, "/nowhere: "));
}
END_TEST

START_TEST(releasing_nothing_is_allowed)
{
	struct root zeroed = { 0 }, unopened = ROOT_INIT;

	root_done(NULL);
	root_done(&zeroed);
	root_done(&unopened);
	root_glob_free(NULL);
	ck_assert_int_ge(fcntl(STDIN_FILENO, F_GETFD), -1);
	ck_assert_int_eq(fcntl(root.fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
}
END_TEST

START_TEST(links_do_not_lead_out_of_the_tree)
{
	make_directory("/etc");
	write_text("/etc/passwd", "inside");
	write_text("/outside", "top");
	ck_assert_int_eq(symlink("/etc/passwd", host("/absolute")), 0);
	ck_assert_int_eq(symlink("../../../../../../outside", host("/etc/climbing")), 0);
	ck_assert_int_eq(symlink("/", host("/etc/top")), 0);
	expect_contents("/absolute", "inside");
	expect_contents("/etc/climbing", "top");
	expect_contents("/etc/top/etc/top/outside", "top");
	expect_contents("/../../etc/passwd", "inside");
	ck_assert_int_eq(root_openat(&root, "/absolute", O_RDONLY | O_NOFOLLOW, 0), -ELOOP);
}
END_TEST

START_TEST(a_path_that_does_not_start_at_the_top_is_refused)
{
	char **paths = NULL;

	ck_assert_int_eq(root_openat(&root, "etc", O_RDONLY, 0), -EINVAL);
	ck_assert_int_eq(root_openat(&root, "", O_RDONLY, 0), -EINVAL);
	ck_assert_int_eq(root_open_directory(&root, "etc", 0755), -EINVAL);
	ck_assert_int_eq(root_glob(&root, "etc/*", &paths), -EINVAL);
	ck_assert_int_eq(root_glob(&root, "", &paths), -EINVAL);
	expect_no_path("etc", -EINVAL);
	expect_no_path("", -EINVAL);
	ck_assert_ptr_null(paths);
}
END_TEST

START_TEST(magic_links_are_not_followed)
{
	_cleanup_(root_done) struct root live = ROOT_INIT;

	ck_assert_int_eq(root_open(NULL, &live, NULL), 0);
	ck_assert_int_eq(root_openat(&live, "/proc/self/exe", O_RDONLY, 0), -ELOOP);
}
END_TEST

START_TEST(every_descriptor_is_closed_on_exec)
{
	_cleanup_close_ int file = -1, path = -1, directory = -1;

	file = root_openat(&root, "/file", O_RDWR | O_CREAT | O_EXCL, 0640);
	path = root_openat(&root, "/file", O_PATH | O_NOFOLLOW, 0);
	directory = root_open_directory(&root, "/a/b", 0755);
	ck_assert_int_eq(fcntl(file, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	ck_assert_int_eq(fcntl(path, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	ck_assert_int_eq(fcntl(directory, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	ck_assert_uint_eq(mode_of("/file"), 0640);
}
END_TEST

START_TEST(directories_are_made_with_their_parents_whatever_the_umask)
{
	mode_t old = umask(077);
	_cleanup_close_ int fd = root_open_directory(&root, "//var/lib//hwrecover/", 0755);

	(void)umask(old);
	ck_assert_int_ge(fd, 0);
	ck_assert_uint_eq(mode_of("/var"), 0755);
	ck_assert_uint_eq(mode_of("/var/lib/hwrecover"), 0755);
	ck_assert_int_eq(fsync(fd), 0);
}
END_TEST

START_TEST(a_directory_that_is_there_keeps_its_mode)
{
	_cleanup_close_ int fd = -1;

	ck_assert_int_eq(mkdir(host("/var"), 0711), 0);
	fd = root_open_directory(&root, "/var/lib", 0700);
	ck_assert_int_ge(fd, 0);
	ck_assert_uint_eq(mode_of("/var"), 0711);
	ck_assert_uint_eq(mode_of("/var/lib"), 0700);
}
END_TEST

START_TEST(without_a_mode_no_directory_is_made)
{
	ck_assert_int_eq(root_open_directory(&root, "/var/lib", 0), -ENOENT);
	ck_assert(!is_there("/var"));
}
END_TEST

START_TEST(directories_are_not_made_behind_what_is_in_the_way)
{
	write_text("/file", "");
	ck_assert_int_eq(symlink("nowhere", host("/dangling")), 0);
	ck_assert_int_eq(symlink("loop", host("/loop")), 0);
	ck_assert_int_eq(root_open_directory(&root, "/file/a", 0755), -ENOTDIR);
	ck_assert_int_eq(root_open_directory(&root, "/dangling/a", 0755), -ENOENT);
	ck_assert_int_eq(root_open_directory(&root, "/loop/a", 0755), -ELOOP);
	ck_assert(!is_there("/nowhere"));
}
END_TEST

START_TEST(directories_are_made_behind_links_inside_the_tree)
{
	_cleanup_close_ int fd = -1;

	make_directory("/real");
	ck_assert_int_eq(symlink("/real", host("/link")), 0);
	fd = root_open_directory(&root, "/link/a/../b", 0755);
	ck_assert_int_ge(fd, 0);
	ck_assert(is_there("/real/a"));
	ck_assert(is_there("/real/b"));
}
END_TEST

START_TEST(the_top_itself_is_a_directory)
{
	_cleanup_close_ int fd = root_open_directory(&root, "/", 0), again = -1;

	ck_assert_int_ge(fd, 0);
	again = root_open_directory(&root, "///", 0755);
	ck_assert_int_ge(again, 0);
}
END_TEST

START_TEST(a_path_resolves_to_one_without_links)
{
	make_directory("/etc");
	make_directory("/etc/network");
	write_text("/etc/network/interfaces", "");
	ck_assert_int_eq(symlink("network/./interfaces", host("/etc/short")), 0);
	ck_assert_int_eq(symlink("/etc", host("/absolute")), 0);
	ck_assert_int_eq(symlink("../../../etc/network", host("/etc/climbing")), 0);
	ck_assert_int_eq(symlink("network//", host("/etc/slashes")), 0);
	expect_resolved("/", "/");
	expect_resolved("/..", "/");
	expect_resolved("/etc//network/../network/./interfaces", "/etc/network/interfaces");
	expect_resolved("/etc/short", "/etc/network/interfaces");
	expect_resolved("/absolute/short", "/etc/network/interfaces");
	expect_resolved("/absolute/climbing/interfaces", "/etc/network/interfaces");
	expect_resolved("/etc/slashes/interfaces", "/etc/network/interfaces");
	expect_resolved("/etc/slashes/..", "/etc");
	expect_resolved("/etc/", "/etc");
}
END_TEST

START_TEST(a_path_that_leads_nowhere_does_not_resolve)
{
	make_directory("/etc");
	write_text("/etc/file", "");
	ck_assert_int_eq(symlink("b", host("/a")), 0);
	ck_assert_int_eq(symlink("a", host("/b")), 0);
	ck_assert_int_eq(symlink("/gone", host("/dangling")), 0);
	ck_assert_int_eq(symlink("/etc/file", host("/file")), 0);
	expect_no_path("/gone", -ENOENT);
	expect_no_path("/gone/..", -ENOENT);
	expect_no_path("/dangling", -ENOENT);
	expect_no_path("/a", -ELOOP);
	expect_no_path("/etc/file/", -ENOTDIR);
	expect_no_path("/etc/file/..", -ENOTDIR);
	expect_no_path("/etc/file/.", -ENOTDIR);
	expect_no_path("/file/", -ENOTDIR);
}
END_TEST

START_TEST(resolving_agrees_with_the_kernel_about_where_links_lead)
{
	static const char *const paths[] = { "/l0",         "/l39",        "/d/up/d/f",
					     "/d/self/f",   "/d/top/l0",   "/d/self/self/up/f",
					     "/l0/",        "/d/f/../f",   "/d/up/..",
					     "/d/./self/.", "/d/gone/../f" };
	char target[16], name[16];

	make_directory("/d");
	write_text("/d/f", "");
	write_text("/f", "");
	ck_assert_int_eq(symlink(".", host("/d/self")), 0);
	ck_assert_int_eq(symlink("..", host("/d/up")), 0);
	ck_assert_int_eq(symlink("/", host("/d/top")), 0);
	for (int i = 0; i < 50; i++) {
		(void)snprintf(name, sizeof(name), "/l%d", i);
		(void)snprintf(target, sizeof(target), i == 49 ? "d/f" : "l%d", i + 1);
		ck_assert_int_eq(symlink(target, host(name)), 0);
	}
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		_cleanup_close_ int direct = root_openat(&root, paths[i], O_PATH, 0), by_name = -1;
		_cleanup_free_ char *resolved = NULL;
		struct stat a, b;
		int r = root_resolve(&root, paths[i], &resolved);

		ck_assert_msg(r == MIN_OF(direct, 0), "%s: %d, the kernel says %d", paths[i], r,
			      direct);
		if (r < 0)
			continue;
		by_name = root_openat(&root, resolved, O_PATH | O_NOFOLLOW, 0);
		ck_assert_int_eq(fstat(direct, &a), 0);
		ck_assert_int_eq(fstat(by_name, &b), 0);
		ck_assert_uint_eq(a.st_ino, b.st_ino);
	}
}
END_TEST

START_TEST(a_pattern_gives_what_matches_sorted)
{
	make_directory("/d");
	write_text("/d/b.conf", "");
	write_text("/d/a.conf", "");
	write_text("/d/B.conf", "");
	write_text("/d/.hidden.conf", "");
	write_text("/d/a.txt", "");
	expect_glob("/d/*.conf", "/d/B.conf /d/a.conf /d/b.conf");
	expect_glob("/d/.*.conf", "/d/.hidden.conf");
	expect_glob("/d/[ab].conf", "/d/a.conf /d/b.conf");
	expect_glob("/d/[!ab].conf", "/d/B.conf");
	expect_glob("/d/?.txt", "/d/a.txt");
	expect_glob("/*", "/d");
	expect_glob("/d/*.none", "");
	expect_glob("/none/*", "");
	expect_glob("/d/a.txt/*", "");
}
END_TEST

START_TEST(a_pattern_without_wildcards_gives_itself_if_it_is_there)
{
	make_directory("/d");
	write_text("/d/file", "");
	write_text("/d/with\\backslash", "");
	write_text("/d/with[bracket", "");
	expect_glob("/d/file", "/d/file");
	expect_glob("//d///file", "/d/file");
	expect_glob("/d/gone", "");
	expect_glob("/d/with\\backslash", "/d/with\\backslash");
	expect_glob("/d/with[bracket", "/d/with[bracket");
	expect_glob("/", "/");
	expect_glob("/..", "/..");
}
END_TEST

START_TEST(a_slash_at_the_end_wants_a_directory)
{
	make_directory("/d");
	make_directory("/d/sub");
	write_text("/d/file", "");
	expect_glob("/d/*/", "/d/sub");
	expect_glob("/d/file/", "");
	expect_glob("/d/", "/d");
}
END_TEST

START_TEST(wildcards_in_the_middle_go_through_links_inside_the_tree)
{
	make_directory("/nodes");
	make_directory("/nodes/pve1");
	make_directory("/nodes/pve2");
	write_text("/nodes/pve1/conf", "");
	write_text("/nodes/pve2/conf", "");
	write_text("/nodes/file", "");
	ck_assert_int_eq(symlink("/nodes/pve1", host("/nodes/local")), 0);
	ck_assert_int_eq(symlink("/etc", host("/nodes/outside")), 0);
	ck_assert_int_eq(symlink("loop", host("/nodes/loop")), 0);
	expect_glob("/nodes/*/conf", "/nodes/local/conf /nodes/pve1/conf /nodes/pve2/conf");
	expect_glob("/nodes/*/*", "/nodes/local/conf /nodes/pve1/conf /nodes/pve2/conf");
	expect_glob("/nodes/pve*/../file", "/nodes/pve1/../file /nodes/pve2/../file");
}
END_TEST

START_TEST(a_link_that_leads_nowhere_is_found_as_a_name)
{
	make_directory("/d");
	ck_assert_int_eq(symlink("gone", host("/d/link")), 0);
	expect_glob("/d/*", "/d/link");
	expect_glob("/d/link", "/d/link");
	expect_glob("/d/link/", "");
	ck_assert(!root_exists(&root, "/d/link"));
}
END_TEST

START_TEST(a_pattern_that_multiplies_itself_ends)
{
	char **paths = NULL;
	char name[16];

	make_directory("/d");
	for (int i = 0; i < 20; i++) {
		(void)snprintf(name, sizeof(name), "/d/%d", i);
		ck_assert_int_eq(symlink(".", host(name)), 0);
	}
	ck_assert_int_eq(root_glob(&root, "/d/*/*/*/*/*/*/*/*/*/*/*", &paths), -E2BIG);
	ck_assert_ptr_null(paths);
}
END_TEST

START_TEST(a_pattern_longer_than_a_path_can_be_is_refused)
{
	char pattern[8192];
	char **paths = NULL;

	memset(pattern, 'x', sizeof(pattern));
	pattern[0] = '/';
	pattern[sizeof(pattern) - 1] = '\0';
	ck_assert_int_eq(root_glob(&root, pattern, &paths), -ENAMETOOLONG);
	pattern[300] = '\0';
	expect_glob(pattern, "");
}
END_TEST

START_TEST(a_directory_that_cannot_be_read_is_an_error)
{
	char **paths = NULL;
	uid_t user = geteuid();

	make_directory("/d");
	ck_assert_int_eq(chmod(host("/d"), 0), 0);
	ck_assert_int_eq(chmod(scratch, 0755), 0);
	if (user == 0)
		ck_assert_int_eq(seteuid(65534), 0);
	expect_glob("/d", "/d");
	ck_assert_int_eq(root_glob(&root, "/d/*", &paths), -EACCES);
	ck_assert_ptr_null(paths);
	ck_assert_int_eq(seteuid(user), 0);
}
END_TEST

START_TEST(paths_are_shown_as_the_user_can_open_them)
{
	_cleanup_(root_done) struct root live = ROOT_INIT, slash = ROOT_INIT;
	char long_path[5000];
	struct root_name name;

	ck_assert_int_eq(root_open(NULL, &live, NULL), 0);
	ck_assert_int_eq(root_open("/", &slash, NULL), 0);
	ck_assert_str_eq(root_show(&live, "/etc/x", &name), "/etc/x");
	ck_assert_str_eq(root_show(&slash, "/etc/x", &name), "/etc/x");
	ck_assert_str_eq(root_show(&root, "/etc/x", &name), host("/etc/x"));
	memset(long_path, 'x', sizeof(long_path));
	long_path[0] = '/';
	long_path[sizeof(long_path) - 1] = '\0';
	ck_assert_ptr_eq(root_show(&root, long_path, &name), long_path);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("root");
	TCase *tests = tcase_create("root");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tests, scratch_make, scratch_remove);
	tcase_add_test(tests, only_the_machine_itself_is_live);
	tcase_add_test(tests, a_tree_that_is_no_directory_is_refused_by_name);
	tcase_add_test(tests, releasing_nothing_is_allowed);
	tcase_add_test(tests, links_do_not_lead_out_of_the_tree);
	tcase_add_test(tests, a_path_that_does_not_start_at_the_top_is_refused);
	tcase_add_test(tests, magic_links_are_not_followed);
	tcase_add_test(tests, every_descriptor_is_closed_on_exec);
	tcase_add_test(tests, directories_are_made_with_their_parents_whatever_the_umask);
	tcase_add_test(tests, a_directory_that_is_there_keeps_its_mode);
	tcase_add_test(tests, without_a_mode_no_directory_is_made);
	tcase_add_test(tests, directories_are_not_made_behind_what_is_in_the_way);
	tcase_add_test(tests, directories_are_made_behind_links_inside_the_tree);
	tcase_add_test(tests, the_top_itself_is_a_directory);
	tcase_add_test(tests, a_path_resolves_to_one_without_links);
	tcase_add_test(tests, a_path_that_leads_nowhere_does_not_resolve);
	tcase_add_test(tests, resolving_agrees_with_the_kernel_about_where_links_lead);
	tcase_add_test(tests, a_pattern_gives_what_matches_sorted);
	tcase_add_test(tests, a_pattern_without_wildcards_gives_itself_if_it_is_there);
	tcase_add_test(tests, a_slash_at_the_end_wants_a_directory);
	tcase_add_test(tests, wildcards_in_the_middle_go_through_links_inside_the_tree);
	tcase_add_test(tests, a_link_that_leads_nowhere_is_found_as_a_name);
	tcase_add_test(tests, a_pattern_that_multiplies_itself_ends);
	tcase_add_test(tests, a_pattern_longer_than_a_path_can_be_is_refused);
	tcase_add_test(tests, a_directory_that_cannot_be_read_is_an_error);
	tcase_add_test(tests, paths_are_shown_as_the_user_can_open_them);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
