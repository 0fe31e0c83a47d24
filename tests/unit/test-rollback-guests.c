/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Going back in files of guests: what our transactions did, and nothing that somebody else did. */
#include "recovery/rollback-guests.h"

#include <check.h>

#include "recovery/source.h"
#include "tests/unit/scratch.h"

#define NODE    "/etc/pve/nodes/pve1"
#define GUEST   NODE "/qemu-server/101.conf"
#define MAPPING "/etc/pve/mapping/pci.cfg"
#define HA      "/etc/pve/ha/resources.cfg"
#define DOMAIN  "/etc/libvirt/qemu/win10.xml"
#define LINK    "/etc/libvirt/qemu/autostart/win10.xml"
#define RUNNING "/var/lib/libvirt/libvirt-guests"

static struct store store;
static struct snapshot target;
static struct documents documents;
static struct guests_rollback rollback;
static struct scan_context context;
static const char *why_not_pve;

static void begin(void)
{
	static const char *const folders[] = {
		"/etc",
		"/etc/pve",
		"/etc/pve/nodes",
		NODE,
		"/etc/pve/ha",
		"/etc/pve/mapping",
		"/etc/libvirt",
		"/etc/libvirt/qemu",
		"/var",
		"/var/lib",
		"/var/lib/libvirt",
		NODE "/qemu-server",
		NODE "/lxc",
		"/etc/libvirt/qemu/autostart",
	};

	scratch_make();
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
		make_directory(folders[i]);
	context = (struct scan_context){ .root = &root, .node = "pve1", .pve_folder = NODE };
	why_not_pve = NULL;
	ck_assert_int_eq(store_open(&root, true, &store, NULL), 0);
}

static void forget(void)
{
	guests_rollback_done(&rollback);
	documents_done(&documents);
	snapshot_done(&target);
}

static void end(void)
{
	forget();
	store_done(&store);
	scratch_remove();
}

static uint64_t digest(const char *text)
{
	return bytes_digest(text ? bytes_of(text) : BYTES_NONE, BYTES_DIGEST_SEED);
}

static bool is_link(const char *path)
{
	return strcmp(path, LINK) == 0;
}

static void put(const char *path, const char *text)
{
	(void)unlink(host(path));
	if (text && is_link(path))
		ck_assert_int_eq(symlink(text, host(path)), 0);
	else if (text)
		write_text(path, text);
}

/* A snapshot with one file; @was is what our own transaction made it of, if it did. */
static uint64_t take_snapshot(const char *path, const char *text, bool changed, const char *was)
{
	struct snapshot snapshot = { .reason = "apply" };
	struct file_attributes attributes = { .mode = is_link(path) ? 0777 : 0644,
					      .is_link = is_link(path) };
	uint64_t id;

	if (changed)
		ck_assert_int_eq(snapshot_add_change(&snapshot, path, digest(was), digest(text)),
				 0);
	if (text)
		ck_assert_int_eq(snapshot_add_file(&snapshot, path, bytes_of(text), &attributes),
				 0);
	ck_assert_int_eq(store_write(&store, &snapshot, NULL), 0);
	id = snapshot.id;
	snapshot_done(&snapshot);
	put(path, text);
	return id;
}

static uint64_t take(const char *path, const char *text)
{
	return take_snapshot(path, text, false, NULL);
}

static uint64_t change(const char *path, const char *was, const char *now)
{
	return take_snapshot(path, now, true, was);
}

static void look(uint64_t id)
{
	static const char *const nics[] = { "enp6s0", "enp7s0" };
	_cleanup_(problem_done) struct problem problem = { 0 };
	struct guests_now now = { .documents = &documents,
				  .scan = &context,
				  .names = { nics, ARRAY_SIZE(nics) },
				  .why_not_pve = why_not_pve };
	int r;

	forget();
	for (size_t i = 0; sources[i]; i++)
		ck_assert_int_eq(sources[i]->collect(sources[i], &context, &documents, &problem),
				 0);
	for (size_t i = 0; sources[i]; i++)
		ck_assert_int_eq(sources[i]->scan(sources[i], &context, &documents, &now.names), 0);
	ck_assert_int_eq(store_load(&store, id, &target, NULL), 0);
	r = guests_rollback_look(&store, &target, &now, &rollback, &problem);
	ck_assert_msg(r == 0, "%s", problem.text);
}

