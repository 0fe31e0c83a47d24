/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which mentions in guests' files are right, follow their device, or keep a guest from starting. */
#include "recovery/resolve.h"

#include <check.h>
#include <stdio.h>

#include "tests/unit/world.h"

#define GUEST      QEMU "101.conf"
#define CONTAINER  LXC "105.conf"
#define DOMAIN     LIBVIRT_DOMAINS "/win10.xml"
#define ENTRY      "hostpci0: 0000:06:00.0,pcie=1\n"
#define SHORT      "hostpci0: 06:00.0\n"
#define WHOLE      "hostpci0: 0000:06:00\n"
#define SHORT_SLOT "hostpci0: 06:00\n"
/* What QEMU is told in a form of its own may be told, but not be written anew. */
#define UNCERTAIN "args: -device 'vfio-pci,\"host=0000:06:00.0\"'\n"
#define MAPPED    "gpu\n\tmap iommugroup=1,id=8086:1521,node=" NODE ",path=0000:06:00.0\n"
#define LINKED    "lxc.net.0.type: phys\nlxc.net.0.link: enp6s0\n"

#define NOTHING  "-@05#05"
#define HELD     NOTHING " -@06:vfio-pci#0a"
#define MOVED    NOTHING " -@08/06:vfio-pci#0a"
#define TAKEN    NOTHING " -@06/0c#0b"
#define TWINS    "-@06:vfio-pci -@07:vfio-pci"
#define SHUFFLED "-@06/16 -@08/17"
#define SLOT     NOTHING " -@06#0a -@06.1#0a"
#define BOOTS    4

enum tweak {
	RELOCATE = 1 << 0,
	REPORT = 1 << 1,
	NO_RESTORE = 1 << 2,
	HOLD = 1 << 3,
	ALLOW_6 = 1 << 4,
	NOT_HERE = 1 << 5,
	OTHER_MACHINE = 1 << 6,
	FORGET = 1 << 7,
};

static const struct pci_address six = { .bus = 6 };

static struct policy policy_of(unsigned int tweaks)
{
	return (struct policy){
		.network = true,
		.replaced_nic = true,
		.restore = !(tweaks & NO_RESTORE),
		.guests = tweaks & RELOCATE ? GUESTS_RELOCATE
			  : tweaks & REPORT ? GUESTS_REPORT
			  : tweaks & HOLD   ? GUESTS_HOLD
					    : GUESTS_BLOCK,
		.why_no_guests = tweaks & REPORT ? "Autostart=report" : NULL,
		.why_not_pve = tweaks & NOT_HERE ? "without quorum" : NULL,
		.allow = &six,
		.n_allow = tweaks & ALLOW_6 ? 1 : 0,
	};
}

/**
 * struct boot - One boot
 * @hardware: NULL behind the last
 * @text:     what a person made of the file before it; NULL: nothing
 * @tweaks:   the policy, and what else is special: OTHER_MACHINE, of which the hardware is; FORGET,
 *            the plan of the boot before was not carried out
 */
struct boot {
	const char *hardware;
	const char *text;
	unsigned int tweaks;
};

/**
 * struct sentence - What is to come of one mention at the last of some boots
 * @file:     where it stands; NULL: GUEST
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
	bool proof;
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

static void boot(const struct boot *boot)
{
	struct policy policy = policy_of(boot->tweaks);
	struct inventory hardware;

	world_hardware(&hardware, boot->hardware);
	hardware.machine = boot->tweaks & OTHER_MACHINE ? "4c4c4544-0043" : "4c4c4544-0042";
	world_look(&world, &hardware, &policy, &look);
	ck_assert_msg(look.result == 0, "%s", look.problem.text);
}

static void live_through(const char *file, const struct boot *boots)
{
	for (size_t i = 0; i < BOOTS && boots[i].hardware; i++) {
		if (i > 0 && !(boots[i].tweaks & FORGET))
			world_apply(&world, &look);
		if (boots[i].text)
			world_set(&world, file ? file : GUEST, boots[i].text);
		look_done(&look);
		boot(&boots[i]);
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
	ck_assert_msg(finding->proof == sentence->proof, "%s: proof (%s)", sentence->label, reason);
	if (sentence->new_name)
		ck_assert_str_eq(finding->new_name ? finding->new_name : "nothing",
				 sentence->new_name);
	else
		ck_assert_msg(!finding->new_name, "%s: %s", sentence->label, finding->new_name);
	ck_assert_msg(sentence->words ? strstr(reason, sentence->words) != NULL : !finding->reason,
		      "%s: %s", sentence->label, reason);
	ck_assert_msg(!sentence->no_words || !strstr(reason, sentence->no_words), "%s: %s",
		      sentence->label, reason);
	teardown();
}

/* A guest that is blocked says why by itself; its mentions need not. */
#define KEEP   .verdict = VERDICT_KEEP
#define BLOCKS .verdict = VERDICT_BLOCK, .stale = true
#define PROVEN .verdict = VERDICT_BLOCK, .stale = true, .proof = true
#define WRITES .verdict = VERDICT_REMAP, .stale = true

#define FOUND_AT_8 "hostpci0 0000:06:00.0: the device is at 0000:08:00.0 now (serial); "

