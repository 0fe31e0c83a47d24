/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "recovery/transaction.h"

#include <check.h>
#include <sys/resource.h>
#include <sys/xattr.h>

#include "recovery/journal.h"
#include "tests/unit/sample.h"
#include "tests/unit/scratch.h"

#define JOURNAL  STORE_PATH "/journal"
#define PENDING  STORE_PATH "/.journal.hwrecover"
#define DEFERRED STORE_PATH "/deferred"
#define NODE     "/etc/pve/nodes/pve1/qemu-server"

static struct store store;
static struct snapshot snapshot;
static struct file_attributes attributes, link_attributes;
static struct transaction_result result;
static struct problem problem;

static void begin(void)
{
	scratch_make();
	ck_assert_int_eq(store_open(&root, true, &store, NULL), 0);
	make_directory("/etc");
	make_directory("/etc/d");
	sample_snapshot(&snapshot, "apply", "new");
	attributes = (struct file_attributes){ .mode = 0644, .uid = geteuid(), .gid = getegid() };
	link_attributes = attributes;
	link_attributes.is_link = true;
	link_attributes.mode = 0777;
	result = (struct transaction_result){ 0 };
	problem = (struct problem){ 0 };
}

static void end(void)
{
	transaction_result_done(&result);
	problem_done(&problem);
	snapshot_done(&snapshot);
	store_done(&store);
	scratch_remove();
}

/* A change of contents; NULL for no file. */
static struct change change(const char *path, const char *was, const char *now)
{
	return (struct change){
		.path = path,
		.was = bytes_of(was),
		.now = bytes_of(now),
		.was_attributes = &attributes,
		.now_attributes = &attributes,
	};
}

/* Three files: one of the top, and two that are made and removed. */
static const struct change *three_changes(void)
{
	static struct change changes[3];

	changes[0] = change("/etc/a", "old a", "new a");
	changes[1] = change("/etc/d/made", NULL, "made");
	changes[2] = change("/etc/d/removed", "removed", NULL);
	return changes;
}

static void make_three_files(void)
{
	write_text("/etc/a", "old a");
	write_text("/etc/d/removed", "removed");
}

static void expect_old(void)
{
	expect_text("/etc/a", "old a");
	ck_assert(!is_there("/etc/d/made"));
	expect_text("/etc/d/removed", "removed");
}

static void expect_new(void)
{
	expect_text("/etc/a", "new a");
	expect_text("/etc/d/made", "made");
	ck_assert(!is_there("/etc/d/removed"));
}

static int one_entry_is_temporary(const char *path, const struct stat *st, int type,
				  struct FTW *ftw)
{
	(void)st;
	(void)type;
	return file_name_is_staged(path + ftw->base);
}

static bool anything_temporary(void)
{
	return nftw(scratch, one_entry_is_temporary, 8, FTW_PHYS) != 0;
}

/* Neither a journal nor a temporary file. */
static void expect_clean(void)
{
	ck_assert(!is_there(JOURNAL));
	ck_assert(!anything_temporary());
}

static void expect_snapshot(bool expected)
{
	ck_assert_int_eq(store_has(&store, 1, NULL), expected);
}

static int apply(const struct change *changes, size_t n_changes)
{
	return transaction_apply(&root, &store, changes, n_changes, &snapshot, NULL, NULL, &result,
				 &problem);
}

static int apply_with(const struct change *changes, size_t n_changes,
		      int (*check)(void *data, struct problem *stage_problem))
{
	return transaction_apply(&root, &store, changes, n_changes, &snapshot, check, NULL, &result,
				 &problem);
}

/* Writes what a transaction over @changes has under this name when the power goes. */
static void write_journal(const char *path, const struct change *changes, size_t n_changes)
{
	_cleanup_free_ char *text = NULL, *journal = NULL;
	size_t size, journal_size;

	ck_assert_int_eq(snapshot_render(&snapshot, 1, &text, &size), 0);
	ck_assert_int_eq(journal_render(changes, n_changes, 1, bytes_make(text, size), &journal,
					&journal_size),
			 0);
	write_bytes(path, journal, journal_size);
}

static int recover_where(bool pve_writable)
{
	transaction_result_done(&result);
	return transaction_recover(&root, &store, pve_writable, &result, &problem);
}

static int recover(void)
{
	return recover_where(true);
}

START_TEST(all_files_are_replaced_made_and_removed_and_the_snapshot_is_there)
{
	make_three_files();
	ck_assert_int_eq(apply(three_changes(), 3), 0);
	expect_new();
	ck_assert_uint_eq(result.n_skipped, 0);
	ck_assert_uint_eq(snapshot.id, 1);
	expect_snapshot(true);
	expect_clean();
	ck_assert_ptr_null(logged.data);
}
END_TEST

START_TEST(without_changes_only_the_snapshot_is_written)
{
	ck_assert_int_eq(apply(NULL, 0), 0);
	ck_assert_uint_eq(snapshot.id, 1);
	expect_snapshot(true);
	expect_clean();
}
END_TEST

START_TEST(files_that_become_empty_or_were_are_files)
{
	const struct change changes[] = { change("/etc/a", "old", ""), change("/etc/b", "", "new"),
					  change("/etc/c", NULL, ""), change("/etc/e", "", NULL) };

	write_text("/etc/a", "old");
	write_text("/etc/b", "");
	write_text("/etc/e", "");
	ck_assert_int_eq(apply(changes, 4), 0);
	ck_assert_uint_eq(result.n_skipped, 0);
	expect_text("/etc/a", "");
	expect_text("/etc/b", "new");
	expect_text("/etc/c", "");
	ck_assert(!is_there("/etc/e"));
}
END_TEST

START_TEST(attributes_alone_can_change)
{
	struct file_attributes other = attributes;
	struct change changes[] = { change("/etc/a", "same", "same") };

	other.mode = 0600;
	changes[0].now_attributes = &other;
	write_text("/etc/a", "same");
	ck_assert_int_eq(apply(changes, 1), 0);
	ck_assert_uint_eq(mode_of("/etc/a"), 0600);
	expect_text("/etc/a", "same");
}
END_TEST

