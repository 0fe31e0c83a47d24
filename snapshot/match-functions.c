/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which PCI function is which. One pass a rule, strongest first; each pass looks only at what the
 * passes before it left, and none depends on the order in which it looks.
 */
#include "snapshot/match-private.h"

#include <errno.h>

static bool is_open(const struct match *match, size_t before, size_t after)
{
	return match->functions[before].fate != FATE_FOUND && match->function_origin[after] == NONE;
}

static void pair(struct match *match, size_t before, size_t after, enum confidence confidence,
		 unsigned int evidence)
{
	match->functions[before] = (struct pairing){
		.fate = FATE_FOUND,
		.confidence = confidence,
		.evidence = evidence | compare_places(&match->before->functions[before],
						      &match->after->functions[after]),
		.index = after,
		.carrier = NONE,
	};
	match->function_origin[after] = before;
}

/* Notes who claims whom: NONE nobody yet, DISPUTED more than one. */
static void claim(size_t *claims, size_t index, size_t other)
{
	if (claims[index] == NONE)
		claims[index] = other;
	else if (claims[index] != other)
		claims[index] = DISPUTED;
}

static size_t *nobodies(struct arena *arena, size_t n)
{
	size_t *claims = arena_allocate(arena, n * sizeof(*claims));

	for (size_t i = 0; claims && i < n; i++)
		claims[i] = NONE;
	return claims;
}

/*
 * A function is known by the MACs of its NICs. Where its NICs were found on several functions, or
 * those of several functions on it (a card that shows other functions than before), they say
 * nothing about which function it is, and the functions go by the other rules.
 */
static int pair_by_mac(struct match *match)
{
	struct match_detail *detail = match->detail;
	struct side *before = &detail->before, *after = &detail->after;
	size_t *by_before = nobodies(&detail->arena, match->before->n_functions);
	size_t *by_after = nobodies(&detail->arena, match->after->n_functions);

	if (!by_before || !by_after)
		return -ENOMEM;
	for (size_t i = 0; i < match->before->n_nics; i++) {
		const struct pairing *nic = &match->nics[i];
		size_t was = before->nics[i].function, is;

		if (nic->fate != FATE_FOUND || was == NONE)
			continue;
		is = after->nics[nic->index].function;
		if (is == NONE)
			continue;
		claim(by_before, was, is);
		claim(by_after, is, was);
	}
	for (size_t i = 0; i < match->before->n_nics; i++) {
		const struct pairing *nic = &match->nics[i];
		size_t was = before->nics[i].function, is;

		if (nic->fate != FATE_FOUND || was == NONE)
			continue;
		is = after->nics[nic->index].function;
		if (is == NONE)
			continue;
		if (by_before[was] == is && by_after[is] == was) {
			pair(match, was, is, CONFIDENCE_CERTAIN, EVIDENCE_MAC);
			continue;
		}
		before->functions[was].has_mac = false;
		after->functions[is].has_mac = false;
	}
	return 0;
}

static void pair_by_serial(struct match *match)
{
	const struct side *before = &match->detail->before, *after = &match->detail->after;

	for (size_t i = 0; i < before->n_serials; i++) {
		const struct number *number = &before->serials[i];
		size_t was = number->index;
		size_t is = find_serial(after, number->text, number->place);

		if (is == NONE || after->functions[is].model == NONE || !is_open(match, was, is))
			continue;
		/* A MAC outranks a serial: both known and not the same is another unit. */
		if (before->functions[was].has_mac && after->functions[is].has_mac)
			continue;
		/* Serial numbers are unique within a vendor at best. */
		if (match->before->functions[was].vendor != match->after->functions[is].vendor)
			continue;
		pair(match, was, is, CONFIDENCE_CERTAIN, EVIDENCE_SERIAL);
	}
}

/* Functions of one card stay together: where a number found one of them, there are the others. */
static int link_cards(struct match *match)
{
	struct match_detail *detail = match->detail;

	detail->card_after = nobodies(&detail->arena, match->before->n_functions);
	detail->card_before = nobodies(&detail->arena, match->after->n_functions);
	if (!detail->card_after || !detail->card_before)
		return -ENOMEM;
	for (size_t i = 0; i < match->before->n_functions; i++) {
		size_t was, is;

		if (match->functions[i].fate != FATE_FOUND)
			continue;
		was = detail->before.functions[i].card;
		is = detail->after.functions[match->functions[i].index].card;
		claim(detail->card_after, was, is);
		claim(detail->card_before, is, was);
	}
	return 0;
}

