/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "recovery/sources/address-attributes.h"

#include <check.h>
#include <errno.h>

static struct arena arena;

static void teardown(void)
{
	arena_done(&arena);
}

static void reads(const char *text, const char *wanted)
{
	struct pci_address_name name;
	struct pci_address address;

	ck_assert_msg(address_attributes_parse(bytes_of(text), &address) == 0, "%s", text);
	ck_assert_str_eq(pci_address_show(&address, &name), wanted);
}

static void refuses(const char *text)
{
	struct pci_address address = { .domain = 7 };

	ck_assert_msg(address_attributes_parse(bytes_of(text), &address) == -EINVAL, "%s", text);
	ck_assert_uint_eq(address.domain, 7);
}

/* @like written for another address, which is read again from what comes out. */
static void writes(const char *like, const char *address_text, const char *wanted)
{
	struct pci_address address;
	const char *text;

	ck_assert_int_eq(pci_address_parse(bytes_of(address_text), &address), 0);
	text = address_attributes_format(&arena, bytes_of(like), &address);
	ck_assert_ptr_nonnull(text);
	ck_assert_str_eq(text, wanted);
	reads(text, address_text);
}

START_TEST(reads_the_address_that_libvirt_writes)
{
	reads("domain='0x0000' bus='0x0a' slot='0x1f' function='0x7'", "0000:0a:1f.7");
	reads("domain='0x10000' bus='0xe1' slot='0x00' function='0x0'", "10000:e1:00.0");
	reads("domain='0xffffffff' bus='0xff' slot='0x1f' function='0x7'", "ffffffff:ff:1f.7");
}
END_TEST

START_TEST(reads_attributes_in_any_order_and_either_quote)
{
	reads("function=\"0x1\" slot='0x2' bus=\"0x3\" domain='0x4'", "0004:03:02.1");
	reads("bus = '0x3'\n\t slot\t=\r\n'0x2'", "0000:03:02.0");
	reads(" bus='1' slot='2' ", "0000:01:02.0");
}
END_TEST

START_TEST(domain_and_function_are_zero_where_they_are_missing)
{
	reads("bus='0x03' slot='0x02'", "0000:03:02.0");
	reads("domain='0x0001' bus='0x03' slot='0x02'", "0001:03:02.0");
}
END_TEST

START_TEST(reads_every_base_that_libvirt_reads)
{
	reads("bus='16' slot='9' function='7'", "0000:10:09.7");
	reads("bus='017' slot='010' function='07'", "0000:0f:08.7");
	reads("bus='0XAb' slot='0X1F' function='0'", "0000:ab:1f.0");
	reads("bus='0x000000000000000000000000012' slot='0'", "0000:12:00.0");
}
END_TEST

START_TEST(passes_other_attributes_over)
{
	reads("type='pci' bus='1' multifunction=\"on\" slot='2' x='>' y='bus'", "0000:01:02.0");
	reads("bus='1' x:bus='7' Bus='8' slot='2' bus2='9'", "0000:01:02.0");
}
END_TEST

START_TEST(refuses_what_is_no_address)
{
	refuses("");
	refuses("bus='1'");
	refuses("slot='1'");
	refuses("domain='0' function='0'");
	refuses("bus='1' slot='2' bus='1'");
	refuses("bus='1' slot='2' function='3' function='3'");
}
END_TEST

START_TEST(refuses_numbers_that_are_none_or_too_large)
{
	refuses("bus='0x100' slot='0'");
	refuses("bus='1' slot='0x20'");
	refuses("bus='1' slot='0' function='8'");
	refuses("bus='1' slot='0' domain='0x100000000'");
	refuses("bus='1' slot='0' domain='0xfffffffffffffffff'");
	refuses("bus='040000000000000000000001' slot='0'");
	refuses("bus='' slot='0'");
	refuses("bus='0x' slot='0'");
	refuses("bus='08' slot='0'");
	refuses("bus='a' slot='0'");
	refuses("bus='0xg' slot='0'");
	refuses("bus='-1' slot='0'");
	refuses("bus='+1' slot='0'");
	refuses("bus=' 1' slot='0'");
	refuses("bus='1 ' slot='0'");
	refuses("bus='&#49;' slot='0'");
}
END_TEST

START_TEST(refuses_what_are_no_attributes)
{
	refuses("bus");
	refuses("bus=");
	refuses("bus=1 slot=2");
	refuses("bus='1' slot='2");
	refuses("bus='1' slot='2' /");
	refuses("bus='1' slot='2' ='3'");
	refuses("bus='1\" slot=\"2'");
}
END_TEST

START_TEST(writes_only_the_numbers)
{
	writes("domain='0x0000' bus='0x05' slot='0x00' function='0x0'", "0001:1a:1f.7",
	       "domain='0x0001' bus='0x1a' slot='0x1f' function='0x7'");
	writes("function=\"0x1\"\n  slot='0x02' x='1'\tbus = \"0x3\" domain='0x0004'",
	       "0000:10:00.0",
	       "function=\"0x0\"\n  slot='0x00' x='1'\tbus = \"0x10\" domain='0x0000'");
	writes(" bus='1' slot='2' type='pci' ", "0000:02:03.0", " bus='2' slot='3' type='pci' ");
}
END_TEST

