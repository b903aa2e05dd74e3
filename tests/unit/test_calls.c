/* SPDX-License-Identifier: GPL-2.0-or-later */
/* System calls as strace prints them, of streams whose lines are known. */
#include "test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "event/callset.h"
#include "event/evset.h"
#include "live/calls_priv.h"
#include "live/snoop.h"
#include "source/synthetic.h"

/* Containers 1 "web" (process 7 with thread 8) and 2 "db" (20); 99 is on the host. */
static const char setup[] =
	"@0 container_info index=1 name=web id=aaaabbbbcccc cgroup_path=/web cgroup_id=12 init_pid=7\n"
	"@0 container_info index=2 name=db cgroup_path=/db cgroup_id=13\n"
	"@0 lttng_statedump_process_state tid=7 pid=7 ppid=99 name=nginx container=1 status=5 syscall=-1 file_table_address=0xf7\n"
	"@0 lttng_statedump_process_state tid=8 pid=7 ppid=99 name=worker container=1 status=5 syscall=-1 file_table_address=0xf7\n"
	"@0 lttng_statedump_process_state tid=20 pid=20 ppid=99 name=postgres container=2 status=5 syscall=-1 file_table_address=0xf20\n"
	"@0 lttng_statedump_process_state tid=99 pid=99 ppid=1 name=bash container=0 status=5 syscall=-1 file_table_address=0xf99\n"
	"@0 lttng_statedump_file_descriptor file_table_address=0xf7 fd=1 filename=/log\n";

struct asked {
	struct ph_calls_opts calls;
	const char *set, *container, *fields, *filter, *sort;
	enum ph_output output;
	uint64_t min_ns, max;
};

static char *shown(const struct asked *a, const char *events)
{
	ph_autofree char *text = ph_asprintf("%s%s", setup, events);
	struct ph_identity *id = ph_identity_new();
	struct ph_snoop_opts o = { .utc = true, .filter = a->filter, .has_min = a->min_ns, .min_ns = a->min_ns,
				   .calls = a->calls };
	struct ph_selection sel = { 0 };
	struct ph_snooping *s = NULL;
	struct ph_source *src = NULL;
	struct ph_buf out = { 0 };
	struct ph_err err = { 0 };
	struct ph_event *ev;

	if (!o.calls.string_max)
		o.calls.string_max = 32;
	if (a->container)
		ph_strv_add(&sel.container, a->container);
	o.sel = &sel;
	o.fmt = (struct ph_table_fmt){ .output = a->output, .sort = a->sort, .max_entries = a->max };
	if ((a->fields && ph_parse_list(a->fields, &o.fmt.fields, &err) < 0) ||
	    (a->set && ph_callset_parse(a->set, &o.calls.set, &err) < 0) || ph_selection_check(&sel, &err) < 0 ||
	    ph_snooping_new(ph_snoop_by_name("syscalls"), &o, &s, &err) < 0 || ph_synthetic_parse(text, &src, &err) < 0)
		fail_msg("%s", err.msg);
	while (ph_source_next(src, &ev, &err) > 0) {
		ph_identity_feed(id, ev);
		if (ph_snooping_feed(s, id, ev))
			break;
		ph_snooping_print(s, id, &out);
	}
	ph_snooping_finish(s, id, &out);
	ph_snooping_free(s);
	ph_source_close(src);
	ph_identity_free(id);
	ph_selection_done(&sel);
	ph_strv_done(&o.fmt.fields);
	ph_strv_done(&o.calls.set);
	return ph_buf_steal(&out);
}

static void lines(const struct asked *a, const char *events, const char *expected)
{
	ph_autofree char *got = shown(a, events);

	assert_string_equal(got, expected);
}

#define ASKED(...) (&(struct asked){ __VA_ARGS__ })
#define CALLS(...) .calls = { __VA_ARGS__ }

/* One call of nginx: its whole line without the head. */
static void call(const char *entry, const char *exit, const char *expected)
{
	ph_autofree char *events = ph_asprintf("@10 tid=7 pid=7 container=1 syscall_entry_%s\n"
					       "@20 tid=7 pid=7 container=1 syscall_exit_%s\n", entry, exit);
	ph_autofree char *want = ph_asprintf("[web] nginx[7] %s\n", expected);

	lines(ASKED(0), events, want);
}

#define Z8 "0000000000000000"
#define Z32 Z8 Z8 Z8 Z8

/* Structs as this machine has them, the kernel's: a struct stat with its size, an epoll_event. */
#ifdef __x86_64__
#define STAT(mode, rdev, size) "size=144 data=" Z8 Z8 Z8 mode "000000000000000000000000" rdev size Z8 Z8 Z32 Z32 Z8
#define EPOLL(events, data) events data
#define EPOLL_BOTH "24"
#else
#define STAT(mode, rdev, size) "size=128 data=" Z8 Z8 mode "000000000000000000000000" rdev Z8 size Z8 Z8 Z32 Z8 Z8 Z8
#define EPOLL(events, data) events "00000000" data
#define EPOLL_BOTH "32"
#endif

/* ---- arguments and results --------------------------------------------------------------------- */

static void test_numbers(void **state)
{
	call("close fd=3", "close ret=0", "close(3) = 0");
	call("close fd=4294967295", "close ret=-9", "close(-1) = -1 EBADF (Bad file descriptor)");
	call("getpid", "getpid ret=7", "getpid() = 7");
	call("brk brk=0", "brk ret=0x1000", "brk(NULL) = 0x1000");
	call("mmap addr=0 len=4096 prot=3 flags=0x22 fd=-1 offset=0", "mmap ret=0x7f0000000000",
	     "mmap(NULL, 4096, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f0000000000");
	call("mprotect start=0x1000 len=4096 prot=0", "mprotect ret=0", "mprotect(0x1000, 4096, PROT_NONE) = 0");
	call("socket family=2 type=0x80001 protocol=6", "socket ret=3",
	     "socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC, IPPROTO_TCP) = 3");
	call("socket family=1 type=2 protocol=0", "socket ret=3", "socket(AF_UNIX, SOCK_DGRAM, 0) = 3");
	call("kill pid=20 sig=15", "kill ret=-1", "kill(20, SIGTERM) = -1 EPERM (Operation not permitted)");
	call("chown filename=/f user=4294967295 group=5", "chown ret=0", "chown(\"/f\", -1, 5) = 0");
	call("umask mask=18", "umask ret=18", "umask(022) = 022");
	call("access filename=/f mode=0", "access ret=0", "access(\"/f\", F_OK) = 0");
	call("access filename=/f mode=6", "access ret=0", "access(\"/f\", R_OK|W_OK) = 0");
	call("madvise start=0x1000 len_in=4096 behavior=4", "madvise ret=0", "madvise(0x1000, 4096, MADV_DONTNEED) = 0");
	call("newfstat fd=3", "newfstat ret=0 statbuf=0x10", "fstat(3, 0x10) = 0");
	call("newuname", "newuname ret=0 name=0x10", "uname(0x10) = 0");
	call("futex uaddr=0x10 op=129 val=1", "futex ret=1", "futex(0x10, FUTEX_WAKE_PRIVATE, 1) = 1");
	call("ioctl fd=1 cmd=0x5413 arg=0x20", "ioctl ret=-25",
	     "ioctl(1, TIOCGWINSZ, 0x20) = -1 ENOTTY (Inappropriate ioctl for device)");
	call("nanosleep rqtp=0x10", "nanosleep ret=-516 rmtp=0x20",
	     "nanosleep(0x10, 0x20) = ? ERESTART_RESTARTBLOCK (Interrupted by signal)");
	call("unknown nr=999 arg0=1", "unknown ret=-38 nr=999",
	     "unknown(0x1, 0, 0, 0, 0, 0, nr=999) = -1 ENOSYS (Function not implemented)");
	(void)state;
}

