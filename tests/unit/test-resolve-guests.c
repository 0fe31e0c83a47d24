/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which guests must not start, from what their settings lead to, and why. */
#include <check.h>
#include <stdio.h>

#include "recovery/guest.h"
#include "tests/unit/world.h"

#define GUEST      QEMU "101.conf"
#define OTHER      QEMU "102.conf"
#define CONTAINER  LXC "105.conf"
#define DOMAIN     LIBVIRT_DOMAINS "/win10.xml"
#define LINK       LIBVIRT_AUTOSTART "/win10.xml"
#define UUID       "4dea22b3-1d52-d8f3-2516-782e98ab3fa0"
#define OTHER_UUID "4dea22b3-1d52-d8f3-2516-782e98ab3fa1"

#define ENTRY  "hostpci0: 0000:06:00.0,pcie=1\n"
#define ONBOOT "onboot: 1\n"

static const struct policy block = { .restore = true, .guests = GUESTS_BLOCK };

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

static void look_at(const char *hardware)
{
	look_as(hardware, &block);
}

static void boot(const char *hardware)
{
	world_boot_as(&world, hardware, &block);
}

/* One file of a guest, recorded with some hardware. */
static void begin(const char *text, const char *hardware)
{
	world_set(&world, GUEST, text);
	boot(hardware);
}

static void tell(const struct guest_verdict *verdict, struct buffer *text)
{
	ck_assert_ptr_eq(resolution_find_guest(&look.resolution, verdict->id), verdict);
	buffer_appendf(text, "%s%s%s%s%s%s", verdict->id, verdict->affected ? " affected" : "",
		       verdict->proof ? " proof" : "", verdict->off ? " off" : "",
		       verdict->hold ? " hold" : "", verdict->autostart ? " autostart" : "");
	if (verdict->reason)
		buffer_appendf(text, ": %s", verdict->reason);
	if (verdict->forbidden)
		buffer_appendf(text, " | %s", verdict->forbidden);
}

/* All guests, "ID[ affected][ proof][ off][ hold][ autostart][: REASON][ | FORBIDDEN]", a line
 * each. */
static void expect(const char *wanted)
{
	struct buffer text = { 0 };

	buffer_append_text(&text, "");
	for (size_t i = 0; i < look.resolution.n_guests; i++) {
		buffer_append_text(&text, i > 0 ? "\n" : "");
		tell(&look.resolution.guests[i], &text);
	}
	ck_assert_str_eq(text.size ? text.data : "", wanted);
	buffer_done(&text);
}

#define CARD     "-@05#05+5"
#define IN_PLACE CARD " -@06:vfio-pci#0a+6"
#define GONE     "pve/qemu/101 affected off autostart: hostpci0 0000:06:00.0: device gone"

START_TEST(a_guest_whose_devices_are_there_starts)
{
	begin(ENTRY ONBOOT, IN_PLACE);
	look_at(IN_PLACE);
	expect("pve/qemu/101 autostart");
	world_set(&world, GUEST, ENTRY "onboot: 0\n");
	look_at(IN_PLACE);
	expect("pve/qemu/101");
}
END_TEST

START_TEST(a_guest_whose_device_is_gone_does_not)
{
	begin(ENTRY ONBOOT, IN_PLACE);
	look_at(CARD);
	expect(GONE);
	look_at(CARD " -@06/0c#0b+6");
	expect("pve/qemu/101 affected proof off autostart: hostpci0 0000:06:00.0: device gone; "
	       "8086:1521, serial 52-54-00-ff-ff-00-00-0b is there now");
}
END_TEST

START_TEST(guests_are_told_by_id_and_only_if_they_have_parts_of_the_host)
{
	world_set(&world, CONTAINER, "lxc.net.0.type: phys\nlxc.net.0.link: enp5s0\n");
	world_set(&world, OTHER, "onboot: 1\nnet0: virtio,bridge=vmbr0\n");
	world_set(&world, GUEST, ENTRY);
	world_set(&world, QEMU "1000.conf", "hostpci0: 05:00.0\n");
	look_at("enp5s0=05@05#05 -@06#0a");
	expect("pve/lxc/105\npve/qemu/1000\npve/qemu/101");
	ck_assert_ptr_null(resolution_find_guest(&look.resolution, "pve/qemu/102"));
}
END_TEST

