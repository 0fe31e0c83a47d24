/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bind-scan.h"
#include "tree.h"

static void setup(void)
{
	tree_setup();
	scan_context.root = &tree_root;
}

static void read_all(void)
{
	struct problem problem = { 0 };

	ck_assert_int_eq(
		driverctl_source.collect(&driverctl_source, &scan_context, &documents, &problem),
		0);
	ck_assert_int_eq(
		driverctl_source.scan(&driverctl_source, &scan_context, &documents, &nic_set), 0);
	tree_teardown();
}

static struct document *find(const char *path)
{
	return documents_find(&documents, path);
}

START_TEST(the_name_of_a_file_is_the_mention)
{
	const struct reference *reference;

	tree_file("/etc/driverctl.d/pci-0000:0b:00.1", "vfio-pci\n");
	read_all();
	ck_assert_uint_eq(documents.n_items, 1);
	document = documents.items[0];
	ck_assert(!document->in_image && !document->only_by_apply);
	ck_assert_uint_eq(document->n_references, 1);
	reference = &document->references[0];
	ck_assert_int_eq(reference->kind, REFERENCE_ADDRESS);
	ck_assert_str_eq(reference->in_name, "0000:0b:00.1");
	ck_assert_uint_eq(reference->span.offset + reference->span.length, 0);
	ck_assert(reference->certain);
	ck_assert_int_eq(reference->shape, PARK_FILE);
	ck_assert_str_eq(reference->block, "vfio-pci");
	ck_assert_str_eq(reference->key, "driver");
	ck_assert_uint_eq(reference->address.bus, 0x0b);
	ck_assert_uint_eq(reference->address.function, 1);
	ck_assert_uint_eq(document->line_digests[0], reference->line_digest);
}
END_TEST

START_TEST(drivers_for_guests_bind_and_others_do_not)
{
	static const struct {
		const char *path;
		const char *contents;
		size_t n;
	} files[] = {
		{ "/etc/driverctl.d/pci-0000:05:00.0", "vfio-pci", 1 },
		{ "/etc/driverctl.d/pci-0000:05:00.1", "pci-stub\r\n", 1 },
		{ "/etc/driverctl.d/pci-0000:05:00.2", "uio_pci_generic\n", 1 },
		{ "/etc/driverctl.d/pci-10000:05:00.3", "mlx5_vfio_pci\n", 1 },
		{ "/etc/driverctl.d/pci-0000:05:00.4", "xen-pciback\n\n", 1 },
		{ "/etc/driverctl.d/pci-0000:05:00.5", "nvme\n", 0 },
		{ "/etc/driverctl.d/pci-0000:05:00.6", "", 0 },
		{ "/etc/driverctl.d/pci-0000:05:00.7", "vfio\n", 0 },
		{ "/etc/driverctl.d/pci-0000:06:00.0", "none\n", 0 },
		{ "/etc/driverctl.d/pci-0000:06:00.1", "\nvfio-pci\n", 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		tree_file(files[i].path, files[i].contents);
	read_all();
	ck_assert_uint_eq(documents.n_items, ARRAY_SIZE(files));
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		document = find(files[i].path);
		ck_assert_ptr_nonnull(document);
		ck_assert_uint_eq(document->n_references, files[i].n);
		ck_assert_uint_eq(document->n_notes, 0);
	}
}
END_TEST

START_TEST(names_that_driverctl_does_not_look_for_are_passed_over)
{
	tree_file("/etc/driverctl.d/pci-0000:05:00.0~", "vfio-pci\n");
	tree_file("/etc/driverctl.d/pci-0000:05:00.0.bak", "vfio-pci\n");
	tree_file("/etc/driverctl.d/pci-05:00.0", "vfio-pci\n");
	tree_file("/etc/driverctl.d/pci-0000:0B:00.0", "vfio-pci\n");
	tree_file("/etc/driverctl.d/usb-0000:05:00.0", "vfio-pci\n");
	tree_file("/etc/driverctl.d/vmbus-0000:05:00.0", "vfio-pci\n");
	tree_file("/etc/driverctl.d/0000:05:00.0", "vfio-pci\n");
	tree_file("/etc/driverctl.d/pci-", "vfio-pci\n");
	tree_directory("/etc/driverctl.d/pci-0000:05:00.1");
	read_all();
	ck_assert_uint_eq(documents.n_items, 0);
}
END_TEST

START_TEST(what_cannot_be_taken_away_is_named)
{
	tree_file("/etc/driverctl.d/pci-0000:05:00.0", "vfio-pci\n");
	tree_link("/etc/driverctl.d/pci-0000:06:00.0", "pci-0000:05:00.0");
	tree_link("/etc/driverctl.d/pci-0000:07:00.0", "/opt/pci-0000:07:00.0");
	tree_file("/opt/pci-0000:07:00.0", "vfio-pci\n");
	tree_bytes("/etc/driverctl.d/pci-0000:08:00.0", bytes_make("vfio-pci\0", 9));
	read_all();
	ck_assert_uint_eq(documents.n_items, 4);
	ck_assert_uint_eq(find("/etc/driverctl.d/pci-0000:05:00.0")->n_references, 1);
	ck_assert_str_eq(find("/etc/driverctl.d/pci-0000:06:00.0")->unfit,
			 "is a symbolic link to a file of another name");
	ck_assert_ptr_nonnull(find("/etc/driverctl.d/pci-0000:07:00.0")->unfit);
	ck_assert_str_eq(find("/etc/driverctl.d/pci-0000:08:00.0")->unfit, "holds NUL bytes");
}
END_TEST

START_TEST(no_directory_is_no_problem)
{
	read_all();
	ck_assert_uint_eq(documents.n_items, 0);
}
END_TEST

static void add(TCase *tests)
{
	tcase_add_test(tests, the_name_of_a_file_is_the_mention);
	tcase_add_test(tests, drivers_for_guests_bind_and_others_do_not);
	tcase_add_test(tests, names_that_driverctl_does_not_look_for_are_passed_over);
	tcase_add_test(tests, what_cannot_be_taken_away_is_named);
	tcase_add_test(tests, no_directory_is_no_problem);
}

int main(void)
{
	return run_tests("driverctl", add, setup);
}
