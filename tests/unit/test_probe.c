/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Probes: their language, where arguments are, what hits look like; without a kernel. */
#include "test.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/user.h>
#include <unistd.h>

#include <bpf/btf.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "live/probe_view.h"
#include "probe/bpftrace.h"
#include "probe/priv.h"
#include "probe/probe.h"
#include "source/synthetic.h"
#include "symbol/symbol.h"

/* ---- the language --------------------------------------------------------------------------------- */

/* A probe as words: kind, path, provider, function, address; then its arguments. */
static char *parsed(const char *text)
{
	struct ph_probe_spec s;
	struct ph_err err = { 0 };
	ph_autobuf b = { 0 };

	if (ph_probe_parse(text, &s, &err) < 0) {
		assert_int_equal(err.code, -EINVAL);
		return ph_strdup(err.msg);
	}
	assert_string_equal(s.text, text);
	ph_buf_addf(&b, "%s %s %s %s %lu", ph_probe_kind_name(s.kind), s.path ? s.path : "-", s.provider ? s.provider : "-",
		    s.function ? s.function : "-", s.address);
	ph_vec_each(e, &s.args) {
		ph_buf_addf(&b, "; %s=%s", e->name, ph_probe_type_name(e->type));
		for (const struct ph_probe_expr *o = e; o; o = o->length) {
			ph_buf_addf(&b, "%s %s", o != e ? "," : "", o->word);
			for (uint32_t i = 0; i <= o->loads; i++)
				ph_buf_addf(&b, "%s%ld", i ? " *" : " ", o->add[i]);
		}
	}
	ph_probe_spec_done(&s);
	return ph_buf_steal(&b);
}

static void test_language(void **state)
{
	static const struct {
		const char *text, *is;
	} cases[] = {
		{ "uprobe:/usr/sbin/nginx:ngx_http_process_request", "uprobe /usr/sbin/nginx - ngx_http_process_request 0" },
		{ "uprobe:libc.so.6:malloc(arg1)", "uprobe libc.so.6 - malloc 0; arg1=s64 arg1 0" },
		{ "uretprobe:libc.so.6:m*c( arg1 , x64( retval ) )",
		  "uretprobe libc.so.6 - m*c 0; arg1=s64 arg1 0; retval=x64 retval 0" },
		{ "uprobe:/bin/x:0x1234()", "uprobe /bin/x - - 4660" },
		{ "uprobe:/bin/x:main+0x10", "uprobe /bin/x - main 16" },
		{ "uprobe:/bin/x:ns::f<int>::operator()(str(arg2))", "uprobe /bin/x - ns::f<int>::operator() 0; arg2=str arg2 0" },
		{ "uprobe:\"/bin/a:b\":f", "uprobe /bin/a:b - f 0" },
		{ "usdt:/bin/x:php:request__startup", "usdt /bin/x php request__startup 0" },
		{ "usdt:/bin/x:request__startup(arg1)", "usdt /bin/x * request__startup 0; arg1=s64 arg1 0" },
		{ "tracepoint:sched:sched_switch(prev_pid, comm=prev_comm)",
		  "tracepoint sched - sched_switch 0; prev_pid=s64 prev_pid 0; comm=s64 prev_comm 0" },
		{ "kprobe:vfs_read(arg3)", "kprobe - - vfs_read 0; arg3=s64 arg3 0" },
		{ "kretprobe:vfs_*", "kretprobe - - vfs_* 0" },
		{ "uprobe:/x:f(u32(*(arg1+8)), s8(*arg2), *(*(arg1 - 0x10)+4)+1, %r12)",
		  "uprobe /x - f 0; arg1_8=u32 arg1 8 *0; arg2=s8 arg2 0 *0; arg1_0x10_4_1=s64 arg1 -16 *4 *1; r12=s64 r12 0" },
		{ "uprobe:/x:f(arg1, str(arg1), u8(arg1))",
		  "uprobe /x - f 0; arg1=s64 arg1 0; arg1_2=str arg1 0; arg1_3=u8 arg1 0" },
		{ "uretprobe:/x:read(str(arg2, retval))", "uretprobe /x - read 0; arg2=str arg2 0, retval 0" },
		{ "uprobe:/x:f(s=str(*arg1,u->n-1),arg2)", "uprobe /x - f 0; s=str arg1 0 *0, u->n -1; arg2=s64 arg2 0" },
		{ "uprobe:/x:f(buf(arg1,u8(*arg2)))", "uprobe /x - f 0; arg1=buf arg1 0, arg2 0 *0" },
		{ "uprobe:/x:f(buf(arg1))", "'uprobe:/x:f(buf(arg1))': buf() takes a length, as buf(arg2, arg3), at '))'" },
		{ "uprobe:/x:f(buf(arg1,str(arg2)))", "'uprobe:/x:f(buf(arg1,str(arg2)))': a length is a number, not a text, at 'arg2)))'" },
		{ "uprobe:/x:f(str(arg1,u8(arg2 arg3)))", "'uprobe:/x:f(str(arg1,u8(arg2 arg3)))': ')' was expected at 'arg3)))'" },
		{ "uprobe:/x:f(str(arg1,))", "'uprobe:/x:f(str(arg1,))': an argument was expected (arg1, retval, %register, *(arg1+8)) at '))'" },
		{ "uprobe:/x:f(u8(arg1,arg2))", "'uprobe:/x:f(u8(arg1,arg2))': ')' was expected at ',arg2))'" },
		{ "uprobe:/x:f(arg1,)", "'uprobe:/x:f(arg1,)': an argument was expected (arg1, retval, %register, *(arg1+8)) at ')'" },
		{ "uprobe:/x:f(arg0)", "'uprobe:/x:f(arg0)': arguments are counted from arg1 to arg99 at 'arg0)'" },
		{ "uprobe:/x:f(retval)", "'uprobe:/x:f(retval)': only a uretprobe or kretprobe has a retval at 'retval)'" },
		{ "uprobe:/x:f(n=arg1-9223372036854775808-1+2)", "uprobe /x - f 0; n=s64 arg1 -9223372036854775807" },
		{ "uprobe:/x:f(arg1 arg2)", "'uprobe:/x:f(arg1 arg2)': ',' or ')' was expected at 'arg2)'" },
		{ "uprobe:/x:f(*****arg1)", "'uprobe:/x:f(*****arg1)': that is more than four loads from memory at ')'" },
		{ "uprobe:/x:f(arg1,arg2,arg3,arg4,arg5,arg6,arg7,arg8,arg9)",
		  "'uprobe:/x:f(arg1,arg2,arg3,arg4,arg5,arg6,arg7,arg8,arg9)': a probe has at most 8 arguments" },
		{ "uprobe:/x", "'uprobe:/x': it is uprobe:PATH:FUNCTION" },
		{ "uprobe:/x:", "'uprobe:/x:': it is uprobe:PATH:FUNCTION" },
		{ "uprobe:/x:f(req->peer.id, n=u8(*a->b))", "uprobe /x - f 0; req_peer_id=s64 req->peer.id 0; n=u8 a->b 0 *0" },
		{ "usdt:/x", "'usdt:/x': it is usdt:PATH:PROVIDER:NAME" },
		{ "uretprobe:/x:f+4", "'uretprobe:/x:f+4': a function returns, an address within one does not" },
		{ "fexit:vfs_read", "kretprobe - - vfs_read 0" },
		{ "fentry:vfs_read(file)", "kprobe - - vfs_read 0; file=s64 file 0" },
		/* Parameters of C++ are no arguments; Go may call an argument so. */
		{ "uprobe:/x:ns::f(char const*, int)", "uprobe /x - ns::f(char const*, int) 0" },
		{ "uprobe:/x:ns::f(ns::A&)(a)", "uprobe /x - ns::f(ns::A&) 0; a=s64 a 0" },
		{ "uprobe:/x:f(int)", "uprobe /x - f(int) 0" },
		{ "uprobe:/x:main.f(char)", "uprobe /x - main.f 0; char=s64 char 0" },
		{ "uprobe:/x:f(integer, printed)", "uprobe /x - f 0; integer=s64 integer 0; printed=s64 printed 0" },
		{ "uprobe:/x:memcpy@@GLIBC_2.14(arg3)", "uprobe /x - memcpy 0; arg3=s64 arg3 0" },
		{ "uprobe:/x:memcpy@plt", "uprobe /x - memcpy@plt 0" },
		{ "upprobe:/x:f", "'upprobe:/x:f': 'upprobe' is no kind of probe, did you mean 'uprobe'?; there are "
				  "uprobe:PATH:FUNCTION, uretprobe:PATH:FUNCTION, usdt:PATH:PROVIDER:NAME, "
				  "tracepoint:CATEGORY:NAME, kprobe:FUNCTION and kretprobe:FUNCTION" },
	};

	for (size_t i = 0; i < PH_ARRAY_SIZE(cases); i++) {
		ph_autofree char *is = parsed(cases[i].text);

		assert_string_equal(is, cases[i].is);
	}
}

