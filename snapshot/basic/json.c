/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * json-c holds the values; the text is read and written here. Its reader takes more than JSON even
 * when strict (see json.h), so a filter in front of it would have to know the whole grammar, and
 * keys can only be told apart once their escapes are read. Its writer goes on after a failed
 * allocation and returns a text with holes.
 */
#include "snapshot/basic/json.h"

#include <errno.h>
#include <limits.h>

#include "snapshot/basic/buffer.h"
#include "snapshot/basic/number.h"

/*
 * An empty object takes 2 bytes of text and some 800 of memory: the size of a text does not bound
 * what it grows to. A host with 4,000 functions has 80,000 values.
 */
#define JSON_MAX_VALUES (1U << 20)

struct json_reader {
	struct bytes text;
	size_t at;
	size_t n_values;
	unsigned int depth;
	const char *file;
	struct problem *problem;
};

static int read_value(struct json_reader *reader, struct json_object **ret_value);

/* Length of the UTF-8 sequence at the start (Unicode, table 3-7), 0 if there is none. */
static size_t utf8_length(struct bytes text)
{
	static const struct {
		uint8_t first, last, second_min, second_max, length;
	} forms[] = {
		{ 0x00, 0x7f, 0x00, 0x00, 1 }, { 0xc2, 0xdf, 0x80, 0xbf, 2 },
		{ 0xe0, 0xe0, 0xa0, 0xbf, 3 }, { 0xe1, 0xec, 0x80, 0xbf, 3 },
		{ 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 },
		{ 0xf0, 0xf0, 0x90, 0xbf, 4 }, { 0xf1, 0xf3, 0x80, 0xbf, 4 },
		{ 0xf4, 0xf4, 0x80, 0x8f, 4 },
	};
	uint8_t first = text.size ? (uint8_t)text.data[0] : 0xff;

	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		if (first < forms[i].first || first > forms[i].last)
			continue;
		if (text.size < forms[i].length)
			return 0;
		for (size_t k = 1; k < forms[i].length; k++) {
			uint8_t min = k == 1 ? forms[i].second_min : 0x80;
			uint8_t max = k == 1 ? forms[i].second_max : 0xbf;
			uint8_t byte = (uint8_t)text.data[k];

			if (byte < min || byte > max)
				return 0;
		}
		return forms[i].length;
	}
	return 0;
}

static void append_utf8(struct buffer *buffer, uint32_t point)
{
	if (point < 0x80) {
		buffer_append_char(buffer, (char)point);
		return;
	}
	if (point < 0x800) {
		buffer_append_char(buffer, (char)(0xc0 | (point >> 6)));
	} else {
		if (point < 0x10000) {
			buffer_append_char(buffer, (char)(0xe0 | (point >> 12)));
		} else {
			buffer_append_char(buffer, (char)(0xf0 | (point >> 18)));
			buffer_append_char(buffer, (char)(0x80 | ((point >> 12) & 0x3f)));
		}
		buffer_append_char(buffer, (char)(0x80 | ((point >> 6) & 0x3f)));
	}
	buffer_append_char(buffer, (char)(0x80 | (point & 0x3f)));
}

static int refuse_at(struct json_reader *reader, size_t offset, const char *what)
{
	unsigned int line = 1;

	for (size_t i = 0; i < offset; i++)
		line += reader->text.data[i] == '\n';
	return problem_set(reader->problem, -EBADMSG, reader->file, line, "%s", what);
}

static int refuse(struct json_reader *reader, const char *what)
{
	if (reader->at == reader->text.size)
		what = reader->text.size ? "the text ends too early" : "the file is empty";
	return refuse_at(reader, reader->at, what);
}

static int refuse_duplicate(struct json_reader *reader, size_t offset, const char *key)
{
	struct buffer what = { 0 };
	bool shown = true;
	int r;

	/* The key goes to a terminal. */
	for (const char *c = key; *c; c++)
		shown = shown && *c >= ' ' && *c <= '~' && c - key < 64;
	if (shown)
		buffer_appendf(&what, "duplicate key \"%s\"", key);
	r = refuse_at(reader, offset, shown && !what.failed ? what.data : "duplicate key");
	buffer_done(&what);
	return r;
}

/* The next byte, or -1 at the end. */
static int peek(const struct json_reader *reader)
{
	return reader->at < reader->text.size ? (uint8_t)reader->text.data[reader->at] : -1;
}

