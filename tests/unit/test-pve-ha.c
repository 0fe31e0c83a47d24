/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bind-scan.h"
#include "tree.h"

#include "recovery/sources/pve.h"

#define PATH "/etc/pve/ha/resources.cfg"

static void setup(void)
{
	begin(&pve_ha_source, PATH);
}

/* All switches, as "GUEST on|off LINE;" with the line a switch starts on. */
static void switches(const char *wanted)
{
	struct buffer found = { 0 };

	for (size_t i = 0; i < document->n_switches; i++) {
		const struct start_switch *item = &document->switches[i];

		ck_assert_int_eq(item->kind, SWITCH_HA);
		ck_assert(!item->file);
		buffer_appendf(&found, "%s %s %u;", item->guest, item->on ? "on" : "off",
			       document_line_at(document, item->span.offset));
	}
	ck_assert_str_eq(found.size ? found.data : "", wanted);
	buffer_done(&found);
	ck_assert_uint_eq(document->n_references, 0);
	ck_assert_ptr_null(document->guest);
}

/* The file once all that are on are turned off; then they are off in it, as they were left. */
static void becomes(const char *wanted)
{
	struct edit edits[8];
	char *text;
	size_t size, n = 0;
	struct buffer off = { 0 }, left = { 0 };

	for (size_t i = 0; i < document->n_switches; i++) {
		const struct start_switch *item = &document->switches[i];

		buffer_appendf(&off, "%s: %s", item->guest, item->off);
		if (item->on)
			edits[n++] =
				(struct edit){ .span = item->span, .text = bytes_of(item->off) };
		else
			ck_assert(bytes_equal_text(document_text(document, item->span), item->off));
	}
	edits_sort(edits, n);
	ck_assert_int_eq(edits_apply(document_bytes(document), edits, n, &text, &size), 0);
	ck_assert_str_eq(text, wanted);
	scan(text);
	free(text);
	for (size_t i = 0; i < document->n_switches; i++) {
		const struct start_switch *item = &document->switches[i];

		ck_assert(!item->on);
		buffer_appendf(&left, "%s: ", item->guest);
		buffer_append(&left, document_text(document, item->span));
	}
	ck_assert_str_eq(off.data, left.data);
	buffer_done(&off);
	buffer_done(&left);
}

START_TEST(every_managed_guest_has_a_switch)
{
	scan("vm: 100\n\tcomment web\n\tstate started\n\n"
	     "ct: 101\n    state   enabled \n    group a\n\n"
	     "vm: 102\n\tgroup b\n\n"
	     "vm: 103\n\tstate stopped\n\n"
	     "ct: 104\n\tstate disabled\n\n"
	     "ct: 105\n\tstate ignored\n\n");
	switches("pve/qemu/100 on 3;pve/qemu/102 on 10;pve/qemu/103 off 13;"
		 "pve/lxc/101 on 6;pve/lxc/104 off 16;");
	notes("");
	becomes("vm: 100\n\tcomment web\n\tstate stopped\n\n"
		"ct: 101\n    state   stopped \n    group a\n\n"
		"vm: 102\n\tstate stopped\n\tgroup b\n\n"
		"vm: 103\n\tstate stopped\n\n"
		"ct: 104\n\tstate disabled\n\n"
		"ct: 105\n\tstate ignored\n\n");
}
END_TEST

START_TEST(a_section_ends_at_an_empty_line_and_nowhere_else)
{
	/* The second head is passed over, and the state below it is the first guest's. */
	scan("vm: 100\nct: 101\n \t\n# a comment\n\t# another\n\tstate stopped\n\nvm: 102\n");
	switches("pve/qemu/100 off 6;pve/qemu/102 on 9;");
	becomes("vm: 100\nct: 101\n \t\n# a comment\n\t# another\n\tstate stopped\n\n"
		"vm: 102\n\tstate stopped\n");
	/* To Perl this line is as false as an empty one. */
	scan("vm: 100\n0\n\tstate stopped\nvm: 102\n");
	switches("pve/qemu/100 on 2;pve/qemu/102 on 5;");
}
END_TEST

