/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "recovery/unified-diff.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>

#include "snapshot/basic/file.h"

static void assert_diff_bytes(struct bytes old, struct bytes new, unsigned int context,
			      const char *expected)
{
	struct buffer out = { 0 };

	ck_assert_int_eq(unified_diff(old, new, "a", "b", context, &out), 1);
	ck_assert_str_eq(out.data, expected);
	buffer_done(&out);
}

/* Behind the two lines of header. */
static void assert_hunks(const char *old, const char *new, unsigned int context,
			 const char *expected)
{
	struct buffer all = { 0 };

	buffer_appendf(&all, "--- a\n+++ b\n%s", expected);
	assert_diff_bytes(bytes_of(old), bytes_of(new), context, all.data);
	buffer_done(&all);
}

START_TEST(equal_contents_give_nothing)
{
	struct buffer out = { 0 };

	ck_assert_int_eq(unified_diff(bytes_of("a\n"), bytes_of("a\n"), "a", "b", 3, &out), 0);
	ck_assert_int_eq(unified_diff(BYTES_NONE, bytes_of(""), NULL, "b", 3, &out), 0);
	ck_assert_uint_eq(out.size, 0);
}
END_TEST

START_TEST(a_changed_line_stands_in_its_context)
{
	assert_hunks("1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nfive\n6\n7\n8\n9\n", 3,
		     "@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n");
	assert_hunks("1\n2\n3\n", "1\ntwo\n3\n", 3, "@@ -1,3 +1,3 @@\n 1\n-2\n+two\n 3\n");
	assert_hunks("1\n2\n3\n", "1\ntwo\n3\n", 0, "@@ -2 +2 @@\n-2\n+two\n");
	assert_hunks("1\n2\n3\n", "1\ntwo\n3\n", 4000000000U,
		     "@@ -1,3 +1,3 @@\n 1\n-2\n+two\n 3\n");
}
END_TEST

START_TEST(changes_share_a_hunk_where_their_context_touches)
{
	assert_hunks("1\n2\n3\n4\n5\n6\n7\n8\n", "one\n2\n3\n4\n5\n6\n7\neight\n", 3,
		     "@@ -1,8 +1,8 @@\n-1\n+one\n 2\n 3\n 4\n 5\n 6\n 7\n-8\n+eight\n");
	assert_hunks("1\n2\n3\n4\n5\n6\n7\n8\n9\n", "one\n2\n3\n4\n5\n6\n7\n8\nnine\n", 3,
		     "@@ -1,4 +1,4 @@\n-1\n+one\n 2\n 3\n 4\n"
		     "@@ -6,4 +6,4 @@\n 6\n 7\n 8\n-9\n+nine\n");
	assert_hunks("1\n2\n3\n", "one\n2\nthree\n", 0,
		     "@@ -1 +1 @@\n-1\n+one\n"
		     "@@ -3 +3 @@\n-3\n+three\n");
}
END_TEST

START_TEST(an_empty_range_names_the_line_before_it)
{
	assert_hunks("1\n2\n", "1\nx\n2\n", 0, "@@ -1,0 +2 @@\n+x\n");
	assert_hunks("1\nx\n2\n", "1\n2\n", 0, "@@ -2 +1,0 @@\n-x\n");
	assert_hunks("1\n2\n", "x\n1\n2\n", 1, "@@ -1 +1,2 @@\n+x\n 1\n");
	assert_hunks("", "1\n2\n", 3, "@@ -0,0 +1,2 @@\n+1\n+2\n");
	assert_hunks("1\n", "", 3, "@@ -1 +0,0 @@\n-1\n");
}
END_TEST

START_TEST(a_missing_newline_at_the_end_is_said)
{
	assert_hunks("1\n2", "1\n2\n", 3,
		     "@@ -1,2 +1,2 @@\n 1\n-2\n\\ No newline at end of file\n+2\n");
	assert_hunks("1\n2\n", "1\n2", 3,
		     "@@ -1,2 +1,2 @@\n 1\n-2\n+2\n\\ No newline at end of file\n");
	assert_hunks("1\n2", "one\n2", 3,
		     "@@ -1,2 +1,2 @@\n-1\n+one\n 2\n\\ No newline at end of file\n");
	assert_hunks("1", "2", 3,
		     "@@ -1 +1 @@\n-1\n\\ No newline at end of file\n"
		     "+2\n\\ No newline at end of file\n");
}
END_TEST

