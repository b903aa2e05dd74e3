// SPDX-License-Identifier: GPL-2.0-or-later
// What args.cc only knows by its name.
struct opaque {
	long one;
	const char *two;
};

opaque args_opaque;
