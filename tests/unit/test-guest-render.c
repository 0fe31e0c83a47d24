/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What becomes of guests' files, byte for byte, and of what was turned off in them. */
#include "recovery/guest-render.h"

#include <check.h>
#include <stdio.h>

#include "tests/unit/world.h"

#define GUEST     QEMU "101.conf"
#define CONTAINER LXC "105.conf"
#define DOMAIN    LIBVIRT_DOMAINS "/win10.xml"
#define LINK      LIBVIRT_AUTOSTART "/win10.xml"
#define UUID      "4dea22b3-1d52-d8f3-2516-782e98ab3fa0"
#define STRANGER  "4dea22b3-1d52-d8f3-2516-782e98ab3fa1"

#define ENTRY "hostpci0: 0000:06:00.0,pcie=1\n"
#define HELD  "hostpci0: mapping=hwrecover-hold-0000_06_00-0,pcie=1\n"

#define CARD     "-@05#05+5"
#define IN_PLACE CARD " -@06:vfio-pci#0a+6"
#define MOVED    CARD " -@08/06:vfio-pci#0a+6"

static const struct policy block = { .restore = true };
static const struct policy hold = { .restore = true, .guests = GUESTS_HOLD };
static const struct policy relocate = { .restore = true, .guests = GUESTS_RELOCATE };
static const struct policy report = { .restore = true,
				      .guests = GUESTS_REPORT,
				      .why_no_guests = "Autostart=report" };
static const struct policy keep_off = { .guests = GUESTS_BLOCK };
static const struct policy keep_held = { .guests = GUESTS_HOLD };
static const struct policy without_quorum = { .restore = true, .why_not_pve = "without quorum" };

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

static void boot(const char *hardware)
{
	boot_as(hardware, &block);
}

static void is(const char *path, const char *text)
{
	ck_assert_str_eq(world_text(&world, path), text);
}

/* Nothing is left to be done. */
static void is_settled(const char *hardware, const struct policy *policy)
{
	look_as(hardware, policy);
	ck_assert_uint_eq(look.plan.n_files, 0);
	ck_assert_uint_eq(look.plan.n_edits, 0);
	ck_assert(!look.plan.pending);
}

/* A file becomes another one while its device is away, stays so, and comes back as it was. */
static void becomes(const char *path, const char *was, const char *now, const struct policy *policy)
{
	world_set(&world, path, was);
	boot_as(IN_PLACE, policy);
	is(path, was);
	boot_as(CARD, policy);
	is(path, now);
	is_settled(CARD, policy);
	boot_as(CARD, policy);
	is(path, now);
	boot_as(IN_PLACE, policy);
	is(path, was);
	is_settled(IN_PLACE, policy);
	ck_assert_uint_eq(world.recorded.n_turned_off, 0);
}

START_TEST(block_turns_off_what_starts_a_guest_by_itself)
{
	becomes(GUEST, "onboot: 1\n" ENTRY, "onboot: 0\n" ENTRY, &block);
	becomes(GUEST, ENTRY "onboot:   yes  \ncores: 2\n", ENTRY "onboot: 0\ncores: 2\n", &block);
	becomes(GUEST, "#a\r\nonboot: 1\r\n" ENTRY, "#a\r\nonboot: 0\r\n" ENTRY, &block);
	becomes(GUEST, ENTRY "onboot: 1", ENTRY "onboot: 0", &block);
	becomes(GUEST, "onboot: 1\nonboot: on\n" ENTRY, "onboot: 1\nonboot: 0\n" ENTRY, &block);
	becomes(GUEST, "onboot: 1\n" ENTRY "\n[snap]\nonboot: 1\n" ENTRY,
		"onboot: 0\n" ENTRY "\n[snap]\nonboot: 1\n" ENTRY, &block);
}
END_TEST

START_TEST(where_nothing_starts_a_guest_nothing_is_edited)
{
	becomes(GUEST, ENTRY, ENTRY, &block);
	becomes(GUEST, "onboot: 0\n" ENTRY, "onboot: 0\n" ENTRY, &block);
	becomes(GUEST, "onboot: no\n" ENTRY, "onboot: no\n" ENTRY, &block);
	becomes(GUEST, "onboot: perhaps\n" ENTRY, "onboot: perhaps\n" ENTRY, &block);
}
END_TEST

START_TEST(guests_without_parts_of_the_host_are_never_touched)
{
	becomes(GUEST, "onboot: 1\nnet0: virtio,bridge=vmbr0\n",
		"onboot: 1\nnet0: virtio,bridge=vmbr0\n", &hold);
	/* Nor those whose device is where it should be. */
	becomes(GUEST, "onboot: 1\nhostpci0: 05:00.0\n", "onboot: 1\nhostpci0: 05:00.0\n", &hold);
}
END_TEST

START_TEST(turning_it_on_by_hand_is_no_release)
{
	world_set(&world, GUEST, "onboot: 1\n" ENTRY);
	boot(IN_PLACE);
	boot(CARD);
	world_set(&world, GUEST, "onboot: yes\n" ENTRY);
	boot(CARD);
	is(GUEST, "onboot: 0\n" ENTRY);
	boot(IN_PLACE);
	is(GUEST, "onboot: yes\n" ENTRY);
}
END_TEST

START_TEST(what_somebody_turned_off_otherwise_stays_off)
{
	world_set(&world, GUEST, "onboot: 1\n" ENTRY);
	boot(IN_PLACE);
	boot(CARD);
	world_set(&world, GUEST, "onboot: no\n" ENTRY);
	boot(IN_PLACE);
	is(GUEST, "onboot: no\n" ENTRY);
	ck_assert_uint_eq(world.recorded.n_turned_off, 0);

	world_set(&world, GUEST, "onboot: 1\n" ENTRY);
	boot(IN_PLACE);
	boot(CARD);
	world_set(&world, GUEST, ENTRY);
	boot(IN_PLACE);
	is(GUEST, ENTRY);
	world_set(&world, GUEST, "onboot: 0\n" ENTRY);
	boot(IN_PLACE);
	is(GUEST, "onboot: 0\n" ENTRY);
}
END_TEST

