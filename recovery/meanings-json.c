/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Meanings as the "state" member of a snapshot; docs/FORMATS.md describes it. */
#include "recovery/meanings.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "recovery/bearer.h"
#include "snapshot/basic/number.h"
#include "snapshot/snapshot-json.h"

static const char *const kinds[_REFERENCE_KIND_MAX] = {
	[REFERENCE_NIC] = "nic",
	[REFERENCE_ADDRESS] = "address",
	[REFERENCE_GROUP] = "group",
};

struct hex64 {
	char text[17];
};

static const char *show_hex(uint64_t value, struct hex64 *buffer)
{
	(void)snprintf(buffer->text, sizeof(buffer->text), "%016" PRIx64, value);
	return buffer->text;
}

static void add_index(struct json_writer *writer, struct json_object *parent, const char *key,
		      size_t index)
{
	if (index == MEANS_NOBODY)
		json_add_null(writer, parent, key);
	else
		json_add_integer(writer, parent, key, (int64_t)index);
}

static void add_hex(struct json_writer *writer, struct json_object *parent, const char *key,
		    uint64_t value)
{
	struct hex64 buffer;

	json_add_string(writer, parent, key, show_hex(value, &buffer));
}

static void add_function(struct json_writer *writer, struct json_object *parent,
			 const struct unit *unit)
{
	const struct pci_function *function = &unit->function;
	struct json_object *object = json_add_object(writer, parent, "pci");
	struct pci_address_name name;
	char text[16];

	json_add_string(writer, object, "address", pci_address_show(&function->address, &name));
	json_add_string(writer, object, "path", function->path);
	(void)snprintf(text, sizeof(text), "%04x:%04x", function->vendor, function->device);
	json_add_string(writer, object, "ids", text);
	json_add_integer(writer, object, "subsystem_vendor", function->subsystem_vendor);
	json_add_integer(writer, object, "subsystem_device", function->subsystem_device);
	json_add_integer(writer, object, "class", function->class);
	json_add_string(writer, object, "serial", function->serial);
	if (unit->shared_serial)
		json_add_string(writer, object, "shared_serial", unit->shared_serial);
	json_add_string(writer, object, "slot", function->slot);
	json_add_string(writer, object, "firmware_path", function->firmware_path);
	json_add_string(writer, object, "driver", function->driver);
	if (function->has_physfn) {
		json_add_string(writer, object, "physfn",
				pci_address_show(&function->physfn, &name));
		json_add_integer(writer, object, "vf_index", unit->vf_index);
	}
	json_add_string(writer, object, "first_address",
			pci_address_show(&unit->first_address, &name));
	json_add_string(writer, object, "first_path", unit->first_path);
}

static void add_units(const struct meanings *meanings, struct json_writer *writer,
		      struct json_object *parent)
{
	struct json_object *array = json_add_array(writer, parent, "units");

	for (size_t i = 0; i < meanings->n_units; i++) {
		const struct unit *unit = &meanings->units[i];
		struct json_object *object = json_add_object(writer, array, NULL);

		json_add_string(writer, object, "kind", unit_kind_to_string(unit->kind));
		if (unit->kind == UNIT_NIC) {
			json_add_string(writer, object, "name", unit->nic.name);
			json_add_string(writer, object, "mac", unit->nic.mac);
			json_add_integer(writer, object, "port", unit->nic.port);
			json_add_integer(writer, object, "ports_on_card", unit->ports_on_card);
			json_add_string(writer, object, "driver", unit->nic.driver);
		} else if (unit->nic.mac) {
			json_add_string(writer, object, "mac", unit->nic.mac);
		}
		if (unit->lost)
			json_add_bool(writer, object, "lost", true);
		if (unit->has_function)
			add_function(writer, object, unit);
	}
}

static void add_company(const struct company *company, struct json_writer *writer,
			struct json_object *parent)
{
	struct json_object *array;

	if (!company->known)
		return;
	array = json_add_array(writer, parent, "company");
	for (size_t i = 0; i < company->n_units; i++)
		json_add_integer(writer, array, NULL, (int64_t)company->units[i]);
}

static void add_mentions(const struct meanings *meanings, struct json_writer *writer,
			 struct json_object *parent)
{
	struct json_object *array = json_add_array(writer, parent, "mentions");

