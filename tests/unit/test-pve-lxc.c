/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bind-scan.h"
#include "tree.h"

#include "recovery/sources/pve.h"

#define PATH      "/etc/pve/nodes/pve1/lxc/105.conf"
#define HOLD_LINE "lxc.include: /usr/lib/hwrecover/hwrecover-hold\n"
#define BY_NUMBER                                                                        \
	" names a device by a number, which may be another one's once the hardware has " \
	"changed\n"

static void setup(void)
{
	begin(&pve_lxc_source, PATH);
}

/* All settings, as "LINE SECTION KEY N;" with "+" where it counts at the next start, "!" taken. */
static void devices(const char *wanted)
{
	const struct guest_config *guest = document->guest;
	struct buffer found = { 0 };
	size_t n = 0;

	for (size_t i = 0; i < guest->n_devices; i++) {
		const struct guest_device *device = &guest->devices[i];

		ck_assert_uint_eq(device->first, n);
		ck_assert(!device->held && device->hold.length == 0 && !device->mapping);
		for (; n < device->first + device->n; n++) {
			const struct reference *reference = &document->references[n];

			ck_assert_str_eq(reference->key, device->key);
			ck_assert_str_eq(reference->block, device->section);
			ck_assert_uint_eq(reference->line, device->line);
			ck_assert_str_eq(reference->owner, "pve/lxc/105");
			ck_assert_int_eq(reference->shape, PARK_NEVER);
		}
		buffer_appendf(&found, "%u %s%s %zu%s%s;", device->line, device->section,
			       device->key, device->n, device->at_start ? "+" : "",
			       device->taken ? "!" : "");
	}
	ck_assert_uint_eq(n, document->n_references);
	ck_assert_str_eq(found.size ? found.data : "", wanted);
	buffer_done(&found);
}

/* The file with an edit made in it, scanned. */
static void edit(struct span span, const char *replacement, const char *wanted)
{
	const struct edit item = { .span = span, .text = bytes_of(replacement) };
	char *text;
	size_t size;

	ck_assert_int_eq(edits_apply(document_bytes(document), &item, 1, &text, &size), 0);
	ck_assert_str_eq(text, wanted);
	scan(text);
	free(text);
}

/* The file once it is held; the line is found again, and without it the file is as it was. */
static void held(const char *wanted)
{
	_cleanup_free_ char *was = NULL;
	struct span line;

	ck_assert_int_eq(bytes_duplicate(document_bytes(document), &was), 0);
	ck_assert_str_eq(document->guest->hold_line, HOLD_LINE);
	ck_assert_uint_eq(document->guest->held_line.length, 0);
	edit((struct span){ document->guest->hold_at, 0 }, HOLD_LINE, wanted);
	line = document->guest->held_line;
	ck_assert(bytes_equal_text(document_text(document, line), HOLD_LINE));
	edit(line, "", was);
}

START_TEST(addresses_in_paths_are_mentions)
{
	finds("arch: amd64\n"
	      "dev0: /dev/dri/by-path/pci-‹0000:05:00.0›-render,mode=0660\n"
	      "dev1: gid=44,path=/dev/serial/by-path/pci-‹10000:e1:00.0›-usb-0:1:1.0\n"
	      "mp0: /dev/disk/by-path/pci-‹0000:00:0e.0›-pci-‹10000:01:00.0›-nvme-1,mp=/srv\n"
	      "rootfs: volume=/dev/disk/by-path/pci-‹0000:00:1f.2›-ata-1,size=8G\n"
	      "lxc.mount.entry: /dev/dri/by-path/pci-‹0000:05:00.0›-card dev/dri/card0 none bind\n"
	      "lxc.mount.entry = /dev/disk/by-path/pci-‹0000:06:00.1›-sas-1 srv ext4 0 0\n");
	devices("2 dev0 1+;3 dev1 1+;4 mp0 2+;5 rootfs 1+;6 lxc.mount.entry 1+;"
		"7 lxc.mount.entry 1+;");
	ck_assert_str_eq(document->guest->id, "pve/lxc/105");
	ck_assert(!document->guest->template);
	ck_assert_uint_eq(document->references[1].address.domain, 0x10000);
	ck_assert_int_eq(document->references[0].kind, REFERENCE_ADDRESS);
	notes("");
}
END_TEST

