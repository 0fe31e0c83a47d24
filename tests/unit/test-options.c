/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/options.h"

#include <check.h>
#include <errno.h>

/* The table of the program, with commands that are never run here. */
#define STUB(name)                                        \
	int command_##name(struct invocation *invocation) \
	{                                                 \
		(void)invocation;                         \
		abort();                                  \
	}                                                 \
	struct __useless_struct_to_allow_a_semicolon__

STUB(status);
STUB(devices);
STUB(snapshot);
STUB(list);
STUB(show);
STUB(diff);
STUB(plan);
STUB(apply);
STUB(rollback);
STUB(restore);
STUB(release);
STUB(check_guest);
STUB(hooks);
STUB(boot);

#define WORDS_MAX 16

/* Cuts a command line at its blanks, in place; "''" stands for an empty word. */
static int cut(char *line, char **words)
{
	static char nothing[] = "";
	int n = 0;

	for (char *word = strtok(line, " "); word && n < WORDS_MAX; word = strtok(NULL, " "))
		words[n++] = strcmp(word, "''") == 0 ? nothing : word;
	words[n] = NULL;
	return n;
}

static char words_of_line[256];

static int parse(const char *line, struct invocation *ret, struct problem *problem)
{
	char *words[WORDS_MAX + 1];
	int n;

	ck_assert_uint_lt(strlen(line), sizeof(words_of_line));
	strcpy(words_of_line, line);
	n = cut(words_of_line, words);
	return options_parse(commands, n, words, ret, problem);
}

static struct invocation accept(const char *line)
{
	struct problem problem = { NULL };
	struct invocation invocation;
	int r = parse(line, &invocation, &problem);

	ck_assert_msg(r == 0, "%s: %s", line, problem.text);
	ck_assert_ptr_null(problem.text);
	return invocation;
}

static void assert_refused(const char *line, const char *expected)
{
	struct problem problem = { NULL };
	struct invocation invocation = { .quiet = true };
	int r = parse(line, &invocation, &problem);

	ck_assert_msg(r == -EINVAL, "took '%s'", line);
	ck_assert_str_eq(problem.text, expected);
	ck_assert(invocation.quiet);
	problem_done(&problem);
}

START_TEST(nothing_said_is_status)
{
	struct invocation invocation = accept("hwrecover");

	ck_assert_str_eq(invocation.command->name, "status");
	ck_assert_ptr_null(invocation.root_path);
	ck_assert(!invocation.json && !invocation.quiet && invocation.verbosity == 0);
	ck_assert_uint_eq(invocation.n_arguments, 0);

	invocation = accept("hwrecover --exit-code");
	ck_assert_str_eq(invocation.command->name, "status");
	ck_assert(invocation.exit_code);

	/* execve(2) allows not even a name. */
	ck_assert_int_eq(options_parse(commands, 0, (char *[]){ NULL }, &invocation, NULL), 0);
	ck_assert_str_eq(invocation.command->name, "status");
}
END_TEST

START_TEST(global_options_stand_before_and_after_the_command)
{
	static const char *const lines[] = {
		"hwrecover --root /r --inventory i --config c --json plan",
		"hwrecover plan --root /r --inventory i --config c --json",
		"hwrecover --json --root=/r plan --inventory=i --config=c",
		"hwrecover --js --ro /r plan --inv=i --conf c",
	};

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		struct invocation invocation = accept(lines[i]);

		ck_assert_str_eq(invocation.command->name, "plan");
		ck_assert_str_eq(invocation.root_path, "/r");
		ck_assert_str_eq(invocation.inventory_file, "i");
		ck_assert_str_eq(invocation.config_file, "c");
		ck_assert(invocation.json);
	}
}
END_TEST

START_TEST(the_environment_does_not_change_where_options_may_stand)
{
	struct invocation invocation;

	ck_assert_int_eq(setenv("POSIXLY_CORRECT", "1", 1), 0);
	invocation = accept("hwrecover show 3 --json");
	ck_assert(invocation.json);
	ck_assert_str_eq(invocation.arguments[0], "3");
}
END_TEST