static const struct guest_rollback *find(const char *path)
{
	for (size_t i = 0; i < rollback.n_files; i++)
		if (strcmp(rollback.files[i].path, path) == 0)
			return &rollback.files[i];
	ck_abort_msg("%s is not looked at", path);
	return NULL;
}

/* What a file will be; NULL: there is none. */
static void expect_now(const char *path, const char *expected)
{
	const struct guest_rollback *file = find(path);

	ck_assert_msg(!file->left, "%s", file->left);
	ck_assert(!file->unknown);
	if (!expected)
		ck_assert_ptr_null(file->now.data);
	else
		ck_assert_str_eq(file->now.data, expected);
}

static void expect_kept(const char *path, const char *word)
{
	const struct guest_rollback *file = find(path);

	for (size_t i = 0; i < file->kept.n_items; i++)
		if (strcmp(file->kept.items[i], word) == 0)
			return;
	ck_abort_msg("%s: nothing is said of %s", path, word);
}

static void expect_nothing_kept(const char *path)
{
	ck_assert_uint_eq(find(path)->kept.n_items, 0);
}

START_TEST(a_file_that_nobody_touched_goes_back_byte_for_byte)
{
	static const char first[] = "hostpci0:  05:00.0\nonboot: yes";
	static const char second[] = "hostpci0:  06:00.0\nonboot: yes";
	static const char third[] = "hostpci0:  mapping=hwrecover-hold-06_00-0\nonboot: 0";
	uint64_t id = take(GUEST, first);

	(void)change(GUEST, first, second);
	(void)change(GUEST, second, third);
	look(id);
	expect_now(GUEST, first);
	expect_nothing_kept(GUEST);
	ck_assert_str_eq(find(GUEST)->was.data, third);
}
END_TEST

START_TEST(an_edit_on_the_way_stays_though_nobody_touched_the_file_since)
{
	uint64_t id = take(GUEST, "hostpci0: 05:00.0\n");

	put(GUEST, "hostpci0: 05:00.0\ncores: 2\n");
	(void)take(GUEST, "hostpci0: 05:00.0\ncores: 2\n");
	(void)change(GUEST, "hostpci0: 05:00.0\ncores: 2\n", "hostpci0: 06:00.0\ncores: 2\n");
	look(id);
	expect_now(GUEST, "hostpci0: 05:00.0\ncores: 2\n");
}
END_TEST

START_TEST(what_nobody_changed_stays)
{
	uint64_t id = take(GUEST, "hostpci0: 05:00.0\n");

	put(GUEST, "hostpci0: 09:00.0\nonboot: 1\n");
	look(id);
	expect_now(GUEST, "hostpci0: 09:00.0\nonboot: 1\n");
	expect_nothing_kept(GUEST);
}
END_TEST

START_TEST(sorted_and_spaced_otherwise_it_is_found_all_the_same)
{
	static const char was[] = "onboot: 1\nhostpci0: 05:00.0\n\n[snap]\nhostpci0: 05:00.0\n";
	static const char now[] = "onboot: 0\nhostpci0: mapping=hwrecover-hold-05_00-0\n\n"
				  "[snap]\nhostpci0: mapping=hwrecover-hold-05_00-0\n";
	uint64_t id = take(GUEST, was);

	(void)change(GUEST, was, now);
	put(GUEST, "#note\nhostpci0: mapping=hwrecover-hold-05_00-0,pcie=1\nmemory: 1\n"
		   "onboot:  0\r\n[other]\nhostpci0: 01:00.0\n[snap]\n"
		   "hostpci0:mapping=hwrecover-hold-05_00-0\nmemory: 1");
	look(id);
	expect_now(GUEST, "#note\nhostpci0: 05:00.0,pcie=1\nmemory: 1\n"
			  "onboot: 1\r\n[other]\nhostpci0: 01:00.0\n[snap]\n"
			  "hostpci0:05:00.0\nmemory: 1");
	expect_nothing_kept(GUEST);
}
END_TEST