START_TEST(what_an_editor_sorted_is_found_again)
{
	world_set(&world, GUEST, "onboot: 1\nargs: -device vfio-pci,host=06:00.0\n" ENTRY);
	boot_as(IN_PLACE, &hold);
	boot_as(CARD, &hold);
	is(GUEST, "onboot: 0\nargs: -device vfio-pci,host=06:00.0\n" HELD);
	world_set(&world, GUEST,
		  HELD "args: -device vfio-pci,host=06:00.0\nballoon: 0\nonboot: 0\n");
	boot_as(IN_PLACE, &hold);
	is(GUEST, ENTRY "args: -device vfio-pci,host=06:00.0\nballoon: 0\nonboot: 1\n");
}
END_TEST

START_TEST(hold_replaces_the_device)
{
	becomes(GUEST, "onboot: 1\n" ENTRY, "onboot: 0\n" HELD, &hold);
	becomes(GUEST, "hostpci2: host=06:00.0\n",
		"hostpci2: mapping=hwrecover-hold-host-06_00-0\n", &hold);
	becomes(GUEST, "hostpci2: 06:00.0;05:00.0,x-vga=1\n",
		"hostpci2: mapping=hwrecover-hold-06_00-0--05_00-0,x-vga=1\n", &hold);
	becomes(GUEST, "hostpci2: pcie=1,host=0000:06:00",
		"hostpci2: pcie=1,mapping=hwrecover-"
		"hold-host-0000_06_00",
		&hold);
}
END_TEST

START_TEST(hold_replaces_what_is_wrong_in_all_sections_and_nothing_else)
{
	becomes(GUEST,
		"hostpci1: 05:00.0\n" ENTRY "\n[PENDING]\nhostpci4: 06:00.0\n\n"
		"[snap]\nhostpci1: 05:00.0\n" ENTRY,
		"hostpci1: 05:00.0\n" HELD "\n[PENDING]\nhostpci4: mapping=hwrecover-hold-06_00-0\n"
		"\n[snap]\nhostpci1: 05:00.0\n" HELD,
		&hold);
}
END_TEST

START_TEST(hold_of_a_mapping_keeps_its_name)
{
	world_set(&world, MAPPINGS, "gpu\n\tmap id=8086:1521,node=" NODE ",path=0000:06:00.0\n");
	becomes(GUEST, "hostpci0: mapping=gpu,pcie=1\n",
		"hostpci0: mapping=hwrecover-hold-mapping-gpu,pcie=1\n", &hold);
	is(MAPPINGS, "gpu\n\tmap id=8086:1521,node=" NODE ",path=0000:06:00.0\n");
}
END_TEST

#define ARGS "args: -device vfio-pci,host=0000:06:00.0\n"

START_TEST(what_cannot_be_replaced_is_held_by_a_line)
{
	becomes(GUEST, ARGS "cores: 2\n", ARGS "cores: 2\nhostpci15: mapping=hwrecover-hold\n",
		&hold);
	becomes(GUEST, ARGS "hostpci15: 05:00.0\n\n[snap]\n" ARGS,
		ARGS "hostpci15: 05:00.0\nhostpci14: mapping=hwrecover-hold\n\n[snap]\n" ARGS,
		&hold);
	becomes(GUEST, ARGS "cores: 2", ARGS "hostpci15: mapping=hwrecover-hold\ncores: 2", &hold);
	becomes(GUEST, ARGS "onboot: 1", ARGS "hostpci15: mapping=hwrecover-hold\nonboot: 0",
		&hold);
	becomes(GUEST, "onboot: 1\n" ARGS, "onboot: 0\n" ARGS "hostpci15: mapping=hwrecover-hold\n",
		&hold);
	/* A hold in a section that does not count holds nothing. */
	becomes(GUEST, ARGS "\n[snap]\n" ENTRY,
		ARGS "hostpci15: mapping=hwrecover-hold\n\n[snap]\n" HELD, &hold);
}
END_TEST

START_TEST(a_guest_without_a_free_number_is_only_blocked)
{
	struct buffer text = { 0 };

	buffer_append_text(&text, ARGS "onboot: 1\n");
	for (int i = 0; i < 16; i++)
		buffer_appendf(&text, "hostpci%d: 05:00.%d\n", i, i % 8);
	world_set(&world, GUEST, text.data);
	boot_as(IN_PLACE, &hold);
	boot_as(CARD, &hold);
	ck_assert(look.resolution.guests[0].hold);
	ck_assert_ptr_null(strstr(world_text(&world, GUEST), "hold"));
	ck_assert_ptr_nonnull(strstr(world_text(&world, GUEST), "onboot: 0\n"));
	boot_as(IN_PLACE, &hold);
	is(GUEST, text.data);
	buffer_done(&text);
}
END_TEST

#define BY_PATH   "dev0: /dev/disk/by-path/pci-0000:06:00.0-ata-1\n"
#define HOLD_LINE "lxc.include: /usr/lib/hwrecover/hwrecover-hold\n"

START_TEST(a_container_is_held_by_a_line)
{
	becomes(CONTAINER, "onboot: 1\n" BY_PATH, "onboot: 0\n" BY_PATH HOLD_LINE, &hold);
	becomes(CONTAINER, BY_PATH "\n[snap]\n" BY_PATH, BY_PATH HOLD_LINE "\n[snap]\n" BY_PATH,
		&hold);
}
END_TEST

START_TEST(a_hold_that_is_only_to_be_a_block_stays_until_all_is_well)
{
	world_set(&world, GUEST, "onboot: 1\n" ENTRY);
	boot_as(IN_PLACE, &hold);
	boot_as(CARD, &hold);
	is_settled(CARD, &block);
	boot(IN_PLACE);
	is(GUEST, "onboot: 1\n" ENTRY);
}
END_TEST

