/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "snapshot/match.h"

#include "tests/unit/small-machines.h"

START_TEST(words_are_those_of_the_plan)
{
	ck_assert_str_eq(confidence_to_string(CONFIDENCE_NONE), "none");
	ck_assert_str_eq(confidence_to_string(CONFIDENCE_AMBIGUOUS), "ambiguous");
	ck_assert_str_eq(confidence_to_string(CONFIDENCE_STRONG), "strong");
	ck_assert_str_eq(confidence_to_string(CONFIDENCE_CERTAIN), "certain");
	ck_assert_ptr_null(confidence_to_string(_CONFIDENCE_MAX));
	ck_assert_ptr_null(confidence_to_string(_CONFIDENCE_INVALID));
	ck_assert_str_eq(evidence_to_string(EVIDENCE_MAC), "mac");
	ck_assert_str_eq(evidence_to_string(EVIDENCE_SERIAL), "serial");
	ck_assert_str_eq(evidence_to_string(EVIDENCE_PATH), "path");
	ck_assert_str_eq(evidence_to_string(EVIDENCE_ADDRESS), "address");
	ck_assert_str_eq(evidence_to_string(EVIDENCE_IDS), "ids");
	ck_assert_str_eq(evidence_to_string(EVIDENCE_ONLY_ONE), "only-one");
	ck_assert_ptr_null(evidence_to_string((enum evidence)0));
	ck_assert_ptr_null(evidence_to_string((enum evidence)(1 << EVIDENCE_COUNT)));
}
END_TEST

START_TEST(nothing_becomes_nothing)
{
	compare();
	ck_assert(!match.other_machine);
	match_done(&match);
	match_done(&match);
	match_done(NULL);
}
END_TEST

START_TEST(what_did_not_change_is_in_place)
{
	for (int i = 0; i < 2; i++) {
		PUT(i ? &after : &before, .at = "01:00.0", .path = "01.1/00.0", .model = NVME);
		PUT(i ? &after : &before, .at = "02:00.0", .path = "01.2/00.0", .model = NVME);
		PUT(i ? &after : &before, .at = "06:00.0", .path = "02.1/00.0", .model = R8169,
		    .nic = "enp6s0", .mac = M1, .port = 1);
	}
	compare();
	EXPECT_FOUND("01:00.0", "01:00.0", CONFIDENCE_STRONG);
	EXPECT_FOUND("02:00.0", "02:00.0", CONFIDENCE_STRONG);
	ck_assert_uint_eq(of("01:00.0")->evidence, EVIDENCE_PATH | EVIDENCE_ADDRESS | EVIDENCE_IDS);
	EXPECT_FOUND("06:00.0", "06:00.0", CONFIDENCE_CERTAIN);
	EXPECT_NIC("enp6s0", "enp6s0", CONFIDENCE_CERTAIN);
	ck_assert_uint_eq(match.function_origin[0], 0);
	ck_assert_uint_eq(match.nic_origin[0], 0);
}
END_TEST

START_TEST(says_what_agreed)
{
	PUT(&before, .at = "06:00.0", .path = "02.1/00.0", .model = R8169, .nic = "enp6s0",
	    .mac = M1);
	PUT(&after, .at = "07:00.0", .path = "02.1/00.0", .model = R8169, .nic = "enp7s0",
	    .mac = M1);
	compare();
	EXPECT_FOUND("06:00.0", "07:00.0", CONFIDENCE_CERTAIN);
	ck_assert_uint_eq(of("06:00.0")->evidence, EVIDENCE_MAC | EVIDENCE_PATH | EVIDENCE_IDS);
	EXPECT_NIC("enp6s0", "enp7s0", CONFIDENCE_CERTAIN);
	ck_assert_uint_eq(of_nic("enp6s0")->evidence, EVIDENCE_MAC | EVIDENCE_PATH | EVIDENCE_IDS);
}
END_TEST

START_TEST(a_swap_is_seen_through_by_numbers)
{
	PUT(&before, .at = "05:00.0", .path = "01.1/00.0", .model = I210, .nic = "enp5s0",
	    .mac = M1);
	PUT(&before, .at = "06:00.0", .path = "01.2/00.0", .model = I210, .nic = "enp6s0",
	    .mac = M2);
	PUT(&before, .at = "07:00.0", .path = "01.3/00.0", .model = HBA, .serial = S1);
	PUT(&before, .at = "08:00.0", .path = "01.4/00.0", .model = HBA, .serial = S2);
	PUT(&after, .at = "05:00.0", .path = "01.1/00.0", .model = I210, .nic = "enp5s0",
	    .mac = M2);
	PUT(&after, .at = "06:00.0", .path = "01.2/00.0", .model = I210, .nic = "enp6s0",
	    .mac = M1);
	PUT(&after, .at = "07:00.0", .path = "01.3/00.0", .model = HBA, .serial = S2);
	PUT(&after, .at = "08:00.0", .path = "01.4/00.0", .model = HBA, .serial = S1);
	compare();
	EXPECT_NIC("enp5s0", "enp6s0", CONFIDENCE_CERTAIN);
	EXPECT_NIC("enp6s0", "enp5s0", CONFIDENCE_CERTAIN);
	EXPECT_FOUND("05:00.0", "06:00.0", CONFIDENCE_CERTAIN);
	EXPECT_FOUND("06:00.0", "05:00.0", CONFIDENCE_CERTAIN);
	EXPECT_FOUND("07:00.0", "08:00.0", CONFIDENCE_CERTAIN);
	EXPECT_FOUND("08:00.0", "07:00.0", CONFIDENCE_CERTAIN);
	ck_assert_uint_eq(of("07:00.0")->evidence, EVIDENCE_SERIAL | EVIDENCE_IDS);
}
END_TEST

START_TEST(another_number_in_the_same_place_is_another_unit)
{
	PUT(&before, .at = "05:00.0", .path = "01.1/00.0", .model = HBA, .serial = S1);
	PUT(&before, .at = "06:00.0", .path = "01.2/00.0", .model = I210, .nic = "enp6s0",
	    .mac = M1, .serial = S3);
	PUT(&after, .at = "05:00.0", .path = "01.1/00.0", .model = HBA, .serial = S2);
	PUT(&after, .at = "06:00.0", .path = "01.2/00.0", .model = I210, .nic = "enp6s0",
	    .mac = M2);
	compare();
	EXPECT_LOST("05:00.0", FATE_GONE);
	EXPECT_LOST("06:00.0", FATE_GONE);
	ck_assert_uint_eq(match.function_origin[0], SIZE_MAX);
}
END_TEST

START_TEST(an_unknown_number_contradicts_nothing)
{
	PUT(&before, .at = "05:00.0", .path = "01.1/00.0", .model = HBA, .serial = S1);
	PUT(&before, .at = "06:00.0", .path = "01.2/00.0", .model = I210, .nic = "enp6s0");
	PUT(&after, .at = "05:00.0", .path = "01.1/00.0", .model = HBA);
	PUT(&after, .at = "06:00.0", .path = "01.2/00.0", .model = I210, .nic = "enp6s0",
	    .mac = M1);
	compare();
	EXPECT_FOUND("05:00.0", "05:00.0", CONFIDENCE_STRONG);
	EXPECT_FOUND("06:00.0", "06:00.0", CONFIDENCE_STRONG);
	EXPECT_NIC("enp6s0", "enp6s0", CONFIDENCE_STRONG);
}
END_TEST

START_TEST(a_mac_outranks_a_serial_that_agrees)
{
	PUT(&before, .at = "06:00.0", .path = "02.1/00.0", .model = I210, .serial = S1,
	    .nic = "enp6s0", .mac = M1);
	PUT(&after, .at = "07:00.0", .path = "02.2/00.0", .model = I210, .serial = S1,
	    .nic = "enp7s0", .mac = M2);
	compare();
	EXPECT_LOST("06:00.0", FATE_GONE);
	EXPECT_NIC_LOST("enp6s0", FATE_GONE);
}
END_TEST

