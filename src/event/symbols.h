/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_EVENT_SYMBOLS_H
#define PH_EVENT_SYMBOLS_H

#include "base/buf.h"
#include "event/schema.h"

/*
 * Names of numbers, by the field's unit: errno, signals, capabilities, flags … The printers turn
 * numbers into names with them, the filter language names into numbers.
 */

/* Does this unit have names at all? */
bool ph_symbol_unit(enum ph_unit unit);

/* The number that @name (n bytes) stands for; errno names are positive. False: no such name. */
bool ph_symbol_value(enum ph_unit unit, const char *name, size_t n, int64_t *ret);
/* The same where the unit is not known: all units in turn. */
bool ph_symbol_any(const char *name, size_t n, int64_t *ret);
/* The @i-th name of the unit, NULL behind the last: for "did you mean". */
const char *ph_symbol_nth(enum ph_unit unit, size_t i);

/*
 * Append the name of @v: flags joined with |, what has no name in hex behind them. False, and
 * nothing appended, where there is none (a result that is no error, an unknown number, a unit
 * without names).
 */
bool ph_symbol_add(struct ph_buf *b, enum ph_unit unit, int64_t v);

/* An IP address of 4 or 16 bytes as text; false, and nothing appended, for another length. */
bool ph_symbol_add_addr(struct ph_buf *b, const char *bytes, size_t n);
/*
 * A struct sockaddr as the kernel got it: 10.0.0.1:80, [::1]:80, a path (escaped for a terminal,
 * abstract names with @), netlink:PID. False, and nothing appended, where it is too short.
 */
bool ph_symbol_add_sockaddr(struct ph_buf *b, const char *bytes, size_t n);

#endif
