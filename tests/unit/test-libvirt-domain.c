/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>

#include "recovery/sources/address-attributes.h"
#include "recovery/sources/libvirt.h"
#include "tree.h"

static const char *const nic_names[] = { "enp5s0", "enp6s0" };
static const struct name_set nic_set = { nic_names, ARRAY_SIZE(nic_names) };

static struct documents documents;
static struct document *document;
static struct scan_context scan_context;

static void setup(void)
{
	document = documents_add(&documents, LIBVIRT_DOMAINS "/win10.xml");
	ck_assert_ptr_nonnull(document);
	document->source = &libvirt_domain_source;
}

static void teardown(void)
{
	documents_done(&documents);
	scan_context = (struct scan_context){ 0 };
}

static void scan_bytes(struct bytes text)
{
	document_clear_scan(document);
	free(document->data);
	ck_assert_int_eq(bytes_duplicate(text, &document->data), 0);
	document->size = text.size;
	ck_assert_int_eq(libvirt_domain_source.scan(&libvirt_domain_source, &scan_context,
						    &documents, &nic_set),
			 0);
}

static void scan(const char *text)
{
	scan_bytes(bytes_of(text));
}

/* «the guest gets the function», ‹a driver of the host has it› */
static const char *const marks[][2] = { { "«", "»" }, { "‹", "›" } };

static size_t mark_at(const char *text)
{
	for (size_t i = 0; i < ARRAY_SIZE(marks); i++)
		for (size_t j = 0; j < 2; j++)
			if (strncmp(text, marks[i][j], strlen(marks[i][j])) == 0)
				return strlen(marks[i][j]);
	return 0;
}

/* The device a reference is of; each is of one. */
static const struct guest_device *device_of(size_t reference)
{
	const struct guest_device *found = NULL;

	for (size_t i = 0; i < document->guest->n_devices; i++) {
		const struct guest_device *device = &document->guest->devices[i];

		if (reference < device->first || reference >= device->first + device->n)
			continue;
		ck_assert_ptr_null(found);
		found = device;
	}
	ck_assert_ptr_nonnull(found);
	return found;
}

static void check_reference(const struct reference *reference, const struct guest_device *device)
{
	struct bytes name = document_text(document, reference->span);
	struct pci_address address;

	ck_assert_uint_eq(reference->line, document_line_at(document, reference->span.offset));
	ck_assert_str_eq(reference->owner, document->guest->id);
	ck_assert_str_eq(reference->key, device->key);
	ck_assert_str_eq(reference->block, device->key);
	ck_assert(reference->certain);
	ck_assert_int_eq(reference->shape, PARK_NEVER);
	ck_assert(device->at_start && !device->held && !device->mapping);
	ck_assert_str_eq(device->section, "");
	ck_assert_uint_eq(device->hold.length, 0);
	ck_assert_uint_le(device->line, reference->line);
	ck_assert(reference->limited == (reference->kind == REFERENCE_NIC));
	if (address_attributes_parse(name, &address) == 0)
		ck_assert(pci_address_equal(&address, &reference->address));
}

/* Scans @wanted without its marks and expects what is marked. */
static void finds(const char *wanted)
{
	struct buffer plain = { 0 }, found = { 0 };
	size_t done = 0;

	for (const char *c = wanted; *c;) {
		size_t mark = mark_at(c);

		if (mark == 0)
			buffer_append_char(&plain, *c++);
		c += mark;
	}
	scan_bytes(buffer_bytes(&plain));
	ck_assert_msg(!document->rejected, "%s", document->rejected);
	for (size_t i = 0; i < document->n_references; i++) {
		const struct reference *reference = &document->references[i];
		const struct guest_device *device = device_of(i);

		check_reference(reference, device);
		buffer_append(&found, bytes_slice(document_bytes(document), done,
						  reference->span.offset - done));
		buffer_append_text(&found, marks[device->taken ? 0 : 1][0]);
		buffer_append(&found, document_text(document, reference->span));
		buffer_append_text(&found, marks[device->taken ? 0 : 1][1]);
		done = span_end(reference->span);
	}
	buffer_append_text(&found, plain.data + done);
	ck_assert_str_eq(found.data, wanted);
	buffer_done(&plain);
	buffer_done(&found);
}

