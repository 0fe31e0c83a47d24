/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "snapshot/store.h"

#include <check.h>
#include <inttypes.h>

#include "snapshot/sealed.h"
#include "tests/unit/sample.h"
#include "tests/unit/scratch.h"

#define SNAPSHOTS STORE_PATH "/snapshots/"

static struct store store;

static void begin(void)
{
	scratch_make();
	ck_assert_int_eq(store_open(&root, true, &store, NULL), 0);
}

static void end(void)
{
	store_done(&store);
	scratch_remove();
}

static void reopen(void)
{
	store_done(&store);
	ck_assert_int_eq(store_open(&root, false, &store, NULL), 0);
}

static void render(const struct snapshot *snapshot, uint64_t id, char **ret_text, size_t *ret_size)
{
	ck_assert_int_eq(snapshot_render(snapshot, id, ret_text, ret_size), 0);
}

/* Writes a snapshot whose file holds @text; with a note unless that is NULL. Gives its id. */
static uint64_t write_noted(const char *text, const char *note)
{
	_cleanup_(snapshot_done) struct snapshot snapshot = { 0 };

	sample_snapshot(&snapshot, "boot", text);
	snapshot.note = note;
	ck_assert_int_eq(store_write(&store, &snapshot, NULL), 0);
	return snapshot.id;
}

static uint64_t write_one(const char *text)
{
	return write_noted(text, NULL);
}

static uint64_t record_one(uint64_t same_as)
{
	struct snapshot head = { .same_as = same_as, .reason = "boot", .boot_id = "77aa" };

	ck_assert_int_eq(store_record(&store, &head, NULL), 0);
	return head.id;
}

/* The ids in the list, joined by blanks; a record as ID=SAME, the baseline with a star. */
static void expect_list(const char *expected)
{
	struct snapshot *heads = NULL;
	struct buffer joined = { 0 };
	_cleanup_free_ char *text = NULL;
	size_t n = 0;

	ck_assert_int_eq(store_list(&store, &heads, &n, NULL), 0);
	for (size_t i = 0; i < n; i++) {
		buffer_appendf(&joined, "%s%" PRIu64, i ? " " : "", heads[i].id);
		if (heads[i].same_as)
			buffer_appendf(&joined, "=%" PRIu64, heads[i].same_as);
		if (heads[i].baseline)
			buffer_append_char(&joined, '*');
	}
	store_list_free(heads, n);
	ck_assert_int_eq(buffer_finish(&joined, &text, NULL), 0);
	ck_assert_str_eq(text, expected);
}

static void expect_next(uint64_t expected)
{
	uint64_t id = 0;

	ck_assert_int_eq(store_next_id(&store, &id, NULL), 0);
	ck_assert_uint_eq(id, expected);
}

/* The text of the managed file in a snapshot that was loaded. */
static const char *text_in(const struct snapshot *snapshot)
{
	const struct snapshot_file *file = snapshot_find_file(snapshot, "/etc/network/interfaces");

	ck_assert_ptr_nonnull(file);
	return file->data;
}

static void expect_loaded(uint64_t id, const char *text)
{
	_cleanup_(snapshot_done) struct snapshot snapshot = { 0 };

	ck_assert_int_eq(store_load(&store, id, &snapshot, NULL), 0);
	ck_assert_uint_eq(snapshot.id, id);
	ck_assert_str_eq(text_in(&snapshot), text);
}

static void expect_not_loaded(uint64_t id, int error)
{
	_cleanup_(problem_done) struct problem problem = { 0 };
	struct snapshot snapshot = { .id = 4711 };

	ck_assert_int_eq(store_load(&store, id, &snapshot, &problem), error);
	ck_assert_ptr_nonnull(problem.text);
	ck_assert_uint_eq(snapshot.id, 4711);
}

static void expect_baseline(const char *text)
{
	_cleanup_(snapshot_done) struct snapshot snapshot = { 0 };

	ck_assert_int_eq(store_load_baseline(&store, &snapshot, NULL), 1);
	ck_assert_str_eq(text_in(&snapshot), text);
}

static const char *snapshot_path(uint64_t id)
{
	static char path[128];

	(void)snprintf(path, sizeof(path), SNAPSHOTS "%08" PRIu64 ".json", id);
	return path;
}

/* Flips a bit in the middle. */
static void damage(const char *path)
{
	_cleanup_free_ char *text = read_text(path);
	size_t size = strlen(text);

	text[size / 2] ^= 1;
	write_bytes(path, text, size);
}

/* Replaces @old, which is there, by @new_text and closes the text with a checksum again. */
static char *reseal(const char *text, const char *old, const char *new_text)
{
	const char *at = strstr(text, old), *end = strstr(text, ",\n  \"checksum\"");
	struct buffer out = { 0 };
	char *sealed;

	ck_assert_ptr_nonnull(at);
	ck_assert_ptr_nonnull(end);
	buffer_append(&out, bytes_make(text, (size_t)(at - text)));
	buffer_append_text(&out, new_text);
	at += strlen(old);
	buffer_append(&out, bytes_make(at, (size_t)(end - at)));
	buffer_appendf(&out, ",\n  \"checksum\": \"fnv1a64:%016" PRIx64 "\"\n}\n",
		       bytes_digest(buffer_bytes(&out), BYTES_DIGEST_SEED));
	ck_assert_int_eq(buffer_finish(&out, &sealed, NULL), 0);
	return sealed;
}

static int parse(const char *text, struct problem *problem)
{
	_cleanup_(snapshot_done) struct snapshot snapshot = { 0 };

	return snapshot_parse(bytes_of(text), "FILE", &snapshot, problem);
}

START_TEST(a_snapshot_comes_back_as_it_was_written)
{
	_cleanup_(snapshot_done) struct snapshot snapshot = { 0 }, back = { 0 };
	_cleanup_free_ char *text = NULL, *again = NULL;
	size_t size, size_again;

	sample_snapshot(&snapshot, "apply", "iface enp6s0\n");
	snapshot.note = "before the new card";
	render(&snapshot, 12, &text, &size);
	ck_assert_int_eq(snapshot_parse(bytes_make(text, size), "FILE", &back, NULL), 0);
	ck_assert_uint_eq(back.id, 12);
	ck_assert_str_eq(back.taken_at, "2026-11-22T05:00:00Z");
	ck_assert_str_eq(back.reason, "apply");
	ck_assert_str_eq(back.note, "before the new card");
	ck_assert_uint_eq(back.files[0].attributes.mode, 0640);
	ck_assert_uint_eq(back.files[0].attributes.xattrs[0].size, 2);
	ck_assert_mem_eq(back.files[0].attributes.xattrs[0].value, "\0\xff", 2);
	ck_assert_uint_eq(back.changes[0].now, UINT64_MAX);
	ck_assert(snapshot_same(&snapshot, &back));
	render(&back, 12, &again, &size_again);
	ck_assert_str_eq(text, again);
}
END_TEST

