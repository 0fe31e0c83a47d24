/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Containers of Proxmox VE, pct.conf(5): devices by the path they hang from, and links that LXC
 * hands over itself (lxc.container.conf(5)). What a line says is parse_pct_config()'s of
 * pve-container, what a start makes of it vmconfig_apply_pending()'s and update_lxc_config()'s.
 */
#include <errno.h>

#include "recovery/sources/address-token.h"
#include "recovery/sources/joined-line.h"
#include "recovery/sources/managed-file.h"
#include "recovery/sources/pve.h"
#include "recovery/sources/token.h"
#include "snapshot/basic/number.h"

#define FOLDER      "lxc"
#define LXC_KEY     "lxc."
#define NET_KEY     "lxc.net."
#define BY_PATH     "/by-path/"
#define PATH_PCI    "pci-"
#define ONBOOT_OFF  "onboot: 0"
#define HOLD_KEY    "lxc.include"
#define HOLD_VALUE  "/usr/lib/hwrecover/" HOLD_WORD
#define MOUNT_COUNT 256

/* One for each devN and mpN, and one for rootfs. */
#define SLOTS_MAX (2 * MOUNT_COUNT + 1)

/* What the section of a line is to the next start. */
enum section_kind {
	SECTION_CURRENT,
	SECTION_PENDING,
	_SECTION_SET_MAX, /* the others set nothing */
	SECTION_OTHER = _SECTION_SET_MAX,
};

enum setting_kind {
	SETTING_VOLUME, /* devN, mpN, rootfs */
	SETTING_MOUNT,  /* lxc.mount.entry */
	SETTING_CGROUP, /* lxc.cgroup2.devices.allow */
	SETTING_LINK,   /* lxc.net.N.link */
	SETTING_TYPE,   /* lxc.net.N.type */
};

/**
 * struct setting - A line that may name a device
 * @section: counted from 0, the current one
 * @slot:    of a volume
 * @legacy:  of a link and a type: of a network that is not numbered: "lxc.network.link"
 * @network: the number of the network, or, where it has none, of the type that begins it
 * @type:    of a link: what its network is in the end; empty if that is not said
 * @last:    of a link: the one that counts for its network
 */
struct setting {
	enum setting_kind kind;
	struct pve_line line;
	unsigned int section;
	size_t slot;
	bool legacy;
	uint64_t network;
	struct bytes type;
	bool last;
};

/**
 * struct part - What one of the sections that count says besides
 * @set:       1 more than where the line starts that each volume is set by in the end; 0: none
 * @deletes:   volumes that it takes away
 * @lxc, @deletes_lxc: it has settings of LXC; it takes them away. Proxmox keeps them as one list:
 *             those that are pending replace all others
 * @end:       behind its last line
 * @held_line: the line of a hold
 */
struct part {
	size_t set[SLOTS_MAX];
	bool deletes[SLOTS_MAX];
	bool lxc;
	bool deletes_lxc;
	size_t end;
	struct span held_line;
};

/**
 * struct scan - A walk through one container's file
 * @section, @pending: the number of the section under way, and of the last one that is pending; it
 *           replaces others
 * @kind:    of the section under way
 * @n_types: "lxc.network.type" so far
 * @onboot:  the line that counts;  @starts: what it says
 */
struct scan {
	struct document *document;
	const struct name_set *names;
	unsigned int section;
	unsigned int pending;
	enum section_kind kind;
	struct part parts[_SECTION_SET_MAX];
	struct setting *settings;
	size_t n_settings;
	size_t settings_allocated;
	uint64_t n_types;
	struct pve_line onboot;
	bool starts;
};

static bool starts_with(struct bytes text, const char *start)
{
	return bytes_start_with(text, bytes_of(start));
}

/* Perl's \s. */
static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static size_t skip_digits(struct bytes text, size_t at)
{
	while (at < text.size && text.data[at] >= '0' && text.data[at] <= '9')
		at++;
	return at;
}

