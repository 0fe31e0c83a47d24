/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which functions that a driver for guests holds are given back to the host, and what is said of
 * entries that name models.
 */
#include "recovery/plan.h"

#include <check.h>
#include <stdio.h>

#include "tests/unit/world.h"

#define OVERRIDE(address) "echo vfio-pci > /sys/bus/pci/devices/" address "/driver_override\n"
#define ENTRY             "#!/bin/sh\n" OVERRIDE("0000:06:00.0")
#define TWO               ENTRY OVERRIDE("0000:08:00.0")
#define IDS               "options vfio-pci ids=8086:1521\n"
#define BOOTS             4

static const struct pci_address six = { .bus = 6 };

static const struct policy standard = { .network = true, .replaced_nic = true, .restore = true };
static const struct policy relocating = { .network = true,
					  .restore = true,
					  .binds = BINDS_RELOCATE };
static const struct policy reporting = { .network = true,
					 .restore = true,
					 .binds = BINDS_REPORT,
					 .why_no_binds = "StaleBinds=report",
					 .protect = true };
static const struct policy releasing_nothing = { .binds = BINDS_REPORT,
						 .why_not = "Mode=report",
						 .why_no_binds = "Mode=report",
						 .protect = true,
						 .no_release = true };
static const struct policy allowing = {
	.network = true, .restore = true, .allow = &six, .n_allow = 1
};

/**
 * struct boot - One boot
 * @hardware: NULL behind the last
 * @script, @ids, @interfaces: what a person made of the files before it; NULL: nothing
 * @policy:   NULL for @standard
 */
struct boot {
	const char *hardware;
	const char *script;
	const char *ids;
	const char *interfaces;
	const struct policy *policy;
};

/**
 * struct sentence - What is given back at the last of some boots
 * @released: "ADDRESS DRIVER[+] REASON;" each; '+': the override stays; '?': a driver that only the
 *            kernel knows
 */
struct sentence {
	const char *label;
	struct boot boots[BOOTS];
	const char *released;
};

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

static void live_through(const struct boot *boots)
{
	for (size_t i = 0; i < BOOTS && boots[i].hardware; i++) {
		if (i > 0)
			world_apply(&world, &look);
		if (boots[i].script)
			world_set(&world, BIND_SCRIPT, boots[i].script);
		if (boots[i].ids)
			world_set(&world, MODPROBE, boots[i].ids);
		if (boots[i].interfaces)
			world_set(&world, INTERFACES, boots[i].interfaces);
		look_done(&look);
		world_look_at(&world, boots[i].hardware,
			      boots[i].policy ? boots[i].policy : &standard, &look);
		ck_assert_msg(look.result == 0, "%s", look.problem.text);
	}
}

static char *describe_releases(void)
{
	struct buffer text = { 0 };
	struct pci_address_name name;
	char *description;

	for (size_t i = 0; i < look.plan.n_actions; i++) {
		const struct plan_action *action = &look.plan.actions[i];

		if (action->kind == ACTION_RELEASE)
			buffer_appendf(&text, "%s %s%s %s;",
				       pci_address_show(&action->address, &name),
				       action->driver ? action->driver : "?",
				       action->keep_override ? "+" : "", action->reason);
	}
	ck_assert_int_eq(buffer_finish(&text, &description, NULL), 0);
	return description;
}

static void check(const struct sentence *sentence)
{
	_cleanup_free_ char *found = NULL;

	setup();
	live_through(sentence->boots);
	found = describe_releases();
	ck_assert_msg(strcmp(found, sentence->released) == 0, "%s: \"%s\"", sentence->label, found);
	teardown();
}

#define OTHER "taken by an entry that means another device"
#define HOST  "a NIC of the host"

/* The entry means 0a, which vfio-pci held; 0b, on igb, takes its address. */
#define RIGHT "-@06:vfio-pci#0a -@09:igb#0b"
#define WRONG "-@08/06#0a -@06/09:vfio-pci#0b"

