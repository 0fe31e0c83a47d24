/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What each mention means after hardware and people were at work. */
#include "recovery/meanings.h"

#include <check.h>
#include <stdio.h>

#include "tests/unit/world.h"

static struct world world;
static struct look look;

static void setup(void)
{
	tree_setup();
	world_init(&world);
}

static void teardown(void)
{
	look_done(&look);
	world_done(&world);
	tree_teardown();
}

/* Two bridges and a NIC of its own, recorded with three NICs. */
#define HARDWARE "enp5s0=01@05 enp6s0=02@06 enp7s0=03@07"

static const char usual[] = "auto lo\n"
			    "iface lo inet loopback\n"
			    "\n"
			    "auto enp5s0\n"
			    "iface enp5s0 inet manual\n"
			    "\tmtu 9000\n"
			    "\n"
			    "iface enp6s0 inet manual\n"
			    "\n"
			    "auto vmbr0\n"
			    "iface vmbr0 inet static\n"
			    "\taddress 192.0.2.1/24\n"
			    "\tbridge-ports enp5s0 enp6s0\n"
			    "\tbridge-fd 0\n"
			    "\n"
			    "auto vmbr1\n"
			    "iface vmbr1 inet manual\n"
			    "\tbridge-ports enp7s0\n"
			    "\tbridge-fd 0\n";

static void begin(const char *text, const char *hardware)
{
	world_set(&world, INTERFACES, text);
	world_boot(&world, hardware);
}

static void look_at(const char *hardware)
{
	look_done(&look);
	world_look_at(&world, hardware, &world_policy, &look);
}

static const char *show_origin(enum origin origin)
{
	switch (origin) {
	case ORIGIN_KEPT:
		return "";
	case ORIGIN_NEW:
		return "new";
	case ORIGIN_RECALLED:
		return "recalled";
	case ORIGIN_DANGLING:
		return "dangling";
	case ORIGIN_AMBIGUOUS:
		return "ambiguous";
	default:
		return "?";
	}
}

/* The mentions of a file in its order, by blanks: NAME=MAC, '-' for nobody, and what else is known:
 * ":new", ":parked". */
static char *describe(const char *path)
{
	struct buffer text = { 0 };
	char *description;

	for (size_t i = 0; i < look.resolution.n_subjects; i++) {
		const struct subject *subject = &look.resolution.subjects[i];
		const struct document *document = subject->document;

		for (size_t j = 0; j < document->n_references; j++) {
			const struct binding *binding = &subject->bindings[j];
			const struct unit *unit = binding->unit == MEANS_NOBODY
							  ? NULL
							  : &look.meanings.units[binding->unit];
			const char *origin = show_origin(binding->origin);

			if (strcmp(document->path, path) != 0)
				continue;
			buffer_appendf(&text, "%s", text.size ? " " : "");
			buffer_append(&text, document_text(document, document->references[j].span));
			buffer_appendf(&text, "=%s%s%s%s%s",
				       !unit           ? "-"
				       : unit->nic.mac ? unit->nic.mac + 15
						       : unit->nic.name,
				       *origin ? ":" : "", origin, binding->parked ? ":parked" : "",
				       binding->held ? ":held" : "");
		}
	}
	ck_assert_int_eq(buffer_finish(&text, &description, NULL), 0);
	return description;
}

static void expect_in(const char *path, const char *wanted)
{
	_cleanup_free_ char *found = describe(path);

	ck_assert_str_eq(found, wanted);
}

static void expect(const char *wanted)
{
	expect_in(INTERFACES, wanted);
}

START_TEST(at_first_a_mention_means_what_it_names)
{
	world_set(&world, INTERFACES, usual);
	look_at("enp5s0=01@05 enp6s0=02@06");
	expect("enp5s0=01:new enp5s0=01:new enp6s0=02:new enp5s0=01:new enp6s0=02:new");
	look_at("enp5s0=01@05 eth0,enp6s0=02@06 enp7s0=-@07");
	expect("enp5s0=01:new enp5s0=01:new enp6s0=02:new enp5s0=01:new enp6s0=02:new "
	       "enp7s0=enp7s0:new");
	look_at("");
	expect("");
}
END_TEST

START_TEST(in_an_untouched_file_each_mention_keeps_its_meaning)
{
	begin(usual, HARDWARE);
	look_at("enp5s0=02@05 enp6s0=01@06 enp9s0=04@09");
	expect("enp5s0=01 enp5s0=01 enp6s0=02 enp5s0=01 enp6s0=02 enp7s0=03");
	look_at("");
	expect("enp5s0=01 enp5s0=01 enp6s0=02 enp5s0=01 enp6s0=02 enp7s0=03");
}
END_TEST

START_TEST(edits_around_a_mention_change_nothing)
{
	begin(usual, HARDWARE);
	world_edit(&world, INTERFACES, "\tmtu 9000\n", "\tmtu 1500\n# why\n");
	world_edit(&world, INTERFACES, "\tbridge-ports enp5s0 enp6s0\n",
		   "\tgateway 192.0.2.254\n\tbridge-ports   enp5s0 \\\n\t\tenp6s0\n");
	world_edit(&world, INTERFACES, "auto lo\n", "# mine\nauto lo\n");
	/* On the same boot, hardware moved too (scenario S26b). */
	look_at("enp5s0=02@05 enp6s0=03@06");
	expect("enp5s0=01 enp5s0=01 enp6s0=02 enp5s0=01 enp6s0=02 enp7s0=03");
}
END_TEST

