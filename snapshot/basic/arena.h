/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Strings that live and die together with the object they describe. */
#pragma once

#include "snapshot/basic/bytes.h"

struct arena_block;

/**
 * struct arena - Owner of many small pieces of memory
 *
 * Zero-initialised is empty. Pieces keep their address until arena_done() frees all of them.
 */
struct arena {
	struct arena_block *blocks;
	size_t used;
	size_t room;
};

void arena_done(struct arena *arena);

/* @size zeroed bytes aligned for any object, or NULL when there is no memory. */
_must_check_ void *arena_allocate(struct arena *arena, size_t size);

/* A NUL-terminated copy of the bytes, or NULL when there is no memory. */
_must_check_ const char *arena_copy(struct arena *arena, struct bytes bytes);

/* Same for a string; NULL gives NULL, so check for @text first where that matters. */
_must_check_ const char *arena_copy_text(struct arena *arena, const char *text);