#define DOMAIN(contents)  "<domain type='kvm'>\n<name>win10</name>\n" contents "\n</domain>\n"
#define DEVICES(contents) DOMAIN("<devices>" contents "</devices>")

static void rejects(const char *text, const char *reason)
{
	scan(text);
	ck_assert_ptr_nonnull(document->rejected);
	ck_assert_str_eq(document->rejected, reason);
	ck_assert_uint_eq(document->n_notes, 1);
	ck_assert_uint_eq(document->n_references, 0);
	ck_assert_ptr_null(document->guest);
}

START_TEST(tells_which_guest_it_is)
{
	scan("<!-- WARNING -->\n<domain type='kvm'>\n  <name>win &amp; lin</name>\n"
	     "  <uuid>4DEA22B3-1D52-D8F3-2516-782E98AB3FA0</uuid>\n</domain>\n");
	ck_assert_ptr_null(document->rejected);
	ck_assert_str_eq(document->guest->id, "libvirt/win & lin");
	ck_assert_str_eq(document->guest->uuid, "4dea22b3-1d52-d8f3-2516-782e98ab3fa0");
	ck_assert(!document->guest->template);
	ck_assert_uint_eq(document->guest->n_devices, 0);
	ck_assert_ptr_null(document->guest->hold_line);
	ck_assert_uint_eq(document->n_switches, 0);
	scan(DOMAIN("<uuid>\n 4dea22b31d52d8f32516782e98ab3fa0 </uuid>"));
	ck_assert_str_eq(document->guest->uuid, "4dea22b3-1d52-d8f3-2516-782e98ab3fa0");
	scan(DOMAIN("<uuid>4dea22b3</uuid>"));
	ck_assert_ptr_null(document->guest->uuid);
	scan("<domain><name><![CDATA[<a>]]>b&#x63;</name></domain>");
	ck_assert_str_eq(document->guest->id, "libvirt/<a>bc");
}
END_TEST

START_TEST(only_the_domains_own_name_counts)
{
	scan("<domain><metadata><name>x</name><domain><name>y</name></domain></metadata>"
	     "<name>win10</name><name>z</name><devices><name>w</name></devices></domain>");
	ck_assert_str_eq(document->guest->id, "libvirt/win10");
}
END_TEST

START_TEST(a_function_that_the_guest_gets_is_a_mention)
{
	finds(DEVICES("\n<hostdev mode='subsystem' type='pci' managed='yes'>\n  <source>\n"
		      "    <address «domain='0x0000' bus='0x05' slot='0x00' function='0x1'»/>\n"
		      "  </source>\n  <address type='pci' domain='0x0000' bus='0x07' slot='0x00' "
		      "function='0x0'/>\n</hostdev>\n"));
	ck_assert_uint_eq(document->guest->n_devices, 1);
	ck_assert_str_eq(document->guest->devices[0].key, "hostdev");
	ck_assert_uint_eq(document->guest->devices[0].line, 4);
	ck_assert_uint_eq(document->references[0].line, 6);
	ck_assert_uint_eq(document->references[0].address.bus, 5);
	ck_assert_uint_eq(document->references[0].address.function, 1);
	finds(DEVICES("<hostdev type='pci' managed='no'><driver name='vfio'/><source x='1'>"
		      "<address type='pci' «bus=\"5\"\nslot='0'» x='y'></address></source>"
		      "<alias name='ua-0000:05:00.0'/><rom file='/0000:05:00.0.rom'/></hostdev>"));
	finds(DEVICES(
		"<interface type='hostdev'><mac address='52:54:00:00:00:01'/><source>"
		"<address type='pci' «domain='0x0000' bus='0x05' slot='0x10' function='0x0'»/>"
		"</source><address type='pci' domain='0' bus='1' slot='0' function='0'/>"
		"</interface>"));
	ck_assert_str_eq(document->guest->devices[0].key, "interface");
	finds(DEVICES("<disk type='nvme' device='disk'><source type='pci' managed='yes' "
		      "namespace='1'><address «domain='0' bus='0x01' slot='0' function='0'»/>"
		      "</source><address type='pci' domain='0' bus='4' slot='0' function='0'/>"
		      "</disk>"));
	ck_assert_str_eq(document->guest->devices[0].key, "disk");
}
END_TEST

