/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * /etc/modprobe.d: `options` with models that vfio-pci takes, `install` with commands that bind
 * devices. modprobe.d(5); what it leaves open is libkmod's (kmod_config_parse()).
 */
#include <errno.h>
#include <fnmatch.h>

#include "recovery/sources/bind-words.h"
#include "recovery/sources/bind.h"
#include "recovery/sources/kernel-arguments.h"
#include "recovery/sources/line-addresses.h"
#include "recovery/sources/managed-file.h"

/* What a file tells at most once. */
enum note_kind {
	NOTE_PREFIXED,
	NOTE_SCRIPT,
	NOTE_COMPUTED,
	NOTE_SPLIT,
	_NOTE_KIND_MAX,
};

/**
 * struct scan - A walk through one file
 * @line:  the logical line under way
 * @noted: what was told already
 */
struct scan {
	struct document *document;
	const struct scan_context *context;
	struct joined_line line;
	struct line_addresses addresses;
	bool noted[_NOTE_KIND_MAX];
};

/*
 * The next logical line, from @at on. A backslash joins lines, comments too, and quotes any other
 * byte: two of them join nothing.
 */
static int read_line(struct bytes text, size_t *at, struct joined_line *line)
{
	size_t start = *at, end = *at;
	int r = 0;

	joined_line_clear(line);
	line->extent.offset = *at;
	for (; r == 0 && end < text.size && text.data[end] != '\n'; end++) {
		if (text.data[end] != '\\' || end + 1 == text.size)
			continue;
		if (text.data[++end] == '\n') {
			r = joined_line_add(line, text, start, end - 1);
			start = end + 1;
		}
	}
	if (r == 0)
		r = joined_line_add(line, text, start, end);
	*at = MIN_OF(end + 1, text.size);
	line->extent.length = *at - line->extent.offset;
	return r;
}

/* The next word between tabs and blanks, and nothing else. */
static struct bytes next_word(struct bytes text, size_t *at)
{
	size_t start = *at, end;

	while (start < text.size && (text.data[start] == ' ' || text.data[start] == '\t'))
		start++;
	for (end = start; end < text.size && text.data[end] != ' ' && text.data[end] != '\t';)
		end++;
	*at = end;
	return text.size ? bytes_slice(text, start, end - start) : BYTES_NONE;
}

static bool first_time(struct scan *scan, enum note_kind kind)
{
	bool first = !scan->noted[kind];

	scan->noted[kind] = true;
	return first;
}

/* "install vfio-pci", however the module's name is spelled. */
static const char *copy_block(struct arena *arena, const char *key, struct bytes module)
{
	_cleanup_(buffer_done) struct buffer block = { 0 };

	buffer_append_text(&block, key);
	buffer_append_char(&block, ' ');
	for (size_t i = 0; i < module.size; i++)
		buffer_append_char(&block, module.data[i] == '_' ? '-' : module.data[i]);
	return block.failed ? NULL : arena_copy(arena, buffer_bytes(&block));
}

/* The addresses from one place of the line to its end. */
static int add_addresses(struct scan *scan, const char *key, struct bytes module, size_t from)
{
	struct bytes text = joined_line_text(&scan->line);
	struct reference mention = { .key = key, .shape = PARK_LINES };
	int r;

	mention.block = copy_block(&scan->document->arena, key, module);
	if (!mention.block)
		return -ENOMEM;
	line_addresses_begin(&scan->addresses, &scan->line);
	r = line_addresses_add(&scan->addresses, (struct span){ from, text.size - from }, &mention);
	if (r < 0)
		return r;
	line_addresses_end(&scan->addresses);
	if (!scan->addresses.split || !first_time(scan, NOTE_SPLIT))
		return 0;
	return document_add_note(scan->document, scan->line.number,
				 "an address is written on two lines: left as it is");
}

