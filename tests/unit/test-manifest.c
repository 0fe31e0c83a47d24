/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "recovery/manifest.h"

#include <check.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#define SCRIPT "/etc/initramfs-tools/scripts/init-top/vfio-bind"

static struct inventory inventory;
static struct meanings meanings;
static struct manifest_policy policy;

static struct pci_address at(const char *text)
{
	struct pci_address address;

	ck_assert_int_eq(pci_address_parse(bytes_of(text), &address), 0);
	return address;
}

static struct pci_function *add_function(const char *address, const char *path)
{
	struct pci_function *function = inventory_add_function(&inventory);

	ck_assert_ptr_nonnull(function);
	function->address = at(address);
	function->path = path;
	function->vendor = 0x8086;
	function->device = 0x10d3;
	function->class = 0x020000;
	return function;
}

static struct unit unit_at(const char *address)
{
	struct pci_address where = at(address);
	const struct pci_function *function = inventory_find_function(&inventory, &where);
	struct unit unit;

	ck_assert_ptr_nonnull(function);
	unit_from_function(&inventory, function, &unit);
	return unit;
}

static size_t add_unit(const struct unit *unit)
{
	size_t index;

	ck_assert_int_eq(meanings_add_unit(&meanings, unit, &index), 0);
	return index;
}

static struct mention *add_mention(const char *path, const char *text, size_t offset, size_t unit)
{
	struct mention *mention = meanings_add_mention(&meanings);

	ck_assert_ptr_nonnull(mention);
	mention->kind = REFERENCE_ADDRESS;
	mention->path = path;
	mention->text = mention->said = text;
	mention->offset = offset;
	mention->block = "";
	mention->key = "override";
	mention->unit = unit;
	return mention;
}

static void setup(void)
{
	inventory = (struct inventory){ 0 };
	meanings = (struct meanings){ 0 };
	policy = (struct manifest_policy){ .restore = true };
}

static void teardown(void)
{
	inventory_done(&inventory);
	meanings_done(&meanings);
}

static void finish_inventory(void)
{
	ck_assert_int_eq(inventory_finish(&inventory, "test", NULL), 0);
}

static char *render(void)
{
	char *text;
	size_t size;

	ck_assert_int_eq(manifest_render(&inventory, &meanings, &policy, &text, &size), 0);
	ck_assert_uint_eq(size, strlen(text));
	return text;
}

static void parse(const char *text, struct manifest *manifest)
{
	_cleanup_(problem_done) struct problem problem = { 0 };
	int r = manifest_parse(bytes_of(text), "manifest", manifest, &problem);

	ck_assert_msg(r == 0, "%s", problem.text);
}

static void render_and_parse(struct manifest *manifest)
{
	_cleanup_free_ char *text = render();

	parse(text, manifest);
}

/* The lines with the checksum that fits. */
static char *seal(const char *lines)
{
	struct buffer text = { 0 };
	char *sealed;

	buffer_append_text(&text, lines);
	buffer_appendf(&text, "checksum\tfnv1a64:%016" PRIx64 "\n",
		       bytes_digest(bytes_of(lines), BYTES_DIGEST_SEED));
	ck_assert_int_eq(buffer_finish(&text, &sealed, NULL), 0);
	return sealed;
}

#define HEAD "hwrecover-manifest 1\npolicy\tauto\tdisable\tyes\n"

static void expect_refusal(const char *lines, int error, const char *expected)
{
	_cleanup_(problem_done) struct problem problem = { 0 };
	_cleanup_free_ char *text = seal(lines);
	struct manifest manifest;

	ck_assert_int_eq(manifest_parse(bytes_of(text), "manifest", &manifest, &problem), error);
	ck_assert_str_eq(problem.text, expected);
}