START_TEST(what_else_a_guest_may_get_is_none)
{
	finds(DEVICES(
		"<hostdev mode='subsystem' type='usb'><source><vendor id='0x1'/>"
		"<address bus='5' device='2'/></source></hostdev>"
		"<hostdev mode='subsystem' type='mdev' model='vfio-pci'><source>"
		"<address uuid='c2177883-f1bb-47f0-914d-32a22e3a8804'/></source></hostdev>"
		"<hostdev mode='capabilities' type='pci'><source><address bus='1' slot='2'/>"
		"</source></hostdev>"
		"<hostdev><source><address bus='1' slot='2'/></source></hostdev>"
		"<interface type='network'><source network='default'><address bus='1' slot='2'/>"
		"</source><address type='pci' bus='1' slot='2'/></interface>"
		"<interface type='hostdev'><source><address type='usb' bus='1' slot='2'/></source>"
		"</interface>"
		"<controller type='pci' index='1'><address type='pci' bus='1' slot='2'/>"
		"</controller>"
		"<disk type='block'><source dev='/dev/sda'><address bus='1' slot='2'/></source>"
		"<address type='pci' bus='1' slot='2'/></disk>"));
	ck_assert_uint_eq(document->guest->n_devices, 0);
	ck_assert_uint_eq(document->n_notes, 0);
}
END_TEST

START_TEST(only_what_stands_in_its_place_counts)
{
#define HOSTDEV "<hostdev type='pci'><source><address bus='5' slot='0'/></source></hostdev>"
	finds(DOMAIN("<metadata><devices>" HOSTDEV "</devices><domain><devices>" HOSTDEV
		     "</devices></domain></metadata>" HOSTDEV "<x:devices>" HOSTDEV "</x:devices>"
		     "<devices><x>" HOSTDEV "</x><!-- " HOSTDEV " --><?pi " HOSTDEV "?>"
		     "<![CDATA[" HOSTDEV "]]>"
		     "<hostdev type='pci'><address bus='5' slot='0'/><x><source>"
		     "<address bus='5' slot='0'/></source></x><source><x><address bus='5' "
		     "slot='0'/></x></source></hostdev></devices>"));
	ck_assert_uint_eq(document->guest->n_devices, 0);
	ck_assert_uint_eq(document->n_notes, 0);
}
END_TEST

START_TEST(a_link_of_the_host_is_used_but_not_taken)
{
	finds(DEVICES("<interface type='direct'><source dev='‹enp6s0›' mode='bridge'/>"
		      "<target dev='enp5s0'/></interface>"
		      "<interface type='direct'><source mode='passthrough' dev=\"‹enp5s0›.100\"/>"
		      "</interface><interface type='user'>"
		      "<source dev='‹enp5s0›'/></interface>"));
	ck_assert_uint_eq(document->n_references, 3);
	ck_assert_int_eq(document->references[0].kind, REFERENCE_NIC);
	ck_assert_uint_eq(document->references[0].suffix, 0);
	ck_assert_uint_eq(document->references[1].suffix, 4);
	finds(DEVICES("<interface type='direct'><source dev='eth7'/></interface>"
		      "<interface type='direct'><source dev='enp6s0f1'/><source dev='enp6s0:1'/>"
		      "<x><source dev='enp6s0'/></x></interface>"
		      "<interface type='bridge'><source bridge='enp6s0' dev='enp6s0'/></interface>"
		      "<disk type='block'><source dev='enp6s0'/></disk>"));
}
END_TEST