/* What a call has depends on what else it has. */
static void test_number_of_arguments(void **state)
{
	call("openat dfd=-100 filename=/etc/passwd flags=0x80000", "openat ret=3",
	     "openat(AT_FDCWD, \"/etc/passwd\", O_RDONLY|O_CLOEXEC) = 3");
	call("openat dfd=5 filename=new flags=0x41 mode=420", "openat ret=3",
	     "openat(5, \"new\", O_WRONLY|O_CREAT, 0644) = 3");
	call("open filename=/f flags=0", "open ret=-2", "open(\"/f\", O_RDONLY) = -1 ENOENT (No such file or directory)");
	call("fcntl fd=3 cmd=3 arg=0", "fcntl ret=2050", "fcntl(3, F_GETFL) = 0x802 (flags O_RDWR|O_NONBLOCK)");
	call("fcntl fd=3 cmd=1 arg=0", "fcntl ret=1", "fcntl(3, F_GETFD) = 0x1 (flags FD_CLOEXEC)");
	call("fcntl fd=3 cmd=2 arg=1", "fcntl ret=0", "fcntl(3, F_SETFD, FD_CLOEXEC) = 0");
	call("fcntl fd=3 cmd=8 arg=115", "fcntl ret=0", "fcntl(3, F_SETOWN, 115) = 0");
	call("fcntl fd=3 cmd=10 arg=29", "fcntl ret=0", "fcntl(3, F_SETSIG, SIGIO) = 0");
	call("chmod filename=/f mode=33252", "chmod ret=0", "chmod(\"/f\", 0100744) = 0");
	call("ioctl fd=5 cmd=1074041865 arg=4", "ioctl ret=0", "ioctl(5, FICLONE, 4) = 0");
	call("fcntl fd=3 cmd=1030 arg=10", "fcntl ret=10", "fcntl(3, F_DUPFD_CLOEXEC, 10) = 10");
	call("prctl option=15 arg2=0x10 arg3=5", "prctl ret=0", "prctl(PR_SET_NAME, 0x10) = 0");
	call("futex uaddr=0x10 op=0x89 val=1 val3=4294967295", "futex ret=0",
	     "futex(0x10, FUTEX_WAIT_BITSET_PRIVATE, 1, NULL, FUTEX_BITSET_MATCH_ANY) = 0");
	call("clone flags=0x1200011 newsp=0 child_tid=0x10", "clone ret=9",
	     "clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID|SIGCHLD, child_tidptr=0x10) = 9");
	call("clone flags=0x80100 newsp=0x20 tls=0x30", "clone ret=9",
	     "clone(child_stack=0x20, flags=CLONE_VM|CLONE_SETTLS, tls=0x30) = 9");
	call("mknodat dfd=-100 filename=f mode=4480", "mknodat ret=0", "mknodat(AT_FDCWD, \"f\", S_IFIFO|0600) = 0");
	call("pipe2 flags=0", "pipe2 ret=0 fildes=[3,4]", "pipe2([3, 4], 0) = 0");
	(void)state;
}

static void test_buffers(void **state)
{
	call("read fd=3 count=100", "read ret=7 buf=0x10 buf_data=68690a00310038", "read(3, \"hi\\n\\0001\\08\", 100) = 7");
	call("read fd=3 count=100", "read ret=0 buf=0x10", "read(3, \"\", 100) = 0");
	call("read fd=3 count=100", "read ret=-11 buf=0x10",
	     "read(3, 0x10, 100) = -1 EAGAIN (Resource temporarily unavailable)");
	/* More was there than was captured, or than is shown. */
	call("write fd=3 buf=0x10 count=100 buf_data=7f454c46", "write ret=100", "write(3, \"\\177ELF\"..., 100) = 100");
	lines(ASKED(CALLS(.string_max = 2)),
	      "@1 tid=7 pid=7 container=1 syscall_entry_write fd=3 buf_data=616263 count=3\n"
	      "@2 tid=7 pid=7 container=1 syscall_exit_write ret=3\n", "[web] nginx[7] write(3, \"ab\"..., 3) = 3\n");
	call("writev fd=3 vec=0x10 vlen=2 vec_data=6162", "writev ret=5", "writev(3, [{iov_base=\"ab\"}, ...], 2) = 5");
	call("sendmsg fd=3 msg=0x10 msg_data=6162 msg_name=02000035080808080000000000000000 flags=0x4000", "sendmsg ret=2",
	     "sendmsg(3, {msg_name={sa_family=AF_INET, sin_port=htons(53), sin_addr=inet_addr(\"8.8.8.8\")}, "
	     "msg_iov=[{iov_base=\"ab\"}]}, MSG_NOSIGNAL) = 2");
	call("readlink path=/proc/self/exe bufsiz=99", "readlink ret=8 buf=0x10 buf_data=/bin/cat",
	     "readlink(\"/proc/self/exe\", \"/bin/cat\", 99) = 8");
	call("execve filename=/bin/ls argv=6c73002d6c00 envp=0x20", "execve ret=-13",
	     "execve(\"/bin/ls\", [\"ls\", \"-l\"], 0x20) = -1 EACCES (Permission denied)");
	call("mkdir pathname=\"/a\\\"\\nb\" mode=511", "mkdir ret=0", "mkdir(\"/a\\\"\\nb\", 0777) = 0");
	(void)state;
}

static void test_structures(void **state)
{
	call("nanosleep rqtp=0x10 rqtp_data=01000000000000000500000000000000", "nanosleep ret=0",
	     "nanosleep({tv_sec=1, tv_nsec=5}, NULL) = 0");
	call("setitimer which=0 value=0x10 value_data=0000000000000000000000000000000002000000000000000300000000000000",
	     "setitimer ret=0",
	     "setitimer(ITIMER_REAL, {it_interval={tv_sec=0, tv_usec=0}, it_value={tv_sec=2, tv_usec=3}}, NULL) = 0");
	call("rt_sigaction sig=2 act=0x10 act_data=01000000000000000000001400000000 sigsetsize=8", "rt_sigaction ret=0",
	     "rt_sigaction(SIGINT, {sa_handler=SIG_IGN, sa_flags=SA_RESTORER|SA_RESTART}, NULL, 8) = 0");
	call("rt_sigprocmask how=0 nset=0x10 nset_data=0300000000000000 sigsetsize=8",
	     "rt_sigprocmask ret=0 oset=0x20 oset_data=0000000000000000",
	     "rt_sigprocmask(SIG_BLOCK, [HUP INT], [], 8) = 0");
	call("prlimit64 pid=0 resource=7 new_rlim=0", "prlimit64 ret=0 old_rlim=0x10 old_rlim_data=0004000000000000ffffffffffffffff",
	     "prlimit64(0, RLIMIT_NOFILE, NULL, {rlim_cur=1024, rlim_max=RLIM64_INFINITY}) = 0");
	call("poll ufds=0x10 ufds_data=0300000001000000 nfds=1 timeout_msecs=-1",
	     "poll ret=1 ufds=0x10 ufds_data=0300000001001000",
	     "poll([{fd=3, events=POLLIN}], 1, -1) = 1 ([{fd=3, revents=POLLHUP}])");
	call("poll ufds=0x10 ufds_data=0300000001000000 nfds=1 timeout_msecs=5", "poll ret=0 ufds_data=0300000001000000",
	     "poll([{fd=3, events=POLLIN}], 1, 5) = 0 (Timeout)");
	call("connect fd=3 uservaddr=0x10 uservaddr_data=01002f746d702f7300 addrlen=9", "connect ret=0",
	     "connect(3, {sa_family=AF_UNIX, sun_path=\"/tmp/s\"}, 9) = 0");
	call("bind fd=3 umyaddr=0x10 umyaddr_data=0100006162 addrlen=5", "bind ret=0",
	     "bind(3, {sa_family=AF_UNIX, sun_path=@\"ab\"}, 5) = 0");
	call("bind fd=3 umyaddr=0x10 umyaddr_data=0a000050000000000000000000000000000000000000000100000000 addrlen=28", "bind ret=0",
	     "bind(3, {sa_family=AF_INET6, sin6_port=htons(80), sin6_flowinfo=htonl(0), "
	     "inet_pton(AF_INET6, \"::1\", &sin6_addr), sin6_scope_id=0}, 28) = 0");
	call("accept4 fd=3 upeer_addrlen=0x20 flags=0x80000",
	     "accept4 ret=5 upeer_sockaddr=0x10 upeer_sockaddr_data=02001f907f0000010000000000000000 upeer_addrlen=0x20",
	     "accept4(3, {sa_family=AF_INET, sin_port=htons(8080), sin_addr=inet_addr(\"127.0.0.1\")}, [16], SOCK_CLOEXEC) = 5");
	call("wait4 upid=-1 options=1", "wait4 ret=9 stat_addr=0x10 stat_addr_data=[768] ru=0",
	     "wait4(-1, [{WIFEXITED(s) && WEXITSTATUS(s) == 3}], WNOHANG, NULL) = 9");
	call("pipe2 flags=0x80000", "pipe2 ret=0 fildes=[3,4]", "pipe2([3, 4], O_CLOEXEC) = 0");
	call("openat2 dfd=-100 filename=f how=0x10 how_data=000008000000000000000000000000000800000000000000 usize=24",
	     "openat2 ret=3", "openat2(AT_FDCWD, \"f\", {flags=O_RDONLY|O_CLOEXEC, resolve=RESOLVE_BENEATH}, 24) = 3");
	call("clone3 uargs=0x10 uargs_data=00011000000000001000000000000000200000000000000030000000000000001100000000000000"
	     "00000000000000000000000000000000 size=64", "clone3 ret=9",
	     "clone3({flags=CLONE_VM|CLONE_PARENT_SETTID, parent_tid=0x30, exit_signal=SIGCHLD, stack=NULL, stack_size=0} => "
	     "{parent_tid=[9]}, 64) = 9");
	call("setsockopt fd=3 level=1 optname=2 optval=0x10 optval_data=01000000 optlen=4", "setsockopt ret=0",
	     "setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0");
	call("setgroups gidsetsize=2 grouplist=0x10 grouplist_data=fffe000001000000", "setgroups ret=0", "setgroups(2, [65279, 1]) = 0");
	call("epoll_ctl epfd=3 op=1 fd=4 event=0x10 event_data=" EPOLL("01000000", "0500000000000000"), "epoll_ctl ret=0",
	     "epoll_ctl(3, EPOLL_CTL_ADD, 4, {events=EPOLLIN, data={u32=5, u64=5}}) = 0");
	call("epoll_ctl epfd=3 op=2 fd=4 event=0x10 event_data=" EPOLL("01000000", "0500000000000000"), "epoll_ctl ret=0",
	     "epoll_ctl(3, EPOLL_CTL_DEL, 4, 0x10) = 0");
	call("wait4 upid=-1 options=1", "wait4 ret=0 stat_addr=0x10 stat_addr_data=[3] ru=0",
	     "wait4(-1, 0x10, WNOHANG, NULL) = 0");
	call("getsockopt fd=3 level=1 optname=4 optlen=0x20", "getsockopt ret=0 optval=0x10 optval_data=6f000000 optlen=0x20",
	     "getsockopt(3, SOL_SOCKET, SO_ERROR, [ECONNREFUSED], [4]) = 0");
	/* Cut by the recorder: bytes. */
	call("epoll_ctl epfd=3 op=1 fd=4 event=0x10 event_data=0100000005", "epoll_ctl ret=0",
	     "epoll_ctl(3, EPOLL_CTL_ADD, 4, \"\\1\\0\\0\\0\\5\") = 0");
	call("nanosleep rqtp=0x10 rqtp_data=0100", "nanosleep ret=0", "nanosleep(\"\\1\\0\", NULL) = 0");
	(void)state;
}

