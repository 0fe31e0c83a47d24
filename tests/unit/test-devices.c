/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/devices.h"

#include <check.h>
#include <limits.h>
#include <stdio.h>

#include "snapshot/inventory-json.h"

#define FUNCTION(address, path, ids, class, more)                                                  \
	"{\"address\":\"" address "\",\"path\":\"" path "\",\"vendor\":\"10ec\",\"device\":\"" ids \
	"\",\"class\":\"" class "\"" more "}"

/* A NIC behind two bridges, a display, two bridges that lead to nothing; a USB NIC. */
static const char
	machine
		[] =
			"{\"host\":\"pve1\",\"pci\":[" FUNCTION("0000:00:00.0", "pci0000:00/00.0",
								"0001", "060000",
								",\"iommu_group\":0") "," FUNCTION("0000:00:01.0",
												   "pci0000:00/01.0",
												   "0002",
												   "060400",
												   ",\"iommu_group\":1") "," FUNCTION("0000:00:02.0", "pci0000:00/02.0", "0002", "060400", ",\"iommu_group\":2") "," FUNCTION("0000:00:18.0", "pci0000:00/18.0", "0003", "060000", ",\"iommu_group\":3") "," FUNCTION("0000:00:18.1", "pci0000:00/18.1", "0003", "060000", ",\"iommu_group\":3") "," FUNCTION("0000:00:18.2",
																																																	      "pci0000:00/18.2", "0003", "060000", ",\"iommu_group\":3") "," FUNCTION("0000:01:00.0",
																																																										      "pci0000:00/01.0/00.0", "0004", "060400", ",\"iommu_group\":10") "," FUNCTION("0000:02:00.0",
																																																																				    "pci0000:00/01.0/00.0/00.0",
																																																																				    "8168", "020000", ",\"driver\":\"r8169\",\"iommu_group\":10") "," FUNCTION("0000:03:00.0",
																																																																													       "pci0000:00/02.0/00.0", "5678", "030000", ",\"driver\":\"vfio-pci\",\"iommu_group\":11,\"boot_vga\":true") "],\"nics\":["
																																																																																											  "{\"name\":\"enp2s0\",\"altnames\":[\"lan\",\"wan\"],\"mac\":\"a8:a1:59:00:00:01\","
																																																																																											  "\"pci\":\"0000:02:00.0\",\"port\":0},"
																																																																																											  "{\"name\":\"usb0\"}]}";

static struct inventory inventory;
static struct buffer out;

static void teardown(void)
{
	inventory_done(&inventory);
	buffer_done(&out);
}

static const char *print(const char *text, const struct devices_view *view)
{
	struct problem problem = { 0 };

	teardown();
	ck_assert_msg(inventory_from_text(bytes_of(text), "test", &inventory, &problem) == 0, "%s",
		      problem.text);
	ck_assert_int_eq(devices_print(&inventory, view, &out), 0);
	return out.data;
}

START_TEST(the_tree_shows_what_hangs_from_what)
{
	const struct devices_view view = { .terminal = { .utf8 = true, .width = UINT_MAX } };

	ck_assert_str_eq(print(machine, &view),
			 "pve1: 9 PCI functions, 2 NICs\n"
			 "\n"
			 "pci0000:00\n"
			 "├─00:01.0      bridge          [10ec:0002]  -          1\n"
			 "│ └─01:00.0    bridge          [10ec:0004]  -         10\n"
			 "│   └─02:00.0  Ethernet        [10ec:8168]  r8169     10\n"
			 "│              enp2s0  a8:a1:59:00:00:01  also lan, wan\n"
			 "├─00:02.0      bridge          [10ec:0002]  -          2\n"
			 "│ └─03:00.0    VGA controller  [10ec:5678]  vfio-pci  11\n"
			 "│              the display the machine started with\n"
			 "└─4 bridges, nothing behind them: 00:00.0 00:18.0-2\n"
			 "\n"
			 "not on a PCI function\n"
			 "   usb0  address unknown\n");
}
END_TEST

