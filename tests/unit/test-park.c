/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "recovery/park.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>

#include "recovery/sources/bind.h"
#include "recovery/sources/interfaces-lines.h"
#include "snapshot/basic/number.h"

#define PATH "/etc/network/interfaces"

#define MAX_REFERENCES 256

static const char *const names[] = { "enp5s0", "enp6s0", "enp7s0", "enp8s0" };
static const struct name_set set = { names, ARRAY_SIZE(names) };

static enum interfaces_dialect dialect;
static struct document document;
static struct meanings meanings;
static struct treatment treatments[MAX_REFERENCES];
static struct rendered rendered;
static struct put_back *back;
static size_t n_back;

/* Of the random document under way, to be told when something fails. */
static uint64_t seed;

static void setup(void)
{
	dialect = DIALECT_IFUPDOWN;
}

static void forget_document(void)
{
	document_done(&document);
	free(back);
	back = NULL;
	n_back = 0;
}

static void teardown(void)
{
	forget_document();
	meanings_done(&meanings);
	rendered_done(&rendered);
}

/* The file as it is read: with what is parked still out of force. */
static void load(struct bytes text)
{
	forget_document();
	document.path = PATH;
	ck_assert_int_eq(bytes_duplicate(text, &document.data), 0);
	document.size = text.size;
}

static void scan(void)
{
	document_clear_scan(&document);
	ck_assert_int_eq(interfaces_scan_text(dialect, &document, &set), 0);
	ck_assert_uint_le(document.n_references, MAX_REFERENCES);
	memset(treatments, 0, sizeof(treatments));
}

static void undo(void)
{
	ck_assert_int_eq(park_undo(&meanings, &document, &back, &n_back), 0);
}

/* What the last run leaves to this one: the texts with something parked in them. */
static void record(void)
{
	struct bytes text = bytes_make(rendered.text, rendered.size);
	struct bytes plain = bytes_make(rendered.plain, rendered.plain_size);
	struct seen_file *file;

	meanings_done(&meanings);
	file = meanings_add_file(&meanings, 0);
	file->path = PATH;
	file->digest = bytes_digest(text, BYTES_DIGEST_SEED);
	for (size_t i = 0; i < rendered.n_parked; i++) {
		struct span in_text = rendered.parked[i].text_span;
		struct span in_plain = rendered.parked[i].plain_span;
		struct parked_text *parked = meanings_add_parked(&meanings, 0);

		parked->path = PATH;
		parked->inside = strchr(" \t", rendered.plain[in_plain.offset]) != NULL;
		parked->offset = in_text.offset;
		parked->context = arena_copy(&meanings.arena, park_context(text, in_text.offset));
		parked->present = arena_copy(&meanings.arena,
					     bytes_slice(text, in_text.offset, in_text.length));
		parked->original = arena_copy(&meanings.arena,
					      bytes_slice(plain, in_plain.offset, in_plain.length));
	}
}

static void render(void)
{
	rendered_done(&rendered);
	ck_assert_int_eq(park_render(&document, treatments, &rendered), 0);
}

/* Parks every mention of the names, by blanks; "enp5s0>enp9s0" renames one instead. */
static void treat(const char *words)
{
	static const char *const targets[] = { "enp5s0", "enp8s0", "enp9s0", "eth0",
					       "enp131s0f0np0" };

	memset(treatments, 0, sizeof(treatments));
	for (const char *at = words; *at; at += strcspn(at, " "), at += *at == ' ') {
		size_t length = strcspn(at, "> ");
		const char *to = at[length] == '>' ? at + length + 1 : NULL;

		for (size_t i = 0; i < document.n_references; i++) {
			struct bytes name = document_text(&document, document.references[i].span);

			if (!bytes_equal(name, bytes_make(at, length)))
				continue;
			treatments[i].park = !to;
			for (size_t j = 0; to && j < ARRAY_SIZE(targets); j++)
				if (strncmp(to, targets[j], strcspn(to, " ")) == 0 &&
				    targets[j][strcspn(to, " ")] == '\0')
					treatments[i].new_name = targets[j];
			ck_assert(!to || treatments[i].new_name);
		}
	}
}

static void expect_bytes(struct bytes found, struct bytes wanted)
{
	ck_assert_msg(bytes_equal(found, wanted), "\"%.*s\"\ninstead of\n\"%.*s\" (seed %llu)",
		      (int)found.size, found.data, (int)wanted.size, wanted.data,
		      (unsigned long long)seed);
}

/* Renders @before treated so, expects @after, and @before (renamed as @plain) when it is undone. */
static void check_renamed(const char *before, const char *words, const char *after,
			  const char *plain)
{
	meanings_done(&meanings);
	load(bytes_of(before));
	scan();
	treat(words);
	render();
	expect_bytes(bytes_make(rendered.text, rendered.size), bytes_of(after));
	record();
	load(bytes_of(after));
	undo();
	ck_assert_uint_eq(n_back, meanings.n_parked);
	expect_bytes(document_bytes(&document), bytes_of(plain));
	expect_bytes(document_disk_bytes(&document), bytes_of(after));
}

static void check_park(const char *before, const char *words, const char *after)
{
	check_renamed(before, words, after, before);
}

/* A list in a bridge's stanza, parked so. */
static void check_list(const char *before, const char *words, const char *after)
{
	struct buffer was = { 0 }, is = { 0 };

	buffer_appendf(&was, "iface vmbr0 inet manual\n%s\n\tbridge-fd 0\n", before);
	buffer_appendf(&is, "iface vmbr0 inet manual\n%s\n\tbridge-fd 0\n", after);
	check_park(was.data, words, is.data);
	buffer_done(&was);
	buffer_done(&is);
}

START_TEST(parks_nothing_when_nothing_is_to_be_parked)
{
	check_park("auto enp6s0\niface enp6s0 inet manual\n", "",
		   "auto enp6s0\niface enp6s0 inet manual\n");
	ck_assert_uint_eq(rendered.n_parked, 0);
	ck_assert_uint_eq(rendered.n_edits, 0);
	check_park("", "", "");
}
END_TEST

START_TEST(comments_out_a_stanza_line_by_line)
{
	check_park("auto enp6s0\niface enp6s0 inet static\n\taddress 192.0.2.1/24\n\n"
		   "auto lo\niface lo inet loopback\n",
		   "enp6s0",
		   "#hwrecover: auto enp6s0\n#hwrecover: iface enp6s0 inet static\n"
		   "#hwrecover: \taddress 192.0.2.1/24\n\n"
		   "auto lo\niface lo inet loopback\n");
}
END_TEST

START_TEST(leaves_blank_lines_and_comments_of_a_stanza_as_they_are)
{
	check_park("iface enp6s0 inet manual\n# why\n\n  \t\n\tmtu 9000\n# behind it\n", "enp6s0",
		   "#hwrecover: iface enp6s0 inet manual\n# why\n\n  \t\n"
		   "#hwrecover: \tmtu 9000\n# behind it\n");
}
END_TEST

START_TEST(comments_out_each_line_of_a_command)
{
	check_park("iface vmbr0 inet manual\n\tup ip link set enp6s0 \\\n\t   up\n\tmtu 9000\n",
		   "enp6s0",
		   "iface vmbr0 inet manual\n#hwrecover: \tup ip link set enp6s0 \\ (continued)\n"
		   "#hwrecover: \t   up\n\tmtu 9000\n");
}
END_TEST

