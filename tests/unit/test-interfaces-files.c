/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>

#include "recovery/sources/interfaces.h"

#define MAIN_FILE "/etc/network/interfaces"
#define D         "/etc/network/interfaces.d"

static char tree[4096];
static struct root root;
static struct documents documents;

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void setup(void)
{
	const char *temp = getenv("TMPDIR");

	snprintf(tree, sizeof(tree), "%s/hwrecover-files-XXXXXX", temp ? temp : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(tree));
	ck_assert_int_eq(root_open(tree, &root, NULL), 0);
}

static void teardown(void)
{
	documents_done(&documents);
	root_done(&root);
	ck_assert_int_eq(nftw(tree, remove_entry, 16, FTW_DEPTH | FTW_PHYS), 0);
}

/* A path of the tree for the system; good for two at a time. */
static const char *in_tree(const char *path)
{
	static char full[2][8192];
	static unsigned int turn;

	turn = !turn;
	snprintf(full[turn], sizeof(full[turn]), "%s%s", tree, path);
	return full[turn];
}

/* Makes the directory that holds @path. */
static void make_parent(const char *path)
{
	char *directory = strdup(path);

	ck_assert_ptr_nonnull(directory);
	*(strrchr(directory, '/') + 1) = '\0';
	for (char *slash = directory + 1; (slash = strchr(slash, '/')); *slash++ = '/') {
		*slash = '\0';
		ck_assert(mkdir(in_tree(directory), 0755) == 0 || errno == EEXIST);
	}
	free(directory);
}

static void put_bytes(const char *path, const char *data, size_t size)
{
	FILE *file;

	make_parent(path);
	file = fopen(in_tree(path), "w");
	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(data, 1, size, file), size);
	ck_assert_int_eq(fclose(file), 0);
}

static void put(const char *path, const char *text)
{
	put_bytes(path, text, strlen(text));
}

static void put_link(const char *path, const char *target)
{
	make_parent(path);
	ck_assert_int_eq(symlink(target, in_tree(path)), 0);
}

static void install(enum interfaces_dialect dialect)
{
	switch (dialect) {
	case DIALECT_IFUPDOWN2:
		put("/usr/share/ifupdown2/ifupdown/networkinterfaces.py",
		    "network_elems = { 'source' : process_source }\n");
		break;
	case DIALECT_IFUPDOWN2_3_9:
		put("/usr/share/ifupdown2/ifupdown/networkinterfaces.py",
		    "{ 'source-directory': process_source_directory }\nos.path.isabs(x)\n");
		break;
	case DIALECT_IFUPDOWN_NG:
		put("/usr/libexec/ifupdown-ng/link", "#!/bin/sh\n");
		break;
	default:
		break;
	}
}

static const struct scan_context *context_with(const char *const *globs, size_t n_globs)
{
	static struct scan_context context;

	context = (struct scan_context){ &root, globs, n_globs };
	return &context;
}

static void collect(void)
{
	documents_done(&documents);
	ck_assert_int_eq(interfaces_source.collect(&interfaces_source, context_with(NULL, 0),
						   &documents, NULL),
			 0);
}

/* The paths found, joined by blanks; unfit ones with their reason. */
static void found(const char *wanted)
{
	struct buffer text = { 0 };

	collect();
	for (size_t i = 0; i < documents.n_items; i++) {
		const struct document *document = documents.items[i];

		ck_assert_ptr_eq(document->source, &interfaces_source);
		ck_assert_int_eq(!document->data, document->unfit != NULL);
		buffer_appendf(&text, "%s%s", i ? " " : "", document->path);
		if (document->unfit)
			buffer_appendf(&text, " (%s)", document->unfit);
	}
	ck_assert_pstr_eq(text.data, *wanted ? wanted : NULL);
	buffer_done(&text);
}

static void scan(const char *name)
{
	const char *const names[] = { name };
	const struct name_set set = { names, 1 };

	ck_assert_int_eq(
		interfaces_source.scan(&interfaces_source, context_with(NULL, 0), &documents, &set),
		0);
}

static struct document *document_at(const char *path)
{
	struct document *document = documents_find(&documents, path);

	ck_assert_msg(document, "%s was not found", path);
	return document;
}

/* Dialects. */

