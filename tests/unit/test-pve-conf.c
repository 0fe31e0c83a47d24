/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <check.h>
#include <errno.h>

#include "recovery/sources/pve.h"

static void append(struct buffer *text, const char *before, struct bytes bytes)
{
	buffer_append_text(text, before);
	buffer_append(text, bytes);
}

/* The lines as "NUMBER|SECTION|KEY|VALUE\n"; "!" in front of an unknown section, "=" of a head. */
static void reads(bool is_lxc, const char *contents, const char *wanted)
{
	struct pve_reader reader = { .contents = bytes_of(contents), .is_lxc = is_lxc };
	struct buffer found = { 0 };
	struct pve_line line;
	size_t done = 0;

	buffer_append_text(&found, "");
	while (pve_read_line(&reader, &line)) {
		ck_assert_uint_eq(line.offset, done);
		ck_assert_uint_gt(line.next, line.offset);
		ck_assert_ptr_eq(line.text.data, contents + line.offset);
		ck_assert_uint_le(line.offset + line.text.size, line.next);
		done = line.next;
		buffer_appendf(&found, "%u|", line.number);
		append(&found, line.unknown ? "!" : "", BYTES_NONE);
		append(&found, line.is_head ? "=" : "", line.section);
		append(&found, "|", line.key);
		append(&found, "|", line.value);
		buffer_append_char(&found, '\n');
	}
	ck_assert_uint_eq(done, strlen(contents));
	ck_assert_str_eq(found.data ? found.data : "", wanted);
	buffer_done(&found);
}

START_TEST(a_line_is_split_at_the_colon_that_follows_the_key)
{
	reads(false,
	      "onboot: 1\nname:x:y\nhostpci0:\t 01:00.0,pcie=1 \t\r\nx-y_z12:  a  b\nlast: 1",
	      "1||onboot|1\n2||name|x:y\n3||hostpci0|01:00.0,pcie=1\n4||x-y_z12|a  b\n"
	      "5||last|1\n");
}
END_TEST

START_TEST(what_is_no_setting_has_no_key)
{
	reads(false,
	      "\n  \n# onboot: 1\n onboot: 1\nonboot : 1\nonboot=1\nOnboot: 1\n-x: 1\n1a: 2\n"
	      "a1b: 3\nonboot:\nonboot\n: 1\nhostpci_: 1\n",
	      "1|||\n2|||\n3|||\n4|||\n5|||\n6|||\n7|||\n8|||\n9|||\n10|||\n11|||\n12|||\n13|||\n"
	      "14||hostpci_|1\n");
}
END_TEST

START_TEST(a_value_of_blanks_is_the_last_of_them)
{
	reads(false, "a: \t\nb: \r\nc: \n", "1||a|\t\n2||b|\r\n3||c| \n");
}
END_TEST

START_TEST(heads_of_a_virtual_machine)
{
	reads(false,
	      "a: 1\n[pending] \r\nb: 2\n[before-Upgrade_2]\nc: 3\n[special:cloudinit]\nd: 4\n"
	      "[Special:fleecing]\ne: 5\n[x]\nf: 6\n[a b]\n[PENDING]\ng: 7\n[]\nh: 8\n"
	      "[pve:pending]\ni: 9\n",
	      "1||a|1\n2|=[pending]||\n3|[pending]|b|2\n4|=[before-Upgrade_2]||\n"
	      "5|[before-Upgrade_2]|c|3\n6|!=[special:cloudinit]||\n7|![special:cloudinit]||\n"
	      "8|!=[Special:fleecing]||\n9|![Special:fleecing]||\n10|!=[x]||\n11|![x]||\n"
	      "12|!=[a b]||\n13|=[PENDING]||\n14|[PENDING]|g|7\n15|!=[]||\n16|![]||\n"
	      "17|!=[pve:pending]||\n18|![pve:pending]||\n");
}
END_TEST

START_TEST(what_only_looks_like_a_head_is_none)
{
	reads(false, "[snap\n[snap] x\n [snap]\n[snap]]\na: 1\n",
	      "1|||\n2|||\n3|||\n4|||\n5||a|1\n");
}
END_TEST

