/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/config.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>

#include "snapshot/basic/buffer.h"
#include "snapshot/basic/file.h"
#include "snapshot/basic/log.h"

#ifndef TEST_SOURCE_ROOT
#define TEST_SOURCE_ROOT "."
#endif

static struct buffer warnings;
static unsigned int n_warnings;

static void remember(enum log_level level, const char *text, const char *message_id,
		     const struct log_field *fields, size_t n_fields)
{
	(void)message_id;
	(void)fields;
	(void)n_fields;
	ck_assert_int_eq(level, LOG_LEVEL_WARNING);
	n_warnings++;
	buffer_append_text(&warnings, text);
	buffer_append_char(&warnings, '\n');
}

static char tree[128];
static struct root root;

static void make_tree(void)
{
	const char *directory = getenv("TMPDIR");

	log_set_sink(remember);
	(void)snprintf(tree, sizeof(tree), "%s/test-config.XXXXXX", directory ? directory : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(tree));
	ck_assert_int_eq(root_open(tree, &root, NULL), 0);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void remove_tree(void)
{
	root_done(&root);
	(void)nftw(tree, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	buffer_done(&warnings);
	n_warnings = 0;
}

static const char *in_tree(const char *path)
{
	static char full[256];

	(void)snprintf(full, sizeof(full), "%s%s", tree, path);
	return full;
}

static void make_directory(const char *path)
{
	int fd = root_open_directory(&root, path, 0755);

	ck_assert_int_ge(fd, 0);
	(void)close(fd);
}

static void write_bytes(const char *path, struct bytes text)
{
	char directory[128];
	FILE *file;

	(void)snprintf(directory, sizeof(directory), "%s", path);
	*strrchr(directory, '/') = '\0';
	if (*directory)
		make_directory(directory);
	file = fopen(in_tree(path), "w");
	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(text.data, 1, text.size, file), text.size);
	ck_assert_int_eq(fclose(file), 0);
}

static void write_file(const char *path, const char *text)
{
	write_bytes(path, bytes_of(text));
}

/* What text gives over the defaults. */
static struct config parse(const char *text)
{
	struct config config;

	ck_assert_int_eq(config_init(&config), 0);
	ck_assert_int_eq(config_parse(bytes_of(text), "f", &config), 0);
	return config;
}

static struct config load(const char *file)
{
	struct problem problem = { NULL };
	struct config config;

	ck_assert_msg(config_load(&root, file, &config, &problem) == 0, "%s", problem.text);
	return config;
}

static void assert_defaults(const struct config *config)
{
	ck_assert_int_eq(config->mode, MODE_AUTO);
	ck_assert_int_eq(config->network, NETWORK_REMAP);
	ck_assert_int_eq(config->stale_binds, STALE_BINDS_DISABLE);
	ck_assert_int_eq(config->autostart, AUTOSTART_BLOCK);
	ck_assert_int_eq(config->replaced_nic, REPLACED_NIC_REMAP);
	ck_assert(config->restore);
	ck_assert_uint_eq(config->n_allow, 0);
	ck_assert_uint_eq(config->keep, 50);
	ck_assert_uint_eq(config->nic_timeout_sec, 10);
	ck_assert_uint_eq(config->n_bind_scripts, 0);
	ck_assert_uint_eq(config->n_interfaces, 0);
}

static void assert_warned(const char *expected)
{
	ck_assert_str_eq(warnings.data ? warnings.data : "", expected);
}

START_TEST(an_empty_tree_has_the_defaults)
{
	struct config config = load(NULL);

	assert_defaults(&config);
	ck_assert_ptr_null(config.mode_origin);
	assert_warned("");
	config_done(&config);
}
END_TEST

START_TEST(reads_every_key)
{
	struct config config = parse("[Recovery]\n"
				     "Mode=off\n"
				     "Network=report\n"
				     "StaleBinds=relocate\n"
				     "Autostart=hold\n"
				     "ReplacedNic=report\n"
				     "Restore=no\n"
				     "Allow=0000:05:00.0 10000:E1:1f.7\n"
				     "[Snapshots]\n"
				     "Keep=7\n"
				     "[Wait]\n"
				     "NicTimeoutSec=300\n"
				     "[Paths]\n"
				     "BindScripts=/a/*  /b\n"
				     "Interfaces=/c\n");
	struct pci_address_name name;

	assert_warned("");
	ck_assert_int_eq(config.mode, MODE_OFF);
	ck_assert_str_eq(config.mode_origin, "f:2");
	ck_assert_int_eq(config.network, NETWORK_REPORT);
	ck_assert_int_eq(config.stale_binds, STALE_BINDS_RELOCATE);
	ck_assert_int_eq(config.autostart, AUTOSTART_HOLD);
	ck_assert_int_eq(config.replaced_nic, REPLACED_NIC_REPORT);
	ck_assert(!config.restore);
	ck_assert_uint_eq(config.n_allow, 2);
	ck_assert_str_eq(pci_address_show(&config.allow[0], &name), "0000:05:00.0");
	ck_assert_str_eq(pci_address_show(&config.allow[1], &name), "10000:e1:1f.7");
	ck_assert_uint_eq(config.keep, 7);
	ck_assert_uint_eq(config.nic_timeout_sec, 300);
	ck_assert_uint_eq(config.n_bind_scripts, 2);
	ck_assert_str_eq(config.bind_scripts[0], "/a/*");
	ck_assert_str_eq(config.bind_scripts[1], "/b");
	ck_assert_uint_eq(config.n_interfaces, 1);
	ck_assert_str_eq(config.interfaces[0], "/c");
	config_done(&config);
}
END_TEST

START_TEST(words_and_values_name_each_other)
{
	for (int i = 0; i < _MODE_MAX; i++)
		ck_assert_int_eq(mode_from_string(bytes_of(mode_to_string((enum mode)i))), i);
	for (int i = 0; i < _AUTOSTART_POLICY_MAX; i++)
		ck_assert_int_eq(autostart_policy_from_string(bytes_of(
					 autostart_policy_to_string((enum autostart_policy)i))),
				 i);
	ck_assert_str_eq(stale_binds_policy_to_string(STALE_BINDS_RELOCATE), "relocate");
	ck_assert_int_eq(mode_from_string(bytes_of("Auto")), _MODE_INVALID);
	ck_assert_int_eq(mode_from_string(BYTES_NONE), _MODE_INVALID);
	ck_assert_ptr_null(mode_to_string(_MODE_INVALID));
	ck_assert_ptr_null(mode_to_string(_MODE_MAX));
}
END_TEST

START_TEST(later_assignments_win_and_lists_add_up)
{
	struct config config = parse("[Snapshots]\nKeep=1\nKeep=2\n"
				     "[Paths]\nInterfaces=/a\n"
				     "[Snapshots]\nKeep=3\n"
				     "[Paths]\nInterfaces=/b /c\n");

	ck_assert_uint_eq(config.keep, 3);
	ck_assert_uint_eq(config.n_interfaces, 3);
	ck_assert_str_eq(config.interfaces[2], "/c");
	assert_warned("");
	config_done(&config);
}
END_TEST

START_TEST(an_empty_value_gives_the_default_again)
{
	struct config config = parse("[Recovery]\n"
				     "Mode=off\nNetwork=report\nRestore=no\n"
				     "Allow=0000:05:00.0\n"
				     "[Snapshots]\nKeep=7\n"
				     "[Wait]\nNicTimeoutSec=0\n"
				     "[Paths]\nBindScripts=/a\nInterfaces=/a\n"
				     "[Recovery]\nMode=\nNetwork=\nRestore =  \nAllow=\n"
				     "[Snapshots]\nKeep=\n"
				     "[Wait]\nNicTimeoutSec=\n"
				     "[Paths]\nBindScripts=\nInterfaces=\n");

	assert_defaults(&config);
	assert_warned("");
	config_done(&config);

	config = parse("[Paths]\nInterfaces=/a /b\nInterfaces=\nInterfaces=/c\n");
	ck_assert_uint_eq(config.n_interfaces, 1);
	ck_assert_str_eq(config.interfaces[0], "/c");
	config_done(&config);
}
END_TEST

START_TEST(takes_comments_blanks_and_foreign_line_ends)
{
	struct config config = parse("\xef\xbb\xbf# comment\r\n"
				     "\r\n"
				     "  [Recovery]\t\r\n"
				     "; Mode=off\r\n"
				     "\tMode = report \r\n"
				     "  #Network=report\r\n"
				     "Autostart=hold   # block | hold\r\n"
				     "Allow=\t\t# none\r\n"
				     "Network=report\t; a semicolon\r\n"
				     "[Wait]\r\n"
				     "NicTimeoutSec=20");

	assert_warned("");
	ck_assert_int_eq(config.mode, MODE_REPORT);
	ck_assert_int_eq(config.autostart, AUTOSTART_HOLD);
	ck_assert_int_eq(config.network, NETWORK_REPORT);
	ck_assert_uint_eq(config.nic_timeout_sec, 20);
	config_done(&config);
}
END_TEST

START_TEST(a_backslash_joins_lines_and_comments_between_them_are_passed_over)
{
	struct config config = parse("[Paths]\n"
				     "Interfaces=/a \\\n"
				     "  # a comment \\\n"
				     "  /b\\\n"
				     "/c\n"
				     "BindScripts=/d # not joined \\\n"
				     "[Snapshots]\n"
				     "# nor this \\\n"
				     "Keep=\\\n"
				     "8 \\");

	assert_warned("");
	ck_assert_uint_eq(config.n_interfaces, 3);
	ck_assert_str_eq(config.interfaces[1], "/b");
	ck_assert_str_eq(config.interfaces[2], "/c");
	ck_assert_uint_eq(config.n_bind_scripts, 1);
	ck_assert_uint_eq(config.keep, 8);
	config_done(&config);
}
END_TEST

START_TEST(a_bad_value_is_one_warning_and_what_held_holds)
{
	struct config config = parse("[Recovery]\n"
				     "Network=report\n"
				     "Network=Remap\n"
				     "StaleBinds=disabled\n"
				     "Autostart=\\\n"
				     "  off\n"
				     "Restore=maybe\n"
				     "Allow=0000:05:00.0 05:00.0 0000:06:00.0\n"
				     "[Paths]\n"
				     "Interfaces=/a etc/b\n");

	assert_warned("f:3: Network=Remap: not remap or report\n"
		      "f:4: StaleBinds=disabled: not disable, relocate or report\n"
		      "f:5: Autostart=off: not block, hold, relocate or report\n"
		      "f:7: Restore=maybe: not yes or no\n"
		      "f:8: Allow=05:00.0: not PCI addresses like 0000:05:00.0\n"
		      "f:10: Interfaces=etc/b: not absolute paths\n");
	ck_assert_int_eq(config.network, NETWORK_REPORT);
	ck_assert_int_eq(config.stale_binds, STALE_BINDS_DISABLE);
	ck_assert_int_eq(config.autostart, AUTOSTART_BLOCK);
	ck_assert(config.restore);
	ck_assert_uint_eq(config.n_allow, 2);
	ck_assert_uint_eq(config.n_interfaces, 1);
	config_done(&config);
}
END_TEST

START_TEST(a_bad_mode_means_report_until_a_good_one)
{
	struct config config = parse("[Recovery]\nMode=automatic\n");

	assert_warned("f:2: Mode=automatic: not auto, report or off; Mode=report holds\n");
	ck_assert_int_eq(config.mode, MODE_REPORT);
	ck_assert_str_eq(config.mode_origin, "f:2");
	config_done(&config);

	config = parse("[Recovery]\nMode=automatic\nMode=auto\n");
	ck_assert_int_eq(config.mode, MODE_AUTO);
	config_done(&config);
}
END_TEST

START_TEST(numbers_keep_to_their_limits)
{
	static const char *const bad[] = { "Keep=0",      "Keep=-1",  "Keep=1.5",
					   "Keep=0x10",   "Keep=1 2", "Keep=99999999999999999999",
					   "Keep=1000001" };
	static const char *const bad_timeouts[] = { "301", "-1", "10m", "10 s", "s", "1e2", "ss" };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		char text[64];
		struct config config;

		(void)snprintf(text, sizeof(text), "[Snapshots]\n%s\n", bad[i]);
		config = parse(text);
		ck_assert_msg(config.keep == 50 && n_warnings == i + 1, "took %s", bad[i]);
		config_done(&config);
	}
	n_warnings = 0;
	for (size_t i = 0; i < ARRAY_SIZE(bad_timeouts); i++) {
		char text[64];
		struct config config;

		(void)snprintf(text, sizeof(text), "[Wait]\nNicTimeoutSec=%s\n", bad_timeouts[i]);
		config = parse(text);
		ck_assert_msg(config.nic_timeout_sec == 10 && n_warnings == i + 1, "took %s",
			      bad_timeouts[i]);
		config_done(&config);
	}
}
END_TEST