START_TEST(a_hold_stays_as_it_is_where_nothing_is_to_be_restored)
{
	struct policy policy = hold;

	world_set(&world, GUEST, "onboot: 1\nhostpci1: 05:00.0\n" ENTRY);
	boot_as(IN_PLACE, &policy);
	boot_as(CARD, &policy);
	is(GUEST, "onboot: 0\nhostpci1: 05:00.0\n" HELD);
	policy.restore = false;
	is_settled(IN_PLACE, &policy);
	policy.guests = GUESTS_BLOCK;
	is_settled(IN_PLACE, &policy);
	policy.restore = true;
	boot_as(IN_PLACE, &policy);
	is(GUEST, "onboot: 1\nhostpci1: 05:00.0\n" ENTRY);
}
END_TEST

START_TEST(a_block_stays_as_it_is_where_nothing_is_to_be_restored)
{
	struct policy policy = block;

	world_set(&world, GUEST, "onboot: 1\n" ENTRY);
	boot(IN_PLACE);
	boot(CARD);
	policy.restore = false;
	is_settled(IN_PLACE, &policy);
	boot_as(IN_PLACE, &policy);
	is(GUEST, "onboot: 0\n" ENTRY);
	boot(IN_PLACE);
	is(GUEST, "onboot: 1\n" ENTRY);
}
END_TEST

/* The resources of a cluster; only our guest's state is ours. */
#define HA(state) "vm: 100\n\tstate started\n\nvm: 101\n\tgroup g\n" state

static void is_held_with(const char *was, const char *now)
{
	world_set(&world, RESOURCES, was);
	boot(IN_PLACE);
	boot(CARD);
	is(RESOURCES, now);
	is(GUEST, "onboot: 0\n" HELD);
	is_settled(CARD, &block);
	boot(CARD);
	boot(IN_PLACE);
	is(RESOURCES, was);
	is(GUEST, "onboot: 1\n" ENTRY);
	is_settled(IN_PLACE, &block);
}

START_TEST(high_availability_is_stopped)
{
	world_set(&world, GUEST, "onboot: 1\n" ENTRY);
	is_held_with(HA("\tstate  started \n"), HA("\tstate  stopped \n"));
	is_held_with(HA("\tstate started\n\nct: 105\n"), HA("\tstate stopped\n\nct: 105\n"));
	is_held_with(HA(""), "vm: 100\n\tstate started\n\nvm: 101\n\tstate stopped\n\tgroup g\n");
	is_held_with("vm: 101\n", "vm: 101\n\tstate stopped\n");
	is_held_with("vm: 101", "vm: 101\n\tstate stopped\n");
	is_held_with(HA("\tstate stopped\n"), HA("\tstate stopped\n"));
}
END_TEST

START_TEST(a_state_that_somebody_changed_is_his)
{
	world_set(&world, GUEST, ENTRY);
	world_set(&world, RESOURCES, HA("\tstate started\n"));
	boot(IN_PLACE);
	boot(CARD);
	world_set(&world, RESOURCES, HA("\tstate disabled\n"));
	boot(IN_PLACE);
	is(RESOURCES, HA("\tstate disabled\n"));
	world_set(&world, RESOURCES, HA("\tstate started\n"));
	boot(CARD);
	/* His comment moves it, and it is the same. */
	world_set(&world, RESOURCES, "#x\n" HA("\tstate stopped\n"));
	boot(IN_PLACE);
	is(RESOURCES, "#x\n" HA("\tstate started\n"));
}
END_TEST

START_TEST(a_line_put_in_is_not_looked_for_where_there_is_no_room_for_it)
{
	world_set(&world, GUEST, ENTRY);
	world_set(&world, RESOURCES, "vm: 101");
	boot(IN_PLACE);
	boot(CARD);
	is(RESOURCES, "vm: 101\n\tstate stopped\n");
	/* Another text of ours is longer than what stands before this switch. */
	world_set(&world, RESOURCES, "vm:101\n state stopped\n");
	boot(IN_PLACE);
	is(RESOURCES, "vm:101\n state stopped\n");
}
END_TEST

START_TEST(relocate_rewrites_all_sections)
{
	static const char was[] = "onboot: 1\n" ENTRY "args: -device vfio-pci,host=06:00.0\n"
				  "\n[PENDING]\nhostpci1: host=06:00.0\n\n[snap]\n" ENTRY;

	world_set(&world, GUEST, was);
	boot_as(IN_PLACE, &relocate);
	boot_as(CARD " -@10000-08/06:vfio-pci#0a+6", &relocate);
	is(GUEST, "onboot: 1\nhostpci0: 10000:08:00.0,pcie=1\n"
		  "args: -device vfio-pci,host=10000:08:00.0\n\n"
		  "[PENDING]\nhostpci1: host=10000:08:00.0\n\n[snap]\n"
		  "hostpci0: 10000:08:00.0,pcie=1\n");
	is_settled(CARD " -@10000-08/06:vfio-pci#0a+6", &relocate);
	boot_as(CARD " -@10000-08/06:vfio-pci#0a+6", &block);
	/* Home as it was written, whatever may be followed. */
	boot_as(IN_PLACE, &block);
	is(GUEST, was);
}
END_TEST