/* ---- what arguments point to, from events of its own ---------------------------------------------- */

/* The same with such events: @in behind the entry, @out before the exit, each several with blanks between. */
static void data(const char *entry, const char *in, const char *out, const char *exit, const char *expected)
{
	ph_autobuf events = { 0 };
	ph_autofree char *want = ph_asprintf("[web] nginx[7] %s\n", expected);

	ph_buf_addf(&events, "@10 tid=7 pid=7 container=1 syscall_entry_%s\n", entry);
	for (int at_exit = 0; at_exit < 2; at_exit++) {
		const char *list = at_exit ? out : in;

		for (size_t n; *list; list += n + (list[n] == ';')) {
			n = strcspn(list, ";");
			ph_buf_addf(&events, "@%d tid=7 pid=7 container=1 syscall_data at_exit=%d %.*s\n", 11 + at_exit, at_exit,
				    (int)n, list);
		}
	}
	ph_buf_addf(&events, "@20 tid=7 pid=7 container=1 syscall_exit_%s\n", exit);
	lines(ASKED(0), events.p, want);
}

#define Z128 Z32 Z32 Z32 Z32
#define SET(first) first Z32 Z32 Z32 Z8 Z8 Z8	/* of descriptors */

static void test_data_of_files(void **state)
{
	data("newfstatat dfd=-100 filename=/f flag=0", "",
	     "arg=2 " STAT("a4810000", Z8, "e803000000000000"),
	     "newfstatat ret=0 statbuf=0x10", "newfstatat(AT_FDCWD, \"/f\", {st_mode=S_IFREG|0644, st_size=1000, ...}, 0) = 0");
	data("newfstat fd=1", "", "arg=1 " STAT("b6210000", "0301000000000000", Z8),
	     "newfstat ret=0 statbuf=0x10", "fstat(1, {st_mode=S_IFCHR|0666, st_rdev=makedev(0x1, 0x3), ...}) = 0");
	data("newstat filename=/tmp", "", "arg=1 " STAT("ff430000", Z8, Z8),
	     "newstat ret=0 statbuf=0x10", "stat(\"/tmp\", {st_mode=S_IFDIR|S_ISVTX|0777, st_size=0, ...}) = 0");
	data("statx dfd=-100 filename=/f flags=0x900 mask=2", "",
	     "arg=4 size=256 data=ff17000000000000002000000000000000000000000000000000000041810000" Z8 "0a00000000000000" Z8 Z8 Z32 Z32
	     Z128, "statx ret=0 buffer=0x10",
	     "statx(AT_FDCWD, \"/f\", AT_STATX_SYNC_AS_STAT|AT_SYMLINK_NOFOLLOW|AT_NO_AUTOMOUNT, STATX_MODE, "
	     "{stx_mask=STATX_BASIC_STATS|STATX_MNT_ID, stx_attributes=STATX_ATTR_MOUNT_ROOT, stx_mode=S_IFREG|0501, "
	     "stx_size=10, ...}) = 0");
	data("statfs pathname=/", "", "arg=1 size=120 data=53ef0000000000000010000000000000" Z8 "0100000000000000" Z8 Z8 Z8
	     "1500000000000000ff0000000000000000100000000000002010000000000000" Z32,
	     "statfs ret=0 buf=0x10", "statfs(\"/\", {f_type=EXT2_SUPER_MAGIC, f_bsize=4096, f_blocks=0, f_bfree=1, f_bavail=0, "
	     "f_files=0, f_ffree=0, f_fsid={val=[0x15, 0]}, f_namelen=255, f_frsize=4096, f_flags=ST_VALID|ST_RELATIME}) = 0");
	data("getdents64 fd=3 count=32768", "", "arg=1 size=29", "getdents64 ret=776 dirent=0x10",
	     "getdents64(3, 0x10 /* 29 entries */, 32768) = 776");
	data("fcntl fd=3 cmd=6 arg=0x10", "arg=2 size=32 data=0100000000000000" Z8 "0500000000000000" Z8, "", "fcntl ret=0",
	     "fcntl(3, F_SETLK, {l_type=F_WRLCK, l_whence=SEEK_SET, l_start=0, l_len=5}) = 0");
	data("fcntl fd=3 cmd=5 arg=0x10", "", "arg=2 size=32 data=0200000000000000" Z8 Z8 "0900000000000000", "fcntl ret=0",
	     "fcntl(3, F_GETLK, {l_type=F_UNLCK, l_whence=SEEK_SET, l_start=0, l_len=0, l_pid=9}) = 0");
	data("utimensat dfd=3 filename=f utimes=0x10 flags=0", "arg=2 size=32 data=0100000000000000020000000000000000000000000000"
	     "00ffffff3f00000000", "", "utimensat ret=0", "utimensat(3, \"f\", [{tv_sec=1, tv_nsec=2}, UTIME_NOW], 0) = 0");
	data("sendfile64 out_fd=1 in_fd=3 offset=0x10 count=9", "arg=2 size=8 data=0100000000000000",
	     "arg=2 size=8 data=0a00000000000000", "sendfile64 ret=9 offset=0x10", "sendfile(1, 3, [1] => [10], 9) = 9");
	/* A struct that is not whole is not shown. */
	data("newfstat fd=1", "", "arg=1 size=128 data=" Z8, "newfstat ret=0 statbuf=0x10", "fstat(1, 0x10) = 0");
	/* And what failed has written nothing. */
	data("newfstat fd=1", "", "arg=1 " STAT("00000000", Z8, Z8), "newfstat ret=-9 statbuf=0x10",
	     "fstat(1, 0x10) = -1 EBADF (Bad file descriptor)");
	(void)state;
}

