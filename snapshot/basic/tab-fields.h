/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Lines of fields with one tab between, for files of ours that a program without a JSON library
 * reads. In a field "%XX" is a byte that could not stand there otherwise: controls, blanks, '%',
 * and the '-' of a field that is nothing else. A field that is "-" is a value that is not known.
 */
#pragma once

#include "snapshot/basic/arena.h"
#include "snapshot/basic/buffer.h"

/* Append a tab and a field. */
void tab_field_append(struct buffer *buffer, struct bytes value);
/* The same for a string; NULL is a value that is not known. */
void tab_field_append_text(struct buffer *buffer, const char *text);

/**
 * tab_field_next() - Split the next field off a line
 * @rest: the line from the tab in front of the field; what is left of it afterwards
 *
 * Return: whether there was one.
 */
bool tab_field_next(struct bytes *rest, struct bytes *ret_field);

static inline bool tab_field_is_unknown(struct bytes field)
{
	return field.size == 1 && field.data[0] == '-';
}

/**
 * tab_field_read() - What a field holds, as a string
 *
 * Return: 0 with *@ret_text NULL where it is not known, -EILSEQ when a '%' has no byte behind it
 * or a NUL, -ENOMEM.
 */
_must_check_ int tab_field_read(struct arena *arena, struct bytes field, const char **ret_text);
