/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Links that are not ready yet when the hardware is read early in a boot: drivers still probe, udev
 * has not given the final name. Such a NIC is neither gone, nor renamed, nor new.
 */
#pragma once

#include "snapshot/inventory.h"

/**
 * late_links_fill() - Take what is not ready from what was known at the last boot
 * @now:  just read
 * @last: the inventory of the last boot
 *
 * A link without its final name gets the one it had, by its permanent address; where that was never
 * seen it is left out. A NIC of the last boot whose function sits where it sat, and carries no link
 * at all, is put in. Both have @settled false: nothing is renamed to them, and nobody's name is
 * taken by them.
 *
 * Return: 0, or -ENOMEM.
 */
_must_check_ int late_links_fill(struct inventory *now, const struct inventory *last);
