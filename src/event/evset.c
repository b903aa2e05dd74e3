/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "event/evset.h"

#include <errno.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "event/syscalls.h"

/* Before a word: not this; or, in front of the first, this besides what is chosen without a list. */
static bool signed_word(const char *word)
{
	return word[0] == '!' || word[0] == '+';
}

/* "openat" for syscall_entry_openat and syscall_exit_openat, of 32-bit programs too. */
static bool is_call(const char *word, const char *event)
{
	static const char *const prefixes[] = {
		"syscall_entry_", "syscall_exit_", "compat_syscall_entry_", "compat_syscall_exit_",
	};

	for (size_t i = 0; i < PH_ARRAY_SIZE(prefixes); i++) {
		size_t n = strlen(prefixes[i]);

		if (!strncmp(event, prefixes[i], n) && !strcmp(event + n, word))
			return true;
	}
	return false;
}

static bool word_matches(const char *word, const struct ph_class *cls)
{
	/* Foreign events are in no group; events of LTTng's that porthole knows are. */
	if (cls->id != PH_EV_UNKNOWN && !strcmp(word, ph_group_name(cls->group)))
		return true;
	return ph_glob(word, cls->name) || is_call(word, cls->name) || !strcmp(word, "all");
}

static const struct ph_class *class_nth(const struct ph_evset *set, size_t i, size_t *nstatic)
{
	const struct ph_class *c = *nstatic == SIZE_MAX ? ph_class_nth(i) : NULL;

	if (c)
		return c;
	if (*nstatic == SIZE_MAX)
		*nstatic = i;
	return set->nth ? set->nth(set->arg, i - *nstatic) : NULL;
}

int ph_evset_check(struct ph_evset *set, struct ph_err *err)
{
	ph_vec_each(w, &set->words) {
		const char *word = *w + signed_word(*w), *near;
		PH_VEC(const char *) names = { 0 };
		const struct ph_class *c;
		size_t nstatic = SIZE_MAX;
		/* A call that this machine does not have does not come, but its name is no mistake. */
		bool found = set->lenient || ph_syscall_by_name(word);
		int r = 0;

		for (size_t i = 0; !found && (c = class_nth(set, i, &nstatic)); i++) {
			found = word_matches(word, c);
			*ph_vec_push(&names) = c->name;
		}
		if (!found) {
			for (unsigned int g = 0; g < PH_GROUP_MAX; g++)
				*ph_vec_push(&names) = ph_group_name(g);
			near = ph_nearest(word, names.v, names.n);
			r = ph_err_set(err, -EINVAL, "there is no event and no group '%s'%s%s%s", word,
				       near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
		}
		ph_vec_done(&names);
		if (r < 0)
			return r;
	}
	return 0;
}

bool ph_evset_has(struct ph_evset *set, const struct ph_class *cls)
{
	uint64_t key = (uint64_t)(uintptr_t)cls;
	void *known;
	bool in;

	in = !set->start || set->start(cls);
	if (!set->words.n)
		return in;
	known = ph_u64map_get(&set->known, key);
	if (known)
		return known == set;
	in = in && signed_word(set->words.v[0]);
	ph_vec_each(w, &set->words)
		if (word_matches(*w + signed_word(*w), cls))
			in = **w != '!';
	/* Two addresses that are not NULL: yes and no. */
	ph_u64map_put(&set->known, key, in ? (void *)set : (void *)&set->known);
	return in;
}

void ph_evset_done(struct ph_evset *set)
{
	ph_strv_done(&set->words);
	ph_u64map_done(&set->known);
}
