/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `restore`: what somebody's edit removed of what is parked, put back. */
#include "recovery/park.h"

#include <check.h>
#include <stdio.h>

#include "tests/unit/world.h"

#define HARDWARE "enp5s0=01@05 enp6s0=02@06 enp7s0=03@07"
/* enp5s0 is gone, and another card bears its name. */
#define WITHOUT "enp5s0=0f@05/0f enp6s0=02@06 enp7s0=03@07"

static struct world world;
static struct look look;
static const char *path;

static void setup(void)
{
	tree_setup();
	world_init(&world);
	path = INTERFACES;
}

static void teardown(void)
{
	look_done(&look);
	world_done(&world);
	tree_teardown();
}

static size_t count_lost(const struct meanings *meanings)
{
	size_t n = 0;

	for (size_t i = 0; i < meanings->n_parked; i++)
		n += meanings->parked[i].lost;
	return n;
}

/* Records @text, parks enp5s0 in it, which gives @parked, and lets a person make @edited of that.
 */
static void lose(const char *text, const char *parked, const char *edited)
{
	world_done(&world);
	world_set(&world, path, text);
	world_boot(&world, HARDWARE);
	world_boot(&world, WITHOUT);
	ck_assert_str_eq(world_text(&world, path), parked);
	world_set(&world, path, edited);
	world_boot(&world, WITHOUT);
	ck_assert_str_eq(world_text(&world, path), edited);
	ck_assert_uint_gt(count_lost(&world.recorded), 0);
}

/* `restore` with some hardware; @lost texts cannot be put back. */
static void restore(const char *hardware, const char *wanted, size_t lost)
{
	world.restore = path;
	world_look_at(&world, hardware, &world_policy, &look);
	ck_assert_uint_eq(count_lost(&look.meanings), lost);
	world_apply(&world, &look);
	look_done(&look);
	world.restore = NULL;
	ck_assert_str_eq(world_text(&world, path), wanted);
	ck_assert_uint_eq(count_lost(&world.recorded), lost);
	/* The next boot has nothing to do. */
	world_look_at(&world, hardware, &world_policy, &look);
	ck_assert_int_eq(look.result, 0);
	ck_assert_uint_eq(look.plan.n_edits, 0);
	look_done(&look);
}

START_TEST(puts_a_stanza_back_at_the_end)
{
	lose("auto enp5s0\niface enp5s0 inet manual\n\tmtu 9000\n\nauto lo\n",
	     "#hwrecover: auto enp5s0\n#hwrecover: iface enp5s0 inet manual\n"
	     "#hwrecover: \tmtu 9000\n\nauto lo\n",
	     "auto lo\n");
	restore(HARDWARE, "auto lo\nauto enp5s0\niface enp5s0 inet manual\n\tmtu 9000\n", 0);
}
END_TEST

START_TEST(puts_it_back_parked_while_its_device_is_away)
{
	lose("iface enp5s0 inet manual\n\tmtu 9000\n\nauto lo\n",
	     "#hwrecover: iface enp5s0 inet manual\n#hwrecover: \tmtu 9000\n\nauto lo\n",
	     "auto lo\n");
	restore(WITHOUT, "auto lo\n#hwrecover: iface enp5s0 inet manual\n#hwrecover: \tmtu 9000\n",
		0);
	world_boot(&world, HARDWARE);
	ck_assert_str_eq(world_text(&world, path),
			 "auto lo\niface enp5s0 inet manual\n\tmtu 9000\n");
}
END_TEST

START_TEST(puts_lines_of_a_stanza_below_its_head)
{
	lose("iface vmbr0 inet manual\n\tmtu 9000\n\tup a enp5s0 \\\n\t\tb\niface lo inet loopback\n",
	     "iface vmbr0 inet manual\n\tmtu 9000\n"
	     "#hwrecover: \tup a enp5s0 \\ (continued)\n#hwrecover: \t\tb\niface lo inet loopback\n",
	     "iface lo inet loopback\n\niface vmbr0 inet manual\n\tmtu 9000\n");
	restore(HARDWARE,
		"iface lo inet loopback\n\niface vmbr0 inet manual\n\tup a enp5s0 \\\n\t\tb\n"
		"\tmtu 9000\n",
		0);
}
END_TEST