START_TEST(a_snapshot_of_nothing_comes_back)
{
	_cleanup_(snapshot_done) struct snapshot nothing = { 0 }, back = { .id = 1 };
	_cleanup_free_ char *text = NULL;
	size_t size;

	render(&nothing, 1, &text, &size);
	ck_assert_int_eq(snapshot_parse(bytes_make(text, size), "FILE", &back, NULL), 0);
	ck_assert_ptr_null(back.note);
	ck_assert_ptr_null(back.reason);
	ck_assert_ptr_null(back.state);
	ck_assert_uint_eq(back.n_files, 0);
}
END_TEST

START_TEST(bytes_that_are_no_text_come_back)
{
	const struct file_attributes attributes = { .mode = 07777, .uid = UINT32_MAX - 1 };
	_cleanup_(snapshot_done) struct snapshot snapshot = { 0 }, back = { 0 };
	_cleanup_free_ char *text = NULL;
	char bytes[256];
	size_t size;

	for (size_t i = 0; i < 255; i++)
		bytes[i] = (char)(i + 1);
	bytes[255] = '\0';
	sample_snapshot(&snapshot, "boot", bytes);
	snapshot.note = "caf\xe9";
	ck_assert_int_eq(
		snapshot_add_file(&snapshot, "/etc/\xff\x01\"\n", bytes_of(""), &attributes), 0);
	ck_assert_int_eq(snapshot_add_change(&snapshot, "/etc/\xff", 0, 0), 0);
	render(&snapshot, 1, &text, &size);
	ck_assert_int_eq(snapshot_parse(bytes_make(text, size), "FILE", &back, NULL), 0);
	ck_assert(snapshot_same(&snapshot, &back));
	ck_assert_str_eq(text_in(&back), bytes);
	ck_assert_str_eq(back.note, "caf\xe9");
	ck_assert_ptr_nonnull(snapshot_find_file(&back, "/etc/\xff\x01\"\n"));
	ck_assert_str_eq(back.changes[1].path, "/etc/\xff");
}
END_TEST

START_TEST(a_link_comes_back_as_one_and_a_file_says_nothing_of_it)
{
	const struct file_attributes link = { .is_link = true, .mode = 0777, .uid = 7 };
	_cleanup_(snapshot_done) struct snapshot snapshot = { 0 }, back = { 0 };
	_cleanup_free_ char *text = NULL, *plain = NULL, *empty = NULL, *odd = NULL;
	_cleanup_(problem_done) struct problem problem = { 0 };
	size_t size;

	sample_snapshot(&snapshot, "boot", "x");
	ck_assert_int_eq(snapshot_add_file(&snapshot, "/etc/link", bytes_of("../there"), &link), 0);
	render(&snapshot, 1, &text, &size);
	ck_assert_int_eq(snapshot_parse(bytes_make(text, size), "FILE", &back, NULL), 0);
	ck_assert(snapshot_find_file(&back, "/etc/link")->attributes.is_link);
	ck_assert(!snapshot_find_file(&back, "/etc/network/interfaces")->attributes.is_link);
	ck_assert(snapshot_same(&snapshot, &back));
	ck_assert_ptr_eq(strstr(strstr(text, "\"link\"") + 1, "\"link\""), NULL);

	/* As an older version wrote it. */
	plain = reseal(text, "\"link\": true", "\"link\": null");
	snapshot_done(&back);
	ck_assert_int_eq(snapshot_parse(bytes_of(plain), "FILE", &back, NULL), 0);
	ck_assert(!snapshot_find_file(&back, "/etc/link")->attributes.is_link);
	ck_assert(!snapshot_same(&snapshot, &back));

	empty = reseal(text, "\"../there\"", "\"\"");
	ck_assert_int_eq(parse(empty, &problem), -EBADMSG);
	ck_assert_ptr_nonnull(strstr(problem.text, "content: is not the target of a link"));
	problem_done(&problem);
	odd = reseal(text, "\"link\": true", "\"link\": 1");
	ck_assert_int_eq(parse(odd, &problem), -EBADMSG);
	ck_assert_ptr_nonnull(strstr(problem.text, "link: "));
}
END_TEST

START_TEST(a_text_cut_short_anywhere_is_damaged)
{
	_cleanup_(snapshot_done) struct snapshot snapshot = { 0 }, back = { 0 };
	_cleanup_free_ char *text = NULL;
	size_t size;

	sample_snapshot(&snapshot, "boot", "x");
	render(&snapshot, 1, &text, &size);
	for (size_t length = 0; length < size; length++) {
		_cleanup_(problem_done) struct problem problem = { 0 };

		ck_assert_int_eq(snapshot_parse(bytes_make(text, length), "FILE", &back, &problem),
				 -EBADMSG);
		ck_assert_int_eq(strncmp(problem.text, "FILE:", 5), 0);
	}
}
END_TEST

START_TEST(one_wrong_bit_anywhere_is_damage)
{
	_cleanup_(snapshot_done) struct snapshot snapshot = { 0 }, back = { 0 };
	_cleanup_free_ char *text = NULL;
	size_t size;

	sample_snapshot(&snapshot, "boot", "x");
	render(&snapshot, 1, &text, &size);
	for (size_t i = 0; i < size * 8; i++) {
		char bit = (char)(1 << i % 8);

		text[i / 8] ^= bit;
		ck_assert_msg(snapshot_parse(bytes_make(text, size), "FILE", &back, NULL) ==
				      -EBADMSG,
			      "bit %zu", i);
		text[i / 8] ^= bit;
	}
	ck_assert_int_eq(snapshot_parse(bytes_make(text, size), "FILE", &back, NULL), 0);
}
END_TEST

