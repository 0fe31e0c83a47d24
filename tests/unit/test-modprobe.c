/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bind-scan.h"
#include "tree.h"

#include "recovery/park.h"

static void setup(void)
{
	begin(&modprobe_source, "/etc/modprobe.d/vfio.conf");
}

#define BIND(address) "/sys/bus/pci/devices/" address "/driver_override"

START_TEST(ids_of_vfio_pci_and_pci_stub)
{
	finds("options vfio-pci ids=10de:1b80,10de:10f0 disable_vga=1\n"
	      "options vfio_pci ids=\"8086:56a6\"\n"
	      "options pci-stub ids=1:2\n"
	      "options kvm ids=3:4\n"
	      "\toptions  vfio-pci\tdisable_idle_d3=1  ids=5:6");
	has_ids("1 vfio-pci 10de:1b80:*:*:0:0;1 vfio-pci 10de:10f0:*:*:0:0;"
		"2 vfio-pci 8086:56a6:*:*:0:0;3 pci-stub 1:2:*:*:0:0;5 vfio-pci 5:6:*:*:0:0;");
	notes("");
}
END_TEST

START_TEST(a_backslash_joins_lines_comments_too)
{
	finds("# was: \\\noptions vfio-pci ids=1:2\n"
	      "options vfio-pci \\\n  ids=3:4,\\\n5:6\n"
	      "options vfio-pci ids=7:8 \\\\\noptions vfio-pci ids=9:a\r\n");
	has_ids("3 vfio-pci 3:4:*:*:0:0;3 vfio-pci 5:6:*:*:0:0;6 vfio-pci 7:8:*:*:0:0;"
		"7 vfio-pci 9:a:*:*:0:0;");
}
END_TEST

START_TEST(a_prefix_that_nobody_reads_is_told_once)
{
	finds("options vfio-pci vfio-pci.ids=1002:731f,1002:ab38\n"
	      "options vfio-pci vfio-pci.ids=1002:731f\n");
	has_ids("");
	notes("1: vfio-pci.ids= is not read here: an options line says ids= alone\n");
}
END_TEST

START_TEST(an_install_line_goes_as_a_whole)
{
	finds("install vfio-pci echo vfio-pci > " BIND(
		"«0000:05:00.0»") "; \\\n"
				  "  echo «05:00.0» > /sys/bus/pci/drivers/vfio-pci/bind; modprobe -i vfio-pci\n"
				  "blacklist nouveau\n");
	goes_with(
		0,
		"install vfio-pci echo vfio-pci > " BIND(
			"0000:05:00.0") "; \\\n"
					"  echo 05:00.0 > /sys/bus/pci/drivers/vfio-pci/bind; modprobe -i vfio-pci\n");
	ck_assert_str_eq(document->references[0].block, "install vfio-pci");
	ck_assert_str_eq(document->references[0].key, "install");
	ck_assert_uint_eq(document->references[1].address.bus, 5);
	ck_assert_uint_eq(document->references[1].line, 2);
	notes("");
}
END_TEST

START_TEST(what_others_stand_with_is_never_taken_along)
{
	finds("install vfio-pci echo vfio-pci | tee " BIND("‹0000:05:00.0›") " " BIND(
		"‹0000:06:00.0›") "; modprobe -i vfio-pci\n");
	finds("options xen-pciback hide=(‹0000:05:00.0›)(‹06:00.0›)\n");
	finds("options xen_pciback hide=(«0000:05:00.0»)\n");
}
END_TEST

START_TEST(a_whole_slot_is_not_certain)
{
	finds("install vfio-pci for f in 0 1; do echo vfio-pci > " BIND(
		"⟨0000:05:00⟩.$f") "; done\n");
}
END_TEST