static void test_data_of_processes(void **state)
{
	data("execve filename=/bin/ls argv=6c7300 envp=0x20", "arg=2 size=37", "", "execve ret=0",
	     "execve(\"/bin/ls\", [\"ls\"], 0x20 /* 37 vars */) = 0");
	data("execve filename=/bin/ls argv=6c73006100 envp=0x20", "arg=1 size=2;arg=2 size=1", "", "execve ret=0",
	     "execve(\"/bin/ls\", [\"ls\", \"a\"], 0x20 /* 1 vars */) = 0");
	data("execve filename=/bin/ls argv=6c73006100 envp=0x20", "arg=1 size=3;arg=2 size=1", "", "execve ret=0",
	     "execve(\"/bin/ls\", [\"ls\", \"a\", ...], 0x20 /* 1 vars */) = 0");
	data("rt_sigaction sig=2 act=0x10 act_data=01000000000000000000001400000000 sigsetsize=8",
	     "arg=1 size=32 data=010000000000000000000014000000003000000000000000" "0040000000000000",
	     "arg=2 size=32 data=" Z32, "rt_sigaction ret=0 oact=0x20",
	     "rt_sigaction(SIGINT, {sa_handler=SIG_IGN, sa_mask=[TERM], sa_flags=SA_RESTORER|SA_RESTART, sa_restorer=0x30}, "
	     "{sa_handler=SIG_DFL, sa_mask=[], sa_flags=0}, 8) = 0");
	data("rt_sigreturn", "arg=0 size=8 data=0200000000000000", "", "rt_sigreturn ret=0", "rt_sigreturn({mask=[INT]}) = 0");
	data("sigaltstack uss=0x10", "arg=0 size=24 data=" Z8 "02000000000000000020000000000000", "", "sigaltstack ret=0 uoss=0",
	     "sigaltstack({ss_sp=NULL, ss_flags=SS_DISABLE, ss_size=8192}, NULL) = 0");
	data("waitid which=0 upid=0 options=4", "", "arg=2 size=128 data=1100000000000000010000000000000009000000000000000300000000000000"
	     Z32 Z32 Z32, "waitid ret=0 infop=0x10", "waitid(P_ALL, 0, {si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid=9, si_uid=0, "
	     "si_status=3, si_utime=0, si_stime=0}, WEXITED, NULL) = 0");
	data("wait4 upid=-1 options=0", "", "arg=3 size=144 data=0100000000000000020000000000000003000000000000000400000000000000"
	     Z32 Z32 Z32 Z8 Z8, "wait4 ret=9 stat_addr=0x10 stat_addr_data=[0] ru=0x20", "wait4(-1, [{WIFEXITED(s) && "
	     "WEXITSTATUS(s) == 0}], 0, {ru_utime={tv_sec=1, tv_usec=2}, ru_stime={tv_sec=3, tv_usec=4}, ...}) = 9");
	data("prctl option=15 arg2=0x10", "arg=1 size=5 data=6e67696e78", "", "prctl ret=0", "prctl(PR_SET_NAME, \"nginx\") = 0");
	data("getresuid", "", "arg=0 size=4 data=01000000;arg=1 size=4 data=02000000;arg=2 size=4 data=00000000",
	     "getresuid ret=0 ruidp=1 euidp=2 suidp=3", "getresuid([1], [2], [0]) = 0");
	data("getgroups gidsetsize=9", "", "arg=1 size=8 data=0100000002000000", "getgroups ret=2 grouplist=0x10",
	     "getgroups(9, [1, 2]) = 2");
	data("getrandom len=3 flags=1", "", "arg=0 size=3 data=00ff41", "getrandom ret=3 ubuf=0x10",
	     "getrandom(\"\\x00\\xff\\x41\", 3, GRND_NONBLOCK) = 3");
	data("capget header=0x10", "arg=0 size=8 data=2205082007000000", "", "capget ret=0 dataptr=0x20 "
	     "dataptr_data=010000002100000000000000000000000000000000000000",
	     "capget({version=_LINUX_CAPABILITY_VERSION_3, pid=7}, {effective=1<<CAP_CHOWN, "
	     "permitted=1<<CAP_CHOWN|1<<CAP_KILL, inheritable=0}) = 0");
	/* What its caller finds behind parent_tid is what it returns. */
	data("clone3 uargs=0x10 size=88", "arg=0 size=88 data=00011000000000000010000000000000" "2000000000000000"
	     "3000000000000000" Z8 Z32 Z8 Z8, "", "clone3 ret=9",
	     "clone3({flags=CLONE_VM|CLONE_PARENT_SETTID, parent_tid=0x30, exit_signal=0, stack=NULL, stack_size=0} => "
	     "{parent_tid=[9]}, 88) = 9");
	data("newuname", "", "", "newuname ret=0 name=0x10", "uname(0x10) = 0");
	data("times", "", "arg=0 size=32 data=01000000000000000200000000000000" Z8 Z8, "times ret=5 tbuf=0x10",
	     "times({tms_utime=1 /* 0.01 s */, tms_stime=2 /* 0.02 s */, tms_cutime=0, tms_cstime=0}) = 5");
	data("clock_gettime which_clock=1", "", "arg=1 size=16 data=01000000000000000200000000000000",
	     "clock_gettime ret=0 tp=0x10", "clock_gettime(CLOCK_MONOTONIC, {tv_sec=1, tv_nsec=2}) = 0");
	(void)state;
}

static void test_data_of_devices(void **state)
{
	data("ioctl fd=0 cmd=0x5401 arg=0x10", "", "arg=2 size=36 data=0005000005000000bf0000003b8a0000" Z8 Z8 "00000000",
	     "ioctl ret=0", "ioctl(0, TCGETS, {c_iflag=ICRNL|IXON, c_oflag=NL0|CR0|TAB0|BS0|VT0|FF0|OPOST|ONLCR, "
	     "c_cflag=B38400|CS8|CREAD, c_lflag=ISIG|ICANON|ECHO|ECHOE|ECHOK|IEXTEN|ECHOCTL|ECHOKE, ...}) = 0");
	data("ioctl fd=0 cmd=0x5413 arg=0x10", "", "arg=2 size=8 data=1800500000000000", "ioctl ret=0",
	     "ioctl(0, TIOCGWINSZ, {ws_row=24, ws_col=80, ws_xpixel=0, ws_ypixel=0}) = 0");
	data("ioctl fd=0 cmd=0x541b arg=0x10", "", "arg=2 size=4 data=05000000", "ioctl ret=0", "ioctl(0, FIONREAD, [5]) = 0");
	data("ioctl fd=0 cmd=0x5421 arg=0x10", "arg=2 size=4 data=01000000", "", "ioctl ret=0", "ioctl(0, FIONBIO, [1]) = 0");
	call("ioctl fd=0 cmd=0xc0046103 arg=0", "ioctl ret=-25",
	     "ioctl(0, _IOC(_IOC_READ|_IOC_WRITE, 0x61, 0x3, 0x4), 0) = -1 ENOTTY (Inappropriate ioctl for device)");
	call("ioctl fd=3 cmd=0x5451 arg=0", "ioctl ret=0", "ioctl(3, FIOCLEX) = 0");
	/* A request that the rows do not know, whose argument is no address of what a row has. */
	data("ioctl fd=0 cmd=0x5421 arg=0x10", "", "arg=2 size=8 data=" Z8, "ioctl ret=0", "ioctl(0, FIONBIO, 0x10) = 0");
	(void)state;
}

/* Structs that are told by a table, as far as there is something of them. */
static void test_layouts(void **state)
{
	data("bpf cmd=0 uattr=0x10 size=24", "arg=1 size=128 data=020000000400000008000000030000000100000000000000" Z8 Z8 Z8, "",
	     "bpf ret=3", "bpf(BPF_MAP_CREATE, {map_type=BPF_MAP_TYPE_ARRAY, key_size=4, value_size=8, max_entries=3, map_flags=0x1, "
	     "inner_map_fd=0}, 24) = 3");
	data("bpf cmd=15 uattr=0x10 size=16", "arg=1 size=128 data=03000000580000001000000000000000" Z8, "", "bpf ret=0",
	     "bpf(BPF_OBJ_GET_INFO_BY_FD, {info={bpf_fd=3, info_len=88, info=0x10}}, 16) = 0");
	/* Less than it must be, and a command that is not known: what every recording has. */
	call("bpf cmd=0 uattr=0x10 uattr_data=0200 size=2", "bpf ret=-22", "bpf(BPF_MAP_CREATE, \"\\2\\0\", 2) = -1 EINVAL (Invalid argument)");
	call("bpf cmd=99 uattr=0x10 uattr_data=0200 size=2", "bpf ret=-22", "bpf(99, \"\\2\\0\", 2) = -1 EINVAL (Invalid argument)");
	call("perf_event_open attr_uptr=0x10 attr_uptr_data=0100000080000000" Z8 "64000000000000000300000000000000" Z8 "2100000000000000" Z8 Z8
	     " pid=0 cpu=-1 group_fd=-1 flags=8", "perf_event_open ret=3",
	     "perf_event_open({type=PERF_TYPE_SOFTWARE, size=128, config=0, sample_period=100, sample_type=PERF_SAMPLE_IP|PERF_SAMPLE_TID, "
	     "read_format=0, disabled=1, exclude_kernel=1, ...}, 0, -1, -1, PERF_FLAG_FD_CLOEXEC) = 3");
	call("semop semid=1 tsops=0x10 tsops_data=0000ffff0000010002000010 nsops=2", "semop ret=0",
	     "semop(1, [{sem_num=0, sem_op=-1, sem_flg=0}, {sem_num=1, sem_op=2, sem_flg=SEM_UNDO}], 2) = 0");
	data("ioctl fd=3 cmd=35093 arg=0x10", "", "arg=2 size=40 data=6c6f0000000000000000000000000000020000007f000001" Z8 Z8, "ioctl ret=0",
	     "ioctl(3, SIOCGIFADDR, {ifr_name=\"lo\", ifr_addr={sa_family=AF_INET, sin_port=htons(0), sin_addr=inet_addr(\"127.0.0.1\")}}) = 0");
	data("sched_getattr pid=0 usize=48 flags=0", "", "arg=1 size=56 data=3000000000000000" Z8 "fbffffff00000000" Z8 Z8 Z8 "0100000002000000",
	     "sched_getattr ret=0 uattr=0x10",
	     "sched_getattr(0, {size=48, sched_policy=SCHED_OTHER, sched_flags=0, sched_nice=-5, sched_priority=0, sched_runtime=0, "
	     "sched_deadline=0, sched_period=0}, 48, 0) = 0");
	/* What other arguments and results mean, by one of them. */
	call("prctl option=28 arg2=1 arg3=7", "prctl ret=0", "prctl(PR_SET_SECUREBITS, SECBIT_NOROOT) = 0");
	call("prctl option=27", "prctl ret=16", "prctl(PR_GET_SECUREBITS) = 0x10 (SECBIT_KEEP_CAPS)");
	call("prctl option=3", "prctl ret=1", "prctl(PR_GET_DUMPABLE) = 1 (SUID_DUMP_USER)");
	call("prctl option=30", "prctl ret=1", "prctl(PR_GET_TIMERSLACK) = 1");
	call("prctl option=47 arg2=2 arg3=0 arg4=0 arg5=0", "prctl ret=0", "prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 0, 0) = 0");
	call("keyctl option=6 arg2=0xfffffffd arg3=0x10 arg4=10 arg5=9", "keyctl ret=5",
	     "keyctl(KEYCTL_DESCRIBE, KEY_SPEC_SESSION_KEYRING, 0x10, 0xa) = 5");
	call("sched_getscheduler pid=0", "sched_getscheduler ret=3", "sched_getscheduler(0) = 3 (SCHED_BATCH)");
	call("socket family=16 type=0x80003 protocol=0", "socket ret=3", "socket(AF_NETLINK, SOCK_RAW|SOCK_CLOEXEC, NETLINK_ROUTE) = 3");
	(void)state;
}

