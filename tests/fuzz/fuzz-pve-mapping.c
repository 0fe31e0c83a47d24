/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Proxmox VE's mappings of PCI devices. */
#include "pve-fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_text(&pve_mapping_source, "/etc/pve/mapping/pci.cfg",
		   bytes_make((const char *)data, size));
	return 0;
}
