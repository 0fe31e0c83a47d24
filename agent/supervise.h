/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A command that must end in time, although what it reads may hang in the kernel. */
#pragma once

#include "agent/commands.h"
#include "snapshot/basic/macro.h"

/**
 * supervise() - Run a part of a command in a child, and wait for it so long and no longer
 * @run:        what is run, with @invocation; its result is the exit status
 * @timeout_ms: how long it may take
 * @ret_status: that result
 *
 * The child has everything that we have, our lock too: one that hangs keeps others from writing
 * until it is through. It is killed when the time is up; one that nothing can kill is left behind.
 *
 * Return: 0, -ETIMEDOUT, or another negative errno when no child could be started.
 */
_must_check_ int supervise(int (*run)(struct invocation *invocation), struct invocation *invocation,
			   unsigned int timeout_ms, int *ret_status);
