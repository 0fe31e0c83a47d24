/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "snapshot/basic/json.h"

#include <check.h>
#include <errno.h>

#include "snapshot/basic/buffer.h"

static const struct json_place top = { .file = "f.json" };

static struct json_object *parse(const char *text)
{
	struct problem problem = { 0 };
	struct json_object *object = NULL;
	int r = json_parse(bytes_of(text), "f.json", &object, &problem);

	ck_assert_msg(r == 0, "refused %s: %s", text, problem.text);
	ck_assert_ptr_null(problem.text);
	return object;
}

/* What is said about a text that must be refused. */
static void assert_refused_bytes(struct bytes text, const char *expected)
{
	struct problem problem = { 0 };
	struct json_object *object = NULL;

	ck_assert_msg(json_parse(text, "f.json", &object, &problem) == -EBADMSG, "took %.*s",
		      (int)MIN_OF(text.size, (size_t)200), text.data);
	ck_assert_ptr_null(object);
	ck_assert_str_eq(problem.text, expected);
	problem_done(&problem);
}

static void assert_refused(const char *text, const char *expected)
{
	assert_refused_bytes(bytes_of(text), expected);
}

START_TEST(reads_every_kind_of_value)
{
	_cleanup_json_ struct json_object *object =
		parse(" { \"s\" : \"x\" , \"i\": -12,\t\"t\": true, \"f\": false,\r\n \"n\": null,"
		      "\"a\": [ 1, [ ] ], \"o\": { } } \n");
	struct json_object *value;
	const char *text;
	int64_t number;
	bool flag = false;

	ck_assert_int_eq(json_get_string(object, "s", &top, &text, NULL), 1);
	ck_assert_str_eq(text, "x");
	ck_assert_int_eq(json_get_integer(object, "i", &top, INT64_MIN, 0, &number, NULL), 1);
	ck_assert_int_eq(number, -12);
	ck_assert_int_eq(json_get_bool(object, "t", &top, &flag, NULL), 1);
	ck_assert(flag);
	ck_assert_int_eq(json_get_bool(object, "f", &top, &flag, NULL), 1);
	ck_assert(!flag);
	ck_assert_int_eq(json_get_array(object, "a", &top, &value, NULL), 1);
	ck_assert_uint_eq(json_object_array_length(value), 2);
	ck_assert_int_eq(json_get_object(object, "o", &top, &value, NULL), 1);
	ck_assert_int_eq(json_object_object_length(value), 0);
}
END_TEST

START_TEST(a_document_may_be_a_bare_value)
{
	_cleanup_json_ struct json_object *number = parse("7"), *text = parse("\"\""),
					  *nothing = parse(" null ");

	ck_assert_int_eq(json_object_get_int64(number), 7);
	ck_assert_str_eq(json_object_get_string(text), "");
	ck_assert_ptr_null(nothing);
}
END_TEST

