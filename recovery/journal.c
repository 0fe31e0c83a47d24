/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "recovery/journal.h"

#include <errno.h>
#include <stdio.h>

#include "snapshot/sealed.h"
#include "snapshot/snapshot-json.h"

/**
 * struct journal_file - What one change points to
 * @was, @now: data NULL where there is no file
 */
struct journal_file {
	char *path;
	struct snapshot_file was;
	struct snapshot_file now;
};

static void add_side(struct json_writer *writer, struct json_object *object, const char *key,
		     struct bytes contents, const struct file_attributes *attributes)
{
	if (contents.data)
		snapshot_file_to_json(writer, json_add_object(writer, object, key), contents,
				      attributes);
	else
		json_add_null(writer, object, key);
}

static void add_changes(struct json_writer *writer, struct json_object *object,
			const struct change *changes, size_t n_changes)
{
	struct json_object *array = json_add_array(writer, object, "changes");

	for (size_t i = 0; i < n_changes; i++) {
		const struct change *change = &changes[i];
		struct json_object *item = json_add_object(writer, array, NULL);

		json_add_content(writer, item, "path", bytes_of(change->path));
		add_side(writer, item, "was", change->was, change->was_attributes);
		add_side(writer, item, "now", change->now, change->now_attributes);
	}
}

static int render(const struct json_writer *writer, struct json_object *object, char **ret_text,
		  size_t *ret_size)
{
	_cleanup_free_ char *rendered = NULL;
	size_t size;
	int r;

	r = sealed_render(writer, object, SEALED_FILE, &rendered, &size);
	if (r < 0)
		return r;
	if (size > JOURNAL_MAX_SIZE)
		return -EFBIG;
	*ret_text = TAKE_PTR(rendered);
	*ret_size = size;
	return 0;
}

int journal_render(const struct change *changes, size_t n_changes, uint64_t snapshot_id,
		   struct bytes text, char **ret_text, size_t *ret_size)
{
	struct json_writer writer = { 0 };
	_cleanup_json_ struct json_object *object = json_add_object(&writer, NULL, NULL);

	json_add_string(&writer, object, "schema", JOURNAL_SCHEMA);
	json_add_integer(&writer, object, "snapshot", (int64_t)snapshot_id);
	add_changes(&writer, object, changes, n_changes);
	json_add_content(&writer, object, "text", text);
	return render(&writer, object, ret_text, ret_size);
}

int deferred_render(const struct change *changes, size_t n_changes, char **ret_text,
		    size_t *ret_size)
{
	struct json_writer writer = { 0 };
	_cleanup_json_ struct json_object *object = json_add_object(&writer, NULL, NULL);

	json_add_string(&writer, object, "schema", DEFERRED_SCHEMA);
	add_changes(&writer, object, changes, n_changes);
	return render(&writer, object, ret_text, ret_size);
}

void journal_done(struct journal *journal)
{
	if (!journal)
		return;
	for (size_t i = 0; i < journal->n_changes; i++) {
		free(journal->files[i].path);
		snapshot_file_done(&journal->files[i].was);
		snapshot_file_done(&journal->files[i].now);
	}
	free(journal->files);
	free(journal->changes);
	free(journal->text);
	*journal = (struct journal){ 0 };
}

static int get_side(struct json_object *object, const char *key, const struct json_place *place,
		    struct snapshot_file *ret_side, struct problem *problem)
{
	char where[64];
	const struct json_place side_place = { .file = place->file, .where = where };
	struct json_object *side;
	int r;

	r = json_get_object(object, key, place, &side, problem);
	if (r <= 0)
		return r;
	(void)snprintf(where, sizeof(where), "%s.%s", place->where, key);
	return snapshot_file_from_json(side, &side_place, &ret_side->data, &ret_side->size,
				       &ret_side->attributes, problem);
}

static int get_change(struct json_object *object, const struct json_place *place,
		      struct journal_file *file, struct change *change, struct problem *problem)
{
	int r;

	r = snapshot_path_from_json(object, place, &file->path, problem);
	if (r < 0)
		return r;
	r = get_side(object, "was", place, &file->was, problem);
	if (r < 0)
		return r;
	r = get_side(object, "now", place, &file->now, problem);
	if (r < 0)
		return r;
	*change = (struct change){
		.path = file->path,
		.was = bytes_make(file->was.data, file->was.size),
		.now = bytes_make(file->now.data, file->now.size),
		.was_attributes = &file->was.attributes,
		.now_attributes = &file->now.attributes,
	};
	return 0;
}