START_TEST(the_last_section_of_a_guest_counts)
{
	scan("vm: 100\n\tstate started\n\nct: 100\n\nvm: 100\n\tstate stopped\n");
	switches("pve/qemu/100 off 7;pve/lxc/100 on 5;");
	scan("vm: 100\n\tstate started\n\nVM:100\n\tstate ignored\n");
	switches("");
}
END_TEST

START_TEST(the_first_state_counts)
{
	scan("vm: 100\n\tstate stopped\n\tstate started\n\n");
	switches("pve/qemu/100 off 2;");
	scan("vm: 100\n\tstate started\n\tstate ignored\n\n");
	switches("pve/qemu/100 on 2;");
	becomes("vm: 100\n\tstate stopped\n\tstate ignored\n\n");
}
END_TEST

START_TEST(a_state_that_nobody_knows_is_started)
{
	scan("vm: 100\n\tstate Stopped\n\nvm: 101\n\tstate\n\nvm: 102\n\tstate  freeze now\t\n\n"
	     "vm: 103\n\tstates stopped\n");
	switches("pve/qemu/100 on 2;pve/qemu/101 on 5;pve/qemu/102 on 8;pve/qemu/103 on 11;");
	becomes("vm: 100\n\tstate stopped\n\nvm: 101\n\tstate stopped\n\n"
		"vm: 102\n\tstate  stopped\t\n\nvm: 103\n\tstate stopped\n\tstates stopped\n");
}
END_TEST

START_TEST(what_is_no_guest_is_passed_over)
{
	scan("\tstate started\nvm: 0100\n\tstate started\n\nvm: web\n\nfa: 100\n\nvm:\n\nvm\n\n"
	     "vm: 1 2\n\n vm: 100\n\nvm : 100\n\nvm: 99999999999\n\n: 100\n\n# vm: 100\n\n");
	switches("");
	scan("");
	switches("");
}
END_TEST

START_TEST(a_file_may_end_without_a_newline)
{
	scan("vm: 100\n\tstate started");
	switches("pve/qemu/100 on 2;");
	becomes("vm: 100\n\tstate stopped");
	scan("ct: 100");
	switches("pve/lxc/100 on 1;");
	ck_assert_uint_eq(document->switches[0].span.offset, strlen("ct: 100"));
	ck_assert_uint_eq(document->switches[0].span.length, 0);
	ck_assert_str_eq(document->switches[0].off, "\n\tstate stopped\n");
}
END_TEST

START_TEST(line_ends_of_other_systems_stay)
{
	scan("vm: 100\r\n\tstate started\r\n\r\n");
	switches("pve/qemu/100 on 2;");
	becomes("vm: 100\r\n\tstate stopped\r\n\r\n");
}
END_TEST

START_TEST(it_is_read_where_proxmox_is_there)
{
	struct problem problem = { 0 };

	end();
	tree_setup();
	scan_context.root = &tree_root;
	tree_file(PATH, "vm: 100\n");
	ck_assert_int_eq(pve_ha_source.collect(&pve_ha_source, &scan_context, &documents, &problem),
			 0);
	ck_assert_uint_eq(documents.n_items, 0);
	scan_context.pve_folder = "/etc/pve/nodes/pve1";
	ck_assert_int_eq(pve_ha_source.collect(&pve_ha_source, &scan_context, &documents, &problem),
			 0);
	tree_teardown();
	ck_assert_uint_eq(documents.n_items, 1);
	ck_assert_str_eq(documents.items[0]->path, PATH);
	ck_assert(pve_ha_source.owns(PATH));
	ck_assert(!pve_ha_source.owns("/etc/pve/ha/resources.cfg.tmp"));
}
END_TEST

static void add(TCase *tests)
{
	tcase_add_test(tests, every_managed_guest_has_a_switch);
	tcase_add_test(tests, a_section_ends_at_an_empty_line_and_nowhere_else);
	tcase_add_test(tests, the_last_section_of_a_guest_counts);
	tcase_add_test(tests, the_first_state_counts);
	tcase_add_test(tests, a_state_that_nobody_knows_is_started);
	tcase_add_test(tests, what_is_no_guest_is_passed_over);
	tcase_add_test(tests, a_file_may_end_without_a_newline);
	tcase_add_test(tests, line_ends_of_other_systems_stay);
	tcase_add_test(tests, it_is_read_where_proxmox_is_there);
}

int main(void)
{
	return run_tests("pve-ha", add, setup);
}