START_TEST(the_reader_is_told_by_its_own_files)
{
	ck_assert_int_eq(interfaces_detect_dialect(&root), DIALECT_IFUPDOWN);
	put("/usr/sbin/ifup", "");
	ck_assert_int_eq(interfaces_detect_dialect(&root), DIALECT_IFUPDOWN);
	install(DIALECT_IFUPDOWN_NG);
	ck_assert_int_eq(interfaces_detect_dialect(&root), DIALECT_IFUPDOWN_NG);
	install(DIALECT_IFUPDOWN2);
	ck_assert_int_eq(interfaces_detect_dialect(&root), DIALECT_IFUPDOWN2);
	install(DIALECT_IFUPDOWN2_3_9);
	ck_assert_int_eq(interfaces_detect_dialect(&root), DIALECT_IFUPDOWN2_3_9);
}
END_TEST

START_TEST(conffiles_and_empty_folders_tell_nothing)
{
	put("/etc/network/ifupdown2/ifupdown2.conf", "template_enable=1\n");
	put("/etc/network/ifupdown-ng.conf", "");
	put("/usr/share/ifupdown2/policy.d/x.json", "{}");
	put("/var/lib/dpkg/status", "Package: ifupdown2\nStatus: deinstall ok config-files\n"
				    "Version: 3.0.0-1.1\n\n"
				    "Package: x\nStatus: install ok installed\n");
	ck_assert_int_eq(interfaces_detect_dialect(&root), DIALECT_IFUPDOWN);
}
END_TEST

START_TEST(a_part_of_the_package_is_told_by_its_version)
{
	put("/usr/share/ifupdown2/__main__.py", "");
	ck_assert_int_eq(interfaces_detect_dialect(&root), DIALECT_IFUPDOWN2);
	put("/var/lib/dpkg/status", "Package: ifupdown2\nStatus: install ok installed\n"
				    "Version: 3.9.0-1+pmx1\n");
	ck_assert_int_eq(interfaces_detect_dialect(&root), DIALECT_IFUPDOWN2_3_9);
	put("/usr/share/ifupdown2/__init__.py", "__version__ = '3.0.0'\n");
	ck_assert_int_eq(interfaces_detect_dialect(&root), DIALECT_IFUPDOWN2);
	put("/usr/share/ifupdown2/__init__.py", "__version__ = '3.10.1'\n");
	ck_assert_int_eq(interfaces_detect_dialect(&root), DIALECT_IFUPDOWN2_3_9);
}
END_TEST

START_TEST(a_copy_without_programs_is_told_by_what_is_on_record)
{
	put("/var/lib/dpkg/status", "Package: a\nStatus: install ok installed\n\n"
				    "Package: ifupdown2\nStatus: install ok installed\n"
				    "Version: 3.0.0-1.1\n\nPackage: z\nVersion: 9\n");
	ck_assert_int_eq(interfaces_detect_dialect(&root), DIALECT_IFUPDOWN2);
	put("/var/lib/dpkg/status", "Package: ifupdown-ng\nStatus: install ok installed\n");
	ck_assert_int_eq(interfaces_detect_dialect(&root), DIALECT_IFUPDOWN_NG);
	put("/usr/sbin/ifup", "");
	ck_assert_int_eq(interfaces_detect_dialect(&root), DIALECT_IFUPDOWN);
}
END_TEST

/* Files. */

START_TEST(no_file_is_no_error)
{
	found("");
}
END_TEST

START_TEST(the_file_and_the_new_one)
{
	put(MAIN_FILE, "auto lo\n");
	put(MAIN_FILE ".new", "auto lo\nsource x\n");
	put("/etc/network/x", "auto lo\n");
	put("/etc/network/y", "auto lo\n");
	found(MAIN_FILE " " MAIN_FILE ".new /etc/network/x");
	ck_assert(bytes_equal_text(document_bytes(documents.items[0]), "auto lo\n"));
	ck_assert_int_eq(documents.items[0]->attributes.mode & 0400, 0400);
}
END_TEST

START_TEST(globs_in_the_order_of_names)
{
	put(MAIN_FILE, "source interfaces.d/*\n");
	put(D "/b", "");
	put(D "/a", "");
	put(D "/.hidden", "");
	put(D "/c.bak", "");
	put(D "/sub/x", "");
	found(MAIN_FILE " " D "/a " D "/b " D "/c.bak");
	install(DIALECT_IFUPDOWN2_3_9);
	found(MAIN_FILE " " D "/a " D "/b " D "/c.bak");
}
END_TEST

