/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_TESTS_TEST_H
#define PH_TESTS_TEST_H

/* cmocka wants these first, in this order. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#endif
