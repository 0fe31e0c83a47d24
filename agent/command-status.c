/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `status`: is all well, what changed, what was done, what needs a person. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>

#include "agent/hold-file.h"
#include "agent/report.h"
#include "agent/survey.h"
#include "agent/unmanaged.h"
#include "recovery/sources/bind.h"
#include "recovery/sources/interfaces.h"

/**
 * struct status - What there is to say
 * @last:      head of the last boot, or of what was done by hand; @has_last false without any
 * @done:      the snapshot that @last is or equals: what our last transaction edited
 * @unmanaged: files that name NICs and are not edited
 * @ports:     what is wrong with bridges and bonds, in words
 */
struct status {
	struct context *context;
	struct survey survey;
	struct snapshot last;
	bool has_last;
	struct unmanaged_files unmanaged;
	char **ports;
	size_t n_ports;
	size_t ports_allocated;
};

static void status_done(struct status *status)
{
	survey_done(&status->survey);
	snapshot_done(&status->last);
	unmanaged_files_done(&status->unmanaged);
	for (size_t i = 0; i < status->n_ports; i++)
		free(status->ports[i]);
	free(status->ports);
}

static _printf_(2, 3) int add_port_problem(struct status *status, const char *format, ...)
{
	struct buffer text = { 0 };
	va_list arguments;
	int r;

	r = ARRAY_RESERVE(status->ports, status->n_ports, status->ports_allocated);
	if (r < 0)
		return r;
	va_start(arguments, format);
	buffer_appendv(&text, format, arguments);
	va_end(arguments);
	r = buffer_finish(&text, &status->ports[status->n_ports], NULL);
	if (r < 0)
		buffer_done(&text);
	else
		status->n_ports++;
	return r;
}

/* The bridge or bond that a link is a port of, "" if of none. */
static void read_master(const struct root *root, const char *nic, char *ret_master, size_t size)
{
	char path[64], target[PATH_MAX];
	_cleanup_close_ int fd = -1;
	const char *slash;
	ssize_t length;

	*ret_master = '\0';
	(void)snprintf(path, sizeof(path), "/sys/class/net/%s", nic);
	fd = root_openat(root, path, O_RDONLY | O_DIRECTORY, 0);
	length = fd < 0 ? -1 : readlinkat(fd, "master", target, sizeof(target) - 1);
	if (length < 0)
		return;
	target[length] = '\0';
	slash = strrchr(target, '/');
	slash = slash ? slash + 1 : target;
	if (strlen(slash) < size)
		memcpy(ret_master, slash, strlen(slash) + 1);
}

static bool has_no_carrier(const struct root *root, const char *nic)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_close_ int fd = -1;
	char path[64];
	size_t size = 0;

	(void)snprintf(path, sizeof(path), "/sys/class/net/%s/carrier", nic);
	fd = root_openat(root, path, O_RDONLY, 0);
	return fd >= 0 && file_read_fd(fd, 16, &text, &size) == 0 && text[0] == '0';
}

/* A bridge without its port looks healthy to everything that only asks systemd. */
static int check_port(struct status *status, const struct subject *subject, size_t index)
{
	const struct root *root = &status->context->root;
	const struct reference *reference = &subject->document->references[index];
	const struct binding *binding = &subject->bindings[index];
	const struct pairing *pairing;
	char master[NIC_NAME_MAX + 1];
	const struct nic *nic;

	if (!reference->owner || binding->unit == MEANS_NOBODY || binding->parked ||
	    reference->suffix > 0 ||
	    (strcmp(reference->key, "bridge-ports") != 0 &&
	     strcmp(reference->key, "bond-slaves") != 0))
		return 0;
	pairing = &status->survey.resolution.pairings[binding->unit];
	if (pairing->fate != FATE_FOUND)
		return 0;
	nic = &status->survey.now.nics[pairing->index];
	read_master(root, nic->name, master, sizeof(master));
	if (strcmp(master, reference->owner) != 0)
		return add_port_problem(status, "%s does not have its port %s%s%s",
					reference->owner, nic->name,
					*master ? ", which is in " : "", master);
	if (has_no_carrier(root, nic->name))
		return add_port_problem(status, "%s: its port %s has no carrier: is the cable in?",
					reference->owner, nic->name);
	return 0;
}

