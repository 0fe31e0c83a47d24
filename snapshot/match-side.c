/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One inventory as the rules of the matcher see it: cards, numbers that identify, models, paths. */
#include "snapshot/match-private.h"

#include <errno.h>

bool function_is_unreadable(const struct pci_function *function)
{
	return function->vendor == 0xffff && function->device == 0xffff;
}

/*
 * Realtek gives all chips of a kind one serial number: lspci shows the first on every RTL8111, 8168
 * and 8125, the second, with the kind of chip behind it, on its wireless ones.
 */
static bool is_same_on_all_chips(const char *serial)
{
	return strcmp(serial, "01-00-00-00-68-4c-e0-00") == 0 ||
	       strncmp(serial, "00-e0-4c-ff-fe-", strlen("00-e0-4c-ff-fe-")) == 0;
}

bool number_is_usable(const char *number)
{
	bool zeroes = true, ones = true;

	if (!number || !*number || is_same_on_all_chips(number))
		return false;
	for (const char *c = number; *c; c++) {
		if (*c == ':' || *c == '-')
			continue;
		zeroes = zeroes && *c == '0';
		ones = ones && (*c == 'f' || *c == 'F');
	}
	return !zeroes && !ones;
}

uint64_t mac_place(const struct pci_function *function, int port)
{
	return (uint64_t)(function ? function->address.function : 0) << 32 | (uint32_t)port;
}

static bool texts_differ(const char *a, const char *b)
{
	return a && b && strcmp(a, b) != 0;
}

enum path_relation compare_paths(const struct pci_function *a, const struct pci_function *b)
{
	if (texts_differ(a->path, b->path) || texts_differ(a->slot, b->slot) ||
	    texts_differ(a->firmware_path, b->firmware_path))
		return PATH_DIFFERS;
	return a->path && b->path ? PATH_AGREES : PATH_UNKNOWN;
}

static bool ids_agree(int32_t a, int32_t b)
{
	return a == UNKNOWN || b == UNKNOWN || a == b;
}

bool models_agree(const struct pci_function *a, const struct pci_function *b)
{
	return a->vendor == b->vendor && a->device == b->device && a->class == b->class &&
	       ids_agree(a->subsystem_vendor, b->subsystem_vendor) &&
	       ids_agree(a->subsystem_device, b->subsystem_device);
}

unsigned int compare_places(const struct pci_function *a, const struct pci_function *b)
{
	unsigned int evidence = 0;

	if (compare_paths(a, b) == PATH_AGREES)
		evidence |= EVIDENCE_PATH;
	if (pci_address_equal(&a->address, &b->address))
		evidence |= EVIDENCE_ADDRESS;
	if (models_agree(a, b))
		evidence |= EVIDENCE_IDS;
	return evidence;
}

size_t find_address(const struct side *side, const struct pci_address *address)
{
	const struct pci_function *found = inventory_find_function(side->inventory, address);
	size_t index;

	if (!found)
		return NONE;
	index = (size_t)(found - side->inventory->functions);
	return side->functions[index].physfn == NONE ? index : NONE;
}

/* Lists who belongs to whom; members keep their order. @owners: one per item, NONE for nobody. */
static int list_members(struct arena *arena, const size_t *owners, size_t n_items, size_t n_owners,
			struct members *ret)
{
	struct members members = {
		.first = arena_allocate(arena, (n_owners + 1) * sizeof(size_t)),
		.items = arena_allocate(arena, n_items * sizeof(size_t)),
	};

	if (!members.first || !members.items)
		return -ENOMEM;
	for (size_t i = 0; i < n_items; i++)
		if (owners[i] != NONE)
			members.first[owners[i] + 1]++;
	for (size_t i = 0; i < n_owners; i++)
		members.first[i + 1] += members.first[i];
	/* Each list is filled from its end, so that its start is right when all are in. */
	for (size_t i = 0; i < n_owners; i++)
		members.first[i] = members.first[i + 1];
	for (size_t i = n_items; i-- > 0;)
		if (owners[i] != NONE)
			members.items[--members.first[owners[i]]] = i;
	*ret = members;
	return 0;
}

