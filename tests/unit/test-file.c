/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "snapshot/basic/file.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>

#include "tests/unit/scratch.h"

static int dir_fd;

static void begin(void)
{
	scratch_make();
	dir_fd = root_open_directory(&root, "/", 0);
	ck_assert_int_ge(dir_fd, 0);
}

static void end(void)
{
	(void)close(dir_fd);
	scratch_remove();
}

/* What reading a file that may be replaced gives, but for its contents. */
static int read_managed(const char *name, size_t limit)
{
	_cleanup_(file_attributes_done) struct file_attributes attributes = { 0 };
	_cleanup_free_ char *data = NULL;
	size_t size = 12345;
	int r;

	r = file_read_managed_at(dir_fd, name, limit, &data, &size, &attributes);
	if (r < 0) {
		ck_assert_ptr_null(data);
		ck_assert_uint_eq(size, 12345);
		ck_assert_ptr_null(attributes.xattrs);
	}
	return r;
}

static struct file_attributes attributes_of(const char *name)
{
	struct file_attributes attributes = { 0 };
	_cleanup_free_ char *data = NULL;
	size_t size;

	ck_assert_int_eq(file_read_managed_at(dir_fd, name, 4096, &data, &size, &attributes), 0);
	return attributes;
}

/* Attributes that anybody may give to a file of his. */
static struct file_attributes plain(mode_t mode)
{
	return (struct file_attributes){ .mode = mode, .uid = geteuid(), .gid = getegid() };
}

static struct staged_file stage(const char *name, const char *text)
{
	const struct file_attributes attributes = plain(0644);
	struct staged_file staged = STAGED_FILE_INIT;

	ck_assert_int_eq(file_stage_at(dir_fd, name, bytes_of(text), &attributes, false, &staged),
			 0);
	return staged;
}

/* Stages and commits over @was, NULL for no file. */
static int replace(const char *name, const char *was, const char *now)
{
	_cleanup_(staged_file_done) struct staged_file staged = stage(name, now);
	const struct file_contents old = { .bytes = bytes_of(was) };

	return staged_file_commit(&staged, was ? &old : NULL);
}

static int remove_text(const char *name, const char *was)
{
	return file_remove_at(dir_fd, name, (struct file_contents){ .bytes = bytes_of(was) });
}

static bool xattrs_work(const char *path)
{
	return setxattr(path, "user.probe", "x", 1, 0) == 0 && removexattr(path, "user.probe") == 0;
}

START_TEST(a_file_is_read_up_to_its_limit_and_not_beyond)
{
	_cleanup_free_ char *data = NULL, *more = NULL, *large = NULL;
	size_t size;

	write_text("/file", "12345");
	ck_assert_int_eq(file_read_at(dir_fd, "file", 5, &data, &size), 0);
	ck_assert_uint_eq(size, 5);
	ck_assert_str_eq(data, "12345");
	ck_assert_int_eq(file_read_at(dir_fd, "file", 4, &more, &size), -EFBIG);
	ck_assert_int_eq(file_read_at(dir_fd, "file", 0, &more, &size), -EFBIG);
	ck_assert_int_eq(file_read_at(dir_fd, "gone", 4, &more, &size), -ENOENT);
	ck_assert_ptr_null(more);
	ck_assert_int_eq(file_read_at(dir_fd, "file", SIZE_MAX, &large, &size), 0);
	ck_assert_str_eq(large, "12345");
}
END_TEST

START_TEST(an_empty_file_is_an_empty_text)
{
	_cleanup_free_ char *data = NULL;
	size_t size = 1;

	write_text("/file", "");
	ck_assert_int_eq(file_read_at(dir_fd, "file", 0, &data, &size), 0);
	ck_assert_uint_eq(size, 0);
	ck_assert_str_eq(data, "");
}
END_TEST

START_TEST(a_large_file_is_read_whole)
{
	_cleanup_free_ char *text = malloc(300001), *data = NULL;
	size_t size;

	for (size_t i = 0; i < 300001; i++)
		text[i] = (char)(i * 7 % 251 + 1);
	write_bytes("/file", text, 300001);
	ck_assert_int_eq(file_read_at(dir_fd, "file", 300001, &data, &size), 0);
	ck_assert_uint_eq(size, 300001);
	ck_assert_mem_eq(data, text, size);
	ck_assert_int_eq(data[size], '\0');
	ck_assert_int_eq(read_managed("file", 300000), -EFBIG);
	ck_assert_int_eq(read_managed("file", 300001), 0);
}
END_TEST

START_TEST(files_that_claim_to_be_empty_are_read_all_the_same)
{
	_cleanup_close_ int proc = open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_free_ char *data = NULL;
	size_t size;

	ck_assert_int_eq(file_read_at(proc, "stat", 65536, &data, &size), 0);
	ck_assert_uint_gt(size, 10);
}
END_TEST

