/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * /etc/udev/rules.d: rules that bind a PCI function to vfio-pci or its like, by writing its
 * driver_override or by running a command. udev(7); what it leaves open is that of
 * udev_rules_parse_file() and parse_line() of systemd.
 */
#include <errno.h>

#include "recovery/sources/bind-words.h"
#include "recovery/sources/bind.h"
#include "recovery/sources/line-addresses.h"
#include "recovery/sources/managed-file.h"
#include "snapshot/basic/number.h"
#include "snapshot/inventory.h"

/* What a file tells at most once. */
enum note_kind {
	NOTE_CLASS,
	NOTE_COMPUTED,
	NOTE_SPLIT,
	NOTE_BAD_RULE,
	_NOTE_KIND_MAX,
};

/* KEY{ATTRIBUTE}OP"VALUE"; spans of the line's text. */
struct pair {
	struct span key;
	struct span attribute;
	struct span value;
	bool matches; /* "==" */
	bool differs; /* "!=" */
};

/* Longest list of vendors, and of devices, that is looked at. */
#define VALUE_MAX 64
/* Most pairs looked at in one rule. */
#define PAIRS_MAX 64

/**
 * struct rule - One logical line, taken apart
 * @bad:    udev ignores the whole line
 * @driver: of the ones for guests that it binds to; NULL if it binds nothing
 * @sure:   it does; else a command just says "bind", maybe on another bus
 * @label, @jumps: it is one that rules elsewhere go to, or go from
 */
struct rule {
	struct pair pairs[PAIRS_MAX];
	size_t n_pairs;
	bool bad;
	const char *driver;
	bool sure;
	bool label;
	bool jumps;
};

/**
 * struct scan - A walk through one file
 * @line:     the logical line under way
 * @shared:   something else stands on its physical lines
 * @binds:    some word of the file shows that a rule may bind
 * @noted:    what was told already
 */
struct scan {
	struct document *document;
	struct joined_line line;
	struct line_addresses addresses;
	bool shared;
	bool binds;
	bool noted[_NOTE_KIND_MAX];
};

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static char char_at(struct bytes text, size_t at)
{
	return at < text.size ? text.data[at] : '\0';
}

static size_t skip_space(struct bytes text, size_t at)
{
	while (at < text.size && is_space(text.data[at]))
		at++;
	return at;
}

static struct bytes slice(struct bytes text, struct span span)
{
	return span.length ? bytes_slice(text, span.offset, span.length) : BYTES_NONE;
}

/* Where the physical line at @at ends, and how long what ends it is: "\n", "\r\n", or "\r". */
static size_t line_end(struct bytes text, size_t at, size_t *ret_length)
{
	while (at < text.size && text.data[at] != '\n' && text.data[at] != '\r')
		at++;
	*ret_length = at < text.size;
	if (char_at(text, at) == '\r' && char_at(text, at + 1) == '\n')
		*ret_length = 2;
	return at;
}

/*
 * The next logical line, from @at on: a backslash at the end of a line joins it with the next one.
 * A comment ends at its line, also where it stands between joined ones.
 */
static int read_line(struct bytes text, size_t *at, struct joined_line *line, bool *shared)
{
	bool joins = true;
	int r = 0;

	joined_line_clear(line);
	line->extent.offset = *at;
	*shared = *at > 0 && text.data[*at - 1] != '\n';
	while (r == 0 && joins && *at < text.size) {
		size_t length, end = line_end(text, *at, &length);
		size_t start = skip_space(bytes_make(text.data, end), *at);

		joins = end > start && text.data[end - 1] == '\\';
		if (char_at(text, start) == '#' && start < end)
			/* The first one is a line of its own. */
			joins = line->text.size > 0;
		else
			r = joined_line_add(line, text, start, end - joins);
		*at = end + length;
		*shared |= length == 1 && text.data[end] == '\r';
	}
	line->extent.length = *at - line->extent.offset;
	return r;
}

/* KEY or KEY{ATTRIBUTE}. Return: where the operator is looked for, or 0 when there is no key. */
static size_t read_key(struct bytes text, size_t at, struct pair *pair)
{
	size_t end = at;
	const char *brace;

	for (;; end++) {
		char c = char_at(text, end);

		if (c == '\0')
			return 0;
		if (is_space(c) || c == '=' || c == '{')
			break;
		if (strchr("+-!:", c) && char_at(text, end + 1) == '=')
			break;
	}
	pair->key = (struct span){ at, end - at };
	if (char_at(text, end) != '{')
		return end;
	brace = memchr(text.data + end, '}', text.size - end);
	if (!brace)
		return 0;
	pair->attribute = (struct span){ end + 1, (size_t)(brace - text.data) - end - 1 };
	return end + pair->attribute.length + 2;
}

