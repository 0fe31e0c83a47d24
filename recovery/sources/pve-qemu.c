/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Virtual machines of Proxmox VE, qm.conf(5). What of a file counts is decided as by
 * parse_vm_config() and vm_start() of qemu-server.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "recovery/sources/managed-file.h"
#include "recovery/sources/pve-hostpci.h"
#include "recovery/sources/pve.h"
#include "snapshot/basic/number.h"

#define FOLDER        "qemu-server"
#define BY_PATH       "/dev/disk/by-path/"
#define VFIO_DRIVER   "vfio-pci"
#define HOLD_MAPPING  "mapping=" HOLD_WORD
#define HOSTPCI_COUNT 16

enum key_kind {
	KEY_HOSTPCI,
	KEY_ARGS,
	KEY_DISK,
};

/* The settings that are looked at; one that has no number has a count of 0. */
static const struct {
	const char *name;
	unsigned int count;
	enum key_kind kind;
} keys[] = {
	{ "hostpci", HOSTPCI_COUNT, KEY_HOSTPCI },
	{ "args", 0, KEY_ARGS },
	{ "ide", 4, KEY_DISK },
	{ "sata", 6, KEY_DISK },
	{ "scsi", 31, KEY_DISK },
	{ "virtio", 16, KEY_DISK },
	{ "efidisk", 1, KEY_DISK },
	{ "tpmstate", 1, KEY_DISK },
};

/* One slot for each key that there can be, those of hostpciN first. */
#define SLOTS_MAX (HOSTPCI_COUNT + 1 + 4 + 6 + 31 + 16 + 1 + 1)

/* What a section is to the guest's next start. */
enum section_kind {
	SECTION_CURRENT,
	SECTION_PENDING,
	_SECTION_SETS_MAX,
	SECTION_OTHER = _SECTION_SETS_MAX,
};

/* Instead of the index of a device: the key is set to nothing that is one. */
#define NO_DEVICE SIZE_MAX

/**
 * struct scan - A walk through one guest's file
 * @line:    the line under way; @digest is of it
 * @kind, @section: the section it stands in; the name is copied when it is needed first
 * @set:     1 more than the index of the device that a section sets a key to, NO_DEVICE, or 0
 * @deleted: [PENDING] takes the key away
 * @used:    numbers of hostpciN that are set or deleted, as bits
 * @noted:   numbers of hostpciN of which something was told; the next bit is for all other numbers
 * @resumed: the guest goes on as it was: what is pending is not applied
 * @onboot:  the line that counts, without a key if there is none; @on is what it says
 */
struct scan {
	struct document *document;
	struct guest_config *guest;
	struct pve_line line;
	uint64_t digest;
	enum section_kind kind;
	const char *section;
	size_t set[_SECTION_SETS_MAX][SLOTS_MAX];
	bool deleted[SLOTS_MAX];
	uint32_t used;
	uint32_t noted;
	bool suspended;
	bool has_state;
	struct pve_line onboot;
	bool on;
};

/* A word of "args", as a shell would split them; @plain if nothing within it is quoted. */
struct argument {
	struct bytes text;
	bool plain;
};

/* A key's number, without zeros in front. */
static bool read_number(struct bytes text, unsigned int count, uint64_t *ret_number)
{
	*ret_number = 0;
	if (count == 0)
		return text.size == 0;
	return (text.size == 1 || (text.size > 1 && text.data[0] != '0')) &&
	       number_parse(text, 10, count - 1, ret_number) == 0;
}

static bool find_key(struct bytes key, size_t *ret_slot, enum key_kind *ret_kind)
{
	size_t slot = 0;

	for (size_t i = 0; i < ARRAY_SIZE(keys); slot += MAX_OF(keys[i].count, 1U), i++) {
		size_t size = strlen(keys[i].name);
		uint64_t number;

		if (!bytes_start_with(key, bytes_of(keys[i].name)) ||
		    !read_number(bytes_slice(key, size, key.size - size), keys[i].count, &number))
			continue;
		*ret_slot = slot + number;
		*ret_kind = keys[i].kind;
		return true;
	}
	return false;
}