START_TEST(heads_of_a_container)
{
	reads(true, "a: 1\n[x y]\nb: 2\n[PVE:pending]\nc: 3\n[snap1]\nd: 4\n[special:cloudinit]\n",
	      "1||a|1\n2|||\n3||b|2\n4|=[PVE:pending]||\n5|[PVE:pending]|c|3\n6|=[snap1]||\n"
	      "7|[snap1]|d|4\n8|[snap1]||\n");
}
END_TEST

START_TEST(keys_of_a_container)
{
	reads(true,
	      "dev0: /dev/dri/card0,mode=0666\nlxc.net.0.link = enp6s0 \n"
	      "lxc.cgroup2.devices.allow: c 226:128 rwm\nlxc.hook.pre-start=\nlxc.a:= b\n"
	      "lxc.a : b\nlxc.: x\nlxc.A: x\nx-y: 1\nlxc.mount.entry: /dev/a b none\nlxc = x\n",
	      "1||dev0|/dev/dri/card0,mode=0666\n2||lxc.net.0.link|enp6s0\n"
	      "3||lxc.cgroup2.devices.allow|c 226:128 rwm\n4||lxc.hook.pre-start|\n5||lxc.a|= b\n"
	      "6|||\n7|||\n8|||\n9|||\n10||lxc.mount.entry|/dev/a b none\n11|||\n");
	reads(false, "lxc.net.0.link: enp6s0\n", "1|||\n");
}
END_TEST

START_TEST(booleans_in_every_case)
{
	static const char *const texts[] = { "1", "on", "Yes", "TRUE", "0", "Off", "no", "fAlse" };
	static const char *const others[] = { "", "2", "01", "10", "y", "onn", "tru", " 1" };

	for (int i = 0; i < (int)ARRAY_SIZE(texts); i++)
		ck_assert_int_eq(pve_parse_boolean(bytes_of(texts[i])), i < 4);
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		ck_assert_int_eq(pve_parse_boolean(bytes_of(others[i])), -1);
	ck_assert_int_eq(pve_parse_boolean(BYTES_NONE), -1);
}
END_TEST

START_TEST(pending_is_known_by_its_head)
{
	ck_assert(pve_is_pending(bytes_of("[PENDING]")));
	ck_assert(pve_is_pending(bytes_of("[Pending]")));
	ck_assert(pve_is_pending(bytes_of("[pve:pending]")));
	ck_assert(!pve_is_pending(bytes_of("")));
	ck_assert(!pve_is_pending(bytes_of("PENDING")));
	ck_assert(!pve_is_pending(bytes_of("[PENDING2]")));
}
END_TEST

START_TEST(guests_are_known_by_their_files)
{
	static const char *const others[] = {
		"100.conf.tmp.1", "100.conf~", "0100.conf",       ".conf",    "100",
		"x100.conf",      "0.conf",    "4294967296.conf", "100.CONF", "+1.conf",
	};
	uint32_t vmid = 7;

	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		ck_assert_msg(!pve_parse_file_name(others[i], &vmid), "%s", others[i]);
	ck_assert_uint_eq(vmid, 7);
	ck_assert(pve_parse_file_name("100.conf", &vmid));
	ck_assert_uint_eq(vmid, 100);
	ck_assert(pve_parse_file_name("4294967295.conf", &vmid));
	ck_assert_uint_eq(vmid, UINT32_MAX);
}
END_TEST

START_TEST(paths_in_either_layout)
{
	ck_assert(pve_is_guest_path("/etc/pve/qemu-server/100.conf", "qemu-server"));
	ck_assert(pve_is_guest_path("/etc/pve/nodes/pve1/lxc/100.conf", "lxc"));
	ck_assert(!pve_is_guest_path("/etc/pve/nodes/pve1/lxc/100.conf", "qemu-server"));
	ck_assert(!pve_is_guest_path("/etc/pve/nodes/100.conf", "qemu-server"));
	ck_assert(
		!pve_is_guest_path("/etc/pve/nodes/pve1/qemu-server/old/100.conf", "qemu-server"));
	ck_assert(!pve_is_guest_path("/etc/pve/qemu-server/100.conf.tmp", "qemu-server"));
	ck_assert(!pve_is_guest_path("/etc/pve/qemu-serverx100.conf", "qemu-server"));
	ck_assert(!pve_is_guest_path("/etc/pve/qemu-server", "qemu-server"));
	ck_assert(!pve_is_guest_path("/etc/pve", "qemu-server"));
	ck_assert(!pve_is_guest_path("/srv/etc/pve/qemu-server/100.conf", "qemu-server"));
}
END_TEST