START_TEST(relocate_rewrites_mappings)
{
	static const char was[] = "gpu\n\tmap iommugroup=6,id=8086:1521,node=" NODE
				  ",path=0000:06:00.0\n\tmap id=8086:1521,iommugroup=6,node=pve2,"
				  "path=0000:06:00.0\n\tmap id=8086:1521,node=" NODE
				  ",path=0000:05:00.0,iommugroup=5\n";

	world_set(&world, MAPPINGS, was);
	world_set(&world, GUEST, "onboot: 1\nhostpci0: mapping=gpu\n");
	boot_as(IN_PLACE, &relocate);
	boot_as("-@05#05+17 -@10000-08/06:vfio-pci#0a+124", &relocate);
	is(MAPPINGS, "gpu\n\tmap iommugroup=124,id=8086:1521,node=" NODE ",path=10000:08:00.0\n"
		     "\tmap id=8086:1521,iommugroup=6,node=pve2,path=0000:06:00.0\n"
		     "\tmap id=8086:1521,node=" NODE ",path=0000:05:00.0,iommugroup=17\n");
	is(GUEST, "onboot: 1\nhostpci0: mapping=gpu\n");
	is_settled("-@05#05+17 -@10000-08/06:vfio-pci#0a+124", &relocate);
	boot_as(IN_PLACE, &relocate);
	is(MAPPINGS, was);
}
END_TEST

#define XML(address)                                                                         \
	"<domain type='kvm'>\n <name>win10</name>\n <uuid>" UUID "</uuid>\n <devices>\n"     \
	"  <hostdev mode='subsystem' type='pci'>\n   <source>\n    <address " address "/>\n" \
	"   </source>\n  </hostdev>\n </devices>\n</domain>\n"
#define HOME    "domain='0x0000' bus='0x06'\n\tslot='0x00' function='0x0'"
#define THERE   "domain='0x0000' bus='0x08'\n\tslot='0x00' function='0x0'"
#define AWAY    "domain='0x10000' bus='0x08'\n\tslot='0x00' function='0x0'"
#define RUNNING "default " STRANGER " " UUID "\nqemu:///session " UUID "\n"

START_TEST(relocate_rewrites_attributes)
{
	world_set(&world, DOMAIN, XML(HOME));
	boot_as(IN_PLACE, &relocate);
	boot_as(MOVED, &relocate);
	is(DOMAIN, XML(THERE));
	boot_as(CARD " -@10000-08/06:vfio-pci#0a+6", &relocate);
	is(DOMAIN, XML(AWAY));
	boot_as(IN_PLACE, &block);
	is(DOMAIN, XML(HOME));
}
END_TEST

START_TEST(relocation_and_hold_go_together)
{
	/* hostpci0 moves, hostpci1 is gone, hostpci2 has some of both. */
	static const char was[] = "hostpci0: 0000:06:00.0\nhostpci1: 0000:07:00.0\n"
				  "hostpci2: 06:00.0;07:00.0\ncores: 2\n";

	world_set(&world, RESOURCES, "vm: 101\n\tstate stopped\n");
	world_set(&world, GUEST, was);
	boot_as(IN_PLACE " -@07#0b", &relocate);
	boot_as(MOVED, &relocate);
	is(GUEST, "hostpci0: 0000:08:00.0\nhostpci1: mapping=hwrecover-hold-0000_07_00-0\n"
		  "hostpci2: mapping=hwrecover-hold-06_00-0--07_00-0\ncores: 2\n");
	is_settled(MOVED, &relocate);
	boot_as(MOVED, &relocate);
	/* What is right again is written as it has to be by then. */
	boot_as(MOVED " -@07#0b", &relocate);
	is(GUEST, "hostpci0: 0000:08:00.0\nhostpci1: 0000:07:00.0\n"
		  "hostpci2: 08:00.0;07:00.0\ncores: 2\n");
	is_settled(MOVED " -@07#0b", &relocate);
	boot_as(IN_PLACE " -@07#0b", &relocate);
	is(GUEST, was);
}
END_TEST

START_TEST(libvirts_link_is_taken_away_and_put_back)
{
	world_set(&world, DOMAIN, XML(HOME));
	world_set(&world, LINK, "../win10.xml");
	world_set(&world, LIBVIRT_AUTOSTART "/other.xml", "../other.xml");
	boot(IN_PLACE);
	boot(CARD);
	is(DOMAIN, XML(HOME));
	ck_assert_ptr_null(world_text(&world, LINK));
	is(LIBVIRT_AUTOSTART "/other.xml", "../other.xml");
	is_settled(CARD, &block);
	boot(CARD);
	ck_assert_ptr_null(world_text(&world, LINK));
	boot(IN_PLACE);
	is(LINK, "../win10.xml");
	ck_assert_uint_eq(world.recorded.n_turned_off, 0);
	is_settled(IN_PLACE, &block);
}
END_TEST

START_TEST(a_link_that_is_put_back_is_a_link)
{
	const struct plan_file *file;

	world_set(&world, DOMAIN, XML(HOME));
	world_set(&world, LINK, "../win10.xml");
	boot(IN_PLACE);
	boot(CARD);
	look_as(IN_PLACE, &block);
	ck_assert_uint_eq(look.plan.n_files, 1);
	file = &look.plan.files[0];
	ck_assert(file->now_attributes->is_link);
	ck_assert_uint_eq(file->now_attributes->mode, 0777);
	ck_assert_ptr_null(file->was.data);
}
END_TEST

START_TEST(libvirts_link_that_somebody_made_is_taken_away_again)
{
	world_set(&world, DOMAIN, XML(HOME));
	world_set(&world, LINK, "../win10.xml");
	boot(IN_PLACE);
	boot(CARD);
	world_set(&world, LINK, LIBVIRT_DOMAINS "/win10.xml");
	boot(CARD);
	ck_assert_ptr_null(world_text(&world, LINK));
	boot(IN_PLACE);
	is(LINK, LIBVIRT_DOMAINS "/win10.xml");
}
END_TEST

#define DEVICE                                                                              \
	"<hostdev mode='subsystem' type='pci'><source><address bus='6' slot='0'/></source>" \
	"</hostdev>"
#define DEVICES DEVICE DEVICE DEVICE DEVICE

