/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PH_UNWIND_INTERP_H
#define PH_UNWIND_INTERP_H

/*
 * Stacks of interpreted programs, read from the interpreter's own structures, for user space and the kernel side alike, as
 * step.h: no loops, memory by the caller's function. Where a walk comes upon the function that runs interpreted code, it
 * asks ph_interp_step() again and again for the frames that belong to this call of it; the next call of it on the
 * same stack goes on from there. docs/unwinding.md has the structures.
 */

#ifndef __bpf__
#include <stdbool.h>
#endif
#include "unwind/interp_java.h"
#include "unwind/step.h"

enum ph_interp_kind {
	PH_INTERP_NONE, PH_INTERP_PYTHON, PH_INTERP_PHP, PH_INTERP_V8, PH_INTERP_RUBY, PH_INTERP_PERL, PH_INTERP_JAVA,
	PH_INTERP_NKINDS
};

/* How Python has its frames: since which version. */
enum ph_interp_frames {
	PH_PY_OBJECTS,		/* 3.8: objects, a call of the interpreter for each */
	PH_PY_ENTRY,		/* 3.11: several in one call of the interpreter; the outermost of these says so */
	PH_PY_SHIM,		/* 3.12: behind the outermost, one that stands for the call of the interpreter */
};

/* Where a thread has a variable of its own, counted from its thread pointer. */
struct ph_interp_tls {
	__u64 slot;		/* the file's address of a word that the dynamic linker, or the program, has written */
	__s64 off;
	__u8 how;		/* enum ph_interp_tls_how */
	__u8 pad_[7];
};

enum ph_interp_tls_how {
	PH_TLS_NONE,
	PH_TLS_PROGRAM,		/* off: of a program, whose variables lie below the thread pointer, of arm64 above */
	PH_TLS_OFFSET,		/* the slot has how far away it is */
	PH_TLS_GLIBC,		/* the slot has the library's number, under which glibc lists where its variables begin */
	PH_TLS_MUSL,		/* the same of musl, whose list has one word for each */
	PH_TLS_KEY,		/* the slot has the key of pthread_getspecific(), of glibc */
};

struct ph_interp_range {
	__u64 begin, end;
};

/* What is known of a file that is an interpreter; addresses are the file's. */
struct ph_interp {
	__u64 code_begin, code_end;	/* the function that runs interpreted code */
	__u64 cold_begin, cold_end;	/* the part of it that the compiler put elsewhere; empty: none is known */
	/* Ruby: a function that it calls to do so, and nobody else does; empty: that is not known. */
	__u64 loop_begin, loop_end;
	__u64 loop_cold_begin, loop_cold_end;
	/* PHP: functions that make a frame the current one and then call the interpreter to run it. */
	struct ph_interp_range starts[2];
	/* PHP: the function that fibers' stacks begin in (empty: they tell themselves), and that which goes over to another one. */
	struct ph_interp_range fiber, fiber_switch;
	/*
	 * Python: its _PyRuntime; PHP: where the current frame is, or of one with threads how far in, and what says where that is; Ruby 2.7: its execution context; Perl without threads: where
	 * its stack is, and where the current statement is; Java: what points at the lists of where it has what, and of sizes.
	 */
	__u64 root, statement;
	struct ph_interp_tls own;	/* Ruby: the thread's execution context; Perl: its interpreter; PHP with threads: all that is its own */
	__u8 kind, version;		/* enum ph_interp_kind; N of 3.N (Python), 8.N (PHP), 5.N (Perl); NM of N.M (Ruby, V8) */
	__u8 frames;			/* Python: enum ph_interp_frames */
	__u8 lasti_unit;		/* PH_PY_OBJECTS: bytes that one of lasti counts */
	/* Offsets in structures. Python: */
	__u16 runtime_head;		/* _PyRuntime → its interpreters */
	__u16 interp_threads;		/* interpreter → its threads */
	__u16 thread_id, thread_frame;
	__u16 thread_above;		/* a thread's pointer is what it has as its number (thread_id), or less than so much above */
	__u16 thread_call;		/* 3.10: thread → a variable of the innermost call of the interpreter's function */
	__u16 frame_back, frame_code, frame_lasti, frame_entry;
	__u16 code_bytes;		/* code → its instructions */
	/* What only names need (ph_interp_name()). Python: */
	__u16 code_file, code_name, code_line, code_lines;
	__u16 text;			/* string → its bytes, where it is ASCII */
	/* PHP; what fibers' are is 0 in 8.0, which has none */
	__u16 func_file;
	__u16 generator_parent, generator_fake;	/* generator → what it yields to, and its frame in the place of those */
	__u16 fiber_caller, fiber_bottom;	/* fiber → who resumed it, and its outermost frame */
	__u16 fiber_saved;		/* x86_64: what is saved of one that went over to another → where it returns to */
	/* V8: what kind of object these are, as their map has it */
	__u16 type_shared, type_script, type_scope;
	/* Ruby, which has of the above thread_id (2.7 only), code_lines and text, too: */
	__u16 context_thread;		/* 2.7: execution context → its thread */
	__u16 frame_size;		/* how far it is to the caller's */
	__u16 code_places;		/* code → which of code_lines is of an instruction */
	__u16 line_size;		/* of one of code_lines */
	/* Perl: */
	__u16 perl_stack, perl_statement;	/* interpreter → the same as root and statement */
	__u16 op_statement, op_eval;	/* numbers of operations */
	__u8 stash_aux;			/* what a package's name is in comes right behind its head (5.36) */
	__u8 pad_[5];
	struct ph_java java;		/* as a process with it has told */
};