static const struct sentence by_entry[] = {
	{ "what a stale entry took",
	  { { RIGHT, ENTRY }, { WRONG } },
	  "0000:06:00.0 igb " OTHER ";" },
	{ "for pci-stub too",
	  { { RIGHT, ENTRY }, { "-@08/06#0a -@06/09:pci-stub#0b" } },
	  "0000:06:00.0 igb " OTHER ";" },
	{ "not what has its own driver",
	  { { RIGHT, ENTRY }, { "-@08/06#0a -@06/09:igb#0b" } },
	  "" },
	{ "not what has no driver", { { RIGHT, ENTRY }, { "-@08/06#0a -@06/09#0b" } }, "" },
	{ "not what is held by a driver of another name",
	  { { RIGHT, ENTRY }, { "-@08/06#0a -@06/09:vfio-pci-core#0b" } },
	  "" },
	{ "of a newcomer only the kernel knows the driver",
	  { { "-@06:vfio-pci#0a", ENTRY }, { "-@06/0c:vfio-pci#0c" } },
	  "0000:06:00.0 ? " OTHER ";" },
	{ "not what was held in the baseline",
	  { { "-@06:vfio-pci#0a -@09:vfio-pci#0b", ENTRY }, { WRONG } },
	  "" },
	{ "nor was held by pci-stub",
	  { { "-@06:vfio-pci#0a -@09:pci-stub#0b", ENTRY }, { WRONG } },
	  "" },
	{ "not what an entry means", { { "-@06:igb#0a", ENTRY }, { "-@06:vfio-pci#0a" } }, "" },
	{ "not what no entry names",
	  { { RIGHT " -@0b:igb#0d", ENTRY }, { RIGHT " -@0b:vfio-pci#0d" } },
	  "" },
	{ "by an entry that was relocated away, too",
	  { { RIGHT, ENTRY }, { WRONG, .policy = &relocating } },
	  "0000:06:00.0 igb " OTHER ";" },
	{ "by an entry that was relocated before, in an old boot image",
	  { { RIGHT, ENTRY },
	    { "-@08/06:vfio-pci#0a -@09:igb#0b", .policy = &relocating },
	    { "-@08/06:vfio-pci#0a -@06/09:vfio-pci#0b" } },
	  "0000:06:00.0 igb " OTHER ";" },
	{ "by an entry that was disabled before, in an old boot image",
	  { { RIGHT, ENTRY }, { "-@09:igb#0b" }, { "-@06/09:vfio-pci#0b" } },
	  "0000:06:00.0 igb " OTHER ";" },
	{ "at the first boot nothing", { { WRONG, ENTRY } }, "" },
	{ "nothing where a stale entry is only said",
	  { { RIGHT, ENTRY }, { WRONG, .policy = &reporting } },
	  "" },
	{ "what a dangling entry took",
	  { { "-@09:igb#0b", ENTRY }, { "-@06/09:vfio-pci#0b" } },
	  "0000:06:00.0 igb " OTHER ";" },
};

static const struct sentence by_need[] = {
	{ "what the host needs",
	  { { "-@06:nvme#0a -@05#05", "#!/bin/sh\n" }, { "-@06:vfio-pci#0a*root -@05#05" } },
	  "0000:06:00.0 nvme root;" },
	{ "though its own entry means it",
	  { { "-@06:nvme#0a", ENTRY }, { "-@06:vfio-pci#0a*root" } },
	  "0000:06:00.0 nvme root;" },
	{ "also where a stale entry is only said",
	  { { RIGHT, ENTRY }, { WRONG "*root", .policy = &reporting } },
	  "0000:06:00.0 igb root;" },
	{ "but not where nothing is",
	  { { RIGHT, ENTRY }, { WRONG "*root", .policy = &releasing_nothing } },
	  "" },
	{ "not what it needs and was held in the baseline",
	  { { "-@06:vfio-pci#0a", "#!/bin/sh\n" }, { "-@06:vfio-pci#0a*root" } },
	  "" },
	{ "not what is allowed",
	  { { "-@06:nvme#0a", "#!/bin/sh\n" }, { "-@06:vfio-pci#0a*root", .policy = &allowing } },
	  "" },
	{ "not the display that an entry means",
	  { { "-@06:i915#0a", ENTRY }, { "-@06:vfio-pci#0a*display" } },
	  "" },
	{ "the display that an entry does not mean",
	  { { "-@06:vfio-pci#0a -@09:i915#0b", ENTRY }, { "-@06/09:vfio-pci#0b*display" } },
	  "0000:06:00.0 i915 " PROTECTED_DISPLAY ";" },
	{ "with an override against ids that reach it",
	  { { "-@06:nvme#0a", "#!/bin/sh\n", IDS }, { "-@06:vfio-pci#0a*root" } },
	  "0000:06:00.0 nvme+ root;" },
	{ "without one where they do not",
	  { { "-@06:nvme%10d3#0a", "#!/bin/sh\n", IDS }, { "-@06:vfio-pci%10d3#0a*root" } },
	  "0000:06:00.0 nvme root;" },
};

#define UPLINK "auto enp6s0\niface enp6s0 inet manual\n"