START_TEST(short_options_combine_and_carry_values)
{
	struct invocation invocation = accept("hwrecover snapshot -vvm NOTE");

	ck_assert_uint_eq(invocation.verbosity, 2);
	ck_assert_str_eq(invocation.note, "NOTE");
	invocation = accept("hwrecover -vmNOTE snapshot --adopt");
	ck_assert_str_eq(invocation.note, "NOTE");
	ck_assert(invocation.adopt);
	invocation = accept("hwrecover snapshot --note=--json");
	ck_assert_str_eq(invocation.note, "--json");
	ck_assert(!invocation.json);
	invocation = accept("hwrecover snapshot -m ''");
	ck_assert_str_eq(invocation.note, "");
}
END_TEST

START_TEST(the_last_of_two_options_counts)
{
	struct invocation invocation = accept("hwrecover --root /a --root /b -v -v -q");

	ck_assert_str_eq(invocation.root_path, "/b");
	ck_assert(invocation.quiet);
	ck_assert_uint_eq(invocation.verbosity, 0);
	invocation = accept("hwrecover -qqv");
	ck_assert(!invocation.quiet);
	ck_assert_uint_eq(invocation.verbosity, 1);
}
END_TEST

START_TEST(two_dashes_end_the_options)
{
	struct invocation invocation = accept("hwrecover restore -- --json");

	ck_assert(!invocation.json);
	ck_assert_str_eq(invocation.arguments[0], "--json");
	invocation = accept("hwrecover --json -- restore -v");
	ck_assert_str_eq(invocation.command->name, "restore");
	ck_assert_str_eq(invocation.arguments[0], "-v");
	invocation = accept("hwrecover restore -");
	ck_assert_str_eq(invocation.arguments[0], "-");
}
END_TEST

START_TEST(each_command_takes_its_own_options)
{
	ck_assert(accept("hwrecover diff --exit-code").exit_code);
	ck_assert(accept("hwrecover plan --exit-code").exit_code);
	ck_assert(accept("hwrecover apply --ifup").ifup);
	ck_assert(accept("hwrecover devices --groups").groups);
	ck_assert(accept("hwrecover rollback 3 --dry-run").dry_run);
	ck_assert(accept("hwrecover rollback --force 3").force);
	ck_assert(accept("hwrecover --relocate rollback 3").relocate);

	assert_refused("hwrecover list --exit-code",
		       "'list' takes no option '--exit-code' (see 'hwrecover list --help')");
	assert_refused("hwrecover --force apply",
		       "'apply' takes no option '--force' (see 'hwrecover apply --help')");
	assert_refused("hwrecover -m x",
		       "'status' takes no option '--note' (see 'hwrecover status --help')");
}
END_TEST

START_TEST(counts_the_words_of_a_command)
{
	ck_assert_uint_eq(accept("hwrecover diff").n_arguments, 0);
	ck_assert_uint_eq(accept("hwrecover diff 1").n_arguments, 1);
	ck_assert_uint_eq(accept("hwrecover diff 1 2").n_arguments, 2);
	ck_assert_str_eq(accept("hwrecover boot network").arguments[0], "network");

	assert_refused("hwrecover diff 1 2 3",
		       "'diff' does not take the argument '3' (see 'hwrecover diff --help')");
	assert_refused("hwrecover diff 1 2 -- 3 4",
		       "'diff' does not take the argument '3' (see 'hwrecover diff --help')");
	assert_refused("hwrecover plan now",
		       "'plan' does not take the argument 'now' (see 'hwrecover plan --help')");
	assert_refused("hwrecover show 1 2",
		       "'show' does not take the argument '2' (see 'hwrecover show --help')");
	assert_refused("hwrecover show", "'show' needs an argument: hwrecover show ID");
	assert_refused("hwrecover boot",
		       "'boot' needs an argument: hwrecover boot network|guests|finish|image");
}
END_TEST

