/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bind-scan.h"
#include "tree.h"

#include "recovery/sources/pve.h"

#define PATH "/etc/pve/mapping/pci.cfg"

static void setup(void)
{
	begin(&pve_mapping_source, PATH);
	scan_context.node = "pve1";
}

/* Of the reference at @index; a group's address is that of the mention it follows. */
static void is_of(size_t index, const char *owner, const char *key, const char *address,
		  bool whole_slot)
{
	const struct reference *reference, *meant;
	struct pci_address_name name;

	ck_assert_uint_lt(index, document->n_references);
	reference = meant = &document->references[index];
	ck_assert_str_eq(reference->owner, owner);
	ck_assert_str_eq(reference->block, owner + strlen("mapping/"));
	ck_assert_str_eq(reference->key, key);
	ck_assert(reference->certain);
	ck_assert_int_eq(reference->shape, PARK_NEVER);
	if (reference->kind == REFERENCE_GROUP)
		meant = &document->references[document_first_from(document, reference->follows)];
	ck_assert_int_eq(meant->kind, REFERENCE_ADDRESS);
	ck_assert_str_eq(pci_address_show(&meant->address, &name), address);
	ck_assert(meant->whole_slot == whole_slot);
}

START_TEST(paths_and_groups_of_this_node_are_mentions)
{
	finds("someNic\n"
	      "\tdescription 0000:07:10.0\n"
	      "\tmap id=8086:1520,iommugroup=‹2›,node=pve1,path=‹0000:07:10.0›,"
	      "subsystem-id=8086:0001\n"
	      "\tmap id=8086:1520,iommugroup=2,node=pve2,path=0000:07:10.0\n"
	      "    map  node=pve1,path=‹10000:e1:00›,id=8086:1520,iommugroup=‹-1› \n"
	      "\tmdev 0\n"
	      "\n"
	      "gpu_2\n"
	      "\tmap path=‹0000:01:00.0›;‹0000:01:00.1›,iommugroup=‹14›,node=pve1,id=10de:1b80\n"
	      "\tmap node=pve1,id=10de:1b80,path=‹0000:02:00.0›\n");
	is_of(0, "mapping/someNic", "iommugroup", "0000:07:10.0", false);
	is_of(1, "mapping/someNic", "path", "0000:07:10.0", false);
	is_of(2, "mapping/someNic", "path", "10000:e1:00.0", true);
	is_of(3, "mapping/someNic", "iommugroup", "10000:e1:00.0", true);
	is_of(4, "mapping/gpu_2", "path", "0000:01:00.0", false);
	is_of(5, "mapping/gpu_2", "path", "0000:01:00.1", false);
	is_of(6, "mapping/gpu_2", "iommugroup", "0000:01:00.0", false);
	is_of(7, "mapping/gpu_2", "path", "0000:02:00.0", false);
	ck_assert_int_eq(document->references[0].kind, REFERENCE_GROUP);
	notes("");
	ck_assert_ptr_null(document->guest);
	ck_assert_uint_eq(document->n_switches, 0);
}
END_TEST

START_TEST(lines_of_nobody_are_not_looked_at)
{
	finds("gpu\n"
	      "\tmap id=8086:1520,node=PVE1,path=0000:07:10.0\n"
	      "\tmap id=8086:1520,node=pve10,path=broken\n"
	      "\tmap id=8086:1520,path=0000:07:10.0\n"
	      "\t#map id=8086:1520,node=pve1,path=0000:07:10.0\n"
	      "# map id=8086:1520,node=pve1,path=0000:07:10.0\n"
	      "map id=8086:1520,node=pve1,path=0000:07:10.0\n"
	      "\tmaps id=8086:1520,node=pve1,path=0000:07:10.0\n"
	      "\tmap\n"
	      "\n"
	      "\tmap id=8086:1520,node=pve1,path=0000:07:10.0\n"
	      "1gpu\n"
	      "\tmap id=8086:1520,node=pve1,path=0000:07:10.0\n"
	      "\n"
	      "pci: gpu\n"
	      "\tmap id=8086:1520,node=pve1,path=0000:07:10.0\n");
	notes("");
	scan_context.node = NULL;
	finds("gpu\n\tmap id=8086:1520,node=pve1,path=0000:07:10.0\n");
	notes("");
}
END_TEST

START_TEST(a_head_begins_a_section_behind_an_empty_line_only)
{
	finds("gpu\n"
	      "\tmap id=8086:1520,node=pve1,path=‹0000:07:10.0›\n"
	      " \n"
	      "nic\n"
	      "\tmap id=8086:1520,node=pve1,path=‹0000:08:10.0›\n");
	is_of(0, "mapping/gpu", "path", "0000:07:10.0", false);
	is_of(1, "mapping/gpu", "path", "0000:08:10.0", false);
}
END_TEST

