/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A root file system on the network, or a remote shell to unlock it, hangs on ip= or DEVICE=, which
 * name a NIC by where it was. No NIC is there yet, but the name it is going to have follows from
 * the address of its function where it did before.
 */
#include "agent/guard/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "snapshot/basic/number.h"
#include "snapshot/fields.h"

/* /init reads it after each of its scripts: what one of them wants changed of its variables. */
#define PARAMETERS_DIRECTORY "/conf"
#define PARAMETERS_NAME      "param.conf"
#define PARAMETERS_MAX       65536U

/* "ip=CLIENT:SERVER:GATEWAY:NETMASK:HOST:DEVICE:…" of the kernel's nfsroot.rst. */
#define IP_DEVICE_FIELD 5

/* "P1p3s0" (systemd.net-naming-scheme(7)); the domain only where it is not 0. */
static struct bytes append_place(const struct pci_address *address, char *text, size_t size)
{
	int n = 0;

	if (address->domain > 0)
		n = snprintf(text, size, "P%u", address->domain);
	n += snprintf(text + n, size - (size_t)n, "p%us%u", address->bus, address->device);
	return bytes_make(text, (size_t)n);
}

/* Takes "f1" off what is left of a name. */
static bool take_function(struct bytes *rest, unsigned int *ret_function)
{
	uint64_t number;

	if (rest->size < 2 || rest->data[0] != 'f' ||
	    number_parse(bytes_slice(*rest, 1, 1), 10, 7, &number) < 0)
		return false;
	*ret_function = (unsigned int)number;
	*rest = bytes_slice(*rest, 2, rest->size - 2);
	return true;
}

int guard_path_name(struct bytes name, const struct pci_address *was, const struct pci_address *is,
		    struct guard_nic_name *ret_name)
{
	static const char *const kinds[] = { "en", "ib", "wl", "ww" };
	char old[64], new[64], text[128];
	struct bytes place = append_place(was, old, sizeof(old)), rest = BYTES_NONE;
	struct bytes place_now = append_place(is, new, sizeof(new));
	unsigned int function = 0;
	bool known = false, has_function;
	int n;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		known = known || bytes_start_with(name, bytes_of(kinds[i]));
	if (known)
		rest = bytes_slice(name, 2, name.size - 2);
	if (!known || !bytes_start_with(rest, place))
		return -EINVAL;
	rest = bytes_slice(rest, place.size, rest.size - place.size);
	has_function = take_function(&rest, &function);
	if (function != was->function || (!has_function && is->function > 0))
		return -EINVAL;
	/* Behind it, at most the number or the name of the port. */
	if (rest.size > 0 && rest.data[0] != 'd' && rest.data[0] != 'n')
		return -EINVAL;
	n = snprintf(text, sizeof(text), "%.2s%.*s", name.data, (int)place_now.size,
		     place_now.data);
	if (has_function)
		n += snprintf(text + n, sizeof(text) - (size_t)n, "f%u", is->function);
	n += snprintf(text + n, sizeof(text) - (size_t)n, "%.*s", (int)MIN_OF(rest.size, 16UL),
		      rest.data);
	if (n > NIC_NAME_MAX)
		return -EINVAL;
	memcpy(ret_name->text, text, (size_t)n + 1);
	return 0;
}

/**
 * struct variable - A variable of /init that names a NIC
 * @device: the name, in @value
 */
struct variable {
	const char *name;
	const char *value;
	struct bytes device;
};

/* What /init made of the kernel command line and of its own configuration; it exports both. */
static bool read_variable(const char *name, struct variable *ret_variable)
{
	const char *value = getenv(name);
	struct bytes rest = bytes_of(value), item = rest;

	if (!value || !*value)
		return false;
	if (strcmp(name, "IP") == 0)
		for (unsigned int i = 0; i <= IP_DEVICE_FIELD; i++)
			if (!fields_next_item(&rest, ':', &item))
				return false;
	*ret_variable = (struct variable){ name, value, item };
	return item.size > 0;
}