/* The next word between separators, each a single byte. Return: whether there is one. */
static bool next_word(struct bytes text, const char *separators, size_t *at, struct bytes *ret_word)
{
	size_t start = *at, end;

	while (start < text.size && (is_blank(text.data[start]) ||
				     (text.data[start] && strchr(separators, text.data[start]))))
		start++;
	for (end = start; end < text.size && !is_blank(text.data[end]) &&
			  !(text.data[end] && strchr(separators, text.data[end]));)
		end++;
	*at = end;
	*ret_word = bytes_slice(text, start, end - start);
	return end > start;
}

/* "mp12": the number behind a word, as Proxmox spells it. */
static bool read_number(struct bytes key, const char *word, uint64_t *ret_number)
{
	size_t size = strlen(word);

	return starts_with(key, word) && !(key.size > size + 1 && key.data[size] == '0') &&
	       number_parse(bytes_slice(key, size, key.size - size), 10, MOUNT_COUNT - 1,
			    ret_number) == 0;
}

static bool find_slot(struct bytes key, size_t *ret_slot)
{
	uint64_t number;

	if (read_number(key, "dev", &number))
		*ret_slot = number;
	else if (read_number(key, "mp", &number))
		*ret_slot = MOUNT_COUNT + number;
	else if (bytes_equal_text(key, "rootfs"))
		*ret_slot = 2 * MOUNT_COUNT;
	else
		return false;
	return true;
}

/* "lxc.net.0.link" */
static bool read_net_key(struct bytes key, struct setting *setting)
{
	size_t start = strlen(NET_KEY), end;
	struct bytes rest;

	if (!starts_with(key, NET_KEY))
		return false;
	end = skip_digits(key, start);
	if (number_parse(bytes_slice(key, start, end - start), 10, UINT32_MAX, &setting->network) <
	    0)
		return false;
	rest = bytes_slice(key, end, key.size - end);
	setting->kind = bytes_equal_text(rest, ".link") ? SETTING_LINK : SETTING_TYPE;
	return setting->kind == SETTING_LINK || bytes_equal_text(rest, ".type");
}

/* Whether a line is one to be looked at; then all but its place is set. */
static bool read_setting(struct scan *scan, struct bytes key, struct setting *setting)
{
	if (find_slot(key, &setting->slot)) {
		setting->kind = SETTING_VOLUME;
	} else if (bytes_equal_text(key, "lxc.mount.entry")) {
		setting->kind = SETTING_MOUNT;
	} else if (bytes_equal_text(key, "lxc.cgroup2.devices.allow") ||
		   bytes_equal_text(key, "lxc.cgroup.devices.allow")) {
		setting->kind = SETTING_CGROUP;
	} else if (bytes_equal_text(key, "lxc.network.type") ||
		   bytes_equal_text(key, "lxc.network.link")) {
		setting->kind = key.data[key.size - 1] == 'e' ? SETTING_TYPE : SETTING_LINK;
		setting->legacy = true;
		scan->n_types += setting->kind == SETTING_TYPE;
		setting->network = scan->n_types;
	} else {
		return read_net_key(key, setting);
	}
	return true;
}

/* "delete: dev0,!mp1" */
static void read_delete(struct part *part, struct bytes value)
{
	struct bytes word;
	size_t slot;

	memset(part->deletes, 0, sizeof(part->deletes));
	part->deletes_lxc = false;
	for (size_t at = 0; next_word(value, ",;", &at, &word);) {
		if (word.data[0] == '!')
			word = bytes_slice(word, 1, word.size - 1);
		if (find_slot(word, &slot))
			part->deletes[slot] = true;
		else if (bytes_equal_text(word, "lxc"))
			part->deletes_lxc = true;
	}
}

static void read_onboot(struct scan *scan, const struct pve_line *line)
{
	scan->onboot = *line;
	/* What is no boolean is kept with a warning, and to Perl everything else is true. */
	scan->starts = pve_parse_boolean(line->value) != 0;
}

