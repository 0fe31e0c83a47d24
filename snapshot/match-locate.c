/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What became of one unit that a reference means, also when the older inventory does not show it: a
 * ghost, which was away or could not be told for a while.
 */
#include "snapshot/match-private.h"

#include <errno.h>
#include <stdio.h>

/*
 * By what a unit lays claim to a function of the newer inventory, strongest first. A claim by the
 * only one of a model ranks last also when the older inventory shows the unit: that inventory does
 * not know of the ghosts of its model.
 */
enum rank {
	RANK_MAC,
	RANK_SERIAL,
	RANK_SHOWN,
	RANK_PLACE,
	RANK_FIRST_PLACE,
	RANK_PATH,
	RANK_ONLY_ONE,
	RANK_NOTHING,
};

/**
 * struct claim - What one unit lays claim to
 * @shown:   the function of the older inventory that it is, or NONE for a ghost
 * @pairing: what became of it if nobody else has a better claim; with RANK_NOTHING only for units
 *           that are shown
 */
struct claim {
	enum rank rank;
	size_t shown;
	struct pairing pairing;
};

/**
 * struct search - Looking for one unit
 * @mac, @serial: its numbers, where they can identify
 * @model: of its function, or NONE
 */
struct search {
	const struct match *match;
	const struct unit *unit;
	const struct unit *const *meant;
	size_t n_meant;
	const char *mac;
	const char *serial;
	size_t model;
};

static const struct pairing nothing = { .fate = FATE_GONE, .index = NONE, .carrier = NONE };
static const struct pairing ambiguous = {
	.fate = FATE_AMBIGUOUS, .confidence = CONFIDENCE_AMBIGUOUS, .index = NONE, .carrier = NONE
};

static struct search look_for(const struct search *search, const struct unit *unit)
{
	struct search other = *search;
	bool is_virtual = unit->has_function && unit->function.has_physfn;

	other.unit = unit;
	/* That of a function is weighed by whoever knows all links (recovery/resolve.c). */
	other.mac = unit->kind == UNIT_NIC && !is_virtual && number_is_usable(unit->nic.mac)
			    ? unit->nic.mac
			    : NULL;
	other.serial = unit->has_function && number_is_usable(unit->function.serial)
			       ? unit->function.serial
			       : NULL;
	other.model = unit->has_function && !function_is_unreadable(&unit->function)
			      ? find_model(search->match->detail, &unit->function)
			      : NONE;
	return other;
}

/* Whether the links of a function are all, or that of the unit's port is, known to be others. */
static bool mac_is_contradicted(const struct search *search, const struct side *side,
				size_t function)
{
	bool other = side->functions[function].has_mac;

	for (size_t i = side->links.first[function]; i < side->links.first[function + 1]; i++) {
		size_t index = side->links.items[i];
		const char *mac = side->nics[index].mac;

		if (!mac)
			continue;
		if (strcmp(mac, search->mac) == 0)
			return false;
		other = other || (search->unit->nic.port != UNKNOWN &&
				  search->unit->nic.port == side->inventory->nics[index].port);
	}
	return other;
}

/* Whether a number proves that the unit does not stand on that function. */
static bool is_contradicted(const struct search *search, const struct side *side, size_t function)
{
	const struct side_function *view = &side->functions[function];

	if (search->mac && mac_is_contradicted(search, side, function))
		return true;
	if (search->mac && view->has_mac)
		return false;
	return search->serial && view->serial &&
	       (strcmp(search->serial, view->serial) != 0 ||
		search->unit->function.address.function !=
			side->inventory->functions[function].address.function);
}

/* Whether two paths are the same up to the last of a character. */
static bool same_up_to(const char *a, const char *b, char last)
{
	const char *end = a ? strrchr(a, last) : NULL, *other_end = b ? strrchr(b, last) : NULL;

	return end && other_end &&
	       bytes_equal(bytes_make(a, (size_t)(end - a)),
			   bytes_make(b, (size_t)(other_end - b)));
}