START_TEST(only_ordinary_files_are_managed)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	_cleanup_free_ char *data = NULL;
	size_t size;

	write_text("/file", "x");
	write_text("/linked", "x");
	ck_assert_int_eq(link(host("/linked"), host("/other")), 0);
	ck_assert_int_eq(symlink("file", host("/symlink")), 0);
	ck_assert_int_eq(mkfifo(host("/fifo"), 0600), 0);
	make_directory("/directory");
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", host("/socket"));
	ck_assert_int_eq(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);

	ck_assert_int_eq(read_managed("file", 10), 0);
	ck_assert_int_eq(read_managed("linked", 10), -EMLINK);
	ck_assert_int_eq(read_managed("symlink", 10), -ELOOP);
	ck_assert_int_eq(read_managed("fifo", 10), -ENOTSUP);
	ck_assert_int_eq(read_managed("directory", 10), -ENOTSUP);
	ck_assert_int_eq(read_managed("socket", 10), -ENOTSUP);
	ck_assert_int_eq(read_managed("gone", 10), -ENOENT);
	ck_assert_int_eq(file_read_at(dir_fd, "fifo", 10, &data, &size), -ENOTSUP);
	ck_assert_int_eq(file_read_at(dir_fd, "symlink", 10, &data, &size), -ELOOP);
	ck_assert_int_eq(file_read_at(dir_fd, "directory", 10, &data, &size), -ENOTSUP);
}
END_TEST

START_TEST(devices_are_not_managed)
{
	if (mknod(host("/device"), S_IFCHR | 0600, makedev(1, 3)) < 0)
		return;
	ck_assert_int_eq(read_managed("device", 10), -ENOTSUP);
}
END_TEST

START_TEST(a_file_with_a_nul_byte_is_not_managed)
{
	write_bytes("/file", "a\0b", 3);
	ck_assert_int_eq(read_managed("file", 10), -EILSEQ);
}
END_TEST

START_TEST(owner_mode_and_attributes_are_read)
{
	_cleanup_(file_attributes_done) struct file_attributes attributes = { 0 };

	write_text("/file", "x");
	ck_assert_int_eq(chmod(host("/file"), 06754), 0);
	attributes = attributes_of("file");
	ck_assert_uint_eq(attributes.mode, 06754);
	ck_assert_uint_eq(attributes.uid, geteuid());
	ck_assert_uint_eq(attributes.n_xattrs, 0);
}
END_TEST

START_TEST(extended_attributes_are_read_sorted_with_nul_bytes_in_them)
{
	_cleanup_(file_attributes_done) struct file_attributes attributes = { 0 };

	write_text("/file", "x");
	if (!xattrs_work(host("/file")))
		return;
	ck_assert_int_eq(setxattr(host("/file"), "user.z", "a\0b", 3, 0), 0);
	ck_assert_int_eq(setxattr(host("/file"), "user.a", "", 0, 0), 0);
	attributes = attributes_of("file");
	ck_assert_uint_eq(attributes.n_xattrs, 2);
	ck_assert_str_eq(attributes.xattrs[0].name, "user.a");
	ck_assert_uint_eq(attributes.xattrs[0].size, 0);
	ck_assert_str_eq(attributes.xattrs[1].name, "user.z");
	ck_assert_uint_eq(attributes.xattrs[1].size, 3);
	ck_assert_mem_eq(attributes.xattrs[1].value, "a\0b", 3);
}
END_TEST

START_TEST(attributes_are_equal_when_all_of_them_are)
{
	struct file_attributes a = plain(0644), b = plain(0644);

	ck_assert_int_eq(file_attributes_add(&a, "user.x", bytes_make("1\0", 2)), 0);
	ck_assert(!file_attributes_equal(&a, &b));
	ck_assert_int_eq(file_attributes_add(&b, "user.x", bytes_make("1\0", 2)), 0);
	ck_assert(file_attributes_equal(&a, &b));
	b.mode = 0640;
	ck_assert(!file_attributes_equal(&a, &b));
	b.mode = 0644;
	b.gid++;
	ck_assert(!file_attributes_equal(&a, &b));
	b.gid--;
	b.uid++;
	ck_assert(!file_attributes_equal(&a, &b));
	b.uid--;
	b.xattrs[0].value[1] = 'x';
	ck_assert(!file_attributes_equal(&a, &b));
	b.xattrs[0].value[1] = '\0';
	b.xattrs[0].name[5] = 'y';
	ck_assert(!file_attributes_equal(&a, &b));
	file_attributes_done(&b);
	ck_assert_int_eq(file_attributes_copy(&a, &b), 0);
	ck_assert(file_attributes_equal(&a, &b));
	ck_assert_ptr_ne(a.xattrs[0].value, b.xattrs[0].value);
	file_attributes_done(&a);
	file_attributes_done(&b);
}
END_TEST

START_TEST(a_file_is_replaced_and_nothing_else_is_left)
{
	write_text("/file", "old");
	ck_assert_int_eq(replace("file", "old", "new"), 1);
	expect_text("/file", "new");
	ck_assert_uint_eq(count_entries(), 1);
}
END_TEST

START_TEST(a_file_is_made_where_there_was_none)
{
	ck_assert_int_eq(replace("file", NULL, "new"), 1);
	expect_text("/file", "new");
	ck_assert_uint_eq(count_entries(), 1);
}
END_TEST

START_TEST(a_file_can_be_replaced_by_an_empty_one_and_back)
{
	write_text("/file", "old");
	ck_assert_int_eq(replace("file", "old", ""), 1);
	expect_text("/file", "");
	ck_assert_int_eq(replace("file", "", "old"), 1);
	expect_text("/file", "old");
}
END_TEST

