/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What must hold of the matcher on any machine, whatever is done to it. HWRECOVER_SEED and
 * HWRECOVER_CASES choose the cases; a failure names the seed of its case.
 */
#include <check.h>
#include <stdarg.h>
#include <stdio.h>

#include "snapshot/match.h"
#include "tests/property/machines.h"

#define DEFAULT_SEED  1
#define DEFAULT_CASES 3000

/**
 * struct story - One machine, what was done to it, and what the matcher makes of it
 * @was, @is: the machine before and after
 */
struct story {
	uint64_t seed;
	struct chance chance;
	struct machine was;
	struct machine is;
	struct sight sight_before;
	struct sight sight_after;
	struct scene before;
	struct scene after;
	struct match match;
	char changes[256];
};

_printf_(2, 3) static void story_fails(const struct story *story, const char *format, ...)
{
	char message[512];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	ck_abort_msg("%s (HWRECOVER_SEED=%llu HWRECOVER_CASES=1; %s)", message,
		     (unsigned long long)story->seed, story->changes);
}

static void story_done(struct story *story)
{
	match_done(&story->match);
	scene_done(&story->before);
	scene_done(&story->after);
}

static void change_machine(struct story *story)
{
	unsigned int n = 1 + chance_below(&story->chance, 4);

	story->is = story->was;
	story->changes[0] = '\0';
	for (unsigned int i = 0; i < n; i++) {
		enum machine_change change =
			(enum machine_change)chance_below(&story->chance, _MACHINE_CHANGE_MAX);

		machine_change(&story->is, change, &story->chance);
		strcat(story->changes, machine_change_to_string(change));
		strcat(story->changes, " ");
	}
}

static struct sight random_sight(struct chance *chance)
{
	struct sight sight = SIGHT_CLEAR;

	if (chance_happens(chance, 30))
		sight.serials = chance_happens(chance, 50) ? 0 : 60;
	if (chance_happens(chance, 10))
		sight.macs = chance_happens(chance, 50) ? 0 : 60;
	sight.subsystems = !chance_happens(chance, 10);
	sight.ports = !chance_happens(chance, 20);
	if (chance_happens(chance, 10))
		sight.unreadable = 10;
	return sight;
}

static void look(struct story *story)
{
	machine_look(&story->was, &story->sight_before, &story->chance, &story->before);
	machine_look(&story->is, &story->sight_after, &story->chance, &story->after);
	ck_assert_int_eq(
		match_inventories(&story->before.inventory, &story->after.inventory, &story->match),
		0);
}

static void story_start(struct story *story, uint64_t seed)
{
	*story = (struct story){ .seed = seed, .chance = chance_start(seed) };
	story->sight_before = random_sight(&story->chance);
	story->sight_after = random_sight(&story->chance);
	machine_build(&story->was, &story->chance);
}

/* Where a unit of before really is now, or SIZE_MAX. */
static size_t true_function(const struct story *story, size_t before)
{
	for (size_t i = 0; i < story->after.inventory.n_functions; i++)
		if (identity_equal(story->after.functions[i], story->before.functions[before]))
			return i;
	return SIZE_MAX;
}

static size_t true_nic(const struct story *story, size_t before)
{
	for (size_t i = 0; i < story->after.inventory.n_nics; i++)
		if (identity_equal(story->after.nics[i], story->before.nics[before]))
			return i;
	return SIZE_MAX;
}

static const char *where(const struct pci_function *function)
{
	static struct pci_address_name names[4];
	static unsigned int next;

	return pci_address_show(&function->address, &names[next++ % 4]);
}

/* Whether a number is one: neither a placeholder nor one that all cards of a kind have. */
static bool serial_identifies(const struct story *story, int card)
{
	return card >= 0 && story->is.cards[card].serial > 0xffff;
}

static bool mac_identifies(const struct story *story, int card)
{
	return card >= 0 && story->is.cards[card].mac && story->is.cards[card].mac != 0xff00;
}

static bool is_virtual_link(struct identity identity)
{
	return identity.part >= 0x200;
}

static bool shows_serial(const struct scene *scene, int card)
{
	for (size_t i = 0; i < scene->inventory.n_functions; i++)
		if (scene->functions[i].card == card && scene->inventory.functions[i].serial)
			return true;
	return false;
}