static const struct sentence where_the_device_is[] = {
	{ "in place", .boots = { { HELD, ENTRY, 0 }, { HELD, NULL, 0 } }, KEEP },
	{ "in place with its own driver",
	  .boots = { { HELD, ENTRY, 0 }, { NOTHING " -@06:igb#0a", NULL, 0 } }, KEEP },
	{ "in place in another slot",
	  .boots = { { HELD, ENTRY, 0 }, { NOTHING " -@06/0c#0a", NULL, 0 } }, KEEP },
	{ "gone", .boots = { { HELD, ENTRY, 0 }, { NOTHING, NULL, 0 } }, BLOCKS,
	  .words = "hostpci0 0000:06:00.0: device gone", .no_words = "there now" },
	{ "gone, and another there", .boots = { { HELD, ENTRY, 0 }, { TAKEN, NULL, 0 } }, PROVEN,
	  .words = "hostpci0 0000:06:00.0: device gone; 8086:1521, serial "
		   "52-54-00-ff-ff-00-00-0b is there now" },
	{ "gone for long, and another there since",
	  .boots = { { HELD, ENTRY, 0 },
		     { NOTHING, NULL, 0 },
		     { TAKEN, NULL, 0 },
		     { TAKEN, NULL, 0 } },
	  PROVEN, .words = "device gone; 8086:1521" },
	{ "gone, and there again",
	  .boots = { { HELD, ENTRY, 0 }, { NOTHING, NULL, 0 }, { HELD, NULL, 0 } }, KEEP },
	{ "moved", .boots = { { HELD, ENTRY, 0 }, { MOVED, NULL, 0 } }, BLOCKS,
	  .words = FOUND_AT_8 "nothing is there now" },
	{ "moved, and another there",
	  .boots = { { HELD, ENTRY, 0 }, { MOVED " -@06/0c#0b", NULL, 0 } }, PROVEN,
	  .words = FOUND_AT_8 "8086:1521, serial 52-54-00-ff-ff-00-00-0b is there now" },
	{ "moved long ago", .boots = { { HELD, ENTRY, 0 }, { MOVED, NULL, 0 }, { MOVED, NULL, 0 } },
	  BLOCKS, .words = FOUND_AT_8 },
	{ "moved, while the guest is to be held",
	  .boots = { { HELD, ENTRY, 0 }, { MOVED, NULL, HOLD } }, BLOCKS, .words = FOUND_AT_8 },
	{ "is one of several", .boots = { { TWINS, ENTRY, 0 }, { SHUFFLED, NULL, 0 } }, BLOCKS,
	  .words = "hostpci0 0000:06:00.0: the device may be one of several now; 8086:1521 is "
		   "there now" },
	{ "is one of several, and another model is there",
	  .boots = { { TWINS, ENTRY, 0 }, { "-@06/0c%10d3 -@08/16 -@09/17", NULL, 0 } }, PROVEN,
	  .words = "may be one of several now; 8086:10d3 is there now" },
	{ "is one of several, and something of another class is there",
	  .boots = { { TWINS, ENTRY, 0 }, { "-@06/0c^010802 -@08/16 -@09/17", NULL, 0 } }, PROVEN,
	  .words = "may be one of several now" },
	{ "is one of several, and a unit with another number is there",
	  .boots = { { "-@05#0b -@06#0a", ENTRY, 0 }, { "-@06/16#0b -@08", NULL, 0 } }, PROVEN,
	  .words = "may be one of several now; 8086:1521, serial 52-54-00-ff-ff-00-00-0b is" },
	{ "is one of several, which are never followed",
	  .boots = { { TWINS, ENTRY, 0 }, { SHUFFLED, NULL, RELOCATE } }, BLOCKS,
	  .words = "may be one of several now" },
	{ "is one of several for good",
	  .boots = { { TWINS, ENTRY, 0 }, { SHUFFLED, NULL, 0 }, { SHUFFLED, NULL, 0 } }, BLOCKS,
	  .words = "may be one of several now" },
};

static const struct sentence how_it_follows[] = {
	{ "a moved device", .boots = { { HELD, ENTRY, 0 }, { MOVED, NULL, RELOCATE } }, WRITES,
	  .new_name = "0000:08:00.0",
	  .words = "hostpci0 0000:06:00.0 is now at 0000:08:00.0 (serial)" },
	{ "a moved device whose place another has",
	  .boots = { { HELD, ENTRY, 0 }, { MOVED " -@06/0c#0b", NULL, RELOCATE } }, WRITES,
	  .new_name = "0000:08:00.0", .words = "is now at" },
	{ "in the form that was written",
	  .boots = { { HELD, SHORT, 0 }, { MOVED, NULL, RELOCATE } }, WRITES, .new_name = "08:00.0",
	  .words = "now at" },
	{ "into another domain",
	  .boots = { { HELD, SHORT, 0 }, { NOTHING " -@10000-08/06#0a", NULL, RELOCATE } }, WRITES,
	  .new_name = "10000:08:00.0", .words = "now at 10000:08:00.0" },
	{ "a whole slot",
	  .boots = { { SLOT, WHOLE, 0 }, { NOTHING " -@08/06#0a -@08.1/06#0a", NULL, RELOCATE } },
	  WRITES, .new_name = "0000:08:00",
	  .words = "hostpci0 0000:06:00 is now at 0000:08:00 (serial)" },
	{ "a whole slot in the form that was written",
	  .boots = { { SLOT, SHORT_SLOT, 0 },
		     { NOTHING " -@08/06#0a -@08.1/06#0a", NULL, RELOCATE } },
	  WRITES, .new_name = "08:00", .words = "0000:06:00 is now at 0000:08:00" },
	{ "a whole slot into another domain",
	  .boots = { { SLOT, SHORT_SLOT, 0 }, { NOTHING " -@10000-08/06#0a", NULL, RELOCATE } },
	  WRITES, .new_name = "10000:08:00", .words = "now at 10000:08:00" },
	{ "home, in the form that was written",
	  .boots = { { HELD, SHORT, 0 },
		     { NOTHING " -@10000-08/06#0a", NULL, RELOCATE },
		     { HELD, NULL, 0 } },
	  WRITES, .new_name = "06:00.0",
	  .words = "hostpci0 10000:08:00.0 is again at 0000:06:00.0" },
	{ "home as a whole slot",
	  .boots = { { SLOT, SHORT_SLOT, 0 },
		     { NOTHING " -@10000-08/06#0a", NULL, RELOCATE },
		     { SLOT, NULL, 0 } },
	  WRITES, .new_name = "06:00", .words = "is again at 0000:06:00" },
	{ "not home where nothing is to be restored",
	  .boots = { { HELD, ENTRY, 0 }, { MOVED, NULL, RELOCATE }, { HELD, NULL, NO_RESTORE } },
	  BLOCKS, .words = "the device is at 0000:06:00.0 now" },
	{ "not on, once it is only to be kept from starting",
	  .boots = { { HELD, ENTRY, 0 },
		     { MOVED, NULL, RELOCATE },
		     { NOTHING " -@09/06:vfio-pci#0a", NULL, 0 } },
	  BLOCKS, .words = "hostpci0 0000:08:00.0: the device is at 0000:09:00.0 now" },
	{ "what cannot be written anew",
	  .boots = { { HELD, UNCERTAIN, 0 }, { MOVED, NULL, RELOCATE } }, BLOCKS,
	  .words = "args 0000:06:00.0: the device is at 0000:08:00.0 now" },
	{ "only once it may be edited",
	  .boots = { { HELD, ENTRY, 0 }, { MOVED, NULL, RELOCATE | NOT_HERE } }, BLOCKS,
	  .words = "0000:06:00.0 is now at 0000:08:00.0 (serial); not done: without quorum" },
};