/* What a line of the current or the pending section says. */
static void read_part(struct scan *scan, const struct pve_line *line)
{
	struct part *part = &scan->parts[scan->kind];
	bool ends = line->next > line->offset + line->text.size;
	size_t slot;

	for (size_t i = 0; i < line->text.size; i++) {
		if (is_blank(line->text.data[i]))
			continue;
		/* Nothing can be put in behind a line that has no end. */
		part->end = ends ? line->next : line->offset;
		break;
	}
	part->lxc |= starts_with(line->key, LXC_KEY);
	if (find_slot(line->key, &slot))
		part->set[slot] = line->offset + 1;
	if (bytes_equal_text(line->key, HOLD_KEY) && bytes_equal_text(line->value, HOLD_VALUE))
		part->held_line = (struct span){ line->offset, line->next - line->offset };
	if (scan->kind == SECTION_PENDING && bytes_equal_text(line->key, "delete"))
		read_delete(part, line->value);
	if (scan->kind == SECTION_PENDING)
		return;
	if (bytes_equal_text(line->key, "onboot"))
		read_onboot(scan, line);
	else if (bytes_equal_text(line->key, "template"))
		scan->document->guest->template = pve_parse_boolean(line->value) == 1;
}

static void enter_section(struct scan *scan, const struct pve_line *head)
{
	scan->section++;
	scan->kind = pve_is_pending(head->section) ? SECTION_PENDING : SECTION_OTHER;
	if (scan->kind == SECTION_OTHER)
		return;
	scan->pending = scan->section;
	scan->parts[SECTION_PENDING] = (struct part){ .end = head->next };
}

static int read_lines(struct scan *scan)
{
	struct pve_reader reader = { .contents = document_bytes(scan->document), .is_lxc = true };
	struct pve_line line;

	while (pve_read_line(&reader, &line)) {
		struct setting setting = { 0 };

		if (document_add_line_digest(scan->document, words_digest(line.text)) < 0)
			return -ENOMEM;
		if (line.is_head)
			enter_section(scan, &line);
		else if (scan->kind != SECTION_OTHER)
			read_part(scan, &line);
		if (line.key.size == 0 || !read_setting(scan, line.key, &setting))
			continue;
		if (ARRAY_RESERVE(scan->settings, scan->n_settings, scan->settings_allocated) < 0)
			return -ENOMEM;
		setting.line = line;
		setting.section = scan->section;
		scan->settings[scan->n_settings++] = setting;
	}
	return 0;
}