START_TEST(a_file_at_the_top_has_a_folder_too)
{
	const struct change changes[] = { change("/top", NULL, "x") };

	ck_assert_int_eq(apply(changes, 1), 0);
	expect_text("/top", "x");
}
END_TEST

START_TEST(what_somebody_changed_is_skipped_and_listed)
{
	const struct change changes[] = {
		change("/etc/a", "old a", "new a"),   change("/etc/b", "old b", "new b"),
		change("/etc/d/c", "old c", "new c"), change("/etc/e", NULL, "new e"),
		change("/etc/f", "old f", NULL),      change("/etc/g", "old g", "new g"),
		change("/etc/gone/h", "h", "new h"),  change("/etc/gone/i", "i", NULL),
	};
	const char *const skipped[] = { "/etc/gone/h", "/etc/a", "/etc/d/c",   "/etc/e",
					"/etc/f",      "/etc/g", "/etc/gone/i" };

	write_text("/etc/a", "edited");
	write_text("/etc/b", "old b");
	write_text("/etc/e", "somebody's");
	write_text("/etc/f", "edited");
	ck_assert_int_eq(symlink("a", host("/etc/g")), 0);
	ck_assert_int_eq(apply(changes, ARRAY_SIZE(changes)), 0);
	ck_assert_uint_eq(result.n_skipped, ARRAY_SIZE(skipped));
	for (size_t i = 0; i < ARRAY_SIZE(skipped); i++)
		ck_assert_str_eq(result.skipped[i], skipped[i]);
	expect_text("/etc/a", "edited");
	expect_text("/etc/b", "new b");
	expect_text("/etc/e", "somebody's");
	expect_text("/etc/f", "edited");
	ck_assert(!is_there("/etc/d/c"));
	ck_assert(!is_there("/etc/gone"));
	expect_snapshot(true);
	expect_clean();
}
END_TEST

START_TEST(changes_that_no_journal_can_hold_are_refused)
{
	const struct change twice[] = { change("/etc/a", "old a", "b"),
					change("/etc/a", "old a", "c") };
	const struct change backwards[] = { change("/etc/d/removed", "removed", "x"),
					    change("/etc/a", "old a", "c") };
	const struct change odd[] = { change("/etc//a", "old a", "b") };

	make_three_files();
	ck_assert_int_eq(apply(twice, 2), -EBADMSG);
	ck_assert_int_eq(apply(backwards, 2), -EBADMSG);
	ck_assert_int_eq(apply(odd, 1), -EBADMSG);
	ck_assert_ptr_nonnull(problem.text);
	expect_old();
	expect_clean();
	expect_snapshot(false);
}
END_TEST

START_TEST(a_file_is_not_made_where_there_is_no_folder)
{
	const struct change changes[] = { change("/etc/a", "old a", "new a"),
					  change("/etc/gone/made", NULL, "x") };

	write_text("/etc/a", "old a");
	ck_assert_int_eq(apply(changes, 2), -ENOENT);
	ck_assert_ptr_nonnull(strstr(problem.text, "/etc/gone/made: cannot stage"));
	expect_text("/etc/a", "old a");
	ck_assert(!is_there("/etc/gone"));
	expect_snapshot(false);
	expect_clean();
}
END_TEST

static int look_at_the_staged(void *data, struct problem *stage_problem)
{
	(void)data;
	expect_old();
	expect_text("/etc/.a.hwrecover", "new a");
	expect_text("/etc/d/.made.hwrecover", "made");
	ck_assert(!is_there(JOURNAL));
	expect_snapshot(false);
	return problem_set(stage_problem, -EBADMSG, "/etc/a", 1, "ifquery rejects it");
}

START_TEST(when_the_check_rejects_what_is_staged_nothing_was_changed)
{
	make_three_files();
	ck_assert_int_eq(apply_with(three_changes(), 3, look_at_the_staged), -EBADMSG);
	ck_assert_str_eq(problem.text, "/etc/a:1: ifquery rejects it");
	ck_assert_uint_eq(snapshot.id, 0);
	expect_old();
	expect_snapshot(false);
	expect_clean();
}
END_TEST

static int lose_a_staged_file(void *data, struct problem *stage_problem)
{
	(void)data;
	(void)stage_problem;
	ck_assert_int_eq(unlink(host("/etc/d/.z.hwrecover")), 0);
	return 0;
}

START_TEST(when_one_cannot_be_replaced_the_others_are_put_back)
{
	struct change changes[4];

	memcpy(changes, three_changes(), 3 * sizeof(changes[0]));
	changes[3] = change("/etc/d/z", "z", "new z");
	make_three_files();
	write_text("/etc/d/z", "z");
	ck_assert_int_eq(chmod(host("/etc/a"), 0604), 0);
	attributes.mode = 0604;
	ck_assert_int_eq(apply_with(changes, 4, lose_a_staged_file), -ENOENT);
	ck_assert_ptr_nonnull(strstr(problem.text, "/etc/d/z: cannot replace"));
	expect_old();
	ck_assert_uint_eq(mode_of("/etc/a"), 0604);
	ck_assert_uint_eq(mode_of("/etc/d/removed"), 0604);
	expect_text("/etc/d/z", "z");
	expect_snapshot(false);
	expect_clean();
	ck_assert_ptr_null(logged.data);
}
END_TEST

static int take_the_snapshots_name(void *data, struct problem *stage_problem)
{
	(void)data;
	(void)stage_problem;
	write_text(STORE_PATH "/snapshots/00000001.json", "somebody's");
	return 0;
}

START_TEST(when_the_snapshot_cannot_be_committed_all_is_put_back)
{
	make_three_files();
	ck_assert_int_eq(apply_with(three_changes(), 3, take_the_snapshots_name), -EEXIST);
	expect_old();
	ck_assert_uint_eq(snapshot.id, 0);
	expect_clean();
}
END_TEST

