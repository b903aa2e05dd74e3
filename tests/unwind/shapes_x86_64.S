/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What compilers seldom write, and people and linkers do. Nobody calls these; only what is said of them counts.
 */
	.text

#define FUNCTION(name) .balign 16; .type name, @function; name: .cfi_startproc
#define END(name) .cfi_endproc; .size name, . - name

/* The stack pointer in another register, then saved on the stack, as ciphers do. */
FUNCTION(by_register)
	mov %rsp, %rax
	.cfi_def_cfa_register %rax
	push %rbp
	.cfi_offset %rbp, -16
	push %rbx
	.cfi_offset %rbx, -24
	sub $64, %rsp
	mov %rax, 40(%rsp)
	.cfi_escape 0x0f, 0x05, 0x77, 40, 0x06, 0x23, 0x08	/* *(rsp + 40) + 8 */
	nop
	.cfi_escape 0x0f, 0x03, 0x76, 0x70, 0x06		/* *(rbp - 16) */
	.cfi_escape 0x10, 0x06, 0x02, 0x76, 0x00		/* rbp at rbp + 0 */
	nop
	.cfi_escape 0x0f, 0x02, 0x77, 0x18			/* rsp + 24 */
	.cfi_escape 0x10, 0x06, 0x02, 0x77, 0x08		/* rbp at rsp + 8 */
	nop
	.cfi_def_cfa %rbx, 24
	nop
	.cfi_def_cfa %r15, 24
	nop
	.cfi_def_cfa %rsp, 8
	.cfi_restore %rbp
	.cfi_restore %rbx
	ret
END(by_register)

/* States remembered in each other. */
FUNCTION(remembered)
	.cfi_remember_state
	push %rbp
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %rbp, 0
	.cfi_remember_state
	push %rbx
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %rbx, 0
	nop
	.cfi_restore_state
	ret
	.cfi_restore_state
	ret
END(remembered)

/* Nobody called it. */
FUNCTION(outermost)
	nop
	.cfi_undefined %rip
	nop
	nop
	.cfi_restore %rip
	ret
END(outermost)

/* Registers that are gone, or in others, or whose value is told. */
FUNCTION(lost)
	.cfi_undefined %rbp
	nop
	.cfi_register %rbp, %r10
	nop
	.cfi_same_value %rbp
	nop
	.cfi_escape 0x14, 0x06, 0x02				/* rbp is CFA - 16 */
	nop
	.cfi_escape 0x14, 0x07, 0x00				/* rsp is CFA */
	nop
	.cfi_escape 0x16, 0x06, 0x02, 0x77, 0x08		/* rbp is rsp + 8 */
	nop
	.cfi_escape 0x2f, 0x06, 0x03				/* rbp at CFA + 24, the old way */
	nop
	.cfi_escape 0x10, 0x06, 0x02, 0x23, 0x20		/* rbp at CFA + 32 */
	nop
	.cfi_escape 0x2e, 0x10					/* arguments' size */
	nop
	ret
END(lost)

/* No rules: the return address in a register, the stack pointer elsewhere, expressions of other kinds. */
FUNCTION(bare)
	.cfi_register %rip, %rdx
	nop
	.cfi_offset %rip, -8
	nop
	.cfi_register %rsp, %r8
	nop
	.cfi_escape 0x08, 0x07
	.cfi_escape 0x14, 0x07, 0x00
	nop
	.cfi_escape 0x0f, 0x06, 0x77, 0x08, 0x79, 0x00, 0x22, 0x06	/* *(rsp + 8 + r9) */
	nop
	.cfi_def_cfa %xmm3, 8
	nop
	.cfi_def_cfa %rsp, 8
	ret
END(bare)

/* The linker's PLT, with another place of the push. */
FUNCTION(like_plt)
	.cfi_escape 0x0f, 0x0b, 0x77, 0x08, 0x80, 0x00, 0x3f, 0x1a, 0x35, 0x2a, 0x33, 0x24, 0x22
	.fill 16, 1, 0x90
	ret
END(like_plt)

/* The frame of a signal, as libc says it. */
	.balign 16
	.cfi_startproc
	.cfi_signal_frame
	.cfi_escape 0x0f, 0x04, 0x77, 0xa0, 0x01, 0x06
	.cfi_escape 0x10, 0x06, 0x03, 0x77, 0xf8, 0x00
	.cfi_escape 0x10, 0x03, 0x03, 0x77, 0x80, 0x01
	.cfi_escape 0x10, 0x07, 0x03, 0x77, 0xa0, 0x01
	.cfi_escape 0x10, 0x10, 0x03, 0x77, 0xa8, 0x01
	nop
restorer:
	mov $15, %rax
	syscall
	.cfi_endproc

/* The same without a word, as musl has it, and code of which nothing is said. */
	.balign 16
silent:
	nop
	nop
silent_restorer:
	mov $15, %rax
	syscall
	.fill 20, 1, 0x90

/* Immediately behind each other, and one that is empty. */
FUNCTION(first)
	sub $24, %rsp
	.cfi_adjust_cfa_offset 24
	nop
	.cfi_endproc
	.cfi_startproc
	.cfi_endproc
	.cfi_startproc
	nop
	add $24, %rsp
	ret
END(first)

/* Offsets that no rule has. */
FUNCTION(far)
	.cfi_def_cfa_offset 0x7fffffff
	nop
	.cfi_escape 0x0e, 0x80, 0x80, 0x80, 0x80, 0x08
	nop
	.cfi_def_cfa_offset 8
	ret
END(far)

	.section .note.GNU-stack, "", @progbits
