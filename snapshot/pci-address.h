/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where a PCI function sits: domain, bus, device and function number. */
#pragma once

#include "snapshot/basic/bytes.h"

/**
 * struct pci_address - One function's address
 * @domain:   PCI segment; wider than 16 bits behind a VMD controller (10000:e1:00.0)
 * @bus:      bus number, the part that changes when cards come and go
 * @device:   0 to 0x1f
 * @function: 0 to 7
 */
struct pci_address {
	uint32_t domain;
	uint8_t bus;
	uint8_t device;
	uint8_t function;
};

/* Longest text and its NUL: "ffffffff:ff:1f.7". */
#define PCI_ADDRESS_TEXT 17

struct pci_address_name {
	char text[PCI_ADDRESS_TEXT];
};

/**
 * pci_address_parse() - Read DDDD[DDDD]:BB:DD.F
 *
 * The full form only, hexadecimal in either case: the domain has 4 to 8 digits.
 *
 * Return: 0, or -EINVAL with *@ret_address as it was.
 */
_must_check_ int pci_address_parse(struct bytes text, struct pci_address *ret_address);

/* The text in lower case, domain with at least four digits; kept in *@name. */
const char *pci_address_show(const struct pci_address *address, struct pci_address_name *name);

/* Order by domain, bus, device, function. */
_pure_ int pci_address_compare(const struct pci_address *a, const struct pci_address *b);

static inline bool pci_address_equal(const struct pci_address *a, const struct pci_address *b)
{
	return pci_address_compare(a, b) == 0;
}

/* Whether two functions stand on one device: all but the function number agrees. */
_pure_ bool pci_address_same_device(const struct pci_address *a, const struct pci_address *b);
