/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Files of ours that tell by themselves whether they are whole: a JSON object whose last member is
 * a checksum.
 *
 *   {
 *     "schema": "hwrecover.baseline/1",
 *     "id": 12,
 *     "checksum": "fnv1a64:0123456789abcdef"
 *   }
 *
 * The 16 lower-case hexadecimal digits are the 64-bit FNV-1a digest (bytes_digest()) of all bytes
 * from the start up to, and without, the comma in front of "checksum". From that comma on the
 * bytes are exactly
 *
 *   ,\n  "checksum": "fnv1a64:0123456789abcdef"\n}\n
 *
 * In a line of a file of lines they are `, "checksum": "fnv1a64:0123456789abcdef" }\n`.
 */
#pragma once

#include "snapshot/basic/json.h"

enum sealed_form {
	SEALED_FILE, /* indented, a file of its own */
	SEALED_LINE, /* one line */
	_SEALED_FORM_MAX,
};

/**
 * sealed_render() - An object as a text that is closed by its checksum
 * @object:   has at least one member and none named "checksum"
 * @ret_text: to be freed
 *
 * Return: 0, or -ENOMEM also when anything failed while building.
 */
_must_check_ int sealed_render(const struct json_writer *writer, struct json_object *object,
			       enum sealed_form form, char **ret_text, size_t *ret_size);

/**
 * sealed_check() - Whether a text is whole
 * @text:     with its final newline
 * @ret_body: what the checksum is over: the object without its last member and its closing brace
 *
 * Return: 0, -EBADMSG when the checksum does not fit, -ENODATA when the text does not end in one
 * at all (torn, or written by a program that closes files in another way).
 */
_must_check_ int sealed_check(struct bytes text, enum sealed_form form, struct bytes *ret_body);

/* Return: 0, or as sealed_parse(). */
_must_check_ int sealed_check_schema(struct json_object *object, const char *file,
				     const char *wanted, struct problem *problem);

/**
 * sealed_parse() - Read such a text
 * @file:   named in problems
 * @schema: "hwrecover.baseline/1", what its "schema" must be; NULL where it has none
 * @ret_object: to be put
 *
 * Return: 0, or with @problem set -EBADMSG when it is damaged or something else,
 * -EPROTONOSUPPORT when it is of a later version of the schema, -ENOMEM.
 */
_must_check_ int sealed_parse(struct bytes text, enum sealed_form form, const char *file,
			      const char *schema, struct json_object **ret_object,
			      struct problem *problem);