START_TEST(bytes_are_shown_as_they_are)
{
	assert_hunks("a\r\n\xff\n", "a\n\xff\n", 3, "@@ -1,2 +1,2 @@\n-a\r\n+a\n \xff\n");
}
END_TEST

static void assert_header(const char *old_name, const char *new_name, const char *expected)
{
	struct buffer out = { 0 };

	ck_assert_int_eq(
		unified_diff(bytes_of("1\n"), bytes_of("2\n"), old_name, new_name, 3, &out), 1);
	*strchr(out.data, '@') = '\0';
	ck_assert_str_eq(out.data, expected);
	buffer_done(&out);
}

START_TEST(names_are_quoted_where_they_must_be)
{
	assert_header("a/etc/x", "b/etc/x", "--- a/etc/x\n+++ b/etc/x\n");
	assert_header(NULL, "b/\xc3\xbc", "--- /dev/null\n+++ b/\xc3\xbc\n");
	assert_header("a/x y", NULL, "--- \"a/x y\"\n+++ /dev/null\n");
	assert_header("a\"b\\c", "a\nb\x1b\x7f",
		      "--- \"a\\\"b\\\\c\"\n+++ \"a\\012b\\033\\177\"\n");
}
END_TEST

START_TEST(as_few_lines_as_possible_are_changed)
{
	/* The example of Myers' paper, section 2: five edits. */
	assert_hunks("A\nB\nC\nA\nB\nB\nA\n", "C\nB\nA\nB\nA\nC\n", 9,
		     "@@ -1,7 +1,6 @@\n-A\n-B\n C\n+B\n A\n B\n-B\n A\n+C\n");
}
END_TEST

/* A text of random lines out of a few, so that many agree; the last may lack its newline. */
static void random_text(unsigned int *seed, bool may_be_torn, struct buffer *text)
{
	int lines = rand_r(seed) % 30, kinds = 1 + rand_r(seed) % 6;

	text->size = 0;
	buffer_append_text(text, "");
	for (int i = 0; i < lines; i++)
		buffer_appendf(text, "%c\n", 'a' + rand_r(seed) % kinds);
	if (may_be_torn && text->size > 0 && rand_r(seed) % 3 == 0)
		text->size--;
}

/* The same with some lines taken out, put in or changed. */
static void random_edit(unsigned int *seed, struct bytes old, struct buffer *text)
{
	text->size = 0;
	buffer_append_text(text, "");
	for (size_t i = 0; i < old.size; i++) {
		int what = old.data[i] == '\n' ? rand_r(seed) % 12 : 11;

		if (what == 0)
			continue;
		buffer_append_char(text, what == 1 ? 'x' : old.data[i]);
		if (what == 2)
			buffer_append_text(text, "new\n");
	}
}

static void write_file(const char *directory, const char *name, struct bytes text)
{
	int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	ck_assert_int_eq(file_write_at(fd, name, text, 0600, false), 0);
	(void)close(fd);
}

static int run(const char *const *argv)
{
	posix_spawn_file_actions_t actions;
	int status;
	pid_t pid;

	ck_assert_int_eq(posix_spawn_file_actions_init(&actions), 0);
	ck_assert_int_eq(
		posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0),
		0);
	ck_assert_msg(posix_spawnp(&pid, argv[0], &actions, NULL, (char *const *)(uintptr_t)argv,
				   environ) == 0,
		      "%s is not installed", argv[0]);
	(void)posix_spawn_file_actions_destroy(&actions);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static char directory[128];

static void make_directory(void)
{
	const char *parent = getenv("TMPDIR");

	(void)snprintf(directory, sizeof(directory), "%s/test-unified-diff.XXXXXX",
		       parent ? parent : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(directory));
}

static void remove_directory(void)
{
	static const char *const names[] = { "file", "diff", "file.orig", "file.rej" };
	int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		(void)unlinkat(fd, names[i], 0);
	(void)close(fd);
	(void)rmdir(directory);
}