/* What libvirt writes in four attributes. */
#define DEVICE(address)                                                              \
	"<domain type='kvm'><name>win10</name><devices>\n<hostdev mode='subsystem' " \
	"type='pci'><source>\n<address " address "/>\n</source></hostdev>\n</devices></domain>\n"

static const struct sentence attributes[] = {
	{ "in place", DOMAIN,
	  .boots = { { HELD, DEVICE("domain='0x0000' bus='0x06' slot='0x00' function='0x0'"), 0 },
		     { HELD, NULL, 0 } },
	  KEEP },
	{ "moved", DOMAIN,
	  .boots = { { HELD, DEVICE("domain='0x0000' bus='0x06' slot='0x00' function='0x0'"), 0 },
		     { MOVED, NULL, 0 } },
	  BLOCKS, .words = "hostdev 0000:06:00.0: the device is at 0000:08:00.0 now" },
	{ "followed", DOMAIN,
	  .boots = { { HELD, DEVICE("bus='6' slot='0'"), 0 }, { MOVED, NULL, RELOCATE } }, WRITES,
	  .new_name = "bus='8' slot='0'", .words = "hostdev 0000:06:00.0 is now at 0000:08:00.0" },
	{ "followed home", DOMAIN,
	  .boots = { { HELD, DEVICE("bus='0x6' slot='0'"), 0 },
		     { NOTHING " -@10000-08/06#0a", NULL, RELOCATE },
		     { HELD, NULL, 0 } },
	  WRITES, .new_name = "bus='0x6' slot='0'", .words = "is again at 0000:06:00.0" },
	{ "followed on, and not taken for home", DOMAIN,
	  .boots = { { HELD, DEVICE("bus='0x6' slot='0'"), 0 },
		     { MOVED, NULL, RELOCATE },
		     { NOTHING " -@09/06#0a", NULL, 0 } },
	  BLOCKS, .words = "hostdev 0000:08:00.0: the device is at 0000:09:00.0 now" },
};

static const struct sentence what_cannot_be_read[] = {
	{ "in its place", .boots = { { HELD, ENTRY, 0 }, { NOTHING " -@06!", NULL, 0 } }, KEEP,
	  .warn = true, .words = "hostpci0 is there but cannot be read" },
	{ "in another place, as its bus was renumbered",
	  .boots = { { HELD, ENTRY, 0 }, { NOTHING " -@07/06! -@06/0c#0b", NULL, 0 } }, PROVEN,
	  .words = "hostpci0 0000:06:00.0: the device cannot be read; 8086:1521, serial" },
	{ "in another place, where it was before",
	  .boots = { { HELD, ENTRY, 0 }, { MOVED, NULL, 0 }, { NOTHING " -@08/06!", NULL, 0 } },
	  BLOCKS,
	  .words = "hostpci0 0000:06:00.0: the device cannot be read; nothing is there now" },
	{ "nor is a link of a function that cannot be read gone", CONTAINER,
	  .boots = { { "enp6s0=0a@06#0a", LINKED, 0 }, { "-@06!", NULL, 0 } }, KEEP },
};

#define PHYSICAL "-@05#05 -@06#0a"
#define VIRTUAL  PHYSICAL " -@06.2%1520&06 -@06.3%1520&06"
#define VF       "hostpci0: 0000:06:00.2\n"

static const struct sentence virtual_functions[] = {
	{ "in place", .boots = { { VIRTUAL, VF, 0 }, { VIRTUAL, NULL, 0 } }, KEEP },
	{ "not made yet", .boots = { { VIRTUAL, VF, 0 }, { PHYSICAL, NULL, 0 } }, KEEP },
	{ "not made yet, and will be elsewhere",
	  .boots = { { VIRTUAL, VF, 0 }, { NOTHING " -@08/06#0a", NULL, 0 } }, BLOCKS,
	  .words = "hostpci0 0000:06:00.2: the device is at 0000:08:00.2 now" },
	{ "not made yet, and will be elsewhere, and is followed",
	  .boots = { { VIRTUAL, VF, 0 }, { NOTHING " -@08/06#0a", NULL, RELOCATE } }, WRITES,
	  .new_name = "0000:08:00.2", .words = "0000:06:00.2 is now at 0000:08:00.2" },
	{ "made elsewhere",
	  .boots = { { VIRTUAL, VF, 0 },
		     { NOTHING " -@08/06#0a -@08.2/06%1520&08 -@08.3/06%1520&08", NULL, 0 } },
	  BLOCKS, .words = "hostpci0 0000:06:00.2: the device is at 0000:08:00.2 now" },
	{ "not made yet, as its card, which another came in the place of, is gone",
	  .boots = { { VIRTUAL, VF, 0 }, { NOTHING " -@06/0c#0b -@06.2/0c%1520&06", NULL, 0 } },
	  PROVEN, .words = "hostpci0 0000:06:00.2: " },
	{ "made for the first time, of a card that was there",
	  .boots = { { PHYSICAL, VF, 0 }, { VIRTUAL, NULL, 0 } }, KEEP },
	{ "made for the first time, of a card that was not there",
	  .boots = { { NOTHING, VF, 0 }, { VIRTUAL, NULL, 0 } }, PROVEN,
	  .words = "hostpci0 0000:06:00.2: it meant no device; 8086:1520" },
	{ "made for the first time, of a card that came into the place of another",
	  .boots = { { PHYSICAL, VF, 0 }, { NOTHING " -@06/0c#0b -@06.2/0c%1520&06", NULL, 0 } },
	  PROVEN, .words = "it meant no device" },
	{ "made for the first time, of a card that came into the place of one that moved",
	  .boots = { { PHYSICAL, VF, 0 },
		     { NOTHING " -@08/06#0a -@06/0c#0b -@06.2/0c%1520&06", NULL, 0 } },
	  PROVEN, .words = "it meant no device" },
	{ "made for the first time, of a card that moved there",
	  .boots = { { NOTHING " -@08/06#0a", VF, 0 }, { VIRTUAL, NULL, 0 } }, PROVEN,
	  .words = "it meant no device" },
	{ "of a card that is gone", .boots = { { VIRTUAL, VF, 0 }, { NOTHING, NULL, 0 } }, BLOCKS,
	  .words = "hostpci0 0000:06:00.2: device gone" },
};