START_TEST(without_utf8_all_is_ascii)
{
	const struct devices_note notes[] = { { .nic = "enp2s0", .text = "vmbr0" } };
	const struct devices_view view = { .terminal = { .width = UINT_MAX },
					   .notes = notes,
					   .n_notes = 1 };
	const char *text = print(machine, &view);

	for (const char *c = text; *c; c++)
		ck_assert_int_gt(*c, 0);
	ck_assert_ptr_nonnull(strstr(text, "|-00:01.0"));
	ck_assert_ptr_nonnull(strstr(text, "| `-01:00.0"));
	ck_assert_ptr_nonnull(strstr(text, "|              <- vmbr0\n"));
}
END_TEST

START_TEST(groups_are_shown_with_their_members)
{
	const struct devices_view view = { .terminal = { .utf8 = true, .width = UINT_MAX },
					   .groups = true };

	ck_assert_str_eq(print(machine, &view),
			 "pve1: 9 PCI functions, 2 NICs\n"
			 "\n"
			 "10 ┬ 01:00.0  bridge          [10ec:0004]  -\n"
			 "   └ 02:00.0  Ethernet        [10ec:8168]  r8169\n"
			 "              enp2s0  a8:a1:59:00:00:01  also lan, wan\n"
			 "11 ─ 03:00.0  VGA controller  [10ec:5678]  vfio-pci\n"
			 "              the display the machine started with\n"
			 "4 groups of bridges alone: 0 1 2 3\n"
			 "\n"
			 "not on a PCI function\n"
			 "   usb0  address unknown\n");
}
END_TEST

START_TEST(notes_stand_below_what_they_are_about_and_unfold_it)
{
	const struct devices_note notes[] = {
		{ .address = { .bus = 3 }, .text = "pve/qemu/101" },
		{ .nic = "enp2s0", .text = "vmbr0" },
		{ .address = { .device = 0x18, .function = 1 }, .text = "protected" },
		{ .nic = "usb0", .text = "auto" },
		{ .nic = "gone", .text = "nobody" },
	};
	const struct devices_view view = { .terminal = { .utf8 = true, .width = UINT_MAX },
					   .notes = notes,
					   .n_notes = ARRAY_SIZE(notes) };
	const char *text = print(machine, &view);

	ck_assert_ptr_nonnull(strstr(text, "also lan, wan\n│              ← vmbr0\n"));
	ck_assert_ptr_nonnull(strstr(text, "started with\n│              ← pve/qemu/101\n"));
	ck_assert_ptr_nonnull(strstr(text, "├─00:18.1      host bridge "));
	ck_assert_ptr_nonnull(
		strstr(text, "└─3 bridges, nothing behind them: 00:00.0 00:18.0 00:18.2"));
	ck_assert_ptr_nonnull(strstr(text, "usb0  address unknown\n   ← auto\n"));
	ck_assert_ptr_null(strstr(text, "nobody"));
}
END_TEST

static unsigned int columns_of(const char *line, size_t size)
{
	unsigned int n = 0;

	for (size_t i = 0; i < size; i++)
		n += ((uint8_t)line[i] & 0xc0) != 0x80;
	return n;
}

START_TEST(no_line_is_wider_than_the_terminal)
{
	const struct devices_note notes[] = {
		{ .nic = "enp2s0",
		  .text = "a note that is a good deal longer than "
			  "any terminal of eighty columns is wide" }
	};

	for (unsigned int width = 1; width < 100; width++) {
		for (unsigned int mode = 0; mode < 4; mode++) {
			const struct devices_view view = {
				.terminal = { .utf8 = mode & 1, .width = width },
				.groups = mode & 2,
				.notes = notes,
				.n_notes = 1,
			};

			for (const char *line = print(machine, &view), *end; *line;
			     line = end + 1) {
				end = strchr(line, '\n');
				ck_assert_ptr_nonnull(end);
				ck_assert_uint_le(columns_of(line, (size_t)(end - line)), width);
				ck_assert(end == line || end[-1] != ' ');
			}
		}
	}
}
END_TEST

START_TEST(colours_change_nothing_but_colours)
{
	struct devices_view view = { .terminal = { .utf8 = true, .width = 80 } };
	struct buffer plain = { 0 };
	_cleanup_free_ char *expected = strdup(print(machine, &view));

	view.terminal.color = true;
	for (const char *c = print(machine, &view); *c; c++) {
		if (*c == '\033')
			c = strchr(c, 'm');
		else
			buffer_append_char(&plain, *c);
	}
	ck_assert_str_eq(plain.data, expected);
	ck_assert_uint_gt(out.size, plain.size);
	buffer_done(&plain);
}
END_TEST

