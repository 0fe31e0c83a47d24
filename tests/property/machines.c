/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/property/machines.h"

#include <stdarg.h>
#include <stdio.h>

#include "snapshot/basic/number.h"

/* splitmix64: one multiplication apart from a counter, and the same everywhere. */
static uint64_t next_number(struct chance *chance)
{
	uint64_t z = (chance->state += 0x9e3779b97f4a7c15ULL);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

struct chance chance_start(uint64_t seed)
{
	return (struct chance){ seed };
}

unsigned int chance_below(struct chance *chance, unsigned int limit)
{
	return (unsigned int)(next_number(chance) % limit);
}

bool chance_happens(struct chance *chance, unsigned int percent)
{
	return chance_below(chance, 100) < percent;
}

uint64_t chance_setting(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);
	uint64_t value;

	if (!text)
		return otherwise;
	if (number_parse(bytes_of(text), 10, UINT64_MAX, &value) < 0) {
		(void)fprintf(stderr, "%s is not a number\n", name);
		exit(EXIT_FAILURE);
	}
	return value;
}

/* Which functions of a card tell its serial number. */
enum telling {
	TELLS_ALL,
	TELLS_FIRST
};

/**
 * struct kind - A model of card
 * @numbered:  of a hundred such cards, how many have a serial number
 * @one_serial: the maker gives all of them the same
 * @companion: functions from the second on are another model (a display's sound)
 * @links:     NICs on each function
 * @ports:     downstream ports, for a switch
 */
static const struct kind {
	uint16_t vendor;
	uint16_t device;
	uint16_t subsystem;
	uint32_t class;
	unsigned int functions;
	uint16_t companion;
	unsigned int links;
	unsigned int virtuals;
	unsigned int ports;
	unsigned int numbered;
	enum telling telling;
	bool one_serial;
	bool one_mac;
	bool usb;
} kinds[] = {
	/* One port, with the serial number that is the same on all of them; and one of our own. */
	{ 0x10ec, 0x8168, 0x8677, 0x020000, .functions = 1, .links = 1, .numbered = 100,
	  .one_serial = true },
	{ 0x1d6a, 0x07b1, 0x8741, 0x020000, .functions = 1, .links = 1 },
	{ 0x8086, 0x15f3, 0x87d2, 0x020000, .functions = 1, .links = 1, .numbered = 100 },
	/* Functions of one serial number, told by all of them or by the first only. */
	{ 0x8086, 0x1521, 0x5001, 0x020000, .functions = 2, .links = 1, .numbered = 100 },
	{ 0x14e4, 0x165f, 0x1981, 0x020000, .functions = 2, .links = 1, .numbered = 60,
	  .telling = TELLS_FIRST },
	/* Two ports on one function, no serial number. */
	{ 0x15b3, 0x1003, 0x0055, 0x020000, .functions = 1, .links = 2 },
	/* With virtual functions. */
	{ 0x8086, 0x1572, 0x0007, 0x020000, .functions = 2, .links = 1, .virtuals = 3,
	  .numbered = 100 },
	/* A maker who gives all NICs one address. */
	{ 0x1106, 0x3106, 0x0105, 0x020000, .functions = 1, .links = 1, .one_mac = true },
	{ 0x1000, 0x0072, 0x3020, 0x010700, .functions = 1, .numbered = 50 },
	{ 0x2646, 0x5024, 0x5024, 0x010802, .functions = 1, .numbered = 30 },
	{ 0x197b, 0x0585, 0x0000, 0x010601, .functions = 1 },
	{ 0x1b21, 0x1166, 0x2116, 0x010601, .functions = 1, .numbered = 100, .one_serial = true },
	{ 0x8086, 0x56a6, 0x4019, 0x030000, .functions = 2, .companion = 0x4f92 },
	{ 0x1002, 0x744c, 0x2422, 0x030000, .functions = 2, .companion = 0xab30, .numbered = 50,
	  .telling = TELLS_FIRST },
	{ 0x1106, 0x9202, 0x9202, 0x0c0330, .functions = 4 },
	{ 0x10b5, 0x8747, 0x8747, 0x060400, .functions = 1, .ports = 3 },
	{ .links = 1, .usb = true },
};

