/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's values, as in event/symbols.c: not <fcntl.h>. */
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/futex.h>
#include <linux/ioctl.h>
#include <linux/mount.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/cleanup.h"
#include "event/machine.h"
#include "event/symbols.h"
#include "live/calls_priv.h"

/* Arguments that are numbers, and which of them a call has. */

bool call_is(const struct ph_call *call, const char *name)
{
	return call->cc->sc && !strcmp(call->cc->sc->name, name);
}

/* fcntl's: what they are, the command alone tells, so nobody has made them this machine's. */
void call_add_open_flags(struct ph_buf *b, const struct ph_call *call, int64_t v)
{
	ph_symbol_add(b, PH_UNIT_OPEN_FLAGS, call->cc->other ? (int64_t)ph_machine_open_flags((uint64_t)v) : v);
}

static void add_fd(const struct call_telling *t, struct ph_buf *b, int32_t fd)
{
	const char *path = NULL;

	if (fd == AT_FDCWD)
		ph_buf_adds(b, "AT_FDCWD");
	else
		ph_buf_add_s64(b, fd);
	if (t->c->o->calls.paths && fd >= 0)
		path = ph_snoop_world_file(t->at->world, t->at->ev, fd);
	if (!path)
		return;
	ph_buf_addc(b, '<');
	ph_buf_add_term(b, path, strlen(path));
	ph_buf_addc(b, '>');
}

/* 64 bits in hex are an address or not, which their type does not tell: what is nothing has two names. */
static bool is_plain(const char *name)
{
	static const char *const prefixes[] = { "offset", "flags", "prot", "arg", "tls", "ctx", "data", "pgoff", "idx",
						"mode", "unshare_flags", "mask" };

	for (size_t i = 0; i < PH_ARRAY_SIZE(prefixes); i++)
		if (!strncmp(name, prefixes[i], strlen(prefixes[i])))
			return true;
	return false;
}

/* Of mknod the kind of file stands in front. */
void call_add_mode(struct ph_buf *b, uint64_t mode)
{
	static const struct { const char *name; uint64_t type; } types[] = {
		{ "S_IFSOCK", S_IFSOCK }, { "S_IFLNK", S_IFLNK }, { "S_IFREG", S_IFREG }, { "S_IFBLK", S_IFBLK },
		{ "S_IFDIR", S_IFDIR }, { "S_IFCHR", S_IFCHR }, { "S_IFIFO", S_IFIFO },
	};

	for (size_t i = 0; i < PH_ARRAY_SIZE(types); i++) {
		if ((mode & S_IFMT) != types[i].type)
			continue;
		ph_buf_addf(b, "%s|%s%s%s", types[i].name, mode & S_ISUID ? "S_ISUID|" : "", mode & S_ISGID ? "S_ISGID|" : "",
			    mode & S_ISVTX ? "S_ISVTX|" : "");
		mode &= 0777;
	}
	ph_buf_addf(b, "%#03lo", (unsigned long)mode);
}

/* A request without a name. */
static bool add_ioctl(struct ph_buf *b, uint32_t v)
{
	static const char *const dirs[] = { "_IOC_NONE", "_IOC_WRITE", "_IOC_READ", "_IOC_READ|_IOC_WRITE" };

	ph_buf_addf(b, "_IOC(%s, %#x, %#x, %#x)", dirs[_IOC_DIR(v) & 3], _IOC_TYPE(v), _IOC_NR(v), _IOC_SIZE(v));
	return true;
}

/* An option's name depends on the level. */
static bool add_sockopt(struct ph_buf *b, int64_t level, int64_t v)
{
	static const struct { int64_t level; const char *table; } levels[] = {
		{ SOL_SOCKET, "SO" }, { SOL_TCP, "TCP" }, { SOL_IP, "IPOPT" }, { SOL_IPV6, "IPV6OPT" },
		{ SOL_NETLINK, "NETLINK" },
	};

	for (size_t i = 0; i < PH_ARRAY_SIZE(levels); i++)
		if (levels[i].level == level)
			return call_names_add(call_names_of(levels[i].table, 0), v, b);
	return false;
}