START_TEST(domains_are_shown_once_there_is_more_than_one)
{
	const struct devices_view view = { .terminal = { .utf8 = true, .width = UINT_MAX } };
	const char *text = print(
		"{\"pci\":[" FUNCTION(
			"0000:00:0e.0", "pci0000:00/0e.0", "a77f", "010400",
			"") "," FUNCTION("10000:e0:06.0", "pci0000:00/0e.0/pci/06.0", "0002",
					 "060400", "") "," FUNCTION("10000:e1:00.0",
								    "pci0000:00/0e.0/pci/06.0/00.0",
								    "1111", "010802", "") "]}",
		&view);

	ck_assert_ptr_nonnull(strstr(text, "└─0000:00:0e.0"));
	ck_assert_ptr_nonnull(strstr(text, "  └─10000:e0:06.0"));
	ck_assert_ptr_nonnull(strstr(text, "    └─10000:e1:00.0  NVMe"));
	ck_assert_ptr_nonnull(strstr(text, "no IOMMU groups"));
}
END_TEST

START_TEST(a_function_without_a_known_place_or_bridge_is_shown_all_the_same)
{
	const struct devices_view view = { .terminal = { .utf8 = true, .width = UINT_MAX } };
	const char *text =
		print("{\"pci\":["
		      "{\"address\":\"0000:01:00.0\",\"vendor\":\"ffff\",\"device\":\"ffff\","
		      "\"class\":\"ffffff\"}," FUNCTION(
			      "0000:02:00.0", "pci0000:00/01.0/02.0/00.0", "1111", "010802",
			      "") "," FUNCTION("0000:03:00.0", "odd", "1111", "010802", "") "]}",
		      &view);

	ck_assert_ptr_nonnull(strstr(text, "place unknown\n└─01:00.0  device  does not answer"));
	ck_assert_ptr_nonnull(strstr(text, "pci0000:00\n└─02:00.0  NVMe"));
	ck_assert_ptr_nonnull(strstr(text, "odd\n└─03:00.0  NVMe"));
}
END_TEST

START_TEST(virtual_functions_nobody_uses_take_one_line)
{
#define VF(n, more)                                                          \
	FUNCTION("0000:01:10." n, "pci0000:00/01.0/10." n, "1520", "020000", \
		 ",\"physfn\":\"0000:01:00.0\"" more)
	const struct devices_view view = { .terminal = { .utf8 = true, .width = UINT_MAX } };
	const char *text = print(
		"{\"pci\":[" FUNCTION("0000:01:00.0", "pci0000:00/01.0/00.0", "1521", "020000", "") "," VF(
			"0",
			"") "," VF("1",
				   "") "," VF("2",
					      "") "," VF("4",
							 "") "],"
							     "\"nics\":[{\"name\":\"vf2\",\"pci\":\"0000:01:10.2\"}]}",
		&view);

	ck_assert_ptr_nonnull(strstr(text, "1 PCI function, 4 virtual, 0 NICs"));
	ck_assert_ptr_nonnull(strstr(text, "├─01:10.2"));
	ck_assert_ptr_nonnull(strstr(text, "└─3 virtual functions: 01:10.0-1 01:10.4\n"));
#undef VF
}
END_TEST

#define PROTECTED_MACHINE                                                                      \
	"{\"pci\":["                                                                           \
	"{\"address\":\"0000:00:18.0\",\"path\":\"pci0000:00/18.0\",\"vendor\":\"1022\","      \
	"\"device\":\"1440\",\"class\":\"060000\",\"iommu_group\":1},"                         \
	"{\"address\":\"0000:00:18.1\",\"path\":\"pci0000:00/18.1\",\"vendor\":\"1022\","      \
	"\"device\":\"1441\",\"class\":\"060000\",\"iommu_group\":1,"                          \
	"\"protected\":\"swap\\u0085\"},"                                                      \
	"{\"address\":\"0000:01:00.0\",\"path\":\"pci0000:00/01.0/00.0\",\"vendor\":\"10ec\"," \
	"\"device\":\"8168\",\"class\":\"020000\",\"driver\":\"r8169\",\"iommu_group\":2,"     \
	"\"protected\":\"default route (vmbr0)\"}],"                                           \
	"\"nics\":[{\"name\":\"enp1s0\",\"pci\":\"0000:01:00.0\"}]}"

