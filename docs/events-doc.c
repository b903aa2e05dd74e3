/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Prints docs/events.md: every event with its fields, from the same tables as the tracer itself.
 * The system calls come from syscalls.def and not from the classes: those are one architecture's.
 */
#include <stdio.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "event/schema.h"

struct doc_field {
	const char *type, *name;
	enum ph_unit unit;
};

enum { NO = -1 };

#define FIELD(type, name, unit) { #type, #name, PH_UNIT_##unit },
#define A(i, type, name, unit) FIELD(type, name, unit)
#define STR(i, name) FIELD(str, name, NONE)
#define ASTR(i, name, len) FIELD(str, name, NONE)
#define BUF(i, name, len, size, unit) FIELD(bytes, name, unit)
#define RBUF(i, name, max, size, unit) FIELD(bytes, name, unit)
#define RSTR(i, name, max) FIELD(str, name, NONE)
#define PBUF(i, name, len, unit) FIELD(bytes, name, unit)
#define FIX(i, name, n, unit) FIELD(bytes, name, unit)
#define INTS(i, name, n) FIELD(s32v, name, NONE)
#define ARGV(i, name) FIELD(bytes, name, ARGV)
#define IOV(i, name, len) FIELD(bytes, name, NONE)
#define MSG(i, name) FIELD(bytes, name, NONE)
#define MSGNAME(i, name) FIELD(bytes, name, SOCKADDR)
#define RET
#define RET_ADDR FIELD(x64, ret, NONE)
#define PH_SYSCALL(name, x, a, i, in, out)				\
	{ #name, { x, a, i }, (const struct doc_field []){ in { 0 } },	\
	  (const struct doc_field []){ out { 0 } } },
static const struct doc_call {
	const char *name;
	int nr[3];
	const struct doc_field *in, *out;
} calls[] = {
#include "event/syscalls.def"
};
#include "event/syscalls_undef.h"

static const char *const group_titles[PH_GROUP_MAX] = {
	[PH_GROUP_SCHED] = "scheduler and processes", [PH_GROUP_WAIT] = "what tasks wait for",
	[PH_GROUP_SYSCALL] = "system calls",
	[PH_GROUP_CGROUP] = "control groups", [PH_GROUP_CONTAINER] = "containers",
	[PH_GROUP_MM] = "memory", [PH_GROUP_FAULT] = "page faults", [PH_GROUP_IRQ] = "interrupts",
	[PH_GROUP_TIMER] = "timers", [PH_GROUP_BLOCK] = "block devices", [PH_GROUP_NET] = "network",
	[PH_GROUP_SIGNAL] = "signals", [PH_GROUP_CAP] = "capability checks",
	[PH_GROUP_KVM] = "virtual machines", [PH_GROUP_DENIED] = "calls that failed",
	[PH_GROUP_DNS] = "names", [PH_GROUP_PROBE] = "probes that the user names",
	[PH_GROUP_STACK] = "stacks", [PH_GROUP_PROFILE] = "profiles",
	[PH_GROUP_CALLDATA] = "what system calls point to",
	[PH_GROUP_STATEDUMP] = "the system's state",
	[PH_GROUP_META] = "the recording itself",
};

static void type_name(struct ph_buf *out, const struct ph_type *t)
{
	switch (t->kind) {
	case PH_KIND_UINT:
		ph_buf_addf(out, "%c%u", t->base == 16 ? 'x' : 'u', t->bits);
		break;
	case PH_KIND_INT:
		ph_buf_addf(out, "s%u", t->bits);
		break;
	case PH_KIND_STR:
		ph_buf_adds(out, t == &ph_type_comm ? "comm" : "str");
		break;
	case PH_KIND_SEQ:
		type_name(out, t->elem);
		ph_buf_adds(out, "[]");
		break;
	default:
		ph_buf_adds(out, "bytes");
	}
}

/* Text in a cell of a Markdown table. */
static void cell(struct ph_buf *out, const char *s)
{
	for (; *s; s++) {
		if (strchr("|*<>_[]", *s))
			ph_buf_addc(out, '\\');
		ph_buf_addc(out, *s);
	}
}