START_TEST(a_file_that_proxmox_rewrote_keeps_its_meanings)
{
	begin("# my notes\n"
	      "auto vmbr1\n"
	      "iface vmbr1 inet manual\n"
	      "    bridge_ports enp7s0\n"
	      "    bridge_stp off\n"
	      "    bridge_fd 0\n"
	      "auto vmbr0\n"
	      "iface vmbr0 inet static\n"
	      "    address 192.0.2.1/24\n"
	      "    bridge_ports enp5s0\n"
	      "    bridge_stp off\n"
	      "    bridge_fd 0\n"
	      "iface enp7s0 inet manual\n"
	      "iface enp5s0 inet manual\n",
	      HARDWARE);
	world_set(&world, INTERFACES,
		  "auto lo\n"
		  "iface lo inet loopback\n"
		  "\n"
		  "iface enp5s0 inet manual\n"
		  "\n"
		  "iface enp7s0 inet manual\n"
		  "\n"
		  "auto vmbr0\n"
		  "iface vmbr0 inet static\n"
		  "\taddress 192.0.2.1/24\n"
		  "\tbridge-ports enp5s0\n"
		  "\tbridge-stp off\n"
		  "\tbridge-fd 0\n"
		  "\n"
		  "auto vmbr1\n"
		  "iface vmbr1 inet manual\n"
		  "\tbridge-ports enp7s0\n"
		  "\tbridge-stp off\n"
		  "\tbridge-fd 0\n");
	look_at("enp5s0=03@05 enp6s0=01@06");
	expect("enp5s0=01 enp7s0=03 enp5s0=01 enp7s0=03");
}
END_TEST

START_TEST(heads_exchanged_by_hand_are_right_as_they_are)
{
	begin("auto enp5s0\niface enp5s0 inet static\n\taddress 192.0.2.1/24\n"
	      "auto enp6s0\niface enp6s0 inet static\n\taddress 198.51.100.1/24\n",
	      HARDWARE);
	/* The cards changed slots, and a person followed. */
	world_set(&world, INTERFACES,
		  "auto enp5s0\niface enp6s0 inet static\n\taddress 192.0.2.1/24\n"
		  "auto enp6s0\niface enp5s0 inet static\n\taddress 198.51.100.1/24\n");
	look_at("enp5s0=02@05/06 enp6s0=01@06/05");
	expect("enp5s0=01 enp6s0=01 enp6s0=02 enp5s0=02");
}
END_TEST

START_TEST(a_mention_edited_to_what_its_place_meant_is_right)
{
	begin(usual, HARDWARE);
	/* Scenario S26: all one further, and all edited already. */
	world_set(&world, INTERFACES,
		  "auto enp6s0\niface enp6s0 inet manual\n\tmtu 9000\n\n"
		  "iface enp7s0 inet manual\n\n"
		  "auto vmbr0\niface vmbr0 inet static\n\taddress 192.0.2.1/24\n"
		  "\tbridge-ports enp6s0 enp7s0\n\tbridge-fd 0\n\n"
		  "auto vmbr1\niface vmbr1 inet manual\n\tbridge-ports enp8s0\n\tbridge-fd 0\n");
	look_at("enp6s0=01@06/05 enp7s0=02@07/06 enp8s0=03@08/07");
	expect("enp6s0=01 enp6s0=01 enp7s0=02 enp6s0=01 enp7s0=02 enp8s0=03");
	ck_assert_uint_eq(look.plan.n_edits, 0);
}
END_TEST

START_TEST(names_that_were_exchanged_are_not_taken_for_followed)
{
	begin("auto enp5s0 enp6s0\niface enp5s0 inet manual\niface enp6s0 inet manual\n", HARDWARE);
	world_edit(&world, INTERFACES, "auto enp5s0", "# mine\nauto enp5s0");
	look_at("enp5s0=02@05/06 enp6s0=01@06/05");
	expect("enp5s0=01 enp6s0=02 enp5s0=01 enp6s0=02");
}
END_TEST

START_TEST(renamed_bridges_keep_their_ports)
{
	begin(usual, HARDWARE);
	world_edit(&world, INTERFACES, "auto vmbr1\niface vmbr1 ", "auto vmbr9\niface vmbr9 ");
	look_at("enp5s0=03@05 enp6s0=01@06");
	expect("enp5s0=01 enp5s0=01 enp6s0=02 enp5s0=01 enp6s0=02 enp7s0=03");
}
END_TEST

START_TEST(words_added_removed_and_reordered_in_a_list)
{
	begin(usual, HARDWARE);
	world_edit(&world, INTERFACES, "bridge-ports enp5s0 enp6s0", "bridge-ports enp6s0 enp5s0");
	look_at(HARDWARE);
	expect("enp5s0=01 enp5s0=01 enp6s0=02 enp6s0=02 enp5s0=01 enp7s0=03");
	world_edit(&world, INTERFACES, "bridge-ports enp6s0 enp5s0", "bridge-ports enp5s0");
	look_at("enp5s0=02@05 enp6s0=01@06");
	expect("enp5s0=01 enp5s0=01 enp6s0=02 enp5s0=01 enp7s0=03");
	world_edit(&world, INTERFACES, "bridge-ports enp5s0",
		   "bridge-ports enp5s0 enp8s0 enp6s0 vmbr7");
	look_at("enp5s0=02@05 enp6s0=01@06 enp8s0=04@08");
	expect("enp5s0=01 enp5s0=01 enp6s0=02 enp5s0=01 enp8s0=04:new enp6s0=02 enp7s0=03");
}
END_TEST

