/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_TESTS_FUZZ_H
#define PH_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/*
 * A target takes any bytes; it must neither crash, hang nor leak. libFuzzer calls it in a build
 * with -Dfuzz=true, replay.c with the files of corpus/NAME in every other.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