static int check_ports(struct status *status)
{
	int r = 0;

	if (!status->context->root.live || status->context->invocation->inventory_file)
		return 0;
	for (size_t i = 0; i < status->survey.resolution.n_subjects && r == 0; i++) {
		const struct subject *subject = &status->survey.resolution.subjects[i];

		if (subject->document->source != &interfaces_source || subject->document->unfit)
			continue;
		for (size_t j = 0; j < subject->document->n_references && r == 0; j++)
			r = check_port(status, subject, j);
	}
	return r;
}

static int look(struct status *status, struct problem *problem)
{
	const struct survey_options options = { .honour_undone = true };
	struct name_set names;
	int r;

	r = survey_take(status->context, &options, &status->survey, problem);
	if (r < 0)
		return r;
	names = (struct name_set){ status->survey.names, status->survey.n_names };
	r = store_last(&status->context->store, &status->last, problem);
	status->has_last = r > 0;
	if (r >= 0)
		r = unmanaged_find(&status->context->root, &names, &status->unmanaged);
	if (r == 0)
		r = check_ports(status);
	return r;
}

/* The edits of the boot, or command, that was last. */
static bool has_done_something(const struct status *status)
{
	return status->has_last && !status->last.same_as && status->survey.newest.n_changes > 0;
}

/* What was edited away is a person's decision; what is parked waits for one, or for its NIC. */
static bool is_something_parked(const struct status *status)
{
	for (size_t i = 0; i < status->survey.meanings.n_parked; i++)
		if (!status->survey.meanings.parked[i].lost)
			return true;
	return false;
}

static bool needs_a_person(const struct status *status)
{
	const struct plan *plan = &status->survey.plan;

	return plan->n_warnings > 0 || !plan_is_empty(plan) || plan->n_blocked > 0 ||
	       status->n_ports > 0 || is_something_parked(status);
}

static bool has_findings(const struct status *status)
{
	return needs_a_person(status) || status->survey.plan.n_changes > 0;
}

static void print_headline(const struct status *status, const struct report *report)
{
	const struct config *config = &status->context->config;
	bool quiet = !needs_a_person(status);

	(void)fprintf(report->out, "%s%s%s\n",
		      terminal_style(&report->terminal, quiet ? STYLE_GREEN : STYLE_YELLOW),
		      quiet ? "All is well." : "Something needs you.",
		      terminal_style(&report->terminal, STYLE_END));
	if (config->mode != MODE_AUTO)
		(void)fprintf(report->out, "Mode:     %s (%s): nothing is edited\n",
			      mode_to_string(config->mode), config->mode_origin);
	if (!status->has_last)
		(void)fputs("Baseline: none yet; `hwrecover snapshot` takes one\n", report->out);
	else if (!status->survey.has_baseline)
		(void)fputs("Baseline: none yet; it is taken when this boot is finished\n",
			    report->out);
	else
		(void)fprintf(report->out, "Baseline: snapshot %" PRIu64 "\n",
			      status->survey.baseline_id);
}

/* A line for each thing that was done to a file: "  /etc/network/interfaces:4: remap: …" */
static void print_change(const struct report *report, const struct snapshot_change *change)
{
	const char *at = change->said ? change->said : "";

	do {
		size_t length = strcspn(at, "\n");
		_cleanup_free_ char *line = NULL;

		(void)fputs("  ", report->out);
		report_text(report, change->path);
		if (length && bytes_duplicate(bytes_make(at, length), &line) == 0) {
			(void)fputc(':', report->out);
			report_text(report, line);
		}
		(void)fputc('\n', report->out);
		at += length + (at[length] == '\n');
	} while (*at);
}

