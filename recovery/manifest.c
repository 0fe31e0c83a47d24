/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "recovery/manifest.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>

#include "snapshot/basic/number.h"
#include "snapshot/basic/tab-fields.h"

#define MAGIC    "hwrecover-manifest "
#define VERSION  "1"
#define CHECKSUM "checksum\tfnv1a64:"
/* With its digits and its newline. */
#define CHECKSUM_SIZE (strlen(CHECKSUM) + 16 + 1)

static const char *const modes[] = {
	[MANIFEST_AUTO] = "auto",
	[MANIFEST_REPORT] = "report",
	[MANIFEST_OFF] = "off",
};

static const char *const binds[] = {
	[BINDS_DISABLE] = "disable",
	[BINDS_RELOCATE] = "relocate",
	[BINDS_REPORT] = "report",
};

void manifest_done(struct manifest *manifest)
{
	if (!manifest)
		return;
	inventory_done(&manifest->inventory);
	meanings_done(&manifest->meanings);
	free(manifest->policy.allowed);
	*manifest = (struct manifest){ 0 };
}

bool manifest_wants_file(const char *path)
{
	static const char *const folders[] = {
		"/etc/initramfs-tools/scripts/",
		"/etc/modprobe.d/",
		"/etc/udev/rules.d/",
	};

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
		if (bytes_start_with(bytes_of(path), bytes_of(folders[i])))
			return true;
	return false;
}

/**
 * struct writer - Writing a manifest
 * @new_unit: one per unit of @meanings: its number in the manifest; SIZE_MAX if it has none
 * @order:    units by their number, @n_units of them
 */
struct writer {
	struct buffer text;
	const struct inventory *inventory;
	const struct meanings *meanings;
	size_t *new_unit;
	size_t *order;
	size_t n_units;
};

static void put_text(struct writer *writer, const char *text)
{
	tab_field_append_text(&writer->text, text);
}

static void put_number(struct writer *writer, uint64_t number)
{
	buffer_appendf(&writer->text, "\t%" PRIu64, number);
}

static void put_digest(struct writer *writer, uint64_t digest)
{
	buffer_appendf(&writer->text, "\t%016" PRIx64, digest);
}

static void put_address(struct writer *writer, const struct pci_address *address)
{
	struct pci_address_name name;

	put_text(writer, pci_address_show(address, &name));
}

static void put_unit_number(struct writer *writer, size_t unit)
{
	if (unit == MEANS_NOBODY || writer->new_unit[unit] == SIZE_MAX)
		put_text(writer, NULL);
	else
		put_number(writer, writer->new_unit[unit]);
}

struct flag {
	char letter;
	bool set;
};

static void put_flags(struct writer *writer, const struct flag *flags, size_t n)
{
	char text[8];
	size_t size = 0;

	for (size_t i = 0; i < n; i++)
		if (flags[i].set)
			text[size++] = flags[i].letter;
	if (size > 0)
		tab_field_append(&writer->text, bytes_make(text, size));
	else
		put_text(writer, NULL);
}

#define PUT_FLAGS(writer, ...)                                    \
	put_flags((writer), (const struct flag[]){ __VA_ARGS__ }, \
		  sizeof((const struct flag[]){ __VA_ARGS__ }) / sizeof(struct flag))

/* What identifies and places a function. */
static void put_function(struct writer *writer, const struct pci_function *function)
{
	put_address(writer, &function->address);
	put_text(writer, function->path);
	buffer_appendf(&writer->text, "\t%04x:%04x", function->vendor, function->device);
	if (function->subsystem_vendor == UNKNOWN || function->subsystem_device == UNKNOWN)
		put_text(writer, NULL);
	else
		buffer_appendf(&writer->text, "\t%04x:%04x",
			       (unsigned int)function->subsystem_vendor,
			       (unsigned int)function->subsystem_device);
	buffer_appendf(&writer->text, "\t%06x", function->class);
	put_text(writer, function->serial);
	put_text(writer, function->slot);
	put_text(writer, function->firmware_path);
	if (function->has_physfn)
		put_address(writer, &function->physfn);
	else
		put_text(writer, NULL);
}

static const struct unit *unit_of(const struct writer *writer, size_t number)
{
	return &writer->meanings->units[writer->order[number]];
}

