/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Units that are followed through several boots, with changes to the machine between them: none is
 * ever taken for another, and waiting tells nothing. HWRECOVER_SEED and HWRECOVER_CASES choose the
 * cases; a failure names the seed of its case.
 */
#include <check.h>
#include <stdarg.h>
#include <stdio.h>

#include "snapshot/match.h"
#include "snapshot/unit.h"
#include "tests/property/machines.h"

#define DEFAULT_SEED  1
#define DEFAULT_CASES 2000
#define BOOTS         5
#define UNITS         128

/**
 * struct followed - One unit that something means
 * @unit:     as it was last known
 * @identity: which thing it really is
 * @mac_of, @serial_of: which thing its numbers are of: another one where it was taken for that when
 *            nobody could know
 * @path:     of the function that it stands on, or will when it is there
 */
struct followed {
	struct unit unit;
	struct identity identity;
	struct identity mac_of;
	struct identity serial_of;
	const char *path;
};

/**
 * struct life - A machine through several boots
 * @scenes: what was seen at each; units borrow from them
 * @match:  the last two compared
 * @mistaken: a unit was taken for another when nobody could know: numbers may be of two cards
 */
struct life {
	uint64_t seed;
	struct chance chance;
	struct machine machine;
	struct scene scenes[BOOTS];
	unsigned int n_scenes;
	struct match match;
	struct followed followed[UNITS];
	const struct unit *meant[UNITS];
	size_t n_followed;
	bool mistaken;
	char changes[512];
};

_printf_(2, 3) static void life_fails(const struct life *life, const char *format, ...)
{
	char message[512];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	ck_abort_msg("%s (HWRECOVER_SEED=%llu HWRECOVER_CASES=1; %s)", message,
		     (unsigned long long)life->seed, life->changes);
}

static void life_done(struct life *life)
{
	match_done(&life->match);
	for (unsigned int i = 0; i < life->n_scenes; i++)
		scene_done(&life->scenes[i]);
}

static const char *name_of(const struct unit *unit)
{
	static char text[64];
	struct pci_address_name address;

	if (unit->kind == UNIT_NIC)
		return unit->nic.name;
	(void)snprintf(text, sizeof(text), "%s",
		       pci_address_show(&unit->function.address, &address));
	return text;
}

static void follow(struct life *life, const struct unit *unit, struct identity identity)
{
	if (life->n_followed == UNITS)
		return;
	life->followed[life->n_followed] =
		(struct followed){ *unit, identity, identity, identity, unit->function.path };
	life->meant[life->n_followed] = &life->followed[life->n_followed].unit;
	life->n_followed++;
}

/* Everything on cards that is there at the first boot. */
static void follow_all(struct life *life)
{
	const struct scene *scene = &life->scenes[0];
	struct unit unit;

	for (size_t i = 0; i < scene->inventory.n_functions; i++) {
		if (scene->functions[i].card == BOARD)
			continue;
		unit_from_function(&scene->inventory, &scene->inventory.functions[i], &unit);
		follow(life, &unit, scene->functions[i]);
	}
	for (size_t i = 0; i < scene->inventory.n_nics; i++) {
		unit_from_nic(&scene->inventory, &scene->inventory.nics[i], &unit);
		follow(life, &unit, scene->nics[i]);
	}
}

static struct sight random_sight(struct chance *chance)
{
	struct sight sight = SIGHT_CLEAR;

	if (chance_happens(chance, 30))
		sight.serials = chance_happens(chance, 50) ? 0 : 60;
	if (chance_happens(chance, 10))
		sight.macs = 60;
	if (chance_happens(chance, 10))
		sight.unreadable = 10;
	return sight;
}

static void boot(struct life *life)
{
	struct sight sight = random_sight(&life->chance);

	machine_look(&life->machine, &sight, &life->chance, &life->scenes[life->n_scenes++]);
}

static void change_machine(struct life *life)
{
	unsigned int n = chance_below(&life->chance, 4);

	for (unsigned int i = 0; i < n; i++) {
		enum machine_change change =
			(enum machine_change)chance_below(&life->chance, _MACHINE_CHANGE_MAX);

		machine_change(&life->machine, change, &life->chance);
		strcat(life->changes, machine_change_to_string(change));
		strcat(life->changes, " ");
	}
	strcat(life->changes, "| ");
}

