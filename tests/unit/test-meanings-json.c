/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "recovery/meanings.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>

/* Something in every member. */
static const char sample[] =
	"{\"settled\":7,\"undone\":true,\"home\":\"0c6de1a2-0000-4000-8000-000000000001\","
	"\"units\":["
	"{\"kind\":\"nic\",\"name\":\"enp6s0\",\"mac\":\"02:00:00:00:00:01\",\"port\":0,"
	" \"ports_on_card\":2,\"driver\":\"r8169\","
	" \"pci\":{\"address\":\"0000:06:00.0\",\"path\":\"pci0000:00/02.1/00.0\","
	"  \"ids\":\"10ec:8168\",\"subsystem_vendor\":4163,\"subsystem_device\":34423,"
	"  \"class\":131072,\"serial\":\"00-11-22-33-44-55-66-77\",\"slot\":\"3\","
	"  \"firmware_path\":\"\\\\_SB.PCI0\",\"driver\":\"r8169\",\"physfn\":\"0000:06:00.1\","
	"  \"vf_index\":3,\"first_address\":\"0000:05:00.0\",\"first_path\":\"pci0000:00/01.0\"}},"
	"{\"kind\":\"nic\",\"name\":\"usb0\",\"mac\":null,\"port\":-1,\"ports_on_card\":1,"
	" \"driver\":null,\"lost\":true},"
	"{\"kind\":\"pci\",\"pci\":{\"address\":\"10000:e1:00.0\",\"ids\":\"8086:0a54\","
	"  \"shared_serial\":\"00-11-22-33-44-55-66-78\","
	"  \"first_address\":\"10000:e1:00.0\"}},"
	"{\"kind\":\"pci\",\"pci\":{\"address\":\"10000:e1:00.1\",\"ids\":\"8086:0a55\","
	"  \"first_address\":\"10000:e1:00.1\"}}],"
	"\"mentions\":["
	"{\"file\":\"/etc/network/interfaces\",\"kind\":\"nic\",\"text\":\"enp6s0\","
	" \"said\":\"lan\",\"offset\":12,\"block\":\"iface vmbr0 inet\","
	" \"body\":\"00000000000000ff\",\"key\":\"bridge-ports\",\"line\":\"ffffffffffffffff\","
	" \"unit\":0,\"ambiguous\":true,\"held\":true},"
	"{\"file.latin1\":\"/etc/\\u00ff\",\"kind\":\"nic\",\"text\":\"usb0\",\"offset\":0,"
	" \"block\":\"\",\"body\":\"0\",\"key\":\"\",\"line\":\"0\",\"unit\":null},"
	"{\"file\":\"/etc/driverctl.d/pci-10000:e1:00.0\",\"kind\":\"address\","
	" \"text\":\"10000:e1:00.0\",\"offset\":0,\"block\":\"vfio-pci\",\"body\":\"0\","
	" \"key\":\"driver\",\"line\":\"1\",\"unit\":2},"
	"{\"file\":\"/etc/pve/nodes/pve1/qemu-server/101.conf\",\"kind\":\"address\","
	" \"text\":\"10000:e1:00.0\",\"offset\":10,\"block\":\"\",\"body\":\"0\","
	" \"key\":\"hostpci0\",\"line\":\"1\",\"unit\":2,\"company\":[2,3]},"
	"{\"file\":\"/etc/pve/mapping/pci.cfg\",\"kind\":\"group\","
	" \"text\":\"14\",\"offset\":20,\"block\":\"gpu\",\"body\":\"0\","
	" \"key\":\"iommugroup\",\"line\":\"1\",\"unit\":3,\"company\":[]}],"
	"\"parked\":["
	"{\"file\":\"/etc/network/interfaces\",\"offset\":40,\"context\":\"auto lo\","
	" \"present.latin1\":\"#hwrecover: auto enp6s0 \\u00fe\\n\","
	" \"original.latin1\":\"auto enp6s0 \\u00fe\\n\",\"inside\":true,\"lost\":true,"
	" \"mentions\":["
	"  {\"offset\":5,\"length\":6,\"unit\":0,\"said\":\"enp6s0\",\"parked\":true},"
	"  {\"offset\":0,\"length\":13,\"unit\":null,\"said\":\"x\",\"parked\":false}]},"
	"{\"file\":\"/etc/driverctl.d/pci-0000:06:00.0\",\"offset\":0,\"context\":\"\","
	" \"present\":\"\",\"original\":\"vfio-pci\\n\",\"inside\":false,"
	" \"away\":{\"source\":\"driverctl\",\"content\":\"\",\"mode\":\"0640\",\"uid\":7,"
	"  \"gid\":8,\"xattrs\":[{\"name\":\"user.x\",\"value\":\"00ff\"}]},"
	" \"mentions\":["
	"  {\"offset\":0,\"length\":0,\"unit\":2,\"said\":\"0000:06:00.0\",\"parked\":true}]}],"
	"\"files\":["
	"{\"file\":\"/etc/network/interfaces\",\"digest\":\"0123456789abcdef\","
	" \"lines\":[\"1\",\"ffffffffffffffff\"]},"
	"{\"file\":\"/etc/default/networking\",\"digest\":\"0\",\"lines\":[]}],"
	"\"turned_off\":["
	"{\"guest\":\"pve/qemu/101\",\"file\":\"/etc/pve/nodes/pve1/qemu-server/101.conf\","
	" \"was.latin1\":\"onboot: 1 \\u00fe\\n\",\"now\":\"onboot: 0\\n\"},"
	"{\"guest\":\"libvirt/win10\",\"file\":\"/etc/libvirt/qemu/autostart/win10.xml\","
	" \"removed\":true,\"was\":\"/etc/libvirt/qemu/win10.xml\",\"now\":\"\"},"
	"{\"guest\":\"pve/lxc/105\",\"file\":\"/etc/pve/ha/resources.cfg\","
	" \"now\":\"\\tstate stopped\\n\"}]}";

