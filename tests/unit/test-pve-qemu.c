/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bind-scan.h"
#include "tree.h"

#include "recovery/sources/pve.h"

static void setup(void)
{
	begin(&pve_qemu_source, "/etc/pve/nodes/pve1/qemu-server/101.conf");
}

static const char *show_text(const char *text)
{
	return text ? text : "-";
}

/*
 * All devices, a line each: "LINE [SECTION]KEY now|never taken|used", then the references by their
 * text, the mapping, what is held, and in parentheses what a hold replaces.
 */
static void devices(const char *wanted)
{
	const struct guest_config *guest = document->guest;
	struct buffer found = { 0 };

	ck_assert_ptr_nonnull(guest);
	buffer_append_text(&found, "");
	for (size_t i = 0; i < guest->n_devices; i++) {
		const struct guest_device *device = &guest->devices[i];

		buffer_appendf(&found, "%u %s%s %s %s", device->line, device->section, device->key,
			       device->at_start ? "now" : "never",
			       device->taken ? "taken" : "used");
		for (size_t j = device->first; j < device->first + device->n; j++) {
			const struct reference *reference = &document->references[j];

			ck_assert_str_eq(reference->key, device->key);
			ck_assert_str_eq(reference->block, device->section);
			ck_assert_uint_eq(reference->line, device->line);
			buffer_append_char(&found, ' ');
			buffer_append(&found, document_text(document, reference->span));
			buffer_append_text(&found, reference->whole_slot ? "*" : "");
		}
		if (device->mapping)
			buffer_appendf(&found, " mapping %s", device->mapping);
		if (device->held)
			buffer_appendf(&found, " held %s", show_text(device->original));
		if (device->hold.length > 0) {
			buffer_append_text(&found, " (");
			buffer_append(&found, document_text(document, device->hold));
			buffer_append_char(&found, ')');
		}
		buffer_append_char(&found, '\n');
	}
	ck_assert_str_eq(found.size ? found.data : "", wanted);
	buffer_done(&found);
}

/* Scans one value of hostpci0 and expects one device, without "1 hostpci0 now ". */
static void value_is(const char *value, const char *wanted)
{
	struct buffer text = { 0 }, whole = { 0 };

	buffer_appendf(&text, "hostpci0: %s\n", value);
	buffer_appendf(&whole, "1 hostpci0 now %s\n", wanted);
	scan(text.data);
	devices(whole.data);
	notes("");
	buffer_done(&text);
	buffer_done(&whole);
}

/* Scans values of hostpci0 none of which is a device. */
static void are_none(const char *const *values, size_t n_values, const char *note)
{
	for (size_t i = 0; i < n_values; i++) {
		struct buffer text = { 0 };

		buffer_appendf(&text, "hostpci0: %s\n", values[i]);
		scan(text.data);
		ck_assert_msg(document->guest->n_devices == 0, "%s", values[i]);
		ck_assert_msg(document->n_references == 0, "%s", values[i]);
		notes(note);
		buffer_done(&text);
	}
}

START_TEST(a_device_in_every_form)
{
	value_is("01:00.0", "taken 01:00.0 (01:00.0)");
	value_is("0000:01:00.0", "taken 0000:01:00.0 (0000:01:00.0)");
	value_is("10000:e1:00.0", "taken 10000:e1:00.0 (10000:e1:00.0)");
	value_is("01:00", "taken 01:00* (01:00)");
	value_is("host=01:00.0,pcie=1", "taken 01:00.0 (host=01:00.0)");
	value_is("01:00,pcie=1,x-vga=on", "taken 01:00* (01:00)");
	value_is("pcie=1,,0000:01:00,rombar=0,", "taken 0000:01:00* (0000:01:00)");
	value_is("romfile=a=b.rom,host=01:00", "taken 01:00* (host=01:00)");
	value_is("01:00.0;01:00.1;0000:02:00",
		 "taken 01:00.0 01:00.1 0000:02:00* (01:00.0;01:00.1;0000:02:00)");
	value_is("01:00.0,vendor-id=0x10DE,device-id=0x1b80,sub-vendor-id=0x0000,"
		 "sub-device-id=0xffff,legacy-igd=No,driver=keep, ",
		 "taken 01:00.0 (01:00.0)");
	value_is("mapping=gpu", "taken mapping gpu (mapping=gpu)");
	value_is("pcie=1,mapping=my_GPU-2", "taken mapping my_GPU-2 (mapping=my_GPU-2)");
}
END_TEST