/* Of the part of a walk that is interpreted. All zero at its beginning. */
struct ph_interp_state {
	__u64 frame;		/* the next one */
	__u64 thread;		/* Python: that is looked at, until it is the one; PHP: the generator whose parents' frames are next */
	__u64 end;		/* Ruby: of its frames; PHP: the parent whose frame was the last one */
	__u64 statement;	/* Perl: where the next frame is; PHP: the generator that is looked at, until it is of that parent */
	__u64 owner;		/* Python: an address of what the call of the interpreter that runs the innermost frames has on its stack; 0: not known */
	__s32 index;		/* Perl: of the next frame, in the stack that `frame` is; negative: none in this one */
	__u8 at;		/* enum */
	__u8 between;		/* frames of other functions since the last call of the interpreter; the walk counts them */
	__u8 shift;		/* enum ph_interp_shift */
	__u8 without;		/* PHP, Ruby: calls of the interpreter for which no frames were left, up to 2 */
	/* What was read of a frame: on the stack of a BPF program there is no room for it. */
	struct {
		__u64 own, slot, pc, code, first, contexts, type, next, link, line;
	} of;
};

enum {
	PH_INTERP_NEW, PH_INTERP_SEARCH, PH_INTERP_IN,
	PH_INTERP_PAST,		/* Ruby: those of this call are known; is there one more? */
	PH_INTERP_MORE,		/* Ruby: there is, of the next call */
	PH_INTERP_OVER,		/* PHP, Ruby: there are no more */
	PH_INTERP_GONE,		/* they cannot be read */
};

/*
 * A call of the interpreter's function is there for some instructions before its frames are, and after them; or it is the other way round. By
 * the innermost ones alone this cannot be told: a walk finds out further on, and begins again.
 */
enum ph_interp_shift {
	PH_INTERP_EVEN,		/* as far as is known */
	PH_INTERP_OUT,		/* the innermost call has no frames */
	PH_INTERP_AHEAD,	/* the innermost frames' call is yet to come, or over */
	PH_INTERP_SHIFTED,	/* that is known, and done */
};

enum ph_interp_step {
	PH_INTERP_FRAME,	/* *frame is one; ask again */
	PH_INTERP_AGAIN,	/* ask again */
	PH_INTERP_LAST,		/* *frame is one, and the last of this call of the interpreter */
	PH_INTERP_NATIVE,	/* there are no more in this call of the interpreter */
};

/*
 * An interpreted frame of Python or PHP among the addresses of a stack: which code, and where in it. Neither an address of user space nor, as
 * no kind is 7, of the kernel.
 *   63: 1, 62…60: kind, 59…45: where (Python, Ruby: instruction; PHP, Perl: line; 32767: that or more), 44…0: address of the
 *   code / 8 (arm64 has 48 bits of them). Of code of Perl that is no function, it is the statement's, and where says what it is: from PH_PERL_MAIN on.
 */
#define PH_INTERP_CODE_BITS 45
#define PH_INTERP_WHERE_MAX 0x7fffull
enum { PH_PERL_LINE_MAX = 0x7ffb, PH_PERL_MAIN, PH_PERL_EVAL, PH_PERL_FILE };
#define PH_INTERP_BASE(kind) (1ull << 63 | (__u64)(kind) << 60)

ph_unwind_inline __u64 ph_interp_frame(enum ph_interp_kind kind, __u64 code, __u64 where)
{
	if (where > PH_INTERP_WHERE_MAX)
		where = PH_INTERP_WHERE_MAX;
	return PH_INTERP_BASE(kind) | where << PH_INTERP_CODE_BITS | (code >> 3 & ((1ull << PH_INTERP_CODE_BITS) - 1));
}

ph_unwind_inline bool ph_interp_is(__u64 frame)
{
	return frame >> 63 && (frame >> 60 & 7) != 7;
}

/*
 * Of V8 not where the code is, which its collector moves, but which: the thread (as each has scripts of its own), the script, and the
 * function in it, both as V8 numbers them.
 *   59…38: thread, 37…20: script, 19…0: function
 */
#define PH_V8_THREAD_BITS 22
#define PH_V8_SCRIPT_BITS 18
#define PH_V8_FUNCTION_BITS 20