	for (size_t i = 0; i < meanings->n_mentions; i++) {
		const struct mention *mention = &meanings->mentions[i];
		struct json_object *object = json_add_object(writer, array, NULL);

		json_add_content(writer, object, "file", bytes_of(mention->path));
		json_add_string(writer, object, "kind", kinds[mention->kind]);
		json_add_content(writer, object, "text", bytes_of(mention->text));
		if (strcmp(mention->said, mention->text) != 0)
			json_add_content(writer, object, "said", bytes_of(mention->said));
		json_add_integer(writer, object, "offset", (int64_t)mention->offset);
		json_add_content(writer, object, "block", bytes_of(mention->block));
		add_hex(writer, object, "body", mention->body);
		json_add_content(writer, object, "key", bytes_of(mention->key));
		add_hex(writer, object, "line", mention->line_digest);
		add_index(writer, object, "unit", mention->unit);
		if (mention->ambiguous)
			json_add_bool(writer, object, "ambiguous", true);
		if (mention->held)
			json_add_bool(writer, object, "held", true);
		add_company(&mention->company, writer, object);
	}
}

static void add_parked_mention(const struct parked_mention *parked, struct json_writer *writer,
			       struct json_object *parent)
{
	struct json_object *object = json_add_object(writer, parent, NULL);

	json_add_integer(writer, object, "offset", (int64_t)parked->offset);
	json_add_integer(writer, object, "length", (int64_t)parked->length);
	add_index(writer, object, "unit", parked->unit);
	json_add_content(writer, object, "said", bytes_of(parked->said));
	if (parked->ambiguous)
		json_add_bool(writer, object, "ambiguous", true);
	if (parked->held)
		json_add_bool(writer, object, "held", true);
	json_add_bool(writer, object, "parked", parked->parked);
}

/* Of a file that was taken away: what is not in its contents. */
static void add_away(const struct parked_text *parked, struct json_writer *writer,
		     struct json_object *parent)
{
	struct json_object *object = json_add_object(writer, parent, "away");

	json_add_string(writer, object, "source", parked->source);
	snapshot_file_to_json(writer, object, BYTES_NONE, &parked->attributes);
}

static void add_parked(const struct meanings *meanings, struct json_writer *writer,
		       struct json_object *parent)
{
	struct json_object *array = json_add_array(writer, parent, "parked");

	for (size_t i = 0; i < meanings->n_parked; i++) {
		const struct parked_text *parked = &meanings->parked[i];
		struct json_object *object = json_add_object(writer, array, NULL);
		struct json_object *mentions;

		json_add_content(writer, object, "file", bytes_of(parked->path));
		json_add_integer(writer, object, "offset", (int64_t)parked->offset);
		json_add_content(writer, object, "context", bytes_of(parked->context));
		json_add_content(writer, object, "present", bytes_of(parked->present));
		json_add_content(writer, object, "original", bytes_of(parked->original));
		json_add_bool(writer, object, "inside", parked->inside);
		if (parked->lost)
			json_add_bool(writer, object, "lost", true);
		if (parked->source)
			add_away(parked, writer, object);
		mentions = json_add_array(writer, object, "mentions");
		for (size_t j = 0; j < parked->n_mentions; j++)
			add_parked_mention(&parked->mentions[j], writer, mentions);
	}
}

static void add_files(const struct meanings *meanings, struct json_writer *writer,
		      struct json_object *parent)
{
	struct json_object *array = json_add_array(writer, parent, "files");

	for (size_t i = 0; i < meanings->n_files; i++) {
		const struct seen_file *file = &meanings->files[i];
		struct json_object *object = json_add_object(writer, array, NULL);
		struct json_object *lines;

		json_add_content(writer, object, "file", bytes_of(file->path));
		add_hex(writer, object, "digest", file->digest);
		lines = json_add_array(writer, object, "lines");
		for (size_t j = 0; j < file->n_lines; j++)
			add_hex(writer, lines, NULL, file->lines[j]);
	}
}

static void add_turned_off(const struct meanings *meanings, struct json_writer *writer,
			   struct json_object *parent)
{
	struct json_object *array = json_add_array(writer, parent, "turned_off");

	for (size_t i = 0; i < meanings->n_turned_off; i++) {
		const struct turned_off *off = &meanings->turned_off[i];
		struct json_object *object = json_add_object(writer, array, NULL);

		json_add_content(writer, object, "guest", bytes_of(off->guest));
		json_add_content(writer, object, "file", bytes_of(off->path));
		if (off->file)
			json_add_bool(writer, object, "removed", true);
		json_add_content(writer, object, "was", bytes_of(off->was));
		json_add_content(writer, object, "now", bytes_of(off->now));
	}
}