/* Virtual functions come and go; they count only where one of the same card is meant. */
static bool wants_function(const struct writer *writer, const struct pci_function *function)
{
	for (size_t i = 0; function->has_physfn && i < writer->n_units; i++) {
		const struct pci_function *meant = &unit_of(writer, i)->function;

		if (meant->has_physfn && pci_address_equal(&meant->physfn, &function->physfn))
			return true;
	}
	return !function->has_physfn;
}

/* A line of one text, if that is known. */
static void put_line(struct writer *writer, const char *kind, const char *text)
{
	if (!text)
		return;
	buffer_append_text(&writer->text, kind);
	put_text(writer, text);
	buffer_append_char(&writer->text, '\n');
}

static void put_inventory(struct writer *writer)
{
	const struct inventory *inventory = writer->inventory;

	put_line(writer, "machine", inventory->machine);
	put_line(writer, "home", writer->meanings->home);
	for (size_t i = 0; i < inventory->n_functions; i++) {
		const struct pci_function *function = &inventory->functions[i];

		if (!wants_function(writer, function))
			continue;
		buffer_append_text(&writer->text, "function");
		put_function(writer, function);
		put_text(writer, function->driver);
		put_text(writer, function->protected);
		buffer_append_char(&writer->text, '\n');
	}
	for (size_t i = 0; i < inventory->n_nics; i++) {
		const struct nic *nic = &inventory->nics[i];
		const struct pci_function *function = inventory_function_of(inventory, nic);

		if (!function || function->has_physfn || !nic->settled)
			continue;
		buffer_append_text(&writer->text, "nic");
		put_text(writer, nic->name);
		put_address(writer, &nic->pci);
		buffer_append_char(&writer->text, '\n');
	}
}

static void put_policy(struct writer *writer, const struct manifest_policy *policy)
{
	buffer_appendf(&writer->text, "policy\t%s\t%s\t%s\n", modes[policy->mode],
		       binds[policy->binds], policy->restore ? "yes" : "no");
	for (size_t i = 0; i < policy->n_allowed; i++) {
		buffer_append_text(&writer->text, "allow");
		put_address(writer, &policy->allowed[i]);
		buffer_append_char(&writer->text, '\n');
	}
}

static void put_units(struct writer *writer)
{
	for (size_t i = 0; i < writer->n_units; i++) {
		const struct unit *unit = unit_of(writer, i);
		struct pci_function function = unit->function;
		bool is_shared = !function.serial && unit->shared_serial;

		if (is_shared)
			function.serial = unit->shared_serial;
		buffer_append_text(&writer->text, "unit");
		put_function(writer, &function);
		if (unit->vf_index == UNKNOWN)
			put_text(writer, NULL);
		else
			put_number(writer, (uint64_t)unit->vf_index);
		PUT_FLAGS(writer, { 'l', unit->lost }, { 's', is_shared });
		put_address(writer, &unit->first_address);
		put_text(writer, unit->first_path);
		buffer_append_char(&writer->text, '\n');
	}
}

static void put_mention(struct writer *writer, const struct mention *mention)
{
	buffer_append_text(&writer->text, "mention");
	put_text(writer, mention->path);
	put_text(writer, mention->text);
	put_text(writer, mention->said);
	put_number(writer, mention->offset);
	put_text(writer, mention->block);
	put_digest(writer, mention->body);
	put_text(writer, mention->key);
	put_digest(writer, mention->line_digest);
	put_unit_number(writer, mention->unit);
	PUT_FLAGS(writer, { 'a', mention->ambiguous }, { 'h', mention->held });
	buffer_append_char(&writer->text, '\n');
}

static void put_parked(struct writer *writer, const struct parked_text *parked)
{
	buffer_append_text(&writer->text, "parked");
	put_text(writer, parked->path);
	put_number(writer, parked->offset);
	put_text(writer, parked->context);
	put_text(writer, parked->present);
	put_text(writer, parked->original);
	PUT_FLAGS(writer, { 'i', parked->inside }, { 'l', parked->lost });
	for (size_t i = 0; i < parked->n_mentions; i++) {
		const struct parked_mention *mention = &parked->mentions[i];

		put_number(writer, mention->offset);
		put_number(writer, mention->length);
		put_unit_number(writer, mention->unit);
		put_text(writer, mention->said);
		PUT_FLAGS(writer, { 'a', mention->ambiguous }, { 'h', mention->held },
			  { 'p', mention->parked });
	}
	buffer_append_char(&writer->text, '\n');
}

