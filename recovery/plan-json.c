/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The plan as JSON, schema hwrecover.plan/1. */
#include "recovery/plan.h"

#include <errno.h>

static void add_changes(const struct plan *plan, struct json_writer *writer,
			struct json_object *parent)
{
	struct json_object *array = json_add_array(writer, parent, "changes");

	for (size_t i = 0; i < plan->n_changes; i++) {
		const struct hardware_change *change = &plan->changes[i];
		struct json_object *object = json_add_object(writer, array, NULL);
		struct json_object *evidence;

		json_add_string(writer, object, "kind", change_kind_to_string(change->kind));
		json_add_string(writer, object, "what", change->what == UNIT_NIC ? "nic" : "pci");
		json_add_string(writer, object, "from", change->from);
		json_add_string(writer, object, "to", change->to);
		if (change->confidence == CONFIDENCE_NONE)
			json_add_null(writer, object, "confidence");
		else
			json_add_string(writer, object, "confidence",
					confidence_to_string(change->confidence));
		evidence = json_add_array(writer, object, "evidence");
		for (unsigned int bit = 0; bit < EVIDENCE_COUNT; bit++)
			if (change->evidence & (1U << bit))
				json_add_string(writer, evidence, NULL,
						evidence_to_string((enum evidence)(1U << bit)));
	}
}

static void add_line(struct json_writer *writer, struct json_object *object, const char *key,
		     const char *line)
{
	if (line)
		json_add_bytes(writer, object, key, bytes_of(line));
	else
		json_add_null(writer, object, key);
}

static void add_edits(const struct plan *plan, struct json_writer *writer,
		      struct json_object *parent)
{
	struct json_object *array = json_add_array(writer, parent, "edits");

	for (size_t i = 0; i < plan->n_edits; i++) {
		const struct plan_edit *edit = &plan->edits[i];
		struct json_object *object = json_add_object(writer, array, NULL);

		add_line(writer, object, "file", edit->file);
		if (edit->line)
			json_add_integer(writer, object, "line", edit->line);
		else
			json_add_null(writer, object, "line");
		json_add_string(writer, object, "remedy", remedy_to_string(edit->remedy));
		add_line(writer, object, "from", edit->from);
		add_line(writer, object, "to", edit->to);
		add_line(writer, object, "reason", edit->reason);
	}
}

static void add_actions(const struct plan *plan, struct json_writer *writer,
			struct json_object *parent)
{
	struct json_object *array = json_add_array(writer, parent, "actions");

	for (size_t i = 0; i < plan->n_actions; i++) {
		struct json_object *object = json_add_object(writer, array, NULL);

		const struct plan_action *action = &plan->actions[i];
		struct pci_address_name name;

		json_add_string(writer, object, "do", action_kind_to_string(action->kind));
		if (action->kind == ACTION_IFUP)
			json_add_string(writer, object, "interface", action->interface);
		if (action->kind != ACTION_RELEASE)
			continue;
		json_add_string(writer, object, "address",
				pci_address_show(&action->address, &name));
		json_add_string(writer, object, "driver", action->driver);
	}
}

static void add_counts(const struct plan *plan, struct json_writer *writer,
		       struct json_object *parent)
{
	struct json_object *counts = json_add_object(writer, parent, "counts"), *array;

	array = json_add_array(writer, counts, "pci");
	json_add_integer(writer, array, NULL, (int64_t)plan->functions_before);
	json_add_integer(writer, array, NULL, (int64_t)plan->functions_after);
	array = json_add_array(writer, counts, "nics");
	json_add_integer(writer, array, NULL, (int64_t)plan->nics_before);
	json_add_integer(writer, array, NULL, (int64_t)plan->nics_after);
}

void plan_blocked_to_json(const struct plan *plan, struct json_writer *writer,
			  struct json_object *parent)
{
	struct json_object *array = json_add_array(writer, parent, "blocked");

	for (size_t i = 0; i < plan->n_blocked; i++) {
		const struct plan_blocked *blocked = &plan->blocked[i];
		struct json_object *object = json_add_object(writer, array, NULL);

		json_add_bytes(writer, object, "guest", bytes_of(blocked->guest));
		json_add_bool(writer, object, "autostart", blocked->autostart);
		json_add_bytes(writer, object, "reason", bytes_of(blocked->reason));
	}
}

void plan_changes_to_json(const struct plan *plan, struct json_writer *writer,
			  struct json_object *object)
{
	add_counts(plan, writer, object);
	add_changes(plan, writer, object);
}

int plan_to_json(const struct plan *plan, char **ret_text, size_t *ret_size)
{
	struct json_writer writer = { 0 };
	_cleanup_json_ struct json_object *object = json_add_object(&writer, NULL, NULL);
	struct json_object *array;

	json_add_string(&writer, object, "schema", PLAN_SCHEMA);
	if (plan->baseline)
		json_add_integer(&writer, object, "baseline", (int64_t)plan->baseline);
	else
		json_add_null(&writer, object, "baseline");
	plan_changes_to_json(plan, &writer, object);
	add_edits(plan, &writer, object);
	add_actions(plan, &writer, object);
	plan_blocked_to_json(plan, &writer, object);
	array = json_add_array(&writer, object, "warnings");
	for (size_t i = 0; i < plan->n_warnings; i++)
		json_add_bytes(&writer, array, NULL, bytes_of(plan->warnings[i]));
	return json_render(&writer, object, ret_text, ret_size);
}
