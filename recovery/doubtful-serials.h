/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Serial numbers that have to be read before anything can be matched. */
#pragma once

#include "recovery/meanings.h"
#include "snapshot/basic/root.h"

/**
 * doubtful_serials_read() - Read the serial numbers that can decide something
 * @root:     whose /sys has the config space
 * @before:   what meanings were last resolved against
 * @now:      scanned; the numbers are put into it
 *
 * Each costs a walk through config space and may wake a sleeping device, so they are not read at
 * every boot. Where the hardware differs they decide which of several cards is which: they are
 * read of every function whose model was known to have one. Where it does not, two cards of a model
 * may have changed places with nothing else to show it: then they are read of models that mentions
 * mean and that occur more than once, and of NICs that mentions mean and that have no MAC.
 *
 * Return: 0, or -ENOMEM.
 */
_must_check_ int doubtful_serials_read(const struct root *root, const struct inventory *before,
				       const struct meanings *meanings, struct inventory *now);