START_TEST(every_member_of_a_function_comes_back)
{
	_cleanup_(manifest_done) struct manifest manifest = { 0 };
	struct pci_function *function = add_function("10000:e1:00.1", "pci0000:00/0e.0/pci/00.1");
	const struct pci_function *back;

	function->subsystem_vendor = 0x1043;
	function->subsystem_device = 0x8677;
	function->class = 0x010802;
	function->serial = "00-11-22-33-44-55-66-77";
	function->slot = "3-1";
	function->firmware_path = "\\_SB_.PC00.RP 1%";
	function->driver = "nvme";
	function->protected = "root file system, swap";
	function->iommu_group = 7;
	function->revision = 3;
	finish_inventory();
	inventory.machine = "4c4c4544-0042";
	inventory.boot_id = "1";
	inventory.host = "pve1";
	render_and_parse(&manifest);

	ck_assert_str_eq(manifest.inventory.machine, "4c4c4544-0042");
	ck_assert_ptr_null(manifest.inventory.boot_id);
	ck_assert_ptr_null(manifest.inventory.host);
	ck_assert_uint_eq(manifest.inventory.n_functions, 1);
	back = &manifest.inventory.functions[0];
	ck_assert(pci_function_same(function, back));
	ck_assert_uint_eq(back->address.domain, 0x10000);
	ck_assert_str_eq(back->path, function->path);
	ck_assert_int_eq(back->subsystem_vendor, 0x1043);
	ck_assert_int_eq(back->subsystem_device, 0x8677);
	ck_assert_uint_eq(back->class, 0x010802);
	ck_assert_str_eq(back->serial, function->serial);
	ck_assert_str_eq(back->slot, function->slot);
	ck_assert_str_eq(back->firmware_path, function->firmware_path);
	ck_assert_str_eq(back->driver, "nvme");
	ck_assert_str_eq(back->protected, "root file system, swap");
	ck_assert_int_eq(back->iommu_group, UNKNOWN);
	ck_assert_int_eq(back->revision, UNKNOWN);
}
END_TEST

START_TEST(what_is_unknown_stays_unknown)
{
	_cleanup_(manifest_done) struct manifest manifest = { 0 };
	const struct pci_function *back;

	(void)add_function("0000:05:00.0", NULL);
	finish_inventory();
	render_and_parse(&manifest);
	back = &manifest.inventory.functions[0];
	ck_assert_ptr_null(manifest.inventory.machine);
	ck_assert_ptr_null(back->path);
	ck_assert_ptr_null(back->serial);
	ck_assert_ptr_null(back->driver);
	ck_assert_ptr_null(back->protected);
	ck_assert_int_eq(back->subsystem_vendor, UNKNOWN);
	ck_assert(!back->has_physfn);
}
END_TEST

START_TEST(the_policy_comes_back)
{
	struct pci_address allowed[] = { at("0000:05:00.0"), at("10000:e1:1f.7") };
	_cleanup_(manifest_done) struct manifest manifest = { 0 };

	policy = (struct manifest_policy){ .mode = MANIFEST_REPORT,
					   .binds = BINDS_RELOCATE,
					   .restore = false,
					   .allowed = allowed,
					   .n_allowed = 2 };
	render_and_parse(&manifest);
	ck_assert_int_eq(manifest.policy.mode, MANIFEST_REPORT);
	ck_assert_int_eq(manifest.policy.binds, BINDS_RELOCATE);
	ck_assert(!manifest.policy.restore);
	ck_assert_uint_eq(manifest.policy.n_allowed, 2);
	ck_assert(pci_address_equal(&manifest.policy.allowed[1], &allowed[1]));
}
END_TEST