static void test_data_of_io(void **state)
{
	data("writev fd=1 vec=0x10 vlen=2 vec_data=6162", "arg=1 part=1 index=0 size=2 data=6162;arg=1 part=1 index=1 size=50 data=63",
	     "", "writev ret=52", "writev(1, [{iov_base=\"ab\", iov_len=2}, {iov_base=\"c\"..., iov_len=50}], 2) = 52");
	data("readv fd=0 vlen=3", "", "arg=1 part=1 index=0 size=2 data=6162;arg=1 part=1 index=1 size=50 data=63", "readv ret=3",
	     "readv(0, [{iov_base=\"ab\", iov_len=2}, {iov_base=\"c\", iov_len=50}, ...], 3) = 3");
	/* Read again at the exit, as it was not in memory. */
	data("writev fd=1 vec=0x10 vlen=1", "arg=1 part=1 size=2;arg=1 part=1 size=2 data=6162", "", "writev ret=2",
	     "writev(1, [{iov_base=\"ab\", iov_len=2}], 1) = 2");
	/* Address, its length; iovecs, control messages; flags. */
	data("sendmsg fd=3 msg=0x10 msg_name=02000035080808080000000000000000 msg_data=6162 flags=0x4000",
	     "arg=1 size=56 data=01000000000000001000000000000000" "0200000000000000010000000000000003000000000000001800000000000000"
	     "0000000000000000;arg=1 part=2 size=24 data=180000000000000001000000010000000500000006000000;"
	     "arg=1 part=1 size=2 data=6162", "", "sendmsg ret=2",
	     "sendmsg(3, {msg_name={sa_family=AF_INET, sin_port=htons(53), sin_addr=inet_addr(\"8.8.8.8\")}, msg_namelen=16, "
	     "msg_iov=[{iov_base=\"ab\", iov_len=2}], msg_iovlen=1, msg_control=[{cmsg_len=24, cmsg_level=SOL_SOCKET, "
	     "cmsg_type=SCM_RIGHTS, cmsg_data=[5, 6]}], msg_controllen=24, msg_flags=0}, MSG_NOSIGNAL) = 2");
	data("recvmsg fd=3 msg=0x10 flags=0", "", "arg=1 size=56 data=" Z8 Z8 "02000000000000000100000000000000" Z8 Z8
	     "2000000000000000;arg=1 part=1 size=9 data=6162", "recvmsg ret=2 msg=0x10 msg_data=6162",
	     "recvmsg(3, {msg_name=NULL, msg_namelen=0, msg_iov=[{iov_base=\"ab\", iov_len=9}], msg_iovlen=1, msg_controllen=0, "
	     "msg_flags=MSG_TRUNC}, 0) = 2");
	data("recvmsg fd=3 msg=0x10 flags=0", "arg=1 size=56 data=0100000000000000100000000000000002000000000000000100000000000000" Z8 Z8 Z8,
	     "arg=1 size=56 data=0100000000000000000000000000000002000000000000000100000000000000" Z8 Z8 Z8 ";arg=1 part=1 size=9 data=6162",
	     "recvmsg ret=2 msg=0x10 msg_data=6162", "recvmsg(3, {msg_name=0x1, msg_namelen=16 => 0, msg_iov=[{iov_base=\"ab\", "
	     "iov_len=9}], msg_iovlen=1, msg_controllen=0, msg_flags=0}, 0) = 2");
	data("recvmsg fd=3 msg=0x10 flags=0", "arg=1 size=56 data=010000000000000010000000000000000200000000000000" Z32, "",
	     "recvmsg ret=-11 msg=0x10",
	     "recvmsg(3, {msg_namelen=16}, 0) = -1 EAGAIN (Resource temporarily unavailable)");
	data("sendmmsg fd=3 mmsg=0x10 vlen=2 flags=0", "", "arg=1 size=64 data=" Z8 Z8 "02000000000000000100000000000000" Z8 Z8 Z8
	     "0200000000000000;arg=1 part=1 size=2 data=6162", "sendmmsg ret=1",
	     "sendmmsg(3, [{msg_hdr={msg_name=NULL, msg_namelen=0, msg_iov=[{iov_base=\"ab\", iov_len=2}], msg_iovlen=1, "
	     "msg_controllen=0, msg_flags=0}, msg_len=2}], 2, 0) = 1");
	data("select n=10 inp=0x10 outp=0x20 exp=0 tvp=0x30 tvp_data=01000000000000000000000000000000",
	     "arg=1 size=128 data=" SET("2800000000000000") ";arg=2 size=128 data=" SET(Z8),
	     "arg=1 size=128 data=" SET("0800000000000000") ";arg=2 size=128 data=" SET(Z8)
	     ";arg=4 size=16 data=" Z8 "0500000000000000", "select ret=1 inp=0x10 outp=0x20 exp=0 tvp=0x30",
	     "select(10, [3 5], [], NULL, {tv_sec=1, tv_usec=0}) = 1 (in [3], left {tv_sec=0, tv_usec=5})");
	data("select n=4 inp=0x10 outp=0 exp=0 tvp=0x30 tvp_data=" Z8 Z8, "arg=1 size=128 data=" SET("0800000000000000"),
	     "arg=1 size=128 data=" SET(Z8), "select ret=0 inp=0x10", "select(4, [3], NULL, NULL, {tv_sec=0, tv_usec=0}) = 0 (Timeout)");
	data("poll ufds=0x10 ufds_data=0300000001000000 nfds=2 timeout_msecs=-1", "arg=0 size=16 data=03000000010000000400000001000000",
	     "arg=0 size=16 data=03000000010000000400000001000100", "poll ret=1 ufds=0x10 ufds_data=0300000001000000",
	     "poll([{fd=3, events=POLLIN}, {fd=4, events=POLLIN}], 2, -1) = 1 ([{fd=4, revents=POLLIN}])");
	data("epoll_wait epfd=3 maxevents=9 timeout=-1", "", "arg=1 size=" EPOLL_BOTH " data=" EPOLL("01000000", "0500000000000000") EPOLL("01000000", "0600000000000000"),
	     "epoll_wait ret=2 events=0x10 events_data=" EPOLL("01000000", "0500000000000000"),
	     "epoll_wait(3, [{events=EPOLLIN, data={u32=5, u64=5}}, {events=EPOLLIN, data={u32=6, u64=6}}], 9, -1) = 2");
	data("getsockname fd=3 usockaddr_len=0x20", "arg=2 size=4 data=80000000", "", "getsockname ret=0 usockaddr=0x10 "
	     "usockaddr_data=02001f907f0000010000000000000000 usockaddr_len=0x20",
	     "getsockname(3, {sa_family=AF_INET, sin_port=htons(8080), sin_addr=inet_addr(\"127.0.0.1\")}, [128 => 16]) = 0");
	call("setsockopt fd=3 level=1 optname=13 optval=0x10 optval_data=0100000005000000 optlen=8", "setsockopt ret=0",
	     "setsockopt(3, SOL_SOCKET, SO_LINGER, {l_onoff=1, l_linger=5}, 8) = 0");
	/* What may still change is not in the first part of a line that is cut. */
	lines(ASKED(0),
	      "@1 tid=20 pid=20 container=2 syscall_entry_prctl option=15 arg2=0x10\n"
	      "@2 tid=20 pid=20 container=2 syscall_data arg=1 size=2 data=6162\n"
	      "@3 tid=20 pid=20 container=2 syscall_exit_prctl ret=0\n"
	      "@10 tid=7 pid=7 container=1 syscall_entry_writev fd=1 vec=0x10 vlen=1 vec_data=6162\n"
	      "@11 tid=20 pid=20 container=2 syscall_entry_getpid\n@12 tid=20 pid=20 container=2 syscall_exit_getpid ret=1\n"
	      "@13 tid=7 pid=7 container=1 syscall_data arg=1 part=1 size=2 data=6162\n"
	      "@20 tid=7 pid=7 container=1 syscall_exit_writev ret=2\n",
	      "[db] postgres[20] prctl(PR_SET_NAME, \"ab\") = 0\n"
	      "[web] nginx[7] writev(1,  <unfinished ...>\n"
	      "[db] postgres[20] getpid() = 1\n"
	      "[web] nginx[7] <... writev resumed>[{iov_base=\"ab\", iov_len=2}], 1) = 2\n");
	(void)state;
}