static struct json_object *parse(const char *text)
{
	struct json_object *object = NULL;

	ck_assert_int_eq(json_parse(bytes_of(text), "sample", &object, NULL), 0);
	return object;
}

static void read_state(struct json_object *object, struct meanings *meanings)
{
	_cleanup_(problem_done) struct problem problem = { 0 };
	int r = meanings_from_json(object, "state", meanings, &problem);

	ck_assert_msg(r == 0, "%s", problem.text);
}

static char *write_state(const struct meanings *meanings)
{
	struct json_writer writer = { 0 };
	_cleanup_json_ struct json_object *object = meanings_to_json(meanings, &writer);
	char *text;
	size_t size;

	ck_assert_int_eq(json_render(&writer, object, &text, &size), 0);
	return text;
}

START_TEST(reads_every_member)
{
	_cleanup_json_ struct json_object *object = parse(sample);
	const struct mention *mention;
	const struct parked_text *parked;
	const struct turned_off *off;
	const struct unit *unit;
	struct meanings meanings;

	read_state(object, &meanings);
	ck_assert_uint_eq(meanings.settled, 7);
	ck_assert(meanings.undone);
	ck_assert_str_eq(meanings.home, "0c6de1a2-0000-4000-8000-000000000001");
	ck_assert_uint_eq(meanings.n_units, 4);
	unit = &meanings.units[0];
	ck_assert_int_eq(unit->kind, UNIT_NIC);
	ck_assert_str_eq(unit->nic.name, "enp6s0");
	ck_assert_str_eq(unit->nic.mac, "02:00:00:00:00:01");
	ck_assert_int_eq(unit->nic.port, 0);
	ck_assert_uint_eq(unit->ports_on_card, 2);
	ck_assert(unit->nic.has_pci && unit->has_function && unit->nic.settled);
	ck_assert(pci_address_equal(&unit->nic.pci, &unit->function.address));
	ck_assert_uint_eq(unit->function.address.bus, 6);
	ck_assert_uint_eq(unit->function.vendor, 0x10ec);
	ck_assert_uint_eq(unit->function.device, 0x8168);
	ck_assert_int_eq(unit->function.subsystem_vendor, 4163);
	ck_assert_uint_eq(unit->function.class, 0x020000);
	ck_assert_str_eq(unit->function.serial, "00-11-22-33-44-55-66-77");
	ck_assert_str_eq(unit->function.slot, "3");
	ck_assert_str_eq(unit->function.firmware_path, "\\_SB.PCI0");
	ck_assert(unit->function.has_physfn);
	ck_assert_uint_eq(unit->function.physfn.function, 1);
	ck_assert_int_eq(unit->vf_index, 3);
	ck_assert_uint_eq(unit->first_address.bus, 5);
	ck_assert_str_eq(unit->first_path, "pci0000:00/01.0");
	unit = &meanings.units[1];
	ck_assert(!unit->has_function && !unit->nic.has_pci);
	ck_assert_ptr_null(unit->nic.mac);
	ck_assert_int_eq(unit->nic.port, UNKNOWN);
	ck_assert(unit->lost && !meanings.units[0].lost);
	unit = &meanings.units[2];
	ck_assert_int_eq(unit->kind, UNIT_FUNCTION);
	ck_assert_uint_eq(unit->function.address.domain, 0x10000);
	ck_assert_int_eq(unit->function.subsystem_vendor, UNKNOWN);
	ck_assert_int_eq(unit->vf_index, UNKNOWN);
	ck_assert(!unit->function.has_physfn);
	ck_assert_ptr_null(unit->function.serial);
	ck_assert_str_eq(unit->shared_serial, "00-11-22-33-44-55-66-78");
	ck_assert_ptr_null(meanings.units[0].shared_serial);

	ck_assert_uint_eq(meanings.n_mentions, 5);
	ck_assert_int_eq(meanings.mentions[0].kind, REFERENCE_NIC);
	ck_assert_int_eq(meanings.mentions[2].kind, REFERENCE_ADDRESS);
	ck_assert_uint_eq(meanings.mentions[2].unit, 2);
	mention = &meanings.mentions[0];
	ck_assert_str_eq(mention->path, "/etc/network/interfaces");
	ck_assert_str_eq(mention->text, "enp6s0");
	ck_assert_str_eq(mention->said, "lan");
	ck_assert_uint_eq(mention->offset, 12);
	ck_assert_str_eq(mention->block, "iface vmbr0 inet");
	ck_assert_uint_eq(mention->body, 0xff);
	ck_assert_str_eq(mention->key, "bridge-ports");
	ck_assert_uint_eq(mention->line_digest, UINT64_MAX);
	ck_assert_uint_eq(mention->unit, 0);
	ck_assert(mention->ambiguous && mention->held);
	mention = &meanings.mentions[1];
	ck_assert_str_eq(mention->path, "/etc/\xff");
	ck_assert_str_eq(mention->said, "usb0");
	ck_assert_uint_eq(mention->unit, MEANS_NOBODY);
	ck_assert(!mention->ambiguous && !mention->held);

	ck_assert(!mention->company.known);
	mention = &meanings.mentions[3];
	ck_assert_str_eq(mention->key, "hostpci0");
	ck_assert(mention->company.known);
	ck_assert_uint_eq(mention->company.n_units, 2);
	ck_assert_uint_eq(mention->company.units[0], 2);
	ck_assert_uint_eq(mention->company.units[1], 3);
	mention = &meanings.mentions[4];
	ck_assert_int_eq(mention->kind, REFERENCE_GROUP);
	ck_assert_uint_eq(mention->unit, 3);
	/* Known to be nobody. */
	ck_assert(mention->company.known);
	ck_assert_uint_eq(mention->company.n_units, 0);

	ck_assert_uint_eq(meanings.n_turned_off, 3);
	off = &meanings.turned_off[0];
	ck_assert_str_eq(off->guest, "pve/qemu/101");
	ck_assert_str_eq(off->path, "/etc/pve/nodes/pve1/qemu-server/101.conf");
	ck_assert_str_eq(off->was, "onboot: 1 \xfe\n");
	ck_assert_str_eq(off->now, "onboot: 0\n");
	ck_assert(!off->file);
	off = &meanings.turned_off[1];
	ck_assert(off->file);
	ck_assert_str_eq(off->was, "/etc/libvirt/qemu/win10.xml");
	ck_assert_str_eq(off->now, "");
	off = &meanings.turned_off[2];
	ck_assert(!off->file);
	ck_assert_str_eq(off->was, "");
	ck_assert_str_eq(off->now, "\tstate stopped\n");

	ck_assert_uint_eq(meanings.n_parked, 2);
	parked = &meanings.parked[1];
	ck_assert_str_eq(parked->path, "/etc/driverctl.d/pci-0000:06:00.0");
	ck_assert_str_eq(parked->source, "driverctl");
	ck_assert_str_eq(parked->present, "");
	ck_assert_str_eq(parked->original, "vfio-pci\n");
	ck_assert_uint_eq(parked->attributes.mode, 0640);
	ck_assert_uint_eq(parked->attributes.uid, 7);
	ck_assert_uint_eq(parked->attributes.gid, 8);
	ck_assert_uint_eq(parked->attributes.n_xattrs, 1);
	ck_assert_str_eq(parked->attributes.xattrs[0].name, "user.x");
	ck_assert_uint_eq(parked->attributes.xattrs[0].size, 2);
	ck_assert_mem_eq(parked->attributes.xattrs[0].value, "\x00\xff", 2);
	ck_assert_uint_eq(parked->n_mentions, 1);
	ck_assert_uint_eq(parked->mentions[0].length, 0);
	ck_assert_uint_eq(parked->mentions[0].unit, 2);
	parked = &meanings.parked[0];
	ck_assert_ptr_null(parked->source);
	ck_assert_uint_eq(parked->offset, 40);
	ck_assert_str_eq(parked->context, "auto lo");
	ck_assert_str_eq(parked->present, "#hwrecover: auto enp6s0 \xfe\n");
	ck_assert_str_eq(parked->original, "auto enp6s0 \xfe\n");
	ck_assert(parked->inside && parked->lost);
	ck_assert_uint_eq(parked->n_mentions, 2);
	ck_assert_uint_eq(parked->mentions[0].offset, 5);
	ck_assert_uint_eq(parked->mentions[0].length, 6);
	ck_assert_uint_eq(parked->mentions[0].unit, 0);
	ck_assert(parked->mentions[0].parked && !parked->mentions[1].parked);
	ck_assert_uint_eq(parked->mentions[1].unit, MEANS_NOBODY);

	ck_assert_uint_eq(meanings.n_files, 2);
	ck_assert_uint_eq(meanings.files[0].digest, 0x0123456789abcdef);
	ck_assert_uint_eq(meanings.files[0].n_lines, 2);
	ck_assert_uint_eq(meanings.files[0].lines[1], UINT64_MAX);
	ck_assert_uint_eq(meanings.files[1].n_lines, 0);
	meanings_done(&meanings);
}
END_TEST

