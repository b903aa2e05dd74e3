/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "live/top_files.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "identity/proc.h"

/* More is nothing to look at. */
#define FILES_MAX 100000

const struct ph_col ph_top_file_cols[PH_FILE_NCOLS] = {
	[PH_FILE_PID] = { "PID", "pid", PH_COL_S64, .help = "on the host" },
	[PH_FILE_COMM] = { "COMMAND", "comm", PH_COL_STR, .help = "name" },
	[PH_FILE_FD] = { "FD", "fd", PH_COL_U64, .help = "descriptor" },
	[PH_FILE_MODE] = { "MODE", "mode", PH_COL_STR, .help = "opened to read, to write" },
	[PH_FILE_PATH] = { "FILE", "file", PH_COL_STR, .help = "path, or what it is" },
};

const struct ph_col ph_top_socket_cols[PH_SOCKET_NCOLS] = {
	[PH_SOCKET_PROTO] = { "PROTO", "protocol", PH_COL_STR, .help = "tcp, tcp6, udp, udp6" },
	[PH_SOCKET_LOCAL] = { "LOCAL", "local", PH_COL_STR, .help = "address and port" },
	[PH_SOCKET_REMOTE] = { "REMOTE", "remote", PH_COL_STR, .help = "the peer's" },
	[PH_SOCKET_STATE] = { "STATE", "state", PH_COL_STR, .help = "of a TCP socket" },
	[PH_SOCKET_RECEIVED] = { "RECVQ", "receive_queue_bytes", PH_COL_BYTES, .help = "that wait to be read" },
	[PH_SOCKET_SENT] = { "SENDQ", "send_queue_bytes", PH_COL_BYTES, .help = "that wait to be sent or acknowledged" },
	[PH_SOCKET_PID] = { "PID", "pid", PH_COL_S64, .help = "on the host" },
	[PH_SOCKET_COMM] = { "COMMAND", "comm", PH_COL_STR, .help = "name" },
};

/* ---- descriptors ---------------------------------------------------------------------------------------- */

static void add_file(struct ph_top_files *f, int dir, const char *name, const struct ph_scan_task *task)
{
	struct ph_top_file *file;
	char to[4096];
	struct stat st;
	ssize_t n = readlinkat(dir, name, to, sizeof(to) - 1);

	if (n < 0 || f->v.n == FILES_MAX)
		return;
	to[n] = 0;
	file = ph_vec_push(&f->v);
	file->pid = task->pid;
	memcpy(file->comm, task->comm, sizeof(file->comm));
	file->fd = (uint32_t)strtoul(name, NULL, 10);
	file->path = ph_strdup(to);
	/* The link's own permissions are how it was opened. */
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		snprintf(file->mode, sizeof(file->mode), "%s%s", st.st_mode & S_IRUSR ? "r" : "",
			 st.st_mode & S_IWUSR ? "w" : "");
}

struct round {
	struct ph_top_files *f;
	const struct ph_top *t;
	const struct ph_top_scope *scope;
	struct ph_u64map networks;	/* network namespaces that were read */
	struct ph_u64map unix_names;	/* inode -> "unix /path" */
};

static void files_of(struct round *round, const struct ph_scan_task *task)
{
	ph_autoclosedir DIR *d = NULL;
	struct dirent *de;
	char path[32];
	int fd;

	snprintf(path, sizeof(path), "%d/fd", task->pid);
	fd = openat(round->t->procfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		round->f->unreadable += errno == EACCES || errno == EPERM;
		return;
	}
	d = fdopendir(fd);
	while (d && (de = readdir(d)))
		if (de->d_name[0] != '.')
			add_file(round->f, dirfd(d), de->d_name, task);
}

/* ---- sockets -------------------------------------------------------------------------------------------- */

/* The kernel's enum of include/net/tcp_states.h, as ss and netstat write them. */
static const char *const states[] = {
	NULL, "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2", "TIME_WAIT", "CLOSE", "CLOSE_WAIT", "LAST_ACK",
	"LISTEN", "CLOSING", "NEW_SYN_RECV",
};