/* Whether both scenes show the MAC of one and the same NIC of a card. */
static bool mac_is_shown_twice(const struct story *story, int card)
{
	for (size_t i = 0; i < story->before.inventory.n_nics; i++) {
		size_t is = true_nic(story, i);

		if (story->before.nics[i].card == card && !is_virtual_link(story->before.nics[i]) &&
		    story->before.inventory.nics[i].mac && is != SIZE_MAX &&
		    story->after.inventory.nics[is].mac)
			return true;
	}
	return false;
}

/* Whether both scenes show a number of a card, so that it is known where it is. */
static bool is_known_card(const struct story *story, int card)
{
	return (serial_identifies(story, card) && shows_serial(&story->before, card) &&
		shows_serial(&story->after, card)) ||
	       (mac_identifies(story, card) && mac_is_shown_twice(story, card));
}

static bool stands_on(const struct nic *nic, const struct pci_function *function)
{
	return nic->has_pci && pci_address_equal(&nic->pci, &function->address);
}

/* Whether a function has NICs, and shows the MACs of all of them. */
static bool shows_macs(const struct inventory *inventory, const struct pci_function *function)
{
	bool any = false;

	for (size_t i = 0; i < inventory->n_nics; i++) {
		if (!stands_on(&inventory->nics[i], function))
			continue;
		if (!inventory->nics[i].mac)
			return false;
		any = true;
	}
	return any;
}

static bool same_ids(const struct pci_function *a, const struct pci_function *b)
{
	return a->vendor == b->vendor && a->device == b->device && a->class == b->class;
}

static size_t count_model(const struct inventory *inventory, const struct pci_function *function)
{
	size_t n = 0;

	for (size_t i = 0; i < inventory->n_functions; i++)
		n += !inventory->functions[i].has_physfn &&
		     same_ids(&inventory->functions[i], function);
	return n;
}

/* Whether numbers that the scenes show tell two functions apart. */
static bool numbers_tell(const struct story *story, size_t before, size_t after)
{
	int old_card = story->before.functions[before].card;
	int new_card = story->after.functions[after].card;

	if (is_known_card(story, old_card) || is_known_card(story, new_card))
		return true;
	if (serial_identifies(story, old_card) && serial_identifies(story, new_card) &&
	    shows_serial(&story->before, old_card) && shows_serial(&story->after, new_card))
		return true;
	return mac_identifies(story, old_card) && mac_identifies(story, new_card) &&
	       shows_macs(&story->before.inventory, &story->before.inventory.functions[before]) &&
	       shows_macs(&story->after.inventory, &story->after.inventory.functions[after]);
}

static bool holds_model(const struct inventory *inventory, const char *path,
			const struct pci_function *model)
{
	for (size_t i = 0; i < inventory->n_functions; i++)
		if (strcmp(inventory->functions[i].path, path) == 0 &&
		    same_ids(&inventory->functions[i], model))
			return true;
	return false;
}

/* Whether every path that held one of the model before still holds one. */
static bool paths_are_held(const struct story *story, const struct pci_function *model)
{
	const struct inventory *before = &story->before.inventory;

	for (size_t i = 0; i < before->n_functions; i++)
		if (!before->functions[i].has_physfn && same_ids(&before->functions[i], model) &&
		    !holds_model(&story->after.inventory, before->functions[i].path, model))
			return false;
	return true;
}

/*
 * What nobody could know, as no number tells: a card was exchanged for another of its model in the
 * same slot, at the same address or while all slots that held one still hold one; or the only one
 * of its model was taken out and another put in elsewhere. What could not be read before may have
 * been anything.
 */
static bool cannot_be_known(const struct story *story, size_t before, size_t after)
{
	const struct pci_function *was = &story->before.inventory.functions[before];
	const struct pci_function *is = &story->after.inventory.functions[after];
	bool in_place = pci_address_equal(&was->address, &is->address);
	bool only_one = count_model(&story->before.inventory, was) == 1 &&
			count_model(&story->after.inventory, is) == 1;

	if (numbers_tell(story, before, after))
		return false;
	if (was->vendor == 0xffff)
		return in_place && strcmp(was->path, is->path) == 0;
	if (!same_ids(was, is))
		return false;
	if (strcmp(was->path, is->path) == 0)
		return in_place || only_one || paths_are_held(story, was);
	return only_one && true_function(story, before) == SIZE_MAX;
}

