/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "snapshot/inventory-json.h"

#include <check.h>
#include <errno.h>

#include "snapshot/basic/buffer.h"

/* Every key of the schema, in its order, as inventory_to_json() writes them: "protected" only where
 * there is a reason. */
static const char whole[] = "{\n"
			    "  \"schema\": \"hwrecover.inventory/1\",\n"
			    "  \"host\": \"pve1\",\n"
			    "  \"machine\": \"03d502e0-045e-05a6\",\n"
			    "  \"boot_id\": \"5b1f2c\",\n"
			    "  \"taken_at\": \"2026-11-22T05:00:00Z\",\n"
			    "  \"kernel\": \"6.8.12-4-pve\",\n"
			    "  \"pci\": [\n"
			    "    {\n"
			    "      \"address\": \"0000:06:00.0\",\n"
			    "      \"path\": \"pci0000:00/02.1/00.0/08.0/00.0\",\n"
			    "      \"vendor\": \"10ec\",\n"
			    "      \"device\": \"8168\",\n"
			    "      \"subsystem_vendor\": \"1043\",\n"
			    "      \"subsystem_device\": \"8677\",\n"
			    "      \"class\": \"020000\",\n"
			    "      \"revision\": \"15\",\n"
			    "      \"serial\": \"00-e0-4c-00-00-68-00-01\",\n"
			    "      \"slot\": \"3\",\n"
			    "      \"firmware_path\": \"\\\\_SB_.PCI0.GPP1\",\n"
			    "      \"driver\": \"r8169\",\n"
			    "      \"iommu_group\": 24,\n"
			    "      \"boot_vga\": false,\n"
			    "      \"physfn\": null,\n"
			    "      \"protected\": \"default route (vmbr0)\"\n"
			    "    },\n"
			    "    {\n"
			    "      \"address\": \"10000:e1:1f.7\",\n"
			    "      \"path\": null,\n"
			    "      \"vendor\": \"ffff\",\n"
			    "      \"device\": \"ffff\",\n"
			    "      \"subsystem_vendor\": null,\n"
			    "      \"subsystem_device\": null,\n"
			    "      \"class\": \"030000\",\n"
			    "      \"revision\": null,\n"
			    "      \"serial\": null,\n"
			    "      \"slot\": null,\n"
			    "      \"firmware_path\": null,\n"
			    "      \"driver\": null,\n"
			    "      \"iommu_group\": null,\n"
			    "      \"boot_vga\": null,\n"
			    "      \"physfn\": \"0000:06:00.0\"\n"
			    "    }\n"
			    "  ],\n"
			    "  \"nics\": [\n"
			    "    {\n"
			    "      \"name\": \"enp6s0\",\n"
			    "      \"altnames\": [\"enxa8a159000001\", \"lan\"],\n"
			    "      \"mac\": \"a8:a1:59:00:00:01\",\n"
			    "      \"pci\": \"0000:06:00.0\",\n"
			    "      \"port\": 0,\n"
			    "      \"driver\": \"r8169\"\n"
			    "    },\n"
			    "    {\n"
			    "      \"name\": \"usb0\",\n"
			    "      \"altnames\": [],\n"
			    "      \"mac\": null,\n"
			    "      \"pci\": null,\n"
			    "      \"port\": null,\n"
			    "      \"driver\": null\n"
			    "    }\n"
			    "  ]\n"
			    "}\n";

#define IDS "\"vendor\":\"10ec\",\"device\":\"8168\",\"class\":\"020000\""
#define ONE "{\"address\":\"0000:06:00.0\"," IDS "}"

static void assert_error(const char *text, int error, const char *expected)
{
	struct inventory inventory = { .host = "untouched" };
	struct problem problem = { 0 };
	int r = inventory_from_text(bytes_of(text), "f.json", &inventory, &problem);

	ck_assert_msg(r == error, "%d for %s: %s", r, text, problem.text);
	ck_assert_str_eq(problem.text, expected);
	ck_assert_str_eq(inventory.host, "untouched");
	problem_done(&problem);
}

