/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Growing arrays: `type *items; size_t n_items, n_allocated;`. */
#pragma once

#include "snapshot/basic/macro.h"

/**
 * array_reserve() - Make room for one more item
 * @items:     address of the array's pointer
 * @n_items:   how many it holds
 * @allocated: address of how many it has room for
 * @item_size: size of one
 *
 * Return: 0 with room for at least one item more, or -ENOMEM with the array as it was.
 */
_must_check_ int array_reserve(void *items, size_t n_items, size_t *allocated, size_t item_size);

/* Same, with the item's size taken from the array. */
#define ARRAY_RESERVE(items, n_items, allocated) \
	array_reserve(&(items), (n_items), &(allocated), sizeof(*(items)))
