/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "event/syscalls.h"

#include <assert.h>
#include <pthread.h>
#include <string.h>

#include "base/cleanup.h"

enum { NO = -1 };	/* a number that an architecture lacks */

#define NARGS(mask) ((mask) ? 32 - __builtin_clz(mask) : 0)

static const struct ph_type type_o16 = { .kind = PH_KIND_UINT, .bits = 16, .base = 8 };

#define PH_T_u16 ph_type_u16
#define PH_T_o16 type_o16
#define PH_T_s32 ph_type_s32
#define PH_T_u32 ph_type_u32
#define PH_T_x32 ph_type_x32
#define PH_T_s64 ph_type_s64
#define PH_T_u64 ph_type_u64
#define PH_T_x64 ph_type_x64
#define PH_T_str ph_type_str
#define PH_T_bytes ph_type_bytes
#define PH_T_s32v ph_type_s32v

/* The number of a call that this machine has; else, of one that another one has, that one's, further up. */
#define ELSE(here, there) ((here) >= 0 ? (here) : (there) >= 0 ? PH_SYSCALL_ELSEWHERE + (there) : NO)

/* ---- native ---- */
#define ABI(name) native_##name
#ifdef __x86_64__
#define ABI_NR(x, a, i) ELSE(x, a)
#define ABI_OTHER(x, a, i) (a)
#define ABI_EPOLL_EVENT 12	/* packed there and nowhere else */
#else
#define ABI_OTHER(x, a, i) (x)
#define ABI_NR(x, a, i) ELSE(a, x)	/* asm-generic/unistd.h, which arm64 and all later ones use */
#define ABI_EPOLL_EVENT 16
#endif
#define ABI_PREFIX ""
#define ABI_ENTRY PH_EV_SYSCALL_ENTRY
#define ABI_EXIT PH_EV_SYSCALL_EXIT
#define ABI_LONG 8
#define PH_T_slong ph_type_s64
#define PH_T_ulong ph_type_u64
#define PH_T_xlong ph_type_x64
#define PH_T_ptr ph_type_x64
#include "event/syscalls_rows.h"
#undef ABI
#undef ABI_NR
#undef ABI_OTHER
#undef ABI_PREFIX
#undef ABI_ENTRY
#undef ABI_EXIT
#undef ABI_LONG
#undef ABI_EPOLL_EVENT
#undef PH_T_slong
#undef PH_T_ulong
#undef PH_T_xlong
#undef PH_T_ptr

/* ---- 32-bit programs ---- */
#define ABI(name) compat_##name
#ifdef __x86_64__
#define ABI_NR(x, a, i) (i)
#define ABI_OTHER(x, a, i) NO	/* arm64's 32-bit programs have numbers that are in no column */
#else
#define ABI_NR(x, a, i) ELSE(NO, i)
#define ABI_OTHER(x, a, i) (i)
#endif
#define ABI_PREFIX "compat_"
#define ABI_ENTRY PH_EV_COMPAT_ENTRY
#define ABI_EXIT PH_EV_COMPAT_EXIT
#define ABI_LONG 4
#define ABI_EPOLL_EVENT 12
#define PH_T_slong ph_type_s32
#define PH_T_ulong ph_type_u32
#define PH_T_xlong ph_type_x32
#define PH_T_ptr ph_type_x32
#include "event/syscalls_rows.h"

/* Rows stand in the order of x86_64; this finds them by number. */
#define NR_MAX (2 * PH_SYSCALL_ELSEWHERE)

static struct table {
	const struct ph_syscall *by_nr[NR_MAX];
	const struct ph_syscall *sorted[NR_MAX];	/* this machine's, then those of others */
	int32_t from_other[PH_SYSCALL_ELSEWHERE];	/* the number here, plus 1 */
	bool has_other[NR_MAX];
	size_t n, nall;
	int end;
} native, compat;

static pthread_once_t tables_once = PTHREAD_ONCE_INIT;