/* A copy that somebody left next to the file has the guest's name. */
START_TEST(two_files_of_one_guest_are_judged_each_for_itself)
{
	static const char copy[] = "<domain><name>win10</name><devices>" DEVICES DEVICES DEVICES
				   "</devices></domain>\n";

	world_set(&world, DOMAIN, XML(HOME));
	world_set(&world, LIBVIRT_DOMAINS "/win10-old.xml", copy);
	world_set(&world, LINK, "../win10.xml");
	boot_as(IN_PLACE, &hold);
	boot_as(CARD, &hold);
	ck_assert_ptr_null(world_text(&world, LINK));
	boot_as(MOVED, &relocate);
	is(DOMAIN, XML(THERE));
	boot_as(IN_PLACE, &hold);
	is(LINK, "../win10.xml");
	is(LIBVIRT_DOMAINS "/win10-old.xml", copy);
}
END_TEST

#define FINE                                                                               \
	"<domain><name>win10</name><devices><hostdev mode='subsystem' type='pci'><source>" \
	"<address bus='5' slot='0'/></source></hostdev></devices></domain>\n"

START_TEST(of_two_files_of_one_guest_the_wrong_one_counts)
{
	static const char *const paths[] = { DOMAIN, LIBVIRT_DOMAINS "/win10-old.xml" };

	for (size_t wrong = 0; wrong < 2; wrong++) {
		/* In either order of reading. */
		world_done(&world);
		world_set(&world, paths[0], wrong == 0 ? XML(HOME) : FINE);
		world_set(&world, paths[1], wrong == 1 ? XML(HOME) : FINE);
		world_set(&world, LINK, "../win10.xml");
		boot(IN_PLACE);
		boot(CARD);
		ck_assert_msg(!world_text(&world, LINK), "with %s", paths[wrong]);
		boot(IN_PLACE);
		is(LINK, "../win10.xml");
	}
}
END_TEST

START_TEST(what_ran_at_shutdown_is_not_started_and_not_remembered)
{
	world_set(&world, DOMAIN, XML(HOME));
	boot(IN_PLACE);
	world_set(&world, LIBVIRT_RUNNING, RUNNING);
	boot(CARD);
	is(LIBVIRT_RUNNING, "default " STRANGER "\nqemu:///session " UUID "\n");
	ck_assert_uint_eq(world.recorded.n_turned_off, 0);
	boot(IN_PLACE);
	is(LIBVIRT_RUNNING, "default " STRANGER "\nqemu:///session " UUID "\n");
}
END_TEST

static const struct rendered *rendered_of(const char *path)
{
	for (size_t i = 0; i < look.resolution.n_subjects; i++)
		if (strcmp(look.resolution.subjects[i].document->path, path) == 0)
			return &look.plan.rendered[i];
	ck_abort_msg("no %s", path);
	return NULL;
}

START_TEST(what_may_not_be_edited_now_is_pending)
{
	world_set(&world, GUEST, "onboot: 1\n" ENTRY);
	boot(IN_PLACE);
	look_as(CARD, &without_quorum);
	ck_assert_uint_eq(look.plan.n_files, 0);
	ck_assert(look.plan.pending && rendered_of(GUEST)->pending);
	world_apply(&world, &look);
	is(GUEST, "onboot: 1\n" ENTRY);
	look_as(CARD, &without_quorum);
	ck_assert(look.plan.pending);
	/* Once it may, it is done, and nothing is pending. */
	boot(CARD);
	is(GUEST, "onboot: 0\n" ENTRY);
	is_settled(CARD, &without_quorum);
	boot_as(CARD, &without_quorum);
	ck_assert_uint_eq(world.recorded.n_turned_off, 1);
	look_as(IN_PLACE, &without_quorum);
	ck_assert(look.plan.pending);
	ck_assert_uint_eq(look.plan.n_files, 0);
	world_apply(&world, &look);
	boot(IN_PLACE);
	is(GUEST, "onboot: 1\n" ENTRY);
	is_settled(IN_PLACE, &without_quorum);
}
END_TEST

START_TEST(what_is_not_there_yet_is_pending)
{
	world_set(&world, GUEST, "onboot: 1\n" ENTRY);
	boot(IN_PLACE);
	world.remembered = true;
	look_as(CARD, &block);
	ck_assert(look.plan.pending);
	ck_assert_uint_eq(look.plan.n_files, 0);
	look_as(IN_PLACE, &block);
	ck_assert(!look.plan.pending);
}
END_TEST

START_TEST(where_nobody_starts_a_guest_nothing_is_pending)
{
	world_set(&world, GUEST, ENTRY);
	boot(IN_PLACE);
	look_as(CARD, &without_quorum);
	ck_assert(!look.plan.pending);
	ck_assert(look.resolution.guests[0].off);
}
END_TEST

START_TEST(what_is_held_stays_held_while_nothing_may_be_edited)
{
	world_set(&world, GUEST, "onboot: 1\n" ENTRY);
	boot_as(IN_PLACE, &hold);
	boot_as(CARD, &hold);
	boot_as(CARD, &without_quorum);
	is(GUEST, "onboot: 0\n" HELD);
	boot_as(IN_PLACE, &report);
	is(GUEST, "onboot: 0\n" HELD);
	ck_assert(!look.plan.pending);
	/* Its mentions keep their meaning meanwhile. */
	boot_as(CARD " -@06/0c#0b+6", &report);
	boot(CARD " -@06/0c#0b+6");
	is(GUEST, "onboot: 0\n" HELD);
	boot(IN_PLACE);
	is(GUEST, "onboot: 1\n" ENTRY);
}
END_TEST