/*
 * Whether units with one number are of one card: they were last known, or first recorded, in one
 * place. One of them may not have been told since bus numbers changed, or since the card moved. A
 * virtual one hangs from the same bridge as its card.
 */
static bool same_card(const struct unit *unit, const struct unit *other)
{
	const struct pci_function *function = &unit->function;
	char last = function->has_physfn ? '/' : '.';

	return pci_address_same_device(function->has_physfn ? &function->physfn
							    : &function->address,
				       &other->function.address) ||
	       same_up_to(function->path, other->function.path, last) ||
	       same_up_to(unit->first_path, other->first_path, last);
}

static bool has_serial(const struct unit *unit, const char *serial)
{
	const char *own = unit->function.serial ? unit->function.serial : unit->shared_serial;

	return own && strcmp(own, serial) == 0;
}

/*
 * Whether another unit, of another card, was recorded with the same serial number. Cards whose
 * maker numbers them all alike cannot be told apart by it when only one of them is left, either.
 */
static bool serial_is_shared(const struct search *search)
{
	for (size_t i = 0; i < search->n_meant; i++) {
		const struct unit *other = search->meant[i];

		if (other->has_function && has_serial(other, search->serial) &&
		    !other->function.has_physfn && !same_card(search->unit, other))
			return true;
	}
	return false;
}

/* The NIC that has the unit's MAC, or NONE. */
static size_t nic_by_mac(const struct search *search, const struct side *side)
{
	return find_mac(side, search->mac,
			mac_place(&search->unit->function, search->unit->nic.port));
}

/* The function that the unit's own number names, or NONE. */
static size_t function_by_number(const struct search *search, const struct side *side,
				 enum rank *ret_rank)
{
	const struct pci_function *function = &search->unit->function;
	size_t nic = nic_by_mac(search, side), found;

	*ret_rank = RANK_MAC;
	if (nic != NONE)
		return side->nics[nic].function;
	*ret_rank = RANK_SERIAL;
	found = find_serial(side, search->serial, function->address.function);
	if (found == NONE || is_contradicted(search, side, found) ||
	    side->inventory->functions[found].vendor != function->vendor)
		return NONE;
	if ((!pci_address_equal(&side->inventory->functions[found].address, &function->address) ||
	     compare_paths(&side->inventory->functions[found], function) == PATH_DIFFERS) &&
	    serial_is_shared(search))
		return NONE;
	return found;
}

/* The function at the place of @where that may be the unit's, or NONE. */
static size_t function_in_place(const struct search *search, const struct side *side,
				const struct pci_function *where)
{
	size_t found = find_address(side, &where->address);
	const struct pci_function *function;

	if (found == NONE)
		return NONE;
	function = &side->inventory->functions[found];
	/* What could not be read when it was recorded may be of any model. */
	if (!function_is_unreadable(where) && !models_agree(where, function))
		return NONE;
	if (compare_paths(where, function) == PATH_DIFFERS || is_contradicted(search, side, found))
		return NONE;
	return found;
}

static size_t shown_function(const struct search *search)
{
	const struct side *before = &search->match->detail->before;
	enum rank rank;
	size_t found = function_by_number(search, before, &rank);

	if (found != NONE || search->unit->lost)
		return found;
	return function_in_place(search, before, &search->unit->function);
}

static unsigned int evidence_of(enum rank rank)
{
	switch (rank) {
	case RANK_MAC:
		return EVIDENCE_MAC;
	case RANK_SERIAL:
		return EVIDENCE_SERIAL;
	case RANK_ONLY_ONE:
		return EVIDENCE_ONLY_ONE;
	case RANK_SHOWN:
	case RANK_PLACE:
	case RANK_FIRST_PLACE:
	case RANK_PATH:
	case RANK_NOTHING:
	default:
		return 0;
	}
}

static struct claim claim_function(const struct search *search, enum rank rank, size_t index)
{
	const struct pci_function *function = &search->match->after->functions[index];

