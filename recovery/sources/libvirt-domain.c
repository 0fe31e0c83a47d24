/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Domains of libvirt's QEMU driver. The XML is read by expat, which tells where each tag stands in
 * the file; what is named there is a span of its raw text, and nothing is ever written as XML.
 */
#include "recovery/sources/libvirt.h"

#include <errno.h>
#include <expat.h>
#include <strings.h>

#include "recovery/sources/address-attributes.h"
#include "recovery/sources/address-token.h"
#include "recovery/sources/joined-line.h"
#include "recovery/sources/managed-file.h"
#include "recovery/sources/token.h"
#include "snapshot/basic/number.h"

#define DOMAIN_FILES LIBVIRT_DOMAINS "/*.xml"
/* libxml2 reads no deeper either, unless it is told to. */
#define DEPTH_MAX    256
#define ELEMENTS_MAX 65536
/* In udev's links to what stands on a PCI function: "/dev/disk/by-path/pci-0000:05:00.0-…" */
#define BY_PATH "/by-path/pci-"

/* What an element is by where it stands: names alone say nothing, <metadata> may hold any. */
enum place {
	PLACE_FILE, /* what the root element stands in */
	PLACE_OTHER,
	PLACE_DOMAIN,
	PLACE_NAME,
	PLACE_UUID,
	PLACE_DEVICES,
	PLACE_COMMANDLINE,
	PLACE_DEVICE,    /* a child of <devices>, or an argument of QEMU's */
	PLACE_IN_DEVICE, /* anything in one */
	PLACE_FUNCTION,  /* <source> that has the <address> of a function of the host */
};

/* What the <source> of a device is on the host. */
enum device_kind {
	DEVICE_OTHER,
	DEVICE_FUNCTION, /* a function that the guest gets */
	DEVICE_LINK,     /* a link that its own is put upon */
	DEVICE_DISK,     /* a file, a block device, or an NVMe controller that the guest gets */
	DEVICE_ARGUMENT, /* whatever QEMU is told */
};

/**
 * struct open_device - The device that is being read
 * @offset: where its tag starts
 * @first:  index of the first of its references
 */
struct open_device {
	enum device_kind kind;
	size_t offset;
	unsigned int line;
	size_t first;
	bool taken;
};

/**
 * struct scanner - A domain on its way through the parser
 * @text:     the file
 * @document: where to put what is found
 * @places:   of the elements that are open
 * @lines:    physical lines, whole, whose digest is @lines_digest
 * @n_unread: how many devices of the host have an address that cannot be read, the first of them
 *            on line @unread_line
 * @cause:    why the file is no domain, on line @cause_line
 * @error:    -ENOMEM, or 0
 */
struct scanner {
	XML_Parser parser;
	struct bytes text;
	struct document *document;
	const struct name_set *names;
	enum place places[DEPTH_MAX];
	size_t depth;
	size_t n_elements;
	struct line_cursor cursor;
	struct span lines;
	uint64_t lines_digest;
	struct buffer name;
	struct buffer uuid;
	bool has_name;
	bool has_uuid;
	struct open_device device;
	size_t n_unread;
	unsigned int unread_line;
	const char *cause;
	unsigned int cause_line;
	int error;
};

int libvirt_uuid_parse(struct bytes text, struct libvirt_uuid *ret_uuid)
{
	struct libvirt_uuid uuid = { { 0 } };
	size_t n = 0, n_digits = 0;

	for (size_t i = 0; i < text.size; i++) {
		static const char digits[] = "0123456789abcdef";
		int digit = number_hex_digit(text.data[i]);

		if (digit < 0 && n_digits % 2 == 0 && text.data[i] != '\0' &&
		    strchr("- \t\r\n", text.data[i]))
			continue;
		if (digit < 0 || n_digits == 32)
			return -EINVAL;
		if (n == 8 || n == 13 || n == 18 || n == 23)
			uuid.text[n++] = '-';
		uuid.text[n++] = digits[digit];
		n_digits++;
	}
	if (n_digits != 32)
		return -EINVAL;
	*ret_uuid = uuid;
	return 0;
}

/* Expat may call a handler once more after it was stopped. */
static bool has_stopped(const struct scanner *scanner)
{
	return scanner->cause || scanner->error < 0;
}