#define KIND_SWITCH 15
#define KIND_USB    16

static const struct kind *kind_of(const struct machine *machine, int card)
{
	return &kinds[machine->cards[card].kind];
}

unsigned int machine_ports_of(const struct machine *machine, int card)
{
	const struct kind *kind = kind_of(machine, card);

	return kind->usb ? 0 : kind->functions * kind->links;
}

bool machine_same_model(const struct machine *machine, int a, int b)
{
	return machine->cards[a].kind == machine->cards[b].kind;
}

int machine_slot_of(const struct machine *machine, int card)
{
	for (unsigned int i = 0; i < machine->n_slots; i++)
		if (machine->slots[i].card == card)
			return (int)i;
	return NO_CARD;
}

static struct slot *add_slot(struct machine *machine, uint32_t domain, unsigned int device,
			     unsigned int function)
{
	struct slot *slot = &machine->slots[machine->n_slots];

	if (machine->n_slots == MACHINE_SLOTS)
		return NULL;
	machine->n_slots++;
	*slot = (struct slot){ .domain = domain,
			       .device = (uint8_t)device,
			       .function = (uint8_t)function,
			       .parent = NO_CARD,
			       .card = NO_CARD };
	return slot;
}

static int new_card(struct machine *machine, unsigned int kind, struct chance *chance)
{
	int index = (int)machine->n_cards;
	struct card *card = &machine->cards[index];

	if (machine->n_cards == MACHINE_CARDS)
		return NO_CARD;
	machine->n_cards++;
	*card = (struct card){ .kind = kind,
			       .vfio = chance_happens(chance, 25) ? chance_below(chance, 0x100)
								  : 0 };
	if (chance_happens(chance, kinds[kind].numbered))
		card->serial = kinds[kind].one_serial ? kinds[kind].device : 0x10000U + index;
	if (kinds[kind].one_mac)
		card->mac = 0xff00;
	else if (kinds[kind].links && chance_happens(chance, 90))
		card->mac = ((uint64_t)index + 1) << 8;
	if (kinds[kind].virtuals && chance_happens(chance, 50))
		card->virtuals = 1 + chance_below(chance, kinds[kind].virtuals);
	for (unsigned int i = 0; i < kinds[kind].ports; i++) {
		struct slot *slot = add_slot(machine, 0, 4 * (i + 1), 0);

		if (slot)
			slot->parent = index;
	}
	return index;
}

/* Few kinds at a time, so that there are twins. */
static unsigned int random_kind(struct chance *chance, const struct machine *machine)
{
	if (machine->n_cards && chance_happens(chance, 50))
		return machine->cards[chance_below(chance, machine->n_cards)].kind;
	return chance_below(chance, ARRAY_SIZE(kinds));
}

/* Whether a slot is there at all: the switch that it is on is in the machine itself. */
static bool slot_exists(const struct machine *machine, const struct slot *slot)
{
	while (slot->parent != NO_CARD) {
		int holder = machine_slot_of(machine, slot->parent);

		if (holder == NO_CARD)
			return false;
		slot = &machine->slots[holder];
	}
	return true;
}

/* Whether a slot is on the given card, at whatever distance. */
static bool slot_is_on(const struct machine *machine, const struct slot *slot, int card)
{
	while (slot->parent != NO_CARD) {
		int holder = machine_slot_of(machine, slot->parent);

		if (slot->parent == card)
			return true;
		if (holder == NO_CARD)
			return false;
		slot = &machine->slots[holder];
	}
	return false;
}