	return (struct claim){
		.rank = rank,
		.shown = NONE,
		.pairing = { .fate = FATE_FOUND,
			     .confidence = rank <= RANK_SERIAL ? CONFIDENCE_CERTAIN
							       : CONFIDENCE_STRONG,
			     .evidence = evidence_of(rank) |
					 compare_places(&search->unit->function, function),
			     .index = index,
			     .carrier = NONE },
	};
}

/*
 * Whether a function of before was told by a number that the ghost's card was known to bear as
 * well: it may have been the ghost all the same.
 */
static bool has_shared_serial(const struct search *search, size_t origin)
{
	const struct side_function *was = &search->match->detail->before.functions[origin];

	return !search->serial && was->serial && has_serial(search->unit, was->serial) &&
	       !(search->match->functions[origin].evidence & EVIDENCE_MAC);
}

/*
 * Whether a function of after is free for a ghost without a number of it: neither itself nor the
 * unit it was before is another one by its number.
 */
static bool is_free(const struct search *search, size_t index)
{
	const struct match_detail *detail = search->match->detail;
	size_t origin = search->match->function_origin[index];

	if (index == NONE || detail->after.functions[index].model == NONE ||
	    is_contradicted(search, &detail->after, index))
		return false;
	return origin == NONE ||
	       ((search->match->functions[origin].confidence != CONFIDENCE_CERTAIN ||
		 has_shared_serial(search, origin)) &&
		!is_contradicted(search, &detail->before, origin));
}

/*
 * Whether a function was there when the ghost was last looked for. It was not found to be this one
 * then, and does not become it by having stayed.
 */
static bool was_there(const struct search *search, size_t index)
{
	size_t origin = search->match->function_origin[index];

	return origin != NONE && search->match->detail->before.functions[origin].model != NONE;
}

static size_t place_now(const struct search *search, const struct pci_function *where)
{
	const struct match *match = search->match;
	size_t found = function_in_place(search, &match->detail->after, where);

	if (found == NONE || !is_free(search, found))
		return NONE;
	if (was_there(search, found) &&
	    pci_address_equal(&match->before->functions[match->function_origin[found]].address,
			      &where->address))
		return NONE;
	return found;
}

/* Where the entry that means it was first recorded to have it. */
static size_t first_place_now(const struct search *search)
{
	struct pci_function where = search->unit->function;

	where.address = search->unit->first_address;
	where.path = search->unit->first_path;
	where.slot = where.firmware_path = NULL;
	return place_now(search, &where);
}

/* Whether both, as far as can be known, stand or stood on one and the same function. */
static bool same_function(const struct search *a, const struct search *b)
{
	const struct unit *left = a->unit, *right = b->unit;

	if (!left->has_function || !right->has_function)
		return !left->has_function && !right->has_function && a->mac && b->mac &&
		       strcmp(a->mac, b->mac) == 0;
	if (a->mac && b->mac && strcmp(a->mac, b->mac) == 0)
		return true;
	if (a->mac && b->mac &&
	    (left->nic.port == UNKNOWN || right->nic.port == UNKNOWN ||
	     left->nic.port == right->nic.port))
		return false;
	if (a->serial && b->serial)
		return strcmp(a->serial, b->serial) == 0 &&
		       left->function.address.function == right->function.address.function;
	return pci_address_equal(&left->function.address, &right->function.address) &&
	       models_agree(&left->function, &right->function) &&
	       compare_paths(&left->function, &right->function) != PATH_DIFFERS;
}

/* Whether every path that held one of the model holds one now, those of other ghosts included. */
static bool paths_count(const struct search *search)
{
	const struct match_detail *detail = search->match->detail;
	const struct model *model = &detail->models[search->model];

	if (model->n_held != model->n_before)
		return false;
	for (size_t i = 0; i < search->n_meant; i++) {
		const struct unit *unit = search->meant[i];
		const struct pci_function *was = &unit->function;
		size_t is;

		if (!unit->has_function || !models_agree(was, &search->unit->function))
			continue;
		is = find_place(&detail->after, was->path, search->model);
		if (is == NONE ||
		    compare_paths(was, &search->match->after->functions[is]) != PATH_AGREES)
			return false;
	}
	return true;
}

