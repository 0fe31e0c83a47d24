/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "snapshot/match.h"

#include <errno.h>
#include <strings.h>

#include "snapshot/match-private.h"

static const char *const confidence_names[_CONFIDENCE_MAX] = {
	[CONFIDENCE_NONE] = "none",
	[CONFIDENCE_AMBIGUOUS] = "ambiguous",
	[CONFIDENCE_STRONG] = "strong",
	[CONFIDENCE_CERTAIN] = "certain",
};

const char *confidence_to_string(enum confidence confidence)
{
	return confidence >= 0 && confidence < _CONFIDENCE_MAX ? confidence_names[confidence]
							       : NULL;
}

static const char *const evidence_names[EVIDENCE_COUNT] = {
	"mac", "serial", "path", "address", "ids", "only-one",
};

const char *evidence_to_string(enum evidence bit)
{
	for (size_t i = 0; i < ARRAY_SIZE(evidence_names); i++)
		if ((unsigned int)bit == 1U << i)
			return evidence_names[i];
	return NULL;
}

/* What mainboards carry whose maker never filled in a UUID, in either order of its bytes. */
static bool is_placeholder(const char *machine)
{
	static const char *const known[] = {
		"03000200-0400-0500-0006-000700080009",
		"00020003-0004-0005-0006-000700080009",
	};
	static const char *const phrases[] = {
		"to be filled", "default string", "not ",  "none",      "n/a",
		"unknown",      "system ",        "o.e.m", "undefined", "invalid",
	};

	if (!number_is_usable(machine))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (strcasecmp(machine, known[i]) == 0)
			return true;
	for (size_t i = 0; i < ARRAY_SIZE(phrases); i++)
		if (strncasecmp(machine, phrases[i], strlen(phrases[i])) == 0)
			return true;
	return false;
}

/*
 * A unit is found again when its number is: another machine of the same make has the same models on
 * the same paths. A function with NICs counts as its NICs.
 */
static bool is_other_machine(const struct match *match)
{
	const struct side *before = &match->detail->before;
	const char *was = match->before->machine, *is = match->after->machine;
	size_t n_numbered = before->n_macs, n_found = 0;

	if (is_placeholder(was) || is_placeholder(is) || strcasecmp(was, is) == 0)
		return false;
	for (size_t i = 0; i < before->n_macs; i++)
		n_found += match->nics[before->macs[i].index].confidence == CONFIDENCE_CERTAIN;
	for (size_t i = 0; i < before->n_serials; i++) {
		size_t function = before->serials[i].index;

		if (before->functions[function].has_mac)
			continue;
		n_numbered++;
		n_found += match->functions[function].confidence == CONFIDENCE_CERTAIN;
	}
	return 2 * n_found <= n_numbered;
}

static void set_nobody(struct pairing *pairings, size_t n_pairings, size_t *origins,
		       size_t n_origins)
{
	for (size_t i = 0; i < n_pairings; i++)
		pairings[i] = (struct pairing){ .fate = FATE_GONE, .index = NONE, .carrier = NONE };
	for (size_t i = 0; i < n_origins; i++)
		origins[i] = NONE;
}

static int prepare(struct match *match)
{
	const struct inventory *before = match->before, *after = match->after;
	struct arena *arena;

	match->detail = calloc(1, sizeof(*match->detail));
	if (!match->detail)
		return -ENOMEM;
	arena = &match->detail->arena;
	match->functions = arena_allocate(arena, before->n_functions * sizeof(*match->functions));
	match->nics = arena_allocate(arena, before->n_nics * sizeof(*match->nics));
	match->function_origin = arena_allocate(arena, after->n_functions * sizeof(size_t));
	match->nic_origin = arena_allocate(arena, after->n_nics * sizeof(size_t));
	if (!match->functions || !match->nics || !match->function_origin || !match->nic_origin)
		return -ENOMEM;
	set_nobody(match->functions, before->n_functions, match->function_origin,
		   after->n_functions);
	set_nobody(match->nics, before->n_nics, match->nic_origin, after->n_nics);
	return match_look_at_sides(match);
}

void match_done(struct match *match)
{
	if (!match)
		return;
	if (match->detail)
		arena_done(&match->detail->arena);
	free(match->detail);
	*match = (struct match){ 0 };
}

int match_inventories(const struct inventory *before, const struct inventory *after,
		      struct match *ret_match)
{
	struct match match = { .before = before, .after = after };
	int r;

	r = prepare(&match);
	if (r < 0)
		goto fail;
	match_pair_nics_by_mac(&match);
	r = match_pair_functions(&match);
	if (r < 0)
		goto fail;
	r = match_pair_nics(&match);
	if (r < 0)
		goto fail;
	match.other_machine = is_other_machine(&match);
	*ret_match = match;
	return 0;

fail:
	match_done(&match);
	return r;
}