START_TEST(puts_words_back_as_a_line_of_their_own)
{
	lose("iface vmbr0 inet manual\n\tbridge-ports enp5s0.7 enp6s0 enp5s0\n\tmtu 9000\n",
	     "iface vmbr0 inet manual\n\tbridge-ports enp6s0\n\tmtu 9000\n",
	     "iface vmbr0 inet manual\n\tbridge-ports enp6s0 enp7s0\n\tmtu 9000\n");
	restore(HARDWARE,
		"iface vmbr0 inet manual\n\tbridge-ports enp5s0.7 enp5s0\n"
		"\tbridge-ports enp6s0 enp7s0\n\tmtu 9000\n",
		0);
	lose("auto enp5s0 lo enp6s0\n", "auto lo enp6s0\n", "auto lo\nauto enp6s0\n");
	restore(HARDWARE, "auto lo\nauto enp6s0\nauto enp5s0\n", 0);
}
END_TEST

START_TEST(keeps_texts_apart_that_touch)
{
	lose("iface vmbr0 inet manual\n\tbridge-ports enp5s0 enp6s0\n\tup a enp5s0\n",
	     "iface vmbr0 inet manual\n\tbridge-ports enp6s0\n#hwrecover: \tup a enp5s0\n",
	     "iface vmbr0 inet manual\n\tbridge-ports enp6s0\n\tmtu 9000\n");
	restore(HARDWARE,
		"iface vmbr0 inet manual\n\tup a enp5s0\n\tbridge-ports enp5s0 enp6s0\n\tmtu 9000\n",
		0);
	lose("iface vmbr0 inet manual\n\tup a enp5s0\n\tbridge-ports enp5s0 enp6s0\n",
	     "iface vmbr0 inet manual\n#hwrecover: \tup a enp5s0\n\tbridge-ports enp6s0\n",
	     "iface vmbr0 inet manual\n\tmtu 9000\n");
	restore(HARDWARE,
		"iface vmbr0 inet manual\n\tup a enp5s0\n\tbridge-ports enp5s0\n\tmtu 9000\n", 0);
}
END_TEST

START_TEST(keeps_lost_what_has_no_place_any_more)
{
	lose("iface vmbr0 inet manual\n\tup a enp5s0\niface lo inet loopback\n",
	     "iface vmbr0 inet manual\n#hwrecover: \tup a enp5s0\niface lo inet loopback\n",
	     "iface lo inet loopback\n");
	restore(HARDWARE, "iface lo inet loopback\n", 1);
	/* It is not forgotten: the stanza may come back. */
	world_set(&world, path, "iface lo inet loopback\niface vmbr0 inet manual\n");
	restore(HARDWARE, "iface lo inet loopback\niface vmbr0 inet manual\n\tup a enp5s0\n", 0);
}
END_TEST

START_TEST(guesses_no_place)
{
	lose("iface vmbr0 inet manual\n\tup a enp5s0\n",
	     "iface vmbr0 inet manual\n#hwrecover: \tup a enp5s0\n",
	     "iface vmbr0 inet manual\niface vmbr0 inet manual\n");
	restore(HARDWARE, "iface vmbr0 inet manual\niface vmbr0 inet manual\n", 1);
}
END_TEST

START_TEST(writes_nothing_behind_a_line_without_an_end)
{
	lose("auto lo\nauto enp5s0\n", "auto lo\n#hwrecover: auto enp5s0\n", "auto lo");
	restore(HARDWARE, "auto lo", 1);
	lose("auto lo\nauto enp5s0", "auto lo\n#hwrecover: auto enp5s0", "auto lo\n");
	restore(HARDWARE, "auto lo\nauto enp5s0\n", 0);
}
END_TEST

START_TEST(keeps_the_line_ends_of_the_file)
{
	lose("iface vmbr0 inet manual\r\n\tbridge-ports enp5s0 enp6s0\r\n",
	     "iface vmbr0 inet manual\r\n\tbridge-ports enp6s0\r\n",
	     "iface vmbr0 inet manual\r\n\tbridge-ports enp6s0 enp7s0\r\n");
	restore(HARDWARE,
		"iface vmbr0 inet manual\r\n\tbridge-ports enp5s0\r\n"
		"\tbridge-ports enp6s0 enp7s0\r\n",
		0);
}
END_TEST

START_TEST(makes_no_second_assignment_in_a_shell_file)
{
	path = NETWORKING;
	lose("EXCLUDE_INTERFACES=\"enp5s0 enp6s0\"\n", "EXCLUDE_INTERFACES=\"enp6s0\"\n",
	     "EXCLUDE_INTERFACES=\"enp6s0 enp7s0\"\n");
	restore(HARDWARE, "EXCLUDE_INTERFACES=\"enp6s0 enp7s0\"\n", 1);
}
END_TEST

START_TEST(makes_no_list_without_the_time_before_it)
{
	lose("iface vmbr0 inet manual\n\tbridge_waitport 10 enp5s0 enp6s0\n",
	     "iface vmbr0 inet manual\n\tbridge_waitport 10 enp6s0\n",
	     "iface vmbr0 inet manual\n\tbridge_waitport 20 enp6s0\n");
	restore(HARDWARE, "iface vmbr0 inet manual\n\tbridge_waitport 20 enp6s0\n", 1);
}
END_TEST