START_TEST(staging_does_not_touch_the_file)
{
	struct staged_file staged;

	write_text("/file", "old");
	staged = stage("file", "new");
	expect_text("/file", "old");
	expect_text("/.file.hwrecover", "new");
	staged_file_done(&staged);
	ck_assert_uint_eq(count_entries(), 1);
}
END_TEST

START_TEST(refuses_a_file_somebody_edited)
{
	write_text("/file", "edited");
	ck_assert_int_eq(replace("file", "old", "new"), -ESTALE);
	ck_assert_int_eq(replace("file", "edited and more", "new"), -ESTALE);
	ck_assert_int_eq(replace("file", "edite", "new"), -ESTALE);
	ck_assert_int_eq(replace("file", "", "new"), -ESTALE);
	ck_assert_int_eq(replace("file", NULL, "new"), -ESTALE);
	expect_text("/file", "edited");
	ck_assert_uint_eq(count_entries(), 1);
}
END_TEST

START_TEST(refuses_a_file_somebody_removed)
{
	ck_assert_int_eq(replace("file", "old", "new"), -ESTALE);
	ck_assert_uint_eq(count_entries(), 0);
}
END_TEST

START_TEST(refuses_what_became_of_another_kind)
{
	write_text("/file", "old");
	ck_assert_int_eq(link(host("/file"), host("/other")), 0);
	ck_assert_int_eq(replace("file", "old", "new"), -EMLINK);
	ck_assert_int_eq(unlink(host("/other")), 0);

	ck_assert_int_eq(rename(host("/file"), host("/real")), 0);
	ck_assert_int_eq(symlink("real", host("/file")), 0);
	ck_assert_int_eq(replace("file", "old", "new"), -ELOOP);
	ck_assert_int_eq(replace("file", NULL, "new"), -ESTALE);
	ck_assert_int_eq(unlink(host("/file")), 0);

	ck_assert_int_eq(mkfifo(host("/file"), 0600), 0);
	ck_assert_int_eq(replace("file", "old", "new"), -ENOTSUP);
	ck_assert_int_eq(unlink(host("/file")), 0);

	make_directory("/file");
	ck_assert_int_eq(replace("file", "old", "new"), -ENOTSUP);
	ck_assert_int_eq(replace("file", NULL, "new"), -ESTALE);
	expect_text("/real", "old");
	ck_assert_uint_eq(count_entries(), 2);
}
END_TEST

START_TEST(what_was_staged_is_removed_as_soon_as_the_file_is_refused)
{
	const struct file_contents was = { .bytes = bytes_of("old") };
	struct staged_file staged;

	write_text("/file", "edited");
	staged = stage("file", "new");
	ck_assert_int_eq(staged_file_commit(&staged, &was), -ESTALE);
	ck_assert_uint_eq(count_entries(), 1);
	ck_assert_int_eq(staged_file_commit(&staged, &was), -EINVAL);
	staged_file_done(&staged);
}
END_TEST

START_TEST(what_a_crash_left_is_reclaimed)
{
	write_text("/file", "old");
	write_text("/.file.hwrecover", "longer than what is written now");
	ck_assert_int_eq(chmod(host("/.file.hwrecover"), 04777), 0);
	ck_assert_int_eq(replace("file", "old", "new"), 1);
	expect_text("/file", "new");
	ck_assert_uint_eq(mode_of("/file"), 0644);
	ck_assert_uint_eq(count_entries(), 1);
}
END_TEST

START_TEST(a_link_in_the_place_of_the_temporary_file_is_not_followed)
{
	write_text("/file", "old");
	write_text("/victim", "whole");
	ck_assert_int_eq(symlink("victim", host("/.file.hwrecover")), 0);
	ck_assert_int_eq(replace("file", "old", "new"), 1);
	expect_text("/victim", "whole");
	expect_text("/file", "new");
}
END_TEST

START_TEST(a_directory_in_the_place_of_the_temporary_file_is_an_error)
{
	const struct file_attributes attributes = plain(0644);
	struct staged_file staged = STAGED_FILE_INIT;

	make_directory("/.file.hwrecover");
	ck_assert_int_eq(
		file_stage_at(dir_fd, "file", bytes_of("new"), &attributes, false, &staged),
		-EEXIST);
	ck_assert_int_eq(file_discard_staged_at(dir_fd, "file"), 0);
	ck_assert(is_there("/.file.hwrecover"));
}
END_TEST

START_TEST(temporary_names_are_hidden_and_fit)
{
	struct file_name name, again;
	char longest[NAME_MAX + 2];

	ck_assert_int_eq(file_staged_name("interfaces", &name), 0);
	ck_assert_str_eq(name.text, ".interfaces.hwrecover");
	ck_assert(file_name_is_staged(name.text));
	for (size_t size = 240; size <= NAME_MAX; size++) {
		memset(longest, 'x', size);
		longest[size] = '\0';
		ck_assert_int_eq(file_staged_name(longest, &name), 0);
		ck_assert_uint_le(strlen(name.text), NAME_MAX);
		ck_assert(file_name_is_staged(name.text));
		ck_assert_int_eq(replace(longest, NULL, "new"), 1);
	}
	longest[NAME_MAX - 1] = 'y';
	ck_assert_int_eq(file_staged_name(longest, &again), 0);
	ck_assert_str_ne(name.text, again.text);
	ck_assert(!file_name_is_staged("interfaces"));
	ck_assert(!file_name_is_staged("x.hwrecover"));
	ck_assert(!file_name_is_staged(".hwrecover"));
}
END_TEST

