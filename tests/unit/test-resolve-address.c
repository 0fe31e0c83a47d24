/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which bind entries are put out of force, follow their device, or stay; and which functions may
 * not be taken at all. */
#include "recovery/resolve.h"

#include <check.h>
#include <stdio.h>

#include "tests/unit/world.h"

#define OVERRIDE(address) "echo vfio-pci > /sys/bus/pci/devices/" address "/driver_override\n"
#define ENTRY             "#!/bin/sh\n" OVERRIDE("0000:06:00.0")
/* Of two devices in one line neither can be put out of force alone. */
#define FIXED "install vfio-pci /bin/bind 0000:06:00.0 0000:07:00.0\n"
/* Any function of the slot may be meant. */
#define WHOLE_SLOT \
	"#!/bin/sh\nfor f in 0 1; do echo 1 > /sys/bus/pci/devices/0000:06:00.$f/remove; done\n"

#define HIDDEN "quiet xen-pciback.hide=(0000:06:00.0)\n"

#define NOTHING   "-@05#05"
#define HELD      NOTHING " -@06:vfio-pci#0a"
#define MOVED     NOTHING " -@08/06:vfio-pci#0a"
#define TAKEN     NOTHING " -@06/0c#0b"
#define TWINS     "-@06:vfio-pci -@07:vfio-pci"
#define SHUFFLED  "-@06/16 -@08/17"
#define BOOTS     4
#define SHORT_SEE "#!/bin/sh\n" OVERRIDE("06:00.0")

enum tweak {
	RELOCATE = 1 << 0,
	REPORT = 1 << 1,
	PROTECT = 1 << 2,
	NO_RESTORE = 1 << 3,
	BY_HAND = 1 << 4,
	ALLOW_6 = 1 << 5,
};

static const struct pci_address six = { .bus = 6 };

static struct policy policy_of(unsigned int tweaks)
{
	return (struct policy){
		.network = true,
		.restore = !(tweaks & NO_RESTORE),
		.binds = tweaks & RELOCATE ? BINDS_RELOCATE
			 : tweaks & REPORT ? BINDS_REPORT
					   : BINDS_DISABLE,
		.why_no_binds = tweaks & REPORT ? "StaleBinds=report" : NULL,
		.protect = tweaks & PROTECT,
		.by_hand = tweaks & BY_HAND,
		.allow = &six,
		.n_allow = tweaks & ALLOW_6 ? 1 : 0,
	};
}

/**
 * struct boot - One boot
 * @hardware: NULL behind the last
 * @text:     what a person made of the file before it; NULL: nothing
 * @tweaks:   the policy
 */
struct boot {
	const char *hardware;
	const char *text;
	unsigned int tweaks;
};

/**
 * struct sentence - What is to come of one entry at the last of some boots
 * @file:     where it stands; NULL: BIND_SCRIPT
 * @words:    in the reason; NULL: there is none
 * @no_words: not in it
 */