START_TEST(other_text_is_no_mention)
{
	finds("#dev0: /dev/dri/by-path/pci-0000:05:00.0-render\n"
	      "description: /dev/dri/by-path/pci-0000:05:00.0-render\n"
	      "dev256: /dev/dri/by-path/pci-0000:05:00.0-render\n"
	      "dev00: /dev/dri/by-path/pci-0000:05:00.0-render\n"
	      "dev0 : /dev/dri/by-path/pci-0000:05:00.0-render\n"
	      " dev0: /dev/dri/by-path/pci-0000:05:00.0-render\n"
	      "dev0: mode=0660\n"
	      "dev1: /dev/dri/by-path/usb-0000:05:00.0\n"
	      "dev2: /dev/dri/by-path/pci-0000:05:00\n"
	      "dev3: /dev/dri/by-path/pci-05:00.0\n"
	      "dev4: /srv/dev/by-path/pci-0000:05:00.0\n"
	      "mp0: local:105/x.raw,mp=/dev/disk/by-path/pci-0000:05:00.0\n"
	      "mp1: /srv/0000:05:00.0,mp=/srv\n"
	      "unused0: /dev/disk/by-path/pci-0000:05:00.0\n"
	      "net0: name=enp5s0,bridge=enp5s0,type=veth\n"
	      "lxc.mount.entry: /sys sys/by-path/pci-0000:05:00.0 none bind\n"
	      "lxc.net.0.name: enp5s0\n"
	      "lxc.mount.entry:\n");
	devices("");
	notes("");
}
END_TEST

START_TEST(links_that_lxc_hands_over_are_mentions)
{
	finds("lxc.net.0.link: ‹enp6s0›\n"
	      "lxc.net.0.type: phys\n"
	      "lxc.net.1.type = macvlan\n"
	      "lxc.net.1.link = ‹enp5s0›.100\n"
	      "lxc.net.2.type: ipvlan\n"
	      "lxc.net.2.link: ‹enp5s0›\n"
	      "lxc.net.3.type: phys\n"
	      "lxc.net.3.link: ‹enp5s0›.7\n"
	      "lxc.net.4.type: vlan\n"
	      "lxc.net.4.link: ‹enp5s0›\n"
	      "lxc.net.5.type: veth\n"
	      "lxc.net.5.link: enp5s0\n"
	      "lxc.net.6.link: enp5s0\n"
	      "lxc.net.7.type: phys\n"
	      "lxc.net.7.link: enp7s0\n"
	      "lxc.net.8.type: phys\n"
	      "lxc.net.8.link: enp5s0:1\n");
	devices("1 lxc.net.0.link 1+!;4 lxc.net.1.link 1+;6 lxc.net.2.link 1+;"
		"8 lxc.net.3.link 1+;10 lxc.net.4.link 1+;");
	for (size_t i = 0; i < document->n_references; i++) {
		ck_assert_int_eq(document->references[i].kind, REFERENCE_NIC);
		ck_assert(document->references[i].limited);
	}
	ck_assert_uint_eq(document->references[0].suffix, 0);
	ck_assert_uint_eq(document->references[1].suffix, 4);
}
END_TEST

START_TEST(the_last_type_and_the_last_link_of_a_network_count)
{
	finds("lxc.net.0.type: veth\n"
	      "lxc.net.0.link: ‹enp6s0›\n"
	      "lxc.net.0.link: ‹enp5s0›\n"
	      "lxc.net.1.type: phys\n"
	      "lxc.net.1.link: enp5s0\n"
	      "lxc.net.1.type: veth\n"
	      "lxc.net.0.type: phys\n");
	devices("2 lxc.net.0.link 1!;3 lxc.net.0.link 1+!;");
}
END_TEST