/* What patch(1) makes of @old with our diff to @new: exactly @new, without any fuzz. */
static void assert_patch_applies(struct bytes old, struct bytes new, unsigned int context)
{
	const char *argv[] = { "patch", "-d", directory, "-s", "-F0", "-i", "diff", "file", NULL };
	_cleanup_free_ char *patched = NULL;
	struct buffer out = { 0 };
	char path[160];
	size_t size = 0;
	int r = unified_diff(old, new, "a", "b", context, &out);

	ck_assert_int_eq(r, bytes_equal(old, new) ? 0 : 1);
	if (r == 0)
		return;
	write_file(directory, "file", old);
	write_file(directory, "diff", buffer_bytes(&out));
	ck_assert_msg(run(argv) == 0, "patch refused\n%s", out.data);
	(void)snprintf(path, sizeof(path), "%s/file", directory);
	/* patch(1) removes a file that it has emptied. */
	r = file_read_at(AT_FDCWD, path, 1 << 24, &patched, &size);
	ck_assert_msg(r == 0 || (r == -ENOENT && new.size == 0), "%s", strerror(-r));
	ck_assert_msg(bytes_equal(bytes_make(patched, size), new),
		      "patch made something else of\n%s", out.data);
	buffer_done(&out);
}

START_TEST(patch_makes_the_new_of_the_old)
{
	struct buffer old = { 0 }, new = { 0 };
	unsigned int seed = (unsigned int)_i + 1;

	for (int n = 0; n < 15; n++) {
		random_text(&seed, true, &old);
		if (n % 2)
			random_text(&seed, true, &new);
		else
			random_edit(&seed, buffer_bytes(&old), &new);
		assert_patch_applies(buffer_bytes(&old), buffer_bytes(&new), (unsigned int)n % 5);
	}
	buffer_done(&old);
	buffer_done(&new);
}
END_TEST

/* Length of the longest common subsequence of lines, by the table of all beginnings. */
static size_t common_lines(const char *const *a, size_t n_a, const char *const *b, size_t n_b)
{
	size_t table[64][64] = { { 0 } };

	for (size_t i = 1; i <= n_a; i++)
		for (size_t j = 1; j <= n_b; j++)
			table[i][j] = strcmp(a[i - 1], b[j - 1]) == 0
					      ? table[i - 1][j - 1] + 1
					      : MAX_OF(table[i - 1][j], table[i][j - 1]);
	return table[n_a][n_b];
}

static size_t cut_lines(char *text, const char **lines)
{
	size_t n = 0;

	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		lines[n++] = line;
	return n;
}

static size_t count_changed(const char *diff)
{
	size_t n = 0;

	for (const char *line = strstr(diff, "\n@@"); line; line = strchr(line + 1, '\n'))
		n += line[1] == '+' || line[1] == '-';
	return n;
}

START_TEST(no_shorter_difference_exists)
{
	unsigned int seed = (unsigned int)_i + 1;

	for (int n = 0; n < 200; n++) {
		struct buffer old = { 0 }, new = { 0 }, out = { 0 };
		const char *old_lines[32], *new_lines[32];
		size_t n_old, n_new, fewest;
		int r;

		random_text(&seed, false, &old);
		random_text(&seed, false, &new);
		r = unified_diff(buffer_bytes(&old), buffer_bytes(&new), "a", "b", 3, &out);
		ck_assert_int_ge(r, 0);

		n_old = cut_lines(old.data, old_lines);
		n_new = cut_lines(new.data, new_lines);
		fewest = n_old + n_new - 2 * common_lines(old_lines, n_old, new_lines, n_new);
		ck_assert_uint_eq(r == 0 ? 0 : count_changed(out.data), fewest);
		buffer_done(&old);
		buffer_done(&new);
		buffer_done(&out);
	}
}
END_TEST

/* Contents for which the fewest changes are too many to be found. */
START_TEST(contents_with_little_in_common_are_replaced_whole)
{
	struct buffer old = { 0 }, new = { 0 };

	buffer_append_text(&old, "same\n");
	buffer_append_text(&new, "same\n");
	for (int i = 0; i < 20000; i++) {
		buffer_appendf(&old, "old %d\n", i);
		buffer_appendf(&new, "new %d\n", i);
	}
	buffer_append_text(&old, "same");
	buffer_append_text(&new, "same");
	assert_patch_applies(buffer_bytes(&old), buffer_bytes(&new), 3);
	buffer_done(&old);
	buffer_done(&new);
}
END_TEST