START_TEST(a_whole_text_with_wrong_values_is_refused_by_name)
{
	static const struct {
		const char *old, *new_text, *problem;
	} cases[] = {
		{ "\"id\": 1", "\"id\": 0", "FILE: id: " },
		{ "\"id\": 1", "\"id\": 1000000000000000", "FILE: id: " },
		{ "\"id\": 1", "\"same_as\": 1, \"id\": 2", "FILE: same_as: " },
		{ "\"id\": 1,", "", "FILE: id: " },
		{ "\"0640\"", "\"640\"", "FILE: files[0].mode: " },
		{ "\"0640\"", "\"0680\"", "FILE: files[0].mode: " },
		{ "\"0640\"", "\"10640\"", "FILE: files[0].mode: " },
		{ "\"uid\": 0", "\"uid\": -1", "FILE: files[0].uid: " },
		{ "\"uid\": 0", "\"uid\": 4294967295", "FILE: files[0].uid: " },
		{ "\"uid\": 0,", "", "FILE: files[0].uid: " },
		{ "\"00ff\"", "\"00f\"", "FILE: files[0].xattrs[0].value: " },
		{ "\"00ff\"", "\"00fg\"", "FILE: files[0].xattrs[0].value: " },
		{ "\"content\": \"x\"", "\"content\": null", "FILE: files[0].content: " },
		{ "\"/etc/network/interfaces\"", "\"etc\"", "FILE: files[0].path: " },
		{ "\"/etc/network/interfaces\"", "\"/\"", "FILE: files[0].path: " },
		{ "\"/etc/network/interfaces\"", "\"/etc/\"", "FILE: files[0].path: " },
		{ "\"/etc/network/interfaces\"", "\"/etc//x\"", "FILE: files[0].path: " },
		{ "\"/etc/network/interfaces\"", "\"/etc/../x\"", "FILE: files[0].path: " },
		{ "\"/etc/network/interfaces\"", "\"/etc/.\"", "FILE: files[0].path: " },
		{ "\"was\": \"0000000000000001\"", "\"was\": \"1\"", "FILE: changes[0].was: " },
		{ "\"was\": \"0000000000000001\"", "\"was\": 1", "FILE: changes[0].was: " },
		{ "\"inventory\": {", "\"elsewhere\": {", "FILE: inventory: " },
		{ "\"state\": {", "\"state\": [], \"x\": {", "FILE: state: " },
	};
	_cleanup_(snapshot_done) struct snapshot snapshot = { 0 };
	_cleanup_free_ char *text = NULL;
	size_t size;

	sample_snapshot(&snapshot, "boot", "x");
	render(&snapshot, 1, &text, &size);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *wrong = reseal(text, cases[i].old, cases[i].new_text);
		_cleanup_(problem_done) struct problem problem = { 0 };

		ck_assert_msg(parse(wrong, &problem) == -EBADMSG, "%s", cases[i].new_text);
		ck_assert_msg(strncmp(problem.text, cases[i].problem, strlen(cases[i].problem)) ==
				      0,
			      "%s: %s", cases[i].new_text, problem.text);
	}
}
END_TEST

START_TEST(a_file_or_attribute_that_occurs_twice_is_refused)
{
	const struct file_attributes plain = { .mode = 0644 };
	_cleanup_(snapshot_done) struct snapshot snapshot = { 0 };
	_cleanup_free_ char *text = NULL, *paths = NULL, *names = NULL;
	_cleanup_(problem_done) struct problem problem = { 0 };
	size_t size;

	sample_snapshot(&snapshot, "boot", "x");
	ck_assert_int_eq(snapshot_add_file(&snapshot, "/etc/a", bytes_of("a"), &plain), 0);
	ck_assert_int_eq(snapshot_add_file(&snapshot, "/etc/a", bytes_of("b"), &plain), -EEXIST);
	render(&snapshot, 1, &text, &size);
	paths = reseal(text, "\"/etc/a\"", "\"/etc/network/interfaces\"");
	ck_assert_int_eq(parse(paths, &problem), -EBADMSG);
	ck_assert_ptr_nonnull(strstr(problem.text, "path: occurs twice"));
	names = reseal(text, "\"value\": \"00ff\"\n",
		       "\"value\": \"\" }, { \"name\": \"user.x\", \"value\": \"\"\n");
	problem_done(&problem);
	ck_assert_int_eq(parse(names, &problem), -EBADMSG);
	ck_assert_ptr_nonnull(strstr(problem.text, "xattrs: names one twice"));
}
END_TEST

START_TEST(what_is_unknown_within_the_schema_is_ignored)
{
	_cleanup_(snapshot_done) struct snapshot snapshot = { 0 };
	_cleanup_free_ char *text = NULL, *more = NULL, *fewer = NULL;
	size_t size;

	sample_snapshot(&snapshot, "boot", "x");
	render(&snapshot, 1, &text, &size);
	more = reseal(text, "\"id\": 1", "\"new\": [1.5, {}], \"id\": 1");
	ck_assert_int_eq(parse(more, NULL), 0);
	fewer = reseal(text, "\"boot_id\": \"5b1f\"", "\"boot_id\": null");
	ck_assert_int_eq(parse(fewer, NULL), 0);
}
END_TEST

START_TEST(files_are_sorted_and_found)
{
	static const char *const paths[] = { "/b", "/a", "/c", "/ab", "/a/b" };
	const struct file_attributes plain = { .mode = 0644 };
	_cleanup_(snapshot_done) struct snapshot snapshot = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		ck_assert_int_eq(snapshot_add_file(&snapshot, paths[i], bytes_of(paths[i]), &plain),
				 0);
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		ck_assert_str_eq(snapshot_find_file(&snapshot, paths[i])->data, paths[i]);
	for (size_t i = 1; i < snapshot.n_files; i++)
		ck_assert_int_lt(strcmp(snapshot.files[i - 1].path, snapshot.files[i].path), 0);
	ck_assert_ptr_null(snapshot_find_file(&snapshot, "/"));
	ck_assert_ptr_null(snapshot_find_file(&snapshot, "/d"));
}
END_TEST

START_TEST(snapshots_are_the_same_when_hardware_and_files_are)
{
	const struct file_attributes plain = { .mode = 0644 };
	_cleanup_(snapshot_done) struct snapshot a = { 0 }, b = { 0 }, other = { 0 };

	sample_snapshot(&a, "boot", "x");
	sample_snapshot(&b, "manual", "x");
	sample_snapshot(&other, "boot", "y");
	ck_assert(snapshot_same(&a, &b));
	ck_assert(!snapshot_same(&a, &other));
	b.files[0].attributes.mode = 0600;
	ck_assert(!snapshot_same(&a, &b));
	b.files[0].attributes.mode = a.files[0].attributes.mode;
	b.inventory.functions[0].device++;
	ck_assert(!snapshot_same(&a, &b));
	b.inventory.functions[0].device--;
	ck_assert(snapshot_same(&a, &b));
	ck_assert_int_eq(snapshot_add_file(&b, "/new", bytes_of(""), &plain), 0);
	ck_assert(!snapshot_same(&a, &b));
}
END_TEST