START_TEST(networks_without_a_number_begin_with_their_type)
{
	finds("lxc.network.link = enp5s0\n"
	      "lxc.network.type = phys\n"
	      "lxc.network.link = ‹enp6s0›\n"
	      "lxc.network.type = veth\n"
	      "lxc.network.link = enp5s0\n"
	      "lxc.network.type = macvlan\n"
	      "lxc.network.link = ‹enp5s0›\n"
	      "[snap]\n"
	      "lxc.network.link = enp5s0\n");
	devices("3 lxc.network.link 1+!;7 lxc.network.link 1+;");
}
END_TEST

START_TEST(a_setting_that_comes_again_counts_the_last_time)
{
	finds("dev0: /dev/dri/by-path/pci-‹0000:05:00.0›-render\n"
	      "dev0: /dev/dri/by-path/pci-‹0000:06:00.0›-render\n"
	      "mp0: /dev/disk/by-path/pci-‹0000:06:00.0›-sas-1,mp=/srv\n"
	      "mp0: local:105/x.raw,mp=/srv\n");
	devices("1 dev0 1;2 dev0 1+;3 mp0 1;");
}
END_TEST

START_TEST(what_is_pending_counts_at_the_next_start)
{
	finds("dev0: /dev/dri/by-path/pci-‹0000:05:00.0›-render\n"
	      "dev1: /dev/dri/by-path/pci-‹0000:05:00.0›-card\n"
	      "dev2: /dev/dri/by-path/pci-‹0000:06:00.0›-card\n"
	      "dev3: /dev/dri/by-path/pci-‹0000:06:00.0›-card\n"
	      "lxc.net.0.type: phys\n"
	      "lxc.net.0.link: ‹enp6s0›\n"
	      "\n"
	      "[PVE:pending]\n"
	      "dev0: /dev/dri/by-path/pci-‹0000:07:00.0›-render\n"
	      "dev3: /dev/dri/by-path/pci-‹0000:07:00.0›-card\n"
	      "delete: dev2\n"
	      "delete: !dev1;mp0, dev3\n"
	      "\n"
	      "[before-upgrade]\n"
	      "dev0: /dev/dri/by-path/pci-‹0000:05:00.0›-render\n"
	      "onboot: 1\n");
	devices("1 dev0 1;2 dev1 1;3 dev2 1+;4 dev3 1;6 lxc.net.0.link 1+!;"
		"9 [PVE:pending]dev0 1+;10 [PVE:pending]dev3 1+;15 [before-upgrade]dev0 1;");
	ck_assert_uint_eq(document->n_switches, 0);
}
END_TEST

START_TEST(the_last_pending_section_replaces_the_others)
{
	finds("dev0: /dev/dri/by-path/pci-‹0000:05:00.0›-render\n"
	      "[pve:pending]\n"
	      "delete: dev0\n"
	      "dev1: /dev/dri/by-path/pci-‹0000:05:00.0›-render\n"
	      "[pve:pending]\n"
	      "dev2: /dev/dri/by-path/pci-‹0000:05:00.0›-render\n");
	devices("1 dev0 1+;4 [pve:pending]dev1 1;6 [pve:pending]dev2 1+;");
}
END_TEST

START_TEST(pending_settings_of_lxc_replace_all_others)
{
	finds("dev0: /dev/dri/by-path/pci-‹0000:05:00.0›-render\n"
	      "lxc.mount.entry: /dev/dri/by-path/pci-‹0000:05:00.0›-card dev/dri/card0 none bind\n"
	      "[pve:pending]\n"
	      "lxc.mount.entry: /dev/dri/by-path/pci-‹0000:06:00.0›-card dev/dri/card0 none bind\n");
	devices("1 dev0 1+;2 lxc.mount.entry 1;4 [pve:pending]lxc.mount.entry 1+;");
	scan("lxc.mount.entry: /dev/dri/by-path/pci-0000:05:00.0-card dev/dri/card0 none bind\n"
	     "[pve:pending]\n"
	     "delete: lxc\n"
	     "[snap]\n");
	devices("1 lxc.mount.entry 1;");
	held("lxc.mount.entry: /dev/dri/by-path/pci-0000:05:00.0-card dev/dri/card0 none bind\n"
	     "[pve:pending]\n"
	     "delete: lxc\n" HOLD_LINE "[snap]\n");
}
END_TEST