START_TEST(keeps_base_and_number_of_digits)
{
	writes("bus='0x5' slot='0x000' function='0'", "0000:1a:03.1",
	       "bus='0x1a' slot='0x003' function='1'");
	writes("bus='9' slot='10'", "0000:10:01.0", "bus='16' slot='1'");
	writes("bus='017' slot='007' function='00'", "0000:40:01.7",
	       "bus='0100' slot='001' function='07'");
	writes("domain='0x10000' bus='0xe1' slot='0'", "0000:01:1f.0",
	       "domain='0x00000' bus='0x01' slot='31'");
}
END_TEST

START_TEST(keeps_capitals)
{
	writes("bus='0X0A' slot='0x1F'", "0000:bc:1e.0", "bus='0XBC' slot='0x1E'");
	writes("bus='0x01' slot='0x1F'", "0000:bc:00.0", "bus='0xBC' slot='0x00'");
	writes("bus='0xAb' slot='0x00'", "0000:bc:00.0", "bus='0xbc' slot='0x00'");
	writes("bus='0x01' slot='0x00' model='0xFF'", "0000:bc:00.0",
	       "bus='0xbc' slot='0x00' model='0xFF'");
}
END_TEST

START_TEST(adds_what_is_missing_only_where_it_is_not_zero)
{
	writes("bus='0x05' slot='0x00'", "0000:06:00.0", "bus='0x06' slot='0x00'");
	writes("bus='0x05' slot='0x00'", "0000:06:00.1", "bus='0x06' slot='0x00' function='0x1'");
	writes("slot=\"0\" bus=\"5\" x='y'", "000a:06:00.1",
	       "slot=\"0\" bus=\"6\" domain=\"0x000a\" function=\"0x1\" x='y'");
	writes("bus='5' slot='0' function='1'", "10000:06:00.0",
	       "bus='6' slot='0' function='0' domain='0x10000'");
}
END_TEST

START_TEST(writes_nothing_like_what_it_does_not_read)
{
	const struct pci_address address = { .bus = 1 };

	ck_assert_ptr_null(address_attributes_format(&arena, bytes_of("bus='1'"), &address));
	ck_assert_ptr_null(address_attributes_format(&arena, bytes_of("0000:01:00.0"), &address));
	ck_assert_ptr_null(address_attributes_format(&arena, BYTES_NONE, &address));
}
END_TEST

static void finds(const char *text, const char *wanted)
{
	struct bytes found;

	ck_assert(address_attributes_find(bytes_of(text), &found));
	ck_assert(found.data >= text && found.data + found.size <= text + strlen(text));
	ck_assert_msg(bytes_equal_text(found, wanted), "%.*s", (int)found.size, found.data);
}

START_TEST(finds_the_mention_from_the_first_to_the_last)
{
	struct bytes found;

	finds(" type='pci' domain='0' bus='1' slot='2' function='3' x='y'",
	      "domain='0' bus='1' slot='2' function='3'");
	finds(" slot='2' type='pci'\n bus='1' ", "slot='2' type='pci'\n bus='1'");
	finds(" x='>' bus=\"1'\"", "bus=\"1'\"");
	ck_assert(!address_attributes_find(bytes_of(" type='usb' port='1'"), &found));
	ck_assert(!address_attributes_find(BYTES_NONE, &found));
}
END_TEST

START_TEST(walks_over_attributes)
{
	const struct bytes text = bytes_of(" a='' b = \"x'>\"\tc='&quot;'\n");
	static const char *const wanted[][2] = { { "a", "" }, { "b", "x'>" }, { "c", "&quot;" } };
	struct xml_attribute attribute;
	size_t at = 0;

	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		ck_assert_int_eq(xml_attribute_next(text, &at, &attribute), 1);
		ck_assert(bytes_equal_text(attribute.name, wanted[i][0]));
		ck_assert(bytes_equal_text(attribute.value, wanted[i][1]));
	}
	ck_assert_int_eq(xml_attribute_next(text, &at, &attribute), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("address-attributes");
	TCase *tests = tcase_create("all");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tests, NULL, teardown);
	tcase_add_test(tests, reads_the_address_that_libvirt_writes);
	tcase_add_test(tests, reads_attributes_in_any_order_and_either_quote);
	tcase_add_test(tests, domain_and_function_are_zero_where_they_are_missing);
	tcase_add_test(tests, reads_every_base_that_libvirt_reads);
	tcase_add_test(tests, passes_other_attributes_over);
	tcase_add_test(tests, refuses_what_is_no_address);
	tcase_add_test(tests, refuses_numbers_that_are_none_or_too_large);
	tcase_add_test(tests, refuses_what_are_no_attributes);
	tcase_add_test(tests, writes_only_the_numbers);
	tcase_add_test(tests, keeps_base_and_number_of_digits);
	tcase_add_test(tests, keeps_capitals);
	tcase_add_test(tests, adds_what_is_missing_only_where_it_is_not_zero);
	tcase_add_test(tests, writes_nothing_like_what_it_does_not_read);
	tcase_add_test(tests, finds_the_mention_from_the_first_to_the_last);
	tcase_add_test(tests, walks_over_attributes);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