START_TEST(the_state_directory_is_private)
{
	(void)write_one("x");
	(void)record_one(1);
	ck_assert_int_eq(store_set_baseline(&store, 1, NULL), 0);
	ck_assert_uint_eq(mode_of(STORE_PATH), 0700);
	ck_assert_uint_eq(mode_of(STORE_PATH "/snapshots"), 0700);
	ck_assert_uint_eq(mode_of(snapshot_path(1)), 0600);
	ck_assert_uint_eq(mode_of(STORE_PATH "/records"), 0600);
	ck_assert_uint_eq(mode_of(STORE_PATH "/baseline"), 0600);
}
END_TEST

START_TEST(a_missing_state_directory_is_an_empty_store)
{
	_cleanup_(problem_done) struct problem problem = { 0 };
	struct snapshot snapshot = { 0 };
	uint64_t id;

	ck_assert_int_eq(rename(host("/var"), host("/elsewhere")), 0);
	reopen();
	ck_assert(store.read_only);
	ck_assert(!is_there("/var"));
	expect_list("");
	expect_next(1);
	expect_not_loaded(1, -ENOENT);
	ck_assert_int_eq(store_load_baseline(&store, &snapshot, NULL), 0);
	ck_assert_int_eq(store_last(&store, &snapshot, NULL), 0);
	ck_assert_int_eq(store_get_baseline(&store, &id, NULL), 0);
	ck_assert_int_eq(store_write(&store, &snapshot, &problem), -EROFS);
	ck_assert_ptr_nonnull(strstr(problem.text, STORE_PATH ": cannot write"));
	ck_assert_int_eq(store_record(&store, &snapshot, NULL), -EROFS);
	ck_assert_int_eq(store_prune(&store, 0, NULL, 0, NULL), -EROFS);
	ck_assert_int_eq(store_set_baseline(&store, 1, NULL), -EROFS);
	ck_assert_int_eq(store_reclaim(&store, NULL), -EROFS);
	ck_assert(!is_there("/var"));
}
END_TEST

START_TEST(a_state_directory_that_is_something_else_is_an_error)
{
	_cleanup_(problem_done) struct problem problem = { 0 };
	struct store other = STORE_INIT;

	ck_assert_int_eq(rename(host(STORE_PATH), host("/elsewhere")), 0);
	write_text(STORE_PATH, "");
	ck_assert_int_eq(store_open(&root, true, &other, &problem), -ENOTDIR);
	ck_assert_ptr_nonnull(strstr(problem.text, STORE_PATH ": cannot open"));
	ck_assert_int_eq(store_open(&root, false, &other, NULL), -ENOTDIR);
	ck_assert_int_eq(other.dir_fd, -1);
}
END_TEST

START_TEST(snapshots_are_listed_and_loaded_by_id)
{
	expect_list("");
	ck_assert_uint_eq(write_one("one"), 1);
	ck_assert_uint_eq(write_one("two"), 2);
	ck_assert_uint_eq(record_one(2), 3);
	ck_assert_uint_eq(write_one("four"), 4);
	ck_assert_uint_eq(record_one(4), 5);
	ck_assert_int_eq(store_set_baseline(&store, 2, NULL), 0);
	expect_list("1 2* 3=2 4 5=4");
	expect_loaded(1, "one");
	expect_loaded(4, "four");
	expect_not_loaded(6, -ENOENT);
	expect_not_loaded(0, -ENOENT);
	reopen();
	expect_list("1 2* 3=2 4 5=4");
	ck_assert_ptr_null(logged.data);
}
END_TEST

START_TEST(heads_in_the_list_are_whole)
{
	struct snapshot *heads = NULL;
	size_t n = 0;

	(void)write_noted("x", "a note");
	(void)record_one(1);
	ck_assert_int_eq(store_list(&store, &heads, &n, NULL), 0);
	ck_assert_uint_eq(n, 2);
	ck_assert_str_eq(heads[0].taken_at, "2026-11-22T05:00:00Z");
	ck_assert_str_eq(heads[0].boot_id, "5b1f");
	ck_assert_str_eq(heads[0].reason, "boot");
	ck_assert_str_eq(heads[0].note, "a note");
	ck_assert_str_eq(heads[1].boot_id, "77aa");
	ck_assert_ptr_null(heads[1].note);
	ck_assert_ptr_null(heads[1].taken_at);
	store_list_free(heads, n);
}
END_TEST

START_TEST(the_newest_of_several_thousand_is_found_with_wide_ids)
{
	_cleanup_(snapshot_done) struct snapshot snapshot = { 0 };
	_cleanup_free_ char *text = NULL;
	size_t size;

	sample_snapshot(&snapshot, "boot", "wide");
	render(&snapshot, 1234567890, &text, &size);
	write_bytes(SNAPSHOTS "1234567890.json", text, size);
	(void)write_one("next");
	expect_list("1234567890 1234567891");
	expect_loaded(1234567890, "wide");
}
END_TEST

START_TEST(a_record_loads_the_snapshot_it_equals_under_its_own_head)
{
	_cleanup_(snapshot_done) struct snapshot snapshot = { 0 };

	(void)write_noted("one", "noted");
	(void)record_one(1);
	ck_assert_int_eq(store_load(&store, 2, &snapshot, NULL), 0);
	ck_assert_uint_eq(snapshot.id, 2);
	ck_assert_uint_eq(snapshot.same_as, 1);
	ck_assert_str_eq(snapshot.boot_id, "77aa");
	ck_assert_ptr_null(snapshot.note);
	ck_assert_str_eq(text_in(&snapshot), "one");
}
END_TEST

START_TEST(the_last_entry_is_a_record_or_a_snapshot)
{
	_cleanup_(snapshot_done) struct snapshot head = { 0 };

	ck_assert_int_eq(store_last(&store, &head, NULL), 0);
	(void)write_one("one");
	ck_assert_int_eq(store_last(&store, &head, NULL), 1);
	ck_assert_uint_eq(head.id, 1);
	ck_assert_str_eq(head.boot_id, "5b1f");
	snapshot_done(&head);
	(void)record_one(1);
	ck_assert_int_eq(store_last(&store, &head, NULL), 1);
	ck_assert_uint_eq(head.id, 2);
	ck_assert_uint_eq(head.same_as, 1);
	ck_assert_str_eq(head.boot_id, "77aa");
	snapshot_done(&head);
	(void)write_one("three");
	ck_assert_int_eq(store_last(&store, &head, NULL), 1);
	ck_assert_uint_eq(head.id, 3);
	snapshot_done(&head);
	damage(snapshot_path(3));
	ck_assert_int_eq(store_last(&store, &head, NULL), 1);
	ck_assert_uint_eq(head.id, 2);
}
END_TEST