/* "0100007F" or four such words, each as the machine has it; port. */
static void address(const char *hex, unsigned int port, char *out, size_t size)
{
	bool v6 = strlen(hex) == 32;
	uint32_t words[4] = { 0 };
	char text[INET6_ADDRSTRLEN] = "?";

	for (unsigned int i = 0; i < (v6 ? 4 : 1); i++) {
		char word[9] = { 0 };

		strncpy(word, hex + (size_t)i * 8, 8);
		words[i] = (uint32_t)strtoul(word, NULL, 16);
	}
	inet_ntop(v6 ? AF_INET6 : AF_INET, words, text, sizeof(text));
	if (port)
		snprintf(out, size, v6 ? "[%s]:%u" : "%s:%u", text, port);
	else
		snprintf(out, size, v6 ? "[%s]:*" : "%s:*", text);
}

static void sockets_in(struct ph_top_files *f, int procfd, int32_t pid, const char *proto)
{
	ph_autofree char *path = ph_asprintf("%d/net/%s", pid, proto);
	char *line, *rest;
	ph_autobuf b = { 0 };

	if (ph_read_file_at(procfd, path, 16 << 20, &b) < 0 || !b.p)
		return;
	rest = b.p;
	strsep(&rest, "\n");
	while ((line = strsep(&rest, "\n")) && f->sockets.n < FILES_MAX) {
		unsigned int local_port, remote_port, state, sent, received;
		struct ph_top_socket *s;
		char local[33], remote[33];
		uint64_t inode;

		if (sscanf(line, " %*u: %32[0-9A-Fa-f]:%x %32[0-9A-Fa-f]:%x %x %x:%x %*x:%*x %*x %*u %*u %" SCNu64, local, &local_port,
			   remote, &remote_port, &state, &sent, &received, &inode) != 8)
			continue;
		s = ph_vec_push(&f->sockets);
		*s = (struct ph_top_socket){ .proto = proto, .received = received, .sent = sent, .inode = inode };
		address(local, local_port, s->local, sizeof(s->local));
		address(remote, remote_port, s->remote, sizeof(s->remote));
		if (proto[0] == 't' && state < PH_ARRAY_SIZE(states))
			s->state = states[state];
	}
}

/* "0: 2 0 10000 1 1 INODE /path", the path where it has one: the names of Unix sockets. */
static void unix_in(struct round *round, int32_t pid)
{
	ph_autofree char *path = ph_asprintf("%d/net/unix", pid);
	char *line, *rest;
	ph_autobuf b = { 0 };

	if (ph_read_file_at(round->t->procfd, path, 16 << 20, &b) < 0 || !b.p)
		return;
	rest = b.p;
	strsep(&rest, "\n");
	while ((line = strsep(&rest, "\n"))) {
		uint64_t inode;
		int name = 0;

		if (sscanf(line, "%*x: %*x %*x %*x %*x %*x %" SCNu64 "%n", &inode, &name) == 1 && inode)
			free(ph_u64map_put(&round->unix_names, inode, ph_asprintf("unix%s", line + name)));
	}
}

/* Every network namespace once, by the first process that is in it. */
static void sockets_of(struct round *round, const struct ph_scan_task *task)
{
	static const char *const protos[] = { "tcp", "tcp6", "udp", "udp6" };
	const struct ph_container *host = &round->t->scan.containers.v[0]->c;
	uint32_t ns = ph_proc_ns(round->t->procfd, task->pid, "net");
	size_t before = round->f->sockets.n;

	if (!ns || ph_u64map_put(&round->networks, ns, round))
		return;
	for (size_t i = 0; i < PH_ARRAY_SIZE(protos); i++)
		sockets_in(round->f, round->t->procfd, task->pid, protos[i]);
	unix_in(round, task->pid);
	/* What others use, too: only what the processes have open is theirs. */
	for (size_t i = before; i < round->f->sockets.n; i++)
		round->f->sockets.v[i].others = ns == host->ns[PH_NS_NET] || round->scope->pid;
}