START_TEST(writes_what_reads_back_as_the_same)
{
	_cleanup_json_ struct json_object *object = parse(sample), *again = NULL;
	_cleanup_free_ char *text = NULL, *text_again = NULL;
	struct meanings meanings;

	read_state(object, &meanings);
	text = write_state(&meanings);
	meanings_done(&meanings);
	again = parse(text);
	read_state(again, &meanings);
	text_again = write_state(&meanings);
	meanings_done(&meanings);
	ck_assert_str_eq(text, text_again);
	/* Each member of the sample is in it, with its value. */
	json_object_object_foreach(object, key, value)
	{
		struct json_object *member = NULL;

		ck_assert(json_object_object_get_ex(again, key, &member));
		ck_assert_int_eq(json_object_get_type(member), json_object_get_type(value));
		if (json_object_is_type(value, json_type_array))
			ck_assert_uint_eq(json_object_array_length(member),
					  json_object_array_length(value));
	}
	ck_assert_ptr_nonnull(strstr(text, "\"present.latin1\""));
}
END_TEST

START_TEST(takes_missing_members_for_nothing)
{
	_cleanup_json_ struct json_object *object = parse("{}");
	struct meanings meanings;

	read_state(object, &meanings);
	ck_assert_uint_eq(meanings.settled, 0);
	ck_assert(!meanings.undone);
	ck_assert_ptr_null(meanings.home);
	ck_assert_uint_eq(meanings.n_units + meanings.n_mentions + meanings.n_parked +
				  meanings.n_files + meanings.n_turned_off,
			  0);
	meanings_done(&meanings);
}
END_TEST

