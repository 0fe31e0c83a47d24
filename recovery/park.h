/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Mentions put out of force because their device is gone and another bears its name, and put back
 * when it returns (contract section 8.6).
 *
 * A document is always handled with everything parked put back first. What follows from the
 * hardware is then worked out afresh and rendered: what is still to be parked comes out exactly as
 * it stands, what is not comes back as it was. So there is no second way for the way back.
 */
#pragma once

#include "recovery/meanings.h"

/* What a line that is commented out starts with. */
#define PARK_PREFIX "#hwrecover: "
/* The same where a compound command of a shell script must not become empty. */
#define PARK_BODY_PREFIX ": " PARK_PREFIX
/* The line that switches a whole shell script off. */
#define PARK_EXIT_LINE "exit 0 # hwrecover: switched off, see hwrecover status\n"

/**
 * struct put_back - Parked text that was put back into a document
 * @parked: index into struct meanings' parked texts
 * @span:   where its original text stands in the document now
 */
struct put_back {
	size_t parked;
	struct span span;
};

/**
 * park_undo() - Put everything parked in a document back in its place
 * @meanings: texts whose place cannot be found are marked @lost
 * @document: its @data and @disk are set
 * @ret_back: @ret_n texts that were put back, sorted by place; to be freed
 *
 * In a file that nobody changed the place is known. In one that somebody edited, the text has to
 * stand there once below the same context line, or once below one of the same two first words, or
 * once at all. Lines of a stanza that are not commented out might be anybody's: for them only their
 * own stanza counts.
 *
 * Return: 0 or -ENOMEM.
 */
_must_check_ int park_undo(struct meanings *meanings, struct document *document,
			   struct put_back **ret_back, size_t *ret_n);

/**
 * park_undo_removal() - Make a document of a file that was taken away
 * @parked: index of its text, whose @source is set
 * @document: new and empty, with its path
 * @ret_back: as of park_undo()
 *
 * Return: 0 or -ENOMEM.
 */
_must_check_ int park_undo_removal(const struct meanings *meanings, size_t parked,
				   struct document *document, struct put_back **ret_back,
				   size_t *ret_n);

/**
 * park_undo_lost() - Put back the parked texts of a document that somebody's edit removed
 * @ret_back: what park_undo() gave; grown by what is put back here
 *
 * Whole stanzas go to the end of the file; lines of a stanza to their option in it, or below its
 * head; they are no longer @lost then. A text whose stanza is gone stays lost.
 *
 * Return: 0 or -ENOMEM.
 */
_must_check_ int park_undo_lost(struct meanings *meanings, struct document *document,
				struct put_back **ret_back, size_t *ret_n);

/**
 * struct treatment - What is to be done to one reference
 * @park:     put it out of force
 * @new_name: else: write this name instead; NULL leaves it
 */
struct treatment {
	bool park;
	const char *new_name;
};

/**
 * struct rendered_park, struct rendered - A document after treatment
 * @text, @size:   the file as it shall be
 * @plain, @plain_size: the same with what is parked put back and the new names in it: what the next
 *                 run will scan
 * @parked, @n_parked: texts with something parked in them, by place; @plain_span is into @plain,
 *                 @text_span into @text
 * @out_of_force:  one per reference: it is parked, or stands in lines or in a word that are
 * @plain_offset:  one per reference: where its name starts in @plain
 * @removed:       the whole file is taken away; @text is empty
 * @path:          the file gets another name, as that is where the mention stands; else NULL
 * @edits, @n_edits: what makes @text out of the document; texts are borrowed from the treatments
 * @touches, @turned_off: of files about guests, see guest-render.h; @arena owns their strings
 * @pending: of these: the file is not as it has to be, but may not be edited now
 */
struct rendered_park {
	struct span plain_span;
	struct span text_span;
};

struct guest_touch;

struct rendered {
	char *text;
	size_t size;
	char *plain;
	size_t plain_size;
	struct rendered_park *parked;
	size_t n_parked;
	bool *out_of_force;
	size_t *plain_offset;
	bool removed;
	char *path;
	struct edit *edits;
	size_t n_edits;
	struct guest_touch *touches;
	size_t n_touches;
	size_t touches_allocated;
	struct turned_off *turned_off;
	size_t n_turned_off;
	size_t turned_off_allocated;
	bool pending;
	struct arena arena;
};

void rendered_done(struct rendered *rendered);

/**
 * park_render() - The file that follows from what is to be done to each reference
 * @treatments: one per reference of @document
 *
 * Lines to comment out are commented out physical line by physical line; words are taken out of
 * their lists; an emptied list is written as its reader's word for none, or its lines are commented
 * out where there is no such word. A shell script is switched off by one line, which is all that is
 * recorded as parked then: its mentions stay where they are.
 *
 * Return: 0 or -ENOMEM.
 */
_must_check_ int park_render(const struct document *document, const struct treatment *treatments,
			     struct rendered *ret_rendered);

/* Whether a parked text holds the line that switches a shell script off. */
_pure_ bool park_switches_off(const struct parked_text *parked);

/**
 * struct line_change - Lines of the file that come out differently
 * @document: whole lines of the document
 * @disk:     the same lines as they stand in the file, and @first_line the number of the first
 * @text:     the same lines as they shall stand in it, a span of the rendered text
 */
struct line_change {
	struct span document;
	struct span disk;
	unsigned int first_line;
	struct span text;
};

/**
 * park_compare() - The lines in which the file and the rendered text differ
 * @back:     what was put back into the document
 * @ret_changes: in the order of the file, to be freed
 *
 * Return: 0 or -ENOMEM.
 */
_must_check_ int park_compare(const struct meanings *meanings, const struct document *document,
			      const struct put_back *back, size_t n_back,
			      const struct rendered *rendered, struct line_change **ret_changes,
			      size_t *ret_n);

/* The last line before @offset that is not indented, blank or a comment; empty if there is none. */
_pure_ struct bytes park_context(struct bytes text, size_t offset);