/* ---- USDT's places --------------------------------------------------------------------------------- */

static char *place(int machine, const char *text)
{
	struct ph_probe_arg a;
	enum ph_probe_type type;
	struct ph_err err = { 0 };
	const char *end;
	ph_autobuf b = { 0 };

	if (ph_usdt_arg(machine, text, &end, &a, &type, &err) < 0)
		return ph_strdup("no");
	ph_buf_addf(&b, "%s %u%s", ph_probe_type_name(type), a.size, a.is_signed ? "s" : "");
	if (a.has_reg)
		ph_buf_addf(&b, " r%u", a.reg);
	if (a.has_index)
		ph_buf_addf(&b, " i%u<<%u", a.index, a.shift);
	ph_buf_addf(&b, " %lld%s", a.add[0], a.loads ? " *" : "");
	if (a.bits)
		ph_buf_addf(&b, " bits %u+%u", a.low, a.bits);
	if (*end)
		ph_buf_addf(&b, "|%s", end);
	return ph_buf_steal(&b);
}

static void test_usdt(void **state)
{
	static const struct {
		int machine;
		const char *text, *is;
	} cases[] = {
		{ EM_X86_64, "-4@-20(%rbp)", "s32 4s r32 -20 *" },
		{ EM_X86_64, "8@%rax 4@$3", "u64 8 r80 0| 4@$3" },
		{ EM_X86_64, "4@$3", "u32 4 3" },
		{ EM_X86_64, "-4@$-9", "s32 4s -9" },
		{ EM_X86_64, "8@$0xffffffffffffffff", "u64 8 -1" },
		{ EM_X86_64, "-4@%edi", "s32 4s r112 0" },
		{ EM_X86_64, "1@%r15b", "u8 1 r0 0" },
		{ EM_X86_64, "2@%ax", "u16 2 r80 0" },
		{ EM_X86_64, "8@(%rsp)", "u64 8 r152 0 *" },
		{ EM_X86_64, "8@16(%rdx,%rcx,8)", "u64 8 r96 i88<<3 16 *" },
		{ EM_X86_64, "-8@(%rdx,%rcx)", "s64 8s r96 i88<<0 0 *" },
		{ EM_X86_64, "4@(,%r9,4)", "u32 4 i64<<2 0 *" },
		{ EM_X86_64, "%rax", "u64 8 r80 0" },
		{ EM_X86_64, "8@16(%rdx,%rcx,3)", "no" },
		{ EM_X86_64, "3@%rax", "no" },
		{ EM_X86_64, "8@%xmm0", "no" },
		{ EM_X86_64, "8@sym+4(%rip)", "no" },
		{ EM_X86_64, "1@%ah", "u8 1 r80 0 bits 8+8" },
		{ EM_X86_64, "8f@-16(%rbp) -4f@8(%rsp)", "f64 8 r32 -16 *| -4f@8(%rsp)" },
		{ EM_X86_64, "4f@(%rax)", "f32 4 r80 0 *" },
		{ EM_X86_64, "8f@%xmm0", "no" },
		{ EM_X86_64, "8@", "no" },
		{ EM_X86_64, "@%rax", "no" },
		{ EM_X86_64, "8@(%rax", "no" },
		{ EM_X86_64, "8@()", "no" },
		{ EM_X86_64, "99999999999999999999@%rax", "no" },
		{ EM_X86_64, "-9223372036854775808@%rax", "no" },
		{ EM_AARCH64, "8@[sp, 16]", "u64 8 r248 16 *" },
		{ EM_AARCH64, "8@[sp, 16] -4@w1", "u64 8 r248 16 *| -4@w1" },
		{ EM_AARCH64, "4@x0", "u32 4 r0 0" },
		{ EM_AARCH64, "-4@w30", "s32 4s r240 0" },
		{ EM_AARCH64, "-4@5", "s32 4s 5" },
		{ EM_AARCH64, "-8@-5", "s64 8s -5" },
		{ EM_AARCH64, "8@[x29, #-8]", "u64 8 r232 -8 *" },
		{ EM_AARCH64, "8@[x29]", "u64 8 r232 0 *" },
		{ EM_AARCH64, "8@x31", "no" },
		{ EM_AARCH64, "8@[x29, x1]", "no" },
		{ EM_AARCH64, "8@[x29, 8", "no" },
		{ EM_386, "4@%eax", "no" },
	};

	for (size_t i = 0; i < PH_ARRAY_SIZE(cases); i++) {
		ph_autofree char *is = place(cases[i].machine, cases[i].text);

		assert_string_equal(is, cases[i].is);
	}
}

/* ---- where arguments are ---------------------------------------------------------------------------- */

static char *planned(const char *text, const struct ph_probe_site *site)
{
	struct ph_probe_spec s;
	struct ph_probe_plan p;
	struct ph_err err = { 0 };
	ph_autobuf b = { 0 };
	int r;

	assert_int_equal(ph_probe_parse(text, &s, &err), 0);
	r = ph_probe_plan(&s, site, 100, &p, &err);
	ph_probe_spec_done(&s);
	if (r < 0)
		return ph_strdup(err.msg);
	ph_buf_addf(&b, "%u", p.def.room);
	for (uint32_t i = 0; i < p.def.nvalues; i++) {
		const struct ph_probe_arg *a = &p.def.args[i];
		bool shown = i < p.def.nargs;

		assert_int_equal(p.def.entry >> i & 1, a->at_entry);
		ph_buf_addf(&b, "; %s %s %u%s%s%s%s", shown ? p.names.v[i] : "(length)", shown ? ph_probe_type_name(p.types[i]) : "", a->size, a->is_signed ? "s" : "",
			    a->user ? "" : " kernel", a->at_entry ? " entry" : "", a->what == PH_PROBE_TEXT ? " text" : a->what == PH_PROBE_BUFFER ? " buffer" :
			    a->what == PH_PROBE_DATA_LOC ? " loc" : a->what == PH_PROBE_BYTES ? " bytes" : "");
		if (a->has_reg)
			ph_buf_addf(&b, " r%u", a->reg);
		for (uint32_t k = 0; k <= a->loads; k++)
			ph_buf_addf(&b, "%s%lld", k ? " *" : " ", a->add[k]);
		if (a->low || a->bits != 8 * a->size)
			ph_buf_addf(&b, " bits %u+%u", a->low, a->bits);
		if (a->max)
			ph_buf_addf(&b, " room %u", a->max);
		if (a->length)
			ph_buf_addf(&b, " length %u", a->length - 1);
		if (p.enums[i])
			ph_buf_addf(&b, " %s", p.enums[i]);
	}
	ph_probe_plan_done(&p);
	return ph_buf_steal(&b);
}

