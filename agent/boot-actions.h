/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the network stage does to and asks of the running system. */
#pragma once

#include "agent/survey.h"

/**
 * boot_extend_time_limit() - Tell systemd how long the network stage may take
 *
 * The unit's own limit is the default NicTimeoutSec and BOOT_WORK_SEC; a longer NicTimeoutSec is
 * asked for (sd_notify(3), EXTEND_TIMEOUT_USEC), so that a hang costs no more than it has to.
 */
void boot_extend_time_limit(const struct context *context);

/* What the stage may take besides waiting. */
#define BOOT_WORK_SEC 60

/**
 * boot_wait_for_nics() - Wait until the NICs that matter are there
 * @survey: begun: what mentions mean, and what was there at the last boot
 * @inventory: the hardware; read again if it had to be waited
 *
 * Waited for are only NICs that mentions mean and that were there when the last boot was dealt
 * with, by their permanent address, until each has its final name or NicTimeoutSec is over. With
 * all there, or in a tree, there is no wait.
 *
 * Return: 0, also when the wait was given up, or a negative errno with @problem set.
 */
_must_check_ int boot_wait_for_nics(const struct context *context, const struct survey *survey,
				    struct inventory *inventory, struct problem *problem);

/* Say in the journal what the guard did before anybody could write there. */
void boot_tell_guard(const struct context *context);

/**
 * boot_was_taken() - Whether some function may have been taken for a guest by mistake
 * @survey: begun
 *
 * Only whether it is worth to look: each function with a driver for guests is in its place, and was
 * with one at the last boot, or this says yes.
 */
_pure_ bool boot_was_taken(const struct survey *survey, const struct inventory *now);

/**
 * boot_release() - Carry out a plan's releases
 *
 * Return: how many functions were given back; what fails is said.
 */
unsigned int boot_release(const struct context *context, const struct survey *survey);

/**
 * boot_run_actions() - Carry out a plan's actions once its files are in place
 *
 * On the live machine only. What fails is said; the boot goes on.
 */
void boot_run_actions(const struct context *context, const struct plan *plan);