/* A function whose members are valid but for @member. */
static void assert_bad_function(const char *member, const char *expected)
{
	struct buffer text = { 0 }, message = { 0 };

	buffer_appendf(&text, "{\"pci\":[%s,{\"address\":\"0000:07:00.0\"," IDS ",%s}]}", ONE,
		       member);
	buffer_appendf(&message, "f.json: pci[1].%s", expected);
	assert_error(text.data, -EBADMSG, message.data);
	buffer_done(&text);
	buffer_done(&message);
}

static void assert_bad_nic(const char *member, const char *expected)
{
	struct buffer text = { 0 }, message = { 0 };

	buffer_appendf(&text, "{\"nics\":[{\"name\":\"eth0\",%s}]}", member);
	buffer_appendf(&message, "f.json: nics[0].%s", expected);
	assert_error(text.data, -EBADMSG, message.data);
	buffer_done(&text);
	buffer_done(&message);
}

static char *render(const struct inventory *inventory)
{
	struct json_writer writer = { 0 };
	_cleanup_json_ struct json_object *object = json_add_object(&writer, NULL, NULL);
	char *text = NULL;

	inventory_to_json(inventory, &writer, object);
	ck_assert_int_eq(json_render(&writer, object, &text, NULL), 0);
	return text;
}

static struct inventory parse(const char *text)
{
	struct inventory inventory = { 0 };
	struct problem problem = { 0 };
	int r = inventory_from_text(bytes_of(text), "f.json", &inventory, &problem);

	ck_assert_msg(r == 0, "refused %s: %s", text, problem.text);
	return inventory;
}

START_TEST(every_value_of_the_schema_is_read)
{
	struct inventory inventory = parse(whole);
	const struct pci_function *function = &inventory.functions[0];
	const struct nic *nic = &inventory.nics[0];

	ck_assert_str_eq(inventory.host, "pve1");
	ck_assert_str_eq(inventory.machine, "03d502e0-045e-05a6");
	ck_assert_str_eq(inventory.boot_id, "5b1f2c");
	ck_assert_str_eq(inventory.taken_at, "2026-11-22T05:00:00Z");
	ck_assert_str_eq(inventory.kernel, "6.8.12-4-pve");
	ck_assert_uint_eq(inventory.n_functions, 2);
	ck_assert_uint_eq(function->address.bus, 6);
	ck_assert_str_eq(function->path, "pci0000:00/02.1/00.0/08.0/00.0");
	ck_assert_uint_eq(function->vendor, 0x10ec);
	ck_assert_uint_eq(function->device, 0x8168);
	ck_assert_int_eq(function->subsystem_vendor, 0x1043);
	ck_assert_int_eq(function->subsystem_device, 0x8677);
	ck_assert_uint_eq(function->class, 0x020000);
	ck_assert_int_eq(function->revision, 0x15);
	ck_assert_str_eq(function->serial, "00-e0-4c-00-00-68-00-01");
	ck_assert_str_eq(function->slot, "3");
	ck_assert_str_eq(function->firmware_path, "\\_SB_.PCI0.GPP1");
	ck_assert_str_eq(function->driver, "r8169");
	ck_assert_int_eq(function->iommu_group, 24);
	ck_assert_int_eq(function->boot_vga, UNKNOWN);
	ck_assert(!function->has_physfn);
	ck_assert_str_eq(function->protected, "default route (vmbr0)");
	ck_assert(inventory.functions[1].has_physfn);
	ck_assert_ptr_null(inventory.functions[1].protected);
	ck_assert_uint_eq(inventory.functions[1].address.domain, 0x10000);
	ck_assert_int_eq(inventory.functions[1].iommu_group, UNKNOWN);

	ck_assert_uint_eq(inventory.n_nics, 2);
	ck_assert_str_eq(nic->name, "enp6s0");
	ck_assert_uint_eq(nic->n_altnames, 2);
	ck_assert_str_eq(nic->altnames[1], "lan");
	ck_assert_str_eq(nic->mac, "a8:a1:59:00:00:01");
	ck_assert(nic->has_pci && nic->pci.bus == 6);
	ck_assert_int_eq(nic->port, 0);
	ck_assert_str_eq(nic->driver, "r8169");
	ck_assert(nic->settled);
	ck_assert(!inventory.nics[1].has_pci);
	ck_assert_int_eq(inventory.nics[1].port, UNKNOWN);
	inventory_done(&inventory);
}
END_TEST

