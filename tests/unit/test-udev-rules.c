/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bind-scan.h"

#include "recovery/park.h"

static void setup(void)
{
	begin(&udev_rules_source, "/etc/udev/rules.d/10-vfio.rules");
}

#define OVERRIDE "ATTR{driver_override}=\"vfio-pci\""

START_TEST(a_rule_that_writes_an_override_goes_as_a_whole)
{
	finds("SUBSYSTEM==\"pci\", KERNEL==\"«0000:0b:00.0»\", " OVERRIDE "\n");
	ck_assert_str_eq(document->references[0].key, "KERNEL");
	ck_assert_uint_eq(document->references[0].address.bus, 0x0b);
	finds("# bind\n"
	      "ACTION==\"add\", \\\n  KERNEL==\"«0000:0b:00.0»\", \\\n"
	      "  # which one\n  " OVERRIDE ", \\\n"
	      "  RUN+=\"/bin/sh -c 'echo «0000:0b:00.0» > /sys/bus/pci/drivers_probe'\"\n"
	      "KERNEL==\"sda\", MODE=\"0660\"\n");
	goes_with(0, "ACTION==\"add\", \\\n  KERNEL==\"0000:0b:00.0\", \\\n"
		     "  # which one\n  " OVERRIDE ", \\\n"
		     "  RUN+=\"/bin/sh -c 'echo 0000:0b:00.0 > /sys/bus/pci/drivers_probe'\"\n");
	ck_assert_uint_eq(document->n_line_digests, 2);
	notes("");
}
END_TEST

START_TEST(every_way_to_name_a_function)
{
	finds("KERNELS==\"«0000:0b:00.0»\"," OVERRIDE "\r\n"
	      "ENV{PCI_SLOT_NAME}==\"«0000:0b:00.0»\" " OVERRIDE "\r\n"
	      "  DEVPATH==\"*/0000:00:01.0/«0000:0b:00.0»\", ATTR{driver_override} = \"pci-stub\"\n"
	      "ACTION==\"add\", ATTR{[pci/«0000:0b:00.0»]driver_override}=\"vfio-pci\"\n"
	      "KERNEL==\"«0000:0b:00.0»\", RUN+=\"/sbin/driverctl --nosave set-override $kernel "
	      "vfio-pci\"\n"
	      "KERNEL==e\"«0000:0b:00.0»\", PROGRAM=\"/usr/local/bin/vfio-bind %k\"");
	notes("");
}
END_TEST

START_TEST(several_devices_in_one_rule_are_never_parked)
{
	finds("KERNEL==\"‹0000:0b:00.0›|‹0000:0b:00.1›\", " OVERRIDE "\n");
	finds("DEVPATH==\"*/0000:00:01.0/‹0000:0b:00.0›|*/‹0000:0c:00.0›\", " OVERRIDE "\n");
	finds("KERNEL==\"⟨0000:0b:00⟩.*\", " OVERRIDE "\n");
	finds("KERNEL==\"«0000:0b:00.0»|«0000:0b:00.0»\", " OVERRIDE "\n");
}
END_TEST

START_TEST(where_rules_jump_to_nothing_is_taken_away)
{
	finds("LABEL=\"here\", KERNEL==\"‹0000:0b:00.0›\", " OVERRIDE "\n");
	finds("KERNEL==\"‹0000:0b:00.0›\", " OVERRIDE ", GOTO=\"end\"\nLABEL=\"end\"\n");
	finds("KERNEL!=\"‹0000:0b:00.0›\", GOTO=\"end\"\n" OVERRIDE "\nLABEL=\"end\"\n");
	notes("2: cannot be verified: binds devices without naming them\n");
	finds("KERNEL!=\"0000:0b:00.0\", GOTO=\"end\"\nNAME=\"lan\"\nLABEL=\"end\"\n");
}
END_TEST

START_TEST(rules_that_do_not_bind_are_no_entries)
{
	finds("SUBSYSTEM==\"net\", KERNELS==\"0000:0b:00.0\", NAME=\"lan0\"\n"
	      "KERNEL==\"0000:0b:00.0\", ATTR{driver_override}=\"nvme\"\n"
	      "KERNEL==\"0000:0b:00.0\", ATTR{driver_override}==\"vfio-pci\", MODE=\"0660\"\n"
	      "KERNEL==\"0000:0b:00.0\", ATTR{power/control}=\"on\"\n"
	      "#KERNEL==\"0000:0b:00.0\", " OVERRIDE "\n"
	      "SUBSYSTEM==\"vfio\", GROUP=\"kvm\", MODE=\"0660\"\n"
	      "SUBSYSTEM==\"usb\", ATTR{idVendor}==\"046d\", RUN+=\"/bin/sh -c 'echo 1-1 > unbind'\"\n");
	notes("");
	has_ids("");
}
END_TEST

