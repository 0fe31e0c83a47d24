/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kernel command line, plain, in grub's file, and what the initramfs is told besides. */
#include "bind-fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes text = bytes_make((const char *)data, size);

	check_text(&kernel_command_line_source, "/etc/kernel/cmdline", text);
	check_text(&kernel_command_line_source, "/etc/default/grub", text);
	check_text(&initramfs_conf_source, "/etc/initramfs-tools/initramfs.conf", text);
	return 0;
}
