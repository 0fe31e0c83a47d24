/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The inventory as JSON, schema hwrecover.inventory/1; hwrecover-inventory(5). */
#pragma once

#include "snapshot/basic/json.h"
#include "snapshot/inventory.h"

#define INVENTORY_SCHEMA "hwrecover.inventory/1"

/* Largest inventory file that is read: 4,000 functions are 2 MiB. */
#define INVENTORY_MAX_SIZE (64U * 1024 * 1024)

/**
 * inventory_from_json() - Read an inventory
 * @object: a JSON object of this schema; a missing "schema" is read as /1, unknown keys are ignored
 * @file:   named in problems
 *
 * Required: address, vendor, device, class of each function, name of each NIC. Anything else may
 * be null or missing and is then unknown.
 *
 * Return: 0, or a negative errno with @problem set and nothing to release: -EBADMSG a missing key,
 * a wrong type or a bad value, -EEXIST a duplicate address or name, -EPROTONOSUPPORT another
 * schema.
 */
_must_check_ int inventory_from_json(struct json_object *object, const char *file,
				     struct inventory *ret_inventory, struct problem *problem);

/* Same, for the text of a file. */
_must_check_ int inventory_from_text(struct bytes text, const char *file,
				     struct inventory *ret_inventory, struct problem *problem);

/* Add the inventory's members to @object; every key of the schema is written, unknowns as null. */
void inventory_to_json(const struct inventory *inventory, struct json_writer *writer,
		       struct json_object *object);
