/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <check.h>
#include <errno.h>
#include <stdio.h>

#include "recovery/sources/interfaces.h"

/* What the check says of a text; NULL when it is accepted. To be freed. */
static char *complaint(enum interfaces_dialect dialect, const char *text)
{
	struct problem problem = { 0 };
	int r = interfaces_check_text(dialect, bytes_of(text), "F", &problem);

	ck_assert_int_eq(r, problem.text ? -EBADMSG : 0);
	return problem.text;
}

static void accepted(const char *text)
{
	char *found = complaint(DIALECT_IFUPDOWN, text);

	ck_assert_msg(!found, "\"%s\": %s", text, found);
}

static void rejected(const char *text, const char *wanted)
{
	char *found = complaint(DIALECT_IFUPDOWN, text);

	ck_assert_msg(found && strcmp(found, wanted) == 0, "\"%s\": %s instead of %s", text,
		      found ? found : "accepted", wanted);
	free(found);
}

START_TEST(accepts_what_is_usual)
{
	accepted("");
	accepted("\n# x\n\t\n");
	accepted("source /etc/network/interfaces.d/*\n\nauto lo\niface lo inet loopback\n\n"
		 "allow-hotplug enp6s0\niface enp6s0 inet static\n\taddress 192.0.2.1/24\n"
		 "\n\t# x\n\tup echo\nrename a=b\nno-auto-down a\nno-scripts b\n"
		 "mapping enp*\n\tscript /bin/x\n\tmap a b\n\tmap\nsource-directory d\n");
	accepted("auto enp6s0");
	accepted("  iface enp6s0 inet manual\r\n\tmtu 1400\r\n");
}
END_TEST

START_TEST(knows_all_families_and_their_methods)
{
	static const char *const good[] = {
		"inet loopback", "inet static",      "inet manual",     "inet dhcp",
		"inet bootp",    "inet tunnel",      "inet ppp",        "inet wvdial",
		"inet ipv4ll",   "inet6 auto",       "inet6 loopback",  "inet6 static",
		"inet6 manual",  "inet6 dhcp",       "inet6 tunnel",    "inet6 v4tunnel",
		"inet6 6to4",    "ipx static",       "ipx dynamic",     "can static",
		"meta none",     "inet manual more", "inet static # x",
	};
	static const char *const bad[] = { "inet lookback", "inet auto", "inet6 bootp",
					   "can manual",    "inet",      "ipx none" };

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		char text[64];

		snprintf(text, sizeof(text), "iface x %s\n", good[i]);
		accepted(text);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		char text[64];

		snprintf(text, sizeof(text), "iface x %s\n", bad[i]);
		rejected(text, "F:1: unknown or no method and no inherits keyword specified");
	}
}
END_TEST

START_TEST(rejects_a_stanza_without_name_or_family)
{
	rejected("iface\n", "F:1: too few parameters for iface line");
	rejected("\niface vmbr0\n", "F:2: unknown or no address type and no inherits keyword "
				    "specified");
	rejected("iface vmbr0 link none\n",
		 "F:1: unknown or no address type and no inherits keyword specified");
	rejected("iface vmbr0 INET static\n",
		 "F:1: unknown or no address type and no inherits keyword specified");
}
END_TEST

START_TEST(rejects_words_where_nothing_is_expected)
{
	rejected("auto enp6s0\nfoo bar\n", "F:2: misplaced option");
	rejected("iface a inet manual\nauto b\n\tmtu 1\n", "F:3: misplaced option");
	rejected("iface a inet manual\nsource x\n\tmtu 1\n", "F:3: misplaced option");
	rejected("iface a inet manual\nrename a=b\n\tmtu 1\n", "F:3: misplaced option");
	rejected("allow- x\n", "F:1: misplaced option");
	rejected("vlan 100\n", "F:1: misplaced option");
	rejected("\xef\xbb\xbf"
		 "auto lo\n",
		 "F:1: misplaced option");
	rejected("27: enx001122334455: <BROADCAST,MULTICAST>\n", "F:1: misplaced option");
}
END_TEST

START_TEST(a_bare_auto_does_not_end_a_stanza)
{
	accepted("iface a inet manual\n\tauto\n\tallow-hotplug\n\tmtu 1400\n");
	rejected("auto\n\tmtu 1400\n", "F:2: misplaced option");
}
END_TEST

START_TEST(rejects_an_option_without_a_value)
{
	rejected("iface a inet manual\n\tmtu\n", "F:2: option with empty value");
	rejected("iface a inet manual\n\tmtu \\\n\n\t9000\n", "F:2: option with empty value");
	rejected("iface a inet manual\n\tbridge_ports a \\ \n\tb\n",
		 "F:3: option with empty value");
	accepted("iface a inet manual\n\tmtu \\\n9000\n");
}
END_TEST

START_TEST(checks_what_is_inherited)
{
	accepted("iface a inet static\niface b inet static inherits a\n");
	accepted("iface a inet static\niface b inet inherits a\n");
	accepted("iface a inet6 static\niface a inet static\niface b inherits a\n"
		 "iface c inet6 inherits b\n");
	rejected("iface b inet static inherits a\niface a inet static\n",
		 "F:1: unknown iface to inherit from");
	rejected("iface a inet static\niface b inet6 static inherits a\n",
		 "F:2: unknown iface to inherit from");
	rejected("iface a inet static\niface b inet static inherits\n",
		 "F:2: 'inherits' keyword is missing a parameter");
	/* What is sourced may hold it. */
	accepted("source x\niface b inet static inherits a\n");
}
END_TEST

