/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which unit of an older inventory is which unit of a newer one, and how that is known. Pure: no
 * I/O, no clock, no globals; the order of devices in an inventory never changes the result.
 *
 * The rules, strongest first. "Model" is vendor, device, subsystem and class.
 *
 * Numbers. A unit's own number is the permanent MAC for a NIC and for a function that carries
 * NICs, else the Device Serial Number. All-zero and all-one numbers, and numbers that two *cards*
 * of one inventory share, identify nobody (the functions of one device, and the virtual functions
 * of a physical one, are one card: function number or index tells them apart). Agreeing numbers
 * are `certain`. Two known numbers that differ are proof of another unit, whatever else agrees; a
 * MAC outranks a serial: where both sides' MACs are known the serial is not looked at. A number
 * unknown on one side contradicts nothing.
 *
 * Strong, where numbers decide nothing and contradict nothing, in this order:
 *  1. in place: same model, same address and same path. Also among twins;
 *  2. same path and same model;
 *  3. the only one of its model before and after.
 * An unknown path neither agrees nor contradicts: in place then needs only address and model, rule
 * 2 does not apply. Where `slot` or `firmware_path` is known on both sides and differs, the path
 * does not agree.
 * Twins (more than one of the model before, or more than one after, at least one of them all
 * without a usable number) that are not in place may use rule 2 only while every path that held
 * one of them before still holds one after. Rule 3 never applies to twins.
 * A unit that none of this finds is ambiguous while a unit of the same model that no rule gave to
 * anybody, and that no number contradicts, is left over; else it is gone.
 *
 * All numbers are compared before any strong rule, and each strong rule is tried for all units
 * before the next. A rule under which two units claim one, or one has two claimants, decides
 * nothing for them.
 *
 * Virtual functions are found through their physical function and index, with its confidence;
 * one that is not there (yet) while its physical function is found is FATE_NOT_YET.
 *
 * Functions that read all ones (vendor and device ffff) after are unreadable, not gone: such a one
 * at the address and path of a unit that nothing else finds gives FATE_UNREADABLE.
 *
 * NICs. By MAC; else through their function (with its confidence and evidence) and their port. A
 * NIC whose function is found but carries no link is FATE_NOT_YET, never gone or replaced. A NIC
 * without a function (USB) has its MAC, or else, with no MAC on one side, its unchanged name.
 *
 * Replaced. A NIC is gone (FATE_GONE by the rules above) and a NIC that no rule found stands on
 * the same path (same port), and the *cards* (all NICs of one device) carry the same number of
 * ports, all of the old card's are gone and all of the new card's are new: then it is replaced by
 * it, FATE_REPLACED.
 *
 * Another machine: machine ids known on both sides, different and no placeholder, and at most half
 * of the numbered units of before found again.
 */
#pragma once

#include "snapshot/unit.h"

enum confidence {
	CONFIDENCE_NONE,
	CONFIDENCE_AMBIGUOUS,
	CONFIDENCE_STRONG,
	CONFIDENCE_CERTAIN,
	_CONFIDENCE_MAX,
	_CONFIDENCE_INVALID = -22,
};

/* "none", "ambiguous", "strong", "certain" */
const char *confidence_to_string(enum confidence confidence);

/* What agreed, as a bit set; shown in this order as mac, serial, path, address, ids, only-one. */
enum evidence {
	EVIDENCE_MAC = 1 << 0,
	EVIDENCE_SERIAL = 1 << 1,
	EVIDENCE_PATH = 1 << 2,
	EVIDENCE_ADDRESS = 1 << 3,
	EVIDENCE_IDS = 1 << 4,
	EVIDENCE_ONLY_ONE = 1 << 5,
};

#define EVIDENCE_COUNT 6
/* The word for one bit; NULL for none. */
const char *evidence_to_string(enum evidence bit);

enum fate {
	FATE_GONE,       /* nothing here can be it */
	FATE_FOUND,      /* @index says which it is now */
	FATE_AMBIGUOUS,  /* one of the left-over units of its model may be it */
	FATE_UNREADABLE, /* its place answers all ones: there, but nothing can be said */
	FATE_NOT_YET,    /* a NIC whose function has no link yet, a VF not made yet */
	FATE_REPLACED,   /* NIC: gone, and @index is the one that took its place */
	_FATE_MAX,
};

/**
 * struct pairing - What became of one unit
 * @index:   into the newer inventory's functions or NICs, for FOUND and REPLACED; else SIZE_MAX
 * @carrier: for NOT_YET the function of the newer inventory that will have it: the one a NIC's
 *           link will stand on, or a virtual function's physical one; else SIZE_MAX
 */
struct pairing {
	enum fate fate;
	enum confidence confidence;
	unsigned int evidence;
	size_t index;
	size_t carrier;
};

/**
 * struct match - Two inventories compared
 * @before, @after: borrowed, must outlive the match
 * @functions: one per function of @before;  @nics: one per NIC of @before
 * @function_origin, @nic_origin: one per function/NIC of @after: index of the unit of @before that
 *             it is (FATE_FOUND only), or SIZE_MAX
 * @other_machine: see above
 * @detail: the matcher's own
 */
struct match_detail;
struct match {
	const struct inventory *before;
	const struct inventory *after;
	struct pairing *functions;
	struct pairing *nics;
	size_t *function_origin;
	size_t *nic_origin;
	bool other_machine;
	struct match_detail *detail;
};

void match_done(struct match *match);

/**
 * match_inventories() - Compare two inventories
 *
 * Time is O(n log n) in the number of functions and NICs, also when all are twins.
 *
 * Return: 0, or -ENOMEM.
 */
_must_check_ int match_inventories(const struct inventory *before, const struct inventory *after,
				   struct match *ret_match);

/**
 * match_locate() - What became of a unit that a reference means
 * @match: the last inventory that references were resolved against, and the present one
 * @unit:  the unit with its last known identity; often, but not always, still in @match->before
 * @meant: all units that live references mean (@n_meant), this one among them
 * @ret_pairing: as for the inventories; @index is into @match->after
 *
 * A unit that @match->before still shows where it was last known (numbers agree, or address, path
 * and model agree and no number contradicts; for a NIC also name or port) shares that one's fate.
 *
 * One that is not there, or @lost whoever sits there, was gone, ambiguous or unreadable for a while
 * (a ghost). Who stayed where he was since is not it, unless a number says so. It is looked for
 * by the same rules among the units of @match->after: by number; then in place where its meaning
 * last had it, then, where that decides nothing, where it was first recorded (@unit->first_*);
 * then by path (for twins: every path that held one of the model in @match->before, and the
 * ghost's own, holds one after); then as the only one of its model, neither before (without
 * itself) nor after (except it) having another. A unit that belongs to another meant unit by its
 * number, or by a strong rule for a unit of @match->before that another member of @meant still is,
 * cannot be claimed except by number: then the ghost is ambiguous. A ghost NIC is never replaced:
 * a card that fills the slot at a later boot inherits nothing.
 *
 * Return: 0, or -ENOMEM.
 */
_must_check_ int match_locate(const struct match *match, const struct unit *unit,
			      const struct unit *const *meant, size_t n_meant,
			      struct pairing *ret_pairing);
