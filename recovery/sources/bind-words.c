/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "recovery/sources/bind-words.h"

#define DRIVER_TEXT_MAX 64

bool bind_driver_is_for_guests(struct bytes driver)
{
	static const char *const drivers[] = {
		"vfio-pci", "pci-stub", "uio-pci-generic", "igb-uio", "xen-pciback", "pciback",
	};
	static const char variant[] = "-vfio-pci";
	char folded[DRIVER_TEXT_MAX];

	if (driver.size >= sizeof(folded))
		return false;
	for (size_t i = 0; i < driver.size; i++)
		folded[i] = driver.data[i] == '_' ? '-' : driver.data[i];
	folded[driver.size] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(drivers); i++)
		if (strcmp(folded, drivers[i]) == 0)
			return true;
	return driver.size > strlen(variant) &&
	       strcmp(folded + driver.size - strlen(variant), variant) == 0;
}

bool bind_command_binds(struct bytes command)
{
	/* "bind" is in "unbind" too. */
	static const char *const words[] = {
		"vfio", "driverctl", "driver_override", "bind", "pci-stub", "pci_stub", "pciback",
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (bytes_find(command, words[i]))
			return true;
	return false;
}

const char *bind_command_driver(struct bytes command)
{
	return bytes_find(command, "pci-stub") || bytes_find(command, "pci_stub") ? "pci-stub"
										  : "vfio-pci";
}