START_TEST(several_mentions_of_one_name_are_told_apart_by_their_place)
{
	begin("iface vmbr0 inet manual\n\tup a enp5s0\n\tup b enp5s0\n\tdown a enp5s0\n", HARDWARE);
	world_edit(&world, INTERFACES, "\tup b enp5s0\n", "\tup c\n\tup b enp6s0\n");
	look_at("enp5s0=02@05 enp6s0=01@06");
	/* What was written now names what its place meant. */
	expect("enp5s0=01 enp6s0=01 enp5s0=01");
}
END_TEST

START_TEST(a_new_mention_means_what_it_names)
{
	begin("auto enp5s0\n", HARDWARE);
	world_edit(&world, INTERFACES, "auto enp5s0\n", "auto enp5s0\nauto enp6s0 enp9s0\n");
	look_at("enp5s0=01@05 enp6s0=02@06 enp9s0=04@09");
	expect("enp5s0=01 enp6s0=02:new enp9s0=04:new");
}
END_TEST

START_TEST(a_new_mention_of_a_name_that_was_anothers_is_ambiguous)
{
	begin("auto enp5s0\n", HARDWARE);
	world_edit(&world, INTERFACES, "auto enp5s0\n",
		   "auto enp5s0\niface vmbr0 inet manual\n\tbridge-ports enp6s0\n");
	look_at("enp5s0=01@05 enp6s0=03@06/07");
	expect("enp5s0=01 enp6s0=-:ambiguous");
	/* It stays so, also when that is the baseline of a later boot. */
	world_apply(&world, &look);
	look_at("enp5s0=01@05 enp6s0=03@06/07");
	expect("enp5s0=01 enp6s0=-:ambiguous");
	ck_assert_uint_eq(look.plan.n_warnings, 1);
	/* Until a person changes it. */
	world_edit(&world, INTERFACES, "bridge-ports enp6s0", "bridge-ports enp5s0");
	look_at("enp5s0=01@05 enp6s0=03@06/07");
	expect("enp5s0=01 enp5s0=01:new");
}
END_TEST

START_TEST(a_name_that_was_anothers_altname_is_ambiguous_too)
{
	begin("auto enp5s0\n", "enp5s0=01@05 ens1,enp6s0=02@06");
	world_edit(&world, INTERFACES, "auto enp5s0\n", "auto enp5s0 enp6s0\n");
	look_at("enp5s0=01@05 ens1,enp7s0=02@07/06 enp6s0=04@06/09");
	expect("enp5s0=01 enp6s0=-:ambiguous");
}
END_TEST

START_TEST(a_name_unknown_today_is_recalled_newest_first)
{
	struct inventory older[2];

	begin("auto enp5s0\n", HARDWARE);
	world_hardware(&older[0], "enp9s0=08@09");
	world_hardware(&older[1], "enp9s0=09@09 enp8s0=0a@08");
	world.older[0] = &older[0];
	world.older[1] = &older[1];
	world.n_older = 2;
	world_edit(&world, INTERFACES, "auto enp5s0\n", "auto enp5s0 enp8s0 enp9s0 enp6s0\n");
	look_at("enp5s0=01@05");
	expect("enp5s0=01 enp8s0=0a:recalled enp9s0=08:recalled enp6s0=02:recalled");
	inventory_done(&older[0]);
	inventory_done(&older[1]);
}
END_TEST

START_TEST(a_snapshot_newer_than_the_baseline_is_asked_before_it)
{
	struct inventory older;

	begin("auto enp5s0\n", HARDWARE);
	/* The meanings were settled since with less hardware, the baseline stayed. */
	inventory_done(&world.settled);
	world_hardware(&world.settled, "enp5s0=01@05");
	world_hardware(&older, "enp5s0=01@05 enp6s0=08@09");
	world.older[0] = &older;
	world.n_older = 1;
	world_edit(&world, INTERFACES, "auto enp5s0\n", "auto enp5s0 enp6s0\n");
	look_at("enp5s0=01@05");
	expect("enp5s0=01 enp6s0=08:recalled");
	inventory_done(&older);
}
END_TEST

START_TEST(a_backup_that_was_put_back_means_what_it_meant)
{
	begin(usual, HARDWARE);
	world_boot(&world, "enp6s0=01@06/05 enp7s0=02@07/06 enp8s0=03@08/07");
	ck_assert_ptr_nonnull(strstr(world_text(&world, INTERFACES), "bridge-ports enp6s0 enp7s0"));
	world_set(&world, INTERFACES, usual);
	look_at("enp6s0=01@06/05 enp7s0=02@07/06 enp8s0=03@08/07");
	/* enp5s0 is unknown now; the others name today what their places do not mean. */
	ck_assert_uint_eq(look.plan.n_edits, 0);
}
END_TEST

START_TEST(a_mention_of_nobody_is_dangling)
{
	begin("auto enp5s0\niface enp9s0 inet manual\n", HARDWARE);
	/* Nobody ever bore the name: it was no mention, and its line was seen. */
	look_at("enp5s0=01@05 enp9s0=03@09/07");
	expect("enp5s0=01 enp9s0=-:dangling");
	look_at("enp5s0=01@05 enp9s0=04@09");
	/* Newly added, without mentions of its own: from now on it is meant. */
	expect("enp5s0=01 enp9s0=-:new");
	world_apply(&world, &look);
	look_at("enp5s0=01@05 eth0=04@09");
	expect("enp5s0=01 enp9s0=04");
}
END_TEST

START_TEST(a_mention_that_only_this_version_knows_is_new)
{
	begin("auto enp5s0 enp6s0\n", HARDWARE);
	/* As if it had not been recorded although somebody bore the name. */
	world.recorded.n_mentions = 1;
	look_at(HARDWARE);
	expect("enp5s0=01 enp6s0=02:new");
}
END_TEST