ph_unwind_inline __u64 ph_v8_word(__u64 thread, __u64 script, __u64 function)
{
	return PH_INTERP_BASE(PH_INTERP_V8) | (thread & ((1 << PH_V8_THREAD_BITS) - 1)) << (PH_V8_SCRIPT_BITS + PH_V8_FUNCTION_BITS) |
	       script << PH_V8_FUNCTION_BITS | function;
}

ph_unwind_inline bool ph_interp_within(const struct ph_interp_range *r, __u64 vaddr)
{
	return vaddr >= r->begin && vaddr < r->end;
}

ph_unwind_inline bool ph_interp_runs(const struct ph_interp *in, __u64 vaddr)
{
	return (vaddr >= in->code_begin && vaddr < in->code_end) || (vaddr >= in->cold_begin && vaddr < in->cold_end);
}

/* A part of the call that comes next: not a frame that says anything. */
ph_unwind_inline bool ph_interp_loops(const struct ph_interp *in, __u64 vaddr)
{
	return (vaddr >= in->loop_begin && vaddr < in->loop_end) || (vaddr >= in->loop_cold_begin && vaddr < in->loop_cold_end);
}

/* PHP, Ruby: what a walk that is complete has found out by how many calls there were, and frames for how many. */
ph_unwind_inline enum ph_interp_shift ph_interp_counted(const struct ph_interp_state *s, bool started)
{
	if (s->without == 1)
		return PH_INTERP_OUT;
	/* The frames of a fiber that is being destroyed go on with those of who does it, whose stack is another one. */
	if (s->at == PH_INTERP_MORE || (started && s->at == PH_INTERP_IN && s->frame))
		return PH_INTERP_AHEAD;
	return PH_INTERP_EVEN;
}

/* PHP, Ruby: frames of a call that is not on the stack are passed over. */
ph_unwind_inline enum ph_interp_step ph_interp_ahead(struct ph_interp_state *s, enum ph_interp_step step)
{
	if (s->shift != PH_INTERP_AHEAD)
		return step;
	if (step == PH_INTERP_LAST || step == PH_INTERP_NATIVE)
		s->shift = PH_INTERP_SHIFTED;
	return PH_INTERP_AGAIN;
}

/* PHP: a fiber's stack ends here. */
ph_unwind_inline bool ph_interp_fiber_begins(const struct ph_interp *in, __u64 vaddr)
{
	return ph_interp_within(&in->fiber, vaddr);
}

ph_unwind_inline bool ph_interp_starts(const struct ph_interp *in, __u64 vaddr)
{
	return ph_interp_within(&in->starts[0], vaddr) || ph_interp_within(&in->starts[1], vaddr);
}

/* Python, one frame of @s. */
ph_unwind_inline enum ph_interp_step ph_interp_python(const struct ph_interp *in, struct ph_interp_state *s,
						      __u64 *frame, ph_unwind_read read, void *ctx)
{
	__u64 at = s->frame, code = 0, last = 0, back = 0, entry = 0;

	if (read(ctx, at + in->frame_code, &code) || read(ctx, at + in->frame_back, &back) ||
	    read(ctx, at + in->frame_lasti, &last))
		goto gone;
	if (in->frames != PH_PY_OBJECTS) {
		/* A byte, of which the word around it is read: it is within the frame. */
		if (read(ctx, at + (in->frame_entry & ~7u), &entry))
			goto gone;
		entry = entry >> 8 * (in->frame_entry & 7) & 0xff;
		/* From 3.14 on the lowest bits say how it is counted. */
		code &= ~7ull;
		last = last > code + in->code_bytes ? last - code - in->code_bytes : 0;
	} else {
		/* An int; -1: it has not begun. */
		last = (__s32)last < 0 ? 0 : (__u64)(__u32)last * in->lasti_unit;
	}
	s->frame = back;
	/* FRAME_OWNED_BY_CSTACK is 3, later FRAME_OWNED_BY_INTERPRETER; 4 is the thread's own, below all. */
	if (in->frames == PH_PY_SHIM && entry >= 3) {
		/* A variable of the interpreter's function. */
		if (entry == 3)
			s->owner = at;
		return PH_INTERP_NATIVE;
	}
	*frame = ph_interp_frame(PH_INTERP_PYTHON, code, last / 2);
	if (in->frames == PH_PY_OBJECTS || (in->frames == PH_PY_ENTRY && entry))
		return PH_INTERP_LAST;
	return PH_INTERP_FRAME;
gone:
	s->at = PH_INTERP_GONE;
	return PH_INTERP_NATIVE;
}

/* Is @its, which is what pthread_self() is in a thread, of the one with thread pointer @id? C libraries of arm64 have their struct below that. */
ph_unwind_inline bool ph_interp_is_thread(const struct ph_interp *in, __u64 its, __u64 id)
{
	return id - its < in->thread_above;
}