/* Those of prctl whose arguments are numbers. */
static bool counts(int64_t option)
{
	switch (option) {
	case PR_SET_NO_NEW_PRIVS: case PR_SET_KEEPCAPS: case PR_SET_TIMERSLACK: case PR_SET_CHILD_SUBREAPER: case PR_SET_THP_DISABLE:
		return true;
	default:
		return false;
	}
}

static bool add_special(const struct call_telling *t, unsigned int arg, int64_t v, struct ph_buf *b)
{
	const struct ph_call *call = t->call;

	if (call->cc->names[arg] && call_names_add(call->cc->names[arg], v, b))
		return true;
	if (call->cc->selected && call_names_add(call_names_now(call, arg), v, b))
		return true;
	if (call->cc->names[arg] && !call_is(call, "ioctl"))
		return false;
	if (arg == 2 && call_is(call, "socket") && (call->value[0] == AF_INET || call->value[0] == AF_INET6))
		return call_names_add(call_names_of("IP", 0), v, b);
	if (arg == 2 && call_is(call, "socket") && call->value[0] == AF_NETLINK)
		return call_names_add(call_names_of("NETLINK_PROTO", 0), v, b);
	if (arg == 2 && (call_is(call, "setsockopt") || call_is(call, "getsockopt")))
		return add_sockopt(b, call->value[1], v);
	if (arg == 2 && call_is(call, "statx") && !(v & AT_STATX_SYNC_TYPE)) {
		ph_buf_adds(b, v ? "AT_STATX_SYNC_AS_STAT|" : "AT_STATX_SYNC_AS_STAT");
		return !v || ph_symbol_add(b, PH_UNIT_AT_FLAGS, v);
	}
	if (arg == 1 && call_is(call, "prctl") && call->value[0] == PR_SET_DUMPABLE)
		return call_names_add(call_names_of("DUMP", 0), v, b);
	if (arg == 1 && call_is(call, "prctl") && call->value[0] == PR_SET_PDEATHSIG) {
		if (v)
			call_add_signal(b, v);
		else
			ph_buf_addc(b, '0');
		return true;
	}
	if ((arg == 2 && (call_is(call, "shmget") || call_is(call, "semget"))) || (arg == 1 && call_is(call, "msgget"))) {
		if (v & 03000) {
			call_names_add(call_names_of("IPC", 0), v & 03000, b);
			ph_buf_addc(b, '|');
		}
		ph_buf_addf(b, "%#03lo", (unsigned long)v & ~03000ul);
		return true;
	}
	if (arg && call_is(call, "prctl") && counts(call->value[0])) {
		ph_buf_add_s64(b, v);
		return true;
	}
	if (arg == 2 && call_is(call, "prctl") && call->value[0] == PR_CAP_AMBIENT && call->value[1] != PR_CAP_AMBIENT_CLEAR_ALL)
		return ph_symbol_add(b, PH_UNIT_CAP, v);
	/* A number, where other operations have an address of a time. */
	if (arg == 3 && call_is(call, "futex") && ((call->value[1] & FUTEX_CMD_MASK) == FUTEX_REQUEUE ||
	    (call->value[1] & FUTEX_CMD_MASK) == FUTEX_CMP_REQUEUE || (call->value[1] & FUTEX_CMD_MASK) == FUTEX_WAKE_OP)) {
		ph_buf_add_s64(b, (int32_t)v);
		return true;
	}
	if (!arg && call_is(call, "personality")) {
		if (v)
			call_add_hex(b, (uint32_t)v);
		else
			ph_buf_adds(b, "PER_LINUX");
		return true;
	}
	if (arg == 1 && call_is(call, "ioctl") && _IOC_TYPE((uint32_t)v))
		return add_ioctl(b, (uint32_t)v);
	if (arg == 2 && call_is(call, "ioctl") && (uint32_t)call->value[1] == FICLONE) {
		add_fd(t, b, (int32_t)v);
		return true;
	}
	if (arg == 5 && call_is(call, "futex") && (uint32_t)v == FUTEX_BITSET_MATCH_ANY) {
		ph_buf_adds(b, "FUTEX_BITSET_MATCH_ANY");
		return true;
	}
	if (arg == 1 && call_is(call, "prctl") && (call->value[0] == PR_CAPBSET_READ || call->value[0] == PR_CAPBSET_DROP))
		return ph_symbol_add(b, PH_UNIT_CAP, v);
	if (arg == 2 && !v && call_is(call, "sendfile64")) {
		ph_buf_adds(b, "NULL");
		return true;
	}
	if ((arg == 1 || arg == 3) && call_is(call, "rseq")) {
		call_add_hex(b, (uint32_t)v);
		return true;
	}
	if ((arg == 2 && call_is(call, "mknod")) || (arg == 3 && call_is(call, "mknodat"))) {
		ph_buf_addf(b, "makedev(%#x, %#x)", major((dev_t)v), minor((dev_t)v));
		return true;
	}
	if (arg == 2 && call_is(call, "fcntl")) {
		if (call->value[1] == F_SETFD && v == FD_CLOEXEC)
			ph_buf_adds(b, "FD_CLOEXEC");
		else if (call->value[1] == F_SETFL)
			call_add_open_flags(b, call, v);
		else if (call->value[1] == F_SETSIG)
			call_add_signal(b, v);
		else if (call->value[1] == F_DUPFD || call->value[1] == F_DUPFD_CLOEXEC || call->value[1] == F_SETOWN ||
			 call->value[1] == F_SETPIPE_SZ)
			ph_buf_add_s64(b, (int32_t)v);
		else
			return false;
		return true;
	}
	return false;
}