static int compare_numbers(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int compare_offsets(const void *a, const void *b)
{
	const struct setting *left = a, *right = b;

	return compare_numbers(left->line.offset, right->line.offset);
}

/* Links and types first, those of one network together. */
static int compare_networks(const void *a, const void *b)
{
	const struct setting *left = a, *right = b;
	int order = (left->kind < SETTING_LINK) - (right->kind < SETTING_LINK);

	if (order == 0)
		order = compare_numbers(left->section, right->section);
	if (order == 0)
		order = left->legacy - right->legacy;
	if (order == 0)
		order = compare_numbers(left->network, right->network);
	return order != 0 ? order : compare_offsets(a, b);
}

static bool is_same_network(const struct setting *a, const struct setting *b)
{
	return b->kind >= SETTING_LINK && a->section == b->section && a->legacy == b->legacy &&
	       a->network == b->network;
}

/* Tells the links of one network what it is, and the last of them that it is the last. */
static void join_network(struct setting *settings, size_t n)
{
	struct bytes type = BYTES_NONE;
	struct setting *link = NULL;

	for (size_t i = 0; i < n; i++)
		if (settings[i].kind == SETTING_TYPE)
			type = settings[i].line.value;
		else
			link = &settings[i];
	for (size_t i = 0; i < n; i++)
		settings[i].type = type;
	if (link)
		link->last = true;
}

static void join_networks(struct scan *scan)
{
	struct setting *settings = scan->settings;
	size_t end;

	if (scan->n_settings == 0)
		return;
	qsort(settings, scan->n_settings, sizeof(*settings), compare_networks);
	for (size_t i = 0; i < scan->n_settings && settings[i].kind >= SETTING_LINK; i = end) {
		end = i + 1;
		while (end < scan->n_settings && is_same_network(&settings[i], &settings[end]))
			end++;
		join_network(settings + i, end - i);
	}
	qsort(settings, scan->n_settings, sizeof(*settings), compare_offsets);
}

static enum section_kind kind_of(const struct scan *scan, const struct setting *setting)
{
	if (setting->section == 0)
		return SECTION_CURRENT;
	return setting->section == scan->pending ? SECTION_PENDING : SECTION_OTHER;
}

/* Whether the settings of LXC that are pending are the only ones at the next start. */
static bool lxc_is_replaced(const struct scan *scan)
{
	return scan->parts[SECTION_PENDING].lxc || scan->parts[SECTION_PENDING].deletes_lxc;
}

static bool counts_at_start(const struct scan *scan, const struct setting *setting)
{
	const struct part *pending = &scan->parts[SECTION_PENDING];
	enum section_kind kind = kind_of(scan, setting);
	size_t slot = setting->slot;

	if (kind == SECTION_OTHER || scan->document->guest->template)
		return false;
	if (setting->kind == SETTING_LINK && !setting->last)
		return false;
	if (setting->kind != SETTING_VOLUME)
		return kind == SECTION_PENDING || !lxc_is_replaced(scan);
	if (scan->parts[kind].set[slot] != setting->line.offset + 1)
		return false;
	return kind == SECTION_PENDING || (!pending->set[slot] && !pending->deletes[slot]);
}

/* A device for the references that follow. */
static struct guest_device *add_device(struct scan *scan, const struct setting *setting)
{
	struct document *document = scan->document;
	struct guest_device *device = document_add_device(document);

	if (!device)
		return NULL;
	device->key = arena_copy(&document->arena, setting->line.key);
	device->section =
		setting->section == 0 ? "" : arena_copy(&document->arena, setting->line.section);
	device->line = setting->line.number;
	device->first = document->n_references;
	device->at_start = counts_at_start(scan, setting);
	return device->key && device->section ? device : NULL;
}

static struct reference *add_mention(struct scan *scan, const struct setting *setting,
				     struct guest_device *device, struct bytes name)
{
	struct document *document = scan->document;
	struct reference *reference = document_add_reference(document);

	if (!reference)
		return NULL;
	device->n++;
	*reference = (struct reference){
		.span = { (size_t)(name.data - document->data), name.size },
		.line = setting->line.number,
		.certain = true,
		.block = device->section,
		.key = device->key,
		.line_digest = words_digest(setting->line.text),
		.shape = PARK_NEVER,
		.owner = document->guest->id,
	};
	return reference;
}

/* The next address in a name below by-path: "pci-0000:05:00.0-ata-1". */
static bool next_path_address(struct bytes name, size_t *at, struct address_token *ret_token)
{
	size_t before = strlen(PATH_PCI);

	while (address_token_next(name, *at, ret_token)) {
		size_t start = ret_token->span.offset;

		*at = span_end(ret_token->span);
		if (start >= before && !ret_token->whole_slot &&
		    ret_token->span.length >= strlen("0000:00:00.0") &&
		    memcmp(name.data + start - before, PATH_PCI, before) == 0)
			return true;
	}
	return false;
}

static int add_path(struct scan *scan, const struct setting *setting, struct bytes name)
{
	struct guest_device *device = NULL;
	struct address_token token;

	for (size_t at = 0; next_path_address(name, &at, &token);) {
		struct reference *reference;

		if (!device)
			device = add_device(scan, setting);
		if (!device)
			return -ENOMEM;
		reference = add_mention(scan, setting, device,
					bytes_slice(name, token.span.offset, token.span.length));
		if (!reference)
			return -ENOMEM;
		reference->kind = REFERENCE_ADDRESS;
		reference->address = token.address;
	}
	return 0;
}

static int note_number(struct scan *scan, const struct setting *setting)
{
	struct bytes key = setting->line.key;

	if (kind_of(scan, setting) == SECTION_OTHER)
		return 0;
	return document_add_note(scan->document, setting->line.number,
				 "%.*s names a device by a number, which may be another one's "
				 "once the hardware has changed",
				 (int)key.size, key.data);
}

/* Whether a device's node has a number that was given out in the order of finding. */
static bool is_numbered(struct bytes path)
{
	static const char *const nodes[] = {
		"accel/accel",  "apex_",   "bus/usb/",   "dm-",    "dri/card",    "dri/renderD",
		"dvb/adapter",  "fb",      "hidraw",     "i2c-",   "input/event", "input/js",
		"input/mouse",  "media",   "nst",        "nvidia", "nvme",        "sg",
		"snd/controlC", "snd/hwC", "snd/pcmC",   "sr",     "st",          "ttyACM",
		"ttyS",         "ttyUSB",  "usb/hiddev", "usb/lp", "vfio/",       "video",
	};
	struct bytes name = bytes_slice(path, strlen("/dev/"), path.size - strlen("/dev/"));

	if (name.size > 2 && starts_with(name, "sd"))
		return name.data[2] >= 'a' && name.data[2] <= 'z';
	for (size_t i = 0; i < ARRAY_SIZE(nodes); i++) {
		size_t size = strlen(nodes[i]);

		if (starts_with(name, nodes[i]) && skip_digits(name, size) > size)
			return true;
	}
	return false;
}

static int scan_path(struct scan *scan, const struct setting *setting, struct bytes path)
{
	const char *found;

	if (!starts_with(path, "/dev/"))
		return 0;
	found = bytes_find(path, BY_PATH);
	if (found) {
		found += strlen(BY_PATH);
		return add_path(scan, setting,
				bytes_make(found, path.size - (size_t)(found - path.data)));
	}
	return is_numbered(path) ? note_number(scan, setting) : 0;
}

/* "PATH,KEY=VALUE": PATH may stand anywhere, and may have its key in front. */
static int scan_volume(struct scan *scan, const struct setting *setting)
{
	const char *key = setting->slot < MOUNT_COUNT ? "path=" : "volume=";
	struct bytes rest = setting->line.value;

	for (;;) {
		const char *comma = rest.size > 0 ? memchr(rest.data, ',', rest.size) : NULL;
		size_t size = comma ? (size_t)(comma - rest.data) : rest.size;
		struct bytes part = bytes_slice(rest, 0, size);

		if (starts_with(part, key))
			return scan_path(scan, setting,
					 bytes_slice(part, strlen(key), size - strlen(key)));
		if (starts_with(part, "/"))
			return scan_path(scan, setting, part);
		if (!comma)
			return 0;
		rest = bytes_slice(rest, size + 1, rest.size - size - 1);
	}
}

/* fstab(5): what is mounted comes first. */
static int scan_mount(struct scan *scan, const struct setting *setting)
{
	struct bytes path;
	size_t at = 0;

	return next_word(setting->line.value, "", &at, &path) ? scan_path(scan, setting, path) : 0;
}

/*
 * "c 226:128 rwm". Nobody changes the numbers of memory, terminals, loops, miscellaneous devices
 * and pseudo-terminals (devices.txt of the kernel).
 */
static int scan_cgroup(struct scan *scan, const struct setting *setting)
{
	static const char *const fixed[] = { "1:", "4:", "5:", "7:", "10:", "136:" };
	struct bytes kind, numbers;
	size_t at = 0, colon;

	if (!next_word(setting->line.value, "", &at, &kind) ||
	    !next_word(setting->line.value, "", &at, &numbers))
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(fixed); i++)
		if (starts_with(numbers, fixed[i]) && bytes_equal_text(kind, "c"))
			return 0;
	colon = skip_digits(numbers, 0);
	if (colon == 0 || colon == numbers.size || numbers.data[colon] != ':' ||
	    skip_digits(numbers, colon + 1) == colon + 1)
		return 0;
	return note_number(scan, setting);
}