/* A mention that never denoted anything. */
static const struct sentence what_dangles[] = {
	{ "while nobody is there", .boots = { { NOTHING, ENTRY, 0 }, { NOTHING, NULL, 0 } }, KEEP },
	{ "when somebody comes", .boots = { { NOTHING, ENTRY, 0 }, { TAKEN, NULL, 0 } }, PROVEN,
	  .words = "hostpci0 0000:06:00.0: it meant no device; 8086:1521, serial "
		   "52-54-00-ff-ff-00-00-0b is there now" },
	{ "when somebody who came stays",
	  .boots = { { NOTHING, ENTRY, 0 }, { TAKEN, NULL, 0 }, { TAKEN, NULL, RELOCATE } }, PROVEN,
	  .words = "it meant no device" },
	{ "when he is gone",
	  .boots = { { NOTHING, ENTRY, 0 }, { TAKEN, NULL, 0 }, { NOTHING, NULL, 0 } }, KEEP },
	{ "when a slot gets somebody in another function",
	  .boots = { { NOTHING, WHOLE, 0 }, { NOTHING " -@06.1#0b", NULL, 0 } }, PROVEN,
	  .words = "hostpci0 0000:06:00: it meant no device; 8086:1521" },
};

/* A line that a person wrote. */
#define ALONE "hostpci1: 0000:05:00.0\n"
#define ADDED ALONE "hostpci2: 0000:06:00.0\n"

static const struct sentence what_a_person_wrote[] = {
	{ "means what is there", .boots = { { HELD, ALONE, 0 }, { HELD, ADDED, 0 } }, KEEP },
	{ "means what is newly there", .boots = { { NOTHING, ALONE, 0 }, { HELD, ADDED, 0 } },
	  KEEP },
	{ "means what an older record says it was",
	  .boots = { { HELD, ALONE, 0 }, { MOVED, ADDED, RELOCATE } }, WRITES,
	  .new_name = "0000:08:00.0", .words = "hostpci2 0000:06:00.0 is now at 0000:08:00.0" },
	{ "while another was there", .boots = { { HELD, ALONE, 0 }, { TAKEN, ADDED, 0 } }, BLOCKS,
	  .words = "hostpci2 0000:06:00.0: was written while another device sat there; 8086:1521, "
		   "serial 52-54-00-ff-ff-00-00-0b is there now" },
	{ "while another was there, and stays so",
	  .boots = { { HELD, ALONE, 0 }, { TAKEN, ADDED, 0 }, { TAKEN, NULL, 0 } }, BLOCKS,
	  .words = "was written while another device sat there" },
	{ "while another was there, who is gone since",
	  .boots = { { HELD, ALONE, 0 }, { TAKEN, ADDED, 0 }, { NOTHING, NULL, 0 } }, BLOCKS,
	  .words = "was written while another device sat there; nothing is there now" },
	{ "while one was there that the host needs",
	  .boots = { { HELD, ALONE, 0 }, { TAKEN "*root", ADDED, 0 } }, PROVEN, .protects = true,
	  .words = "is there now, needed by the host: root" },
};

/* What the host needs, and the guest does not mean. */
static const struct sentence protection[] = {
	{ "of who took the place", .boots = { { HELD, ENTRY, 0 }, { TAKEN "*root", NULL, 0 } },
	  PROVEN, .protects = true,
	  .words = "serial 52-54-00-ff-ff-00-00-0b is there now, needed by the host: root" },
	{ "of who took the place and was a guest's",
	  .boots = { { HELD " -@09/0c:vfio-pci#0b", ENTRY, 0 }, { TAKEN "*root", NULL, 0 } },
	  PROVEN, .words = "is there now", .no_words = "needed" },
	{ "of who took the place and is allowed",
	  .boots = { { HELD, ENTRY, 0 }, { TAKEN "*root", NULL, ALLOW_6 } }, PROVEN,
	  .words = "is there now", .no_words = "needed" },
	{ "of the only display that it does not mean",
	  .boots = { { HELD, ENTRY, 0 }, { TAKEN "*display", NULL, 0 } }, PROVEN, .protects = true,
	  .words = "is there now, needed by the host: " PROTECTED_DISPLAY },
	{ "in a slot whose first function it is not",
	  .boots = { { SLOT, WHOLE, 0 }, { TAKEN " -@06.1/0c#0b*root", NULL, 0 } }, PROVEN,
	  .protects = true,
	  .words = "hostpci0 0000:06:00: device gone; 8086:1521, serial "
		   "52-54-00-ff-ff-00-00-0b is there now, needed by the host: "
		   "root" },
	{ "in the group of who took the place",
	  .boots = { { HELD, ENTRY, 0 }, { TAKEN "+6 -@07#0c+6*root", NULL, 0 } }, PROVEN,
	  .protects = true, .words = "00-0b is there now, needed by the host: root" },
	{ "in another group than of who took the place",
	  .boots = { { HELD, ENTRY, 0 }, { TAKEN "+6 -@07#0c+7*root", NULL, 0 } }, PROVEN,
	  .words = "is there now", .no_words = "needed" },
	{ "of a bridge in the group of who took the place",
	  .boots = { { HELD, ENTRY, 0 }, { TAKEN "+6 -@07^060400+6*root", NULL, 0 } }, PROVEN,
	  .words = "is there now", .no_words = "needed" },
	{ "in a slot of which none is needed",
	  .boots = { { SLOT, WHOLE, 0 }, { TAKEN " -@06.1/0c#0b", NULL, 0 } }, PROVEN,
	  .words = "device gone", .no_words = "needed" },
	{ "of one that may be anybody",
	  .boots = { { TWINS, ENTRY, 0 }, { "-@06/16*root -@08/17", NULL, 0 } }, PROVEN,
	  .protects = true, .words = "one of several now; 8086:1521 is there now, needed by" },
	{ "of its own device, which is not followed to there",
	  .boots = { { NOTHING " -@06#0a", ENTRY, 0 },
		     { NOTHING " -@08/06#0a*root", NULL, RELOCATE } },
	  BLOCKS,
	  .words = "the device is at 0000:08:00.0 now (serial), where the host needs it: root" },
	{ "of its own device, which is followed where it was a guest's",
	  .boots = { { HELD, ENTRY, 0 }, { MOVED "*root", NULL, RELOCATE } }, WRITES,
	  .new_name = "0000:08:00.0", .words = "is now at" },
	{ "of its own display, which is followed",
	  .boots = { { NOTHING " -@06#0a", ENTRY, 0 },
		     { NOTHING " -@08/06#0a*display", NULL, RELOCATE } },
	  WRITES, .new_name = "0000:08:00.0", .words = "is now at" },
	{ "of its own device, which it means where it is",
	  .boots = { { NOTHING " -@06#0a", ENTRY, 0 }, { NOTHING " -@06#0a*root", NULL, 0 } },
	  KEEP },
};

