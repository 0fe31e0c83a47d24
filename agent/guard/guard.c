/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "agent/guard/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/vfs.h>

#include "agent/config.h"
#include "agent/terminal.h"
#include "snapshot/basic/log.h"

/* It runs for milliseconds; should the kernel not answer, the boot goes on without it. */
#define LIMIT_SEC 20

#define COMMAND_LINE_PATH "/proc/cmdline"
#define COMMAND_LINE_MAX  65536U

/* LOG_DAEMON, as the kernel keeps its own facility for itself. */
#define KMSG_FACILITY 3

static void guard_done(struct guard *guard)
{
	resolution_done(&guard->resolution);
	documents_done(&guard->documents);
	document_done(&guard->command_line_ids);
	document_done(&guard->module_ids);
	free(guard->folders);
	match_done(&guard->match);
	free(guard->known);
	inventory_done(&guard->now);
	manifest_done(&guard->manifest);
	free(guard->command_line);
	guard_report_done(&guard->report);
	root_done(&guard->root);
}

/* There is no journal yet. */
static void log_to_kmsg(enum log_level level, const char *text, const char *message_id,
			const struct log_field *fields, size_t n_fields)
{
	_cleanup_close_ int fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC | O_NOCTTY);
	_cleanup_(buffer_done) struct buffer record = { 0 };

	(void)message_id;
	(void)fields;
	(void)n_fields;
	buffer_appendf(&record, "<%d>hwrecover: ", KMSG_FACILITY << 3 | (int)level);
	terminal_escape_line(bytes_of(text), true, &record);
	buffer_append_char(&record, '\n');
	if (fd >= 0 && !record.failed && write(fd, record.data, record.size) < 0)
		return;
}

static bool is_for_people(enum guard_deed deed)
{
	return deed == GUARD_DISARMED || deed == GUARD_KEPT;
}

/* "PATH:LINE: disarmed: REASON", or what of that there is. */
static void put_line(const struct guard_entry *entry, const char *reason, struct buffer *line)
{
	struct pci_address_name name;

	if (entry->path)
		buffer_appendf(line, "%s:", entry->path);
	if (entry->line > 0)
		buffer_appendf(line, "%u:", entry->line);
	buffer_appendf(line, "%s%s: ", entry->path ? " " : "", guard_deed_to_string(entry->deed));
	if (entry->has_address && !strstr(reason, pci_address_show(&entry->address, &name)))
		buffer_appendf(line, "%s: ", name.text);
	buffer_append_text(line, reason);
}

/* Whether the entry before said the same of the same file: of each device it is said once. */
static bool is_repetition(const struct guard *guard, const struct guard_entry *entry)
{
	const struct guard_report *report = &guard->report;
	const struct guard_entry *last = report->n_entries ? &report->entries[report->n_entries - 1]
							   : NULL;

	return last && last->deed == entry->deed && last->path && entry->path &&
	       strcmp(last->path, entry->path) == 0 && strcmp(last->reason, entry->reason) == 0 &&
	       pci_address_equal(&last->address, &entry->address);
}

static void show(const struct guard_entry *entry)
{
	_cleanup_(buffer_done) struct buffer line = { 0 }, shown = { 0 };
	bool good = entry->deed == GUARD_ARMED || entry->deed == GUARD_RELOCATED;

	put_line(entry, entry->reason, &line);
	terminal_escape_line(buffer_bytes(&line), false, &shown);
	if (line.failed || shown.failed)
		return;
	log_message(good ? LOG_LEVEL_NOTICE : LOG_LEVEL_WARNING, "%s", line.data);
	if (is_for_people(entry->deed))
		(void)dprintf(STDOUT_FILENO, "hwrecover: %s\n", shown.data);
}

void guard_say(struct guard *guard, const struct guard_entry *entry, const char *format, ...)
{
	_cleanup_(buffer_done) struct buffer reason = { 0 };
	struct guard_entry kept = *entry;
	va_list arguments;
	bool repeated;

	va_start(arguments, format);
	buffer_appendv(&reason, format, arguments);
	va_end(arguments);
	kept.reason = reason.failed || !reason.data ? format : reason.data;
	repeated = is_repetition(guard, &kept);
	if (!repeated)
		show(&kept);
	/* Two mentions on one line, as in "echo ADDRESS > …/ADDRESS/…". */
	if (repeated && guard->report.entries[guard->report.n_entries - 1].line == kept.line)
		return;
	if (guard_report_add(&guard->report, &kept) < 0)
		log_warning("no memory for the report");
}

static int read_command_line(struct guard *guard)
{
	_cleanup_close_ int fd =
		root_openat(&guard->root, COMMAND_LINE_PATH, O_RDONLY | O_NONBLOCK, 0);

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	return file_read_fd(fd, COMMAND_LINE_MAX, &guard->command_line, &guard->command_line_size);
}

/* What someone at a boot prompt wants outranks what was written down. */
static int read_mode(const struct guard *guard, bool *ret_said, enum mode *ret_mode)
{
	_cleanup_(config_done) struct config config = { 0 };
	int r = config_parse_kernel_command_line(
		bytes_make(guard->command_line, guard->command_line_size), &config);

	if (r < 0)
		return r;
	*ret_said = config.mode_origin != NULL;
	*ret_mode = config.mode;
	return 0;
}