START_TEST(walking_back_in_time_leaves_out_what_cannot_be_read)
{
	_cleanup_(snapshot_done) struct snapshot snapshot = { 0 };

	(void)write_one("one");
	(void)write_one("two");
	(void)write_one("three");
	(void)record_one(3);
	damage(snapshot_path(2));
	ck_assert_int_eq(store_load_newest(&store, &snapshot, NULL), 1);
	ck_assert_uint_eq(snapshot.id, 3);
	snapshot_done(&snapshot);
	ck_assert_int_eq(store_load_before(&store, 3, &snapshot, NULL), 1);
	ck_assert_uint_eq(snapshot.id, 1);
	snapshot_done(&snapshot);
	ck_assert_int_eq(store_load_before(&store, 1, &snapshot, NULL), 0);
}
END_TEST

START_TEST(a_damaged_snapshot_is_set_aside_and_said_once)
{
	(void)write_one("one");
	(void)write_one("two");
	damage(snapshot_path(1));
	expect_list("2");
	ck_assert_uint_eq(count_logged("00000001.json: "), 1);
	ck_assert_uint_eq(count_logged("set aside as"), 1);
	ck_assert(is_there(SNAPSHOTS "00000001.json.damaged"));
	ck_assert(!is_there(SNAPSHOTS "00000001.json"));
	expect_list("2");
	expect_not_loaded(1, -ENOENT);
	ck_assert_uint_eq(count_logged("\n"), 1);
}
END_TEST

START_TEST(loading_a_damaged_snapshot_says_so)
{
	(void)write_one("one");
	damage(snapshot_path(1));
	expect_not_loaded(1, -EBADMSG);
	ck_assert(is_there(SNAPSHOTS "00000001.json.damaged"));
	expect_not_loaded(1, -ENOENT);
}
END_TEST

START_TEST(several_damaged_ones_of_a_name_get_numbers)
{
	for (int i = 0; i < 3; i++) {
		write_text(SNAPSHOTS "00000001.json", "garbage");
		expect_list("");
	}
	ck_assert(is_there(SNAPSHOTS "00000001.json.damaged"));
	ck_assert(is_there(SNAPSHOTS "00000001.json.damaged.2"));
	ck_assert(is_there(SNAPSHOTS "00000001.json.damaged.3"));
	ck_assert_uint_eq(count_logged("set aside as"), 3);
}
END_TEST

START_TEST(what_is_no_file_in_the_place_of_a_snapshot_is_set_aside)
{
	(void)write_one("one");
	make_directory(SNAPSHOTS "00000002.json");
	ck_assert_int_eq(symlink("00000001.json", host(SNAPSHOTS "00000003.json")), 0);
	ck_assert_int_eq(mkfifo(host(SNAPSHOTS "00000004.json"), 0600), 0);
	ck_assert_int_eq(link(host(snapshot_path(1)), host(SNAPSHOTS "00000005.json")), 0);
	expect_list("1");
	ck_assert_uint_eq(count_logged("set aside as"), 4);
	ck_assert_uint_eq(count_logged("00000005.json: holds snapshot 1"), 1);
	expect_next(6);
}
END_TEST

START_TEST(names_that_are_no_snapshots_are_not_touched)
{
	static const char *const names[] = { "1.json",   "000000001.json", "00000001.json~",
					     "00000001", "x0000001.json",  "00000000.json" };
	char path[128];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		(void)snprintf(path, sizeof(path), SNAPSHOTS "%s", names[i]);
		write_text(path, "somebody's");
	}
	expect_list("");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		(void)snprintf(path, sizeof(path), SNAPSHOTS "%s", names[i]);
		ck_assert(is_there(path));
	}
	ck_assert_ptr_null(logged.data);
}
END_TEST

START_TEST(a_snapshot_of_a_later_version_is_left_where_it_is)
{
	_cleanup_(snapshot_done) struct snapshot snapshot = { 0 };
	_cleanup_free_ char *text = NULL, *later = NULL;

	(void)write_one("one");
	(void)write_one("two");
	text = read_text(snapshot_path(2));
	later = reseal(text, "snapshot/1", "snapshot/2");
	write_text(snapshot_path(2), later);
	expect_not_loaded(2, -EPROTONOSUPPORT);
	ck_assert_int_eq(store_load_newest(&store, &snapshot, NULL), 1);
	ck_assert_uint_eq(snapshot.id, 1);
	expect_list("1");
	expect_list("1");
	ck_assert_uint_eq(count_logged("later version"), 1);
	expect_text(snapshot_path(2), later);
	expect_next(3);
}
END_TEST

START_TEST(a_later_version_may_close_its_files_in_another_way)
{
	ck_assert_int_eq(parse("{ \"schema\": \"hwrecover.snapshot/7\", \"sha256\": \"\" }", NULL),
			 -EPROTONOSUPPORT);
	ck_assert_int_eq(parse("{ \"schema\": \"hwrecover.snapshot/1\", \"sha256\": \"\" }", NULL),
			 -EBADMSG);
	ck_assert_int_eq(parse("{ \"schema\": \"hwrecover.snapshot/0\" }", NULL), -EBADMSG);
	ck_assert_int_eq(parse("{ \"schema\": \"hwrecover.snapshot/x\" }", NULL), -EBADMSG);
	ck_assert_int_eq(parse("{ \"schema\": \"hwrecover.inventory/7\" }", NULL), -EBADMSG);
	ck_assert_int_eq(parse("{ \"schema\": 7 }", NULL), -EBADMSG);
	ck_assert_int_eq(parse("[]", NULL), -EBADMSG);
}
END_TEST

START_TEST(in_a_store_that_cannot_be_written_damage_is_said_once_and_left)
{
	uid_t user = geteuid();

	(void)write_one("one");
	(void)write_one("two");
	(void)record_one(2);
	damage(snapshot_path(1));
	damage(STORE_PATH "/records");
	ck_assert_int_eq(chmod(scratch, 0755), 0);
	ck_assert_int_eq(chmod(host(STORE_PATH), user == 0 ? 0755 : 0500), 0);
	ck_assert_int_eq(chmod(host(STORE_PATH "/snapshots"), 0755), 0);
	ck_assert_int_eq(chmod(host(STORE_PATH "/records"), 0644), 0);
	ck_assert_int_eq(chmod(host(SNAPSHOTS "00000001.json"), 0644), 0);
	ck_assert_int_eq(chmod(host(SNAPSHOTS "00000002.json"), 0644), 0);
	if (user == 0)
		ck_assert_int_eq(seteuid(65534), 0);
	reopen();
	ck_assert(store.read_only);
	expect_list("2");
	expect_list("2");
	ck_assert_uint_eq(count_logged("00000001.json"), 1);
	ck_assert_uint_eq(count_logged("records"), 1);
	ck_assert_int_eq(seteuid(user), 0);
	ck_assert(is_there(snapshot_path(1)));
	ck_assert_int_eq(chmod(host(STORE_PATH), 0700), 0);
}
END_TEST

