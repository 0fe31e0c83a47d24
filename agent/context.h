/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What every command works with: the tree, its configuration, its state, the lock. */
#pragma once

#include "agent/commands.h"
#include "agent/config.h"
#include "agent/lock.h"
#include "snapshot/store.h"

/**
 * struct context - Opened for one command
 * @invocation: the call
 * @root:       the tree
 * @config:     in force
 * @store:      the state; read-only unless opened for writing
 * @lock:       held while writing
 */
struct context {
	const struct invocation *invocation;
	struct root root;
	struct config config;
	struct store store;
	struct lock lock;
};

void context_done(struct context *context);

/**
 * context_open() - Open what a command that only looks needs
 *
 * Return: 0, or a negative errno with @problem set.
 */
_must_check_ int context_open(const struct invocation *invocation, struct context *ret_context,
			      struct problem *problem);

/* Read only the configuration: for whoever may find there is nothing to do at all (Mode=off). */
_must_check_ int context_open_config(const struct invocation *invocation,
				     struct context *ret_context, struct problem *problem);

/**
 * context_open_for_writing() - Same, with the lock taken and what a crash cut short completed
 * @holder:  what we are, for others who wait for the lock: "apply"
 * @wait_ms: how long to wait for it
 *
 * Return: 0, or a negative errno with @problem set and nothing to release: -EBUSY somebody else
 * holds the lock.
 */
_must_check_ int context_open_for_writing(const struct invocation *invocation, const char *holder,
					  unsigned int wait_ms, struct context *ret_context,
					  struct problem *problem);

/*
 * Whether edits below /etc/pve were cut short and wait until that can be written: files there are
 * older than the newest snapshot says.
 */
bool context_has_deferred(const struct context *context);

/* Log a problem as the one line of an error, and give the exit status for it. */
int context_fail(int error, struct problem *problem);
