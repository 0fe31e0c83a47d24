/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Proxmox VE's list of highly available guests. */
#include "pve-fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_text(&pve_ha_source, "/etc/pve/ha/resources.cfg",
		   bytes_make((const char *)data, size));
	return 0;
}
