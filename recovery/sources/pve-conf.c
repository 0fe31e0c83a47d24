/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of Proxmox VE's guests have in common: parse_vm_config(), parse_pct_config(). */
#include <errno.h>
#include <strings.h>

#include "recovery/sources/managed-file.h"
#include "recovery/sources/pve.h"
#include "snapshot/basic/number.h"

#define FILE_NAME_END ".conf"
#define DOMAIN_DIGITS 4
#define DEVICE_MAX    0x1f
#define FUNCTION_MAX  7
#define QEMU_PENDING  "PENDING"
#define LXC_PENDING   "pve:pending"
#define LXC_KEY       "lxc."

static bool is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Perl's \s. */
static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

bool pve_is_blank(struct bytes text)
{
	for (size_t i = 0; i < text.size; i++)
		if (!is_blank(text.data[i]))
			return false;
	return true;
}

static bool equals_in_any_case(struct bytes text, const char *word)
{
	return text.size == strlen(word) && strncasecmp(text.data, word, text.size) == 0;
}

bool pve_is_config_id(struct bytes text)
{
	if (text.size < 2 || !is_lower((char)(text.data[0] | 0x20)))
		return false;
	for (size_t i = 1; i < text.size; i++) {
		char c = text.data[i];

		if (!is_lower((char)(c | 0x20)) && !is_digit(c) && c != '_' && c != '-')
			return false;
	}
	return true;
}

bool pve_parse_file_name(const char *name, uint32_t *ret_vmid)
{
	size_t size = strlen(name), end = strlen(FILE_NAME_END);
	uint64_t vmid;

	if (size <= end || strcmp(name + size - end, FILE_NAME_END) != 0 || name[0] == '0' ||
	    number_parse(bytes_make(name, size - end), 10, UINT32_MAX, &vmid) < 0)
		return false;
	*ret_vmid = (uint32_t)vmid;
	return true;
}

bool pve_is_guest_path(const char *path, const char *kind)
{
	static const char nodes[] = PVE_PATH "/nodes/";
	size_t size = strlen(kind);
	uint32_t vmid;

	if (strncmp(path, nodes, strlen(nodes)) == 0)
		path = strchr(path + strlen(nodes), '/');
	else
		path = strncmp(path, PVE_PATH "/", strlen(PVE_PATH "/")) == 0
			       ? path + strlen(PVE_PATH)
			       : NULL;
	return path && strncmp(path + 1, kind, size) == 0 && path[size + 1] == '/' &&
	       pve_parse_file_name(path + size + 2, &vmid);
}