START_TEST(adopting_makes_everything_mean_what_is_there_now)
{
	begin(usual, HARDWARE);
	world.adopt = true;
	look_at("enp5s0=02@05 enp6s0=01@06");
	expect("enp5s0=02:new enp5s0=02:new enp6s0=01:new enp5s0=02:new enp6s0=01:new "
	       "enp7s0=-:dangling");
}
END_TEST

START_TEST(what_is_parked_keeps_its_meaning)
{
	begin(usual, HARDWARE);
	world_boot(&world, "enp5s0=02@05/06 enp7s0=03@07");
	look_at("enp5s0=02@05/06 enp7s0=03@07");
	expect("enp5s0=01:parked enp5s0=01:parked enp5s0=02 enp5s0=01:parked enp5s0=02 "
	       "enp7s0=03");
	look_at("enp5s0=02@05/06 enp6s0=03@06/07 enp7s0=01@07/05");
	expect("enp5s0=01:parked enp5s0=01:parked enp5s0=02 enp5s0=01:parked enp5s0=02 "
	       "enp7s0=03");
}
END_TEST

START_TEST(an_ambiguous_mention_next_to_a_parked_one_stays_ambiguous)
{
	begin("iface vmbr0 inet manual\n\tbridge-ports enp5s0\n", HARDWARE);
	world_edit(&world, INTERFACES, "enp5s0", "enp5s0 enp6s0");
	world_boot(&world, "enp5s0=01@05 enp6s0=03@06/07");
	/* enp5s0 is gone and another card bears its name. */
	world_boot(&world, "enp5s0=04@05/09 enp6s0=03@06/07");
	ck_assert_str_eq(world_text(&world, INTERFACES),
			 "iface vmbr0 inet manual\n\tbridge-ports enp6s0\n");
	look_at("enp5s0=04@05/09 enp6s0=03@06/07");
	expect("enp5s0=01:parked enp6s0=-:ambiguous");
	ck_assert_uint_eq(look.plan.n_edits, 0);
}
END_TEST

START_TEST(a_held_mention_next_to_a_parked_one_stays_held)
{
	const struct policy policy = { .network = true, .restore = true };

	begin("iface vmbr0 inet manual\n\tbridge-ports enp5s0 enp6s0\n", HARDWARE);
	/* enp6s0 is replaced, which is not followed; enp5s0 is gone, and another bears its name. */
	world_boot_as(&world, "enp5s0=04@05/09 enp6s0=05@06", &policy);
	world_boot_as(&world, "enp5s0=04@05/09 enp6s0=05@06", &policy);
	ck_assert_str_eq(world_text(&world, INTERFACES),
			 "iface vmbr0 inet manual\n\tbridge-ports enp6s0\n");
	world_look_at(&world, "enp5s0=04@05/09 enp6s0=05@06", &policy, &look);
	expect("enp5s0=01:parked enp6s0=02:held");
	ck_assert_uint_eq(look.plan.n_edits, 0);
}
END_TEST

START_TEST(files_are_bound_each_for_itself)
{
	world_set(&world, NETWORKING, "EXCLUDE_INTERFACES=\"enp5s0 enp6s0\"\n");
	begin("auto enp5s0\n", HARDWARE);
	world_edit(&world, NETWORKING, "enp5s0 enp6s0", "enp6s0 enp5s0");
	look_at("enp5s0=02@05/06 enp6s0=03@06/07");
	expect("enp5s0=01");
	expect_in(NETWORKING, "enp6s0=02 enp5s0=01");
}
END_TEST

START_TEST(a_file_that_was_away_is_known_again)
{
	_cleanup_free_ char *text = NULL;

	begin(usual, HARDWARE);
	world_boot(&world, "enp5s0=02@05/06 enp7s0=03@07");
	text = strdup(world_text(&world, INTERFACES));
	world_remove(&world, INTERFACES);
	world_boot(&world, "enp7s0=02@07/06 enp5s0=03@05/07");
	world_set(&world, INTERFACES, text);
	look_at("enp7s0=02@07/06 enp5s0=03@05/07");
	expect("enp5s0=01:parked enp5s0=01:parked enp5s0=02 enp5s0=01:parked enp5s0=02 "
	       "enp7s0=03");
}
END_TEST

#define OVERRIDE(address) "echo vfio-pci > /sys/bus/pci/devices/" address "/driver_override\n"
#define CARDS             "-@05#05 -@06#06 -@07#07"

/* What the addresses in the first file mean: the bus and the last byte of each serial, "-" for
 * nobody; '!' behind what is out of force. */
static void expect_addresses(const char *wanted)
{
	const struct subject *subject = &look.resolution.subjects[0];
	struct buffer text = { 0 };

	buffer_append_text(&text, "");
	for (size_t i = 0; i < subject->document->n_references; i++) {
		const struct reference *reference = &subject->document->references[i];
		const struct binding *binding = &subject->bindings[i];
		const struct unit *unit =
			binding->unit == MEANS_NOBODY ? NULL : &look.meanings.units[binding->unit];

		ck_assert_int_eq(reference->kind, REFERENCE_ADDRESS);
		ck_assert(!unit || unit->kind == UNIT_FUNCTION);
		buffer_appendf(&text, "%s%02x=%s%s", i ? " " : "", reference->address.bus,
			       unit && unit->function.serial ? unit->function.serial + 21 : "-",
			       binding->parked ? "!" : "");
	}
	ck_assert_str_eq(text.data, wanted);
	buffer_done(&text);
}