START_TEST(finds_links_of_udev_to_what_stands_on_a_function)
{
	finds(DEVICES("<disk type='block'><source "
		      "dev='/dev/disk/by-path/pci-‹0000:03:00.0›-nvme-1-part2'/>"
		      "<backingStore type='block'><source "
		      "dev='/dev/disk/by-path/pci-‹10000:e1:00.0›-ata-1'/></backingStore></disk>"
		      "<input type='evdev'><source "
		      "dev='/dev/input/by-path/pci-‹0000:00:14.0›-usb-0:1:1.0-event-kbd'/></input>"
		      "<graphics type='spice'><gl enable='yes' "
		      "rendernode='/dev/dri/by-path/pci-‹0000:00:02.0›-render'/></graphics>"));
	ck_assert_uint_eq(document->guest->n_devices, 3);
	ck_assert_uint_eq(document->guest->devices[0].n, 2);
	ck_assert_str_eq(document->guest->devices[1].key, "input");
	finds(DEVICES("<disk type='block'><source dev='/dev/disk/by-path/platform-x'/>"
		      "<source dev='/dev/disk/by-path/pci-0000:03:00'/>"
		      "<source dev='/dev/disk/by-path/pci-'/>"
		      "<source dev='/dev/disk/by-path/pci-x0000:03:00.0'/>"
		      "<source dev='/dev/disk/by-id/pci-0000:03:00.0'/></disk>"));
}
END_TEST

#define ARGUMENT(value) \
	DOMAIN("<qemu:commandline><qemu:arg value='-device'/>" value "</qemu:commandline>")

START_TEST(finds_functions_that_qemu_is_told_to_take)
{
	finds(ARGUMENT("<qemu:arg value='vfio-pci,host=«01:00.0»,bus=root.1,addr=00.0,x=y'/>"));
	ck_assert_str_eq(document->guest->devices[0].key, "commandline");
	finds(ARGUMENT("<qemu:arg value='vfio-pci,id=a,host=«0000:01:00.1»,romfile=/02:00.0.rom'>"
		       "</qemu:arg>"));
	finds(ARGUMENT("<qemu:arg value=\"vfio-pci,sysfsdev=/sys/devices/pci0000:00/0000:00:01.0/"
		       "«0000:01:00.0»,x=y\"/>"));
	finds(ARGUMENT(
		"<qemu:arg value='{\"driver\":\"vfio-pci\", \"host\": \"«0000:01:00.0»\"}'/>"));
	finds(ARGUMENT("<qemu:arg value='{&quot;driver&quot;:&quot;vfio-pci&quot;,&quot;host&quot;:"
		       "&quot;«0000:01:00.0»&quot;}'/>"));
	finds(ARGUMENT("<qemu:arg value='vfio-pci,host=«01:00.0»'/><qemu:env value='host=1'/>"
		       "<qemu:arg value='vfio-pci,host=«01:00.1»'/>"));
	ck_assert_uint_eq(document->guest->n_devices, 2);
	finds(ARGUMENT("<qemu:arg value='input-linux,id=kbd,"
		       "evdev=/dev/input/by-path/pci-‹0000:00:14.0›-usb-0:1:1.0-event-kbd'/>"));
	finds(DOMAIN("<q:commandline xmlns:q='http://libvirt.org/schemas/domain/qemu/1.0'>"
		     "<q:arg value='vfio-pci,host=«01:00.0»'/></q:commandline>"));
}
END_TEST

