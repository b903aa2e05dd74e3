/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "symbol/priv.h"

static bool is_runnable(pid_t pid)
{
	ph_autofree char *path = ph_asprintf("/proc/%d/stat", (int)pid);
	ph_autofclose FILE *f = fopen(path, "re");
	char line[128] = "";
	const char *name_end;

	if (!f || !fgets(line, sizeof(line), f))
		return false;
	name_end = strrchr(line, ')');
	return name_end && !strncmp(name_end, ") R", 3);
}

uint64_t ph_starved_more(struct ph_starved *s, pid_t pid)
{
	ph_autofree char *path = ph_asprintf("/proc/%d/schedstat", (int)pid);
	ph_autofclose FILE *f = pid ? fopen(path, "re") : NULL;
	const struct ph_starved last = s->pid == pid ? *s : (struct ph_starved){ 0 };
	unsigned long long ran, waited, times;
	uint64_t before = last.waited + last.going_on, sum;

	if (!f || fscanf(f, "%llu %llu %llu", &ran, &waited, &times) != 3)
		return 0;
	*s = (struct ph_starved){
		.pid = pid, .runnable = is_runnable(pid), .ran = ran, .waited = waited, .times = times, .at_ns = ph_now_ns(),
	};
	if (last.runnable && s->runnable && last.times == times && last.ran == ran)
		s->going_on = last.going_on + (s->at_ns - last.at_ns);
	sum = s->waited + s->going_on;
	return sum > before ? sum - before : 0;
}