static bool take(struct json_reader *reader, char c)
{
	if (peek(reader) != c)
		return false;
	reader->at++;
	return true;
}

static void skip_space(struct json_reader *reader)
{
	while (take(reader, ' ') || take(reader, '\t') || take(reader, '\n') || take(reader, '\r'))
		;
}

static bool is_digit(int c)
{
	return c >= '0' && c <= '9';
}

static int read_hex4(struct json_reader *reader, uint32_t *ret_unit)
{
	uint32_t unit = 0;

	for (int i = 0; i < 4; i++) {
		int c = peek(reader);
		int digit = c < 0 ? -1 : number_hex_digit((char)c);

		if (digit < 0)
			return refuse(reader, "an escape needs four hexadecimal digits");
		unit = unit << 4 | (uint32_t)digit;
		reader->at++;
	}
	*ret_unit = unit;
	return 0;
}

/* Behind "\u". */
static int read_unicode_escape(struct json_reader *reader, struct buffer *string)
{
	uint32_t point, low;
	int r;

	r = read_hex4(reader, &point);
	if (r < 0)
		return r;
	if (point == 0)
		return refuse(reader, "a string holds a NUL");
	if (point >= 0xdc00 && point <= 0xdfff)
		return refuse(reader, "half a surrogate pair in a string");
	if (point >= 0xd800 && point <= 0xdbff) {
		if (!take(reader, '\\') || !take(reader, 'u'))
			return refuse(reader, "half a surrogate pair in a string");
		r = read_hex4(reader, &low);
		if (r < 0)
			return r;
		if (low < 0xdc00 || low > 0xdfff)
			return refuse(reader, "half a surrogate pair in a string");
		point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
	}
	append_utf8(string, point);
	return 0;
}

/* Behind the backslash. */
static int read_escape(struct json_reader *reader, struct buffer *string)
{
	static const char letters[] = "\"\\/bfnrt";
	static const char meanings[] = "\"\\/\b\f\n\r\t";
	int c = peek(reader);
	const char *letter;

	if (take(reader, 'u'))
		return read_unicode_escape(reader, string);
	letter = c > 0 ? strchr(letters, c) : NULL;
	if (!letter)
		return refuse(reader, "unknown escape in a string");
	reader->at++;
	buffer_append_char(string, meanings[letter - letters]);
	return 0;
}

/* Bytes that stand for themselves. */
static int read_plain(struct json_reader *reader, struct buffer *string)
{
	size_t start = reader->at;
	int c;

	while ((c = peek(reader)) >= ' ' && c != '"' && c != '\\') {
		struct bytes rest =
			bytes_slice(reader->text, reader->at, reader->text.size - reader->at);
		size_t length = utf8_length(rest);

		if (length == 0)
			return refuse(reader, "a string is not UTF-8");
		reader->at += length;
	}
	buffer_append(string, bytes_slice(reader->text, start, reader->at - start));
	return 0;
}

/* Behind the opening quote. */
static int read_string_into(struct json_reader *reader, struct buffer *string)
{
	int r;

	for (;;) {
		r = read_plain(reader, string);
		if (r < 0)
			return r;
		if (take(reader, '"'))
			return 0;
		if (!take(reader, '\\'))
			return refuse(reader, "a control character in a string");
		r = read_escape(reader, string);
		if (r < 0)
			return r;
	}
}

static int read_string(struct json_reader *reader, char **ret_text, size_t *ret_size)
{
	struct buffer string = { 0 };
	int r;

	r = read_string_into(reader, &string);
	if (r >= 0)
		r = buffer_finish(&string, ret_text, ret_size);
	buffer_done(&string);
	return r;
}

static int read_string_value(struct json_reader *reader, struct json_object **ret_value)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	int r;

	r = read_string(reader, &text, &size);
	if (r < 0)
		return r;
	/* No longer than the text, which json_parse() keeps within an int. */
	*ret_value = json_object_new_string_len(text, (int)size);
	return *ret_value ? 0 : -ENOMEM;
}

static bool skip_digits(struct json_reader *reader)
{
	size_t start = reader->at;

	while (is_digit(peek(reader)))
		reader->at++;
	return reader->at > start;
}

static int make_integer(struct json_reader *reader, struct bytes digits, bool negative,
			struct json_object **ret_value)
{
	uint64_t max = (uint64_t)INT64_MAX + negative, value;

