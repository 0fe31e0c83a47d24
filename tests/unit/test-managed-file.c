/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "recovery/sources/managed-file.h"

#include <stdio.h>
#include <unistd.h>

#include "recovery/sources/bind.h"
#include "tests/unit/tree.h"

#define FOLDER "/etc/pve/nodes/pve1/qemu-server"
#define DATA   "cores: 2\n"

static const struct source source = { .name = "some" };
static const struct source other_source = { .name = "other" };

static struct documents documents;
static struct problem problem;

static void setup(void)
{
	(void)umask(022);
	tree_setup();
}

static void teardown(void)
{
	documents_done(&documents);
	problem_done(&problem);
	tree_teardown();
}

static bool is_conf(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot && strcmp(dot, ".conf") == 0;
}

static int collect(const char *folder)
{
	return managed_folder_collect(&source, &tree_root, folder, is_conf, &documents, &problem);
}

/* All documents: "PATH", "PATH: why it is unfit", a line each. */
static void expect(const char *wanted)
{
	struct buffer text = { 0 };

	buffer_append_text(&text, "");
	for (size_t i = 0; i < documents.n_items; i++) {
		const struct document *document = documents.items[i];

		ck_assert(!!document->unfit == !document->data);
		buffer_appendf(&text, "%s%s%s\n", document->path, document->unfit ? ": " : "",
			       document->unfit ? document->unfit : "");
	}
	ck_assert_str_eq(text.size ? text.data : "", wanted);
	buffer_done(&text);
}

static const char *host(const char *path)
{
	return tree_make_parents(path);
}

START_TEST(the_files_of_a_folder_are_read_in_order)
{
	tree_file(FOLDER "/102.conf", DATA);
	tree_file(FOLDER "/101.conf", "");
	tree_file(FOLDER "/1000.conf", "#\n");
	tree_file(FOLDER "/101.conf.tmp.1", DATA);
	tree_file(FOLDER "/more/103.conf", DATA);
	ck_assert_int_eq(chmod(host(FOLDER "/102.conf"), 0640), 0);
	ck_assert_int_eq(collect(FOLDER), 0);
	expect(FOLDER "/1000.conf\n" FOLDER "/101.conf\n" FOLDER "/102.conf\n");
	ck_assert_ptr_eq(documents.items[2]->source, &source);
	ck_assert(bytes_equal_text(document_bytes(documents.items[2]), DATA));
	ck_assert_uint_eq(documents.items[2]->attributes.mode, 0640);
	ck_assert_uint_eq(documents.items[1]->size, 0);
}
END_TEST

START_TEST(a_folder_that_is_not_there_has_no_files)
{
	ck_assert_int_eq(collect(FOLDER), 0);
	tree_file(FOLDER, "a file");
	ck_assert_int_eq(collect(FOLDER), 0);
	ck_assert_int_eq(collect(FOLDER "/below"), 0);
	expect("");
	ck_assert_ptr_null(problem.text);
}
END_TEST

START_TEST(a_folder_that_cannot_be_looked_at_is_an_error)
{
	tree_link("/etc/pve", "/etc/pve");
	ck_assert_int_eq(collect("/etc/pve/mapping"), -ELOOP);
	ck_assert_ptr_nonnull(strstr(problem.text, "/etc/pve/mapping: "));
	expect("");
}
END_TEST

START_TEST(a_link_to_the_folder_is_followed_within_the_tree)
{
	tree_file(FOLDER "/101.conf", DATA);
	tree_link("/etc/pve/qemu-server", "/etc/pve/nodes/pve1/qemu-server");
	ck_assert_int_eq(collect("/etc/pve/qemu-server"), 0);
	expect(FOLDER "/101.conf\n");
	/* The same files, by another name. */
	ck_assert_int_eq(collect(FOLDER), 0);
	expect(FOLDER "/101.conf\n");
}
END_TEST

START_TEST(what_cannot_be_edited_is_named)
{
	static char big[MANAGED_FILE_MAX + 1];

	memset(big, '#', sizeof(big));
	tree_bytes(FOLDER "/1.conf", bytes_make(big, sizeof(big)));
	tree_bytes(FOLDER "/2.conf", bytes_make(big, sizeof(big) - 1));
	tree_bytes(FOLDER "/3.conf", bytes_make("a\0b", 3));
	tree_file(FOLDER "/4.conf", DATA);
	ck_assert_int_eq(mkfifo(host(FOLDER "/5.conf"), 0600), 0);
	tree_directory(FOLDER "/6.conf");
	ck_assert_int_eq(collect(FOLDER), 0);
	expect(FOLDER "/1.conf: is larger than 1 MiB\n" FOLDER "/2.conf\n" FOLDER
		      "/3.conf: holds NUL bytes\n" FOLDER "/4.conf\n" FOLDER
		      "/5.conf: is a fifo, device or socket\n");
}
END_TEST