START_TEST(escapes_become_what_they_stand_for)
{
	_cleanup_json_ struct json_object *text =
		parse("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00e9\\u20AC\\ud83d\\uDE00\"");

	ck_assert_str_eq(json_object_get_string(text),
			 "\"\\/\b\f\n\r\tA\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
}
END_TEST

START_TEST(the_first_and_last_of_every_kind_of_escape_are_read)
{
	_cleanup_json_ struct json_object *text = parse(
		"\"\\u0001\\u007f\\u0080\\u07ff\\u0800\\ud7ff\\ue000\\uffff\\ud800\\udc00\\udbff\\udfff\"");

	ck_assert_str_eq(json_object_get_string(text),
			 "\x01\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf"
			 "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf");
}
END_TEST

START_TEST(integers_of_64_bits_are_exact)
{
	_cleanup_json_ struct json_object *max = parse("9223372036854775807"),
					  *min = parse("-9223372036854775808"), *zero = parse("-0");

	ck_assert(json_object_get_int64(max) == INT64_MAX);
	ck_assert(json_object_get_int64(min) == INT64_MIN);
	ck_assert(json_object_get_int64(zero) == 0);
	assert_refused("9223372036854775808", "f.json:1: a number is out of range");
	assert_refused("-9223372036854775809", "f.json:1: a number is out of range");
	assert_refused("18446744073709551616", "f.json:1: a number is out of range");
}
END_TEST

START_TEST(problems_name_file_and_line)
{
	assert_refused("{\n\"a\": 1,\n\"b\": x\n}", "f.json:3: not a JSON value");
	assert_refused("[1]\n\n]", "f.json:3: more text behind the value");
}
END_TEST

START_TEST(refuses_a_key_that_occurs_twice)
{
	assert_refused("{\n\"a\": 1,\n\"a\": 2 }", "f.json:3: duplicate key \"a\"");
	assert_refused("{ \"a\": null, \"a\": null }", "f.json:1: duplicate key \"a\"");
	assert_refused("[ { \"b\": { \"a\": 1, \"\\u0061\": 2 } } ]",
		       "f.json:1: duplicate key \"a\"");
}
END_TEST

START_TEST(a_duplicate_key_cannot_steer_a_terminal)
{
	assert_refused("{ \"\\u001b[2J\": 1, \"\\u001b[2J\": 2 }", "f.json:1: duplicate key");
	assert_refused("{ \"a\\nb\": 1, \"a\\nb\": 2 }", "f.json:1: duplicate key");
}
END_TEST

START_TEST(one_key_in_two_objects_is_no_duplicate)
{
	_cleanup_json_ struct json_object *array = parse("[{\"a\":1},{\"a\":{\"a\":2}}]");

	ck_assert_uint_eq(json_object_array_length(array), 2);
}
END_TEST

START_TEST(refuses_text_that_ends_too_early)
{
	static const char whole[] = "{ \"a\" : [ true , -1.5e+3 , \"\\u00e9\\n\" , null ] }";

	assert_refused("", "f.json:1: the file is empty");
	assert_refused(" [1,\n", "f.json:2: the text ends too early");
	for (size_t size = 1; size < sizeof(whole) - 1; size++) {
		struct problem problem = { 0 };
		struct json_object *object = NULL;

		ck_assert_int_eq(json_parse(bytes_make(whole, size), "f", &object, &problem),
				 -EBADMSG);
		ck_assert_ptr_null(object);
		ck_assert_ptr_nonnull(problem.text);
		problem_done(&problem);
	}
}
END_TEST

START_TEST(refuses_what_json_c_would_let_pass)
{
	assert_refused("'a'", "f.json:1: not a JSON value");
	assert_refused("{'a':1}", "f.json:1: a key must be a string");
	assert_refused("NaN", "f.json:1: not a JSON value");
	assert_refused("-NaN", "f.json:1: a number without digits");
	assert_refused("Infinity", "f.json:1: not a JSON value");
	assert_refused("-Infinity", "f.json:1: a number without digits");
	assert_refused("\"a\nb\"", "f.json:1: a control character in a string");
	assert_refused("\"a\tb\"", "f.json:1: a control character in a string");
	assert_refused("\"\\u0000\"", "f.json:1: a string holds a NUL");
	assert_refused("{\"a\\u0000b\":1}", "f.json:1: a string holds a NUL");
	assert_refused("\"\\ud83d\"", "f.json:1: half a surrogate pair in a string");
	assert_refused("\"\\ud83d\\u0041\"", "f.json:1: half a surrogate pair in a string");
	assert_refused("\"\\ude00\"", "f.json:1: half a surrogate pair in a string");
	assert_refused("\"\\ud800\"", "f.json:1: half a surrogate pair in a string");
	assert_refused("\"\\ud83d\\ue000\"", "f.json:1: half a surrogate pair in a string");
	assert_refused("-01", "f.json:1: a number with a leading zero");
	assert_refused("\xef\xbb\xbf{}", "f.json:1: starts with a byte order mark");
}
END_TEST

START_TEST(refuses_what_is_not_json)
{
	static const char *const bad[] = {
		"{} {}",     "[1,]",        "[,1]",    "[1 2]",      "{\"a\":1,}", "{\"a\" 1}",
		"{a:1}",     "{\"a\":}",    "01",      "-01",        "1.",         ".5",
		"+1",        "1e",          "1e+",     "-",          "0x10",       "True",
		"nul",       "nullx",       "/**/1",   "1 // x",     "# x",        "\"\\x41\"",
		"\"\\u12\"", "\"\\u00g0\"", "\"\\'\"", "undefined",  "[1}",        "{]",
		"\"a",       "]",           "\v1",     "\xc2\xa0[]", "\"\x01\"",   "--1",
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct problem problem = { 0 };
		struct json_object *object = NULL;

		ck_assert_msg(json_parse(bytes_of(bad[i]), "f", &object, &problem) == -EBADMSG,
			      "took %s", bad[i]);
		ck_assert_ptr_nonnull(problem.text);
		problem_done(&problem);
	}
}
END_TEST

START_TEST(refuses_nul_bytes_wherever_they_stand)
{
	assert_refused_bytes(bytes_make("\0", 1), "f.json:1: not a JSON value");
	assert_refused_bytes(bytes_make("1\0", 2), "f.json:1: more text behind the value");
	assert_refused_bytes(bytes_make("\"a\0b\"", 5),
			     "f.json:1: a control character in a string");
	assert_refused_bytes(bytes_make("[1,\0]", 5), "f.json:1: not a JSON value");
}
END_TEST

START_TEST(refuses_strings_that_are_not_utf8)
{
	static const char *const bad[] = {
		"\"\x80\"",
		"\"\xc0\xaf\"",
		"\"\xc1\xbf\"",
		"\"\xe0\x9f\x80\"",
		"\"\xed\xa0\x80\"",
		"\"\xf0\x8f\x80\x80\"",
		"\"\xf4\x90\x80\x80\"",
		"\"\xf5\x80\"",
		"\"\xff\"",
		"\"\xc3\"",
		"\"\xe2\x82\"",
		"\"\xe2\x28\xa1\"",
	};
	static const char *const good[] = {
		"\"\x7f\"",
		"\"\xc2\x80\"",
		"\"\xdf\xbf\"",
		"\"\xe0\xa0\x80\"",
		"\"\xed\x9f\xbf\"",
		"\"\xef\xbf\xbf\"",
		"\"\xf0\x90\x80\x80\"",
		"\"\xf4\x8f\xbf\xbf\"",
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_refused(bad[i], "f.json:1: a string is not UTF-8");
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		_cleanup_json_ struct json_object *text = parse(good[i]);

		ck_assert_uint_eq((size_t)json_object_get_string_len(text), strlen(good[i]) - 2);
	}
}
END_TEST

static char *nested(size_t depth, const char *open, const char *close)
{
	struct buffer text = { 0 };
	char *result = NULL;

	for (size_t i = 0; i < depth; i++)
		buffer_append_text(&text, open);
	buffer_append_text(&text, "1");
	for (size_t i = 0; i < depth; i++)
		buffer_append_text(&text, close);
	ck_assert_int_eq(buffer_finish(&text, &result, NULL), 0);
	return result;
}

START_TEST(depth_has_a_limit)
{
	_cleanup_free_ char *deepest = nested(JSON_MAX_DEPTH, "[", "]");
	_cleanup_free_ char *deeper = nested(JSON_MAX_DEPTH + 1, "{\"a\":", "}");
	_cleanup_free_ char *hostile = nested(1000000, "[", "]");
	_cleanup_json_ struct json_object *object = parse(deepest);

	ck_assert_ptr_nonnull(object);
	assert_refused(deeper, "f.json:1: nested too deeply");
	assert_refused(hostile, "f.json:1: nested too deeply");
}
END_TEST

START_TEST(siblings_do_not_count_as_depth)
{
	struct buffer text = { 0 };

	buffer_append_text(&text, "[0");
	for (int i = 0; i < 1000; i++)
		buffer_append_text(&text, ",[],{}");
	buffer_append_text(&text, "]");
	{
		_cleanup_json_ struct json_object *array = parse(text.data);

		ck_assert_uint_eq(json_object_array_length(array), 2001);
	}
	buffer_done(&text);
}
END_TEST

START_TEST(values_have_a_limit)
{
	struct buffer text = { 0 };

	buffer_append_char(&text, '[');
	for (int i = 0; i < 1 << 20; i++)
		buffer_append_text(&text, "1,");
	buffer_append_text(&text, "1]");
	assert_refused(text.data, "f.json:1: too many values");
	buffer_done(&text);
}
END_TEST

START_TEST(fractions_are_kept_but_are_no_integers)
{
	_cleanup_json_ struct json_object *object = parse("{\"a\":1.50,\"b\":1e2,\"c\":-0.0E-1}");
	struct json_writer writer = { 0 };
	struct problem problem = { 0 };
	_cleanup_free_ char *text = NULL;
	int64_t value = 7;

	ck_assert_int_eq(json_get_integer(object, "b", &top, 0, 1000, &value, &problem), -EBADMSG);
	ck_assert_str_eq(problem.text, "f.json: b: must be an integer");
	ck_assert_int_eq(value, 7);
	problem_done(&problem);
	ck_assert_int_eq(json_render(&writer, object, &text, NULL), 0);
	ck_assert_str_eq(text, "{\n  \"a\": 1.50,\n  \"b\": 1e2,\n  \"c\": -0.0E-1\n}\n");
}
END_TEST

START_TEST(missing_and_null_are_the_same)
{
	_cleanup_json_ struct json_object *object = parse("{\"a\":null}");
	static const char *const keys[] = { "a", "b" };
	struct json_object *value = object;
	const char *text = "kept";
	int64_t number = 7;
	bool flag = true;

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		ck_assert_int_eq(json_get_string(object, keys[i], &top, &text, NULL), 0);
		ck_assert_int_eq(json_get_integer(object, keys[i], &top, 0, 1, &number, NULL), 0);
		ck_assert_int_eq(json_get_bool(object, keys[i], &top, &flag, NULL), 0);
		ck_assert_int_eq(json_get_array(object, keys[i], &top, &value, NULL), 0);
		ck_assert_int_eq(json_get_object(object, keys[i], &top, &value, NULL), 0);
	}
	ck_assert_str_eq(text, "kept");
	ck_assert_int_eq(number, 7);
	ck_assert(flag);
	ck_assert_ptr_eq(value, object);
}
END_TEST