START_TEST(other_commands_and_comments_bind_nothing)
{
	finds("install snd_hda_intel echo on > /sys/bus/pci/devices/0000:00:1f.3/power/control\n"
	      "# install vfio-pci echo vfio-pci > " BIND(
		      "0000:05:00.0") "\n"
				      " # install vfio-pci echo vfio-pci > " BIND(
					      "0000:05:00.0") "\n"
							      "remove vfio-pci echo 0000:05:00.0 > /sys/bus/pci/drivers/vfio-pci/unbind\n"
							      "softdep nvidia pre: vfio-pci\n"
							      "alias pci:v000010DEd00001B80sv*sd*bc*sc*i* vfio-pci\n"
							      "install\ninstall vfio-pci\noptions\noptions vfio-pci\n");
	has_ids("");
	notes("");
}
END_TEST

START_TEST(a_script_is_named_unless_it_is_scanned)
{
	static const char *const globs[] = { "/usr/local/bin/vfio-*" };

	scan("install vfio-pci /bin/sh -c '/usr/local/bin/vfio-bind.sh; modprobe -i vfio-pci'\n"
	     "install vfio-pci /sbin/other.sh\n");
	notes("1: runs /usr/local/bin/vfio-bind.sh: add it to BindScripts to have it checked\n");
	scan_context.bind_globs = globs;
	scan_context.n_bind_globs = 1;
	scan("install vfio-pci /bin/sh -c '/usr/local/bin/vfio-bind.sh; modprobe -i vfio-pci'\n"
	     "install vfio-pci /sbin/other.sh\n");
	notes("2: runs /sbin/other.sh: add it to BindScripts to have it checked\n");
	scan("install btrfs /usr/local/bin/something\ninstall vfio /bin/true\n");
	notes("");
}
END_TEST

START_TEST(a_computed_selection_cannot_be_verified)
{
	scan("install vfio-pci for d in $(lspci -d 10de: | cut -c-7); do "
	     "echo vfio-pci > /sys/bus/pci/devices/$d/driver_override; done\n");
	notes("1: cannot be verified: the command holds no address\n");
}
END_TEST

START_TEST(an_address_on_two_lines_is_left)
{
	finds("install vfio-pci echo vfio-pci > " BIND(
		"0000:05:\\\n00.0") "; "
				    "echo vfio-pci > " BIND("‹0000:05:00.0›") "\n");
	notes("1: an address is written on two lines: left as it is\n");
}
END_TEST

START_TEST(a_parked_line_is_a_comment_to_modprobe)
{
	struct treatment treatments[2] = { { .park = true }, { .park = true } };
	struct rendered rendered;

	scan("options vfio-pci ids=1:2\n"
	     "install vfio-pci echo vfio-pci > " BIND(
		     "0000:05:00.0") "; \\\n"
				     "  modprobe -i vfio-pci\noptions vfio-pci ids=3:4\n");
	ck_assert_uint_eq(document->n_references, 1);
	ck_assert_int_eq(park_render(document, treatments, &rendered), 0);
	scan(rendered.text);
	ck_assert_uint_eq(document->n_references, 0);
	has_ids("1 vfio-pci 1:2:*:*:0:0;4 vfio-pci 3:4:*:*:0:0;");
	rendered_done(&rendered);
}
END_TEST

START_TEST(places_and_lines_are_told_apart)
{
	uint64_t body;

	scan("install vfio-pci echo vfio-pci > " BIND("0000:05:00.0") "\n");
	body = document->references[0].body;
	ck_assert_uint_ne(body, 0);
	ck_assert_uint_eq(document->n_line_digests, 1);
	ck_assert_uint_eq(document->line_digests[0], document->references[0].line_digest);
	/* Another address in the same place. */
	scan("install vfio_pci echo vfio-pci > " BIND("0000:07:00.0") "\n");
	ck_assert_uint_ne(document->references[0].body, body);
	scan("install vfio-pci echo vfio-pci > " BIND("0000:07:00.0") "\n");
	ck_assert_uint_eq(document->references[0].body, body);
}
END_TEST

