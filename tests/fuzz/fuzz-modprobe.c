/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* modprobe.d(5). */
#include "bind-fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_text(&modprobe_source, "/etc/modprobe.d/vfio.conf",
		   bytes_make((const char *)data, size));
	return 0;
}
