/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A driver that is told to take a model takes every unit of it. One that the host needs is kept
 * from it by an override that names its own driver.
 */
#include "agent/guard/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "recovery/sources/bind.h"
#include "recovery/sources/kernel-arguments.h"
#include "snapshot/fields.h"

#define COMMAND_LINE_PATH "/proc/cmdline"
#define MODULES_PATH      "/conf/modules"
#define MODULES_KNOWN     "/etc/initramfs-tools/modules"

/**
 * struct place_of_ids - Where id entries stand
 * @path: as the running system names it
 */
struct place_of_ids {
	const char *path;
	const struct document *document;
};

/* "vfio-pci ids=10de:1b80": a module with its options, as initramfs-tools(7) loads it. */
static int parse_module_line(struct document *document, struct bytes line, unsigned int number)
{
	static const char *const drivers[] = { "vfio-pci", "pci-stub" };
	struct kernel_argument argument;
	const char *driver = NULL;
	size_t at = 0;
	int r = 0;

	if (!kernel_argument_next(line, &at, &argument))
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(drivers); i++)
		if (kernel_parameter_is(
			    bytes_slice(line, argument.name.offset, argument.name.length),
			    drivers[i]))
			driver = drivers[i];
	while (driver && r == 0 && kernel_argument_next(line, &at, &argument))
		if (kernel_parameter_is(
			    bytes_slice(line, argument.name.offset, argument.name.length), "ids"))
			r = ids_parse(
				document, driver,
				bytes_slice(line, argument.value.offset, argument.value.length),
				number);
	return r;
}

static int read_modules(struct guard *guard)
{
	_cleanup_close_ int fd =
		root_openat(&guard->root, MODULES_PATH, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
	_cleanup_free_ char *text = NULL;
	struct bytes rest, line;
	size_t size;
	int r;

	r = fd < 0 ? fd : file_read_fd(fd, MANAGED_FILE_MAX, &text, &size);
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	rest = bytes_make(text, size);
	for (unsigned int number = 1; r == 0 && fields_next_line(&rest, &line); number++)
		r = parse_module_line(&guard->module_ids, line, number);
	return r;
}

static int override(const struct root *root, const struct pci_address *address, const char *driver)
{
	char path[sizeof("/sys/bus/pci/devices//driver_override") + PCI_ADDRESS_TEXT];
	struct pci_address_name name;
	_cleanup_close_ int fd = -1;

	(void)snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver_override",
		       pci_address_show(address, &name));
	fd = root_openat(root, path, O_WRONLY | O_TRUNC, 0);
	return fd < 0 ? fd : file_write_fd(fd, bytes_of(driver));
}

static void keep(struct guard *guard, size_t index, const struct place_of_ids *place,
		 const struct id_entry *entry, const char *why)
{
	const struct pci_function *function = &guard->now.functions[index];
	const char *driver = guard->before.functions[guard->known[index]].driver;
	struct guard_entry said = { .deed = GUARD_LEFT,
				    .path = place->path,
				    .line = entry->line,
				    .has_address = true,
				    .address = function->address };
	int r;

	if (!driver || is_passthrough_driver(driver)) {
		guard_say(guard, &said,
			  "%s would take it and the host needs it (%s), but its own driver is not "
			  "known",
			  entry->driver, why);
		return;
	}
	r = override(&guard->root, &function->address, driver);
	if (r < 0) {
		guard_say(guard, &said,
			  "%s would take it and the host needs it (%s), but its driver_override "
			  "cannot be set: %s",
			  entry->driver, why, strerror(-r));
		return;
	}
	said.deed = GUARD_KEPT;
	guard_say(guard, &said, "kept from %s for %s: the host needs it (%s)", entry->driver,
		  driver, why);
}

static bool keep_if_reached(struct guard *guard, size_t index, const struct place_of_ids *place,
			    const char *why)
{
	for (size_t i = 0; i < place->document->n_ids; i++) {
		const struct id_entry *entry = &place->document->ids[i];

		if (!id_entry_matches(entry, &guard->now.functions[index]))
			continue;
		keep(guard, index, place, entry, why);
		return true;
	}
	return false;
}

static void keep_function(struct guard *guard, size_t index)
{
	const struct place_of_ids lines[] = { { COMMAND_LINE_PATH, &guard->command_line_ids },
					      { MODULES_KNOWN, &guard->module_ids } };
	const char *why = resolve_protection(&guard->past, &guard->policy,
					     &guard->now.functions[index], false);
	bool kept = !why;

	for (size_t i = 0; i < ARRAY_SIZE(lines) && !kept; i++)
		kept = keep_if_reached(guard, index, &lines[i], why);
	for (size_t i = 0; i < guard->documents.n_items && !kept; i++) {
		const struct document *document = guard->documents.items[i];

		kept = keep_if_reached(guard, index,
				       &(struct place_of_ids){ document->path, document }, why);
	}
}

int guard_keep_protected(struct guard *guard)
{
	int r;

	r = read_modules(guard);
	if (r == 0 && guard->command_line)
		r = ids_parse_kernel_command_line(
			&guard->command_line_ids,
			bytes_make(guard->command_line, guard->command_line_size), 1);
	for (size_t i = 0; r == 0 && i < guard->now.n_functions; i++)
		if (guard->known[i] != SIZE_MAX)
			keep_function(guard, i);
	return r;
}