START_TEST(mentions_come_back_with_what_they_mean)
{
	_cleanup_(manifest_done) struct manifest manifest = { 0 };
	const struct mention *back;
	struct mention *mention;
	struct unit unit;

	(void)add_function("0000:05:00.0", "pci0000:00/01.0/00.0");
	finish_inventory();
	unit = unit_at("0000:05:00.0");
	unit.lost = true;
	unit.first_address = at("0000:04:00.0");
	unit.first_path = "pci0000:00/02.0/00.0";
	unit.shared_serial = "00-11-22-33-44-55-66-77";
	mention = add_mention(SCRIPT, "05:00.0", 40, add_unit(&unit));
	mention->said = "0000:05:00.0";
	mention->block = "for dev";
	mention->body = 0xfeedf00dfeedf00d;
	mention->line_digest = 1;
	mention->ambiguous = true;
	mention->held = true;
	(void)add_mention(SCRIPT, "06:00.0", 60, MEANS_NOBODY);
	render_and_parse(&manifest);

	ck_assert_uint_eq(manifest.meanings.n_mentions, 2);
	back = &manifest.meanings.mentions[0];
	ck_assert_int_eq(back->kind, REFERENCE_ADDRESS);
	ck_assert_str_eq(back->path, SCRIPT);
	ck_assert_str_eq(back->text, "05:00.0");
	ck_assert_str_eq(back->said, "0000:05:00.0");
	ck_assert_uint_eq(back->offset, 40);
	ck_assert_str_eq(back->block, "for dev");
	ck_assert(back->body == 0xfeedf00dfeedf00d);
	ck_assert_str_eq(back->key, "override");
	ck_assert(back->line_digest == 1);
	ck_assert(back->ambiguous && back->held);
	ck_assert_uint_eq(back->unit, 0);
	ck_assert_uint_eq(manifest.meanings.n_units, 1);
	ck_assert(unit_equal(&manifest.meanings.units[0], &unit));
	ck_assert_str_eq(manifest.meanings.units[0].first_path, unit.first_path);
	ck_assert_str_eq(manifest.meanings.units[0].shared_serial, unit.shared_serial);
	ck_assert_ptr_null(manifest.meanings.units[0].function.serial);
	ck_assert_uint_eq(manifest.meanings.mentions[1].unit, MEANS_NOBODY);
	ck_assert(!manifest.meanings.mentions[1].ambiguous && !manifest.meanings.mentions[1].held);
}
END_TEST

START_TEST(parked_texts_come_back_byte_for_byte)
{
	static const char original[] = "\techo 0000:05:00.0 > \xff%09\n\\\r\n";
	_cleanup_(manifest_done) struct manifest manifest = { 0 };
	struct parked_text *parked;
	const struct parked_text *back;
	struct unit unit;

	(void)add_function("0000:05:00.0", "pci0000:00/01.0/00.0");
	finish_inventory();
	unit = unit_at("0000:05:00.0");
	parked = meanings_add_parked(&meanings, 2);
	ck_assert_ptr_nonnull(parked);
	parked->path = SCRIPT;
	parked->offset = 7;
	parked->context = "";
	parked->present = "#hwrecover: -\n";
	parked->original = original;
	parked->inside = true;
	parked->mentions[0] =
		(struct parked_mention){ 6, 12, add_unit(&unit), "-", true, false, true };
	parked->mentions[1] =
		(struct parked_mention){ 0, 1, MEANS_NOBODY, "x", false, true, false };
	render_and_parse(&manifest);

	ck_assert_uint_eq(manifest.meanings.n_parked, 1);
	back = &manifest.meanings.parked[0];
	ck_assert_uint_eq(back->offset, 7);
	ck_assert_str_eq(back->context, "");
	ck_assert_str_eq(back->present, parked->present);
	ck_assert_str_eq(back->original, original);
	ck_assert(back->inside && !back->lost);
	ck_assert_uint_eq(back->n_mentions, 2);
	ck_assert_uint_eq(back->mentions[0].offset, 6);
	ck_assert_uint_eq(back->mentions[0].length, 12);
	ck_assert_uint_eq(back->mentions[0].unit, 0);
	ck_assert_str_eq(back->mentions[0].said, "-");
	ck_assert(back->mentions[0].ambiguous && !back->mentions[0].held &&
		  back->mentions[0].parked);
	ck_assert_uint_eq(back->mentions[1].unit, MEANS_NOBODY);
	ck_assert(!back->mentions[1].ambiguous && back->mentions[1].held &&
		  !back->mentions[1].parked);
}
END_TEST

