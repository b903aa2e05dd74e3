/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "launch/launch.h"

#if defined(__x86_64__)
#define AUDIT_ARCH_HERE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define AUDIT_ARCH_HERE AUDIT_ARCH_AARCH64
#else
#error "tell ph-launch this architecture's AUDIT_ARCH constant"
#endif

static const char *const cap_names[] = {
	"chown", "dac_override", "dac_read_search", "fowner", "fsetid", "kill", "setgid", "setuid",
	"setpcap", "linux_immutable", "net_bind_service", "net_broadcast", "net_admin", "net_raw",
	"ipc_lock", "ipc_owner", "sys_module", "sys_rawio", "sys_chroot", "sys_ptrace", "sys_pacct",
	"sys_admin", "sys_boot", "sys_nice", "sys_resource", "sys_time", "sys_tty_config", "mknod",
	"lease", "audit_write", "audit_control", "setfcap", "mac_override", "mac_admin", "syslog",
	"wake_alarm", "block_suspend", "audit_read", "perfmon", "bpf", "checkpoint_restore",
};

#define CAP_BIT(n) (1ULL << (n))
/* What Docker leaves to a container. */
#define CAPS_DEFAULT (CAP_BIT(CAP_CHOWN) | CAP_BIT(CAP_DAC_OVERRIDE) | CAP_BIT(CAP_FOWNER) |	\
	CAP_BIT(CAP_FSETID) | CAP_BIT(CAP_KILL) | CAP_BIT(CAP_SETGID) | CAP_BIT(CAP_SETUID) |	\
	CAP_BIT(CAP_SETPCAP) | CAP_BIT(CAP_NET_BIND_SERVICE) | CAP_BIT(CAP_NET_RAW) |		\
	CAP_BIT(CAP_SYS_CHROOT) | CAP_BIT(CAP_MKNOD) | CAP_BIT(CAP_AUDIT_WRITE) |		\
	CAP_BIT(CAP_SETFCAP))

int ph_caps_parse(const char *s, uint64_t *ret, struct ph_err *err)
{
	ph_strv names = { 0 };
	uint64_t caps = 0;
	int r;

	if (!strcmp(s, "all") || !strcmp(s, "none") || !strcmp(s, "default")) {
		*ret = s[0] == 'a' ? ~0ULL : s[0] == 'n' ? 0 : CAPS_DEFAULT;
		return 0;
	}
	r = ph_parse_list(s, &names, err);
	ph_vec_each(n, &names) {
		const char *name = strncasecmp(*n, "cap_", 4) ? *n : *n + 4;
		size_t i = 0;

		while (i < PH_ARRAY_SIZE(cap_names) && strcasecmp(name, cap_names[i]))
			i++;
		if (i == PH_ARRAY_SIZE(cap_names))
			r = ph_err_set(err, EINVAL, "there is no capability '%s'", *n);
		else
			caps |= CAP_BIT(i);
	}
	ph_strv_done(&names);
	*ret = caps;
	return r;
}

static int set_caps(uint64_t keep, struct ph_err *err)
{
	struct __user_cap_header_struct hdr = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { 0 };

	for (int i = 0; i < 64; i++) {
		if (keep & CAP_BIT(i))
			continue;
		/* EINVAL ends the list: this kernel knows no more capabilities. */
		if (prctl(PR_CAPBSET_DROP, i, 0, 0, 0) && errno == EINVAL)
			break;
	}
	if (syscall(SYS_capget, &hdr, data))
		return ph_err_sys(err, errno, "capget");
	for (int i = 0; i < 2; i++) {
		data[i].permitted &= (uint32_t)(keep >> (32 * i));
		data[i].effective = data[i].permitted;
		data[i].inheritable = 0;
	}
	if (syscall(SYS_capset, &hdr, data))
		return ph_err_sys(err, errno, "set capabilities");
	return 0;
}

/* Calls that a profile of the tests and the demonstration refuses; any other one by its number. */
static const struct {
	const char *name;
	int nr;
} seccomp_names[] = {
#define ROW(n) { #n, SYS_##n }
	ROW(acct), ROW(add_key), ROW(bpf), ROW(chroot), ROW(clock_settime), ROW(delete_module),
	ROW(getcwd), ROW(getpriority), ROW(io_uring_setup), ROW(kcmp), ROW(kexec_load), ROW(keyctl),
	ROW(mkdirat), ROW(mount), ROW(perf_event_open), ROW(personality), ROW(pivot_root),
	ROW(process_vm_readv), ROW(ptrace), ROW(quotactl), ROW(reboot), ROW(request_key), ROW(setns),
	ROW(settimeofday), ROW(swapon), ROW(syslog), ROW(umount2), ROW(unshare), ROW(userfaultfd),
#ifdef SYS_mkdir
	ROW(mkdir),
#endif
#undef ROW
};