/* What a shell takes for itself between single quotes. */
static bool is_plain(struct bytes text)
{
	for (size_t i = 0; i < text.size; i++)
		if (text.data[i] <= ' ' || text.data[i] > '~' || text.data[i] == '\'')
			return false;
	return true;
}

static void append_assignment(const struct variable *variable, const char *new_name,
			      struct buffer *text)
{
	const char *behind = variable->device.data + variable->device.size;

	buffer_appendf(text, "%s='%.*s%s%s'\n", variable->name,
		       (int)(variable->device.data - variable->value), variable->value, new_name,
		       behind);
}

static int write_parameters(const struct root *root, struct bytes assignments)
{
	_cleanup_close_ int dir_fd = root_open_directory(root, PARAMETERS_DIRECTORY, 0755);
	_cleanup_(buffer_done) struct buffer text = { 0 };
	_cleanup_free_ char *before = NULL;
	size_t size = 0;
	int r;

	if (dir_fd < 0)
		return dir_fd;
	r = file_read_at(dir_fd, PARAMETERS_NAME, PARAMETERS_MAX, &before, &size);
	if (r < 0 && r != -ENOENT)
		return r;
	if (r == 0)
		buffer_append(&text, bytes_make(before, size));
	if (text.size > 0 && text.data[text.size - 1] != '\n')
		buffer_append_char(&text, '\n');
	buffer_append(&text, assignments);
	if (text.failed)
		return -ENOMEM;
	return file_write_at(dir_fd, PARAMETERS_NAME, buffer_bytes(&text), 0644, false);
}

/**
 * follow() - The name that the NIC of a variable has now
 *
 * Return: whether it has another one, and it is certain which.
 */
static bool follow(struct guard *guard, const struct variable *variable,
		   struct guard_nic_name *ret_name)
{
	const struct nic *nic = inventory_find_nic(&guard->manifest.inventory, variable->device);
	struct guard_entry entry = { .deed = GUARD_LEFT, .path = "/proc/cmdline" };
	const struct pci_function *was, *is;
	const struct pairing *pairing;
	int size = (int)variable->device.size;

	was = nic ? inventory_find_function(&guard->before, &nic->pci) : NULL;
	if (!was)
		return false;
	pairing = &guard->match.functions[was - guard->before.functions];
	if (pairing->fate != FATE_FOUND || guard->match.other_machine) {
		guard_say(guard, &entry, "%s names the NIC %.*s, which is not found",
			  variable->name, size, variable->device.data);
		return false;
	}
	is = &guard->now.functions[pairing->index];
	if (pci_address_equal(&was->address, &is->address))
		return false;
	entry.has_address = true;
	entry.address = is->address;
	if (is_plain(bytes_of(variable->value)) &&
	    guard_path_name(variable->device, &was->address, &is->address, ret_name) == 0)
		return true;
	guard_say(guard, &entry,
		  "%s names the NIC %.*s, which moved; what it is called now does not follow from "
		  "that",
		  variable->name, size, variable->device.data);
	return false;
}

int guard_rename_nic(struct guard *guard)
{
	static const char *const names[] = { "IP", "DEVICE" };
	_cleanup_(buffer_done) struct buffer assignments = { 0 };
	struct guard_entry entry = { .deed = GUARD_RENAMED, .path = "/proc/cmdline" };
	struct guard_nic_name new_name;
	struct variable variable;
	int r;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (!read_variable(names[i], &variable) || !follow(guard, &variable, &new_name))
			continue;
		append_assignment(&variable, new_name.text, &assignments);
		guard_say(guard, &entry, "%s names the NIC %.*s, which is %s now", variable.name,
			  (int)variable.device.size, variable.device.data, new_name.text);
	}
	if (assignments.size == 0 || assignments.failed)
		return assignments.failed ? -ENOMEM : 0;
	r = write_parameters(&guard->root, buffer_bytes(&assignments));
	entry.deed = GUARD_LEFT;
	if (r < 0)
		guard_say(guard, &entry, "the NIC's name cannot be corrected: %s", strerror(-r));
	return 0;
}