struct json_object *meanings_to_json(const struct meanings *meanings, struct json_writer *writer)
{
	struct json_object *object = json_add_object(writer, NULL, NULL);

	json_add_integer(writer, object, "settled", (int64_t)meanings->settled);
	json_add_bool(writer, object, "undone", meanings->undone);
	if (meanings->home)
		json_add_string(writer, object, "home", meanings->home);
	add_units(meanings, writer, object);
	add_mentions(meanings, writer, object);
	add_parked(meanings, writer, object);
	add_files(meanings, writer, object);
	if (meanings->n_turned_off)
		add_turned_off(meanings, writer, object);
	return object;
}

/**
 * struct reader - Reading one state, with the first error kept
 * @place: what is being read
 * @r:     0 while all is well; every getter does nothing after an error, so that an item is read
 *         without a check a member
 */
struct reader {
	struct meanings *meanings;
	struct json_place place;
	char where[48];
	int r;
	struct problem *problem;
};

static void at_item(struct reader *reader, const char *array, size_t index)
{
	(void)snprintf(reader->where, sizeof(reader->where), "state.%s[%zu]", array, index);
	reader->place.where = reader->where;
}

static void refuse(struct reader *reader, const char *key, const char *what)
{
	if (reader->r == 0)
		reader->r = problem_set(reader->problem, -EBADMSG, reader->place.file, 0,
					"%s.%s: %s", reader->place.where, key, what);
}

/* A string of any bytes, "" when it is missing and not @required. */
static const char *read_content(struct reader *reader, struct json_object *object, const char *key,
				bool required)
{
	_cleanup_free_ char *text = NULL;
	const char *copy;
	size_t size = 0;
	int r;

	if (reader->r < 0)
		return "";
	r = json_get_content(object, key, &reader->place, &text, &size, reader->problem);
	if (r < 0)
		reader->r = r;
	else if (r == 0 && required)
		refuse(reader, key, "is missing");
	if (reader->r < 0 || r == 0)
		return "";
	copy = arena_copy(&reader->meanings->arena, bytes_make(text, size));
	if (!copy)
		reader->r = -ENOMEM;
	return copy ? copy : "";
}

/* A string of text, NULL when it is missing. */
static const char *read_string(struct reader *reader, struct json_object *object, const char *key)
{
	const char *text = NULL, *copy;
	int r;

	if (reader->r < 0)
		return NULL;
	r = json_get_string(object, key, &reader->place, &text, reader->problem);
	if (r < 0)
		reader->r = r;
	if (r <= 0)
		return NULL;
	copy = arena_copy_text(&reader->meanings->arena, text);
	if (!copy)
		reader->r = -ENOMEM;
	return copy;
}

static int64_t read_integer(struct reader *reader, struct json_object *object, const char *key,
			    int64_t min, int64_t max, int64_t missing)
{
	int64_t value = missing;
	int r;

	if (reader->r < 0)
		return missing;
	r = json_get_integer(object, key, &reader->place, min, max, &value, reader->problem);
	if (r < 0)
		reader->r = r;
	return r > 0 ? value : missing;
}

static bool read_bool(struct reader *reader, struct json_object *object, const char *key)
{
	bool value = false;
	int r;

	if (reader->r < 0)
		return false;
	r = json_get_bool(object, key, &reader->place, &value, reader->problem);
	if (r < 0)
		reader->r = r;
	return r > 0 && value;
}

static uint64_t parse_hex(struct reader *reader, const char *text, const char *key)
{
	uint64_t value = 0;

	if (reader->r == 0 && (!text || number_parse(bytes_of(text), 16, UINT64_MAX, &value) < 0))
		refuse(reader, key, "is not a number of hexadecimal digits");
	return value;
}

static uint64_t read_hex(struct reader *reader, struct json_object *object, const char *key)
{
	return parse_hex(reader, read_string(reader, object, key), key);
}

/* The unit that a mention means. */
static size_t read_unit(struct reader *reader, struct json_object *object)
{
	int64_t index = read_integer(reader, object, "unit", 0, INT32_MAX, -1);

	if (index < 0)
		return MEANS_NOBODY;
	if ((size_t)index >= reader->meanings->n_units)
		refuse(reader, "unit", "names no unit");
	return (size_t)index;
}

