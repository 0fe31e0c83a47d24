/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The text of a snapshot, schema hwrecover.snapshot/1, closed as sealed.h says. Members in this
 * order:
 *
 *   schema, id, taken_at, boot_id, reason, note     the head; without what is not known
 *   inventory    an object of schema hwrecover.inventory/1
 *   files        [ { path, content, link, mode, uid, gid, xattrs: [ { name, value } ] } ]; link
 *                true for a symbolic link, whose content is its target, and else missing; mode in
 *                four octal digits, value in hexadecimal
 *   changes      [ { path, was, now, said } ]; digests in 16 hexadecimal digits
 *   state        an object, or missing
 *
 * path, content, said, note and an attribute's name are bytes: where they are no UTF-8 the member
 * is named KEY.latin1 (json_add_content()). A line of the records is a head with same_as. Parts of
 * it stand in the journal too.
 */
#pragma once

#include "snapshot/store.h"

/* The head's members, under the given id; and back, into @head, whose strings @arena owns. */
void snapshot_head_to_json(struct json_writer *writer, struct json_object *object,
			   const struct snapshot *head, uint64_t id);
_must_check_ int snapshot_head_from_json(struct json_object *object, const char *file,
					 struct arena *arena, struct snapshot *head,
					 struct problem *problem);

/**
 * snapshot_parse_head() - The head of a snapshot's text, the rest unread where possible
 *
 * The checksum is verified over the whole text all the same. Errors as snapshot_parse().
 */
_must_check_ int snapshot_parse_head(struct bytes text, const char *file, struct arena *arena,
				     struct snapshot *ret_head, struct problem *problem);

/* A file's contents and attributes as members of @object; and back. */
void snapshot_file_to_json(struct json_writer *writer, struct json_object *object,
			   struct bytes data, const struct file_attributes *attributes);
_must_check_ int snapshot_file_from_json(struct json_object *object, const struct json_place *place,
					 char **ret_data, size_t *ret_size,
					 struct file_attributes *ret_attributes,
					 struct problem *problem);

/* Whether a text may be the path of a file: absolute, no ".", ".." or empty name in it. */
_pure_ bool snapshot_path_is_valid(const char *path);

/* The member "path", which has to be one; to be freed. */
_must_check_ int snapshot_path_from_json(struct json_object *object, const struct json_place *place,
					 char **ret_path, struct problem *problem);
