/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which NIC is which: by MAC, through the function it stands on, or by having taken its place. */
#include "snapshot/match-private.h"

#include <errno.h>

/* Base class of network controllers; PCI Code and ID Assignment Specification, 1.3. */
#define CLASS_NETWORK 0x02

static const struct pci_function *function_under(const struct side *side, size_t nic)
{
	size_t function = side->nics[nic].function;

	return function == NONE ? NULL : &side->inventory->functions[function];
}

static bool is_open(const struct match *match, size_t before, size_t after)
{
	return match->nics[before].fate != FATE_FOUND && match->nic_origin[after] == NONE;
}

static void pair(struct match *match, size_t before, size_t after, enum confidence confidence,
		 unsigned int evidence)
{
	match->nics[before] = (struct pairing){
		.fate = FATE_FOUND,
		.confidence = confidence,
		.evidence = evidence,
		.index = after,
		.carrier = NONE,
	};
	match->nic_origin[after] = before;
}

void match_pair_nics_by_mac(struct match *match)
{
	const struct side *before = &match->detail->before, *after = &match->detail->after;

	for (size_t i = 0; i < before->n_macs; i++) {
		const struct number *number = &before->macs[i];
		size_t is = find_mac(after, number->text, number->place);
		const struct pci_function *was_under, *is_under;
		unsigned int evidence = EVIDENCE_MAC;

		/* Back again, as several ports of a card may share their MAC on one side only. */
		if (is == NONE || find_mac(before, number->text,
					   mac_place(function_under(after, is),
						     match->after->nics[is].port)) != number->index)
			continue;
		was_under = function_under(before, number->index);
		is_under = function_under(after, is);
		if (was_under && is_under)
			evidence |= compare_places(was_under, is_under);
		pair(match, number->index, is, CONFIDENCE_CERTAIN, evidence);
	}
}

static bool ports_agree(const struct nic *a, const struct nic *b)
{
	return a->port == UNKNOWN || b->port == UNKNOWN || a->port == b->port;
}

static bool same_port(const struct nic *a, const struct nic *b)
{
	return a->port != UNKNOWN && a->port == b->port;
}

static bool macs_differ(const char *a, const char *b)
{
	return a && b && strcmp(a, b) != 0;
}

/* Whether both may be one, as far as ports and MACs tell. */
static bool may_be(const struct match *match, size_t before, size_t after)
{
	return is_open(match, before, after) &&
	       ports_agree(&match->before->nics[before], &match->after->nics[after]) &&
	       !macs_differ(match->detail->before.nics[before].mac,
			    match->detail->after.nics[after].mac);
}

/* The function a NIC's function is now, or NONE. */
static size_t function_now(const struct match *match, size_t before)
{
	size_t function = match->detail->before.nics[before].function;

	if (function == NONE || match->functions[function].fate != FATE_FOUND)
		return NONE;
	return match->functions[function].index;
}

/* How far the ports must agree. */
typedef bool (*fits_t)(const struct nic *before, const struct nic *after);

/* The only NIC of a function of after that one of before may be, or NONE. */
static size_t only_choice(const struct match *match, size_t before, size_t function, fits_t fits)
{
	const struct members *links = &match->detail->after.links;
	size_t found = NONE;

	for (size_t i = links->first[function]; i < links->first[function + 1]; i++) {
		size_t is = links->items[i];

		if (!may_be(match, before, is) ||
		    !fits(&match->before->nics[before], &match->after->nics[is]))
			continue;
		if (found != NONE)
			return NONE;
		found = is;
	}
	return found;
}

/* Whether another NIC of the same function may be the same one of after. */
static bool has_rival(const struct match *match, size_t before, size_t after, fits_t fits)
{
	const struct members *links = &match->detail->before.links;
	size_t function = match->detail->before.nics[before].function;

	for (size_t i = links->first[function]; i < links->first[function + 1]; i++) {
		size_t other = links->items[i];

		if (other != before && may_be(match, other, after) &&
		    fits(&match->before->nics[other], &match->after->nics[after]))
			return true;
	}
	return false;
}

static bool any_port(const struct nic *before, const struct nic *after)
{
	return ports_agree(before, after);
}

/* Pairs the NICs of functions that are found, where there is but one choice on both sides. */
static void pair_on_function(struct match *match, fits_t fits)
{
	for (size_t i = 0; i < match->before->n_nics; i++) {
		size_t function = function_now(match, i), is;
		const struct pairing *found;

		if (function == NONE || match->nics[i].fate == FATE_FOUND)
			continue;
		is = only_choice(match, i, function, fits);
		if (is == NONE || has_rival(match, i, is, fits))
			continue;
		found = &match->functions[match->detail->before.nics[i].function];
		pair(match, i, is, found->confidence, found->evidence);
	}
}

static size_t find_name(const struct inventory *inventory, const char *name)
{
	const struct nic *nic = inventory_find_nic(inventory, bytes_of(name));

	return nic ? (size_t)(nic - inventory->nics) : NONE;
}

/*
 * What ports do not tell apart, an unchanged name does: on the same function, and for NICs of which
 * no function is known. Never more than strong.
 */