START_TEST(ids_are_never_used_twice)
{
	(void)write_one("one");
	(void)write_one("two");
	damage(snapshot_path(2));
	expect_list("1");
	expect_next(3);
	ck_assert_uint_eq(record_one(1), 3);
	expect_next(4);
	ck_assert_int_eq(unlink(host(SNAPSHOTS "00000002.json.damaged")), 0);
	expect_next(4);
	ck_assert_uint_eq(write_one("four"), 4);
	ck_assert_int_eq(store_set_baseline(&store, 4, NULL), 0);
	ck_assert_int_eq(unlink(host(snapshot_path(4))), 0);
	expect_next(5);
	write_text(SNAPSHOTS "00000077.json.damaged.3", "");
	expect_next(78);
}
END_TEST

START_TEST(when_the_last_id_is_used_up_writing_fails)
{
	_cleanup_(problem_done) struct problem problem = { 0 };
	uint64_t id;

	write_text(SNAPSHOTS "999999999999999.json.damaged", "");
	ck_assert_int_eq(store_next_id(&store, &id, &problem), -EOVERFLOW);
	ck_assert_ptr_nonnull(problem.text);
}
END_TEST

START_TEST(a_torn_record_is_ignored_and_cut_off_by_the_next)
{
	_cleanup_free_ char *records = NULL;

	(void)write_one("one");
	(void)record_one(1);
	(void)record_one(1);
	records = read_text(STORE_PATH "/records");
	ck_assert_int_eq(truncate(host(STORE_PATH "/records"), (off_t)strlen(records) - 5), 0);
	expect_list("1 2=1");
	expect_next(3);
	(void)record_one(1);
	expect_text(STORE_PATH "/records", records);
	expect_list("1 2=1 3=1");
	ck_assert_ptr_null(logged.data);
}
END_TEST

START_TEST(damaged_records_are_set_aside_and_the_others_kept)
{
	_cleanup_free_ char *records = NULL;

	(void)write_one("one");
	(void)record_one(1);
	(void)record_one(1);
	(void)record_one(1);
	damage(STORE_PATH "/records");
	records = read_text(STORE_PATH "/records");
	expect_list("1 2=1 4=1");
	ck_assert_uint_eq(count_logged("records: 1 damaged lines; set aside as "), 1);
	expect_text(STORE_PATH "/records.damaged", records);
	expect_list("1 2=1 4=1");
	ck_assert_uint_eq(count_logged("\n"), 1);
	ck_assert_uint_eq(record_one(1), 5);
	expect_list("1 2=1 4=1 5=1");
}
END_TEST

START_TEST(records_of_garbage_are_set_aside)
{
	(void)write_one("one");
	write_bytes(STORE_PATH "/records", "\n\0\xff\n{}\n[\n{\"id\": 2}\n", 18);
	ck_assert_uint_eq(record_one(1), 2);
	expect_list("1 2=1");
	ck_assert(is_there(STORE_PATH "/records.damaged"));
	ck_assert_int_eq(unlink(host(STORE_PATH "/records")), 0);
	make_directory(STORE_PATH "/records");
	expect_list("1");
	ck_assert(is_there(STORE_PATH "/records.damaged.2"));
	ck_assert_uint_eq(record_one(1), 2);
}
END_TEST

START_TEST(a_record_that_equals_nothing_is_listed_and_cannot_be_shown)
{
	(void)write_one("one");
	(void)record_one(1);
	ck_assert_int_eq(unlink(host(snapshot_path(1))), 0);
	expect_list("2=1");
	expect_not_loaded(2, -ENOENT);
	ck_assert_int_eq(store_set_baseline(&store, 2, NULL), -ENOENT);
}
END_TEST

START_TEST(the_baseline_is_what_was_made_it)
{
	uint64_t id;

	ck_assert_int_eq(store_get_baseline(&store, &id, NULL), 0);
	(void)write_one("one");
	(void)write_one("two");
	(void)record_one(1);
	expect_baseline("two");
	ck_assert_int_eq(store_set_baseline(&store, 3, NULL), 0);
	ck_assert_int_eq(store_get_baseline(&store, &id, NULL), 1);
	ck_assert_uint_eq(id, 1);
	expect_baseline("one");
	ck_assert_int_eq(store_set_baseline(&store, 2, NULL), 0);
	expect_baseline("two");
	ck_assert_int_eq(store_set_baseline(&store, 7, NULL), -ENOENT);
	expect_baseline("two");
	ck_assert_ptr_null(logged.data);
}
END_TEST

START_TEST(making_the_baseline_the_baseline_writes_nothing)
{
	struct stat before, after;

	(void)write_one("one");
	ck_assert_int_eq(store_set_baseline(&store, 1, NULL), 0);
	ck_assert_int_eq(stat(host(STORE_PATH "/baseline"), &before), 0);
	ck_assert_int_eq(store_set_baseline(&store, 1, NULL), 0);
	ck_assert_int_eq(stat(host(STORE_PATH "/baseline"), &after), 0);
	ck_assert_uint_eq(before.st_ino, after.st_ino);
}
END_TEST

START_TEST(without_a_readable_baseline_the_newest_serves)
{
	static const char *const texts[] = { "", "2\n", "garbage", "{}", "{\"id\": 1}" };

	(void)write_one("one");
	(void)write_one("two");
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		write_text(STORE_PATH "/baseline", texts[i]);
		expect_baseline("two");
		ck_assert(!is_there(STORE_PATH "/baseline"));
		ck_assert_uint_eq(count_logged("baseline"), 2 * (i + 1));
	}
	ck_assert_int_eq(store_set_baseline(&store, 1, NULL), 0);
	damage(STORE_PATH "/baseline");
	expect_baseline("two");
}
END_TEST