START_TEST(what_is_written_is_what_was_read)
{
	struct inventory inventory = parse(whole);
	_cleanup_free_ char *text = render(&inventory);

	ck_assert_str_eq(text, whole);
	inventory_done(&inventory);
}
END_TEST

START_TEST(an_unknown_inventory_is_written_with_every_key)
{
	struct inventory inventory = { 0 };
	_cleanup_free_ char *text = render(&inventory);

	ck_assert_str_eq(text, "{\n"
			       "  \"schema\": \"hwrecover.inventory/1\",\n"
			       "  \"host\": null,\n"
			       "  \"machine\": null,\n"
			       "  \"boot_id\": null,\n"
			       "  \"taken_at\": null,\n"
			       "  \"kernel\": null,\n"
			       "  \"pci\": [],\n"
			       "  \"nics\": []\n"
			       "}\n");
}
END_TEST

START_TEST(only_what_is_required_is_required)
{
	struct inventory inventory = parse("{\"pci\":[" ONE "],\"nics\":[{\"name\":\"eth0\"}]}");

	ck_assert_ptr_null(inventory.host);
	ck_assert_ptr_null(inventory.functions[0].path);
	ck_assert_int_eq(inventory.functions[0].subsystem_vendor, UNKNOWN);
	ck_assert_ptr_null(inventory.functions[0].protected);
	ck_assert_ptr_null(inventory.nics[0].mac);
	inventory_done(&inventory);
	inventory = parse("{}");
	ck_assert_uint_eq(inventory.n_functions + inventory.n_nics, 0);
	inventory_done(&inventory);
	inventory = parse("{\"pci\":null,\"nics\":[]}");
	inventory_done(&inventory);
}
END_TEST

START_TEST(empty_texts_are_unknown)
{
	struct inventory inventory =
		parse("{\"host\":\"\",\"machine\":\"\",\"pci\":[{\"address\":\"0000:06:00.0\"," IDS
		      ",\"path\":\"\",\"slot\":\"\",\"driver\":\"\",\"protected\":\"\"}]}");

	ck_assert_ptr_null(inventory.host);
	ck_assert_ptr_null(inventory.machine);
	ck_assert_ptr_null(inventory.functions[0].path);
	ck_assert_ptr_null(inventory.functions[0].slot);
	ck_assert_ptr_null(inventory.functions[0].driver);
	ck_assert_ptr_null(inventory.functions[0].protected);
	inventory_done(&inventory);
}
END_TEST

START_TEST(each_required_key_is_missed_by_name)
{
	assert_error("{\"pci\":[{" IDS "}]}", -EBADMSG, "f.json: pci[0].address: is missing");
	assert_error("{\"pci\":[{\"address\":\"0000:06:00.0\",\"device\":\"8168\",\"class\":"
		     "\"020000\"}]}",
		     -EBADMSG, "f.json: pci[0].vendor: is missing");
	assert_error("{\"pci\":[{\"address\":\"0000:06:00.0\",\"vendor\":\"8168\",\"device\":null,"
		     "\"class\":\"020000\"}]}",
		     -EBADMSG, "f.json: pci[0].device: is missing");
	assert_error("{\"pci\":[{\"address\":\"0000:06:00.0\",\"vendor\":\"8168\",\"device\":"
		     "\"020a\"}]}",
		     -EBADMSG, "f.json: pci[0].class: is missing");
	assert_error("{\"nics\":[{\"mac\":null}]}", -EBADMSG, "f.json: nics[0].name: is missing");
}
END_TEST

