/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Entries that name a model, not an address: ids= of vfio-pci and pci-stub. */
#include <errno.h>

#include "recovery/sources/bind.h"
#include "recovery/sources/kernel-arguments.h"
#include "snapshot/basic/number.h"
#include "snapshot/inventory.h"

/* Most remarks on one file's ids. */
#define NOTES_MAX 16
/* vfio-pci and pci-stub keep the value in an array of this size; a longer one is refused. */
#define IDS_MAX 1024
/* "V:D:SV:SD:C:M" */
#define FIELDS_MAX 6

/*
 * One number as sscanf() of the kernel reads "%x": blanks and "0x" before it, what follows is not
 * looked at, and what does not fit is cut off.
 */
static bool read_hex(struct bytes word, size_t *at, uint32_t *ret_value)
{
	uint32_t value = 0;
	size_t start;

	while (*at < word.size && (word.data[*at] == ' ' || word.data[*at] == '\t'))
		++*at;
	if (*at + 2 < word.size && word.data[*at] == '0' && (word.data[*at + 1] | 0x20) == 'x' &&
	    number_hex_digit(word.data[*at + 2]) >= 0)
		*at += 2;
	for (start = *at; *at < word.size && number_hex_digit(word.data[*at]) >= 0; ++*at)
		value = value << 4 | (uint32_t)number_hex_digit(word.data[*at]);
	*ret_value = value;
	return *at > start;
}

/* Return: how many numbers were read. */
static unsigned int read_fields(struct bytes word, uint32_t fields[FIELDS_MAX])
{
	unsigned int n = 0;
	size_t at = 0;

	while (n < FIELDS_MAX && read_hex(word, &at, &fields[n])) {
		n++;
		if (at == word.size || word.data[at++] != ':')
			break;
	}
	return n;
}

static int add_entry(struct document *document, const char *driver, unsigned int line,
		     const uint32_t fields[FIELDS_MAX])
{
	struct id_entry *entry = document_add_ids(document);

	if (!entry)
		return -ENOMEM;
	/* PCI_ANY_ID is ~0 and becomes UNKNOWN. */
	entry->line = line;
	entry->driver = driver;
	entry->vendor = (int32_t)fields[0];
	entry->device = (int32_t)fields[1];
	entry->subsystem_vendor = (int32_t)fields[2];
	entry->subsystem_device = (int32_t)fields[3];
	entry->class = fields[4];
	entry->class_mask = fields[5];
	return 0;
}

static int note_unreadable(struct document *document, const char *driver, struct bytes word,
			   unsigned int line)
{
	if (document->n_notes >= NOTES_MAX)
		return 0;
	return document_add_note(document, line, "%.*s is no id that %s can read: it is ignored",
				 (int)MIN_OF(word.size, (size_t)64), word.data, driver);
}

int ids_parse(struct document *document, const char *driver, struct bytes value, unsigned int line)
{
	size_t end;
	int r = 0;

	if (value.size >= IDS_MAX && document->n_notes < NOTES_MAX)
		return document_add_note(document, line,
					 "the ids of %s are longer than the kernel takes: it "
					 "refuses them",
					 driver);
	if (value.size >= IDS_MAX)
		return 0;
	for (size_t start = 0; r == 0 && start < value.size; start = end + 1) {
		uint32_t fields[FIELDS_MAX] = { 0, 0, UINT32_MAX, UINT32_MAX, 0, 0 };
		const char *comma = memchr(value.data + start, ',', value.size - start);
		struct bytes word;

		end = comma ? (size_t)(comma - value.data) : value.size;
		word = bytes_slice(value, start, end - start);
		if (word.size == 0)
			continue;
		if (read_fields(word, fields) < 2)
			r = note_unreadable(document, driver, word, line);
		else
			r = add_entry(document, driver, line, fields);
	}
	return r;
}

int ids_parse_kernel_command_line(struct document *document, struct bytes text, unsigned int line)
{
	struct kernel_argument argument;
	int r = 0;

	for (size_t at = 0; r == 0 && kernel_argument_next(text, &at, &argument);) {
		struct bytes name = bytes_slice(text, argument.name.offset, argument.name.length);
		const char *driver = kernel_parameter_ids_driver(name);

		if (driver)
			r = ids_parse(
				document, driver,
				bytes_slice(text, argument.value.offset, argument.value.length),
				line);
	}
	return r;
}

/* What an inventory does not know contradicts nothing. */
static bool agrees(int32_t wanted, int32_t found)
{
	return wanted == UNKNOWN || found == UNKNOWN || wanted == found;
}

bool id_entry_matches(const struct id_entry *entry, const struct pci_function *function)
{
	return agrees(entry->vendor, function->vendor) && agrees(entry->device, function->device) &&
	       agrees(entry->subsystem_vendor, function->subsystem_vendor) &&
	       agrees(entry->subsystem_device, function->subsystem_device) &&
	       ((entry->class ^ function->class) & entry->class_mask) == 0;
}
