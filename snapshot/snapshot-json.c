/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "snapshot/snapshot-json.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>

#include "snapshot/basic/buffer.h"
#include "snapshot/basic/number.h"
#include "snapshot/inventory-json.h"
#include "snapshot/sealed.h"

/* What follows the head of a snapshot in its text. */
#define HEAD_END ",\n  \"inventory\": "

static void add_hex(struct json_writer *writer, struct json_object *object, const char *key,
		    struct bytes value)
{
	struct buffer hex = { 0 };

	for (size_t i = 0; i < value.size; i++)
		buffer_appendf(&hex, "%02x", (unsigned int)(uint8_t)value.data[i]);
	writer->failed = writer->failed || hex.failed;
	json_add_bytes(writer, object, key, buffer_bytes(&hex));
	buffer_done(&hex);
}

void snapshot_file_to_json(struct json_writer *writer, struct json_object *object,
			   struct bytes data, const struct file_attributes *attributes)
{
	struct json_object *xattrs;
	struct buffer mode = { 0 };

	json_add_content(writer, object, "content", data);
	if (attributes->is_link)
		json_add_bool(writer, object, "link", true);
	buffer_appendf(&mode, "%04o", (unsigned int)attributes->mode);
	writer->failed = writer->failed || mode.failed;
	json_add_bytes(writer, object, "mode", buffer_bytes(&mode));
	buffer_done(&mode);
	json_add_integer(writer, object, "uid", attributes->uid);
	json_add_integer(writer, object, "gid", attributes->gid);
	xattrs = json_add_array(writer, object, "xattrs");
	for (size_t i = 0; i < attributes->n_xattrs; i++) {
		const struct file_xattr *xattr = &attributes->xattrs[i];
		struct json_object *item = json_add_object(writer, xattrs, NULL);

		json_add_content(writer, item, "name", bytes_of(xattr->name));
		add_hex(writer, item, "value", bytes_make(xattr->value, xattr->size));
	}
}

static int get_mode(struct json_object *object, const struct json_place *place, mode_t *ret_mode,
		    struct problem *problem)
{
	const char *text;
	mode_t mode = 0;
	int r;

	r = json_get_string_required(object, "mode", place, &text, problem);
	if (r < 0)
		return r;
	if (strlen(text) != 4 || strspn(text, "01234567") != 4)
		return json_refuse(place, "mode", "is not four octal digits", problem);
	for (size_t i = 0; i < 4; i++)
		mode = mode << 3 | (mode_t)(text[i] - '0');
	*ret_mode = mode;
	return 0;
}

/* A user's or group's number. */
static int get_owner(struct json_object *object, const char *key, const struct json_place *place,
		     uint32_t *ret_owner, struct problem *problem)
{
	int64_t number;
	int r;

	/* The largest number stands for "leave it" in chown(2). */
	r = json_get_integer(object, key, place, 0, UINT32_MAX - 1, &number, problem);
	if (r == 0)
		return json_refuse(place, key, "is missing", problem);
	if (r < 0)
		return r;
	*ret_owner = (uint32_t)number;
	return 0;
}

/* Bytes written as two hexadecimal digits each. */
static int get_hex(struct json_object *object, const char *key, const struct json_place *place,
		   struct buffer *ret_value, struct problem *problem)
{
	const char *text;
	int r;

	r = json_get_string_required(object, key, place, &text, problem);
	if (r < 0)
		return r;
	for (; text[0]; text += 2) {
		int high = number_hex_digit(text[0]), low = number_hex_digit(text[1]);

		if (high < 0 || low < 0)
			return json_refuse(place, key, "is not hexadecimal bytes", problem);
		buffer_append_char(ret_value, (char)(high << 4 | low));
	}
	return ret_value->failed ? -ENOMEM : 0;
}

static int get_xattr(struct json_object *object, const struct json_place *place,
		     struct file_attributes *attributes, struct problem *problem)
{
	_cleanup_(buffer_done) struct buffer value = { 0 };
	_cleanup_free_ char *name = NULL;
	size_t size;
	int r;

