/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One transaction of ours taken back in a file of guests that somebody edited since: what it
 * changed, and nothing else. It is found by what it is, not by where it stood: editors of guests
 * sort and space as they like.
 */
#pragma once

#include "recovery/guest.h"
#include "recovery/source.h"

/**
 * struct kept_words - What stays as it is
 * @items: @n_items words, each once; the arena's
 */
struct kept_words {
	struct arena arena;
	const char **items;
	size_t n_items;
	size_t allocated;
};

void kept_words_done(struct kept_words *kept);
/* Return: 0 or -ENOMEM. */
_must_check_ int kept_words_add(struct kept_words *kept, const char *word);

/**
 * struct rollback_step - One transaction's change of one file
 * @source, @path: of the file
 * @was, @now: its contents before and after
 * @documents: the managed files as they are: they tell which guests are of this node
 * @scan, @names: for the sources
 */
struct rollback_step {
	const struct source *source;
	const char *path;
	struct bytes was;
	struct bytes now;
	const struct documents *documents;
	const struct scan_context *scan;
	const struct name_set *names;
};

/**
 * rollback_step_undo() - Take it back where it still stands
 * @contents: of the file as it is
 * @kept:     gets a word for people for whatever stays as it is ("hostpci0"), as somebody changed
 *            it, or the line is of a guest that is not this node's any more
 * @ret_text: the file afterwards, to be freed; where nobody touched it, it is @was byte for byte
 *
 * What goes back: mentions, the settings that a hold replaced or has replaced, the line that a hold
 * put in, and the switches that start guests.
 *
 * Return: 0 or -ENOMEM.
 */
_must_check_ int rollback_step_undo(const struct rollback_step *step, struct bytes contents,
				    struct kept_words *kept, char **ret_text, size_t *ret_size);