START_TEST(a_mac_outranks_a_serial_that_differs)
{
	PUT(&before, .at = "06:00.0", .path = "02.1/00.0", .model = I210, .serial = S1,
	    .nic = "enp6s0", .mac = M1);
	PUT(&after, .at = "07:00.0", .path = "02.2/00.0", .model = I210, .serial = S2,
	    .nic = "enp7s0", .mac = M1);
	compare();
	EXPECT_FOUND("06:00.0", "07:00.0", CONFIDENCE_CERTAIN);
	ck_assert_uint_eq(of("06:00.0")->evidence, EVIDENCE_MAC | EVIDENCE_IDS);
	EXPECT_NIC("enp6s0", "enp7s0", CONFIDENCE_CERTAIN);
}
END_TEST

START_TEST(a_mac_and_a_serial_that_lead_to_two_units_go_by_the_mac)
{
	PUT(&before, .at = "06:00.0", .path = "02.1/00.0", .model = I210, .serial = S1,
	    .nic = "enp6s0", .mac = M1);
	PUT(&after, .at = "07:00.0", .path = "02.2/00.0", .model = I210, .serial = S2,
	    .nic = "enp7s0", .mac = M1);
	PUT(&after, .at = "08:00.0", .path = "02.3/00.0", .model = I210, .serial = S1);
	compare();
	EXPECT_FOUND("06:00.0", "07:00.0", CONFIDENCE_CERTAIN);
	ck_assert_uint_eq(match.function_origin[function_index(&after, "08:00.0")], SIZE_MAX);
}
END_TEST

/* A card that vfio-pci holds now has no link and tells no MAC. */
START_TEST(a_serial_finds_a_card_whose_mac_is_unknown_now)
{
	PUT(&before, .at = "06:00.0", .path = "02.1/00.0", .model = I210, .serial = S1,
	    .nic = "enp6s0", .mac = M1);
	PUT(&before, .at = "07:00.0", .path = "02.2/00.0", .model = I210, .serial = S2,
	    .nic = "enp7s0", .mac = M2);
	PUT(&after, .at = "06:00.0", .path = "02.1/00.0", .model = I210, .serial = S2,
	    .nic = "enp6s0", .mac = M2);
	PUT(&after, .at = "07:00.0", .path = "02.2/00.0", .model = I210, .serial = S1);
	compare();
	EXPECT_FOUND("06:00.0", "07:00.0", CONFIDENCE_CERTAIN);
	EXPECT_NIC_LOST("enp6s0", FATE_NOT_YET);
	ck_assert_uint_eq(of_nic("enp6s0")->carrier, function_index(&after, "07:00.0"));
	ck_assert_int_eq(of_nic("enp6s0")->confidence, CONFIDENCE_CERTAIN);
	EXPECT_NIC("enp7s0", "enp6s0", CONFIDENCE_CERTAIN);
}
END_TEST

START_TEST(functions_of_one_card_share_its_serial)
{
	PUT(&before, .at = "05:00.0", .path = "01.1/00.0", .model = I350, .serial = S1);
	PUT(&before, .at = "05:00.1", .path = "01.1/00.1", .model = I350, .serial = S1);
	PUT(&after, .at = "08:00.0", .path = "01.4/00.0", .model = I350, .serial = S1);
	PUT(&after, .at = "08:00.1", .path = "01.4/00.1", .model = I350, .serial = S1);
	compare();
	EXPECT_FOUND("05:00.0", "08:00.0", CONFIDENCE_CERTAIN);
	EXPECT_FOUND("05:00.1", "08:00.1", CONFIDENCE_CERTAIN);
}
END_TEST

/* PCIe 7.9.3: only function 0 need have it. */
START_TEST(functions_without_a_serial_have_that_of_their_card)
{
	PUT(&before, .at = "05:00.0", .path = "01.1/00.0", .model = GPU, .serial = S1);
	PUT(&before, .at = "05:00.1", .path = "01.1/00.1", .model = SOUND);
	PUT(&before, .at = "06:00.0", .path = "01.2/00.0", .model = GPU, .serial = S2);
	PUT(&before, .at = "06:00.1", .path = "01.2/00.1", .model = SOUND);
	PUT(&after, .at = "05:00.0", .path = "01.1/00.0", .model = GPU, .serial = S2);
	PUT(&after, .at = "05:00.1", .path = "01.1/00.1", .model = SOUND);
	PUT(&after, .at = "06:00.0", .path = "01.2/00.0", .model = GPU, .serial = S1);
	PUT(&after, .at = "06:00.1", .path = "01.2/00.1", .model = SOUND);
	compare();
	EXPECT_FOUND("05:00.1", "06:00.1", CONFIDENCE_CERTAIN);
	EXPECT_FOUND("06:00.1", "05:00.1", CONFIDENCE_CERTAIN);
}
END_TEST

/* Each function tells its own MAC or nothing: where one is, there is its neighbour. */
START_TEST(functions_do_not_stay_where_their_card_has_left)
{
	PUT(&before, .at = "05:00.0", .path = "01.1/00.0", .model = I350, .nic = "enp5s0f0",
	    .mac = M1);
	PUT(&before, .at = "05:00.1", .path = "01.1/00.1", .model = I350);
	PUT(&before, .at = "06:00.0", .path = "01.2/00.0", .model = I350, .nic = "enp6s0f0",
	    .mac = M2);
	PUT(&before, .at = "06:00.1", .path = "01.2/00.1", .model = I350);
	PUT(&after, .at = "05:00.0", .path = "01.1/00.0", .model = I350, .nic = "enp5s0f0",
	    .mac = M2);
	PUT(&after, .at = "05:00.1", .path = "01.1/00.1", .model = I350);
	PUT(&after, .at = "06:00.0", .path = "01.2/00.0", .model = I350, .nic = "enp6s0f0",
	    .mac = M1);
	PUT(&after, .at = "06:00.1", .path = "01.2/00.1", .model = I350);
	compare();
	EXPECT_LOST("05:00.1", FATE_AMBIGUOUS);
	EXPECT_LOST("06:00.1", FATE_AMBIGUOUS);
}
END_TEST

START_TEST(a_serial_that_two_cards_bear_identifies_nobody)
{
	PUT(&before, .at = "05:00.0", .path = "01.1/00.0", .model = HBA, .serial = S1);
	PUT(&before, .at = "06:00.0", .path = "01.2/00.0", .model = NVME, .serial = S1);
	PUT(&after, .at = "06:00.0", .path = "01.1/00.0", .model = HBA, .serial = S1);
	PUT(&after, .at = "07:00.0", .path = "01.2/00.0", .model = NVME, .serial = S1);
	compare();
	EXPECT_FOUND("05:00.0", "06:00.0", CONFIDENCE_STRONG);
	EXPECT_FOUND("06:00.0", "07:00.0", CONFIDENCE_STRONG);
}
END_TEST

START_TEST(a_number_that_only_one_side_has_twice_identifies_nobody_either)
{
	PUT(&before, .at = "05:00.0", .path = "01.1/00.0", .model = HBA, .serial = S1);
	PUT(&after, .at = "05:00.0", .path = "01.1/00.0", .model = NVME, .serial = S1);
	PUT(&after, .at = "06:00.0", .path = "01.2/00.0", .model = HBA, .serial = S1);
	PUT(&after, .at = "07:00.0", .path = "01.3/00.0", .model = HBA);
	compare();
	EXPECT_LOST("05:00.0", FATE_AMBIGUOUS);
}
END_TEST