START_TEST(putting_back_gives_back_owner_mode_and_attributes)
{
	_cleanup_(file_attributes_done) struct file_attributes was = { 0 }, now = { 0 };
	const struct change plain = change("/etc/a", "old a", "new a");
	_cleanup_free_ char *data = NULL, *again = NULL;
	_cleanup_close_ int dir_fd = root_open_directory(&root, "/etc", 0);
	struct change changes[1] = { plain };
	size_t size;

	write_text("/etc/a", "old a");
	ck_assert_int_eq(chmod(host("/etc/a"), 0600), 0);
	(void)setxattr(host("/etc/a"), "user.x", "y", 1, 0);
	ck_assert_int_eq(file_read_managed_at(dir_fd, "a", 100, &data, &size, &was), 0);
	changes[0].was_attributes = &was;
	ck_assert_int_eq(apply_with(changes, 1, take_the_snapshots_name), -EEXIST);
	ck_assert_int_eq(file_read_managed_at(dir_fd, "a", 100, &again, &size, &now), 0);
	ck_assert_str_eq(again, "old a");
	ck_assert(file_attributes_equal(&was, &now));
}
END_TEST

START_TEST(nothing_is_begun_while_a_journal_is_there)
{
	make_three_files();
	write_journal(JOURNAL, three_changes(), 3);
	ck_assert_int_eq(apply(three_changes(), 3), -EBUSY);
	ck_assert_ptr_nonnull(strstr(problem.text, JOURNAL ": cannot write"));
	ck_assert_int_eq(apply(NULL, 0), -EBUSY);
	expect_old();
	expect_snapshot(false);
}
END_TEST

START_TEST(nothing_is_begun_where_the_state_cannot_be_written)
{
	make_three_files();
	store.read_only = true;
	ck_assert_int_eq(apply(three_changes(), 3), -EROFS);
	ck_assert_ptr_nonnull(problem.text);
	expect_old();
	ck_assert_int_eq(recover(), 0);
	write_journal(JOURNAL, three_changes(), 3);
	ck_assert_int_eq(recover(), -EROFS);
	expect_old();
}
END_TEST

START_TEST(with_nothing_to_recover_nothing_is_done)
{
	unsigned int before = count_entries();

	ck_assert_int_eq(recover(), 0);
	ck_assert(!result.completed);
	ck_assert_uint_eq(count_entries(), before);
}
END_TEST

START_TEST(recovery_completes_what_was_begun)
{
	make_three_files();
	write_journal(JOURNAL, three_changes(), 3);
	write_text("/etc/.a.hwrecover", "not to be trusted");
	write_text("/etc/d/.made.hwrecover", "");
	write_text(STORE_PATH "/snapshots/.00000001.json.hwrecover", "torn");
	ck_assert_int_eq(recover(), 1);
	ck_assert(result.completed);
	ck_assert_uint_eq(result.n_skipped, 0);
	expect_new();
	expect_snapshot(true);
	expect_clean();
	ck_assert_int_eq(recover(), 0);
	expect_new();
}
END_TEST

/* At every point between the first rename and the snapshot. */
START_TEST(recovery_goes_on_from_wherever_it_was)
{
	for (unsigned int done = 0; done < 8; done++) {
		(void)unlink(host("/etc/d/made"));
		(void)unlink(host(STORE_PATH "/snapshots/00000001.json"));
		make_three_files();
		if (done & 1)
			write_text("/etc/a", "new a");
		if (done & 2)
			write_text("/etc/d/made", "made");
		if (done & 4)
			ck_assert_int_eq(unlink(host("/etc/d/removed")), 0);
		write_journal(JOURNAL, three_changes(), 3);
		ck_assert_int_eq(recover(), 1);
		ck_assert_uint_eq(result.n_skipped, 0);
		expect_new();
		expect_snapshot(true);
		expect_clean();
	}
}
END_TEST

START_TEST(recovery_leaves_what_somebody_changed_meanwhile)
{
	static const char *const paths[] = { "/etc/a", "/etc/d/made", "/etc/d/removed" };

	write_text("/etc/a", "edited");
	write_text("/etc/d/made", "somebody's");
	write_text("/etc/d/removed", "removed, and written anew");
	write_text("/etc/.a.hwrecover", "left");
	write_journal(JOURNAL, three_changes(), 3);
	ck_assert_int_eq(recover(), 1);
	ck_assert_uint_eq(result.n_skipped, 3);
	for (size_t i = 0; i < 3; i++)
		ck_assert_str_eq(result.skipped[i], paths[i]);
	expect_text("/etc/a", "edited");
	expect_text("/etc/d/made", "somebody's");
	expect_text("/etc/d/removed", "removed, and written anew");
	expect_snapshot(true);
	expect_clean();
}
END_TEST

START_TEST(recovery_leaves_what_became_of_another_kind_or_vanished)
{
	const struct change changes[] = {
		change("/etc/a", "a", "new a"),      change("/etc/b", "b", "new b"),
		change("/etc/c", "c", "new c"),      change("/etc/e", "e", "new e"),
		change("/etc/gone/f", "f", "new f"), change("/etc/gone/g", NULL, "new g"),
		change("/etc/h", "h", "new h")
	};

	ck_assert_int_eq(symlink("h", host("/etc/a")), 0);
	make_directory("/etc/b");
	write_bytes("/etc/c", "c\0", 2);
	write_text("/etc/h", "h");
	write_journal(JOURNAL, changes, ARRAY_SIZE(changes));
	ck_assert_int_eq(recover(), 1);
	ck_assert_uint_eq(result.n_skipped, 6);
	expect_text("/etc/h", "new h");
	ck_assert(!is_there("/etc/e"));
	expect_clean();
}
END_TEST

START_TEST(recovery_of_attributes_alone_looks_at_attributes)
{
	struct file_attributes other = attributes;
	struct change changes[] = { change("/etc/a", "same", "same") };

	other.mode = 0600;
	changes[0].now_attributes = &other;
	write_text("/etc/a", "same");
	write_journal(JOURNAL, changes, 1);
	ck_assert_int_eq(recover(), 1);
	ck_assert_uint_eq(mode_of("/etc/a"), 0600);
}
END_TEST

