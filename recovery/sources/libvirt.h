/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What libvirt's QEMU driver keeps in /etc/libvirt/qemu: domains (a guest each), which of them are
 * started with the daemon, and what libvirt-guests starts as it ran at shutdown.
 */
#pragma once

#include "recovery/guest.h"
#include "recovery/source.h"

#define LIBVIRT_DOMAINS   "/etc/libvirt/qemu"
#define LIBVIRT_AUTOSTART LIBVIRT_DOMAINS "/autostart"
#define LIBVIRT_RUNNING   "/var/lib/libvirt/libvirt-guests"

struct libvirt_uuid {
	char text[37];
};

/**
 * libvirt_uuid_parse() - Read a UUID as libvirt does: '-' and blanks may stand between its pairs of
 * digits, or not
 *
 * Return: 0 with the usual spelling in lower case, or -EINVAL.
 */
_must_check_ int libvirt_uuid_parse(struct bytes text, struct libvirt_uuid *ret_uuid);

/* /etc/libvirt/qemu/NAME.xml, https://libvirt.org/formatdomain.html */
extern const struct source libvirt_domain_source;
/* /etc/libvirt/qemu/autostart/NAME.xml: symbolic links; each is a switch by its being there. */
extern const struct source libvirt_autostart_source;
/* /var/lib/libvirt/libvirt-guests: UUIDs of the domains that ran; switches of kind SWITCH_ONCE. */
extern const struct source libvirt_guests_source;
