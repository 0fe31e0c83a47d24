/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "snapshot/inventory-json.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>

#include "snapshot/basic/number.h"

/* A path of /sys or of firmware, and any other text. */
#define LONG_TEXT_MAX  4096
#define SHORT_TEXT_MAX 255

#define DISPLAY_BASE_CLASS 0x03

/* What is being read: the members of one object. */
struct reading {
	struct inventory *inventory;
	struct json_object *object;
	struct json_place place;
	struct problem *problem;
};

static int refuse(const struct reading *reading, const char *key, const char *what)
{
	return json_refuse(&reading->place, key, what, reading->problem);
}

/* What is read here is shown on terminals and becomes part of paths. */
static bool is_printable(const char *text)
{
	for (; *text; text++)
		if ((uint8_t)*text < ' ' || *text == 0x7f)
			return false;
	return true;
}

static int read_text(const struct reading *reading, const char *key, size_t max, const char **ret)
{
	const char *text;
	int r;

	r = json_get_string(reading->object, key, &reading->place, &text, reading->problem);
	if (r <= 0)
		return r;
	/* What some dumps write for "none". */
	if (*text == '\0')
		return 0;
	if (strlen(text) > max)
		return refuse(reading, key, "is too long");
	if (!is_printable(text))
		return refuse(reading, key, "holds a control character");
	*ret = arena_copy_text(&reading->inventory->arena, text);
	return *ret ? 1 : -ENOMEM;
}

/* Exactly @digits hexadecimal digits. 1, 0 when missing or null. */
static int read_hex(const struct reading *reading, const char *key, size_t digits,
		    uint32_t *ret_value)
{
	const char *text;
	uint64_t value;
	int r;

	r = json_get_string(reading->object, key, &reading->place, &text, reading->problem);
	if (r <= 0)
		return r;
	if (strlen(text) != digits || number_parse(bytes_of(text), 16, UINT32_MAX, &value) < 0) {
		char what[64];

		(void)snprintf(what, sizeof(what), "must be %zu hexadecimal digits", digits);
		return refuse(reading, key, what);
	}
	*ret_value = (uint32_t)value;
	return 1;
}

static int read_hex_required(const struct reading *reading, const char *key, size_t digits,
			     uint32_t *ret_value)
{
	int r;

	r = read_hex(reading, key, digits, ret_value);
	if (r == 0)
		return refuse(reading, key, "is missing");
	return r < 0 ? r : 0;
}

static int read_address(const struct reading *reading, const char *key, bool *ret_known,
			struct pci_address *ret_address)
{
	const char *text;
	int r;

	r = json_get_string(reading->object, key, &reading->place, &text, reading->problem);
	if (r <= 0)
		return r;
	if (pci_address_parse(bytes_of(text), ret_address) < 0)
		return refuse(reading, key, "must be a PCI address, DDDD:BB:DD.F");
	*ret_known = true;
	return 1;
}

static int read_integer(const struct reading *reading, const char *key, int max, int *ret_value)
{
	int64_t value;
	int r;

	r = json_get_integer(reading->object, key, &reading->place, 0, max, &value,
			     reading->problem);
	if (r > 0)
		*ret_value = (int)value;
	return r;
}

static int read_mac(const struct reading *reading, const char *key, const char **ret_mac)
{
	char mac[MAC_TEXT_MAX];
	const char *text;
	int r;

	r = json_get_string(reading->object, key, &reading->place, &text, reading->problem);
	if (r <= 0)
		return r;
	if (!mac_size_is_valid(octets_normalise(bytes_of(text), ':', mac, sizeof(mac))))
		return refuse(reading, key, "must be a hardware address, xx:xx:xx:xx:xx:xx");
	*ret_mac = arena_copy_text(&reading->inventory->arena, mac);
	return *ret_mac ? 1 : -ENOMEM;
}

static int read_serial(const struct reading *reading, const char *key, const char **ret_serial)
{
	char serial[SERIAL_TEXT_MAX];
	const char *text;
	int r;

	r = json_get_string(reading->object, key, &reading->place, &text, reading->problem);
	if (r <= 0)
		return r;
	if (octets_normalise(bytes_of(text), '-', serial, sizeof(serial)) != 8)
		return refuse(reading, key, "must be a serial number, xx-xx-xx-xx-xx-xx-xx-xx");
	*ret_serial = arena_copy_text(&reading->inventory->arena, serial);
	return *ret_serial ? 1 : -ENOMEM;
}

