/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "snapshot/basic/arena.h"

#include <stdalign.h>

struct arena_block {
	struct arena_block *next;
	alignas(max_align_t) char data[];
};

#define ARENA_BLOCK_SIZE 8192

void arena_done(struct arena *arena)
{
	if (!arena)
		return;
	while (arena->blocks) {
		struct arena_block *next = arena->blocks->next;

		free(arena->blocks);
		arena->blocks = next;
	}
	*arena = (struct arena){ 0 };
}

void *arena_allocate(struct arena *arena, size_t size)
{
	const size_t align = alignof(max_align_t);
	void *piece;

	if (size > SIZE_MAX / 2)
		return NULL;
	size = (size + align - 1) & ~(align - 1);

	if (!arena->blocks || arena->room - arena->used < size) {
		size_t room = MAX_OF(size, (size_t)ARENA_BLOCK_SIZE);
		struct arena_block *block = malloc(sizeof(*block) + room);

		if (!block)
			return NULL;
		block->next = arena->blocks;
		arena->blocks = block;
		arena->used = 0;
		arena->room = room;
	}
	piece = arena->blocks->data + arena->used;
	arena->used += size;
	return memset(piece, 0, size);
}

const char *arena_copy(struct arena *arena, struct bytes bytes)
{
	char *copy;

	if (bytes.size == SIZE_MAX)
		return NULL;
	copy = arena_allocate(arena, bytes.size + 1);
	if (copy && bytes.size)
		memcpy(copy, bytes.data, bytes.size);
	return copy;
}

const char *arena_copy_text(struct arena *arena, const char *text)
{
	return text ? arena_copy(arena, bytes_of(text)) : NULL;
}
