/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The verdict on one mention, by what became of its device and who bears its name. */
#include "recovery/resolve.h"

#include <check.h>
#include <stdio.h>

#include "tests/unit/world.h"

/* What there is besides the usual: a certain mention in force, edits allowed. */
enum circumstances {
	PARKED = 1 << 0,        /* the mention is out of force */
	HELD = 1 << 1,          /* its NIC was replaced before, which was not followed */
	UNCERTAIN = 1 << 2,     /* the place cannot be rewritten */
	UNPARKABLE = 1 << 3,    /* it cannot be put out of force */
	VLAN = 1 << 4,          /* ".1000" follows, the whole is a kernel name */
	NO_RESTORE = 1 << 5,    /* Restore=no */
	NO_REPLACED = 1 << 6,   /* ReplacedNic=report */
	NO_NETWORK = 1 << 7,    /* Network=report */
	REJECTED = 1 << 8,      /* the file's reader rejects it as it is */
	OTHER_MACHINE = 1 << 9, /* the disk is in another machine */
	DANGLING = 1 << 10,     /* the name never denoted anything */
	AMBIGUOUS = 1 << 11,    /* written while the name was another's */
	OTHER_MEANT = 1 << 12,  /* another mention means the other NIC of before */
};

/**
 * struct row - One case
 * @name:     what is written; it means the NIC with MAC 01 or, where no MACs are known, of this
 * name
 * @said:     what a person once wrote there, where that is another name
 * @new_name: what is to be written
 * @says:     a part of the reason; NULL: there is nothing to say
 * @warn:     a person has to look
 */
struct row {
	const char *before;
	const char *now;
	const char *name;
	const char *said;
	unsigned int circumstances;
	enum verdict verdict;
	const char *new_name;
	const char *says;
	bool warn;
};

#define BEFORE "enp6s0=01@06 enp7s0=02@07"
/* Models without numbers, none of which is where one was. */
#define TWINS      "enp6s0@06 enp7s0@07"
#define TWINS_NOW  "enp6s0@16 enp7s0@17"
#define TWINS_AWAY "enp8s0@16 enp9s0@17"

