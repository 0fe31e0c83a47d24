/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is said of guests in a plan: lines of their files, who is kept off and why, what to look
 * at. */
#include <check.h>
#include <stdio.h>

#include "recovery/guest-render.h"
#include "tests/unit/world.h"

#define GUEST     QEMU "101.conf"
#define CONTAINER LXC "105.conf"
#define DOMAIN    LIBVIRT_DOMAINS "/win10.xml"
#define LINK      LIBVIRT_AUTOSTART "/win10.xml"
#define UUID      "4dea22b3-1d52-d8f3-2516-782e98ab3fa0"

#define ENTRY    "hostpci0: 0000:06:00.0,pcie=1\n"
#define CARD     "-@05#05+5"
#define IN_PLACE CARD " -@06:vfio-pci#0a+6"
#define MOVED    CARD " -@08/06:vfio-pci#0a+6"

static const struct policy block = { .restore = true };
static const struct policy hold = { .restore = true, .guests = GUESTS_HOLD };
static const struct policy relocate = { .restore = true, .guests = GUESTS_RELOCATE };

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

static void look_as(const char *hardware, const struct policy *policy)
{
	look_done(&look);
	world_look_at(&world, hardware, policy, &look);
	ck_assert_msg(look.result == 0, "%s", look.problem.text);
}

static void boot_as(const char *hardware, const struct policy *policy)
{
	look_as(hardware, policy);
	world_apply(&world, &look);
}

static void begin(const char *path, const char *text)
{
	world_set(&world, path, text);
	boot_as(IN_PLACE, &block);
}

/* All edits: "FILE:LINE remedy: from|to;", the file by its last part. */
static void expect_edits(const char *wanted)
{
	struct buffer text = { 0 };

	buffer_append_text(&text, "");
	for (size_t i = 0; i < look.plan.n_edits; i++) {
		const struct plan_edit *edit = &look.plan.edits[i];

		ck_assert(edit->reason && *edit->reason);
		buffer_appendf(&text, "%s:%u %s: %s|%s;", strrchr(edit->file, '/') + 1, edit->line,
			       remedy_to_string(edit->remedy), edit->from ? edit->from : "-",
			       edit->to ? edit->to : "-");
	}
	ck_assert_str_eq(text.size ? text.data : "", wanted);
	buffer_done(&text);
}

static void expect_reason(size_t index, const char *wanted)
{
	ck_assert_uint_lt(index, look.plan.n_edits);
	ck_assert_str_eq(look.plan.edits[index].reason, wanted);
}

/* All who are kept off: "GUEST[ autostart][ hold]: REASON;" */
static void expect_blocked(const char *wanted)
{
	struct buffer text = { 0 };

	for (size_t i = 0; i < look.plan.n_blocked; i++) {
		const struct plan_blocked *blocked = &look.plan.blocked[i];

		buffer_appendf(&text, "%s%s%s: %s;", blocked->guest,
			       blocked->autostart ? " autostart" : "", blocked->hold ? " hold" : "",
			       blocked->reason);
	}
	ck_assert_str_eq(text.size ? text.data : "", wanted);
	buffer_done(&text);
}

static size_t count_warnings(const char *words)
{
	size_t n = 0;

	for (size_t i = 0; i < look.plan.n_warnings; i++)
		n += strstr(look.plan.warnings[i], words) != NULL;
	return n;
}

static size_t count_actions(enum action_kind kind)
{
	size_t n = 0;

	for (size_t i = 0; i < look.plan.n_actions; i++)
		n += look.plan.actions[i].kind == kind;
	return n;
}

#define GONE "hostpci0 0000:06:00.0: device gone"

START_TEST(a_block_is_one_line)
{
	begin(GUEST, "#note\n" ENTRY "onboot:  1\ncores: 2\n");
	look_as(CARD, &block);
	expect_edits("101.conf:3 block: onboot:  1|onboot: 0;");
	expect_reason(0, GONE);
	expect_blocked("pve/qemu/101 autostart: " GONE ";");
	ck_assert_uint_eq(look.plan.n_actions, 0);
	/* It was said once. */
	ck_assert_uint_eq(count_warnings("hostpci0"), 0);
	world_apply(&world, &look);
	look_as(CARD, &block);
	expect_edits("");
	expect_blocked("pve/qemu/101 autostart: " GONE ";");
	look_as(IN_PLACE, &block);
	expect_edits("101.conf:3 restore: onboot: 0|onboot:  1;");
	expect_reason(0, PLAN_GUEST_IS_BACK);
	expect_blocked("");
}
END_TEST