/* A call whose arguments are others on another machine has a row for each: this machine's is the one. */
static bool has_row_here(const struct ph_syscall *rows, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (rows[i].nr >= 0 && rows[i].nr < PH_SYSCALL_ELSEWHERE && !strcmp(rows[i].name, name))
			return true;
	return false;
}

static void fill(struct table *t, const struct ph_syscall *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (rows[i].nr < 0 || (rows[i].nr >= PH_SYSCALL_ELSEWHERE && has_row_here(rows, n, rows[i].name)))
			continue;
		assert(rows[i].nr < NR_MAX && !t->by_nr[rows[i].nr]);
		t->by_nr[rows[i].nr] = &rows[i];
		if (rows[i].nr >= t->end)
			t->end = rows[i].nr + 1;
	}
	for (int nr = 0; nr < t->end; nr++) {
		if (!t->by_nr[nr])
			continue;
		t->sorted[t->nall++] = t->by_nr[nr];
		t->n += nr < PH_SYSCALL_ELSEWHERE;
	}
	/* Rows of a call that has several are one call here. */
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; rows[i].nr_other >= 0 && k < t->nall; k++)
			if (!strcmp(t->sorted[k]->name, rows[i].name)) {
				t->from_other[rows[i].nr_other] = t->sorted[k]->nr + 1;
				t->has_other[t->sorted[k]->nr] = true;
			}
}

static void fill_tables(void)
{
	fill(&native, native_rows, PH_ARRAY_SIZE(native_rows));
	fill(&compat, compat_rows, PH_ARRAY_SIZE(compat_rows));
}

static const struct table *table_of(bool is_compat)
{
	pthread_once(&tables_once, fill_tables);
	return is_compat ? &compat : &native;
}

const struct ph_syscall *ph_syscall_by_nr(int nr, bool is_compat)
{
	const struct table *t = table_of(is_compat);

	return nr >= 0 && nr < t->end ? t->by_nr[nr] : NULL;
}

const struct ph_syscall *ph_syscall_by_name(const char *name)
{
	const struct table *t = table_of(false);

	for (size_t i = 0; i < t->nall; i++)
		if (strcmp(t->sorted[i]->name, name) == 0)
			return t->sorted[i];
	return NULL;
}

int32_t ph_syscall_from_other(int32_t nr, bool is_compat)
{
	const struct table *t = table_of(is_compat);

	if (nr < 0)
		return nr;
	if (nr < PH_SYSCALL_ELSEWHERE && t->from_other[nr])
		return t->from_other[nr] - 1;
	/* New calls have one number everywhere. */
	return nr < t->end && t->by_nr[nr] ? 2 * PH_SYSCALL_ELSEWHERE + nr : nr;
}

bool ph_syscall_has_other(int nr, bool is_compat)
{
	return ph_syscall_by_nr(nr, is_compat) && table_of(is_compat)->has_other[nr];
}

const struct ph_syscall *ph_syscall_unknown(bool is_compat)
{
	return is_compat ? &compat_unknown : &native_unknown;
}

int ph_syscall_end(bool is_compat)
{
	return table_of(is_compat)->end;
}

/* Entries, exits, and so for 32-bit programs; each time the unknown call's at the end. */
const struct ph_class *ph_syscall_class_nth(size_t i)
{
	for (int c = 0; c < 2; c++) {
		const struct table *t = table_of(c);

		for (int at_exit = 0; at_exit < 2; at_exit++) {
			const struct ph_syscall *s;

			if (i > t->n) {
				i -= t->n + 1;
				continue;
			}
			s = i < t->n ? t->sorted[i] : ph_syscall_unknown(c);
			return at_exit ? s->exit : s->entry;
		}
	}
	return NULL;
}

const struct ph_class *ph_syscall_class_elsewhere_nth(size_t i)
{
	for (int c = 0; c < 2; c++) {
		const struct table *t = table_of(c);
		size_t n = t->nall - t->n;

		if (i < 2 * n)
			return i < n ? t->sorted[t->n + i]->entry : t->sorted[t->n + i - n]->exit;
		i -= 2 * n;
	}
	return NULL;
}