START_TEST(ends_no_comment_in_a_backslash)
{
	for (int one = 0; one < _DIALECT_MAX; one++) {
		dialect = (enum interfaces_dialect)one;
		check_park("iface vmbr0 inet manual\n\tup ip link set enp6s0 \\\n  up \\\n\n"
			   "\tmtu 9000\n",
			   "enp6s0",
			   interfaces_is_python(dialect)
				   ? "iface vmbr0 inet manual\n"
				     "#hwrecover: \tup ip link set enp6s0 \\ (continued)\n"
				     "#hwrecover:   up \\ (continued)\n\n#hwrecover: \tmtu 9000\n"
				   : "iface vmbr0 inet manual\n"
				     "#hwrecover: \tup ip link set enp6s0 \\ (continued)\n"
				     "#hwrecover:   up \\ (continued)\n\n\tmtu 9000\n");
	}
}
END_TEST

START_TEST(takes_words_out_with_the_blanks_that_join_them)
{
	check_list("\tbridge-ports enp5s0 enp6s0 enp7s0", "enp5s0", "\tbridge-ports enp6s0 enp7s0");
	check_list("\tbridge-ports enp5s0 enp6s0 enp7s0", "enp6s0", "\tbridge-ports enp5s0 enp7s0");
	check_list("\tbridge-ports enp5s0 enp6s0 enp7s0", "enp7s0", "\tbridge-ports enp5s0 enp6s0");
	check_list("\tbridge-ports enp5s0 enp6s0 enp7s0", "enp5s0 enp7s0", "\tbridge-ports enp6s0");
	check_list("\tbridge-ports enp5s0 enp6s0 enp7s0", "enp5s0 enp6s0", "\tbridge-ports enp7s0");
	check_list("\tbridge-ports enp5s0 enp6s0 enp7s0", "enp6s0 enp7s0", "\tbridge-ports enp5s0");
	check_list("\tbridge-ports \t enp5s0\t\tenp6s0  bond0   enp7s0 \t", "enp6s0",
		   "\tbridge-ports \t enp5s0  bond0   enp7s0 \t");
	check_list("\tbridge-ports  enp5s0  \t bond0 enp5s0.7\tvmbr9", "enp5s0",
		   "\tbridge-ports  bond0\tvmbr9");
	check_list("\tbridge-ports vmbr9 enp5s0 enp5s0", "enp5s0", "\tbridge-ports vmbr9");
}
END_TEST

START_TEST(takes_the_vlan_of_a_name_along)
{
	check_list("\tbridge-ports enp5s0.100 enp6s0", "enp5s0", "\tbridge-ports enp6s0");
	check_list("\tbridge-portprios enp5s0=4 enp6s0=8", "enp6s0", "\tbridge-portprios enp5s0=4");
}
END_TEST

START_TEST(takes_words_out_of_a_list_on_several_lines)
{
	check_list("\tbridge-ports enp5s0 \\\n\t\tenp6s0 \\\n\t\tenp7s0", "enp5s0",
		   "\tbridge-ports enp6s0 \\\n\t\tenp7s0");
	check_list("\tbridge-ports enp5s0 \\\n\t\tenp6s0 \\\n\t\tenp7s0", "enp6s0",
		   "\tbridge-ports enp5s0 \\\n\t\tenp7s0");
	check_list("\tbridge-ports enp5s0 \\\n\t\tenp6s0 \\\n\t\tenp7s0", "enp7s0",
		   "\tbridge-ports enp5s0 \\\n\t\tenp6s0");
	check_list("\tbridge-ports \\\n enp5s0\\\n enp6s0", "enp6s0", "\tbridge-ports \\\n enp5s0");
	check_list("\tbridge-ports \\\n enp5s0\\\n enp6s0", "enp5s0", "\tbridge-ports \\\n enp6s0");
}
END_TEST

START_TEST(knows_the_longer_continuations_of_ifupdown2)
{
	dialect = DIALECT_IFUPDOWN2;
	check_list("\tbridge-ports enp5s0 \\  \n enp6s0", "enp6s0", "\tbridge-ports enp5s0");
	check_list("\tbridge-ports enp5s0 \\  \n enp6s0", "enp5s0", "\tbridge-ports enp6s0");
	check_list("\tbridge-ports enp5s0 \\  \n enp6s0", "enp5s0 enp6s0", "\tbridge-ports none");
	check_list("\tbridge-ports enp5s0\\ \t\n\n enp6s0", "enp6s0", "\tbridge-ports enp5s0");
	check_list("\tbridge-ports enp5s0\\\r\n enp6s0", "enp6s0", "\tbridge-ports enp5s0");
	check_list("\tbridge-ports enp5s0 \\\r\n enp6s0", "enp5s0 enp6s0", "\tbridge-ports none");
	check_list("\tbond-slaves enp5s0 \\ \r\n\tenp6s0", "enp5s0 enp6s0",
		   "#hwrecover: \tbond-slaves enp5s0 \\ (continued) \r\n#hwrecover: \tenp6s0");
}
END_TEST

START_TEST(writes_none_into_a_list_whose_reader_knows_that_word)
{
	check_list("\tbridge-ports enp5s0", "enp5s0", "\tbridge-ports none");
	check_list("\tbridge_ports  enp5s0 \\\n enp6s0  ", "enp5s0 enp6s0",
		   "\tbridge_ports  none  ");
	check_list("\tbond-slaves enp5s0 enp6s0", "enp5s0 enp6s0", "\tbond-slaves none");
}
END_TEST

START_TEST(comments_out_an_emptied_list_without_such_a_word)
{
	check_park("auto enp5s0 enp6s0\nauto lo\n", "enp5s0 enp6s0",
		   "#hwrecover: auto enp5s0 enp6s0\nauto lo\n");
	check_park("auto enp5s0 \\\n enp6s0\nauto lo\n", "enp5s0 enp6s0",
		   "#hwrecover: auto enp5s0 \\ (continued)\n#hwrecover:  enp6s0\nauto lo\n");
	dialect = DIALECT_IFUPDOWN2;
	check_list("\tbond-slaves enp5s0 enp6s0", "enp5s0 enp6s0",
		   "#hwrecover: \tbond-slaves enp5s0 enp6s0");
}
END_TEST

START_TEST(parks_a_stanza_while_words_of_others_are_taken_out)
{
	check_park("auto enp6s0 enp5s0\niface enp6s0 inet manual\n\tup ip link set enp5s0 up\n"
		   "iface bond0 inet manual\n\tbond-slaves enp5s0 enp6s0\n\tbond-primary enp6s0\n"
		   "iface vmbr0 inet manual\n\tbridge-ports enp6s0.7",
		   "enp6s0",
		   "auto enp5s0\n#hwrecover: iface enp6s0 inet manual\n"
		   "#hwrecover: \tup ip link set enp5s0 up\n"
		   "iface bond0 inet manual\n\tbond-slaves enp5s0\n"
		   "#hwrecover: \tbond-primary enp6s0\n"
		   "iface vmbr0 inet manual\n\tbridge-ports none");
}
END_TEST

