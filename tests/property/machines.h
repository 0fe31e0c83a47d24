/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Random machines for property tests: a board with root ports, cards in its slots, changes to them,
 * and the inventory that the program would see. Who built the machine knows which card is which;
 * the program has to find out.
 */
#pragma once

#include "snapshot/inventory.h"

/* A sequence of random numbers; the same seed gives the same machine everywhere. */
struct chance {
	uint64_t state;
};

struct chance chance_start(uint64_t seed);
/* Below @limit, which is not 0. */
unsigned int chance_below(struct chance *chance, unsigned int limit);
/* True in @percent of 100 cases. */
bool chance_happens(struct chance *chance, unsigned int percent);

/* A number from the environment, or @otherwise; ends the program if it is none. */
uint64_t chance_setting(const char *name, uint64_t otherwise);

#define MACHINE_CARDS 64
#define MACHINE_SLOTS 64
#define NO_CARD       (-1)

/**
 * struct card - One thing that can be put in a slot
 * @kind:       index into the table of models
 * @serial:     the number its maker gave it; 0 for none
 * @mac:        number that its MACs start from; 0: its NICs do not tell theirs
 * @vfio:       which of its functions vfio-pci holds now, a bit each: they have no links; the
 *              highest for its virtual functions
 * @virtuals:   how many virtual functions its first function has now
 * @gone:       taken out of the machine for good
 */
struct card {
	unsigned int kind;
	uint64_t serial;
	uint64_t mac;
	unsigned int vfio;
	unsigned int virtuals;
	bool gone;
};

/**
 * struct slot - A place for a card, behind a port of its own
 * @domain:    of the host bridge
 * @device, @function: of the port, on the bus that it is on
 * @parent:    the switch card that the port belongs to, or NO_CARD for a port of the board
 * @hides:     firmware does not show the port while it is empty, so it takes no bus number
 * @onboard:   the device stands in the place of a port, on the host bridge's bus itself
 * @card:      what is in it, or NO_CARD
 */
struct slot {
	uint32_t domain;
	uint8_t device;
	uint8_t function;
	int parent;
	bool hides;
	bool onboard;
	int card;
};

/**
 * struct machine - A board and all cards that were ever in it
 * @first_bus:  number of the first bus behind a port: stands for what else is in the machine
 * @slot_names: whether firmware names the slots
 */
struct machine {
	struct card cards[MACHINE_CARDS];
	unsigned int n_cards;
	struct slot slots[MACHINE_SLOTS];
	unsigned int n_slots;
	unsigned int first_bus;
	bool slot_names;
};

/**
 * struct sight - How much of the machine an inventory tells; percentages
 * @paths, @subsystems, @ports: known for all functions or NICs, or for none
 * @serials, @macs: chance of each to be known
 * @unreadable: chance of a function to read all ones
 */
struct sight {
	bool paths;
	bool subsystems;
	bool ports;
	unsigned int serials;
	unsigned int macs;
	unsigned int unreadable;
};

#define SIGHT_CLEAR      \
	((struct sight){ \
		.paths = true, .subsystems = true, .ports = true, .serials = 100, .macs = 100 })

/**
 * struct identity - Which thing something in an inventory really is
 * @card: index of the card; BOARD for ports of the board
 * @part: which part of it
 */
struct identity {
	int card;
	unsigned int part;
};

#define BOARD (-2)

static inline bool identity_equal(struct identity a, struct identity b)
{
	return a.card == b.card && a.part == b.part;
}

/**
 * struct scene - What the program sees, and what it really is
 * @functions, @nics: one identity per function and per NIC of @inventory
 */
struct scene {
	struct inventory inventory;
	struct identity *functions;
	struct identity *nics;
};

void scene_done(struct scene *scene);

/* A machine with some cards in it. */
void machine_build(struct machine *machine, struct chance *chance);

/* What one change did, for telling failures apart. */
enum machine_change {
	MACHINE_ADD,
	MACHINE_REMOVE,
	MACHINE_MOVE,
	MACHINE_SWAP,
	MACHINE_REPLACE,
	MACHINE_REPLACE_BY_TWIN,
	MACHINE_DRIVER,
	MACHINE_VIRTUALS,
	MACHINE_SHIFT,
	_MACHINE_CHANGE_MAX,
};
const char *machine_change_to_string(enum machine_change change);
/* Carries one out, if there is anything to do it to. */
void machine_change(struct machine *machine, enum machine_change change, struct chance *chance);

/* Look at the machine; things are found in random order. The caller releases the scene. */
void machine_look(const struct machine *machine, const struct sight *sight, struct chance *chance,
		  struct scene *ret_scene);

/* Whether a card is in the machine, and where: a number of its slot, stable while it stays there.
 */
int machine_slot_of(const struct machine *machine, int card);

/* Whether cards are of the same model; whether a card of the kind carries NICs on PCI functions. */
bool machine_same_model(const struct machine *machine, int a, int b);
unsigned int machine_ports_of(const struct machine *machine, int card);