/* A NIC that had no link yet was not looked for among functions without one. */
static bool has_stayed(const struct search *search, size_t index)
{
	size_t origin = search->match->function_origin[index];
	const size_t *links = search->match->detail->before.links.first;

	return was_there(search, index) &&
	       (search->unit->kind != UNIT_NIC || links[origin + 1] > links[origin]);
}

static size_t path_now(const struct search *search)
{
	const struct match *match = search->match;
	size_t found =
		find_place(&match->detail->after, search->unit->function.path, search->model);

	if (found == NONE || !is_free(search, found) || has_stayed(search, found) ||
	    !models_agree(&search->unit->function, &match->after->functions[found]) ||
	    compare_paths(&search->unit->function, &match->after->functions[found]) !=
		    PATH_AGREES ||
	    !paths_count(search))
		return NONE;
	return found;
}

static size_t only_one_now(const struct search *search)
{
	const struct match_detail *detail = search->match->detail;
	size_t found = NONE;

	if (search->model == NONE || detail->models[search->model].n_before != 0 ||
	    detail->models[search->model].n_after != 1)
		return NONE;
	for (size_t i = 0; i < search->match->after->n_functions && found == NONE; i++)
		if (detail->after.functions[i].model == search->model)
			found = i;
	return is_free(search, found) ? found : NONE;
}

/* What a ghost lays claim to without a number. */
static struct claim claim_of_ghost(const struct search *search)
{
	size_t found;

	found = place_now(search, &search->unit->function);
	if (found != NONE)
		return claim_function(search, RANK_PLACE, found);
	found = first_place_now(search);
	if (found != NONE)
		return claim_function(search, RANK_FIRST_PLACE, found);
	found = path_now(search);
	if (found != NONE)
		return claim_function(search, RANK_PATH, found);
	found = only_one_now(search);
	if (found != NONE &&
	    !place_is_unreadable(&search->match->detail->after, &search->unit->function))
		return claim_function(search, RANK_ONLY_ONE, found);
	return (struct claim){ .rank = RANK_NOTHING, .shown = NONE, .pairing = nothing };
}

static enum rank rank_of_shown(const struct pairing *pairing)
{
	if (pairing->fate != FATE_FOUND)
		return RANK_NOTHING;
	if (pairing->evidence & EVIDENCE_ONLY_ONE)
		return RANK_ONLY_ONE;
	if (pairing->confidence != CONFIDENCE_CERTAIN)
		return RANK_SHOWN;
	return pairing->evidence & EVIDENCE_MAC ? RANK_MAC : RANK_SERIAL;
}

/*
 * Whether numbers lead from the unit to the function of the older inventory that shows it, and from
 * that one on. Else the unit may have a number that the older inventory did not know, and that says
 * otherwise.
 */
static bool is_same_by_number(const struct search *search, size_t shown, enum rank rank)
{
	if (rank == RANK_MAC && search->mac)
		return true;
	return rank <= RANK_SERIAL && search->match->detail->before.functions[shown].serial;
}

/* What a unit that the older inventory shows lays claim to. */
static struct claim claim_of_shown(const struct search *search, size_t shown)
{
	const struct match *match = search->match;
	struct claim claim = { .shown = shown, .pairing = match->functions[shown] };
	size_t found;

	claim.rank = rank_of_shown(&claim.pairing);
	if (claim.rank != RANK_NOTHING && !is_same_by_number(search, shown, claim.rank) &&
	    is_contradicted(search, &match->detail->after, claim.pairing.index)) {
		claim.rank = RANK_NOTHING;
		claim.pairing = nothing;
	}
	if (claim.pairing.fate != FATE_AMBIGUOUS)
		return claim;
	found = first_place_now(search);
	if (found != NONE) {
		claim = claim_function(search, RANK_FIRST_PLACE, found);
		claim.shown = shown;
	}
	return claim;
}