static void reject(struct scanner *scanner, const char *cause)
{
	scanner->cause = cause;
	scanner->cause_line = (unsigned int)XML_GetCurrentLineNumber(scanner->parser);
	(void)XML_StopParser(scanner->parser, XML_FALSE);
}

static void fail(struct scanner *scanner, int error)
{
	scanner->error = error;
	(void)XML_StopParser(scanner->parser, XML_FALSE);
}

/* An attribute's value as libvirt sees it; NULL if there is none. */
static const char *attribute_of(const char *const *attributes, const char *name)
{
	for (; attributes[0]; attributes += 2)
		if (strcmp(attributes[0], name) == 0)
			return attributes[1];
	return NULL;
}

static bool attribute_is(const char *const *attributes, const char *name, const char *value)
{
	const char *found = attribute_of(attributes, name);

	return found && strcmp(found, value) == 0;
}

/* The same where no attribute is as good. */
static bool attribute_may_be(const char *const *attributes, const char *name, const char *value)
{
	return !attribute_of(attributes, name) || attribute_is(attributes, name, value);
}

/* "qemu:commandline" by the name behind the prefix, which is free to choose. */
static const char *local_name(const char *name)
{
	const char *colon = strrchr(name, ':');

	return colon ? colon + 1 : name;
}

static enum device_kind device_kind_of(const char *name, const char *const *attributes)
{
	if (strcmp(name, "hostdev") == 0 && attribute_may_be(attributes, "mode", "subsystem") &&
	    attribute_is(attributes, "type", "pci"))
		return DEVICE_FUNCTION;
	if (strcmp(name, "interface") == 0 && attribute_is(attributes, "type", "hostdev"))
		return DEVICE_FUNCTION;
	/* Of type "user" it is the link whose addresses the guest gets. */
	if (strcmp(name, "interface") == 0 && (attribute_is(attributes, "type", "direct") ||
					       attribute_is(attributes, "type", "user")))
		return DEVICE_LINK;
	return strcmp(name, "disk") == 0 ? DEVICE_DISK : DEVICE_OTHER;
}

/* Whether the <address> in a <source> is a function of the host. */
static bool is_function(const struct scanner *scanner, enum place parent,
			const char *const *attributes)
{
	if (scanner->device.kind == DEVICE_FUNCTION)
		return parent == PLACE_DEVICE;
	/* Also in the <backingStore> of a disk. */
	return scanner->device.kind == DEVICE_DISK && attribute_is(attributes, "type", "pci");
}

static enum place place_in_domain(struct scanner *scanner, const char *name)
{
	if (strcmp(name, "devices") == 0)
		return PLACE_DEVICES;
	if (strcmp(local_name(name), "commandline") == 0)
		return PLACE_COMMANDLINE;
	if (strcmp(name, "name") == 0 && !scanner->has_name) {
		scanner->has_name = true;
		return PLACE_NAME;
	}
	if (strcmp(name, "uuid") == 0 && !scanner->has_uuid) {
		scanner->has_uuid = true;
		return PLACE_UUID;
	}
	return PLACE_OTHER;
}

static enum place place_of(struct scanner *scanner, enum place parent, const char *name,
			   const char *const *attributes)
{
	switch (parent) {
	case PLACE_FILE:
		return PLACE_DOMAIN;
	case PLACE_DOMAIN:
		return place_in_domain(scanner, name);
	case PLACE_DEVICES:
		return PLACE_DEVICE;
	case PLACE_COMMANDLINE:
		return strcmp(local_name(name), "arg") == 0 ? PLACE_DEVICE : PLACE_OTHER;
	case PLACE_DEVICE:
	case PLACE_IN_DEVICE:
		if (strcmp(name, "source") == 0 && is_function(scanner, parent, attributes))
			return PLACE_FUNCTION;
		return PLACE_IN_DEVICE;
	case PLACE_FUNCTION:
		return PLACE_IN_DEVICE;
	default:
		return PLACE_OTHER;
	}
}

static struct span span_of(const struct scanner *scanner, struct bytes part)
{
	return (struct span){ (size_t)(part.data - scanner->text.data), part.size };
}