START_TEST(unknown_keys_are_ignored)
{
	struct inventory inventory =
		parse("{\"usb\":[1,2.5],\"pci\":[{\"address\":\"0000:06:00.0\"," IDS
		      ",\"power\":{\"d3\":true}}]}");

	ck_assert_uint_eq(inventory.n_functions, 1);
	inventory_done(&inventory);
}
END_TEST

START_TEST(another_schema_is_refused_by_name)
{
	struct inventory inventory = parse("{\"schema\":null}");

	inventory_done(&inventory);
	assert_error("{\"schema\":\"hwrecover.inventory/2\"}", -EPROTONOSUPPORT,
		     "f.json: schema: \"hwrecover.inventory/2\" is not hwrecover.inventory/1");
	assert_error("{\"schema\":\"hwrecover.inventory/10\"}", -EPROTONOSUPPORT,
		     "f.json: schema: \"hwrecover.inventory/10\" is not hwrecover.inventory/1");
	assert_error("{\"schema\":\"hwrecover.plan/1\"}", -EPROTONOSUPPORT,
		     "f.json: schema: \"hwrecover.plan/1\" is not hwrecover.inventory/1");
	assert_error("{\"schema\":\"\\u001b[2J\"}", -EPROTONOSUPPORT,
		     "f.json: schema: \"…\" is not hwrecover.inventory/1");
	assert_error("{\"schema\":1}", -EBADMSG, "f.json: schema: must be a string");
}
END_TEST

START_TEST(the_top_must_be_an_object)
{
	assert_error("[]", -EBADMSG, "f.json: an inventory must be an object");
	assert_error("null", -EBADMSG, "f.json: an inventory must be an object");
	assert_error("{\"pci\":{}}", -EBADMSG, "f.json: pci: must be an array");
	assert_error("{\"nics\":\"eth0\"}", -EBADMSG, "f.json: nics: must be an array");
	assert_error("{\"pci\":[" ONE ",7]}", -EBADMSG, "f.json: pci[1]: must be an object");
	assert_error("{\"nics\":[null]}", -EBADMSG, "f.json: nics[0]: must be an object");
	assert_error("{\"pci\":[\n", -EBADMSG, "f.json:2: the text ends too early");
}
END_TEST

