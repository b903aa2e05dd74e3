/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_SYMBOL_PACKAGE_H
#define PH_SYMBOL_PACKAGE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Which debug symbols a file lacks, as its container's own distribution calls them: os-release and the package manager's lists
 * are looked at in the container's root. These are the container's to write, so they are compared, never believed: what comes of
 * them is made of letters that mean nothing to a shell.
 */
struct ph_symbol_package {
	char *distribution;	/* "debian 12"; "": not known */
	char *install;		/* the command that installs them: "apt install nginx-dbgsym"; "": not known */
};

/* Is @s a command as one of them is, with nothing else for a shell? A trace may be anybody's. */
bool ph_symbol_installs(const char *s);

/* A file of that root; what is found are the caller's strings. */
struct ph_symbol_wanted {
	const char *path, *build_id;	/* build id in hex, "": it has none */
	struct ph_symbol_package found;
};

/*
 * @root is O_PATH of the root, -1 the host's. It reads as much as a large system has and no more, once for all that are wanted, which takes
 * some 10 ms, and longer where a disk is slow.
 */
void ph_symbol_packages(int root, struct ph_symbol_wanted *v, size_t n);
void ph_symbol_package_done(struct ph_symbol_package *p);

#endif
