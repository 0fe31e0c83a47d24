/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/log-sinks.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>

#include "agent/terminal.h"
#include "snapshot/basic/file.h"
#include "snapshot/message-ids.h"

#ifndef TEST_SOURCE_ROOT
#define TEST_SOURCE_ROOT "."
#endif

static void assert_stderr(enum log_level level, const char *text, bool color, const char *expected)
{
	struct buffer line = { 0 };

	log_render_stderr(level, text, color, true, &line);
	ck_assert_str_eq(line.data, expected);
	buffer_done(&line);
}

START_TEST(an_error_is_its_text_and_a_warning_says_so)
{
	assert_stderr(LOG_LEVEL_ERROR, "f:3: bad", false, "hwrecover: f:3: bad\n");
	assert_stderr(LOG_LEVEL_WARNING, "f:3: bad", false, "hwrecover: warning: f:3: bad\n");
	assert_stderr(LOG_LEVEL_NOTICE, "done", false, "hwrecover: done\n");
	assert_stderr(LOG_LEVEL_DEBUG, "done", false, "hwrecover: done\n");
}
END_TEST

START_TEST(colours_mark_errors_and_warnings)
{
	assert_stderr(LOG_LEVEL_ERROR, "bad", true, "hwrecover: \033[31mbad\033[0m\n");
	assert_stderr(LOG_LEVEL_WARNING, "bad", true, "hwrecover: \033[33mwarning: bad\033[0m\n");
	assert_stderr(LOG_LEVEL_NOTICE, "done", true, "hwrecover: done\n");
}
END_TEST

START_TEST(a_message_stays_on_one_line_and_steers_no_terminal)
{
	assert_stderr(LOG_LEVEL_ERROR, "a\nb\033[2Jc\rd", false,
		      "hwrecover: a\\x0ab\\x1b[2Jc\\x0dd\n");
}
END_TEST

/* Shows as one line and as text, in a UTF-8 locale and in another one. */
static void assert_escaped(struct bytes text, const char *utf8, const char *ascii)
{
	struct buffer out = { 0 };

	terminal_escape_line(text, true, &out);
	buffer_append_char(&out, '|');
	terminal_escape_line(text, false, &out);
	ck_assert_uint_eq(strlen(utf8), strchr(out.data, '|') - out.data);
	ck_assert_mem_eq(out.data, utf8, strlen(utf8));
	ck_assert_str_eq(strchr(out.data, '|') + 1, ascii);
	buffer_done(&out);
}

START_TEST(text_from_files_is_harmless_to_show)
{
	assert_escaped(bytes_of("plain ~ \t\\"), "plain ~ \t\\", "plain ~ \t\\");
	assert_escaped(bytes_make("\0\x01\x7f", 3), "\\x00\\x01\\x7f", "\\x00\\x01\\x7f");
	assert_escaped(bytes_of("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x96\xa7"),
		       "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x96\xa7",
		       "gr\\xc3\\xbc\\xc3\\x9f \\xe2\\x82\\xac \\xf0\\x9f\\x96\\xa7");
	/* C1: CSI as one character. */
	assert_escaped(bytes_of("\xc2\x9b"), "\\xc2\\x9b", "\\xc2\\x9b");
	assert_escaped(bytes_of("\xc2\xa0"), "\xc2\xa0", "\\xc2\\xa0");
	/* Right-to-left override, isolate. */
	assert_escaped(bytes_of("a\xe2\x80\xae\x62"), "a\\xe2\\x80\\xaeb", "a\\xe2\\x80\\xaeb");
	assert_escaped(bytes_of("\xe2\x81\xa6"), "\\xe2\\x81\\xa6", "\\xe2\\x81\\xa6");
}
END_TEST

