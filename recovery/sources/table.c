/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "recovery/sources/bind.h"
#include "recovery/sources/interfaces.h"

const struct source *const sources[] = {
	&interfaces_source, &default_networking_source, &bind_script_source,
	&driverctl_source,  &initramfs_conf_source,     &kernel_command_line_source,
	&modprobe_source,   &udev_rules_source,         NULL,
};

bool is_bind_source(const struct source *source)
{
	return source != &interfaces_source && source != &default_networking_source &&
	       source != &initramfs_conf_source;
}
