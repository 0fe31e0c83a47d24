/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* match_locate(): units that were away or could not be told for a while. */
#include "snapshot/unit.h"
#include "tests/unit/small-machines.h"

/* Where units were recorded, at some boot before the older inventory. */
static struct inventory past;

static void set_up_past(void)
{
	past = (struct inventory){ 0 };
}

static void tear_down_past(void)
{
	inventory_done(&past);
}

static void record(void)
{
	ck_assert_int_eq(inventory_finish(&past, "past", NULL), 0);
}

static struct unit unit_at(const char *at)
{
	struct unit unit;

	unit_from_function(&past, &past.functions[function_index(&past, at)], &unit);
	return unit;
}

static struct unit unit_named(const char *name)
{
	struct unit unit;

	unit_from_nic(&past, &past.nics[nic_index(&past, name)], &unit);
	return unit;
}

static struct pairing locate_among(const struct unit *unit, const struct unit *const *meant,
				   size_t n_meant)
{
	struct pairing pairing;

	ck_assert_int_eq(match_locate(&match, unit, meant, n_meant, &pairing), 0);
	return pairing;
}

static struct pairing locate(const struct unit *unit)
{
	return locate_among(unit, &unit, 1);
}

static void expect_function(struct pairing pairing, const char *is, enum confidence confidence)
{
	expect_at(&pairing, "it", function_index(&after, is), confidence);
}

static void expect_nic(struct pairing pairing, const char *is, enum confidence confidence)
{
	expect_at(&pairing, "it", nic_index(&after, is), confidence);
}

static void expect(struct pairing pairing, enum fate fate)
{
	expect_lost(&pairing, "it", fate);
}

START_TEST(what_the_older_inventory_shows_shares_its_fate)
{
	struct unit hba, nic, twin, gone;

	PUT(&past, .at = "05:00.0", .path = "01.1/00.0", .model = HBA);
	PUT(&past, .at = "06:00.0", .path = "02.1/00.0", .model = I210, .nic = "enp6s0", .mac = M1);
	PUT(&past, .at = "07:00.0", .path = "02.2/00.0", .model = NVME);
	PUT(&past, .at = "08:00.0", .path = "02.3/00.0", .model = R8169, .nic = "enp8s0",
	    .mac = M2);
	record();
	hba = unit_at("05:00.0");
	nic = unit_named("enp6s0");
	twin = unit_at("07:00.0");
	gone = unit_named("enp8s0");

	PUT(&before, .at = "05:00.0", .path = "01.1/00.0", .model = HBA);
	PUT(&before, .at = "06:00.0", .path = "02.1/00.0", .model = I210, .nic = "enp6s0",
	    .mac = M1);
	PUT(&before, .at = "07:00.0", .path = "02.2/00.0", .model = NVME);
	PUT(&before, .at = "08:00.0", .path = "02.3/00.0", .model = R8169, .nic = "enp8s0",
	    .mac = M2);
	PUT(&after, .at = "06:00.0", .path = "01.1/00.0", .model = HBA);
	PUT(&after, .at = "07:00.0", .path = "02.1/00.0", .model = I210, .nic = "enp7s0",
	    .mac = M1);
	PUT(&after, .at = "09:00.0", .path = "02.5/00.0", .model = NVME);
	PUT(&after, .at = "0a:00.0", .path = "02.6/00.0", .model = NVME);
	compare();
	expect_function(locate(&hba), "06:00.0", CONFIDENCE_STRONG);
	expect_nic(locate(&nic), "enp7s0", CONFIDENCE_CERTAIN);
	expect(locate(&twin), FATE_AMBIGUOUS);
	expect(locate(&gone), FATE_GONE);
	/* Nobody else's meaning is known: the same. */
	expect_function(locate_among(&hba, NULL, 0), "06:00.0", CONFIDENCE_STRONG);
	expect(locate_among(&gone, NULL, 0), FATE_GONE);
}
END_TEST

START_TEST(what_took_its_place_in_the_same_change_is_told)
{
	struct unit nic;
	struct pairing pairing;

	PUT(&past, .at = "06:00.0", .path = "02.1/00.0", .model = I210, .nic = "enp6s0", .mac = M1);
	record();
	nic = unit_named("enp6s0");
	PUT(&before, .at = "06:00.0", .path = "02.1/00.0", .model = I210, .nic = "enp6s0",
	    .mac = M1);
	PUT(&after, .at = "07:00.0", .path = "02.1/00.0", .model = I225, .nic = "enp7s0",
	    .mac = M2);
	compare();
	pairing = locate(&nic);
	ck_assert_int_eq(pairing.fate, FATE_REPLACED);
	ck_assert_uint_eq(pairing.index, nic_index(&after, "enp7s0"));
}
END_TEST

START_TEST(a_ghost_is_not_replaced)
{
	struct unit nic;

	PUT(&past, .at = "06:00.0", .path = "02.1/00.0", .model = I210, .nic = "enp6s0", .mac = M1);
	record();
	nic = unit_named("enp6s0");
	PUT(&after, .at = "06:00.0", .path = "02.1/00.0", .model = I225, .nic = "enp6s0",
	    .mac = M2);
	compare();
	expect(locate(&nic), FATE_GONE);
	tear_down();
	set_up();
	/* Nor is one of its own model it, when its number says otherwise. */
	PUT(&after, .at = "06:00.0", .path = "02.1/00.0", .model = I210, .nic = "enp6s0",
	    .mac = M2);
	compare();
	expect(locate(&nic), FATE_GONE);
}
END_TEST

START_TEST(what_comes_back_in_place_of_another_is_not_its_replacement)
{
	struct unit gone, ghost;
	const struct unit *meant[] = { &gone, &ghost };

	PUT(&past, .at = "05:00.0", .path = "01.1/00.0", .model = I225, .nic = "enp5s0", .mac = M2);
	PUT(&past, .at = "06:00.0", .path = "02.1/00.0", .model = I210, .nic = "enp6s0", .mac = M1);
	record();
	gone = unit_named("enp6s0");
	ghost = unit_named("enp5s0");
	PUT(&before, .at = "06:00.0", .path = "02.1/00.0", .model = I210, .nic = "enp6s0",
	    .mac = M1);
	PUT(&after, .at = "06:00.0", .path = "02.1/00.0", .model = I225, .nic = "enp6s0",
	    .mac = M2);
	compare();
	expect(locate_among(&gone, meant, 2), FATE_GONE);
	expect_nic(locate_among(&ghost, meant, 2), "enp6s0", CONFIDENCE_CERTAIN);
}
END_TEST

START_TEST(a_number_finds_a_ghost_anywhere)
{
	struct unit nic, hba;

	PUT(&past, .at = "05:00.0", .path = "01.1/00.0", .model = HBA, .serial = S1);
	PUT(&past, .at = "06:00.0", .path = "02.1/00.0", .model = I210, .nic = "enp6s0", .mac = M1);
	record();
	nic = unit_named("enp6s0");
	hba = unit_at("05:00.0");
	PUT(&after, .at = "08:00.0", .path = "03.1/00.0", .model = I210, .nic = "enp8s0",
	    .mac = M1);
	PUT(&after, .at = "09:00.0", .path = "03.2/00.0", .model = HBA, .serial = S1);
	compare();
	expect_nic(locate(&nic), "enp8s0", CONFIDENCE_CERTAIN);
	ck_assert_uint_eq(locate(&nic).evidence, EVIDENCE_MAC | EVIDENCE_IDS);
	expect_function(locate(&hba), "09:00.0", CONFIDENCE_CERTAIN);
	ck_assert_uint_eq(locate(&hba).evidence, EVIDENCE_SERIAL | EVIDENCE_IDS);
}
END_TEST

