/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_BASE_VEC_H
#define PH_BASE_VEC_H

#include "base/buf.h"

/*
 * A growing array of any type: `PH_VEC(struct thing) v = {0}; *ph_vec_push(&v) = x;`
 * Elements move when it grows: keep indices, not pointers.
 */
#define PH_VEC(type) struct { type *v; size_t n, cap; }

#define ph_vec_push(vec) ({						\
	__typeof__(vec) v_ = (vec);					\
	if (v_->n == v_->cap) {						\
		v_->cap = v_->cap ? v_->cap * 2 : 8;			\
		v_->v = ph_realloc(v_->v, v_->cap * sizeof(*v_->v));	\
	}								\
	memset(&v_->v[v_->n], 0, sizeof(*v_->v));			\
	&v_->v[v_->n++];						\
})

/* It takes no more memory than it needs: it will not grow any more. */
#define ph_vec_trim(vec) do {						\
	__typeof__(vec) t_ = (vec);					\
	if (t_->n && t_->n < t_->cap) {					\
		t_->cap = t_->n;					\
		t_->v = ph_realloc(t_->v, t_->n * sizeof(*t_->v));	\
	}								\
} while (0)

#define ph_vec_done(vec) do {						\
	free((vec)->v);							\
	(vec)->v = NULL;						\
	(vec)->n = (vec)->cap = 0;					\
} while (0)

#define ph_vec_each(it, vec)						\
	for (__typeof__((vec)->v[0]) *it = (vec)->v; it && it < (vec)->v + (vec)->n; it++)

/*
 * In an order: how many of the @n elements at @v stand before a place, those for which @cond is true; in it, @it points to one.
 * `ph_before(p, v, n, p->begin <= at)` is 1 + the last that begins at or below, or 0.
 */
#define ph_before(it, v, n, cond) ({					\
	size_t lo_ = 0, hi_ = (n);					\
	while (lo_ < hi_) {						\
		size_t mid_ = lo_ + (hi_ - lo_) / 2;			\
		const __typeof__((v)[0]) *it = &(v)[mid_];		\
		if (cond)						\
			lo_ = mid_ + 1;					\
		else							\
			hi_ = mid_;					\
	}								\
	lo_;								\
})

/* A vector of owned strings. */
typedef PH_VEC(char *) ph_strv;

static inline void ph_strv_add(ph_strv *v, const char *s)
{
	*ph_vec_push(v) = ph_strdup(s);
}

void ph_strv_done(ph_strv *v);

#endif