/* Digest of the lines that a mention stands on, without the newline behind them. */
static uint64_t lines_digest(struct scanner *scanner, struct span span)
{
	struct bytes text = scanner->text;
	const char *newline;
	size_t start, end;

	/* A file may be one long line of mentions. */
	if (span.offset >= scanner->lines.offset && span_end(span) <= span_end(scanner->lines))
		return scanner->lines_digest;
	newline = memrchr(text.data, '\n', span.offset);
	start = newline ? (size_t)(newline - text.data) + 1 : 0;
	newline = memchr(text.data + span_end(span), '\n', text.size - span_end(span));
	end = newline ? (size_t)(newline - text.data) : text.size;
	scanner->lines = (struct span){ start, end - start };
	scanner->lines_digest =
		bytes_digest(bytes_slice(text, start, end - start), BYTES_DIGEST_SEED);
	return scanner->lines_digest;
}

/* Adds @part of the file as a mention; @mention says what it is. */
static int add_mention(struct scanner *scanner, struct bytes part, const struct reference *mention)
{
	struct reference *reference = document_add_reference(scanner->document);

	if (!reference)
		return -ENOMEM;
	*reference = *mention;
	reference->span = span_of(scanner, part);
	reference->line = line_cursor_move(&scanner->cursor, scanner->text, reference->span.offset);
	reference->certain = true;
	reference->line_digest = lines_digest(scanner, reference->span);
	reference->shape = PARK_NEVER;
	return 0;
}

static int add_token(struct scanner *scanner, struct bytes text, const struct address_token *token)
{
	const struct reference mention = {
		.kind = REFERENCE_ADDRESS,
		.address = token->address,
	};

	return add_mention(scanner, bytes_slice(text, token->span.offset, token->span.length),
			   &mention);
}

static int scan_address(struct scanner *scanner, struct bytes attributes)
{
	struct reference mention = { .kind = REFERENCE_ADDRESS };
	struct bytes found;

	scanner->device.taken = true;
	if (address_attributes_find(attributes, &found) &&
	    address_attributes_parse(found, &mention.address) == 0)
		return add_mention(scanner, found, &mention);
	if (scanner->n_unread++ == 0)
		scanner->unread_line = scanner->device.line;
	return 0;
}

static int scan_link(struct scanner *scanner, struct bytes value)
{
	struct token token;

	/* "enp6s0:1" is no link. */
	if (!token_word(value, scanner->names, &token) || (token.suffix > 0 && !token.vlan))
		return 0;
	return add_mention(scanner, bytes_slice(value, token.span.offset, token.span.length),
			   &(struct reference){
				   .kind = REFERENCE_NIC,
				   .suffix = token.suffix,
				   .limited = true,
			   });
}

static int scan_paths(struct scanner *scanner, struct bytes text)
{
	const char *found;
	int r = 0;

	while (r == 0 && (found = bytes_find(text, BY_PATH))) {
		size_t at = (size_t)(found - text.data) + strlen(BY_PATH);
		struct address_token token;
		struct bytes name;

		text = bytes_slice(text, at - 1, text.size - at + 1);
		/* With what bounds it on both sides, but not to the end of all others. */
		name = bytes_slice(text, 0, MIN_OF(text.size, 1 + ADDRESS_TOKEN_TEXT + 1));
		if (address_token_next(name, 1, &token) && token.span.offset == 1 &&
		    !token.whole_slot)
			r = add_token(scanner, name, &token);
	}
	return r;
}

/* What may stand around names and values of QEMU's arguments where they are written as JSON. */
static size_t skip_quotes(struct bytes text, size_t at)
{
	while (at < text.size) {
		struct bytes rest = bytes_slice(text, at, text.size - at);

		if (rest.data[0] == ' ' || rest.data[0] == '"')
			at++;
		else if (bytes_start_with(rest, bytes_of("&quot;")))
			at += strlen("&quot;");
		else
			break;
	}
	return at;
}