START_TEST(a_number_that_is_read_late_still_tells)
{
	struct unit hba;

	PUT(&past, .at = "05:00.0", .path = "01.1/00.0", .model = HBA, .serial = S1);
	record();
	hba = unit_at("05:00.0");
	PUT(&before, .at = "07:00.0", .path = "01.3/00.0", .model = HBA, .serial = S1);
	PUT(&before, .at = "08:00.0", .path = "01.4/00.0", .model = HBA);
	PUT(&after, .at = "07:00.0", .path = "01.3/00.0", .model = HBA);
	PUT(&after, .at = "08:00.0", .path = "01.4/00.0", .model = HBA);
	compare();
	expect_function(locate(&hba), "07:00.0", CONFIDENCE_STRONG);
}
END_TEST

START_TEST(a_ghost_comes_back_in_place)
{
	struct unit hba, nic;

	PUT(&past, .at = "05:00.0", .path = "01.1/00.0", .model = HBA);
	PUT(&past, .at = "06:00.0", .path = "02.1/00.0", .model = I210, .nic = "enp6s0", .port = 1);
	record();
	hba = unit_at("05:00.0");
	nic = unit_named("enp6s0");
	PUT(&before, .at = "05:00.0", .path = "01.2/00.0", .model = HBA);
	PUT(&after, .at = "05:00.0", .path = "01.1/00.0", .model = HBA);
	PUT(&after, .at = "06:00.0", .path = "02.1/00.0", .model = I210, .nic = "enp6s0",
	    .port = 1);
	PUT(&after, .at = "07:00.0", .path = "03.1/00.0", .model = HBA);
	compare();
	expect_function(locate(&hba), "05:00.0", CONFIDENCE_STRONG);
	expect_nic(locate(&nic), "enp6s0", CONFIDENCE_STRONG);
}
END_TEST

/* S24 with twins: everything shifts while one is away, and shifts back. */
START_TEST(twins_are_found_again_when_all_is_as_it_was)
{
	struct unit a, b;
	const struct unit *meant[] = { &a, &b };

	PUT(&past, .at = "04:00.0", .path = "01.1/00.0", .model = NVME);
	PUT(&past, .at = "05:00.0", .path = "01.2/00.0", .model = NVME);
	record();
	a = unit_at("04:00.0");
	b = unit_at("05:00.0");
	PUT(&before, .at = "04:00.0", .path = "01.2/00.0", .model = NVME);
	PUT(&after, .at = "04:00.0", .path = "01.1/00.0", .model = NVME);
	PUT(&after, .at = "05:00.0", .path = "01.2/00.0", .model = NVME);
	compare();
	expect_function(locate_among(&a, meant, 2), "04:00.0", CONFIDENCE_STRONG);
	expect_function(locate_among(&b, meant, 2), "05:00.0", CONFIDENCE_STRONG);
}
END_TEST

START_TEST(what_could_not_be_told_is_not_told_by_waiting)
{
	struct unit a, b;
	const struct unit *meant[] = { &a, &b };

	PUT(&past, .at = "04:00.0", .path = "01.1/00.0", .model = NVME);
	PUT(&past, .at = "05:00.0", .path = "01.2/00.0", .model = NVME);
	record();
	a = unit_at("04:00.0");
	b = unit_at("05:00.0");
	/* One of them is away and the other renumbered: which one cannot be known. */
	PUT(&before, .at = "04:00.0", .path = "01.2/00.0", .model = NVME);
	PUT(&after, .at = "04:00.0", .path = "01.2/00.0", .model = NVME);
	compare();
	expect(locate_among(&a, meant, 2), FATE_AMBIGUOUS);
	expect(locate_among(&b, meant, 2), FATE_AMBIGUOUS);
	/* Nor is it when nobody means the other one any more, or when buses shift once more. */
	expect(locate(&b), FATE_AMBIGUOUS);
	tear_down();
	set_up();
	PUT(&before, .at = "04:00.0", .path = "01.2/00.0", .model = NVME);
	PUT(&after, .at = "06:00.0", .path = "01.2/00.0", .model = NVME);
	compare();
	expect(locate_among(&a, meant, 2), FATE_AMBIGUOUS);
	expect(locate(&b), FATE_AMBIGUOUS);
}
END_TEST

START_TEST(a_ghost_comes_back_on_its_path)
{
	struct unit hba;

	PUT(&past, .at = "05:00.0", .path = "01.1/00.0", .model = HBA);
	record();
	hba = unit_at("05:00.0");
	PUT(&before, .at = "08:00.0", .path = "03.1/00.0", .model = HBA);
	PUT(&after, .at = "06:00.0", .path = "01.1/00.0", .model = HBA);
	PUT(&after, .at = "09:00.0", .path = "03.1/00.0", .model = HBA);
	compare();
	expect_function(locate(&hba), "06:00.0", CONFIDENCE_STRONG);
	ck_assert_uint_eq(locate(&hba).evidence, EVIDENCE_PATH | EVIDENCE_IDS);
}
END_TEST

START_TEST(the_paths_of_all_twins_count_those_of_other_ghosts_too)
{
	struct unit a, b;
	const struct unit *meant[] = { &a, &b };

	PUT(&past, .at = "04:00.0", .path = "01.1/00.0", .model = NVME);
	PUT(&past, .at = "05:00.0", .path = "01.2/00.0", .model = NVME);
	record();
	a = unit_at("04:00.0");
	b = unit_at("05:00.0");
	/* Both were away; one is back, renumbered, on the path of the second. */
	PUT(&after, .at = "06:00.0", .path = "01.2/00.0", .model = NVME);
	compare();
	expect(locate_among(&a, meant, 2), FATE_AMBIGUOUS);
	expect(locate_among(&b, meant, 2), FATE_AMBIGUOUS);
	tear_down();
	set_up();
	/* Its path holds one, that of another does not any more. */
	PUT(&before, .at = "07:00.0", .path = "01.3/00.0", .model = NVME);
	PUT(&after, .at = "06:00.0", .path = "01.1/00.0", .model = NVME);
	compare();
	expect(locate(&a), FATE_AMBIGUOUS);
}
END_TEST

START_TEST(a_ghost_is_the_only_one_of_its_model)
{
	struct unit hba;

	PUT(&past, .at = "05:00.0", .path = "01.1/00.0", .model = HBA);
	record();
	hba = unit_at("05:00.0");
	PUT(&after, .at = "08:00.0", .path = "03.1/00.0", .model = HBA);
	compare();
	expect_function(locate(&hba), "08:00.0", CONFIDENCE_STRONG);
	ck_assert_uint_eq(locate(&hba).evidence, EVIDENCE_ONLY_ONE | EVIDENCE_IDS);
	PUT(&after, .at = "09:00.0", .path = "03.2/00.0", .model = HBA);
	compare();
	expect(locate(&hba), FATE_AMBIGUOUS);
}
END_TEST

START_TEST(of_several_ghosts_none_is_the_only_one)
{
	struct unit a, b;
	const struct unit *meant[] = { &a, &b };

	PUT(&past, .at = "04:00.0", .path = "01.1/00.0", .model = NVME);
	PUT(&past, .at = "05:00.0", .path = "01.2/00.0", .model = NVME);
	record();
	a = unit_at("04:00.0");
	b = unit_at("05:00.0");
	PUT(&after, .at = "08:00.0", .path = "03.1/00.0", .model = NVME);
	compare();
	expect(locate_among(&a, meant, 2), FATE_AMBIGUOUS);
	expect(locate_among(&b, meant, 2), FATE_AMBIGUOUS);
}
END_TEST

START_TEST(a_ghost_in_its_place_outdoes_the_only_one_that_was_left)
{
	struct unit ghost, left;
	const struct unit *meant[] = { &ghost, &left };

	PUT(&past, .at = "04:00.0", .path = "01.1/00.0", .model = NVME);
	PUT(&past, .at = "05:00.0", .path = "01.2/00.0", .model = NVME);
	record();
	ghost = unit_at("04:00.0");
	left = unit_at("05:00.0");
	/* The one that was left goes as the other comes back. */
	PUT(&before, .at = "05:00.0", .path = "01.2/00.0", .model = NVME);
	PUT(&after, .at = "04:00.0", .path = "01.1/00.0", .model = NVME);
	compare();
	expect_function(locate_among(&ghost, meant, 2), "04:00.0", CONFIDENCE_STRONG);
	expect(locate_among(&left, meant, 2), FATE_AMBIGUOUS);
}
END_TEST

