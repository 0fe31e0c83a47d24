/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "snapshot/basic/array.h"

#include <errno.h>
#include <string.h>

int array_reserve(void *items, size_t n_items, size_t *allocated, size_t item_size)
{
	size_t wanted;
	void *old, *grown;

	if (n_items < *allocated)
		return 0;

	/* Through memcpy(), as an object pointer of unknown type is read here. */
	memcpy(&old, items, sizeof(old));
	wanted = *allocated ? *allocated * 2 : 8;
	grown = reallocarray(old, wanted, item_size);
	if (!grown)
		return -ENOMEM;
	memcpy(items, &grown, sizeof(grown));
	*allocated = wanted;
	return 0;
}