static const char *copy(struct scan *scan, struct bytes text)
{
	return arena_copy(&scan->document->arena, text);
}

static struct span span_of(const struct scan *scan, struct bytes text)
{
	return (struct span){ (size_t)(text.data - scan->document->data), text.size };
}

/* The line under way, whole. */
static struct span line_span(const struct pve_line *line)
{
	return (struct span){ line->offset, line->next - line->offset };
}

static const char *section_name(struct scan *scan)
{
	if (!scan->section)
		scan->section = copy(scan, scan->line.section);
	return scan->section;
}

/* Whether of a hostpciN nothing was told yet. */
static bool first_time(struct scan *scan, size_t number)
{
	bool first = !(scan->noted & 1U << number);

	scan->noted |= 1U << number;
	return first;
}

static void set_key(struct scan *scan, size_t slot, size_t device)
{
	if (scan->kind != SECTION_OTHER)
		scan->set[scan->kind][slot] = device;
}

static int add_reference(struct scan *scan, struct bytes text, const char *key,
			 const struct address_token *token, bool certain)
{
	struct reference *reference = document_add_reference(scan->document);

	if (!reference)
		return -ENOMEM;
	*reference = (struct reference){
		.kind = REFERENCE_ADDRESS,
		.span = span_of(scan, text),
		.line = scan->line.number,
		.certain = certain,
		.block = section_name(scan),
		.key = key,
		.line_digest = scan->digest,
		.shape = PARK_NEVER,
		.owner = scan->guest->id,
		.address = token->address,
		.whole_slot = token->whole_slot,
	};
	return reference->block ? 0 : -ENOMEM;
}

/* The device that the line under way sets its key to; its references are those from @first on. */
static struct guest_device *add_device(struct scan *scan, size_t slot, const char *key,
				       size_t first)
{
	struct guest_device *device = document_add_device(scan->document);

	if (!device)
		return NULL;
	device->key = key;
	device->section = section_name(scan);
	device->line = scan->line.number;
	device->first = first;
	device->n = scan->document->n_references - first;
	set_key(scan, slot, scan->guest->n_devices);
	return device->section ? device : NULL;
}

static int add_hosts(struct scan *scan, struct bytes list, const char *key)
{
	struct address_token token;
	size_t at = 0;
	int r = 0;

	while (r == 0 && pve_next_address(list, &at, &token) > 0)
		r = add_reference(scan, bytes_slice(list, token.span.offset, token.span.length),
				  key, &token, true);
	return r;
}

static int add_hostpci(struct scan *scan, size_t number, const struct hostpci *hostpci)
{
	size_t first = scan->document->n_references;
	const char *key = copy(scan, scan->line.key);
	bool held = hold_is_one(hostpci->part);
	struct guest_device *device;

	if (!key || (hostpci->values[OPTION_HOST].size > 0 &&
		     add_hosts(scan, hostpci->values[OPTION_HOST], key) < 0))
		return -ENOMEM;
	device = add_device(scan, number, key, first);
	if (!device)
		return -ENOMEM;
	/* A mediated device is a part of one that stays with its driver on the host. */
	device->taken = hostpci->values[OPTION_MDEV].size == 0;
	if (held || hold_is_possible(hostpci->part))
		device->hold = span_of(scan, hostpci->part);
	device->held = held;
	if (held) {
		device->original = hold_decode(&scan->document->arena, hostpci->part);
		return device->original ? 0 : -ENOMEM;
	}
	if (hostpci->values[OPTION_MAPPING].size > 0) {
		device->mapping = copy(scan, hostpci->values[OPTION_MAPPING]);
		return device->mapping ? 0 : -ENOMEM;
	}
	return 0;
}