START_TEST(a_guest_that_nothing_starts_is_listed_too)
{
	begin(GUEST, ENTRY);
	look_as(CARD, &block);
	expect_edits("");
	expect_blocked("pve/qemu/101: " GONE ";");
}
END_TEST

START_TEST(guests_are_listed_by_name)
{
	world_set(&world, QEMU "1000.conf", ENTRY);
	world_set(&world, CONTAINER, "dev0: /dev/disk/by-path/pci-0000:06:00.0-ata-1\n");
	world_set(&world, QEMU "99.conf", "hostpci0: 05:00.0\n");
	begin(GUEST, ENTRY);
	look_as(CARD, &hold);
	expect_blocked("pve/lxc/105 hold: dev0 0000:06:00.0: device gone;"
		       "pve/qemu/1000 hold: " GONE ";pve/qemu/101 hold: " GONE ";");
}
END_TEST

START_TEST(a_hold_tells_every_line)
{
	begin(GUEST, ENTRY "onboot: 1\r\n\n[snap]\n" ENTRY "onboot: 1\n");
	look_as(CARD, &hold);
	expect_edits("101.conf:1 hold: hostpci0: 0000:06:00.0,pcie=1|"
		     "hostpci0: mapping=hwrecover-hold-0000_06_00-0,pcie=1;"
		     "101.conf:2 block: onboot: 1|onboot: 0;"
		     "101.conf:5 hold: hostpci0: 0000:06:00.0,pcie=1|"
		     "hostpci0: mapping=hwrecover-hold-0000_06_00-0,pcie=1;");
	for (size_t i = 0; i < 3; i++)
		expect_reason(i, GONE);
	world_apply(&world, &look);
	look_as(IN_PLACE, &hold);
	expect_edits("101.conf:1 restore: hostpci0: mapping=hwrecover-hold-0000_06_00-0,pcie=1|"
		     "hostpci0: 0000:06:00.0,pcie=1;"
		     "101.conf:2 restore: onboot: 0|onboot: 1;"
		     "101.conf:5 restore: hostpci0: mapping=hwrecover-hold-0000_06_00-0,pcie=1|"
		     "hostpci0: 0000:06:00.0,pcie=1;");
}
END_TEST

#define ARGS "args: -device vfio-pci,host=0000:06:00.0"

START_TEST(a_line_that_is_put_in_stands_before_another)
{
	begin(GUEST, "onboot: 1\n" ARGS "\n\n[snap]\n");
	look_as(CARD, &hold);
	expect_edits("101.conf:1 block: onboot: 1|onboot: 0;"
		     "101.conf:3 hold: -|hostpci15: mapping=hwrecover-hold;");
	expect_reason(1, "args 0000:06:00.0: device gone");
	world_apply(&world, &look);
	look_as(IN_PLACE, &hold);
	expect_edits("101.conf:1 restore: onboot: 0|onboot: 1;"
		     "101.conf:3 restore: hostpci15: mapping=hwrecover-hold|-;");
}
END_TEST

START_TEST(a_line_that_is_put_in_before_one_that_changes_is_told_by_itself)
{
	begin(GUEST, ARGS "\nonboot: 1");
	look_as(CARD, &hold);
	expect_edits("101.conf:2 hold: onboot: 1|hostpci15: mapping=hwrecover-hold;"
		     "101.conf:3 block: -|onboot: 0;");
}
END_TEST

START_TEST(a_block_behind_a_longer_line_is_told_as_one)
{
	begin(GUEST, "hostpci0: 6:00.0;06:00.0\nhostpci1: 06:00.0\nhostpci2: 05:00.0\nonboot: 1\n");
	look_as(CARD, &hold);
	ck_assert_uint_eq(look.plan.n_edits, 2);
	ck_assert_int_eq(look.plan.edits[0].remedy, REMEDY_HOLD);
	ck_assert_int_eq(look.plan.edits[1].remedy, REMEDY_BLOCK);
	ck_assert_uint_eq(look.plan.edits[1].line, 4);
}
END_TEST