START_TEST(a_mac_that_two_nics_bear_leaves_the_others_alone)
{
	PUT(&before, .at = "02:00.0", .path = "01.1/00.0", .model = R8169, .nic = "enp2s0",
	    .mac = M1);
	PUT(&before, .at = "03:00.0", .path = "01.2/00.0", .model = I225, .nic = "enp3s0",
	    .mac = M1);
	PUT(&before, .at = "04:00.0", .path = "01.3/00.0", .model = I210, .nic = "enp4s0",
	    .mac = M3);
	PUT(&after, .at = "05:00.0", .path = "01.1/00.0", .model = R8169, .nic = "enp5s0",
	    .mac = M1);
	PUT(&after, .at = "06:00.0", .path = "01.2/00.0", .model = I225, .nic = "enp6s0",
	    .mac = M1);
	PUT(&after, .at = "07:00.0", .path = "01.3/00.0", .model = I210, .nic = "enp7s0",
	    .mac = M3);
	compare();
	EXPECT_NIC("enp2s0", "enp5s0", CONFIDENCE_STRONG);
	EXPECT_NIC("enp3s0", "enp6s0", CONFIDENCE_STRONG);
	EXPECT_NIC("enp4s0", "enp7s0", CONFIDENCE_CERTAIN);
}
END_TEST

START_TEST(ports_of_one_card_may_share_a_mac)
{
	PUT(&before, .at = "05:00.0", .path = "01.1/00.0", .model = MLX4, .nic = "enp5s0",
	    .mac = M1, .port = 1);
	LINK(&before, .at = "05:00.0", .nic = "enp5s0d1", .mac = M1, .port = 2);
	PUT(&after, .at = "07:00.0", .path = "01.4/00.0", .model = MLX4, .nic = "enp7s0", .mac = M1,
	    .port = 2);
	LINK(&after, .at = "07:00.0", .nic = "enp7s0d1", .mac = M1, .port = 1);
	compare();
	EXPECT_NIC("enp5s0", "enp7s0d1", CONFIDENCE_CERTAIN);
	EXPECT_NIC("enp5s0d1", "enp7s0", CONFIDENCE_CERTAIN);
}
END_TEST

START_TEST(numbers_that_are_none_identify_nobody)
{
	static const char *const worthless[] = {
		"00-00-00-00-00-00-00-00",
		"ff-ff-ff-ff-ff-ff-ff-ff",
		"01-00-00-00-68-4c-e0-00",
		"00-e0-4c-ff-fe-c8-21-01",
		"",
	};

	for (size_t i = 0; i < ARRAY_SIZE(worthless); i++) {
		set_up();
		PUT(&before, .at = "05:00.0", .path = "01.1/00.0", .model = HBA,
		    .serial = worthless[i]);
		PUT(&after, .at = "05:00.0", .path = "01.1/00.0", .model = HBA, .serial = S1);
		PUT(&after, .at = "06:00.0", .path = "01.2/00.0", .model = HBA,
		    .serial = worthless[i]);
		compare();
		/* Neither does it agree, nor does it contradict. */
		EXPECT_FOUND("05:00.0", "05:00.0", CONFIDENCE_STRONG);
		tear_down();
	}
}
END_TEST

START_TEST(macs_that_are_none_identify_nobody)
{
	PUT(&before, .at = "05:00.0", .path = "01.1/00.0", .model = I210, .nic = "enp5s0",
	    .mac = "00:00:00:00:00:00");
	PUT(&before, .at = "06:00.0", .path = "01.2/00.0", .model = I225, .nic = "enp6s0",
	    .mac = "ff:ff:ff:ff:ff:ff");
	PUT(&after, .at = "07:00.0", .path = "01.1/00.0", .model = I210, .nic = "enp7s0",
	    .mac = "ff:ff:ff:ff:ff:ff");
	PUT(&after, .at = "08:00.0", .path = "01.2/00.0", .model = I225, .nic = "enp8s0",
	    .mac = "00:00:00:00:00:00");
	compare();
	EXPECT_NIC("enp5s0", "enp7s0", CONFIDENCE_STRONG);
	EXPECT_NIC("enp6s0", "enp8s0", CONFIDENCE_STRONG);
}
END_TEST

START_TEST(makers_count_their_cards_each_for_themselves)
{
	PUT(&before, .at = "05:00.0", .path = "01.1/00.0", .model = HBA, .serial = S1);
	PUT(&after, .at = "06:00.0", .path = "01.2/00.0", .model = NVME, .serial = S1);
	compare();
	EXPECT_LOST("05:00.0", FATE_GONE);
}
END_TEST

START_TEST(a_unit_with_another_firmware_is_the_same)
{
	PUT(&before, .at = "05:00.0", .path = "01.1/00.0", .model = 0x10000072, .serial = S1);
	PUT(&after, .at = "06:00.0", .path = "01.2/00.0", .model = 0x10000073, .serial = S1);
	compare();
	EXPECT_FOUND("05:00.0", "06:00.0", CONFIDENCE_CERTAIN);
	ck_assert_uint_eq(of("05:00.0")->evidence, EVIDENCE_SERIAL);
}
END_TEST

START_TEST(without_paths_address_and_model_are_in_place)
{
	PUT(&before, .at = "05:00.0", .model = HBA);
	PUT(&before, .at = "06:00.0", .model = HBA);
	PUT(&before, .at = "07:00.0", .path = "01.3/00.0", .model = NVME);
	PUT(&before, .at = "08:00.0", .path = "01.4/00.0", .model = NVME);
	PUT(&after, .at = "05:00.0", .model = HBA);
	PUT(&after, .at = "07:00.0", .model = NVME);
	PUT(&after, .at = "09:00.0", .model = NVME);
	compare();
	EXPECT_FOUND("05:00.0", "05:00.0", CONFIDENCE_STRONG);
	ck_assert_uint_eq(of("05:00.0")->evidence, EVIDENCE_ADDRESS | EVIDENCE_IDS);
	EXPECT_LOST("06:00.0", FATE_GONE);
	EXPECT_FOUND("07:00.0", "07:00.0", CONFIDENCE_STRONG);
	EXPECT_LOST("08:00.0", FATE_AMBIGUOUS);
}
END_TEST

START_TEST(another_slot_is_another_path)
{
	PUT(&before, .at = "05:00.0", .path = "01.1/00.0", .model = HBA, .slot = "1");
	PUT(&before, .at = "06:00.0", .path = "01.2/00.0", .model = HBA, .slot = "2");
	PUT(&before, .at = "07:00.0", .path = "01.3/00.0", .model = NVME, .firmware_path = "A");
	PUT(&before, .at = "08:00.0", .path = "01.4/00.0", .model = NVME, .firmware_path = "B");
	PUT(&after, .at = "05:00.0", .path = "01.1/00.0", .model = HBA, .slot = "3");
	PUT(&after, .at = "06:00.0", .path = "01.2/00.0", .model = HBA);
	PUT(&after, .at = "07:00.0", .path = "01.3/00.0", .model = NVME, .firmware_path = "C");
	PUT(&after, .at = "08:00.0", .path = "01.4/00.0", .model = NVME, .firmware_path = "B");
	compare();
	EXPECT_LOST("05:00.0", FATE_AMBIGUOUS);
	EXPECT_FOUND("06:00.0", "06:00.0", CONFIDENCE_STRONG);
	EXPECT_LOST("07:00.0", FATE_AMBIGUOUS);
	EXPECT_FOUND("08:00.0", "08:00.0", CONFIDENCE_STRONG);
}
END_TEST

/* S34: the guide's two controllers, one of which is taken out. */
START_TEST(a_twin_in_place_stays_when_the_other_goes)
{
	PUT(&before, .at = "04:00.0", .path = "01.1/00.0", .model = NVME);
	PUT(&before, .at = "07:00.0", .path = "01.2/00.0", .model = NVME);
	PUT(&after, .at = "04:00.0", .path = "01.1/00.0", .model = NVME);
	compare();
	EXPECT_FOUND("04:00.0", "04:00.0", CONFIDENCE_STRONG);
	EXPECT_LOST("07:00.0", FATE_GONE);
}
END_TEST

START_TEST(a_new_twin_takes_nothing_from_the_one_in_place)
{
	PUT(&before, .at = "04:00.0", .path = "01.1/00.0", .model = NVME);
	PUT(&after, .at = "04:00.0", .path = "01.1/00.0", .model = NVME);
	PUT(&after, .at = "05:00.0", .path = "01.2/00.0", .model = NVME);
	compare();
	EXPECT_FOUND("04:00.0", "04:00.0", CONFIDENCE_STRONG);
	ck_assert_uint_eq(match.function_origin[1], SIZE_MAX);
}
END_TEST