START_TEST(keeps_crlf_and_a_missing_last_newline)
{
	check_park("auto enp6s0\r\niface enp6s0 inet manual\r\n\tmtu 9000\r\n", "enp6s0",
		   "#hwrecover: auto enp6s0\r\n#hwrecover: iface enp6s0 inet manual\r\n"
		   "#hwrecover: \tmtu 9000\r\n");
	check_park("auto lo enp6s0\r\nauto enp6s0", "enp6s0", "auto lo\r\n#hwrecover: auto enp6s0");
	check_park("auto enp6s0", "enp6s0", "#hwrecover: auto enp6s0");
	check_park("iface vmbr0 inet manual\n\tup x enp6s0 \\", "enp6s0",
		   "iface vmbr0 inet manual\n#hwrecover: \tup x enp6s0 \\ (continued)");
}
END_TEST

START_TEST(renames_around_what_is_parked)
{
	check_renamed("auto enp5s0 enp6s0 enp7s0\niface enp6s0 inet manual\n"
		      "iface enp7s0 inet manual\n",
		      "enp6s0 enp5s0>enp9s0 enp7s0>enp5s0",
		      "auto enp9s0 enp5s0\n#hwrecover: iface enp6s0 inet manual\n"
		      "iface enp5s0 inet manual\n",
		      "auto enp9s0 enp6s0 enp5s0\niface enp6s0 inet manual\n"
		      "iface enp5s0 inet manual\n");
	ck_assert_uint_eq(rendered.plain_offset[0], strlen("auto "));
	ck_assert_uint_eq(rendered.plain_offset[1], strlen("auto enp9s0 "));
	ck_assert_uint_eq(rendered.plain_offset[2], strlen("auto enp9s0 enp6s0 "));
	ck_assert(!rendered.out_of_force[0]);
	ck_assert(rendered.out_of_force[1]);
	ck_assert(!rendered.out_of_force[2]);
}
END_TEST

START_TEST(does_not_rename_what_stands_in_lines_that_are_commented_out)
{
	check_renamed("iface enp6s0 inet manual\n\tup ip link set enp5s0 up\n",
		      "enp6s0 enp5s0>eth0",
		      "#hwrecover: iface enp6s0 inet manual\n"
		      "#hwrecover: \tup ip link set enp5s0 up\n",
		      "iface enp6s0 inet manual\n\tup ip link set enp5s0 up\n");
	ck_assert(rendered.out_of_force[1]);
}
END_TEST

START_TEST(takes_two_lists_on_one_line_apart)
{
	const char *text = "a enp5s0 enp6s0; b enp7s0 enp8s0\n";
	struct reference *reference;

	load(bytes_of(text));
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		size_t offset = (size_t)(strstr(text, names[i]) - text);

		reference = document_add_reference(&document);
		ck_assert_ptr_nonnull(reference);
		reference->span = (struct span){ offset, 6 };
		reference->list = (struct span){ i < 2 ? 2 : 19, 13 };
		reference->extent = (struct span){ 0, strlen(text) };
		reference->none_word = "-";
		reference->key = reference->block = "";
	}
	document_finish(&document);
	treat("enp6s0 enp7s0 enp8s0");
	render();
	expect_bytes(bytes_make(rendered.text, rendered.size), bytes_of("a enp5s0; b -\n"));
	ck_assert_uint_eq(rendered.n_parked, 1);
	record();
	load(bytes_make(rendered.text, rendered.size));
	undo();
	expect_bytes(document_bytes(&document), bytes_of(text));
}
END_TEST

/* Parks the addresses of the numbers, by blanks: "6" is 0000:06:00.0. */
static void treat_addresses(const char *numbers)
{
	memset(treatments, 0, sizeof(treatments));
	for (size_t i = 0; i < document.n_references; i++) {
		const char number[] = { (char)('0' + document.references[i].address.bus), '\0' };

		ck_assert_int_eq(document.references[i].kind, REFERENCE_ADDRESS);
		treatments[i].park = strstr(numbers, number) != NULL;
	}
}

static void scan_script(void)
{
	document_clear_scan(&document);
	ck_assert_int_eq(bind_script_scan_document(&document), 0);
	ck_assert_uint_le(document.n_references, MAX_REFERENCES);
	ck_assert_ptr_null(document.rejected);
}

static void park_script(const char *before, const char *numbers)
{
	meanings_done(&meanings);
	load(bytes_of(before));
	scan_script();
	treat_addresses(numbers);
	render();
	record();
}

/* Parks so in a script, expects @after, that the next run does the same, and @before when it is
 * undone. */
static void check_script(const char *before, const char *numbers, const char *after)
{
	park_script(before, numbers);
	expect_bytes(bytes_make(rendered.text, rendered.size), bytes_of(after));
	expect_bytes(bytes_make(rendered.plain, rendered.plain_size), bytes_of(before));
	ck_assert_int_eq(bind_script_check_text(bytes_of(after), PATH, NULL), 0);
	for (int i = 0; i < 2; i++) {
		load(bytes_of(after));
		undo();
		expect_bytes(document_bytes(&document), bytes_of(before));
		scan_script();
		treat_addresses(numbers);
		render();
		expect_bytes(bytes_make(rendered.text, rendered.size), bytes_of(after));
		record();
	}
}

#define OVERRIDE(address) \
	"echo vfio-pci > /sys/bus/pci/devices/0000:0" address ":00.0/driver_override\n"
/* Whatever function of the slot: no statement of it can be put out of force for one. */
#define WHOLE_SLOT      "for f in 0 1; do echo 1 > /sys/bus/pci/devices/0000:06:00.$f/remove; done\n"
#define OFF             PARK_EXIT_LINE
#define PARKED(address) "#hwrecover: " OVERRIDE(address)

START_TEST(switches_a_script_off_before_anything_in_it)
{
	check_script("#!/bin/sh\n" WHOLE_SLOT, "6", "#!/bin/sh\n" OFF WHOLE_SLOT);
	ck_assert_uint_eq(rendered.n_parked, 1);
	/* What stands in it stays a mention. */
	ck_assert(!rendered.out_of_force[0]);
	check_script(WHOLE_SLOT, "6", OFF WHOLE_SLOT);
	check_script("\n# x\n" WHOLE_SLOT, "6", OFF "\n# x\n" WHOLE_SLOT);
	check_script("#!/bin/sh\n\n\n" WHOLE_SLOT "true", "6",
		     "#!/bin/sh\n" OFF "\n\n" WHOLE_SLOT "true");
	check_script("#!/bin/sh\n" WHOLE_SLOT, "", "#!/bin/sh\n" WHOLE_SLOT);
	ck_assert_uint_eq(rendered.n_parked, 0);
}
END_TEST

START_TEST(switches_a_script_off_once_whatever_is_in_it)
{
	check_script("#!/bin/sh\n" WHOLE_SLOT WHOLE_SLOT, "6",
		     "#!/bin/sh\n" OFF WHOLE_SLOT WHOLE_SLOT);
	ck_assert_uint_eq(rendered.n_parked, 1);
}
END_TEST

START_TEST(switches_a_script_off_besides_what_is_parked_in_it)
{
	/* Directly behind the first line, and elsewhere. */
	check_script("#!/bin/sh\n" OVERRIDE("7") WHOLE_SLOT, "6 7",
		     "#!/bin/sh\n" OFF PARKED("7") WHOLE_SLOT);
	check_script(OVERRIDE("7") WHOLE_SLOT, "6 7", OFF PARKED("7") WHOLE_SLOT);
	check_script("#!/bin/sh\ntrue\n" WHOLE_SLOT OVERRIDE("7"), "6 7",
		     "#!/bin/sh\n" OFF "true\n" WHOLE_SLOT PARKED("7"));
	ck_assert_uint_eq(rendered.n_parked, 2);
	/* One comes back, the other does not. */
	check_script("#!/bin/sh\n" OVERRIDE("7") WHOLE_SLOT, "7",
		     "#!/bin/sh\n" PARKED("7") WHOLE_SLOT);
	check_script("#!/bin/sh\n" OVERRIDE("7") WHOLE_SLOT, "6",
		     "#!/bin/sh\n" OFF OVERRIDE("7") WHOLE_SLOT);
}
END_TEST

