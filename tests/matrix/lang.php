<?php
// SPDX-License-Identifier: GPL-2.0-or-later
//
// stack: (.*;)?{main};zend_execute;
// stack: (.*;)?php_(request|module)_shutdown;
function leaf($n) { for ($i = 0; $i < 200; $i++) $n = ($n * 31 ^ $i) & 0xffff; return $n; }

class Square { function area($n) { return array_sum(array_map('leaf', [$n, $n + 1])); } }

function deep($n, $s) { return $n ? deep($n - 1, $s) + $n : $s->area($n); }

usleep((getenv('MATRIX_IDLE_MS') ?: 300) * 1000);
function cpu() { return getrusage()['ru_utime.tv_sec'] + getrusage()['ru_utime.tv_usec'] / 1e6; }
for ($end = cpu() + (getenv('MATRIX_MS') ?: 500) / 1000; cpu() < $end; ) {
	deep(30, new Square);
	$v = range(0, 50);
	usort($v, fn($a, $b) => $b - $a);
}
