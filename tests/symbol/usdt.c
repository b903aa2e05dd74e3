/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Probes as <sys/sdt.h> writes them, with and without a semaphore. `moved` says that everything was 0x1000 lower when it was
 * linked, as it is where prelink has moved the file since.
 */
#define NOTE(provider, name, args, semaphore, lower)						\
	__asm__ volatile("990:	nop\n"								\
		".pushsection .note.stapsdt, \"\", \"note\"\n"					\
		".balign 4\n"									\
		".4byte 992f-991f, 994f-993f, 3\n"						\
		"991:	.asciz \"stapsdt\"\n"							\
		"992:	.balign 4\n"								\
		"993:	.8byte 990b - " #lower "\n"						\
		".8byte _.stapsdt.base - " #lower "\n"						\
		".8byte " semaphore "\n"							\
		".asciz \"" provider "\"\n.asciz \"" name "\"\n.asciz \"" args "\"\n"		\
		"994:	.balign 4\n"								\
		".popsection\n"									\
		".ifndef _.stapsdt.base\n"							\
		".pushsection .stapsdt.base, \"aG\", \"progbits\", .stapsdt.base, comdat\n"	\
		".weak _.stapsdt.base\n.hidden _.stapsdt.base\n"				\
		"_.stapsdt.base: .space 1\n"							\
		".size _.stapsdt.base, 1\n"							\
		".popsection\n"									\
		".endif\n" : : "i"(0) : "memory")

unsigned short symbol_semaphore __attribute__((section(".probes"), used)) = 0;

void usdt_work(void);
void usdt_work(void)
{
	NOTE("shop", "order", "-4@%%edi 8@-8(%%rbp)", "0", 0);
	NOTE("shop", "paid", "", "symbol_semaphore", 0);
	NOTE("bank", "moved", "4@$7", "0", 0x1000);
}