static void event(struct ph_buf *out, const struct ph_class *c)
{
	ph_buf_addf(out, "\n### %s\n\n", c->name);
	ph_buf_addf(out, "Number %u", c->id);
	if (*c->doc) {
		ph_buf_adds(out, ": ");
		cell(out, c->doc);
	}
	ph_buf_adds(out, ".\n");
	if (!c->nfields)
		return;
	ph_buf_adds(out, "\n| field | type | unit | meaning |\n| --- | --- | --- | --- |\n");
	for (uint32_t i = 0; i < c->nfields; i++) {
		const struct ph_field *f = &c->fields[i];

		ph_buf_addf(out, "| `%s` | ", f->name);
		type_name(out, f->type);
		ph_buf_adds(out, " | ");
		cell(out, ph_unit_name(f->unit));
		ph_buf_adds(out, " | ");
		cell(out, f->doc);
		ph_buf_adds(out, " |\n");
	}
}

static void call_fields(struct ph_buf *out, const struct doc_field *f)
{
	for (const char *sep = ""; f->name; f++, sep = ", ") {
		ph_buf_addf(out, "%s`%s` %s", sep, f->name, strcmp(f->type, "s32v") ? f->type : "s32\\[\\]");
		if (f->unit != PH_UNIT_NONE) {
			ph_buf_adds(out, " (");
			cell(out, ph_unit_name(f->unit));
			ph_buf_adds(out, ")");
		}
	}
}

static void system_calls(struct ph_buf *out)
{
	ph_buf_adds(out,
"\n### syscall\\_entry\\_NAME, syscall\\_exit\\_NAME\n\n"
"One pair for each system call, and `compat_syscall_entry_NAME`, `compat_syscall_exit_NAME` for those\n"
"that 32-bit programs make on x86\\_64. Names are the kernel's (`newstat`, `newuname`, `sendfile64`).\n"
"Every exit begins with `ret`, s64: the result, or -errno; it is x64 where the result is an address.\n"
"Fields of type str and bytes were copied from the program's memory, up to the recording's length\n"
"limit; they are empty where that failed. A `NAME_data` is what `NAME` points at. Of vectors and\n"
"messages it is the first buffer. Numbers of events: 4096 + the call's for entries, 8192 + for exits,\n"
"12288 + and 16384 + for 32-bit programs.\n\n"
"slong, ulong, xlong and ptr have 64 bits, in 32-bit programs 32; o16 is shown in base 8. Calls whose\n"
"number porthole does not know become `syscall_entry_unknown` {`nr` s32, `arg0` … `arg5` xlong} and\n"
"`syscall_exit_unknown` {`ret` s64, `nr` s32}, with 4095 in place of the call's number.\n\n"
"| call | x86\\_64 | arm64 | i386 | at entry | at exit |\n"
"| --- | --- | --- | --- | --- | --- |\n");
	for (size_t i = 0; i < PH_ARRAY_SIZE(calls); i++) {
		const struct doc_call *c = &calls[i];

		ph_buf_addf(out, "| `%s` |", c->name);
		for (int k = 0; k < 3; k++)
			if (c->nr[k] < 0)
				ph_buf_adds(out, " |");
			else
				ph_buf_addf(out, " %d |", c->nr[k]);
		ph_buf_addc(out, ' ');
		call_fields(out, c->in);
		ph_buf_adds(out, c->in->name ? " | " : "| ");
		call_fields(out, c->out);
		ph_buf_adds(out, c->out->name ? " |\n" : "|\n");
	}
}

int main(void)
{
	ph_autobuf out = { 0 };
	const struct ph_class *c;

	ph_buf_adds(&out,
"<!-- Written by docs/events-doc.c; `ninja -C build events-doc` renews it. -->\n"
"# Events\n\n"
"What porthole records and how it names it: in traces, in text and JSON, in filters. Names and fields\n"
"are those of LTTng's kernel tracer wherever it has the event.\n\n"
"Types: u8 … u64 and s8 … s64 are integers, x32 and x64 are shown in base 16, comm is a task's name,\n"
"str is text of any length, bytes are bytes.\n");
	for (int g = 0; g < PH_GROUP_MAX; g++) {
		ph_buf_addf(&out, "\n## %s: %s\n", ph_group_name(g), group_titles[g]);
		for (size_t i = 0; (c = ph_class_nth(i)) && c->id < PH_EV_STATIC_MAX; i++)
			if ((int)c->group == g)
				event(&out, c);
		if (g == PH_GROUP_SYSCALL)
			system_calls(&out);
	}
	return fwrite(out.p, 1, out.len, stdout) != out.len || fflush(stdout) != 0;
}