START_TEST(restores_next_to_what_is_still_parked)
{
	lose("iface enp5s0 inet manual\n\tup a enp5s0\niface vmbr0 inet manual\n\tup b enp5s0\n"
	     "iface vmbr1 inet manual\n\tbridge-ports enp5s0\n",
	     "#hwrecover: iface enp5s0 inet manual\n#hwrecover: \tup a enp5s0\n"
	     "iface vmbr0 inet manual\n#hwrecover: \tup b enp5s0\n"
	     "iface vmbr1 inet manual\n\tbridge-ports none\n",
	     "#hwrecover: iface enp5s0 inet manual\n#hwrecover: \tup a enp5s0\n"
	     "iface vmbr0 inet manual\niface vmbr1 inet manual\n\tbridge-ports none\n");
	restore(WITHOUT,
		"#hwrecover: iface enp5s0 inet manual\n#hwrecover: \tup a enp5s0\n"
		"iface vmbr0 inet manual\n#hwrecover: \tup b enp5s0\n"
		"iface vmbr1 inet manual\n\tbridge-ports none\n",
		0);
	world_boot(&world, HARDWARE);
	ck_assert_str_eq(world_text(&world, path),
			 "iface enp5s0 inet manual\n\tup a enp5s0\niface vmbr0 inet manual\n"
			 "\tup b enp5s0\niface vmbr1 inet manual\n\tbridge-ports enp5s0\n");
}
END_TEST

START_TEST(tells_that_something_can_be_restored)
{
	lose("auto enp5s0\nauto lo\n", "#hwrecover: auto enp5s0\nauto lo\n", "auto lo\n");
	world_look_at(&world, HARDWARE, &world_policy, &look);
	ck_assert_uint_eq(look.plan.n_edits, 0);
	ck_assert_uint_ge(look.plan.n_warnings, 1);
	ck_assert_ptr_nonnull(strstr(look.plan.warnings[0], "`hwrecover restore " INTERFACES "`"));
}
END_TEST

/* A text that was never lost, by hand: one file, no world around it. */
START_TEST(leaves_other_files_and_what_is_not_lost_alone)
{
	struct document document = { .path = INTERFACES };
	struct meanings meanings = { 0 };
	struct put_back *back = calloc(1, sizeof(*back));
	struct parked_text *parked;
	size_t n_back = 0;

	ck_assert_ptr_nonnull(back);
	ck_assert_int_eq(bytes_duplicate(bytes_of("auto lo\n"), &document.data), 0);
	document.size = strlen(document.data);
	for (int i = 0; i < 2; i++) {
		parked = meanings_add_parked(&meanings, 0);
		ck_assert_ptr_nonnull(parked);
		parked->path = i ? INTERFACES : "/etc/network/interfaces.d/x";
		parked->context = "";
		parked->present = PARK_PREFIX "x\n";
		parked->original = "x\n";
		parked->lost = !i;
	}
	ck_assert_int_eq(park_undo_lost(&meanings, &document, &back, &n_back), 0);
	ck_assert_uint_eq(n_back, 0);
	ck_assert_ptr_null(document.disk);
	ck_assert_str_eq(document.data, "auto lo\n");
	ck_assert(meanings.parked[0].lost && !meanings.parked[1].lost);
	free(back);
	meanings_done(&meanings);
	document_done(&document);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("park-lost");
	TCase *tcase = tcase_create("park-lost");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, puts_a_stanza_back_at_the_end);
	tcase_add_test(tcase, puts_it_back_parked_while_its_device_is_away);
	tcase_add_test(tcase, puts_lines_of_a_stanza_below_its_head);
	tcase_add_test(tcase, puts_words_back_as_a_line_of_their_own);
	tcase_add_test(tcase, keeps_texts_apart_that_touch);
	tcase_add_test(tcase, keeps_lost_what_has_no_place_any_more);
	tcase_add_test(tcase, guesses_no_place);
	tcase_add_test(tcase, writes_nothing_behind_a_line_without_an_end);
	tcase_add_test(tcase, keeps_the_line_ends_of_the_file);
	tcase_add_test(tcase, makes_no_second_assignment_in_a_shell_file);
	tcase_add_test(tcase, makes_no_list_without_the_time_before_it);
	tcase_add_test(tcase, restores_next_to_what_is_still_parked);
	tcase_add_test(tcase, tells_that_something_can_be_restored);
	tcase_add_test(tcase, leaves_other_files_and_what_is_not_lost_alone);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed > 0;
}
