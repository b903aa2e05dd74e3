/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_LIVE_TOP_FILES_H
#define PH_LIVE_TOP_FILES_H

#include "live/top_procs.h"

/* What processes have open, and their network sockets, while somebody looks at them. */
struct ph_top_socket {
	const char *proto;		/* "tcp" … */
	char local[64], remote[64];	/* "10.0.0.2:80", "[::1]:80" */
	const char *state;		/* NULL: it has none */
	uint64_t received, sent;	/* bytes that wait to be read, and to be sent or acknowledged */
	uint64_t inode;			/* 0: nobody's any more */
	int32_t pid;			/* of one of those who have it open, 0: not known */
	char comm[16];
	bool others;			/* in a network namespace that others use, too */
};

struct ph_top_file {
	int32_t pid;
	char comm[16];
	uint32_t fd;
	char mode[4];			/* "r", "w", "rw", "": not known */
	char *path;			/* or what it is in the place of a file */
};

struct ph_top_files {
	PH_VEC(struct ph_top_file) v;
	PH_VEC(struct ph_top_socket) sockets;
	uint32_t unreadable;		/* processes whose files may not be seen */
};

enum { PH_FILE_PID, PH_FILE_COMM, PH_FILE_FD, PH_FILE_MODE, PH_FILE_PATH, PH_FILE_NCOLS };
extern const struct ph_col ph_top_file_cols[PH_FILE_NCOLS];
enum { PH_SOCKET_PROTO, PH_SOCKET_LOCAL, PH_SOCKET_REMOTE, PH_SOCKET_STATE, PH_SOCKET_RECEIVED, PH_SOCKET_SENT,
       PH_SOCKET_PID, PH_SOCKET_COMM, PH_SOCKET_NCOLS };
extern const struct ph_col ph_top_socket_cols[PH_SOCKET_NCOLS];

/*
 * Look again. Sockets are those that the processes have open, and of a container with a network namespace of its
 * own, when all of it is looked at, also those that nobody has.
 */
void ph_top_files_round(struct ph_top_files *f, const struct ph_top *t, const struct ph_top_scope *scope);
void ph_top_files_done(struct ph_top_files *f);
void ph_top_file_fill(const struct ph_top_file *f, struct ph_cell *cells);
void ph_top_socket_fill(const struct ph_top_socket *s, struct ph_cell *cells);

#endif
