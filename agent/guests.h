/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Around a commit that edits guests: Proxmox's locks, libvirt's daemon, and the hold files. */
#pragma once

#include "agent/hold-file.h"
#include "agent/pve-lock.h"
#include "agent/survey.h"

/**
 * guests_lock() - Take the locks of the files below /etc/pve that a plan edits
 * @survey: planned; a file whose lock cannot be had is left, and the plan is made anew without it
 * @ret_locks: to be released with pve_locks_release() after the commit
 *
 * Return: 0, or a negative errno with @problem set.
 */
_must_check_ int guests_lock(const struct context *context, struct survey *survey,
			     struct pve_locks *ret_locks, struct problem *problem);

/**
 * guests_tell() - Do to the running system what goes with a commit
 *
 * A daemon of libvirt that runs is told what its files hold now; its start hook is installed if
 * that is what holds a guest. What fails is said.
 */
void guests_tell(const struct context *context, const struct survey *survey);

/*
 * Whether some guest that is to be off is not, as a file is about to be edited, or is another
 * stage's, or cannot be.
 */
bool guests_are_open(const struct survey *survey, enum hold_kind kind);

/**
 * guests_hold_back() - Keep what starts guests by itself from doing so, as long as there is danger
 *
 * Danger is a guest that is to be kept from starting while the files do not say so yet. What fails
 * is said; everything else is more than ever to be done.
 */
void guests_hold_back(const struct context *context, const struct survey *survey);

/* There is no danger any more from guests of a kind. What fails is said. */
void guests_let_go(const struct context *context, enum hold_kind kind);

/**
 * guests_find() - The guest that a person names
 * @name: "pve/qemu/101", or its last part where that is unique: "101", "win10"
 * @ret_verdict: on it
 *
 * Return: 0, -ENOENT or -ENOTUNIQ with @problem set.
 */
_must_check_ int guests_find(const struct survey *survey, const char *name,
			     const struct guest_verdict **ret_verdict, struct problem *problem);
