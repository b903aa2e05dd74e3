/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host is container 0 of every scan. */
#include <stdlib.h>

#include "identity/scan.h"

int ph_scan_run(struct ph_scan *scan, const struct ph_scan_opts *opts, struct ph_err *err)
{
	*ph_vec_push(&scan->containers) = ph_alloc(sizeof(struct ph_host_container));
	return 0;
}

void ph_scan_done(struct ph_scan *scan)
{
	for (size_t i = 0; i < scan->containers.n; i++)
		free(scan->containers.v[i]);
	ph_vec_done(&scan->containers);
}

void ph_runtime_describe(struct ph_container *c, const struct ph_scan_opts *opts, char **ret_bundle)
{
	*ret_bundle = NULL;
}
