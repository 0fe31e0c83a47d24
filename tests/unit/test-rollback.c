/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether somebody else changed a file since a snapshot: every step has to be ours. */
#include "recovery/rollback.h"

#include <check.h>
#include <inttypes.h>

#include "recovery/source.h"
#include "tests/unit/scratch.h"

#define MAIN  "/etc/network/interfaces"
#define OTHER "/etc/default/networking"

static struct store store;
static struct snapshot target;
static struct rollback rollback;
/* None is looked at. */
static const struct documents documents;

static void begin(void)
{
	scratch_make();
	make_directory("/etc");
	make_directory("/etc/network");
	make_directory("/etc/default");
	ck_assert_int_eq(store_open(&root, true, &store, NULL), 0);
}

static void end(void)
{
	rollback_done(&rollback);
	snapshot_done(&target);
	store_done(&store);
	scratch_remove();
}

static void add_file(struct snapshot *snapshot, const char *path)
{
	_cleanup_free_ char *text = read_text(path);
	struct file_attributes attributes = { .mode = mode_of(path) };

	attributes.uid = getuid();
	attributes.gid = getgid();
	ck_assert_int_eq(snapshot_add_file(snapshot, path, bytes_of(text), &attributes), 0);
}

/* Of no file at all the digest is that of nothing. */
static uint64_t digest(const char *text)
{
	return bytes_digest(text ? bytes_of(text) : BYTES_NONE, BYTES_DIGEST_SEED);
}

/* A snapshot of the files as they are, with a change of MAIN by us if there was one. */
static uint64_t take_snapshot(bool changed, const char *was, const char *now)
{
	struct snapshot snapshot = { .reason = "apply" };
	uint64_t id;

	if (changed)
		ck_assert_int_eq(snapshot_add_change(&snapshot, MAIN, digest(was), digest(now)), 0);
	if (is_there(MAIN))
		add_file(&snapshot, MAIN);
	if (is_there(OTHER))
		add_file(&snapshot, OTHER);
	ck_assert_int_eq(store_write(&store, &snapshot, NULL), 0);
	id = snapshot.id;
	snapshot_done(&snapshot);
	return id;
}

/* After a transaction of ours made @now of @was in MAIN; NULL where there is no file. */
static uint64_t take_after(const char *was, const char *now)
{
	if (now)
		write_text(MAIN, now);
	else
		ck_assert_int_eq(unlink(host(MAIN)), 0);
	return take_snapshot(true, was, now);
}

static uint64_t take(void)
{
	return take_snapshot(false, NULL, NULL);
}

static uint64_t take_with(const char *text)
{
	write_text(MAIN, text);
	return take();
}

static void look_from(uint64_t id)
{
	_cleanup_(problem_done) struct problem problem = { 0 };
	int r;

	rollback_done(&rollback);
	snapshot_done(&target);
	ck_assert_int_eq(store_load(&store, id, &target, NULL), 0);
	r = rollback_look(&root, &store, &target, &documents, &rollback, &problem);
	ck_assert_msg(r == 0, "%s", problem.text);
	ck_assert_uint_eq(rollback.n_files, target.n_files);
}

static const struct rollback_file *find(const char *path)
{
	for (size_t i = 0; i < rollback.n_files; i++)
		if (strcmp(rollback.files[i].then->path, path) == 0)
			return &rollback.files[i];
	ck_abort_msg("%s is not looked at", path);
	return NULL;
}

enum state {
	SAME,
	OURS,
	FOREIGN,
};

static void expect_of(const char *path, uint64_t id, enum state state)
{
	const struct rollback_file *file;

	look_from(id);
	file = find(path);
	ck_assert_ptr_null(file->unfit);
	ck_assert_msg(file->differs == (state != SAME), "%s: differs is %d", path, file->differs);
	ck_assert_msg(file->foreign == (state == FOREIGN), "%s: foreign is %d", path,
		      file->foreign);
}

static void expect(uint64_t id, enum state state)
{
	expect_of(MAIN, id, state);
}

START_TEST(a_file_that_nobody_touched_is_the_same)
{
	uint64_t id = take_with("a\n");

	expect(id, SAME);
	ck_assert_str_eq(find(MAIN)->data, "a\n");
	ck_assert_uint_eq(find(MAIN)->size, 2);
	(void)take();
	(void)take();
	expect(id, SAME);
}
END_TEST