static struct pci_address read_address(struct reader *reader, struct json_object *object,
				       const char *key)
{
	const char *text = read_string(reader, object, key);
	struct pci_address address = { 0 };

	if (reader->r == 0 && (!text || pci_address_parse(bytes_of(text), &address) < 0))
		refuse(reader, key, "is not a PCI address");
	return address;
}

static void read_ids(struct reader *reader, struct json_object *object,
		     struct pci_function *function)
{
	const char *text = read_string(reader, object, "ids");
	uint64_t vendor = 0, device = 0;

	if (reader->r == 0 && (!text || strlen(text) != 9 || text[4] != ':' ||
			       number_parse(bytes_make(text, 4), 16, 0xffff, &vendor) < 0 ||
			       number_parse(bytes_make(text + 5, 4), 16, 0xffff, &device) < 0))
		refuse(reader, "ids", "is not VVVV:DDDD");
	function->vendor = (uint16_t)vendor;
	function->device = (uint16_t)device;
}

static void read_function(struct reader *reader, struct json_object *object, struct unit *unit)
{
	struct pci_function *function = &unit->function;
	struct json_object *physfn;

	function->address = read_address(reader, object, "address");
	function->path = read_string(reader, object, "path");
	read_ids(reader, object, function);
	function->subsystem_vendor =
		(int32_t)read_integer(reader, object, "subsystem_vendor", -1, 0xffff, UNKNOWN);
	function->subsystem_device =
		(int32_t)read_integer(reader, object, "subsystem_device", -1, 0xffff, UNKNOWN);
	function->class = (uint32_t)read_integer(reader, object, "class", 0, 0xffffff, 0);
	function->serial = read_string(reader, object, "serial");
	unit->shared_serial = read_string(reader, object, "shared_serial");
	function->slot = read_string(reader, object, "slot");
	function->firmware_path = read_string(reader, object, "firmware_path");
	function->driver = read_string(reader, object, "driver");
	function->has_physfn = json_object_object_get_ex(object, "physfn", &physfn);
	if (function->has_physfn)
		function->physfn = read_address(reader, object, "physfn");
	unit->vf_index = (int)read_integer(reader, object, "vf_index", -1, 0xffff, UNKNOWN);
	unit->first_address = read_address(reader, object, "first_address");
	unit->first_path = read_string(reader, object, "first_path");
}

static void read_unit_item(struct reader *reader, struct json_object *object)
{
	struct unit unit = { .vf_index = UNKNOWN,
			     .function = { .subsystem_vendor = UNKNOWN,
					   .subsystem_device = UNKNOWN,
					   .revision = UNKNOWN,
					   .iommu_group = UNKNOWN,
					   .boot_vga = UNKNOWN },
			     .nic = { .port = UNKNOWN, .settled = true } };
	struct meanings *meanings = reader->meanings;
	const char *kind = read_string(reader, object, "kind");
	struct json_object *pci = NULL;
	int r;

	unit.kind = kind ? unit_kind_from_string(kind) : _UNIT_KIND_INVALID;
	if (reader->r == 0 && (int)unit.kind < 0)
		refuse(reader, "kind", "is none that is known");
	if (reader->r == 0 && unit.kind == UNIT_NIC) {
		unit.nic.name = read_string(reader, object, "name");
		if (reader->r == 0 &&
		    (!unit.nic.name || !nic_name_is_valid(bytes_of(unit.nic.name))))
			refuse(reader, "name", "is not the name of a NIC");
		unit.nic.port = (int)read_integer(reader, object, "port", -1, INT32_MAX, UNKNOWN);
		unit.nic.driver = read_string(reader, object, "driver");
		unit.ports_on_card =
			(unsigned int)read_integer(reader, object, "ports_on_card", 0, 65535, 0);
	}
	unit.nic.mac = read_string(reader, object, "mac");
	unit.lost = read_bool(reader, object, "lost");
	if (reader->r == 0) {
		r = json_get_object(object, "pci", &reader->place, &pci, reader->problem);
		if (r < 0)
			reader->r = r;
		unit.has_function = r > 0;
	}
	if (unit.has_function) {
		read_function(reader, pci, &unit);
		unit.nic.has_pci = unit.kind == UNIT_NIC;
		unit.nic.pci = unit.function.address;
	} else if (unit.kind == UNIT_FUNCTION) {
		refuse(reader, "pci", "is missing");
	}
	if (reader->r < 0)
		return;
	/* Not through meanings_add_unit(): indices are the file's. */
	r = ARRAY_RESERVE(meanings->units, meanings->n_units, meanings->units_allocated);
	if (r < 0)
		reader->r = r;
	else
		meanings->units[meanings->n_units++] = unit;
}