static void pair_by_name(struct match *match)
{
	const struct side *before = &match->detail->before, *after = &match->detail->after;

	for (size_t i = 0; i < match->before->n_nics; i++) {
		size_t is = find_name(match->after, match->before->nics[i].name);
		unsigned int evidence = 0;

		if (is == NONE || !may_be(match, i, is))
			continue;
		if (before->nics[i].function != NONE) {
			if (function_now(match, i) == NONE ||
			    function_now(match, i) != after->nics[is].function)
				continue;
			evidence = match->functions[before->nics[i].function].evidence;
		}
		pair(match, i, is, CONFIDENCE_STRONG, evidence);
	}
}

static bool is_taken(const struct match *match, size_t after, enum links links)
{
	size_t origin = match->nic_origin[after];
	const char *mac = match->detail->after.nics[after].mac;

	if (origin == NONE || links == LINKS_ALL)
		return false;
	if (links == LINKS_OPEN)
		return true;
	return mac && match->detail->before.nics[origin].mac;
}

struct pairing match_nic_on_function(const struct match *match, size_t function,
				     const struct nic *nic, const char *mac,
				     const struct pairing *found, enum links links)
{
	const struct side *after = &match->detail->after;
	struct pairing pairing = *found;
	size_t n_possible = 0, n_others = 0;

	pairing.index = NONE;
	pairing.carrier = NONE;
	for (size_t i = after->links.first[function]; i < after->links.first[function + 1]; i++) {
		size_t is = after->links.items[i];

		if (is_taken(match, is, links) || !ports_agree(nic, &match->after->nics[is]))
			continue;
		if (macs_differ(mac, after->nics[is].mac)) {
			n_others++;
			continue;
		}
		n_possible++;
		pairing.index = is;
	}
	if (n_possible == 1)
		return pairing;
	pairing.index = NONE;
	if (n_possible == 0 && n_others == 0) {
		pairing.fate = FATE_NOT_YET;
		pairing.carrier = function;
		return pairing;
	}
	/* Its port is there and is another unit's by its number, or cannot be told from others. */
	pairing.fate = n_possible ? FATE_AMBIGUOUS : FATE_GONE;
	pairing.confidence = n_possible ? CONFIDENCE_AMBIGUOUS : CONFIDENCE_NONE;
	pairing.evidence = 0;
	return pairing;
}

static void judge_on_function(struct match *match, size_t before)
{
	const struct side_nic *was = &match->detail->before.nics[before];
	const struct pairing *function = &match->functions[was->function];
	struct pairing *pairing = &match->nics[before];

	*pairing = *function;
	if (function->fate != FATE_FOUND)
		return;
	*pairing = match_nic_on_function(match, function->index, &match->before->nics[before],
					 was->mac, function, LINKS_OPEN);
	/* One that it alone may be was not given to it: it has a rival. */
	if (pairing->fate == FATE_FOUND)
		*pairing = (struct pairing){ .fate = FATE_AMBIGUOUS,
					     .confidence = CONFIDENCE_AMBIGUOUS,
					     .index = NONE,
					     .carrier = NONE };
}

/* NICs of no known function: one that is left over, and that no MAC rules out, may be it. */
static void judge_without_function(struct match *match, size_t n_left, size_t n_left_unnumbered)
{
	for (size_t i = 0; i < match->before->n_nics; i++) {
		struct pairing *pairing = &match->nics[i];
		const struct side_nic *was = &match->detail->before.nics[i];

		if (pairing->fate == FATE_FOUND || was->function != NONE)
			continue;
		if ((was->mac ? n_left_unnumbered : n_left) == 0)
			continue;
		pairing->fate = FATE_AMBIGUOUS;
		pairing->confidence = CONFIDENCE_AMBIGUOUS;
	}
}

static void judge_lost(struct match *match)
{
	const struct side *before = &match->detail->before, *after = &match->detail->after;
	size_t n_left = 0, n_left_unnumbered = 0;

	for (size_t i = 0; i < match->after->n_nics; i++) {
		if (match->nic_origin[i] != NONE || after->nics[i].function != NONE)
			continue;
		n_left++;
		n_left_unnumbered += !after->nics[i].mac;
	}
	for (size_t i = 0; i < match->before->n_nics; i++)
		if (match->nics[i].fate != FATE_FOUND && before->nics[i].function != NONE)
			judge_on_function(match, i);
	judge_without_function(match, n_left, n_left_unnumbered);
}

/*
 * Whether a function without a link may have a port all the same: a network controller with no
 * driver yet or another one than its own, or one that cannot be read.
 */
static bool may_have_port(const struct pci_function *function)
{
	return function->class >> 16 == CLASS_NETWORK || function_is_unreadable(function);
}

/* Ports of a card, those of its virtual functions left out. */
static size_t count_ports(const struct side *side, size_t card)
{
	const struct pci_function *functions = side->inventory->functions;
	size_t n = 0;

	for (size_t i = card; i < side->inventory->n_functions; i++) {
		size_t n_links = side->links.first[i + 1] - side->links.first[i];

		if (!pci_address_same_device(&functions[i].address, &functions[card].address))
			break;
		if (side->functions[i].physfn == NONE)
			n += n_links ? n_links : may_have_port(&functions[i]);
	}
	return n;
}