START_TEST(several_words_and_quotes_as_the_shell_takes_them)
{
	put(MAIN_FILE, "source /etc/network/a '/etc/network/b c' /etc/network/d\\ e \"f\"\n"
		       "source /etc/network/[gh] \"/etc/network/\"i* '/etc/network/i*'\n"
		       "source ~/x ~root/y /etc/network/k\\* # comment\n");
	for (const char *name = "adfghij"; *name; name++) {
		char path[64];

		snprintf(path, sizeof(path), "/etc/network/%c", *name);
		put(path, "");
	}
	put("/etc/network/b c", "");
	put("/etc/network/d e", "");
	put("/etc/network/k*", "");
	put("/etc/network/kk", "");
	put("/root/y", "");
	put("/f", "");
	found(MAIN_FILE " /etc/network/a /etc/network/b c /etc/network/d e /f /etc/network/g "
			"/etc/network/h /etc/network/i /root/y /etc/network/k*");
}
END_TEST

START_TEST(a_quoted_wildcard_among_others_is_none)
{
	put(MAIN_FILE, "source /etc/network/\\**\n");
	put("/etc/network/*x", "");
	put("/etc/network/ax", "");
	found(MAIN_FILE " /etc/network/*x");
}
END_TEST

START_TEST(what_would_have_to_be_run_is_not_followed)
{
	put(MAIN_FILE, "source $DIR/x\nsource `x`\nsource /etc/network/x; y\nsource \"open\n"
		       "source /a ~nobody/x\nsource (x)\n");
	put("/etc/network/x", "");
	found(MAIN_FILE);
	scan("enp6s0");
	ck_assert_uint_eq(documents.items[0]->n_notes, 6);
	ck_assert_ptr_nonnull(strstr(documents.items[0]->notes[0], "1: "));
}
END_TEST

START_TEST(relative_names_by_the_rules_of_each_reader)
{
	put(MAIN_FILE, "source sub/a\n");
	put("/etc/network/sub/a", "source b\n");
	put("/etc/network/sub/b", "");
	put("/sub/a", "source b\n");
	put("/b", "");
	found(MAIN_FILE " /etc/network/sub/a /etc/network/sub/b");
	install(DIALECT_IFUPDOWN_NG);
	found(MAIN_FILE " /sub/a /b");
	install(DIALECT_IFUPDOWN2);
	found(MAIN_FILE " /sub/a /b");
	install(DIALECT_IFUPDOWN2_3_9);
	found(MAIN_FILE " /etc/network/sub/a /etc/network/sub/b");
}
END_TEST

START_TEST(ifupdown2_takes_one_word_as_it_is)
{
	install(DIALECT_IFUPDOWN2);
	put(MAIN_FILE, "source /etc/network/'a' /etc/network/b\nsource /etc/network/c? x\n");
	put("/etc/network/'a'", "");
	put("/etc/network/a", "");
	put("/etc/network/b", "");
	put("/etc/network/cc", "");
	found(MAIN_FILE " /etc/network/'a' /etc/network/cc");
}
END_TEST

START_TEST(folders_by_the_rules_of_each_reader)
{
	put(MAIN_FILE, "source-directory interfaces.d\n");
	put(D "/b_1-X", "");
	put(D "/a.bak", "");
	put(D "/.a", "");
	put(D "/sub/x", "");
	found(MAIN_FILE " " D "/b_1-X");
	install(DIALECT_IFUPDOWN_NG);
	found(MAIN_FILE);
	put(MAIN_FILE, "source-directory " D "\n");
	found(MAIN_FILE " " D "/.a " D "/a.bak " D "/b_1-X");
	install(DIALECT_IFUPDOWN2);
	found(MAIN_FILE);
	install(DIALECT_IFUPDOWN2_3_9);
	found(MAIN_FILE " " D "/.a " D "/a.bak " D "/b_1-X");
	put(MAIN_FILE, "source-directory interfaces.*\n");
	found(MAIN_FILE " " D "/.a " D "/a.bak " D "/b_1-X");
}
END_TEST

