/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shell scripts that bind devices: those of the initramfs, and what [Paths] BindScripts names. */
#include <errno.h>

#include "recovery/park.h"
#include "recovery/sources/address-token.h"
#include "recovery/sources/bind.h"
#include "recovery/sources/managed-file.h"
#include "recovery/sources/shell-shape.h"
#include "snapshot/basic/number.h"

/* How much of a command is looked at for what it writes to a "new_id". */
#define NEW_ID_COMMAND_MAX 512

#define INITRAMFS_SCRIPTS "/etc/initramfs-tools/scripts/*/*"

/* As set_initlist() of initramfs-tools: other names are not run. */
static bool is_script_name(const struct root *root, const char *path, const char **cause)
{
	const char *name = strrchr(path, '/') + 1;

	(void)root;
	(void)cause;
	for (const char *c = name; *c; c++)
		if (!(*c >= 'a' && *c <= 'z') && !(*c >= 'A' && *c <= 'Z') &&
		    !(*c >= '0' && *c <= '9') && !strchr("._-", *c))
			return false;
	return true;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static struct bytes next_word(struct bytes line, size_t *at)
{
	size_t start;

	while (*at < line.size && is_blank(line.data[*at]))
		++*at;
	for (start = *at; *at < line.size && !is_blank(line.data[*at]);)
		++*at;
	return bytes_slice(line, start, *at - start);
}

static struct bytes base_name(struct bytes path)
{
	for (size_t i = path.size; i > 0; i--)
		if (path.data[i - 1] == '/')
			return bytes_slice(path, i, path.size - i);
	return path;
}

static bool is_one_of(struct bytes word, const char *const *words)
{
	for (; *words; words++)
		if (bytes_equal_text(word, *words))
			return true;
	return false;
}

/* Whether a script without "#!", which the shell runs, or with a shell's. */
static bool is_shell_script(struct bytes text)
{
	static const char *const shells[] = { "sh", "dash", "bash", "ash", "ksh", "mksh", NULL };
	static const char *const carriers[] = { "env", "busybox", "-S", NULL };
	const char *newline;
	struct bytes word;
	size_t at = 2;

	if (!bytes_start_with(text, bytes_of("#!")))
		return true;
	newline = memchr(text.data, '\n', text.size);
	if (newline)
		text.size = (size_t)(newline - text.data);
	do
		word = base_name(next_word(text, &at));
	while (is_one_of(word, carriers));
	return is_one_of(word, shells);
}

/* Something that is no shell script is of interest only where it names a device. */
static bool is_of_interest(struct document *document)
{
	struct address_token token;

	if (document->unfit || is_shell_script(document_bytes(document)))
		return true;
	if (!address_token_next(document_bytes(document), 0, &token))
		return false;
	document->unfit = "is no shell script";
	free(document->data);
	document->data = NULL;
	document->size = 0;
	return true;
}

static void forget_others(struct documents *documents, size_t first)
{
	size_t kept = first;

	for (size_t i = first; i < documents->n_items; i++) {
		struct document *document = documents->items[i];

		if (is_of_interest(document)) {
			documents->items[kept++] = document;
			continue;
		}
		document_done(document);
		free(document);
	}
	documents->n_items = kept;
}

static int collect(const struct source *source, const struct scan_context *context,
		   struct documents *documents, struct problem *problem)
{
	size_t first = documents->n_items;
	int r = managed_files_collect(source, context->root, INITRAMFS_SCRIPTS, is_script_name,
				      documents, problem);

	for (size_t i = first; i < documents->n_items; i++)
		documents->items[i]->in_image = true;
	for (size_t i = 0; r == 0 && i < context->n_bind_globs; i++) {
		r = managed_files_collect(source, context->root, context->bind_globs[i], NULL,
					  documents, problem);
		/* A pattern of the configuration that gives nothing is no reason to leave the rest.
		 */
		if (r < 0 && r != -ENOMEM)
			r = 0;
	}
	forget_others(documents, first);
	return r;
}

/* The script's own text, to be looked at piece by piece: words, or lines where it cannot be read.
 */
static bool next_piece(struct bytes text, const struct shell_script *script, size_t *next,
		       struct span *ret_piece)
{
	const char *newline;
	size_t end, first;

	if (!script->cause) {
		if (*next >= script->n_words)
			return false;
		*ret_piece = script->words[(*next)++].span;
		return true;
	}
	for (; *next < text.size; *next = end + 1) {
		newline = memchr(text.data + *next, '\n', text.size - *next);
		end = newline ? (size_t)(newline - text.data) : text.size;
		for (first = *next; first < end && is_blank(text.data[first]);)
			first++;
		if (first == end || text.data[first] == '#')
			continue;
		*ret_piece = (struct span){ *next, end - *next };
		*next = end + 1;
		return true;
	}
	return false;
}

/* Whether a script hands devices to a driver. */
static bool binds(struct bytes text, const struct shell_script *script)
{
	static const char *const ways[] = {
		"driver_override", "/bind", "drivers_probe", "new_id", "driverctl",
		"nodedev-detach",  NULL
	};
	struct span piece;
	size_t next = 0;

	while (next_piece(text, script, &next, &piece))
		for (const char *const *way = ways; *way; way++)
			if (bytes_find(bytes_slice(text, piece.offset, piece.length), *way))
				return true;
	return false;
}

/* A pattern in the folder of all devices. */
static bool goes_over_devices(struct bytes piece)
{
	static const char folder[] = "/bus/pci/devices/";
	size_t length = strlen(folder);

	for (size_t at = 0; at + length < piece.size; at++) {
		const char *found = memmem(piece.data + at, piece.size - at, folder, length);

		if (!found)
			return false;
		at = (size_t)(found - piece.data) + length;
		if (at < piece.size && memchr("*?[", piece.data[at], 3))
			return true;
	}
	return false;
}

static bool asks_for_a_class(struct bytes piece)
{
	return bytes_find(piece, "/class") && !bytes_find(piece, "/sys/class");
}

static bool asks_for_a_model(struct bytes piece)
{
	static const char *const files[] = { "/vendor", "/device", "/subsystem_vendor", NULL };

	for (const char *const *file = files; *file; file++) {
		const char *found = piece.size > 0
					    ? memmem(piece.data, piece.size, *file, strlen(*file))
					    : NULL;
		size_t end = found ? (size_t)(found - piece.data) + strlen(*file) : 0;

		if (found && (end == piece.size || memchr("\"' )`", piece.data[end], 5)))
			return true;
	}
	return false;
}

static bool asks_for_boot_vga(struct bytes piece)
{
	return bytes_find(piece, "boot_vga");
}

static bool asks_lspci(struct bytes piece)
{
	return bytes_find(piece, "lspci");
}

static bool asks_the_command_line(struct bytes piece)
{
	return bytes_find(piece, "/proc/cmdline");
}

static bool is_hex(struct bytes text, size_t at)
{
	return at < text.size && number_hex_digit(text.data[at]) >= 0;
}

static bool is_name_byte(struct bytes text, size_t at)
{
	char c = at < text.size ? text.data[at] : '\0';

	return is_hex(text, at) || (c >= 'g' && c <= 'z') || (c >= 'G' && c <= 'Z') || c == '_';
}

static bool is_quote(struct bytes text, size_t at)
{
	return at < text.size &&
	       (text.data[at] == '"' || text.data[at] == '\'' ||
		(text.data[at] == '\\' && at + 1 < text.size && text.data[at + 1] == '\n'));
}

static size_t skip_quotes(struct bytes text, size_t at)
{
	while (is_quote(text, at))
		at += text.data[at] == '\\' ? 2 : 1;
	return at;
}

/* Whether what stands behind a ':' goes on with an expansion, or behind quotes. */
static bool goes_on_oddly(struct bytes text, size_t at)
{
	size_t end;

	while (is_hex(text, at) || (at < text.size && text.data[at] == '.'))
		at++;
	end = skip_quotes(text, at);
	if (end < text.size && memchr("$`*?[{", text.data[end], 6))
		return text.data[at - 1] != '.';
	return end > at && (is_hex(text, end) ||
			    (end < text.size && (text.data[end] == ':' || text.data[end] == '.')));
}

/* Whether two or more hexadecimal digits end before @at. */
static bool ends_number(struct bytes text, size_t at)
{
	size_t start = at;

	while (start > 0 && is_hex(text, start - 1))
		start--;
	return at - start >= 2 && !(start > 0 && is_name_byte(text, start - 1));
}

/* Whether an expansion ends before @at. */
static bool ends_expansion(struct bytes text, size_t at)
{
	if (at > 0 && memchr("})`", text.data[at - 1], 3))
		return true;
	while (at > 0 && is_name_byte(text, at - 1))
		at--;
	return at > 0 && text.data[at - 1] == '$';
}

static bool joins_at_colon(struct bytes text, size_t at)
{
	size_t before = at;

	while (before > 0 && (text.data[before - 1] == '"' || text.data[before - 1] == '\''))
		before--;
	if (ends_number(text, before) && goes_on_oddly(text, at + 1))
		return true;
	return is_hex(text, at + 1) && is_hex(text, at + 2) && ends_expansion(text, before);
}

static size_t skip_expansion(struct bytes text, size_t at)
{
	const char *brace;

	at++;
	if (at < text.size && text.data[at] == '{') {
		brace = memchr(text.data + at, '}', text.size - at);
		return brace ? (size_t)(brace - text.data) + 1 : text.size;
	}
	while (is_name_byte(text, at))
		at++;
	return at;
}

/* Whether the name of a device, which starts here, is more than one expansion or more than none. */
static bool joins_in_name(struct bytes text, size_t at)
{
	at = skip_quotes(text, at);
	if (at >= text.size || text.data[at] != '$')
		return false;
	at = skip_quotes(text, skip_expansion(text, at));
	return at < text.size && !memchr("/ \t\n;)]&|", text.data[at], 10);
}

/* An address of which the script holds only pieces. */
static bool puts_addresses_together(struct bytes piece)
{
	static const char folder[] = "/bus/pci/devices/";
	size_t length = strlen(folder);

	for (size_t at = 0; at < piece.size; at++)
		if (piece.data[at] == ':' && joins_at_colon(piece, at))
			return true;
	for (size_t at = 0; at + length < piece.size; at++) {
		const char *found = memmem(piece.data + at, piece.size - at, folder, length);

		if (!found)
			return false;
		at = (size_t)(found - piece.data) + length - 1;
		if (joins_in_name(piece, at + 1))
			return true;
	}
	return false;
}

static const struct selector {
	bool (*uses)(struct bytes piece);
	const char *what;
	bool chooses;
	bool joins;
} selectors[] = {
	{ asks_for_boot_vga, "devices chosen by boot_vga", .chooses = true },
	{ asks_lspci, "devices chosen by lspci", .chooses = true },
	{ goes_over_devices, "devices chosen from all there are", .chooses = true },
	{ asks_for_a_class, "devices chosen by their class", .chooses = true },
	{ asks_for_a_model, "devices chosen by their model", .chooses = true },
	{ asks_the_command_line, "devices chosen on the kernel command line", .chooses = false },
	{ puts_addresses_together, "addresses put together by the script", .joins = true },
};

static struct shell_manner find_manner(struct bytes text, const struct shell_script *script)
{
	struct shell_manner manner = { 0 };
	struct span piece;
	size_t next = 0;

	if (!binds(text, script))
		return manner;
	while (next_piece(text, script, &next, &piece))
		for (size_t i = 0; i < ARRAY_SIZE(selectors); i++)
			if (selectors[i].uses(bytes_slice(text, piece.offset, piece.length))) {
				manner.chooses |= selectors[i].chooses;
				manner.joins |= selectors[i].joins;
			}
	return manner;
}

/* A script that works out itself what it takes says nothing that can be compared. */
static int note_selectors(struct document *document, const struct shell_script *script)
{
	struct bytes text = document_bytes(document);
	bool noted[ARRAY_SIZE(selectors)] = { false };
	struct span piece;
	size_t next = 0;
	int r;

	if (!binds(text, script))
		return 0;
	while (next_piece(text, script, &next, &piece))
		for (size_t i = 0; i < ARRAY_SIZE(selectors); i++) {
			if (noted[i] ||
			    !selectors[i].uses(bytes_slice(text, piece.offset, piece.length)))
				continue;
			noted[i] = true;
			r = document_add_note(document, document_line_at(document, piece.offset),
					      "cannot be verified: %s", selectors[i].what);
			if (r < 0)
				return r;
		}
	return 0;
}

/* The driver whose "new_id" a path names, NULL if it is no such path. */
static int new_id_driver(struct document *document, struct bytes path, const char **ret_driver)
{
	static const char folder[] = "/drivers/", file[] = "/new_id";
	const char *start = bytes_find(path, folder), *end = bytes_find(path, file);

	*ret_driver = NULL;
	if (!end)
		return 0;
	if (start)
		start += strlen(folder);
	if (!start || start >= end || memchr(start, '$', (size_t)(end - start)))
		*ret_driver = "a driver";
	else
		*ret_driver =
			arena_copy(&document->arena, bytes_make(start, (size_t)(end - start)));
	return *ret_driver ? 0 : -ENOMEM;
}

/* Reads up to @n numbers of four digits with blanks between, as "8086 10d3". */
static size_t read_ids(struct bytes text, int32_t *ids, size_t n)
{
	size_t found = 0, start, end = 0;

	while (found < n && end < text.size) {
		uint64_t value;

		for (start = end; start < text.size && !is_hex(text, start);)
			start++;
		for (end = start; is_hex(text, end);)
			end++;
		if (end - start != 4 || is_name_byte(text, end) ||
		    (start > 0 && is_name_byte(text, start - 1)) ||
		    number_parse(bytes_slice(text, start, 4), 16, UINT16_MAX, &value) < 0) {
			while (is_name_byte(text, end))
				end++;
			continue;
		}
		ids[found++] = (int32_t)value;
	}
	return found;
}

/* A command that tells a driver by "new_id" which models to take. */
static int read_new_id(struct document *document, const char *driver, struct bytes command,
		       unsigned int line)
{
	int32_t ids[4] = { 0 };
	size_t n = memchr(command.data, '$', command.size) ? 0 : read_ids(command, ids, 4);
	struct id_entry *entry;

	if (n < 2)
		return document_add_note(
			document, line, "cannot be verified: models given to %s as new_id", driver);
	entry = document_add_ids(document);
	if (!entry)
		return -ENOMEM;
	entry->line = line;
	entry->driver = driver;
	entry->vendor = ids[0];
	entry->device = ids[1];
	if (n == 4) {
		entry->subsystem_vendor = ids[2];
		entry->subsystem_device = ids[3];
	}
	return 0;
}

static int read_new_ids(struct document *document, const struct shell_script *script)
{
	struct bytes text = document_bytes(document);
	unsigned int line = 1;
	size_t counted = 0;
	int r = 0;

	for (size_t i = 0; i < script->n_words && r == 0 && !script->cause; i++) {
		const struct shell_word *word = &script->words[i];
		const struct shell_node *node = &script->nodes[word->node];
		struct span command = node->span;
		const char *driver;

		if (word->role != SHELL_TARGET || node->kind != SHELL_SIMPLE)
			continue;
		r = new_id_driver(document, bytes_slice(text, word->span.offset, word->span.length),
				  &driver);
		if (r < 0 || !driver)
			continue;
		for (; counted < word->span.offset; counted++)
			line += text.data[counted] == '\n';
		/* What is written stands in front of where it goes to. */
		command.length = MIN_OF(word->span.offset - command.offset, NEW_ID_COMMAND_MAX);
		r = read_new_id(document, driver, bytes_slice(text, command.offset, command.length),
				line);
	}
	return r;
}

int bind_script_scan_document(struct document *document)
{
	_cleanup_(shell_script_done) struct shell_script script = { 0 };
	int r = shell_read(document_bytes(document), &script);

	if (r == 0)
		r = shell_shape_find(document, &script,
				     find_manner(document_bytes(document), &script));
	if (r == 0)
		r = note_selectors(document, &script);
	if (r == 0)
		r = read_new_ids(document, &script);
	document_finish(document);
	return r;
}

/* initramfs-tools runs only what is executable; its addresses take nothing. */
static int note_not_run(struct document *document)
{
	struct bytes text = document_bytes(document);
	struct address_token token;
	size_t n = 0;

	for (size_t at = 0; address_token_next(text, at, &token); at = span_end(token.span))
		n++;
	if (n == 0)
		return 0;
	return document_add_note(
		document, 1, "is not executable, so it is not run: %zu addresses in it are left",
		n);
}

/* It may be made executable: what it means is known from now on, and it is not edited until then.
 */
static int leave_not_run(struct document *document)
{
	for (size_t i = 0; i < document->n_references; i++) {
		document->references[i].shape = PARK_NEVER;
		document->references[i].certain = false;
	}
	return note_not_run(document);
}

static int scan(const struct source *source, const struct scan_context *context,
		struct documents *documents, const struct name_set *names)
{
	int r = 0;

	(void)context;
	(void)names;
	for (size_t i = 0; r == 0 && i < documents->n_items; i++) {
		struct document *document = documents->items[i];

		if (document->source != source || document->unfit)
			continue;
		r = bind_script_scan_document(document);
		if (r == 0 && document->in_image && !(document->attributes.mode & 0111))
			r = leave_not_run(document);
	}
	return r;
}

/* Whether a script ends before its first command: then it is no matter how it goes on. */
static bool is_switched_off(struct bytes text)
{
	const char *newline =
		bytes_start_with(text, bytes_of("#!")) ? memchr(text.data, '\n', text.size) : NULL;
	size_t start = newline ? (size_t)(newline - text.data) + 1 : 0;

	return bytes_start_with(bytes_slice(text, start, text.size - start),
				bytes_of(PARK_EXIT_LINE));
}

int bind_script_check_text(struct bytes text, const char *file, struct problem *problem)
{
	_cleanup_(shell_script_done) struct shell_script script = { 0 };
	const struct document document = { .data = (char *)(uintptr_t)text.data,
					   .size = text.size };
	int r = is_switched_off(text) ? 0 : shell_read(text, &script);

	if (r < 0 || !script.cause)
		return r;
	return problem_set(problem, -EBADMSG, file, document_line_at(&document, script.cause_at),
			   "%s", script.cause);
}

/* Whether a script can be read as it is; of one that cannot be, nothing but whether it is switched
 * off is changed.
 */
static int can_be_read(struct document *document, bool *ret_read)
{
	_cleanup_(shell_script_done) struct shell_script script = { 0 };
	int r = shell_read(document_bytes(document), &script);

	if (r == 0)
		*ret_read = !script.cause;
	return r;
}

static int check_document(struct document *document, struct bytes text, struct problem *problem)
{
	int r = bind_script_check_text(text, document->path, NULL);
	bool read = false;

	if (r != -EBADMSG)
		return r;
	r = can_be_read(document, &read);
	if (r < 0 || !read)
		return r;
	return bind_script_check_text(text, document->path, problem);
}

static int check(const struct source *source, const struct scan_context *context,
		 const struct documents *documents, const struct bytes *texts,
		 struct problem *problem)
{
	int r = 0;

	(void)source;
	(void)context;
	/* What was rejected before is left as it is; what it says is no news. */
	for (size_t i = 0; r == 0 && i < documents->n_items; i++)
		if (!documents->items[i]->rejected && !documents->items[i]->unfit)
			r = check_document(documents->items[i], texts[i], problem);
	return r;
}

const struct source bind_script_source = {
	.name = "bind-script",
	.is_shell = true,
	.collect = collect,
	.scan = scan,
	.check = check,
};
