/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "snapshot/pci-scan.h"

#include <endian.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>

#include "snapshot/basic/array.h"
#include "snapshot/basic/buffer.h"
#include "snapshot/basic/number.h"
#include "snapshot/sysfs.h"

#define DEVICES_PATH "/sys/bus/pci/devices"
#define SLOTS_PATH   "/sys/bus/pci/slots"

#define DISPLAY_BASE_CLASS 0x03

/* PCIe 7.6.3, 7.9.3: capabilities beyond the first 256 bytes of config space. */
#define EXTENDED_START            0x100
#define EXTENDED_END              0x1000
#define EXTENDED_HEADER_SIZE      8
#define EXTENDED_ID_DEVICE_SERIAL 0x0003

/* One of firmware's slots. @any_device: it is a whole bus. */
struct slot {
	struct pci_address address;
	bool any_device;
	const char *name;
};

struct scan {
	const struct root *root;
	struct sysfs devices;
	bool details;
	struct inventory *inventory;
	struct slot *slots;
	size_t n_slots;
	size_t slots_allocated;
	/* Room for one attribute at a time. */
	struct sysfs_text text;
};

/* "pciDDDD:BB" */
static bool is_host_bridge(struct bytes component)
{
	char address[PCI_ADDRESS_TEXT];
	struct pci_address ignored;
	int n;

	if (!bytes_start_with(component, bytes_of("pci")))
		return false;
	n = snprintf(address, sizeof(address), "%.*s:00.0", (int)component.size - 3,
		     component.data + 3);
	return n > 0 && (size_t)n < sizeof(address) &&
	       pci_address_parse(bytes_of(address), &ignored) == 0;
}

/* What the link to a function's directory tells. */
struct place {
	struct buffer path;
	bool known;
	bool has_parent;
	struct pci_address parent;
	const char *slot;
};

static void place_done(struct place *place)
{
	buffer_done(&place->path);
}

static const struct slot *find_slot(const struct scan *scan, const struct pci_address *address)
{
	for (size_t i = 0; i < scan->n_slots; i++) {
		const struct slot *slot = &scan->slots[i];

		if (slot->address.domain == address->domain && slot->address.bus == address->bus &&
		    (slot->any_device || slot->address.device == address->device))
			return slot;
	}
	return NULL;
}

static void add_hop(const struct scan *scan, const struct pci_address *address, bool is_last,
		    struct place *place)
{
	const struct slot *slot = find_slot(scan, address);

	buffer_appendf(&place->path, "/%02x.%x", address->device, address->function);
	/* The nearest to the function counts: a card's switch is in the card's slot. */
	if (slot)
		place->slot = slot->name;
	if (is_last)
		return;
	place->has_parent = true;
	place->parent = *address;
}

/*
 * Reads "../../../devices/pci0000:00/0000:00:02.1/0000:03:00.0". In front of the host bridge there
 * may be others (platform/, LNXSYSTM:00/…), which are left out. A host bridge may also hang below a
 * function: that of a VMD controller's own domain. Its domain is dealt out in the order in which
 * the drivers of such controllers come up, and its bus belongs to a number range of its own, so it
 * is a plain "pci" in the path: "pci0000:00/0e.0/pci/06.0/00.0".
 */
static void read_place(const struct scan *scan, struct bytes link, struct place *place)
{
	struct bytes component;
	struct pci_address address;

	while (sysfs_next_component(&link, &component)) {
		if (is_host_bridge(component)) {
			if (place->path.size > 0)
				buffer_append_text(&place->path, "/pci");
			else
				buffer_append(&place->path, component);
		} else if (place->path.size > 0) {
			if (pci_address_parse(component, &address) < 0)
				return;
			add_hop(scan, &address, link.size == 0, place);
			place->known = link.size == 0;
		}
	}
}

/* A copy made by following links has directories here: the place is not known then. */
static int scan_place(struct scan *scan, const char *entry, struct pci_function *function,
		      struct place *place)
{
	int r;

	r = sysfs_read_link(&scan->devices, entry, NULL, &scan->text);
	if (r < 0)
		return r == -EINVAL ? 0 : r;
	read_place(scan, sysfs_bytes(&scan->text), place);
	if (place->path.failed)
		return -ENOMEM;
	if (!place->known)
		return 0;
	return sysfs_copy_word(&scan->inventory->arena, buffer_bytes(&place->path),
			       &function->path);
}