START_TEST(recovery_does_not_repeat_what_the_snapshot_says_is_done)
{
	make_three_files();
	ck_assert_int_eq(apply(three_changes(), 3), 0);
	/* The user wants the old file back; then the removal of the journal is lost. */
	write_text("/etc/a", "old a");
	write_journal(JOURNAL, three_changes(), 3);
	ck_assert_int_eq(recover(), 1);
	expect_text("/etc/a", "old a");
	expect_clean();
	/* The same when the snapshot was written anew since. */
	snapshot.reason = "other";
	ck_assert_int_eq(store_rewrite(&store, &snapshot, NULL), 0);
	snapshot.reason = "apply";
	write_journal(JOURNAL, three_changes(), 3);
	ck_assert_int_eq(recover(), 1);
	expect_text("/etc/a", "old a");
	expect_clean();
	ck_assert_ptr_null(logged.data);
}
END_TEST

START_TEST(recovery_writes_a_snapshot_that_was_damaged_again)
{
	make_three_files();
	write_text(STORE_PATH "/snapshots/00000001.json", "garbage");
	write_journal(JOURNAL, three_changes(), 3);
	ck_assert_int_eq(recover(), 1);
	expect_new();
	expect_snapshot(true);
	expect_clean();
}
END_TEST

START_TEST(a_journal_that_cannot_be_read_is_set_aside_and_said_once)
{
	_cleanup_free_ char *journal = NULL;
	static const char *const wrong[] = {
		"",
		"garbage",
		"{}",
		"{\"schema\":\"hwrecover.journal/1\",\"changes\":[]}",
		"{\"schema\":\"hwrecover.journal/2\"}",
	};

	make_three_files();
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		write_text(JOURNAL, wrong[i]);
		ck_assert_int_eq(recover(), 0);
		ck_assert(!is_there(JOURNAL));
		ck_assert_uint_eq(count_logged("set aside as"), i + 1);
		ck_assert_int_eq(recover(), 0);
		ck_assert_uint_eq(count_logged("set aside as"), i + 1);
	}
	ck_assert(is_there(JOURNAL ".damaged"));
	ck_assert(is_there(JOURNAL ".damaged.5"));
	write_journal(JOURNAL, three_changes(), 3);
	journal = read_text(JOURNAL);
	journal[strlen(journal) / 2] ^= 4;
	write_text(JOURNAL, journal);
	ck_assert_int_eq(recover(), 0);
	expect_old();
	expect_snapshot(false);
	ck_assert_int_eq(apply(three_changes(), 3), 0);
}
END_TEST

START_TEST(what_was_staged_before_the_journal_held_is_reclaimed)
{
	make_three_files();
	write_journal(PENDING, three_changes(), 3);
	write_text("/etc/.a.hwrecover", "new a");
	write_text("/etc/d/.made.hwrecover", "ma");
	write_text("/etc/.b.hwrecover", "somebody's");
	write_text(STORE_PATH "/snapshots/.00000001.json.hwrecover", "torn");
	ck_assert_int_eq(recover(), 0);
	ck_assert(!result.completed);
	expect_old();
	expect_text("/etc/.b.hwrecover", "somebody's");
	ck_assert_int_eq(unlink(host("/etc/.b.hwrecover")), 0);
	expect_snapshot(false);
	expect_clean();
	write_text(PENDING, "torn");
	ck_assert_int_eq(recover(), 0);
	expect_clean();
	ck_assert_ptr_null(logged.data);
}
END_TEST

START_TEST(recovery_that_fails_leaves_the_journal)
{
	make_three_files();
	write_journal(JOURNAL, three_changes(), 3);
	make_directory("/etc/.a.hwrecover");
	ck_assert_int_eq(recover(), -EEXIST);
	ck_assert_msg(strstr(problem.text, "/etc/a: cannot stage") != NULL, "%s", problem.text);
	ck_assert(is_there(JOURNAL));
	expect_old();
	ck_assert_int_eq(rmdir(host("/etc/.a.hwrecover")), 0);
	ck_assert_int_eq(recover(), 1);
	expect_new();
	expect_clean();
}
END_TEST

START_TEST(a_journal_comes_back_as_it_was_written)
{
	const struct change changes[] = { change("/etc/\n\xff", "a\xff", "b"),
					  change("/etc/x", NULL, ""), change("/etc/y", "", NULL) };
	_cleanup_(journal_done) struct journal back = { 0 };
	_cleanup_free_ char *text = NULL, *journal = NULL, *again = NULL;
	size_t size, journal_size, again_size;

	ck_assert_int_eq(snapshot_render(&snapshot, 7, &text, &size), 0);
	ck_assert_int_eq(
		journal_render(changes, 3, 7, bytes_make(text, size), &journal, &journal_size), 0);
	ck_assert_int_eq(journal_parse(bytes_make(journal, journal_size), "J", &back, NULL), 0);
	ck_assert_uint_eq(back.snapshot_id, 7);
	ck_assert_str_eq(back.text, text);
	ck_assert_uint_eq(back.n_changes, 3);
	ck_assert_str_eq(back.changes[0].path, "/etc/\n\xff");
	ck_assert(bytes_equal(back.changes[0].was, changes[0].was));
	ck_assert_ptr_null(back.changes[1].was.data);
	ck_assert_ptr_nonnull(back.changes[1].now.data);
	ck_assert_ptr_null(back.changes[2].now.data);
	ck_assert_int_eq(
		journal_render(back.changes, 3, 7, bytes_make(text, size), &again, &again_size), 0);
	ck_assert_str_eq(journal, again);
}
END_TEST