START_TEST(suggests_what_may_have_been_meant)
{
	assert_refused("hwrecover plam", "unknown command 'plam' (did you mean 'plan'?)");
	assert_refused("hwrecover lsit", "unknown command 'lsit' (did you mean 'list'?)");
	assert_refused("hwrecover snapshto -v",
		       "unknown command 'snapshto' (did you mean 'snapshot'?)");
	assert_refused("hwrecover stat", "unknown command 'stat' (did you mean 'status'?)");
	assert_refused("hwrecover plan --jsno", "unknown option '--jsno' (did you mean '--json'?)");
	assert_refused("hwrecover plan --rot=/x",
		       "unknown option '--rot=/x' (did you mean '--root'?)");
	assert_refused("hwrecover boot nework",
		       "unknown argument 'nework' (did you mean 'network'?)");
}
END_TEST

START_TEST(suggests_nothing_far_fetched)
{
	assert_refused("hwrecover frobnicate",
		       "unknown command 'frobnicate' (see 'hwrecover --help')");
	assert_refused("hwrecover ls", "unknown command 'ls' (see 'hwrecover --help')");
	assert_refused("hwrecover ''", "unknown command '' (see 'hwrecover --help')");
	assert_refused(
		"hwrecover aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		"unknown command 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		"aaaaaa' (see 'hwrecover --help')");
	assert_refused("hwrecover --frobnicate",
		       "unknown option '--frobnicate' (see 'hwrecover --help')");
	assert_refused("hwrecover --=x", "unknown option '--=x' (see 'hwrecover --help')");
	assert_refused("hwrecover -x", "unknown option '-x' (see 'hwrecover --help')");
	assert_refused("hwrecover -v:", "unknown option '-:' (see 'hwrecover --help')");
	/* An abbreviation of two. */
	assert_refused("hwrecover --ver", "unknown option '--ver' (see 'hwrecover --help')");
}
END_TEST

START_TEST(values_are_given_where_they_belong_and_nowhere_else)
{
	assert_refused("hwrecover plan --root", "option '--root' needs a value");
	assert_refused("hwrecover snapshot -m", "option '--note' needs a value");
	assert_refused("hwrecover plan --json=yes", "option '--json' takes no value");
	assert_refused("hwrecover --help=plan", "option '--help' takes no value");
	/* As `--root "$UNSET"` comes out. */
	assert_refused("hwrecover apply --root ''", "option '--root' needs a value");
	assert_refused("hwrecover apply --root=", "option '--root' needs a value");
	assert_refused("hwrecover apply --config ''", "option '--config' needs a value");
}
END_TEST

START_TEST(help_is_given_whatever_else_is_missing)
{
	struct invocation invocation = accept("hwrecover --help");

	ck_assert(invocation.help);
	ck_assert_ptr_null(invocation.command);
	invocation = accept("hwrecover show -h");
	ck_assert(invocation.help);
	ck_assert_str_eq(invocation.command->name, "show");
	invocation = accept("hwrecover -h boot nonsense --force");
	ck_assert_str_eq(invocation.command->name, "boot");
	ck_assert(accept("hwrecover --version").version);
	assert_refused("hwrecover shwo --help", "unknown command 'shwo' (did you mean 'show'?)");
}
END_TEST

/* Whether a text fits a screen of 24 lines of 80 columns, the prompt included. */
static void assert_fits(const char *what, struct buffer *text)
{
	size_t lines = 0;

	ck_assert(!text->failed);
	for (const char *line = text->data; *line; lines++) {
		size_t width = strcspn(line, "\n");

		ck_assert_msg(width <= 80, "%s: %zu columns: %.*s", what, width, (int)width, line);
		ck_assert_msg(line[width] == '\n', "%s: last line is not ended", what);
		line += width + 1;
	}
	ck_assert_msg(lines <= 23, "%s: %zu lines", what, lines);
	buffer_done(text);
}