START_TEST(tells_a_text_that_switches_off)
{
	struct parked_text parked = { .present = "a\n" OFF, .original = "a\n" };

	ck_assert(park_switches_off(&parked));
	parked.original = "a\n" OFF;
	ck_assert(!park_switches_off(&parked));
	parked.present = "#hwrecover: a\n";
	parked.original = "a\n";
	ck_assert(!park_switches_off(&parked));
}
END_TEST

/* Switches a script off, lets a person make @edited of it, and expects @after when it is undone. */
static void check_edited_script(const char *before, const char *edited, const char *after)
{
	park_script(before, "6");
	load(bytes_of(edited));
	undo();
	expect_bytes(document_bytes(&document), bytes_of(after));
}

START_TEST(switches_a_script_on_that_somebody_edited)
{
	check_edited_script("#!/bin/sh\nset -e\n" WHOLE_SLOT,
			    "#!/bin/sh\n" OFF "set -e\n" WHOLE_SLOT "echo mine\n",
			    "#!/bin/sh\nset -e\n" WHOLE_SLOT "echo mine\n");
	check_edited_script("#!/bin/sh\nset -e\n" WHOLE_SLOT, "#!/bin/dash\n" OFF "set -e\ntrue\n",
			    "#!/bin/dash\nset -e\ntrue\n");
	check_edited_script("#!/bin/sh\nset -e\n" WHOLE_SLOT,
			    "#!/bin/sh\n# mine\n" OFF "set -e\n" WHOLE_SLOT,
			    "#!/bin/sh\n# mine\nset -e\n" WHOLE_SLOT);
	/* The very line that was put there is gone: it is on already. */
	check_edited_script("#!/bin/sh\nset -e\n" WHOLE_SLOT, "#!/bin/sh\nset -e\n" WHOLE_SLOT,
			    "#!/bin/sh\nset -e\n" WHOLE_SLOT);
	ck_assert(meanings.parked[0].lost);
}
END_TEST

START_TEST(switches_a_script_on_whose_first_statement_somebody_edited)
{
	check_edited_script("#!/bin/sh\nset -e\n" WHOLE_SLOT,
			    "#!/bin/sh\n" OFF "set -eu\n" WHOLE_SLOT,
			    "#!/bin/sh\nset -eu\n" WHOLE_SLOT);
}
END_TEST

START_TEST(leaves_something_in_a_body)
{
	check_script("#!/bin/sh\nif true; then\n\t" OVERRIDE("6") "fi\n", "6",
		     "#!/bin/sh\nif true; then\n: #hwrecover: \t" OVERRIDE("6") "fi\n");
	check_script("#!/bin/sh\nif true; then\n\t" OVERRIDE("6") "\t" OVERRIDE("7") "fi\n", "6 7",
		     "#!/bin/sh\nif true; then\n: #hwrecover: \t" OVERRIDE(
			     "6") ": #hwrecover: \t" OVERRIDE("7") "fi\n");
	/* Of a statement on several lines the first. */
	check_script("#!/bin/sh\nif true; then\n\techo vfio-pci > \\\n"
		     "\t/sys/bus/pci/devices/0000:06:00.0/driver_override\nfi\n",
		     "6",
		     "#!/bin/sh\nif true; then\n: #hwrecover: \techo vfio-pci > \\ (continued)\n"
		     "#hwrecover: \t/sys/bus/pci/devices/0000:06:00.0/driver_override\nfi\n");
}
END_TEST

START_TEST(leaves_no_colon_outside_a_body)
{
	check_script("#!/bin/sh\n" OVERRIDE("6"), "6", "#!/bin/sh\n" PARKED("6"));
	check_script("#!/bin/sh\n" OVERRIDE("6") OVERRIDE("7"), "7",
		     "#!/bin/sh\n" OVERRIDE("6") PARKED("7"));
}
END_TEST

START_TEST(leaves_a_list_of_a_script_empty)
{
	check_script("#!/bin/sh\nDEVS=\"0000:06:00.0 0000:07:00.0\"\nfor d in $DEVS; do\n"
		     "\techo vfio-pci > /sys/bus/pci/devices/$d/driver_override\ndone\n",
		     "6",
		     "#!/bin/sh\nDEVS=\"0000:07:00.0\"\nfor d in $DEVS; do\n"
		     "\techo vfio-pci > /sys/bus/pci/devices/$d/driver_override\ndone\n");
	check_script("#!/bin/sh\nDEVS=\"0000:06:00.0 0000:07:00.0\"\nfor d in $DEVS; do\n"
		     "\techo vfio-pci > /sys/bus/pci/devices/$d/driver_override\ndone\n",
		     "6 7",
		     "#!/bin/sh\nDEVS=\"\"\nfor d in $DEVS; do\n"
		     "\techo vfio-pci > /sys/bus/pci/devices/$d/driver_override\ndone\n");
	ck_assert(rendered.out_of_force[0] && rendered.out_of_force[1]);
	check_script("#!/bin/sh\nfor d in 0000:06:00.0 0000:07:00.0; do\n"
		     "\techo vfio-pci > /sys/bus/pci/devices/$d/driver_override\ndone\n",
		     "6 7",
		     "#!/bin/sh\nfor d in ; do\n"
		     "\techo vfio-pci > /sys/bus/pci/devices/$d/driver_override\ndone\n");
	/* On several lines. */
	check_script("#!/bin/sh\nDEVS=\"\n0000:06:00.0\n0000:07:00.0\n\"\nfor d in $DEVS; do\n"
		     "\techo vfio-pci > /sys/bus/pci/devices/$d/driver_override\ndone\n",
		     "6 7",
		     "#!/bin/sh\nDEVS=\"\n\n\"\nfor d in $DEVS; do\n"
		     "\techo vfio-pci > /sys/bus/pci/devices/$d/driver_override\ndone\n");
}
END_TEST

/* A document whose name is its mention. */
static void load_override(const char *path, const char *name, const char *text)
{
	struct reference *reference;

	load(bytes_of(text));
	document.path = path;
	document.source = &driverctl_source;
	document.attributes.mode = 0640;
	reference = document_add_reference(&document);
	ck_assert_ptr_nonnull(reference);
	reference->kind = REFERENCE_ADDRESS;
	reference->in_name = name;
	reference->shape = PARK_FILE;
	reference->certain = true;
	reference->key = "driver";
	reference->block = "";
	memset(treatments, 0, sizeof(treatments));
}

#define OVERRIDES "/etc/driverctl.d/pci-"

START_TEST(takes_a_whole_file_away)
{
	load_override(OVERRIDES "0000:06:00.0", "0000:06:00.0", "vfio-pci\n");
	treatments[0].park = true;
	render();
	ck_assert(rendered.removed);
	ck_assert_ptr_null(rendered.path);
	ck_assert_uint_eq(rendered.size, 0);
	expect_bytes(bytes_make(rendered.plain, rendered.plain_size), bytes_of("vfio-pci\n"));
	ck_assert_uint_eq(rendered.n_parked, 1);
	ck_assert_uint_eq(rendered.parked[0].text_span.length, 0);
	ck_assert_uint_eq(rendered.parked[0].plain_span.length, strlen("vfio-pci\n"));
	ck_assert(rendered.out_of_force[0]);
}
END_TEST