/*
 * A virtual function is one whose physical function is there and is not virtual itself; any other
 * goes by its own place, like an ordinary function.
 */
static int find_virtual_functions(struct arena *arena, struct side *side)
{
	const struct inventory *inventory = side->inventory;
	size_t *owners = arena_allocate(arena, inventory->n_functions * sizeof(size_t));
	int r;

	if (!owners)
		return -ENOMEM;
	for (size_t i = 0; i < inventory->n_functions; i++) {
		const struct pci_function *function = &inventory->functions[i], *physical;

		physical = function->has_physfn
				   ? inventory_find_function(inventory, &function->physfn)
				   : NULL;
		owners[i] = physical && !physical->has_physfn
				    ? (size_t)(physical - inventory->functions)
				    : NONE;
	}
	r = list_members(arena, owners, inventory->n_functions, inventory->n_functions,
			 &side->virtual);
	if (r < 0)
		return r;
	for (size_t i = 0; i < inventory->n_functions; i++) {
		const size_t *first = side->virtual.first;

		side->functions[i].physfn = owners[i];
		for (size_t k = first[i]; k < first[i + 1]; k++)
			side->functions[side->virtual.items[k]].vf_index = k - first[i];
	}
	return 0;
}

/* Functions of one device are one card, and virtual functions belong to their physical one's. */
static void find_cards(struct side *side)
{
	const struct pci_function *functions = side->inventory->functions;
	struct side_function *views = side->functions;
	size_t card = 0;

	for (size_t i = 0; i < side->inventory->n_functions; i++) {
		if (views[i].physfn != NONE)
			continue;
		if (!pci_address_same_device(&functions[card].address, &functions[i].address) ||
		    views[card].physfn != NONE)
			card = i;
		views[i].card = card;
	}
	for (size_t i = 0; i < side->inventory->n_functions; i++)
		if (views[i].physfn != NONE)
			views[i].card = views[views[i].physfn].card;
}

static int compare_numbers(const void *a, const void *b)
{
	const struct number *left = a, *right = b;
	int order = strcmp(left->text, right->text);

	if (order != 0)
		return order;
	if (left->place != right->place)
		return left->place < right->place ? -1 : 1;
	return left->index < right->index ? -1 : left->index > right->index;
}

/* Sorts numbers and drops those that several cards bear: they identify nobody. */
static void keep_identifying(struct number *numbers, size_t *n_numbers)
{
	size_t n = *n_numbers, n_kept = 0;

	if (n)
		qsort(numbers, n, sizeof(*numbers), compare_numbers);
	for (size_t i = 0, end; i < n; i = end) {
		bool one_card = true;

		for (end = i + 1; end < n && strcmp(numbers[end].text, numbers[i].text) == 0; end++)
			one_card = one_card && numbers[end].card == numbers[i].card;
		for (size_t k = i; k < end && one_card; k++)
			numbers[n_kept++] = numbers[k];
	}
	*n_numbers = n_kept;
}

/*
 * Only function 0 of a card need have the serial number (PCIe 7.9.3), so the others take it over
 * while all that have one agree.
 */
