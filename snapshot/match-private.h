/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the parts of the matcher share; nobody else includes this. */
#pragma once

#include "snapshot/basic/arena.h"
#include "snapshot/match.h"

/* Instead of an index. */
#define NONE SIZE_MAX

/**
 * struct side_function - What the rules look at in one function
 * @model:    index into struct match_detail's models, alike on both sides; NONE for a virtual
 *            function and for one that reads all ones: they are found by other rules
 * @card:     index of the first function of its card; a virtual function's is its physical one's
 * @physfn:   index of its physical function, NONE for a function that is not virtual
 * @vf_index: its number among the virtual functions of @physfn
 * @serial:   serial number that identifies its card, or NULL
 * @has_mac:  whether it carries NICs, and all of them have a MAC that identifies them
 */
struct side_function {
	size_t model;
	size_t card;
	size_t physfn;
	size_t vf_index;
	const char *serial;
	bool has_mac;
};

/**
 * struct side_nic - What the rules look at in one NIC
 * @function: index of the function it stands on, or NONE
 * @mac:      MAC that identifies it, or NULL
 */
struct side_nic {
	size_t function;
	const char *mac;
};

/**
 * struct number - A unit's number, for looking it up
 * @place: tells units of one card apart that share the number: function, and port of a NIC
 * @card:  of its bearer; a NIC without a function is a card of its own
 * @index: of its bearer
 */
struct number {
	const char *text;
	uint64_t place;
	size_t card;
	size_t index;
};

/* A function's path, for looking it up. */
struct place {
	const char *path;
	size_t model;
	size_t index;
};

/* Lists of members: those of owner i are @items[@first[i]] up to before @items[@first[i + 1]]. */
struct members {
	size_t *first;
	size_t *items;
};

/**
 * struct side - One inventory as the rules see it
 * @links:   NICs of each function
 * @virtual: virtual functions of each physical one, in the order of their numbers
 * @serials, @macs: the numbers that identify, sorted by text and place
 * @places:  functions of a known path that are not virtual, sorted by path and model
 */
struct side {
	const struct inventory *inventory;
	struct side_function *functions;
	struct side_nic *nics;
	struct members links;
	struct members virtual;
	struct number *serials;
	size_t n_serials;
	struct number *macs;
	size_t n_macs;
	struct place *places;
	size_t n_places;
};

/* By which kinds of number a function is known. */
enum {
	KNOWN_MAC = 1 << 0,
	KNOWN_SERIAL = 1 << 1,
	KNOWN_COUNT = 1 << 2
};

/**
 * struct model - All functions of one vendor, device, subsystem and class
 * @example:   any of them
 * @any_subsystem: some do not tell their subsystem, so all of that vendor, device and class count
 *             as of one model
 * @n_before, @n_after: how many there are on either side
 * @n_held:    paths that held one of them before and hold one after
 * @left:      units of after that no rule gave to anybody and whose card is no known one, by the
 *             kinds of number they have
 * @ambiguous: some unit of before may be one of the left
 */
struct model {
	const struct pci_function *example;
	bool any_subsystem;
	size_t n_before;
	size_t n_after;
	size_t n_held;
	size_t left[KNOWN_COUNT];
	bool ambiguous;
};

/**
 * struct match_detail - What struct match keeps for itself
 * @card_after:  for the first function of each card of before: the card of after that it is by a
 *               number of one of its functions, NONE when no number says, DISPUTED when they do not
 *               agree
 * @card_before: the other way round
 */
struct match_detail {
	struct arena arena;
	struct side before;
	struct side after;
	struct model *models;
	size_t n_models;
	size_t *card_after;
	size_t *card_before;
};

#define DISPUTED (SIZE_MAX - 1)

static inline bool is_known_card(size_t card)
{
	return card != NONE && card != DISPUTED;
}

/* match-side.c */
_must_check_ int match_look_at_sides(struct match *match);
/* The model that a function known from elsewhere is of, or NONE. */
_pure_ size_t find_model(const struct match_detail *detail, const struct pci_function *function);
/* Bearer of a number, or NONE; with several bearers on one card @place decides. */
_pure_ size_t find_serial(const struct side *side, const char *serial, uint64_t place);
_pure_ size_t find_mac(const struct side *side, const char *mac, uint64_t place);
/* The one function of a model on a path, or NONE. */
_pure_ size_t find_place(const struct side *side, const char *path, size_t model);
/* The one readable function on a path, or NONE. */
_pure_ size_t find_path(const struct side *side, const char *path);
/* Whether any function is on a path. */
_pure_ bool has_path(const struct side *side, const char *path);
/* Whether what stands at a function's old address or path is there but cannot be read. */
_pure_ bool place_is_unreadable(const struct side *side, const struct pci_function *was);
/* The function at an address, or NONE; virtual ones are not found. */
_pure_ size_t find_address(const struct side *side, const struct pci_address *address);

/* Whether a number can identify anybody: known, not all zeroes, not all ones. */
_pure_ bool number_is_usable(const char *number);
_pure_ uint64_t mac_place(const struct pci_function *function, int port);
_pure_ bool function_is_unreadable(const struct pci_function *function);

enum path_relation {
	PATH_UNKNOWN,
	PATH_AGREES,
	PATH_DIFFERS
};
_pure_ enum path_relation compare_paths(const struct pci_function *a, const struct pci_function *b);
/* Whether both may be of one model: what is unknown of the subsystem agrees. */
_pure_ bool models_agree(const struct pci_function *a, const struct pci_function *b);
/* EVIDENCE_PATH, _ADDRESS and _IDS, as far as they agree. */
_pure_ unsigned int compare_places(const struct pci_function *a, const struct pci_function *b);

/* match-functions.c */
_must_check_ int match_pair_functions(struct match *match);

/* match-nics.c: by MAC before the functions are paired, and the rest after it. */
void match_pair_nics_by_mac(struct match *match);
_must_check_ int match_pair_nics(struct match *match);
/*
 * What became of a NIC whose function is @function of after, going by the links that function has:
 * @nic's port and @mac (NULL when unknown) decide, @found says how the function was found.
 */
enum links {
	LINKS_OPEN,       /* only those that no NIC of before is */
	LINKS_NOT_PROVEN, /* also those that one is, but not by its MAC */
	LINKS_ALL,        /* whoever they were: the function is the right one by its number */
};
_pure_ struct pairing match_nic_on_function(const struct match *match, size_t function,
					    const struct nic *nic, const char *mac,
					    const struct pairing *found, enum links links);
