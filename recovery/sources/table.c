/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "recovery/sources/bind.h"
#include "recovery/sources/interfaces.h"
#include "recovery/sources/libvirt.h"
#include "recovery/sources/pve.h"

const struct source *const sources[] = {
	&interfaces_source,     &default_networking_source,
	&bind_script_source,    &driverctl_source,
	&initramfs_conf_source, &kernel_command_line_source,
	&modprobe_source,       &udev_rules_source,
	&libvirt_domain_source, &libvirt_autostart_source,
	&libvirt_guests_source, &pve_qemu_source,
	&pve_lxc_source,        &pve_mapping_source,
	&pve_ha_source,         NULL,
};

bool is_bind_source(const struct source *source)
{
	return source != &interfaces_source && source != &default_networking_source &&
	       source != &initramfs_conf_source && !source->is_guest;
}
