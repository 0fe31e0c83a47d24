/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "snapshot/pci-address.h"

#include <errno.h>
#include <stdio.h>

#include "snapshot/basic/number.h"

int pci_address_parse(struct bytes text, struct pci_address *ret_address)
{
	/* ":BB:DD.F" */
	const size_t tail = 8;
	uint64_t domain, bus, device, function;
	size_t at;

	if (text.size < 4 + tail || text.size > 8 + tail)
		return -EINVAL;
	at = text.size - tail;
	if (text.data[at] != ':' || text.data[at + 3] != ':' || text.data[at + 6] != '.')
		return -EINVAL;
	if (number_parse(bytes_slice(text, 0, at), 16, UINT32_MAX, &domain) < 0 ||
	    number_parse(bytes_slice(text, at + 1, 2), 16, 0xff, &bus) < 0 ||
	    number_parse(bytes_slice(text, at + 4, 2), 16, 0x1f, &device) < 0 ||
	    number_parse(bytes_slice(text, at + 7, 1), 16, 7, &function) < 0)
		return -EINVAL;

	*ret_address = (struct pci_address){
		.domain = (uint32_t)domain,
		.bus = (uint8_t)bus,
		.device = (uint8_t)device,
		.function = (uint8_t)function,
	};
	return 0;
}

const char *pci_address_show(const struct pci_address *address, struct pci_address_name *name)
{
	(void)snprintf(name->text, sizeof(name->text), "%04x:%02x:%02x.%x", address->domain,
		       address->bus, address->device & 0x1fU, address->function & 7U);
	return name->text;
}

int pci_address_compare(const struct pci_address *a, const struct pci_address *b)
{
	if (a->domain != b->domain)
		return a->domain < b->domain ? -1 : 1;
	if (a->bus != b->bus)
		return a->bus < b->bus ? -1 : 1;
	if (a->device != b->device)
		return a->device < b->device ? -1 : 1;
	return (a->function > b->function) - (a->function < b->function);
}

bool pci_address_same_device(const struct pci_address *a, const struct pci_address *b)
{
	return a->domain == b->domain && a->bus == b->bus && a->device == b->device;
}