START_TEST(a_journal_out_of_order_or_of_another_snapshot_is_refused)
{
	const struct change twice[] = { change("/etc/x", "a", "b"), change("/etc/x", "b", "c") };
	const struct change backwards[] = { change("/etc/y", "a", "b"),
					    change("/etc/x", "b", "c") };
	const struct change nothing[] = { change("/etc/x", NULL, NULL) };
	const struct change relative[] = { change("etc/x", "a", "b") };
	const struct change climbing[] = { change("/etc/../x", "a", "b") };
	const struct {
		const struct change *changes;
		size_t n;
		uint64_t id;
		const char *problem;
	} cases[] = {
		{ twice, 2, 1, "changes[1].path: " },
		{ backwards, 2, 1, "changes[1].path: " },
		{ nothing, 1, 1, "changes[0].now: " },
		{ relative, 1, 1, "changes[0].path: " },
		{ climbing, 1, 1, "changes[0].path: " },
		{ twice, 0, 1, "changes: " },
		{ twice, 1, 2, "text: " },
	};
	_cleanup_free_ char *text = NULL;
	size_t size;

	ck_assert_int_eq(snapshot_render(&snapshot, 1, &text, &size), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(problem_done) struct problem why = { 0 };
		_cleanup_free_ char *journal = NULL;
		struct journal back = { 0 };
		size_t journal_size;

		ck_assert_int_eq(journal_render(cases[i].changes, cases[i].n, cases[i].id,
						bytes_make(text, size), &journal, &journal_size),
				 0);
		ck_assert_int_eq(journal_parse(bytes_make(journal, journal_size), "J", &back, &why),
				 -EBADMSG);
		ck_assert_msg(strncmp(why.text, "J: ", 3) == 0 &&
				      strncmp(why.text + 3, cases[i].problem,
					      strlen(cases[i].problem)) == 0,
			      "%s", why.text);
	}
}
END_TEST

START_TEST(many_files_at_once_are_one_transaction)
{
	static struct change changes[300];
	static char paths[300][32];

	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		(void)snprintf(paths[i], sizeof(paths[i]), "/etc/d/%04zu", i);
		write_text(paths[i], "old");
		changes[i] = change(paths[i], "old", "new");
	}
	(void)setrlimit(RLIMIT_NOFILE, &(struct rlimit){ 128, 8192 });
	ck_assert_int_eq(apply(changes, ARRAY_SIZE(changes)), 0);
	for (size_t i = 0; i < ARRAY_SIZE(changes); i++)
		expect_text(paths[i], "new");
	expect_clean();
}
END_TEST

START_TEST(the_same_transaction_twice_gets_another_id)
{
	const struct change there[] = { change("/etc/a", "one", "two") };
	const struct change back[] = { change("/etc/a", "two", "one") };

	write_text("/etc/a", "one");
	ck_assert_int_eq(apply(there, 1), 0);
	transaction_result_done(&result);
	ck_assert_int_eq(apply(back, 1), 0);
	ck_assert_uint_eq(snapshot.id, 2);
	expect_text("/etc/a", "one");
	expect_clean();
}
END_TEST

/* A change of a link's target; NULL for no link. */
static struct change relink(const char *path, const char *was, const char *now)
{
	struct change changed = change(path, was, now);

	changed.was_attributes = changed.now_attributes = &link_attributes;
	return changed;
}

static void make_link(const char *path, const char *target)
{
	(void)unlink(host(path));
	ck_assert_int_eq(symlink(target, host(path)), 0);
}

static void expect_link(const char *path, const char *expected)
{
	char target[256] = "";

	ck_assert_int_gt(readlink(host(path), target, sizeof(target) - 1), 0);
	ck_assert_str_eq(target, expected);
}

/* A link that is made, one that leads elsewhere, one that goes, and a file that becomes one. */
static const struct change *link_changes(void)
{
	static struct change changes[4];

	changes[0] = relink("/etc/d/made", NULL, "../one");
	changes[1] = relink("/etc/d/moved", "../one", "/two");
	changes[2] = relink("/etc/d/removed", "../one", NULL);
	changes[3] = relink("/etc/d/turned", "text", "../one");
	changes[3].was_attributes = &attributes;
	return changes;
}

static void make_links(void)
{
	(void)unlink(host("/etc/d/made"));
	(void)unlink(host("/etc/d/turned"));
	make_link("/etc/d/moved", "../one");
	make_link("/etc/d/removed", "../one");
	write_text("/etc/d/turned", "text");
}

static void expect_old_links(void)
{
	ck_assert(!is_there("/etc/d/made"));
	expect_link("/etc/d/moved", "../one");
	expect_link("/etc/d/removed", "../one");
	expect_text("/etc/d/turned", "text");
}

static void expect_new_links(void)
{
	expect_link("/etc/d/made", "../one");
	expect_link("/etc/d/moved", "/two");
	ck_assert(!is_there("/etc/d/removed"));
	expect_link("/etc/d/turned", "../one");
}

START_TEST(links_are_made_moved_and_removed_as_files_are)
{
	make_links();
	ck_assert_int_eq(apply(link_changes(), 4), 0);
	ck_assert_uint_eq(result.n_skipped, 0);
	expect_new_links();
	expect_clean();
}
END_TEST

START_TEST(links_are_put_back)
{
	make_links();
	ck_assert_int_eq(apply_with(link_changes(), 4, take_the_snapshots_name), -EEXIST);
	expect_old_links();
	expect_clean();
}
END_TEST

START_TEST(links_are_recovered_from_wherever_they_were)
{
	for (unsigned int done = 0; done < 16; done++) {
		(void)unlink(host(STORE_PATH "/snapshots/00000001.json"));
		make_links();
		if (done & 1)
			make_link("/etc/d/made", "../one");
		if (done & 2)
			make_link("/etc/d/moved", "/two");
		if (done & 4)
			ck_assert_int_eq(unlink(host("/etc/d/removed")), 0);
		if (done & 8)
			make_link("/etc/d/turned", "../one");
		make_link("/etc/d/.moved.hwrecover", "/untrusted");
		write_journal(JOURNAL, link_changes(), 4);
		ck_assert_int_eq(recover(), 1);
		ck_assert_uint_eq(result.n_skipped, 0);
		expect_new_links();
		expect_snapshot(true);
		expect_clean();
	}
}
END_TEST