static void put_file(struct writer *writer, const struct seen_file *file)
{
	buffer_append_text(&writer->text, "file");
	put_text(writer, file->path);
	put_digest(writer, file->digest);
	for (size_t i = 0; i < file->n_lines; i++)
		if (i == 0 || file->lines[i] != file->lines[i - 1])
			put_digest(writer, file->lines[i]);
	buffer_append_char(&writer->text, '\n');
}

/* The unit gets the next number, unless it has one. */
static void number_unit(struct writer *writer, size_t unit)
{
	if (unit == MEANS_NOBODY || writer->new_unit[unit] != SIZE_MAX ||
	    writer->meanings->units[unit].kind != UNIT_FUNCTION)
		return;
	writer->new_unit[unit] = writer->n_units;
	writer->order[writer->n_units++] = unit;
}

/* Whether nothing in a parked text means a NIC. */
static bool parks_addresses_only(const struct meanings *meanings, const struct parked_text *parked)
{
	for (size_t i = 0; i < parked->n_mentions; i++) {
		size_t unit = parked->mentions[i].unit;

		if (unit != MEANS_NOBODY && meanings->units[unit].kind != UNIT_FUNCTION)
			return false;
	}
	return true;
}

static int compare_mentions(const void *a, const void *b)
{
	const struct mention *one = *(const struct mention *const *)a;
	const struct mention *other = *(const struct mention *const *)b;
	int order = strcmp(one->path, other->path);

	return order != 0 ? order : (one->offset > other->offset) - (one->offset < other->offset);
}

static int compare_parked(const void *a, const void *b)
{
	const struct parked_text *one = *(const struct parked_text *const *)a;
	const struct parked_text *other = *(const struct parked_text *const *)b;
	int order = strcmp(one->path, other->path);

	if (order != 0)
		return order;
	if (one->offset != other->offset)
		return one->offset < other->offset ? -1 : 1;
	return strcmp(one->original, other->original);
}

static int compare_files(const void *a, const void *b)
{
	const struct seen_file *one = *(const struct seen_file *const *)a;
	const struct seen_file *other = *(const struct seen_file *const *)b;

	return strcmp(one->path, other->path);
}

/**
 * struct choice - What of the meanings stands in the manifest, in the order of files and places
 */
struct choice {
	const struct mention **mentions;
	size_t n_mentions;
	const struct parked_text **parked;
	size_t n_parked;
	const struct seen_file **files;
	size_t n_files;
};

static void choice_done(struct choice *choice)
{
	free(choice->mentions);
	free(choice->parked);
	free(choice->files);
}

static int choose(const struct meanings *meanings, struct choice *choice)
{
	choice->mentions = calloc(meanings->n_mentions + 1, sizeof(*choice->mentions));
	choice->parked = calloc(meanings->n_parked + 1, sizeof(*choice->parked));
	choice->files = calloc(meanings->n_files + 1, sizeof(*choice->files));
	if (!choice->mentions || !choice->parked || !choice->files)
		return -ENOMEM;
	for (size_t i = 0; i < meanings->n_mentions; i++)
		if (meanings->mentions[i].kind == REFERENCE_ADDRESS &&
		    manifest_wants_file(meanings->mentions[i].path))
			choice->mentions[choice->n_mentions++] = &meanings->mentions[i];
	for (size_t i = 0; i < meanings->n_parked; i++)
		if (!meanings->parked[i].source && manifest_wants_file(meanings->parked[i].path) &&
		    parks_addresses_only(meanings, &meanings->parked[i]))
			choice->parked[choice->n_parked++] = &meanings->parked[i];
	for (size_t i = 0; i < meanings->n_files; i++)
		if (manifest_wants_file(meanings->files[i].path))
			choice->files[choice->n_files++] = &meanings->files[i];
	qsort(choice->mentions, choice->n_mentions, sizeof(*choice->mentions), compare_mentions);
	qsort(choice->parked, choice->n_parked, sizeof(*choice->parked), compare_parked);
	qsort(choice->files, choice->n_files, sizeof(*choice->files), compare_files);
	return 0;
}

static int number_units(struct writer *writer, const struct choice *choice)
{
	size_t n = writer->meanings->n_units;

	writer->new_unit = calloc(n + 1, sizeof(*writer->new_unit));
	writer->order = calloc(n + 1, sizeof(*writer->order));
	if (!writer->new_unit || !writer->order)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		writer->new_unit[i] = SIZE_MAX;
	for (size_t i = 0; i < choice->n_mentions; i++)
		number_unit(writer, choice->mentions[i]->unit);
	for (size_t i = 0; i < choice->n_parked; i++)
		for (size_t k = 0; k < choice->parked[i]->n_mentions; k++)
			number_unit(writer, choice->parked[i]->mentions[k].unit);
	return 0;
}