static int get_changes(struct json_object *object, const char *shown, struct journal *journal,
		       struct problem *problem)
{
	char where[32];
	const struct json_place top = { .file = shown };
	const struct json_place list = { .file = shown, .where = "changes" };
	const struct json_place place = { .file = shown, .where = where };
	struct json_object *array, *item;
	size_t n;
	int r;

	r = json_get_array(object, "changes", &top, &array, problem);
	if (r < 0)
		return r;
	n = r > 0 ? json_object_array_length(array) : 0;
	if (n == 0)
		return json_refuse(&top, "changes", "is missing or empty", problem);
	journal->files = calloc(n, sizeof(*journal->files));
	journal->changes = calloc(n, sizeof(*journal->changes));
	if (!journal->files || !journal->changes)
		return -ENOMEM;
	journal->n_changes = n;
	for (size_t i = 0; i < n; i++) {
		r = json_item_object(array, i, &list, &item, problem);
		if (r < 0)
			return r;
		(void)snprintf(where, sizeof(where), "changes[%zu]", i);
		r = get_change(item, &place, &journal->files[i], &journal->changes[i], problem);
		if (r < 0)
			return r;
		if (i > 0 && strcmp(journal->files[i - 1].path, journal->files[i].path) >= 0)
			return json_refuse(&place, "path", "is out of order", problem);
	}
	return 0;
}

static int check_both_sides(const struct journal *journal, const char *shown,
			    struct problem *problem)
{
	char where[32];
	const struct json_place place = { .file = shown, .where = where };

	for (size_t i = 0; i < journal->n_changes; i++) {
		if (journal->changes[i].was.data || journal->changes[i].now.data)
			continue;
		(void)snprintf(where, sizeof(where), "changes[%zu]", i);
		return json_refuse(&place, "now", "is missing, and so is was", problem);
	}
	return 0;
}

static int get_text(struct json_object *object, const char *shown, struct journal *journal,
		    struct problem *problem)
{
	_cleanup_(snapshot_done) struct snapshot snapshot = { 0 };
	const struct json_place place = { .file = shown };
	int64_t id;
	int r;

	r = json_get_integer(object, "snapshot", &place, 1, SNAPSHOT_ID_MAX, &id, problem);
	if (r == 0)
		return json_refuse(&place, "snapshot", "is missing", problem);
	if (r < 0)
		return r;
	r = json_get_content(object, "text", &place, &journal->text, &journal->size, problem);
	if (r == 0)
		return json_refuse(&place, "text", "is missing", problem);
	if (r < 0)
		return r;
	journal->snapshot_id = (uint64_t)id;
	r = snapshot_parse(bytes_make(journal->text, journal->size), shown, &snapshot, problem);
	if (r < 0)
		return r;
	if (snapshot.id != journal->snapshot_id)
		return json_refuse(&place, "text", "is of another snapshot", problem);
	return 0;
}

static int get_journal(struct json_object *object, const char *shown, struct journal *journal,
		       struct problem *problem)
{
	int r;

	r = get_changes(object, shown, journal, problem);
	if (r >= 0)
		r = check_both_sides(journal, shown, problem);
	return r < 0 ? r : get_text(object, shown, journal, problem);
}

static int parse(struct bytes text, const char *file, const char *schema,
		 int (*get)(struct json_object *object, const char *shown, struct journal *journal,
			    struct problem *problem),
		 struct journal *ret_journal, struct problem *problem)
{
	_cleanup_(journal_done) struct journal journal = { 0 };
	_cleanup_json_ struct json_object *object = NULL;
	int r;

	r = sealed_parse(text, SEALED_FILE, file, schema, &object, problem);
	if (r < 0)
		return r;
	r = get(object, file, &journal, problem);
	if (r < 0)
		return problem_set(problem, r == -ENOMEM ? r : -EBADMSG, file, 0, "%s",
				   strerror(-r));
	*ret_journal = journal;
	journal = (struct journal){ 0 };
	return 0;
}

int journal_parse(struct bytes text, const char *file, struct journal *ret_journal,
		  struct problem *problem)
{
	return parse(text, file, JOURNAL_SCHEMA, get_journal, ret_journal, problem);
}

int deferred_parse(struct bytes text, const char *file, struct journal *ret_journal,
		   struct problem *problem)
{
	return parse(text, file, DEFERRED_SCHEMA, get_changes, ret_journal, problem);
}
