<?php
// SPDX-License-Identifier: GPL-2.0-or-later
// The same as known.py. PHP's own functions have no line.
$ms = (float)(getenv('KNOWN_MS') ?: 120) / 1000;
function cpu() { $r = getrusage(); return $r['ru_utime.tv_sec'] + $r['ru_utime.tv_usec'] / 1e6; }
function say($line) {
    $s = []; $l = $line;
    foreach (array_slice(debug_backtrace(), 1) as $f) {
        if (in_array($f['function'], ['include', 'require', 'eval', 'include_once'])) { $n = '{main}'; } else
        $n = (isset($f['class']) ? preg_replace('/\0.*/', '', $f['class']) . '::' : '') . $f['function'];
        $n = preg_replace('/\{closure:[^}]*\}/', '{closure}', $n);
        $s[] = "$n:$l"; $l = $f['line'] ?? 0;
    }
    if ($l) $s[] = "{main}:$l";
    fwrite(STDOUT, 'stack ' . implode(';', $s) . "\n");
}
function spin() {
    global $ms; say(19); $end = cpu() + $ms; $x = 1;
    $k = 0; while ($k < 1) { if (cpu() > $end) $k = 1; for ($i = 0; $i < 3000; $i++) { $x = $x * 3 + 1 & 0xffffff; $x ^= 5; } }
    return $x;
}
function plain() { return spin(); }
class Klass {
    public $loud = 0;
    function method() { return spin(); }
    static function stat() { return (new Klass)->method(); }
    function __call($n, $a) { return self::stat(); }
    function __get($n) { return $this->ghost(); }
    function __invoke($x) { return $this->prop; }
    function __toString(): string { spin(); return 'x'; }
    function __destruct() { if ($this->loud) spin(); }
}
class Itr implements IteratorAggregate, Countable, ArrayAccess, JsonSerializable {
    function getIterator(): Iterator { spin(); return new ArrayIterator([1]); }
    function count(): int { return spin(); }
    function offsetGet($o): mixed { return spin(); }
    function offsetSet($o, $v): void { spin(); }
    function offsetExists($o): bool { return (bool)spin(); }
    function offsetUnset($o): void { spin(); }
    function jsonSerialize(): mixed { return spin(); }
}
function gen() { for ($i = 0; $i < 2; $i++) { spin(); yield $i; } return 3; }
function use_gen() { foreach (gen() as $x) {} }
function cmap() { return array_map(new Klass, [1]); }
function csort() { $v = [2, 1]; usort($v, fn($a, $b) => spin() & 0); return $v; }
function cre() { return preg_replace_callback('/a/', function ($m) { return spin(); }, 'xax'); }
function rec($n) { return $n ? rec($n - 1) : spin(); }
function rec_native($n) { return $n ? array_map('rec_native', [$n - 1]) : spin(); }
function rec_mixed($n) { if (!$n) return spin(); return $n % 3 ? rec_mixed($n - 1) : call_user_func('rec_mixed', $n - 1); }
function tostr() { return 'a' . new Klass; }
function dest() { $k = new Klass; $k->loud = 1; unset($k); }
function itr() { $i = new Itr; foreach ($i as $x); count($i); $i[1]; $i[1] = 2; isset($i[1]); unset($i[1]); json_encode($i); }
function exc() { try { throw new Exception('x'); } catch (Exception $e) { spin(); } finally { spin(); } }
function evald() { eval("function in_eval() { return spin(); }\nin_eval();"); }
function clos() { $f = fn($x) => (function () { return spin(); })(); return $f(1); }
function multi() { return max(1,
    2,
    spin(
    ),
    3); }
function ref() { return (new ReflectionFunction('plain'))->invoke(); }
function refm() { $m = 'stat'; return Klass::$m(); }
function walk() { $a = [1]; array_walk($a, function (&$v) { $v = spin(); }); }
function autol() { spl_autoload_register(function ($c) { spin(); eval("class $c {}"); }); new Nowhere1; }
function errh() { set_error_handler(function () { spin(); return true; }); $x = $undefined1; restore_error_handler(); }
function obs() { ob_start(function ($b) { spin(); return $b; }); echo ''; ob_end_clean(); }
function inc() { $t = tempnam('/tmp', 'x'); file_put_contents($t, '<?php function included() { return spin(); } included();'); include $t; unlink($t); }
function named(int ...$a) { return spin(); }
function first() { $f = fibers() ? eval('return plain(...);') : 'plain'; return $f(); }
function leaf() { yield spin(); yield spin(); return 1; }
function inner($n) { if ($n) yield from inner($n - 1); else yield from leaf(); spin(); }
function use_from() { foreach (inner(3) as $x) spin(); }
function shared($g) { yield from $g; }
function two_from() { $g = leaf(); $a = shared($g); $b = shared(shared($g)); $a->current(); $b->current(); $b->next(); }
// 8.0 has no fibers, and no plain(...).
function fibers() { return PHP_VERSION_ID >= 80100; }
function in_fiber($n) {
    spin(); Fiber::suspend($n);
    if ($n) { $f = new Fiber('in_fiber'); $f->start($n - 1); spin(); $f->resume(); }
    array_map('spinner', [1]); Fiber::suspend();
    spin();
}
function spinner() { return spin(); }
function resume_it($f) { $f->resume(); }
function fib($n) { $f = new Fiber('in_fiber'); $f->start($n); $f->resume(); spin(); array_map('resume_it', [$f]); }
function fib_gen() { $f = new Fiber(function () { foreach (inner(1) as $x) Fiber::suspend(); }); $f->start(); $f->resume(); }
function fib_throw() { $f = new Fiber(function () { try { Fiber::suspend(); } catch (Exception $e) { spin(); } }); $f->start(); $f->throw(new Exception('x')); }
usleep((getenv('MATRIX_IDLE_MS') ?: 1500) * 1000);
$all = ['plain', 'use_gen', 'cmap', 'csort', 'cre', 'tostr', 'dest', 'itr', 'exc', 'evald', 'clos', 'multi', 'ref', 'refm', 'walk', 'autol', 'errh', 'obs', 'inc', 'first'];
foreach ($all as $f) $f();
use_from(); two_from();
if (fibers()) { fib(0); fib(2); fib_gen(); fib_throw(); }
rec(60); rec_native(12); rec_mixed(20); named(a: 1); register_shutdown_function('plain');