START_TEST(only_the_affected_ones_are_kept_off)
{
	world_set(&world, OTHER, "hostpci0: 0000:05:00.0\n" ONBOOT);
	begin(ENTRY ONBOOT, IN_PLACE);
	look_at(CARD);
	expect(GONE "\npve/qemu/102 autostart");
}
END_TEST

START_TEST(what_does_not_count_at_the_start_does_not_keep_it_off)
{
	const struct guest_verdict *verdict;

	begin("hostpci1: 0000:05:00.0\n" ONBOOT "\n[before]\n" ENTRY, IN_PLACE);
	look_at(CARD);
	expect("pve/qemu/101 autostart");
	verdict = resolution_find_guest(&look.resolution, "pve/qemu/101");
	ck_assert(!verdict->devices[0] && verdict->devices[1]);
	/* A person is told of it. */
	ck_assert(look.resolution.subjects[0].findings[1].warn);

	world_set(&world, GUEST, "template: 1\n" ENTRY ONBOOT);
	boot(IN_PLACE);
	look_at(CARD);
	expect("pve/qemu/101 autostart");
}
END_TEST

START_TEST(what_is_pending_counts)
{
	begin("hostpci0: 0000:05:00.0\n[PENDING]\n" ENTRY, IN_PLACE);
	look_at(CARD);
	expect("pve/qemu/101 affected off: hostpci0 0000:06:00.0: device gone");
	/* What is replaced by it does not. */
	look_at("-@06:vfio-pci#0a+6");
	expect("pve/qemu/101");
}
END_TEST

START_TEST(the_first_reason_is_told)
{
	begin("hostpci1: 0000:05:00.0\n" ENTRY ONBOOT, IN_PLACE);
	look_at("");
	expect("pve/qemu/101 affected off autostart: hostpci1 0000:05:00.0: device gone");
	/* Nothing is said twice. */
	ck_assert(!look.resolution.subjects[0].findings[0].warn);
	ck_assert(!look.resolution.subjects[0].findings[1].warn);
}
END_TEST

START_TEST(policy_says_what_is_done)
{
	struct policy policy = block;

	begin(ENTRY ONBOOT, IN_PLACE);
	policy.guests = GUESTS_HOLD;
	look_as(CARD, &policy);
	expect("pve/qemu/101 affected off hold autostart: hostpci0 0000:06:00.0: device gone");
	policy.guests = GUESTS_RELOCATE;
	look_as(CARD, &policy);
	expect(GONE);
	look_as(CARD " -@08/06#0a+6", &policy);
	expect("pve/qemu/101 autostart");
	policy.guests = GUESTS_REPORT;
	policy.why_no_guests = "Autostart=report";
	look_as(CARD, &policy);
	expect("pve/qemu/101 affected autostart: hostpci0 0000:06:00.0: device gone");
	ck_assert(look.resolution.subjects[0].findings[0].warn);
}
END_TEST

#define JOINED                                                                                   \
	"pve/qemu/101 affected proof off autostart: hostpci0 0000:06:00.0: its IOMMU group now " \
	"also holds "

START_TEST(who_joins_the_group_would_be_taken_along)
{
	begin(ENTRY ONBOOT, IN_PLACE);
	look_at("enp5s0=05@05#05+6 -@06:vfio-pci#0a+6");
	expect(JOINED "0000:05:00.0 (8086:1521, enp5s0)");
	look_at(IN_PLACE " -@07%10d3#0c+6");
	expect(JOINED "0000:07:00.0 (8086:10d3)");
	/* It stays so. */
	world_apply(&world, &look);
	look_at(IN_PLACE " -@07%10d3#0c+6");
	expect(JOINED "0000:07:00.0 (8086:10d3)");
	world_apply(&world, &look);
	look_at(IN_PLACE);
	expect("pve/qemu/101 autostart");
}
END_TEST