START_TEST(links_that_somebody_changed_are_left)
{
	static const char *const paths[] = { "/etc/d/made", "/etc/d/moved", "/etc/d/removed",
					     "/etc/d/turned" };

	make_links();
	make_link("/etc/d/made", "somewhere");
	/* The target as a text is not the link. */
	ck_assert_int_eq(unlink(host("/etc/d/moved")), 0);
	write_text("/etc/d/moved", "../one");
	make_link("/etc/d/removed", "../one/two");
	make_link("/etc/d/turned", "text");
	for (unsigned int i = 0; i < 2; i++) {
		if (i == 0)
			ck_assert_int_eq(apply(link_changes(), 4), 0);
		else
			write_journal(JOURNAL, link_changes(), 4);
		if (i == 1) {
			ck_assert_int_eq(unlink(host(STORE_PATH "/snapshots/00000001.json")), 0);
			ck_assert_int_eq(recover(), 1);
		}
		ck_assert_uint_eq(result.n_skipped, 4);
		for (size_t j = 0; j < 4; j++)
			ck_assert_str_eq(result.skipped[j], paths[j]);
		expect_link("/etc/d/made", "somewhere");
		expect_text("/etc/d/moved", "../one");
		expect_link("/etc/d/removed", "../one/two");
		expect_link("/etc/d/turned", "text");
		expect_clean();
	}
}
END_TEST

static void make_node(void)
{
	_cleanup_close_ int fd = root_open_directory(&root, NODE, 0755);

	ck_assert_int_ge(fd, 0);
}

/* One file outside of /etc/pve, and three below it that are edited, made and removed. */
static const struct change *guest_changes(void)
{
	static struct change changes[4];

	changes[0] = change("/etc/a", "old a", "new a");
	changes[1] = change(NODE "/100.conf", "old 100", "new 100");
	changes[2] = change(NODE "/101.conf", NULL, "made 101");
	changes[3] = change(NODE "/102.conf", "old 102", NULL);
	return changes;
}

static void make_guests(void)
{
	make_node();
	write_text("/etc/a", "old a");
	write_text(NODE "/100.conf", "old 100");
	(void)unlink(host(NODE "/101.conf"));
	write_text(NODE "/102.conf", "old 102");
}

static void expect_old_guests(void)
{
	expect_text(NODE "/100.conf", "old 100");
	ck_assert(!is_there(NODE "/101.conf"));
	expect_text(NODE "/102.conf", "old 102");
}

static void expect_new_guests(void)
{
	expect_text(NODE "/100.conf", "new 100");
	expect_text(NODE "/101.conf", "made 101");
	ck_assert(!is_there(NODE "/102.conf"));
	ck_assert(!is_there(DEFERRED));
}

START_TEST(guests_files_wait_until_they_can_be_written)
{
	make_guests();
	write_journal(JOURNAL, guest_changes(), 4);
	write_text(NODE "/.100.conf.hwrecover", "left");
	ck_assert_int_eq(recover_where(false), 1);
	ck_assert(result.completed);
	ck_assert_uint_eq(result.n_deferred, 3);
	ck_assert_uint_eq(result.n_skipped, 0);
	expect_text("/etc/a", "new a");
	expect_old_guests();
	expect_text(NODE "/.100.conf.hwrecover", "left");
	expect_snapshot(true);
	ck_assert(!is_there(JOURNAL));
	ck_assert_uint_eq(mode_of(DEFERRED), 0600);
	/* Again nobody can write there. */
	ck_assert_int_eq(recover_where(false), 0);
	ck_assert_uint_eq(result.n_deferred, 3);
	expect_old_guests();

	ck_assert_int_eq(recover_where(true), 1);
	ck_assert_uint_eq(result.n_deferred, 0);
	ck_assert_uint_eq(result.n_skipped, 0);
	expect_new_guests();
	expect_clean();
	ck_assert_int_eq(recover_where(true), 0);
	ck_assert_ptr_null(logged.data);
}
END_TEST

START_TEST(where_nothing_is_mounted_guests_files_are_not_missed)
{
	write_text("/etc/a", "old a");
	write_journal(JOURNAL, guest_changes(), 4);
	ck_assert_int_eq(recover_where(false), 1);
	ck_assert_uint_eq(result.n_skipped, 0);
	ck_assert_uint_eq(result.n_deferred, 3);
	ck_assert(!is_there("/etc/pve"));
	make_guests();
	write_text("/etc/a", "edited since");
	ck_assert_int_eq(recover_where(true), 1);
	expect_new_guests();
	expect_text("/etc/a", "edited since");
}
END_TEST

START_TEST(guests_files_that_can_be_written_do_not_wait)
{
	make_guests();
	write_journal(JOURNAL, guest_changes(), 4);
	ck_assert_int_eq(recover_where(true), 1);
	expect_text("/etc/a", "new a");
	expect_new_guests();
	expect_snapshot(true);
	expect_clean();
}
END_TEST

START_TEST(what_was_deferred_is_done_from_wherever_it_was)
{
	for (unsigned int done = 0; done < 8; done++) {
		(void)unlink(host(STORE_PATH "/snapshots/00000001.json"));
		make_guests();
		write_journal(JOURNAL, guest_changes(), 4);
		ck_assert_int_eq(recover_where(false), 1);
		if (done & 1)
			write_text(NODE "/100.conf", "new 100");
		if (done & 2)
			write_text(NODE "/101.conf", "made 101");
		if (done & 4)
			ck_assert_int_eq(unlink(host(NODE "/102.conf")), 0);
		ck_assert_int_eq(recover_where(true), 1);
		ck_assert_uint_eq(result.n_skipped, 0);
		expect_new_guests();
		expect_clean();
	}
}
END_TEST

START_TEST(deferred_files_that_somebody_changed_are_left)
{
	make_guests();
	write_journal(JOURNAL, guest_changes(), 4);
	ck_assert_int_eq(recover_where(false), 1);
	write_text(NODE "/100.conf", "edited");
	write_text(NODE "/101.conf", "somebody's");
	ck_assert_int_eq(recover_where(true), 1);
	ck_assert_uint_eq(result.n_skipped, 2);
	ck_assert_str_eq(result.skipped[0], NODE "/100.conf");
	ck_assert_str_eq(result.skipped[1], NODE "/101.conf");
	ck_assert_uint_eq(result.n_deferred, 0);
	expect_text(NODE "/100.conf", "edited");
	expect_text(NODE "/101.conf", "somebody's");
	ck_assert(!is_there(NODE "/102.conf"));
	expect_clean();
}
END_TEST

