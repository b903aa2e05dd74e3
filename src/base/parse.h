/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_BASE_PARSE_H
#define PH_BASE_PARSE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/vec.h"

/* Whole-string parsers: 0, or -EINVAL/-ERANGE with a sentence that quotes the input. */
int ph_parse_u64(const char *s, uint64_t *ret, struct ph_err *err);		/* 10, 0x1f */
int ph_parse_s64(const char *s, int64_t *ret, struct ph_err *err);
int ph_parse_size(const char *s, uint64_t *ret_bytes, struct ph_err *err);	/* 64M, 1GiB, 512 */
int ph_parse_duration(const char *s, uint64_t *ret_ns, struct ph_err *err);	/* 5s, 1.5ms, 2m; bare: s */

/* Split at commas into @out (owned); empty parts are an error. */
int ph_parse_list(const char *s, ph_strv *out, struct ph_err *err);

/* Shell-style pattern (fnmatch without special slashes); a pattern without *?[ is compared whole. */
bool ph_glob(const char *pattern, const char *s);

/* What stands behind the last slash. */
const char *ph_basename(const char *path);
/* Is @word in the list @list, with commas? */
bool ph_list_has(const char *list, const char *word);
/* In place: blanks, backslashes and the like as the kernel writes them into mountinfo, \040. */
void ph_unescape_octal(char *s);

/*
 * Read a whole small file (proc, sysfs, state files) of at most @max bytes into @b.
 * 0 or -errno; -EFBIG where it is longer. @dirfd may be AT_FDCWD.
 */
int ph_read_file_at(int dirfd, const char *path, size_t max, struct ph_buf *b);

/*
 * The nearest of @names to @word by edit distance, for "did you mean"; NULL where none is near.
 */
const char *ph_nearest(const char *word, const char *const *names, size_t n);

/* Human forms, into a caller's buffer which they return: "1.5 MiB", "2.5 ms", "3d 4h". */
#define PH_HUMAN_MAX 32
const char *ph_human_bytes(uint64_t bytes, char buf[PH_HUMAN_MAX]);
const char *ph_human_ns(uint64_t ns, char buf[PH_HUMAN_MAX]);

#endif
