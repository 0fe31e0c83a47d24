/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * generate SEED DIRECTORY: a random machine before and after a random change, for the program.
 *
 *     before.json, after.json  what the program sees
 *     interfaces               a bridge for each NIC, and other mentions of it
 *     expected                 a line a NIC: its bridge, its name before, and its name after;
 *                              "-" for one that is gone, "?" for one that has no number of its
 *                              own (none, or one that another bears too): the program cannot
 *                              always know
 *     state-N.json, units-N    a history that begins with before and after and goes on, and a
 *                              line a function in each state: its address, and which part of
 *                              which card it is
 */
#include <errno.h>
#include <stdio.h>

#include "snapshot/basic/number.h"
#include "snapshot/inventory-json.h"
#include "tests/property/machines.h"

/* The first two are before and after. */
#define N_STATES 4

static FILE *open_file(const char *directory, const char *name)
{
	char path[4096];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "w");
	if (!file) {
		perror(path);
		exit(EXIT_FAILURE);
	}
	return file;
}

static void close_file(FILE *file)
{
	if (fclose(file) != 0) {
		perror("generate");
		exit(EXIT_FAILURE);
	}
}

static void write_inventory(const char *directory, const char *name, struct inventory *inventory,
			    const char *boot_id)
{
	struct json_writer writer = { 0 };
	_cleanup_json_ struct json_object *object = json_add_object(&writer, NULL, NULL);
	_cleanup_free_ char *text = NULL;
	FILE *file = open_file(directory, name);
	size_t size = 0;

	inventory->boot_id = boot_id;
	inventory_to_json(inventory, &writer, object);
	if (json_render(&writer, object, &text, &size) < 0)
		exit(EXIT_FAILURE);
	(void)fwrite(text, 1, size, file);
	close_file(file);
}

static void write_interfaces(const char *directory, const struct inventory *inventory)
{
	FILE *file = open_file(directory, "interfaces");

	(void)fputs("auto lo\niface lo inet loopback\n\nauto", file);
	for (size_t i = 0; i < inventory->n_nics; i++)
		(void)fprintf(file, " %s", inventory->nics[i].name);
	(void)fputc('\n', file);
	for (size_t i = 0; i < inventory->n_nics; i++) {
		const char *name = inventory->nics[i].name;

		(void)fprintf(file,
			      "\niface %s inet manual\n\nauto br%zu\niface br%zu inet manual\n"
			      "\tbridge-ports %s\n\tup ip link set dev %s mtu 900%zu\n",
			      name, i, i, name, name, i % 10);
	}
	close_file(file);
}

/* Whether a NIC's MAC is its own in an inventory: borne by no other. */
static bool has_number(const struct scene *scene, const struct nic *nic)
{
	size_t n = 0;

	for (size_t i = 0; nic->mac && i < scene->inventory.n_nics; i++)
		n += scene->inventory.nics[i].mac &&
		     strcmp(scene->inventory.nics[i].mac, nic->mac) == 0;
	return nic->mac && n <= 1;
}

static const char *name_after(const struct scene *after, struct identity identity)
{
	for (size_t i = 0; i < after->inventory.n_nics; i++)
		if (identity_equal(after->nics[i], identity))
			return after->inventory.nics[i].name;
	return "-";
}

static void write_expected(const char *directory, const struct scene *before,
			   const struct scene *after)
{
	FILE *file = open_file(directory, "expected");

	for (size_t i = 0; i < before->inventory.n_nics; i++) {
		const struct nic *nic = &before->inventory.nics[i];

		(void)fprintf(file, "br%zu %s %s\n", i, nic->name,
			      has_number(before, nic) && has_number(after, nic)
				      ? name_after(after, before->nics[i])
				      : "?");
	}
	close_file(file);
}

static void write_units(const char *directory, const char *name, const struct scene *scene)
{
	FILE *file = open_file(directory, name);

	for (size_t i = 0; i < scene->inventory.n_functions; i++) {
		struct pci_address_name address;

		(void)fprintf(file, "%s %d.%u\n",
			      pci_address_show(&scene->inventory.functions[i].address, &address),
			      scene->functions[i].card, scene->functions[i].part);
	}
	close_file(file);
}

static void write_state(const char *directory, unsigned int number, struct scene *scene)
{
	char name[32];

	(void)snprintf(name, sizeof(name), "state-%u.json", number);
	write_inventory(directory, name, &scene->inventory, NULL);
	(void)snprintf(name, sizeof(name), "units-%u", number);
	write_units(directory, name, scene);
}

/* @machine is as it was seen @after; what happens to it from then on changes nothing else. */
static void write_history(const char *directory, struct machine *machine, struct chance *chance,
			  struct scene *before, struct scene *after)
{
	static const enum machine_change changes[] = {
		MACHINE_ADD,     MACHINE_REMOVE,          MACHINE_MOVE, MACHINE_SWAP, MACHINE_SHIFT,
		MACHINE_REPLACE, MACHINE_REPLACE_BY_TWIN,
	};
	const struct sight sight = SIGHT_CLEAR;
	struct scene scene;

	write_state(directory, 0, before);
	write_state(directory, 1, after);
	for (unsigned int i = 2; i < N_STATES; i++) {
		machine_change(machine, changes[chance_below(chance, ARRAY_SIZE(changes))], chance);
		machine_look(machine, &sight, chance, &scene);
		write_state(directory, i, &scene);
		scene_done(&scene);
	}
}

int main(int argc, char **argv)
{
	static const enum machine_change changes[] = {
		MACHINE_ADD,  MACHINE_REMOVE, MACHINE_MOVE,
		MACHINE_SWAP, MACHINE_SHIFT,  MACHINE_REPLACE
	};
	const struct sight sight = SIGHT_CLEAR;
	struct scene before = { 0 }, after = { 0 };
	struct machine machine;
	struct chance chance;
	unsigned int n_changes;
	uint64_t seed;

	if (argc != 3 || number_parse(bytes_of(argv[1]), 10, UINT64_MAX, &seed) < 0) {
		(void)fputs("usage: generate SEED DIRECTORY\n", stderr);
		return 2;
	}
	chance = chance_start(seed);
	machine_build(&machine, &chance);
	machine_look(&machine, &sight, &chance, &before);
	n_changes = 1 + chance_below(&chance, 3);
	for (unsigned int i = 0; i < n_changes; i++)
		machine_change(&machine, changes[chance_below(&chance, ARRAY_SIZE(changes))],
			       &chance);
	machine_look(&machine, &sight, &chance, &after);

	write_interfaces(argv[2], &before.inventory);
	write_expected(argv[2], &before, &after);
	write_inventory(argv[2], "before.json", &before.inventory,
			"00000001-0000-4000-8000-000000000001");
	write_inventory(argv[2], "after.json", &after.inventory,
			"00000002-0000-4000-8000-000000000002");
	write_history(argv[2], &machine, &chance, &before, &after);
	scene_done(&before);
	scene_done(&after);
	return EXIT_SUCCESS;
}
