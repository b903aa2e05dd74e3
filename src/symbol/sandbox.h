/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_SYMBOL_SANDBOX_H
#define PH_SYMBOL_SANDBOX_H

#include <stdint.h>

/* Sanitizers reserve terabytes of addresses, and want to tell what they found. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define PH_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer) || __has_feature(thread_sanitizer)
#define PH_SANITIZED 1
#endif
#endif
#ifndef PH_SANITIZED
#define PH_SANITIZED 0
#endif

/*
 * Give up everything for good: descriptors other than @keep, user, capabilities, file system, network, system calls but those
 * that reading, computing and answering takes. 0, or -errno: then nothing may be parsed.
 */
int ph_sandbox(int keep, uint64_t memory_bytes);

#endif
