/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "snapshot/basic/number.h"

#include <errno.h>

int number_parse(struct bytes text, unsigned int base, uint64_t max, uint64_t *ret_value)
{
	uint64_t value = 0;
	bool in_range = true;

	if (text.size == 0)
		return -EINVAL;
	for (size_t i = 0; i < text.size; i++) {
		int digit = number_hex_digit(text.data[i]);

		if (digit < 0 || (unsigned int)digit >= base)
			return -EINVAL;
		/* Keep on reading: letters further on make it no number at all. */
		if (__builtin_mul_overflow(value, (uint64_t)base, &value) ||
		    __builtin_add_overflow(value, (uint64_t)digit, &value) || value > max)
			in_range = false;
	}
	if (!in_range)
		return -ERANGE;
	*ret_value = value;
	return 0;
}
