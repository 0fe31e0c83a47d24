/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is to be done, and what everything means once it is done. */
#include "recovery/plan.h"

#include <check.h>
#include <stdio.h>

#include "tests/unit/world.h"

#define HARDWARE "enp5s0=01@05 enp6s0=02@06 enp7s0=03@07"

static struct world world;
static struct look look;

static void setup(void)
{
	tree_setup();
	world_init(&world);
}

static void teardown(void)
{
	look_done(&look);
	world_done(&world);
	tree_teardown();
}

static void begin(const char *text, const char *hardware)
{
	world_set(&world, INTERFACES, text);
	world_boot(&world, hardware);
}

static void look_as(const char *hardware, const struct policy *policy)
{
	look_done(&look);
	world_look_at(&world, hardware, policy, &look);
	ck_assert_msg(look.result == 0, "%s", look.problem.text);
}

static void look_at(const char *hardware)
{
	look_as(hardware, &world_policy);
}

/* All edits: "FILE:LINE remedy: from|to;", the file by its last part. */
static char *describe_edits(void)
{
	struct buffer text = { 0 };
	char *description;

	for (size_t i = 0; i < look.plan.n_edits; i++) {
		const struct plan_edit *edit = &look.plan.edits[i];

		ck_assert_ptr_nonnull(edit->reason);
		ck_assert_msg(*edit->reason, "%s:%u", edit->file, edit->line);
		buffer_appendf(&text, "%s:%u %s: %s|%s;", strrchr(edit->file, '/') + 1, edit->line,
			       remedy_to_string(edit->remedy), edit->from ? edit->from : "-",
			       edit->to ? edit->to : "-");
	}
	ck_assert_int_eq(buffer_finish(&text, &description, NULL), 0);
	return description;
}

static void expect_edits(const char *wanted)
{
	_cleanup_free_ char *found = describe_edits();

	ck_assert_str_eq(found, wanted);
}

static const char *reason_of(unsigned int line)
{
	for (size_t i = 0; i < look.plan.n_edits; i++)
		if (look.plan.edits[i].line == line)
			return look.plan.edits[i].reason;
	return "no edit";
}

static size_t count_warnings(const char *words)
{
	size_t n = 0;

	for (size_t i = 0; i < look.plan.n_warnings; i++)
		n += strstr(look.plan.warnings[i], words) != NULL;
	return n;
}

/* The names of ifup actions, by blanks. */
static void expect_actions(const char *wanted)
{
	struct buffer text = { 0 };

	buffer_append_text(&text, "");
	for (size_t i = 0; i < look.plan.n_actions; i++) {
		ck_assert_int_eq(look.plan.actions[i].kind, ACTION_IFUP);
		buffer_appendf(&text, "%s%s", text.size ? " " : "", look.plan.actions[i].interface);
	}
	ck_assert_str_eq(text.data, wanted);
	buffer_done(&text);
}

/* After a plan is carried out, the next look finds nothing to do. */
static void expect_settled(const char *hardware)
{
	world_apply(&world, &look);
	look_at(hardware);
	expect_edits("");
	ck_assert_uint_eq(look.plan.n_files, 0);
	ck_assert(plan_is_empty(&look.plan));
}

START_TEST(plans_nothing_when_nothing_changed)
{
	begin("auto enp5s0\n", HARDWARE);
	look_at(HARDWARE);
	ck_assert(plan_is_empty(&look.plan));
	ck_assert_uint_eq(look.plan.n_changes, 0);
	ck_assert_uint_eq(look.plan.n_warnings, 0);
	ck_assert_uint_eq(look.plan.functions_before, 3);
	ck_assert_uint_eq(look.plan.nics_after, 3);
}
END_TEST

START_TEST(tells_each_edit_by_file_and_line)
{
	world_set(&world, "/etc/network/interfaces.new", "# x\nauto enp6s0\n");
	world_set(&world, NETWORKING, "EXCLUDE_INTERFACES=enp6s0\n");
	begin("auto enp6s0 lo\n\niface enp6s0 inet manual\n\tup a enp5s0\n\tup b enp6s0\n",
	      HARDWARE);
	look_at("enp5s0=01@05 enp9s0=02@09 enp7s0=03@07");
	expect_edits("networking:1 remap: EXCLUDE_INTERFACES=enp6s0|EXCLUDE_INTERFACES=enp9s0;"
		     "interfaces:1 remap: auto enp6s0 lo|auto enp9s0 lo;"
		     "interfaces:3 remap: iface enp6s0 inet manual|iface enp9s0 inet manual;"
		     "interfaces:5 remap: \tup b enp6s0|\tup b enp9s0;"
		     "interfaces.new:2 remap: auto enp6s0|auto enp9s0;");
	ck_assert_str_eq(reason_of(5), "enp6s0 is now enp9s0 (mac)");
	ck_assert_uint_eq(look.plan.n_files, 3);
	ck_assert_str_eq(look.plan.files[0].document->path, NETWORKING);
	ck_assert_str_eq(look.plan.files[2].document->path, "/etc/network/interfaces.new");
	expect_settled("enp5s0=01@05 enp9s0=02@09 enp7s0=03@07");
}
END_TEST

START_TEST(tells_what_is_parked_and_what_comes_back)
{
	begin("auto enp6s0\niface enp6s0 inet manual\n\tmtu 9000\n# note\n\tup a enp5s0\n"
	      "iface vmbr0 inet manual\n\tbridge-ports enp6s0\n",
	      HARDWARE);
	look_at("enp5s0=01@05 enp6s0=0f@06/0f enp7s0=03@07");
	expect_edits("interfaces:1 park: auto enp6s0|#hwrecover: auto enp6s0;"
		     "interfaces:2 park: iface enp6s0 inet manual|"
		     "#hwrecover: iface enp6s0 inet manual;"
		     "interfaces:3 park: \tmtu 9000|#hwrecover: \tmtu 9000;"
		     "interfaces:5 park: \tup a enp5s0|#hwrecover: \tup a enp5s0;"
		     "interfaces:7 park: \tbridge-ports enp6s0|\tbridge-ports none;");
	ck_assert_ptr_nonnull(strstr(reason_of(3), "enp6s0 is another NIC today"));
	ck_assert_ptr_nonnull(strstr(reason_of(5), "enp6s0 is another NIC today"));
	expect_settled("enp5s0=01@05 enp6s0=0f@06/0f enp7s0=03@07");
	look_at("enp5s0=01@05 enp9s0=02@09/06 enp7s0=03@07 enp6s0=0f@06/0f");
	expect_edits("interfaces:1 restore: #hwrecover: auto enp6s0|auto enp9s0;"
		     "interfaces:2 restore: #hwrecover: iface enp6s0 inet manual|"
		     "iface enp9s0 inet manual;"
		     "interfaces:3 restore: #hwrecover: \tmtu 9000|\tmtu 9000;"
		     "interfaces:5 restore: #hwrecover: \tup a enp5s0|\tup a enp5s0;"
		     "interfaces:7 restore: \tbridge-ports none|\tbridge-ports enp9s0;");
	expect_settled("enp5s0=01@05 enp9s0=02@09/06 enp7s0=03@07 enp6s0=0f@06/0f");
}
END_TEST