START_TEST(other_arguments_of_qemu_are_left_alone)
{
	finds(ARGUMENT("<qemu:arg value='nvme,host=01:00.0'/><qemu:arg name='vfio-pci,host=1:0.0'/>"
		       "<qemu:arg value='vfio-pci,xhost=01:00.0,romfile=/x/01:00.0'/>"
		       "<qemu:arg value='vfio-pci,host=x01:00.0,host=01:00,host=,host'/>"
		       "<qemu:arg value='vfio-pci,sysfsdev=/sys/bus/mdev/devices/x'/>"
		       "<qemu:arg value=''/><qemu:arg value='{}'/><qemu:arg/>"
		       "<qemu:env name='A' value='vfio-pci,host=01:00.0'/>"));
	finds(DOMAIN("<metadata><qemu:commandline><qemu:arg value='vfio-pci,host=01:00.0'/>"
		     "</qemu:commandline></metadata><qemu:arg value='vfio-pci,host=01:00.0'/>"));
}
END_TEST

START_TEST(spans_are_those_of_the_file)
{
	finds("\xef\xbb\xbf<?xml version='1.0' encoding='utf-8'?>\r\n"
	      "<domain >\r\n<name\n>w\xc3\xa4hl</name\t><devices>\r\n"
	      "<hostdev\n\ttype = \"pci\" note='&apos;>&lt;&#10;bus=' ><source note='a\r\nb'>\r\n"
	      "<address\r\n\t note=\"bus='1'>\"\r\n\t«slot = \"0x1f\"\r\n\tx='&amp;/>'\r\n"
	      "\tbus\t= '0x05'»\r\n\t></address ></source>\r\n</hostdev ></devices></domain>\r\n");
	ck_assert_uint_eq(document->references[0].line, 10);
	ck_assert_uint_eq(document->guest->devices[0].line, 5);
	finds(DEVICES("<hostdev type='pci'><source><address «slot='1' bus='2'»/></source></hostdev>"
		      "<hostdev type='pci'><source><address «slot='1' bus='2'»  /></source>"
		      "</hostdev>"));
}
END_TEST

START_TEST(an_address_that_cannot_be_read_is_told)
{
	scan(DEVICES("\n<hostdev type='pci'><source><address bus='&#53;' slot='0'/></source>"
		     "</hostdev>\n<hostdev type='pci'><source><address bus='0x100' slot='0'/>"
		     "</source></hostdev><hostdev type='pci'><source><address/></source></hostdev>"
		     "<hostdev type='pci'><source/></hostdev><hostdev type='pci'/>"));
	ck_assert_ptr_null(document->rejected);
	ck_assert_uint_eq(document->n_references, 0);
	ck_assert_uint_eq(document->guest->n_devices, 0);
	ck_assert_uint_eq(document->n_notes, 1);
	ck_assert_str_eq(document->notes[0],
			 "4: 3 devices of the host have addresses that cannot be read");
}
END_TEST

static const char *hostdev(const char *indent, const char *bus, const char *guest_bus)
{
	static char text[1024];

	(void)snprintf(text, sizeof(text),
		       DEVICES("%s<hostdev type='pci'>%s<source><address bus='%s' slot='0'/>"
			       "</source>%s<address bus='%s' slot='3'/></hostdev>"),
		       indent, indent, bus, indent, guest_bus);
	return text;
}

static uint64_t body_of(const char *text)
{
	scan(text);
	ck_assert_uint_eq(document->n_references, 1);
	ck_assert_uint_ne(document->references[0].body, 0);
	return document->references[0].body;
}

START_TEST(a_device_is_known_again_by_all_but_its_address)
{
	uint64_t body = body_of(hostdev("\n  ", "5", "7"));

	ck_assert_uint_eq(body_of(hostdev("\n  ", "0x12", "7")), body);
	ck_assert_uint_eq(body_of(hostdev("\r\n\t", "5", "7")), body);
	ck_assert_uint_ne(body_of(hostdev("\n  ", "5", "8")), body);
}
END_TEST

static bool has_line(uint64_t digest)
{
	for (size_t i = 0; i < document->n_line_digests; i++)
		if (document->line_digests[i] == digest)
			return true;
	return false;
}