static void writer_done(struct writer *writer)
{
	buffer_done(&writer->text);
	free(writer->new_unit);
	free(writer->order);
}

int manifest_render(const struct inventory *inventory, const struct meanings *meanings,
		    const struct manifest_policy *policy, char **ret_text, size_t *ret_size)
{
	_cleanup_(writer_done) struct writer writer = { .inventory = inventory,
							.meanings = meanings };
	_cleanup_(choice_done) struct choice choice = { 0 };
	int r;

	r = choose(meanings, &choice);
	if (r == 0)
		r = number_units(&writer, &choice);
	if (r < 0)
		return r;
	buffer_append_text(&writer.text, MAGIC VERSION "\n");
	put_policy(&writer, policy);
	put_inventory(&writer);
	put_units(&writer);
	for (size_t i = 0; i < choice.n_mentions; i++)
		put_mention(&writer, choice.mentions[i]);
	for (size_t i = 0; i < choice.n_parked; i++)
		put_parked(&writer, choice.parked[i]);
	for (size_t i = 0; i < choice.n_files; i++)
		put_file(&writer, choice.files[i]);
	buffer_appendf(&writer.text, CHECKSUM "%016" PRIx64 "\n",
		       bytes_digest(buffer_bytes(&writer.text), BYTES_DIGEST_SEED));
	return buffer_finish(&writer.text, ret_text, ret_size);
}

/**
 * struct reader - Reading a manifest
 * @line: number of the line that is read
 * @rest: what of it is not read yet, from the tab in front of the next field
 * @r:    the first error; nothing is read any more then
 */
struct reader {
	struct manifest *manifest;
	size_t allowed_allocated;
	bool has_policy;
	const char *file;
	unsigned int line;
	struct bytes rest;
	struct problem *problem;
	int r;
};

static void refuse(struct reader *reader, const char *what)
{
	if (reader->r == 0)
		reader->r = problem_set(reader->problem, -EBADMSG, reader->file, reader->line, "%s",
					what);
}

static void fail(struct reader *reader)
{
	if (reader->r == 0)
		reader->r = -ENOMEM;
}

static struct bytes next_field(struct reader *reader)
{
	struct bytes field = BYTES_NONE;

	if (reader->r == 0 && !tab_field_next(&reader->rest, &field))
		refuse(reader, "a field is missing");
	return field;
}

/* NULL for one that is not known. */
static const char *read_text(struct reader *reader)
{
	struct bytes field = next_field(reader);
	const char *text = NULL;
	int r = 0;

	if (reader->r == 0)
		r = tab_field_read(&reader->manifest->meanings.arena, field, &text);
	if (r == -ENOMEM)
		fail(reader);
	else if (r < 0)
		refuse(reader, "what stands behind a '%' is no byte");
	return text;
}

/* A text that must be known; never NULL, so that nobody stumbles over it before the error is seen.
 */
static const char *read_known_text(struct reader *reader)
{
	const char *text = read_text(reader);

	if (!text)
		refuse(reader, "a value is missing");
	return text ? text : "";
}

static uint64_t read_number(struct reader *reader, unsigned int base, uint64_t max)
{
	struct bytes field = next_field(reader);
	uint64_t value = 0;

	if (reader->r == 0 && number_parse(field, base, max, &value) < 0)
		refuse(reader, "a number is none, or too large");
	return value;
}

static uint64_t read_digest(struct reader *reader)
{
	return read_number(reader, 16, UINT64_MAX);
}

/* Whether there is one. */
static bool read_address(struct reader *reader, struct pci_address *address)
{
	struct bytes field = next_field(reader);

	if (reader->r < 0 || tab_field_is_unknown(field))
		return false;
	if (pci_address_parse(field, address) < 0)
		refuse(reader, "an address is none");
	return reader->r == 0;
}

static void read_known_address(struct reader *reader, struct pci_address *address)
{
	if (!read_address(reader, address))
		refuse(reader, "an address is missing");
}