/* Writes a journal of other changes, cut short, while some wait. */
static void crash_again(const struct change *changes, size_t n_changes)
{
	(void)unlink(host(STORE_PATH "/snapshots/00000001.json"));
	write_journal(JOURNAL, changes, n_changes);
	ck_assert_int_eq(recover_where(false), 1);
}

START_TEST(several_deferrals_add_up)
{
	const struct change later[] = {
		change("/etc/pve/mapping/pci.cfg", "old", "new"),
		change(NODE "/100.conf", "new 100", "newer 100"),
		change(NODE "/101.conf", "made 101", NULL),
		change(NODE "/102.conf", NULL, "102 again"),
		change(NODE "/200.conf", NULL, "new 200"),
	};

	make_guests();
	make_directory("/etc/pve/mapping");
	write_text("/etc/pve/mapping/pci.cfg", "old");
	crash_again(guest_changes(), 4);
	crash_again(later, ARRAY_SIZE(later));
	/* What was made and removed again is not there, and never was. */
	ck_assert_uint_eq(result.n_deferred, 4);
	expect_old_guests();
	ck_assert_int_eq(recover_where(true), 1);
	ck_assert_uint_eq(result.n_skipped, 0);
	expect_text("/etc/pve/mapping/pci.cfg", "new");
	expect_text(NODE "/100.conf", "newer 100");
	ck_assert(!is_there(NODE "/101.conf"));
	expect_text(NODE "/102.conf", "102 again");
	expect_text(NODE "/200.conf", "new 200");
	expect_clean();
}
END_TEST

/* At every point between the deferral and the removal of the journal. */
START_TEST(a_deferral_that_was_cut_short_is_made_once)
{
	make_guests();
	write_journal(JOURNAL, guest_changes(), 4);
	ck_assert_int_eq(recover_where(false), 1);
	/* The journal comes back, with and without the snapshot. */
	write_journal(JOURNAL, guest_changes(), 4);
	ck_assert_int_eq(recover_where(false), 1);
	ck_assert_uint_eq(result.n_deferred, 3);
	ck_assert_int_eq(unlink(host(STORE_PATH "/snapshots/00000001.json")), 0);
	write_journal(JOURNAL, guest_changes(), 4);
	ck_assert_int_eq(recover_where(false), 1);
	ck_assert_uint_eq(result.n_deferred, 3);
	expect_old_guests();
	write_journal(JOURNAL, guest_changes(), 4);
	ck_assert_int_eq(recover_where(true), 1);
	expect_new_guests();
	expect_clean();
}
END_TEST

START_TEST(what_cannot_be_written_all_the_same_waits_on)
{
	make_guests();
	write_journal(JOURNAL, guest_changes(), 4);
	make_directory(NODE "/.100.conf.hwrecover");
	ck_assert_int_eq(recover_where(true), 1);
	ck_assert_uint_eq(result.n_deferred, 3);
	ck_assert_uint_eq(count_logged("/100.conf: cannot stage"), 1);
	expect_text("/etc/a", "new a");
	expect_old_guests();
	expect_snapshot(true);
	ck_assert(!is_there(JOURNAL));
	ck_assert_int_eq(rmdir(host(NODE "/.100.conf.hwrecover")), 0);
	ck_assert_int_eq(recover_where(true), 1);
	expect_new_guests();
	expect_clean();
}
END_TEST

START_TEST(nothing_is_begun_below_pve_while_changes_wait_there)
{
	const struct change below[] = { change(NODE "/100.conf", "old 100", "x") };
	const struct change beside[] = { change("/etc/pverse", "a", "b") };

	make_guests();
	write_journal(JOURNAL, guest_changes(), 4);
	ck_assert_int_eq(recover_where(false), 1);
	ck_assert_int_eq(apply(below, 1), -EBUSY);
	ck_assert_ptr_nonnull(strstr(problem.text, DEFERRED));
	expect_old_guests();
	ck_assert_int_eq(apply(NULL, 0), 0);
	write_text("/etc/pverse", "a");
	ck_assert_int_eq(apply(beside, 1), 0);
	expect_text("/etc/pverse", "b");
	ck_assert(is_there(DEFERRED));
}
END_TEST

START_TEST(what_was_staged_below_pve_is_cleared_away_when_that_can_be)
{
	make_guests();
	write_journal(PENDING, guest_changes(), 4);
	write_text("/etc/.a.hwrecover", "new a");
	write_text(NODE "/.100.conf.hwrecover", "new");
	ck_assert_int_eq(recover_where(false), 0);
	ck_assert_uint_eq(result.n_deferred, 0);
	ck_assert(!is_there("/etc/.a.hwrecover"));
	ck_assert(!is_there(PENDING));
	expect_text(NODE "/.100.conf.hwrecover", "new");
	/* Somebody's edit meanwhile is none of our business. */
	write_text(NODE "/100.conf", "edited");
	ck_assert_int_eq(recover_where(true), 0);
	ck_assert_uint_eq(result.n_skipped, 0);
	expect_text(NODE "/100.conf", "edited");
	expect_text(NODE "/102.conf", "old 102");
	ck_assert(!is_there(DEFERRED));
	expect_clean();

	/* With changes that wait for the same files, those are made. */
	make_guests();
	write_journal(JOURNAL, guest_changes(), 4);
	ck_assert_int_eq(recover_where(false), 1);
	write_journal(PENDING, guest_changes(), 4);
	ck_assert_int_eq(recover_where(false), 0);
	ck_assert_uint_eq(result.n_deferred, 3);
	ck_assert_int_eq(recover_where(true), 1);
	expect_new_guests();
	expect_clean();
}
END_TEST

START_TEST(deferred_changes_that_cannot_be_read_are_set_aside)
{
	make_guests();
	write_text(DEFERRED, "garbage");
	ck_assert_int_eq(recover_where(false), 0);
	ck_assert(!is_there(DEFERRED));
	ck_assert(is_there(DEFERRED ".damaged"));
	ck_assert_uint_eq(count_logged("set aside as"), 1);
	write_text(DEFERRED, "{\"schema\":\"hwrecover.deferred/2\"}");
	write_journal(JOURNAL, guest_changes(), 4);
	ck_assert_int_eq(recover_where(false), 1);
	ck_assert_uint_eq(result.n_deferred, 3);
	ck_assert(is_there(DEFERRED ".damaged.2"));
	ck_assert_int_eq(recover_where(true), 1);
	expect_new_guests();
}
END_TEST