START_TEST(a_bad_value_is_named_by_its_key)
{
	static const char hex4[] = "must be 4 hexadecimal digits";
	struct buffer message = { 0 };

	buffer_appendf(&message, "subsystem_vendor: %s", hex4);
	assert_bad_function("\"subsystem_vendor\":\"104\"", message.data);
	assert_bad_function("\"subsystem_vendor\":\"0x10\"", message.data);
	assert_bad_function("\"subsystem_vendor\":\"01043\"", message.data);
	buffer_done(&message);
	assert_bad_function("\"subsystem_vendor\":4163", "subsystem_vendor: must be a string");
	assert_bad_function("\"revision\":\"5\"", "revision: must be 2 hexadecimal digits");
	assert_bad_function("\"serial\":\"00-e0-4c-00-00-68-00\"",
			    "serial: must be a serial number, xx-xx-xx-xx-xx-xx-xx-xx");
	assert_bad_function("\"serial\":\"00:e0:4c:00:00:68:00:01\"",
			    "serial: must be a serial number, xx-xx-xx-xx-xx-xx-xx-xx");
	assert_bad_function("\"driver\":\"a\\nb\"", "driver: holds a control character");
	assert_bad_function("\"driver\":true", "driver: must be a string");
	assert_bad_function("\"iommu_group\":-1", "iommu_group: is out of range");
	assert_bad_function("\"iommu_group\":2147483648", "iommu_group: is out of range");
	assert_bad_function("\"iommu_group\":\"1\"", "iommu_group: must be an integer");
	assert_bad_function("\"boot_vga\":1", "boot_vga: must be true or false");
	assert_bad_function("\"physfn\":\"06:00.0\"",
			    "physfn: must be a PCI address, DDDD:BB:DD.F");
	assert_bad_function("\"physfn\":\"0000:07:00.0\"", "physfn: must be another function");
	assert_bad_function("\"protected\":true", "protected: must be a string");
	assert_bad_function("\"protected\":[]", "protected: must be a string");
	assert_bad_function("\"protected\":\"a\\nb\"", "protected: holds a control character");

	assert_bad_nic("\"mac\":\"a8:a1:59:00:00\"",
		       "mac: must be a hardware address, xx:xx:xx:xx:xx:xx");
	assert_bad_nic("\"mac\":\"a8-a1-59-00-00-01\"",
		       "mac: must be a hardware address, xx:xx:xx:xx:xx:xx");
	assert_bad_nic("\"mac\":\"\"", "mac: must be a hardware address, xx:xx:xx:xx:xx:xx");
	assert_bad_nic("\"port\":-1", "port: is out of range");
	assert_bad_nic("\"port\":1.0", "port: must be an integer");
	assert_bad_nic("\"pci\":\"0000:06:00\"", "pci: must be a PCI address, DDDD:BB:DD.F");
	assert_bad_nic("\"altnames\":\"x\"", "altnames: must be an array");
	assert_bad_nic("\"altnames\":[\"x\",7]", "altnames[1]: must be a string");
	assert_bad_nic("\"altnames\":[\"a b\"]", "altnames: holds what is no interface name");
	assert_bad_nic("\"altnames\":[\"\"]", "altnames: holds what is no interface name");
}
END_TEST

START_TEST(required_values_are_checked_as_strictly)
{
	assert_error("{\"pci\":[{\"address\":\"06:00.0\"," IDS "}]}", -EBADMSG,
		     "f.json: pci[0].address: must be a PCI address, DDDD:BB:DD.F");
	assert_error(
		"{\"pci\":[{\"address\":\"0000:06:00.0\",\"vendor\":\"10ec\",\"device\":\"8168\","
		"\"class\":\"0200\"}]}",
		-EBADMSG, "f.json: pci[0].class: must be 6 hexadecimal digits");
	assert_error("{\"nics\":[{\"name\":\"1234567890123456\"}]}", -EBADMSG,
		     "f.json: nics[0].name: must be an interface name of 1 to 15 bytes");
	assert_error("{\"nics\":[{\"name\":\"\"}]}", -EBADMSG,
		     "f.json: nics[0].name: must be an interface name of 1 to 15 bytes");
	assert_error("{\"nics\":[{\"name\":7}]}", -EBADMSG,
		     "f.json: nics[0].name: must be a string");
	assert_error("{\"host\":\"../x\"}", -EBADMSG, "f.json: host: must be a host name");
	assert_error("{\"host\":\"a/b\"}", -EBADMSG, "f.json: host: must be a host name");
}
END_TEST

START_TEST(duplicates_are_refused_by_name)
{
	assert_error("{\"pci\":[" ONE "," ONE "]}", -EEXIST,
		     "f.json: PCI address 0000:06:00.0 occurs twice");
	assert_error("{\"nics\":[{\"name\":\"eth0\"},{\"name\":\"eth1\"},{\"name\":\"eth0\"}]}",
		     -EEXIST, "f.json: NIC name eth0 occurs twice");
	assert_error("{\"nics\":[{\"name\":\"eth0\"},{\"name\":\"eth1\",\"altnames\":[\"eth0\"]}]}",
		     -EEXIST, "f.json: NIC name eth0 occurs twice");
	assert_error("{\"nics\":[{\"name\":\"eth0\",\"altnames\":[\"x\",\"x\"]}]}", -EEXIST,
		     "f.json: NIC name x occurs twice");
}
END_TEST