/* As the child answers. */
static int name_arg(void *arg, const char *name, struct ph_symarg *ret, struct ph_err *err)
{
	if (strcmp(name, "req->id") == 0)
		*ret = (struct ph_symarg){ .argument = 2, .loads = 2, .size = 4, .bits = 32, .add = { 8, 16 } };
	else if (strcmp(name, "s.text") == 0)
		*ret = (struct ph_symarg){ .place = PH_SYMARG_STACK, .loads = 1, .size = 8, .bits = 64, .kind = PH_SYMARG_TEXT,
					   .room = 16, .add = { 8, 3 } };
	else if (strcmp(name, "deep") == 0)
		*ret = (struct ph_symarg){ .argument = 5, .loads = 4, .size = 8, .bits = 64 };
	else if (strcmp(name, "half") == 0)
		*ret = (struct ph_symarg){ .argument = 1, .size = 4, .low = 32, .bits = 32, .is_signed = true };
	else if (strcmp(name, "field") == 0)
		*ret = (struct ph_symarg){ .argument = 1, .loads = 1, .size = 2, .low = 3, .bits = 10 };
	else if (strcmp(name, "ratio") == 0)
		*ret = (struct ph_symarg){ .argument = 1, .loads = 1, .size = 8, .bits = 64, .kind = PH_SYMARG_FLOAT };
	else if (strcmp(name, "state") == 0)
		*ret = (struct ph_symarg){ .argument = 1, .size = 4, .bits = 32, .is_signed = true, .kind = PH_SYMARG_ENUM,
					   .names = ph_strdup("IDLE=0,BUSY=1") };
	else if (strcmp(name, "view") == 0 || strcmp(name, "views[0]") == 0)
		*ret = (struct ph_symarg){ .argument = 1, .size = 8, .bits = 64, .kind = PH_SYMARG_PAIR, .names = ph_strdup("data,len") };
	else if (strcmp(name, "view.data") == 0)
		*ret = (struct ph_symarg){ .argument = 2, .size = 8, .bits = 64, .kind = PH_SYMARG_TEXT };
	else if (strcmp(name, "view.len") == 0)
		*ret = (struct ph_symarg){ .argument = 4, .size = 4, .bits = 32 };
	else if (strcmp(name, "views[0].data") == 0)
		*ret = (struct ph_symarg){ .argument = 3, .loads = 1, .size = 8, .bits = 64, .kind = PH_SYMARG_ADDRESS };
	else if (strcmp(name, "views[0].len") == 0)
		*ret = (struct ph_symarg){ .argument = 3, .loads = 1, .size = 8, .bits = 64, .add = { 8 } };
	else if (strcmp(name, "views") == 0)
		*ret = (struct ph_symarg){ .argument = 3, .size = 8, .bits = 64, .kind = PH_SYMARG_ADDRESS };
	else if (strcmp(name, "words[0]") == 0)
		*ret = (struct ph_symarg){ .argument = 1, .loads = 1, .size = 8, .bits = 64, .kind = PH_SYMARG_TEXT };
	else if (strcmp(name, "words") == 0)
		*ret = (struct ph_symarg){ .argument = 1, .size = 8, .bits = 64, .kind = PH_SYMARG_ADDRESS };
	else if (strcmp(name, "retval") == 0)
		*ret = (struct ph_symarg){ .place = PH_SYMARG_RESULT, .argument = 1, .size = 2, .bits = 16, .is_signed = true };
	else if (strcmp(name, "retval.second") == 0)
		*ret = (struct ph_symarg){ .place = PH_SYMARG_RESULT, .argument = 2, .size = 8, .bits = 64 };
	else
		return ph_err_set(err, -ENOENT, "it has no argument '%s'", name);
	return 0;
}

/* What a kernel may carry: struct file { u32 mode; u32 : 3, low : 3, high : 10; union { struct list *next; s64 n; }; char name[16]; }. */
static struct btf *kernel_types(void)
{
	struct btf *b = btf__new_empty();
	int u32t = btf__add_int(b, "unsigned int", 4, 0), s64t = btf__add_int(b, "long", 8, BTF_INT_SIGNED),
	    chart = btf__add_int(b, "char", 1, BTF_INT_SIGNED),
	    widet = btf__add_int(b, "__int128", 16, BTF_INT_SIGNED), text, list, listp, both, array, lists, mode, file, filep, state, none;

	text = btf__add_ptr(b, btf__add_const(b, chart));
	list = btf__add_struct(b, "list", 16);
	btf__add_field(b, "n", s64t, 0, 0);
	listp = btf__add_ptr(b, list);
	both = btf__add_union(b, NULL, 8);
	btf__add_field(b, "next", listp, 0, 0);
	btf__add_field(b, "n", s64t, 0, 0);
	array = btf__add_array(b, u32t, chart, 16);
	lists = btf__add_array(b, u32t, listp, 4);
	mode = btf__add_typedef(b, "fmode_t", u32t);
	file = btf__add_struct(b, "file", 64);
	btf__add_field(b, "mode", mode, 0, 0);
	btf__add_field(b, "low", u32t, 35, 3);
	btf__add_field(b, "high", u32t, 38, 10);
	btf__add_field(b, NULL, both, 64, 0);
	btf__add_field(b, "name", array, 128, 0);
	btf__add_field(b, "lists", lists, 256, 0);
	filep = btf__add_ptr(b, file);
	state = btf__add_enum(b, "state", 4);
	btf__add_enum_value(b, "OFF", 0);
	btf__add_enum_value(b, "ON", 1);
	none = btf__add_ptr(b, 0);
	btf__add_func_proto(b, s64t);
	btf__add_func_param(b, "file", filep);
	btf__add_func_param(b, "text", text);
	btf__add_func_param(b, "state", state);
	btf__add_func_param(b, "any", none);
	btf__add_func_param(b, "whole", list);
	btf__add_func_param(b, "behind", u32t);
	btf__add_func(b, "vfs_f", BTF_FUNC_GLOBAL, (uint32_t)btf__type_cnt(b) - 1);
	btf__add_func_proto(b, 0);
	btf__add_func_param(b, "n", s64t);
	btf__add_func_param(b, "wide", widet);
	btf__add_func_param(b, "behind", u32t);
	btf__add_func(b, "wide_f", BTF_FUNC_GLOBAL, (uint32_t)btf__type_cnt(b) - 1);
	btf__add_func_proto(b, 0);
	btf__add_func(b, "nothing", BTF_FUNC_GLOBAL, (uint32_t)btf__type_cnt(b) - 1);
	return b;
}

static void test_kernel_names(void **state)
{
	static const struct {
		const char *function, *text, *is;
	} cases[] = {
		{ "vfs_f", "file", "0 1+0 8u k1" }, { "vfs_f", "file->mode", "0 1+0 *+0 4u k0" },
		{ "vfs_f", "file->low", "0 1+4 *+0 1u k0 3+3" }, { "vfs_f", "file->high", "0 1+4 *+0 2u k0 6+10" },
		{ "vfs_f", "file->next", "0 1+8 *+0 8u k1" }, { "vfs_f", "file->n", "0 1+8 *+0 8s k0" },
		{ "vfs_f", "file->name", "0 1+16 8u k2 room 16" }, { "vfs_f", "file->lists[2]", "0 1+48 *+0 8u k1" },
		{ "vfs_f", "file[1].mode", "0 1+64 *+0 4u k0" }, { "vfs_f", "text", "0 2+0 8u k2" },
		{ "vfs_f", "text[3]", "0 2+3 *+0 1s k0" }, { "vfs_f", "state", "0 3+0 4u k4 OFF=0,ON=1" },
		{ "vfs_f", "retval", "2 1+0 8s k0" }, { "nothing", "retval", "2 1+0 8u k5" },
		{ "vfs_f", "file->none", "'file->none': 'file' has no member 'none'" },
		{ "vfs_f", "fiel", "it has no argument 'fiel', did you mean 'file'?; it has file, text, state, any, whole, behind" },
		{ "vfs_f", "any[0]", "'any[0]': nothing is known of what it points to" },
		{ "vfs_f", "state->x", "'state->x': what stands in front of '->x' is no pointer" },
		{ "vfs_f", "file->mode.x", "'file->mode.x': what stands in front of 'x' has no members" },
		{ "vfs_f", "state[1]", "'state[1]': what stands in front of '[1]' is no array" },
		{ "vfs_f", "file->low.x", "'file->low.x': a bit field has no members" },
		{ "vfs_f", "whole", "nobody can tell where 'whole' is: it, or one in front of it, is handed over in a way of its own" },
		{ "vfs_f", "behind", "nobody can tell where 'behind' is: it, or one in front of it, is handed over in a way of its own" },
		{ "wide_f", "n", "0 1+0 8s k0" },
		{ "wide_f", "behind", "nobody can tell where 'behind' is: it, or one in front of it, is handed over in a way of its own" },
		{ "vfs_f", "file[0]", "'file[0]' is a struct: name one of its members" },
		{ "nothing", "x", "it has no argument 'x'; it has none" }, { "nothing", "retval->x", "it returns nothing" },
		{ "unknown", "x", "the kernel tells nothing of the arguments of unknown: they are arg1, arg2 …" },
	};
	struct btf *btf = kernel_types();

	(void)state;
	for (size_t i = 0; i < PH_ARRAY_SIZE(cases); i++) {
		struct ph_symarg a = { 0 };
		struct ph_err err = { 0 };
		ph_autobuf b = { 0 };

		if (probe_btf_arg(btf, cases[i].function, cases[i].text, &a, &err) < 0) {
			ph_buf_adds(&b, err.msg);
		} else {
			ph_buf_addf(&b, "%d %u", a.place, a.argument);
			for (unsigned int k = 0; k <= a.loads; k++)
				ph_buf_addf(&b, "%s+%ld", k ? " *" : "", a.add[k]);
			ph_buf_addf(&b, " %u%s k%d", a.size, a.is_signed ? "s" : "u", a.kind);
			if (a.bits != 8 * a.size)
				ph_buf_addf(&b, " %u+%u", a.low, a.bits);
			if (a.room)
				ph_buf_addf(&b, " room %u", a.room);
			ph_buf_addf(&b, "%s%s", a.names ? " " : "", a.names ? a.names : "");
			free(a.names);
		}
		assert_string_equal(b.p, cases[i].is);
	}
	assert_int_equal(probe_btf_arg(NULL, "vfs_f", "file", &(struct ph_symarg){ 0 }, NULL), -ENOENT);
	btf__free(btf);
}