START_TEST(where_it_was_first_recorded_decides_when_its_last_place_does_not)
{
	struct unit ghost, shown;
	struct pci_address first = address_of("04:00.0");

	PUT(&past, .at = "05:00.0", .path = "01.1/00.0", .model = NVME);
	PUT(&past, .at = "08:00.0", .path = "01.4/00.0", .model = HBA);
	record();
	ghost = unit_at("05:00.0");
	ghost.first_address = first;
	shown = unit_at("08:00.0");
	shown.first_address = address_of("07:00.0");
	PUT(&before, .at = "08:00.0", .path = "01.4/00.0", .model = HBA);
	PUT(&before, .at = "09:00.0", .path = "01.5/00.0", .model = HBA);
	PUT(&after, .at = "04:00.0", .path = "01.1/00.0", .model = NVME);
	PUT(&after, .at = "06:00.0", .path = "01.2/00.0", .model = NVME);
	PUT(&after, .at = "07:00.0", .path = "01.4/00.0", .model = HBA);
	compare();
	expect_function(locate(&ghost), "04:00.0", CONFIDENCE_STRONG);
	ck_assert_int_eq(match.functions[0].fate, FATE_AMBIGUOUS);
	expect_function(locate(&shown), "07:00.0", CONFIDENCE_STRONG);
	/* Its last place comes first. */
	PUT(&after, .at = "05:00.0", .path = "01.1/00.0", .model = NVME);
	compare();
	expect_function(locate(&ghost), "05:00.0", CONFIDENCE_STRONG);
}
END_TEST

START_TEST(a_ghost_does_not_take_what_another_number_holds)
{
	struct unit ghost;

	PUT(&past, .at = "05:00.0", .path = "01.1/00.0", .model = HBA, .serial = S1);
	record();
	ghost = unit_at("05:00.0");
	PUT(&before, .at = "05:00.0", .path = "01.1/00.0", .model = HBA, .serial = S2);
	/* Its number is not read at this boot, but it has not become another one. */
	PUT(&after, .at = "05:00.0", .path = "01.1/00.0", .model = HBA);
	compare();
	expect(locate(&ghost), FATE_GONE);
}
END_TEST

START_TEST(a_number_outdoes_the_place)
{
	struct unit numbered, other;
	const struct unit *meant[] = { &numbered, &other };

	PUT(&past, .at = "05:00.0", .path = "01.1/00.0", .model = HBA, .serial = S1);
	PUT(&past, .at = "06:00.0", .path = "01.2/00.0", .model = HBA);
	record();
	numbered = unit_at("05:00.0");
	other = unit_at("06:00.0");
	PUT(&after, .at = "06:00.0", .path = "01.2/00.0", .model = HBA, .serial = S1);
	compare();
	expect_function(locate_among(&numbered, meant, 2), "06:00.0", CONFIDENCE_CERTAIN);
	ck_assert_int_ne(locate_among(&other, meant, 2).fate, FATE_FOUND);
}
END_TEST

START_TEST(a_ghost_does_not_take_what_another_unit_still_is)
{
	struct unit ghost, other;
	const struct unit *meant[] = { &ghost, &other };

	PUT(&past, .at = "05:00.0", .path = "01.1/00.0", .model = HBA);
	PUT(&past, .at = "06:00.0", .path = "01.2/00.0", .model = HBA);
	record();
	ghost = unit_at("05:00.0");
	other = unit_at("06:00.0");
	ghost.first_address = address_of("07:00.0");
	ghost.first_path = other.function.path;
	/* The other one is renumbered onto the place where the ghost was first recorded. */
	PUT(&before, .at = "06:00.0", .path = "01.2/00.0", .model = HBA);
	PUT(&after, .at = "07:00.0", .path = "01.2/00.0", .model = HBA);
	compare();
	expect_function(locate_among(&other, meant, 2), "07:00.0", CONFIDENCE_STRONG);
	expect(locate_among(&ghost, meant, 2), FATE_AMBIGUOUS);
}
END_TEST

START_TEST(two_ghosts_of_one_place_are_both_ambiguous)
{
	struct unit a, b;
	const struct unit *meant[] = { &a, &b };

	PUT(&past, .at = "05:00.0", .path = "01.1/00.0", .model = HBA);
	PUT(&past, .at = "06:00.0", .path = "01.2/00.0", .model = HBA);
	record();
	a = unit_at("05:00.0");
	b = unit_at("06:00.0");
	a.first_address = b.first_address = address_of("04:00.0");
	a.first_path = b.first_path = NULL;
	PUT(&after, .at = "04:00.0", .path = "01.0/00.0", .model = HBA);
	compare();
	expect(locate_among(&a, meant, 2), FATE_AMBIGUOUS);
	expect(locate_among(&b, meant, 2), FATE_AMBIGUOUS);
}
END_TEST

START_TEST(two_references_to_one_unit_do_not_dispute_it)
{
	struct unit function, nic, again;
	const struct unit *meant[] = { &function, &nic, &again };

	PUT(&past, .at = "05:00.0", .path = "01.1/00.0", .model = MLX4, .nic = "enp5s0", .port = 1);
	LINK(&past, .at = "05:00.0", .nic = "enp5s0d1", .mac = M2, .port = 2);
	record();
	function = unit_at("05:00.0");
	nic = unit_named("enp5s0");
	again = unit_named("enp5s0d1");
	PUT(&after, .at = "05:00.0", .path = "01.1/00.0", .model = MLX4, .nic = "enp5s0",
	    .port = 1);
	LINK(&after, .at = "05:00.0", .nic = "enp5s0d1", .port = 2);
	compare();
	expect_function(locate_among(&function, meant, 3), "05:00.0", CONFIDENCE_STRONG);
	expect_nic(locate_among(&nic, meant, 3), "enp5s0", CONFIDENCE_STRONG);
	expect_nic(locate_among(&again, meant, 3), "enp5s0d1", CONFIDENCE_STRONG);
}
END_TEST

/* Of two cards that their maker gave one number one is gone: then the other seems to bear it alone.
 */
START_TEST(a_serial_that_two_units_were_recorded_with_finds_neither_elsewhere)
{
	struct unit ghost, other;
	const struct unit *meant[] = { &ghost, &other };

	PUT(&past, .at = "05:00.0", .path = "01.1/00.0", .model = HBA, .serial = S1);
	PUT(&past, .at = "06:00.0", .path = "01.2/00.0", .model = HBA, .serial = S1);
	record();
	ghost = unit_at("05:00.0");
	other = unit_at("06:00.0");
	PUT(&before, .at = "06:00.0", .path = "01.2/00.0", .model = HBA, .serial = S1);
	PUT(&after, .at = "06:00.0", .path = "01.2/00.0", .model = HBA, .serial = S1);
	compare();
	expect(locate_among(&ghost, meant, 2), FATE_GONE);
	expect_function(locate_among(&other, meant, 2), "06:00.0", CONFIDENCE_CERTAIN);
}
END_TEST

