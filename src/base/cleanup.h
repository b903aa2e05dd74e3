/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_BASE_CLEANUP_H
#define PH_BASE_CLEANUP_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ph_unused __attribute__((unused))
#define PH_ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define ph_likely(x) __builtin_expect(!!(x), 1)
#define ph_unlikely(x) __builtin_expect(!!(x), 0)

/* `ph_autofree char *s`, `ph_autoclose int fd = -1`: released when the scope ends. */
static inline void ph_free_ptr(void *p)
{
	free(*(void **)p);
}

static inline void ph_close_ptr(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void ph_fclose_ptr(FILE **f)
{
	if (*f)
		fclose(*f);
}

static inline void ph_closedir_ptr(DIR **d)
{
	if (*d)
		closedir(*d);
}

#define ph_auto(fn) __attribute__((cleanup(fn)))
#define ph_autofree ph_auto(ph_free_ptr)
#define ph_autoclose ph_auto(ph_close_ptr)
#define ph_autofclose ph_auto(ph_fclose_ptr)
#define ph_autoclosedir ph_auto(ph_closedir_ptr)

/* Give up ownership of an automatic pointer: `return ph_take(p);` */
#define ph_take(p) ({ __typeof__(p) taken_ = (p); (p) = NULL; taken_; })

#endif