START_TEST(what_is_no_single_name_is_refused)
{
	static const char *const names[] = { "", ".", "..", "a/b", "/", "a/" };
	const struct file_attributes attributes = plain(0644);
	struct staged_file staged = STAGED_FILE_INIT;
	char long_name[NAME_MAX + 2];

	memset(long_name, 'x', sizeof(long_name));
	long_name[NAME_MAX + 1] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		ck_assert_int_eq(
			file_stage_at(dir_fd, names[i], bytes_of("x"), &attributes, false, &staged),
			-EINVAL);
	ck_assert_int_eq(
		file_stage_at(dir_fd, long_name, bytes_of("x"), &attributes, false, &staged),
		-EINVAL);
	ck_assert_uint_eq(count_entries(), 0);
}
END_TEST

START_TEST(mode_is_kept_whatever_the_umask)
{
	static const mode_t modes[] = {
		0600, 0644, 0666, 0400, 0755, 04755, 02755, 06777, 01777, 0
	};
	const struct file_contents was = { .bytes = bytes_of("old") };

	(void)umask(077);
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		_cleanup_(staged_file_done) struct staged_file staged = STAGED_FILE_INIT;
		const struct file_attributes attributes = plain(modes[i]);

		(void)unlink(host("/file"));
		write_text("/file", "old");
		ck_assert_int_eq(
			file_stage_at(dir_fd, "file", bytes_of("new"), &attributes, false, &staged),
			0);
		ck_assert_int_eq(staged_file_commit(&staged, &was), 1);
		ck_assert_uint_eq(mode_of("/file"), modes[i]);
	}
}
END_TEST

START_TEST(owner_is_kept_with_set_id_bits)
{
	struct file_attributes attributes = { .mode = 06755, .uid = 1234, .gid = 4321 };
	_cleanup_(staged_file_done) struct staged_file staged = STAGED_FILE_INIT;
	struct stat st;

	if (geteuid() != 0)
		return;
	ck_assert_int_eq(
		file_stage_at(dir_fd, "file", bytes_of("new"), &attributes, false, &staged), 0);
	ck_assert_int_eq(staged_file_commit(&staged, NULL), 1);
	ck_assert_int_eq(stat(host("/file"), &st), 0);
	ck_assert_uint_eq(st.st_uid, 1234);
	ck_assert_uint_eq(st.st_gid, 4321);
	ck_assert_uint_eq(st.st_mode & 07777, 06755);
}
END_TEST

START_TEST(an_owner_that_cannot_be_set_is_left_only_when_lenient)
{
	struct file_attributes attributes = { .mode = 06755, .uid = 1234, .gid = 4321 };
	struct staged_file staged = STAGED_FILE_INIT;
	uid_t user = geteuid();

	if (user == 0) {
		ck_assert_int_eq(fchown(dir_fd, 65534, (gid_t)-1), 0);
		ck_assert_int_eq(seteuid(65534), 0);
	}
	ck_assert_int_eq(
		file_stage_at(dir_fd, "file", bytes_of("new"), &attributes, false, &staged),
		-EPERM);
	ck_assert_int_eq(faccessat(dir_fd, ".file.hwrecover", F_OK, AT_SYMLINK_NOFOLLOW), -1);
	ck_assert_int_eq(file_stage_at(dir_fd, "file", bytes_of("new"), &attributes, true, &staged),
			 0);
	ck_assert_int_eq(staged_file_commit(&staged, NULL), 1);
	staged_file_done(&staged);
	ck_assert_int_eq(seteuid(user), 0);
	expect_text("/file", "new");
	/* The set-id bits were for another owner. */
	ck_assert_uint_eq(mode_of("/file"), 0755);
}
END_TEST

START_TEST(extended_attributes_and_acls_are_kept)
{
	/* Version 2: user::rw-, user 1234:r--, group::---, mask::r--, other::--- */
	static const char acl[] = "\2\0\0\0"
				  "\1\0\6\0\xff\xff\xff\xff"
				  "\2\0\4\0\xd2\4\0\0"
				  "\4\0\0\0\xff\xff\xff\xff"
				  "\x10\0\4\0\xff\xff\xff\xff"
				  "\x20\0\0\0\xff\xff\xff\xff";
	_cleanup_(file_attributes_done) struct file_attributes was = { 0 }, now = { 0 };
	_cleanup_(staged_file_done) struct staged_file staged = STAGED_FILE_INIT;
	const struct file_contents old = { .bytes = bytes_of("old") };

	write_text("/file", "old");
	if (!xattrs_work(host("/file")) ||
	    setxattr(host("/file"), "system.posix_acl_access", acl, sizeof(acl) - 1, 0) < 0)
		return;
	ck_assert_int_eq(setxattr(host("/file"), "user.comment", "a\0b", 3, 0), 0);
	was = attributes_of("file");
	ck_assert_uint_eq(was.n_xattrs, 2);
	ck_assert_uint_eq(was.mode, 0640);

	ck_assert_int_eq(file_stage_at(dir_fd, "file", bytes_of("new"), &was, false, &staged), 0);
	ck_assert_int_eq(staged_file_commit(&staged, &old), 1);
	now = attributes_of("file");
	ck_assert(file_attributes_equal(&was, &now));
}
END_TEST