START_TEST(every_line_has_a_digest_and_so_has_a_mention_on_several)
{
	uint64_t digest;

	scan(DEVICES(
		"\n<hostdev type='pci'><source><address bus='1' slot='2'/></source></hostdev>"
		"<hostdev type='pci'><source><address bus='1'\nslot='3'/></source></hostdev>"));
	ck_assert_uint_eq(document->n_references, 2);
	ck_assert_uint_eq(document->n_line_digests, 7);
	digest = document->references[1].line_digest;
	ck_assert_uint_ne(document->references[0].line_digest, digest);
	ck_assert(has_line(document->references[0].line_digest));
	ck_assert(has_line(digest));
	scan(DEVICES(
		"\n<hostdev type='pci'><source><address bus='1' slot='2'/></source></hostdev>"
		"<hostdev type='pci'><source><address bus='1'\nslot='4'/></source></hostdev>"));
	ck_assert(!has_line(digest));
	scan("no domain\nat all");
	ck_assert_uint_eq(document->n_line_digests, 2);
}
END_TEST

START_TEST(rejects_what_is_no_domain)
{
	rejects("", "line 1: no element found");
	rejects("<domain>\n<name>a</name>\n<devices>\n</domain>", "line 4: mismatched tag");
	rejects("<domain><name>a</name></domain>\n<x/>", "line 2: junk after document element");
	rejects("<network>\n<name>a</name></network>", "line 1: its root element is not <domain>");
	rejects("<x:domain><name>a</name></x:domain>", "line 1: its root element is not <domain>");
	rejects("<domain><uuid>4dea22b3-1d52-d8f3-2516-782e98ab3fa0</uuid></domain>",
		"line 1: it gives the domain no name");
	rejects("<domain><name/></domain>", "line 1: it gives the domain no name");
	rejects("<domain><name>a/b</name></domain>",
		"line 1: it gives the domain a name with a slash or a newline");
	rejects("<domain><name>\na</name></domain>",
		"line 1: it gives the domain a name with a slash or a newline");
	rejects("<domain a='1' a='1'><name>a</name></domain>", "line 1: duplicate attribute");
	rejects("<domain><name>\xff</name></domain>", "line 1: not well-formed (invalid token)");
	rejects("<domain><name>a&b;</name></domain>", "line 1: undefined entity");
	scan(DOMAIN(""));
	ck_assert_ptr_null(document->rejected);
}
END_TEST

START_TEST(a_mistake_takes_all_mentions_with_it)
{
	rejects("<domain><name>a</name><devices><hostdev type='pci'><source>\n"
		"<address bus='1' slot='2'/></source></hostdev></devices><",
		"line 2: unclosed token");
	rejects("<domain><devices><hostdev type='pci'><source><address bus='1' slot='2'/>"
		"</source></hostdev></devices></domain>",
		"line 1: it gives the domain no name");
}
END_TEST

START_TEST(entities_and_other_encodings_are_refused)
{
	static const char utf16[] = "\xff\xfe<\0d\0o\0m\0a\0i\0n\0/\0>\0";

	rejects("<!DOCTYPE domain [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;'>]>\n"
		"<domain><name>&b;</name></domain>",
		"line 1: it has a document type declaration");
	rejects("<?xml version='1.0'?>\n<!DOCTYPE domain SYSTEM 'file:///etc/passwd'>\n<domain/>",
		"line 2: it has a document type declaration");
	rejects("<?xml version='1.0' encoding='ISO-8859-1'?><domain><name>\xe4</name></domain>",
		"line 1: its encoding is not UTF-8");
	rejects("<?xml version='1.0' encoding='x'?><domain><name>a</name></domain>",
		"line 1: its encoding is not UTF-8");
	scan_bytes(bytes_make(utf16, sizeof(utf16) - 1));
	ck_assert_str_eq(document->rejected, "line 1: it holds NUL bytes");
	scan("<?xml version='1.0' encoding='us-ascii'?><domain><name>a</name></domain>");
	ck_assert_ptr_null(document->rejected);
}
END_TEST

