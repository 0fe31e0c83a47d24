/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Containers of Proxmox VE, pct.conf(5). */
#include "pve-fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_text(&pve_lxc_source, "/etc/pve/nodes/pve1/lxc/105.conf",
		   bytes_make((const char *)data, size));
	return 0;
}