START_TEST(report_edits_nothing)
{
	world_set(&world, DOMAIN, XML(HOME));
	world_set(&world, LINK, "../win10.xml");
	world_set(&world, LIBVIRT_RUNNING, RUNNING);
	world_set(&world, GUEST, "onboot: 1\n" ENTRY);
	boot(IN_PLACE);
	boot_as(CARD, &report);
	is(GUEST, "onboot: 1\n" ENTRY);
	is(LINK, "../win10.xml");
	is(LIBVIRT_RUNNING, RUNNING);
	ck_assert_uint_eq(world.recorded.n_turned_off, 0);
	/* A link that is away stays away. */
	boot(CARD);
	ck_assert_ptr_null(world_text(&world, LINK));
	boot_as(IN_PLACE, &report);
	ck_assert_ptr_null(world_text(&world, LINK));
	ck_assert_uint_eq(world.recorded.n_turned_off, 2);
	boot(IN_PLACE);
	is(LINK, "../win10.xml");
	is(GUEST, "onboot: 1\n" ENTRY);
}
END_TEST

START_TEST(a_release_undoes_block_and_hold)
{
	world_set(&world, GUEST, "onboot: 1\n" ENTRY);
	world_set(&world, RESOURCES, "vm: 101\n");
	boot(IN_PLACE);
	boot(CARD " -@06/0c#0b+6");
	is(GUEST, "onboot: 0\n" HELD);
	world.release = "pve/qemu/101";
	boot(CARD " -@06/0c#0b+6");
	world.release = NULL;
	is(GUEST, "onboot: 1\n" ENTRY);
	is(RESOURCES, "vm: 101\n");
	is_settled(CARD " -@06/0c#0b+6", &block);
}
END_TEST

START_TEST(a_hold_that_somebody_takes_out_is_no_release)
{
	world_set(&world, GUEST, ENTRY);
	boot_as(IN_PLACE, &hold);
	boot_as(CARD " -@06/0c#0b+6", &hold);
	is(GUEST, HELD);
	world_set(&world, GUEST, "cores: 2\n" ENTRY);
	boot_as(CARD " -@06/0c#0b+6", &hold);
	is(GUEST, "cores: 2\n" HELD);
	/* Another device is. */
	world_set(&world, GUEST, "cores: 2\nhostpci0: 05:00.0\n");
	boot_as(CARD " -@06/0c#0b+6", &hold);
	is(GUEST, "cores: 2\nhostpci0: 05:00.0\n");
}
END_TEST

START_TEST(adopting_undoes_block_and_hold)
{
	world_set(&world, DOMAIN, XML(HOME));
	world_set(&world, LINK, "../win10.xml");
	world_set(&world, GUEST, "onboot: 1\n" ENTRY);
	boot_as(IN_PLACE, &hold);
	boot_as(CARD " -@06/0c#0b+6", &hold);
	is(GUEST, "onboot: 0\n" HELD);
	world.adopt = true;
	boot_as(CARD " -@06/0c#0b+6", &hold);
	world.adopt = false;
	is(GUEST, "onboot: 1\n" ENTRY);
	is(LINK, "../win10.xml");
	is_settled(CARD " -@06/0c#0b+6", &hold);
	boot_as(IN_PLACE, &hold);
	is(GUEST, "onboot: 0\n" HELD);
}
END_TEST

START_TEST(at_the_first_boot_nothing_is_edited)
{
	world_set(&world, GUEST, "onboot: 0\n" HELD);
	look_as(CARD, &block);
	ck_assert_uint_eq(look.plan.n_files, 0);
	world_apply(&world, &look);
	is(GUEST, "onboot: 0\n" HELD);
	is_settled(CARD, &report);
}
END_TEST

START_TEST(a_person_may_say_so_at_the_first_boot)
{
	world_set(&world, GUEST, "onboot: 0\n" HELD);
	world.release = "pve/qemu/101";
	boot(IN_PLACE);
	is(GUEST, "onboot: 0\n" ENTRY);
}
END_TEST

START_TEST(what_its_reader_rejects_is_left)
{
	world_set(&world, DOMAIN, XML(HOME));
	boot_as(IN_PLACE, &relocate);
	world_set(&world, DOMAIN, XML(HOME) "</domain>\n");
	boot_as(MOVED, &relocate);
	is(DOMAIN, XML(HOME) "</domain>\n");
	world_set(&world, DOMAIN, XML(HOME));
	boot_as(MOVED, &relocate);
	is(DOMAIN, XML(THERE));
}
END_TEST

static const char *choose(unsigned int *seed, const char *const *of, size_t n)
{
	return of[(size_t)rand_r(seed) % n];
}

#define CHOOSE(seed, of) choose(seed, of, ARRAY_SIZE(of))

static void random_guest(unsigned int *seed, struct buffer *text)
{
	static const char *const lines[] = {
		"onboot: 1\n",
		"onboot: 0\n",
		"#note\n",
		"cores: 2\r\n",
		"hostpci0: 05:00.0\n",
		"hostpci1: 0000:06:00.0,pcie=1\n",
		"hostpci2: host=07:00,x-vga=1\n",
		"hostpci3: mapping=gpu\n",
		"hostpci4: 0000:06:00.0;07:00.0\n",
		"hostpci5: nonsense\n",
		"args: -device vfio-pci,host=05:00.0\n",
		"scsi1: /dev/disk/by-path/pci-0000:06:00.0-ata-1\n",
		"[PENDING]\n",
		"delete: hostpci0\n",
		"\n[snap]\n",
	};

	text->size = 0;
	buffer_append_text(text, "name: x\n");
	for (int n = rand_r(seed) % 12; n > 0; n--)
		buffer_append_text(text, CHOOSE(seed, lines));
	if (rand_r(seed) % 3 == 0)
		text->size--;
}