/* Events that no recorder writes: of arguments and parts that there are not, too many, too short. */
static void test_any_data(void **state)
{
	static const char *const of[] = { "recvmsg", "sendmmsg", "readv", "ioctl", "newfstat", "select", "rt_sigreturn", "getpid" };
	uint64_t x = 7;

	for (unsigned int round = 0; round < 300; round++) {
		const char *name = of[round % PH_ARRAY_SIZE(of)];
		ph_autobuf events = { 0 };
		ph_autofree char *got = NULL;

		ph_buf_addf(&events, "@1 tid=7 pid=7 container=1 syscall_entry_%s\n", name);
		for (int i = 0; i < 20; i++) {
			x = x * 6364136223846793005 + 1442695040888963407;
			ph_buf_addf(&events, "@2 tid=7 pid=7 container=1 syscall_data arg=%u at_exit=%u part=%u index=%u size=%lu data=",
				    (unsigned int)(x >> 60 & 7), (unsigned int)(x >> 50 & 1), (unsigned int)(x >> 40 & 3),
				    (unsigned int)(x >> 30 & 31), (unsigned long)(x >> (x & 63)));
			for (unsigned int n = x >> 20 & 0x7f; n; n--)
				ph_buf_addf(&events, "%02x", (unsigned int)((x * n) >> 13 & (round % 2 ? 0xff : 3)));
			ph_buf_addc(&events, '\n');
		}
		ph_buf_addf(&events, "@9 tid=7 pid=7 container=1 syscall_exit_%s ret=%u\n", name, round % 5);
		got = shown(ASKED(0), events.p);
		for (const char *c = got; *c; c++)
			assert_true((unsigned char)*c >= 0x20 ? *c != 0x7f : *c == '\n');
	}
	(void)state;
}

static const struct ph_syscall *call_named(const char *name)
{
	for (int nr = 0; nr < ph_syscall_end(false); nr++) {
		const struct ph_syscall *sc = ph_syscall_by_nr(nr, false);

		if (sc && !strcmp(sc->name, name))
			return sc;
	}
	fail_msg("there is no call %s", name);
	return NULL;
}

/* Every struct that there is, cut off anywhere and with any number in every place, its length told as anything. */
static void test_any_struct(void **state)
{
	size_t n;
	const struct ph_calldata *rows = ph_calldata_all(&n);
	uint64_t x = 11;

	for (size_t i = 0; i < n; i++) {
		const struct ph_data_def *d = &rows[i].def;
		const struct ph_syscall *sc = call_named(rows[i].call);
		ph_autobuf events = { 0 };
		ph_autofree char *got = NULL;

		for (unsigned int len = 0; len < d->size + 90u; len += len < 20 ? 1 : 5) {
			const char *fill[] = { "00", "ff", "01", NULL };

			ph_buf_addf(&events, "@%u tid=7 pid=7 container=1 syscall_entry_%s", 10 * len, rows[i].call);
			for (uint32_t f = 0; f < sc->entry->nfields; f++)
				if (sc->entry_src[f] < CALL_ARGS)
					ph_buf_addf(&events, " %s=%u", sc->entry->fields[f].name,
						    sc->entry_src[f] + 1 == d->if_arg ? d->if_value : 900);
			for (int part = 0; part < 3; part++) {
				x = x * 6364136223846793005 + 1442695040888963407;
				ph_buf_addf(&events, "\n@%u tid=7 pid=7 container=1 syscall_data arg=%u at_exit=%u part=%d index=0 "
					    "size=%lu data=", 10 * len, d->arg, d->at_exit, part, (unsigned long)(x >> (len & 63)));
				for (unsigned int k = 0; k < (part == PH_DATA_CONTROL ? len % 40 : len); k++) {
					x = x * 6364136223846793005 + 1442695040888963407;
					if (fill[len % 4])
						ph_buf_adds(&events, fill[len % 4]);
					else
						ph_buf_addf(&events, "%02x", (unsigned int)(x >> 56));
				}
			}
			ph_buf_addf(&events, "\n@%u tid=7 pid=7 container=1 syscall_exit_%s ret=%u\n", 10 * len, rows[i].call, len % 5);
		}
		got = shown(ASKED(0), events.p);
		for (const char *c = got; *c; c++)
			assert_true((unsigned char)*c >= 0x20 ? *c != 0x7f : *c == '\n');
	}
	(void)state;
}

/* What a program has in its memory may be anything, and of any length. */
static void test_any_bytes(void **state)
{
	static const uint8_t kinds[] = { PH_CAP_ARG_LEN, PH_CAP_RET_LEN, PH_CAP_FIXED, PH_CAP_MSG };
	uint64_t x = 1;
	char bytes[160];

	for (unsigned int round = 0; round < 200; round++) {
		for (size_t i = 0; i < sizeof(bytes); i++) {
			x = x * 6364136223846793005 + 1442695040888963407;
			bytes[i] = (char)(round % 3 ? x >> 56 : x >> 62);
		}
		for (unsigned int unit = 0; unit < PH_UNIT_MAX; unit++) {
			struct ph_capture cap = { .kind = kinds[round % 4], .arg = round % 6, .len = round % 2 ? 12 : 16 };
			/* At the very end of what may be read. */
			size_t n = (round * 7 + unit) % (sizeof(bytes) + 1);
			char *edge = malloc(n + !n);
			ph_autobuf b = { 0 };

			memcpy(edge, bytes, n);
			call_add_data(&b, unit, &cap, edge, n, n + round % 2, 32);
			for (size_t i = 0; i < b.len; i++)
				assert_true((unsigned char)b.p[i] >= 0x20 && b.p[i] != 0x7f);
			free(edge);
		}
	}
	(void)state;
}

/* A string whose page was not in memory at the entry. */
static void test_late_string(void **state)
{
	lines(ASKED(0),
	      "@10 tid=7 pid=7 container=1 syscall_entry_openat dfd=-100 filename=\"\" flags=0\n"
	      "@11 tid=20 pid=20 container=2 syscall_entry_getpid\n"
	      "@12 tid=20 pid=20 container=2 syscall_exit_getpid ret=1\n"
	      "@19 tid=7 pid=7 container=1 syscall_late_string nr=openat arg=1 value=/late\n"
	      "@20 tid=7 pid=7 container=1 syscall_exit_openat ret=3\n",
	      "[web] nginx[7] openat(AT_FDCWD,  <unfinished ...>\n"
	      "[db] postgres[20] getpid() = 1\n"
	      "[web] nginx[7] <... openat resumed>\"/late\", O_RDONLY) = 3\n");
	(void)state;
}

/* ---- lines ------------------------------------------------------------------------------------------ */

static const char two[] =
	"@1000 tid=7 pid=7 container=1 syscall_entry_read fd=3 count=10\n"
	"@2000 tid=8 pid=7 container=1 syscall_entry_close fd=9\n"
	"@3000 tid=8 pid=7 container=1 syscall_exit_close ret=0\n"
	"@4000 tid=20 pid=20 container=2 syscall_entry_close fd=4\n"
	"@5000 tid=7 pid=7 container=1 syscall_exit_read ret=1 buf_data=61\n"
	"@6000 tid=20 pid=20 container=2 syscall_exit_close ret=-5\n"
	"@7000 tid=99 pid=99 container=0 syscall_entry_getuid\n"
	"@8000 tid=99 pid=99 container=0 syscall_exit_getuid ret=0\n";