static struct identity identity_of(const struct scene *scene, const struct unit *unit,
				   const struct pairing *pairing)
{
	return unit->kind == UNIT_NIC ? scene->nics[pairing->index]
				      : scene->functions[pairing->index];
}

static const struct pci_function *function_of(const struct scene *scene, const struct unit *unit,
					      const struct pairing *pairing)
{
	return unit->kind == UNIT_NIC
		       ? inventory_function_of(&scene->inventory,
					       &scene->inventory.nics[pairing->index])
		       : &scene->inventory.functions[pairing->index];
}

static bool texts_agree(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

static bool is_virtual(const struct unit *unit)
{
	return unit->has_function && unit->function.has_physfn;
}

static bool same_ids(const struct pci_function *a, const struct pci_function *b)
{
	return a->vendor == b->vendor && a->device == b->device && a->class == b->class;
}

static size_t count_model(const struct scene *scene, const struct pci_function *function)
{
	size_t n = 0;

	for (size_t i = 0; i < scene->inventory.n_functions; i++)
		n += same_ids(&scene->inventory.functions[i], function);
	return n;
}

/* The number by which the physical function of a virtual one is known in a scene. */
static const char *number_of_physfn(const struct scene *scene, struct identity virtual)
{
	for (size_t i = 0; i < scene->inventory.n_nics; i++) {
		const struct pci_function *under =
			inventory_function_of(&scene->inventory, &scene->inventory.nics[i]);

		if (under && scene->inventory.nics[i].mac &&
		    identity_equal(scene->functions[under - scene->inventory.functions],
				   (struct identity){ virtual.card, 0 }))
			return scene->inventory.nics[i].mac;
	}
	return NULL;
}

/* The serial number that the physical function of a virtual one tells. */
static const char *serial_of_physfn(const struct scene *scene, struct identity virtual)
{
	for (size_t i = 0; i < scene->inventory.n_functions; i++)
		if (identity_equal(scene->functions[i], (struct identity){ virtual.card, 0 }))
			return scene->inventory.functions[i].serial;
	return NULL;
}

/* A physical function that was seen with one number, and is seen with another now, is told. */
static bool physfn_is_told(const struct life *life, const struct followed *followed,
			   struct identity is)
{
	const char *was = number_of_physfn(&life->scenes[life->n_scenes - 2], followed->identity);
	const char *now = number_of_physfn(&life->scenes[life->n_scenes - 1], is);
	const char *serial = serial_of_physfn(&life->scenes[life->n_scenes - 1], is);

	if (followed->unit.function.serial && serial && !(was && now))
		return strcmp(followed->unit.function.serial, serial) != 0;
	return !followed->unit.lost && was && now && strcmp(was, now) != 0;
}

/*
 * What nobody could know: one of its model sits where the unit was last known or first recorded, or
 * is the only one left, and the unit's number is unknown, or that of what sits there is.
 */
static bool cannot_be_known(const struct life *life, const struct followed *followed,
			    const struct pairing *pairing)
{
	const struct scene *scene = &life->scenes[life->n_scenes - 1];
	const struct unit *unit = &followed->unit;
	const struct pci_function *is = function_of(scene, unit, pairing);
	const char *mac = unit->kind == UNIT_NIC && !is_virtual(unit)
				  ? scene->inventory.nics[pairing->index].mac
				  : NULL;

	if (!is || !unit->has_function)
		return false;
	if (unit->function.serial && is->serial && strcmp(unit->function.serial, is->serial) != 0 &&
	    !(unit->nic.mac && mac))
		return false;
	if (unit->nic.mac && mac && strcmp(unit->nic.mac, mac) != 0)
		return false;
	if (is_virtual(unit) && physfn_is_told(life, followed, identity_of(scene, unit, pairing)))
		return false;
	if (unit->function.vendor == 0xffff)
		return true;
	return same_ids(&unit->function, is) &&
	       (texts_agree(unit->function.path, is->path) ||
		texts_agree(followed->path, is->path) || texts_agree(unit->first_path, is->path) ||
		count_model(scene, is) == 1);
}

/* Whether its maker gives all cards of the kind one number. */
static bool number_lies(const struct life *life, int card)
{
	const struct card *state = &life->machine.cards[card < 0 ? 0 : card];

	return card >= 0 && ((state->serial && state->serial <= 0xffff) || state->mac == 0xff00);
}

/* A wrong claim that could not be avoided is what the unit means from then on. */
static void check_claim(struct life *life, struct followed *followed, const struct pairing *pairing)
{
	const struct scene *scene = &life->scenes[life->n_scenes - 1];
	struct identity is = identity_of(scene, &followed->unit, pairing);

	if (identity_equal(is, followed->identity))
		return;
	if (pairing->confidence == CONFIDENCE_CERTAIN) {
		struct identity told = followed->serial_of;

		/* A function knows no MAC: that of what it was taken for last led on. */
		if (pairing->evidence & EVIDENCE_MAC)
			told = followed->unit.nic.mac ? followed->mac_of : followed->identity;

		if (!identity_equal(is, told) && !number_lies(life, told.card))
			life_fails(life, "boot %u: another is certainly %s", life->n_scenes,
				   name_of(&followed->unit));
	} else if (!cannot_be_known(life, followed, pairing)) {
		life_fails(life, "boot %u: another is taken for %s", life->n_scenes,
			   name_of(&followed->unit));
	}
	followed->identity = is;
	life->mistaken = true;
}

/* What is not made yet is not waited for on a card that its number tells to be another. */
static void check_carrier(const struct life *life, const struct followed *followed, size_t carrier)
{
	const struct scene *scene = &life->scenes[life->n_scenes - 1];

	if (physfn_is_told(life, followed, scene->functions[carrier]))
		life_fails(life, "boot %u: %s is waited for on another", life->n_scenes,
			   name_of(&followed->unit));
}

/* Whether the unit is seen, with a number that it was recorded with and that nobody else has. */
static bool is_seen_by_number(const struct life *life, const struct followed *followed)
{
	const struct scene *scene = &life->scenes[life->n_scenes - 1];
	const struct unit *unit = &followed->unit;

	/* The numbers of a virtual function are made up anew each time. */
	if (number_lies(life, followed->identity.card) || is_virtual(unit))
		return false;
	if (unit->kind == UNIT_NIC) {
		for (size_t i = 0; i < scene->inventory.n_nics; i++)
			if (identity_equal(scene->nics[i], followed->identity))
				return texts_agree(unit->nic.mac, scene->inventory.nics[i].mac);
		return false;
	}
	for (size_t i = 0; i < scene->inventory.n_functions; i++)
		if (identity_equal(scene->functions[i], followed->identity))
			return texts_agree(unit->function.serial,
					   scene->inventory.functions[i].serial);
	return false;
}

static struct pairing locate(const struct life *life, const struct unit *unit)
{
	struct pairing pairing;

	ck_assert_int_eq(match_locate(&life->match, unit, life->meant, life->n_followed, &pairing),
			 0);
	return pairing;
}

/* Where a virtual function that is not there yet will be is another place than it was known in. */
static bool physfn_moved(const struct inventory *now, const struct unit *unit,
			 const struct pairing *pairing)
{
	const char *was = unit->function.path, *is = now->functions[pairing->carrier].path;

	if (!was || !is)
		return !pci_address_equal(&now->functions[pairing->carrier].address,
					  &unit->function.physfn);
	return strrchr(was, '/') - was != strrchr(is, '/') - is ||
	       strncmp(was, is, (size_t)(strrchr(was, '/') - was)) != 0;
}

static bool is_lost(const struct inventory *now, const struct unit *unit,
		    const struct pairing *pairing)
{
	if (pairing->fate == FATE_NOT_YET)
		return is_virtual(unit) && (unit->lost || physfn_moved(now, unit, pairing));
	return pairing->fate == FATE_UNREADABLE ? unit->lost : pairing->fate != FATE_FOUND;
}

/* A NIC without a link is where its function is; the number of that is its number from now on. */
static void follow_carrier(struct life *life, struct followed *followed, size_t carrier)
{
	const struct scene *scene = &life->scenes[life->n_scenes - 1];
	const char *serial = followed->unit.function.serial;

	life->mistaken |= followed->identity.card != scene->functions[carrier].card;
	followed->identity.card = scene->functions[carrier].card;

	followed->unit.function = scene->inventory.functions[carrier];
	followed->unit.shared_serial = NULL;
	if (followed->unit.function.serial)
		followed->serial_of.card = scene->functions[carrier].card;
	else
		followed->unit.function.serial = serial;
}

/* What was found is known as it is now, and keeps the numbers it had. */
static void update(struct life *life, struct followed *followed, const struct pairing *pairing)
{
	const struct inventory *now = &life->scenes[life->n_scenes - 1].inventory;
	struct unit *unit = &followed->unit;
	const struct unit old = *unit;

	unit->lost = is_lost(now, unit, pairing);
	if (pairing->fate == FATE_NOT_YET) {
		followed->path = now->functions[pairing->carrier].path;
		if (!is_virtual(unit))
			follow_carrier(life, followed, pairing->carrier);
	}
	if (pairing->fate != FATE_FOUND)
		return;
	if (unit->kind == UNIT_NIC)
		unit_from_nic(now, &now->nics[pairing->index], unit);
	else
		unit_from_function(now, &now->functions[pairing->index], unit);
	if (unit->nic.mac)
		followed->mac_of = followed->identity;
	else
		unit->nic.mac = old.nic.mac;
	if (unit->function.serial) {
		followed->serial_of = followed->identity;
	} else if (!unit->shared_serial) {
		unit->function.serial = old.function.serial;
		unit->shared_serial = old.shared_serial;
	}
	followed->path = unit->function.path;
	unit->first_address = old.first_address;
	unit->first_path = old.first_path;
}

/* The same machine looked at again: nobody who was not found is found now, nor the other way. */
static void check_waiting(struct life *life, const struct pairing *found)
{
	const struct inventory *now = &life->scenes[life->n_scenes - 1].inventory;

	match_done(&life->match);
	ck_assert_int_eq(match_inventories(now, now, &life->match), 0);
	for (size_t i = 0; i < life->n_followed; i++) {
		const struct followed *followed = &life->followed[i];
		struct pairing again = locate(life, &followed->unit);

		/* Numbers of two cards, after one was taken for the other, lead both ways. */
		if (followed->mac_of.card != followed->serial_of.card)
			continue;
		if ((found[i].fate == FATE_FOUND) != (again.fate == FATE_FOUND) ||
		    (again.fate == FATE_FOUND && again.index != found[i].index))
			life_fails(life, "boot %u: %s is another one without a change",
				   life->n_scenes, name_of(&followed->unit));
	}
}

static void live_on(struct life *life)
{
	struct pairing found[UNITS];

	change_machine(life);
	boot(life);
	match_done(&life->match);
	ck_assert_int_eq(match_inventories(&life->scenes[life->n_scenes - 2].inventory,
					   &life->scenes[life->n_scenes - 1].inventory,
					   &life->match),
			 0);
	for (size_t i = 0; i < life->n_followed; i++) {
		struct followed *followed = &life->followed[i];
		bool seen = is_seen_by_number(life, followed);

		found[i] = locate(life, &followed->unit);
		if (seen && !life->mistaken &&
		    (found[i].fate != FATE_FOUND || found[i].confidence != CONFIDENCE_CERTAIN))
			life_fails(life, "boot %u: %s is not found by its number", life->n_scenes,
				   name_of(&followed->unit));
		if (found[i].fate == FATE_FOUND)
			check_claim(life, followed, &found[i]);
		if (found[i].fate == FATE_NOT_YET && is_virtual(&followed->unit))
			check_carrier(life, followed, found[i].carrier);
	}
	for (size_t i = 0; i < life->n_followed; i++)
		update(life, &life->followed[i], &found[i]);
	check_waiting(life, found);
}

START_TEST(units_are_followed_through_many_boots)
{
	uint64_t seed = chance_setting("HWRECOVER_SEED", DEFAULT_SEED);
	uint64_t cases = chance_setting("HWRECOVER_CASES", DEFAULT_CASES);

	for (uint64_t i = 0; i < cases; i++) {
		struct life *life = calloc(1, sizeof(*life));

		ck_assert_ptr_nonnull(life);
		life->seed = seed + i;
		life->chance = chance_start(seed + i);
		machine_build(&life->machine, &life->chance);
		boot(life);
		follow_all(life);
		while (life->n_scenes < BOOTS)
			live_on(life);
		life_done(life);
		free(life);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("locate-properties");
	TCase *tests = tcase_create("locate-properties");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tests, 0);
	tcase_add_test(tests, units_are_followed_through_many_boots);
	suite_add_tcase(suite, tests);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