START_TEST(a_newcomer_that_the_host_needs_makes_it_a_hold)
{
	begin(ENTRY, IN_PLACE);
	look_at(IN_PLACE " -@07%10d3#0c+6*root");
	expect("pve/qemu/101 affected proof off hold: hostpci0 0000:06:00.0: its IOMMU group now "
	       "also holds 0000:07:00.0 (8086:10d3), needed by the host: root | hostpci0 "
	       "0000:07:00.0: is needed by the host: root");
}
END_TEST

START_TEST(who_was_in_the_group_before_may_stay)
{
	/* A new number of the group, and new addresses of its members, change nothing. */
	begin(ENTRY, IN_PLACE " -@07%10d3#0c+6");
	look_at(CARD " -@06:vfio-pci#0a+9 -@08/07%10d3#0c+9");
	expect("pve/qemu/101");
	look_at(CARD " -@06:vfio-pci#0a+9");
	expect("pve/qemu/101");
	/* Who was away for a while comes back. */
	world_apply(&world, &look);
	look_at(IN_PLACE " -@07%10d3#0c+6");
	expect("pve/qemu/101");
}
END_TEST

START_TEST(who_takes_the_place_of_a_member_is_a_stranger)
{
	begin(ENTRY, "usb0=01 enp5s0=05@05#05+5 -@06:vfio-pci#0a+6 -@07%10d3#0c+6");
	look_at("usb0=01 enp5s0=05@05#05+5 -@06:vfio-pci#0a+6 enp7s0=0d@07%10d3#0d+6");
	expect("pve/qemu/101 affected proof off: hostpci0 0000:06:00.0: its IOMMU group now also "
	       "holds 0000:07:00.0 (8086:10d3, enp7s0)");
}
END_TEST

START_TEST(what_is_not_to_be_had_now_has_no_group)
{
	begin("hostpci0: 0000:06:00.2\n", CARD " -@06#0a+6 -@06.2%1520&06+7");
	look_at("-@05#05+7 -@06#0a+6");
	expect("pve/qemu/101");
	look_at("-@05#05+7 -@06#0a+6 -@06.2%1520&06+7");
	expect("pve/qemu/101 affected proof off: hostpci0 0000:06:00.2: its IOMMU group now also "
	       "holds 0000:05:00.0 (8086:1521)");
	begin(ENTRY, IN_PLACE);
	look_at("-@05#05+6 -@06!+6");
	expect("pve/qemu/101");
}
END_TEST

START_TEST(bridges_are_not_taken_along)
{
	begin(ENTRY, IN_PLACE);
	look_at(IN_PLACE " -@01^060400+6 -@02^060900+6");
	expect("pve/qemu/101");
	look_at(IN_PLACE " -@01^060000+6");
	expect("pve/qemu/101 affected proof off: hostpci0 0000:06:00.0: its IOMMU group now also "
	       "holds 0000:01:00.0 (8086:1521)");
}
END_TEST

START_TEST(who_joins_and_is_handed_over_too_is_no_stranger)
{
	begin(ENTRY "hostpci1: 0000:05:00.0\n", IN_PLACE);
	look_at("-@05#05+6 -@06:vfio-pci#0a+6");
	expect("pve/qemu/101");
	/* A mediated device takes no function. */
	world_set(&world, GUEST, ENTRY "hostpci1: 0000:05:00.0,mdev=nvidia-35\n");
	boot(IN_PLACE);
	look_at("-@05#05+6 -@06:vfio-pci#0a+6");
	expect("pve/qemu/101 affected proof off: hostpci0 0000:06:00.0: its IOMMU group now also "
	       "holds 0000:05:00.0 (8086:1521)");
	/* Nor has it a company. */
	world_set(&world, GUEST, "hostpci1: 0000:05:00.0,mdev=nvidia-35\n");
	boot(IN_PLACE);
	look_at("-@05#05+6 -@06:vfio-pci#0a+6");
	expect("pve/qemu/101");
}
END_TEST

