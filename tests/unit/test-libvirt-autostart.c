/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "recovery/sources/libvirt.h"
#include "tree.h"

#define DOMAIN(name) "<domain><name>" name "</name></domain>\n"

static const struct name_set no_names = { NULL, 0 };
static struct documents documents;
static struct scan_context scan_context;

static void setup(void)
{
	tree_setup();
	scan_context = (struct scan_context){ .root = &tree_root };
}

static void teardown(void)
{
	documents_done(&documents);
	tree_teardown();
}

static void read_source(const struct source *source)
{
	struct problem problem = { 0 };

	ck_assert_int_eq(source->collect(source, &scan_context, &documents, &problem), 0);
	ck_assert_int_eq(source->scan(source, &scan_context, &documents, &no_names), 0);
}

static const struct document *find(const char *path)
{
	const struct document *document = documents_find(&documents, path);

	ck_assert_ptr_nonnull(document);
	return document;
}

static void starts(const char *path, const char *target, const char *guest)
{
	const struct document *document = find(path);
	const struct start_switch *found = document->switches;

	ck_assert_ptr_null(document->unfit);
	ck_assert(bytes_equal_text(document_bytes(document), target));
	ck_assert(document->attributes.is_link);
	ck_assert_ptr_null(document->guest);
	ck_assert_uint_eq(document->n_references, 0);
	ck_assert_uint_eq(document->n_line_digests, 1);
	ck_assert_uint_eq(document->n_switches, 1);
	ck_assert_int_eq(found->kind, SWITCH_AUTOSTART);
	ck_assert_str_eq(found->guest, guest);
	ck_assert(found->on && found->file);
	ck_assert_uint_eq(found->span.offset + found->span.length, 0);
	ck_assert_str_eq(found->off, "");
}

START_TEST(a_link_starts_the_domain_it_is_named_after)
{
	tree_link(LIBVIRT_AUTOSTART "/win 10.xml", LIBVIRT_DOMAINS "/win 10.xml");
	tree_link(LIBVIRT_AUTOSTART "/a.xml.xml", "../a.xml.xml");
	read_source(&libvirt_autostart_source);
	ck_assert_uint_eq(documents.n_items, 2);
	starts(LIBVIRT_AUTOSTART "/win 10.xml", LIBVIRT_DOMAINS "/win 10.xml", "libvirt/win 10");
	starts(LIBVIRT_AUTOSTART "/a.xml.xml", "../a.xml.xml", "libvirt/a.xml");
}
END_TEST

START_TEST(the_domain_says_what_it_is_called)
{
	tree_file(LIBVIRT_DOMAINS "/renamed.xml", DOMAIN("win10"));
	tree_file(LIBVIRT_DOMAINS "/broken.xml", "<domain>");
	tree_file("/etc/vm/linked.xml", DOMAIN("lin"));
	tree_link(LIBVIRT_DOMAINS "/linked.xml", "/etc/vm/linked.xml");
	tree_link(LIBVIRT_AUTOSTART "/renamed.xml", LIBVIRT_DOMAINS "/renamed.xml");
	tree_link(LIBVIRT_AUTOSTART "/broken.xml", LIBVIRT_DOMAINS "/broken.xml");
	tree_link(LIBVIRT_AUTOSTART "/linked.xml", LIBVIRT_DOMAINS "/linked.xml");
	read_source(&libvirt_domain_source);
	read_source(&libvirt_autostart_source);
	ck_assert_uint_eq(documents.n_items, 6);
	starts(LIBVIRT_AUTOSTART "/renamed.xml", LIBVIRT_DOMAINS "/renamed.xml", "libvirt/win10");
	starts(LIBVIRT_AUTOSTART "/broken.xml", LIBVIRT_DOMAINS "/broken.xml", "libvirt/broken");
	starts(LIBVIRT_AUTOSTART "/linked.xml", LIBVIRT_DOMAINS "/linked.xml", "libvirt/lin");
}
END_TEST