void call_add_number(const struct call_telling *t, const struct ph_field *f, unsigned int arg, const struct ph_value *v,
		     struct ph_buf *b)
{
	const struct ph_type *type = f->type;

	if (arg < CALL_ARGS && add_special(t, arg, v->i, b))
		return;
	switch (f->unit) {
	case PH_UNIT_FD:
	case PH_UNIT_DIRFD:
		add_fd(t, b, (int32_t)v->i);
		return;
	case PH_UNIT_MODE:
		/* The kind of file is asked for by these alone. */
		if (call_is(t->call, "mknod") || call_is(t->call, "mknodat"))
			call_add_mode(b, v->u);
		else
			ph_buf_addf(b, "%#03lo", (unsigned long)v->u);
		return;
	case PH_UNIT_SIGNAL:
		call_add_signal(b, v->i);
		return;
	case PH_UNIT_MOUNT_FLAGS:
		if ((v->u & MS_MGC_MSK) != MS_MGC_VAL)
			break;
		ph_buf_adds(b, "MS_MGC_VAL");
		if (v->u & ~(uint64_t)MS_MGC_MSK) {
			ph_buf_addc(b, '|');
			ph_symbol_add(b, f->unit, (int64_t)(v->u & ~(uint64_t)MS_MGC_MSK));
		}
		return;
	case PH_UNIT_UID:
	case PH_UNIT_GID:
		ph_buf_add_s64(b, (uint32_t)v->u == UINT32_MAX ? -1 : v->i);
		return;
	case PH_UNIT_MMAP_PROT:
		if (!v->u) {
			ph_buf_adds(b, "PROT_NONE");
			return;
		}
		break;
	case PH_UNIT_FUTEX_OP:
		if (v->u & FUTEX_PRIVATE_FLAG && ph_symbol_add(b, f->unit, v->i & FUTEX_CMD_MASK)) {
			ph_buf_adds(b, v->u & FUTEX_CLOCK_REALTIME ? "_PRIVATE|FUTEX_CLOCK_REALTIME" : "_PRIVATE");
			return;
		}
		break;
	case PH_UNIT_MMAP_FLAGS:
	case PH_UNIT_SOCK_TYPE:
		/* The number that is no flag comes first. */
		if (v->u & 0xf && v->u & ~0xful && ph_symbol_add(b, f->unit, v->i & 0xf)) {
			ph_buf_addc(b, '|');
			if (!ph_symbol_add(b, f->unit, v->i & ~0xfl))
				call_add_hex(b, v->u & ~0xful);
			return;
		}
		break;
	default:
		break;
	}
	if (f->unit != PH_UNIT_NONE && f->unit != PH_UNIT_RET && ph_symbol_add(b, f->unit, v->i))
		return;
	if (type->kind == PH_KIND_INT && type->base != 16)
		ph_buf_add_s64(b, v->i);
	else if (type->base != 16)
		ph_buf_add_u64(b, v->u);
	else if (!v->u && type->bits >= 32 && f->unit == PH_UNIT_NONE && !is_plain(f->name) &&
		 (type->bits == 64 || strstr(t->at->ev->cls->name, "compat_")))
		ph_buf_adds(b, "NULL");
	else
		call_add_hex(b, v->u);
}