/* The thread whose frames these are: among its interpreter's. */
ph_unwind_inline enum ph_interp_step ph_interp_python_thread(const struct ph_interp *in, struct ph_interp_state *s,
							     __u64 bias, __u64 id, ph_unwind_read read, void *ctx)
{
	__u64 at = 0, its = 0;

	if (s->at == PH_INTERP_NEW) {
		if (read(ctx, bias + in->root + in->runtime_head, &at) || !at ||
		    read(ctx, at + in->interp_threads, &s->thread))
			goto gone;
		s->at = PH_INTERP_SEARCH;
	}
	if (!s->thread || read(ctx, s->thread + in->thread_id, &its))
		goto gone;
	if (!ph_interp_is_thread(in, its, id)) {
		/* PyThreadState.next */
		if (read(ctx, s->thread + 8, &s->thread))
			goto gone;
		return PH_INTERP_AGAIN;
	}
	if (read(ctx, s->thread + in->thread_frame, &at) || !at ||
	    (in->thread_call && read(ctx, s->thread + in->thread_call, &s->owner)))
		goto gone;
	/* In between, 3.11 and 3.12 have a variable of the interpreter's function, of which this is the second word, or the first. */
	if (in->version == 11 || in->version == 12) {
		s->owner = at;
		if (read(ctx, at + (in->version == 11 ? 8 : 0), &at))
			goto gone;
	}
	s->frame = at;
	s->at = PH_INTERP_IN;
	return PH_INTERP_AGAIN;
gone:
	s->at = PH_INTERP_GONE;
	return PH_INTERP_NATIVE;
}

/* PHP: struct _zend_execute_data {opline 0, return_value 16, func 24, This 32 (its type_info 40), prev_execute_data 48} */
ph_unwind_inline bool ph_interp_php_frame(struct ph_interp_state *s, __u64 at, __u64 *frame, ph_unwind_read read, void *ctx)
{
	if (read(ctx, at + 24, &s->of.code) || !s->of.code || read(ctx, s->of.code, &s->of.type))
		return false;
	s->of.type &= 0xff;
	/* 1: a function of the interpreter itself, which has no lines. Else opline is where it is: lineno 24. */
	if (s->of.type == 1 || read(ctx, at, &s->of.line) || (s->of.line && read(ctx, s->of.line + 24, &s->of.line)))
		s->of.line = 0;
	*frame = ph_interp_frame(PH_INTERP_PHP, s->of.code, s->of.line & 0xffffffff);
	return true;
}

/*
 * PHP: generators that `yield from` each other. The innermost one runs, and its frame was the last; the others, of which each knows the one that it
 * waits for, have frames of their own, which are not linked: at 56 of zend_generator. A generator that one alone waits for knows which
 * (zend_generator_node {parent 0, children 8, child 16; 8.0: 24}). Where several do, and of the innermost one, the one that waits for
 * the last one is looked for from the outermost one on, which was resumed.
 */
ph_unwind_inline enum ph_interp_step ph_interp_php_generators(const struct ph_interp *in, struct ph_interp_state *s, __u64 *frame,
							      ph_unwind_read read, void *ctx)
{
	__u64 first = !s->end, node = s->end + in->generator_parent;

	if (!first && s->statement == s->thread && !read(ctx, node + 8, &s->of.type) && (s->of.type & 0xffffffff) == 1 &&
	    !read(ctx, node + (in->version ? 16 : 24), &s->of.link) && s->of.link)
		s->statement = s->of.link;
	if (read(ctx, s->statement + in->generator_parent, &s->of.next))
		goto gone;
	if (s->of.next != s->end) {
		s->statement = s->of.next;
		return PH_INTERP_AGAIN;
	}
	s->end = s->statement;
	s->statement = s->thread;
	/* The outermost one is shown, or there was but one: on with who resumed it. */
	if (s->end == s->thread)
		s->thread = 0;
	if (first)
		return PH_INTERP_AGAIN;
	if (read(ctx, s->end + 56, &s->of.link) || !ph_interp_php_frame(s, s->of.link, frame, read, ctx))
		goto gone;
	return PH_INTERP_FRAME;
gone:
	s->at = PH_INTERP_GONE;
	return PH_INTERP_NATIVE;
}

/*
 * PHP: is @at the outermost frame of a fiber? That is one of the interpreter's own functions without a name (function_name 8), called by a
 * method of the fiber. s->of: the fiber (own), and who called the method (next).
 */
ph_unwind_inline bool ph_interp_php_bottom(const struct ph_interp *in, struct ph_interp_state *s, __u64 at, ph_unwind_read read, void *ctx)
{
	return in->fiber_bottom && !read(ctx, at + 48, &s->of.next) && s->of.next && !read(ctx, s->of.next + 32, &s->of.own) &&
	       s->of.own && !read(ctx, s->of.own + in->fiber_bottom, &s->of.first) && s->of.first == at;
}