START_TEST(leaves_a_file_whose_name_is_right)
{
	load_override(OVERRIDES "0000:06:00.0", "0000:06:00.0", "vfio-pci\n");
	render();
	ck_assert(!rendered.removed);
	ck_assert_ptr_null(rendered.path);
	ck_assert_uint_eq(rendered.n_parked, 0);
	ck_assert_uint_eq(rendered.n_edits, 0);
	expect_bytes(bytes_make(rendered.text, rendered.size), bytes_of("vfio-pci\n"));
}
END_TEST

static void check_other_name(const char *path, const char *wanted)
{
	load_override(path, "0000:06:00.0", "vfio-pci\n");
	treatments[0].new_name = "0000:08:00.0";
	render();
	ck_assert(!rendered.removed);
	ck_assert_str_eq(rendered.path, wanted);
	ck_assert_uint_eq(rendered.n_parked, 0);
	ck_assert(!rendered.out_of_force[0]);
	expect_bytes(bytes_make(rendered.text, rendered.size), bytes_of("vfio-pci\n"));
}

START_TEST(gives_a_file_another_name)
{
	check_other_name(OVERRIDES "0000:06:00.0", OVERRIDES "0000:08:00.0");
	check_other_name("/a/0000:06:00.0/pci-0000:06:00.0.conf",
			 "/a/0000:06:00.0/pci-0000:08:00.0.conf");
	/* What is parked gets no other name. */
	load_override(OVERRIDES "0000:06:00.0", "0000:06:00.0", "vfio-pci\n");
	treatments[0] = (struct treatment){ .park = true, .new_name = "0000:08:00.0" };
	render();
	ck_assert(rendered.removed);
	ck_assert_ptr_null(rendered.path);
}
END_TEST

START_TEST(refuses_a_name_that_is_not_in_the_path)
{
	load_override("/etc/0000:06:00.0/other", "0000:06:00.0", "vfio-pci\n");
	treatments[0].new_name = "0000:08:00.0";
	rendered_done(&rendered);
	ck_assert_int_eq(park_render(&document, treatments, &rendered), -EINVAL);
	rendered = (struct rendered){ 0 };
}
END_TEST

START_TEST(puts_a_file_back_that_was_taken_away)
{
	struct parked_text *parked;

	load(bytes_of(""));
	forget_document();
	for (int i = 0; i < 2; i++) {
		parked = meanings_add_parked(&meanings, 0);
		parked->path = i ? OVERRIDES "0000:06:00.0" : PATH;
		parked->context = parked->present = "";
		parked->original = i ? "vfio-pci\n" : "x\n";
		parked->source = i ? "driverctl" : NULL;
		parked->attributes.mode = 0640;
		parked->attributes.uid = 7;
	}
	document.path = OVERRIDES "0000:06:00.0";
	ck_assert_int_eq(park_undo_removal(&meanings, 1, &document, &back, &n_back), 0);
	ck_assert(document.absent);
	expect_bytes(document_bytes(&document), bytes_of("vfio-pci\n"));
	expect_bytes(document_disk_bytes(&document), bytes_of(""));
	ck_assert_ptr_nonnull(document.disk);
	ck_assert_uint_eq(document.attributes.mode, 0640);
	ck_assert_uint_eq(document.attributes.uid, 7);
	ck_assert_uint_eq(n_back, 1);
	ck_assert_uint_eq(back[0].parked, 1);
	ck_assert_uint_eq(back[0].span.offset, 0);
	ck_assert_uint_eq(back[0].span.length, strlen("vfio-pci\n"));
}
END_TEST

/* A file that somebody put where one was taken away is none of ours, and loses us nothing. */
START_TEST(looks_for_no_text_of_a_file_that_is_away)
{
	struct parked_text *parked = meanings_add_parked(&meanings, 0);

	parked->path = PATH;
	parked->context = parked->present = "";
	parked->original = "vfio-pci\n";
	parked->source = "driverctl";
	load(bytes_of("pci-stub\n"));
	undo();
	ck_assert_uint_eq(n_back, 0);
	ck_assert(!meanings.parked[0].lost);
	expect_bytes(document_bytes(&document), bytes_of("pci-stub\n"));
	ck_assert_ptr_null(document.disk);
}
END_TEST

/* Parks enp6s0 in @before, lets a person make @edited of it, and expects @after with all back. */
static void check_edited(const char *before, const char *edited, const char *after)
{
	meanings_done(&meanings);
	load(bytes_of(before));
	scan();
	treat("enp6s0");
	render();
	record();
	load(bytes_of(edited));
	undo();
	expect_bytes(document_bytes(&document), bytes_of(after));
}

static size_t count_lost(void)
{
	size_t n = 0;

	for (size_t i = 0; i < meanings.n_parked; i++)
		n += meanings.parked[i].lost;
	return n;
}

START_TEST(finds_the_place_again_in_a_file_that_was_edited)
{
	check_edited("auto enp6s0\nauto lo\n", "# mine\n\n#hwrecover: auto enp6s0\nauto eth0 lo\n",
		     "# mine\n\nauto enp6s0\nauto eth0 lo\n");
	check_edited("iface vmbr0 inet manual\n\tbridge-ports enp6s0\n",
		     "iface vmbr1 inet manual\n\tbridge-ports none\n"
		     "iface vmbr0 inet manual\n\tmtu 9000\n\tbridge-ports none\n",
		     "iface vmbr1 inet manual\n\tbridge-ports none\n"
		     "iface vmbr0 inet manual\n\tmtu 9000\n\tbridge-ports enp6s0\n");
	ck_assert_uint_eq(count_lost(), 0);
}
END_TEST

START_TEST(gives_a_text_up_that_stands_nowhere_or_anywhere)
{
	check_edited("auto enp6s0\nauto lo\n", "auto lo\n", "auto lo\n");
	ck_assert_uint_eq(count_lost(), 1);
	ck_assert_ptr_null(document.disk);
	check_edited("auto lo\nauto enp6s0\n",
		     "auto lo\n#hwrecover: auto enp6s0\n\n#hwrecover: auto enp6s0\n",
		     "auto lo\n#hwrecover: auto enp6s0\n\n#hwrecover: auto enp6s0\n");
	ck_assert_uint_eq(count_lost(), 1);
}
END_TEST

START_TEST(takes_nothing_for_a_line_that_only_starts_like_it)
{
	check_edited("auto lo\nauto enp6s0", "auto lo\n#hwrecover: auto enp6s0f1\n",
		     "auto lo\n#hwrecover: auto enp6s0f1\n");
	ck_assert_uint_eq(count_lost(), 1);
	check_edited("iface vmbr0 inet manual\n\tbridge-ports enp6s0",
		     "iface vmbr0 inet manual\n\tbridge-ports nonesuch\n",
		     "iface vmbr0 inet manual\n\tbridge-ports nonesuch\n");
	ck_assert_uint_eq(count_lost(), 1);
}
END_TEST

START_TEST(takes_the_last_line_with_and_without_its_newline)
{
	check_edited("auto lo\nauto enp6s0", "auto lo\n#hwrecover: auto enp6s0\nauto eth0\n",
		     "auto lo\nauto enp6s0\nauto eth0\n");
	ck_assert_uint_eq(count_lost(), 0);
}
END_TEST

