/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `devices`: the hardware, and who refers to it. */
#include <errno.h>

#include "agent/devices.h"
#include "agent/survey.h"
#include "snapshot/basic/log.h"
#include "snapshot/inventory-json.h"

static int print_json(const struct invocation *invocation, const struct inventory *inventory)
{
	struct json_writer writer = { 0 };
	_cleanup_json_ struct json_object *object = json_add_object(&writer, NULL, NULL);
	_cleanup_free_ char *text = NULL;
	size_t size = 0;
	int r;

	inventory_to_json(inventory, &writer, object);
	r = json_render(&writer, object, &text, &size);
	if (r == 0)
		(void)fwrite(text, 1, size, invocation->out);
	return r;
}

/* The mention of a unit, as a note below it. Return: 1 if there is one, 0 if not, or -ENOMEM. */
static int make_note(struct survey *survey, const struct subject *subject, size_t index,
		     struct devices_note *ret_note)
{
	const struct reference *reference = &subject->document->references[index];
	const struct binding *binding = &subject->bindings[index];
	struct buffer text = { 0 };
	const struct pairing *pairing;

	if (binding->unit == MEANS_NOBODY)
		return 0;
	pairing = &survey->resolution.pairings[binding->unit];
	if (pairing->fate != FATE_FOUND)
		return 0;
	if (reference->owner)
		buffer_appendf(&text, "%s ", reference->owner);
	if (reference->kind == REFERENCE_NIC)
		buffer_appendf(&text, "%s (%s:%u)", reference->key, subject->document->path,
			       reference->line);
	else
		buffer_appendf(&text, "%s (%s:%u)",
			       binding->parked ? "disabled bind entry" : "bind entry",
			       subject->document->path, reference->line);
	*ret_note = (struct devices_note){
		.nic = reference->kind == REFERENCE_NIC ? survey->now.nics[pairing->index].name
							: NULL,
		.address = reference->kind == REFERENCE_ADDRESS
				   ? survey->now.functions[pairing->index].address
				   : (struct pci_address){ 0 },
		.text = text.failed ? NULL : arena_copy(&survey->now.arena, buffer_bytes(&text)),
	};
	buffer_done(&text);
	return ret_note->text ? 1 : -ENOMEM;
}

static int collect_notes(struct survey *survey, struct devices_note **ret_notes, size_t *ret_n)
{
	struct devices_note *notes = NULL;
	size_t n = 0, allocated = 0;
	int r = 0;

	for (size_t i = 0; i < survey->resolution.n_subjects && r >= 0; i++) {
		const struct subject *subject = &survey->resolution.subjects[i];

		if (subject->document->unfit)
			continue;
		for (size_t j = 0; j < subject->document->n_references && r >= 0; j++) {
			r = ARRAY_RESERVE(notes, n, allocated);
			if (r == 0)
				r = make_note(survey, subject, j, &notes[n]);
			/* An entry may name its device several times in one line. */
			if (r > 0 && (n == 0 || strcmp(notes[n - 1].text, notes[n].text) != 0))
				n++;
		}
	}
	if (r < 0) {
		free(notes);
		return r;
	}
	*ret_notes = notes;
	*ret_n = n;
	return 0;
}

static int print_tree(const struct invocation *invocation, struct survey *survey)
{
	_cleanup_(udev_properties_done) struct udev_properties names = { 0 };
	_cleanup_free_ struct devices_note *notes = NULL;
	struct devices_view view = { .groups = invocation->groups };
	struct buffer text = { 0 };
	int r;

	r = collect_notes(survey, &notes, &view.n_notes);
	if (r == 0) {
		view.names = &names;
		view.notes = notes;
		terminal_look(fileno(invocation->out), &view.terminal);
		r = devices_print(&survey->now, &view, &text);
	}
	if (r == 0 && text.size)
		(void)fwrite(text.data, 1, text.size, invocation->out);
	buffer_done(&text);
	return r;
}

int command_devices(struct invocation *invocation)
{
	const struct survey_options options = { .details = true, .only_look = true };
	struct inventory inventory = { 0 };
	struct problem problem = { 0 };
	struct context context;
	struct survey survey;
	int r;

	r = context_open_config(invocation, &context, &problem);
	if (r < 0)
		return context_fail(r, &problem);
	r = survey_read_inventory(&context, options.details, &inventory, &problem);
	if (r == 0 && invocation->json) {
		r = print_json(invocation, &inventory);
		inventory_done(&inventory);
	} else if (r == 0) {
		/* Only root may read the state; without it there are no meanings, but devices. */
		r = store_open(&context.root, false, &context.store, NULL);
		if (r < 0)
			context.store = STORE_INIT;
		r = survey_begin(&context, 0, &survey, &problem);
		if (r == 0)
			r = survey_finish(&context, &options, &inventory, &survey, &problem);
		if (r == 0) {
			r = print_tree(invocation, &survey);
			survey_done(&survey);
		}
		inventory_done(&inventory);
	}
	context_done(&context);
	return r < 0 ? context_fail(r, &problem) : EXIT_STATUS_DONE;
}
