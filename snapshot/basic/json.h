/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Strict reading of JSON from outside into json-c's values: every error names line or key. The
 * grammar is RFC 8259's and nothing else; what json-c's own reader lets pass even when strict
 * (duplicate keys, NaN, single quotes, control characters and NUL in strings, integers beyond 64
 * bits) is refused.
 */
#pragma once

#include <json-c/json.h>

#include "snapshot/basic/bytes.h"
#include "snapshot/basic/problem.h"

static inline void json_putp(struct json_object **object)
{
	if (*object)
		(void)json_object_put(*object);
}

#define _cleanup_json_ _cleanup_(json_putp)

/* Most objects and arrays within each other. */
#define JSON_MAX_DEPTH 16

/**
 * json_parse() - Parse a whole text
 * @file: named in problems
 * @ret_object: the value, to be put
 *
 * Time and memory are linear in the size of the text, and memory has a limit of its own (a million
 * values).
 *
 * Return: 0, or with @problem set -EBADMSG ("FILE:LINE: what is wrong") or -ENOMEM.
 */
_must_check_ int json_parse(struct bytes text, const char *file, struct json_object **ret_object,
			    struct problem *problem);

/**
 * struct json_place - Where in a document a value stands, for problems
 * @file:  the document
 * @where: the object's own name, or the array's: "pci[3]", "pci"; NULL for the top
 */
struct json_place {
	const char *file;
	const char *where;
};

/*
 * Members of an object. Each gives 1 and sets *ret when the member is there, 0 and leaves *ret
 * when it is missing or null, and -EBADMSG with @problem set ("FILE: pci[3].address: …") when it
 * is of another type or out of range. `_required` makes missing and null an error too, and gives
 * 0 on success.
 */
_must_check_ int json_get_string(struct json_object *object, const char *key,
				 const struct json_place *place, const char **ret,
				 struct problem *problem);
_must_check_ int json_get_string_required(struct json_object *object, const char *key,
					  const struct json_place *place, const char **ret,
					  struct problem *problem);
_must_check_ int json_get_integer(struct json_object *object, const char *key,
				  const struct json_place *place, int64_t min, int64_t max,
				  int64_t *ret, struct problem *problem);
_must_check_ int json_get_bool(struct json_object *object, const char *key,
			       const struct json_place *place, bool *ret, struct problem *problem);
_must_check_ int json_get_array(struct json_object *object, const char *key,
				const struct json_place *place, struct json_object **ret,
				struct problem *problem);
_must_check_ int json_get_object(struct json_object *object, const char *key,
				 const struct json_place *place, struct json_object **ret,
				 struct problem *problem);

/*
 * Same for the items of an array, @place being the array's: they must be of the type. Gives 0 or
 * -EBADMSG ("FILE: pci[3]: …").
 */
_must_check_ int json_item_object(struct json_object *array, size_t index,
				  const struct json_place *place, struct json_object **ret,
				  struct problem *problem);
_must_check_ int json_item_string(struct json_object *array, size_t index,
				  const struct json_place *place, const char **ret,
				  struct problem *problem);
_must_check_ int json_item_integer(struct json_object *array, size_t index,
				   const struct json_place *place, int64_t min, int64_t max,
				   int64_t *ret, struct problem *problem);

/* Say what is wrong with a member, in the same words. Return: -EBADMSG, always. */
int json_refuse(const struct json_place *place, const char *key, const char *what,
		struct problem *problem);

/*
 * Building. A failed allocation marks the whole document as failed, as in struct buffer:
 * json_render() says whether all went well. NULL strings become null. A byte that is no UTF-8, or
 * NUL, becomes U+FFFD: what is written can be read again. Where each byte counts, use
 * json_add_content().
 */
struct json_writer {
	bool failed;
};

/* New object or array: added to @parent under @key, or to an array with @key NULL, or on its own
 * with @parent NULL. */
struct json_object *json_add_object(struct json_writer *writer, struct json_object *parent,
				    const char *key);
struct json_object *json_add_array(struct json_writer *writer, struct json_object *parent,
				   const char *key);
void json_add_string(struct json_writer *writer, struct json_object *parent, const char *key,
		     const char *value);
void json_add_bytes(struct json_writer *writer, struct json_object *parent, const char *key,
		    struct bytes value);
void json_add_integer(struct json_writer *writer, struct json_object *parent, const char *key,
		      int64_t value);
void json_add_bool(struct json_writer *writer, struct json_object *parent, const char *key,
		   bool value);
void json_add_null(struct json_writer *writer, struct json_object *parent, const char *key);

/**
 * json_render() - The text of a document, indented, with a newline at its end
 * @ret_text: to be freed
 *
 * Return: 0, or -ENOMEM also when anything failed while building.
 */
_must_check_ int json_render(const struct json_writer *writer, struct json_object *object,
			     char **ret_text, size_t *ret_size);

/**
 * json_add_content() - A file's bytes as a string; json_get_content() - and back
 *
 * JSON strings are Unicode, files are bytes. Valid UTF-8 stands as it is under @key; anything else
 * stands under "KEY.latin1" with each byte as the character of its number. Both come back byte for
 * byte; NUL bytes, which do not occur in managed files, fail the document.
 *
 * Return of json_get_content(): 1, 0 when there is neither, -EBADMSG with @problem set (there are
 * both, or no bytes), or -ENOMEM. *ret is to be freed; a NUL stands behind it.
 */
void json_add_content(struct json_writer *writer, struct json_object *parent, const char *key,
		      struct bytes value);
_must_check_ int json_get_content(struct json_object *object, const char *key,
				  const struct json_place *place, char **ret, size_t *ret_size,
				  struct problem *problem);