START_TEST(leaves_another_stanza_alone_that_happens_to_read_the_same)
{
	/* The bridge was deleted; an isolated one must not get its port. */
	check_edited("iface vmbr0 inet manual\n\tbridge-ports enp6s0\n"
		     "iface vmbr1 inet manual\n\tbridge-ports none\n",
		     "iface vmbr1 inet manual\n\tbridge-ports none\n",
		     "iface vmbr1 inet manual\n\tbridge-ports none\n");
	ck_assert_uint_eq(count_lost(), 1);
}
END_TEST

START_TEST(follows_a_stanza_whose_method_was_edited)
{
	check_edited("iface vmbr0 inet manual\n\tbridge-ports enp6s0\n",
		     "iface vmbr0 inet static\n\taddress 192.0.2.1/24\n\tbridge-ports none\n",
		     "iface vmbr0 inet static\n\taddress 192.0.2.1/24\n\tbridge-ports enp6s0\n");
	ck_assert_uint_eq(count_lost(), 0);
}
END_TEST

START_TEST(gives_the_place_to_the_text_that_stood_in_that_stanza)
{
	static const char vmbr1[] = "iface vmbr1 inet manual\n\tbridge-ports enp6s0.2\n";

	check_edited("iface vmbr0 inet manual\n\tbridge-ports enp6s0.1\n"
		     "iface vmbr1 inet manual\n\tbridge-ports enp6s0.2\n",
		     "iface vmbr1 inet manual\n\tbridge-ports none\n", vmbr1);
	ck_assert_uint_eq(count_lost(), 1);
	/* Whichever comes first in the file. */
	check_edited("iface vmbr1 inet manual\n\tbridge-ports enp6s0.2\n"
		     "iface vmbr0 inet manual\n\tbridge-ports enp6s0.1\n",
		     "iface vmbr1 inet manual\n\tbridge-ports none\n", vmbr1);
	ck_assert_uint_eq(count_lost(), 1);
}
END_TEST

static struct parked_text *add_parked(size_t offset, const char *present, const char *original)
{
	struct parked_text *parked = meanings_add_parked(&meanings, 0);

	ck_assert_ptr_nonnull(parked);
	parked->path = PATH;
	parked->context = "";
	parked->offset = offset;
	parked->present = present;
	parked->original = original;
	return parked;
}

START_TEST(believes_no_offset_that_lies)
{
	static const size_t lies[] = { 1, 8, 9, 100, SIZE_MAX, SIZE_MAX - 3 };

	for (size_t i = 0; i < ARRAY_SIZE(lies); i++) {
		struct seen_file *file;

		meanings_done(&meanings);
		load(bytes_of("auto lo\n#hwrecover: auto x\n"));
		file = meanings_add_file(&meanings, 0);
		file->path = PATH;
		file->digest = bytes_digest(document_bytes(&document), BYTES_DIGEST_SEED);
		(void)add_parked(lies[i], "#hwrecover: auto x\n", "auto x\n");
		undo();
		expect_bytes(document_bytes(&document), bytes_of("auto lo\nauto x\n"));
	}
}
END_TEST

START_TEST(puts_back_only_one_of_texts_that_overlap)
{
	load(bytes_of("a\nb\nc\n"));
	(void)add_parked(0, "a\nb\n", "1\n");
	(void)add_parked(2, "b\nc\n", "2\n");
	undo();
	ck_assert_uint_eq(n_back, 1);
	ck_assert_uint_eq(count_lost(), 1);
	expect_bytes(document_bytes(&document), bytes_of("1\nc\n"));
}
END_TEST

START_TEST(survives_parked_texts_that_are_empty)
{
	load(bytes_of("a\nb\n"));
	(void)add_parked(0, "", "1\n");
	(void)add_parked(0, "", "");
	(void)add_parked(0, "a\n", "");
	(void)add_parked(0, "b\n", "c");
	undo();
	expect_bytes(document_disk_bytes(&document), bytes_of("a\nb\n"));
	for (size_t i = 0; i < n_back; i++)
		ck_assert_uint_le(span_end(back[i].span), document.size);

	meanings_done(&meanings);
	load(BYTES_NONE);
	(void)add_parked(0, "", "1\n");
	(void)add_parked(0, "a\n", "1\n");
	undo();
}
END_TEST

START_TEST(leaves_texts_of_other_files_and_lost_ones_alone)
{
	load(bytes_of("a\nb\n"));
	add_parked(0, "a\n", "1\n")->path = "/etc/network/interfaces.d/x";
	add_parked(2, "b\n", "2\n")->lost = true;
	undo();
	ck_assert_uint_eq(n_back, 0);
	ck_assert(!meanings.parked[0].lost);
	ck_assert(meanings.parked[1].lost);
	expect_bytes(document_bytes(&document), bytes_of("a\nb\n"));
}
END_TEST