START_TEST(what_the_host_needs_is_marked_and_says_why)
{
	struct devices_view view = { .terminal = { .utf8 = true, .width = UINT_MAX } };

	/* A bridge that is needed is not folded with the others. */
	ck_assert_str_eq(print(PROTECTED_MACHINE, &view),
			 "3 PCI functions, 1 NIC\n"
			 "\n"
			 "pci0000:00\n"
			 "├─00:18.0  host bridge  [1022:1440]  -      1\n"
			 "├─00:18.1  host bridge  [1022:1441]  -      1\n"
			 "│          protected: swap\\xc2\\x85\n"
			 "└─01:00.0  Ethernet     [10ec:8168]  r8169  2\n"
			 "           protected: default route (vmbr0)\n"
			 "           enp1s0  address unknown\n");
	view.groups = true;
	ck_assert_ptr_nonnull(strstr(print(PROTECTED_MACHINE, &view),
				     "1 ┬ 00:18.0  host bridge  [1022:1440]  -\n"
				     "  └ 00:18.1  host bridge  [1022:1441]  -\n"
				     "             protected: swap"));
}
END_TEST

START_TEST(an_empty_machine_is_shown_as_such)
{
	const struct devices_view tree = { .terminal = { .width = 80 } };
	const struct devices_view groups = { .terminal = { .width = 80 }, .groups = true };

	ck_assert_str_eq(print("{}", &tree), "0 PCI functions, 0 NICs\n");
	ck_assert_ptr_nonnull(strstr(print("{}", &groups), "0 PCI functions"));
}
END_TEST

START_TEST(names_from_files_cannot_steer_a_terminal)
{
	const struct devices_note notes[] = { { .nic = "a\xc2\x9b"
						       "2J",
						.text = "x\033[2J\ny" } };
	const struct devices_view view = { .terminal = { .utf8 = true, .width = UINT_MAX },
					   .notes = notes,
					   .n_notes = 1 };
	const char *text = print("{\"host\":\"h\xc2\x9b"
				 "2J\",\"nics\":[{\"name\":\"a\xc2\x9b"
				 "2J\"}]}",
				 &view);

	ck_assert_ptr_null(strstr(text, "\xc2\x9b"));
	ck_assert_ptr_null(strstr(text, "\033"));
	ck_assert_ptr_nonnull(strstr(text, "x\\x1b[2J\\x0ay"));
}
END_TEST

START_TEST(model_names_are_those_of_a_database)
{
	struct udev_properties names = { 0 };
	struct devices_view view = { .terminal = { .utf8 = true, .width = UINT_MAX },
				     .names = &names };
	const char *text = print(machine, &view);

	/* Where the machine has none, ids stay. */
	ck_assert_ptr_nonnull(strstr(text, "[10ec:8168]"));
	if (names.hwdb || names.ids)
		ck_assert_ptr_nonnull(strstr(text, "Realtek RTL8111/8168"));
	udev_properties_done(&names);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("devices");
	TCase *tests = tcase_create("devices");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tests, NULL, teardown);
	tcase_set_timeout(tests, 30);
	tcase_add_test(tests, the_tree_shows_what_hangs_from_what);
	tcase_add_test(tests, without_utf8_all_is_ascii);
	tcase_add_test(tests, groups_are_shown_with_their_members);
	tcase_add_test(tests, notes_stand_below_what_they_are_about_and_unfold_it);
	tcase_add_test(tests, no_line_is_wider_than_the_terminal);
	tcase_add_test(tests, colours_change_nothing_but_colours);
	tcase_add_test(tests, domains_are_shown_once_there_is_more_than_one);
	tcase_add_test(tests, a_function_without_a_known_place_or_bridge_is_shown_all_the_same);
	tcase_add_test(tests, virtual_functions_nobody_uses_take_one_line);
	tcase_add_test(tests, what_the_host_needs_is_marked_and_says_why);
	tcase_add_test(tests, an_empty_machine_is_shown_as_such);
	tcase_add_test(tests, names_from_files_cannot_steer_a_terminal);
	tcase_add_test(tests, model_names_are_those_of_a_database);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