START_TEST(takes_seconds_with_their_unit_and_systemds_booleans)
{
	static const char *const yes[] = { "1", "yes", "Y", "TRUE", "t", "on" };
	struct config config = parse("[Wait]\nNicTimeoutSec=25s\n");

	ck_assert_uint_eq(config.nic_timeout_sec, 25);
	config_done(&config);
	config = parse("[Wait]\nNicTimeoutSec=0\n");
	ck_assert_uint_eq(config.nic_timeout_sec, 0);
	config_done(&config);

	for (size_t i = 0; i < ARRAY_SIZE(yes); i++) {
		char text[64];

		(void)snprintf(text, sizeof(text), "[Recovery]\nRestore=no\nRestore=%s\n", yes[i]);
		config = parse(text);
		ck_assert_msg(config.restore, "%s is not yes", yes[i]);
		config_done(&config);
	}
	config = parse("[Recovery]\nRestore=Off\n");
	ck_assert(!config.restore);
	config_done(&config);
	assert_warned("");
}
END_TEST

START_TEST(what_is_unknown_is_said_once_and_left_out)
{
	struct config config = parse("Keep=3\n"
				     "[Recovery]\n"
				     "mode=off\n"
				     "Keep=3\n"
				     "nonsense\n"
				     "=off\n"
				     "[Recovery\n"
				     "Mode=off\n"
				     "[Colours]\n"
				     "Sky=blue\n"
				     "Sea=blue\n"
				     "[]\n");

	assert_warned("f:1: assignment before any section\n"
		      "f:3: unknown key mode in section [Recovery], left out\n"
		      "f:4: unknown key Keep in section [Recovery], left out\n"
		      "f:5: neither [Section] nor Key=Value: nonsense\n"
		      "f:6: unknown key  in section [Recovery], left out\n"
		      "f:7: section header without ']'\n"
		      "f:9: unknown section [Colours], left out\n"
		      "f:12: unknown section [], left out\n");
	assert_defaults(&config);
	config_done(&config);
}
END_TEST