struct sentence {
	const char *label;
	const char *file;
	struct boot boots[BOOTS];
	enum verdict verdict;
	bool warn;
	bool stale;
	bool protects;
	const char *new_name;
	const char *words;
	const char *no_words;
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

static void live_through(const char *file, const struct boot *boots)
{
	for (size_t i = 0; i < BOOTS && boots[i].hardware; i++) {
		struct policy policy = policy_of(boots[i].tweaks);

		if (i > 0)
			world_apply(&world, &look);
		if (boots[i].text)
			world_set(&world, file ? file : BIND_SCRIPT, boots[i].text);
		look_done(&look);
		world_look_at(&world, boots[i].hardware, &policy, &look);
	}
}

/* The last reference of the first file. */
static const struct finding *last_finding(void)
{
	const struct subject *subject = &look.resolution.subjects[0];

	ck_assert_uint_gt(subject->document->n_references, 0);
	return &subject->findings[subject->document->n_references - 1];
}

static void check(const struct sentence *sentence)
{
	const struct finding *finding;
	const char *reason;

	setup();
	live_through(sentence->file, sentence->boots);
	finding = last_finding();
	reason = finding->reason ? finding->reason : "nothing";
	ck_assert_msg(finding->verdict == sentence->verdict, "%s: verdict %d (%s)", sentence->label,
		      (int)finding->verdict, reason);
	ck_assert_msg(finding->warn == sentence->warn, "%s: warn (%s)", sentence->label, reason);
	ck_assert_msg(finding->stale == sentence->stale, "%s: stale (%s)", sentence->label, reason);
	ck_assert_msg(finding->protects == sentence->protects, "%s: protects (%s)", sentence->label,
		      reason);
	if (sentence->new_name)
		ck_assert_str_eq(finding->new_name, sentence->new_name);
	else
		ck_assert_msg(!finding->new_name, "%s: %s", sentence->label, finding->new_name);
	ck_assert_msg(sentence->words ? strstr(reason, sentence->words) != NULL : !finding->reason,
		      "%s: %s", sentence->label, reason);
	ck_assert_msg(!sentence->no_words || !strstr(reason, sentence->no_words), "%s: %s",
		      sentence->label, reason);
	teardown();
}

#define KEEP   .verdict = VERDICT_KEEP
#define PARKED .verdict = VERDICT_PARK
#define NEWS   .verdict = VERDICT_PARK, .warn = true
#define SAID   .verdict = VERDICT_REPORT, .warn = true
#define WRITES .verdict = VERDICT_REMAP

static const struct sentence where_its_device_is[] = {
	{ "in place", .boots = { { HELD, ENTRY, 0 }, { HELD, NULL, 0 } }, KEEP },
	{ "in place with its own driver",
	  .boots = { { HELD, ENTRY, 0 }, { NOTHING " -@06#0a", NULL, 0 } }, KEEP },
	{ "gone", .boots = { { HELD, ENTRY, 0 }, { NOTHING, NULL, 0 } }, NEWS, .stale = true,
	  .words = "0000:06:00.0 (8086:1521, serial 52-54-00-ff-ff-00-00-0a) is gone; nothing is "
		   "there now" },
	{ "gone, and another there", .boots = { { HELD, ENTRY, 0 }, { TAKEN, NULL, 0 } }, NEWS,
	  .stale = true,
	  .words = "is gone; 8086:1521, serial 52-54-00-ff-ff-00-00-0b is there now" },
	{ "gone for long",
	  .boots = { { HELD, ENTRY, 0 }, { NOTHING, NULL, 0 }, { TAKEN, NULL, 0 } }, PARKED,
	  .stale = true, .words = "is gone; 8086:1521" },
	{ "moved", .boots = { { HELD, ENTRY, 0 }, { MOVED, NULL, 0 } }, NEWS, .stale = true,
	  .words = "is at 0000:08:00.0 now (serial); nothing is there now" },
	{ "moved, and another there",
	  .boots = { { HELD, ENTRY, 0 }, { MOVED " -@06/0c#0b", NULL, 0 } }, NEWS, .stale = true,
	  .words = "is at 0000:08:00.0 now (serial); 8086:1521, serial" },
	{ "moved, and is to be followed",
	  .boots = { { HELD, ENTRY, 0 }, { MOVED " -@06/0c#0b", NULL, RELOCATE } }, WRITES,
	  .stale = true, .new_name = "0000:08:00.0",
	  .words = "0000:06:00.0 is now at 0000:08:00.0 (serial)" },
	{ "is written as it was written",
	  .boots = { { HELD, SHORT_SEE, 0 }, { MOVED, NULL, RELOCATE } }, WRITES, .stale = true,
	  .new_name = "08:00.0", .words = "now at" },
	{ "was followed, and is home again",
	  .boots = { { HELD, ENTRY, 0 }, { MOVED, NULL, RELOCATE }, { HELD, NULL, 0 } }, WRITES,
	  .stale = true, .new_name = "0000:06:00.0", .words = "is again 0000:06:00.0" },
	{ "was followed, and moved on",
	  .boots = { { HELD, ENTRY, 0 },
		     { MOVED, NULL, RELOCATE },
		     { NOTHING " -@09/06:vfio-pci#0a", NULL, 0 } },
	  NEWS, .stale = true, .words = "0000:08:00.0 (8086:1521, serial" },
	{ "is one of several", .boots = { { TWINS, ENTRY, 0 }, { SHUFFLED, NULL, 0 } }, NEWS,
	  .stale = true, .words = "(8086:1521) may be one of several now; 8086:1521 is there now" },
	{ "is one of several, which are never followed",
	  .boots = { { TWINS, ENTRY, 0 }, { SHUFFLED, NULL, RELOCATE } }, NEWS, .stale = true,
	  .words = "may be one of several now" },
	{ "is one of several for good",
	  .boots = { { TWINS, ENTRY, 0 }, { SHUFFLED, NULL, 0 }, { SHUFFLED, NULL, 0 } }, PARKED,
	  .stale = true, .words = "may be one of several now" },
	{ "may not be the twin that took its place",
	  .boots = { { "-@05#0a -@06:vfio-pci", ENTRY, 0 }, { "-@05 -@06#0a", NULL, 0 } }, NEWS,
	  .stale = true, .words = "may be one of several now" },
	{ "is not the twin that stays in its place",
	  .boots = { { "-@05#0a -@06:vfio-pci", ENTRY, 0 },
		     { "-@05 -@06#0a", NULL, 0 },
		     { "-@05 -@06#0a", NULL, 0 },
		     { "-@05 -@06#0a", NULL, 0 } },
	  PARKED, .stale = true, .words = "may be one of several now" },
	{ "is there again when all is as it was",
	  .boots = { { "-@05#0a -@06:vfio-pci", ENTRY, 0 },
		     { "-@05 -@06#0a", NULL, 0 },
		     { "-@05#0a -@06:vfio-pci", NULL, 0 } },
	  KEEP, .words = "0000:06:00.0 is back" },
};

static const struct sentence what_cannot_be_read[] = {
	{ "in its place", .boots = { { HELD, ENTRY, 0 }, { NOTHING " -@06!", NULL, 0 } }, KEEP,
	  .warn = true, .words = "0000:06:00.0 is there but cannot be read" },
	{ "in another place, as its bus was renumbered",
	  .boots = { { HELD, ENTRY, 0 }, { NOTHING " -@07/06! -@06/0c#0b", NULL, 0 } }, NEWS,
	  .stale = true, .words = "cannot be read; 8086:1521, serial" },
	{ "while it is disabled",
	  .boots = { { HELD, ENTRY, 0 }, { NOTHING, NULL, 0 }, { NOTHING " -@06!", NULL, 0 } },
	  PARKED, .stale = true, .words = "cannot be read; ffff:ffff is there now" },
};

static const struct sentence what_comes_back[] = {
	{ "at home", .boots = { { HELD, ENTRY, 0 }, { NOTHING, NULL, 0 }, { HELD, NULL, 0 } }, KEEP,
	  .words = "0000:06:00.0 is back (serial)" },
	{ "at home in another slot",
	  .boots = { { HELD, ENTRY, 0 }, { NOTHING, NULL, 0 }, { NOTHING " -@06/0c#0a", NULL, 0 } },
	  KEEP, .words = "is back (serial)" },
	{ "at home, but is not to be restored",
	  .boots = { { HELD, ENTRY, 0 }, { NOTHING, NULL, 0 }, { HELD, NULL, NO_RESTORE } }, PARKED,
	  .words = "0000:06:00.0 is back, but Restore=no keeps it disabled" },
	{ "elsewhere", .boots = { { HELD, ENTRY, 0 }, { NOTHING, NULL, 0 }, { MOVED, NULL, 0 } },
	  PARKED, .stale = true, .words = "is at 0000:08:00.0 now (serial)" },
	{ "elsewhere, where it is followed",
	  .boots = { { HELD, ENTRY, 0 }, { NOTHING, NULL, 0 }, { MOVED, NULL, RELOCATE } }, WRITES,
	  .stale = true, .new_name = "0000:08:00.0", .words = "is now at 0000:08:00.0" },
	{ "elsewhere, but is not to be restored",
	  .boots = { { HELD, ENTRY, 0 },
		     { NOTHING, NULL, 0 },
		     { MOVED, NULL, RELOCATE | NO_RESTORE } },
	  PARKED, .words = "is at 0000:08:00.0, but Restore=no keeps it disabled" },
};

/* A mention that never denoted anything. */
static const struct sentence what_dangles[] = {
	{ "while nobody is there", .boots = { { NOTHING, ENTRY, 0 }, { NOTHING, NULL, 0 } }, KEEP },
	{ "when somebody comes", .boots = { { NOTHING, ENTRY, 0 }, { TAKEN, NULL, 0 } }, NEWS,
	  .stale = true,
	  .words = "0000:06:00.0 meant no device, and 8086:1521, serial 52-54-00-ff-ff-00-00-0b is "
		   "there now" },
	{ "while he stays",
	  .boots = { { NOTHING, ENTRY, 0 }, { TAKEN, NULL, 0 }, { TAKEN, NULL, 0 } }, PARKED,
	  .stale = true, .words = "meant no device" },
	{ "when he is gone",
	  .boots = { { NOTHING, ENTRY, 0 }, { TAKEN, NULL, 0 }, { NOTHING, NULL, 0 } }, KEEP,
	  .words = "nothing is at 0000:06:00.0 again" },
	{ "when he is gone, but is not to be restored",
	  .boots = { { NOTHING, ENTRY, 0 }, { TAKEN, NULL, 0 }, { NOTHING, NULL, NO_RESTORE } },
	  PARKED, .words = "meant no device, and Restore=no keeps it disabled" },
	{ "when who comes is needed by the host",
	  .boots = { { NOTHING, ENTRY, 0 }, { NOTHING " -@06*root", NULL, REPORT | PROTECT } },
	  NEWS, .stale = true, .protects = true, .words = "meant no device" },
	{ "when who comes is left to it",
	  .boots = { { NOTHING, ENTRY, 0 }, { TAKEN, NULL, REPORT | PROTECT } }, SAID,
	  .stale = true, .words = "not done: StaleBinds=report" },
};

/* A line that a person added. */
#define ADDED "#!/bin/sh\n" OVERRIDE("0000:05:00.0") "true\n" OVERRIDE("0000:06:00.0")
#define ALONE "#!/bin/sh\n" OVERRIDE("0000:05:00.0") "true\n"

static const struct sentence what_a_person_wrote[] = {
	{ "means what is there", .boots = { { HELD, ALONE, 0 }, { HELD, ADDED, 0 } }, KEEP },
	{ "means what is there for the first time",
	  .boots = { { NOTHING, ALONE, 0 }, { HELD, ADDED, 0 } }, KEEP },
	{ "while another was there", .boots = { { HELD, ALONE, 0 }, { TAKEN, ADDED, 0 } }, NEWS,
	  .stale = true, .words = "0000:06:00.0 was written while another device sat there" },
	{ "while another was there, and stays so",
	  .boots = { { HELD, ALONE, 0 }, { TAKEN, ADDED, 0 }, { TAKEN, NULL, 0 } }, PARKED,
	  .stale = true, .words = "was written while another device sat there" },
	{ "while one was there that the host needs",
	  .boots = { { HELD, ALONE, 0 }, { NOTHING " -@06/0c#0b*root", ADDED, REPORT | PROTECT } },
	  NEWS, .stale = true, .protects = true, .words = "was written while another" },
	{ "is obeyed for the only display",
	  .boots = { { NOTHING " -@06#0a*display", ALONE, 0 },
		     { NOTHING " -@06#0a*display", ADDED, 0 } },
	  KEEP },
	{ "is not for what the host needs",
	  .boots = { { NOTHING " -@06#0a*root", ALONE, 0 }, { NOTHING " -@06#0a*root", ADDED, 0 } },
	  NEWS, .protects = true, .words = "0000:06:00.0 is needed by the host: root" },
};

/* What the host needs. */
static const struct sentence protection[] = {
	{ "of its own device",
	  .boots = { { NOTHING " -@06#0a", ENTRY, 0 }, { NOTHING " -@06#0a*root", NULL, 0 } }, NEWS,
	  .protects = true, .words = "0000:06:00.0 is needed by the host: root" },
	{ "which it held before", .boots = { { HELD, ENTRY, 0 }, { HELD "*root", NULL, 0 } },
	  KEEP },
	{ "which pci-stub held before",
	  .boots = { { NOTHING " -@06:pci-stub#0a", ENTRY, 0 },
		     { NOTHING " -@06:igb#0a*root", NULL, 0 } },
	  KEEP },
	{ "at the first boot", .boots = { { NOTHING " -@06#0a*root", ENTRY, 0 } }, KEEP },
	{ "which is allowed",
	  .boots = { { NOTHING " -@06#0a", ENTRY, 0 }, { NOTHING " -@06#0a*root", NULL, ALLOW_6 } },
	  KEEP },
	{ "where another is allowed",
	  .boots = { { "-@05#0a", "#!/bin/sh\n" OVERRIDE("0000:05:00.0"), 0 },
		     { "-@05#0a*root", NULL, ALLOW_6 } },
	  NEWS, .protects = true, .words = "needed by the host" },
	{ "of the only display that it means",
	  .boots = { { NOTHING " -@06#0a", ENTRY, 0 }, { NOTHING " -@06#0a*display", NULL, 0 } },
	  KEEP },
	{ "of the only display that it does not mean",
	  .boots = { { NOTHING " -@06#0a", ENTRY, 0 }, { NOTHING " -@06/0c#0b*display", NULL, 0 } },
	  NEWS, .stale = true, .protects = true,
	  .words = "is there now, needed by the host: " PROTECTED_DISPLAY },
	{ "of who took the place", .boots = { { HELD, ENTRY, 0 }, { TAKEN "*root", NULL, 0 } },
	  NEWS, .stale = true, .protects = true,
	  .words = "serial 52-54-00-ff-ff-00-00-0b is there now, needed by the host: root" },
	{ "of who took the place and was held",
	  .boots = { { HELD " -@09/0c:vfio-pci#0b", ENTRY, 0 }, { TAKEN "*root", NULL, 0 } }, NEWS,
	  .stale = true, .words = "is there now", .no_words = "needed" },
	{ "of who took the place and is allowed",
	  .boots = { { HELD, ENTRY, 0 }, { TAKEN "*root", NULL, ALLOW_6 } }, NEWS, .stale = true,
	  .words = "is there now", .no_words = "needed" },
	{ "of a device that is not followed then",
	  .boots = { { NOTHING " -@06#0a", ENTRY, 0 },
		     { NOTHING " -@08/06#0a*root", NULL, RELOCATE } },
	  NEWS, .stale = true, .words = "0000:06:00.0 is needed by the host: root" },
	{ "of a device that moved away",
	  .boots = { { NOTHING " -@06#0a", ENTRY, 0 }, { NOTHING " -@08/06#0a*root", NULL, 0 } },
	  NEWS, .stale = true, .words = "is at 0000:08:00.0 now" },
	{ "of a device that comes home",
	  .boots = { { NOTHING " -@06#0a", ENTRY, 0 },
		     { NOTHING " -@08/06#0a", NULL, RELOCATE },
		     { NOTHING " -@06#0a*root", NULL, 0 } },
	  NEWS, .stale = true, .words = "needed by the host: root" },
	{ "of a device that is back and disabled",
	  .boots = { { NOTHING " -@06#0a", ENTRY, 0 },
		     { NOTHING, NULL, 0 },
		     { NOTHING " -@06#0a*root", NULL, 0 } },
	  PARKED, .protects = true, .words = "needed by the host: root" },
};

static const struct sentence what_may_not_be_edited[] = {
	{ "by policy", .boots = { { HELD, ENTRY, 0 }, { TAKEN, NULL, REPORT } }, SAID,
	  .stale = true, .words = "is there now; not done: StaleBinds=report" },
	{ "by policy, for one in place", .boots = { { HELD, ENTRY, 0 }, { HELD, NULL, REPORT } },
	  KEEP },
	{ "by policy, for one disabled before",
	  .boots = { { HELD, ENTRY, 0 }, { NOTHING, NULL, 0 }, { HELD, NULL, REPORT } }, PARKED,
	  .warn = true, .words = "0000:06:00.0 is back (serial); not done: StaleBinds=report" },
	{ "by policy, for one that stays disabled",
	  .boots = { { HELD, ENTRY, 0 }, { NOTHING, NULL, 0 }, { NOTHING, NULL, REPORT } }, PARKED,
	  .stale = true, .words = "is gone", .no_words = "not done" },
	{ "by policy, for one that would come home",
	  .boots = { { HELD, ENTRY, 0 }, { MOVED, NULL, RELOCATE }, { HELD, NULL, REPORT } }, SAID,
	  .stale = true, .words = "not done: StaleBinds=report" },
	{ "by policy, but for the host's own",
	  .boots = { { HELD, ENTRY, 0 }, { TAKEN "*root", NULL, REPORT | PROTECT } }, NEWS,
	  .stale = true, .protects = true, .words = "needed by the host: root",
	  .no_words = "not done" },
	{ "by policy, not even for the host's own",
	  .boots = { { HELD, ENTRY, 0 }, { TAKEN "*root", NULL, REPORT } }, SAID, .stale = true,
	  .protects = true, .words = "not done: StaleBinds=report" },
	{ "by its shape", .file = MODPROBE,
	  .boots = { { NOTHING " -@06#0a -@07#07", FIXED, 0 }, { NOTHING " -@06#0a", NULL, 0 } },
	  SAID, .stale = true, .words = "is gone; nothing is there now; it cannot be edited here" },
	{ "as it is not certain, but is switched off",
	  .boots = { { HELD, WHOLE_SLOT, 0 }, { MOVED, NULL, RELOCATE } }, NEWS, .stale = true,
	  .words = "is at 0000:08:00.0 now" },
	{ "by a boot", .file = COMMAND_LINE,
	  .boots = { { HELD, HIDDEN, 0 }, { MOVED, NULL, RELOCATE } }, SAID, .stale = true,
	  .words = "is now at 0000:08:00.0 (serial); not done: such a file is edited only by" },
	{ "but by hand", .file = COMMAND_LINE,
	  .boots = { { HELD, HIDDEN, 0 }, { MOVED, NULL, RELOCATE | BY_HAND } }, WRITES,
	  .stale = true, .new_name = "0000:08:00.0", .words = "is now at 0000:08:00.0" },
};

START_TEST(an_entry_is_in_force_where_its_device_is)
{
	check(&where_its_device_is[_i]);
}
END_TEST

START_TEST(what_cannot_be_read_may_be_taken_in_its_place)
{
	check(&what_cannot_be_read[_i]);
}
END_TEST

START_TEST(an_entry_comes_back_with_its_device)
{
	check(&what_comes_back[_i]);
}
END_TEST

START_TEST(a_dangling_entry_never_adopts)
{
	check(&what_dangles[_i]);
}
END_TEST

START_TEST(a_new_entry_means_what_is_there)
{
	check(&what_a_person_wrote[_i]);
}
END_TEST

START_TEST(no_entry_takes_what_the_host_needs)
{
	check(&protection[_i]);
}
END_TEST

START_TEST(what_is_not_done_is_said)
{
	check(&what_may_not_be_edited[_i]);
}
END_TEST

/* A physical function, @n virtual ones of it, and another card, for machines that words do not
 * tell. */
static void put_function(struct inventory *inventory, struct pci_address address, const char *path,
			 const char *serial)
{
	struct pci_function *function = inventory_add_function(inventory);

	ck_assert_ptr_nonnull(function);
	function->address = address;
	function->path = path;
	function->vendor = 0x8086;
	function->device = 0x1572;
	function->class = 0x020000;
	function->serial = serial;
}

static void put_virtual(struct inventory *inventory, struct pci_address address, const char *path,
			struct pci_address physfn)
{
	put_function(inventory, address, path, NULL);
	inventory->functions[inventory->n_functions - 1].device = 0x1573;
	inventory->functions[inventory->n_functions - 1].has_physfn = true;
	inventory->functions[inventory->n_functions - 1].physfn = physfn;
}

static void card(struct inventory *inventory, uint8_t bus, const char *path,
		 const char *virtual_path, int n)
{
	struct pci_address physfn = { .bus = bus };

	*inventory = (struct inventory){ 0 };
	put_function(inventory, physfn, path, "52-54-00-ff-ff-00-00-0a");
	for (int i = 0; i < n; i++)
		put_virtual(
			inventory,
			(struct pci_address){ .bus = bus, .device = 0x10, .function = (uint8_t)i },
			virtual_path, physfn);
	ck_assert_int_eq(inventory_finish(inventory, "card", NULL), 0);
}

#define IN_SLOT "pci0000:00/02.0/00.0", "pci0000:00/02.0/10.0"

static void look_at(struct inventory *hardware, unsigned int tweaks)
{
	struct policy policy = policy_of(tweaks);

	look_done(&look);
	world_look(&world, hardware, &policy, &look);
}

/* Virtual functions are made late: none is there when an entry is looked at first in a boot. */
START_TEST(a_virtual_function_that_is_not_made_yet_is_where_its_card_puts_it)
{
	struct inventory hardware;

	setup();
	world_set(&world, BIND_SCRIPT, "#!/bin/sh\n" OVERRIDE("0000:06:10.0"));
	card(&hardware, 6, IN_SLOT, 1);
	look_at(&hardware, 0);
	world_apply(&world, &look);
	card(&hardware, 6, IN_SLOT, 0);
	look_at(&hardware, 0);
	ck_assert_int_eq(last_finding()->verdict, VERDICT_KEEP);
	ck_assert(!last_finding()->stale);
	ck_assert_ptr_null(last_finding()->reason);
	/* The bus of the card has another number. */
	world_apply(&world, &look);
	card(&hardware, 8, IN_SLOT, 0);
	look_at(&hardware, 0);
	ck_assert_int_eq(last_finding()->verdict, VERDICT_PARK);
	ck_assert(last_finding()->stale);
	ck_assert_ptr_nonnull(strstr(last_finding()->reason, "is at 0000:08:10.0 now"));
	card(&hardware, 8, IN_SLOT, 0);
	look_at(&hardware, RELOCATE);
	ck_assert_int_eq(last_finding()->verdict, VERDICT_REMAP);
	ck_assert_str_eq(last_finding()->new_name, "0000:08:10.0");
	world_apply(&world, &look);
	card(&hardware, 8, IN_SLOT, 0);
	look_at(&hardware, RELOCATE);
	ck_assert_int_eq(last_finding()->verdict, VERDICT_KEEP);
	card(&hardware, 8, IN_SLOT, 1);
	look_at(&hardware, RELOCATE);
	ck_assert_int_eq(last_finding()->verdict, VERDICT_KEEP);
	ck_assert_ptr_null(last_finding()->new_name);
	teardown();
}
END_TEST

START_TEST(a_virtual_function_of_a_card_that_is_gone_is_gone)
{
	struct inventory hardware;

	setup();
	world_set(&world, BIND_SCRIPT, "#!/bin/sh\n" OVERRIDE("0000:06:10.0"));
	card(&hardware, 6, IN_SLOT, 1);
	look_at(&hardware, 0);
	world_apply(&world, &look);
	hardware = (struct inventory){ 0 };
	put_function(&hardware, six, "pci0000:00/02.0/00.0", "52-54-00-ff-ff-00-00-0b");
	put_virtual(&hardware, (struct pci_address){ .bus = 6, .device = 0x10 },
		    "pci0000:00/02.0/10.0", six);
	ck_assert_int_eq(inventory_finish(&hardware, "other", NULL), 0);
	look_at(&hardware, 0);
	ck_assert_int_eq(last_finding()->verdict, VERDICT_PARK);
	ck_assert(last_finding()->stale);
	ck_assert_ptr_nonnull(strstr(last_finding()->reason, "is gone; 8086:1573 is there now"));
	teardown();
}
END_TEST

static void look_on(const char *machine, const char *words, const char *text)
{
	struct inventory hardware;

	if (text)
		world_set(&world, BIND_SCRIPT, text);
	world_hardware(&hardware, words);
	hardware.machine = arena_copy_text(&hardware.arena, machine);
	look_at(&hardware, 0);
}

static void boot_on(const char *machine, const char *words, const char *text)
{
	look_on(machine, words, text);
	world_apply(&world, &look);
}

/* Nothing that has a number is found again there. */
#define HOME  "0c6de1a2-0000-4000-8000-000000000001"
#define SPARE "0c6de1a2-0000-4000-8000-000000000002"
#define THERE "-@05#15 -@06:vfio-pci#1a"

START_TEST(nothing_is_taken_on_another_machine)
{
	setup();
	boot_on(HOME, "-@05#05 -@06:vfio-pci#0a -@09:vfio-pci", ENTRY OVERRIDE("0000:09:00.0"));
	look_on(SPARE, "-@05#15 -@06:vfio-pci#1a -@09", NULL);
	ck_assert(look.settled.other_machine);
	ck_assert_int_eq(look.resolution.subjects[0].findings[0].verdict, VERDICT_PARK);
	ck_assert_int_eq(last_finding()->verdict, VERDICT_PARK);
	ck_assert(last_finding()->stale);
	ck_assert_ptr_nonnull(strstr(last_finding()->reason, "was meant on another machine"));
	/* It does not become right by staying there. */
	for (int i = 0; i < 2; i++) {
		world_apply(&world, &look);
		look_on(SPARE, "-@05#15 -@06:vfio-pci#1a -@09", NULL);
		ck_assert_int_eq(look.resolution.subjects[0].findings[0].verdict, VERDICT_PARK);
		ck_assert_int_eq(last_finding()->verdict, VERDICT_PARK);
	}
	/* Home again. */
	world_apply(&world, &look);
	look_on(HOME, "-@05#05 -@06:vfio-pci#0a -@09", NULL);
	ck_assert_int_eq(look.resolution.subjects[0].findings[0].verdict, VERDICT_KEEP);
	teardown();
}
END_TEST

START_TEST(what_a_person_writes_on_another_machine_is_obeyed)
{
	setup();
	boot_on(HOME, "-@05#05 -@06:vfio-pci#0a", ENTRY);
	boot_on(SPARE, THERE, NULL);
	ck_assert_ptr_nonnull(strstr(world_text(&world, BIND_SCRIPT), PARK_PREFIX));
	look_on(SPARE, THERE, ALONE);
	ck_assert_int_eq(last_finding()->verdict, VERDICT_KEEP);
	world_apply(&world, &look);
	look_on(SPARE, THERE, NULL);
	ck_assert_int_eq(last_finding()->verdict, VERDICT_KEEP);
	teardown();
}
END_TEST

START_TEST(who_adopts_another_machine_is_at_home_there)
{
	setup();
	boot_on(HOME, "-@05#05 -@06:vfio-pci#0a", ENTRY);
	world.adopt = true;
	look_on(SPARE, THERE, NULL);
	ck_assert_int_eq(last_finding()->verdict, VERDICT_KEEP);
	ck_assert_ptr_null(resolve_home(&look.resolution));
	world_apply(&world, &look);
	world.adopt = false;
	look_on(SPARE, THERE, NULL);
	ck_assert_int_eq(last_finding()->verdict, VERDICT_KEEP);
	ck_assert_ptr_null(resolve_home(&look.resolution));
	teardown();
}
END_TEST

/* What is taken when we first look is what it is meant to be. */
START_TEST(without_a_baseline_nothing_is_protected)
{
	const struct pci_function function = { .protected = "root", .driver = "vfio-pci" };
	const struct policy policy = policy_of(0);
	const struct past none = { 0 };

	ck_assert_ptr_null(resolve_protection(&none, &policy, &function, false));
	ck_assert_ptr_null(resolve_protection(&none, &policy, &function, true));
}
END_TEST

START_TEST(what_is_forgotten_is_resolved_anew)
{
	const struct boot boots[BOOTS] = { { HELD, ENTRY, 0 }, { TAKEN, NULL, 0 } };
	struct policy policy = policy_of(REPORT);

	setup();
	live_through(NULL, boots);
	ck_assert_int_eq(last_finding()->verdict, VERDICT_PARK);
	resolution_clear(&look.resolution);
	ck_assert_ptr_null(look.resolution.pairings);
	ck_assert_int_eq(resolve(&look.resolution, &policy), 0);
	ck_assert_int_eq(last_finding()->verdict, VERDICT_REPORT);
	teardown();
}
END_TEST

START_TEST(nothing_is_released_twice)
{
	struct resolution resolution = { 0 };
	struct subject subject = { 0 };

	subject_done(NULL);
	subject_done(&subject);
	subject_done(&subject);
	resolution_done(NULL);
	resolution_done(&resolution);
	resolution_done(&resolution);
}
END_TEST

#define ADD_TABLE(tests, test, table) tcase_add_loop_test(tests, test, 0, (int)ARRAY_SIZE(table))

int main(void)
{
	Suite *suite = suite_create("resolve-address");
	TCase *tests = tcase_create("resolve-address");
	SRunner *runner;
	int failed;

	ADD_TABLE(tests, an_entry_is_in_force_where_its_device_is, where_its_device_is);
	ADD_TABLE(tests, what_cannot_be_read_may_be_taken_in_its_place, what_cannot_be_read);
	ADD_TABLE(tests, an_entry_comes_back_with_its_device, what_comes_back);
	ADD_TABLE(tests, a_dangling_entry_never_adopts, what_dangles);
	ADD_TABLE(tests, a_new_entry_means_what_is_there, what_a_person_wrote);
	ADD_TABLE(tests, no_entry_takes_what_the_host_needs, protection);
	ADD_TABLE(tests, what_is_not_done_is_said, what_may_not_be_edited);
	tcase_add_test(tests, a_virtual_function_that_is_not_made_yet_is_where_its_card_puts_it);
	tcase_add_test(tests, a_virtual_function_of_a_card_that_is_gone_is_gone);
	tcase_add_test(tests, nothing_is_taken_on_another_machine);
	tcase_add_test(tests, what_a_person_writes_on_another_machine_is_obeyed);
	tcase_add_test(tests, who_adopts_another_machine_is_at_home_there);
	tcase_add_test(tests, without_a_baseline_nothing_is_protected);
	tcase_add_test(tests, what_is_forgotten_is_resolved_anew);
	tcase_add_test(tests, nothing_is_released_twice);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