START_TEST(a_required_string_must_be_there)
{
	_cleanup_json_ struct json_object *object = parse("{\"a\":null,\"b\":\"x\"}");
	const struct json_place place = { .file = "f.json", .where = "pci[3]" };
	struct problem problem = { 0 };
	const char *text = NULL;

	ck_assert_int_eq(json_get_string_required(object, "b", &place, &text, &problem), 0);
	ck_assert_str_eq(text, "x");
	ck_assert_int_eq(json_get_string_required(object, "a", &place, &text, &problem), -EBADMSG);
	ck_assert_str_eq(problem.text, "f.json: pci[3].a: is missing");
	problem_done(&problem);
	ck_assert_int_eq(json_get_string_required(object, "c", &place, &text, NULL), -EBADMSG);
	ck_assert_str_eq(text, "x");
}
END_TEST

START_TEST(no_accessor_converts_another_type)
{
	static const char text[] = "{\"string\":\"1\",\"integer\":1,\"bool\":true,\"array\":[1],"
				   "\"object\":{},\"fraction\":1.5}";
	_cleanup_json_ struct json_object *object = parse(text);
	struct json_object *value;
	const char *string;
	int64_t integer;
	bool flag;

	json_object_object_foreach(object, key, unused)
	{
		(void)unused;
		ck_assert_int_eq(json_get_string(object, key, &top, &string, NULL),
				 strcmp(key, "string") == 0 ? 1 : -EBADMSG);
		ck_assert_int_eq(json_get_integer(object, key, &top, 0, 9, &integer, NULL),
				 strcmp(key, "integer") == 0 ? 1 : -EBADMSG);
		ck_assert_int_eq(json_get_bool(object, key, &top, &flag, NULL),
				 strcmp(key, "bool") == 0 ? 1 : -EBADMSG);
		ck_assert_int_eq(json_get_array(object, key, &top, &value, NULL),
				 strcmp(key, "array") == 0 ? 1 : -EBADMSG);
		ck_assert_int_eq(json_get_object(object, key, &top, &value, NULL),
				 strcmp(key, "object") == 0 ? 1 : -EBADMSG);
	}
}
END_TEST

