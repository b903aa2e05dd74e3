// SPDX-License-Identifier: GPL-2.0-or-later
//
// stack: .*;_start$
'use strict';

function leaf(n)
{
	for (let i = 0; i < 2000; i++)
		n = (n * 31 ^ i) | 0;
	return n;
}

class Square {
	area(n) { return [n, n + 1].map(leaf)[0]; }
}

function deep(n, s)
{
	return n ? deep(n - 1, s) + n : s.area(n);
}

Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, +(process.env.MATRIX_IDLE_MS || 300));
const end = Date.now() + +(process.env.MATRIX_MS || 500);
while (Date.now() < end) {
	deep(30, new Square());
	JSON.parse(JSON.stringify({ a: [1, 2, 3], b: 'text' }));
	[3, 1, 2].sort((a, b) => a - b);
}
