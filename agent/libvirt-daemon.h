/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libvirt's daemon, once it has read its files: it is told of changes, not edited around. */
#pragma once

#include "snapshot/basic/problem.h"
#include "snapshot/basic/root.h"

/**
 * libvirt_is_running() - Whether a daemon has read the domains of the system
 *
 * libvirtd or virtqemud, whichever has the QEMU driver. A socket that systemd listens on for it
 * does not count: a daemon that starts later reads the files as they are then. Never so in a tree.
 */
bool libvirt_is_running(const struct root *root);

/**
 * libvirt_tell_reload() - Have the daemon notice a hook, which it looks for when it is started
 *
 * Return: 1 if it was told, 0 if there is none, or a negative errno with @problem set.
 */
_must_check_ int libvirt_tell_reload(const struct root *root, struct problem *problem);

/**
 * libvirt_tell_define() - Have the daemon take over a domain's definition
 * @path: file with the XML, absolute, on this machine
 *
 * The daemon writes it to /etc/libvirt/qemu itself, in its own format.
 *
 * Return: 0, or a negative errno with @problem set.
 */
_must_check_ int libvirt_tell_define(const char *path, struct problem *problem);

/* Have the daemon turn a domain's autostart on or off. Return: as above. */
_must_check_ int libvirt_tell_autostart(const char *name, bool on, struct problem *problem);