START_TEST(integers_have_a_range)
{
	_cleanup_json_ struct json_object *object = parse("{\"a\":10,\"b\":-1}");
	struct problem problem = { 0 };
	int64_t value = 7;

	ck_assert_int_eq(json_get_integer(object, "a", &top, 0, 10, &value, NULL), 1);
	ck_assert_int_eq(value, 10);
	ck_assert_int_eq(json_get_integer(object, "a", &top, 0, 9, &value, &problem), -EBADMSG);
	ck_assert_str_eq(problem.text, "f.json: a: is out of range");
	ck_assert_int_eq(json_get_integer(object, "b", &top, 0, 9, &value, NULL), -EBADMSG);
	ck_assert_int_eq(value, 10);
	problem_done(&problem);
}
END_TEST

START_TEST(items_are_named_by_their_index)
{
	_cleanup_json_ struct json_object *array = parse("[{}, \"x\", null]");
	const struct json_place place = { .file = "f.json", .where = "pci" };
	struct problem problem = { 0 };
	struct json_object *value;
	const char *text;

	ck_assert_int_eq(json_item_object(array, 0, &place, &value, &problem), 0);
	ck_assert_int_eq(json_item_string(array, 1, &place, &text, &problem), 0);
	ck_assert_str_eq(text, "x");
	ck_assert_int_eq(json_item_object(array, 1, &place, &value, &problem), -EBADMSG);
	ck_assert_str_eq(problem.text, "f.json: pci[1]: must be an object");
	problem_done(&problem);
	ck_assert_int_eq(json_item_string(array, 2, &place, &text, &problem), -EBADMSG);
	ck_assert_str_eq(problem.text, "f.json: pci[2]: must be a string");
	problem_done(&problem);
}
END_TEST

