/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Proxmox's files of sections, as PVE::SectionConfig reads them: a head at the start of a line, its
 * properties on indented lines below it, an empty line behind the last.
 */
#pragma once

#include "snapshot/basic/bytes.h"

enum pve_section_line_kind {
	PVE_SECTION_OTHER,    /* a comment, an empty line, what Proxmox passes over */
	PVE_SECTION_HEAD,     /* "vm: 100", or "gpu" where heads are bare */
	PVE_SECTION_PROPERTY, /* "\tstate started", of the section whose head stands above */
};

/**
 * struct pve_section_line - One line
 * @text:   without its end
 * @offset: where it starts;  @next: where the next one does
 * @number: counted from 1
 * @type, @id: of a head; the type of a bare one is empty
 * @key, @value: of a property; the value without blanks around it, empty where there is none
 *
 * Parts of @text are found in the file by their data.
 */
struct pve_section_line {
	enum pve_section_line_kind kind;
	struct bytes text;
	size_t offset;
	size_t next;
	unsigned int number;
	struct bytes type;
	struct bytes id;
	struct bytes key;
	struct bytes value;
};

/**
 * struct pve_section_reader - Walking over the lines of such a file
 * @contents: of the file
 * @bare:     its heads are ids alone
 * @inside:   a section is under way: another head does not begin one before an empty line has ended
 *            it
 *
 * Initialise @contents and @bare, the rest with zero.
 */
struct pve_section_reader {
	struct bytes contents;
	bool bare;
	bool inside;
	size_t offset;
	unsigned int number;
};

/* The next line. Return: whether there was one. */
bool pve_section_read_line(struct pve_section_reader *reader, struct pve_section_line *ret_line);