START_TEST(a_file_of_rubbish_does_not_fill_the_log)
{
	struct buffer text = { 0 };
	struct config config;

	for (int i = 0; i < 1000; i++)
		buffer_append_text(&text, "rubbish\n");
	config = parse(text.data);
	ck_assert_uint_eq(n_warnings, 21);
	ck_assert_ptr_nonnull(strstr(warnings.data, "f: further lines"));
	config_done(&config);
	buffer_done(&text);
}
END_TEST

START_TEST(files_are_read_in_order_and_drop_ins_by_name)
{
	struct config config;

	write_file("/usr/lib/hwrecover/hwrecover.conf",
		   "[Snapshots]\nKeep=1\n[Wait]\nNicTimeoutSec=1\n[Paths]\nInterfaces=/vendor\n"
		   "[Recovery]\nMode=off\n");
	write_file("/etc/hwrecover/hwrecover.conf",
		   "[Snapshots]\nKeep=2\n[Wait]\nNicTimeoutSec=2\n[Paths]\nInterfaces=/admin\n");
	write_file("/etc/hwrecover/hwrecover.conf.d/10-b.conf", "[Snapshots]\nKeep=3\n");
	write_file("/etc/hwrecover/hwrecover.conf.d/20-a.conf",
		   "[Snapshots]\nKeep=4\n[Paths]\nInterfaces=/drop-in\n");
	write_file("/etc/hwrecover/hwrecover.conf.d/30.conf.bak", "[Snapshots]\nKeep=5\n");
	write_file("/etc/hwrecover/hwrecover.conf.d/.hidden.conf", "[Snapshots]\nKeep=6\n");
	config = load(NULL);
	ck_assert_uint_eq(config.keep, 4);
	ck_assert_uint_eq(config.nic_timeout_sec, 2);
	ck_assert_int_eq(config.mode, MODE_OFF);
	ck_assert_uint_eq(config.n_interfaces, 3);
	ck_assert_str_eq(config.interfaces[0], "/vendor");
	ck_assert_str_eq(config.interfaces[2], "/drop-in");
	assert_warned("");
	config_done(&config);
}
END_TEST

