/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_SYMBOL_UNPACK_H
#define PH_SYMBOL_UNPACK_H

#include <libelf.h>

/*
 * A file of the DWARF sections of @elf alone, unpacked; *@ret_image is its memory, to be freed after it. NULL: nothing of them is compressed,
 * or not so that it can be unpacked here. @elf must stay.
 */
Elf *ph_unpack_debug(Elf *elf, void **ret_image);

#endif