START_TEST(items_may_be_integers_of_a_range)
{
	_cleanup_json_ struct json_object *array = parse("[0, 9, -1, 10, \"7\", 7.0, null]");
	const struct json_place place = { .file = "f.json", .where = "units" };
	struct problem problem = { 0 };
	int64_t value = 7;

	ck_assert_int_eq(json_item_integer(array, 0, &place, 0, 9, &value, NULL), 0);
	ck_assert_int_eq(value, 0);
	ck_assert_int_eq(json_item_integer(array, 1, &place, 0, 9, &value, NULL), 0);
	ck_assert_int_eq(value, 9);
	ck_assert_int_eq(json_item_integer(array, 2, &place, -1, -1, &value, NULL), 0);
	ck_assert_int_eq(value, -1);
	ck_assert_int_eq(json_item_integer(array, 3, &place, 0, 9, &value, &problem), -EBADMSG);
	ck_assert_str_eq(problem.text, "f.json: units[3]: is out of range");
	problem_done(&problem);
	ck_assert_int_eq(json_item_integer(array, 2, &place, 0, 9, &value, NULL), -EBADMSG);
	/* Of no unit at all there is none to be named. */
	ck_assert_int_eq(json_item_integer(array, 0, &place, 0, -1, &value, NULL), -EBADMSG);
	for (size_t i = 4; i < 8; i++) {
		ck_assert_int_eq(json_item_integer(array, i, &place, 0, 9, &value, &problem),
				 -EBADMSG);
		ck_assert_ptr_nonnull(strstr(problem.text, "]: must be an integer"));
		problem_done(&problem);
	}
	ck_assert_int_eq(value, -1);
}
END_TEST

