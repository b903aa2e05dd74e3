/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_TESTS_FILTER_FIXTURE_H
#define PH_TESTS_FILTER_FIXTURE_H

#include "base/cleanup.h"
#include "filter/filter.h"

/*
 * An identity model of the tests' own: tasks 100 "nginx" (parent 1) and 101 "sh", containers 1
 * "web" and 2 without a name. Filters ask the model only these two questions.
 */
const struct ph_task *ph_identity_task(const struct ph_identity *id, int32_t tid)
{
	static const struct ph_task tasks[] = {
		{ .tid = 100, .pid = 100, .ppid = 1, .comm = "nginx" },
		{ .tid = 101, .pid = 100, .ppid = -1, .comm = "sh" },
	};

	return tid >= 100 && tid <= 101 ? &tasks[tid - 100] : NULL;
}

const struct ph_container *ph_identity_container(const struct ph_identity *id, uint32_t index)
{
	static const struct ph_container containers[] = {
		{ .index = 0 },
		{ .index = 1, .name = (char *)"web", .id = (char *)"3f2a9c01deadbeef",
		  .image = (char *)"nginx:1.25", .pod = (char *)"shop-1", .pod_namespace = (char *)"prod" },
		{ .index = 2, .id = (char *)"77770000aaaa" },
	};

	return index < PH_ARRAY_SIZE(containers) ? &containers[index] : NULL;
}

#define IDENTITY ((const struct ph_identity *)1)

#endif
