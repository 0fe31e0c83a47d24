/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rules of udev(7). */
#include "bind-fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_text(&udev_rules_source, "/etc/udev/rules.d/10-vfio.rules",
		   bytes_make((const char *)data, size));
	return 0;
}