static void test_kernel_functions(void **state)
{
	static const char list[] = "ffffffff81000000 T vfs_read\nffffffff81000010 t type_show\nffffffff81000020 d type_show_data\n"
		"ffffffff81000030 t type_show\t[module]\nffffffff81000040 t type_show\nffffffff81000050 W vfs_write\n";
	struct probe_kernel_names n = { 0 };
	FILE *f = fmemopen((void *)(uintptr_t)list, sizeof(list) - 1, "r");

	(void)state;
	assert_non_null(f);
	probe_kernel_names(f, "*s*", 2, &n);
	assert_int_equal(n.names.n, 2);
	assert_string_equal(n.names.v[0], "vfs_read");
	assert_string_equal(n.names.v[1], "type_show");
	assert_int_equal(n.several.n, 1);
	assert_string_equal(n.several.v[0], "type_show");
	assert_true(n.more);
	probe_kernel_names_done(&n);
	n = (struct probe_kernel_names){ 0 };
	rewind(f);
	probe_kernel_names(f, "vfs_w*", 2, &n);
	assert_int_equal(n.names.n, 1);
	assert_int_equal(n.several.n, 0);
	assert_int_equal(n.others.n, 4);
	assert_false(n.more);
	probe_kernel_names_done(&n);
	fclose(f);
}

/* As the kernel lists them; where a text is that stands behind the record's fixed part. */
static void test_fields(void **state)
{
	static const struct {
		const char *line, *is;
	} cases[] = {
		{ "\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n", "common_type 0 2" },
		{ "\tfield:char comm[16];\toffset:8;\tsize:16;\tsigned:0;\n", "comm 8 16 text" },
		{ "\tfield:__data_loc char[] name;\toffset:12;\tsize:4;\tsigned:1;\n", "name 12 4 signed loc" },
		{ "\tfield:__rel_loc char[] name;\toffset:12;\tsize:4;\tsigned:0;\n", "name 12 4 loc rel" },
		{ "\tfield:__rel_loc unsigned long[] bits;\toffset:16;\tsize:4;\tsigned:0;\n", "bits 16 255 rel" },
		{ "\tfield:__data_loc cpumask_t[] mask;\toffset:16;\tsize:4;\tsigned:0;\n", "mask 16 255" },
		{ "\tfield:const char * func;\toffset:24;\tsize:8;\tsigned:0;\n", "func 24 8" },
		{ "\tfield:int v[4];\toffset:24;\tsize:16;\tsigned:1;\n", "v 24 16 signed" },
		{ "print fmt: \"%s\", __get_rel_str(name)\n", "none" },
	};

	(void)state;
	for (size_t i = 0; i < PH_ARRAY_SIZE(cases); i++) {
		ph_autofree char *line = ph_strdup(cases[i].line), *is = NULL;
		struct ph_probe_field f = { 0 };

		if (probe_tracepoint_field(line, &f))
			is = ph_asprintf("%s %u %u%s%s%s%s", f.name, f.offset, f.size, f.is_signed ? " signed" : "", f.text ? " text" : "",
					 f.data_loc ? " loc" : "", f.rel_loc ? " rel" : "");
		else
			is = ph_strdup("none");
		free(f.name);
		assert_string_equal(is, cases[i].is);
	}
}