/* What is odd about a hostpciN, once for each N. */
static int note_hostpci(struct scan *scan, size_t number, enum hostpci_state state,
			const struct hostpci *hostpci)
{
	struct document *document = scan->document;
	unsigned int line = scan->line.number;

	if ((state == HOSTPCI_DEVICE && hostpci->unknown.size == 0) || !first_time(scan, number))
		return 0;
	if (state == HOSTPCI_DROPPED)
		return document_add_note(document, line,
					 "hostpci%zu: Proxmox VE cannot read the value and starts "
					 "the guest without it",
					 number);
	if (state == HOSTPCI_FATAL)
		return document_add_note(document, line,
					 "hostpci%zu names %s: the guest cannot be started", number,
					 hostpci->cause);
	return document_add_note(document, line, "hostpci%zu: the option %.*s is not known here",
				 number, (int)MIN_OF(hostpci->unknown.size, (size_t)32),
				 hostpci->unknown.data);
}

static int scan_hostpci(struct scan *scan, size_t number)
{
	struct hostpci hostpci;
	enum hostpci_state state = hostpci_parse(scan->line.value, &hostpci);
	int r = note_hostpci(scan, number, state, &hostpci);

	if (r < 0)
		return r;
	if (scan->kind != SECTION_OTHER)
		scan->used |= 1U << number;
	if (state == HOSTPCI_DROPPED)
		return 0;
	set_key(scan, number, NO_DEVICE);
	if (state == HOSTPCI_FATAL)
		return 0;
	if (!bytes_equal_text(scan->line.value, HOLD_MAPPING))
		return add_hostpci(scan, number, &hostpci);
	if (scan->kind == SECTION_CURRENT)
		scan->guest->held_line = line_span(&scan->line);
	return 0;
}

/* A disk of the host, by the port that it is attached to. */
static int scan_disk(struct scan *scan, size_t slot)
{
	static const char port[] = BY_PATH "pci-";
	struct bytes value = scan->line.value;
	const char *path = bytes_find(value, port), *key;
	size_t first = scan->document->n_references;
	struct address_token token;

	set_key(scan, slot, NO_DEVICE);
	if (!path)
		return 0;
	path += strlen(port);
	value = bytes_make(path, value.size - (size_t)(path - value.data));
	if (!address_token_next(value, 0, &token) || token.span.offset > 0 || token.whole_slot)
		return 0;
	value.size = token.span.length;
	key = copy(scan, scan->line.key);
	if (!key || add_reference(scan, value, key, &token, true) < 0 ||
	    !add_device(scan, slot, key, first))
		return -ENOMEM;
	return 0;
}

static bool is_blank(char c)
{
	return pve_is_blank(bytes_make(&c, 1));
}

/* Where the word that starts at @start ends. */
static size_t find_word_end(struct bytes text, size_t start)
{
	char quote = 0;
	size_t end;

	for (end = start; end < text.size; end++) {
		char c = text.data[end];

		if (!quote && is_blank(c))
			break;
		if (c == '\\' && quote != '\'' && end + 1 < text.size)
			end++;
		else if (c == quote)
			quote = 0;
		else if (!quote && (c == '"' || c == '\''))
			quote = c;
	}
	return end;
}

static bool next_argument(struct bytes text, size_t *at, struct argument *ret_argument)
{
	struct bytes word;

	while (*at < text.size && is_blank(text.data[*at]))
		++*at;
	if (*at >= text.size)
		return false;
	word = bytes_slice(text, *at, find_word_end(text, *at) - *at);
	*at += word.size;
	if (word.size >= 2 && (word.data[0] == '"' || word.data[0] == '\'') &&
	    word.data[word.size - 1] == word.data[0])
		word = bytes_slice(word, 1, word.size - 2);
	ret_argument->text = word;
	ret_argument->plain = !memchr(word.data, '"', word.size) &&
			      !memchr(word.data, '\'', word.size) &&
			      !memchr(word.data, '\\', word.size);
	return true;
}

/* Every address in a text of a form that is not known: they are told, but not rewritten. */
static int add_uncertain(struct scan *scan, struct bytes text)
{
	struct address_token token;
	size_t at = 0;
	int r = 0;

	for (; r == 0 && address_token_next(text, at, &token); at = span_end(token.span))
		r = add_reference(scan, bytes_slice(text, token.span.offset, token.span.length),
				  "args", &token, false);
	return r;
}