/* Twins that changed places: one has no number, and the other's says that it is not the first. */
START_TEST(what_was_lost_is_not_found_by_staying)
{
	struct unit unit;

	PUT(&past, .at = "05:00.0", .path = "01.1/00.0", .model = HBA);
	record();
	unit = unit_at("05:00.0");
	unit.lost = true;
	PUT(&before, .at = "04:00.0", .path = "01.0/00.0", .model = HBA);
	PUT(&after, .at = "04:00.0", .path = "01.0/00.0", .model = HBA);
	PUT(&before, .at = "05:00.0", .path = "01.1/00.0", .model = HBA, .serial = S1);
	PUT(&after, .at = "05:00.0", .path = "01.1/00.0", .model = HBA, .serial = S1);
	compare();
	expect(locate(&unit), FATE_AMBIGUOUS);
	/* Who comes into its place is it again. */
	tear_down();
	set_up();
	PUT(&before, .at = "04:00.0", .path = "01.0/00.0", .model = HBA);
	PUT(&after, .at = "05:00.0", .path = "01.1/00.0", .model = HBA);
	PUT(&after, .at = "04:00.0", .path = "01.0/00.0", .model = HBA, .serial = S1);
	compare();
	expect_function(locate(&unit), "05:00.0", CONFIDENCE_STRONG);
}
END_TEST

/*
 * Two cards of one number, one of which is taken out while the other is renumbered. All is as it
 * was before the second one came: the number that seems to be the other's was the first one's too.
 */
START_TEST(a_shared_serial_does_not_keep_a_ghost_from_its_place)
{
	struct unit ghost, twin;
	const struct unit *meant[] = { &ghost, &twin };

	PUT(&past, .at = "04:00.0", .path = "01.1/00.0", .model = HBA, .serial = S1);
	PUT(&past, .at = "05:00.0", .path = "01.2/00.0", .model = HBA, .serial = S1);
	record();
	twin = unit_at("04:00.0");
	ghost = unit_at("05:00.0");
	ck_assert_ptr_null(ghost.function.serial);
	ghost.lost = twin.lost = true;
	PUT(&before, .at = "04:00.0", .path = "01.2/00.0", .model = HBA, .serial = S1);
	PUT(&after, .at = "04:00.0", .path = "01.2/00.0", .model = HBA, .serial = S1);
	compare();
	expect(locate_among(&ghost, meant, 2), FATE_AMBIGUOUS);
	expect(locate_among(&twin, meant, 2), FATE_AMBIGUOUS);
	tear_down();
	set_up();
	PUT(&before, .at = "04:00.0", .path = "01.2/00.0", .model = HBA, .serial = S1);
	PUT(&after, .at = "05:00.0", .path = "01.2/00.0", .model = HBA, .serial = S1);
	compare();
	expect_function(locate_among(&ghost, meant, 2), "05:00.0", CONFIDENCE_STRONG);
	expect(locate_among(&twin, meant, 2), FATE_AMBIGUOUS);
	/* Of a unit that never told that number nothing is known. */
	ghost.shared_serial = NULL;
	expect(locate_among(&ghost, meant, 2), FATE_GONE);
	ghost.shared_serial = S2;
	expect(locate_among(&ghost, meant, 2), FATE_GONE);
	/* Nor does the number find one that seemed to bear it alone for a while. */
	ghost.shared_serial = S1;
	twin.function.serial = S1;
	twin.shared_serial = NULL;
	expect_function(locate_among(&ghost, meant, 2), "05:00.0", CONFIDENCE_STRONG);
	ck_assert_int_ne(locate_among(&twin, meant, 2).fate, FATE_FOUND);
	ghost.shared_serial = NULL;
	expect_function(locate_among(&twin, meant, 2), "05:00.0", CONFIDENCE_CERTAIN);
}
END_TEST

/* It was another by its MAC, whatever its serial number. */
START_TEST(a_shared_serial_says_nothing_of_a_card_that_its_mac_tells)
{
	struct unit ghost;

	PUT(&past, .at = "04:00.0", .path = "01.1/00.0", .model = I210, .serial = S1);
	PUT(&past, .at = "05:00.0", .path = "01.2/00.0", .model = I210, .serial = S1);
	record();
	ghost = unit_at("05:00.0");
	ghost.lost = true;
	PUT(&before, .at = "04:00.0", .path = "01.1/00.0", .model = I210, .serial = S1,
	    .nic = "enp4s0", .mac = M1);
	PUT(&after, .at = "05:00.0", .path = "01.2/00.0", .model = I210, .serial = S1,
	    .nic = "enp5s0", .mac = M1);
	compare();
	expect(locate(&ghost), FATE_GONE);
}
END_TEST

START_TEST(a_serial_that_functions_of_one_card_share_finds_both)
{
	struct unit first, second, moved;
	const struct unit *meant[] = { &first, &second };

	PUT(&past, .at = "04:00.0", .path = "01.1/00.0", .model = I350, .serial = S1);
	PUT(&past, .at = "04:00.1", .path = "01.1/00.1", .model = I350, .serial = S1);
	PUT(&past, .at = "07:00.1", .path = "02.4/00.1", .model = I350, .serial = S1);
	record();
	/* The first could not be read when bus numbers changed, and they change again. */
	unit_from_function(&past, &past.functions[0], &first);
	unit_from_function(&past, &past.functions[1], &second);
	first.function.serial = second.function.serial = S1;
	second.function.address.bus = 5;
	PUT(&after, .at = "06:00.0", .path = "01.1/00.0", .model = I350, .serial = S1);
	PUT(&after, .at = "06:00.1", .path = "01.1/00.1", .model = I350, .serial = S1);
	compare();
	expect_function(locate_among(&first, meant, 2), "06:00.0", CONFIDENCE_CERTAIN);
	expect_function(locate_among(&second, meant, 2), "06:00.1", CONFIDENCE_CERTAIN);
	/* Nor when the card was put elsewhere: both were first recorded in one place. */
	unit_from_function(&past, &past.functions[2], &moved);
	moved.function.serial = S1;
	moved.first_path = second.first_path;
	meant[1] = &moved;
	expect_function(locate_among(&first, meant, 2), "06:00.0", CONFIDENCE_CERTAIN);
	moved.first_path = moved.function.path;
	expect(locate_among(&first, meant, 2), FATE_AMBIGUOUS);
}
END_TEST

START_TEST(a_ghost_in_an_unreadable_place_is_not_gone)
{
	struct unit nic;

	PUT(&past, .at = "06:00.0", .path = "02.1/00.0", .model = I210, .nic = "enp6s0", .mac = M1);
	record();
	nic = unit_named("enp6s0");
	PUT(&before, .at = "06:00.0", .path = "02.1/00.0", .model = UNREAD);
	PUT(&after, .at = "06:00.0", .path = "02.1/00.0", .model = UNREAD);
	compare();
	expect(locate(&nic), FATE_UNREADABLE);
	tear_down();
	set_up();
	PUT(&before, .at = "06:00.0", .path = "02.1/00.0", .model = UNREAD);
	PUT(&after, .at = "06:00.0", .path = "02.1/00.0", .model = I210, .nic = "enp6s0");
	compare();
	expect_nic(locate(&nic), "enp6s0", CONFIDENCE_STRONG);
}
END_TEST

START_TEST(what_was_recorded_while_it_could_not_be_read_is_in_place)
{
	struct unit unit;

	PUT(&past, .at = "06:00.0", .path = "02.1/00.0", .model = UNREAD);
	record();
	unit = unit_at("06:00.0");
	PUT(&before, .at = "06:00.0", .path = "02.1/00.0", .model = UNREAD);
	PUT(&after, .at = "06:00.0", .path = "02.1/00.0", .model = HBA);
	compare();
	expect_function(locate(&unit), "06:00.0", CONFIDENCE_STRONG);
}
END_TEST

