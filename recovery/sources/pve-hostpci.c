/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "recovery/sources/pve-hostpci.h"

#include <errno.h>

#include "recovery/sources/pve.h"
#include "snapshot/basic/number.h"

static bool is_any(struct bytes value)
{
	(void)value;
	return true;
}

static bool is_boolean(struct bytes value)
{
	return pve_parse_boolean(value) >= 0;
}

static bool is_without(struct bytes value, const char *characters)
{
	for (size_t i = 0; i < value.size; i++)
		if (value.data[i] && strchr(characters, value.data[i]))
			return false;
	return true;
}

static bool is_file_name(struct bytes value)
{
	return is_without(value, ";");
}

static bool is_mdev_type(struct bytes value)
{
	return is_without(value, "/.:");
}

static bool is_hex_id(struct bytes value)
{
	uint64_t number;

	return value.size == strlen("0x1234") && bytes_start_with(value, bytes_of("0x")) &&
	       number_parse(bytes_slice(value, 2, 4), 16, UINT16_MAX, &number) == 0;
}

static bool is_address_list(struct bytes value)
{
	struct address_token token;
	size_t at = 0;
	int r;

	do
		r = pve_next_address(value, &at, &token);
	while (r > 0 || r == -ERANGE);
	return r == 0;
}

/* What each option accepts: $hostpci_fmt of qemu-server. */
static const struct {
	const char *name;
	bool (*accepts)(struct bytes value);
} options[_HOSTPCI_OPTION_MAX] = {
	[OPTION_HOST] = { "host", is_address_list },
	[OPTION_MAPPING] = { "mapping", pve_is_config_id },
	[OPTION_MDEV] = { "mdev", is_mdev_type },
	[OPTION_ROMBAR] = { "rombar", is_boolean },
	[OPTION_PCIE] = { "pcie", is_boolean },
	[OPTION_X_VGA] = { "x-vga", is_boolean },
	[OPTION_LEGACY_IGD] = { "legacy-igd", is_boolean },
	[OPTION_ROMFILE] = { "romfile", is_file_name },
	[OPTION_VENDOR_ID] = { "vendor-id", is_hex_id },
	[OPTION_DEVICE_ID] = { "device-id", is_hex_id },
	[OPTION_SUB_VENDOR_ID] = { "sub-vendor-id", is_hex_id },
	[OPTION_SUB_DEVICE_ID] = { "sub-device-id", is_hex_id },
	[OPTION_DRIVER] = { "driver", is_any },
};

/* Return: false when Proxmox rejects it, and with it the whole value. */
static bool take_option(struct hostpci *hostpci, struct bytes part, struct bytes name,
			struct bytes value)
{
	size_t i = 0;

	while (i < _HOSTPCI_OPTION_MAX && !bytes_equal_text(name, options[i].name))
		i++;
	if (i == _HOSTPCI_OPTION_MAX) {
		hostpci->unknown = name;
		return true;
	}
	if (hostpci->values[i].size > 0 || !options[i].accepts(value))
		return false;
	hostpci->values[i] = value;
	if (i == OPTION_HOST || i == OPTION_MAPPING)
		hostpci->part = part;
	return true;
}

/* "KEY=VALUE", or a value alone, which is the host's. */
static bool take_part(struct hostpci *hostpci, struct bytes part)
{
	const char *equals = memchr(part.data, '=', part.size);
	size_t size;

	if (!equals)
		return take_option(hostpci, part, bytes_of(options[OPTION_HOST].name), part);
	size = (size_t)(equals - part.data);
	if (size == 0 || size + 1 == part.size)
		return false;
	return take_option(hostpci, part, bytes_slice(part, 0, size),
			   bytes_slice(part, size + 1, part.size - size - 1));
}

static const char *find_fatal(const struct hostpci *hostpci)
{
	struct bytes host = hostpci->values[OPTION_HOST];
	struct address_token token;
	size_t at = 0, n = 0;
	int r;

	if (hostpci->values[OPTION_MAPPING].size > 0)
		return host.size > 0 ? "both a device of the host and a mapping" : NULL;
	if (host.size == 0)
		return "neither a device of the host nor a mapping";
	while ((r = pve_next_address(host, &at, &token)) > 0)
		n++;
	if (r < 0)
		return "an address that no device can have";
	if (n > 1 && hostpci->values[OPTION_MDEV].size > 0)
		return "several devices to take a mediated one of";
	return NULL;
}

enum hostpci_state hostpci_parse(struct bytes value, struct hostpci *ret_hostpci)
{
	size_t end;

	*ret_hostpci = (struct hostpci){ 0 };
	for (size_t start = 0; start < value.size; start = end + 1) {
		const char *comma = memchr(value.data + start, ',', value.size - start);
		struct bytes part;

		end = comma ? (size_t)(comma - value.data) : value.size;
		part = bytes_slice(value, start, end - start);
		if (!pve_is_blank(part) && !take_part(ret_hostpci, part))
			return HOSTPCI_DROPPED;
	}
	ret_hostpci->cause = find_fatal(ret_hostpci);
	return ret_hostpci->cause ? HOSTPCI_FATAL : HOSTPCI_DEVICE;
}