static bool parse_hex(struct bytes text, uint64_t max, uint64_t *ret_value)
{
	return number_parse(text, 16, max, ret_value) == 0;
}

/* "10EC:8168" */
static bool parse_ids(struct bytes text, uint16_t *ret_vendor, uint16_t *ret_device)
{
	uint64_t vendor, device;

	if (text.size != 9 || text.data[4] != ':' ||
	    !parse_hex(bytes_slice(text, 0, 4), UINT16_MAX, &vendor) ||
	    !parse_hex(bytes_slice(text, 5, 4), UINT16_MAX, &device))
		return false;
	*ret_vendor = (uint16_t)vendor;
	*ret_device = (uint16_t)device;
	return true;
}

static int read_uevent_line(struct bytes line, struct arena *arena, struct pci_function *function)
{
	static const char *const keys[] = { "DRIVER=", "PCI_CLASS=", "PCI_ID=", "PCI_SUBSYS_ID=" };
	uint16_t vendor, device;
	uint64_t class;
	size_t key = 0;
	struct bytes value;

	while (key < ARRAY_SIZE(keys) && !bytes_start_with(line, bytes_of(keys[key])))
		key++;
	if (key == ARRAY_SIZE(keys))
		return 0;
	value = bytes_slice(line, strlen(keys[key]), line.size - strlen(keys[key]));
	switch (key) {
	case 0:
		return sysfs_copy_word(arena, value, &function->driver);
	case 1:
		/* Without leading zeros: 60000 is a host bridge. */
		if (parse_hex(value, 0xffffff, &class))
			function->class = (uint32_t) class;
		return 0;
	case 2:
		(void)parse_ids(value, &function->vendor, &function->device);
		return 0;
	default:
		if (parse_ids(value, &vendor, &device)) {
			function->subsystem_vendor = vendor;
			function->subsystem_device = device;
		}
		return 0;
	}
}

/* One read gives driver, class and all ids. */
static int scan_uevent(struct scan *scan, const char *entry, struct pci_function *function)
{
	struct bytes rest;
	int r;

	/* What reads as all ones is there but does not answer. */
	function->vendor = UINT16_MAX;
	function->device = UINT16_MAX;
	r = sysfs_read(&scan->devices, entry, "uevent", &scan->text);
	if (r == -ENOENT || r == -ENODEV || r == -ENOMEM)
		return r;
	if (r < 0)
		return 0;
	rest = sysfs_bytes(&scan->text);
	while (rest.size > 0) {
		const char *end = memchr(rest.data, '\n', rest.size);
		size_t length = end ? (size_t)(end - rest.data) : rest.size;

		r = read_uevent_line(bytes_slice(rest, 0, length), &scan->inventory->arena,
				     function);
		if (r < 0)
			return r;
		length += end ? 1 : 0;
		rest = bytes_slice(rest, length, rest.size - length);
	}
	return 0;
}

static void scan_links(struct scan *scan, const char *entry, struct pci_function *function)
{
	struct pci_address physfn;
	uint64_t group;

	if (sysfs_read_link(&scan->devices, entry, "iommu_group", &scan->text) == 0 &&
	    number_parse(sysfs_last_component(sysfs_bytes(&scan->text)), 10, INT_MAX, &group) == 0)
		function->iommu_group = (int)group;
	if (sysfs_read_link(&scan->devices, entry, "physfn", &scan->text) == 0 &&
	    pci_address_parse(sysfs_last_component(sysfs_bytes(&scan->text)), &physfn) == 0 &&
	    !pci_address_equal(&physfn, &function->address)) {
		function->has_physfn = true;
		function->physfn = physfn;
	}
}

/* ACPI's or the device tree's name of the port above. */
static int scan_firmware_path(struct scan *scan, const struct place *place,
			      struct pci_function *function)
{
	static const char tree_base[] = "/devicetree/base";
	struct pci_address_name port;
	struct bytes path;
	const char *base;