static int read_serials(struct arena *arena, struct side *side)
{
	const struct inventory *inventory = side->inventory;
	size_t n = inventory->n_functions;
	const char **of_card = arena_allocate(arena, n * sizeof(*of_card));
	bool *several = arena_allocate(arena, n * sizeof(*several));

	side->serials = arena_allocate(arena, n * sizeof(*side->serials));
	if (!of_card || !several || !side->serials)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		const char *serial = inventory->functions[i].serial;
		size_t card = side->functions[i].card;

		if (!number_is_usable(serial))
			continue;
		several[card] = several[card] || texts_differ(of_card[card], serial);
		of_card[card] = serial;
	}
	for (size_t i = 0; i < n; i++) {
		const char *serial = inventory->functions[i].serial;
		size_t card = side->functions[i].card;

		if (side->functions[i].physfn != NONE)
			continue;
		if (!number_is_usable(serial))
			serial = several[card] ? NULL : of_card[card];
		if (serial)
			side->serials[side->n_serials++] =
				(struct number){ serial, inventory->functions[i].address.function,
						 card, i };
	}
	keep_identifying(side->serials, &side->n_serials);
	for (size_t i = 0; i < side->n_serials; i++)
		side->functions[side->serials[i].index].serial = side->serials[i].text;
	return 0;
}

/* The MAC of a NIC on a virtual function is made up by the driver or given by software. */
static int read_macs(struct arena *arena, struct side *side)
{
	const struct inventory *inventory = side->inventory;

	side->macs = arena_allocate(arena, inventory->n_nics * sizeof(*side->macs));
	if (!side->macs)
		return -ENOMEM;
	for (size_t i = 0; i < inventory->n_nics; i++) {
		const struct nic *nic = &inventory->nics[i];
		size_t index = side->nics[i].function;
		const struct pci_function *function = index == NONE ? NULL
								    : &inventory->functions[index];

		if (!number_is_usable(nic->mac) || (function && function->has_physfn))
			continue;
		side->macs[side->n_macs++] = (struct number){
			nic->mac, mac_place(function, nic->port),
			function ? side->functions[index].card : inventory->n_functions + i, i
		};
	}
	keep_identifying(side->macs, &side->n_macs);
	for (size_t i = 0; i < side->n_macs; i++)
		side->nics[side->macs[i].index].mac = side->macs[i].text;
	for (size_t i = 0; i < inventory->n_functions; i++) {
		size_t first = side->links.first[i], end = side->links.first[i + 1];
		bool all = first < end;

		for (size_t k = first; k < end; k++)
			all = all && side->nics[side->links.items[k]].mac;
		side->functions[i].has_mac = all;
	}
	return 0;
}

static int find_links(struct arena *arena, struct side *side)
{
	const struct inventory *inventory = side->inventory;
	size_t *owners = arena_allocate(arena, inventory->n_nics * sizeof(size_t));

	if (!owners)
		return -ENOMEM;
	for (size_t i = 0; i < inventory->n_nics; i++) {
		const struct pci_function *function =
			inventory_function_of(inventory, &inventory->nics[i]);

		owners[i] = function ? (size_t)(function - inventory->functions) : NONE;
		side->nics[i].function = owners[i];
	}
	return list_members(arena, owners, inventory->n_nics, inventory->n_functions, &side->links);
}

static int look_at_side(struct arena *arena, const struct inventory *inventory, struct side *side)
{
	int r;

	side->inventory = inventory;
	side->functions = arena_allocate(arena, inventory->n_functions * sizeof(*side->functions));
	side->nics = arena_allocate(arena, inventory->n_nics * sizeof(*side->nics));
	if (!side->functions || !side->nics)
		return -ENOMEM;
	r = find_virtual_functions(arena, side);
	if (r < 0)
		return r;
	find_cards(side);
	r = find_links(arena, side);
	if (r == 0)
		r = read_serials(arena, side);
	if (r == 0)
		r = read_macs(arena, side);
	return r;
}

/* One function on its way to a model. */
struct sample {
	const struct pci_function *function;
	struct side_function *view;
	bool after;
};

static int compare_integers(int64_t a, int64_t b)
{
	return (a > b) - (a < b);
}

static int compare_ids(const struct pci_function *a, const struct pci_function *b)
{
	int order = compare_integers(a->vendor, b->vendor);

	if (order == 0)
		order = compare_integers(a->device, b->device);
	return order ? order : compare_integers(a->class, b->class);
}