static int random_slot(const struct machine *machine, struct chance *chance, bool occupied)
{
	unsigned int start = chance_below(chance, machine->n_slots);

	for (unsigned int i = 0; i < machine->n_slots; i++) {
		unsigned int index = (start + i) % machine->n_slots;
		const struct slot *slot = &machine->slots[index];

		if (!slot->onboard && (slot->card != NO_CARD) == occupied &&
		    slot_exists(machine, slot))
			return (int)index;
	}
	return NO_CARD;
}

/* USB NICs stand in no slot: they are in the machine until they are gone. */
static void plug_in(struct machine *machine, unsigned int kind, struct chance *chance)
{
	int slot = random_slot(machine, chance, false);
	int card;

	if (slot == NO_CARD && !kinds[kind].usb)
		return;
	card = new_card(machine, kind, chance);
	if (card != NO_CARD && !kinds[kind].usb)
		machine->slots[slot].card = card;
}

static void add_board(struct machine *machine, struct chance *chance)
{
	unsigned int n_ports = 3 + chance_below(chance, 8);
	bool wide = chance_happens(chance, 15);

	for (unsigned int i = 0; i < n_ports; i++) {
		struct slot *slot =
			add_slot(machine, wide && i >= n_ports - 2 ? 0x10000 : 0, 1 + i / 4, i % 4);

		if (slot)
			slot->hides = chance_happens(chance, 50);
	}
	for (unsigned int i = 0; i < 2; i++) {
		struct slot *slot = add_slot(machine, 0, i ? 0x17 : 0x1f, i ? 0 : 6);

		if (!slot)
			continue;
		slot->onboard = true;
		slot->card = new_card(machine, i ? 10 : 2, chance);
	}
}

void machine_build(struct machine *machine, struct chance *chance)
{
	unsigned int n_cards = 1 + chance_below(chance, 9);

	*machine = (struct machine){ .first_bus = 1 + chance_below(chance, 8),
				     .slot_names = chance_happens(chance, 40) };
	add_board(machine, chance);
	for (unsigned int i = 0; i < n_cards; i++)
		plug_in(machine, random_kind(chance, machine), chance);
}

const char *machine_change_to_string(enum machine_change change)
{
	static const char *const names[_MACHINE_CHANGE_MAX] = {
		[MACHINE_ADD] = "add",         [MACHINE_REMOVE] = "remove",
		[MACHINE_MOVE] = "move",       [MACHINE_SWAP] = "swap",
		[MACHINE_REPLACE] = "replace", [MACHINE_REPLACE_BY_TWIN] = "replace-by-twin",
		[MACHINE_DRIVER] = "driver",   [MACHINE_VIRTUALS] = "virtuals",
		[MACHINE_SHIFT] = "shift",
	};

	return names[change];
}

static void remove_card(struct machine *machine, int slot)
{
	int card = machine->slots[slot].card;

	/* What sits on a switch goes with it. */
	for (unsigned int i = 0; i < machine->n_slots; i++)
		if (machine->slots[i].card != NO_CARD &&
		    slot_is_on(machine, &machine->slots[i], card))
			machine->cards[machine->slots[i].card].gone = true;
	machine->cards[card].gone = true;
	machine->slots[slot].card = NO_CARD;
}

static void move_card(struct machine *machine, struct chance *chance)
{
	int from = random_slot(machine, chance, true), to = random_slot(machine, chance, false);

	if (from == NO_CARD || to == NO_CARD ||
	    slot_is_on(machine, &machine->slots[to], machine->slots[from].card))
		return;
	machine->slots[to].card = machine->slots[from].card;
	machine->slots[from].card = NO_CARD;
}

/* Another slot with a card of the same model, or the slot itself. */
static int slot_of_twin(const struct machine *machine, int slot)
{
	for (unsigned int i = 0; i < machine->n_slots; i++)
		if ((int)i != slot && machine->slots[i].card != NO_CARD &&
		    !machine->slots[i].onboard && slot_exists(machine, &machine->slots[i]) &&
		    machine_same_model(machine, machine->slots[i].card, machine->slots[slot].card))
			return (int)i;
	return slot;
}