START_TEST(an_address_means_the_function_that_sits_there)
{
	world_set(&world, BIND_SCRIPT,
		  "#!/bin/sh\n" OVERRIDE("0000:06:00.0") OVERRIDE("07:00.0")
			  OVERRIDE("0000:09:00.0"));
	look_at(CARDS);
	expect_addresses("06=06 07=07 09=-");
	world_apply(&world, &look);
	look_at("-@05#05 -@08/06#06 -@06/07#07");
	expect_addresses("06=06 07=07 09=-");
	world_apply(&world, &look);
	look_at("-@05#05 -@08/06#06 -@06/07#07");
	expect_addresses("06=06! 07=07! 09=-");
}
END_TEST

START_TEST(an_address_that_a_person_edited_means_what_sits_there)
{
	world_set(&world, BIND_SCRIPT, "#!/bin/sh\n" OVERRIDE("0000:06:00.0"));
	world_boot(&world, CARDS);
	world_edit(&world, BIND_SCRIPT, "0000:06:00.0", "0000:07:00.0");
	look_at(CARDS);
	expect_addresses("07=07");
	/* Following the hardware by hand keeps what the place meant. */
	world_apply(&world, &look);
	world_edit(&world, BIND_SCRIPT, "0000:07:00.0", "0000:06:00.0");
	look_at("-@05#05 -@07/06#06 -@06/07#07");
	expect_addresses("06=07");
	/* What is neither is nobody's. */
	world_edit(&world, BIND_SCRIPT, "0000:06:00.0", "0000:05:00.0");
	look_at("-@06/05#05 -@05/06#06 -@07#07");
	expect_addresses("05=-");
}
END_TEST

START_TEST(a_name_and_an_address_mean_things_of_their_own)
{
	world_set(&world, INTERFACES, "auto enp6s0\n");
	world_set(&world, BIND_SCRIPT, "#!/bin/sh\n" OVERRIDE("0000:06:00.0"));
	world_boot(&world, "enp5s0=05@05#05 enp6s0=06@06#06");
	ck_assert_uint_eq(world.recorded.n_units, 2);
	ck_assert_int_ne(world.recorded.units[0].kind, world.recorded.units[1].kind);
	world_boot(&world, "enp5s0=05@05#05 enp9s0=06@09/06#06");
	ck_assert_str_eq(world_text(&world, INTERFACES), "auto enp9s0\n");
	ck_assert_ptr_nonnull(strstr(world_text(&world, BIND_SCRIPT), PARK_PREFIX));
}
END_TEST

START_TEST(the_name_of_a_file_keeps_its_meaning)
{
	world_set(&world, DRIVERCTL "0000:06:00.0", "vfio-pci\n");
	look_at(CARDS);
	expect_addresses("06=06");
	world_apply(&world, &look);
	/* Its contents are not its name. */
	world_set(&world, DRIVERCTL "0000:06:00.0", "pci-stub\n");
	look_at("-@05#05 -@08/06#06 -@06/07#07");
	expect_addresses("06=06");
	world_apply(&world, &look);
	ck_assert_ptr_null(world_text(&world, DRIVERCTL "0000:06:00.0"));
	look_at("-@05#05 -@08/06#06 -@06/07#07");
	expect_addresses("06=06!");
	/* Put there again, by hand or from a backup, it is the same entry. */
	world_set(&world, DRIVERCTL "0000:06:00.0", "vfio-pci\n");
	look_at("-@05#05 -@08/06#06 -@06/07#07");
	expect_addresses("06=06");
}
END_TEST

START_TEST(what_is_in_a_script_that_is_off_is_out_of_force)
{
	world_set(&world, BIND_SCRIPT,
		  "#!/bin/sh\nset -e\nfor f in 0 1; do\n"
		  "echo 1 > /sys/bus/pci/devices/0000:06:00.$f/remove\ndone\n");
	world_boot(&world, CARDS);
	world_boot(&world, "-@05#05 -@07#07");
	ck_assert_ptr_nonnull(strstr(world_text(&world, BIND_SCRIPT), PARK_EXIT_LINE));
	look_at("-@05#05 -@07#07");
	expect_addresses("06=06!");
	/* Also where somebody edits it elsewhere. */
	world_edit(&world, BIND_SCRIPT, "done\n", "done\n# mine\n");
	look_at(CARDS);
	expect_addresses("06=06!");
	/* Who takes the line out turns it on. */
	world_edit(&world, BIND_SCRIPT, PARK_EXIT_LINE, "");
	look_at("-@05#05 -@07#07");
	expect_addresses("06=06");
}
END_TEST

START_TEST(restoring_what_was_edited_away_moves_no_meaning)
{
	begin("iface vmbr0 inet manual\n\tbridge-ports enp5s0\n\tup a enp5s0\n\tup b enp6s0\n"
	      "iface vmbr1 inet manual\n\tbridge-ports enp7s0\n",
	      HARDWARE);
	world_boot(&world, "enp5s0=04@05/09 enp6s0=02@06 enp7s0=03@07");
	world_edit(&world, INTERFACES, "\tbridge-ports none\n", "");
	world_boot(&world, "enp5s0=04@05/09 enp6s0=02@06 enp7s0=03@07");
	world.restore = INTERFACES;
	/* The file is as it was last seen, and the two others changed names. */
	look_at("enp5s0=01@05 enp6s0=03@06/07 enp7s0=02@07/06");
	expect("enp5s0=01:parked enp5s0=01:parked enp6s0=02 enp7s0=03");
}
END_TEST