START_TEST(reads_the_files_that_modprobe_reads)
{
	struct problem problem = { 0 };

	tree_setup();
	tree_file("/etc/modprobe.d/vfio.conf", "options vfio-pci ids=1:2\n");
	tree_file("/etc/modprobe.d/old.alias", "options vfio-pci ids=3:4\n");
	tree_file("/etc/modprobe.d/vfio.conf.bak", "# x\noptions vfio-pci ids=5:6\n");
	tree_file("/etc/modprobe.d/notes", "# vfio\n");
	tree_file("/etc/modprobe.d/.hidden.conf", "options vfio-pci ids=7:8\n");
	tree_file("/etc/modprobe.d/sub/x.conf", "options vfio-pci ids=9:a\n");
	tree_link("/etc/modprobe.d/away.conf", "/opt/away.conf");
	tree_file("/opt/away.conf", "options vfio-pci ids=b:c\n");
	tree_link("/etc/modprobe.d/link.conf", "../real");
	tree_file("/etc/real", "options vfio-pci ids=d:e\n");
	scan_context.root = &tree_root;
	documents_done(&documents);
	ck_assert_int_eq(
		modprobe_source.collect(&modprobe_source, &scan_context, &documents, &problem), 0);
	ck_assert_int_eq(
		modprobe_source.scan(&modprobe_source, &scan_context, &documents, &nic_set), 0);
	ck_assert_uint_eq(documents.n_items, 6);

	document = documents_find(&documents, "/etc/modprobe.d/vfio.conf");
	ck_assert(document->in_image && !document->only_by_apply);
	has_ids("1 vfio-pci 1:2:*:*:0:0;");
	document = documents_find(&documents, "/etc/modprobe.d/old.alias");
	ck_assert(!document->in_image);
	has_ids("1 vfio-pci 3:4:*:*:0:0;");
	document = documents_find(&documents, "/etc/modprobe.d/vfio.conf.bak");
	has_ids("");
	notes("1: modprobe does not read it: its name does not end in .conf\n");
	document = documents_find(&documents, "/etc/modprobe.d/notes");
	notes("");
	document = documents_find(&documents, "/etc/modprobe.d/away.conf");
	ck_assert_ptr_nonnull(document->unfit);
	document = documents_find(&documents, "/etc/real");
	has_ids("1 vfio-pci d:e:*:*:0:0;");
	tree_teardown();
}
END_TEST

START_TEST(no_directory_is_no_problem)
{
	tree_setup();
	scan_context.root = &tree_root;
	documents_done(&documents);
	ck_assert_int_eq(modprobe_source.collect(&modprobe_source, &scan_context, &documents, NULL),
			 0);
	ck_assert_uint_eq(documents.n_items, 0);
	tree_teardown();
}
END_TEST

static void add(TCase *tests)
{
	tcase_add_test(tests, ids_of_vfio_pci_and_pci_stub);
	tcase_add_test(tests, a_backslash_joins_lines_comments_too);
	tcase_add_test(tests, a_prefix_that_nobody_reads_is_told_once);
	tcase_add_test(tests, an_install_line_goes_as_a_whole);
	tcase_add_test(tests, what_others_stand_with_is_never_taken_along);
	tcase_add_test(tests, a_whole_slot_is_not_certain);
	tcase_add_test(tests, other_commands_and_comments_bind_nothing);
	tcase_add_test(tests, a_script_is_named_unless_it_is_scanned);
	tcase_add_test(tests, a_computed_selection_cannot_be_verified);
	tcase_add_test(tests, an_address_on_two_lines_is_left);
	tcase_add_test(tests, a_parked_line_is_a_comment_to_modprobe);
	tcase_add_test(tests, places_and_lines_are_told_apart);
	tcase_add_test(tests, reads_the_files_that_modprobe_reads);
	tcase_add_test(tests, no_directory_is_no_problem);
}

int main(void)
{
	return run_tests("modprobe", add, setup);
}