	r = json_get_content(object, "name", place, &name, &size, problem);
	if (r == 0 || (r > 0 && size == 0))
		return json_refuse(place, "name", "is missing", problem);
	if (r < 0)
		return r;
	r = get_hex(object, "value", place, &value, problem);
	if (r < 0)
		return r;
	return file_attributes_add(attributes, name, buffer_bytes(&value));
}

static int get_xattrs(struct json_object *object, const struct json_place *place,
		      struct file_attributes *attributes, struct problem *problem)
{
	char where[64];
	const struct json_place item_place = { .file = place->file, .where = where };
	struct json_object *xattrs, *item;
	int r;

	r = json_get_array(object, "xattrs", place, &xattrs, problem);
	if (r <= 0)
		return r;
	for (size_t i = 0; i < json_object_array_length(xattrs); i++) {
		(void)snprintf(where, sizeof(where), "%s.xattrs", place->where);
		r = json_item_object(xattrs, i, &item_place, &item, problem);
		if (r < 0)
			return r;
		(void)snprintf(where, sizeof(where), "%s.xattrs[%zu]", place->where, i);
		r = get_xattr(item, &item_place, attributes, problem);
		if (r < 0)
			return r;
	}
	file_attributes_sort(attributes);
	for (size_t i = 1; i < attributes->n_xattrs; i++)
		if (strcmp(attributes->xattrs[i - 1].name, attributes->xattrs[i].name) == 0)
			return json_refuse(place, "xattrs", "names one twice", problem);
	return 0;
}

/* Whether it is a link; then its contents must be such as a link can have. */
static int get_link(struct json_object *object, const struct json_place *place, size_t size,
		    bool *ret_link, struct problem *problem)
{
	int r;

	r = json_get_bool(object, "link", place, ret_link, problem);
	if (r > 0 && *ret_link && (size == 0 || size >= PATH_MAX))
		return json_refuse(place, "content", "is not the target of a link", problem);
	return r;
}

int snapshot_file_from_json(struct json_object *object, const struct json_place *place,
			    char **ret_data, size_t *ret_size,
			    struct file_attributes *ret_attributes, struct problem *problem)
{
	_cleanup_(file_attributes_done) struct file_attributes attributes = { 0 };
	_cleanup_free_ char *data = NULL;
	size_t size;
	int r;

	r = json_get_content(object, "content", place, &data, &size, problem);
	if (r == 0)
		return json_refuse(place, "content", "is missing", problem);
	if (r < 0)
		return r;
	r = get_link(object, place, size, &attributes.is_link, problem);
	if (r < 0)
		return r;
	r = get_mode(object, place, &attributes.mode, problem);
	if (r < 0)
		return r;
	r = get_owner(object, "uid", place, &attributes.uid, problem);
	if (r < 0)
		return r;
	r = get_owner(object, "gid", place, &attributes.gid, problem);
	if (r < 0)
		return r;
	r = get_xattrs(object, place, &attributes, problem);
	if (r < 0)
		return r;
	*ret_data = TAKE_PTR(data);
	*ret_size = size;
	*ret_attributes = attributes;
	attributes = (struct file_attributes){ 0 };
	return 0;
}

/* Absolute, with nothing in it that could fail to be a name. */
bool snapshot_path_is_valid(const char *path)
{
	if (path[0] != '/' || strlen(path) >= PATH_MAX)
		return false;
	for (const char *name = path; name[0] == '/';) {
		size_t size = strcspn(++name, "/");

		if (size == 0 || size > NAME_MAX || (size == 1 && name[0] == '.') ||
		    (size == 2 && name[0] == '.' && name[1] == '.'))
			return false;
		name += size;
	}
	return true;
}

int snapshot_path_from_json(struct json_object *object, const struct json_place *place,
			    char **ret_path, struct problem *problem)
{
	_cleanup_free_ char *path = NULL;
	size_t size;
	int r;

	r = json_get_content(object, "path", place, &path, &size, problem);
	if (r < 0)
		return r;
	if (r == 0)
		return json_refuse(place, "path", "is missing", problem);
	if (!snapshot_path_is_valid(path))
		return json_refuse(place, "path", "is not the path of a file", problem);
	*ret_path = TAKE_PTR(path);
	return 0;
}