START_TEST(moved_twins_go_by_path_while_all_their_paths_are_held)
{
	PUT(&before, .at = "04:00.0", .path = "01.1/00.0", .model = NVME);
	PUT(&before, .at = "05:00.0", .path = "01.2/00.0", .model = NVME);
	PUT(&after, .at = "05:00.0", .path = "01.1/00.0", .model = NVME);
	PUT(&after, .at = "06:00.0", .path = "01.2/00.0", .model = NVME);
	PUT(&after, .at = "07:00.0", .path = "01.3/00.0", .model = NVME);
	compare();
	EXPECT_FOUND("04:00.0", "05:00.0", CONFIDENCE_STRONG);
	EXPECT_FOUND("05:00.0", "06:00.0", CONFIDENCE_STRONG);
	ck_assert_uint_eq(of("04:00.0")->evidence, EVIDENCE_PATH | EVIDENCE_IDS);
}
END_TEST

START_TEST(moved_twins_are_ambiguous_when_one_of_their_paths_is_empty)
{
	PUT(&before, .at = "04:00.0", .path = "01.1/00.0", .model = NVME);
	PUT(&before, .at = "05:00.0", .path = "01.2/00.0", .model = NVME);
	PUT(&after, .at = "06:00.0", .path = "01.2/00.0", .model = NVME);
	PUT(&after, .at = "07:00.0", .path = "01.3/00.0", .model = NVME);
	compare();
	EXPECT_LOST("04:00.0", FATE_AMBIGUOUS);
	EXPECT_LOST("05:00.0", FATE_AMBIGUOUS);
	ck_assert_int_eq(of("04:00.0")->confidence, CONFIDENCE_AMBIGUOUS);
}
END_TEST

START_TEST(a_path_that_is_unknown_is_not_held)
{
	PUT(&before, .at = "04:00.0", .path = "01.1/00.0", .model = NVME);
	PUT(&before, .at = "05:00.0", .model = NVME);
	PUT(&after, .at = "06:00.0", .path = "01.1/00.0", .model = NVME);
	PUT(&after, .at = "07:00.0", .path = "01.3/00.0", .model = NVME);
	compare();
	EXPECT_LOST("04:00.0", FATE_AMBIGUOUS);
	EXPECT_LOST("05:00.0", FATE_AMBIGUOUS);
}
END_TEST

START_TEST(of_two_twins_the_one_with_a_number_is_certain)
{
	PUT(&before, .at = "04:00.0", .path = "01.1/00.0", .model = HBA, .serial = S1);
	PUT(&before, .at = "05:00.0", .path = "01.2/00.0", .model = HBA);
	PUT(&after, .at = "06:00.0", .path = "01.2/00.0", .model = HBA, .serial = S1);
	PUT(&after, .at = "07:00.0", .path = "01.3/00.0", .model = HBA);
	compare();
	EXPECT_FOUND("04:00.0", "06:00.0", CONFIDENCE_CERTAIN);
	EXPECT_LOST("05:00.0", FATE_AMBIGUOUS);
}
END_TEST

START_TEST(a_lost_twin_is_gone_when_numbers_tell_all_others_apart)
{
	PUT(&before, .at = "04:00.0", .path = "01.1/00.0", .model = HBA, .serial = S1);
	PUT(&before, .at = "05:00.0", .path = "01.2/00.0", .model = HBA, .serial = S2);
	PUT(&after, .at = "06:00.0", .path = "01.3/00.0", .model = HBA, .serial = S3);
	PUT(&after, .at = "07:00.0", .path = "01.4/00.0", .model = HBA, .serial = S2);
	compare();
	EXPECT_LOST("04:00.0", FATE_GONE);
	EXPECT_FOUND("05:00.0", "07:00.0", CONFIDENCE_CERTAIN);
}
END_TEST

START_TEST(the_only_one_of_its_model_is_found_anywhere)
{
	PUT(&before, .at = "04:00.0", .path = "01.1/00.0", .model = HBA);
	PUT(&after, .at = "08:00.0", .path = "03.4/00.0/08.0/00.0", .model = HBA);
	compare();
	EXPECT_FOUND("04:00.0", "08:00.0", CONFIDENCE_STRONG);
	ck_assert_uint_eq(of("04:00.0")->evidence, EVIDENCE_IDS | EVIDENCE_ONLY_ONE);
}
END_TEST

START_TEST(another_subsystem_is_another_model)
{
	PUT(&before, .at = "04:00.0", .path = "01.1/00.0", .model = HBA, .subsystem = 1);
	PUT(&after, .at = "04:00.0", .path = "01.1/00.0", .model = HBA, .subsystem = 2);
	compare();
	EXPECT_LOST("04:00.0", FATE_GONE);
}
END_TEST

START_TEST(an_unknown_subsystem_may_be_any)
{
	PUT(&before, .at = "04:00.0", .path = "01.1/00.0", .model = HBA, .subsystem = UNKNOWN);
	PUT(&before, .at = "05:00.0", .path = "01.2/00.0", .model = HBA, .subsystem = 1);
	PUT(&before, .at = "06:00.0", .path = "01.3/00.0", .model = NVME, .subsystem = UNKNOWN);
	PUT(&after, .at = "04:00.0", .path = "01.1/00.0", .model = HBA, .subsystem = 1);
	PUT(&after, .at = "05:00.0", .path = "01.2/00.0", .model = HBA, .subsystem = 2);
	PUT(&after, .at = "07:00.0", .path = "01.4/00.0", .model = NVME, .subsystem = 1);
	PUT(&after, .at = "08:00.0", .path = "01.5/00.0", .model = NVME, .subsystem = 2);
	compare();
	EXPECT_FOUND("04:00.0", "04:00.0", CONFIDENCE_STRONG);
	ck_assert_int_ne(of("05:00.0")->fate, FATE_FOUND);
	/* It could be either: neither is the only one of its model. */
	EXPECT_LOST("06:00.0", FATE_AMBIGUOUS);
}
END_TEST

START_TEST(wide_domains_are_domains_like_any)
{
	PUT(&before, .at = "10000:01:00.0", .path = "01.0/00.0", .model = I225,
	    .nic = "enP65536p1s0", .mac = M1);
	PUT(&before, .at = "10000:02:00.0", .path = "01.1/00.0", .model = NVME);
	PUT(&before, .at = "0000:02:00.0", .path = "02.1/00.0", .model = NVME);
	PUT(&after, .at = "10000:02:00.0", .path = "01.0/00.0", .model = I225,
	    .nic = "enP65536p2s0", .mac = M1);
	PUT(&after, .at = "10000:03:00.0", .path = "01.1/00.0", .model = NVME);
	PUT(&after, .at = "0000:02:00.0", .path = "02.1/00.0", .model = NVME);
	compare();
	EXPECT_NIC("enP65536p1s0", "enP65536p2s0", CONFIDENCE_CERTAIN);
	EXPECT_FOUND("10000:02:00.0", "10000:03:00.0", CONFIDENCE_STRONG);
	EXPECT_FOUND("0000:02:00.0", "0000:02:00.0", CONFIDENCE_STRONG);
}
END_TEST

START_TEST(what_reads_all_ones_in_its_place_is_not_gone)
{
	PUT(&before, .at = "04:00.0", .path = "01.1/00.0", .model = I210, .nic = "enp4s0",
	    .mac = M1);
	PUT(&before, .at = "05:00.0", .path = "01.2/00.0", .model = HBA);
	PUT(&before, .at = "06:00.0", .path = "01.3/00.0", .model = NVME);
	PUT(&after, .at = "04:00.0", .path = "01.1/00.0", .model = UNREAD);
	/* Renumbered, and one of its model is new elsewhere. */
	PUT(&after, .at = "07:00.0", .path = "01.2/00.0", .model = UNREAD);
	PUT(&after, .at = "08:00.0", .path = "01.9/00.0", .model = HBA);
	/* Not its place. */
	PUT(&after, .at = "06:00.0", .path = "01.4/00.0", .model = UNREAD);
	compare();
	EXPECT_LOST("04:00.0", FATE_UNREADABLE);
	EXPECT_NIC_LOST("enp4s0", FATE_UNREADABLE);
	EXPECT_LOST("05:00.0", FATE_UNREADABLE);
	EXPECT_LOST("06:00.0", FATE_GONE);
}
END_TEST