START_TEST(tells_a_line_that_is_commented_out_by_what_it_stands_in)
{
	/* enp5s0 has another name too, but that is not why its line changes. */
	begin("iface enp6s0 inet manual\n\tup a enp5s0\n", HARDWARE);
	look_at("enp9s0=01@09/05 enp6s0=0f@06/0f enp7s0=03@07");
	expect_edits("interfaces:1 park: iface enp6s0 inet manual|"
		     "#hwrecover: iface enp6s0 inet manual;"
		     "interfaces:2 park: \tup a enp5s0|#hwrecover: \tup a enp5s0;");
	ck_assert_ptr_nonnull(strstr(reason_of(2), "enp6s0 is another NIC today"));
	expect_settled("enp9s0=01@09/05 enp6s0=0f@06/0f enp7s0=03@07");
}
END_TEST

START_TEST(tells_lines_that_vanish_and_appear)
{
	begin("auto enp5s0 \\\n\tenp6s0 \\\n\tenp7s0\n", HARDWARE);
	look_at("enp5s0=01@05 enp6s0=0f@06/0f enp7s0=03@07");
	expect_edits("interfaces:2 park: \tenp6s0 \\|-;");
	expect_settled("enp5s0=01@05 enp6s0=0f@06/0f enp7s0=03@07");
	look_at(HARDWARE);
	expect_edits("interfaces:2 restore: -|\tenp6s0 \\;");
	expect_settled(HARDWARE);
}
END_TEST

#define OVERRIDE(address) "echo vfio-pci > /sys/bus/pci/devices/" address "/driver_override"

/* All actions: "KIND WHAT;". */
static char *describe_actions(void)
{
	struct buffer text = { 0 };
	struct pci_address_name name;
	char *description;

	for (size_t i = 0; i < look.plan.n_actions; i++) {
		const struct plan_action *action = &look.plan.actions[i];

		buffer_append_text(&text, action_kind_to_string(action->kind));
		if (action->kind == ACTION_IFUP)
			buffer_appendf(&text, " %s", action->interface);
		if (action->kind == ACTION_RELEASE)
			buffer_appendf(&text, " %s", pci_address_show(&action->address, &name));
		buffer_append_char(&text, ';');
	}
	ck_assert_int_eq(buffer_finish(&text, &description, NULL), 0);
	return description;
}

static void expect_done(const char *wanted)
{
	_cleanup_free_ char *found = describe_actions();

	ck_assert_str_eq(found, wanted);
}

START_TEST(disables_a_bind_entry_and_arms_it_again)
{
	world_set(&world, BIND_SCRIPT,
		  "#!/bin/sh\n" OVERRIDE("0000:06:00.0") "\n" OVERRIDE("0000:07:00.0") "\n");
	world_boot(&world, "-@06:vfio-pci#06 -@07:vfio-pci#07");
	look_at("-@07:vfio-pci#07");
	expect_edits("vfio.sh:2 disable: " OVERRIDE("0000:06:00.0") "|#hwrecover: " OVERRIDE(
		"0000:06:00.0") ";");
	expect_done("update-initramfs;");
	expect_settled("-@07:vfio-pci#07");
	look_at("-@06:vfio-pci#06 -@07:vfio-pci#07");
	expect_edits("vfio.sh:2 restore: #hwrecover: " OVERRIDE("0000:06:00.0") "|" OVERRIDE(
		"0000:06:00.0") ";");
	expect_done("update-initramfs;");
	expect_settled("-@06:vfio-pci#06 -@07:vfio-pci#07");
	ck_assert_str_eq(world_text(&world, BIND_SCRIPT),
			 "#!/bin/sh\n" OVERRIDE("0000:06:00.0") "\n" OVERRIDE("0000:07:00.0") "\n");
}
END_TEST

START_TEST(relocates_a_bind_entry_and_brings_it_home)
{
	static const struct policy policy = { .network = true,
					      .restore = true,
					      .binds = BINDS_RELOCATE };

	world_set(&world, BIND_SCRIPT, "#!/bin/sh\n" OVERRIDE("0000:06:00.0") "\n");
	world_boot_as(&world, "-@06:vfio-pci#06", &policy);
	look_as("-@08/06:vfio-pci#06", &policy);
	expect_edits(
		"vfio.sh:2 relocate: " OVERRIDE("0000:06:00.0") "|" OVERRIDE("0000:08:00.0") ";");
	ck_assert_str_eq(reason_of(2), "0000:06:00.0 is now at 0000:08:00.0 (serial)");
	world_apply(&world, &look);
	look_as("-@06:vfio-pci#06", &policy);
	expect_edits(
		"vfio.sh:2 relocate: " OVERRIDE("0000:08:00.0") "|" OVERRIDE("0000:06:00.0") ";");
}
END_TEST

START_TEST(edits_the_kernel_command_line_only_by_hand)
{
	struct policy policy = world_policy;

	world_set(&world, COMMAND_LINE, "quiet vfio-pci.ids=8086:1521\n");
	world_boot(&world, "-@06:vfio-pci#06");
	look_at("-@06:vfio-pci#06 -@07#07:vfio-pci");
	expect_edits("");
	policy.by_hand = true;
	look_as("-@06:vfio-pci#06 -@07#07:vfio-pci", &policy);
	expect_edits("");
	/* Entries that name models are said, never edited. */
	ck_assert_uint_eq(count_warnings("reach 0000:07:00.0 now"), 1);
}
END_TEST

START_TEST(takes_a_file_away_and_puts_it_back)
{
	world_set(&world, DRIVERCTL "0000:06:00.0", "vfio-pci\n");
	world_boot(&world, "-@06:vfio-pci#06 -@07#07");
	look_at("-@07#07");
	expect_edits("pci-0000:06:00.0:0 disable: vfio-pci|-;");
	ck_assert_uint_eq(look.plan.n_files, 1);
	ck_assert_str_eq(look.plan.files[0].path, DRIVERCTL "0000:06:00.0");
	ck_assert(bytes_equal_text(look.plan.files[0].was, "vfio-pci\n"));
	ck_assert_ptr_null(look.plan.files[0].now.data);
	expect_settled("-@07#07");
	ck_assert_ptr_null(world_text(&world, DRIVERCTL "0000:06:00.0"));
	look_at("-@06#06 -@07#07");
	expect_edits("pci-0000:06:00.0:0 restore: -|vfio-pci;");
	ck_assert_ptr_null(look.plan.files[0].was.data);
	ck_assert(bytes_equal_text(look.plan.files[0].now, "vfio-pci\n"));
	ck_assert_uint_eq(look.plan.files[0].document->attributes.mode, 0644);
	expect_settled("-@06#06 -@07#07");
	ck_assert_str_eq(world_text(&world, DRIVERCTL "0000:06:00.0"), "vfio-pci\n");
}
END_TEST