START_TEST(when_the_baselines_snapshot_is_lost_the_newest_serves)
{
	(void)write_one("one");
	(void)write_one("two");
	(void)write_one("three");
	ck_assert_int_eq(store_set_baseline(&store, 1, NULL), 0);
	damage(snapshot_path(1));
	expect_baseline("three");
	ck_assert_uint_eq(count_logged("set aside"), 1);
	expect_baseline("three");
	ck_assert_uint_eq(count_logged("the newest snapshot serves"), 1);
	ck_assert_uint_eq(count_logged("set aside"), 1);
}
END_TEST

START_TEST(a_baseline_of_a_later_version_is_left)
{
	(void)write_one("one");
	write_text(STORE_PATH "/baseline", "{ \"schema\": \"hwrecover.baseline/2\" }");
	expect_baseline("one");
	expect_baseline("one");
	ck_assert_uint_eq(count_logged("later version"), 1);
	ck_assert(is_there(STORE_PATH "/baseline"));
}
END_TEST

START_TEST(a_rendered_snapshot_is_put_in_its_place_once)
{
	_cleanup_(snapshot_done) struct snapshot snapshot = { 0 };
	_cleanup_free_ char *text = NULL, *other = NULL;
	size_t size, other_size;

	sample_snapshot(&snapshot, "apply", "x");
	render(&snapshot, 5, &text, &size);
	ck_assert_int_eq(store_has(&store, 5, NULL), 0);
	ck_assert_int_eq(store_write_text(&store, 5, bytes_make(text, size), NULL), 0);
	ck_assert_int_eq(store_has(&store, 5, NULL), 1);
	ck_assert_int_eq(store_write_text(&store, 5, bytes_make(text, size), NULL), 0);
	expect_list("5");

	snapshot.reason = "boot";
	render(&snapshot, 5, &other, &other_size);
	ck_assert_int_eq(store_write_text(&store, 5, bytes_make(other, other_size), NULL), -EEXIST);
	damage(snapshot_path(5));
	ck_assert_int_eq(store_write_text(&store, 5, bytes_make(other, other_size), NULL), 0);
	ck_assert(is_there(SNAPSHOTS "00000005.json.damaged"));
	expect_list("5");
}
END_TEST

START_TEST(a_snapshot_is_written_anew_in_its_place)
{
	_cleanup_(snapshot_done) struct snapshot snapshot = { 0 };

	(void)write_one("one");
	(void)write_one("two");
	ck_assert_int_eq(store_load(&store, 1, &snapshot, NULL), 0);
	snapshot.inventory.functions[0].revision = 0x42;
	ck_assert_int_eq(store_rewrite(&store, &snapshot, NULL), 0);
	snapshot_done(&snapshot);
	ck_assert_int_eq(store_load(&store, 1, &snapshot, NULL), 0);
	ck_assert_int_eq(snapshot.inventory.functions[0].revision, 0x42);
	expect_list("1 2");
	snapshot.id = 3;
	ck_assert_int_eq(store_rewrite(&store, &snapshot, NULL), -ENOENT);
	expect_list("1 2");
}
END_TEST

START_TEST(pruning_keeps_as_many_as_wanted)
{
	for (int i = 0; i < 6; i++)
		(void)write_one("x");
	ck_assert_int_eq(store_prune(&store, 6, NULL, 0, NULL), 0);
	expect_list("1 2 3 4 5 6");
	ck_assert_int_eq(store_prune(&store, 4, NULL, 0, NULL), 0);
	expect_list("1 4 5 6");
	ck_assert_int_eq(store_prune(&store, 4, NULL, 0, NULL), 0);
	expect_list("1 4 5 6");
	ck_assert_int_eq(store_prune(&store, 0, NULL, 0, NULL), 0);
	expect_list("1 6");
	expect_next(7);
	ck_assert_ptr_null(logged.data);
}
END_TEST

START_TEST(pruning_never_removes_what_is_needed)
{
	uint64_t pinned[2];

	(void)write_one("oldest");
	(void)write_noted("noted", "before the new card");
	(void)write_one("baseline");
	(void)write_one("pinned");
	(void)write_one("pinned through its record");
	pinned[0] = 4;
	pinned[1] = record_one(5);
	(void)write_one("not needed");
	(void)write_one("newest");
	ck_assert_int_eq(store_set_baseline(&store, 3, NULL), 0);
	ck_assert_int_eq(store_prune(&store, 1, pinned, 2, NULL), 0);
	expect_list("1 2 3* 4 5 6=5 8");
}
END_TEST

START_TEST(records_go_with_their_snapshot)
{
	for (int i = 0; i < 4; i++) {
		uint64_t id = write_one("x");

		(void)record_one(id);
		(void)record_one(id);
	}
	expect_list("1 2=1 3=1 4 5=4 6=4 7 8=7 9=7 10 11=10 12=10");
	ck_assert_int_eq(store_prune(&store, 3, NULL, 0, NULL), 0);
	expect_list("1 2=1 3=1 7 8=7 9=7 10 11=10 12=10");
}
END_TEST

START_TEST(the_snapshot_that_the_last_entry_equals_is_not_pruned)
{
	(void)write_one("one");
	(void)write_one("two");
	(void)write_one("three");
	(void)write_one("four");
	ck_assert_uint_eq(record_one(2), 5);
	ck_assert_int_eq(store_prune(&store, 1, NULL, 0, NULL), 0);
	expect_list("1 2 4 5=2");
	expect_next(6);
}
END_TEST

START_TEST(pruning_sets_damaged_ones_aside_and_leaves_later_ones)
{
	_cleanup_free_ char *text = NULL, *later = NULL;

	for (int i = 0; i < 6; i++)
		(void)write_one("x");
	damage(snapshot_path(2));
	text = read_text(snapshot_path(3));
	later = reseal(text, "snapshot/1", "snapshot/2");
	write_text(snapshot_path(3), later);
	ck_assert_int_eq(store_prune(&store, 4, NULL, 0, NULL), 0);
	expect_list("1 5 6");
	ck_assert(is_there(snapshot_path(3)));
	ck_assert(is_there(SNAPSHOTS "00000002.json.damaged"));
}
END_TEST

START_TEST(what_an_interrupted_write_left_is_reclaimed)
{
	(void)write_one("one");
	write_text(STORE_PATH "/.baseline.hwrecover", "torn");
	write_text(SNAPSHOTS ".00000002.json.hwrecover", "torn");
	make_directory(SNAPSHOTS ".directory.hwrecover");
	write_text(SNAPSHOTS ".other", "somebody's");
	expect_list("1");
	ck_assert_int_eq(store_reclaim(&store, NULL), 0);
	ck_assert(!is_there(STORE_PATH "/.baseline.hwrecover"));
	ck_assert(!is_there(SNAPSHOTS ".00000002.json.hwrecover"));
	ck_assert(is_there(SNAPSHOTS ".directory.hwrecover"));
	ck_assert(is_there(SNAPSHOTS ".other"));
	expect_list("1");
}
END_TEST

