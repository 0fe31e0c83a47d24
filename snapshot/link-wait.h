/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Waiting for NICs that drivers and udev have not brought up yet. */
#pragma once

#include "snapshot/basic/root.h"
#include "snapshot/inventory.h"

/**
 * struct link_wait - What to wait for, and what came of it
 * @macs:      permanent addresses, lower case, @n_macs of them
 * @limit_ms:  longest time to wait; 0 looks once
 * @n_missing: how many of them are not there, or not under their final name
 * @waited_ms: how long it took
 * @why_not:   why it was not waited although some are missing, in words; NULL otherwise
 */
struct link_wait {
	const char *const *macs;
	size_t n_macs;
	unsigned int limit_ms;
	size_t n_missing;
	unsigned int waited_ms;
	const char *why_not;
};

/**
 * link_wait() - Look for NICs until all are there under their final names, or the limit is over
 * @inventory: empty; holds the NICs (and nothing else) of the last look, unfinished as link_scan()
 *             leaves them
 *
 * When all are there at the first look nothing is waited for and nothing set up to. It is waited
 * only on the live machine, and only while udev runs: nobody else gives a link its final name, so
 * without it what is there is final.
 *
 * Return: 0, also when some are missing, or a negative errno with @problem set and the inventory
 * empty.
 */
_must_check_ int link_wait(const struct root *root, struct link_wait *wait,
			   struct inventory *inventory, struct problem *problem);

/* Whether a NIC with this permanent address is there and under its final name. */
_pure_ bool link_is_settled(const struct inventory *inventory, const char *mac);