START_TEST(gives_a_file_another_name)
{
	static const struct policy policy = { .network = true,
					      .restore = true,
					      .binds = BINDS_RELOCATE };

	world_set(&world, DRIVERCTL "0000:06:00.0", "vfio-pci\n");
	world_boot_as(&world, "-@06:vfio-pci#06", &policy);
	look_as("-@04/06:vfio-pci#06", &policy);
	expect_edits("pci-0000:04:00.0:0 relocate: -|vfio-pci;"
		     "pci-0000:06:00.0:0 relocate: vfio-pci|-;");
	/* By path, each a file of its own. */
	ck_assert_uint_eq(look.plan.n_files, 2);
	ck_assert_str_eq(look.plan.files[0].path, DRIVERCTL "0000:04:00.0");
	ck_assert_ptr_null(look.plan.files[0].was.data);
	ck_assert(bytes_equal_text(look.plan.files[0].now, "vfio-pci\n"));
	ck_assert_str_eq(look.plan.files[1].path, DRIVERCTL "0000:06:00.0");
	ck_assert(bytes_equal_text(look.plan.files[1].was, "vfio-pci\n"));
	ck_assert_ptr_null(look.plan.files[1].now.data);
	world_apply(&world, &look);
	look_as("-@04/06:vfio-pci#06", &policy);
	ck_assert(plan_is_empty(&look.plan));
	/* And back. */
	look_as("-@06:vfio-pci#06", &policy);
	world_apply(&world, &look);
	ck_assert_str_eq(world_text(&world, DRIVERCTL "0000:06:00.0"), "vfio-pci\n");
	ck_assert_ptr_null(world_text(&world, DRIVERCTL "0000:04:00.0"));
}
END_TEST

START_TEST(a_file_that_is_away_comes_back_under_another_name)
{
	struct policy policy = { .network = true, .restore = true };

	world_set(&world, DRIVERCTL "0000:06:00.0", "vfio-pci\n");
	world_boot_as(&world, "-@06:vfio-pci#06", &policy);
	world_boot_as(&world, "", &policy);
	ck_assert_ptr_null(world_text(&world, DRIVERCTL "0000:06:00.0"));
	policy.binds = BINDS_RELOCATE;
	look_as("-@04/06#06", &policy);
	expect_edits("pci-0000:04:00.0:0 restore: -|vfio-pci;");
	ck_assert_uint_eq(look.plan.n_files, 1);
	world_apply(&world, &look);
	ck_assert_str_eq(world_text(&world, DRIVERCTL "0000:04:00.0"), "vfio-pci\n");
	look_as("-@04/06#06", &policy);
	ck_assert(plan_is_empty(&look.plan));
}
END_TEST

START_TEST(what_somebody_put_where_a_file_was_taken_away_is_his)
{
	world_set(&world, DRIVERCTL "0000:06:00.0", "vfio-pci\n");
	world_boot(&world, "-@06:vfio-pci#06 -@07#07");
	world_boot(&world, "-@07#07");
	world_set(&world, DRIVERCTL "0000:06:00.0", "pci-stub\n");
	look_at("-@06#06 -@07#07");
	expect_edits("");
	world_apply(&world, &look);
	ck_assert_str_eq(world_text(&world, DRIVERCTL "0000:06:00.0"), "pci-stub\n");
}
END_TEST

START_TEST(does_what_follows_from_many_files_once_and_in_order)
{
	world_set(&world, "/etc/initramfs-tools/scripts/local-top/b",
		  "#!/bin/sh\n" OVERRIDE("0000:06:00.0") "\n");
	world_set(&world, BIND_SCRIPT, "#!/bin/sh\n" OVERRIDE("0000:06:00.0") "\n");
	begin("allow-hotplug enp7s0\n", "-@06:vfio-pci#06 enp7s0=07@07");
	look_at("enp9s0=07@09/07");
	expect_done("ifup enp9s0;update-initramfs;");
	ck_assert_uint_eq(look.plan.n_edits, 3);
}
END_TEST

START_TEST(tells_what_need_not_be_said_again)
{
	begin("auto enp6s0\niface enp6s0 inet manual\nauto enp5s0\n", HARDWARE);
	world_set(&world, "/etc/network/interfaces.new", "auto enp6s0\n");
	look_at("enp8s0=01@08/05 enp9s0=02@09/06 enp7s0=03@07");
	ck_assert_uint_eq(look.plan.n_edits, 4);
	ck_assert(!plan_edit_is_repetition(&look.plan, 0));
	ck_assert(plan_edit_is_repetition(&look.plan, 1));
	ck_assert(!plan_edit_is_repetition(&look.plan, 2));
	/* Of another file. */
	ck_assert(!plan_edit_is_repetition(&look.plan, 3));
}
END_TEST

START_TEST(two_files_exchange_their_names_in_one_step)
{
	static const struct policy policy = { .network = true,
					      .restore = true,
					      .binds = BINDS_RELOCATE };

	world_set(&world, DRIVERCTL "0000:06:00.0", "vfio-pci\n# a\n");
	world_set(&world, DRIVERCTL "0000:07:00.0", "vfio-pci\n# b\n");
	world_boot_as(&world, "-@06:vfio-pci#0a -@07:vfio-pci#0b", &policy);
	look_as("-@07/06:vfio-pci#0a -@06/07:vfio-pci#0b", &policy);
	ck_assert_uint_eq(look.plan.n_files, 2);
	ck_assert(bytes_equal_text(look.plan.files[0].was, "vfio-pci\n# a\n"));
	ck_assert(bytes_equal_text(look.plan.files[0].now, "vfio-pci\n# b\n"));
	ck_assert(bytes_equal_text(look.plan.files[1].was, "vfio-pci\n# b\n"));
	ck_assert(bytes_equal_text(look.plan.files[1].now, "vfio-pci\n# a\n"));
	world_apply(&world, &look);
	look_as("-@07/06:vfio-pci#0a -@06/07:vfio-pci#0b", &policy);
	ck_assert(plan_is_empty(&look.plan));
	/* A chain: one moves on, the other into its place. */
	look_as("-@08/06:vfio-pci#0a -@07:vfio-pci#0b", &policy);
	ck_assert_uint_eq(look.plan.n_files, 3);
	world_apply(&world, &look);
	ck_assert_ptr_null(world_text(&world, DRIVERCTL "0000:06:00.0"));
	ck_assert_str_eq(world_text(&world, DRIVERCTL "0000:07:00.0"), "vfio-pci\n# b\n");
	ck_assert_str_eq(world_text(&world, DRIVERCTL "0000:08:00.0"), "vfio-pci\n# a\n");
}
END_TEST