static void read_company(struct reader *reader, struct json_object *object,
			 struct company *ret_company)
{
	struct meanings *meanings = reader->meanings;
	struct json_object *array = NULL;
	size_t *units, n;
	int r;

	if (reader->r < 0)
		return;
	r = json_get_array(object, "company", &reader->place, &array, reader->problem);
	if (r <= 0) {
		reader->r = r;
		return;
	}
	n = json_object_array_length(array);
	units = arena_allocate(&meanings->arena, (n + 1) * sizeof(*units));
	if (!units) {
		reader->r = -ENOMEM;
		return;
	}
	for (size_t i = 0; i < n && reader->r == 0; i++) {
		int64_t unit = 0;

		reader->r = json_item_integer(array, i, &reader->place, 0,
					      (int64_t)meanings->n_units - 1, &unit,
					      reader->problem);
		units[i] = (size_t)unit;
		if (reader->r == 0 && meanings->units[unit].kind != UNIT_FUNCTION)
			refuse(reader, "company", "names what is no function");
	}
	*ret_company = (struct company){ true, units, n };
}

static void read_mention_item(struct reader *reader, struct json_object *object)
{
	struct mention *mention = meanings_add_mention(reader->meanings);
	const char *kind;

	if (!mention) {
		reader->r = -ENOMEM;
		return;
	}
	mention->path = read_content(reader, object, "file", true);
	kind = read_string(reader, object, "kind");
	mention->kind = _REFERENCE_KIND_INVALID;
	for (int i = 0; kind && i < _REFERENCE_KIND_MAX; i++)
		if (strcmp(kinds[i], kind) == 0)
			mention->kind = (enum reference_kind)i;
	if ((int)mention->kind < 0)
		refuse(reader, "kind", "is none that is known");
	mention->text = read_content(reader, object, "text", true);
	mention->said = read_content(reader, object, "said", false);
	if (!*mention->said)
		mention->said = mention->text;
	mention->offset = (size_t)read_integer(reader, object, "offset", 0, INT64_MAX, 0);
	mention->block = read_content(reader, object, "block", false);
	mention->body = read_hex(reader, object, "body");
	mention->key = read_content(reader, object, "key", false);
	mention->line_digest = read_hex(reader, object, "line");
	mention->unit = read_unit(reader, object);
	if (reader->r == 0 && mention->unit != MEANS_NOBODY &&
	    reader->meanings->units[mention->unit].kind != reference_kind_means(mention->kind))
		refuse(reader, "unit", "is of another kind");
	mention->ambiguous = read_bool(reader, object, "ambiguous");
	mention->held = read_bool(reader, object, "held");
	read_company(reader, object, &mention->company);
}

static void read_parked_mention(struct reader *reader, struct json_object *object,
				const struct parked_text *parked, struct parked_mention *mention)
{
	size_t size = strlen(parked->original);

	mention->offset = (size_t)read_integer(reader, object, "offset", 0, INT64_MAX, 0);
	/* That of a file that is away stands in its name. */
	mention->length = (size_t)read_integer(reader, object, "length", parked->source ? 0 : 1,
					       INT64_MAX, 1);
	mention->unit = read_unit(reader, object);
	mention->said = read_content(reader, object, "said", true);
	mention->ambiguous = read_bool(reader, object, "ambiguous");
	mention->held = read_bool(reader, object, "held");
	mention->parked = read_bool(reader, object, "parked");
	if (mention->offset > size || mention->length > size - mention->offset)
		refuse(reader, "offset", "lies outside the text");
}

static void read_away(struct reader *reader, struct json_object *parent, struct parked_text *parked)
{
	_cleanup_free_ char *nothing = NULL;
	struct json_object *object = NULL;
	size_t size;
	int r;

	if (reader->r < 0)
		return;
	r = json_get_object(parent, "away", &reader->place, &object, reader->problem);
	if (r > 0)
		r = snapshot_file_from_json(object, &reader->place, &nothing, &size,
					    &parked->attributes, reader->problem);
	if (r < 0)
		reader->r = r;
	else if (object)
		parked->source = read_string(reader, object, "source");
	if (reader->r == 0 && object && !parked->source)
		refuse(reader, "source", "is missing");
	if (reader->r == 0 && object && !snapshot_path_is_valid(parked->path))
		refuse(reader, "file", "is not the path of a file");
}