START_TEST(a_ghost_is_not_what_merely_sits_in_its_place)
{
	struct unit unread, nic, hba, far;

	PUT(&past, .at = "05:00.0", .path = "01.1/00.0", .model = HBA, .serial = S1);
	PUT(&past, .at = "06:00.0", .path = "02.1/00.0", .model = I210, .nic = "enp6s0", .mac = M1);
	PUT(&past, .at = "07:00.0", .path = "02.2/00.0", .model = UNREAD);
	PUT(&past, .at = "08:00.0", .path = "02.3/00.0", .model = MLX4);
	record();
	hba = unit_at("05:00.0");
	nic = unit_named("enp6s0");
	unread = unit_at("07:00.0");
	far = unit_at("08:00.0");
	/* Another maker's number, another model, another path. */
	PUT(&after, .at = "05:00.0", .path = "01.1/00.0", .model = NVME, .serial = S1);
	PUT(&after, .at = "07:00.0", .path = "03.1/00.0", .model = R8169);
	PUT(&after, .at = "08:00.0", .path = "03.3/00.0", .model = MLX4);
	PUT(&after, .at = "09:00.0", .path = "03.4/00.0", .model = MLX4);
	/* Another one by its MAC, while one of its model tells none. */
	PUT(&after, .at = "06:00.0", .path = "02.1/00.0", .model = I210, .nic = "enp6s0",
	    .mac = M2);
	PUT(&after, .at = "0a:00.0", .path = "03.5/00.0", .model = I210);
	compare();
	expect(locate(&hba), FATE_GONE);
	expect(locate(&nic), FATE_AMBIGUOUS);
	expect(locate(&unread), FATE_GONE);
	expect(locate(&far), FATE_AMBIGUOUS);
}
END_TEST

/* S34 at the boot after: the twin that stayed is known to be the other one. */
START_TEST(a_ghost_is_gone_when_all_of_its_model_are_others)
{
	struct unit ghost, other;
	const struct unit *meant[] = { &ghost, &other };

	PUT(&past, .at = "04:00.0", .path = "01.1/00.0", .model = NVME);
	PUT(&past, .at = "07:00.0", .path = "01.2/00.0", .model = NVME);
	record();
	other = unit_at("04:00.0");
	ghost = unit_at("07:00.0");
	PUT(&before, .at = "04:00.0", .path = "01.1/00.0", .model = NVME);
	PUT(&after, .at = "04:00.0", .path = "01.1/00.0", .model = NVME);
	compare();
	expect(locate_among(&ghost, meant, 2), FATE_GONE);
	expect_function(locate_among(&other, meant, 2), "04:00.0", CONFIDENCE_STRONG);
	/* Nobody says what the twin is. */
	expect(locate(&ghost), FATE_AMBIGUOUS);
}
END_TEST

START_TEST(a_ghost_on_its_path_needs_the_paths_of_its_twins)
{
	struct unit ghost;

	PUT(&past, .at = "05:00.0", .path = "01.1/00.0", .model = HBA);
	record();
	ghost = unit_at("05:00.0");
	PUT(&before, .at = "07:00.0", .path = "01.3/00.0", .model = HBA);
	PUT(&before, .at = "08:00.0", .path = "01.4/00.0", .model = HBA);
	PUT(&after, .at = "06:00.0", .path = "01.1/00.0", .model = HBA);
	PUT(&after, .at = "09:00.0", .path = "01.3/00.0", .model = HBA);
	compare();
	expect(locate(&ghost), FATE_AMBIGUOUS);
}
END_TEST

START_TEST(what_a_mac_found_is_not_sought_by_its_serial)
{
	struct unit unit;

	PUT(&past, .at = "06:00.0", .path = "02.1/00.0", .model = I210, .serial = S1);
	record();
	unit = unit_at("06:00.0");
	PUT(&before, .at = "06:00.0", .path = "02.1/00.0", .model = I210, .serial = S1,
	    .nic = "enp6s0", .mac = M1);
	PUT(&after, .at = "07:00.0", .path = "02.2/00.0", .model = I210, .serial = S2,
	    .nic = "enp7s0", .mac = M1);
	PUT(&after, .at = "08:00.0", .path = "02.3/00.0", .model = I210, .serial = S1);
	compare();
	expect_function(locate(&unit), "07:00.0", CONFIDENCE_CERTAIN);
}
END_TEST

/* The older inventory did not tell its number, and the newer one tells another. */
START_TEST(a_number_that_only_the_unit_has_contradicts_too)
{
	struct unit nic, hba;

	PUT(&past, .at = "05:00.0", .path = "01.1/00.0", .model = HBA, .serial = S1);
	PUT(&past, .at = "06:00.0", .path = "02.1/00.0", .model = I210, .nic = "enp6s0", .mac = M1,
	    .port = 1);
	record();
	hba = unit_at("05:00.0");
	nic = unit_named("enp6s0");
	PUT(&before, .at = "05:00.0", .path = "01.1/00.0", .model = HBA);
	PUT(&before, .at = "06:00.0", .path = "02.1/00.0", .model = I210, .nic = "enp6s0",
	    .port = 1);
	PUT(&after, .at = "05:00.0", .path = "01.1/00.0", .model = HBA, .serial = S2);
	PUT(&after, .at = "06:00.0", .path = "02.1/00.0", .model = I210, .nic = "enp6s0", .mac = M2,
	    .port = 1);
	compare();
	EXPECT_FOUND("05:00.0", "05:00.0", CONFIDENCE_STRONG);
	EXPECT_NIC("enp6s0", "enp6s0", CONFIDENCE_STRONG);
	expect(locate(&hba), FATE_GONE);
	expect(locate(&nic), FATE_GONE);
}
END_TEST

/* A function knows no MAC; that of its link tells nothing of whether it stood on the same unit. */
START_TEST(a_serial_contradicts_also_what_a_mac_says_of_what_stood_there)
{
	struct unit unit;

	PUT(&past, .at = "06:00.0", .path = "02.1/00.0", .model = I210, .serial = S1);
	record();
	unit = unit_at("06:00.0");
	PUT(&before, .at = "06:00.0", .path = "02.1/00.0", .model = I210, .nic = "enp6s0",
	    .mac = M1);
	PUT(&after, .at = "06:00.0", .path = "02.1/00.0", .model = I210, .serial = S2,
	    .nic = "enp6s0", .mac = M1);
	compare();
	expect(locate(&unit), FATE_GONE);
	/* Nor does it while its own number is elsewhere. */
	after.functions[0].serial = NULL;
	PUT(&after, .at = "09:00.0", .path = "02.3/00.0", .model = I210, .serial = S1);
	compare();
	expect_function(locate(&unit), "09:00.0", CONFIDENCE_CERTAIN);
}
END_TEST

START_TEST(a_serial_contradicts_a_nic_that_does_not_tell_its_mac)
{
	struct unit nic;

	PUT(&past, .at = "06:00.0", .path = "02.1/00.0", .model = I210, .serial = S1,
	    .nic = "enp6s0", .mac = M1, .port = 1);
	record();
	nic = unit_named("enp6s0");
	PUT(&before, .at = "06:00.0", .path = "02.1/00.0", .model = I210, .nic = "enp6s0",
	    .mac = M1, .port = 1);
	PUT(&after, .at = "06:00.0", .path = "02.1/00.0", .model = I210, .serial = S2,
	    .nic = "enp6s0", .port = 1);
	compare();
	expect(locate(&nic), FATE_GONE);
	/* And finds it where it is. */
	PUT(&after, .at = "09:00.0", .path = "02.3/00.0", .model = I210, .serial = S1,
	    .nic = "enp9s0", .port = 1);
	compare();
	expect_nic(locate(&nic), "enp9s0", CONFIDENCE_CERTAIN);
}
END_TEST

/* Twins that changed places, and only one of them tells its number. */
START_TEST(a_serial_outdoes_the_place_of_a_nic)
{
	struct unit nic;

	PUT(&past, .at = "03:00.0", .path = "01.1/00.0", .model = I210, .serial = S1,
	    .nic = "enp3s0", .port = 1);
	record();
	nic = unit_named("enp3s0");
	PUT(&before, .at = "02:00.0", .path = "01.0/00.0", .model = I210, .nic = "enp2s0",
	    .port = 1);
	PUT(&before, .at = "03:00.0", .path = "01.1/00.0", .model = I210, .nic = "enp3s0",
	    .port = 1);
	PUT(&after, .at = "02:00.0", .path = "01.0/00.0", .model = I210, .serial = S1,
	    .nic = "enp2s0", .port = 1);
	PUT(&after, .at = "03:00.0", .path = "01.1/00.0", .model = I210, .nic = "enp3s0",
	    .port = 1);
	compare();
	expect_nic(locate(&nic), "enp2s0", CONFIDENCE_CERTAIN);
}
END_TEST