ph_unwind_inline enum ph_interp_step ph_interp_php(const struct ph_interp *in, struct ph_interp_state *s, __u64 *frame,
						   ph_unwind_read read, void *ctx)
{
	__u64 at = s->frame;

	if (s->thread)
		return ph_interp_php_generators(in, s, frame, read, ctx);
	if (read(ctx, at + 24, &s->of.code) || read(ctx, at + 40, &s->of.pc) || read(ctx, at + 48, &s->of.next))
		goto gone;
	if (!s->of.code) {
		/* In the place of generators' frames, in the outermost of these; or nothing but a link. */
		if (in->generator_fake && !read(ctx, at + 32, &s->of.own) && s->of.own + in->generator_fake == at) {
			s->thread = s->statement = s->of.own;
			s->end = 0;
		}
		s->frame = s->of.next;
		return PH_INTERP_AGAIN;
	}
	if (!ph_interp_php_frame(s, at, frame, read, ctx))
		goto gone;
	if (s->of.type == 1 && !read(ctx, s->of.code + 8, &s->of.slot) && !s->of.slot) {
		/* What comes next is on another stack. */
		if (ph_interp_php_bottom(in, s, at, read, ctx)) {
			s->without += s->without < 2;
			return PH_INTERP_NATIVE;
		}
		s->frame = s->of.next;
		return PH_INTERP_AGAIN;
	}
	s->frame = s->of.next;
	/* ZEND_CALL_TOP: C has called it, and so the interpreter, unless it is a function in C, too. */
	return s->of.pc & 0x20000 && s->of.type != 1 ? PH_INTERP_LAST : PH_INTERP_FRAME;
gone:
	s->at = PH_INTERP_GONE;
	return PH_INTERP_NATIVE;
}

/*
 * PHP: from where the stack of a fiber begins to who resumed it, whose registers are on its stack as the interpreter left them when it went over:
 * jump_fcontext() of Boost.Context. What a build without that has there is no place in the function that goes over.
 */
ph_unwind_inline bool ph_interp_php_fiber(const struct ph_interp *in, struct ph_interp_state *s, enum ph_unwind_arch arch, __u64 bias,
					  struct ph_unwind_regs *r, ph_unwind_read read, void *ctx)
{
	__u64 at;

	/* One call more than there are frames, or less: that is to be mended first. */
	if (s->at != PH_INTERP_IN || !s->frame || (s->without == 1 && s->shift == PH_INTERP_EVEN) ||
	    !ph_interp_php_bottom(in, s, s->frame, read, ctx) || read(ctx, s->of.own + in->fiber_caller, &s->of.link) ||
	    read(ctx, s->of.link, &s->of.link))
		return false;
	at = s->of.link + (arch == PH_UNWIND_ARM64 ? 0xa0 : in->fiber_saved);
	if (read(ctx, at, &s->of.pc) || !ph_interp_within(&in->fiber_switch, s->of.pc - 1 - bias) ||
	    read(ctx, at - (arch == PH_UNWIND_ARM64 ? 16 : 8), &r->fp) || (arch != PH_UNWIND_ARM64 && read(ctx, at - 16, &r->bx)))
		return false;
	r->pc = s->of.pc;
	r->sp = at + (arch == PH_UNWIND_ARM64 ? 16 : 8);
	r->flags = arch == PH_UNWIND_ARM64 ? PH_REGS_FP : PH_REGS_FP | PH_REGS_BX;
	s->frame = s->of.next;
	s->shift = PH_INTERP_SHIFTED;
	return true;
}

/* Pointers to objects are one higher than these; integers are in the upper half of a word. */
#define PH_V8_IS_OBJECT(word) (((word) & 3) == 1)
enum {
	PH_V8_OF_FUNCTION_SHARED = 24,		/* JSFunction */
	PH_V8_OF_SHARED_NAME = 16,		/* SharedFunctionInfo: name_or_scope_info */
	PH_V8_OF_SHARED_SCRIPT = 32,
	PH_V8_OF_SHARED_FLAGS = 48,		/* in the upper half: function_literal_id */
	PH_V8_OF_SCRIPT_SOURCE = 8,
	PH_V8_OF_SCRIPT_NAME = 16,
	PH_V8_OF_SCRIPT_ID = 64,
	PH_V8_OF_MAP_TYPE = 12,			/* 16 bits */
};

/* What is read on the way: on the stack of a BPF program there is no room for it. */
struct ph_v8_scratch {
	__u64 word, function, script;
	__u64 shared;		/* where the function's SharedFunctionInfo is now */
};

#define PH_V8_NO_TYPE (1u << 16)