/* The same of addresses that are written in full, with a domain: such a one is nothing else. */
static int add_spelled_out(struct scan *scan, struct bytes text)
{
	struct address_token token;
	size_t at = 0;
	int r = 0;

	for (; r == 0 && address_token_next(text, at, &token); at = span_end(token.span))
		if (token.span.length >= strlen("0000:00:00.0"))
			r = add_reference(scan,
					  bytes_slice(text, token.span.offset, token.span.length),
					  "args", &token, false);
	return r;
}

/* Takes what stands in front of the first comma away. */
static struct bytes take_property(struct bytes *rest)
{
	const char *comma = memchr(rest->data, ',', rest->size);
	struct bytes property = *rest;

	if (!comma) {
		*rest = BYTES_NONE;
		return property;
	}
	property.size = (size_t)(comma - rest->data);
	*rest = bytes_slice(*rest, property.size + 1, rest->size - property.size - 1);
	return property;
}

static bool take_key(struct bytes *property, const char *key)
{
	size_t size = strlen(key);

	if (!bytes_start_with(*property, bytes_of(key)))
		return false;
	*property = bytes_slice(*property, size, property->size - size);
	return true;
}

/* "vfio-pci,host=0000:05:00.0,…": the first property needs no key. */
static bool is_vfio(struct bytes argument)
{
	bool first = true;

	for (struct bytes rest = argument; rest.size > 0; first = false) {
		struct bytes property = take_property(&rest);

		if ((take_key(&property, "driver=") || first) &&
		    bytes_start_with(property, bytes_of(VFIO_DRIVER)))
			return true;
	}
	return false;
}

/* What follows -device. */
static int scan_device_argument(struct scan *scan, const struct argument *argument)
{
	struct bytes rest = argument->text;
	int r = 0;

	if (!bytes_find(rest, VFIO_DRIVER))
		return 0;
	if (!argument->plain)
		return add_uncertain(scan, rest);
	if (!is_vfio(rest))
		return 0;
	while (rest.size > 0 && r == 0) {
		struct bytes property = take_property(&rest);
		struct address_token token = { 0 };

		if (take_key(&property, "host=") &&
		    address_token_parse(property, &token.address) == 0)
			r = add_reference(scan, property, "args", &token, true);
		else
			r = add_uncertain(scan, property);
	}
	return r;
}

/* QEMU takes one dash or two. */
static bool is_option(struct bytes word, const char *name)
{
	size_t dashes = bytes_start_with(word, bytes_of("--")) ? 2 : 1;

	return bytes_start_with(word, bytes_of("-")) &&
	       bytes_equal_text(bytes_slice(word, dashes, word.size - dashes), name);
}

static int scan_args(struct scan *scan, size_t slot)
{
	size_t first = scan->document->n_references, at = 0, before;
	struct guest_device *device;
	struct argument argument;
	bool is_device = false, opens_device = false;
	int r = 0;

	set_key(scan, slot, NO_DEVICE);
	while (r == 0 && next_argument(scan->line.value, &at, &argument)) {
		before = scan->document->n_references;
		if (is_device)
			r = scan_device_argument(scan, &argument);
		/* QEMU takes host devices in many other ways: what is spelled out is known at
		 * least. */
		if (r == 0 && opens_device && scan->document->n_references == before)
			r = add_spelled_out(scan, argument.text);
		is_device = is_option(argument.text, "device");
		opens_device = is_device || is_option(argument.text, "drive") ||
			       is_option(argument.text, "blockdev") ||
			       is_option(argument.text, "set");
	}
	if (r < 0 || scan->document->n_references == first)
		return r;
	device = add_device(scan, slot, "args", first);
	if (!device)
		return -ENOMEM;
	device->taken = true;
	return 0;
}

