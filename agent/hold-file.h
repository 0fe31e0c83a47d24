/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * While one of these files exists, what starts guests by itself is not started: the drop-ins of
 * systemd/drop-ins say so. They are in /run, so that no boot begins with one.
 */
#pragma once

#include "snapshot/basic/problem.h"
#include "snapshot/basic/root.h"

enum hold_kind {
	HOLD_PVE,     /* Proxmox VE's guests: /run/hwrecover/hold-guests */
	HOLD_LIBVIRT, /* libvirt's: /run/hwrecover/hold-libvirt-guests */
	_HOLD_KIND_MAX,
};

/* The path in the tree. */
const char *hold_file_path(enum hold_kind kind);

/**
 * hold_file_write() - Keep guests from starting by themselves
 * @guests: @n_guests ids of those it is for, one a line for people; there may be none, which holds
 *          all the same
 *
 * One that exists is replaced.
 *
 * Return: 0, or a negative errno with @problem set.
 */
_must_check_ int hold_file_write(const struct root *root, enum hold_kind kind,
				 const char *const *guests, size_t n_guests,
				 struct problem *problem);

/* Whether guests are held; also when that cannot be told for another reason than its absence. */
bool hold_file_exists(const struct root *root, enum hold_kind kind);

/* Return: 1 if it was removed, 0 if there was none, or a negative errno with @problem set. */
_must_check_ int hold_file_remove(const struct root *root, enum hold_kind kind,
				  struct problem *problem);

/**
 * hold_start_held_back() - Start the units that were not started because of a hold file
 *
 * To be called when the files are gone. Of the units with our drop-in, those are started that are
 * enabled and that were skipped; nothing is waited for. Nothing is done in a tree.
 *
 * Return: how many are being started, or a negative errno with @problem set.
 */
_must_check_ int hold_start_held_back(const struct root *root, struct problem *problem);

/**
 * hold_release() - Remove both files and start what was held back
 *
 * Return: as hold_start_held_back(); when a file could not be removed, nothing is started.
 */
_must_check_ int hold_release(const struct root *root, struct problem *problem);