START_TEST(ifupdown_takes_other_spellings_and_several_folders)
{
	put(MAIN_FILE,
	    "source-dir interfaces.d other missing\nsource-directories /etc/network/o*\n");
	put(D "/a", "");
	put("/other/b", "");
	put("/etc/network/other/c", "");
	found(MAIN_FILE " " D "/a /other/b /etc/network/other/c");
}
END_TEST

START_TEST(continued_and_commented_source_lines)
{
	put(MAIN_FILE, "source \\\n /etc/network/a\n# source /etc/network/b\n# x \\\n"
		       "source /etc/network/c\n");
	put("/etc/network/a", "");
	put("/etc/network/b", "");
	put("/etc/network/c", "");
	found(MAIN_FILE " /etc/network/a /etc/network/c");
	install(DIALECT_IFUPDOWN2);
	found(MAIN_FILE " /etc/network/a");
}
END_TEST

START_TEST(a_file_is_read_once_however_often_it_is_sourced)
{
	put(MAIN_FILE, "source interfaces\nsource a\nsource ./a\nsource " D "/../a\nsource b\n"
		       "source c\n");
	put("/etc/network/a", "source interfaces\nsource b\n");
	put_link("/etc/network/b", "a");
	put_link("/etc/network/c", "c");
	make_parent(D "/");
	found(MAIN_FILE " /etc/network/a /etc/network/c (is a symbolic link that leads out of the "
			"tree)");
}
END_TEST

START_TEST(a_link_within_etc_is_managed_where_it_leads)
{
	put_link(MAIN_FILE, "../interfaces.real");
	put("/etc/interfaces.real", "source x\n");
	put("/etc/network/x", "");
	put("/etc/x", "");
	found("/etc/interfaces.real /etc/network/x");
}
END_TEST

START_TEST(a_link_out_of_etc_is_left)
{
	put(MAIN_FILE, "source a\nsource b\nsource /opt/c\n");
	put_link("/etc/network/a", "/opt/c");
	put_link("/etc/network/b", "../../../../../../../opt/c");
	put("/opt/c", "");
	found(MAIN_FILE " /etc/network/a (is a symbolic link that leads out of the tree) "
			"/etc/network/b (is a symbolic link that leads out of the tree) /opt/c");
}
END_TEST

START_TEST(a_linked_folder_is_no_reason_to_leave_its_files)
{
	put("/srv/network/interfaces", "source x\n");
	put("/srv/network/x", "");
	make_parent("/etc/");
	put_link("/etc/network", "/srv/network");
	found("/srv/network/interfaces /srv/network/x");
}
END_TEST

START_TEST(links_lead_to_nowhere_outside_of_the_tree)
{
	put(MAIN_FILE, "source a\n");
	put_link("/etc/network/a", "/etc/passwd");
	found(MAIN_FILE);
}
END_TEST

START_TEST(files_that_are_left_alone_are_named)
{
	static char zeroes[1024 * 1024 + 1];

	put(MAIN_FILE, "source hard\nsource fifo\nsource nul\nsource large\nsource fine\n");
	put("/etc/network/hard", "");
	ck_assert_int_eq(link(in_tree("/etc/network/hard"), in_tree("/etc/network/h2")), 0);
	ck_assert_int_eq(mkfifo(in_tree("/etc/network/fifo"), 0644), 0);
	put_bytes("/etc/network/nul", "auto\0lo\n", 8);
	memset(zeroes, '\n', sizeof(zeroes));
	put_bytes("/etc/network/large", zeroes, sizeof(zeroes));
	put("/etc/network/fine", "");
	found(MAIN_FILE " /etc/network/hard (has a second hard link) "
			"/etc/network/fifo (is a fifo, device or socket) "
			"/etc/network/nul (holds NUL bytes) "
			"/etc/network/large (is larger than 1 MiB) /etc/network/fine");
	put_bytes("/etc/network/large", zeroes, sizeof(zeroes) - 1);
	collect();
	ck_assert_ptr_null(document_at("/etc/network/large")->unfit);
	scan("enp6s0");
}
END_TEST