START_TEST(what_is_written_reads_back_as_the_same)
{
	struct json_writer writer = { 0 };
	_cleanup_json_ struct json_object *object = json_add_object(&writer, NULL, NULL), *again;
	struct json_object *array, *inner;
	_cleanup_free_ char *text = NULL;
	size_t size;

	json_add_string(&writer, object, "text", "a\"b\\c\n\t\x01\x7f/\xc3\xa9");
	json_add_string(&writer, object, "unknown", NULL);
	json_add_integer(&writer, object, "min", INT64_MIN);
	json_add_bool(&writer, object, "yes", true);
	array = json_add_array(&writer, object, "words");
	json_add_string(&writer, array, NULL, "one");
	json_add_null(&writer, array, NULL);
	json_add_bool(&writer, array, NULL, false);
	array = json_add_array(&writer, object, "objects");
	inner = json_add_object(&writer, array, NULL);
	json_add_integer(&writer, inner, "n", 1);
	(void)json_add_object(&writer, array, NULL);
	(void)json_add_array(&writer, object, "empty");
	json_add_bytes(&writer, object, "\"key\"", bytes_make("xyz", 2));

	ck_assert_int_eq(json_render(&writer, object, &text, &size), 0);
	ck_assert_uint_eq(size, strlen(text));
	ck_assert_str_eq(text, "{\n"
			       "  \"text\": \"a\\\"b\\\\c\\n\\t\\u0001\\u007f/\xc3\xa9\",\n"
			       "  \"unknown\": null,\n"
			       "  \"min\": -9223372036854775808,\n"
			       "  \"yes\": true,\n"
			       "  \"words\": [\"one\", null, false],\n"
			       "  \"objects\": [\n"
			       "    {\n"
			       "      \"n\": 1\n"
			       "    },\n"
			       "    {}\n"
			       "  ],\n"
			       "  \"empty\": [],\n"
			       "  \"\\\"key\\\"\": \"xy\"\n"
			       "}\n");
	again = parse(text);
	ck_assert(json_object_equal(object, again));
}
END_TEST

START_TEST(bytes_that_are_no_text_are_written_as_replacement_characters)
{
	struct json_writer writer = { 0 };
	_cleanup_json_ struct json_object *object = json_add_object(&writer, NULL, NULL), *again;
	_cleanup_free_ char *text = NULL;
	const char *value;

	json_add_bytes(&writer, object, "a", bytes_make("x\xff\0y\xc3", 5));
	ck_assert_int_eq(json_render(&writer, object, &text, NULL), 0);
	again = parse(text);
	ck_assert_int_eq(json_get_string(again, "a", &top, &value, NULL), 1);
	ck_assert_str_eq(value, "x\xef\xbf\xbd\xef\xbf\xbdy\xef\xbf\xbd");
}
END_TEST

START_TEST(a_failed_writer_gives_no_text)
{
	struct json_writer writer = { .failed = true };
	char *text = NULL;

	ck_assert_ptr_null(json_add_object(&writer, NULL, NULL));
	json_add_string(&writer, NULL, "a", "b");
	json_add_integer(&writer, NULL, "a", 1);
	json_add_null(&writer, NULL, "a");
	json_add_content(&writer, NULL, "a", bytes_of("b"));
	ck_assert_ptr_null(json_add_array(&writer, NULL, NULL));
	ck_assert_int_eq(json_render(&writer, NULL, &text, NULL), -ENOMEM);
	ck_assert_ptr_null(text);
}
END_TEST

static void assert_content_survives(struct bytes content, const char *expected_key)
{
	struct json_writer writer = { 0 };
	_cleanup_json_ struct json_object *object = json_add_object(&writer, NULL, NULL), *again;
	_cleanup_free_ char *text = NULL, *back = NULL;
	size_t size = 0;

	json_add_content(&writer, object, "data", content);
	ck_assert_int_eq(json_render(&writer, object, &text, NULL), 0);
	again = parse(text);
	ck_assert(json_object_object_get_ex(again, expected_key, NULL));
	ck_assert_int_eq(json_get_content(again, "data", &top, &back, &size, NULL), 1);
	ck_assert_uint_eq(size, content.size);
	ck_assert_int_eq(back[size], '\0');
	ck_assert(bytes_equal(bytes_make(back, size), content));
}

START_TEST(contents_come_back_byte_for_byte)
{
	char all[255];

	for (size_t i = 0; i < sizeof(all); i++)
		all[i] = (char)(i + 1);
	assert_content_survives(BYTES_NONE, "data");
	assert_content_survives(bytes_of("auto lo\r\n\t# caf\xc3\xa9\x1b\n"), "data");
	assert_content_survives(bytes_of("# caf\xe9\n"), "data.latin1");
	assert_content_survives(bytes_make(all, sizeof(all)), "data.latin1");
	for (size_t i = 0; i < sizeof(all); i++)
		assert_content_survives(bytes_make(all + i, 1),
					(uint8_t)all[i] < 0x80 ? "data" : "data.latin1");
}
END_TEST