START_TEST(warnings_name_the_file_as_the_user_can_open_it)
{
	struct config config;
	char expected[256];

	write_file("/etc/hwrecover/hwrecover.conf", "[Recovery]\nNetwork=x\n");
	config = load(NULL);
	(void)snprintf(expected, sizeof(expected),
		       "%s/etc/hwrecover/hwrecover.conf:2: Network=x: not remap or report\n", tree);
	assert_warned(expected);
	config_done(&config);
}
END_TEST

START_TEST(a_named_file_replaces_all_others)
{
	struct config config;

	write_file("/etc/hwrecover/hwrecover.conf", "[Snapshots]\nKeep=2\n");
	write_file("/own", "[Wait]\nNicTimeoutSec=3\n");
	config = load(in_tree("/own"));
	ck_assert_uint_eq(config.keep, 50);
	ck_assert_uint_eq(config.nic_timeout_sec, 3);
	config_done(&config);

	config = load("/dev/null");
	assert_defaults(&config);
	config_done(&config);
}
END_TEST

static void assert_named_file_refused(const char *path, int error, const char *why)
{
	struct problem problem = { NULL };
	struct config config;
	char expected[512];

	(void)snprintf(expected, sizeof(expected), "%s: %s", in_tree(path), why);
	ck_assert_int_eq(config_load(&root, in_tree(path), &config, &problem), error);
	ck_assert_str_eq(problem.text, expected);
	problem_done(&problem);
}