START_TEST(a_mediated_device_leaves_its_group_to_the_host)
{
	value_is("00:02.0,mdev=i915-GVTg_V5_4", "used 00:02.0 (00:02.0)");
	value_is("mapping=gpu,mdev=nvidia-63", "used mapping gpu (mapping=gpu)");
}
END_TEST

START_TEST(what_proxmox_cannot_read_is_told_and_no_device)
{
	static const char *const values[] = {
		"none",
		"0A:00.0",
		"0000:0a:00.A",
		"1:00.0",
		"01:00.0;",
		";01:00.0",
		"01:00.0 ;01:00.1",
		"\"01:00.0\"",
		"01:00.0,01:00.1",
		"01:00.0,host=01:00.1",
		"host=01:00.1,01:00.0",
		"host=01:00.0,host=01:00.0",
		"mapping=gpu,mapping=gpu",
		"01:00.0,pcie=1,pcie=1",
		"01:00.0,pcie=2",
		"01:00.0,pcie",
		"01:00.0,pcie=",
		"01:00.0,=1",
		"01:00.0, pcie=1,none",
		"01:00.0,x-vga=",
		"01:00.0,romfile=a;b",
		"01:00.0,mdev=a:b",
		"01:00.0,vendor-id=10de",
		"01:00.0,vendor-id=0x10deX",
		"mapping=0gpu",
		"mapping=g",
		"mapping=g.pu",
	};

	are_none(values, ARRAY_SIZE(values),
		 "1: hostpci0: Proxmox VE cannot read the value and starts the guest without "
		 "it\n");
}
END_TEST

START_TEST(what_no_start_gets_past_is_told_and_no_device)
{
	static const char *const both[] = { "01:00.0,mapping=gpu", "mapping=gpu,host=01:00.0" };
	static const char *const neither[] = { "pcie=1", ",", ", ,", "" };
	static const char *const nobody[] = { "01:20.0", "01:00.8", "01:00.0;01:3f.0",
					      "100000000:01:00.0" };
	static const char *const several[] = { "01:00.0;01:00.1,mdev=x", "mdev=x,01:00;02:00" };

	are_none(both, ARRAY_SIZE(both),
		 "1: hostpci0 names both a device of the host and a mapping: the guest cannot be "
		 "started\n");
	are_none(neither, ARRAY_SIZE(neither),
		 "1: hostpci0 names neither a device of the host nor a mapping: the guest cannot "
		 "be started\n");
	are_none(nobody, ARRAY_SIZE(nobody),
		 "1: hostpci0 names an address that no device can have: the guest cannot be "
		 "started\n");
	are_none(several, ARRAY_SIZE(several),
		 "1: hostpci0 names several devices to take a mediated one of: the guest cannot "
		 "be started\n");
}
END_TEST

START_TEST(an_option_of_a_later_version_leaves_a_device_a_device)
{
	scan("hostpci0: 01:00.0,new-thing=7\nhostpci1: 02:00.0,driver=other\n");
	devices("1 hostpci0 now taken 01:00.0 (01:00.0)\n"
		"2 hostpci1 now taken 02:00.0 (02:00.0)\n");
	notes("1: hostpci0: the option new-thing is not known here\n");
}
END_TEST

START_TEST(there_are_sixteen_and_they_are_written_in_one_way)
{
	finds("hostpci0: ‹01:00.0›\nhostpci15: ‹02:00.0›\nhostpci16: 03:00.0\n"
	      "hostpci00: 04:00.0\nhostpci: 05:00.0\nhostpci_1: 05:00.0\n hostpci2: 06:00.0\n"
	      "#hostpci3: 07:00.0\nhostpci4 : 08:00.0\nHostpci5: 09:00.0\nhostpci6:‹0a:00.0›\n");
	notes("3: Proxmox VE ignores this hostpci: there are hostpci0 to hostpci15\n");
}
END_TEST