START_TEST(each_mention_of_a_list_goes_back_by_itself)
{
	uint64_t id = take(GUEST, "hostpci0: 05:00.0;05:00.1,pcie=1\nhostpci1: 04:00.0\n");

	(void)change(GUEST, "hostpci0: 05:00.0;05:00.1,pcie=1\nhostpci1: 04:00.0\n",
		     "hostpci0: 06:00.0;06:00.1,pcie=1\nhostpci1: 05:00.0\n");
	put(GUEST, "hostpci0: 01:00.0;06:00.1;06:00.0\nhostpci1: 05:00.0,rombar=0\n");
	look(id);
	expect_now(GUEST, "hostpci0: 01:00.0;05:00.1;05:00.0\nhostpci1: 04:00.0,rombar=0\n");
	expect_nothing_kept(GUEST);
}
END_TEST

START_TEST(what_somebody_changed_since_stays_and_is_told)
{
	uint64_t id = take(GUEST, "hostpci0: 05:00.0\nhostpci1: 04:00.0\nonboot: 1\n");

	(void)change(GUEST, "hostpci0: 05:00.0\nhostpci1: 04:00.0\nonboot: 1\n",
		     "hostpci0: 06:00.0\nhostpci1: mapping=hwrecover-hold-04_00-0\nonboot: 0\n");
	put(GUEST, "hostpci0: 07:00.0\nhostpci1: 04:00.0\nonboot: off\n");
	look(id);
	expect_now(GUEST, "hostpci0: 07:00.0\nhostpci1: 04:00.0\nonboot: off\n");
	expect_kept(GUEST, "hostpci0");
	expect_kept(GUEST, "autostart of pve/qemu/101");
	ck_assert_uint_eq(find(GUEST)->kept.n_items, 2);
}
END_TEST

START_TEST(a_rollback_is_rolled_back)
{
	static const char on[] = "hostpci0: 05:00.0\nonboot: 1\n";
	static const char off[] = "hostpci0: mapping=hwrecover-hold-05_00-0\nonboot: 0\n";
	uint64_t first = take(GUEST, on), second = change(GUEST, on, off);

	(void)change(GUEST, off, on);
	put(GUEST, "hostpci0: 05:00.0,pcie=1\ncores: 2\nonboot: 1\n");
	look(second);
	expect_now(GUEST, "hostpci0: mapping=hwrecover-hold-05_00-0,pcie=1\ncores: 2\nonboot: 0\n");
	look(first);
	expect_now(GUEST, "hostpci0: 05:00.0,pcie=1\ncores: 2\nonboot: 1\n");
}
END_TEST

START_TEST(the_line_that_held_a_guest_is_taken_out_and_put_in)
{
	static const char was[] = "args: -device vfio-pci,host=05:00.0\n";
	static const char now[] = "args: -device vfio-pci,host=05:00.0\n"
				  "hostpci15: mapping=hwrecover-hold\n";
	uint64_t first = take(GUEST, was), second = change(GUEST, was, now);

	put(GUEST, "args: -device vfio-pci,host=05:00.0\nhostpci15: mapping=hwrecover-hold\n"
		   "cores: 2\n");
	look(first);
	expect_now(GUEST, "args: -device vfio-pci,host=05:00.0\ncores: 2\n");
	(void)change(GUEST, now, was);
	put(GUEST, "args: -device vfio-pci,host=05:00.0\ncores: 2\nhostpci15: 01:00.0\n");
	look(second);
	expect_now(GUEST, "args: -device vfio-pci,host=05:00.0\ncores: 2\nhostpci15: 01:00.0\n"
			  "hostpci14: mapping=hwrecover-hold\n");
}
END_TEST

