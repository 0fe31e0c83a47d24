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
 * boot_wait_for_nics() - Read the hardware once the NICs that matter are there
 * @survey: begun: what mentions mean, and what was there at the last boot
 *
 * Waited for are only NICs that mentions mean and that were there when the last boot was dealt
 * with, by their permanent address, until each has its final name or NicTimeoutSec is over. With
 * all there, or in a tree, there is no wait.
 *
 * Return: 0, also when the wait was given up, or a negative errno with @problem set.
 */
_must_check_ int boot_wait_for_nics(const struct context *context, const struct survey *survey,
				    struct inventory *ret_inventory, struct problem *problem);

/**
 * boot_run_actions() - Carry out a plan's actions
 *
 * On the live machine only. What fails is said; the boot goes on.
 */
void boot_run_actions(const struct context *context, const struct plan *plan);
