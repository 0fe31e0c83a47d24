/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Numbers read out of text: whole text or nothing, no sign, no blank, no locale. */
#pragma once

#include "snapshot/basic/bytes.h"

/**
 * number_parse() - Read an unsigned number
 * @text:      digits only, nothing around them
 * @base:      10 or 16; hexadecimal digits in either case, without 0x
 * @max:       largest value allowed
 * @ret_value: the number
 *
 * Return: 0, -EINVAL when @text is empty or holds anything but digits, -ERANGE when it is larger
 * than @max.
 */
_must_check_ int number_parse(struct bytes text, unsigned int base, uint64_t max,
			      uint64_t *ret_value);

/* The value of one hexadecimal digit, or -1. */
static inline int number_hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}