START_TEST(tells_a_script_that_is_switched_off)
{
	static const char text[] = "#!/bin/sh\nset -e\nfor f in 0 1; do\n"
				   "echo 1 > /sys/bus/pci/devices/0000:06:00.$f/remove\ndone\n";

	world_set(&world, BIND_SCRIPT, text);
	world_boot(&world, "-@06:vfio-pci#06 -@07#07");
	look_at("-@07#07");
	expect_edits(
		"vfio.sh:2 disable: -|exit 0 # hwrecover: switched off, see hwrecover status;");
	ck_assert_ptr_nonnull(strstr(reason_of(2), "is gone"));
	expect_settled("-@07#07");
	look_at("-@06:vfio-pci#06 -@07#07");
	expect_edits(
		"vfio.sh:2 restore: exit 0 # hwrecover: switched off, see hwrecover status|-;");
	ck_assert_ptr_nonnull(strstr(reason_of(2), "is back"));
	expect_settled("-@06:vfio-pci#06 -@07#07");
	ck_assert_str_eq(world_text(&world, BIND_SCRIPT), text);
}
END_TEST

START_TEST(tells_lines_without_their_ends)
{
	begin("auto enp6s0\r\niface enp6s0 inet manual\r\n", HARDWARE);
	look_at("enp5s0=01@05 enp9s0=02@09/06 enp7s0=03@07");
	expect_edits("interfaces:1 remap: auto enp6s0|auto enp9s0;"
		     "interfaces:2 remap: iface enp6s0 inet manual|iface enp9s0 inet manual;");
	expect_settled("enp5s0=01@05 enp9s0=02@09/06 enp7s0=03@07");
}
END_TEST

START_TEST(tells_a_line_by_a_later_line_of_the_same_command)
{
	begin("iface vmbr0 inet manual\n\tup a \\\n\t  enp6s0\n", HARDWARE);
	look_at("enp5s0=01@05 enp6s0=0f@06/0f enp7s0=03@07");
	expect_edits("interfaces:2 park: \tup a \\|#hwrecover: \tup a \\ (continued);"
		     "interfaces:3 park: \t  enp6s0|#hwrecover: \t  enp6s0;");
	ck_assert_str_eq(reason_of(2), reason_of(3));
	expect_settled("enp5s0=01@05 enp6s0=0f@06/0f enp7s0=03@07");
}
END_TEST

START_TEST(says_each_reason_once)
{
	begin("auto enp5s0 enp6s0 enp5s0.1 enp6s0.1 enp5s0.2 enp6s0.2\n", HARDWARE);
	look_at("enp8s0=01@08/05 enp9s0=02@09/06 enp7s0=03@07");
	ck_assert_str_eq(reason_of(1), "enp5s0 is now enp8s0 (mac); enp6s0 is now enp9s0 (mac)");
}
END_TEST

START_TEST(warns_of_each_thing_once)
{
	begin("auto enp6s0\niface enp6s0 inet manual\n\tup a enp6s0\n\tup b enp6s0\n", HARDWARE);
	look_at("enp5s0=01@05 enp7s0=03@07");
	ck_assert_uint_eq(count_warnings("stays reserved"), 1);
	ck_assert_uint_eq(count_warnings(INTERFACES ":1: "), 1);
	expect_edits("");
}
END_TEST

START_TEST(sorts_warnings_by_line)
{
	struct buffer text = { 0 };

	for (int i = 1; i < 12; i++)
		buffer_append_text(&text, i == 2 ? "auto enp5s0\n" : "# x\n");
	buffer_append_text(&text, "auto enp6s0\n");
	begin(text.data, HARDWARE);
	buffer_done(&text);
	look_at("enp7s0=03@07 enp8s0=04@08 enp9s0=05@09");
	ck_assert_uint_eq(count_warnings(INTERFACES), 2);
	/* Those that stand in no file are about the cards. */
	ck_assert_uint_eq(count_warnings("is of the same model"), look.plan.n_warnings - 2);
	ck_assert_ptr_nonnull(strstr(look.plan.warnings[0], INTERFACES ":2: "));
	ck_assert_ptr_nonnull(strstr(look.plan.warnings[1], INTERFACES ":12: "));
}
END_TEST

START_TEST(brings_hotplugged_nics_up_that_udev_decided_about_before)
{
	begin("allow-hotplug enp6s0 enp7s0 enp6s0\nallow-hotplug enp5s0\nauto enp5s0\n"
	      "allow-hotplug enp6s0.100\nallow-auto enp7s0\n",
	      HARDWARE);
	look_at("enp5s0=01@05 enp9s0=02@09/06 enp7s0=03@07");
	expect_actions("enp9s0");
	look_at("enp8s0=01@08/05 enp9s0=02@09/06 enp10s0=03@0a/07");
	expect_actions("enp10s0 enp8s0 enp9s0");
	expect_settled("enp8s0=01@08/05 enp9s0=02@09/06 enp10s0=03@0a/07");
	expect_actions("");
}
END_TEST

START_TEST(brings_hotplugged_nics_up_that_come_back)
{
	begin("allow-hotplug enp5s0 enp6s0\n", HARDWARE);
	world_boot(&world, "enp5s0=01@05 enp6s0=0f@06/0f");
	look_at("enp5s0=01@05 enp6s0=0f@06/0f");
	expect_actions("");
	look_at(HARDWARE);
	expect_actions("enp6s0");
	ck_assert_uint_eq(look.plan.n_edits, 1);
}
END_TEST

START_TEST(brings_nothing_up_that_stays_commented_out)
{
	tree_file("/usr/libexec/ifupdown-ng/link", "");
	/* To ifupdown-ng what follows `auto` belongs to it. */
	begin("auto enp6s0\n\tup a enp5s0\nallow-hotplug enp5s0\n\tup b enp6s0\n", HARDWARE);
	look_at("enp5s0=0e@05/0e enp9s0=02@09/06");
	world_apply(&world, &look);
	look_at("enp5s0=0e@05/0e enp6s0=02@06");
	expect_actions("");
}
END_TEST

START_TEST(edits_nothing_where_nothing_may_be_edited)
{
	const struct policy policy = { .why_not = "Network=report",
				       .replaced_nic = true,
				       .restore = true };

	begin("auto enp5s0 enp6s0\n", HARDWARE);
	look_as("enp9s0=01@09/05 enp6s0=0f@06/0f", &policy);
	expect_edits("");
	ck_assert_uint_eq(look.plan.n_files, 0);
	expect_actions("");
	ck_assert_uint_eq(count_warnings("not done: Network=report"), 2);
}
END_TEST

START_TEST(leaves_a_file_that_its_reader_rejects)
{
	begin("auto enp6s0\nrubbish\n", HARDWARE);
	look_at("enp9s0=02@09/06");
	expect_edits("");
	ck_assert_uint_eq(count_warnings("it is left as it is"), 1);
	ck_assert_uint_eq(count_warnings("enp6s0 is now enp9s0"), 1);
	/* Once it is mended, it is dealt with. */
	world_apply(&world, &look);
	world_edit(&world, INTERFACES, "rubbish\n", "");
	look_at("enp9s0=02@09/06");
	expect_edits("interfaces:1 remap: auto enp6s0|auto enp9s0;");
}
END_TEST

