/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "recovery/sources/address-token.h"

#include <check.h>

/* The text with "[]" around addresses and "()" around slots without a function. */
static char *marked(const char *text)
{
	struct buffer result = { 0 };
	struct address_token token;
	size_t done = 0;
	char *copy;

	for (; address_token_next(bytes_of(text), done, &token); done = span_end(token.span)) {
		ck_assert_uint_ge(token.span.offset, done);
		buffer_append(&result, bytes_make(text + done, token.span.offset - done));
		buffer_append_char(&result, token.whole_slot ? '(' : '[');
		buffer_append(&result, bytes_make(text + token.span.offset, token.span.length));
		buffer_append_char(&result, token.whole_slot ? ')' : ']');
	}
	buffer_append_text(&result, text + done);
	ck_assert_int_eq(buffer_finish(&result, &copy, NULL), 0);
	return copy;
}

static void check_marks(const char *text, const char *wanted)
{
	char *found = marked(text);

	ck_assert_str_eq(found, wanted);
	free(found);
}

static void check_address(const char *text, uint32_t domain, unsigned int bus, unsigned int device,
			  unsigned int function)
{
	struct pci_address address;

	ck_assert_int_eq(address_token_parse(bytes_of(text), &address), 0);
	ck_assert_uint_eq(address.domain, domain);
	ck_assert_uint_eq(address.bus, bus);
	ck_assert_uint_eq(address.device, device);
	ck_assert_uint_eq(address.function, function);
}

static void check_none(const char *text)
{
	check_marks(text, text);
}

START_TEST(reads_every_form)
{
	check_address("0000:05:00.0", 0, 5, 0, 0);
	check_address("05:00.0", 0, 5, 0, 0);
	check_address("10000:e1:1f.7", 0x10000, 0xe1, 0x1f, 7);
	check_address("FFFFFFFF:FF:1F.7", 0xffffffff, 0xff, 0x1f, 7);
	check_address("0000\\:0a\\:10.3", 0, 0xa, 0x10, 3);
	check_address("0a\\:10.3", 0, 0xa, 0x10, 3);
	check_address("pci_0000_0A_10_3", 0, 0xa, 0x10, 3);
}
END_TEST

START_TEST(refuses_what_is_no_single_address)
{
	static const char *const texts[] = {
		"",
		"0000:05:00",
		"05:00",
		"05:00.8",
		"05:20.0",
		"5:00.0",
		"000:05:00.0",
		"000000000:05:00.0",
		"0000:05:00.0 ",
		" 05:00.0",
		"05:00.0.1",
		"05:00.01",
		"pci_05_00_0",
		"0000_05_00_0",
		"pci_0000:05:00.0",
		"0000:05:00_0",
		"0000:05:00.$f",
	};
	struct pci_address address;

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		ck_assert_msg(address_token_parse(bytes_of(texts[i]), &address) == -22, "%s",
			      texts[i]);
}
END_TEST

START_TEST(finds_them_between_what_separates_words)
{
	check_marks("echo \"0000:05:00.0\" > /sys/bus/pci/devices/0000:06:00.0/driver/unbind",
		    "echo \"[0000:05:00.0]\" > /sys/bus/pci/devices/[0000:06:00.0]/driver/unbind");
	check_marks("DEVS='05:00.0,05:00.1;06:00.0'", "DEVS='[05:00.0],[05:00.1];[06:00.0]'");
	check_marks("pci-0000:05:00.0 PCI:0000:05:00.0 x=0000:05:00.0.",
		    "pci-[0000:05:00.0] PCI:[0000:05:00.0] x=[0000:05:00.0].");
	check_marks("0000:05:00.0: busy\n0000:06:00.0", "[0000:05:00.0]: busy\n[0000:06:00.0]");
	check_marks("virsh nodedev-detach pci_0000_05_00_0",
		    "virsh nodedev-detach [pci_0000_05_00_0]");
	check_marks("0000\\:05\\:00.0/x", "[0000\\:05\\:00.0]/x");
	check_marks("\xe2\x80\x9c"
		    "05:00.0\xe2\x80\x9d",
		    "\xe2\x80\x9c[05:00.0]\xe2\x80\x9d");
}
END_TEST

START_TEST(finds_none_in_macs_times_and_longer_words)
{
	check_none("a8:a1:59:00:00:01");
	check_none("00:00:00:00:05:00.0");
	check_none("10:05:00.5");
	check_none("at 05:00 or 23:59");
	check_none("fe80::05:00.0");
	check_none("2001:db8:0000:05:00:1::");
	check_none("x0000:05:00.0 0000:05:00.0x _05:00.0 05:00.0_ 1.05:00.0");
	check_none("0000:00:1c.0:pcie001");
	check_none("0000:05:00.0.rom");
	check_none("xpci_0000_05_00_0 pci_0000_05_00_0_1");
	check_none("8086:10d3 1.2.3.4:05");
}
END_TEST

START_TEST(says_that_a_slot_may_be_any_function)
{
	check_marks("0000:05:00.$f 0000:05:00.* 0000:05:00", "(0000:05:00).$f (0000:05:00).* "
							     "(0000:05:00)");
	check_marks("0000:05:00.[01]", "(0000:05:00).[01]");
	check_marks("05:00.${f}", "(05:00).${f}");
	check_marks("pci_0000_05_00_$f", "(pci_0000_05_00)_$f");
	check_none("0000:05:00.8");
	check_none("0000:05:00.x");
}
END_TEST

static void check_format(const char *like, const char *address, const char *wanted)
{
	struct address_token_name name;
	struct pci_address to;

	ck_assert_int_eq(pci_address_parse(bytes_of(address), &to), 0);
	ck_assert_str_eq(address_token_format(bytes_of(like), &to, &name), wanted);
}

START_TEST(writes_another_address_in_the_same_form)
{
	check_format("0000:05:00.0", "0000:1a:1f.7", "0000:1a:1f.7");
	check_format("05:00.0", "0000:1a:1f.7", "1a:1f.7");
	check_format("05:00.0", "10000:1a:1f.7", "10000:1a:1f.7");
	check_format("10000:05:00.0", "0000:1a:1f.7", "0000:1a:1f.7");
	check_format("0000:0A:00.0", "0000:1b:1f.7", "0000:1B:1F.7");
	check_format("0000\\:05\\:00.0", "0000:1a:1f.7", "0000\\:1a\\:1f.7");
	check_format("05\\:00.0", "0001:1a:1f.7", "0001\\:1a\\:1f.7");
	check_format("pci_0000_05_00_0", "0000:1a:1f.7", "pci_0000_1a_1f_7");
	check_format("pci_0000_0A_00_0", "ffffffff:ff:1f.7", "pci_FFFFFFFF_FF_1F_7");
	check_format("FFFFFFFF\\:FF\\:1F.7", "fffffffe:fe:1e.6", "FFFFFFFE\\:FE\\:1E.6");
	check_format("0000:05:00", "0000:1a:1f.7", "0000:1a:1f");
	check_format("nonsense", "0000:1a:1f.7", "0000:1a:1f.7");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("address-token");
	TCase *test = tcase_create("all");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(test, reads_every_form);
	tcase_add_test(test, refuses_what_is_no_single_address);
	tcase_add_test(test, finds_them_between_what_separates_words);
	tcase_add_test(test, finds_none_in_macs_times_and_longer_words);
	tcase_add_test(test, says_that_a_slot_may_be_any_function);
	tcase_add_test(test, writes_another_address_in_the_same_form);
	suite_add_tcase(suite, test);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