START_TEST(a_named_file_that_cannot_be_read_is_an_error)
{
	static char large[CONFIG_MAX_SIZE + 1];
	struct config config;

	memset(large, '\n', sizeof(large));
	write_bytes("/large", bytes_make(large, sizeof(large)));
	ck_assert_int_eq(mkfifo(in_tree("/fifo"), 0600), 0);
	assert_named_file_refused("/none", -ENOENT, "cannot read: No such file or directory");
	assert_named_file_refused("/", -EISDIR, "cannot read: Is a directory");
	assert_named_file_refused("/fifo", -ENOTSUP, "is not an ordinary file");
	assert_named_file_refused("/large", -EFBIG, "cannot read: File too large");

	write_bytes("/large", bytes_make(large, CONFIG_MAX_SIZE));
	config = load(in_tree("/large"));
	config_done(&config);
}
END_TEST

/* Whether the file at @path, which cannot be read, restrains what other files allow. */
static void assert_means_report(const char *path)
{
	struct config config;

	write_file("/etc/hwrecover/hwrecover.conf.d/99.conf", "[Recovery]\nMode=auto\n");
	config = load(NULL);
	ck_assert_msg(config.mode == MODE_REPORT, "%s does not mean report", path);
	ck_assert_uint_eq(n_warnings, 1);
	ck_assert_ptr_nonnull(strstr(warnings.data, path));
	ck_assert_str_eq(config.mode_origin, "a configuration file that cannot be read");
	config_done(&config);

	write_file("/etc/hwrecover/hwrecover.conf.d/99.conf", "[Recovery]\nMode=off\n");
	config = load(NULL);
	ck_assert_int_eq(config.mode, MODE_OFF);
	config_done(&config);
}

START_TEST(a_file_that_cannot_be_read_means_report)
{
	make_directory("/etc/hwrecover/hwrecover.conf");
	assert_means_report("/etc/hwrecover/hwrecover.conf");
}
END_TEST

START_TEST(a_drop_in_that_cannot_be_read_means_report)
{
	make_directory("/etc/hwrecover/hwrecover.conf.d");
	ck_assert_int_eq(mkfifo(in_tree("/etc/hwrecover/hwrecover.conf.d/50.conf"), 0600), 0);
	assert_means_report("/etc/hwrecover/hwrecover.conf.d/50.conf");
}
END_TEST