/* The same files in another machine. */
#define STRANGER "-@01#71 -@02#72 -@03#73"

static const struct sentence on_another_machine[] = {
	{ "a stranger has the place",
	  .boots = { { HELD, ENTRY, 0 }, { STRANGER " -@06#0b", NULL, OTHER_MACHINE } }, PROVEN,
	  .words = "hostpci0 0000:06:00.0: device gone; 8086:1521" },
	{ "it looks the same",
	  .boots = { { "-@05#05 -@06 -@07#07", ENTRY, 0 },
		     { "-@05#55 -@06 -@07#77", NULL, OTHER_MACHINE } },
	  BLOCKS,
	  .words = "hostpci0 0000:06:00.0: was meant on another machine; 8086:1521 is there now" },
	{ "it came along, into its place",
	  .boots = { { "-@05#05 -@06#0a -@07#07", ENTRY, 0 },
		     { "-@05#55 -@06#0a -@07#77", NULL, OTHER_MACHINE } },
	  BLOCKS, .words = "hostpci0 0000:06:00.0: was meant on another machine" },
	{ "it came along, into another place",
	  .boots = { { "-@05#05 -@06#0a -@07#07", ENTRY, 0 },
		     { "-@05#55 -@08/06#0a -@07#77", NULL, OTHER_MACHINE } },
	  BLOCKS, .words = "hostpci0 0000:06:00.0: " },
	{ "it came along, into another place, and is not followed there",
	  .boots = { { "-@05#05 -@06#0a -@07#07", ENTRY, 0 },
		     { "-@05#55 -@08/06#0a -@07#77", NULL, OTHER_MACHINE | RELOCATE } },
	  BLOCKS, .words = "hostpci0 0000:06:00.0: " },
	{ "it came along, into another place, which is so at the next boot, too",
	  .boots = { { "-@05#05 -@06#0a -@07#07", ENTRY, 0 },
		     { "-@05#55 -@08/06#0a -@07#77", NULL, OTHER_MACHINE | RELOCATE },
		     { "-@05#55 -@08/06#0a -@07#77", NULL, OTHER_MACHINE | RELOCATE } },
	  BLOCKS, .words = "hostpci0 0000:06:00.0: " },
	{ "it looks the same at a later boot",
	  .boots = { { "-@05#05 -@06 -@07#07", ENTRY, 0 },
		     { "-@05#55 -@06 -@07#77", NULL, OTHER_MACHINE },
		     { "-@05#55 -@06 -@07#77", NULL, OTHER_MACHINE } },
	  BLOCKS, .words = "was meant on another machine" },
	{ "a link is not followed there but by its own number", CONTAINER,
	  .boots = { { "-@05#05 enp6s0@06 -@07#07", LINKED, 0 },
		     { "-@05#55 enp8s0@08/06 -@07#77", NULL, OTHER_MACHINE | RELOCATE } },
	  BLOCKS, .words = "lxc.net.0.link enp6s0: " },
	{ "a link is followed there by its own number", CONTAINER,
	  .boots = { { "-@05#05 enp6s0=0a@06 -@07#07", LINKED, 0 },
		     { "-@05#55 enp8s0=0a@08/06 -@07#77", NULL, OTHER_MACHINE | RELOCATE } },
	  WRITES, .new_name = "enp8s0", .words = "is now enp8s0 (mac)" },
	{ "what a person writes there is meant there",
	  .boots = { { "-@05#05 -@06 -@07#07", ENTRY, 0 },
		     { "-@05#55 -@06 -@07#77", NULL, OTHER_MACHINE },
		     { "-@05#55 -@06 -@07#77", "hostpci0: 0000:07:00.0\n", OTHER_MACHINE } },
	  KEEP },
	{ "and at home all is well",
	  .boots = { { "-@05#05 -@06 -@07#07", ENTRY, 0 },
		     { "-@05#55 -@06 -@07#77", NULL, OTHER_MACHINE },
		     { "-@05#05 -@06 -@07#07", NULL, 0 } },
	  KEEP },
};

#define NICS "enp5s0=05@05#05 enp6s0=0a@06#0a"