static void random_world(unsigned int *seed)
{
	static const char *const containers[] = {
		"onboot: 1\n" BY_PATH,
		BY_PATH "lxc.net.0.type: phys\nlxc.net.0.link: enp7s0",
		"lxc.net.0.type: phys\nlxc.net.0.link: enp9s0\nonboot: 1\n",
	};
	static const char *const mappings[] = {
		"gpu\n\tmap id=8086:1521,iommugroup=5,node=" NODE ",path=0000:05:00.0\n",
		"gpu\n\tmap node=" NODE ",path=0000:06:00.0;0000:07:00.0,id=8086:1521,iommugroup=6",
		"gpu\n\tmap id=8086:1521,node=pve2,path=0000:05:00.0\n",
	};
	static const char *const resources[] = { "", "vm: 101\n\tstate started\n", "ct: 105",
						 "vm: 102\n\nvm: 101\n\tstate stopped\n" };
	struct buffer text = { 0 };

	random_guest(seed, &text);
	world_set_bytes(&world, GUEST, buffer_bytes(&text));
	random_guest(seed, &text);
	world_set_bytes(&world, QEMU "102.conf", buffer_bytes(&text));
	world_set(&world, CONTAINER, CHOOSE(seed, containers));
	world_set(&world, MAPPINGS, CHOOSE(seed, mappings));
	world_set(&world, RESOURCES, CHOOSE(seed, resources));
	world_set(&world, DOMAIN, XML(HOME));
	world_set(&world, LINK, "../win10.xml");
	buffer_done(&text);
}

#define FIRST "-@05#05+5 -@06#0a+6 enp7s0=07@07#07+7"

/* Whatever happens to the hardware, and may be done about it meanwhile: with the old hardware all
 * is as it was, and nothing is done twice. */
START_TEST(the_old_hardware_brings_the_old_files_back)
{
	static const char *const hardware[] = {
		FIRST,
		"",
		"-@05#05+5 -@06#0b+6 enp7s0=07@07#07+7",
		"-@05#05+5 -@08/06#0a+6 enp7s0=07@07#07+7",
		"-@06/05#05+6 -@07/06#0a+7 enp8s0=07@08/07#07+8",
		"-@05#05+6 -@06#0a+6 -@09#0c+7*root enp7s0=07@07#07+7",
		"-@10000-05/05#05+15 -@06/07#0c+6*root enp7s0=0d@07#0d+7",
		"-@05!+5 -@06#0a+6 enp9s0=07@09#07+17",
	};
	static const struct policy *const policies[] = { &block,    &hold,           &relocate,
							 &report,   &without_quorum, &keep_off,
							 &keep_held };
	unsigned int seed = (unsigned int)_i + 1;
	char *was[WORLD_FILES];

	random_world(&seed);
	boot(FIRST);
	for (size_t i = 0; i < world.n_files; i++)
		was[i] = strdup(world.files[i].data);
	for (int n = rand_r(&seed) % 6; n >= 0; n--) {
		const struct policy *policy =
			policies[(size_t)rand_r(&seed) % ARRAY_SIZE(policies)];
		const char *now = CHOOSE(&seed, hardware);

		boot_as(now, policy);
		look_as(now, policy);
		ck_assert_uint_eq(look.plan.n_files, 0);
		world_apply(&world, &look);
	}
	boot_as(FIRST, rand_r(&seed) % 2 ? &relocate : &block);
	for (size_t i = 0; i < world.n_files; i++) {
		ck_assert_msg(world.files[i].data && strcmp(world.files[i].data, was[i]) == 0,
			      "%s is\n%s\nnot\n%s", world.files[i].path, world.files[i].data,
			      was[i]);
		free(was[i]);
	}
	ck_assert_uint_eq(world.recorded.n_turned_off, 0);
}
END_TEST

/* One document, put back by itself. */
static void is_put_back(const char *path, const char *text, const struct meanings *meanings,
			const char *wanted, bool held)
{
	const struct scan_context context = { .root = &tree_root, .node = NODE };
	const struct name_set names = { NULL, 0 };
	struct document document = { .source = world_source_of(path), .path = path };
	struct subject subject = { .document = &document };

	ck_assert_int_eq(bytes_duplicate(bytes_of(text), &document.data), 0);
	document.size = strlen(text);
	ck_assert_int_eq(guest_put_back(meanings, &context, &names, &subject), 0);
	/* What was found on the way is not what the document is by now. */
	ck_assert_ptr_null(document.guest);
	ck_assert_uint_eq(document.n_references + document.n_switches, 0);
	ck_assert_msg(bytes_equal_text(document_bytes(&document), wanted), "%.*s",
		      (int)document.size, document.data);
	ck_assert_msg(bytes_equal_text(document_disk_bytes(&document), text), "%s", text);
	ck_assert((document.disk != NULL) == (strcmp(text, wanted) != 0));
	ck_assert(subject.was_held == held);
	subject_done(&subject);
	document_done(&document);
}

START_TEST(a_hold_is_put_back_from_the_file_alone)
{
	static const struct meanings nothing;

	is_put_back(GUEST, HELD, &nothing, ENTRY, true);
	is_put_back(GUEST, ENTRY, &nothing, ENTRY, false);
	is_put_back(GUEST, ARGS "hostpci15: mapping=hwrecover-hold\n", &nothing, ARGS, true);
	is_put_back(CONTAINER, BY_PATH HOLD_LINE, &nothing, BY_PATH, true);
	/* What only looks like one is somebody's own. */
	is_put_back(GUEST, "hostpci0: mapping=hwrecover-hold-x\n", &nothing,
		    "hostpci0: mapping=hwrecover-hold-x\n", false);
	is_put_back(MAPPINGS, "gpu\n", &nothing, "gpu\n", false);
}
END_TEST

START_TEST(another_end_of_the_line_is_no_other_switch)
{
	struct turned_off off = { "pve/qemu/101", GUEST, false, "onboot: yes\n", "onboot: 0\n" };
	const struct meanings meanings = { .turned_off = &off, .n_turned_off = 1 };

	is_put_back(GUEST, "onboot: 0", &meanings, "onboot: yes", false);
	is_put_back(GUEST, "onboot: 0\r\n#\r\n", &meanings, "onboot: yes\r\n#\r\n", false);
	is_put_back(GUEST, "onboot: no", &meanings, "onboot: no", false);
	off.was = "onboot: yes";
	off.now = "onboot: 0";
	is_put_back(GUEST, "onboot: 0\ncores: 2\n", &meanings, "onboot: yes\ncores: 2\n", false);
	/* A line that was put in is taken out whole. */
	off.path = RESOURCES;
	off.was = "";
	off.now = "\tstate stopped\n";
	is_put_back(RESOURCES, "vm: 101\n\tstate stopped", &meanings, "vm: 101\n", false);
	is_put_back(RESOURCES, "vm: 101\r\n\tstate stopped\r\n", &meanings, "vm: 101\r\n", false);
	off.now = "\n\tstate stopped\n";
	is_put_back(RESOURCES, "vm: 101\n\tstate stopped\n", &meanings, "vm: 101", false);
}
END_TEST