/* What a unit lays claim to, whoever else may do so. */
static struct claim claim_of(const struct search *search)
{
	const struct side *after = &search->match->detail->after;
	size_t shown = shown_function(search), found;
	struct claim claim = { .rank = RANK_NOTHING, .shown = NONE, .pairing = nothing };
	enum rank rank;

	if (shown != NONE)
		claim = claim_of_shown(search, shown);
	if (claim.rank <= RANK_SERIAL && is_same_by_number(search, shown, claim.rank))
		return claim;
	found = function_by_number(search, after, &rank);
	if (found != NONE && after->functions[found].model != NONE) {
		claim = claim_function(search, rank, found);
		claim.shown = shown;
		return claim;
	}
	return shown != NONE ? claim : claim_of_ghost(search);
}

/* The claim of another unit to its function; of one and the same function there is no other. */
static struct claim rival_claim(const struct search *search, const struct unit *unit)
{
	const struct claim none = { .rank = RANK_NOTHING, .shown = NONE, .pairing = nothing };
	struct search other;

	if (unit == search->unit || !unit->has_function || unit->function.has_physfn)
		return none;
	other = look_for(search, unit);
	return same_function(&other, search) ? none : claim_of(&other);
}

/* Whether another unit has as good a claim, or a better one, to the same function. */
static bool is_disputed(const struct search *search, const struct claim *claim)
{
	const struct side_function *wanted =
		&search->match->detail->after.functions[claim->pairing.index];

	/* Who is known from the older inventory can only be outdone by a number. */
	if (claim->rank <= RANK_SHOWN && !wanted->has_mac && !wanted->serial)
		return false;
	for (size_t i = 0; i < search->n_meant; i++) {
		struct claim rival = rival_claim(search, search->meant[i]);

		if (rival.rank <= claim->rank && rival.rank != RANK_NOTHING &&
		    rival.pairing.index == claim->pairing.index &&
		    (claim->shown == NONE || rival.shown != claim->shown))
			return true;
	}
	return false;
}

static int judge_ghost(const struct search *search, struct pairing *ret_pairing)
{
	const struct match *match = search->match;
	_cleanup_free_ bool *taken = NULL;

	*ret_pairing = nothing;
	if (place_is_unreadable(&match->detail->after, &search->unit->function)) {
		ret_pairing->fate = FATE_UNREADABLE;
		return 0;
	}
	taken = calloc(match->after->n_functions + 1, sizeof(*taken));
	if (!taken)
		return -ENOMEM;
	for (size_t i = 0; i < search->n_meant; i++) {
		struct claim rival = rival_claim(search, search->meant[i]);

		if (rival.rank <= RANK_SHOWN)
			taken[rival.pairing.index] = true;
	}
	for (size_t i = 0; i < match->after->n_functions; i++)
		if (!taken[i] && is_free(search, i) &&
		    models_agree(&search->unit->function, &match->after->functions[i]))
			*ret_pairing = ambiguous;
	return 0;
}

/* What became of the function that the unit is or stands on; not for virtual ones. */
static int locate_function(const struct search *search, struct pairing *ret_pairing)
{
	struct claim claim = claim_of(search);

	/* One of its model that nobody else is may be the ghost that nothing finds. */
	if (claim.rank == RANK_NOTHING && claim.shown == NONE)
		return judge_ghost(search, ret_pairing);
	*ret_pairing = claim.pairing;
	if (claim.rank != RANK_NOTHING && is_disputed(search, &claim))
		*ret_pairing = ambiguous;
	return 0;
}

/* The path of the physical function: virtual ones hang from the same bridge. */
static int path_of_physfn(const struct pci_function *function, char **ret_path)
{
	const char *end = function->path ? strrchr(function->path, '/') : NULL;

	*ret_path = NULL;
	if (!end)
		return 0;
	if (asprintf(ret_path, "%.*s/%02x.%x", (int)(end - function->path), function->path,
		     function->physfn.device, function->physfn.function) < 0) {
		*ret_path = NULL;
		return -ENOMEM;
	}
	return 0;
}