	if (!place->known || !place->has_parent)
		return 0;
	(void)pci_address_show(&place->parent, &port);
	if (sysfs_read(&scan->devices, port.text, "firmware_node/path", &scan->text) == 0) {
		path = sysfs_bytes(&scan->text);
	} else if (sysfs_read_link(&scan->devices, port.text, "of_node", &scan->text) == 0) {
		base = strstr(scan->text.data, tree_base);
		if (!base)
			return 0;
		path = bytes_of(base + strlen(tree_base));
	} else {
		return 0;
	}
	return sysfs_copy_word(&scan->inventory->arena, path, &function->firmware_path);
}

static int scan_details(struct scan *scan, const char *entry, const struct place *place,
			struct pci_function *function)
{
	struct bytes text;
	uint64_t number;

	if (sysfs_read(&scan->devices, entry, "revision", &scan->text) == 0) {
		text = sysfs_bytes(&scan->text);
		if (bytes_start_with(text, bytes_of("0x")) &&
		    parse_hex(bytes_slice(text, 2, text.size - 2), 0xff, &number))
			function->revision = (int)number;
	}
	if (function->class >> 16 == DISPLAY_BASE_CLASS &&
	    sysfs_read(&scan->devices, entry, "boot_vga", &scan->text) == 0 &&
	    number_parse(sysfs_bytes(&scan->text), 10, 1, &number) == 0)
		function->boot_vga = (int)number;
	function->slot = place->slot;
	return scan_firmware_path(scan, place, function);
}

static int scan_into(struct scan *scan, const char *entry, struct pci_function *function)
{
	_cleanup_(place_done) struct place place = { 0 };
	int r;

	r = scan_place(scan, entry, function, &place);
	if (r < 0)
		return r;
	r = scan_uevent(scan, entry, function);
	if (r < 0)
		return r;
	scan_links(scan, entry, function);
	return scan->details ? scan_details(scan, entry, &place, function) : 0;
}

static int scan_function(struct scan *scan, const char *entry, const struct pci_address *address)
{
	struct pci_function *function = inventory_add_function(scan->inventory);
	int r;

	if (!function)
		return -ENOMEM;
	function->address = *address;
	r = scan_into(scan, entry, function);
	if (r < 0)
		scan->inventory->n_functions--;
	/* It may go away while it is read; in a copy it cannot, and something is missing there. */
	if ((r == -ENOENT || r == -ENODEV) && scan->root->live)
		return 0;
	return r;
}

static int scan_functions(struct scan *scan, struct problem *problem)
{
	struct pci_address address;
	struct root_name shown;
	const char *entry;
	int r;

	while ((r = sysfs_next(&scan->devices, &entry)) > 0) {
		if (pci_address_parse(bytes_of(entry), &address) < 0)
			continue;
		r = scan_function(scan, entry, &address);
		if (r < 0)
			break;
	}
	if (r >= 0)
		return 0;
	if (r == -ENOENT || r == -ENODEV)
		return problem_set(problem, r, root_show(scan->root, DEVICES_PATH, &shown), 0,
				   "%s has no uevent: not a whole copy of /sys", entry);
	return problem_set_errno(problem, r, root_show(scan->root, DEVICES_PATH, &shown), "read");
}

/* "0000:0a:00", or "0000:0a" for a slot that is a whole bus. */
static bool parse_slot_address(const char *text, struct slot *slot)
{
	char address[32];
	int n;

	n = snprintf(address, sizeof(address), "%s.0", text);
	if (n < 0 || (size_t)n >= sizeof(address))
		return false;
	if (pci_address_parse(bytes_of(address), &slot->address) == 0)
		return true;
	slot->any_device = true;
	n = snprintf(address, sizeof(address), "%s:00.0", text);
	return n > 0 && (size_t)n < sizeof(address) &&
	       pci_address_parse(bytes_of(address), &slot->address) == 0;
}

static int add_slot(struct scan *scan, const struct sysfs *slots, const char *entry)
{
	struct slot slot = { 0 };
	int r;

	if (sysfs_read(slots, entry, "address", &scan->text) < 0 ||
	    !parse_slot_address(scan->text.data, &slot))
		return 0;
	r = sysfs_copy_word(&scan->inventory->arena, bytes_of(entry), &slot.name);
	if (r < 0 || !slot.name)
		return r;
	r = ARRAY_RESERVE(scan->slots, scan->n_slots, scan->slots_allocated);
	if (r < 0)
		return r;
	scan->slots[scan->n_slots++] = slot;
	return 0;
}