static const struct row rows[] = {
	/* Found under its name. */
	{ BEFORE, BEFORE, "enp6s0", NULL, 0, VERDICT_KEEP, NULL, NULL, false },
	{ BEFORE, "enp6s0=01@26 enp7s0=02@07", "enp6s0", NULL, 0, VERDICT_KEEP, NULL, NULL, false },
	{ BEFORE, BEFORE, "enp6s0", NULL, PARKED, VERDICT_KEEP, NULL, "is back (mac)", false },
	{ BEFORE, BEFORE, "enp6s0", NULL, PARKED | NO_RESTORE, VERDICT_PARK, NULL, "Restore=no",
	  false },
	{ BEFORE, BEFORE, "enp6s0", NULL, NO_RESTORE, VERDICT_KEEP, NULL, NULL, false },
	{ BEFORE, BEFORE, "enp6s0", NULL, PARKED | NO_NETWORK, VERDICT_PARK, NULL,
	  "not done: Network=report", true },
	{ BEFORE, BEFORE, "enp6s0", NULL, NO_NETWORK, VERDICT_KEEP, NULL, NULL, false },
	{ BEFORE, BEFORE, "enp6s0", NULL, HELD, VERDICT_KEEP, NULL, NULL, false },
	{ BEFORE, BEFORE, "enp6s0", NULL, UNCERTAIN | UNPARKABLE, VERDICT_KEEP, NULL, NULL, false },
	/* Found, with the name as an altname. */
	{ BEFORE, "eth0,enp6s0=01@06", "enp6s0", NULL, 0, VERDICT_KEEP, NULL, NULL, false },
	{ BEFORE, "eth0,enp6s0=01@06", "enp6s0", NULL, PARKED, VERDICT_KEEP, NULL, "is back",
	  false },
	/* Found under another name, which nobody bore. */
	{ BEFORE, "enp9s0=01@09", "enp6s0", NULL, 0, VERDICT_REMAP, "enp9s0",
	  "enp6s0 is now enp9s0 (mac)", false },
	{ BEFORE, "enp9s0=01@09", "enp6s0", NULL, PARKED, VERDICT_REMAP, "enp9s0",
	  "enp6s0 is now enp9s0", false },
	{ BEFORE, "enp9s0=01@09", "enp6s0", NULL, PARKED | NO_RESTORE, VERDICT_PARK, NULL,
	  "Restore=no", false },
	{ BEFORE, "enp9s0=01@09", "enp6s0", NULL, NO_NETWORK, VERDICT_REPORT, NULL,
	  "enp6s0 is now enp9s0 (mac); not done: Network=report", true },
	{ BEFORE, "enp9s0=01@09", "enp6s0", NULL, PARKED | NO_NETWORK, VERDICT_PARK, NULL,
	  "not done: Network=report", true },
	{ BEFORE, "enp9s0=01@09", "enp6s0", NULL, REJECTED, VERDICT_REPORT, NULL,
	  "rejects it as it is", true },
	{ BEFORE, "enp9s0=01@09", "enp6s0", NULL, HELD, VERDICT_REMAP, "enp9s0", "is now", false },
	{ BEFORE, "enp9s0=01@09", "enp6s0", NULL, OTHER_MACHINE, VERDICT_REMAP, "enp9s0", "is now",
	  false },
	/* ... and somebody else has the old one. */
	{ BEFORE, "enp7s0=01@07/06 enp6s0=02@06/07", "enp6s0", NULL, 0, VERDICT_REMAP, "enp7s0",
	  "is now", false },
	{ BEFORE, "enp7s0=01@07/06 enp6s0=02@06/07", "enp6s0", NULL, PARKED, VERDICT_REMAP,
	  "enp7s0", "is now", false },
	{ BEFORE, "enp7s0=01@07/06 enp6s0=02@06/07", "enp6s0", NULL, NO_NETWORK, VERDICT_REPORT,
	  NULL, "not done", true },
	/* What a person wrote comes back with its name. */
	{ BEFORE, "enp9s0,lan=01@09", "enp6s0", "lan", 0, VERDICT_REMAP, "lan", "is lan again",
	  false },
	{ BEFORE, "enp9s0,lan=01@09", "enp6s0", "lan", PARKED, VERDICT_REMAP, "lan", "is lan again",
	  false },
	{ BEFORE, "enp9s0,lan=01@09", "enp6s0", "lan", PARKED | NO_RESTORE, VERDICT_PARK, NULL,
	  "Restore=no", false },
	{ BEFORE, "enp9s0,lan=01@09", "lan", "lan", 0, VERDICT_KEEP, NULL, NULL, false },
	{ BEFORE, "enp9s0=01@09", "enp6s0", "lan", 0, VERDICT_REMAP, "enp9s0", "is now enp9s0",
	  false },
	/* Found, but its name cannot be written. */
	{ BEFORE, "enp9s0=01@09?", "enp6s0", NULL, 0, VERDICT_REPORT, NULL, "not final yet", true },
	{ BEFORE, "enp9s0=01@09?", "enp6s0", NULL, PARKED, VERDICT_PARK, NULL, "not final yet",
	  false },
	{ BEFORE, "enp9s0=01@09? enp6s0=02@07", "enp6s0", NULL, 0, VERDICT_PARK, NULL,
	  "another NIC bears its name", true },
	{ BEFORE, "ibft0=01@09", "enp6s0", NULL, 0, VERDICT_REPORT, NULL, "never written", true },
	{ BEFORE, "enp9s0=01@09", "enp6s0", NULL, UNCERTAIN, VERDICT_REPORT, NULL,
	  "cannot be edited", true },
	{ BEFORE, "enp9s0=01@09 enp6s0=02@07", "enp6s0", NULL, UNCERTAIN, VERDICT_REPORT, NULL,
	  "look at it", true },
	{ BEFORE, "enp146s0f0np0=01@92", "enp6s0", NULL, VLAN, VERDICT_REPORT, NULL, "15 bytes",
	  true },
	{ BEFORE, "enp146s0f0np0=01@92 enp6s0=02@07", "enp6s0", NULL, VLAN, VERDICT_PARK, NULL,
	  "15 bytes", true },
	{ BEFORE, "enp146s0f0np0=01@92", "enp6s0", NULL, 0, VERDICT_REMAP, "enp146s0f0np0",
	  "is now", false },
	{ BEFORE, "enp10s0=01@0a", "enp6s0", NULL, VLAN, VERDICT_REMAP, "enp10s0", "is now",
	  false },
	/* Replaced by another card in the same place. */
	{ BEFORE, "enp6s0=03@06 enp7s0=02@07", "enp6s0", NULL, 0, VERDICT_KEEP, NULL, NULL, false },
	{ BEFORE, "enp9s0=03@09/06 enp7s0=02@07", "enp6s0", NULL, 0, VERDICT_REMAP, "enp9s0",
	  "another card in the same place", false },
	{ BEFORE, "enp9s0=03@09/06 enp7s0=02@07", "enp6s0", NULL, NO_REPLACED, VERDICT_REPORT, NULL,
	  "ReplacedNic=report", true },
	{ BEFORE, "enp6s0=03@06 enp7s0=02@07", "enp6s0", NULL, NO_REPLACED, VERDICT_REPORT, NULL,
	  "ReplacedNic=report", true },
	{ BEFORE, "enp6s0=03@06 enp7s0=02@07", "enp6s0", NULL, NO_REPLACED | PARKED, VERDICT_PARK,
	  NULL, "ReplacedNic=report", false },
	{ BEFORE, "enp9s0=03@09/06 enp6s0=02@07", "enp6s0", NULL, NO_REPLACED | PARKED,
	  VERDICT_PARK, NULL, "ReplacedNic=report", false },
	{ BEFORE, "enp9s0=03@09/06 enp7s0=02@07", "enp6s0", NULL, NO_NETWORK, VERDICT_REPORT, NULL,
	  "not done", true },
	{ BEFORE, "enp9s0=03@09/06 enp7s0=04@07", "enp6s0", NULL, OTHER_MACHINE, VERDICT_KEEP, NULL,
	  "is gone", true },
	/* Gone; the name is free, another's, a newcomer's. */
	{ BEFORE, "enp7s0=02@07", "enp6s0", NULL, OTHER_MEANT, VERDICT_KEEP, NULL, "stays reserved",
	  true },
	{ BEFORE, "enp7s0=02@07", "enp6s0", NULL, PARKED, VERDICT_PARK, NULL, "is gone", false },
	{ BEFORE, "enp7s0=02@07", "enp6s0", NULL, 0, VERDICT_KEEP, NULL,
	  "enp7s0 is there, and nothing uses it", true },
	{ BEFORE, "enp6s0=02@06/07", "enp6s0", NULL, 0, VERDICT_PARK, NULL,
	  "(02:00:00:00:00:01) is gone and enp6s0 is another NIC today", true },
	{ BEFORE, "enp6s0=02@06/07", "enp6s0", NULL, PARKED, VERDICT_PARK, NULL, "is gone", false },
	{ BEFORE, "enp6s0=03@16", "enp6s0", NULL, 0, VERDICT_PARK, NULL, "another NIC", true },
	{ BEFORE, "eth0,enp6s0=03@16", "enp6s0", NULL, 0, VERDICT_PARK, NULL, "eth0 is another NIC",
	  true },
	{ BEFORE, "enp6s0=03@16", "enp6s0", NULL, UNPARKABLE, VERDICT_REPORT, NULL, "look at it",
	  true },
	{ BEFORE, "enp6s0=03@16", "enp6s0", NULL, UNCERTAIN, VERDICT_REPORT, NULL, "look at it",
	  true },
	{ BEFORE, "enp6s0=03@16", "enp6s0", NULL, NO_NETWORK, VERDICT_REPORT, NULL, "not done",
	  true },
	{ BEFORE, "enp6s0=03@16", "enp6s0", NULL, REJECTED, VERDICT_REPORT, NULL, "not done",
	  true },
	{ BEFORE, "enp6s0=03@16", "enp6s0", NULL, PARKED | NO_NETWORK, VERDICT_PARK, NULL,
	  "is gone", false },
	{ BEFORE, "enp6s0=03@16", "enp6s0", NULL, HELD, VERDICT_REPORT, NULL, "--adopt", true },
	{ BEFORE, "enp7s0=02@07", "enp6s0", NULL, HELD, VERDICT_REPORT, NULL, "--adopt", true },
	{ BEFORE, "enp6s0=03@16", "enp6s0", NULL, OTHER_MACHINE, VERDICT_PARK, NULL, "another NIC",
	  true },
	/* There without a link, or unreadable: as if it were gone for now. */
	{ BEFORE, "-@06 enp7s0=02@07", "enp6s0", NULL, OTHER_MEANT, VERDICT_KEEP, NULL,
	  "has no link yet", true },
	{ BEFORE, "-@06 enp6s0=02@07", "enp6s0", NULL, 0, VERDICT_PARK, NULL, "has no link yet",
	  true },
	{ BEFORE, "-@06 enp7s0=02@07", "enp6s0", NULL, PARKED, VERDICT_PARK, NULL,
	  "has no link yet", false },
	{ BEFORE, "-@06! enp7s0=02@07", "enp6s0", NULL, OTHER_MEANT, VERDICT_KEEP, NULL,
	  "cannot be read", true },
	{ BEFORE, "-@06! enp6s0=02@07", "enp6s0", NULL, 0, VERDICT_PARK, NULL, "cannot be read",
	  true },
	/* One of several may be it. */
	{ TWINS, TWINS_AWAY, "enp6s0", NULL, 0, VERDICT_REPORT, NULL, "is not certain", true },
	{ TWINS, TWINS_NOW, "enp6s0", NULL, 0, VERDICT_REPORT, NULL, "left as it is", true },
	{ TWINS, TWINS_NOW, "enp6s0", NULL, PARKED, VERDICT_PARK, NULL, "is not certain", false },
	{ TWINS, "enp6s0@07 enp9s0@19", "enp6s0", NULL, OTHER_MEANT, VERDICT_PARK, NULL,
	  "is another one", true },
	{ TWINS, "enp6s0=05@16 enp7s0@17", "enp6s0", NULL, 0, VERDICT_REPORT, NULL,
	  "is not certain", true },
	/* In another machine only what is certain counts; what may be it keeps its name. */
	{ TWINS, TWINS, "enp6s0", NULL, OTHER_MACHINE, VERDICT_REPORT, NULL, "is not certain",
	  true },
	{ TWINS, TWINS, "enp6s0", NULL, OTHER_MACHINE | PARKED, VERDICT_PARK, NULL,
	  "is not certain", false },
	/* A name that never denoted anything. */
	{ BEFORE, BEFORE, "enp9s0", NULL, DANGLING, VERDICT_KEEP, NULL, NULL, false },
	{ BEFORE, "enp6s0=01@06 enp9s0=02@09/07", "enp9s0", NULL, DANGLING, VERDICT_PARK, NULL,
	  "meant no NIC", true },
	{ BEFORE, "enp6s0=01@06 enp9s0=02@09/07", "enp9s0", NULL, DANGLING | OTHER_MEANT,
	  VERDICT_PARK, NULL, "meant no NIC", true },
	{ BEFORE, "enp6s0=01@06 enp9s0=03@09", "enp9s0", NULL, DANGLING, VERDICT_KEEP, NULL,
	  "from now on", false },
	{ BEFORE, BEFORE, "enp9s0", NULL, DANGLING | PARKED, VERDICT_KEEP, NULL, "free again",
	  false },
	{ BEFORE, BEFORE, "enp9s0", NULL, DANGLING | PARKED | NO_RESTORE, VERDICT_PARK, NULL,
	  "Restore=no", false },
	{ BEFORE, "enp6s0=01@06 enp9s0=03@09", "enp9s0", NULL, DANGLING | PARKED, VERDICT_KEEP,
	  NULL, "from now on", false },
	{ BEFORE, "enp6s0=01@06 enp9s0=03@09", "enp9s0", NULL, DANGLING | PARKED | NO_RESTORE,
	  VERDICT_PARK, NULL, "Restore=no", false },
	{ BEFORE, "enp6s0=01@06 enp9s0=02@09/07", "enp9s0", NULL, DANGLING | UNPARKABLE,
	  VERDICT_REPORT, NULL, "look at it", true },
	/* Written while the name was another's. */
	{ BEFORE, BEFORE, "enp7s0", NULL, AMBIGUOUS, VERDICT_REPORT, NULL, "left as it is", true },
	{ BEFORE, "enp6s0=01@06", "enp7s0", NULL, AMBIGUOUS, VERDICT_REPORT, NULL, "left as it is",
	  true },
	{ BEFORE, BEFORE, "enp7s0", NULL, AMBIGUOUS | NO_NETWORK, VERDICT_REPORT, NULL,
	  "left as it is", true },
};