/* Whether numbers prove that a physical function is not that of a virtual unit, or that it is. */
static bool physfn_is_another(const struct search *search, const struct side *side, size_t physfn)
{
	const char *serial = side->functions[physfn].serial;

	return search->serial && serial && strcmp(search->serial, serial) != 0;
}

static bool physfn_is_proven(const struct search *search, const struct side *side, size_t physfn)
{
	const char *serial = side->functions[physfn].serial;

	return search->serial && serial && strcmp(search->serial, serial) == 0;
}

/* The physical function that bears the number of a virtual unit's card, or NONE. */
static size_t physfn_by_number(const struct search *search, const struct side *side)
{
	const struct pci_function *function = &search->unit->function;
	size_t found = find_serial(side, search->serial, function->physfn.function);

	if (found == NONE || side->inventory->functions[found].vendor != function->vendor)
		return NONE;
	if (!pci_address_equal(&side->inventory->functions[found].address, &function->physfn) &&
	    serial_is_shared(search))
		return NONE;
	return found;
}

/*
 * The physical function in the place where that of a virtual unit was, or NONE. Of it no more is
 * known than its maker, its place and its number.
 */
static size_t physfn_in_place(const struct search *search, const struct side *side,
			      const char *path)
{
	const struct pci_function *function = &search->unit->function;
	size_t found = find_address(side, &function->physfn);

	if (found == NONE || (path && side->inventory->functions[found].path &&
			      strcmp(path, side->inventory->functions[found].path) != 0))
		found = find_path(side, path);
	if (found == NONE || side->inventory->functions[found].vendor != function->vendor ||
	    physfn_is_another(search, side, found))
		return NONE;
	return found;
}

/* What became of a virtual function, going by where its physical one is now. */
static struct pairing virtual_function_of(const struct search *search, struct pairing physical)
{
	const struct match *match = search->match;
	const struct members *list = &match->detail->after.virtual;
	size_t first, n;

	if (physical.fate != FATE_FOUND)
		return physical;
	first = list->first[physical.index];
	n = list->first[physical.index + 1] - first;
	if (search->unit->vf_index < 0 || (size_t)search->unit->vf_index >= n) {
		physical.fate = FATE_NOT_YET;
		physical.carrier = physical.index;
		physical.index = NONE;
		return physical;
	}
	physical.index = list->items[first + (size_t)search->unit->vf_index];
	return models_agree(&search->unit->function, &match->after->functions[physical.index])
		       ? physical
		       : nothing;
}

/*
 * A physical function that came into the place where that of a virtual ghost was last known. One
 * that was there before was not found to be it then, and does not become it by having stayed.
 */
static struct pairing physfn_come(const struct search *search, const char *path)
{
	const struct match *match = search->match;
	size_t found = physfn_in_place(search, &match->detail->after, path);

	if (found == NONE)
		return nothing;
	if (was_there(search, found) &&
	    pci_address_equal(&match->before->functions[match->function_origin[found]].address,
			      &match->after->functions[found].address))
		return ambiguous;
	return (struct pairing){ .fate = FATE_FOUND,
				 .confidence = CONFIDENCE_STRONG,
				 .evidence = EVIDENCE_PATH,
				 .index = found,
				 .carrier = NONE };
}

/* What became of the physical function of a virtual unit. */
static struct pairing physfn_now(const struct search *search, const char *path)
{
	const struct match *match = search->match;
	const struct side *before = &match->detail->before, *after = &match->detail->after;
	size_t shown = physfn_by_number(search, before), found;

	if (shown == NONE && !search->unit->lost)
		shown = physfn_in_place(search, before, path);
	if (shown != NONE && physfn_is_proven(search, before, shown))
		return match->functions[shown];
	found = physfn_by_number(search, after);
	if (found != NONE)
		return (struct pairing){ .fate = FATE_FOUND,
					 .confidence = CONFIDENCE_CERTAIN,
					 .evidence = EVIDENCE_SERIAL,
					 .index = found,
					 .carrier = NONE };
	if (shown == NONE)
		return physfn_come(search, path);
	if (match->functions[shown].fate == FATE_FOUND &&
	    physfn_is_another(search, after, match->functions[shown].index))
		return nothing;
	return match->functions[shown];
}