static void swap_cards(struct machine *machine, struct chance *chance)
{
	int a = random_slot(machine, chance, true), b = random_slot(machine, chance, true);
	int card;

	if (a != NO_CARD && chance_happens(chance, 50))
		b = slot_of_twin(machine, a);
	if (a == NO_CARD || a == b ||
	    slot_is_on(machine, &machine->slots[a], machine->slots[b].card) ||
	    slot_is_on(machine, &machine->slots[b], machine->slots[a].card))
		return;
	card = machine->slots[a].card;
	machine->slots[a].card = machine->slots[b].card;
	machine->slots[b].card = card;
}

static void replace_card(struct machine *machine, struct chance *chance, bool by_twin)
{
	int slot = random_slot(machine, chance, true);
	unsigned int kind;

	if (slot == NO_CARD)
		return;
	kind = by_twin ? machine->cards[machine->slots[slot].card].kind
		       : random_kind(chance, machine);
	if (kinds[kind].usb || machine->n_cards == MACHINE_CARDS)
		return;
	remove_card(machine, slot);
	machine->slots[slot].card = new_card(machine, kind, chance);
}

void machine_change(struct machine *machine, enum machine_change change, struct chance *chance)
{
	unsigned int any = chance_below(chance, machine->n_cards);
	int slot;

	switch (change) {
	case MACHINE_ADD:
		plug_in(machine, random_kind(chance, machine), chance);
		break;
	case MACHINE_REMOVE:
		slot = random_slot(machine, chance, true);
		if (kinds[machine->cards[any].kind].usb)
			machine->cards[any].gone = true;
		else if (slot != NO_CARD)
			remove_card(machine, slot);
		break;
	case MACHINE_MOVE:
		move_card(machine, chance);
		break;
	case MACHINE_SWAP:
		swap_cards(machine, chance);
		break;
	case MACHINE_REPLACE:
	case MACHINE_REPLACE_BY_TWIN:
		replace_card(machine, chance, change == MACHINE_REPLACE_BY_TWIN);
		break;
	case MACHINE_DRIVER:
		machine->cards[any].vfio ^= 1U << chance_below(chance, 2);
		break;
	case MACHINE_VIRTUALS:
		machine->cards[any].virtuals =
			chance_below(chance, kind_of(machine, (int)any)->virtuals + 1);
		break;
	case MACHINE_SHIFT:
		machine->first_bus = 1 + chance_below(chance, 8);
		break;
	case _MACHINE_CHANGE_MAX:
	default:
		break;
	}
}

/* A function or a NIC on its way into an inventory. */
struct seen {
	struct pci_function function;
	struct nic nic;
	struct identity identity;
};

#define SEEN_MAX 512

/**
 * struct look - One look at a machine
 * @last_bus: highest bus number dealt out so far in the domain that is looked at
 */
struct look {
	const struct machine *machine;
	const struct sight *sight;
	struct chance *chance;
	struct arena *arena;
	struct seen functions[SEEN_MAX];
	size_t n_functions;
	struct seen nics[SEEN_MAX];
	size_t n_nics;
	uint8_t last_bus;
};

static void need(bool fine)
{
	if (!fine)
		abort();
}

_printf_(2, 3) static const char *text(struct look *look, const char *format, ...)
{
	const char *copy;
	char buffer[256];
	va_list arguments;

	va_start(arguments, format);
	need(vsnprintf(buffer, sizeof(buffer), format, arguments) < (int)sizeof(buffer));
	va_end(arguments);
	copy = arena_copy_text(look->arena, buffer);
	need(copy != NULL);
	return copy;
}