static bool socket_inode(const char *path, uint64_t *ret)
{
	char end;

	return sscanf(path, "socket:[%" SCNu64 "%c", ret, &end) == 2 && end == ']';
}

/* Which descriptor is which socket; what is not anybody's here goes. */
static void put_together(struct ph_top_files *f, struct ph_u64map *unix_names)
{
	struct ph_u64map by_inode = { 0 };
	size_t kept = 0;
	uint64_t inode;

	ph_vec_each(s, &f->sockets)
		if (s->inode)
			ph_u64map_put(&by_inode, s->inode, s);
	ph_vec_each(file, &f->v) {
		struct ph_top_socket *s;
		const char *name;

		if (!socket_inode(file->path, &inode))
			continue;
		s = ph_u64map_get(&by_inode, inode);
		name = ph_u64map_get(unix_names, inode);
		if (!s && name) {
			free(file->path);
			file->path = ph_strdup(name);
		}
		if (!s)
			continue;
		free(file->path);
		file->path = ph_asprintf("%s %s > %s%s%s", s->proto, s->local, s->remote, s->state ? " " : "", s->state ? s->state : "");
		if (!s->pid) {
			s->pid = file->pid;
			memcpy(s->comm, file->comm, sizeof(s->comm));
		}
	}
	for (size_t i = 0; i < f->sockets.n; i++)
		if (f->sockets.v[i].pid || !f->sockets.v[i].others)
			f->sockets.v[kept++] = f->sockets.v[i];
	f->sockets.n = kept;
	ph_u64map_done(&by_inode);
}

/* ---- both ----------------------------------------------------------------------------------------------- */

static void look_at(void *arg, const struct ph_scan_task *task, const struct ph_top_row *r)
{
	(void)r;
	files_of(arg, task);
	sockets_of(arg, task);
}

void ph_top_files_done(struct ph_top_files *f)
{
	ph_vec_each(file, &f->v)
		free(file->path);
	ph_vec_done(&f->v);
	ph_vec_done(&f->sockets);
	f->unreadable = 0;
}

void ph_top_files_round(struct ph_top_files *f, const struct ph_top *t, const struct ph_top_scope *scope)
{
	struct round round = { .f = f, .t = t, .scope = scope };

	ph_top_files_done(f);
	ph_top_each_process(t, scope, look_at, &round);
	put_together(f, &round.unix_names);
	ph_u64map_done(&round.networks);
	ph_top_forget_all(&round.unix_names);
}

void ph_top_file_fill(const struct ph_top_file *f, struct ph_cell *cells)
{
	ph_cell_s64(&cells[PH_FILE_PID], f->pid);
	ph_cell_str(&cells[PH_FILE_COMM], f->comm);
	ph_cell_u64(&cells[PH_FILE_FD], f->fd);
	if (f->mode[0])
		ph_cell_str(&cells[PH_FILE_MODE], f->mode);
	ph_cell_str(&cells[PH_FILE_PATH], f->path);
}

void ph_top_socket_fill(const struct ph_top_socket *s, struct ph_cell *cells)
{
	ph_cell_str(&cells[PH_SOCKET_PROTO], s->proto);
	ph_cell_str(&cells[PH_SOCKET_LOCAL], s->local);
	ph_cell_str(&cells[PH_SOCKET_REMOTE], s->remote);
	ph_cell_str(&cells[PH_SOCKET_STATE], s->state);
	ph_cell_u64(&cells[PH_SOCKET_RECEIVED], s->received);
	ph_cell_u64(&cells[PH_SOCKET_SENT], s->sent);
	if (s->pid) {
		ph_cell_s64(&cells[PH_SOCKET_PID], s->pid);
		ph_cell_str(&cells[PH_SOCKET_COMM], s->comm);
	}
}
