/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Names as whole words of a text (contract section 8.4): a literal name is looked for, never
 * guessed by its shape, and what only contains it is something else. "enp6s0" is not in
 * "enp6s0f1", "vmbr-enp6s0" or "enp6s0-old", but "enp6s0.100" and "enp6s0:1" belong to it.
 */
#pragma once

#include "recovery/document.h"

/**
 * struct token - A name found in a text
 * @span:    the name itself
 * @suffix:  how many bytes behind it belong to the same name: ".100", ":1"
 * @vlan:    the suffix makes a VLAN's name of it
 * @certain: false for one that stands where its meaning is not known: in a file name
 *           ("/usr/local/bin/enp6s0-up"), in a unit's ("ifup@enp6s0.service")
 */
struct token {
	struct span span;
	size_t suffix;
	bool vlan;
	bool certain;
};

/**
 * token_word() - Whether one word is a name, with or without a VLAN or a label
 *
 * Return: true with @ret_token, its span counted from the start of the word.
 */
bool token_word(struct bytes word, const struct name_set *names, struct token *ret_token);

/**
 * struct token_search - A walk over free text: commands, option values
 *
 * Initialise @text and @names, the rest with zero.
 */
struct token_search {
	struct bytes text;
	const struct name_set *names;
	size_t at;
	size_t run;
	bool path;
};

/**
 * token_next() - The next name in a text
 *
 * Takes time by the text's length, whatever the number of names.
 *
 * Return: true with @ret_token, or false at the end of the text.
 */
bool token_next(struct token_search *search, struct token *ret_token);