START_TEST(a_number_finds_what_left_an_unreadable_place)
{
	PUT(&before, .at = "04:00.0", .path = "01.1/00.0", .model = HBA, .serial = S1);
	PUT(&after, .at = "04:00.0", .path = "01.1/00.0", .model = UNREAD);
	PUT(&after, .at = "05:00.0", .path = "01.2/00.0", .model = HBA, .serial = S1);
	compare();
	EXPECT_FOUND("04:00.0", "05:00.0", CONFIDENCE_CERTAIN);
}
END_TEST

START_TEST(what_can_be_read_again_is_what_was_there)
{
	PUT(&before, .at = "04:00.0", .path = "01.1/00.0", .model = UNREAD);
	PUT(&before, .at = "05:00.0", .path = "01.2/00.0", .model = UNREAD);
	PUT(&after, .at = "04:00.0", .path = "01.1/00.0", .model = HBA);
	PUT(&after, .at = "05:00.0", .path = "01.3/00.0", .model = HBA);
	compare();
	EXPECT_FOUND("04:00.0", "04:00.0", CONFIDENCE_STRONG);
	ck_assert_uint_eq(of("04:00.0")->evidence, EVIDENCE_PATH | EVIDENCE_ADDRESS);
	EXPECT_LOST("05:00.0", FATE_GONE);
}
END_TEST

static void put_virtuals(struct inventory *inventory, const char *bus, const char *path,
			 const char *macs[2], const char *names[2])
{
	for (int i = 0; i < 2; i++) {
		char at[32], whole[64], physfn[32];

		(void)snprintf(at, sizeof(at), "%s:10.%d", bus, i * 2);
		(void)snprintf(physfn, sizeof(physfn), "%s:00.0", bus);
		(void)snprintf(whole, sizeof(whole), "%s/10.%d", path, i * 2);
		PUT(inventory, .at = at, .path = whole, .model = VF, .physfn = physfn,
		    .nic = names[i], .mac = macs[i], .port = 1);
	}
}

START_TEST(virtual_functions_follow_their_physical_one)
{
	static const char *was_macs[] = { M2, M3 }, *is_macs[] = { M4, M2 };
	static const char *was_names[] = { "enp7s0v0", "enp7s0v1" };
	static const char *is_names[] = { "enp8s0v0", "enp8s0v1" };

	PUT(&before, .at = "07:00.0", .path = "02.1/00.0", .model = I350, .nic = "enp7s0",
	    .mac = M1);
	put_virtuals(&before, "07", "02.1", was_macs, was_names);
	PUT(&after, .at = "08:00.0", .path = "02.4/00.0", .model = I350, .nic = "enp8s0",
	    .mac = M1);
	put_virtuals(&after, "08", "02.4", is_macs, is_names);
	compare();
	EXPECT_FOUND("07:10.0", "08:10.0", CONFIDENCE_CERTAIN);
	EXPECT_FOUND("07:10.2", "08:10.2", CONFIDENCE_CERTAIN);
	/* Their MACs are made up: that one turns up on the other says nothing. */
	EXPECT_NIC("enp7s0v0", "enp8s0v0", CONFIDENCE_CERTAIN);
	EXPECT_NIC("enp7s0v1", "enp8s0v1", CONFIDENCE_CERTAIN);
}
END_TEST

START_TEST(virtual_functions_that_are_not_made_yet_are_not_gone)
{
	static const char *macs[] = { M2, M3 };
	static const char *names[] = { "enp7s0v0", "enp7s0v1" };

	PUT(&before, .at = "07:00.0", .path = "02.1/00.0", .model = I350, .nic = "enp7s0",
	    .mac = M1);
	put_virtuals(&before, "07", "02.1", macs, names);
	PUT(&after, .at = "08:00.0", .path = "02.1/00.0", .model = I350, .nic = "enp8s0",
	    .mac = M1);
	PUT(&after, .at = "08:10.0", .path = "02.1/10.0", .model = VF, .physfn = "08:00.0");
	compare();
	EXPECT_FOUND("07:10.0", "08:10.0", CONFIDENCE_CERTAIN);
	EXPECT_LOST("07:10.2", FATE_NOT_YET);
	ck_assert_uint_eq(of("07:10.2")->carrier, function_index(&after, "08:00.0"));
	EXPECT_NIC_LOST("enp7s0v0", FATE_NOT_YET);
	EXPECT_NIC_LOST("enp7s0v1", FATE_NOT_YET);
}
END_TEST

START_TEST(virtual_functions_share_the_fate_of_their_physical_one)
{
	static const char *macs[] = { M2, M3 };
	static const char *names[] = { "enp7s0v0", "enp7s0v1" };

	PUT(&before, .at = "07:00.0", .path = "02.1/00.0", .model = I350);
	PUT(&before, .at = "06:00.0", .path = "02.0/00.0", .model = I350);
	put_virtuals(&before, "07", "02.1", macs, names);
	PUT(&after, .at = "08:00.0", .path = "02.4/00.0", .model = I350);
	PUT(&after, .at = "08:10.0", .path = "02.4/10.0", .model = VF, .physfn = "08:00.0");
	compare();
	EXPECT_LOST("07:00.0", FATE_AMBIGUOUS);
	EXPECT_LOST("07:10.0", FATE_AMBIGUOUS);
	EXPECT_NIC_LOST("enp7s0v0", FATE_AMBIGUOUS);
}
END_TEST

START_TEST(a_virtual_function_without_its_physical_one_is_like_any_other)
{
	for (int i = 0; i < 2; i++) {
		PUT(i ? &after : &before, .at = "07:10.0", .path = "02.1/10.0", .model = VF,
		    .physfn = "07:00.0", .nic = "eth0", .mac = i ? M1 : M2);
		/* A circle. */
		PUT(i ? &after : &before, .at = "08:10.0", .path = "02.2/10.0", .model = VF,
		    .physfn = "08:10.0");
	}
	compare();
	EXPECT_FOUND("07:10.0", "07:10.0", CONFIDENCE_STRONG);
	EXPECT_NIC("eth0", "eth0", CONFIDENCE_STRONG);
	EXPECT_FOUND("08:10.0", "08:10.0", CONFIDENCE_STRONG);
}
END_TEST

START_TEST(a_nic_without_a_link_is_not_yet_there)
{
	PUT(&before, .at = "06:00.0", .path = "02.1/00.0", .model = I210, .nic = "enp6s0",
	    .mac = M1);
	PUT(&after, .at = "07:00.0", .path = "02.1/00.0", .model = I210);
	compare();
	EXPECT_FOUND("06:00.0", "07:00.0", CONFIDENCE_STRONG);
	EXPECT_NIC_LOST("enp6s0", FATE_NOT_YET);
	ck_assert_uint_eq(of_nic("enp6s0")->carrier, 0);
}
END_TEST

START_TEST(one_port_of_two_may_come_later)
{
	PUT(&before, .at = "06:00.0", .path = "02.1/00.0", .model = MLX4, .nic = "enp6s0",
	    .port = 1);
	LINK(&before, .at = "06:00.0", .nic = "enp6s0d1", .port = 2);
	PUT(&after, .at = "07:00.0", .path = "02.1/00.0", .model = MLX4, .nic = "enp7s0d1",
	    .port = 2);
	compare();
	EXPECT_NIC_LOST("enp6s0", FATE_NOT_YET);
	EXPECT_NIC("enp6s0d1", "enp7s0d1", CONFIDENCE_STRONG);
}
END_TEST