START_TEST(relocation_and_block_are_told_apart)
{
	begin(GUEST, "hostpci0: 06:00.0\nonboot: 1\nhostpci1: 07:00.0\n"
		     "\n[snap]\nhostpci0: 0000:06:00.0\n");
	world_set(&world, GUEST,
		  "hostpci0: 06:00.0\nonboot: 1\nhostpci1: 05:00.0\n"
		  "\n[snap]\nhostpci0: 0000:06:00.0\n");
	boot_as(IN_PLACE, &block);
	look_as("-@10000-08/06:vfio-pci#0a+6", &relocate);
	expect_edits("101.conf:1 relocate: hostpci0: 06:00.0|hostpci0: 10000:08:00.0;"
		     "101.conf:2 block: onboot: 1|onboot: 0;"
		     "101.conf:6 relocate: hostpci0: 0000:06:00.0|hostpci0: 10000:08:00.0;");
	expect_reason(0, "hostpci0 0000:06:00.0 is now at 10000:08:00.0 (serial)");
	expect_reason(1, "hostpci1 0000:05:00.0: device gone");
	expect_blocked("pve/qemu/101 autostart: hostpci1 0000:05:00.0: device gone;");
	world_apply(&world, &look);
	/* Back home, in a line that is shorter again, with what is behind it. */
	look_as(IN_PLACE, &relocate);
	expect_edits("101.conf:1 relocate: hostpci0: 10000:08:00.0|hostpci0: 06:00.0;"
		     "101.conf:2 restore: onboot: 0|onboot: 1;"
		     "101.conf:6 relocate: hostpci0: 10000:08:00.0|hostpci0: 0000:06:00.0;");
}
END_TEST

START_TEST(a_mapping_is_told_by_line)
{
	begin(MAPPINGS, "gpu\n\tmap id=8086:1521,iommugroup=6,node=" NODE ",path=0000:06:00.0\n");
	look_as(CARD " -@08/06#0a+24", &relocate);
	expect_edits("pci.cfg:2 relocate: \tmap id=8086:1521,iommugroup=6,node=" NODE
		     ",path=0000:06:00.0|\tmap id=8086:1521,iommugroup=24,node=" NODE
		     ",path=0000:08:00.0;");
	expect_blocked("");
	/* A mapping that no guest uses is only told of. */
	look_as(CARD, &block);
	expect_edits("");
	ck_assert_uint_eq(count_warnings("pci.cfg:2: path 0000:06:00.0: device gone"), 1);
}
END_TEST

#define XML(address)                                                                         \
	"<domain type='kvm'><name>win10</name><uuid>" UUID "</uuid><devices>\n"              \
	"<hostdev mode='subsystem' type='pci'><source>\n<address " address "/>\n</source>\n" \
	"</hostdev></devices></domain>\n"

START_TEST(attributes_on_two_lines_are_told_where_they_change)
{
	begin(DOMAIN, XML("domain='0x0000'\nbus='0x06' slot='0x00' function='0x0'"));
	look_as(MOVED, &relocate);
	expect_edits("win10.xml:4 relocate: bus='0x06' slot='0x00' function='0x0'/>|"
		     "bus='0x08' slot='0x00' function='0x0'/>;");
	expect_reason(0, "hostdev 0000:06:00.0 is now at 0000:08:00.0 (serial)");
}
END_TEST

START_TEST(libvirts_link_goes_and_comes)
{
	world_set(&world, LINK, "/etc/libvirt/qemu/win10.xml");
	world_set(&world, LIBVIRT_RUNNING, "default " UUID "\n");
	begin(DOMAIN, XML("bus='6' slot='0'"));
	look_as(CARD, &block);
	expect_edits("win10.xml:0 block: /etc/libvirt/qemu/win10.xml|-;"
		     "libvirt-guests:1 block: default " UUID "|default;");
	expect_reason(0, "hostdev 0000:06:00.0: device gone");
	ck_assert_uint_eq(look.plan.n_actions, 0);
	world_apply(&world, &look);
	look_as(IN_PLACE, &block);
	expect_edits("win10.xml:0 restore: -|/etc/libvirt/qemu/win10.xml;");
	expect_reason(0, PLAN_GUEST_IS_BACK);
}
END_TEST

START_TEST(libvirts_guests_are_held_by_the_start_hook)
{
	struct policy policy = hold;

	begin(DOMAIN, XML("bus='6' slot='0'"));
	look_as(CARD, &block);
	ck_assert_uint_eq(count_actions(ACTION_START_HOOK), 0);
	look_as(CARD, &hold);
	ck_assert_uint_eq(count_actions(ACTION_START_HOOK), 1);
	expect_edits("");
	expect_blocked("libvirt/win10 hold: hostdev 0000:06:00.0: device gone;");
	policy.has_start_hook = true;
	look_as(CARD, &policy);
	ck_assert_uint_eq(count_actions(ACTION_START_HOOK), 0);
	/* Proxmox's are not. */
	world_remove(&world, DOMAIN);
	begin(GUEST, ENTRY);
	look_as(CARD, &hold);
	ck_assert_uint_eq(look.plan.n_blocked, 1);
	ck_assert_uint_eq(count_actions(ACTION_START_HOOK), 0);
}
END_TEST

