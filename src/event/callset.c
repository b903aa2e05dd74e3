/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "event/callset.h"

#include <errno.h>

#include "base/cleanup.h"
#include "base/parse.h"

/* Where the kernel's function is not called as the C library's. */
static const struct { const char *event, *name; } names[] = {
	{ "newstat", "stat" }, { "newfstat", "fstat" }, { "newlstat", "lstat" }, { "newuname", "uname" },
	{ "umount", "umount2" }, { "sendfile64", "sendfile" }, { "sysctl", "_sysctl" },
	{ "fadvise64_64", "fadvise64" },
};

/* The classes of strace(1), in C library names; what an architecture has not is left out. */
static const struct { const char *name, *calls; } classes[] = {
	{ "%clock",
	  "gettimeofday,adjtimex,settimeofday,time,clock_settime,clock_gettime,clock_getres,"
	  "clock_adjtime" },
	{ "%creds",
	  "getuid,getgid,setuid,setgid,geteuid,getegid,setreuid,setregid,getgroups,"
	  "setgroups,setresuid,getresuid,setresgid,getresgid,setfsuid,setfsgid,capget,"
	  "capset,prctl" },
	{ "%desc",
	  "read,write,open,close,fstat,poll,lseek,mmap,ioctl,pread64,pwrite64,readv,"
	  "writev,pipe,select,dup,dup2,sendfile,fcntl,flock,fsync,fdatasync,ftruncate,"
	  "getdents,fchdir,creat,fchmod,fchown,fstatfs,readahead,fsetxattr,fgetxattr,"
	  "flistxattr,fremovexattr,epoll_create,getdents64,fadvise64,epoll_wait,epoll_ctl,"
	  "mq_open,mq_timedsend,mq_timedreceive,mq_notify,mq_getsetattr,inotify_init,"
	  "inotify_add_watch,inotify_rm_watch,openat,mkdirat,mknodat,fchownat,futimesat,"
	  "newfstatat,unlinkat,renameat,linkat,symlinkat,readlinkat,fchmodat,faccessat,"
	  "pselect6,ppoll,splice,tee,sync_file_range,vmsplice,utimensat,epoll_pwait,"
	  "signalfd,timerfd_create,eventfd,fallocate,timerfd_settime,timerfd_gettime,"
	  "signalfd4,eventfd2,epoll_create1,dup3,pipe2,inotify_init1,preadv,pwritev,"
	  "perf_event_open,fanotify_init,fanotify_mark,name_to_handle_at,open_by_handle_at,"
	  "syncfs,setns,finit_module,renameat2,memfd_create,kexec_file_load,bpf,execveat,"
	  "userfaultfd,copy_file_range,preadv2,pwritev2,statx,pidfd_send_signal,"
	  "io_uring_setup,io_uring_enter,io_uring_register,open_tree,move_mount,fsopen,"
	  "fsconfig,fsmount,fspick,pidfd_open,openat2,pidfd_getfd,faccessat2,"
	  "process_madvise,epoll_pwait2,mount_setattr,quotactl_fd,landlock_create_ruleset,"
	  "landlock_add_rule,landlock_restrict_self,memfd_secret,process_mrelease,cachestat,"
	  "fchmodat2,open_tree_attr,setxattrat,getxattrat,listxattrat,removexattrat,"
	  "file_getattr,file_setattr" },
	{ "%file",
	  "open,stat,lstat,access,execve,truncate,getcwd,chdir,rename,mkdir,rmdir,creat,"
	  "link,unlink,symlink,readlink,chmod,chown,lchown,utime,mknod,uselib,statfs,"
	  "pivot_root,chroot,acct,mount,umount2,swapon,swapoff,quotactl,setxattr,"
	  "lsetxattr,getxattr,lgetxattr,listxattr,llistxattr,removexattr,lremovexattr,"
	  "utimes,inotify_add_watch,openat,mkdirat,mknodat,fchownat,futimesat,newfstatat,"
	  "unlinkat,renameat,linkat,symlinkat,readlinkat,fchmodat,faccessat,utimensat,"
	  "fanotify_mark,name_to_handle_at,renameat2,execveat,statx,open_tree,move_mount,"
	  "fsconfig,fspick,openat2,faccessat2,mount_setattr,fchmodat2,open_tree_attr,"
	  "setxattrat,getxattrat,listxattrat,removexattrat,file_getattr,file_setattr" },
	{ "%fstat",
	  "fstat,newfstatat,statx" },
	{ "%ipc",
	  "shmget,shmat,shmctl,semget,semop,semctl,shmdt,msgget,msgsnd,msgrcv,msgctl,"
	  "semtimedop" },
	{ "%lstat",
	  "lstat" },
	{ "%memory",
	  "mmap,mprotect,munmap,brk,mremap,msync,mincore,madvise,shmat,shmdt,mlock,"
	  "munlock,mlockall,munlockall,io_setup,io_destroy,remap_file_pages,mbind,"
	  "set_mempolicy,get_mempolicy,migrate_pages,move_pages,mlock2,pkey_mprotect,"
	  "io_uring_register,set_mempolicy_home_node,map_shadow_stack,mseal" },
	{ "%network",
	  "sendfile,socket,connect,accept,sendto,recvfrom,sendmsg,recvmsg,shutdown,bind,"
	  "listen,getsockname,getpeername,socketpair,setsockopt,getsockopt,getpmsg,putpmsg,"
	  "accept4,recvmmsg,sendmmsg" },
	{ "%process",
	  "clone,fork,vfork,execve,exit,wait4,kill,rt_sigqueueinfo,tkill,exit_group,"
	  "tgkill,waitid,rt_tgsigqueueinfo,execveat,pidfd_send_signal,clone3" },
	{ "%pure",
	  "getpid,getuid,getgid,geteuid,getegid,getppid,getpgrp,gettid" },
	{ "%signal",
	  "rt_sigaction,rt_sigprocmask,rt_sigreturn,pause,kill,rt_sigpending,rt_sigtimedwait,"
	  "rt_sigqueueinfo,rt_sigsuspend,sigaltstack,tkill,tgkill,signalfd,signalfd4,"
	  "rt_tgsigqueueinfo,pidfd_send_signal,io_uring_enter" },
	{ "%stat",
	  "stat" },
	{ "%%stat",
	  "stat,fstat,lstat,newfstatat,statx" },
	{ "%statfs",
	  "statfs" },
	{ "%fstatfs",
	  "fstatfs" },
	{ "%%statfs",
	  "ustat,statfs,fstatfs" },
};

