/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "recovery/sources/token.h"

#include <check.h>

static const char *const names[] = { "enp6s0", "enp6s0f1", "fab0", "lan", "nic.5" };
static const struct name_set set = { names, ARRAY_SIZE(names) };

/* The text with "[]" around what is certain and "()" around what is not, suffixes inside. */
static char *marked(const char *text)
{
	struct token_search search = { .text = bytes_of(text), .names = &set };
	struct buffer result = { 0 };
	struct token token;
	size_t done = 0;
	char *copy;

	while (token_next(&search, &token)) {
		struct bytes found = bytes_slice(search.text, token.span.offset,
						 token.span.length + token.suffix);

		ck_assert(name_set_has(&set, bytes_make(found.data, token.span.length)));
		buffer_append(&result, bytes_make(text + done, token.span.offset - done));
		buffer_append_char(&result, token.certain ? '[' : '(');
		buffer_append(&result, found);
		buffer_append_char(&result, token.certain ? ']' : ')');
		done = token.span.offset + found.size;
	}
	buffer_append_text(&result, text + done);
	ck_assert_int_eq(buffer_finish(&result, &copy, NULL), 0);
	return copy;
}

static void check_marks(const char *wanted)
{
	char *text = strdup(wanted), *found;
	size_t n = 0;

	ck_assert_ptr_nonnull(text);
	for (const char *c = wanted; *c; c++)
		if (!strchr("[]()", *c))
			text[n++] = *c;
	text[n] = '\0';
	found = marked(text);
	ck_assert_str_eq(found, wanted);
	free(found);
	free(text);
}

START_TEST(finds_a_name_between_blanks_and_at_both_ends)
{
	check_marks("[enp6s0]");
	check_marks("ip link set dev [enp6s0] up");
	check_marks("[enp6s0]\t[enp6s0]\n[enp6s0]");
}
END_TEST

START_TEST(finds_a_name_beside_what_separates_words_for_a_shell)
{
	check_marks("-i [enp6s0];");
	check_marks("x|[enp6s0]|y");
	check_marks("x&[enp6s0]&y");
	check_marks("'[enp6s0]' \"[enp6s0]\" `ip a show [enp6s0]`");
	check_marks("--interface=[enp6s0] a,[enp6s0],[enp6s0]");
	check_marks("<[enp6s0]>x {[enp6s0],[enp6s0f1]}");
	check_marks("[enp6s0]=4 !	[enp6s0]");
}
END_TEST

START_TEST(takes_the_name_after_an_opening_parenthesis)
{
	char *found = marked("$(cat enp6s0)");

	ck_assert_str_eq(found, "$(cat [enp6s0])");
	free(found);
}
END_TEST

START_TEST(finds_nothing_in_what_only_contains_a_name)
{
	check_marks("enp6s0np0 enp6s0d1 enp6s0v3 enp60s0 penp6s0");
	check_marks("vmbr-enp6s0 my_enp6s0 10enp6s0 x.enp6s0");
	check_marks("enp6s0-old enp6s0_x enp6s0.x enp6s0. enp6s0.5x enp6s0.5-x");
	check_marks("-ienp6s0");
	check_marks("enp6s0* enp6s0? enp6s0+ *enp6s0");
	check_marks("\xc3\xa4"
		    "enp6s0 enp6s0\xc3\xa4");
}
END_TEST

START_TEST(leaves_variables_and_escapes_alone)
{
	check_marks("$enp6s0 ${enp6s0} \\lan");
}
END_TEST

START_TEST(takes_the_longest_name_that_is_whole)
{
	check_marks("[enp6s0f1] [enp6s0]");
	check_marks("[nic.5] nic [nic.5.7]");
}
END_TEST

START_TEST(counts_vlans_and_aliases_to_the_name)
{
	check_marks("[enp6s0.100] [enp6s0.100.200] [enp6s0:1] [enp6s0.100:1]");
	check_marks("[enp6s0.1], [enp6s0.1]@[enp6s0] /sys/class/net/[enp6s0.1]/mtu");
	check_marks("[enp6s0]: [enp6s0]:x");
}
END_TEST

START_TEST(tells_a_vlan_from_an_alias)
{
	struct token_search search = { .text = bytes_of("enp6s0.7 enp6s0:7"), .names = &set };
	struct token token;

	ck_assert(token_next(&search, &token));
	ck_assert(token.vlan);
	ck_assert_uint_eq(token.suffix, 2);
	ck_assert(token_next(&search, &token));
	ck_assert(!token.vlan);
	ck_assert_uint_eq(token.suffix, 2);
	ck_assert(!token_next(&search, &token));
}
END_TEST

START_TEST(finds_names_in_paths_that_name_links)
{
	check_marks("/sys/class/net/[enp6s0]/mtu");
	check_marks("/sys/class/net/vmbr0/brif/[enp6s0]/path_cost");
	check_marks("/proc/sys/net/ipv4/conf/[enp6s0]/forwarding");
	check_marks("net/ipv6/neigh/[enp6s0]/x=1");
	check_marks("/run/dhclient.[enp6s0].pid /run/[enp6s0].pid /var/run/x/[enp6s0]/y");
	check_marks("/run/dhclient.[enp6s0.100].pid");
	check_marks("\"/sys/class/net/[enp6s0]\"");
}
END_TEST

