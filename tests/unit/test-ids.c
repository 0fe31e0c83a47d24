/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bind-scan.h"

static void setup(void)
{
	begin(&modprobe_source, "/etc/modprobe.d/vfio.conf");
}

static void parse(const char *value)
{
	document_clear_scan(document);
	ck_assert_int_eq(ids_parse(document, "vfio-pci", bytes_of(value), 3), 0);
}

static void parse_command_line(const char *text)
{
	document_clear_scan(document);
	ck_assert_int_eq(ids_parse_kernel_command_line(document, bytes_of(text), 1), 0);
}

START_TEST(reads_from_two_to_six_numbers)
{
	parse("10de:1b80");
	has_ids("3 vfio-pci 10de:1b80:*:*:0:0;");
	parse("10de:1b80:1043:85aa:030000:ffff00");
	has_ids("3 vfio-pci 10de:1b80:1043:85aa:30000:ffff00;");
	parse("10de:1b80:1043,8086:56A6");
	has_ids("3 vfio-pci 10de:1b80:1043:*:0:0;3 vfio-pci 8086:56a6:*:*:0:0;");
	notes("");
}
END_TEST

START_TEST(reads_what_the_kernels_sscanf_reads)
{
	parse("0x10de:0X1b80, 8086:56a6,");
	has_ids("3 vfio-pci 10de:1b80:*:*:0:0;3 vfio-pci 8086:56a6:*:*:0:0;");
	/* What follows the numbers is not looked at. */
	parse("10de:1b80\r,10de:10f0.");
	has_ids("3 vfio-pci 10de:1b80:*:*:0:0;3 vfio-pci 10de:10f0:*:*:0:0;");
	parse("10de:ffffffff");
	has_ids("3 vfio-pci 10de:*:*:*:0:0;");
	notes("");
}
END_TEST

START_TEST(says_which_words_are_no_ids)
{
	parse("10de,%DEVICES%,10de:1b80,10de1b80,:1b80");
	has_ids("3 vfio-pci 10de:1b80:*:*:0:0;");
	notes("3: 10de is no id that vfio-pci can read: it is ignored\n"
	      "3: %DEVICES% is no id that vfio-pci can read: it is ignored\n"
	      "3: 10de1b80 is no id that vfio-pci can read: it is ignored\n"
	      "3: :1b80 is no id that vfio-pci can read: it is ignored\n");
	parse("");
	has_ids("");
	notes("");
}
END_TEST

START_TEST(remarks_have_a_limit)
{
	char value[1000];

	memset(value, ',', sizeof(value));
	for (size_t i = 0; i < sizeof(value); i += 2)
		value[i] = 'x';
	ck_assert_int_eq(ids_parse(document, "vfio-pci", bytes_make(value, sizeof(value)), 1), 0);
	ck_assert_uint_eq(document->n_notes, 16);
}
END_TEST

START_TEST(the_kernel_refuses_what_does_not_fit)
{
	char value[1024] = "10de:1b80";

	memset(value + 9, ',', sizeof(value) - 9);
	ck_assert_int_eq(ids_parse(document, "vfio-pci", bytes_make(value, 1023), 1), 0);
	ck_assert_uint_eq(document->n_ids, 1);
	document_clear_scan(document);
	ck_assert_int_eq(ids_parse(document, "vfio-pci", bytes_make(value, 1024), 1), 0);
	ck_assert_uint_eq(document->n_ids, 0);
	ck_assert_uint_eq(document->n_notes, 1);
}
END_TEST

START_TEST(finds_both_drivers_on_a_command_line)
{
	parse_command_line("quiet vfio-pci.ids=10de:1b80 pci_stub.ids=8086:56a6\n");
	has_ids("1 vfio-pci 10de:1b80:*:*:0:0;1 pci-stub 8086:56a6:*:*:0:0;");
	parse_command_line("vfio_pci.ids=10de:1b80");
	has_ids("1 vfio-pci 10de:1b80:*:*:0:0;");
	parse_command_line("vfio-pci.idsx=10de:1b80 xvfio-pci.ids=1:2 vfio-pci.ids ids=1:2");
	has_ids("");
}
END_TEST

START_TEST(quotes_keep_blanks_and_are_taken_off)
{
	parse_command_line("dyndbg=\"file a.c +p vfio-pci.ids=1:2\" vfio-pci.ids=\"3:4,5:6\"");
	has_ids("1 vfio-pci 3:4:*:*:0:0;1 vfio-pci 5:6:*:*:0:0;");
	parse_command_line("\"vfio-pci.ids=3:4\" a");
	has_ids("1 vfio-pci 3:4:*:*:0:0;");
	parse_command_line("vfio-pci.ids=\"3:4 a");
	has_ids("1 vfio-pci 3:4:*:*:0:0;");
	parse_command_line("vfio-pci.ids=\"");
	has_ids("");
	parse_command_line("\"");
	has_ids("");
	parse_command_line("=vfio-pci.ids=3:4");
	has_ids("");
}
END_TEST

START_TEST(matches_as_the_kernel_does)
{
	struct pci_function function = {
		.vendor = 0x10de,
		.device = 0x1b80,
		.subsystem_vendor = 0x1043,
		.subsystem_device = 0x85aa,
		.class = 0x030000,
	};

	parse("10de:1b80,10de:1b81,10de:ffffffff,10de:1b80:1043,10de:1b80:1458,"
	      "10de:1b80:1043:85aa:30001:ffff00,10de:1b80:1043:85aa:40000:ffff00,"
	      "10de:1b80:1043:85aa:40000");
	ck_assert_uint_eq(document->n_ids, 8);
	for (size_t i = 0; i < document->n_ids; i++)
		ck_assert_int_eq(id_entry_matches(&document->ids[i], &function),
				 i != 1 && i != 4 && i != 6);
	/* Not known is no proof that it is another. */
	function.subsystem_vendor = UNKNOWN;
	ck_assert(id_entry_matches(&document->ids[4], &function));
}
END_TEST

static void add(TCase *tests)
{
	tcase_add_test(tests, reads_from_two_to_six_numbers);
	tcase_add_test(tests, reads_what_the_kernels_sscanf_reads);
	tcase_add_test(tests, says_which_words_are_no_ids);
	tcase_add_test(tests, remarks_have_a_limit);
	tcase_add_test(tests, the_kernel_refuses_what_does_not_fit);
	tcase_add_test(tests, finds_both_drivers_on_a_command_line);
	tcase_add_test(tests, quotes_keep_blanks_and_are_taken_off);
	tcase_add_test(tests, matches_as_the_kernel_does);
}

int main(void)
{
	return run_tests("ids", add, setup);
}