static void test_places(void **state)
{
	static const struct ph_probe_field fields[] = {
		{ (char *)"common_pid", 4, 4, true, false, false }, { (char *)"comm", 8, 16, false, false, true },
		{ (char *)"size", 24, 2, true, false, false }, { (char *)"name", 28, 4, false, true, false },
		{ (char *)"ptr", 32, 8, false, false, false }, { (char *)"vector", 40, 32, false, false, false },
		{ (char *)"near", 72, 4, false, true, false, true },
	};
	static const struct ph_probe_site c = { .machine = EM_X86_64 }, go = { .machine = EM_X86_64, .go = true },
		old = { .machine = EM_X86_64, .go = true, .go_old = true, .name = name_arg },
		arm = { .machine = EM_AARCH64 }, tp = { .machine = EM_X86_64, .fields = fields, .nfields = 7 },
		named = { .machine = EM_X86_64, .name = name_arg }, usdt = { .machine = EM_X86_64, .usdt = "-4@8(%rbp) 8@%rax 8@%xmm0" };
	static const struct {
		const char *text;
		const struct ph_probe_site *site;
		const char *is;
	} cases[] = {
		{ "uprobe:/x:f", &c, "0" },
		{ "uprobe:/x:f(arg1,arg6,arg7,str(arg8))", &c,
		  "132; arg1 s64 8s r112 0; arg6 s64 8s r64 0; arg7 s64 8s r152 8 *0; arg8 str 8 text r152 16 *0" },
		{ "uprobe:/x:f(arg1,arg8,arg9)", &arm, "24; arg1 s64 8s r0 0; arg8 s64 8s r56 0; arg9 s64 8s r248 0 *0" },
		{ "uprobe:/x:f(arg1,arg9)", &go, "16; arg1 s64 8s r80 0; arg9 s64 8s r48 0" },
		{ "uprobe:/x:f(arg10)", &go, "'uprobe:/x:f(arg10)': nobody can tell where a function has its argument 10 in Go" },
		{ "uprobe:/x:f(arg1)", &old, "'uprobe:/x:f(arg1)': nobody can tell where a function has its arguments in Go before 1.18" },
		{ "uprobe:/x:f(n)", &old, "'uprobe:/x:f(n)': nobody can tell where a function has its arguments in Go before 1.18" },
		{ "uprobe:/x:f(%eax)", &old, "8; eax u32 4 r80 0" },
		{ "uprobe:/x:f(s32(arg7))", &c, "8; arg7 s32 4s r152 8 *0" },
		{ "uprobe:/x:f(u16(*(arg1+4)),str(*arg2),x64(arg3+1))", &c,
		  "124; arg1_4 u16 2 r112 4 *0; arg2 str 8 text r104 0 *0; arg3_1 x64 8 r96 1" },
		{ "uprobe:/x:f(%eax,%r9)", &c, "16; eax u32 4 r80 0; r9 s64 8s r64 0" },
		{ "uprobe:/x:f(%foo)", &c, "'uprobe:/x:f(%foo)': there is no register %foo" },
		{ "uretprobe:/x:f", &c, "8; retval s64 8s r80 0" },
		{ "uretprobe:/x:f(s32(retval),str(arg1))", &c, "116; retval s32 4s r80 0; arg1 str 8 entry text r112 0" },
		{ "uprobe:/x:f(req->id, s.text, x64(req->id), str(*req->id))", &named,
		  "232; req_id u32 4 r104 8 *16 *0; s_text str 8 text r152 16 *3 room 16; req_id_2 x64 4 r104 8 *16 *0; "
		  "req_id_3 str 8 text r104 8 *16 *0 *0" },
		{ "uprobe:/x:f(half, u16(half), field, ratio, u64(ratio), state, u32(state))", &named,
		  "56; half s32 4s r112 0 bits 32+32; half_2 u16 2 r112 0 bits 32+16; field u16 2 r112 0 *0 bits 3+10; "
		  "ratio f64 8 r112 0 *0; ratio_2 u64 8 r112 0 *0; state enum 4s r112 0 IDLE=0,BUSY=1; state_2 u32 4 r112 0" },
		{ "uprobe:/x:f(*words, u16(*words), x64(words+8), *(words+8), f32(*(arg1+4)))", &named,
		  "140; words str 8 text r112 0 *0; words_2 u16 2 r112 0 *0; words_8 x64 8 r112 8; words_8_2 s64 8s r112 8 *0; "
		  "arg1_4 f32 4 r112 4 *0" },
		{ "uprobe:/x:f(str(arg1,arg2))", &c, "108; arg1 str 8 text r112 0 length 1; (length)  8s r104 0" },
		{ "uretprobe:/x:read(str(arg2,retval),arg3,str(arg1,arg3))", &c,
		  "224; arg2 str 8 entry text r104 0 length 3; arg3 s64 8s entry r96 0; arg1 str 8 entry text r112 0 length 4; "
		  "(length)  8s r80 0; (length)  8s entry r96 0" },
		{ "uprobe:/x:f(f64(*arg1),f32(*(arg2+4)))", &c, "16; arg1 f64 8 r112 0 *0; arg2_4 f32 4 r104 4 *0" },
		{ "uprobe:/x:f(f64(arg1))", &c, "'uprobe:/x:f(f64(arg1))': 'arg1' is an integer's register: floating-point numbers are in others, "
						"none of which can be read" },
		{ "uretprobe:/x:f(f32(retval))", &c, "'uretprobe:/x:f(f32(retval))': 'retval' is an integer's register: floating-point numbers "
						     "are in others, none of which can be read" },
		{ "uprobe:/x:f(buf(arg2,s32(arg3)))", &c, "108; arg2 buf 8 buffer r104 0 length 1; (length)  4s r96 0" },
		{ "uprobe:/x:f(buf(arg2,arg3),str(arg1))", &c, "216; arg2 buf 8 buffer r104 0 length 2; arg1 str 8 text r112 0; (length)  8s r96 0" },
		{ "uprobe:/x:f(buf(arg2,arg3),buf(arg1,arg3))", &c, "'uprobe:/x:f(buf(arg2,arg3),buf(arg1,arg3))': a probe has at most one buffer" },
		{ "uprobe:/x:f(view, *views, str(view))", &named,
		  "324; view str 8 text r104 0 length 3; views str 8 text r96 0 *0 length 4; view_2 str 8 text r104 0 length 5; "
		  "(length)  4 r88 0; (length)  8 r96 8 *0; (length)  4 r88 0" },
		{ "uprobe:/x:f(x64(view))", &named, "'uprobe:/x:f(x64(view))': 'view' is a struct: name one of its members" },
		{ "uprobe:/x:f(view+1)", &named, "'uprobe:/x:f(view+1)': 'view' is a struct: name one of its members" },
		{ "uprobe:/x:f(str(arg1,view))", &named, "'uprobe:/x:f(str(arg1,view))': 'view' is no number, as a length is" },
		{ "tracepoint:a:b(str(comm,size))", &tp, "'tracepoint:a:b(str(comm,size))': 'comm' has a length of its own" },
		{ "uprobe:/x:f(arg1,arg2,arg3,arg4,arg5,arg6,arg7,str(arg1,arg2))", &c,
		  "'uprobe:/x:f(arg1,arg2,arg3,arg4,arg5,arg6,arg7,str(arg1,arg2))': a probe has at most 8 arguments, of which lengths of texts are some" },
		{ "uprobe:/x:f(half+1)", &named, "'uprobe:/x:f(half+1)': 'half' is a part of a word, with which nothing can be added or loaded" },
		{ "uretprobe:/x:f", &named, "8; retval s16 2s r80 0" },
		{ "uretprobe:/x:f(retval.second, x64(retval), state)", &named,
		  "24; retval_second u64 8 r96 0; retval x64 8 r80 0 bits 0+16; state enum 4s entry r112 0 IDLE=0,BUSY=1" },
		{ "uretprobe:/x:f(retval.none)", &named, "'uretprobe:/x:f(retval.none)': it has no argument 'retval.none'" },
		{ "uretprobe:/x:f(retval->id)", &c, "'uretprobe:/x:f(retval->id)': 'retval->id': nothing is known of its type here" },
		{ "uretprobe:/x:f(req->id)", &named, "8; req_id u32 4 entry r104 8 *16 *0" },
		{ "uprobe:/x:f(*deep)", &named, "'uprobe:/x:f(*deep)': 'deep' takes more than four loads from memory" },
		{ "uprobe:/x:f(len)", &named, "'uprobe:/x:f(len)': it has no argument 'len'" },
		{ "uprobe:/x:f(len)", &c, "'uprobe:/x:f(len)': 'len': arguments are arg1, arg2 … here" },
		{ "kretprobe:f(arg2)", &c, "8; arg2 s64 8s kernel entry r104 0" },
		{ "tracepoint:a:b", &tp, "340; comm str 8 kernel bytes 0 room 16; size s16 2s kernel r24 0; name str 8 kernel loc r28 0; "
					 "ptr u64 8 kernel r32 0; near str 8 kernel loc r72 76" },
		{ "tracepoint:a:b(str(ptr),x64(ptr))", &tp, "116; ptr str 8 kernel text r32 0; ptr_2 x64 8 kernel r32 0" },
		{ "tracepoint:syscalls:b(str(ptr))", &tp, "108; ptr str 8 text r32 0" },
		{ "tracepoint:a:b(siz)", &tp, "'tracepoint:a:b(siz)': it has no field 'siz', did you mean 'size'?; it has common_pid, "
					      "comm, size, name, ptr, vector, near" },
		{ "tracepoint:a:b(vector)", &tp, "'tracepoint:a:b(vector)': 'vector' is an array or a struct, which is not read" },
		{ "tracepoint:a:b(comm+1)", &tp, "'tracepoint:a:b(comm+1)': 'comm' is a text, with which nothing can be added or loaded" },
		{ "usdt:/x:a:b", &usdt, "16; arg1 s32 4s r32 8 *0; arg2 u64 8 r80 0" },
		{ "usdt:/x:a:b(str(arg2),s8(arg1),u16(*(arg2+6)))", &usdt,
		  "124; arg2 str 8 text r80 0; arg1 s8 1s r32 8 *0; arg2_6 u16 2 r80 6 *0" },
		{ "usdt:/x:a:b(arg3)", &usdt, "'usdt:/x:a:b(arg3)': '8@%xmm0' is in a register for floating-point numbers, none of which can be read" },
	};

	for (size_t i = 0; i < PH_ARRAY_SIZE(cases); i++) {
		ph_autofree char *is = planned(cases[i].text, cases[i].site);

		assert_string_equal(is, cases[i].is);
	}
}

/* ---- hits ------------------------------------------------------------------------------------------- */

static const char stream[] =
	"@0 container_info index=1 name=web id=aaaabbbbcccc cgroup_path=/web cgroup_id=12 init_pid=7\n"
	"@0 lttng_statedump_process_state tid=7 pid=7 ppid=99 name=nginx container=1 status=5 syscall=-1 start_ns=1\n"
	"@0 probe_point probe=0 asked=0 kind=uprobe text=\"uprobe:/x:open*(str(arg1),n)\" path=/x function=open_it "
	"names=\"arg1 n\" types=\"str s32\"\n"
	"@0 probe_point probe=1 asked=1 kind=uretprobe text=\"uretprobe:/x:close\" path=/x function=close names=\"retval pid\" "
	"types=\"x64 u64\"\n"
	"@0 probe_point probe=2 asked=2 kind=uprobe text=\"uprobe:/x:mix\" path=/x function=mix names=\"ratio share state\" "
	"types=\"f64 f32 enum:IDLE=0,BUSY=1,GONE=-2\"\n"
	"@1000 tid=7 pid=7 container=1 probe_hit probe=0 values=[4096,18446744073709551615] address=4198400 text1=\"a b\"\n"
	"@2000 tid=7 pid=7 container=1 probe_hit probe=1 asked=1 values=[255,3] duration_ns=1500\n"
	"@3000 tid=7 pid=7 container=1 probe_hit probe=0 unread=1 values=[4096,40] text1=\"\"\n"
	"@4000 tid=7 pid=7 container=1 probe_hit probe=9 values=[1]\n"
	"@5000 tid=7 pid=7 container=1 probe_hit probe=1 asked=1 values=[0]\n"
	/* 2.5, -1.5, -2. */
	"@6000 tid=7 pid=7 container=1 probe_hit probe=2 asked=2 values=[4612811918334230528,3217031168,18446744073709551614]\n"
	"@7000 tid=7 pid=7 container=1 probe_hit probe=2 asked=2 values=[0,0,5]\n";