static void print_done(const struct status *status, const struct report *report)
{
	const struct snapshot *newest = &status->survey.newest;

	if (!has_done_something(status))
		return;
	(void)fprintf(report->out, "Done:     by %s, snapshot %" PRIu64 ":\n",
		      newest->reason ? newest->reason : "hwrecover", newest->id);
	for (size_t i = 0; i < newest->n_changes; i++)
		print_change(report, &newest->changes[i]);
}

static bool is_bind(const struct survey *survey, const char *path)
{
	const struct document *document = documents_find(&survey->documents, path);

	return document && is_bind_source(document->source);
}

static void print_parked(const struct status *status, const struct report *report)
{
	for (size_t i = 0; i < status->survey.meanings.n_parked; i++) {
		const struct parked_text *parked = &status->survey.meanings.parked[i];
		struct bytes text = bytes_of(parked->original);
		size_t end = strcspn(parked->original, "\n");
		_cleanup_free_ char *line = NULL;

		(void)fputs(is_bind(&status->survey, parked->path) ? "Disabled: " : "Parked:   ",
			    report->out);
		report_text(report, parked->path);
		/* Which entries a script is switched off for its edits say. */
		if (park_switches_off(parked))
			(void)fputs(": the whole script", report->out);
		else if (bytes_duplicate(bytes_slice(text, 0, end), &line) == 0) {
			(void)fputs(": ", report->out);
			report_text(report, line + strspn(line, " \t"));
		}
		if (parked->lost)
			(void)fputs("  (edited away; see `hwrecover restore`)", report->out);
		(void)fputc('\n', report->out);
	}
}

static void print_pending(const struct status *status, const struct report *report)
{
	const struct plan *plan = &status->survey.plan;

	for (size_t i = 0; i < plan->n_edits; i++) {
		(void)fputs("To do:    ", report->out);
		report_text(report, plan->edits[i].file);
		(void)fprintf(report->out, ":%u: ", plan->edits[i].line);
		report_text(report, plan->edits[i].reason);
		(void)fputc('\n', report->out);
	}
	if (plan->n_edits > 0)
		(void)fputs("          `hwrecover plan` shows the edits, `hwrecover apply` makes "
			    "them\n",
			    report->out);
	for (size_t i = 0; i < status->n_ports; i++) {
		(void)fputs("Look at:  ", report->out);
		report_text(report, status->ports[i]);
		(void)fputc('\n', report->out);
	}
	for (size_t i = 0; i < plan->n_warnings; i++) {
		(void)fputs("Look at:  ", report->out);
		report_text(report, plan->warnings[i]);
		(void)fputc('\n', report->out);
	}
}

static void print_unmanaged(const struct status *status, const struct report *report)
{
	for (size_t i = 0; i < status->unmanaged.n_items; i++) {
		const struct unmanaged_file *file = &status->unmanaged.items[i];

		(void)fputs("Not managed: ", report->out);
		report_text(report, file->path);
		(void)fprintf(report->out, " (%s) names ", file->kind);
		report_text(report, file->name);
		(void)fputs("; such files are never edited\n", report->out);
	}
}

/* Units that a stage of the boot keeps from starting. */
static void print_held_back(const struct status *status, const struct report *report)
{
	for (enum hold_kind kind = 0; kind < _HOLD_KIND_MAX; kind++)
		if (hold_file_exists(&status->context->root, kind))
			(void)fprintf(report->out,
				      "Held back: what starts %s guests, as not all that must not "
				      "start are kept from it yet (%s)\n",
				      kind == HOLD_PVE ? "Proxmox VE's" : "libvirt's",
				      hold_file_path(kind));
}

static void print_status(const struct status *status)
{
	struct report report;

	report_open(status->context->invocation, &report);
	print_headline(status, &report);
	report_changes(&report, &status->survey.plan, true);
	print_done(status, &report);
	print_parked(status, &report);
	report_blocked(&report, &status->survey.plan);
	print_held_back(status, &report);
	print_pending(status, &report);
	print_unmanaged(status, &report);
}

static void add_done(const struct status *status, struct json_writer *writer,
		     struct json_object *parent)
{
	struct json_object *array = json_add_array(writer, parent, "done");