START_TEST(two_spellings_of_one_address_are_one_address)
{
	assert_error("{\"pci\":[{\"address\":\"0000:0a:00.0\"," IDS "},"
		     "{\"address\":\"00000:0A:00.0\"," IDS "}]}",
		     -EEXIST, "f.json: PCI address 0000:0a:00.0 occurs twice");
}
END_TEST

START_TEST(numbers_are_taken_in_either_case_and_kept_in_lower)
{
	struct inventory inventory = parse(
		"{\"pci\":[{\"address\":\"0000:0A:00.0\",\"vendor\":\"10EC\",\"device\":\"81AB\","
		"\"class\":\"0C03FE\",\"serial\":\"AA-BB-CC-DD-EE-FF-00-11\"}],"
		"\"nics\":[{\"name\":\"eth0\",\"mac\":\"A8:A1:59:AB:CD:EF\"}]}");

	ck_assert_uint_eq(inventory.functions[0].vendor, 0x10ec);
	ck_assert_uint_eq(inventory.functions[0].class, 0x0c03fe);
	ck_assert_str_eq(inventory.functions[0].serial, "aa-bb-cc-dd-ee-ff-00-11");
	ck_assert_str_eq(inventory.nics[0].mac, "a8:a1:59:ab:cd:ef");
	inventory_done(&inventory);
}
END_TEST

START_TEST(longer_hardware_addresses_are_those_of_firewire_and_infiniband)
{
	struct inventory inventory =
		parse("{\"nics\":[{\"name\":\"fw0\",\"mac\":\"00:11:22:33:44:55:66:77\"},"
		      "{\"name\":\"ib0\",\"mac\":\"80:00:00:48:fe:80:00:00:00:00:00:00:00:02:c9:03:"
		      "00:00:10:3b\"}]}");

	ck_assert_uint_eq(strlen(inventory.nics[1].mac), 59);
	inventory_done(&inventory);
	assert_bad_nic("\"mac\":\"00:11:22:33:44:55:66\"",
		       "mac: must be a hardware address, xx:xx:xx:xx:xx:xx");
}
END_TEST

START_TEST(a_nic_may_stand_on_a_function_that_is_not_listed)
{
	struct inventory inventory =
		parse("{\"nics\":[{\"name\":\"eth0\",\"pci\":\"0000:06:00.0\"}]}");

	ck_assert(inventory.nics[0].has_pci);
	ck_assert_ptr_null(inventory_function_of(&inventory, &inventory.nics[0]));
	inventory_done(&inventory);
}
END_TEST

START_TEST(only_a_display_has_a_boot_flag)
{
	struct inventory inventory = parse(
		"{\"pci\":["
		"{\"address\":\"0000:01:00.0\",\"vendor\":\"10de\",\"device\":\"2484\",\"class\":"
		"\"030000\",\"boot_vga\":true},"
		"{\"address\":\"0000:02:00.0\",\"vendor\":\"10de\",\"device\":\"2484\",\"class\":"
		"\"030000\",\"boot_vga\":false},"
		"{\"address\":\"0000:03:00.0\",\"vendor\":\"10ec\",\"device\":\"8168\",\"class\":"
		"\"020000\",\"boot_vga\":false}]}");

	ck_assert_int_eq(inventory.functions[0].boot_vga, 1);
	ck_assert_int_eq(inventory.functions[1].boot_vga, 0);
	ck_assert_int_eq(inventory.functions[2].boot_vga, UNKNOWN);
	inventory_done(&inventory);
}
END_TEST