static const struct sentence links[] = {
	{ "in place", CONTAINER, .boots = { { NICS, LINKED, 0 }, { NICS, NULL, 0 } }, KEEP },
	{ "gone", CONTAINER, .boots = { { NICS, LINKED, 0 }, { "enp5s0=05@05#05", NULL, 0 } },
	  BLOCKS, .words = "lxc.net.0.link enp6s0: NIC gone", .no_words = "another" },
	{ "gone, and another bears the name", CONTAINER,
	  .boots = { { NICS, LINKED, 0 }, { "enp6s0=0b@06/0c#0b", NULL, 0 } }, PROVEN,
	  .words = "lxc.net.0.link enp6s0: NIC gone; another bears its name now" },
	{ "replaced, which guests do not follow", CONTAINER,
	  .boots = { { NICS, LINKED, 0 }, { "enp5s0=05@05#05 enp6s0=0b@06#0b", NULL, 0 } }, PROVEN,
	  .words = "lxc.net.0.link enp6s0: NIC gone; another bears its name now" },
	{ "replaced long ago", CONTAINER,
	  .boots = { { NICS, LINKED, 0 },
		     { "enp5s0=05@05#05 enp6s0=0b@06#0b", NULL, 0 },
		     { "enp5s0=05@05#05 enp6s0=0b@06#0b", NULL, RELOCATE } },
	  PROVEN, .words = "NIC gone; another bears its name now" },
	{ "another bears the name, but has not yet got it for good", CONTAINER,
	  .boots = { { NICS, LINKED, 0 }, { "enp6s0=0b@06/0c?#0b", NULL, 0 } }, BLOCKS,
	  .words = "NIC gone", .no_words = "another" },
	{ "gone, and the host needs the one that bears the name", CONTAINER,
	  .boots = { { NICS, LINKED, 0 }, { "enp6s0=0b@06/0c#0b*route", NULL, 0 } }, PROVEN,
	  .protects = true, .words = "another bears its name now, needed by the host: route" },
	{ "gone, and one that is no function bears the name", CONTAINER,
	  .boots = { { NICS, LINKED, 0 }, { "enp6s0=0b", NULL, 0 } }, PROVEN,
	  .words = "NIC gone; another bears its name now", .no_words = "needed" },
	{ "renamed", CONTAINER, .boots = { { NICS, LINKED, 0 }, { "enp8s0=0a@08/06#0a", NULL, 0 } },
	  BLOCKS, .words = "lxc.net.0.link enp6s0: the NIC is enp8s0 now (mac)",
	  .no_words = "another" },
	{ "renamed, and another bears the name", CONTAINER,
	  .boots = { { NICS, LINKED, 0 }, { "enp8s0=0a@08/06#0a enp6s0=05@06/05#05", NULL, 0 } },
	  PROVEN, .words = "the NIC is enp8s0 now (mac); another bears its name now" },
	{ "renamed, and followed", CONTAINER,
	  .boots = { { NICS, LINKED, 0 }, { "enp8s0=0a@08/06#0a", NULL, RELOCATE } }, WRITES,
	  .new_name = "enp8s0", .words = "lxc.net.0.link enp6s0 is now enp8s0 (mac)" },
	{ "followed, and home again", CONTAINER,
	  .boots = { { NICS, LINKED, 0 },
		     { "enp8s0=0a@08/06#0a", NULL, RELOCATE },
		     { NICS, NULL, 0 } },
	  WRITES, .new_name = "enp6s0", .words = "enp8s0 is now enp6s0" },
	{ "followed, and not home where nothing is to be restored", CONTAINER,
	  .boots = { { NICS, LINKED, 0 },
		     { "enp8s0=0a@08/06#0a", NULL, RELOCATE },
		     { NICS, NULL, NO_RESTORE } },
	  BLOCKS, .words = "lxc.net.0.link enp8s0: the NIC is enp6s0 now" },
	{ "followed, and moved on", CONTAINER,
	  .boots = { { NICS, LINKED, 0 },
		     { "enp8s0=0a@08/06#0a", NULL, RELOCATE },
		     { "enp9s0=0a@09/06#0a", NULL, 0 } },
	  BLOCKS, .words = "lxc.net.0.link enp8s0: the NIC is enp9s0 now" },
	{ "would outgrow the name's bytes", CONTAINER,
	  .boots = { { NICS, "lxc.net.0.type: macvlan\nlxc.net.0.link: enp6s0.100\n", 0 },
		     { "enp130s0f1np12=0a@08/06#0a", NULL, RELOCATE } },
	  BLOCKS, .words = "lxc.net.0.link enp6s0: the NIC is enp130s0f1np12 now" },
	{ "has its name as an altname", CONTAINER,
	  .boots = { { NICS, LINKED, 0 }, { "eth0,enp6s0=0a@06#0a", NULL, 0 } }, KEEP },
	{ "is there under a name that is not final", CONTAINER,
	  .boots = { { NICS, LINKED, 0 }, { "eth0=0a@06?#0a", NULL, 0 } }, KEEP },
	{ "has no link yet", CONTAINER,
	  .boots = { { NICS, LINKED, 0 }, { "enp5s0=05@05#05 -@06#0a", NULL, 0 } }, KEEP },
};

static const struct sentence links_that_dangle[] = {
	{ "when a NIC gets the name", CONTAINER,
	  .boots = { { "enp5s0=05@05#05", LINKED, 0 }, { NICS, NULL, 0 } }, PROVEN,
	  .words = "lxc.net.0.link enp6s0: it meant no NIC that is there; another bears its name "
		   "now" },
	{ "when a NIC that got the name stays", CONTAINER,
	  .boots = { { "enp5s0=05@05#05", LINKED, 0 }, { NICS, NULL, 0 }, { NICS, NULL, 0 } },
	  PROVEN, .words = "it meant no NIC that is there; another bears its name now" },
	{ "when it is written while another bore the name", CONTAINER,
	  .boots = { { NICS, "lxc.net.1.type: phys\nlxc.net.1.link: enp5s0\n", 0 },
		     { "enp5s0=05@05#05 enp6s0=0b@06/0c#0b",
		       "lxc.net.1.type: phys\nlxc.net.1.link: enp5s0\n" LINKED, 0 } },
	  PROVEN, .words = "lxc.net.0.link enp6s0: it meant no NIC" },
	{ "when it is written while another bore the name, who is gone since", CONTAINER,
	  .boots = { { NICS, "lxc.net.1.type: phys\nlxc.net.1.link: enp5s0\n", 0 },
		     { "enp5s0=05@05#05 enp6s0=0b@06/0c#0b",
		       "lxc.net.1.type: phys\nlxc.net.1.link: enp5s0\n" LINKED, 0 },
		     { "enp5s0=05@05#05", NULL, 0 } },
	  KEEP },
};