START_TEST(further_files_come_from_the_configuration)
{
	static const char *const globs[] = { "/opt/*.cfg", "/opt/b.cfg", "/nothing", "relative" };

	put(MAIN_FILE, "source /opt/b.cfg\n");
	put("/opt/a.cfg", "source c\n");
	put("/opt/b.cfg", "");
	put("/opt/c", "");
	ck_assert_int_eq(interfaces_source.collect(&interfaces_source, context_with(globs, 4),
						   &documents, NULL),
			 0);
	ck_assert_uint_eq(documents.n_items, 4);
	ck_assert_str_eq(documents.items[1]->path, "/opt/b.cfg");
	ck_assert_str_eq(documents.items[2]->path, "/opt/a.cfg");
	ck_assert_str_eq(documents.items[3]->path, "/opt/c");
}
END_TEST

START_TEST(there_is_an_end_to_how_many_files_are_read)
{
	put(MAIN_FILE, "source many/*\n");
	for (unsigned int i = 0; i < MANAGED_FILES_MAX + 10; i++) {
		char path[64];

		snprintf(path, sizeof(path), "/etc/network/many/%u", i);
		put(path, "");
	}
	collect();
	ck_assert_uint_eq(documents.n_items, MANAGED_FILES_MAX);
	ck_assert_uint_eq(documents.items[0]->n_notes, 1);
}
END_TEST

/* The set as a whole. */

START_TEST(logical_names_hold_for_all_files)
{
	put(MAIN_FILE, "source a\nauto /enx*=eth0\n");
	put("/etc/network/a", "iface eth0 inet dhcp\n\tup ip a show eth0\n");
	collect();
	scan("eth0");
	ck_assert_uint_eq(document_at("/etc/network/a")->n_references, 1);
	ck_assert_str_eq(document_at("/etc/network/a")->references[0].key, "up");
}
END_TEST

START_TEST(templates_matter_only_where_mako_is)
{
	const char *text = "% for n in ['enp6s0']:\nauto ${n}\n% endfor\nauto enp6s0\n";

	install(DIALECT_IFUPDOWN2);
	put(MAIN_FILE, text);
	collect();
	scan("enp6s0");
	ck_assert_uint_eq(documents.items[0]->n_references, 2);
	ck_assert(documents.items[0]->references[1].certain);
	put("/usr/lib/python3/dist-packages/mako/template.py", "");
	collect();
	scan("enp6s0");
	ck_assert(!documents.items[0]->references[1].certain);
}
END_TEST

START_TEST(a_rejected_file_is_named_and_scanned)
{
	put(MAIN_FILE, "auto enp6s0\niface enp6s0\n");
	collect();
	scan("enp6s0");
	ck_assert_pstr_eq(documents.items[0]->rejected,
			  "line 2: unknown or no address type and no inherits keyword specified");
	ck_assert_uint_eq(documents.items[0]->n_references, 2);
	install(DIALECT_IFUPDOWN2);
	collect();
	scan("enp6s0");
	ck_assert_ptr_null(documents.items[0]->rejected);
}
END_TEST

START_TEST(an_error_in_a_sourced_file_is_that_files)
{
	put(MAIN_FILE, "source a\nsource b\nauto lo\n");
	put("/etc/network/a", "auto x\nfoo\niface late inet manual\n");
	put("/etc/network/b", "iface y inherits late\n");
	collect();
	scan("enp6s0");
	ck_assert_ptr_null(document_at(MAIN_FILE)->rejected);
	ck_assert_pstr_eq(document_at("/etc/network/a")->rejected, "line 2: misplaced option");
	/* What stands behind the error was not read. */
	ck_assert_pstr_eq(document_at("/etc/network/b")->rejected,
			  "line 1: unknown iface to inherit from");
}
END_TEST

START_TEST(what_is_inherited_may_stand_in_a_file_sourced_before)
{
	put(MAIN_FILE, "source missing\nsource a\niface y inherits x\n");
	put(MAIN_FILE ".new", "iface y inherits x\n");
	put("/etc/network/a", "iface x inet manual\n");
	collect();
	scan("enp6s0");
	ck_assert_ptr_null(document_at(MAIN_FILE)->rejected);
	ck_assert_pstr_eq(document_at(MAIN_FILE ".new")->rejected,
			  "line 1: unknown iface to inherit from");
}
END_TEST