START_TEST(files_come_back_with_the_digests_of_their_lines)
{
	_cleanup_(manifest_done) struct manifest manifest = { 0 };
	struct seen_file *file = meanings_add_file(&meanings, 3);
	const struct seen_file *back;

	ck_assert_ptr_nonnull(file);
	file->path = SCRIPT;
	file->digest = UINT64_MAX;
	file->lines[0] = 1;
	file->lines[1] = 1;
	file->lines[2] = UINT64_MAX;
	render_and_parse(&manifest);
	back = meanings_find_file(&manifest.meanings, SCRIPT);
	ck_assert_ptr_nonnull(back);
	ck_assert(back->digest == UINT64_MAX);
	ck_assert_uint_eq(back->n_lines, 2);
	ck_assert(back->lines[0] == 1 && back->lines[1] == UINT64_MAX);
}
END_TEST

START_TEST(what_is_not_in_the_image_is_left_out)
{
	static const char *const elsewhere[] = { "/etc/network/interfaces", "/etc/default/grub",
						 "/etc/modprobe.d", "/usr/local/sbin/bind" };
	_cleanup_(manifest_done) struct manifest manifest = { 0 };
	struct mention *nic;
	struct unit unit;
	size_t index;

	(void)add_function("0000:05:00.0", "pci0000:00/01.0/00.0");
	(void)add_function("0000:06:00.0", "pci0000:00/02.0/00.0");
	finish_inventory();
	unit = unit_at("0000:06:00.0");
	index = add_unit(&unit);
	for (size_t i = 0; i < ARRAY_SIZE(elsewhere); i++) {
		ck_assert(!manifest_wants_file(elsewhere[i]));
		(void)add_mention(elsewhere[i], "06:00.0", 0, index);
		meanings_add_file(&meanings, 0)->path = elsewhere[i];
	}
	nic = add_mention(SCRIPT, "enp6s0", 0, MEANS_NOBODY);
	nic->kind = REFERENCE_NIC;
	unit = unit_at("0000:05:00.0");
	(void)add_mention("/etc/modprobe.d/vfio.conf", "05:00.0", 0, add_unit(&unit));
	render_and_parse(&manifest);
	ck_assert_uint_eq(manifest.meanings.n_mentions, 1);
	ck_assert_uint_eq(manifest.meanings.n_files, 0);
	ck_assert_uint_eq(manifest.meanings.n_units, 1);
	ck_assert_uint_eq(manifest.meanings.units[0].function.address.bus, 5);
	ck_assert_uint_eq(manifest.meanings.mentions[0].unit, 0);
}
END_TEST

START_TEST(virtual_functions_are_in_it_only_where_one_of_their_card_is_meant)
{
	_cleanup_(manifest_done) struct manifest manifest = { 0 };
	static const char *const cards[] = { "0000:05:00.0", "0000:06:00.0" };
	struct unit unit;

	for (size_t i = 0; i < ARRAY_SIZE(cards); i++)
		for (unsigned int k = 0; k < 3; k++) {
			struct pci_function *function = add_function(cards[i], NULL);

			function->address.function = (uint8_t)k;
			function->has_physfn = k > 0;
			function->physfn = at(cards[i]);
		}
	finish_inventory();
	unit = unit_at("0000:06:00.2");
	ck_assert_int_eq(unit.vf_index, 1);
	(void)add_mention(SCRIPT, "06:00.2", 0, add_unit(&unit));
	render_and_parse(&manifest);
	ck_assert_uint_eq(manifest.inventory.n_functions, 4);
	ck_assert_int_eq(manifest.meanings.units[0].vf_index, 1);
	ck_assert(manifest.meanings.units[0].function.has_physfn);
}
END_TEST