/* What needs a link of the host; veth's is a bridge. */
static bool type_has_link(struct bytes type)
{
	return bytes_equal_text(type, "phys") || bytes_equal_text(type, "macvlan") ||
	       bytes_equal_text(type, "ipvlan") || bytes_equal_text(type, "vlan");
}

static int scan_link(struct scan *scan, const struct setting *setting)
{
	struct bytes value = setting->line.value;
	struct guest_device *device;
	struct reference *reference;
	struct token token;

	/* No link has a name with a label. */
	if (!type_has_link(setting->type) || !token_word(value, scan->names, &token) ||
	    memchr(value.data + token.span.length, ':', token.suffix))
		return 0;
	device = add_device(scan, setting);
	if (!device)
		return -ENOMEM;
	/* With a VLAN's link the NIC itself stays where it is. */
	device->taken = bytes_equal_text(setting->type, "phys") && token.suffix == 0;
	reference = add_mention(scan, setting, device,
				bytes_slice(value, token.span.offset, token.span.length));
	if (!reference)
		return -ENOMEM;
	reference->kind = REFERENCE_NIC;
	reference->suffix = token.suffix;
	reference->limited = true;
	return 0;
}

static int scan_setting(struct scan *scan, const struct setting *setting)
{
	switch (setting->kind) {
	case SETTING_VOLUME:
		return scan_volume(scan, setting);
	case SETTING_MOUNT:
		return scan_mount(scan, setting);
	case SETTING_CGROUP:
		return scan_cgroup(scan, setting);
	case SETTING_LINK:
		return scan_link(scan, setting);
	case SETTING_TYPE:
		return 0;
	}
	return 0;
}