static void test_unfinished(void **state)
{
	lines(ASKED(0), two,
	      "[web] nginx[7] read(3,  <unfinished ...>\n"
	      "[web] worker[8] close(9) = 0\n"
	      "[db] postgres[20] close(4 <unfinished ...>\n"
	      "[web] nginx[7] <... read resumed>\"a\", 10) = 1\n"
	      "[db] postgres[20] <... close resumed>) = -1 EIO (Input/output error)\n"
	      "bash[99] getuid() = 0\n");
	/* What is not shown comes into no line. */
	lines(ASKED(.container = "db"), two, "[db] postgres[20] close(4) = -1 EIO (Input/output error)\n");
	lines(ASKED(.set = "read"), two, "[web] nginx[7] read(3, \"a\", 10) = 1\n");
	lines(ASKED(.set = "!read,getuid"), two,
	      "[web] worker[8] close(9) = 0\n[db] postgres[20] close(4) = -1 EIO (Input/output error)\n");
	/* What must have ended to be judged is told then. */
	lines(ASKED(CALLS(.failed = true)), two, "[db] postgres[20] close(4) = -1 EIO (Input/output error)\n");
	lines(ASKED(CALLS(.succeeded = true), .max = 2), two,
	      "[web] worker[8] close(9) = 0\n[web] nginx[7] read(3, \"a\", 10) = 1\n");
	lines(ASKED(.filter = "call == close && ret == 0"), two, "[web] worker[8] close(9) = 0\n");
	lines(ASKED(.min_ns = 3000), two, "[web] nginx[7] read(3, \"a\", 10) = 1\n");
	/* And what has not ended at all. */
	lines(ASKED(0), "@1 tid=7 pid=7 container=1 syscall_entry_read fd=3 count=10\n",
	      "[web] nginx[7] read(3,  <unfinished ...>\n");
	(void)state;
}

static void test_times(void **state)
{
	const char *one = "@1500000000 tid=7 pid=7 container=1 syscall_entry_close fd=9\n"
			  "@1500012999 tid=7 pid=7 container=1 syscall_exit_close ret=0\n"
			  "@1700000000 tid=7 pid=7 container=1 syscall_entry_getuid\n"
			  "@1700001000 tid=7 pid=7 container=1 syscall_exit_getuid ret=0\n";

	lines(ASKED(CALLS(.duration = true), .set = "close"), one, "[web] nginx[7] close(9) = 0 <0.000012>\n");
	lines(ASKED(CALLS(.time = PH_CALLS_SEC), .set = "close"), one, "00:00:01 [web] nginx[7] close(9) = 0\n");
	lines(ASKED(CALLS(.time = PH_CALLS_USEC), .set = "close"), one, "00:00:01.500000 [web] nginx[7] close(9) = 0\n");
	lines(ASKED(CALLS(.time = PH_CALLS_UNIX), .set = "close"), one, "1.500000 [web] nginx[7] close(9) = 0\n");
	lines(ASKED(CALLS(.relative = true)), one,
	      "     0.000000 [web] nginx[7] close(9) = 0\n     0.200000 [web] nginx[7] getuid() = 0\n");
	(void)state;
}

static void test_ends(void **state)
{
	lines(ASKED(0),
	      "@5 tid=8 pid=7 container=1 syscall_entry_read fd=3 count=10\n"
	      "@10 tid=7 pid=7 container=1 syscall_entry_exit_group error_code=3\n"
	      "@15 tid=8 pid=7 container=1 sched_process_exit comm=worker tid=8 exit_code=9\n"
	      "@20 tid=7 pid=7 container=1 sched_process_exit comm=nginx tid=7 exit_code=768\n"
	      "@25 tid=20 pid=20 container=2 signal_deliver sig=17 code=1\n",
	      "[web] worker[8] read(3,  <unfinished ...>\n"
	      "[web] nginx[7] exit_group(3 <unfinished ...>\n"
	      "[web] worker[8] <... read resumed>?, 10) = ?\n"
	      "[web] worker[8] +++ killed by SIGKILL +++\n"
	      "[web] nginx[7] <... exit_group resumed>) = ?\n"
	      "[web] nginx[7] +++ exited with 3 +++\n"
	      "[db] postgres[20] --- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED} ---\n");
	/* An exec of a thread makes it its process's first. */
	lines(ASKED(0),
	      "@10 tid=8 pid=7 container=1 syscall_entry_execve filename=/bin/ls\n"
	      "@20 tid=7 pid=7 container=1 sched_process_exec filename=/bin/ls tid=7 old_tid=8\n"
	      "@30 tid=7 pid=7 container=1 syscall_exit_execve ret=0\n",
	      "[web] ls[7] execve(\"/bin/ls\", [], NULL) = 0\n");
	/* A child returns from a call that it has not begun; what began before a gap may have ended in it. */
	lines(ASKED(0),
	      "@10 tid=8 pid=7 container=1 syscall_exit_clone ret=0\n"
	      "@20 tid=7 pid=7 container=1 syscall_entry_close fd=1\n"
	      "@30 cpu=0 events_discarded count=5 begin_ns=22 end_ns=28\n"
	      "@40 tid=7 pid=7 container=1 syscall_exit_close ret=0\n", "");
	(void)state;
}

/* By who made it and why; SIGKILL's line is the end's. */
static void test_signals(void **state)
{
#define SIG(fields, info) "@5 tid=7 pid=7 container=1 signal_deliver " fields " info=" info "\n"
#define NONE16 "00000000000000000000000000000000"
#define LINE "[web] nginx[7] --- "
	lines(ASKED(0),
	      SIG("sig=17 code=1", "0900000001000000020000000000000003000000000000000400000000000000")
	      SIG("sig=17 code=2", "09000000010000000f0000000000000003000000000000000400000000000000")
	      SIG("sig=15 code=0", "0900000001000000" NONE16 "0000000000000000")
	      SIG("sig=15 code=-6", "0900000001000000" NONE16 "0000000000000000")
	      SIG("sig=35 code=-1 errno=5", "090000000100000007000000ff000000" NONE16)
	      SIG("sig=14 code=-2", "01000000020000000700000000000000" NONE16)
	      SIG("sig=14 code=128", NONE16 NONE16)
	      SIG("sig=11 code=1", "10000000000000000000000000000000" NONE16)
	      SIG("sig=11 code=128", NONE16 NONE16)
	      SIG("sig=7 code=77", NONE16 NONE16)
	      SIG("sig=8 code=1", "ffee000000000000" NONE16 "0000000000000000")
	      SIG("sig=29 code=1", "41000000000000000300000000000000" NONE16)
	      SIG("sig=31 code=1", "ffee000000000000270000003e0000c0" NONE16)
	      SIG("sig=9 code=0", NONE16 NONE16)
	      SIG("sig=10 code=0", "09"),
	      LINE "SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid=9, si_uid=1, si_status=2, si_utime=3 /* 0.03 s */, si_stime=4 /* 0.04 s */} ---\n"
	      LINE "SIGCHLD {si_signo=SIGCHLD, si_code=CLD_KILLED, si_pid=9, si_uid=1, si_status=SIGTERM, si_utime=3 /* 0.03 s */, si_stime=4 /* 0.04 s */} ---\n"
	      LINE "SIGTERM {si_signo=SIGTERM, si_code=SI_USER, si_pid=9, si_uid=1} ---\n"
	      LINE "SIGTERM {si_signo=SIGTERM, si_code=SI_TKILL, si_pid=9, si_uid=1} ---\n"
	      LINE "SIGRT_3 {si_signo=SIGRT_3, si_errno=EIO, si_code=SI_QUEUE, si_pid=9, si_uid=1, si_int=7, si_ptr=0xff00000007} ---\n"
	      LINE "SIGALRM {si_signo=SIGALRM, si_code=SI_TIMER, si_timerid=0x1, si_overrun=2, si_int=7, si_ptr=0x7} ---\n"
	      LINE "SIGALRM {si_signo=SIGALRM, si_code=SI_KERNEL} ---\n"
	      LINE "SIGSEGV {si_signo=SIGSEGV, si_code=SEGV_MAPERR, si_addr=0x10} ---\n"
	      LINE "SIGSEGV {si_signo=SIGSEGV, si_code=SI_KERNEL, si_addr=NULL} ---\n"
	      LINE "SIGBUS {si_signo=SIGBUS, si_code=77, si_addr=NULL} ---\n"
	      LINE "SIGFPE {si_signo=SIGFPE, si_code=FPE_INTDIV, si_addr=0xeeff} ---\n"
	      LINE "SIGIO {si_signo=SIGIO, si_code=POLL_IN, si_band=65, si_fd=3} ---\n"
	      LINE "SIGSYS {si_signo=SIGSYS, si_code=SYS_SECCOMP, si_call_addr=0xeeff, si_syscall=39, si_arch=0xc000003e} ---\n"
	      LINE "SIGUSR1 {si_signo=SIGUSR1, si_code=SI_USER} ---\n");
	(void)state;
}