/* What kind of object @object is; PH_V8_NO_TYPE: it is none, or none any more. */
ph_unwind_inline __u64 ph_v8_type(__u64 object, struct ph_v8_scratch *v, ph_unwind_read read, void *ctx)
{
	if (!PH_V8_IS_OBJECT(object) || read(ctx, object - 1, &v->word) || !PH_V8_IS_OBJECT(v->word) ||
	    read(ctx, v->word - 1 + PH_V8_OF_MAP_TYPE, &v->word))
		return PH_V8_NO_TYPE;
	return v->word & 0xffff;
}

/* What runs by v->shared, in @thread's V8; 0: it is no SharedFunctionInfo, or of no script. */
ph_unwind_inline __u64 ph_v8_function(const struct ph_interp *in, __u64 thread, struct ph_v8_scratch *v, ph_unwind_read read, void *ctx)
{
	if (ph_v8_type(v->shared, v, read, ctx) != in->type_shared || read(ctx, v->shared - 1 + PH_V8_OF_SHARED_FLAGS, &v->function) ||
	    read(ctx, v->shared - 1 + PH_V8_OF_SHARED_SCRIPT, &v->script) || ph_v8_type(v->script, v, read, ctx) != in->type_script ||
	    read(ctx, v->script - 1 + PH_V8_OF_SCRIPT_ID, &v->script))
		return 0;
	v->function >>= 32;
	v->script >>= 32;
	if (v->function >> PH_V8_FUNCTION_BITS || v->script >> PH_V8_SCRIPT_BITS)
		return 0;
	return ph_v8_word(thread, v->script, v->function);
}

/*
 * The function of JavaScript whose frame is at @fp: below it are its context, where other frames have a number that says what they
 * are, and the function. 0: it is another frame.
 */
ph_unwind_inline __u64 ph_v8_frame(const struct ph_interp *in, __u64 fp, __u64 thread, struct ph_v8_scratch *v, ph_unwind_read read,
				   void *ctx)
{
	if (read(ctx, fp - 8, &v->word) || !PH_V8_IS_OBJECT(v->word) || read(ctx, fp - 16, &v->word) || !PH_V8_IS_OBJECT(v->word) ||
	    read(ctx, v->word - 1 + PH_V8_OF_FUNCTION_SHARED, &v->shared))
		return 0;
	return ph_v8_function(in, thread, v, read, ctx);
}

/* What the current thread's variable points at. @id is its thread pointer. */
ph_unwind_inline bool ph_interp_own(const struct ph_interp *in, struct ph_interp_state *s, __u64 bias, __u64 id,
				    ph_unwind_read read, void *ctx)
{
	__u64 at = bias + in->root;

	if (in->own.how > PH_TLS_PROGRAM && read(ctx, bias + in->own.slot, &s->of.slot))
		return false;
	switch (in->own.how) {
	case PH_TLS_PROGRAM:
		at = id + in->own.off;
		break;
	case PH_TLS_OFFSET:
		at = id + s->of.slot;
		break;
	case PH_TLS_GLIBC:
	case PH_TLS_MUSL:
		/* The second word of both's thread descriptor is the list. */
		if (read(ctx, id + 8, &s->of.own) ||
		    read(ctx, s->of.own + s->of.slot * (in->own.how == PH_TLS_GLIBC ? 16 : 8), &s->of.own))
			return false;
		at = s->of.own + in->own.off;
		break;
	case PH_TLS_KEY:
		/* struct pthread has room for the first 32 keys: {seq, data} at 784, the same since glibc 2.4. */
		if ((__u32)s->of.slot >= 32)
			return false;
		at = id + 784 + 16ull * (__u32)s->of.slot + 8;
		break;
	}
	return !read(ctx, at, &s->of.own) && s->of.own;
}

/* Where a variable of a PHP is, which may have them for each thread: there is then what each has, and how far in it all of them are. */
ph_unwind_inline bool ph_interp_globals(const struct ph_interp *in, struct ph_interp_state *s, __u64 bias, __u64 id, __u64 *ret,
					ph_unwind_read read, void *ctx)
{
	*ret = bias + in->root;
	if (!in->own.how)
		return true;
	if (!ph_interp_own(in, s, bias, id, read, ctx) || read(ctx, bias + in->statement, &s->of.slot))
		return false;
	*ret = s->of.own + s->of.slot + in->root;
	return true;
}

/*
 * Ruby: rb_execution_context_t {vm_stack 0, vm_stack_size 8, cfp 16}. Frames lie on that stack from its end on, the outermost
 * at the very end.
 */
ph_unwind_inline enum ph_interp_step ph_interp_ruby_begin(const struct ph_interp *in, struct ph_interp_state *s, __u64 bias,
							  __u64 id, ph_unwind_read read, void *ctx)
{
	if (!ph_interp_own(in, s, bias, id, read, ctx))
		goto gone;
	/* Whoever has the global lock has set it. */
	if (in->context_thread && (read(ctx, s->of.own + in->context_thread, &s->thread) ||
				   read(ctx, s->thread + in->thread_id, &s->thread) ||
				   !ph_interp_is_thread(in, s->thread, id)))
		goto gone;
	if (read(ctx, s->of.own, &s->end) || read(ctx, s->of.own + 8, &s->of.link) || read(ctx, s->of.own + 16, &s->frame))
		goto gone;
	s->end += s->of.link * 8;
	s->at = PH_INTERP_IN;
	return PH_INTERP_AGAIN;
gone:
	s->at = PH_INTERP_GONE;
	return PH_INTERP_NATIVE;
}