	if (number_parse(digits, 10, max, &value) < 0)
		return refuse_at(reader, reader->at, "a number is out of range");
	*ret_value = json_object_new_int64(negative ? (int64_t)(0 - value) : (int64_t)value);
	return *ret_value ? 0 : -ENOMEM;
}

/* No key of ours holds a fraction; one under an unknown key is kept as it stands. */
static int make_fraction(struct bytes number, struct json_object **ret_value)
{
	_cleanup_free_ char *text = NULL;
	int r;

	r = bytes_duplicate(number, &text);
	if (r < 0)
		return r;
	*ret_value = json_object_new_double_s(strtod(text, NULL), text);
	return *ret_value ? 0 : -ENOMEM;
}

static int read_number(struct json_reader *reader, struct json_object **ret_value)
{
	size_t start = reader->at, digits;
	bool negative = take(reader, '-'), whole = true;

	digits = reader->at;
	if (!take(reader, '0') && !skip_digits(reader))
		return refuse(reader, "a number without digits");
	if (is_digit(peek(reader)))
		return refuse(reader, "a number with a leading zero");
	if (take(reader, '.')) {
		whole = false;
		if (!skip_digits(reader))
			return refuse(reader, "a number without digits behind the point");
	}
	if (take(reader, 'e') || take(reader, 'E')) {
		whole = false;
		if (!take(reader, '+'))
			(void)take(reader, '-');
		if (!skip_digits(reader))
			return refuse(reader, "a number without digits in its exponent");
	}
	if (!whole)
		return make_fraction(bytes_slice(reader->text, start, reader->at - start),
				     ret_value);
	return make_integer(reader, bytes_slice(reader->text, digits, reader->at - digits),
			    negative, ret_value);
}

static bool take_word(struct json_reader *reader, const char *word)
{
	struct bytes rest = bytes_slice(reader->text, reader->at, reader->text.size - reader->at);

	if (!bytes_start_with(rest, bytes_of(word)))
		return false;
	reader->at += strlen(word);
	return true;
}

static int read_word(struct json_reader *reader, struct json_object **ret_value)
{
	if (take_word(reader, "null")) {
		*ret_value = NULL;
		return 0;
	}
	if (take_word(reader, "true"))
		*ret_value = json_object_new_boolean(1);
	else if (take_word(reader, "false"))
		*ret_value = json_object_new_boolean(0);
	else
		return refuse(reader, "not a JSON value");
	return *ret_value ? 0 : -ENOMEM;
}

static int read_item(struct json_reader *reader, struct json_object *array)
{
	struct json_object *value;
	int r;

	r = read_value(reader, &value);
	if (r < 0)
		return r;
	if (json_object_array_add(array, value) < 0) {
		(void)json_object_put(value);
		return -ENOMEM;
	}
	return 0;
}

static int read_member(struct json_reader *reader, struct json_object *object)
{
	_cleanup_free_ char *key = NULL;
	struct json_object *value;
	size_t start = reader->at;
	int r;

	if (!take(reader, '"'))
		return refuse(reader, "a key must be a string");
	r = read_string(reader, &key, NULL);
	if (r < 0)
		return r;
	if (json_object_object_get_ex(object, key, NULL))
		return refuse_duplicate(reader, start, key);
	skip_space(reader);
	if (!take(reader, ':'))
		return refuse(reader, "a key without ':'");
	r = read_value(reader, &value);
	if (r < 0)
		return r;
	if (json_object_object_add_ex(object, key, value, JSON_C_OBJECT_ADD_KEY_IS_NEW) < 0) {
		(void)json_object_put(value);
		return -ENOMEM;
	}
	return 0;
}

/* Behind the opening bracket. */
static int read_container(struct json_reader *reader, bool is_object,
			  struct json_object **ret_value)
{
	_cleanup_json_ struct json_object *container = is_object ? json_object_new_object()
								 : json_object_new_array_ext(1);
	char end = is_object ? '}' : ']';
	int r;

	if (!container)
		return -ENOMEM;
	skip_space(reader);
	if (take(reader, end))
		goto finish;
	for (;;) {
		r = is_object ? read_member(reader, container) : read_item(reader, container);
		if (r < 0)
			return r;
		skip_space(reader);
		if (take(reader, end))
			break;
		if (!take(reader, ','))
			return refuse(reader,
				      is_object ? "expected ',' or '}'" : "expected ',' or ']'");
		skip_space(reader);
	}
finish:
	*ret_value = TAKE_PTR(container);
	return 0;
}