static const char *serial_text(struct look *look, uint64_t serial)
{
	if (serial == 0x8168)
		return text(look, "01-00-00-00-68-4c-e0-00");
	return text(look, "a8-a1-59-ff-ff-%02x-%02x-%02x", (unsigned int)(serial >> 16) & 0xff,
		    (unsigned int)(serial >> 8) & 0xff, (unsigned int)serial & 0xff);
}

/**
 * struct spot - Where a function is seen
 * @path: of the bridge above it
 * @slot: number of the slot, for its name; NO_CARD for none
 */
struct spot {
	uint32_t domain;
	uint8_t bus;
	const char *path;
	int slot;
};

static struct pci_function *see_function(struct look *look, const struct spot *spot,
					 unsigned int device, unsigned int function,
					 struct identity identity)
{
	struct seen *seen = &look->functions[look->n_functions++];

	need(look->n_functions <= SEEN_MAX);
	*seen = (struct seen){ .identity = identity };
	seen->function = (struct pci_function){
		.address = { spot->domain, spot->bus, (uint8_t)device, (uint8_t)function },
		.path = text(look, "%s/%02x.%x", spot->path, device, function),
		.subsystem_vendor = UNKNOWN,
		.subsystem_device = UNKNOWN,
		.revision = UNKNOWN,
		.iommu_group = UNKNOWN,
		.boot_vga = UNKNOWN,
	};
	if (look->machine->slot_names && spot->slot != NO_CARD)
		seen->function.slot = text(look, "%d", spot->slot);
	return &seen->function;
}

static void see_port(struct look *look, const struct spot *spot, const struct slot *slot,
		     struct identity identity, uint16_t vendor, uint16_t device)
{
	struct pci_function *function =
		see_function(look, spot, slot->device, slot->function, identity);

	function->vendor = vendor;
	function->device = device;
	function->class = 0x060400;
}

static void see_link(struct look *look, int card, unsigned int part, const char *name,
		     const struct pci_function *function, unsigned int port, uint64_t mac)
{
	struct seen *seen = &look->nics[look->n_nics++];

	need(look->n_nics <= SEEN_MAX);
	*seen = (struct seen){ .identity = { card, part } };
	seen->nic = (struct nic){ .name = strlen(name) <= NIC_NAME_MAX
						  ? name
						  : text(look, "eth%dx%x", card, part),
				  .has_pci = function != NULL,
				  .port = function && look->sight->ports ? (int)port : UNKNOWN,
				  .settled = true };
	if (function)
		seen->nic.pci = function->address;
	if (mac && chance_happens(look->chance, look->sight->macs))
		seen->nic.mac = text(look, "a8:a1:59:%02x:%02x:%02x",
				     (unsigned int)(mac >> 16) & 0xff,
				     (unsigned int)(mac >> 8) & 0xff, (unsigned int)mac & 0xff);
}

/* The name systemd gives a NIC by its path; systemd.net-naming-scheme(7). */
static const char *path_name(struct look *look, const struct pci_address *address, bool several,
			     const char *tail)
{
	const char *domain = address->domain ? text(look, "P%u", address->domain) : "";
	const char *function = several || address->function ? text(look, "f%u", address->function)
							    : "";

	return text(look, "en%sp%us%u%s%s", domain, address->bus, address->device, function, tail);
}

/* Parts of a card: functions are 0 to 7, virtual ones from 0x40 on, links from 0x100 on. */
static void see_links(struct look *look, int card, const struct pci_function *seen)
{
	const struct kind *kind = kind_of(look->machine, card);
	const struct card *state = &look->machine->cards[card];
	const struct pci_address address = seen->address;
	unsigned int number = address.function;

	for (unsigned int port = 0; port < kind->links && !(state->vfio >> number & 1); port++) {
		const char *tail = port ? text(look, "d%u", port) : "";

		see_link(look, card, 0x100 + number * 4 + port,
			 path_name(look, &address, kind->functions > 1, tail), seen, port,
			 state->mac ? state->mac + number * 4 + port : 0);
	}
}