/* Whether its maker gives all cards of the kind one number, which makes another look certain. */
static bool number_lies(const struct story *story, int card)
{
	const struct card *state = &story->is.cards[card < 0 ? 0 : card];

	return card >= 0 && ((state->serial && state->serial <= 0xffff) || state->mac == 0xff00);
}

static bool function_is_right(const struct story *story, size_t before)
{
	return identity_equal(story->before.functions[before],
			      story->after.functions[story->match.functions[before].index]);
}

static void check_function_claim(const struct story *story, size_t before)
{
	const struct pairing *pairing = &story->match.functions[before];
	const struct pci_function *was = &story->before.inventory.functions[before];
	size_t after = pairing->index;

	if (pairing->fate != FATE_FOUND || function_is_right(story, before))
		return;
	if (was->has_physfn) {
		const struct pci_function *physfn =
			inventory_find_function(&story->before.inventory, &was->physfn);

		/* It follows its physical function, wherever that was taken to be. */
		if (!function_is_right(story, (size_t)(physfn - story->before.inventory.functions)))
			return;
	} else if (pairing->confidence == CONFIDENCE_CERTAIN) {
		if (number_lies(story, story->before.functions[before].card))
			return;
	} else if (cannot_be_known(story, before, after)) {
		return;
	}
	story_fails(story, "%s is taken for %s, %s",
		    where(&story->after.inventory.functions[after]), where(was),
		    confidence_to_string(pairing->confidence));
}

static void check_nic_claim(const struct story *story, size_t before)
{
	const struct pairing *pairing = &story->match.nics[before];
	const struct nic *was = &story->before.inventory.nics[before], *is;
	const struct pci_function *under;

	if (pairing->fate != FATE_FOUND ||
	    identity_equal(story->before.nics[before], story->after.nics[pairing->index]))
		return;
	if (number_lies(story, story->before.nics[before].card))
		return;
	is = &story->after.inventory.nics[pairing->index];
	under = inventory_function_of(&story->before.inventory, was);
	/* It stands on a function that was taken for another, and its own number does not tell. */
	if (under && (under->has_physfn || !was->mac || !is->mac) &&
	    !function_is_right(story, (size_t)(under - story->before.inventory.functions)))
		return;
	story_fails(story, "NIC %s is taken for %s, %s", is->name, was->name,
		    confidence_to_string(pairing->confidence));
}

/* Each unit that is said to be found is the one that is meant, or nobody could know better. */
static void check_claims(const struct story *story)
{
	for (size_t i = 0; i < story->before.inventory.n_functions; i++)
		check_function_claim(story, i);
	for (size_t i = 0; i < story->before.inventory.n_nics; i++)
		check_nic_claim(story, i);
}

static bool is_certain(const struct pairing *pairing, size_t truth)
{
	return pairing->fate == FATE_FOUND && pairing->confidence == CONFIDENCE_CERTAIN &&
	       pairing->index == truth;
}

/* Each unit whose number both scenes show is found by it. */
static void check_numbered(const struct story *story)
{
	const struct inventory *before = &story->before.inventory, *after = &story->after.inventory;

	for (size_t i = 0; i < before->n_nics; i++) {
		const struct pci_function *under = inventory_function_of(before, &before->nics[i]);
		size_t truth = true_nic(story, i);

		if (truth == SIZE_MAX || is_virtual_link(story->before.nics[i]) ||
		    !mac_identifies(story, story->before.nics[i].card) || !before->nics[i].mac ||
		    !after->nics[truth].mac)
			continue;
		if (!is_certain(&story->match.nics[i], truth))
			story_fails(story, "NIC %s is not found by its MAC", before->nics[i].name);
		if (under && !is_certain(&story->match.functions[under - before->functions],
					 true_function(story, (size_t)(under - before->functions))))
			story_fails(story, "%s is not found by the MAC of its NIC", where(under));
	}
	for (size_t i = 0; i < before->n_functions; i++) {
		size_t truth = true_function(story, i);

		if (truth == SIZE_MAX || before->functions[i].has_physfn ||
		    !serial_identifies(story, story->before.functions[i].card) ||
		    before->functions[i].vendor == 0xffff ||
		    after->functions[truth].vendor == 0xffff || !before->functions[i].serial ||
		    !after->functions[truth].serial)
			continue;
		if (!is_certain(&story->match.functions[i], truth))
			story_fails(story, "%s is not found by its serial",
				    where(&before->functions[i]));
	}
}