static int read_nested(struct json_reader *reader, bool is_object, struct json_object **ret_value)
{
	int r;

	if (reader->depth == JSON_MAX_DEPTH)
		return refuse_at(reader, reader->at, "nested too deeply");
	reader->depth++;
	r = read_container(reader, is_object, ret_value);
	reader->depth--;
	return r;
}

/* Blanks before it are skipped. Null is a NULL pointer. */
static int read_value(struct json_reader *reader, struct json_object **ret_value)
{
	skip_space(reader);
	if (++reader->n_values > JSON_MAX_VALUES)
		return refuse_at(reader, reader->at, "too many values");
	if (take(reader, '{'))
		return read_nested(reader, true, ret_value);
	if (take(reader, '['))
		return read_nested(reader, false, ret_value);
	if (take(reader, '"'))
		return read_string_value(reader, ret_value);
	if (peek(reader) == '-' || is_digit(peek(reader)))
		return read_number(reader, ret_value);
	return read_word(reader, ret_value);
}

int json_parse(struct bytes text, const char *file, struct json_object **ret_object,
	       struct problem *problem)
{
	_cleanup_json_ struct json_object *value = NULL;
	struct json_reader reader = { .text = text, .file = file, .problem = problem };
	int r;

	if (text.size > INT_MAX)
		return problem_set(problem, -EBADMSG, file, 0, "larger than 2 GiB");
	if (bytes_start_with(text, bytes_of("\xef\xbb\xbf")))
		return refuse_at(&reader, 0, "starts with a byte order mark");

	r = read_value(&reader, &value);
	if (r == -ENOMEM)
		return problem_set_errno(problem, r, file, "read");
	if (r < 0)
		return r;
	skip_space(&reader);
	if (reader.at < text.size)
		return refuse_at(&reader, reader.at, "more text behind the value");
	*ret_object = TAKE_PTR(value);
	return 0;
}

/* Which value a problem is about: "pci[3].address", or "nics[0]" for an item. */
struct json_name {
	const struct json_place *place;
	const char *key;
	size_t index;
};

static int refuse_value(const struct json_name *name, struct problem *problem, const char *what)
{
	const char *where = name->place->where ? name->place->where : "";

	if (!name->key)
		return problem_set(problem, -EBADMSG, name->place->file, 0, "%s[%zu]: %s", where,
				   name->index, what);
	return problem_set(problem, -EBADMSG, name->place->file, 0, "%s%s%s: %s", where,
			   *where ? "." : "", name->key, what);
}

int json_refuse(const struct json_place *place, const char *key, const char *what,
		struct problem *problem)
{
	const struct json_name name = { .place = place, .key = key };

	return refuse_value(&name, problem, what);
}

static int check_type(struct json_object *value, enum json_type type, const struct json_name *name,
		      struct problem *problem)
{
	static const char *const wanted[] = {
		[json_type_boolean] = "must be true or false",
		[json_type_int] = "must be an integer",
		[json_type_object] = "must be an object",
		[json_type_array] = "must be an array",
		[json_type_string] = "must be a string",
	};

	return json_object_is_type(value, type) ? 0 : refuse_value(name, problem, wanted[type]);
}

/* 1 with a value of the type, 0 when it is missing or null. */
static int get_member(struct json_object *object, const struct json_name *name, enum json_type type,
		      struct json_object **ret_value, struct problem *problem)
{
	struct json_object *value;
	int r;

	if (!json_object_object_get_ex(object, name->key, &value) || !value)
		return 0;
	r = check_type(value, type, name, problem);
	if (r < 0)
		return r;
	*ret_value = value;
	return 1;
}

static int get_item(struct json_object *array, const struct json_name *name, enum json_type type,
		    struct json_object **ret_value, struct problem *problem)
{
	struct json_object *value = json_object_array_get_idx(array, name->index);
	int r;

	r = check_type(value, type, name, problem);
	if (r < 0)
		return r;
	*ret_value = value;
	return 0;
}