struct asked {
	const char *fields, *filter, *hist, *by, *sort;
	enum ph_output output;
	bool count, fails;
	uint64_t max;
};

static char *shown(const struct asked *a)
{
	struct ph_probe_view *v = ph_probe_view_new();
	struct ph_identity *id = ph_identity_new();
	struct ph_snoop_opts o = { .utc = true, .filter = a->filter };
	struct ph_probe_sums *sums = NULL;
	struct ph_snooping *s = NULL;
	struct ph_col *cols;
	struct ph_source *src;
	struct ph_buf out = { 0 };
	struct ph_err err = { 0 };
	struct ph_event *ev;
	ph_strv by = { 0 };
	size_t ncols;
	int r = 0;

	/* What is probed is known beforehand. */
	assert_int_equal(ph_synthetic_parse(stream, &src, &err), 0);
	while (ph_source_next(src, &ev, &err) > 0)
		ph_probe_view_learn(v, ev);
	ph_source_close(src);
	assert_int_equal(ph_probe_view_known(v), 3);
	ph_probe_view_snoop(v);
	cols = ph_probe_view_cols(v, &ncols);
	o.fmt = (struct ph_table_fmt){ .output = a->output, .sort = a->sort, .max_entries = a->max };
	if (a->fields)
		assert_int_equal(ph_parse_list(a->fields, &o.fmt.fields, &err), 0);
	if (a->by)
		assert_int_equal(ph_parse_list(a->by, &by, &err), 0);
	if (a->count || a->hist) {
		struct ph_probe_sums_opts so = { .fmt = &o.fmt, .hist = a->hist, .by = &by };

		r = ph_probe_sums_new(cols, ncols, &so, &sums, &err);
		o.fmt.sort = NULL;
		o.row = ph_probe_sums_add;
		o.row_arg = sums;
	}
	if (r == 0)
		r = ph_snooping_new(ph_probe_view_snoop(v), &o, &s, &err);
	assert_int_equal(r, a->fails ? -EINVAL : 0);
	if (r < 0) {
		ph_buf_adds(&out, err.msg);
		goto out;
	}
	assert_int_equal(ph_synthetic_parse(stream, &src, &err), 0);
	while (ph_source_next(src, &ev, &err) > 0) {
		ph_identity_feed(id, ev);
		ph_probe_view_learn(v, ev);
		ph_snooping_feed(s, id, ev);
	}
	ph_source_close(src);
	if (sums)
		assert_int_equal(ph_probe_sums_print(sums, &out, &err), 0);
	else
		ph_snooping_finish(s, id, &out);
out:
	ph_snooping_free(s);
	ph_probe_sums_free(sums);
	ph_probe_view_free(v);
	ph_identity_free(id);
	ph_strv_done(&o.fmt.fields);
	ph_strv_done(&by);
	free(cols);
	for (char *p = out.p; p && (p = strstr(p, "\r\n")); )
		memmove(p, p + 1, strlen(p));
	return ph_buf_steal(&out);
}

static void test_hits(void **state)
{
	static const struct {
		struct asked a;
		const char *is;
	} cases[] = {
		{ { .fields = "container,comm,function,arg1,n,retval,arg_pid,duration_ns", .output = PH_OUT_CSV },
		  "container,comm,function,arg1,n,retval,arg_pid,duration_ns\n"
		  "web,nginx,open_it,a b,-1,,,\n"
		  "web,nginx,close,,,255,3,1500\n"
		  "web,nginx,open_it,,40,,,\n"
		  "web,nginx,,,,,,\n"
		  "web,nginx,close,,,0,,\nweb,nginx,mix,,,,,\nweb,nginx,mix,,,,,\n" },
		{ { .fields = "function,kind,path,probe,address,asked,retval", .filter = "retval > 0 || arg1 ~ \"a*\"" },
		  "FUNCTION              KIND        PATH                  PROBE         ADDRESS  ASKED                           RETVAL\n"
		  "open_it               uprobe      /x                        0        0x401000  uprobe:/x:open*(str(arg1),n)         -\n"
		  "close                 uretprobe   /x                        1               -  uretprobe:/x:close                0xff\n" },
		{ { .filter = "n < 0 && comm == nginx", .fields = "n", .output = PH_OUT_JSON }, "{\"n\":-1}\n" },
		{ { .count = true }, "FUNCTION  COUNT\nopen_it       2\nclose         2\nmix           2\n-             1\n" },
		{ { .count = true, .by = "container,arg1", .output = PH_OUT_CSV }, "container,arg1,count\nweb,,6\nweb,a b,1\n" },
		{ { .count = true, .sort = "-function" }, "FUNCTION  COUNT\nopen_it       2\nmix           2\nclose         2\n-             1\n" },
		{ { .count = true, .sort = "count", .max = 2 }, "FUNCTION  COUNT\n-             1\nopen_it       2\n" },
		{ { .count = true, .sort = "pid", .fails = true }, "--sort: there is no field 'pid'; there are: function, count" },
		{ { .hist = "retval", .by = "function", .max = 1, .filter = "function != mix" },
		  "open_it: 2 times, 2 times not known\n" },
		{ { .hist = "n" }, "7 times, n: average 40, half below 40, 99 % below 40, most 40, 1 times below 0, 5 times not known\n"
				   "         32 .. 64         |########################################| 1\n" },
		{ { .hist = "duration_ns", .by = "function", .filter = "function == close" },
		  "close: 2 times, duration_ns: average 1.5 us, half below 1.5 us, 99 % below 1.5 us, most 1.5 us, 1 times not known\n"
		  "    1.02 us .. 2.05 us    |########################################| 1\n" },
		{ { .hist = "retval", .by = "function", .filter = "function == close", .output = PH_OUT_CSV },
		  "function,from,to,count\nclose,0,1,1\nclose,1,2,0\nclose,2,4,0\nclose,4,8,0\nclose,8,16,0\nclose,16,32,0\n"
		  "close,32,64,0\nclose,64,128,0\nclose,128,256,1\n" },
		{ { .fields = "ratio,share,state", .filter = "ratio > 2.4 || state == \"5\"" },
		  "   RATIO     SHARE  STATE\n     2.5      -1.5  GONE\n       0         0  5\n" },
		{ { .fields = "ratio,share,state", .filter = "share < -1 && state == GONE", .output = PH_OUT_JSON },
		  "{\"ratio\":2.5,\"share\":-1.5,\"state\":\"GONE\"}\n" },
		{ { .hist = "ratio", .fails = true }, "--hist: ratio is a floating-point number, and no whole number" },
		{ { .hist = "arg1", .fails = true }, "--hist: arg1 is a text, and no whole number" },
	};

	for (size_t i = 0; i < PH_ARRAY_SIZE(cases); i++) {
		ph_autofree char *is = shown(&cases[i].a);

		assert_string_equal(is, cases[i].is);
	}
}

/* Of a container that comes later, a program calls a text what is a number in those that are shown; and a number what is a text. */
/* Two libraries of one name, as a program has them that brings its own. */
static void test_mappings(void **state)
{
	static const char *const folders[] = { "a", "b" };
	char dir[] = "/tmp/porthole-probe-XXXXXX";
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct stat st[2];
	void *at[2];
	uint64_t begin, offset;

	(void)state;
	assert_non_null(mkdtemp(dir));
	for (size_t i = 0; i < 2; i++) {
		ph_autofree char *folder = ph_asprintf("%s/%s", dir, folders[i]), *path = ph_asprintf("%s/libx.so", folder);
		int fd;

		assert_int_equal(mkdir(folder, 0700), 0);
		fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0700);
		assert_true(fd >= 0);
		assert_int_equal(ftruncate(fd, (off_t)(3 * page)), 0);
		assert_int_equal(fstat(fd, &st[i]), 0);
		at[i] = mmap(NULL, page, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, (off_t)((i + 1) * page));
		assert_ptr_not_equal(at[i], MAP_FAILED);
		close(fd);
	}
	for (size_t i = 0; i < 2; i++) {
		assert_true(probe_mapping(getpid(), st[i].st_dev, st[i].st_ino, &begin, &offset));
		assert_int_equal(begin, (uintptr_t)at[i]);
		assert_int_equal(offset, (i + 1) * page);
	}
	munmap(at[1], page);
	assert_false(probe_mapping(getpid(), st[1].st_dev, st[1].st_ino, &begin, &offset));
	munmap(at[0], page);
	for (size_t i = 0; i < 2; i++) {
		ph_autofree char *folder = ph_asprintf("%s/%s", dir, folders[i]), *path = ph_asprintf("%s/libx.so", folder);

		unlink(path);
		rmdir(folder);
	}
	rmdir(dir);
}