START_TEST(what_is_only_reported_is_a_warning)
{
	struct policy policy = { .guests = GUESTS_REPORT, .why_no_guests = "Autostart=report" };

	begin(GUEST, ENTRY "onboot: 1\n");
	look_as(CARD, &policy);
	expect_edits("");
	expect_blocked("");
	ck_assert_uint_eq(count_warnings("pve/qemu/101: " GONE "; it is not kept from starting: "
					 "Autostart=report"),
			  1);
	policy.why_no_guests = NULL;
	look_as(CARD, &policy);
	ck_assert_uint_eq(count_warnings("pve/qemu/101: " GONE), 1);
}
END_TEST

START_TEST(what_cannot_be_verified_is_told_when_hardware_has_changed)
{
	world_set(&world, INTERFACES, "auto lo\n");
	world_set(&world, CONTAINER, "dev0: /dev/nvme1\n");
	begin(GUEST, ENTRY "hostpci1: nonsense\n");
	look_as(IN_PLACE, &block);
	ck_assert_uint_eq(look.plan.n_warnings, 0);
	look_as(IN_PLACE " -@09#0d+9", &block);
	ck_assert_uint_eq(count_warnings("101.conf:2: hostpci1: Proxmox VE cannot read"), 1);
	ck_assert_uint_eq(count_warnings("105.conf:1: dev0 names a device by a number"), 1);
	expect_blocked("");
}
END_TEST

START_TEST(the_guests_stage_leaves_other_files_to_others)
{
	struct policy policy = block;

	policy.only_guests = true;
	policy.network = true;
	world_set(&world, INTERFACES, "auto enp5s0\n");
	world_set(&world, GUEST, ENTRY "onboot: 1\n");
	boot_as("enp5s0=05@05#05 -@06#0a", &block);
	look_as("enp9s0=05@09/05#05", &policy);
	expect_edits("101.conf:2 block: onboot: 1|onboot: 0;");
	/* The one that does it tells it. */
	ck_assert_uint_eq(count_warnings("enp5s0"), 0);
}
END_TEST

START_TEST(snapshots_are_only_told_of)
{
	begin(GUEST, "onboot: 1\nhostpci1: 05:00.0\n\n[snap]\n" ENTRY);
	look_as(CARD, &block);
	expect_edits("");
	expect_blocked("");
	ck_assert_uint_eq(count_warnings("101.conf:5: " GONE), 1);
}
END_TEST

START_TEST(the_plan_says_it_in_json)
{
	_cleanup_free_ char *text = NULL;
	size_t size;

	begin(GUEST, ENTRY "onboot: 1\n");
	look_as(CARD, &hold);
	ck_assert_int_eq(plan_to_json(&look.plan, &text, &size), 0);
	ck_assert_ptr_nonnull(strstr(text, "\"remedy\": \"hold\""));
	ck_assert_ptr_nonnull(strstr(text, "\"remedy\": \"block\""));
	ck_assert_ptr_nonnull(strstr(text, "\"guest\": \"pve/qemu/101\""));
	ck_assert_ptr_nonnull(strstr(text, "\"autostart\": true"));
	ck_assert_ptr_nonnull(strstr(text, "\"reason\": \"" GONE "\""));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("plan-guests");
	TCase *tests = tcase_create("plan-guests");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tests, 60);
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, a_block_is_one_line);
	tcase_add_test(tests, a_guest_that_nothing_starts_is_listed_too);
	tcase_add_test(tests, guests_are_listed_by_name);
	tcase_add_test(tests, a_hold_tells_every_line);
	tcase_add_test(tests, a_line_that_is_put_in_stands_before_another);
	tcase_add_test(tests, a_line_that_is_put_in_before_one_that_changes_is_told_by_itself);
	tcase_add_test(tests, a_block_behind_a_longer_line_is_told_as_one);
	tcase_add_test(tests, relocation_and_block_are_told_apart);
	tcase_add_test(tests, a_mapping_is_told_by_line);
	tcase_add_test(tests, attributes_on_two_lines_are_told_where_they_change);
	tcase_add_test(tests, libvirts_link_goes_and_comes);
	tcase_add_test(tests, libvirts_guests_are_held_by_the_start_hook);
	tcase_add_test(tests, what_is_only_reported_is_a_warning);
	tcase_add_test(tests, what_cannot_be_verified_is_told_when_hardware_has_changed);
	tcase_add_test(tests, the_guests_stage_leaves_other_files_to_others);
	tcase_add_test(tests, snapshots_are_only_told_of);
	tcase_add_test(tests, the_plan_says_it_in_json);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