/* The options of vfio-pci, pci-stub or xen-pciback. */
static int scan_options(struct scan *scan, struct bytes module, size_t at)
{
	struct bytes text = joined_line_text(&scan->line);
	bool xen = kernel_parameter_is(module, "xen-pciback");
	const char *driver = kernel_parameter_is(module, "vfio-pci")   ? "vfio-pci"
			     : kernel_parameter_is(module, "pci-stub") ? "pci-stub"
								       : NULL;
	struct kernel_argument argument;
	int r = 0;

	if (xen)
		return add_addresses(scan, "options", module, at);
	while (driver && r == 0 && kernel_argument_next(text, &at, &argument)) {
		struct bytes name = bytes_slice(text, argument.name.offset, argument.name.length);
		struct bytes value =
			bytes_slice(text, argument.value.offset, argument.value.length);

		if (kernel_parameter_is(name, "ids"))
			r = ids_parse(scan->document, driver, value, scan->line.number);
		else if (kernel_parameter_ids_driver(name) && first_time(scan, NOTE_PREFIXED))
			r = document_add_note(scan->document, scan->line.number,
					      "%.*s= is not read here: an options line says "
					      "ids= alone",
					      (int)name.size, name.data);
	}
	return r;
}

/* Programs that everybody has, and that bind nothing but what stands behind them. */
static bool is_common_program(struct bytes name)
{
	static const char *const programs[] = {
		"bash",   "busybox", "cat",  "chroot",  "dash",   "date",   "driverctl", "echo",
		"env",    "false",   "grep", "insmod",  "kmod",   "logger", "lspci",     "modprobe",
		"printf", "rmmod",   "sed",  "setpci",  "setsid", "sh",     "sleep",     "sync",
		"tee",    "test",    "true", "udevadm", "xargs",
	};

	for (size_t i = 0; i < ARRAY_SIZE(programs); i++)
		if (bytes_equal_text(name, programs[i]))
			return true;
	return false;
}

/* The first word of a command that is the path of somebody's own program. */
static struct bytes find_script(struct bytes command)
{
	static const char separators[] = " \t;&|()<>\"'`\r";
	size_t start, end = 0;

	for (start = 0; start < command.size; start = end + 1) {
		struct bytes word;
		const char *slash;

		for (end = start; end < command.size &&
				  !(command.data[end] && strchr(separators, command.data[end]));)
			end++;
		word = bytes_slice(command, start, end - start);
		if (word.size < 2 || word.data[0] != '/')
			continue;
		if (bytes_start_with(word, bytes_of("/sys/")) ||
		    bytes_start_with(word, bytes_of("/proc/")) ||
		    bytes_start_with(word, bytes_of("/dev/")))
			continue;
		slash = (const char *)memrchr(word.data, '/', word.size) + 1;
		if (!is_common_program(bytes_make(slash, word.size - (size_t)(slash - word.data))))
			return word;
	}
	return BYTES_NONE;
}

/* Whether [Paths] BindScripts names a file already. */
static int is_scanned(const struct scan_context *context, struct bytes path)
{
	_cleanup_free_ char *text = NULL;

	if (bytes_duplicate(path, &text) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < context->n_bind_globs; i++)
		if (fnmatch(context->bind_globs[i], text,
			    FNM_PATHNAME | FNM_PERIOD | FNM_NOESCAPE) == 0)
			return 1;
	return 0;
}

static int note_script(struct scan *scan, struct bytes script)
{
	int r = is_scanned(scan->context, script);

	if (r != 0 || !first_time(scan, NOTE_SCRIPT))
		return r < 0 ? r : 0;
	return document_add_note(scan->document, scan->line.number,
				 "runs %.*s: add it to BindScripts to have it checked",
				 (int)MIN_OF(script.size, (size_t)256), script.data);
}