START_TEST(names_an_unfit_file_and_leaves_it)
{
	struct inventory hardware;

	begin("auto enp6s0\n", HARDWARE);
	world_hardware(&hardware, "enp9s0=02@09/06");
	world.files[0].unfit = "is a fifo";
	look_done(&look);
	world_look(&world, &hardware, &world_policy, &look);
	ck_assert_int_eq(look.result, 0);
	ck_assert_uint_eq(count_warnings(INTERFACES ": is a fifo; it is left alone"), 1);
	expect_edits("");
	/* What is known of it is not forgotten. */
	world_apply(&world, &look);
	world.files[0].unfit = NULL;
	look_at("enp9s0=02@09/06");
	expect_edits("interfaces:1 remap: auto enp6s0|auto enp9s0;");
}
END_TEST

START_TEST(makes_no_plan_whose_result_would_be_rejected)
{
	/* A stanza with two options on one commented line; what is left would stand alone. */
	static const char text[] = "auto enp6s0\niface enp6s0 inet manual\n"
				   "iface enp7s0 inet manual inherits enp6s0\n";

	begin(text, HARDWARE);
	look_done(&look);
	world_look_at(&world, "enp5s0=01@05 enp6s0=0f@06/0f enp7s0=03@07", &world_policy, &look);
	if (look.result == 0) {
		world_apply(&world, &look);
		ck_assert_int_eq(interfaces_check_text(DIALECT_IFUPDOWN,
						       bytes_of(world_text(&world, INTERFACES)),
						       INTERFACES, NULL),
				 0);
	} else {
		ck_assert_int_eq(look.result, -EBADMSG);
		ck_assert_ptr_nonnull(look.problem.text);
	}
}
END_TEST

/* What happened to the hardware: "kind what from>to;". */
static void expect_changes(const char *wanted)
{
	struct buffer text = { 0 };

	buffer_append_text(&text, "");
	for (size_t i = 0; i < look.plan.n_changes; i++) {
		const struct hardware_change *change = &look.plan.changes[i];

		buffer_appendf(&text, "%s %s %s>%s;", change_kind_to_string(change->kind),
			       unit_kind_to_string(change->what), change->from ? change->from : "",
			       change->to ? change->to : "");
	}
	ck_assert_str_eq(text.data, wanted);
	buffer_done(&text);
}

START_TEST(tells_what_happened_to_the_hardware)
{
	begin("", "enp5s0=01@05 enp6s0=02@06 enp7s0=03@07");
	look_at("enp15s0=01@0f/05 enp6s0=02@06 enp9s0=09@09 enp10s0=04@0a/07");
	expect_changes("moved pci 0000:05:00.0>0000:0f:00.0;removed pci 0000:07:00.0>;"
		       "added pci >0000:09:00.0;added pci >0000:0a:00.0;"
		       "renamed nic enp5s0>enp15s0;replaced nic enp7s0>enp10s0;"
		       "added nic >enp9s0;");
	ck_assert_int_eq(look.plan.changes[0].confidence, CONFIDENCE_CERTAIN);
	ck_assert_uint_eq(look.plan.nics_before, 3);
	ck_assert_uint_eq(look.plan.nics_after, 4);
	look_at("");
	ck_assert_uint_eq(count_warnings("no network card is there at all"), 1);
}
END_TEST

START_TEST(tells_groups_with_other_members)
{
	struct inventory hardware;

	world_hardware(&hardware, HARDWARE);
	for (size_t i = 0; i < hardware.n_functions; i++)
		hardware.functions[i].iommu_group = (int)i;
	world_look(&world, &hardware, &world_policy, &look);
	world_apply(&world, &look);
	look_done(&look);
	/* Other numbers are nothing; other members are. */
	world_hardware(&hardware, HARDWARE);
	for (size_t i = 0; i < hardware.n_functions; i++)
		hardware.functions[i].iommu_group = i < 2 ? 9 : 8;
	world_look(&world, &hardware, &world_policy, &look);
	expect_changes("regrouped pci 0000:05:00.0>0000:05:00.0;"
		       "regrouped pci 0000:06:00.0>0000:06:00.0;");
	look_done(&look);
	world_hardware(&hardware, HARDWARE);
	world_look(&world, &hardware, &world_policy, &look);
	expect_changes("");
	ck_assert_uint_eq(count_warnings("no IOMMU groups any more"), 1);
}
END_TEST

/* The recorded unit that a mention in the first file means, by its number. */
static const struct unit *recorded_unit(const char *mac)
{
	const struct unit *found = NULL;

	for (size_t i = 0; i < world.recorded.n_units; i++)
		if (world.recorded.units[i].nic.mac &&
		    strcmp(world.recorded.units[i].nic.mac + 15, mac) == 0) {
			ck_assert_ptr_null(found);
			found = &world.recorded.units[i];
		}
	ck_assert_ptr_nonnull(found);
	return found;
}

START_TEST(refreshes_units_that_were_found)
{
	const struct unit *unit;

	begin("auto enp6s0 enp6s0\niface enp6s0 inet manual\n", HARDWARE);
	world_boot(&world, "enp9s0=02@09/08");
	unit = recorded_unit("02");
	ck_assert_str_eq(unit->nic.name, "enp9s0");
	ck_assert_uint_eq(unit->function.address.bus, 9);
	ck_assert_str_eq(unit->function.path, "pci0000:00/08.0/00.0");
	/* Where the entry was first recorded to have it stays. */
	ck_assert_uint_eq(unit->first_address.bus, 6);
	ck_assert_str_eq(unit->first_path, "pci0000:00/06.0/00.0");
	ck_assert_uint_eq(world.recorded.n_units, 1);
	ck_assert_uint_eq(world.recorded.n_mentions, 3);
}
END_TEST

START_TEST(keeps_what_was_last_known_of_units_that_are_away)
{
	begin("auto enp6s0\n", HARDWARE);
	world_boot(&world, "enp9s0=02@09/08");
	world_boot(&world, "enp5s0=01@05");
	ck_assert_str_eq(recorded_unit("02")->nic.name, "enp9s0");
	ck_assert_uint_eq(recorded_unit("02")->function.address.bus, 9);
	/* A name that may still change is no news. */
	world_boot(&world, "eth7=02@0a/08?");
	ck_assert_str_eq(recorded_unit("02")->nic.name, "enp9s0");
	ck_assert_str_eq(world_text(&world, INTERFACES), "auto enp9s0\n");
}
END_TEST

