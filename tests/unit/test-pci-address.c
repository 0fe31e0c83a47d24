/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "snapshot/pci-address.h"

#include <check.h>
#include <errno.h>

static struct pci_address address(const char *text)
{
	struct pci_address parsed = { 0 };

	ck_assert_msg(pci_address_parse(bytes_of(text), &parsed) == 0, "refused %s", text);
	return parsed;
}

START_TEST(reads_every_part)
{
	struct pci_address parsed = address("0000:0a:1f.7");

	ck_assert_uint_eq(parsed.domain, 0);
	ck_assert_uint_eq(parsed.bus, 0x0a);
	ck_assert_uint_eq(parsed.device, 0x1f);
	ck_assert_uint_eq(parsed.function, 7);
}
END_TEST

START_TEST(domains_may_be_wider_than_16_bits)
{
	ck_assert_uint_eq(address("10000:e1:00.0").domain, 0x10000);
	ck_assert_uint_eq(address("ffffffff:ff:1f.7").domain, 0xffffffff);
}
END_TEST

START_TEST(what_is_shown_reads_back_as_the_same)
{
	static const char *const texts[] = { "0000:00:00.0", "10000:e1:00.0", "ffffffff:ff:1f.7",
					     "00ab:cd:0e.1" };

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct pci_address parsed = address(texts[i]);
		struct pci_address_name name;

		ck_assert_str_eq(pci_address_show(&parsed, &name), texts[i]);
	}
}
END_TEST

START_TEST(shows_lower_case_and_no_needless_zeros)
{
	struct pci_address upper = address("000000AB:CD:0E.1");
	struct pci_address_name name;

	ck_assert_str_eq(pci_address_show(&upper, &name), "00ab:cd:0e.1");
}
END_TEST

START_TEST(refuses_what_is_no_full_address)
{
	static const char *const bad[] = {
		"",
		"06:00.0",
		"0000:06:00",
		"0000:06:00.",
		"000:06:00.0",
		"0000:6:00.0",
		"0000:06:0.0",
		"0000:06:00.8",
		"0000:06:20.0",
		"0000:06:00.00",
		"0000:0g:00.0",
		"0000.06:00.0",
		"0000:06.00.0",
		"0000:06:00:0",
		" 0000:06:00.0",
		"0000:06:00.0 ",
		"0000:06:00.0\n",
		"+000:06:00.0",
		"0x00:06:00.0",
		"123456789:00:00.0",
		"0000:06:00.-",
		"-1000:06:00.0",
		"0000:06:00.*",
		":06:00.0",
		"0000:-6:00.0",
		"0000:06: 0.0",
	};
	struct pci_address untouched = { .domain = 7 };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		ck_assert_msg(pci_address_parse(bytes_of(bad[i]), &untouched) == -EINVAL,
			      "took \"%s\"", bad[i]);
	ck_assert_int_eq(pci_address_parse(bytes_make("0000:06:00\0000", 12), &untouched), -EINVAL);
	ck_assert_uint_eq(untouched.domain, 7);
}
END_TEST

START_TEST(order_is_by_domain_bus_device_function)
{
	static const char *const sorted[] = {
		"0000:00:00.0", "0000:00:00.1", "0000:00:01.0",  "0000:01:00.0",
		"0001:00:00.0", "ffff:ff:1f.7", "10000:00:00.0", "ffffffff:00:00.0",
	};

	for (size_t i = 0; i < ARRAY_SIZE(sorted); i++) {
		for (size_t k = 0; k < ARRAY_SIZE(sorted); k++) {
			struct pci_address a = address(sorted[i]), b = address(sorted[k]);
			int order = pci_address_compare(&a, &b);

			ck_assert_int_eq((order > 0) - (order < 0), (i > k) - (i < k));
			ck_assert_int_eq(pci_address_equal(&a, &b), i == k);
		}
	}
}
END_TEST

START_TEST(functions_of_one_device_differ_in_the_function_only)
{
	struct pci_address a = address("0000:06:00.0"), b = address("0000:06:00.7"),
			   c = address("0000:06:01.0"), d = address("0001:06:00.0"),
			   e = address("0000:07:00.0");

	ck_assert(pci_address_same_device(&a, &b));
	ck_assert(!pci_address_same_device(&a, &c));
	ck_assert(!pci_address_same_device(&a, &d));
	ck_assert(!pci_address_same_device(&a, &e));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pci-address");
	TCase *tests = tcase_create("pci-address");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tests, reads_every_part);
	tcase_add_test(tests, domains_may_be_wider_than_16_bits);
	tcase_add_test(tests, what_is_shown_reads_back_as_the_same);
	tcase_add_test(tests, shows_lower_case_and_no_needless_zeros);
	tcase_add_test(tests, refuses_what_is_no_full_address);
	tcase_add_test(tests, order_is_by_domain_bus_device_function);
	tcase_add_test(tests, functions_of_one_device_differ_in_the_function_only);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