START_TEST(a_reference_is_the_address_alone)
{
	const struct reference *reference;
	const char *line = "hostpci3: pcie=1,host=0000:0a:00.1;0b:00\r";
	const char *text = "name: a\nhostpci3: pcie=1,host=0000:0a:00.1;0b:00\r\n[snap]\nx: y\n";

	scan(text);
	ck_assert_uint_eq(document->n_references, 2);
	reference = &document->references[0];
	ck_assert_int_eq(reference->kind, REFERENCE_ADDRESS);
	ck_assert(bytes_equal_text(document_text(document, reference->span), "0000:0a:00.1"));
	ck_assert_uint_eq(reference->line, 2);
	ck_assert(reference->certain && !reference->whole_slot);
	ck_assert_str_eq(reference->block, "");
	ck_assert_str_eq(reference->key, "hostpci3");
	ck_assert_str_eq(reference->owner, "pve/qemu/101");
	ck_assert_int_eq(reference->shape, PARK_NEVER);
	ck_assert_uint_eq(reference->address.bus, 10);
	ck_assert_uint_eq(reference->address.function, 1);
	ck_assert_uint_eq(reference->line_digest, bytes_digest(bytes_of(line), BYTES_DIGEST_SEED));
	ck_assert(reference[1].whole_slot && reference[1].address.bus == 11);
	ck_assert_str_eq(document->guest->id, "pve/qemu/101");
	ck_assert_uint_eq(document->n_line_digests, 4);
}
END_TEST

START_TEST(the_last_of_a_key_that_can_be_read_counts)
{
	scan("hostpci0: 01:00.0\nhostpci0: 02:00.0\nhostpci0: none\n");
	devices("1 hostpci0 never taken 01:00.0 (01:00.0)\n"
		"2 hostpci0 now taken 02:00.0 (02:00.0)\n");
	scan("hostpci0: 01:00.0\nhostpci0: pcie=1\n");
	devices("1 hostpci0 never taken 01:00.0 (01:00.0)\n");
}
END_TEST

START_TEST(what_is_pending_is_applied_at_the_next_start)
{
	scan("hostpci0: 01:00.0\nhostpci1: 02:00.0\nhostpci2: 03:00.0\nhostpci3: 04:00.0\n"
	     "[Pending]\ndelete: onboot, hostpci1;!hostpci2\nhostpci0: 05:00.0\n"
	     "hostpci4: 06:00.0\nhostpci3: none\n");
	devices("1 hostpci0 never taken 01:00.0 (01:00.0)\n"
		"2 hostpci1 never taken 02:00.0 (02:00.0)\n"
		"3 hostpci2 never taken 03:00.0 (03:00.0)\n"
		"4 hostpci3 now taken 04:00.0 (04:00.0)\n"
		"7 [Pending]hostpci0 now taken 05:00.0 (05:00.0)\n"
		"8 [Pending]hostpci4 now taken 06:00.0 (06:00.0)\n");
}
END_TEST

START_TEST(a_key_that_is_deleted_and_set_is_set)
{
	scan("hostpci0: 01:00.0\n[PENDING]\nhostpci0: 02:00.0\ndelete: hostpci0\n");
	devices("1 hostpci0 never taken 01:00.0 (01:00.0)\n"
		"3 [PENDING]hostpci0 now taken 02:00.0 (02:00.0)\n");
}
END_TEST

START_TEST(only_the_last_list_of_deletions_counts)
{
	scan("hostpci0: 01:00.0\nhostpci1: 02:00.0\n[PENDING]\ndelete: hostpci0\n"
	     "delete: hostpci1\n");
	devices("1 hostpci0 now taken 01:00.0 (01:00.0)\n"
		"2 hostpci1 never taken 02:00.0 (02:00.0)\n");
	scan("hostpci0: 01:00.0\ndelete: hostpci0\n");
	devices("1 hostpci0 now taken 01:00.0 (01:00.0)\n");
	scan("hostpci0: 01:00.0\nhostpci1: 02:00.0\n[PENDING]\ndelete: hostpci0 hostpci10\n"
	     "hostpci1: 03:00.0\n[PENDING]\nhostpci2: 04:00.0\n");
	devices("1 hostpci0 now taken 01:00.0 (01:00.0)\n"
		"2 hostpci1 now taken 02:00.0 (02:00.0)\n"
		"5 [PENDING]hostpci1 never taken 03:00.0 (03:00.0)\n"
		"7 [PENDING]hostpci2 now taken 04:00.0 (04:00.0)\n");
}
END_TEST

