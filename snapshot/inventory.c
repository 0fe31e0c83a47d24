/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "snapshot/inventory.h"

#include <errno.h>

#include "snapshot/basic/array.h"
#include "snapshot/basic/number.h"

void inventory_done(struct inventory *inventory)
{
	if (!inventory)
		return;
	free(inventory->functions);
	free(inventory->nics);
	arena_done(&inventory->arena);
	*inventory = (struct inventory){ 0 };
}

struct pci_function *inventory_add_function(struct inventory *inventory)
{
	struct pci_function *function;

	if (ARRAY_RESERVE(inventory->functions, inventory->n_functions,
			  inventory->functions_allocated) < 0)
		return NULL;
	function = &inventory->functions[inventory->n_functions++];
	*function = (struct pci_function){
		.subsystem_vendor = UNKNOWN,
		.subsystem_device = UNKNOWN,
		.revision = UNKNOWN,
		.iommu_group = UNKNOWN,
		.boot_vga = UNKNOWN,
	};
	return function;
}

struct nic *inventory_add_nic(struct inventory *inventory)
{
	struct nic *nic;

	if (ARRAY_RESERVE(inventory->nics, inventory->n_nics, inventory->nics_allocated) < 0)
		return NULL;
	nic = &inventory->nics[inventory->n_nics++];
	*nic = (struct nic){ .port = UNKNOWN, .settled = true };
	return nic;
}

static int compare_functions(const void *a, const void *b)
{
	const struct pci_function *left = a, *right = b;

	return pci_address_compare(&left->address, &right->address);
}

static int compare_nics(const void *a, const void *b)
{
	const struct nic *left = a, *right = b;

	return strcmp(left->name, right->name);
}

static int compare_texts(const void *a, const void *b)
{
	const char *const *left = a, *const *right = b;

	return strcmp(*left, *right);
}

int inventory_finish(struct inventory *inventory, const char *file, struct problem *problem)
{
	const struct pci_function *functions = inventory->functions;
	const struct nic *nics = inventory->nics;

	if (inventory->n_functions)
		qsort(inventory->functions, inventory->n_functions, sizeof(*inventory->functions),
		      compare_functions);
	if (inventory->n_nics)
		qsort(inventory->nics, inventory->n_nics, sizeof(*inventory->nics), compare_nics);
	for (size_t i = 0; i < inventory->n_nics; i++)
		if (nics[i].n_altnames)
			qsort(nics[i].altnames, nics[i].n_altnames, sizeof(*nics[i].altnames),
			      compare_texts);

	for (size_t i = 1; i < inventory->n_functions; i++) {
		struct pci_address_name name;

		if (compare_functions(&functions[i - 1], &functions[i]) == 0)
			return problem_set(problem, -EEXIST, file, 0, "PCI address %s occurs twice",
					   pci_address_show(&functions[i].address, &name));
	}
	for (size_t i = 1; i < inventory->n_nics; i++)
		if (compare_nics(&nics[i - 1], &nics[i]) == 0)
			return problem_set(problem, -EEXIST, file, 0, "NIC name %s occurs twice",
					   nics[i].name);
	return 0;
}

bool is_passthrough_driver(const char *driver)
{
	return driver && (strcmp(driver, "vfio-pci") == 0 || strcmp(driver, "pci-stub") == 0);
}

const struct pci_function *inventory_find_function(const struct inventory *inventory,
						   const struct pci_address *address)
{
	const struct pci_function key = { .address = *address };

	if (!inventory->n_functions)
		return NULL;
	return bsearch(&key, inventory->functions, inventory->n_functions, sizeof(key),
		       compare_functions);
}