START_TEST(where_a_link_leads_does_not_matter)
{
	tree_link(LIBVIRT_AUTOSTART "/a.xml", "/nowhere");
	tree_link(LIBVIRT_AUTOSTART "/b.xml", "b.xml");
	tree_link(LIBVIRT_AUTOSTART "/c.xml", "../../../../../../../../etc/passwd");
	read_source(&libvirt_autostart_source);
	ck_assert_uint_eq(documents.n_items, 3);
	starts(LIBVIRT_AUTOSTART "/a.xml", "/nowhere", "libvirt/a");
	starts(LIBVIRT_AUTOSTART "/b.xml", "b.xml", "libvirt/b");
	starts(LIBVIRT_AUTOSTART "/c.xml", "../../../../../../../../etc/passwd", "libvirt/c");
}
END_TEST

START_TEST(the_owner_is_that_of_the_link)
{
	tree_file(LIBVIRT_DOMAINS "/a.xml", DOMAIN("a"));
	tree_link(LIBVIRT_AUTOSTART "/a.xml", "../a.xml");
	if (geteuid() == 0) {
		int fd = root_openat(&tree_root, LIBVIRT_AUTOSTART, O_RDONLY | O_DIRECTORY, 0);

		ck_assert_int_ge(fd, 0);
		ck_assert_int_eq(fchownat(fd, "a.xml", 12, 34, AT_SYMLINK_NOFOLLOW), 0);
		ck_assert_int_eq(close(fd), 0);
	}
	read_source(&libvirt_autostart_source);
	ck_assert_uint_eq(documents.items[0]->attributes.uid, geteuid() == 0 ? 12 : geteuid());
	ck_assert_uint_eq(documents.items[0]->attributes.n_xattrs, 0);
}
END_TEST

START_TEST(what_is_no_link_is_named)
{
	tree_file(LIBVIRT_AUTOSTART "/a.xml", DOMAIN("a"));
	tree_directory(LIBVIRT_AUTOSTART "/b.xml");
	tree_link(LIBVIRT_AUTOSTART "/c.xml", "../c.xml");
	read_source(&libvirt_autostart_source);
	ck_assert_uint_eq(documents.n_items, 3);
	ck_assert_str_eq(find(LIBVIRT_AUTOSTART "/a.xml")->unfit, "is no symbolic link");
	ck_assert_str_eq(find(LIBVIRT_AUTOSTART "/b.xml")->unfit, "is no symbolic link");
	ck_assert_uint_eq(find(LIBVIRT_AUTOSTART "/a.xml")->n_switches, 0);
	starts(LIBVIRT_AUTOSTART "/c.xml", "../c.xml", "libvirt/c");
}
END_TEST

START_TEST(other_names_are_passed_over)
{
	tree_link(LIBVIRT_AUTOSTART "/a", "../a.xml");
	tree_link(LIBVIRT_AUTOSTART "/a.xml~", "../a.xml");
	tree_link(LIBVIRT_AUTOSTART "/.a.xml", "../a.xml");
	tree_link(LIBVIRT_AUTOSTART "/.xml", "../a.xml");
	tree_link("/etc/libvirt/lxc/autostart/a.xml", "../a.xml");
	read_source(&libvirt_autostart_source);
	ck_assert_uint_eq(documents.n_items, 0);
}
END_TEST

START_TEST(no_folder_is_no_problem)
{
	read_source(&libvirt_autostart_source);
	tree_file(LIBVIRT_AUTOSTART, "");
	read_source(&libvirt_autostart_source);
	ck_assert_uint_eq(documents.n_items, 0);
}
END_TEST

START_TEST(a_second_look_finds_the_same)
{
	tree_link(LIBVIRT_AUTOSTART "/a.xml", "../a.xml");
	read_source(&libvirt_autostart_source);
	document_clear_scan(documents.items[0]);
	read_source(&libvirt_autostart_source);
	ck_assert_uint_eq(documents.n_items, 1);
	starts(LIBVIRT_AUTOSTART "/a.xml", "../a.xml", "libvirt/a");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("libvirt-autostart");
	TCase *tests = tcase_create("all");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, a_link_starts_the_domain_it_is_named_after);
	tcase_add_test(tests, the_domain_says_what_it_is_called);
	tcase_add_test(tests, where_a_link_leads_does_not_matter);
	tcase_add_test(tests, the_owner_is_that_of_the_link);
	tcase_add_test(tests, what_is_no_link_is_named);
	tcase_add_test(tests, other_names_are_passed_over);
	tcase_add_test(tests, no_folder_is_no_problem);
	tcase_add_test(tests, a_second_look_finds_the_same);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