START_TEST(a_guest_that_goes_on_gets_what_it_had)
{
	static const char *const lines[] = { "lock: suspended", "vmstate: local:100/vm-100-s.raw" };

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		struct buffer text = { 0 };

		buffer_appendf(&text,
			       "hostpci0: 01:00.0\nhostpci1: 02:00.0\n%s\n[PENDING]\n"
			       "hostpci0: 03:00.0\ndelete: hostpci1\n",
			       lines[i]);
		scan(text.data);
		devices("1 hostpci0 now taken 01:00.0 (01:00.0)\n"
			"2 hostpci1 now taken 02:00.0 (02:00.0)\n"
			"5 [PENDING]hostpci0 never taken 03:00.0 (03:00.0)\n");
		buffer_done(&text);
	}
	scan("lock: suspending\nhostpci0: 01:00.0\n[PENDING]\ndelete: hostpci0\n[s1]\n"
	     "lock: suspended\n");
	devices("2 hostpci0 never taken 01:00.0 (01:00.0)\n");
}
END_TEST

START_TEST(snapshots_hold_references_that_no_start_uses)
{
	scan("hostpci0: 01:00.0\n\n[before-upgrade]\nhostpci0: 02:00.0\nhostpci1: 03:00\n"
	     "template: 1\n[special:cloudinit]\nhostpci2: 04:00.0\n[?]\nhostpci3: 05:00.0\n");
	devices("1 hostpci0 now taken 01:00.0 (01:00.0)\n"
		"4 [before-upgrade]hostpci0 never taken 02:00.0 (02:00.0)\n"
		"5 [before-upgrade]hostpci1 never taken 03:00* (03:00)\n");
	ck_assert(!document->guest->template);
}
END_TEST

START_TEST(a_template_is_never_started)
{
	scan("hostpci0: 01:00.0\ntemplate: Yes\ntemplate: maybe\n[PENDING]\nhostpci1: 02:00.0\n");
	ck_assert(document->guest->template);
	devices("1 hostpci0 never taken 01:00.0 (01:00.0)\n"
		"5 [PENDING]hostpci1 never taken 02:00.0 (02:00.0)\n");
	scan("hostpci0: 01:00.0\ntemplate: 1\ntemplate: 0\n");
	ck_assert(!document->guest->template);
	devices("1 hostpci0 now taken 01:00.0 (01:00.0)\n");
}
END_TEST

START_TEST(a_held_device_is_known_again)
{
	scan("hostpci0: pcie=1,mapping=hwrecover-hold-host-0000_01_00-0\n"
	     "hostpci1: mapping=hwrecover-hold-01_00-0--01_00-1,x-vga=1\n"
	     "hostpci2: mapping=hwrecover-hold-mapping-gpu\n"
	     "hostpci3: mapping=hwrecover-hold-whatever\n"
	     "[s1]\nhostpci0: mapping=hwrecover-hold-05_00,mdev=x\n");
	ck_assert_uint_eq(document->n_references, 0);
	devices("1 hostpci0 now taken held host=0000:01:00.0 "
		"(mapping=hwrecover-hold-host-0000_01_00-0)\n"
		"2 hostpci1 now taken held 01:00.0;01:00.1 "
		"(mapping=hwrecover-hold-01_00-0--01_00-1)\n"
		"3 hostpci2 now taken held mapping=gpu (mapping=hwrecover-hold-mapping-gpu)\n"
		"4 hostpci3 now taken mapping hwrecover-hold-whatever\n"
		"6 [s1]hostpci0 never used held 05:00 (mapping=hwrecover-hold-05_00)\n");
}
END_TEST

START_TEST(arguments_of_qemu_hand_over_devices_too)
{
	finds("args: -device vfio-pci,host=‹0000:01:00.0›,multifunction=on "
	      "--device  host=‹02:00.0›,driver=vfio-pci -device 'vfio-pci,host=‹03:00.0›' "
	      "-device \"vfio-pci-nohotplug,host=‹04:00.0›,id=x\"\n");
	devices("1 args now taken 0000:01:00.0 02:00.0 03:00.0 04:00.0\n");
	ck_assert_uint_eq(document->guest->devices[0].hold.length, 0);
}
END_TEST

START_TEST(arguments_of_another_form_are_not_certain)
{
	finds("args: -device vfio-pci,sysfsdev=/sys/bus/pci/devices/⟨0000:01:00.0⟩ "
	      "-device '{\"driver\":\"vfio-pci\",\"host\":\"⟨0000:02:00.0⟩\"}' "
	      "-device vfio-pci,host=⟨0000:03:00⟩ -device vfio-pci,host=\"⟨04:00.0⟩\"\n");
	devices("1 args now taken 0000:01:00.0 0000:02:00.0 0000:03:00* 04:00.0\n");
}
END_TEST

