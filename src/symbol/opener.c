/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "symbol/opener.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fdpass.h"
#include "base/vec.h"
#include "symbol/mounts.h"
#include "symbol/open.h"
#include "symbol/spawn.h"

#define ARG "symbol-opener"
/* So long one request may take. */
#define PATIENCE_NS (PH_NSEC / 2)
/* So long those of one file system, and all, may take at once; it is given back so many times slower. Who does not answer at all has taken everything. */
#define ONE_NS (2 * PH_NSEC)
#define ALL_NS (6 * PH_NSEC)
#define SLOWER 30
/* Of one file, and of all that are open. */
#define COPY_MAX (256u << 20)
#define COPIES_MAX "512m"

struct request {
	bool copy;
	int flags;
	char path[PATH_MAX];
};

/* ---- the process ------------------------------------------------------------------------------- */

enum { SOCKET, COPIES };

static int copy(int from_path)
{
	static char buf[1 << 16];
	ph_autoclose int to = openat(COPIES, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0400);
	/* It stays open, as it takes its time to be closed, until the answer is sent. */
	int from = to < 0 ? -errno : ph_symread_here(from_path);
	uint64_t all = 0;
	char self[64];
	ssize_t n;
	int r;

	if (from < 0)
		return from;
	while ((n = read(from, buf, sizeof(buf))) > 0)
		/* Who serves it may go on for ever, whatever size it tells. */
		if ((all += (uint64_t)n) > COPY_MAX || write(to, buf, (size_t)n) != n)
			return -EFBIG;
	if (n < 0)
		return -errno;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", to);
	r = open(self, O_RDONLY | O_CLOEXEC);
	return r < 0 ? -errno : r;
}

static int walk(int root, const char *path, int flags)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC | (uint64_t)flags, .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
	int r = (int)syscall(SYS_openat2, root, path, &how, sizeof(how));

	return r < 0 ? -errno : r;
}

bool ph_opener_asked(const char *arg)
{
	return !strcmp(arg, ARG);
}

int ph_opener_main(void)
{
	static struct request q;
	struct iovec v = { &q, sizeof(q) };
	int fd;

	/* Whoever waits for the end of what we have from our parent must not wait for us. */
	syscall(SYS_close_range, COPIES + 1u, ~0u, 0u);
	while (ph_recv_fd(SOCKET, &v, 1, &fd, 0) == (ssize_t)sizeof(q)) {
		int r = q.copy ? copy(fd) : walk(fd, q.path, q.flags);

		if (ph_send_fd(SOCKET, &(struct iovec){ &r, sizeof(r) }, 1, r, 0))
			break;
		/* Of each request all but these two; that the kernel asks for that, too, is for the next request to wait for. */
		syscall(SYS_close_range, COPIES + 1u, ~0u, 0u);
	}
	return 0;
}

/* ---- as its parent has it ---------------------------------------------------------------------------- */

static struct {
	pthread_mutex_t lock;
	pid_t pid;
	int sock, copies;
	PH_VEC(pid_t) left;	/* that were left behind */
} opener = { .lock = PTHREAD_MUTEX_INITIALIZER, .sock = -1, .copies = -1 };

static int spawn(int sock, pid_t *ret)
{
	const int fds[] = { [SOCKET] = sock, [COPIES] = opener.copies < 0 ? sock : opener.copies };
	char *env[] = { NULL };

	return ph_symspawn("/proc/self/exe", ARG, env, fds, PH_ARRAY_SIZE(fds), 0, ret);
}

static int start(void)
{
	int pair[2], r;

	if (opener.sock >= 0)
		return 0;
	if (opener.copies < 0)
		opener.copies = ph_mount_alone("tmpfs", "size", COPIES_MAX);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return -errno;
	r = spawn(pair[1], &opener.pid);
	close(pair[1]);
	if (r)
		close(pair[0]);
	else
		opener.sock = pair[0];
	return r;
}