static int add_switch(struct scan *scan)
{
	_cleanup_(buffer_done) struct buffer off = { 0 };
	const struct pve_line *line = &scan->onboot;
	struct document *document = scan->document;
	struct start_switch *item;

	if (line->key.size == 0)
		return 0;
	item = document_add_switch(document);
	if (!item)
		return -ENOMEM;
	item->kind = SWITCH_AUTOSTART;
	item->guest = document->guest->id;
	item->on = scan->starts;
	item->span = (struct span){ line->offset, line->next - line->offset };
	if (scan->starts) {
		buffer_append_text(&off, ONBOOT_OFF);
		if (line->next > line->offset + line->text.size)
			buffer_append_char(&off, '\n');
	} else {
		buffer_append(&off, document_text(document, item->span));
	}
	if (off.failed)
		return -ENOMEM;
	item->off = arena_copy(&document->arena, buffer_bytes(&off));
	return item->off ? 0 : -ENOMEM;
}

/*
 * A file that does not exist makes every start fail, and LXC names it in its error, which it does
 * not do with a hook. It stands where the settings of LXC do that are in force at the next start.
 */
static void set_hold(struct scan *scan)
{
	struct guest_config *guest = scan->document->guest;
	const struct part *part =
		&scan->parts[lxc_is_replaced(scan) ? SECTION_PENDING : SECTION_CURRENT];

	guest->hold_at = part->end;
	guest->hold_line = HOLD_KEY ": " HOLD_VALUE "\n";
	guest->held_line = part->held_line;
}

static int scan_file(struct scan *scan)
{
	int r = read_lines(scan);

	if (r < 0)
		return r;
	join_networks(scan);
	for (size_t i = 0; i < scan->n_settings && r == 0; i++)
		r = scan_setting(scan, &scan->settings[i]);
	if (r < 0)
		return r;
	set_hold(scan);
	return add_switch(scan);
}

static int scan_document(struct document *document, const struct name_set *names)
{
	struct scan scan = { .document = document, .names = names };
	_cleanup_(buffer_done) struct buffer id = { 0 };
	uint32_t ctid;
	int r;

	if (!pve_parse_file_name(strrchr(document->path, '/') + 1, &ctid))
		return 0;
	if (!document_make_guest(document))
		return -ENOMEM;
	buffer_appendf(&id, "pve/lxc/%u", ctid);
	if (id.failed)
		return -ENOMEM;
	document->guest->id = arena_copy(&document->arena, buffer_bytes(&id));
	r = document->guest->id ? scan_file(&scan) : -ENOMEM;
	free(scan.settings);
	document_finish(document);
	return r;
}

static int scan_lxc(const struct source *source, const struct scan_context *context,
		    struct documents *documents, const struct name_set *names)
{
	int r = 0;

	(void)context;
	for (size_t i = 0; i < documents->n_items && r == 0; i++)
		if (documents->items[i]->source == source && !documents->items[i]->unfit)
			r = scan_document(documents->items[i], names);
	return r;
}

static bool owns_lxc(const char *path)
{
	return pve_is_guest_path(path, FOLDER);
}

static int collect_lxc(const struct source *source, const struct scan_context *context,
		       struct documents *documents, struct problem *problem)
{
	return pve_collect_guests(source, context, FOLDER, documents, problem);
}

const struct source pve_lxc_source = {
	.name = "pve-lxc",
	.is_guest = true,
	.owns = owns_lxc,
	.collect = collect_lxc,
	.scan = scan_lxc,
	.check = managed_file_check_nothing,
};