START_TEST(checks_mappings)
{
	rejected("mapping a\n\tscript x\n\tscript y\n", "F:3: duplicate script in mapping");
	rejected("mapping a\n\tfoo x\n", "F:2: misplaced option");
	accepted("mapping a\n\tscript\nmapping b\n\tscript x\n");
}
END_TEST

START_TEST(cuts_words_as_ifupdown_does)
{
	char text[400], word[100];

	memset(word, 'a', sizeof(word) - 1);
	word[sizeof(word) - 1] = '\0';
	snprintf(text, sizeof(text), "iface %s inet manual\niface b inherits %.79s\n", word, word);
	accepted(text);
	snprintf(text, sizeof(text), "iface %.79s inet manual\niface b inherits %.78s\n", word,
		 word);
	rejected(text, "F:2: unknown iface to inherit from");
}
END_TEST

START_TEST(goes_by_logical_lines)
{
	accepted("auto \\\n\ta \\\n# b\niface a inet \\\n\tmanual\n");
	accepted("# old \\\niface a inet manual\n\tmtu 1\n");
	rejected("\\\n auto x\n", "F:1: misplaced option");
	accepted("\\\nauto x\n");
}
END_TEST

START_TEST(ifupdown2_stops_only_at_keywords_without_argument)
{
	static const char *const good[] = {
		"foo bar\niface vmbr0\n\tmtu\nauto\n",
		"iface a inet lookback\n",
		"allow-x a\n",
		"# iface \\\n\niface\n",
		"iface a\n\tsource-directory\n",
		"% if x:\niface\n% endif\n",
	};
	static const char *const bad[] = { "iface\n", "vlan\n", "source\n", "allow-hotplug\n",
					   "allow x\n" };

	for (int one = DIALECT_IFUPDOWN2; one <= DIALECT_IFUPDOWN2_3_9; one++) {
		enum interfaces_dialect dialect = (enum interfaces_dialect)one;

		for (size_t i = 0; i < ARRAY_SIZE(good); i++)
			if (!(one == DIALECT_IFUPDOWN2_3_9 && strstr(good[i], "source-dir")))
				ck_assert_pstr_eq(complaint(dialect, good[i]), NULL);
		for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
			char *found = complaint(dialect, bad[i]);

			ck_assert_ptr_nonnull(found);
			free(found);
		}
	}
}
END_TEST

START_TEST(ifupdown_ng_takes_everything)
{
	ck_assert_pstr_eq(complaint(DIALECT_IFUPDOWN_NG, "iface\nfoo\nauto\nsource\n"), NULL);
}
END_TEST

START_TEST(thousands_of_stanzas_take_no_time)
{
	struct buffer text = { 0 };

	for (unsigned int i = 0; i < 20000; i++)
		buffer_appendf(&text, "iface a%u inet manual\n", i);
	for (unsigned int i = 0; i < 20000; i++)
		buffer_appendf(&text, "iface b%u inherits a%u\n", i, 19999 - i);
	ck_assert_int_eq(interfaces_check_text(DIALECT_IFUPDOWN, buffer_bytes(&text), "F", NULL),
			 0);
	buffer_done(&text);
}
END_TEST

START_TEST(dialects_have_names_that_lead_back_to_them)
{
	for (int i = 0; i < _DIALECT_MAX; i++) {
		enum interfaces_dialect dialect = (enum interfaces_dialect)i;

		ck_assert_int_eq(
			interfaces_dialect_from_string(interfaces_dialect_to_string(dialect)),
			dialect);
	}
	ck_assert_int_eq(interfaces_dialect_from_string("ifupdown3"), _DIALECT_INVALID);
	ck_assert_int_eq(interfaces_dialect_from_string(NULL), _DIALECT_INVALID);
	ck_assert_ptr_null(interfaces_dialect_to_string(_DIALECT_INVALID));
	ck_assert_ptr_null(interfaces_dialect_to_string(_DIALECT_MAX));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("interfaces-check");
	TCase *tcase = tcase_create("all");
	SRunner *runner;
	int failed;

	tcase_add_test(tcase, accepts_what_is_usual);
	tcase_add_test(tcase, knows_all_families_and_their_methods);
	tcase_add_test(tcase, rejects_a_stanza_without_name_or_family);
	tcase_add_test(tcase, rejects_words_where_nothing_is_expected);
	tcase_add_test(tcase, a_bare_auto_does_not_end_a_stanza);
	tcase_add_test(tcase, rejects_an_option_without_a_value);
	tcase_add_test(tcase, checks_what_is_inherited);
	tcase_add_test(tcase, checks_mappings);
	tcase_add_test(tcase, cuts_words_as_ifupdown_does);
	tcase_add_test(tcase, goes_by_logical_lines);
	tcase_add_test(tcase, ifupdown2_stops_only_at_keywords_without_argument);
	tcase_add_test(tcase, ifupdown_ng_takes_everything);
	tcase_add_test(tcase, thousands_of_stanzas_take_no_time);
	tcase_add_test(tcase, dialects_have_names_that_lead_back_to_them);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