START_TEST(our_own_edits_are_followed_step_by_step)
{
	uint64_t first = take_with("a\n"), second, third;

	second = take_after("a\n", "b\n");
	(void)take();
	third = take_after("b\n", "c\n");
	expect(first, OURS);
	expect(second, OURS);
	expect(third, SAME);
	/* Back to what was, by ourselves. */
	(void)take_after("c\n", "a\n");
	expect(first, SAME);
	expect(second, OURS);
}
END_TEST

START_TEST(an_edit_since_the_last_snapshot_is_noticed)
{
	uint64_t first = take_with("a\n"), second = take_after("a\n", "b\n");

	write_text(MAIN, "x\n");
	expect(first, FOREIGN);
	expect(second, FOREIGN);
}
END_TEST

START_TEST(an_edit_between_two_snapshots_is_noticed)
{
	uint64_t first = take_with("a\n"), second, third;

	second = take_with("x\n");
	expect(first, FOREIGN);
	expect(second, SAME);
	third = take_after("x\n", "b\n");
	expect(first, FOREIGN);
	expect(second, OURS);
	expect(third, SAME);
	(void)take();
	expect(first, FOREIGN);
}
END_TEST

START_TEST(an_edit_just_before_ours_is_noticed)
{
	uint64_t first = take_with("a\n");

	/* Our transaction found something else than the snapshot before it has. */
	(void)take_after("x\n", "b\n");
	expect(first, FOREIGN);
}
END_TEST

START_TEST(an_edit_just_after_ours_is_noticed)
{
	uint64_t first = take_with("a\n");

	struct snapshot snapshot = { .reason = "apply" };

	ck_assert_int_eq(snapshot_add_change(&snapshot, MAIN, digest("a\n"), digest("b\n")), 0);
	write_text(MAIN, "x\n");
	add_file(&snapshot, MAIN);
	ck_assert_int_eq(store_write(&store, &snapshot, NULL), 0);
	snapshot_done(&snapshot);
	expect(first, FOREIGN);
}
END_TEST

START_TEST(what_somebody_made_the_same_again_is_no_loss)
{
	uint64_t first = take_with("a\n");

	(void)take_with("x\n");
	write_text(MAIN, "a\n");
	expect(first, SAME);
}
END_TEST

START_TEST(a_missing_link_of_the_chain_is_foreign)
{
	uint64_t first = take_with("a\n"), second = take_after("a\n", "b\n");
	char name[64];

	(void)take_after("b\n", "c\n");
	(void)snprintf(name, sizeof(name), STORE_PATH "/snapshots/%08" PRIu64 ".json", second);
	ck_assert_int_eq(unlink(host(name)), 0);
	expect(first, FOREIGN);
}
END_TEST

START_TEST(a_damaged_link_of_the_chain_is_foreign)
{
	uint64_t first = take_with("a\n"), second = take_after("a\n", "b\n");
	char name[64];

	(void)take_after("b\n", "c\n");
	(void)snprintf(name, sizeof(name), STORE_PATH "/snapshots/%08" PRIu64 ".json", second);
	write_text(name, "{}");
	expect(first, FOREIGN);
	ck_assert_uint_eq(count_logged(".damaged"), 1);
}
END_TEST

START_TEST(a_missing_link_that_changed_nothing_is_no_loss)
{
	uint64_t first = take_with("a\n"), second = take();
	char name[64];

	(void)take_after("a\n", "b\n");
	(void)snprintf(name, sizeof(name), STORE_PATH "/snapshots/%08" PRIu64 ".json", second);
	ck_assert_int_eq(unlink(host(name)), 0);
	expect(first, OURS);
}
END_TEST

START_TEST(records_of_boots_are_no_links)
{
	struct snapshot head = { .reason = "boot" };
	uint64_t first = take_with("a\n");

	head.same_as = first;
	ck_assert_int_eq(store_record(&store, &head, NULL), 0);
	(void)take_after("a\n", "b\n");
	expect(first, OURS);
}
END_TEST

START_TEST(each_file_has_a_chain_of_its_own)
{
	uint64_t first;

	write_text(OTHER, "1\n");
	first = take_with("a\n");
	(void)take_after("a\n", "b\n");
	expect_of(OTHER, first, SAME);
	write_text(OTHER, "2\n");
	expect_of(MAIN, first, OURS);
	expect_of(OTHER, first, FOREIGN);
}
END_TEST

START_TEST(a_file_that_later_snapshots_do_not_have_is_followed_all_the_same)
{
	uint64_t first = take_with("a\n");

	ck_assert_int_eq(unlink(host(MAIN)), 0);
	(void)take();
	expect(first, FOREIGN);
	write_text(MAIN, "a\n");
	expect(first, SAME);
	(void)take_after("a\n", "b\n");
	expect(first, OURS);
}
END_TEST