/*
 * rb_control_frame_t {pc 0, iseq 16, ep 32}; of what ep points at the lower half says what it is. rb_iseq_t {body 16}, whose
 * instructions are at 8.
 */
ph_unwind_inline enum ph_interp_step ph_interp_ruby(const struct ph_interp *in, struct ph_interp_state *s, __u64 *frame,
						    ph_unwind_read read, void *ctx)
{
	__u64 at = s->frame;

	if (at >= s->end) {
		s->without = s->at == PH_INTERP_IN;
		s->at = PH_INTERP_OVER;
		return PH_INTERP_NATIVE;
	}
	if (read(ctx, at, &s->of.pc) || read(ctx, at + 16, &s->of.code) || read(ctx, at + 32, &s->of.type) ||
	    read(ctx, s->of.type, &s->of.type))
		goto gone;
	/* VM_FRAME_FLAG_CFRAME: a function in C, which is on the stack as such; VM_FRAME_MAGIC_DUMMY: below the first. */
	if (!s->of.code || s->of.type & 0x80 || (s->of.type & 0x7fff0001) == 0x79990001) {
		s->frame = at + in->frame_size;
		return PH_INTERP_AGAIN;
	}
	if (s->at == PH_INTERP_PAST) {
		s->at = PH_INTERP_MORE;
		return PH_INTERP_NATIVE;
	}
	s->frame = at + in->frame_size;
	if (read(ctx, s->of.code + 16, &s->of.first) || read(ctx, s->of.first + 8, &s->of.first))
		goto gone;
	/* pc is behind the instruction. */
	*frame = ph_interp_frame(PH_INTERP_RUBY, s->of.code, s->of.pc > s->of.first ? (s->of.pc - s->of.first) / 8 - 1 : 0);
	/* VM_FRAME_FLAG_FINISH: the interpreter was called for it. */
	s->at = s->of.type & 0x20 ? PH_INTERP_PAST : PH_INTERP_IN;
	return PH_INTERP_FRAME;
gone:
	s->at = PH_INTERP_GONE;
	return PH_INTERP_NATIVE;
}

/*
 * Perl: PERL_SI {si_cxstack 8, si_prev 16, si_cxsubix 40, si_type 44}, one for what runs on its own (sort, overload, …), and of each
 * the contexts of 104 bytes {type 0, operation 2, oldcop 16, retop 48, old_cxsubix 56, cv 72}. Of these, functions and evals are
 * linked by their indices. A context has the statement that it was called from.
 */
ph_unwind_inline enum ph_interp_step ph_interp_perl_stack(struct ph_interp_state *s, __u64 stack, enum ph_interp_step ret,
							  ph_unwind_read read, void *ctx)
{
	if (!stack || read(ctx, stack + 40, &s->of.link)) {
		s->at = PH_INTERP_GONE;
		return PH_INTERP_NATIVE;
	}
	s->frame = stack;
	s->index = (__s32)s->of.link;
	s->at = PH_INTERP_IN;
	return ret;
}

ph_unwind_inline enum ph_interp_step ph_interp_perl_begin(const struct ph_interp *in, struct ph_interp_state *s, __u64 bias,
							  __u64 id, ph_unwind_read read, void *ctx)
{
	__u64 stack = bias + in->root, statement = bias + in->statement;

	s->between = 0;
	if (in->own.how) {
		if (!ph_interp_own(in, s, bias, id, read, ctx))
			s->of.own = 0;
		stack = s->of.own + in->perl_stack;
		statement = s->of.own + in->perl_statement;
	}
	if (read(ctx, statement, &s->statement) || read(ctx, stack, &s->of.next))
		s->of.next = 0;
	return ph_interp_perl_stack(s, s->of.next, PH_INTERP_AGAIN, read, ctx);
}

/* PERLSI_SORT, CXt_SUB; the block of a sort is no function, and has a context of another type. */
ph_unwind_inline bool ph_interp_perl_sorts(struct ph_interp_state *s, ph_unwind_read read, void *ctx)
{
	return !read(ctx, s->frame + 40, &s->of.type) && s->of.type >> 32 == 3 && !read(ctx, s->of.contexts, &s->of.type) &&
	       (s->of.type & 15) != 9;
}