START_TEST(without_groups_nothing_is_compared)
{
	begin(ENTRY, "-@05#05 -@06#0a");
	look_at("-@05#05+6 -@06#0a+6");
	expect("pve/qemu/101");
	/* From then on it is known. */
	world_apply(&world, &look);
	look_at("-@05#05 -@06#0a");
	expect("pve/qemu/101");
	world_apply(&world, &look);
	look_at("-@05#05+6 -@06#0a+6");
	expect("pve/qemu/101");
	look_at("-@05#05+6 -@06#0a+6 -@07#0c+6");
	expect("pve/qemu/101 affected proof off: hostpci0 0000:06:00.0: its IOMMU group now also "
	       "holds 0000:07:00.0 (8086:1521)");
}
END_TEST

START_TEST(a_whole_slot_has_the_company_of_all_its_functions)
{
	begin("hostpci0: 0000:06:00\n", "-@05#05+5 -@06#0a+6 -@06.1#0a+7 -@06.2#0a");
	look_at("-@05#05+7 -@06#0a+6 -@06.1#0a+7 -@06.2#0a");
	expect("pve/qemu/101 affected proof off: hostpci0 0000:06:00.1: its IOMMU group now also "
	       "holds 0000:05:00.0 (8086:1521)");
	/* Their groups are parted, or joined. */
	look_at("-@05#05+5 -@06#0a+6 -@06.1#0a+6 -@06.2#0a+6");
	expect("pve/qemu/101");
	/* A function that comes later is handed over with the slot, and was not meant. */
	look_at("-@05#05+5 -@06#0a+6 -@06.1#0a+7 -@06.2#0a -@06.3#0a+6");
	expect("pve/qemu/101 affected proof off: hostpci0 0000:06:00.0: its IOMMU group now also "
	       "holds 0000:06:00.3 (8086:1521)");
}
END_TEST

START_TEST(a_released_guest_has_the_company_of_today)
{
	begin(ENTRY, IN_PLACE);
	boot("-@05#05+6 -@06:vfio-pci#0a+6");
	world.release = "pve/qemu/101";
	look_at("-@05#05+6 -@06:vfio-pci#0a+6");
	expect("pve/qemu/101");
	world_apply(&world, &look);
	world.release = NULL;
	look_at("-@05#05+6 -@06:vfio-pci#0a+6");
	expect("pve/qemu/101");
	look_at("-@05#05+6 -@06:vfio-pci#0a+6 -@07#0c+6");
	expect("pve/qemu/101 affected proof off: hostpci0 0000:06:00.0: its IOMMU group now also "
	       "holds 0000:07:00.0 (8086:1521)");
}
END_TEST

#define MAP(id, address, group) \
	id "\n\tmap id=8086:1521,iommugroup=" group ",node=" NODE ",path=" address "\n\n"

START_TEST(a_mapping_is_right_where_its_device_is)
{
	world_set(&world, OTHER, "hostpci3: mapping=nic\n");
	world_set(&world, MAPPINGS,
		  MAP("gpu", "0000:06:00.0", "6") MAP("nic", "0000:05:00.0", "5"));
	begin("hostpci1: mapping=gpu,pcie=1\n", IN_PLACE);
	look_at(IN_PLACE);
	expect("pve/qemu/101\npve/qemu/102");
	look_at(CARD);
	expect("pve/qemu/101 affected off: hostpci1 mapping gpu: path 0000:06:00.0: device gone\n"
	       "pve/qemu/102");
	look_at(IN_PLACE " -@07%10d3#0c+6");
	expect("pve/qemu/101 affected proof off: hostpci1 0000:06:00.0: its IOMMU group now also "
	       "holds 0000:07:00.0 (8086:10d3)\npve/qemu/102");
	/* Of groups that only have another number, too: Proxmox compares it. */
	look_at("-@05#05+5 -@06:vfio-pci#0a+24");
	expect("pve/qemu/101 affected off: hostpci1 mapping gpu: 0000:06:00.0: iommugroup is 24 "
	       "now, not 6, and Proxmox VE compares it\npve/qemu/102");
}
END_TEST