static int locate_virtual(const struct search *search, struct pairing *ret_pairing)
{
	_cleanup_free_ char *path = NULL;
	int r;

	r = path_of_physfn(&search->unit->function, &path);
	if (r < 0)
		return r;
	*ret_pairing = virtual_function_of(search, physfn_now(search, path));
	return 0;
}

static bool macs_differ(const char *a, const char *b)
{
	return a && b && strcmp(a, b) != 0;
}

static bool ports_agree(const struct nic *a, const struct nic *b)
{
	return a->port == UNKNOWN || b->port == UNKNOWN || a->port == b->port;
}

/* The NIC of the older inventory that the unit is, or NONE. */
static size_t shown_nic(const struct search *search)
{
	const struct match *match = search->match;
	const struct side *before = &match->detail->before;
	const struct nic *nic = &search->unit->nic;
	size_t by_mac = nic_by_mac(search, before), function = NONE, by_port = NONE;

	if (by_mac != NONE)
		return by_mac;
	if (search->unit->has_function) {
		function = shown_function(search);
		if (function == NONE)
			return NONE;
	}
	for (size_t i = 0; i < match->before->n_nics; i++) {
		const struct nic *other = &match->before->nics[i];

		if (before->nics[i].function != function || !ports_agree(nic, other) ||
		    macs_differ(search->mac, before->nics[i].mac))
			continue;
		if (strcmp(other->name, nic->name) == 0)
			return i;
		if (function != NONE && nic->port != UNKNOWN && nic->port == other->port)
			by_port = i;
	}
	return by_port;
}

/* Whether another unit has a claim to the function that a NIC of after stands on. */
static bool is_anothers(const struct search *search, size_t nic)
{
	size_t function = search->match->detail->after.nics[nic].function;

	for (size_t i = 0; function != NONE && i < search->n_meant; i++) {
		struct claim rival = rival_claim(search, search->meant[i]);

		if (rival.rank != RANK_NOTHING && rival.pairing.index == function)
			return true;
	}
	return false;
}

/* A NIC of no known function goes by its name where no MAC tells. */
static void locate_by_name(const struct search *search, struct pairing *ret_pairing)
{
	const struct match *match = search->match;

	*ret_pairing = nothing;
	for (size_t i = 0; i < match->after->n_nics; i++) {
		const struct side_nic *view = &match->detail->after.nics[i];

		if (match->nic_origin[i] != NONE || view->function != NONE ||
		    (search->mac && view->mac))
			continue;
		*ret_pairing = ambiguous;
		if (strcmp(match->after->nics[i].name, search->unit->nic.name) != 0)
			continue;
		ret_pairing->fate = FATE_FOUND;
		ret_pairing->confidence = CONFIDENCE_STRONG;
		ret_pairing->index = i;
		return;
	}
}

/* Through the function that the NIC stood on. */
static int locate_through_function(const struct search *search, struct pairing *ret_pairing)
{
	struct pairing found;
	enum links links;
	int r;

	if (!search->unit->has_function) {
		locate_by_name(search, ret_pairing);
		return 0;
	}
	r = search->unit->function.has_physfn ? locate_virtual(search, &found)
					      : locate_function(search, &found);
	if (r < 0)
		return r;
	links = found.confidence == CONFIDENCE_CERTAIN ? LINKS_ALL : LINKS_NOT_PROVEN;
	*ret_pairing = found.fate == FATE_FOUND ? match_nic_on_function(search->match, found.index,
									&search->unit->nic,
									search->mac, &found, links)
						: found;
	return 0;
}

/*
 * Whether a number of the unit that the older inventory did not know says that what became of the
 * NIC that it shows is another one.
 */