static int read_ids(const struct reading *reading, struct pci_function *function)
{
	uint32_t vendor, device, subsystem_vendor, subsystem_device, revision;
	int r;

	r = read_hex_required(reading, "vendor", 4, &vendor);
	if (r < 0)
		return r;
	r = read_hex_required(reading, "device", 4, &device);
	if (r < 0)
		return r;
	r = read_hex_required(reading, "class", 6, &function->class);
	if (r < 0)
		return r;
	function->vendor = (uint16_t)vendor;
	function->device = (uint16_t)device;

	r = read_hex(reading, "subsystem_vendor", 4, &subsystem_vendor);
	if (r < 0)
		return r;
	if (r > 0)
		function->subsystem_vendor = (int32_t)subsystem_vendor;
	r = read_hex(reading, "subsystem_device", 4, &subsystem_device);
	if (r < 0)
		return r;
	if (r > 0)
		function->subsystem_device = (int32_t)subsystem_device;
	r = read_hex(reading, "revision", 2, &revision);
	if (r > 0)
		function->revision = (int)revision;
	return r;
}

static int read_function_texts(const struct reading *reading, struct pci_function *function)
{
	int r;

	r = read_text(reading, "path", LONG_TEXT_MAX, &function->path);
	if (r < 0)
		return r;
	r = read_serial(reading, "serial", &function->serial);
	if (r < 0)
		return r;
	r = read_text(reading, "slot", SHORT_TEXT_MAX, &function->slot);
	if (r < 0)
		return r;
	r = read_text(reading, "firmware_path", LONG_TEXT_MAX, &function->firmware_path);
	if (r < 0)
		return r;
	r = read_text(reading, "driver", SHORT_TEXT_MAX, &function->driver);
	if (r < 0)
		return r;
	return read_text(reading, "protected", LONG_TEXT_MAX, &function->protected);
}

static int read_function(const struct reading *reading)
{
	struct pci_function *function = inventory_add_function(reading->inventory);
	bool has_address = false, boot_vga;
	int r;

	if (!function)
		return -ENOMEM;
	r = read_address(reading, "address", &has_address, &function->address);
	if (r < 0)
		return r;
	if (!has_address)
		return refuse(reading, "address", "is missing");
	r = read_ids(reading, function);
	if (r < 0)
		return r;
	r = read_function_texts(reading, function);
	if (r < 0)
		return r;
	r = read_integer(reading, "iommu_group", INT_MAX, &function->iommu_group);
	if (r < 0)
		return r;
	r = json_get_bool(reading->object, "boot_vga", &reading->place, &boot_vga,
			  reading->problem);
	if (r < 0)
		return r;
	if (r > 0 && (boot_vga || function->class >> 16 == DISPLAY_BASE_CLASS))
		function->boot_vga = boot_vga;
	r = read_address(reading, "physfn", &function->has_physfn, &function->physfn);
	if (r > 0 && pci_address_equal(&function->physfn, &function->address))
		return refuse(reading, "physfn", "must be another function");
	return r;
}

static int read_altnames(const struct reading *reading, struct nic *nic)
{
	char where[64];
	const struct json_place place = { .file = reading->place.file, .where = where };
	struct arena *arena = &reading->inventory->arena;
	struct json_object *array;
	const char *name;
	size_t n;
	int r;

	r = json_get_array(reading->object, "altnames", &reading->place, &array, reading->problem);
	if (r <= 0)
		return r;
	(void)snprintf(where, sizeof(where), "%s.altnames", reading->place.where);
	n = json_object_array_length(array);
	nic->altnames = arena_allocate(arena, n * sizeof(*nic->altnames));
	if (!nic->altnames)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		r = json_item_string(array, i, &place, &name, reading->problem);
		if (r < 0)
			return r;
		if (!nic_altname_is_valid(bytes_of(name)))
			return refuse(reading, "altnames", "holds what is no interface name");
		nic->altnames[i] = arena_copy_text(arena, name);
		if (!nic->altnames[i])
			return -ENOMEM;
		nic->n_altnames++;
	}
	return 0;
}

static int read_nic(const struct reading *reading)
{
	struct nic *nic = inventory_add_nic(reading->inventory);
	const char *name;
	int r;

	if (!nic)
		return -ENOMEM;
	r = json_get_string_required(reading->object, "name", &reading->place, &name,
				     reading->problem);
	if (r < 0)
		return r;
	if (!nic_name_is_valid(bytes_of(name)))
		return refuse(reading, "name", "must be an interface name of 1 to 15 bytes");
	nic->name = arena_copy_text(&reading->inventory->arena, name);
	if (!nic->name)
		return -ENOMEM;

	r = read_altnames(reading, nic);
	if (r < 0)
		return r;
	r = read_mac(reading, "mac", &nic->mac);
	if (r < 0)
		return r;
	r = read_address(reading, "pci", &nic->has_pci, &nic->pci);
	if (r < 0)
		return r;
	r = read_integer(reading, "port", INT_MAX, &nic->port);
	if (r < 0)
		return r;
	return read_text(reading, "driver", SHORT_TEXT_MAX, &nic->driver);
}