START_TEST(what_is_no_utf8_is_shown_as_bytes)
{
	static const char *const bad[] = {
		"\x80",
		"\xc3",
		"\xc0\xaf",
		"\xc1\xbf",
		"\xe0\x80\xaf",
		"\xe2\x82",
		"\xed\xa0\x80",
		"\xf0\x80\x80\xaf",
		"\xf4\x90\x80\x80",
		"\xf5\x80\x80\x80",
		"\xff",
		"\xe2\x28\xa1",
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct buffer out = { 0 };

		terminal_escape_text(bytes_of(bad[i]), true, &out);
		for (size_t j = 0; j < out.size; j++)
			ck_assert_msg((unsigned char)out.data[j] < 0x80, "case %zu is shown", i);
		ck_assert_uint_gt(out.size, strlen(bad[i]));
		buffer_done(&out);
	}
}
END_TEST

START_TEST(newlines_stay_in_text)
{
	struct buffer out = { 0 };

	terminal_escape_text(bytes_of("a\n\tb\r\n"), true, &out);
	ck_assert_str_eq(out.data, "a\n\tb\\x0d\n");
	buffer_done(&out);
}
END_TEST

START_TEST(a_pipe_has_no_colours_and_cuts_nothing)
{
	struct terminal terminal;
	int fds[2];

	ck_assert_int_eq(pipe(fds), 0);
	terminal_look(fds[1], &terminal);
	ck_assert(!terminal.interactive && !terminal.color);
	ck_assert_uint_ge(terminal.width, 1000000);
	ck_assert_str_eq(terminal_style(&terminal, STYLE_RED), "");
	(void)close(fds[0]);
	(void)close(fds[1]);
}
END_TEST

static struct terminal look_at_terminal(const char *no_color, const char *term)
{
	int fd = posix_openpt(O_RDWR | O_NOCTTY);
	struct terminal terminal;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(no_color ? setenv("NO_COLOR", no_color, 1) : unsetenv("NO_COLOR"), 0);
	ck_assert_int_eq(term ? setenv("TERM", term, 1) : unsetenv("TERM"), 0);
	terminal_look(fd, &terminal);
	(void)close(fd);
	ck_assert(terminal.interactive);
	return terminal;
}

START_TEST(a_terminal_has_colours_unless_they_are_unwanted)
{
	ck_assert(look_at_terminal(NULL, "xterm").color);
	ck_assert(look_at_terminal("", "xterm").color);
	ck_assert(!look_at_terminal("1", "xterm").color);
	ck_assert(!look_at_terminal("0", "xterm").color);
	ck_assert(!look_at_terminal(NULL, "dumb").color);
	ck_assert(!look_at_terminal(NULL, NULL).color);
	/* A new one has no size yet, as a serial console. */
	ck_assert_uint_eq(look_at_terminal(NULL, "xterm").width, 80);
}
END_TEST

START_TEST(a_kernel_record_is_one_short_line)
{
	struct buffer record = { 0 };
	char text[3000];

	log_render_kmsg(LOG_LEVEL_WARNING, "a\nb", &record);
	ck_assert_str_eq(record.data, "<28>hwrecover: a\\x0ab\n");
	buffer_done(&record);

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	log_render_kmsg(LOG_LEVEL_ERROR, text, &record);
	ck_assert_uint_lt(record.size, 976);
	ck_assert_int_eq(record.data[record.size - 1], '\n');
	buffer_done(&record);
}
END_TEST

static void assert_field(const struct journal_entry *entry, size_t i, const char *expected)
{
	ck_assert_uint_lt(i, entry->n_fields);
	ck_assert_uint_eq(entry->vector[i].iov_len, strlen(expected));
	ck_assert_mem_eq(entry->vector[i].iov_base, expected, strlen(expected));
}

