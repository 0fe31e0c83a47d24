/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "recovery/sources/interfaces.h"

static const char *const names[] = { "enp5s0", "enp6s0" };
static const struct name_set set = { names, ARRAY_SIZE(names) };

static struct documents documents;
static struct document *document;

static void setup(void)
{
	document = documents_add(&documents, "/etc/default/networking");
	ck_assert_ptr_nonnull(document);
	document->source = &default_networking_source;
}

static void teardown(void)
{
	documents_done(&documents);
}

static void scan(const char *text)
{
	const struct scan_context context = { 0 };

	document_clear_scan(document);
	free(document->data);
	ck_assert_int_eq(bytes_duplicate(bytes_of(text), &document->data), 0);
	document->size = strlen(text);
	ck_assert_int_eq(default_networking_source.scan(&default_networking_source, &context,
							&documents, &set),
			 0);
}

/* Scans @wanted without its marks and expects what is marked: "<>" certain, "()" not. */
static void finds(const char *wanted)
{
	struct buffer found = { 0 };
	char *text = strdup(wanted);
	size_t n = 0, done = 0;

	ck_assert_ptr_nonnull(text);
	for (const char *c = wanted; *c; c++)
		if (!strchr("<>()", *c))
			text[n++] = *c;
	text[n] = '\0';
	scan(text);
	for (size_t i = 0; i < document->n_references; i++) {
		const struct reference *reference = &document->references[i];

		ck_assert_uint_eq(reference->line,
				  document_line_at(document, reference->span.offset));
		buffer_append(&found, bytes_make(text + done, reference->span.offset - done));
		buffer_append_char(&found, reference->certain ? '<' : '(');
		buffer_append(&found, document_text(document, reference->span));
		buffer_append_char(&found, reference->certain ? '>' : ')');
		done = span_end(reference->span);
	}
	buffer_append_text(&found, text + done);
	ck_assert_pstr_eq(found.data, wanted);
	buffer_done(&found);
	free(text);
}

static void check_span(struct span span, const char *wanted)
{
	struct bytes found = document_text(document, span);

	ck_assert_msg(bytes_equal_text(found, wanted), "\"%.*s\" instead of \"%s\"",
		      (int)found.size, found.data, wanted);
}

START_TEST(words_of_both_lists)
{
	finds("EXCLUDE_INTERFACES=<enp6s0>\nWAIT_ONLINE_IFACE=<enp5s0>\n");
	finds("EXCLUDE_INTERFACES=\"<enp5s0> x <enp6s0>.100\"\n");
	finds("EXCLUDE_INTERFACES='<enp5s0>'; VERBOSE=yes\n");
	finds("  export WAIT_ONLINE_IFACE=\"<enp5s0>\" # comment\r\n");
	finds("EXCLUDE_INTERFACES=enp5s0x");
	finds("");
}
END_TEST

START_TEST(a_list_over_several_lines)
{
	finds("EXCLUDE_INTERFACES=\"<enp5s0>\n\t<enp6s0>\n\"\nWAIT_ONLINE_IFACE=<enp5s0>");
	check_span(document->references[0].list, "enp5s0\n\tenp6s0");
	check_span(document->references[1].extent, "EXCLUDE_INTERFACES=\"enp5s0\n\tenp6s0\n\"\n");
}
END_TEST

START_TEST(an_emptied_list_is_nothing)
{
	scan("x=1\nEXCLUDE_INTERFACES=\" enp5s0.7 \"\n");
	ck_assert_uint_eq(document->n_references, 1);
	ck_assert_int_eq(document->references[0].shape, PARK_WORD);
	check_span(document->references[0].list, "enp5s0.7");
	check_span(document->references[0].extent, "EXCLUDE_INTERFACES=\" enp5s0.7 \"\n");
	ck_assert_pstr_eq(document->references[0].none_word, "");
	ck_assert_uint_eq(document->references[0].suffix, 2);
	ck_assert(document->references[0].limited);
	ck_assert_str_eq(document->references[0].block, "");
	ck_assert_str_eq(document->references[0].key, "EXCLUDE_INTERFACES");
	ck_assert_uint_eq(document->n_line_digests, 2);
}
END_TEST

