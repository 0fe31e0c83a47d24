/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The guard's manifest in the state directory: what the next boot image will be told. */
#pragma once

#include "agent/context.h"

/**
 * manifest_file_update() - Write the manifest that follows from the newest snapshot
 *
 * To be called after each commit, with the lock held. Where it says what it said before, nothing is
 * written. A failure is said and is none of the caller's: the image then knows what it knew.
 */
void manifest_file_update(struct context *context);