START_TEST(names_that_people_give)
{
	static const char *const good[] = { "ab", "Ab-", "z9_-", "AZ" };
	static const char *const bad[] = { "",    "a",         "9a", "_a", "a b",
					   "a.b", "a\xc3\xa4", "@a", "a[" };

	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		ck_assert_msg(pve_is_config_id(bytes_of(good[i])), "%s", good[i]);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		ck_assert_msg(!pve_is_config_id(bytes_of(bad[i])), "%s", bad[i]);
}
END_TEST

/* The addresses of a list, whole slots with ".*"; what ends the walk follows in brackets. */
static void lists(const char *text, const char *wanted)
{
	struct bytes list = bytes_of(text);
	struct buffer found = { 0 };
	struct address_token token;
	size_t at = 0, done = 0;
	int r;

	buffer_append_text(&found, "");
	while ((r = pve_next_address(list, &at, &token)) > 0) {
		struct pci_address_name name;

		ck_assert_uint_ge(token.span.offset, done);
		done = span_end(token.span);
		ck_assert_uint_le(done, list.size);
		buffer_appendf(&found, "%.*s=%s%s ", (int)token.span.length,
			       text + token.span.offset, pci_address_show(&token.address, &name),
			       token.whole_slot ? "*" : "");
	}
	buffer_appendf(&found, "[%s]", r == 0 ? "" : r == -EINVAL ? "form" : "range");
	ck_assert_str_eq(found.data, wanted);
	buffer_done(&found);
}

START_TEST(addresses_in_every_form)
{
	lists("01:00.0", "01:00.0=0000:01:00.0 []");
	lists("0000:0a:1f.7;0b:00", "0000:0a:1f.7=0000:0a:1f.7 0b:00=0000:0b:00.0* []");
	lists("10000:e1:00.0;ffffffff:00:00",
	      "10000:e1:00.0=10000:e1:00.0 ffffffff:00:00=ffffffff:00:00.0* []");
	lists("", "[form]");
	lists("01:00.0;", "01:00.0=0000:01:00.0 [form]");
	lists(";01:00.0", "[form]");
	lists("01:00.0;;", "01:00.0=0000:01:00.0 [form]");
	lists("0A:00.0", "[form]");
	lists("0a:00.A", "[form]");
	lists("000:01:00.0", "[form]");
	lists("0000:01:00.", "[form]");
	lists("0000:01:00.00", "[form]");
	lists("0000:01:0", "[form]");
	lists("0000:01", "[form]");
	lists("0000", "[form]");
	lists("01.00.0", "[form]");
	lists("01:00.0 ", "[form]");
	lists("01:20.0", "[range]");
	lists("01:00.8;01:00.0", "[range]");
	lists("100000000:01:00.0", "[range]");
	lists("00001:01:00.0", "[range]");
	lists("000000001:01:00", "[range]");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pve-conf");
	TCase *tests = tcase_create("pve-conf");
	SRunner *runner;
	int failed;

	tcase_add_test(tests, a_line_is_split_at_the_colon_that_follows_the_key);
	tcase_add_test(tests, what_is_no_setting_has_no_key);
	tcase_add_test(tests, a_value_of_blanks_is_the_last_of_them);
	tcase_add_test(tests, heads_of_a_virtual_machine);
	tcase_add_test(tests, what_only_looks_like_a_head_is_none);
	tcase_add_test(tests, heads_of_a_container);
	tcase_add_test(tests, keys_of_a_container);
	tcase_add_test(tests, booleans_in_every_case);
	tcase_add_test(tests, pending_is_known_by_its_head);
	tcase_add_test(tests, guests_are_known_by_their_files);
	tcase_add_test(tests, paths_in_either_layout);
	tcase_add_test(tests, names_that_people_give);
	tcase_add_test(tests, addresses_in_every_form);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
