/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Calling a function that may hang in the kernel: in a process of its own, with a time limit. */
#pragma once

#include <sys/types.h>

#include "snapshot/basic/bytes.h"

/**
 * struct child_call - What to call
 * @function:   runs in the child; gets the two that follow
 * @argument:   what it reads
 * @shared:     @shared_size bytes that it may change; whatever happens to the child, they are
 *              afterwards as it left them. How far it got stands here
 * @keep_fd:    the one descriptor of ours that it needs, or -1
 * @timeout_ms: how long it may take
 *
 * The child has no other descriptor of ours, so that one which is left behind holds no lock and
 * no pipe that somebody reads to its end; its standard ones are /dev/null. Signals do not reach it:
 * what it began is brought to an end, also when somebody stops us.
 */
struct child_call {
	void (*function)(const void *argument, void *shared);
	const void *argument;
	void *shared;
	size_t shared_size;
	int keep_fd;
	unsigned int timeout_ms;
};

/**
 * child_run() - Call it
 * @ret_left_behind: number of the child that did not even end when it was killed, as it hangs in
 *                   the kernel, else 0; set unless no child could be started
 *
 * Return: 0 when the function returned, -ETIMEDOUT when the time was up, -EIO when the child ended
 * in another way, or another negative errno when there was none.
 */
_must_check_ int child_run(const struct child_call *call, pid_t *ret_left_behind);