START_TEST(every_help_fits_a_screen_and_has_an_example)
{
	struct buffer text = { 0 };

	options_help(commands, NULL, &text);
	for (const struct command *command = commands; command->name; command++)
		ck_assert_ptr_nonnull(strstr(text.data, command->name));
	assert_fits("hwrecover --help", &text);
	for (const struct command *command = commands; command->name; command++) {
		options_help(commands, command, &text);
		ck_assert_ptr_nonnull(strstr(text.data, "Example"));
		ck_assert_ptr_nonnull(strstr(text.data, command->usage));
		assert_fits(command->name, &text);
	}
}
END_TEST

/* Every line of the examples that calls the program is one that it takes. */
START_TEST(the_examples_are_not_refused)
{
	unsigned int examples = 0;

	for (const struct command *command = commands; command->name; command++) {
		const char *line = strstr(command->help, "\n  hwrecover ");
		char example[128];

		ck_assert_msg(line, "%s has no example", command->name);
		line += strlen("\n  ");
		(void)snprintf(example, sizeof(example), "%.*s", (int)strcspn(line, "\n|&>;"),
			       line);
		(void)accept(example);
		examples++;
	}
	ck_assert_uint_eq(examples, 14);
}
END_TEST

START_TEST(the_table_and_its_texts_name_the_same_options)
{
	static const struct {
		unsigned int bit;
		const char *name;
	} options[] = {
		{ OPTION_NOTE, "--note" },
		{ OPTION_ADOPT, "--adopt" },
		{ OPTION_EXIT_CODE, "--exit-code" },
		{ OPTION_IFUP, "--ifup" },
		{ OPTION_DRY_RUN, "--dry-run" },
		{ OPTION_FORCE, "--force" },
		{ OPTION_RELOCATE, "--relocate" },
		{ OPTION_GROUPS, "--groups" },
		{ OPTION_ALL, "--all" },
	};

	for (const struct command *command = commands; command->name; command++)
		for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
			bool takes = command->options & options[i].bit;
			const char *usage = options[i].bit == OPTION_NOTE ? "-m NOTE"
									  : options[i].name;

			ck_assert_msg(takes == !!strstr(command->help, options[i].name),
				      "help of %s and %s", command->name, options[i].name);
			ck_assert_msg(takes == !!strstr(command->usage, usage),
				      "usage of %s and %s", command->name, options[i].name);
		}
}
END_TEST

START_TEST(nearest_takes_the_nearest_and_the_first_of_equals)
{
	static const char *const words[] = { "abcd", "abce", "xy", NULL };
	static const char *const none[] = { NULL };

	ck_assert_str_eq(options_nearest("abcf", words), "abcd");
	ck_assert_str_eq(options_nearest("abec", words), "abce");
	ck_assert_str_eq(options_nearest("abce", words), "abce");
	ck_assert_str_eq(options_nearest("yx", words), "xy");
	ck_assert_ptr_null(options_nearest("a", words));
	ck_assert_ptr_null(options_nearest("abcdxyz", words));
	ck_assert_ptr_null(options_nearest("", words));
	ck_assert_ptr_null(options_nearest("abcd", none));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("options");
	TCase *all = tcase_create("options");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(all, nothing_said_is_status);
	tcase_add_test(all, global_options_stand_before_and_after_the_command);
	tcase_add_test(all, the_environment_does_not_change_where_options_may_stand);
	tcase_add_test(all, short_options_combine_and_carry_values);
	tcase_add_test(all, the_last_of_two_options_counts);
	tcase_add_test(all, two_dashes_end_the_options);
	tcase_add_test(all, each_command_takes_its_own_options);
	tcase_add_test(all, counts_the_words_of_a_command);
	tcase_add_test(all, suggests_what_may_have_been_meant);
	tcase_add_test(all, suggests_nothing_far_fetched);
	tcase_add_test(all, values_are_given_where_they_belong_and_nowhere_else);
	tcase_add_test(all, help_is_given_whatever_else_is_missing);
	tcase_add_test(all, every_help_fits_a_screen_and_has_an_example);
	tcase_add_test(all, the_examples_are_not_refused);
	tcase_add_test(all, the_table_and_its_texts_name_the_same_options);
	tcase_add_test(all, nearest_takes_the_nearest_and_the_first_of_equals);
	suite_add_tcase(suite, all);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