START_TEST(the_default_acl_of_a_directory_is_not_inherited)
{
	/* user::rwx, user 1234:rwx, group::r-x, mask::rwx, other::r-x */
	static const char acl[] = "\2\0\0\0"
				  "\1\0\7\0\xff\xff\xff\xff"
				  "\2\0\7\0\xd2\4\0\0"
				  "\4\0\5\0\xff\xff\xff\xff"
				  "\x10\0\7\0\xff\xff\xff\xff"
				  "\x20\0\5\0\xff\xff\xff\xff";
	_cleanup_(file_attributes_done) struct file_attributes now = { 0 };

	write_text("/file", "old");
	if (setxattr(scratch, "system.posix_acl_default", acl, sizeof(acl) - 1, 0) < 0)
		return;
	ck_assert_int_eq(replace("file", "old", "new"), 1);
	now = attributes_of("file");
	ck_assert_uint_eq(now.n_xattrs, 0);
	ck_assert_uint_eq(now.mode, 0644);
	ck_assert_int_eq(file_write_at(dir_fd, "own", bytes_of("x"), 0600, false), 0);
	file_attributes_done(&now);
	now = attributes_of("own");
	ck_assert_uint_eq(now.n_xattrs, 0);
	ck_assert_uint_eq(now.mode, 0600);
}
END_TEST

START_TEST(an_attribute_that_the_file_system_refuses_is_left_only_when_lenient)
{
	_cleanup_(file_attributes_done) struct file_attributes attributes = plain(0644);
	_cleanup_(staged_file_done) struct staged_file staged = STAGED_FILE_INIT;

	ck_assert_int_eq(file_attributes_add(&attributes, "nonsense.name", bytes_of("x")), 0);
	ck_assert_int_eq(
		file_stage_at(dir_fd, "file", bytes_of("new"), &attributes, false, &staged),
		-ENOTSUP);
	ck_assert_uint_eq(count_entries(), 0);
	ck_assert_int_eq(file_stage_at(dir_fd, "file", bytes_of("new"), &attributes, true, &staged),
			 0);
	ck_assert_int_eq(staged_file_commit(&staged, NULL), 1);
	expect_text("/file", "new");
}
END_TEST

START_TEST(a_file_is_removed_only_as_it_was)
{
	write_text("/file", "old");
	ck_assert_int_eq(remove_text("file", "other"), -ESTALE);
	ck_assert_int_eq(symlink("file", host("/link")), 0);
	ck_assert_int_eq(remove_text("link", "old"), -ELOOP);
	ck_assert_int_eq(remove_text("file", "old"), 1);
	ck_assert_int_eq(remove_text("file", "old"), -ESTALE);
	ck_assert_uint_eq(count_entries(), 1);
}
END_TEST

static void expect_target(const char *path, const char *expected)
{
	char target[256] = "";

	ck_assert_int_gt(readlink(host(path), target, sizeof(target) - 1), 0);
	ck_assert_str_eq(target, expected);
}

static struct file_contents target(const char *text)
{
	return (struct file_contents){ bytes_of(text), true };
}

static struct staged_file stage_link(const char *name, const char *text)
{
	const struct file_attributes attributes = { .is_link = true,
						    .uid = geteuid(),
						    .gid = getegid() };
	struct staged_file staged = STAGED_FILE_INIT;

	ck_assert_int_eq(file_stage_at(dir_fd, name, bytes_of(text), &attributes, false, &staged),
			 0);
	return staged;
}

/* Replaces what @was, NULL for nothing, by a link. */
static int relink(const char *name, const struct file_contents *was, const char *now)
{
	_cleanup_(staged_file_done) struct staged_file staged = stage_link(name, now);

	return staged_file_commit(&staged, was);
}

START_TEST(a_link_is_read_and_not_followed)
{
	_cleanup_(file_attributes_done) struct file_attributes attributes = { 0 }, none = { 0 };
	_cleanup_free_ char *data = NULL, *nothing = NULL;
	size_t size = 12345;

	write_text("/file", "text");
	make_directory("/folder");
	ck_assert_int_eq(symlink("../there", host("/link")), 0);
	ck_assert_int_eq(file_read_link_at(dir_fd, "link", 8, &data, &size, &attributes), 0);
	ck_assert_str_eq(data, "../there");
	ck_assert_uint_eq(size, 8);
	ck_assert(attributes.is_link);
	ck_assert_uint_eq(attributes.mode, 0777);
	ck_assert_uint_eq(attributes.uid, geteuid());
	ck_assert_uint_eq(attributes.gid, getegid());
	ck_assert_int_eq(file_read_link_at(dir_fd, "link", 7, &nothing, &size, &none), -EFBIG);
	ck_assert_int_eq(file_read_link_at(dir_fd, "file", 8, &nothing, &size, &none), -EINVAL);
	ck_assert_int_eq(file_read_link_at(dir_fd, "folder", 8, &nothing, &size, &none), -EINVAL);
	ck_assert_int_eq(file_read_link_at(dir_fd, "gone", 8, &nothing, &size, &none), -ENOENT);
	ck_assert_ptr_null(nothing);
	ck_assert(!none.is_link);
}
END_TEST