START_TEST(contents_with_nul_bytes_fail_the_document)
{
	struct json_writer writer = { 0 };
	_cleanup_json_ struct json_object *object = json_add_object(&writer, NULL, NULL);
	char *text = NULL;

	json_add_content(&writer, object, "data", bytes_make("a\0b", 3));
	ck_assert_int_eq(json_render(&writer, object, &text, NULL), -ENOMEM);
}
END_TEST

START_TEST(contents_that_are_damaged_are_refused)
{
	_cleanup_json_ struct json_object *wide = parse("{\"data.latin1\":\"\xe2\x82\xac\"}"),
					  *above = parse("{\"data.latin1\":\"\xc4\x80\"}"),
					  *both = parse("{\"data\":\"a\",\"data.latin1\":\"b\"}"),
					  *type = parse("{\"data\":7}"), *none = parse("{}");
	struct problem problem = { 0 };
	char *text = NULL;
	size_t size = 7;

	ck_assert_int_eq(json_get_content(wide, "data", &top, &text, &size, &problem), -EBADMSG);
	ck_assert_str_eq(problem.text, "f.json: data.latin1: holds more than bytes");
	problem_done(&problem);
	ck_assert_int_eq(json_get_content(above, "data", &top, &text, &size, NULL), -EBADMSG);
	ck_assert_int_eq(json_get_content(both, "data", &top, &text, &size, NULL), -EBADMSG);
	ck_assert_int_eq(json_get_content(type, "data", &top, &text, &size, NULL), -EBADMSG);
	ck_assert_int_eq(json_get_content(none, "data", &top, &text, &size, NULL), 0);
	ck_assert_ptr_null(text);
	ck_assert_uint_eq(size, 7);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("json");
	TCase *reading = tcase_create("reading"), *members = tcase_create("members"),
	      *writing = tcase_create("writing");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_test(reading, reads_every_kind_of_value);
	tcase_add_test(reading, a_document_may_be_a_bare_value);
	tcase_add_test(reading, escapes_become_what_they_stand_for);
	tcase_add_test(reading, the_first_and_last_of_every_kind_of_escape_are_read);
	tcase_add_test(reading, integers_of_64_bits_are_exact);
	tcase_add_test(reading, problems_name_file_and_line);
	tcase_add_test(reading, refuses_a_key_that_occurs_twice);
	tcase_add_test(reading, a_duplicate_key_cannot_steer_a_terminal);
	tcase_add_test(reading, one_key_in_two_objects_is_no_duplicate);
	tcase_add_test(reading, refuses_text_that_ends_too_early);
	tcase_add_test(reading, refuses_what_json_c_would_let_pass);
	tcase_add_test(reading, refuses_what_is_not_json);
	tcase_add_test(reading, refuses_nul_bytes_wherever_they_stand);
	tcase_add_test(reading, refuses_strings_that_are_not_utf8);
	tcase_add_test(reading, depth_has_a_limit);
	tcase_add_test(reading, siblings_do_not_count_as_depth);
	tcase_add_test(reading, values_have_a_limit);
	tcase_add_test(members, fractions_are_kept_but_are_no_integers);
	tcase_add_test(members, missing_and_null_are_the_same);
	tcase_add_test(members, a_required_string_must_be_there);
	tcase_add_test(members, no_accessor_converts_another_type);
	tcase_add_test(members, integers_have_a_range);
	tcase_add_test(members, items_are_named_by_their_index);
	tcase_add_test(members, items_may_be_integers_of_a_range);
	tcase_add_test(writing, what_is_written_reads_back_as_the_same);
	tcase_add_test(writing, bytes_that_are_no_text_are_written_as_replacement_characters);
	tcase_add_test(writing, a_failed_writer_gives_no_text);
	tcase_add_test(writing, contents_come_back_byte_for_byte);
	tcase_add_test(writing, contents_with_nul_bytes_fail_the_document);
	tcase_add_test(writing, contents_that_are_damaged_are_refused);
	/* A million values take a while under the sanitizers. */
	tcase_set_timeout(reading, 60);
	suite_add_tcase(suite, reading);
	suite_add_tcase(suite, members);
	suite_add_tcase(suite, writing);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