#define GUEST         QEMU "101.conf"
#define OTHER         QEMU "102.conf"
#define CONTAINER     LXC "105.conf"
#define DOMAIN        LIBVIRT_DOMAINS "/win10.xml"
#define MAP(id, line) id "\n\tmap id=8086:1521,node=" NODE "," line "\n\n"
#define GROUPED       "-@05#05+5 -@06#06+6 -@07#07+7"

/* What the mentions in a guest's file mean, each "TEXT=LAST", the last byte of a serial, "-" for
 * nobody, the origin, and those it shares groups with, as far as that is known: "{05 06}". */
static void tell_company(const struct binding *binding, struct buffer *text)
{
	if (!binding->company.known)
		return;
	buffer_append_char(text, '{');
	for (size_t i = 0; i < binding->company.n_units; i++)
		buffer_appendf(text, "%s%s", i > 0 ? " " : "",
			       look.meanings.units[binding->company.units[i]].function.serial + 21);
	buffer_append_char(text, '}');
}

static void tell_guest(const struct subject *subject, struct buffer *text)
{
	const struct document *document = subject->document;

	for (size_t i = 0; i < document->n_references; i++) {
		const struct binding *binding = &subject->bindings[i];
		const char *origin = show_origin(binding->origin);

		buffer_append_text(text, i > 0 ? " " : "");
		buffer_append(text, document_text(document, document->references[i].span));
		buffer_appendf(text, "=%s%s%s",
			       binding->unit == MEANS_NOBODY
				       ? "-"
				       : look.meanings.units[binding->unit].function.serial + 21,
			       *origin ? ":" : "", origin);
		tell_company(binding, text);
	}
}

static void expect_guest(const char *path, const char *wanted)
{
	struct buffer text = { 0 };

	buffer_append_text(&text, "");
	for (size_t i = 0; i < look.resolution.n_subjects; i++)
		if (strcmp(look.resolution.subjects[i].document->path, path) == 0)
			tell_guest(&look.resolution.subjects[i], &text);
	ck_assert_str_eq(text.size ? text.data : "", wanted);
	buffer_done(&text);
}

START_TEST(a_guest_keeps_meaning_its_device_and_knows_its_company)
{
	world_set(&world, GUEST, "hostpci0: 06:00.0\n");
	look_at("-@05#05+6 -@06#06+6 -@07#07+7");
	expect_guest(GUEST, "06:00.0=06:new");
	world_apply(&world, &look);
	look_at("-@05#05+5 -@08/06#06+6 -@06/07#07+6");
	expect_guest(GUEST, "06:00.0=06{05 06}");
	/* Whatever happened to it meanwhile. */
	world_apply(&world, &look);
	world_boot(&world, "");
	world_edit(&world, GUEST, "hostpci0", "cores: 2\nhostpci0");
	look_at(GROUPED);
	expect_guest(GUEST, "06:00.0=06{05 06}");
	/* What names another one now has another company. */
	world_set(&world, GUEST, "hostpci0: 07:00.0\n");
	look_at(GROUPED);
	expect_guest(GUEST, "07:00.0=07:new");
	world_apply(&world, &look);
	look_at(GROUPED);
	expect_guest(GUEST, "07:00.0=07{07}");
}
END_TEST

START_TEST(a_whole_slot_has_the_company_of_each_function)
{
	world_set(&world, GUEST, "hostpci0: 06:00\n");
	world_boot(&world, "-@05#05+7 -@06#06+6 -@06.1#16+7 -@06.2#26 -@06.3#36+7 -@08#08+8");
	look_at("");
	expect_guest(GUEST, "06:00=06{06 05 16 36 26 05 16 36}");
}
END_TEST

START_TEST(without_a_group_the_company_is_not_known)
{
	world_set(&world, GUEST, "hostpci0: 06:00.0\n");
	world_boot(&world, "-@05#05+5 -@06#06");
	look_at(GROUPED);
	expect_guest(GUEST, "06:00.0=06");
	world_apply(&world, &look);
	look_at(GROUPED);
	expect_guest(GUEST, "06:00.0=06{06}");
}
END_TEST

/* Of nobody it is known whose virtual function may still be made there. */
START_TEST(a_virtual_function_that_is_made_late_is_meant_from_then_on)
{
	static const char physical[] = "-@05#05 -@06#06+6 -@07#07 -@02^060400#02 -@10000-06#16";

	world_set(&world, GUEST, "hostpci0: 06:00.2\nhostpci1: 0e:00.2\nhostpci2: 0f:00.2\n");
	world_boot(&world, physical);
	look_at(physical);
	expect_guest(GUEST, "06:00.2=-{05 06} 0e:00.2=-{06 07} 0f:00.2=-{07}");
	world_boot(&world, "-@05#05 -@06#06+6 -@06.2%1520&06+9 -@07#07");
	look_at("-@05#05 -@06#06+6 -@07#07");
	/* With the number of its card, and the company that it has. */
	expect_guest(GUEST, "06:00.2=06{06} 0e:00.2=-{06 07} 0f:00.2=-{07}");
}
END_TEST

START_TEST(what_is_wrong_learns_no_company)
{
	world_set(&world, GUEST, "hostpci0: 06:00.0\n");
	world_boot(&world, "-@05#05 -@06#06 -@07#07");
	world_boot(&world, "-@05#05+6 -@08/06#06+6 -@07#07+7");
	look_at(GROUPED);
	expect_guest(GUEST, "06:00.0=06");
}
END_TEST