START_TEST(other_arguments_name_nothing)
{
	finds("args: -device e1000,host=01:00.0,id=vfio-pci -netdev host=01:00.0 "
	      "vfio-pci,host=01:00.0 -device -device \\\n");
	devices("");
	finds("args: -device vfio-pci,host=‹01:00.0›\nargs: -cpu host\n");
	devices("1 args never taken 01:00.0\n");
	finds("args: -device vfio-pci,host=‹01:00.0›\n[PENDING]\ndelete: args\n");
	devices("1 args never taken 01:00.0\n");
}
END_TEST

START_TEST(a_disk_by_its_port_is_used_through_the_host)
{
	finds("scsi1: /dev/disk/by-path/pci-‹0000:05:00.0›-nvme-1,size=1T\n"
	      "sata5: file=/dev/disk/by-path/pci-‹10000:e1:00.0›-ata-2-part1\n"
	      "scsi30: /dev/disk/by-path/pci-‹0000:06:00.0›-sas-phy0-lun-0\n"
	      "tpmstate0: /dev/disk/by-path/pci-‹0000:07:00.0›-ata-1\n"
	      "scsi31: /dev/disk/by-path/pci-0000:05:00.0-nvme-1\n"
	      "unused0: /dev/disk/by-path/pci-0000:05:00.0-nvme-1\n"
	      "virtio0: /dev/disk/by-id/nvme-x,serial=0000:05:00.0\n"
	      "virtio1: /dev/disk/by-path/platform-pci-0000:05:00.0\n"
	      "ide2: none,media=cdrom\n"
	      "[s1]\nefidisk0: /dev/disk/by-path/pci-‹0000:05:00.0›-nvme-1\n");
	devices("1 scsi1 now used 0000:05:00.0\n"
		"2 sata5 now used 10000:e1:00.0\n"
		"3 scsi30 now used 0000:06:00.0\n"
		"4 tpmstate0 now used 0000:07:00.0\n"
		"11 [s1]efidisk0 never used 0000:05:00.0\n");
}
END_TEST

/* The switch as its text, "=1" or "=0" for whether it is on, and what it is turned off with. */
static void has_switch(const char *text, const char *span, bool on, const char *off)
{
	const struct start_switch *start_switch;

	scan(text);
	ck_assert_uint_eq(document->n_switches, 1);
	start_switch = &document->switches[0];
	ck_assert_int_eq(start_switch->kind, SWITCH_AUTOSTART);
	ck_assert_str_eq(start_switch->guest, "pve/qemu/101");
	ck_assert(bytes_equal_text(document_text(document, start_switch->span), span));
	ck_assert_int_eq(start_switch->on, on);
	ck_assert_str_eq(start_switch->off, off);
	ck_assert(!start_switch->file);
}

START_TEST(autostart_is_the_current_sections_last_value)
{
	has_switch("name: a\nonboot: 1\nostype: l26\n", "onboot: 1\n", true, "onboot: 0\n");
	has_switch("onboot:  TRUE \r\nostype: l26\n", "onboot:  TRUE \r\n", true, "onboot: 0\r\n");
	has_switch("onboot: 1", "onboot: 1", true, "onboot: 0");
	has_switch("onboot: 1\r", "onboot: 1\r", true, "onboot: 0\r");
	has_switch("onboot: 0\n", "onboot: 0\n", false, "onboot: 0\n");
	has_switch("onboot: 0\nonboot: yes\nonboot: 2\n#onboot: 0\n", "onboot: yes\n", true,
		   "onboot: 0\n");
	has_switch("onboot: 1\n[PENDING]\nonboot: 0\n[s1]\nonboot: 0\n", "onboot: 1\n", true,
		   "onboot: 0\n");
	scan("name: a\nonboot: maybe\n[PENDING]\nonboot: 1\n[s1]\nonboot: 1\n");
	ck_assert_uint_eq(document->n_switches, 0);
}
END_TEST