START_TEST(a_template_starts_nothing)
{
	scan("dev0: /dev/dri/by-path/pci-0000:05:00.0-render\ntemplate: 1\n");
	ck_assert(document->guest->template);
	devices("1 dev0 1;");
	scan("dev0: /dev/dri/by-path/pci-0000:05:00.0-render\ntemplate: 1\ntemplate: 0\n"
	     "[snap]\ntemplate: 1\n");
	ck_assert(!document->guest->template);
	devices("1 dev0 1+;");
}
END_TEST

START_TEST(numbers_of_devices_are_told)
{
	finds("dev0: /dev/dri/renderD128,gid=104\n"
	      "mp0: /dev/sdb1,mp=/srv\n"
	      "lxc.mount.entry: /dev/dri/card0 dev/dri/card0 none bind,optional,create=file\n"
	      "lxc.cgroup2.devices.allow: c 226:128 rwm\n"
	      "lxc.cgroup.devices.allow = b 8:16 rwm\n"
	      "lxc.cgroup2.devices.allow: c 226:* rwm\n"
	      "lxc.cgroup2.devices.allow: c 10:200 rwm\n"
	      "lxc.cgroup2.devices.allow: a\n"
	      "lxc.cgroup2.devices.deny: c 226:128 rwm\n"
	      "lxc.mount.entry: /dev/net/tun dev/net/tun none bind\n"
	      "lxc.mount.entry: /dev/dri dev/dri none bind\n"
	      "mp1: /dev/pve/vm-105-disk-1,mp=/srv\n"
	      "dev1: /dev/kvm\n"
	      "dev2: /dev/disk/by-id/ata-x-part1\n"
	      "[snap]\n"
	      "dev0: /dev/dri/renderD128\n");
	devices("");
	notes("1: dev0" BY_NUMBER "2: mp0" BY_NUMBER "3: lxc.mount.entry" BY_NUMBER
	      "4: lxc.cgroup2.devices.allow" BY_NUMBER "5: lxc.cgroup.devices.allow" BY_NUMBER);
}
END_TEST

START_TEST(autostart_is_a_whole_line)
{
	scan("arch: amd64\nonboot: 1 \nswap: 0\n");
	ck_assert_uint_eq(document->n_switches, 1);
	ck_assert_int_eq(document->switches[0].kind, SWITCH_AUTOSTART);
	ck_assert_str_eq(document->switches[0].guest, "pve/lxc/105");
	ck_assert(document->switches[0].on);
	edit(document->switches[0].span, document->switches[0].off,
	     "arch: amd64\nonboot: 0\nswap: 0\n");
	ck_assert_uint_eq(document->n_switches, 1);
	ck_assert(!document->switches[0].on);
	ck_assert_str_eq(document->switches[0].off, "onboot: 0\n");
	ck_assert(bytes_equal_text(document_text(document, document->switches[0].span),
				   "onboot: 0\n"));
}
END_TEST

START_TEST(the_last_autostart_of_the_current_section_counts)
{
	scan("onboot: 1\nonboot: off\n[pve:pending]\nonboot: 1\n[snap]\nonboot: 1\n");
	ck_assert_uint_eq(document->n_switches, 1);
	ck_assert(!document->switches[0].on);
	edit(document->switches[0].span, document->switches[0].off,
	     "onboot: 1\nonboot: off\n[pve:pending]\nonboot: 1\n[snap]\nonboot: 1\n");
	/* What is no boolean stays, and is true. */
	scan("onboot: 0\nonboot: maybe");
	ck_assert(document->switches[0].on);
	edit(document->switches[0].span, document->switches[0].off, "onboot: 0\nonboot: 0");
	scan("swap: 0\n");
	ck_assert_uint_eq(document->n_switches, 0);
}
END_TEST