START_TEST(a_file_that_is_gone_is_foreign)
{
	uint64_t first = take_with("a\n");

	ck_assert_int_eq(unlink(host(MAIN)), 0);
	expect(first, FOREIGN);
	ck_assert_ptr_null(find(MAIN)->data);
	ck_assert_int_eq(rmdir(host("/etc/network")), 0);
	expect(first, FOREIGN);
}
END_TEST

START_TEST(a_file_that_we_took_away_is_not_lost)
{
	uint64_t first = take_with("a\n"), second = take_after("a\n", "b\n");

	(void)take_after("b\n", NULL);
	expect(first, OURS);
	expect(second, OURS);
	ck_assert_ptr_null(find(MAIN)->data);
	(void)take();
	expect(first, OURS);
	/* Back by ourselves, and taken away by somebody else then. */
	(void)take_after(NULL, "b\n");
	expect(first, OURS);
	expect(second, SAME);
	ck_assert_int_eq(unlink(host(MAIN)), 0);
	expect(first, FOREIGN);
}
END_TEST

START_TEST(what_somebody_put_where_we_took_a_file_away_is_noticed)
{
	uint64_t first = take_with("a\n");

	(void)take_after("a\n", NULL);
	write_text(MAIN, "x\n");
	expect(first, FOREIGN);
	(void)take();
	expect(first, FOREIGN);
	write_text(MAIN, "a\n");
	expect(first, SAME);
}
END_TEST

START_TEST(what_we_took_away_after_an_edit_is_noticed)
{
	uint64_t first = take_with("a\n");

	(void)take_after("x\n", NULL);
	expect(first, FOREIGN);
}
END_TEST

START_TEST(a_file_that_we_created_is_followed_from_then_on)
{
	uint64_t empty = take(), first = take_after(NULL, "a\n");

	expect(first, SAME);
	(void)take_after("a\n", "b\n");
	expect(first, OURS);
	look_from(empty);
	ck_assert_uint_eq(rollback.n_files, 0);
}
END_TEST

START_TEST(other_attributes_are_a_difference)
{
	uint64_t first = take_with("a\n");

	ck_assert_int_eq(chmod(host(MAIN), 0600), 0);
	look_from(first);
	ck_assert(find(MAIN)->differs);
	ck_assert_uint_eq(find(MAIN)->attributes.mode, 0600);
}
END_TEST

START_TEST(what_cannot_be_replaced_is_named)
{
	static char large[MANAGED_FILE_MAX + 1];
	uint64_t first = take_with("a\n");

	memset(large, 'x', sizeof(large));
	write_bytes(MAIN, large, sizeof(large));
	look_from(first);
	ck_assert_str_eq(find(MAIN)->unfit, "is too large");
	write_bytes(MAIN, "a\0\n", 3);
	look_from(first);
	ck_assert_str_eq(find(MAIN)->unfit, "holds NUL bytes");
	write_text(MAIN, "a\n");
	ck_assert_int_eq(link(host(MAIN), host("/etc/network/hard")), 0);
	look_from(first);
	ck_assert_str_eq(find(MAIN)->unfit, "has a second hard link");
	ck_assert_int_eq(unlink(host(MAIN)), 0);
	ck_assert_int_eq(symlink("hard", host(MAIN)), 0);
	look_from(first);
	ck_assert_str_eq(find(MAIN)->unfit, "is a symbolic link");
	ck_assert_int_eq(unlink(host(MAIN)), 0);
	ck_assert_int_eq(mkfifo(host(MAIN), 0644), 0);
	look_from(first);
	ck_assert_str_eq(find(MAIN)->unfit, "is no ordinary file");
	ck_assert_int_eq(unlink(host(MAIN)), 0);
	make_directory(MAIN);
	look_from(first);
	ck_assert_str_eq(find(MAIN)->unfit, "is no ordinary file");
	ck_assert(!find(MAIN)->differs && !find(MAIN)->foreign);
}
END_TEST

/* A snapshot in which MAIN is a link. */
static uint64_t take_link(const char *target_text)
{
	const struct file_attributes attributes = {
		.is_link = true, .mode = 0777, .uid = getuid(), .gid = getgid()
	};
	struct snapshot snapshot = { .reason = "apply" };
	uint64_t id;

	(void)unlink(host(MAIN));
	ck_assert_int_eq(symlink(target_text, host(MAIN)), 0);
	ck_assert_int_eq(snapshot_add_file(&snapshot, MAIN, bytes_of(target_text), &attributes), 0);
	ck_assert_int_eq(store_write(&store, &snapshot, NULL), 0);
	id = snapshot.id;
	snapshot_done(&snapshot);
	return id;
}