START_TEST(a_mapping_that_nobody_knows_leads_nowhere)
{
	world_set(&world, MAPPINGS, MAP("gpu2", "0000:06:00.0", "6"));
	begin("hostpci1: mapping=gpu\n", IN_PLACE);
	look_at(CARD);
	expect("pve/qemu/101");
}
END_TEST

START_TEST(what_the_host_needs_there_makes_it_a_hold)
{
	begin(ENTRY ONBOOT, IN_PLACE);
	look_at(CARD " -@06/0c#0b+6*root");
	expect("pve/qemu/101 affected proof off hold autostart: hostpci0 0000:06:00.0: device gone; "
	       "8086:1521, serial 52-54-00-ff-ff-00-00-0b is there now, needed by the host: root");
}
END_TEST

START_TEST(what_stands_for_a_snapshot_makes_no_hold)
{
	begin("hostpci1: 0000:05:00.0\n[before]\n" ENTRY, IN_PLACE);
	look_at("-@06/0c#0b+6*root");
	expect("pve/qemu/101 affected off: hostpci1 0000:05:00.0: device gone");
}
END_TEST

#define NEEDED "hostpci0 0000:06:00.0: is needed by the host: root"

START_TEST(what_it_always_meant_is_only_said_when_the_host_needs_it)
{
	begin(ENTRY, CARD " -@06#0a+6");
	look_at(CARD " -@06#0a+6*root");
	expect("pve/qemu/101 | " NEEDED);
	look_at(CARD " -@06#0a+6*display");
	expect("pve/qemu/101");
	look_at(CARD " -@06#0a");
	expect("pve/qemu/101");
}
END_TEST

#define NEEDED_DISK CARD " -@06#0a+6*root"

START_TEST(a_new_setting_does_not_take_what_the_host_needs)
{
	struct policy policy = block;

	begin("cores: 2\n", NEEDED_DISK);
	world_set(&world, GUEST, ENTRY ONBOOT);
	look_at(NEEDED_DISK);
	expect("pve/qemu/101 affected proof off hold autostart: " NEEDED " | " NEEDED);
	/* Nor later on. */
	world_apply(&world, &look);
	look_at(NEEDED_DISK);
	ck_assert(look.resolution.guests[0].off && look.resolution.guests[0].hold);
	ck_assert(look.resolution.guests[0].proof);
	/* Unless a person says so. */
	policy.release_protected = true;
	world.release = "pve/qemu/101";
	look_as(NEEDED_DISK, &policy);
	expect("pve/qemu/101 autostart");
}
END_TEST

START_TEST(what_takes_no_function_may_name_what_the_host_needs)
{
	begin("cores: 2\n", NEEDED_DISK);
	world_set(&world, GUEST, "hostpci0: 0000:06:00.0,mdev=nvidia-35\n[before]\n" ENTRY);
	look_at(NEEDED_DISK);
	expect("pve/qemu/101");
}
END_TEST

START_TEST(a_new_setting_does_not_take_along_what_the_host_needs)
{
	begin("cores: 2\n", CARD " -@06#0a+6 -@07#0c+6*root -@08^060400+6*bus");
	world_set(&world, GUEST, ENTRY "hostpci1: 0000:07:00.0\n");
	look_at(CARD " -@06#0a+6 -@07#0c+6*root -@08^060400+6*bus");
	expect("pve/qemu/101 affected proof off hold: hostpci0 0000:07:00.0: is needed by the "
	       "host: root | hostpci0 0000:07:00.0: is needed by the host: root");
	/* Bridges are not taken, and without groups nothing is. */
	look_at(CARD " -@06#0a+6 -@07#0c+7 -@08^060400+6*bus");
	expect("pve/qemu/101");
	look_at(CARD " -@06#0a -@07#0c -@08*root");
	expect("pve/qemu/101");
}
END_TEST