START_TEST(of_mappings_only_lines_of_this_node_go_back)
{
	static const char was[] =
		"gpu\n\tmap id=1000:0072,iommugroup=20,node=pve1,path=0000:04:00.0\n"
		"\tmap id=1000:0072,iommugroup=6,node=pve2,path=0000:06:00.0\n";
	static const char now[] =
		"gpu\n\tmap id=1000:0072,iommugroup=22,node=pve1,path=0000:06:00.0\n"
		"\tmap id=1000:0072,iommugroup=6,node=pve2,path=0000:06:00.0\n";
	uint64_t id = take(MAPPING, was);

	(void)change(MAPPING, was, now);
	put(MAPPING, "new\n\tmap id=1000:0072,iommugroup=22,node=pve1,path=0000:06:00.0\n\n"
		     "gpu\n\tmap iommugroup=22,node=pve2,path=0000:06:00.0,id=1000:0072\n"
		     "\tmap path=0000:06:00.0,id=1000:0072,node=pve1,iommugroup=22\n");
	look(id);
	expect_now(MAPPING, "new\n\tmap id=1000:0072,iommugroup=22,node=pve1,path=0000:06:00.0\n\n"
			    "gpu\n\tmap iommugroup=22,node=pve2,path=0000:06:00.0,id=1000:0072\n"
			    "\tmap path=0000:04:00.0,id=1000:0072,node=pve1,iommugroup=20\n");
	expect_nothing_kept(MAPPING);
}
END_TEST

START_TEST(a_state_that_was_put_in_is_taken_out)
{
	uint64_t id = take(GUEST, "memory: 1\n");

	(void)take(HA, "vm: 101\n\tgroup a\n");
	(void)change(HA, "vm: 101\n\tgroup a\n", "vm: 101\n\tstate stopped\n\tgroup a\n");
	look(id);
	expect_now(HA, "vm: 101\n\tgroup a\n");
	put(HA, "vm: 101\n\tgroup b\n\tstate   stopped\n\nct: 5\n");
	look(id);
	expect_now(HA, "vm: 101\n\tgroup b\n\nct: 5\n");
	put(HA, "vm: 101\n\tstate started\n");
	look(id);
	expect_now(HA, "vm: 101\n\tstate started\n");
	expect_kept(HA, "state of pve/qemu/101");
}
END_TEST

START_TEST(the_state_of_a_guest_of_another_node_stays)
{
	static const char was[] = "vm: 101\n\tstate started\n\nvm: 102\n\tstate started\n";
	static const char now[] = "vm: 101\n\tstate stopped\n\nvm: 102\n\tstate stopped\n";
	uint64_t id = take(GUEST, "memory: 1\n");

	(void)take(HA, was);
	(void)change(HA, was, now);
	look(id);
	expect_now(HA, "vm: 101\n\tstate started\n\nvm: 102\n\tstate stopped\n");
	expect_kept(HA, "state of pve/qemu/102");
}
END_TEST

START_TEST(a_link_comes_back_unless_its_domain_is_gone)
{
	uint64_t id;

	put(DOMAIN, "<domain><name>win10</name></domain>\n");
	id = take(LINK, "../win10.xml");
	(void)change(LINK, "../win10.xml", NULL);
	look(id);
	expect_now(LINK, "../win10.xml");
	ck_assert(find(LINK)->attributes.is_link);
	put(LINK, "../win10.xml");
	look(id);
	expect_now(LINK, "../win10.xml");
	expect_nothing_kept(LINK);
	put(LINK, "../other.xml");
	look(id);
	expect_now(LINK, "../other.xml");
	expect_kept(LINK, "the link");
	put(LINK, NULL);
	put(DOMAIN, NULL);
	look(id);
	expect_now(LINK, NULL);
	expect_kept(LINK, "the link, as its domain is gone,");
}
END_TEST