int json_get_string(struct json_object *object, const char *key, const struct json_place *place,
		    const char **ret, struct problem *problem)
{
	const struct json_name name = { .place = place, .key = key };
	struct json_object *value;
	int r;

	r = get_member(object, &name, json_type_string, &value, problem);
	if (r > 0)
		*ret = json_object_get_string(value);
	return r;
}

int json_get_string_required(struct json_object *object, const char *key,
			     const struct json_place *place, const char **ret,
			     struct problem *problem)
{
	const struct json_name name = { .place = place, .key = key };
	int r;

	r = json_get_string(object, key, place, ret, problem);
	if (r == 0)
		return refuse_value(&name, problem, "is missing");
	return r < 0 ? r : 0;
}

int json_get_integer(struct json_object *object, const char *key, const struct json_place *place,
		     int64_t min, int64_t max, int64_t *ret, struct problem *problem)
{
	const struct json_name name = { .place = place, .key = key };
	struct json_object *value;
	int64_t number;
	int r;

	r = get_member(object, &name, json_type_int, &value, problem);
	if (r <= 0)
		return r;
	number = json_object_get_int64(value);
	if (number < min || number > max)
		return refuse_value(&name, problem, "is out of range");
	*ret = number;
	return 1;
}

int json_get_bool(struct json_object *object, const char *key, const struct json_place *place,
		  bool *ret, struct problem *problem)
{
	const struct json_name name = { .place = place, .key = key };
	struct json_object *value;
	int r;

	r = get_member(object, &name, json_type_boolean, &value, problem);
	if (r > 0)
		*ret = json_object_get_boolean(value);
	return r;
}

int json_get_array(struct json_object *object, const char *key, const struct json_place *place,
		   struct json_object **ret, struct problem *problem)
{
	const struct json_name name = { .place = place, .key = key };

	return get_member(object, &name, json_type_array, ret, problem);
}

int json_get_object(struct json_object *object, const char *key, const struct json_place *place,
		    struct json_object **ret, struct problem *problem)
{
	const struct json_name name = { .place = place, .key = key };

	return get_member(object, &name, json_type_object, ret, problem);
}

int json_item_object(struct json_object *array, size_t index, const struct json_place *place,
		     struct json_object **ret, struct problem *problem)
{
	const struct json_name name = { .place = place, .index = index };

	return get_item(array, &name, json_type_object, ret, problem);
}

int json_item_string(struct json_object *array, size_t index, const struct json_place *place,
		     const char **ret, struct problem *problem)
{
	const struct json_name name = { .place = place, .index = index };
	struct json_object *value;
	int r;

	r = get_item(array, &name, json_type_string, &value, problem);
	if (r == 0)
		*ret = json_object_get_string(value);
	return r;
}

int json_item_integer(struct json_object *array, size_t index, const struct json_place *place,
		      int64_t min, int64_t max, int64_t *ret, struct problem *problem)
{
	const struct json_name name = { .place = place, .index = index };
	struct json_object *value;
	int64_t number;
	int r;

	r = get_item(array, &name, json_type_int, &value, problem);
	if (r < 0)
		return r;
	number = json_object_get_int64(value);
	if (number < min || number > max)
		return refuse_value(&name, problem, "is out of range");
	*ret = number;
	return 0;
}

/* Hands @value, which is NULL when there was no memory for it, to its parent. */
static struct json_object *add_value(struct json_writer *writer, struct json_object *parent,
				     const char *key, struct json_object *value)
{
	int r;

	if (!value)
		goto fail;
	if (!parent)
		return value;
	r = key ? json_object_object_add(parent, key, value) : json_object_array_add(parent, value);
	if (r == 0)
		return value;
	(void)json_object_put(value);
fail:
	writer->failed = true;
	return NULL;
}

struct json_object *json_add_object(struct json_writer *writer, struct json_object *parent,
				    const char *key)
{
	return writer->failed ? NULL : add_value(writer, parent, key, json_object_new_object());
}

struct json_object *json_add_array(struct json_writer *writer, struct json_object *parent,
				   const char *key)
{
	return writer->failed ? NULL : add_value(writer, parent, key, json_object_new_array_ext(1));
}

void json_add_string(struct json_writer *writer, struct json_object *parent, const char *key,
		     const char *value)
{
	if (value)
		json_add_bytes(writer, parent, key, bytes_of(value));
	else
		json_add_null(writer, parent, key);
}