START_TEST(ports_of_a_function_go_by_their_numbers)
{
	PUT(&before, .at = "06:00.0", .path = "02.1/00.0", .model = MLX4, .nic = "eth0", .mac = M1,
	    .port = 1);
	LINK(&before, .at = "06:00.0", .nic = "eth1", .port = 2);
	PUT(&after, .at = "06:00.0", .path = "02.2/00.0", .model = MLX4, .nic = "eth1", .mac = M1,
	    .port = 1);
	LINK(&after, .at = "06:00.0", .nic = "eth0", .mac = M2, .port = 2);
	compare();
	EXPECT_NIC("eth0", "eth1", CONFIDENCE_CERTAIN);
	/* Its function is certain, by the other port's MAC. */
	EXPECT_NIC("eth1", "eth0", CONFIDENCE_CERTAIN);
}
END_TEST

START_TEST(ports_without_numbers_go_by_an_unchanged_name_or_not_at_all)
{
	PUT(&before, .at = "06:00.0", .path = "02.1/00.0", .model = MLX4, .nic = "eth0");
	LINK(&before, .at = "06:00.0", .nic = "eth1");
	PUT(&before, .at = "07:00.0", .path = "02.2/00.0", .model = I350, .nic = "enp7s0");
	LINK(&before, .at = "07:00.0", .nic = "enp7s0d1");
	PUT(&after, .at = "06:00.0", .path = "02.1/00.0", .model = MLX4, .nic = "eth0");
	LINK(&after, .at = "06:00.0", .nic = "eth1");
	PUT(&after, .at = "08:00.0", .path = "02.2/00.0", .model = I350, .nic = "enp8s0");
	LINK(&after, .at = "08:00.0", .nic = "enp8s0d1");
	compare();
	EXPECT_NIC("eth0", "eth0", CONFIDENCE_STRONG);
	EXPECT_NIC("eth1", "eth1", CONFIDENCE_STRONG);
	EXPECT_NIC_LOST("enp7s0", FATE_AMBIGUOUS);
	EXPECT_NIC_LOST("enp7s0d1", FATE_AMBIGUOUS);
}
END_TEST

START_TEST(two_ports_that_may_be_one_are_ambiguous)
{
	PUT(&before, .at = "06:00.0", .path = "02.1/00.0", .model = MLX4, .nic = "enp6s0");
	LINK(&before, .at = "06:00.0", .nic = "enp6s0d1");
	PUT(&after, .at = "07:00.0", .path = "02.1/00.0", .model = MLX4, .nic = "enp7s0");
	compare();
	EXPECT_NIC_LOST("enp6s0", FATE_AMBIGUOUS);
	EXPECT_NIC_LOST("enp6s0d1", FATE_AMBIGUOUS);
}
END_TEST

START_TEST(another_mac_on_one_port_tells_the_whole_card_apart)
{
	PUT(&before, .at = "06:00.0", .path = "02.1/00.0", .model = MLX4, .nic = "enp6s0",
	    .port = 1);
	LINK(&before, .at = "06:00.0", .nic = "enp6s0d1", .mac = M1, .port = 2);
	PUT(&after, .at = "06:00.0", .path = "02.1/00.0", .model = MLX4, .nic = "enp6s0",
	    .port = 1);
	LINK(&after, .at = "06:00.0", .nic = "enp6s0d1", .mac = M2, .port = 2);
	compare();
	ck_assert_int_ne(of("06:00.0")->fate, FATE_FOUND);
	ck_assert_int_ne(of_nic("enp6s0d1")->fate, FATE_FOUND);
}
END_TEST

START_TEST(macs_of_different_ports_do_not_contradict)
{
	PUT(&before, .at = "06:00.0", .path = "02.1/00.0", .model = MLX4, .nic = "enp6s0",
	    .mac = M1, .port = 1);
	LINK(&before, .at = "06:00.0", .nic = "enp6s0d1", .port = 2);
	PUT(&after, .at = "07:00.0", .path = "02.1/00.0", .model = MLX4, .nic = "enp7s0",
	    .port = 1);
	LINK(&after, .at = "07:00.0", .nic = "enp7s0d1", .mac = M2, .port = 2);
	compare();
	EXPECT_FOUND("06:00.0", "07:00.0", CONFIDENCE_STRONG);
	EXPECT_NIC("enp6s0", "enp7s0", CONFIDENCE_STRONG);
	EXPECT_NIC("enp6s0d1", "enp7s0d1", CONFIDENCE_STRONG);
}
END_TEST

/* S17 and its like: one function with two ports becomes two functions with one each. */
START_TEST(ports_that_spread_over_functions_keep_their_macs)
{
	PUT(&before, .at = "06:00.0", .path = "02.1/00.0", .model = I350, .nic = "enp6s0",
	    .mac = M1, .port = 1);
	LINK(&before, .at = "06:00.0", .nic = "enp6s0d1", .mac = M2, .port = 2);
	PUT(&after, .at = "06:00.0", .path = "02.1/00.0", .model = I350, .nic = "enp6s0f0",
	    .mac = M1, .port = 1);
	PUT(&after, .at = "06:00.1", .path = "02.1/00.1", .model = I350, .nic = "enp6s0f1",
	    .mac = M2, .port = 1);
	compare();
	EXPECT_NIC("enp6s0", "enp6s0f0", CONFIDENCE_CERTAIN);
	EXPECT_NIC("enp6s0d1", "enp6s0f1", CONFIDENCE_CERTAIN);
	EXPECT_FOUND("06:00.0", "06:00.0", CONFIDENCE_STRONG);
}
END_TEST

START_TEST(nics_without_a_function_go_by_mac_or_by_an_unchanged_name)
{
	LINK(&before, .nic = "enx1", .mac = M1);
	LINK(&before, .nic = "usb0");
	LINK(&before, .nic = "usb1", .mac = M2);
	LINK(&after, .nic = "usb7", .mac = M1);
	LINK(&after, .nic = "usb0", .mac = M4);
	LINK(&after, .nic = "usb1", .mac = M3);
	compare();
	EXPECT_NIC("enx1", "usb7", CONFIDENCE_CERTAIN);
	ck_assert_uint_eq(of_nic("enx1")->evidence, EVIDENCE_MAC);
	EXPECT_NIC("usb0", "usb0", CONFIDENCE_STRONG);
	EXPECT_NIC_LOST("usb1", FATE_GONE);
}
END_TEST

START_TEST(a_nic_without_a_function_may_have_another_name)
{
	LINK(&before, .nic = "usb0", .mac = M1);
	LINK(&after, .nic = "usb1");
	compare();
	EXPECT_NIC_LOST("usb0", FATE_AMBIGUOUS);
}
END_TEST

START_TEST(inventories_of_names_only_are_compared_by_name)
{
	LINK(&before, .nic = "enp6s0");
	PUT(&after, .at = "06:00.0", .path = "02.1/00.0", .model = I210, .nic = "enp6s0",
	    .mac = M1);
	compare();
	EXPECT_NIC("enp6s0", "enp6s0", CONFIDENCE_STRONG);
}
END_TEST

START_TEST(a_card_in_the_place_of_one_that_is_gone_replaces_it)
{
	PUT(&before, .at = "06:00.0", .path = "02.1/00.0", .model = R8169, .nic = "enp6s0",
	    .mac = M1, .port = 1);
	PUT(&after, .at = "05:00.0", .path = "01.1/00.0", .model = I225, .nic = "enp5s0", .mac = M3,
	    .port = 1);
	/* How a lone port is numbered is up to its driver. */
	PUT(&after, .at = "07:00.0", .path = "02.1/00.0", .model = MLX4, .nic = "enp7s0", .mac = M2,
	    .port = 2);
	compare();
	EXPECT_LOST("06:00.0", FATE_GONE);
	EXPECT_REPLACED("enp6s0", "enp7s0");
	ck_assert_uint_eq(of_nic("enp6s0")->evidence, EVIDENCE_PATH);
	ck_assert_uint_eq(match.nic_origin[nic_index(&after, "enp7s0")], SIZE_MAX);
}
END_TEST