START_TEST(what_a_shell_computes_is_not_certain)
{
	finds("EXCLUDE_INTERFACES=\"$EXCLUDE_INTERFACES (enp5s0)\"\n");
	finds("EXCLUDE_INTERFACES=\"(enp5s0) \\\n(enp6s0)\"\n");
	finds("EXCLUDE_INTERFACES=\"(enp5s0)\"\"(enp6s0)\"\n");
	finds("EXCLUDE_INTERFACES=\"(enp5s0)\n");
	finds("OPTIONS=\"-X (enp5s0)\"\n");
	finds("EXCLUDE_INTERFACES+=(enp5s0)\nNO_EXCLUDE_INTERFACES=(enp5s0)\n");
}
END_TEST

START_TEST(patterns_and_comments_are_told)
{
	finds("#EXCLUDE_INTERFACES=enp5s0\n\t# enp6s0\nEXCLUDE_INTERFACES=\"enp5* <enp6s0>\"\n");
	ck_assert_uint_eq(document->n_notes, 2);
	ck_assert_ptr_nonnull(strstr(document->notes[0], "3: enp5* is a pattern"));
	ck_assert_ptr_nonnull(strstr(document->notes[1], "1: 2 comments"));
}
END_TEST

START_TEST(the_file_is_found_and_any_contents_accepted)
{
	char tree[4096], path[8192];
	const char *temp = getenv("TMPDIR");
	struct root root;
	struct scan_context context = { .root = &root };
	FILE *file;

	snprintf(tree, sizeof(tree), "%s/hwrecover-networking-XXXXXX", temp ? temp : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(tree));
	ck_assert_int_eq(root_open(tree, &root, NULL), 0);
	documents_done(&documents);
	ck_assert_int_eq(default_networking_source.collect(&default_networking_source, &context,
							   &documents, NULL),
			 0);
	ck_assert_uint_eq(documents.n_items, 0);

	snprintf(path, sizeof(path), "%s/etc", tree);
	ck_assert_int_eq(mkdir(path, 0755), 0);
	snprintf(path, sizeof(path), "%s/etc/default", tree);
	ck_assert_int_eq(mkdir(path, 0755), 0);
	snprintf(path, sizeof(path), "%s/etc/default/networking", tree);
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(fclose(file), 0);
	ck_assert_int_eq(default_networking_source.collect(&default_networking_source, &context,
							   &documents, NULL),
			 0);
	ck_assert_uint_eq(documents.n_items, 1);
	ck_assert_ptr_eq(documents.items[0]->source, &default_networking_source);
	ck_assert_ptr_null(documents.items[0]->unfit);
	ck_assert_int_eq(default_networking_source.check(&default_networking_source, &context,
							 &documents, NULL, NULL),
			 0);
	root_done(&root);
	ck_assert_int_eq(remove(path), 0);
	snprintf(path, sizeof(path), "%s/etc/default", tree);
	ck_assert_int_eq(remove(path), 0);
	snprintf(path, sizeof(path), "%s/etc", tree);
	ck_assert_int_eq(remove(path), 0);
	ck_assert_int_eq(remove(tree), 0);
}
END_TEST

START_TEST(both_sources_stand_in_the_table)
{
	ck_assert_ptr_eq(sources[0], &interfaces_source);
	ck_assert_ptr_eq(sources[1], &default_networking_source);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("default-networking");
	TCase *tcase = tcase_create("all");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, words_of_both_lists);
	tcase_add_test(tcase, a_list_over_several_lines);
	tcase_add_test(tcase, an_emptied_list_is_nothing);
	tcase_add_test(tcase, what_a_shell_computes_is_not_certain);
	tcase_add_test(tcase, patterns_and_comments_are_told);
	tcase_add_test(tcase, the_file_is_found_and_any_contents_accepted);
	tcase_add_test(tcase, both_sources_stand_in_the_table);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