/* Whether they are known. */
static bool read_ids(struct reader *reader, uint16_t *vendor, uint16_t *device)
{
	struct bytes field = next_field(reader);
	uint64_t first = 0, second = 0;

	if (reader->r < 0 || tab_field_is_unknown(field))
		return false;
	if (field.size != 9 || field.data[4] != ':' ||
	    number_parse(bytes_slice(field, 0, 4), 16, UINT16_MAX, &first) < 0 ||
	    number_parse(bytes_slice(field, 5, 4), 16, UINT16_MAX, &second) < 0)
		refuse(reader, "ids are not VVVV:DDDD");
	*vendor = (uint16_t)first;
	*device = (uint16_t)second;
	return reader->r == 0;
}

/* Sets those of @flags whose letters stand there. */
static void read_flags(struct reader *reader, const char *letters, bool *const *flags)
{
	struct bytes field = next_field(reader);

	if (tab_field_is_unknown(field))
		return;
	for (size_t i = 0; i < field.size; i++) {
		const char *letter = memchr(letters, field.data[i], strlen(letters));

		if (!letter) {
			refuse(reader, "a flag is none that is known");
			return;
		}
		*flags[letter - letters] = true;
	}
}

#define READ_FLAGS(reader, letters, ...) \
	read_flags((reader), (letters), (bool *const[]){ __VA_ARGS__ })

static size_t read_unit_number(struct reader *reader)
{
	struct bytes field = next_field(reader);
	uint64_t number = 0;

	if (reader->r < 0 || tab_field_is_unknown(field))
		return MEANS_NOBODY;
	if (number_parse(field, 10, SIZE_MAX, &number) < 0 ||
	    number >= reader->manifest->meanings.n_units)
		refuse(reader, "there is no such unit above");
	return (size_t)number;
}

static void read_function(struct reader *reader, struct pci_function *function)
{
	uint16_t vendor = 0, device = 0;

	read_known_address(reader, &function->address);
	function->path = read_text(reader);
	if (!read_ids(reader, &function->vendor, &function->device))
		refuse(reader, "ids are missing");
	if (read_ids(reader, &vendor, &device)) {
		function->subsystem_vendor = vendor;
		function->subsystem_device = device;
	}
	function->class = (uint32_t)read_number(reader, 16, 0xffffff);
	function->serial = read_text(reader);
	function->slot = read_text(reader);
	function->firmware_path = read_text(reader);
	function->has_physfn = read_address(reader, &function->physfn);
}

static void read_function_line(struct reader *reader)
{
	struct pci_function *function = inventory_add_function(&reader->manifest->inventory);

	if (!function) {
		fail(reader);
		return;
	}
	read_function(reader, function);
	function->driver = read_text(reader);
	function->protected = read_text(reader);
}

static void read_nic_line(struct reader *reader)
{
	struct nic *nic = inventory_add_nic(&reader->manifest->inventory);

	if (!nic) {
		fail(reader);
		return;
	}
	nic->name = read_known_text(reader);
	if (!nic_name_is_valid(bytes_of(nic->name)))
		refuse(reader, "that is not the name of a NIC");
	read_known_address(reader, &nic->pci);
	nic->has_pci = true;
}

static void read_machine_line(struct reader *reader)
{
	if (reader->manifest->inventory.machine)
		refuse(reader, "a second machine");
	reader->manifest->inventory.machine = read_known_text(reader);
}

static void read_home_line(struct reader *reader)
{
	if (reader->manifest->meanings.home)
		refuse(reader, "a second home");
	reader->manifest->meanings.home = read_known_text(reader);
}

/* Which of the words stands in the next field. */
static size_t read_word(struct reader *reader, const char *const *words, size_t n)
{
	struct bytes field = next_field(reader);

	for (size_t i = 0; i < n; i++)
		if (bytes_equal_text(field, words[i]))
			return i;
	refuse(reader, "a word is none that is known");
	return 0;
}

static void read_policy_line(struct reader *reader)
{
	static const char *const no_yes[] = { "no", "yes" };
	struct manifest_policy *policy = &reader->manifest->policy;

	if (reader->has_policy)
		refuse(reader, "a second policy");
	reader->has_policy = true;
	policy->mode = (enum manifest_mode)read_word(reader, modes, ARRAY_SIZE(modes));
	policy->binds = (enum bind_policy)read_word(reader, binds, ARRAY_SIZE(binds));
	policy->restore = read_word(reader, no_yes, ARRAY_SIZE(no_yes)) == 1;
}