#define GROUPS(group) NOTHING " -@06#0a+" group

/* The number of the group stands in front of the path; of the two the path is the last. */
#define MAP_LINE "gpu\n\tmap id=8086:1521,node=" NODE ",path=0000:06:00.0,iommugroup="

static const struct sentence groups[] = {
	{ "as it was", MAPPINGS,
	  .boots = { { GROUPS("1"), MAP_LINE "1\n", 0 }, { GROUPS("1"), NULL, 0 } }, KEEP },
	{ "another number", MAPPINGS,
	  .boots = { { GROUPS("1"), MAP_LINE "1\n", 0 }, { GROUPS("24"), NULL, 0 } }, BLOCKS,
	  .warn = true,
	  .words = "0000:06:00.0: iommugroup is 24 now, not 1, and Proxmox VE compares it" },
	{ "another number, followed", MAPPINGS,
	  .boots = { { GROUPS("1"), MAP_LINE "1\n", 0 }, { GROUPS("24"), NULL, RELOCATE } }, WRITES,
	  .new_name = "24", .words = "iommugroup 1 is 24 now" },
	{ "of a device that moved along", MAPPINGS,
	  .boots = { { GROUPS("1"), MAP_LINE "1\n", 0 },
		     { NOTHING " -@08/06#0a+24", NULL, RELOCATE } },
	  WRITES, .new_name = "24", .words = "iommugroup 1 is 24 now" },
	{ "of a device that is gone", MAPPINGS,
	  .boots = { { GROUPS("1"), MAP_LINE "1\n", 0 }, { NOTHING, NULL, RELOCATE } }, KEEP },
	{ "of a device that moved and is not followed", MAPPINGS,
	  .boots = { { GROUPS("1"), MAP_LINE "1\n", 0 }, { NOTHING " -@08/06#0a+24", NULL, 0 } },
	  KEEP },
	{ "of a virtual function that is not made yet", MAPPINGS,
	  .boots = { { VIRTUAL,
		       "gpu\n\tmap id=8086:1520,node=" NODE ",path=0000:06:00.2,iommugroup=1\n",
		       0 },
		     { PHYSICAL "+24", NULL, 0 } },
	  KEEP },
	{ "without groups", MAPPINGS,
	  .boots = { { GROUPS("1"), MAP_LINE "1\n", 0 }, { NOTHING " -@06#0a", NULL, 0 } }, KEEP },
	{ "that was wrong from the beginning", MAPPINGS,
	  .boots = { { GROUPS("24"), MAP_LINE "1\n", 0 }, { GROUPS("7"), NULL, RELOCATE } }, KEEP },
	{ "that was wrong from the beginning, and is right once", MAPPINGS,
	  .boots = { { GROUPS("24"), MAP_LINE "1\n", 0 },
		     { GROUPS("1"), NULL, RELOCATE },
		     { GROUPS("7"), NULL, RELOCATE } },
	  WRITES, .new_name = "7", .words = "iommugroup 1 is 7 now" },
	{ "for good", MAPPINGS,
	  .boots = { { GROUPS("1"), MAP_LINE "1\n", 0 },
		     { GROUPS("24"), NULL, 0 },
		     { GROUPS("24"), NULL, 0 } },
	  BLOCKS, .warn = true, .words = "iommugroup is 24 now, not 1" },
	{ "that was followed, and changes again", MAPPINGS,
	  .boots = { { GROUPS("1"), MAP_LINE "1\n", 0 },
		     { GROUPS("24"), NULL, RELOCATE },
		     { GROUPS("7"), NULL, 0 } },
	  BLOCKS, .warn = true, .words = "iommugroup is 7 now, not 24" },
	{ "home again, whatever may be followed", MAPPINGS,
	  .boots = { { GROUPS("1"), MAP_LINE "1\n", 0 },
		     { GROUPS("24"), NULL, RELOCATE },
		     { GROUPS("1"), NULL, 0 } },
	  WRITES, .new_name = "1", .words = "iommugroup 24 is 1 " },
	{ "home again, where nothing is to be restored", MAPPINGS,
	  .boots = { { GROUPS("1"), MAP_LINE "1\n", 0 },
		     { GROUPS("24"), NULL, RELOCATE },
		     { GROUPS("1"), NULL, NO_RESTORE } },
	  BLOCKS, .warn = true, .words = "iommugroup is 1 now, not 24" },
	{ "that a person wrote wrong", MAPPINGS,
	  .boots = { { GROUPS("1"), MAP_LINE "1\n", 0 }, { GROUPS("1"), MAP_LINE "2\n", 0 } },
	  KEEP },
	{ "of an entry that means nobody", MAPPINGS,
	  .boots = { { NOTHING, MAP_LINE "1\n", 0 }, { NOTHING, NULL, 0 } }, KEEP },
	{ "of a slot", MAPPINGS,
	  .boots = { { GROUPS("1"),
		       "gpu\n\tmap id=8086:1521,node=" NODE ",path=0000:06:00,iommugroup=1\n", 0 },
		     { GROUPS("2"), NULL, RELOCATE } },
	  WRITES, .new_name = "2", .words = "iommugroup 1 is 2 now" },
	{ "while nothing may be edited", MAPPINGS,
	  .boots = { { GROUPS("1"), MAP_LINE "1\n", 0 },
		     { GROUPS("24"), NULL, RELOCATE | NOT_HERE } },
	  BLOCKS, .words = "iommugroup 1 is 24 now; not done: without quorum" },
};