/* It may not end before it is answered. */
static void leave(void)
{
	kill(opener.pid, SIGKILL);
	*ph_vec_push(&opener.left) = opener.pid;
	close(opener.sock);
	opener.sock = -1;
}

static void reap(void)
{
	for (size_t i = 0; i < opener.left.n; i++)
		if (waitpid(opener.left.v[i], NULL, WNOHANG))
			opener.left.v[i--] = opener.left.v[--opener.left.n];
}

static int ask(const struct request *q, int fd, int *ret)
{
	struct iovec v = { (void *)q, sizeof(*q) }, answer = { ret, sizeof(*ret) };
	uint64_t end = ph_now_ns() + PATIENCE_NS, now;
	int r = start(), n = 0, got;
	struct pollfd p;

	if (!r)
		r = ph_send_fd(opener.sock, &v, 1, fd, MSG_DONTWAIT);
	p = (struct pollfd){ .fd = opener.sock, .events = POLLIN };
	while (!r && !n && (now = ph_now_ns()) < end) {
		n = poll(&p, 1, (int)((end - now) / 1000000 + 1));
		n = n < 0 ? 0 : n;
	}
	if (!r && !n)
		r = -ETIMEDOUT;
	if (!r && ph_recv_fd(opener.sock, &answer, 1, &got, MSG_DONTWAIT) != (ssize_t)sizeof(*ret))
		r = -EIO;
	if (r && opener.sock >= 0)
		leave();
	if (!r && *ret >= 0)
		*ret = got >= 0 ? got : -EMFILE;
	return r;
}

/* ---- what it may take ------------------------------------------------------------------------------ */

struct account {
	uint64_t key, taken_ns, at_ns;
};

static struct account all, some[64];

static void give_back(struct account *a, uint64_t now_ns)
{
	uint64_t back = (now_ns - a->at_ns) / SLOWER;

	a->taken_ns -= back < a->taken_ns ? back : a->taken_ns;
	a->at_ns = now_ns;
}

/* Of a file system; the one that has taken least is forgotten. */
static struct account *account_of(uint64_t key, uint64_t now_ns)
{
	struct account *least = some;

	for (struct account *a = some; a < some + PH_ARRAY_SIZE(some); a++) {
		give_back(a, now_ns);
		if (a->key == key)
			return a;
		if (a->taken_ns < least->taken_ns)
			least = a;
	}
	*least = (struct account){ .key = key, .at_ns = now_ns };
	return least;
}

static int ask_within(const struct request *q, int fd, uint64_t key)
{
	uint64_t begin = ph_now_ns(), took;
	struct account *a;
	int r, ret = -EIO;

	pthread_mutex_lock(&opener.lock);
	reap();
	give_back(&all, begin);
	a = account_of(key, begin);
	if (a->taken_ns + PATIENCE_NS > ONE_NS || all.taken_ns + PATIENCE_NS > ALL_NS) {
		pthread_mutex_unlock(&opener.lock);
		return -ETIMEDOUT;
	}
	r = ask(q, fd, &ret);
	took = ph_now_ns() - begin;
	all.taken_ns += took;
	a->taken_ns += r == -ETIMEDOUT ? ONE_NS : took;
	pthread_mutex_unlock(&opener.lock);
	return r ? r : ret;
}

int ph_opener_walk(int root, const char *path, int flags)
{
	ph_autofree struct request *q = ph_alloc(sizeof(*q));
	struct stat st;

	if (strlen(path) >= sizeof(q->path))
		return -ENAMETOOLONG;
	if (ph_stat_kept(root, &st))
		return -errno;
	q->flags = flags;
	strcpy(q->path, path);
	return ask_within(q, root, st.st_dev);
}

int ph_opener_copy(int fd)
{
	ph_autofree struct request *q = ph_alloc(sizeof(*q));
	struct stat st;

	if (ph_stat_kept(fd, &st))
		return -errno;
	if ((uint64_t)st.st_size > COPY_MAX)
		return -EFBIG;
	q->copy = true;
	return ask_within(q, fd, st.st_dev);
}
