/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A borrowed run of bytes: the view that parsers read and spans point into. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "snapshot/basic/macro.h"

/**
 * struct bytes - Bytes that somebody else owns
 * @data: first byte; need not end in NUL; NULL only when @size is 0
 * @size: how many
 */
struct bytes {
	const char *data;
	size_t size;
};

#define BYTES_NONE ((struct bytes){ NULL, 0 })

/* The bytes of a NUL-terminated string, without the NUL; NULL gives no bytes. */
static inline struct bytes bytes_of(const char *text)
{
	return (struct bytes){ text, text ? strlen(text) : 0 };
}

static inline struct bytes bytes_make(const char *data, size_t size)
{
	return (struct bytes){ data, size };
}

/* @length bytes from @offset; the caller has checked that they are there. */
static inline struct bytes bytes_slice(struct bytes bytes, size_t offset, size_t length)
{
	return (struct bytes){ bytes.data + offset, length };
}

/* A line without what ends it. */
static inline struct bytes bytes_without_line_end(struct bytes line)
{
	while (line.size > 0 &&
	       (line.data[line.size - 1] == '\n' || line.data[line.size - 1] == '\r'))
		line.size--;
	return line;
}

static inline bool bytes_equal(struct bytes a, struct bytes b)
{
	return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static inline bool bytes_equal_text(struct bytes a, const char *text)
{
	return bytes_equal(a, bytes_of(text));
}

static inline bool bytes_start_with(struct bytes bytes, struct bytes prefix)
{
	return bytes.size >= prefix.size &&
	       (prefix.size == 0 || memcmp(bytes.data, prefix.data, prefix.size) == 0);
}

/* Where @text first stands in @bytes; NULL if it does not. */
_pure_ const char *bytes_find(struct bytes bytes, const char *text);

/**
 * bytes_compare() - Order two runs of bytes
 *
 * Return: as strcmp(): by unsigned byte value, a prefix before what it is a prefix of.
 */
_pure_ int bytes_compare(struct bytes a, struct bytes b);

/**
 * bytes_digest() - A 64-bit FNV-1a digest
 * @bytes: what to digest
 * @seed:  BYTES_DIGEST_SEED, or the digest of what comes before
 *
 * Tells whether something changed by accident or by an edit, not by malice: every single changed
 * byte changes the digest. Digests are kept on disk, so the function must not change.
 */
_pure_ uint64_t bytes_digest(struct bytes bytes, uint64_t seed);

#define BYTES_DIGEST_SEED 0xcbf29ce484222325ULL

/**
 * bytes_duplicate() - Copy bytes into a NUL-terminated string of their own
 *
 * Return: 0, or -ENOMEM. *@ret_text is to be freed.
 */
_must_check_ int bytes_duplicate(struct bytes bytes, char **ret_text);