START_TEST(the_longest_link_is_read_whole)
{
	_cleanup_(file_attributes_done) struct file_attributes attributes = { 0 };
	_cleanup_free_ char *text = calloc(1, PATH_MAX), *data = NULL;
	size_t size;

	memset(text, 'x', PATH_MAX - 1);
	ck_assert_int_eq(relink("link", NULL, text), 1);
	ck_assert_int_eq(file_read_link_at(dir_fd, "link", SIZE_MAX, &data, &size, &attributes), 0);
	ck_assert_str_eq(data, text);
}
END_TEST

START_TEST(links_are_made_replaced_and_removed)
{
	const struct file_contents one = target("one"), file = { .bytes = bytes_of("text") };
	_cleanup_(staged_file_done) struct staged_file staged = STAGED_FILE_INIT;

	ck_assert_int_eq(relink("link", NULL, "one"), 1);
	expect_target("/link", "one");
	ck_assert_int_eq(relink("link", &one, "/two"), 1);
	expect_target("/link", "/two");
	ck_assert_int_eq(file_remove_at(dir_fd, "link", target("/two")), 1);
	ck_assert(!is_there("/link"));
	/* A file becomes a link, and a file again. */
	write_text("/file", "text");
	ck_assert_int_eq(relink("file", &file, "one"), 1);
	expect_target("/file", "one");
	staged = stage("file", "text");
	ck_assert_int_eq(staged_file_commit(&staged, &one), 1);
	expect_text("/file", "text");
	ck_assert_uint_eq(count_entries(), 1);
}
END_TEST

START_TEST(refuses_a_link_somebody_changed)
{
	const struct file_contents one = target("one"), file = { .bytes = bytes_of("text") };
	const struct file_contents longer = target("one/two"), shorter = target("on");

	write_text("/one", "text");
	ck_assert_int_eq(relink("link", NULL, "one"), 1);
	ck_assert_int_eq(file_check_at(dir_fd, "link", &one), 0);
	ck_assert_int_eq(relink("link", &longer, "mine"), -ESTALE);
	ck_assert_int_eq(relink("link", &shorter, "mine"), -ESTALE);
	ck_assert_int_eq(relink("link", NULL, "mine"), -ESTALE);
	ck_assert_int_eq(relink("gone", &one, "mine"), -ESTALE);
	ck_assert_int_eq(file_remove_at(dir_fd, "link", target("two")), -ESTALE);
	/* The file that the link leads to holds what is expected, and is not meant. */
	ck_assert_int_eq(relink("link", &file, "mine"), -ELOOP);
	ck_assert_int_eq(file_remove_at(dir_fd, "link", file), -ELOOP);
	/* A file whose text is the target is no link. */
	write_text("/file", "one");
	ck_assert_int_eq(relink("file", &one, "mine"), -ESTALE);
	ck_assert_int_eq(file_remove_at(dir_fd, "file", one), -ESTALE);
	ck_assert_int_eq(unlink(host("/one")), 0);
	ck_assert_int_eq(file_check_at(dir_fd, "link", NULL), -ESTALE);
	expect_target("/link", "one");
	expect_text("/file", "one");
	ck_assert_uint_eq(count_entries(), 2);
}
END_TEST

START_TEST(a_link_to_nothing_is_refused)
{
	const struct file_attributes attributes = { .is_link = true };
	struct staged_file staged = STAGED_FILE_INIT;

	ck_assert_int_eq(file_stage_at(dir_fd, "x", bytes_of(""), &attributes, true, &staged),
			 -EINVAL);
	ck_assert_int_eq(
		file_stage_at(dir_fd, "x", bytes_make("a\0b", 3), &attributes, true, &staged),
		-EINVAL);
	ck_assert_int_eq(staged.dir_fd, -1);
	ck_assert_uint_eq(count_entries(), 0);
}
END_TEST

START_TEST(a_link_has_its_owner)
{
	const struct file_attributes attributes = { .is_link = true, .uid = 1234, .gid = 4321 };
	_cleanup_(staged_file_done) struct staged_file staged = STAGED_FILE_INIT;
	struct stat st;
	int r;

	r = file_stage_at(dir_fd, "link", bytes_of("one"), &attributes, false, &staged);
	if (geteuid() != 0) {
		ck_assert_int_eq(r, -EPERM);
		ck_assert_uint_eq(count_entries(), 0);
		return;
	}
	ck_assert_int_eq(r, 0);
	ck_assert_int_eq(staged_file_commit(&staged, NULL), 1);
	ck_assert_int_eq(lstat(host("/link"), &st), 0);
	ck_assert_uint_eq(st.st_uid, 1234);
	ck_assert_uint_eq(st.st_gid, 4321);
}
END_TEST