START_TEST(a_number_of_a_group_means_the_function_whose_it_is)
{
	world_set(&world, MAPPINGS,
		  MAP("gpu", "path=0000:06:00.0,iommugroup=6")
			  MAP("nic", "iommugroup=9,path=0000:07:00.0"));
	look_at(GROUPED);
	expect_guest(MAPPINGS, "0000:06:00.0=06:new 6=-:new 9=-:new 0000:07:00.0=07:new");
	world_apply(&world, &look);
	look_at("-@05#05+5 -@08/06#06+6 -@07#07+7");
	expect_guest(MAPPINGS, "0000:06:00.0=06{06} 6=06 9=- 0000:07:00.0=07{07}");
	/* A person's new number is nobody's, until it is right. */
	world_apply(&world, &look);
	world_edit(&world, MAPPINGS, "iommugroup=9", "iommugroup=7");
	look_at(GROUPED);
	expect_guest(MAPPINGS, "0000:06:00.0=06{06} 6=06 7=-:new 0000:07:00.0=07{07}");
	world_apply(&world, &look);
	look_at(GROUPED);
	expect_guest(MAPPINGS, "0000:06:00.0=06{06} 6=06 7=07 0000:07:00.0=07{07}");
}
END_TEST

START_TEST(a_number_stays_its_functions_while_that_is_away)
{
	world_set(&world, MAPPINGS, MAP("gpu", "path=0000:06:00.0,iommugroup=6"));
	world_boot(&world, GROUPED);
	world_boot(&world, "-@05#05+5");
	look_at("-@05#05+5");
	expect_guest(MAPPINGS, "0000:06:00.0=06{06} 6=06");
}
END_TEST

START_TEST(a_person_may_say_it_of_one_guest_alone)
{
	world_set(&world, GUEST, "hostpci0: 06:00.0\nhostpci1: 09:00.0\nhostpci2: 05:00.0\n");
	world_set(&world, OTHER, "hostpci0: 06:00.0\n");
	world_set(&world, MAPPINGS, MAP("gpu", "path=0000:06:00.0"));
	world_boot(&world, GROUPED);
	world.release = "pve/qemu/101";
	look_at("-@06/07#07+6");
	/* Of nobody that is there it means nobody, whatever it meant before. */
	expect_guest(GUEST, "06:00.0=07:new 09:00.0=-:dangling 05:00.0=-:dangling");
	expect_guest(OTHER, "06:00.0=06{06}");
	expect_guest(MAPPINGS, "0000:06:00.0=06{06}");
	world.release = "mapping/gpu";
	look_at("-@06/07#07+6");
	expect_guest(GUEST, "06:00.0=06{06} 09:00.0=-{05 06 07} 05:00.0=05{05}");
	expect_guest(MAPPINGS, "0000:06:00.0=07:new");
	/* From then on. */
	world_apply(&world, &look);
	world.release = NULL;
	look_at("-@06/07#07+6");
	expect_guest(MAPPINGS, "0000:06:00.0=07{07}");
}
END_TEST

START_TEST(a_person_may_say_it_of_what_was_written_wrong)
{
	world_set(&world, GUEST, "hostpci0: 05:00.0\n");
	world_boot(&world, GROUPED);
	/* Ambiguous: the name was another device's. */
	world_edit(&world, GUEST, "hostpci0: 05:00.0\n", "hostpci0: 05:00.0\nhostpci1: 06:00.0\n");
	look_at("-@05#05+5 -@06/07#07+6");
	expect_guest(GUEST, "05:00.0=05{05} 06:00.0=-:ambiguous");
	world_apply(&world, &look);
	world.release = "pve/qemu/101";
	look_at("-@05#05+5 -@06/07#07+6");
	expect_guest(GUEST, "05:00.0=05:new 06:00.0=07:new");
	/* Or as soon as it is written. */
	world.recorded.n_mentions = 1;
	look_at("-@05#05+5 -@06/07#07+6");
	expect_guest(GUEST, "05:00.0=05:new 06:00.0=07:new");
}
END_TEST

START_TEST(mentions_without_an_owner_are_nobodys_to_be_released)
{
	world.release = "pve/qemu/101";
	begin("auto enp5s0\n", HARDWARE);
	look_at("enp5s0=02@05/06");
	expect("enp5s0=01");
}
END_TEST

START_TEST(guests_do_not_follow_who_replaces_a_nic)
{
	static const char was[] = "enp5s0=01@05#05 enp6s0=02@06#06";
	static const char is[] = "enp5s0=01@05#05 enp6s0=0b@06#0b";

	world_set(&world, CONTAINER, "lxc.net.0.type: macvlan\nlxc.net.0.link: enp6s0\n");
	begin("auto enp6s0\n", was);
	world_boot(&world, is);
	look_at(is);
	/* The host does. */
	expect("enp6s0=0b");
	expect_in(CONTAINER, "enp6s0=02");
	ck_assert_uint_eq(look.plan.n_blocked, 1);
	world_apply(&world, &look);
	look_at(was);
	expect_in(CONTAINER, "enp6s0=02");
	ck_assert_uint_eq(look.plan.n_blocked, 0);
}
END_TEST

START_TEST(a_guests_name_of_nobody_is_on_record)
{
	world_set(&world, CONTAINER, "lxc.net.0.type: phys\nlxc.net.0.link: enp9s0\n");
	begin("iface enp9s0 inet manual\n", HARDWARE);
	world_boot(&world, HARDWARE " enp9s0=09@09");
	look_at(HARDWARE " enp9s0=09@09");
	/* The host takes over who comes, guests never do. */
	expect("enp9s0=09");
	expect_in(CONTAINER, "enp9s0=-");
}
END_TEST

