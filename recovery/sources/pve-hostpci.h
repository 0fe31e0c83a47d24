/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The value of a hostpciN of qm.conf(5): "0000:05:00.0,pcie=1". */
#pragma once

#include "snapshot/basic/bytes.h"

/* What Proxmox VE makes of a value. */
enum hostpci_state {
	HOSTPCI_DROPPED, /* it warns, and it is as if the line were not there */
	HOSTPCI_FATAL,   /* the line counts, and no start of the guest gets past it */
	HOSTPCI_DEVICE,
};

/* The options; each may stand there once. */
enum hostpci_option {
	OPTION_HOST,
	OPTION_MAPPING,
	OPTION_MDEV,
	OPTION_ROMBAR,
	OPTION_PCIE,
	OPTION_X_VGA,
	OPTION_LEGACY_IGD,
	OPTION_ROMFILE,
	OPTION_VENDOR_ID,
	OPTION_DEVICE_ID,
	OPTION_SUB_VENDOR_ID,
	OPTION_SUB_DEVICE_ID,
	OPTION_DRIVER,
	_HOSTPCI_OPTION_MAX,
};

/**
 * struct hostpci - A value taken apart
 * @part:    the option that names the device, whole: "05:00.0", "host=05:00.0", "mapping=gpu"
 * @values:  of each option; empty where it is not set
 * @unknown: the name of an option that is not known here; empty if there is none
 * @cause:   why it is HOSTPCI_FATAL, else NULL
 *
 * All of it borrows from the value. Of a device either the host's or the mapping's value is set.
 */
struct hostpci {
	struct bytes part;
	struct bytes values[_HOSTPCI_OPTION_MAX];
	struct bytes unknown;
	const char *cause;
};

/**
 * hostpci_parse() - Read a value as parse_property_string() and parse_hostpci() of Proxmox VE do
 *
 * An option or a driver that is not known here may be one of a later version, to which the value
 * names a device: it is taken for one.
 */
enum hostpci_state hostpci_parse(struct bytes value, struct hostpci *ret_hostpci);