int pve_parse_boolean(struct bytes value)
{
	static const char *const words[][2] = {
		{ "0", "1" },
		{ "off", "on" },
		{ "no", "yes" },
		{ "false", "true" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		for (int state = 0; state < 2; state++)
			if (equals_in_any_case(value, words[i][state]))
				return state;
	return -1;
}

bool pve_is_pending(struct bytes section)
{
	return equals_in_any_case(section, "[" QEMU_PENDING "]") ||
	       equals_in_any_case(section, "[" LXC_PENDING "]");
}

/* Up to @max digits of an address, lower case as Proxmox wants them. */
static size_t count_digits(struct bytes text, size_t at, size_t max)
{
	size_t n = 0;

	while (n < max && at + n < text.size &&
	       (is_digit(text.data[at + n]) ||
		(text.data[at + n] >= 'a' && text.data[at + n] <= 'f')))
		n++;
	return n;
}

/* Reads @n digits that stand at *@at and whatever @behind, if not 0, follows them. */
static bool take_digits(struct bytes text, size_t *at, size_t n, char behind, struct bytes *ret)
{
	size_t end = *at + n;

	if (count_digits(text, *at, n) < n ||
	    (behind && (end == text.size || text.data[end] != behind)))
		return false;
	*ret = bytes_slice(text, *at, n);
	*at = end + (behind != 0);
	return true;
}

static int parse_address(struct bytes text, struct address_token *ret_token)
{
	uint64_t domain = 0, bus, device, function = 0;
	struct bytes parts[4] = { 0 };
	size_t at = 0, digits = count_digits(text, 0, text.size);

	if (digits >= DOMAIN_DIGITS && !take_digits(text, &at, digits, ':', &parts[0]))
		return -EINVAL;
	if (!take_digits(text, &at, 2, ':', &parts[1]) || !take_digits(text, &at, 2, 0, &parts[2]))
		return -EINVAL;
	if (at < text.size && (text.data[at++] != '.' || !take_digits(text, &at, 1, 0, &parts[3])))
		return -EINVAL;
	if (at < text.size)
		return -EINVAL;
	/* Proxmox compares with what the kernel calls its devices: "%04x:…". */
	if (parts[0].size > DOMAIN_DIGITS && parts[0].data[0] == '0')
		return -ERANGE;
	if ((parts[0].size > 0 && number_parse(parts[0], 16, UINT32_MAX, &domain) < 0) ||
	    number_parse(parts[1], 16, UINT8_MAX, &bus) < 0 ||
	    number_parse(parts[2], 16, DEVICE_MAX, &device) < 0 ||
	    (parts[3].size > 0 && number_parse(parts[3], 16, FUNCTION_MAX, &function) < 0))
		return -ERANGE;
	ret_token->address = (struct pci_address){
		.domain = (uint32_t)domain,
		.bus = (uint8_t)bus,
		.device = (uint8_t)device,
		.function = (uint8_t)function,
	};
	ret_token->whole_slot = parts[3].size == 0;
	return 0;
}

int pve_next_address(struct bytes list, size_t *at, struct address_token *ret_token)
{
	struct address_token token;
	struct bytes rest;
	const char *end;
	int r;

	/* Behind the last address, not behind a ';' that follows it. */
	if (*at > list.size)
		return 0;
	rest = list.size > 0 ? bytes_slice(list, *at, list.size - *at) : BYTES_NONE;
	end = rest.size > 0 ? memchr(rest.data, ';', rest.size) : NULL;
	if (end)
		rest.size = (size_t)(end - rest.data);
	r = parse_address(rest, &token);
	if (r == 0) {
		token.span = (struct span){ *at, rest.size };
		*ret_token = token;
		r = 1;
	}
	if (r != -EINVAL)
		*at += rest.size + 1;
	return r;
}

/* "[NAME]" and nothing but blanks behind it. */
static bool read_head(struct bytes text, struct bytes *ret_name)
{
	const char *end;
	size_t size;

	if (text.size == 0 || text.data[0] != '[')
		return false;
	end = memchr(text.data, ']', text.size);
	if (!end)
		return false;
	size = (size_t)(end - text.data) + 1;
	if (!pve_is_blank(bytes_slice(text, size, text.size - size)))
		return false;
	*ret_name = bytes_slice(text, 1, size - 2);
	return true;
}

/* Sets the reader's section if a line is the head of one. */
static bool enter_section(struct pve_reader *reader, struct bytes text)
{
	const char *pending = reader->is_lxc ? LXC_PENDING : QEMU_PENDING;
	struct bytes name;
	bool known;

	if (!read_head(text, &name))
		return false;
	known = pve_is_config_id(name) || equals_in_any_case(name, pending);
	/* To a container's parser it is a line like any other that it cannot read. */
	if (!known && reader->is_lxc)
		return false;
	reader->section = bytes_slice(text, 0, name.size + 2);
	reader->unknown = !known;
	return true;
}

static struct bytes trim(struct bytes text)
{
	while (text.size > 0 && is_blank(text.data[0]))
		text = bytes_slice(text, 1, text.size - 1);
	while (text.size > 0 && is_blank(text.data[text.size - 1]))
		text.size--;
	return text;
}

/* "lxc.KEY: VALUE" or "lxc.KEY = VALUE"; there may be no value. */
static bool split_lxc(struct bytes text, struct pve_line *line)
{
	size_t end = strlen(LXC_KEY), separator;

	if (!bytes_start_with(text, bytes_of(LXC_KEY)))
		return false;
	while (end < text.size && (is_lower(text.data[end]) || is_digit(text.data[end]) ||
				   (text.data[end] && strchr("_-.", text.data[end]))))
		end++;
	if (end == strlen(LXC_KEY))
		return false;
	separator = end;
	while (separator < text.size && is_blank(text.data[separator]))
		separator++;
	if (separator == text.size ||
	    (text.data[separator] != '=' && (text.data[separator] != ':' || separator > end)))
		return false;
	line->key = bytes_slice(text, 0, end);
	line->value = trim(bytes_slice(text, separator + 1, text.size - separator - 1));
	return true;
}

/* "KEY: VALUE": letters, then digits, and no blank in front of the colon. */
static void split_line(struct bytes text, bool is_lxc, struct pve_line *line)
{
	struct bytes value;
	size_t end = 0;

	if (is_lxc && split_lxc(text, line))
		return;
	while (end < text.size &&
	       (is_lower(text.data[end]) ||
		(end > 0 && (text.data[end] == '_' || (text.data[end] == '-' && !is_lxc)))))
		end++;
	if (end == 0)
		return;
	while (end < text.size && is_digit(text.data[end]))
		end++;
	if (end + 1 >= text.size || text.data[end] != ':')
		return;
	line->key = bytes_slice(text, 0, end);
	value = trim(bytes_slice(text, end + 1, text.size - end - 1));
	/* Of nothing but blanks Proxmox takes the last one. */
	line->value = value.size > 0 ? value : bytes_slice(text, text.size - 1, 1);
}

bool pve_read_line(struct pve_reader *reader, struct pve_line *ret_line)
{
	struct bytes rest, text;
	const char *newline;
	bool is_head;

	if (reader->offset >= reader->contents.size)
		return false;
	rest = bytes_slice(reader->contents, reader->offset,
			   reader->contents.size - reader->offset);
	newline = memchr(rest.data, '\n', rest.size);
	text = bytes_slice(rest, 0, newline ? (size_t)(newline - rest.data) : rest.size);
	is_head = enter_section(reader, text);
	*ret_line = (struct pve_line){
		.text = text,
		.offset = reader->offset,
		.next = reader->offset + text.size + (newline != NULL),
		.number = ++reader->number,
		.is_head = is_head,
		.section = reader->section,
		.unknown = reader->unknown,
	};
	reader->offset = ret_line->next;
	if (!ret_line->is_head && !ret_line->unknown)
		split_line(text, reader->is_lxc, ret_line);
	return true;
}

static bool is_guests_file(const char *name)
{
	uint32_t vmid;

	return pve_parse_file_name(name, &vmid);
}

int pve_collect_guests(const struct source *source, const struct scan_context *context,
		       const char *folder, struct documents *documents, struct problem *problem)
{
	_cleanup_(buffer_done) struct buffer path = { 0 };

	if (!context->pve_folder)
		return 0;
	buffer_appendf(&path, "%s/%s", context->pve_folder, folder);
	if (!path.failed && !context->root->live && !root_exists(context->root, path.data)) {
		buffer_done(&path);
		path = (struct buffer){ 0 };
		buffer_appendf(&path, PVE_PATH "/%s", folder);
	}
	if (path.failed)
		return problem_set_errno(problem, -ENOMEM, context->pve_folder, "read");
	return managed_folder_collect(source, context->root, path.data, is_guests_file, documents,
				      problem);
}