static bool is_text(struct bytes value)
{
	for (size_t i = 0, length; i < value.size; i += length) {
		length = utf8_length(bytes_slice(value, i, value.size - i));
		if (length == 0 || value.data[i] == '\0')
			return false;
	}
	return true;
}

static void add_text(struct json_writer *writer, struct json_object *parent, const char *key,
		     struct bytes value)
{
	if (writer->failed)
		return;
	if (value.size > INT_MAX) {
		writer->failed = true;
		return;
	}
	(void)add_value(writer, parent, key,
			json_object_new_string_len(value.size ? value.data : "", (int)value.size));
}

void json_add_bytes(struct json_writer *writer, struct json_object *parent, const char *key,
		    struct bytes value)
{
	struct buffer text = { 0 };

	if (is_text(value)) {
		add_text(writer, parent, key, value);
		return;
	}
	for (size_t i = 0, length; i < value.size; i += length) {
		struct bytes rest = bytes_slice(value, i, value.size - i);

		length = rest.data[0] == '\0' ? 0 : utf8_length(rest);
		if (length) {
			buffer_append(&text, bytes_slice(rest, 0, length));
		} else {
			buffer_append_text(&text, "\xef\xbf\xbd");
			length = 1;
		}
	}
	writer->failed = writer->failed || text.failed;
	add_text(writer, parent, key, buffer_bytes(&text));
	buffer_done(&text);
}

void json_add_integer(struct json_writer *writer, struct json_object *parent, const char *key,
		      int64_t value)
{
	if (!writer->failed)
		(void)add_value(writer, parent, key, json_object_new_int64(value));
}

void json_add_bool(struct json_writer *writer, struct json_object *parent, const char *key,
		   bool value)
{
	if (!writer->failed)
		(void)add_value(writer, parent, key, json_object_new_boolean(value));
}

void json_add_null(struct json_writer *writer, struct json_object *parent, const char *key)
{
	int r;

	if (writer->failed)
		return;
	r = key ? json_object_object_add(parent, key, NULL) : json_object_array_add(parent, NULL);
	if (r < 0)
		writer->failed = true;
}

static void render_string(struct buffer *out, struct bytes text)
{
	size_t start = 0;

	buffer_append_char(out, '"');
	for (size_t i = 0; i < text.size; i++) {
		char c = text.data[i];

		if (c != '"' && c != '\\' && (uint8_t)c >= ' ' && c != '\x7f')
			continue;
		buffer_append(out, bytes_slice(text, start, i - start));
		start = i + 1;
		if (c == '\n')
			buffer_append_text(out, "\\n");
		else if (c == '\t')
			buffer_append_text(out, "\\t");
		else if (c == '"' || c == '\\')
			buffer_appendf(out, "\\%c", c);
		else
			buffer_appendf(out, "\\u%04x", (unsigned int)(uint8_t)c);
	}
	buffer_append(out, bytes_slice(text, start, text.size - start));
	buffer_append_char(out, '"');
}

static void render_indent(struct buffer *out, unsigned int level)
{
	buffer_append_char(out, '\n');
	for (unsigned int i = 0; i < level; i++)
		buffer_append_text(out, "  ");
}

static void render_value(struct buffer *out, struct json_object *value, unsigned int level);

static void render_object(struct buffer *out, struct json_object *object, unsigned int level)
{
	bool first = true;

	json_object_object_foreach(object, key, value)
	{
		buffer_append_text(out, first ? "{" : ",");
		render_indent(out, level + 1);
		render_string(out, bytes_of(key));
		buffer_append_text(out, ": ");
		render_value(out, value, level + 1);
		first = false;
	}
	if (first)
		buffer_append_char(out, '{');
	else
		render_indent(out, level);
	buffer_append_char(out, '}');
}

static bool is_container(struct json_object *value)
{
	return json_object_is_type(value, json_type_object) ||
	       json_object_is_type(value, json_type_array);
}

/* Words and numbers stand on one line, anything larger on lines of its own. */
static void render_array(struct buffer *out, struct json_object *array, unsigned int level)
{
	size_t n = json_object_array_length(array);
	bool lines = n > 0 && is_container(json_object_array_get_idx(array, 0));

	buffer_append_char(out, '[');
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			buffer_append_text(out, lines ? "," : ", ");
		if (lines)
			render_indent(out, level + 1);
		render_value(out, json_object_array_get_idx(array, i), level + 1);
	}
	if (lines)
		render_indent(out, level);
	buffer_append_char(out, ']');
}

