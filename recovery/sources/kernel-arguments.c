/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "recovery/sources/kernel-arguments.h"

#include <errno.h>

#include "recovery/sources/token.h"

/* isspace() of the kernel (lib/ctype.c), which takes characters for Latin-1. */
static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r') || c == '\xa0';
}

bool kernel_argument_next(struct bytes text, size_t *at, struct kernel_argument *ret_argument)
{
	struct kernel_argument argument = { 0 };
	size_t start = *at, end, equals = 0;
	bool quoted, in_quotes;

	while (start < text.size && is_space(text.data[start]))
		start++;
	if (start == text.size) {
		*at = start;
		return false;
	}
	quoted = in_quotes = text.data[start] == '"';
	start += quoted;
	for (end = start; end < text.size && (in_quotes || !is_space(text.data[end])); end++) {
		/* One that stands first is part of the name. */
		if (text.data[end] == '=' && equals == 0 && end > start)
			equals = end;
		in_quotes ^= text.data[end] == '"';
	}
	*at = end;

	if (end > start && text.data[end - 1] == '"' &&
	    (quoted || (equals && equals + 1 < end && text.data[equals + 1] == '"')))
		end--;
	argument.name = (struct span){ start, (equals ? equals : end) - start };
	if (equals) {
		equals++;
		if (equals < end && text.data[equals] == '"')
			equals++;
		argument.value = (struct span){ equals, end > equals ? end - equals : 0 };
	}
	*ret_argument = argument;
	return true;
}

bool kernel_parameter_is(struct bytes parameter, const char *name)
{
	if (parameter.size != strlen(name))
		return false;
	for (size_t i = 0; i < parameter.size; i++) {
		char c = parameter.data[i];

		if ((c == '_' ? '-' : c) != name[i])
			return false;
	}
	return true;
}

const char *kernel_parameter_ids_driver(struct bytes parameter)
{
	if (kernel_parameter_is(parameter, "vfio-pci.ids"))
		return "vfio-pci";
	if (kernel_parameter_is(parameter, "pci-stub.ids"))
		return "pci-stub";
	return NULL;
}

int kernel_nic_add(struct document *document, const struct name_set *names,
		   const struct joined_line *line, struct span word,
		   const struct reference *mention, struct line_cursor *cursor)
{
	struct reference *reference;
	struct token token;
	struct span span;

	if (!token_word(bytes_slice(joined_line_text(line), word.offset, word.length), names,
			&token))
		return 0;
	if (!joined_line_locate(line, (struct span){ word.offset, token.span.length }, &span))
		return 0;
	reference = document_add_reference(document);
	if (!reference)
		return -ENOMEM;
	*reference = *mention;
	reference->kind = REFERENCE_NIC;
	reference->span = span;
	reference->line = line_cursor_move(cursor, document_bytes(document), span.offset);
	reference->suffix = token.suffix;
	reference->limited = true;
	return 0;
}

/* The next field of a value: ':' separates, but not within the brackets of an IPv6 address. */
static bool next_field(struct bytes text, struct span value, size_t *at, struct span *ret_field)
{
	size_t end = *at;
	bool bracket = false;

	if (*at > span_end(value))
		return false;
	for (; end < span_end(value) && (bracket || text.data[end] != ':'); end++) {
		if (text.data[end] == '[')
			bracket = true;
		else if (text.data[end] == ']')
			bracket = false;
	}
	*ret_field = (struct span){ *at, end - *at };
	*at = end + 1;
	return true;
}

/**
 * struct parameter - A parameter that names NICs
 * @fields: which fields of its value do, the first is bit 0
 * @list:   each such field is a list, with ',' between
 *
 * dracut.cmdline(7); ip= is the kernel's own (Documentation/admin-guide/nfs/nfsroot.rst) and that
 * of initramfs-tools too. ifname= and BOOTIF= go by a MAC.
 */
struct parameter {
	const char *name;
	unsigned int fields;
	bool list;
};

#define FIELD(n) (1U << (n))

static const struct parameter parameters[] = {
	{ "ip", FIELD(0) | FIELD(5), false },   { "bootdev", FIELD(0), false },
	{ "vlan", FIELD(0) | FIELD(1), false }, { "bond", FIELD(1), true },
	{ "bridge", FIELD(1), true },           { "team", FIELD(1), true },
	{ "rd.route", FIELD(2), false },        { "fcoe", FIELD(0), false },
};

static int add_list(struct document *document, const struct name_set *names,
		    const struct joined_line *line, struct span list,
		    const struct reference *mention, struct line_cursor *cursor)
{
	struct bytes text = joined_line_text(line);
	int r = 0;

	for (size_t start = list.offset, end; start < span_end(list) && r == 0; start = end + 1) {
		const char *comma = memchr(text.data + start, ',', span_end(list) - start);

		end = comma ? (size_t)(comma - text.data) : span_end(list);
		r = kernel_nic_add(document, names, line, (struct span){ start, end - start },
				   mention, cursor);
	}
	return r;
}

static int add_fields(struct document *document, const struct name_set *names,
		      const struct joined_line *line, const struct parameter *parameter,
		      struct span value, const struct reference *mention,
		      struct line_cursor *cursor)
{
	size_t at = value.offset;
	struct span field;
	int r = 0;

	for (unsigned int i = 0;
	     i < 8 && r == 0 && next_field(joined_line_text(line), value, &at, &field); i++) {
		if (!(parameter->fields & FIELD(i)))
			continue;
		if (parameter->list)
			r = add_list(document, names, line, field, mention, cursor);
		else
			r = kernel_nic_add(document, names, line, field, mention, cursor);
	}
	return r;
}

int kernel_ip_add_nics(struct document *document, const struct name_set *names,
		       const struct joined_line *line, struct span value,
		       const struct reference *mention, struct line_cursor *cursor)
{
	return add_fields(document, names, line, &parameters[0], value, mention, cursor);
}

int kernel_argument_add_nics(struct document *document, const struct name_set *names,
			     const struct joined_line *line, const struct kernel_argument *argument,
			     const struct reference *mention, struct line_cursor *cursor)
{
	struct bytes name =
		bytes_slice(joined_line_text(line), argument->name.offset, argument->name.length);
	struct reference keyed = *mention;

	for (size_t i = 0; i < ARRAY_SIZE(parameters); i++) {
		if (!bytes_equal_text(name, parameters[i].name))
			continue;
		keyed.key = parameters[i].name;
		return add_fields(document, names, line, &parameters[i], argument->value, &keyed,
				  cursor);
	}
	return 0;
}
