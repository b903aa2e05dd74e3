/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Forgets the meaning that a pass over syscalls.def gave to its macros. */
#undef PH_SYSCALL
#undef A
#undef STR
#undef ASTR
#undef BUF
#undef RBUF
#undef RSTR
#undef PBUF
#undef FIX
#undef INTS
#undef ARGV
#undef IOV
#undef MSG
#undef MSGNAME
#undef RET
#undef RET_ADDR
#undef PH_LONG
#undef PH_EPOLL_EVENT
