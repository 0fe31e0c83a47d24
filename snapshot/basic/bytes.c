/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "snapshot/basic/bytes.h"

#include <errno.h>

const char *bytes_find(struct bytes bytes, const char *text)
{
	return bytes.size > 0 ? memmem(bytes.data, bytes.size, text, strlen(text)) : NULL;
}

int bytes_compare(struct bytes a, struct bytes b)
{
	size_t common = MIN_OF(a.size, b.size);
	int order = common ? memcmp(a.data, b.data, common) : 0;

	if (order != 0)
		return order;
	return (a.size > b.size) - (a.size < b.size);
}

uint64_t bytes_digest(struct bytes bytes, uint64_t seed)
{
	uint64_t digest = seed;

	for (size_t i = 0; i < bytes.size; i++) {
		digest ^= (uint8_t)bytes.data[i];
		digest *= 0x100000001b3ULL;
	}
	return digest;
}

int bytes_duplicate(struct bytes bytes, char **ret_text)
{
	char *text = malloc(bytes.size + 1);

	if (!text)
		return -ENOMEM;
	if (bytes.size)
		memcpy(text, bytes.data, bytes.size);
	text[bytes.size] = '\0';
	*ret_text = text;
	return 0;
}
