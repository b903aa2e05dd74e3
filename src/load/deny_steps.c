/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What arranges the cause for which a call fails. None of these may fail itself. */
#include <fcntl.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/fs.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "load/deny.h"
#include "load/load.h"

static void step_as(char **a)
{
	unsigned int id = (unsigned int)atoi(a[0]);

	if (setgroups(0, NULL) || setresgid(id, id, id) || setresuid(id, id, id))
		die("as");
	/* So that others of that user may be looked at, as they are of a program that began so. */
	prctl(PR_SET_DUMPABLE, 1);
}

static void step_groups(char **a)
{
	gid_t g[2] = { (gid_t)atoi(a[0]), (gid_t)atoi(a[1]) };

	if (setgroups(2, g))
		die("setgroups");
}

/* The ids alone: groups stay. */
static void step_user(char **a)
{
	unsigned int id = (unsigned int)atoi(a[0]);

	if (setresgid(id, id + 1, id + 1) || setresuid(id, id + 2, id + 2))
		die("user");
}

static void step_nnp(char **a)
{
	(void)a;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		die("no_new_privs");
}

static void step_cd(char **a)
{
	if (chdir(a[0]))
		die("chdir");
}

static void step_chroot(char **a)
{
	if (chroot(a[0]) || chdir("/"))
		die("chroot");
}

static void step_mkdir(char **a)
{
	if (mkdir(a[0], 0777) || chmod(a[0], (mode_t)strtoul(a[1], NULL, 8)))
		die("mkdir");
}

static void step_file(char **a)
{
	int fd = open(a[0], O_CREAT | O_WRONLY, 0600);

	if (fd < 0 || write(fd, "x\n", 2) != 2 || fchmod(fd, (mode_t)strtoul(a[1], NULL, 8)))
		die("file");
	close(fd);
}

/* A copy of this program. */
static void step_copy(char **a)
{
	int from = open("/proc/self/exe", O_RDONLY), to = open(a[0], O_CREAT | O_WRONLY, 0755);

	if (from < 0 || to < 0)
		die("copy");
	while (1) {
		char b[65536];
		ssize_t n = read(from, b, sizeof(b));

		if (n <= 0)
			break;
		if (write(to, b, (size_t)n) != n)
			die("copy");
	}
	if (fchmod(to, (mode_t)strtoul(a[1], NULL, 8)))
		die("copy");
	close(from);
	close(to);
}

static void step_own(char **a)
{
	if (chown(a[0], (uid_t)atoi(a[1]), (gid_t)atoi(a[1])))
		die("chown");
}

static void step_device(char **a)
{
	if (mknod(a[0], S_IFCHR | 0666, makedev((unsigned int)atoi(a[1]), (unsigned int)atoi(a[2]))) ||
	    chmod(a[0], 0666))
		die("mknod");
}

/* TYPE DIR FLAGS(ro,nosuid,nodev,noexec or -) DATA: of two steps on one place the second changes the flags. */
static void step_mount(char **a)
{
	unsigned long flags = (strstr(a[2], "ro") ? MS_RDONLY : 0) | (strstr(a[2], "nosuid") ? MS_NOSUID : 0) |
			      (strstr(a[2], "nodev") ? MS_NODEV : 0) | (strstr(a[2], "noexec") ? MS_NOEXEC : 0);
	const char *data = strcmp(a[3], "-") ? a[3] : NULL;

	if (!strcmp(a[0], "flags") ? mount(NULL, a[1], NULL, MS_BIND | MS_REMOUNT | flags, NULL) :
	    !strcmp(a[0], "remount") ? mount(NULL, a[1], NULL, MS_REMOUNT | flags, data) :
	    a[0][0] == '/' ? mount(a[0], a[1], NULL, MS_BIND, NULL) : mount(a[0], a[1], a[0], flags, data))
		die("mount");
}

/* An ACL for one user: owner rwx, group and others nothing. */
static void step_acl(char **a)
{
	struct { uint32_t version; struct { uint16_t tag, perm; uint32_t id; } e[5]; } acl = {
		2, { { 0x01, 7, ~0u }, { 0x02, (uint16_t)atoi(a[2]), (uint32_t)atoi(a[1]) }, { 0x04, 0, ~0u },
		     { 0x10, 7, ~0u }, { 0x20, 7, ~0u } } };

	if (syscall(SYS_setxattr, a[0], "system.posix_acl_access", &acl, sizeof(acl), 0))
		die("acl");
}

static void step_landlock(char **a)
{
	struct landlock_ruleset_attr attr = { .handled_access_fs = LANDLOCK_ACCESS_FS_READ_FILE };
	long fd;

	(void)a;
	fd = syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
	if (fd < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || syscall(SYS_landlock_restrict_self, fd, 0))
		die("landlock");
	close((int)fd);
}

void deny_filter(uint32_t action, int nr)
{
	struct sock_filter f[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)nr, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, action), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog p = { 4, f };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &p))
		die("seccomp");
}

static void step_sysctl(char **a)
{
	int fd = open(a[0], O_WRONLY);

	if (fd < 0 || write(fd, a[1], strlen(a[1])) < 0)
		die(a[0]);
	close(fd);
}

static void step_unshare(char **a)
{
	if (unshare((int)strtoul(a[0], NULL, 0)))
		die("unshare");
}

/* Stay for so many milliseconds after the call: so that one can be looked at. */
unsigned int deny_hold_ms;
static void step_hold(char **a) { deny_hold_ms = (unsigned int)atoi(a[0]); }

/* Another user's process beside us, for as long as we live; its number in $1 of what follows is "-". */
pid_t deny_beside;
static void step_beside(char **a)
{
	int ready[2];
	char c;

	if (pipe(ready))
		die("pipe");
	deny_beside = fork();
	if (deny_beside < 0)
		die("fork");
	if (!deny_beside) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		step_as(a);
		if (write(ready[1], "x", 1) != 1)
			_exit(1);
		while (1)
			pause();
	}
	if (read(ready[0], &c, 1) != 1)
		die("beside");
}

/* A file that nobody may change. */
static void step_immutable(char **a)
{
	int fd = open(a[0], O_RDONLY), flags = 0;

	if (fd < 0 || ioctl(fd, FS_IOC_GETFLAGS, &flags))
		die("immutable");
	flags |= FS_IMMUTABLE_FL;
	if (ioctl(fd, FS_IOC_SETFLAGS, &flags))
		die("immutable");
	close(fd);
}

const struct deny_word deny_steps[] = {
	{ "hold", 1, step_hold, NULL }, { "as", 1, step_as, NULL }, { "groups", 2, step_groups, NULL },
	{ "user", 1, step_user, NULL }, { "nnp", 0, step_nnp, NULL }, { "cd", 1, step_cd, NULL },
	{ "in-root", 1, step_chroot, NULL }, { "make-dir", 2, step_mkdir, NULL }, { "file", 2, step_file, NULL },
	{ "copy", 2, step_copy, NULL }, { "own", 2, step_own, NULL }, { "device", 3, step_device, NULL },
	{ "mounted", 4, step_mount, NULL }, { "immutable", 1, step_immutable, NULL }, { "acl", 3, step_acl, NULL },
	{ "landlock", 0, step_landlock, NULL }, { "sysctl", 2, step_sysctl, NULL }, { "in-ns", 1, step_unshare, NULL },
	{ "beside", 1, step_beside, NULL },
	{ 0 }
};