START_TEST(models_are_ids)
{
	scan("ATTR{vendor}==\"0x10de\", ATTR{device}==\"0x1b80|0x10f0\", " OVERRIDE "\n"
	     "ATTR{vendor}==\"0x8086\", ATTR{class}==\"0x020000\", ATTR{driver_override}="
	     "\"pci-stub\"\n"
	     "ATTRS{vendor}==\"0x10de\", ATTRS{device}==\"0x1b80\", "
	     "ATTRS{subsystem_vendor}==\"0x1043\", RUN+=\"/bin/vfio-bind\"\n");
	has_ids("1 vfio-pci 10de:1b80:*:*:0:0;1 vfio-pci 10de:10f0:*:*:0:0;"
		"2 pci-stub 8086:*:*:*:20000:ffffff;3 vfio-pci 10de:1b80:1043:*:0:0;");
	notes("");
	scan("ATTR{vendor}==\"0x10de|0x1002\", ATTR{device}==\"0x1b*\", " OVERRIDE "\n");
	has_ids("");
	notes("1: cannot be verified: binds devices without naming them\n");
	/* An address says more. */
	finds("KERNEL==\"«0000:0b:00.0»\", ATTR{vendor}==\"0x10de\", " OVERRIDE "\n");
	has_ids("");
}
END_TEST

START_TEST(a_class_cannot_be_verified_and_is_told_once)
{
	scan("SUBSYSTEM==\"pci\", ATTR{class}==\"0x020000\", " OVERRIDE "\n"
	     "SUBSYSTEM==\"pci\", ATTR{class}==\"0x030000\", " OVERRIDE "\n");
	notes("1: cannot be verified: takes every device of class 0x020000, also one added "
	      "later\n");
	has_ids("");
}
END_TEST

START_TEST(what_udev_cannot_read_is_left)
{
	finds("KERNEL==\"0000:0b:00.0\", ATTR{driver_override}=vfio-pci\n"
	      "KERNEL==\"0000:0b:00.0\", ATTR{driver_override=\"vfio-pci\"\n"
	      "KERNEL==\"0000:0b:00.0\", " OVERRIDE ", x\n"
	      "KERNEL==\"0000:0b:00.0\n"
	      "nonsense\n");
	notes("1: cannot be read as a rule: not looked at\n");
}
END_TEST

START_TEST(a_quote_in_a_command_is_escaped)
{
	finds("KERNEL==\"«0000:0b:00.0»\", RUN+=\"/bin/sh -c \\\"echo vfio-pci > "
	      "/sys$devpath/driver_override\\\"\"\n");
}
END_TEST

START_TEST(lines_that_end_in_a_lone_cr_share_a_line)
{
	finds("KERNEL==\"‹0000:0b:00.0›\", " OVERRIDE "\rKERNEL==\"‹0000:0c:00.0›\", " OVERRIDE "\n"
	      "KERNEL==\"«0000:0d:00.0»\", " OVERRIDE "\n");
}
END_TEST

START_TEST(an_address_on_two_lines_is_left)
{
	finds("KERNEL==\"0000:0b:\\\n00.0\", " OVERRIDE "\n");
	notes("1: an address is written on two lines: left as it is\n");
}
END_TEST

START_TEST(a_parked_rule_is_a_comment_to_udev)
{
	const struct treatment treatments[] = { { .park = true }, { 0 } };
	struct rendered rendered;

	scan("KERNEL==\"0000:0b:00.0\", \\\n# x\n\t" OVERRIDE "\n"
	     "KERNEL==\"0000:0c:00.0\", " OVERRIDE "\n");
	ck_assert_uint_eq(document->n_references, 2);
	ck_assert_int_eq(park_render(document, treatments, &rendered), 0);
	scan(rendered.text);
	ck_assert_uint_eq(document->n_references, 1);
	ck_assert_uint_eq(document->references[0].address.bus, 0x0c);
	rendered_done(&rendered);
}
END_TEST

static void add(TCase *tests)
{
	tcase_add_test(tests, a_rule_that_writes_an_override_goes_as_a_whole);
	tcase_add_test(tests, every_way_to_name_a_function);
	tcase_add_test(tests, several_devices_in_one_rule_are_never_parked);
	tcase_add_test(tests, where_rules_jump_to_nothing_is_taken_away);
	tcase_add_test(tests, rules_that_do_not_bind_are_no_entries);
	tcase_add_test(tests, models_are_ids);
	tcase_add_test(tests, a_class_cannot_be_verified_and_is_told_once);
	tcase_add_test(tests, what_udev_cannot_read_is_left);
	tcase_add_test(tests, a_quote_in_a_command_is_escaped);
	tcase_add_test(tests, lines_that_end_in_a_lone_cr_share_a_line);
	tcase_add_test(tests, an_address_on_two_lines_is_left);
	tcase_add_test(tests, a_parked_rule_is_a_comment_to_udev);
}

int main(void)
{
	return run_tests("udev-rules", add, setup);
}