static void read_allow_line(struct reader *reader)
{
	struct manifest_policy *policy = &reader->manifest->policy;

	if (ARRAY_RESERVE(policy->allowed, policy->n_allowed, reader->allowed_allocated) < 0) {
		fail(reader);
		return;
	}
	policy->allowed[policy->n_allowed] = (struct pci_address){ 0 };
	read_known_address(reader, &policy->allowed[policy->n_allowed++]);
}

static void read_unit_line(struct reader *reader)
{
	struct meanings *meanings = &reader->manifest->meanings;
	struct unit *unit;
	struct bytes index;
	bool is_shared = false;
	uint64_t value = 0;

	if (ARRAY_RESERVE(meanings->units, meanings->n_units, meanings->units_allocated) < 0) {
		fail(reader);
		return;
	}
	unit = &meanings->units[meanings->n_units++];
	*unit = (struct unit){ .kind = UNIT_FUNCTION,
			       .has_function = true,
			       .function = { .subsystem_vendor = UNKNOWN,
					     .subsystem_device = UNKNOWN,
					     .revision = UNKNOWN,
					     .iommu_group = UNKNOWN,
					     .boot_vga = UNKNOWN },
			       .vf_index = UNKNOWN,
			       .nic = { .port = UNKNOWN } };
	read_function(reader, &unit->function);
	index = next_field(reader);
	if (reader->r == 0 && !tab_field_is_unknown(index)) {
		if (number_parse(index, 10, UINT16_MAX, &value) < 0)
			refuse(reader, "the index of a virtual function is none");
		unit->vf_index = (int)value;
	}
	if (reader->r == 0 && unit->function.has_physfn != (unit->vf_index != UNKNOWN))
		refuse(reader, "a virtual function has an index, and nothing else has");
	READ_FLAGS(reader, "ls", &unit->lost, &is_shared);
	if (is_shared) {
		unit->shared_serial = unit->function.serial;
		unit->function.serial = NULL;
	}
	read_known_address(reader, &unit->first_address);
	unit->first_path = read_text(reader);
}

static void read_mention_line(struct reader *reader)
{
	struct mention *mention = meanings_add_mention(&reader->manifest->meanings);

	if (!mention) {
		fail(reader);
		return;
	}
	mention->kind = REFERENCE_ADDRESS;
	mention->path = read_known_text(reader);
	mention->text = read_known_text(reader);
	mention->said = read_known_text(reader);
	mention->offset = (size_t)read_number(reader, 10, INT_MAX);
	mention->block = read_known_text(reader);
	mention->body = read_digest(reader);
	mention->key = read_known_text(reader);
	mention->line_digest = read_digest(reader);
	mention->unit = read_unit_number(reader);
	READ_FLAGS(reader, "ah", &mention->ambiguous, &mention->held);
}

static size_t count_fields(struct bytes rest)
{
	size_t n = 0;

	for (size_t i = 0; i < rest.size; i++)
		n += rest.data[i] == '\t';
	return n;
}

#define PARKED_FIELDS         6
#define PARKED_MENTION_FIELDS 5

static void read_parked_line(struct reader *reader)
{
	size_t n_fields = count_fields(reader->rest);
	size_t n = n_fields > PARKED_FIELDS ? (n_fields - PARKED_FIELDS) / PARKED_MENTION_FIELDS
					    : 0;
	struct parked_text *parked = meanings_add_parked(&reader->manifest->meanings, n);
	size_t size;

	if (!parked) {
		fail(reader);
		return;
	}
	parked->path = read_known_text(reader);
	parked->offset = (size_t)read_number(reader, 10, INT_MAX);
	parked->context = read_known_text(reader);
	parked->present = read_known_text(reader);
	parked->original = read_known_text(reader);
	size = strlen(parked->original);
	READ_FLAGS(reader, "il", &parked->inside, &parked->lost);
	for (size_t i = 0; i < n && reader->r == 0; i++) {
		struct parked_mention *mention = &parked->mentions[i];

		mention->offset = (size_t)read_number(reader, 10, size);
		mention->length = (size_t)read_number(reader, 10, size - mention->offset);
		mention->unit = read_unit_number(reader);
		mention->said = read_known_text(reader);
		READ_FLAGS(reader, "ahp", &mention->ambiguous, &mention->held, &mention->parked);
	}
}

