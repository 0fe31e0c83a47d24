/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Machines of a few cards, for the tests of the matcher. */
#pragma once

#include <check.h>
#include <stdio.h>

#include "snapshot/match.h"

/* Vendor and device of some models. */
#define I210   0x80861533
#define I225   0x808615f3
#define I350   0x80861521
#define R8169  0x10ec8168
#define MLX4   0x15b31003
#define NVME   0x26465024
#define HBA    0x10000072
#define GPU    0x808656a6
#define SOUND  0x80864f92
#define VF     0x80861520
#define UNREAD 0xffffffff

#define M1 "a8:a1:59:00:00:01"
#define M2 "a8:a1:59:00:00:02"
#define M3 "a8:a1:59:00:00:03"
#define M4 "a8:a1:59:00:00:04"
#define M5 "a8:a1:59:00:00:05"
#define S1 "a8-a1-59-ff-ff-00-00-01"
#define S2 "a8-a1-59-ff-ff-00-00-02"
#define S3 "a8-a1-59-ff-ff-00-00-03"

/**
 * struct thing - A function, and the NIC on it if it has a name
 * @at:     "06:00.0", or with a domain
 * @path:   what follows "pci0000:00/"; NULL for an unknown path
 * @nic:    the NIC's name
 * @port:   its number plus one; 0 for an unknown one
 * @physfn: of a virtual function
 */
struct thing {
	const char *at;
	const char *path;
	uint32_t model;
	const char *serial;
	const char *slot;
	const char *firmware_path;
	const char *physfn;
	int subsystem;
	const char *nic;
	const char *mac;
	int port;
};

static inline struct pci_address address_of(const char *at)
{
	struct pci_address address;
	char whole[32];

	(void)snprintf(whole, sizeof(whole), "%s%s", strlen(at) == 7 ? "0000:" : "", at);
	ck_assert_int_eq(pci_address_parse(bytes_of(whole), &address), 0);
	return address;
}

static inline void put_nic(struct inventory *inventory, const struct thing *thing)
{
	struct nic *nic = inventory_add_nic(inventory);

	ck_assert_ptr_nonnull(nic);
	nic->name = arena_copy_text(&inventory->arena, thing->nic);
	ck_assert_ptr_nonnull(nic->name);
	nic->mac = thing->mac;
	nic->port = thing->port ? thing->port - 1 : UNKNOWN;
	if (thing->at) {
		nic->has_pci = true;
		nic->pci = address_of(thing->at);
	}
}

static inline void put(struct inventory *inventory, const struct thing *thing)
{
	struct pci_function *function = inventory_add_function(inventory);
	char path[256];

	ck_assert_ptr_nonnull(function);
	function->address = address_of(thing->at);
	function->vendor = (uint16_t)(thing->model >> 16);
	function->device = (uint16_t)thing->model;
	function->class = thing->model == UNREAD ? 0xffffff : 0x020000;
	function->subsystem_vendor = function->subsystem_device = thing->subsystem;
	function->serial = thing->serial;
	function->slot = thing->slot;
	function->firmware_path = thing->firmware_path;
	if (thing->physfn) {
		function->has_physfn = true;
		function->physfn = address_of(thing->physfn);
	}
	if (thing->path) {
		(void)snprintf(path, sizeof(path), "pci0000:00/%s", thing->path);
		function->path = arena_copy_text(&inventory->arena, path);
		ck_assert_ptr_nonnull(function->path);
	}
	if (thing->nic)
		put_nic(inventory, thing);
}

/* A function, with a NIC if .nic is given; a further NIC of a function, or one without. */
#define PUT(inventory, ...)  put(inventory, &(struct thing){ __VA_ARGS__ })
#define LINK(inventory, ...) put_nic(inventory, &(struct thing){ __VA_ARGS__ })

static struct inventory before, after;
static struct match match;

static inline void set_up(void)
{
	before = after = (struct inventory){ 0 };
	match = (struct match){ 0 };
}

static inline void tear_down(void)
{
	match_done(&match);
	inventory_done(&before);
	inventory_done(&after);
}

static inline void compare(void)
{
	match_done(&match);
	ck_assert_int_eq(inventory_finish(&before, "before", NULL), 0);
	ck_assert_int_eq(inventory_finish(&after, "after", NULL), 0);
	ck_assert_int_eq(match_inventories(&before, &after, &match), 0);
}

static inline size_t function_index(const struct inventory *inventory, const char *at)
{
	struct pci_address address = address_of(at);
	const struct pci_function *found = inventory_find_function(inventory, &address);

	ck_assert_msg(found != NULL, "nothing at %s", at);
	return (size_t)(found - inventory->functions);
}

static inline size_t nic_index(const struct inventory *inventory, const char *name)
{
	const struct nic *found = inventory_find_nic(inventory, bytes_of(name));

	ck_assert_msg(found != NULL, "no NIC %s", name);
	return (size_t)(found - inventory->nics);
}

/* What became of a function or a NIC of before. */
static inline const struct pairing *of(const char *at)
{
	return &match.functions[function_index(&before, at)];
}

static inline const struct pairing *of_nic(const char *name)
{
	return &match.nics[nic_index(&before, name)];
}

static inline const char *fate_name(enum fate fate)
{
	static const char *const names[_FATE_MAX] = { "gone",       "found",   "ambiguous",
						      "unreadable", "not yet", "replaced" };

	return names[fate];
}

static inline void expect_lost(const struct pairing *pairing, const char *who, enum fate fate)
{
	ck_assert_msg(pairing->fate == fate, "%s is %s, not %s", who, fate_name(pairing->fate),
		      fate_name(fate));
	ck_assert_uint_eq(pairing->index, SIZE_MAX);
}

static inline void expect_at(const struct pairing *pairing, const char *who, size_t index,
			     enum confidence confidence)
{
	ck_assert_msg(pairing->fate == FATE_FOUND, "%s is %s, not found", who,
		      fate_name(pairing->fate));
	ck_assert_msg(pairing->index == index, "%s is found as another one", who);
	ck_assert_msg(pairing->confidence == confidence, "%s is found %s, not %s", who,
		      confidence_to_string(pairing->confidence), confidence_to_string(confidence));
}

#define EXPECT_FOUND(was, is, confidence) \
	expect_at(of(was), was, function_index(&after, is), confidence)
#define EXPECT_NIC(was, is, confidence) \
	expect_at(of_nic(was), was, nic_index(&after, is), confidence)
#define EXPECT_LOST(was, fate)     expect_lost(of(was), was, fate)
#define EXPECT_NIC_LOST(was, fate) expect_lost(of_nic(was), was, fate)
#define EXPECT_REPLACED(was, is)                                              \
	do {                                                                  \
		ck_assert_int_eq(of_nic(was)->fate, FATE_REPLACED);           \
		ck_assert_uint_eq(of_nic(was)->index, nic_index(&after, is)); \
	} while (0)

static inline int run_suite(const char *name, void (*add_tests)(TCase *tests))
{
	Suite *suite = suite_create(name);
	TCase *tests = tcase_create(name);
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tests, set_up, tear_down);
	add_tests(tests);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