	for (size_t i = 0; has_done_something(status) && i < status->survey.newest.n_changes; i++) {
		const struct snapshot_change *change = &status->survey.newest.changes[i];
		struct json_object *object = json_add_object(writer, array, NULL);

		json_add_bytes(writer, object, "file", bytes_of(change->path));
		json_add_bytes(writer, object, "said", bytes_of(change->said ? change->said : ""));
	}
}

static void add_parked(const struct status *status, struct json_writer *writer,
		       struct json_object *parent)
{
	struct json_object *array = json_add_array(writer, parent, "parked");

	for (size_t i = 0; i < status->survey.meanings.n_parked; i++) {
		const struct parked_text *parked = &status->survey.meanings.parked[i];
		struct json_object *object = json_add_object(writer, array, NULL);

		json_add_bytes(writer, object, "file", bytes_of(parked->path));
		json_add_bytes(writer, object, "text", bytes_of(parked->original));
		json_add_bool(writer, object, "lost", parked->lost);
	}
}

static void add_texts(struct json_writer *writer, struct json_object *array,
		      const char *const *texts, size_t n)
{
	for (size_t i = 0; i < n; i++)
		json_add_bytes(writer, array, NULL, bytes_of(texts[i]));
}

static void add_unmanaged(const struct status *status, struct json_writer *writer,
			  struct json_object *parent)
{
	struct json_object *array = json_add_array(writer, parent, "not_managed");

	for (size_t i = 0; i < status->unmanaged.n_items; i++) {
		struct json_object *object = json_add_object(writer, array, NULL);

		json_add_bytes(writer, object, "file", bytes_of(status->unmanaged.items[i].path));
		json_add_string(writer, object, "kind", status->unmanaged.items[i].kind);
		json_add_bytes(writer, object, "name", bytes_of(status->unmanaged.items[i].name));
	}
}

static int print_json(const struct status *status)
{
	const struct plan *plan = &status->survey.plan;
	struct json_writer writer = { 0 };
	_cleanup_json_ struct json_object *object = json_add_object(&writer, NULL, NULL);
	_cleanup_free_ char *text = NULL;
	struct json_object *array;
	size_t size = 0;
	int r;

	json_add_string(&writer, object, "schema", "hwrecover.status/1");
	json_add_bool(&writer, object, "well", !needs_a_person(status));
	json_add_string(&writer, object, "mode", mode_to_string(status->context->config.mode));
	if (status->survey.has_baseline)
		json_add_integer(&writer, object, "baseline", (int64_t)status->survey.baseline_id);
	else
		json_add_null(&writer, object, "baseline");
	plan_changes_to_json(plan, &writer, object);
	add_done(status, &writer, object);
	add_parked(status, &writer, object);
	plan_blocked_to_json(plan, &writer, object);
	json_add_integer(&writer, object, "pending_edits", (int64_t)plan->n_edits);
	array = json_add_array(&writer, object, "warnings");
	add_texts(&writer, array, plan->warnings, plan->n_warnings);
	add_texts(&writer, array, (const char *const *)status->ports, status->n_ports);
	add_unmanaged(status, &writer, object);
	r = json_render(&writer, object, &text, &size);
	if (r == 0)
		(void)fwrite(text, 1, size, status->context->invocation->out);
	return r;
}

int command_status(struct invocation *invocation)
{
	struct problem problem = { 0 };
	struct context context;
	struct status status = { .context = &context };
	int r, result = EXIT_STATUS_DONE;

	r = context_open(invocation, &context, &problem);
	if (r < 0)
		return context_fail(r, &problem);
	r = look(&status, &problem);
	if (r == 0 && invocation->json)
		r = print_json(&status);
	else if (r == 0)
		print_status(&status);
	if (r == 0 && invocation->exit_code && has_findings(&status))
		result = EXIT_STATUS_FINDINGS;
	status_done(&status);
	context_done(&context);
	return r < 0 ? context_fail(r, &problem) : result;
}
