/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bind-scan.h"
#include "tree.h"

static void setup(void)
{
}

static void cmdline(void)
{
	documents_done(&documents);
	begin(&kernel_command_line_source, "/etc/kernel/cmdline");
}

static void grub(void)
{
	documents_done(&documents);
	begin(&kernel_command_line_source, "/etc/default/grub");
}

static void initramfs(void)
{
	documents_done(&documents);
	begin(&initramfs_conf_source, "/etc/initramfs-tools/initramfs.conf");
}

START_TEST(ids_and_hidden_devices)
{
	cmdline();
	finds("root=ZFS=rpool/ROOT/pve-1 vfio-pci.ids=10de:1b80 "
	      "xen-pciback.hide=(‹05:00.0›)(‹0000:06:00.0›) quiet\n");
	has_ids("1 vfio-pci 10de:1b80:*:*:0:0;");
	ck_assert_int_eq(document->references[0].kind, REFERENCE_ADDRESS);
	ck_assert_str_eq(document->references[0].key, "xen-pciback.hide");
	ck_assert_uint_eq(document->references[1].address.bus, 6);
}
END_TEST

START_TEST(nics_in_their_fields)
{
	cmdline();
	finds("ip=10.0.0.5::10.0.0.1:255.255.255.0:enp6s0:‹enp6s0›:off:enp5s0 ip=‹enp5s0›:dhcp\n");
	finds("ip=[fe80::1]::[fe80::2]:64:host:‹enp6s0›.100:none");
	finds("bootdev=‹enp6s0› vlan=‹enp6s0›.5:‹enp6s0› bond=bond0:‹enp5s0›,‹enp6s0›:mode=1 "
	      "rd.route=10.1.0.0/16:10.0.0.1:‹enp5s0›");
	finds("ifname=enp6s0:00:11:22:33:44:55 BOOTIF=01-aa-bb-cc-dd-ee-ff net.enp6s0=1 "
	      "x=enp6s0 ip=dhcp ip= ip=:::::enp6s01:off hostname=enp6s0");
	finds("ip=\":::::‹enp6s0›:dhcp\"");
}
END_TEST

START_TEST(a_mention_is_a_kernel_name_that_stays)
{
	const struct reference *reference;

	cmdline();
	scan("quiet ip=:::::enp6s0.100:dhcp\n");
	ck_assert_uint_eq(document->n_references, 1);
	reference = &document->references[0];
	ck_assert_int_eq(reference->kind, REFERENCE_NIC);
	ck_assert_int_eq(reference->shape, PARK_NEVER);
	ck_assert(reference->limited && reference->certain);
	ck_assert_uint_eq(reference->suffix, 4);
	ck_assert_str_eq(reference->key, "ip");
	ck_assert_str_eq(reference->block, "");
	ck_assert_uint_eq(document->line_digests[0], reference->line_digest);
}
END_TEST

START_TEST(comments_of_a_plain_file_are_left)
{
	cmdline();
	finds("# ip=enp6s0:dhcp\nquiet ip=‹enp6s0›:dhcp\r\n\n");
	finds("");
}
END_TEST

START_TEST(only_the_variables_of_the_linux_command_line)
{
	grub();
	finds("GRUB_DEFAULT=0\n"
	      "GRUB_DISTRIBUTOR=`lsb_release -i -s 2> /dev/null || echo Debian`\n"
	      "GRUB_CMDLINE_LINUX_DEFAULT=\"quiet ip=‹enp6s0›:dhcp vfio-pci.ids=1:2\"\n"
	      "GRUB_CMDLINE_LINUX='ip=‹enp5s0›:dhcp'\n"
	      "#GRUB_CMDLINE_LINUX=\"ip=enp5s0:dhcp vfio-pci.ids=3:4\"\n"
	      "GRUB_CMDLINE_XEN=\"ip=enp5s0:dhcp\"\n"
	      "export GRUB_CMDLINE_LINUX_RECOVERY=ip=‹enp5s0›:dhcp # ip=enp5s0:dhcp\n"
	      "if true; then GRUB_CMDLINE_LINUX_XEN_REPLACE=\"vfio-pci.ids=5:6\"; fi\n");
	has_ids("3 vfio-pci 1:2:*:*:0:0;8 vfio-pci 5:6:*:*:0:0;");
	ck_assert_str_eq(document->references[0].block, "GRUB_CMDLINE_LINUX_DEFAULT");
	ck_assert_str_eq(document->references[2].block, "GRUB_CMDLINE_LINUX_RECOVERY");
}
END_TEST

