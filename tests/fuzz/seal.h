/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lets a fuzzer get past a checksum: its input is closed with the one that fits. */
#pragma once

#include <inttypes.h>

#include "snapshot/basic/buffer.h"
#include "snapshot/basic/problem.h"

static inline void require(bool condition)
{
	if (!condition)
		abort();
}

/* A refusal is one line for a terminal. */
static inline void require_one_line(const struct problem *problem)
{
	require(problem->text);
	for (const char *c = problem->text; *c; c++)
		require((uint8_t)*c >= ' ' && *c != 0x7f);
}

/* @body is an object without its closing brace, or with it and what may follow. */
static inline void seal(struct bytes body, struct buffer *ret_text)
{
	while (body.size > 0 && strchr(" \n\t", body.data[body.size - 1]))
		body.size--;
	if (body.size > 0 && body.data[body.size - 1] == '}')
		body.size--;
	while (body.size > 0 && strchr(" \n\t", body.data[body.size - 1]))
		body.size--;
	buffer_append(ret_text, body);
	buffer_appendf(ret_text, ",\n  \"checksum\": \"fnv1a64:%016" PRIx64 "\"\n}\n",
		       bytes_digest(body, BYTES_DIGEST_SEED));
	require(!ret_text->failed);
}