static void read_file_line(struct reader *reader)
{
	const char *path = read_known_text(reader);
	uint64_t digest = read_digest(reader);
	size_t n = count_fields(reader->rest);
	struct seen_file *file = meanings_add_file(&reader->manifest->meanings, n);

	if (!file) {
		fail(reader);
		return;
	}
	file->path = path;
	file->digest = digest;
	for (size_t i = 0; i < n && reader->r == 0; i++) {
		file->lines[i] = read_digest(reader);
		if (i > 0 && file->lines[i] <= file->lines[i - 1])
			refuse(reader, "the digests of lines are not in order");
	}
}

static void read_line(struct reader *reader, struct bytes line)
{
	static const struct {
		const char *name;
		void (*read)(struct reader *reader);
	} kinds[] = {
		{ "machine", read_machine_line }, { "policy", read_policy_line },
		{ "allow", read_allow_line },     { "function", read_function_line },
		{ "nic", read_nic_line },         { "unit", read_unit_line },
		{ "mention", read_mention_line }, { "parked", read_parked_line },
		{ "file", read_file_line },       { "home", read_home_line },
	};
	const char *tab = memchr(line.data, '\t', line.size);
	size_t size = tab ? (size_t)(tab - line.data) : line.size;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (!bytes_equal_text(bytes_make(line.data, size), kinds[i].name))
			continue;
		reader->rest = bytes_slice(line, size, line.size - size);
		kinds[i].read(reader);
		if (reader->r == 0 && reader->rest.size > 0)
			refuse(reader, "there are more fields than such a line has");
		return;
	}
}

/* Whether the text is one of this version and whole; what is between its first line and the
 * checksum. */
static int check_frame(struct bytes text, const char *file, struct bytes *ret_body,
		       struct problem *problem)
{
	const char *newline = text.size > 0 ? memchr(text.data, '\n', text.size) : NULL;
	size_t head = newline ? (size_t)(newline - text.data) + 1 : 0, end;
	uint64_t digest;

	if (head == 0 || !bytes_start_with(text, bytes_of(MAGIC)))
		return problem_set(problem, -EBADMSG, file, 0, "is no manifest");
	if (!bytes_equal_text(bytes_make(text.data, head), MAGIC VERSION "\n"))
		return problem_set(problem, -EPROTONOSUPPORT, file, 0,
				   "is a manifest of another version than " VERSION);
	if (text.size < head + CHECKSUM_SIZE)
		return problem_set(problem, -EBADMSG, file, 0, "is cut short");
	end = text.size - CHECKSUM_SIZE;
	if (!bytes_start_with(bytes_slice(text, end, CHECKSUM_SIZE), bytes_of(CHECKSUM)) ||
	    text.data[end - 1] != '\n' || text.data[text.size - 1] != '\n' ||
	    number_parse(bytes_slice(text, end + strlen(CHECKSUM), 16), 16, UINT64_MAX, &digest) <
		    0)
		return problem_set(problem, -EBADMSG, file, 0, "is cut short");
	if (digest != bytes_digest(bytes_slice(text, 0, end), BYTES_DIGEST_SEED))
		return problem_set(problem, -EBADMSG, file, 0, "its checksum does not fit");
	*ret_body = bytes_slice(text, head, end - head);
	return 0;
}

int manifest_parse(struct bytes text, const char *file, struct manifest *ret_manifest,
		   struct problem *problem)
{
	struct manifest manifest = { 0 };
	struct reader reader = { .manifest = &manifest, .file = file, .problem = problem };
	struct bytes body = BYTES_NONE;
	int r;

	r = check_frame(text, file, &body, problem);
	if (r < 0)
		return r;
	/* Every line ends in a newline: check_frame() saw to the last one. */
	for (reader.line = 2; body.size > 0 && reader.r == 0; reader.line++) {
		const char *newline = memchr(body.data, '\n', body.size);
		size_t size = (size_t)(newline - body.data);

		read_line(&reader, bytes_slice(body, 0, size));
		body = bytes_slice(body, size + 1, body.size - size - 1);
	}
	r = reader.r;
	if (r == 0 && !reader.has_policy)
		r = problem_set(problem, -EBADMSG, file, 0, "has no policy");
	if (r == 0)
		r = inventory_finish(&manifest.inventory, file, problem);
	if (r < 0) {
		if (r == -ENOMEM)
			(void)problem_set_errno(problem, r, file, "read");
		manifest_done(&manifest);
		return r;
	}
	*ret_manifest = manifest;
	return 0;
}