START_TEST(a_switch_is_put_back_where_it_stands_as_it_was_left)
{
	struct turned_off offs[] = {
		{ "pve/qemu/102", GUEST, false, "onboot: other\n", "onboot: 0\n" },
		{ "pve/qemu/101", QEMU "102.conf", false, "onboot: other\n", "onboot: 0\n" },
		{ "pve/qemu/101", GUEST, true, "onboot: other\n", "onboot: 0\n" },
		{ "pve/qemu/101", GUEST, false, "onboot: yes\n", "onboot: 0\n" },
	};
	const struct meanings meanings = { .turned_off = offs, .n_turned_off = ARRAY_SIZE(offs) };

	is_put_back(GUEST, "onboot: 0\n", &meanings, "onboot: yes\n", false);
	is_put_back(GUEST, "#\nonboot: 0\ncores: 2\n", &meanings, "#\nonboot: yes\ncores: 2\n",
		    false);
	is_put_back(GUEST, "onboot: 1\n", &meanings, "onboot: 1\n", false);
	is_put_back(GUEST, "onboot: 0\n" HELD, &meanings, "onboot: yes\n" ENTRY, true);
	/* Longer than all that stands there. */
	offs[3].now = "onboot: 0 \n";
	is_put_back(GUEST, "onboot: 0\n", &meanings, "onboot: 0\n", false);
	is_put_back(GUEST, "#\nonboot: 0\n", &meanings, "#\nonboot: 0\n", false);
	/* An empty text would stand everywhere. */
	offs[3].now = "";
	is_put_back(GUEST, "onboot: 0\n", &meanings, "onboot: 0\n", false);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("guest-render");
	TCase *tests = tcase_create("guest-render");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tests, 60);
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, block_turns_off_what_starts_a_guest_by_itself);
	tcase_add_test(tests, where_nothing_starts_a_guest_nothing_is_edited);
	tcase_add_test(tests, guests_without_parts_of_the_host_are_never_touched);
	tcase_add_test(tests, turning_it_on_by_hand_is_no_release);
	tcase_add_test(tests, what_somebody_turned_off_otherwise_stays_off);
	tcase_add_test(tests, what_an_editor_sorted_is_found_again);
	tcase_add_test(tests, hold_replaces_the_device);
	tcase_add_test(tests, hold_replaces_what_is_wrong_in_all_sections_and_nothing_else);
	tcase_add_test(tests, hold_of_a_mapping_keeps_its_name);
	tcase_add_test(tests, what_cannot_be_replaced_is_held_by_a_line);
	tcase_add_test(tests, a_guest_without_a_free_number_is_only_blocked);
	tcase_add_test(tests, a_container_is_held_by_a_line);
	tcase_add_test(tests, a_hold_that_is_only_to_be_a_block_stays_until_all_is_well);
	tcase_add_test(tests, a_hold_stays_as_it_is_where_nothing_is_to_be_restored);
	tcase_add_test(tests, a_block_stays_as_it_is_where_nothing_is_to_be_restored);
	tcase_add_test(tests, high_availability_is_stopped);
	tcase_add_test(tests, a_state_that_somebody_changed_is_his);
	tcase_add_test(tests, a_line_put_in_is_not_looked_for_where_there_is_no_room_for_it);
	tcase_add_test(tests, relocate_rewrites_all_sections);
	tcase_add_test(tests, relocate_rewrites_mappings);
	tcase_add_test(tests, relocate_rewrites_attributes);
	tcase_add_test(tests, relocation_and_hold_go_together);
	tcase_add_test(tests, libvirts_link_is_taken_away_and_put_back);
	tcase_add_test(tests, a_link_that_is_put_back_is_a_link);
	tcase_add_test(tests, libvirts_link_that_somebody_made_is_taken_away_again);
	tcase_add_test(tests, two_files_of_one_guest_are_judged_each_for_itself);
	tcase_add_test(tests, of_two_files_of_one_guest_the_wrong_one_counts);
	tcase_add_test(tests, what_ran_at_shutdown_is_not_started_and_not_remembered);
	tcase_add_test(tests, what_may_not_be_edited_now_is_pending);
	tcase_add_test(tests, what_is_not_there_yet_is_pending);
	tcase_add_test(tests, where_nobody_starts_a_guest_nothing_is_pending);
	tcase_add_test(tests, what_is_held_stays_held_while_nothing_may_be_edited);
	tcase_add_test(tests, report_edits_nothing);
	tcase_add_test(tests, a_release_undoes_block_and_hold);
	tcase_add_test(tests, a_hold_that_somebody_takes_out_is_no_release);
	tcase_add_test(tests, adopting_undoes_block_and_hold);
	tcase_add_test(tests, at_the_first_boot_nothing_is_edited);
	tcase_add_test(tests, a_person_may_say_so_at_the_first_boot);
	tcase_add_test(tests, what_its_reader_rejects_is_left);
	tcase_add_loop_test(tests, the_old_hardware_brings_the_old_files_back, 0, 200);
	tcase_add_test(tests, a_hold_is_put_back_from_the_file_alone);
	tcase_add_test(tests, another_end_of_the_line_is_no_other_switch);
	tcase_add_test(tests, a_switch_is_put_back_where_it_stands_as_it_was_left);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