START_TEST(keeps_a_number_that_is_not_read_this_time)
{
	begin("auto enp6s0\n", HARDWARE);
	world_boot(&world, "enp5s0=01@05 enp6s0=-@06 enp7s0=03@07");
	ck_assert_str_eq(recorded_unit("02")->nic.name, "enp6s0");
	world_boot(&world, "enp5s0=01@05 enp9s0=02@09 enp7s0=03@07");
	ck_assert_str_eq(world_text(&world, INTERFACES), "auto enp9s0\n");
}
END_TEST

START_TEST(a_replacement_is_a_unit_of_its_own)
{
	begin("auto enp6s0\n", HARDWARE);
	world_boot(&world, "enp5s0=01@05 enp9s0=04@09/06 enp7s0=03@07");
	ck_assert_str_eq(world_text(&world, INTERFACES), "auto enp9s0\n");
	ck_assert_uint_eq(world.recorded.n_units, 1);
	ck_assert_uint_eq(recorded_unit("04")->first_address.bus, 9);
}
END_TEST

START_TEST(a_replacement_that_is_not_followed_stays_left_to_a_person)
{
	const struct policy policy = { .network = true, .restore = true };

	begin("auto enp6s0\n", HARDWARE);
	for (int i = 0; i < 3; i++) {
		world_boot_as(&world, "enp5s0=01@05 enp6s0=04@06 enp7s0=03@07", &policy);
		ck_assert_str_eq(world_text(&world, INTERFACES), "auto enp6s0\n");
		ck_assert(world.recorded.mentions[0].held);
		ck_assert_str_eq(recorded_unit("02")->nic.name, "enp6s0");
	}
	/* The old one is back: nothing is left to anybody. */
	world_boot_as(&world, "enp5s0=01@05 enp9s0=02@09/06 enp7s0=03@07", &policy);
	ck_assert_str_eq(world_text(&world, INTERFACES), "auto enp9s0\n");
	ck_assert(!world.recorded.mentions[0].held);
}
END_TEST

START_TEST(a_dangling_mention_becomes_an_added_nics)
{
	begin("auto enp9s0\n", HARDWARE);
	ck_assert_uint_eq(world.recorded.n_units, 0);
	world_boot(&world, HARDWARE " enp9s0=09@09");
	ck_assert_str_eq(recorded_unit("09")->nic.name, "enp9s0");
	world_boot(&world, HARDWARE " enp10s0=09@0a/09");
	ck_assert_str_eq(world_text(&world, INTERFACES), "auto enp10s0\n");
}
END_TEST

static const struct unit *only_unit(void)
{
	ck_assert_uint_eq(world.recorded.n_units, 1);
	return &world.recorded.units[0];
}

START_TEST(remembers_what_could_not_be_told)
{
	/* Twins change places, and only one of them has a number. */
	world_set(&world, DRIVERCTL "0000:06:00.0", "vfio-pci\n");
	world_boot(&world, "-@05#0a -@06:vfio-pci");
	ck_assert(!only_unit()->lost);
	for (int i = 0; i < 3; i++) {
		world_boot(&world, "-@05 -@06#0a");
		ck_assert(only_unit()->lost);
		ck_assert_ptr_null(world_text(&world, DRIVERCTL "0000:06:00.0"));
	}
	world_boot(&world, "-@05#0a -@06");
	ck_assert(!only_unit()->lost);
	ck_assert_str_eq(world_text(&world, DRIVERCTL "0000:06:00.0"), "vfio-pci\n");
}
END_TEST

START_TEST(forgets_no_place_of_what_is_not_there_yet)
{
	begin("auto enp6s0\n", "enp5s0=01@05 enp6s0=02@06:igb#02");
	look_at("enp5s0=01@05 -@06:vfio-pci#02");
	ck_assert_uint_eq(count_warnings("has no link yet"), 2);
	world_apply(&world, &look);
	ck_assert(!only_unit()->lost);
	/* Nor of what cannot be read, nor is it lost while its name may still change. */
	world_boot(&world, "enp5s0=01@05 -@06!");
	ck_assert(!only_unit()->lost);
	world_boot(&world, "enp5s0=01@05 eth1=02@06?:igb#02");
	ck_assert(!only_unit()->lost);
	ck_assert_str_eq(only_unit()->nic.name, "enp6s0");
	world_boot(&world, "enp5s0=01@05");
	ck_assert(only_unit()->lost);
	world_boot(&world, "enp5s0=01@05 -@06!");
	ck_assert(only_unit()->lost);
}
END_TEST

START_TEST(a_nic_without_a_link_is_where_its_function_is)
{
	begin("auto enp6s0\n", "enp5s0=01@05 enp6s0=02@06:igb#02");
	/* Moved while a driver for guests holds it. */
	world_boot(&world, "enp5s0=01@05 -@08:vfio-pci#02");
	ck_assert_uint_eq(only_unit()->function.address.bus, 8);
	ck_assert_str_eq(only_unit()->nic.name, "enp6s0");
	ck_assert_uint_eq(only_unit()->first_address.bus, 6);
	/* Who sits where it was is another one. */
	look_at("enp5s0=01@05 -@08! enp6s0=-@06");
	ck_assert_int_eq(look.resolution.pairings[0].fate, FATE_UNREADABLE);
}
END_TEST

START_TEST(records_where_each_mention_stands)
{
	const struct meanings *recorded = &world.recorded;
	const char *text;

	begin("auto enp5s0 enp6s0 enp7s0\niface enp6s0 inet manual\n\tup a enp7s0\n", HARDWARE);
	world_boot(&world, "enp105s0=01@69/05 enp6s0=0f@06/0f enp7s0=03@07");
	text = world_text(&world, INTERFACES);
	ck_assert_str_eq(text, "auto enp105s0 enp7s0\n#hwrecover: iface enp6s0 inet manual\n"
			       "#hwrecover: \tup a enp7s0\n");
	/* Offsets are in the text with all put back; what is parked has no mention of its own. */
	ck_assert_uint_eq(recorded->n_mentions, 2);
	ck_assert_str_eq(recorded->mentions[0].text, "enp105s0");
	ck_assert_uint_eq(recorded->mentions[0].offset, strlen("auto "));
	ck_assert_str_eq(recorded->mentions[0].said, "enp5s0");
	ck_assert_uint_eq(recorded->mentions[1].offset, strlen("auto enp105s0 enp6s0 "));
	ck_assert_uint_eq(recorded->n_parked, 2);
	ck_assert_str_eq(recorded->parked[0].present, "auto enp105s0 enp7s0\n");
	ck_assert_str_eq(recorded->parked[0].original, "auto enp105s0 enp6s0 enp7s0\n");
	ck_assert_str_eq(recorded->parked[0].context, "");
	ck_assert(!recorded->parked[0].inside);
	ck_assert_uint_eq(recorded->parked[0].n_mentions, 3);
	ck_assert_uint_eq(recorded->parked[0].mentions[1].offset, strlen("auto enp105s0 "));
	ck_assert(recorded->parked[0].mentions[1].parked);
	ck_assert(!recorded->parked[0].mentions[2].parked);
	ck_assert_uint_eq(recorded->parked[0].mentions[0].length, strlen("enp105s0"));
	ck_assert_uint_eq(recorded->parked[1].offset, strlen("auto enp105s0 enp7s0\n"));
	ck_assert_str_eq(recorded->parked[1].context, "auto enp105s0 enp7s0");
	ck_assert_uint_eq(recorded->parked[1].n_mentions, 2);
	ck_assert(recorded->parked[1].mentions[1].parked);
	ck_assert_uint_eq(recorded->n_files, 1);
	ck_assert_uint_eq(recorded->files[0].digest,
			  bytes_digest(bytes_of(text), BYTES_DIGEST_SEED));
	ck_assert_uint_eq(recorded->files[0].n_lines, 3);
}
END_TEST

