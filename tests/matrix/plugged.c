/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A library that is loaded while it is recorded.
 *
 * stack: (leaf;)?(plugin;)?plugged;main;
 * stack: main;
 */
#include <dlfcn.h>
#include <stdio.h>

#include "matrix.h"

static OWN int plugged(int (*plugin)(int (*)(int), int))
{
	int n = plugin(leaf, over);

	return sink = n;
}

int main(int argc, char **argv)
{
	void *lib;
	int (*plugin)(int (*)(int), int);

	(void)argc;
	begin();
	for (int i = 0; i < 1000; i++)
		sink += leaf(i);
	lib = dlopen(argv[1], RTLD_NOW);
	if (!lib)
		return fprintf(stderr, "%s\n", dlerror()), 1;
	*(void **)&plugin = dlsym(lib, "plugin");
	usleep(100000);
	while (!over)
		sink += plugged(plugin);
	return 0;
}