START_TEST(checks_other_contents_than_those_on_disk)
{
	const struct source *source = &interfaces_source;
	struct problem problem = { 0 };
	struct bytes texts[2];

	put(MAIN_FILE, "source a\niface y inherits x\n");
	put("/etc/network/a", "iface x inet manual\n");
	collect();
	scan("enp6s0");
	texts[0] = document_bytes(documents.items[0]);
	texts[1] = bytes_of("iface z inet manual\n");
	ck_assert_int_eq(source->check(source, context_with(NULL, 0), &documents, texts, &problem),
			 -EBADMSG);
	ck_assert_str_eq(problem.text, MAIN_FILE ":2: unknown iface to inherit from");
	problem_done(&problem);
	texts[1] = bytes_of("iface x inet dhcp\n");
	ck_assert_int_eq(source->check(source, context_with(NULL, 0), &documents, texts, &problem),
			 0);
	texts[1] = bytes_of("iface x inet dhcp\nfoo\n");
	ck_assert_int_eq(source->check(source, context_with(NULL, 0), &documents, texts, &problem),
			 -EBADMSG);
	ck_assert_str_eq(problem.text, "/etc/network/a:2: option with empty value");
	problem_done(&problem);
}
END_TEST

START_TEST(a_file_that_was_rejected_before_is_no_news)
{
	const struct source *source = &interfaces_source;
	struct bytes text;

	put(MAIN_FILE, "foo\n");
	collect();
	scan("enp6s0");
	text = document_bytes(documents.items[0]);
	ck_assert_int_eq(source->check(source, context_with(NULL, 0), &documents, &text, NULL), 0);
}
END_TEST

START_TEST(documents_of_other_sources_are_left)
{
	struct document *other = documents_add(&documents, "/etc/other");

	ck_assert_ptr_nonnull(other);
	other->source = &default_networking_source;
	ck_assert_int_eq(bytes_duplicate(bytes_of("auto enp6s0\n"), &other->data), 0);
	other->size = 12;
	scan("enp6s0");
	ck_assert_uint_eq(other->n_references, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("interfaces-files");
	TCase *tcase = tcase_create("all");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, the_reader_is_told_by_its_own_files);
	tcase_add_test(tcase, conffiles_and_empty_folders_tell_nothing);
	tcase_add_test(tcase, a_part_of_the_package_is_told_by_its_version);
	tcase_add_test(tcase, a_copy_without_programs_is_told_by_what_is_on_record);
	tcase_add_test(tcase, no_file_is_no_error);
	tcase_add_test(tcase, the_file_and_the_new_one);
	tcase_add_test(tcase, globs_in_the_order_of_names);
	tcase_add_test(tcase, several_words_and_quotes_as_the_shell_takes_them);
	tcase_add_test(tcase, a_quoted_wildcard_among_others_is_none);
	tcase_add_test(tcase, what_would_have_to_be_run_is_not_followed);
	tcase_add_test(tcase, relative_names_by_the_rules_of_each_reader);
	tcase_add_test(tcase, ifupdown2_takes_one_word_as_it_is);
	tcase_add_test(tcase, folders_by_the_rules_of_each_reader);
	tcase_add_test(tcase, ifupdown_takes_other_spellings_and_several_folders);
	tcase_add_test(tcase, continued_and_commented_source_lines);
	tcase_add_test(tcase, a_file_is_read_once_however_often_it_is_sourced);
	tcase_add_test(tcase, a_link_within_etc_is_managed_where_it_leads);
	tcase_add_test(tcase, a_link_out_of_etc_is_left);
	tcase_add_test(tcase, a_linked_folder_is_no_reason_to_leave_its_files);
	tcase_add_test(tcase, links_lead_to_nowhere_outside_of_the_tree);
	tcase_add_test(tcase, files_that_are_left_alone_are_named);
	tcase_add_test(tcase, further_files_come_from_the_configuration);
	tcase_add_test(tcase, there_is_an_end_to_how_many_files_are_read);
	tcase_add_test(tcase, logical_names_hold_for_all_files);
	tcase_add_test(tcase, templates_matter_only_where_mako_is);
	tcase_add_test(tcase, a_rejected_file_is_named_and_scanned);
	tcase_add_test(tcase, an_error_in_a_sourced_file_is_that_files);
	tcase_add_test(tcase, what_is_inherited_may_stand_in_a_file_sourced_before);
	tcase_add_test(tcase, checks_other_contents_than_those_on_disk);
	tcase_add_test(tcase, a_file_that_was_rejected_before_is_no_news);
	tcase_add_test(tcase, documents_of_other_sources_are_left);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