START_TEST(a_link_that_we_put_back_goes_again)
{
	uint64_t id;

	put(DOMAIN, "<domain><name>win10</name></domain>\n");
	(void)take(LINK, "../win10.xml");
	id = change(LINK, "../win10.xml", NULL);
	(void)change(LINK, NULL, "../win10.xml");
	look(id);
	expect_now(LINK, NULL);
	put(LINK, "/etc/libvirt/qemu/win10.xml");
	look(id);
	expect_now(LINK, "/etc/libvirt/qemu/win10.xml");
	expect_kept(LINK, "the link");
}
END_TEST

/* Our own daemon's: libvirtd writes a definition it is given in its own format. */
START_TEST(an_address_is_the_same_however_it_is_written)
{
	static const char was[] =
		"<domain><name>win10</name><devices><hostdev mode='subsystem' type='pci'><source>"
		"<address bus=\"5\" slot=\"0\"/></source></hostdev></devices></domain>\n";
	static const char now[] =
		"<domain><name>win10</name><devices><hostdev mode='subsystem' type='pci'><source>"
		"<address bus=\"6\" slot=\"0\"/></source></hostdev></devices></domain>\n";
	static const char at[] =
		"<!-- theirs -->\n<domain><name>win10</name><devices>\n"
		"<hostdev mode='subsystem' type='pci'>\n<source>\n"
		"<address domain='0x0000' bus='0x06' slot='0x00' function='0x0'/>\n"
		"</source>\n</hostdev>\n</devices>\n</domain>\n";
	static const char expected[] = "<!-- theirs -->\n<domain><name>win10</name><devices>\n"
				       "<hostdev mode='subsystem' type='pci'>\n<source>\n"
				       "<address bus=\"5\" slot=\"0\"/>\n"
				       "</source>\n</hostdev>\n</devices>\n</domain>\n";
	uint64_t id = take(DOMAIN, was);

	(void)change(DOMAIN, was, now);
	put(DOMAIN, at);
	look(id);
	expect_now(DOMAIN, expected);
}
END_TEST

START_TEST(what_ran_at_shutdown_is_not_put_back_into_a_list_that_is_another_one)
{
	static const char was[] = "default 4dea22b3-1d52-48f3-a516-782e98ab3fa0\n";
	uint64_t id = take(RUNNING, was);

	(void)change(RUNNING, was, "default\n");
	look(id);
	expect_now(RUNNING, was);
	put(RUNNING, "default 4dea22b3-1d52-48f3-a516-782e98ab3fa1\n");
	look(id);
	expect_now(RUNNING, "default 4dea22b3-1d52-48f3-a516-782e98ab3fa1\n");
}
END_TEST

START_TEST(a_file_that_is_gone_stays_so_and_is_named)
{
	uint64_t id = take(GUEST, "hostpci0: 05:00.0\n");

	put(GUEST, NULL);
	look(id);
	ck_assert_str_eq(find(GUEST)->left, "is not there any more");
	ck_assert_ptr_null(find(GUEST)->now.data);
}
END_TEST

START_TEST(without_quorum_only_what_would_change_is_named)
{
	uint64_t id = take(GUEST, "hostpci0: 05:00.0\n");

	put(NODE "/qemu-server/102.conf", "hostpci0: 05:00.0\n");
	(void)change(NODE "/qemu-server/102.conf", "hostpci0: 04:00.0\n", "hostpci0: 05:00.0\n");
	why_not_pve = "without quorum";
	look(id);
	ck_assert_ptr_null(find(GUEST)->left);
	ck_assert_str_eq(find(GUEST)->now.data, "hostpci0: 05:00.0\n");
	ck_assert_str_eq(find(NODE "/qemu-server/102.conf")->left, "without quorum");
	ck_assert_str_eq(find(NODE "/qemu-server/102.conf")->now.data, "hostpci0: 05:00.0\n");
}
END_TEST