/* Periodic lines agree on every diagonal, which makes each step of the search long. */
START_TEST(contents_made_to_be_slow_are_not)
{
	struct buffer old = { 0 }, new = { 0 };

	for (int i = 0; i < 250000; i++) {
		buffer_append_text(&old, i % 97 == 0 ? "old\n" : "x\n");
		buffer_append_text(&new, i % 89 == 0 ? "new\n" : "x\n");
	}
	assert_patch_applies(buffer_bytes(&old), buffer_bytes(&new), 3);
	buffer_done(&old);
	buffer_done(&new);
}
END_TEST

struct told {
	struct buffer text;
	unsigned int left;
};

/* "NUMBER@OFFSET OLD|NEW;" without newlines, "-" for none. */
static int tell(void *data, const struct line_pair *pair)
{
	struct told *told = data;

	if (told->left-- == 0)
		return -ENOTTY;
	buffer_appendf(&told->text, "%u@%zu ", pair->number, pair->offset);
	buffer_append(&told->text, pair->old.data ? pair->old : bytes_of("-"));
	buffer_append_char(&told->text, '|');
	buffer_append(&told->text, pair->new.data ? pair->new : bytes_of("-"));
	buffer_append_char(&told->text, ';');
	return 0;
}

static void assert_pairs(const char *old, const char *new, const char *expected)
{
	struct told told = { .left = UINT_MAX };

	buffer_append_text(&told.text, "");
	ck_assert_int_eq(line_pairs(bytes_of(old), bytes_of(new), tell, &told), 0);
	ck_assert_str_eq(told.text.size ? told.text.data : "", expected);
	buffer_done(&told.text);
}

START_TEST(lines_are_paired_in_the_order_of_the_file)
{
	assert_pairs("", "", "");
	assert_pairs("1\n2\n", "1\n2\n", "");
	assert_pairs("1\n2\n3\n", "1\ntwo\n3\n", "2@2 2\n|two\n;");
	assert_pairs("1\n2\n3\n4\n", "one\n2\n3\nfour\n", "1@0 1\n|one\n;4@8 4\n|four\n;");
	assert_pairs("1\n2\n3\n", "a\nb\n3\n", "1@0 1\n|a\n;2@2 2\n|b\n;");
}
END_TEST

START_TEST(a_line_of_one_side_alone_stands_before_what_follows)
{
	assert_pairs("1\n2\n", "1\nx\n2\n", "2@2 -|x\n;");
	assert_pairs("1\n2\n", "1\n2\nx\n", "3@4 -|x\n;");
	assert_pairs("1\nx\n2\n", "1\n2\n", "2@2 x\n|-;");
	assert_pairs("1\n2\nx\n", "1\n2\n", "3@4 x\n|-;");
	assert_pairs("", "x\ny\n", "1@0 -|x\n;1@2 -|y\n;");
	assert_pairs("x\ny\n", "", "1@0 x\n|-;2@0 y\n|-;");
	assert_pairs("1\n2\n3\n", "a\n3\n", "1@0 1\n|a\n;2@2 2\n|-;");
	assert_pairs("1\n3\n", "a\nb\n3\n", "1@0 1\n|a\n;2@2 -|b\n;");
}
END_TEST

START_TEST(an_end_that_is_missing_makes_another_line)
{
	assert_pairs("1\n2", "1\n2\n", "2@2 2|2\n;");
	assert_pairs("1\n2", "1\nx\n2", "2@2 -|x\n;");
	assert_pairs("1", "", "1@0 1|-;");
	assert_pairs("1\r\n", "1\n", "1@0 1\r\n|1\n;");
}
END_TEST