START_TEST(a_hold_is_a_line_of_the_current_section)
{
	scan("arch: amd64\n");
	held("arch: amd64\n" HOLD_LINE);
	scan("arch: amd64\n\n[snap]\narch: amd64\n");
	held("arch: amd64\n" HOLD_LINE "\n[snap]\narch: amd64\n");
	scan("arch: amd64\nswap: 0");
	held("arch: amd64\n" HOLD_LINE "swap: 0");
	scan("[snap]\narch: amd64\n");
	held(HOLD_LINE "[snap]\narch: amd64\n");
	scan("");
	held(HOLD_LINE);
	scan("arch: amd64\n[pve:pending]\nswap: 0\n");
	held("arch: amd64\n" HOLD_LINE "[pve:pending]\nswap: 0\n");
	/* To Proxmox this is no head. */
	scan("arch: amd64\n[0]\nswap: 0\n");
	held("arch: amd64\n[0]\nswap: 0\n" HOLD_LINE);
}
END_TEST

START_TEST(a_hold_is_known_however_it_is_spelled)
{
	scan("swap: 0\nlxc.include =  /usr/lib/hwrecover/hwrecover-hold \narch: amd64\n");
	edit(document->guest->held_line, "", "swap: 0\narch: amd64\n");
	scan("lxc.include: /usr/lib/hwrecover/hwrecover-hold-x\n"
	     "lxc.hook.pre-mount: /usr/lib/hwrecover/hwrecover-hold\n"
	     "#" HOLD_LINE "[snap]\n" HOLD_LINE);
	ck_assert_uint_eq(document->guest->held_line.length, 0);
}
END_TEST

START_TEST(containers_of_this_node_are_read)
{
	struct problem problem = { 0 };

	end();
	tree_setup();
	scan_context.root = &tree_root;
	tree_file(PATH, "arch: amd64\n");
	tree_file("/etc/pve/nodes/pve1/lxc/105.conf.tmp.77", "arch: amd64\n");
	tree_file("/etc/pve/nodes/pve1/lxc/x.conf", "arch: amd64\n");
	tree_file("/etc/pve/nodes/pve1/lxc/0105.conf", "arch: amd64\n");
	tree_file("/etc/pve/nodes/pve1/qemu-server/100.conf", "cores: 1\n");
	tree_file("/etc/pve/nodes/pve2/lxc/106.conf", "arch: amd64\n");
	ck_assert_int_eq(
		pve_lxc_source.collect(&pve_lxc_source, &scan_context, &documents, &problem), 0);
	ck_assert_uint_eq(documents.n_items, 0);
	scan_context.pve_folder = "/etc/pve/nodes/pve1";
	ck_assert_int_eq(
		pve_lxc_source.collect(&pve_lxc_source, &scan_context, &documents, &problem), 0);
	tree_teardown();
	ck_assert_uint_eq(documents.n_items, 1);
	ck_assert_str_eq(documents.items[0]->path, PATH);
	ck_assert(pve_lxc_source.owns(PATH));
	ck_assert(pve_lxc_source.owns("/etc/pve/lxc/105.conf"));
	ck_assert(!pve_lxc_source.owns("/etc/pve/nodes/pve1/qemu-server/100.conf"));
}
END_TEST

static void add(TCase *tests)
{
	tcase_add_test(tests, addresses_in_paths_are_mentions);
	tcase_add_test(tests, other_text_is_no_mention);
	tcase_add_test(tests, links_that_lxc_hands_over_are_mentions);
	tcase_add_test(tests, the_last_type_and_the_last_link_of_a_network_count);
	tcase_add_test(tests, networks_without_a_number_begin_with_their_type);
	tcase_add_test(tests, a_setting_that_comes_again_counts_the_last_time);
	tcase_add_test(tests, what_is_pending_counts_at_the_next_start);
	tcase_add_test(tests, the_last_pending_section_replaces_the_others);
	tcase_add_test(tests, pending_settings_of_lxc_replace_all_others);
	tcase_add_test(tests, a_template_starts_nothing);
	tcase_add_test(tests, numbers_of_devices_are_told);
	tcase_add_test(tests, autostart_is_a_whole_line);
	tcase_add_test(tests, the_last_autostart_of_the_current_section_counts);
	tcase_add_test(tests, a_hold_is_a_line_of_the_current_section);
	tcase_add_test(tests, a_hold_is_known_however_it_is_spelled);
	tcase_add_test(tests, containers_of_this_node_are_read);
}

int main(void)
{
	return run_tests("pve-lxc", add, setup);
}