START_TEST(a_serial_that_the_older_inventory_did_not_know_finds_a_nic)
{
	struct unit nic;

	PUT(&past, .at = "0d:00.0", .path = "02.1/00.0", .model = I210, .serial = S1,
	    .nic = "enp13s0", .port = 1);
	record();
	nic = unit_named("enp13s0");
	PUT(&before, .at = "0d:00.0", .path = "02.1/00.0", .model = I210, .nic = "enp13s0",
	    .port = 1);
	PUT(&after, .at = "0d:00.0", .path = "02.1/00.0", .model = UNREAD);
	compare();
	expect(locate(&nic), FATE_UNREADABLE);
	PUT(&after, .at = "09:00.0", .path = "02.3/00.0", .model = I210, .serial = S1,
	    .nic = "enp9s0", .port = 1);
	compare();
	expect_nic(locate(&nic), "enp9s0", CONFIDENCE_CERTAIN);
}
END_TEST

START_TEST(a_link_on_a_function_that_is_certain_is_the_ghosts)
{
	struct unit nic;

	PUT(&past, .at = "04:00.0", .path = "01.0/00.0", .model = I210, .serial = S1,
	    .nic = "enp4s0", .port = 1);
	record();
	nic = unit_named("enp4s0");
	nic.lost = true;
	PUT(&before, .at = "05:00.0", .path = "02.0/00.0", .model = I210, .nic = "enp5s0",
	    .mac = M1, .port = 1);
	PUT(&after, .at = "05:00.0", .path = "02.0/00.0", .model = I210, .serial = S1,
	    .nic = "enp5s0", .mac = M1, .port = 1);
	compare();
	expect_nic(locate(&nic), "enp5s0", CONFIDENCE_CERTAIN);
}
END_TEST

START_TEST(a_shown_nic_gives_way_to_a_number)
{
	struct unit shown, ghost;
	const struct unit *meant[] = { &shown, &ghost };

	PUT(&past, .at = "06:00.0", .path = "02.1/00.0", .model = I210, .nic = "enp6s0", .port = 1);
	PUT(&past, .at = "07:00.0", .path = "02.2/00.0", .model = I210, .nic = "enp7s0", .mac = M2,
	    .port = 1);
	record();
	shown = unit_named("enp6s0");
	ghost = unit_named("enp7s0");
	/* While one was away, the other goes and it comes back in its place. */
	PUT(&before, .at = "06:00.0", .path = "02.1/00.0", .model = I210, .nic = "enp6s0",
	    .port = 1);
	PUT(&after, .at = "06:00.0", .path = "02.1/00.0", .model = I210, .nic = "enp6s0", .mac = M2,
	    .port = 1);
	compare();
	expect(locate_among(&shown, meant, 2), FATE_AMBIGUOUS);
	expect_nic(locate_among(&ghost, meant, 2), "enp6s0", CONFIDENCE_CERTAIN);
}
END_TEST

START_TEST(ports_of_a_function_are_told_by_number_before_name)
{
	struct unit first;

	PUT(&past, .at = "06:00.0", .path = "02.1/00.0", .model = MLX4, .nic = "eth0", .port = 1);
	record();
	first = unit_named("eth0");
	PUT(&before, .at = "06:00.0", .path = "02.1/00.0", .model = MLX4, .nic = "eth1", .port = 1);
	LINK(&before, .at = "06:00.0", .nic = "eth0", .port = 2);
	PUT(&after, .at = "06:00.0", .path = "02.1/00.0", .model = MLX4, .nic = "eth1", .port = 1);
	LINK(&after, .at = "06:00.0", .nic = "eth0", .port = 2);
	compare();
	expect_nic(locate(&first), "eth1", CONFIDENCE_STRONG);
}
END_TEST

START_TEST(an_ambiguous_nic_may_be_where_it_was_first_recorded)
{
	struct unit nic;

	PUT(&past, .at = "08:00.0", .path = "01.4/00.0", .model = I210, .nic = "enp8s0", .port = 1);
	record();
	nic = unit_named("enp8s0");
	nic.first_address = address_of("07:00.0");
	PUT(&before, .at = "08:00.0", .path = "01.4/00.0", .model = I210, .nic = "enp8s0",
	    .port = 1);
	PUT(&before, .at = "09:00.0", .path = "01.5/00.0", .model = I210, .nic = "enp9s0",
	    .port = 1);
	PUT(&after, .at = "07:00.0", .path = "01.4/00.0", .model = I210, .nic = "enp7s0",
	    .port = 1);
	compare();
	EXPECT_NIC_LOST("enp8s0", FATE_AMBIGUOUS);
	expect_nic(locate(&nic), "enp7s0", CONFIDENCE_STRONG);
}
END_TEST

START_TEST(a_ghost_without_a_link_is_not_yet_there)
{
	struct unit nic;

	PUT(&past, .at = "06:00.0", .path = "02.1/00.0", .model = I210, .nic = "enp6s0", .mac = M1,
	    .port = 1);
	record();
	nic = unit_named("enp6s0");
	PUT(&after, .at = "06:00.0", .path = "02.1/00.0", .model = I210);
	compare();
	expect(locate(&nic), FATE_NOT_YET);
	ck_assert_uint_eq(locate(&nic).carrier, 0);
}
END_TEST

START_TEST(a_nic_that_had_no_link_is_found_when_it_has_one)
{
	struct unit nic;

	PUT(&past, .at = "06:00.0", .path = "02.1/00.0", .model = I210, .nic = "enp6s0", .port = 1);
	record();
	nic = unit_named("enp6s0");
	/* Renumbered, and no link, when it was last looked for. */
	PUT(&before, .at = "07:00.0", .path = "02.1/00.0", .model = I210);
	PUT(&after, .at = "07:00.0", .path = "02.1/00.0", .model = I210, .nic = "enp7s0", .mac = M1,
	    .port = 1);
	compare();
	expect_nic(locate(&nic), "enp7s0", CONFIDENCE_STRONG);
}
END_TEST

static void put_virtual(struct inventory *inventory, const char *at, const char *path,
			const char *physfn, const char *nic)
{
	PUT(inventory, .at = at, .path = path, .model = VF, .physfn = physfn, .nic = nic,
	    .port = 1);
}

START_TEST(a_virtual_function_is_found_through_where_its_physical_one_was)
{
	struct unit function, nic;

	PUT(&past, .at = "07:00.0", .path = "02.1/00.0", .model = I350);
	put_virtual(&past, "07:10.0", "02.1/10.0", "07:00.0", "enp7s0v0");
	put_virtual(&past, "07:10.2", "02.1/10.2", "07:00.0", "enp7s0v1");
	record();
	function = unit_at("07:10.2");
	nic = unit_named("enp7s0v1");
	/* Not made yet at the boot before, when the card was renumbered. */
	PUT(&before, .at = "07:00.0", .path = "01.1/00.0", .model = I210);
	PUT(&after, .at = "07:00.0", .path = "01.1/00.0", .model = I210);
	PUT(&before, .at = "08:00.0", .path = "02.1/00.0", .model = I350);
	PUT(&after, .at = "08:00.0", .path = "02.1/00.0", .model = I350);
	put_virtual(&after, "08:10.0", "02.1/10.0", "08:00.0", "enp8s0v0");
	compare();
	expect(locate(&function), FATE_NOT_YET);
	ck_assert_uint_eq(locate(&function).carrier, function_index(&after, "08:00.0"));
	expect(locate(&nic), FATE_NOT_YET);
	put_virtual(&after, "08:10.2", "02.1/10.2", "08:00.0", "enp8s0v1");
	compare();
	expect_function(locate(&function), "08:10.2", CONFIDENCE_STRONG);
	expect_nic(locate(&nic), "enp8s0v1", CONFIDENCE_STRONG);
}
END_TEST