/* Return: 1, 0 when there is none that can be used, which is said, or -ENOMEM. */
static int read_manifest(struct guard *guard)
{
	_cleanup_close_ int fd = root_openat(&guard->root, MANIFEST_IMAGE_PATH,
					     O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
	_cleanup_(problem_done) struct problem problem = { 0 };
	const struct guard_entry left = { .deed = GUARD_LEFT, .path = MANIFEST_PATH };
	_cleanup_free_ char *text = NULL;
	size_t size = 0;
	int r;

	r = fd < 0 ? fd : file_read_fd(fd, MANIFEST_MAX_SIZE, &text, &size);
	if (r < 0) {
		guard_say(guard, &left, "cannot be read, so nothing is kept from being taken: %s",
			  strerror(-r));
		return 0;
	}
	r = manifest_parse(bytes_make(text, size), MANIFEST_IMAGE_PATH, &guard->manifest, &problem);
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		guard_say(guard, &left, "nothing is kept from being taken: %s", problem.text);
	return r == 0;
}

static void set_rules(struct guard *guard, bool report)
{
	const struct manifest_policy *policy = &guard->manifest.policy;

	guard->past = (struct past){ .settled = &guard->match, .baseline = &guard->match };
	guard->policy =
		(struct policy){ .restore = policy->restore,
				 .why_not = "the guard renames no NIC",
				 .binds = report ? BINDS_REPORT : policy->binds,
				 .why_no_binds = report ? "Mode=report" : "StaleBinds=report",
				 .protect = true,
				 .allow = policy->allowed,
				 .n_allow = policy->n_allowed };
}

static int act(struct guard *guard, bool report, struct problem *problem)
{
	int r;

	r = guard_look(guard, problem);
	if (r < 0)
		return r;
	set_rules(guard, report);
	r = guard_read_image(guard);
	/* First what a protected device hangs on. */
	if (r == 0)
		r = guard_keep_protected(guard);
	if (r == 0)
		r = guard_edit_image(guard);
	if (r == 0 && !report)
		r = guard_rename_nic(guard);
	return r;
}

static int run(struct guard *guard, struct problem *problem)
{
	enum mode mode = MODE_AUTO;
	bool said = false;
	int r;

	r = read_command_line(guard);
	if (r == 0)
		r = read_mode(guard, &said, &mode);
	if (r < 0)
		return problem_set_errno(problem, r, COMMAND_LINE_PATH, "read");
	if (mode == MODE_OFF)
		return 0;
	r = read_manifest(guard);
	if (r > 0 && !said && guard->manifest.policy.mode == MANIFEST_OFF)
		return 0;
	if (r > 0)
		r = act(guard,
			said ? mode == MODE_REPORT : guard->manifest.policy.mode == MANIFEST_REPORT,
			problem);
	if (r == -ENOMEM)
		(void)problem_set_errno(problem, r, NULL, "go on");
	if (r < 0)
		guard_say(guard, &(struct guard_entry){ .deed = GUARD_LEFT }, "%s",
			  problem->text ? problem->text : strerror(-r));
	r = guard_report_write(&guard->root, &guard->report);
	return r < 0 ? problem_set_errno(problem, r, GUARD_REPORT_PATH, "write") : 0;
}

static bool parse_options(int argc, char **argv, const char **ret_root)
{
	static const struct option options[] = {
		{ "root", required_argument, NULL, 'r' },
		{ 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		if (option != 'r')
			return false;
		*ret_root = optarg;
	}
	return optind == argc;
}

/* Anywhere else what is edited here would not be a copy in RAM. */
static bool is_initramfs(const struct root *root)
{
	struct statfs st;

	return statfs(root->path, &st) == 0 &&
	       (st.f_type == TMPFS_MAGIC || st.f_type == RAMFS_MAGIC) &&
	       root_exists(root, "/scripts") && root_exists(root, "/conf");
}

/* Exits with 0 whatever happens: nothing is to come of it but what it does. */
int main(int argc, char **argv)
{
	_cleanup_(guard_done) struct guard guard = { .root = ROOT_INIT };
	_cleanup_(problem_done) struct problem problem = { 0 };
	const char *root = NULL;

	if (!parse_options(argc, argv, &root)) {
		(void)fputs("usage: hwrecover-guard [--root DIR]\n", stderr);
		return 0;
	}
	(void)umask(0022);
	(void)alarm(LIMIT_SEC);
	if (!root)
		log_set_sink(log_to_kmsg);
	if (root_open(root, &guard.root, &problem) < 0)
		log_warning("%s", problem.text ? problem.text : "no memory");
	else if (!root && !is_initramfs(&guard.root))
		(void)fprintf(stderr, "hwrecover-guard: this is no initramfs\n");
	else if (run(&guard, &problem) < 0)
		log_warning("%s", problem.text ? problem.text : "no memory");
	return 0;
}