START_TEST(a_link_that_leads_in_a_circle_means_report)
{
	make_directory("/etc/hwrecover");
	ck_assert_int_eq(symlink("hwrecover.conf", in_tree("/etc/hwrecover/hwrecover.conf")), 0);
	assert_means_report("/etc/hwrecover/hwrecover.conf");
}
END_TEST

START_TEST(links_resolve_inside_the_tree)
{
	struct config config;

	make_directory("/etc/hwrecover");
	write_file("/etc/own", "[Snapshots]\nKeep=9\n");
	ck_assert_int_eq(symlink("/etc/own", in_tree("/etc/hwrecover/hwrecover.conf")), 0);
	config = load(NULL);
	ck_assert_uint_eq(config.keep, 9);
	config_done(&config);

	/* Nothing inside; the machine's own /dev/null and /etc/passwd are not looked at. */
	make_directory("/etc/hwrecover/hwrecover.conf.d");
	ck_assert_int_eq(symlink("/dev/null", in_tree("/etc/hwrecover/hwrecover.conf.d/1.conf")),
			 0);
	ck_assert_int_eq(symlink("../../../../../../../etc/passwd",
				 in_tree("/etc/hwrecover/hwrecover.conf.d/2.conf")),
			 0);
	config = load(NULL);
	ck_assert_uint_eq(config.keep, 9);
	assert_warned("");
	config_done(&config);
}
END_TEST

static enum mode mode_with(const char *command_line, enum mode before)
{
	struct config config;
	enum mode mode;

	ck_assert_int_eq(config_init(&config), 0);
	config.mode = before;
	ck_assert_int_eq(config_parse_kernel_command_line(bytes_of(command_line), &config), 0);
	mode = config.mode;
	config_done(&config);
	return mode;
}

START_TEST(the_last_word_of_the_kernel_command_line_counts)
{
	ck_assert_int_eq(mode_with("ro quiet hwrecover=off\n", MODE_AUTO), MODE_OFF);
	ck_assert_int_eq(mode_with("hwrecover=off hwrecover=report", MODE_AUTO), MODE_REPORT);
	ck_assert_int_eq(mode_with("hwrecover=off\thwrecover=auto", MODE_REPORT), MODE_AUTO);
	ck_assert_int_eq(mode_with("hwrecover=\"off\"", MODE_AUTO), MODE_OFF);
	ck_assert_int_eq(mode_with("\"hwrecover=off\" ro", MODE_AUTO), MODE_OFF);
	assert_warned("");
}
END_TEST

START_TEST(other_words_of_the_kernel_command_line_say_nothing)
{
	ck_assert_int_eq(mode_with("", MODE_OFF), MODE_OFF);
	ck_assert_int_eq(mode_with(" \n", MODE_OFF), MODE_OFF);
	ck_assert_int_eq(mode_with("ro hwrecovery=off xhwrecover=off hwrecover.x=off", MODE_AUTO),
			 MODE_AUTO);
	ck_assert_int_eq(mode_with("init=\"/bin/sh hwrecover=off\" ro", MODE_AUTO), MODE_AUTO);
	assert_warned("");
}
END_TEST

START_TEST(an_unknown_word_behind_the_parameter_means_report)
{
	ck_assert_int_eq(mode_with("hwrecover=of", MODE_AUTO), MODE_REPORT);
	assert_warned("kernel command line: hwrecover=of: not auto, report or off; "
		      "report holds\n");
	ck_assert_int_eq(mode_with("hwrecover=off hwrecover=", MODE_AUTO), MODE_REPORT);
	ck_assert_int_eq(mode_with("hwrecover", MODE_OFF), MODE_REPORT);
	ck_assert_int_eq(mode_with("hwrecover=\"", MODE_AUTO), MODE_REPORT);
	ck_assert_uint_eq(n_warnings, 4);
}
END_TEST

