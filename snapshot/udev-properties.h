/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Names of hardware for people, from udev's hardware database, or from the pci.ids it is made of
 * where there is none. Nothing is decided by them.
 */
#pragma once

#include "snapshot/inventory.h"

/**
 * struct udev_properties - The database, opened when the first name is asked for
 *
 * Zero-initialised is not opened. @ids is the text of pci.ids, read only where there is no @hwdb.
 */
struct udev_properties {
	struct udev *udev;
	struct udev_hwdb *hwdb;
	char *ids;
	size_t ids_size;
	bool opened;
};

void udev_properties_done(struct udev_properties *properties);

/**
 * struct udev_names - What people call a function
 * @vendor, @model: "Realtek Semiconductor Co., Ltd.", "RTL8111/8168/8411 PCI Express …"; NULL where
 *                  the database, or the machine, has none
 */
struct udev_names {
	const char *vendor;
	const char *model;
};

/**
 * udev_properties_name() - Look up the names of a PCI function
 * @arena: the names are copied into it
 *
 * The database is this machine's, whatever tree the function comes from: ids mean the same
 * everywhere.
 *
 * Return: 0, also when there is no name, or -ENOMEM.
 */
_must_check_ int udev_properties_name(struct udev_properties *properties,
				      const struct pci_function *function, struct arena *arena,
				      struct udev_names *ret_names);
