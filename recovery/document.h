/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Managed files and the references in them. A document is a file's bytes as read; references are
 * spans of it; an edit replaces a span and rendering is a splice, so a byte outside a span cannot
 * change.
 */
#pragma once

#include "snapshot/basic/arena.h"
#include "snapshot/basic/array.h"
#include "snapshot/basic/buffer.h"
#include "snapshot/basic/file.h"
#include "snapshot/basic/problem.h"
#include "snapshot/pci-address.h"

struct source;
struct guest_config;
struct start_switch;

/* What a mention names hardware by. */
enum reference_kind {
	REFERENCE_NIC,     /* a link's kernel name or altname */
	REFERENCE_ADDRESS, /* a PCI function's address, in any of the forms of address-token.h */
	REFERENCE_GROUP,   /* the number of the IOMMU group of the function that @follows names */
	_REFERENCE_KIND_MAX,
	_REFERENCE_KIND_INVALID = -22,
};

/* How a mention is put out of force when its device is gone and another bears its name. */
enum park_shape {
	PARK_WORD,   /* taken out of the list @list */
	PARK_LINES,  /* every physical line of @extent is commented out */
	PARK_SCRIPT, /* the shell script exits before anything: a line is put at @extent, which is
			empty and at the start of a line */
	PARK_FILE,   /* the whole file is taken away: the mention is its name */
	PARK_NEVER,  /* nothing sensible can be done: left and reported */
};

/* A part of a document. */
struct span {
	size_t offset;
	size_t length;
};

static inline size_t span_end(struct span span)
{
	return span.offset + span.length;
}

/**
 * struct reference - One mention of hardware in one file
 * @kind:    what it names it by
 * @span:    the name itself, and nothing else: of "enp6s0.100" the first six bytes
 * @line:    physical line the span starts on, counted from 1
 * @suffix:  how many bytes of the same word follow the name (".100"); a new name and its suffix
 *           must stay within NIC_NAME_MAX where @limited
 * @limited: whether name and suffix together are a kernel name
 * @certain: false for a mention that cannot be rewritten safely (a template line, a path of
 *           unknown meaning): it is reported, never edited
 * @block:   what it stands in, without hardware names that head the block themselves: "",
 *           "auto", "iface vmbr0 inet"; with @key and the name it is the mention's *place*
 * @body:    digest of the block's other contents, 0 where there are none
 * @key:     the option or keyword, in one spelling ('_' as '-'): "bridge-ports"
 * @line_digest: digest of the logical line it stands on
 * @address: for REFERENCE_ADDRESS, what the name says; the domain is 0 where it says none
 * @whole_slot: no function is named: it means all functions that are there (the function of
 *           @address is 0). In a guest's configuration, where that is a form of its own; elsewhere
 *           such a mention is not @certain
 * @follows: for REFERENCE_GROUP: where the span of the mention starts whose function's group it is.
 *           It means that function if it was its group's number when it was first seen, else nobody
 * @in_name: the name as it stands in the file's own name, not in its contents; then @span is empty
 *           and at 0. NULL for any other mention
 * @in_body: @extent may be all that stands in a compound command of a shell script, which must not
 *           become empty: a ":" takes its place
 * @shape, @list, @extent, @none_word: see enum park_shape. @list is the span of the whole list of
 *           words, from the first to the last; @extent whole physical lines; @none_word is what an
 *           emptied list is written as, NULL where the reader knows no such word: then @extent is
 *           commented out
 * @owner:   whose mention it is, for people: "vmbr0", "pve/qemu/101"; may be NULL
 *
 * Strings belong to the document's arena.
 */
struct reference {
	enum reference_kind kind;
	struct span span;
	unsigned int line;
	size_t suffix;
	bool limited;
	bool certain;
	const char *block;
	uint64_t body;
	const char *key;
	uint64_t line_digest;
	enum park_shape shape;
	struct span list;
	struct span extent;
	const char *none_word;
	const char *owner;
	struct pci_address address;
	const char *in_name;
	bool in_body;
	bool whole_slot;
	size_t follows;
};

/**
 * struct id_entry - Models that a driver is told to take, whatever their address
 * @line:    where it stands
 * @driver:  "vfio-pci", "pci-stub"
 * @vendor, @device, @subsystem_vendor, @subsystem_device: ids, or UNKNOWN for any
 * @class, @class_mask: a function's class matches where they agree under the mask; mask 0: any
 *
 * As pci_add_dynid() of the kernel reads "ids=V:D[:SV[:SD[:C[:M]]]]".
 */
struct id_entry {
	unsigned int line;
	const char *driver;
	int32_t vendor;
	int32_t device;
	int32_t subsystem_vendor;
	int32_t subsystem_device;
	uint32_t class;
	uint32_t class_mask;
};