START_TEST(a_checksum_is_over_all_that_stands_before_it)
{
	struct json_writer writer = { 0 };
	_cleanup_json_ struct json_object *object = json_add_object(&writer, NULL, NULL);
	_cleanup_free_ char *file = NULL, *line = NULL;
	struct bytes body;
	size_t size;

	json_add_string(&writer, object, "a", "1\n2");
	json_add_integer(&writer, json_add_array(&writer, object, "b"), NULL, 3);
	ck_assert_int_eq(sealed_render(&writer, object, SEALED_FILE, &file, &size), 0);
	ck_assert_int_eq(sealed_check(bytes_make(file, size), SEALED_FILE, &body), 0);
	ck_assert(bytes_equal_text(body, "{\n  \"a\": \"1\\n2\",\n  \"b\": [3]"));
	ck_assert_int_eq(sealed_check(bytes_make(file, size), SEALED_LINE, &body), -ENODATA);
	ck_assert_int_eq(sealed_render(&writer, object, SEALED_LINE, &line, &size), 0);
	ck_assert_int_eq(sealed_check(bytes_make(line, size), SEALED_LINE, &body), 0);
	ck_assert(bytes_equal_text(body, "{ \"a\": \"1\\n2\", \"b\": [3]"));
	ck_assert_ptr_eq(strchr(line, '\n'), line + size - 1);
}
END_TEST

START_TEST(releasing_nothing_is_allowed)
{
	struct store zeroed = { 0 }, unopened = STORE_INIT;
	struct snapshot snapshot = { 0 };
	struct snapshot_file file = { 0 };

	store_done(NULL);
	store_done(&zeroed);
	store_done(&unopened);
	store_list_free(NULL, 0);
	snapshot_done(NULL);
	snapshot_done(&snapshot);
	snapshot_file_done(NULL);
	snapshot_file_done(&file);
	ck_assert_int_ge(fcntl(store.dir_fd, F_GETFD), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("store");
	TCase *tests = tcase_create("store");
	SRunner *runner = srunner_create(suite);
	int failed;

	/* Everything is synced, and disks differ. */
	tcase_set_timeout(tests, 60);
	tcase_add_checked_fixture(tests, begin, end);
	tcase_add_test(tests, a_snapshot_comes_back_as_it_was_written);
	tcase_add_test(tests, a_snapshot_of_nothing_comes_back);
	tcase_add_test(tests, bytes_that_are_no_text_come_back);
	tcase_add_test(tests, a_link_comes_back_as_one_and_a_file_says_nothing_of_it);
	tcase_add_test(tests, a_text_cut_short_anywhere_is_damaged);
	tcase_add_test(tests, one_wrong_bit_anywhere_is_damage);
	tcase_add_test(tests, a_whole_text_with_wrong_values_is_refused_by_name);
	tcase_add_test(tests, a_file_or_attribute_that_occurs_twice_is_refused);
	tcase_add_test(tests, what_is_unknown_within_the_schema_is_ignored);
	tcase_add_test(tests, files_are_sorted_and_found);
	tcase_add_test(tests, snapshots_are_the_same_when_hardware_and_files_are);
	tcase_add_test(tests, the_state_directory_is_private);
	tcase_add_test(tests, a_missing_state_directory_is_an_empty_store);
	tcase_add_test(tests, a_state_directory_that_is_something_else_is_an_error);
	tcase_add_test(tests, snapshots_are_listed_and_loaded_by_id);
	tcase_add_test(tests, heads_in_the_list_are_whole);
	tcase_add_test(tests, the_newest_of_several_thousand_is_found_with_wide_ids);
	tcase_add_test(tests, a_record_loads_the_snapshot_it_equals_under_its_own_head);
	tcase_add_test(tests, the_last_entry_is_a_record_or_a_snapshot);
	tcase_add_test(tests, walking_back_in_time_leaves_out_what_cannot_be_read);
	tcase_add_test(tests, a_damaged_snapshot_is_set_aside_and_said_once);
	tcase_add_test(tests, loading_a_damaged_snapshot_says_so);
	tcase_add_test(tests, several_damaged_ones_of_a_name_get_numbers);
	tcase_add_test(tests, what_is_no_file_in_the_place_of_a_snapshot_is_set_aside);
	tcase_add_test(tests, names_that_are_no_snapshots_are_not_touched);
	tcase_add_test(tests, a_snapshot_of_a_later_version_is_left_where_it_is);
	tcase_add_test(tests, a_later_version_may_close_its_files_in_another_way);
	tcase_add_test(tests, in_a_store_that_cannot_be_written_damage_is_said_once_and_left);
	tcase_add_test(tests, ids_are_never_used_twice);
	tcase_add_test(tests, when_the_last_id_is_used_up_writing_fails);
	tcase_add_test(tests, a_torn_record_is_ignored_and_cut_off_by_the_next);
	tcase_add_test(tests, damaged_records_are_set_aside_and_the_others_kept);
	tcase_add_test(tests, records_of_garbage_are_set_aside);
	tcase_add_test(tests, a_record_that_equals_nothing_is_listed_and_cannot_be_shown);
	tcase_add_test(tests, the_baseline_is_what_was_made_it);
	tcase_add_test(tests, making_the_baseline_the_baseline_writes_nothing);
	tcase_add_test(tests, without_a_readable_baseline_the_newest_serves);
	tcase_add_test(tests, when_the_baselines_snapshot_is_lost_the_newest_serves);
	tcase_add_test(tests, a_baseline_of_a_later_version_is_left);
	tcase_add_test(tests, a_rendered_snapshot_is_put_in_its_place_once);
	tcase_add_test(tests, a_snapshot_is_written_anew_in_its_place);
	tcase_add_test(tests, pruning_keeps_as_many_as_wanted);
	tcase_add_test(tests, pruning_never_removes_what_is_needed);
	tcase_add_test(tests, records_go_with_their_snapshot);
	tcase_add_test(tests, the_snapshot_that_the_last_entry_equals_is_not_pruned);
	tcase_add_test(tests, pruning_sets_damaged_ones_aside_and_leaves_later_ones);
	tcase_add_test(tests, what_an_interrupted_write_left_is_reclaimed);
	tcase_add_test(tests, a_checksum_is_over_all_that_stands_before_it);
	tcase_add_test(tests, releasing_nothing_is_allowed);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