#define HA(state) "vm: 101\n\tgroup g\n" state "\nct: 105\n\tstate started\n"

START_TEST(a_guest_under_high_availability_is_held)
{
	world_set(&world, RESOURCES, HA("\tstate started\n"));
	begin(ENTRY "onboot: 0\n", IN_PLACE);
	look_at(CARD);
	expect("pve/qemu/101 affected off hold autostart: hostpci0 0000:06:00.0: device gone");
}
END_TEST

START_TEST(high_availability_alone_counts_where_there_is_any)
{
	world_set(&world, RESOURCES, HA("\tstate stopped\n"));
	begin(ENTRY ONBOOT, IN_PLACE);
	look_at(CARD);
	expect("pve/qemu/101 affected off hold: hostpci0 0000:06:00.0: device gone");
	world_set(&world, RESOURCES, HA("\tstate ignored\n"));
	look_at(CARD);
	expect(GONE);
	world_set(&world, RESOURCES, HA(""));
	look_at(IN_PLACE);
	expect("pve/qemu/101 autostart");
}
END_TEST

#define XML(uuid)                                                                             \
	"<domain type='kvm'><name>win10</name>" uuid "<devices><hostdev mode='subsystem' "    \
	"type='pci'><source><address domain='0x0000' bus='0x06' slot='0x00' function='0x0'/>" \
	"</source></hostdev></devices></domain>\n"
#define XML_UUID XML("<uuid>" UUID "</uuid>")

START_TEST(libvirts_guests_are_started_by_links_and_lists)
{
	world_set(&world, DOMAIN, XML_UUID);
	boot(IN_PLACE);
	look_at(IN_PLACE);
	expect("libvirt/win10");
	world_set(&world, LINK, LIBVIRT_DOMAINS "/win10.xml");
	look_at(IN_PLACE);
	expect("libvirt/win10 autostart");
	world_remove(&world, LINK);
	world_set(&world, LIBVIRT_RUNNING, "default " OTHER_UUID "\n");
	look_at(IN_PLACE);
	expect("libvirt/win10");
	world_set(&world, LIBVIRT_RUNNING, "default " OTHER_UUID " " UUID "\n");
	look_at(CARD);
	expect("libvirt/win10 affected off autostart: hostdev 0000:06:00.0: device gone");
	/* Whose UUID is not known is in no list. */
	world_set(&world, DOMAIN, XML(""));
	look_at(IN_PLACE);
	expect("libvirt/win10");
}
END_TEST

/* What was turned off. */
static void begin_off(const char *text)
{
	begin(text, IN_PLACE);
	boot(CARD);
	look_at(CARD);
	ck_assert(look.resolution.guests[0].off);
}

START_TEST(what_is_back_starts_again)
{
	begin_off(ENTRY ONBOOT);
	look_at(IN_PLACE);
	expect("pve/qemu/101 autostart");
}
END_TEST

START_TEST(what_is_back_stays_off_where_that_is_wanted)
{
	struct policy policy = block;

	policy.restore = false;
	begin_off(ENTRY ONBOOT);
	look_as(IN_PLACE, &policy);
	expect("pve/qemu/101 affected off autostart: its devices are there, but Restore=no keeps "
	       "it off");
	/* Until a person says otherwise. */
	world.release = "pve/qemu/101";
	look_as(IN_PLACE, &policy);
	expect("pve/qemu/101 autostart");
	world.release = "pve/qemu/102";
	look_as(IN_PLACE, &policy);
	expect("pve/qemu/101 affected off autostart: its devices are there, but Restore=no keeps "
	       "it off");
	world.release = NULL;
	world.adopt = true;
	look_as(IN_PLACE, &policy);
	expect("pve/qemu/101 autostart");
	world.adopt = false;
	/* Who was never off is not kept off. */
	world_set(&world, OTHER, "hostpci0: 0000:05:00.0\n" ONBOOT);
	look_as(IN_PLACE, &policy);
	ck_assert(!resolution_find_guest(&look.resolution, "pve/qemu/102")->off);
}
END_TEST

