/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The state of /etc/pve, where Proxmox VE keeps its configuration: a file system that may hang. */
#pragma once

#include "snapshot/basic/root.h"

/* In the order in which a boot goes through them. */
enum pve_state {
	PVE_ABSENT,      /* no /etc/pve: no host of Proxmox VE */
	PVE_NOT_MOUNTED, /* an ordinary folder, another node's, or the daemon behind it is dead */
	PVE_HANGS,       /* it does not answer in time */
	PVE_NO_QUORUM,   /* what is there may be stale, and cannot be written */
	PVE_WRITABLE,
	_PVE_STATE_MAX,
};

/* For people: "without quorum". */
const char *pve_state_to_string(enum pve_state state);

/* Enough for a machine that is busy starting; an answer takes less than a millisecond. */
#define PVE_LOOK_TIMEOUT_MS 5000

/**
 * pve_look() - Find out in which state /etc/pve is
 * @node:       this node's name: the host's up to the first dot
 * @timeout_ms: how long it may take to answer
 *
 * In a tree, /etc/pve is a plain copy: PVE_WRITABLE, or PVE_ABSENT. On the live machine everything
 * that could hang is done in a child; where nothing is mounted there is none.
 *
 * Return: 0, or a negative errno when that could not be found out.
 */
_must_check_ int pve_look(const struct root *root, const char *node, unsigned int timeout_ms,
			  enum pve_state *ret_state);

struct utsname;

/* This node's name: that of uname(2), up to the first dot, which is cut off. */
const char *pve_node(struct utsname *names);

/**
 * pve_wait_for_quorum() - Wait until /etc/pve can be written, as long as it takes
 * @node: as in pve_look()
 *
 * The service manager is told what is waited for, and that it takes longer; the log is told once.
 * It goes on when /etc/pve is not mounted (any more) or hangs. SIGTERM and SIGINT end it.
 *
 * Return: 1 when it had to be waited, 0 when not, or a negative errno: -ECANCELED when it was told
 * to end, -ENOENT when there is no /etc/pve.
 */
_must_check_ int pve_wait_for_quorum(const struct root *root, const char *node);