void snapshot_head_to_json(struct json_writer *writer, struct json_object *object,
			   const struct snapshot *snapshot, uint64_t id)
{
	json_add_integer(writer, object, "id", (int64_t)id);
	if (snapshot->same_as)
		json_add_integer(writer, object, "same_as", (int64_t)snapshot->same_as);
	json_add_string(writer, object, "taken_at", snapshot->taken_at);
	json_add_string(writer, object, "boot_id", snapshot->boot_id);
	json_add_string(writer, object, "reason", snapshot->reason);
	/* The user's words, in whatever encoding the terminal has. */
	if (snapshot->note)
		json_add_content(writer, object, "note", bytes_of(snapshot->note));
}

static void add_files(struct json_writer *writer, struct json_object *object,
		      const struct snapshot *snapshot)
{
	struct json_object *files = json_add_array(writer, object, "files");

	for (size_t i = 0; i < snapshot->n_files; i++) {
		const struct snapshot_file *file = &snapshot->files[i];
		struct json_object *item = json_add_object(writer, files, NULL);

		json_add_content(writer, item, "path", bytes_of(file->path));
		snapshot_file_to_json(writer, item, bytes_make(file->data, file->size),
				      &file->attributes);
	}
}

/* Integers in JSON have a sign. */
static void add_digest(struct json_writer *writer, struct json_object *object, const char *key,
		       uint64_t digest)
{
	struct buffer text = { 0 };

	buffer_appendf(&text, "%016llx", (unsigned long long)digest);
	writer->failed = writer->failed || text.failed;
	json_add_bytes(writer, object, key, buffer_bytes(&text));
	buffer_done(&text);
}

static void add_changes(struct json_writer *writer, struct json_object *object,
			const struct snapshot *snapshot)
{
	struct json_object *changes = json_add_array(writer, object, "changes");

	for (size_t i = 0; i < snapshot->n_changes; i++) {
		const struct snapshot_change *change = &snapshot->changes[i];
		struct json_object *item = json_add_object(writer, changes, NULL);

		json_add_content(writer, item, "path", bytes_of(change->path));
		add_digest(writer, item, "was", change->was);
		add_digest(writer, item, "now", change->now);
		if (change->said)
			json_add_content(writer, item, "said", bytes_of(change->said));
	}
}

static void add_state(struct json_writer *writer, struct json_object *object,
		      struct json_object *state)
{
	if (writer->failed || !state)
		return;
	if (json_object_object_add(object, "state", json_object_get(state)) < 0) {
		(void)json_object_put(state);
		writer->failed = true;
	}
}

int snapshot_render(const struct snapshot *snapshot, uint64_t id, char **ret_text, size_t *ret_size)
{
	struct json_writer writer = { 0 };
	_cleanup_json_ struct json_object *object = json_add_object(&writer, NULL, NULL);

	json_add_string(&writer, object, "schema", SNAPSHOT_SCHEMA);
	snapshot_head_to_json(&writer, object, snapshot, id);
	inventory_to_json(&snapshot->inventory, &writer,
			  json_add_object(&writer, object, "inventory"));
	add_files(&writer, object, snapshot);
	add_changes(&writer, object, snapshot);
	add_state(&writer, object, snapshot->state);
	return sealed_render(&writer, object, SEALED_FILE, ret_text, ret_size);
}

/* A text that may be missing, copied into @arena. */
static int get_text(struct json_object *object, const char *key, const struct json_place *place,
		    struct arena *arena, const char **ret, struct problem *problem)
{
	const char *text;
	int r;

	r = json_get_string(object, key, place, &text, problem);
	if (r <= 0)
		return r;
	*ret = arena_copy_text(arena, text);
	return *ret ? 0 : -ENOMEM;
}

static int get_note(struct json_object *object, const struct json_place *place, struct arena *arena,
		    const char **ret_note, struct problem *problem)
{
	_cleanup_free_ char *note = NULL;
	size_t size;
	int r;

	r = json_get_content(object, "note", place, &note, &size, problem);
	if (r <= 0)
		return r;
	*ret_note = arena_copy(arena, bytes_make(note, size));
	return *ret_note ? 0 : -ENOMEM;
}