static struct inventory before, now;
static struct match match;
static struct meanings meanings;
static struct document document;
static struct past past;
static struct resolution resolution;

static void setup(void)
{
	document.path = INTERFACES;
}

static void teardown(void)
{
	resolution_done(&resolution);
	document_done(&document);
	meanings_done(&meanings);
	match_done(&match);
	inventory_done(&before);
	inventory_done(&now);
}

static size_t add_unit(const char *name, const char *mac)
{
	const struct nic *nic = NULL;
	struct unit unit;
	size_t index;

	for (size_t i = 0; i < before.n_nics; i++)
		if (before.nics[i].mac ? strcmp(before.nics[i].mac + 15, mac) == 0
				       : strcmp(before.nics[i].name, name) == 0)
			nic = &before.nics[i];
	ck_assert_ptr_nonnull(nic);
	unit_from_nic(&before, nic, &unit);
	ck_assert_int_eq(meanings_add_unit(&meanings, &unit, &index), 0);
	return index;
}

static void add_reference(size_t offset, size_t length, unsigned int circumstances)
{
	struct reference *reference = document_add_reference(&document);

	ck_assert_ptr_nonnull(reference);
	reference->span = (struct span){ offset, length };
	reference->certain = !(circumstances & UNCERTAIN);
	reference->shape = circumstances & UNPARKABLE ? PARK_NEVER : PARK_LINES;
	reference->limited = true;
	reference->suffix = circumstances & VLAN ? strlen(".1000") : 0;
	reference->block = reference->key = "";
}