static int seccomp_nr(const char *s, int *ret, struct ph_err *err)
{
	uint64_t n;

	for (size_t i = 0; i < PH_ARRAY_SIZE(seccomp_names); i++) {
		if (!strcmp(s, seccomp_names[i].name)) {
			*ret = seccomp_names[i].nr;
			return 0;
		}
	}
	if (!isdigit((unsigned char)s[0]) || ph_parse_u64(s, &n, NULL) || n > 4095)
		return ph_err_set(err, EINVAL, "--seccomp: '%s' is not a call that ph-launch knows by "
				  "name: give its number", s);
	*ret = (int)n;
	return 0;
}

/* One comparison and one return a call: allow all but the listed ones. */
static int set_seccomp(const struct ph_confine *c, struct ph_err *err)
{
	PH_VEC(struct sock_filter) f = { 0 };
	struct sock_fprog prog;
	int r = 0;

	*ph_vec_push(&f) = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
							offsetof(struct seccomp_data, arch));
	*ph_vec_push(&f) = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_HERE, 1, 0);
	*ph_vec_push(&f) = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	*ph_vec_push(&f) = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
							offsetof(struct seccomp_data, nr));
	for (size_t i = 0; !r && i < c->seccomp->n; i++) {
		int nr = 0;

		r = seccomp_nr(c->seccomp->v[i], &nr, err);
		*ph_vec_push(&f) = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1);
		*ph_vec_push(&f) = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO |
								(c->seccomp_errno & SECCOMP_RET_DATA));
	}
	*ph_vec_push(&f) = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	prog = (struct sock_fprog){ .len = (unsigned short)f.n, .filter = f.v };
	if (!r && syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog))
		r = ph_err_sys(err, errno, "install the seccomp filter");
	ph_vec_done(&f);
	return r;
}

static const struct {
	const char *name;
	int res;
} rlimit_names[] = {
	{ "as", RLIMIT_AS }, { "core", RLIMIT_CORE }, { "cpu", RLIMIT_CPU }, { "data", RLIMIT_DATA },
	{ "fsize", RLIMIT_FSIZE }, { "memlock", RLIMIT_MEMLOCK }, { "nofile", RLIMIT_NOFILE },
	{ "nproc", RLIMIT_NPROC }, { "sigpending", RLIMIT_SIGPENDING }, { "stack", RLIMIT_STACK },
};

static int set_rlimit(const char *spec, struct ph_err *err)
{
	const char *eq = strchr(spec, '=');
	uint64_t val;
	int r;

	for (size_t i = 0; eq && i < PH_ARRAY_SIZE(rlimit_names); i++) {
		if (strncmp(spec, rlimit_names[i].name, (size_t)(eq - spec)) ||
		    rlimit_names[i].name[eq - spec])
			continue;
		r = ph_parse_u64(eq + 1, &val, err);
		if (r)
			return r;
		if (setrlimit(rlimit_names[i].res, &(struct rlimit){ val, val }))
			return ph_err_sys(err, errno, "set the limit %s", spec);
		return 0;
	}
	return ph_err_set(err, EINVAL, "--rlimit '%s' is not NAME=N (as, core, cpu, data, fsize, "
			  "memlock, nofile, nproc, sigpending, stack)", spec);
}

int ph_confine(const struct ph_confine *c, struct ph_err *err)
{
	int r = 0;

	ph_vec_each(l, c->rlimits) {
		r = set_rlimit(*l, err);
		if (r)
			return r;
	}
	/*
	 * A filter needs CAP_SYS_ADMIN or no_new_privs. With the latter asked for it is set first;
	 * without, the filter comes while the capability is still there.
	 */
	if (c->no_new_privs && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return ph_err_sys(err, errno, "no_new_privs");
	if (c->seccomp->n)
		r = set_seccomp(c, err);
	return r ? r : set_caps(c->caps, err);
}

int ph_lo_up(void)
{
	ph_autoclose int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq ifr = { .ifr_name = "lo" };

	if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &ifr))
		return -errno;
	ifr.ifr_flags |= IFF_UP;
	return ioctl(fd, SIOCSIFFLAGS, &ifr) ? -errno : 0;
}