START_TEST(a_second_hard_link_is_named)
{
	char from[4096];

	tree_file(FOLDER "/101.conf", DATA);
	(void)snprintf(from, sizeof(from), "%s", host(FOLDER "/101.conf"));
	ck_assert_int_eq(link(from, host("/etc/other")), 0);
	ck_assert_int_eq(collect(FOLDER), 0);
	expect(FOLDER "/101.conf: has a second hard link\n");
	/* It is named once. */
	ck_assert_int_eq(collect(FOLDER), 0);
	ck_assert_uint_eq(documents.n_items, 1);
}
END_TEST

START_TEST(links_are_followed_where_they_lead_to_a_file_of_ours)
{
	tree_file("/etc/guests/real", DATA);
	tree_file("/usr/share/guest", DATA);
	tree_link(FOLDER "/1.conf", "/etc/guests/real");
	tree_link(FOLDER "/2.conf", "/usr/share/guest");
	tree_link(FOLDER "/3.conf", "/nowhere");
	tree_link(FOLDER "/4.conf", "4.conf");
	tree_link(FOLDER "/5.conf", "/etc/guests");
	tree_link(FOLDER "/6.conf", "1.conf");
	ck_assert_int_eq(collect(FOLDER), 0);
	expect("/etc/guests/real\n" FOLDER
	       "/2.conf: is a symbolic link that leads out of the tree\n" FOLDER
	       "/4.conf: is a symbolic link that leads out of the tree\n");
}
END_TEST

static void make_many(unsigned int n, bool directories)
{
	char path[128];

	for (unsigned int i = 0; i < n; i++) {
		(void)snprintf(path, sizeof(path), FOLDER "/%05u.conf", i);
		if (directories)
			tree_directory(path);
		else
			tree_file(path, "");
	}
}

START_TEST(what_is_beyond_the_limit_is_told)
{
	make_many(MANAGED_FILES_MAX, false);
	ck_assert_int_eq(collect(FOLDER), 0);
	ck_assert_uint_eq(documents.n_items, MANAGED_FILES_MAX);
	ck_assert_uint_eq(documents.items[MANAGED_FILES_MAX - 1]->n_notes, 0);
	documents_done(&documents);
	tree_file(FOLDER "/zzz.conf", "");
	ck_assert_int_eq(collect(FOLDER), 0);
	ck_assert_uint_eq(documents.n_items, MANAGED_FILES_MAX);
	ck_assert_uint_eq(documents.items[MANAGED_FILES_MAX - 1]->n_notes, 1);
	ck_assert_str_eq(documents.items[MANAGED_FILES_MAX - 1]->notes[0],
			 "1: some: more than 4096 files: the others are not read");
	ck_assert_ptr_null(documents_find(&documents, FOLDER "/zzz.conf"));
}
END_TEST

/* What is no file at all does not count, and leaves nobody to be told by. */
START_TEST(folders_are_no_files_however_many)
{
	make_many(MANAGED_FILES_MAX + 1, true);
	tree_file(FOLDER "/zzz.conf", DATA);
	ck_assert_int_eq(collect(FOLDER), 0);
	expect(FOLDER "/zzz.conf\n");
}
END_TEST

static int match(const char *pattern,
		 bool (*wanted)(const struct root *root, const char *path, const char **cause))
{
	return managed_files_collect(&source, &tree_root, pattern, wanted, &documents, &problem);
}

static bool is_liked(const struct root *root, const char *path, const char **cause)
{
	(void)root;
	if (strstr(path, "odd"))
		*cause = "is odd";
	return !strstr(path, "bad");
}

START_TEST(the_files_of_a_pattern_are_read)
{
	tree_file("/etc/d/a.conf", DATA);
	tree_file("/etc/d/bad.conf", DATA);
	tree_file("/etc/d/odd.conf", DATA);
	tree_file("/etc/d/z", DATA);
	ck_assert_int_eq(match("/etc/none/*.conf", NULL), 0);
	expect("");
	ck_assert_int_eq(match("/etc/d/*.conf", is_liked), 0);
	expect("/etc/d/a.conf\n/etc/d/odd.conf: is odd\n");
	ck_assert_int_eq(match("/etc/d/*.conf", is_liked), 0);
	expect("/etc/d/a.conf\n/etc/d/odd.conf: is odd\n");
	ck_assert_int_eq(match("/etc/d/*.conf", NULL), 0);
	expect("/etc/d/a.conf\n/etc/d/odd.conf: is odd\n/etc/d/bad.conf\n");
}
END_TEST

static bool vanishes(const char *name)
{
	char path[256];

	(void)snprintf(path, sizeof(path), FOLDER "/%s", name);
	return name[0] != '.' && remove(host(path)) == 0;
}

static bool is_there_no_more(const struct root *root, const char *path, const char **cause)
{
	(void)root;
	(void)cause;
	ck_assert_int_eq(remove(host(path)), 0);
	return true;
}

START_TEST(what_vanishes_meanwhile_is_not_there)
{
	tree_file(FOLDER "/101.conf", DATA);
	ck_assert_int_eq(
		managed_folder_collect(&source, &tree_root, FOLDER, vanishes, &documents, &problem),
		0);
	expect("");
	tree_file("/etc/d/a", DATA);
	ck_assert_int_eq(match("/etc/d/a", is_there_no_more), 0);
	expect("");
}
END_TEST