START_TEST(a_journal_entry_has_its_fields)
{
	const struct log_field fields[] = {
		{ FIELD_FILE, "/etc/a" },
		{ FIELD_LINE, NULL },
		{ FIELD_REASON, "two\nlines" },
	};
	struct journal_entry entry;

	ck_assert_int_eq(
		log_render_journal(LOG_LEVEL_NOTICE, "text", EVENT_FILE_EDITED, fields, 3, &entry),
		0);
	ck_assert_uint_eq(entry.n_fields, 6);
	assert_field(&entry, 0, "MESSAGE=text");
	assert_field(&entry, 1, "PRIORITY=5");
	assert_field(&entry, 2, "SYSLOG_IDENTIFIER=hwrecover");
	assert_field(&entry, 3, "MESSAGE_ID=" EVENT_FILE_EDITED);
	assert_field(&entry, 4, "HWRECOVER_FILE=/etc/a");
	assert_field(&entry, 5, "HWRECOVER_REASON=two\nlines");
	journal_entry_done(&entry);

	ck_assert_int_eq(log_render_journal(LOG_LEVEL_ERROR, "x", NULL, NULL, 0, &entry), 0);
	ck_assert_uint_eq(entry.n_fields, 3);
	assert_field(&entry, 1, "PRIORITY=3");
	journal_entry_done(&entry);
}
END_TEST

START_TEST(too_many_fields_are_cut_off)
{
	struct log_field fields[JOURNAL_FIELDS_MAX + 5];
	struct journal_entry entry;

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		fields[i] = (struct log_field){ "HWRECOVER_X", "y" };
	ck_assert_int_eq(
		log_render_journal(LOG_LEVEL_ERROR, "x", NULL, fields, ARRAY_SIZE(fields), &entry),
		0);
	ck_assert_uint_eq(entry.n_fields, JOURNAL_FIELDS_MAX);
	assert_field(&entry, JOURNAL_FIELDS_MAX - 1, "HWRECOVER_X=y");
	journal_entry_done(&entry);
}
END_TEST

START_TEST(the_journals_stream_is_known_by_device_and_inode)
{
	const struct stat st = { .st_dev = 9, .st_ino = 1234 };
	static const char *const others[] = {
		"", ":", "9", "9:", ":1234", "9:12345", "8:1234", "9:1234:", "9:1234 ", "0x9:1234",
	};

	ck_assert(journal_stream_is("9:1234", &st));
	ck_assert(!journal_stream_is(NULL, &st));
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		ck_assert_msg(!journal_stream_is(others[i], &st), "took '%s'", others[i]);
}
END_TEST

START_TEST(stderr_is_used_where_nothing_says_otherwise)
{
	ck_assert_int_eq(unsetenv("JOURNAL_STREAM"), 0);
	ck_assert_int_eq(log_target_detect(), LOG_TARGET_STDERR);
	ck_assert_int_eq(setenv("JOURNAL_STREAM", "1:2", 1), 0);
	ck_assert_int_eq(log_target_detect(), LOG_TARGET_STDERR);
}
END_TEST

/* What log_warning() writes while stderr is a pipe. */
START_TEST(messages_arrive_on_stderr)
{
	char text[64] = "";
	int fds[2], old = dup(STDERR_FILENO);

	ck_assert_int_eq(pipe(fds), 0);
	ck_assert_int_ge(dup2(fds[1], STDERR_FILENO), 0);
	log_use(LOG_TARGET_STDERR);
	log_warning("%s", "one");
	log_debug("%s", "two");
	(void)dup2(old, STDERR_FILENO);
	(void)close(fds[1]);
	ck_assert_int_gt(read(fds[0], text, sizeof(text) - 1), 0);
	ck_assert_str_eq(text, "hwrecover: warning: one\n");
	(void)close(fds[0]);
	(void)close(old);
}
END_TEST

static const char *const events[] = {
	EVENT_BASELINE_TAKEN,      EVENT_HARDWARE_CHANGED,      EVENT_FILE_EDITED,
	EVENT_NIC_REMAPPED,        EVENT_MENTION_PARKED,        EVENT_MENTION_RESTORED,
	EVENT_REFERENCE_AMBIGUOUS, EVENT_STAGE_FAILED,          EVENT_NIC_WAIT_EXPIRED,
	EVENT_SNAPSHOT_DAMAGED,    EVENT_TRANSACTION_COMPLETED, EVENT_EDITS_NOT_REPEATED,
	EVENT_FILE_LEFT_ALONE,     EVENT_FUNCTION_RELEASED,     EVENT_FUNCTION_NOT_RELEASED,
	EVENT_ENTRY_DISABLED,      EVENT_ENTRY_RELOCATED,       EVENT_GUARD_ACTED,
	EVENT_IMAGE_REBUILT,       EVENT_IMAGE_FAILED,          EVENT_GUEST_BLOCKED,
	EVENT_GUEST_HELD,          EVENT_GUEST_RESTORED,
};