const struct nic *inventory_find_nic(const struct inventory *inventory, struct bytes name)
{
	size_t low = 0, high = inventory->n_nics;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct nic *nic = &inventory->nics[middle];
		int order = bytes_compare(name, bytes_of(nic->name));

		if (order == 0)
			return nic;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

const struct nic *inventory_find_nic_or_altname(const struct inventory *inventory,
						struct bytes name)
{
	const struct nic *found = inventory_find_nic(inventory, name);

	for (size_t i = 0; i < inventory->n_nics && !found; i++) {
		const struct nic *nic = &inventory->nics[i];

		for (size_t k = 0; k < nic->n_altnames && !found; k++)
			if (bytes_equal_text(name, nic->altnames[k]))
				found = nic;
	}
	return found;
}

const struct pci_function *inventory_function_of(const struct inventory *inventory,
						 const struct nic *nic)
{
	return nic->has_pci ? inventory_find_function(inventory, &nic->pci) : NULL;
}

static bool is_on_virtual_function(const struct inventory *inventory, const struct nic *nic)
{
	const struct pci_function *function = inventory_function_of(inventory, nic);

	return function && function->has_physfn;
}

void inventory_count(const struct inventory *inventory, size_t *ret_functions, size_t *ret_nics)
{
	size_t n_functions = 0, n_nics = 0;

	for (size_t i = 0; i < inventory->n_functions; i++)
		n_functions += !inventory->functions[i].has_physfn;
	for (size_t i = 0; i < inventory->n_nics; i++)
		n_nics += !is_on_virtual_function(inventory, &inventory->nics[i]);
	*ret_functions = n_functions;
	*ret_nics = n_nics;
}

int inventory_vf_index(const struct inventory *inventory, const struct pci_function *function)
{
	int index = 0;

	if (!function->has_physfn)
		return UNKNOWN;
	for (size_t i = 0; i < inventory->n_functions; i++) {
		const struct pci_function *other = &inventory->functions[i];

		if (other->has_physfn && pci_address_equal(&other->physfn, &function->physfn) &&
		    pci_address_compare(&other->address, &function->address) < 0)
			index++;
	}
	return index;
}

static bool same_number(int64_t a, int64_t b)
{
	return a == UNKNOWN || b == UNKNOWN || a == b;
}

static bool same_text(const char *a, const char *b)
{
	return !a || !b || strcmp(a, b) == 0;
}

bool pci_function_same(const struct pci_function *a, const struct pci_function *b)
{
	return pci_address_equal(&a->address, &b->address) && same_text(a->path, b->path) &&
	       a->vendor == b->vendor && a->device == b->device && a->class == b->class &&
	       same_number(a->subsystem_vendor, b->subsystem_vendor) &&
	       same_number(a->subsystem_device, b->subsystem_device) &&
	       same_number(a->revision, b->revision) && same_text(a->serial, b->serial) &&
	       same_text(a->slot, b->slot) && same_text(a->firmware_path, b->firmware_path);
}

bool nic_same(const struct nic *a, const struct nic *b)
{
	return strcmp(a->name, b->name) == 0 && same_text(a->mac, b->mac) &&
	       a->has_pci == b->has_pci && (!a->has_pci || pci_address_equal(&a->pci, &b->pci)) &&
	       same_number(a->port, b->port);
}

/* The next function from *@index on that is not virtual; NULL at the end. */
static const struct pci_function *next_function(const struct inventory *inventory, size_t *index)
{
	while (*index < inventory->n_functions) {
		const struct pci_function *function = &inventory->functions[(*index)++];

		if (!function->has_physfn)
			return function;
	}
	return NULL;
}

static const struct nic *next_nic(const struct inventory *inventory, size_t *index)
{
	while (*index < inventory->n_nics) {
		const struct nic *nic = &inventory->nics[(*index)++];

		if (!is_on_virtual_function(inventory, nic))
			return nic;
	}
	return NULL;
}

static bool same_functions(const struct inventory *a, const struct inventory *b)
{
	const struct pci_function *left, *right;
	size_t i = 0, k = 0;

	do {
		left = next_function(a, &i);
		right = next_function(b, &k);
	} while (left && right && pci_function_same(left, right));
	return !left && !right;
}

static bool same_nics(const struct inventory *a, const struct inventory *b)
{
	const struct nic *left, *right;
	size_t i = 0, k = 0;

	do {
		left = next_nic(a, &i);
		right = next_nic(b, &k);
	} while (left && right && nic_same(left, right));
	return !left && !right;
}

/* One function's IOMMU group on either side. */
struct group_pair {
	int a;
	int b;
};

static int compare_pairs(const void *a, const void *b)
{
	const struct group_pair *left = a, *right = b;

	if (left->a != right->a)
		return left->a < right->a ? -1 : 1;
	return (left->b > right->b) - (left->b < right->b);
}

/* Whether one group of the first side is always one and the same group of the second. */
static bool groups_follow(struct group_pair *pairs, size_t n)
{
	if (n)
		qsort(pairs, n, sizeof(*pairs), compare_pairs);
	for (size_t i = 1; i < n; i++)
		if (pairs[i - 1].a == pairs[i].a && pairs[i - 1].b != pairs[i].b)
			return false;
	return true;
}

/*
 * Whether groups have the same members; the kernel deals out their numbers anew at each boot. Both
 * sides have the same functions. Without memory to tell they count as different.
 */
static bool same_groups(const struct inventory *a, const struct inventory *b)
{
	_cleanup_free_ struct group_pair *pairs = calloc(a->n_functions + 1, sizeof(*pairs));
	const struct pci_function *left, *right;
	size_t i = 0, k = 0, n = 0;

	if (!pairs)
		return false;
	while ((left = next_function(a, &i)) && (right = next_function(b, &k)))
		if (left->iommu_group != UNKNOWN && right->iommu_group != UNKNOWN)
			pairs[n++] = (struct group_pair){ left->iommu_group, right->iommu_group };
	if (!groups_follow(pairs, n))
		return false;
	for (size_t p = 0; p < n; p++)
		pairs[p] = (struct group_pair){ pairs[p].b, pairs[p].a };
	return groups_follow(pairs, n);
}

bool inventory_same_hardware(const struct inventory *a, const struct inventory *b)
{
	return same_text(a->machine, b->machine) && same_functions(a, b) && same_nics(a, b) &&
	       same_groups(a, b);
}

int octets_normalise(struct bytes text, char separator, char *out, size_t out_size)
{
	if (text.size % 3 != 2 || text.size >= out_size)
		return -EINVAL;
	for (size_t i = 0; i < text.size; i++) {
		int digit = number_hex_digit(text.data[i]);

		if (i % 3 == 2 ? text.data[i] != separator : digit < 0)
			return -EINVAL;
		out[i] = i % 3 == 2 ? separator : "0123456789abcdef"[digit];
	}
	out[text.size] = '\0';
	return (int)(text.size + 1) / 3;
}

static bool is_name(struct bytes name, size_t max)
{
	if (name.size == 0 || name.size > max)
		return false;
	if (bytes_equal_text(name, ".") || bytes_equal_text(name, ".."))
		return false;
	for (size_t i = 0; i < name.size; i++) {
		uint8_t c = (uint8_t)name.data[i];

		/* The kernel's isspace() takes Latin-1's no-break space for a blank, too. */
		if (c <= ' ' || c == '/' || c == ':' || c == 0x7f || c == 0xa0)
			return false;
	}
	return true;
}

bool nic_name_is_valid(struct bytes name)
{
	return is_name(name, NIC_NAME_MAX);
}

bool nic_altname_is_valid(struct bytes name)
{
	return is_name(name, NIC_ALTNAME_MAX);
}