/* Other names of classes. */
static const struct { const char *name, *is; } other_names[] = {
	{ "%net", "%network" }, { "file", "%file" }, { "process", "%process" }, { "network", "%network" },
	{ "signal", "%signal" }, { "ipc", "%ipc" }, { "desc", "%desc" }, { "memory", "%memory" },
};

const char *ph_call_name(const char *event_name)
{
	for (size_t i = 0; i < PH_ARRAY_SIZE(names); i++)
		if (!strcmp(names[i].event, event_name))
			return names[i].name;
	return event_name;
}

const char *ph_callset_class_nth(size_t i)
{
	return i < PH_ARRAY_SIZE(classes) ? classes[i].name : NULL;
}

static const char *class_calls(const char *word)
{
	for (size_t i = 0; i < PH_ARRAY_SIZE(other_names); i++)
		if (!strcmp(other_names[i].name, word))
			word = other_names[i].is;
	for (size_t i = 0; i < PH_ARRAY_SIZE(classes); i++)
		if (!strcmp(classes[i].name, word))
			return classes[i].calls;
	return NULL;
}

static void add(ph_strv *words, const char *call, bool not)
{
	ph_autofree char *word = ph_asprintf("%s%s", not ? "!" : "", call);

	ph_vec_each(w, words)
		if (!strcmp(*w, word))
			return;
	ph_strv_add(words, word);
}

/* All whose event or manual page is called so, or matches: their number. */
static size_t add_calls(const char *word, bool not, ph_strv *words)
{
	const struct ph_syscall *sc;
	size_t n = 0;

	for (int nr = 0; nr < ph_syscall_end(false); nr++) {
		sc = ph_syscall_by_nr(nr, false);
		if (!sc || (!ph_glob(word, sc->name) && !ph_glob(word, ph_call_name(sc->name))))
			continue;
		add(words, sc->name, not);
		n++;
	}
	return n;
}

static void add_class(const char *calls, bool not, ph_strv *words)
{
	while (*calls) {
		size_t n = strcspn(calls, ",");
		ph_autofree char *call = ph_strndup(calls, n);

		add_calls(call, not, words);
		calls += n + (calls[n] == ',');
	}
}

static int unknown(const char *word, struct ph_err *err)
{
	PH_VEC(const char *) known = { 0 };
	const struct ph_syscall *sc;
	const char *near;
	int r;

	for (size_t i = 0; i < PH_ARRAY_SIZE(classes); i++)
		*ph_vec_push(&known) = classes[i].name;
	for (int nr = 0; nr < ph_syscall_end(false); nr++)
		if ((sc = ph_syscall_by_nr(nr, false)))
			*ph_vec_push(&known) = ph_call_name(sc->name);
	near = ph_nearest(word, known.v, known.n);
	r = ph_err_set(err, -EINVAL, "there is no system call and no class '%s'%s%s%s", word,
		       near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
	ph_vec_done(&known);
	return r;
}

/* "signal=…" and the like: strace's other qualifiers, which change what is shown of a call. */
static int skip_qualifier(const char **list, struct ph_err *err)
{
	size_t n = strcspn(*list, "=,");

	if ((*list)[n] != '=')
		return 0;
	if ((n != 5 || memcmp(*list, "trace", 5)) && (n != 1 || **list != 't'))
		return ph_err_set(err, -EINVAL, "'%s': only trace=… is known here", *list);
	*list += n + 1;
	return 0;
}

int ph_callset_parse(const char *list, ph_strv *words, struct ph_err *err)
{
	const char *calls;
	bool not;
	int r = skip_qualifier(&list, err);

	if (r < 0)
		return r;
	not = *list == '!';
	list += not;
	if (not && !words->n)
		ph_strv_add(words, "syscall");
	do {
		size_t n = strcspn(list, ",");
		ph_autofree char *whole = ph_strndup(list, n);
		const char *word = whole;
		bool lenient = word[0] == '?';

		list += n + (list[n] == ',');
		if (word[0] == '!')
			return ph_err_set(err, -EINVAL, "'%s': a ! stands in front of the whole list", word);
		word += lenient;
		calls = class_calls(word);
		if (!strcmp(word, "none") || (not && !strcmp(word, "all")))
			return ph_err_set(err, -EINVAL, "no system call would be left");
		if (!strcmp(word, "all"))
			ph_strv_add(words, "syscall");
		else if (calls)
			add_class(calls, not, words);
		else if (!*word || (!add_calls(word, not, words) && !lenient))
			return unknown(word, err);
	} while (*list);
	return words->n ? 0 : ph_err_set(err, -EINVAL, "no system call would be left");
}