static int scan_install(struct scan *scan, struct bytes module, size_t at)
{
	struct document *document = scan->document;
	struct bytes text = joined_line_text(&scan->line);
	struct bytes command = bytes_slice(text, at, text.size - at), script;
	size_t n = document->n_references;
	int r;

	if (!bind_command_binds(module) && !bind_command_binds(command))
		return 0;
	r = add_addresses(scan, "install", module, at);
	if (r < 0)
		return r;
	script = find_script(command);
	if (script.size > 0)
		return note_script(scan, script);
	if (document->n_references == n &&
	    (bytes_find(command, "driver_override") || bytes_find(command, "/bind") ||
	     bytes_find(command, "new_id")) &&
	    first_time(scan, NOTE_COMPUTED))
		return document_add_note(document, scan->line.number,
					 "cannot be verified: the command holds no address");
	return 0;
}

static int scan_line(struct scan *scan)
{
	struct bytes text = joined_line_text(&scan->line), command, module;
	size_t at = 0;
	int r;

	if (text.size == 0 || text.data[0] == '#')
		return 0;
	command = next_word(text, &at);
	if (command.size == 0)
		return 0;
	r = document_add_line_digest(scan->document, words_digest(text));
	if (r < 0)
		return r;
	module = next_word(text, &at);
	if (bytes_equal_text(command, "options"))
		return scan_options(scan, module, at);
	if (bytes_equal_text(command, "install"))
		return scan_install(scan, module, at);
	return 0;
}

static bool ends_with(const char *text, const char *end)
{
	size_t size = strlen(text), end_size = strlen(end);

	return size > end_size && strcmp(text + size - end_size, end) == 0;
}

/* Whether modprobe reads a file, by its name; a link may have pointed at it under another. */
static bool is_read(const struct document *document)
{
	return document->in_image || ends_with(document->path, ".alias");
}

static int note_unread(struct document *document)
{
	struct joined_line line = { 0 };
	struct bytes text = document_bytes(document);
	bool found = false;
	int r = 0;

	for (size_t at = 0; at < text.size && r == 0 && !found;) {
		struct bytes joined;

		r = read_line(text, &at, &line);
		joined = joined_line_text(&line);
		found = r == 0 && joined.size > 0 && joined.data[0] != '#' &&
			bind_command_binds(joined);
	}
	joined_line_done(&line);
	if (r < 0 || !found)
		return r;
	return document_add_note(document, 1,
				 "modprobe does not read it: its name does not end in .conf");
}

static int scan_document(const struct scan_context *context, struct document *document)
{
	struct scan scan = {
		.document = document,
		.context = context,
		.addresses = { .document = document, .cursor = { 0, 1 } },
	};
	struct bytes text = document_bytes(document);
	struct line_cursor lines = { 0, 1 };
	int r = 0;

	if (!is_read(document))
		return note_unread(document);
	for (size_t at = 0; at < text.size && r == 0;) {
		scan.line.number = line_cursor_move(&lines, text, at);
		r = read_line(text, &at, &scan.line);
		if (r == 0)
			r = scan_line(&scan);
	}
	joined_line_done(&scan.line);
	document_finish(document);
	return r;
}

static int scan_modprobe(const struct source *source, const struct scan_context *context,
			 struct documents *documents, const struct name_set *names)
{
	int r = 0;

	(void)names;
	for (size_t i = 0; i < documents->n_items && r == 0; i++)
		if (documents->items[i]->source == source && !documents->items[i]->unfit)
			r = scan_document(context, documents->items[i]);
	return r;
}

static int collect_modprobe(const struct source *source, const struct scan_context *context,
			    struct documents *documents, struct problem *problem)
{
	size_t first = documents->n_items;
	int r;

	r = managed_files_collect(source, context->root, "/etc/modprobe.d/*.conf",
				  managed_file_may_bind, documents, problem);
	if (r < 0)
		return r;
	/* mkinitramfs copies these and no others. */
	for (size_t i = first; i < documents->n_items; i++)
		documents->items[i]->in_image = true;
	return managed_files_collect(source, context->root, "/etc/modprobe.d/*",
				     managed_file_may_bind, documents, problem);
}

const struct source modprobe_source = {
	.name = "modprobe",
	.collect = collect_modprobe,
	.scan = scan_modprobe,
	.check = managed_file_check_nothing,
};