static void bind(size_t index, enum origin origin, size_t unit)
{
	struct binding *binding = &resolution.subjects[0].bindings[index];

	binding->origin = origin;
	binding->unit = unit;
}

/* One document: the mention, and behind it the other NIC's. */
static void prepare(const struct row *row)
{
	unsigned int which = row->circumstances;
	struct buffer text = { 0 };
	struct subject *subject;

	world_hardware(&before, row->before);
	world_hardware(&now, row->now);
	ck_assert_int_eq(match_inventories(&before, &now, &match), 0);
	match.other_machine = which & OTHER_MACHINE;
	past = (struct past){ .settled = &match, .baseline = &match };

	buffer_appendf(&text, "%s%s enp7s0\n", row->name, which & VLAN ? ".1000" : "");
	ck_assert_int_eq(buffer_finish(&text, &document.data, &document.size), 0);
	document.rejected = which & REJECTED ? "line 1: rubbish" : NULL;
	add_reference(0, strlen(row->name), which);
	if (which & OTHER_MEANT)
		add_reference(document.size - strlen("enp7s0\n"), strlen("enp7s0"), 0);

	resolution = (struct resolution){ .meanings = &meanings, .past = &past, .n_subjects = 1 };
	resolution.subjects = subject = calloc(1, sizeof(struct subject));
	ck_assert_ptr_nonnull(subject);
	subject->document = &document;
	subject->bindings = calloc(2, sizeof(struct binding));
	ck_assert_ptr_nonnull(subject->bindings);
	if (which & (DANGLING | AMBIGUOUS))
		bind(0, which & DANGLING ? ORIGIN_DANGLING : ORIGIN_AMBIGUOUS, MEANS_NOBODY);
	else
		bind(0, ORIGIN_KEPT, add_unit(row->name, "01"));
	if (which & OTHER_MEANT)
		bind(1, ORIGIN_KEPT, add_unit("enp7s0", "02"));
	subject->bindings[0].parked = which & PARKED;
	subject->bindings[0].held = which & HELD;
	subject->bindings[0].said = row->said;
}