/* The object that a path of keys and indices leads to: "parked[0].mentions[1]". */
static struct json_object *find(struct json_object *object, const char *path)
{
	while (*path) {
		size_t length = strcspn(path, "[.");
		char key[32];

		ck_assert_uint_lt(length, sizeof(key));
		(void)snprintf(key, sizeof(key), "%.*s", (int)length, path);
		ck_assert(json_object_object_get_ex(object, key, &object));
		path += length;
		while (*path == '[') {
			object = json_object_array_get_idx(object, (size_t)(path[1] - '0'));
			ck_assert_ptr_nonnull(object);
			path += 3;
		}
		path += *path == '.';
	}
	return object;
}

/* Each refused, with the member named. */
static const struct malformed {
	const char *path;
	const char *key;
	const char *value; /* JSON; NULL: the member is removed */
	const char *says;
} malformed[] = {
	{ "", "settled", "-1", "settled" },
	{ "", "settled", "\"7\"", "settled" },
	{ "", "undone", "1", "undone" },
	{ "", "home", "7", "home" },
	{ "", "units", "{}", "units" },
	{ "", "mentions", "\"\"", "mentions" },
	{ "", "parked", "7", "parked" },
	{ "", "files", "true", "files" },
	{ "", "units", "[7]", "units[0]" },
	{ "", "units", "[null]", "units[0]" },
	{ "", "mentions", "[[]]", "mentions[0]" },
	{ "", "parked", "[\"\"]", "parked[0]" },
	{ "", "files", "[null]", "files[0]" },
	{ "", "units", "[]", "unit" },
	{ "units[0]", "kind", NULL, "kind" },
	{ "units[0]", "kind", "\"bus\"", "kind" },
	{ "units[0]", "kind", "7", "kind" },
	{ "units[0]", "name", NULL, "name" },
	{ "units[0]", "name", "7", "name" },
	{ "units[0]", "name", "\"\"", "name" },
	{ "units[0]", "name", "\"a b\"", "name" },
	{ "units[0]", "name", "\"enp6s0enp6s0enp6s0\"", "name" },
	{ "units[0]", "mac", "[]", "mac" },
	{ "units[0]", "port", "-2", "port" },
	{ "units[1]", "lost", "1", "lost" },
	{ "units[0]", "port", "1.5", "port" },
	{ "units[0]", "ports_on_card", "65536", "ports_on_card" },
	{ "units[0]", "driver", "false", "driver" },
	{ "units[0]", "pci", "[]", "pci" },
	{ "units[0]", "pci", "\"0000:06:00.0\"", "pci" },
	{ "units[2]", "pci", NULL, "pci" },
	{ "units[0].pci", "address", NULL, "address" },
	{ "units[0].pci", "address", "\"06:00.0\"", "address" },
	{ "units[0].pci", "address", "6", "address" },
	{ "units[0].pci", "path", "{}", "path" },
	{ "units[0].pci", "ids", NULL, "ids" },
	{ "units[0].pci", "ids", "\"10ec8168\"", "ids" },
	{ "units[0].pci", "ids", "\"10ec:816\"", "ids" },
	{ "units[0].pci", "ids", "\"10eg:8168\"", "ids" },
	{ "units[0].pci", "ids", "\"10ec:+168\"", "ids" },
	{ "units[0].pci", "subsystem_vendor", "65536", "subsystem_vendor" },
	{ "units[0].pci", "subsystem_device", "-2", "subsystem_device" },
	{ "units[0].pci", "class", "16777216", "class" },
	{ "units[0].pci", "class", "\"020000\"", "class" },
	{ "units[0].pci", "serial", "1", "serial" },
	{ "units[0].pci", "shared_serial", "1", "shared_serial" },
	{ "units[0].pci", "slot", "1", "slot" },
	{ "units[0].pci", "firmware_path", "1", "firmware_path" },
	{ "units[0].pci", "driver", "1", "driver" },
	{ "units[0].pci", "physfn", "7", "physfn" },
	{ "units[0].pci", "physfn", "null", "physfn" },
	{ "units[0].pci", "physfn", "\"0000:06:20.0\"", "physfn" },
	{ "units[0].pci", "vf_index", "65536", "vf_index" },
	{ "units[0].pci", "first_address", NULL, "first_address" },
	{ "units[0].pci", "first_path", "0", "first_path" },
	{ "mentions[0]", "file", NULL, "file" },
	{ "mentions[0]", "file", "7", "file" },
	{ "mentions[1]", "file", "\"/both\"", "file" },
	{ "mentions[0]", "kind", NULL, "kind" },
	{ "mentions[0]", "kind", "\"pci-address\"", "kind" },
	{ "mentions[0]", "text", NULL, "text" },
	{ "mentions[0]", "said", "7", "said" },
	{ "mentions[0]", "offset", "-1", "offset" },
	{ "mentions[0]", "offset", "\"12\"", "offset" },
	{ "mentions[0]", "block", "7", "block" },
	{ "mentions[0]", "body", NULL, "body" },
	{ "mentions[0]", "body", "255", "body" },
	{ "mentions[0]", "body", "\"\"", "body" },
	{ "mentions[0]", "body", "\"0x1\"", "body" },
	{ "mentions[0]", "body", "\"10000000000000000\"", "body" },
	{ "mentions[0]", "key", "[]", "key" },
	{ "mentions[0]", "line", NULL, "line" },
	{ "mentions[0]", "line", "\"-1\"", "line" },
	{ "mentions[0]", "unit", "4", "unit" },
	{ "mentions[0]", "unit", "-1", "unit" },
	{ "mentions[0]", "unit", "2147483648", "unit" },
	{ "mentions[0]", "unit", "\"0\"", "unit" },
	/* A function is no NIC, nor the other way. */
	{ "mentions[0]", "unit", "2", "unit" },
	{ "mentions[2]", "unit", "0", "unit" },
	{ "mentions[2]", "kind", "\"nic\"", "unit" },
	{ "mentions[4]", "unit", "0", "unit" },
	{ "mentions[3]", "company", "{}", "company" },
	{ "mentions[3]", "company", "2", "company" },
	{ "mentions[3]", "company", "[\"2\"]", "mentions[3]" },
	{ "mentions[3]", "company", "[null]", "mentions[3]" },
	{ "mentions[3]", "company", "[-1]", "mentions[3]" },
	{ "mentions[3]", "company", "[2,4]", "mentions[3]" },
	{ "mentions[3]", "company", "[9223372036854775807]", "mentions[3]" },
	/* A NIC is in no group, its function is. */
	{ "mentions[3]", "company", "[2,0]", "company" },
	{ "mentions[0]", "ambiguous", "1", "ambiguous" },
	{ "mentions[0]", "held", "\"true\"", "held" },
	{ "parked[0]", "file", NULL, "file" },
	{ "parked[0]", "offset", "-1", "offset" },
	{ "parked[0]", "context", "7", "context" },
	{ "parked[0]", "present", "\"both\"", "present" },
	{ "parked[0]", "original.latin1", NULL, "original" },
	{ "parked[0]", "original.latin1", "7", "original" },
	{ "parked[0]", "original.latin1", "\"\\u0100\"", "original" },
	{ "parked[0]", "original.latin1", "\"auto\\n\"", "offset" },
	{ "parked[0]", "inside", "0", "inside" },
	{ "parked[0]", "lost", "0", "lost" },
	{ "parked[0]", "mentions", "{}", "mentions" },
	{ "parked[0]", "mentions", "[7]", "parked[0]" },
	{ "parked[0].mentions[0]", "offset", "-1", "offset" },
	{ "parked[0].mentions[0]", "offset", "14", "offset" },
	{ "parked[0].mentions[0]", "offset", "9", "offset" },
	{ "parked[0].mentions[0]", "offset", "9223372036854775807", "offset" },
	{ "parked[0].mentions[0]", "length", "0", "length" },
	{ "parked[0].mentions[0]", "length", "9223372036854775807", "offset" },
	{ "parked[0].mentions[0]", "unit", "4", "unit" },
	{ "parked[0].mentions[0]", "said", "7", "said" },
	{ "parked[0].mentions[0]", "parked", "1", "parked" },
	{ "parked[1]", "file", "\"pci-0000:06:00.0\"", "file" },
	{ "parked[1]", "file", "\"/etc/driverctl.d/../shadow\"", "file" },
	{ "parked[1]", "away", "7", "away" },
	{ "parked[1]", "away", "[]", "away" },
	/* Else no name stands in the text. */
	{ "parked[1]", "away", NULL, "length" },
	{ "parked[1].away", "source", NULL, "source" },
	{ "parked[1].away", "source", "7", "source" },
	{ "parked[1].away", "content", NULL, "content" },
	{ "parked[1].away", "mode", NULL, "mode" },
	{ "parked[1].away", "mode", "\"640\"", "mode" },
	{ "parked[1].away", "mode", "416", "mode" },
	{ "parked[1].away", "uid", "-1", "uid" },
	{ "parked[1].away", "gid", "\"0\"", "gid" },
	{ "parked[1].away", "xattrs", "{}", "xattrs" },
	{ "parked[1].mentions[0]", "offset", "10", "offset" },
	{ "parked[1].mentions[0]", "length", "-1", "length" },
	{ "parked[1].mentions[0]", "length", "10", "offset" },
	{ "files[0]", "file", NULL, "file" },
	{ "files[0]", "digest", NULL, "digest" },
	{ "files[0]", "digest", "\"x\"", "digest" },
	{ "files[0]", "lines", "{}", "lines" },
	{ "files[0]", "lines", "[7]", "files[0]" },
	{ "files[0]", "lines", "[\"x\"]", "lines" },
	{ "files[0]", "lines", "[\"\"]", "lines" },
	{ "", "turned_off", "{}", "turned_off" },
	{ "", "turned_off", "[\"\"]", "turned_off[0]" },
	{ "turned_off[0]", "guest", NULL, "guest" },
	{ "turned_off[0]", "guest", "7", "guest" },
	{ "turned_off[0]", "file", NULL, "file" },
	{ "turned_off[0]", "file", "7", "file" },
	{ "turned_off[1]", "file", "\"win10.xml\"", "file" },
	{ "turned_off[1]", "file", "\"/etc/libvirt/../shadow\"", "file" },
	{ "turned_off[1]", "removed", "1", "removed" },
	{ "turned_off[1]", "was", "7", "was" },
	/* A link leads somewhere. */
	{ "turned_off[1]", "was", NULL, "was" },
	{ "turned_off[0]", "was", "\"both\"", "was" },
	{ "turned_off[0]", "now", "[]", "now" },
};