static const struct sentence by_nic[] = {
	{ "a NIC that the interfaces files mean",
	  { { "enp6s0=0b@06:igb", .interfaces = UPLINK }, { "-@06:vfio-pci" } },
	  "0000:06:00.0 igb " HOST ";" },
	{ "wherever it is",
	  { { "enp6s0=0b@06:igb#0b", .interfaces = UPLINK }, { "-@08/02:vfio-pci#0b" } },
	  "0000:08:00.0 igb " HOST ";" },
	{ "before an entry is looked at",
	  { { "-@05:vfio-pci#05 enp6s0=0b@06:igb#0b", "#!/bin/sh\n" OVERRIDE("0000:05:00.0"),
	      .interfaces = UPLINK },
	    { "-@05/06:vfio-pci#0b -@06/05#05" } },
	  "0000:05:00.0 igb " HOST ";" },
	{ "also where a stale entry is only said",
	  { { "-@05:vfio-pci#05 enp6s0=0b@06:igb#0b", "#!/bin/sh\n" OVERRIDE("0000:05:00.0"),
	      .interfaces = UPLINK },
	    { "-@05/06:vfio-pci#0b -@06/05#05", .policy = &reporting } },
	  "0000:05:00.0 igb " HOST ";" },
	{ "not one that they do not name",
	  { { "enp6s0=0b@06:igb", .interfaces = "auto enp7s0\n" }, { "-@06:vfio-pci" } },
	  "" },
	{ "not one that was held in the baseline",
	  { { "enp6s0=0b@06:igb", .interfaces = UPLINK },
	    { "-@06:vfio-pci", .policy = &releasing_nothing },
	    { "-@06:vfio-pci" } },
	  "" },
	{ "not one that is gone",
	  { { "enp6s0=0b@06:igb#0b -@05#05", .interfaces = UPLINK }, { "-@06/0c:vfio-pci#0c" } },
	  "" },
};

START_TEST(gives_back_what_an_entry_took_that_means_another)
{
	check(&by_entry[_i]);
}
END_TEST

START_TEST(gives_back_what_the_host_needs)
{
	check(&by_need[_i]);
}
END_TEST

START_TEST(gives_back_nics_of_the_host)
{
	check(&by_nic[_i]);
}
END_TEST

static struct boot boot_of(const char *hardware)
{
	return (struct boot){ .hardware = hardware };
}

/* Two entries whose devices changed places were relocated; one device was away meanwhile. */
START_TEST(leaves_what_an_entry_means_where_another_once_was)
{
	const struct boot boots[BOOTS] = {
		{ "-@06:vfio-pci#0a -@08:vfio-pci#0b", TWO },
		{ "-@08/06:vfio-pci#0a -@06/08:vfio-pci#0b", .policy = &relocating },
		{ "-@08/06:vfio-pci#0a", .policy = &relocating },
		{ "-@08/06:vfio-pci#0a -@06/08:vfio-pci#0b", .policy = &relocating },
	};
	_cleanup_free_ char *found = NULL;

	live_through(boots);
	found = describe_releases();
	ck_assert_str_eq(found, "");
	ck_assert_str_eq(
		world_text(&world, BIND_SCRIPT),
		"#!/bin/sh\n" OVERRIDE("0000:08:00.0") "#hwrecover: " OVERRIDE("0000:06:00.0"));
}
END_TEST

START_TEST(gives_nothing_back_where_all_is_adopted)
{
	const struct boot boots[BOOTS] = { { RIGHT, ENTRY }, { RIGHT } };
	_cleanup_free_ char *found = NULL;

	live_through(boots);
	world_apply(&world, &look);
	world.adopt = true;
	look_done(&look);
	world_look_at(&world, WRONG, &standard, &look);
	found = describe_releases();
	ck_assert_str_eq(found, "");
}
END_TEST

/* What follows from the hardware is the same at the second look: nothing was written meanwhile. */
START_TEST(gives_several_back_by_address)
{
	const struct boot boots[BOOTS] = {
		{ "-@06:vfio-pci#0a -@08:vfio-pci#0b -@0c:igb#0c -@0d:nvme#0d", TWO },
		{ "-@08/0c:vfio-pci#0c -@06/0d:vfio-pci#0d" },
	};
	_cleanup_free_ char *found = NULL;

	live_through(boots);
	found = describe_releases();
	ck_assert_str_eq(found, "0000:06:00.0 nvme " OTHER ";0000:08:00.0 igb " OTHER ";");
	/* Before anything else is done. */
	ck_assert_int_eq(look.plan.actions[0].kind, ACTION_RELEASE);
	ck_assert_int_eq(look.plan.actions[2].kind, ACTION_UPDATE_INITRAMFS);
}
END_TEST

static void expect_warnings(const char *words, size_t n)
{
	size_t found = 0;

	for (size_t i = 0; i < look.plan.n_warnings; i++)
		found += strstr(look.plan.warnings[i], words) != NULL;
	ck_assert_msg(found == n, "%zu times \"%s\"", found, words);
}