ph_unwind_inline enum ph_interp_step ph_interp_perl(const struct ph_interp *in, struct ph_interp_state *s, __u64 *frame,
						    ph_unwind_read read, void *ctx)
{
	__u64 at, from = s->statement;

	if (read(ctx, s->frame + 8, &s->of.contexts))
		goto gone;
	if (s->index < 0) {
		if (read(ctx, s->frame + 16, &s->of.next))
			goto gone;
		if (s->of.next)
			return ph_interp_perl_stack(s, s->of.next, ph_interp_perl_sorts(s, read, ctx) ? PH_INTERP_NATIVE :
						    PH_INTERP_AGAIN, read, ctx);
		*frame = ph_interp_frame(PH_INTERP_PERL, from, PH_PERL_MAIN);
		s->at = PH_INTERP_GONE;
		return PH_INTERP_LAST;
	}
	at = s->of.contexts + 104ull * (__u32)s->index;
	if (read(ctx, at, &s->of.type) || read(ctx, at + 48, &s->of.next) || read(ctx, at + 56, &s->of.link))
		goto gone;
	/* It is an earlier one. */
	if ((__s32)s->of.link >= s->index)
		goto gone;
	s->index = (__s32)s->of.link;
	/* CXt_EVAL with CXp_TRYBLOCK: a block within its function. CXt_FORMAT: as good as one. */
	if ((s->of.type & 0x4f) == 0x4b || (s->of.type & 15) == 10)
		return PH_INTERP_AGAIN;
	if (read(ctx, at + 16, &s->statement) || read(ctx, at + 72, &s->of.code))
		goto gone;
	if ((s->of.type & 15) == 11) {
		*frame = ph_interp_frame(PH_INTERP_PERL, from, (s->of.type >> 16 & 0xffff) >> 7 == in->op_eval ? PH_PERL_EVAL :
					 PH_PERL_FILE);
	} else {
		/* struct cop: the operation's number 32 (9 bits), line 36. Else it is being compiled. */
		if (read(ctx, from + 32, &s->of.line) || ((s->of.line & 0x1ff) != in->op_statement &&
							  (s->of.line & 0x1ff) != in->op_statement + 1u))
			s->of.line = 0;
		s->of.line >>= 32;
		*frame = ph_interp_frame(PH_INTERP_PERL, s->of.code,
					 s->of.line < PH_PERL_LINE_MAX ? s->of.line : PH_PERL_LINE_MAX);
	}
	/* Nothing is next: the interpreter was called for it, or it comes last in the block of a sort. */
	return s->of.next || (s->index < 0 && ph_interp_perl_sorts(s, read, ctx)) ? PH_INTERP_FRAME : PH_INTERP_LAST;
gone:
	s->at = PH_INTERP_GONE;
	return PH_INTERP_NATIVE;
}

/*
 * @bias: of the interpreter's file; @id: the current thread's pointer (the register FS_BASE, or TPIDR_EL0).
 */
ph_unwind_inline enum ph_interp_step ph_interp_step(const struct ph_interp *in, struct ph_interp_state *s, __u64 bias,
						    __u64 id, __u64 *frame, ph_unwind_read read, void *ctx)
{
	if (s->shift == PH_INTERP_OUT) {
		s->shift = PH_INTERP_SHIFTED;
		return PH_INTERP_NATIVE;
	}
	if (s->at >= PH_INTERP_OVER) {
		s->without += s->at == PH_INTERP_OVER && s->without < 2;
		return PH_INTERP_NATIVE;
	}
	if (in->kind == PH_INTERP_PYTHON && s->at != PH_INTERP_IN)
		return ph_interp_python_thread(in, s, bias, id, read, ctx);
	if (in->kind == PH_INTERP_RUBY) {
		if (s->at == PH_INTERP_NEW)
			return ph_interp_ruby_begin(in, s, bias, id, read, ctx);
		return ph_interp_ahead(s, ph_interp_ruby(in, s, frame, read, ctx));
	}
	if (in->kind == PH_INTERP_PERL) {
		if (s->at == PH_INTERP_NEW)
			return ph_interp_perl_begin(in, s, bias, id, read, ctx);
		/*
		 * docatch() calls the interpreter again, out of the middle of a function, to run that on: there is nothing else
		 * that is called by the interpreter and calls it.
		 */
		if (s->between == 1)
			return PH_INTERP_NATIVE;
		s->between = 0;
		return ph_interp_perl(in, s, frame, read, ctx);
	}
	if (s->at == PH_INTERP_NEW) {
		s->at = PH_INTERP_IN;
		if (!ph_interp_globals(in, s, bias, id, &s->of.link, read, ctx) || read(ctx, s->of.link, &s->frame))
			s->frame = 0;
	}
	if (!s->frame) {
		s->without = in->kind == PH_INTERP_PHP;
		s->at = s->without ? PH_INTERP_OVER : PH_INTERP_GONE;
		return PH_INTERP_NATIVE;
	}
	if (in->kind == PH_INTERP_PYTHON)
		return ph_interp_python(in, s, frame, read, ctx);
	return ph_interp_ahead(s, ph_interp_php(in, s, frame, read, ctx));
}

#endif