START_TEST(knows_what_stands_inside_a_stanza)
{
	begin("auto enp6s0\niface vmbr0 inet manual\n\n# x\n\tmtu 9000\n\tup a enp6s0\n"
	      "\tbridge-ports enp6s0 enp7s0\n",
	      HARDWARE);
	world_boot(&world, "enp6s0=0f@06/0f enp7s0=03@07");
	ck_assert_uint_eq(world.recorded.n_parked, 3);
	ck_assert(!world.recorded.parked[0].inside);
	ck_assert(world.recorded.parked[1].inside && world.recorded.parked[2].inside);
	ck_assert_str_eq(world.recorded.parked[1].context, "iface vmbr0 inet manual");
	ck_assert_str_eq(world.recorded.parked[2].context, "iface vmbr0 inet manual");
}
END_TEST

START_TEST(carries_what_is_known_of_absent_files)
{
	world_set(&world, NETWORKING, "EXCLUDE_INTERFACES=\"enp5s0 enp6s0\"\n");
	begin("auto enp5s0\niface enp6s0 inet manual\n", HARDWARE);
	world_boot(&world, "enp6s0=0f@06/0f enp5s0=01@05");
	ck_assert_uint_eq(world.recorded.n_parked, 2);
	world_remove(&world, INTERFACES);
	for (int i = 0; i < 2; i++) {
		world_boot(&world, "enp6s0=0f@06/0f enp9s0=01@09/05");
		ck_assert_uint_eq(world.recorded.n_files, 2);
		ck_assert_uint_eq(world.recorded.n_parked, 2);
		ck_assert_uint_eq(world.recorded.n_mentions, 2);
		ck_assert_str_eq(recorded_unit("01")->nic.name, "enp9s0");
	}
	world_set(&world, INTERFACES, "auto enp5s0\n#hwrecover: iface enp6s0 inet manual\n");
	look_at("enp8s0=02@08/06 enp9s0=01@09/05");
	expect_edits("networking:1 restore: EXCLUDE_INTERFACES=\"enp9s0\"|"
		     "EXCLUDE_INTERFACES=\"enp9s0 enp8s0\";"
		     "interfaces:1 remap: auto enp5s0|auto enp9s0;"
		     "interfaces:2 restore: #hwrecover: iface enp6s0 inet manual|"
		     "iface enp8s0 inet manual;");
}
END_TEST

START_TEST(forgets_no_text_that_was_edited_away)
{
	begin("auto lo\nauto enp6s0\n", HARDWARE);
	world_boot(&world, "enp6s0=0f@06/0f");
	world_set(&world, INTERFACES, "auto lo\n");
	for (int i = 0; i < 3; i++) {
		world_boot(&world, "enp6s0=0f@06/0f");
		ck_assert_uint_eq(world.recorded.n_parked, 1);
		ck_assert(world.recorded.parked[0].lost);
	}
	/* Undone by hand: it is found again only by `restore`, and nothing is parked twice. */
	world_set(&world, INTERFACES, "auto lo\n#hwrecover: auto enp6s0\n");
	look_at(HARDWARE);
	expect_edits("");
	ck_assert_uint_eq(count_warnings("hwrecover restore"), 1);
}
END_TEST

START_TEST(two_names_exchanged_are_written_at_once)
{
	begin("auto enp5s0 enp6s0\niface enp5s0 inet manual\niface enp6s0 inet manual\n\tmtu 9000\n",
	      HARDWARE);
	world_boot(&world, "enp6s0=01@06/05 enp5s0=02@05/06 enp7s0=03@07");
	ck_assert_str_eq(world_text(&world, INTERFACES),
			 "auto enp6s0 enp5s0\niface enp6s0 inet manual\niface enp5s0 inet manual\n"
			 "\tmtu 9000\n");
	world_boot(&world, HARDWARE);
	ck_assert_str_eq(world_text(&world, INTERFACES),
			 "auto enp5s0 enp6s0\niface enp5s0 inet manual\niface enp6s0 inet manual\n"
			 "\tmtu 9000\n");
}
END_TEST

START_TEST(is_printed_as_json)
{
	_cleanup_json_ struct json_object *object = NULL;
	_cleanup_free_ char *text = NULL;
	struct json_object *member, *item;
	size_t size;

	begin("allow-hotplug enp6s0\n", HARDWARE);
	look_at("enp5s0=01@05 enp9s0=02@09/06 enp7s0=03@07");
	look.plan.baseline = 12;
	ck_assert_int_eq(plan_to_json(&look.plan, &text, &size), 0);
	ck_assert_int_eq(json_parse(bytes_make(text, size), "plan", &object, NULL), 0);
	ck_assert(json_object_object_get_ex(object, "schema", &member));
	ck_assert_str_eq(json_object_get_string(member), PLAN_SCHEMA);
	ck_assert(json_object_object_get_ex(object, "baseline", &member));
	ck_assert_int_eq(json_object_get_int(member), 12);
	ck_assert(json_object_object_get_ex(object, "edits", &member));
	ck_assert_uint_eq(json_object_array_length(member), 1);
	item = json_object_array_get_idx(member, 0);
	ck_assert_str_eq(json_object_to_json_string_ext(
				 item, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE),
			 "{\"file\":\"/etc/network/interfaces\",\"line\":1,\"remedy\":\"remap\","
			 "\"from\":\"allow-hotplug enp6s0\",\"to\":\"allow-hotplug enp9s0\","
			 "\"reason\":\"enp6s0 is now enp9s0 (mac)\"}");
	ck_assert(json_object_object_get_ex(object, "actions", &member));
	ck_assert_str_eq(json_object_to_json_string_ext(member, JSON_C_TO_STRING_PLAIN),
			 "[{\"do\":\"ifup\",\"interface\":\"enp9s0\"}]");
	ck_assert(json_object_object_get_ex(object, "counts", &member));
	ck_assert_str_eq(json_object_to_json_string_ext(member, JSON_C_TO_STRING_PLAIN),
			 "{\"pci\":[3,3],\"nics\":[3,3]}");
	ck_assert(json_object_object_get_ex(object, "blocked", &member));
	ck_assert(json_object_is_type(member, json_type_array));
	ck_assert(json_object_object_get_ex(object, "warnings", &member));
	ck_assert(json_object_is_type(member, json_type_array));
	ck_assert(json_object_object_get_ex(object, "changes", &member));
	ck_assert_uint_eq(json_object_array_length(member), 2);
}
END_TEST

