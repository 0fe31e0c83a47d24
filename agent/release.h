/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Giving a PCI function that vfio-pci or pci-stub holds back to its own driver, as we run. */
#pragma once

#include "snapshot/basic/root.h"
#include "snapshot/pci-address.h"

/**
 * struct release - What to give back; whether it may be is decided elsewhere
 * @address:       of the function
 * @driver:        its own driver as the baseline has it; NULL: whatever is found by its modalias
 * @keep_override: an ids= entry names its model; see release_function()
 * @timeout_ms:    how long all of it may take, more than 0
 * @modprobe:      program that loads modules; NULL for the system's
 */
struct release {
	struct pci_address address;
	const char *driver;
	bool keep_override;
	unsigned int timeout_ms;
	const char *modprobe;
};

/* Names of drivers are not limited by the kernel; in practice they are short. */
#define RELEASE_DRIVER_MAX 63

/**
 * struct released - What came of it
 * @driver:        the driver the function is on now, read back
 * @override_kept: its driver_override names that driver now
 */
struct released {
	char driver[RELEASE_DRIVER_MAX + 1];
	bool override_kept;
};

/**
 * release_function() - Give a function back to its own driver
 * @root:         the live machine; tests pass a tree that behaves like its /sys
 * @ret_released: set only when 1 is returned
 *
 * Touched are only functions that vfio-pci or pci-stub holds, and such without a driver whose
 * driver_override is waiting for one of the two, or for @driver, as a release that was cut short
 * leaves it. A function of which any part is in use (device_in_use(), or its IOMMU group refuses to
 * be opened) is left as it is.
 *
 * The module of @driver is loaded if it has to be, by its name, then by the modalias. Where that
 * does not help, or @driver is NULL, modules are found and loaded by the modalias, blacklists
 * obeyed; that another driver than @driver took the function is logged as a warning. What may hang
 * in the kernel is done in a child.
 *
 * driver_override is empty afterwards, unless dynamic IDs (`ids=`, new_id) reach the function: any
 * later probe of it would give it back to vfio-pci, so the override stays at its own driver then.
 * The kernel does not show dynamic IDs. They are taken to be in play when @keep_override says so
 * and when the function was held although its override did not name the holder. An override that
 * cannot be set in the end is logged as a warning.
 *
 * A function that its driver does not take is left without a driver and override; it is not given
 * back to vfio-pci.
 *
 * Return: 1 when it was given back, 0 when there is nothing to do as neither of the two has it or
 * is to get it, or a negative errno with @problem naming the function and the step:
 *   -EBUSY      it is in use, or that cannot be told; not touched
 *   -ENODEV     there is no such function
 *   -EINVAL     @driver is no name of a driver, or is vfio-pci or pci-stub
 *   -ETIMEDOUT  time was up; how far it got is in @problem, and whether a process that hangs in the
 *               kernel was left behind. Only if it did not come to setting the override is it
 *               untouched
 *   -EIO        a step failed
 *   others      nothing could be looked at or no child started; not touched
 */
_must_check_ int release_function(const struct root *root, const struct release *release,
				  struct released *ret_released, struct problem *problem);