static int get_id(struct json_object *object, const char *key, const struct json_place *place,
		  uint64_t *ret_id, struct problem *problem)
{
	int64_t id;
	int r;

	r = json_get_integer(object, key, place, 1, SNAPSHOT_ID_MAX, &id, problem);
	if (r > 0)
		*ret_id = (uint64_t)id;
	return r;
}

int snapshot_head_from_json(struct json_object *object, const char *file, struct arena *arena,
			    struct snapshot *head, struct problem *problem)
{
	const struct json_place place = { .file = file };
	int r;

	r = get_id(object, "id", &place, &head->id, problem);
	if (r == 0)
		return json_refuse(&place, "id", "is missing", problem);
	if (r < 0)
		return r;
	r = get_id(object, "same_as", &place, &head->same_as, problem);
	if (r < 0)
		return r;
	r = get_text(object, "taken_at", &place, arena, &head->taken_at, problem);
	if (r < 0)
		return r;
	r = get_text(object, "boot_id", &place, arena, &head->boot_id, problem);
	if (r < 0)
		return r;
	r = get_text(object, "reason", &place, arena, &head->reason, problem);
	if (r < 0)
		return r;
	return get_note(object, &place, arena, &head->note, problem);
}

static int get_file(struct json_object *object, const struct json_place *place,
		    struct snapshot *snapshot, struct problem *problem)
{
	_cleanup_(snapshot_file_done) struct snapshot_file file = { 0 };
	_cleanup_free_ char *path = NULL;
	int r;

	r = snapshot_path_from_json(object, place, &path, problem);
	if (r < 0)
		return r;
	r = snapshot_file_from_json(object, place, &file.data, &file.size, &file.attributes,
				    problem);
	if (r < 0)
		return r;
	r = snapshot_take_file(snapshot, path, &file);
	if (r == -EEXIST)
		return json_refuse(place, "path", "occurs twice", problem);
	return r;
}

static int get_digest(struct json_object *object, const char *key, const struct json_place *place,
		      uint64_t *ret_digest, struct problem *problem)
{
	const char *text;
	int r;

	r = json_get_string_required(object, key, place, &text, problem);
	if (r < 0)
		return r;
	if (strlen(text) != 16 || number_parse(bytes_of(text), 16, UINT64_MAX, ret_digest) < 0)
		return json_refuse(place, key, "is not 16 hexadecimal digits", problem);
	return 0;
}

static int get_change(struct json_object *object, const struct json_place *place,
		      struct snapshot *snapshot, struct problem *problem)
{
	_cleanup_free_ char *path = NULL, *said = NULL;
	uint64_t was, now;
	size_t size = 0;
	int r;

	r = snapshot_path_from_json(object, place, &path, problem);
	if (r < 0)
		return r;
	r = get_digest(object, "was", place, &was, problem);
	if (r < 0)
		return r;
	r = get_digest(object, "now", place, &now, problem);
	if (r < 0)
		return r;
	r = snapshot_add_change(snapshot, path, was, now);
	if (r < 0)
		return r;
	r = json_get_content(object, "said", place, &said, &size, problem);
	if (r <= 0)
		return r;
	return snapshot_say_change(snapshot, bytes_make(said, size));
}

/* Reads each object of an array, which may be missing. */
static int get_each(struct json_object *object, const char *key, const char *file,
		    int (*get)(struct json_object *item, const struct json_place *place,
			       struct snapshot *snapshot, struct problem *problem),
		    struct snapshot *snapshot, struct problem *problem)
{
	char where[32];
	const struct json_place top = { .file = file }, list = { .file = file, .where = key };
	const struct json_place place = { .file = file, .where = where };
	struct json_object *array, *item;
	int r;