START_TEST(nics_are_names_on_functions)
{
	_cleanup_(manifest_done) struct manifest manifest = { 0 };
	struct nic *nic;

	(void)add_function("0000:05:00.0", NULL);
	nic = inventory_add_nic(&inventory);
	nic->name = "enp5s0";
	nic->mac = "02:00:00:00:00:01";
	nic->has_pci = true;
	nic->pci = at("0000:05:00.0");
	nic = inventory_add_nic(&inventory);
	nic->name = "usb0";
	finish_inventory();
	render_and_parse(&manifest);
	ck_assert_uint_eq(manifest.inventory.n_nics, 1);
	ck_assert_str_eq(manifest.inventory.nics[0].name, "enp5s0");
	ck_assert(manifest.inventory.nics[0].has_pci);
	ck_assert_ptr_null(manifest.inventory.nics[0].mac);
}
END_TEST

START_TEST(the_same_state_gives_the_same_bytes_whatever_its_order)
{
	static const char *const paths[] = { SCRIPT, "/etc/modprobe.d/a.conf" };
	_cleanup_free_ char *first = NULL, *second = NULL;
	struct unit units[2];

	(void)add_function("0000:05:00.0", NULL);
	add_function("0000:06:00.0", NULL)->device = 1;
	finish_inventory();
	units[0] = unit_at("0000:05:00.0");
	units[1] = unit_at("0000:06:00.0");
	for (size_t i = 0; i < 2; i++) {
		(void)add_mention(paths[i], "x", 1, add_unit(&units[i]));
		(void)add_mention(paths[i], "y", 2, add_unit(&units[1 - i]));
		meanings_add_file(&meanings, 0)->path = paths[i];
	}
	first = render();
	meanings_done(&meanings);
	inventory.boot_id = "another";
	inventory.taken_at = "2026-11-22T05:00:00Z";
	for (size_t i = 2; i-- > 0;) {
		(void)add_mention(paths[i], "y", 2, add_unit(&units[1 - i]));
		(void)add_mention(paths[i], "x", 1, add_unit(&units[i]));
		meanings_add_file(&meanings, 0)->path = paths[i];
	}
	second = render();
	ck_assert_str_eq(first, second);
}
END_TEST

START_TEST(a_text_that_is_cut_or_changed_anywhere_is_refused)
{
	_cleanup_free_ char *text = NULL;
	size_t size;

	(void)add_function("0000:05:00.0", "pci0000:00/01.0/00.0");
	finish_inventory();
	text = render();
	size = strlen(text);
	for (size_t i = 0; i < size; i++) {
		struct manifest manifest;

		ck_assert_int_lt(manifest_parse(bytes_make(text, i), "manifest", &manifest, NULL),
				 0);
		text[i] ^= 1;
		ck_assert_int_lt(
			manifest_parse(bytes_make(text, size), "manifest", &manifest, NULL), 0);
		text[i] ^= 1;
	}
}
END_TEST

START_TEST(another_version_is_refused_as_such)
{
	expect_refusal("hwrecover-manifest 2\n", -EPROTONOSUPPORT,
		       "manifest: is a manifest of another version than 1");
}
END_TEST

START_TEST(lines_of_a_later_program_are_passed_over)
{
	_cleanup_free_ char *text = seal(HEAD "later\tx\ty\n\nlater\n");
	_cleanup_(manifest_done) struct manifest manifest = { 0 };

	parse(text, &manifest);
	ck_assert_uint_eq(manifest.inventory.n_functions, 0);
}
END_TEST

#define FUNCTION "function\t0000:05:00.0\t-\t8086:10d3\t-\t020000\t-\t-\t-\t-\t-\t-\n"
#define UNIT     "unit\t0000:05:00.0\t-\t8086:10d3\t-\t020000\t-\t-\t-\t-\t-\t-\t0000:05:00.0\t-\n"