static const char *show_verdict(enum verdict verdict)
{
	static const char *const words[] = { "keep", "remap", "park", "report" };

	return words[verdict];
}

START_TEST(comes_to_the_verdict_of_the_table)
{
	const struct row *row = &rows[_i];
	struct policy policy = {
		.network = !(row->circumstances & NO_NETWORK),
		.why_not = row->circumstances & NO_NETWORK ? "Network=report" : NULL,
		.replaced_nic = !(row->circumstances & NO_REPLACED),
		.restore = !(row->circumstances & NO_RESTORE),
	};
	const struct finding *finding;

	prepare(row);
	ck_assert_int_eq(resolve(&resolution, &policy), 0);
	finding = &resolution.subjects[0].findings[0];
	ck_assert_msg(finding->verdict == row->verdict, "%s to %s, %#x: %s (%s) instead of %s",
		      row->before, row->now, row->circumstances, show_verdict(finding->verdict),
		      finding->reason, show_verdict(row->verdict));
	if (row->new_name)
		ck_assert_str_eq(finding->new_name, row->new_name);
	else
		ck_assert_ptr_null(finding->new_name);
	if (row->says)
		ck_assert_msg(finding->reason && strstr(finding->reason, row->says),
			      "\"%s\" instead of \"%s\"", finding->reason, row->says);
	else
		ck_assert_msg(!finding->reason, "\"%s\"", finding->reason);
	ck_assert_msg(finding->warn == row->warn, "%s to %s, %#x: %s", row->before, row->now,
		      row->circumstances, finding->reason);
}
END_TEST

