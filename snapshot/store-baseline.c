/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <inttypes.h>

#include "snapshot/sealed.h"
#include "snapshot/store-private.h"

#define BASELINE_SCHEMA   "hwrecover.baseline/1"
#define BASELINE_MAX_SIZE 4096

static int parse_baseline(struct bytes text, const char *shown, uint64_t *ret_id,
			  struct problem *problem)
{
	_cleanup_json_ struct json_object *object = NULL;
	const struct json_place place = { .file = shown };
	int64_t id;
	int r;

	r = sealed_parse(text, SEALED_FILE, shown, BASELINE_SCHEMA, &object, problem);
	if (r < 0)
		return r;
	r = json_get_integer(object, "id", &place, 1, SNAPSHOT_ID_MAX, &id, problem);
	if (r == 0)
		return json_refuse(&place, "id", "is missing", problem);
	if (r < 0)
		return r;
	*ret_id = (uint64_t)id;
	return 1;
}

int store_get_baseline(struct store *store, uint64_t *ret_id, struct problem *problem)
{
	_cleanup_(problem_done) struct problem why = { 0 };
	_cleanup_free_ char *text = NULL;
	struct store_name buffer;
	const char *shown = store_show(store, STORE_BASELINE, &buffer);
	size_t size;
	int r;

	if (store->dir_fd < 0)
		return 0;
	r = file_read_at(store->dir_fd, STORE_BASELINE, BASELINE_MAX_SIZE, &text, &size);
	if (r == -ENOENT)
		return 0;
	if (r >= 0)
		r = parse_baseline(bytes_make(text, size), shown, ret_id, &why);
	else if (store_error_means_damaged(r))
		r = problem_set(&why, -EBADMSG, shown, 0, "cannot be read: %s", strerror(-r));
	if (r >= 0)
		return r;

	(void)problem_set_errno(&why, r, shown, "read");
	if (r != -EBADMSG && r != -EPROTONOSUPPORT && r != -EIO)
		return store_pass_on(problem, r, &why);
	/* The newest snapshot serves. */
	if (r == -EBADMSG)
		store_set_aside(store, STORE_BASELINE, why.text ? why.text : STORE_BASELINE);
	else
		store_say_once(store, why.text ? why.text : STORE_BASELINE);
	return 0;
}

static int render_baseline(uint64_t id, char **ret_text, size_t *ret_size)
{
	struct json_writer writer = { 0 };
	_cleanup_json_ struct json_object *object = json_add_object(&writer, NULL, NULL);

	json_add_string(&writer, object, "schema", BASELINE_SCHEMA);
	json_add_integer(&writer, object, "id", (int64_t)id);
	return sealed_render(&writer, object, SEALED_FILE, ret_text, ret_size);
}

static int write_baseline(const struct store *store, uint64_t id, struct problem *problem)
{
	_cleanup_free_ char *text = NULL;
	struct store_name shown;
	size_t size;
	int r;

	r = render_baseline(id, &text, &size);
	if (r >= 0)
		r = file_write_at(store->dir_fd, STORE_BASELINE, bytes_make(text, size), 0600,
				  true);
	if (r < 0)
		return problem_set_errno(problem, r, store_show(store, STORE_BASELINE, &shown),
					 "write");
	return 0;
}

int store_set_baseline(struct store *store, uint64_t id, struct problem *problem)
{
	_cleanup_(contents_done) struct contents contents = { 0 };
	uint64_t old, distinct;
	int r;

	r = store_check_writable(store, problem);
	if (r < 0)
		return r;
	r = contents_read(&contents, store, problem);
	if (r < 0)
		return r;
	distinct = contents_resolve(&contents, id);
	if (distinct == 0)
		return problem_set(problem, -ENOENT, NULL, 0, "there is no snapshot %" PRIu64, id);
	r = store_get_baseline(store, &old, problem);
	if (r < 0 || (r > 0 && old == distinct))
		return r < 0 ? r : 0;
	return write_baseline(store, distinct, problem);
}