START_TEST(twins_of_other_numbers_replace_each_other_in_place)
{
	static const char *const macs[] = { M1, M2, M3, M4, M5 };

	for (int i = 0; i < 2; i++)
		for (int k = 0; k < 2; k++) {
			char at[32], path[32];

			(void)snprintf(at, sizeof(at), "0%d:00.0", 5 + k);
			(void)snprintf(path, sizeof(path), "01.%d/00.0", k);
			PUT(i ? &after : &before, .at = at, .path = path, .model = I210,
			    .nic = k == i ? "eth0" : "eth1", .mac = macs[2 * i + k], .port = 1);
		}
	compare();
	EXPECT_REPLACED("eth0", "eth1");
	EXPECT_REPLACED("eth1", "eth0");
}
END_TEST

START_TEST(a_card_in_another_place_replaces_nothing)
{
	PUT(&before, .at = "06:00.0", .path = "02.1/00.0", .model = R8169, .nic = "enp6s0",
	    .mac = M1);
	PUT(&after, .at = "06:00.0", .path = "02.2/00.0", .model = R8169, .nic = "enp6s0",
	    .mac = M2);
	compare();
	EXPECT_NIC_LOST("enp6s0", FATE_GONE);
}
END_TEST

START_TEST(an_unknown_path_is_not_the_same_path)
{
	PUT(&before, .at = "06:00.0", .model = R8169, .nic = "enp6s0", .mac = M1);
	PUT(&after, .at = "06:00.0", .model = R8169, .nic = "enp6s0", .mac = M2);
	compare();
	EXPECT_NIC_LOST("enp6s0", FATE_GONE);
}
END_TEST

START_TEST(a_card_of_other_ports_replaces_nothing)
{
	PUT(&before, .at = "06:00.0", .path = "02.1/00.0", .model = I350, .nic = "enp6s0f0",
	    .mac = M1, .port = 1);
	PUT(&before, .at = "06:00.1", .path = "02.1/00.1", .model = I350, .nic = "enp6s0f1",
	    .mac = M2, .port = 1);
	PUT(&before, .at = "07:00.0", .path = "02.2/00.0", .model = I210, .nic = "enp7s0",
	    .mac = M3, .port = 1);
	PUT(&after, .at = "06:00.0", .path = "02.1/00.0", .model = I210, .nic = "enp6s0", .mac = M4,
	    .port = 1);
	/* One of its two ports has no link yet. */
	PUT(&after, .at = "07:00.0", .path = "02.2/00.0", .model = GPU, .nic = "enp7s0f0",
	    .mac = M5, .port = 1);
	PUT(&after, .at = "07:00.1", .path = "02.2/00.1", .model = GPU);
	compare();
	EXPECT_NIC_LOST("enp6s0f0", FATE_GONE);
	EXPECT_NIC_LOST("enp6s0f1", FATE_GONE);
	EXPECT_NIC_LOST("enp7s0", FATE_GONE);
}
END_TEST

START_TEST(a_card_of_as_many_ports_replaces_one_for_one)
{
	PUT(&before, .at = "06:00.0", .path = "02.1/00.0", .model = I350, .nic = "enp6s0f0",
	    .mac = M1, .port = 1);
	PUT(&before, .at = "06:00.1", .path = "02.1/00.1", .model = I350, .nic = "enp6s0f1",
	    .mac = M2, .port = 1);
	PUT(&after, .at = "06:00.0", .path = "02.1/00.0", .model = GPU, .nic = "enp6s0f0np0",
	    .mac = M3, .port = 1);
	PUT(&after, .at = "06:00.1", .path = "02.1/00.1", .model = GPU, .nic = "enp6s0f1np1",
	    .mac = M4, .port = 2);
	compare();
	EXPECT_REPLACED("enp6s0f0", "enp6s0f0np0");
	EXPECT_REPLACED("enp6s0f1", "enp6s0f1np1");
}
END_TEST

START_TEST(as_many_ports_arranged_otherwise_replace_nothing)
{
	PUT(&before, .at = "06:00.0", .path = "02.1/00.0", .model = I350, .nic = "enp6s0f0",
	    .mac = M1, .port = 1);
	PUT(&before, .at = "06:00.1", .path = "02.1/00.1", .model = I350, .nic = "enp6s0f1",
	    .mac = M2, .port = 1);
	PUT(&after, .at = "06:00.0", .path = "02.1/00.0", .model = MLX4, .nic = "enp6s0", .mac = M3,
	    .port = 1);
	LINK(&after, .at = "06:00.0", .nic = "enp6s0d1", .mac = M4, .port = 2);
	compare();
	EXPECT_NIC_LOST("enp6s0f0", FATE_GONE);
	EXPECT_NIC_LOST("enp6s0f1", FATE_GONE);
}
END_TEST

START_TEST(a_card_that_was_there_replaces_nothing)
{
	PUT(&before, .at = "06:00.0", .path = "02.1/00.0", .model = R8169, .nic = "enp6s0",
	    .mac = M1);
	PUT(&before, .at = "07:00.0", .path = "02.2/00.0", .model = I225, .nic = "enp7s0",
	    .mac = M2);
	/* Known by its serial, and by being the only one; vfio-pci held both. */
	PUT(&before, .at = "08:00.0", .path = "02.3/00.0", .model = R8169, .nic = "enp8s0",
	    .mac = M3);
	PUT(&before, .at = "09:00.0", .path = "02.4/00.0", .model = I210, .serial = S1);
	PUT(&after, .at = "06:00.0", .path = "02.1/00.0", .model = I225, .nic = "enp6s0",
	    .mac = M2);
	PUT(&after, .at = "08:00.0", .path = "02.3/00.0", .model = I210, .serial = S1,
	    .nic = "enp8s0", .mac = M4);
	compare();
	EXPECT_NIC_LOST("enp6s0", FATE_GONE);
	EXPECT_NIC("enp7s0", "enp6s0", CONFIDENCE_CERTAIN);
	EXPECT_NIC_LOST("enp8s0", FATE_GONE);
}
END_TEST

START_TEST(a_card_that_may_have_been_there_replaces_nothing)
{
	PUT(&before, .at = "06:00.0", .path = "02.1/00.0", .model = I210, .nic = "enp6s0",
	    .mac = M1);
	PUT(&before, .at = "07:00.0", .path = "02.2/00.0", .model = I210);
	PUT(&after, .at = "06:00.0", .path = "02.1/00.0", .model = I210, .nic = "enp6s0",
	    .mac = M2);
	compare();
	EXPECT_LOST("07:00.0", FATE_AMBIGUOUS);
	EXPECT_NIC_LOST("enp6s0", FATE_GONE);
}
END_TEST

static bool is_other_machine(const char *was, const char *is)
{
	before.machine = was;
	after.machine = is;
	compare();
	return match.other_machine;
}

#define UUID_A "11111111-2222-3333-4444-555555555555"
#define UUID_B "99999999-2222-3333-4444-555555555555"

START_TEST(another_machine_has_another_id_and_few_of_the_numbers)
{
	static const char *const macs[] = { M1, M2, M3, M4 };

	for (int found = 0; found <= 4; found++) {
		set_up();
		for (int i = 0; i < 4; i++) {
			char at[32], name[32];

			(void)snprintf(at, sizeof(at), "0%d:00.0", 1 + i);
			(void)snprintf(name, sizeof(name), "eth%d", i);
			PUT(&before, .at = at, .model = I210, .nic = name, .mac = macs[i]);
			if (i < found)
				PUT(&after, .at = at, .model = I210, .nic = name, .mac = macs[i]);
		}
		/* One more that has no number is in place, as it would be in any machine. */
		PUT(&before, .at = "0a:00.0", .model = NVME);
		PUT(&after, .at = "0a:00.0", .model = NVME);
		ck_assert_int_eq(is_other_machine(UUID_A, UUID_B), found <= 2);
		ck_assert(!is_other_machine(UUID_A, UUID_A));
		ck_assert(!is_other_machine(NULL, UUID_A));
		ck_assert(!is_other_machine(UUID_A, NULL));
		tear_down();
	}
}
END_TEST

