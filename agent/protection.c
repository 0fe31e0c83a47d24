/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/protection.h"

#include <errno.h>

#include "agent/pools.h"
#include "recovery/resolve.h"
#include "snapshot/protected.h"

static bool is_by_route(const char *protected)
{
	return protected && strstr(protected, PROTECTED_ROUTE);
}

static bool has_route(const struct inventory *inventory)
{
	for (size_t i = 0; i < inventory->n_functions; i++)
		if (is_by_route(inventory->functions[i].protected))
			return true;
	return false;
}

/*
 * What was known of each function when the meanings were settled, where nothing is known now.
 * @looked: how many displays there are is known, as it always is by looking
 * @routes: only who had the default route
 */
static int take_over(struct survey *survey, bool looked, bool routes)
{
	const struct match *match = &survey->settled_match;

	for (size_t i = 0; i < match->before->n_functions; i++) {
		const char *before = match->before->functions[i].protected;
		struct pci_function *now;

		if (!before || match->functions[i].fate != FATE_FOUND ||
		    (looked && strcmp(before, PROTECTED_DISPLAY) == 0) ||
		    (routes && !is_by_route(before)))
			continue;
		now = &survey->now.functions[match->functions[i].index];
		if (now->protected)
			continue;
		now->protected = arena_copy_text(&survey->now.arena, before);
		if (!now->protected)
			return -ENOMEM;
	}
	return 0;
}

/* Whether some function is with a driver for guests that was not, or the hardware is another. */
static bool may_matter(const struct survey *survey)
{
	const struct inventory *before = survey->settled_inventory;

	if (!survey->has_newest || !inventory_same_hardware(before, &survey->now))
		return true;
	for (size_t i = 0; i < survey->now.n_functions; i++) {
		const struct pci_function *now = &survey->now.functions[i], *then;

		if (!is_passthrough_driver(now->driver))
			continue;
		then = inventory_find_function(before, &now->address);
		if (!then || !is_passthrough_driver(then->driver))
			return true;
	}
	return false;
}

int protection_look(const struct context *context, const struct survey_options *options,
		    struct survey *survey)
{
	/* The hardware of a file stands on another machine than the one that runs. */
	bool foreign = context->invocation->inventory_file && context->root.live;
	bool stage = options->early || options->scope == SCOPE_GUESTS;
	bool look = !foreign && (options->details || !stage || may_matter(survey));
	_cleanup_free_ char *pools = NULL;
	size_t size = 0;
	int r = 0;

	if (look) {
		r = pools_list(&context->root, &pools, &size);
		if (r == 0)
			r = protected_mark(&context->root, bytes_make(pools, size), &survey->now);
	}
	if (r < 0)
		return r;
	if (!look || options->early || !context->root.live)
		return take_over(survey, look, false);
	/* A network that is slow to come up, or down, has no default route. */
	return has_route(&survey->now) ? 0 : take_over(survey, look, true);
}