static void see_virtuals(struct look *look, const struct spot *spot, int card,
			 struct pci_address physfn)
{
	const struct kind *kind = kind_of(look->machine, card);
	const struct card *state = &look->machine->cards[card];

	for (unsigned int i = 0; i < state->virtuals; i++) {
		struct pci_function *seen = see_function(look, spot, 0x10 + 2 * i / 8, 2 * i % 8,
							 (struct identity){ card, 0x40 + i });

		seen->vendor = kind->vendor;
		seen->device = (uint16_t)(kind->device + 1);
		seen->class = kind->class;
		seen->has_physfn = true;
		seen->physfn = physfn;
		/* Their addresses are made up anew each time. */
		if (!(state->vfio & 0x80))
			see_link(look, card, 0x200 + i,
				 path_name(look, &physfn, true, text(look, "v%u", i)), seen, 0,
				 0x20000 + chance_below(look->chance, 0x10000));
	}
}

static void see_card(struct look *look, const struct spot *spot, int card, unsigned int device,
		     unsigned int first_function)
{
	const struct kind *kind = kind_of(look->machine, card);
	const struct card *state = &look->machine->cards[card];

	for (unsigned int i = 0; i < kind->functions; i++) {
		struct pci_function *seen = see_function(look, spot, device, first_function + i,
							 (struct identity){ card, i });

		seen->vendor = kind->vendor;
		seen->device = i && kind->companion ? kind->companion : kind->device;
		seen->class = i && kind->companion ? 0x040300 : kind->class;
		if (look->sight->subsystems) {
			seen->subsystem_vendor = 0x1043;
			seen->subsystem_device = kind->subsystem;
		}
		if (state->serial && (i == 0 || kind->telling == TELLS_ALL) &&
		    chance_happens(look->chance, look->sight->serials))
			seen->serial = serial_text(look, state->serial);
		if (chance_happens(look->chance, look->sight->unreadable)) {
			seen->vendor = seen->device = 0xffff;
			seen->subsystem_vendor = seen->subsystem_device = 0xffff;
			seen->class = 0xffffff;
			seen->serial = NULL;
			continue;
		}
		see_links(look, card, seen);
		if (i == 0)
			see_virtuals(look, spot, card, seen->address);
	}
}

static void see_slot(struct look *look, const struct spot *spot, unsigned int index);

/* The ports on one bus, in the order in which firmware looks for them. */
static void see_bus(struct look *look, const struct spot *spot, int parent)
{
	const struct machine *machine = look->machine;

	for (unsigned int place = 0; place < 0x100; place++)
		for (unsigned int i = 0; i < machine->n_slots; i++) {
			const struct slot *slot = &machine->slots[i];

			if (slot->parent == parent && slot->device * 8U + slot->function == place &&
			    (parent != NO_CARD || slot->domain == spot->domain))
				see_slot(look, spot, i);
		}
}

static void see_switch(struct look *look, const struct spot *spot, int card)
{
	const struct kind *kind = kind_of(look->machine, card);
	struct spot behind = *spot;
	struct pci_function *upstream =
		see_function(look, spot, 0, 0, (struct identity){ card, 0 });

	upstream->vendor = kind->vendor;
	upstream->device = kind->device;
	upstream->class = kind->class;
	behind.bus = ++look->last_bus;
	behind.path = upstream->path;
	see_bus(look, &behind, card);
}

