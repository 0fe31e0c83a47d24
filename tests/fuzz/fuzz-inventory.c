/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Any text is refused in one line of words, or is an inventory whose JSON reads back as the same
 * JSON. json-c's reader, which takes more, must agree about what is taken.
 */
#include "snapshot/inventory-json.h"

#include <errno.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void require_one_line(const struct problem *problem)
{
	require(problem->text);
	for (const char *c = problem->text; *c; c++)
		require((uint8_t)*c >= ' ' && *c != 0x7f);
}

static void compare_readers(struct bytes text, struct json_object *object)
{
	struct json_tokener *tokener = json_tokener_new_ex(JSON_MAX_DEPTH + 1);
	struct json_object *theirs;

	if (!tokener)
		return;
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	theirs = json_tokener_parse_ex(tokener, text.data, (int)text.size);
	/* A bare number may go on, as far as it knows. */
	if (json_tokener_get_error(tokener) == json_tokener_continue)
		theirs = json_tokener_parse_ex(tokener, "", 1);
	require(json_tokener_get_error(tokener) == json_tokener_success);
	require(json_object_equal(object, theirs));
	(void)json_object_put(theirs);
	json_tokener_free(tokener);
}

static void render(const struct inventory *inventory, char **ret_text, size_t *ret_size)
{
	struct json_writer writer = { 0 };
	_cleanup_json_ struct json_object *object = json_add_object(&writer, NULL, NULL);

	inventory_to_json(inventory, &writer, object);
	require(json_render(&writer, object, ret_text, ret_size) == 0);
}

static void write_and_read_again(const struct inventory *inventory)
{
	_cleanup_free_ char *text = NULL, *text_again = NULL;
	struct inventory again = { 0 };
	size_t size, size_again;

	render(inventory, &text, &size);
	require(inventory_from_text(bytes_make(text, size), "again", &again, NULL) == 0);
	require(inventory_same_hardware(inventory, &again));
	render(&again, &text_again, &size_again);
	require(bytes_equal(bytes_make(text, size), bytes_make(text_again, size_again)));
	inventory_done(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct bytes text = bytes_make((const char *)data, size);
	_cleanup_json_ struct json_object *object = NULL;
	struct inventory inventory = { 0 };
	struct problem problem = { 0 };
	int r;

	r = json_parse(text, "input", &object, &problem);
	require(r == 0 || r == -EBADMSG);
	if (r == 0) {
		compare_readers(text, object);
		r = inventory_from_json(object, "input", &inventory, &problem);
	}
	if (r < 0)
		require_one_line(&problem);
	else
		write_and_read_again(&inventory);
	inventory_done(&inventory);
	problem_done(&problem);
	return 0;
}