START_TEST(is_not_certain_in_other_paths)
{
	check_marks("/usr/local/bin/(enp6s0)-up.sh");
	check_marks("/etc/x/my_(enp6s0)");
	check_marks("/etc/openvpn/(enp6s0)/up ./(enp6s0) /run/x-(enp6s0).pid");
	check_marks("/var/lib/dhcp/dhclient.(enp6s0).leases");
	check_marks("/usr/bin/enp6s0x /usr/bin/xenp6s0");
}
END_TEST

START_TEST(is_not_certain_in_unit_names)
{
	check_marks("systemctl start ifup@(enp6s0).service");
	check_marks("[enp6s0]@if7");
}
END_TEST

START_TEST(finds_names_in_sysctl_keys)
{
	check_marks("sysctl -w net.ipv4.conf.[enp6s0].forwarding=1");
	check_marks("net.ipv6.neigh.[enp6s0].x net.ipv4.conf.[enp6s0/100].x");
	check_marks("dnsmasq.conf.enp6s0.bak net.enp6s0.x");
}
END_TEST

START_TEST(finds_the_scope_of_an_address)
{
	check_marks("fe80::1%[enp6s0] fe80::1/64%[enp6s0]");
}
END_TEST

START_TEST(does_not_take_a_part_of_an_address_for_a_name)
{
	check_marks("fe80::fab0 fab0::1 2001:db8:fab0:1::2 dev [fab0]");
}
END_TEST

START_TEST(finds_nothing_without_names_or_text)
{
	const struct name_set nothing = { NULL, 0 };
	struct token_search search = { .text = bytes_of("enp6s0"), .names = &nothing };
	struct token token;

	ck_assert(!token_next(&search, &token));
	ck_assert(!token_word(bytes_of("enp6s0"), &nothing, &token));
	check_marks("");
}
END_TEST

START_TEST(gets_over_null_bytes)
{
	const char text[] = "enp6s0\0 enp6s0 \0enp6s0";
	struct token_search search = { .text = { text, sizeof(text) - 1 }, .names = &set };
	struct token token;

	ck_assert(token_next(&search, &token));
	ck_assert_uint_eq(token.span.offset, 8);
	ck_assert(token_next(&search, &token));
	ck_assert_uint_eq(token.span.offset, 16);
	ck_assert(!token_next(&search, &token));
}
END_TEST

static void check_word(const char *word, size_t length, size_t suffix)
{
	struct token token = { 0 };

	ck_assert_msg(token_word(bytes_of(word), &set, &token) == (length > 0), "%s", word);
	ck_assert_uint_eq(token.span.offset, 0);
	ck_assert_uint_eq(token.span.length, length);
	ck_assert_uint_eq(token.suffix, suffix);
}

START_TEST(a_word_is_a_name_with_what_belongs_to_it_and_nothing_else)
{
	check_word("enp6s0", 6, 0);
	check_word("enp6s0.100", 6, 4);
	check_word("enp6s0.100.200", 6, 8);
	check_word("enp6s0:1", 6, 2);
	check_word("enp6s0:any label", 6, 10);
	check_word("enp6s0.7:x", 6, 4);
	check_word("enp6s0f1", 8, 0);
	check_word("enp6s0f2", 0, 0);
	check_word("enp6s0.x", 0, 0);
	check_word("enp6s0.", 0, 0);
	check_word("enp6s0=4", 0, 0);
	check_word("enp6s0/1", 0, 0);
	check_word("\"enp6s0\"", 0, 0);
	check_word("enp6s", 0, 0);
	check_word("", 0, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("token");
	TCase *tcase = tcase_create("all");
	SRunner *runner;
	int failed;

	tcase_add_test(tcase, finds_a_name_between_blanks_and_at_both_ends);
	tcase_add_test(tcase, finds_a_name_beside_what_separates_words_for_a_shell);
	tcase_add_test(tcase, takes_the_name_after_an_opening_parenthesis);
	tcase_add_test(tcase, finds_nothing_in_what_only_contains_a_name);
	tcase_add_test(tcase, leaves_variables_and_escapes_alone);
	tcase_add_test(tcase, takes_the_longest_name_that_is_whole);
	tcase_add_test(tcase, counts_vlans_and_aliases_to_the_name);
	tcase_add_test(tcase, tells_a_vlan_from_an_alias);
	tcase_add_test(tcase, finds_names_in_paths_that_name_links);
	tcase_add_test(tcase, is_not_certain_in_other_paths);
	tcase_add_test(tcase, is_not_certain_in_unit_names);
	tcase_add_test(tcase, finds_names_in_sysctl_keys);
	tcase_add_test(tcase, finds_the_scope_of_an_address);
	tcase_add_test(tcase, does_not_take_a_part_of_an_address_for_a_name);
	tcase_add_test(tcase, finds_nothing_without_names_or_text);
	tcase_add_test(tcase, gets_over_null_bytes);
	tcase_add_test(tcase, a_word_is_a_name_with_what_belongs_to_it_and_nothing_else);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
