/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_BASE_BUF_H
#define PH_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * A growing byte buffer, always NUL-terminated behind its length once it was written to.
 * Zero-initialise it; ph_buf_done() frees it. When memory runs out the process ends with a
 * message: a tracer that silently misses part of a line would be worse.
 */
struct ph_buf {
	char *p;
	size_t len, cap;
};

void ph_buf_done(struct ph_buf *b);
void ph_buf_grow(struct ph_buf *b, size_t more);

static inline void ph_buf_reserve(struct ph_buf *b, size_t more)
{
	if (b->cap - b->len <= more)
		ph_buf_grow(b, more);
}

static inline void ph_buf_clear(struct ph_buf *b)
{
	b->len = 0;
	if (b->p)
		b->p[0] = 0;
}

static inline void ph_buf_add(struct ph_buf *b, const void *data, size_t n)
{
	ph_buf_reserve(b, n + 1);
	memcpy(b->p + b->len, data, n);
	b->len += n;
	b->p[b->len] = 0;
}

static inline void ph_buf_adds(struct ph_buf *b, const char *s)
{
	ph_buf_add(b, s, strlen(s));
}

static inline void ph_buf_addc(struct ph_buf *b, char c)
{
	ph_buf_reserve(b, 2);
	b->p[b->len++] = c;
	b->p[b->len] = 0;
}

void ph_buf_addf(struct ph_buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* @n decimal digits with leading zeros (time stamps); numbers without printf's cost. */
void ph_buf_add_u64(struct ph_buf *b, uint64_t v);
void ph_buf_add_s64(struct ph_buf *b, int64_t v);
void ph_buf_add_hex(struct ph_buf *b, uint64_t v);		/* "0x1F", as babeltrace2 prints */
void ph_buf_add_zeros(struct ph_buf *b, uint64_t v, unsigned int n);
/* Append @n bytes as a JSON string, quotes included; bytes that are not UTF-8 become U+FFFD, what a terminal would act upon \uNNNN. */
void ph_buf_add_json(struct ph_buf *b, const char *s, size_t n);
/* Append for a terminal: each byte of control characters, of what nobody sees or turns the direction, and of broken UTF-8 becomes \xNN. */
void ph_buf_add_term(struct ph_buf *b, const char *s, size_t n);
/* Append as text of XML, escaped as for a terminal, too: also within quotes. */
void ph_buf_add_xml(struct ph_buf *b, const char *s);
/* Append one CSV field (RFC 4180, which has no control characters), escaped as for a terminal: quoted only where it must be. */
void ph_buf_add_csv(struct ph_buf *b, const char *s, size_t n);
/* @s as one word of a shell, which nothing in it makes another one or a command; as it is where that is plain. Whoever prints it escapes it besides. */
char *ph_shell_word(const char *s);
/* The string, which the caller frees; the buffer is empty afterwards. Never NULL. */
char *ph_buf_steal(struct ph_buf *b);

static inline void ph_buf_done_ptr(struct ph_buf *b)
{
	ph_buf_done(b);
}
#define ph_autobuf __attribute__((cleanup(ph_buf_done_ptr))) struct ph_buf

/* Allocation that cannot fail (see above). */
void *ph_alloc(size_t n);			/* zeroed */
void *ph_realloc(void *p, size_t n);
char *ph_strdup(const char *s);			/* NULL gives NULL */
char *ph_strndup(const char *s, size_t n);
char *ph_asprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