START_TEST(a_guests_file_that_was_away_is_known_again)
{
	_cleanup_free_ char *text = NULL;

	world_set(&world, GUEST, "onboot: 1\nhostpci0: 06:00.0\n");
	world_boot(&world, GROUPED);
	world_boot(&world, "-@05#05+5");
	text = strdup(world_text(&world, GUEST));
	ck_assert_str_eq(text, "onboot: 0\nhostpci0: 06:00.0\n");
	/* On another node, or not to be read, for two boots. */
	world_remove(&world, GUEST);
	world_boot(&world, "-@05#05+5");
	world_boot(&world, "-@05#05+5 -@06/07#07+6");
	world_set(&world, GUEST, text);
	look_at("-@05#05+5 -@06/07#07+6");
	expect_guest(GUEST, "06:00.0=06{06}");
	world_apply(&world, &look);
	world_boot(&world, GROUPED);
	ck_assert_str_eq(world_text(&world, GUEST), "onboot: 1\nhostpci0: 06:00.0\n");
}
END_TEST

#define XML(end)                                                                                \
	"<domain type='kvm'><name>win10</name><devices>\n<hostdev mode='subsystem' type='pci'>" \
	"<source><address bus='6' slot='0'/></source></hostdev>\n</devices></domain>" end "\n"

START_TEST(a_file_that_was_rejected_for_a_while_keeps_its_meanings)
{
	world_set(&world, DOMAIN, XML(""));
	world_boot(&world, GROUPED);
	world_set(&world, DOMAIN, XML("</domain>"));
	world_boot(&world, "-@05#05+5 -@06/07#07+6");
	world_set(&world, DOMAIN, XML(""));
	look_at("-@05#05+5 -@06/07#07+6");
	expect_guest(DOMAIN, "bus='6' slot='0'=06{06}");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("meanings-bind");
	TCase *tcase = tcase_create("meanings-bind");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, at_first_a_mention_means_what_it_names);
	tcase_add_test(tcase, in_an_untouched_file_each_mention_keeps_its_meaning);
	tcase_add_test(tcase, edits_around_a_mention_change_nothing);
	tcase_add_test(tcase, a_file_that_proxmox_rewrote_keeps_its_meanings);
	tcase_add_test(tcase, heads_exchanged_by_hand_are_right_as_they_are);
	tcase_add_test(tcase, a_mention_edited_to_what_its_place_meant_is_right);
	tcase_add_test(tcase, names_that_were_exchanged_are_not_taken_for_followed);
	tcase_add_test(tcase, renamed_bridges_keep_their_ports);
	tcase_add_test(tcase, words_added_removed_and_reordered_in_a_list);
	tcase_add_test(tcase, several_mentions_of_one_name_are_told_apart_by_their_place);
	tcase_add_test(tcase, a_new_mention_means_what_it_names);
	tcase_add_test(tcase, a_new_mention_of_a_name_that_was_anothers_is_ambiguous);
	tcase_add_test(tcase, a_name_that_was_anothers_altname_is_ambiguous_too);
	tcase_add_test(tcase, a_name_unknown_today_is_recalled_newest_first);
	tcase_add_test(tcase, a_snapshot_newer_than_the_baseline_is_asked_before_it);
	tcase_add_test(tcase, a_backup_that_was_put_back_means_what_it_meant);
	tcase_add_test(tcase, a_mention_of_nobody_is_dangling);
	tcase_add_test(tcase, a_mention_that_only_this_version_knows_is_new);
	tcase_add_test(tcase, adopting_makes_everything_mean_what_is_there_now);
	tcase_add_test(tcase, what_is_parked_keeps_its_meaning);
	tcase_add_test(tcase, an_ambiguous_mention_next_to_a_parked_one_stays_ambiguous);
	tcase_add_test(tcase, a_held_mention_next_to_a_parked_one_stays_held);
	tcase_add_test(tcase, files_are_bound_each_for_itself);
	tcase_add_test(tcase, a_file_that_was_away_is_known_again);
	tcase_add_test(tcase, restoring_what_was_edited_away_moves_no_meaning);
	tcase_add_test(tcase, an_address_means_the_function_that_sits_there);
	tcase_add_test(tcase, an_address_that_a_person_edited_means_what_sits_there);
	tcase_add_test(tcase, a_name_and_an_address_mean_things_of_their_own);
	tcase_add_test(tcase, the_name_of_a_file_keeps_its_meaning);
	tcase_add_test(tcase, what_is_in_a_script_that_is_off_is_out_of_force);
	tcase_add_test(tcase, a_guest_keeps_meaning_its_device_and_knows_its_company);
	tcase_add_test(tcase, a_whole_slot_has_the_company_of_each_function);
	tcase_add_test(tcase, without_a_group_the_company_is_not_known);
	tcase_add_test(tcase, a_virtual_function_that_is_made_late_is_meant_from_then_on);
	tcase_add_test(tcase, what_is_wrong_learns_no_company);
	tcase_add_test(tcase, a_number_of_a_group_means_the_function_whose_it_is);
	tcase_add_test(tcase, a_number_stays_its_functions_while_that_is_away);
	tcase_add_test(tcase, a_person_may_say_it_of_one_guest_alone);
	tcase_add_test(tcase, a_person_may_say_it_of_what_was_written_wrong);
	tcase_add_test(tcase, mentions_without_an_owner_are_nobodys_to_be_released);
	tcase_add_test(tcase, guests_do_not_follow_who_replaces_a_nic);
	tcase_add_test(tcase, a_guests_name_of_nobody_is_on_record);
	tcase_add_test(tcase, a_guests_file_that_was_away_is_known_again);
	tcase_add_test(tcase, a_file_that_was_rejected_for_a_while_keeps_its_meanings);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed > 0;
}