/* The objects of one array, each with @read_one; an array that is missing has none. */
static int read_each(const struct reading *top, const char *key,
		     int (*read_one)(const struct reading *reading))
{
	const struct json_place array_place = { .file = top->place.file, .where = key };
	char where[32];
	struct reading reading = *top;
	struct json_object *array;
	size_t n;
	int r;

	r = json_get_array(top->object, key, &top->place, &array, top->problem);
	if (r <= 0)
		return r;
	reading.place.where = where;
	n = json_object_array_length(array);
	for (size_t i = 0; i < n; i++) {
		(void)snprintf(where, sizeof(where), "%s[%zu]", key, i);
		r = json_item_object(array, i, &array_place, &reading.object, top->problem);
		if (r < 0)
			return r;
		r = read_one(&reading);
		if (r < 0)
			return r;
	}
	return 0;
}

/* "hwrecover.inventory/2" and the like are a later version's, not damage. */
static int check_schema(const struct reading *reading)
{
	const char *schema;
	int r;

	r = json_get_string(reading->object, "schema", &reading->place, &schema, reading->problem);
	if (r <= 0 || strcmp(schema, INVENTORY_SCHEMA) == 0)
		return r;
	return problem_set(reading->problem, -EPROTONOSUPPORT, reading->place.file, 0,
			   "schema: \"%.64s\" is not " INVENTORY_SCHEMA,
			   is_printable(schema) ? schema : "…");
}

static int read_host(const struct reading *reading)
{
	const char *host = NULL;
	int r;

	r = read_text(reading, "host", SHORT_TEXT_MAX, &host);
	if (r <= 0)
		return r;
	/* Names a folder under /etc/pve/nodes. */
	if (strchr(host, '/') || host[0] == '.')
		return refuse(reading, "host", "must be a host name");
	reading->inventory->host = host;
	return 0;
}

static int read_head(const struct reading *reading)
{
	struct inventory *inventory = reading->inventory;
	const struct {
		const char *key;
		const char **ret;
	} texts[] = {
		{ "machine", &inventory->machine },
		{ "boot_id", &inventory->boot_id },
		{ "taken_at", &inventory->taken_at },
		{ "kernel", &inventory->kernel },
	};
	int r;

	r = check_schema(reading);
	if (r < 0)
		return r;
	r = read_host(reading);
	for (size_t i = 0; i < ARRAY_SIZE(texts) && r >= 0; i++)
		r = read_text(reading, texts[i].key, SHORT_TEXT_MAX, texts[i].ret);
	return r;
}

static int compare_texts(const void *a, const void *b)
{
	const char *const *left = a, *const *right = b;

	return strcmp(*left, *right);
}

/* Names and altnames are one name space: the kernel resolves either. */
static int check_names(const struct inventory *inventory, const char *file, struct problem *problem)
{
	_cleanup_free_ const char **names = NULL;
	size_t n = 0;

	for (size_t i = 0; i < inventory->n_nics; i++)
		n += 1 + inventory->nics[i].n_altnames;
	names = calloc(n + 1, sizeof(*names));
	if (!names)
		return -ENOMEM;
	n = 0;
	for (size_t i = 0; i < inventory->n_nics; i++) {
		const struct nic *nic = &inventory->nics[i];

		names[n++] = nic->name;
		for (size_t k = 0; k < nic->n_altnames; k++)
			names[n++] = nic->altnames[k];
	}
	if (n)
		qsort(names, n, sizeof(*names), compare_texts);
	for (size_t i = 1; i < n; i++)
		if (strcmp(names[i - 1], names[i]) == 0)
			return problem_set(problem, -EEXIST, file, 0, "NIC name %s occurs twice",
					   names[i]);
	return 0;
}

static int read_inventory(const struct reading *reading)
{
	struct inventory *inventory = reading->inventory;
	const char *file = reading->place.file;
	int r;

	r = read_head(reading);
	if (r < 0)
		return r;
	r = read_each(reading, "pci", read_function);
	if (r < 0)
		return r;
	r = read_each(reading, "nics", read_nic);
	if (r < 0)
		return r;
	r = inventory_finish(inventory, file, reading->problem);
	if (r < 0)
		return r;
	return check_names(inventory, file, reading->problem);
}

int inventory_from_json(struct json_object *object, const char *file,
			struct inventory *ret_inventory, struct problem *problem)
{
	struct inventory inventory = { 0 };
	const struct reading reading = {
		.inventory = &inventory,
		.object = object,
		.place = { .file = file },
		.problem = problem,
	};
	int r;