START_TEST(takes_the_last_line_that_is_not_indented_for_context)
{
	static const struct {
		const char *text;
		const char *wanted;
	} cases[] = {
		{ "", "" },
		{ "iface a inet manual\n", "iface a inet manual" },
		{ "iface a inet manual\n\tmtu 9000\n", "iface a inet manual" },
		{ "iface a inet manual\n# x\n\n  \n\n", "iface a inet manual" },
		{ "iface a inet manual\n#hwrecover: iface b inet manual\n", "iface a inet manual" },
		{ "\tmtu 9000\n# x\n", "" },
		{ "iface a\r\n\r\n\tmtu 9000\r\n", "iface a\r" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		expect_bytes(park_context(bytes_of(cases[i].text), strlen(cases[i].text)),
			     bytes_of(cases[i].wanted));
	/* In the midst of a line: those before it. */
	expect_bytes(park_context(bytes_of("iface a\n\tmtu 9"), 10), bytes_of("iface a"));
	expect_bytes(park_context(bytes_of("iface a\n\tmtu 9"), 3), BYTES_NONE);
}
END_TEST

/* The changes of the last render as "LINE: from|to;" with newlines as '$'. */
static char *describe_changes(void)
{
	struct bytes disk = document_disk_bytes(&document);
	struct bytes text = bytes_make(rendered.text, rendered.size);
	struct line_change *changes = NULL;
	struct buffer out = { 0 };
	char *description;
	size_t n = 0;

	ck_assert_int_eq(park_compare(&meanings, &document, back, n_back, &rendered, &changes, &n),
			 0);
	for (size_t i = 0; i < n; i++) {
		buffer_appendf(&out, "%u: ", changes[i].first_line);
		buffer_append(&out,
			      bytes_slice(disk, changes[i].disk.offset, changes[i].disk.length));
		buffer_append_char(&out, '|');
		buffer_append(&out,
			      bytes_slice(text, changes[i].text.offset, changes[i].text.length));
		buffer_append_char(&out, ';');
	}
	free(changes);
	ck_assert_int_eq(buffer_finish(&out, &description, NULL), 0);
	for (char *c = description; *c; c++)
		if (*c == '\n')
			*c = '$';
	return description;
}

/* Treats @text by the first words, then what comes of that by the second ones. */
static void check_changes(const char *text, const char *first, const char *second,
			  const char *wanted)
{
	char *found;

	meanings_done(&meanings);
	load(bytes_of(text));
	scan();
	treat(first);
	render();
	record();
	load(bytes_make(rendered.text, rendered.size));
	undo();
	scan();
	treat(second);
	render();
	found = describe_changes();
	ck_assert_str_eq(found, wanted);
	free(found);
}

START_TEST(tells_which_lines_come_out_differently)
{
	static const char text[] = "auto lo\nauto enp5s0 enp6s0\niface enp6s0 inet manual\n\n"
				   "iface enp7s0 inet manual\n\tmtu 9000\n";

	check_changes(text, "", "", "");
	check_changes(text, "", "enp6s0",
		      "2: auto enp5s0 enp6s0$|auto enp5s0$;"
		      "3: iface enp6s0 inet manual$|#hwrecover: iface enp6s0 inet manual$;");
	check_changes(text, "enp6s0", "",
		      "2: auto enp5s0$|auto enp5s0 enp6s0$;"
		      "3: #hwrecover: iface enp6s0 inet manual$|iface enp6s0 inet manual$;");
	check_changes(text, "enp6s0", "enp6s0", "");
	check_changes(text, "enp6s0", "enp7s0>enp9s0 enp6s0",
		      "5: iface enp7s0 inet manual$|iface enp9s0 inet manual$;");
	check_changes(text, "", "enp7s0>eth0",
		      "5: iface enp7s0 inet manual$|iface eth0 inet manual$;");
}
END_TEST

START_TEST(counts_lines_of_the_file_not_of_what_was_put_back)
{
	static const char text[] = "auto enp5s0 \\\n enp6s0 \\\n lo\niface vmbr0 inet manual\n"
				   "\tbridge-ports enp6s0 \\\n\tenp7s0\nauto enp7s0\n";

	check_changes(text, "enp5s0 enp6s0", "enp5s0 enp6s0 enp7s0>eth0",
		      "3: \tbridge-ports enp7s0$|\tbridge-ports eth0$;4: auto enp7s0$|auto eth0$;");
	check_changes(text, "enp5s0 enp6s0", "enp5s0 enp7s0>eth0",
		      "1: auto lo$|auto enp6s0 \\$ lo$;"
		      "3: \tbridge-ports enp7s0$|\tbridge-ports enp6s0 \\$\teth0$;"
		      "4: auto enp7s0$|auto eth0$;");
}
END_TEST

/* Random documents: what is not a NIC's name in them is the same in all dialects. */

struct chance {
	uint64_t state;
};

/* A number below @n. */
static unsigned int pick(struct chance *chance, unsigned int n)
{
	chance->state = chance->state * 6364136223846793005U + 1442695040888963407U;
	return (unsigned int)(chance->state >> 33) % n;
}

static const char *pick_name(struct chance *chance)
{
	return names[pick(chance, ARRAY_SIZE(names))];
}

static const char *pick_gap(struct chance *chance)
{
	static const char *const gaps[] = { " ",        " ",      " ",          "\t",     " \t  ",
					    " \\\n   ", "\\\n\t", " \\\n\\\n ", " \\\n\t" };

	return gaps[pick(chance, ARRAY_SIZE(gaps))];
}

static void add_list(struct chance *chance, struct buffer *text, const char *key)
{
	buffer_appendf(text, "%s ", key);
	for (unsigned int n = 1 + pick(chance, 4); n > 0; n--) {
		if (pick(chance, 4) == 0)
			buffer_append_text(text, pick(chance, 2) ? "bond0" : "vmbr9");
		else
			buffer_append_text(text, pick_name(chance));
		if (pick(chance, 6) == 0)
			buffer_append_text(text, ".7");
		if (n > 1)
			buffer_append_text(text, pick_gap(chance));
	}
	buffer_append_text(text, pick(chance, 5) ? "\n" : " \t\n");
}

static void add_option(struct chance *chance, struct buffer *text)
{
	static const char *const lists[] = { "\tbridge-ports", "    bridge_ports",
					     "\tbond-slaves",  "\tslaves",
					     "\tbond-primary", "bridge-waitport 5" };

	switch (pick(chance, 8)) {
	case 0:
		buffer_append_text(text, "\tmtu 9000\n");
		break;
	case 1:
		buffer_appendf(text, "\tup ip link set %s up\n", pick_name(chance));
		break;
	case 2:
		buffer_appendf(text, "\tup x %s \\\n  -- %s \\\n# %s\n", pick_name(chance),
			       pick_name(chance), pick_name(chance));
		break;
	case 3:
		buffer_append_text(text, pick(chance, 2) ? "\n" : "  \t\n");
		break;
	case 4:
		buffer_appendf(text, "# %s\n", pick_name(chance));
		break;
	default:
		add_list(chance, text, lists[pick(chance, ARRAY_SIZE(lists))]);
		break;
	}
}

static void make_text(struct chance *chance, struct buffer *text)
{
	for (unsigned int n = 1 + pick(chance, 6); n > 0; n--) {
		switch (pick(chance, 5)) {
		case 0:
			add_list(chance, text, "auto");
			continue;
		case 1:
			add_list(chance, text, "  allow-hotplug");
			continue;
		case 2:
			buffer_append_text(text, "iface vmbr0 inet manual\n");
			break;
		case 3:
			buffer_appendf(text, "iface %s.7 inet manual\n", pick_name(chance));
			break;
		default:
			buffer_appendf(text, "iface %s inet manual\n", pick_name(chance));
			break;
		}
		for (unsigned int options = pick(chance, 5); options > 0; options--)
			add_option(chance, text);
	}
	if (pick(chance, 3) == 0)
		text->size--;
}

static void make_crlf(struct buffer *text)
{
	struct buffer crlf = { 0 };

	for (size_t i = 0; i < text->size; i++) {
		if (text->data[i] == '\n')
			buffer_append_char(&crlf, '\r');
		buffer_append_char(&crlf, text->data[i]);
	}
	buffer_done(text);
	*text = crlf;
}

static void choose_treatments(struct chance *chance, bool rename)
{
	memset(treatments, 0, sizeof(treatments));
	for (size_t i = 0; i < document.n_references; i++) {
		bool can_park = document.references[i].shape != PARK_NEVER;

		treatments[i].park = can_park && pick(chance, 3) == 0;
		if (!treatments[i].park && rename && pick(chance, 3) == 0)
			treatments[i].new_name = pick_name(chance);
	}
}

/* What was rendered hangs together. */
static void check_rendered(void)
{
	_cleanup_free_ char *again = NULL;
	size_t size, text_done = 0, plain_done = 0;

	ck_assert_int_eq(edits_apply(document_bytes(&document), rendered.edits, rendered.n_edits,
				     &again, &size),
			 0);
	expect_bytes(bytes_make(again, size), bytes_make(rendered.text, rendered.size));
	for (size_t i = 0; i < rendered.n_parked; i++) {
		ck_assert_uint_ge(rendered.parked[i].text_span.offset, text_done);
		ck_assert_uint_ge(rendered.parked[i].plain_span.offset, plain_done);
		text_done = span_end(rendered.parked[i].text_span);
		plain_done = span_end(rendered.parked[i].plain_span);
	}
	ck_assert_uint_le(text_done, rendered.size);
	ck_assert_uint_le(plain_done, rendered.plain_size);
	for (size_t i = 0; i < document.n_references; i++) {
		struct span span = document.references[i].span;
		const char *name = rendered.out_of_force[i] ? NULL : treatments[i].new_name;
		struct bytes wanted = name ? bytes_of(name) : document_text(&document, span);

		ck_assert(!treatments[i].park || rendered.out_of_force[i]);
		expect_bytes(bytes_make(rendered.plain + rendered.plain_offset[i], wanted.size),
			     wanted);
	}
}

/* The file with the lines that are said to change changed is the rendered text. */
static void check_compared(void)
{
	struct bytes disk = document_disk_bytes(&document);
	struct line_change *changes = NULL;
	struct buffer made = { 0 };
	size_t n = 0, done = 0;
	unsigned int line = 1;

	ck_assert_int_eq(park_compare(&meanings, &document, back, n_back, &rendered, &changes, &n),
			 0);
	for (size_t i = 0; i < n; i++) {
		struct span was = changes[i].disk, is = changes[i].text;

		for (size_t at = done; at < was.offset; at++)
			line += disk.data[at] == '\n';
		ck_assert_uint_eq(changes[i].first_line, line);
		ck_assert(was.offset == 0 || disk.data[was.offset - 1] == '\n');
		buffer_append(&made, bytes_slice(disk, done, was.offset - done));
		buffer_append(&made, bytes_make(rendered.text + is.offset, is.length));
		for (size_t at = was.offset; at < span_end(was); at++)
			line += disk.data[at] == '\n';
		done = span_end(was);
	}
	buffer_append(&made, bytes_slice(disk, done, disk.size - done));
	expect_bytes(buffer_bytes(&made), bytes_make(rendered.text, rendered.size));
	buffer_done(&made);
	free(changes);
}

/* A file goes through some boots, each with other mentions parked; in the end none is. */
static void check_story(void)
{
	struct chance chance = { seed };
	struct buffer text = { 0 };
	struct bytes plain;

	(void)pick(&chance, 2);
	dialect = (enum interfaces_dialect)pick(&chance, _DIALECT_MAX);
	make_text(&chance, &text);
	if (dialect == DIALECT_IFUPDOWN2 && pick(&chance, 3) == 0)
		make_crlf(&text);
	meanings_done(&meanings);
	load(buffer_bytes(&text));
	for (unsigned int boot = 0; boot < 6; boot++) {
		char *was;

		undo();
		ck_assert_uint_eq(n_back, meanings.n_parked);
		if (boot > 0)
			expect_bytes(document_bytes(&document),
				     bytes_make(rendered.plain, rendered.plain_size));
		scan();
		choose_treatments(&chance, boot > 2 && boot < 5);
		if (boot == 2 || boot == 5)
			memset(treatments, 0, sizeof(treatments));
		render();
		check_rendered();
		check_compared();
		if (boot == 2)
			expect_bytes(bytes_make(rendered.text, rendered.size), buffer_bytes(&text));
		if (boot == 5)
			expect_bytes(bytes_make(rendered.text, rendered.size),
				     document_bytes(&document));
		record();
		was = strndup(rendered.text, rendered.size);
		ck_assert_ptr_nonnull(was);
		load(bytes_make(was, rendered.size));
		free(was);
	}
	plain = document_bytes(&document);
	ck_assert_uint_eq(meanings.n_parked, 0);
	expect_bytes(plain, bytes_make(rendered.plain, rendered.plain_size));
	buffer_done(&text);
}

static uint64_t setting(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);
	uint64_t value;

	if (!text)
		return otherwise;
	ck_assert_msg(number_parse(bytes_of(text), 10, UINT64_MAX, &value) == 0,
		      "%s is not a number", name);
	return value;
}

START_TEST(undoes_exactly_what_was_parked_in_any_order)
{
	uint64_t n = setting("HWRECOVER_CASES", 2000);

	seed = setting("HWRECOVER_SEED", 1);
	for (; n > 0; n--, seed++)
		check_story();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("park");
	TCase *tcase = tcase_create("park");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, parks_nothing_when_nothing_is_to_be_parked);
	tcase_add_test(tcase, comments_out_a_stanza_line_by_line);
	tcase_add_test(tcase, leaves_blank_lines_and_comments_of_a_stanza_as_they_are);
	tcase_add_test(tcase, comments_out_each_line_of_a_command);
	tcase_add_test(tcase, ends_no_comment_in_a_backslash);
	tcase_add_test(tcase, takes_words_out_with_the_blanks_that_join_them);
	tcase_add_test(tcase, takes_the_vlan_of_a_name_along);
	tcase_add_test(tcase, takes_words_out_of_a_list_on_several_lines);
	tcase_add_test(tcase, knows_the_longer_continuations_of_ifupdown2);
	tcase_add_test(tcase, writes_none_into_a_list_whose_reader_knows_that_word);
	tcase_add_test(tcase, comments_out_an_emptied_list_without_such_a_word);
	tcase_add_test(tcase, parks_a_stanza_while_words_of_others_are_taken_out);
	tcase_add_test(tcase, keeps_crlf_and_a_missing_last_newline);
	tcase_add_test(tcase, renames_around_what_is_parked);
	tcase_add_test(tcase, does_not_rename_what_stands_in_lines_that_are_commented_out);
	tcase_add_test(tcase, takes_two_lists_on_one_line_apart);
	tcase_add_test(tcase, switches_a_script_off_before_anything_in_it);
	tcase_add_test(tcase, switches_a_script_off_once_whatever_is_in_it);
	tcase_add_test(tcase, switches_a_script_off_besides_what_is_parked_in_it);
	tcase_add_test(tcase, tells_a_text_that_switches_off);
	tcase_add_test(tcase, switches_a_script_on_that_somebody_edited);
	tcase_add_test(tcase, switches_a_script_on_whose_first_statement_somebody_edited);
	tcase_add_test(tcase, leaves_something_in_a_body);
	tcase_add_test(tcase, leaves_no_colon_outside_a_body);
	tcase_add_test(tcase, leaves_a_list_of_a_script_empty);
	tcase_add_test(tcase, takes_a_whole_file_away);
	tcase_add_test(tcase, leaves_a_file_whose_name_is_right);
	tcase_add_test(tcase, gives_a_file_another_name);
	tcase_add_test(tcase, refuses_a_name_that_is_not_in_the_path);
	tcase_add_test(tcase, puts_a_file_back_that_was_taken_away);
	tcase_add_test(tcase, looks_for_no_text_of_a_file_that_is_away);
	tcase_add_test(tcase, finds_the_place_again_in_a_file_that_was_edited);
	tcase_add_test(tcase, gives_a_text_up_that_stands_nowhere_or_anywhere);
	tcase_add_test(tcase, takes_nothing_for_a_line_that_only_starts_like_it);
	tcase_add_test(tcase, takes_the_last_line_with_and_without_its_newline);
	tcase_add_test(tcase, leaves_another_stanza_alone_that_happens_to_read_the_same);
	tcase_add_test(tcase, follows_a_stanza_whose_method_was_edited);
	tcase_add_test(tcase, gives_the_place_to_the_text_that_stood_in_that_stanza);
	tcase_add_test(tcase, believes_no_offset_that_lies);
	tcase_add_test(tcase, puts_back_only_one_of_texts_that_overlap);
	tcase_add_test(tcase, survives_parked_texts_that_are_empty);
	tcase_add_test(tcase, leaves_texts_of_other_files_and_lost_ones_alone);
	tcase_add_test(tcase, takes_the_last_line_that_is_not_indented_for_context);
	tcase_add_test(tcase, tells_which_lines_come_out_differently);
	tcase_add_test(tcase, counts_lines_of_the_file_not_of_what_was_put_back);
	tcase_add_test(tcase, undoes_exactly_what_was_parked_in_any_order);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed > 0;
}