START_TEST(a_link_is_followed_through_snapshots_as_a_file_is)
{
	uint64_t first = take_link("../one");

	expect(first, SAME);
	ck_assert(find(MAIN)->attributes.is_link);
	ck_assert_str_eq(find(MAIN)->data, "../one");
	ck_assert_int_eq(unlink(host(MAIN)), 0);
	expect(first, FOREIGN);
	(void)take_snapshot(true, "../one", NULL);
	expect(first, OURS);
	ck_assert_ptr_null(find(MAIN)->data);
	ck_assert_int_eq(symlink("../two", host(MAIN)), 0);
	expect(first, FOREIGN);
	ck_assert_str_eq(find(MAIN)->data, "../two");
}
END_TEST

START_TEST(what_is_no_link_any_more_is_named)
{
	uint64_t first = take_link("../one");

	ck_assert_int_eq(unlink(host(MAIN)), 0);
	write_text(MAIN, "../one");
	look_from(first);
	ck_assert_str_eq(find(MAIN)->unfit, "is no symbolic link");
}
END_TEST

START_TEST(a_snapshot_without_files_has_nothing_to_look_at)
{
	uint64_t id = take();

	look_from(id);
	ck_assert_uint_eq(rollback.n_files, 0);
	rollback_done(NULL);
	rollback_done(&rollback);
	rollback_done(&rollback);
}
END_TEST

START_TEST(files_of_guests_are_not_looked_at)
{
	struct snapshot snapshot = { .reason = "apply" };
	struct file_attributes attributes = { .mode = 0640 };

	write_text(MAIN, "a\n");
	add_file(&snapshot, MAIN);
	ck_assert_int_eq(snapshot_add_file(&snapshot, "/etc/pve/mapping/pci.cfg", bytes_of("gpu\n"),
					   &attributes),
			 0);
	ck_assert_int_eq(store_write(&store, &snapshot, NULL), 0);
	ck_assert_int_eq(store_load(&store, snapshot.id, &target, NULL), 0);
	snapshot_done(&snapshot);
	ck_assert_int_eq(rollback_look(&root, &store, &target, &documents, &rollback, NULL), 0);
	ck_assert_uint_eq(rollback.n_files, 1);
	ck_assert_str_eq(rollback.files[0].then->path, MAIN);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("rollback");
	TCase *tcase = tcase_create("rollback");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, begin, end);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, a_file_that_nobody_touched_is_the_same);
	tcase_add_test(tcase, our_own_edits_are_followed_step_by_step);
	tcase_add_test(tcase, an_edit_since_the_last_snapshot_is_noticed);
	tcase_add_test(tcase, an_edit_between_two_snapshots_is_noticed);
	tcase_add_test(tcase, an_edit_just_before_ours_is_noticed);
	tcase_add_test(tcase, an_edit_just_after_ours_is_noticed);
	tcase_add_test(tcase, what_somebody_made_the_same_again_is_no_loss);
	tcase_add_test(tcase, a_missing_link_of_the_chain_is_foreign);
	tcase_add_test(tcase, a_damaged_link_of_the_chain_is_foreign);
	tcase_add_test(tcase, a_missing_link_that_changed_nothing_is_no_loss);
	tcase_add_test(tcase, records_of_boots_are_no_links);
	tcase_add_test(tcase, each_file_has_a_chain_of_its_own);
	tcase_add_test(tcase, a_file_that_later_snapshots_do_not_have_is_followed_all_the_same);
	tcase_add_test(tcase, a_file_that_is_gone_is_foreign);
	tcase_add_test(tcase, a_file_that_we_took_away_is_not_lost);
	tcase_add_test(tcase, what_somebody_put_where_we_took_a_file_away_is_noticed);
	tcase_add_test(tcase, what_we_took_away_after_an_edit_is_noticed);
	tcase_add_test(tcase, a_file_that_we_created_is_followed_from_then_on);
	tcase_add_test(tcase, other_attributes_are_a_difference);
	tcase_add_test(tcase, what_cannot_be_replaced_is_named);
	tcase_add_test(tcase, a_link_is_followed_through_snapshots_as_a_file_is);
	tcase_add_test(tcase, what_is_no_link_any_more_is_named);
	tcase_add_test(tcase, files_of_guests_are_not_looked_at);
	tcase_add_test(tcase, a_snapshot_without_files_has_nothing_to_look_at);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed > 0;
}