/* Keys between blanks, ',' and ';', each perhaps with a '!': parse_pending_delete(). */
static void scan_delete(struct scan *scan)
{
	struct bytes text = scan->line.value;
	size_t end;

	memset(scan->deleted, 0, sizeof(scan->deleted));
	for (size_t start = 0; start < text.size; start = end + 1) {
		enum key_kind kind;
		size_t slot;

		for (end = start; end < text.size && text.data[end] != ',' &&
				  text.data[end] != ';' && !is_blank(text.data[end]);)
			end++;
		if (start < end && text.data[start] == '!')
			start++;
		if (!find_key(bytes_slice(text, start, end - start), &slot, &kind))
			continue;
		scan->deleted[slot] = true;
		if (kind == KEY_HOSTPCI)
			scan->used |= 1U << slot;
	}
}

/* What says of the guest as a whole how it is started; a value that is none is passed over. */
static void scan_start(struct scan *scan)
{
	const struct pve_line *line = &scan->line;
	int state = pve_parse_boolean(line->value);

	if (bytes_equal_text(line->key, "template") && state >= 0) {
		scan->guest->template = state;
	} else if (bytes_equal_text(line->key, "onboot") && state >= 0) {
		scan->onboot = *line;
		scan->on = state;
	} else if (bytes_equal_text(line->key, "lock")) {
		scan->suspended = bytes_equal_text(line->value, "suspended");
	} else if (bytes_equal_text(line->key, "vmstate")) {
		scan->has_state = true;
	}
}

/* "hostpci16", "hostpci00" */
static int note_number(struct scan *scan)
{
	struct bytes key = scan->line.key;

	if (!take_key(&key, keys[0].name) || key.size == 0 || !first_time(scan, HOSTPCI_COUNT))
		return 0;
	return document_add_note(scan->document, scan->line.number,
				 "Proxmox VE ignores this hostpci: there are hostpci0 to hostpci%d",
				 HOSTPCI_COUNT - 1);
}

static int scan_setting(struct scan *scan)
{
	enum key_kind kind;
	size_t slot;

	if (scan->kind == SECTION_CURRENT)
		scan_start(scan);
	if (scan->kind == SECTION_PENDING && bytes_equal_text(scan->line.key, "delete")) {
		scan_delete(scan);
		return 0;
	}
	if (!find_key(scan->line.key, &slot, &kind))
		return note_number(scan);
	if (kind == KEY_HOSTPCI)
		return scan_hostpci(scan, slot);
	return kind == KEY_DISK ? scan_disk(scan, slot) : scan_args(scan, slot);
}

static void enter_section(struct scan *scan)
{
	bool pending = pve_is_pending(scan->line.section) && !scan->line.unknown;

	scan->section = NULL;
	scan->kind = pending ? SECTION_PENDING : SECTION_OTHER;
	if (!pending)
		return;
	/* Of two such sections only the later one is applied. */
	memset(scan->set[SECTION_PENDING], 0, sizeof(scan->set[SECTION_PENDING]));
	memset(scan->deleted, 0, sizeof(scan->deleted));
}

/* Behind the last line of the current section, or in front of it where it has no end. */
static size_t find_hold_place(const struct pve_line *line)
{
	return line->next > line->offset + line->text.size ? line->next : line->offset;
}

static int scan_lines(struct scan *scan)
{
	struct pve_reader reader = { .contents = document_bytes(scan->document) };
	int r = 0;

	while (r == 0 && pve_read_line(&reader, &scan->line)) {
		if (scan->line.text.size == 0)
			continue;
		scan->digest = bytes_digest(scan->line.text, BYTES_DIGEST_SEED);
		r = document_add_line_digest(scan->document, scan->digest);
		if (r < 0)
			return r;
		if (scan->line.is_head)
			enter_section(scan);
		if (scan->kind == SECTION_CURRENT)
			scan->guest->hold_at = find_hold_place(&scan->line);
		if (scan->line.key.size > 0)
			r = scan_setting(scan);
	}
	return r;
}

static void mark_at_start(struct scan *scan)
{
	const size_t *current = scan->set[SECTION_CURRENT], *pending = scan->set[SECTION_PENDING];
	struct guest_device *devices = scan->guest->devices;
	/* vm_start() applies what is pending unless it resumes. */
	bool applied = !scan->suspended && !scan->has_state;

	for (size_t i = 0; i < SLOTS_MAX && !scan->guest->template; i++) {
		bool replaced = applied && (pending[i] > 0 || scan->deleted[i]);
		size_t set = replaced ? pending[i] : current[i];

		if (set > 0 && set != NO_DEVICE)
			devices[set - 1].at_start = true;
	}
}