START_TEST(a_virtual_function_has_the_link_that_stands_on_it)
{
	struct unit nic;

	PUT(&past, .at = "07:00.0", .path = "02.1/00.0", .model = I350, .nic = "enp7s0", .mac = M1);
	put_virtual(&past, "07:10.0", "02.1/10.0", "07:00.0", "enp7s0v0");
	record();
	nic = unit_named("enp7s0v0");
	PUT(&before, .at = "07:00.0", .path = "02.1/00.0", .model = I350, .nic = "enp7s0",
	    .mac = M1);
	put_virtual(&before, "07:10.0", "02.1/10.0", "07:00.0", "enp7s0v0");
	PUT(&after, .at = "08:00.0", .path = "02.4/00.0", .model = I350, .nic = "enp8s0",
	    .mac = M1);
	put_virtual(&after, "08:10.0", "02.4/10.0", "08:00.0", "enp8s0v0");
	compare();
	expect_nic(locate(&nic), "enp8s0v0", CONFIDENCE_CERTAIN);
}
END_TEST

START_TEST(a_virtual_function_of_a_ghost_comes_back_with_it)
{
	struct unit nic;

	PUT(&past, .at = "07:00.0", .path = "02.1/00.0", .model = I350);
	put_virtual(&past, "07:10.0", "02.1/10.0", "07:00.0", "enp7s0v0");
	record();
	nic = unit_named("enp7s0v0");
	PUT(&after, .at = "09:00.0", .path = "02.1/00.0", .model = I350);
	put_virtual(&after, "09:10.0", "02.1/10.0", "09:00.0", "enp9s0v0");
	compare();
	expect_nic(locate(&nic), "enp9s0v0", CONFIDENCE_STRONG);
	tear_down();
	set_up();
	/* Another maker's card, and one whose virtual functions are of another model. */
	PUT(&after, .at = "07:00.0", .path = "02.1/00.0", .model = MLX4);
	put_virtual(&after, "07:10.0", "02.1/10.0", "07:00.0", "enp7s0v0");
	compare();
	expect(locate(&nic), FATE_GONE);
	tear_down();
	set_up();
	PUT(&after, .at = "07:00.0", .path = "02.1/00.0", .model = I210);
	PUT(&after, .at = "07:10.0", .path = "02.1/10.0", .model = I225, .physfn = "07:00.0",
	    .nic = "enp7s0v0");
	compare();
	expect(locate(&nic), FATE_GONE);
}
END_TEST

/* Another card of the model took the slot: its virtual functions are not those of the first. */
START_TEST(a_virtual_function_goes_with_its_card)
{
	struct unit function, nic;

	PUT(&past, .at = "07:00.0", .path = "02.1/00.0", .model = I350, .nic = "enp7s0", .mac = M1);
	put_virtual(&past, "07:10.0", "02.1/10.0", "07:00.0", "enp7s0v0");
	record();
	function = unit_at("07:10.0");
	nic = unit_named("enp7s0v0");
	PUT(&before, .at = "07:00.0", .path = "02.1/00.0", .model = I350, .nic = "enp7s0",
	    .mac = M1);
	put_virtual(&before, "07:10.0", "02.1/10.0", "07:00.0", "enp7s0v0");
	PUT(&after, .at = "07:00.0", .path = "02.1/00.0", .model = I350, .nic = "enp7s0",
	    .mac = M2);
	put_virtual(&after, "07:10.0", "02.1/10.0", "07:00.0", "enp7s0v0");
	compare();
	expect(locate(&function), FATE_GONE);
	expect(locate(&nic), FATE_GONE);
}
END_TEST

/* The same one boot later, and the newcomer has made no virtual functions yet. */
START_TEST(a_virtual_function_is_not_that_of_a_card_of_another_number)
{
	struct unit function, nic;

	PUT(&past, .at = "07:00.0", .path = "02.1/00.0", .model = I350, .serial = S1);
	put_virtual(&past, "07:10.0", "02.1/10.0", "07:00.0", "enp7s0v0");
	record();
	function = unit_at("07:10.0");
	nic = unit_named("enp7s0v0");
	for (int lost = 0; lost < 2; lost++) {
		function.lost = nic.lost = lost;
		PUT(&after, .at = "07:00.0", .path = "02.1/00.0", .model = I350, .serial = S2);
		compare();
		expect(locate(&function), FATE_GONE);
		expect(locate(&nic), FATE_GONE);
		PUT(&before, .at = "07:00.0", .path = "02.1/00.0", .model = I350, .serial = S2);
		compare();
		expect(locate(&function), FATE_GONE);
		expect(locate(&nic), FATE_GONE);
		put_virtual(&after, "07:10.0", "02.1/10.0", "07:00.0", "enp7s0v0");
		compare();
		expect(locate(&function), FATE_GONE);
		expect(locate(&nic), FATE_GONE);
		tear_down();
		set_up();
		/* Nobody told its number at the boot before. */
		PUT(&before, .at = "07:00.0", .path = "02.1/00.0", .model = I350);
		PUT(&after, .at = "07:00.0", .path = "02.1/00.0", .model = I350, .serial = S2);
		compare();
		expect(locate(&function), FATE_GONE);
		tear_down();
		set_up();
	}
}
END_TEST

START_TEST(a_virtual_function_is_found_by_the_number_of_its_card)
{
	struct unit function, physical;
	const struct unit *meant[] = { &function, &physical };

	PUT(&past, .at = "07:00.0", .path = "02.1/00.0", .model = I350, .serial = S1);
	put_virtual(&past, "07:10.0", "02.1/10.0", "07:00.0", NULL);
	record();
	function = unit_at("07:10.0");
	physical = unit_at("07:00.0");
	function.lost = true;
	PUT(&before, .at = "07:00.0", .path = "02.1/00.0", .model = I350, .serial = S2);
	PUT(&after, .at = "07:00.0", .path = "02.1/00.0", .model = I350, .serial = S2);
	PUT(&after, .at = "09:00.0", .path = "02.4/00.0", .model = I350, .serial = S1);
	compare();
	expect(locate_among(&function, meant, 2), FATE_NOT_YET);
	ck_assert_uint_eq(locate(&function).carrier, function_index(&after, "09:00.0"));
	put_virtual(&after, "09:10.0", "02.4/10.0", "09:00.0", NULL);
	compare();
	expect_function(locate_among(&function, meant, 2), "09:10.0", CONFIDENCE_CERTAIN);
	/* It stays where it is, too. */
	PUT(&before, .at = "09:00.0", .path = "02.4/00.0", .model = I350, .serial = S1);
	compare();
	expect_function(locate_among(&function, meant, 2), "09:10.0", CONFIDENCE_CERTAIN);
	/* Another card was recorded with the number. */
	physical.function.address = address_of("05:00.0");
	physical.function.path = physical.first_path = "pci0000:00/01.1/00.0";
	expect(locate_among(&function, meant, 2), FATE_GONE);
	physical.shared_serial = physical.function.serial;
	physical.function.serial = NULL;
	expect(locate_among(&function, meant, 2), FATE_GONE);
}
END_TEST

/* A MAC outranks a serial: the card was flashed. */
START_TEST(a_virtual_function_stays_with_a_card_that_its_mac_tells)
{
	struct unit unit;

	PUT(&past, .at = "07:00.0", .path = "02.1/00.0", .model = I350, .serial = S1,
	    .nic = "enp7s0", .mac = M1);
	put_virtual(&past, "07:10.0", "02.1/10.0", "07:00.0", NULL);
	record();
	unit = unit_at("07:10.0");
	PUT(&before, .at = "07:00.0", .path = "02.1/00.0", .model = I350, .serial = S1,
	    .nic = "enp7s0", .mac = M1);
	PUT(&after, .at = "07:00.0", .path = "02.1/00.0", .model = I350, .serial = S2,
	    .nic = "enp7s0", .mac = M1);
	put_virtual(&after, "07:10.0", "02.1/10.0", "07:00.0", NULL);
	compare();
	expect_function(locate(&unit), "07:10.0", CONFIDENCE_CERTAIN);
}
END_TEST