static int compare_models(const struct pci_function *a, const struct pci_function *b)
{
	int order = compare_ids(a, b);

	if (order == 0)
		order = compare_integers(a->subsystem_vendor, b->subsystem_vendor);
	return order ? order : compare_integers(a->subsystem_device, b->subsystem_device);
}

static int compare_samples(const void *a, const void *b)
{
	const struct sample *left = a, *right = b;

	return compare_models(left->function, right->function);
}

static void add_samples(struct side *side, bool after, struct sample *samples, size_t *n_samples)
{
	for (size_t i = 0; i < side->inventory->n_functions; i++) {
		const struct pci_function *function = &side->inventory->functions[i];

		side->functions[i].model = NONE;
		if (side->functions[i].physfn == NONE && !function_is_unreadable(function))
			samples[(*n_samples)++] = (struct sample){ .function = function,
								   .view = &side->functions[i],
								   .after = after };
	}
}

static bool subsystem_is_known(const struct pci_function *function)
{
	return function->subsystem_vendor != UNKNOWN && function->subsystem_device != UNKNOWN;
}

/*
 * Numbers the models of functions of the same vendor, device and class. As soon as one of them does
 * not tell its subsystem, it could be any of the others' model: then all are one.
 */
static void number_models(struct match_detail *detail, struct sample *samples, size_t n)
{
	bool told = true;

	for (size_t i = 0; i < n; i++)
		told = told && subsystem_is_known(samples[i].function);
	for (size_t i = 0; i < n; i++) {
		struct model *model;

		if (i == 0 ||
		    (told && compare_models(samples[i - 1].function, samples[i].function) != 0))
			detail->models[detail->n_models++] =
				(struct model){ .example = samples[i].function,
						.any_subsystem = !told };
		samples[i].view->model = detail->n_models - 1;
		model = &detail->models[detail->n_models - 1];
		if (samples[i].after)
			model->n_after++;
		else
			model->n_before++;
	}
}

static int find_models(struct match_detail *detail)
{
	size_t n_all = detail->before.inventory->n_functions + detail->after.inventory->n_functions;
	struct sample *samples = arena_allocate(&detail->arena, n_all * sizeof(*samples));
	size_t n = 0;

	detail->models = arena_allocate(&detail->arena, n_all * sizeof(*detail->models));
	if (!samples || !detail->models)
		return -ENOMEM;
	add_samples(&detail->before, false, samples, &n);
	add_samples(&detail->after, true, samples, &n);
	if (n)
		qsort(samples, n, sizeof(*samples), compare_samples);
	for (size_t i = 0, end; i < n; i = end) {
		for (end = i + 1;
		     end < n && compare_ids(samples[i].function, samples[end].function) == 0; end++)
			;
		number_models(detail, samples + i, end - i);
	}
	return 0;
}

size_t find_model(const struct match_detail *detail, const struct pci_function *function)
{
	size_t low = 0, high = detail->n_models, found = NONE;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare_ids(detail->models[middle].example, function) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < detail->n_models; low++) {
		const struct model *model = &detail->models[low];

		if (compare_ids(model->example, function) != 0)
			break;
		if (!model->any_subsystem && !models_agree(model->example, function))
			continue;
		if (found != NONE)
			return NONE;
		found = low;
	}
	return found;
}

static int compare_place(const char *path, size_t model, const struct place *place)
{
	int order = strcmp(path, place->path);

	return order ? order : (model > place->model) - (model < place->model);
}

static int compare_places_and_index(const void *a, const void *b)
{
	const struct place *left = a, *right = b;
	int order = compare_place(left->path, left->model, right);

	return order ? order : (left->index > right->index) - (left->index < right->index);
}

static int sort_places(struct arena *arena, struct side *side)
{
	const struct inventory *inventory = side->inventory;

	side->places = arena_allocate(arena, inventory->n_functions * sizeof(*side->places));
	if (!side->places)
		return -ENOMEM;
	for (size_t i = 0; i < inventory->n_functions; i++)
		if (inventory->functions[i].path && side->functions[i].physfn == NONE)
			side->places[side->n_places++] =
				(struct place){ inventory->functions[i].path,
						side->functions[i].model, i };
	if (side->n_places)
		qsort(side->places, side->n_places, sizeof(*side->places),
		      compare_places_and_index);
	return 0;
}