/* Whether a property is the named one; @ret_value is its value. */
static bool is_property(struct bytes property, const char *name, struct bytes *ret_value)
{
	size_t at = skip_quotes(property, 0);

	property = bytes_slice(property, at, property.size - at);
	if (!bytes_start_with(property, bytes_of(name)))
		return false;
	at = skip_quotes(property, strlen(name));
	if (at == property.size || (property.data[at] != '=' && property.data[at] != ':'))
		return false;
	at = skip_quotes(property, at + 1);
	*ret_value = bytes_slice(property, at, property.size - at);
	return true;
}

/* The address that a value of vfio-pci's is: the whole of it, or the last part of a path. */
static int scan_vfio(struct scanner *scanner, struct bytes value, bool path)
{
	struct address_token token;

	for (size_t from = 0; address_token_next(value, from, &token);
	     from = span_end(token.span)) {
		size_t end = span_end(token.span);

		if (token.whole_slot || (path && end < value.size && value.data[end] == '/'))
			continue;
		if (!path && token.span.offset > 0)
			break;
		scanner->device.taken = true;
		return add_token(scanner, value, &token);
	}
	return 0;
}

/* "vfio-pci,host=0000:05:00.0,x-vga=on", the same as JSON, or any argument with a path in it. */
static int scan_argument(struct scanner *scanner, struct bytes text)
{
	bool vfio = bytes_find(text, "vfio-pci");
	int r = 0;

	for (size_t start = 0, end; start < text.size && r == 0; start = end + 1) {
		struct bytes property, value;

		for (end = start; end < text.size && !strchr(",{}", text.data[end]);)
			end++;
		property = bytes_slice(text, start, end - start);
		if (vfio && is_property(property, "host", &value))
			r = scan_vfio(scanner, value, false);
		else if (vfio && is_property(property, "sysfsdev", &value))
			r = scan_vfio(scanner, value, true);
		else
			r = scan_paths(scanner, property);
	}
	return r;
}

/* An attribute of a device, or of anything in it. */
static int scan_attribute(struct scanner *scanner, const char *element, enum place parent,
			  const struct xml_attribute *attribute)
{
	enum device_kind kind = scanner->device.kind;

	if (kind == DEVICE_ARGUMENT)
		return bytes_equal_text(attribute->name, "value")
			       ? scan_argument(scanner, attribute->value)
			       : 0;
	if (kind == DEVICE_LINK && parent == PLACE_DEVICE && strcmp(element, "source") == 0 &&
	    bytes_equal_text(attribute->name, "dev"))
		return scan_link(scanner, attribute->value);
	return scan_paths(scanner, attribute->value);
}

/* What stands in the start tag behind the element's name. */
static struct bytes attributes_of(const struct scanner *scanner, const char *element)
{
	size_t offset = (size_t)XML_GetCurrentByteIndex(scanner->parser);
	size_t size = (size_t)XML_GetCurrentByteCount(scanner->parser);
	size_t before = strlen("<") + strlen(element), after = strlen(">");

	if (scanner->text.data[offset + size - 2] == '/')
		after = strlen("/>");
	return bytes_slice(scanner->text, offset + before, size - before - after);
}

static int scan_element(struct scanner *scanner, const char *element, enum place parent,
			const char *const *attributes)
{
	struct bytes text = attributes_of(scanner, element);
	struct xml_attribute attribute;
	size_t at = 0;
	int r = 0;

	if (parent == PLACE_FUNCTION && strcmp(element, "address") == 0)
		return attribute_may_be(attributes, "type", "pci") ? scan_address(scanner, text)
								   : 0;
	while (r == 0 && xml_attribute_next(text, &at, &attribute) > 0)
		r = scan_attribute(scanner, element, parent, &attribute);
	return r;
}