START_TEST(a_hold_stays_where_nothing_is_to_be_restored)
{
	struct policy policy = { .restore = true, .guests = GUESTS_HOLD };

	begin(ENTRY, IN_PLACE);
	world_boot_as(&world, CARD, &policy);
	ck_assert(look.result == 0);
	policy.restore = false;
	policy.guests = GUESTS_BLOCK;
	look_as(IN_PLACE, &policy);
	expect("pve/qemu/101 affected off hold: its devices are there, but Restore=no keeps it "
	       "off");
}
END_TEST

START_TEST(a_hold_stays_while_something_is_wrong)
{
	struct policy policy = { .restore = true, .guests = GUESTS_HOLD };

	begin(ENTRY, IN_PLACE);
	world_boot_as(&world, CARD, &policy);
	look_at(CARD);
	expect("pve/qemu/101 affected off hold: hostpci0 0000:06:00.0: device gone");
	look_at(IN_PLACE);
	expect("pve/qemu/101");
}
END_TEST

static const char *const uses[] = { NULL, "mounted on /srv", NULL };
static const char *const other_uses[] = { "swap", NULL, NULL };

START_TEST(what_is_back_waits_while_the_host_uses_it)
{
	struct policy policy = block;

	policy.host_uses = uses;
	begin_off(ENTRY ONBOOT);
	look_as(CARD " -@06:nvme#0a+6", &policy);
	expect("pve/qemu/101 affected off autostart: hostpci0 0000:06:00.0: the host uses it in "
	       "this boot: mounted on /srv; from the next boot on");
	look_as(CARD " -@06#0a+6", &policy);
	ck_assert(look.resolution.guests[0].off);
	/* A driver for guests has it, whatever somebody did with it once. */
	look_as(CARD " -@06:vfio-pci#0a+6", &policy);
	expect("pve/qemu/101 autostart");
	policy.host_uses = other_uses;
	look_as(CARD " -@06:nvme#0a+6", &policy);
	expect("pve/qemu/101 autostart");
}
END_TEST

START_TEST(what_was_not_off_need_not_wait)
{
	struct policy policy = block;

	policy.host_uses = uses;
	begin(ENTRY ONBOOT, CARD " -@06:nvme#0a+6");
	look_as(CARD " -@06:nvme#0a+6", &policy);
	expect("pve/qemu/101 autostart");
}
END_TEST

START_TEST(what_takes_no_function_need_not_wait)
{
	struct policy policy = block;

	policy.host_uses = uses;
	begin_off("hostpci0: 0000:06:00.0,mdev=nvidia-35\n" ONBOOT "\n[before]\n" ENTRY);
	look_as(CARD " -@06:nvme#0a+6", &policy);
	expect("pve/qemu/101 autostart");
}
END_TEST

START_TEST(what_is_followed_waits_while_the_host_uses_it)
{
	struct policy policy = { .restore = true, .guests = GUESTS_RELOCATE, .host_uses = uses };

	begin(ENTRY ONBOOT, IN_PLACE);
	look_as(CARD " -@08/06:nvme#0a+6", &policy);
	expect("pve/qemu/101 affected off autostart: hostpci0 0000:08:00.0: the host uses it in "
	       "this boot: mounted on /srv; from the next boot on");
	policy.host_uses = other_uses;
	look_as(CARD " -@08/06:nvme#0a+6", &policy);
	expect("pve/qemu/101 autostart");
}
END_TEST