	r = json_get_array(object, key, &top, &array, problem);
	if (r <= 0)
		return r;
	for (size_t i = 0; i < json_object_array_length(array); i++) {
		r = json_item_object(array, i, &list, &item, problem);
		if (r < 0)
			return r;
		(void)snprintf(where, sizeof(where), "%s[%zu]", key, i);
		r = get(item, &place, snapshot, problem);
		if (r < 0)
			return r;
	}
	return 0;
}

static int get_inventory(struct json_object *object, const char *file,
			 struct inventory *ret_inventory, struct problem *problem)
{
	const struct json_place place = { .file = file };
	struct json_object *inventory;
	int r;

	r = json_get_object(object, "inventory", &place, &inventory, problem);
	if (r == 0)
		return json_refuse(&place, "inventory", "is missing", problem);
	if (r < 0)
		return r;
	return inventory_from_json(inventory, file, ret_inventory, problem);
}

static int get_snapshot(struct json_object *object, const char *file, struct snapshot *snapshot,
			struct problem *problem)
{
	const struct json_place place = { .file = file };
	int r;

	r = snapshot_head_from_json(object, file, &snapshot->arena, snapshot, problem);
	if (r < 0)
		return r;
	if (snapshot->same_as)
		return json_refuse(&place, "same_as", "stands in a snapshot of its own", problem);
	r = get_inventory(object, file, &snapshot->inventory, problem);
	if (r < 0)
		return r;
	r = get_each(object, "files", file, get_file, snapshot, problem);
	if (r < 0)
		return r;
	r = get_each(object, "changes", file, get_change, snapshot, problem);
	if (r < 0)
		return r;
	r = json_get_object(object, "state", &place, &snapshot->state, problem);
	if (r > 0)
		(void)json_object_get(snapshot->state);
	return r < 0 ? r : 0;
}

int snapshot_parse(struct bytes text, const char *file, struct snapshot *ret_snapshot,
		   struct problem *problem)
{
	_cleanup_(snapshot_done) struct snapshot snapshot = { 0 };
	_cleanup_json_ struct json_object *object = NULL;
	int r;

	r = sealed_parse(text, SEALED_FILE, file, SNAPSHOT_SCHEMA, &object, problem);
	if (r < 0)
		return r;
	r = get_snapshot(object, file, &snapshot, problem);
	/* Whatever is wrong inside: it is this snapshot that cannot be used. */
	if (r < 0)
		return problem_set(problem, r == -ENOMEM ? r : -EBADMSG, file, 0, "%s",
				   strerror(-r));
	*ret_snapshot = snapshot;
	snapshot = (struct snapshot){ 0 };
	return 0;
}

/* The members of a snapshot's head, without reading what follows where that can be told. */
static int parse_head_members(struct bytes text, const char *file, struct json_object **ret_object,
			      struct problem *problem)
{
	_cleanup_(buffer_done) struct buffer head = { 0 };
	struct bytes body;
	const char *end;

	/*
	 * Only members of the top are indented by two blanks, and strings have no line breaks in
	 * them. A whole text of another shape is read in full.
	 */
	if (sealed_check(text, SEALED_FILE, &body) < 0 ||
	    !(end = memmem(body.data, body.size, HEAD_END, strlen(HEAD_END))))
		return sealed_parse(text, SEALED_FILE, file, SNAPSHOT_SCHEMA, ret_object, problem);
	buffer_append(&head, bytes_make(body.data, (size_t)(end - body.data)));
	buffer_append_text(&head, "\n}\n");
	if (head.failed)
		return -ENOMEM;
	return json_parse(buffer_bytes(&head), file, ret_object, problem);
}

int snapshot_parse_head(struct bytes text, const char *file, struct arena *arena,
			struct snapshot *ret_head, struct problem *problem)
{
	_cleanup_json_ struct json_object *object = NULL;
	struct snapshot head = { 0 };
	int r;

	r = parse_head_members(text, file, &object, problem);
	if (r >= 0)
		r = sealed_check_schema(object, file, SNAPSHOT_SCHEMA, problem);
	if (r >= 0)
		r = snapshot_head_from_json(object, file, arena, &head, problem);
	if (r < 0)
		return problem_set(problem, r, file, 0, "%s", strerror(-r));
	*ret_head = head;
	return 0;
}