/* What is said to be gone is gone, unless it was taken for another that nobody could know. */
static void check_gone(const struct story *story)
{
	for (size_t i = 0; i < story->before.inventory.n_functions; i++) {
		size_t truth = true_function(story, i), origin;

		if (story->match.functions[i].fate != FATE_GONE || truth == SIZE_MAX)
			continue;
		origin = story->match.function_origin[truth];
		if (origin == SIZE_MAX &&
		    story->after.inventory.functions[truth].vendor != 0xffff &&
		    story->before.inventory.functions[i].vendor != 0xffff &&
		    !story->before.inventory.functions[i].has_physfn)
			story_fails(story, "%s is said to be gone",
				    where(&story->before.inventory.functions[i]));
	}
	for (size_t i = 0; i < story->before.inventory.n_nics; i++) {
		size_t truth = true_nic(story, i);
		const struct pci_function *under = inventory_function_of(
			&story->before.inventory, &story->before.inventory.nics[i]);

		if (story->match.nics[i].fate != FATE_GONE || truth == SIZE_MAX)
			continue;
		if (under &&
		    story->match.functions[under - story->before.inventory.functions].fate ==
			    FATE_GONE)
			continue;
		if (story->match.nic_origin[truth] == SIZE_MAX)
			story_fails(story, "NIC %s is said to be gone",
				    story->before.inventory.nics[i].name);
	}
}

/* Whether a card was there, and no other was taken for it: then it cannot be taken for a new one.
 */
static bool was_there(const struct story *story, int card)
{
	bool there = false;

	for (size_t i = 0; i < story->before.inventory.n_functions; i++) {
		if (story->before.functions[i].card != card ||
		    story->before.inventory.functions[i].vendor == 0xffff)
			continue;
		if (story->match.functions[i].fate == FATE_FOUND && !function_is_right(story, i))
			return false;
		there = true;
	}
	return there;
}

/* A NIC is replaced only by one that was not there, while its own card is away. */
static void check_replaced(const struct story *story)
{
	for (size_t i = 0; i < story->before.inventory.n_nics; i++) {
		const struct pairing *pairing = &story->match.nics[i];
		int old_card = story->before.nics[i].card, new_card;

		if (pairing->fate != FATE_REPLACED)
			continue;
		new_card = story->after.nics[pairing->index].card;
		if (was_there(story, new_card))
			story_fails(story, "%s is said to be replaced by a card that was there",
				    story->before.inventory.nics[i].name);
		if (machine_ports_of(&story->is, old_card) !=
		    machine_ports_of(&story->is, new_card))
			story_fails(story, "%s is said to be replaced by a card of other ports",
				    story->before.inventory.nics[i].name);
	}
}

/* A NIC that is not there yet stands on a function that is. */
static void check_not_yet(const struct story *story)
{
	for (size_t i = 0; i < story->before.inventory.n_nics; i++) {
		const struct pairing *pairing = &story->match.nics[i];

		if (pairing->fate != FATE_NOT_YET)
			continue;
		ck_assert_uint_lt(pairing->carrier, story->after.inventory.n_functions);
		ck_assert_uint_eq(pairing->index, SIZE_MAX);
		if (true_nic(story, i) != SIZE_MAX &&
		    story->after.functions[pairing->carrier].card == story->before.nics[i].card)
			story_fails(story, "%s is there already",
				    story->before.inventory.nics[i].name);
	}
}

/* What stands unreadable in its place is neither gone nor somewhere else. */
static void check_unreadable(const struct story *story)
{
	for (size_t i = 0; i < story->before.inventory.n_functions; i++) {
		const struct pci_function *was = &story->before.inventory.functions[i], *is;
		size_t truth = true_function(story, i);

		if (truth == SIZE_MAX || was->has_physfn ||
		    number_lies(story, story->before.functions[i].card))
			continue;
		is = &story->after.inventory.functions[truth];
		if (is->vendor == 0xffff && strcmp(was->path, is->path) == 0 &&
		    story->match.functions[i].fate != FATE_UNREADABLE)
			story_fails(story, "%s is not said to be unreadable", where(was));
	}
}