static bool ports_contradict(const struct match *match, size_t before, size_t after)
{
	const struct match_detail *detail = match->detail;
	const struct members *was_on = &detail->before.links, *is_on = &detail->after.links;

	for (size_t i = was_on->first[before]; i < was_on->first[before + 1]; i++)
		for (size_t k = is_on->first[after]; k < is_on->first[after + 1]; k++) {
			size_t was = was_on->items[i], is = is_on->items[k];
			const char *was_mac = detail->before.nics[was].mac;
			const char *is_mac = detail->after.nics[is].mac;

			if (match->before->nics[was].port != UNKNOWN &&
			    match->before->nics[was].port == match->after->nics[is].port &&
			    was_mac && is_mac && strcmp(was_mac, is_mac) != 0)
				return true;
		}
	return false;
}

/* Whether a number proves that a function of before and one of after are not the same. */
static bool is_contradicted(const struct match *match, size_t before, size_t after)
{
	const struct match_detail *detail = match->detail;
	const struct side_function *was = &detail->before.functions[before];
	const struct side_function *is = &detail->after.functions[after];
	size_t card_is = detail->card_after[was->card], card_was = detail->card_before[is->card];

	/* Had they a MAC in common, they would have been paired by it. */
	if ((was->has_mac && is->has_mac) || ports_contradict(match, before, after))
		return true;
	if (was->serial && is->serial &&
	    (strcmp(was->serial, is->serial) != 0 ||
	     match->before->functions[before].address.function !=
		     match->after->functions[after].address.function))
		return true;
	return (is_known_card(card_is) && card_is != is->card) ||
	       (is_known_card(card_was) && card_was != was->card);
}

/* What every strong rule asks for: neither has been found, and no number speaks against it. */
static bool may_be(const struct match *match, size_t before, size_t after)
{
	return is_open(match, before, after) && !is_contradicted(match, before, after);
}

static bool may_be_of_one_model(const struct match *match, size_t before, size_t after)
{
	const struct side_function *was = &match->detail->before.functions[before];
	const struct side_function *is = &match->detail->after.functions[after];

	if (is->model == NONE)
		return false;
	/* What could not be read before may have been of any model. */
	if (was->model == NONE)
		return was->physfn == NONE;
	return was->model == is->model &&
	       models_agree(&match->before->functions[before], &match->after->functions[after]);
}

static void pair_in_place(struct match *match)
{
	for (size_t i = 0; i < match->before->n_functions; i++) {
		const struct pci_function *was = &match->before->functions[i];
		size_t is = find_address(&match->detail->after, &was->address);

		if (is != NONE && match->detail->before.functions[i].physfn == NONE &&
		    may_be_of_one_model(match, i, is) &&
		    compare_paths(was, &match->after->functions[is]) != PATH_DIFFERS &&
		    may_be(match, i, is))
			pair(match, i, is, CONFIDENCE_STRONG, 0);
	}
}

/* The function of the same model and path; NONE where the path is unknown or not unique. */
static size_t same_path(const struct match *match, size_t before)
{
	const struct match_detail *detail = match->detail;
	const struct pci_function *was = &match->before->functions[before];
	size_t model = detail->before.functions[before].model;
	size_t is;

	if (model == NONE || find_place(&detail->before, was->path, model) != before)
		return NONE;
	is = find_place(&detail->after, was->path, model);
	if (is == NONE || compare_paths(was, &match->after->functions[is]) != PATH_AGREES)
		return NONE;
	return is;
}

static void count_held_paths(struct match *match)
{
	for (size_t i = 0; i < match->before->n_functions; i++)
		if (same_path(match, i) != NONE)
			match->detail->models[match->detail->before.functions[i].model].n_held++;
}

/*
 * Of several of a model the path counts only while every path that held one still holds one. That
 * all of them may have numbers is not looked at: numbers then have decided already.
 */
static bool paths_count(const struct model *model)
{
	return (model->n_before <= 1 && model->n_after <= 1) || model->n_held == model->n_before;
}

static void pair_by_path(struct match *match)
{
	const struct match_detail *detail = match->detail;

	for (size_t i = 0; i < match->before->n_functions; i++) {
		size_t is = same_path(match, i);

		if (is != NONE && paths_count(&detail->models[detail->before.functions[i].model]) &&
		    may_be_of_one_model(match, i, is) && may_be(match, i, is))
			pair(match, i, is, CONFIDENCE_STRONG, 0);
	}
}

/* Whether something is new that cannot be read: it may be of any model. */
static bool has_unreadable_newcomer(const struct match *match)
{
	const struct side *before = &match->detail->before;

	for (size_t i = 0; i < match->after->n_functions; i++) {
		const struct pci_function *is = &match->after->functions[i];
		size_t was = find_address(before, &is->address);

		if (!function_is_unreadable(is) ||
		    (was != NONE &&
		     compare_paths(&match->before->functions[was], is) != PATH_DIFFERS) ||
		    has_path(before, is->path))
			continue;
		return true;
	}
	return false;
}