static size_t count_links(const struct side *side, size_t card)
{
	const struct pci_function *functions = side->inventory->functions;
	size_t n = 0;

	for (size_t i = card; i < side->inventory->n_functions; i++) {
		if (!pci_address_same_device(&functions[i].address, &functions[card].address))
			break;
		if (side->functions[i].physfn == NONE)
			n += side->links.first[i + 1] - side->links.first[i];
	}
	return n;
}

/* The function of after on the same path, if no unit of before is, or may be, that one. */
static size_t newcomer_on_path(const struct match *match, size_t before)
{
	const struct side *after = &match->detail->after;
	const struct pci_function *was = &match->before->functions[before];
	size_t is = find_path(after, was->path);

	if (is == NONE || match->function_origin[is] != NONE ||
	    is_known_card(match->detail->card_before[after->functions[is].card]) ||
	    match->detail->models[after->functions[is].model].ambiguous ||
	    compare_paths(was, &match->after->functions[is]) != PATH_AGREES)
		return NONE;
	return is;
}

/* The NIC in the place of one that is gone, or NONE. */
static size_t find_successor(const struct match *match, size_t before)
{
	const struct members *was_on = &match->detail->before.links;
	const struct members *is_on = &match->detail->after.links;
	size_t was = match->detail->before.nics[before].function, is, found = NONE;
	bool lone;

	if (match->nics[before].fate != FATE_GONE || was == NONE ||
	    match->detail->before.functions[was].physfn != NONE)
		return NONE;
	is = newcomer_on_path(match, was);
	if (is == NONE)
		return NONE;
	/* How a lone port is numbered is up to its driver. */
	lone = was_on->first[was + 1] - was_on->first[was] == 1 &&
	       is_on->first[is + 1] - is_on->first[is] == 1;
	for (size_t i = is_on->first[is]; i < is_on->first[is + 1]; i++) {
		size_t nic = is_on->items[i];

		if (!lone && !same_port(&match->before->nics[before], &match->after->nics[nic]))
			continue;
		if (found != NONE)
			return NONE;
		found = nic;
	}
	return found != NONE && match->nic_origin[found] == NONE ? found : NONE;
}

/**
 * struct succession - Which NICs may have taken the place of which
 * @heir:  per NIC of before: the one in its place, or NONE
 * @n_of:  per NIC of after: how many it would be the heir of
 * @n_heirs: per card of before: how many of its NICs have an heir of their own
 */
struct succession {
	size_t *heir;
	size_t *n_of;
	size_t *n_heirs;
};

/* Cards are replaced whole: all ports of one by all ports of another, one for one. */
static bool card_is_replaced(const struct match *match, const struct succession *succession,
			     size_t before)
{
	const struct side *was = &match->detail->before, *is = &match->detail->after;
	size_t card = was->functions[was->nics[before].function].card;
	size_t new_card = is->functions[is->nics[succession->heir[before]].function].card;

	return succession->n_heirs[card] == count_links(was, card) &&
	       count_ports(is, new_card) == count_ports(was, card);
}

static int find_replaced(struct match *match)
{
	struct arena *arena = &match->detail->arena;
	const struct side *was = &match->detail->before, *is = &match->detail->after;
	size_t n_nics = match->before->n_nics;
	struct succession succession = {
		.heir = arena_allocate(arena, n_nics * sizeof(size_t)),
		.n_of = arena_allocate(arena, match->after->n_nics * sizeof(size_t)),
		.n_heirs = arena_allocate(arena, match->before->n_functions * sizeof(size_t)),
	};

	if (!succession.heir || !succession.n_of || !succession.n_heirs)
		return -ENOMEM;
	for (size_t i = 0; i < n_nics; i++) {
		succession.heir[i] = find_successor(match, i);
		if (succession.heir[i] != NONE)
			succession.n_of[succession.heir[i]]++;
	}
	for (size_t i = 0; i < n_nics; i++)
		if (succession.heir[i] != NONE && succession.n_of[succession.heir[i]] == 1)
			succession.n_heirs[was->functions[was->nics[i].function].card]++;
	for (size_t i = 0; i < n_nics; i++) {
		size_t heir = succession.heir[i];

		if (heir == NONE || !card_is_replaced(match, &succession, i))
			continue;
		match->nics[i] = (struct pairing){
			.fate = FATE_REPLACED,
			.confidence = CONFIDENCE_STRONG,
			.evidence =
				compare_places(&match->before->functions[was->nics[i].function],
					       &match->after->functions[is->nics[heir].function]),
			.index = heir,
			.carrier = NONE,
		};
	}
	return 0;
}

int match_pair_nics(struct match *match)
{
	pair_on_function(match, same_port);
	pair_on_function(match, any_port);
	pair_by_name(match);
	judge_lost(match);
	return find_replaced(match);
}