START_TEST(bad_values_are_named_by_their_line)
{
	expect_refusal("hwrecover-manifest 1\n", -EBADMSG, "manifest: has no policy");
	expect_refusal(HEAD "policy\tauto\tdisable\tyes\n", -EBADMSG,
		       "manifest:3: a second policy");
	expect_refusal("hwrecover-manifest 1\npolicy\tmaybe\tdisable\tyes\n", -EBADMSG,
		       "manifest:2: a word is none that is known");
	expect_refusal(HEAD "machine\n", -EBADMSG, "manifest:3: a field is missing");
	expect_refusal(HEAD "machine\ta\tb\n", -EBADMSG,
		       "manifest:3: there are more fields than such a line has");
	expect_refusal(HEAD "machine\ta%0\n", -EBADMSG,
		       "manifest:3: what stands behind a '%' is no byte");
	expect_refusal(HEAD "machine\ta%00\n", -EBADMSG,
		       "manifest:3: what stands behind a '%' is no byte");
	expect_refusal(HEAD "allow\t05:00.0\n", -EBADMSG, "manifest:3: an address is none");
	expect_refusal(HEAD FUNCTION FUNCTION, -EEXIST,
		       "manifest: PCI address 0000:05:00.0 occurs twice");
	expect_refusal(HEAD "nic\ta/b\t0000:05:00.0\n", -EBADMSG,
		       "manifest:3: that is not the name of a NIC");
	expect_refusal(HEAD "mention\t/f\tt\ts\t0\t\t0\tk\t0\t0\t-\n" UNIT, -EBADMSG,
		       "manifest:3: there is no such unit above");
	expect_refusal(HEAD UNIT "mention\t/f\tt\ts\t0\t\t0\tk\t0\t0\tz\n", -EBADMSG,
		       "manifest:4: a flag is none that is known");
	expect_refusal(HEAD "parked\t/f\t0\t\t\tabc\t-\t2\t2\t-\ts\t-\n", -EBADMSG,
		       "manifest:3: a number is none, or too large");
	expect_refusal(HEAD "parked\t/f\t0\t\t\tabc\t-\t2\t1\t-\ts\n", -EBADMSG,
		       "manifest:3: there are more fields than such a line has");
	expect_refusal(HEAD "file\t/f\t0\t2\t1\n", -EBADMSG,
		       "manifest:3: the digests of lines are not in order");
}
END_TEST

START_TEST(nul_bytes_are_refused)
{
	_cleanup_free_ char *text = seal(HEAD "machine\taXb\n");
	struct manifest manifest;
	char *x = strchr(text, 'X');
	struct buffer sealed = { 0 };
	struct bytes lines = { text,
			       strlen(text) - strlen("checksum\tfnv1a64:0123456789abcdef\n") };

	*x = '\0';
	buffer_append(&sealed, lines);
	buffer_appendf(&sealed, "checksum\tfnv1a64:%016" PRIx64 "\n",
		       bytes_digest(lines, BYTES_DIGEST_SEED));
	ck_assert_int_eq(manifest_parse(buffer_bytes(&sealed), "manifest", &manifest, NULL),
			 -EBADMSG);
	buffer_done(&sealed);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("manifest");
	TCase *tests = tcase_create("manifest");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, every_member_of_a_function_comes_back);
	tcase_add_test(tests, what_is_unknown_stays_unknown);
	tcase_add_test(tests, the_policy_comes_back);
	tcase_add_test(tests, mentions_come_back_with_what_they_mean);
	tcase_add_test(tests, parked_texts_come_back_byte_for_byte);
	tcase_add_test(tests, files_come_back_with_the_digests_of_their_lines);
	tcase_add_test(tests, what_is_not_in_the_image_is_left_out);
	tcase_add_test(tests, virtual_functions_are_in_it_only_where_one_of_their_card_is_meant);
	tcase_add_test(tests, nics_are_names_on_functions);
	tcase_add_test(tests, the_same_state_gives_the_same_bytes_whatever_its_order);
	tcase_add_test(tests, a_text_that_is_cut_or_changed_anywhere_is_refused);
	tcase_add_test(tests, another_version_is_refused_as_such);
	tcase_add_test(tests, lines_of_a_later_program_are_passed_over);
	tcase_add_test(tests, bad_values_are_named_by_their_line);
	tcase_add_test(tests, nul_bytes_are_refused);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
