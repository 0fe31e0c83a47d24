/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "recovery/sources/libvirt.h"
#include "tree.h"

#define UUID_A "11111111-aaaa-4000-8000-000000000001"
#define UUID_B "22222222-bbbb-4000-8000-000000000002"
#define UUID_C "33333333-cccc-4000-8000-000000000003"

static const struct name_set no_names = { NULL, 0 };
static struct documents documents;
static struct document *document;
static struct scan_context scan_context;

static void setup(void)
{
	document = documents_add(&documents, LIBVIRT_RUNNING);
	ck_assert_ptr_nonnull(document);
	document->source = &libvirt_guests_source;
}

static void teardown(void)
{
	documents_done(&documents);
}

static void scan(const char *text)
{
	document_clear_scan(document);
	free(document->data);
	ck_assert_int_eq(bytes_duplicate(bytes_of(text), &document->data), 0);
	document->size = strlen(text);
	ck_assert_int_eq(libvirt_guests_source.scan(&libvirt_guests_source, &scan_context,
						    &documents, &no_names),
			 0);
}

/* What the file is with these switches turned off; to be freed. */
static char *turned_off(unsigned int which)
{
	struct edit edits[8];
	size_t n = 0, size;
	char *text;

	ck_assert_uint_le(document->n_switches, ARRAY_SIZE(edits));
	for (size_t i = 0; i < document->n_switches; i++)
		if (which & 1U << i)
			edits[n++] = (struct edit){ .span = document->switches[i].span,
						    .text = bytes_of(document->switches[i].off) };
	ck_assert_int_eq(edits_apply(document_bytes(document), edits, n, &text, &size), 0);
	return text;
}

static void becomes(unsigned int which, const char *wanted)
{
	char *text = turned_off(which);

	ck_assert_str_eq(text, wanted);
	free(text);
}

static void starts(size_t index, const char *guest)
{
	const struct start_switch *found;

	ck_assert_uint_lt(index, document->n_switches);
	found = &document->switches[index];
	ck_assert_int_eq(found->kind, SWITCH_ONCE);
	ck_assert_str_eq(found->guest, guest);
	ck_assert(found->on && !found->file);
}

START_TEST(each_uuid_is_a_switch_of_its_own)
{
	const char *text = "default " UUID_A " " UUID_B " " UUID_C "\n";

	scan(text);
	ck_assert_uint_eq(document->n_switches, 3);
	starts(0, "uuid:" UUID_A);
	starts(1, "uuid:" UUID_B);
	starts(2, "uuid:" UUID_C);
	becomes(0, text);
	becomes(1, "default " UUID_B " " UUID_C "\n");
	becomes(2, "default " UUID_A " " UUID_C "\n");
	becomes(4, "default " UUID_A " " UUID_B "\n");
	becomes(7, "default\n");
	ck_assert_uint_eq(document->n_references, 0);
	ck_assert_ptr_null(document->guest);
}
END_TEST

START_TEST(only_the_systems_connection_counts)
{
	scan("qemu:///session " UUID_A "\nlxc:///system " UUID_A "\nqemu+ssh://x/system " UUID_A
	     "\nqemu:///systemx " UUID_A "\nqemu:///system " UUID_B "\ndefaults " UUID_A
	     "\nqemu:///system?socket=/run/x " UUID_C "\nqemu+unix:///system " UUID_A "\n\n"
	     "qemu://host/system " UUID_A "\n" UUID_A " " UUID_B "\n");
	ck_assert_uint_eq(document->n_switches, 3);
	starts(0, "uuid:" UUID_B);
	starts(1, "uuid:" UUID_C);
	starts(2, "uuid:" UUID_A);
	ck_assert_uint_eq(document->n_line_digests, 11);
}
END_TEST

START_TEST(blanks_and_spellings_do_not_matter)
{
	scan(" \tdefault\t  11111111AAAA40008000000000000001   x " UUID_B " \n\tdefault");
	ck_assert_uint_eq(document->n_switches, 2);
	starts(0, "uuid:" UUID_A);
	starts(1, "uuid:" UUID_B);
	becomes(1, " \tdefault   x " UUID_B " \n\tdefault");
	becomes(2, " \tdefault\t  11111111AAAA40008000000000000001   x \n\tdefault");
	becomes(3, " \tdefault   x \n\tdefault");
	scan("default " UUID_A);
	ck_assert_uint_eq(document->n_switches, 1);
	becomes(1, "default");
}
END_TEST

START_TEST(nothing_is_nothing)
{
	scan("");
	ck_assert_uint_eq(document->n_switches, 0);
	scan("\n\n \ndefault\ndefault \n");
	ck_assert_uint_eq(document->n_switches, 0);
}
END_TEST

START_TEST(what_is_turned_off_is_found_no_more_and_the_others_are)
{
	char *text;

	scan("default " UUID_A "  " UUID_B "\nqemu:///system " UUID_C "\n");
	ck_assert_uint_eq(document->n_switches, 3);
	text = turned_off(1 << 1);
	scan(text);
	free(text);
	ck_assert_uint_eq(document->n_switches, 2);
	starts(0, "uuid:" UUID_A);
	starts(1, "uuid:" UUID_C);
}
END_TEST

START_TEST(reads_the_file_in_var)
{
	struct problem problem = { 0 };

	documents_done(&documents);
	tree_setup();
	scan_context.root = &tree_root;
	ck_assert_int_eq(libvirt_guests_source.collect(&libvirt_guests_source, &scan_context,
						       &documents, &problem),
			 0);
	ck_assert_uint_eq(documents.n_items, 0);
	tree_file(LIBVIRT_RUNNING, "default " UUID_A "\n");
	ck_assert_int_eq(libvirt_guests_source.collect(&libvirt_guests_source, &scan_context,
						       &documents, &problem),
			 0);
	tree_teardown();
	ck_assert_uint_eq(documents.n_items, 1);
	ck_assert_ptr_null(documents.items[0]->unfit);
	ck_assert_str_eq(documents.items[0]->data, "default " UUID_A "\n");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("libvirt-guests");
	TCase *tests = tcase_create("all");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, each_uuid_is_a_switch_of_its_own);
	tcase_add_test(tests, only_the_systems_connection_counts);
	tcase_add_test(tests, blanks_and_spellings_do_not_matter);
	tcase_add_test(tests, nothing_is_nothing);
	tcase_add_test(tests, what_is_turned_off_is_found_no_more_and_the_others_are);
	tcase_add_test(tests, reads_the_file_in_var);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