START_TEST(what_a_pattern_finds_beyond_the_limit_is_told)
{
	make_many(MANAGED_FILES_MAX, false);
	tree_file(FOLDER "/zzz", "");
	tree_directory(FOLDER "/0");
	ck_assert_int_eq(match(FOLDER "/*", NULL), 0);
	ck_assert_uint_eq(documents.n_items, MANAGED_FILES_MAX);
	ck_assert_uint_eq(documents.items[MANAGED_FILES_MAX - 1]->n_notes, 1);
}
END_TEST

START_TEST(what_cannot_even_be_looked_up_is_named)
{
	char path[512] = "/etc/";

	tree_directory("/etc");
	memset(path + strlen(path), 'x', 300);
	ck_assert_int_eq(managed_file_add(&source, &tree_root, path, &documents), 1);
	ck_assert_str_eq(documents.items[0]->path, path);
	ck_assert_str_eq(documents.items[0]->unfit, "cannot be read: File name too long");
	ck_assert_int_eq(managed_file_add(&source, &tree_root, path, &documents), 0);
}
END_TEST

START_TEST(one_file_is_read_once_for_whatever_source)
{
	tree_file("/etc/a", DATA);
	tree_link("/etc/b", "a");
	ck_assert_int_eq(managed_file_add(&source, &tree_root, "/etc/a", &documents), 1);
	ck_assert_int_eq(managed_file_add(&other_source, &tree_root, "/etc/b", &documents), 0);
	ck_assert_int_eq(managed_file_add(&source, &tree_root, "/etc/none", &documents), 0);
	ck_assert_int_eq(managed_file_add(&source, &tree_root, "/etc/a/below", &documents), 0);
	ck_assert_int_eq(managed_file_add(&source, &tree_root, "/etc", &documents), 0);
	expect("/etc/a\n");
	ck_assert_ptr_eq(documents.items[0]->source, &source);
	tree_file("/opt/c", DATA);
	tree_link("/etc/c", "/opt/c");
	ck_assert_int_eq(managed_file_add(&source, &tree_root, "/etc/c", &documents), 1);
	ck_assert_int_eq(managed_file_add(&source, &tree_root, "/etc/c", &documents), 0);
	expect("/etc/a\n/etc/c: is a symbolic link that leads out of the tree\n");
	/* By itself it is a file like any other. */
	ck_assert_int_eq(managed_file_add(&source, &tree_root, "/opt/c", &documents), 1);
}
END_TEST

START_TEST(links_that_bind_nothing_are_passed_over)
{
	const char *cause = NULL;

	tree_file("/etc/r/plain", "nothing\n");
	tree_file("/usr/binds", "ACTION==\"add\", RUN+=\"/bin/sh -c 'echo vfio-pci > "
				"/sys/bus/pci/devices/0000:06:00.0/driver_override'\"\n");
	tree_file("/usr/harmless", "# nothing\n");
	tree_link("/etc/r/binds", "/usr/binds");
	tree_link("/etc/r/harmless", "/usr/harmless");
	tree_link("/etc/r/nowhere", "/nowhere");
	ck_assert(managed_file_may_bind(&tree_root, "/etc/r/plain", &cause));
	ck_assert(managed_file_may_bind(&tree_root, "/etc/r/binds", &cause));
	ck_assert(!managed_file_may_bind(&tree_root, "/etc/r/harmless", &cause));
	ck_assert(managed_file_may_bind(&tree_root, "/etc/r/nowhere", &cause));
	ck_assert_ptr_null(cause);
}
END_TEST

START_TEST(whatever_is_written_is_accepted_where_no_reader_refuses)
{
	ck_assert_int_eq(managed_file_check_nothing(&source, NULL, &documents, NULL, &problem), 0);
	ck_assert_ptr_null(problem.text);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("managed-file");
	TCase *tests = tcase_create("managed-file");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tests, 60);
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, the_files_of_a_folder_are_read_in_order);
	tcase_add_test(tests, a_folder_that_is_not_there_has_no_files);
	tcase_add_test(tests, a_folder_that_cannot_be_looked_at_is_an_error);
	tcase_add_test(tests, a_link_to_the_folder_is_followed_within_the_tree);
	tcase_add_test(tests, what_cannot_be_edited_is_named);
	tcase_add_test(tests, a_second_hard_link_is_named);
	tcase_add_test(tests, links_are_followed_where_they_lead_to_a_file_of_ours);
	tcase_add_test(tests, what_is_beyond_the_limit_is_told);
	tcase_add_test(tests, folders_are_no_files_however_many);
	tcase_add_test(tests, the_files_of_a_pattern_are_read);
	tcase_add_test(tests, what_vanishes_meanwhile_is_not_there);
	tcase_add_test(tests, what_a_pattern_finds_beyond_the_limit_is_told);
	tcase_add_test(tests, what_cannot_even_be_looked_up_is_named);
	tcase_add_test(tests, one_file_is_read_once_for_whatever_source);
	tcase_add_test(tests, links_that_bind_nothing_are_passed_over);
	tcase_add_test(tests, whatever_is_written_is_accepted_where_no_reader_refuses);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