START_TEST(who_is_told_may_end_it)
{
	struct told told = { .left = 1 };

	ck_assert_int_eq(line_pairs(bytes_of("1\n2\n3\n"), bytes_of("a\n2\nb\n"), tell, &told),
			 -ENOTTY);
	ck_assert_str_eq(told.text.data, "1@0 1\n|a\n;");
	buffer_done(&told.text);
	told = (struct told){ .left = 1 };
	ck_assert_int_eq(line_pairs(bytes_of("1\n2\n"), bytes_of("a\nb\n"), tell, &told), -ENOTTY);
	buffer_done(&told.text);
}
END_TEST

/**
 * struct rest - The lines that were not told
 * @old, @new: the contents;  @old_at, @new_at: up to where they were looked at
 */
struct rest {
	struct bytes old;
	struct bytes new;
	size_t old_at;
	size_t new_at;
	unsigned int number;
};

/* What stands between the last line that was told and a place is common to both. */
static void pass_common(struct rest *rest, size_t new_end)
{
	size_t size = new_end - rest->new_at;
	struct bytes old = bytes_slice(rest->old, rest->old_at, size);

	ck_assert_uint_ge(new_end, rest->new_at);
	ck_assert_uint_le(size, rest->old.size - rest->old_at);
	ck_assert(bytes_equal(old, bytes_slice(rest->new, rest->new_at, size)));
	for (size_t i = 0; i < size; i++)
		rest->number += old.data[i] == '\n';
	rest->old_at += size;
	rest->new_at = new_end;
}

static int check_pair(void *data, const struct line_pair *pair)
{
	struct rest *rest = data;

	ck_assert(pair->old.data || pair->new.data);
	pass_common(rest, pair->offset);
	ck_assert_uint_eq(pair->number, rest->number);
	if (pair->new.data)
		ck_assert_ptr_eq(pair->new.data, rest->new.data + rest->new_at);
	if (pair->old.data)
		ck_assert_ptr_eq(pair->old.data, rest->old.data + rest->old_at);
	rest->number += pair->old.data != NULL;
	rest->old_at += pair->old.size;
	rest->new_at += pair->new.size;
	return 0;
}

START_TEST(the_rest_of_the_lines_is_common)
{
	struct buffer old = { 0 }, new = { 0 };
	unsigned int seed = (unsigned int)_i + 1;

	for (int n = 0; n < 200; n++) {
		struct rest rest = { .number = 1 };

		random_text(&seed, true, &old);
		if (n % 2)
			random_text(&seed, true, &new);
		else
			random_edit(&seed, buffer_bytes(&old), &new);
		rest.old = buffer_bytes(&old);
		rest.new = buffer_bytes(&new);
		ck_assert_int_eq(line_pairs(rest.old, rest.new, check_pair, &rest), 0);
		pass_common(&rest, rest.new.size);
		ck_assert_uint_eq(rest.old_at, rest.old.size);
	}
	buffer_done(&old);
	buffer_done(&new);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("unified-diff");
	TCase *all = tcase_create("unified-diff");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(all, 60);
	tcase_add_checked_fixture(all, make_directory, remove_directory);
	tcase_add_test(all, equal_contents_give_nothing);
	tcase_add_test(all, a_changed_line_stands_in_its_context);
	tcase_add_test(all, changes_share_a_hunk_where_their_context_touches);
	tcase_add_test(all, an_empty_range_names_the_line_before_it);
	tcase_add_test(all, a_missing_newline_at_the_end_is_said);
	tcase_add_test(all, bytes_are_shown_as_they_are);
	tcase_add_test(all, names_are_quoted_where_they_must_be);
	tcase_add_test(all, as_few_lines_as_possible_are_changed);
	tcase_add_loop_test(all, patch_makes_the_new_of_the_old, 0, 10);
	tcase_add_loop_test(all, no_shorter_difference_exists, 0, 10);
	tcase_add_test(all, contents_with_little_in_common_are_replaced_whole);
	tcase_add_test(all, contents_made_to_be_slow_are_not);
	tcase_add_test(all, lines_are_paired_in_the_order_of_the_file);
	tcase_add_test(all, a_line_of_one_side_alone_stands_before_what_follows);
	tcase_add_test(all, an_end_that_is_missing_makes_another_line);
	tcase_add_test(all, who_is_told_may_end_it);
	tcase_add_loop_test(all, the_rest_of_the_lines_is_common, 0, 10);
	suite_add_tcase(suite, all);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
