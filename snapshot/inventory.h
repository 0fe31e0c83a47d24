/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The hardware of one moment: PCI functions and the network links that stand on devices. Read from
 * the live machine, from a copy of its /sys, or from a file; see pci-scan.h, link-scan.h and
 * inventory-json.h.
 */
#pragma once

#include "snapshot/basic/arena.h"
#include "snapshot/basic/problem.h"
#include "snapshot/pci-address.h"

#define UNKNOWN (-1)

/**
 * struct pci_function - One PCI function
 * @address:          where it sits
 * @path:             the address with bus numbers taken out: host bridge, then device.function of
 *                    each hop, "pci0000:00/02.1/00.0/08.0/00.0"; NULL if unknown
 * @vendor, @device:  ids; both 0xffff for a function that is there but cannot be read
 * @subsystem_vendor, @subsystem_device: ids or UNKNOWN
 * @class:            24 bits: base class, subclass, programming interface
 * @revision:         or UNKNOWN
 * @serial:           PCIe Device Serial Number, lower case "xx-xx-xx-xx-xx-xx-xx-xx"; or NULL
 * @slot:             what firmware calls the slot the card is in; or NULL
 * @firmware_path:    ACPI or device-tree path of the port above; or NULL
 * @driver:           bound driver; NULL if none or unknown
 * @iommu_group:      number, or UNKNOWN when there is none
 * @boot_vga:         1 for the display firmware used, 0 for another display, UNKNOWN otherwise
 * @has_physfn:       whether this is a virtual function
 * @physfn:           its physical function
 * @protected:        why the host itself needs it ("root file system, swap"); NULL if it does not,
 * or if that is not known. See protected.h
 */
struct pci_function {
	struct pci_address address;
	const char *path;
	uint16_t vendor;
	uint16_t device;
	int32_t subsystem_vendor;
	int32_t subsystem_device;
	uint32_t class;
	int revision;
	const char *serial;
	const char *slot;
	const char *firmware_path;
	const char *driver;
	int iommu_group;
	int boot_vga;
	bool has_physfn;
	struct pci_address physfn;
	const char *protected;
};

/* Whether it is a bridge: VFIO leaves those of an IOMMU group to the host. */
static inline bool pci_function_is_bridge(const struct pci_function *function)
{
	return function->class >> 8 == 0x0604 || function->class >> 8 == 0x0609;
}

/**
 * struct nic - One network link that stands on a device
 * @name:       kernel name, 1 to 15 bytes
 * @altnames:   alternative names, @n_altnames of them, sorted
 * @mac:        *permanent* address, lower case with colons; NULL if unknown
 * @has_pci:    whether it stands on a PCI function, at whatever distance (virtio, USB excluded)
 * @pci:        that function
 * @port:       its number on the function; UNKNOWN if not known
 * @driver:     or NULL
 * @settled:    whether udev has given it its final name; always true in a file
 */
struct nic {
	const char *name;
	const char **altnames;
	size_t n_altnames;
	const char *mac;
	bool has_pci;
	struct pci_address pci;
	int port;
	const char *driver;
	bool settled;
};

/**
 * struct inventory - The hardware of one moment
 * @arena:     owns every string
 * @host, @machine, @boot_id, @taken_at, @kernel: node name, DMI product UUID, kernel boot id,
 *             RFC 3339 time in UTC, kernel release; each may be NULL
 * @functions: sorted by address, no two alike
 * @nics:      sorted by name, no two alike
 */
struct inventory {
	struct arena arena;
	const char *host;
	const char *machine;
	const char *boot_id;
	const char *taken_at;
	const char *kernel;
	struct pci_function *functions;
	size_t n_functions;
	size_t functions_allocated;
	struct nic *nics;
	size_t n_nics;
	size_t nics_allocated;
};

void inventory_done(struct inventory *inventory);