static const struct sentence only_reported[] = {
	{ "gone", .boots = { { HELD, ENTRY, 0 }, { NOTHING, NULL, REPORT } }, BLOCKS, .warn = true,
	  .words = "hostpci0 0000:06:00.0: device gone" },
	{ "moved, also where it would come home",
	  .boots = { { HELD, ENTRY, 0 }, { MOVED, NULL, RELOCATE }, { HELD, NULL, REPORT } },
	  BLOCKS, .warn = true,
	  .words = "is again at 0000:06:00.0 (serial); not done: "
		   "Autostart=report" },
};

START_TEST(a_mention_is_right_where_its_device_is)
{
	check(&where_the_device_is[_i]);
}
END_TEST

START_TEST(a_mention_follows_its_device_if_that_is_wanted)
{
	check(&how_it_follows[_i]);
}
END_TEST

START_TEST(a_mention_in_attributes_is_written_as_it_was)
{
	check(&attributes[_i]);
}
END_TEST

START_TEST(what_cannot_be_read_is_left_in_its_place)
{
	check(&what_cannot_be_read[_i]);
}
END_TEST

START_TEST(a_virtual_function_is_where_its_physical_one_puts_it)
{
	check(&virtual_functions[_i]);
}
END_TEST

START_TEST(a_dangling_mention_never_adopts)
{
	check(&what_dangles[_i]);
}
END_TEST

START_TEST(a_new_mention_means_what_is_there)
{
	check(&what_a_person_wrote[_i]);
}
END_TEST

START_TEST(what_the_host_needs_is_told)
{
	check(&protection[_i]);
}
END_TEST

START_TEST(what_came_to_another_machine_is_not_obeyed)
{
	check(&on_another_machine[_i]);
}
END_TEST

START_TEST(a_link_is_followed_or_missed)
{
	check(&links[_i]);
}
END_TEST

START_TEST(a_dangling_link_never_adopts)
{
	check(&links_that_dangle[_i]);
}
END_TEST

START_TEST(the_number_of_a_group_follows_its_function)
{
	check(&groups[_i]);
}
END_TEST

START_TEST(what_is_not_done_is_said)
{
	check(&only_reported[_i]);
}
END_TEST

static void look_as(const char *hardware, unsigned int tweaks)
{
	look_done(&look);
	boot(&(struct boot){ hardware, NULL, tweaks });
}

START_TEST(what_goes_on_from_a_saved_state_is_not_written_anew)
{
	setup();
	world_set(&world, DOMAIN, DEVICE("bus='6' slot='0'"));
	look_as(HELD, 0);
	world_apply(&world, &look);
	tree_file("/var/lib/libvirt/qemu/save/win10.save", "");
	look_as(MOVED, RELOCATE);
	ck_assert_int_eq(last_finding()->verdict, VERDICT_BLOCK);
	ck_assert_ptr_nonnull(strstr(last_finding()->reason, "the device is at 0000:08:00.0 now"));
	look_as(HELD, RELOCATE);
	ck_assert_int_eq(last_finding()->verdict, VERDICT_KEEP);
	teardown();
}
END_TEST

START_TEST(the_number_of_a_mapping_that_a_person_calls_right_is_made_right)
{
	setup();
	world_set(&world, MAPPINGS, MAP_LINE "1\n");
	look_as(GROUPS("24"), 0);
	world_apply(&world, &look);
	world.release = "mapping/nic";
	look_as(GROUPS("24"), 0);
	ck_assert_int_eq(last_finding()->verdict, VERDICT_KEEP);
	world.release = "mapping/gpu";
	look_as(GROUPS("24"), 0);
	ck_assert_int_eq(last_finding()->verdict, VERDICT_REMAP);
	ck_assert_str_eq(last_finding()->new_name, "24");
	/* What is wrong since, too. */
	look_as(GROUPS("25"), 0);
	ck_assert_str_eq(last_finding()->new_name, "25");
	teardown();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("resolve-guest");
	TCase *tests = tcase_create("resolve-guest");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tests, 60);
	tcase_add_loop_test(tests, a_mention_is_right_where_its_device_is, 0,
			    ARRAY_SIZE(where_the_device_is));
	tcase_add_loop_test(tests, a_mention_follows_its_device_if_that_is_wanted, 0,
			    ARRAY_SIZE(how_it_follows));
	tcase_add_loop_test(tests, a_mention_in_attributes_is_written_as_it_was, 0,
			    ARRAY_SIZE(attributes));
	tcase_add_loop_test(tests, what_cannot_be_read_is_left_in_its_place, 0,
			    ARRAY_SIZE(what_cannot_be_read));
	tcase_add_loop_test(tests, a_virtual_function_is_where_its_physical_one_puts_it, 0,
			    ARRAY_SIZE(virtual_functions));
	tcase_add_loop_test(tests, a_dangling_mention_never_adopts, 0, ARRAY_SIZE(what_dangles));
	tcase_add_loop_test(tests, a_new_mention_means_what_is_there, 0,
			    ARRAY_SIZE(what_a_person_wrote));
	tcase_add_loop_test(tests, what_the_host_needs_is_told, 0, ARRAY_SIZE(protection));
	tcase_add_loop_test(tests, what_came_to_another_machine_is_not_obeyed, 0,
			    ARRAY_SIZE(on_another_machine));
	tcase_add_loop_test(tests, a_link_is_followed_or_missed, 0, ARRAY_SIZE(links));
	tcase_add_loop_test(tests, a_dangling_link_never_adopts, 0, ARRAY_SIZE(links_that_dangle));
	tcase_add_loop_test(tests, the_number_of_a_group_follows_its_function, 0,
			    ARRAY_SIZE(groups));
	tcase_add_loop_test(tests, what_is_not_done_is_said, 0, ARRAY_SIZE(only_reported));
	tcase_add_test(tests, what_goes_on_from_a_saved_state_is_not_written_anew);
	tcase_add_test(tests, the_number_of_a_mapping_that_a_person_calls_right_is_made_right);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