/* Whatever the row: no live mention names a NIC that it does not mean, unless that is said. */
START_TEST(lets_no_live_mention_name_another_nic_silently)
{
	const struct row *row = &rows[_i];
	const struct policy policy = { .network = true, .replaced_nic = true, .restore = true };
	const struct finding *finding;
	const struct nic *bearer;
	const struct pairing *pairing;
	size_t unit;

	prepare(row);
	document.rejected = NULL;
	ck_assert_int_eq(resolve(&resolution, &policy), 0);
	finding = &resolution.subjects[0].findings[0];
	bearer = inventory_find_nic_or_altname(&now, bytes_of(row->name));
	unit = resolution.subjects[0].bindings[0].unit;
	if (!bearer || finding->verdict != VERDICT_KEEP || unit == MEANS_NOBODY)
		return;
	pairing = &resolution.pairings[unit];
	ck_assert(pairing->fate == FATE_FOUND || pairing->fate == FATE_REPLACED);
	ck_assert_ptr_eq(bearer, &now.nics[pairing->index]);
}
END_TEST

START_TEST(a_document_without_mentions_has_no_findings)
{
	struct subject *subject = calloc(1, sizeof(*subject));

	ck_assert_ptr_nonnull(subject);
	world_hardware(&before, BEFORE);
	world_hardware(&now, "");
	ck_assert_int_eq(match_inventories(&before, &now, &match), 0);
	past = (struct past){ .settled = &match };
	subject->document = &document;
	subject->bindings = calloc(1, sizeof(struct binding));
	resolution = (struct resolution){
		.meanings = &meanings, .past = &past, .subjects = subject, .n_subjects = 1
	};
	ck_assert_int_eq(resolve(&resolution, &world_policy), 0);
	ck_assert_ptr_nonnull(subject->findings);
}
END_TEST

START_TEST(survives_being_released_twice)
{
	struct subject subject = { 0 };

	subject_done(NULL);
	subject_done(&subject);
	resolution_done(NULL);
	resolution_done(&resolution);
	resolution_done(&resolution);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("resolve");
	TCase *tcase = tcase_create("resolve");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, comes_to_the_verdict_of_the_table, 0, ARRAY_SIZE(rows));
	tcase_add_loop_test(tcase, lets_no_live_mention_name_another_nic_silently, 0,
			    ARRAY_SIZE(rows));
	tcase_add_test(tcase, a_document_without_mentions_has_no_findings);
	tcase_add_test(tcase, survives_being_released_twice);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed > 0;
}