START_TEST(the_mode_of_a_link_does_not_count)
{
	struct file_attributes a = plain(0777), b = plain(0644);
	_cleanup_(file_attributes_done) struct file_attributes copy = { 0 };

	a.is_link = true;
	ck_assert(!file_attributes_equal(&a, &b));
	b.mode = 0777;
	ck_assert(!file_attributes_equal(&a, &b));
	b.is_link = true;
	b.mode = 0;
	ck_assert(file_attributes_equal(&a, &b));
	b.uid++;
	ck_assert(!file_attributes_equal(&a, &b));
	ck_assert_int_eq(file_attributes_copy(&a, &copy), 0);
	ck_assert(copy.is_link);
}
END_TEST

static struct staged_file stage_pmxcfs(const char *name, struct bytes now)
{
	struct staged_file staged = STAGED_FILE_INIT;

	ck_assert_int_eq(file_stage_pmxcfs_at(dir_fd, name, now, &staged), 0);
	return staged;
}

START_TEST(a_file_of_pmxcfs_is_made_and_replaced)
{
	const struct file_contents one = { .bytes = bytes_of("one") };
	_cleanup_(staged_file_done) struct staged_file staged = STAGED_FILE_INIT;

	write_text("/.file.hwrecover", "left");
	staged = stage_pmxcfs("file", bytes_of("one"));
	ck_assert_int_eq(staged_file_commit(&staged, NULL), 1);
	expect_text("/file", "one");
	staged_file_done(&staged);
	staged = stage_pmxcfs("file", bytes_of(""));
	ck_assert_int_eq(staged_file_commit(&staged, &one), 1);
	expect_text("/file", "");
	staged_file_done(&staged);
	staged = stage_pmxcfs("file", bytes_of("two"));
	ck_assert_int_eq(staged_file_commit(&staged, NULL), -ESTALE);
	ck_assert_uint_eq(count_entries(), 1);
}
END_TEST

START_TEST(a_file_that_pmxcfs_cannot_hold_is_refused_before_it_is_written)
{
	_cleanup_free_ char *text = calloc(1, PMXCFS_FILE_MAX + 1);
	struct staged_file staged = STAGED_FILE_INIT, refused = STAGED_FILE_INIT;

	memset(text, 'x', PMXCFS_FILE_MAX + 1);
	ck_assert_int_eq(file_stage_pmxcfs_at(dir_fd, "file", bytes_make(text, PMXCFS_FILE_MAX + 1),
					      &refused),
			 -EFBIG);
	ck_assert_ptr_null(refused.temp_name);
	ck_assert_uint_eq(count_entries(), 0);
	staged = stage_pmxcfs("file", bytes_make(text, PMXCFS_FILE_MAX));
	staged_file_done(&staged);
	ck_assert_uint_eq(count_entries(), 0);
}
END_TEST

START_TEST(a_write_to_pmxcfs_that_was_cut_short_is_not_continued)
{
	const rlim_t limit = 65536;
	_cleanup_free_ char *text = calloc(1, limit + 1);
	struct staged_file staged = STAGED_FILE_INIT;
	int r;

	memset(text, 'x', limit + 1);
	/* A write over the limit is done up to it; only the next one fails. */
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &(struct rlimit){ limit, RLIM_INFINITY }), 0);
	r = file_stage_pmxcfs_at(dir_fd, "file", bytes_make(text, limit + 1), &staged);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &(struct rlimit){ RLIM_INFINITY, RLIM_INFINITY }),
			 0);
	ck_assert_int_eq(r, -EIO);
	ck_assert_uint_eq(count_entries(), 0);
}
END_TEST

START_TEST(our_own_files_are_written_and_replaced)
{
	ck_assert_int_eq(file_write_at(dir_fd, "own", bytes_of("one"), 0600, true), 0);
	expect_text("/own", "one");
	ck_assert_uint_eq(mode_of("/own"), 0600);
	write_text("/.own.hwrecover", "left");
	ck_assert_int_eq(file_write_at(dir_fd, "own", bytes_of("two"), 0644, false), 0);
	expect_text("/own", "two");
	ck_assert_uint_eq(mode_of("/own"), 0644);
	ck_assert_uint_eq(count_entries(), 1);
	ck_assert_int_eq(file_write_at(dir_fd, "own/x", bytes_of("two"), 0644, false), -EINVAL);
}
END_TEST

START_TEST(a_write_that_is_refused_leaves_the_old_file)
{
	make_directory("/own");
	ck_assert_int_eq(file_write_at(dir_fd, "own", bytes_of("two"), 0644, true), -EISDIR);
	ck_assert_uint_eq(count_entries(), 1);
}
END_TEST

START_TEST(only_a_change_by_others_counts_as_one)
{
	ck_assert(file_error_means_changed(-ESTALE));
	ck_assert(file_error_means_changed(-EMLINK));
	ck_assert(!file_error_means_changed(-ENOSPC));
	ck_assert(!file_error_means_changed(0));
	ck_assert(!file_error_means_changed(1));
}
END_TEST

static void handle_signal(int number)
{
	(void)number;
}