	if (!json_object_is_type(object, json_type_object))
		return problem_set(problem, -EBADMSG, file, 0, "an inventory must be an object");
	r = read_inventory(&reading);
	if (r < 0) {
		inventory_done(&inventory);
		return r == -ENOMEM ? problem_set_errno(problem, r, file, "read") : r;
	}
	*ret_inventory = inventory;
	return 0;
}

int inventory_from_text(struct bytes text, const char *file, struct inventory *ret_inventory,
			struct problem *problem)
{
	_cleanup_json_ struct json_object *object = NULL;
	int r;

	r = json_parse(text, file, &object, problem);
	if (r < 0)
		return r;
	return inventory_from_json(object, file, ret_inventory, problem);
}

static void write_hex(struct json_writer *writer, struct json_object *object, const char *key,
		      int digits, int value)
{
	char text[16];

	if (value == UNKNOWN) {
		json_add_null(writer, object, key);
		return;
	}
	(void)snprintf(text, sizeof(text), "%0*x", digits, (unsigned int)value);
	json_add_string(writer, object, key, text);
}

static void write_number(struct json_writer *writer, struct json_object *object, const char *key,
			 int value)
{
	if (value == UNKNOWN)
		json_add_null(writer, object, key);
	else
		json_add_integer(writer, object, key, value);
}

static void write_address(struct json_writer *writer, struct json_object *object, const char *key,
			  bool known, const struct pci_address *address)
{
	struct pci_address_name name;

	json_add_string(writer, object, key, known ? pci_address_show(address, &name) : NULL);
}

static void write_boot_vga(struct json_writer *writer, struct json_object *object,
			   const struct pci_function *function)
{
	bool is_display = function->class >> 16 == DISPLAY_BASE_CLASS;

	if (is_display && function->boot_vga == UNKNOWN)
		json_add_null(writer, object, "boot_vga");
	else
		json_add_bool(writer, object, "boot_vga", function->boot_vga == 1);
}

static void write_function(struct json_writer *writer, struct json_object *array,
			   const struct pci_function *function)
{
	struct json_object *object = json_add_object(writer, array, NULL);

	write_address(writer, object, "address", true, &function->address);
	json_add_string(writer, object, "path", function->path);
	write_hex(writer, object, "vendor", 4, function->vendor);
	write_hex(writer, object, "device", 4, function->device);
	write_hex(writer, object, "subsystem_vendor", 4, function->subsystem_vendor);
	write_hex(writer, object, "subsystem_device", 4, function->subsystem_device);
	write_hex(writer, object, "class", 6, (int)function->class);
	write_hex(writer, object, "revision", 2, function->revision);
	json_add_string(writer, object, "serial", function->serial);
	json_add_string(writer, object, "slot", function->slot);
	json_add_string(writer, object, "firmware_path", function->firmware_path);
	json_add_string(writer, object, "driver", function->driver);
	write_number(writer, object, "iommu_group", function->iommu_group);
	write_boot_vga(writer, object, function);
	write_address(writer, object, "physfn", function->has_physfn, &function->physfn);
	if (function->protected)
		json_add_string(writer, object, "protected", function->protected);
}

static void write_nic(struct json_writer *writer, struct json_object *array, const struct nic *nic)
{
	struct json_object *object = json_add_object(writer, array, NULL), *altnames;

	json_add_string(writer, object, "name", nic->name);
	altnames = json_add_array(writer, object, "altnames");
	for (size_t i = 0; i < nic->n_altnames; i++)
		json_add_string(writer, altnames, NULL, nic->altnames[i]);
	json_add_string(writer, object, "mac", nic->mac);
	write_address(writer, object, "pci", nic->has_pci, &nic->pci);
	write_number(writer, object, "port", nic->port);
	json_add_string(writer, object, "driver", nic->driver);
}

void inventory_to_json(const struct inventory *inventory, struct json_writer *writer,
		       struct json_object *object)
{
	struct json_object *array;

	json_add_string(writer, object, "schema", INVENTORY_SCHEMA);
	json_add_string(writer, object, "host", inventory->host);
	json_add_string(writer, object, "machine", inventory->machine);
	json_add_string(writer, object, "boot_id", inventory->boot_id);
	json_add_string(writer, object, "taken_at", inventory->taken_at);
	json_add_string(writer, object, "kernel", inventory->kernel);
	array = json_add_array(writer, object, "pci");
	for (size_t i = 0; i < inventory->n_functions; i++)
		write_function(writer, array, &inventory->functions[i]);
	array = json_add_array(writer, object, "nics");
	for (size_t i = 0; i < inventory->n_nics; i++)
		write_nic(writer, array, &inventory->nics[i]);
}