START_TEST(refuses_each_malformed_member_and_names_it)
{
	const struct malformed *bad = &malformed[_i];
	_cleanup_json_ struct json_object *object = parse(sample);
	_cleanup_(problem_done) struct problem problem = { 0 };
	struct json_object *at = find(object, bad->path);
	struct meanings meanings = { .settled = 4711 };
	int r;

	json_object_object_del(at, bad->key);
	if (bad->value) {
		struct json_object *value = NULL;
		struct buffer text = { 0 };

		/* Only objects and arrays make a text. */
		buffer_appendf(&text, "[%s]", bad->value);
		value = parse(text.data);
		json_object_object_add(at, bad->key,
				       json_object_get(json_object_array_get_idx(value, 0)));
		(void)json_object_put(value);
		buffer_done(&text);
	}
	r = meanings_from_json(object, "state", &meanings, &problem);
	ck_assert_msg(r == -EBADMSG, "%s.%s = %s: %d", bad->path, bad->key,
		      bad->value ? bad->value : "nothing", r);
	ck_assert_ptr_nonnull(problem.text);
	ck_assert_msg(strstr(problem.text, bad->says), "%s.%s: %s", bad->path, bad->key,
		      problem.text);
	/* With the item it is one of. */
	ck_assert_msg(strncmp(bad->path, strstr(problem.text, "state.") + strlen("state."),
			      (size_t)(strcspn(bad->path, "]"))) == 0,
		      "%s.%s: %s", bad->path, bad->key, problem.text);
	ck_assert_uint_eq(meanings.settled, 4711);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("meanings-json");
	TCase *tcase = tcase_create("meanings-json");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, reads_every_member);
	tcase_add_test(tcase, writes_what_reads_back_as_the_same);
	tcase_add_test(tcase, takes_missing_members_for_nothing);
	tcase_add_loop_test(tcase, refuses_each_malformed_member_and_names_it, 0,
			    ARRAY_SIZE(malformed));
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed > 0;
}