/* What a line ends with: "\r\n", or nothing at the end of the file. */
static struct bytes line_end(const struct scan *scan, const struct pve_line *line)
{
	size_t start = line->offset + line->text.size;

	if (line->text.data[line->text.size - 1] == '\r')
		start--;
	return bytes_slice(document_bytes(scan->document), start, line->next - start);
}

static int add_switch(struct scan *scan)
{
	_cleanup_(buffer_done) struct buffer off = { 0 };
	struct start_switch *start_switch;

	if (scan->onboot.key.size == 0)
		return 0;
	buffer_append_text(&off, "onboot: 0");
	buffer_append(&off, line_end(scan, &scan->onboot));
	start_switch = off.failed ? NULL : document_add_switch(scan->document);
	if (!start_switch)
		return -ENOMEM;
	*start_switch = (struct start_switch){
		.kind = SWITCH_AUTOSTART,
		.guest = scan->guest->id,
		.on = scan->on,
		.span = line_span(&scan->onboot),
		.off = copy(scan, buffer_bytes(&off)),
	};
	return start_switch->off ? 0 : -ENOMEM;
}

/* A number that [PENDING] neither sets nor deletes: else the line were gone before the start. */
static int make_hold_line(struct scan *scan)
{
	char line[sizeof("hostpci00: " HOLD_MAPPING "\n")];
	int number = HOSTPCI_COUNT - 1;

	while (number >= 0 && (scan->used & 1U << number))
		number--;
	if (number < 0)
		return 0;
	(void)snprintf(line, sizeof(line), "hostpci%u: " HOLD_MAPPING "\n",
		       (unsigned int)number % HOSTPCI_COUNT);
	scan->guest->hold_line = copy(scan, bytes_of(line));
	return scan->guest->hold_line ? 0 : -ENOMEM;
}

static int begin_guest(struct scan *scan, uint32_t vmid)
{
	char id[sizeof("pve/qemu/4294967295")];

	(void)snprintf(id, sizeof(id), "pve/qemu/%" PRIu32, vmid);
	scan->guest = document_make_guest(scan->document);
	if (!scan->guest)
		return -ENOMEM;
	scan->guest->id = copy(scan, bytes_of(id));
	return scan->guest->id ? 0 : -ENOMEM;
}

static int scan_document(struct document *document, uint32_t vmid)
{
	struct scan scan = { .document = document, .kind = SECTION_CURRENT };
	int r = begin_guest(&scan, vmid);

	if (r == 0)
		r = scan_lines(&scan);
	if (r < 0)
		return r;
	mark_at_start(&scan);
	r = add_switch(&scan);
	if (r == 0)
		r = make_hold_line(&scan);
	document_finish(document);
	return r;
}

static bool read_name(const char *path, uint32_t *ret_vmid)
{
	return pve_parse_file_name(strrchr(path, '/') + 1, ret_vmid);
}

static int scan_qemu(const struct source *source, const struct scan_context *context,
		     struct documents *documents, const struct name_set *names)
{
	int r = 0;

	(void)context;
	(void)names;
	for (size_t i = 0; i < documents->n_items && r == 0; i++) {
		struct document *document = documents->items[i];
		uint32_t vmid;

		if (document->source == source && !document->unfit &&
		    read_name(document->path, &vmid))
			r = scan_document(document, vmid);
	}
	return r;
}

static int collect_qemu(const struct source *source, const struct scan_context *context,
			struct documents *documents, struct problem *problem)
{
	return pve_collect_guests(source, context, FOLDER, documents, problem);
}

static bool owns_qemu(const char *path)
{
	return pve_is_guest_path(path, FOLDER);
}

const struct source pve_qemu_source = {
	.name = "pve-qemu",
	.is_guest = true,
	.owns = owns_qemu,
	.collect = collect_qemu,
	.scan = scan_qemu,
	.check = managed_file_check_nothing,
};