static void render_value(struct buffer *out, struct json_object *value, unsigned int level)
{
	switch (json_object_get_type(value)) {
	case json_type_null:
		buffer_append_text(out, "null");
		break;
	case json_type_boolean:
		buffer_append_text(out, json_object_get_boolean(value) ? "true" : "false");
		break;
	case json_type_int:
		buffer_appendf(out, "%lld", (long long)json_object_get_int64(value));
		break;
	case json_type_double:
		/* Only what json_parse() read, which kept the text. */
		buffer_append_text(out, json_object_get_string(value));
		break;
	case json_type_string:
		render_string(out, bytes_make(json_object_get_string(value),
					      (size_t)json_object_get_string_len(value)));
		break;
	case json_type_array:
		render_array(out, value, level);
		break;
	case json_type_object:
		render_object(out, value, level);
		break;
	}
}

int json_render(const struct json_writer *writer, struct json_object *object, char **ret_text,
		size_t *ret_size)
{
	struct buffer out = { 0 };
	int r;

	if (writer->failed)
		return -ENOMEM;
	render_value(&out, object, 0);
	buffer_append_char(&out, '\n');
	r = buffer_finish(&out, ret_text, ret_size);
	buffer_done(&out);
	return r;
}

#define LATIN1_SUFFIX ".latin1"

static int latin1_key(const char *key, char **ret_key)
{
	struct buffer name = { 0 };
	int r;

	buffer_appendf(&name, "%s" LATIN1_SUFFIX, key);
	r = buffer_finish(&name, ret_key, NULL);
	buffer_done(&name);
	return r;
}

void json_add_content(struct json_writer *writer, struct json_object *parent, const char *key,
		      struct bytes value)
{
	_cleanup_free_ char *name = NULL;
	struct buffer text = { 0 };

	if (is_text(value)) {
		add_text(writer, parent, key, value);
		return;
	}
	for (size_t i = 0; i < value.size; i++)
		append_utf8(&text, (uint8_t)value.data[i]);
	if (text.failed || memchr(value.data, '\0', value.size) || latin1_key(key, &name) < 0)
		writer->failed = true;
	else
		add_text(writer, parent, name, buffer_bytes(&text));
	buffer_done(&text);
}

/* Each character back to the byte of its number, in place of the text. */
static int decode_latin1(struct bytes text, struct buffer *out)
{
	for (size_t i = 0, length; i < text.size; i += length) {
		uint8_t first = (uint8_t)text.data[i];

		length = utf8_length(bytes_slice(text, i, text.size - i));
		if (length == 1)
			buffer_append_char(out, text.data[i]);
		else if (length == 2 && first <= 0xc3)
			buffer_append_char(out,
					   (char)((first & 3) << 6 | (text.data[i + 1] & 0x3f)));
		else
			return -EBADMSG;
	}
	return 0;
}

static int get_latin1(struct json_object *object, const char *key, const struct json_place *place,
		      char **ret, size_t *ret_size, struct problem *problem)
{
	const struct json_name name = { .place = place, .key = key };
	struct buffer out = { 0 };
	const char *text;
	int r;

	r = json_get_string(object, key, place, &text, problem);
	if (r <= 0)
		return r;
	r = decode_latin1(bytes_of(text), &out);
	if (r < 0)
		r = refuse_value(&name, problem, "holds more than bytes");
	else
		r = buffer_finish(&out, ret, ret_size);
	buffer_done(&out);
	return r < 0 ? r : 1;
}

int json_get_content(struct json_object *object, const char *key, const struct json_place *place,
		     char **ret, size_t *ret_size, struct problem *problem)
{
	const struct json_name name = { .place = place, .key = key };
	_cleanup_free_ char *other_key = NULL;
	const char *text;
	int r;

	r = latin1_key(key, &other_key);
	if (r < 0)
		return r;
	r = json_get_string(object, key, place, &text, problem);
	if (r < 0)
		return r;
	if (r == 0)
		return get_latin1(object, other_key, place, ret, ret_size, problem);
	if (json_object_object_get_ex(object, other_key, NULL))
		return refuse_value(&name, problem, "stands here in two encodings");
	r = bytes_duplicate(bytes_of(text), ret);
	if (r < 0)
		return r;
	*ret_size = strlen(text);
	return 1;
}