START_TEST(another_machine_may_be_of_the_same_make)
{
	PUT(&before, .at = "01:00.0", .path = "01.1/00.0", .model = HBA, .serial = S1);
	PUT(&before, .at = "02:00.0", .path = "01.2/00.0", .model = HBA, .serial = S2);
	PUT(&after, .at = "01:00.0", .path = "01.1/00.0", .model = HBA);
	PUT(&after, .at = "02:00.0", .path = "01.2/00.0", .model = HBA);
	ck_assert(is_other_machine(UUID_A, UUID_B));
}
END_TEST

START_TEST(a_machine_that_bears_no_id_is_no_other_one)
{
	static const char *const placeholders[] = {
		"00000000-0000-0000-0000-000000000000",
		"ffffffff-ffff-ffff-ffff-ffffffffffff",
		"FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF",
		"03000200-0400-0500-0006-000700080009",
		"03000200-0400-0500-0006-000700080009",
		"00020003-0004-0005-0006-000700080009",
		"",
		"To be filled by O.E.M.",
		"Not Settable",
		"Default string",
	};

	LINK(&before, .nic = "eth0", .mac = M1);
	for (size_t i = 0; i < ARRAY_SIZE(placeholders); i++) {
		ck_assert_msg(!is_other_machine(placeholders[i], UUID_A), "%s", placeholders[i]);
		ck_assert_msg(!is_other_machine(UUID_A, placeholders[i]), "%s", placeholders[i]);
	}
	ck_assert(is_other_machine(UUID_A, UUID_B));
	ck_assert(!is_other_machine("ABCDEF01-2222-3333-4444-555555555555",
				    "abcdef01-2222-3333-4444-555555555555"));
}
END_TEST

START_TEST(odd_inventories_decide_nothing)
{
	/* One path twice on either side, and a NIC on a function that is not there. */
	PUT(&before, .at = "01:00.0", .path = "01.1/00.0", .model = HBA);
	PUT(&before, .at = "02:00.0", .path = "01.1/00.0", .model = HBA);
	LINK(&before, .at = "0f:00.0", .nic = "lost0");
	PUT(&after, .at = "03:00.0", .path = "01.1/00.0", .model = HBA);
	PUT(&after, .at = "04:00.0", .path = "01.1/00.0", .model = HBA);
	compare();
	EXPECT_LOST("01:00.0", FATE_AMBIGUOUS);
	EXPECT_LOST("02:00.0", FATE_AMBIGUOUS);
	EXPECT_NIC_LOST("lost0", FATE_GONE);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_test(tests, words_are_those_of_the_plan);
	tcase_add_test(tests, nothing_becomes_nothing);
	tcase_add_test(tests, what_did_not_change_is_in_place);
	tcase_add_test(tests, says_what_agreed);
	tcase_add_test(tests, a_swap_is_seen_through_by_numbers);
	tcase_add_test(tests, another_number_in_the_same_place_is_another_unit);
	tcase_add_test(tests, an_unknown_number_contradicts_nothing);
	tcase_add_test(tests, a_mac_outranks_a_serial_that_agrees);
	tcase_add_test(tests, a_mac_outranks_a_serial_that_differs);
	tcase_add_test(tests, a_mac_and_a_serial_that_lead_to_two_units_go_by_the_mac);
	tcase_add_test(tests, a_serial_finds_a_card_whose_mac_is_unknown_now);
	tcase_add_test(tests, functions_of_one_card_share_its_serial);
	tcase_add_test(tests, functions_without_a_serial_have_that_of_their_card);
	tcase_add_test(tests, functions_do_not_stay_where_their_card_has_left);
	tcase_add_test(tests, a_serial_that_two_cards_bear_identifies_nobody);
	tcase_add_test(tests, a_number_that_only_one_side_has_twice_identifies_nobody_either);
	tcase_add_test(tests, a_mac_that_two_nics_bear_leaves_the_others_alone);
	tcase_add_test(tests, ports_of_one_card_may_share_a_mac);
	tcase_add_test(tests, numbers_that_are_none_identify_nobody);
	tcase_add_test(tests, macs_that_are_none_identify_nobody);
	tcase_add_test(tests, makers_count_their_cards_each_for_themselves);
	tcase_add_test(tests, a_unit_with_another_firmware_is_the_same);
	tcase_add_test(tests, without_paths_address_and_model_are_in_place);
	tcase_add_test(tests, another_slot_is_another_path);
	tcase_add_test(tests, a_twin_in_place_stays_when_the_other_goes);
	tcase_add_test(tests, a_new_twin_takes_nothing_from_the_one_in_place);
	tcase_add_test(tests, moved_twins_go_by_path_while_all_their_paths_are_held);
	tcase_add_test(tests, moved_twins_are_ambiguous_when_one_of_their_paths_is_empty);
	tcase_add_test(tests, a_path_that_is_unknown_is_not_held);
	tcase_add_test(tests, of_two_twins_the_one_with_a_number_is_certain);
	tcase_add_test(tests, a_lost_twin_is_gone_when_numbers_tell_all_others_apart);
	tcase_add_test(tests, the_only_one_of_its_model_is_found_anywhere);
	tcase_add_test(tests, another_subsystem_is_another_model);
	tcase_add_test(tests, an_unknown_subsystem_may_be_any);
	tcase_add_test(tests, wide_domains_are_domains_like_any);
	tcase_add_test(tests, what_reads_all_ones_in_its_place_is_not_gone);
	tcase_add_test(tests, a_number_finds_what_left_an_unreadable_place);
	tcase_add_test(tests, what_can_be_read_again_is_what_was_there);
	tcase_add_test(tests, virtual_functions_follow_their_physical_one);
	tcase_add_test(tests, virtual_functions_that_are_not_made_yet_are_not_gone);
	tcase_add_test(tests, virtual_functions_share_the_fate_of_their_physical_one);
	tcase_add_test(tests, a_virtual_function_without_its_physical_one_is_like_any_other);
	tcase_add_test(tests, a_nic_without_a_link_is_not_yet_there);
	tcase_add_test(tests, one_port_of_two_may_come_later);
	tcase_add_test(tests, ports_of_a_function_go_by_their_numbers);
	tcase_add_test(tests, ports_without_numbers_go_by_an_unchanged_name_or_not_at_all);
	tcase_add_test(tests, two_ports_that_may_be_one_are_ambiguous);
	tcase_add_test(tests, another_mac_on_one_port_tells_the_whole_card_apart);
	tcase_add_test(tests, macs_of_different_ports_do_not_contradict);
	tcase_add_test(tests, ports_that_spread_over_functions_keep_their_macs);
	tcase_add_test(tests, nics_without_a_function_go_by_mac_or_by_an_unchanged_name);
	tcase_add_test(tests, a_nic_without_a_function_may_have_another_name);
	tcase_add_test(tests, inventories_of_names_only_are_compared_by_name);
	tcase_add_test(tests, a_card_in_the_place_of_one_that_is_gone_replaces_it);
	tcase_add_test(tests, twins_of_other_numbers_replace_each_other_in_place);
	tcase_add_test(tests, a_card_in_another_place_replaces_nothing);
	tcase_add_test(tests, an_unknown_path_is_not_the_same_path);
	tcase_add_test(tests, a_card_of_other_ports_replaces_nothing);
	tcase_add_test(tests, a_card_of_as_many_ports_replaces_one_for_one);
	tcase_add_test(tests, as_many_ports_arranged_otherwise_replace_nothing);
	tcase_add_test(tests, a_card_that_was_there_replaces_nothing);
	tcase_add_test(tests, a_card_that_may_have_been_there_replaces_nothing);
	tcase_add_test(tests, another_machine_has_another_id_and_few_of_the_numbers);
	tcase_add_test(tests, another_machine_may_be_of_the_same_make);
	tcase_add_test(tests, a_machine_that_bears_no_id_is_no_other_one);
	tcase_add_test(tests, odd_inventories_decide_nothing);
}

int main(void)
{
	return run_suite("match", add_tests);
}