START_TEST(a_mapping_that_is_followed_waits_while_the_host_uses_its_device)
{
	struct policy policy = { .restore = true, .guests = GUESTS_RELOCATE, .host_uses = uses };

	world_set(&world, MAPPINGS, MAP("gpu", "0000:06:00.0", "6"));
	begin("hostpci1: mapping=gpu\n", IN_PLACE);
	look_as(CARD " -@08/06:nvme#0a+6", &policy);
	expect("pve/qemu/101 affected off: hostpci1 0000:08:00.0: the host uses it in this boot: "
	       "mounted on /srv; from the next boot on");
}
END_TEST

START_TEST(at_the_first_boot_everything_is_right)
{
	world_set(&world, GUEST, ENTRY ONBOOT "[before]\nhostpci2: 0000:09:00.0\n");
	look_at(IN_PLACE);
	expect("pve/qemu/101 autostart");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("resolve-guests");
	TCase *tests = tcase_create("resolve-guests");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tests, 60);
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, a_guest_whose_devices_are_there_starts);
	tcase_add_test(tests, a_guest_whose_device_is_gone_does_not);
	tcase_add_test(tests, guests_are_told_by_id_and_only_if_they_have_parts_of_the_host);
	tcase_add_test(tests, only_the_affected_ones_are_kept_off);
	tcase_add_test(tests, what_does_not_count_at_the_start_does_not_keep_it_off);
	tcase_add_test(tests, what_is_pending_counts);
	tcase_add_test(tests, the_first_reason_is_told);
	tcase_add_test(tests, policy_says_what_is_done);
	tcase_add_test(tests, who_joins_the_group_would_be_taken_along);
	tcase_add_test(tests, a_newcomer_that_the_host_needs_makes_it_a_hold);
	tcase_add_test(tests, who_was_in_the_group_before_may_stay);
	tcase_add_test(tests, who_takes_the_place_of_a_member_is_a_stranger);
	tcase_add_test(tests, what_is_not_to_be_had_now_has_no_group);
	tcase_add_test(tests, bridges_are_not_taken_along);
	tcase_add_test(tests, who_joins_and_is_handed_over_too_is_no_stranger);
	tcase_add_test(tests, without_groups_nothing_is_compared);
	tcase_add_test(tests, a_whole_slot_has_the_company_of_all_its_functions);
	tcase_add_test(tests, a_released_guest_has_the_company_of_today);
	tcase_add_test(tests, a_mapping_is_right_where_its_device_is);
	tcase_add_test(tests, a_mapping_that_nobody_knows_leads_nowhere);
	tcase_add_test(tests, what_the_host_needs_there_makes_it_a_hold);
	tcase_add_test(tests, what_stands_for_a_snapshot_makes_no_hold);
	tcase_add_test(tests, what_it_always_meant_is_only_said_when_the_host_needs_it);
	tcase_add_test(tests, a_new_setting_does_not_take_what_the_host_needs);
	tcase_add_test(tests, what_takes_no_function_may_name_what_the_host_needs);
	tcase_add_test(tests, a_new_setting_does_not_take_along_what_the_host_needs);
	tcase_add_test(tests, a_guest_under_high_availability_is_held);
	tcase_add_test(tests, high_availability_alone_counts_where_there_is_any);
	tcase_add_test(tests, libvirts_guests_are_started_by_links_and_lists);
	tcase_add_test(tests, what_is_back_starts_again);
	tcase_add_test(tests, what_is_back_stays_off_where_that_is_wanted);
	tcase_add_test(tests, a_hold_stays_where_nothing_is_to_be_restored);
	tcase_add_test(tests, a_hold_stays_while_something_is_wrong);
	tcase_add_test(tests, what_is_back_waits_while_the_host_uses_it);
	tcase_add_test(tests, what_was_not_off_need_not_wait);
	tcase_add_test(tests, what_takes_no_function_need_not_wait);
	tcase_add_test(tests, what_is_followed_waits_while_the_host_uses_it);
	tcase_add_test(tests, a_mapping_that_is_followed_waits_while_the_host_uses_its_device);
	tcase_add_test(tests, at_the_first_boot_everything_is_right);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