START_TEST(the_kernel_command_line_outranks_every_file)
{
	struct config config;

	write_file("/proc/cmdline", "ro hwrecover=off quiet\n");
	write_file("/etc/hwrecover/hwrecover.conf", "[Recovery]\nMode=auto\n");
	write_file("/own", "[Recovery]\nMode=report\n");
	config = load(NULL);
	ck_assert_int_eq(config.mode, MODE_OFF);
	ck_assert_str_eq(config.mode_origin, "the kernel command line");
	config_done(&config);
	config = load(in_tree("/own"));
	ck_assert_int_eq(config.mode, MODE_OFF);
	config_done(&config);

	write_file("/proc/cmdline", "hwrecover=auto\n");
	make_directory("/etc/hwrecover/hwrecover.conf.d/unreadable.conf");
	config = load(NULL);
	ck_assert_int_eq(config.mode, MODE_AUTO);
	config_done(&config);
}
END_TEST

START_TEST(a_kernel_command_line_that_cannot_be_read_means_report)
{
	struct config config;

	make_directory("/proc/cmdline");
	config = load(NULL);
	ck_assert_int_eq(config.mode, MODE_REPORT);
	ck_assert_uint_eq(n_warnings, 1);
	config_done(&config);
}
END_TEST

/* The shipped file, with the mark of comment taken from lines that hold a key. */
static void uncomment_keys(char *text)
{
	for (char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (line[0] == '#' && line[1] >= 'A' && line[1] <= 'Z')
			line[0] = ' ';
	}
}

START_TEST(the_shipped_file_shows_the_defaults)
{
	_cleanup_free_ char *text = NULL;
	struct config config;
	size_t size;

	ck_assert_int_eq(file_read_at(AT_FDCWD, TEST_SOURCE_ROOT "/agent/hwrecover.conf",
				      CONFIG_MAX_SIZE, &text, &size),
			 0);
	config = parse(text);
	assert_defaults(&config);
	ck_assert_ptr_null(config.mode_origin);
	config_done(&config);

	uncomment_keys(text);
	ck_assert_ptr_nonnull(strstr(text, "\n Interfaces="));
	config = parse(text);
	assert_defaults(&config);
	ck_assert_ptr_nonnull(config.mode_origin);
	assert_warned("");
	config_done(&config);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("config");
	TCase *all = tcase_create("config");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(all, make_tree, remove_tree);
	tcase_add_test(all, an_empty_tree_has_the_defaults);
	tcase_add_test(all, reads_every_key);
	tcase_add_test(all, words_and_values_name_each_other);
	tcase_add_test(all, later_assignments_win_and_lists_add_up);
	tcase_add_test(all, an_empty_value_gives_the_default_again);
	tcase_add_test(all, takes_comments_blanks_and_foreign_line_ends);
	tcase_add_test(all, a_backslash_joins_lines_and_comments_between_them_are_passed_over);
	tcase_add_test(all, a_bad_value_is_one_warning_and_what_held_holds);
	tcase_add_test(all, a_bad_mode_means_report_until_a_good_one);
	tcase_add_test(all, numbers_keep_to_their_limits);
	tcase_add_test(all, takes_seconds_with_their_unit_and_systemds_booleans);
	tcase_add_test(all, what_is_unknown_is_said_once_and_left_out);
	tcase_add_test(all, a_file_of_rubbish_does_not_fill_the_log);
	tcase_add_test(all, files_are_read_in_order_and_drop_ins_by_name);
	tcase_add_test(all, warnings_name_the_file_as_the_user_can_open_it);
	tcase_add_test(all, a_named_file_replaces_all_others);
	tcase_add_test(all, a_named_file_that_cannot_be_read_is_an_error);
	tcase_add_test(all, a_file_that_cannot_be_read_means_report);
	tcase_add_test(all, a_drop_in_that_cannot_be_read_means_report);
	tcase_add_test(all, a_link_that_leads_in_a_circle_means_report);
	tcase_add_test(all, links_resolve_inside_the_tree);
	tcase_add_test(all, the_last_word_of_the_kernel_command_line_counts);
	tcase_add_test(all, other_words_of_the_kernel_command_line_say_nothing);
	tcase_add_test(all, an_unknown_word_behind_the_parameter_means_report);
	tcase_add_test(all, the_kernel_command_line_outranks_every_file);
	tcase_add_test(all, a_kernel_command_line_that_cannot_be_read_means_report);
	tcase_add_test(all, the_shipped_file_shows_the_defaults);
	suite_add_tcase(suite, all);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