/* ---- how many ---------------------------------------------------------------------------------------- */

static uint8_t count_prctl(const int64_t *v, uint8_t n)
{
	switch (v[0]) {
	case PR_GET_DUMPABLE: case PR_GET_KEEPCAPS: case PR_GET_SECCOMP: case PR_GET_TIMERSLACK: case PR_GET_SECUREBITS:
		return 1;
	case PR_SET_NAME: case PR_GET_NAME: case PR_SET_PDEATHSIG: case PR_GET_PDEATHSIG: case PR_SET_DUMPABLE:
	case PR_SET_KEEPCAPS: case PR_CAPBSET_READ: case PR_CAPBSET_DROP: case PR_SET_TIMERSLACK: case PR_SET_PTRACER:
	case PR_SET_CHILD_SUBREAPER: case PR_GET_CHILD_SUBREAPER: case PR_SET_SECUREBITS: case PR_GET_TID_ADDRESS:
	case PR_GET_SPECULATION_CTRL:
		return 2;
	case PR_SET_SPECULATION_CTRL:
		return 3;
	default:
		return n;
	}
}

/* By the operation, as many as there are of them: KEYCTL_GET_KEYRING_ID … */
static uint8_t count_keyctl(const int64_t *v, uint8_t n)
{
	static const uint8_t counts[] = { 3, 2, 4, 2, 4, 3, 4, 2, 3, 3, 5, 4, 5, 4, 3, 3, 2, 4, 1, 5, 5, 3, 3 };

	return v[0] >= 0 && (size_t)v[0] < PH_ARRAY_SIZE(counts) ? counts[v[0]] : n;
}

uint8_t call_count_args(const struct ph_call *call, uint8_t n, uint8_t *skip)
{
	const int64_t *v = call->value;

	if (!call->cc->sc)
		return 0;
	if (call_is(call, "open") || call_is(call, "openat"))
		return v[n - 2] & O_CREAT || (v[n - 2] & O_TMPFILE) == O_TMPFILE ? n : n - 1;
	if (call_is(call, "mq_open"))
		return v[1] & O_CREAT ? n : 2;
	if (call_is(call, "fcntl"))
		return v[1] == F_GETFD || v[1] == F_GETFL || v[1] == F_GETOWN || v[1] == F_GETSIG || v[1] == F_GETLEASE ||
		       v[1] == F_GETPIPE_SZ || v[1] == F_GET_SEALS ? 2 : n;
	if (call_is(call, "futex")) {
		switch (v[1] & FUTEX_CMD_MASK) {
		case FUTEX_WAKE: return 3;
		case FUTEX_WAIT: case FUTEX_LOCK_PI: return 4;
		case FUTEX_REQUEUE: return 5;
		case FUTEX_UNLOCK_PI: case FUTEX_TRYLOCK_PI: return 2;
		case FUTEX_WAIT_BITSET: *skip = 1 << 4; return n;
		case FUTEX_WAKE_BITSET: *skip = 1 << 3 | 1 << 4; return n;
		default: return n;
		}
	}
	if (call_is(call, "ioctl"))
		return v[1] == FIOCLEX || v[1] == FIONCLEX || v[1] == TIOCNOTTY || v[1] == TIOCEXCL || v[1] == TIOCNXCL ? 2 : n;
	if (call_is(call, "membarrier"))
		return v[1] ? n : 2;
	if (call_is(call, "ptrace"))
		return v[0] ? n : 1;
	if (call_is(call, "mremap"))
		return v[3] & MREMAP_FIXED ? n : n - 1;
	if (call_is(call, "mknod") || call_is(call, "mknodat"))
		return S_ISCHR(v[n - 2]) || S_ISBLK(v[n - 2]) ? n : n - 1;
	if (call_is(call, "prctl"))
		return count_prctl(v, n);
	if (call_is(call, "keyctl"))
		return count_keyctl(v, n);
	return n;
}