static void test_late_points(void **state)
{
	static const char late[] =
		"@1 probe_point probe=0 asked=0 kind=uprobe text=\"uprobe:/x:f\" path=/x function=f names=\"n s x\" types=\"s32 str f64\"\n"
		"@2 tid=7 pid=7 probe_hit probe=0 values=[5,4096,4612811918334230528] text1=\"a\"\n"
		"@3 probe_point probe=1 asked=0 kind=uprobe text=\"uprobe:/x:f\" path=/y function=f names=\"n s x\" types=\"str u64 s64\"\n"
		"@4 tid=7 pid=7 probe_hit probe=1 values=[4096,6,7] text1=\"b\"\n";
	struct ph_probe_view *v = ph_probe_view_new();
	struct ph_identity *id = ph_identity_new();
	struct ph_snoop_opts o = { .fmt.output = PH_OUT_CSV };
	struct ph_snooping *s = NULL;
	struct ph_err err = { 0 };
	ph_autobuf out = { 0 };
	struct ph_source *src;
	struct ph_event *ev;

	assert_int_equal(ph_parse_list("function,n,s,x", &o.fmt.fields, &err), 0);
	assert_int_equal(ph_synthetic_parse(late, &src, &err), 0);
	while (ph_source_next(src, &ev, &err) > 0) {
		ph_probe_view_learn(v, ev);
		if (!s)
			assert_int_equal(ph_snooping_new(ph_probe_view_snoop(v), &o, &s, &err), 0);
		ph_snooping_feed(s, id, ev);
	}
	ph_source_close(src);
	ph_snooping_finish(s, id, &out);
	assert_string_equal(out.p, "function,n,s,x\r\nf,5,a,2.5\r\nf,,6,\r\n");
	ph_snooping_free(s);
	ph_probe_view_free(v);
	ph_identity_free(id);
	ph_strv_done(&o.fmt.fields);
}

/* ---- programs of bpftrace ------------------------------------------------------------------------------ */

static char *bt_file(const struct ph_bpftrace_container *c, const char *path, void *arg)
{
	/* Links lead anywhere in the container. */
	if (strstr(path, "evil"))
		return ph_strdup("/proc/7/root/x:f { } BEGIN { system(\"id\"); } //");
	if (strstr(path, "odd"))
		return ph_strdup("/proc/7/root/a b:c,d");
	if (strstr(path, "escape"))
		return ph_strdup("/proc/7/root/x\xc2\x9b");
	return strstr(path, "none") ? NULL : ph_asprintf("/proc/%d/root%s%s", c->pid, *path == '/' ? "" : "/lib/", path);
}

/* The program for the first @n containers; behind it what is said of it. */
static char *rewritten(const char *program, size_t n)
{
	static const struct ph_bpftrace_container c[] = {
		{ "web", "MINE == 1", 7, 12, bt_file, NULL }, { "d%b\"", "MINE == 2", 8, 13, bt_file, NULL },
		{ "\x1b\n\\\xc2\x9b\xe2\x80\xae", "MINE == 3", 9, 14, bt_file, NULL },
	};
	struct ph_buf out = { 0 };
	struct ph_err err = { 0 };
	ph_strv notes = { 0 };

	if (ph_bpftrace_rewrite(program, c, n, &out, &notes, &err) < 0) {
		ph_buf_clear(&out);
		ph_buf_adds(&out, err.msg);
	}
	ph_vec_each(note, &notes)
		ph_buf_addf(&out, "# %s\n", *note);
	ph_strv_done(&notes);
	return ph_buf_steal(&out);
}

static void test_bpftrace(void **state)
{
	static const struct {
		size_t n;
		const char *program, *is;
	} cases[] = {
		{ 1, "uprobe:/bin/bash:readline { printf(\"%s\\n\", str(arg0)); }",
		  "uprobe:/proc/7/root/bin/bash:readline /MINE == 1/ { printf(\"%s\\n\", str(arg0)); }\n" },
		{ 1, "uprobe:/bin/bash:readline/pid == 1/{}", "line 1: '{' was expected, the body of a probe" },
		{ 1, "uprobe:/bin/bash:readline /pid / 2 == 1 || comm == \"/{\"/ { exit() }",
		  "uprobe:/proc/7/root/bin/bash:readline /pid / 2 == 1 || comm == \"/{\"/ { if (MINE == 1) { exit() } }\n" },
		{ 1, "uretprobe:libc:malloc,\n  usdt:\"/a b\":p:n /* here { */ { @ = 1 } // end {",
		  "uretprobe:/proc/7/root/lib/libc:malloc,\nusdt:\"/proc/7/root/a b\":p:n /MINE == 1/ { @ = 1 }\n // end {" },
		{ 1, "#!/usr/bin/bpftrace\n#include <linux/fs.h>\nstruct a { int x; };\nBEGIN { @p = $container_pid; }\n"
		     "interval:s:1 /@p/ { $container_pid2 = 1; print(\"$container_pid\"); }\n",
		  "\n#include <linux/fs.h>\nstruct a { int x; };\nBEGIN { @p = 7; }\n\n"
		  "interval:s:1 /@p/ { $container_pid2 = 1; print(\"$container_pid\"); }\n\n" },
		{ 1, "kprobe:vfs_* /pid == $container_pid/ { @[cgroup == $container_cgroupid] = count(); /* $container_pid } */ }",
		  "kprobe:vfs_* /pid == 7/ { if (MINE == 1) { @[cgroup == 12] = count(); /* $container_pid } */ } }\n" },
		/* A block's completion is an interrupt's: by what the container has begun. */
		{ 2, "k:blk_account_io_done, t:a:b /@start[arg0]/ { printf(\"%d\\n\", 1); }",
		  "k:blk_account_io_done /@start[arg0]/ { printf(\"%d\\n\", 1); }\n"
		  "t:a:b /@start[arg0]/ { if (MINE == 1) { printf(\"web: %d\\n\", 1); } }\n"
		  "t:a:b /@start[arg0]/ { if (MINE == 2) { printf(\"d%%b_: %d\\n\", 1); } }\n"
		  "# k:blk_account_io_done happens in whoever is running: it is left to its own predicate, which asks for what the program has of "
		  "the container\n" },
		{ 1, "tracepoint:sched:sched_w* { @ = 1; } rt:sched_switch, t:sched:sched_process_exit { }",
		  "tracepoint:sched:sched_w* /MINE == 1/ { @ = 1; }\n rt:sched_switch,\nt:sched:sched_process_exit /MINE == 1/ { }\n"
		  "# tracepoint:sched:sched_w* happens in whoever is running: what happens for the container in others' time is not seen\n"
		  "# rt:sched_switch happens in whoever is running: what happens for the container in others' time is not seen\n" },
		{ 2, "BEGIN { printf(\"begin\\n\"); } u:/x:f { printf(\"%d\\n\", 1); printf(\"part\"); printf ( \"a\\\"b\\n\" ); @[$container_name] = 1; }",
		  "BEGIN { printf(\"begin\\n\"); }\n"
		  " u:/proc/7/root/x:f /MINE == 1/ { printf(\"web: %d\\n\", 1); printf(\"part\"); printf ( \"web: a\\\"b\\n\" ); @[\"web\"] = 1; }\n"
		  "u:/proc/8/root/x:f /MINE == 2/ { printf(\"d%%b_: %d\\n\", 1); printf(\"part\"); printf ( \"d%%b_: a\\\"b\\n\" ); @[\"d%b_\"] = 1; }\n" },
		{ 1, "uprobe:/none:f, tracepoint:a:b, END { }",
		  "END { }\ntracepoint:a:b /MINE == 1/ { }\n# uprobe:/none:f: web has no /none\n" },
		{ 1, "uprobe:/none:f { }", "# uprobe:/none:f: web has no /none\n" },
		{ 1, "uprobe:/usr/*/x:f { }", "# uprobe:/usr/*/x:f: a path with a pattern is not looked up in the container\n" },
		{ 1, "uprobe:/evil:f, uprobe:\"/evil\":g { }",
		  "# uprobe:/evil:f: the file of web has a name that cannot stand in a program: /proc/7/root/x:f { } BEGIN { system(\"id\"); } //\n"
		  "# uprobe:\"/evil\":g: the file of web has a name that cannot stand in a program: /proc/7/root/x:f { } BEGIN { system(\"id\"); } //\n" },
		{ 1, "uprobe:/escape:f { }", "# uprobe:/escape:f: the file of web has a name that cannot stand in a program: /proc/7/root/x\xc2\x9b\n" },
		{ 3, "t:a:b { printf(\"x\\n\"); print($container_name); }",
		  "t:a:b /MINE == 1/ { printf(\"web: x\\n\"); print(\"web\"); }\nt:a:b /MINE == 2/ { printf(\"d%%b_: x\\n\"); print(\"d%b_\"); }\n"
		  "t:a:b /MINE == 3/ { printf(\"_x1b_x0a__xc2_x9b_xe2_x80_xae: x\\n\"); print(\"_x1b_x0a__xc2_x9b_xe2_x80_xae\"); }\n" },
		{ 1, "uprobe:/odd:f, uprobe:\"/odd\":g { }",
		  "uprobe:\"/proc/7/root/a b:c,d\":f,\nuprobe:\"/proc/7/root/a b:c,d\":g /MINE == 1/ { }\n" },
		{ 1, "iter:task { }", "iter:task { }\n# iter:task: an iterator sees everybody; compare its task's numbers with "
				      "$container_pid, $container_cgroupid\n" },
		{ 1, "config = { max_map_keys = 10 }\nhardware:cache-misses:100 { }",
		  "config = { max_map_keys = 10 }\nhardware:cache-misses:100 /MINE == 1/ { }\n" },
		{ 1, "/* only */\n", "/* only */\n" },
		{ 1, "uprobe:/x:f { ", "line 1: a body has no end" },
		{ 1, "\n\nuprobe:/x:f { \"", "line 3: a body has no end" },
		{ 1, "uprobe:/x:f / 1 ", "line 1: a predicate has no end" },
		{ 1, "uprobe:\"/x", "line 1: a string has no end" },
		{ 1, "{ }", "line 1: a probe was expected" },
	};

	for (size_t i = 0; i < PH_ARRAY_SIZE(cases); i++) {
		ph_autofree char *is = rewritten(cases[i].program, cases[i].n);

		assert_string_equal(is, cases[i].is);
	}
}