static void begin_device(struct scanner *scanner, enum device_kind kind)
{
	size_t offset = (size_t)XML_GetCurrentByteIndex(scanner->parser);

	scanner->device = (struct open_device){
		.kind = kind,
		.offset = offset,
		.line = line_cursor_move(&scanner->cursor, scanner->text, offset),
		.first = scanner->document->n_references,
	};
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* However it is indented. */
static uint64_t digest_words(struct bytes text, uint64_t digest)
{
	for (size_t start = 0, end; start < text.size; start = end + 1) {
		for (end = start; end < text.size && !is_blank(text.data[end]);)
			end++;
		digest = bytes_digest(bytes_slice(text, start, end - start), digest);
	}
	return digest;
}

/* Digest of a device without the names of the host's hardware: it tells one device from another. */
static uint64_t device_digest(const struct scanner *scanner, size_t end)
{
	const struct document *document = scanner->document;
	size_t at = scanner->device.offset;
	uint64_t digest = BYTES_DIGEST_SEED;

	for (size_t i = scanner->device.first; i < document->n_references; i++) {
		struct span span = document->references[i].span;

		digest = digest_words(bytes_slice(scanner->text, at, span.offset - at), digest);
		at = span_end(span);
	}
	return digest_words(bytes_slice(scanner->text, at, end - at), digest);
}

static int end_device(struct scanner *scanner, const char *element)
{
	struct document *document = scanner->document;
	size_t first = scanner->device.first, n = document->n_references - first;
	struct guest_device *device;
	uint64_t body;

	if (n == 0)
		return 0;
	device = document_add_device(document);
	if (!device)
		return -ENOMEM;
	*device = (struct guest_device){
		.key = scanner->device.kind == DEVICE_ARGUMENT
			       ? "commandline"
			       : arena_copy_text(&document->arena, element),
		.section = "",
		.line = scanner->device.line,
		.first = first,
		.n = n,
		.at_start = true,
		.taken = scanner->device.taken,
	};
	if (!device->key)
		return -ENOMEM;
	body = device_digest(scanner, (size_t)XML_GetCurrentByteIndex(scanner->parser) +
					      (size_t)XML_GetCurrentByteCount(scanner->parser));
	for (size_t i = first; i < document->n_references; i++) {
		document->references[i].key = device->key;
		document->references[i].block = device->key;
		document->references[i].body = body;
	}
	return 0;
}

static bool is_in_device(enum place place)
{
	return place == PLACE_DEVICE || place == PLACE_IN_DEVICE || place == PLACE_FUNCTION;
}

static const char *find_fault_in_element(const struct scanner *scanner, const char *name)
{
	if (scanner->depth == DEPTH_MAX)
		return "its elements are nested too deep";
	if (scanner->n_elements == ELEMENTS_MAX)
		return "it has too many elements";
	if (scanner->depth == 0 && strcmp(name, "domain") != 0)
		return "its root element is not <domain>";
	return NULL;
}

static void start_element(void *data, const char *name, const char **attributes)
{
	struct scanner *scanner = data;
	enum place parent, place;
	const char *fault;
	int r = 0;

	if (has_stopped(scanner))
		return;
	fault = find_fault_in_element(scanner, name);
	if (fault) {
		reject(scanner, fault);
		return;
	}
	parent = scanner->depth > 0 ? scanner->places[scanner->depth - 1] : PLACE_FILE;
	place = place_of(scanner, parent, name, attributes);
	if (place == PLACE_DEVICE)
		begin_device(scanner, parent == PLACE_COMMANDLINE
					      ? DEVICE_ARGUMENT
					      : device_kind_of(name, attributes));
	if (is_in_device(place))
		r = scan_element(scanner, name, parent, attributes);
	scanner->places[scanner->depth++] = place;
	scanner->n_elements++;
	if (r < 0)
		fail(scanner, r);
}

static void end_element(void *data, const char *name)
{
	struct scanner *scanner = data;
	int r;

	if (has_stopped(scanner) || scanner->places[--scanner->depth] != PLACE_DEVICE)
		return;
	r = end_device(scanner, name);
	if (r < 0)
		fail(scanner, r);
}

static void add_characters(void *data, const char *characters, int size)
{
	struct scanner *scanner = data;
	enum place place;

	if (has_stopped(scanner) || scanner->depth == 0)
		return;
	place = scanner->places[scanner->depth - 1];
	if (place == PLACE_NAME)
		buffer_append(&scanner->name, bytes_make(characters, (size_t)size));
	else if (place == PLACE_UUID)
		buffer_append(&scanner->uuid, bytes_make(characters, (size_t)size));
}

static void refuse_doctype(void *data, const char *name, const char *system_id,
			   const char *public_id, int has_internal_subset)
{
	(void)name;
	(void)system_id;
	(void)public_id;
	(void)has_internal_subset;
	/* It may declare entities, whose contents are not where they are used. */
	reject(data, "it has a document type declaration");
}

static void check_declaration(void *data, const char *version, const char *encoding, int standalone)
{
	(void)version;
	(void)standalone;
	if (encoding && strcasecmp(encoding, "UTF-8") != 0 && strcasecmp(encoding, "US-ASCII") != 0)
		reject(data, "its encoding is not UTF-8");
}

static int run_parser(struct scanner *scanner)
{
	enum XML_Error error;

	XML_SetUserData(scanner->parser, scanner);
	XML_SetElementHandler(scanner->parser, start_element, end_element);
	XML_SetCharacterDataHandler(scanner->parser, add_characters);
	XML_SetStartDoctypeDeclHandler(scanner->parser, refuse_doctype);
	XML_SetXmlDeclHandler(scanner->parser, check_declaration);
	/* A managed file is no larger than an int can tell. */
	if (XML_Parse(scanner->parser, scanner->text.data, (int)scanner->text.size, XML_TRUE) ==
	    XML_STATUS_OK)
		return scanner->name.failed || scanner->uuid.failed ? -ENOMEM : 0;
	if (has_stopped(scanner))
		return scanner->error;
	error = XML_GetErrorCode(scanner->parser);
	if (error == XML_ERROR_NO_MEMORY)
		return -ENOMEM;
	scanner->cause = XML_ErrorString(error);
	scanner->cause_line = (unsigned int)XML_GetCurrentLineNumber(scanner->parser);
	return 0;
}

/* As virDomainDefParseXML() wants it. */
static const char *find_fault_in_name(struct bytes name)
{
	if (name.size == 0)
		return "it gives the domain no name";
	if (memchr(name.data, '/', name.size) || memchr(name.data, '\n', name.size))
		return "it gives the domain a name with a slash or a newline";
	return NULL;
}

static int parse(struct scanner *scanner)
{
	int r;

	/* So does UTF-16, in which offsets would be others than expat tells. */
	if (scanner->text.size > 0 && memchr(scanner->text.data, '\0', scanner->text.size)) {
		scanner->cause = "it holds NUL bytes";
		scanner->cause_line = 1;
		return 0;
	}
	scanner->parser = XML_ParserCreate(NULL);
	if (!scanner->parser)
		return -ENOMEM;
	r = run_parser(scanner);
	XML_ParserFree(scanner->parser);
	if (r == 0 && !scanner->cause) {
		scanner->cause = find_fault_in_name(buffer_bytes(&scanner->name));
		scanner->cause_line = 1;
	}
	return r;
}

static int set_guest(struct scanner *scanner)
{
	struct document *document = scanner->document;
	_cleanup_(buffer_done) struct buffer id = { 0 };
	struct guest_config *guest = document->guest;
	struct libvirt_uuid uuid;

	buffer_append_text(&id, "libvirt/");
	buffer_append(&id, buffer_bytes(&scanner->name));
	guest->id = id.failed ? NULL : arena_copy(&document->arena, buffer_bytes(&id));
	if (!guest->id)
		return -ENOMEM;
	for (size_t i = 0; i < document->n_references; i++)
		document->references[i].owner = guest->id;
	if (scanner->has_uuid && libvirt_uuid_parse(buffer_bytes(&scanner->uuid), &uuid) == 0) {
		guest->uuid = arena_copy_text(&document->arena, uuid.text);
		if (!guest->uuid)
			return -ENOMEM;
	}
	if (scanner->n_unread == 0)
		return 0;
	return document_add_note(document, scanner->unread_line,
				 "%zu devices of the host have addresses that cannot be read",
				 scanner->n_unread);
}

/* What its own reader does not load is nobody's configuration. */
static int set_rejected(struct scanner *scanner)
{
	struct document *document = scanner->document;
	_cleanup_(buffer_done) struct buffer text = { 0 };

	guest_config_free(document->guest);
	document->guest = NULL;
	document->n_references = 0;
	buffer_appendf(&text, "line %u: %s", scanner->cause_line, scanner->cause);
	document->rejected = text.failed ? NULL : arena_copy(&document->arena, buffer_bytes(&text));
	if (!document->rejected)
		return -ENOMEM;
	/* A file in which no mention is known is not named for being rejected. */
	return document_add_note(document, scanner->cause_line, "%s: what it says is not known",
				 scanner->cause);
}

/* Reads a domain into a document, which has its configuration or is rejected afterwards. */
static int scan_text(struct document *document, struct bytes text, const struct name_set *names,
		     const char **ret_cause, unsigned int *ret_line)
{
	struct scanner scanner = {
		.text = text,
		.document = document,
		.names = names,
		.cursor.line = 1,
	};
	int r = -ENOMEM;

	if (document_make_guest(document))
		r = parse(&scanner);
	if (r == 0)
		r = scanner.cause ? set_rejected(&scanner) : set_guest(&scanner);
	buffer_done(&scanner.name);
	buffer_done(&scanner.uuid);
	if (r < 0)
		return r;
	if (ret_cause)
		*ret_cause = scanner.cause;
	if (ret_line)
		*ret_line = scanner.cause_line;
	return 0;
}

static int add_line_digests(struct document *document)
{
	struct bytes text = document_bytes(document);
	uint64_t added = 0;
	int r = 0;

	for (size_t start = 0, end; start < text.size && r == 0; start = end + 1) {
		const char *newline = memchr(text.data + start, '\n', text.size - start);

		end = newline ? (size_t)(newline - text.data) : text.size;
		r = document_add_line_digest(
			document,
			bytes_digest(bytes_slice(text, start, end - start), BYTES_DIGEST_SEED));
	}
	/* Those of mentions that stand on several lines. */
	for (size_t i = 0; i < document->n_references && r == 0; i++) {
		const struct reference *reference = &document->references[i];
		struct bytes name = document_text(document, reference->span);

		if (reference->line_digest == added || !memchr(name.data, '\n', name.size))
			continue;
		added = reference->line_digest;
		r = document_add_line_digest(document, added);
	}
	return r;
}

/* What `virsh managedsave` leaves: the next start goes by the configuration in it. */
static int look_for_saved_state(const struct scan_context *context, struct guest_config *guest)
{
	_cleanup_(buffer_done) struct buffer path = { 0 };

	buffer_appendf(&path, "/var/lib/libvirt/qemu/save/%s.save", strchr(guest->id, '/') + 1);
	if (path.failed)
		return -ENOMEM;
	guest->saved = context && context->root && root_exists(context->root, path.data);
	return 0;
}

static int scan_domains(const struct source *source, const struct scan_context *context,
			struct documents *documents, const struct name_set *names)
{
	int r = 0;

	for (size_t i = 0; i < documents->n_items && r == 0; i++) {
		struct document *document = documents->items[i];

		if (document->source != source || document->unfit)
			continue;
		r = scan_text(document, document_bytes(document), names, NULL, NULL);
		if (r == 0 && document->guest && document->guest->n_devices > 0)
			r = look_for_saved_state(context, document->guest);
		if (r == 0)
			r = add_line_digests(document);
		document_finish(document);
	}
	return r;
}

static int collect_domains(const struct source *source, const struct scan_context *context,
			   struct documents *documents, struct problem *problem)
{
	return managed_files_collect(source, context->root, DOMAIN_FILES, NULL, documents, problem);
}

static int check_domains(const struct source *source, const struct scan_context *context,
			 const struct documents *documents, const struct bytes *texts,
			 struct problem *problem)
{
	const struct name_set no_names = { NULL, 0 };
	int r = 0;

	(void)source;
	(void)context;
	for (size_t i = 0; i < documents->n_items && r == 0; i++) {
		_cleanup_(document_done) struct document result = { 0 };
		const char *cause = NULL;
		unsigned int line;

		/* What was rejected before is left as it is; what it says is no news. */
		if (documents->items[i]->rejected)
			continue;
		r = scan_text(&result, texts[i], &no_names, &cause, &line);
		if (r == 0 && cause)
			r = problem_set(problem, -EBADMSG, documents->items[i]->path, line, "%s",
					cause);
	}
	return r;
}

const struct source libvirt_domain_source = {
	.name = "libvirt-domain",
	.is_guest = true,
	.collect = collect_domains,
	.scan = scan_domains,
	.check = check_domains,
};