START_TEST(what_proxmox_rejects_is_told)
{
	finds("gpu\n"
	      "\tmap id=8086:1520,node=pve1\n"
	      "\tmap id=8086:1520,node=pve1,path=07:10.0\n"
	      "\tmap id=8086:1520,node=pve1,path=0000:07:1A.0\n"
	      "\tmap id=8086:1520,node=pve1,path=0000:07:10.0;\n"
	      "\tmap id=8086:1520,node=pve1,path=0000:07:10.0;0000:07:10.9\n"
	      "\tmap id=8086:1520,node=pve1,path=0000:07:10.0,path=0000:07:10.0\n"
	      "\tmap id=8086:1520,node=pve1,0000:07:10.0\n"
	      "\tmap id=8086:1520,node=pve1,path=\n"
	      "\tmap node=pve1,path=0000:07:10.0\n"
	      "\tmap id=8086,node=pve1,path=0000:07:10.0\n"
	      "\tmap id=8086:1520,node=pve1,path=0000:07:10.0,iommugroup=x\n"
	      "\tmap id=8086:1520,node=pve1,path=0000:07:10.0,subsystem-id=1\n"
	      "\tmap id=8086:1520,node=pve1,node=pve2,path=0000:07:10.0\n");
#define NOTHING "mapping gpu: Proxmox VE makes nothing of this line: "
#define PATHS   "its path is not one of addresses like 0000:05:00.0\n"
	notes("2: " NOTHING "it has no path\n"
	      "3: " NOTHING PATHS "4: " NOTHING PATHS "5: " NOTHING PATHS "6: " NOTHING PATHS
	      "7: " NOTHING "a key stands in it twice\n"
	      "8: " NOTHING "it does not consist of KEY=VALUE\n"
	      "9: " NOTHING "it does not consist of KEY=VALUE\n"
	      "10: " NOTHING "it has no id like 8086:1520\n"
	      "11: " NOTHING "it has no id like 8086:1520\n"
	      "12: " NOTHING "its iommugroup is not a number\n"
	      "13: " NOTHING "its subsystem-id is not one like 8086:0001\n"
	      "14: " NOTHING "a key stands in it twice\n");
}
END_TEST

START_TEST(empty_parts_and_new_keys_are_nothing_to_stumble_over)
{
	finds("gpu\n\tmap ,id=8086:1520,, ,node=pve1,colour=red=1,path=‹0000:07:10.0›,\n");
	notes("");
}
END_TEST

START_TEST(the_last_section_of_an_id_is_in_force)
{
	finds("gpu\n"
	      "\tmap id=8086:1520,node=pve1,path=0000:07:10.0\n"
	      "\tmap id=8086:1520,node=pve2,path=0000:07:10.0\n"
	      "\n"
	      "GPU\n"
	      "\tmap id=8086:1520,node=pve1,path=‹0000:07:10.1›\n"
	      "\n"
	      "gpu\n"
	      "\tmap id=8086:1520,node=pve1,path=‹0000:08:10.0›");
	is_of(0, "mapping/GPU", "path", "0000:07:10.1", false);
	is_of(1, "mapping/gpu", "path", "0000:08:10.0", false);
	notes("2: mapping gpu: not in force, as it is defined once more further down\n");
}
END_TEST

START_TEST(a_line_is_known_again_however_it_is_spaced)
{
	uint64_t digest;

	scan("gpu\n\tmap id=8086:1520,node=pve1,path=0000:07:10.0\n");
	digest = document->references[0].line_digest;
	scan("gpu\n  map   id=8086:1520,node=pve1,path=0000:07:10.0 \r\n");
	ck_assert_uint_eq(document->references[0].line_digest, digest);
	ck_assert_uint_eq(document->n_line_digests, 2);
	ck_assert(document->line_digests[0] == digest || document->line_digests[1] == digest);
}
END_TEST

START_TEST(it_is_read_where_proxmox_is_there)
{
	struct problem problem = { 0 };

	end();
	tree_setup();
	scan_context.root = &tree_root;
	tree_file(PATH, "gpu\n");
	ck_assert_int_eq(pve_mapping_source.collect(&pve_mapping_source, &scan_context, &documents,
						    &problem),
			 0);
	ck_assert_uint_eq(documents.n_items, 0);
	scan_context.pve_folder = "/etc/pve";
	ck_assert_int_eq(pve_mapping_source.collect(&pve_mapping_source, &scan_context, &documents,
						    &problem),
			 0);
	tree_teardown();
	ck_assert_uint_eq(documents.n_items, 1);
	ck_assert_str_eq(documents.items[0]->path, PATH);
	ck_assert(pve_mapping_source.owns(PATH));
	ck_assert(!pve_mapping_source.owns("/etc/pve/mapping/usb.cfg"));
}
END_TEST

static void add(TCase *tests)
{
	tcase_add_test(tests, paths_and_groups_of_this_node_are_mentions);
	tcase_add_test(tests, lines_of_nobody_are_not_looked_at);
	tcase_add_test(tests, a_head_begins_a_section_behind_an_empty_line_only);
	tcase_add_test(tests, what_proxmox_rejects_is_told);
	tcase_add_test(tests, empty_parts_and_new_keys_are_nothing_to_stumble_over);
	tcase_add_test(tests, the_last_section_of_an_id_is_in_force);
	tcase_add_test(tests, a_line_is_known_again_however_it_is_spaced);
	tcase_add_test(tests, it_is_read_where_proxmox_is_there);
}

int main(void)
{
	return run_tests("pve-mapping", add, setup);
}
