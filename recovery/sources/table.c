/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "recovery/sources/interfaces.h"

const struct source *const sources[] = {
	&interfaces_source,
	&default_networking_source,
	NULL,
};