/**
 * struct document - One managed file
 * @source:     the kind of file
 * @path:       absolute in the tree, links resolved
 * @data, @size: contents with what is parked put back in its place (see park.h): what is scanned
 *              and what references and edits are spans of; NULL when the file is unfit
 * @disk, @disk_size: contents as read, where they differ from @data; else NULL
 * @attributes: owner, mode, ACL, xattrs
 * @unfit:      why it is left alone, in words ("is a fifo"); NULL when it is fit. An unfit file is
 *              named and everything else is done
 * @absent:     the file is not there, as its mention is parked: @disk is empty, @data is what it
 * held
 * @rejected:   why its own reader rejects it as it stands; NULL when it is accepted. Such a file
 *              is scanned and reported but never edited
 * @in_image:   a copy of it is in the boot image
 * @only_by_apply: no boot stage edits it: a mistake in it would only show at the next boot
 * @remembered: the file cannot be looked at now (/etc/pve is not mounted): these are its contents
 *             as the newest snapshot has them. Judged like any other, never edited
 * @guest:      the guest that the file configures; NULL for any other file
 * @switches:   @n_switches places in it that make guests start by themselves
 * @references: sorted by offset
 * @ids:        @n_ids entries that name models; they are reported, never edited
 * @line_digests: digests of all its logical lines, sorted: tells whether a line stood here before
 * @notes:      @n_notes remarks for the report: patterns, templates, comments that mention a name;
 *              each "LINE: text" already in words
 */
struct document {
	struct arena arena;
	const struct source *source;
	const char *path;
	char *data;
	size_t size;
	char *disk;
	size_t disk_size;
	struct file_attributes attributes;
	const char *unfit;
	bool absent;
	const char *rejected;
	bool in_image;
	bool only_by_apply;
	bool remembered;
	struct guest_config *guest;
	struct start_switch *switches;
	size_t n_switches;
	size_t switches_allocated;
	struct id_entry *ids;
	size_t n_ids;
	size_t ids_allocated;
	struct reference *references;
	size_t n_references;
	size_t references_allocated;
	uint64_t *line_digests;
	size_t n_line_digests;
	size_t line_digests_allocated;
	const char **notes;
	size_t n_notes;
	size_t notes_allocated;
};

static inline struct bytes document_bytes(const struct document *document)
{
	return bytes_make(document->data, document->size);
}

/* The contents of the file itself. */
static inline struct bytes document_disk_bytes(const struct document *document)
{
	if (document->disk)
		return bytes_make(document->disk, document->disk_size);
	return document_bytes(document);
}

static inline struct bytes document_text(const struct document *document, struct span span)
{
	return bytes_slice(document_bytes(document), span.offset, span.length);
}

/* The name that a reference is, as it is written. */
static inline struct bytes document_name_of(const struct document *document,
					    const struct reference *reference)
{
	return reference->in_name ? bytes_of(reference->in_name)
				  : document_text(document, reference->span);
}

void document_done(struct document *document);

/* A new reference, zeroed, its strings to be set by the caller; NULL when there is no memory. */
_must_check_ struct reference *document_add_reference(struct document *document);
/* A new entry, every id UNKNOWN; its driver is to be set. NULL when there is no memory. */
_must_check_ struct id_entry *document_add_ids(struct document *document);
/* "LINE: text" for the report. Return: 0 or -ENOMEM. */
_printf_(3, 4) _must_check_ int document_add_note(struct document *document, unsigned int line,
						  const char *format, ...);
_must_check_ int document_add_line_digest(struct document *document, uint64_t digest);
/* Sorts references by offset and digests; call once after scanning. */
void document_finish(struct document *document);

/* Index of the first reference that starts at or behind an offset; n_references if none does. */
_pure_ size_t document_first_from(const struct document *document, size_t offset);

/* The physical line an offset is on, counted from 1, and that line without its newline. */
_pure_ unsigned int document_line_at(const struct document *document, size_t offset);

/**
 * struct documents - The managed files of a tree, in the order they were found
 */
struct documents {
	struct document **items;
	size_t n_items;
	size_t allocated;
};

void documents_done(struct documents *documents);
/* A new, empty document at the end, or NULL when there is no memory. */
_must_check_ struct document *documents_add(struct documents *documents, const char *path);
_pure_ struct document *documents_find(const struct documents *documents, const char *path);

/**
 * struct name_set - Names to look for
 * @names: sorted by byte, no two alike; borrowed
 */
struct name_set {
	const char *const *names;
	size_t n_names;
};

_pure_ bool name_set_has(const struct name_set *set, struct bytes name);

/**
 * struct edit - One replacement
 * @span: what is replaced; empty for an insertion
 * @text: what stands there afterwards; borrowed
 * @order: set and used by edits_sort()
 */
struct edit {
	struct span span;
	struct bytes text;
	size_t order;
};

/**
 * edits_apply() - The document after all edits at once
 * @edits: sorted by offset, not overlapping (two insertions at one offset keep their order)
 * @ret_text: to be freed
 *
 * Return: 0, -EINVAL when the edits overlap or lie outside, -ENOMEM.
 */
_must_check_ int edits_apply(struct bytes document, const struct edit *edits, size_t n_edits,
			     char **ret_text, size_t *ret_size);

/* Sort by offset, keeping the order of insertions at one offset. */
void edits_sort(struct edit *edits, size_t n_edits);