START_TEST(deferred_changes_come_back_as_they_were_written)
{
	const struct change changes[] = { guest_changes()[1], guest_changes()[2],
					  change(NODE "/102.conf", NULL, NULL),
					  relink(NODE "/link", "a", "b") };
	_cleanup_(journal_done) struct journal back = { 0 }, wrong = { 0 };
	_cleanup_free_ char *text = NULL, *again = NULL;
	size_t size, size_again;

	ck_assert_int_eq(deferred_render(changes, 4, &text, &size), 0);
	ck_assert_int_eq(deferred_parse(bytes_make(text, size), "D", &back, NULL), 0);
	ck_assert_uint_eq(back.n_changes, 4);
	ck_assert_ptr_null(back.text);
	ck_assert_str_eq(back.changes[0].now.data, "new 100");
	ck_assert(!back.changes[0].now_attributes->is_link);
	ck_assert_ptr_null(back.changes[2].was.data);
	ck_assert_ptr_null(back.changes[2].now.data);
	ck_assert(back.changes[3].was_attributes->is_link);
	ck_assert(back.changes[3].now_attributes->is_link);
	ck_assert_int_eq(deferred_render(back.changes, 4, &again, &size_again), 0);
	ck_assert_str_eq(text, again);
	ck_assert_int_eq(journal_parse(bytes_make(text, size), "J", &wrong, NULL), -EBADMSG);
}
END_TEST

START_TEST(releasing_nothing_is_allowed)
{
	struct journal journal = { 0 };

	transaction_result_done(NULL);
	journal_done(NULL);
	journal_done(&journal);
	ck_assert_ptr_null(journal.text);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("transaction");
	TCase *tests = tcase_create("transaction");
	SRunner *runner = srunner_create(suite);
	int failed;

	/* Everything is synced, and disks differ. */
	tcase_set_timeout(tests, 60);
	tcase_add_checked_fixture(tests, begin, end);
	tcase_add_test(tests, all_files_are_replaced_made_and_removed_and_the_snapshot_is_there);
	tcase_add_test(tests, without_changes_only_the_snapshot_is_written);
	tcase_add_test(tests, files_that_become_empty_or_were_are_files);
	tcase_add_test(tests, attributes_alone_can_change);
	tcase_add_test(tests, a_file_at_the_top_has_a_folder_too);
	tcase_add_test(tests, what_somebody_changed_is_skipped_and_listed);
	tcase_add_test(tests, changes_that_no_journal_can_hold_are_refused);
	tcase_add_test(tests, a_file_is_not_made_where_there_is_no_folder);
	tcase_add_test(tests, when_the_check_rejects_what_is_staged_nothing_was_changed);
	tcase_add_test(tests, when_one_cannot_be_replaced_the_others_are_put_back);
	tcase_add_test(tests, when_the_snapshot_cannot_be_committed_all_is_put_back);
	tcase_add_test(tests, putting_back_gives_back_owner_mode_and_attributes);
	tcase_add_test(tests, nothing_is_begun_while_a_journal_is_there);
	tcase_add_test(tests, nothing_is_begun_where_the_state_cannot_be_written);
	tcase_add_test(tests, with_nothing_to_recover_nothing_is_done);
	tcase_add_test(tests, recovery_completes_what_was_begun);
	tcase_add_test(tests, recovery_goes_on_from_wherever_it_was);
	tcase_add_test(tests, recovery_leaves_what_somebody_changed_meanwhile);
	tcase_add_test(tests, recovery_leaves_what_became_of_another_kind_or_vanished);
	tcase_add_test(tests, recovery_of_attributes_alone_looks_at_attributes);
	tcase_add_test(tests, recovery_does_not_repeat_what_the_snapshot_says_is_done);
	tcase_add_test(tests, recovery_writes_a_snapshot_that_was_damaged_again);
	tcase_add_test(tests, a_journal_that_cannot_be_read_is_set_aside_and_said_once);
	tcase_add_test(tests, what_was_staged_before_the_journal_held_is_reclaimed);
	tcase_add_test(tests, recovery_that_fails_leaves_the_journal);
	tcase_add_test(tests, a_journal_comes_back_as_it_was_written);
	tcase_add_test(tests, a_journal_out_of_order_or_of_another_snapshot_is_refused);
	tcase_add_test(tests, many_files_at_once_are_one_transaction);
	tcase_add_test(tests, the_same_transaction_twice_gets_another_id);
	tcase_add_test(tests, links_are_made_moved_and_removed_as_files_are);
	tcase_add_test(tests, links_are_put_back);
	tcase_add_test(tests, links_are_recovered_from_wherever_they_were);
	tcase_add_test(tests, links_that_somebody_changed_are_left);
	tcase_add_test(tests, guests_files_wait_until_they_can_be_written);
	tcase_add_test(tests, where_nothing_is_mounted_guests_files_are_not_missed);
	tcase_add_test(tests, guests_files_that_can_be_written_do_not_wait);
	tcase_add_test(tests, what_was_deferred_is_done_from_wherever_it_was);
	tcase_add_test(tests, deferred_files_that_somebody_changed_are_left);
	tcase_add_test(tests, several_deferrals_add_up);
	tcase_add_test(tests, a_deferral_that_was_cut_short_is_made_once);
	tcase_add_test(tests, what_cannot_be_written_all_the_same_waits_on);
	tcase_add_test(tests, nothing_is_begun_below_pve_while_changes_wait_there);
	tcase_add_test(tests, what_was_staged_below_pve_is_cleared_away_when_that_can_be);
	tcase_add_test(tests, deferred_changes_that_cannot_be_read_are_set_aside);
	tcase_add_test(tests, deferred_changes_come_back_as_they_were_written);
	tcase_add_test(tests, releasing_nothing_is_allowed);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