START_TEST(values_over_several_lines_and_in_pieces)
{
	grub();
	finds("GRUB_CMDLINE_LINUX=\"quiet\n ip=‹enp6s0›:dhcp \\\nvfio-pci.ids=1:2,\\\n3:4\" A=\"\n"
	      "GRUB_CMDLINE_LINUX=ip=enp5s0:dhcp\n\"\n"
	      "GRUB_CMDLINE_LINUX=\"$GRUB_CMDLINE_LINUX ip=\"'‹enp5s0›:dhcp'\\ vfio-pci.ids=5:6\n");
	has_ids("3 vfio-pci 1:2:*:*:0:0;3 vfio-pci 3:4:*:*:0:0;7 vfio-pci 5:6:*:*:0:0;");
	goes_with(0, "GRUB_CMDLINE_LINUX=\"quiet\n ip=enp6s0:dhcp \\\nvfio-pci.ids=1:2,\\\n3:4\" "
		     "A=\"\n");
}
END_TEST

START_TEST(the_kernels_quotes_inside_the_shells)
{
	grub();
	finds("GRUB_CMDLINE_LINUX=\"dyndbg=\\\"a ip=enp6s0:dhcp\\\" ip=‹enp6s0›:dhcp\"\n");
	finds("GRUB_CMDLINE_LINUX=\"ip=en\"p6s0:dhcp\n");
	finds("GRUB_CMDLINE_LINUX='ip=‹enp6s0›:dhcp");
	finds("GRUB_CMDLINE_LINUX=\"ip=‹enp6s0›:dhcp\\");
	finds("GRUB_CMDLINE_LINUX=");
}
END_TEST

START_TEST(the_nic_of_the_initramfs)
{
	initramfs();
	finds("MODULES=most\nDEVICE=‹enp6s0›\nIP=10.0.0.5::10.0.0.1:255.255.255.0::‹enp5s0›:off\n"
	      "# DEVICE=enp6s0\nNFSROOT=auto\nXDEVICE=enp6s0\nDEVICE=\nDEVICE=\"‹enp5s0›.7\"\n");
	ck_assert_str_eq(document->references[0].key, "DEVICE");
	ck_assert_str_eq(document->references[1].key, "IP");
	ck_assert_int_eq(document->references[0].shape, PARK_NEVER);
}
END_TEST

START_TEST(reads_all_places_and_marks_them)
{
	tree_setup();
	tree_file("/etc/kernel/cmdline", "vfio-pci.ids=1:2\n");
	tree_file("/etc/default/grub", "GRUB_CMDLINE_LINUX=vfio-pci.ids=3:4\n");
	tree_file("/etc/default/grub.d/a.cfg", "GRUB_CMDLINE_LINUX=vfio-pci.ids=5:6\n");
	tree_file("/etc/default/grub.d/a.cfg.bak", "GRUB_CMDLINE_LINUX=vfio-pci.ids=5:6\n");
	tree_file("/etc/initramfs-tools/initramfs.conf", "DEVICE=enp6s0\n");
	tree_file("/etc/initramfs-tools/conf.d/ip", "IP=enp6s0:dhcp\n");
	scan_context.root = &tree_root;
	ck_assert_int_eq(kernel_command_line_source.collect(&kernel_command_line_source,
							    &scan_context, &documents, NULL),
			 0);
	ck_assert_int_eq(kernel_command_line_source.scan(&kernel_command_line_source, &scan_context,
							 &documents, &nic_set),
			 0);
	ck_assert_uint_eq(documents.n_items, 3);
	for (size_t i = 0; i < 3; i++) {
		ck_assert(documents.items[i]->only_by_apply && !documents.items[i]->in_image);
		ck_assert_uint_eq(documents.items[i]->n_ids, 1);
	}
	ck_assert_int_eq(initramfs_conf_source.collect(&initramfs_conf_source, &scan_context,
						       &documents, NULL),
			 0);
	ck_assert_int_eq(initramfs_conf_source.scan(&initramfs_conf_source, &scan_context,
						    &documents, &nic_set),
			 0);
	ck_assert_uint_eq(documents.n_items, 5);
	for (size_t i = 3; i < 5; i++) {
		ck_assert(!documents.items[i]->only_by_apply && documents.items[i]->in_image);
		ck_assert_uint_eq(documents.items[i]->n_references, 1);
	}
	tree_teardown();
}
END_TEST

static void add(TCase *tests)
{
	tcase_add_test(tests, ids_and_hidden_devices);
	tcase_add_test(tests, nics_in_their_fields);
	tcase_add_test(tests, a_mention_is_a_kernel_name_that_stays);
	tcase_add_test(tests, comments_of_a_plain_file_are_left);
	tcase_add_test(tests, only_the_variables_of_the_linux_command_line);
	tcase_add_test(tests, values_over_several_lines_and_in_pieces);
	tcase_add_test(tests, the_kernels_quotes_inside_the_shells);
	tcase_add_test(tests, the_nic_of_the_initramfs);
	tcase_add_test(tests, reads_all_places_and_marks_them);
}

int main(void)
{
	return run_tests("kernel-command-line", add, setup);
}
