/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A kind of configuration that names hardware. A source is described by data and a few functions;
 * all of them stand in one table, sources/table.c. A new kind is one new file and one line there.
 */
#pragma once

#include "recovery/document.h"
#include "snapshot/basic/root.h"

/* Largest managed file; a larger one is left and named. */
#define MANAGED_FILE_MAX (1024U * 1024)
/* Most files one source reads; what is beyond is named in one note. */
#define MANAGED_FILES_MAX 4096

/**
 * struct scan_context - What a source is told about the tree
 * @root:        the tree
 * @extra_globs: further interfaces files from the configuration ([Paths]), @n_extra_globs of them
 * @bind_globs:  further bind scripts, @n_bind_globs of them
 * @node:        this node's name in a Proxmox cluster: the host's up to the first dot; NULL if not
 *               known
 * @pve_folder:  this node's folder, "/etc/pve/nodes/NODE"; "/etc/pve" where the node is not known;
 *               NULL where /etc/pve cannot be looked at: not mounted, not answering. The sources
 *               below it collect nothing then
 */
struct scan_context {
	const struct root *root;
	const char *const *extra_globs;
	size_t n_extra_globs;
	const char *const *bind_globs;
	size_t n_bind_globs;
	const char *node;
	const char *pve_folder;
};

/**
 * struct source - One kind of configuration
 * @name:    for people and in the state: "interfaces"
 * @is_shell: its files are shell scripts: each is checked by itself, and `sh -n` has to accept what
 *           comes out of an edit
 * @is_guest: its files say something about guests (guest.h). What is turned off in them for a guest
 *           that must not start is not parked: it is worked out again from @switches and @devices
 * @owns:    for a source below /etc/pve: whether a path is of a file of this kind, to know the
 *           files of a snapshot again; else NULL
 * @collect: read the files of this kind, everything they include by the rules of the installed
 *           reader among them, each once; unfit ones are added too, with @unfit set. Returns 0, or
 *           a negative errno with @problem set only when not even the looking worked
 * @scan:    find the mentions of @names in all collected documents of this source; fills
 *           references, line digests, notes and @rejected. May be called again after
 *           document_clear_scan(). Returns 0 or -ENOMEM
 * @check:   whether the reader of this kind would accept the given contents (@texts parallel to
 *           @documents, all of one source); 0 yes, -EBADMSG no, with @problem naming file, line and
 *           cause. Never runs a program
 */
struct source {
	const char *name;
	bool is_shell;
	bool is_guest;
	bool (*owns)(const char *path);
	int (*collect)(const struct source *source, const struct scan_context *context,
		       struct documents *documents, struct problem *problem);
	int (*scan)(const struct source *source, const struct scan_context *context,
		    struct documents *documents, const struct name_set *names);
	int (*check)(const struct source *source, const struct scan_context *context,
		     const struct documents *documents, const struct bytes *texts,
		     struct problem *problem);
};

/* Whether a document is of a source that says something about guests. */
static inline bool document_is_of_guests(const struct document *document)
{
	return document->source && document->source->is_guest;
}

/* Whether it lives below /etc/pve, on Proxmox's cluster file system. */
static inline bool document_is_on_pmxcfs(const struct document *document)
{
	return document->source && document->source->owns;
}

/* The table, ended by NULL. */
extern const struct source *const sources[];

/* Forget what a scan found, keep the bytes. */
void document_clear_scan(struct document *document);