static int pair_only_ones(struct match *match)
{
	struct match_detail *detail = match->detail;
	size_t *of_model = nobodies(&detail->arena, detail->n_models);

	if (!of_model)
		return -ENOMEM;
	if (has_unreadable_newcomer(match))
		return 0;
	for (size_t i = 0; i < match->after->n_functions; i++)
		if (detail->after.functions[i].model != NONE)
			claim(of_model, detail->after.functions[i].model, i);
	for (size_t i = 0; i < match->before->n_functions; i++) {
		size_t model = detail->before.functions[i].model;

		if (model == NONE || detail->models[model].n_before != 1 ||
		    detail->models[model].n_after != 1)
			continue;
		if (may_be_of_one_model(match, i, of_model[model]) &&
		    may_be(match, i, of_model[model]) &&
		    !place_is_unreadable(&detail->after, &match->before->functions[i]))
			pair(match, i, of_model[model], CONFIDENCE_STRONG, EVIDENCE_ONLY_ONE);
	}
	return 0;
}

static unsigned int known_numbers(const struct side_function *function)
{
	return (function->has_mac ? KNOWN_MAC : 0) | (function->serial ? KNOWN_SERIAL : 0);
}

static void count_left(struct match *match)
{
	struct match_detail *detail = match->detail;

	for (size_t i = 0; i < match->after->n_functions; i++) {
		const struct side_function *is = &detail->after.functions[i];

		if (is->model != NONE && match->function_origin[i] == NONE &&
		    !is_known_card(detail->card_before[is->card]))
			detail->models[is->model].left[known_numbers(is)]++;
	}
}

/* Whether its card is found and may still have it. */
static bool is_left_on_card(const struct match *match, size_t before, size_t card)
{
	const struct side *after = &match->detail->after;

	for (size_t i = card; i < match->after->n_functions; i++) {
		if (!pci_address_same_device(&match->after->functions[i].address,
					     &match->after->functions[card].address))
			break;
		if (after->functions[i].physfn == NONE &&
		    match->detail->before.functions[before].model != NONE &&
		    may_be_of_one_model(match, before, i) && may_be(match, before, i))
			return true;
	}
	return false;
}

/*
 * Whether one of those left may be it. Numbers of the same kind would have been found equal by now,
 * so a unit may be those that have none of the kinds it has.
 */
static bool is_ambiguous(const struct match *match, size_t before)
{
	const struct match_detail *detail = match->detail;
	const struct side_function *was = &detail->before.functions[before];
	size_t card = detail->card_after[was->card];

	if (was->model == NONE)
		return false;
	if (is_known_card(card))
		return is_left_on_card(match, before, card);
	for (unsigned int known = 0; known < KNOWN_COUNT; known++)
		if ((known & known_numbers(was)) == 0 && detail->models[was->model].left[known] > 0)
			return true;
	return false;
}

static void judge_lost(struct match *match)
{
	struct match_detail *detail = match->detail;

	for (size_t i = 0; i < match->before->n_functions; i++) {
		struct pairing *pairing = &match->functions[i];
		const struct side_function *was = &detail->before.functions[i];

		if (pairing->fate == FATE_FOUND || was->physfn != NONE)
			continue;
		if (is_ambiguous(match, i)) {
			pairing->fate = FATE_AMBIGUOUS;
			pairing->confidence = CONFIDENCE_AMBIGUOUS;
			detail->models[was->model].ambiguous = true;
		}
		if (place_is_unreadable(&detail->after, &match->before->functions[i])) {
			pairing->fate = FATE_UNREADABLE;
			pairing->confidence = CONFIDENCE_NONE;
		}
	}
}

/* A virtual function is its physical one's n-th, and shares its fate. */
static void follow_physical_functions(struct match *match)
{
	const struct side *before = &match->detail->before, *after = &match->detail->after;

	for (size_t i = 0; i < match->before->n_functions; i++) {
		const struct side_function *was = &before->functions[i];
		struct pairing pairing;
		size_t first, n;

		if (was->physfn == NONE)
			continue;
		pairing = match->functions[was->physfn];
		if (pairing.fate == FATE_FOUND) {
			first = after->virtual.first[pairing.index];
			n = after->virtual.first[pairing.index + 1] - first;
			pairing.carrier = pairing.index;
			pairing.fate = was->vf_index < n ? FATE_FOUND : FATE_NOT_YET;
			pairing.index = was->vf_index < n
						? after->virtual.items[first + was->vf_index]
						: NONE;
		}
		match->functions[i] = pairing;
		if (pairing.fate == FATE_FOUND) {
			match->functions[i].carrier = NONE;
			match->function_origin[pairing.index] = i;
		}
	}
}

int match_pair_functions(struct match *match)
{
	int r;

	r = pair_by_mac(match);
	if (r < 0)
		return r;
	pair_by_serial(match);
	r = link_cards(match);
	if (r < 0)
		return r;
	pair_in_place(match);
	count_held_paths(match);
	pair_by_path(match);
	r = pair_only_ones(match);
	if (r < 0)
		return r;
	count_left(match);
	judge_lost(match);
	follow_physical_functions(match);
	return 0;
}
