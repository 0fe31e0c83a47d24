/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Start hooks: what libvirt and Proxmox VE run before a guest starts, so that `check-guest` can
 * refuse it.
 */
#pragma once

#include "snapshot/basic/problem.h"
#include "snapshot/basic/root.h"

/* Where libvirt's is. */
#define START_HOOK_PATH "/etc/libvirt/hooks/qemu.d/hwrecover"

/**
 * start_hook_install_libvirt() - Have libvirt ask before it starts a domain
 *
 * A daemon that runs is told, as it looks for hooks only when it is started or reloaded.
 *
 * Return: 1 if it was installed, 0 if it was there or there is no libvirt, or a negative errno with
 * @problem set: -EEXIST something else bears the name.
 */
_must_check_ int start_hook_install_libvirt(const struct root *root, struct problem *problem);

/* Return: 1 if it was removed, 0 if it was not there, or a negative errno with @problem set. */
_must_check_ int start_hook_remove_libvirt(const struct root *root, struct problem *problem);

/**
 * struct hook_guest - One of this node's guests of Proxmox VE
 * @vmid:        its number
 * @path:        its file, absolute in the tree
 * @contents:    of it
 * @is_lxc:      it is a container
 * @passthrough: it has devices of the host
 */
struct hook_guest {
	uint32_t vmid;
	const char *path;
	struct bytes contents;
	bool is_lxc;
	bool passthrough;
};

/**
 * struct hook_edits - How guests' files are changed
 * @replace: replaces the file of a guest; returns 0 or a negative errno with @problem set
 * @refuse:  told of a guest that is left as it is, and why; that is no failure
 * @data:    handed to both
 */
struct hook_edits {
	int (*replace)(void *data, const struct hook_guest *guest, struct bytes now,
		       struct problem *problem);
	void (*refuse)(void *data, const struct hook_guest *guest, const char *reason);
	void *data;
};

/**
 * start_hook_install_pve() - Have Proxmox VE ask before it starts guests with devices
 * @node:   this node's name
 * @guests: @n_guests of its guests: all it has
 *
 * The script is put into a storage of this node that may hold snippets. A script that a guest has
 * already is recorded in the state, and run by ours. A guest with a script that others than root
 * can change, or that cannot be found, is left as it is.
 *
 * Return: how many guests were changed, or a negative errno with @problem set and every other guest
 * changed; -ENOENT no storage can hold the script, and no guest was.
 */
_must_check_ int start_hook_install_pve(const struct root *root, const char *node,
					const struct hook_guest *guests, size_t n_guests,
					const struct hook_edits *edits, struct problem *problem);

/**
 * start_hook_remove_pve() - Take it back
 *
 * Each guest that has our script gets back what it had, snapshots of its among it. The script goes
 * when no guest has it.
 *
 * Return: how many guests were changed, or a negative errno with @problem set and every other guest
 * changed.
 */
_must_check_ int start_hook_remove_pve(const struct root *root, const char *node,
				       const struct hook_guest *guests, size_t n_guests,
				       const struct hook_edits *edits, struct problem *problem);