/* By name: where firmware gives two slots one address it is always the same one that counts. */
static int compare_slots(const void *a, const void *b)
{
	const struct slot *left = a, *right = b;

	return strcmp(left->name, right->name);
}

static int scan_slots(struct scan *scan)
{
	_cleanup_(sysfs_done) struct sysfs slots = { 0 };
	const char *entry;
	int r;

	r = sysfs_open(scan->root, SLOTS_PATH, &slots);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	while ((r = sysfs_next(&slots, &entry)) > 0) {
		r = add_slot(scan, &slots, entry);
		if (r < 0)
			return r;
	}
	if (scan->n_slots)
		qsort(scan->slots, scan->n_slots, sizeof(*scan->slots), compare_slots);
	return r;
}

int pci_scan(const struct root *root, bool details, struct inventory *inventory,
	     struct problem *problem)
{
	_cleanup_free_ struct scan *scan = calloc(1, sizeof(*scan));
	struct root_name shown;
	int r;

	if (!scan)
		return problem_set_errno(problem, -ENOMEM, DEVICES_PATH, "read");
	scan->root = root;
	scan->details = details;
	scan->inventory = inventory;
	r = sysfs_open(root, DEVICES_PATH, &scan->devices);
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return problem_set_errno(problem, r, root_show(root, DEVICES_PATH, &shown), "open");
	r = details ? scan_slots(scan) : 0;
	if (r < 0)
		r = problem_set_errno(problem, r, root_show(root, SLOTS_PATH, &shown), "read");
	else
		r = scan_functions(scan, problem);
	free(scan->slots);
	sysfs_done(&scan->devices);
	return r;
}

/* Whether there is a dword at the offset; unprivileged readers get 64 bytes, old devices 256. */
static bool read_config(int fd, unsigned int offset, uint32_t *ret_value)
{
	uint32_t value;
	ssize_t n;

	do {
		n = pread(fd, &value, sizeof(value), (off_t)offset);
	} while (n < 0 && errno == EINTR);
	if (n != sizeof(value))
		return false;
	*ret_value = le32toh(value);
	return true;
}

/* Offset of a device's serial number capability, or 0. */
static unsigned int find_serial(int fd)
{
	unsigned int offset = EXTENDED_START;
	uint32_t header;

	/* As many as there is room for: a damaged list may lead round in circles. */
	for (unsigned int n = 0; n < (EXTENDED_END - EXTENDED_START) / EXTENDED_HEADER_SIZE; n++) {
		if (!read_config(fd, offset, &header) || header == 0 || header == UINT32_MAX)
			return 0;
		if ((header & 0xffff) == EXTENDED_ID_DEVICE_SERIAL)
			return offset;
		offset = header >> 20 & ~3U;
		if (offset < EXTENDED_START)
			return 0;
	}
	return 0;
}

int pci_read_serial(const struct root *root, const struct pci_address *address, struct arena *arena,
		    const char **ret_serial)
{
	char name[sizeof(DEVICES_PATH) + PCI_ADDRESS_TEXT + sizeof("/config")], serial[32];
	_cleanup_close_ int fd = -1;
	struct pci_address_name shown;
	uint32_t low, high;
	unsigned int offset;
	const char *copy;

	(void)snprintf(name, sizeof(name), DEVICES_PATH "/%s/config",
		       pci_address_show(address, &shown));
	fd = sysfs_open_file(root, name);
	if (fd < 0)
		return 0;
	offset = find_serial(fd);
	if (offset == 0 || !read_config(fd, offset + 4, &low) ||
	    !read_config(fd, offset + 8, &high) || (low == UINT32_MAX && high == UINT32_MAX))
		return 0;
	/* As lspci(8) writes it, the highest byte first. */
	(void)snprintf(serial, sizeof(serial), "%02x-%02x-%02x-%02x-%02x-%02x-%02x-%02x",
		       high >> 24, high >> 16 & 0xff, high >> 8 & 0xff, high & 0xff, low >> 24,
		       low >> 16 & 0xff, low >> 8 & 0xff, low & 0xff);
	copy = arena_copy_text(arena, serial);
	if (!copy)
		return -ENOMEM;
	*ret_serial = copy;
	return 1;
}