/* Puts the line that holds a guest in, scans again and expects the text. */
static void can_be_held(const char *text, const char *wanted)
{
	const struct guest_config *guest;
	struct edit edit = { 0 };
	char *held;
	size_t size, n;

	scan(text);
	guest = document->guest;
	ck_assert_ptr_nonnull(guest->hold_line);
	ck_assert_uint_eq(guest->held_line.length, 0);
	n = guest->n_devices;
	edit.span.offset = guest->hold_at;
	edit.text = bytes_of(guest->hold_line);
	ck_assert_int_eq(edits_apply(document_bytes(document), &edit, 1, &held, &size), 0);
	ck_assert_str_eq(held, wanted);
	scan(held);
	guest = document->guest;
	ck_assert_uint_eq(guest->n_devices, n);
	ck_assert_uint_eq(guest->held_line.offset, edit.span.offset);
	ck_assert(bytes_equal(document_text(document, guest->held_line), edit.text));
	free(held);
}

START_TEST(a_line_can_be_put_in_that_no_start_gets_past)
{
	can_be_held("args: -device vfio-pci,host=01:00.0\nname: a\n",
		    "args: -device vfio-pci,host=01:00.0\nname: a\n"
		    "hostpci15: mapping=hwrecover-hold\n");
	can_be_held("name: a\n\n[PENDING]\nname: b\n",
		    "name: a\nhostpci15: mapping=hwrecover-hold\n\n[PENDING]\nname: b\n");
	can_be_held("", "hostpci15: mapping=hwrecover-hold\n");
	can_be_held("[s1]\nname: a", "hostpci15: mapping=hwrecover-hold\n[s1]\nname: a");
	can_be_held("name: a\nonboot: 1", "name: a\nhostpci15: mapping=hwrecover-hold\nonboot: 1");
	can_be_held("onboot: 1", "hostpci15: mapping=hwrecover-hold\nonboot: 1");
	can_be_held("hostpci15: none\nhostpci14: 01:00.0\n[PENDING]\nhostpci13: 02:00.0\n"
		    "delete: hostpci12,!hostpci11\n[s1]\nhostpci10: 01:00.0\n",
		    "hostpci15: none\nhostpci14: 01:00.0\nhostpci10: mapping=hwrecover-hold\n"
		    "[PENDING]\nhostpci13: 02:00.0\ndelete: hostpci12,!hostpci11\n[s1]\n"
		    "hostpci10: 01:00.0\n");
}
END_TEST

START_TEST(with_all_numbers_used_there_is_no_such_line)
{
	struct buffer text = { 0 };

	for (int i = 0; i < 16; i++)
		buffer_appendf(&text, "hostpci%d: %02x:00.0\n", i, i);
	scan(text.data);
	ck_assert(!document->guest->hold_line);
	ck_assert_uint_eq(document->guest->n_devices, 16);
	buffer_done(&text);
	scan("hostpci3: mapping=hwrecover-hold\n[s1]\nhostpci4: mapping=hwrecover-hold\n");
	devices("");
	ck_assert(bytes_equal_text(document_text(document, document->guest->held_line),
				   "hostpci3: mapping=hwrecover-hold\n"));
}
END_TEST

START_TEST(a_name_in_the_description_is_nobodys)
{
	finds("# hostpci0: 01:00.0\n#onboot: 1\ndescription: hostpci0: 01:00.0\n"
	      "hostpci0: ‹01:00.0›\n#tail 01:00.0\n");
	ck_assert_uint_eq(document->n_switches, 0);
}
END_TEST

START_TEST(an_empty_file_is_a_guest_without_anything)
{
	scan("");
	devices("");
	ck_assert_uint_eq(document->n_switches, 0);
	ck_assert_uint_eq(document->n_line_digests, 0);
}
END_TEST

static void collect(const char *folder, const char *const *wanted)
{
	struct problem problem = { 0 };

	documents_done(&documents);
	scan_context.root = &tree_root;
	scan_context.pve_folder = folder;
	ck_assert_int_eq(
		pve_qemu_source.collect(&pve_qemu_source, &scan_context, &documents, &problem), 0);
	ck_assert_int_eq(
		pve_qemu_source.scan(&pve_qemu_source, &scan_context, &documents, &nic_set), 0);
	for (size_t i = 0; i < documents.n_items; i++) {
		ck_assert_ptr_nonnull(wanted[i]);
		ck_assert_str_eq(documents.items[i]->path, wanted[i]);
		ck_assert(pve_qemu_source.owns(wanted[i]));
		ck_assert(documents.items[i]->guest || documents.items[i]->unfit);
	}
	ck_assert_ptr_null(wanted[documents.n_items]);
}