/* What GNU as makes of them. */
static void test_emulated(void **state)
{
	static const struct {
		uint8_t code[7];
		bool wrong;
	} cases[] = {
		{ { 0x62, 0xe2, 0x7d, 0x48, 0x7a, 0xc6 }, true },		/* vpbroadcastb %esi,%zmm16: memset; 7a is jp */
		{ { 0xc5, 0xf9, 0x74, 0xc1 }, true },				/* vpcmpeqb %xmm1,%xmm0,%xmm0; 74 is je */
		{ { 0xc4, 0xc1, 0x79, 0x7e, 0xc0 }, true },			/* vmovd %xmm0,%r8d; 7e is jle */
		{ { 0xc5, 0xf9, 0xeb, 0xc1 }, true },				/* vpor; eb is jmp */
		{ { 0xc5, 0xf9, 0xe9, 0xc1 }, true },				/* vpsubsw; e9 is jmp */
		{ { 0xc5, 0xf9, 0xe8, 0xc1 }, true },				/* vpsubsb; e8 is call */
		{ { 0xc5, 0xf8, 0x90, 0xc9 }, true },				/* kmovw %k1,%k1; 90 is nop */
		{ { 0xc5, 0xf9, 0xef, 0xc0 }, false },				/* vpxor */
		{ { 0xc5, 0xf9, 0x6e, 0xc6 }, false },				/* vmovd %esi,%xmm0 */
		{ { 0x62, 0xe1, 0x7d, 0x48, 0x6e, 0xc6 }, false },
		{ { 0xc4, 0xe2, 0x7d, 0x78, 0xc0 }, true },			/* vpbroadcastb %xmm0,%ymm0; 78 is js */
		{ { 0xc4, 0xc1, 0x79, 0x6e, 0xc0 }, false },			/* vmovd %r8d,%xmm0; 79 is of its prefix */
		{ { 0x74, 0x05 }, false },					/* je itself */
		{ { 0x66, 0x0f, 0x74, 0xc1 }, false },				/* pcmpeqb %xmm1,%xmm0 */
		{ { 0x48, 0x89, 0xf8 }, false },				/* mov %rdi,%rax */
	};

	(void)state;
	for (size_t i = 0; i < PH_ARRAY_SIZE(cases); i++) {
		assert_int_equal(probe_is_emulated_wrongly(EM_X86_64, cases[i].code, sizeof(cases[i].code)), cases[i].wrong);
		assert_false(probe_is_emulated_wrongly(EM_AARCH64, cases[i].code, sizeof(cases[i].code)));
	}
	/* Cut off by the end of the file. */
	assert_false(probe_is_emulated_wrongly(EM_X86_64, cases[0].code, 4));
	assert_false(probe_is_emulated_wrongly(EM_X86_64, cases[0].code, 0));
}

/* By the machines' psABIs, in the order of the kernel's struct. */
static void test_numbered(void **state)
{
	static const struct { int machine; uint32_t n; int reg; } cases[] = {
#ifdef __x86_64__
		{ EM_X86_64, 0, offsetof(struct user_regs_struct, rax) }, { EM_X86_64, 1, offsetof(struct user_regs_struct, rdx) },
		{ EM_X86_64, 2, offsetof(struct user_regs_struct, rcx) }, { EM_X86_64, 3, offsetof(struct user_regs_struct, rbx) },
		{ EM_X86_64, 4, offsetof(struct user_regs_struct, rsi) }, { EM_X86_64, 5, offsetof(struct user_regs_struct, rdi) },
		{ EM_X86_64, 6, offsetof(struct user_regs_struct, rbp) }, { EM_X86_64, 7, offsetof(struct user_regs_struct, rsp) },
		{ EM_X86_64, 8, offsetof(struct user_regs_struct, r8) }, { EM_X86_64, 9, offsetof(struct user_regs_struct, r9) },
		{ EM_X86_64, 10, offsetof(struct user_regs_struct, r10) }, { EM_X86_64, 11, offsetof(struct user_regs_struct, r11) },
		{ EM_X86_64, 12, offsetof(struct user_regs_struct, r12) }, { EM_X86_64, 13, offsetof(struct user_regs_struct, r13) },
		{ EM_X86_64, 14, offsetof(struct user_regs_struct, r14) }, { EM_X86_64, 15, offsetof(struct user_regs_struct, r15) },
		{ EM_X86_64, 16, offsetof(struct user_regs_struct, rip) },
#endif
		{ EM_X86_64, 17, -1 },
		/* x0, x30, sp, pc */
		{ EM_AARCH64, 0, 0 }, { EM_AARCH64, 30, 240 }, { EM_AARCH64, 31, 248 }, { EM_AARCH64, 32, 256 }, { EM_AARCH64, 33, -1 },
	};

	(void)state;
	for (size_t i = 0; i < PH_ARRAY_SIZE(cases); i++) {
		struct ph_probe_arg a = { 0 };
		int r = ph_probe_numbered_place(cases[i].machine, cases[i].n, &a);

		assert_int_equal(r, cases[i].reg < 0 ? -ERANGE : 0);
		if (r == 0) {
			assert_true(a.has_reg);
			assert_int_equal(a.reg, cases[i].reg);
			assert_int_equal(a.add[0], 0);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_language), cmocka_unit_test(test_usdt), cmocka_unit_test(test_kernel_names), cmocka_unit_test(test_kernel_functions), cmocka_unit_test(test_fields), cmocka_unit_test(test_places),
		cmocka_unit_test(test_hits), cmocka_unit_test(test_mappings), cmocka_unit_test(test_late_points), cmocka_unit_test(test_emulated), cmocka_unit_test(test_numbered), cmocka_unit_test(test_bpftrace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