static void check_origins(const struct story *story)
{
	const struct match *match = &story->match;
	size_t n = 0, n_nics = 0;

	for (size_t i = 0; i < match->before->n_functions; i++)
		if (match->functions[i].fate == FATE_FOUND) {
			n++;
			ck_assert_uint_eq(match->function_origin[match->functions[i].index], i);
		}
	for (size_t i = 0; i < match->before->n_nics; i++)
		if (match->nics[i].fate == FATE_FOUND) {
			n_nics++;
			ck_assert_uint_eq(match->nic_origin[match->nics[i].index], i);
		}
	for (size_t i = 0; i < match->after->n_functions; i++)
		n -= match->function_origin[i] != SIZE_MAX;
	for (size_t i = 0; i < match->after->n_nics; i++)
		n_nics -= match->nic_origin[i] != SIZE_MAX;
	ck_assert_uint_eq(n, 0);
	ck_assert_uint_eq(n_nics, 0);
}

/* With before and after exchanged, what was certain is certain the other way round. */
static void check_exchanged(const struct story *story)
{
	const struct match *forth = &story->match;
	struct match back;

	ck_assert_int_eq(match_inventories(forth->after, forth->before, &back), 0);
	for (size_t i = 0; i < forth->before->n_functions; i++)
		if (forth->functions[i].fate == FATE_FOUND &&
		    forth->functions[i].confidence == CONFIDENCE_CERTAIN &&
		    !is_certain(&back.functions[forth->functions[i].index], i))
			story_fails(story, "%s is not found the other way round",
				    where(&forth->before->functions[i]));
	for (size_t i = 0; i < forth->before->n_nics; i++)
		if (forth->nics[i].fate == FATE_FOUND &&
		    forth->nics[i].confidence == CONFIDENCE_CERTAIN &&
		    !is_certain(&back.nics[forth->nics[i].index], i))
			story_fails(story, "NIC %s is not found the other way round",
				    forth->before->nics[i].name);
	match_done(&back);
}

/* Every bus counted from the other end: what came first comes last, and nothing else changes. */
static void turn_round(const struct inventory *from, struct inventory *to)
{
	for (size_t i = from->n_functions; i-- > 0;) {
		struct pci_function *function = inventory_add_function(to);

		ck_assert_ptr_nonnull(function);
		*function = from->functions[i];
		function->address.bus ^= 0xff;
		function->physfn.bus ^= 0xff;
	}
	for (size_t i = from->n_nics; i-- > 0;) {
		struct nic *nic = inventory_add_nic(to);

		ck_assert_ptr_nonnull(nic);
		*nic = from->nics[i];
		nic->pci.bus ^= 0xff;
	}
	ck_assert_int_eq(inventory_finish(to, "turned", NULL), 0);
}

static size_t turned_index(const struct inventory *turned, const struct pci_function *function)
{
	struct pci_address address = function->address;

	address.bus ^= 0xff;
	return (size_t)(inventory_find_function(turned, &address) - turned->functions);
}

static bool same_verdict(const struct pairing *a, const struct pairing *b)
{
	return a->fate == b->fate && a->confidence == b->confidence && a->evidence == b->evidence;
}

static void check_turned_round(const struct story *story)
{
	const struct match *match = &story->match;
	struct inventory before = { 0 }, after = { 0 };
	struct match turned;

	turn_round(match->before, &before);
	turn_round(match->after, &after);
	ck_assert_int_eq(match_inventories(&before, &after, &turned), 0);
	for (size_t i = 0; i < match->before->n_functions; i++) {
		const struct pci_function *was = &match->before->functions[i];
		const struct pairing *is = &match->functions[i];
		const struct pairing *other = &turned.functions[turned_index(&before, was)];

		if (!same_verdict(is, other) ||
		    (is->fate == FATE_FOUND &&
		     turned_index(&after, &match->after->functions[is->index]) != other->index))
			story_fails(story, "what becomes of %s depends on the order", where(was));
	}
	for (size_t i = 0; i < match->before->n_nics; i++)
		if (!same_verdict(&match->nics[i], &turned.nics[i]) ||
		    match->nics[i].index != turned.nics[i].index)
			story_fails(story, "what becomes of NIC %s depends on the order",
				    match->before->nics[i].name);
	ck_assert_int_eq(match->other_machine, turned.other_machine);
	match_done(&turned);
	inventory_done(&before);
	inventory_done(&after);
}