/* @head, then @part @n times, then @tail. */
static void scan_repeated(const char *head, const char *part, size_t n, const char *tail)
{
	struct buffer text = { 0 };

	buffer_append_text(&text, head);
	for (size_t i = 0; i < n; i++)
		buffer_append_text(&text, part);
	buffer_append_text(&text, tail);
	ck_assert(!text.failed);
	scan_bytes(buffer_bytes(&text));
	buffer_done(&text);
}

START_TEST(depth_and_number_of_elements_are_limited)
{
	scan_repeated("<domain><name>a</name>", "<x>", 100000, "");
	ck_assert_str_eq(document->rejected, "line 1: its elements are nested too deep");
	scan_repeated("<domain><name>a</name>", "<x/>", 100000, "</domain>");
	ck_assert_str_eq(document->rejected, "line 1: it has too many elements");
	scan_repeated("<domain><name>a</name>", "<x/>", 60000, "</domain>");
	ck_assert_ptr_null(document->rejected);
}
END_TEST

START_TEST(a_large_file_takes_time_by_its_size)
{
	scan_repeated(DEVICES(""), " ", 1024 * 1024, "");
	ck_assert_ptr_null(document->rejected);
	scan_repeated("<domain><name>a</name><devices>",
		      "<hostdev type='pci'><source><address bus='1' slot='2'/></source></hostdev>",
		      14000, "</devices></domain>");
	ck_assert_ptr_null(document->rejected);
	ck_assert_uint_eq(document->n_references, 14000);
	scan_repeated("<domain><name>a</name><devices><disk x='", "/by-path/pci-0000:01:00.0-",
		      40000, "'/></devices></domain>");
	ck_assert_uint_eq(document->n_references, 40000);
	scan_repeated("<domain><name>a</name><q:commandline><q:arg value='vfio-pci",
		      ",host=01:00.0 ", 70000, "'/></q:commandline></domain>");
	ck_assert_uint_eq(document->n_references, 70000);
	scan_repeated("<domain><name>a</name><q:commandline><q:arg value='vfio-pci,sysfsdev=",
		      "0000:01:00.0/", 80000, "'/></q:commandline></domain>");
	ck_assert_uint_eq(document->n_references, 0);
	scan_repeated("<domain><name>a</name><q:commandline><q:arg value='vfio-pci",
		      "/by-path/pci-", 80000, "'/></q:commandline></domain>");
	ck_assert_uint_eq(document->n_references, 0);
}
END_TEST

START_TEST(collects_domains_and_nothing_else)
{
	struct problem problem = { 0 };

	documents_done(&documents);
	tree_setup();
	scan_context.root = &tree_root;
	tree_file(LIBVIRT_DOMAINS "/b.xml", DOMAIN(""));
	tree_file(LIBVIRT_DOMAINS "/a.xml", DOMAIN(""));
	tree_file(LIBVIRT_DOMAINS "/a.xml.old", DOMAIN(""));
	tree_file(LIBVIRT_DOMAINS "/.c.xml", DOMAIN(""));
	tree_file(LIBVIRT_DOMAINS "/networks/default.xml", "<network/>");
	tree_link(LIBVIRT_AUTOSTART "/a.xml", LIBVIRT_DOMAINS "/a.xml");
	tree_directory(LIBVIRT_DOMAINS "/d.xml");
	tree_link(LIBVIRT_DOMAINS "/e.xml", "/srv/e.xml");
	tree_file("/srv/e.xml", DOMAIN(""));
	ck_assert_int_eq(libvirt_domain_source.collect(&libvirt_domain_source, &scan_context,
						       &documents, &problem),
			 0);
	tree_teardown();
	ck_assert_uint_eq(documents.n_items, 3);
	ck_assert_str_eq(documents.items[0]->path, LIBVIRT_DOMAINS "/a.xml");
	ck_assert_str_eq(documents.items[1]->path, LIBVIRT_DOMAINS "/b.xml");
	ck_assert_str_eq(documents.items[2]->path, LIBVIRT_DOMAINS "/e.xml");
	ck_assert_ptr_nonnull(documents.items[2]->unfit);
	ck_assert_ptr_null(documents.items[0]->unfit);
}
END_TEST