START_TEST(a_file_that_cannot_be_edited_is_named)
{
	uint64_t id = take(GUEST, "hostpci0: 05:00.0\n");

	(void)change(GUEST, "hostpci0: 05:00.0\n", "hostpci0: 06:00.0\n");
	ck_assert_int_eq(link(host(GUEST), host(NODE "/qemu-server/other")), 0);
	look(id);
	ck_assert_ptr_nonnull(find(GUEST)->left);
	ck_assert_ptr_null(find(GUEST)->now.data);
	ck_assert_ptr_null(find(GUEST)->was.data);
}
END_TEST

START_TEST(what_is_not_on_record_any_more_stays)
{
	uint64_t id = take(GUEST, "hostpci0: 04:00.0\n");

	(void)change(GUEST, "hostpci0: 05:00.0\n", "hostpci0: 06:00.0\n");
	(void)change(GUEST, "hostpci0: 06:00.0\n", "hostpci0: 07:00.0\n");
	look(id);
	ck_assert(find(GUEST)->unknown);
	ck_assert_str_eq(find(GUEST)->now.data, "hostpci0: 06:00.0\n");
}
END_TEST

START_TEST(other_files_are_not_looked_at)
{
	uint64_t id;

	make_directory("/etc/network");
	id = take("/etc/network/interfaces", "auto enp6s0\n");
	(void)change("/etc/network/interfaces", "auto enp6s0\n", "auto enp7s0\n");
	look(id);
	ck_assert_uint_eq(rollback.n_files, 0);
	ck_assert(!guests_rollback_owns(&documents, "/etc/network/interfaces"));
	ck_assert(!guests_rollback_owns(&documents, "/etc/libvirt/qemu.conf"));
	ck_assert(guests_rollback_owns(&documents, LINK));
	ck_assert(guests_rollback_owns(&documents, DOMAIN));
	ck_assert(guests_rollback_owns(&documents, GUEST));
	ck_assert(guests_rollback_owns(&documents, RUNNING));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("rollback-guests");
	TCase *tcase = tcase_create("rollback-guests");
	SRunner *runner = srunner_create(suite);
	int n_failed;

	tcase_add_checked_fixture(tcase, begin, end);
	tcase_add_test(tcase, a_file_that_nobody_touched_goes_back_byte_for_byte);
	tcase_add_test(tcase, an_edit_on_the_way_stays_though_nobody_touched_the_file_since);
	tcase_add_test(tcase, what_nobody_changed_stays);
	tcase_add_test(tcase, sorted_and_spaced_otherwise_it_is_found_all_the_same);
	tcase_add_test(tcase, each_mention_of_a_list_goes_back_by_itself);
	tcase_add_test(tcase, what_somebody_changed_since_stays_and_is_told);
	tcase_add_test(tcase, a_rollback_is_rolled_back);
	tcase_add_test(tcase, the_line_that_held_a_guest_is_taken_out_and_put_in);
	tcase_add_test(tcase, of_mappings_only_lines_of_this_node_go_back);
	tcase_add_test(tcase, a_state_that_was_put_in_is_taken_out);
	tcase_add_test(tcase, the_state_of_a_guest_of_another_node_stays);
	tcase_add_test(tcase, a_link_comes_back_unless_its_domain_is_gone);
	tcase_add_test(tcase, a_link_that_we_put_back_goes_again);
	tcase_add_test(tcase, an_address_is_the_same_however_it_is_written);
	tcase_add_test(tcase, what_ran_at_shutdown_is_not_put_back_into_a_list_that_is_another_one);
	tcase_add_test(tcase, a_file_that_is_gone_stays_so_and_is_named);
	tcase_add_test(tcase, without_quorum_only_what_would_change_is_named);
	tcase_add_test(tcase, a_file_that_cannot_be_edited_is_named);
	tcase_add_test(tcase, what_is_not_on_record_any_more_stays);
	tcase_add_test(tcase, other_files_are_not_looked_at);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	n_failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return n_failed > 0;
}
