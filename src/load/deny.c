/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls that fail for a known cause: steps that arrange it, then the call. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "load/deny.h"
#include "load/load.h"

static const struct deny_word *const words[] = { deny_steps, deny_sockets, deny_calls };

static const struct deny_word *find(const char *name)
{
	for (size_t k = 0; k < sizeof(words) / sizeof(*words); k++)
		for (const struct deny_word *w = words[k]; w->name; w++)
			if (!strcmp(w->name, name))
				return w;
	return NULL;
}

/* The words of @argv as steps, up to the first call. "self PATH": go on as that program. */
int load_deny(int argc, char **argv)
{
	for (int i = 1; i < argc;) {
		const struct deny_word *v = find(argv[i]);

		if (!strcmp(argv[i], "self") && i + 1 < argc) {
			char **rest = argv + i + 1;
			char *path = rest[0], *args[64] = { path, (char *)"deny" };
			int n = 2;

			for (rest++; *rest && n < 63; rest++)
				args[n++] = *rest;
			execv(path, args);
			die("self");
		}
		if (!v || i + v->nargs >= argc) {
			fprintf(stderr, "ph-load deny: there is no '%s', or too few words follow\n", argv[i]);
			return 2;
		}
		if (v->step) {
			v->step(argv + i + 1);
			i += v->nargs + 1;
			continue;
		}
		i = v->call(argv + i + 1);
		usleep(deny_hold_ms * 1000);
		printf("deny=%s errno=%s\n", v->name, i ? strerrorname_np(i) : "0");
		return i ? 1 : 0;
	}
	printf("words:");
	for (size_t k = 0; k < sizeof(words) / sizeof(*words); k++)
		for (const struct deny_word *w = words[k]; w->name; w++)
			printf(" %s", w->name);
	printf(" self\n");
	return argc > 1 ? 2 : 0;
}