START_TEST(changed_machines_are_seen_for_what_they_are)
{
	uint64_t seed = chance_setting("HWRECOVER_SEED", DEFAULT_SEED);
	uint64_t cases = chance_setting("HWRECOVER_CASES", DEFAULT_CASES);

	for (uint64_t i = 0; i < cases; i++) {
		struct story *story = calloc(1, sizeof(*story));

		ck_assert_ptr_nonnull(story);
		story_start(story, seed + i);
		change_machine(story);
		look(story);
		check_claims(story);
		check_numbered(story);
		check_gone(story);
		check_replaced(story);
		check_not_yet(story);
		check_unreadable(story);
		check_origins(story);
		check_exchanged(story);
		check_turned_round(story);
		story_done(story);
		free(story);
	}
}
END_TEST

/* Numbers are told by all or by none here: a maker's one number on two cards, told by a different
 * one each time, would look like a card that moved. */
static void check_unchanged(struct story *story)
{
	struct sight sight = SIGHT_CLEAR;

	sight.paths = chance_happens(&story->chance, 50);
	sight.subsystems = chance_happens(&story->chance, 50);
	sight.serials = chance_happens(&story->chance, 50) ? 100 : 0;
	sight.macs = chance_happens(&story->chance, 50) ? 100 : 0;
	story->sight_before = story->sight_after = sight;
	story->is = story->was;
	look(story);
	for (size_t i = 0; i < story->match.before->n_functions; i++)
		if (story->match.functions[i].fate != FATE_FOUND || !function_is_right(story, i))
			story_fails(story, "%s is not found where it was",
				    where(&story->match.before->functions[i]));
	for (size_t i = 0; i < story->match.before->n_nics; i++)
		if (story->match.nics[i].fate != FATE_FOUND ||
		    story->match.nics[i].index != true_nic(story, i))
			story_fails(story, "NIC %s is not found where it was",
				    story->match.before->nics[i].name);
}

START_TEST(unchanged_machines_are_found_as_they_were)
{
	uint64_t seed = chance_setting("HWRECOVER_SEED", DEFAULT_SEED);
	uint64_t cases = chance_setting("HWRECOVER_CASES", DEFAULT_CASES);

	for (uint64_t i = 0; i < cases; i++) {
		struct story *story = calloc(1, sizeof(*story));

		ck_assert_ptr_nonnull(story);
		story_start(story, seed + i);
		check_unchanged(story);
		story_done(story);
		free(story);
	}
}
END_TEST

/* What reads all ones may be asleep: it is neither gone, nor is anything else taken for it. */
START_TEST(unreadable_functions_are_not_gone)
{
	uint64_t seed = chance_setting("HWRECOVER_SEED", DEFAULT_SEED);
	uint64_t cases = chance_setting("HWRECOVER_CASES", DEFAULT_CASES);

	for (uint64_t i = 0; i < cases; i++) {
		struct story *story = calloc(1, sizeof(*story));

		ck_assert_ptr_nonnull(story);
		story_start(story, seed + i);
		story->sight_before = story->sight_after = SIGHT_CLEAR;
		story->sight_before.unreadable = story->sight_after.unreadable = 20;
		story->is = story->was;
		look(story);
		for (size_t k = 0; k < story->match.before->n_functions; k++) {
			const struct pairing *pairing = &story->match.functions[k];
			size_t truth = true_function(story, k);
			bool readable = truth != SIZE_MAX &&
					story->match.after->functions[truth].vendor != 0xffff;

			if (story->match.before->functions[k].has_physfn ||
			    number_lies(story, story->before.functions[k].card))
				continue;
			if (readable ? pairing->fate != FATE_FOUND || pairing->index != truth
				     : pairing->fate != FATE_UNREADABLE)
				story_fails(story, "%s is not known for what it is",
					    where(&story->match.before->functions[k]));
		}
		story_done(story);
		free(story);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("match-properties");
	TCase *tests = tcase_create("match-properties");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tests, 0);
	tcase_add_test(tests, changed_machines_are_seen_for_what_they_are);
	tcase_add_test(tests, unchanged_machines_are_found_as_they_were);
	tcase_add_test(tests, unreadable_functions_are_not_gone);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