/* Where places of a path and model begin, or would. */
static size_t first_place(const struct side *side, const char *path, size_t model)
{
	size_t low = 0, high = side->n_places;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare_place(path, model, &side->places[middle]) > 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The only one on its path, and of its model if @model is given, from a place on; or NONE. */
static size_t only_place(const struct side *side, size_t i, const char *path, const size_t *model)
{
	for (size_t k = i; k < side->n_places && k < i + 2; k++) {
		bool fits = strcmp(path, side->places[k].path) == 0 &&
			    (!model || side->places[k].model == *model);

		if (fits != (k == i))
			return NONE;
	}
	return i < side->n_places ? side->places[i].index : NONE;
}

size_t find_place(const struct side *side, const char *path, size_t model)
{
	return path && model != NONE
		       ? only_place(side, first_place(side, path, model), path, &model)
		       : NONE;
}

size_t find_path(const struct side *side, const char *path)
{
	size_t found = path ? only_place(side, first_place(side, path, 0), path, NULL) : NONE;

	return found != NONE && side->functions[found].model != NONE ? found : NONE;
}

bool has_path(const struct side *side, const char *path)
{
	size_t i = path ? first_place(side, path, 0) : side->n_places;

	return i < side->n_places && strcmp(path, side->places[i].path) == 0;
}

bool place_is_unreadable(const struct side *side, const struct pci_function *was)
{
	size_t is = find_address(side, &was->address), place;

	if (is != NONE && function_is_unreadable(&side->inventory->functions[is]) &&
	    compare_paths(was, &side->inventory->functions[is]) != PATH_DIFFERS)
		return true;
	place = was->path ? first_place(side, was->path, NONE) : side->n_places;
	return place < side->n_places && side->places[place].model == NONE &&
	       strcmp(was->path, side->places[place].path) == 0;
}

/* The first of the numbers with that text; *@ret_n tells how many there are. */
static const struct number *find_number(const struct number *numbers, size_t n, const char *text,
					size_t *ret_n)
{
	size_t low = 0, high = n, end;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(numbers[middle].text, text) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (end = low; end < n && strcmp(numbers[end].text, text) == 0;)
		end++;
	*ret_n = end - low;
	return numbers + low;
}

/* The one of @n bearers at a place, or NONE. */
static size_t bearer_at(const struct number *numbers, size_t n, uint64_t place)
{
	size_t found = NONE;

	for (size_t i = 0; i < n; i++) {
		if (numbers[i].place != place)
			continue;
		if (found != NONE)
			return NONE;
		found = numbers[i].index;
	}
	return found;
}

size_t find_serial(const struct side *side, const char *serial, uint64_t place)
{
	const struct number *found;
	size_t n;

	if (!serial)
		return NONE;
	found = find_number(side->serials, side->n_serials, serial, &n);
	return bearer_at(found, n, place);
}

size_t find_mac(const struct side *side, const char *mac, uint64_t place)
{
	const struct number *found;
	size_t n;

	if (!mac)
		return NONE;
	found = find_number(side->macs, side->n_macs, mac, &n);
	return n == 1 ? found->index : bearer_at(found, n, place);
}

int match_look_at_sides(struct match *match)
{
	struct match_detail *detail = match->detail;
	int r;

	r = look_at_side(&detail->arena, match->before, &detail->before);
	if (r == 0)
		r = look_at_side(&detail->arena, match->after, &detail->after);
	if (r == 0)
		r = find_models(detail);
	if (r == 0)
		r = sort_places(&detail->arena, &detail->before);
	if (r == 0)
		r = sort_places(&detail->arena, &detail->after);
	return r;
}