/* "VALUE" or e"VALUE". Return: where the next pair is looked for, or 0. */
static size_t read_value(struct bytes text, size_t at, struct pair *pair)
{
	size_t end;

	at += char_at(text, at) == 'e';
	if (char_at(text, at) != '"')
		return 0;
	for (end = ++at; char_at(text, end) != '"'; end++) {
		if (end >= text.size)
			return 0;
		if (text.data[end] == '\\' && char_at(text, end + 1) == '"')
			end++;
	}
	pair->value = (struct span){ at, end - at };
	return end + 1;
}

/* Return: where the next pair is looked for, or 0 when this is none. */
static size_t read_pair(struct bytes text, size_t at, struct pair *ret_pair)
{
	struct pair pair = { 0 };
	char first, second;

	at = read_key(text, at, &pair);
	if (at == 0)
		return 0;
	at = skip_space(text, at);
	first = char_at(text, at);
	second = char_at(text, at + 1);
	pair.matches = first == '=' && second == '=';
	pair.differs = first == '!' && second == '=';
	if (first != '=' && !(first && strchr("+-!:", first) && second == '='))
		return 0;
	at = skip_space(text, at + (first == '=' && second != '=' ? 1 : 2));
	at = read_value(text, at, &pair);
	*ret_pair = pair;
	return at;
}

static bool is_key(struct bytes text, const struct pair *pair, const char *key)
{
	return bytes_equal_text(slice(text, pair->key), key);
}

static bool ends_with(struct bytes text, const char *end)
{
	size_t size = strlen(end);

	return text.size >= size && memcmp(text.data + text.size - size, end, size) == 0;
}

/* ATTR{driver_override}= of this device, or of one that is named in the brackets. */
static bool is_override(struct bytes text, const struct pair *pair)
{
	struct bytes attribute = slice(text, pair->attribute);

	return is_key(text, pair, "ATTR") && !pair->matches && !pair->differs &&
	       (bytes_equal_text(attribute, "driver_override") ||
		(bytes_start_with(attribute, bytes_of("[")) &&
		 ends_with(attribute, "]driver_override")));
}

/* Keys whose values are commands, or start units. */
static bool is_command(struct bytes text, const struct pair *pair)
{
	struct bytes attribute = slice(text, pair->attribute);

	if (pair->differs)
		return false;
	return is_key(text, pair, "RUN") || is_key(text, pair, "PROGRAM") ||
	       (is_key(text, pair, "IMPORT") && bytes_equal_text(attribute, "program")) ||
	       (is_key(text, pair, "ENV") && bytes_equal_text(attribute, "SYSTEMD_WANTS"));
}

/* The driver that a pair binds to, or NULL. */
static const char *driver_of(struct bytes text, const struct pair *pair)
{
	struct bytes value = slice(text, pair->value);

	if (is_override(text, pair)) {
		bool computed = value.size && (memchr(value.data, '$', value.size) ||
					       memchr(value.data, '%', value.size));

		return computed || bind_driver_is_for_guests(value) ? bind_command_driver(value)
								    : NULL;
	}
	return is_command(text, pair) && bind_command_binds(value) ? bind_command_driver(value)
								   : NULL;
}

static bool names_driver(struct bytes command)
{
	return bytes_find(command, "vfio") || bytes_find(command, "driver_override") ||
	       bytes_find(command, "driverctl");
}

static void read_rule(struct bytes text, struct rule *rule)
{
	size_t at = 0;

	*rule = (struct rule){ 0 };
	for (;;) {
		struct pair *pair = &rule->pairs[rule->n_pairs];
		const char *driver;

		while (at < text.size && (is_space(text.data[at]) || text.data[at] == ','))
			at++;
		if (at >= text.size)
			return;
		if (rule->n_pairs == PAIRS_MAX)
			break;
		at = read_pair(text, at, pair);
		if (at == 0)
			break;
		rule->n_pairs++;
		rule->label |= is_key(text, pair, "LABEL");
		rule->jumps |= is_key(text, pair, "GOTO");
		driver = driver_of(text, pair);
		if (driver && !rule->driver)
			rule->driver = driver;
		rule->sure |= driver &&
			      (is_override(text, pair) || names_driver(slice(text, pair->value)));
	}
	rule->bad = true;
}

static bool first_time(struct scan *scan, enum note_kind kind)
{
	bool first = !scan->noted[kind];

	scan->noted[kind] = true;
	return first;
}

/* The keys of references, in one spelling that stays. */
static const char *key_name(struct bytes key)
{
	static const char *const keys[] = {
		"ATTR",   "ATTRS",   "DEVPATH", "ENV", "IMPORT",
		"KERNEL", "KERNELS", "PROGRAM", "RUN", "TEST",
	};

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (bytes_equal_text(key, keys[i]))
			return keys[i];
	return NULL;
}