static char *read_source(const char *path)
{
	char *text;
	size_t size;

	ck_assert_int_eq(file_read_at(AT_FDCWD, path, 1 << 20, &text, &size), 0);
	return text;
}

/* How often a line of the text begins with @start. */
static size_t count_lines(const char *text, const char *start)
{
	size_t n = 0;

	for (const char *line = text; *line; line += line[0] == '\n') {
		n += strncmp(line, start, strlen(start)) == 0;
		line += strcspn(line, "\n");
	}
	return n;
}

START_TEST(each_event_has_its_catalog_entry)
{
	_cleanup_free_ char *catalog = read_source(TEST_SOURCE_ROOT "/systemd/hwrecover.catalog");
	_cleanup_free_ char *header = read_source(TEST_SOURCE_ROOT "/snapshot/message-ids.h");

	for (size_t i = 0; i < ARRAY_SIZE(events); i++) {
		char start[64];

		ck_assert_uint_eq(strspn(events[i], "0123456789abcdef"), 32);
		ck_assert_uint_eq(strlen(events[i]), 32);
		(void)snprintf(start, sizeof(start), "-- %s", events[i]);
		ck_assert_msg(count_lines(catalog, start) == 1, "no entry for %s", events[i]);
	}
	ck_assert_uint_eq(count_lines(catalog, "-- "), ARRAY_SIZE(events));
	ck_assert_uint_eq(count_lines(catalog, "Subject: "), ARRAY_SIZE(events));
	ck_assert_uint_eq(count_lines(header, "#define EVENT_"), ARRAY_SIZE(events));
}
END_TEST

START_TEST(the_catalog_uses_no_field_that_is_not_defined)
{
	_cleanup_free_ char *catalog = read_source(TEST_SOURCE_ROOT "/systemd/hwrecover.catalog");
	_cleanup_free_ char *header = read_source(TEST_SOURCE_ROOT "/snapshot/message-ids.h");
	unsigned int n = 0;

	for (const char *at = strchr(catalog, '@'); at; at = strchr(at, '@')) {
		const char *end = strchr(at + 1, '@');
		char field[64];

		ck_assert_ptr_nonnull(end);
		(void)snprintf(field, sizeof(field), "\"%.*s\"", (int)(end - at - 1), at + 1);
		ck_assert_msg(strstr(header, field), "%s is not defined", field);
		at = end + 1;
		n++;
	}
	ck_assert_uint_gt(n, 10);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("log-sinks");
	TCase *all = tcase_create("log-sinks");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(all, an_error_is_its_text_and_a_warning_says_so);
	tcase_add_test(all, colours_mark_errors_and_warnings);
	tcase_add_test(all, a_message_stays_on_one_line_and_steers_no_terminal);
	tcase_add_test(all, text_from_files_is_harmless_to_show);
	tcase_add_test(all, what_is_no_utf8_is_shown_as_bytes);
	tcase_add_test(all, newlines_stay_in_text);
	tcase_add_test(all, a_pipe_has_no_colours_and_cuts_nothing);
	tcase_add_test(all, a_terminal_has_colours_unless_they_are_unwanted);
	tcase_add_test(all, a_kernel_record_is_one_short_line);
	tcase_add_test(all, a_journal_entry_has_its_fields);
	tcase_add_test(all, too_many_fields_are_cut_off);
	tcase_add_test(all, the_journals_stream_is_known_by_device_and_inode);
	tcase_add_test(all, stderr_is_used_where_nothing_says_otherwise);
	tcase_add_test(all, messages_arrive_on_stderr);
	tcase_add_test(all, each_event_has_its_catalog_entry);
	tcase_add_test(all, the_catalog_uses_no_field_that_is_not_defined);
	suite_add_tcase(suite, all);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