static void read_parked_item(struct reader *reader, struct json_object *object)
{
	struct json_object *array = NULL, *item = NULL;
	struct parked_text *parked;
	int r;

	r = json_get_array(object, "mentions", &reader->place, &array, reader->problem);
	if (r < 0) {
		reader->r = r;
		return;
	}
	parked = meanings_add_parked(reader->meanings, array ? json_object_array_length(array) : 0);
	if (!parked) {
		reader->r = -ENOMEM;
		return;
	}
	parked->path = read_content(reader, object, "file", true);
	parked->offset = (size_t)read_integer(reader, object, "offset", 0, INT64_MAX, 0);
	parked->context = read_content(reader, object, "context", false);
	parked->present = read_content(reader, object, "present", false);
	parked->original = read_content(reader, object, "original", true);
	parked->inside = read_bool(reader, object, "inside");
	parked->lost = read_bool(reader, object, "lost");
	read_away(reader, object, parked);
	for (size_t i = 0; i < parked->n_mentions && reader->r == 0; i++) {
		reader->r = json_item_object(array, i, &reader->place, &item, reader->problem);
		if (reader->r == 0)
			read_parked_mention(reader, item, parked, &parked->mentions[i]);
	}
}

static void read_file_item(struct reader *reader, struct json_object *object)
{
	struct json_object *array = NULL;
	struct seen_file *file;
	int r;

	r = json_get_array(object, "lines", &reader->place, &array, reader->problem);
	if (r < 0) {
		reader->r = r;
		return;
	}
	file = meanings_add_file(reader->meanings, array ? json_object_array_length(array) : 0);
	if (!file) {
		reader->r = -ENOMEM;
		return;
	}
	file->path = read_content(reader, object, "file", true);
	file->digest = read_hex(reader, object, "digest");
	for (size_t i = 0; i < file->n_lines && reader->r == 0; i++) {
		const char *text = NULL;

		reader->r = json_item_string(array, i, &reader->place, &text, reader->problem);
		file->lines[i] = parse_hex(reader, text, "lines");
	}
}

static void read_turned_off_item(struct reader *reader, struct json_object *object)
{
	struct turned_off *off = meanings_add_turned_off(reader->meanings);

	if (!off) {
		reader->r = -ENOMEM;
		return;
	}
	off->guest = read_content(reader, object, "guest", true);
	off->path = read_content(reader, object, "file", true);
	off->file = read_bool(reader, object, "removed");
	off->was = read_content(reader, object, "was", false);
	off->now = read_content(reader, object, "now", false);
	if (off->file && !*off->was)
		refuse(reader, "was", "is missing");
	if (reader->r == 0 && !snapshot_path_is_valid(off->path))
		refuse(reader, "file", "is not the path of a file");
}

static void read_items(struct reader *reader, struct json_object *object, const char *key,
		       void (*read_item)(struct reader *reader, struct json_object *item))
{
	struct json_object *array = NULL, *item = NULL;
	int r;

	if (reader->r < 0)
		return;
	reader->place.where = "state";
	r = json_get_array(object, key, &reader->place, &array, reader->problem);
	if (r < 0)
		reader->r = r;
	if (r <= 0)
		return;
	for (size_t i = 0; i < json_object_array_length(array) && reader->r == 0; i++) {
		at_item(reader, key, i);
		reader->r = json_item_object(array, i, &reader->place, &item, reader->problem);
		if (reader->r == 0)
			read_item(reader, item);
	}
}

int meanings_from_json(struct json_object *object, const char *file, struct meanings *ret_meanings,
		       struct problem *problem)
{
	struct meanings meanings = { 0 };
	struct reader reader = { .meanings = &meanings,
				 .place = { file, "state" },
				 .problem = problem };

	meanings.settled = (uint64_t)read_integer(&reader, object, "settled", 0, INT64_MAX, 0);
	meanings.undone = read_bool(&reader, object, "undone");
	meanings.home = read_string(&reader, object, "home");
	read_items(&reader, object, "units", read_unit_item);
	read_items(&reader, object, "mentions", read_mention_item);
	read_items(&reader, object, "parked", read_parked_item);
	read_items(&reader, object, "files", read_file_item);
	read_items(&reader, object, "turned_off", read_turned_off_item);
	if (reader.r < 0) {
		meanings_done(&meanings);
		return reader.r;
	}
	*ret_meanings = meanings;
	return 0;
}