static bool shown_nic_is_another(const struct search *search, size_t shown, size_t now)
{
	const struct match *match = search->match;
	const struct side *after = &match->detail->after;
	size_t was = match->detail->before.nics[shown].function;
	size_t is = after->nics[now].function, by_number;
	enum rank ignored;

	if (macs_differ(search->mac, after->nics[now].mac))
		return true;
	if (is == NONE || was == NONE ||
	    is_same_by_number(search, was, rank_of_shown(&match->nics[shown])))
		return false;
	by_number = function_by_number(search, after, &ignored);
	return (by_number != NONE && by_number != is) || is_contradicted(search, after, is);
}

/*
 * What became of a NIC that the older inventory shows and whose MAC is nowhere, with what is known
 * of other units besides.
 */
static int locate_shown(const struct search *search, size_t shown, struct pairing *ret_pairing)
{
	const struct match *match = search->match;
	const struct side_nic *was = &match->detail->before.nics[shown];
	struct pairing pairing = match->nics[shown];
	struct claim claim = { .rank = rank_of_shown(&pairing), .shown = was->function };
	enum rank ignored;
	size_t function;

	if (pairing.fate == FATE_FOUND && shown_nic_is_another(search, shown, pairing.index))
		pairing = nothing;
	/* The number of its function may find it where the older inventory did not know that. */
	if (pairing.fate != FATE_FOUND && search->unit->has_function &&
	    function_by_number(search, &match->detail->after, &ignored) != NONE)
		return locate_through_function(search, ret_pairing);
	/* It may stand where the entry that means it was first recorded to have it. */
	if (pairing.fate == FATE_AMBIGUOUS && was->function != NONE &&
	    match->functions[was->function].fate == FATE_AMBIGUOUS)
		return locate_through_function(search, ret_pairing);
	*ret_pairing = pairing;
	if (pairing.fate == FATE_REPLACED && is_anothers(search, pairing.index))
		*ret_pairing = nothing;
	if (pairing.fate != FATE_FOUND)
		return 0;
	function = match->detail->after.nics[pairing.index].function;
	claim.pairing.index = function;
	if (function != NONE && is_disputed(search, &claim))
		*ret_pairing = ambiguous;
	return 0;
}

static int locate_nic(const struct search *search, struct pairing *ret_pairing)
{
	const struct match *match = search->match;
	const struct side *after = &match->detail->after;
	bool is_virtual = search->unit->has_function && search->unit->function.has_physfn;
	size_t shown = is_virtual ? NONE : shown_nic(search);
	size_t found = nic_by_mac(search, after);

	/* By its own number; one that never told it may only have stood where another stands now.
	 */
	if (shown != NONE && match->nics[shown].fate == FATE_FOUND &&
	    match->nics[shown].confidence == CONFIDENCE_CERTAIN &&
	    (search->mac || !match->detail->before.nics[shown].mac)) {
		*ret_pairing = match->nics[shown];
		return 0;
	}
	if (found == NONE)
		return shown == NONE ? locate_through_function(search, ret_pairing)
				     : locate_shown(search, shown, ret_pairing);
	*ret_pairing = (struct pairing){
		.fate = FATE_FOUND,
		.confidence = CONFIDENCE_CERTAIN,
		.evidence = EVIDENCE_MAC,
		.index = found,
		.carrier = NONE,
	};
	if (search->unit->has_function && after->nics[found].function != NONE)
		ret_pairing->evidence |=
			compare_places(&search->unit->function,
				       &match->after->functions[after->nics[found].function]);
	return 0;
}

int match_locate(const struct match *match, const struct unit *unit,
		 const struct unit *const *meant, size_t n_meant, struct pairing *ret_pairing)
{
	const struct search whole = { .match = match, .meant = meant, .n_meant = n_meant };
	struct search search = look_for(&whole, unit);

	if (unit->kind == UNIT_NIC)
		return locate_nic(&search, ret_pairing);
	return unit->function.has_physfn ? locate_virtual(&search, ret_pairing)
					 : locate_function(&search, ret_pairing);
}