START_TEST(what_the_host_needs_is_no_part_of_the_hardware)
{
	struct inventory one = parse("{\"pci\":[" ONE "]}");
	struct inventory two =
		parse("{\"pci\":[{\"address\":\"0000:06:00.0\"," IDS ",\"protected\":\"swap\"}]}");

	ck_assert_str_eq(two.functions[0].protected, "swap");
	ck_assert(inventory_same_hardware(&one, &two));
	ck_assert(pci_function_same(&one.functions[0], &two.functions[0]));
	inventory_done(&one);
	inventory_done(&two);
}
END_TEST

START_TEST(order_in_the_file_makes_no_difference)
{
	struct inventory one = parse("{\"pci\":[" ONE ",{\"address\":\"0000:01:00.0\"," IDS "}],"
				     "\"nics\":[{\"name\":\"b\"},{\"name\":\"a\"}]}");
	struct inventory two = parse("{\"nics\":[{\"name\":\"a\"},{\"name\":\"b\"}],"
				     "\"pci\":[{\"address\":\"0000:01:00.0\"," IDS "}," ONE "]}");
	_cleanup_free_ char *first = render(&one), *second = render(&two);

	ck_assert_str_eq(first, second);
	inventory_done(&one);
	inventory_done(&two);
}
END_TEST

START_TEST(an_inventory_cut_anywhere_is_refused)
{
	for (size_t size = 0; size < sizeof(whole) - 2; size++) {
		struct inventory inventory = { 0 };
		struct problem problem = { 0 };

		ck_assert_int_eq(
			inventory_from_text(bytes_make(whole, size), "f", &inventory, &problem),
			-EBADMSG);
		ck_assert_ptr_nonnull(problem.text);
		problem_done(&problem);
	}
}
END_TEST

START_TEST(four_thousand_functions_are_read_at_once)
{
	struct buffer text = { 0 };
	struct inventory inventory;

	buffer_append_text(&text, "{\"pci\":[");
	for (unsigned int i = 0; i < 4000; i++)
		buffer_appendf(&text, "%s{\"address\":\"%04x:%02x:00.0\"," IDS "}", i ? "," : "",
			       i / 256, i % 256);
	buffer_append_text(&text, "]}");
	inventory = parse(text.data);
	ck_assert_uint_eq(inventory.n_functions, 4000);
	inventory_done(&inventory);
	buffer_done(&text);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("inventory-json");
	TCase *tests = tcase_create("inventory-json");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(tests, every_value_of_the_schema_is_read);
	tcase_add_test(tests, what_is_written_is_what_was_read);
	tcase_add_test(tests, an_unknown_inventory_is_written_with_every_key);
	tcase_add_test(tests, only_what_is_required_is_required);
	tcase_add_test(tests, empty_texts_are_unknown);
	tcase_add_test(tests, each_required_key_is_missed_by_name);
	tcase_add_test(tests, unknown_keys_are_ignored);
	tcase_add_test(tests, another_schema_is_refused_by_name);
	tcase_add_test(tests, the_top_must_be_an_object);
	tcase_add_test(tests, a_bad_value_is_named_by_its_key);
	tcase_add_test(tests, required_values_are_checked_as_strictly);
	tcase_add_test(tests, duplicates_are_refused_by_name);
	tcase_add_test(tests, two_spellings_of_one_address_are_one_address);
	tcase_add_test(tests, numbers_are_taken_in_either_case_and_kept_in_lower);
	tcase_add_test(tests, longer_hardware_addresses_are_those_of_firewire_and_infiniband);
	tcase_add_test(tests, a_nic_may_stand_on_a_function_that_is_not_listed);
	tcase_add_test(tests, only_a_display_has_a_boot_flag);
	tcase_add_test(tests, what_the_host_needs_is_no_part_of_the_hardware);
	tcase_add_test(tests, order_in_the_file_makes_no_difference);
	tcase_add_test(tests, an_inventory_cut_anywhere_is_refused);
	tcase_add_test(tests, four_thousand_functions_are_read_at_once);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
