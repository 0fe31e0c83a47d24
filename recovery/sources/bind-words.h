/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* By what words configuration that is code shows that it hands devices to guests. */
#pragma once

#include "snapshot/basic/bytes.h"

/* Whether a driver is one that devices are bound to for guests, not for the host: vfio-pci and its
 * variants ("mlx5-vfio-pci"), pci-stub, uio, xen-pciback. */
_pure_ bool bind_driver_is_for_guests(struct bytes driver);

/* Whether a command may bind a device to such a driver. */
_pure_ bool bind_command_binds(struct bytes command);

/* The driver that a command that binds names, a constant string. */
const char *bind_command_driver(struct bytes command);