static int check(const char *text, struct problem *problem)
{
	const struct bytes bytes = bytes_of(text);

	return libvirt_domain_source.check(&libvirt_domain_source, &scan_context, &documents,
					   &bytes, problem);
}

START_TEST(what_it_was_made_of_still_has_to_be_a_domain)
{
	struct problem problem = { 0 };

	scan(DOMAIN(""));
	ck_assert_int_eq(check(DOMAIN("<devices/>"), &problem), 0);
	ck_assert_int_eq(check("<domain>\n<name>a<name></domain>", &problem), -EBADMSG);
	ck_assert_str_eq(problem.text, LIBVIRT_DOMAINS "/win10.xml:2: mismatched tag");
	problem_done(&problem);
	scan("<domain>");
	ck_assert_int_eq(check("<domain>", &problem), 0);
}
END_TEST

static void reads_uuid(const char *text, const char *wanted)
{
	struct libvirt_uuid uuid;

	ck_assert_int_eq(libvirt_uuid_parse(bytes_of(text), &uuid), 0);
	ck_assert_str_eq(uuid.text, wanted);
}

START_TEST(reads_uuids_as_libvirt_does)
{
	static const char *const others[] = {
		"",
		"-",
		"4dea22b3-1d52-d8f3-2516-782e98ab3fa",
		"4dea22b3-1d52-d8f3-2516-782e98ab3fa00",
		"4dea22b3-1d52-d8f3-2516-782e98ab3fag",
		"4-dea22b31d52d8f32516782e98ab3fa0",
	};
	const char *wanted = "4dea22b3-1d52-d8f3-2516-782e98ab3fa0";
	struct libvirt_uuid uuid;

	reads_uuid("4dea22b3-1d52-d8f3-2516-782e98ab3fa0", wanted);
	reads_uuid("4DEA22B31D52D8F32516782E98AB3FA0", wanted);
	reads_uuid("\n 4dea 22b3 1d52-d8-f3-2516-782e98ab3fa0\n", wanted);
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		ck_assert_int_eq(libvirt_uuid_parse(bytes_of(others[i]), &uuid), -EINVAL);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("libvirt-domain");
	TCase *tests = tcase_create("all");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, tells_which_guest_it_is);
	tcase_add_test(tests, only_the_domains_own_name_counts);
	tcase_add_test(tests, a_function_that_the_guest_gets_is_a_mention);
	tcase_add_test(tests, what_else_a_guest_may_get_is_none);
	tcase_add_test(tests, only_what_stands_in_its_place_counts);
	tcase_add_test(tests, a_link_of_the_host_is_used_but_not_taken);
	tcase_add_test(tests, finds_links_of_udev_to_what_stands_on_a_function);
	tcase_add_test(tests, finds_functions_that_qemu_is_told_to_take);
	tcase_add_test(tests, other_arguments_of_qemu_are_left_alone);
	tcase_add_test(tests, spans_are_those_of_the_file);
	tcase_add_test(tests, an_address_that_cannot_be_read_is_told);
	tcase_add_test(tests, a_device_is_known_again_by_all_but_its_address);
	tcase_add_test(tests, every_line_has_a_digest_and_so_has_a_mention_on_several);
	tcase_add_test(tests, rejects_what_is_no_domain);
	tcase_add_test(tests, a_mistake_takes_all_mentions_with_it);
	tcase_add_test(tests, entities_and_other_encodings_are_refused);
	tcase_add_test(tests, depth_and_number_of_elements_are_limited);
	tcase_add_test(tests, a_large_file_takes_time_by_its_size);
	tcase_add_test(tests, collects_domains_and_nothing_else);
	tcase_add_test(tests, what_it_was_made_of_still_has_to_be_a_domain);
	tcase_add_test(tests, reads_uuids_as_libvirt_does);
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