static int add_value(struct scan *scan, const struct pair *pair, struct reference *mention)
{
	struct bytes text = joined_line_text(&scan->line);
	struct span part = pair->value;
	size_t end = span_end(part);
	int r = 0;

	/* A path names what is above the device too; '|' is between alternatives. */
	if (!is_key(text, pair, "DEVPATH"))
		return line_addresses_add(&scan->addresses, part, mention);
	for (size_t start = part.offset; start < end && r == 0; start += part.length + 1) {
		const char *bar = memchr(text.data + start, '|', end - start);

		part = (struct span){ start, (bar ? (size_t)(bar - text.data) : end) - start };
		r = line_addresses_add_last(&scan->addresses, part, mention);
	}
	return r;
}

/* The addresses of all pairs by which a rule chooses devices, or names them in commands. */
static int add_addresses(struct scan *scan, const struct rule *rule, enum park_shape shape,
			 bool differing)
{
	struct bytes text = joined_line_text(&scan->line);
	int r = 0;

	line_addresses_begin(&scan->addresses, &scan->line);
	for (size_t i = 0; i < rule->n_pairs && r == 0; i++) {
		const struct pair *pair = &rule->pairs[i];
		struct reference mention = { .block = "", .shape = shape };

		mention.key = key_name(slice(text, pair->key));
		if (!mention.key || (pair->differs && !differing))
			continue;
		if (pair->attribute.length > 0)
			r = line_addresses_add(&scan->addresses, pair->attribute, &mention);
		if (r == 0)
			r = add_value(scan, pair, &mention);
	}
	return r;
}

/* The next of "0x10de|0x1002", as one number. Return: 1, 0 at the end, -EINVAL. */
static int next_id(struct bytes value, size_t *at, uint64_t max, uint64_t *ret_id)
{
	struct bytes word;
	const char *bar;

	if (*at > value.size || value.size == 0)
		return 0;
	bar = memchr(value.data + *at, '|', value.size - *at);
	word = bytes_slice(value, *at, (bar ? (size_t)(bar - value.data) : value.size) - *at);
	*at += word.size + 1;
	if (bytes_start_with(word, bytes_of("0x")))
		word = bytes_slice(word, 2, word.size - 2);
	return number_parse(word, 16, max, ret_id) < 0 ? -EINVAL : 1;
}

/* The values of one attribute that a rule wants, or BYTES_NONE. */
static struct bytes wanted_value(struct bytes text, const struct rule *rule, const char *attribute)
{
	for (size_t i = 0; i < rule->n_pairs; i++) {
		const struct pair *pair = &rule->pairs[i];

		if (pair->matches && (is_key(text, pair, "ATTR") || is_key(text, pair, "ATTRS")) &&
		    bytes_equal_text(slice(text, pair->attribute), attribute))
			return slice(text, pair->value);
	}
	return BYTES_NONE;
}

/* A single number, or UNKNOWN where the rule says nothing. Return: 0, or -EINVAL for a pattern. */
static int read_single(struct bytes value, uint64_t max, int32_t *ret_id)
{
	uint64_t id = 0;
	size_t at = 0;
	int r = next_id(value, &at, max, &id);

	if (r < 0 || (r > 0 && at <= value.size))
		return -EINVAL;
	*ret_id = r > 0 ? (int32_t)id : UNKNOWN;
	return 0;
}

static int add_ids(struct scan *scan, const struct rule *rule, const struct id_entry *common,
		   struct bytes vendors, struct bytes devices)
{
	uint64_t vendor = 0, device = 0;
	int r;

	for (size_t i = 0; (r = next_id(vendors, &i, 0xffff, &vendor)) > 0;) {
		size_t j = 0;

		do {
			struct id_entry *entry;

			r = next_id(devices, &j, 0xffff, &device);
			if (r < 0)
				return r;
			if (r == 0 && j > 0)
				break;
			entry = document_add_ids(scan->document);
			if (!entry)
				return -ENOMEM;
			*entry = *common;
			entry->line = scan->line.number;
			entry->driver = rule->driver;
			entry->vendor = (int32_t)vendor;
			entry->device = r > 0 ? (int32_t)device : UNKNOWN;
		} while (r > 0);
	}
	return r;
}

/*
 * A rule that chooses by model.
 *
 * Return: 1 if it does, 0 if not, or if its patterns cannot be read, -ENOMEM.
 */
