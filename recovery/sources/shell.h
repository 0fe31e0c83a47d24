/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Shell scripts, read far enough to know which statement a byte belongs to and what else stands in
 * its lines: the POSIX shell command language, and what bash and busybox add to it where people use
 * it. Nothing is expanded or run; what stands in command substitutions is read but not described.
 */
#pragma once

#include "recovery/document.h"

/* For an index into struct shell_script: none. */
#define SHELL_NONE SIZE_MAX

enum shell_kind {
	SHELL_STATEMENT, /* commands joined by '|', "&&" and "||", up to their separator */
	SHELL_SIMPLE,    /* a simple command; "[[ … ]]" and "(( … ))" too */
	SHELL_GROUP,     /* { … } or ( … ) */
	SHELL_IF,
	SHELL_LOOP, /* while, until */
	SHELL_FOR,
	SHELL_CASE,
	SHELL_FUNCTION,
};

/**
 * struct shell_node - A statement or a command of the script
 * @span:      all of it, a statement's separator and here-documents excepted
 * @parent:    index of the node it stands in, SHELL_NONE for one that stands in none
 * @end:       index behind its last descendant: they all follow it directly
 * @previous:  of a statement: the one before it in the same list, or SHELL_NONE
 * @list_end:  of a statement: the offset behind its ';' or '&', or its own end
 * @condition: of a statement: it decides whether an `if` or a loop goes on
 * @here:      it has a here-document
 */
struct shell_node {
	enum shell_kind kind;
	struct span span;
	size_t parent;
	size_t end;
	size_t previous;
	size_t list_end;
	bool condition;
	bool here;
};

enum shell_role {
	SHELL_ARGUMENT,   /* of a simple command, its name too */
	SHELL_ASSIGNMENT, /* "NAME=…" in front of a command, or alone */
	SHELL_ARRAY,      /* "NAME=(…)", all of it */
	SHELL_TARGET,     /* of a redirection */
	SHELL_HERE,       /* a here-document: its lines without the delimiter */
	SHELL_FOR_NAME,
	SHELL_FOR_WORD,
	SHELL_CASE_WORD,
	SHELL_CASE_PATTERN,
	SHELL_NAME, /* of a function */
};

/**
 * struct shell_word - A word as it is written, quotes and all
 * @node:        index of the command it belongs to
 * @name_length: of an assignment: how long the variable's name is
 * @substitutes: a command substitution stands in it
 */
struct shell_word {
	enum shell_role role;
	struct span span;
	size_t node;
	size_t name_length;
	bool substitutes;
};

/**
 * struct shell_script - A script that was read
 * @nodes:    in the order in which they start, parents before their children
 * @words:    sorted by offset, disjoint
 * @comments: sorted by offset, from '#' to before the newline
 * @cause:    why it cannot be read, in words; what was found up to there is in the others, but must
 *            not be relied upon. NULL when all of it was read
 * @cause_at: offset where that showed
 */
struct shell_script {
	struct shell_node *nodes;
	size_t n_nodes;
	size_t nodes_allocated;
	struct shell_word *words;
	size_t n_words;
	size_t words_allocated;
	struct span *comments;
	size_t n_comments;
	size_t comments_allocated;
	const char *cause;
	size_t cause_at;
};

void shell_script_done(struct shell_script *script);

/**
 * shell_read() - Read a script
 *
 * Takes time by its length.
 *
 * Return: 0, also for one that cannot be read (see @cause), or -ENOMEM.
 */
_must_check_ int shell_read(struct bytes text, struct shell_script *ret_script);
