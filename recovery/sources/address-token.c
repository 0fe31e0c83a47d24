/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "recovery/sources/address-token.h"

#include <errno.h>
#include <stdio.h>

#include "snapshot/basic/number.h"

#define NODE_DEVICE_PREFIX "pci_"

#define DOMAIN_DIGITS_MIN 4
#define DOMAIN_DIGITS_MAX 8
#define DEVICE_MAX        0x1f
#define FUNCTION_MAX      7

/**
 * struct spelling - How an address is written
 * @underscores: as libvirt writes it: "pci_" in front, '_' between
 * @domain_digits: 0 where no domain is written
 * @escaped: the first and the second ':' have a backslash in front; without a domain only the
 *           second counts
 * @has_function: a function number is written
 */
struct spelling {
	struct pci_address address;
	bool underscores;
	unsigned int domain_digits;
	bool escaped[2];
	bool has_function;
};

static char char_at(struct bytes text, size_t at)
{
	return at < text.size ? text.data[at] : '\0';
}

static bool is_letter_or_digit(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_hex(char c)
{
	return number_hex_digit(c) >= 0;
}

static unsigned int count_digits(struct bytes text, size_t at, unsigned int max)
{
	unsigned int n = 0;

	while (n < max && at + n < text.size && is_hex(text.data[at + n]))
		n++;
	return n;
}

/* Reads exactly @n digits that stand at *@at and moves it behind them. */
static bool take_number(struct bytes text, size_t *at, unsigned int n, uint64_t max,
			uint64_t *ret_value)
{
	if (count_digits(text, *at, n) < n ||
	    number_parse(bytes_slice(text, *at, n), 16, max, ret_value) < 0)
		return false;
	*at += n;
	return true;
}

/* ':', "\:" or, as libvirt has it, '_'. */
static bool take_separator(struct bytes text, size_t *at, bool underscores, bool *ret_escaped)
{
	bool escaped = !underscores && char_at(text, *at) == '\\';
	size_t next = *at + escaped;

	if (char_at(text, next) != (underscores ? '_' : ':'))
		return false;
	*ret_escaped = escaped;
	*at = next + 1;
	return true;
}

/* Reads the longest address that starts at @at, without a look at what stands around it. */
static bool read_spelling(struct bytes text, size_t at, struct spelling *ret_spelling,
			  size_t *ret_end)
{
	struct spelling spelling = { 0 };
	uint64_t domain = 0, bus, device, function;
	unsigned int digits;

	if (bytes_start_with(bytes_slice(text, at, text.size - at), bytes_of(NODE_DEVICE_PREFIX))) {
		spelling.underscores = true;
		at += strlen(NODE_DEVICE_PREFIX);
	}
	digits = count_digits(text, at, DOMAIN_DIGITS_MAX);
	if (digits >= DOMAIN_DIGITS_MIN) {
		spelling.domain_digits = digits;
		if (!take_number(text, &at, digits, UINT32_MAX, &domain) ||
		    !take_separator(text, &at, spelling.underscores, &spelling.escaped[0]))
			return false;
	} else if (spelling.underscores) {
		return false;
	}
	if (!take_number(text, &at, 2, UINT8_MAX, &bus) ||
	    !take_separator(text, &at, spelling.underscores, &spelling.escaped[1]) ||
	    !take_number(text, &at, 2, DEVICE_MAX, &device))
		return false;
	spelling.address.domain = (uint32_t)domain;
	spelling.address.bus = (uint8_t)bus;
	spelling.address.device = (uint8_t)device;
	*ret_end = at;
	if (char_at(text, at) == (spelling.underscores ? '_' : '.')) {
		at++;
		if (take_number(text, &at, 1, FUNCTION_MAX, &function)) {
			spelling.address.function = (uint8_t)function;
			spelling.has_function = true;
			*ret_end = at;
		}
	}
	*ret_spelling = spelling;
	return true;
}

/*
 * Whether the ':' before @at follows a group of digits, or of none: the text is a MAC, a time, an
 * IPv6 address or something longer. In "PCI:0000:05:00.0" it is not.
 */
static bool follows_group(struct bytes text, size_t at)
{
	size_t colon = at - 1, start = colon;
	bool hex = true;

	while (start > 0 && colon - start <= DOMAIN_DIGITS_MAX &&
	       is_letter_or_digit(text.data[start - 1])) {
		start--;
		if (text.data[start] >= '0' && text.data[start] <= '9')
			return true;
		hex &= is_hex(text.data[start]);
	}
	return hex;
}

static bool may_start(struct bytes text, size_t at)
{
	char before = at > 0 ? text.data[at - 1] : '\0';

	if (is_letter_or_digit(before) || before == '_' || before == '.')
		return false;
	return before != ':' || !follows_group(text, at);
}

/* Whether something that starts at @at goes on behind its first byte. */
static bool goes_on(struct bytes text, size_t at)
{
	char c = char_at(text, at);

	return is_letter_or_digit(c) || c == '_' || c == ':';
}

/* Whether an address may end before @at. */
static bool may_end(struct bytes text, size_t at)
{
	char c = char_at(text, at);

	if (c == '\\' && char_at(text, at + 1) == ':')
		return !goes_on(text, at + 2);
	if (c == ':' || c == '.')
		return !goes_on(text, at + 1);
	return !is_letter_or_digit(c) && c != '_';
}

/* Whether a slot without a function may end before @at. */
static bool slot_may_end(struct bytes text, const struct spelling *spelling, size_t at)
{
	char separator = spelling->underscores ? '_' : '.';
	char next = char_at(text, at + 1);

	/* What a shell or a matcher makes a function number of. */
	if (char_at(text, at) == separator && next != '\0' && strchr("$*?[{", next))
		return true;
	return spelling->domain_digits > 0 && may_end(text, at);
}

static bool read_token(struct bytes text, size_t at, struct address_token *ret_token)
{
	struct spelling spelling;
	size_t end;

	if (!may_start(text, at) || !read_spelling(text, at, &spelling, &end))
		return false;
	if (spelling.has_function ? !may_end(text, end) : !slot_may_end(text, &spelling, end))
		return false;
	*ret_token = (struct address_token){
		.span = { at, end - at },
		.address = spelling.address,
		.whole_slot = !spelling.has_function,
	};
	return true;
}

bool address_token_next(struct bytes text, size_t from, struct address_token *ret_token)
{
	for (size_t at = from; at < text.size; at++) {
		if (!is_hex(text.data[at]) && text.data[at] != NODE_DEVICE_PREFIX[0])
			continue;
		if (read_token(text, at, ret_token))
			return true;
	}
	return false;
}

int address_token_parse(struct bytes text, struct pci_address *ret_address)
{
	struct address_token token;

	if (text.size == 0 || !read_token(text, 0, &token) || token.whole_slot ||
	    token.span.length != text.size)
		return -EINVAL;
	*ret_address = token.address;
	return 0;
}

static bool has_upper_case(struct bytes text)
{
	for (size_t i = 0; i < text.size; i++)
		if (text.data[i] >= 'A' && text.data[i] <= 'F')
			return true;
	return false;
}

const char *address_token_format(struct bytes like, const struct pci_address *address,
				 struct address_token_name *name)
{
	struct spelling spelling = { .domain_digits = DOMAIN_DIGITS_MIN, .has_function = true };
	const char *between[2], *prefix = "";
	char domain[DOMAIN_DIGITS_MAX + 2 + 1] = "", function[3] = "";
	size_t end;

	/* What is no address gives the usual spelling. */
	(void)read_spelling(like, 0, &spelling, &end);
	if (spelling.domain_digits == 0)
		spelling.escaped[0] = spelling.escaped[1];
	for (int i = 0; i < 2; i++)
		between[i] = spelling.underscores ? "_" : spelling.escaped[i] ? "\\:" : ":";
	if (spelling.underscores)
		prefix = NODE_DEVICE_PREFIX;
	if (spelling.domain_digits > 0 || address->domain != 0)
		(void)snprintf(domain, sizeof(domain), "%04x%s", address->domain, between[0]);
	if (spelling.has_function)
		(void)snprintf(function, sizeof(function), "%c%x", spelling.underscores ? '_' : '.',
			       address->function & FUNCTION_MAX);
	(void)snprintf(name->text, sizeof(name->text), "%s%s%02x%s%02x%s", prefix, domain,
		       address->bus, between[1], address->device & DEVICE_MAX, function);
	if (has_upper_case(like))
		for (char *c = name->text + strlen(prefix); *c; c++)
			if (*c >= 'a' && *c <= 'f')
				*c = (char)(*c - 'a' + 'A');
	return name->text;
}
