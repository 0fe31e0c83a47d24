/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "snapshot/udev-properties.h"

#include <errno.h>
#include <fcntl.h>
#include <libudev.h>
#include <stdio.h>

#include "snapshot/basic/file.h"
#include "snapshot/basic/number.h"

/* Ten times what it is. */
#define IDS_MAX_SIZE (16U * 1024 * 1024)

void udev_properties_done(struct udev_properties *properties)
{
	if (!properties)
		return;
	(void)udev_hwdb_unref(properties->hwdb);
	(void)udev_unref(properties->udev);
	free(properties->ids);
	*properties = (struct udev_properties){ 0 };
}

static void read_ids(struct udev_properties *properties)
{
	/* Debian's place, and that of others. */
	static const char *const paths[] = { "/usr/share/misc/pci.ids",
					     "/usr/share/hwdata/pci.ids" };

	for (size_t i = 0; i < ARRAY_SIZE(paths) && !properties->ids; i++) {
		_cleanup_close_ int fd = open(paths[i], O_RDONLY | O_CLOEXEC);

		/* Without it hardware keeps its numbers. */
		if (fd >= 0)
			(void)!file_read_fd(fd, IDS_MAX_SIZE, &properties->ids,
					    &properties->ids_size);
	}
}

static void open_database(struct udev_properties *properties)
{
	if (properties->opened)
		return;
	properties->opened = true;
	properties->udev = udev_new();
	if (properties->udev)
		properties->hwdb = udev_hwdb_new(properties->udev);
	if (!properties->hwdb)
		read_ids(properties);
}

/* The alias by which the kernel names a function, and the database its entries. */
static void write_modalias(const struct pci_function *function, char *text, size_t size)
{
	(void)snprintf(text, size, "pci:v%08Xd%08Xsv%08Xsd%08Xbc%02Xsc%02Xi%02X", function->vendor,
		       function->device, MAX_OF(function->subsystem_vendor, 0),
		       MAX_OF(function->subsystem_device, 0), function->class >> 16 & 0xff,
		       function->class >> 8 & 0xff, function->class & 0xff);
}

static int copy_value(struct udev_list_entry *entry, const char *key, struct arena *arena,
		      const char **ret_text)
{
	const char *value;

	entry = udev_list_entry_get_by_name(entry, key);
	value = entry ? udev_list_entry_get_value(entry) : NULL;
	if (!value)
		return 0;
	*ret_text = arena_copy_text(arena, value);
	return *ret_text ? 0 : -ENOMEM;
}

static int name_from_hwdb(struct udev_hwdb *hwdb, const struct pci_function *function,
			  struct arena *arena, struct udev_names *names)
{
	struct udev_list_entry *entries;
	char modalias[64];
	int r;

	write_modalias(function, modalias, sizeof(modalias));
	entries = udev_hwdb_get_properties_list_entry(hwdb, modalias, 0);
	r = copy_value(entries, "ID_VENDOR_FROM_DATABASE", arena, &names->vendor);
	if (r < 0)
		return r;
	return copy_value(entries, "ID_MODEL_FROM_DATABASE", arena, &names->model);
}

static struct bytes take_line(struct bytes *rest)
{
	const char *end = memchr(rest->data, '\n', rest->size);
	size_t length = end ? (size_t)(end - rest->data) : rest->size;
	struct bytes line = bytes_slice(*rest, 0, length);

	length += end ? 1 : 0;
	*rest = bytes_slice(*rest, length, rest->size - length);
	return line;
}

/* "10ec  Realtek Semiconductor Co., Ltd.": the name behind the id, or no bytes. */
static struct bytes name_behind_id(struct bytes line, uint16_t id)
{
	uint64_t number;

	if (line.size < 7 || number_parse(bytes_slice(line, 0, 4), 16, UINT16_MAX, &number) < 0 ||
	    number != id || line.data[4] != ' ' || line.data[5] != ' ')
		return BYTES_NONE;
	return bytes_slice(line, 6, line.size - 6);
}

/* Devices stand below their vendor, a tab in front; theirs with subsystems two; comments have #. */
static struct bytes find_device(struct bytes rest, uint16_t device)
{
	while (rest.size > 0 && (rest.data[0] == '\t' || rest.data[0] == '#')) {
		struct bytes line = take_line(&rest), name;

		if (line.data[0] != '\t')
			continue;
		name = name_behind_id(bytes_slice(line, 1, line.size - 1), device);
		if (name.size > 0)
			return name;
	}
	return BYTES_NONE;
}

static int name_from_ids(struct bytes rest, const struct pci_function *function,
			 struct arena *arena, struct udev_names *names)
{
	struct bytes vendor = BYTES_NONE, model;

	while (rest.size > 0 && vendor.size == 0)
		vendor = name_behind_id(take_line(&rest), function->vendor);
	if (vendor.size == 0)
		return 0;
	names->vendor = arena_copy(arena, vendor);
	if (!names->vendor)
		return -ENOMEM;
	model = find_device(rest, function->device);
	if (model.size == 0)
		return 0;
	names->model = arena_copy(arena, model);
	return names->model ? 0 : -ENOMEM;
}

int udev_properties_name(struct udev_properties *properties, const struct pci_function *function,
			 struct arena *arena, struct udev_names *ret_names)
{
	struct udev_names names = { 0 };
	int r = 0;

	open_database(properties);
	if (properties->hwdb)
		r = name_from_hwdb(properties->hwdb, function, arena, &names);
	else if (properties->ids)
		r = name_from_ids(bytes_make(properties->ids, properties->ids_size), function,
				  arena, &names);
	if (r < 0)
		return r;
	*ret_names = names;
	return 0;
}