START_TEST(a_lost_virtual_function_is_not_found_by_staying)
{
	struct unit unit;

	PUT(&past, .at = "07:00.0", .path = "02.1/00.0", .model = I350);
	put_virtual(&past, "07:10.0", "02.1/10.0", "07:00.0", "enp7s0v0");
	record();
	unit = unit_at("07:10.0");
	unit.lost = true;
	PUT(&before, .at = "07:00.0", .path = "02.1/00.0", .model = I350);
	put_virtual(&before, "07:10.0", "02.1/10.0", "07:00.0", "enp7s0v0");
	PUT(&after, .at = "07:00.0", .path = "02.1/00.0", .model = I350);
	put_virtual(&after, "07:10.0", "02.1/10.0", "07:00.0", "enp7s0v0");
	compare();
	expect(locate(&unit), FATE_AMBIGUOUS);
	/* Its place was empty, or another card's, and a card is put in. */
	tear_down();
	set_up();
	PUT(&after, .at = "07:00.0", .path = "02.1/00.0", .model = I350);
	put_virtual(&after, "07:10.0", "02.1/10.0", "07:00.0", "enp7s0v0");
	compare();
	expect_function(locate(&unit), "07:10.0", CONFIDENCE_STRONG);
	PUT(&before, .at = "08:00.0", .path = "02.2/00.0", .model = I350);
	compare();
	expect_function(locate(&unit), "07:10.0", CONFIDENCE_STRONG);
}
END_TEST

START_TEST(a_nic_without_a_function_is_found_by_mac_or_name)
{
	struct unit numbered, named;

	LINK(&past, .nic = "enx1", .mac = M1);
	LINK(&past, .nic = "usb0");
	record();
	numbered = unit_named("enx1");
	named = unit_named("usb0");
	LINK(&after, .nic = "usb7", .mac = M1);
	LINK(&after, .nic = "usb0", .mac = M2);
	compare();
	expect_nic(locate(&numbered), "usb7", CONFIDENCE_CERTAIN);
	expect_nic(locate(&named), "usb0", CONFIDENCE_STRONG);
	tear_down();
	set_up();
	LINK(&after, .nic = "enx1", .mac = M2);
	compare();
	expect(locate(&numbered), FATE_GONE);
	expect(locate(&named), FATE_AMBIGUOUS);
}
END_TEST

START_TEST(a_port_is_not_another_port_of_its_function)
{
	struct unit nic;

	PUT(&past, .at = "06:00.0", .path = "02.1/00.0", .model = MLX4, .nic = "enp6s0", .mac = M1,
	    .port = 1);
	record();
	nic = unit_named("enp6s0");
	PUT(&after, .at = "06:00.0", .path = "02.1/00.0", .model = MLX4, .nic = "enp6s0d1",
	    .port = 2);
	compare();
	expect(locate(&nic), FATE_NOT_YET);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_checked_fixture(tests, set_up_past, tear_down_past);
	tcase_add_test(tests, what_the_older_inventory_shows_shares_its_fate);
	tcase_add_test(tests, what_took_its_place_in_the_same_change_is_told);
	tcase_add_test(tests, a_ghost_is_not_replaced);
	tcase_add_test(tests, what_comes_back_in_place_of_another_is_not_its_replacement);
	tcase_add_test(tests, a_number_finds_a_ghost_anywhere);
	tcase_add_test(tests, a_number_that_is_read_late_still_tells);
	tcase_add_test(tests, a_ghost_comes_back_in_place);
	tcase_add_test(tests, twins_are_found_again_when_all_is_as_it_was);
	tcase_add_test(tests, what_could_not_be_told_is_not_told_by_waiting);
	tcase_add_test(tests, a_ghost_comes_back_on_its_path);
	tcase_add_test(tests, the_paths_of_all_twins_count_those_of_other_ghosts_too);
	tcase_add_test(tests, a_ghost_is_the_only_one_of_its_model);
	tcase_add_test(tests, of_several_ghosts_none_is_the_only_one);
	tcase_add_test(tests, a_ghost_in_its_place_outdoes_the_only_one_that_was_left);
	tcase_add_test(tests, where_it_was_first_recorded_decides_when_its_last_place_does_not);
	tcase_add_test(tests, a_ghost_does_not_take_what_another_number_holds);
	tcase_add_test(tests, a_number_outdoes_the_place);
	tcase_add_test(tests, a_ghost_does_not_take_what_another_unit_still_is);
	tcase_add_test(tests, two_ghosts_of_one_place_are_both_ambiguous);
	tcase_add_test(tests, two_references_to_one_unit_do_not_dispute_it);
	tcase_add_test(tests, a_serial_that_two_units_were_recorded_with_finds_neither_elsewhere);
	tcase_add_test(tests, what_was_lost_is_not_found_by_staying);
	tcase_add_test(tests, a_shared_serial_does_not_keep_a_ghost_from_its_place);
	tcase_add_test(tests, a_shared_serial_says_nothing_of_a_card_that_its_mac_tells);
	tcase_add_test(tests, a_serial_that_functions_of_one_card_share_finds_both);
	tcase_add_test(tests, a_ghost_in_an_unreadable_place_is_not_gone);
	tcase_add_test(tests, what_was_recorded_while_it_could_not_be_read_is_in_place);
	tcase_add_test(tests, a_ghost_is_not_what_merely_sits_in_its_place);
	tcase_add_test(tests, a_ghost_is_gone_when_all_of_its_model_are_others);
	tcase_add_test(tests, a_ghost_on_its_path_needs_the_paths_of_its_twins);
	tcase_add_test(tests, what_a_mac_found_is_not_sought_by_its_serial);
	tcase_add_test(tests, a_number_that_only_the_unit_has_contradicts_too);
	tcase_add_test(tests, a_serial_contradicts_also_what_a_mac_says_of_what_stood_there);
	tcase_add_test(tests, a_serial_contradicts_a_nic_that_does_not_tell_its_mac);
	tcase_add_test(tests, a_serial_outdoes_the_place_of_a_nic);
	tcase_add_test(tests, a_serial_that_the_older_inventory_did_not_know_finds_a_nic);
	tcase_add_test(tests, a_link_on_a_function_that_is_certain_is_the_ghosts);
	tcase_add_test(tests, a_shown_nic_gives_way_to_a_number);
	tcase_add_test(tests, ports_of_a_function_are_told_by_number_before_name);
	tcase_add_test(tests, an_ambiguous_nic_may_be_where_it_was_first_recorded);
	tcase_add_test(tests, a_ghost_without_a_link_is_not_yet_there);
	tcase_add_test(tests, a_nic_that_had_no_link_is_found_when_it_has_one);
	tcase_add_test(tests, a_virtual_function_is_found_through_where_its_physical_one_was);
	tcase_add_test(tests, a_virtual_function_has_the_link_that_stands_on_it);
	tcase_add_test(tests, a_virtual_function_of_a_ghost_comes_back_with_it);
	tcase_add_test(tests, a_virtual_function_goes_with_its_card);
	tcase_add_test(tests, a_virtual_function_is_not_that_of_a_card_of_another_number);
	tcase_add_test(tests, a_virtual_function_is_found_by_the_number_of_its_card);
	tcase_add_test(tests, a_virtual_function_stays_with_a_card_that_its_mac_tells);
	tcase_add_test(tests, a_lost_virtual_function_is_not_found_by_staying);
	tcase_add_test(tests, a_nic_without_a_function_is_found_by_mac_or_name);
	tcase_add_test(tests, a_port_is_not_another_port_of_its_function);
}

int main(void)
{
	return run_suite("locate", add_tests);
}
