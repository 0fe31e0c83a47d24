/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Attributes and small macros that every file uses. */
#pragma once

#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define MAX_OF(a, b)      ((a) > (b) ? (a) : (b))
#define MIN_OF(a, b)      ((a) < (b) ? (a) : (b))

#define _must_check_        __attribute__((warn_unused_result))
#define _printf_(fmt, args) __attribute__((format(printf, fmt, args)))
#define _pure_              __attribute__((pure))

/* Runs @free_function on the variable when it goes out of scope; see DEFINE_CLEANUP(). */
#define _cleanup_(free_function) __attribute__((cleanup(free_function)))

/* Makes `_cleanup_(NAMEp)` usable for a pointer that NAME() frees. */
#define DEFINE_CLEANUP(type, name)               \
	static inline void name##p(type *object) \
	{                                        \
		name(*object);                   \
	}                                        \
	struct __useless_struct_to_allow_a_semicolon__

/* For a pointer of any type: @memory is its address. */
static inline void free_anyp(void *memory)
{
	free(*(void **)memory);
}

static inline void close_fdp(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

#define _cleanup_free_  _cleanup_(free_anyp)
#define _cleanup_close_ _cleanup_(close_fdp)

#define TAKE_PTR(pointer)                               \
	({                                              \
		__typeof__(pointer) _taken = (pointer); \
		(pointer) = NULL;                       \
		_taken;                                 \
	})

#define TAKE_FD(fd)                \
	({                         \
		int _taken = (fd); \
		(fd) = -1;         \
		_taken;            \
	})
