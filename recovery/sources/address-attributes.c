/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "recovery/sources/address-attributes.h"

#include <errno.h>
#include <inttypes.h>

#include "snapshot/basic/buffer.h"
#include "snapshot/basic/number.h"

enum part {
	PART_DOMAIN,
	PART_BUS,
	PART_SLOT,
	PART_FUNCTION,
	_PART_MAX,
};

/* @added is how the attribute is written where there was none. */
static const struct {
	const char *name;
	uint64_t max;
	const char *added;
} parts[_PART_MAX] = {
	[PART_DOMAIN] = { "domain", UINT32_MAX, "0x0000" },
	[PART_BUS] = { "bus", 0xff, "0x00" },
	[PART_SLOT] = { "slot", 0x1f, "0x00" },
	[PART_FUNCTION] = { "function", 7, "0x0" },
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static size_t skip_blanks(struct bytes text, size_t at)
{
	while (at < text.size && is_blank(text.data[at]))
		at++;
	return at;
}

int xml_attribute_next(struct bytes text, size_t *at, struct xml_attribute *ret_attribute)
{
	size_t start = skip_blanks(text, *at), end = start, value;
	const char *closing;

	if (start == text.size)
		return 0;
	while (end < text.size && !is_blank(text.data[end]) && text.data[end] != '=')
		end++;
	value = skip_blanks(text, end);
	if (end == start || value == text.size || text.data[value] != '=')
		return -EINVAL;
	value = skip_blanks(text, value + 1);
	if (value == text.size || (text.data[value] != '"' && text.data[value] != '\''))
		return -EINVAL;
	closing = memchr(text.data + value + 1, text.data[value], text.size - value - 1);
	if (!closing)
		return -EINVAL;
	ret_attribute->name = bytes_slice(text, start, end - start);
	ret_attribute->value =
		bytes_make(text.data + value + 1, (size_t)(closing - text.data) - value - 1);
	*at = (size_t)(closing - text.data) + 1;
	return 1;
}

static enum part part_of(const struct xml_attribute *attribute)
{
	enum part part = 0;

	while (part < _PART_MAX && !bytes_equal_text(attribute->name, parts[part].name))
		part++;
	return part;
}

bool address_attributes_find(struct bytes text, struct bytes *ret_mention)
{
	const char *first = NULL, *end = NULL;
	struct xml_attribute attribute;

	for (size_t at = 0; xml_attribute_next(text, &at, &attribute) > 0;) {
		if (part_of(&attribute) == _PART_MAX)
			continue;
		if (!first)
			first = attribute.name.data;
		end = text.data + at;
	}
	if (!first)
		return false;
	*ret_mention = bytes_make(first, (size_t)(end - first));
	return true;
}

static bool is_hexadecimal(struct bytes text)
{
	return text.size > 1 && text.data[0] == '0' && (text.data[1] == 'x' || text.data[1] == 'X');
}

static bool is_octal(struct bytes text)
{
	return text.size > 1 && text.data[0] == '0' && !is_hexadecimal(text);
}

static int parse_octal(struct bytes text, uint64_t max, uint64_t *ret_value)
{
	uint64_t value = 0;

	for (size_t i = 0; i < text.size; i++) {
		if (text.data[i] < '0' || text.data[i] > '7')
			return -EINVAL;
		value = value * 8 + (uint64_t)(text.data[i] - '0');
		if (value > max)
			return -ERANGE;
	}
	*ret_value = value;
	return 0;
}

/* As strtoul(3) with base 0 has it, but nothing around the digits. */
static int parse_number(struct bytes text, uint64_t max, uint64_t *ret_value)
{
	if (is_hexadecimal(text))
		return number_parse(bytes_slice(text, 2, text.size - 2), 16, max, ret_value);
	if (is_octal(text))
		return parse_octal(text, max, ret_value);
	return number_parse(text, 10, max, ret_value);
}

static int parse_parts(struct bytes text, uint64_t values[static _PART_MAX],
		       bool present[static _PART_MAX])
{
	struct xml_attribute attribute;
	size_t at = 0;
	int r;

	while ((r = xml_attribute_next(text, &at, &attribute)) > 0) {
		enum part part = part_of(&attribute);

		if (part == _PART_MAX)
			continue;
		if (present[part] ||
		    parse_number(attribute.value, parts[part].max, &values[part]) < 0)
			return -EINVAL;
		present[part] = true;
	}
	return r < 0 || !present[PART_BUS] || !present[PART_SLOT] ? -EINVAL : 0;
}

int address_attributes_parse(struct bytes text, struct pci_address *ret_address)
{
	uint64_t values[_PART_MAX] = { 0 };
	bool present[_PART_MAX] = { 0 };
	int r = parse_parts(text, values, present);

	if (r < 0)
		return r;
	*ret_address = (struct pci_address){
		.domain = (uint32_t)values[PART_DOMAIN],
		.bus = (uint8_t)values[PART_BUS],
		.device = (uint8_t)values[PART_SLOT],
		.function = (uint8_t)values[PART_FUNCTION],
	};
	return 0;
}

/* Whether the letters among the digits are capitals, all there are. */
static bool has_capitals(struct bytes text)
{
	struct xml_attribute attribute;
	bool capitals = false;

	for (size_t at = 0; xml_attribute_next(text, &at, &attribute) > 0;) {
		if (part_of(&attribute) == _PART_MAX || !is_hexadecimal(attribute.value))
			continue;
		for (size_t i = 2; i < attribute.value.size; i++) {
			char c = attribute.value.data[i];

			if (c >= 'a' && c <= 'f')
				return false;
			capitals |= c >= 'A' && c <= 'F';
		}
	}
	return capitals;
}

static void append_number(struct buffer *buffer, struct bytes like, uint64_t value, bool capitals)
{
	if (is_hexadecimal(like)) {
		buffer_append(buffer, bytes_slice(like, 0, 2));
		if (capitals)
			buffer_appendf(buffer, "%0*" PRIX64, (int)like.size - 2, value);
		else
			buffer_appendf(buffer, "%0*" PRIx64, (int)like.size - 2, value);
	} else if (is_octal(like)) {
		/* A zero in front is what makes it octal. */
		buffer_appendf(buffer, "0%0*" PRIo64, (int)like.size - 1, value);
	} else {
		buffer_appendf(buffer, "%" PRIu64, value);
	}
}

static void append_missing(struct buffer *buffer, const uint64_t values[static _PART_MAX],
			   const bool present[static _PART_MAX], char quote, bool capitals)
{
	for (enum part part = 0; part < _PART_MAX; part++) {
		if (present[part] || values[part] == 0)
			continue;
		buffer_appendf(buffer, " %s=%c", parts[part].name, quote);
		append_number(buffer, bytes_of(parts[part].added), values[part], capitals);
		buffer_append_char(buffer, quote);
	}
}

/* Appends @like with other numbers in it. */
static void append_address(struct buffer *buffer, struct bytes like,
			   const uint64_t values[static _PART_MAX],
			   const bool present[static _PART_MAX])
{
	bool capitals = has_capitals(like);
	struct xml_attribute attribute;
	size_t done = 0, last = 0;

	for (size_t at = 0; xml_attribute_next(like, &at, &attribute) > 0;) {
		size_t start = (size_t)(attribute.value.data - like.data);
		enum part part = part_of(&attribute);

		if (part == _PART_MAX)
			continue;
		buffer_append(buffer, bytes_slice(like, done, start - done));
		append_number(buffer, attribute.value, values[part], capitals);
		done = start + attribute.value.size;
		last = at;
	}
	buffer_append(buffer, bytes_slice(like, done, last - done));
	append_missing(buffer, values, present, like.data[last - 1], capitals);
	buffer_append(buffer, bytes_slice(like, last, like.size - last));
}

const char *address_attributes_format(struct arena *arena, struct bytes like,
				      const struct pci_address *address)
{
	const uint64_t values[_PART_MAX] = {
		[PART_DOMAIN] = address->domain,
		[PART_BUS] = address->bus,
		[PART_SLOT] = address->device,
		[PART_FUNCTION] = address->function,
	};
	_cleanup_(buffer_done) struct buffer buffer = { 0 };
	bool present[_PART_MAX] = { 0 };
	uint64_t old[_PART_MAX];

	if (parse_parts(like, old, present) < 0)
		return NULL;
	append_address(&buffer, like, values, present);
	return buffer.failed ? NULL : arena_copy(arena, buffer_bytes(&buffer));
}