START_TEST(prints_what_has_no_line)
{
	_cleanup_json_ struct json_object *object = NULL;
	_cleanup_free_ char *text = NULL;
	struct json_object *member;
	struct buffer diff = { 0 };
	size_t size;

	world_set(&world, DRIVERCTL "0000:06:00.0", "vfio-pci\n");
	world_boot(&world, "-@06:vfio-pci#06 -@07:nvme#07");
	look_at("-@07#07 -@06/08#08:vfio-pci");
	ck_assert_int_eq(plan_to_json(&look.plan, &text, &size), 0);
	ck_assert_int_eq(json_parse(bytes_make(text, size), "plan", &object, NULL), 0);
	ck_assert(json_object_object_get_ex(object, "edits", &member));
	ck_assert_uint_eq(json_object_array_length(member), 1);
	member = json_object_array_get_idx(member, 0);
	ck_assert_ptr_nonnull(
		strstr(json_object_to_json_string_ext(
			       member, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE),
		       "\"line\":null,\"remedy\":\"disable\",\"from\":"
		       "\"vfio-pci\",\"to\":null,"));
	ck_assert(json_object_object_get_ex(object, "actions", &member));
	ck_assert_uint_eq(json_object_array_length(member), 1);
	member = json_object_array_get_idx(member, 0);
	ck_assert_ptr_nonnull(strstr(json_object_to_json_string_ext(member, JSON_C_TO_STRING_PLAIN),
				     "{\"do\":\"release\",\"address\":\"0000:06:00.0\","
				     "\"driver\":null"));
	ck_assert_int_eq(plan_to_diff(&look.plan, &diff), 0);
	ck_assert_str_eq(diff.data, "--- a" DRIVERCTL "0000:06:00.0\n+++ /dev/null\n"
				    "@@ -1 +0,0 @@\n-vfio-pci\n");
	buffer_done(&diff);
}
END_TEST

START_TEST(is_printed_as_a_diff)
{
	struct buffer diff = { 0 };

	begin("auto lo\nauto enp6s0\n", HARDWARE);
	look_at("enp5s0=01@05 enp9s0=02@09/06 enp7s0=03@07");
	ck_assert_int_eq(plan_to_diff(&look.plan, &diff), 0);
	ck_assert_str_eq(diff.data, "--- a/etc/network/interfaces\n+++ b/etc/network/interfaces\n"
				    "@@ -1,2 +1,2 @@\n auto lo\n-auto enp6s0\n+auto enp9s0\n");
	buffer_done(&diff);
}
END_TEST

START_TEST(survives_being_released_twice)
{
	struct plan plan = { 0 };

	plan_done(NULL);
	plan_done(&plan);
	plan_done(&plan);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("plan");
	TCase *tcase = tcase_create("plan");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, plans_nothing_when_nothing_changed);
	tcase_add_test(tcase, tells_each_edit_by_file_and_line);
	tcase_add_test(tcase, tells_what_is_parked_and_what_comes_back);
	tcase_add_test(tcase, tells_a_line_that_is_commented_out_by_what_it_stands_in);
	tcase_add_test(tcase, tells_lines_that_vanish_and_appear);
	tcase_add_test(tcase, disables_a_bind_entry_and_arms_it_again);
	tcase_add_test(tcase, relocates_a_bind_entry_and_brings_it_home);
	tcase_add_test(tcase, edits_the_kernel_command_line_only_by_hand);
	tcase_add_test(tcase, takes_a_file_away_and_puts_it_back);
	tcase_add_test(tcase, gives_a_file_another_name);
	tcase_add_test(tcase, a_file_that_is_away_comes_back_under_another_name);
	tcase_add_test(tcase, what_somebody_put_where_a_file_was_taken_away_is_his);
	tcase_add_test(tcase, does_what_follows_from_many_files_once_and_in_order);
	tcase_add_test(tcase, tells_what_need_not_be_said_again);
	tcase_add_test(tcase, two_files_exchange_their_names_in_one_step);
	tcase_add_test(tcase, tells_a_script_that_is_switched_off);
	tcase_add_test(tcase, tells_lines_without_their_ends);
	tcase_add_test(tcase, tells_a_line_by_a_later_line_of_the_same_command);
	tcase_add_test(tcase, says_each_reason_once);
	tcase_add_test(tcase, warns_of_each_thing_once);
	tcase_add_test(tcase, sorts_warnings_by_line);
	tcase_add_test(tcase, brings_hotplugged_nics_up_that_udev_decided_about_before);
	tcase_add_test(tcase, brings_hotplugged_nics_up_that_come_back);
	tcase_add_test(tcase, brings_nothing_up_that_stays_commented_out);
	tcase_add_test(tcase, edits_nothing_where_nothing_may_be_edited);
	tcase_add_test(tcase, leaves_a_file_that_its_reader_rejects);
	tcase_add_test(tcase, names_an_unfit_file_and_leaves_it);
	tcase_add_test(tcase, makes_no_plan_whose_result_would_be_rejected);
	tcase_add_test(tcase, tells_what_happened_to_the_hardware);
	tcase_add_test(tcase, tells_groups_with_other_members);
	tcase_add_test(tcase, refreshes_units_that_were_found);
	tcase_add_test(tcase, keeps_what_was_last_known_of_units_that_are_away);
	tcase_add_test(tcase, keeps_a_number_that_is_not_read_this_time);
	tcase_add_test(tcase, a_replacement_is_a_unit_of_its_own);
	tcase_add_test(tcase, a_replacement_that_is_not_followed_stays_left_to_a_person);
	tcase_add_test(tcase, a_dangling_mention_becomes_an_added_nics);
	tcase_add_test(tcase, remembers_what_could_not_be_told);
	tcase_add_test(tcase, forgets_no_place_of_what_is_not_there_yet);
	tcase_add_test(tcase, a_nic_without_a_link_is_where_its_function_is);
	tcase_add_test(tcase, records_where_each_mention_stands);
	tcase_add_test(tcase, knows_what_stands_inside_a_stanza);
	tcase_add_test(tcase, carries_what_is_known_of_absent_files);
	tcase_add_test(tcase, forgets_no_text_that_was_edited_away);
	tcase_add_test(tcase, two_names_exchanged_are_written_at_once);
	tcase_add_test(tcase, is_printed_as_json);
	tcase_add_test(tcase, prints_what_has_no_line);
	tcase_add_test(tcase, is_printed_as_a_diff);
	tcase_add_test(tcase, survives_being_released_twice);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed > 0;
}