/* A pipe that another process fills slowly, while a timer interrupts. */
START_TEST(reading_and_writing_go_on_after_an_interruption)
{
	const struct sigaction action = { .sa_handler = handle_signal };
	const struct timespec pause = { .tv_nsec = 20000000 };
	_cleanup_free_ char *text = calloc(1, 200001), *data = NULL;
	int pipe_fds[2], status;
	size_t size;
	pid_t parent = getpid(), child;

	memset(text, 'x', 200000);
	ck_assert_int_eq(sigaction(SIGUSR1, &action, NULL), 0);
	ck_assert_int_eq(pipe2(pipe_fds, O_CLOEXEC), 0);
	child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0) {
		(void)nanosleep(&pause, NULL);
		(void)kill(parent, SIGUSR1);
		(void)nanosleep(&pause, NULL);
		_exit(file_write_fd(pipe_fds[1], bytes_of(text)) < 0);
	}
	(void)close(pipe_fds[1]);
	ck_assert_int_eq(file_read_fd(pipe_fds[0], 200000, &data, &size), 0);
	ck_assert_uint_eq(size, 200000);
	ck_assert_str_eq(data, text);
	(void)close(pipe_fds[0]);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(releasing_nothing_is_allowed)
{
	struct file_attributes attributes = { 0 };
	struct staged_file zeroed = { 0 }, unused = STAGED_FILE_INIT;

	file_attributes_done(NULL);
	file_attributes_done(&attributes);
	staged_file_done(NULL);
	staged_file_done(&zeroed);
	staged_file_done(&unused);
	ck_assert_int_ge(fcntl(dir_fd, F_GETFD), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("file");
	TCase *tests = tcase_create("file");
	SRunner *runner = srunner_create(suite);
	int failed;

	/* Everything is synced, and disks differ. */
	tcase_set_timeout(tests, 60);
	tcase_add_checked_fixture(tests, begin, end);
	tcase_add_test(tests, a_file_is_read_up_to_its_limit_and_not_beyond);
	tcase_add_test(tests, an_empty_file_is_an_empty_text);
	tcase_add_test(tests, a_large_file_is_read_whole);
	tcase_add_test(tests, files_that_claim_to_be_empty_are_read_all_the_same);
	tcase_add_test(tests, only_ordinary_files_are_managed);
	tcase_add_test(tests, devices_are_not_managed);
	tcase_add_test(tests, a_file_with_a_nul_byte_is_not_managed);
	tcase_add_test(tests, owner_mode_and_attributes_are_read);
	tcase_add_test(tests, extended_attributes_are_read_sorted_with_nul_bytes_in_them);
	tcase_add_test(tests, attributes_are_equal_when_all_of_them_are);
	tcase_add_test(tests, a_file_is_replaced_and_nothing_else_is_left);
	tcase_add_test(tests, a_file_is_made_where_there_was_none);
	tcase_add_test(tests, a_file_can_be_replaced_by_an_empty_one_and_back);
	tcase_add_test(tests, staging_does_not_touch_the_file);
	tcase_add_test(tests, refuses_a_file_somebody_edited);
	tcase_add_test(tests, refuses_a_file_somebody_removed);
	tcase_add_test(tests, refuses_what_became_of_another_kind);
	tcase_add_test(tests, what_was_staged_is_removed_as_soon_as_the_file_is_refused);
	tcase_add_test(tests, what_a_crash_left_is_reclaimed);
	tcase_add_test(tests, a_link_in_the_place_of_the_temporary_file_is_not_followed);
	tcase_add_test(tests, a_directory_in_the_place_of_the_temporary_file_is_an_error);
	tcase_add_test(tests, temporary_names_are_hidden_and_fit);
	tcase_add_test(tests, what_is_no_single_name_is_refused);
	tcase_add_test(tests, mode_is_kept_whatever_the_umask);
	tcase_add_test(tests, owner_is_kept_with_set_id_bits);
	tcase_add_test(tests, an_owner_that_cannot_be_set_is_left_only_when_lenient);
	tcase_add_test(tests, extended_attributes_and_acls_are_kept);
	tcase_add_test(tests, the_default_acl_of_a_directory_is_not_inherited);
	tcase_add_test(tests, an_attribute_that_the_file_system_refuses_is_left_only_when_lenient);
	tcase_add_test(tests, a_file_is_removed_only_as_it_was);
	tcase_add_test(tests, a_link_is_read_and_not_followed);
	tcase_add_test(tests, the_longest_link_is_read_whole);
	tcase_add_test(tests, links_are_made_replaced_and_removed);
	tcase_add_test(tests, refuses_a_link_somebody_changed);
	tcase_add_test(tests, a_link_to_nothing_is_refused);
	tcase_add_test(tests, a_link_has_its_owner);
	tcase_add_test(tests, the_mode_of_a_link_does_not_count);
	tcase_add_test(tests, a_file_of_pmxcfs_is_made_and_replaced);
	tcase_add_test(tests, a_file_that_pmxcfs_cannot_hold_is_refused_before_it_is_written);
	tcase_add_test(tests, a_write_to_pmxcfs_that_was_cut_short_is_not_continued);
	tcase_add_test(tests, our_own_files_are_written_and_replaced);
	tcase_add_test(tests, a_write_that_is_refused_leaves_the_old_file);
	tcase_add_test(tests, only_a_change_by_others_counts_as_one);
	tcase_add_test(tests, reading_and_writing_go_on_after_an_interruption);
	tcase_add_test(tests, releasing_nothing_is_allowed);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
