/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A function, and constants that look like one: push %rbp; mov %rsp,%rbp; nop …; pop %rbp; ret. Both in one segment. */
extern const unsigned char constants_like_code[16];
extern int constants_sum(int n);

const unsigned char constants_like_code[16] __attribute__((aligned(16))) = {
	0x55, 0x48, 0x89, 0xe5, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x5d, 0xc3,
};

int constants_sum(int n)
{
	int sum = 0;

	for (int i = 0; i < n; i++)
		sum += constants_like_code[i % 16] * i;
	return sum;
}