static void test_paths(void **state)
{
	lines(ASKED(CALLS(.paths = true)),
	      "@10 tid=7 pid=7 container=1 syscall_entry_openat dfd=-100 filename=/etc/passwd flags=0\n"
	      "@20 tid=7 pid=7 container=1 syscall_exit_openat ret=3\n"
	      "@30 tid=7 pid=7 container=1 syscall_entry_dup2 oldfd=3 newfd=1\n"
	      "@40 tid=7 pid=7 container=1 syscall_exit_dup2 ret=1\n"
	      "@50 tid=7 pid=7 container=1 syscall_entry_close fd=3\n"
	      "@60 tid=7 pid=7 container=1 syscall_exit_close ret=0\n"
	      "@70 tid=7 pid=7 container=1 syscall_entry_socket family=2 type=1\n"
	      "@71 tid=7 pid=7 container=1 syscall_exit_socket ret=3\n"
	      "@72 tid=7 pid=7 container=1 syscall_entry_connect fd=3 uservaddr_data=02000050010203040000000000000000 addrlen=16\n"
	      "@73 tid=7 pid=7 container=1 syscall_exit_connect ret=-115\n"
	      "@74 tid=8 pid=7 container=1 syscall_entry_close fd=3\n"
	      "@75 tid=8 pid=7 container=1 syscall_exit_close ret=0\n"
	      "@76 tid=8 pid=7 container=1 syscall_entry_accept fd=9 upeer_addrlen=0x10\n"
	      "@77 tid=8 pid=7 container=1 syscall_exit_accept ret=3 upeer_sockaddr_data=02001f90050607080000000000000000\n"
	      "@78 tid=20 pid=20 container=2 syscall_entry_fsync fd=3\n"
	      "@79 tid=20 pid=20 container=2 syscall_exit_fsync ret=0\n",
	      "[web] nginx[7] openat(AT_FDCWD, \"/etc/passwd\", O_RDONLY) = 3</etc/passwd>\n"
	      "[web] nginx[7] dup2(3</etc/passwd>, 1</log>) = 1</etc/passwd>\n"
	      "[web] nginx[7] close(3</etc/passwd>) = 0\n"
	      "[web] nginx[7] socket(AF_INET, SOCK_STREAM, IPPROTO_IP) = 3<socket>\n"
	      "[web] nginx[7] connect(3<socket>, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr(\"1.2.3.4\")}, 16) = "
	      "-1 EINPROGRESS (Operation now in progress)\n"
	      "[web] worker[8] close(3<1.2.3.4:80>) = 0\n"
	      "[web] worker[8] accept(9, {sa_family=AF_INET, sin_port=htons(8080), sin_addr=inet_addr(\"5.6.7.8\")}, [16]) = "
	      "3<5.6.7.8:8080>\n"
	      "[db] postgres[20] fsync(3) = 0\n");
	(void)state;
}

static void test_table(void **state)
{
	lines(ASKED(.output = PH_OUT_CSV, .fields = "time_ns,container,tid,call,args,ret,error,duration_ns"), two,
	      "time_ns,container,tid,call,args,ret,error,duration_ns\r\n"
	      "2000,web,8,close,9,0,,1000\r\n"
	      "1000,web,7,read,\"3, \"\"a\"\", 10\",1,,4000\r\n"
	      "4000,db,20,close,4,-5,EIO,2000\r\n"
	      "7000,,99,getuid,,0,,1000\r\n");
	lines(ASKED(.fields = "call,ret", .sort = "-duration_ns", .max = 1), two, "CALL  RET\nread    1\n");
	(void)state;
}

/* ---- the summary -------------------------------------------------------------------------------------- */

static void test_summary(void **state)
{
	static const char more[] =
		"@11000 tid=7 pid=7 container=1 syscall_entry_read fd=3 count=10\n"
		"@13000 tid=7 pid=7 container=1 syscall_exit_read ret=-11\n"
		"@14000 tid=7 pid=7 container=1 syscall_entry_exit_group\n"
		"@19000 tid=7 pid=7 container=1 sched_process_exit tid=7\n";
	ph_autofree char *events = ph_asprintf("%s%s", two, more);

	lines(ASKED(CALLS(.only_summary = true), .output = PH_OUT_CSV, .fields = "container,call,calls,errors,total_ns,avg_ns,max_ns"),
	      events,
	      "container,call,calls,errors,total_ns,avg_ns,max_ns\r\n"
	      "web,read,2,1,6000,3000,4000\r\nweb,close,1,0,1000,1000,1000\r\n"
	      "db,close,1,1,2000,2000,2000\r\n,getuid,1,0,1000,1000,1000\r\n");
	lines(ASKED(CALLS(.only_summary = true), .container = "web"), events,
	      "CONTAINER  %TIME  TOTAL  AVERAGE   P99  CALLS  ERRORS  CALL\n"
	      "web         85.7   6 us     3 us  4 us      2       1  read\n"
	      "web         14.3   1 us     1 us  1 us      1       0  close\n"
	      "web        100.0   7 us  2.33 us     -      3       1  total\n");
	/* A filter may be about arguments. */
	lines(ASKED(CALLS(.only_summary = true), .output = PH_OUT_CSV, .fields = "call,calls", .filter = "args ~ \"4*\""), events,
	      "call,calls\r\nclose,1\r\n");
	lines(ASKED(CALLS(.summary = true), .container = "db"), events,
	      "[db] postgres[20] close(4) = -1 EIO (Input/output error)\n"
	      "CONTAINER  %TIME  TOTAL  AVERAGE   P99  CALLS  ERRORS  CALL\n"
	      "db         100.0   2 us     2 us  2 us      1       1  close\n"
	      "db         100.0   2 us     2 us     -      1       1  total\n");
	(void)state;
}

/* ---- which calls ---------------------------------------------------------------------------------------- */

static bool has(const char *list, const char *event)
{
	struct ph_evset set = { 0 };
	struct ph_err err = { 0 };
	bool in;

	if (ph_callset_parse(list, &set.words, &err) < 0 || ph_evset_check(&set, &err) < 0)
		fail_msg("%s: %s", list, err.msg);
	in = ph_evset_has(&set, ph_class_by_name(event));
	ph_evset_done(&set);
	return in;
}

static void test_callset(void **state)
{
	static const struct { const char *list, *says; } wrong[] = {
		{ "opne", "did you mean 'open'?" }, { "%files", "did you mean '%file'?" }, { "", "''" },
		{ "signal=SIGINT", "only trace=" }, { "none", "no system call" }, { "!all", "no system call" },
		{ "open,!close", "in front of the whole list" }, { "?nosuch", "no system call" }, { "open,,close", "''" },
	};
	struct ph_err err = { 0 };
	ph_strv words = { 0 };
	const char *name;

	assert_true(has("open,close", "syscall_entry_close"));
	assert_true(has("close", "compat_syscall_exit_close"));
	assert_false(has("open,close", "syscall_entry_read"));
	assert_true(has("trace=stat", "syscall_entry_newstat") && has("newstat", "syscall_entry_newstat"));
	assert_true(has("%file", "syscall_exit_openat") && has("%file", "syscall_entry_execve"));
	assert_false(has("%file", "syscall_entry_close"));
	assert_true(has("file,%net", "syscall_entry_connect") && has("t=%desc", "syscall_entry_newfstat"));
	assert_true(has("!close", "syscall_entry_read"));
	assert_false(has("!close,%file", "syscall_entry_close") || has("!close,%file", "syscall_entry_openat"));
	assert_false(has("!close", "sched_switch") || has("all", "signal_generate"));
	assert_true(has("all", "syscall_entry_unknown") && has("fsync,?nosuch", "syscall_entry_fsync"));
	assert_true(has("*at", "syscall_entry_unlinkat"));
	for (size_t i = 0; (name = ph_callset_class_nth(i)); i++)
		assert_int_equal(ph_callset_parse(name, &words, &err), 0);
	ph_strv_done(&words);
	for (size_t i = 0; i < PH_ARRAY_SIZE(wrong); i++) {
		assert_int_equal(ph_callset_parse(wrong[i].list, &words, &err), -EINVAL);
		if (!strstr(err.msg, wrong[i].says))
			fail_msg("'%s': %s", wrong[i].list, err.msg);
		ph_strv_done(&words);
	}
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers), cmocka_unit_test(test_number_of_arguments), cmocka_unit_test(test_buffers),
		cmocka_unit_test(test_structures), cmocka_unit_test(test_any_bytes),
		cmocka_unit_test(test_data_of_files), cmocka_unit_test(test_data_of_processes),
		cmocka_unit_test(test_data_of_devices), cmocka_unit_test(test_layouts), cmocka_unit_test(test_data_of_io), cmocka_unit_test(test_any_data), cmocka_unit_test(test_any_struct),
		cmocka_unit_test(test_late_string), cmocka_unit_test(test_unfinished),
		cmocka_unit_test(test_times), cmocka_unit_test(test_ends), cmocka_unit_test(test_signals), cmocka_unit_test(test_paths),
		cmocka_unit_test(test_table), cmocka_unit_test(test_summary), cmocka_unit_test(test_callset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