START_TEST(says_what_entries_that_name_models_reach)
{
	const struct boot boots[BOOTS] = {
		{ "-@06:vfio-pci#0a", .ids = "# x\n" IDS },
		{ "-@06:vfio-pci#0a -@07:vfio-pci#0b -@08%10d3#0c" },
	};
	struct boot next[BOOTS] = { boot_of("-@06:vfio-pci#0a -@07:vfio-pci#0b -@08%10d3#0c") };

	live_through(boots);
	expect_warnings(" ids ", 1);
	expect_warnings(MODPROBE ":2: vfio-pci ids 8086:1521 reach 0000:07:00.0 now, which was not "
				 "there before, besides 0000:06:00.0",
			1);
	expect_warnings("kept off", 0);
	ck_assert_uint_eq(look.plan.n_edits, 0);
	/* Once. */
	world_apply(&world, &look);
	live_through(next);
	expect_warnings(" ids ", 0);
}
END_TEST

START_TEST(says_nothing_of_a_device_that_only_moved)
{
	const struct boot boots[BOOTS] = {
		{ "-@06:vfio-pci#0a -@07:vfio-pci#0b", .ids = IDS },
		{ "-@09/07:vfio-pci#0b -@08/06:vfio-pci#0a" },
	};

	live_through(boots);
	expect_warnings(" ids ", 0);
}
END_TEST

START_TEST(says_what_is_kept_off_entries_that_name_models)
{
	const struct boot boots[BOOTS] = {
		{ "-@05%10d3#05", .ids = IDS },
		{ "-@05%10d3#05 -@07:igb#0b*root" },
	};

	live_through(boots);
	expect_warnings("reach 0000:07:00.0 now, which was not there before; it is kept off it, as "
			"the host needs it: root",
			1);
	expect_warnings("besides", 0);
}
END_TEST

START_TEST(says_nothing_of_models_at_the_first_boot)
{
	const struct boot boots[BOOTS] = { { "-@06:vfio-pci#0a", .ids = IDS } };

	live_through(boots);
	expect_warnings(" ids ", 0);
}
END_TEST

START_TEST(says_what_cannot_be_verified_when_hardware_changed)
{
	static const char computed[] =
		"#!/bin/sh\nfor d in $(lspci -Dd ::0300 | cut -d' ' -f1); do\n"
		"echo vfio-pci > /sys/bus/pci/devices/$d/driver_override\ndone\n";
	const struct boot boots[BOOTS] = { { "-@06#0a", computed }, { "-@06#0a" } };
	struct boot next[BOOTS] = { boot_of("-@06#0a -@07#0b") };

	live_through(boots);
	ck_assert_uint_eq(look.plan.n_warnings, 0);
	world_apply(&world, &look);
	live_through(next);
	expect_warnings(BIND_SCRIPT ":", 1);
	expect_warnings("cannot be verified", 1);
}
END_TEST

START_TEST(says_nothing_of_remarks_on_files_that_bind_nothing)
{
	const struct boot boots[BOOTS] = {
		{ "enp6s0=0a@06", .interfaces = "# enp6s0\nauto lo\niface /enp*/ inet dhcp\n" },
		{ "enp6s0=0a@06 enp7s0=0b@07" },
	};

	live_through(boots);
	expect_warnings(INTERFACES ":3", 0);
}
END_TEST

#define ADD_TABLE(tests, test, table) tcase_add_loop_test(tests, test, 0, (int)ARRAY_SIZE(table))

int main(void)
{
	Suite *suite = suite_create("plan-binds");
	TCase *tables = tcase_create("tables"), *tests = tcase_create("plan-binds");
	SRunner *runner;
	int failed;

	ADD_TABLE(tables, gives_back_what_an_entry_took_that_means_another, by_entry);
	ADD_TABLE(tables, gives_back_what_the_host_needs, by_need);
	ADD_TABLE(tables, gives_back_nics_of_the_host, by_nic);
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, leaves_what_an_entry_means_where_another_once_was);
	tcase_add_test(tests, gives_nothing_back_where_all_is_adopted);
	tcase_add_test(tests, gives_several_back_by_address);
	tcase_add_test(tests, says_what_entries_that_name_models_reach);
	tcase_add_test(tests, says_nothing_of_a_device_that_only_moved);
	tcase_add_test(tests, says_what_is_kept_off_entries_that_name_models);
	tcase_add_test(tests, says_nothing_of_models_at_the_first_boot);
	tcase_add_test(tests, says_what_cannot_be_verified_when_hardware_changed);
	tcase_add_test(tests, says_nothing_of_remarks_on_files_that_bind_nothing);
	suite_add_tcase(suite, tables);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