static int scan_models(struct scan *scan, const struct rule *rule)
{
	struct bytes text = joined_line_text(&scan->line);
	struct bytes vendors = wanted_value(text, rule, "vendor");
	struct bytes devices = wanted_value(text, rule, "device");
	struct id_entry common = { 0 };
	size_t n = scan->document->n_ids;
	int32_t class = UNKNOWN;
	int r;

	if (vendors.size == 0 || vendors.size > VALUE_MAX || devices.size > VALUE_MAX)
		return 0;
	if (read_single(wanted_value(text, rule, "class"), 0xffffff, &class) < 0 ||
	    read_single(wanted_value(text, rule, "subsystem_vendor"), 0xffff,
			&common.subsystem_vendor) < 0 ||
	    read_single(wanted_value(text, rule, "subsystem_device"), 0xffff,
			&common.subsystem_device) < 0)
		return 0;
	if (class != UNKNOWN) {
		common.class = (uint32_t) class;
		common.class_mask = 0xffffff;
	}
	r = add_ids(scan, rule, &common, vendors, devices);
	if (r == -EINVAL)
		scan->document->n_ids = n;
	return r == -ENOMEM ? r : r == 0;
}

/* A rule that binds, but names no device: by model, by class, or by what a program says. */
static int scan_selector(struct scan *scan, const struct rule *rule)
{
	struct bytes text = joined_line_text(&scan->line);
	struct bytes class = wanted_value(text, rule, "class");
	int r = scan_models(scan, rule);

	if (r != 0)
		return r < 0 ? r : 0;
	if (class.size > 0 && first_time(scan, NOTE_CLASS))
		return document_add_note(scan->document, scan->line.number,
					 "cannot be verified: takes every device of class %.*s, "
					 "also one added later",
					 (int)MIN_OF(class.size, (size_t)64), class.data);
	if (class.size == 0 && rule->sure && first_time(scan, NOTE_COMPUTED))
		return document_add_note(scan->document, scan->line.number,
					 "cannot be verified: binds devices without naming them");
	return 0;
}

static int scan_binding(struct scan *scan, const struct rule *rule)
{
	/* Rules elsewhere go to a label. */
	bool never = rule->label || rule->jumps || scan->shared;
	int r = add_addresses(scan, rule, never ? PARK_NEVER : PARK_LINES, false);

	if (r < 0)
		return r;
	if (line_addresses_end(&scan->addresses) == 0 && !scan->addresses.split)
		return scan_selector(scan, rule);
	if (!scan->addresses.split || !first_time(scan, NOTE_SPLIT))
		return 0;
	return document_add_note(scan->document, scan->line.number,
				 "an address is written on two lines: left as it is");
}

static int scan_line(struct scan *scan)
{
	struct bytes text = joined_line_text(&scan->line);
	struct rule rule;
	int r;

	if (text.size == 0)
		return 0;
	r = document_add_line_digest(scan->document, words_digest(text));
	if (r < 0)
		return r;
	read_rule(text, &rule);
	if (rule.bad) {
		if (!bind_command_binds(text) || !first_time(scan, NOTE_BAD_RULE))
			return 0;
		return document_add_note(scan->document, scan->line.number,
					 "cannot be read as a rule: not looked at");
	}
	if (rule.driver)
		return scan_binding(scan, &rule);
	/* "Any but this one goes on": without the line the rules behind it would take others. */
	if (rule.jumps && scan->binds) {
		r = add_addresses(scan, &rule, PARK_NEVER, true);
		line_addresses_end(&scan->addresses);
	}
	return r;
}

static int scan_document(struct document *document)
{
	struct bytes text = document_bytes(document);
	struct scan scan = {
		.document = document,
		.addresses = { .document = document, .cursor = { 0, 1 } },
		.binds = bind_command_binds(text),
	};
	struct line_cursor lines = { 0, 1 };
	int r = 0;

	for (size_t at = 0; at < text.size && r == 0;) {
		scan.line.number = line_cursor_move(&lines, text, at);
		r = read_line(text, &at, &scan.line, &scan.shared);
		if (r == 0)
			r = scan_line(&scan);
	}
	joined_line_done(&scan.line);
	document_finish(document);
	return r;
}

static int scan_udev_rules(const struct source *source, const struct scan_context *context,
			   struct documents *documents, const struct name_set *names)
{
	int r = 0;

	(void)context;
	(void)names;
	for (size_t i = 0; i < documents->n_items && r == 0; i++)
		if (documents->items[i]->source == source && !documents->items[i]->unfit)
			r = scan_document(documents->items[i]);
	return r;
}

static int collect_udev_rules(const struct source *source, const struct scan_context *context,
			      struct documents *documents, struct problem *problem)
{
	size_t first = documents->n_items;
	int r;

	r = managed_files_collect(source, context->root, "/etc/udev/rules.d/*.rules",
				  managed_file_may_bind, documents, problem);
	/* The udev hook of initramfs-tools copies those that have no namesake in /lib. */
	for (size_t i = first; r == 0 && i < documents->n_items; i++)
		documents->items[i]->in_image = true;
	return r;
}

const struct source udev_rules_source = {
	.name = "udev-rules",
	.collect = collect_udev_rules,
	.scan = scan_udev_rules,
	.check = managed_file_check_nothing,
};