static void see_slot(struct look *look, const struct spot *spot, unsigned int index)
{
	const struct slot *slot = &look->machine->slots[index];
	struct spot behind = { .domain = spot->domain, .slot = (int)index };

	if (slot->onboard) {
		see_card(look, spot, slot->card, slot->device, slot->function);
		return;
	}
	if (slot->hides && slot->card == NO_CARD)
		return;
	if (slot->parent == NO_CARD)
		see_port(look, spot, slot, (struct identity){ BOARD, index }, 0x8086, 0x7ab8);
	else
		see_port(look, spot, slot, (struct identity){ slot->parent, 8U + slot->device },
			 kind_of(look->machine, slot->parent)->vendor, 0x8748);
	behind.bus = ++look->last_bus;
	behind.path = text(look, "%s/%02x.%x", spot->path, slot->device, slot->function);
	if (slot->card == NO_CARD)
		return;
	if (look->machine->cards[slot->card].kind == KIND_SWITCH)
		see_switch(look, &behind, slot->card);
	else
		see_card(look, &behind, slot->card, 0, 0);
}

static void see_all(struct look *look)
{
	static const uint32_t domains[] = { 0, 0x10000 };

	for (size_t i = 0; i < ARRAY_SIZE(domains); i++) {
		struct spot spot = { .domain = domains[i],
				     .path = text(look, "pci%04x:00", domains[i]),
				     .slot = NO_CARD };

		look->last_bus = (uint8_t)(look->machine->first_bus - 1);
		see_bus(look, &spot, NO_CARD);
	}
	for (unsigned int i = 0; i < look->machine->n_cards; i++) {
		const struct card *card = &look->machine->cards[i];

		if (card->kind == KIND_USB && !card->gone && !(card->vfio & 1))
			see_link(look, (int)i, 0x100, text(look, "usb%u", i), NULL, 0, card->mac);
	}
}

static void shuffle(struct seen *seen, size_t n, struct chance *chance)
{
	for (size_t i = n; i > 1; i--) {
		size_t other = chance_below(chance, (unsigned int)i);
		struct seen swap = seen[i - 1];

		seen[i - 1] = seen[other];
		seen[other] = swap;
	}
}

static void fill_scene(const struct look *look, struct scene *scene)
{
	struct inventory *inventory = &scene->inventory;

	for (size_t i = 0; i < look->n_functions; i++) {
		struct pci_function *function = inventory_add_function(inventory);

		need(function != NULL);
		*function = look->functions[i].function;
		if (!look->sight->paths)
			function->path = NULL;
	}
	for (size_t i = 0; i < look->n_nics; i++) {
		struct nic *nic = inventory_add_nic(inventory);

		need(nic != NULL);
		*nic = look->nics[i].nic;
	}
	need(inventory_finish(inventory, "machine", NULL) == 0);
	scene->functions = calloc(look->n_functions + 1, sizeof(*scene->functions));
	scene->nics = calloc(look->n_nics + 1, sizeof(*scene->nics));
	need(scene->functions && scene->nics);
	for (size_t i = 0; i < look->n_functions; i++) {
		const struct pci_function *found =
			inventory_find_function(inventory, &look->functions[i].function.address);

		scene->functions[found - inventory->functions] = look->functions[i].identity;
	}
	for (size_t i = 0; i < look->n_nics; i++) {
		const struct nic *found =
			inventory_find_nic(inventory, bytes_of(look->nics[i].nic.name));

		scene->nics[found - inventory->nics] = look->nics[i].identity;
	}
}

void machine_look(const struct machine *machine, const struct sight *sight, struct chance *chance,
		  struct scene *ret_scene)
{
	struct look *look = calloc(1, sizeof(*look));
	struct scene scene = { 0 };

	need(look != NULL);
	look->machine = machine;
	look->sight = sight;
	look->chance = chance;
	look->arena = &scene.inventory.arena;
	see_all(look);
	shuffle(look->functions, look->n_functions, chance);
	shuffle(look->nics, look->n_nics, chance);
	fill_scene(look, &scene);
	free(look);
	*ret_scene = scene;
}

void scene_done(struct scene *scene)
{
	if (!scene)
		return;
	inventory_done(&scene->inventory);
	free(scene->functions);
	free(scene->nics);
	*scene = (struct scene){ 0 };
}