START_TEST(reads_the_guests_of_this_node)
{
	static const char *const nobody[] = { NULL };
	static const char *const ours[] = { "/etc/pve/nodes/pve1/qemu-server/100.conf",
					    "/etc/pve/nodes/pve1/qemu-server/9.conf", NULL };
	static const char *const copied[] = { "/etc/pve/qemu-server/100.conf", NULL };

	tree_setup();
	tree_file("/etc/pve/nodes/pve1/qemu-server/100.conf", "hostpci0: 01:00.0\n");
	tree_bytes("/etc/pve/nodes/pve1/qemu-server/9.conf", bytes_make("a\0b", 3));
	tree_file("/etc/pve/nodes/pve1/qemu-server/100.conf.tmp.7", "hostpci0: 01:00.0\n");
	tree_file("/etc/pve/nodes/pve1/qemu-server/100.conf~", "hostpci0: 01:00.0\n");
	tree_file("/etc/pve/nodes/pve1/qemu-server/x.conf", "hostpci0: 01:00.0\n");
	tree_file("/etc/pve/nodes/pve1/qemu-server/.7.conf", "hostpci0: 01:00.0\n");
	tree_file("/etc/pve/nodes/pve1/lxc/101.conf", "hostpci0: 01:00.0\n");
	tree_file("/etc/pve/nodes/pve2/qemu-server/102.conf", "hostpci0: 01:00.0\n");
	collect(NULL, nobody);
	collect("/etc/pve/nodes/pve3", nobody);
	collect("/etc/pve/nodes/pve1", ours);
	ck_assert_str_eq(documents.items[0]->guest->id, "pve/qemu/100");
	ck_assert_ptr_nonnull(documents.items[1]->unfit);
	tree_file("/etc/pve/qemu-server/100.conf", "hostpci0: 01:00.0\n");
	collect("/etc/pve", copied);
	ck_assert(!pve_qemu_source.owns("/etc/pve/nodes/pve1/lxc/101.conf"));
	ck_assert(pve_qemu_source.is_guest);
	tree_teardown();
}
END_TEST

static void add(TCase *tests)
{
	tcase_add_test(tests, a_device_in_every_form);
	tcase_add_test(tests, a_mediated_device_leaves_its_group_to_the_host);
	tcase_add_test(tests, what_proxmox_cannot_read_is_told_and_no_device);
	tcase_add_test(tests, what_no_start_gets_past_is_told_and_no_device);
	tcase_add_test(tests, an_option_of_a_later_version_leaves_a_device_a_device);
	tcase_add_test(tests, there_are_sixteen_and_they_are_written_in_one_way);
	tcase_add_test(tests, a_reference_is_the_address_alone);
	tcase_add_test(tests, the_last_of_a_key_that_can_be_read_counts);
	tcase_add_test(tests, what_is_pending_is_applied_at_the_next_start);
	tcase_add_test(tests, a_key_that_is_deleted_and_set_is_set);
	tcase_add_test(tests, only_the_last_list_of_deletions_counts);
	tcase_add_test(tests, a_guest_that_goes_on_gets_what_it_had);
	tcase_add_test(tests, snapshots_hold_references_that_no_start_uses);
	tcase_add_test(tests, a_template_is_never_started);
	tcase_add_test(tests, a_held_device_is_known_again);
	tcase_add_test(tests, arguments_of_qemu_hand_over_devices_too);
	tcase_add_test(tests, arguments_of_another_form_are_not_certain);
	tcase_add_test(tests, other_arguments_name_nothing);
	tcase_add_test(tests, a_disk_by_its_port_is_used_through_the_host);
	tcase_add_test(tests, autostart_is_the_current_sections_last_value);
	tcase_add_test(tests, a_line_can_be_put_in_that_no_start_gets_past);
	tcase_add_test(tests, with_all_numbers_used_there_is_no_such_line);
	tcase_add_test(tests, a_name_in_the_description_is_nobodys);
	tcase_add_test(tests, an_empty_file_is_a_guest_without_anything);
	tcase_add_test(tests, reads_the_guests_of_this_node);
}

int main(void)
{
	return run_tests("pve-qemu", add, setup);
}
