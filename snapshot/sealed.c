/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "snapshot/sealed.h"

#include <errno.h>
#include <inttypes.h>

#include "snapshot/basic/buffer.h"
#include "snapshot/basic/number.h"

#define DIGEST_DIGITS 16

/* What stands around the digest, from the comma to the end. */
static const struct {
	const char *before;
	const char *after;
} seals[_SEALED_FORM_MAX] = {
	[SEALED_FILE] = { ",\n  \"checksum\": \"fnv1a64:", "\"\n}\n" },
	[SEALED_LINE] = { ", \"checksum\": \"fnv1a64:", "\" }\n" },
};

/* Line breaks and indentation become one blank: there are none inside strings. */
static void append_as_line(struct buffer *line, struct bytes text)
{
	for (size_t i = 0; i < text.size; i++) {
		if (text.data[i] != '\n') {
			buffer_append_char(line, text.data[i]);
			continue;
		}
		buffer_append_char(line, ' ');
		while (i + 1 < text.size && text.data[i + 1] == ' ')
			i++;
	}
}

int sealed_render(const struct json_writer *writer, struct json_object *object,
		  enum sealed_form form, char **ret_text, size_t *ret_size)
{
	_cleanup_free_ char *text = NULL;
	struct buffer sealed = { 0 };
	struct bytes body;
	size_t size;
	int r;

	r = json_render(writer, object, &text, &size);
	if (r < 0)
		return r;
	body = bytes_make(text, size - strlen("\n}\n"));
	if (form == SEALED_LINE)
		append_as_line(&sealed, body);
	else
		buffer_append(&sealed, body);
	buffer_appendf(&sealed, "%s%016" PRIx64 "%s", seals[form].before,
		       bytes_digest(buffer_bytes(&sealed), BYTES_DIGEST_SEED), seals[form].after);
	r = buffer_finish(&sealed, ret_text, ret_size);
	buffer_done(&sealed);
	return r;
}

/* Whether the end of @text is @part; takes it off. */
static bool take_from_end(struct bytes *text, const char *part)
{
	size_t size = strlen(part);

	if (text->size < size || memcmp(text->data + text->size - size, part, size) != 0)
		return false;
	text->size -= size;
	return true;
}

static bool digest_is_written(struct bytes digits)
{
	for (size_t i = 0; i < digits.size; i++)
		if (number_hex_digit(digits.data[i]) < 0 ||
		    (digits.data[i] >= 'A' && digits.data[i] <= 'F'))
			return false;
	return true;
}

int sealed_check(struct bytes text, enum sealed_form form, struct bytes *ret_body)
{
	struct bytes body = text, digits;
	uint64_t digest;

	if (!take_from_end(&body, seals[form].after) || body.size < DIGEST_DIGITS)
		return -ENODATA;
	body.size -= DIGEST_DIGITS;
	digits = bytes_slice(body, body.size, DIGEST_DIGITS);
	if (!digest_is_written(digits) || !take_from_end(&body, seals[form].before))
		return -ENODATA;
	if (number_parse(digits, 16, UINT64_MAX, &digest) < 0 ||
	    digest != bytes_digest(body, BYTES_DIGEST_SEED))
		return -EBADMSG;
	*ret_body = body;
	return 0;
}

/* The number behind the slash when @schema is of the same kind as @wanted, else 0. */
static uint64_t schema_number(const char *schema, const char *wanted)
{
	size_t prefix = (size_t)(strrchr(wanted, '/') - wanted) + 1;
	uint64_t number;

	if (strncmp(schema, wanted, prefix) != 0 ||
	    number_parse(bytes_of(schema + prefix), 10, UINT32_MAX, &number) < 0)
		return 0;
	return number;
}

int sealed_check_schema(struct json_object *object, const char *file, const char *wanted,
			struct problem *problem)
{
	const struct json_place place = { .file = file };
	const char *schema;
	int r;

	r = json_get_string_required(object, "schema", &place, &schema, problem);
	if (r < 0)
		return r;
	if (strcmp(schema, wanted) == 0)
		return 0;
	if (schema_number(schema, wanted) > schema_number(wanted, wanted))
		return problem_set(problem, -EPROTONOSUPPORT, file, 0,
				   "was written by a later version of hwrecover (%s)", schema);
	return problem_set(problem, -EBADMSG, file, 0, "is not of the schema %s", wanted);
}

int sealed_parse(struct bytes text, enum sealed_form form, const char *file, const char *schema,
		 struct json_object **ret_object, struct problem *problem)
{
	_cleanup_json_ struct json_object *object = NULL;
	struct bytes body;
	int checked, r;

	checked = sealed_check(text, form, &body);
	if (checked == -EBADMSG)
		return problem_set(problem, -EBADMSG, file, 0,
				   "is damaged: its checksum does not fit");
	r = json_parse(text, file, &object, problem);
	if (r < 0)
		return r;
	if (!json_object_is_type(object, json_type_object))
		return problem_set(problem, -EBADMSG, file, 0, "is not a JSON object");
	/* A later version may close its files in another way, so this comes first. */
	r = schema ? sealed_check_schema(object, file, schema, problem) : 0;
	if (r < 0)
		return r;
	if (checked < 0)
		return problem_set(problem, -EBADMSG, file, 0, "is damaged: it has no checksum");
	*ret_object = TAKE_PTR(object);
	return 0;
}