/**
 * inventory_add_function(), inventory_add_nic() - Add one, zeroed, unknowns marked as such
 *
 * In any order; inventory_finish() sorts. The returned object's strings are to be copied into the
 * inventory's arena by the caller. It moves with the next addition.
 *
 * Return: the new object, or NULL when there is no memory.
 */
_must_check_ struct pci_function *inventory_add_function(struct inventory *inventory);
_must_check_ struct nic *inventory_add_nic(struct inventory *inventory);

/**
 * inventory_finish() - Sort what was added and check it
 * @file: named in problems
 *
 * Return: 0, or -EEXIST with @problem set for a duplicate address or name.
 */
_must_check_ int inventory_finish(struct inventory *inventory, const char *file,
				  struct problem *problem);

/* Whether a driver holds functions for guests: vfio-pci, pci-stub. NULL is none. */
_pure_ bool is_passthrough_driver(const char *driver);

/* By address or by name, or NULL. Altnames are looked up after names. */
_pure_ const struct pci_function *inventory_find_function(const struct inventory *inventory,
							  const struct pci_address *address);
_pure_ const struct nic *inventory_find_nic(const struct inventory *inventory, struct bytes name);
_pure_ const struct nic *inventory_find_nic_or_altname(const struct inventory *inventory,
						       struct bytes name);

/* The function a NIC stands on, or NULL. */
_pure_ const struct pci_function *inventory_function_of(const struct inventory *inventory,
							const struct nic *nic);

/* Functions and NICs without virtual functions and their NICs: contract's "counts". */
void inventory_count(const struct inventory *inventory, size_t *ret_functions, size_t *ret_nics);

/**
 * inventory_vf_index() - Which of its physical function's virtual functions this is
 *
 * Virtual functions are numbered from 0 in address order, which is how SR-IOV places them
 * (first offset and stride, PCIe 9.3.3).
 *
 * Return: the index, or UNKNOWN for a function that is not virtual.
 */
_pure_ int inventory_vf_index(const struct inventory *inventory,
			      const struct pci_function *function);

/**
 * inventory_same_hardware() - Whether two inventories describe the same hardware in the same place
 *
 * Compares what identifies and places functions and NICs (not drivers, times, kernel, boot id or
 * host, not virtual functions), the machine, and which functions share an IOMMU group. A value
 * known on one side only is no difference.
 */
_pure_ bool inventory_same_hardware(const struct inventory *a, const struct inventory *b);

/* The same for one function (but for its group) and for one NIC (but for altnames). */
_pure_ bool pci_function_same(const struct pci_function *a, const struct pci_function *b);
_pure_ bool nic_same(const struct nic *a, const struct nic *b);

/**
 * octets_normalise() - Read bytes written as two hexadecimal digits each, in lower case
 * @separator: stands between them
 * @out:       3 characters a byte, the NUL in place of the last separator
 *
 * Return: how many bytes, or -EINVAL (nothing else is in @text, and it fits).
 */
_must_check_ int octets_normalise(struct bytes text, char separator, char *out, size_t out_size);

/* Room for a hardware address (InfiniBand's has 20 bytes) and for a serial number. */
#define MAC_TEXT_MAX    (20 * 3)
#define SERIAL_TEXT_MAX (8 * 3)

/* Whether a hardware address may have so many bytes: Ethernet, FireWire, InfiniBand. */
static inline bool mac_size_is_valid(int n_bytes)
{
	return n_bytes == 6 || n_bytes == 8 || n_bytes == 20;
}

/* Whether an alternative name may be used; as nic_name_is_valid(), up to 127 bytes. */
_pure_ bool nic_altname_is_valid(struct bytes name);
#define NIC_ALTNAME_MAX 127

/* Whether a NIC name may be used: 1 to 15 bytes, no '/', ':', blank, control byte, not "." or ".."
 * (dev_valid_name() of the kernel). */
_pure_ bool nic_name_is_valid(struct bytes name);
#define NIC_NAME_MAX 15
